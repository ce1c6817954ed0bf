//! Searching: what is found, in which writing, through which filters; and that the index is never believed.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::time::UNIX_EPOCH;

use dateline::article::{self, ReadOptions};
use dateline::base::{Hash, SigningKey, Timestamp};
use dateline::index::{How, Order, Query, RecordState, SearchIndex, Source, Term, Ways};
use dateline::likeness::Text;
use dateline::log::NewRecord;
use dateline::record::assessment::Method;
use dateline::record::entry::Circumstances;
use dateline::record::lineage::{Direction, Hop, Lineage, Link, Node};
use dateline::record::relation::{AssertedBy, Unresolved};
use dateline::record::{
    AssessmentState, Decisions, Draft, KeyAction, Notice, NoticeKind, RecordRef, Relation, RelationKind,
    Role, Target, layout,
};
use dateline::storage::{FileStore, Key, Listing, Object, Store, StoreError};
use dateline::verify::{LogReader, ReaderError, read_log_as};
use proptest::prelude::*;
use rusqlite::Connection;
use serde_json::Value;
use support::statements::{assessment, assessor, stated};
use support::{
    append, assembled, copy, create, editor, enrolment, log_key, open, policy, registration, root_key, salts,
    signing, trust,
};
use tempfile::TempDir;

const FRENCH: &str = "Le niveau du lac baisse\n\nSource : Mairie de Port-Clair\n\nLe préfet a pris lundi un arrêté sur \
    l'eau. L'élection du conseil du barrage est reportée.\n";
const RUSSIAN: &str = "Ёлку на площади убрали раньше срока\n\nИсточник: Администрация посёлка Озёрный\n\nВ посёлке Озёрный \
    новая ёлка упала в понедельник из-за ветра.\n";
const ARABIC: &str = "ارتفاع منسوب البحيرة\n\nالمصدر: وزارة المياه\n\nقال مُحَمَّد إنّ المدرسةَ أُغلقت يوم الاثنين بسبب \
    ارتفاع المياه.\n";
const CHINESE: &str = "水库水位上升\n\n来源：水利部\n\n记者从水利部获悉，周一水库水位上升两米，学校停课。\n";

/// A folder to run commands in.
struct Folder {
    temp: TempDir,
}

