//! The real program on a real file system, whose system calls fail one at a time, or at one of which it is killed.
//!
//! Each scenario is run once under `strace`, which writes down every call that makes, writes, syncs, locks, renames or
//! removes a file of the workspace, or prints. Then it is run again for each of these calls and each fault: the call
//! fails with `EIO`, `ENOSPC` or `EINTR`, or writes no byte, or the program is killed with SIGKILL as it enters the call.
//! Whatever happens, what was acknowledged is there, readers see a log that holds before any writer has cleaned up, and
//! the same command, run again, does what is left of its work once: no statement that waited is lost or published twice,
//! nothing is erased that the log does not say is, what was said to be erased is in no byte of the workspace, and a search
//! answers what an index made anew answers.
//!
//! Covered: a call that was not carried out, and every state of the files between two calls. A write that is cut short
//! cannot honestly be made up (a tracer can only pretend that bytes were written), so it is brought about by a limit on
//! the size of files and by a small disk that fills up. Not covered: a call that was carried out and reports an error all
//! the same, which `faults.rs` does on a store in memory; the loss of what was written and not synced, which takes a
//! disk and not a process; several threads in the middle of writing, as one thread makes the order of calls the same in
//! each run.
//!
//! `cargo test` runs a seeded sample; `DATELINE_SYSCALLS=all` runs everything, and with a part of `scenario: fault` in place
//! of `all`, everything of that name: `init`, `first add: ENOSPC`. Without `strace` there is nothing to
//! check with, which is an error only where `DATELINE_SHARED` asks for nothing to be left out.

#![allow(clippy::unwrap_used, clippy::print_stderr)]
#![cfg(target_os = "linux")]

#[path = "support/desk.rs"]
mod desk;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

use dateline::base::encoding::{from_base64, to_base64url};
use dateline::tlog::bundles_of;
use desk::{Desk, ORIGIN, Promises, arguments, copy_folder, lines, number, told, verified};
use serde_json::Value;

/// Faults of one sample; each costs some ten runs of the program.
const SAMPLE: usize = 24;

/// A document with words that are to go, and the words.
const SECRET: &str = "Harbour stays shut\n\nBy Ousmane Traoré-Kossi\n\nThe harbour stays shut, officials said. \"We \
    measure every single morning\", the chief of the service said.\n\nSource: Reuters\n";
const SECRETS: [&str; 3] = ["Ousmane Traoré-Kossi", "ousmane traore", "every single morning"];
/// What is then missing of it: a byline, the digests of its paragraphs, its quotes, and the original.
const ERASED: u64 = 5;
/// What is searched for.
const SOUGHT: &str = "centimetres";

/// What is traced. A name that this system does not have is passed over.
const TRACED: [&str; 20] = [
    "openat",
    "mkdir",
    "mkdirat",
    "write",
    "pwrite64",
    "writev",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "fsync",
    "fdatasync",
    "syncfs",
    "unlink",
    "unlinkat",
    "rmdir",
    "ftruncate",
    "chmod",
    "flock",
];

/// Calls that name their file by an open descriptor.
const BY_DESCRIPTOR: [&str; 8] =
    ["write", "pwrite64", "writev", "fsync", "fdatasync", "syncfs", "ftruncate", "flock"];

/// What happens to a call. The first is not an error of the call.
const FAULTS: [(&str, &str); 4] = [
    ("killed", "signal=SIGKILL"),
    ("EIO", "error=EIO"),
    ("ENOSPC", "error=ENOSPC"),
    ("EINTR", "error=EINTR"),
];
/// What may happen to a call that writes bytes, too: no byte is written, and that is what is said.
const NOTHING_WRITTEN: (&str, &str) = ("no bytes", "retval=0");

fn has_tool(name: &str) -> bool {
    let found = Command::new(name).arg("-V").output().is_ok_and(|output| output.status.success());
    let needed = std::env::var_os("DATELINE_SHARED").is_some();
    assert!(found || !needed, "{name} is not installed, and nothing may be left out");
    if !found {
        eprintln!("left out: {name} is not installed");
    }
    found
}

/// What a command does.
enum Work {
    /// Begins a log.
    Init,
    /// Registers documents.
    Add,
    /// Appends the statements that wait: the bytes of each, by its file.
    Publish(BTreeMap<String, Vec<u8>>),
    /// Erases words of the record of this number.
    Erase(usize),
    /// Reads the index, or makes it; a search for [`SOUGHT`] answers this.
    Index(Vec<u8>),
}

