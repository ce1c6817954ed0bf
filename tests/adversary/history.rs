//! What a log's operator does to what was seen before, and what an auditor who remembers makes of it.

use dateline::base::Hash;
use dateline::note::{Origin, Policy};
use dateline::record::{NewEntry, RecordRef, RelationKind};
use dateline::storage::{MemoryStore, Store};
use dateline::verify::{Audited, Code, Contradiction, Evidence, EvidenceError, Memory, Verdict, audit_since};
use serde_json::{Value, json};

use crate::attack::{
    At, BUNDLE, Log, Record, TILE, by_editor, edit, entries_of, file, findings, good, note, original,
    published, put, within_deadline,
};
use crate::support::statements::{document, relates, relation, to};
use crate::support::{ORIGIN, get, key, log_key, policy, signing, trust, vkey_of};

/// A log that was seen, the same log as it is shown next, and what is then said.
pub(crate) struct History {
    pub(crate) name: &'static str,
    seen: MemoryStore,
    shown: MemoryStore,
    finds: Vec<(Code, At)>,
    contradiction: Option<Contradiction>,
    harmless: bool,
}

#[test]
fn remembered() {
    histories().into_iter().for_each(History::check);
}

impl History {
    fn check(self) {
        let History { name, seen, shown, mut finds, contradiction, harmless } = self;
        let first = audited(name, seen, None);
        assert_eq!(first.report.verdict, Verdict::Verified, "{name}: {:#?}", first.report.findings);
        let memory = first.memory.unwrap();
        let second = audited(name, shown, Some(memory.clone()));
        let mut found = findings(name, &second.report);
        found.sort();
        finds.sort();
        assert_eq!(found, finds, "{name}: {:#?}", second.report.findings);
        assert_eq!(second.report.verdict == Verdict::Verified, harmless, "{name}");
        // What was accepted stays remembered until something better is.
        assert_eq!(second.memory.is_some(), harmless, "{name}");
        assert_eq!(second.evidence.is_some(), contradiction.is_some(), "{name}");
        if let (Some(evidence), Some(contradiction)) = (second.evidence, contradiction) {
            let shown = Evidence::parse(&evidence.format()).unwrap().check(&policy()).unwrap();
            assert_eq!(shown.contradiction, contradiction, "{name}");
            let accepted = Value::from(memory.checkpoint());
            assert_eq!(of(&evidence)["accepted"], accepted, "{name}");
            forgeries(name, &evidence);
        }
    }
}

fn audited(name: &str, store: MemoryStore, memory: Option<Memory>) -> Audited {
    within_deadline(name, move || audit_since(&store, &trust(), memory.as_ref(), &|_, _| {})).unwrap()
}

fn of(evidence: &Evidence) -> Value {
    serde_json::from_slice(&evidence.format()).unwrap()
}

