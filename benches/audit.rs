//! How fast a log is checked, beside how fast its signatures alone can be: `cargo bench --bench audit`.
//!
//! Makes a log of `DATELINE_ENTRIES` registrations (100,000 unless said otherwise) by four signers in a folder of its own,
//! without stored originals, and takes the median of five runs of each of these, in turn:
//!
//! - `verify_strict` of `ed25519-dalek` alone, on all cores, over the messages of these entries, in memory;
//! - a full audit from the folder;
//! - an audit that remembers all but the last entries, so that the rest is compared and not checked again;
//! - the same by the hash tiles alone.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod support;

use std::path::Path;
use std::time::Instant;

use dateline::article::{Article, ReadOptions, read};
use dateline::attest::dsse::{PAYLOAD_TYPE, pae};
use dateline::base::{Hash, PublicKey, Signature, SigningKey};
use dateline::note::{Checkpoint, KeyName, Note, Origin, Policy, VerifierKey};
use dateline::record::entry::Circumstances;
use dateline::record::{Decisions, Draft, Entry, KeyAction, NewEntry, Role, layout};
use dateline::storage::{FileStore, Key, Store};
use dateline::tlog::edge::bytes_of_tile;
use dateline::tlog::{Edge, bundle, bundles_of, leaf_hash};
use dateline::verify::{Audited, Memory, Trust, Verdict, audit_since};
use rayon::prelude::*;
use support::{said, signing};

const ORIGIN: &str = "bench.example/log";
const SIGNERS: u8 = 4;
const RUNS: usize = 5;

