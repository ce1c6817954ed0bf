//! What an audit found, in three values.

use serde::{Deserialize, Serialize};

use crate::base::Hash;
use crate::record::layout::{ENTRIES_PER_FILE, disclosures_path};
use crate::tlog::{EntryBundle, Tile};

pub use super::code::{Code, Severity};

/// The answer. Absence of evidence is never the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Everything was checked, and everything holds.
    Verified,
    /// Something could not be checked; nothing that was checked is bad.
    Unverifiable,
    /// Something was checked and is bad.
    Invalid,
}

impl Verdict {
    /// Returns the verdict that a finding leads to.
    pub(super) fn of(severity: Severity) -> Self {
        match severity {
            Severity::Note => Verdict::Verified,
            Severity::Unverifiable => Verdict::Unverifiable,
            Severity::Invalid => Verdict::Invalid,
        }
    }
}

/// One thing that does not hold, or could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What, as a stable code.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// Index of the record, where it is about one.
    pub record: Option<u64>,
    /// JSON Pointer into the predicate, or the name of a part of the entry, where it is about one.
    pub field: Option<String>,
    /// The file below `records/`, where it is about one; of a record, the one that it lies in.
    pub path: Option<String>,
    /// The line of that file, counted from 1, where it is a text that people write.
    pub line: Option<u32>,
    /// What should be there, where that is known: a digest, a key's id, a number.
    pub expected: Option<String>,
    /// What is there instead.
    pub found: Option<String>,
    /// In words.
    pub message: String,
    /// What such a finding means for whoever relies on the log. The same for each code.
    pub meaning: &'static str,
}

impl Finding {
    /// A finding about the log as a whole.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let (severity, meaning, message) = (code.severity(), code.meaning(), message.into());
        let (field, path, expected, found) = (None, None, None, None);
        Finding { code, severity, record: None, field, path, line: None, expected, found, message, meaning }
    }

    /// Gives it another weight than its code has by itself.
    pub(super) fn weighing(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Says on which line of its file it is.
    pub(super) fn line(mut self, line: u32) -> Self {
        self.line = Some(line).filter(|line| *line > 0);
        self
    }

    /// Says which record it is about.
    pub fn record(mut self, index: u64) -> Self {
        self.record = Some(index);
        self
    }

    /// Says which field it is about.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says which file it is about.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Says what should be there.
    pub fn expected(mut self, expected: impl ToString) -> Self {
        self.expected = Some(expected.to_string());
        self
    }

    /// Says what is there instead.
    pub fn found(mut self, found: impl ToString) -> Self {
        self.found = Some(found.to_string());
        self
    }

    /// Of a file that is missing: says that it is a tile that nothing is lost with, the entries leading to the root.
    pub(super) fn tile_can_be_made_again(&mut self) {
        let tile = self.path.as_ref().is_some_and(|path| path.parse::<Tile>().is_ok());
        if self.code == Code::FileMissing && tile {
            (self.code, self.meaning) = (Code::TileMissing, Code::TileMissing.meaning());
        }
    }

    /// Says in which file of a log of `size` entries the record lies, where no other file was named.
    pub(super) fn locate(&mut self, size: u64) {
        let (None, Some(record)) = (&self.path, self.record) else { return };
        self.path = match self.code {
            Code::OpeningMissing | Code::OpeningMismatch => Some(disclosures_path(record / ENTRIES_PER_FILE)),
            _ => EntryBundle::of_size(record / 256, size).map(|bundle| bundle.path()),
        };
    }
}

/// How much was checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Counts {
    /// Entries whose bytes lead to the root.
    pub entries: u64,
    /// Registrations among them.
    pub registrations: u64,
    /// Statements about keys among them.
    pub key_statements: u64,
    /// Statements about documents among them: relations, assessments, notices, erasures …
    pub statements: u64,
    /// Statements that wait to be appended, and could be.
    pub pending: u64,
    /// Signatures that hold, the checkpoint's not counted.
    pub signatures: u64,
    /// Hash tiles and entry bundles compared.
    pub tiles: u64,
    /// Openings that match their commitment.
    pub openings: u64,
    /// Openings and stored originals that are missing because they were erased.
    pub erased: u64,
    /// Stored originals that are what was registered.
    pub originals: u64,
    /// Registrations whose original was not stored: their text was not looked at.
    pub originals_not_stored: u64,
    /// Claims whose words stand where their evidence says, in a stored original.
    pub claims: u64,
    /// Cosignatures of witnesses that hold.
    pub cosignatures: u64,
}

