//! Files of the log changed by somebody who holds no key, and checkpoints.

use dateline::base::encoding::to_base64;
use dateline::base::{Hash, SigningKey};
use dateline::note::{Cosignature, KeyName, Note, Policy, VerifierKey};
use dateline::storage::{MemoryStore, Store};
use dateline::tlog::edge::{bytes_of_tile, hashes_of_tile};
use dateline::tlog::{Tile, leaf_hash};
use dateline::verify::{Code, Trust};

use crate::attack::{
    Attack, BUNDLE, Log, Record, SIZE, TILE, attack, check_all, edit, entries_of, file, good, note, original,
    outsider, published, put,
};
use crate::support::statements::{document, notes, notice};
use crate::support::{
    ORIGIN, build, editor, get, joined, key, log_key, registration, roots, signing, text, vkey_of,
};

#[test]
fn files() {
    check_all(attacks());
}

#[test]
fn checkpoint() {
    check_all(checkpoints());
}

#[test]
fn opening() {
    check_all(openings());
}

fn cut(bytes: &mut Vec<u8>) {
    bytes.pop();
}

fn without(name: &str) -> MemoryStore {
    let store = published(&good());
    store.delete(&[key(name)]).unwrap();
    store
}

/// Another statement that could stand where entry 6 does.
fn other_notice() -> Vec<u8> {
    notes(notice(document(2), dateline::record::NoticeKind::Update)).bytes
}

