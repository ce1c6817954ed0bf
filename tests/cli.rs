//! What a user sees: exit code, standard output and standard error of every command, also of its failures.
//!
//! Hashes, keys, times and folders differ from run to run and stand as `[…]` in the snapshots.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const DISPATCH: &str = include_str!("../demo/depeche.fr.txt");

/// A folder to run commands in.
struct Folder {
    temp: TempDir,
}

impl Folder {
    fn empty() -> Self {
        Folder { temp: tempfile::tempdir().unwrap() }
    }

    /// A folder with a log, and a dispatch that is not registered yet.
    fn with_log() -> Self {
        let folder = Folder::empty();
        folder.write("depeche.fr.txt", DISPATCH);
        let init = ["init", "--log-origin", "news.example.org/provenance", "--no-passphrase"];
        assert!(folder.run(&init).status.success());
        folder
    }

    /// A folder with a log in which the dispatch is record 1.
    fn with_record() -> Self {
        let folder = Folder::with_log();
        assert!(folder.run(&["add", "depeche.fr.txt", "--yes"]).status.success());
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
        command.args(args).current_dir(self.temp.path());
        for name in ["SSH_AUTH_SOCK", "DATELINE_PASSPHRASE_FILE", "NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"] {
            command.env_remove(name);
        }
        // Nothing of the person who runs the tests is read or written.
        command.env("XDG_STATE_HOME", self.temp.path().join("state"));
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().unwrap()
    }

