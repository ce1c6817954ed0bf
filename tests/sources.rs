//! What a user sees of `verify LOG`, for each place that a log may lie in, and where it cannot be read.
#![allow(clippy::unwrap_used)]

#[path = "support/server.rs"]
mod server;

use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use dateline::storage::{FileStore, Store};
use serde_json::Value;
use server::{Fault, Server};
use tempfile::TempDir;

const DISPATCH: &str = include_str!("../demo/depeche.fr.txt");

/// A newsroom's workspace, and an auditor's folder with copies of its keys.
struct Two {
    temp: TempDir,
}

impl Two {
    fn new() -> Self {
        let two = Two { temp: tempfile::tempdir().unwrap() };
        fs::create_dir(two.path("auditor")).unwrap();
        fs::create_dir(two.path("newsroom")).unwrap();
        fs::write(two.path("newsroom/depeche.fr.txt"), DISPATCH).unwrap();
        let init = ["init", "--log-origin", "news.example.org/provenance", "--no-passphrase"];
        assert!(two.run("newsroom", &init).status.success());
        assert!(two.run("newsroom", &["add", "depeche.fr.txt", "--yes"]).status.success());
        fs::copy(two.path("newsroom/keys/policy"), two.path("auditor/policy")).unwrap();
        let root = fs::read_dir(two.path("newsroom/keys/roots")).unwrap().next().unwrap().unwrap().path();
        fs::copy(root, two.path("auditor/root.pub")).unwrap();
        two
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn run(&self, folder: &str, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
        command.args(args).current_dir(self.path(folder)).stdin(Stdio::null());
        for name in ["SSH_AUTH_SOCK", "DATELINE_PASSPHRASE_FILE", "NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"] {
            command.env_remove(name);
        }
        command.env("XDG_STATE_HOME", self.path("state")).output().unwrap()
    }

    /// What the auditor sees.
    fn seen(&self, args: &[&str]) -> String {
        let output = self.run("auditor", args);
        let code = output.status.code().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (out, err) = (text(output.stdout), text(output.stderr));
        let mut seen = format!("$ dateline {}\nexit {code}\n", args.join(" "));
        for (name, text) in [("stdout", out), ("stderr", err)] {
            if !text.is_empty() {
                seen.push_str(&format!("--- {name}\n{text}"));
            }
        }
        seen
    }

    /// What the auditor sees who knows whom to trust.
    fn verify(&self, log: &str, more: &[&str]) -> String {
        let args = ["verify", log, "--policy", "policy", "--root", "root.pub"];
        self.seen(&[&args[..], more].concat())
    }

    fn json(&self, log: &str) -> Value {
        let args = ["verify", log, "--policy", "policy", "--root", "root.pub", "--format", "json"];
        serde_json::from_slice(&self.run("auditor", &args).stdout).unwrap()
    }

    fn records(&self) -> FileStore {
        FileStore::reader(&self.path("newsroom/records"))
    }

    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let store = self.records();
        let keys = store.list("").unwrap().keys.into_iter().filter(|key| !key.as_str().starts_with(".local"));
        keys.map(|key| (key.to_string(), store.get(&key, u64::MAX).unwrap().unwrap())).collect()
    }

