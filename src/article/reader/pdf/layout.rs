//! Glyphs with places → lines, columns, paragraphs.

use std::collections::BTreeMap;
use std::ops::Range;

use super::direction;
use super::glyphs::Glyph;

/// A gap between glyphs, in font sizes, that is a space, and one that parts two pieces of a line.
const SPACE: f64 = 0.17;
const PIECE: f64 = 1.35;
/// Width of the white between two columns, in font sizes.
const GUTTER: f64 = 0.6;

/// A piece of a line: words without a wide gap.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub text: String,
    pub left: f64,
    pub right: f64,
    pub y: f64,
    pub size: f64,
    /// Which column or band of its page it stands in.
    pub block: usize,
    /// Height of its page's used area, for what stands at its edges.
    pub edge: bool,
}

/// Makes the lines of one page, in reading order.
pub(super) fn lines(glyphs: Vec<Glyph>) -> Vec<Line> {
    let glyphs = once(glyphs);
    let mut pieces: Vec<Line> = baselines(glyphs).into_iter().flat_map(pieces).collect();
    let (top, bottom) =
        pieces.iter().fold((f64::MAX, f64::MIN), |(top, bottom), line| (top.min(line.y), bottom.max(line.y)));
    for line in &mut pieces {
        line.edge = line.y - top < 0.08 * (bottom - top) || bottom - line.y < 0.08 * (bottom - top);
    }
    let mut out = Vec::with_capacity(pieces.len());
    let mut block = 0;
    order(pieces, &mut out, &mut block, 0);
    out
}

/// Drops glyphs that are drawn twice at the same place, as some programs do for bold letters.
fn once(mut glyphs: Vec<Glyph>) -> Vec<Glyph> {
    let mut seen: BTreeMap<(i64, i64), Vec<usize>> = BTreeMap::new();
    let mut keep = vec![true; glyphs.len()];
    for (at, glyph) in glyphs.iter().enumerate() {
        let cell = |value: f64| (value / 2.0).round() as i64;
        let (x, y) = (cell(glyph.left), cell(glyph.y));
        let near = (x - 1..=x + 1).flat_map(|x| (y - 1..=y + 1).map(move |y| (x, y)));
        let twice = near.filter_map(|cell| seen.get(&cell)).flatten().any(|other| {
            let other = &glyphs[*other];
            other.text == glyph.text
                && (other.left - glyph.left).abs() < 0.12 * glyph.size
                && (other.y - glyph.y).abs() < 0.12 * glyph.size
        });
        keep[at] = !twice || glyph.text.trim().is_empty();
        seen.entry((x, y)).or_default().push(at);
    }
    let mut keep = keep.into_iter();
    glyphs.retain(|_| keep.next().unwrap_or(true));
    glyphs
}

/// Groups glyphs that stand on one baseline; small ones set higher or lower belong to the line they touch.
fn baselines(glyphs: Vec<Glyph>) -> Vec<Vec<Glyph>> {
    let mut order: Vec<usize> = (0..glyphs.len()).collect();
    order.sort_by(|one, other| glyphs[*one].y.total_cmp(&glyphs[*other].y));
    let mut rows: Vec<(f64, f64, Vec<Glyph>)> = Vec::new();
    for at in order {
        let glyph = &glyphs[at];
        let fits = rows.last().is_some_and(|(y, size, _)| (glyph.y - y).abs() <= 0.32 * size.max(glyph.size));
        match rows.last_mut().filter(|_| fits) {
            Some((y, size, row)) => {
                if glyph.size > *size {
                    (*y, *size) = (glyph.y, glyph.size);
                }
                row.push(glyph.clone());
            }
            None => rows.push((glyph.y, glyph.size, vec![glyph.clone()])),
        }
    }
    rows.into_iter().map(|(.., row)| row).collect()
}

/// Cuts a row into pieces at wide gaps, and makes words of each.
fn pieces(mut row: Vec<Glyph>) -> Vec<Line> {
    attach_marks(&mut row);
    row.sort_by(|one, other| one.left.total_cmp(&other.left));
    let mut out = Vec::new();
    let mut piece: Vec<&Glyph> = Vec::new();
    let mut right = f64::MIN;
    for glyph in &row {
        if glyph.text.trim().is_empty() {
            continue;
        }
        let size = piece.last().map_or(glyph.size, |last| last.size.max(glyph.size));
        if !piece.is_empty() && glyph.left - right > PIECE * size {
            out.push(line(&piece, &row));
            piece.clear();
            right = f64::MIN;
        }
        piece.push(glyph);
        right = right.max(glyph.right);
    }
    if !piece.is_empty() {
        out.push(line(&piece, &row));
    }
    out
}

