//! Glyphs with places → pieces of lines: words without a wide gap between them.
//!
//! Figures that are set raised behind figures, as notes and powers are (`2026¹`, `10³`), become raised figures: else they
//! would make another number.

use std::collections::{BTreeMap, BTreeSet};

use super::direction::{Brackets, figure, is_rtl, reading_order};
use super::forms::plain;
use super::glyphs::Glyph;
use crate::article::reflow::is_mark;

/// A gap between glyphs, in font sizes, that is a space.
const SPACE: f64 = 0.17;
/// Gaps that part two pieces of a line: between glyphs that were not drawn one after the other, between others, and between
/// others with a drawn space between them, which justified lines make wide.
const PIECE_APART: f64 = 0.8;
const PIECE: f64 = 1.8;
const PIECE_OVER_SPACE: f64 = 3.0;
/// Distance from a baseline, in font sizes, of glyphs that still stand on it.
const LEVEL: f64 = 0.32;

/// A piece of a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub text: String,
    pub left: f64,
    pub right: f64,
    pub y: f64,
    pub size: f64,
    /// Which column or band of its page it stands in.
    pub block: usize,
    /// Whether the file calls all of it a running title or the like.
    pub artifact: bool,
    /// Whether it runs another way than most of its page, so that its place says nothing.
    pub turned: bool,
}

/// Makes pieces of one page's glyphs, which are in the order that they were drawn in. `rtl` tells whether the page runs
/// from right to left. Costs n log n.
pub(super) fn lines(glyphs: Vec<Glyph>, rtl: bool) -> Vec<Line> {
    let mut glyphs = once(with_marks(glyphs));
    lower_initials(&mut glyphs);
    let drawn = glyphs.into_iter().enumerate().collect();
    let rows = baselines(drawn);
    let read = |brackets: Brackets| -> Vec<Line> {
        rows.iter().flat_map(|row| pieces(row, rtl, brackets)).collect()
    };
    let lines = read(Brackets::AsShown);
    // Some programs say of a bracket what it looks like, and some what it means.
    let wrong = |lines: &[Line]| lines.iter().map(|line| misplaced(&line.text)).sum::<i64>();
    if !lines.iter().any(|line| line.text.chars().any(is_rtl)) || wrong(&lines) <= 0 {
        return lines;
    }
    let meant = read(Brackets::AsMeant);
    if wrong(&meant) < wrong(&lines) { meant } else { lines }
}

/// Counts pairs of brackets and guillemets that close before they open; those that do not, as less than nothing.
fn misplaced(text: &str) -> i64 {
    let (mut wrong, mut open) = (0, None);
    for c in text.chars() {
        match c {
            '(' | '[' | '«' => match open.take() {
                Some(false) => wrong += 1,
                _ => open = Some(true),
            },
            ')' | ']' | '»' => match open.take() {
                Some(true) => wrong -= 1,
                _ => open = Some(false),
            },
            _ => {}
        }
    }
    wrong
}

fn is_blank(glyph: &Glyph) -> bool {
    glyph.text.chars().all(char::is_whitespace)
}

/// Gives marks that stand over or under a letter to it. The letter is the one drawn right before or after.
fn with_marks(glyphs: Vec<Glyph>) -> Vec<Glyph> {
    let mark = |glyph: &Glyph| !glyph.text.is_empty() && glyph.text.chars().all(is_mark);
    let over = |base: &Glyph, glyph: &Glyph| {
        let middle = f64::midpoint(glyph.left, glyph.right);
        let slack = 0.1 * base.size;
        !is_blank(base)
            && base.left - slack <= middle
            && middle <= base.right + slack
            && (base.y - glyph.y).abs() < base.size
    };
    let far = |base: &Glyph, glyph: &Glyph| {
        (f64::midpoint(base.left, base.right) - f64::midpoint(glyph.left, glyph.right)).abs()
    };
    let mut out: Vec<Glyph> = Vec::with_capacity(glyphs.len());
    // Marks drawn before their letter.
    let mut ahead: Vec<Glyph> = Vec::new();
    for mut glyph in glyphs {
        let narrow = glyph.right - glyph.left < 0.05 * glyph.size;
        // A cluster that is said twice: once for its letter, once for the sign above it.
        if narrow
            && glyph.text.chars().nth(1).is_some()
            && out.last().is_some_and(|last| last.text == glyph.text)
        {
            continue;
        }
        // What has a width of its own is a letter's equal: the vowel signs of India that stand beside.
        if mark(&glyph) && narrow {
            ahead.push(glyph);
            continue;
        }
        for waiting in ahead.drain(..) {
            let before = out.last().filter(|last| over(last, &waiting)).map(|last| far(last, &waiting));
            let after = over(&glyph, &waiting).then(|| far(&glyph, &waiting));
            match (before, after, out.last_mut()) {
                (Some(before), after, Some(last)) if after.is_none_or(|after| before <= after) => {
                    last.text.push_str(&waiting.text);
                }
                (_, Some(_), _) => glyph.text.push_str(&waiting.text),
                _ => out.push(waiting),
            }
        }
        out.push(glyph);
    }
    for waiting in ahead {
        match out.last_mut().filter(|last| over(last, &waiting)) {
            Some(last) => last.text.push_str(&waiting.text),
            None => out.push(waiting),
        }
    }
    out
}

