//! From a library's error to what a person is told: the exit code, the cause, and what to do next. All of it here.

use std::error::Error;
use std::io;

use crate::article::ReadError;
use crate::capture::CaptureError;
use crate::keys::KeyError;
use crate::log::{AppendError, OpenError};
use crate::note;
use crate::record::StateError;
use crate::record::decisions::DecisionError;
use crate::storage::StoreError;
use crate::storage::archive::ArchiveError;
use crate::storage::bucket::AddressError as BucketAddressError;
use crate::storage::web::AddressError;
use crate::verify::{
    AuditError, CombineError, EvidenceError, GateError, LockError, PartError, PinError, ProofCheckError,
    ProveError, Range, RangeError, ReaderError,
};

use super::exit::Exit;
use super::failure::Failure;

const DAMAGED: &str = "run `dateline verify` to see what is damaged; restore records/ from a copy";
const INIT: &str = "make a log with `dateline init --log-origin NAME`, or name its folder with --workspace";

/// Builds a failure of `exit` out of an error: its own words, then its causes.
fn told(exit: Exit, error: &dyn Error) -> Failure {
    let failure = Failure::new(exit, error.to_string());
    match error.source() {
        Some(source) => failure.because(source),
        None => failure,
    }
}

/// What an operating system's refusal calls for.
fn io_hint(failure: Failure, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            failure.hint("free some space and try again")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            failure.hint("give yourself permission to write there, or work in another folder")
        }
        _ => failure,
    }
}

/// What the operating system refused, and what that calls for.
pub(super) fn refused(message: impl Into<String>, error: &io::Error) -> Failure {
    io_hint(Failure::new(Exit::Unavailable, message).because(error), error)
}

/// What a refusal below a store's error calls for.
fn store_hint(failure: Failure, error: &StoreError) -> Failure {
    match error {
        StoreError::Io { source, .. } => io_hint(failure, source),
        _ => failure,
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Locked { .. } => told(Exit::Locked, &error).hint("try again when it has finished"),
            StoreError::Io { op: "fetch", .. } => told(Exit::Unavailable, &error)
                .hint("look at the address in a browser; try again later, or with a longer --timeout"),
            StoreError::Io { source, .. } => io_hint(told(Exit::Unavailable, &error), source),
            StoreError::Immutable { .. } => told(Exit::Invalid, &error).hint(DAMAGED),
            StoreError::TooLarge { .. } => told(Exit::Invalid, &error).hint(DAMAGED),
            StoreError::Unsafe { .. } => told(Exit::Unavailable, &error).hint(
                "several writers would fork the log there: use a store that heeds If-None-Match and If-Match, also when \
                 many write at once",
            ),
            StoreError::CutShort { .. } => told(Exit::Unavailable, &error).hint("run the same command again"),
            _ => told(Exit::Internal, &error),
        }
    }
}

impl From<BucketAddressError> for Failure {
    fn from(error: BucketAddressError) -> Self {
        told(Exit::Usage, &error).hint(
            "settings are taken from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL …",
        )
    }
}

