//! What an audit found, in three values.

use serde::Serialize;

use crate::base::Hash;

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
    /// The entries do not give the root that the checkpoint signs.
    RootMismatch,
    /// A file that the checkpoint implies is missing.
    FileMissing,
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
            | Code::FileMissing
            | Code::FileUnreadable
            | Code::KindUnknown
            | Code::ValueUnknown
            | Code::ReferenceUnknown
            | Code::SignerUnknown
            | Code::OpeningMissing
            | Code::OriginalMissing
            | Code::ExtractorUnknown => Severity::Unverifiable,
            Code::Stray => Severity::Note,
            _ => Severity::Invalid,
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
    /// The file below `records/`, where it is about one.
    pub path: Option<String>,
    /// In words.
    pub message: String,
}

impl Finding {
    /// A finding about the log as a whole.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let severity = code.severity();
        Finding { code, severity, record: None, field: None, path: None, message: message.into() }
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
