//! A commit on a store that any number of writers have open at once, with nothing but conditional writes between them.
//!
//! The steps are those of one writer, with this in their place:
//!
//! 1. **stage**: everything in one bundle, under a name of its own for each attempt (`.local/staged/<from>-<to>-<root>-<digest>`:
//!    the sizes of the log before and after, the root after, the bundle), so that a writer who was overtaken replaces nobody's;
//! 2. **commit**: `.local/checkpoint` moves by a conditional write; one wins;
//! 3. **apply**: tiles and originals are created, never replaced; openings are added to what is there by conditional
//!    writes, as somebody may erase some meanwhile;
//! 4. **publish**: `checkpoint` moves by a conditional write from the one before, so that a slow writer never sets it back;
//! 5. **clean**: partial tiles that no checkpoint needs, and bundles that can no longer be committed.
//!
//! Nobody commits on a checkpoint before it is published, and whoever finds one that is not finishes it: the writer may be dead. Every
//! bundle that leads to it is applied; two that lead to the same checkpoint hold the same entries. So each step after 2
//! may be done by several, at any speed, and whoever is late must do no harm: tiles of a size never have other bytes, and what
//! was erased since is erased again by him who may have brought it back.
//!
//! Known gap: a writer that stands still between two requests for as long as it takes others to finish his commit and to erase
//! something of it, then makes his next request, and dies before the one after it, can leave what was erased.
//! Erasing again removes it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::attest::Disclosure;
use crate::base::Hash;
use crate::base::encoding::from_decimal;
use crate::base::limits::{DISCLOSURES_FILE_MAX_BYTES, NOTE_MAX_BYTES};
use crate::note::{Checkpoint, Policy};
use crate::record::{Body, DisclosureFile, Entry, layout};
use crate::storage::{Key, Object, Store, StoreError};
use crate::tlog::bundle::BUNDLE_MAX_BYTES;
use crate::tlog::bundles_of;

use super::commit::{self, Commit, STAGING_MAX_BYTES};
use super::edge::partial_paths_of;
use super::staging::{ASIDE, StagedBundle};
use super::{AppendError, COMMITTED, Head, OpenError, OpeningChange, index, key};

/// How often one looks whether a commit is published before one finishes it oneself, and how often again where there is
/// nothing to finish it with.
const PATIENCE: u32 = 6;
const LONG_PATIENCE: u32 = 12;
/// How often one tries to undo what was written too late.
const UNDO_TRIES: u32 = 20;
/// How often a conditional write of one file of openings is tried.
const TRIES: u32 = 1_000;
/// Files of openings that are read or written at a time.
const AT_ONCE: usize = 16;

/// Returns the name of a staged bundle: which log it leads from and to, and its digest.
fn staged_path(from: u64, checkpoint: &Checkpoint, bytes: &[u8]) -> Key {
    let (size, root, digest) = (checkpoint.size(), checkpoint.root_hash().to_hex(), Hash::of(bytes).to_hex());
    key(&format!("{ASIDE}/{from}-{size}-{}-{}", &root[..32], &digest[..32]))
}

/// What the name of a staged bundle says.
struct Named<'k> {
    from: u64,
    to: u64,
    root: &'k str,
}

impl<'k> Named<'k> {
    fn read(name: &'k Key) -> Option<Self> {
        let mut parts = name.as_str().strip_prefix(ASIDE)?.strip_prefix('/')?.split('-');
        let (from, to) = (from_decimal(parts.next()?).ok()?, from_decimal(parts.next()?).ok()?);
        Some(Named { from, to, root: parts.next()? })
    }
}

fn committed(store: &dyn Store) -> Result<Option<Vec<u8>>, StoreError> {
    store.get(&key(COMMITTED), NOTE_MAX_BYTES as u64)
}

/// What came of a commit.
pub(super) struct Done {
    pub(super) head: Head,
    /// The bytes of the partial bundle.
    pub(super) bundle: Vec<u8>,
    /// Whether others were at it at the same time.
    pub(super) contended: bool,
}