impl Folder {
    /// Records 1 to 4 are in Arabic, French, Russian, Chinese.
    fn of_four_scripts() -> Self {
        let folder = Folder { temp: tempfile::tempdir().unwrap() };
        folder.ok(&["init", "--no-passphrase", "--log-origin", "example.org/log"]);
        let texts = [("ar", ARABIC), ("fr", FRENCH), ("ru", RUSSIAN), ("zh", CHINESE)];
        for (name, text) in texts {
            fs::write(folder.path(&format!("{name}.txt")), text).unwrap();
            folder.ok(&["add", &format!("{name}.txt"), "--yes", "--language", name]);
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
        command.args(args).current_dir(self.temp.path()).stdin(Stdio::null());
        command.env_remove("SSH_AUTH_SOCK").env("XDG_STATE_HOME", self.path("state"));
        command.output().unwrap()
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> Vec<Value> {
        let text = self.ok(&[args, &["--format", "json"]].concat());
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The records that a command prints, in its order.
    fn records(&self, args: &[&str]) -> Vec<u64> {
        self.json(args).iter().map(|line| line["record"].as_u64().unwrap()).collect()
    }

    fn index(&self) -> PathBuf {
        self.path("records/.local/search.sqlite")
    }

    /// Changes the index by hand, and hides that somebody did.
    fn manipulate(&self, sql: &str) {
        Connection::open(self.index()).unwrap().execute_batch(sql).unwrap();
        leave_no_trace(&self.index());
    }
}

/// Writes the stamp that the index has when nobody touched it.
fn leave_no_trace(index: &Path) {
    let file = fs::metadata(index).unwrap();
    let modified = file.modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    fs::write(index.with_extension("stamp"), format!("{} {modified}\n", file.len())).unwrap();
}

#[test]
fn words_are_found_in_four_scripts() {
    let folder = Folder::of_four_scripts();
    for (words, found) in [
        (&["prefet"][..], &[2u64][..]),
        (&["PRÉFET", "election"], &[2]),
        (&["élection"], &[2]),
        (&["un arrete"], &[2]),
        (&["\"lundi un\" barr*"], &[2]),
        (&["lundi arrete"], &[]),
        (&["lundi", "arrete"], &[2]),
        (&["prefet", "lune"], &[]),
        (&["barr"], &[]),
        (&["елка"], &[3]),
        (&["ёлку"], &[3]),
        (&["елк*"], &[3]),
        (&["Озерный"], &[3]),
        (&["محمد"], &[1]),
        (&["المدرسه"], &[1]),
        (&["اغلقت"], &[1]),
        (&["水库"], &[4]),
        (&["记者"], &[4]),
        (&["利部获悉"], &[4]),
        (&["位"], &[4]),
        (&["课"], &[4]),
        (&["库位"], &[]),
        (&["Mairie"], &[2]),
    ] {
        assert_eq!(folder.records(&[&["search"], words].concat()), found, "{words:?}");
    }
    let found = &folder.json(&["search", "محمد"])[0];
    let (snippet, marks) = (found["snippet"]["text"].as_str().unwrap(), &found["snippet"]["marks"][0]);
    let (from, to) = (marks[0].as_u64().unwrap() as usize, marks[1].as_u64().unwrap() as usize);
    assert_eq!(snippet.chars().skip(from).take(to - from).collect::<String>(), "مُحَمَّد");
    assert_eq!((&found["rank"], &found["total"], &found["state"]), (&0.into(), &1.into(), &"claimed".into()));
    let text = folder.ok(&["search", "prefet"]);
    assert!(text.contains("Le [préfet] a pris lundi"), "{text}");
}

#[test]
fn a_query_means_nothing_to_the_engine() {
    let folder = Folder::of_four_scripts();
    for words in [
        "title:lac",
        "lac OR lune",
        "NEAR(lac niveau)",
        "^lac",
        "lac AND",
        "-lac",
        "{title}: lac",
        "\"lac",
        "(lac",
    ] {
        let output = folder.run(&["search", "--", words]);
        assert_eq!(output.status.code(), Some(0), "{words}: {output:?}");
    }
    assert_eq!(folder.records(&["search", "body:lac"]), Vec::<u64>::new());
    let many: Vec<String> = (0..250).map(|number| number.to_string()).collect();
    let many: Vec<&str> = ["search", "lac"].into_iter().chain(many.iter().map(String::as_str)).collect();
    assert_eq!(folder.records(&many), Vec::<u64>::new());
    assert_eq!(folder.records(&[&["search"], &["lac"; 300][..]].concat()), [2]);
    assert_eq!(folder.records(&["search", &"lac ".repeat(250)]), Vec::<u64>::new());
    for words in ["*", "\"\"", "—", &"a".repeat(1_001)] {
        assert_eq!(folder.run(&["search", "--", words]).status.code(), Some(2), "{words}");
    }
    assert_eq!(folder.records(&["search", &"a".repeat(1_000)]), Vec::<u64>::new());
    assert_eq!(folder.run(&["search"]).status.code(), Some(2));
    assert_eq!(folder.run(&["search", "a", "--state", "unheard"]).status.code(), Some(2));
    assert_eq!(folder.run(&["search", "a", "--from", "lundi"]).status.code(), Some(2));
}

#[test]
fn filters_and_pages() {
    let folder = Folder::of_four_scripts();
    for (number, day) in
        [(1, "2026-03-01"), (2, "2026-03-31"), (3, "2026-04"), (4, "2027"), (5, "2026-03-31T23:30:00-02:00")]
    {
        let name = format!("{number}.txt");
        fs::write(folder.path(&name), format!("Bulletin {number}\n\nLa rivière monte de {number} mètres.\n"))
            .unwrap();
        folder.ok(&[
            "add",
            &name,
            "--yes",
            "--published",
            day,
            "--byline",
            "Noé Brûlé",
            "--language",
            "fr-CA",
            "--no-quotes",
        ]);
    }
    assert_eq!(
        folder.records(&["search", "riviere", "--from", "2026-03-15", "--to", "2026-04-15"]),
        [6, 7, 9]
    );
    assert_eq!(folder.records(&["list", "--to", "2026-03-31"]), [5, 6]);
    assert_eq!(folder.records(&["list", "--from", "2026-04-20"]), [7, 8]);
    assert_eq!(folder.records(&["list", "--language", "FR"]), [2, 5, 6, 7, 8, 9]);
    assert_eq!(folder.records(&["list", "--language", "f"]), Vec::<u64>::new());
    assert_eq!(folder.records(&["list", "--byline", "brule"]), [5, 6, 7, 8, 9]);
    assert_eq!(folder.records(&["list", "--origin", "port clair"]), [2]);
    assert_eq!(folder.records(&["list", "--origin", "水利"]), [4]);
    assert_eq!(folder.records(&["list", "--origin", "—"]), Vec::<u64>::new());
    assert_eq!(folder.records(&["list", "--state", "claimed"]).len(), 9);
    assert_eq!(folder.records(&["list", "--state", "retracted"]), Vec::<u64>::new());

    // Pages cover everything once, with and without the index.
    for filter in [&["--language", "fr"][..], &[]] {
        let all = folder.records(&[&["list"], filter].concat());
        let paged = (0..5).flat_map(|page| {
            let offset = (page * 2).to_string();
            folder.records(&[&["list", "--limit", "2", "--offset", &offset], filter].concat())
        });
        assert_eq!(paged.collect::<Vec<_>>(), all);
        let last = folder.records(&[&["list", "--last", "3"], filter].concat());
        assert_eq!(last, all[all.len() - 3..]);
        let last =
            folder.records(&[&["list", "--last", "3", "--offset", "1", "--limit", "1"], filter].concat());
        assert_eq!(last, all[all.len() - 2..all.len() - 1]);
    }
    let (all, first) = (
        folder.json(&["search", "riviere"]),
        folder.json(&["search", "riviere", "--limit", "2", "--offset", "3"]),
    );
    assert_eq!(first, all[3..]);
    assert_eq!((all.len(), &first[0]["rank"], &first[0]["total"]), (5, &3.into(), &5.into()));
    // An index that followed answers as one that was made anew.
    let ask = || {
        let asked = [
            &["search", "riviere"][..],
            &["search", "mon*", "--language", "fr"],
            &["list", "--from", "2026"],
        ];
        asked.map(|args| folder.ok(&[args, &["--format", "json"]].concat()))
    };
    let followed = ask();
    folder.ok(&["reindex"]);
    assert_eq!(ask(), followed);
    let output = folder.run(&["search", "riviere", "--limit", "2"]);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("2 of 5 records; more with --offset 2"),
        "{output:?}"
    );
}

/// What is found is the same whatever became of the file.
#[test]
fn a_damaged_index_is_made_anew() {
    let folder = Folder::of_four_scripts();
    let ask = || {
        let asked = [
            &["search", "水库"][..],
            &["search", "lac"],
            &["search", "elk*"],
            &["list", "--state", "claimed"],
            &["list", "--origin", "mairie"],
        ];
        asked.map(|args| folder.json(args))
    };
    let right = ask();
    assert_eq!(right.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 0, 4, 1]);
    let good = fs::read(folder.index()).unwrap();
    let write = |bytes: &[u8]| fs::write(folder.index(), bytes).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x55;
        bytes
    };
    let mut damaged: Vec<Vec<u8>> =
        vec![Vec::new(), b"no database".to_vec(), good[..good.len() / 2].to_vec(), vec![0; 8192]];
    damaged.extend((0..12).map(|place| flipped(place * good.len() / 12 + 40)));
    for bytes in &damaged {
        write(bytes);
        assert_eq!(ask(), right);
    }
    // Also where the damage is of the kind that leaves no trace.
    for bytes in &damaged[..4] {
        write(bytes);
        leave_no_trace(&folder.index());
        assert_eq!(ask(), right);
    }
    for sql in [
        "PRAGMA user_version = 99",
        "PRAGMA application_id = 99",
        "DROP TABLE words",
        "DROP TABLE meta",
        "DELETE FROM meta",
        "UPDATE meta SET value = 3 WHERE name = 'size'; UPDATE meta SET value = zeroblob(32) WHERE name = 'root'",
        "UPDATE meta SET value = 99 WHERE name = 'size'",
        "UPDATE meta SET value = -1 WHERE name = 'size'",
        "UPDATE meta SET value = 'fold 0' WHERE name = 'made'",
        "ALTER TABLE document RENAME TO stolen; CREATE VIEW document AS SELECT * FROM stolen",
        "CREATE TRIGGER t AFTER INSERT ON entry BEGIN DELETE FROM document; END",
    ] {
        folder.manipulate(sql);
        assert_eq!(ask(), right, "{sql}");
    }
    for name in ["search.sqlite", "search.stamp", "search.lock"] {
        fs::remove_file(folder.path("records/.local").join(name)).unwrap();
        assert_eq!(ask(), right, "{name}");
    }
    fs::remove_dir_all(folder.path("records/.local")).unwrap();
    assert_eq!(ask(), right);
    // A journal of a file that is no more.
    fs::write(
        folder.path("records/.local/search.sqlite-journal"),
        b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7 garbage",
    )
    .unwrap();
    write(b"");
    assert_eq!(ask(), right);
    // A folder that nobody can write to: not even root.
    fs::remove_dir_all(folder.path("records/.local")).unwrap();
    fs::write(folder.path("records/.local"), "in the way").unwrap();
    assert_eq!(ask(), right);
    let output = folder.run(&["reindex"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn an_index_of_another_log_is_not_used() {
    let (one, other) = (Folder::of_four_scripts(), Folder::of_four_scripts());
    fs::write(one.path("more.txt"), "La lune\n\nIl y a un lac sur la lune.\n").unwrap();
    one.ok(&["add", "more.txt", "--yes"]);
    assert_eq!(one.records(&["search", "lune"]), [5]);
    other.ok(&["search", "lune"]);
    fs::copy(one.index(), other.index()).unwrap();
    leave_no_trace(&other.index());
    assert_eq!(other.records(&["search", "lune"]), Vec::<u64>::new());
    assert_eq!(other.records(&["search", "lac"]), [2]);
}

/// Whoever writes to the index cannot have anything printed that the log does not hold.
#[test]
fn a_manipulated_index_is_not_believed() {
    let folder = Folder::of_four_scripts();
    let right = folder.json(&["search", "lac"]);
    assert_eq!(right.len(), 1);
    for sql in [
        "UPDATE document SET title = 'Forged'",
        "UPDATE origin SET printed = 'Forged'",
        "UPDATE document SET state = 'verified'",
    ] {
        folder.manipulate(sql);
        assert_eq!(folder.json(&["search", "lac"]), right, "{sql}");
    }
    // What it claims to have found is not so: it is made anew.
    for (sql, args) in [
        ("UPDATE origin SET printed_folded = ' forged '", &["list", "--origin", "forged"][..]),
        ("INSERT OR REPLACE INTO byline VALUES(2, 0, 'Forged', ' forged ')", &["list", "--byline", "forged"]),
        ("UPDATE document SET state = 'retracted'", &["list", "--state", "retracted"]),
        ("UPDATE document SET state = 'verified'", &["search", "lac", "--state", "verified"]),
        ("UPDATE document SET language = 'xx'", &["list", "--language", "xx"]),
        ("UPDATE document SET published_first = 0, published_last = 9e9", &["list", "--from", "2026"]),
        (
            "DELETE FROM words WHERE rowid = 2; INSERT INTO words(rowid, body) VALUES(2, 'forged')",
            &["search", "forged"],
        ),
        ("UPDATE origin SET organisation = 'forged'", &["list", "--origin", "forged"]),
    ] {
        folder.manipulate(sql);
        assert_eq!(folder.json(args), Vec::<Value>::new(), "{sql}");
        assert_eq!(folder.json(&["search", "lac"]), right, "{sql}");
    }
    // Nor records that are none, of an entry that is no document, or beyond the log.
    for record in [0, 99, i64::MAX, -1] {
        folder.manipulate(&format!(
            "INSERT INTO document SELECT {record}, original, text, reflow, kind, title, 'xx', publisher, published, published_first, \
             published_last, recorded_at, signer, state, body, openings, extractor, charset FROM document WHERE record = 2"
        ));
        assert_eq!(folder.json(&["list", "--language", "xx"]), Vec::<Value>::new(), "{record}");
    }
    // Where the change shows, nothing is even asked of it.
    Connection::open(folder.index()).unwrap().execute_batch("DELETE FROM document").unwrap();
    assert_eq!(folder.json(&["search", "lac"]), right);
}

/// Removes the openings of a record by hand.
fn erase(folder: &Folder, record: u64) {
    let path = folder.path("records/disclosures/000");
    let text = fs::read_to_string(&path).unwrap();
    let of = format!("{record} ");
    let left: String =
        text.lines().filter(|line| !line.starts_with(&of)).flat_map(|line| [line, "\n"]).collect();
    assert!(left.len() < text.len());
    fs::write(path, left).unwrap();
}

#[test]
fn what_was_erased_is_not_found_and_not_kept() {
    let folder = Folder::of_four_scripts();
    fs::write(folder.path("secret.txt"), "La rivière\n\nElle monte.\n\nPar Zéphyrine Quelconque\n").unwrap();
    folder.ok(&["add", "secret.txt", "--yes", "--no-store"]);
    fs::write(folder.path("stored.txt"), "Un canal\n\nIl est plein de nénuphars.\n").unwrap();
    folder.ok(&["add", "stored.txt", "--yes"]);
    let holds = |word: &str| {
        let bytes = fs::read(folder.index()).unwrap();
        bytes.windows(word.len()).any(|window| window == word.as_bytes())
    };
    assert_eq!(folder.records(&["search", "zephyrine"]), [5]);
    assert_eq!(folder.records(&["list", "--byline", "zephyrine quelconque"]), [5]);
    assert_eq!(folder.records(&["search", "nenuphars"]), [6]);
    assert!(holds("zephyrine") && holds("nenuphars"));

    let before = folder.json(&["search", "riviere"]);
    assert_eq!(before[0]["bylines"][0]["asPrinted"], "Zéphyrine Quelconque");
    erase(&folder, 5);
    assert_eq!(folder.records(&["search", "zephyrine"]), Vec::<u64>::new());
    assert_eq!(folder.records(&["list", "--byline", "zephyrine"]), Vec::<u64>::new());
    assert_eq!(folder.json(&["search", "riviere"])[0]["bylines"][0]["withheld"], true);
    assert!(!holds("zephyrine") && !holds("Zéphyrine"));

    let original =
        folder.json(&["search", "nenuphars"])[0]["digests"]["original"].as_str().unwrap().to_owned();
    let original = Hash::from_hex(original.strip_prefix("sha256:").unwrap()).unwrap();
    let path = folder.path("records").join(layout::content_path(&original));
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(folder.records(&["search", "nenuphars"]), Vec::<u64>::new());
    assert!(!holds("nenuphars"));
    let titled = folder.json(&["search", "canal"]);
    assert_eq!((titled.len(), &titled[0]["snippet"]), (1, &Value::Null));
    // What comes back is found again; what is not the original is not.
    fs::write(&path, &bytes).unwrap();
    assert_eq!(folder.records(&["search", "nenuphars"]), [6]);
    fs::write(&path, b"Un canal\n\nIl est plein de nenuphars jaunes.\n").unwrap();
    assert_eq!(folder.records(&["search", "nenuphars"]), Vec::<u64>::new());
    assert_eq!(folder.records(&["search", "jaunes"]), Vec::<u64>::new());
}

#[test]
fn states_are_found_and_follow_the_log() {
    let folder = Folder::of_four_scripts();
    let of = |state: &str| folder.records(&["list", "--state", state]);
    assert_eq!((of("claimed"), of("retracted")), (vec![1, 2, 3, 4], vec![]));
    folder.ok(&["correct", "1", "--note", "two metres"]);
    folder.ok(&["retract", "2", "--note", "forged"]);
    folder.ok(&["note", "3", "kill"]);
    assert_eq!(
        (of("corrected"), of("retracted"), of("killed"), of("claimed")),
        (vec![1], vec![2], vec![3], vec![4])
    );
    assert_eq!(folder.json(&["search", "lac"])[0]["state"], "retracted");
    let states: Vec<_> = folder.json(&["list"]).iter().map(|line| line["state"].clone()).collect();
    assert_eq!(states, ["corrected", "retracted", "killed", "claimed"]);
    let (listed, found) = (folder.ok(&["list"]), folder.ok(&["search", "lac"]));
    for text in [&listed, &found] {
        assert!(text.contains("Mairie de Port-Clair  RETRACTED\n"), "{text}");
    }
    // Whoever writes into the index can hide a statement from those who ask it, and from nobody who asks the log.
    folder.manipulate("UPDATE document SET state = 'claimed'; DELETE FROM statement; DELETE FROM reference");
    let states = |args: &[&str]| -> Vec<Value> {
        folder.json(args).iter().map(|line| line["state"].clone()).collect()
    };
    assert_eq!(states(&["search", "lac"]), ["claimed"]);
    assert_eq!(states(&["search", "lac", "--whole-log"]), ["retracted"]);
    assert_eq!(states(&["list", "--last", "3", "--whole-log"]), ["retracted", "killed", "claimed"]);
    folder.manipulate("UPDATE document SET state = 'claimed'; DELETE FROM statement; DELETE FROM reference");
    let taken_back = |args: &[&str]| folder.json(args)[0]["standing"]["takenBack"]["how"].clone();
    assert_eq!(taken_back(&["show", "2"]), Value::Null);
    assert_eq!(taken_back(&["show", "2", "--whole-log"]), "retracted");
}

/// What a reader is told of a record, with and without an index.
#[test]
fn the_index_names_what_the_whole_log_tells() {
    let folder = Folder::of_four_scripts();
    folder.ok(&["search", "lac"]);
    for args in [
        &["cite", "1", "2"][..],
        &["cite", "2", "3", "--relation", "is-based-on"],
        &["cite", "3", "--unresolved", "a release"],
        &["cite", "3", "1", "--relation", "quotes"],
        &["cite", "4", "1", "--relation", "same-content-as"],
        &["retract", "3", "--note", "forged"],
        &["correct", "2", "--replaced-by", "4"],
        &["retract", "4"],
        &["assess", "1", "origin", "disputed", "--method", "editorial-judgement"],
    ] {
        // The last takes a role that nobody here has.
        let done = folder.run(args).status.success();
        assert_eq!(done, args[0] != "assess", "{args:?}");
    }
    let ask = |args: &[&str], whole: bool| {
        let more: &[&str] = if whole { &["--whole-log", "--format", "json"] } else { &["--format", "json"] };
        let output = folder.run(&[args, more].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let basis = line.as_object_mut().and_then(|line| line.remove("basis"));
            assert!(basis.is_none_or(|basis| basis == if whole { "log" } else { "index" }), "{args:?}");
            line
        });
        lines.collect::<Vec<_>>()
    };
    let size = folder.json(&["show", "0"])[0]["checkpoint"]["size"].as_u64().unwrap();
    assert_eq!(size, 13);
    for record in 0..size {
        let record = record.to_string();
        assert_eq!(ask(&["show", &record], false), ask(&["show", &record], true), "{record}");
    }
    for command in ["trace", "impact", "origins", "quotes"] {
        for record in ["1", "2", "3", "4", "fr.txt"] {
            let told = ask(&[command, record], false);
            assert!(command == "quotes" || !told.is_empty(), "{command} {record}");
            assert_eq!(told, ask(&[command, record], true), "{command} {record}");
        }
    }
    assert_eq!(ask(&["origins", "1", "2", "3", "4"], false), ask(&["origins", "1", "2", "3", "4"], true));
    let shown = ask(&["show", "1"], false);
    assert_eq!(shown[0]["restsOnCount"], 2, "{shown:?}");
    fs::write(folder.path("like.txt"), format!("{FRENCH}Une phrase de plus.\n")).unwrap();
    fs::write(folder.path("unlike.txt"), "Rien de tout cela.\n").unwrap();
    for file in ["fr.txt", "zh.txt", "like.txt", "unlike.txt"] {
        assert_eq!(ask(&["check", file], false), ask(&["check", file], true), "{file}");
    }
    for args in [&["list", "--last", "2"][..], &["list", "--limit", "2", "--offset", "1"], &["list"]] {
        assert_eq!(ask(args, false), ask(args, true), "{args:?}");
    }
}

/// A store that notes which entries are read.
struct Noting {
    store: FileStore,
    read: Mutex<BTreeSet<String>>,
}

impl Store for Noting {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.read.lock().unwrap().insert(key.to_string());
        self.store.get(key, limit)
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        self.store.list(folder)
    }
}

/// An index that knows a log reads what is new of it, and who asks reads what the index names.
#[test]
fn no_more_is_read_than_was_asked_for() {
    let mut records = Records::new();
    let new =
        |from: usize, to: usize| (from..to).map(|number| registration(&editor(), number, "", true)).collect();
    records.append(new(0, 900));
    records.with(|source| SearchIndex::open(source).unwrap().how());
    records.append(new(900, 902));
    let store = Noting { store: FileStore::reader(records.temp.path()), read: Mutex::default() };
    let trust = trust();
    let reader = LogReader::open(&store, &trust).unwrap();
    let folder = records.temp.path();
    let source =
        Source { reader: &reader, store: &store, trust: &trust, records: folder, progress: &|_, _| {} };
    let bundles = || -> BTreeSet<String> {
        let read = std::mem::take(&mut *store.read.lock().unwrap());
        read.into_iter().filter(|name| name.starts_with("tile/entries/")).collect()
    };
    let index = SearchIndex::open(&source).unwrap();
    assert_eq!((index.how(), index.counts().unwrap().0), (How::Followed, 902));
    // The statements about keys, and what is new.
    let names =
        |names: &[&str]| names.iter().map(|name| format!("tile/entries/{name}")).collect::<BTreeSet<_>>();
    assert_eq!(bundles(), names(&["000", "003.p/136"]));
    let bearing = index.bearing_on(&[600], usize::MAX).unwrap().unwrap();
    assert_eq!((bearing.keys.as_slice(), &bearing.entries), (&[0, 1][..], &BTreeSet::from([600])));
    let picked = reader.pick_named(&BTreeSet::from([600]), &bearing.keys, &bearing.entries).unwrap();
    assert!(picked.records[&600].is_registered());
    assert_eq!(bundles(), names(&["000", "002"]));
    // Whoever withholds the statements about keys shows that nobody may have signed, and not that somebody did.
    let picked = reader.pick_named(&BTreeSet::from([600]), &[], &bearing.entries).unwrap();
    assert!(!picked.records[&600].is_registered());
    // What does not lead to the root is not read at all.
    let path = folder.join("tile/entries/002");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(7).position(|some| some == b"payload").unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let first = 512;
    assert!(matches!(
        reader.pick_named(&BTreeSet::from([first]), &bearing.keys, &BTreeSet::new()),
        Err(ReaderError::Changed { .. })
    ));
    assert_eq!(index.page(899, 10).unwrap(), [901, 902, 903]);
}

#[test]
fn several_at_once() {
    let folder = Folder::of_four_scripts();
    let right = folder.json(&["search", "lac"]);
    for _ in 0..3 {
        fs::remove_file(folder.index()).unwrap();
        std::thread::scope(|scope| {
            let asked: Vec<_> = (0..4).map(|_| scope.spawn(|| folder.json(&["search", "lac"]))).collect();
            asked.into_iter().for_each(|asked| assert_eq!(asked.join().unwrap(), right));
        });
    }
}

/// An entry by somebody who was not enrolled is listed with that word, and found by nobody.
#[test]
fn what_nobody_was_allowed_to_sign_is_not_indexed() {
    let stranger = signing(9);
    let by = |key: &SigningKey, number| registration(key, number, "", true).entry.into_entry();
    let log = [enrolment().entry.into_entry(), by(&editor(), 1), by(&stranger, 2), by(&editor(), 3)];
    let temp = tempfile::tempdir().unwrap();
    let store = FileStore::writer(temp.path()).unwrap();
    copy(&assembled(&log, support::ORIGIN, &log_key()), &store, "");
    let trust = trust();
    let reader = LogReader::open(&store, &trust).unwrap();
    let source =
        Source { reader: &reader, store: &store, trust: &trust, records: temp.path(), progress: &|_, _| {} };
    let index = SearchIndex::open(&source).unwrap();
    let find = |words| index.find(&Query { terms: Term::all_of(words), ..Query::default() }).unwrap();
    assert_eq!((index.how(), find("dispatch"), find("2")), (How::Rebuilt, vec![1, 3], vec![]));
    assert_eq!(index.find(&Query::default()).unwrap(), [1, 3]);
}

#[test]
fn reindexing_says_what_it_did() {
    let folder = Folder::of_four_scripts();
    let told = &folder.json(&["reindex"])[0];
    let of = |name: &str| told[name].as_u64().unwrap();
    assert_eq!((of("entries"), of("records"), of("withText"), of("statements")), (5, 4, 4, 0));
    assert_eq!(of("bytes"), fs::metadata(folder.index()).unwrap().len());
    let text = folder.ok(&["reindex"]);
    assert!(text.contains("4 records, 4 of them with their text, and 0 statements"), "{text}");
    let nowhere = tempfile::tempdir().unwrap();
    for args in [&["reindex"][..], &["search", "x"]] {
        let args = [args, &["-C", nowhere.path().to_str().unwrap()]].concat();
        assert_eq!(folder.run(&args).status.code(), Some(10));
    }
}

/// A log in a folder of its own, for what the command line has no commands for.
struct Records {
    temp: TempDir,
    store: FileStore,
    /// What is registered: record and original.
    documents: Vec<RecordRef>,
    size: u64,
}

const WORDS: [&str; 8] = ["lac", "élu", "ёлка", "كتاب", "水库水位", "pont", "préfet", "nuit"];
const NAMES: [&str; 4] = ["Awa Diarra", "Noé Brûlé", "Lin Wei", "Zoé Ézin"];

/// Makes a registration.
fn made(number: usize, text: String, stored: bool) -> NewRecord {
    let article = article::read(text.as_bytes(), &ReadOptions::default()).unwrap();
    let mut random = salts(format!("search {number}"));
    let mut circumstances = Circumstances {
        recorded_by: editor().public().key_id(),
        recorded_at: Timestamp::from_unix_seconds(1_795_000_000).unwrap(),
        random: &mut random,
    };
    let decisions = Decisions {
        origins: vec![format!("Mairie {}", number % 3)],
        language: Some(["fr", "ru"][number % 2].into()),
        published_at: Some(format!("2026-0{}", 1 + number % 9)),
        no_store: !stored,
        ..Decisions::default()
    };
    let mut article = article;
    decisions.apply(&mut article);
    let draft = Draft::registration(&article, &decisions, &mut circumstances).unwrap();
    let entry = draft.sign(&editor()).unwrap();
    NewRecord { entry, content: stored.then(|| text.into_bytes()) }
}

impl Records {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let store = FileStore::writer(temp.path()).unwrap();
        let enrols = stated(&root_key(), |it| {
            Draft::key(KeyAction::Enrol, &assessor().public(), vec![Role::Assessor], None, None, it)
        });
        let policy = policy();
        let mut log = create(&store, &policy).unwrap();
        append(&mut log, vec![enrolment(), NewRecord { entry: enrols, content: None }]).unwrap();
        Records { temp, store, documents: Vec::new(), size: 2 }
    }

