//! The real program on a real file system, whose system calls fail one at a time, or at one of which it is killed.
//!
//! Each scenario is run once under `strace`, which writes down every call that makes, writes, syncs, locks, renames or
//! removes a file of the workspace, or prints. Then it is run again for each of these calls and each fault: the call
//! fails with `EIO`, `ENOSPC` or `EINTR`, or writes no byte, or the program is killed with SIGKILL as it enters the call.
//! Whatever happens, what was acknowledged is there, readers see a log that holds before any writer has cleaned up, and
//! the same command, run again, does what is left of its work once.
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

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

use desk::{Desk, ORIGIN, Promises, arguments, copy_folder, number, told, verified};

/// Faults of one sample; each costs some ten runs of the program.
const SAMPLE: usize = 16;

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

/// A command on a workspace, as it lies in `base`; none for `init`.
struct Scenario {
    name: &'static str,
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
    fn is_init(&self) -> bool {
        self.base.is_none()
    }

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
fn injection(call: &Call, expression: &str) -> Vec<String> {
    let Call { name, path, nth, nth_of_all, .. } = call;
    let of = |nth| {
        vec![
            "-e".into(),
            format!("trace={name}"),
            "-e".into(),
            format!("inject={name}:{expression}:when={nth}"),
        ]
    };
    match call.is_aside() {
        true => of(nth_of_all),
        false => [vec!["-P".into(), path.clone()], of(nth)].concat(),
    }
}

/// Makes one call of a scenario fail, and checks what must hold then.
fn run_with(desk: &Desk, scenario: &Scenario, call: &Call, (fault, expression): (&str, &str)) {
    let workspace = set_up(desk, scenario);
    let traced = trace(desk, scenario, &injection(call, expression));
    let is_killed = traced.status.signal() == Some(9);
    if fault == "killed" {
        assert!(is_killed, "it was not killed: {:?}\n{}", traced.status, traced.log);
    } else {
        assert!(traced.log.contains("INJECTED"), "no such call this time:\n{}", traced.log);
        has_told(desk, call, &traced);
    }
    let mut promises = scenario.promises.clone();
    if scenario.is_init() {
        begin_again(desk, scenario, &workspace, &traced);
        let added = first_add(desk, scenario, &workspace);
        assert!(added.status.success(), "{}", told(&added));
        assert_eq!(promises.keep(&added.stdout), 1);
    } else {
        let acknowledged = promises.keep(&traced.printed);
        assert!(!traced.status.success() || acknowledged == scenario.paths.len(), "{}", traced.said);
        // Nobody has cleaned up yet.
        verified(desk, &workspace);
        promises.are_kept_at(desk, &workspace);
        let retried = desk.run_at(&workspace, &scenario.args(), &scenario.paths);
        assert!(retried.status.success(), "the same again: {}", told(&retried));
        assert_eq!(promises.keep(&retried.stdout), scenario.paths.len());
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
                // Counted by thread, the fault met the message too.
                false if traced.log.matches("(INJECTED)").count() > 1 && !said.contains("  hint: ") => return,
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
        Scenario { name, base: None, promises, args, paths, in_the_end: 1, signer }
    };
    let scenario = |name, base: &PathBuf, promises: &Promises, paths, in_the_end| {
        let promises = promises.clone();
        Scenario { name, base: Some(base.clone()), promises, args: add(), paths, in_the_end, signer: None }
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
    let killed = trace(desk, scenario, &injection(&calls[at], "signal=SIGKILL"));
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
            let writes = call.name == "write";
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
            violations.push(format!("{}: {} {call:?}", scenario.name, fault.0));
        }
    }
    println!("{} of {total} faults, {} violations", cases.len(), violations.len());
    assert!(violations.is_empty(), "{violations:#?}");
}
