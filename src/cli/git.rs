//! What lies at another revision of the repository that a workspace is in, read with the `git` program.
//!
//! Nothing is checked out, no filter of the repository is run, and nothing but the trees of that commit and a few of
//! their files is needed: a clone of depth 1 has them.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::exit::Exit;
use super::failure::{Failure, Outcome};

/// Bytes of standard output that are read where a list or a name is expected.
const ANSWER_MAX_BYTES: usize = 16 << 20;
/// Bytes of git's own words that are passed on.
const TALK_MAX_BYTES: u64 = 4 << 10;

/// What to do where a commit is here in part.
const WHOLE: &str =
    "nothing is fetched on the way; in a partial clone, first: git fetch --refetch --no-filter origin";

/// Settings of the calling git, as of a hook, that mean another repository or another place in it than the workspace's.
const NOT_OURS: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_GRAFT_FILE",
];

/// A commit, as seen from a folder of its repository.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    folder: PathBuf,
    revision: String,
    id: String,
}

/// A file in a commit.
struct Blob {
    /// Below the folder.
    path: String,
    id: String,
}

impl Commit {
    /// Finds the commit that `revision` names in the repository that `folder` lies in.
    pub(crate) fn find(folder: &Path, revision: &str) -> Outcome<Self> {
        // What begins with a dash would be read as an option, and `^x` and `a..b` are sets of commits.
        if revision.is_empty() || revision.starts_with(['-', '^']) || revision.contains("..") {
            let failure = Failure::new(Exit::Usage, format!("{revision:?} does not name a commit"));
            return Err(failure.hint("give a branch, a tag or a commit id, like origin/main"));
        }
        let mut commit =
            Commit { folder: folder.to_owned(), revision: revision.to_owned(), id: String::new() };
        let named = format!("{revision}^{{commit}}");
        // Asked first, so that what is amiss with the repository is not taken for an unknown revision.
        commit.must_be_of_the_work_tree()?;
        let id = commit.run(&["rev-parse", "--verify", "--end-of-options", &named], ANSWER_MAX_BYTES);
        let id = id.map_err(|failure| {
            let failure = failure.under(format!("there is no commit {revision:?} here"));
            let branch = revision.strip_prefix("origin/").unwrap_or(revision);
            failure.hint(format!(
                "in a shallow clone, fetch its branch and name what was fetched: git fetch --depth 1 origin {branch} && \
                 dateline verify --git FETCH_HEAD"
            ))
        })?;
        commit.id = one_id(&id).ok_or_else(|| odd("rev-parse"))?;
        Ok(commit)
    }

    /// Refuses a repository that a change may have brought along: files of the work tree that pass for one, or a
    /// submodule.
    fn must_be_of_the_work_tree(&self) -> Outcome<()> {
        let asked = ["rev-parse", "--is-inside-git-dir", "--is-inside-work-tree"];
        let place = self.run(&asked, ANSWER_MAX_BYTES)?;
        let refused = |what: &str, hint: &str| {
            let message = format!("{} {what}", self.folder().display());
            Err(Failure::new(Exit::Unavailable, message).hint(hint))
        };
        if place.trim_ascii() != b"false\ntrue" {
            let hint = "name a folder of the work tree; files in it that look like a repository are not one";
            return refused("does not lie in the work tree of a repository", hint);
        }
        let above = ["rev-parse", "--show-superproject-working-tree"];
        if !self.run(&above, ANSWER_MAX_BYTES)?.trim_ascii().is_empty() {
            let hint = "a change chooses what a submodule is: check its repository in a clone of its own";
            return refused("lies in a submodule", hint);
        }
        Ok(())
    }

