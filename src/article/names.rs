//! Names of persons in an authorship line, and what else stands in it.
//!
//! A name is one to five words that begin with a capital, with small words (`de`, `ag`, `van`) between them; names are
//! parted by commas, `et`, `and`, `&`, `/` or `;`. What follows must be of a kind that follows a byline: a day, a title, an
//! affiliation, an agency. Otherwise the line is a sentence, and nothing is found.

use std::ops::Range;

use super::claim::BylineKind;
use super::lines::{MASK, ends_sentence};
use super::reflow::is_mark;
use super::rules::{Rules, fold};

/// Characters of one name: far below `limits::CLAIM_MAX_CHARS`.
const NAME_MAX_CHARS: usize = 60;
/// Characters of what may follow the names.
const REST_MAX_CHARS: usize = 160;
/// Names in one line.
const NAMES_MAX: usize = 24;

/// What an authorship line holds. All ranges are bytes of the line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub names: Vec<(Range<usize>, BylineKind)>,
    pub agencies: Vec<Range<usize>>,
    /// What follows the names.
    pub rest: String,
}

/// Reads the names from byte `start` of `line` on; `None` where it does not read as an authorship line.
pub(super) fn read(line: &str, start: usize, rules: &Rules) -> Option<Names> {
    let value = &line[start..];
    if let Some(desk) = desk(value, rules) {
        let range = start + desk.start..start + desk.end;
        return Some(Names { names: vec![(range, BylineKind::Desk)], ..Names::default() });
    }
    let agencies: Vec<Range<usize>> = rules
        .bodies
        .agencies_in(value)
        .into_iter()
        .map(|range| start + range.start..start + range.end)
        .collect();
    let end = agencies.first().map_or(line.len(), |first| first.start);
    let mut reader = Reader { line, end, at: start, rules };
    let mut found = Names::default();
    while found.names.len() < NAMES_MAX {
        let Some(name) = reader.name(found.names.is_empty()) else { break };
        found.names.push((name.clone(), kind_of(&line[name], rules)));
        if !reader.separator() {
            break;
        }
    }
    let rest_at = found.names.last().map_or(start, |(name, _)| name.end);
    let rest = &line[rest_at..];
    found.rest = rest.to_owned();
    found.agencies = agencies;
    let plausible = if found.names.is_empty() {
        // Agencies alone, perhaps with an article and a day.
        !found.agencies.is_empty()
            && before_agency(&line[start..end], rules)
            && after_agency(line, &found.agencies, rules)
    } else {
        follows_names(rest, rules)
    };
    plausible.then_some(found)
}

/// Returns a desk in lower case that is all there is: `la rédaction`.
fn desk(value: &str, rules: &Rules) -> Option<Range<usize>> {
    let bare = value.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '.' | MASK));
    let words: Vec<&str> = bare.split_whitespace().collect();
    let small = bare.starts_with(char::is_lowercase) && (1..=3).contains(&words.len());
    let last = fold(words.last()?.rsplit(['’', '\'']).next()?);
    let start = value.find(bare)?;
    (small && rules.words.desks.contains(&last.as_str())).then(|| start..start + bare.len())
}

