//! A log wherever it lies: in the workspace, another folder, an archive, or on a web server.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::ProgressBar;
use serde_json::{Value, json};

use crate::base::limits::NOTE_MAX_BYTES;
use crate::record::layout;
use crate::storage::ahead::Plan;
use crate::storage::archive::{Kind, Limits};
use crate::storage::web::{Options, Web, without_query};
use crate::storage::{ArchiveStore, Bucket, Cached, FileStore, Key, ReadAhead, Store, StoreError, WebStore};
use crate::verify::{Belonging, Extent, Trust, never_changes};

use super::args::{FromArgs, TrustArgs};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::workspace::{Workspace, bucket_at};

/// Bytes of an archive that are downloaded where the server gives out no parts of it.
const DOWNLOAD_MAX_BYTES: u64 = 4 << 30;
/// What an address ends in that is asked for as an archive first.
const ARCHIVES: [&str; 4] = [".zip", ".tar", ".tgz", ".tar.gz"];

/// A log, opened for reading.
pub(crate) struct Source {
    kind: &'static str,
    /// As it is shown.
    location: String,
    store: Arc<dyn Store>,
    distant: Option<Distant>,
}

/// What a log over a network needs.
struct Distant {
    web: Web,
    connections: usize,
    /// Whether each file is one of its own there, which can be kept.
    in_files: bool,
    cache: Option<Arc<Cached>>,
}

impl Source {
    /// Opens the log that `args` name: the workspace's, unless they name another. Reads of a distant one only what tells
    /// what it is.
    pub(crate) fn open(workspace: &Workspace, args: &FromArgs) -> Outcome<Self> {
        match args.log.as_deref() {
            None => {
                let kind = if workspace.bucket().is_some() { "bucket" } else { "folder" };
                Ok(Source {
                    kind,
                    location: workspace.place().shown(),
                    store: Arc::new(workspace.reader()),
                    distant: None,
                })
            }
            Some(log) if Bucket::is_address(log) => {
                let bucket = bucket_at(log)?;
                let location = bucket.place().to_owned();
                Ok(Source { kind: "bucket", location, store: Arc::new(bucket.reader()), distant: None })
            }
            Some(log) if is_address(log) => Source::at_address(log, args),
            Some(log) => Source::at_path(Path::new(log)),
        }
    }

    /// Returns what is read.
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Returns where it lies, as it is shown.
    pub(crate) fn location(&self) -> &str {
        &self.location
    }

    /// Returns what was read, for a program.
    pub(crate) fn json(&self) -> Value {
        json!({ "kind": self.kind, "location": self.location })
    }

    /// Returns how many bytes came over the network so far; `None` where there is none.
    pub(crate) fn fetched(&self) -> Option<u64> {
        self.distant.as_ref().map(|distant| distant.web.fetched().1)
    }

    /// Makes a distant log be read ahead of the audit, as far as `extent` says what there is, and with a folder of what
    /// was fetched before, if `cache` names one.
    pub(crate) fn read_ahead(&mut self, extent: Option<Extent>, cache: Option<&Path>) {
        let (Some(distant), Some(extent)) = (&mut self.distant, extent) else { return };
        if let Some(folder) = cache.filter(|_| distant.in_files) {
            let judge = Belonging::new(extent, Arc::clone(&self.store), FileStore::reader(folder));
            let cached = Arc::new(Cached::new(Arc::clone(&self.store), folder, Box::new(judge)));
            distant.cache = Some(Arc::clone(&cached));
            self.store = cached;
        }
        let begin = Box::new(move || Box::new(extent.files()) as Plan);
        let follow = Box::new(move |key: &Key, bytes: &[u8]| extent.originals(key, bytes));
        let inner = Arc::clone(&self.store);
        self.store = Arc::new(ReadAhead::new(inner, distant.connections, checkpoint(), begin, follow));
    }

    /// Returns what the cache answered in the log's place: how many files; and what went wrong with it.
    pub(crate) fn cache(&self) -> (u64, Option<StoreError>) {
        let cache = self.distant.as_ref().and_then(|distant| distant.cache.as_ref());
        cache.map_or((0, None), |cache| (cache.read_here(), cache.trouble()))
    }

    fn near(kind: &'static str, path: &Path, store: impl Store + 'static) -> Self {
        let location = path.display().to_string();
        Source { kind, location, store: Arc::new(store), distant: None }
    }

