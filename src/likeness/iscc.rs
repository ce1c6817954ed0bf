//! The Text-Code of ISO 24138 (ISCC): a public name by which others find similar texts.
//!
//! It is blind to what changes a message: `1.5 million` and `15 million`, `-5 °C` and `5 °C`, `pêche` and `péché` have the
//! same code. It finds candidates, and never proves.

use std::fmt;

/// Characters of a text that a code is made of; a longer text has none. The code costs about 0.4 ms for an article.
pub const ISCC_MAX_CHARS: usize = 2_000_000;

/// Bits of the code's body.
const BITS: u32 = 256;

/// A Text-Code of 256 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextCode {
    code: String,
    body: [u8; BITS as usize / 8],
}

impl TextCode {
    /// Returns the code of an extracted text; `None` for one of more than [`ISCC_MAX_CHARS`] characters, and for one of no
    /// words. Linear time.
    pub fn of(text: &str) -> Option<Self> {
        if text.chars().nth(ISCC_MAX_CHARS).is_some() {
            return None;
        }
        let made = iscc_lib::gen_text_code_v0(text, BITS).ok().filter(|made| made.characters > 0)?;
        let (_, _, _, _, body) = iscc_lib::iscc_decode(&made.iscc).ok()?;
        Some(TextCode { body: body.try_into().ok()?, code: made.iscc })
    }

    /// Returns the code as the standard writes it: `ISCC:EAD…`.
    pub fn as_str(&self) -> &str {
        &self.code
    }

    /// Returns in how many of the 256 bits two codes differ: 0 for texts alike but for case, marks and punctuation, about
    /// 128 for strangers.
    pub fn distance(&self, other: &TextCode) -> u32 {
        self.body.iter().zip(&other.body).map(|(one, other)| (one ^ other).count_ones()).sum()
    }
}

impl fmt::Display for TextCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_the_standard() {
        assert!(iscc_lib::conformance_selftest());
        let code = |text: &str, bits| iscc_lib::gen_text_code_v0(text, bits).unwrap().iscc;
        assert_eq!(code("", 64), "ISCC:EAASL4F2WZY7KBXB");
        assert_eq!(code("Hello World", 64), "ISCC:EAASKDNZNYGUUF5A");
        let hello = TextCode::of("Hello World").unwrap();
        assert_eq!(hello.as_str(), "ISCC:EADSKDNZNYGUUF5AMFEJLZ5P66CP5YKCOA3X7F36RWE4CIRCBTUWXYY");
        let many = "Iñtërnâtiônàlizætiøn☃    Iñtërnâtiônàlizætiøn☃";
        let many = TextCode::of(many).unwrap();
        assert_eq!(many.to_string(), "ISCC:EADTJCW2DT555KK6DEQAR5DQT7VYJGZM6CXHG3BM56WOMQDDVS7754I");
    }

    #[test]
    fn it_does_not_see_what_it_must_not_be_asked_for() {
        let code = |text: &str| TextCode::of(text).unwrap();
        for (one, other) in [
            ("le port : 1.5 million", "le port : 15 million"),
            ("il fait -5 °C", "il fait 5 °C"),
            ("la pêche", "la péché"),
        ] {
            assert_eq!(code(one).distance(&code(other)), 0, "{one}");
        }
        assert!(code("le port de la ville").distance(&code("une récolte de riz")) > 60);
    }

    #[test]
    fn what_has_no_code() {
        assert_eq!(TextCode::of(" … "), None);
        assert_eq!(TextCode::of(&"a".repeat(ISCC_MAX_CHARS + 1)), None);
    }
}
