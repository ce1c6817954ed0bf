//! The head and the tail of a text as logical lines: soft wraps joined, pictures' credits masked.
//!
//! A credit line may wrap, and a wrapped sentence is no title, so rules see *logical* lines. A line goes on in the next one
//! when it breaks a word, when the next begins in lower case, when it ends in a word that cannot end a sentence, or when
//! the next word would not have fitted in. It never goes on after the end of a sentence, nor into a line
//! that begins with a cue.

use std::cell::OnceCell;
use std::ops::Range;

use super::claim::Scope;
use super::pattern::Captures;
use super::reflow::{Reflowed, reflow};
use super::rules::{Field, Rule, Rules, fold, rules};

/// Characters, and lines that are not empty, that make the head: whichever is more.
pub(super) const HEAD_CHARS: usize = 400;
/// Characters, and lines that are not empty, that make the tail: whichever is more.
pub(super) const TAIL_CHARS: usize = 600;
/// Lines that are not empty in head and tail, at least.
pub(super) const SCOPE_LINES: usize = 6;

/// Bytes at either end of the text that are cut into lines.
const WINDOW_BYTES: usize = 16 * 1024;

/// Characters of a line beyond which a text is taken to have one line a paragraph, and no soft wraps.
const WRAP_MAX: usize = 120;

/// What stands in place of a masked character.
pub(super) const MASK: char = '\u{1}';

/// One logical line.
#[derive(Debug)]
pub(super) struct Line {
    /// Reflowed, with masked spans blotted out and none at the end.
    pub text: String,
    flow: Reflowed,
    /// Bytes of the text that it was made of.
    span: Range<usize>,
    /// A blank line, or the end of the text, comes after.
    pub blank_after: bool,
    /// It is the rest of a line that is not seen whole.
    pub torn: bool,
    pub in_head: bool,
    pub in_tail: bool,
    /// No rule may look at it, save those after pictures.
    pub excluded: bool,
    /// Whether it names an agency, once a rule asked.
    agency: OnceCell<bool>,
}

impl Line {
    /// Matches a rule.
    pub(super) fn captures(&self, rule: &Rule) -> Option<Captures<'_>> {
        let has_agency = || *self.agency.get_or_init(|| rules().bodies.has_agency(&self.text));
        rule.captures_where(&self.text, has_agency)
    }

    /// Replaces the bytes of `span` by as many one-byte marks, so that all other places stay where they are.
    pub(super) fn blot(&mut self, span: Range<usize>) {
        let marks = MASK.to_string().repeat(span.len());
        self.text.replace_range(span, &marks);
        self.agency.take();
    }

    /// Returns the bytes of the whole text that the bytes `range` of the line were made of.
    pub(super) fn source(&self, whole: &str, range: Range<usize>) -> Range<usize> {
        let own = self.flow.source_range(&whole[self.span.clone()], range);
        self.span.start + own.start..self.span.start + own.end
    }

    /// Returns the first scope of the rule that the line lies in.
    pub(super) fn scope_for(&self, rule: &Rule) -> Option<Scope> {
        let lies_in = |scope: &&Scope| match scope {
            Scope::Head => self.in_head,
            Scope::Tail => self.in_tail,
            Scope::Field => false,
            Scope::Body => true,
        };
        rule.scope.iter().find(lies_in).copied()
    }

    /// Returns the unmasked words.
    pub(super) fn printed(&self) -> &str {
        self.flow.as_str()
    }

    /// True when the line ends as sentences end.
    pub(super) fn ends_sentence(&self) -> bool {
        ends_sentence(&self.text)
    }

    /// True when nothing of a byline's or a credit's kind can begin here, since it is the middle of something.
    pub(super) fn usable(&self) -> bool {
        !self.excluded && !self.torn && !self.text.is_empty()
    }
}