/// Stages, commits, applies, publishes, cleans; then keeps what this writer derives for itself.
pub(super) fn carry_out(
    commit: Commit,
    store: &dyn Store,
    own: &dyn Store,
    old: &Head,
) -> Result<Done, AppendError> {
    let Commit { first_index, mut staged, head, derived, lent } = commit;
    let raced = || AppendError::Raced { size: old.checkpoint.size(), root: old.checkpoint.root_hash() };
    // A store may take its time to refuse: whoever is late already had better not ask.
    if committed(store).map_err(AppendError::NotAppended)? != old.bytes {
        return Err(raced());
    }
    let bytes = staged.encode();
    let name = staged_path(first_index, &head.checkpoint, &bytes);
    let object = Object { key: name.clone(), bytes };
    store.put_immutable(std::slice::from_ref(&object)).map_err(AppendError::NotAppended)?;
    drop(object);
    match store.compare_and_swap(&key(COMMITTED), old.bytes.as_deref(), &staged.checkpoint) {
        Ok(true) => {}
        // What was staged stays: the winner sees by it that he is not alone, and removes it.
        Ok(false) => return Err(raced()),
        Err(source) => return Err(AppendError::Unknown(source)),
    }
    let unpublished = |source| AppendError::Unpublished { first_index, source };
    apply(store, std::slice::from_ref(&staged), &head.checkpoint, old.bytes.as_deref())
        .map_err(unpublished)?;
    let older = staged.previous_size;
    // What is left is removed after the next commit.
    let contended = clean(store, head.checkpoint.size(), Some(&name)).unwrap_or_default();
    // What cannot be kept is made again from the log.
    let _ = keep(own, &derived, older, head.checkpoint.size());
    let (bundle, _) = lent.back(&mut staged, &mut []);
    Ok(Done { head, bundle, contended })
}

/// Keeps what a writer derives for itself.
fn keep(own: &dyn Store, derived: &[Object], older: u64, size: u64) -> Result<(), StoreError> {
    if derived.is_empty() {
        return Ok(());
    }
    own.put(derived)?;
    commit::remove_stale(own, &index::paths_of, &[older], size)
}

/// Steps 3 and 4 of the commit to `checkpoint`, to which `bundles` lead; `published` is the checkpoint before. Done by its
/// writer, or by whoever finds it undone; doing it again does no harm.
fn apply(
    store: &dyn Store,
    bundles: &[StagedBundle],
    checkpoint: &Checkpoint,
    published: Option<&[u8]>,
) -> Result<(), StoreError> {
    let mut here = true;
    for staged in bundles {
        let add = |object: &Object| if here { add_openings(store, staged, object) } else { Ok(false) };
        let openings =
            || at_once(&staged.mutable, add).into_iter().collect::<Result<Vec<bool>, StoreError>>();
        let (tiles, openings) = rayon::join(|| store.put_immutable(&staged.immutable), openings);
        tiles?;
        here = here && openings?.into_iter().all(|still| still);
    }
    for staged in bundles {
        // Nobody goes on from here before it is published: if the log is still here, nothing was written too late.
        here = here && committed(store)?.as_ref() == Some(&staged.checkpoint);
        if here {
            // If it is refused, another has published this one, or one that follows.
            store.compare_and_swap(&key(layout::CHECKPOINT), published, &staged.checkpoint)?;
            return Ok(());
        }
        undo_what_came_late(store, staged, checkpoint)?;
    }
    Ok(())
}