impl Counts {
    /// Adds what another part of the audit counted.
    pub fn add(&mut self, other: &Counts) {
        self.entries = self.entries.saturating_add(other.entries);
        self.registrations = self.registrations.saturating_add(other.registrations);
        self.key_statements = self.key_statements.saturating_add(other.key_statements);
        self.statements = self.statements.saturating_add(other.statements);
        self.pending = self.pending.saturating_add(other.pending);
        self.signatures = self.signatures.saturating_add(other.signatures);
        self.tiles = self.tiles.saturating_add(other.tiles);
        self.openings = self.openings.saturating_add(other.openings);
        self.erased = self.erased.saturating_add(other.erased);
        self.originals = self.originals.saturating_add(other.originals);
        self.originals_not_stored = self.originals_not_stored.saturating_add(other.originals_not_stored);
        self.claims = self.claims.saturating_add(other.claims);
        self.cosignatures = self.cosignatures.saturating_add(other.cosignatures);
    }
}

/// Findings that are kept; the rest is counted. A log of 10^7 damaged entries must not fill the memory.
pub const FINDINGS_MAX: usize = 1_000;

/// What an earlier audit left to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remembered {
    /// Entries of the checkpoint that was last accepted.
    pub size: u64,
    /// Its root hash.
    pub root_hash: Hash,
    /// Whether the log as it is now begins with those entries; `None` if that could not be checked.
    pub extends: Option<bool>,
    /// Entries, from the first, whose bytes and openings are those that were checked in full before: their signatures
    /// and stored originals were not checked again.
    pub compared: u64,
    /// Whether their hash tiles alone are known to be the same: they themselves were not read again.
    pub tiles_alone: bool,
}

/// What an audit says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The answer.
    pub verdict: Verdict,
    /// The log's origin, once its checkpoint could be read.
    pub origin: Option<String>,
    /// Entries that the checkpoint signs for.
    pub size: u64,
    /// The root hash that the checkpoint signs.
    pub root_hash: Option<Hash>,
    /// What does not hold or could not be checked, at most [`FINDINGS_MAX`] of them, in log order.
    pub findings: Vec<Finding>,
    /// Findings that were not kept.
    pub findings_left_out: u64,
    /// What was not looked at, and why that is no fault.
    pub not_checked: Vec<String>,
    /// What was remembered of the log, if anything.
    pub remembered: Option<Remembered>,
    /// How much was checked.
    pub counts: Counts,
}

impl Report {
    pub(super) fn new() -> Self {
        Report {
            verdict: Verdict::Verified,
            origin: None,
            size: 0,
            root_hash: None,
            findings: Vec::new(),
            findings_left_out: 0,
            not_checked: Vec::new(),
            remembered: None,
            counts: Counts::default(),
        }
    }

    /// Names what was not looked at. The first `compared` entries were only compared with what was checked before, or
    /// `tiles_alone` were; `lists` says whether files could be listed.
    pub(super) fn name_what_was_not_checked(&mut self, compared: u64, tiles_alone: bool, lists: bool) {
        if tiles_alone {
            self.not_checked.push(format!(
                "whether entries 0 to {} and their openings are still there, and hold: all was checked before, and their \
                 hashes have not changed since (without --quick they are read again)",
                compared - 1
            ));
        } else if compared > 0 {
            self.not_checked.push(format!(
                "the signatures and stored originals of entries 0 to {} once more: all was checked before, and neither \
                 the entries nor their openings have changed since (--full checks them again)",
                compared - 1
            ));
        }
        if !lists {
            let strays = "whether files lie there that belong to nothing, and whether statements wait to be appended: a web server is not listed";
            self.not_checked.push(strays.into());
            if compared > 0 {
                let gone = format!(
                    "whether the stored originals of entries 0 to {} are still there: they were not asked for again",
                    compared - 1
                );
                self.not_checked.push(gone);
            }
        }
        let not_stored = self.counts.originals_not_stored;
        if not_stored > 0 {
            let plural = if not_stored == 1 { "" } else { "s" };
            self.not_checked.push(format!(
                "the text of {not_stored} document{plural}: registered without storing the original"
            ));
        }
        if self.counts.cosignatures == 0 {
            let witness = "whether others were shown the same log: no witness cosigned the checkpoint";
            self.not_checked.push(witness.into());
        }
        if self.remembered.is_none() {
            let memory = "whether the log only grew: no earlier checkpoint of it is remembered here";
            self.not_checked.push(memory.into());
        }
    }