/// A command on a workspace, as it lies in `base`; none for `init`.
struct Scenario {
    name: &'static str,
    work: Work,
    base: Option<PathBuf>,
    promises: Promises,
    args: Vec<String>,
    paths: Vec<PathBuf>,
    /// Registrations that the log has in the end.
    in_the_end: usize,
    /// The signer's key, where it lies elsewhere.
    signer: Option<PathBuf>,
}

/// A call of the program: the `nth` of its name on this path, by one thread, and the `nth_of_all` of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    name: String,
    path: String,
    /// Where to, if it renames or links.
    to: Option<String>,
    nth: usize,
    nth_of_all: usize,
}

impl Call {
    /// Whether it is on a file that was put aside, which has another path in each run.
    fn is_aside(&self) -> bool {
        self.path.contains("/.local/staged/")
    }

    /// Whether it is on a file of the search index, or makes the folder that it lies in.
    fn is_of_the_index(&self) -> bool {
        self.path.contains("/.local/search.") || self.path.ends_with("/records/.local")
    }

    /// Whether it is on a name that no person knows.
    fn is_on_the_way(&self) -> bool {
        self.is_aside() || self.path.contains("/.local/tmp/")
    }
}

/// What a run under `strace` left.
struct Traced {
    status: ExitStatus,
    printed: Vec<u8>,
    said: String,
    log: String,
}

impl Scenario {
    fn args(&self) -> Vec<&str> {
        self.args.iter().map(String::as_str).collect()
    }
}

/// Where every run works: the paths are the same in each.
fn place(desk: &Desk) -> PathBuf {
    desk.root().join("run")
}

/// Puts the scenario's workspace in its place.
fn set_up(desk: &Desk, scenario: &Scenario) -> PathBuf {
    let workspace = place(desk);
    if workspace.exists() {
        fs::remove_dir_all(&workspace).unwrap();
    }
    if let Some(base) = &scenario.base {
        copy_folder(base, &workspace);
    }
    workspace
}

fn trace(desk: &Desk, scenario: &Scenario, options: &[String]) -> Traced {
    let workspace = place(desk);
    let [log, out, err] = ["trace", "out", "err"].map(|name| desk.root().join(name));
    let mut command = Command::new("strace");
    // A file by its path, no bytes of what is written. Filtering in the kernel would be faster, and delivers no signals.
    command.args(["-f", "-qq", "-y", "-s", "0", "-o"]).arg(&log).args(options);
    command.arg(env!("CARGO_BIN_EXE_dateline"));
    command.args(arguments(&workspace, &scenario.args(), &scenario.paths));
    desk.bare(&mut command);
    command.env("RAYON_NUM_THREADS", "1");
    command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    let status = command.status().unwrap();
    let said = String::from_utf8(fs::read(err).unwrap()).unwrap();
    Traced { status, printed: fs::read(out).unwrap(), said, log: fs::read_to_string(log).unwrap() }
}

fn between(text: &str, open: char, close: char) -> Option<&str> {
    let (_, rest) = text.split_once(open)?;
    Some(rest.split_once(close)?.0)
}

/// Reads a trace: the calls that touch the workspace or print, in their order.
fn calls(desk: &Desk, log: &str) -> Vec<Call> {
    let (workspace, out) = (place(desk), desk.root().join("out"));
    let mut seen: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    let mut of_all: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut found = Vec::new();
    for line in log.lines() {
        // `7 fsync(3</a/b>) = 0`; what is not a call's beginning has no name before a bracket.
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let Some((name, rest)) = call.trim_start().split_once('(') else { continue };
        if !TRACED.contains(&name) {
            continue;
        }
        let nth_of_all = of_all.entry((thread.into(), name.into())).or_default();
        *nth_of_all += 1;
        let path = match BY_DESCRIPTOR.contains(&name) {
            true => between(rest, '<', '>'),
            false => between(rest, '"', '"'),
        };
        let Some(path) =
            path.filter(|path| Path::new(path).starts_with(&workspace) || Path::new(path) == out)
        else {
            continue;
        };
        let nth = seen.entry((thread.into(), name.into(), path.into())).or_default();
        *nth += 1;
        let to = (name.starts_with("rename") || name.starts_with("link"))
            .then(|| rest.rsplit('"').nth(1).unwrap().to_owned());
        if name != "openat" || rest.contains("O_CREAT") {
            let (nth, nth_of_all) = (*nth, *nth_of_all);
            found.push(Call { name: name.into(), path: path.into(), to, nth, nth_of_all });
        }
    }
    found
}

