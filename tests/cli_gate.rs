//! What a user sees of `lock` and `gate`, of what became of records, and of proofs that withhold, on a log with statements
//! of every kind.
//!
//! Keys and salts are those of the tests' log, so that only folders and this machine's time differ from run to run.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use dateline::keys::public;
use dateline::record::assessment::Method;
use dateline::record::relation::Unresolved;
use dateline::record::{
    AssessmentState, NewEntry, Notice, NoticeKind, Pending, RecordRef, RelationKind, Role, Target,
};
use dateline::storage::FileStore;
use serde_json::Value;
use support::statements::{
    assesses, assessment, assessor, enrolled, notes, notice, registers, relates, relation, to,
};
use support::{ORIGIN, assembled, copy, enrolment, log_key, policy, root_key, signing};
use tempfile::TempDir;

const DISPATCH: &str = include_str!("../demo/depeche.fr.txt");
const ARTICLE: &str = "The lake opens\n\nFishing began on Tuesday, the ministry says.\n\nThe port stays closed.\n\nBy Awa Diarra\n";
const PORT: &str = "Le port est fermé\n\nRien ne sort du port.\n\nSource : Mairie de Port-Clair\n";

struct Folder {
    temp: TempDir,
}

/// Entry 0 enrols the editor, 1 the assessor; 2 and 3 are sources, 4 the article, which cites the first and rests on
/// something that nobody has registered.
fn log() -> Vec<NewEntry> {
    let release = Unresolved {
        text: Some("a press\u{202e} release".into()),
        org: Some("Agence du lac".into()),
        ..Unresolved::default()
    };
    let mut log = vec![enrolment().entry.into_entry(), enrolled(&assessor(), Role::Assessor)];
    log.extend([DISPATCH, PORT, ARTICLE].map(registers));
    let article = of(&log, 4);
    log.push(relates(relation(article, RelationKind::Cites, to(of(&log, 2)))));
    log.push(relates(relation(article, RelationKind::IsBasedOn, Target::Unresolved(release))));
    log
}

fn of(log: &[NewEntry], record: u64) -> RecordRef {
    RecordRef { record, original: log[record as usize].original.unwrap() }
}

/// What is said later: the first source is retracted, its origin refuted; the second is corrected, its origin verified.
fn later() -> Vec<NewEntry> {
    let log = log();
    let (one, two) = (of(&log, 2), of(&log, 3));
    let assessed =
        |about, state, method| assesses(assessment(about, "/claimedOrigins/0", state, Some(method)));
    vec![
        notes(Notice { replaced_by: Some(two), ..notice(one, NoticeKind::Retraction) }),
        assessed(one, AssessmentState::Refuted, Method::DirectContact),
        notes(notice(two, NoticeKind::Correction)),
        assessed(two, AssessmentState::Verified, Method::OriginPublication),
        relates(relation(of(&log, 4), RelationKind::Quotes, to(two))),
    ]
}

impl Folder {
    fn new(log: &[NewEntry]) -> Self {
        let folder = Folder { temp: tempfile::tempdir().unwrap() };
        folder.publish(log);
        folder.write("keys/policy", policy().format());
        folder.write("keys/roots/root.pub", format!("{}\n", public::format(&root_key().public(), "root")));
        folder.write("articles/lake.md", ARTICLE);
        folder.write("depeche.fr.txt", DISPATCH);
        folder.write("port.txt", PORT);
        folder
    }

    /// Puts this log in the place of the one that is there.
    fn publish(&self, log: &[NewEntry]) {
        let _ = fs::remove_dir_all(self.path("records"));
        let store = FileStore::writer(&self.path("records")).unwrap();
        copy(&assembled(log, ORIGIN, &log_key()), &store, "");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn run(&self, args: &[&str]) -> std::process::Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
        command.args(args).current_dir(self.temp.path()).stdin(Stdio::null());
        for name in ["SSH_AUTH_SOCK", "DATELINE_PASSPHRASE_FILE", "NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"] {
            command.env_remove(name);
        }
        command.output().unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_slice(&self.run(&[args, &["--format", "json"]].concat()).stdout).unwrap()
    }

    fn code(&self, args: &[&str]) -> Option<i32> {
        self.run(args).status.code()
    }

