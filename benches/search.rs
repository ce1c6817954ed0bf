//! How fast a log is indexed, and how fast it answers: `cargo bench --bench search --profile quick`.
//!
//! `DATELINE_DOCUMENTS` (20,000 unless said otherwise) articles of some 250 words are registered with their originals in a log below
//! `DATELINE_FOLDER` (the system's temporary folder unless said otherwise). Then the search index is made, brought up to one record more,
//! and asked five kinds of question: 200 times by a process that holds it open (`find`, the index alone), and 40 times through the
//! program, from start to exit, which reads what it prints from the log. Documents that are registered, like one that is, and like
//! none are looked up with `check`: how long it takes, from start to exit, and whether the one is found. What the index names is
//! held against a comparison with every text. (The benchmark `likeness` does that for more sorts of edits, without a log.)
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use dateline::article::{ReadOptions, read};
use dateline::base::{SigningKey, Timestamp};
use dateline::index::{How, Order, Query, RecordState, SearchIndex, Source, Term};
use dateline::likeness::{Likeness, Text, compare};
use dateline::log::{Log, NewRecord};
use dateline::note::Policy;
use dateline::record::entry::Circumstances;
use dateline::record::{Decisions, Draft, Kind};
use dateline::storage::FileStore;
use dateline::verify::{LogReader, Trust};
use rayon::prelude::*;
use support::{Dice, salts};

const COMMIT: usize = 4_096;
const ASKED: usize = 200;
const RUNS: usize = 40;
/// Texts that are compared with all others.
const COMPARED: usize = 10;

const FRENCH: [&str; 12] = [
    "rivière", "barrage", "préfet", "niveau", "pêche", "marché", "école", "récolte", "pont", "hôpital",
    "arrêté", "séance",
];
const RUSSIAN: [&str; 8] = ["ёлка", "посёлок", "ветер", "школа", "рынок", "мост", "урожай", "совет"];
const CHINESE: [&str; 8] = ["水库", "水位", "学校", "市场", "记者", "大桥", "医院", "会议"];

/// An article with words of its language, a number of its own, and one word that one in a thousand has.
fn text(number: usize) -> String {
    let rare = if number.is_multiple_of(1_000) { " nénuphar" } else { "" };
    let words: &[&str] = [&FRENCH[..], &FRENCH, &RUSSIAN, &CHINESE][number % 4];
    let pick = |place: usize| {
        words[(number.wrapping_mul(2_654_435_761) + place * 40_503 + place * place) / 64 % words.len()]
    };
    let mut text = format!(
        "{} {} {number}{rare}\n\nSource : Mairie de la commune {}\n\n",
        pick(1),
        pick(2),
        number % 50
    );
    let mut dice = Dice(number as u64);
    for sentence in 0..25 {
        // Some are of few words, which very many texts have; most are of a language of twenty thousand.
        let word = |place: usize| match sentence % 4 {
            0 => pick(sentence * 10 + place).to_owned(),
            _ => dice.word(),
        };
        let some: Vec<String> = (0..10).map(word).collect();
        text.push_str(&format!(
            "{} {}.\n",
            some.join(if number % 4 == 3 && sentence % 4 == 0 { "" } else { " " }),
            (number * 17 + sentence) % 5_000
        ));
    }
    text.push_str(&format!("\nPar Awa Diarra {}\n", ["Un", "Deux", "Trois"][number % 3]));
    text
}