/// Runs a scenario without a fault, and returns its calls.
fn count(desk: &Desk, scenario: &Scenario) -> Vec<Call> {
    set_up(desk, scenario);
    let names: Vec<String> = TRACED.iter().map(|name| format!("?{name}")).collect();
    let traced = trace(desk, scenario, &["-e".into(), format!("trace={}", names.join(","))]);
    assert!(traced.status.success(), "{}: {}", scenario.name, traced.said);
    calls(desk, &traced.log)
}

/// The options of `strace` that make one call fail.
fn injection(scenario: &Scenario, call: &Call, expression: &str) -> Vec<String> {
    let Call { name, path, nth, nth_of_all, .. } = call;
    let of = |nth| {
        vec![
            "-e".into(),
            format!("trace={name}"),
            "-e".into(),
            format!("inject={name}:{expression}:when={nth}"),
        ]
    };
    // Where nothing is signed anew, the path is the same.
    match call.is_aside() && !matches!(scenario.work, Work::Publish(_)) {
        true => of(nth_of_all),
        false => [vec!["-P".into(), path.clone()], of(nth)].concat(),
    }
}

/// Makes one call of a scenario fail, and checks what must hold then.
fn run_with(desk: &Desk, scenario: &Scenario, call: &Call, (fault, expression): (&str, &str)) {
    let workspace = set_up(desk, scenario);
    let traced = trace(desk, scenario, &injection(scenario, call, expression));
    let is_killed = traced.status.signal() == Some(9);
    if fault == "killed" {
        assert!(is_killed, "it was not killed: {:?}\n{}", traced.status, traced.log);
    } else {
        assert!(traced.log.contains("INJECTED"), "no such call this time:\n{}", traced.log);
        has_told(desk, call, &traced);
    }
    let mut promises = scenario.promises.clone();
    match &scenario.work {
        Work::Init => {
            begin_again(desk, scenario, &workspace, &traced);
            let added = first_add(desk, scenario, &workspace);
            assert!(added.status.success(), "{}", told(&added));
            assert_eq!(promises.keep(&added.stdout), 1);
        }
        Work::Add => {
            let acknowledged = promises.keep(&traced.printed);
            assert!(!traced.status.success() || acknowledged == scenario.paths.len(), "{}", traced.said);
            // Nobody has cleaned up yet.
            verified(desk, &workspace);
            promises.are_kept_at(desk, &workspace);
            let retried = again(desk, scenario, &workspace);
            assert_eq!(promises.keep(&retried.stdout), scenario.paths.len());
        }
        Work::Publish(waiting) => publish_again(desk, scenario, &workspace, &traced, waiting),
        Work::Erase(record) => erase_again(desk, scenario, &workspace, &traced, *record),
        Work::Index(answer) => search_again(desk, scenario, &workspace, &traced, answer),
    }
    assert_eq!(verified(desk, &workspace), [""; 0], "strays are left");
    assert_eq!(promises.are_kept_at(desk, &workspace), scenario.in_the_end);
    let local = workspace.join("records/.local");
    assert!(!local.join("staging").exists(), "a staged bundle was left");
    assert_eq!(fs::read_dir(local.join("tmp")).unwrap().count(), 0, "temporary files were left");
}

