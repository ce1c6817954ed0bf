//! `dateline watch`: what appears in a folder or a feed is registered.
//!
//! What is registered is asked of the log, which knows documents by their bytes: nothing is kept between two runs, and
//! nothing can be lost or doubled by a stop at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use crate::article::ReadOptions;
use crate::capture::Validators;
use crate::record::Decisions;
use crate::verify::Trust;
use crate::view::sanitize;

use super::add::Job;
use super::args::{TrustArgs, WatchArgs};
use super::exit::Exit;
use super::extract::{self, Reading, captured};
use super::failure::{Failure, Outcome};
use super::input::{self, Input};
use super::output::{Output, say};
use super::workspace::Workspace;

/// Seconds that a file must lie unchanged before it is read: whoever writes it may not be done.
const SETTLE_SECONDS: u64 = 2;
/// Ends of names that programs give to files which they are still writing.
const UNFINISHED: &[&str] = &[".part", ".tmp", ".temp", ".crdownload", ".download", "~", ".swp", ".filepart"];

pub(crate) fn run(workspace: &Workspace, args: &WatchArgs, output: Output) -> Outcome<Exit> {
    let decisions = Decisions { no_store: args.no_store, ..Decisions::default() };
    let reading = Reading::new(workspace, decisions, &args.fetch)?;
    let trust = workspace.trust(&TrustArgs::default())?;
    let feed = args.source.starts_with("http://") || args.source.starts_with("https://");
    if !feed && !Path::new(&args.source).is_dir() {
        let failure = Failure::new(Exit::Unavailable, format!("{} is not a folder", args.source));
        return Err(failure.hint("give a folder, or the address of a feed that begins with http"));
    }
    let mut watch = Watch {
        job: Job::new(workspace, args.key.clone(), reading, output),
        trust,
        seen: BTreeMap::new(),
        reported: BTreeSet::new(),
        known: Validators::default(),
        entries: BTreeSet::new(),
    };
    let interval =
        Duration::from_secs(args.interval.unwrap_or(if feed { 300 } else { SETTLE_SECONDS }).max(1));
    let stop = stop_asked();
    if !args.once {
        say(&format!("watching {}; stop with Ctrl-C", sanitize(&args.source)));
    }
    loop {
        let looked = if feed {
            watch.look_at_feed(&args.source, args.entries)
        } else {
            watch.look_at_folder(Path::new(&args.source), args.once)
        };
        match looked {
            // A source that is away may come back; a person who looks once wants to know.
            Err(failure) if args.once || failure.exit != Exit::Unavailable => return Err(failure),
            Err(failure) => {
                if watch.reported.insert(failure.text()) {
                    output.fail(&failure);
                }
            }
            Ok(()) => {}
        }
        if args.once || wait(interval, stop) {
            break;
        }
    }
    watch.job.summary(true);
    Ok(Exit::Success)
}

struct Watch<'a> {
    job: Job<'a>,
    trust: Trust,
    /// Files by what they looked like, and whether they were read then.
    seen: BTreeMap<PathBuf, (State, bool)>,
    /// Failures that were told.
    reported: BTreeSet<String>,
    known: Validators,
    /// Links of entries that were read.
    entries: BTreeSet<String>,
}

type State = (u64, Option<SystemTime>);

impl Watch<'_> {
    fn look_at_folder(&mut self, folder: &Path, once: bool) -> Outcome<()> {
        let found = input::find(&[folder.to_owned()]);
        if let Some((_, failure)) = found.failures.into_iter().next() {
            return Err(failure);
        }
        let mut ready = Vec::new();
        for input in found.documents {
            let Input::File(path) = &input else { continue };
            let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
            let Ok(metadata) = std::fs::metadata(path) else { continue };
            if UNFINISHED.iter().any(|end| name.ends_with(end)) {
                continue;
            }
            let state = (metadata.len(), metadata.modified().ok());
            let before = self.seen.get(path);
            if before.is_some_and(|(other, read)| *other == state && *read) {
                continue;
            }
            let age = state.1.and_then(|time| SystemTime::now().duration_since(time).ok());
            let old = age.is_some_and(|age| age >= Duration::from_secs(SETTLE_SECONDS));
            let settled = before.is_some_and(|(other, _)| *other == state) || old || once;
            self.seen.insert(path.clone(), (state, settled));
            if settled {
                ready.push(input);
            }
        }
        self.register(ready)
    }

    fn register(&mut self, inputs: Vec<Input>) -> Outcome<()> {
        for some in inputs.chunks(64) {
            let read: extract::Read = some.iter().flat_map(|input| self.job.reading.read(input)).collect();
            self.job.register(read, &self.trust)?;
        }
        Ok(())
    }

    fn look_at_feed(&mut self, feed: &str, entries: bool) -> Outcome<()> {
        let page = self.job.reading.fetcher().fetch_if_changed(feed, &self.known)?;
        if page.status == 304 {
            return Ok(());
        }
        let known = Validators { etag: page.etag.clone(), last_modified: page.last_modified.clone() };
        let (bytes, delivery, media_type, charset) = captured(page);
        let options = ReadOptions {
            media_type: media_type.as_deref(),
            charset: charset.as_deref(),
            ..ReadOptions::default()
        };
        if entries {
            let read = self.job.reading.documents(feed, bytes, delivery, &options);
            self.job.register(read, &self.trust)?;
        } else {
            let contents = crate::article::open(&bytes, &options)?;
            let Some(contents) = contents else {
                return Err(Failure::new(Exit::Unavailable, format!("{feed} is not a feed")));
            };
            let links = contents.parts.into_iter().filter_map(|part| part.url);
            let new: Vec<Input> =
                links.filter(|link| self.entries.insert(link.clone())).map(Input::Url).collect();
            self.register(new)?;
        }
        self.known = known;
        Ok(())
    }
}

/// Waits, and returns whether a stop was asked for meanwhile.
fn wait(interval: Duration, stop: &AtomicBool) -> bool {
    let step = Duration::from_millis(100);
    let mut left = interval;
    while !left.is_zero() {
        if stop.load(Ordering::Relaxed) {
            return true;
        }
        std::thread::sleep(step.min(left));
        left = left.saturating_sub(step);
    }
    stop.load(Ordering::Relaxed)
}

/// Returns a flag that Ctrl-C and a request to end set: a document that is being registered is finished first.
fn stop_asked() -> &'static AtomicBool {
    static STOP: AtomicBool = AtomicBool::new(false);
    // Where no handler can be set, the system ends the program, which loses nothing either.
    let _ = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed));
    &STOP
}
