//! How well documents are read: `cargo bench --bench extraction`.
//!
//! Fetches nothing. Prints, by language, how often the claimed origin and the byline are found in the articles of
//! `benches/credits`: those of `looked-at.jsonl` were read while rules were changed; those of `second-half.jsonl` were
//! measured before anybody looked, and read since. Both were written by a model that knew nothing of the rules.
//!
//! `DATELINE_CORPUS=folder` adds the pages of a folder with `manifest.jsonl` (`{id, corpus, truth: {title, byline[],
//! published, site, lang, text}}`), `html/<id>.html.gz` and `peers.json`, the peers' figures on the same pages. A page
//! counts as right where the value is the same after compatibility normalisation, lower case and single spaces; names as
//! a set; dates by day; texts by the F1 of their words. `signed` is the byline with agencies among the origins counted
//! as authors, as other tools do.
//!
//! Last, how many documents of each format are read in a second, on one core and on all: the documents of `tests/data`,
//! `demo` and `fuzz/seeds`, and `DATELINE_CORPUS`.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use dateline::article::{Article, BylineRole, OriginKind, OriginRole, ReadOptions, read};
use rayon::prelude::*;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

fn main() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/credits");
    each_credits(&own);
    let corpus = std::env::var("DATELINE_CORPUS").ok();
    match &corpus {
        None => println!("\nfor pages: set DATELINE_CORPUS to a folder with manifest.jsonl and html/"),
        Some(folder) => {
            let folder = Path::new(folder);
            each_credits(folder);
            if folder.join("manifest.jsonl").exists() {
                pages(folder);
            }
        }
    }
    rates(corpus.as_deref().map(Path::new));
}

/// How many documents of each format are read in a second.
fn rates(corpus: Option<&Path>) {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["tests/data", "demo", "fuzz/seeds"] {
        documents(&own.join(folder), &mut files);
    }
    if let Some(folder) = corpus {
        documents(&folder.join("html"), &mut files);
    }
    let mut formats: BTreeMap<&str, Vec<Document>> = BTreeMap::new();
    for document in files {
        if let Some(article) = document.read() {
            formats.entry(article.format.name()).or_default().push(document);
        }
    }
    println!(
        "\n{:<10} {:>9} {:>8} {:>12} {:>12}",
        "format", "documents", "KiB each", "a second", "all cores"
    );
    for (format, documents) in formats {
        let bytes: usize = documents.iter().map(|document| document.bytes.len()).sum();
        let kib = bytes as f64 / documents.len() as f64 / 1024.0;
        let one = rate(|| documents.iter().filter_map(Document::read).count());
        let all = rate(|| {
            let many = documents.par_iter().flat_map(|document| rayon::iter::repeat_n(document, 16));
            many.filter_map(Document::read).count()
        });
        println!("{format:<10} {:>9} {kib:>8.1} {one:>12.0} {all:>12.0}", documents.len());
    }
}

struct Document {
    name: String,
    bytes: Vec<u8>,
}

impl Document {
    fn read(&self) -> Option<Article> {
        let options = ReadOptions { file_name: Some(&self.name), ..ReadOptions::default() };
        read(std::hint::black_box(&self.bytes), &options).ok()
    }
}

