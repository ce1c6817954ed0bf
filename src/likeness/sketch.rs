//! The keys by which an index finds texts that may be alike.

use std::collections::BTreeSet;

use crate::base::Hash;

use super::text::{PIECE, SHINGLE, Text, mix};

/// Name and version of what follows: the same text has the same sketch under the same name, in every release.
///
/// - Words are folded: lower case, compatibility form, no marks, no punctuation; a figure is a word with its sign, marks and
///   unit. A shingle is three neighbouring words, or five characters of scripts written without spaces.
/// - The MinHash has 128 values of 32 bits; each two of them make a band, and a band a key.
/// - A paragraph's key is the first 8 bytes of the SHA-256 of its reflow form; a piece, what stands between ends of
///   sentences and quotation marks, has the same of its folded words. Both have six words at least, or ten characters.
pub const SKETCH: &str = "dateline-sketch/1";

/// Values of a MinHash.
pub const MINHASHES: usize = 128;

/// Values of a band: two texts of which a share `s` of all shingles is common share a given band with probability `s²`, one
/// of the 64 with `1 - (1 - s²)^64`: for s = .34, a fifth of the words changed, nearly always; for s = .07, half of them
/// changed, in 27 %; for s = .002, as strangers have, once in four thousand.
const BAND: usize = 2;

/// Keys of paragraphs of one text. Of more, those with the smallest values are kept, of every text alike.
pub const PARAGRAPH_KEYS_MAX: usize = 500;

/// Keys of pieces of one text; of more, the smallest, as for paragraphs.
pub const PIECE_KEYS_MAX: usize = 1_000;

/// What a key is of. The numbers are for tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum KeyKind {
    /// A band of the MinHash: the texts as wholes.
    Band = 0,
    /// A paragraph's wording.
    Paragraph = 1,
    /// A sentence, or a quotation.
    Piece = 2,
    /// A paragraph's or quotation's wording as a record has its digest, where the text is not at hand. No sketch has it.
    Registered = 3,
}

/// What an index keeps of a text. At most 64 + [`PARAGRAPH_KEYS_MAX`] + [`PIECE_KEYS_MAX`] keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    /// The MinHash; all ones for a text without words.
    pub minhash: [u32; MINHASHES],
    /// The keys, sorted, each once.
    pub keys: Vec<(KeyKind, u64)>,
}

impl Sketch {
    /// Makes the sketch of a text. Linear time: 0.3 ms for an article of 300 words, on a core that is shared.
    pub fn of(text: &Text<'_>) -> Self {
        let minhash = minhash(text);
        let mut keys: Vec<(KeyKind, u64)> = Vec::new();
        if text.count() > 0 {
            keys.extend(minhash.chunks_exact(BAND).enumerate().map(|(number, band)| {
                let key = band.iter().fold(number as u64, |key, value| mix(key ^ u64::from(*value)));
                (KeyKind::Band, key)
            }));
        }
        keys.extend(paragraph_keys(text).map(|key| (KeyKind::Paragraph, key)));
        let pieces = text.pieces().into_iter().filter(|piece| text.weight(piece.clone()) >= PIECE);
        let pieces = pieces.map(|piece| {
            let words = &text.words()[piece];
            let words: Vec<u8> = words.iter().flat_map(|word| word.loose.to_be_bytes()).collect();
            paragraph_key(&Hash::of(&words))
        });
        keys.extend(smallest(pieces, PIECE_KEYS_MAX).map(|key| (KeyKind::Piece, key)));
        keys.sort_unstable();
        keys.dedup();
        Sketch { minhash, keys }
    }

    /// The sketch of nothing: without keys.
    pub fn none() -> Self {
        Sketch { minhash: [u32::MAX; MINHASHES], keys: Vec::new() }
    }

    /// Estimates which share of the shingles of both texts is common to both, within about 0.09 (two standard deviations).
    pub fn resemblance(&self, other: &Sketch) -> f64 {
        let equal = self.minhash.iter().zip(&other.minhash).filter(|(one, other)| one == other).count();
        equal as f64 / MINHASHES as f64
    }
}

/// Returns the key of a paragraph from the digest of its reflow form: a record's `paragraphs` and `quotes` hold such.
pub fn paragraph_key(reflow: &Hash) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&reflow.0[..8]);
    u64::from_be_bytes(first)
}

/// Returns the keys of a text's paragraphs that a sketch of it has.
pub fn paragraph_keys(text: &Text<'_>) -> impl Iterator<Item = u64> {
    let paragraphs = text.paragraphs().into_iter();
    let paragraphs = paragraphs.filter(|paragraph| text.weight(text.words_of(paragraph)) >= PIECE);
    let wording = text.wording();
    smallest(
        paragraphs.map(|paragraph| paragraph_key(&Hash::of(wording[paragraph].as_bytes()))),
        PARAGRAPH_KEYS_MAX,
    )
}