/// Returns the logical lines of the head and the tail of `text` from byte `body` on, in order, each once.
/// Costs no more than the windows of 16 kB at either end.
pub(super) fn lines(text: &str, body: usize, rules: &Rules, language: Option<&str>) -> Vec<Line> {
    let whole = body..text.len();
    let windows = if whole.len() <= 2 * WINDOW_BYTES {
        vec![whole]
    } else {
        vec![body..floor(text, body + WINDOW_BYTES), floor(text, text.len() - WINDOW_BYTES)..text.len()]
    };
    let width = wrap_width(windows.iter().map(|window| &text[window.clone()]));
    let mut all = Vec::new();
    for window in windows {
        let torn = window.start > body && !text[..window.start].ends_with('\n');
        let first = all.len();
        join(text, window, width, rules, &mut all);
        if let Some(line) = all.get_mut(first) {
            line.torn = torn;
        }
    }
    for line in &mut all {
        mask(line, rules, language);
    }
    let apart = all.len();
    mark(all.iter_mut().take(apart), HEAD_CHARS, |line| line.in_head = true);
    mark(all.iter_mut().rev(), TAIL_CHARS, |line| line.in_tail = true);
    all.retain(|line| line.in_head || line.in_tail);
    all
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Marks lines until there are enough characters and enough lines; excluded lines count for neither.
fn mark<'l>(lines: impl Iterator<Item = &'l mut Line>, chars_min: usize, set: fn(&mut Line)) {
    let (mut chars, mut count) = (0, 0);
    for line in lines {
        if chars >= chars_min && count >= SCOPE_LINES {
            return;
        }
        set(line);
        if !line.excluded {
            chars += line.text.chars().take(chars_min).count();
            count += usize::from(!line.text.is_empty());
        }
    }
}

/// The length that lines are wrapped at: nine in ten are no longer, and half of them are nearly as long. `usize::MAX` where
/// lines are of all lengths, as those of a page are.
fn wrap_width<'t>(windows: impl Iterator<Item = &'t str>) -> usize {
    let lines = windows.flat_map(str::lines).filter(|line| !line.trim().is_empty());
    let mut lengths: Vec<usize> = lines.map(|line| line.trim().chars().take(WRAP_MAX + 1).count()).collect();
    lengths.sort_unstable();
    let Some(width) = lengths.get(lengths.len() * 9 / 10).copied() else { return usize::MAX };
    let near = lengths.iter().filter(|length| **length * 4 >= width * 3).count();
    if near * 2 >= lengths.len() { width } else { usize::MAX }
}

/// Cuts a window into logical lines.
fn join(text: &str, window: Range<usize>, width: usize, rules: &Rules, out: &mut Vec<Line>) {
    let mut open: Option<Range<usize>> = None;
    let mut at = window.start;
    for raw in text[window].split_inclusive('\n') {
        let span = at..at + raw.len();
        at = span.end;
        // A line of marks alone parts what stands above and below it.
        let flow = reflow(raw);
        if !flow.as_str().contains(char::is_alphanumeric) && flow.as_str().chars().count() <= 3 {
            if let Some(done) = open.take() {
                out.push(line(text, done, true));
            }
            continue;
        }
        match &mut open {
            Some(current) if goes_on(&text[current.clone()], raw, width, rules) => current.end = span.end,
            Some(current) => {
                let done = std::mem::replace(current, span);
                out.push(line(text, done, false));
            }
            None => open = Some(span),
        }
    }
    if let Some(done) = open {
        out.push(line(text, done, true));
    }
}

fn line(text: &str, span: Range<usize>, blank_after: bool) -> Line {
    let flow = reflow(&text[span.clone()]);
    Line {
        text: flow.as_str().to_owned(),
        flow,
        span,
        blank_after,
        torn: false,
        in_head: false,
        in_tail: false,
        excluded: false,
        agency: OnceCell::new(),
    }
}

fn goes_on(current: &str, next: &str, width: usize, rules: &Rules) -> bool {
    let last = current.trim_end().rsplit('\n').next().unwrap_or_default().trim();
    let next = next.trim();
    let first = next.split_whitespace().next().unwrap_or_default();
    if first.contains('@') || first.starts_with("www.") || first.starts_with("http") {
        return false;
    }
    let begins_lower = next.chars().next().is_some_and(char::is_lowercase);
    let mut back = last.chars().rev();
    if begins_lower
        && matches!(back.next(), Some('-' | '\u{ad}' | '\u{2010}'))
        && back.next().is_some_and(char::is_alphabetic)
    {
        return true;
    }
    if ends_sentence(last) || last.ends_with([':', '：']) {
        return false;
    }
    let word = next.split_whitespace().next().unwrap_or_default();
    let length = last.chars().take(WRAP_MAX + 1).count();
    let full = width <= WRAP_MAX && (length + 1 + word.chars().count()) * 100 > width * 85;
    let ending = fold(last.rsplit(char::is_whitespace).next().unwrap_or_default());
    let open = last.ends_with(',') || (length > ending.len() && rules.words.open.contains(&ending.as_str()));
    if rules.line_start.is_match(&next.chars().take(100).collect::<String>()) {
        // A wrapped sentence may go on with "par Moussa"; a byline is not put after a full line.
        return begins_lower && (full || open);
    }
    begins_lower || open || full
}

