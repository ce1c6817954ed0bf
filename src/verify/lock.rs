//! The lock file: what articles rest on, pinned to entries of a log.
//!
//! ```json
//! {
//!   "format": "dateline-sources/1",
//!   "log": {
//!     "origin": "news.example.org/provenance",
//!     "vkey": "news.example.org/provenance+…",
//!     "checkpoint": "news.example.org/provenance\n12\n…"
//!   },
//!   "articles": [
//!     {
//!       "path": "articles/lake.md",
//!       "sha256": "…",
//!       "record": 9,
//!       "sources": [
//!         {"record": 4, "original": "…", "leaf": "…", "relation": "cites", "saidBy": 11},
//!         {"record": 5, "original": "…", "leaf": "…"},
//!         {"pending": "…", "original": "…"},
//!         {"unresolved": {"text": "a press release"}, "relation": "quotes", "saidBy": 12}
//!       ]
//!     }
//!   ]
//! }
//! ```
//!
//! A source with `saidBy` stands in the log: that statement says that the article rests on it. One without was named by
//! whoever wrote the file. `leaf` is the leaf hash of the source's entry. One source stands on one line, so that two
//! branches merge and a finding has a line to point to.
//!
//! Who may lie here: whoever can write to the file. It says only what is to be checked; what holds comes from the log.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::base::Hash;
use crate::base::limits::LOCK_PATH_MAX_BYTES;
use crate::note::{OpenedCheckpoint, Policy, VerifierKey};
use crate::record::RelationKind;
use crate::record::relation::Unresolved;

use super::memory::open_signed;

/// The value of `format`.
pub const LOCK_FORMAT: &str = "dateline-sources/1";

/// What articles rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The log's origin.
    origin: String,
    /// The log's key.
    vkey: String,
    /// The checkpoint of the log that it was last written against, a signed note.
    checkpoint: String,
    /// The articles, by path.
    articles: Vec<LockedArticle>,
}

/// One article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedArticle {
    /// Its path below the folder of the lock file.
    pub path: LockPath,
    /// SHA-256 of its bytes.
    pub sha256: Hash,
    /// The first record that registers it, if one does.
    pub record: Option<u64>,
    /// What it rests on.
    pub sources: Vec<LockedSource>,
    /// The line of the file that it stands on, counted from 1; 0 if it was not read from one.
    pub line: u32,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedSource {
    /// What it is.
    pub source: SourceRef,
    /// Which statement says that the article rests on it, and how; `None` if whoever wrote the lock file does.
    pub said: Option<Said>,
    /// The line of the file that it stands on, counted from 1; 0 if it was not read from one.
    pub line: u32,
}

/// What a source is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SourceRef {
    /// A registered document.
    Record {
        /// Index of its record.
        record: u64,
        /// SHA-256 of its original.
        original: Hash,
        /// Leaf hash of its entry.
        leaf: Hash,
    },
    /// A document whose registration waits to be appended.
    Pending {
        /// SHA-256 of the entry that waits.
        entry: Hash,
        /// SHA-256 of its original.
        original: Hash,
    },
    /// One that nobody has registered.
    Unresolved(Unresolved),
}

/// A statement that an article rests on something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Said {
    /// How.
    pub relation: RelationKind,
    /// Index of the statement.
    pub by: u64,
}

/// A path below the folder of a lock file: components joined by `/`, none of them empty, `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockPath(String);

/// Why a lock file cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LockError {
    /// Not the JSON of one.
    #[error("it is not a lock file of sources")]
    Malformed(#[source] serde_json::Error),
    /// Written by a release that this one does not know.
    #[error("its format is {0:?}; this release reads {LOCK_FORMAT:?}")]
    Format(String),
    /// A path that leads elsewhere.
    #[error("line {line}: {path:?} is not a path below the folder of the lock file")]
    Path {
        /// The line, counted from 1.
        line: u32,
        /// The path.
        path: String,
    },
    /// One article twice: which of the two holds?
    #[error("line {line}: {path} stands there a second time")]
    Twice {
        /// The line, counted from 1.
        line: u32,
        /// The path.
        path: String,
    },
    /// A source that is not one thing.
    #[error("line {line}: a source is a record with original and leaf, a pending one, or an unresolved one")]
    Source {
        /// The line, counted from 1.
        line: u32,
    },
    /// The checkpoint is not signed by a log of the policy.
    #[error("its checkpoint is not signed by a log of the policy")]
    NotSigned,
    /// It contradicts itself.
    #[error("the log that it names is not the one whose checkpoint it has")]
    Inconsistent,
    /// It is of another log.
    #[error("it is of the log {found}; the log at hand is {expected}")]
    OtherLog {
        /// The log at hand.
        expected: String,
        /// The log of the lock file.
        found: String,
    },
}

