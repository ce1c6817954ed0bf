//! Patterns that cost nothing to have: a program made when dateline was built, and a compiled expression where it pays.
//!
//! To compile the expressions that one document asks for takes longer than all else that is done with it. So each pattern is
//! first run by `machine`, which needs no preparation, and goes back where it fails. What that costs is counted: a pattern
//! that has taken as many steps as its compilation would, in many documents or in one that is made to be slow, is compiled by
//! the `regex` crate and searched by it from there on, in time linear in the text. Both find the same; the tests hold one
//! against the other.

mod machine;
mod op;

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use regex::Regex;

pub(super) use machine::words_at;
use machine::{Program, Stopped};

use super::tables::{GROUPS, LARGE};

/// Steps of the machine, of some nanoseconds each, that one pattern may take before it is compiled: about what that takes.
const STEPS: u32 = 100_000;

/// A regular expression.
#[derive(Debug)]
pub(super) struct Pattern {
    program: Program,
    /// Names of the groups, from the first on.
    groups: &'static [&'static str],
    /// The expression; tokens stand for parts of thousands of names.
    source: &'static str,
    /// Whose it is, for our own fault.
    of: &'static str,
    /// What the machine has taken for it.
    steps: AtomicU32,
    compiled: OnceLock<Regex>,
}

/// Where something was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'t> {
    text: &'t str,
    start: usize,
    end: usize,
}

impl<'t> Found<'t> {
    pub(super) fn start(&self) -> usize {
        self.start
    }

    pub(super) fn end(&self) -> usize {
        self.end
    }

    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    pub(super) fn as_str(&self) -> &'t str {
        &self.text[self.start..self.end]
    }
}

/// A match and its groups.
#[derive(Debug)]
pub(super) struct Captures<'t> {
    text: &'t str,
    names: &'static [&'static str],
    slots: [usize; 2 * GROUPS],
}

impl<'t> Captures<'t> {
    /// Returns a group by its number; 0 is the whole.
    pub(super) fn get(&self, group: usize) -> Option<Found<'t>> {
        let (start, end) = (*self.slots.get(2 * group)?, *self.slots.get(2 * group + 1)?);
        (start != usize::MAX && end != usize::MAX).then_some(Found { text: self.text, start, end })
    }

    /// Returns a group by its name.
    pub(super) fn name(&self, name: &str) -> Option<Found<'t>> {
        self.get(self.names.iter().position(|known| *known == name)? + 1)
    }
}

impl Pattern {
    /// What the build script writes: start of the program, whether it matches nothing at all, groups, first bytes at the start
    /// and elsewhere, expression, owner.
    pub(super) const fn new(
        (start, empty): (u32, bool),
        groups: &'static [&'static str],
        first: [[u64; 4]; 2],
        source: &'static str,
        of: &'static str,
    ) -> Self {
        let program = Program { start, empty, first };
        Pattern { program, groups, source, of, steps: AtomicU32::new(0), compiled: OnceLock::new() }
    }

    /// Returns whether it occurs in `text`.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.find(text).is_some()
    }

    /// Returns the first place where it occurs.
    pub(super) fn find<'t>(&self, text: &'t str) -> Option<Found<'t>> {
        self.find_at(text, 0)
    }

    fn find_at<'t>(&self, text: &'t str, from: usize) -> Option<Found<'t>> {
        self.captures_at(text, from)?.get(0)
    }

    /// Returns all places, from left to right.
    pub(super) fn find_iter<'p, 't>(
        &'p self,
        text: &'t str,
    ) -> impl Iterator<Item = Found<'t>> + use<'p, 't> {
        self.captures_iter(text).filter_map(|found| found.get(0))
    }

    /// Returns all places with their groups. The pattern may not match what is empty.
    pub(super) fn captures_iter<'p, 't>(
        &'p self,
        text: &'t str,
    ) -> impl Iterator<Item = Captures<'t>> + use<'p, 't> {
        debug_assert!(!self.program.empty, "{}", self.of);
        let mut from = 0;
        std::iter::from_fn(move || {
            let found = self.captures_at(text, from)?;
            from = found.get(0)?.end;
            Some(found)
        })
    }

    /// Returns the first place with its groups.
    pub(super) fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.captures_at(text, 0)
    }

    fn captures_at<'t>(&self, text: &'t str, from: usize) -> Option<Captures<'t>> {
        let mut slots = [usize::MAX; 2 * GROUPS];
        let spent = self.steps.load(Ordering::Relaxed);
        let used = &mut slots[..2 * (self.groups.len() + 1)];
        if spent < STEPS && self.compiled.get().is_none() {
            let mut left = STEPS - spent;
            let found = machine::search(&self.program, text, from, used, &mut left);
            // Several threads may count at once: it is a matter of cost, and nothing is found by it.
            self.steps.fetch_add(STEPS - spent - left, Ordering::Relaxed);
            match found {
                Ok(found) => return found.then_some(Captures { text, names: self.groups, slots }),
                Err(Stopped) => used.fill(usize::MAX),
            }
        }
        let regex = self.regex();
        let mut places = regex.capture_locations();
        regex.captures_read_at(&mut places, text, from)?;
        for group in 0..places.len() {
            if let Some((start, end)) = places.get(group) {
                (used[2 * group], used[2 * group + 1]) = (start, end);
            }
        }
        Some(Captures { text, names: self.groups, slots })
    }

    fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| {
            let mut source = self.source.to_owned();
            if source.contains('%') {
                for (token, part) in &LARGE {
                    source = source.replace(token, part);
                }
            }
            Regex::new(&source)
                .unwrap_or_else(|error| panic!("internal error: pattern of {}: {error}", self.of))
        })
    }
}

#[cfg(test)]
mod tests;
