//! The log at another revision, for `dateline verify --git`: whom it trusts, its checkpoint, and how the keys beside it
//! differ from those in the work tree.
//!
//! A change must not choose who judges it: what is not named by an option is read from the base.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::base::limits::{KEY_FILE_MAX_BYTES, NOTE_MAX_BYTES, POLICY_MAX_BYTES};
use crate::base::{Hash, PublicKey};
use crate::keys::public;
use crate::note::Policy;
use crate::verify::{Base, Code, Finding, Severity, Trust};

use super::args::TrustArgs;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::git::Commit;
use super::workspace::{Workspace, read_policy, read_roots};

const POLICY: &str = "keys/policy";
const ROOTS: &str = "keys/roots";
const CHECKPOINT: &str = "records/checkpoint";
const PENDING: &str = "records/pending";

/// What a change is held against.
pub(crate) struct Against {
    pub(crate) commit: Commit,
    pub(crate) trust: Trust,
    pub(crate) base: Base,
    /// Whether keys of the work tree had to be trusted, as the base has none.
    pub(crate) own_keys: bool,
}

/// Reads what lies at `revision` of the repository that the workspace is in.
pub(crate) fn read(workspace: &Workspace, revision: &str, args: &TrustArgs) -> Outcome<Against> {
    refuse_links(workspace)?;
    let commit = Commit::find(workspace.root(), revision)?;
    let checkpoint = commit.read(CHECKPOINT, NOTE_MAX_BYTES)?;
    let policy = commit.read(POLICY, POLICY_MAX_BYTES)?;
    let roots = commit.read_folder(ROOTS, ".pub", KEY_FILE_MAX_BYTES as usize)?;
    let (named, has_log) = (args.policy.is_some() && !args.roots.is_empty(), checkpoint.is_some());
    let (has_policy, has_roots) = (policy.is_some(), !roots.is_empty());
    let lacks = |what: &str, option: &str| {
        let failure = Failure::new(Exit::Unavailable, format!("{revision} has a log and no {what}"));
        failure.hint(format!("name the one that you trust with {option}; the change's own is not asked"))
    };
    if has_log && !has_policy && args.policy.is_none() {
        return Err(lacks(POLICY, "--policy"));
    }
    if has_log && !has_roots && args.roots.is_empty() {
        return Err(lacks(ROOTS, "--root"));
    }
    let at_base = Keys { policy: policy.as_deref().map(parse_policy), roots: parse_roots(&roots) };
    let own_keys = !named && !has_policy && !has_roots;
    let trust = match (named || own_keys, &args.policy) {
        (true, _) => workspace.trust(args)?,
        (false, policy) => Trust {
            policy: match policy {
                Some(path) => read_policy(path)?,
                None => at_base.policy(revision)?,
            },
            roots: match args.roots.as_slice() {
                [] => at_base.roots(revision)?,
                paths => read_roots(paths)?,
            },
        },
    };
    let base = Base::new(revision, checkpoint.as_deref(), &trust).map_err(|error| {
        let message = format!("the log at {revision} is not one of the policy's");
        let failure = Failure::new(Exit::Unavailable, message).because(&error);
        failure
            .hint("whether the log extends it cannot be told; name its policy with --policy, or another base")
    })?;
    let digest = |name: &String| Hash::from_hex(name.strip_suffix(".json")?).ok();
    let base = base.waiting(commit.names(PENDING)?.iter().filter_map(digest));
    let mut against = Against { commit, trust, base, own_keys };
    if has_policy || has_roots {
        for mut finding in at_base.changes(workspace, revision) {
            if named {
                // Who is trusted was said by whoever runs this, and does not depend on these files.
                finding.severity = Severity::Note;
            }
            against.base = against.base.finding(finding);
        }
    }
    Ok(against)
}

/// Links on the way to the repository that are followed, as of systems.
const LINKS_MAX: usize = 40;

/// Refuses a work tree in which a link stands on the way to the log or its keys. What it leads to is not what the change
/// has there: it may be a folder where the base has nothing to be held against, or no part of the commit at all.
fn refuse_links(workspace: &Workspace) -> Outcome<()> {
    let refused = |path: &Path| {
        let message = format!("{} is a symbolic link", path.display());
        let hint = "with --git nothing in a repository is read through a link: what it leads to is not in the commit";
        Err(Failure::new(Exit::Unavailable, message).hint(hint))
    };
    let failed = |error: io::Error| {
        let message = format!("cannot look into {}", workspace.shown().display());
        Failure::new(Exit::Unavailable, message).because(&error)
    };
    if let Some(link) =
        here().and_then(|here| link_in_work_tree(&here.join(workspace.root()))).map_err(failed)?
    {
        return refused(&link);
    }
    workspace.only_a_folder("--git")?;
    let mut paths = vec![workspace.records(), workspace.roots(), workspace.policy()];
    paths.extend(workspace.policy().parent().map(Path::to_owned));
    // Where they cannot be listed they cannot be read either.
    paths.extend(fs::read_dir(workspace.roots()).into_iter().flatten().flatten().map(|entry| entry.path()));
    match paths.iter().find(|path| path.is_symlink()) {
        Some(link) => refused(link),
        None => Ok(()),
    }
}

