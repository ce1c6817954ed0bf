//! Regular expressions, compiled to the words that `src/article/pattern/machine.rs` runs.
//!
//! A word is an operation in the low byte and its argument above it; some are followed by more words. The machine goes back
//! where it fails, and takes alternatives in the order in which they are written: leftmost-first, as the `regex` crate.

use std::collections::HashMap;

use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};

use crate::op;

/// Alternatives of plain words from which on they are one table.
const TABLE_FROM: usize = 6;

/// What all programs share.
#[derive(Default)]
pub(crate) struct Programs {
    pub code: Vec<u32>,
    /// For each class: a bit for each ASCII character, and its ranges above ASCII.
    pub classes: Vec<(u128, u32, u32)>,
    pub ranges: Vec<(u32, u32)>,
    known: HashMap<Vec<(u32, u32)>, u32>,
    /// For each table: its entries.
    pub tables: Vec<(u32, u32)>,
    /// Offset and length in `words`, and place among the alternatives; sorted by the words of each table.
    pub entries: Vec<(u32, u16, u16)>,
    pub words: String,
    known_tables: HashMap<Vec<(String, u16)>, u32>,
}

/// One program.
pub(crate) struct Program {
    pub start: u32,
    /// Names of its groups, from group 1 on; empty where there is none.
    pub groups: Vec<String>,
    /// Bytes that a match may begin with: at the start of the text, and elsewhere.
    pub first: [[u64; 4]; 2],
    /// It may match where nothing stands.
    pub empty: bool,
}

impl Programs {
    /// Compiles an expression. `of` names it in a fault, which is our own.
    pub(crate) fn compile(&mut self, source: &str, of: &str) -> Program {
        if self.classes.is_empty() {
            // Class 0 is that of word boundaries.
            let word = regex_syntax::parse(r"\w").expect("a class");
            let HirKind::Class(Class::Unicode(word)) = word.kind() else { unreachable!() };
            self.class(word);
        }
        let hir = regex_syntax::parse(source).unwrap_or_else(|error| panic!("pattern of {of}: {error}"));
        let start = self.code.len() as u32;
        let mut groups = Vec::new();
        names(&hir, &mut groups);
        self.emit(&hir, None, of);
        self.code.push(op::MATCH);
        let at = |start: bool| {
            let (class, empty) = first(&hir, start);
            if empty { ([u64::MAX; 4], true) } else { (lead_bytes(&class), false) }
        };
        let ((begin, empty), (later, also)) = (at(true), at(false));
        Program { start, groups, first: [begin, later], empty: empty || also }
    }

    fn class(&mut self, class: &ClassUnicode) -> u32 {
        let all: Vec<(u32, u32)> =
            class.iter().map(|range| (range.start() as u32, range.end() as u32)).collect();
        if let Some(known) = self.known.get(&all) {
            return *known;
        }
        let mut ascii = 0_u128;
        let from = self.ranges.len() as u32;
        for &(low, high) in &all {
            (low..=high.min(127)).for_each(|c| ascii |= 1 << c);
            if high > 127 {
                self.ranges.push((low.max(128), high));
            }
        }
        self.classes.push((ascii, from, self.ranges.len() as u32));
        let number = self.classes.len() as u32 - 1;
        self.known.insert(all, number);
        number
    }

    /// The class of what may follow, plus one; 0 where anything may.
    fn gate(&mut self, class: Option<&ClassUnicode>) -> u32 {
        class.map_or(0, |class| self.class(&rough(class)) + 1)
    }

    /// Makes a table of words, in the order in which they are tried.
    pub(crate) fn table(&mut self, words: &[(String, u16)]) -> u32 {
        let mut sorted = words.to_vec();
        sorted.sort();
        sorted.dedup_by(|later, earlier| later.0 == earlier.0);
        if let Some(known) = self.known_tables.get(&sorted) {
            return *known;
        }
        let from = self.entries.len() as u32;
        for (word, place) in &sorted {
            self.entries.push((self.words.len() as u32, word.len() as u16, *place));
            self.words.push_str(word);
        }
        self.tables.push((from, self.entries.len() as u32));
        let number = self.tables.len() as u32 - 1;
        self.known_tables.insert(sorted, number);
        number
    }

