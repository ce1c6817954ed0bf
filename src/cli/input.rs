//! Documents from paths: files, folders, standard input.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::base::limits::DOCUMENT_MAX_BYTES;

use super::exit::Exit;
use super::failure::{Failure, Outcome};

/// A document to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// What comes through standard input.
    Standard,
    /// A file.
    File(PathBuf),
    /// A page.
    Url(String),
}

/// What a list of paths leads to.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// The documents, each path in the order given, within a folder sorted by name.
    pub(crate) documents: Vec<Input>,
    /// What in a folder was passed over, and why.
    pub(crate) passed_over: Vec<(PathBuf, &'static str)>,
    /// Paths that could not be looked at.
    pub(crate) failures: Vec<(PathBuf, Failure)>,
    /// Whether a folder was among the paths.
    pub(crate) has_folder: bool,
}

impl Input {
    /// Returns the path as it is shown; `-` for standard input.
    pub(crate) fn name(&self) -> String {
        match self {
            Input::Standard => "-".into(),
            Input::File(path) => path.display().to_string(),
            Input::Url(url) => url.clone(),
        }
    }

    /// Returns the file name, by which Markdown is told from plain text.
    pub(crate) fn file_name(&self) -> Option<String> {
        match self {
            Input::Standard | Input::Url(_) => None,
            Input::File(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()),
        }
    }

    /// Reads the whole document.
    pub(crate) fn read(&self) -> Outcome<Vec<u8>> {
        let bytes = match self {
            Input::Standard => {
                let mut bytes = Vec::new();
                let read = io::stdin().lock().take(DOCUMENT_MAX_BYTES + 1).read_to_end(&mut bytes);
                read.map_err(|error| unreadable("standard input").because(&error))?;
                refuse_large(bytes.len() as u64, "standard input")?;
                bytes
            }
            Input::File(path) => read_file(path, || {})?,
            Input::Url(url) => {
                return Err(unreadable(url).hint("an address is fetched by add and extract only"));
            }
        };
        if is_private_key(&bytes) {
            let failure =
                Failure::new(Exit::Key, format!("{} is a private key, not a document", self.name()));
            return Err(
                failure.hint("keep it out of folders of documents: what is registered is for all to read")
            );
        }
        Ok(bytes)
    }
}

fn unreadable(name: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Unavailable, format!("cannot read {name}"))
}

fn refuse_large(size: u64, name: impl std::fmt::Display) -> Outcome<()> {
    if size <= DOCUMENT_MAX_BYTES {
        return Ok(());
    }
    let limit = DOCUMENT_MAX_BYTES / 1024 / 1024;
    let message = format!("{name} is too large: more than {limit} MiB is not an article");
    Err(Failure::new(Exit::Unavailable, message).hint("register the single articles in it, each as a file"))
}

/// Reads a file of at most `limit` bytes that is no document: a policy, a proof.
pub(crate) fn read_bounded(path: &Path, limit: usize) -> Outcome<Vec<u8>> {
    let name = path.display();
    let failed = |error: io::Error| unreadable(&name).because(&error);
    let metadata = fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(Failure::new(Exit::Unavailable, format!("{name} is not a regular file")));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(limit as u64 + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() > limit {
        return Err(Failure::new(Exit::Unavailable, format!("{name} is too large: more than {limit} bytes")));
    }
    Ok(bytes)
}

/// What tells one state of a file from another.
fn state(metadata: &Metadata) -> (u64, Option<std::time::SystemTime>) {
    (metadata.len(), metadata.modified().ok())
}

/// Reads a file that stays the same meanwhile. `meanwhile` is run after the last byte, for tests of what does not.
fn read_file(path: &Path, meanwhile: impl FnOnce()) -> Outcome<Vec<u8>> {
    let name = path.display();
    let failed = |error: io::Error| unreadable(&name).because(&error);
    // Looked at before it is opened: opening a pipe would wait for ever.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Failure::new(Exit::Unavailable, format!("{name} is not a regular file")));
    }
    let mut file = File::open(path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    refuse_large(before.len(), &name)?;
    let mut bytes = Vec::with_capacity(before.len() as usize);
    file.by_ref().take(DOCUMENT_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    refuse_large(bytes.len() as u64, &name)?;
    meanwhile();
    let after = file.metadata().map_err(failed)?;
    if state(&before) != state(&after) || after.len() != bytes.len() as u64 {
        let message = format!("{name} changed while it was read");
        return Err(Failure::new(Exit::Unavailable, message).hint("try again when it is finished"));
    }
    Ok(bytes)
}

/// Finds the documents that `paths` lead to. In folders, hidden files and symbolic links are passed over: a link may
/// lead out of the folder, or in circles. A path given by name is followed.
pub(crate) fn find(paths: &[PathBuf]) -> Inputs {
    let mut inputs = Inputs::default();
    let mut seen = BTreeSet::new();
    for path in paths {
        if path.as_os_str() == "-" {
            if seen.insert(path.clone()) {
                inputs.documents.push(Input::Standard);
            }
            continue;
        }
        if let Some(url) =
            path.to_str().filter(|path| path.starts_with("http://") || path.starts_with("https://"))
        {
            if seen.insert(path.clone()) {
                inputs.documents.push(Input::Url(url.to_owned()));
            }
            continue;
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                inputs.has_folder = true;
                walk(path, &mut inputs, &mut seen);
            }
            Ok(_) => {
                if seen.insert(path.clone()) {
                    inputs.documents.push(Input::File(path.clone()));
                }
            }
            Err(error) => {
                let failure = unreadable(path.display()).because(&error);
                inputs.failures.push((path.clone(), failure));
            }
        }
    }
    inputs
}

/// Returns the record that an argument names, which may name a file instead: a number is a record, anything else a file.
pub(crate) fn record_named(argument: &Path) -> Outcome<Option<u64>> {
    let text = argument.to_string_lossy();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Failure::new(Exit::NotFound, "no log has such a record"))
}