fn main() {
    let count = std::env::var("DATELINE_ENTRIES").map_or(100_000, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let trust = make(folder.path(), count);
    let store = FileStore::reader(folder.path());
    let messages = messages(&store, count as u64);
    let bytes: usize = messages.iter().map(|(_, message, _)| message.len()).sum();
    println!(
        "{count} entries, messages of {} bytes, {} threads",
        bytes / count,
        rayon::current_num_threads()
    );

    let memory = audited(&store, &trust, None).memory.unwrap();
    let quick = memory.clone().tiles_alone();
    let [mut strict, mut full, mut again, mut tiles] = [const { Vec::new() }; 4];
    for _ in 0..RUNS {
        strict.push(timed(|| {
            let holds = messages.par_iter().filter(|(key, message, signature)| {
                let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
                key.verify_strict(message, &signature).is_ok()
            });
            assert_eq!(holds.count(), count);
        }));
        full.push(timed(|| drop(audited(&store, &trust, None))));
        again.push(timed(|| drop(audited(&store, &trust, Some(&memory)))));
        tiles.push(timed(|| drop(audited(&store, &trust, Some(&quick)))));
    }
    line("verify_strict alone", count, &strict, None);
    line("full audit", count, &full, Some(&strict));
    line("audit of a log checked before", count, &again, Some(&strict));
    line("the same by tiles alone", count, &tiles, Some(&strict));
}

fn audited(store: &FileStore, trust: &Trust, memory: Option<&Memory>) -> Audited {
    let audited = audit_since(store, trust, memory, &|_, _| {}).unwrap();
    assert_eq!(audited.report.verdict, Verdict::Verified, "{:?}", audited.report.findings);
    audited
}

/// Seconds by the clock, and of the processors.
#[derive(Clone, Copy)]
struct Took {
    wall: f64,
    cpu: f64,
}

fn timed(work: impl FnOnce()) -> Took {
    let (start, cpu) = (Instant::now(), processor_seconds());
    work();
    Took { wall: start.elapsed().as_secs_f64(), cpu: processor_seconds() - cpu }
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

fn line(what: &str, count: usize, runs: &[Took], strict: Option<&[Took]>) {
    let median = |of: &dyn Fn(usize) -> f64| {
        let mut all: Vec<f64> = (0..runs.len()).map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let count = count as f64;
    let (wall, cpu) = (median(&|run| count / runs[run].wall), median(&|run| count / runs[run].cpu));
    let ratio = strict.map_or_else(String::new, |strict| {
        // Each run beside the one that was taken right before it.
        let wall = median(&|run| strict[run].wall / runs[run].wall);
        let cpu = median(&|run| strict[run].cpu / runs[run].cpu);
        format!("  of verify_strict {wall:.2}, by processor time {cpu:.2}")
    });
    println!("{what:<30} {wall:>9.0} entries/s, {cpu:>8.0} per processor second{ratio}");
}

/// Makes the log; its entries are registrations of 256 short articles, again and again, no two the same. Written as it
/// lies, since a writer would register each article once.
fn make(folder: &Path, count: usize) -> Trust {
    let (root, log_key) = (signing(1), signing(2));
    let signers: Vec<SigningKey> = (0..SIGNERS).map(|number| signing(3 + number)).collect();
    let mut entries: Vec<NewEntry> = Vec::new();
    for (number, signer) in signers.iter().enumerate() {
        let draft = |circumstances: &mut Circumstances<'_>| {
            Draft::key(KeyAction::Enrol, &signer.public(), vec![Role::Editor], None, None, circumstances)
        };
        entries.push(said(&root, number, draft).into_entry());
    }
    let articles: Vec<Article> = (0..256).map(article).collect();
    let registrations = (entries.len()..count).into_par_iter().map(|number| {
        let decisions = Decisions { no_store: true, ..Decisions::default() };
        let article = &articles[number % articles.len()];
        said(&signers[number % signers.len()], number, |circumstances| {
            Draft::registration(article, &decisions, circumstances)
        })
        .into_entry()
    });
    entries.par_extend(registrations);

    let write = |name: String, bytes: Vec<u8>| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    let mut edge = Edge::default();
    let leaves = entries.iter().map(|entry| leaf_hash(&entry.bytes));
    edge.grow(leaves, |tile, hashes| write(tile.path(), bytes_of_tile(hashes)));
    for (file, some) in bundles_of(edge.size()).zip(entries.chunks(256)) {
        let mut bytes = Vec::new();
        some.iter().for_each(|entry| bundle::push(&mut bytes, &entry.bytes).unwrap());
        write(file.path(), bytes);
        let openings = (file.first_entry()..).zip(some).flat_map(|(index, entry)| {
            entry.openings.iter().map(move |opening| format!("{index} {opening}\n"))
        });
        write(layout::disclosures_path(file.index()), openings.collect::<String>().into_bytes());
    }
    let text = Checkpoint::new(Origin::new(ORIGIN).unwrap(), edge.size(), edge.root()).unwrap().format();
    let vkey = VerifierKey::ed25519(KeyName::new(ORIGIN).unwrap(), log_key.public());
    let note = Note::signed(&text, &vkey, &log_key.sign(text.as_bytes())).unwrap();
    write(layout::CHECKPOINT.into(), note.format().into_bytes());
    Trust { policy: Policy::of_log(vkey).unwrap(), roots: vec![root.public()] }
}

fn article(number: usize) -> Article {
    let text = format!(
        "Dispatch {number} from the port\n\nBy Awa Diallo\n\nThe river stood at {number} centimetres on Monday. \
         \u{ab} We have seen worse \u{bb}, said the harbour master.\n\nSource: Port Authority of Clair\n"
    );
    read(text.as_bytes(), &ReadOptions::default()).unwrap()
}

/// What the signatures of all entries are over, and the keys that made them.
fn messages(store: &FileStore, size: u64) -> Vec<(ed25519_dalek::VerifyingKey, Vec<u8>, Signature)> {
    let by_id =
        |key: PublicKey| (key.key_id(), ed25519_dalek::VerifyingKey::from_bytes(key.as_bytes()).unwrap());
    let keys: std::collections::BTreeMap<Hash, _> =
        [1].into_iter().chain(3..3 + SIGNERS).map(|seed| by_id(signing(seed).public())).collect();
    let bundles: Vec<_> = bundles_of(size).collect();
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
