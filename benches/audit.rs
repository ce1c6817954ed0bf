//! How fast a log is checked, beside how fast its signatures alone can be: `cargo bench --bench audit`.
//!
//! Makes a log of `DATELINE_ENTRIES` entries (100,000 unless said otherwise) by eight signers in a folder of its own below
//! `DATELINE_FOLDER` (the system's temporary folder unless said otherwise), without stored originals, and takes the median of
//! `DATELINE_RUNS` runs (five unless said otherwise) of each of these, in turn:
//!
//! - `verify_strict` of `ed25519-dalek` alone, on all cores, over the messages of at most 100,000 of these entries, in memory;
//! - a full audit from the folder;
//! - an audit that remembers all but the last entries, so that the rest is compared and not checked again;
//! - the same by the hash tiles alone.
//!
//! `DATELINE_KIND` is what the entries are: `registrations` with their openings, 4.8 kB each (unless said otherwise), or
//! `notices`: statements of about 1 kB, each of a registration anywhere before it, of which every bundle has one.
//!
//! Then: the memory of a process that does nothing but a full audit; what the log takes on the disk; and what one proof of a
//! record costs to make and to check.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use dateline::article::{Article, ReadOptions, read};
use dateline::attest::dsse::{PAYLOAD_TYPE, pae};
use dateline::base::{Hash, PublicKey, Signature, SigningKey};
use dateline::note::{Checkpoint, KeyName, Note, Origin, Policy, VerifierKey};
use dateline::record::{
    Decisions, Draft, Entry, KeyAction, Notice, NoticeKind, RecordRef, Role, SealedEntry, layout,
};
use dateline::storage::{FileStore, Key, Listing, Store, StoreError};
use dateline::tlog::edge::bytes_of_tile;
use dateline::tlog::tile::partial_tiles_of;
use dateline::tlog::{Edge, EntryBundle, bundle, bundles_of, leaf_hash};
use dateline::verify::{Audited, LogReader, Memory, Trust, Verdict, audit_since, check_proof_alone};
use rayon::prelude::*;
use support::{said, signing};

const ORIGIN: &str = "bench.example/log";
const SIGNERS: u64 = 8;
/// Signatures that `verify_strict` alone is timed on.
const SAMPLE: u64 = 100_000;
/// Proofs that are made and checked.
const PROOFS: u64 = 400;
/// Bundles that are made at a time.
const AT_A_TIME: usize = 64;
/// What a process is called with to do one audit and nothing else.
const ALONE: &str = "audit-alone";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, what, folder] = arguments.as_slice()
        && what == ALONE
    {
        return alone(Path::new(folder));
    }
    let setting = |name: &str, usual: &str| std::env::var(name).unwrap_or_else(|_| usual.to_owned());
    let count: u64 = setting("DATELINE_ENTRIES", "100000").parse().unwrap();
    let runs: usize = setting("DATELINE_RUNS", "5").parse().unwrap();
    let kind = setting("DATELINE_KIND", "registrations");
    assert!(["registrations", "notices"].contains(&kind.as_str()), "no such kind: {kind}");
    let below = std::env::var_os("DATELINE_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(below).unwrap();

    let start = Instant::now();
    Maker::new(folder.path(), count, kind == "notices").make();
    let store = FileStore::reader(folder.path());
    let messages = messages(&store, count);
    let sample = messages.len() as u64;
    let bytes: u64 = messages.iter().map(|(_, message, _)| message.len() as u64).sum();
    println!(
        "{count} {kind} by {SIGNERS} signers, messages of {} bytes, {} threads; made in {:.0} s",
        bytes / sample,
        rayon::current_num_threads(),
        start.elapsed().as_secs_f64(),
    );
    size(folder.path(), count);

    let mut memory = None;
    let [mut strict, mut full, mut again, mut tiles] = [const { Vec::new() }; 4];
    for _ in 0..runs {
        strict.push(timed(sample, || {
            let holds = messages.par_iter().filter(|(key, message, signature)| {
                let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
                key.verify_strict(message, &signature).is_ok()
            });
            assert_eq!(holds.count() as u64, sample);
        }));
        full.push(timed(count, || memory = audited(&store, None).memory));
        again.push(timed(count, || drop(audited(&store, memory.as_ref()))));
        let quick = memory.clone().map(Memory::tiles_alone);
        tiles.push(timed(count, || drop(audited(&store, quick.as_ref()))));
    }
    line("verify_strict alone", &strict, None);
    line("full audit", &full, Some(&strict));
    line("audit of a log checked before", &again, Some(&strict));
    line("the same by tiles alone", &tiles, Some(&strict));

    let child =
        Command::new(std::env::current_exe().unwrap()).arg(ALONE).arg(folder.path()).output().unwrap();
    assert!(child.status.success(), "{child:?}");
    println!("{:<30} {}", "memory of one full audit", String::from_utf8(child.stdout).unwrap().trim());
    proofs(&store, count, &memory.unwrap());
}