/// A failure has a documented code, and says what failed, and why.
fn has_told(desk: &Desk, call: &Call, traced: &Traced) {
    let said = &traced.said;
    assert!(!said.contains("panicked"), "{said}");
    match traced.status.code() {
        Some(0) => {}
        Some(3) => {
            let out = desk.root().join("out");
            let file = |path: &String| said.contains(path.as_str());
            let is_named = match Path::new(&call.path) == out {
                true => said.contains("cannot write to standard output"),
                false if call.is_aside() && said.contains("/.local/staged/") => true,
                // What is put aside gets its name by way of a temporary one: that is said of the name.
                false if call.is_on_the_way() && said.contains("cannot link to ") => true,
                // Counted by thread, the fault met another call before.
                false if call.is_aside() && injected(&traced.log).any(|path| said.contains(path)) => true,
                // Or the message too.
                false if traced.log.matches("(INJECTED)").count() > 1 && !said.contains("  hint: ") => return,
                false if call.is_of_the_index() && said.contains("from records/.local") => true,
                false if call.is_of_the_index() && said.contains("in records/.local") => true,
                // By a descriptor of the lock's, and said of the folder.
                false if call.name == "syncfs" => said.contains("cannot sync ") && said.contains("/records"),
                false => file(&call.path) || call.to.as_ref().is_some_and(file),
            };
            let Call { name, path, to, .. } = call;
            assert!(is_named, "{name} of {path} (to {to:?}): it does not say where: {said}");
            assert!(said.contains("error: ") && said.contains("  cause: "), "{said}");
            let is_full = traced.log.contains("ENOSPC");
            assert!(!is_full || said.contains("free some space"), "it does not say what to do: {said}");
        }
        _ => panic!("{:?}: {said}", traced.status),
    }
}

/// The files of the calls that were made to fail.
fn injected(log: &str) -> impl Iterator<Item = &str> {
    let failed = log.lines().filter(|line| line.contains("(INJECTED)"));
    failed.filter_map(|line| {
        between(line, '"', '"').filter(|path| !path.is_empty()).or_else(|| between(line, '<', '>'))
    })
}

/// What a person does after `init` failed, if it has.
fn begin_again(desk: &Desk, scenario: &Scenario, workspace: &Path, traced: &Traced) {
    let begun = desk.run_at(workspace, &["verify", "--stateless"], &[]);
    if traced.status.success() {
        assert!(begun.status.success(), "{}", told(&begun));
        return;
    }
    // No log, or one whose keys are there by half.
    assert!(matches!(begun.status.code(), Some(0 | 3 | 10 | 12)), "{}", told(&begun));
    let again = desk.run_at(workspace, &scenario.args(), &[]);
    if again.status.success() {
        return;
    }
    // Only one that was killed leaves something, or one that could only not print; and then it says what to do.
    let has_said = traced.said.contains("the log was made all the same");
    assert!(traced.status.code().is_none() || has_said, "{}\n{}", traced.said, told(&again));
    assert_eq!(again.status.code(), Some(2), "{}", told(&again));
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    if begun.status.success() {
        assert!(said.contains("there is a log here already"), "{said}");
    } else if said.contains("dateline add FILE") {
        // It was committed: the next writer publishes it.
        let begun = desk.run_at(workspace, &["list"], &[]);
        assert_eq!(begun.status.code(), Some(10), "{}", told(&begun));
    } else {
        assert!(said.contains("remove keys/ and run it again"), "{said}");
        fs::remove_dir_all(workspace.join("keys")).unwrap();
        let again = desk.run_at(workspace, &scenario.args(), &[]);
        assert!(again.status.success(), "{}", told(&again));
    }
}

/// Does the same once more, which must work.
fn again(desk: &Desk, scenario: &Scenario, workspace: &Path) -> Output {
    let done = desk.run_at(workspace, &scenario.args(), &scenario.paths);
    assert!(done.status.success(), "the same again: {}", told(&done));
    done
}

/// The entries that readers see, by nothing but the files.
fn published(workspace: &Path) -> Vec<Vec<u8>> {
    let records = workspace.join("records");
    let checkpoint = fs::read_to_string(records.join("checkpoint")).unwrap();
    let mut entries = Vec::new();
    for bundle in bundles_of(checkpoint.lines().nth(1).unwrap().parse().unwrap()) {
        let bytes = fs::read(records.join(bundle.path())).unwrap();
        entries.extend(bundle.entries(&bytes).unwrap().into_iter().map(<[u8]>::to_vec));
    }
    entries
}

