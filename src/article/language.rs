//! The language of a text, or none: what is short or mixed is not guessed at.

use whatlang::Lang;

use super::claim::{Language, LanguageSource};

/// Characters of the text that are looked at.
const SAMPLE_CHARS: usize = 8_000;

/// Letters below which nothing is said.
const LETTERS_MIN: usize = 60;

/// Detects the language of a reflowed text; `None` when it has fewer than sixty letters, when the detector does
/// not call itself reliable, or when the language has no two-letter tag here.
pub fn detect(reflowed: &str) -> Option<Language> {
    let end = reflowed.char_indices().nth(SAMPLE_CHARS).map_or(reflowed.len(), |(at, _)| at);
    let sample = &reflowed[..end];
    if sample.chars().filter(|c| c.is_alphabetic()).take(LETTERS_MIN).count() < LETTERS_MIN {
        return None;
    }
    let found = whatlang::detect(sample).filter(whatlang::Info::is_reliable)?;
    Some(Language { tag: tag(found.lang())?.to_owned(), source: LanguageSource::Detected })
}

/// Reads a declared language: `fr`, `fr-ML`, `fr_FR`, `EN`. Keeps the primary subtag, in lower case.
pub fn declared(printed: &str) -> Option<Language> {
    let primary = printed.trim().split(['-', '_']).next()?;
    let valid = (2..=3).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_alphabetic());
    valid.then(|| Language { tag: primary.to_ascii_lowercase(), source: LanguageSource::Declared })
}

fn tag(lang: Lang) -> Option<&'static str> {
    Some(match lang {
        Lang::Eng => "en",
        Lang::Fra => "fr",
        Lang::Rus => "ru",
        Lang::Cmn => "zh",
        Lang::Ara => "ar",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Deu => "de",
        Lang::Ita => "it",
        Lang::Nld => "nl",
        Lang::Pol => "pl",
        Lang::Ukr => "uk",
        Lang::Bel => "be",
        Lang::Bul => "bg",
        Lang::Mkd => "mk",
        Lang::Srp => "sr",
        Lang::Hrv => "hr",
        Lang::Slv => "sl",
        Lang::Slk => "sk",
        Lang::Ces => "cs",
        Lang::Hun => "hu",
        Lang::Ron => "ro",
        Lang::Ell => "el",
        Lang::Tur => "tr",
        Lang::Aze => "az",
        Lang::Uzb => "uz",
        Lang::Tuk => "tk",
        Lang::Jpn => "ja",
        Lang::Kor => "ko",
        Lang::Vie => "vi",
        Lang::Tha => "th",
        Lang::Khm => "km",
        Lang::Mya => "my",
        Lang::Ind => "id",
        Lang::Jav => "jv",
        Lang::Tgl => "tl",
        Lang::Hin => "hi",
        Lang::Mar => "mr",
        Lang::Nep => "ne",
        Lang::Ben => "bn",
        Lang::Pan => "pa",
        Lang::Guj => "gu",
        Lang::Ori => "or",
        Lang::Tam => "ta",
        Lang::Tel => "te",
        Lang::Kan => "kn",
        Lang::Mal => "ml",
        Lang::Sin => "si",
        Lang::Urd => "ur",
        Lang::Pes => "fa",
        Lang::Heb => "he",
        Lang::Yid => "yi",
        Lang::Amh => "am",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Nob => "nb",
        Lang::Fin => "fi",
        Lang::Est => "et",
        Lang::Lav => "lv",
        Lang::Lit => "lt",
        Lang::Kat => "ka",
        Lang::Hye => "hy",
        Lang::Epo => "eo",
        Lang::Lat => "la",
        Lang::Cat => "ca",
        Lang::Aka => "ak",
        Lang::Sna => "sn",
        Lang::Zul => "zu",
        Lang::Afr => "af",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRENCH: &str = "Les pêcheurs du lac ont repris la mer ce matin, après trois jours de tempête, et les premiers \
        bateaux sont rentrés chargés de poisson.";

    #[test]
    fn tells_french_from_english() {
        let tag = |text: &str| detect(text).map(|language| language.tag);
        assert_eq!(tag(FRENCH).as_deref(), Some("fr"));
        let english = "The fishermen went back to the lake this morning, after three days of storm, and the first boats \
            came home full of fish.";
        assert_eq!(tag(english).as_deref(), Some("en"));
    }

    #[test]
    fn abstains_on_little() {
        for text in ["", "Bonjour à tous", "12 345 678 90", &"1234567890 ".repeat(50)] {
            assert_eq!(detect(text), None, "{text}");
        }
    }

    #[test]
    fn declared_tags_are_checked() {
        for (printed, expected) in
            [("fr", Some("fr")), ("fr-ML", Some("fr")), ("EN_us", Some("en")), ("bm", Some("bm"))]
        {
            assert_eq!(declared(printed).map(|l| l.tag).as_deref(), expected);
        }
        for bad in ["", "français", "f", "12", "<b>"] {
            assert_eq!(declared(bad), None, "{bad}");
        }
    }
}