fn trust() -> Trust {
    let vkey = VerifierKey::ed25519(KeyName::new(ORIGIN).unwrap(), log_key().public());
    Trust { policy: Policy::of_log(vkey).unwrap(), roots: vec![root().public()] }
}

fn root() -> SigningKey {
    signing(1)
}

fn log_key() -> SigningKey {
    signing(2)
}

fn signer(number: u64) -> SigningKey {
    signing(3 + u8::try_from(number % SIGNERS).unwrap())
}

fn audited(store: &FileStore, memory: Option<&Memory>) -> Audited {
    let audited = audit_since(store, &trust(), memory, &|_, _| {}).unwrap();
    assert_eq!(audited.report.verdict, Verdict::Verified, "{:?}", audited.report.findings);
    audited
}

/// One full audit, and the most memory that this process ever had.
fn alone(folder: &Path) {
    audited(&FileStore::reader(folder), None);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("{}", most.map_or("unknown here", str::trim));
}

/// Entries a second by the clock, and a second of the processors.
#[derive(Clone, Copy)]
struct Rate {
    wall: f64,
    cpu: f64,
}

fn timed(count: u64, work: impl FnOnce()) -> Rate {
    let (start, cpu) = (Instant::now(), processor_seconds());
    work();
    let count = count as f64;
    Rate { wall: count / start.elapsed().as_secs_f64(), cpu: count / (processor_seconds() - cpu) }
}

/// What Linux says that this process took so far, in hundredths; elsewhere nothing.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks =
        |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok()).unwrap_or(f64::NAN);
    // utime and stime, the 14th and 15th fields, the first two before the split.
    (ticks(11) + ticks(12)) / 100.0
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn line(what: &str, runs: &[Rate], strict: Option<&[Rate]>) {
    let wall = median(runs.iter().map(|run| run.wall).collect());
    let cpu = median(runs.iter().map(|run| run.cpu).collect());
    let ratio = strict.map_or_else(String::new, |strict| {
        // Each run beside the one that was taken right before it.
        let beside = |of: &dyn Fn(&Rate) -> f64| {
            median(runs.iter().zip(strict).map(|(run, strict)| of(run) / of(strict)).collect())
        };
        let (wall, cpu) = (beside(&|run| run.wall), beside(&|run| run.cpu));
        format!("  of verify_strict {wall:.2}, by processor time {cpu:.2}")
    });
    let each = 1e6 / cpu;
    println!("{what:<30} {wall:>9.0} entries/s, {cpu:>8.0} per processor second ({each:.2} µs each){ratio}");
}

/// Tells what the log takes on the disk.
fn size(folder: &Path, count: u64) {
    let (mut files, mut bytes, mut folders) = (0u64, 0u64, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let about = entry.metadata().unwrap();
            if about.is_dir() {
                folders.push(entry.path());
            } else {
                (files, bytes) = (files + 1, bytes + about.len());
            }
        }
    }
    println!(
        "{:<30} {} bytes an entry, {:.4} files",
        "on the disk",
        bytes / count,
        files as f64 / count as f64
    );
}

