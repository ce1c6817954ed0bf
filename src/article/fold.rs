//! The forms in which words and names are compared. The build script makes the tables with these functions too.

/// Returns `text` in lower case with plain apostrophes, the form in which words are compared.
pub(crate) fn fold(text: &str) -> String {
    text.to_lowercase().replace('’', "'")
}

/// A name as it is compared: lower case, plain apostrophes, single spaces; case counts in names of up to five letters.
pub(crate) fn key(name: &str) -> String {
    let plain: String = name.replace(['’', 'ʼ'], "'").chars().filter(|c| *c != '\u{ad}').collect();
    let single = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if single.chars().count() <= 5 && single.chars().all(|c| c.is_alphabetic()) {
        single
    } else {
        single.to_lowercase()
    }
}