/// Adds the openings of one file of `staged` to what is there. Returns whether the log is still at this commit: if
/// not, others have done it.
fn add_openings(store: &dyn Store, staged: &StagedBundle, object: &Object) -> Result<bool, StoreError> {
    let number =
        object.key.as_str().strip_prefix(layout::DISCLOSURES).and_then(|rest| rest.strip_prefix('/'));
    let number = number.and_then(crate::tlog::tile::parse_index_path);
    let new = number.and_then(|number| Some((number, DisclosureFile::parse(number, &object.bytes).ok()?)));
    let Some((number, new)) = new else { return Err(damaged(&object.key)) };
    let first = staged.previous_size.max(number.saturating_mul(layout::ENTRIES_PER_FILE));
    let entries = first..number.saturating_add(1).saturating_mul(layout::ENTRIES_PER_FILE);
    for _ in 0..TRIES {
        // In this order: what is read now is no later than this commit if the log is still at it afterwards.
        let found = store.get(&object.key, DISCLOSURES_FILE_MAX_BYTES as u64)?;
        if committed(store)?.as_ref() != Some(&staged.checkpoint) {
            return Ok(false);
        }
        let there = DisclosureFile::parse(number, found.as_deref().unwrap_or_default());
        let mut there = there.map_err(|_| damaged(&object.key))?;
        for entry in entries.clone() {
            for opening in new.of_entry(entry) {
                if !there.of_entry(entry).contains(opening) {
                    there.push(entry, opening.clone());
                }
            }
        }
        let bytes = there.format();
        if found.as_ref() == Some(&bytes) || store.compare_and_swap(&object.key, found.as_deref(), &bytes)? {
            return Ok(true);
        }
    }
    Err(busy(&object.key))
}

fn damaged(key: &Key) -> StoreError {
    let source = std::io::Error::other("it holds what is no opening: run `dateline verify`");
    StoreError::Io { op: "add to", path: key.as_str().into(), source }
}

fn busy(key: &Key) -> StoreError {
    let source = std::io::Error::other("others change it all the time");
    StoreError::Io { op: "change", path: key.as_str().into(), source }
}

/// Removes the bundles that can no longer be committed, where a log of `size` entries is published, and the partial tiles of
/// the logs that they led from and to. Returns whether any bundle is of another writer than him of `mine`.
pub(super) fn clean(store: &dyn Store, size: u64, mine: Option<&Key>) -> Result<bool, StoreError> {
    let names = store.list(ASIDE)?.keys;
    let others = names.iter().any(|name| Some(name) != mine);
    let mut older = BTreeSet::new();
    let mut spent = Vec::new();
    for name in &names {
        match Named::read(name) {
            // It may be committed any moment.
            Some(named) if named.from >= size => continue,
            Some(named) => older.extend([named.from, named.to].into_iter().filter(|older| *older < size)),
            None => {}
        }
        spent.push(name.clone());
    }
    // In this order: as long as a bundle is there, somebody finds what it has left.
    commit::remove_stale(store, &partial_paths_of, &older.into_iter().collect::<Vec<_>>(), size)?;
    store.delete(&spent)?;
    Ok(others)
}

/// Where the log has moved on while a commit was being applied: removes what was written too late.
fn undo_what_came_late(
    store: &dyn Store,
    staged: &StagedBundle,
    checkpoint: &Checkpoint,
) -> Result<(), StoreError> {
    let mut failures = 0;
    loop {
        let tried = committed(store).and_then(|now| match now.as_deref().and_then(size_of) {
            Some(size) => undo(store, staged, checkpoint, size),
            None => Ok(()),
        });
        match tried {
            // What was to be read may have gone, as the log moved on again.
            Err(_) if failures < UNDO_TRIES => failures += 1,
            done => return done,
        }
        pause(Duration::from_millis(20 << failures.min(6)));
    }
}

fn undo(
    store: &dyn Store,
    staged: &StagedBundle,
    checkpoint: &Checkpoint,
    size: u64,
) -> Result<(), StoreError> {
    let older = [staged.previous_size, checkpoint.size()];
    commit::remove_stale(store, &partial_paths_of, &older, size)?;
    // What of this commit was erased meanwhile may have been written again.
    let range = staged.previous_size..checkpoint.size();
    for (_, bytes) in entries(store, checkpoint.size(), size)? {
        let Ok(entry) = Entry::parse(&bytes) else { continue };
        let Body::Erasure(erasure) = &entry.body else { continue };
        if !range.contains(&erasure.entry) {
            continue;
        }
        let commitments = erasure.commitments.clone();
        change_openings(store, size, &[OpeningChange::Erase { entry: erasure.entry, commitments }])?;
        if let Some(original) = erasure.original {
            store.delete(&[key(&layout::content_path(&original))])?;
        }
    }
    Ok(())
}

