//! `dateline sign`: puts a person's signature on a statement that a server prepared, after showing what it says.

use std::io::{self, BufRead, IsTerminal};
use std::path::Path;

use serde_json::{Value, json};

use crate::base::Hash;
use crate::base::encoding::to_base64;
use crate::record::pending::PENDING_MAX_BYTES;
use crate::record::{Entry, Kind, Pending, Prepared};
use crate::view::{View, sanitize_to, statement_text};

use super::args::SignFileArgs;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::input::{Input, read_bounded};
use super::output::{Output, print_exactly, say};
use super::workspace::{Passphrases, Workspace};

pub(crate) fn run(workspace: &Workspace, args: &SignFileArgs, output: Output) -> Outcome<()> {
    let bytes = match args.file.as_os_str() == "-" {
        true => Input::Standard.read()?,
        false => read_bounded(&args.file, PENDING_MAX_BYTES)?,
    };
    let (prepared, entry) = Prepared::read(&bytes).map_err(|error| {
        let failure = Failure::new(Exit::Usage, "that is nothing to sign").because(&error);
        failure.hint("give what POST /api/v1/records/prepare answered")
    })?;
    // A statement about keys decides who may sign: it is made where the root keys are.
    let kind = entry.kind().filter(|kind| *kind != Kind::Key).ok_or_else(|| {
        let failure = Failure::new(Exit::Key, "such a statement is not signed for a server");
        failure.hint("statements about keys are made with `dateline key`")
    })?;
    let document = args.document.as_deref().map(|path| document(path, &entry)).transpose()?;
    say(&told(&prepared, &entry, kind));
    if !args.yes {
        agreed()?;
    }
    let mut passphrases = Passphrases::default();
    let what = format!("the one that is asked for, {}…", &prepared.key.key_id().to_hex()[..16]);
    let signer = workspace.signer(&[prepared.key], args.key.as_deref(), &what, &mut passphrases)?;
    let signature = signer.sign(&prepared.to_be_signed())?;
    let sealed = prepared.seal(signature)?;
    let mut signed: Value = serde_json::from_slice(&Pending::of(&sealed).format()).map_err(|error| {
        Failure::new(Exit::Internal, "what was signed cannot be read again").because(&error)
    })?;
    if let Some(document) = document {
        signed["document"] = json!(to_base64(&document));
    }
    if output.is_json() {
        return output.print(String::new, || signed);
    }
    print_exactly(format!("{signed}\n").as_bytes())
}

/// Reads the document, which must be the one that the statement registers.
fn document(path: &Path, entry: &Entry) -> Outcome<Vec<u8>> {
    let bytes = Input::File(path.to_owned()).read()?;
    match entry.original() == Some(Hash::of(&bytes)) {
        true => Ok(bytes),
        false => {
            let message = format!("the statement does not register {}", path.display());
            Err(Failure::new(Exit::Invalid, message).hint("ask the server to prepare this document's"))
        }
    }
}

/// Returns what a person is about to sign, in words.
fn told(prepared: &Prepared, entry: &Entry, kind: Kind) -> String {
    let mut out = format!("to be signed by key {}: {kind}\n", prepared.key.key_id());
    match entry.open_registration(&prepared.openings).ok().zip(entry.original()) {
        Some((opened, original)) => {
            let view = View::of_record(&original, &opened);
            out.push_str(&view.text());
            for (name, digest) in &view.digests {
                let digest = digest.as_str().unwrap_or_default();
                out.push_str(&format!("  {name:<12}{}\n", sanitize_to(digest, 100)));
            }
        }
        None => {
            let opened = entry.open::<Value>(&prepared.openings).map(|opened| opened.value);
            out.push_str(&statement_text(&opened.unwrap_or_else(|_| entry.predicate())));
        }
    }
    out.trim_end().to_owned()
}

fn agreed() -> Outcome<()> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        let failure = Failure::new(Exit::Usage, "there is no terminal to ask on");
        return Err(failure.hint("say --yes once you have read what it says"));
    }
    say("Sign this? [y/N] ");
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Failure::new(Exit::Unavailable, "cannot read the answer").because(&error))?;
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Usage, "nothing was signed")),
    }
}