fn smallest(keys: impl Iterator<Item = u64>, max: usize) -> impl Iterator<Item = u64> {
    let mut kept = BTreeSet::new();
    for key in keys {
        kept.insert(key);
        if kept.len() > max {
            kept.pop_last();
        }
    }
    kept.into_iter()
}

fn minhash(text: &Text<'_>) -> [u32; MINHASHES] {
    let mut least = [u32::MAX; MINHASHES];
    let functions: [(u64, u64); MINHASHES] = std::array::from_fn(|number| {
        let seed = mix(number as u64);
        (seed, mix(seed) | 1)
    });
    text.windows(
        SHINGLE,
        |word| word.loose,
        |shingle, _| {
            for (least, (xor, factor)) in least.iter_mut().zip(&functions) {
                *least = (*least).min(((shingle ^ xor).wrapping_mul(*factor) >> 32) as u32);
            }
        },
    );
    least
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sketch(text: &str) -> Sketch {
        Sketch::of(&Text::new(text))
    }

    fn common(one: &Sketch, other: &Sketch, kind: KeyKind) -> usize {
        one.keys.iter().filter(|key| key.0 == kind && other.keys.contains(key)).count()
    }

    const DISPATCH: &str = "La ministre a ouvert le port de pêche lundi matin.\n\n\
        « Les quais seront à vous dès demain matin, tous », a-t-elle dit aux pêcheurs réunis devant la criée.";

    #[test]
    fn the_sketch_is_frozen() {
        // A change here is a new version of the sketch, and every index is to be made again.
        let sketch = sketch(DISPATCH);
        assert_eq!(sketch.minhash[..3], FROZEN_MINHASH);
        assert_eq!(sketch.keys.len(), 64 + 2 + 3);
        let all = sketch.keys.iter().map(|(kind, key)| format!("{} {key}\n", *kind as u8));
        assert_eq!(Hash::of(all.collect::<String>().as_bytes()).to_hex()[..16], *FROZEN_KEYS);
    }

    const FROZEN_MINHASH: [u32; 3] = [58939517, 413101994, 230914361];
    const FROZEN_KEYS: &str = "227b5658e8a8e4a2";

    #[test]
    fn what_is_quoted_has_a_key_of_its_own() {
        let whole = sketch(DISPATCH);
        let quoting = sketch(
            "Au port : \"les quais seront à vous dès demain matin, tous\". La foule a applaudi longtemps.",
        );
        assert_eq!(common(&whole, &quoting, KeyKind::Piece), 1);
        let copying = sketch("Le port ouvre.\n\nLa ministre a ouvert le port\nde pêche lundi matin.");
        assert_eq!(common(&whole, &copying, KeyKind::Paragraph), 1);
        let other =
            sketch("Un autre article parle de la récolte de riz dans le delta du fleuve, sans rien du port.");
        assert_eq!(whole.keys.iter().filter(|key| other.keys.contains(key)).count(), 0);
        let chinese = sketch("部长周一说：「码头从明天早上开始归渔民使用」。");
        let quoting = sketch("他写道：“码头从明天早上开始归渔民使用”。");
        assert_eq!(common(&chinese, &quoting, KeyKind::Piece), 1);
    }

    #[test]
    fn keys_are_bounded_and_those_of_two_long_texts_meet() {
        let sentences = |from: usize| -> String {
            let all = (from..from + 3_000).map(|n| format!("The boat number {n} came home on Monday. "));
            all.collect()
        };
        let (one, other) = (sketch(&sentences(0)), sketch(&sentences(1_000)));
        assert_eq!(common(&one, &one, KeyKind::Piece), PIECE_KEYS_MAX);
        assert!(common(&one, &other, KeyKind::Piece) > PIECE_KEYS_MAX / 4);
        assert_eq!(sketch("").keys, []);
        assert_eq!(sketch("").minhash, [u32::MAX; MINHASHES]);
    }

    proptest! {
        #[test]
        fn line_breaks_and_invisible_characters_change_nothing(
            words in prop::collection::vec("[a-zé]{1,8}", 1..60), at in 0usize..60
        ) {
            let plain = words.join(" ");
            let wrapped = words.iter().enumerate().map(|(n, word)| match n % 7 == at % 7 {
                true => format!("{word}\n"),
                false => format!("\u{200b}{word}\u{a0}"),
            });
            prop_assert_eq!(sketch(&plain), sketch(&wrapped.collect::<String>()));
        }
    }
}