/// The good log with entries changed in the bundle and, by whoever did it, in the tile.
fn entries_and_tile(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> MemoryStore {
    let store = published(&good());
    let mut leaves = Vec::new();
    edit(&store, BUNDLE, |bytes| {
        entries_of(bytes, |entries| {
            change(entries);
            leaves = entries.iter().map(|entry| leaf_hash(entry)).collect();
        });
    });
    put(&store, TILE, bytes_of_tile(&leaves));
    store
}

/// A log of 300 entries, for what lies above the lowest tiles.
fn large(change: impl FnOnce(&MemoryStore)) -> MemoryStore {
    let store = MemoryStore::default();
    build(&store, 300);
    // What the writer wrote never changes in that store.
    let copy = MemoryStore::default();
    for name in store.list("").unwrap().keys {
        put(&copy, name.as_str(), get(&store, name.as_str()).unwrap());
    }
    change(&copy);
    copy
}

pub(crate) fn attacks() -> Vec<Attack> {
    use Code::{
        BundleMalformed, EntryChanged, FileMissing, OpeningMismatch, OpeningMissing, OriginalChanged,
        OriginalMissing, ReferenceInvalid, RootMismatch, Stray, TileChanged, TileMissing,
    };
    let entries = |change: fn(&mut Vec<Vec<u8>>)| outsider(BUNDLE, |bytes| entries_of(bytes, change));
    let bundle = || [(BundleMalformed, file(BUNDLE))];
    let tile = || [(TileChanged, file(TILE))];
    let planted = |name: &'static str, bytes: &[u8]| {
        let store = published(&good());
        put(&store, name, bytes);
        store
    };
    vec![
        attack("an entry is replaced by another good one", entries(|all| all[6] = other_notice()))
            .finds([(EntryChanged, Record(6))])
            .holds(7, 7),
        attack("a document that others point to is replaced", {
            let other = registration(&editor(), 9, "", false).entry.bytes.clone();
            outsider(BUNDLE, |bytes| entries_of(bytes, |all| all[3] = other))
        })
        .finds([
            (EntryChanged, Record(3)),
            (OpeningMismatch, Record(3)),
            (ReferenceInvalid, Record(4)),
            (Stray, file(&original(3))),
        ])
        .holds(7, 7),
        attack("an entry is dropped", entries(|all| drop(all.remove(5)))).finds(bundle()),
        attack("an entry is inserted", entries(|all| all.insert(5, all[5].clone()))).finds(bundle()),
        attack("two entries are swapped", entries(|all| all.swap(5, 6)))
            .finds([
                (EntryChanged, Record(5)),
                (OpeningMismatch, Record(5)),
                (EntryChanged, Record(6)),
                (OpeningMissing, Record(6)),
            ])
            .holds(7, 7),
        attack("an entry stands again where another was", entries(|all| all[6] = all[5].clone()))
            .finds([(EntryChanged, Record(6)), (OpeningMissing, Record(6))])
            .holds(7, 7),
        attack("the entries end early", outsider(BUNDLE, cut)).finds(bundle()),
        attack("an empty entry follows", outsider(BUNDLE, |bytes| bytes.extend([0, 0]))).finds(bundle()),
        attack("a length goes beyond the end", outsider(BUNDLE, |bytes| bytes[..2].fill(0xff)))
            .finds(bundle()),
        attack("all lengths are the largest", outsider(BUNDLE, |bytes| *bytes = vec![0xff; 70_000]))
            .finds(bundle()),
        attack("there is nothing in the file of entries", outsider(BUNDLE, Vec::clear)).finds(bundle()),
        attack(
            "more bytes than 256 entries can have",
            outsider(BUNDLE, |bytes| bytes.resize(256 * 65_537 + 1, 0)),
        )
        .finds(bundle()),
        attack("the file of entries is gone", without(BUNDLE)).finds([(FileMissing, file(BUNDLE))]),
        attack("one bit of a tile", outsider(TILE, |bytes| bytes[40] ^= 1)).finds(tile()).holds(7, 7),
        attack("two hashes of a tile are swapped", outsider(TILE, |bytes| bytes.rotate_left(32)))
            .finds(tile())
            .holds(7, 7),
        attack("a tile ends early", outsider(TILE, |bytes| bytes.truncate(6 * 32))).finds(tile()).holds(7, 7),
        attack("a hash follows a tile", outsider(TILE, |bytes| bytes.extend([0; 32])))
            .finds(tile())
            .holds(7, 7),
        attack("a tile is gone", without(TILE)).finds([(TileMissing, file(TILE))]).holds(7, 7),
        attack("a tile and its entries are gone", {
            let store = without(TILE);
            store.delete(&[key(BUNDLE)]).unwrap();
            store
        })
        .finds([(FileMissing, file(TILE)), (FileMissing, file(BUNDLE))]),
        attack("entries and tile are changed alike", entries_and_tile(|all| all[6] = other_notice()))
            .finds([(RootMismatch, Log)])
            .holds(7, 7),
        attack("entries and tile are changed, each otherwise", {
            let store = entries_and_tile(|all| all[6] = other_notice());
            edit(&store, TILE, |bytes| bytes[6 * 32] ^= 1);
            store
        })
        .finds([(EntryChanged, Record(6)), (RootMismatch, Log)])
        .holds(7, 7),
        attack(
            "a tile above the lowest",
            large(|store| edit(store, "tile/1/000.p/1", |bytes| bytes[9] ^= 1)),
        )
        .finds([(TileChanged, file("tile/1/000.p/1"))])
        .holds(300, 300),
        attack(
            "a tile above the lowest is that of a changed one below",
            large(|store| {
                edit(store, "tile/0/000", |bytes| bytes[9] ^= 1);
                let hashes =
                    hashes_of_tile(Tile::new(0, 0, 256).unwrap(), &get(store, "tile/0/000").unwrap());
                let above = dateline::tlog::tree::root_of(&hashes.unwrap());
                put(store, "tile/1/000.p/1", above.0);
            }),
        )
        .finds([(TileChanged, file("tile/0/000")), (TileChanged, file("tile/1/000.p/1"))])
        .holds(300, 300),
        attack("a tile cannot be made again of entries that are gone, too", {
            large(|store| store.delete(&[key("tile/entries/001.p/44"), key("tile/1/000.p/1")]).unwrap())
        })
        .finds([(FileMissing, file("tile/entries/001.p/44")), (FileMissing, file("tile/1/000.p/1"))])
        .holds(256, 256),
        attack("a full tile, right as far as it is known, takes the place of a partial one", {
            let store = published(&good());
            let mut bytes = get(&store, TILE).unwrap();
            bytes.resize(256 * 32, 7);
            store.delete(&[key(TILE)]).unwrap();
            put(&store, "tile/0/000", bytes);
            store
        })
        .finds([(Stray, file("tile/0/000"))])
        .holds(7, 7)
        .harmless(),
        attack("a full tile of other hashes takes the place of a partial one", {
            let store = without(TILE);
            put(&store, "tile/0/000", [7; 256 * 32]);
            store
        })
        .finds([(TileChanged, file(TILE)), (Stray, file("tile/0/000"))])
        .holds(7, 7),
        attack("tiles of a larger log lie about", planted("tile/0/000.p/9", &[7; 9 * 32]))
            .finds([(Stray, file("tile/0/000.p/9"))])
            .holds(7, 7)
            .harmless(),
        attack("a file with the name of a tile, misspelt", planted("tile/0/000.p/07", b"x"))
            .finds([(Stray, file("tile/0/000.p/07"))])
            .holds(7, 7)
            .harmless(),
        attack("a stored document lies in another folder than its name says", {
            let store = published(&good());
            put(&store, &format!("content/{}", Hash::of(text(2).as_bytes())), text(2));
            store
        })
        .finds([(Stray, file(&format!("content/{}", Hash::of(text(2).as_bytes()))))])
        .holds(7, 7)
        .harmless(),
        attack("a file of whoever writes the log", planted(".local/x", b"x")).holds(7, 7).harmless(),
        attack("a file that is named as if it were", planted(".locals/x", b"x"))
            .finds([(Stray, file(".locals/x"))])
            .holds(7, 7)
            .harmless(),
        attack("an original is replaced", outsider(&original(2), |bytes| bytes[4] ^= 1))
            .finds([(OriginalChanged, Record(2))])
            .holds(7, 7),
        attack("an original ends early", outsider(&original(2), cut))
            .finds([(OriginalChanged, Record(2))])
            .holds(7, 7),
        attack("an original is larger than was registered", outsider(&original(2), |bytes| bytes.push(b' ')))
            .finds([(OriginalChanged, Record(2))])
            .holds(7, 7),
        attack(
            "an original stands in another's place",
            outsider(&original(2), |bytes| *bytes = text(3).into()),
        )
        .finds([(OriginalChanged, Record(2))])
        .holds(7, 7),
        attack("an original is gone", without(&original(3)))
            .finds([(OriginalMissing, Record(3))])
            .holds(7, 7),
        attack("a document that nobody registered is stored", {
            let store = published(&good());
            put(&store, &dateline::record::layout::content_path(&Hash::of(b"rumour")), *b"rumour");
            store
        })
        .finds([(Stray, file(&dateline::record::layout::content_path(&Hash::of(b"rumour"))))])
        .holds(7, 7)
        .harmless(),
    ]
}