    fn folder(&self) -> &Path {
        if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder }
    }

    /// Returns what the user called it.
    pub(crate) fn revision(&self) -> &str {
        &self.revision
    }

    /// Returns its id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Reads the file at `path` below the folder, as it was committed; `None` if there is none.
    pub(crate) fn read(&self, path: &str, limit: usize) -> Outcome<Option<Vec<u8>>> {
        let found = self.list(path)?.into_iter().find(|blob| blob.path == path);
        found.map(|blob| self.content(&blob, limit)).transpose()
    }

    /// Returns the names of the files directly in the folder at `path`.
    pub(crate) fn names(&self, path: &str) -> Outcome<Vec<String>> {
        let name = |blob: Blob| blob.path.rsplit('/').next().map(str::to_owned);
        Ok(self.list(&format!("{path}/"))?.into_iter().filter_map(name).collect())
    }

    /// Reads the files directly in the folder at `path` whose names end in `suffix`.
    pub(crate) fn read_folder(
        &self,
        path: &str,
        suffix: &str,
        limit: usize,
    ) -> Outcome<Vec<(String, Vec<u8>)>> {
        let blobs = self.list(&format!("{path}/"))?.into_iter();
        let blobs = blobs.filter(|blob| blob.path.ends_with(suffix));
        blobs.map(|blob| self.content(&blob, limit).map(|bytes| (blob.path, bytes))).collect()
    }

    fn content(&self, blob: &Blob, limit: usize) -> Outcome<Vec<u8>> {
        let read = self.run(&["cat-file", "blob", &blob.id], limit);
        read.map_err(|failure| {
            let failure = failure.under(format!("cannot read {} at {}", blob.path, self.revision));
            failure.hint(WHOLE)
        })
    }

    /// Lists the regular files at `path`, or directly below it if it ends with a slash.
    fn list(&self, path: &str) -> Outcome<Vec<Blob>> {
        // A folder that is a link has nothing below it, and would be taken for one that is not there.
        for (at, _) in path.match_indices('/') {
            self.look(&path[..at])?;
        }
        self.look(path)
    }

    fn look(&self, path: &str) -> Outcome<Vec<Blob>> {
        let listed = self.run(&["ls-tree", "-z", &self.id, "--", path], ANSWER_MAX_BYTES);
        let listed = listed.map_err(|failure| {
            let failure = failure.under(format!("cannot list {path} at {}", self.revision));
            failure.hint(WHOLE)
        })?;
        let listed = String::from_utf8_lossy(&listed);
        let mut blobs = Vec::new();
        for line in listed.split_terminator('\0') {
            let (kind, path) = line.split_once('\t').ok_or_else(|| odd("ls-tree"))?;
            let mut kind = kind.split(' ');
            let (mode, _, id) = (kind.next(), kind.next(), kind.next().unwrap_or_default());
            match mode {
                Some("040000") => {}
                Some("120000" | "160000") => {
                    let message = format!("{path} at {} is a symbolic link or a submodule", self.revision);
                    let failure = Failure::new(Exit::Unavailable, message);
                    return Err(failure
                        .hint("what it leads to is not in that commit; name a base that has the files"));
                }
                _ => {
                    let id = one_id(id.as_bytes()).ok_or_else(|| odd("ls-tree"))?;
                    blobs.push(Blob { path: path.to_owned(), id });
                }
            }
        }
        Ok(blobs)
    }

    /// Runs git in the folder and returns what it prints.
    fn run(&self, args: &[&str], limit: usize) -> Outcome<Vec<u8>> {
        let folder = self.folder();
        let mut command = Command::new("git");
        command.args(["--no-optional-locks", "--no-replace-objects", "--literal-pathspecs"]);
        command.args(["-c", "core.fsmonitor=false", "-c", "core.quotePath=false"]);
        // A change may hold files that pass for a repository without a work tree, with a history of its own.
        command.args(["-c", "safe.bareRepository=explicit"]).args(args);
        NOT_OURS.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_NO_LAZY_FETCH", "1");
        command.current_dir(folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let failed = |error: io::Error| {
            let failure = Failure::new(Exit::Unavailable, "cannot run git").because(&error);
            match error.kind() {
                io::ErrorKind::NotFound if folder.is_dir() => {
                    failure.hint("install git; --git reads another revision with it")
                }
                io::ErrorKind::NotFound => failure.hint(format!("{} is not a folder", folder.display())),
                _ => failure,
            }
        };
        let mut child = command.spawn().map_err(failed)?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        // On a thread of its own: a child that waits for one pipe to be read fills no other.
        let talk = std::thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(mut err) = err {
                let _ = err.by_ref().take(TALK_MAX_BYTES).read_to_end(&mut text);
                let _ = io::copy(&mut err, &mut io::sink());
            }
            text
        });
        let mut bytes = Vec::new();
        let read = match out {
            Some(out) => out.take(limit as u64 + 1).read_to_end(&mut bytes),
            None => Ok(0),
        };
        if bytes.len() > limit {
            let _ = child.kill();
        }
        let status = child.wait().map_err(failed)?;
        let talk = talk.join().unwrap_or_default();
        read.map_err(failed)?;
        if bytes.len() > limit {
            return Err(Failure::new(Exit::Unavailable, format!("it is too large: more than {limit} bytes")));
        }
        if status.success() { Ok(bytes) } else { Err(said(&String::from_utf8_lossy(&talk))) }
    }
}

/// A failure in git's own words: the first line is what happened, what follows is what it advises.
fn said(talk: &str) -> Failure {
    let mut lines = talk.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("it says nothing");
    let first = first.strip_prefix("fatal: ").or(first.strip_prefix("error: ")).unwrap_or(first);
    lines.fold(Failure::new(Exit::Unavailable, format!("git: {first}")), Failure::hint)
}

fn odd(command: &str) -> Failure {
    Failure::new(Exit::Unavailable, format!("git {command} does not answer as it should"))
}

/// Returns the one object id that an answer is: SHA-1 or SHA-256 in hexadecimal.
fn one_id(answer: &[u8]) -> Option<String> {
    let id = std::str::from_utf8(answer).ok()?.trim_end();
    let plain = id.bytes().all(|byte| byte.is_ascii_hexdigit()) && matches!(id.len(), 40 | 64);
    plain.then(|| id.to_owned())
}
