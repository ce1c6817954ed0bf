//! What a person decides about a document before it is registered.

use thiserror::Error;

use crate::article::{
    Article, Byline, BylineKind, BylineRole, ClaimedOrigin, Evidence, Language, LanguageSource, OriginKind,
    OriginRole, TextClaim,
};
use crate::base::limits::{CLAIM_MAX_CHARS, CLAIMS_MAX, NOTE_TEXT_MAX_CHARS, URL_MAX_BYTES};

/// What a person says of a document. What is said takes the place of what was found; what is not said leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions {
    /// Claimed origins, in order.
    pub origins: Vec<String>,
    /// Bylines, in order.
    pub bylines: Vec<String>,
    /// The title.
    pub title: Option<String>,
    /// The language, BCP 47.
    pub language: Option<String>,
    /// Who published this copy.
    pub publisher: Option<String>,
    /// When: `2026`, `2026-11`, `2026-11-23` or RFC 3339 with a time.
    pub published_at: Option<String>,
    /// The address of this copy, `http` or `https`.
    pub url: Option<String>,
    /// A free note; committed, not in the clear.
    pub note: Option<String>,
    /// Leave the quotations out of the record.
    pub no_quotes: bool,
    /// Do not store the original with the log.
    pub no_store: bool,
    /// Fields that are committed, beside those that always are.
    pub seal: Vec<SealField>,
}

/// A field of a registration that stands in the clear unless a person has it committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SealField {
    /// The claimed origins, each by itself.
    Origin,
    /// The title.
    Title,
    /// Who published this copy.
    Publisher,
    /// When it was published.
    Published,
    /// Where and when it says that it was filed.
    Dateline,
    /// Its addresses, and how this copy came here.
    Url,
}

impl SealField {
    /// Returns the members of the predicate that are committed as a whole.
    pub(super) fn members(self) -> &'static [&'static str] {
        match self {
            SealField::Origin => &[],
            SealField::Title => &["title"],
            SealField::Publisher => &["publisher"],
            SealField::Published => &["publishedAt"],
            SealField::Dateline => &["dateline"],
            SealField::Url => &["urls", "delivery"],
        }
    }
}

/// Something a person said cannot stand in a record.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecisionError {
    /// Empty, too long, or with control characters in it.
    #[error("{field} must be 1 to {limit} characters without control characters: {value:?}")]
    Text {
        /// Which.
        field: &'static str,
        /// The longest allowed, in characters.
        limit: usize,
        /// The beginning of what was said.
        value: String,
    },
    /// Too many of a kind.
    #[error("{count} times {field}: at most {limit} are recorded")]
    TooMany {
        /// Which.
        field: &'static str,
        /// How many were given.
        count: usize,
        /// The most that are recorded.
        limit: usize,
    },
    /// Not a language tag.
    #[error("not a language tag like fr or pt-BR: {0:?}")]
    Language(String),
    /// Not a date.
    #[error("not a date like 2026, 2026-11, 2026-11-23 or 2026-11-23T09:30:00Z: {0:?}")]
    Date(String),
    /// Not an address of the web.
    #[error("not an address that begins with http:// or https://: {0:?}")]
    Url(String),
}

impl Decisions {
    /// Checks all that was said.
    ///
    /// # Errors
    /// [`DecisionError`] for the first that cannot stand.
    pub fn check(&self) -> Result<(), DecisionError> {
        for (field, values) in [("origin", &self.origins), ("byline", &self.bylines)] {
            if values.len() > CLAIMS_MAX {
                return Err(DecisionError::TooMany { field, count: values.len(), limit: CLAIMS_MAX });
            }
            values.iter().try_for_each(|value| check_text(field, value, CLAIM_MAX_CHARS))?;
        }
        for (field, value, limit) in [
            ("title", &self.title, CLAIM_MAX_CHARS),
            ("publisher", &self.publisher, CLAIM_MAX_CHARS),
            ("note", &self.note, NOTE_TEXT_MAX_CHARS),
        ] {
            value.iter().try_for_each(|value| check_text(field, value, limit))?;
        }
        if let Some(tag) = self.language.as_deref().filter(|tag| !is_language_tag(tag)) {
            return Err(DecisionError::Language(head(tag)));
        }
        if let Some(date) = self.published_at.as_deref().filter(|date| !is_date(date)) {
            return Err(DecisionError::Date(head(date)));
        }
        if let Some(url) = self.url.as_deref().filter(|url| !is_web_address(url)) {
            return Err(DecisionError::Url(head(url)));
        }
        Ok(())
    }

