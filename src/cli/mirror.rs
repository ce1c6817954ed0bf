//! `dateline mirror`: a copy of a log at another place, brought up to date.
//!
//! What never changes is copied where it is not there yet, originals before the entries that name them; then the openings,
//! as far as they differ; the checkpoint last, by compare-and-swap. So a copy that was cut off is taken up again, and who
//! reads it meanwhile finds the log as it was before. What was erased goes from the copy as well.

use std::collections::{BTreeSet, HashSet};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use serde_json::json;

use crate::base::Hash;
use crate::base::limits::NOTE_MAX_BYTES;
use crate::record::layout;
use crate::storage::{Bucket, Key, Object, Opened, Records, Store, StoreError, Wanted};
use crate::tlog::bundles_of;
use crate::tlog::tile::{FULL, partial_tiles_of};
use crate::verify::{Extent, LogReader, Trust};
use crate::view::sanitize;

use super::args::MirrorArgs;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::older::Older;
use super::output::{Output, say};
use super::source::{self, Source};
use super::workspace::{Workspace, bucket_at};

/// Files that are asked for at once; with their originals they are in memory together.
const AT_ONCE: usize = 32;

/// What was done.
#[derive(Default)]
struct Copied {
    files: u64,
    bytes: u64,
    removed: u64,
    /// Files of openings that lost some, and originals that were destroyed.
    forgotten: Vec<Key>,
}

pub(crate) fn run(workspace: &Workspace, args: &MirrorArgs, output: Output) -> Outcome<()> {
    let from = Source::open(workspace, &args.from)?;
    let trust = source::trust(workspace, &args.from, &args.trust)?;
    let place = place_at(&args.to)?;
    // Read once: what is compared, copied and published is of one checkpoint.
    let reader = LogReader::open(from.store(), &trust)?;
    let (note, size) = (reader.checkpoint_bytes().to_vec(), reader.size());
    let extent = Extent::of(&note, &trust.policy, None);
    let extent = extent.ok_or_else(|| Failure::new(Exit::Invalid, "the checkpoint is not of the policy"))?;
    let to = place.writer()?;
    let before = to.get(&key(layout::CHECKPOINT), NOTE_MAX_BYTES as u64)?;
    let before_size = match &before {
        Some(_) => begins_with(&reader, &to, &place, &trust)?,
        None => 0,
    };
    // Listed once, in place of asking for each.
    let mut there: HashSet<Key> = to.list(layout::TILES)?.keys.into_iter().collect();
    there.extend(to.list(layout::CONTENT)?.keys);
    let mirror = Mirror { from: from.store(), to: &to, there };
    let mut copied = Copied::default();
    mirror.copy(extent, size, &mut copied)?;
    if before.as_ref() != Some(&note) {
        if !to.compare_and_swap(&key(layout::CHECKPOINT), before.as_deref(), &note)? {
            let message = format!("{} was changed by another program meanwhile", place.shown());
            return Err(Failure::new(Exit::Locked, message).hint("run it again"));
        }
        copied.files += 1;
        copied.bytes += note.len() as u64;
        copied.removed += mirror.remove_partial(before_size, size)?;
    }
    mirror.forget(&mut copied)?;
    // Not only of what went now: what an earlier run could not remove, or was not there to remove, goes when it can.
    let older = Older::removed(&place, &[], &[layout::DISCLOSURES, layout::CONTENT]);
    let older = older.filter(|older| !copied.forgotten.is_empty() || older.is_something());
    if !from.store().lists() {
        say("note: originals that were destroyed there since are looked for one by one");
    }
    let Copied { files, bytes, removed, .. } = copied;
    if !output.is_json() {
        older.iter().for_each(Older::say);
    }
    output.print(
        || {
            let shown = sanitize(&place.shown());
            format!(
                "{shown} has the log of {size} entries: {files} files copied, {} kB; {removed} removed\n",
                bytes.div_ceil(1000)
            )
        },
        || {
            let mut members = json!({
                "from": from.json(), "to": place.shown(), "size": size, "sizeBefore": before_size,
                "filesCopied": files, "bytesCopied": bytes, "filesRemoved": removed,
            });
            older.iter().for_each(|older| older.add_to(&mut members));
            members
        },
    )
}

fn place_at(to: &str) -> Outcome<Records> {
    if Bucket::is_address(to) {
        return Ok(Records::Bucket(bucket_at(to)?));
    }
    let folder = PathBuf::from(to);
    if to.contains("://") {
        let failure = Failure::new(Exit::Usage, format!("{} cannot be written to", sanitize(to)));
        return Err(failure.hint("name a folder, or a bucket: s3://bucket/prefix"));
    }
    if folder.join("keys").is_dir() || folder.join("records").is_dir() {
        let failure = Failure::new(Exit::Usage, format!("{} is a workspace", folder.display()));
        let records: &Path = &folder.join("records");
        return Err(failure.hint(format!("the records alone are copied: name {}", records.display())));
    }
    let unwritable =
        |error| Failure::new(Exit::Unavailable, format!("cannot make {}", folder.display())).because(&error);
    std::fs::create_dir_all(&folder).map_err(unwritable)?;
    Ok(Records::Folder(folder))
}

/// Returns the size of the log at `to`, which the one that is read must begin with.
fn begins_with(reader: &LogReader<'_>, to: &Opened, place: &Records, trust: &Trust) -> Outcome<u64> {
    let there = LogReader::open(to, trust)?;
    let older = there.size();
    let shown = place.shown();
    if older > reader.size() {
        let message = format!("{shown} has {older} entries, and the log to be copied {}", reader.size());
        return Err(Failure::new(Exit::Invalid, message).hint("is it the other way round?"));
    }
    if reader.root_at(older)? != there.checkpoint().root_hash() {
        let message = format!("the log does not begin with the {older} entries at {shown}");
        let failure = Failure::new(Exit::Invalid, message);
        return Err(failure.hint("one of the two was rewritten: `dateline verify` each, and keep both"));
    }
    Ok(older)
}