    fn append(&mut self, new: Vec<NewRecord>) {
        let policy = policy();
        let mut log = open(&self.store, &policy).unwrap();
        self.size += new.len() as u64;
        append(&mut log, new).unwrap();
        assert_eq!(log.size(), self.size);
    }

    fn add(&mut self, number: usize, words: &[usize], stored: bool) {
        let words: Vec<&str> = words.iter().map(|word| WORDS[word % WORDS.len()]).collect();
        let title = words.first().copied().unwrap_or("rien");
        let text = format!("{title} {number}\n\n{} {number}\n\nPar {}\n", words.join(" "), NAMES[number % 4]);
        let record = made(number, text, stored);
        let original = record.entry.original.unwrap();
        self.documents.push(RecordRef { record: self.size, original });
        self.append(vec![record]);
    }

    fn say(&mut self, of: usize, kind: usize) {
        if self.documents.is_empty() {
            return;
        }
        let about = self.documents[of % self.documents.len()];
        let other = self.documents[kind % self.documents.len()];
        let at = Timestamp::from_unix_seconds(1_795_000_000 + self.size as i64).unwrap();
        let by = editor().public().key_id();
        let notice = |notice| Notice {
            about,
            notice,
            replaced_by: None,
            until: None,
            url: None,
            note: None,
            recorded_by: by,
            recorded_at: at,
        };
        let relation = |relation| Relation {
            about,
            relation,
            target: Target::Record(other),
            asserted_by: AssertedBy::Person,
            quote: None,
            recorded_by: by,
            recorded_at: at,
        };
        let entry = match kind % 9 {
            0 => stated(&editor(), |it| Draft::notice(notice(NoticeKind::Retraction), it)),
            1 => stated(&editor(), |it| Draft::notice(notice(NoticeKind::Correction), it)),
            2 if about != other => {
                stated(&editor(), |it| Draft::relation(relation(RelationKind::Retracts), it))
            }
            3 | 4 if about != other => {
                stated(&editor(), |it| Draft::relation(relation(RelationKind::Cites), it))
            }
            5 if about != other => {
                stated(&editor(), |it| Draft::relation(relation(RelationKind::SameContentAs), it))
            }
            6 => {
                let release = Unresolved { text: Some("A release".into()), ..Unresolved::default() };
                let target = Target::Unresolved(release);
                let relation = Relation { target, ..relation(RelationKind::IsBasedOn) };
                stated(&editor(), |it| Draft::relation(relation, it))
            }
            _ => {
                let state = [AssessmentState::Disputed, AssessmentState::Refuted, AssessmentState::Withdrawn]
                    [kind % 3]
                    .clone();
                let method = Some(Method::EditorialJudgement);
                let mut assessment = assessment(about, "/claimedOrigins/0", state, method);
                assessment.recorded_at = at;
                stated(&assessor(), |it| Draft::assessment(assessment, it))
            }
        };
        self.append(vec![NewRecord { entry, content: None }]);
    }