/// Reads names of scripts without spaces: each two to four ideographs or syllables, kana up to ten. What is an agency's
/// name is one.
pub(super) fn read_han(line: &str, value: Range<usize>, rules: &Rules) -> Names {
    let mut found = Names::default();
    let mut at = value.start;
    let korean = line[value.clone()].chars().any(|c| ('가'..='힣').contains(&c));
    // In Japan surname and given name are parted by a space.
    let japanese = line.chars().any(|c| ('\u{3040}'..='\u{30ff}').contains(&c)) || line.ends_with("記者");
    let parts =
        |c: char| matches!(c, '、' | '，' | ',' | '·' | '・' | '/') || (c.is_whitespace() && !japanese);
    for piece in line[value].split_inclusive(parts) {
        let name = piece.trim_end_matches(|c: char| parts(c) || c.is_whitespace());
        let lead = name.len() - name.trim_start().len();
        let range = at + lead..at + name.len();
        at += piece.len();
        let mut range = range;
        // A place in katakana may stand right before a name in ideographs.
        let name = line[range.clone()].trim_start_matches(|c: char| ('\u{30a0}'..='\u{30ff}').contains(&c));
        if name.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).count() >= 2 {
            range.start = range.end - name.len();
        }
        let name = &line[range.clone()];
        let label = [
            "责任",
            "編輯",
            "编辑",
            "責任",
            "記者",
            "记者",
            "来源",
            "來源",
            "校对",
            "通讯员",
            "사진",
            "글",
            "示意圖",
            "示意图",
            "資料照",
            "完",
        ]
        .contains(&name);
        let mixed = japanese
            && name.chars().any(|c| ('\u{30a1}'..='\u{30fa}').contains(&c))
            && name.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        if label || mixed {
            continue;
        }
        let length = name.chars().filter(|c| !c.is_whitespace()).count();
        if rules.bodies.agencies_in(name).iter().any(|agency| agency.len() == name.len()) {
            found.agencies.push(range);
        } else if (2..=if korean { 4 } else { 12 }).contains(&length) && !rules.bodies.knows(name) {
            found.names.push((range, BylineKind::Person));
        }
    }
    found
}

/// Returns what sort of author the printed name is of.
pub(super) fn kind_of(name: &str, rules: &Rules) -> BylineKind {
    let words: Vec<&str> = name.split_whitespace().collect();
    let folded = fold(name);
    let has = |list: &[&str]| list.iter().any(|word| contains_word(&folded, word));
    if has(rules.words.desks) {
        return BylineKind::Desk;
    }
    if rules.bodies.knows(name) {
        return BylineKind::Organisation;
    }
    let initials = |word: &&str| word.chars().filter(|c| c.is_alphabetic()).count() == 1 || is_dotted(word);
    if words.iter().all(initials) {
        return BylineKind::Initials;
    }
    if words.len() >= 2 { BylineKind::Person } else { BylineKind::Unknown }
}

/// `A.D.` or `J.-P.`
fn is_dotted(word: &str) -> bool {
    word.split_inclusive('.')
        .all(|part| part.ends_with('.') && part.chars().filter(|c| c.is_alphabetic()).count() == 1)
}

fn contains_word(folded: &str, word: &str) -> bool {
    let outside = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    folded.match_indices(word).any(|(at, _)| {
        outside(folded[..at].chars().next_back()) && outside(folded[at + word.len()..].chars().next())
    })
}

struct Reader<'l> {
    line: &'l str,
    end: usize,
    at: usize,
    rules: &'l Rules,
}

