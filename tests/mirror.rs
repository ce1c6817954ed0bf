//! `dateline mirror` from folder to folder, and from a server: what is copied, what goes, what is refused. Buckets: `bucket.rs`.
#![allow(clippy::unwrap_used)]

#[path = "support/serving.rs"]
mod serving;

use std::fs;
use std::path::Path;

use serde_json::Value;

use serving::Folder;

fn mirrored(folder: &Folder, args: &[&str]) -> Value {
    let args = [&["--format", "json", "mirror"], args].concat();
    serde_json::from_str(&folder.done(&args)).unwrap()
}

fn files(below: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![below.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(below).unwrap().to_str().unwrap().to_owned();
            match path.is_dir() {
                true if name != ".local" && name != "pending" => folders.push(path),
                true => {}
                false => found.push((name, fs::read(path).unwrap())),
            }
        }
    }
    found.sort();
    found
}

fn same(folder: &Folder) {
    let [here, there] = ["records", "copy"].map(|name| files(&folder.path(name)));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&here), names(&there));
    assert!(here == there, "a file differs");
}

fn texts(folder: &Folder, from: usize, to: usize) {
    let articles = folder.path(&format!("from-{from}"));
    fs::create_dir(&articles).unwrap();
    for number in from..to {
        let text = format!("River {number}\n\nBy Awa Diarra\n\n\"It stood at {number} cm\", she said.\n");
        fs::write(articles.join(format!("{number}.txt")), text).unwrap();
    }
    folder.done(&["add", "--yes", &format!("from-{from}")]);
}

#[test]
fn a_copy_is_the_log_file_by_file_as_it_grows_and_forgets() {
    let folder = Folder::new();
    texts(&folder, 0, 20);
    let told = mirrored(&folder, &["copy"]);
    assert_eq!((&told["size"], &told["sizeBefore"]), (&21.into(), &0.into()));
    same(&folder);
    folder.done(&["verify", "copy", "--stateless"]);
    // Nothing to do is nothing done.
    let again = mirrored(&folder, &["copy"]);
    assert_eq!((&again["filesCopied"], &again["filesRemoved"]), (&0.into(), &0.into()), "{again}");
    // Over the end of the first tile: its partial forms go.
    texts(&folder, 20, 300);
    folder.done(&["key", "new", "officer", "--no-passphrase"]);
    folder.done(&["key", "enrol", "keys/private/officer.pub", "--role", "data-officer"]);
    folder.done(&["erase", "3", "bylines", "--original", "--reason", "pii", "--yes"]);
    let told = mirrored(&folder, &["copy"]);
    assert_eq!((&told["size"], &told["sizeBefore"]), (&303.into(), &21.into()));
    same(&folder);
    folder.done(&["verify", "copy", "--stateless"]);
    // The original that was destroyed, and the partial tile and bundle.
    assert_eq!(told["filesRemoved"], 3, "{told}");
}

#[test]
fn a_copy_that_was_cut_off_is_taken_up_again() {
    let folder = Folder::new();
    texts(&folder, 0, 30);
    mirrored(&folder, &["copy"]);
    let checkpoint = fs::read(folder.path("copy/checkpoint")).unwrap();
    texts(&folder, 30, 60);
    // Before the checkpoint came, and some of what comes before it.
    mirrored(&folder, &["copy"]);
    fs::write(folder.path("copy/checkpoint"), checkpoint).unwrap();
    let (name, _) =
        files(&folder.path("copy")).into_iter().find(|(name, _)| name.starts_with("content")).unwrap();
    let bundle = files(&folder.path("copy")).into_iter().find(|(name, _)| name.starts_with("tile/entries"));
    fs::remove_file(folder.path("copy").join(bundle.unwrap().0)).unwrap();
    fs::remove_file(folder.path("copy").join(name)).unwrap();
    let told = mirrored(&folder, &["copy"]);
    assert_eq!((&told["filesCopied"], &told["sizeBefore"]), (&3.into(), &31.into()), "{told}");
    same(&folder);
}

#[test]
fn a_log_over_the_network_is_copied() {
    let folder = Folder::new();
    texts(&folder, 0, 12);
    let server = folder.serve(&[]);
    let address = format!("http://{}/log/", server.address);
    let trust = ["--policy", "keys/policy", "--root", "keys/roots/root.pub"];
    mirrored(&folder, &[&["copy", &address], &trust[..]].concat());
    same(&folder);
}

#[test]
fn another_log_is_not_written_over() {
    let folder = Folder::new();
    texts(&folder, 0, 3);
    let other = Folder::new();
    texts(&other, 0, 5);
    other.done(&["mirror", folder.path("copy").to_str().unwrap()]);
    let before = files(&folder.path("copy"));
    for (to, exit, word) in [
        ("copy", 1, ""),
        (".", 2, "is a workspace"),
        ("https://news.example.org/records/", 2, "cannot be written to"),
    ] {
        let refused = folder.run(&["mirror", to]);
        let message = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && message.contains(word), "{to}: {message}");
        assert!(refused.status.code() == Some(exit) || to == "copy", "{to}: {refused:?}");
    }
    assert_eq!(files(&folder.path("copy")), before);
    // Of the same log, the longer one is not cut back to the shorter.
    mirrored(&folder, &["longer"]);
    fs::create_dir(folder.path("old")).unwrap();
    mirrored(&folder, &["old/records"]);
    texts(&folder, 3, 6);
    mirrored(&folder, &["longer"]);
    let trust = ["--policy", "keys/policy", "--root", "keys/roots/root.pub"];
    let refused = folder.run(&[&["mirror", "longer", "old/records"], &trust[..]].concat());
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
}