    fn zip(&self) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in self.files() {
            writer.start_file(format!("records/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(&bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn tar(&self) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, bytes) in self.files() {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, name, &bytes[..]).unwrap();
        }
        tar.into_inner().unwrap()
    }
}

macro_rules! snapshot {
    ($two:expr, $name:literal, $($seen:expr),+ $(,)?) => {{
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("snapshots");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.add_filter(&regex::escape(&$two.temp.path().display().to_string()), "[FOLDER]");
        settings.add_filter(r"127\.0\.0\.1:\d+", "[SERVER]");
        settings.add_filter(r"\b[0-9a-f]{64}\b", "[HASH]");
        let all: Vec<String> = vec![$($seen),+];
        settings.bind(|| insta::assert_snapshot!($name, all.join("\n")));
    }};
}

#[test]
fn folders_and_archives() {
    let two = Two::new();
    fs::write(two.path("auditor/log.zip"), two.zip()).unwrap();
    fs::write(two.path("auditor/log.tar"), two.tar()).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&two.tar()).unwrap();
    fs::write(two.path("auditor/log.tgz"), gzip.finish().unwrap()).unwrap();
    snapshot!(
        two,
        "verify_folders_and_archives",
        two.verify("../newsroom", &["--stateless"]),
        two.verify("../newsroom/records", &["--stateless"]),
        two.verify("log.zip", &[]),
        two.verify("log.tar", &[]),
        two.verify("log.tgz", &["--stateless"]),
    );
    for (log, kind) in [("../newsroom/records", "folder"), ("log.zip", "archive")] {
        let json = two.json(log);
        assert_eq!(json["source"], serde_json::json!({ "kind": kind, "location": log }));
        assert_eq!(json["verdict"], "verified");
    }
    let here = two.run("newsroom", &["verify", "--stateless", "--format", "json"]).stdout;
    let here: Value = serde_json::from_slice(&here).unwrap();
    assert_eq!(here["source"], serde_json::json!({ "kind": "folder", "location": "records" }));
}

#[test]
fn a_web_server() {
    let two = Two::new();
    let server = Server::of(&two.records(), Duration::ZERO);
    server.put("/logs/2026.zip", two.zip());
    server.put("/logs/2026.tar", two.tar());
    let zip = format!("{}logs/2026.zip", server.address);
    let tar = format!("{}logs/2026.tar", server.address);
    let bare = server.address.trim_end_matches('/').to_owned();
    snapshot!(
        two,
        "verify_a_web_server",
        two.verify(&server.address, &[]),
        two.verify(&bare, &["--stateless", "--connections", "1", "--timeout", "5"]),
        two.verify(&zip, &["--stateless"]),
        two.verify(&tar, &["--stateless"]),
    );
    assert_eq!(two.json(&server.address)["source"]["kind"], "web");
    assert_eq!(two.json(&zip)["source"]["kind"], "archive");

    // A changed entry is found there as anywhere.
    let path = "/tile/entries/000.p/2";
    let mut bytes = server.bytes(path);
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    server.put(path, bytes);
    let json = two.json(&server.address);
    assert_eq!(json["verdict"], "invalid", "{json}");
}

#[test]
fn what_lets_the_bearer_in_is_not_printed() {
    let two = Two::new();
    let server = Server::of(&two.records(), Duration::ZERO);
    server.put("/log.zip", two.zip());
    server.put("/notes.zip", b"no archive".to_vec());
    let trusted = ["--policy", "policy", "--root", "root.pub"];
    for (place, exit) in [("", 0), ("log.zip", 0), ("notes.zip", 10), ("nowhere/", 10)] {
        let log = format!("{}{place}?token=sesame", server.address);
        for format in ["text", "json"] {
            let args = [&["verify", &log, "--format", format][..], &trusted].concat();
            let output = two.run("auditor", &args);
            let all = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert_eq!(output.status.code(), Some(exit), "{place}: {all}");
            assert!(all.contains(&format!("{}{place}?…", server.address)), "{place}: {all}");
            assert!(!all.contains("sesame"), "{place}: {all}");
        }
    }
    // It is asked with, all the same.
    assert!(server.asked().iter().all(|asked| asked.path.ends_with("?token=sesame")));
    // Nor where a file cannot be fetched, or nobody says whom to trust.
    let log = format!("{}?token=sesame", server.address);
    let untrusted = two.seen(&["verify", &log]).replace(&format!("$ dateline verify {log}"), "");
    server.set_script(|asked, _| match asked.path.contains("entries") {
        true => Fault::Status(403, None),
        false => Fault::None,
    });
    for format in ["text", "json"] {
        let args = [&["verify", &log, "--format", format][..], &trusted].concat();
        let output = two.run("auditor", &args);
        let all = String::from_utf8([output.stdout, output.stderr].concat()).unwrap() + &untrusted;
        assert_eq!(output.status.code(), Some(3), "{all}");
        assert!(all.contains("403") && !all.contains("sesame"), "{all}");
    }
}