    fn seen(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let code = output.status.code().map_or("none".into(), |code| code.to_string());
        let mut seen = format!("$ dateline {}\nexit {code}\n", args.join(" "));
        for (name, text) in [("stdout", text(&output.stdout)), ("stderr", text(&output.stderr))] {
            if !text.is_empty() {
                seen.push_str(&format!("--- {name}\n{text}"));
            }
        }
        seen
    }
}

/// Compares with the snapshot of the test's name.
macro_rules! snapshot {
    ($folder:expr, $name:literal, $($args:expr),+ $(,)?) => {{
        let all: Vec<String> = vec![$($folder.seen(&$args)),+];
        settings(&$folder).bind(|| insta::assert_snapshot!($name, all.join("\n")));
    }};
}

fn settings(folder: &Folder) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(&regex::escape(&folder.temp.path().display().to_string()), "[FOLDER]");
    settings.add_filter(r"\b[0-9a-f]{64}\b", "[HASH]");
    settings.add_filter(r"\+[0-9a-f]{8}\+[A-Za-z0-9+/]{20,44}", "+[KEY]");
    settings.add_filter(r#"timestamp="[^"]*""#, r#"timestamp="[TIME]""#);
    settings.add_filter(r#""semanticVersion": "[^"]*""#, r#""semanticVersion": "[VERSION]""#);
    settings
}

const GATE: [&str; 3] = ["gate", "--require", "corroborated"];

#[test]
fn sources_are_locked_and_the_lock_is_stable() {
    let folder = Folder::new(&log());
    snapshot!(
        folder,
        "lock",
        ["lock", "articles/lake.md"],
        ["lock", "articles/lake.md", "--source", "port.txt"],
        ["lock", "articles/lake.md"],
        ["lock", "articles/lake.md", "--format", "json"],
        ["lock", "articles/lake.md", "--forget-sources"],
        ["lock", "port.txt", "--source", "2", "--source", "./depeche.fr.txt"],
    );
    settings(&folder).bind(|| insta::assert_snapshot!("lock-file", folder.read("sources.lock")));
    let files: Vec<String> = fs::read_dir(folder.temp.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("lock"))
        .collect();
    assert_eq!(files, ["sources.lock"], "something was left behind");
}

#[test]
fn what_holds_passes_the_gate_and_what_became_of_it_does_not() {
    let folder = Folder::new(&log());
    assert_eq!(folder.code(&["lock", "articles/lake.md", "--source", "3"]), Some(0));
    snapshot!(
        folder,
        "gate-holds",
        ["gate", "--allow-unresolved"],
        ["gate", "articles/lake.md", "--allow-unresolved", "--require", "claimed", "--format", "json"],
        ["gate", "articles/lake.md"],
        ["lock", "port.txt", "-o", "other.lock"],
        ["gate", "--lock", "other.lock", "--require", "claimed"],
    );
    folder.publish(&[log(), later()].concat());
    let with = |format| [GATE[0], GATE[1], GATE[2], "--format", format];
    snapshot!(folder, "gate-bad", GATE, with("json"));
    snapshot!(folder, "gate-github", with("github"));
    snapshot!(folder, "gate-junit", with("junit"));
    // The rules are those of the gate; results lie on the lines of the lock file.
    let sarif: Value = serde_json::from_slice(&folder.run(&with("sarif")).stdout).unwrap();
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.iter().any(|rule| rule["id"] == "sourceRetracted"), "{rules:?}");
    assert!(rules.iter().all(|rule| rule["id"] != "rootMismatch"));
    let lines: Vec<String> = folder.read("sources.lock").lines().map(str::to_owned).collect();
    for result in run["results"].as_array().unwrap() {
        let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], "sources.lock");
        let line = &lines[location["region"]["startLine"].as_u64().unwrap() as usize - 1];
        if let Some(record @ (2 | 3)) = result["properties"]["record"].as_u64() {
            assert!(line.contains(&format!("\"record\":{record},")), "{line}");
        }
    }
    assert_eq!(run["invocations"][0]["exitCode"], 1);
    settings(&folder).bind(|| insta::assert_snapshot!("gate-sarif", format!("{:#}", run["results"])));
    // Below another folder the paths are still those of here.
    assert_eq!(folder.code(&["lock", "articles/lake.md", "-o", "articles/a.lock"]), Some(0));
    let report = folder.json(&["gate", "--lock", "articles/a.lock"]);
    assert_eq!(report["articles"][0]["path"], "articles/lake.md");
    assert_eq!(report["findings"][0]["path"], "articles/a.lock");
    assert_eq!(report["findings"][0]["code"], "sourceRetracted");
}