/// Drops glyphs that are drawn twice at the same place, as some programs do for bold letters and shadows.
fn once(mut glyphs: Vec<Glyph>) -> Vec<Glyph> {
    let mut seen: BTreeMap<(String, i64), BTreeSet<(i64, i64)>> = BTreeMap::new();
    glyphs.retain(|glyph| {
        if is_blank(glyph) {
            return true;
        }
        let cell = 0.06 * glyph.size;
        let (x, y) = ((glyph.left / cell).round() as i64, (glyph.y / cell).round() as i64);
        let places = seen.entry((glyph.text.clone(), (glyph.size * 20.0).round() as i64)).or_default();
        let twice = (x - 2..=x + 2).any(|x| places.range((x, y - 2)..=(x, y + 2)).next().is_some());
        places.insert((x, y));
        !twice
    });
    glyphs
}

/// Puts a large initial that stands beside several lines on the first of them, in their size.
fn lower_initials(glyphs: &mut [Glyph]) {
    let mut sizes: Vec<f64> = glyphs.iter().map(|glyph| glyph.size).collect();
    sizes.sort_by(f64::total_cmp);
    let Some(usual) = sizes.get(sizes.len() / 2).copied() else { return };
    let large: Vec<usize> =
        (0..glyphs.len()).filter(|at| glyphs[*at].size > 1.8 * usual && !is_blank(&glyphs[*at])).collect();
    // An initial stands alone, or with the quotation mark before it; a title has many.
    for (nth, at) in large.iter().enumerate().take(50) {
        let glyph = &glyphs[*at];
        let near = |other: &usize| {
            let other = &glyphs[*other];
            (other.y - glyph.y).abs() < 0.5 * glyph.size
                && (other.left - glyph.right).abs() < 2.0 * glyph.size
        };
        let neighbours = large[nth.saturating_sub(2)..(nth + 3).min(large.len())].iter();
        let beside_others = neighbours.filter(|other| *other != at).any(near);
        if beside_others || !glyph.text.chars().any(char::is_alphabetic) {
            continue;
        }
        let beside = |other: &Glyph| {
            let gap = if glyph.text.chars().any(is_rtl) {
                glyph.left - other.right
            } else {
                other.left - glyph.right
            };
            other.size < 1.3 * usual
                && (-0.1 * usual..1.2 * usual).contains(&gap)
                && other.y > glyph.y - 0.85 * glyph.size
                && other.y < glyph.y + 0.3 * usual
        };
        let rows: BTreeSet<i64> =
            glyphs.iter().filter(|other| beside(other)).map(|other| (other.y * 4.0).round() as i64).collect();
        if let Some(first) = rows.first().filter(|_| rows.len() >= 2) {
            let y = *first as f64 / 4.0;
            let nearest = glyphs
                .iter()
                .filter(|other| beside(other) && (other.y - y).abs() < 0.5)
                .map(|other| if other.left >= glyph.right { other.left } else { glyph.right })
                .fold(f64::MAX, f64::min);
            let glyph = &mut glyphs[*at];
            (glyph.y, glyph.size) = (y, usual);
            if nearest < f64::MAX {
                glyph.right = nearest;
            }
        }
    }
}

/// A glyph with its place in the order of drawing.
type Drawn = (usize, Glyph);

/// Groups glyphs that stand on one baseline, from left to right; small ones set higher or lower belong to the line they
/// touch.
fn baselines(mut glyphs: Vec<Drawn>) -> Vec<Vec<Drawn>> {
    glyphs.sort_by(|(_, one), (_, other)| one.y.total_cmp(&other.y));
    let mut rows: Vec<(f64, f64, Vec<Drawn>)> = Vec::new();
    for (at, glyph) in glyphs {
        match rows.last_mut() {
            Some((y, size, row)) if (glyph.y - *y).abs() <= LEVEL * size.min(glyph.size) => {
                // Only a clearly larger glyph: rounding must not carry the baseline on to the next line.
                if glyph.size > 1.05 * *size {
                    (*y, *size) = (glyph.y, glyph.size);
                }
                row.push((at, glyph));
            }
            _ => rows.push((glyph.y, glyph.size, vec![(at, glyph)])),
        }
    }
    let mut out: Vec<(f64, f64, Vec<Drawn>)> = Vec::with_capacity(rows.len());
    // Raised glyphs make a row of their own above their line, lowered ones below it.
    for (y, size, mut row) in rows {
        if let Some((above, small, raised)) = out.last_mut() {
            let close = (y - *above).abs();
            if *small < 0.85 * size && close < 0.62 * size && touches(raised, &row) {
                row.append(raised);
                out.pop();
            } else if size < 0.85 * *small && close < 0.62 * *small && touches(&row, raised) {
                raised.append(&mut row);
                continue;
            }
        }
        out.push((y, size, row));
    }
    let sorted = |mut row: Vec<Drawn>| {
        row.sort_by(|(_, one), (_, other)| one.left.total_cmp(&other.left));
        row
    };
    out.into_iter().map(|(.., row)| sorted(row)).collect()
}

