//! Documents of all sorts through the real program: read in child processes, fetched from a server, taken out of
//! archives, watched for.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dateline::article::isolation::Isolation;
use dateline::article::{Format, ReadError, ReadOptions};
use dateline::sandbox::Pool;
use serde_json::Value;
use tempfile::TempDir;

const PAGE: &str = "<!doctype html><html lang=fr><head><title>Les bateaux rentrent - Le Port</title>\
    <link rel=canonical href='https://journal.example/a'><meta name=author content='Awa Diallo'></head><body><nav>Menu</nav>\
    <article><h1>Les bateaux rentrent</h1><p class=byline>Par Awa Diallo</p>\
    <p>Les douze bateaux sont rentrés lundi au port, après trois jours de tempête, a dit le maire de la ville.</p>\
    <p>Le port a rouvert mardi matin, et la criée a repris dans la journée, devant une foule nombreuse.</p></article></body></html>";

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_dateline")
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.args(args).current_dir(folder);
    for name in ["SSH_AUTH_SOCK", "DATELINE_PASSPHRASE_FILE", "COLUMNS"] {
        command.env_remove(name);
    }
    command.output().unwrap()
}

fn json(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn log() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made =
        run(folder.path(), &["init", "--log-origin", "news.example.org/provenance", "--no-passphrase"]);
    assert!(made.status.success());
    folder
}

#[test]
fn a_page_is_registered_and_verified() {
    let folder = log();
    fs::write(folder.path().join("page"), PAGE).unwrap();
    let added = run(folder.path(), &["add", "page", "--yes", "--format", "json"]);
    let record = &json(&added)[0];
    assert_eq!(record["title"], "Les bateaux rentrent");
    assert_eq!(record["bylines"][0]["asPrinted"], "Awa Diallo");
    let agrees = &record["bylines"][0]["evidence"]["agrees"];
    assert!(agrees.as_array().is_some_and(|agrees| !agrees.is_empty()), "{record}");
    let verified = run(folder.path(), &["verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let shown = run(folder.path(), &["extract", "page", "--explain"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("rules that fired") && shown.contains("any.declared.title"), "{shown}");
}

#[test]
fn hostile_pages_end_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let deep = format!(
        "{}Le port a rouvert mardi matin, dit-on.{}",
        "<div>".repeat(60_000),
        "</div>".repeat(60_000)
    );
    fs::write(folder.path().join("deep.html"), deep).unwrap();
    fs::write(
        folder.path().join("b.html"),
        format!("<html><body>{}", "<b><p><table><a href=x>".repeat(40_000)),
    )
    .unwrap();
    let start = Instant::now();
    let read = run(folder.path(), &["extract", "deep.html", "b.html", "--format", "json"]);
    let lines = json(&read);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["text"], "Le port a rouvert mardi matin, dit-on.");
    assert!(start.elapsed() < Duration::from_secs(60));
}

/// A program that stands in for a worker.
fn stand_in(folder: &Path, script: &str) -> Pool {
    let path = folder.join("worker");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Pool::new(path).seconds(1)
}

#[test]
fn workers_that_hang_die_or_lie_cost_one_document() {
    let folder = tempfile::tempdir().unwrap();
    let read = |pool: &Pool| pool.extract_as(Format::Html, PAGE.as_bytes(), &ReadOptions::default());
    let hang = stand_in(folder.path(), "exec sleep 60");
    let start = Instant::now();
    assert!(matches!(read(&hang), Err(ReadError::TimedOut { seconds: 1, .. })));
    assert!(start.elapsed() < Duration::from_secs(20));
    let dies = stand_in(folder.path(), "exit 3");
    assert!(matches!(read(&dies), Err(ReadError::Crashed { .. })));
    let lies =
        stand_in(folder.path(), "printf '\\377\\377\\377\\377\\377\\377\\377\\377'; exec cat >/dev/null");
    assert!(matches!(read(&lies), Err(ReadError::Crashed { .. })));
    let none = Pool::new(folder.path().join("absent"));
    assert!(matches!(read(&none), Err(ReadError::NoReader { .. })));
}