#[test]
fn keys_that_lie_with_the_articles_are_named() {
    let folder = Folder::new(&log());
    assert_eq!(folder.code(&["lock", "articles/lake.md"]), Some(0));
    folder.write("mine/policy", folder.read("keys/policy"));
    folder.write("mine/root.pub", folder.read("keys/roots/root.pub"));
    let named = |args: &[&str]| {
        let report = folder.json(&[&["gate"], args].concat());
        let all: Vec<String> = serde_json::from_value(report["notChecked"].clone()).unwrap();
        all.into_iter().find(|one| one.starts_with("whether the keys")).unwrap_or_default()
    };
    let (policy, root) = (["--policy", "mine/policy"], ["--root", "mine/root.pub"]);
    let both = named(&[]);
    assert!(both.contains("keys/policy and ") && both.contains("keys/roots"), "{both}");
    assert!(!named(&policy).contains("keys/policy") && named(&policy).contains("keys/roots"));
    assert!(named(&root).contains("keys/policy") && !named(&root).contains("keys/roots"));
    assert_eq!(named(&[policy, root].concat()), "");
}

#[test]
fn an_article_that_changed_or_is_not_locked() {
    let folder = Folder::new(&log());
    assert_eq!(folder.code(&["lock", "articles/lake.md"]), Some(0));
    folder.write("articles/lake.md", format!("{ARTICLE}More.\n"));
    snapshot!(
        folder,
        "gate-outdated",
        ["gate", "--allow-unresolved"],
        ["gate", "port.txt", "--allow-unresolved"],
    );
    fs::remove_file(folder.path("articles/lake.md")).unwrap();
    snapshot!(folder, "gate-missing", ["gate", "--allow-unresolved"]);
    folder.write("articles/lake.md", ARTICLE);
    let report = folder.json(&["gate", "--allow-unresolved", "--max-age", "0s"]);
    let code = report["findings"].as_array().unwrap().last().unwrap()["code"].clone();
    // By the signers' clock and this machine's, whichever is ahead.
    assert!(code == "sourceUnresolved" || code == "checkpointTooOld" || code == "checkpointAgeUnknown");
    assert_eq!(folder.code(&["gate", "--allow-unresolved", "--max-age", "0s"]), Some(3));
}

/// Whoever wrote the article chose where a link leads: nothing of what is there is told.
#[cfg(unix)]
#[test]
fn no_article_is_read_through_a_link() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new(&log());
    assert_eq!(folder.code(&["lock", "articles/lake.md"]), Some(0));
    let elsewhere = tempfile::tempdir().unwrap();
    let secret = "a file of the runner";
    fs::write(elsewhere.path().join("lake.md"), secret).unwrap();
    for link in ["articles/lake.md", "articles"] {
        let path = folder.path(link);
        if path.is_dir() {
            fs::remove_dir_all(&path).unwrap()
        } else {
            fs::remove_file(&path).unwrap()
        }
        let target =
            if link == "articles" { elsewhere.path().to_owned() } else { elsewhere.path().join("lake.md") };
        symlink(target, &path).unwrap();
        let runs: [&[&str]; 3] = [
            &["gate", "--allow-unresolved"],
            &["gate", "articles/lake.md", "--allow-unresolved"],
            &["lock", "articles/lake.md", "-o", "new.lock"],
        ];
        for args in runs {
            let seen = folder.seen(args);
            // Through a linked folder, a name lies outside of that of the lock file.
            let outside = link == "articles" && args.contains(&"articles/lake.md");
            let (code, told) = if outside { (2, "does not lie below") } else { (3, "is a symbolic link") };
            assert!(seen.contains(&format!("\nexit {code}\n")) && seen.contains(told), "{seen}");
            let sha256 = dateline::base::Hash::of(secret.as_bytes()).to_string();
            assert!(!seen.contains(&sha256), "{seen}");
        }
        if link == "articles/lake.md" {
            let report = folder.json(&["gate", "--allow-unresolved"]);
            assert_eq!(report["findings"][0]["code"], "articleMissing", "{report}");
        }
    }
    // Also where it leads to what was locked.
    fs::write(elsewhere.path().join("lake.md"), ARTICLE).unwrap();
    assert_eq!(folder.code(&["gate", "--allow-unresolved"]), Some(3));
}