/// True when the words end as sentences end: a stop, perhaps closed by quotation marks or parentheses.
pub(super) fn ends_sentence(words: &str) -> bool {
    let bare = words.trim_end_matches([' ', '»', '”', '"', ')', ']', '’', '\'', '」', MASK]);
    bare.ends_with(['.', '!', '?', '…', '。', '！', '？'])
        || (bare.len() < words.len() && bare.ends_with(','))
}

/// Blots out what no other rule may see, and excludes whole lines of that sort.
fn mask(line: &mut Line, rules: &Rules, language: Option<&str>) {
    for rule in rules.of(Field::Exclude, language) {
        let Some(found) = line.captures(rule) else { continue };
        let Some(span) = found.name("value").map(|value| value.range()) else {
            line.excluded = true;
            return;
        };
        line.blot(span);
        // A line has several such spans at times.
        for _ in 0..8 {
            let again = line.captures(rule).and_then(|found| Some(found.name("value")?.range()));
            let Some(span) = again else { break };
            line.blot(span);
        }
    }
    trim_mask(&mut line.text);
}

/// Drops marks and white space at the end.
pub(super) fn trim_mask(text: &mut String) {
    text.truncate(text.trim_end_matches(|c: char| c == MASK || c.is_whitespace()).len());
}

#[cfg(test)]
mod tests {
    use super::super::rules::rules;
    use super::*;

    fn logical(text: &str) -> Vec<String> {
        lines(text, 0, rules(), None).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn wrapped_lines_are_joined_and_others_not() {
        let text = "Retour au port\nPar Awa Diallo\n\nLes bateaux sont rentrés lundi au port de la\nville, après trois \
            jours de tempête, a-\nt-on appris de la capitainerie.\nNaba\nSource : Ministère de la Pêche et des\nRessources \
            marines\nAFP\n";
        assert_eq!(
            logical(text),
            [
                "Retour au port",
                "Par Awa Diallo",
                "Les bateaux sont rentrés lundi au port de la ville, après trois jours de tempête, at-on appris de la capitainerie.",
                "Naba",
                "Source : Ministère de la Pêche et des Ressources marines",
                "AFP"
            ]
        );
    }

    #[test]
    fn a_sentence_goes_on_with_a_cue_word() {
        let text = "Le texte de la convention de pêche a été signé lundi soir\npar Moussa Konaté et par tous les autres \
            armateurs\nSelon eux, le port rouvrira.\n";
        assert_eq!(logical(text).len(), 1, "{:?}", logical(text));
    }

    #[test]
    fn masked_spans_keep_places() {
        let text = "Un quai (Photo: Fleuve) et un (image X) bateau\n";
        let all = lines(text, 0, rules(), None);
        let at = all[0].text.find("bateau").unwrap();
        assert_eq!(&text[all[0].source(text, at..at + 6)], "bateau");
        assert!(!all[0].text.contains("Fleuve") && !all[0].text.contains("image"));
    }

    #[test]
    fn only_the_ends_of_a_long_text_are_cut_into_lines() {
        let text = "Une ligne assez longue du milieu du texte.\n".repeat(4000);
        let all = lines(&text, 0, rules(), None);
        let heads = all.iter().filter(|line| line.in_head).count();
        let tails = all.iter().filter(|line| line.in_tail).count();
        assert_eq!((heads, tails, all.len()), (10, 15, 25));
        let one = "x".repeat(100_000);
        let all = lines(&one, 0, rules(), None);
        assert_eq!((all.len(), all[0].torn, all[1].torn), (2, false, true));
    }
}
