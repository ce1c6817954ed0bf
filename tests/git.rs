//! `dateline verify --git`: a branch proves that its log extends the one it will be merged into. Real repositories, and
//! the `git` program of this machine.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use dateline::keys::public;
use dateline::record::{NewEntry, Pending, layout};
use dateline::storage::{MemoryStore, Store};
use serde_json::Value;
use support::{
    ORIGIN, append, assembled, build, copy, editor, enrolment, get, key, log_key, open, policy, records,
    registration, root_key, signing, vkey_of,
};
use tempfile::TempDir;

/// A repository with a workspace in it.
struct Repository {
    temp: TempDir,
    workspace: PathBuf,
}

fn isolated(command: &mut Command, home: &Path) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", home);
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "A. Diarra");
        command.env(format!("GIT_{role}_EMAIL"), "diarra@example.org");
    }
    command.env("XDG_STATE_HOME", home.join("state")).stdin(Stdio::null());
}

fn git_in(folder: &Path, home: &Path, args: &[&str]) -> Output {
    let mut command = Command::new("git");
    isolated(&mut command, home);
    command.current_dir(folder).args(["-c", "protocol.file.allow=always"]).args(args).output().unwrap()
}

impl Repository {
    /// A repository whose branch `main` has a log of `size` entries and its keys, in the folder `place`.
    fn with_log(place: &str, size: u64) -> Self {
        let repository = Repository::empty(place);
        let store = MemoryStore::default();
        build(&store, size);
        repository.lay_keys();
        repository.lay(&store);
        repository.commit("the log");
        repository
    }

    fn empty(place: &str) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let workspace = temp.path().join("repository").join(place);
        fs::create_dir_all(&workspace).unwrap();
        let repository = Repository { temp, workspace };
        repository.git(&["init", "-q", "-b", "main", "."]);
        // `init` was run in the place: the repository begins above it.
        if !place.is_empty() {
            fs::rename(repository.workspace.join(".git"), repository.top().join(".git")).unwrap();
        }
        let attributes = "records/** binary\nkeys/** -text\n";
        repository.write(".gitattributes", attributes.as_bytes());
        repository.commit("nothing yet");
        repository
    }

    fn top(&self) -> PathBuf {
        self.temp.path().join("repository")
    }

    fn git(&self, args: &[&str]) -> String {
        let output = git_in(&self.workspace, self.temp.path(), args);
        assert!(output.status.success(), "git {args:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.workspace.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn lay_keys(&self) {
        self.write("keys/policy", &policy().format());
        let line = public::format(&root_key().public(), "root") + "\n";
        self.write("keys/roots/root.pub", line.as_bytes());
    }

    /// Puts the files of a log in place of all that lies in records/.
    fn lay(&self, store: &dyn Store) {
        let _ = fs::remove_dir_all(self.workspace.join("records"));
        for key in store.list("").unwrap().keys {
            if !key.as_str().starts_with(".local") {
                let bytes = store.get(&key, u64::MAX).unwrap().unwrap();
                self.write(&format!("records/{key}"), &bytes);
            }
        }
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A", "."]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
    }

    /// Begins a branch at main.
    fn branch(&self, name: &str) {
        self.git(&["checkout", "-q", "-f", "-b", name, "main"]);
    }

    fn pend(&self, number: usize) -> String {
        let pending = Pending::of(&registration(&editor(), number, "", false).entry.into_entry());
        let path = format!("records/{}", pending.path());
        self.write(&path, &pending.format());
        path
    }

    fn verify(&self, args: &[&str]) -> Seen {
        verify(&self.workspace, self.temp.path(), args, &[])
    }
}

/// What a run said.
struct Seen {
    code: i32,
    report: Value,
    talk: String,
}

impl Seen {
    fn findings(&self) -> Vec<&str> {
        let findings = self.report["findings"].as_array().unwrap();
        findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect()
    }

    fn message(&self, code: &str) -> &str {
        let findings = self.report["findings"].as_array().unwrap();
        let finding = findings.iter().find(|finding| finding["code"] == code);
        finding.unwrap_or_else(|| panic!("no {code}: {}", self.report))["message"].as_str().unwrap()
    }