/// The median rate of seven rounds of at least a fifth of a second.
fn rate(work: impl Fn() -> usize) -> f64 {
    let mut rates: Vec<f64> = (0..7)
        .map(|_| {
            let (start, mut done) = (Instant::now(), 0);
            while start.elapsed().as_millis() < 200 {
                done += work();
            }
            done as f64 / start.elapsed().as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[3]
}

/// Every file below `folder`, unpacked where it ends in `.gz`.
fn documents(folder: &Path, found: &mut Vec<Document>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            documents(&path, found);
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        let mut name = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Some(inner) = name.strip_suffix(".gz").map(str::to_owned) {
            let packed = std::mem::take(&mut bytes);
            flate2::read::MultiGzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
            name = inner;
        }
        found.push(Document { name, bytes });
    }
}

fn each_credits(folder: &Path) {
    let files = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|end| end == "jsonl")).collect();
    files.sort();
    for file in files.iter().filter(|file| !file.ends_with("manifest.jsonl")) {
        credits(file);
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn norm(text: &str) -> String {
    let folded: String = text.nfkc().collect::<String>().to_lowercase();
    let plain = folded.replace(['’', '‘'], "'").replace(['“', '”'], "\"").replace(['–', '—'], "-");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn names<'v>(values: impl Iterator<Item = &'v str>) -> BTreeSet<String> {
    let cut = |text: &str| -> Vec<String> {
        let text =
            norm(text).replace(" and ", ";").replace(" und ", ";").replace(" et ", ";").replace(" y ", ";");
        text.split([';', ',', '|', '/', '&', '、', '，'])
            .map(|name| name.trim_matches([' ', '.', ':', '-']).to_owned())
            .collect()
    };
    values.flat_map(cut).filter(|name| !name.is_empty()).collect()
}

fn words(text: &str) -> BTreeMap<String, i64> {
    let wide = |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{e00}'..='\u{e7f}');
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    let mut word = String::new();
    for c in norm(text).chars().chain([' ']) {
        let inner = (c.is_alphanumeric() || c == '_') && !wide(c);
        if inner {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            *counts.entry(std::mem::take(&mut word)).or_default() += 1;
        }
        if wide(c) {
            *counts.entry(c.to_string()).or_default() += 1;
        }
    }
    counts
}

fn f1(one: &str, other: &str) -> f64 {
    let (one, other) = (words(one), words(other));
    let total = one.values().sum::<i64>() + other.values().sum::<i64>();
    let both: i64 = one.iter().map(|(word, count)| (*count).min(other.get(word).copied().unwrap_or(0))).sum();
    if total == 0 { 1.0 } else { 2.0 * both as f64 / total as f64 }
}

/// Right, missing and invented values of one field.
#[derive(Default, Clone, Copy)]
struct Tally {
    pages: u32,
    right: f64,
    missing: u32,
}

fn pages(folder: &Path) {
    let rows = lines(&folder.join("manifest.jsonl"));
    let read_page = |row: &Value| {
        let id = row["id"].as_str().unwrap();
        let packed = std::fs::read(folder.join(format!("html/{id}.html.gz"))).unwrap();
        let mut bytes = Vec::new();
        flate2::read::MultiGzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
        let start = Instant::now();
        let article = read(&bytes, &ReadOptions::default()).ok();
        (article, start.elapsed().as_secs_f64() * 1000.0)
    };
    // Once to warm up rules, then on one core, so that the times are those of a page.
    let _: Vec<_> = rows.par_iter().take(40).map(read_page).collect();
    let articles: Vec<(Option<Article>, f64)> = rows.iter().map(read_page).collect();
    let mut tallies: BTreeMap<(String, &str), Tally> = BTreeMap::new();
    for (row, (article, _)) in rows.iter().zip(&articles) {
        let corpus = row["corpus"].as_str().unwrap();
        for (field, right, found) in judge(&row["truth"], article.as_ref()) {
            let tally = tallies.entry((corpus.to_owned(), field)).or_default();
            tally.pages += 1;
            tally.right += right;
            tally.missing += u32::from(!found);
        }
    }
    let peers: Value = std::fs::read_to_string(folder.join("peers.json"))
        .map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
    println!("{:<12} {:<10} {:>6} {:>7} {:>8}   best peer", "corpus", "field", "pages", "right", "missing");
    for ((corpus, field), tally) in &tallies {
        let member = if *field == "text" { "tokF1" } else { "exact" };
        let of =
            |(name, peer): (&String, &Value)| Some((peer[corpus][field][member].as_f64()?, name.clone()));
        let best = peers
            .as_object()
            .and_then(|peers| peers.iter().filter_map(of).max_by(|one, other| one.0.total_cmp(&other.0)));
        let best = best.map_or(String::new(), |(value, name)| format!("{value:.3} {name}"));
        let right = tally.right / f64::from(tally.pages);
        println!("{corpus:<12} {field:<10} {:>6} {right:>7.3} {:>8}   {best}", tally.pages, tally.missing);
    }
    let mut times: Vec<f64> = articles.iter().map(|(_, time)| *time).collect();
    times.sort_by(f64::total_cmp);
    if let Some(last) = times.last() {
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        let all: f64 = times.iter().sum::<f64>() / 1000.0;
        println!(
            "\n{} pages on one core: {:.0} a second, p50 {:.1} ms, p99 {:.1} ms, longest {last:.1} ms",
            times.len(),
            times.len() as f64 / all,
            at(0.5),
            at(0.99)
        );
    }
}

/// Each field that the truth has: whether it is right (a share for texts), and whether something was found.
fn judge(truth: &Value, article: Option<&Article>) -> Vec<(&'static str, f64, bool)> {
    let mut out = Vec::new();
    let same =
        |wanted: &str, found: Option<&str>| f64::from(found.is_some_and(|found| norm(wanted) == norm(found)));
    let mut plain = |field: &'static str, found: Option<&str>| {
        if let Some(wanted) = truth[field].as_str() {
            out.push((field, same(wanted, found), found.is_some()));
        }
    };
    plain("title", article.and_then(|article| article.title.as_ref()).map(|claim| claim.value.as_str()));
    plain("site", article.and_then(|article| article.publisher.as_ref()).map(|claim| claim.value.as_str()));
    let language =
        article.and_then(|article| article.language.as_ref()).map(|language| language.tag.as_str());
    if let Some(wanted) = truth["lang"].as_str() {
        let primary = norm(wanted).split(['-', '_']).next().unwrap_or_default().to_owned();
        out.push(("lang", f64::from(language == Some(primary.as_str())), language.is_some()));
    }
    if let Some(wanted) = truth["published"].as_str() {
        let found =
            article.and_then(|article| article.published_at.as_ref()).map(|claim| claim.value.as_str());
        out.push((
            "published",
            f64::from(found.is_some_and(|found| found.get(..10) == wanted.get(..10))),
            found.is_some(),
        ));
    }
    let wanted: Vec<&str> =
        truth["byline"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !wanted.is_empty() {
        let found = article.map(bylines).unwrap_or_default();
        let right = names(wanted.iter().copied()) == names(found.iter().map(String::as_str));
        out.push(("byline", f64::from(right), !found.is_empty()));
        // The truth has agencies among the authors; here they are origins.
        let signed = article.map(signatures).unwrap_or_default();
        let right = names(wanted.iter().copied()).is_subset(&names(signed.iter().map(String::as_str)))
            && names(found.iter().map(String::as_str)).is_subset(&names(wanted.iter().copied()));
        out.push(("signed", f64::from(right), !signed.is_empty()));
    }
    if let Some(wanted) = truth["text"].as_str() {
        let found = article.map_or("", |article| article.text.as_str());
        out.push(("text", f1(wanted, found), !found.is_empty()));
    }
    out
}

fn bylines(article: &Article) -> Vec<String> {
    let authors = article.bylines.iter().filter(|byline| byline.role == BylineRole::Author);
    authors.map(|byline| byline.as_printed.clone()).collect()
}

fn origins(article: &Article) -> Vec<String> {
    let of_text = |role: OriginRole| {
        !matches!(role, OriginRole::PhotoOnly | OriginRole::DataSource | OriginRole::Mention)
    };
    let all = article.claimed_origins.iter().filter(|origin| of_text(origin.role));
    all.map(|origin| origin.as_printed.clone()).collect()
}

/// Who signed it, agencies among them.
fn signatures(article: &Article) -> Vec<String> {
    let agencies = article.claimed_origins.iter().filter(|origin| origin.kind == OriginKind::Agency);
    let names = agencies.flat_map(|origin| {
        let known = origin.organisation.as_ref().map(|organisation| organisation.label.clone());
        known.into_iter().chain([origin.as_printed.clone(), format!("The {}", origin.as_printed)])
    });
    bylines(article).into_iter().chain(names).collect()
}

/// What was found and wanted of one kind of claim in one language.
#[derive(Default, Clone, Copy)]
struct Found {
    /// Examples where exactly the wanted names were found.
    right: u32,
    found: u32,
    wanted: u32,
    both: u32,
    /// Examples with nothing to find, and those of them where something was found.
    none: u32,
    invented: u32,
}

impl Found {
    fn count(&mut self, wanted: &BTreeSet<String>, found: &BTreeSet<String>, accepted: bool) {
        let right = wanted == found || accepted;
        self.right += u32::from(right);
        self.found += found.len() as u32;
        self.wanted += wanted.len() as u32;
        // Another accepted form of the names counts for all of them.
        let both = if right { wanted.len().min(found.len()) } else { wanted.intersection(found).count() };
        self.both += both as u32;
        self.none += u32::from(wanted.is_empty());
        self.invented += u32::from(wanted.is_empty() && !right);
    }

    fn row(&self, examples: u32) -> String {
        let share = |one: u32, of: u32| {
            if of == 0 { "-".to_owned() } else { format!("{:.2}", f64::from(one) / f64::from(of)) }
        };
        let invented = format!("{}/{}", self.invented, self.none);
        format!(
            "{:>7} {:>10} {:>7} {invented:>9}",
            share(self.right, examples),
            share(self.both, self.found),
            share(self.both, self.wanted),
        )
    }
}

/// Credit lines with known answers: `{lang, text, origins[], bylines[], same[[]]}`, or `{language, head, tail, expected_origin,
/// expected_byline, accept_origin[], accept_byline[]}` with several names parted by `;`.
fn credits(file: &Path) {
    let key = |name: &str| -> String {
        let plain: String = norm(name).chars().filter(|c| c.is_alphanumeric()).collect();
        plain.strip_prefix("the").map_or(plain.clone(), str::to_owned)
    };
    let set = |value: &Value| -> BTreeSet<String> {
        let texts: Vec<&str> = match value {
            Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
            other => other.as_str().into_iter().collect(),
        };
        texts.into_iter().flat_map(|text| text.split(';')).map(key).filter(|name| !name.is_empty()).collect()
    };
    let accepted = |value: &Value, found: &BTreeSet<String>| {
        value.as_array().into_iter().flatten().any(|one| set(one) == *found)
    };
    let mut languages: BTreeMap<String, (u32, Found, Found)> = BTreeMap::new();
    for row in lines(file) {
        let language = row["language"].as_str().or(row["lang"].as_str()).unwrap_or("?").to_owned();
        let part = |name: &str| row[name].as_str().unwrap_or_default();
        let text = match row["text"].as_str().or(row["excerpt"].as_str()) {
            Some(text) => text.to_owned(),
            None => format!("{}\n{}", part("head"), part("tail")),
        };
        let Ok(article) = read(text.as_bytes(), &ReadOptions::default()) else { continue };
        // Printed forms that are one name in this text.
        let same: Vec<BTreeSet<String>> = row["same"].as_array().into_iter().flatten().map(set).collect();
        let one = |name: String| {
            let group = same.iter().find(|group| group.contains(&name));
            group.and_then(|group| group.first().cloned()).unwrap_or(name)
        };
        let wanted = |new: &str, old: &str| -> BTreeSet<String> {
            set(if row[new].is_array() { &row[new] } else { &row[old] }).into_iter().map(one).collect()
        };
        let by: BTreeSet<String> = bylines(&article).iter().map(|name| one(key(name))).collect();
        let from: BTreeSet<String> = origins(&article).iter().map(|name| one(key(name))).collect();
        for name in [language.as_str(), "all"] {
            let (examples, origin, byline) = languages.entry(name.to_owned()).or_default();
            *examples += 1;
            origin.count(
                &wanted("origins", "expected_origin"),
                &from,
                accepted(&row["accept_origin"], &from),
            );
            byline.count(&wanted("bylines", "expected_byline"), &by, accepted(&row["accept_byline"], &by));
        }
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let head = format!("{:>7} {:>10} {:>7} {:>9}", "right", "precision", "recall", "invented");
    println!("\n{name:<30} origin {:>30} byline", "");
    println!("{:<8} {:>8} {head} {head}", "lang", "examples");
    for (language, (examples, origin, byline)) in languages {
        println!("{language:<8} {examples:>8} {} {}", origin.row(examples), byline.row(examples));
    }
}
