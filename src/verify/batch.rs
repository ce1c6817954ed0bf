//! Bundles of entries, read and taken apart on all cores, with all that belongs to them.

use std::collections::{BTreeMap, HashSet};

use rayon::prelude::*;

use crate::attest::Envelope;
use crate::base::Hash;
use crate::record::entry::OpenedEntry;
use crate::record::{Entry, EntryError, StateError};
use crate::tlog::tree::root_of;
use crate::tlog::{EntryBundle, Tile, leaf_hash};

use super::entry::{Content, SignatureFault, check_content, check_signature};
use super::fetch::Files;
use super::missing::Missing;
use super::references::Registered;
use super::report::{Code, Counts, Finding};
use super::signer_keys::{SignerKey, verify_signatures};

/// A bundle with all that belongs to it.
pub(super) struct Batch {
    pub(super) bundle: EntryBundle,
    pub(super) entries: Result<Vec<Parsed>, Box<Finding>>,
    pub(super) tile: Result<Vec<Hash>, Box<Finding>>,
    /// The digest of the file of openings, and the indices of openings of entries beyond the bundle.
    pub(super) openings: Result<(Hash, Vec<u64>), Box<Finding>>,
    /// The root over the entries, where there are 256 and they give the tile.
    pub(super) root: Option<Hash>,
}

/// An entry, taken apart and checked as far as it can be by itself.
pub(super) struct Parsed {
    pub(super) leaf: Hash,
    pub(super) said: Result<Said, EntryError>,
    pub(super) counts: Counts,
    pub(super) findings: Vec<Finding>,
    pub(super) missing: Option<Missing>,
}

impl Batch {
    /// Reads one, and checks what each entry says by itself. `listed` are the stored originals.
    pub(super) fn read(files: Files<'_>, listed: &HashSet<Hash>, bundle: EntryBundle) -> Self {
        // In this order, in which they were fetched if they were.
        let bytes = files.bundle(bundle);
        let tile = Tile::new(0, bundle.index(), bundle.width());
        let tile = files.tile(tile.expect("internal error: a bundle is as wide as a tile"));
        let openings = files.digested_openings(bundle.index());
        let file = openings.as_ref().ok().map(|(file, _)| file);
        let entries = bytes.and_then(|(found, bytes)| {
            let mut entries = found
                .entries(&bytes)
                .map_err(|error| Finding::new(Code::BundleMalformed, error.to_string()).path(found.path()))?;
            entries.truncate(bundle.width().into());
            let indices = bundle.first_entry()..;
            let entries: Vec<(u64, &[u8])> = indices.zip(entries).collect();
            let parse = |(index, bytes): &(u64, &[u8])| {
                Parsed::read(files, listed, *index, bytes, file.map(|file| file.of_entry(*index)))
            };
            Ok(entries.par_iter().with_min_len(TOGETHER).map(parse).collect::<Vec<_>>())
        });
        let root = match (&entries, &tile) {
            (Ok(entries), Ok(tile)) if tile.len() == 256 => {
                entries.iter().map(|parsed| parsed.leaf).eq(tile.iter().copied()).then(|| root_of(tile))
            }
            _ => None,
        };
        let end = bundle.first_entry() + u64::from(bundle.width());
        let openings =
            openings.map(|(file, digest)| (digest, file.entries().filter(|index| *index >= end).collect()));
        Batch { bundle, entries, tile, openings, root }
    }

    /// Returns whether neither the entries nor their hashes are there.
    pub(super) fn is_lost(&self) -> bool {
        self.entries.is_err() && self.tile.is_err()
    }

    /// Returns the index after that of its last entry.
    pub(super) fn end(&self) -> u64 {
        self.bundle.first_entry() + u64::from(self.bundle.width())
    }
}

/// What an entry says, as far as what follows needs it. What was read on one core is let go there: giving memory back on
/// another costs more than the reading.
pub(super) enum Said {
    /// It registers a document.
    Registration(Envelope, Registered),
    /// Something else.
    Other(Box<Entry>),
}

impl Said {
    pub(super) fn into_envelope(self) -> Envelope {
        match self {
            Said::Registration(envelope, _) => envelope,
            Said::Other(entry) => entry.envelope,
        }
    }
}

impl Parsed {
    fn read(
        files: Files<'_>,
        listed: &HashSet<Hash>,
        index: u64,
        bytes: &[u8],
        openings: Option<&[String]>,
    ) -> Self {
        let leaf = leaf_hash(bytes);
        let parsed = match openings {
            Some(openings) => Entry::parse_opened(bytes, openings).map(|opened| {
                let OpenedEntry { entry, claims, withheld } = opened;
                (Registered::of(&entry, claims), entry, Some(withheld))
            }),
            None => Entry::parse(bytes).map(|entry| (Registered::of(&entry, entry.claims()), entry, None)),
        };
        let (said, counts, findings, missing) = match parsed {
            Ok((registered, entry, withheld)) => {
                let count = openings.map_or(0, |openings| openings.len() as u64);
                let Content { counts, findings, missing } =
                    check_content(files, listed, index, &entry, withheld, count);
                let said = match registered {
                    Registered::Document(..) => Said::Registration(entry.envelope, registered),
                    _ => Said::Other(Box::new(entry)),
                };
                (Ok(said), counts, findings, Some(missing).filter(|missing| !missing.is_empty()))
            }
            Err(error) => (Err(error), Counts::default(), Vec::new(), None),
        };
        Parsed { leaf, said, counts, findings, missing }
    }
}

