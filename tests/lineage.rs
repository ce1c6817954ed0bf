//! What a user sees of `trace`, `impact`, `origins`, `quotes` and `doctor`, and of what records rest on in `show` and
//! `check`, on logs with statements of every kind.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use dateline::article::{self, ReadOptions};
use dateline::base::Hash;
use dateline::base::encoding::to_base64url;
use dateline::keys::{private, public};
use dateline::record::assessment::Method;
use dateline::record::entry::Circumstances;
use dateline::record::relation::Unresolved;
use dateline::record::{
    AssessmentState, ClaimVerdict, Confirmation, Decisions, Draft, Erasure, ErasureReason, NewEntry,
    NoticeKind, Observation, Observed, Pending, RecordRef, RelationKind, Role, Target, layout,
};
use dateline::storage::FileStore;
use serde_json::{Value, json};
use support::statements::{
    assesses, assessment, assessor, enrolled, notes, notice, recorded, relates, relation, said, to, when,
};
use support::{ORIGIN, assembled, copy, editor, enrolment, log_key, policy, root_key, salts, signing};
use tempfile::TempDir;

const RELEASE: &str = "Le lac est rouvert\n\nLe ministre a déclaré : « La pêche reprendra lundi, et les petites\nmailles ne seront pas tolérées. » Les villages s'en réjouissent.\n\nSource : Ministère de la Pêche de Port-Clair\n";
const AGENCY: &str = "Port-Clair rouvre son lac\n\n« La pêche reprendra lundi », a dit le ministre. Il a ajouté que les taxes seraient levées.\n\nSource : AFP\n";
const ARTICLE: &str = "The lake opens\n\n“La pêche reprendra lundi”, said the minister. “Les petites mailles seront tolérées”, he added. He said: “Nobody was ever asked about the price of fish”. They call it “the big day”.\n\nBy Awa Diarra\n";
const UNSOURCED: &str = "Fish is dear\n\nA kilo costs twice what it did in spring.\n";
const TWIN: &str = "Lake news in brief\n\nFishing began again on Monday.\n\nSource: AFP\n";
const PLAIN: &str = "A quiet day\n\nNothing happened at the port.\n";

struct Folder {
    temp: TempDir,
}

/// The registration of a document with these bytes, long ago.
fn registers(text: &str) -> NewEntry {
    let article = article::read(text.as_bytes(), &ReadOptions::default()).unwrap();
    let mut random = salts(text.into());
    let recorded_at = "2020-05-01T08:00:00Z".parse().unwrap();
    let mut circumstances =
        Circumstances { recorded_by: editor().public().key_id(), recorded_at, random: &mut random };
    let draft = Draft::registration(&article, &Decisions::default(), &mut circumstances).unwrap();
    draft.sign(&editor()).unwrap().into_entry()
}

fn of(log: &[NewEntry], record: u64) -> RecordRef {
    RecordRef { record, original: log[record as usize].original.unwrap() }
}

fn unresolved(text: &str) -> Target {
    Target::Unresolved(Unresolved { text: Some(text.into()), ..Unresolved::default() })
}

/// Entry 0 enrols the editor, 1 the assessor; 2 to 7 are documents; then what rests on what, with a cycle.
fn log() -> Vec<NewEntry> {
    let mut log = vec![enrolment().entry.into_entry(), enrolled(&assessor(), Role::Assessor)];
    log.extend([RELEASE, AGENCY, ARTICLE, UNSOURCED, TWIN, PLAIN].map(registers));
    let [release, agency, article, unsourced] = [2, 3, 4, 5].map(|record| of(&log, record));
    log.push(relates(relation(agency, RelationKind::IsBasedOn, to(release))));
    log.push(relates(relation(article, RelationKind::Quotes, to(agency))));
    log.push(relates(relation(article, RelationKind::Cites, to(release))));
    log.push(relates(relation(
        unsourced,
        RelationKind::Cites,
        unresolved("a fishmonger\u{202e}, by telephone"),
    )));
    log.push(relates(relation(unsourced, RelationKind::Cites, to(article))));
    log.push(relates(relation(release, RelationKind::Cites, to(agency))));
    log
}