/// The good log under another checkpoint.
fn under(checkpoint: impl Into<Vec<u8>>) -> MemoryStore {
    let store = published(&good());
    put(&store, "checkpoint", checkpoint);
    store
}

fn checkpoint_text() -> String {
    let note = get(&published(&good()), "checkpoint").unwrap();
    Note::parse(&note).unwrap().text().to_owned()
}

/// The checkpoint with another line of its text, signed by the log.
fn said(line: usize, instead: &str) -> String {
    let text = checkpoint_text();
    let lines = text.lines().enumerate().map(|(at, old)| if at == line { instead } else { old });
    note(&(lines.collect::<Vec<_>>().join("\n") + "\n"), ORIGIN, &log_key())
}

/// The checkpoint as the log signed it, with more signature lines.
fn more_lines(lines: &str) -> String {
    note(&checkpoint_text(), ORIGIN, &log_key()) + lines
}

fn witness() -> SigningKey {
    signing(7)
}

fn witness_key() -> VerifierKey {
    VerifierKey::ed25519_cosigner(KeyName::new("example.org/witness").unwrap(), witness().public())
}

/// Trust that asks for the witness.
fn witnessed() -> Trust {
    let log = vkey_of(ORIGIN, &log_key());
    let policy = format!("log {log}\nwitness w {}\nquorum w\n", witness_key());
    Trust { policy: Policy::parse(policy.as_bytes()).unwrap(), roots: roots().to_vec() }
}