    fn emit(&mut self, hir: &Hir, follow: Option<&ClassUnicode>, of: &str) {
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => {
                let text = std::str::from_utf8(&literal.0).expect("UTF-8");
                self.code.extend(text.chars().map(|c| op::CHAR | (c as u32) << 8));
            }
            HirKind::Class(class) => {
                let class = self.class(&unicode(class, of));
                self.code.push(op::CLASS | class << 8);
            }
            HirKind::Look(look) => {
                let word = match look {
                    Look::Start => op::START,
                    Look::End => op::END,
                    Look::WordAscii => op::EDGE_ASCII,
                    Look::WordUnicode => op::EDGE,
                    other => panic!("pattern of {of}: {other:?} is not known"),
                };
                self.code.push(word);
            }
            HirKind::Repetition(repetition) => self.repetition(repetition, follow, of),
            HirKind::Capture(Capture { index, sub, .. }) => {
                self.code.push(op::SAVE | (index * 2) << 8);
                self.emit(sub, follow, of);
                self.code.push(op::SAVE | (index * 2 + 1) << 8);
            }
            HirKind::Concat(parts) => {
                for (at, part) in parts.iter().enumerate() {
                    let (rest, empty) = first_of(&parts[at + 1..], true);
                    let next = match (empty, follow) {
                        (false, _) => Some(rest),
                        (true, None) => None,
                        (true, Some(follow)) => {
                            let mut rest = rest;
                            rest.union(follow);
                            Some(rest)
                        }
                    };
                    self.emit(part, next.as_ref(), of);
                }
            }
            HirKind::Alternation(branches) => self.alternation(branches, follow, of),
        }
    }

    fn repetition(&mut self, repetition: &Repetition, follow: Option<&ClassUnicode>, of: &str) {
        let Repetition { min, max, greedy, sub } = repetition;
        if let Some(class) = single(sub, of) {
            let (class, gate) = (self.class(&class), self.gate(follow));
            let run = if *greedy { op::RUN } else { op::RUN_LAZY };
            self.code.extend([run | class << 8, *min, max.unwrap_or(u32::MAX), gate]);
            return;
        }
        for _ in 0..*min {
            self.emit(sub, None, of);
        }
        let (begin, empty) = first(sub, true);
        let gate = if empty { 0 } else { self.gate(Some(&begin)) };
        // Two ways on: once more, or out.
        let choice = |programs: &mut Self| {
            let at = programs.code.len();
            let ways = if *greedy { [gate, 0, 0, 0] } else { [0, 0, gate, 0] };
            programs.code.push(op::CHOICE | 2 << 8);
            programs.code.extend(ways);
            let (more, out) = if *greedy { (at + 2, at + 4) } else { (at + 4, at + 2) };
            programs.code[more] = at as u32 + 5;
            out
        };
        match max {
            None => {
                // The two engines would have to agree on what an empty round is.
                assert!(!empty, "pattern of {of}: repeats what may be empty");
                let at = self.code.len() as u32;
                let out = choice(self);
                self.emit(sub, None, of);
                self.code.push(op::JUMP | at << 8);
                self.code[out] = self.code.len() as u32;
            }
            Some(max) => {
                let mut outs = Vec::new();
                for _ in *min..*max {
                    outs.push(choice(self));
                    self.emit(sub, None, of);
                }
                let end = self.code.len() as u32;
                outs.into_iter().for_each(|out| self.code[out] = end);
            }
        }
    }

    fn alternation(&mut self, branches: &[Hir], follow: Option<&ClassUnicode>, of: &str) {
        enum Way<'h> {
            Branch(&'h Hir),
            Table(Vec<(String, u16)>),
        }
        let mut ways: Vec<Way<'_>> = Vec::new();
        let mut at = 0;
        while at < branches.len() {
            let mut words = Vec::new();
            let mut end = at;
            while let Some(these) = branches.get(end).and_then(words_of) {
                words.extend(these.into_iter().map(|word| (word, (end - at) as u16)));
                end += 1;
            }
            if end - at >= TABLE_FROM {
                ways.push(Way::Table(words));
                at = end;
            } else {
                ways.push(Way::Branch(&branches[at]));
                at += 1;
            }
        }
        if let [Way::Table(words)] = ways.as_slice() {
            let table = self.table(words);
            self.code.push(op::TABLE | table << 8);
            return;
        }
        let start = self.code.len();
        self.code.push(op::CHOICE | (ways.len() as u32) << 8);
        self.code.extend(std::iter::repeat_n(0, ways.len() * 2));
        let mut jumps = Vec::new();
        for (number, way) in ways.iter().enumerate() {
            let (begin, empty) = match way {
                Way::Branch(branch) => first(branch, true),
                Way::Table(words) => {
                    let firsts = words.iter().filter_map(|(word, _)| word.chars().next());
                    (ClassUnicode::new(firsts.map(|c| ClassUnicodeRange::new(c, c))), false)
                }
            };
            self.code[start + 1 + number * 2] = if empty { 0 } else { self.gate(Some(&begin)) };
            self.code[start + 2 + number * 2] = self.code.len() as u32;
            match way {
                Way::Branch(branch) => self.emit(branch, follow, of),
                Way::Table(words) => {
                    let table = self.table(words);
                    self.code.push(op::TABLE | table << 8);
                }
            }
            if number + 1 < ways.len() {
                jumps.push(self.code.len());
                self.code.push(0);
            }
        }
        let end = self.code.len() as u32;
        jumps.into_iter().for_each(|at| self.code[at] = op::JUMP | end << 8);
    }
}