impl LockPath {
    /// Checks and takes `path`; `None` if it is not such a path.
    pub fn new(path: &str) -> Option<Self> {
        let component = |part: &str| !matches!(part, "" | "." | "..");
        // A backslash or a colon leads elsewhere on some machines.
        let character = |c: char| !c.is_control() && !matches!(c, '\\' | ':');
        let good = path.len() <= LOCK_PATH_MAX_BYTES
            && path.split('/').all(component)
            && path.chars().all(character);
        good.then(|| LockPath(path.to_owned()))
    }

    /// Returns the path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    #[serde(rename = "format")]
    _format: IgnoredAny,
    log: WireLog,
    #[serde(borrow)]
    articles: Vec<WireArticle<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireLog {
    origin: String,
    vkey: String,
    checkpoint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireArticle<'a> {
    #[serde(borrow)]
    path: &'a RawValue,
    sha256: Hash,
    record: Option<u64>,
    #[serde(borrow)]
    sources: Vec<&'a RawValue>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireSource {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<Hash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original: Option<Hash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    leaf: Option<Hash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unresolved: Option<Unresolved>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relation: Option<RelationKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    said_by: Option<u64>,
}

#[derive(Deserialize)]
struct FormatOnly {
    format: String,
}

impl Lock {
    /// A lock of no article yet, against `opened`, whose signed note is `checkpoint`.
    pub(super) fn new(checkpoint: &str, opened: &OpenedCheckpoint) -> Self {
        Lock {
            origin: opened.checkpoint().origin().as_str().to_owned(),
            vkey: opened.log().to_string(),
            checkpoint: checkpoint.to_owned(),
            articles: Vec::new(),
        }
    }

    /// Reads a lock file.
    ///
    /// # Errors
    /// [`LockError`] for what is not one. Whose checkpoint it has is looked at when it is used.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        // Looked at first: a later format may have other members.
        let FormatOnly { format } = serde_json::from_str(text).map_err(LockError::Malformed)?;
        if format != LOCK_FORMAT {
            return Err(LockError::Format(format.chars().take(80).collect()));
        }
        let wire: Wire<'_> = serde_json::from_str(text).map_err(LockError::Malformed)?;
        let lines = Lines::of(text);
        let mut articles: Vec<LockedArticle> = Vec::new();
        for article in wire.articles {
            let line = lines.line(article.path);
            let path: String = serde_json::from_str(article.path.get()).map_err(LockError::Malformed)?;
            let path = LockPath::new(&path).ok_or(LockError::Path { line, path })?;
            let mut sources = Vec::new();
            for source in article.sources {
                let line = lines.line(source);
                let wire: WireSource =
                    serde_json::from_str(source.get()).map_err(|_| LockError::Source { line })?;
                sources.push(LockedSource::of(wire, line).ok_or(LockError::Source { line })?);
            }
            let (sha256, record) = (article.sha256, article.record);
            articles.push(LockedArticle { path, sha256, record, sources, line });
        }
        articles.sort_by(|a, b| a.path.cmp(&b.path));
        if let Some(pair) = articles.windows(2).find(|pair| pair[0].path == pair[1].path) {
            let line = pair[0].line.max(pair[1].line);
            return Err(LockError::Twice { line, path: pair[0].path.as_str().to_owned() });
        }
        let WireLog { origin, vkey, checkpoint } = wire.log;
        Ok(Lock { origin, vkey, checkpoint, articles })
    }

