//! `dateline add --sealed` and `dateline reveal`: a document is registered now, and disclosed later.
//!
//! What only its owner may know lies in `keys/private/sealed/`, which no copy of the log has: one file a document, named
//! by the subject of its statement.
//!
//! ```json
//! {"format":"dateline-sealed/1","opening":"WyJ…","fileName":"story.txt","document":"<base64>"}
//! ```

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::base::Hash;
use crate::base::encoding::{from_base64, to_base64};
use crate::base::limits::DOCUMENT_MAX_BYTES;
use crate::log::{NewRecord, OpeningChange};
use crate::record::entry::Circumstances;
use crate::record::{Body, Draft, Kind, Sealed, SealedDocument};
use crate::verify::read_log;
use crate::view::View;
use crate::view::sanitize;

use super::args::{AddArgs, FetchArgs, RevealArgs, Stated, TrustArgs};
use super::exit::Exit;
use super::extract::{self, Document, Reading};
use super::failure::{Failure, Outcome};
use super::input::read_bounded;
use super::output::{Output, say};
use super::workspace::{Passphrases, Workspace};
use super::writing::{self, sign};
use super::{diagnostics, now, random};

const FORMAT: &str = "dateline-sealed/1";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    format: String,
    /// The opening, in its RFC 9901 spelling.
    opening: String,
    file_name: Option<String>,
    /// The document, base64.
    document: String,
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.private().join("sealed")
}

fn path_of(workspace: &Workspace, subject: &Hash) -> PathBuf {
    folder(workspace).join(format!("{subject}.json"))
}

