//! What strangers wrote, on its way to a terminal or a page.

/// Returns `text` with everything escaped that could move the cursor, change what other words seem to say, or hide:
/// control characters, line and paragraph separators, bidirectional controls, zero-width and tag characters.
///
/// `\u{202e}` is printed as these eight characters. Letters of every script stay as they are.
pub(crate) fn sanitize(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// As [`sanitize`], for a page: joiners stay, which some scripts are spelt with, as a page keeps them to their own word.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{200c}' | '\u{200d}' => out.push(c),
            c if is_harmful(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Returns `text` sanitized, cut to `width` characters with `…` where it was cut.
pub(crate) fn sanitize_to(text: &str, width: usize) -> String {
    let whole = sanitize(text);
    if whole.chars().count() <= width {
        return whole;
    }
    let mut cut: String = whole.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmful_characters_are_escaped_and_letters_are_not() {
        assert_eq!(sanitize("Naby\u{1b}[2J"), "Naby\\u{1b}[2J");
        assert_eq!(sanitize("a\u{202e}b\u{2066}c"), "a\\u{202e}b\\u{2066}c");
        assert_eq!(sanitize("a\r\nb\u{85}"), "a\\u{d}\\u{a}b\\u{85}");
        assert_eq!(
            sanitize("Fédération, Минобороны, 国防部, وزارة"),
            "Fédération, Минобороны, 国防部, وزارة"
        );
    }

    #[test]
    fn a_page_keeps_joiners() {
        assert_eq!(visible("می\u{200c}شود\u{202e}"), "می\u{200c}شود\\u{202e}");
    }

    #[test]
    fn cutting_says_so() {
        assert_eq!(sanitize_to("Moscou", 6), "Moscou");
        assert_eq!(sanitize_to("Moscou!", 6), "Mosco…");
    }
}
