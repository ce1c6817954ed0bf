//! Writing a lock file: what articles rest on, as the log says and as a person does.

use std::collections::{BTreeSet, HashSet};

use thiserror::Error;

use crate::base::Hash;
use crate::record::Target;

use super::evidence::{Contradiction, Evidence};
use super::lock::{Lock, LockError, LockPath, LockedArticle, LockedSource, SourceRef};
use super::reader::{LogReader, ReaderError};
use super::survey::Survey;

/// A source that a person names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// By its record.
    Record(u64),
    /// By its document: the SHA-256 of its bytes, and its name to tell him by.
    Document(Hash, String),
}

/// What a lock file is to say.
#[derive(Debug, Clone)]
pub struct PinRequest {
    /// The articles: where each lies, and the SHA-256 of its bytes.
    pub articles: Vec<(LockPath, Hash)>,
    /// What each of them rests on besides what statements say.
    pub given: Vec<Given>,
    /// Forget what persons named before.
    pub forget_given: bool,
}

/// Why there is no lock file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PinError {
    /// The log cannot be read.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The lock file that is there cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The log does not continue the one that the lock file was written against.
    #[error("the log at hand does not continue the one that the lock file was written against: {}", .0.describe())]
    Contradicts(Contradiction),
    /// A source has no such record.
    #[error("record {0} is not the registration of a document by a signer who may make one")]
    NotARegistration(u64),
    /// A source is registered by nobody.
    #[error("{0} is registered by nobody, and does not wait to be")]
    NotRegistered(String),
}

impl LogReader<'_> {
    /// Returns `previous` with the articles of `request` as the log now says; other articles stay as they are.
    ///
    /// # Errors
    /// [`PinError`].
    pub fn pin(&self, previous: Option<&Lock>, request: &PinRequest) -> Result<Lock, PinError> {
        let old = previous.map(|lock| lock.open(&self.trust.policy, self.opened.log())).transpose()?;
        let documents = request.given.iter().filter_map(|given| match given {
            Given::Document(original, _) => Some(*original),
            Given::Record(_) => None,
        });
        let originals = request.articles.iter().map(|(_, sha256)| *sha256).chain(documents);
        // A source that waited may be in the log by now.
        let waited = previous.into_iter().flat_map(Lock::articles).flat_map(|article| &article.sources);
        let waited = waited.filter_map(|source| match source.source {
            SourceRef::Pending { original, .. } => Some(original),
            _ => None,
        });
        let prefix = old.as_ref().map_or(0, |old| old.checkpoint().size());
        let survey = self.survey(&BTreeSet::new(), originals.chain(waited), prefix)?;
        if let Some(old) = &old
            && let Some(how) = Evidence::contradiction(old, &self.opened, survey.prefix_root.as_ref())
        {
            return Err(PinError::Contradicts(how));
        }
        let checkpoint = String::from_utf8_lossy(self.checkpoint_bytes()).into_owned();
        let mut lock = Lock::new(&checkpoint, &self.opened);
        previous.into_iter().flat_map(Lock::articles).for_each(|article| lock.put(article.clone()));
        for (path, sha256) in &request.articles {
            let known = previous.filter(|_| !request.forget_given).and_then(|lock| lock.article(path));
            let known: &[LockedSource] = known.map_or(&[], |article| &article.sources);
            let sources = self.sources(&survey, sha256, &request.given, known)?;
            let record = survey.record_of(sha256).map(|article| article.record);
            lock.put(LockedArticle { path: path.clone(), sha256: *sha256, record, sources, line: 0 });
        }
        Ok(lock)
    }

    fn sources(
        &self,
        survey: &Survey,
        article: &Hash,
        given: &[Given],
        known: &[LockedSource],
    ) -> Result<Vec<LockedSource>, PinError> {
        let mut sources: Vec<LockedSource> = Vec::new();
        for (target, said) in survey.rests_on(article).on {
            let source = match target {
                Target::Record(target) => self.record_source(survey, target.record)?,
                Target::Unresolved(unresolved) => SourceRef::Unresolved(unresolved),
            };
            sources.push(LockedSource::new(source, Some(said)));
        }
        let mut named: Vec<SourceRef> = Vec::new();
        for source in known.iter().filter(|source| source.said.is_none()) {
            named.push(match &source.source {
                SourceRef::Pending { original, .. } => match survey.record_of(original) {
                    Some(registered) => self.record_source(survey, registered.record)?,
                    None => source.source.clone(),
                },
                other => other.clone(),
            });
        }
        for one in given {
            named.push(match one {
                Given::Record(record) => self.record_source(survey, *record)?,
                Given::Document(original, name) => match survey.record_of(original) {
                    Some(registered) => self.record_source(survey, registered.record)?,
                    None => {
                        let waits = survey.waiting.iter().find(|one| one.entry.original() == Some(*original));
                        let waits = waits.ok_or_else(|| PinError::NotRegistered(name.clone()))?;
                        SourceRef::Pending { entry: waits.digest, original: *original }
                    }
                },
            });
        }
        let mut known: HashSet<SourceRef> = sources.iter().map(|one| one.source.clone()).collect();
        for source in named {
            // What a statement says need not be said by hand.
            if known.insert(source.clone()) {
                sources.push(LockedSource::new(source, None));
            }
        }
        sources.sort_by_cached_key(order);
        Ok(sources)
    }

    fn record_source(&self, survey: &Survey, record: u64) -> Result<SourceRef, PinError> {
        let registered = survey.standings.registered(record);
        let (original, _) = registered.ok_or(PinError::NotARegistration(record))?;
        let leaf = self.with_tiles(|tiles| tiles.leaf(record))?;
        Ok(SourceRef::Record { record, original, leaf })
    }
}

/// The order in the file: records, then what waits, then what is unresolved.
fn order(source: &LockedSource) -> (u8, u64, String, u64) {
    let said = source.said.as_ref();
    let (relation, by) = (said.map(|said| said.relation.clone()), said.map_or(0, |said| said.by));
    let relation = serde_json::json!(relation).to_string();
    match &source.source {
        SourceRef::Record { record, .. } => (0, *record, relation, by),
        SourceRef::Pending { entry, .. } => (1, 0, entry.to_hex(), by),
        SourceRef::Unresolved(_) => (2, by, relation, by),
    }
}
