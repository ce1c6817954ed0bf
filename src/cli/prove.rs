//! `dateline prove`

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use crate::verify::read_log;

use super::args::{ProveArgs, TrustArgs};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::output::{Output, print_exactly};
use super::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, args: &ProveArgs, output: Output) -> Outcome<()> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let (proof, checkpoint) = read_log(&store, &trust, |reader| {
        Ok((reader.proof_file(args.record)?, reader.checkpoint().clone()))
    })?;
    let Some(path) = &args.output else { return print_exactly(proof.format().as_bytes()) };
    write_new(path, proof.format().as_bytes())?;
    output.print(
        || format!("record {} proven in {}\n", args.record, path.display()),
        || {
            let checkpoint = json!({"size": checkpoint.size(), "rootHash": checkpoint.root_hash()});
            json!({"record": args.record, "output": path, "checkpoint": checkpoint})
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
