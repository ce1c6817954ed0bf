//! `dateline check`

use std::ops::ControlFlow;

use serde_json::{Value, json};

use crate::article::{self, ReadOptions};
use crate::base::Hash;
use crate::base::limits::TLOG_PROOF_MAX_BYTES;
use crate::verify::{check_proof, read_log};

use super::args::CheckArgs;
use super::exit::Exit;
use super::failure::Outcome;
use super::input::{Input, read_bounded};
use super::output::Output;
use super::terminal::sanitize;
use super::view::View;
use super::workspace::Workspace;

/// What is known of a document, the stronger first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    SameBytes,
    SameWording,
    Unknown,
}

impl Answer {
    fn word(self) -> &'static str {
        match self {
            Answer::SameBytes => "sameBytes",
            Answer::SameWording => "sameWording",
            Answer::Unknown => "unknown",
        }
    }
}

pub(crate) fn run(workspace: &Workspace, args: &CheckArgs, output: Output) -> Outcome<Exit> {
    let input = if args.file.as_os_str() == "-" { Input::Standard } else { Input::File(args.file.clone()) };
    let bytes = input.read()?;
    let file_name = input.file_name();
    if let Some(proof) = &args.proof {
        let trust = workspace.trust(&args.trust)?;
        let proof = read_bounded(proof, TLOG_PROOF_MAX_BYTES)?;
        return against_proof(&input.name(), &bytes, file_name.as_deref(), &proof, &trust, output);
    }
    let trust = workspace.trust(&args.trust)?;
    let store = workspace.reader();
    let original = Hash::of(&bytes);
    // A document that cannot be read as text can still be known by its bytes.
    let options = ReadOptions { file_name: file_name.as_deref(), ..ReadOptions::default() };
    let wording = article::read(&bytes, &options)
        .ok()
        .filter(|article| !article.text.is_empty())
        .map(|article| article.digests.reflow);

    let (answer, records) = read_log(&store, &trust, |reader| {
        let mut answer = Answer::Unknown;
        let mut records: Vec<(u64, View)> = Vec::new();
        reader.scan(|record| {
            let (Some(opened), Some(registered)) = (&record.registration, record.entry.original()) else {
                return ControlFlow::Continue(());
            };
            let reflow = opened.registration.fingerprints.reflow.sha256;
            let found = match () {
                () if registered == original => Answer::SameBytes,
                () if wording == Some(reflow) => Answer::SameWording,
                () => return ControlFlow::Continue(()),
            };
            // What nobody may have signed says nothing.
            if record.signer.is_err() {
                return ControlFlow::Continue(());
            }
            if found < answer {
                (answer, records) = (found, Vec::new());
            }
            if found == answer {
                records.push((record.index, View::of_record(&registered, opened)));
            }
            ControlFlow::Continue(())
        })?;
        Ok((answer, records))
    })?;
    output.print(
        || text(&input.name(), answer, &records),
        || {
            let records: Vec<Value> = records
                .iter()
                .map(|(index, view)| {
                    let mut members = view.json();
                    members.insert("record".into(), json!(index));
                    Value::Object(members)
                })
                .collect();
            json!({
                "path": input.name(), "answer": answer.word(), "records": records,
                "digests": {"original": format!("sha256:{original}"), "reflow": wording.map(|hash| format!("sha256:{hash}"))},
            })
        },
    )?;
    Ok(if answer == Answer::Unknown { Exit::NotFound } else { Exit::Success })
}

fn text(name: &str, answer: Answer, records: &[(u64, View)]) -> String {
    let mut out = match answer {
        Answer::SameBytes => format!("{}: registered, the same bytes\n", sanitize(name)),
        Answer::SameWording => {
            format!(
                "{}: registered, the same wording in other bytes (line breaks or spaces differ)\n",
                sanitize(name)
            )
        }
        Answer::Unknown => return format!("{}: not registered\n", sanitize(name)),
    };
    for (index, view) in records {
        out.push_str(&format!("record {index}\n{}", view.text()));
    }
    out
}

fn against_proof(
    name: &str,
    bytes: &[u8],
    file_name: Option<&str>,
    proof: &[u8],
    trust: &crate::verify::Trust,
    output: Output,
) -> Outcome<Exit> {
    let proven = check_proof(bytes, file_name, proof, trust)?;
    let checkpoint = proven.opened.checkpoint();
    let view = View::of_record(&proven.original, &proven.registration);
    let witnesses = proven.opened.cosignatures().len();
    output.print(
        || {
            let same = if proven.same_bytes { "these bytes were" } else { "this wording, in other bytes, was" };
            format!(
                "{}: verified: {same} registered as record {} of {}\n{}  {:<12}{} entries, {witnesses} witnesses\n\
                 This establishes that the record is in the log, signed by a key that a root key enrolled before it.\n\
                 It does not establish that the named origin produced the document, nor that it is true,\n\
                 nor that the key was not revoked in between: that takes the log.\n",
                sanitize(name), proven.index, sanitize(checkpoint.origin().as_str()), view.text(),
                "checkpoint", checkpoint.size(),
            )
        },
        || {
            let mut members = view.json();
            members.insert("path".into(), json!(name));
            members.insert("verdict".into(), json!("verified"));
            let answer = if proven.same_bytes { Answer::SameBytes } else { Answer::SameWording };
            members.insert("answer".into(), json!(answer.word()));
            members.insert("record".into(), json!(proven.index));
            members.insert("logOrigin".into(), json!(checkpoint.origin().as_str()));
            members.insert("signer".into(), json!(proven.signer));
            members.insert("witnesses".into(), json!(witnesses));
            members.insert("notChecked".into(), json!(["whether the signer's key was revoked before: that takes the log"]));
            let checkpoint = json!({"size": checkpoint.size(), "rootHash": checkpoint.root_hash()});
            members.insert("checkpoint".into(), checkpoint);
            Value::Object(members)
        },
    )?;
    Ok(Exit::Success)
}
