//! What an audit found, in three values.

use serde::Serialize;

use crate::base::Hash;
use crate::record::layout::{ENTRIES_PER_FILE, disclosures_path};
use crate::tlog::{EntryBundle, Tile};

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

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Worth knowing; the verdict does not change.
    Note,
    /// Could not be checked.
    Unverifiable,
    /// Checked and bad.
    Invalid,
}

/// What is wrong, as a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Code {
    /// The checkpoint is not a signed note with a checkpoint in it.
    CheckpointMalformed,
    /// The checkpoint is not signed by a log that the policy trusts, or a signature on it is bad.
    CheckpointUntrusted,
    /// The log signs in a way that this release cannot check.
    CheckpointUnverifiable,
    /// Fewer witnesses than the policy asks for have cosigned the checkpoint.
    QuorumNotReached,
    /// The log has fewer entries than when it was last accepted.
    RolledBack,
    /// The log has as many entries as when it was last accepted, and other ones.
    Forked,
    /// The log does not begin with the entries that were last accepted.
    PrefixRewritten,
    /// Whether the log begins with the entries that were last accepted cannot be told: its tiles are damaged.
    ExtensionUnknown,
    /// Another log lies where the one that was last accepted lay.
    LogReplaced,
    /// The keys that lie with the log are not those that lay with the one that was last accepted.
    KeysChanged,
    /// The entries do not give the root that the checkpoint signs.
    RootMismatch,
    /// A file that the checkpoint implies is missing.
    FileMissing,
    /// A hash tile is missing; the entries lead to the root, so that it can be made again from them.
    TileMissing,
    /// A file could not be read.
    FileUnreadable,
    /// A bundle is not a sequence of entries of the right number.
    BundleMalformed,
    /// A hash tile is not what the entries give.
    TileChanged,
    /// An entry is not the one that was logged.
    EntryChanged,
    /// An entry is not an envelope with a statement of its kind.
    EntryMalformed,
    /// An entry is of a kind that this release does not know.
    KindUnknown,
    /// The signer was not enrolled at that index.
    SignerNotEnrolled,
    /// Whether the signer was enrolled at that index cannot be known: entries before it could not be read.
    SignerUnknown,
    /// The signer's key was revoked, retired or replaced before.
    SignerEnded,
    /// The signer may not make such a statement.
    SignerNotAllowed,
    /// The signature does not hold.
    SignatureInvalid,
    /// A statement about a key cannot stand.
    KeyStatementInvalid,
    /// Two parts of one statement contradict each other.
    StatementInconsistent,
    /// A file of openings cannot be read as such.
    OpeningsMalformed,
    /// An opening is not that of any commitment in its entry.
    OpeningMismatch,
    /// A commitment's opening is missing, and no erasure accounts for it.
    OpeningMissing,
    /// The stored original is not the document that was registered.
    OriginalChanged,
    /// The original was stored, and is missing, and no erasure accounts for it.
    OriginalMissing,
    /// The stored original does not give the registered text.
    TextMismatch,
    /// The text was made by an extractor that this release does not have.
    ExtractorUnknown,
    /// A claim's words do not stand where its evidence says.
    EvidenceMismatch,
    /// A digest is not that of what it should digest.
    DigestMismatch,
    /// A statement points to something that is not there, or is not what it says.
    ReferenceInvalid,
    /// Whether what a statement points to is there cannot be known: the entry could not be read.
    ReferenceUnknown,
    /// A member of a statement has a value that this release does not know.
    ValueUnknown,
    /// A file of a statement that waits to be appended is not one that can be.
    PendingInvalid,
    /// A statement that waited to be appended is neither waiting any more nor in the log.
    PendingDropped,
    /// A file that belongs to nothing.
    Stray,
}

