//! `dateline check`

use serde_json::{Value, json};

use crate::article::{self, ReadOptions};
use crate::base::Hash;
use crate::base::limits::TLOG_PROOF_MAX_BYTES;
use crate::index::Source;
use crate::likeness::{Passage, PassageKind, Text, diff};
use crate::look::document::{self, Answer, How, Known, know};
use crate::record::Lineage;
use crate::verify::{ProvenRecord, Sameness, Trust, check_proof, check_proof_alone, read_log};
use crate::view::history;
use crate::view::lineage::Warnings;
use crate::view::{MISSING, View, WITHHELD, json_word, sanitize, sanitize_to, statement_text};

use super::args::CheckArgs;
use super::differences;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::input::{Input, read_bounded};
use super::now;
use super::output::{Output, coloured};
use super::search;
use super::workspace::Workspace;

/// Passages, and figures, of one record that are shown to a person; JSON has all.
const LINES_MAX: usize = 10;
pub(crate) fn run(workspace: &Workspace, args: &CheckArgs, output: Output) -> Outcome<Exit> {
    let trust = workspace.trust(&args.trust)?;
    let input = args.file.as_ref().map(|file| match file.as_os_str() == "-" {
        true => Input::Standard,
        false => Input::File(file.clone()),
    });
    match (&args.proof, input) {
        (Some(proof), input) => {
            let document = match input {
                Some(input) => Some((input.read()?, input)),
                None => None,
            };
            let file = read_bounded(proof, TLOG_PROOF_MAX_BYTES)?;
            let proven = match &document {
                Some((bytes, input)) => check_proof(bytes, input.file_name().as_deref(), &file, &trust)?,
                None => check_proof_alone(&file, &trust)?,
            };
            let name = document.map_or_else(|| proof.display().to_string(), |(_, input)| input.name());
            print_proven(&name, &proven, output)
        }
        (None, Some(input)) => against_log(workspace, &input, &trust, args, output),
        (None, None) => Err(Failure::new(Exit::Usage, "neither a document nor a proof is named")),
    }
}

fn against_log(
    workspace: &Workspace,
    input: &Input,
    trust: &Trust,
    args: &CheckArgs,
    output: Output,
) -> Outcome<Exit> {
    let with_diff = args.diff;
    let bytes = input.read()?;
    let file_name = input.file_name();
    // A document that cannot be read as text can still be known by its bytes.
    let options = ReadOptions { file_name: file_name.as_deref(), ..ReadOptions::default() };
    let article = article::read(&bytes, &options).ok().filter(|article| !article.text.is_empty());
    let original = Hash::of(&bytes);
    let (store, folder) = (workspace.reader(), workspace.derived());
    let known = search::with_bar(|progress| {
        read_log(&store, trust, |reader| {
            let source = Source { reader, store: &store, trust, records: &folder, progress };
            know(&source, &original, article.as_ref(), args.whole_log)
        })
    })?;
    let text_of = article.as_ref().map(|article| Text::new(&article.text));
    let graph = Lineage::of(&known.standings);
    let warnings = Warnings::of(&graph, now());
    output.print(
        || text(&input.name(), &known, &warnings, text_of.as_ref(), with_diff),
        || document::json(&input.name(), &original, article.as_ref(), &known, with_diff, now()),
    )?;
    let registered = matches!(known.answer, Answer::SameBytes | Answer::SameWording);
    Ok(if registered { Exit::Success } else { Exit::NotFound })
}

