//! What the readers of word processors' files share: paragraphs and tables becoming text, and what is left out of it.
//!
//! The text: paragraphs parted by a blank line, line breaks in them kept, cells parted by a tab, rows by a line feed, no
//! blanks at the ends of lines. Characters stay as they are: no normal form is applied.

use std::ops::Range;

use crate::article::Warning;
use crate::article::extract::{Block, Declared, Key};
use crate::base::limits;

/// The paragraphs of a text in the making.
#[derive(Debug, Default)]
pub(super) struct Paragraphs {
    list: Vec<Paragraph>,
}

#[derive(Debug)]
struct Paragraph {
    text: String,
    heading: bool,
}

impl Paragraphs {
    /// Adds a paragraph. Two line breaks in a row part it; nothing but blanks is none.
    pub(super) fn add(&mut self, text: &str, heading: bool) {
        let mut lines: Vec<&str> = Vec::new();
        for line in text.split('\n').chain([""]) {
            let line = line.trim_end();
            if !line.trim().is_empty() {
                lines.push(if lines.is_empty() { line.trim_start() } else { line });
            } else if !lines.is_empty() {
                self.list.push(Paragraph { text: lines.join("\n"), heading });
                lines.clear();
            }
        }
    }

    /// Adds the paragraphs of another text.
    pub(super) fn append(&mut self, mut other: Paragraphs) {
        self.list.append(&mut other.list);
    }

    /// Adds a table: a line a row. A row with several paragraphs in a cell is no row of values but lays out text: its
    /// cells follow each other as they are.
    pub(super) fn table(&mut self, rows: Vec<Vec<Paragraphs>>) {
        let mut lines: Vec<String> = Vec::new();
        for mut cells in rows {
            if cells.iter().any(|cell| cell.list.len() > 1) {
                self.lines(&mut lines);
                cells.into_iter().for_each(|cell| self.append(cell));
                continue;
            }
            let one = |cell: &mut Paragraphs| {
                cell.list.pop().map(|paragraph| paragraph.text.replace(['\n', '\t'], " ")).unwrap_or_default()
            };
            let line = cells.iter_mut().map(one).collect::<Vec<_>>().join("\t");
            // The first cell of a row may be empty: the tab before the second one stays.
            let line = line.trim_end();
            if !line.is_empty() {
                lines.push(line.to_owned());
            }
        }
        self.lines(&mut lines);
    }

    fn lines(&mut self, lines: &mut Vec<String>) {
        if !lines.is_empty() {
            self.list.push(Paragraph { text: lines.join("\n"), heading: false });
            lines.clear();
        }
    }

    /// Returns the text, and where its headings stand.
    pub(super) fn finish(self) -> (String, Vec<Range<usize>>) {
        let mut text = String::new();
        let mut headings = Vec::new();
        for paragraph in self.list {
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            let start = text.len();
            text.push_str(&paragraph.text);
            if paragraph.heading {
                headings.push(start..text.len());
            }
        }
        (text, headings)
    }

    /// Adds the first lines of a header or a footer to those of its kind, each wording once.
    pub(super) fn around(self, path: &str, blocks: &mut Vec<Block>) {
        let (text, _) = self.finish();
        let lines = text.split('\n').map(str::trim).filter(|line| !line.is_empty());
        for line in lines.take(limits::AROUND_MAX_LINES) {
            if !blocks.iter().any(|block| block.text == line) {
                blocks.push(Block { path: path.to_owned(), text: line.to_owned() });
            }
        }
    }
}

/// What stands in a file beside its text, counted.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// Tracked deletions, and moves from here.
    pub(super) deleted: usize,
    /// Pieces of hidden text.
    pub(super) hidden: usize,
    /// Comments.
    pub(super) comments: usize,
}

impl LeftOut {
    /// Returns the warning, where there is something to warn of.
    pub(super) fn warning(&self) -> Option<Warning> {
        let LeftOut { deleted, hidden, comments } = *self;
        (deleted + hidden + comments > 0).then_some(Warning::LeftOut { deleted, hidden, comments })
    }
}

/// Keeps a declared value, within [`limits::DECLARED_MAX`] of [`limits::DECLARED_MAX_CHARS`].
pub(super) fn declare(out: &mut Vec<Declared>, key: Key, source: &str, path: &str, value: &str) {
    let value = value.trim();
    let fits = value.chars().nth(limits::DECLARED_MAX_CHARS).is_none();
    if !value.is_empty() && fits && out.len() < limits::DECLARED_MAX {
        out.push(Declared { key, source: source.into(), path: path.into(), value: value.into() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(paragraphs: &[&str]) -> Paragraphs {
        let mut cell = Paragraphs::default();
        paragraphs.iter().for_each(|text| cell.add(text, false));
        cell
    }

    #[test]
    fn paragraphs_are_parted_and_trimmed() {
        let mut out = Paragraphs::default();
        out.add(" \t un \n\tdeux\u{a0}\n", true);
        out.add("  \n ", true);
        out.add("trois\n\n \nquatre", false);
        let (text, headings) = out.finish();
        assert_eq!(text, "un\n\tdeux\n\ntrois\n\nquatre");
        assert_eq!(headings.into_iter().map(|range| &text[range]).collect::<Vec<_>>(), ["un\n\tdeux"]);
    }

    #[test]
    fn tables_of_values_and_tables_that_lay_out() {
        let mut out = Paragraphs::default();
        out.table(vec![
            vec![cell(&[]), cell(&["2025\n(kg)"]), cell(&[])],
            vec![cell(&["thon"]), cell(&["12"]), cell(&[])],
            vec![cell(&[]), cell(&[])],
            vec![cell(&["Un."]), cell(&["Deux.", "Trois."])],
            vec![cell(&["sole"]), cell(&["3"])],
        ]);
        assert_eq!(out.finish().0, "\t2025 (kg)\nthon\t12\n\nUn.\n\nDeux.\n\nTrois.\n\nsole\t3");
    }

    #[test]
    fn declared_values_are_bounded() {
        let mut out = Vec::new();
        for length in [limits::DECLARED_MAX_CHARS, limits::DECLARED_MAX_CHARS + 1] {
            declare(&mut out, Key::Title, "opf", "title", &"é".repeat(length));
        }
        declare(&mut out, Key::Title, "opf", "title", " ");
        assert_eq!(out.len(), 1);
        (0..limits::DECLARED_MAX).for_each(|_| declare(&mut out, Key::Title, "opf", "title", "x"));
        assert_eq!(out.len(), limits::DECLARED_MAX);
    }
}