/// Evidence that was changed shows nothing.
fn forgeries(name: &str, evidence: &Evidence) {
    let good = of(evidence);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut file = good.clone();
        change(&mut file);
        (file != good).then_some(file)
    };
    let other_root = json!(Hash::of(b"x"));
    let other = note(&format!("{ORIGIN}\n9\n{}\n", Hash::of(b"x").to_base64()), ORIGIN, &signing(9));
    let hashes = |file: &mut Value, change: &dyn Fn(&mut Vec<Value>)| {
        if let Some(hashes) = file.get_mut("consistency").and_then(Value::as_array_mut) {
            change(hashes);
        }
    };
    let forged = [
        changed(&|file| file["code"] = "rolledBack".into()),
        changed(&|file| file["code"] = "forked".into()),
        changed(&|file| file["code"] = "prefixRewritten".into()),
        changed(&|file| file["code"] = "rumour".into()),
        changed(&|file| file["format"] = "dateline-evidence/2".into()),
        changed(&|file| {
            let (accepted, found) = (file["accepted"].take(), file["found"].take());
            (file["accepted"], file["found"]) = (found, accepted);
        })
        // Of two checkpoints of one size neither is the first.
        .filter(|_| good["code"] != "forked"),
        changed(&|file| file["found"] = file["accepted"].clone()),
        changed(&|file| file["accepted"] = file["found"].clone()),
        changed(&|file| file["accepted"] = other.clone().into()),
        changed(&|file| file["found"] = other.clone().into()),
        changed(&|file| file["found"] = file["found"].as_str().unwrap().replacen('\n', "\n\n", 1).into()),
        changed(&|file| hashes(file, &|hashes| hashes.push(other_root.clone()))),
        changed(&|file| hashes(file, &|hashes| hashes.truncate(hashes.len().saturating_sub(1)))),
        changed(&|file| hashes(file, &|hashes| hashes.reverse())),
        changed(&|file| hashes(file, &|hashes| hashes[0] = other_root.clone())),
        changed(&|file| {
            if file.get("prefixRoot").is_some() {
                file["prefixRoot"] = other_root.clone();
            }
        }),
        changed(&|file| file["rumour"] = "true".into()),
        changed(&|file| {
            if good["code"] != "prefixRewritten" {
                file["prefixRoot"] = other_root.clone();
            }
        }),
        changed(&|file| {
            if good["code"] != "prefixRewritten" {
                file["consistency"] = json!([other_root]);
            }
        }),
        changed(&|file| {
            file.as_object_mut().unwrap().remove("prefixRoot");
        }),
        changed(&|file| {
            file.as_object_mut().unwrap().remove("consistency");
        }),
    ];
    for (number, file) in forged.into_iter().enumerate() {
        let Some(file) = file else { continue };
        let shown = Evidence::parse(file.to_string().as_bytes()).and_then(|forged| forged.check(&policy()));
        assert!(shown.is_err(), "{name}: forgery {number} shows {:?}", shown.unwrap().contradiction);
    }
    let stranger = Policy::of_log(vkey_of(ORIGIN, &signing(9))).unwrap();
    assert!(
        matches!(evidence.check(&stranger), Err(EvidenceError::NotSigned { which: "accepted" })),
        "{name}"
    );
}

/// As many registrations, and then some, with the enrolment before them.
fn long(size: usize) -> Vec<NewEntry> {
    let registrations = (1..size).map(by_editor);
    std::iter::once(crate::support::enrolment().entry.into_entry()).chain(registrations).collect()
}