fn text(
    name: &str,
    known: &Known,
    warnings: &Warnings<'_>,
    document: Option<&Text<'_>>,
    with_diff: bool,
) -> String {
    let name = sanitize(name);
    let mut out = match known.answer {
        Answer::SameBytes => format!("{name}: registered, the same bytes\n"),
        Answer::SameWording => {
            format!("{name}: registered, the same wording in other bytes (line breaks or spaces differ)\n")
        }
        Answer::SameWordingNumbersDiffer => {
            let alarm = coloured("ALARM", false);
            format!("{name}: {alarm}: not registered; what is has the same wording and OTHER FIGURES\n")
        }
        Answer::Similar => format!("{name}: not registered, but similar to what is\n"),
        Answer::Passage => format!("{name}: not registered, but a passage of it is\n"),
        Answer::Unknown => format!("{name}: not registered\n"),
    };
    for warning in known.warnings.iter().filter(|warning| warning.is_of_credit() || warning.is_of_quotes()) {
        out.push_str(&format!("  ! {}\n", warning.message));
    }
    for found in &known.records {
        out.push_str(&format!("record {}", found.index));
        out.push_str(&how_text(&found.how, known.answer, document));
        if let Some(unread) = found.unread {
            out.push_str(&format!(
                "  only whole paragraphs and quotations were compared: a record {}\n",
                unread.says()
            ));
        }
        let standing = history::text(known.standings.of(found.index), now());
        let view = found.view.as_ref().map(View::text).unwrap_or_default();
        out.push_str(&format!("{view}{standing}"));
        out.push_str(&warnings.text(found.index));
        if let (true, Some(registered), Some(document)) = (with_diff, &found.how.text, document) {
            out.push_str("  from the registered text to this one:\n");
            out.push_str(&differences::text(&diff(&Text::new(registered), document)));
        }
    }
    if known.answer > Answer::SameWording {
        for (why, count) in &known.unread {
            out.push_str(&format!("not compared by their texts: {count} records {}\n", why.says()));
        }
    }
    out
}

/// Says how a record is like a document: the end of its line, and lines below.
fn how_text(how: &How, answer: Answer, document: Option<&Text<'_>>) -> String {
    let document = document.map_or("", |document| document.as_str());
    let mut lines: Vec<String> = Vec::new();
    let mut out = match (answer, how.shares) {
        (Answer::Similar, Some((ours, theirs))) => {
            format!(": has {ours} % of this document; {theirs} % of it stands here\n")
        }
        _ => "\n".to_owned(),
    };
    if let Some(registered) = &how.text {
        let figures = how.figures.iter().map(|change| differences::figure(change, document, registered));
        lines.extend(figures.map(|figure| format!("figure: {figure}")));
    }
    lines.extend(how.passages.iter().map(|passage| {
        let Passage { kind, first, second } = passage;
        let kind = match kind {
            PassageKind::Paragraph => "paragraph",
            PassageKind::Quotation => "quotation",
            PassageKind::Sentence => "sentence",
        };
        let places =
            format!("here {} to {}, there {} to {}", first.start, first.end, second.start, second.end);
        format!("{kind}: {} ({places})", differences::excerpt(document, *first))
    }));
    let more = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    if more > 0 {
        lines.push(format!("and {more} more: --format json has all"));
    }
    lines.iter().for_each(|line| out.push_str(&format!("  {line}\n")));
    out
}

/// What a proof leaves open.
fn not_checked(proven: &ProvenRecord) -> Vec<String> {
    let mut out = vec![match proven.original {
        Some(_) => {
            "whether the signer's key was revoked before, or needed more root keys: that takes the log"
                .to_owned()
        }
        None => "what became of that key before and since: that takes the log".into(),
    }];
    if proven.original.is_some() {
        out.push("what was said of the record since, a retraction say: that takes the log".into());
    }
    if proven.original.is_some() && proven.document.is_none() {
        out.push("which document it is about: none was given".into());
    }
    if proven.registration.is_none() && proven.original.is_some() {
        out.push("whether the records that it points to are what it says: that takes the log".into());
    }
    let missing = proven.missing.iter().map(|pointer| {
        format!("what is committed at {pointer}: its opening is not in the proof, and nobody says that it was withheld")
    });
    out.extend(missing);
    out
}