/// What waited is in the log once or still waits, and in the end all of it is in the log, where it was said to be.
fn publish_again(
    desk: &Desk,
    scenario: &Scenario,
    workspace: &Path,
    traced: &Traced,
    waiting: &BTreeMap<String, Vec<u8>>,
) {
    let before = published(scenario.base.as_ref().unwrap()).len();
    let mut said: BTreeMap<String, u64> = BTreeMap::new();
    let keep = |said: &mut BTreeMap<String, u64>, printed: &[u8]| {
        for line in lines(printed).iter().filter(|line| line.get("record").is_some()) {
            assert!(matches!(line["outcome"].as_str(), Some("appended" | "alreadyInTheLog")), "{line}");
            let (path, record) = (line["path"].as_str().unwrap(), line["record"].as_u64().unwrap());
            let known = said.insert(path.to_owned(), record);
            assert!(known.is_none_or(|known| known == record), "it was given another number: {line}");
        }
    };
    let in_the_log = |said: &BTreeMap<String, u64>| {
        let entries = published(workspace);
        for (path, entry) in waiting {
            let places: Vec<usize> = (0..entries.len()).filter(|at| entries[*at] == *entry).collect();
            assert!(places.len() <= 1, "{path} was published twice");
            assert!(places.len() == 1 || workspace.join("records").join(path).exists(), "{path} is lost");
            assert!(said.get(path).is_none_or(|record| places == [*record as usize]), "{path} is not there");
        }
        entries.len()
    };
    keep(&mut said, &traced.printed);
    assert!(!traced.status.success() || said.len() == waiting.len(), "{}", traced.said);
    // Nobody has cleaned up yet.
    verified(desk, workspace);
    in_the_log(&said);
    keep(&mut said, &again(desk, scenario, workspace).stdout);
    // Of what was not acknowledged, the second run told; a file that was deleted was acknowledged by the first.
    assert_eq!(said.len(), waiting.len(), "{said:?}");
    assert_eq!(in_the_log(&said), before + waiting.len());
    let left = fs::read_dir(workspace.join("records/pending")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "files are left");
    let third = lines(&again(desk, scenario, workspace).stdout);
    assert_eq!(third[0]["published"], 0, "{third:?}");
}

/// The files of a workspace that hold a text, in the clear or in one of its three spellings in base64.
fn holding(folder: &Path, text: &str) -> Vec<PathBuf> {
    let spelled = |from: usize| {
        let padded = [&vec![0; from], text.as_bytes()].concat();
        let spelled = to_base64url(&padded);
        // Without the characters that depend on what stands before and after.
        spelled[from.div_ceil(3) * 4..padded.len() / 3 * 4].to_owned()
    };
    let needles: Vec<String> = [text.to_owned()].into_iter().chain((0..3).map(spelled)).collect();
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let has = |needle: &String| bytes.windows(needle.len()).any(|part| part == needle.as_bytes());
            if needles.iter().any(has) {
                found.push(path);
            }
        }
    }
    found
}

/// Returns where any of [`SECRETS`] are.
fn secrets(folder: &Path) -> BTreeSet<PathBuf> {
    if !folder.exists() {
        return BTreeSet::new();
    }
    SECRETS.iter().flat_map(|words| holding(folder, words)).collect()
}

/// Nothing is gone that the log does not say is, and what is said to be gone is in no byte, for good.
fn erase_again(desk: &Desk, scenario: &Scenario, workspace: &Path, traced: &Traced, record: usize) {
    let gone = || assert_eq!(secrets(workspace), BTreeSet::new(), "it is said to be erased, and is there");
    if traced.status.success() {
        gone();
    }
    let output = desk.run_at(workspace, &["verify", "--stateless"], &[]);
    let report = lines(&output.stdout).remove(0);
    let has = |code: &str| report["findings"].as_array().unwrap().iter().any(|one| one["code"] == code);
    let records = workspace.join("records");
    let there = [records.join("disclosures"), records.join("content")].map(|folder| secrets(&folder).len());
    let size = published(workspace).len();
    if size <= record + 1 {
        assert_eq!(there, if size <= record { there } else { [1, 1] }, "it went, and nothing says so");
        assert_eq!(verified(desk, workspace).len(), report["findings"].as_array().unwrap().len());
    } else {
        // What goes last is there as long as anything else is.
        let is_left = there != [0, 0] || !secrets(workspace).is_empty();
        assert_eq!(has("erasureIncomplete"), is_left, "{report}");
        let codes = report["findings"].as_array().unwrap().iter();
        assert!(codes.into_iter().all(|one| one["code"] == "stray" || one["code"] == "erasureIncomplete"));
    }
    again(desk, scenario, workspace);
    gone();
    let report = desk.run_at(workspace, &["verify", "--stateless"], &[]);
    let report = lines(&report.stdout).remove(0);
    assert_eq!((&report["verdict"], &report["counts"]["erased"]), (&"verified".into(), &ERASED.into()));
    let third = lines(&again(desk, scenario, workspace).stdout);
    assert_eq!(third[0]["outcome"], "erasedBefore", "{third:?}");
    assert_eq!(published(workspace).len(), record + 2, "it was said twice");
    // Whoever makes an index now finds nothing to put into it.
    let found = desk.run_at(workspace, &["search", SOUGHT], &[]);
    assert!(found.status.success(), "{}", told(&found));
    gone();
}