/// Seals documents: the log says that they were there, and not what they are.
pub(crate) fn add(workspace: &Workspace, args: &AddArgs, output: Output) -> Outcome<Exit> {
    if args.stated != Stated::default() {
        let failure = Failure::new(Exit::Usage, "of a sealed document nothing is said yet");
        return Err(failure.hint("say it when it is revealed: dateline reveal RECORD --origin NAME …"));
    }
    let reading = Reading::new(workspace, extract::decisions(&args.stated, args.no_store)?, &args.fetch)?;
    let trust = workspace.trust(&TrustArgs::default())?;
    let inputs = extract::find(&args.paths)?;
    let store = workspace.writer()?;
    let mut log = writing::open_log(&store, &trust)?;
    let mut passphrases = Passphrases::default();
    let key = args.key.as_deref();
    let signer = writing::signer_for(workspace, &log, Kind::Sealed, key, &mut passphrases)?;
    let log_key = writing::log_key(workspace, &log, &trust, &mut passphrases)?;
    let (mut records, mut names, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for (path, failure) in &inputs.failures {
        failures.push(failure.exit);
        extract::report_failure(&path.display().to_string(), failure, output)?;
    }
    for input in &inputs.documents {
        let file_name = input.file_name();
        for (name, document) in reading.read(input) {
            let document: Document = match document {
                Ok(document) => document,
                Err(failure) => {
                    failures.push(failure.exit);
                    extract::report_failure(&name, &failure, output)?;
                    continue;
                }
            };
            let mut random = random;
            let recorded_by = signer.public().key_id();
            let mut circumstances = Circumstances { recorded_by, recorded_at: now(), random: &mut random };
            let digests = &document.article.digests;
            let sealed =
                SealedDocument { original: digests.original, text: digests.text, reflow: digests.reflow };
            let (draft, opening) = Draft::sealed_document(&sealed, &mut circumstances)?;
            let kept = Kept {
                format: FORMAT.into(),
                opening: opening.as_str().to_owned(),
                file_name: file_name.clone(),
                document: to_base64(&document.bytes),
            };
            // Kept before it is in the log: without the opening nobody could ever reveal it.
            keep(workspace, &Hash::of(opening.digest().as_bytes()), &kept)?;
            records.push(NewRecord { entry: sign(draft, &signer)?, content: None });
            names.push(name);
        }
    }
    let appended = log.append(records, &mut |text| log_key.sign(text))?;
    let checkpoint = log.checkpoint();
    for (name, outcome) in names.into_iter().zip(appended) {
        let index = outcome.index();
        output.print(
            || format!("sealed as record {index}: {} (log size {})\n", sanitize(&name), checkpoint.size()),
            || {
                json!({
                    "path": name, "record": index, "outcome": "sealed",
                    "checkpoint": {"size": checkpoint.size(), "rootHash": checkpoint.root_hash()},
                })
            },
        )?;
    }
    if !output.is_json() {
        say(&format!(
            "what reveals it lies in {} and nowhere else: keep a copy; `dateline reveal RECORD` discloses it",
            folder(workspace).display()
        ));
    }
    Ok(extract::exit_of(&failures))
}

fn keep(workspace: &Workspace, subject: &Hash, kept: &Kept) -> Outcome<()> {
    let (folder, path) = (folder(workspace), path_of(workspace, subject));
    let failed = |error: io::Error| diagnostics::refused(format!("cannot write {}", path.display()), &error);
    fs::create_dir_all(&folder).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        options.mode(0o600);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    let bytes = serde_json::to_vec(kept).expect("internal error: what is kept is plain data");
    let mut file = options.open(&path).map_err(failed)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::File::open(&folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

/// Registers a document that was sealed, and puts the opening beside the log.
pub(crate) fn reveal(workspace: &Workspace, args: &RevealArgs, output: Output) -> Outcome<Exit> {
    let index = args.record;
    let trust = workspace.trust(&TrustArgs::default())?;
    let reader = workspace.reader();
    let (entry, openings) = read_log(&reader, &trust, |reader| reader.entry(index))?;
    let Body::Sealed(_) = entry.body else {
        let failure = Failure::new(Exit::NotFound, format!("record {index} is not a sealed document"));
        return Err(failure.hint("`dateline add --sealed` makes one"));
    };
    if !openings.is_empty() {
        output.print(
            || format!("record {index} is revealed already\n"),
            || json!({"record": index, "outcome": "revealedBefore"}),
        )?;
        return Ok(Exit::Success);
    }
    let subject = entry.statement.subject[0].digest.sha256;
    let path = path_of(workspace, &subject);
    let (kept, document) = read_kept(&path)?;
    let sealed =
        entry.open::<Sealed>(std::slice::from_ref(&kept.opening)).ok().and_then(|one| one.value.document);
    let original = Hash::of(&document);
    if sealed.is_none_or(|sealed| sealed.original != original) {
        let message = format!("{} is not what record {index} commits to", path.display());
        return Err(Failure::new(Exit::Invalid, message).hint("restore it from a copy"));
    }

    let stated = extract::decisions(&args.stated, args.no_store)?;
    let no_fetch = FetchArgs { allow_private: false, ignore_robots: false, timeout: 30, user_agent: None };
    let reading = Reading::new(workspace, stated, &no_fetch)?;
    let options = crate::article::ReadOptions { file_name: kept.file_name.as_deref(), ..Default::default() };
    let name = kept.file_name.clone().unwrap_or_else(|| format!("record {index}"));
    // One of several in a file was sealed by itself.
    let document = reading.document(name.clone(), document, Default::default(), &options).1?;
    let view = View::of_article(&document.article).with(&reading.decisions);
    if !args.yes {
        use std::io::IsTerminal;
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            let failure = Failure::new(Exit::Usage, "there is no terminal to ask on");
            return Err(failure.hint("say --yes to register what is found"));
        }
        say(&format!("{}\n{}", sanitize(&name), view.text().trim_end()));
        super::add::yes_or_stop("Reveal it? [Y]es, [n]o: ")?;
    }

    let store = workspace.writer()?;
    let mut log = writing::open_log(&store, &trust)?;
    let mut passphrases = Passphrases::default();
    let key = args.key.as_deref();
    let signer = writing::signer_for(workspace, &log, Kind::Registration, key, &mut passphrases)?;
    let log_key = writing::log_key(workspace, &log, &trust, &mut passphrases)?;
    let record = super::add::sign(&document, &reading.decisions, &signer)?;
    let changes = [OpeningChange::Reveal { entry: index, opening: kept.opening }];
    let appended = log.append(vec![record], &mut |text| log_key.sign(text))?;
    log.change_openings(&changes)?;
    // Beside the log now; the private copy says nothing more.
    let _ = fs::remove_file(&path);
    let registered = appended.first().map(|outcome| outcome.index());
    let checkpoint = log.checkpoint();
    output.print(
        || {
            let at = registered.map_or_else(String::new, |at| format!(" and registered as record {at}"));
            format!(
                "{}\n{}record {index} is revealed{at} (log size {})\n",
                sanitize(&name),
                view.text(),
                checkpoint.size()
            )
        },
        || {
            let mut members = view.json();
            members.insert("path".into(), json!(name));
            members.insert("outcome".into(), json!("revealed"));
            members.insert("sealed".into(), json!(index));
            members.insert("record".into(), json!(registered));
            let checkpoint = json!({"size": checkpoint.size(), "rootHash": checkpoint.root_hash()});
            members.insert("checkpoint".into(), checkpoint);
            Value::Object(members)
        },
    )?;
    Ok(Exit::Success)
}

fn read_kept(path: &Path) -> Outcome<(Kept, Vec<u8>)> {
    if !path.exists() {
        let message = format!("what reveals it is not here: {}", path.display());
        return Err(Failure::new(Exit::Key, message)
            .hint("it lies where it was sealed, in keys/private/sealed; restore it from a copy"));
    }
    let limit = usize::try_from(DOCUMENT_MAX_BYTES).unwrap_or(usize::MAX).saturating_mul(2);
    let bytes = read_bounded(path, limit)?;
    let unusable = |error: &dyn std::error::Error| {
        let failure = Failure::new(Exit::Unavailable, format!("{} cannot be used", path.display()));
        failure.because(error).hint("restore it from a copy")
    };
    let kept: Kept = serde_json::from_slice(&bytes).map_err(|error| unusable(&error))?;
    if kept.format != FORMAT {
        let message = format!("{} is of the format {:?}", path.display(), kept.format);
        return Err(Failure::new(Exit::Unavailable, message).hint("a newer release may read it"));
    }
    let document = from_base64(&kept.document).map_err(|error| unusable(&error))?;
    Ok((kept, document))
}
