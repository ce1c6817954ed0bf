//! Statements that wait to be appended, and folders that are not what a log's folder is.

#[cfg(unix)]
use std::path::Path;

use dateline::base::Hash;
use dateline::record::{
    Draft, KeyAction, NewEntry, NoticeKind, Pending, RecordRef, RelationKind, Role, layout, pending,
};
use dateline::storage::{FileStore, Key, MemoryStore, Store};
use dateline::tlog::{EntryBundle, Tile};
use dateline::verify::Code;

use crate::attack::{
    At, Attack, BUNDLE, TILE, attack, by_editor, check_all, envelope, file, good, original, published, put,
    raw, with,
};
use crate::support::statements::{
    document, enrolled, notes, notice, payload_of, recorded, relates, relation, resigned, said, sealed, to,
};
use crate::support::{editor, get, key_entry, registration, root_key, signing, text};

#[test]
fn waiting() {
    check_all(statements());
}

#[cfg(unix)]
#[test]
fn folder() {
    check_all(folders());
}

/// The good log with a file below `pending/`.
fn waits_as(path: &str, bytes: impl Into<Vec<u8>>) -> MemoryStore {
    let store = published(&good());
    put(&store, path, bytes);
    store
}

fn waits(entry: &NewEntry) -> (MemoryStore, At) {
    let pending = Pending::of(entry);
    (waits_as(&pending.path(), pending.format()), file(&pending.path()))
}