impl<'l> Reader<'l> {
    fn rest(&self) -> &'l str {
        &self.line[self.at.min(self.end)..self.end]
    }

    /// Reads one name; leaves the place where it was when there is none.
    fn name(&mut self, first: bool) -> Option<Range<usize>> {
        let skipped = self.rest().len() - self.rest().trim_start().len();
        let start = self.at + skipped;
        let mut end = start;
        let mut words = 0;
        let mut at = start;
        for _ in 0..8 {
            let rest = &self.line[at.min(self.end)..self.end];
            let rest = rest.strip_prefix(' ').unwrap_or(rest);
            at = self.end - rest.len();
            let word = &rest[..rest.find(|c: char| c.is_whitespace() || c == MASK).unwrap_or(rest.len())];
            match name_word(word, self.rules) {
                // "Gulf Contributor": a title, and the word before it goes with it.
                Word::Name(_) | Word::Other if words >= 2 && self.is_job(&fold(word)) => {
                    if words > 2 {
                        end = start + self.line[start..end].rfind(' ').unwrap_or(end - start);
                    }
                    break;
                }
                Word::Name(length) => {
                    end = at + length;
                    words += 1;
                    if length < word.len() || words == 5 {
                        break;
                    }
                    at = end;
                }
                // `Ana Costa e Silva` is one name, `Ana Costa e Rui Melo` are two.
                Word::Particle(_)
                    if words >= 2 && matches!(word, "e" | "y") && self.two_names(at + word.len()) =>
                {
                    break;
                }
                Word::Particle(length) if words > 0 || first => at += length,
                _ => break,
            }
        }
        let name = &self.line[start.min(end)..end];
        let folded = fold(name);
        let none = name.is_empty()
            || name.chars().count() > NAME_MAX_CHARS
            || self.rules.words.not_a_name.iter().any(|word| folded.split(' ').next() == Some(word))
            || self.is_calendar(&folded);
        // After a comma a single word is a title or a place, and a body is where the author works.
        let affiliation = !first && (words < 2 || self.is_job(&folded) || self.rules.bodies.knows(name));
        if none || affiliation {
            return None;
        }
        // Pages print a name twice: beside the picture, and in the line.
        let words: Vec<&str> = name.split(' ').collect();
        if words.len() >= 4
            && words.len().is_multiple_of(2)
            && words[..words.len() / 2] == words[words.len() / 2..]
        {
            self.at = end;
            return Some(start..start + words[..words.len() / 2].join(" ").len());
        }
        self.at = end;
        Some(start..end)
    }

    /// True when two words of a name, or more, stand from byte `at` on.
    fn two_names(&self, at: usize) -> bool {
        let rest = self.line.get(at..self.end).unwrap_or_default();
        let mut words = rest.split_whitespace().map(|word| name_word(word, self.rules));
        matches!(words.next(), Some(Word::Name(_))) && matches!(words.next(), Some(Word::Name(_)))
    }

    /// Steps over where a person writes from: `(Bishkek)`, ` in Kisumu`, where another name follows.
    fn place(&mut self) {
        let rest = self.rest();
        let bare = rest.trim_start();
        let end = if bare.starts_with('(') {
            bare.find(')').filter(|end| *end <= 30).map(|end| end + 1)
        } else {
            let mut words = bare.split(' ');
            let preposition =
                words.next().filter(|word| matches!(*word, "in" | "à" | "en" | "em" | "a" | "aus"));
            let place = words.next().filter(|word| word.starts_with(char::is_uppercase));
            preposition.zip(place).map(|(preposition, place)| preposition.len() + 1 + place.len())
        };
        let Some(end) = end else { return };
        let after = bare.get(end..).unwrap_or_default().trim_start();
        let first = fold(after.split(' ').next().unwrap_or_default());
        if after.starts_with([',', '/', ';', '&']) || self.rules.words.conjunctions.contains(&first.as_str())
        {
            self.at += rest.len() - bare.len() + end;
        }
    }

    /// Steps over what parts two names.
    fn separator(&mut self) -> bool {
        self.place();
        let rest = self.rest();
        // A footnote's number may touch a name.
        let bare = rest.trim_start_matches(char::is_numeric);
        let bare = if bare.starts_with(',') { bare } else { rest }.trim_start();
        let conjunction = self.rules.words.conjunctions.iter().find(|word| {
            fold(bare.split(' ').next().unwrap_or_default()) == **word && bare.len() > word.len()
        });
        let length = if let Some(word) = conjunction {
            word.len()
        } else if bare.starts_with([',', '/', ';', '&']) {
            let after = bare[1..].trim_start();
            let also = self
                .rules
                .words
                .conjunctions
                .iter()
                .find(|word| fold(after.split(' ').next().unwrap_or_default()) == **word);
            1 + bare[1..].len() - after.len() + also.map_or(0, |word| word.len())
        } else {
            return false;
        };
        self.at += rest.len() - bare.len() + length;
        true
    }

    fn is_calendar(&self, folded: &str) -> bool {
        let first = folded.split(' ').next().unwrap_or_default();
        let words = &self.rules.words;
        words.weekdays.contains(&first) || words.months.iter().any(|month| month.is_match(first))
    }

    fn is_job(&self, folded: &str) -> bool {
        self.rules.words.jobs.iter().any(|job| contains_word(folded, job))
    }
}

