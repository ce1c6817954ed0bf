//! One commit: prepared in memory, then carried out in the order that the module's documentation gives.

use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::attest::Disclosure;
use crate::base::limits::{DISCLOSURES_FILE_MAX_BYTES, NOTE_MAX_BYTES, TREE_MAX_SIZE};
use crate::base::{Hash, parallel};
use crate::note::{Checkpoint, Note, OpenError as CheckpointOpenError, Policy};
use crate::record::{DisclosureFile, layout};
use crate::storage::{Key, Move, Object, Store, StoreError};
use crate::tlog::leaf_hash;

use super::edge::{Edge, partial_paths_of};
use super::index::{self, Index};
use super::staging::{ASIDE, StagedBundle, aside_path};
use super::{
    AppendError, COMMITTED, Head, NewRecord, OpenError, OpeningChange, STAGING, SignCheckpoint, key, shared,
};

/// The largest staged bundle that is read back: one commit of the largest batch with all its originals.
pub(super) const STAGING_MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// A commit that is ready to be carried out.
pub(super) struct Commit {
    pub(super) first_index: u64,
    pub(super) staged: StagedBundle,
    pub(super) head: Head,
    /// What each writer of a shared store keeps for itself; otherwise it is staged with the rest.
    pub(super) derived: Vec<Object>,
    pub(super) lent: Lent,
}

/// Bytes among those to be written that the next append continues: they may be large, and are not copied for it.
pub(super) struct Lent {
    /// The partial bundle.
    bundle: Option<Key>,
    openings: Option<LastFile>,
}

/// The last file of openings, by its number and its name.
type LastFile = (u64, Key);

impl Lent {
    /// Takes them back once they are written, from what was staged and what was put aside of it.
    pub(super) fn back(self, staged: &mut StagedBundle, aside: &mut [Object]) -> (Vec<u8>, LastOpenings) {
        let mut take = |to: Key| {
            let bytes = staged.take_bytes(aside, &to);
            bytes.expect("internal error: what was to be written for the next append was not")
        };
        let bundle = self.bundle.map(&mut take).unwrap_or_default();
        (bundle, self.openings.map(|(number, to)| (number, take(to))))
    }
}

/// Works out all that a commit of `records` writes, and has the new checkpoint signed. What is kept of the log is moved on: after an
/// error it is no longer true.
pub(super) fn prepare(
    store: &dyn Store,
    policy: &Policy,
    head: &Head,
    (edge, index, last): (&mut Edge, &mut Index, &mut LastOpenings),
    records: Vec<NewRecord>,
    sign: SignCheckpoint<'_>,
) -> Result<Commit, AppendError> {
    let first_index = head.checkpoint.size();
    let size = first_index.saturating_add(records.len() as u64);
    if size > TREE_MAX_SIZE {
        return Err(AppendError::Full { limit: TREE_MAX_SIZE });
    }
    let leaves: Vec<Hash> = parallel::map(&records, |record| leaf_hash(&record.entry.bytes));
    let (root, mut immutable) = edge.grow(&leaves, &records);
    let own = store.own();
    let (mut mutable, openings) = openings(store, last, first_index, &records, own.is_some())?;
    let lent = Lent { bundle: edge.partial_bundle(), openings };
    let full = edge.entries_in_full_bundles();
    let covered = index.cover(own.unwrap_or(store), full, edge.root_of_full_bundles());
    let mut derived = covered.map_err(AppendError::NotAppended)?;
    if own.is_none() {
        mutable.append(&mut derived);
    }
    let mut originals: Vec<Object> = Vec::new();
    for record in records {
        if let (Some(original), Some(bytes)) = (record.entry.original, record.content) {
            originals.push(Object { key: key(&layout::content_path(&original)), bytes });
        }
    }
    immutable.append(&mut originals);

    let origin = head.checkpoint.origin().clone();
    let checkpoint = Checkpoint::new(origin, size, root).expect("internal error: the new size was checked");
    let bytes = signed(policy, &checkpoint, sign)?;
    let previous_root = head.checkpoint.root_hash();
    let staged = StagedBundle {
        previous_size: first_index,
        previous_root,
        checkpoint: bytes.clone(),
        immutable,
        mutable,
        move_immutable: Vec::new(),
        move_mutable: Vec::new(),
    };
    let head = Head { checkpoint, bytes: Some(bytes) };
    Ok(Commit { first_index, staged, head, derived, lent })
}