    /// Returns the text of the file. The same lock gives the same text.
    pub fn format(&self) -> String {
        let (origin, vkey, checkpoint) = (json(&self.origin), json(&self.vkey), json(&self.checkpoint));
        let mut out = format!(
            "{{\n  \"format\": {},\n  \"log\": {{\n    \"origin\": {origin},\n    \"vkey\": {vkey},\n    \
             \"checkpoint\": {checkpoint}\n  }},\n  \"articles\": [",
            json(&LOCK_FORMAT)
        );
        let mut before = "";
        for article in &self.articles {
            out.push_str(&format!(
                "{before}\n    {{\n      \"path\": {},\n      \"sha256\": {},\n      \"record\": {},\n      \"sources\": [",
                json(&article.path.0),
                json(&article.sha256),
                json(&article.record)
            ));
            let sources: Vec<String> =
                article.sources.iter().map(|source| format!("\n        {}", json(&source.wire()))).collect();
            let end = if sources.is_empty() { "" } else { "\n      " };
            out.push_str(&format!("{}{end}]\n    }}", sources.join(",")));
            before = ",";
        }
        let end = if self.articles.is_empty() { "" } else { "\n  " };
        out.push_str(&format!("{end}]\n}}\n"));
        escaped(&out)
    }

    /// Opens its checkpoint, which must be signed by `log`, whoever cosigned it.
    ///
    /// # Errors
    /// [`LockError::OtherLog`], [`LockError::NotSigned`], [`LockError::Inconsistent`].
    pub(super) fn open(&self, policy: &Policy, log: &VerifierKey) -> Result<OpenedCheckpoint, LockError> {
        if self.vkey != log.to_string() {
            return Err(LockError::OtherLog { expected: log.to_string(), found: self.vkey.clone() });
        }
        let opened = open_signed(policy, self.checkpoint.as_bytes()).ok_or(LockError::NotSigned)?;
        if opened.log() != log || opened.checkpoint().origin().as_str() != self.origin {
            return Err(LockError::Inconsistent);
        }
        Ok(opened)
    }

    /// Returns the articles, by path.
    pub fn articles(&self) -> &[LockedArticle] {
        &self.articles
    }

    /// Returns the article at `path`.
    pub fn article(&self, path: &LockPath) -> Option<&LockedArticle> {
        let place = self.articles.binary_search_by(|article| article.path.cmp(path)).ok()?;
        Some(&self.articles[place])
    }

    /// Puts an article in, in place of the one at its path.
    pub(super) fn put(&mut self, article: LockedArticle) {
        match self.articles.binary_search_by(|known| known.path.cmp(&article.path)) {
            Ok(place) => self.articles[place] = article,
            Err(place) => self.articles.insert(place, article),
        }
    }
}

impl LockedSource {
    /// A source that was not read from a file.
    pub(super) fn new(source: SourceRef, said: Option<Said>) -> Self {
        LockedSource { source, said, line: 0 }
    }

    fn of(wire: WireSource, line: u32) -> Option<Self> {
        let WireSource { record, pending, original, leaf, unresolved, relation, said_by } = wire;
        let source = match (record, pending, original, leaf, unresolved) {
            (Some(record), None, Some(original), Some(leaf), None) => {
                SourceRef::Record { record, original, leaf }
            }
            (None, Some(entry), Some(original), None, None) => SourceRef::Pending { entry, original },
            (None, None, None, None, Some(unresolved)) => SourceRef::Unresolved(unresolved),
            _ => return None,
        };
        let said = match (relation, said_by) {
            (Some(relation), Some(by)) => Some(Said { relation, by }),
            (None, None) => None,
            _ => return None,
        };
        Some(LockedSource { source, said, line })
    }

    fn wire(&self) -> WireSource {
        let mut wire = WireSource::default();
        match &self.source {
            SourceRef::Record { record, original, leaf } => {
                (wire.record, wire.original, wire.leaf) = (Some(*record), Some(*original), Some(*leaf));
            }
            SourceRef::Pending { entry, original } => {
                (wire.pending, wire.original) = (Some(*entry), Some(*original));
            }
            SourceRef::Unresolved(unresolved) => wire.unresolved = Some(unresolved.clone()),
        }
        if let Some(Said { relation, by }) = &self.said {
            (wire.relation, wire.said_by) = (Some(relation.clone()), Some(*by));
        }
        wire
    }
}

/// Our own types always make JSON.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("internal error: a lock file's type does not make JSON")
}