impl Code {
    /// Returns how much such a finding weighs.
    pub fn severity(self) -> Severity {
        match self {
            Code::CheckpointUnverifiable
            | Code::QuorumNotReached
            | Code::ExtensionUnknown
            | Code::KeysChanged
            | Code::FileMissing
            | Code::TileMissing
            | Code::FileUnreadable
            | Code::KindUnknown
            | Code::ValueUnknown
            | Code::ReferenceUnknown
            | Code::SignerUnknown
            | Code::OpeningMissing
            | Code::OriginalMissing
            | Code::ExtractorUnknown => Severity::Unverifiable,
            Code::PendingDropped | Code::Stray => Severity::Note,
            _ => Severity::Invalid,
        }
    }
}

impl Code {
    /// All codes, in the order of the checks.
    pub const ALL: [Code; 41] = [
        Code::CheckpointMalformed,
        Code::CheckpointUntrusted,
        Code::CheckpointUnverifiable,
        Code::QuorumNotReached,
        Code::RolledBack,
        Code::Forked,
        Code::PrefixRewritten,
        Code::ExtensionUnknown,
        Code::LogReplaced,
        Code::KeysChanged,
        Code::RootMismatch,
        Code::FileMissing,
        Code::TileMissing,
        Code::FileUnreadable,
        Code::BundleMalformed,
        Code::TileChanged,
        Code::EntryChanged,
        Code::EntryMalformed,
        Code::KindUnknown,
        Code::SignerNotEnrolled,
        Code::SignerUnknown,
        Code::SignerEnded,
        Code::SignerNotAllowed,
        Code::SignatureInvalid,
        Code::KeyStatementInvalid,
        Code::StatementInconsistent,
        Code::OpeningsMalformed,
        Code::OpeningMismatch,
        Code::OpeningMissing,
        Code::OriginalChanged,
        Code::OriginalMissing,
        Code::TextMismatch,
        Code::ExtractorUnknown,
        Code::EvidenceMismatch,
        Code::DigestMismatch,
        Code::ReferenceInvalid,
        Code::ReferenceUnknown,
        Code::ValueUnknown,
        Code::PendingInvalid,
        Code::PendingDropped,
        Code::Stray,
    ];