/// Returns the size that a checkpoint says, which this writer or one like it has made.
fn size_of(note: &[u8]) -> Option<u64> {
    std::str::from_utf8(note).ok()?.lines().nth(1).and_then(|line| from_decimal(line).ok())
}

/// Reads the entries from `from` to `to`, with their indices. What is no longer there is left out: the log has moved on again.
pub(super) fn entries(store: &dyn Store, from: u64, to: u64) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let mut all = Vec::new();
    for bundle in bundles_of(to).skip((from / layout::ENTRIES_PER_FILE) as usize) {
        let bytes = match store.get(&key(&bundle.path()), BUNDLE_MAX_BYTES as u64)? {
            Some(bytes) => bytes,
            None => {
                let path = bundle.path().into();
                let source = std::io::Error::from(std::io::ErrorKind::NotFound);
                return Err(StoreError::Io { op: "read", path, source });
            }
        };
        let Ok(read) = bundle.entries(&bytes) else { return Err(damaged(&key(&bundle.path()))) };
        let numbered = (bundle.first_entry()..).zip(read);
        all.extend(numbered.filter(|(at, _)| *at >= from).map(|(at, entry)| (at, entry.to_vec())));
    }
    Ok(all)
}

/// Changes openings of a log of `size` entries by conditional writes; what others change meanwhile stays.
pub(super) fn change_openings(
    store: &dyn Store,
    size: u64,
    changes: &[OpeningChange],
) -> Result<(), StoreError> {
    for change in changes.iter().filter(|change| change.entry() < size) {
        let number = change.entry() / layout::ENTRIES_PER_FILE;
        let path = key(&layout::disclosures_path(number));
        let mut done = false;
        for _ in 0..TRIES {
            let found = store.get(&path, DISCLOSURES_FILE_MAX_BYTES as u64)?;
            let there = DisclosureFile::parse(number, found.as_deref().unwrap_or_default());
            let mut there = there.map_err(|_| damaged(&path))?;
            match change {
                OpeningChange::Reveal { entry, opening } if there.of_entry(*entry).contains(opening) => {}
                OpeningChange::Reveal { entry, opening } => there.push(*entry, opening.clone()),
                OpeningChange::Erase { entry, commitments } => there.remove(*entry, |text| {
                    Disclosure::parse(text).is_ok_and(|opening| commitments.contains(&opening.digest()))
                }),
            }
            let bytes = there.format();
            if bytes == found.as_deref().unwrap_or_default()
                || store.compare_and_swap(&path, found.as_deref(), &bytes)?
            {
                done = true;
                break;
            }
        }
        if !done {
            return Err(busy(&path));
        }
    }
    Ok(())
}

/// Finds the last committed checkpoint, which is published when this returns: by its writer, or else by this one.
pub(super) fn recover(store: &dyn Store, policy: &Policy) -> Result<Head, OpenError> {
    let mut seen: Option<Vec<u8>> = None;
    let mut patience = 0;
    loop {
        let published = || store.get(&key(layout::CHECKPOINT), NOTE_MAX_BYTES as u64);
        let (now, published) = rayon::join(|| committed(store), published);
        let published = published?;
        let now = match (now?, &published) {
            (None, None) => return Err(OpenError::NoLog),
            (None, Some(published)) => {
                // A copy of a log from elsewhere: the first to find it goes on from there.
                commit::open_checkpoint(policy, published)?;
                store.compare_and_swap(&key(COMMITTED), None, published)?;
                continue;
            }
            (Some(now), published) if published.as_ref() == Some(&now) => {
                let checkpoint = commit::open_checkpoint(policy, &now)?;
                clean(store, checkpoint.size(), None)?;
                return Ok(Head { checkpoint, bytes: Some(now) });
            }
            (Some(now), _) => now,
        };
        // Between the two looks the log may have moved on; and whoever committed this is about to publish it.
        if seen.as_ref() != Some(&now) {
            (seen, patience) = (Some(now.clone()), 0);
        }
        patience += 1;
        if patience < PATIENCE {
            pause(Duration::from_millis(10 << patience.min(3)));
            continue;
        }
        let checkpoint = commit::open_checkpoint(policy, &now)?;
        let bundles = staged_for(store, &checkpoint, &now)?;
        let helped = help(store, policy, &bundles, &checkpoint, published.as_deref())?;
        if helped || patience < LONG_PATIENCE {
            pause(Duration::from_millis(10));
            continue;
        }
        let Some(published) = published else {
            return Err(OpenError::SetBack { published: 0, committed: checkpoint.size() });
        };
        let newer = commit::open_checkpoint(policy, &published)?;
        commit::continues(store, &checkpoint, &newer)?;
        store.compare_and_swap(&key(COMMITTED), Some(&now), &published)?;
    }
}