/// Gives combining marks the place of the letter under them, so that sorting by place keeps them together.
fn attach_marks(row: &mut [Glyph]) {
    let is_mark =
        |glyph: &Glyph| glyph.text.chars().all(crate::article::reflow::is_mark) && !glyph.text.is_empty();
    for at in 0..row.len() {
        if !is_mark(&row[at]) {
            continue;
        }
        let middle = (row[at].left + row[at].right) / 2.0;
        let near = (at.saturating_sub(3)..(at + 4).min(row.len())).filter(|other| !is_mark(&row[*other]));
        let base = near.min_by(|one, other| {
            let far = |at: usize| ((row[at].left + row[at].right) / 2.0 - middle).abs();
            far(*one).total_cmp(&far(*other))
        });
        if let Some(base) = base {
            let rtl = row[base].text.chars().any(direction::is_rtl);
            let nudge = if rtl { -0.001 } else { 0.001 };
            row[at].left = row[base].left + nudge;
            row[at].right = row[base].left + nudge;
        }
    }
}

fn line(piece: &[&Glyph], row: &[Glyph]) -> Line {
    let spaces: Vec<f64> = row
        .iter()
        .filter(|glyph| glyph.text.trim().is_empty() && !glyph.text.is_empty())
        .map(|glyph| (glyph.left + glyph.right) / 2.0)
        .collect();
    let mut words: Vec<String> = Vec::with_capacity(piece.len() + 8);
    let mut right = f64::MAX;
    let wide = |text: &str| {
        text.chars().any(|c| ('\u{2e80}'..='\u{9fff}').contains(&c) || ('\u{ff00}'..='\u{ffef}').contains(&c))
    };
    let mut previous: Option<&Glyph> = None;
    for glyph in piece {
        if let Some(last) = previous {
            let gap = glyph.left - right;
            let size = last.size.min(glyph.size);
            let both_wide = wide(&last.text) && wide(&glyph.text);
            let drawn = gap > 0.03 * size
                && spaces
                    .iter()
                    .any(|space| right - 0.1 * size <= *space && *space <= glyph.left + 0.1 * size);
            if (drawn && !both_wide) || gap > if both_wide { 0.6 } else { SPACE } * size {
                words.push(" ".to_owned());
            }
            right = right.max(glyph.right);
        } else {
            right = glyph.right;
        }
        words.push(direction::plain(&glyph.text));
        previous = Some(glyph);
    }
    let sizes = piece.iter().map(|glyph| glyph.size);
    let size = sizes.fold(0.0, f64::max);
    let text = direction::reading_order(words).concat();
    Line {
        text: text.trim().to_owned(),
        left: piece.iter().map(|glyph| glyph.left).fold(f64::MAX, f64::min),
        right: piece.iter().map(|glyph| glyph.right).fold(f64::MIN, f64::max),
        y: piece.iter().max_by(|one, other| one.size.total_cmp(&other.size)).map_or(0.0, |glyph| glyph.y),
        size,
        block: 0,
        edge: false,
    }
}

/// Puts pieces in reading order: columns one after the other, with what stands across them in between.
fn order(pieces: Vec<Line>, out: &mut Vec<Line>, block: &mut usize, depth: usize) {
    let gutter = if depth < 8 { gutter(&pieces) } else { None };
    let Some(gutter) = gutter else {
        let mut pieces = pieces;
        pieces.sort_by(|one, other| {
            let same = (one.y - other.y).abs() <= 0.32 * one.size.max(other.size);
            if same { one.left.total_cmp(&other.left) } else { one.y.total_cmp(&other.y) }
        });
        out.extend(pieces.into_iter().map(|line| Line { block: *block, ..line }));
        *block += 1;
        return;
    };
    let rtl =
        pieces.iter().filter(|line| line.text.chars().any(direction::is_rtl)).count() * 2 > pieces.len();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let mut pieces = pieces;
    pieces.sort_by(|one, other| one.y.total_cmp(&other.y));
    let mut flush = |left: &mut Vec<Line>, right: &mut Vec<Line>, out: &mut Vec<Line>| {
        let (first, second) = if rtl { (right, left) } else { (left, right) };
        for column in [first, second] {
            if !column.is_empty() {
                order(std::mem::take(column), out, block, depth + 1);
            }
        }
    };
    let mut across: Vec<Line> = Vec::new();
    for line in pieces {
        if line.right <= gutter.end && line.left < gutter.start {
            if !across.is_empty() {
                flush_across(&mut across, out, &mut flush, &mut left, &mut right);
            }
            left.push(line);
        } else if line.left >= gutter.start {
            if !across.is_empty() {
                flush_across(&mut across, out, &mut flush, &mut left, &mut right);
            }
            right.push(line);
        } else {
            flush(&mut left, &mut right, out);
            across.push(line);
        }
    }
    flush(&mut left, &mut right, out);
    let next = out.last().map_or(0, |line| line.block + 1);
    out.extend(across.into_iter().map(|line| Line { block: next, ..line }));
}