    /// Removes the opening at a place, as an erasure would.
    fn forget(&mut self, place: usize) {
        let path = self.temp.path().join(layout::disclosures_path(0));
        let Ok(text) = fs::read_to_string(&path) else { return };
        let lines: Vec<&str> = text.lines().collect();
        let gone = place % lines.len().max(1);
        let left = lines.iter().enumerate().filter(|(number, _)| *number != gone);
        fs::write(path, left.flat_map(|(_, line)| [*line, "\n"]).collect::<String>()).unwrap();
    }

    /// Takes a stored original away, or brings it back.
    fn toggle(&mut self, place: usize) {
        let Some(of) = self.documents.get(place % self.documents.len().max(1)) else { return };
        let path = self.temp.path().join(layout::content_path(&of.original));
        let away = path.with_extension("away");
        if fs::rename(&path, &away).is_err() {
            let _ = fs::rename(&away, &path);
        }
    }

    fn with<T>(&self, ask: impl Fn(&Source<'_>) -> T) -> T {
        let (store, trust) = (FileStore::reader(self.temp.path()), trust());
        let asked = read_log_as(&store, &trust, |reader| {
            let records = self.temp.path();
            Ok::<_, dateline::verify::ReaderError>(ask(&Source {
                reader,
                store: &store,
                trust: &trust,
                records,
                progress: &|_, _| {},
            }))
        });
        asked.unwrap()
    }
}

fn queries() -> Vec<Query> {
    let words = WORDS.iter().chain(&NAMES).chain(&["水", "пр*", "l*", "mairie 1", "rien"]);
    let mut all: Vec<Query> = words
        .map(|words| Query { terms: Term::all_of(words), order: Order::Rank, ..Query::default() })
        .collect();
    all.extend(RecordState::ALL.map(|state| Query { state: Some(state), ..Query::default() }));
    all.extend((0..3).map(|of| Query { origin: Some(format!("mairie {of}")), ..Query::default() }));
    all.extend(NAMES.map(|name| Query { byline: Some(name.into()), ..Query::default() }));
    all.push(Query { language: Some("fr".into()), from: Some(1_772_000_000), ..Query::default() });
    all.push(Query {
        terms: Term::all_of("lac"),
        state: Some(RecordState::Claimed),
        to: Some(1_780_000_000),
        ..Query::default()
    });
    all
}

/// All that an index answers.
#[derive(Debug, PartialEq)]
struct Answers {
    found: Vec<Vec<u64>>,
    counts: (u64, u64, u64),
    related: BTreeSet<u64>,
}

fn answers(index: &SearchIndex) -> Answers {
    let found = queries().iter().map(|query| index.find(query).unwrap()).collect();
    let related = index.related(&[2, 3, 4, 5]).unwrap().into_iter().collect();
    Answers { found, counts: index.counts().unwrap(), related }
}

/// What follows from the entries that an index names is what follows from all.
fn names_all(source: &Source<'_>) {
    let index = SearchIndex::open(source).unwrap();
    let whole = source.reader.standings(|_| {}).unwrap();
    let graph = Lineage::of(&whole);
    let now = Timestamp::from_unix_seconds(1_795_000_000).unwrap();
    let told = |graph: &Lineage<'_>, record: u64| {
        let node = graph.node(record)?;
        let hops: Vec<u64> = graph.hops(node, Direction::On).map(|hop| hop.by).collect();
        let (resting, count) = graph.rests_on_stained(node, now, 99, 99);
        let resting = resting.iter().map(|one| {
            let way: Vec<u64> = one.path.iter().map(|hop| hop.by).collect();
            (graph.document(one.node).cloned(), one.distance, way, one.marks.clone())
        });
        Some((graph.document(node).cloned(), hops, resting.collect::<Vec<_>>(), count))
    };
    let end = |graph: &Lineage<'_>, node: Node| format!("{:?}", graph.end(node));
    let hop = |graph: &Lineage<'_>, hop: &Hop| {
        let Hop { from, to, relation, by, signer, again } = hop;
        format!("{} {relation:?} {} {by} {signer} {again}", end(graph, *from), end(graph, *to))
    };
    let reached = |graph: &Lineage<'_>, record: u64, direction: Direction| {
        let reach = graph.reach(graph.node(record), direction);
        let told = reach.nodes().iter().map(|node| {
            let path: Vec<String> =
                graph.path(&reach, *node, 99).into_iter().map(|one| hop(graph, one)).collect();
            (end(graph, *node), reach.distance(*node), path, graph.marks(*node, now))
        });
        told.collect::<Vec<_>>()
    };
    let behind = |graph: &Lineage<'_>, records: &[u64]| {
        let nodes: Vec<Node> = records.iter().filter_map(|record| graph.node(*record)).collect();
        let behind = graph.behind(&nodes);
        let groups = graph.groups(&nodes, &behind, &HashMap::new());
        let groups = groups.iter().map(|group| {
            let ends = |nodes: &[Node]| nodes.iter().map(|node| end(graph, *node)).collect::<Vec<_>>();
            let links = group.links.iter().map(|link| match link {
                Link::Hop(one) => hop(graph, one),
                Link::Claims { .. } => unreachable!("no claims were given"),
            });
            (ends(&group.articles), ends(&group.through), links.collect::<Vec<_>>())
        });
        groups.collect::<Vec<_>>()
    };
    let all: Vec<u64> = whole.registrations().map(|one| one.record).collect();
    let along = |records: &[u64], ways: Ways| {
        let bearing = index.bearing_along(records, ways, usize::MAX).unwrap().unwrap();
        source.reader.pick_named(&BTreeSet::new(), &bearing.keys, &bearing.entries).unwrap().standings
    };
    let ways = Ways { on: true, under: false, same: true };
    for some in all.windows(3) {
        let standings = along(some, ways);
        assert_eq!(behind(&Lineage::of(&standings), some), behind(&graph, some), "{some:?}");
    }
    for record in &all {
        for (ways, direction) in
            [(Ways::ON, Direction::On), (Ways { on: false, under: true, same: false }, Direction::Under)]
        {
            let standings = along(&[*record], ways);
            let found = reached(&Lineage::of(&standings), *record, direction);
            assert_eq!(found, reached(&graph, *record, direction), "{record} {direction:?}");
        }
    }
    assert_eq!(index.page(0, u64::MAX).unwrap(), all);
    assert_eq!(index.registrations().unwrap(), all.len() as u64);
    for record in &all {
        let bearing = index.bearing_on(&[*record], usize::MAX).unwrap().unwrap();
        let wanted = BTreeSet::from([*record]);
        let picked = source.reader.pick_named(&wanted, &bearing.keys, &bearing.entries).unwrap();
        assert_eq!(picked.standings.of(*record), whole.of(*record), "{record}");
        assert_eq!(told(&Lineage::of(&picked.standings), *record), told(&graph, *record), "{record}");
        let bearing = index.bearing_on_state(&[*record]).unwrap();
        let picked = source.reader.pick_named(&wanted, &bearing.keys, &bearing.entries).unwrap();
        let state = RecordState::of(picked.standings.of(*record));
        assert_eq!(state, RecordState::of(whole.of(*record)), "{record}");
        let found = index.find(&Query { state: Some(state), ..Query::default() }).unwrap();
        assert!(found.contains(record), "{record}");
    }
    if !all.is_empty() {
        assert_eq!(index.bearing_on(&all, all.len() - 1).unwrap(), None);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Add(Vec<usize>, bool),
    Say(usize, usize),
    Forget(usize),
    Toggle(usize),
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (prop::collection::vec(0usize..8, 0..5), any::<bool>()).prop_map(|(words, stored)| Step::Add(words, stored)),
        3 => (0usize..99, 0usize..99).prop_map(|(of, kind)| Step::Say(of, kind)),
        1 => (0usize..99).prop_map(Step::Forget),
        1 => (0usize..99).prop_map(Step::Toggle),
        2 => Just(Step::Look),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// An index that followed answers as one that was made anew.
    #[test]
    fn following_is_as_good_as_making_anew(steps in prop::collection::vec(step(), 1..24)) {
        let mut records = Records::new();
        for (number, step) in steps.into_iter().chain([Step::Look]).enumerate() {
            match step {
                Step::Add(words, stored) => records.add(number, &words, stored),
                Step::Say(of, kind) => records.say(of, kind),
                Step::Forget(place) => records.forget(place),
                Step::Toggle(place) => records.toggle(place),
                Step::Look => {
                    records.with(names_all);
                    let followed = records.with(|source| answers(&SearchIndex::open(source).unwrap()));
                    let anew = records.with(|source| answers(&SearchIndex::in_memory(source).unwrap()));
                    prop_assert_eq!(followed, anew);
                }
            }
        }
        // It was kept, and not made anew each time.
        prop_assert_ne!(records.with(|source| SearchIndex::open(source).unwrap().how()), How::Rebuilt);
    }
}

