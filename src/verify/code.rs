//! What can be wrong, as codes that stay: how much each weighs, and what it means.

use serde::{Deserialize, Serialize};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// What an erasure says was destroyed is still there.
    ErasureIncomplete,
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
    /// An article, or what it is said to rest on, is not as the lock file says.
    LockOutdated,
    /// An article that the lock file names cannot be read.
    ArticleMissing,
    /// A locked source is not the entry that was locked.
    SourceChanged,
    /// The signer of a locked source does not hold.
    SourceInvalid,
    /// A source was retracted, killed or taken down.
    SourceRetracted,
    /// A claim of a source was refuted.
    SourceRefuted,
    /// A source is under an embargo.
    SourceEmbargoed,
    /// A source does not meet the desk's rule.
    SourceBelowRule,
    /// No source is locked for an article that a rule is to be held against.
    SourceNone,
    /// A source is registered by nobody.
    SourceUnresolved,
    /// A source, or that the article rests on it, waits to be appended to the log.
    SourcePending,
    /// The checkpoint is older than allowed.
    CheckpointTooOld,
    /// How old the checkpoint is cannot be told.
    CheckpointAgeUnknown,
    /// There are reasons against a claim of a source, or another document says otherwise.
    SourceDisputed,
    /// A source was corrected, clarified, updated or superseded.
    SourceCorrected,
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
            | Code::ExtractorUnknown
            | Code::ArticleMissing
            | Code::SourceNone
            | Code::SourceUnresolved
            | Code::SourcePending
            | Code::CheckpointTooOld
            | Code::CheckpointAgeUnknown => Severity::Unverifiable,
            Code::PendingDropped
            | Code::Stray
            | Code::ErasureIncomplete
            | Code::SourceDisputed
            | Code::SourceCorrected => Severity::Note,
            _ => Severity::Invalid,
        }
    }
}

impl Code {
    /// The codes that an audit looks for, in the order of its checks.
    pub const ALL: [Code; 42] = [
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
        Code::ErasureIncomplete,
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

    /// The codes that a gate looks for, in the order of its checks.
    pub const GATE: [Code; 20] = [
        Code::RolledBack,
        Code::Forked,
        Code::PrefixRewritten,
        Code::KindUnknown,
        Code::ValueUnknown,
        Code::LockOutdated,
        Code::ArticleMissing,
        Code::SourceChanged,
        Code::SourceInvalid,
        Code::SourceRetracted,
        Code::SourceRefuted,
        Code::SourceEmbargoed,
        Code::SourceBelowRule,
        Code::SourceNone,
        Code::SourceUnresolved,
        Code::SourcePending,
        Code::CheckpointTooOld,
        Code::CheckpointAgeUnknown,
        Code::SourceDisputed,
        Code::SourceCorrected,
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
            Code::SignerUnknown => "An entry before that could not be read may say of keys what allows it.",
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
            Code::ErasureIncomplete => {
                "Somebody was promised that nobody can read it here any more: run `dateline erase` again, or delete it."
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
            Code::LockOutdated => {
                "The sources of the article were not all looked at: run `dateline lock` and review what it changes."
            }
            Code::ArticleMissing => "Whether the article is the one that was locked cannot be judged.",
            Code::SourceChanged => {
                "The lock file pins another entry than the log holds there: one of the two was changed."
            }
            Code::SourceInvalid => {
                "Whoever signed the source's record was nobody at that place in the log: it must not be relied on."
            }
            Code::SourceRetracted => {
                "Whoever answers for the source took it back: the article must not rest on it any more."
            }
            Code::SourceRefuted => "An assessor found that the source is not what it says it is.",
            Code::SourceEmbargoed => "The source must not be published yet.",
            Code::SourceBelowRule => {
                "Nobody has shown of where the source says it comes from what the rule asks for."
            }
            Code::SourceUnresolved => {
                "What became of the source cannot be known until somebody registers it; --allow-unresolved lets it pass."
            }
            Code::SourceNone => {
                "Nothing was held against the rule: name what the article rests on with `dateline lock ARTICLE --source RECORD`."
            }
            Code::SourcePending => "Until it is in the log, a statement is nobody's record.",
            Code::CheckpointTooOld => {
                "What was said of the sources since may be missing from this copy: fetch the log anew."
            }
            Code::CheckpointAgeUnknown => "What was said of the sources since may be missing from this copy.",
            Code::SourceDisputed => "Whether the article may rest on it is for a person to judge.",
            Code::SourceCorrected => {
                "The article may rest on words that do not stand any more: compare it with the newer ones."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_code_has_a_name_and_a_meaning_of_its_own() {
        assert_eq!(Code::RootMismatch.name(), "rootMismatch");
        let all: BTreeSet<Code> = Code::ALL.into_iter().chain(Code::GATE).collect();
        let names: BTreeSet<String> = all.iter().map(|code| code.name()).collect();
        let meanings: BTreeSet<&str> = all.iter().map(|code| code.meaning()).collect();
        assert_eq!((names.len(), meanings.len()), (all.len(), all.len()));
        assert!(meanings.iter().all(|meaning| meaning.ends_with('.')));
    }
}
