//! The life of a claim, through the real program: confirmed, assessed, cited, corrected, retracted, observed, erased,
//! sealed and revealed; by keys that come and go, and through statements that wait.
#![allow(clippy::unwrap_used)]

#[path = "support/server.rs"]
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use server::{Fault, Server};
use tempfile::TempDir;

const LAKE: &str = "Le lac baisse encore\n\nPar Aminata Keïta-Dembélé\n\nLe niveau du lac a baissé de 12 centimètres, a dit le \
    service des eaux. « Nous mesurons chaque matin », a précisé son chef.\n\nSource : AFP\n";
const HARBOUR: &str = "Harbour stays shut\n\nBy Ousmane Traoré\n\nThe harbour stays shut until Monday, officials said.\n\nSource: Reuters\n";

struct Folder {
    temp: TempDir,
}

impl Folder {
    /// A log with two documents, records 1 and 2, and an assessor and a data officer who are not enrolled yet.
    fn new() -> Self {
        let folder = Folder { temp: tempfile::tempdir().unwrap() };
        fs::write(folder.path("lake.txt"), LAKE).unwrap();
        fs::write(folder.path("harbour.txt"), HARBOUR).unwrap();
        folder.done(&["init", "--log-origin", "news.example.org/log", "--no-passphrase"]);
        folder.done(&["add", "lake.txt", "--yes"]);
        folder.done(&["add", "harbour.txt", "--yes"]);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn run_in(&self, workspace: &Path, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
        command.args(args).current_dir(workspace).stdin(Stdio::null());
        for name in ["SSH_AUTH_SOCK", "DATELINE_PASSPHRASE_FILE"] {
            command.env_remove(name);
        }
        command.env("XDG_STATE_HOME", self.path("state")).output().unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        self.run_in(self.temp.path(), args)
    }

    /// Runs what must succeed.
    fn done(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs what must fail with `code`, and returns what it says.
    fn fails(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn json(&self, args: &[&str]) -> Vec<Value> {
        let text = self.done(&[args, &["--format", "json"]].concat());
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn enrol(&self, name: &str, role: &str) {
        self.done(&["key", "new", name, "--no-passphrase"]);
        self.done(&["key", "enrol", &format!("keys/private/{name}.pub"), "--role", role]);
    }

    fn standing(&self, record: &str) -> Value {
        self.json(&["show", record])[0]["standing"].clone()
    }

    fn verdict(&self) -> String {
        let output = self.run(&["verify", "--stateless", "--format", "json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["findings"], Value::Array(Vec::new()), "{report}");
        report["verdict"].as_str().unwrap().to_owned()
    }

    /// Returns the files below the folder that hold `words`.
    fn holding(&self, words: &str) -> Vec<PathBuf> {
        fn walk(folder: &Path, words: &[u8], found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, words, found);
                } else if fs::read(&path).unwrap().windows(words.len()).any(|window| window == words) {
                    found.push(path);
                }
            }
        }
        let mut found = Vec::new();
        walk(self.temp.path(), words.as_bytes(), &mut found);
        found
    }
}

#[test]
fn what_is_said_of_a_record_is_shown_and_holds() {
    let folder = Folder::new();
    folder.enrol("assessor", "assessor");
    folder.done(&["confirm", "1", "byline", "--note", "asked the desk"]);
    folder.done(&["confirm", "lake.txt", "--correct", "origin=Agence France-Presse", "--reject", "title"]);
    folder.done(&["assess", "1", "origin", "verified", "--method", "wire-feed-match", "--evidence", "2"]);
    folder.done(&["cite", "2", "1", "--relation", "quotes", "--quote", "Nous mesurons chaque matin"]);
    folder.done(&["cite", "harbour.txt", "--unresolved", "Ministry press release"]);
    folder.done(&["correct", "1", "--note", "21, not 12", "--replaced-by", "2"]);
    folder.done(&["note", "1", "embargo", "--until", "2031-01-01T00:00:00Z"]);
    folder.done(&["retract", "2"]);
    let standing = folder.standing("1");
    let said = |list: &str, member: &str| -> Vec<String> {
        let all = standing[list].as_array().unwrap().iter();
        all.map(|one| one[member].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(said("confirmations", "verdict"), ["confirmed", "corrected", "rejected"]);
    assert_eq!(said("confirmations", "claim"), ["/bylines/0", "/claimedOrigins/0", "/title/0"]);
    assert_eq!(said("assessments", "state"), ["verified"]);
    assert_eq!(said("notices", "notice"), ["correction", "embargo"]);
    assert_eq!(said("relatedFrom", "relation"), ["quotes"]);
    assert_eq!(folder.standing("2")["takenBack"]["how"], "retracted");
    assert_eq!(folder.verdict(), "verified");
    // The words of a correction are a commitment that is opened where its opening is at hand.
    let shown = folder.json(&["show", "5"]);
    assert_eq!(shown[0]["kind"], "confirmation");
    assert_eq!(shown[0]["predicate"].get("value"), None);
    let all: Vec<Value> = (4..=12).flat_map(|n: u32| folder.json(&["show", &n.to_string()])).collect();
    assert!(all.iter().any(|one| one["opened"]["value"] == "Agence France-Presse"));
    assert!(all.iter().any(|one| one["opened"]["quote"] == "Nous mesurons chaque matin"));
    assert!(all.iter().any(|one| one["opened"]["target"]["unresolved"]["text"] == "Ministry press release"));
}

#[test]
fn a_later_word_of_the_same_person_holds_and_those_of_others_stand_beside_it() {
    let folder = Folder::new();
    folder.enrol("one", "assessor");
    folder.enrol("two", "assessor");
    let assess = |key: &str, state: &str| {
        let key = format!("keys/private/{key}");
        folder.done(&["assess", "1", "origin", state, "--method", "editorial-judgement", "--key", &key]);
    };
    assess("one", "disputed");
    assess("two", "refuted");
    assess("one", "corroborated");
    let standing = folder.standing("1");
    let states: Vec<&str> = standing["assessments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["refuted", "corroborated"]);
}

#[test]
fn what_cannot_stand_is_refused_in_words() {
    let folder = Folder::new();
    let told = folder.fails(12, &["assess", "1", "origin", "disputed", "--method", "metadata-only"]);
    assert!(told.contains("enrolled as an assessor") && told.contains("key enrol"), "{told}");
    folder.enrol("assessor", "assessor");
    let told = folder.fails(2, &["assess", "1", "origin", "verified", "--method", "editorial-judgement"]);
    assert!(told.contains("not verified by") && told.contains("origin-signature"), "{told}");
    let told = folder.fails(2, &["assess", "1", "origin", "refuted"]);
    assert!(told.contains("--method"), "{told}");
    let told = folder.fails(10, &["assess", "1", "byline/7", "refuted", "--method", "metadata-only"]);
    assert!(told.contains("makes no claim") && told.contains("/bylines/0"), "{told}");
    let told = folder.fails(10, &["cite", "1", "99"]);
    assert!(told.contains("no record 99"), "{told}");
    let told = folder.fails(2, &["cite", "1", "1"]);
    assert!(told.contains("related to itself"), "{told}");
    folder.done(&["retract", "1"]);
    let told = folder.fails(10, &["retract", "4"]);
    assert!(told.contains("registers no document") && told.contains("not taken back"), "{told}");
    let told = folder.fails(2, &["note", "1", "embargo"]);
    assert!(told.contains("--until"), "{told}");
    let told = folder.fails(2, &["confirm", "1", "byline", "--reject", "byline"]);
    assert!(told.contains("two things"), "{told}");
    let told = folder.fails(3, &["confirm", "nothing.txt"]);
    assert!(told.contains("nothing.txt"), "{told}");
    assert_eq!(folder.verdict(), "verified");
}

#[test]
fn a_cycle_of_citations_is_allowed() {
    let folder = Folder::new();
    folder.done(&["cite", "1", "2"]);
    folder.done(&["cite", "2", "1"]);
    assert_eq!(folder.standing("1")["relations"].as_array().unwrap().len(), 1);
    assert_eq!(folder.standing("1")["relatedFrom"].as_array().unwrap().len(), 1);
    assert_eq!(folder.verdict(), "verified");
}

#[test]
fn keys_come_and_go_by_their_place_in_the_log() {
    let folder = Folder::new();
    folder.enrol("second", "editor");
    folder.done(&["note", "1", "update", "--key", "keys/private/second"]);
    let list = folder.json(&["key", "list"]);
    let second = list.iter().find(|key| key["enrolledBy"] == 3).unwrap()["keyId"].as_str().unwrap();
    folder.done(&["key", "revoke", &second[..12]]);
    folder.fails(12, &["note", "1", "update", "--key", "keys/private/second"]);
    assert_eq!(folder.verdict(), "verified");
    folder.fails(12, &["key", "revoke", &second[..12]]);
    // A rotated key keeps its roles, and the old one may sign no more.
    folder.done(&["key", "new", "third", "--no-passphrase"]);
    let editor = list.iter().find(|key| key["enrolledBy"] == 0).unwrap()["keyId"].as_str().unwrap();
    folder.done(&["key", "rotate", editor, "keys/private/third.pub", "--name", "Mme Sy"]);
    folder.fails(12, &["note", "1", "update", "--key", "keys/private/editor"]);
    folder.done(&["note", "1", "update"]);
    let list = folder.json(&["key", "list"]);
    let third = list.iter().find(|key| key["name"] == "Mme Sy").unwrap();
    assert_eq!(third["roles"], serde_json::json!(["editor"]));
    assert_eq!(folder.verdict(), "verified");
    // A record's proof carries what its signer's key rests on.
    folder.done(&["prove", "7", "-o", "notice.tlog-proof"]);
    folder.done(&["check", "--proof", "notice.tlog-proof"]);
    let told = folder.fails(10, &["key", "retire", "ffffffff"]);
    assert!(told.contains("key list"), "{told}");
}

#[test]
fn several_root_keys_must_approve_once_they_are_asked_for() {
    let folder = Folder::new();
    let told = folder.fails(12, &["key", "require-approvals", "2"]);
    assert!(told.contains("1 root keys would be left where 2 must approve"), "{told}");
    folder.enrol("root2", "root");
    folder.done(&["key", "require-approvals", "2"]);
    folder.done(&["key", "new", "second", "--no-passphrase"]);
    let enrol = |root: &str| {
        let root = format!("keys/private/{root}");
        folder.run(&["key", "enrol", "keys/private/second.pub", "--role", "editor", "--key", &root])
    };
    assert!(enrol("root").status.success());
    folder.fails(12, &["note", "1", "update", "--key", "keys/private/second"]);
    let again = enrol("root");
    assert_eq!(again.status.code(), Some(12), "{again:?}");
    let list = folder.json(&["key", "list"]);
    let last = list.last().unwrap();
    assert_eq!((&last["approvalsNeeded"], last["proposals"].as_array().unwrap().len()), (&Value::from(2), 1));
    assert!(enrol("root2").status.success());
    folder.done(&["note", "1", "update", "--key", "keys/private/second"]);
    assert_eq!(folder.verdict(), "verified");
    folder.done(&["prove", "7", "-o", "notice.tlog-proof"]);
    folder.done(&["check", "--proof", "notice.tlog-proof"]);
    // The way back from a lost root key: the others end it, once there are enough of them.
    let roots = folder.json(&["key", "list"]);
    let first =
        roots.iter().find(|key| key["trustedFromOutside"] == true).unwrap()["keyId"].as_str().unwrap();
    let told = folder.fails(12, &["key", "revoke", first, "--key", "keys/private/root2"]);
    assert!(told.contains("would be left"), "{told}");
}

#[test]
fn a_lost_root_key_is_replaced_by_another_one() {
    let folder = Folder::new();
    folder.enrol("spare", "root");
    let list = folder.json(&["key", "list"]);
    let lost = list.iter().find(|key| key["trustedFromOutside"] == true).unwrap()["keyId"].as_str().unwrap();
    folder.done(&["key", "revoke", lost, "--key", "keys/private/spare"]);
    fs::remove_file(folder.path("keys/private/root")).unwrap();
    folder.enrol("second", "editor");
    folder.done(&["note", "1", "update", "--key", "keys/private/second"]);
    assert_eq!(folder.verdict(), "verified");
    folder.done(&["prove", "6", "-o", "notice.tlog-proof"]);
    folder.done(&["check", "--proof", "notice.tlog-proof"]);
}

#[test]
fn statements_wait_and_are_published_once() {
    let folder = Folder::new();
    // Two editors without the log's key, on copies of their own, as branches of one repository are.
    let branch = |name: &str| {
        let copy = folder.path(name);
        copy_folder(&folder.path("keys"), &copy.join("keys"));
        copy_folder(&folder.path("records"), &copy.join("records"));
        fs::remove_file(copy.join("keys/private/log")).unwrap();
        copy
    };
    let (one, two) = (branch("one"), branch("two"));
    let waits = |copy: &Path, args: &[&str]| {
        let output = folder.run_in(copy, args);
        assert!(output.status.success(), "{args:?}: {output:?}");
    };
    fs::write(one.join("new.txt"), "Un texte neuf.\n\nSource : AFP\n").unwrap();
    assert_eq!(folder.run_in(&one, &["add", "new.txt", "--yes"]).status.code(), Some(12));
    waits(&one, &["add", "new.txt", "--yes", "--pending"]);
    waits(&one, &["cite", "2", "1", "--pending"]);
    waits(&two, &["retract", "1", "--pending", "--note", "the source was forged"]);
    // The branches are merged: files of different names.
    for copy in [&one, &two] {
        for part in ["pending", "content"] {
            let from = copy.join("records").join(part);
            if from.exists() {
                copy_folder(&from, &folder.path("records").join(part));
            }
        }
    }
    assert_eq!(folder.json(&["pending", "list"]).len(), 3);
    assert_eq!(folder.json(&["publish", "--dry-run"]).len(), 3);
    let published = folder.json(&["publish"]);
    let kinds: Vec<&str> = published.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[0], "registration");
    assert_eq!(published.iter().map(|one| one["record"].as_u64().unwrap()).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(folder.verdict(), "verified");
    // What comes back from a stale branch is only cleared away.
    copy_folder(&one.join("records/pending"), &folder.path("records/pending"));
    let again = folder.json(&["publish"]);
    assert!(again.iter().all(|one| one["outcome"] == "alreadyInTheLog"), "{again:?}");
    assert_eq!(folder.json(&["publish"])[0]["published"], 0);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

#[test]
fn a_statement_by_a_key_that_was_ended_meanwhile_is_not_published() {
    let folder = Folder::new();
    folder.enrol("second", "editor");
    folder.done(&["note", "1", "update", "--pending", "--key", "keys/private/second"]);
    folder.done(&["key", "revoke", "keys/private/second.pub"]);
    fs::write(folder.path("records/pending/junk.json"), "{}").unwrap();
    let output = folder.run(&["pending", "list", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let listed = String::from_utf8(output.stdout).unwrap();
    assert!(listed.contains("was ended by entry"), "{listed}");
    let told = folder.fails(1, &["publish"]);
    assert!(told.contains("2 statements that wait cannot be appended"), "{told}");
    assert_eq!(fs::read_dir(folder.path("records/pending")).unwrap().count(), 2);
}

#[test]
fn what_is_erased_is_nowhere_and_every_proof_still_verifies() {
    let folder = Folder::new();
    folder.enrol("officer", "data-officer");
    folder.done(&["confirm", "1", "--correct", "byline=Aminata Keïta-Dembélé (stagiaire)"]);
    folder.done(&["cite", "2", "1"]);
    folder.done(&["prove", "1", "-o", "before.tlog-proof"]);
    let told = folder.fails(2, &["erase", "1", "title", "--reason", "pii", "--yes"]);
    assert!(told.contains("stands in the clear") && told.contains("bylines"), "{told}");
    let told = folder.fails(2, &["erase", "1", "bylines", "--reason", "pii"]);
    assert!(told.contains("--yes"), "{told}");
    let output = folder.run(&["erase", "1", "bylines", "quotes", "--original", "--reason", "pii", "--yes"]);
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("warning: record 2 rest on record 1"), "{told}");
    folder.done(&["erase", "4", "value", "--reason", "pii", "--yes"]);
    assert_eq!(folder.verdict(), "verified");
    let report = folder.json(&["verify", "--stateless"]);
    assert_eq!(report[0]["counts"]["erased"], 6);

    // The proof from before still holds, as does one that is made now.
    folder.done(&["check", "lake.txt", "--proof", "before.tlog-proof"]);
    folder.done(&["prove", "1", "-o", "after.tlog-proof"]);
    let checked = folder.done(&["check", "lake.txt", "--proof", "after.tlog-proof"]);
    assert!(checked.contains("WITHHELD: /bylines/0 (erased, entry 6, reason pii)"), "{checked}");
    let shown = folder.done(&["show", "1"]);
    assert!(shown.contains("WITHHELD: /bylines/0 (erased, entry 6, reason pii)"), "{shown}");

    // Every byte of the workspace: the words are in the editor's own file, and nowhere that dateline made.
    fs::remove_file(folder.path("lake.txt")).unwrap();
    fs::remove_file(folder.path("before.tlog-proof")).unwrap();
    for words in ["Keïta-Dembélé", "Aminata Keïta", "mesurons chaque matin"] {
        assert_eq!(folder.holding(words), Vec::<PathBuf>::new(), "{words}");
        // Openings are base64url: whatever stands before the words, one of three spellings would be there.
        for spelling in base64_spellings(words) {
            assert_eq!(folder.holding(&spelling), Vec::<PathBuf>::new(), "{words} as {spelling}");
        }
    }
    // Asked for again, nothing more is said.
    let again = folder.json(&["erase", "1", "bylines", "--reason", "pii", "--yes"]);
    assert_eq!((&again[0]["outcome"], &again[0]["record"]), (&Value::from("erasedBefore"), &Value::from(6)));
}

#[test]
fn who_points_to_what_was_erased_is_told() {
    let folder = Folder::new();
    folder.enrol("officer", "data-officer");
    let said = |args: &[&str]| {
        let output = folder.run(&[args, &["--format", "json"]].concat());
        assert!(output.status.success(), "{output:?}");
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        (String::from_utf8(output.stderr).unwrap(), json)
    };
    let (told, json) = said(&["cite", "2", "1"]);
    assert_eq!((told.as_str(), &json["erased"]), ("", &Value::Array(Vec::new())));
    folder.done(&["erase", "1", "bylines", "--original", "--reason", "pii", "--yes"]);
    let note = "note: of record 1 this was erased (record 5, reason pii): /bylines/0, 2 committed fields, the stored original; ";
    for args in [
        &["cite", "2", "1", "--relation", "quotes"][..],
        &["correct", "1", "--note", "13 centimetres"],
        &["retract", "2", "--replaced-by", "1"],
        &["confirm", "1", "origin"],
    ] {
        let (told, json) = said(args);
        assert!(told.contains(note), "{args:?}: {told}");
        let erased = &json["erased"][0];
        assert_eq!(
            (&erased["record"], &erased["by"], &erased["original"]),
            (&1.into(), &5.into(), &true.into())
        );
        assert_eq!(erased["fields"][0], "/bylines/0");
    }
    // What is only not at hand was not erased.
    let openings = folder.path("records/disclosures/000");
    let text = fs::read_to_string(&openings).unwrap();
    let left = text.lines().filter(|line| !line.starts_with("2 ")).flat_map(|line| [line, "\n"]);
    fs::write(&openings, left.collect::<String>()).unwrap();
    assert_eq!(said(&["note", "2", "update"]).0, "");
}

#[test]
fn a_field_that_is_sealed_is_committed_and_can_be_erased() {
    let folder = Folder::new();
    folder.enrol("officer", "data-officer");
    let text = "Le puits est à sec\n\nLe puits du quartier est à sec, dit un habitant.\n\nSource : Coopérative Sahel-Vert\n";
    fs::write(folder.path("leak.txt"), text).unwrap();
    let seal =
        ["--seal", "origin", "--seal", "title", "--seal", "dateline", "--seal", "url", "--seal", "published"];
    let added = folder.json(&[&["add", "leak.txt", "--yes", "--no-store"], &seal[..]].concat());
    assert_eq!(added[0]["title"], "Le puits est à sec");
    let record = added[0]["record"].to_string();
    let shown = &folder.json(&["show", &record])[0];
    assert_eq!(shown["title"], "Le puits est à sec");
    assert_eq!(shown["claimedOrigins"][0]["asPrinted"], "Coopérative Sahel-Vert");
    let entry = folder.done(&["show", &record, "--entry"]);
    let envelope: Value = serde_json::from_str(&entry).unwrap();
    for words in ["Sahel-Vert", "puits"] {
        for spelling in base64_spellings(words) {
            let standard = spelling.replace('-', "+").replace('_', "/");
            assert!(!envelope["payload"].as_str().unwrap().contains(&standard), "{words}");
        }
    }
    let predicate = &shown["predicate"];
    assert!(predicate.get("title").is_none() && predicate["claimedOrigins"][0].get("...").is_some());
    // What is not there is not committed to either: numbers, paragraphs and the title are.
    assert_eq!(predicate["_sd"].as_array().unwrap().len(), 3);
    assert_eq!(folder.verdict(), "verified");
    assert_eq!(folder.json(&["search", "puits"])[0]["record"].to_string(), record);

    folder.done(&["prove", &record, "--withhold", "title", "-o", "leak.tlog-proof"]);
    let checked = folder.done(&["check", "leak.txt", "--proof", "leak.tlog-proof"]);
    assert!(
        checked.contains("left out of the proof on purpose") && !checked.contains("Le puits"),
        "{checked}"
    );
    folder.done(&["erase", &record, "title", "claimedOrigins", "--reason", "source-protection", "--yes"]);
    assert_eq!(folder.verdict(), "verified");
    let shown = &folder.json(&["show", &record])[0];
    assert_eq!((&shown["title"], &shown["claimedOrigins"][0]["withheld"]), (&Value::Null, &true.into()));
    assert_eq!(folder.json(&["search", "commune"]), Vec::<Value>::new());
    folder.fails(2, &["add", "leak.txt", "--yes", "--sealed", "--seal", "title"]);
}

const SAID: &str = "Discours du maire\n\n« Le pont sera rouvert lundi et les péages seront gratuits tout le mois », a déclaré le maire de Port-Clair devant le conseil réuni hier soir.\n";
const QUOTING: &str = "Le pont rouvre\n\n« Le pont sera rouvert mardi et les péages seront gratuits tout le mois », a déclaré le maire. Les riverains attendaient cette annonce depuis le printemps et préparent une fête sur la place.\n\nPar Noé Brûlé\n";

#[test]
fn a_misquote_is_told_wherever_an_editor_looks() {
    let folder = Folder::new();
    fs::write(folder.path("said.txt"), SAID).unwrap();
    fs::write(folder.path("quoting.txt"), QUOTING).unwrap();
    folder.done(&["add", "said.txt", "quoting.txt", "--yes"]);
    let codes = |found: &Value| -> Vec<String> {
        let all = found["warnings"].as_array().unwrap().iter();
        all.map(|one| one["code"].as_str().unwrap().to_owned()).collect()
    };
    // As long as nobody says where it is from, nothing is known of it.
    assert_eq!(codes(&folder.json(&["check", "quoting.txt"])[0]), [""; 0]);
    let output = folder.run(&["cite", "4", "3", "--relation", "quotes", "--format", "json"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("warning: misquote, by the sources named so far: \"Le pont sera rouvert mardi"),
        "{told}"
    );
    assert!(told.contains("differs from record 3: ") && told.contains("[-mardi-] {+lundi+}"), "{told}");
    assert_eq!(codes(&serde_json::from_slice(&output.stdout).unwrap()), ["misquote"]);

    for whole in [&[][..], &["--whole-log"]] {
        let checked = &folder.json(&[&["check", "quoting.txt"], whole].concat())[0];
        assert_eq!(codes(checked), ["misquote"], "{checked}");
        assert_eq!(checked["warnings"][0]["record"], 4);
        let told = folder.done(&[&["check", "quoting.txt"], whole].concat());
        assert!(told.contains("! misquote, by the sources of record 4: "), "{told}");
    }
    let output = folder.run(&["doctor", "--format", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = found["findings"].as_array().unwrap().iter().find(|one| one["code"] == "misquote").unwrap();
    assert_eq!(finding["cases"][0]["record"], 4, "{finding}");

    // A later version of it has the same sources, whether or not an index is kept.
    for (number, indexed) in [(1, true), (2, false)] {
        let name = format!("version{number}.txt");
        fs::write(folder.path(&name), format!("{QUOTING}\nMis à jour {number} fois.\n")).unwrap();
        if !indexed {
            fs::remove_dir_all(folder.path("records/.local")).unwrap();
        }
        let added = &folder.json(&["add", &name, "--yes"])[0];
        assert!(codes(added).contains(&"misquote".into()), "{indexed}: {added}");
    }
    // What is quoted as it was said is no misquote.
    fs::write(folder.path("right.txt"), QUOTING.replace("mardi", "lundi")).unwrap();
    let added = &folder.json(&["add", "right.txt", "--yes"])[0];
    assert!(!codes(added).contains(&"misquote".into()), "{added}");
    let record = added["record"].to_string();
    assert_eq!(codes(&folder.json(&["cite", &record, "3", "--relation", "quotes"])[0]), [""; 0]);
}

#[test]
fn the_doctor_finds_like_texts_under_other_credits() {
    let folder = Folder::new();
    let body = "Les pêcheurs du lac ont repris la mer lundi matin après trois semaines d'arrêt, a constaté un \
        correspondant sur place. Les filets étaient prêts depuis la veille et les familles attendaient sur la \
        berge le retour des premières pirogues chargées.";
    let write = |name: &str, body: &str, credit: &str| {
        fs::write(folder.path(name), format!("La pêche reprend\n\n{body}\n{credit}")).unwrap();
    };
    write("first.txt", body, "\nSource : AFP\n");
    write("second.txt", &body.replace("lundi matin", "mardi à l'aube"), "\nSource : Reuters\n");
    write("third.txt", &body.replace("trois semaines", "un long mois"), "");
    write("fourth.txt", &body.replace("familles", "mères"), "\nSource : AFP\n");
    folder.done(&["add", "first.txt", "second.txt", "third.txt", "fourth.txt", "--yes"]);
    let found = || -> Vec<Value> {
        let output = folder.run(&["doctor", "--format", "json"]);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        found["findings"].as_array().unwrap().clone()
    };
    let of = |code: &str| found().into_iter().find(|one| one["code"] == code);
    assert!(of("similarNotCompared").is_some() && of("conflictingOrigin").is_none());
    folder.done(&["reindex"]);
    assert_eq!(of("similarNotCompared"), None);
    let pairs = |code: &str| -> Vec<(u64, u64)> {
        let finding = of(code).unwrap();
        let cases = finding["cases"].as_array().unwrap().iter();
        cases
            .map(|one| {
                assert!(one["similarPercent"].as_u64().unwrap() >= 30, "{one}");
                (one["record"].as_u64().unwrap(), one["other"].as_u64().unwrap())
            })
            .collect()
    };
    assert_eq!(pairs("conflictingOrigin"), [(4, 3), (6, 4)]);
    assert_eq!(pairs("creditDropped"), [(3, 5), (4, 5), (6, 5)]);
}

/// The middle parts of `words` in base64url, by how many bytes stand before them.
fn base64_spellings(words: &str) -> Vec<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..3)
        .map(|before| {
            let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(words.bytes()).collect();
            let spelled: String = bytes
                .chunks_exact(3)
                .flat_map(|three| {
                    let number = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
                    [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(number >> shift & 63) as usize]))
                })
                .collect();
            spelled[if before > 0 { 4 } else { 0 }..].to_owned()
        })
        .collect()
}

#[test]
fn the_spellings_find_what_is_there() {
    let folder = Folder::new();
    let found =
        base64_spellings("Keïta-Dembélé").iter().flat_map(|spelling| folder.holding(spelling)).count();
    assert!(found > 0, "the test of erasure would find nothing");
}

#[test]
fn an_opening_that_comes_back_after_its_erasure_is_told() {
    let folder = Folder::new();
    folder.enrol("officer", "data-officer");
    let openings = folder.path("records/disclosures/000");
    let before = fs::read(&openings).unwrap();
    folder.done(&["erase", "1", "bylines", "--reason", "court-order", "--yes"]);
    fs::write(&openings, before).unwrap();
    let report = folder.json(&["verify", "--stateless"]);
    let codes: Vec<&str> =
        report[0]["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert!(!codes.is_empty() && codes.iter().all(|code| *code == "erasureIncomplete"), "{codes:?}");
    folder.done(&["erase", "1", "bylines", "--reason", "court-order", "--yes"]);
    assert_eq!(folder.verdict(), "verified");
}

#[test]
fn a_sealed_document_is_unknown_until_it_is_revealed() {
    let folder = Folder::new();
    fs::write(
        folder.path("secret.txt"),
        "Le contrat caché\n\nPar M. Cissé\n\nLe contrat a été signé lundi.\n",
    )
    .unwrap();
    let sealed = folder.json(&["add", "secret.txt", "--sealed", "--yes"]);
    assert_eq!((&sealed[0]["outcome"], &sealed[0]["record"]), (&Value::from("sealed"), &Value::from(3)));
    let digest =
        folder.json(&["extract", "secret.txt"])[0]["digests"]["original"].as_str().unwrap()[7..].to_owned();
    // Neither the words nor the digests are anywhere that a copy of the log would have.
    for words in ["contrat", &digest] {
        for path in folder.holding(words) {
            let own = path.starts_with(folder.path("keys/private")) || path.ends_with("secret.txt");
            assert!(own, "{}", path.display());
        }
    }
    assert_eq!(folder.verdict(), "verified");
    assert_eq!(folder.run(&["check", "secret.txt"]).status.code(), Some(10));
    folder.done(&["prove", "3", "-o", "sealed.tlog-proof"]);
    folder.done(&["check", "--proof", "sealed.tlog-proof"]);

    let revealed = folder.json(&["reveal", "3", "--yes"]);
    assert_eq!(
        (&revealed[0]["outcome"], &revealed[0]["record"]),
        (&Value::from("revealed"), &Value::from(4))
    );
    assert_eq!(folder.json(&["show", "3"])[0]["opened"]["document"]["original"], digest.as_str());
    assert_eq!(folder.verdict(), "verified");
    folder.done(&["check", "secret.txt"]);
    assert_eq!(folder.json(&["reveal", "3", "--yes"])[0]["outcome"], "revealedBefore");
    folder.fails(10, &["reveal", "1", "--yes"]);
}

#[test]
fn each_document_of_a_file_is_sealed_by_itself() {
    let folder = Folder::new();
    let item = |number: u32| {
        format!(
            "<item><title>Dispatch {number}</title><link>https://example.org/{number}</link><description>The contract \
             number {number} was signed on Monday, the mayor said, in the hall of the town.</description></item>"
        )
    };
    let feed =
        format!("<rss version=\"2.0\"><channel><title>Desk</title>{}{}</channel></rss>", item(1), item(2));
    fs::write(folder.path("feed.xml"), feed).unwrap();
    let told = folder.fails(2, &["add", "feed.xml", "--sealed", "--yes", "--origin", "AFP"]);
    assert!(told.contains("when it is revealed"), "{told}");
    assert_eq!(folder.json(&["add", "feed.xml", "--sealed", "--yes"]).len(), 2);
    let revealed = folder.json(&["reveal", "4", "--yes", "--origin", "Mairie de Mopti"]);
    assert_eq!(revealed[0]["claimedOrigins"][0]["asPrinted"], "Mairie de Mopti");
    assert_eq!(revealed[0]["title"], "Dispatch 2");
    assert_eq!(folder.verdict(), "verified");
}

#[test]
fn what_reveals_a_document_is_not_to_be_lost() {
    let folder = Folder::new();
    folder.done(&["add", "lake.txt", "--sealed", "--yes"]);
    fs::remove_dir_all(folder.path("keys/private/sealed")).unwrap();
    let told = folder.fails(12, &["reveal", "3", "--yes"]);
    assert!(told.contains("restore it from a copy"), "{told}");
}

#[test]
fn a_document_that_was_registered_meanwhile_can_be_revealed_too() {
    let folder = Folder::new();
    folder.done(&["add", "lake.txt", "--sealed", "--yes"]);
    let revealed = folder.json(&["reveal", "3", "--yes"]);
    assert_eq!(revealed[0]["record"], 1);
    assert_eq!(folder.json(&["reveal", "3", "--yes"])[0]["outcome"], "revealedBefore");
    assert_eq!(folder.verdict(), "verified");
}

#[test]
fn what_was_found_at_an_address_is_recorded() {
    let folder = Folder::new();
    let url = "https://www.example.org/lake";
    folder.done(&["observe", "1", "--url", url, "--file", "lake.txt", "--status", "200"]);
    fs::write(folder.path("wrapped.txt"), LAKE.replace(" a dit", "\na dit")).unwrap();
    folder.done(&["observe", "1", "--url", "https://m.example.org/lake", "--file", "wrapped.txt"]);
    folder.done(&["observe", "1", "--url", url, "--file", "harbour.txt"]);
    folder.done(&[
        "observe",
        "1",
        "--url",
        "https://old.example.org/lake",
        "--found",
        "gone",
        "--status",
        "404",
    ]);
    let told = folder.fails(2, &["observe", "1", "--url", url, "--found", "moved"]);
    assert!(told.contains("where it moved to"), "{told}");
    let standing = folder.standing("1");
    let seen: Vec<(&str, &str)> = standing["observations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["observed"].as_str().unwrap(), one["url"].as_str().unwrap()))
        .collect();
    let expected = [
        ("reflowed", "https://m.example.org/lake"),
        ("changed", url),
        ("gone", "https://old.example.org/lake"),
    ];
    assert_eq!(seen, expected);
    assert_eq!(folder.verdict(), "verified");
}

#[test]
fn registered_addresses_are_fetched_again() {
    let (folder, server) = (Folder::new(), Server::start(Duration::ZERO));
    let page = |text: &str| {
        format!("<!doctype html><html><body><article>{text}</article></body></html>").into_bytes()
    };
    let words = "<h1>The lake</h1><p>The water of the lake has fallen by 12 centimetres since the spring, officials \
        said on Monday in the town of Korientzé.</p><p>They measure it every morning.</p>";
    for name in ["same", "wrapped", "other", "gone", "shut"] {
        server.put(&format!("/{name}"), page(&format!("{words}<p>Page {name}.</p>")));
        let address = format!("{}{name}", server.address);
        folder.done(&["add", &address, "--yes", "--allow-private"]);
    }
    server.put("/wrapped", page(&format!("{}<p>Page wrapped.</p>", words.replace(" of the", "\nof the"))));
    server.put("/other", page(&format!("{}<p>Page other.</p>", words.replace("12", "21"))));
    server.remove("/gone");
    server.set_script(|asked, _| match asked.path.as_str() {
        "/shut" => Fault::Status(403, None),
        _ => Fault::None,
    });
    let recheck = |args: &[&str]| {
        let output = folder.run(&[&["recheck", "--allow-private", "--format", "json"], args].concat());
        let lines: Vec<Value> = String::from_utf8(output.stdout.clone())
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let seen: Vec<(String, bool)> = lines
            .iter()
            .map(|one| {
                let observed = one["observed"].as_str().unwrap_or_else(|| panic!("{one}"));
                (observed.to_owned(), one["recorded"].as_bool().unwrap())
            })
            .collect();
        (output.status.code().unwrap(), seen)
    };
    let all = |recorded: bool| {
        ["unchanged", "reflowed", "changed", "gone", "blocked"]
            .map(|seen| (seen.to_owned(), recorded))
            .to_vec()
    };
    assert_eq!(recheck(&[]), (1, all(true)));
    // What was found the same before is not recorded again, unless it is asked for.
    assert_eq!(recheck(&[]), (1, all(false)));
    assert_eq!(recheck(&["3", "--always"]), (0, vec![("unchanged".to_owned(), true)]));
    let told = folder.fails(10, &["recheck", "1"]);
    assert!(told.contains("has no address"), "{told}");
    assert_eq!(folder.verdict(), "verified");
    assert_eq!(folder.standing("5")["observations"][0]["observed"], "changed");
}