/// Whatever became of the index, a search answers what the log says, and what was erased goes from it.
fn search_again(desk: &Desk, scenario: &Scenario, workspace: &Path, traced: &Traced, answer: &[u8]) {
    if traced.status.success() && scenario.args[0] == "search" {
        assert_eq!(lines(&traced.printed), lines(answer));
    }
    let found = desk.run_at(workspace, &["search", SOUGHT], &[]);
    assert!(found.status.success(), "{}", told(&found));
    assert_eq!(lines(&found.stdout), lines(answer));
    assert_eq!(secrets(workspace), BTreeSet::new(), "it was erased, and is there");
    again(desk, scenario, workspace);
    assert_eq!(secrets(workspace), BTreeSet::new(), "it was erased, and is there");
}

/// Registers a first document in a log that was just begun.
fn first_add(desk: &Desk, scenario: &Scenario, workspace: &Path) -> Output {
    let mut args = vec!["add", "--yes"];
    if let Some(key) = &scenario.signer {
        args.extend(["--key", key.to_str().unwrap()]);
    }
    desk.run_at(workspace, &args, &[desk.document(0)])
}

/// Makes a workspace with so many registrations, made by one command, and remembers it under a name.
fn prepared(desk: &Desk, name: &str, documents: std::ops::Range<usize>) -> (PathBuf, Promises) {
    let base = desk.root().join(name);
    let made = desk.run_at(&base, &["init", "--no-passphrase", "--log-origin", ORIGIN], &[]);
    assert!(made.status.success(), "{}", told(&made));
    let mut promises = Promises::default();
    if !documents.is_empty() {
        let added = desk.run_at(&base, &["add", "--yes", "--no-store"], &desk.documents(documents));
        assert!(added.status.success(), "{}", told(&added));
        promises.keep(&added.stdout);
    }
    (base, promises)
}

fn scenarios(desk: &Desk) -> Vec<Scenario> {
    let init = |more: &[&str]| {
        let args = ["init", "--no-passphrase", "--log-origin", ORIGIN];
        args.iter().chain(more).map(|arg| String::from(*arg)).collect::<Vec<_>>()
    };
    let add = || vec!["add".to_owned(), "--yes".to_owned()];
    let (empty, nothing) = prepared(desk, "empty", 0..0);
    let (small, one) = prepared(desk, "small", 1000..1001);
    // 255 entries with the one of `init`.
    let (edge, many) = prepared(desk, "edge", 2000..2254);
    let (key, public) = (empty.join("keys/private/editor"), empty.join("keys/private/editor.pub"));
    let begin = |name, args, signer| {
        let (promises, paths) = (Promises::default(), Vec::new());
        Scenario { name, work: Work::Init, base: None, promises, args, paths, in_the_end: 1, signer }
    };
    let scenario = |name, base: &PathBuf, promises: &Promises, paths, in_the_end| {
        let (base, promises) = (Some(base.clone()), promises.clone());
        Scenario { name, work: Work::Add, base, promises, args: add(), paths, in_the_end, signer: None }
    };
    let known = |number: usize, fresh: std::ops::Range<usize>| {
        desk.documents(fresh).into_iter().chain([desk.document(number)]).collect::<Vec<_>>()
    };
    let border = scenario("over the border of a tile", &edge, &many, desk.documents(0..2), 256);
    let moments = [
        ("after a commit that nothing followed", ".local/checkpoint"),
        ("after an unpublished commit", "records/checkpoint"),
    ];
    let mut all: Vec<Scenario> = moments
        .into_iter()
        .map(|(name, moment)| {
            let base = interrupted(desk, &border, moment, name);
            scenario(name, &base, &many, known(1, 2..5), 259)
        })
        .collect();
    all.extend([
        begin("init", init(&[]), None),
        begin("init with a signer's own key", init(&["--signer-key", public.to_str().unwrap()]), Some(key)),
        scenario("first add", &empty, &nothing, desk.documents(0..1), 1),
        scenario("several in one commit", &small, &one, known(1000, 0..5), 6),
        border,
    ]);
    all.extend([publishing(desk, &small, &one)]);
    all.extend(erasing(desk, &empty, &nothing));
    all
}