    fn at_path(path: &Path) -> Outcome<Self> {
        let unreadable = |error: &std::io::Error| {
            Failure::new(Exit::Unavailable, format!("cannot read {}", path.display())).because(error)
        };
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                let below = path.join("records");
                let is_log = path.join(layout::CHECKPOINT).exists() || !below.is_dir();
                let folder = if is_log { path.to_owned() } else { below };
                Ok(Source::near("folder", &folder, FileStore::reader(&folder)))
            }
            Ok(found) if found.is_file() => {
                let file = File::open(path).map_err(|error| unreadable(&error))?;
                let store = ArchiveStore::open(path, file, &Limits::default())?;
                Ok(Source::near("archive", path, store))
            }
            Ok(_) => Err(unreadable(&std::io::Error::other("neither a folder nor a file"))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(none_at(path.display())),
            Err(error) => Err(unreadable(&error)),
        }
    }

    fn at_address(address: &str, args: &FromArgs) -> Outcome<Self> {
        let connections = usize::from(args.connections);
        let options = Options { seconds: args.timeout, connections, ..Options::default() };
        let web = Web::at(address, &options)?;
        let path = address.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        let is_named_so = ARCHIVES.iter().any(|extension| path.ends_with(extension));
        let unreadable =
            |error: StoreError| Failure::from(error).under(format!("cannot read a log at {}", web.address()));
        let location = web.address().to_owned();
        let distant = |in_files| Some(Distant { web: web.clone(), connections, in_files, cache: None });

        if !is_named_so {
            let store = WebStore::new(web.clone(), never_changes);
            match store.get(&checkpoint(), NOTE_MAX_BYTES as u64) {
                Ok(None) => {}
                Ok(Some(_)) | Err(StoreError::TooLarge { .. }) => {
                    return Ok(Source {
                        kind: "web",
                        location,
                        store: Arc::new(store),
                        distant: distant(true),
                    });
                }
                Err(error) => return Err(unreadable(error)),
            }
        }
        let head = match web.head() {
            Ok(head) => head,
            Err(error) if is_named_so => return Err(unreadable(error)),
            // A folder that is not shown, say; a checkpoint is not below it.
            Err(_) => None,
        };
        let Some(head) = head else { return Err(none_at(web.address())) };
        let kind = Kind::of(&head.bytes);
        if kind.is_none() && (head.has_parts() || !is_named_so) {
            return Err(none_at(web.address()));
        }
        let name = PathBuf::from(web.address());
        let parts = if kind == Some(Kind::Zip) { web.in_parts(head).map_err(unreadable)? } else { None };
        if let Some(file) = parts {
            let store = ArchiveStore::remote_zip(&name, file, &Limits::default())?;
            return Ok(Source { kind: "archive", location, store: Arc::new(store), distant: distant(false) });
        }
        let bar = ProgressBar::new_spinner();
        let file = web.download(DOWNLOAD_MAX_BYTES, &|bytes| {
            bar.set_message(format!("{} MB downloaded", bytes / 1_000_000));
            bar.tick();
        });
        bar.finish_and_clear();
        let store = ArchiveStore::open(&name, file.map_err(unreadable)?, &Limits::default())?;
        Ok(Source { kind: "archive", location, store: Arc::new(store), distant: None })
    }
}

/// Reads whom to trust for a log that `args` may name: a log that is not the workspace's never says itself.
pub(crate) fn trust(workspace: &Workspace, args: &FromArgs, trust: &TrustArgs) -> Outcome<Trust> {
    if let Some(log) = &args.log {
        let no_policy = trust.policy.is_none() && !workspace.policy().exists();
        let no_root = trust.roots.is_empty() && !workspace.roots().exists();
        if no_policy || no_root {
            let missing = if no_policy { "policy" } else { "root key" };
            let log = if is_address(log) { without_query(log) } else { log.clone() };
            let failure = Failure::new(Exit::Key, format!("no {missing} says whom to trust for {log}"));
            return Err(failure
                .hint("a log cannot vouch for itself: get the policy and root keys of whoever keeps it by another way")
                .hint("name them with --policy FILE --root FILE, or the folder that holds keys/ with --workspace"));
        }
    }
    workspace.trust(trust)
}

fn checkpoint() -> Key {
    Key::new(layout::CHECKPOINT).expect("internal error: a name of the layout")
}

fn is_address(log: &str) -> bool {
    let scheme = log.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn none_at(place: impl std::fmt::Display) -> Failure {
    let failure = Failure::new(Exit::NotFound, format!("there is no log at {place}"));
    failure.hint("name the folder that holds `checkpoint`, an archive of it, or the address of either")
}