fn print_proven(name: &str, proven: &ProvenRecord, output: Output) -> Outcome<Exit> {
    let checkpoint = proven.opened.checkpoint();
    let kind = proven.entry.kind().map_or_else(String::new, |kind| kind.to_string());
    let view = proven
        .registration
        .as_ref()
        .zip(proven.original)
        .map(|(opened, original)| View::of_record(&original, opened).with_missing(&proven.missing));
    let witnesses = proven.opened.cosignatures().len();
    let not_checked = not_checked(proven);
    // Whoever passes a proof on can take openings out of it: only the log knows of erasures.
    let whole = proven.missing.is_empty();
    output.print(
        || {
            let log = sanitize(checkpoint.origin().as_str());
            let index = proven.index;
            let what = match (&view, proven.document) {
                (Some(_), Some(Sameness::Bytes)) => {
                    format!("these bytes were registered as record {index} of {log}")
                }
                (Some(_), Some(Sameness::Wording)) => {
                    format!("this wording, in other bytes, was registered as record {index} of {log}")
                }
                (None, Some(_)) => format!("record {index} of {log} is a {kind} about the document with these bytes"),
                (_, None) => format!("record {index} of {log} is a {kind} statement"),
            };
            let verdict = if whole { "verified" } else { "UNVERIFIABLE" };
            let more = if whole { "" } else { ", but what it commits to is not all at hand" };
            let mut out = format!("{}: {verdict}: {what}{more}\n", sanitize(name));
            match &view {
                Some(view) => out.push_str(&view.text()),
                None => out.push_str(&statement_text(&proven.entry.predicate())),
            }
            let mut line = |name: &str, value: &str| out.push_str(&format!("  {name:<12}{value}\n"));
            for one in &proven.withheld {
                let field = sanitize(&one.field);
                line("", &match &one.erased {
                    Some(by) => {
                        let reason = sanitize_to(&json_word(&by.reason), 40);
                        format!("{WITHHELD}: {field} (erased, entry {}, reason {reason})", by.entry)
                    }
                    None => format!("{WITHHELD}: {field}, left out of the proof on purpose"),
                });
            }
            for pointer in &proven.missing {
                line("", &format!("{MISSING}: the opening of {}", sanitize(pointer)));
            }
            line("signer", &proven.signer.to_string());
            line("checkpoint", &format!("{} entries, {witnesses} witnesses", checkpoint.size()));
            let signer = match proven.original {
                Some(_) => "a key that a root key enrolled before it",
                None => "a root key",
            };
            out.push_str(&format!("This establishes that the record is in the log, signed by {signer}.\n"));
            if view.is_some() {
                out.push_str("It does not establish that the named origin produced the document, nor that it is true.\n");
            }
            for one in &not_checked {
                out.push_str(&format!("not checked: {}\n", sanitize(one)));
            }
            out
        },
        || {
            let mut members = view.as_ref().map(View::json).unwrap_or_default();
            members.insert("path".into(), json!(name));
            members.insert("verdict".into(), json!(if whole { "verified" } else { "unverifiable" }));
            let answer = proven.document.map(|document| match document {
                Sameness::Bytes => Answer::SameBytes.word(),
                Sameness::Wording => Answer::SameWording.word(),
            });
            members.insert("answer".into(), json!(answer));
            members.insert("record".into(), json!(proven.index));
            members.insert("kind".into(), json!(kind));
            members.insert("logOrigin".into(), json!(checkpoint.origin().as_str()));
            members.insert("signer".into(), json!(proven.signer));
            members.insert("witnesses".into(), json!(witnesses));
            members.insert("withheld".into(), json!(proven.withheld));
            members.insert("missing".into(), json!(proven.missing));
            members.insert("notChecked".into(), json!(not_checked));
            let checkpoint = json!({"size": checkpoint.size(), "rootHash": checkpoint.root_hash()});
            members.insert("checkpoint".into(), checkpoint);
            Value::Object(members)
        },
    )?;
    Ok(if whole { Exit::Success } else { Exit::Unavailable })
}
