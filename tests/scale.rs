//! The model of what a log takes and costs, held against logs that the program writes, and against its own page.

#![allow(clippy::unwrap_used)]

#[path = "../examples/scale/model.rs"]
#[allow(dead_code)]
mod model;
mod support;

#[path = "support/counted.rs"]
mod counted;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;

use counted::Counted;
use dateline::base::Hash;
use dateline::storage::{Key, MemoryStore, Store};
use dateline::tlog::edge::bytes_of_tile;
use dateline::tlog::{Edge, InclusionProof, Tile, TileReader, TileSource};
use model::Inputs;
use support::{append, create, get, policy, records};

/// The names of a log's files, but for what is the writer's own.
fn names(store: &dyn Store) -> BTreeSet<String> {
    let keys = store.list("").unwrap().keys;
    keys.iter().map(ToString::to_string).filter(|name| !name.starts_with(".local/")).collect()
}

fn of_kind<'n>(names: &'n BTreeSet<String>, kind: &str) -> Vec<&'n String> {
    let entries = |name: &str| name.starts_with("tile/entries/");
    let is_kind = |name: &&String| match kind {
        "bundle" => entries(name),
        "tile" => name.starts_with("tile/") && !entries(name),
        kind => name.starts_with(kind),
    };
    names.iter().filter(is_kind).collect()
}

#[test]
fn a_log_has_the_files_and_bytes_that_the_model_says() {
    let (store, policy) = (MemoryStore::default(), policy());
    let mut log = create(&store, &policy).unwrap();
    let mut size = 0u64;
    for more in [1, 2, 200, 52, 1, 1, 255, 256, 300, 17] {
        let before = names(&store);
        append(&mut log, records(size..size + more)).unwrap();
        let (at, grown) = (u128::from(size), u128::from(more));
        size += more;
        let after = names(&store);
        let new: BTreeSet<String> = after.difference(&before).cloned().collect();
        assert_eq!(of_kind(&new, "tile").len() as u128, model::tiles_written(at, grown), "{at} + {grown}");
        assert_eq!(
            of_kind(&new, "bundle").len() as u128,
            model::bundles_written(at, grown),
            "{at} + {grown}"
        );
        let all = u128::from(size);
        assert_eq!(of_kind(&after, "tile").len() as u128, model::tiles(all), "{all}");
        assert_eq!(of_kind(&after, "bundle").len() as u128, model::bundles(all), "{all}");
        assert_eq!(of_kind(&after, "disclosures/").len() as u128, model::bundles(all), "{all}");
        let lengths = |kind| {
            let names =
                of_kind(&after, kind).into_iter().map(|name| get(&store, name).unwrap().len() as u128);
            names.sum::<u128>()
        };
        assert_eq!(lengths("tile"), model::tile_bytes(all), "{all}");
        // And all together, with the means of this log.
        let inputs = Inputs {
            entry: (lengths("bundle") as f64) / size as f64 - 2.0,
            openings: lengths("disclosures/") as f64 / size as f64,
            ..Inputs::default()
        };
        let content = of_kind(&after, "content/").len() as u128;
        assert_eq!(inputs.files(all) + content, after.len() as u128, "{after:?}");
        let bytes = lengths("tile") + lengths("bundle") + lengths("disclosures/");
        assert!((inputs.bytes(all) - bytes as f64).abs() < 1.0, "{all}: {} and {bytes}", inputs.bytes(all));
    }
}

#[test]
fn a_commit_in_a_bucket_makes_the_requests_that_the_model_says() {
    let (shared, policy) = (MemoryStore::default(), policy());
    let bucket = Counted::new(&shared);
    let mut log = create(&bucket, &policy).unwrap();
    append(&mut log, records(0..1)).unwrap();
    let (mut size, mut records_with_originals) = (1u64, 0);
    for more in [1, 2, 200, 52, 1, 1, 253, 1, 256, 1, 255, 270, 6] {
        let some = records(size..size + more);
        let stored = some.iter().filter(|record| record.content.is_some()).count();
        records_with_originals += stored;
        let mean = |sum: usize| sum as f64 / more as f64;
        let originals = mean(some.iter().flat_map(|record| &record.content).map(Vec::len).sum());
        let (before, sent) = (bucket.requests(), bucket.sent());
        append(&mut log, some).unwrap();
        let made = bucket.requests().since(&before);
        let told = model::requests_of_commit(size.into(), more.into(), stored as u128);
        let made = [made.puts, made.conditional_puts, made.gets, made.lists, made.deletes].map(u128::from);
        assert_eq!(made, [0, told.writes, told.reads, told.lists, told.removals], "{size} + {more}");

        // With the means of the files that are written, the bytes as well, but for checkpoints and the names in the bundle.
        let first = size / 256 * 256;
        let parts = |name: &str| {
            let keys = shared.list(name).unwrap().keys;
            let file = |key: &Key| key.as_str().trim_start_matches(name)[1..4].parse::<u64>().unwrap();
            let some = keys.iter().filter(|key| file(key) >= first / 256);
            some.map(|key| get(&shared, key.as_str()).unwrap().len()).sum::<usize>() as f64
        };
        let entries = (size + more - first) as f64;
        let inputs = Inputs {
            entry: parts("tile/entries") / entries - 2.0,
            openings: parts("disclosures") / entries,
            stored: 1.0,
            original: originals,
            ..Inputs::default()
        };
        let (sent, told) = ((bucket.sent() - sent) as f64, inputs.sent(size.into(), more.into()));
        let beside = 2_500.0 + 100.0 * told_files(size, more);
        assert!(sent >= told * 0.97 && sent <= told * 1.03 + beside, "{size} + {more}: {sent}, not {told}");
        size += more;
    }
    assert!(records_with_originals > 5);
}