/// Signs `checkpoint` and opens it again as a reader would.
fn signed(
    policy: &Policy,
    checkpoint: &Checkpoint,
    sign: SignCheckpoint<'_>,
) -> Result<Vec<u8>, AppendError> {
    let text = checkpoint.format();
    let signature = sign(text.as_bytes())?;
    let log = policy.logs().iter().find(|log| log.key.name().as_str() == checkpoint.origin().as_str());
    let log = log.expect("internal error: the policy does not trust the log that it opened");
    let bytes = Note::signed(&text, &log.key, &signature)?.format().into_bytes();
    open_checkpoint(policy, &bytes)?;
    Ok(bytes)
}

/// Opens a checkpoint as a writer may: it goes on while witnesses are away; readers insist on the quorum.
pub(super) fn open_checkpoint(policy: &Policy, bytes: &[u8]) -> Result<Checkpoint, CheckpointOpenError> {
    Ok(policy.open_signed(bytes)?.checkpoint().clone())
}

/// The last file of openings, as the last commit of a writer whom nobody overtakes made it: its number and its bytes. To read and
/// to take apart what one wrote costs more than a small commit does otherwise.
pub(super) type LastOpenings = Option<(u64, Vec<u8>)>;

/// Returns the last file of openings if it is what it was.
pub(super) fn unchanged(store: &dyn Store, last: LastOpenings) -> Result<LastOpenings, StoreError> {
    let Some((number, bytes)) = last else { return Ok(None) };
    let found = store.get(&key(&layout::disclosures_path(number)), DISCLOSURES_FILE_MAX_BYTES as u64)?;
    Ok((found.as_ref() == Some(&bytes)).then_some((number, bytes)))
}

/// The files of openings that the new records change, with what they hold already; or, if `only_new`, without. With them, where
/// they are whole, the number and name of the last.
fn openings(
    store: &dyn Store,
    last: &mut LastOpenings,
    first_index: u64,
    records: &[NewRecord],
    only_new: bool,
) -> Result<(Vec<Object>, Option<LastFile>), AppendError> {
    let mut files: BTreeMap<u64, Vec<(u64, &String)>> = BTreeMap::new();
    for (index, record) in (first_index..).zip(records) {
        let file = (!record.entry.openings.is_empty()).then_some(index / layout::ENTRIES_PER_FILE);
        if let Some(number) = file {
            let openings = record.entry.openings.iter().map(|opening| (index, opening));
            files.entry(number).or_default().extend(openings);
        }
    }
    let Some(last_number) = files.keys().next_back().copied() else { return Ok((Vec::new(), None)) };
    let known = Mutex::new(last.take());
    let one = |(number, new): &(u64, Vec<(u64, &String)>)| {
        let mut alone = DisclosureFile::default();
        new.iter().for_each(|(index, opening)| alone.push(*index, (*opening).clone()));
        let alone = alone.format();
        // Nobody waits for what another reads.
        let known =
            known.lock().unwrap_or_else(PoisonError::into_inner).take_if(|(known, _)| known == number);
        let mut whole = match known {
            Some((_, bytes)) => bytes,
            None => load_openings(store, *number, first_index)?.format(),
        };
        whole.extend_from_slice(&alone);
        let mut object = opening_object(*number, whole)?;
        if only_new {
            object.bytes = alone;
        }
        Ok(object)
    };
    let files: Vec<_> = files.into_iter().collect();
    let objects: Result<Vec<Object>, AppendError> = shared::at_once(&files, one).into_iter().collect();
    let objects = objects?;
    let lent = objects.last().filter(|_| !only_new).map(|object| (last_number, object.key.clone()));
    Ok((objects, lent))
}