impl From<AddressError> for Failure {
    fn from(error: AddressError) -> Self {
        told(Exit::Usage, &error).hint("name a folder, an archive, or an http(s) address without a user name")
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        let failure = told(Exit::Unavailable, &error);
        match error {
            ArchiveError::Io { source, .. } => io_hint(failure, &source),
            ArchiveError::Twice { .. } | ArchiveError::TwoLogs { .. } => failure.hint(
                "ask whoever made it for one that holds each file once, or unpack it and name the folder",
            ),
            ArchiveError::Members { .. } | ArchiveError::TooLarge { .. } => {
                failure.hint("unpack it where there is room, and name the folder")
            }
            ArchiveError::Format { .. } => {
                failure.hint("name a folder, an archive of one, or the address of either")
            }
            ArchiveError::Cut { .. } => failure.hint("get it again: it was not copied whole"),
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        let failure = told(Exit::Key, &error);
        match &error {
            KeyError::Permissions { path, .. } => {
                failure.hint(format!("make it yours alone: chmod 600 {}", path.display()))
            }
            KeyError::NoPassphrase { .. } => {
                failure.hint("run it on a terminal, or put the passphrase into a file and name that in DATELINE_PASSPHRASE_FILE")
            }
            KeyError::WrongPassphrase { .. } => failure.hint("try again; there is no way back from a lost passphrase"),
            KeyError::Algorithm { .. } => failure.hint("make an Ed25519 key: ssh-keygen -t ed25519"),
            KeyError::Agent { .. } => failure.hint("start an agent and add the key: eval $(ssh-agent); ssh-add"),
            KeyError::AgentRefused { .. } => failure.hint("add the key to the agent: ssh-add"),
            KeyError::Io { source, .. } => {
                let mut failure = io_hint(failure, source);
                failure.exit = Exit::Unavailable;
                failure
            }
            _ => failure,
        }
    }
}

/// A checkpoint that a policy does not take.
fn checkpoint(error: &dyn Error, cause: &note::OpenError) -> Failure {
    let exit = match cause {
        note::OpenError::QuorumNotReached(_) | note::OpenError::LogUnverifiable { .. } => Exit::Unavailable,
        _ => Exit::Invalid,
    };
    told(exit, error).hint("check that keys/policy is the one of this log; `dateline verify` tells more")
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Store(error) => error.into(),
            OpenError::NoLog => told(Exit::NotFound, &error).hint(INIT),
            OpenError::Exists => told(Exit::Usage, &error),
            OpenError::Checkpoint(ref cause) => checkpoint(&error, cause),
            OpenError::SetBack { .. } | OpenError::Forked { .. } => told(Exit::Invalid, &error)
                .hint("going on would sign two histories: bring back the newer records/"),
            OpenError::Missing { .. } => told(Exit::Unavailable, &error).hint(DAMAGED),
            _ => told(Exit::Invalid, &error).hint(DAMAGED),
        }
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Sign(error) => Failure::from(error).under("the new checkpoint could not be signed"),
            AppendError::NotAppended(error) => Failure::from(error).under("nothing was appended"),
            AppendError::NotAllowed(_) => told(Exit::Key, &error),
            AppendError::WrongKey(_) => told(Exit::Key, &error),
            AppendError::Checkpoint(ref cause) => checkpoint(&error, cause),
            AppendError::Openings { .. } => told(Exit::Invalid, &error).hint(DAMAGED),
            AppendError::Raced { .. } => told(Exit::Locked, &error).hint("try again"),
            AppendError::NotReadAgain(error) => Failure::from(*error)
                .under("it is not known whether the records were appended")
                .hint("run the same command again: what is registered is not registered twice"),
            AppendError::Unknown(ref source) => store_hint(told(Exit::Unavailable, &error), source)
                .hint("run the same command again: what is registered is not registered twice"),
            AppendError::Unpublished { ref source, .. } => {
                store_hint(told(Exit::Unavailable, &error), source)
                    .hint("then run the same command again: it finishes the work")
            }
            AppendError::Full { .. } | AppendError::OpeningsFull { .. } | AppendError::Entry(_) => {
                told(Exit::Unavailable, &error)
            }
            _ => told(Exit::Internal, &error),
        }
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        told(Exit::Key, &error)
    }
}

impl From<ReaderError> for Failure {
    fn from(error: ReaderError) -> Self {
        match &error {
            ReaderError::NoLog => told(Exit::NotFound, &error).hint(INIT),
            ReaderError::NoRecord { .. } => {
                told(Exit::NotFound, &error).hint("`dateline list` shows what there is")
            }
            ReaderError::NotARegistration { .. } => {
                told(Exit::NotFound, &error).hint("name the record of a document: `dateline list` shows them")
            }
            ReaderError::Checkpoint(cause) => checkpoint(&error, cause),
            ReaderError::File(finding) if finding.severity == crate::verify::Severity::Unverifiable => {
                told(Exit::Unavailable, &error).hint(DAMAGED)
            }
            _ => told(Exit::Invalid, &error).hint(DAMAGED),
        }
    }
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Store(error) => error.into(),
            _ => told(Exit::NotFound, &error).hint(INIT),
        }
    }
}

const IN_ONE_RUN: &str = "look at the log in one run: dateline verify";

impl From<RangeError> for Failure {
    fn from(error: RangeError) -> Self {
        match error {
            RangeError::Store(error) => error.into(),
            RangeError::NoLog => told(Exit::NotFound, &error).hint(INIT),
            RangeError::Range { range: Range::Entries(start, end), size } if start < size => {
                let begin = start / 256 * 256;
                let end = end.div_ceil(256).saturating_mul(256).min(size);
                let hint =
                    format!("parts begin and end at multiples of 256, or at the log's end: {begin}..{end}");
                told(Exit::Usage, &error).hint(hint)
            }
            RangeError::Range { .. } => told(Exit::Usage, &error),
            _ => told(Exit::Unavailable, &error).hint(IN_ONE_RUN),
        }
    }
}

impl From<PartError> for Failure {
    fn from(error: PartError) -> Self {
        told(Exit::Unavailable, &error).hint("make the part again, with the release that combines it")
    }
}

impl From<CombineError> for Failure {
    fn from(error: CombineError) -> Self {
        let hint = match error {
            CombineError::Audit(error) => return error.into(),
            CombineError::Other { .. } => {
                "make that part again, of this log as it is now, and trusting the same keys"
            }
            CombineError::Gap { .. } => "make the part that is missing, and name it too",
            CombineError::Overlap { .. } => "leave out one of the two",
            CombineError::Key { .. } => {
                "make that part again: without --keys-from, or with the part that names the key too"
            }
            CombineError::Bundle { .. } => {
                "make that part again; if it goes on, whoever serves the log answers each reader otherwise"
            }
            CombineError::Overtaken => "share a copy of the log, or one that rests, and make all parts again",
            CombineError::Lost { .. } => IN_ONE_RUN,
            _ => "make that part again",
        };
        told(Exit::Unavailable, &error).hint(hint)
    }
}