/// A scenario that registers nothing.
fn other(name: &'static str, work: Work, base: &Path, promises: &Promises, args: &[&str]) -> Scenario {
    let (base, promises, args) =
        (Some(base.to_owned()), promises.clone(), args.iter().map(|arg| String::from(*arg)).collect());
    Scenario { name, work, base, promises, args, paths: Vec::new(), in_the_end: 0, signer: None }
}

/// Runs what must succeed.
fn done(desk: &Desk, workspace: &Path, args: &[&str], paths: &[PathBuf]) -> Output {
    let output = desk.run_at(workspace, args, paths);
    assert!(output.status.success(), "{args:?}: {}", told(&output));
    output
}

/// Two registrations, one of them with its original, and what is said of a record, by a signer who has no log key.
fn publishing(desk: &Desk, small: &Path, promises: &Promises) -> Scenario {
    let base = desk.root().join("waiting");
    copy_folder(small, &base);
    let log_key = base.join("keys/private/log");
    let kept = desk.root().join("kept");
    fs::rename(&log_key, &kept).unwrap();
    done(desk, &base, &["add", "--yes", "--pending"], &[desk.document(1)]);
    done(desk, &base, &["add", "--yes", "--pending", "--no-store"], &[desk.document(2)]);
    done(desk, &base, &["note", "1", "update", "--pending", "--note", "there is more"], &[]);
    fs::rename(kept, log_key).unwrap();
    let waiting: BTreeMap<String, Vec<u8>> = fs::read_dir(base.join("records/pending"))
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| {
            let read: Value = serde_json::from_slice(&fs::read(file.path()).unwrap()).unwrap();
            let name = format!("pending/{}", file.file_name().to_str().unwrap());
            (name, from_base64(read["entry"].as_str().unwrap()).unwrap())
        })
        .collect();
    assert_eq!(waiting.len(), 3);
    let publish = other("publish", Work::Publish(waiting), &base, promises, &["publish"]);
    Scenario { in_the_end: 3, ..publish }
}

/// A document whose words are erased: it is registered, its words are in the index, in an index that was to take its place,
/// and in the file in which it waited. And what may be left of that when others did the erasing.
fn erasing(desk: &Desk, empty: &Path, promises: &Promises) -> Vec<Scenario> {
    let base = desk.root().join("erasing");
    copy_folder(empty, &base);
    let secret = desk.root().join("in/secret.txt");
    fs::write(&secret, SECRET).unwrap();
    done(desk, &base, &["key", "new", "officer", "--no-passphrase"], &[]);
    let public = base.join("keys/private/officer.pub");
    done(desk, &base, &["key", "enrol", public.to_str().unwrap(), "--role", "data-officer"], &[]);
    // Committed and not yet published: its words lie in what was staged.
    let add = ["add", "--yes"].map(String::from).to_vec();
    let adding = other("", Work::Add, &base, promises, &[]);
    let adding = Scenario { args: add, paths: vec![secret.clone()], ..adding };
    let unpublished = interrupted(desk, &adding, "records/checkpoint", "unpublished words");

    done(desk, &base, &["add", "--yes", "--pending"], &[secret]);
    let waited = desk.root().join("waited");
    copy_folder(&base.join("records/pending"), &waited);
    done(desk, &base, &["publish"], &[]);
    done(desk, &base, &["search", SOUGHT], &[]);
    copy_folder(&waited, &base.join("records/pending"));
    let local = base.join("records/.local");
    fs::copy(local.join("search.sqlite"), local.join("search.new")).unwrap();
    let erase = ["erase", "2", "bylines", "quotes", "--original", "--reason", "pii", "--yes"];
    let one =
        |name, base: &Path| Scenario { in_the_end: 1, ..other(name, Work::Erase(2), base, promises, &erase) };
    let mut all = vec![one("erase", &base), one("erase what is not published", &unpublished)];

    // Erased, and the index as it was: somebody made it meanwhile.
    let erased = desk.root().join("erased");
    copy_folder(&base, &erased);
    done(desk, &erased, &erase, &[]);
    done(desk, &erased, &["add", "--yes"], &desk.documents(3000..3003));
    let anew = done(desk, &erased, &["search", SOUGHT], &[]).stdout;
    assert_eq!(lines(&anew).len(), 3);
    for name in ["sqlite", "stamp", "new"].map(|end| format!("records/.local/search.{end}")) {
        desk::copy_file(&base.join(&name), &erased.join(&name));
    }
    for (name, args) in [("search", &["search", SOUGHT][..]), ("reindex", &["reindex"])] {
        let scenario = other(name, Work::Index(anew.clone()), &erased, promises, args);
        all.push(Scenario { in_the_end: 4, ..scenario });
    }
    all
}