#[test]
fn what_waits_is_named() {
    let folder = Folder::new(&log());
    let pending = Pending::of(&registers("Un texte\n\nIl attend.\n"));
    folder.write(&format!("records/{}", pending.path()), pending.format());
    folder.write("waits.txt", "Un texte\n\nIl attend.\n");
    folder.write("other.txt", "Un autre texte\n");
    snapshot!(
        folder,
        "gate-pending",
        ["lock", "port.txt", "--source", "waits.txt"],
        ["gate", "port.txt"],
        ["lock", "port.txt", "--source", "other.txt"],
    );
}

#[test]
fn lock_files_that_cannot_be_used() {
    let folder = Folder::new(&log());
    snapshot!(folder, "lock-none", ["gate"], ["gate", "--format", "github"], ["gate", "--max-age", "soon"]);
    assert_eq!(folder.code(&["lock", "articles/lake.md"]), Some(0));
    let good = folder.read("sources.lock");
    let edited = |name: &str, from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        folder.write(name, good.replace(from, to));
    };
    edited("newer.lock", "sources/1", "sources/2");
    edited("cut.lock", "\"articles\": [", "");
    edited("above.lock", "articles/lake.md", "../lake.md");
    edited("source.lock", "\"relation\":\"cites\",", "");
    edited("unsigned.lock", "example.org/log\\n7\\n", "example.org/log\\n6\\n");
    folder.write("binary.lock", [0xff, 0xfe]);
    fs::create_dir(folder.path("folder.lock")).unwrap();
    let empty: Value = serde_json::from_str(&good).unwrap();
    folder.write("empty.lock", {
        let mut empty = empty;
        empty["articles"] = Value::Array(vec![]);
        empty.to_string()
    });
    let other = Folder::new(&log());
    let foreign = assembled(&log(), ORIGIN, &signing(8));
    fs::remove_dir_all(other.path("records")).unwrap();
    copy(&foreign, &FileStore::writer(&other.path("records")).unwrap(), "");
    let vkey = support::vkey_of(ORIGIN, &signing(8));
    other.write("keys/policy", format!("log {vkey}\nquorum none\n"));
    other.write("articles/sources.lock", &good);
    snapshot!(
        folder,
        "lock-unusable",
        ["gate", "--lock", "newer.lock"],
        ["gate", "--lock", "cut.lock"],
        ["gate", "--lock", "above.lock"],
        ["gate", "--lock", "source.lock"],
        ["gate", "--lock", "unsigned.lock"],
        ["gate", "--lock", "binary.lock"],
        ["gate", "--lock", "folder.lock"],
        ["gate", "--lock", "empty.lock"],
        ["gate", "../lake.md"],
        ["lock", "depeche.fr.txt", "-o", "articles/sources.lock"],
        ["lock", "depeche.fr.txt", "-o", "newer.lock"],
        ["lock", "articles/lake.md", "--source", "1"],
        ["lock", "nowhere.txt"],
        ["lock"],
    );
    snapshot!(
        other,
        "lock-other-log",
        ["gate", "--lock", "articles/sources.lock"],
        ["lock", "articles/lake.md", "-o", "articles/sources.lock"],
    );
    assert_eq!(other.read("articles/sources.lock"), good, "a lock file that is refused stays as it is");
    // A log that was rolled back.
    folder.publish(&log()[..6]);
    snapshot!(folder, "lock-rolled-back", ["gate", "--allow-unresolved"], ["lock", "articles/lake.md"]);
    assert_eq!(folder.read("sources.lock"), good);
}