#[test]
fn what_became_of_records_is_found_and_read_from_the_log() {
    let mut records = Records::new();
    (0..4).for_each(|number| records.add(number, &[number], true));
    let state = |records: &Records, state| {
        records.with(|source| {
            SearchIndex::open(source)
                .unwrap()
                .find(&Query { state: Some(state), ..Query::default() })
                .unwrap()
        })
    };
    assert_eq!(state(&records, RecordState::Claimed), [2, 3, 4, 5]);
    records.say(0, 0);
    records.say(1, 1);
    records.say(3, 2);
    assert_eq!(state(&records, RecordState::Retracted), [2, 4]);
    assert_eq!(state(&records, RecordState::Corrected), [3]);
    records.say(1, 0);
    assert_eq!(state(&records, RecordState::Retracted), [2, 3, 4]);

    let (store, trust) = (FileStore::reader(records.temp.path()), trust());
    let reader = LogReader::open(&store, &trust).unwrap();
    // Whether or not the reader was told what else to read.
    for related in [BTreeSet::new(), BTreeSet::from([5])] {
        let picked = reader.pick(&BTreeSet::from([4, 0, 77]), &related).unwrap();
        assert_eq!(picked.records.keys().copied().collect::<Vec<_>>(), [0, 4]);
        assert!(picked.records[&4].is_registered() && !picked.records[&0].is_registered());
        assert_eq!(RecordState::of(picked.standings.of(4)), RecordState::Retracted);
    }
    let all = reader.standings(|_| {}).unwrap();
    for record in 2..6 {
        let picked = reader.pick(&BTreeSet::from([record]), &BTreeSet::new()).unwrap();
        assert_eq!(picked.standings.of(record), all.of(record), "{record}");
    }
}