/// The files of openings of a log of `size` entries as `changes` make them.
pub(super) fn changed_openings(
    store: &dyn Store,
    size: u64,
    changes: &[OpeningChange],
) -> Result<Vec<Object>, AppendError> {
    let mut files: BTreeMap<u64, DisclosureFile> = BTreeMap::new();
    for change in changes.iter().filter(|change| change.entry() < size) {
        let number = change.entry() / layout::ENTRIES_PER_FILE;
        let file = match files.entry(number) {
            Occupied(known) => known.into_mut(),
            Vacant(vacant) => vacant.insert(load_openings(store, number, size)?),
        };
        match change {
            OpeningChange::Reveal { entry, opening } if file.of_entry(*entry).contains(opening) => {}
            OpeningChange::Reveal { entry, opening } => file.push(*entry, opening.clone()),
            OpeningChange::Erase { entry, commitments } => file.remove(*entry, |text| {
                Disclosure::parse(text).is_ok_and(|opening| commitments.contains(&opening.digest()))
            }),
        }
    }
    files.into_iter().map(|(number, file)| opening_object(number, file.format())).collect()
}

/// Refuses a file that would be too large to be read again: it would end all appending to its 256 entries.
fn opening_object(number: u64, bytes: Vec<u8>) -> Result<Object, AppendError> {
    let path = layout::disclosures_path(number);
    if bytes.len() > DISCLOSURES_FILE_MAX_BYTES {
        let (size, limit) = (bytes.len(), DISCLOSURES_FILE_MAX_BYTES);
        return Err(AppendError::OpeningsFull { path, size, limit });
    }
    Ok(Object { key: key(&path), bytes })
}

/// Reads file `number`, without what an append that never was left for entries from `size` on.
fn load_openings(store: &dyn Store, number: u64, size: u64) -> Result<DisclosureFile, AppendError> {
    let path = layout::disclosures_path(number);
    let limit = DISCLOSURES_FILE_MAX_BYTES as u64;
    let bytes = store.get(&key(&path), limit).map_err(AppendError::NotAppended)?;
    let file = DisclosureFile::parse(number, &bytes.unwrap_or_default());
    let mut file = file.map_err(|source| AppendError::Openings { path, source })?;
    file.truncate(size);
    Ok(file)
}

impl Commit {
    /// Stages, commits, applies, publishes; returns what is left to be cleaned.
    pub(super) fn carry_out(self, store: &dyn Store, old: &Head) -> Result<Carried, AppendError> {
        let Commit { first_index, mut staged, head, lent, .. } = self;
        let raced = || {
            let (size, root) = (old.checkpoint.size(), old.checkpoint.root_hash());
            AppendError::Raced { size, root }
        };
        if let Err(error) = refuse_what_is_in_the_way(store, &staged.immutable) {
            let committed = store.get(&key(COMMITTED), NOTE_MAX_BYTES as u64);
            let moved_on = committed.is_ok_and(|now| now != old.bytes);
            return Err(if moved_on { raced() } else { AppendError::NotAppended(error) });
        }
        let aside = stage(store, &mut staged, &head.checkpoint).map_err(AppendError::NotAppended)?;
        let expected = old.bytes.as_deref();
        let swapped = match &aside {
            Some(aside) => store.compare_and_move(&aside.committed, expected),
            None => store.compare_and_swap(&key(COMMITTED), expected, &staged.checkpoint),
        };
        match swapped {
            Ok(true) => {}
            Ok(false) => {
                // Best effort: whoever opens the log next removes what is left.
                let _ = aside.map_or(Ok(()), |aside| store.delete(&aside.keys));
                return Err(raced());
            }
            Err(source) => return Err(AppendError::Unknown(source)),
        }
        let size = head.checkpoint.size();
        let mut published = publish(store, &staged, aside.as_ref().map(|aside| &aside.published));
        let mut left = Leftovers { previous_size: staged.previous_size, size, aside: Vec::new() };
        let mut written = Vec::new();
        if let Some(aside) = aside {
            if published.as_ref().is_err_and(is_gone) {
                // Another writer, whom no lock kept out, took it for something left over. It is still at hand; but if
                // he finished this commit, and went on from there, nothing of it may be written over what he wrote.
                let committed = store.get(&key(COMMITTED), NOTE_MAX_BYTES as u64);
                if committed.is_ok_and(|committed| committed.as_ref() == Some(&staged.checkpoint)) {
                    staged.put_back(aside.objects);
                    published = publish(store, &staged, None);
                }
            } else {
                (left.aside, written) = (aside.keys, aside.objects);
            }
        }
        published.map_err(|source| AppendError::Unpublished { first_index, source })?;
        let (bundle, last_openings) = lent.back(&mut staged, &mut written);
        Ok(Carried { head, bundle, last_openings, left: Some(left) })
    }
}

