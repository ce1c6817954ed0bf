//! The machine that runs the programs of patterns, going back where it fails.
//!
//! A program was made by the build script (`build/program.rs`), from an expression of our own. The text is a stranger's: a
//! search that would take more than its steps is given up, and done by the `regex` crate.

use std::ops::Range;

use super::super::tables::{CLASSES, CODE, ENTRIES, RANGES, TABLES, WORDS};
use super::op;

/// Where a program starts, and what a match of it may begin with.
#[derive(Debug)]
pub(super) struct Program {
    pub start: u32,
    /// It may match where nothing stands.
    pub empty: bool,
    /// Bytes that a match may begin with: at the start of the text, and elsewhere.
    pub first: [[u64; 4]; 2],
}

/// The steps are taken, and nothing is known.
#[derive(Debug)]
pub(super) struct Stopped;

/// What to do where a way fails.
enum Back {
    /// Go on elsewhere.
    Way { code: usize, at: usize },
    /// Put back what a slot held.
    Slot { slot: usize, old: usize },
    /// Take a character less, down to `low`.
    Fewer { code: usize, low: usize, high: usize },
    /// Take a character more, of `left`.
    More { code: usize, at: usize, left: u32 },
}

/// Looks for the first match that begins at `from` or later, and notes where its groups are.
pub(super) fn search(
    program: &Program,
    text: &str,
    from: usize,
    slots: &mut [usize],
    steps: &mut u32,
) -> Result<bool, Stopped> {
    let mut back = Vec::new();
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        let first = &program.first[usize::from(at > 0)];
        if program.empty {
            while !text.is_char_boundary(at) {
                at += 1;
            }
        } else {
            // At the start one set holds, behind it the other.
            let admits = |byte: u8| first[usize::from(byte) / 64] & 1 << (byte % 64) != 0;
            if at == 0 {
                if !bytes.first().is_some_and(|byte| admits(*byte)) {
                    at = 1;
                    if bytes.is_empty() || program.first[1] == [0; 4] {
                        return Ok(false);
                    }
                    continue;
                }
            } else {
                match bytes.get(at..).and_then(|rest| rest.iter().position(|byte| admits(*byte))) {
                    Some(skipped) => at += skipped,
                    None => return Ok(false),
                }
            }
        }
        back.clear();
        if let Some(end) = run(program.start as usize, text, at, slots, &mut back, steps)? {
            (slots[0], slots[1]) = (at, end);
            return Ok(true);
        }
        at += 1;
        if at > bytes.len() || (!program.empty && program.first[1] == [0; 4]) {
            return Ok(false);
        }
    }
}

/// Runs a program at one place; returns where its match ends. Slots are as they were where there is none.
fn run(
    start: usize,
    text: &str,
    begin: usize,
    slots: &mut [usize],
    back: &mut Vec<Back>,
    steps: &mut u32,
) -> Result<Option<usize>, Stopped> {
    let (mut code, mut at) = (start, begin);
    loop {
        *steps = steps.checked_sub(1).ok_or(Stopped)?;
        let word = CODE[code];
        let argument = (word >> 8) as usize;
        let went = match word & 0xff {
            op::CHAR => match next(text, at) {
                Some(c) if c as usize == argument => {
                    at += c.len_utf8();
                    code += 1;
                    true
                }
                _ => false,
            },
            op::CLASS => match next(text, at) {
                Some(c) if holds(argument, c) => {
                    at += c.len_utf8();
                    code += 1;
                    true
                }
                _ => false,
            },
            op::RUN | op::RUN_LAZY => {
                let (least, most) = (CODE[code + 1], CODE[code + 2]);
                match span(argument, text, at, least) {
                    (low, count) if count < least => {
                        *steps = steps.checked_sub(count / 4).ok_or(Stopped)?;
                        let _ = low;
                        false
                    }
                    (low, _) if word & 0xff == op::RUN => {
                        let (high, count) = span(argument, text, low, most - least);
                        *steps = steps.checked_sub(count / 4).ok_or(Stopped)?;
                        back.push(Back::Fewer { code, low, high: high + 1 });
                        false
                    }
                    (low, _) => {
                        let left = most - least;
                        if gate(CODE[code + 3], text, low) {
                            back.push(Back::More { code, at: low, left });
                            at = low;
                            code += 4;
                            true
                        } else {
                            back.push(Back::More { code, at: low, left });
                            false
                        }
                    }
                }
            }
            op::CHOICE => {
                let c = next(text, at);
                let admits = |gate: u32| gate == 0 || c.is_some_and(|c| holds(gate as usize - 1, c));
                for way in (0..argument).rev() {
                    if admits(CODE[code + 1 + 2 * way]) {
                        back.push(Back::Way { code: CODE[code + 2 + 2 * way] as usize, at });
                    }
                }
                *steps = steps.checked_sub(argument as u32 / 4).ok_or(Stopped)?;
                false
            }
            op::JUMP => {
                code = argument;
                true
            }
            op::SAVE => {
                back.push(Back::Slot { slot: argument, old: slots[argument] });
                slots[argument] = at;
                code += 1;
                true
            }
            op::TABLE => {
                let mut found = words_at(argument, text, at);
                found.sort_unstable_by_key(|(place, _)| std::cmp::Reverse(*place));
                for (_, end) in found {
                    back.push(Back::Way { code: code + 1, at: end });
                }
                *steps = steps.checked_sub(10).ok_or(Stopped)?;
                false
            }
            op::START => {
                code += 1;
                at == 0
            }
            op::END => {
                code += 1;
                at == text.len()
            }
            op::EDGE => {
                code += 1;
                let word = |c: Option<char>| c.is_some_and(|c| holds(0, c));
                word(text[..at].chars().next_back()) != word(next(text, at))
            }
            op::EDGE_ASCII => {
                code += 1;
                let word = |byte: Option<&u8>| {
                    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
                };
                let before = at.checked_sub(1).and_then(|before| text.as_bytes().get(before));
                word(before) != word(text.as_bytes().get(at))
            }
            op::MATCH => return Ok(Some(at)),
            _ => unreachable!("internal error: no such operation"),
        };
        if went {
            continue;
        }
        match retreat(text, slots, back, steps)? {
            Some(way) => (code, at) = way,
            None => return Ok(None),
        }
    }
}