/// What a text may be like is known as long as its original is at hand, and no longer.
#[test]
fn keys_of_likeness_come_and_go_with_the_text() {
    let mut records = Records::new();
    records.add(1, &[0, 1, 2, 3, 4, 5, 6, 7], true);
    records.add(2, &[7, 6, 5, 4, 3, 2, 1, 0], false);
    let path = records.temp.path().join(layout::content_path(&records.documents[0].original));
    let text = fs::read_to_string(&path).unwrap();
    let alike = |records: &Records, text: &str| {
        records.with(|source| SearchIndex::open(source).unwrap().alike(&Text::new(text)).unwrap())
    };
    let about = text.replace(" 1", " 12");
    assert_eq!((alike(&records, &text), alike(&records, &about)), (vec![2], vec![2]));
    assert_eq!(
        alike(&records, "Nothing of it is here, not one word of the whole sentence."),
        Vec::<u64>::new()
    );
    // What it knows can be asked without bringing it up to date.
    records.add(3, &[1, 1, 1], true);
    let behind = records.with(|source| {
        SearchIndex::behind(source).map(|(index, size)| (size, index.alike(&Text::new(&text)).unwrap()))
    });
    assert_eq!(behind, Some((4, vec![2])));
    fs::rename(&path, records.temp.path().join("aside")).unwrap();
    assert_eq!(alike(&records, &text), Vec::<u64>::new());
    fs::rename(records.temp.path().join("aside"), &path).unwrap();
    assert_eq!(alike(&records, &text), [2]);
}