enum Word {
    /// A word of a name: how many bytes of it.
    Name(usize),
    Particle(usize),
    Other,
}

fn name_word(word: &str, rules: &Rules) -> Word {
    let inner =
        |c: char| c.is_alphabetic() || is_mark(c) || matches!(c, '-' | '’' | '\'' | '.' | '·' | '\u{2010}');
    let length = word.find(|c| !inner(c)).unwrap_or(word.len());
    let letters = &word[..length];
    // A full stop belongs to initials and to short forms, not to the end of a sentence.
    let bare = letters.trim_end_matches(['.', '-', '’', '\'']);
    let short = bare.chars().count() <= 2 || bare.contains('.');
    let kept =
        if short && letters[bare.len()..].starts_with('.') { &letters[..bare.len() + 1] } else { bare };
    let kept = unglued(kept, rules);
    let Some(first) = kept.chars().next() else { return Word::Other };
    if rules.words.particles.contains(&fold(letters).as_str()) && first.is_lowercase() {
        return Word::Particle(word.len());
    }
    let elided =
        kept.strip_prefix("d’").or_else(|| kept.strip_prefix("d'")).or_else(|| kept.strip_prefix("l’"));
    let capital =
        elided.unwrap_or(kept).chars().next().is_some_and(|c| !c.is_lowercase() && c.is_alphabetic());
    if capital { Word::Name(kept.len()) } else { Word::Other }
}

/// Cuts off a title, an agency's article or a label that is glued to a name: `ExnerKorrespondent`, `ItalieThe`.
fn unglued<'w>(word: &'w str, rules: &Rules) -> &'w str {
    let mut before: Option<char> = None;
    for (at, c) in word.char_indices() {
        if c.is_uppercase() && before.is_some_and(char::is_lowercase) {
            let rest = fold(&word[at..]);
            let known = |list: &[&str]| list.contains(&rest.as_str());
            if known(rules.words.jobs) || known(rules.words.glued) || known(rules.words.marks) {
                return &word[..at];
            }
        }
        before = Some(c);
    }
    word
}

/// Titles and the like before an agency in an author's place.
fn before_agency(words: &str, rules: &Rules) -> bool {
    let bare = fold(words.trim().trim_end_matches([',', '/', '-', '—', '–']));
    let words = bare.trim();
    words.is_empty()
        || rules.words.particles.contains(&words)
        || matches!(words, "the" | "l'" | "avec" | "with")
}

fn after_agency(line: &str, agencies: &[Range<usize>], rules: &Rules) -> bool {
    agencies.last().is_none_or(|last| follows_names(&line[last.end..], rules))
}

/// True when what follows bare names shows that they are a byline: nothing, a day, a mark, a title. A clause after a comma
/// does not.
pub(super) fn follows_bare_names(rest: &str, rules: &Rules) -> bool {
    let clause = rest.trim_start().strip_prefix(',');
    clause.is_none_or(|clause| fold(clause).split([' ', ',']).any(|word| rules.words.jobs.contains(&word)))
}