#[test]
fn many_threads_share_the_workers() {
    let pool = Arc::new(Pool::new(program().into()));
    let alone =
        dateline::article::extract_here(Format::Html, PAGE.as_bytes(), &ReadOptions::default()).unwrap();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (pool, alone) = (Arc::clone(&pool), alone.clone());
            std::thread::spawn(move || {
                for _ in 0..10 {
                    let read = pool.extract_as(Format::Html, PAGE.as_bytes(), &ReadOptions::default());
                    assert_eq!(read, Ok(alone.clone()));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Serves each path with one answer, until the test ends.
fn server(answers: &'static [(&'static str, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let own = address.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = request.split_whitespace().nth(1).unwrap_or("/").to_owned();
            let answer = answers
                .iter()
                .find(|(own, _)| *own == path)
                .map_or("404 Not Found\n\n", |(_, answer)| answer);
            let (head, body) = answer.split_once("\n\n").unwrap();
            let body = body.replace("PAGE", PAGE).replace("SERVER", &own);
            let length = if head.contains("Content-Length") {
                String::new()
            } else {
                format!("Content-Length: {}\r\n", body.len())
            };
            let head = head.replace('\n', "\r\n").replace("SERVER", &own);
            let _ = write!(stream, "HTTP/1.1 {head}\r\n{length}Connection: close\r\n\r\n{body}");
        }
    });
    address
}

#[test]
fn a_page_is_captured_with_how_it_came() {
    let site = server(&[
        ("/robots.txt", "200 OK\nContent-Type: text/plain\n\nUser-agent: *\nDisallow: /closed\n"),
        ("/old", "301 Moved\nLocation: /new\n\n"),
        ("/new", "200 OK\nContent-Type: text/html; charset=utf-8\n\nPAGE"),
        ("/loop", "302 Found\nLocation: /loop\n\n"),
        ("/short", "200 OK\nContent-Type: text/html\nContent-Length: 100000\n\nPAGE"),
    ]);
    let folder = log();
    let at = |path: &str| format!("{site}{path}");
    let private = run(folder.path(), &["add", &at("/new"), "--yes"]);
    assert!(String::from_utf8_lossy(&private.stderr).contains("--allow-private"));
    let added = run(folder.path(), &["add", &at("/old"), "--yes", "--allow-private", "--format", "json"]);
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let shown = run(folder.path(), &["show", "1", "--entry"]);
    let envelope: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let payload = dateline::base::encoding::from_base64(envelope["payload"].as_str().unwrap()).unwrap();
    let predicate = serde_json::from_slice::<Value>(&payload).unwrap()["predicate"].clone();
    assert_eq!(predicate["delivery"]["http"]["status"], 200);
    assert_eq!(predicate["delivery"]["http"]["requested"], at("/old"));
    let urls = predicate["urls"].as_array().unwrap();
    assert_eq!(urls[0]["href"], at("/new"));
    assert_eq!(
        (urls[1]["rel"].as_str(), urls[1]["href"].as_str()),
        (Some("canonical"), Some("https://journal.example/a"))
    );
    for (path, word) in
        [("/closed/x", "robots.txt"), ("/loop", "redirects"), ("/absent", "404"), ("/short", "cannot fetch")]
    {
        let failed = run(folder.path(), &["add", &at(path), "--yes", "--allow-private"]);
        let said = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert_eq!(failed.status.code(), Some(3), "{path}: {said}");
        assert!(said.contains(word), "{path}: {said}");
    }
    assert!(run(folder.path(), &["verify"]).status.success());
}

#[test]
fn what_appears_is_registered_once() {
    let folder = log();
    let incoming = folder.path().join("incoming");
    fs::create_dir(&incoming).unwrap();
    fs::write(incoming.join("a.txt"), "Les bateaux sont rentrés lundi.\n\nSource : Radio du Fleuve\n")
        .unwrap();
    fs::write(incoming.join("b.txt.part"), "à moitié").unwrap();
    fs::write(incoming.join("page.html"), PAGE).unwrap();
    let look = |expected: &str| {
        let looked = run(folder.path(), &["watch", "incoming", "--once"]);
        let said = String::from_utf8_lossy(&looked.stderr).into_owned();
        assert!(looked.status.success() && said.contains(expected), "{said}");
    };
    look("2 registered, 0 already registered");
    fs::rename(incoming.join("b.txt.part"), incoming.join("b.txt")).unwrap();
    look("1 registered, 2 already registered");
    look("0 registered, 3 already registered");
    let resumed = run(folder.path(), &["add", "incoming", "--yes", "--resume"]);
    assert!(String::from_utf8_lossy(&resumed.stderr).contains("0 registered, 3 already registered"));
}

#[test]
fn a_feed_and_a_mail_give_a_record_for_each_document() {
    let folder = log();
    let feed = "<?xml version='1.0'?><rss version='2.0'><channel><title>J</title>\
        <item><title>Un</title><description>Le port a rouvert.</description></item>\
        <item><title>Deux</title><description>Les bateaux rentrent.</description></item></channel></rss>";
    let mail = "From: a@b.example\nDate: Mon, 16 Feb 2026 08:00:00 +0000\nSubject: Pirogues\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\
        --b\nContent-Type: text/plain\n\nBonjour, voici le texte.\n--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=x.txt\n\nLes pirogues rentrent.\n--b--\n";
    fs::write(folder.path().join("feed.xml"), feed).unwrap();
    fs::write(folder.path().join("message.eml"), mail).unwrap();
    let added = run(folder.path(), &["add", "feed.xml", "message.eml", "--yes", "--format", "json"]);
    assert_eq!(json(&added).len(), 4, "{}", String::from_utf8_lossy(&added.stderr));
    let shown = run(folder.path(), &["show", "4", "--entry"]);
    let envelope: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let payload = dateline::base::encoding::from_base64(envelope["payload"].as_str().unwrap()).unwrap();
    let delivery = serde_json::from_slice::<Value>(&payload).unwrap()["predicate"]["delivery"].clone();
    assert_eq!(delivery["relation"], "attachment");
    assert_eq!(delivery["partOf"], dateline::base::Hash::of(mail.as_bytes()).to_string());
    assert!(run(folder.path(), &["verify"]).status.success());
}

#[test]
fn a_workspace_names_bodies_of_its_own() {
    let folder = log();
    fs::write(folder.path().join("a.txt"), "Les bateaux sont rentrés lundi.\n\nSource : Radio Bozo\n")
        .unwrap();
    let own = "[[organisation]]\nid = \"radio-bozo\"\nkind = \"outlet\"\ndomain = \"bozo.example\"\nnames = { fr = [\"Radio Bozo\"] }\n";
    fs::write(folder.path().join("origins.toml"), own).unwrap();
    let read = run(folder.path(), &["extract", "a.txt", "--format", "json"]);
    assert_eq!(json(&read)[0]["claimedOrigins"][0]["organisation"]["id"], "radio-bozo");
    fs::write(folder.path().join("origins.toml"), "[[organisation]]\nid = 3\n").unwrap();
    let failed = run(folder.path(), &["extract", "a.txt"]);
    assert!(String::from_utf8_lossy(&failed.stderr).contains("origins.toml"));
}