/// A writer who publishes removes what a reader comes to last. What the index wrote until then may have been more than fits into
/// memory: then the file was changed, and changed back.
#[test]
fn an_index_that_was_overtaken_while_it_followed_is_still_good() {
    let mut records = Records::new();
    records.add(0, &[0], true);
    records.with(|source| drop(SearchIndex::open(source).unwrap()));
    let text = |number: usize| format!("Titre {number}\n\nmot{number}\n");
    records.append((1..320).map(|number| made(number, text(number), true)).collect());
    let (index, edge) = (".local/search.sqlite", "tile/entries/001.p/66");
    let [index, edge] = [index, edge].map(|name| records.temp.path().join(name));
    let there = fs::read(&edge).unwrap();
    fs::remove_file(&edge).unwrap();
    let overtaken = records.with(|source| {
        let touch = |_, _| {
            let file = fs::File::options().append(true).open(&index).unwrap();
            file.set_modified(std::time::SystemTime::now()).unwrap();
        };
        SearchIndex::open(&Source { progress: &touch, ..*source }).map(drop)
    });
    assert!(overtaken.is_err(), "{overtaken:?}");
    fs::write(&edge, there).unwrap();
    let (how, found) = records.with(|source| {
        let index = SearchIndex::open(source).unwrap();
        let words = Query { terms: Term::all_of("mot319"), ..Query::default() };
        (index.how(), index.find(&words).unwrap())
    });
    assert_eq!((how, found), (How::Followed, vec![321]));
}