/// The good checkpoint with the cosignature line of the witness over `text`, at a time.
fn cosigned(text: &str, time: u64, said: u64) -> String {
    let signature = witness().sign(&Cosignature::message(time, text));
    let bytes = Cosignature::new(said, signature).unwrap().to_bytes();
    let name = witness_key().name().clone();
    let line = dateline::note::NoteSignature::new(name, witness_key().id(), bytes).unwrap();
    more_lines(&format!("{line}\n"))
}

/// A log key of a type that is not verified here, and a signature line that names it.
fn of_another_type() -> (VerifierKey, String) {
    let key = format!("{ORIGIN}+00000001+{}", to_base64(&[0x02, 1]));
    (VerifierKey::parse(&key).unwrap(), format!("\u{2014} {ORIGIN} {}\n", to_base64(&[0, 0, 0, 1, 7])))
}

pub(crate) fn checkpoints() -> Vec<Attack> {
    use Code::{
        CheckpointMalformed, CheckpointUntrusted, CheckpointUnverifiable, FileMissing, QuorumNotReached,
        RootMismatch, Stray,
    };
    let at = "checkpoint";
    let untrusted =
        |name, checkpoint: String| attack(name, under(checkpoint)).finds([(CheckpointUntrusted, file(at))]);
    let malformed =
        |name, checkpoint: String| attack(name, under(checkpoint)).finds([(CheckpointMalformed, file(at))]);
    let harmless = |name, checkpoint: String| attack(name, under(checkpoint)).holds(7, 7).harmless();
    let signed = || note(&checkpoint_text(), ORIGIN, &log_key());
    let strangers = |count: usize| more_lines(&"— somebody AAAAAAE=\n".repeat(count));
    let empty = Hash::of(b"").to_base64();
    let missing = |size: u64| {
        let names = [format!("tile/entries/000.p/{size}"), format!("tile/0/000.p/{size}")];
        names.map(|name| (FileMissing, file(&name)))
    };
    let left = [BUNDLE, TILE, "disclosures/000", &original(2), &original(3)];
    vec![
        attack("the checkpoint is gone", without(at)).finds([(FileMissing, file(at))]),
        untrusted("the checkpoint of another origin, by the log's key", {
            let other = "example.org/other";
            note(&checkpoint_text().replace(ORIGIN, other), other, &log_key())
        }),
        untrusted("the checkpoint by another key of the log's name", {
            note(&checkpoint_text(), ORIGIN, &signing(9))
        }),
        untrusted("the checkpoint of another origin and key", {
            let other = "example.org/other";
            note(&checkpoint_text().replace(ORIGIN, other), other, &signing(9))
        }),
        untrusted("the checkpoint of another origin, under the log's name", {
            note(&checkpoint_text().replace(ORIGIN, "example.org/other"), ORIGIN, &log_key())
        }),
        attack("the checkpoint by a key that cannot be checked here", {
            under(format!("{}\n{}", checkpoint_text(), of_another_type().1))
        })
        .trusting(Trust { policy: Policy::of_log(of_another_type().0).unwrap(), roots: roots().to_vec() })
        .finds([(CheckpointUnverifiable, file(at))]),
        untrusted("another size, not signed again", signed().replace("\n7\n", "\n6\n")),
        untrusted("another root, not signed again", {
            let root = checkpoint_text().lines().nth(2).unwrap().to_owned();
            signed().replace(&root, &empty)
        }),
        untrusted("another key id before the log's signature", {
            let good = dateline::note::NoteSignature::parse(signed().lines().last().unwrap()).unwrap();
            let id = dateline::note::KeyId([1, 2, 3, 4]);
            let line = dateline::note::NoteSignature::new(good.name().clone(), id, good.bytes().to_vec());
            format!("{}\n{}\n", checkpoint_text(), line.unwrap())
        }),
        untrusted("a bad signature of the log beside a good one", {
            let bad = note("something else\n", ORIGIN, &log_key());
            more_lines(&format!("{}\n", bad.lines().last().unwrap()))
        }),
        untrusted("a cosignature in place of the log's signature", {
            let cosigned = cosigned(&checkpoint_text(), 5, 5);
            format!("{}\n{}\n", checkpoint_text(), cosigned.lines().last().unwrap())
        })
        .trusting(witnessed()),
        attack("the log signs a larger size", under(said(1, "9"))).finds([
            missing(9)[0].clone(),
            missing(9)[1].clone(),
            (Stray, file(BUNDLE)),
            (Stray, file(TILE)),
        ]),
        attack("the log signs a smaller size", under(said(1, "5"))).finds([
            missing(5)[0].clone(),
            missing(5)[1].clone(),
            (Stray, file("disclosures/000")),
            (Stray, file(BUNDLE)),
            (Stray, file(TILE)),
        ]),
        attack("the log signs another root", under(said(2, &Hash::of(b"x").to_base64())))
            .finds([(RootMismatch, Log)])
            .holds(7, 7),
        attack("the log signs the largest size there is", under(said(1, &i64::MAX.to_string()))).finds(
            (0..8)
                .flat_map(|n| {
                    let (bundle, tile) = (format!("tile/entries/00{n}"), format!("tile/0/00{n}"));
                    [(FileMissing, file(&bundle)), (FileMissing, file(&tile))]
                })
                .chain([(Stray, file(BUNDLE)), (Stray, file(TILE))]),
        ),
        malformed("a size of 2^63", said(1, "9223372036854775808")),
        malformed("a size of 2^64 - 1", said(1, "18446744073709551615")),
        malformed("a size of 2^64", said(1, "18446744073709551616")),
        malformed("a size with a sign", said(1, "+7")),
        malformed("a size with a zero before it", said(1, "07")),
        malformed("a root that is no hash", said(2, "AAAA")),
        malformed("an empty log with a root", said(1, "0")),
        attack(
            "an empty log among the files of another",
            under(note(&format!("{ORIGIN}\n0\n{empty}\n"), ORIGIN, &log_key())),
        )
        .finds(left.map(|name| (Stray, file(name))))
        .harmless(),
        malformed("no checkpoint in the note", note("hello\n", ORIGIN, &log_key())),
        malformed("no note at all", checkpoint_text()),
        malformed("line endings of Windows", signed().replace('\n', "\r\n")),
        malformed("more bytes than a note has", "x".repeat(131_073)),
        harmless(
            "an extension line, signed",
            said(2, &format!("{}\nmore", checkpoint_text().lines().nth(2).unwrap())),
        ),
        harmless("16 signature lines", strangers(15)),
        harmless("100 signature lines", strangers(99)),
        malformed("101 signature lines", strangers(100)),
        malformed("1,000 signature lines", strangers(999)),
        attack("no witness has cosigned, and one must", under(signed()))
            .finds([(QuorumNotReached, file(at))])
            .holds(7, 7)
            .trusting(witnessed()),
        harmless("a witness has cosigned", cosigned(&checkpoint_text(), 5, 5)).trusting(witnessed()),
        untrusted("a cosignature of another time", cosigned(&checkpoint_text(), 5, 6)).trusting(witnessed()),
        untrusted("a cosignature of another checkpoint", {
            cosigned(&checkpoint_text().replace("\n7\n", "\n6\n"), 5, 5)
        })
        .trusting(witnessed()),
        attack("a stranger cosigns in the witness's name", {
            let key = VerifierKey::ed25519_cosigner(witness_key().name().clone(), signing(9).public());
            let cosignature = signing(9).sign(&Cosignature::message(5, &checkpoint_text()));
            let note = Note::parse(signed().as_bytes()).unwrap();
            let note = note.with_cosignature(&key, &Cosignature::new(5, cosignature).unwrap());
            under(note.unwrap().format())
        })
        .finds([(QuorumNotReached, file(at))])
        .holds(7, 7)
        .trusting(witnessed()),
    ]
}

