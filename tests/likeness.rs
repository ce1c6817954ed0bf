//! Knowing one text from another, through the program: what `check` answers of copies of a registered text, and what `add`
//! warns of.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const STORY: &str = "Le nouveau quai ouvre lundi\n\n\
    La ministre a ouvert lundi matin le nouveau quai du port, qui a coûté 1.5 million de francs et demandé 14 mois de \
    travaux, sous une pluie fine et devant plusieurs centaines de pêcheurs venus de toute la côte.\n\n\
    « Ce quai appartient désormais à ceux qui partent en mer la nuit », a-t-elle dit avant de couper le ruban. Les bateaux \
    les plus anciens pourront y rester sans rien payer jusqu'au printemps.\n\n\
    Les mareyeurs, eux, attendent encore la halle que la commune leur a promise, et dont les plans dorment dans un tiroir \
    depuis la dernière élection. Il fait -5 °C dans les hangars.\n\n\
    Source : Ministère de la Pêche\n";

struct Folder {
    temp: TempDir,
}

impl Folder {
    /// A folder with a log in which [`STORY`] is record 1.
    fn with_story() -> Self {
        let folder = Folder { temp: tempfile::tempdir().unwrap() };
        let init = ["init", "--log-origin", "news.example.org/provenance", "--no-passphrase"];
        assert!(folder.run(&init).status.success());
        folder.write("story.txt", STORY);
        let added = folder.json(&["add", "story.txt", "--yes"]);
        assert_eq!((&added["record"], &added["warnings"]), (&json!(1), &json!([])));
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
        command.args(args).current_dir(self.temp.path()).stdin(Stdio::null());
        for name in ["SSH_AUTH_SOCK", "DATELINE_PASSPHRASE_FILE", "NO_COLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.env("XDG_STATE_HOME", self.path("state")).output().unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--format", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    }

    /// Writes a text and asks about it: the answer, the exit code, and all of it.
    fn check(&self, text: &str) -> (String, i32, Value) {
        self.write("asked.txt", text);
        let code = self.run(&["check", "asked.txt"]).status.code().unwrap();
        let answer = self.json(&["check", "asked.txt", "--diff"]);
        (answer["answer"].as_str().unwrap().to_owned(), code, answer)
    }

    fn answer(&self, text: &str) -> String {
        self.check(text).0
    }

    /// What a person sees.
    fn seen(&self, text: &str) -> String {
        self.write("asked.txt", text);
        String::from_utf8(self.run(&["check", "asked.txt", "--diff"]).stdout).unwrap()
    }

    fn warned(&self, name: &str, text: &str, more: &[&str]) -> (Vec<String>, Value, String) {
        self.write(name, text);
        let args = [&["add", name, "--yes"], more].concat();
        let output = self.run(&[&args[..], &["--format", "json"]].concat());
        let added: Value = serde_json::from_slice(&output.stdout).unwrap();
        let codes = added["warnings"].as_array().unwrap().iter();
        let codes = codes.map(|one| one["code"].as_str().unwrap().to_owned()).collect();
        (codes, added, String::from_utf8(output.stderr).unwrap())
    }
}

fn slice(text: &str, span: &Value) -> String {
    let (start, end) = (span["start"].as_u64().unwrap() as usize, span["end"].as_u64().unwrap() as usize);
    text.chars().skip(start).take(end - start).collect()
}

#[test]
fn each_answer_of_check() {
    let folder = Folder::with_story();
    let (answer, code, json) = folder.check(STORY);
    assert_eq!((answer.as_str(), code), ("sameBytes", 0));
    assert!(json["digests"]["iscc"].as_str().unwrap().starts_with("ISCC:EAD"));

    let wrapped = STORY.replace("nouveau quai du", "nou-\nveau\u{a0}quai\ndu").replace("é", "e\u{301}");
    let (answer, code, _) = folder.check(&wrapped);
    assert_eq!((answer.as_str(), code), ("sameWording", 0));

    for (old, new) in [("1.5 million", "15 million"), ("-5 °C", "5 °C"), ("14 mois", "41 mois")] {
        let changed = STORY.replace(old, new).replace("sous une", "sous\nune");
        let (answer, code, json) = folder.check(&changed);
        assert_eq!((answer.as_str(), code), ("sameWordingNumbersDiffer", 10), "{new}");
        let figures = json["records"][0]["figures"].as_array().unwrap();
        assert_eq!(figures.len(), 1);
        assert!(new.starts_with(&slice(&changed, &figures[0]["document"])), "{figures:?}");
        assert!(old.starts_with(&slice(STORY, &figures[0]["record"])), "{figures:?}");
        assert_eq!(json["records"][0]["compared"], "text");
    }

    let (answer, code, json) =
        folder.check(&STORY.replace("ministre", "mairesse").replace("anciens", "vieux"));
    assert_eq!((answer.as_str(), code), ("similar", 10));
    let record = &json["records"][0];
    assert!(record["similarity"]["ofDocumentPercent"].as_u64().unwrap() > 90, "{record}");
    let changes = record["diff"].as_array().unwrap().iter().filter(|change| change["op"] != "same");
    let changes: Vec<_> = changes.map(|change| (change["op"].as_str(), change["text"].as_str())).collect();
    let expected =
        [("removed", "ministre"), ("added", "mairesse"), ("removed", "anciens"), ("added", "vieux")];
    assert_eq!(changes, expected.map(|(op, text)| (Some(op), Some(text))));
    // Similar, and a figure that was changed in place.
    let (_, _, json) =
        folder.check(&STORY.replace("La ministre", "Une ministre").replace("14 mois", "4 mois"));
    assert_eq!(json["records"][0]["figures"][0]["document"]["token"], "4", "{json}");

    let words = |seed: &str| (0..150).map(|n| format!("{seed}{n} ")).collect::<String>();
    let quoted = "ce quai appartient désormais à ceux qui partent en mer la nuit";
    let quoting = format!("{}\n\nElle l'a dit : \"{quoted}\". {}", words("a"), words("b"));
    let (answer, code, json) = folder.check(&quoting);
    assert_eq!((answer.as_str(), code), ("passage", 10), "{json}");
    let passage = &json["records"][0]["passages"][0];
    assert_eq!(passage["kind"], "quotation");
    assert_eq!(slice(&quoting, &passage["document"]), quoted);
    assert_eq!(slice(STORY, &passage["record"]), quoted.replacen('c', "C", 1));

    assert_eq!(folder.answer(&words("c")), "unknown");
    assert_eq!(folder.answer(&quoting.replace("la nuit", "le jour")), "unknown");
    // Not the same wording, though the ISO code is the same.
    let other = STORY.replace("Pêche", "Péché");
    let (answer, _, json) = folder.check(&other);
    assert_eq!(answer, "similar");
    assert_eq!(json["digests"]["iscc"], folder.check(STORY).2["digests"]["iscc"]);
}

#[test]
fn what_a_person_sees() {
    let folder = Folder::with_story();
    let seen = folder.seen(&STORY.replace("1.5 million", "15 million"));
    assert!(seen.contains("ALARM: not registered; what is has the same wording and OTHER FIGURES"), "{seen}");
    assert!(
        seen.contains(
            "figure: …le nouveau quai du port, qui a coûté [-1.5 million-]{+15 million+} de francs"
        ),
        "{seen}"
    );
    let seen = folder.seen(&STORY.replace("ministre", "mai\u{202e}resse"));
    assert!(seen.contains("La [-ministre-]{+mairesse+} a ouvert"), "{seen}");
    assert!(!seen.contains('\u{202e}'));
    let passage = "Nouvelles\n\nLes mareyeurs, eux, attendent encore la halle que la commune leur a promise, et dont les plans \
        dorment dans un tiroir depuis la dernière élection. Rien d'autre.";
    let seen =
        folder.seen(&format!("{passage} {}", (0..120).map(|n| format!("mot{n} ")).collect::<String>()));
    assert!(seen.contains("a passage of it is") && seen.contains("sentence: Les mareyeurs, eux,"), "{seen}");
}

#[test]
fn without_the_original_digests_are_compared() {
    let folder = Folder::with_story();
    let content = folder.path("records/content/sha256");
    fs::rename(&content, folder.path("away")).unwrap();
    // Each paragraph but one is the same.
    let (answer, _, json) = folder.check(&STORY.replace("La ministre", "Une ministre"));
    assert_eq!((answer.as_str(), &json["records"][0]["compared"]), ("similar", &json!("digests")));
    assert_eq!(json["records"][0]["notComparedBecause"], "originalMissing");
    assert_eq!(json["notCompared"], json!([{"why": "originalMissing", "records": 1}]));
    let seen = folder.seen(&STORY.replace("La ministre", "Une ministre"));
    assert!(seen.contains("whose original is not stored here"), "{seen}");
    let filler = (0..200).map(|n| format!("mot{n} ")).collect::<String>();
    let quoting = format!("« Ce quai appartient désormais à ceux qui partent en mer la nuit » {filler}");
    assert_eq!(folder.answer(&quoting), "passage");
    // A figure that changed in every paragraph is not seen by digests, and that is said.
    let (answer, _, json) = folder.check(&STORY.split_whitespace().collect::<Vec<_>>().join(" x "));
    assert_eq!((answer.as_str(), &json["notCompared"][0]["records"]), ("unknown", &json!(1)));

    // An original that was exchanged is not believed.
    fs::rename(folder.path("away"), &content).unwrap();
    let original = fs::read_dir(&content).unwrap().next().unwrap().unwrap().path();
    let original = fs::read_dir(original).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(&original).unwrap();
    fs::write(&original, STORY.replace("1.5 million", "15 million")).unwrap();
    let (answer, _, json) = folder.check(&STORY.replace("1.5 million", "16 million"));
    assert_eq!((answer.as_str(), &json["notCompared"][0]["why"]), ("similar", &json!("originalChanged")));
}

#[test]
fn add_warns_and_goes_on() {
    let folder = Folder::with_story();
    let (codes, added, stderr) = folder.warned("a.txt", &STORY.replace("1.5 million", "15 million"), &[]);
    assert_eq!(codes, ["numbersDiffer"]);
    assert_eq!((&added["record"], &added["warnings"][0]["record"]), (&json!(2), &json!(1)));
    assert_eq!(stderr, "");
    // Of several, each is named, the most alike first.
    let other = STORY.replace("Source : Ministère de la Pêche", "Source : Mairie de Port-Clair");
    let (codes, added, _) = folder.warned("b.txt", &other, &[]);
    assert_eq!(codes, ["conflictingOrigin", "conflictingOrigin"], "{added}");
    let message = added["warnings"][0]["message"].as_str().unwrap();
    assert!(message.ends_with("credits Ministère de la Pêche, not Mairie de Port-Clair"), "{message}");
    assert!(added["warnings"][0]["similarity"]["ofDocumentPercent"].as_u64().unwrap() > 80);
}

#[test]
fn add_knows_a_dropped_credit_and_says_so_in_words() {
    let folder = Folder::with_story();
    folder.write("dropped.txt", STORY.split("\n\nSource").next().unwrap());
    folder.write("again.txt", &STORY.replace("fine", "froide"));
    let output = folder.run(&["add", "dropped.txt", "--yes"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success());
    assert!(stderr.contains("warning: dropped.txt: a similar text"), "{stderr}");
    assert!(stderr.contains("credits Ministère de la Pêche; this one credits nobody"), "{stderr}");
    let (codes, ..) =
        folder.warned("dropped2.txt", &fs::read_to_string(folder.path("dropped.txt")).unwrap(), &[]);
    // Registered by its bytes: nothing to warn of.
    assert_eq!(codes, [""; 0]);
    let (codes, ..) = folder.warned("again.txt", &STORY.replace("fine", "froide"), &[]);
    assert_eq!(codes, ["similarRegistered", "similarRegistered"]);
    // What a person says counts, and so does another name of the same body.
    let (codes, ..) =
        folder.warned("said.txt", &STORY.replace("fine", "dure"), &["--origin", "Mairie de Port-Clair"]);
    assert_eq!(codes[0], "conflictingOrigin");
    let (codes, ..) =
        folder.warned("far.txt", "Un texte qui n'a rien à voir avec le quai, ni avec la mer.", &[]);
    assert_eq!(codes, [""; 0]);
}

#[test]
fn add_compares_with_what_it_registered_just_before() {
    let folder = Folder::with_story();
    fs::create_dir(folder.path("in")).unwrap();
    // More than are committed at once would take long here; two runs of one program are what `watch` does.
    folder.write("in/1.txt", &STORY.replace("lundi", "mardi"));
    let output = folder.run(&["watch", "in", "--once", "--format", "json"]);
    let added: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(added["warnings"][0]["code"], "similarRegistered", "{added}");
}

#[test]
fn check_tells_of_another_credit() {
    let folder = Folder::with_story();
    let other = STORY.replace("Source : Ministère de la Pêche", "Source : Mairie de Port-Clair");
    let (answer, _, json) = folder.check(&other);
    assert_eq!((answer.as_str(), &json["warnings"][0]["code"]), ("similar", &json!("conflictingOrigin")));
    let text = folder.seen(&other);
    assert!(text.contains("! a similar text") && text.contains("not Mairie de Port-Clair"), "{text}");
    let (_, _, json) = folder.check(STORY.split("\n\nSource").next().unwrap());
    assert_eq!(json["warnings"][0]["code"], "creditDropped");
    let (_, _, json) = folder.check(STORY);
    assert_eq!((&json["answer"], &json["warnings"]), (&json!("sameBytes"), &json!([])));
    assert!(!folder.seen(STORY).contains("credits"));
}