/// A log after a commit.
pub(super) struct Carried {
    pub(super) head: Head,
    /// The bytes of the partial bundle.
    pub(super) bundle: Vec<u8>,
    /// The openings that the next append continues, where none but this writer does.
    pub(super) last_openings: LastOpenings,
    /// What is to be cleaned yet.
    pub(super) left: Option<Leftovers>,
}

/// What a commit that is published leaves behind.
pub(super) struct Leftovers {
    previous_size: u64,
    size: u64,
    aside: Vec<Key>,
}

impl Leftovers {
    /// Index of the first record of the commit.
    pub(super) fn first_index(&self) -> u64 {
        self.previous_size
    }

    /// Step 5.
    pub(super) fn clean(self, store: &dyn Store) -> Result<(), StoreError> {
        clean(store, &[self.previous_size], self.size)?;
        store.delete(&self.aside)
    }
}

/// What was put aside for a commit.
struct Aside {
    /// What is to be in the log, then what says so.
    objects: Vec<Object>,
    /// The names of what was put aside.
    keys: Vec<Key>,
    /// The checkpoint, twice: whoever changes the published one must not change the other.
    committed: Move,
    published: Move,
}

/// Writes all that the commit to `checkpoint` needs, where it does no harm. Where the store allows it, each byte is written
/// once, and what is returned waits for its names.
fn stage(
    store: &dyn Store,
    staged: &mut StagedBundle,
    checkpoint: &Checkpoint,
) -> Result<Option<Aside>, StoreError> {
    if !store.can_move() {
        store.put(&[Object { key: key(STAGING), bytes: staged.encode() }])?;
        return Ok(None);
    }
    let root = checkpoint.root_hash();
    let mut objects = staged.take_aside(&root);
    let [committed, published] = [("committed", COMMITTED), ("published", layout::CHECKPOINT)]
        .map(|(name, to)| Move { from: key(&aside_path(&root, name)), to: key(to) });
    for moved in [&committed, &published] {
        objects.push(Object { key: moved.from.clone(), bytes: staged.checkpoint.clone() });
    }
    let keys = objects.iter().map(|object| object.key.clone()).collect();
    objects.push(Object { key: key(STAGING), bytes: staged.encode() });
    store.put_aside(&objects)?;
    Ok(Some(Aside { objects, keys, committed, published }))
}