/// Names of groups, by number.
fn names(hir: &Hir, out: &mut Vec<String>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            let at = capture.index as usize - 1;
            if out.len() <= at {
                out.resize(at + 1, String::new());
            }
            out[at] = capture.name.as_deref().unwrap_or_default().to_owned();
            names(&capture.sub, out);
        }
        HirKind::Repetition(repetition) => names(&repetition.sub, out),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|part| names(part, out))
        }
        _ => {}
    }
}

fn unicode(class: &Class, of: &str) -> ClassUnicode {
    match class {
        Class::Unicode(class) => class.clone(),
        Class::Bytes(bytes) => bytes.to_unicode_class().unwrap_or_else(|| panic!("pattern of {of}: bytes")),
    }
}

/// The class of an expression that is always one character.
fn single(hir: &Hir, of: &str) -> Option<ClassUnicode> {
    match hir.kind() {
        HirKind::Class(class) => Some(unicode(class, of)),
        HirKind::Literal(literal) => {
            let mut chars = std::str::from_utf8(&literal.0).ok()?.chars();
            let c = chars.next()?;
            chars.next().is_none().then(|| ClassUnicode::new([ClassUnicodeRange::new(c, c)]))
        }
        _ => None,
    }
}

/// The words that an expression matches, where they are few and nothing else is.
fn words_of(hir: &Hir) -> Option<Vec<String>> {
    let parts = match hir.kind() {
        HirKind::Concat(parts) => parts.as_slice(),
        HirKind::Literal(_) => std::slice::from_ref(hir),
        _ => return None,
    };
    let mut words = vec![String::new()];
    for part in parts {
        match part.kind() {
            HirKind::Literal(literal) => {
                let text = std::str::from_utf8(&literal.0).ok()?;
                words.iter_mut().for_each(|word| word.push_str(text));
            }
            HirKind::Class(Class::Unicode(class)) => {
                let chars: Vec<char> = class.iter().flat_map(|r| r.start()..=r.end()).take(3).collect();
                if chars.len() > 2 || words.len() > 4 {
                    return None;
                }
                words =
                    words.iter().flat_map(|word| chars.iter().map(move |c| format!("{word}{c}"))).collect();
            }
            _ => return None,
        }
    }
    Some(words)
}

/// What a match may begin with, and whether it may be empty. `start`: at the start of the text, or anywhere but there.
fn first(hir: &Hir, start: bool) -> (ClassUnicode, bool) {
    let none = ClassUnicode::empty;
    match hir.kind() {
        HirKind::Empty => (none(), true),
        HirKind::Look(Look::Start) => (none(), start),
        HirKind::Look(_) => (none(), true),
        HirKind::Literal(literal) => {
            let c = std::str::from_utf8(&literal.0).expect("UTF-8").chars().next().expect("not empty");
            (ClassUnicode::new([ClassUnicodeRange::new(c, c)]), false)
        }
        HirKind::Class(class) => (unicode(class, "a pattern"), false),
        HirKind::Capture(capture) => first(&capture.sub, start),
        HirKind::Repetition(repetition) => {
            let (class, empty) = first(&repetition.sub, start);
            (class, empty || repetition.min == 0)
        }
        HirKind::Concat(parts) => first_of(parts, start),
        HirKind::Alternation(branches) => {
            let mut all = (none(), false);
            for branch in branches {
                let (class, empty) = first(branch, start);
                all.0.union(&class);
                all.1 |= empty;
            }
            all
        }
    }
}

fn first_of(parts: &[Hir], start: bool) -> (ClassUnicode, bool) {
    let mut all = ClassUnicode::empty();
    for part in parts {
        let (class, empty) = first(part, start);
        all.union(&class);
        if !empty {
            return (all, false);
        }
    }
    (all, true)
}

/// The class, and where it is of many ranges, all characters above ASCII between its ends.
fn rough(class: &ClassUnicode) -> ClassUnicode {
    if class.ranges().len() <= 24 {
        return class.clone();
    }
    let above = || class.iter().filter(|range| range.end() > '\u{7f}');
    let low = above().map(|range| range.start().max('\u{80}')).min();
    let high = above().map(|range| range.end()).max();
    let mut out: Vec<ClassUnicodeRange> = class
        .iter()
        .filter(|range| range.start() <= '\u{7f}')
        .map(|range| ClassUnicodeRange::new(range.start(), range.end().min('\u{7f}')))
        .collect();
    out.extend(low.zip(high).map(|(low, high)| ClassUnicodeRange::new(low, high)));
    ClassUnicode::new(out)
}

/// The first bytes, in UTF-8, of the characters of a class.
fn lead_bytes(class: &ClassUnicode) -> [u64; 4] {
    let mut bits = [0_u64; 4];
    let lead = |c: char| {
        let mut buffer = [0; 4];
        c.encode_utf8(&mut buffer).as_bytes()[0]
    };
    for range in class.iter() {
        // Lead bytes rise with the characters; what lies between ASCII and the others leads nothing.
        for byte in (lead(range.start())..=lead(range.end())).filter(|byte| !(0x80..0xc0).contains(byte)) {
            bits[usize::from(byte) / 64] |= 1 << (byte % 64);
        }
    }
    bits
}
