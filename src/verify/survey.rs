//! What a log says of articles and of what they rest on, from one pass over it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use crate::base::{Hash, Timestamp};
use crate::record::relation::Unresolved;
use crate::record::{
    AssessmentState, Body, Entry, NoticeKind, RecordRef, RelationKind, Standings, Target, layout,
};
use crate::tlog::leaf_hash;

use super::lock::{Said, SourceRef};
use super::proof::fault;
use super::reader::{LogReader, ReaderError};
use super::waiting;

/// What lies at an index that a lock file names.
pub(super) struct Pinned {
    /// Leaf hash of the entry.
    pub(super) leaf: Hash,
    /// Whether its signer may have signed it and did.
    pub(super) signer: Result<Hash, String>,
}

/// A statement that waits to be appended, and could be.
pub(super) struct Waiting {
    /// SHA-256 of the entry.
    pub(super) digest: Hash,
    /// Its file, below `records/`.
    pub(super) path: String,
    pub(super) entry: Entry,
}

/// What the log says.
pub(super) struct Survey {
    pub(super) standings: Standings,
    /// What lies at the indices asked for, where the log has them.
    pub(super) pinned: BTreeMap<u64, Pinned>,
    /// The records of the originals asked for, in log order, each by a signer who may.
    pub(super) records: HashMap<Hash, Vec<u64>>,
    /// The latest time that any signer gives.
    pub(super) newest: Option<Timestamp>,
    /// Indices of the entries of kinds that this release does not know and that are about the originals asked for.
    pub(super) unknown: HashMap<Hash, Vec<u64>>,
    /// Entries that could not be read at all, or are of such a kind.
    pub(super) unread: u64,
    /// The root of the first entries, as many as were asked for.
    pub(super) prefix_root: Option<Hash>,
    pub(super) waiting: Vec<Waiting>,
    /// The places in `waiting` of what is about, or relates to, each of the originals asked for.
    about: HashMap<Hash, Vec<usize>>,
    /// Files of what waits that say nothing: they cannot be read, or could not be appended.
    pub(super) waiting_unread: u64,
    /// Whether what waits could be listed.
    pub(super) listed: bool,
}

impl LogReader<'_> {
    /// Reads the whole log: what lies at `indices`, which records have `originals`, what became of everything, and what
    /// waits.
    pub(super) fn survey(
        &self,
        indices: &BTreeSet<u64>,
        originals: impl IntoIterator<Item = Hash>,
        prefix: u64,
    ) -> Result<Survey, ReaderError> {
        let mut survey = Survey {
            standings: Standings::default(),
            pinned: BTreeMap::new(),
            records: originals.into_iter().map(|original| (original, Vec::new())).collect(),
            newest: None,
            unknown: HashMap::new(),
            unread: self.size(),
            prefix_root: None,
            waiting: Vec::new(),
            about: HashMap::new(),
            waiting_unread: 0,
            listed: true,
        };
        let walked = self.walk(Some(prefix), |record| {
            let (index, entry) = (record.index, &record.entry);
            let known = !matches!(entry.body, Body::Unknown);
            survey.unread -= u64::from(known);
            if record.signer.is_ok() && !known {
                // By in-toto's own members, whatever the kind.
                let about = entry.statement.subject.iter().map(|subject| subject.digest.sha256);
                for original in about.filter(|original| survey.records.contains_key(original)) {
                    survey.unknown.entry(original).or_default().push(index);
                }
            }
            if record.signer.is_ok() {
                survey.standings.fold(index, entry);
                survey.newest = survey.newest.max(recorded_at(&entry.body));
                let known = entry.original().and_then(|original| survey.records.get_mut(&original));
                known.into_iter().for_each(|records| records.push(index));
            }
            if indices.contains(&index) {
                let leaf = leaf_hash(&record.bytes);
                survey.pinned.insert(index, Pinned { leaf, signer: record.signer });
            }
            ControlFlow::Continue(())
        })?;
        survey.prefix_root = walked.prefix_root;
        let Ok(listing) = self.files.store.list(layout::PENDING) else {
            survey.listed = false;
            return Ok(survey);
        };
        for key in &listing.keys {
            // What could not be appended says nothing; an audit names it.
            let entry = waiting::read_signed(self.files, key.as_str(), &walked.state).ok();
            let name = key.as_str().rsplit('/').next().and_then(|name| name.strip_suffix(".json"));
            let digest = name.and_then(|name| Hash::from_hex(name).ok());
            let Some((entry, digest)) = entry.filter(|entry| fault(entry).is_none()).zip(digest) else {
                survey.waiting_unread += 1;
                continue;
            };
            let path = key.as_str().to_owned();
            let originals: BTreeSet<Hash> = entry.references().iter().map(|(_, to)| to.original).collect();
            for original in originals.into_iter().filter(|original| survey.records.contains_key(original)) {
                survey.about.entry(original).or_default().push(survey.waiting.len());
            }
            survey.waiting.push(Waiting { digest, path, entry });
        }
        Ok(survey)
    }
}