/// The lines of the good log's openings.
fn lines() -> Vec<(u64, String)> {
    let text = String::from_utf8(get(&published(&good()), "disclosures/000").unwrap()).unwrap();
    let split = |line: &str| {
        let (index, opening) = line.split_once(' ').unwrap();
        (index.parse().unwrap(), opening.to_owned())
    };
    text.lines().map(split).collect()
}

pub(crate) fn openings() -> Vec<Attack> {
    use Code::{OpeningMismatch, OpeningMissing, OpeningsMalformed, Stray};
    let at = "disclosures/000";
    let with = |name, change: fn(&mut Vec<(u64, String)>)| {
        let mut lines = lines();
        change(&mut lines);
        attack(name, outsider(at, |bytes| *bytes = joined(&lines))).holds(7, 7)
    };
    let written = |name, change: fn(&mut Vec<u8>)| {
        attack(name, outsider(at, change)).finds([(OpeningsMalformed, file(at))]).holds(7, 7)
    };
    fn of(lines: &mut [(u64, String)], record: u64) -> &mut String {
        &mut lines.iter_mut().find(|(index, _)| *index == record).unwrap().1
    }
    vec![
        with("openings of two records are swapped", |lines| {
            let (two, three) = (of(lines, 2).clone(), of(lines, 3).clone());
            (*of(lines, 2), *of(lines, 3)) = (three, two);
        })
        .finds([(OpeningMismatch, Record(2)), (OpeningMismatch, Record(3))]),
        with("an opening stands twice", |lines| lines.insert(0, lines[0].clone()))
            .finds([(OpeningMismatch, Record(0))]),
        with("an opening is gone", |lines| lines.retain(|(index, _)| *index != 4))
            .finds([(OpeningMissing, Record(4))]),
        with("an opening of other words", |lines| {
            let other = dateline::attest::Disclosure::member([7; 16], "quote", &"a flood".into()).unwrap();
            *of(lines, 4) = other.as_str().to_owned();
        })
        .finds([(OpeningMismatch, Record(4))]),
        with("an opening that gives a member a second time", |lines| {
            let other = dateline::attest::Disclosure::member([7; 16], "recordedBy", &"me".into()).unwrap();
            lines.push((6, other.as_str().to_owned()));
        })
        .finds([(OpeningMismatch, Record(6))]),
        with("an opening nested without end", |lines| {
            let deep = format!(r#"["s","quote",{}{}]"#, "[".repeat(20_000), "]".repeat(20_000));
            *of(lines, 4) = dateline::base::encoding::to_base64url(deep.as_bytes());
        })
        .finds([(OpeningMismatch, Record(4))]),
        with("an opening that is no opening", |lines| *of(lines, 4) = "e30".into())
            .finds([(OpeningMismatch, Record(4))]),
        with("openings are not sorted", |lines| lines.reverse()).finds([(OpeningsMalformed, file(at))]),
        with("an opening of an entry of another file", |lines| lines.push((256, "WyJh".into())))
            .finds([(OpeningsMalformed, file(at))]),
        with("an opening of an entry that is not there", |lines| lines.push((77, "WyJh".into())))
            .finds([(Stray, file(at))])
            .harmless(),
        written("the last opening does not end", cut),
        written("openings with line endings of Windows", |bytes| {
            *bytes = String::from_utf8_lossy(bytes).replace('\n', "\r\n").into_bytes();
        }),
        written("an index spelt with a zero before it", |bytes| bytes.insert(0, b'0')),
        written("openings that are not UTF-8", |bytes| bytes[0] = 0xff),
        written("an opening larger than one can be", |bytes| {
            *bytes = format!("0 {}\n", "A".repeat(90_000)).into_bytes();
        }),
        written("more openings than a file can have", |bytes| *bytes = vec![b'0'; 64 * 1024 * 1024 + 1]),
        attack("openings of small things that take a hundred times their size in memory", {
            let many = format!(r#"["s","x",[{}0]]"#, r#"{"":0},"#.repeat(9_300));
            let line = format!("4 {}\n", dateline::base::encoding::to_base64url(many.as_bytes()));
            let count = 64 * 1024 * 1024 / line.len();
            outsider(at, |bytes| *bytes = line.repeat(count).into())
        })
        .finds([(OpeningsMalformed, file(at))])
        .holds(7, 7),
        attack("openings as many as fit a file", {
            outsider(at, |bytes| *bytes = "4 AA\n".repeat(64 * 1024 * 1024 / 5).into())
        })
        .finds([(OpeningsMalformed, file(at))])
        .holds(7, 7),
        attack("a file of openings of entries that are not there", {
            let store = published(&good());
            put(&store, "disclosures/001", *b"256 WyJh\n");
            store
        })
        .finds([(Stray, file("disclosures/001"))])
        .holds(SIZE, SIZE)
        .harmless(),
    ]
}