/// The bundles that lead to a checkpoint.
fn staged_for(
    store: &dyn Store,
    checkpoint: &Checkpoint,
    bytes: &[u8],
) -> Result<Vec<StagedBundle>, StoreError> {
    let root = checkpoint.root_hash().to_hex();
    let wanted = |name: &&Key| {
        Named::read(name).is_some_and(|named| (named.to, named.root) == (checkpoint.size(), &root[..32]))
    };
    let mut bundles = Vec::new();
    for name in store.list(ASIDE)?.keys.iter().filter(wanted) {
        let Some(found) = store.get(name, STAGING_MAX_BYTES)? else { continue };
        bundles.extend(StagedBundle::decode(&found).ok().filter(|staged| staged.checkpoint == bytes));
    }
    Ok(bundles)
}

/// Finishes a commit that was found; returns whether it is to be looked at again.
fn help(
    store: &dyn Store,
    policy: &Policy,
    bundles: &[StagedBundle],
    checkpoint: &Checkpoint,
    published: Option<&[u8]>,
) -> Result<bool, OpenError> {
    let Some(first) = bundles.first() else { return Ok(false) };
    let before = match published {
        None => (0, crate::tlog::empty_root()),
        Some(published) => {
            let published = commit::open_checkpoint(policy, published)?;
            (published.size(), published.root_hash())
        }
    };
    if before != (first.previous_size, first.previous_root) {
        return Ok(false);
    }
    apply(store, bundles, checkpoint, published)?;
    Ok(true)
}

/// Does `work` for all of `items` at once, as each takes its time over a network; returns what came of each, in their order.
pub(super) fn at_once<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if items.len() < 3 {
        return items.iter().map(work).collect();
    }
    // More threads than there are cores: they wait.
    std::thread::scope(|scope| {
        let mut done = Vec::with_capacity(items.len());
        for some in items.chunks(AT_ONCE) {
            let (begun, work) = (some.iter(), &work);
            let begun: Vec<_> = begun.map(|item| scope.spawn(move || work(item))).collect();
            let ended = begun.into_iter().map(|thread| thread.join());
            done.extend(ended.map(|ended| ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))));
        }
        done
    })
}

/// Waits about this long, so that writers who met once do not meet again. Nothing rests on how long it is.
pub(super) fn pause(about: Duration) {
    let mut random = [0; 4];
    // Where the system gives no randomness, all wait as long.
    let _ = getrandom::fill(&mut random);
    let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
    std::thread::sleep(about.mul_f64(0.5 + share));
}

/// How long something took, to wait about as long.
pub(super) fn took(since: Instant) -> Duration {
    since.elapsed().min(Duration::from_millis(500))
}

/// Opens what others may move on meanwhile: again, for as long as they do.
pub(super) fn until_it_stands<T>(
    store: &dyn Store,
    mut open: impl FnMut() -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    loop {
        let before = committed(store)?;
        match open() {
            // Partial tiles go when the log moves on.
            Err(_) if committed(store)? != before => pause(Duration::from_millis(10)),
            done => return done,
        }
    }
}