    /// Puts what was said in the place of what was found.
    pub fn apply(&self, article: &mut Article) {
        let stated = |value: &String| TextClaim { value: value.clone(), evidence: Evidence::STATED };
        if !self.origins.is_empty() {
            article.claimed_origins = self.origins.iter().map(|name| stated_origin(name)).collect();
        }
        if !self.bylines.is_empty() {
            article.bylines = self.bylines.iter().map(|name| stated_byline(name)).collect();
        }
        if let Some(title) = &self.title {
            article.title = Some(stated(title));
        }
        if let Some(tag) = &self.language {
            article.language = Some(Language { tag: tag.clone(), source: LanguageSource::Stated });
        }
        if let Some(publisher) = &self.publisher {
            article.publisher = Some(stated(publisher));
        }
        if let Some(date) = &self.published_at {
            article.published_at = Some(stated(date));
        }
    }
}

/// An origin as a person says it.
pub fn stated_origin(name: &str) -> ClaimedOrigin {
    ClaimedOrigin {
        as_printed: name.to_owned(),
        lang: None,
        kind: OriginKind::Unknown,
        organisation: None,
        role: OriginRole::Origin,
        cue: None,
        evidence: Evidence::STATED,
    }
}

/// A byline as a person says it.
pub fn stated_byline(name: &str) -> Byline {
    Byline {
        as_printed: name.to_owned(),
        kind: BylineKind::Unknown,
        role: BylineRole::Author,
        cue: None,
        evidence: Evidence::STATED,
    }
}

fn head(text: &str) -> String {
    text.chars().take(80).collect()
}

fn check_text(field: &'static str, value: &str, limit: usize) -> Result<(), DecisionError> {
    let count = value.chars().count();
    let good = !value.trim().is_empty() && count <= limit && !value.chars().any(char::is_control);
    if good { Ok(()) } else { Err(DecisionError::Text { field, limit, value: head(value) }) }
}

/// The shape of BCP 47: a primary subtag of 2 or 3 letters, then subtags of 1 to 8 letters or digits.
fn is_language_tag(tag: &str) -> bool {
    let mut subtags = tag.split('-');
    let primary = subtags.next().unwrap_or_default();
    (2..=3).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_lowercase())
        && tag.len() <= 35
        && subtags.all(|s| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// A year, a month, a day, or RFC 3339 with a time.
fn is_date(text: &str) -> bool {
    let padded = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.to_owned(),
    };
    let day = chrono::NaiveDate::parse_from_str(&padded, "%Y-%m-%d");
    day.is_ok_and(|day| day.format("%Y-%m-%d").to_string() == padded)
        || chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

fn is_web_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    url.len() <= URL_MAX_BYTES
        && rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !url.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for good in ["fr", "pt-BR", "zh-Hans-CN", "bam"] {
            assert!(is_language_tag(good), "{good}");
        }
        for bad in ["", "f", "FR", "french", "fr_FR", "fr-", "fr-überlang"] {
            assert!(!is_language_tag(bad), "{bad}");
        }
        for good in ["2026", "2026-11", "2026-11-23", "2026-11-23T09:30:00Z", "2026-11-23T09:30:00+01:00"] {
            assert!(is_date(good), "{good}");
        }
        for bad in ["", "26", "2026-13", "2026-02-30", "23/11/2026", "2026-1-1", "+026"] {
            assert!(!is_date(bad), "{bad}");
        }
        for good in ["https://example.org", "http://example.org/a?b#c", "https://exämple.org/é"] {
            assert!(is_web_address(good), "{good}");
        }
        for bad in ["", "example.org", "https://", "https:///x", "javascript:alert(1)", "http://a b"] {
            assert!(!is_web_address(bad), "{bad}");
        }
    }

    #[test]
    fn bounds() {
        let title = |title: String| Decisions { title: Some(title), ..Decisions::default() }.check();
        assert_eq!(title("a".repeat(CLAIM_MAX_CHARS)), Ok(()));
        assert!(title("a".repeat(CLAIM_MAX_CHARS + 1)).is_err());
        assert!(title(String::new()).is_err());
        assert!(title("a\u{1b}[2J".into()).is_err());
        let origins =
            |count| Decisions { origins: vec!["AFP".into(); count], ..Decisions::default() }.check();
        assert_eq!(origins(CLAIMS_MAX), Ok(()));
        assert!(origins(CLAIMS_MAX + 1).is_err());
    }
}