    fn is_verified(&self) {
        assert_eq!(
            (self.code, &self.report["verdict"]),
            (0, &"verified".into()),
            "{}{}",
            self.report,
            self.talk
        );
    }
}

fn verify(workspace: &Path, home: &Path, args: &[&str], environment: &[(&str, &str)]) -> Seen {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
    isolated(&mut command, home);
    command.current_dir(workspace).args(["verify", "--format", "json"]).args(args);
    command.envs(environment.iter().copied());
    let output = command.output().unwrap();
    Seen {
        code: output.status.code().unwrap(),
        report: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        talk: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The entries of a log of `size`; from `differs` on they are others.
fn history(size: usize, differs: usize) -> Vec<NewEntry> {
    let record =
        |number| registration(&editor(), number, if number >= differs { "again" } else { "" }, false);
    std::iter::once(enrolment())
        .chain((1..size).map(record))
        .map(|record| record.entry.into_entry())
        .collect()
}

#[test]
fn statements_that_wait_in_two_branches_merge_and_verify_also_in_a_shallow_clone() {
    for place in ["", "desk/provenance"] {
        let repository = Repository::with_log(place, 5);
        repository.branch("one");
        let first = repository.pend(900);
        repository.commit("a registration");
        repository.branch("two");
        repository.pend(901);
        repository.commit("another");
        let own = repository.verify(&["--git", "main"]);
        own.is_verified();
        assert_eq!(own.report["counts"]["pending"], 1);
        assert_eq!(own.report["base"]["hasLog"], true);
        assert_eq!(own.report["base"]["commit"], repository.git(&["rev-parse", "main"]));
        repository.git(&["checkout", "-q", "main"]);
        repository.git(&["merge", "-q", "--no-ff", "-m", "merge one", "one"]);
        repository.git(&["checkout", "-q", "--detach", "main"]);
        repository.git(&["merge", "-q", "--no-ff", "-m", "merge two", "two"]);
        let merged = repository.verify(&["--git", "main"]);
        merged.is_verified();
        assert_eq!(merged.report["counts"]["pending"], 2);
        assert_eq!(merged.report["remembered"]["extends"], true);
        repository.git(&["branch", "merged"]);

        // As a job of continuous integration has it: the head and the base, each without history.
        let clone = repository.temp.path().join("clone");
        let url = format!("file://{}", repository.top().display());
        let home = repository.temp.path();
        let args = ["clone", "-q", "--depth", "1", "--branch", "merged", &url, "clone"];
        assert!(git_in(home, home, &args).status.success());
        let folder = clone.join(place);
        let missing = verify(&folder, home, &["--git", "origin/main"], &[]);
        assert_eq!(missing.code, 3, "{}", missing.talk);
        assert!(missing.talk.contains("git fetch --depth 1 origin main"), "{}", missing.talk);
        assert!(git_in(&clone, home, &["fetch", "-q", "--depth", "1", "origin", "main"]).status.success());
        let seen = verify(&folder, home, &["--git", "FETCH_HEAD"], &[]);
        seen.is_verified();
        assert_eq!(seen.report["counts"]["pending"], 2);
        assert_eq!(seen.report["remembered"]["size"], 5);

        // What waited is missed when it is dropped, and not when it has been appended.
        fs::remove_file(folder.join(&first)).unwrap();
        let dropped = verify(&folder, home, &["--git", "FETCH_HEAD"], &[]);
        dropped.is_verified();
        assert_eq!(dropped.findings(), ["pendingDropped"]);
        let policy = policy();
        let store = MemoryStore::default();
        build(&store, 5);
        append(&mut open(&store, &policy).unwrap(), vec![registration(&editor(), 900, "", false)]).unwrap();
        repository.lay(&store);
        repository.pend(901);
        let appended = repository.verify(&["--git", "main"]);
        appended.is_verified();
        assert_eq!(appended.findings(), [""; 0]);
        assert_eq!(appended.report["size"], 6);
    }
}

#[test]
fn a_branch_that_does_not_only_append_is_convicted() {
    let repository = Repository::with_log("", 7);
    let laid = |branch: &str, size, differs| {
        repository.branch(branch);
        repository.lay(&assembled(&history(size, differs), ORIGIN, &log_key()));
        repository.commit(branch);
        repository.verify(&["--git", "main"])
    };
    for (branch, size, differs, code) in [
        ("rolled-back", 5, usize::MAX, "rolledBack"),
        ("forked", 7, 6, "forked"),
        ("rewritten", 9, 3, "prefixRewritten"),
        ("rewritten-far", 300, 6, "prefixRewritten"),
    ] {
        let seen = laid(branch, size, differs);
        assert_eq!((seen.code, seen.findings()), (1, vec![code]), "{}", seen.report);
        assert_eq!(seen.report["remembered"]["extends"], false);
        assert!(seen.message(code).contains("main"), "{}", seen.message(code));
        let evidence = seen.report["evidence"].as_str().unwrap();
        let shown = verify(&repository.workspace, repository.temp.path(), &["--evidence", evidence], &[]);
        assert_eq!((shown.code, &shown.report["code"]), (0, &code.into()));
        // Nothing is remembered of it.
        assert!(!repository.temp.path().join("state/dateline/logs").exists());
    }
    repository.branch("removed");
    fs::remove_dir_all(repository.workspace.join("records")).unwrap();
    repository.commit("removed");
    let seen = repository.verify(&["--git", "main"]);
    assert_eq!((seen.code, seen.findings()), (1, vec!["rolledBack"]), "{}{}", seen.report, seen.talk);
    repository.branch("without-checkpoint");
    fs::remove_file(repository.workspace.join("records/checkpoint")).unwrap();
    let seen = repository.verify(&["--git", "main"]);
    assert_eq!((seen.code, seen.findings()), (3, vec!["fileMissing"]), "{}", seen.report);
    // It extends what it began with, and itself.
    repository.branch("honest");
    let store = MemoryStore::default();
    build(&store, 300);
    repository.lay(&store);
    repository.commit("honest");
    let seen = repository.verify(&["--git", "main"]);
    seen.is_verified();
    assert_eq!((&seen.report["remembered"]["size"], &seen.report["evidence"]), (&7.into(), &Value::Null));
    repository.verify(&["--git", "HEAD", "--stateless"]).is_verified();
}

#[test]
fn a_branch_cannot_choose_who_judges_it() {
    let repository = Repository::with_log("", 5);
    let theirs = vkey_of("example.org/theirs", &signing(8));
    // The keys alone.
    repository.branch("keys");
    let both = format!("{}log {theirs}\n", String::from_utf8(policy().format()).unwrap());
    let both = both.replace("quorum none\n", "") + "quorum none\n";
    repository.write("keys/policy", both.as_bytes());
    let line = public::format(&signing(9).public(), "another root") + "\n";
    repository.write("keys/roots/another.pub", line.as_bytes());
    repository.commit("keys");
    let seen = repository.verify(&["--git", "main"]);
    assert_eq!((seen.code, seen.findings()), (3, vec!["keysChanged", "keysChanged"]), "{}", seen.report);
    assert!(seen.message("keysChanged").contains("keys/policy"));
    let sarif =
        verify(&repository.workspace, repository.temp.path(), &["--git", "main", "--format", "sarif"], &[]);
    assert_eq!(sarif.code, 2, "a format is said once: {}", sarif.talk);
    // Who names the keys has seen them.
    let named = ["--git", "main", "--policy", "keys/policy", "--root", "keys/roots/root.pub"];
    let seen = repository.verify(&named);
    assert_eq!((seen.code, seen.findings()), (0, vec!["keysChanged", "keysChanged"]), "{}", seen.report);

    // Another log in its place, which the new policy takes.
    repository.lay(&assembled(&history(6, 9), "example.org/theirs", &signing(8)));
    repository.commit("another log");
    let seen = repository.verify(&["--git", "main"]);
    assert_eq!(seen.code, 1);
    assert!(seen.findings().contains(&"checkpointUntrusted"), "{}", seen.report);
    let seen = repository.verify(&named);
    assert_eq!((seen.code, seen.findings()[0]), (1, "logReplaced"), "{}", seen.report);
    assert!(seen.message("logReplaced").contains("example.org/theirs"));

    // The same keys, written otherwise, are no change.
    repository.branch("comment");
    let commented = format!("# ours\n{}", String::from_utf8(policy().format()).unwrap());
    repository.write("keys/policy", commented.as_bytes());
    let line = public::format(&root_key().public(), "renamed") + "\n";
    fs::remove_file(repository.workspace.join("keys/roots/root.pub")).unwrap();
    repository.write("keys/roots/renamed.pub", line.as_bytes());
    repository.verify(&["--git", "main"]).is_verified();
    // Keys that are gone are.
    fs::remove_dir_all(repository.workspace.join("keys")).unwrap();
    let seen = repository.verify(&["--git", "main"]);
    assert_eq!((seen.code, seen.findings()), (3, vec!["keysChanged", "keysChanged"]), "{}", seen.report);
    // A base whose keys lie elsewhere needs them named.
    repository.git(&["rm", "-q", "-r", "--cached", "keys"]);
    repository.git(&["commit", "-q", "-m", "keys elsewhere"]);
    repository.lay_keys();
    let seen = repository.verify(&["--git", "HEAD"]);
    assert_eq!(seen.code, 3);
    assert!(seen.talk.contains("HEAD has a log and no keys/policy"), "{}", seen.talk);
    let seen =
        repository.verify(&["--git", "HEAD", "--policy", "keys/policy", "--root", "keys/roots/root.pub"]);
    seen.is_verified();
    // A base whose log the policy does not take cannot be held against anything.
    repository.branch("foreign");
    repository.lay(&assembled(&history(6, 9), "example.org/theirs", &signing(8)));
    repository.commit("foreign");
    let seen = repository.verify(&["--git", "HEAD"]);
    assert_eq!(seen.code, 3);
    assert!(seen.talk.contains("the log at HEAD is not one of the policy's"), "{}", seen.talk);
}

#[test]
fn where_the_base_has_no_log_everything_is_new() {
    let repository = Repository::empty("");
    repository.branch("first");
    let store = MemoryStore::default();
    build(&store, 5);
    repository.lay(&store);
    repository.lay_keys();
    repository.commit("a log");
    let seen = repository.verify(&["--git", "main"]);
    seen.is_verified();
    assert_eq!(seen.report["base"]["hasLog"], false);
    let not_checked = seen.report["notChecked"].to_string();
    assert!(not_checked.contains("whether the keys are the right ones"), "{not_checked}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
    isolated(&mut command, repository.temp.path());
    let output =
        command.current_dir(&repository.workspace).args(["verify", "--git", "main"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\nmain has no log: everything is new\n"), "{text}");
    store.delete(&[key("tile/0/000.p/5")]).unwrap();
    repository.lay(&store);
    assert_eq!(repository.verify(&["--git", "main"]).code, 3);
    // And none in the work tree either.
    fs::remove_dir_all(repository.workspace.join("records")).unwrap();
    assert_eq!(repository.verify(&["--git", "main"]).code, 10);
}

#[test]
fn two_branches_that_both_appended_conflict_and_the_later_one_is_the_fork() {
    for attributes in [true, false] {
        let repository = Repository::with_log("", 5);
        if !attributes {
            fs::remove_file(repository.workspace.join(".gitattributes")).unwrap();
            repository.commit("no attributes");
        }
        for (branch, number) in [("one", 901), ("two", 902)] {
            repository.branch(branch);
            let (policy, store) = (policy(), MemoryStore::default());
            build(&store, 5);
            append(&mut open(&store, &policy).unwrap(), vec![registration(&editor(), number, "", false)])
                .unwrap();
            repository.lay(&store);
            repository.commit(branch);
            repository.verify(&["--git", "main"]).is_verified();
        }
        repository.git(&["checkout", "-q", "main"]);
        repository.git(&["merge", "-q", "--no-ff", "-m", "merge one", "one"]);
        repository.git(&["checkout", "-q", "two"]);
        let seen = repository.verify(&["--git", "main"]);
        assert_eq!((seen.code, seen.findings()), (1, vec!["forked"]));
        assert!(
            seen.message("forked").contains("what main has was accepted first"),
            "{}",
            seen.message("forked")
        );
        let merge = git_in(&repository.workspace, repository.temp.path(), &["merge", "main"]);
        assert!(!merge.status.success(), "git merged two histories: {merge:?}");
        let checkpoint = fs::read_to_string(repository.workspace.join("records/checkpoint")).unwrap();
        assert_eq!(checkpoint.contains("<<<<<<<"), !attributes, "{checkpoint}");
        let seen = repository.verify(&["--git", "main"]);
        if attributes {
            // Left as the branch had it.
            assert_eq!((seen.code, seen.findings()[0]), (1, "forked"), "{}", seen.report);
        } else {
            assert_eq!((seen.code, seen.findings()[0]), (1, "checkpointMalformed"), "{}", seen.report);
            let message = seen.message("checkpointMalformed");
            assert!(message.contains("merge conflict") && message.contains("register"), "{message}");
            assert_eq!(repository.verify(&["--stateless"]).findings()[0], "checkpointMalformed");
        }
    }
}

#[test]
fn files_that_a_branch_drops_or_changes_are_missed() {
    let repository = Repository::with_log("", 300);
    let original = {
        let store = MemoryStore::default();
        build(&store, 300);
        store.list("content").unwrap().keys[0].to_string()
    };
    for (name, changed, dropped) in [
        ("disclosures/000", "openingMismatch", "openingMissing"),
        (original.as_str(), "originalChanged", "originalMissing"),
        ("tile/entries/000", "entryChanged", "fileMissing"),
        ("tile/0/000", "tileChanged", "tileMissing"),
    ] {
        let path = repository.workspace.join("records").join(name);
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let seen = repository.verify(&["--git", "main"]);
        assert!(seen.code == 3 && seen.findings().contains(&dropped), "{name}: {}", seen.report);
        let mut other = bytes.clone();
        let at = bytes.len() / 2;
        other[at] = if other[at] == b'a' { b'b' } else { b'a' };
        fs::write(&path, other).unwrap();
        let seen = repository.verify(&["--git", "main"]);
        let openings = name.starts_with("disclosures") && seen.findings().contains(&"openingsMalformed");
        assert!(
            seen.code == 1 && (openings || seen.findings().contains(&changed)),
            "{name}: {}",
            seen.report
        );
        fs::write(&path, bytes).unwrap();
    }
    repository.verify(&["--git", "main"]).is_verified();
    // An erasure's file of openings may be emptied; one with the marks of a merge says so.
    let path = repository.workspace.join("records/disclosures/000");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> two\n")).unwrap();
    let seen = repository.verify(&["--git", "main"]);
    assert!(seen.message("openingsMalformed").contains("merge conflict"), "{}", seen.report);
}

#[test]
fn what_cannot_be_read_is_never_taken_for_verified() {
    let repository = Repository::with_log("desk", 5);
    let (folder, home) = (&repository.workspace, repository.temp.path());
    for (args, code, told) in [
        (vec!["--git", "nowhere"], 3, "there is no commit \"nowhere\" here"),
        (vec!["--git=--all"], 2, "does not name a commit"),
        (vec!["--git=-n1"], 2, "does not name a commit"),
        (vec!["--git="], 2, "does not name a commit"),
        (vec!["--git", "main..main"], 2, "does not name a commit"),
        (vec!["--git", "^main"], 2, "does not name a commit"),
        (vec!["--git", "main:desk/keys/policy"], 3, "there is no commit"),
        (vec!["--git", "$(touch x); \u{1b}[2J"], 3, "\\u{1b}[2J"),
        (vec!["--git", "main", "--full"], 2, "cannot be used with"),
    ] {
        let seen = repository.verify(&args);
        assert_eq!(seen.code, code, "{args:?}: {}", seen.talk);
        assert!(seen.talk.contains(told), "{args:?}: {}", seen.talk);
    }
    // Not in a repository.
    let outside = home.join("outside");
    fs::create_dir(&outside).unwrap();
    let ceiling = [("GIT_CEILING_DIRECTORIES", home.to_str().unwrap())];
    let seen = verify(&outside, home, &["--git", "main"], &ceiling);
    assert_eq!(seen.code, 3);
    assert!(seen.talk.contains("not a git repository"), "{}", seen.talk);
    // Somebody else's, which git does not read unless told.
    let seen = verify(folder, home, &["--git", "main"], &[("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")]);
    assert_eq!(seen.code, 3);
    assert!(
        seen.talk.contains("dubious ownership") && seen.talk.contains("hint: git config"),
        "{}",
        seen.talk
    );
    // No git.
    let seen = verify(folder, home, &["--git", "main"], &[("PATH", "")]);
    assert_eq!(seen.code, 3);
    assert!(seen.talk.contains("cannot run git") && seen.talk.contains("install git"), "{}", seen.talk);
    let seen = verify(home, home, &["--git", "main", "-C", "nowhere"], &[]);
    assert_eq!(seen.code, 3);
    assert!(seen.talk.contains("nowhere is not a folder"), "{}", seen.talk);
}

#[test]
fn the_base_is_what_was_committed_whatever_the_repository_says_of_it() {
    let repository = Repository::with_log("desk", 5);
    let (folder, home) = (&repository.workspace, repository.temp.path());
    repository.branch("rewritten");
    repository.lay(&assembled(&history(9, 3), ORIGIN, &log_key()));
    // Neither attributes nor filters of the change are applied to what is read.
    repository.write(".gitattributes", b"* text eol=crlf working-tree-encoding=UTF-16\n");
    repository.git(&["config", "filter.evil.smudge", "cat /dev/null"]);
    repository.write(".gitattributes", b"* filter=evil\n");
    repository.git(&["config", "core.fsmonitor", "touch fsmonitor-was-run"]);
    let seen = repository.verify(&["--git", "main"]);
    assert_eq!((seen.code, seen.findings()), (1, vec!["prefixRewritten"]), "{}{}", seen.report, seen.talk);
    repository.git(&["config", "--unset", "core.fsmonitor"]);
    repository.commit("rewritten");
    // A commit that another one stands for.
    repository.git(&["replace", "main", "rewritten"]);
    let seen = repository.verify(&["--git", "main"]);
    assert_eq!((seen.code, seen.findings()), (1, vec!["prefixRewritten"]), "{}", seen.report);
    assert!(!folder.join("fsmonitor-was-run").exists());
    // As from a hook, whose settings are about the place that git was called in.
    let hook = [("GIT_DIR", ".git"), ("GIT_INDEX_FILE", ".git/index"), ("GIT_PREFIX", "desk/")];
    repository.git(&["replace", "-d", "main"]);
    repository.git(&["checkout", "-q", "-f", "main"]);
    let seen = verify(&repository.top(), home, &["--git", "HEAD", "-C", "desk"], &hook);
    seen.is_verified();
    // What leads elsewhere is not in the commit, and is not taken for a log that is not there.
    for (number, path) in ["records/checkpoint", "records", "keys/policy", "keys"].into_iter().enumerate() {
        repository.git(&["checkout", "-q", "-f", "-b", &format!("link-{number}"), "main"]);
        fs::rename(folder.join(path), home.join(format!("elsewhere-{number}"))).unwrap();
        let target = home.join(format!("elsewhere-{number}"));
        std::os::unix::fs::symlink(target, folder.join(path)).unwrap();
        repository.commit("link");
        let here = repository.verify(&["--git", "HEAD"]);
        // And where the work tree has no link, only the base.
        repository.git(&["checkout", "-q", "--detach", "main"]);
        let base = repository.verify(&["--git", &format!("link-{number}")]);
        for seen in [here, base] {
            assert_eq!(seen.code, 3, "{path}: {}", seen.report);
            assert!(seen.talk.contains("is a symbolic link"), "{path}: {}", seen.talk);
        }
    }
}

/// A change that puts a link in the way has its own log and keys judged by themselves, or a log judged that it has not.
#[cfg(unix)]
#[test]
fn no_link_of_the_work_tree_is_followed() {
    use std::os::unix::fs::symlink;
    let repository = Repository::with_log("desk", 5);
    let (top, home) = (repository.top(), repository.temp.path());
    let desk = repository.workspace.clone();
    let is_refused = |workspace: &Path, args: &[&str], link: &str, environment: &[(&str, &str)]| {
        let seen = verify(workspace, home, args, environment);
        assert_eq!((seen.code, &seen.report["verdict"]), (3, &Value::Null), "{args:?}: {}", seen.talk);
        let told = format!("{link} is a symbolic link");
        assert!(seen.talk.contains(&told), "{args:?}: {}", seen.talk);
    };
    // The whole workspace, with another log and whom it trusts.
    let commit = |message: &str| {
        assert!(git_in(&top, home, &["add", "-A"]).status.success());
        assert!(git_in(&top, home, &["commit", "-q", "-m", message]).status.success());
    };
    repository.branch("evil");
    repository.lay(&assembled(&history(6, 2), ORIGIN, &log_key()));
    fs::rename(&desk, top.join("evil")).unwrap();
    symlink("evil", &desk).unwrap();
    commit("evil");
    is_refused(&top, &["--git", "main", "-C", "desk"], "desk", &[]);
    is_refused(&top, &["--git", "main", "-C", "./evil/../desk"], "desk", &[]);
    is_refused(home, &["--git", "main", "-C", desk.to_str().unwrap()], "desk", &[]);
    is_refused(&desk, &["--git", "main"], "desk", &[("PWD", desk.to_str().unwrap())]);
    let outside = home.join("link");
    symlink(&desk, &outside).unwrap();
    is_refused(home, &["--git", "main", "-C", "link"], "desk", &[]);
    // A part of the way.
    fs::remove_file(&desk).unwrap();
    symlink(".", &desk).unwrap();
    is_refused(&top, &["--git", "main", "-C", "desk/evil"], "desk", &[]);
    fs::remove_file(&desk).unwrap();
    fs::rename(top.join("evil"), &desk).unwrap();
    assert!(git_in(&top, home, &["checkout", "-q", "-f", "main"]).status.success());
    // A part of what is in it, which leads to what holds.
    for (number, path) in
        ["records", "keys", "keys/policy", "keys/roots", "keys/roots/root.pub"].into_iter().enumerate()
    {
        let (link, target) = (desk.join(path), home.join(format!("copy-{number}")));
        fs::rename(&link, &target).unwrap();
        symlink(&target, &link).unwrap();
        is_refused(&top, &["--git", "main", "-C", "desk"], &format!("desk/{path}"), &[]);
        fs::remove_file(&link).unwrap();
        fs::rename(&target, &link).unwrap();
    }
    verify(&top, home, &["--git", "main", "-C", "desk"], &[]).is_verified();
    // Above the repository links are the system's.
    let outside = home.join("to the repository");
    symlink(&top, &outside).unwrap();
    verify(home, home, &["--git", "main", "-C", "to the repository/desk"], &[]).is_verified();
}

/// A change may bring a repository along, in which the base is what the change says.
#[test]
fn no_repository_of_the_change_is_asked() {
    let repository = Repository::with_log("desk", 5);
    let (top, home, desk) = (repository.top(), repository.temp.path(), &repository.workspace);
    let other = Repository::empty("");
    other.lay_keys();
    other.lay(&assembled(&history(6, 2), ORIGIN, &log_key()));
    other.commit("another log");
    let evil = other.top();
    repository.branch("bare");
    repository.lay(&assembled(&history(6, 2), ORIGIN, &log_key()));
    // The files of a repository, without a work tree of its own.
    for name in ["HEAD", "config", "objects", "refs"] {
        let args =
            ["-r", evil.join(".git").join(name).to_str().unwrap(), desk.to_str().unwrap()].map(str::to_owned);
        assert!(Command::new("cp").args(args).status().unwrap().success());
    }
    for config in ["", "[core]\n\tbare = true\n", "[core]\n\tbare = false\n\tworktree = ..\n"] {
        repository.write("config", format!("[core]\n\trepositoryformatversion = 0\n{config}").as_bytes());
        let seen = verify(&top, home, &["--git", "main", "-C", "desk"], &[]);
        assert_eq!((seen.code, &seen.report["verdict"]), (3, &Value::Null), "{}{}", seen.report, seen.talk);
        assert!(seen.talk.contains("bare repository"), "{}", seen.talk);
    }
    // What is in a repository is not in its work tree.
    let seen = verify(&top, home, &["--git", "main", "-C", ".git/refs"], &[]);
    assert_eq!(seen.code, 3, "{}", seen.report);
    assert!(seen.talk.contains("does not lie in the work tree of a repository"), "{}", seen.talk);
    // A submodule.
    let repository = Repository::empty("");
    let url = format!("file://{}", evil.display());
    repository.git(&["submodule", "--quiet", "add", &url, "desk"]);
    repository.commit("submodule");
    let seen = verify(&repository.workspace, home, &["--git", "main", "-C", "desk"], &[]);
    assert_eq!((seen.code, &seen.report["verdict"]), (3, &Value::Null), "{}{}", seen.report, seen.talk);
    assert!(seen.talk.contains("desk lies in a submodule"), "{}", seen.talk);
}

/// What a partial clone left out is not fetched from wherever its settings say.
#[test]
fn nothing_is_fetched_on_the_way() {
    let repository = Repository::with_log("", 5);
    let home = repository.temp.path();
    repository.git(&["config", "uploadpack.allowFilter", "true"]);
    repository.branch("grown");
    let store = MemoryStore::default();
    build(&store, 7);
    repository.lay(&store);
    repository.commit("grown");
    let url = format!("file://{}", repository.top().display());
    let args = ["clone", "-q", "--filter=blob:none", "--branch", "grown", &url, "clone"];
    assert!(git_in(home, home, &args).status.success());
    let clone = home.join("clone");
    let seen = verify(&clone, home, &["--git", "origin/main"], &[]);
    assert_eq!(seen.code, 3, "{}", seen.report);
    let (_, advice) = seen.talk.split_once("in a partial clone, first: git ").unwrap();
    let advice: Vec<&str> = advice.lines().next().unwrap().split(' ').collect();
    assert!(git_in(&clone, home, &advice).status.success());
    verify(&clone, home, &["--git", "origin/main"], &[]).is_verified();
}

#[test]
fn the_files_of_a_log_survive_a_clone_that_converts_line_ends() {
    let repository = Repository::empty("");
    fs::remove_file(repository.workspace.join(".gitattributes")).unwrap();
    let mut init = Command::new(env!("CARGO_BIN_EXE_dateline"));
    isolated(&mut init, repository.temp.path());
    init.args(["init", "--log-origin", ORIGIN, "--no-passphrase"]).current_dir(&repository.workspace);
    repository.write(".gitattributes", b"*.png binary");
    assert!(init.output().unwrap().status.success());
    let attributes = fs::read_to_string(repository.workspace.join(".gitattributes")).unwrap();
    assert!(attributes.starts_with("*.png binary\n/records/** binary\n"), "{attributes}");
    repository.commit("a log");
    let home = repository.temp.path();
    let url = format!("file://{}", repository.top().display());
    let args = ["clone", "-q", "-c", "core.autocrlf=true", "-c", "core.eol=crlf", &url, "clone"];
    assert!(git_in(home, home, &args).status.success());
    verify(&home.join("clone"), home, &["--git", "HEAD"], &[]).is_verified();
    let ours = fs::read(repository.workspace.join("keys/policy")).unwrap();
    assert_eq!(fs::read(home.join("clone/keys/policy")).unwrap(), ours);
    assert!(!home.join("clone/keys/private").exists());
}

/// What the tests above rely on: the logs that they lay are those of the writer.
#[test]
fn the_histories_that_are_laid_are_those_of_a_writer() {
    let store = MemoryStore::default();
    build(&store, 7);
    let entries = |store: &dyn Store| get(store, "tile/entries/000.p/7").unwrap();
    let plain: Vec<NewEntry> = records(0..7).into_iter().map(|record| record.entry.into_entry()).collect();
    let other = MemoryStore::default();
    copy(&assembled(&plain, ORIGIN, &log_key()), &other, "");
    assert_eq!(entries(&store), entries(&other));
    assert_eq!(get(&store, layout::CHECKPOINT), get(&other, layout::CHECKPOINT));
}
