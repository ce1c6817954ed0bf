//! Running titles and page numbers are not of the text: `River Daily No 118 … 3`.
//!
//! A line is one where it stands at a page's edge, apart from the text, and either the file calls it so or a like line
//! stands at the same height on other pages. Like means equal but for figures that count the pages. A document of one page
//! keeps all of its lines.

use std::collections::{BTreeMap, BTreeSet};

use super::direction::figure;
use super::rows::Line;

/// Rows at the top, and at the bottom, that may be running titles.
const ROWS: usize = 3;
/// Characters of one.
const CHARS: usize = 160;

/// A page's number and a line's on it.
type Place = (usize, usize);

/// Takes running titles and page numbers out; returns how many lines they were.
pub(super) fn take_out(pages: &mut [Vec<Line>]) -> usize {
    if pages.len() < 2 {
        return 0;
    }
    // By the words and the height of their place, in steps of four points.
    let mut alike: BTreeMap<(String, i64), Vec<Place>> = BTreeMap::new();
    let mut drop: BTreeSet<Place> = BTreeSet::new();
    for (number, page) in pages.iter().enumerate() {
        for at in outer(page) {
            let line = &page[at];
            if line.artifact {
                drop.insert((number, at));
            } else if line.text.chars().count() <= CHARS {
                let height = (line.y / 4.0).round() as i64;
                alike.entry((template(&line.text), height)).or_default().push((number, at));
            }
        }
    }
    let needed = (pages.len() / 3).max(2);
    for places in alike.values() {
        let on: BTreeSet<usize> = places.iter().map(|(page, _)| *page).collect();
        if on.len() >= needed && counts_pages(pages, places) {
            drop.extend(places);
        }
    }
    for (number, page) in pages.iter_mut().enumerate() {
        let mut at = 0;
        page.retain(|_| {
            at += 1;
            !drop.contains(&(number, at - 1))
        });
    }
    drop.len()
}

/// Returns the lines at the page's edges that white parts from the text.
fn outer(page: &[Line]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..page.len()).filter(|at| !page[*at].turned).collect();
    order.sort_by(|one, other| page[*one].y.total_cmp(&page[*other].y));
    let mut rows: Vec<Vec<usize>> = Vec::new();
    for at in order {
        match rows.last_mut() {
            Some(row) if (page[row[0]].y - page[at].y).abs() <= 3.0 => row.push(at),
            _ => rows.push(vec![at]),
        }
    }
    let gap = |above: &[usize], below: &[usize]| page[below[0]].y - page[above[0]].y;
    let mut gaps: Vec<f64> = rows.windows(2).map(|pair| gap(&pair[0], &pair[1])).collect();
    gaps.sort_by(f64::total_cmp);
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(0.0);
    let apart = |pair: &[Vec<usize>]| gap(&pair[0], &pair[1]) > 1.4 * usual;
    let top = rows.windows(2).take(ROWS).rposition(apart).map_or(0, |last| last + 1);
    let bottom = rows.windows(2).rev().take(ROWS).rposition(apart).map_or(0, |last| last + 1);
    // A page of nothing but such lines, or of few rows, is all edge.
    if rows.len() <= 2 {
        return rows.concat();
    }
    let mut out: Vec<usize> = rows[..top].concat();
    out.extend(rows[rows.len() - bottom.min(rows.len() - top)..].concat());
    out
}

/// The words, with `#` for each figure.
fn template(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match figure(c) {
            None => out.push(c),
            Some(_) if out.ends_with('#') => {}
            Some(_) => out.push('#'),
        }
    }
    out
}

fn figures(text: &str) -> Vec<i64> {
    let mut out = Vec::new();
    let mut open = false;
    for c in text.chars() {
        match figure(c) {
            Some(value) if open => {
                if let Some(last) = out.last_mut() {
                    *last = i64::saturating_add(i64::saturating_mul(*last, 10), i64::from(value));
                }
            }
            Some(value) => out.push(i64::from(value)),
            None => {}
        }
        open = figure(c).is_some();
    }
    out
}

/// True when each figure of like lines is either the same on all pages or grows with the page.
fn counts_pages(pages: &[Vec<Line>], places: &[Place]) -> bool {
    let lines: Vec<(i64, Vec<i64>)> =
        places.iter().map(|(page, at)| (*page as i64, figures(&pages[*page][*at].text))).collect();
    let Some((first_page, first)) = lines.first() else { return false };
    (0..first.len()).all(|nth| {
        let value = |figures: &[i64]| figures.get(nth).copied().unwrap_or_default();
        let same = lines.iter().all(|(_, figures)| value(figures) == value(first));
        let counting = lines
            .iter()
            .all(|(page, figures)| value(figures).saturating_sub(value(first)) == page - first_page);
        same || counting
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(lines: &[(f64, &str)]) -> Vec<Line> {
        let line = |(y, text): &(f64, &str)| Line {
            text: (*text).to_owned(),
            left: 50.0,
            right: 300.0,
            y: *y,
            size: 10.0,
            block: 0,
            artifact: false,
            turned: false,
        };
        lines.iter().map(line).collect()
    }

    fn document(head: &dyn Fn(usize) -> String, count: usize) -> Vec<Vec<Line>> {
        let body: Vec<String> = (0..20).map(|row| format!("row {row}")).collect();
        (0..count)
            .map(|number| {
                let head = head(number);
                let mut lines = vec![(30.0, head.as_str())];
                lines.extend(
                    body.iter().enumerate().map(|(row, text)| (80.0 + 12.0 * row as f64, text.as_str())),
                );
                page(&lines)
            })
            .collect()
    }

    #[test]
    fn what_repeats_apart_from_the_text_is_taken_out() {
        let mut pages = document(&|number| format!("River Daily 118 – {}", number + 4), 3);
        assert_eq!(take_out(&mut pages), 3);
        assert!(pages.iter().all(|page| page.len() == 20), "the text repeats too, and stays");
    }

    #[test]
    fn what_is_the_only_page_or_says_something_new_stays() {
        let mut pages = document(&|_| "River Daily".into(), 1);
        assert_eq!(take_out(&mut pages), 0);
        // Figures that do not count pages say something.
        let mut pages = document(&|number| format!("Votes: {}", [250, 17, 9][number]), 3);
        assert_eq!(take_out(&mut pages), 0);
    }
}
