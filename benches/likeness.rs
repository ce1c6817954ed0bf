//! How texts are found again among many: `cargo bench --bench likeness`.
//!
//! 100,000 texts are made from nothing, the same in every run, and their keys put into one sorted table, as a database has
//! them. Then copies with known edits are asked about. Prints, for each sort of edit:
//!
//! - `alike`: how many pairs of a query and a text are alike, by comparing each query with the first 5,000 texts;
//! - `found`: how many of those the keys find;
//! - `false`: candidates that are not alike, of all texts, for one query;
//! - `likely`: the same share and number for those candidates that are looked at in passing;
//! - the time of an answer: sketch, look-ups, and the comparison with all candidates, whose texts are at hand.
//!
//! `DATELINE_TEXTS=1000` makes fewer.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use dateline::likeness::{KeyKind, LOOKUP_MAX, Likeness, Sketch, Text, candidates, compare, likely};
use rayon::prelude::*;
use support::Dice;

const TEXTS: u64 = 100_000;
/// Texts that queries are made of, and that each query is compared with.
const BRUTE: u64 = 5_000;
const QUERIES: u64 = 30;

/// Paragraphs of sentences of words.
type Draft = Vec<Vec<Vec<String>>>;

fn draft(number: u64) -> Draft {
    let mut dice = Dice(number.wrapping_mul(0x1234_5678_9abc_def1) ^ 7);
    let paragraphs = 4 + dice.below(8);
    let paragraph = |dice: &mut Dice| {
        let sentences = 1 + dice.below(4);
        (0..sentences).map(|_| (0..6 + dice.below(20)).map(|_| dice.word()).collect()).collect()
    };
    (0..paragraphs).map(|_| paragraph(&mut dice)).collect()
}

fn printed(draft: &Draft) -> String {
    let sentence = |words: &Vec<String>| format!("{}.", words.join(" "));
    let paragraph = |all: &Vec<Vec<String>>| all.iter().map(sentence).collect::<Vec<_>>().join(" ");
    draft.iter().map(paragraph).collect::<Vec<_>>().join("\n\n")
}

fn replaced(number: u64, percent: u64) -> String {
    let mut dice = Dice(number ^ 0xabcd);
    let mut draft = draft(number);
    for word in draft.iter_mut().flatten().flatten() {
        if dice.below(100) < percent {
            *word = format!("{}x", dice.word());
        }
    }
    printed(&draft)
}

/// Another text with a paragraph of this one.
fn copied(number: u64) -> String {
    let mut other = draft(number + 10_000_000);
    let longest = draft(number).into_iter().max_by_key(|one| one.iter().map(Vec::len).sum::<usize>());
    other.insert(2, longest.unwrap());
    printed(&other)
}

/// Another text that quotes a sentence of this one.
fn quoted(number: u64) -> String {
    let mut other = draft(number + 20_000_000);
    let longest = draft(number).into_iter().flatten().max_by_key(Vec::len).unwrap();
    other[1] = vec![vec![format!("dito: «{}», ke lo", longest.join(" "))]];
    printed(&other)
}

struct Table(Vec<(KeyKind, u64, u32)>);

impl Table {
    fn lookup(&self, kind: KeyKind, key: u64) -> Vec<u64> {
        let from = self.0.partition_point(|row| (row.0, row.1) < (kind, key));
        let rows = self.0[from..].iter().take_while(|row| (row.0, row.1) == (kind, key));
        rows.take(LOOKUP_MAX).map(|row| u64::from(row.2)).collect()
    }
}

fn alike(one: &Text<'_>, other: &Text<'_>) -> bool {
    !matches!(compare(one, other), Likeness::Different { .. })
}