/// Escapes what would hide or turn words around in the eyes of whoever reviews the file: outside of strings JSON is ASCII.
fn escaped(json: &str) -> String {
    use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        let harmful = c.general_category_group() == GeneralCategoryGroup::Other
            || matches!(
                c.general_category(),
                GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
            );
        if c.is_ascii() || !harmful {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

/// Where the lines of a text begin.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        Lines { text, starts: starts.collect() }
    }

    /// Returns the line, counted from 1, that a value taken out of the text stands on: it is a part of the text itself.
    fn line(&self, value: &RawValue) -> u32 {
        let at = (value.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        u32::try_from(self.starts.partition_point(|start| *start <= at)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        let hash = Hash::of(b"x");
        let record = |record| SourceRef::Record { record, original: hash, leaf: hash };
        let said = |relation, by| Some(Said { relation, by });
        let text = "a \"release\"\n of \u{202e}the \u{e0041}\u{2028} Минобороны, 国防部, é".into();
        let unresolved = Unresolved { text: Some(text), ..Unresolved::default() };
        let sources = vec![
            LockedSource::new(record(4), said(RelationKind::Cites, 11)),
            LockedSource::new(record(5), None),
            LockedSource::new(SourceRef::Pending { entry: hash, original: hash }, None),
            LockedSource::new(SourceRef::Unresolved(unresolved), said(RelationKind::Quotes, 12)),
        ];
        let article = |path: &str, sources| LockedArticle {
            path: LockPath::new(path).unwrap(),
            sha256: hash,
            record: Some(9),
            sources,
            line: 0,
        };
        let articles = vec![article("a/b.md", sources), article("c.md", Vec::new())];
        Lock { origin: "o".into(), vkey: "k".into(), checkpoint: "o\n1\n".into(), articles }
    }

    #[test]
    fn what_is_written_is_read_with_its_lines() {
        let text = lock().format();
        assert!(text.contains(r"\u202ethe \udb40\udc41\u2028 Минобороны, 国防部, é"), "{text}");
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        let mut read = Lock::parse(&text).unwrap();
        assert_eq!(read.format(), text);
        for article in &mut read.articles {
            let line = text.lines().nth(article.line as usize - 1).unwrap();
            assert!(line.contains(&format!("\"path\": {}", json(&article.path.0))), "{line}");
            article.line = 0;
            for source in &mut article.sources {
                assert_eq!(
                    text.lines().nth(source.line as usize - 1).unwrap().trim_matches([' ', ',']),
                    escaped(&json(&source.wire()))
                );
                source.line = 0;
            }
        }
        assert_eq!(read, lock());
        // However it is set.
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let flat = Lock::parse(&value.to_string()).unwrap();
        assert!(flat.articles.iter().all(|article| article.line == 1));
        let wide = serde_json::to_string_pretty(&value).unwrap();
        let sources = &Lock::parse(&wide).unwrap().articles[0].sources;
        let begins = wide.lines().zip(1u32..).skip_while(|(line, _)| !line.contains("\"sources\"")).skip(1);
        let begins = begins.filter(|(line, _)| line.trim() == "{").take(sources.len());
        assert!(begins.map(|(_, number)| number).eq(sources.iter().map(|source| source.line)), "{wide}");
        let empty = Lock { articles: Vec::new(), ..lock() };
        assert_eq!(Lock::parse(&empty.format()).unwrap(), empty);
    }

    #[test]
    fn what_is_no_lock_file_is_refused() {
        let text = lock().format();
        for (length, _) in text.char_indices().filter(|(length, _)| *length < text.len() - 2) {
            assert!(matches!(Lock::parse(&text[..length]), Err(LockError::Malformed(_))), "{length}");
        }
        let changed = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            Lock::parse(&text.replace(from, to)).unwrap_err()
        };
        assert!(matches!(changed("sources/1", "sources/2"), LockError::Format(_)));
        assert!(matches!(changed("\"origin\"", "\"more\": 1, \"origin\""), LockError::Malformed(_)));
        assert!(matches!(changed("c.md", "a/b.md"), LockError::Twice { line: 21, path } if path == "a/b.md"));
        assert!(matches!(changed("\"saidBy\":11", "\"saidBy\":\"11\""), LockError::Source { line: 14 }));
        assert!(matches!(changed(",\"saidBy\":11", ""), LockError::Source { line: 14 }));
        assert!(matches!(changed("{\"record\":5,", "{"), LockError::Source { line: 15 }));
        for path in ["../a.md", "/a.md", "a//b", "./a", "a/..", "", "a\\\\b", "C:/a", "a\\u0000", "a/../../b"]
        {
            let error = changed("c.md", path);
            assert!(matches!(error, LockError::Path { line: 21, .. }), "{path}: {error:?}");
        }
        assert!(LockPath::new(&"a".repeat(LOCK_PATH_MAX_BYTES)).is_some());
        assert!(LockPath::new(&"a".repeat(LOCK_PATH_MAX_BYTES + 1)).is_none());
    }
}