/// Kills a scenario: right after the commit, or right before it would publish. Returns the folder that it left.
fn interrupted(desk: &Desk, scenario: &Scenario, moment: &str, name: &str) -> PathBuf {
    let calls = count(desk, scenario);
    let moves = |call: &Call| call.to.as_ref().is_some_and(|to| to.ends_with(moment));
    let mut at = calls.iter().rposition(moves).unwrap();
    // The name is in place once that call is done: killed at the next.
    at += usize::from(moment.starts_with(".local"));
    let workspace = set_up(desk, scenario);
    let before = fs::read(workspace.join("records/checkpoint")).unwrap();
    let killed = trace(desk, scenario, &injection(scenario, &calls[at], "signal=SIGKILL"));
    assert_eq!(killed.status.signal(), Some(9), "{:?}: {}", calls[at], killed.log);
    let records = workspace.join("records");
    assert!(records.join(".local/staging").exists());
    assert_eq!(fs::read(records.join("checkpoint")).unwrap(), before);
    assert_ne!(fs::read(records.join(".local/checkpoint")).unwrap(), before);
    let base = desk.root().join(name.replace(' ', "-"));
    copy_folder(&workspace, &base);
    base
}

#[test]
fn whatever_call_fails_the_log_goes_on_as_one_log() {
    if !has_tool("strace") {
        return;
    }
    let desk = Desk::empty();
    let scenarios = scenarios(&desk);
    let asked = std::env::var("DATELINE_SYSCALLS").ok();
    let mut cases = Vec::new();
    for scenario in &scenarios {
        let calls = count(&desk, scenario);
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        calls.iter().for_each(|call| *kinds.entry(call.name.as_str()).or_default() += 1);
        println!("{}: {} calls {kinds:?}", scenario.name, calls.len());
        assert!(calls.len() > 10, "{}: {calls:?}", scenario.name);
        for call in calls {
            let writes = matches!(call.name.as_str(), "write" | "pwrite64");
            let faults = FAULTS.into_iter().chain(writes.then_some(NOTHING_WRITTEN));
            cases.extend(faults.map(|fault| (scenario, call.clone(), fault)));
        }
    }
    let total = cases.len();
    if let Some(part) = asked.as_deref().filter(|asked| *asked != "all") {
        cases.retain(|(scenario, _, fault)| format!("{}: {}", scenario.name, fault.0).contains(part));
    } else if asked.is_none() {
        // One of each stretch: every scenario gets its part.
        let stretch = total.div_ceil(SAMPLE);
        cases = cases
            .chunks(stretch)
            .enumerate()
            .map(|(n, some)| some[number("case", n, some.len())].clone())
            .collect();
    }
    let mut violations = Vec::new();
    for (scenario, call, fault) in &cases {
        let ran = catch_unwind(AssertUnwindSafe(|| run_with(&desk, scenario, call, *fault)));
        if ran.is_err() {
            println!("in {}: {} {call:?}", scenario.name, fault.0);
            violations.push(format!("{}: {} {call:?}", scenario.name, fault.0));
        }
    }
    println!("{} of {total} faults, {} violations", cases.len(), violations.len());
    assert!(violations.is_empty(), "{violations:#?}");
}
