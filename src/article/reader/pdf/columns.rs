//! Pieces of lines → reading order: columns one after the other, with what stands across them in between.

use std::ops::Range;

use super::rows::Line;

/// Width of the white between two columns, in font sizes.
const GUTTER: f64 = 0.6;
/// Cuts inside of cuts. A newspaper's page has six columns: three.
const DEPTH_MAX: usize = 8;

/// Puts the pieces of a page in reading order and numbers their blocks, from `block` on. `rtl` tells whether columns follow
/// each other from right to left. Costs n log n.
pub(super) fn order(pieces: Vec<Line>, rtl: bool, block: usize) -> Vec<Line> {
    let mut order = Order { rtl, block, out: Vec::with_capacity(pieces.len()) };
    order.cut(pieces, 0);
    order.out
}

struct Order {
    rtl: bool,
    block: usize,
    out: Vec<Line>,
}

impl Order {
    /// Cuts at the best gutter, or writes one block out.
    fn cut(&mut self, mut pieces: Vec<Line>, depth: usize) {
        pieces.sort_by(|one, other| one.y.total_cmp(&other.y));
        let gutter = if depth < DEPTH_MAX { gutter(&pieces) } else { None };
        let Some(gutter) = gutter else { return self.write(pieces) };
        let (mut left, mut right, mut across): (Vec<Line>, Vec<Line>, Vec<Line>) = Default::default();
        let usual = median_size(&pieces);
        for line in pieces {
            // The last line of a headline may be short.
            let goes_on = across.last().is_some_and(|last| {
                last.size > 1.15 * usual
                    && (last.size - line.size).abs() < 0.05 * last.size
                    && line.y - last.y < 1.8 * last.size
            });
            let side = if goes_on {
                &mut across
            } else if line.right <= gutter.end && line.left < gutter.start {
                &mut left
            } else if line.left >= gutter.start {
                &mut right
            } else {
                self.columns(&mut left, &mut right, depth);
                across.push(line);
                continue;
            };
            side.push(line);
            if !goes_on && !across.is_empty() {
                let across = std::mem::take(&mut across);
                self.write(across);
            }
        }
        self.columns(&mut left, &mut right, depth);
        self.write(across);
    }

    fn columns(&mut self, left: &mut Vec<Line>, right: &mut Vec<Line>, depth: usize) {
        let (first, second) = if self.rtl { (right, left) } else { (left, right) };
        for column in [first, second] {
            if !column.is_empty() {
                self.cut(std::mem::take(column), depth + 1);
            }
        }
    }

    /// Writes one block: rows from top to bottom, the pieces of a row in the direction of the script.
    fn write(&mut self, pieces: Vec<Line>) {
        if pieces.is_empty() {
            return;
        }
        let mut row: Vec<Line> = Vec::new();
        for line in pieces {
            if row.first().is_some_and(|first| !same_row(first, &line)) {
                self.write_row(&mut row);
            }
            row.push(line);
        }
        self.write_row(&mut row);
        self.block += 1;
    }

    fn write_row(&mut self, row: &mut Vec<Line>) {
        row.sort_by(|one, other| one.left.total_cmp(&other.left));
        if self.rtl {
            row.reverse();
        }
        let block = self.block;
        self.out.extend(row.drain(..).map(|line| Line { block, ..line }));
    }
}

fn median_size(pieces: &[Line]) -> f64 {
    let mut sizes: Vec<f64> = pieces.iter().map(|line| line.size).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or(0.0)
}

/// True for pieces that stand beside each other.
pub(super) fn same_row(one: &Line, other: &Line) -> bool {
    (one.y - other.y).abs() <= 0.32 * one.size.min(other.size)
}

/// Finds a white strip with lines on both sides that few lines cross.
fn gutter(pieces: &[Line]) -> Option<Range<f64>> {
    if pieces.len() < 5 {
        return None;
    }
    let left = pieces.iter().map(|line| line.left).fold(f64::MAX, f64::min);
    let right = pieces.iter().map(|line| line.right).fold(f64::MIN, f64::max);
    let size = median_size(pieces);
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
    // Three lines, or two long ones: a short note in two columns has no more.
    let longer = |lines: &[&Line], chars: usize| {
        lines.iter().filter(|line| line.text.chars().count() >= chars).count()
    };
    let prose = |lines: &[&Line]| longer(lines, 12) >= 3 || longer(lines, 30) >= 2;
    // The two sides stand beside each other, not below each other.
    let span = |lines: &[&Line]| {
        let top = lines.iter().map(|line| line.y).fold(f64::MAX, f64::min);
        (top, lines.iter().map(|line| line.y).fold(f64::MIN, f64::max))
    };
    let ((top, bottom), (top2, bottom2)) = (span(&lefts), span(&rights));
    let beside = bottom.min(bottom2) - top.max(top2) > 0.3 * (bottom - top).min(bottom2 - top2).max(size);
    (prose(&lefts) && prose(&rights) && beside).then_some(gutter)
}