/// A bundle that was checked in full before, as far as what follows needs it.
pub(super) struct Compared {
    /// The root over its 256 entries.
    pub(super) root: Hash,
    /// How many entries were read.
    pub(super) entries: u64,
    /// The statements about keys in it.
    pub(super) keys: Vec<(u64, Entry)>,
    /// Digest of the file of openings, if it was read.
    pub(super) openings: Option<Hash>,
}

impl Compared {
    /// Reads the tile of a full one, and its entries only if some are statements about keys, whose indices in the whole
    /// log are `keys`. `None` if anything is amiss.
    pub(super) fn read_tile(files: Files<'_>, bundle: EntryBundle, keys: &[u64]) -> Option<Self> {
        if !within(keys, bundle).is_empty() {
            return Compared::read(files, bundle, keys);
        }
        let tile = files.tile(Tile::new(0, bundle.index(), bundle.width())?).ok()?;
        let root = (tile.len() == 256).then(|| root_of(&tile))?;
        Some(Compared { root, entries: 0, keys: Vec::new(), openings: None })
    }

    /// Reads the entries of a full one, which must give its tile, and its openings; `None` if anything is amiss. `keys`
    /// are the indices of the statements about keys in the whole log.
    pub(super) fn read(files: Files<'_>, bundle: EntryBundle, keys: &[u64]) -> Option<Self> {
        let (found, bytes) = files.bundle(bundle).ok()?;
        let entries = found.entries(&bytes).ok()?;
        let tile = files.tile(Tile::new(0, bundle.index(), bundle.width())?).ok()?;
        if !entries.iter().map(|bytes| leaf_hash(bytes)).eq(tile.iter().copied()) || tile.len() != 256 {
            return None;
        }
        let parse = |index: &u64| {
            let place = index.checked_sub(bundle.first_entry())?;
            let bytes = entries.get(usize::try_from(place).ok()?)?;
            Some((*index, Entry::parse(bytes).ok()?))
        };
        let keys = within(keys, bundle).iter().map(parse).collect::<Option<_>>()?;
        let openings = Some(Hash::of(&files.openings_bytes(bundle.index()).ok()?));
        Some(Compared { root: root_of(&tile), entries: 256, keys, openings })
    }
}

/// Returns those of the ascending `indices` that lie in the bundle.
fn within(indices: &[u64], bundle: EntryBundle) -> &[u64] {
    let first = bundle.first_entry();
    let below = |end: u64| indices.partition_point(|index| *index < end);
    indices.get(below(first)..below(first + u64::from(bundle.width()))).unwrap_or_default()
}

/// An entry whose signer is known: its signature can be checked on any core.
pub(super) struct Job {
    pub(super) index: u64,
    pub(super) envelope: Envelope,
    pub(super) key: Result<SignerKey, (Code, StateError)>,
}

/// Entries that are read, or whose signatures are checked, together: enough for these to share what they can.
const TOGETHER: usize = 64;

/// Signatures that are to be checked, and what was counted and found on the way to them.
#[derive(Default)]
pub(super) struct Work {
    /// By the key's id, so that a core has one key's table at hand for long.
    jobs: BTreeMap<Hash, Vec<Vec<Job>>>,
    pub(super) counts: Counts,
    pub(super) findings: Vec<Finding>,
    /// The index after that of the last entry.
    pub(super) end: u64,
}

impl Work {
    /// Adds an entry.
    pub(super) fn push(&mut self, job: Job) {
        let of_key = self.jobs.entry(job.envelope.key_id()).or_default();
        match of_key.last_mut() {
            Some(some) if some.len() < TOGETHER => some.push(job),
            _ => {
                // A hostile log may have a key for each entry: no room is kept for more.
                of_key.push(vec![job]);
            }
        }
    }

    /// Checks all of it, on all cores. Returns what was counted, and what was found.
    pub(super) fn check(self) -> (Counts, Vec<Finding>) {
        let jobs: Vec<Vec<Job>> = self.jobs.into_values().flatten().collect();
        let checked: Vec<_> = jobs.into_par_iter().map(check_together).collect();
        let (mut counts, mut findings) = (self.counts, self.findings);
        for (counted, found) in checked {
            counts.add(&counted);
            findings.extend(found);
        }
        (counts, findings)
    }
}

fn check_together(jobs: Vec<Job>) -> (Counts, Vec<Finding>) {
    let signed: Vec<_> =
        jobs.iter().filter_map(|job| Some((&job.envelope, job.key.as_ref().ok()?))).collect();
    let mut answers = verify_signatures(&signed).into_iter();
    let (mut counts, mut findings) = (Counts::default(), Vec::new());
    for Job { index, envelope, key } in jobs {
        let signature = match key {
            Ok(_) => {
                let answer = answers.next().expect("internal error: a signature without an answer");
                answer.map_err(SignatureFault::Bad)
            }
            Err((code, error)) => Err(SignatureFault::Signer(code, error)),
        };
        let (counted, found) = check_signature(index, &envelope, signature);
        counts.add(&counted);
        findings.extend(found);
    }
    (counts, findings)
}