fn main() {
    let count: usize = std::env::var("DATELINE_DOCUMENTS").map_or(20_000, |count| count.parse().unwrap());
    let base = std::env::var_os("DATELINE_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(base).unwrap();
    let workspace = folder.path();
    dateline(workspace, &["init", "--no-passphrase", "--log-origin", "bench.example/log"]);
    grow(workspace, count);
    println!("{count} documents of {} bytes, {} threads", text(7).len(), rayon::current_num_threads());

    let policy = Policy::parse(&std::fs::read(workspace.join("keys/policy")).unwrap()).unwrap();
    let roots = vec![dateline::keys::public::read(&workspace.join("keys/roots/root.pub")).unwrap().0];
    let (records, trust) = (workspace.join("records"), Trust { policy, roots });
    let store = FileStore::reader(&records);
    let reader = LogReader::open(&store, &trust).unwrap();
    let source =
        Source { reader: &reader, store: &store, trust: &trust, records: &records, progress: &|_, _| {} };
    let start = Instant::now();
    let index = SearchIndex::rebuild(&source).unwrap();
    let took = start.elapsed().as_secs_f64();
    let bytes = index.path().unwrap().metadata().unwrap().len();
    println!("{:<44}{:>10.0} records/s, {took:.1} s", "index anew", count as f64 / took);
    println!(
        "{:<44}{:>10.0} bytes a record, {:.1} MB",
        "its file",
        bytes as f64 / count as f64,
        bytes as f64 / 1e6
    );
    drop(index);
    let start = Instant::now();
    let index = SearchIndex::open(&source).unwrap();
    assert_ne!(index.how(), How::Rebuilt);
    println!("{:<44}{:>10.1} ms", "open, nothing new", start.elapsed().as_secs_f64() * 1e3);

    let query = |words: &str| Query { terms: Term::all_of(words), order: Order::Rank, ..Query::default() };
    let filtered =
        Query { origin: Some("commune 7".into()), state: Some(RecordState::Claimed), ..query("préfet") };
    for (name, query) in [
        ("one word that is rare", query("nenuphar")),
        ("two words that many have", query("prefet niveau")),
        ("a phrase", query("\"barrage niveau\"")),
        ("a beginning", query("посе*")),
        ("four Chinese letters of a run", query("水位记者")),
        ("a word, an origin and a state", filtered),
    ] {
        let hits = index.find(&query).unwrap().len();
        let alone = times(ASKED, || drop(index.find(&query).unwrap()));
        println!(
            "{name:<44}{:>10.2} ms p50, {:>8.2} ms p99, {hits} found: the index alone",
            alone.0, alone.1
        );
    }
    recall(&index, count);
    drop(index);
    for args in [
        &["search", "nenuphar"][..],
        &["search", "prefet", "niveau"],
        &["search", "barrage niveau"],
        &["search", "посе*"],
        &["search", "水位记者"],
        &["search", "préfet", "--origin", "commune 7", "--state", "claimed"],
        &["list", "--origin", "commune 7", "--limit", "20"],
        &["list", "--limit", "20"],
    ] {
        let took = times(if args[0] == "list" { 10 } else { RUNS }, || dateline(workspace, args));
        println!(
            "{:<44}{:>10.1} ms p50, {:>8.1} ms p99: dateline {}",
            "the whole command",
            took.0,
            took.1,
            args.join(" ")
        );
    }
    check(workspace, count);
    for args in [&["show", "7"][..], &["show", "7", "--whole-log"], &["list", "--last", "20"]] {
        let runs = if args.len() == 3 && args[0] == "show" { 2 } else { RUNS };
        let took = times(runs, || dateline(workspace, args));
        println!(
            "{:<44}{:>10.1} ms p50, {:>8.1} ms p99: dateline {}",
            "the whole command",
            took.0,
            took.1,
            args.join(" ")
        );
    }
    grow(workspace, count + 1);
    let start = Instant::now();
    dateline(workspace, &["search", "nenuphar"]);
    println!("{:<44}{:>10.1} ms", "the whole command, one record new", start.elapsed().as_secs_f64() * 1e3);
}

/// A text with some of its words replaced, in percent.
fn edited(number: usize, percent: u64) -> String {
    let mut dice = Dice(number as u64 ^ 0xabcd);
    let text = text(number);
    let word = |word: &str| match dice.below(100) < percent {
        true => format!("{}x", dice.word()),
        false => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A text that has nothing of the others, not even the line of its source.
fn unlike(number: usize) -> String {
    let mut dice = Dice(number as u64 ^ 0x5a5a_5a5a_5a5a);
    let mut sentence = || (0..10).map(|_| dice.word()).collect::<Vec<_>>().join(" ");
    format!("Sans rapport {number}\n\n{}\n", (0..25).map(|_| sentence() + ".\n").collect::<String>())
}

/// Holds what the index names as alike against a comparison with every text.
fn recall(index: &SearchIndex, count: usize) {
    let start = Instant::now();
    let percents = [1, 10, 20];
    let queries: Vec<(u64, String)> = percents
        .iter()
        .flat_map(|percent| (0..COMPARED).map(|nth| (*percent, edited(nth * (count / COMPARED), *percent))))
        .collect();
    let asked: Vec<Text<'_>> = queries.iter().map(|(_, query)| Text::new(query)).collect();
    // For each query, the records of texts that are like it; see `check` for the number of a record.
    let pairs: Vec<(usize, u64)> = (0..count)
        .into_par_iter()
        .flat_map_iter(|number| {
            let text = text(number);
            let known = Text::new(&text);
            // A passage in common is not enough: one in fifty has the line of its source.
            let alike = |query: &Text<'_>| {
                !matches!(compare(query, &known), Likeness::Different { .. } | Likeness::PassageOf { .. })
            };
            let found: Vec<usize> = (0..asked.len()).filter(|query| alike(&asked[*query])).collect();
            found.into_iter().map(move |query| (query, number as u64 + 1))
        })
        .collect();
    let named: Vec<Vec<u64>> = asked.iter().map(|query| index.alike(query).unwrap()).collect();
    for percent in percents {
        let of_these = pairs.iter().filter(|(query, _)| queries[*query].0 == percent);
        let found = of_these.clone().filter(|(query, record)| named[*query].contains(record)).count();
        let all = of_these.count();
        println!(
            "{:<44}{:>10.1} % recall: the index names {found} of {all} that are alike, of {COMPARED} queries",
            format!("{percent} % of the words are others"),
            100.0 * found as f64 / all as f64,
        );
    }
    println!("{:<44}{:>10.1} s", "a comparison with every text", start.elapsed().as_secs_f64());
}

/// Looks documents up through the program.
fn check(workspace: &Path, count: usize) {
    let file = workspace.join("asked.txt");
    type Ask = fn(usize) -> String;
    let asked: [(&str, Ask, &str); 5] = [
        ("check: the same bytes", text, "sameBytes"),
        ("check: 1 % of the words are others", |number| edited(number, 1), "similar"),
        ("check: 10 % of the words are others", |number| edited(number, 10), "similar"),
        ("check: 20 % of the words are others", |number| edited(number, 20), "similar"),
        ("check: like none", unlike, "unknown"),
    ];
    for (name, ask, expected) in asked {
        let (mut took, mut right) = (Vec::new(), 0);
        for nth in 0..RUNS {
            let number = 4 * (nth * (count / RUNS) / 4) + nth % 3;
            std::fs::write(&file, ask(number)).unwrap();
            let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
            command.arg("--workspace").arg(workspace).arg("check").arg(&file).args(["--format", "json"]);
            let start = Instant::now();
            let output = command.env("XDG_STATE_HOME", workspace).output().unwrap();
            took.push(start.elapsed().as_secs_f64() * 1e3);
            let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            // Entry 0 enrols the editor; document 0 is record 1 … of the first document that is made, see `grow`.
            let found = answer["records"].as_array().unwrap().iter();
            let found =
                found.filter_map(|one| one["record"].as_u64()).any(|record| record == number as u64 + 1);
            right += u32::from(answer["answer"] == expected && (found || expected == "unknown"));
        }
        took.sort_by(f64::total_cmp);
        println!(
            "{name:<44}{:>10.1} ms p50, {:>8.1} ms p99, {right} of {RUNS} as expected",
            took[RUNS / 2],
            took[RUNS - 1]
        );
    }
    std::fs::remove_file(file).unwrap();
}

/// The median and the 99th percentile of some runs, in milliseconds.
fn times(runs: usize, mut work: impl FnMut()) -> (f64, f64) {
    let mut took: Vec<f64> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    took.sort_by(f64::total_cmp);
    (took[runs / 2], took[(runs * 99 / 100).min(runs - 1)])
}

fn dateline(workspace: &Path, arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
    command.arg("--workspace").arg(workspace).args(arguments).env("XDG_STATE_HOME", workspace);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Registers documents until there are `count`.
fn grow(workspace: &Path, count: usize) {
    let policy = Policy::parse(&std::fs::read(workspace.join("keys/policy")).unwrap()).unwrap();
    let root = dateline::keys::public::read(&workspace.join("keys/roots/root.pub")).unwrap().0;
    let files = std::fs::read_dir(workspace.join("keys/private")).unwrap().map(|file| file.unwrap().path());
    let private: Vec<SigningKey> =
        files.filter_map(|path| dateline::keys::private::read(&path, &mut |_| unreachable!()).ok()).collect();
    let store = FileStore::writer(&workspace.join("records")).unwrap();
    let mut log = Log::open(&store, &policy, &[root]).unwrap();
    let may_sign =
        |key: &&SigningKey| log.state().authorise(&key.public().key_id(), Kind::Registration).is_ok();
    let editor = private.iter().find(may_sign).unwrap();
    let public = policy.logs()[0].key.public_key().unwrap();
    let log_key = private.iter().find(|key| key.public() == *public).unwrap();
    let registered = |number: usize| {
        let text = text(number);
        let article = read(text.as_bytes(), &ReadOptions::default()).unwrap();
        let mut random = salts(number);
        let recorded_at = Timestamp::from_unix_seconds(1_795_000_000 + number as i64).unwrap();
        let recorded_by = editor.public().key_id();
        let mut circumstances = Circumstances { recorded_by, recorded_at, random: &mut random };
        let draft = Draft::registration(&article, &Decisions::default(), &mut circumstances).unwrap();
        NewRecord { entry: draft.sign(editor).unwrap(), content: Some(text.into_bytes()) }
    };
    let first = log.size() as usize - 1;
    let numbers: Vec<usize> = (first..count).collect();
    for some in numbers.chunks(COMMIT) {
        let new = some.par_iter().map(|number| registered(*number)).collect();
        log.append(new, &mut |text| Ok(log_key.sign(text))).unwrap();
    }
}