/// What an article is said to rest on.
pub(super) struct Rests {
    /// Each target and relation once, with the first statement that says so, in log order.
    pub(super) on: Vec<(Target, Said)>,
    /// Indices of statements whose relation this release does not know.
    pub(super) unknown: Vec<u64>,
}

impl Survey {
    /// Returns what the document is said to rest on, by whatever record of it.
    pub(super) fn rests_on(&self, original: &Hash) -> Rests {
        let mut rests = Rests { on: Vec::new(), unknown: Vec::new() };
        let mut known = HashSet::new();
        let records = self.records.get(original).into_iter().flatten();
        for related in records.filter_map(|record| self.standings.of(*record)).flat_map(|one| &one.relations)
        {
            if let RelationKind::Other(_) = related.relation {
                rests.unknown.push(related.by);
            }
            if related.relation.rests_on_target() && known.insert((&related.other, &related.relation)) {
                let said = Said { relation: related.relation.clone(), by: related.by };
                rests.on.push((related.other.clone(), said));
            }
        }
        rests
    }

    /// Returns the statements that wait and say that the document rests on something.
    pub(super) fn waits_to_rest<'a>(
        &'a self,
        original: &'a Hash,
    ) -> impl Iterator<Item = (&'a Waiting, &'a Target)> {
        self.waiting_about(original).filter_map(move |waiting| match &waiting.entry.body {
            Body::Relation(relation)
                if relation.about.original == *original && relation.relation.rests_on_target() =>
            {
                Some((waiting, &relation.target))
            }
            _ => None,
        })
    }

    /// Returns the statements that wait and say something of the document that its users must know: in words, and whether
    /// it must not be used until that is settled. `now` is for embargoes.
    pub(super) fn waits_to_say<'a>(
        &'a self,
        original: &'a Hash,
        now: Timestamp,
    ) -> impl Iterator<Item = (&'a Waiting, &'static str, bool)> {
        self.waiting_about(original).filter_map(move |waiting| {
            let (words, grave) = says_of(&waiting.entry, original, now)?;
            Some((waiting, words, grave))
        })
    }

    fn waiting_about(&self, original: &Hash) -> impl Iterator<Item = &Waiting> {
        self.about.get(original).into_iter().flatten().map(|place| &self.waiting[*place])
    }

    /// Returns the first record of a document that was surveyed.
    pub(super) fn record_of(&self, original: &Hash) -> Option<RecordRef> {
        let record = *self.records.get(original)?.first()?;
        Some(RecordRef { record, original: *original })
    }
}

fn recorded_at(body: &Body) -> Option<Timestamp> {
    match body {
        Body::Registration(one) => Some(one.recorded_at),
        Body::Key(one) => Some(one.recorded_at),
        Body::Relation(one) => Some(one.recorded_at),
        Body::Assessment(one) => Some(one.recorded_at),
        Body::Notice(one) => Some(one.recorded_at),
        Body::Confirmation(one) => Some(one.recorded_at),
        Body::Observation(one) => Some(one.recorded_at),
        Body::Erasure(one) => Some(one.recorded_at),
        Body::Sealed(one) => Some(one.recorded_at),
        Body::Unknown => None,
    }
}

/// What a statement says of a document that others rest on, and whether nobody should until that is settled.
fn says_of(entry: &Entry, original: &Hash, now: Timestamp) -> Option<(&'static str, bool)> {
    const UNKNOWN: (&str, bool) = ("is something that is not known here", true);
    Some(match &entry.body {
        Body::Notice(notice) if notice.about.original == *original => match notice.notice {
            NoticeKind::Retraction => ("was retracted", true),
            NoticeKind::Kill => ("was killed", true),
            NoticeKind::Takedown => ("was taken down", true),
            NoticeKind::Embargo if notice.until.is_some_and(|until| until > now) => {
                ("is under an embargo", true)
            }
            NoticeKind::Embargo => return None,
            NoticeKind::Correction => ("was corrected", false),
            NoticeKind::Clarification => ("was clarified", false),
            NoticeKind::Update => ("was updated", false),
            NoticeKind::Other(_) => UNKNOWN,
        },
        Body::Assessment(assessment) if assessment.about.original == *original => match assessment.state {
            AssessmentState::Refuted => ("was refuted", true),
            AssessmentState::Disputed => ("is disputed", false),
            AssessmentState::Other(_) => UNKNOWN,
            _ => return None,
        },
        Body::Relation(relation) => match (&relation.target, &relation.relation) {
            (Target::Record(target), kind) if target.original == *original => match kind {
                RelationKind::Retracts => ("was retracted", true),
                RelationKind::Corrects => ("was corrected", false),
                RelationKind::Clarifies => ("was clarified", false),
                RelationKind::Updates => ("was updated", false),
                RelationKind::Supersedes => ("was superseded", false),
                RelationKind::Contradicts => ("is contradicted", false),
                RelationKind::Other(_) => UNKNOWN,
                _ => return None,
            },
            _ => return None,
        },
        _ => return None,
    })
}