/// True when each of the small glyphs stands right behind another glyph.
fn touches(small: &[Drawn], row: &[Drawn]) -> bool {
    let mut ends: Vec<f64> = row.iter().chain(small).map(|(_, glyph)| glyph.right).collect();
    ends.sort_by(f64::total_cmp);
    small.iter().filter(|(_, glyph)| !is_blank(glyph)).all(|(_, glyph)| {
        let slack = 0.45 * glyph.size;
        let from = ends.partition_point(|end| *end < glyph.left - slack);
        ends.get(from).is_some_and(|end| *end <= glyph.left + slack)
    })
}

/// Cuts a row into pieces at wide gaps, and makes words of each.
fn pieces(row: &[Drawn], rtl: bool, brackets: Brackets) -> Vec<Line> {
    let mut out = Vec::new();
    let mut piece: Vec<(&Glyph, bool)> = Vec::new();
    let (mut right, mut blank, mut last_at) = (f64::MIN, false, 0);
    for (at, glyph) in row {
        if is_blank(glyph) {
            blank = blank || !glyph.text.is_empty();
            continue;
        }
        let size = piece.last().map_or(glyph.size, |(last, _)| last.size.max(glyph.size));
        let wide = match at.abs_diff(last_at) {
            3.. => PIECE_APART,
            _ if blank => PIECE_OVER_SPACE,
            _ => PIECE,
        };
        if !piece.is_empty() && glyph.left - right > wide * size {
            out.extend(line(&piece, rtl, brackets));
            piece.clear();
            right = f64::MIN;
        }
        piece.push((glyph, blank && !piece.is_empty()));
        (blank, last_at) = (false, *at);
        right = right.max(glyph.right);
    }
    out.extend(line(&piece, rtl, brackets));
    out
}

/// True for scripts that part words by no space.
fn is_wide(text: &str) -> bool {
    text.chars()
        .any(|c| matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{ff00}'..='\u{ffef}'))
        && !text.chars().any(|c| ('\u{ac00}'..='\u{d7af}').contains(&c))
}

/// Makes a line of glyphs from left to right, each with whether a space is drawn before it.
fn line(piece: &[(&Glyph, bool)], rtl: bool, brackets: Brackets) -> Option<Line> {
    let widest = piece.iter().map(|(glyph, _)| glyph).max_by(|one, other| one.size.total_cmp(&other.size))?;
    let space = space(piece);
    let mut words: Vec<String> = Vec::with_capacity(piece.len() + 8);
    let (mut previous, mut right): (Option<&Glyph>, f64) = (None, f64::MIN);
    for (glyph, blank) in piece {
        let mut text = plain(&glyph.text);
        if let Some(last) = previous {
            let gap = glyph.left - right;
            let size = last.size.min(glyph.size);
            let both_wide = is_wide(&last.text) && is_wide(&glyph.text);
            let drawn = *blank && gap > 0.03 * size && !both_wide;
            if drawn || gap > if both_wide { 0.6 } else { space } * size {
                words.push(" ".to_owned());
            } else if glyph.size < 0.85 * last.size && last.text.chars().all(|c| figure(c).is_some()) {
                let above = widest.y - glyph.y;
                if above.abs() > 0.12 * widest.size {
                    text = set_off(&text, above > 0.0);
                }
            }
        }
        right = right.max(glyph.right);
        words.push(text);
        previous = Some(glyph);
    }
    let text = reading_order(words, rtl, brackets).concat();
    let text = text.trim();
    (!text.is_empty()).then(|| Line {
        text: text.to_owned(),
        left: piece.iter().map(|(glyph, _)| glyph.left).fold(f64::MAX, f64::min),
        right,
        y: widest.y,
        size: widest.size,
        block: 0,
        artifact: piece.iter().all(|(glyph, _)| glyph.artifact),
        turned: false,
    })
}

/// Returns the gap, in font sizes, that is a space in this piece: more where its letters are spaced out, or where the
/// spaces are drawn.
fn space(piece: &[(&Glyph, bool)]) -> f64 {
    let mut gaps: Vec<f64> = piece
        .windows(2)
        .filter(|pair| !pair[1].1)
        .map(|pair| (pair[1].0.left - pair[0].0.right) / pair[0].0.size.min(pair[1].0.size).max(0.1))
        .collect();
    gaps.sort_by(f64::total_cmp);
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(0.0);
    let drawn = piece.iter().any(|(_, blank)| *blank);
    usual.clamp(0.0, 0.5) + if drawn { 0.25 } else { SPACE }
}

/// Raised or lowered forms of figures; other text stays.
fn set_off(text: &str, raised: bool) -> String {
    let forms = if raised { "⁰¹²³⁴⁵⁶⁷⁸⁹" } else { "₀₁₂₃₄₅₆₇₈₉" };
    text.chars()
        .map(|c| c.to_digit(10).and_then(|value| forms.chars().nth(value as usize)).unwrap_or(c))
        .collect()
}