fn main() {
    let texts = std::env::var("DATELINE_TEXTS").ok().and_then(|n| n.parse().ok()).unwrap_or(TEXTS);
    let brute = BRUTE.min(texts);
    let start = Instant::now();
    let mut rows: Vec<(KeyKind, u64, u32)> = (0..texts)
        .into_par_iter()
        .flat_map_iter(|number| {
            let text = printed(&draft(number));
            let keys = Sketch::of(&Text::new(&text)).keys;
            keys.into_iter().map(move |(kind, key)| (kind, key, number as u32))
        })
        .collect();
    rows.par_sort_unstable();
    let words: usize = (0..1_000.min(texts)).map(|n| draft(n).iter().flatten().flatten().count()).sum();
    println!(
        "{texts} texts of {} words, {} keys each, made and sorted in {:.1} s",
        words as u64 / 1_000.min(texts),
        rows.len() as u64 / texts,
        start.elapsed().as_secs_f64()
    );
    let table = Table(rows);
    let one = printed(&draft(1));
    let start = Instant::now();
    (0..1_000).for_each(|_| drop(std::hint::black_box(Sketch::of(&Text::new(&one)))));
    println!("one sketch: {:.3} ms", start.elapsed().as_secs_f64());

    println!(
        "\n{:<22} {:>7} {:>7} {:>8} {:>9} {:>8} {:>9} {:>11} {:>11}",
        "query", "alike", "found", "recall", "false", "likely", "false", "median ms", "longest ms"
    );
    type Edit = fn(u64) -> String;
    let edits: [(&str, Edit); 7] = [
        ("the same", |n| replaced(n, 0)),
        ("1 % of words", |n| replaced(n, 1)),
        ("5 % of words", |n| replaced(n, 5)),
        ("20 % of words", |n| replaced(n, 20)),
        ("50 % of words", |n| replaced(n, 50)),
        ("a paragraph copied", copied),
        ("a sentence quoted", quoted),
    ];
    let known: Vec<String> = (0..brute).into_par_iter().map(|number| printed(&draft(number))).collect();
    for (name, edit) in edits {
        let queries: Vec<String> = (0..QUERIES).map(|nth| edit(nth * (brute / QUERIES))).collect();
        let (mut pairs, mut found, mut wrong) = (0, 0, 0);
        let (mut likely_found, mut likely_wrong) = (0_usize, 0_usize);
        let mut times: Vec<Duration> = Vec::new();
        for query in &queries {
            let text = Text::new(query);
            let truth: Vec<u64> = (0..brute)
                .into_par_iter()
                .filter(|number| alike(&text, &Text::new(&known[*number as usize])))
                .collect();
            let keys = |query: &str| {
                candidates(&Sketch::of(&Text::new(query)).keys, |kind, key| table.lookup(kind, key))
            };
            let at_hand: Vec<(u64, String)> =
                keys(query).into_iter().map(|number| (number, printed(&draft(number)))).collect();
            let start = Instant::now();
            let again = keys(query);
            let asked = Text::new(query);
            let answers: Vec<bool> = at_hand.iter().map(|(_, one)| alike(&asked, &Text::new(one))).collect();
            times.push(start.elapsed());
            pairs += truth.len();
            found += truth.iter().filter(|number| again.contains(number)).count();
            wrong += answers.iter().filter(|alike| !**alike).count();
            let likely = likely(&Sketch::of(&Text::new(query)).keys, |kind, key| table.lookup(kind, key));
            likely_found += truth.iter().filter(|number| likely.contains(number)).count();
            let judged = at_hand.iter().zip(&answers).filter(|((number, _), _)| likely.contains(number));
            likely_wrong += judged.filter(|(_, alike)| !**alike).count();
        }
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        println!(
            "{name:<22} {pairs:>7} {found:>7} {:>7.1}% {:>9.1} {:>7.1}% {:>9.1} {:>11.2} {:>11.2}",
            100.0 * found as f64 / pairs.max(1) as f64,
            wrong as f64 / QUERIES as f64,
            100.0 * likely_found as f64 / pairs.max(1) as f64,
            likely_wrong as f64 / QUERIES as f64,
            ms(times[times.len() / 2]),
            ms(times[times.len() - 1])
        );
    }
}