pub(crate) fn histories() -> Vec<History> {
    use Contradiction::{Forked, PrefixRewritten, RolledBack};
    let case = |name, seen: &[NewEntry], shown: &[NewEntry], contradiction: Contradiction| History {
        name,
        seen: published(seen),
        shown: published(shown),
        finds: vec![(contradiction.code(), file("checkpoint"))],
        contradiction: Some(contradiction),
        harmless: false,
    };
    let with = |change: &dyn Fn(&mut Vec<NewEntry>)| {
        let mut entries = good();
        change(&mut entries);
        entries
    };
    let grown = with(&|all| all.push(by_editor(5)));
    let mut all = vec![
        case("the last entry is taken back", &good(), &good()[..6], RolledBack),
        case("an old copy is shown", &grown, &good(), RolledBack),
        case("the last entry is another", &grown, &with(&|all| all.push(by_editor(6))), Forked),
        case("two auditors are shown two logs", &long(9), &with_last_of(long(9), by_editor(99)), Forked),
        case(
            "an entry that nothing points to is dropped, and another added",
            &grown,
            &with(&|all| all.extend([by_editor(6), by_editor(7)])),
            PrefixRewritten,
        ),
        case(
            "an entry is inserted before the last",
            &grown,
            &with(&|all| all.extend([by_editor(6), by_editor(5)])),
            PrefixRewritten,
        ),
        case(
            "two entries are swapped, and another added",
            &with(&|all| all.extend([by_editor(5), by_editor(6)])),
            &with(&|all| all.extend([by_editor(6), by_editor(5), by_editor(7)])),
            PrefixRewritten,
        ),
        case(
            "all is new from the first entry on",
            &good()[..1],
            &with(&|all| all.swap(0, 1)),
            PrefixRewritten,
        ),
        case(
            "an entry is another, 20 entries and a tile ago",
            &long(257),
            &{
                let mut all = long(300);
                all[250] = by_editor(999);
                all
            },
            PrefixRewritten,
        ),
    ];
    let empty = note(&format!("{ORIGIN}\n0\n{}\n", Hash::of(b"").to_base64()), ORIGIN, &log_key());
    let emptied = published(&good());
    put(&emptied, "checkpoint", empty);
    let strays = [BUNDLE, TILE, "disclosures/000", &original(2), &original(3)];
    all.push(History {
        name: "the log is empty",
        seen: published(&good()),
        shown: emptied,
        finds: std::iter::once((Code::RolledBack, file("checkpoint")))
            .chain(strays.map(|name| (Code::Stray, file(name))))
            .collect(),
        contradiction: Some(RolledBack),
        harmless: false,
    });
    let quiet = |name, shown: MemoryStore, finds: Vec<(Code, At)>| History {
        name,
        seen: published(&good()),
        shown,
        harmless: finds.is_empty(),
        finds,
        contradiction: None,
    };
    all.push(quiet("nothing has happened", published(&good()), Vec::new()));
    all.push(quiet("the log has grown", published(&grown), Vec::new()));
    // What points into the part that was checked before, which is only compared.
    let before = long(513);
    let cites = |target| {
        let cites = relates(relation(document(301), RelationKind::Cites, to(target)));
        published(&[before.clone(), vec![cites]].concat())
    };
    let into =
        |name, target, finds| History { seen: published(&before), ..quiet(name, cites(target), finds) };
    all.push(into("a record points into what was checked before", document(300), Vec::new()));
    let other = RecordRef { record: 300, ..document(299) };
    let bad = vec![(Code::ReferenceInvalid, Record(513))];
    all.push(into("a record points into what was checked before as something else", other, bad));
    let enrolment = RecordRef { record: 0, ..document(299) };
    let bad = vec![(Code::ReferenceInvalid, Record(513))];
    all.push(into("a record points to an enrolment that was checked before", enrolment, bad));
    let untold = published(&grown);
    untold.delete(&[key("tile/0/000.p/8")]).unwrap();
    let gone =
        vec![(Code::ExtensionUnknown, file("checkpoint")), (Code::TileMissing, file("tile/0/000.p/8"))];
    all.push(quiet("whether it has only grown cannot be told", untold, gone));
    let damaged = published(&grown);
    edit(&damaged, "tile/0/000.p/8", |bytes| bytes[3] ^= 1);
    let bad = vec![(Code::ExtensionUnknown, file("checkpoint")), (Code::TileChanged, file("tile/0/000.p/8"))];
    all.push(quiet("a damaged tile convicts nobody", damaged, bad));
    let changed = published(&good());
    edit(&changed, BUNDLE, |bytes| entries_of(bytes, |all| all[4] = all[6].clone()));
    let bad = vec![(Code::EntryChanged, Record(4)), (Code::OpeningMismatch, Record(4))];
    all.push(quiet("an entry that was checked before is changed", changed, bad));
    let both = published(&good());
    let other = published(&with(&|all| all[6] = by_editor(5)));
    for name in [BUNDLE, TILE] {
        put(&both, name, get(&other, name).unwrap());
    }
    let bad =
        vec![(Code::RootMismatch, Log), (Code::OpeningMissing, Record(6)), (Code::OpeningMissing, Record(6))];
    all.push(quiet("entries and tiles of one log under the checkpoint of another", both, bad));
    all
}

fn with_last_of(mut entries: Vec<NewEntry>, last: NewEntry) -> Vec<NewEntry> {
    entries.pop();
    entries.push(last);
    entries
}

#[test]
fn the_memory_of_another_log_says_nothing_of_this_one() {
    let first = audited("first", published(&good()), None).memory.unwrap();
    let other = "example.org/other";
    let lines =
        format!("log {}\nlog {}\nquorum none\n", vkey_of(ORIGIN, &log_key()), vkey_of(other, &signing(8)));
    let mut both = trust();
    both.policy = Policy::parse(lines.as_bytes()).unwrap();
    let store = crate::support::assembled(&good()[..2], other, &signing(8));
    let second = audit_since(&store, &both, Some(&first), &|_, _| {}).unwrap();
    assert_eq!((second.report.verdict, second.report.remembered), (Verdict::Verified, None));
    assert_eq!(second.report.origin.as_deref(), Some(Origin::new(other).unwrap().as_str()));
}