/// Openings of new entries are written to the end of a file that has those of older ones.
#[test]
fn what_was_indexed_is_read_again_only_where_it_lost_openings() {
    let mut records = Records::new();
    let text = |number: usize| format!("Titre {number}\n\nmot{number}\n");
    let follow = |records: &Records| {
        let read = std::sync::Mutex::new(Vec::<u64>::new());
        records.with(|source| {
            let progress = |done, _| read.lock().unwrap().push(done - 1);
            SearchIndex::open(&Source { progress: &progress, ..*source }).unwrap();
        });
        read.into_inner().unwrap()
    };
    records.append((0..40).map(|number| made(number, text(number), true)).collect());
    assert_eq!(follow(&records).len(), 42, "with the statements about keys");
    assert!(follow(&records).is_empty());
    for number in 40..43 {
        records.append(vec![made(number, text(number), number != 41)]);
        assert_eq!(follow(&records), [number as u64 + 2]);
    }
    records.forget(3);
    assert_eq!(follow(&records), (0..45).collect::<Vec<u64>>());
    records.append(vec![made(43, text(43), true)]);
    records.forget(3);
    assert_eq!(follow(&records), (0..46).collect::<Vec<u64>>());
    assert!(follow(&records).is_empty());
}

/// As in a copy of a log that is made file by file: openings may lie there before their entries do.
#[test]
fn openings_that_came_before_their_entry_are_missed_once_they_go() {
    let mut records = Records::new();
    let text = |number: usize| format!("Titre {number}\n\nmot{number}\n");
    records.append((0..4).map(|number| made(number, text(number), true)).collect());
    let temp = tempfile::tempdir().unwrap();
    let mut other =
        Records { store: FileStore::writer(temp.path()).unwrap(), temp, documents: Vec::new(), size: 6 };
    let bring = |to: &Records, from: &Records, which: &dyn Fn(&str) -> bool| {
        for key in from.store.list("").unwrap().keys {
            if which(key.as_str()) && !key.as_str().starts_with(".local/") {
                let bytes = from.store.get(&key, u64::MAX).unwrap().unwrap();
                to.store.put(&[Object { key, bytes }]).unwrap();
            }
        }
    };
    bring(&other, &records, &|_| true);
    records.append(vec![made(4, text(4) + "\n\nPar Zéphyrine Quelconque\n", true)]);
    let path = layout::disclosures_path(0);
    let is_openings = |name: &str| name == path;
    bring(&other, &records, &is_openings);
    // Long ago, so that a look at the file's time is enough.
    let openings = other.temp.path().join(&path);
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3_600);
    let age = || fs::File::options().append(true).open(&openings).unwrap().set_modified(long_ago).unwrap();
    age();
    let by_zephyrine = |records: &Records| {
        let query = Query { byline: Some("zephyrine quelconque".into()), ..Query::default() };
        records.with(|source| SearchIndex::open(source).unwrap().find(&query).unwrap())
    };
    assert!(by_zephyrine(&other).is_empty());
    bring(&other, &records, &|name| name != path);
    other.size += 1;
    assert_eq!(by_zephyrine(&other), [6]);
    let all = fs::read_to_string(&openings).unwrap();
    let left: Vec<&str> = all.split_inclusive('\n').filter(|line| !line.starts_with("6 ")).collect();
    assert_ne!(left.len(), all.lines().count());
    fs::write(&openings, left.concat()).unwrap();
    assert!(by_zephyrine(&other).is_empty());
}

/// A log that was replaced by another under the same key, of the same size or longer, is not what was indexed.
#[test]
fn a_log_that_does_not_go_on_is_indexed_anew() {
    let (mut one, mut other) = (Records::new(), Records::new());
    one.add(1, &[0], true);
    other.add(2, &[5], true);
    let ask = |records: &Records| {
        records.with(|source| {
            let index = SearchIndex::open(source).unwrap();
            let lac = index.find(&Query { terms: Term::all_of("lac"), ..Query::default() }).unwrap();
            (index.how(), lac)
        })
    };
    assert_eq!(ask(&one), (How::Rebuilt, vec![2]));
    for longer in [false, true] {
        if longer {
            other.add(3, &[6], true);
        }
        let index = other.temp.path().join(".local/search.sqlite");
        fs::copy(one.temp.path().join(".local/search.sqlite"), &index).unwrap();
        leave_no_trace(&index);
        assert_eq!(ask(&other), (How::Rebuilt, vec![]), "{longer}");
    }
    // Not of those who are not trusted: other roots make another index.
    let (store, mut trust) = (FileStore::reader(one.temp.path()), trust());
    trust.roots = vec![signing(9).public()];
    let reader = LogReader::open(&store, &trust).unwrap();
    let source = Source {
        reader: &reader,
        store: &store,
        trust: &trust,
        records: one.temp.path(),
        progress: &|_, _| {},
    };
    let index = SearchIndex::open(&source).unwrap();
    assert_eq!((index.how(), index.counts().unwrap()), (How::Rebuilt, (0, 0, 0)));
}