/// Writes out what stands across the columns before the columns below it begin.
fn flush_across(
    across: &mut Vec<Line>,
    out: &mut Vec<Line>,
    flush: &mut impl FnMut(&mut Vec<Line>, &mut Vec<Line>, &mut Vec<Line>),
    left: &mut Vec<Line>,
    right: &mut Vec<Line>,
) {
    flush(left, right, out);
    let next = out.last().map_or(0, |line| line.block + 1_000);
    out.extend(across.drain(..).map(|line| Line { block: next, ..line }));
}

/// Finds a white strip with lines on both sides that few lines cross.
fn gutter(pieces: &[Line]) -> Option<Range<f64>> {
    if pieces.len() < 6 {
        return None;
    }
    let left = pieces.iter().map(|line| line.left).fold(f64::MAX, f64::min);
    let right = pieces.iter().map(|line| line.right).fold(f64::MIN, f64::max);
    let mut sizes: Vec<f64> = pieces.iter().map(|line| line.size).collect();
    sizes.sort_by(f64::total_cmp);
    let size = sizes[sizes.len() / 2];
    let cells = ((right - left).ceil() as usize).clamp(1, 5_000);
    let mut cover = vec![0usize; cells + 1];
    for line in pieces {
        let cell = |x: f64| ((x - left).max(0.0) as usize).min(cells);
        for cell in &mut cover[cell(line.left)..=cell(line.right)] {
            *cell += 1;
        }
    }
    let few = pieces.len() / 6;
    let from = cells * 12 / 100;
    let to = cells * 88 / 100;
    let mut best: Option<Range<usize>> = None;
    let mut start = None;
    for at in from..=to {
        if cover[at] <= few && at < to {
            start.get_or_insert(at);
        } else if let Some(begun) = start.take() {
            let crossed =
                |range: &Range<usize>| range.clone().map(|at| cover[at]).sum::<usize>() / range.len().max(1);
            let found = begun..at;
            let better =
                best.as_ref().is_none_or(|best| (crossed(&found), best.len()) < (crossed(best), found.len()));
            if found.len() as f64 >= GUTTER * size && better {
                best = Some(found);
            }
        }
    }
    let best = best?;
    let gutter = left + best.start as f64..left + best.end as f64;
    let side = |test: &dyn Fn(&Line) -> bool| pieces.iter().filter(|line| test(line)).collect::<Vec<_>>();
    let lefts = side(&|line| line.right <= gutter.end && line.left < gutter.start);
    let rights = side(&|line| line.left >= gutter.start);
    let prose = |lines: &[&Line]| lines.iter().filter(|line| line.text.chars().count() >= 12).count() >= 3;
    // The two sides stand beside each other, not below each other.
    let span = |lines: &[&Line]| {
        let top = lines.iter().map(|line| line.y).fold(f64::MAX, f64::min);
        (top, lines.iter().map(|line| line.y).fold(f64::MIN, f64::max))
    };
    let ((top, bottom), (top2, bottom2)) = (span(&lefts), span(&rights));
    let beside = bottom.min(bottom2) - top.max(top2) > 0.3 * (bottom - top).min(bottom2 - top2).max(size);
    (prose(&lefts) && prose(&rights) && beside).then_some(gutter)
}

/// Takes out lines that stand at the edge of several pages, figures aside: running titles and page numbers.
pub(super) fn without_repeated(pages: Vec<Vec<Line>>) -> (Vec<Vec<Line>>, usize) {
    if pages.len() < 2 {
        return (pages, 0);
    }
    let key = |line: &Line| -> String { line.text.chars().filter(|c| c.is_alphabetic()).collect() };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for page in &pages {
        let mut keys: Vec<String> = page.iter().filter(|line| line.edge).map(key).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            *counts.entry(key).or_default() += 1;
        }
    }
    let needed = (pages.len() / 2).max(2);
    let mut dropped = 0;
    let pages = pages.into_iter().map(|page| {
        let drop = |line: &Line| {
            line.edge
                && line.text.chars().count() <= 120
                && counts.get(&key(line)).is_some_and(|count| *count >= needed)
        };
        let (gone, kept): (Vec<Line>, Vec<Line>) = page.into_iter().partition(drop);
        dropped += gone.len();
        kept
    });
    let pages = pages.collect();
    (pages, dropped)
}