/// True when `rest` is what may follow the names of a byline.
fn follows_names(rest: &str, rules: &Rules) -> bool {
    // "Par Awa Diallo. Source : Radio du Fleuve"
    if rest.strip_prefix('.').is_some_and(|next| rules.line_start.is_match(next.trim_start())) {
        return true;
    }
    let bare = rest.trim_matches(|c: char| c.is_whitespace() || matches!(c, MASK | '.' | ')' | ']' | '*'));
    if bare.is_empty() {
        return true;
    }
    if bare.chars().count() > REST_MAX_CHARS
        || (ends_sentence(rest.trim()) && bare.split(' ').count() > 6 && !bare.contains(';'))
    {
        return false;
    }
    let Some(first) = bare.chars().next() else { return true };
    if first.is_ascii_digit()
        || matches!(first, '|' | '•' | '·' | '(' | '/' | '-' | '–' | '—' | ';' | '@' | '<' | '[' | '&')
    {
        return true;
    }
    let folded = fold(bare.trim_start_matches([',', ' ']));
    if first == ',' {
        // An affiliation or a title has no verb; what has more words is taken for a sentence.
        let clause = folded.split([';', ',']).next().unwrap_or_default();
        return clause.split(' ').count() <= 8 && !ends_sentence(rest);
    }
    let head = folded.split([' ', ',', ';', ':']).next().unwrap_or_default();
    let words = &rules.words;
    if head.contains('@') || words.marks.contains(&head) {
        return true;
    }
    let calendar = words.weekdays.contains(&head) || words.months.iter().any(|month| month.is_match(head));
    let job = folded.split(' ').take(4).any(|word| words.jobs.contains(&word));
    let published =
        ["publié", "published", "posted", "updated", "mis", "le", "avec", "with", "and", "et", "pour", "for"];
    let agency = rules.bodies.agencies_in(bare).first().is_some_and(|found| found.start <= 12);
    let day = rules.day.find(bare).is_some_and(|found| found.start() <= 24);
    calendar || job || agency || (published.contains(&head) && (day || agency || head.starts_with("pub")))
}

#[cfg(test)]
mod tests {
    use super::super::rules::rules;
    use super::*;

    fn names(line: &str) -> Option<Vec<(String, BylineKind)>> {
        let found = read(line, 0, rules())?;
        Some(found.names.into_iter().map(|(range, kind)| (line[range].to_owned(), kind)).collect())
    }

    #[test]
    fn names_are_parted_and_typed() {
        let person = |name: &str| (name.to_owned(), BylineKind::Person);
        let cases = [
            ("Awa Diallo", vec![person("Awa Diallo")]),
            ("Awa Diallo et Moussa ag Hama", vec![person("Awa Diallo"), person("Moussa ag Hama")]),
            (
                "Ann B. Rivers , Tom Dell, and Joe Hill, Gulf News",
                vec![person("Ann B. Rivers"), person("Tom Dell"), person("Joe Hill")],
            ),
            ("Anne-Marie de La Tour, journaliste", vec![person("Anne-Marie de La Tour")]),
            ("Jonas Rivers22 Dec 2026", vec![person("Jonas Rivers")]),
            ("Ann Rivers Gulf Contributor", vec![person("Ann Rivers")]),
            ("Ann Rivers Parliamentary editor", vec![person("Ann Rivers")]),
            ("Ann Rivers1, Tom Dell2", vec![person("Ann Rivers"), person("Tom Dell")]),
            ("Ann Rivers eHarbour Contributor", vec![person("Ann Rivers")]),
            ("Siaka CƐRƆ", vec![person("Siaka CƐRƆ")]),
            ("Naba", vec![("Naba".to_owned(), BylineKind::Unknown)]),
            ("A. D. avec AFP", vec![("A. D.".to_owned(), BylineKind::Initials)]),
            ("La Rédaction", vec![("La Rédaction".to_owned(), BylineKind::Desk)]),
            ("Gulf Staff", vec![("Gulf Staff".to_owned(), BylineKind::Desk)]),
        ];
        for (line, expected) in cases {
            assert_eq!(names(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn sentences_are_no_bylines() {
        for line in [
            "ailleurs, le port reste fermé",
            "Moussa Konaté a signé la convention lundi",
            "Moussa Konaté, le port a été rouvert lundi matin par la mer et le vent",
            "Monday the boats were home",
            "contrast, Ann stayed",
            "",
        ] {
            assert_eq!(names(line), None, "{line}");
        }
    }

    #[test]
    fn agencies_are_set_apart() {
        let line = "AMANDA RIVERS and Tom Dell The Associated Press";
        let found = read(line, 0, rules()).unwrap();
        assert_eq!(found.names.len(), 2);
        assert_eq!(&line[found.agencies[0].clone()], "The Associated Press");
        let alone = read("Associated Press", 0, rules()).unwrap();
        assert!(alone.names.is_empty() && alone.agencies.len() == 1);
        assert_eq!(read("AFP said on Monday that boats came", 0, rules()), None);
    }
}
