//! The model of what a log takes and costs, held against logs that the program writes, and against its own page.

#![allow(clippy::unwrap_used)]

#[path = "../examples/scale/model.rs"]
#[allow(dead_code)]
mod model;
mod support;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;

use dateline::base::Hash;
use dateline::storage::{MemoryStore, Store};
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

/// Tiles of a tree, counted as they are read.
struct Counted<'s> {
    tiles: &'s std::collections::BTreeMap<Tile, Vec<u8>>,
    read: &'s Cell<u128>,
}

impl TileSource for Counted<'_> {
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
                TileReader::new(Counted { tiles: &tiles, read: &read }, size, &edge.root()).unwrap();
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
    let inputs = |batch| Inputs { batch, writes_of_commit: 0.0, ..Inputs::default() };
    // One by one: a tile of the lowest level, a bundle and a file of openings each, and with each full tile one above.
    let singly = 3e6 + 3_906.0 + 15.0;
    assert!((inputs(1.0).writes_of_million(0) - singly).abs() < 5.0, "{}", inputs(1.0).writes_of_million(0));
    let by_bundles = 3.0 * 3_907.0 + 3_906.0 + 15.0;
    let written = inputs(256.0).writes_of_million(0);
    assert!((written - by_bundles).abs() < 5.0, "{written} is not about {by_bundles}");
    assert_eq!(inputs(100.0).reads_of_million(), 30_000.0);
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