/// The other end of a relation, to be looked up.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum End<'a> {
    Record(u64),
    Unresolved(&'a Unresolved),
}

impl<'a> End<'a> {
    pub(super) fn of(target: &'a Target) -> Self {
        match target {
            Target::Record(target) => End::Record(target.record),
            Target::Unresolved(unresolved) => End::Unresolved(unresolved),
        }
    }

    pub(super) fn of_source(source: &'a SourceRef) -> Option<Self> {
        match source {
            SourceRef::Record { record, .. } => Some(End::Record(*record)),
            SourceRef::Unresolved(unresolved) => Some(End::Unresolved(unresolved)),
            SourceRef::Pending { .. } => None,
        }
    }
}

/// A target in words.
pub(super) fn shown(target: &Target) -> String {
    match target {
        Target::Record(target) => format!("record {}", target.record),
        Target::Unresolved(unresolved) => words(unresolved),
    }
}

/// A source in words.
pub(super) fn named(source: &SourceRef) -> String {
    match source {
        SourceRef::Record { record, .. } => format!("record {record}"),
        SourceRef::Pending { .. } => "a source that waits".into(),
        SourceRef::Unresolved(unresolved) => words(unresolved),
    }
}

/// What is known of a document that nobody has registered: a stranger's words, cut short.
pub(super) fn words(unresolved: &Unresolved) -> String {
    let Unresolved { text, url, org } = unresolved;
    let parts: Vec<&str> = [text, url, org].into_iter().flatten().map(String::as_str).collect();
    let all = parts.join(", ");
    let cut: String = all.chars().take(120).collect();
    let more = if cut.len() < all.len() { "…" } else { "" };
    format!("\"{cut}{more}\"")
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::base::SigningKey;
    use crate::record::entry::Circumstances;
    use crate::record::relation::AssertedBy;
    use crate::record::{Draft, EntryError, RecordRef, Relation};

    #[test]
    fn a_source_is_told_in_words_and_a_stranger_s_are_cut_short() {
        let of = |text: &str, url: Option<&str>| Unresolved {
            text: Some(text.into()),
            url: url.map(str::to_owned),
            org: None,
        };
        let (most, more) = ("é".repeat(120), "é".repeat(121));
        for (source, told) in [
            (of("a release", None), "\"a release\"".to_owned()),
            (of("a release", Some("https://example.org/")), "\"a release, https://example.org/\"".into()),
            (of(&most, None), format!("\"{most}\"")),
            (of(&more, None), format!("\"{most}…\"")),
        ] {
            assert_eq!(shown(&Target::Unresolved(source.clone())), told);
            assert_eq!(named(&SourceRef::Unresolved(source)), told);
        }
        let (record, original) = (7, Hash([0; 32]));
        assert_eq!(shown(&Target::Record(RecordRef { record, original })), "record 7");
        assert_eq!(named(&SourceRef::Record { record, original, leaf: original }), "record 7");
        assert_eq!(named(&SourceRef::Pending { entry: original, original }), "a source that waits");
    }

    /// An entry with this statement, signed by somebody.
    fn entry(draft: impl FnOnce(&mut Circumstances<'_>) -> Result<Draft, EntryError>) -> Entry {
        let key = SigningKey::from_seed(&Zeroizing::new([3; 32]));
        let recorded_at = Timestamp::from_unix_seconds(1_795_000_000).unwrap();
        let (recorded_by, mut random) = (key.public().key_id(), || [7; 16]);
        let draft = draft(&mut Circumstances { recorded_by, recorded_at, random: &mut random }).unwrap();
        Entry::parse(&draft.sign(&key).unwrap().bytes).unwrap()
    }

    #[test]
    fn what_a_relation_says_of_its_target_is_told_of_no_other_document() {
        let (ours, other) = (Hash([1; 32]), Hash([2; 32]));
        let now = Timestamp::from_unix_seconds(1_795_000_000).unwrap();
        let at = |record, original| RecordRef { record, original };
        let unknown = Some(("is something that is not known here", true));
        for (relation, told) in [
            (RelationKind::Retracts, Some(("was retracted", true))),
            (RelationKind::Corrects, Some(("was corrected", false))),
            (RelationKind::Clarifies, Some(("was clarified", false))),
            (RelationKind::Updates, Some(("was updated", false))),
            (RelationKind::Supersedes, Some(("was superseded", false))),
            (RelationKind::Contradicts, Some(("is contradicted", false))),
            (RelationKind::Other("withers".into()), unknown),
            (RelationKind::Quotes, None),
        ] {
            let entry = entry(|circumstances| {
                let relation = Relation {
                    about: at(9, other),
                    relation: relation.clone(),
                    target: Target::Record(at(4, ours)),
                    asserted_by: AssertedBy::Person,
                    quote: None,
                    recorded_by: circumstances.recorded_by,
                    recorded_at: circumstances.recorded_at,
                };
                Draft::relation(relation, circumstances)
            });
            assert_eq!(says_of(&entry, &ours, now), told, "{relation:?}");
            assert_eq!(says_of(&entry, &other, now), None, "{relation:?}");
        }
    }
}
