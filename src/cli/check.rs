//! `dateline check`

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::article::{self, Article, ReadOptions};
use crate::base::Hash;
use crate::base::limits::TLOG_PROOF_MAX_BYTES;
use crate::record::Standings;
use crate::record::registration::OpenedRegistration;
use crate::verify::{ProvenRecord, Sameness, Trust, check_proof, check_proof_alone, read_log};

use super::args::CheckArgs;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::input::{Input, read_bounded};
use super::output::Output;
use super::terminal::{sanitize, sanitize_to};
use super::view::{MISSING, View, WITHHELD, json_word, statement_text};
use super::workspace::Workspace;
use super::{history, now};

/// What is known of a document, the stronger first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    SameBytes,
    SameWording,
    Similar,
    Unknown,
}

impl Answer {
    fn word(self) -> &'static str {
        match self {
            Answer::SameBytes => "sameBytes",
            Answer::SameWording => "sameWording",
            Answer::Similar => "similar",
            Answer::Unknown => "unknown",
        }
    }
}

/// Similar records that are shown.
const SIMILAR_MAX: usize = 5;
/// The share of one of two texts, in percent, that must stand in the other for them to be similar.
const SIMILAR_PERCENT: u64 = 50;

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
        (None, Some(input)) => against_log(workspace, &input, &trust, output),
        (None, None) => Err(Failure::new(Exit::Usage, "neither a document nor a proof is named")),
    }
}

/// A record that has to do with a document.
struct Found {
    index: u64,
    view: View,
    /// For one that is only similar: the share of the document that stands in it, and of it that stands in the document.
    shares: Option<(u64, u64)>,
}

fn against_log(workspace: &Workspace, input: &Input, trust: &Trust, output: Output) -> Outcome<Exit> {
    let bytes = input.read()?;
    let file_name = input.file_name();
    let store = workspace.reader();
    let original = Hash::of(&bytes);
    // A document that cannot be read as text can still be known by its bytes.
    let options = ReadOptions { file_name: file_name.as_deref(), ..ReadOptions::default() };
    let article = article::read(&bytes, &options).ok().filter(|article| !article.text.is_empty());
    let wording = article.as_ref().map(|article| article.digests.reflow);
    let paragraphs = article.as_ref().map(Paragraphs::of).unwrap_or_default();

    let (answer, records, standings) = read_log(&store, trust, |reader| {
        let mut answer = Answer::Unknown;
        let mut records: Vec<Found> = Vec::new();
        let standings = reader.standings(|record| {
            let (Some(opened), Some(registered)) = (&record.registration, record.entry.original()) else {
                return;
            };
            // What nobody may have signed says nothing.
            if record.signer.is_err() {
                return;
            }
            let reflow = opened.registration.fingerprints.reflow.sha256;
            let (found, shares) = match () {
                () if registered == original => (Answer::SameBytes, None),
                () if wording == Some(reflow) => (Answer::SameWording, None),
                () if answer < Answer::Similar => return,
                () => match paragraphs.shared_with(opened) {
                    Some(shares) => (Answer::Similar, Some(shares)),
                    None => return,
                },
            };
            if found < answer {
                (answer, records) = (found, Vec::new());
            }
            if found == answer {
                let view = View::of_record(&registered, opened);
                records.push(Found { index: record.index, view, shares });
                keep_the_most_similar(&mut records);
            }
        })?;
        Ok((answer, records, standings))
    })?;
    output.print(
        || text(&input.name(), answer, &records, &standings),
        || {
            let records = records.iter().map(|found| {
                let mut members = found.view.json();
                members.insert("record".into(), json!(found.index));
                members.insert("standing".into(), history::json(standings.of(found.index)));
                if let Some((document, record)) = found.shares {
                    let shares = json!({"ofDocumentPercent": document, "ofRecordPercent": record});
                    members.insert("similarity".into(), shares);
                }
                Value::Object(members)
            });
            json!({
                "path": input.name(), "answer": answer.word(), "records": records.collect::<Vec<_>>(),
                "digests": {"original": format!("sha256:{original}"), "reflow": wording.map(|hash| format!("sha256:{hash}"))},
            })
        },
    )?;
    let registered = matches!(answer, Answer::SameBytes | Answer::SameWording);
    Ok(if registered { Exit::Success } else { Exit::NotFound })
}

/// Of records that are only similar, the most similar are kept; the earlier of two that are as much so.
fn keep_the_most_similar(records: &mut Vec<Found>) {
    if records.iter().all(|found| found.shares.is_some()) {
        records.sort_by_key(|found| {
            let (document, record) = found.shares.unwrap_or_default();
            (std::cmp::Reverse(document + record), found.index)
        });
        records.truncate(SIMILAR_MAX);
    }
}

/// The paragraphs of a document by the digests of their wording: how often each stands in it, and its characters.
#[derive(Default)]
struct Paragraphs {
    of: HashMap<Hash, (u64, u64)>,
    characters: u64,
}

impl Paragraphs {
    fn of(article: &Article) -> Self {
        let mut paragraphs = Paragraphs::default();
        for paragraph in &article.paragraphs {
            let characters = (paragraph.end - paragraph.start) as u64;
            paragraphs.of.entry(paragraph.reflow_sha256).or_insert((0, characters)).0 += 1;
            paragraphs.characters += characters;
        }
        paragraphs
    }

    /// Returns the share, in percent of the characters, of this document that stands in a registered one, and of that one
    /// that stands in this, both in whole paragraphs; `None` unless they are similar, or if the registered one's paragraphs
    /// are not disclosed.
    fn shared_with(&self, opened: &OpenedRegistration) -> Option<(u64, u64)> {
        let registered = opened.registration.paragraphs.as_ref()?;
        let mut left: HashMap<Hash, u64> = HashMap::new();
        let (mut ours, mut theirs, mut all) = (0, 0u64, 0u64);
        for paragraph in registered {
            // What a signer wrote there is not to be trusted in arithmetic.
            let characters = (paragraph.end as u64).saturating_sub(paragraph.start as u64);
            all = all.saturating_add(characters);
            let Some((count, own)) = self.of.get(&paragraph.reflow_sha256) else { continue };
            let left = left.entry(paragraph.reflow_sha256).or_insert(*count);
            if *left > 0 {
                *left -= 1;
                ours += own;
                theirs = characters.saturating_add(theirs);
            }
        }
        let percent = |part: u64, of: u64| part.saturating_mul(100).checked_div(of).unwrap_or(0).min(100);
        let (ours, theirs) = (percent(ours, self.characters), percent(theirs, all));
        (ours.max(theirs) >= SIMILAR_PERCENT).then_some((ours, theirs))
    }
}

fn text(name: &str, answer: Answer, records: &[Found], standings: &Standings) -> String {
    let name = sanitize(name);
    let mut out = match answer {
        Answer::SameBytes => format!("{name}: registered, the same bytes\n"),
        Answer::SameWording => {
            format!("{name}: registered, the same wording in other bytes (line breaks or spaces differ)\n")
        }
        Answer::Similar => format!("{name}: not registered, but similar to what is\n"),
        Answer::Unknown => return format!("{name}: not registered\n"),
    };
    for Found { index, view, shares } in records {
        out.push_str(&format!("record {index}"));
        if let Some((document, record)) = shares {
            out.push_str(&format!(": has {document} % of this document; {record} % of it stands here"));
        }
        out.push_str(&format!("\n{}{}", view.text(), history::text(standings.of(*index), now())));
    }
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