fn is_gone(error: &StoreError) -> bool {
    matches!(error, StoreError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
}

/// Refuses to commit where a file with other bytes lies in the place of one that is to be written: after the commit it
/// could not be finished.
fn refuse_what_is_in_the_way(store: &dyn Store, objects: &[Object]) -> Result<(), StoreError> {
    parallel::try_each(objects, |_, Object { key, bytes }| match store.get(key, bytes.len() as u64) {
        Ok(Some(found)) if found != *bytes => Err(StoreError::Immutable { key: key.clone() }),
        Err(StoreError::TooLarge { .. }) => Err(StoreError::Immutable { key: key.clone() }),
        found => found.map(drop),
    })
}

/// Steps 3 and 4: what follows once the checkpoint has moved. Recovery runs the same, and running it twice does no
/// harm. `published` is the checkpoint if it was put aside.
fn publish(store: &dyn Store, staged: &StagedBundle, published: Option<&Move>) -> Result<(), StoreError> {
    if !(staged.immutable.is_empty() && staged.mutable.is_empty()) {
        store.put_together(&staged.immutable, &staged.mutable)?;
    }
    if !(staged.move_immutable.is_empty() && staged.move_mutable.is_empty()) {
        store.put_in_place(&staged.move_immutable, &staged.move_mutable)?;
    }
    match published {
        None => {
            store.put(&[Object { key: key(layout::CHECKPOINT), bytes: staged.checkpoint.clone() }])?;
        }
        Some(published) => {
            let before = store.get(&published.to, NOTE_MAX_BYTES as u64)?;
            if !store.compare_and_move(published, before.as_deref())? {
                let source = std::io::Error::other("another writer replaced it meanwhile");
                return Err(StoreError::Io { op: "publish", path: layout::CHECKPOINT.into(), source });
            }
        }
    }
    Ok(())
}

/// Removes the partial tiles and runs of originals of `older` sizes that a log of `size` entries does not need, and
/// the staged bundle.
fn clean(store: &dyn Store, older: &[u64], size: u64) -> Result<(), StoreError> {
    remove_stale(store, &|size| [partial_paths_of(size), index::paths_of(size)].concat(), older, size)?;
    store.delete(&[key(STAGING)])
}

/// Removes those of the files of `older` sizes, as `of` names them, that a log of `size` entries does not have.
pub(super) fn remove_stale(
    store: &dyn Store,
    of: &dyn Fn(u64) -> Vec<String>,
    older: &[u64],
    size: u64,
) -> Result<(), StoreError> {
    let needed: HashSet<String> = of(size).into_iter().collect();
    let stale = older.iter().flat_map(|older| of(*older));
    let stale: Vec<_> = stale.filter(|path| !needed.contains(path)).map(|path| key(&path)).collect();
    store.delete(&stale)
}

/// Returns whether `head` is what was committed last and published, and nothing lies there of another commit.
pub(super) fn is_where_it_was(store: &dyn Store, policy: &Policy, head: &Head) -> Result<bool, StoreError> {
    let is_head = |name: &str| Ok(store.get(&key(name), NOTE_MAX_BYTES as u64)? == head.bytes);
    Ok(head.bytes.as_ref().is_some_and(|bytes| open_checkpoint(policy, bytes).is_ok())
        && is_head(COMMITTED)?
        && is_head(layout::CHECKPOINT)?
        && store.get(&key(STAGING), STAGING_MAX_BYTES)?.is_none()
        && store.list(ASIDE)?.keys.is_empty())
}

/// Finds the last committed checkpoint, finishing a commit that was interrupted.
pub(super) fn recover(store: &dyn Store, policy: &Policy) -> Result<Head, OpenError> {
    let get = |name: &str| store.get(&key(name), NOTE_MAX_BYTES as u64);
    let published = get(layout::CHECKPOINT)?;
    let committed = get(COMMITTED)?;
    let staged = store.get(&key(STAGING), STAGING_MAX_BYTES)?.map(|bytes| StagedBundle::decode(&bytes));

    let Some(bytes) = committed.clone().or_else(|| published.clone()) else {
        return Err(OpenError::NoLog);
    };
    let checkpoint: Checkpoint = open_checkpoint(policy, &bytes)?;
    let interrupted = staged.as_ref().and_then(|staged| staged.as_ref().ok());
    let interrupted = interrupted.filter(|staged| committed.as_ref() == Some(&staged.checkpoint));
    if let Some(staged) = interrupted
        && is_to_be_finished(policy, staged, &checkpoint, published.as_deref())?
    {
        publish(store, staged, None)?;
        clean(store, &[staged.previous_size], checkpoint.size())?;
        store.delete(&store.list(ASIDE)?.keys)?;
        return Ok(Head { checkpoint, bytes: Some(bytes) });
    }
    let Some(published) = published else { return Err(OpenError::NoLog) };
    if Some(&published) == committed.as_ref() {
        // Staged, but never committed: nobody was told that it was appended.
        let aside = store.list(ASIDE)?.keys;
        if staged.is_some() || !aside.is_empty() {
            store.delete(&aside)?;
            clean(store, &[], checkpoint.size())?;
        }
        return Ok(Head { checkpoint, bytes: Some(bytes) });
    }
    let newer = open_checkpoint(policy, &published)?;
    if committed.is_some() {
        continues(store, &checkpoint, &newer)?;
    }
    // The log came from elsewhere, or was continued elsewhere: this writer goes on from there.
    if !store.compare_and_swap(&key(COMMITTED), committed.as_deref(), &published)? {
        return Err(OpenError::Forked { published: newer.size(), committed: checkpoint.size() });
    }
    let previous = interrupted.map_or(checkpoint.size(), |staged| staged.previous_size);
    // The index is brought up to date from what there is of it.
    remove_stale(store, &partial_paths_of, &[previous, checkpoint.size()], newer.size())?;
    store.delete(&store.list(ASIDE)?.keys)?;
    store.delete(&[key(STAGING)])?;
    Ok(Head { checkpoint: newer, bytes: Some(published) })
}

/// Returns whether `staged`, which was committed as `committed`, is still to be published. It is not where the
/// published log has moved on since: another copy of this log finished the commit and was continued.
fn is_to_be_finished(
    policy: &Policy,
    staged: &StagedBundle,
    committed: &Checkpoint,
    published: Option<&[u8]>,
) -> Result<bool, OpenError> {
    let Some(published) = published.filter(|published| *published != staged.checkpoint) else {
        return Ok(true);
    };
    let published = open_checkpoint(policy, published)?;
    let (size, root) = (published.size(), published.root_hash());
    if size == staged.previous_size && root != staged.previous_root {
        return Err(OpenError::Forked { published: size, committed: committed.size() });
    }
    if size < committed.size() && size != staged.previous_size {
        return Err(OpenError::SetBack { published: size, committed: committed.size() });
    }
    Ok(size == staged.previous_size)
}

/// Checks that the published log continues what was committed here.
pub(super) fn continues(
    store: &dyn Store,
    committed: &Checkpoint,
    published: &Checkpoint,
) -> Result<(), OpenError> {
    let sizes = (published.size(), committed.size());
    if sizes.0 < sizes.1 {
        return Err(OpenError::SetBack { published: sizes.0, committed: sizes.1 });
    }
    match super::edge::root_at(store, published, committed.size())? {
        root if root == committed.root_hash() => Ok(()),
        _ => Err(OpenError::Forked { published: sizes.0, committed: sizes.1 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Kind, NewEntry, SealedEntry};
    use crate::storage::MemoryStore;

    fn record(openings: &[String]) -> NewRecord {
        let entry = NewEntry {
            kind: Kind::Registration,
            bytes: b"x".to_vec(),
            openings: openings.to_vec(),
            original: None,
        };
        NewRecord { entry: SealedEntry::unchecked(entry), content: None }
    }

    #[test]
    fn openings_go_to_the_files_of_their_entries() {
        let store = MemoryStore::default();
        let left = b"254 WyJh\n255 WyJi\n".to_vec();
        store.put(&[Object { key: key("disclosures/000"), bytes: left }]).unwrap();
        let records = [record(&["WyJj".into()]), record(&[]), record(&["WyJk".into(), "WyJl".into()])];
        let (objects, lent) = openings(&store, &mut None, 255, &records, false).unwrap();
        assert_eq!(lent, Some((1, key("disclosures/001"))));
        let (alone, lent) = openings(&store, &mut None, 255, &records, true).unwrap();
        assert_eq!(lent, None);
        let alone: Vec<Vec<u8>> = alone.into_iter().map(|object| object.bytes).collect();
        assert_eq!(alone, [&b"255 WyJj\n"[..], b"257 WyJk\n257 WyJl\n"]);
        let objects: Vec<(&str, &[u8])> =
            objects.iter().map(|object| (object.key.as_str(), object.bytes.as_slice())).collect();
        // What was left for entry 255 by an append that never was is gone; entry 254 keeps its own.
        let expected: [(&str, &[u8]); 2] =
            [("disclosures/000", b"254 WyJh\n255 WyJj\n"), ("disclosures/001", b"257 WyJk\n257 WyJl\n")];
        assert_eq!(objects, expected);
        // What is kept of the last file is continued without a look at the store; where nothing is added it stays.
        let mut last = Some((0, b"3 WyJh\n".to_vec()));
        assert_eq!(openings(&store, &mut last, 255, &[record(&[])], false).unwrap(), (Vec::new(), None));
        let (objects, _) = openings(&store, &mut last, 255, &records, false).unwrap();
        assert_eq!(objects[0].bytes, b"3 WyJh\n255 WyJj\n");
        assert_eq!(last, None);
    }

    #[test]
    fn what_was_lent_comes_back_from_wherever_it_was_written() {
        let lent = || Lent { bundle: Some(key("b")), openings: Some((7, key("o"))) };
        let object = |name: &str| Object { key: key(name), bytes: name.as_bytes().to_vec() };
        let staged = StagedBundle {
            previous_size: 1,
            previous_root: Hash([0; 32]),
            checkpoint: Vec::new(),
            immutable: vec![object("a"), object("b")],
            mutable: vec![object("i"), object("o")],
            move_immutable: Vec::new(),
            move_mutable: Vec::new(),
        };
        let expected = (b"b".to_vec(), Some((7, b"o".to_vec())));
        assert_eq!(lent().back(&mut staged.clone(), &mut []), expected);
        let mut moved = staged;
        let mut aside = moved.take_aside(&Hash([0; 32]));
        aside.push(object("checkpoint"));
        assert_eq!(lent().back(&mut moved, &mut aside), expected);
    }

    #[test]
    fn a_file_of_openings_is_filled_to_the_limit_and_not_past_it() {
        let store = MemoryStore::default();
        let line = |length: usize| "A".repeat(length - "0 \n".len());
        // Lines of 65,536 bytes, a multiple of which is the limit.
        let mut full = vec![line(65_536); DISCLOSURES_FILE_MAX_BYTES / 65_536];
        let (objects, _) = openings(&store, &mut None, 0, &[record(&full)], false).unwrap();
        assert_eq!(objects[0].bytes.len(), DISCLOSURES_FILE_MAX_BYTES);
        full[0].push('A');
        let refused = openings(&store, &mut None, 0, &[record(&full)], false);
        let told = matches!(&refused, Err(AppendError::OpeningsFull { path, size, limit })
            if path == "disclosures/000" && *size == limit + 1);
        assert!(told, "one byte past the limit was taken");
    }

    #[test]
    fn cleaning_removes_no_tile_that_is_needed() {
        let store = MemoryStore::default();
        let names =
            ["tile/0/000.p/255", "tile/0/001.p/1", "tile/1/000.p/1", "tile/entries/000.p/255", STAGING];
        for name in names {
            store.put(&[Object { key: key(name), bytes: Vec::new() }]).unwrap();
        }
        clean(&store, &[255, 256], 257).unwrap();
        let left: Vec<String> = store.list("").unwrap().keys.iter().map(ToString::to_string).collect();
        assert_eq!(left, ["tile/0/001.p/1", "tile/1/000.p/1"]);
    }
}