/// Returns the current folder, by the name that the caller went by.
fn here() -> io::Result<PathBuf> {
    let here = env::current_dir()?;
    let named = env::var_os("PWD").map(PathBuf::from).filter(|named| named.is_absolute());
    let named = named
        .filter(|named| fs::canonicalize(named).is_ok_and(|it| Some(it) == fs::canonicalize(&here).ok()));
    Ok(named.unwrap_or(here))
}

/// Returns the first link on the way to `path` that lies in a work tree. Those above one are followed.
fn link_in_work_tree(path: &Path) -> io::Result<Option<PathBuf>> {
    let reversed = |path: &Path| -> Vec<OsString> {
        path.components().rev().map(|part| part.as_os_str().to_owned()).collect()
    };
    let (mut rest, mut at, mut followed) = (reversed(path), PathBuf::new(), 0);
    while let Some(part) = rest.pop() {
        if part == ".." {
            // No link is left in it: the folder above is the one by name.
            at.pop();
            continue;
        }
        let next = at.join(&part);
        let Ok(target) = fs::read_link(&next) else {
            at = next;
            continue;
        };
        if at.ancestors().any(|folder| folder.join(".git").symlink_metadata().is_ok()) {
            return Ok(Some(next));
        }
        followed += 1;
        if followed > LINKS_MAX {
            return Err(io::Error::other("too many symbolic links"));
        }
        rest.extend(reversed(&target));
    }
    Ok(None)
}

type Told<T> = Result<T, String>;

/// Keys as they lie in a folder: parsed, or why not.
struct Keys {
    policy: Option<Told<Policy>>,
    roots: Told<Vec<PublicKey>>,
}

fn parse_policy(bytes: &[u8]) -> Told<Policy> {
    Policy::parse(bytes).map_err(|error| error.to_string())
}

fn parse_roots(files: &[(String, Vec<u8>)]) -> Told<Vec<PublicKey>> {
    let parse = |(path, bytes): &(String, Vec<u8>)| {
        public::parse(Path::new(path), bytes).map(|(key, _)| key).map_err(|error| error.to_string())
    };
    files.iter().map(parse).collect()
}

impl Keys {
    fn policy(&self, revision: &str) -> Outcome<Policy> {
        match &self.policy {
            Some(Ok(policy)) => Ok(policy.clone()),
            Some(Err(error)) => Err(unusable(&format!("{POLICY} at {revision}"), error)),
            None => Err(unusable(&format!("{POLICY} at {revision}"), "it is not there")),
        }
    }

    fn roots(&self, revision: &str) -> Outcome<Vec<PublicKey>> {
        match &self.roots {
            Ok(roots) if roots.is_empty() => {
                Err(unusable(&format!("{ROOTS} at {revision}"), "no key is there"))
            }
            Ok(roots) => Ok(roots.clone()),
            Err(error) => Err(unusable(&format!("{ROOTS} at {revision}"), error)),
        }
    }

    /// Says where the keys in the work tree mean others than these.
    fn changes(&self, workspace: &Workspace, revision: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut changed = |what: &str| {
            let message =
                format!("{what} is not what {revision} has: the change was judged by the keys there");
            findings.push(Finding::new(Code::KeysChanged, message).path(format!("../{what}")));
        };
        let policy = read_policy(&workspace.policy()).ok();
        let same = |before: &Policy| policy.as_ref().is_some_and(|now| now.format() == before.format());
        if !self.policy.as_ref().is_none_or(|before| before.as_ref().is_ok_and(same)) {
            changed(POLICY);
        }
        let ids = |roots: &[PublicKey]| roots.iter().map(PublicKey::key_id).collect::<BTreeSet<_>>();
        let now = workspace.own_roots().map(|now| ids(&now));
        let before = self.roots.as_deref().map(ids);
        if !matches!((now, before), (Ok(now), Ok(before)) if now == before) {
            changed(ROOTS);
        }
        findings
    }
}

fn unusable(what: &str, why: &str) -> Failure {
    Failure::new(Exit::Unavailable, format!("{what} cannot be used: {why}"))
        .hint("name what you trust with --policy and --root")
}