impl From<EvidenceError> for Failure {
    fn from(error: EvidenceError) -> Self {
        let exit = match error {
            EvidenceError::Format(_) => Exit::Unavailable,
            _ => Exit::Invalid,
        };
        told(exit, &error)
    }
}

impl From<ProofCheckError> for Failure {
    fn from(error: ProofCheckError) -> Self {
        let exit = if error.is_unverifiable() { Exit::Unavailable } else { Exit::Invalid };
        let failure = told(exit, &error);
        match error {
            ProofCheckError::NotARegistration { .. } => {
                failure.hint("leave the document out: dateline check --proof FILE")
            }
            _ => failure,
        }
    }
}

impl From<ProveError> for Failure {
    fn from(error: ProveError) -> Self {
        match error {
            ProveError::Reader(error) => error.into(),
            ProveError::Old(error) => Failure::from(error).under("the old proof does not hold"),
            ProveError::Checkpoint(ref cause) => checkpoint(&error, cause),
            ProveError::Withhold(_) => told(Exit::Usage, &error),
            ProveError::TooOld { .. } => {
                told(Exit::Usage, &error).hint("name a newer checkpoint, or none: the log's newest is taken")
            }
            ProveError::Ahead { .. } => {
                told(Exit::Unavailable, &error).hint("fetch the newer log first, then prove against it")
            }
            ProveError::OtherLog { .. } => {
                told(Exit::Unavailable, &error).hint("name the workspace of that log with --workspace")
            }
            ProveError::Contradicts { .. } => told(Exit::Invalid, &error)
                .hint("either this is an old copy, or history was rewritten; `dateline verify` tells more"),
            ProveError::File(_) => told(Exit::Unavailable, &error),
            _ => told(Exit::Invalid, &error),
        }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::NotSigned | LockError::Inconsistent => told(Exit::Invalid, &error)
                .hint("make it anew with `dateline lock`, and review what it changes"),
            LockError::OtherLog { .. } => {
                told(Exit::Unavailable, &error).hint("name the workspace of that log with --workspace")
            }
            LockError::Format(_) => told(Exit::Unavailable, &error).hint("a newer release may read it"),
            _ => told(Exit::Unavailable, &error)
                .hint("restore it from a copy, or make it anew with `dateline lock`"),
        }
    }
}

impl From<PinError> for Failure {
    fn from(error: PinError) -> Self {
        match error {
            PinError::Reader(error) => error.into(),
            PinError::Lock(error) => error.into(),
            PinError::Contradicts(_) => told(Exit::Invalid, &error)
                .hint("either this is an old copy, or history was rewritten; `dateline verify` tells more"),
            PinError::NotRegistered(_) => {
                told(Exit::NotFound, &error).hint("register it first: dateline add FILE")
            }
            _ => told(Exit::NotFound, &error).hint("`dateline list` shows what there is"),
        }
    }
}

impl From<GateError> for Failure {
    fn from(error: GateError) -> Self {
        match error {
            GateError::Reader(error) => error.into(),
            GateError::Lock(error) => error.into(),
        }
    }
}

impl From<DecisionError> for Failure {
    fn from(error: DecisionError) -> Self {
        told(Exit::Usage, &error)
    }
}

impl From<CaptureError> for Failure {
    fn from(error: CaptureError) -> Self {
        let failure = Failure::new(Exit::Unavailable, error.to_string());
        match error {
            CaptureError::Private { .. } => failure.hint("say --allow-private if it is meant"),
            CaptureError::Robots { .. } | CaptureError::RobotsUnavailable { .. } => failure
                .hint("say --ignore-robots if you have the site's leave, or save the page and add the file"),
            CaptureError::Status { .. } | CaptureError::Fetch { .. } => {
                failure.hint("look at the address in a browser")
            }
            _ => failure,
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let failure = told(Exit::Unavailable, &error);
        match error {
            ReadError::Binary { .. } => failure.hint("register a plain text or Markdown version of it"),
            _ => failure,
        }
    }
}

impl From<crate::record::EntryError> for Failure {
    fn from(error: crate::record::EntryError) -> Self {
        match error {
            crate::record::EntryError::TooLarge { .. } => {
                told(Exit::Unavailable, &error).hint("leave out the quotations with --no-quotes")
            }
            crate::record::EntryError::Fault { .. } => told(Exit::Usage, &error),
            _ => told(Exit::Unavailable, &error),
        }
    }
}