#[test]
fn what_became_of_a_record() {
    let folder = Folder::new(&[log(), later()].concat());
    // A paragraph more, another one less; and one that only quotes a little.
    folder.write("similar.txt", PORT.replace("Source", "On attend.\n\nSource"));
    folder.write(
        "quoting.txt",
        format!("Nouvelles du jour\n\n{}\n\nLe port est fermé\n", "Le marché est ouvert. ".repeat(9)),
    );
    snapshot!(
        folder,
        "check-standing",
        ["check", "depeche.fr.txt"],
        ["check", "similar.txt"],
        ["check", "quoting.txt"],
        ["show", "3"],
        ["show", "4"],
        ["show", "7"],
    );
    let check = folder.json(&["check", "depeche.fr.txt"]);
    assert_eq!(check["answer"], "sameBytes");
    let standing = &check["records"][0]["standing"];
    assert_eq!(standing["takenBack"], serde_json::json!({"by": 7, "how": "retracted"}));
    assert_eq!(standing["notices"][0]["replacedBy"]["record"], 3);
    assert_eq!(standing["assessments"][0]["method"], "directContact");
    assert_eq!(standing["relatedFrom"][0]["other"]["record"]["record"], 4);
    let similar = folder.json(&["check", "similar.txt"]);
    assert_eq!((&similar["answer"], folder.code(&["check", "similar.txt"])), (&"similar".into(), Some(10)));
    assert_eq!(similar["records"][0]["record"], 3);
    assert_eq!(similar["records"][0]["similarity"]["ofRecordPercent"], 100);
}

#[test]
fn proofs_with_fields_withheld() {
    let folder = Folder::new(&log());
    folder.write("other.txt", "Un autre texte.\n");
    snapshot!(
        folder,
        "prove",
        ["prove", "depeche.fr.txt", "--withhold", "bylines", "--withhold", "/quotes/0", "-o", "p"],
        ["check", "depeche.fr.txt", "--proof", "p"],
        ["check", "--proof", "p"],
        ["prove", "2", "--withhold", "publishedAt"],
        ["prove", "2", "--withhold", "claimedOrigins"],
        ["prove", "other.txt"],
        ["prove", "5", "--withhold", "quote", "-o", "r", "--format", "json"],
        ["check", "articles/lake.md", "--proof", "r"],
        ["check", "depeche.fr.txt", "--proof", "r"],
        ["prove", "0", "-o", "k"],
        ["check", "--proof", "k"],
        ["check", "depeche.fr.txt", "--proof", "k"],
        ["check"],
        ["prove"],
        ["prove", "1", "--upgrade", "p"],
    );
    let json = folder.json(&["check", "depeche.fr.txt", "--proof", "p"]);
    assert_eq!(json["bylines"][0], serde_json::json!({"withheld": true}));
    assert_eq!(json["withheld"][0]["field"], "/bylines/0");
    assert_eq!(json["missing"], serde_json::json!([]));
    // An opening that is gone from the log is missing, not withheld.
    let openings = folder.read("records/disclosures/000");
    let byline = |line: &&str| !line.starts_with("2 ") || !decoded(line).contains("Yaro");
    let without: Vec<&str> = openings.lines().filter(byline).collect();
    assert_eq!(without.len() + 1, openings.lines().count());
    folder.write("records/disclosures/000", without.join("\n") + "\n");
    snapshot!(
        folder,
        "prove-missing",
        ["prove", "2", "-o", "m"],
        ["check", "depeche.fr.txt", "--proof", "m"]
    );
    // What is missing, nobody accounts for: not all was checked.
    let json = folder.json(&["check", "depeche.fr.txt", "--proof", "m"]);
    assert_eq!((&json["verdict"], &json["answer"]), (&"unverifiable".into(), &"sameBytes".into()));
    assert_eq!(json["missing"], serde_json::json!(["/bylines/0"]));
    assert_eq!(folder.code(&["check", "depeche.fr.txt", "--proof", "m"]), Some(3));
    assert_eq!(folder.code(&["check", "--proof", "m"]), Some(3));
    folder.publish(&[log(), later()].concat());
    snapshot!(
        folder,
        "prove-upgrade",
        ["prove", "--upgrade", "p", "-o", "q"],
        ["check", "depeche.fr.txt", "--proof", "q"],
        ["prove", "--upgrade", "depeche.fr.txt"],
        ["prove", "--upgrade", "q", "--checkpoint", "keys/policy"],
    );
    folder.publish(&log());
    snapshot!(folder, "prove-rolled-back", ["prove", "--upgrade", "q", "-o", "z"]);
}

fn decoded(line: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let opening = line.split(' ').nth(1).unwrap();
    String::from_utf8_lossy(&URL_SAFE_NO_PAD.decode(opening).unwrap()).into_owned()
}

#[test]
fn help() {
    let folder = Folder::new(&log());
    snapshot!(folder, "help-gate", ["lock", "--help"], ["gate", "--help"]);
}
