//! (in work)
pub mod claim;

use crate::base::Hash;
pub use claim::{
    Byline, BylineKind, BylineRole, ClaimedOrigin, Dateline, Evidence, Language, LanguageSource, OriginKind,
    OriginRole, Quotation, RuleEvidence, Scope, Selector, Strength, TextClaim,
};
/// x
pub const EXTRACTOR: &str = "dateline-text/1";
/// x
pub const REFLOW: &str = "reflow/1";
/// x
pub const NUMBERS: &str = "numbers/1";
/// x
#[derive(Debug, Clone)]
pub enum Warning {}
#[allow(missing_docs)]
impl Warning {
    pub fn code(&self) -> &'static str {
        ""
    }
    pub fn count(&self) -> usize {
        0
    }
}
/// x
pub const RULESET: &str = "dateline-rules/1";
/// x
pub fn ruleset_digest() -> Hash {
    Hash::of(b"")
}
/// x
#[derive(Debug, Clone)]
pub struct Charset {
    /// x
    pub name: String,
}
/// x
#[derive(Debug, Clone)]
pub struct Digests {
    /// x
    pub original: Hash,
    /// x
    pub text: Hash,
    /// x
    pub reflow: Hash,
    /// x
    pub numbers: Hash,
}
/// x
#[derive(Debug, Clone)]
pub struct Paragraph {
    /// x
    pub start: usize,
    /// x
    pub end: usize,
    /// x
    pub reflow_sha256: Hash,
}
/// x
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Article {
    pub media_type: String,
    pub bytes: u64,
    pub warnings: Vec<Warning>,
    pub charset: Charset,
    pub text: String,
    pub language: Option<Language>,
    pub title: Option<TextClaim>,
    pub dateline: Option<Dateline>,
    pub publisher: Option<TextClaim>,
    pub published_at: Option<TextClaim>,
    pub claimed_origins: Vec<ClaimedOrigin>,
    pub bylines: Vec<Byline>,
    pub quotes: Vec<Quotation>,
    pub digests: Digests,
    pub paragraphs: Vec<Paragraph>,
}
/// x
pub struct ReadOptions<'a> {
    /// x
    pub file_name: Option<&'a str>,
}
/// x
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct ReadError;
/// x
pub fn read(b: &[u8], _o: &ReadOptions<'_>) -> Result<Article, ReadError> {
    let text = std::str::from_utf8(b).map_err(|_| ReadError)?.to_owned();
    Ok(Article {
        media_type: "text/plain".into(),
        bytes: b.len() as u64,
        warnings: vec![],
        charset: Charset { name: "UTF-8".into() },
        language: None,
        title: None,
        dateline: None,
        publisher: None,
        published_at: None,
        claimed_origins: vec![],
        bylines: vec![],
        quotes: vec![],
        digests: Digests {
            original: Hash::of(b),
            text: Hash::of(text.as_bytes()),
            reflow: Hash::of(text.as_bytes()),
            numbers: Hash::of(b""),
        },
        paragraphs: vec![],
        text,
    })
}
/// x
pub fn extract_text(b: &[u8], _m: &str) -> Result<String, ReadError> {
    std::str::from_utf8(b).map_err(|_| ReadError).map(str::to_owned)
}
#[allow(missing_docs)]
pub mod numbers {
    pub const NUMBERS: &str = "";
    pub fn digest(_r: &str) -> crate::base::Hash {
        crate::base::Hash::of(b"")
    }
}
#[allow(missing_docs)]
pub mod reflow {
    pub const REFLOW: &str = "";
    pub struct R(String);
    impl R {
        pub fn as_str(&self) -> &str {
            &self.0
        }
    }
    pub fn reflow(s: &str) -> R {
        R(s.into())
    }
}
#[allow(missing_docs)]
pub mod position {
    use crate::base::Hash;
    pub struct ExtractedText<'t>(&'t str);
    impl<'t> ExtractedText<'t> {
        pub fn new(t: &'t str) -> Self {
            Self(t)
        }
        pub fn sha256(&self) -> Hash {
            Hash::of(self.0.as_bytes())
        }
        pub fn as_str(&self) -> &'t str {
            self.0
        }
        pub fn slice(&self, _a: usize, _b: usize) -> Option<&'t str> {
            None
        }
        pub fn holds(&self, _e: &super::Evidence) -> Result<(), super::ReadError> {
            Ok(())
        }
    }
}