/// A store that counts the tiles it gives.
struct Counting<'a> {
    store: &'a FileStore,
    tiles: AtomicU64,
}

impl Store for Counting<'_> {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.tiles.fetch_add(u64::from(key.as_str().starts_with("tile/")), Ordering::Relaxed);
        self.store.get(key, limit)
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        self.store.list(folder)
    }
}

/// Proves records that lie everywhere, each from the files alone and what an audit remembers, and checks each proof.
fn proofs(store: &FileStore, count: u64, memory: &Memory) {
    let store = Counting { store, tiles: AtomicU64::new(0) };
    let trust = trust();
    let known = count / 256 * 256;
    let some: Vec<u64> = (0..PROOFS).map(|place| place * (known - 1) / (PROOFS - 1)).collect();
    let mut made = Vec::new();
    let prove = timed(PROOFS, || {
        made.extend(some.iter().map(|index| {
            let reader = LogReader::open(&store, &trust).unwrap();
            reader.proof_file_since(*index, &[], None, Some(memory)).unwrap().file.format()
        }));
    });
    let tiles = store.tiles.load(Ordering::Relaxed) as f64 / PROOFS as f64;
    let check = timed(PROOFS, || {
        made.iter().for_each(|proof| drop(check_proof_alone(proof.as_bytes(), &trust).unwrap()));
    });
    let bytes = made.iter().map(String::len).sum::<usize>() / made.len();
    let milliseconds =
        |rate: Rate| format!("{:.2} ms, {:.2} of the processor", 1e3 / rate.wall, 1e3 / rate.cpu);
    let prove = milliseconds(prove);
    println!("{:<30} {prove}, {tiles:.1} tiles and bundles, {bytes} bytes", "a proof of a record, made");
    println!("{:<30} {}", "the same, checked", milliseconds(check));
}

/// Makes a log. Written as it lies, since a writer would register each article once.
struct Maker<'a> {
    folder: &'a Path,
    count: u64,
    notices: bool,
    signers: Vec<SigningKey>,
    /// What is registered, again and again, no two registrations the same.
    articles: Vec<Article>,
}