/// Files that a commit names in what it stages.
fn told_files(size: u64, more: u64) -> f64 {
    model::requests_of_commit(size.into(), more.into(), 0).writes as f64
}

/// Tiles of a tree, counted as they are read.
struct Reads<'s> {
    tiles: &'s std::collections::BTreeMap<Tile, Vec<u8>>,
    read: &'s Cell<u128>,
}

impl TileSource for Reads<'_> {
    type Error = String;

    fn tile(&self, tile: Tile) -> Result<Vec<u8>, String> {
        self.read.set(self.read.get() + 1);
        self.tiles.get(&tile).cloned().ok_or_else(|| tile.to_string())
    }
}

#[test]
fn a_proof_has_the_hashes_and_reads_the_tiles_that_the_model_says() {
    let mut edge = Edge::default();
    let mut tiles = std::collections::BTreeMap::new();
    let mut size = 0u64;
    for upto in [1, 2, 3, 255, 256, 257, 1_000, 65_535, 65_536, 65_537, 70_000, 131_072, 200_001] {
        let leaves = (size..upto).map(|number| Hash::of(&number.to_be_bytes()));
        edge.grow(leaves, |tile, hashes| _ = tiles.insert(tile, bytes_of_tile(hashes)));
        size = upto;
        let mut longest = 0;
        for number in 0..60 {
            let drawn = support::drawn(&format!("{size} {number}"), size as usize) as u64;
            let index = [0, size - 1, size / 2].get(number).copied().unwrap_or(drawn);
            let read = Cell::new(0);
            let mut reader =
                TileReader::new(Reads { tiles: &tiles, read: &read }, size, &edge.root()).unwrap();
            let proof = InclusionProof::prove(index, size, &mut reader).unwrap();
            let (at, all) = (u128::from(index), u128::from(size));
            assert_eq!(proof.0.len() as u32, model::proof_hashes(at, all), "{index} of {size}");
            assert_eq!(read.get(), model::tiles_of_proof(at, all), "{index} of {size}");
            longest = longest.max(proof.0.len() as u32);
        }
        // The first entry's is as long as any.
        assert_eq!(longest, model::longest_proof(size.into()), "{size}");
    }
}

#[test]
fn what_the_model_adds_up_is_what_each_step_says() {
    // A million entries one by one, then by whole bundles: by hand.
    let million = |batch: f64| {
        let inputs = Inputs { batch, stored: 0.0, ..Inputs::default() };
        (inputs.million(0), (1e6 / batch).ceil())
    };
    // One by one: a tile of the lowest level, a bundle and a file of openings each, and with each full tile one above.
    let (singly, commits) = million(1.0);
    let written = 3e6 + 3_906.0 + 15.0 + 3.0 * commits;
    assert!((singly.writes - written).abs() < 5.0, "{singly:?}");
    assert_eq!((singly.reads, singly.lists), (5.0 * commits, commits));
    let (bundles, commits) = million(256.0);
    let written = 3.0 * 3_907.0 + 3_906.0 + 15.0 + 3.0 * commits;
    assert!((bundles.writes - written).abs() < 5.0, "{bundles:?}");
    assert_eq!((bundles.reads, bundles.lists), (5.0 * commits, commits));
    let contended = Inputs { batch: 256.0, contended_writes: 1.5, contended_reads: 3.0, ..Inputs::default() };
    let contended = contended.million(0);
    assert_eq!((contended.writes, contended.reads), (bundles.writes * 1.5 + 1e6, bundles.reads * 3.0));
    // Growth in steps writes what is at rest, and what was partial meanwhile.
    let (mut at, mut written) = (0, 0);
    for more in [256, 256, 65_536 - 512, 65_536] {
        written += model::tiles_written(at, more);
        at += more;
    }
    assert_eq!((model::tiles(at), written), (512 + 2 + 1, 512 + 4 + 2));
    let slow = Inputs { audited: 10.0, read: 1e12, part: 0.0, ..Inputs::default() };
    assert_eq!((slow.audit(1_000, 1).0, slow.audit(1_000, 100).0), (100.0, 1.0));
}

#[test]
fn the_page_has_the_tables_of_its_inputs() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scale.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let tables = model::tables(&Inputs::default());
    if std::env::var("DATELINE_PAGES").is_ok_and(|value| value == "write") {
        let (before, after) = between(&text);
        std::fs::write(&page, format!("{before}{tables}{after}")).unwrap();
        return;
    }
    assert!(
        text.contains(&tables),
        "docs/scale.md is not what the model says: write it with DATELINE_PAGES=write\n{tables}"
    );
}

/// What stands before and after the tables.
fn between(text: &str) -> (&str, &str) {
    let (start, end) = ("<!-- tables -->\n", "<!-- end of tables -->\n");
    let from = text.find(start).unwrap() + start.len();
    let to = text.find(end).unwrap();
    (&text[..from], &text[to..])
}
