//! Makes the tables of the rule set from the files they are written in, so that a start of the program reads no TOML and
//! compiles no regular expression: `rules.toml`, `packs.toml`, `authority.toml` and `shapes.toml` in `src/article`.

#![allow(clippy::print_stdout)] // What cargo reads.

mod program;
mod source;

#[path = "../src/article/fold.rs"]
mod fold;
#[path = "../src/article/pattern/op.rs"]
mod op;

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Debug, Write as _};
use std::path::PathBuf;

use program::Programs;
use sha2::{Digest, Sha256};
use source::{AuthorityFile, File, Organisation, Packs, Patterns, Rule, folded};

/// Rules of names whose pattern has an agency that is not optional.
const NEED_AGENCY: &[&str] = &[
    "any.any.initials-agency",
    "any.any.name-comma-agency",
    "any.any.name-agency-day",
    "any.photo.name-slash-agency",
];

/// What is written: the source of one Rust module.
struct Tables {
    text: String,
    programs: Programs,
    /// Groups of the richest pattern, and the whole.
    groups: usize,
}

fn main() {
    let article = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo")).join("src/article");
    println!("cargo::rerun-if-changed=build");
    let read = |name: &str| {
        let path = article.join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let (rules, packs, authority, shapes) =
        (read("rules.toml"), read("packs.toml"), read("authority.toml"), read("shapes.toml"));
    println!("cargo::rerun-if-changed={}", article.join("fold.rs").display());
    println!("cargo::rerun-if-changed={}", article.join("pattern/op.rs").display());

    let mut file: File = toml::from_str(&rules).unwrap_or_else(|error| panic!("rules.toml: {error}"));
    let pack: Packs = toml::from_str(&packs).unwrap_or_else(|error| panic!("packs.toml: {error}"));
    let bodies: AuthorityFile =
        toml::from_str(&authority).unwrap_or_else(|error| panic!("authority.toml: {error}"));
    let shapes: BTreeMap<String, String> =
        toml::from_str(&shapes).unwrap_or_else(|error| panic!("shapes.toml: {error}"));

    let mut tables = Tables { text: String::new(), programs: Programs::default(), groups: 0 };
    let patterns = Patterns::new(&mut file, &bodies.organisation);
    let mut rows = std::mem::take(&mut file.rule);
    rows.extend(pack.pack.iter().flat_map(source::Pack::rules));
    let mut languages: Vec<String> =
        file.language.iter().map(|language| language.tag.clone()).filter(|tag| tag.len() <= 3).collect();
    languages.extend(pack.pack.iter().map(|pack| pack.tag.clone()));
    languages.extend(["zh", "ja", "ko"].map(String::from));

    tables.item("RULESET", "&str", &format!("\"{}/{}\"", file.name, file.version));
    let digest: [u8; 32] = Sha256::digest(format!("{rules}{packs}")).into();
    tables.item("SHA256", "[u8; 32]", &format!("{digest:?}"));
    tables.words("LANGUAGES", &languages);
    tables.small_words(&file);
    tables.rules(&rows, &file, &patterns);
    tables.bodies(&patterns);
    tables.authority(&bodies.organisation);
    let line_start = source::either_apostrophe(&source::line_start(&rows));
    let day = patterns.expand(r"(?i:%DAY%|%DATE%|\b\d{1,2}[/.]\d{1,2}[/.]\d{4}\b)");
    let sole = [("LINE_START", line_start), ("DAY", day), ("NOUNS", patterns.nouns())];
    for (name, source) in &sole {
        let pattern = tables.pattern(source, source, name);
        tables.item(name, "Pattern", &pattern);
    }
    for (name, source) in &shapes {
        let pattern = tables.pattern(source, source, name);
        tables.item(&format!("SHAPE_{}", name.to_uppercase()), "Pattern", &pattern);
    }
    tables.programs();

    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo")).join("tables.rs");
    std::fs::write(&out, tables.text).unwrap_or_else(|error| panic!("{}: {error}", out.display()));
}

impl Tables {
    fn item(&mut self, name: &str, kind: &str, value: &str) {
        writeln!(self.text, "pub(super) static {name}: {kind} = {value};").expect("a string");
    }

    fn array<T: Debug>(&mut self, name: &str, kind: &str, values: &[T]) {
        self.item(name, &format!("[{kind}; {}]", values.len()), &format!("{values:?}"));
    }

    fn words(&mut self, name: &str, words: &[String]) {
        self.item(name, "&[&str]", &format!("&{words:?}"));
    }

    /// A pattern. `short` is its source with the large parts left out.
    fn pattern(&mut self, short: &str, source: &str, of: &str) -> String {
        let program = self.programs.compile(source, of);
        let (start, groups) = (program.start, &program.groups);
        self.groups = self.groups.max(groups.len() + 1);
        format!(
            "Pattern::new(({start}, {}), &{groups:?}, {:?}, {short:?}, {of:?})",
            program.empty, program.first
        )
    }

    fn small_words(&mut self, file: &File) {
        let all = &file.language;
        self.words("WEEKDAYS", &folded(all, |l| &l.weekdays));
        self.words("PARTICLES", &folded(all, |l| &l.particles));
        self.words("CONJUNCTIONS", &folded(all, |l| &l.conjunctions));
        self.words("OPEN", &folded(all, |l| &l.open));
        self.words("JOBS", &folded(all, |l| &l.jobs));
        self.words("DESKS", &folded(all, |l| &l.desks));
        self.words("NOT_A_NAME", &folded(all, |l| &l.not_a_name));
        self.words("MARKS", &folded(all, |l| &l.marks));
        self.words("GLUED", &folded(all, |l| &l.glued));
        let mut given: Vec<String> = file.given_names.iter().map(|name| fold::fold(name)).collect();
        given.sort();
        given.dedup();
        self.words("GIVEN_NAMES", &given);
        let months: Vec<String> =
            all.iter().flat_map(|language| &language.months).map(|names| format!("^(?i:{names})$")).collect();
        let made: Vec<String> = months
            .iter()
            .map(|source| {
                let source = source::either_apostrophe(source);
                self.pattern(&source, &source, "months")
            })
            .collect();
        self.item("MONTHS", &format!("[Pattern; {}]", made.len()), &format!("[{}]", made.join(", ")));
    }

    fn rules(&mut self, rows: &[Rule], file: &File, patterns: &Patterns) {
        let mut text = String::from("[\n");
        for rule in rows {
            let mut make = |source: Option<&String>| {
                let Some(source) = source else { return "None".to_owned() };
                let short = patterns.expand(source);
                format!("Some({})", self.pattern(&short, &patterns.complete(&short), &rule.id))
            };
            let (pattern, unless, needs) = (
                make(patterns.whole(rule, file).as_ref()),
                make(rule.unless.as_ref()),
                make(rule.needs.as_ref()),
            );
            let needs_agency =
                rule.value.as_deref() == Some("agency") || NEED_AGENCY.contains(&rule.id.as_str());
            let scope: Vec<String> = rule.scope.iter().map(|scope| variant("Scope", scope)).collect();
            let Rule { id, languages, role, form, has, keys, not, .. } = rule;
            writeln!(
                text,
                "Rule {{ id: {id:?}, languages: &{languages:?}, field: {}, scope: &[{}], strength: {}, role: {role:?}, \
                 form: {form:?}, has: &{has:?}, value: {}, keys: &{keys:?}, not: &{not:?}, \
                 pattern: {pattern}, unless: {unless}, needs: {needs}, needs_agency: {needs_agency} }},",
                variant("Field", &rule.field),
                scope.join(", "),
                variant("Strength", &rule.strength),
                variant("ValueKind", rule.value.as_deref().unwrap_or("none")),
            )
            .expect("a string");
        }
        text.push(']');
        self.item("ROWS", &format!("[Rule; {}]", rows.len()), &text);
        let large: Vec<(&str, &String)> = patterns.large.iter().map(|(name, part)| (*name, part)).collect();
        self.array("LARGE", "(&str, &str)", &large);
    }

    fn bodies(&mut self, patterns: &Patterns) {
        // The first row with a name has it.
        let mut names: BTreeMap<String, &str> = BTreeMap::new();
        for row in &patterns.bodies {
            for name in &row.names {
                names.entry(fold::fold(name)).or_insert(&row.kind);
            }
        }
        let names: Vec<String> =
            names.iter().map(|(name, kind)| format!("({name:?}, {})", variant("BodyKind", kind))).collect();
        self.item("NAMES", "&[(&str, BodyKind)]", &format!("&[{}]", names.join(", ")));
        let rows = patterns.bodies.iter().filter(|row| !row.nouns.is_empty());
        let rows: Vec<String> =
            rows.map(|row| format!("({}, {:?})", variant("BodyKind", &row.kind), row.language)).collect();
        self.item("NOUN_ROWS", "&[(BodyKind, Option<&str>)]", &format!("&[{}]", rows.join(", ")));

        let agencies = patterns.agencies();
        let mut pairs = vec![0_u64; 1024];
        for name in &agencies {
            let bytes = name.as_bytes();
            assert!(bytes.len() >= 2, "an agency's name of one letter: {name}");
            let pair = usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
            pairs[pair / 64] |= 1 << (pair % 64);
        }
        let words: Vec<(String, u16)> = agencies.into_iter().map(|name| (name, 0)).collect();
        let table = self.programs.table(&words);
        self.item("AGENCIES", "usize", &table.to_string());
        self.array("AGENCY_PAIRS", "u64", &pairs);
    }

    fn authority(&mut self, rows: &[Organisation]) {
        let mut text = String::from("[\n");
        let mut ids = HashMap::new();
        let (mut keys, mut domains) = (Vec::new(), Vec::new());
        for (at, row) in rows.iter().enumerate() {
            assert!(ids.insert(&row.id, at).is_none(), "authority.toml: {} twice", row.id);
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(!row.id.is_empty() && row.id.chars().all(plain), "authority.toml: the id {:?}", row.id);
            assert!(
                row.names.values().flatten().any(|name| !name.trim().is_empty()),
                "authority.toml: {} has no name",
                row.id
            );
            let names: Vec<String> =
                row.names.iter().map(|(language, names)| format!("({language:?}, &{names:?})")).collect();
            writeln!(
                text,
                "Row {{ id: {:?}, kind: {}, country: {:?}, domain: {:?}, wikidata: {:?}, names: &[{}] }},",
                row.id,
                variant("BodyKind", &row.kind),
                row.country,
                row.domain,
                row.wikidata,
                names.join(", ")
            )
            .expect("a string");
            keys.extend(row.names.values().flatten().map(|name| (fold::key(name), at as u16)));
            domains.extend(row.domain.iter().map(|domain| (domain.to_ascii_lowercase(), at as u16)));
        }
        text.push(']');
        self.item("ORGANISATIONS", &format!("[Row; {}]", rows.len()), &text);
        for list in [&mut keys, &mut domains] {
            list.sort();
            list.dedup();
        }
        self.array("KEYS", "(&str, u16)", &keys);
        self.array("DOMAINS", "(&str, u16)", &domains);
    }

    fn programs(&mut self) {
        let programs = std::mem::take(&mut self.programs);
        writeln!(self.text, "pub(super) const GROUPS: usize = {};", self.groups).expect("a string");
        self.array("CODE", "u32", &programs.code);
        self.array("CLASSES", "(u128, u32, u32)", &programs.classes);
        self.array("RANGES", "(u32, u32)", &programs.ranges);
        self.array("TABLES", "(u32, u32)", &programs.tables);
        self.array("ENTRIES", "(u32, u16, u16)", &programs.entries);
        self.item("WORDS", "&str", &format!("{:?}", programs.words));
    }
}

/// A variant of an enumeration, by its name in a file.
fn variant(of: &str, name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{of}::{}{rest}", first.to_ascii_uppercase())
}