impl Maker<'_> {
    fn new(folder: &Path, count: u64, notices: bool) -> Maker<'_> {
        let signers = (0..SIGNERS).map(signer).collect();
        Maker { folder, count, notices, signers, articles: (0..256).map(article).collect() }
    }

    fn make(&self) {
        let mut edge = Edge::default();
        let bundles: Vec<EntryBundle> = bundles_of(self.count).collect();
        for some in bundles.chunks(AT_A_TIME) {
            let made: Vec<Vec<Hash>> = some.par_iter().map(|bundle| self.bundle(*bundle)).collect();
            for leaf in made.into_iter().flatten() {
                edge.push(leaf, |tile, hashes| self.write(&tile.path(), &bytes_of_tile(hashes)));
            }
        }
        for tile in partial_tiles_of(self.count) {
            self.write(&tile.path(), &bytes_of_tile(edge.partial(tile.level())));
        }
        let text = Checkpoint::new(Origin::new(ORIGIN).unwrap(), edge.size(), edge.root()).unwrap().format();
        let vkey = VerifierKey::ed25519(KeyName::new(ORIGIN).unwrap(), log_key().public());
        let note = Note::signed(&text, &vkey, &log_key().sign(text.as_bytes())).unwrap();
        self.write(layout::CHECKPOINT, note.format().as_bytes());
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Makes and writes a bundle with its openings, and returns its leaf hashes.
    fn bundle(&self, bundle: EntryBundle) -> Vec<Hash> {
        let (mut bytes, mut openings, mut leaves) = (Vec::new(), String::new(), Vec::new());
        for index in (bundle.first_entry()..).take(bundle.width().into()) {
            let entry = self.entry(index);
            bundle::push(&mut bytes, &entry.bytes).unwrap();
            entry.openings.iter().for_each(|opening| openings.push_str(&format!("{index} {opening}\n")));
            leaves.push(leaf_hash(&entry.bytes));
        }
        self.write(&bundle.path(), &bytes);
        self.write(&layout::disclosures_path(bundle.index()), openings.as_bytes());
        leaves
    }

    fn entry(&self, index: u64) -> SealedEntry {
        let number = usize::try_from(index).unwrap();
        if index < SIGNERS {
            let key = signer(index).public();
            return said(&root(), number, |it| {
                Draft::key(KeyAction::Enrol, &key, vec![Role::Editor], None, None, it)
            });
        }
        let signer = &self.signers[number % self.signers.len()];
        if self.notices && index % 256 != SIGNERS {
            return self.notice(index, signer);
        }
        let article = &self.articles[number / 256 % self.articles.len()];
        let decisions = Decisions { no_store: true, ..Decisions::default() };
        said(signer, number, |it| Draft::registration(article, &decisions, it))
    }

    fn notice(&self, index: u64, signer: &SigningKey) -> SealedEntry {
        let about = self.registered_before(index);
        said(signer, usize::try_from(index).unwrap(), |it| {
            let notice = Notice {
                about,
                notice: NoticeKind::Correction,
                replaced_by: None,
                until: None,
                url: Some(format!("https://bench.example/corrections/{index}")),
                note: Some(format!("The figure in paragraph {index} was read wrongly.")),
                recorded_by: it.recorded_by,
                recorded_at: it.recorded_at,
            };
            Draft::notice(notice, it)
        })
    }

    /// Returns the registration in any bundle before that of the notice, or in the first.
    fn registered_before(&self, index: u64) -> RecordRef {
        let spread = Hash::of(&index.to_be_bytes()).0;
        let spread = u64::from(u32::from_be_bytes([spread[0], spread[1], spread[2], spread[3]]));
        let bundle = spread % (index / 256).max(1);
        let article = &self.articles[usize::try_from(bundle).unwrap() % self.articles.len()];
        RecordRef { record: bundle * 256 + SIGNERS, original: article.digests.original }
    }
}

fn article(number: usize) -> Article {
    let text = format!(
        "Dispatch {number} from the port\n\nBy Awa Diallo\n\nThe river stood at {number} centimetres on Monday. \
         \u{ab} We have seen worse \u{bb}, said the harbour master.\n\nSource: Port Authority of Clair\n"
    );
    read(text.as_bytes(), &ReadOptions::default()).unwrap()
}

/// What the signatures of some entries everywhere in the log are over, and the keys that made them.
fn messages(store: &FileStore, size: u64) -> Vec<(ed25519_dalek::VerifyingKey, Vec<u8>, Signature)> {
    let by_id =
        |key: PublicKey| (key.key_id(), ed25519_dalek::VerifyingKey::from_bytes(key.as_bytes()).unwrap());
    let signers = (0..SIGNERS).map(|number| signer(number).public());
    let keys: std::collections::BTreeMap<Hash, _> =
        std::iter::once(root().public()).chain(signers).map(by_id).collect();
    let step = usize::try_from(size.div_ceil(SAMPLE)).unwrap();
    let bundles: Vec<_> = bundles_of(size).step_by(step).collect();
    let of_bundle = bundles.into_par_iter().flat_map_iter(|bundle| {
        let bytes = store.get(&Key::new(bundle.path()).unwrap(), u64::MAX).unwrap().unwrap();
        let entries = bundle.entries(&bytes).unwrap();
        let message = |bytes: &&[u8]| {
            let envelope = Entry::parse(bytes).unwrap().envelope;
            let message = pae(PAYLOAD_TYPE, envelope.unverified_payload());
            (keys[&envelope.key_id()], message, *envelope.signature())
        };
        entries.iter().map(message).collect::<Vec<_>>()
    });
    of_bundle.collect()
}