pub(crate) fn statements() -> Vec<Attack> {
    use Code::{KindUnknown, OpeningMissing, OriginalMissing, PendingInvalid};
    let case = |name, entry: &NewEntry, code: Code| {
        let (store, at) = waits(entry);
        attack(name, store).finds([(code, at)]).holds(7, 7)
    };
    let invalid = |name, entry: &NewEntry| case(name, entry, PendingInvalid);
    let written = |name, path: &str, bytes: Vec<u8>, code: Code| {
        attack(name, waits_as(path, bytes)).finds([(code, file(path))]).holds(7, 7)
    };
    let good_file = Pending::of(&by_editor(5));
    let (good_path, good_bytes) = (good_file.path(), good_file.format());
    let respelt = |from: &str, to: &str| {
        let text = String::from_utf8(good_bytes.clone()).unwrap();
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1).into_bytes()
    };
    let cites = |record: u64| {
        let target = RecordRef { record, ..document(2) };
        relates(relation(document(3), RelationKind::Cites, to(target)))
    };
    let forged = {
        let entry = by_editor(5);
        NewEntry {
            bytes: envelope(&payload_of(&entry), editor().public().key_id(), &[7; 64]).into(),
            ..entry
        }
    };
    let by_assessor = {
        let by = crate::support::statements::assessor();
        let (recorded_by, _) = recorded(&by);
        let stated = dateline::record::Notice { recorded_by, ..notice(document(2), NoticeKind::Retraction) };
        said(&by, |circumstances| Draft::notice(stated, circumstances))
    };
    let of_another = NewEntry { openings: by_editor(6).openings, ..by_editor(5) };
    vec![
        attack("a statement waits", waits(&by_editor(5)).0).holds(7, 7).harmless(),
        written("under another name", "pending/other.json", good_bytes.clone(), PendingInvalid),
        written("under another digest", "pending/00.json", good_bytes.clone(), PendingInvalid),
        written("empty", "pending/empty.json", Vec::new(), PendingInvalid),
        written("no JSON", "pending/no.json", vec![0xff; 100], PendingInvalid),
        written("cut off", &good_path, good_bytes[..good_bytes.len() / 2].to_vec(), PendingInvalid),
        written("larger than any is", &good_path, vec![b' '; pending::PENDING_MAX_BYTES + 1], PendingInvalid),
        written("nested without end", &good_path, "[".repeat(100_000).into(), PendingInvalid),
        written("of a format to come", &good_path, respelt("pending/1", "pending/2"), KindUnknown),
        written("a member twice", &good_path, respelt("{", r#"{"format":"","#), PendingInvalid),
        written("base64 of URLs", &good_path, respelt(r#""entry":"ey"#, r#""entry":"-_"#), PendingInvalid),
        invalid("larger than an entry", &raw(vec![b'{'; 65_536])),
        invalid("no envelope", &raw("{}")),
        invalid(
            "signed by nobody whom the log knows",
            &registration(&signing(9), 5, "", false).entry.into_entry(),
        ),
        invalid("signed by a root key", &registration(&root_key(), 5, "", false).entry.into_entry()),
        invalid("signed by one who may not say it", &by_assessor),
        invalid("not signed", &forged),
        invalid("an enrolment", &enrolled(&signing(9), Role::Editor)),
        invalid("a revocation", &key_entry(&root_key(), KeyAction::Revoke, &editor().public())),
        case("without its openings", &NewEntry { openings: Vec::new(), ..by_editor(5) }, OpeningMissing),
        invalid("with the openings of another", &of_another),
        invalid("about a record that is not there yet", &cites(7)),
        invalid("about a record that no log has", &cites(u64::MAX)),
        invalid("about a record of another document", &cites(3)),
        invalid(
            "said to be recorded by another",
            &resigned(&by_editor(5), |payload| payload["predicate"]["recordedBy"] = "00".repeat(32).into()),
        ),
        invalid(
            "an embargo without end",
            &resigned(&notes(notice(document(2), NoticeKind::Embargo)), |payload| {
                payload["predicate"]["until"] = serde_json::Value::Null;
            }),
        ),
        case(
            "a document that should be stored, and is not",
            &registration(&editor(), 5, "", true).entry.into_entry(),
            OriginalMissing,
        ),
        case(
            "a relation that nobody knows",
            &resigned(&cites(2), |payload| payload["predicate"]["relation"] = "mocks".into()),
            Code::ValueUnknown,
        ),
        case(
            "a kind that nobody knows",
            &resigned(&cites(2), |payload| payload["predicateType"] = "urn:dateline:rumour:v1".into()),
            KindUnknown,
        ),
        attack("another document than was registered is stored with it", {
            let (store, _) = waits(&registration(&editor(), 5, "", true).entry.into_entry());
            put(&store, &original(5), text(6));
            store
        })
        .finds([
            (PendingInvalid, waits(&registration(&editor(), 5, "", true).entry.into_entry()).1),
            (Code::Stray, file(&original(5))),
        ])
        .holds(7, 7),
        attack("a document is stored with it", {
            let (store, _) = waits(&registration(&editor(), 5, "", true).entry.into_entry());
            put(&store, &original(5), text(5));
            store
        })
        .holds(7, 7)
        .harmless(),
        attack("a file of a statement that is no statement hides no stray", {
            let store = waits_as("pending/x.json", *b"{}");
            put(&store, &original(5), text(5));
            store
        })
        .finds([(PendingInvalid, file("pending/x.json")), (Code::Stray, file(&original(5)))])
        .holds(7, 7),
        invalid("spelt with something after it", &{
            let mut payload = payload_of(&by_editor(5));
            payload.extend(b"{}");
            raw(sealed(payload, &editor()))
        }),
    ]
}

/// What is found of a statement that waits says what it would say of the entry; those that could be appended are counted.
#[test]
fn what_is_wrong_with_what_waits_is_told() {
    let lies = resigned(&by_editor(5), |payload| payload["predicate"]["recordedBy"] = "00".repeat(32).into());
    let store = published(&good());
    for entry in [&lies, &by_editor(6), &by_editor(7), &by_editor(8)] {
        let pending = Pending::of(entry);
        put(&store, &pending.path(), pending.format());
    }
    let report = crate::support::audited(&store);
    let [finding] = report.findings.as_slice() else { panic!("{:?}", report.findings) };
    let path = Pending::of(&lies).path();
    assert_eq!((finding.record, finding.path.as_ref()), (None, Some(&path)));
    assert_eq!(finding.field.as_deref(), Some("/recordedBy"));
    assert_eq!(finding.expected, Some(editor().public().key_id().to_string()));
    assert_eq!(finding.found, Some("00".repeat(32)));
    assert_eq!(finding.message, format!("{path}: not the key that signed"));
    assert_eq!(report.counts.pending, 3);
}

/// A folder that holds the good log, and what a test does to it.
#[cfg(unix)]
struct Folder {
    files: FileStore,
    /// The log's folder, and one beside it that links may lead to. They go when this goes.
    _folders: [tempfile::TempDir; 2],
}

#[cfg(unix)]
impl Store for Folder {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, dateline::storage::StoreError> {
        self.files.get(key, limit)
    }

    fn list(&self, folder: &str) -> Result<dateline::storage::Listing, dateline::storage::StoreError> {
        self.files.list(folder)
    }

    fn put_immutable(
        &self,
        objects: &[dateline::storage::Object],
    ) -> Result<(), dateline::storage::StoreError> {
        self.files.put_immutable(objects)
    }

    fn put(&self, objects: &[dateline::storage::Object]) -> Result<(), dateline::storage::StoreError> {
        self.files.put(objects)
    }

    fn compare_and_swap(
        &self,
        key: &Key,
        expected: Option<&[u8]>,
        new: &[u8],
    ) -> Result<bool, dateline::storage::StoreError> {
        self.files.compare_and_swap(key, expected, new)
    }

    fn delete(&self, keys: &[Key]) -> Result<(), dateline::storage::StoreError> {
        self.files.delete(keys)
    }
}

#[cfg(unix)]
fn in_folder(change: impl FnOnce(&Path, &Path)) -> Folder {
    folder_of(&published(&good()), change)
}

#[cfg(unix)]
fn folder_of(store: &MemoryStore, change: impl FnOnce(&Path, &Path)) -> Folder {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in store.list("").unwrap().keys {
        let path = folder.path().join(name.as_str());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, get(store, name.as_str()).unwrap()).unwrap();
    }
    change(folder.path(), elsewhere.path());
    let files = FileStore::reader(folder.path());
    Folder { files, _folders: [folder, elsewhere] }
}

#[cfg(unix)]
pub(crate) fn folders() -> Vec<Attack> {
    use std::fs::{create_dir, remove_file, rename, write};
    use std::os::unix::fs::symlink;

    use Code::{FileMissing, FileUnreadable, OriginalMissing, Stray, TileMissing};
    // Moves a file or folder out of the log and puts a link in its place.
    let linked = |name: &'static str| {
        in_folder(|log, elsewhere| {
            rename(log.join(name), elsewhere.join("there")).unwrap();
            symlink(elsewhere.join("there"), log.join(name)).unwrap();
        })
    };
    let piped = |name: &'static str| {
        in_folder(|log, _| {
            remove_file(log.join(name)).unwrap();
            let made = std::process::Command::new("mkfifo").arg(log.join(name)).status().unwrap();
            assert!(made.success());
        })
    };
    let unreadable = |name: &str| (FileUnreadable, file(name));
    let stray = |name: &str| (Stray, file(name));
    vec![
        attack("a folder that holds the log", in_folder(|_, _| {})).holds(7, 7).harmless(),
        attack("the tiles are a link to elsewhere", linked("tile")).finds([
            unreadable(TILE),
            unreadable(BUNDLE),
            stray("tile"),
        ]),
        attack("the entries are a link to elsewhere", linked(BUNDLE))
            .finds([unreadable(BUNDLE), stray(BUNDLE)]),
        attack("the checkpoint is a link to elsewhere", linked("checkpoint"))
            .finds([unreadable("checkpoint")]),
        attack("the openings are a link to elsewhere", linked("disclosures"))
            .finds([unreadable("disclosures/000"), stray("disclosures")])
            .holds(7, 7),
        attack("the originals are a link to elsewhere", linked("content"))
            .finds([(FileUnreadable, At::Record(2)), (FileUnreadable, At::Record(3)), stray("content")])
            .holds(7, 7),
        attack(
            "a link to nothing",
            in_folder(|log, elsewhere| {
                remove_file(log.join(TILE)).unwrap();
                symlink(elsewhere.join("nothing"), log.join(TILE)).unwrap();
            }),
        )
        .finds([unreadable(TILE), stray(TILE)])
        .holds(7, 7),
        attack(
            "a link to itself",
            in_folder(|log, _| {
                remove_file(log.join(TILE)).unwrap();
                symlink(log.join(TILE), log.join(TILE)).unwrap();
            }),
        )
        .finds([unreadable(TILE), stray(TILE)])
        .holds(7, 7),
        attack(
            "a link to a device that never ends",
            in_folder(|log, _| {
                remove_file(log.join(BUNDLE)).unwrap();
                symlink("/dev/zero", log.join(BUNDLE)).unwrap();
            }),
        )
        .finds([unreadable(BUNDLE), stray(BUNDLE)]),
        attack(
            "a folder that is its own child",
            in_folder(|log, _| {
                symlink(log, log.join("tile/loop")).unwrap();
            }),
        )
        .finds([stray("tile/loop")])
        .holds(7, 7)
        .harmless(),
        attack("a pipe in place of a tile", piped(TILE)).finds([unreadable(TILE), stray(TILE)]).holds(7, 7),
        attack("a pipe in place of the entries", piped(BUNDLE)).finds([unreadable(BUNDLE), stray(BUNDLE)]),
        attack("a pipe in place of the checkpoint", piped("checkpoint")).finds([unreadable("checkpoint")]),
        attack(
            "a pipe among what waits",
            in_folder(|log, _| {
                create_dir(log.join("pending")).unwrap();
                let pipe = log.join("pending/x.json");
                assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
            }),
        )
        .finds([stray("pending/x.json")])
        .holds(7, 7)
        .harmless(),
        attack(
            "a folder in place of a tile",
            in_folder(|log, _| {
                remove_file(log.join(TILE)).unwrap();
                create_dir(log.join(TILE)).unwrap();
            }),
        )
        .finds([unreadable(TILE)])
        .holds(7, 7),
        attack(
            "a file in place of a folder",
            in_folder(|log, elsewhere| {
                rename(log.join("tile/0"), elsewhere.join("there")).unwrap();
                write(log.join("tile/0"), "x").unwrap();
            }),
        )
        .finds([(TileMissing, file(TILE)), stray("tile/0")])
        .holds(7, 7),
        attack(
            "an original of more bytes than any memory has",
            in_folder(|log, _| {
                let sparse = std::fs::File::create(log.join(original(2))).unwrap();
                sparse.set_len(1 << 40).unwrap();
            }),
        )
        .finds([(Code::OriginalChanged, At::Record(2))])
        .holds(7, 7),
        attack("an original of more bytes than any memory has, which it was registered with", {
            let larger = resigned(&good()[2], |payload| payload["predicate"]["bytes"] = (1u64 << 40).into());
            folder_of(&with([larger]), |log, _| {
                std::fs::File::create(log.join(original(2))).unwrap().set_len(1 << 40).unwrap();
            })
        })
        .finds([(Code::OriginalChanged, At::Record(2)), (FileUnreadable, At::Record(7))])
        .holds(8, 8),
        attack(
            "entries of more bytes than any memory has",
            in_folder(|log, _| {
                std::fs::File::create(log.join(BUNDLE)).unwrap().set_len(1 << 40).unwrap();
            }),
        )
        .finds([(Code::BundleMalformed, file(BUNDLE))]),
        attack(
            "names that leave the folder, for those who trust them",
            in_folder(|log, _| {
                for name in ["..tile", "a b", "a\\..\\b", "a\nb", "a\u{202e}b"] {
                    write(log.join(name), "x").unwrap();
                }
            }),
        )
        .finds(["..tile", "a b", "a\\..\\b", "a\nb", "a\u{202e}b"].map(stray))
        .holds(7, 7)
        .harmless(),
        attack(
            "nothing but a checkpoint",
            in_folder(|log, _| {
                std::fs::remove_dir_all(log.join("tile")).unwrap();
                std::fs::remove_dir_all(log.join("content")).unwrap();
            }),
        )
        .finds([(FileMissing, file(TILE)), (FileMissing, file(BUNDLE))]),
        attack(
            "originals that nobody can find",
            in_folder(|log, elsewhere| {
                rename(log.join("content"), elsewhere.join("there")).unwrap();
            }),
        )
        .finds([(OriginalMissing, At::Record(2)), (OriginalMissing, At::Record(3))])
        .holds(7, 7),
    ]
}

#[test]
fn no_name_leads_out_of_a_log() {
    for name in
        ["..", "../checkpoint", "tile/../../x", "/etc/passwd", "tile//0", "./tile", "tile/0/000.p/../7", ""]
    {
        assert!(Key::new(name).is_err(), "{name:?}");
        assert!(name.parse::<Tile>().is_err() && name.parse::<EntryBundle>().is_err(), "{name:?}");
    }
    assert!(layout::content_path(&Hash::of(b"x")).split('/').all(|part| !matches!(part, "" | "." | "..")));
    assert!(Pending::parse("pending/../x.json", &Pending::of(&by_editor(5)).format()).is_err());
}
