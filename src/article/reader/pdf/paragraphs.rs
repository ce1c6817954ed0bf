//! Lines in reading order → paragraphs, and the headline among them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::columns::same_row;
use super::direction::is_rtl;
use super::rows::Line;
use crate::article::reflow::is_mark;

/// Letters that a headline has.
const HEADLINE_MIN_LETTERS: usize = 6;

/// A text with the place of the headline: the largest lines of the first page.
pub(super) struct Text {
    pub text: String,
    pub heading: Option<Range<usize>>,
}

/// How a line stands to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    Beside,
    Next,
    Paragraph,
}

/// A block's measures.
#[derive(Debug, Clone, Copy)]
struct Block {
    left: f64,
    right: f64,
    /// The usual distance between its lines, in font sizes.
    leading: f64,
}

/// Joins lines to paragraphs. Costs n log n.
pub(super) fn text(pages: &[Vec<Line>]) -> Text {
    let mut out = String::new();
    let mut heading: Option<(f64, Range<usize>)> = None;
    let mut sizes: Vec<f64> = pages.iter().flatten().map(|line| line.size).collect();
    sizes.sort_by(f64::total_cmp);
    let usual = sizes.get(sizes.len() / 2).copied().unwrap_or(0.0);
    let mut before: Option<(&Line, Block)> = None;
    for (number, page) in pages.iter().enumerate() {
        let blocks = blocks(page);
        for (at, line) in page.iter().enumerate() {
            let Some(block) = blocks.get(&line.block).copied() else { continue };
            let join = match before {
                None => Join::Paragraph,
                Some((last, _)) if at > 0 && last.block == line.block => follows(last, line, block),
                Some((last, above)) => goes_on(last, above, line, block, usual),
            };
            if before.is_some() {
                out.push_str(match join {
                    Join::Beside => "\t",
                    Join::Next => "\n",
                    Join::Paragraph => "\n\n",
                });
            }
            let start = out.len();
            out.push_str(&line.text);
            before = Some((line, block));
            let letters = line.text.chars().filter(|c| c.is_alphabetic()).count();
            let large =
                line.size > 1.25 * usual && (letters >= HEADLINE_MIN_LETTERS || join != Join::Paragraph);
            if number > 0 || !large || line.turned {
                continue;
            }
            match &mut heading {
                Some((size, range)) if join != Join::Paragraph && range.end + 1 == start => {
                    (*size, range.end) = (size.max(line.size), out.len());
                }
                Some((size, _)) if *size + 0.1 >= line.size => {}
                _ => heading = Some((line.size, start..out.len())),
            }
        }
    }
    Text { text: out, heading: heading.map(|(_, range)| range) }
}

fn blocks(page: &[Line]) -> BTreeMap<usize, Block> {
    let mut blocks: BTreeMap<usize, (Block, Vec<f64>)> = BTreeMap::new();
    let mut before: Option<&Line> = None;
    for line in page {
        let empty = Block { left: line.left, right: line.right, leading: 1.2 };
        let (block, gaps) = blocks.entry(line.block).or_insert((empty, Vec::new()));
        (block.left, block.right) = (block.left.min(line.left), block.right.max(line.right));
        if let Some(before) = before.filter(|before| before.block == line.block) {
            let gap = (line.y - before.y) / line.size.max(0.1);
            if (0.5..4.0).contains(&gap) {
                gaps.push(gap);
            }
        }
        before = Some(line);
    }
    let with_leading = |(number, (block, mut gaps)): (usize, (Block, Vec<f64>))| {
        gaps.sort_by(f64::total_cmp);
        // Most gaps are between lines, the wider ones between paragraphs.
        let leading = gaps.get(gaps.len().saturating_sub(1) / 3).copied().unwrap_or(block.leading);
        (number, Block { leading, ..block })
    };
    blocks.into_iter().map(with_leading).collect()
}

/// How far a line begins behind its block's edge, and how far it ends before it.
fn margins(line: &Line, block: Block) -> (f64, f64) {
    let (left, right) = (line.left - block.left, block.right - line.right);
    if line.text.chars().any(is_rtl) { (right, left) } else { (left, right) }
}

/// True where a sentence, a title or a quotation may end.
fn ends(line: &Line) -> bool {
    line.text
        .ends_with(['.', '!', '?', '…', '»', '”', '“', '"', '。', '！', '？', '”', '।', '؟', '۔', ':', '：'])
}

/// How a line stands to the line before it in its block.
fn follows(before: &Line, line: &Line, block: Block) -> Join {
    if same_row(before, line) {
        return Join::Beside;
    }
    let size = line.size.max(0.1);
    let gap = (line.y - before.y) / size;
    if gap > block.leading * 1.3 + 0.1 || (before.size - line.size).abs() > 0.12 * size {
        return Join::Paragraph;
    }
    let width = (block.right - block.left).max(1.0);
    let ((indent, _), (indent_before, short)) = (margins(line, block), margins(before, block));
    let indented = indent > 0.8 * size && indent < 0.3 * width;
    let begins = indented && (short > 0.1 * width || (ends(before) && indent_before < 0.4 * size));
    let over = short > 0.25 * width && ends(before);
    if begins || over { Join::Paragraph } else { Join::Next }
}

/// How the first line of a column or page stands to the last one of the column or page before it: it may go on with its
/// sentence.
fn goes_on(before: &Line, above: Block, line: &Line, block: Block, usual: f64) -> Join {
    let body = |line: &Line| (line.size - usual).abs() < 0.15 * usual && !line.turned;
    let open = before.text.chars().next_back().is_some_and(|c| {
        c.is_alphanumeric() || is_mark(c) || matches!(c, ',' | '-' | '\u{ad}' | '–' | '،' | '，')
    });
    let width = (above.right - above.left).max(1.0);
    let ((indent, _), (_, short)) = (margins(line, block), margins(before, above));
    let first = line.text.chars().next();
    let lower = first.is_some_and(char::is_lowercase);
    // A line that fills its column goes on even with a capital letter or a figure.
    let full = short < if first.is_some_and(char::is_uppercase) { 0.02 } else { 0.12 } * width;
    let indented = indent > 0.8 * line.size && indent < 0.3 * (block.right - block.left);
    if open && body(before) && body(line) && (lower || (full && !indented)) {
        Join::Next
    } else {
        Join::Paragraph
    }
}