/// What is said later: the release is retracted, the agency's origin refuted and its text corrected by the article.
fn later() -> Vec<NewEntry> {
    let log = log();
    let [release, agency, article] = [2, 3, 4].map(|record| of(&log, record));
    vec![
        notes(notice(release, NoticeKind::Retraction)),
        assesses(assessment(
            agency,
            "/claimedOrigins/0",
            AssessmentState::Refuted,
            Some(Method::DirectContact),
        )),
        relates(relation(article, RelationKind::Corrects, to(agency))),
        notes(notice(article, NoticeKind::Update)),
    ]
}

impl Folder {
    fn new(log: &[NewEntry], texts: &[&str]) -> Self {
        let folder = Folder { temp: tempfile::tempdir().unwrap() };
        let store = FileStore::writer(&folder.path("records")).unwrap();
        copy(&assembled(log, ORIGIN, &log_key()), &store, "");
        drop(store);
        folder.write("keys/policy", policy().format());
        folder.write("keys/roots/root.pub", format!("{}\n", public::format(&root_key().public(), "root")));
        texts.iter().for_each(|text| folder.store(text));
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

    /// Where an original lies.
    fn original(text: &str) -> String {
        format!("records/{}", layout::content_path(&Hash::of(text.as_bytes())))
    }

    fn store(&self, text: &str) {
        self.write(&Folder::original(text), text);
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
        command.args(args).current_dir(self.temp.path()).stdin(Stdio::null());
        for name in ["SSH_AUTH_SOCK", "DATELINE_PASSPHRASE_FILE", "NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"] {
            command.env_remove(name);
        }
        command.output().unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--format", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    fn text(&self, args: &[&str]) -> String {
        String::from_utf8(self.run(args).stdout).unwrap()
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
    settings
}

#[test]
fn help_says_what_is_not_established() {
    let folder = Folder::new(&log(), &[]);
    snapshot!(
        folder,
        "help-lineage",
        ["trace", "--help"],
        ["impact", "--help"],
        ["origins", "--help"],
        ["quotes", "--help"],
        ["doctor", "--help"],
    );
}

#[test]
fn a_trace_goes_down_to_where_each_path_ends_and_a_cycle_is_shown_once() {
    let folder = Folder::new(&[log(), later()].concat(), &[]);
    snapshot!(
        folder,
        "trace",
        ["trace", "5"],
        ["trace", "4"],
        ["trace", "7"],
        ["trace", "8"],
        ["trace", "99"],
        ["trace", "4", "--format", "json"],
    );
}

#[test]
fn impact_goes_the_other_way_nearest_first() {
    let folder = Folder::new(&[log(), later()].concat(), &[]);
    folder.write("release.txt", RELEASE);
    folder.write("other.txt", "Not registered\n");
    assert_eq!(folder.text(&["impact", "release.txt"]), folder.text(&["impact", "2"]));
    assert_eq!(folder.code(&["impact", "other.txt"]), Some(10));
    snapshot!(
        folder,
        "impact",
        ["impact", "2"],
        ["impact", "5"],
        ["impact", "0"],
        ["impact", "3", "--format", "json"]
    );
    let found = folder.json(&["impact", "2"]);
    let distances: Vec<u64> =
        found["documents"].as_array().unwrap().iter().map(|one| one["distance"].as_u64().unwrap()).collect();
    assert!(distances.is_sorted(), "{distances:?}");
    assert_eq!((&found["count"], &found["direct"]), (&json!(3), &json!(2)));
}

#[test]
fn origins_are_counted_and_what_is_unknown_is_not_called_independent() {
    let mut log = log();
    let (unsourced, plain) = (of(&log, 5), of(&log, 7));
    let folder = Folder::new(&log, &[]);
    snapshot!(
        folder,
        "origins",
        ["origins", "3", "4", "5", "6", "7"],
        ["origins", "7"],
        ["origins", "6", "7", "--format", "json"]
    );
    let counted = |folder: &Folder| {
        let found = folder.json(&["origins", "2", "3", "4", "5", "6", "7", "3"]);
        ["articles", "origins", "unknown"].map(|name| found[name].as_u64().unwrap())
    };
    assert_eq!(counted(&folder), [6, 1, 1]);
    assert_eq!(folder.code(&["origins", "3", "8"]), Some(10));
    assert_eq!(folder.code(&["origins"]), Some(2));
    // Who has the content of another has its origin.
    log.push(relates(relation(plain, RelationKind::SameContentAs, to(unsourced))));
    assert_eq!(counted(&Folder::new(&log, &[])), [6, 1, 0]);
}

#[test]
fn quotations_are_looked_for_in_the_sources() {
    let all = [RELEASE, AGENCY, ARTICLE, UNSOURCED, TWIN, PLAIN];
    let folder = Folder::new(&log(), &all);
    snapshot!(
        folder,
        "quotes",
        ["quotes", "4"],
        ["quotes", "3"],
        ["quotes", "7"],
        ["quotes", "4", "--format", "json"]
    );
    let verdicts = |folder: &Folder, record: &str| -> Vec<String> {
        let found = folder.json(&["quotes", record]);
        let quotes = found["quotes"].as_array().unwrap();
        quotes.iter().map(|quote| quote["verdict"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(verdicts(&folder, "4"), ["stands", "misquote", "misquote", "notFound"]);
    assert_eq!(folder.code(&["quotes", "4"]), Some(1));
    // Where the place is said to be, the words are.
    let found = folder.json(&["quotes", "4"]);
    let exact = &found["quotes"][0]["sources"][0];
    assert_eq!(exact["result"], "exact");
    let (start, end) = (exact["start"].as_u64().unwrap() as usize, exact["end"].as_u64().unwrap() as usize);
    let words: String = AGENCY.chars().skip(start).take(end - start).collect();
    assert_eq!(words, "La pêche reprendra lundi");

    // What cannot be read is not OK: the words may stand there.
    fs::remove_file(folder.path(&Folder::original(RELEASE))).unwrap();
    assert_eq!(verdicts(&folder, "4"), ["stands", "couldNotCheck", "couldNotCheck", "couldNotCheck"]);
    assert_eq!(folder.code(&["quotes", "4"]), Some(3));
    folder.write(&Folder::original(RELEASE), "Le lac est fermé\n");
    let sources = folder.json(&["quotes", "4"])["sources"].clone();
    assert_eq!(sources[1]["why"], "its stored original was changed");
    // Without the article's own original its quotations are as they were registered; what stands near them is not known.
    folder.store(RELEASE);
    fs::remove_file(folder.path(&Folder::original(ARTICLE))).unwrap();
    assert_eq!(verdicts(&folder, "4"), ["stands", "notFound", "misquote", "notFound"]);
    // Without sources nothing was checked.
    let unrelated: Vec<NewEntry> = log().into_iter().take(8).collect();
    let folder = Folder::new(&unrelated, &all);
    assert_eq!(folder.code(&["quotes", "4"]), Some(3));
    assert_eq!(folder.code(&["quotes", "7"]), Some(0));
}

#[test]
fn what_rests_on_something_retracted_says_so() {
    let folder = Folder::new(&[log(), later()].concat(), &[]);
    folder.write("dear.txt", UNSOURCED);
    let shown = folder.text(&["show", "5"]);
    assert!(shown.contains("! rests on  record 3, REFUTED"), "{shown}");
    assert!(shown.contains("record 5 cites record 4 cites record 2"), "{shown}");
    let checked = folder.text(&["check", "dear.txt"]);
    assert!(
        checked.contains("record 2, RETRACTED (record 14): record 5 cites record 4 cites record 2"),
        "{checked}"
    );
    let found = folder.json(&["check", "dear.txt"]);
    let resting = &found["records"][0]["restsOn"];
    assert_eq!(found["records"][0]["restsOnCount"], 2);
    assert_eq!(resting.as_array().unwrap().len(), 2, "{resting}");
    assert_eq!((&resting[0]["record"], &resting[0]["distance"]), (&json!(3), &json!(2)));
    assert_eq!(resting[1]["path"][1]["to"]["record"], 2);
    assert_eq!(folder.json(&["show", "6"])["restsOn"], json!([]));
    assert!(!folder.text(&["show", "6"]).contains("rests on"));
    // Before it was said, nothing is.
    let folder = Folder::new(&log(), &[]);
    assert_eq!(folder.json(&["show", "5"])["restsOn"], json!([]));
}

/// A notice takes back the document that retracts another. What that document says stands: who takes a retraction back says
/// so of the document that was retracted. Both are shown.
#[test]
fn a_retraction_of_a_retraction_shows_both() {
    let mut log = log();
    let (twin, agency) = (of(&log, 6), of(&log, 3));
    log.push(relates(relation(twin, RelationKind::Retracts, to(agency))));
    log.push(notes(notice(twin, NoticeKind::Retraction)));
    let folder = Folder::new(&log, &[]);
    let traced = folder.text(&["trace", "4"]);
    let both = "! RETRACTED by record 6 (record 14, key ";
    assert!(traced.contains(both), "{traced}");
    assert!(traced.contains("that document was itself taken back (record 15): look at both"), "{traced}");
    let found = folder.json(&["trace", "4"]);
    let document = found["documents"].as_array().unwrap().iter().find(|one| one["record"] == 3).unwrap();
    assert_eq!(document["marks"][0]["byDocumentTakenBackBy"], 15);
    assert_eq!(folder.json(&["show", "3"])["standing"]["takenBack"]["by"], 14);
}

#[test]
fn ten_thousand_citations_of_one_document_are_shown_at_once() {
    const COUNT: u64 = 10_000;
    let mut log = vec![enrolment().entry.into_entry()];
    log.extend([RELEASE, ARTICLE].map(registers));
    let article = of(&log, 2);
    let cites = |number: u64| {
        relates(relation(article, RelationKind::Cites, unresolved(&format!("source {number}"))))
    };
    log.extend((0..COUNT).map(cites));
    log.push(relates(relation(article, RelationKind::Cites, to(of(&log, 1)))));
    let folder = Folder::new(&log, &[RELEASE, ARTICLE]);
    let begin = Instant::now();
    let text = folder.text(&["trace", "2"]);
    assert!(text.contains(&format!("… {} hops more are left out here", COUNT + 1 - 50)), "{text}");
    assert!(text.lines().count() < 200);
    let found = folder.json(&["trace", "2"]);
    assert_eq!(found["hops"].as_array().unwrap().len() as u64, COUNT + 1);
    assert_eq!(
        (&found["reached"], &found["leftOut"], &found["cut"]),
        (&json!(COUNT + 1), &json!(0), &json!(false))
    );
    assert_eq!(folder.json(&["impact", "1"])["count"], 1);
    assert_eq!(folder.json(&["origins", "1", "2"])["origins"], 1);
    assert_eq!(folder.code(&["quotes", "2"]), Some(3));
    // The program is built without optimisation here; reading the log takes most of it.
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

#[test]
fn hostile_words_move_nothing_on_a_terminal() {
    let long = "x".repeat(10_000);
    let titles = [
        "# \u{1b}[2J\u{202e}evil\u{7}\n\nThe end of it all.\n\nSource: Mairie \u{1b}]0;x\u{7}de Port-Clair\n"
            .to_owned(),
        format!("# {long}\n\nMore of it.\n"),
    ];
    let mut log = vec![enrolment().entry.into_entry()];
    let register = |text: &String| {
        let options = ReadOptions { file_name: Some("a.md"), ..ReadOptions::default() };
        let mut article = article::read(text.as_bytes(), &options).unwrap();
        let title = Some(text.lines().next().unwrap().trim_start_matches("# ").to_owned());
        let decisions = Decisions { title, ..Decisions::default() };
        decisions.apply(&mut article);
        let mut random = salts(text.clone());
        let recorded_by = editor().public().key_id();
        let mut circumstances = Circumstances { recorded_by, recorded_at: when(), random: &mut random };
        let draft = Draft::registration(&article, &decisions, &mut circumstances).unwrap();
        draft.sign(&editor()).unwrap().into_entry()
    };
    log.extend(titles.iter().map(register));
    let (one, two) = (of(&log, 1), of(&log, 2));
    log.push(relates(relation(one, RelationKind::Cites, to(two))));
    log.push(relates(relation(two, RelationKind::Cites, to(one))));
    log.push(relates(relation(
        two,
        RelationKind::Quotes,
        unresolved(&format!("\u{1b}[31m{long}\n\u{2066}")),
    )));
    let folder = Folder::new(&log, &[]);
    for args in [&["trace", "1"][..], &["impact", "1"], &["origins", "1", "2"], &["doctor"], &["show", "2"]] {
        let text = folder.text(args);
        let bad = text.chars().find(|c| c.is_control() && *c != '\n' || matches!(c, '\u{202e}' | '\u{2066}'));
        assert_eq!(bad, None, "{args:?}: {text}");
        // One line of `show` has the title; it is cut there too.
        assert!(text.lines().all(|line| line.chars().count() < 1_000), "{args:?}");
    }
    assert!(folder.text(&["trace", "1"]).contains("\\u{1b}[2J\\u{202e}evil"));
}

fn codes(found: &Value) -> Vec<String> {
    let findings = found["findings"].as_array().unwrap();
    // How full the disk of this machine is says nothing.
    let codes = findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned());
    codes.filter(|code| code != "diskNearlyFull").collect()
}

#[test]
fn the_doctor_finds_what_fails_without_a_sound() {
    let all = [RELEASE, AGENCY, ARTICLE, UNSOURCED, TWIN, PLAIN];
    let folder = Folder::new(&[log(), later()].concat(), &all[1..]);
    let mut found = folder.json(&["doctor"]);
    let expected = [
        "originalMissing",
        "nothingRegistered",
        "restsOn",
        "misquote",
        "noWitness",
        "oneSigner",
        "oneRootKey",
        "similarNotCompared",
        "citationUnresolved",
        "neverConfirmed",
        "ruleNeverFired",
        "noRootKeyAtHand",
    ];
    assert_eq!(codes(&found), expected, "{found:#}");
    assert_eq!(folder.code(&["doctor"]), Some(1));
    // All of it, but for rules, which come and go.
    found["findings"].as_array_mut().unwrap().retain(|finding| {
        !matches!(
            finding["code"].as_str().unwrap(),
            "ruleNeverFired" | "diskNearlyFull" | "nothingRegistered"
        )
    });
    settings(&folder).bind(|| insta::assert_snapshot!("doctor", format!("{:#}", found["findings"])));
    let silent = folder.json(&["doctor"]);
    let silent =
        silent["findings"].as_array().unwrap().iter().find(|one| one["code"] == "ruleNeverFired").unwrap();
    let rules: Vec<&str> =
        silent["cases"].as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap()).collect();
    assert!(
        !rules.contains(&"fr.tail.source-colon") && rules.iter().any(|rule| rule.starts_with("fr.")),
        "{rules:?}"
    );
    assert!(!rules.iter().any(|rule| rule.starts_with("sv.")), "{rules:?}");
    let text = folder.text(&["doctor"]);
    assert!(
        text.contains("PROBLEM: originals that were stored with the log are not there any more"),
        "{text}"
    );
    assert!(text.contains("record 5 on record 3, REFUTED"), "{text}");
}

#[test]
fn the_doctor_finds_keys_that_may_be_lost_and_statements_that_wait() {
    let log = log();
    let all = [RELEASE, AGENCY, ARTICLE, UNSOURCED, TWIN, PLAIN];
    let folder = Folder::new(&log, &all);
    let has =
        |folder: &Folder, code: &str| codes(&folder.json(&["doctor"])).iter().any(|found| found == code);
    fs::create_dir_all(folder.path("keys/private")).unwrap();
    fs::set_permissions(folder.path("keys/private"), fs::Permissions::from_mode(0o700)).unwrap();
    private::write(
        &folder.path("keys/private/root"),
        &root_key(),
        "",
        Some(&zeroize::Zeroizing::new("p".into())),
    )
    .unwrap();
    fs::remove_file(folder.path("keys/private/root.pub")).unwrap();
    for code in [
        "keyUnencrypted",
        "keyExposed",
        "noRootKeyAtHand",
        "keyUnreadable",
        "pendingOld",
        "pendingInvalid",
        "openingMissing",
    ] {
        assert!(!has(&folder, code), "{code}");
    }
    let editors = folder.path("keys/private/editor");
    private::write(&editors, &editor(), "", None).unwrap();
    assert!(has(&folder, "keyUnencrypted") && !has(&folder, "keyExposed"));
    fs::set_permissions(&editors, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(has(&folder, "keyExposed"));
    folder.write("keys/private/other", "not a key");
    assert!(has(&folder, "keyUnreadable"));
    // A second signer, a second root.
    let second = Folder::new(&[log.as_slice(), &[enrolled(&signing(6), Role::Editor)]].concat(), &all);
    assert!(has(&folder, "oneSigner") && !has(&second, "oneSigner"));
    second.write("keys/roots/two.pub", format!("{}\n", public::format(&signing(9).public(), "two")));
    assert!(has(&folder, "oneRootKey") && !has(&second, "oneRootKey"));
    // What waits, for long and not for long.
    let waiting = Pending::of(&registers("A new one\n\nOf long ago.\n"));
    folder.write(&format!("records/{}", waiting.path()), waiting.format());
    assert!(has(&folder, "pendingOld"));
    let old = folder.json(&["doctor", "--days", "36500"]);
    assert!(
        !codes(&old).contains(&"pendingOld".to_owned())
            && !codes(&old).contains(&"nothingRegistered".to_owned())
    );
    folder.write("records/pending/x.json", "{}");
    assert!(has(&folder, "pendingInvalid"));
    fs::remove_file(folder.path("records/disclosures/000")).unwrap();
    assert!(has(&folder, "openingMissing"));
    assert_eq!(folder.code(&["doctor", "--days", "0"]), Some(2));
}

#[test]
fn the_doctor_finds_one_wording_under_two_origins() {
    let with = |text: &str, origin: Option<&str>| {
        let mut article = article::read(text.as_bytes(), &ReadOptions::default()).unwrap();
        let origins: Vec<String> = origin.into_iter().map(str::to_owned).collect();
        let decisions = Decisions { origins, ..Decisions::default() };
        decisions.apply(&mut article);
        let mut random = salts(format!("{text} {origin:?}"));
        let recorded_by = editor().public().key_id();
        let mut circumstances = Circumstances { recorded_by, recorded_at: when(), random: &mut random };
        let draft = Draft::registration(&article, &decisions, &mut circumstances).unwrap();
        draft.sign(&editor()).unwrap().into_entry()
    };
    let (one, broken, again) = (
        "Calm at the port\n\nNothing moved on Monday.\n",
        "Calm at the port\n\nNothing moved\non Monday.\n",
        "Calm at the port\n\nNothing\nmoved on Monday.\n",
    );
    let cases = |registered: &[(&str, Option<&str>)]| -> Vec<(String, u64, u64)> {
        let mut log = vec![enrolment().entry.into_entry()];
        log.extend(registered.iter().map(|(text, origin)| with(text, *origin)));
        let found = Folder::new(&log, &[]).json(&["doctor"]);
        let all = found["findings"].as_array().unwrap().iter();
        let ours =
            all.filter(|one| matches!(one["code"].as_str().unwrap(), "conflictingOrigin" | "creditDropped"));
        let case = |finding: &Value| {
            let (code, case) = (finding["code"].as_str().unwrap().to_owned(), &finding["cases"][0]);
            assert_eq!(finding["count"], 1);
            (code, case["record"].as_u64().unwrap(), case["other"].as_u64().unwrap())
        };
        ours.map(case).collect()
    };
    let conflict = ("conflictingOrigin".to_owned(), 1, 2);
    assert_eq!(cases(&[(one, Some("AFP")), (broken, Some("Reuters"))]), std::slice::from_ref(&conflict));
    assert_eq!(cases(&[(one, Some("AFP")), (broken, None)]), [("creditDropped".to_owned(), 1, 2)]);
    let all = cases(&[(one, Some("AFP")), (broken, Some("Reuters")), (again, None)]);
    assert_eq!(all, [conflict, ("creditDropped".to_owned(), 1, 3)]);
    // One body under two names is no conflict.
    assert_eq!(cases(&[(one, Some("AFP")), (broken, Some("Agence France-Presse"))]), []);
    assert_eq!(cases(&[(one, None), (broken, None)]), []);
}

/// Whoever corrects a document rests on it, and needs no warning of his own words.
#[test]
fn a_correction_is_not_warned_of_what_it_corrects() {
    let mut log: Vec<NewEntry> = log().into_iter().take(8).collect();
    let (agency, article, unsourced) = (of(&log, 3), of(&log, 4), of(&log, 5));
    for about in [article, unsourced] {
        log.push(relates(relation(about, RelationKind::Cites, to(agency))));
    }
    log.push(relates(relation(article, RelationKind::Corrects, to(agency))));
    let folder = Folder::new(&log, &[]);
    assert_eq!(folder.json(&["show", "4"])["restsOnCount"], 0);
    assert_eq!(folder.json(&["show", "5"])["restsOnCount"], 1);
}

#[test]
fn what_changed_at_its_address_and_what_is_read_otherwise_is_marked() {
    let mut log = log();
    let release = of(&log, 2);
    let (recorded_by, recorded_at) = recorded(&editor());
    let observed = Observation {
        about: release,
        url: "https://port-clair.example/lac".into(),
        observed: Observed::Changed,
        original: Some(Hash::of(b"another")),
        reflow: None,
        location: None,
        status: Some(200),
        recorded_by,
        recorded_at,
    };
    log.push(said(&editor(), |circumstances| Draft::observation(&observed, circumstances)));
    let (claim, verdict) = ("/claimedOrigins/0".to_owned(), ClaimVerdict::Rejected);
    let confirmation =
        Confirmation { about: release, claim, verdict, value: None, note: None, recorded_by, recorded_at };
    log.push(said(&editor(), |circumstances| Draft::confirmation(confirmation, circumstances)));
    let folder = Folder::new(&log, &[]);
    let traced = folder.text(&["trace", "4"]);
    assert!(traced.contains("! CHANGED at its address (record 14, key "), "{traced}");
    assert!(traced.contains("! read otherwise by a person: /claimedOrigins/0 (record 15, key "), "{traced}");
    // Worth looking at, and no reason to warn whoever rests on it.
    assert_eq!(folder.json(&["show", "4"])["restsOnCount"], 0);
}

#[test]
fn what_was_erased_is_not_missing() {
    let officer = signing(7);
    let mut log = log();
    log.push(enrolled(&officer, Role::DataOfficer));
    let openings = std::mem::take(&mut log[4].openings);
    let commitments = openings.iter().map(|opening| to_base64url(&Hash::of(opening.as_bytes()).0));
    let mut commitments: Vec<String> = commitments.collect();
    commitments.sort();
    assert!(commitments.len() > 3);
    let missing = |log: &[NewEntry]| -> Vec<(u64, u64)> {
        let found = Folder::new(log, &[RELEASE, AGENCY, ARTICLE, UNSOURCED, TWIN, PLAIN]).json(&["doctor"]);
        let finding =
            found["findings"].as_array().unwrap().iter().find(|one| one["code"] == "openingMissing");
        let cases = finding.map(|finding| finding["cases"].as_array().unwrap().clone()).unwrap_or_default();
        cases.iter().map(|one| (one["record"].as_u64().unwrap(), one["missing"].as_u64().unwrap())).collect()
    };
    assert_eq!(missing(&log), [(4, commitments.len() as u64)]);
    let (recorded_by, recorded_at) = recorded(&officer);
    let erases = |commitments: &[String]| {
        let (commitments, reason) = (commitments.to_vec(), ErasureReason::Pii);
        let erasure = Erasure { entry: 4, commitments, original: None, reason, recorded_by, recorded_at };
        said(&officer, |circumstances| Draft::erasure(&erasure, circumstances))
    };
    log.push(erases(&commitments[1..]));
    assert_eq!(missing(&log), [(4, 1)]);
    log.push(erases(&commitments[..1]));
    assert_eq!(missing(&log), []);
}

/// Each way takes a walk over the graph, so of very many records it is told of the first ones, and said of the others.
#[test]
fn of_very_many_copies_some_are_told_the_way() {
    const COPIES: usize = 203;
    let words: Vec<String> = (0..COPIES + 10).map(|number| format!("word{number}")).collect();
    let broken = |at: &[usize]| -> String {
        let glue = |(place, word): (usize, &String)| {
            format!("{word}{}", if at.contains(&place) { "\n" } else { " " })
        };
        words.iter().enumerate().map(glue).collect()
    };
    let mut log = vec![enrolment().entry.into_entry(), registers(RELEASE)];
    log.extend((0..COPIES).map(|number| registers(&broken(&[number]))));
    let release = of(&log, 1);
    let cites =
        |number: usize| relates(relation(of(&log, number as u64 + 2), RelationKind::Cites, to(release)));
    let cites: Vec<NewEntry> = (0..COPIES).map(cites).collect();
    log.extend(cites);
    log.push(notes(notice(release, NoticeKind::Kill)));
    let folder = Folder::new(&log, &[]);
    folder.write("copy.txt", broken(&[1, 5]));
    let found = folder.json(&["check", "copy.txt"]);
    let records = found["records"].as_array().unwrap();
    assert_eq!((&found["answer"], records.len()), (&json!("sameWording"), COPIES));
    let told = records.iter().filter(|record| record["restsOnCount"] == 1).count();
    let untold = records.iter().filter(|record| record["restsOn"].is_null()).count();
    assert_eq!((told, untold), (200, COPIES - 200));
    assert!(folder.text(&["check", "copy.txt"]).contains("! rests on  something that was taken back"));
}