fn key(path: &str) -> Key {
    Key::new(path).expect("internal error: a name of the layout is not an object name")
}

struct Mirror<'a> {
    from: &'a dyn Store,
    to: &'a Opened,
    /// What the copy had of what never changes.
    there: HashSet<Key>,
}

impl Mirror<'_> {
    fn copy(&self, extent: Extent, size: u64, copied: &mut Copied) -> Outcome<()> {
        let bar = progress(size.div_ceil(u64::from(FULL)));
        let mut files = extent.files();
        loop {
            let some: Vec<Wanted> = files.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                break;
            }
            let read = some.par_iter().map(|wanted| self.read(extent, wanted));
            for (objects, fixed, forgets) in read.collect::<Outcome<Vec<_>>>()? {
                copied.forgotten.extend(forgets.then(|| objects[0].key.clone()));
                copied.files += objects.len() as u64;
                copied.bytes += objects.iter().map(|object| object.bytes.len() as u64).sum::<u64>();
                match fixed {
                    // Originals first: where a bundle is, they are.
                    true => self.to.put_immutable(&objects)?,
                    false => self.to.put(&objects)?,
                }
            }
            let bundles = some.iter().filter(|wanted| wanted.key.as_str().starts_with("tile/entries/"));
            bar.inc(bundles.count() as u64);
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Reads a file if the copy has it not, or not so, with what must be there before it; and whether it never changes, and
    /// whether something of it is to be forgotten.
    fn read(&self, extent: Extent, wanted: &Wanted) -> Outcome<(Vec<Object>, bool, bool)> {
        let Wanted { key, limit } = wanted;
        if key.as_str().starts_with(layout::DISCLOSURES) {
            let (here, there) = (self.from.get(key, *limit)?, self.to.get(key, *limit)?);
            let changed = here.filter(|bytes| there.as_ref() != Some(bytes));
            let forgets =
                changed.as_ref().zip(there.as_ref()).is_some_and(|(here, there)| has_less(here, there));
            let object = changed.map(|bytes| Object { key: key.clone(), bytes });
            return Ok((object.into_iter().collect(), false, forgets));
        }
        if self.there.contains(key) {
            return Ok((Vec::new(), true, false));
        }
        let bytes = self.from.get(key, *limit)?.ok_or_else(|| {
            let failure = Failure::new(Exit::Unavailable, format!("{} is not there", key.as_str()));
            failure
                .hint("if the log grew meanwhile, run it again; else `dateline verify` says what is missing")
        })?;
        let mut objects = Vec::new();
        for original in extent.originals(key, &bytes) {
            if self.there.contains(&original.key) {
                continue;
            }
            // One that is not there was destroyed, or is missed by `verify`.
            let Some(bytes) = self.from.get(&original.key, original.limit)? else { continue };
            if !original.key.as_str().ends_with(&Hash::of(&bytes).to_hex()) {
                let message = format!("{} is not what its name says", original.key.as_str());
                return Err(Failure::new(Exit::Invalid, message).hint("`dateline verify` says more"));
            }
            objects.push(Object { key: original.key, bytes });
        }
        objects.push(Object { key: key.clone(), bytes });
        Ok((objects, true, false))
    }

    /// Removes from the copy the partial files of the log that it was.
    fn remove_partial(&self, older: u64, size: u64) -> Outcome<u64> {
        if older == size {
            return Ok(0);
        }
        let partial = |size| {
            let bundle = bundles_of(size).last().filter(|bundle| bundle.width() < FULL);
            partial_tiles_of(size).map(|tile| tile.path()).chain(bundle.map(|bundle| bundle.path()))
        };
        let kept: Vec<String> = partial(size).collect();
        let gone: Vec<Key> =
            partial(older).filter(|path| !kept.contains(path)).map(|path| key(&path)).collect();
        self.to.delete(&gone)?;
        Ok(gone.len() as u64)
    }

    /// Removes the originals from the copy that are destroyed where it comes from.
    fn forget(&self, copied: &mut Copied) -> Outcome<()> {
        // Anew, as what was copied just now may be destroyed since.
        let mut gone = self.to.list(layout::CONTENT)?.keys;
        if self.from.lists() {
            let kept: BTreeSet<Key> = self.from.list(layout::CONTENT)?.keys.into_iter().collect();
            gone.retain(|key| !kept.contains(key));
        } else {
            let destroyed = |key: Key| -> Result<Option<Key>, StoreError> {
                Ok(self.from.get_range(&key, 0, 1)?.is_none().then_some(key))
            };
            let looked: Vec<Option<Key>> = gone.into_par_iter().map(destroyed).collect::<Result<_, _>>()?;
            gone = looked.into_iter().flatten().collect();
        }
        self.to.delete(&gone)?;
        copied.removed += gone.len() as u64;
        copied.forgotten.append(&mut gone);
        Ok(())
    }
}

/// Returns whether a file of openings lacks a line that the older one has.
fn has_less(newer: &[u8], older: &[u8]) -> bool {
    let lines = |bytes| <[u8]>::split(bytes, |byte| *byte == b'\n');
    let kept: HashSet<&[u8]> = lines(newer).collect();
    lines(older).any(|line| !kept.contains(line))
}

fn progress(bundles: u64) -> ProgressBar {
    if bundles < 16 || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} bundles, {eta} left");
    ProgressBar::new(bundles).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