/// A text with the place of its largest line on the first page.
pub(super) struct Text {
    pub text: String,
    pub heading: Option<Range<usize>>,
}

/// Joins lines to paragraphs.
pub(super) fn text(pages: &[Vec<Line>]) -> Text {
    let mut out = String::new();
    let mut heading: Option<(f64, Range<usize>)> = None;
    let mut sizes: Vec<f64> = pages.iter().flatten().map(|line| line.size).collect();
    sizes.sort_by(f64::total_cmp);
    let usual = sizes.get(sizes.len() / 2).copied().unwrap_or(0.0);
    for (number, page) in pages.iter().enumerate() {
        let edges = edges(page);
        let leading = leading(page);
        for (at, line) in page.iter().enumerate() {
            let joined = match at.checked_sub(1).map(|before| &page[before]) {
                None => continues(&out, line, usual),
                Some(before) if before.block != line.block => {
                    continues(&out, line, usual) && (before.size - line.size).abs() < 0.1 * line.size
                }
                Some(before) => {
                    follows(before, line, edges.get(&line.block), leading.get(&line.block).copied())
                }
            };
            let same_row = at > 0
                && page[at - 1].block == line.block
                && (page[at - 1].y - line.y).abs() <= 0.32 * line.size;
            if !out.is_empty() {
                out.push_str(if same_row {
                    "\t"
                } else if joined {
                    "\n"
                } else {
                    "\n\n"
                });
            }
            let start = out.len();
            out.push_str(&line.text);
            if number == 0
                && line.size > 1.25 * usual
                && line.text.chars().filter(|c| c.is_alphabetic()).count() >= 6
            {
                match &mut heading {
                    Some((size, range))
                        if (*size - line.size).abs() < 0.05 * line.size
                            && out[range.end..start].trim().is_empty()
                            && joined =>
                    {
                        range.end = out.len()
                    }
                    Some((size, _)) if *size + 0.1 >= line.size => {}
                    _ => heading = Some((line.size, start..out.len())),
                }
            }
        }
    }
    Text { text: out, heading: heading.map(|(_, range)| range) }
}

/// Left and right end of each block.
fn edges(page: &[Line]) -> BTreeMap<usize, (f64, f64)> {
    let mut edges: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for line in page {
        let (left, right) = edges.entry(line.block).or_insert((line.left, line.right));
        (*left, *right) = (left.min(line.left), right.max(line.right));
    }
    edges
}

/// The usual distance between two lines of each block.
fn leading(page: &[Line]) -> BTreeMap<usize, f64> {
    let mut gaps: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for pair in page.windows(2).filter(|pair| pair[0].block == pair[1].block) {
        let gap = (pair[1].y - pair[0].y) / pair[1].size.max(0.1);
        if gap > 0.5 && gap < 4.0 {
            gaps.entry(pair[1].block).or_default().push(gap);
        }
    }
    gaps.into_iter()
        .map(|(block, mut gaps)| {
            gaps.sort_by(f64::total_cmp);
            (block, gaps[(gaps.len() - 1) / 3])
        })
        .collect()
}

/// True when a line goes on with the paragraph of the line before it in its block.
fn follows(before: &Line, line: &Line, edges: Option<&(f64, f64)>, leading: Option<f64>) -> bool {
    let size = line.size.max(0.1);
    let gap = (line.y - before.y) / size;
    if gap > leading.unwrap_or(1.2) * 1.3 + 0.1 || (before.size - line.size).abs() > 0.12 * size {
        return false;
    }
    let Some((left, right)) = edges else { return true };
    let width = (right - left).max(1.0);
    let rtl = line.text.chars().any(direction::is_rtl);
    let indent = if rtl { right - line.right } else { line.left - left };
    let indent_before = if rtl { right - before.right } else { before.left - left };
    let short = if rtl { before.left - left } else { right - before.right };
    let ends = before.text.ends_with(['.', '!', '?', '…', '»', '”', '"', '。', '؟', '।', ':']);
    let indented = indent > 0.8 * size && indent < 0.3 * width && indent_before < 0.4 * size;
    !(indented && (ends || short > 0.1 * width)) && !(short > 0.25 * width && ends)
}

/// True when a line at the head of a column or page goes on with the sentence that was open.
fn continues(out: &str, line: &Line, usual: f64) -> bool {
    let open = out
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || matches!(c, ',' | '-' | '\u{ad}' | '–' | '،'));
    let goes_on =
        line.text.chars().next().is_some_and(|c| {
            c.is_lowercase() || direction::is_rtl(c) || ('\u{2e80}'..='\u{9fff}').contains(&c)
        });
    open && goes_on && (line.size - usual).abs() < 0.15 * usual
}