    /// Adds a finding; the verdict follows the worst of them.
    pub(super) fn push(&mut self, finding: Finding) {
        self.verdict = self.verdict.max(Verdict::of(finding.severity));
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.findings_left_out += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_that_of_the_worst_finding_even_of_one_not_kept() {
        let mut report = Report::new();
        assert_eq!(report.verdict, Verdict::Verified);
        report.push(Finding::new(Code::Stray, "a"));
        assert_eq!(report.verdict, Verdict::Verified);
        for _ in 0..FINDINGS_MAX {
            report.push(Finding::new(Code::FileMissing, "b"));
        }
        assert_eq!(report.verdict, Verdict::Unverifiable);
        report.push(Finding::new(Code::SignatureInvalid, "c"));
        report.push(Finding::new(Code::FileMissing, "d"));
        assert_eq!(report.verdict, Verdict::Invalid);
        assert_eq!((report.findings.len(), report.findings_left_out), (FINDINGS_MAX, 3));
    }

    #[test]
    fn everything_that_was_counted_is_added() {
        let (one, two) = (counts(1), counts(100));
        let mut sum = one;
        sum.add(&two);
        let numbers = |counts: &Counts| -> Vec<u64> {
            let value = serde_json::to_value(counts).unwrap();
            value.as_object().unwrap().values().map(|number| number.as_u64().unwrap()).collect()
        };
        let expected: Vec<u64> =
            numbers(&one).iter().zip(numbers(&two)).map(|(one, two)| one + two).collect();
        assert_eq!(numbers(&sum), expected);
    }

    /// A different number of each, from `first` on.
    fn counts(first: u64) -> Counts {
        let mut next = first..;
        let mut number = || next.next().unwrap();
        Counts {
            entries: number(),
            registrations: number(),
            key_statements: number(),
            statements: number(),
            pending: number(),
            signatures: number(),
            tiles: number(),
            openings: number(),
            erased: number(),
            originals: number(),
            originals_not_stored: number(),
            claims: number(),
            cosignatures: number(),
        }
    }

    #[test]
    fn a_finding_about_a_record_names_the_file_that_it_lies_in() {
        for (code, record, size, path) in [
            (Code::EntryMalformed, 3, 7, Some("tile/entries/000.p/7")),
            (Code::EntryMalformed, 256, 600, Some("tile/entries/001")),
            (Code::EntryMalformed, 599, 600, Some("tile/entries/002.p/88")),
            (Code::EntryMalformed, 600, 512, None),
            (Code::OpeningMissing, 255, 600, Some("disclosures/000")),
            (Code::OpeningMismatch, 256, 600, Some("disclosures/001")),
        ] {
            let mut finding = Finding::new(code, "a").record(record);
            finding.locate(size);
            assert_eq!(finding.path.as_deref(), path, "{code:?} {record}");
        }
        let mut named = Finding::new(Code::OriginalChanged, "a").record(3).path("content/x");
        named.locate(7);
        assert_eq!(named.path.as_deref(), Some("content/x"));
        assert_eq!(Finding::new(Code::SourceNone, "a").line(0).line, None, "lines are counted from 1");
        assert_eq!(Finding::new(Code::SourceNone, "a").line(1).line, Some(1));
    }

    #[test]
    fn what_was_not_looked_at_is_named() {
        let named = |compared, tiles_alone, lists, counts: Counts, known: bool| {
            let mut report = Report { counts, ..Report::new() };
            report.remembered = known.then_some(Remembered {
                size: 0,
                root_hash: Hash([0; 32]),
                extends: Some(true),
                compared,
                tiles_alone,
            });
            report.name_what_was_not_checked(compared, tiles_alone, lists);
            report.not_checked
        };
        let witnessed = Counts { cosignatures: 1, ..Counts::default() };
        assert_eq!(named(0, false, true, witnessed, true), [""; 0]);
        for (told, begins) in [
            (named(512, true, true, witnessed, true), vec!["whether entries 0 to 511 and"]),
            (
                named(256, false, true, witnessed, true),
                vec!["the signatures and stored originals of entries 0 to 255 "],
            ),
            (named(0, false, false, witnessed, true), vec!["whether files lie there"]),
            (
                named(256, false, false, witnessed, true),
                vec!["the signatures", "whether files", "whether the stored originals of entries 0 to 255 "],
            ),
            (
                named(0, false, true, Counts { originals_not_stored: 1, ..witnessed }, true),
                vec!["the text of 1 document: "],
            ),
            (
                named(0, false, true, Counts { originals_not_stored: 2, ..witnessed }, true),
                vec!["the text of 2 documents: "],
            ),
            (
                named(0, false, true, Counts::default(), false),
                vec!["whether others were shown the same log", "whether the log only grew"],
            ),
        ] {
            assert_eq!(told.len(), begins.len(), "{told:?}");
            assert!(told.iter().zip(&begins).all(|(told, begins)| told.starts_with(begins)), "{told:?}");
        }
    }
}