#[test]
fn what_cannot_be_read() {
    let two = Two::new();
    let server = Server::of(&two.records(), Duration::ZERO);
    fs::write(two.path("auditor/notes.txt"), "no archive").unwrap();
    let mut tar = tar::Builder::new(two.tar());
    let twice = two.path("newsroom/records/checkpoint");
    // Past the end marker of what is there already: a second checkpoint.
    let mut all = two.tar();
    all.truncate(all.len() - 1024);
    tar.append_path_with_name(&twice, "checkpoint").unwrap();
    let appended = tar.into_inner().unwrap();
    all.extend_from_slice(&appended[two.tar().len()..]);
    fs::write(two.path("auditor/twice.tar"), all).unwrap();
    let nowhere = format!("{}nowhere/", server.address);
    let untrusted = two.seen(&["verify", &server.address]);
    let rootless = two.seen(&["verify", "../newsroom", "--policy", "policy"]);
    server.set_script(|asked, _| match asked.path.as_str() {
        "/nowhere/checkpoint" => Fault::None,
        "/loop/checkpoint" => Fault::Redirect("/loop/checkpoint".into()),
        "/secret/checkpoint" => Fault::Status(401, None),
        "/secret.zip" => Fault::Status(403, None),
        "/hidden/" => Fault::Status(403, None),
        _ => Fault::None,
    });
    let circle = format!("{}loop", server.address);
    let secret = format!("{}secret", server.address);
    snapshot!(
        two,
        "verify_what_cannot_be_read",
        untrusted,
        rootless,
        two.verify("nothing-here", &[]),
        two.verify("notes.txt", &[]),
        two.verify("twice.tar", &[]),
        two.verify(&nowhere, &[]),
        two.verify(&circle, &[]),
        two.verify(&secret, &[]),
        two.verify(&format!("{secret}.zip"), &[]),
        two.verify(&format!("{}hidden/", server.address), &[]),
        two.verify("ftp://news.example.org/log", &[]),
        two.verify("https://user:secret@news.example.org/log", &[]),
        two.verify("http://log.invalid/", &[]),
    );
    let gone = Server::start(Duration::ZERO);
    gone.set_script(|_, _| Fault::Cut(0));
    gone.put("/checkpoint", b"x".to_vec());
    let seen = two.verify(&gone.address, &["--timeout", "2"]);
    assert!(seen.contains("exit 3") && seen.contains("hint:"), "{seen}");
}

#[test]
fn what_was_fetched_is_kept_unless_nothing_is_to_be_remembered() {
    let two = Two::new();
    let server = Server::of(&two.records(), Duration::ZERO);
    let cache = two.path("state/dateline/cache");
    two.verify(&server.address, &["--stateless"]);
    assert!(!cache.exists());
    // Two entries make no whole tile: there is nothing to keep yet.
    two.verify(&server.address, &[]);
    assert!(!cache.exists());

    for number in 0..256 {
        let name = format!("newsroom/more/{number}.txt");
        fs::create_dir_all(two.path("newsroom/more")).unwrap();
        fs::write(two.path(&name), format!("Dispatch {number}\n\nThe river stood at {number} cm.\n"))
            .unwrap();
    }
    assert!(two.run("newsroom", &["add", "more", "--yes"]).status.success());
    server.replace(&two.records());
    server.asked();
    let first = two.verify(&server.address, &[]);
    assert!(first.starts_with("$") && first.contains("exit 0"), "{first}");
    assert!(!first.contains("fetched before"), "{first}");
    let kept: Vec<_> = fs::read_dir(&cache).unwrap().collect();
    assert_eq!(kept.len(), 1, "one log");
    assert!(kept[0].as_ref().unwrap().path().join("tile/entries/000").exists());
    server.asked();
    let second = two.verify(&server.address, &[]);
    assert!(second.contains("2 files of hashes and entries: fetched before"), "{second}");
    assert!(server.asked().iter().all(|asked| asked.path != "/tile/entries/000"));
    server.asked();
    two.verify(&server.address, &["--stateless"]);
    assert!(server.asked().iter().any(|asked| asked.path == "/tile/entries/000"));
}