    fn json(&self, args: &[&str]) -> Vec<Value> {
        let output = self.run(&[args, &["--format", "json"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs a command and returns what a user sees of it.
    fn seen(&self, args: &[&str]) -> String {
        seen(args, &self.run(args))
    }
}

fn seen(args: &[&str], output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    let code = output.status.code().map_or("none".into(), |code| code.to_string());
    let mut seen = format!("$ dateline {}\nexit {code}\n", args.join(" "));
    for (name, text) in [("stdout", out), ("stderr", err)] {
        if !text.is_empty() {
            seen.push_str(&format!("--- {name}\n{text}"));
        }
    }
    seen
}

/// Compares with the snapshot of the test's name.
macro_rules! snapshot {
    ($folder:expr, $name:literal, $($args:expr),+ $(,)?) => {{
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("snapshots");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let folder = $folder.temp.path().display().to_string();
        settings.add_filter(&regex::escape(&folder), "[FOLDER]");
        settings.add_filter(r"\b[0-9a-f]{64}\b", "[HASH]");
        settings.add_filter(r"\+[0-9a-f]{8}\+[A-Za-z0-9+/]{20,44}", "+[KEY]");
        settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[TIME]");
        settings.add_filter(r"(?m)^( +\d+  )\d{4}-\d\d-\d\d", "$1[DAY]");
        settings.add_filter(r"urn:uuid:[0-9a-f-]{36}", "urn:uuid:[UUID]");
        settings.add_filter(r"opening [A-Za-z0-9_-]{43} ", "opening [DIGEST] ");
        let all: Vec<String> = vec![$($folder.seen(&$args)),+];
        settings.bind(|| insta::assert_snapshot!($name, all.join("\n")));
    }};
}

#[test]
fn help() {
    let folder = Folder::empty();
    snapshot!(
        folder,
        "help",
        ["--help"],
        ["init", "--help"],
        ["add", "--help"],
        ["extract", "--help"],
        ["list", "--help"],
        ["show", "--help"],
        ["check", "--help"],
        ["prove", "--help"],
        ["verify", "--help"],
        ["export", "sigstore-bundle", "--help"],
        ["demo", "--help"],
    );
}

#[test]
fn the_main_job() {
    let folder = Folder::empty();
    folder.write("depeche.fr.txt", DISPATCH);
    folder.write("dispatches/a.txt", "Rien à signaler au port lundi.\n\nPar Awa Traoré\n");
    folder.write(
        "dispatches/b.md",
        "# Le lac baisse\n\nL'eau a reculé de deux mètres.\n\nSource : Agence du lac\n",
    );
    folder.write("dispatches/c.txt", "Rien à signaler au port lundi.\n\nPar Awa Traoré\n");
    snapshot!(
        folder,
        "main-job",
        [
            "init",
            "--log-origin",
            "news.example.org/provenance",
            "--no-passphrase",
            "--signer-name",
            "A. Diarra"
        ],
        ["add", "depeche.fr.txt", "--yes"],
        ["add", "depeche.fr.txt", "--yes"],
        ["add", "dispatches/", "--yes"],
        ["list"],
        ["show", "1"],
        ["show", "0"],
        ["check", "dispatches/c.txt"],
        ["prove", "1", "-o", "story.tlog-proof"],
        ["check", "depeche.fr.txt", "--proof", "story.tlog-proof"],
        ["export", "sigstore-bundle", "1", "-o", "story.sigstore.json"],
        ["verify"],
    );
}

#[test]
fn the_main_job_in_json() {
    let folder = Folder::with_log();
    let json = ["--format", "json"];
    snapshot!(
        folder,
        "main-job-json",
        ["extract", "depeche.fr.txt", json[0], json[1]],
        ["add", "depeche.fr.txt", "--yes", json[0], json[1]],
        ["add", "depeche.fr.txt", "--yes", json[0], json[1]],
        ["list", json[0], json[1]],
        ["check", "depeche.fr.txt", json[0], json[1]],
        ["verify", json[0], json[1]],
        ["add", "nowhere.txt", "--yes", json[0], json[1]],
        ["show", "9", json[0], json[1]],
    );
}

#[test]
fn what_a_person_says() {
    let folder = Folder::with_log();
    folder.write("note.txt", "La pluie a cessé.\n");
    snapshot!(
        folder,
        "stated",
        [
            "add",
            "note.txt",
            "--yes",
            "--origin",
            "Mairie de Port-Clair",
            "--origin",
            "AFP",
            "--byline",
            "A. Diarra",
            "--title",
            "La pluie",
            "--language",
            "fr",
            "--published",
            "2026-11-23",
            "--publisher",
            "Le Lac",
            "--url",
            "https://lac.example.org/pluie",
            "--note",
            "reçu par téléphone",
            "--no-quotes",
            "--no-store"
        ],
        ["show", "1"],
        ["verify"],
        ["add", "note.txt", "--yes", "--language", "français"],
        ["add", "note.txt", "--yes", "--published", "hier"],
        ["add", "note.txt", "--yes", "--url", "lac.example.org"],
        ["add", "note.txt", "--yes", "--title", ""],
    );
}

#[test]
fn bad_input() {
    let folder = Folder::with_log();
    folder.write("empty.txt", "");
    folder.write("blank.txt", " \n\n\t\n");
    folder.write("binary", [0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0, 0, 0]);
    folder.write("page.html", "<!DOCTYPE html><html><body><p>Bonjour</p></body></html>");
    folder.write("sources.txt", "Source :\n".repeat(10_000));
    folder.write(
        "invalid.txt",
        b"Le pr\xe9sident est arriv\xe9 \xe0 l'h\xf4tel.\n\nSource : Minist\xe8re de la P\xeache\n",
    );
    folder.write(
        "hostile.txt",
        "Le port est calme.\n\nPar Awa\u{202e}\u{1b}[31m Traoré\nSource : \u{7}Agence\u{2066} du lac\n",
    );
    fs::File::create(folder.path("large.txt")).unwrap().set_len(100 * 1024 * 1024).unwrap();
    snapshot!(
        folder,
        "bad-input",
        ["add", "empty.txt", "--yes"],
        ["add", "blank.txt", "--yes"],
        ["add", "binary", "--yes"],
        ["add", "page.html", "--yes"],
        ["add", "large.txt", "--yes"],
        ["add", "sources.txt", "--yes"],
        ["add", "invalid.txt", "--yes"],
        ["add", "hostile.txt", "--yes"],
        ["add", "nowhere.txt", "--yes"],
        ["add", "depeche.fr.txt"],
        ["list"],
        ["verify"],
    );
}

#[cfg(unix)]
#[test]
fn folders_with_traps() {
    let folder = Folder::with_log();
    folder.write("in/a.txt", "La séance est levée.\n");
    folder.write("in/.hidden", "La séance est levée, en secret.\n");
    std::os::unix::fs::symlink(folder.path("in"), folder.path("in/loop")).unwrap();
    std::os::unix::fs::symlink(folder.path("circle"), folder.path("circle")).unwrap();
    let mkfifo = Command::new("mkfifo").arg(folder.path("in/pipe")).status();
    assert!(mkfifo.unwrap().success());
    fs::create_dir(folder.path("none")).unwrap();
    snapshot!(
        folder,
        "traps",
        ["add", "in", "--yes"],
        ["add", "circle", "--yes"],
        ["add", "in/pipe", "--yes"],
        ["add", "none", "--yes"],
        ["verify"],
    );
}

#[test]
fn no_log_and_no_record() {
    let folder = Folder::empty();
    folder.write("depeche.fr.txt", DISPATCH);
    snapshot!(
        folder,
        "no-log",
        ["add", "depeche.fr.txt", "--yes"],
        ["list"],
        ["show", "1"],
        ["check", "depeche.fr.txt"],
        ["prove", "1"],
        ["verify"],
        ["verify", "--workspace", "elsewhere"],
    );
    let folder = Folder::with_record();
    folder.write("other.txt", "Un autre texte.\n");
    snapshot!(
        folder,
        "no-record",
        ["show", "2"],
        ["show", "0"],
        ["prove", "2"],
        ["prove", "0", "-o", "keys/policy"],
        ["check", "other.txt"],
        ["check", "other.txt", "--proof", "keys/policy"],
    );
}

#[test]
fn usage() {
    let folder = Folder::with_log();
    snapshot!(
        folder,
        "usage",
        [""; 0],
        ["ad"],
        ["add"],
        ["show", "one"],
        ["verify", "--format", "xml"],
        ["init", "--log-origin", "news.example.org/provenance", "--no-passphrase"],
        ["init", "--log-origin", "https://news.example.org", "--no-passphrase", "--workspace", "b"],
        ["init", "--log-origin", "two words", "--no-passphrase", "--workspace", "b"],
        ["init", "--log-origin", "news.example.org", "--workspace", "b"],
    );
    assert!(!folder.path("b").exists(), "a refused init left something behind");
}

#[cfg(unix)]
#[test]
fn keys_that_cannot_be_used() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::with_log();
    let mode = |name: &str, mode: u32| {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    let other = Folder::with_log();
    fs::copy(other.path("keys/private/editor"), folder.path("foreign")).unwrap();
    mode("foreign", 0o600);
    mode("keys/private/editor", 0o644);
    let add = ["add", "depeche.fr.txt", "--yes"];
    snapshot!(folder, "keys-open", add);
    mode("keys/private/editor", 0o600);
    snapshot!(
        folder,
        "keys-foreign",
        ["add", "depeche.fr.txt", "--yes", "--key", "foreign"],
        ["add", "depeche.fr.txt", "--yes", "--key", "nowhere"],
        ["add", "depeche.fr.txt", "--yes", "--key", "agent"],
    );
    fs::rename(folder.path("keys/private/editor"), folder.path("editor")).unwrap();
    snapshot!(folder, "keys-missing", add, ["verify"]);
    snapshot!(folder, "keys-elsewhere", ["add", "depeche.fr.txt", "--yes", "--key", "editor"], ["verify"]);
}

#[test]
fn passphrases() {
    let folder = Folder::empty();
    folder.write("depeche.fr.txt", DISPATCH);
    folder.write("pass", "correct horse\n");
    folder.write("wrong", "battery staple\n");
    let run = |pass: Option<&str>, args: &[&str]| {
        let mut command = folder.command(args);
        pass.map(|pass| command.env("DATELINE_PASSPHRASE_FILE", folder.path(pass)));
        command.stdin(Stdio::null()).output().unwrap()
    };
    let init = run(Some("pass"), &["init", "--log-origin", "news.example.org"]);
    assert!(init.status.success(), "{init:?}");
    let private = fs::read_to_string(folder.path("keys/private/editor")).unwrap();
    assert!(private.contains("OPENSSH"));
    let add = ["add", "depeche.fr.txt", "--yes"];
    let said = |output: Output| (output.status.code(), String::from_utf8(output.stderr).unwrap());
    let (code, told) = said(run(None, &add));
    assert!(code == Some(12) && told.contains("DATELINE_PASSPHRASE_FILE"), "{told}");
    let (code, told) = said(run(Some("wrong"), &add));
    assert!(code == Some(12) && told.contains("the passphrase does not open"), "{told}");
    let (code, told) = said(run(Some("nowhere"), &add));
    assert!(code == Some(12) && told.contains("No such file"), "{told}");
    assert_eq!(said(run(Some("pass"), &add)).0, Some(0));
    assert_eq!(said(run(None, &["verify"])).0, Some(0));
}

#[cfg(unix)]
#[test]
fn places_that_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::with_log();
    // Root may write anywhere; a file where a folder must be stops everybody.
    fs::remove_dir_all(folder.path("records/.local")).unwrap();
    fs::write(folder.path("records/.local"), "in the way").unwrap();
    snapshot!(folder, "unwritable", ["add", "depeche.fr.txt", "--yes"], ["verify"]);
    let folder = Folder::with_log();
    fs::set_permissions(folder.path("records"), fs::Permissions::from_mode(0o555)).unwrap();
    let output = folder.run(&["add", "depeche.fr.txt", "--yes"]);
    fs::set_permissions(folder.path("records"), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
    assert_eq!(folder.run(&["verify"]).status.code(), Some(0));
}

/// A device without space, where the machine lets one be made.
#[cfg(target_os = "linux")]
#[test]
fn no_space_on_the_device() {
    let folder = Folder::with_log();
    let small = folder.path("small");
    fs::create_dir(&small).unwrap();
    let mount = |args: &[&str]| Command::new(args[0]).args(&args[1..]).arg(&small).output();
    let mounted = mount(&["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs"]);
    if !mounted.is_ok_and(|output| output.status.success()) {
        return;
    }
    let copied = Command::new("cp")
        .arg("-r")
        .arg(folder.path("keys"))
        .arg(folder.path("records"))
        .arg(&small)
        .status();
    assert!(copied.unwrap().success());
    for number in 0..40 {
        folder.write(
            &format!("in/{number}.txt"),
            format!("Message {number}. {}", "Le port est calme. ".repeat(500)),
        );
    }
    let mut full = false;
    for number in 0..40 {
        let path = format!("in/{number}.txt");
        let output = folder.run(&["add", &path, "--yes", "-C", "small"]);
        if output.status.success() {
            continue;
        }
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(3) && told.contains("free some space"), "{told}");
        full = true;
        break;
    }
    let verify = |when: &str| {
        let output = folder.run(&["verify", "-C", "small", "--format", "json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        (when.to_owned(), report["verdict"].clone(), report)
    };
    let mut verdicts = vec![verify("full")];
    let grown = Command::new("mount").args(["-o", "remount,size=4m"]).arg(&small).status().unwrap();
    let again = folder.run(&["add", "in", "--yes", "-C", "small"]);
    verdicts.push(verify("grown"));
    Command::new("umount").arg(&small).status().unwrap();
    assert!(full, "the device never got full");
    assert!(grown.success() && again.status.success(), "{again:?}");
    for (when, verdict, report) in verdicts {
        assert_eq!(verdict, "verified", "{when}: {report}");
    }
}

#[test]
fn damaged_logs() {
    let folder = Folder::with_record();
    let bundle = folder.path("records/tile/entries/000.p/2");
    let whole = fs::read(&bundle).unwrap();
    fs::write(&bundle, &whole[..whole.len() - 1]).unwrap();
    folder.write("other.txt", "Un autre texte.\n");
    snapshot!(folder, "damaged-bundle", ["verify"], ["add", "other.txt", "--yes"], ["list"], ["show", "1"]);
    fs::write(&bundle, &whole).unwrap();

    let tile = folder.path("records/tile/0/000.p/2");
    let hashes = fs::read(&tile).unwrap();
    fs::write(&tile, &hashes[..40]).unwrap();
    snapshot!(folder, "damaged-tile", ["verify"], ["add", "other.txt", "--yes"], ["prove", "1"]);
    fs::remove_file(&tile).unwrap();
    snapshot!(folder, "missing-tile", ["verify"], ["add", "other.txt", "--yes"], ["prove", "1"]);
    fs::write(&tile, &hashes).unwrap();

    let openings = folder.path("records/disclosures/000");
    let lines = fs::read_to_string(&openings).unwrap();
    let other = Folder::with_record();
    fs::copy(other.path("records/disclosures/000"), &openings).unwrap();
    snapshot!(folder, "foreign-openings", ["verify"], ["show", "1"], ["list"]);
    fs::write(&openings, lines).unwrap();

    let checkpoint = folder.path("records/checkpoint");
    let own = fs::read(&checkpoint).unwrap();
    fs::copy(other.path("records/checkpoint"), &checkpoint).unwrap();
    snapshot!(folder, "foreign-checkpoint", ["verify"], ["list"], ["add", "other.txt", "--yes"]);
    fs::write(&checkpoint, &own).unwrap();
    assert_eq!(folder.run(&["verify"]).status.code(), Some(0));
    assert_eq!(folder.run(&["add", "other.txt", "--yes"]).status.code(), Some(0));
}

#[test]
fn a_proof_is_checked_with_nothing_else_at_hand() {
    let folder = Folder::with_record();
    assert!(folder.run(&["prove", "1", "-o", "p"]).status.success());
    let alone = Folder::empty();
    for (from, to) in [("p", "p"), ("keys/policy", "policy"), ("keys/roots/root.pub", "root.pub")] {
        fs::copy(folder.path(from), alone.path(to)).unwrap();
    }
    alone.write("depeche.fr.txt", DISPATCH);
    alone.write("reflowed.txt", DISPATCH.replace(" de la\n", "\nde la "));
    alone.write("wrapped.txt", DISPATCH.replace("mardi sur", "mardi\nsur"));
    alone.write("changed.txt", DISPATCH.replace("300", "3000"));
    let other = Folder::with_record();
    fs::copy(other.path("keys/roots/root.pub"), alone.path("other.pub")).unwrap();
    fs::copy(other.path("keys/policy"), alone.path("other-policy")).unwrap();
    let with = |file: &'static str, policy: &'static str, root: &'static str| {
        ["check", file, "--proof", "p", "--policy", policy, "--root", root]
    };
    snapshot!(
        alone,
        "proof-alone",
        with("depeche.fr.txt", "policy", "root.pub"),
        with("wrapped.txt", "policy", "root.pub"),
        with("changed.txt", "policy", "root.pub"),
        with("depeche.fr.txt", "other-policy", "root.pub"),
        with("depeche.fr.txt", "policy", "other.pub"),
    );
    let proof = fs::read_to_string(alone.path("p")).unwrap();
    // An opening that is not the record's: the extra line is not signed, but what it holds must fit.
    let (before, rest) = proof.split_once("extra ").unwrap();
    let (extra, after) = rest.split_once('\n').unwrap();
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let mut bundle: Value = serde_json::from_slice(&STANDARD.decode(extra).unwrap()).unwrap();
    bundle["openings"][0] = "WyJzYWx0Iiwic29tZWJvZHkiXQ".into();
    let forged = format!("{before}extra {}\n{after}", STANDARD.encode(bundle.to_string()));
    alone.write("p", forged);
    let refused = alone.run(&with("depeche.fr.txt", "policy", "root.pub"));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && told.contains("openings do not fit"), "{told}");
    for (line, text) in proof.lines().enumerate() {
        let changed: Vec<&str> =
            proof.lines().enumerate().filter(|(n, _)| *n != line).map(|(_, l)| l).collect();
        alone.write("p", changed.join("\n") + "\n");
        let code = alone.run(&with("depeche.fr.txt", "policy", "root.pub")).status.code();
        assert!(matches!(code, Some(1 | 3)), "without line {line} ({text}): {code:?}");
    }
}

#[test]
fn standard_input_and_closed_output() {
    let folder = Folder::with_log();
    let mut add = folder.command(&["add", "-", "--yes", "--format", "json"]);
    let mut child = add.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(DISPATCH.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((line["path"].as_str(), line["record"].as_u64()), (Some("-"), Some(1)));

    let mut list = folder.command(&["list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(list.stdout.take());
    let output = list.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

/// The fields that programs rely on, each with its type.
#[test]
fn json_of_add_and_verify() {
    let folder = Folder::with_log();
    let [add] = folder.json(&["add", "depeche.fr.txt", "--yes"]).try_into().unwrap();
    assert_eq!(add["record"], 1);
    assert_eq!(add["outcome"], "registered");
    assert_eq!(add["language"], "fr");
    for nothing in ["title", "publisher", "publishedAt"] {
        assert!(add[nothing].is_null(), "{nothing}");
    }
    for claims in ["claimedOrigins", "bylines"] {
        let claim = &add[claims][0];
        for field in ["asPrinted", "kind", "role", "strength", "rule"] {
            assert!(claim[field].is_string(), "{claims} {field}");
        }
        assert!(claim["evidence"].is_object());
    }
    assert_eq!(add["bylines"][0]["asPrinted"], "Yaro");
    assert_eq!(add["bylines"][0]["strength"], "weak");
    assert_eq!(add["quotes"].as_array().unwrap().len(), 3);
    for digest in ["original", "text", "reflow", "numbers"] {
        let digest = add["digests"][digest].as_str().unwrap();
        assert!(digest.len() == 71 && digest.starts_with("sha256:"), "{digest}");
    }
    assert_eq!(add["checkpoint"]["size"], 2);
    assert!(add["checkpoint"]["rootHash"].is_string());
    let [again] = folder.json(&["add", "depeche.fr.txt", "--yes"]).try_into().unwrap();
    assert_eq!((&again["outcome"], &again["record"]), (&Value::from("alreadyRegistered"), &Value::from(1)));
    let [verify] = folder.json(&["verify"]).try_into().unwrap();
    assert_eq!(verify["verdict"], "verified");
    assert_eq!(verify["size"], 2);
    assert_eq!(verify["findings"], Value::Array(Vec::new()));
    assert_eq!(verify["rootHash"], add["checkpoint"]["rootHash"]);
    assert!(verify["counts"].is_object());
}

/// Every word that was committed stays out of everything but the openings and the stored original.
#[test]
fn committed_words_stand_in_the_openings_alone() {
    let folder = Folder::with_log();
    let text = "Le lac est calme ce matin.\n\n«Zanzibarium est mon mot», a dit le maire.\n\nPar Quetzalina Xylo\n\nSource : Agence du lac\n";
    folder.write("story.txt", text);
    let add = folder.run(&["add", "story.txt", "--yes", "--no-store", "--note", "Wolframite"]);
    assert!(add.status.success(), "{add:?}");
    let mut files = vec![folder.path("records")];
    let mut seen_in = Vec::new();
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let mut decoded = String::from_utf8_lossy(&bytes).into_owned();
        for word in decoded.clone().split(|c: char| !(c.is_ascii_alphanumeric() || "+/=_-".contains(c))) {
            use base64::Engine;
            use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
            for found in [STANDARD.decode(word), URL_SAFE_NO_PAD.decode(word)].into_iter().flatten() {
                decoded.push_str(&String::from_utf8_lossy(&found));
            }
        }
        for secret in ["Zanzibarium", "Quetzalina", "Wolframite"] {
            if decoded.contains(secret) {
                seen_in.push((path.strip_prefix(folder.temp.path()).unwrap().to_owned(), secret));
            }
        }
    }
    seen_in.sort();
    let openings = Path::new("records/disclosures/000").to_owned();
    let expected: Vec<_> =
        ["Quetzalina", "Wolframite", "Zanzibarium"].map(|secret| (openings.clone(), secret)).into();
    assert_eq!(seen_in, expected);
}

/// A pipe in the place of a file: whoever opens it waits for ever.
#[cfg(unix)]
#[test]
fn pipes_in_the_place_of_files() {
    for (name, command) in [
        ("keys/policy", "verify"),
        ("keys/roots/root.pub", "verify"),
        ("records/checkpoint", "list"),
        ("records/tile/0/000.p/2", "verify"),
        ("records/disclosures/000", "list"),
        ("records/.local/lock", "add"),
    ] {
        let folder = Folder::with_record();
        folder.write("other.txt", "Un autre texte.\n");
        fs::remove_file(folder.path(name)).unwrap();
        assert!(Command::new("mkfifo").arg(folder.path(name)).status().unwrap().success());
        let args: &[&str] = if command == "add" { &["add", "other.txt", "--yes"] } else { &[command] };
        let code = folder.run(args).status.code();
        assert!(matches!(code, Some(3 | 12)), "{name}: {code:?}");
    }
}

#[test]
fn what_was_accepted_is_remembered() {
    let folder = Folder::with_record();
    copy_folder(&folder.path("records"), &folder.path("old/records"));
    copy_folder(&folder.path("keys"), &folder.path("old/keys"));
    folder.write("other.txt", "Another dispatch\n\nThe harbour was closed on Monday.\n");
    snapshot!(
        folder,
        "remembered",
        ["verify"],
        ["add", "other.txt", "--yes"],
        ["verify"],
        ["verify", "--full"],
        ["verify", "--workspace", "old"],
        ["verify", "--workspace", "old", "--stateless"],
    );
    let files = |name: &str| -> Vec<PathBuf> {
        fs::read_dir(folder.path(name)).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let [memory] = files("state/dateline/logs").try_into().unwrap();
    let [evidence] = files("state/dateline/evidence").try_into().unwrap();
    let [verify] = folder.json(&["verify", "-C", "old"]).try_into().unwrap();
    assert_eq!(verify["verdict"], "invalid");
    assert_eq!(verify["findings"][0]["code"], "rolledBack");
    assert_eq!(verify["remembered"]["extends"], false);
    assert_eq!(verify["evidence"], evidence.display().to_string());
    assert_eq!(verify["memory"], memory.display().to_string());
    fs::copy(&evidence, folder.path("evidence.json")).unwrap();
    let text = fs::read_to_string(&evidence).unwrap();
    folder.write("altered.json", text.replace("rolledBack", "forked"));
    folder.write("empty.json", "{}");
    snapshot!(
        folder,
        "evidence",
        ["verify", "--evidence", "evidence.json"],
        ["verify", "--evidence", "evidence.json", "--format", "json"],
        ["verify", "--evidence", "altered.json"],
        ["verify", "--evidence", "empty.json"],
        ["verify", "--evidence", "evidence.json", "--full"],
    );
    // A memory that cannot be read is not passed over.
    fs::write(&memory, "{").unwrap();
    snapshot!(folder, "memory-damaged", ["verify"], ["verify", "--stateless"]);
    fs::remove_file(&memory).unwrap();
    fs::remove_dir_all(folder.path("state")).unwrap();
    folder.write("state", "a file");
    snapshot!(folder, "memory-nowhere", ["verify"], ["verify", "--state", "elsewhere"]);
    assert!(folder.path("elsewhere/logs").is_dir());
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

#[test]
fn findings_for_programs_of_continuous_integration() {
    let folder = Folder::with_record();
    folder.write("records/notes, and: 100%.txt", "a stray\n");
    fs::remove_file(folder.path("records/tile/0/000.p/2")).unwrap();
    let mut entries = fs::read(folder.path("records/tile/entries/000.p/2")).unwrap();
    // A letter of base64 still, as another bit of it might not be.
    let at = entries.len() - 90;
    entries[at] = if entries[at] == b'A' { b'B' } else { b'A' };
    fs::write(folder.path("records/tile/entries/000.p/2"), entries).unwrap();
    let verify = |format| ["verify", "--stateless", "--format", format];
    let nowhere = |format| ["verify", "-C", "nowhere", "--format", format];
    snapshot!(folder, "ci-github", verify("github"), nowhere("github"), ["list", "--format", "github"]);
    let mut sarif: Vec<Value> = Vec::new();
    for args in [verify("sarif").to_vec(), nowhere("sarif").to_vec()] {
        sarif.push(serde_json::from_slice(&folder.run(&args).stdout).unwrap());
    }
    let run = &sarif[0]["runs"][0];
    assert_eq!(run["properties"]["verdict"], "invalid");
    assert_eq!(run["invocations"][0]["exitCode"], 1);
    let results: Vec<(&str, &str, &str)> = run["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
            assert_eq!(rule["id"], result["ruleId"]);
            let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
            (
                result["ruleId"].as_str().unwrap(),
                result["level"].as_str().unwrap(),
                uri.as_str().unwrap_or("-"),
            )
        })
        .collect();
    let stray = "records/notes,%20and%3A%20100%25.txt";
    assert!(results.contains(&("stray", "note", stray)), "{results:?}");
    assert!(results.contains(&("fileMissing", "warning", "records/tile/0/000.p/2")), "{results:?}");
    assert_eq!(sarif[1]["runs"][0]["invocations"][0]["executionSuccessful"], false);
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r#"timestamp="[^"]*""#, r#"timestamp="[TIME]""#);
    settings.bind(|| snapshot!(folder, "ci-junit", verify("junit"), nowhere("junit")));
}