/// Takes the last way that is left.
fn retreat(
    text: &str,
    slots: &mut [usize],
    back: &mut Vec<Back>,
    steps: &mut u32,
) -> Result<Option<(usize, usize)>, Stopped> {
    while let Some(last) = back.pop() {
        match last {
            Back::Slot { slot, old } => slots[slot] = old,
            Back::Way { code, at } => return Ok(Some((code, at))),
            Back::Fewer { code, low, high } => {
                let follows = CODE[code + 3];
                let mut end = high;
                while end > low {
                    end -= 1;
                    if text.is_char_boundary(end) {
                        *steps = steps.checked_sub(1).ok_or(Stopped)?;
                        if gate(follows, text, end) {
                            if end > low {
                                back.push(Back::Fewer { code, low, high: end });
                            }
                            return Ok(Some((code + 4, end)));
                        }
                    }
                }
            }
            Back::More { code, mut at, mut left } => {
                let (class, follows) = ((CODE[code] >> 8) as usize, CODE[code + 3]);
                while left > 0 {
                    let Some(c) = next(text, at).filter(|c| holds(class, *c)) else { break };
                    *steps = steps.checked_sub(1).ok_or(Stopped)?;
                    at += c.len_utf8();
                    left -= 1;
                    if gate(follows, text, at) {
                        back.push(Back::More { code, at, left });
                        return Ok(Some((code + 4, at)));
                    }
                }
            }
        }
    }
    Ok(None)
}

fn next(text: &str, at: usize) -> Option<char> {
    match text.as_bytes().get(at) {
        Some(byte) if byte.is_ascii() => Some(char::from(*byte)),
        Some(_) => text[at..].chars().next(),
        None => None,
    }
}

/// True where what must follow does: a class plus one, or 0.
fn gate(follows: u32, text: &str, at: usize) -> bool {
    follows == 0 || next(text, at).is_some_and(|c| holds(follows as usize - 1, c))
}

fn holds(class: usize, c: char) -> bool {
    let (ascii, from, to) = CLASSES[class];
    if c.is_ascii() {
        return ascii & 1 << c as u32 != 0;
    }
    let ranges = &RANGES[from as usize..to as usize];
    let at = ranges.partition_point(|range| range.1 < c as u32);
    ranges.get(at).is_some_and(|range| range.0 <= c as u32)
}

/// Returns where a run of the class ends, of `most` characters at most, and how many they are.
fn span(class: usize, text: &str, from: usize, most: u32) -> (usize, u32) {
    let (mut at, mut count) = (from, 0);
    while count < most {
        let Some(c) = next(text, at).filter(|c| holds(class, *c)) else { break };
        at += c.len_utf8();
        count += 1;
    }
    (at, count)
}

/// Returns the words of a table that stand at this place: where among the alternatives, and where they end; short ones first.
pub(in super::super) fn words_at(table: usize, text: &str, at: usize) -> Vec<(u16, usize)> {
    let (from, to) = TABLES[table];
    let mut range: Range<usize> = from as usize..to as usize;
    let word = |entry: usize| {
        let (start, length, _) = ENTRIES[entry];
        &WORDS.as_bytes()[start as usize..start as usize + usize::from(length)]
    };
    let rest = &text.as_bytes()[at..];
    let mut found = Vec::new();
    // The entries that begin as the text does, by one byte more each time.
    for length in 0.. {
        if range.is_empty() {
            break;
        }
        if word(range.start).len() == length {
            found.push((ENTRIES[range.start].2, at + length));
            range.start += 1;
        }
        let Some(byte) = rest.get(length) else { break };
        let low = partition(range.clone(), |entry| word(entry)[length] < *byte);
        let high = partition(low..range.end, |entry| word(entry)[length] <= *byte);
        range = low..high;
    }
    found
}

/// The first entry for which `before` does not hold; it holds for none behind one for which it does not.
fn partition(range: Range<usize>, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