/// Returns whether a folder is the keys or the records of a workspace: what lies there is no document.
fn is_of_a_workspace(folder: &Path) -> bool {
    let own = folder.file_name().is_some_and(|name| name == "keys" || name == "records");
    let beside = |name: &str| folder.parent().is_some_and(|parent| parent.join(name).exists());
    own && beside("keys") && beside("records/checkpoint")
}

/// Returns whether a document is a private key, which must not be stored beside a log that is served to the world.
fn is_private_key(bytes: &[u8]) -> bool {
    let head = bytes.trim_ascii_start();
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"-----BEGIN ") && line.windows(11).any(|part| part == b"PRIVATE KEY")
}

fn walk(folder: &Path, inputs: &mut Inputs, seen: &mut BTreeSet<PathBuf>) {
    if is_of_a_workspace(folder) {
        inputs.passed_over.push((folder.to_owned(), "keys and records of a log"));
        return;
    }
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            let failure = unreadable(folder.display()).because(&error);
            inputs.failures.push((folder.to_owned(), failure));
            return;
        }
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        match entry.file_type() {
            _ if hidden => {}
            Ok(kind) if kind.is_symlink() => inputs.passed_over.push((path, "symbolic link")),
            Ok(kind) if kind.is_dir() => walk(&path, inputs, seen),
            Ok(kind) if kind.is_file() => {
                if seen.insert(path.clone()) {
                    inputs.documents.push(Input::File(path));
                }
            }
            Ok(_) => inputs.passed_over.push((path, "not a regular file")),
            Err(error) => {
                let failure = unreadable(path.display()).because(&error);
                inputs.failures.push((path, failure));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_no_documents() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("keys/private")).unwrap();
        fs::create_dir_all(at("records")).unwrap();
        fs::create_dir_all(at("desk/keys")).unwrap();
        for name in ["keys/private/log", "records/checkpoint", "desk/keys/article.txt", "a.txt"] {
            fs::write(at(name), "x").unwrap();
        }
        let found = find(&[folder.path().to_owned(), at("keys")]);
        assert_eq!(found.documents, [at("a.txt"), at("desk/keys/article.txt")].map(Input::File));
        assert_eq!(found.passed_over.len(), 3);
        // Spelt in pieces, so that nothing takes this file for a key.
        for (before, kind) in [("", "OPENSSH PRIVATE"), ("\n", "PRIVATE")] {
            fs::write(at("key"), format!("{before}-----BEGIN {kind} KEY-----\r\nMC4C")).unwrap();
            let refused = Input::File(at("key")).read().unwrap_err();
            assert_eq!(refused.exit, Exit::Key, "{}", refused.text());
        }
        fs::write(at("key"), format!("He said: -----BEGIN {} KEY----- is how they begin.", "PRIVATE"))
            .unwrap();
        assert!(Input::File(at("key")).read().is_ok());
    }

    #[test]
    fn folders_are_walked_in_order_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("b/c")).unwrap();
        for name in ["b/z.txt", "b/c/y.txt", "a.txt", ".hidden"] {
            fs::write(at(name), "x").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path(), at("b/loop")).unwrap();
        let found = find(&[folder.path().to_owned(), at("a.txt")]);
        let names: Vec<PathBuf> = ["a.txt", "b/c/y.txt", "b/z.txt"].map(at).into();
        assert_eq!(found.documents, names.into_iter().map(Input::File).collect::<Vec<_>>());
        #[cfg(unix)]
        assert_eq!(found.passed_over, [(at("b/loop"), "symbolic link")]);
        assert!(found.failures.is_empty() && found.has_folder);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_a_circle_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("loop");
        std::os::unix::fs::symlink(&link, &link).unwrap();
        let found = find(std::slice::from_ref(&link));
        assert!(found.documents.is_empty());
        assert!(found.failures[0].1.text().contains("symbolic links"), "{}", found.failures[0].1.text());
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("growing");
        fs::write(&path, "Le port est calme.").unwrap();
        assert_eq!(read_file(&path, || {}).unwrap(), b"Le port est calme.");
        let grown = read_file(&path, || fs::write(&path, "Le port est calme. Ou presque.").unwrap());
        assert!(grown.unwrap_err().text().contains("changed while it was read"));
        let rewritten = read_file(&path, || {
            let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
            fs::write(&path, "Le port est calme. Ou presque?").unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        });
        assert!(rewritten.is_err());
    }

    #[test]
    fn the_size_limit_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        let file = File::create(&path).unwrap();
        file.set_len(DOCUMENT_MAX_BYTES).unwrap();
        assert_eq!(Input::File(path.clone()).read().unwrap().len() as u64, DOCUMENT_MAX_BYTES);
        file.set_len(DOCUMENT_MAX_BYTES + 1).unwrap();
        assert!(Input::File(path).read().unwrap_err().text().contains("too large"));
    }
}