    /// Returns the code as it stands in JSON: `rootMismatch`.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Returns what such a finding means for whoever relies on the log.
    pub fn meaning(self) -> &'static str {
        match self {
            Code::CheckpointMalformed => "Nothing says which entries belong to the log.",
            Code::CheckpointUntrusted => "Nobody whom the policy trusts answers for these entries.",
            Code::CheckpointUnverifiable => {
                "The log may be good; a newer release, or other software, could tell."
            }
            Code::QuorumNotReached => {
                "The log's operator could have shown others another log; too few witnesses say that he did not."
            }
            Code::RolledBack => "Entries that were there are missing, or this is an old copy.",
            Code::Forked => {
                "Whoever holds the log's key has signed two histories. The evidence convicts him."
            }
            Code::PrefixRewritten => {
                "Entries were changed, dropped or inserted after they were published. The evidence convicts whoever holds the log's key."
            }
            Code::ExtensionUnknown => {
                "Entries may have been changed since the log was last accepted; restore its tiles and check again."
            }
            Code::LogReplaced => {
                "Nothing of what was accepted is in it: whoever relied on the log before has lost it."
            }
            Code::KeysChanged => {
                "Whom the log's readers trust would change. Whether the new keys are right no program can say: somebody who knows their holders must."
            }
            Code::RootMismatch => {
                "Entries were changed, dropped, inserted or reordered after the checkpoint was signed."
            }
            Code::FileMissing => {
                "Something that was published is not here: restore it from a copy. What it held cannot be judged."
            }
            Code::TileMissing => {
                "Nothing is lost: the tile can be made again from the entries. Until then others cannot be given proofs."
            }
            Code::FileUnreadable => "What the file holds cannot be judged: the system does not give it out.",
            Code::BundleMalformed => {
                "The file of entries was damaged or replaced: its entries cannot be told apart."
            }
            Code::TileChanged => {
                "A file of hashes was damaged or replaced. The entries are what was signed; proofs made from it fail."
            }
            Code::EntryChanged => {
                "The record was altered after it was logged. What it says now was never signed for by the log."
            }
            Code::EntryMalformed => {
                "The log holds something that is no record. Whoever appended it did not use this format."
            }
            Code::KindUnknown => "A newer release may understand it; this one cannot say whether it holds.",
            Code::SignerNotEnrolled => {
                "Whoever signed it was nobody at that place in the log: the record must not be relied on."
            }
            Code::SignerUnknown => "The signer may have been enrolled by an entry that could not be read.",
            Code::SignerEnded => {
                "The key had been revoked, retired or replaced: whoever signed may be a thief."
            }
            Code::SignerNotAllowed => "The signer may say other things, but not this.",
            Code::SignatureInvalid => "The signer named in the record did not sign it.",
            Code::KeyStatementInvalid => {
                "The statement about a key changes nothing; whoever relied on it was mistaken."
            }
            Code::StatementInconsistent => {
                "The statement says two things that cannot both be true, and must not be relied on."
            }
            Code::OpeningsMalformed => {
                "Committed words cannot be shown from this file; the records themselves are not affected."
            }
            Code::OpeningMismatch => "Words were put forward that are not those the signer committed to.",
            Code::OpeningMissing => {
                "The committed words cannot be shown, and nothing says that they were erased on purpose."
            }
            Code::OriginalChanged => "The stored document is not the one that was registered.",
            Code::OriginalMissing => {
                "The document that was stored with the record is not here: its text and claims were not checked."
            }
            Code::TextMismatch => "The registered text is not what the document says.",
            Code::ExtractorUnknown => {
                "Another release made the text; this one cannot tell whether it is what the document says."
            }
            Code::EvidenceMismatch => "The document does not say there what the record claims it says.",
            Code::DigestMismatch => "A digest in the record is not that of what the document says.",
            Code::ReferenceInvalid => {
                "The statement is about something that is not in the log as it says, and changes nothing."
            }
            Code::ReferenceUnknown => "What the statement is about could not be read.",
            Code::ValueUnknown => "A newer release may understand it; this one passes the statement over.",
            Code::PendingInvalid => "It would be refused, or would be bad, if it were appended.",
            Code::PendingDropped => {
                "It was nobody's record yet; whoever signed it may still think that it will be."
            }
            Code::Stray => "It is not part of the log, and says nothing.",
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Entries whose bytes lead to the root.
    pub entries: u64,
    /// Registrations among them.
    pub registrations: u64,
    /// Statements about keys among them.
    pub key_statements: u64,
    /// Relations, assessments and notices among them.
    pub statements: u64,
    /// Statements that wait to be appended, and could be.
    pub pending: u64,
    /// Signatures that hold, the checkpoint's not counted.
    pub signatures: u64,
    /// Hash tiles and entry bundles compared.
    pub tiles: u64,
    /// Openings that match their commitment.
    pub openings: u64,
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
        self.entries += other.entries;
        self.registrations += other.registrations;
        self.key_statements += other.key_statements;
        self.statements += other.statements;
        self.pending += other.pending;
        self.signatures += other.signatures;
        self.tiles += other.tiles;
        self.openings += other.openings;
        self.originals += other.originals;
        self.originals_not_stored += other.originals_not_stored;
        self.claims += other.claims;
        self.cosignatures += other.cosignatures;
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

    /// Names what was not looked at. The first `compared` entries were only compared with what was checked before.
    pub(super) fn name_what_was_not_checked(&mut self, compared: u64) {
        if compared > 0 {
            self.not_checked.push(format!(
                "the signatures and stored originals of entries 0 to {} once more: all was checked before, and neither \
                 the entries nor their openings have changed since",
                compared - 1
            ));
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
        let weight = match finding.severity {
            Severity::Note => Verdict::Verified,
            Severity::Unverifiable => Verdict::Unverifiable,
            Severity::Invalid => Verdict::Invalid,
        };
        self.verdict = self.verdict.max(weight);
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
}
