//! Scripts, as far as they decide where a word ends.

/// True for letters of scripts that are written without spaces between words: Chinese, Japanese, Thai, Lao, Khmer,
/// Burmese, Tibetan.
pub fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{1950}'..='\u{1aaf}'
        | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{312f}' | '\u{31a0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{aa60}'..='\u{aa7f}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

/// True for syllables and letters of Hangul, whose particles touch the word that they follow.
pub fn is_hangul(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_told_by_their_letters() {
        assert!("中あアไทยລາວខ្មែរမြန်".chars().all(is_unspaced));
        assert!("한글".chars().all(is_hangul));
        assert!(!"aéжعह한".chars().any(is_unspaced));
        assert!(!"aéжعह中".chars().any(is_hangul));
    }
}
