//! `dateline prove`

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::json;

use crate::base::Hash;
use crate::base::limits::{NOTE_MAX_BYTES, TLOG_PROOF_MAX_BYTES};
use crate::verify::{LogReader, MadeProof, Memory, ReaderError, read_log_as};
use crate::view::sanitize;

use super::args::{ProveArgs, TrustArgs};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::input::{Input, read_bounded, record_named};
use super::output::{Output, print_exactly};
use super::state::AuditorState;
use super::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, args: &ProveArgs, output: Output) -> Outcome<()> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let checkpoint = args.checkpoint.as_ref().map(|path| read_bounded(path, NOTE_MAX_BYTES)).transpose()?;
    let checkpoint = checkpoint.as_deref();
    let proof = match (&args.upgrade, &args.target) {
        (Some(old), _) => {
            let name = old.display().to_string();
            let old = read_bounded(old, TLOG_PROOF_MAX_BYTES)?;
            let upgraded = read_log_as(&store, &trust, |reader| reader.upgrade_proof(&old, checkpoint));
            upgraded.map_err(|error| Failure::from(error).under(format!("cannot upgrade {name}")))?
        }
        (None, Some(target)) => {
            let wanted = Wanted::of(target)?;
            let made = read_log_as(&store, &trust, |reader| {
                let index = wanted.find(reader)?;
                let memory = remembered(reader);
                let prove =
                    |index| reader.proof_file_since(index, &args.withhold, checkpoint, memory.as_ref());
                index.map(prove).transpose()
            })?;
            made.ok_or_else(|| not_registered(target))?
        }
        (None, None) => return Err(Failure::new(Exit::Usage, "neither a record nor an old proof is named")),
    };
    write(&proof, args.output.as_deref(), output)
}

/// Returns what `verify` remembers of the log, if anything that can be used: a proof is the same without, and takes longer.
fn remembered(reader: &LogReader<'_>) -> Option<Memory> {
    AuditorState::at(None)?.recall(reader.log()).ok().flatten()
}

/// What is to be proven.
enum Wanted {
    Record(u64),
    Document(Hash),
}

impl Wanted {
    /// A number is a record, anything else a file.
    fn of(target: &Path) -> Outcome<Self> {
        if let Some(record) = record_named(target)? {
            return Ok(Wanted::Record(record));
        }
        Ok(Wanted::Document(Hash::of(&Input::File(target.to_owned()).read()?)))
    }

    /// Returns the first record that registers the document, signed by someone who may.
    fn find(&self, reader: &LogReader<'_>) -> Result<Option<u64>, ReaderError> {
        let original = match self {
            Wanted::Record(record) => return Ok(Some(*record)),
            Wanted::Document(original) => *original,
        };
        let mut found = None;
        reader.scan(|record| {
            if record.entry.original() == Some(original) && record.signer.is_ok() {
                found = Some(record.index);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }
}

fn not_registered(target: &Path) -> Failure {
    let message = format!("{} is not registered: no record has its bytes", target.display());
    Failure::new(Exit::NotFound, message).hint("`dateline check FILE` looks for its wording too")
}

fn write(proof: &MadeProof, path: Option<&Path>, output: Output) -> Outcome<()> {
    let MadeProof { file, checkpoint, withheld } = proof;
    let Some(path) = path else { return print_exactly(file.format().as_bytes()) };
    write_new(path, file.format().as_bytes())?;
    let (record, size) = (file.index(), checkpoint.size());
    output.print(
        || {
            let withheld: Vec<&str> = withheld.iter().map(|one| one.field.as_str()).collect();
            let without = match withheld.as_slice() {
                [] => String::new(),
                some => format!("; withheld: {}", sanitize(&some.join(", "))),
            };
            let path = sanitize(&path.display().to_string());
            format!("record {record} proven in {path}, against {size} entries{without}\n")
        },
        || {
            let checkpoint = json!({"size": size, "rootHash": checkpoint.root_hash()});
            json!({"record": record, "output": path, "checkpoint": checkpoint, "withheld": withheld})
        },
    )
}

/// Writes a file that must not exist yet, or nothing.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = opened.map_err(|error| {
        let failure =
            Failure::new(Exit::Unavailable, format!("cannot write {}", path.display())).because(&error);
        match error.kind() {
            io::ErrorKind::AlreadyExists => failure.hint("name another file, or remove that one"),
            _ => failure,
        }
    })?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| {
        // Best effort: half a file is worse than none.
        let _ = std::fs::remove_file(path);
        Failure::new(Exit::Unavailable, format!("cannot write {}", path.display())).because(&error)
    })
}
