//! `dateline lock`

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::base::Hash;
use crate::base::limits::LOCK_MAX_BYTES;
use crate::verify::{
    Given, Lock, LockPath, LockedArticle, LockedSource, PinError, PinRequest, SourceRef, read_log_as,
};
use crate::view::history;
use crate::view::json_word;
use crate::view::sanitize;

use super::args::LockArgs;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::input::{Input, read_bounded, record_named};
use super::output::Output;
use super::random;
use super::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, args: &LockArgs, output: Output) -> Outcome<()> {
    let trust = workspace.trust(&args.trust)?;
    let place = Place::of(&args.output)?;
    let previous = read_lock(&args.output)?;
    let mut articles = Vec::new();
    for file in &args.articles {
        let path = place.path(file)?;
        let sha256 = Hash::of(&place.read(&path, file)?);
        articles.push((path, sha256));
    }
    let given = args.source.iter().map(|source| given(source)).collect::<Outcome<_>>()?;
    let request = PinRequest { articles, given, forget_given: args.forget_sources };
    let store = workspace.reader();
    let made = read_log_as(&store, &trust, |reader| {
        let checkpoint = reader.checkpoint().clone();
        Ok::<_, PinError>((reader.pin(previous.as_ref(), &request)?, checkpoint))
    });
    let (lock, checkpoint) = made.map_err(|error| match error {
        PinError::Lock(_) | PinError::Contradicts(_) => {
            Failure::from(error).under(format!("{} cannot be brought up to date", args.output.display()))
        }
        _ => error.into(),
    })?;
    let text = lock.format();
    let before = read_bounded(&args.output, LOCK_MAX_BYTES);
    let changed = before.map_or(true, |before| before != text.as_bytes());
    if changed {
        replace(&args.output, text.as_bytes())?;
    }
    let written = || request.articles.iter().filter_map(|(path, _)| lock.article(path));
    output.print(
        || {
            let what = if changed { "written" } else { "unchanged" };
            let mut out = format!(
                "{} {what}, against {}, {} entries\n",
                sanitize(&args.output.display().to_string()),
                sanitize(checkpoint.origin().as_str()),
                checkpoint.size()
            );
            written().for_each(|article| out.push_str(&article_text(article)));
            out
        },
        || {
            // As they stand in the file.
            let file: Value = serde_json::from_str(&text).unwrap_or_default();
            let ours = |article: &&Value| written().any(|one| article["path"] == one.path.as_str());
            let articles: Vec<&Value> =
                file["articles"].as_array().into_iter().flatten().filter(ours).collect();
            let checkpoint = json!({"size": checkpoint.size(), "rootHash": checkpoint.root_hash()});
            json!({
                "output": args.output, "changed": changed, "checkpoint": checkpoint, "articles": articles,
            })
        },
    )
}

/// A number is a record, anything else a file.
fn given(source: &Path) -> Outcome<Given> {
    if let Some(record) = record_named(source)? {
        return Ok(Given::Record(record));
    }
    let bytes = Input::File(source.to_owned()).read()?;
    Ok(Given::Document(Hash::of(&bytes), source.to_string_lossy().into_owned()))
}

fn article_text(article: &LockedArticle) -> String {
    let record = match article.record {
        Some(record) => format!("record {record}"),
        None => "not registered".into(),
    };
    let mut out = format!("{}: {record}\n", sanitize(article.path.as_str()));
    if article.sources.is_empty() {
        out.push_str(
            "  no source: no statement says that it rests on anything, and --source named nothing\n",
        );
    }
    for LockedSource { source, said, .. } in &article.sources {
        let what = match source {
            SourceRef::Record { record, .. } => format!("record {record}"),
            SourceRef::Pending { .. } => "a document that waits to be registered".into(),
            SourceRef::Unresolved(unresolved) => {
                format!("{}, registered by nobody", history::unresolved_text(unresolved))
            }
        };
        let said = match said {
            Some(said) => format!("{}, says record {}", sanitize(&json_word(&said.relation)), said.by),
            None => "named by hand".into(),
        };
        out.push_str(&format!("  {what} ({said})\n"));
    }
    out
}

/// Reads a lock file; `None` if there is none.
pub(crate) fn read_lock(path: &Path) -> Outcome<Option<Lock>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        _ => {}
    }
    let bytes = read_bounded(path, LOCK_MAX_BYTES)?;
    let unusable = || format!("{} cannot be used", path.display());
    let text = String::from_utf8(bytes)
        .map_err(|error| Failure::new(Exit::Unavailable, unusable()).because(&error.utf8_error()))?;
    let parsed = Lock::parse(&text).map_err(|error| Failure::from(error).under(unusable()));
    parsed.map(Some)
}

/// The folder of a lock file, which the paths in it are below.
pub(crate) struct Place {
    folder: PathBuf,
}

impl Place {
    pub(crate) fn of(lock: &Path) -> Outcome<Self> {
        Ok(Place { folder: folder_of(lock)? })
    }

    /// Reads an article at `file`, which is `path` below the folder. No link is followed there: whoever wrote the
    /// article could lead a reader out of it, to a file that is not for his eyes.
    pub(crate) fn read(&self, path: &LockPath, file: &Path) -> Outcome<Vec<u8>> {
        let mut way = self.folder.clone();
        for part in path.as_str().split('/') {
            way.push(part);
            if way.is_symlink() {
                let message = format!("cannot read {}: {part} is a symbolic link", file.display());
                let hint = "name the file that it leads to, if that lies below the folder of the lock file";
                return Err(Failure::new(Exit::Unavailable, message).hint(hint));
            }
        }
        Input::File(file.to_owned()).read()
    }

    /// Returns where an article lies below the folder. A link is taken for the file that it is, not where it leads.
    pub(crate) fn path(&self, article: &Path) -> Outcome<LockPath> {
        let elsewhere = || {
            let message = format!(
                "{} does not lie below the folder of the lock file, {}",
                article.display(),
                self.folder.display()
            );
            Failure::new(Exit::Usage, message)
                .hint("keep the lock file in a folder above all articles, under names that are Unicode without \\ and :")
        };
        let folder = folder_of(article)?;
        let file = folder.join(article.file_name().ok_or_else(elsewhere)?);
        let below = file.strip_prefix(&self.folder).map_err(|_| elsewhere())?;
        let parts: Option<Vec<&str>> = below.components().map(|part| part.as_os_str().to_str()).collect();
        parts.and_then(|parts| LockPath::new(&parts.join("/"))).ok_or_else(elsewhere)
    }
}

fn folder_of(file: &Path) -> Outcome<PathBuf> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::canonicalize(folder).map_err(|error| {
        Failure::new(Exit::Unavailable, format!("cannot look into {}", folder.display())).because(&error)
    })
}

/// Writes a file whole, or not at all, in place of the one that is there.
fn replace(path: &Path, bytes: &[u8]) -> Outcome<()> {
    // Where it is a link, what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", crate::base::encoding::to_hex(&random())));
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        #[cfg(unix)]
        File::open(folder_or_here(&path))?.sync_all()?;
        Ok(())
    };
    write().map_err(|error: io::Error| {
        // Best effort: what is left would only be in the way.
        let _ = fs::remove_file(&temporary);
        Failure::new(Exit::Unavailable, format!("cannot write {}", path.display())).because(&error)
    })
}

#[cfg(unix)]
fn folder_or_here(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
