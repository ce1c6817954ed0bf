//! What a log says of articles and of what they rest on, from one pass over it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use crate::base::{Hash, Timestamp};
use crate::record::{Body, Entry, RecordRef, RelationKind, Standings, Target, layout};
use crate::tlog::leaf_hash;

use super::lock::Said;
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
            if let Ok(entry) = waiting::read_signed(self.files, key.as_str(), &walked.state) {
                let name = key.as_str().rsplit('/').next().and_then(|name| name.strip_suffix(".json"));
                let digest = name.and_then(|name| Hash::from_hex(name).ok());
                let path = key.as_str().to_owned();
                survey.waiting.extend(digest.map(|digest| Waiting { digest, path, entry }));
            }
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
        let records = self.records.get(original).into_iter().flatten();
        for related in records.filter_map(|record| self.standings.of(*record)).flat_map(|one| &one.relations)
        {
            if let RelationKind::Other(_) = related.relation {
                rests.unknown.push(related.by);
            }
            let same = |(target, said): &(Target, Said)| {
                *target == related.other && said.relation == related.relation
            };
            if related.relation.rests_on_target() && !rests.on.iter().any(same) {
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
        self.waiting.iter().filter_map(move |waiting| match &waiting.entry.body {
            Body::Relation(relation)
                if relation.about.original == *original && relation.relation.rests_on_target() =>
            {
                Some((waiting, &relation.target))
            }
            _ => None,
        })
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
        Body::Unknown => None,
    }
}
