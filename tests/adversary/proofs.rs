//! Proof files that show less than they say, and policies that trust somebody else than they seem to.

use std::ops::ControlFlow;
use std::sync::LazyLock;

use dateline::base::encoding::to_base64;
use dateline::base::{Hash, SigningKey};
use dateline::note::{
    Cosignature, KeyName, Note, NoteError, OpenError, Policy, PolicyError, PolicyLineError, TlogProof,
    TlogProofError, VerifierKey,
};
use dateline::record::{Body, KeyAction, NewEntry, Role};
use dateline::storage::Store;
use dateline::tlog::ProofError;
use dateline::verify::{
    KeyProof, LogReader, PROOF_FORMAT, ProofBundle, ProofCheckError, Record, Trust, check_proof,
};

use crate::attack::{good, note, published, within_deadline};
use crate::support::statements::{assessor, enrolled};
use crate::support::{
    ORIGIN, editor, get, key_entry, log_key, registration, root_key, signing, text, trust, vkey_of,
};

/// A proof file in parts, so that each can be exchanged.
#[derive(Clone)]
struct Parts {
    bundle: ProofBundle,
    index: u64,
    hashes: Vec<Hash>,
    checkpoint: Note,
}

impl Parts {
    /// The proof of a record, as a log that does not ask whether the record holds would give it out.
    fn of(store: &dyn Store, index: u64) -> Self {
        let trust = trust();
        let reader = LogReader::open(store, &trust).unwrap();
        let mut records: Vec<Record> = Vec::new();
        reader
            .scan(|record| {
                records.push(record);
                ControlFlow::Continue(())
            })
            .unwrap();
        let record = records.remove(index as usize);
        let signer = record.entry.envelope.key_id();
        let of_signer = records[..index as usize].iter().filter(|key| {
            matches!(key.entry.body, Body::Key(_)) && key.entry.statement.subject[0].digest.sha256 == signer
        });
        let hashes = |index| reader.prove(index).unwrap().0;
        let keys = of_signer.map(|key| KeyProof {
            index: key.index,
            entry: to_base64(&key.bytes),
            proof: hashes(key.index).iter().map(Hash::to_base64).collect(),
        });
        let bundle = ProofBundle {
            format: PROOF_FORMAT.into(),
            entry: to_base64(&record.bytes),
            openings: record.openings,
            withheld: Vec::new(),
            keys: keys.collect(),
        };
        let checkpoint = Note::parse(reader.checkpoint_bytes()).unwrap();
        Parts { bundle, index, hashes: hashes(index), checkpoint }
    }

    fn with(&self, change: impl FnOnce(&mut Parts)) -> String {
        let mut parts = self.clone();
        change(&mut parts);
        let extra = serde_json::to_vec(&parts.bundle).unwrap();
        TlogProof::new(extra, parts.index, parts.hashes, parts.checkpoint).unwrap().format()
    }
}

/// The proof of record 3 of the good log.
static GOOD: LazyLock<Parts> = LazyLock::new(|| Parts::of(&published(&good()), 3));

type Expected = fn(&ProofCheckError) -> bool;

/// A proof file, and why it does not hold. Every one is shown with document 3.
pub(crate) struct Forged {
    pub(crate) name: &'static str,
    proof: String,
    expected: Expected,
    unverifiable: bool,
}

fn forged(name: &'static str, proof: String, expected: Expected) -> Forged {
    Forged { name, proof, expected, unverifiable: false }
}

impl Forged {
    fn unverifiable(mut self) -> Self {
        self.unverifiable = true;
        self
    }
}

fn checked(name: &str, document: &str, proof: &str, trust: &Trust) -> Result<u64, ProofCheckError> {
    let (document, proof, trust) = (document.to_owned(), proof.to_owned(), trust.clone());
    within_deadline(name, move || {
        check_proof(document.as_bytes(), None, proof.as_bytes(), &trust).map(|proven| proven.index)
    })
}

#[test]
fn proof() {
    let good = GOOD.with(|_| {});
    assert_eq!(checked("good", &text(3), &good, &trust()).unwrap(), 3);
    let other = checked("another document", &text(2), &good, &trust());
    assert!(matches!(other, Err(ProofCheckError::OtherDocument { index: 3, .. })), "{other:?}");
    for Forged { name, proof, expected, unverifiable } in proofs() {
        assert_ne!(proof, good, "{name}");
        let error = match checked(name, &text(3), &proof, &trust()) {
            Ok(index) => panic!("{name}: record {index} is proven"),
            Err(error) => error,
        };
        assert!(expected(&error), "{name}: {error:?}");
        assert_eq!(error.is_unverifiable(), unverifiable, "{name}: {error}");
    }
}

/// The good log with more entries.
fn parts_of(more: impl IntoIterator<Item = NewEntry>, index: u64) -> Parts {
    Parts::of(&published(&[good(), more.into_iter().collect()].concat()), index)
}

fn by(key: &SigningKey) -> NewEntry {
    registration(key, 3, "again", false).entry.into_entry()
}

pub(crate) fn proofs() -> Vec<Forged> {
    use ProofCheckError::{
        Checkpoint, Encoding, Entry, Extra, File, Inclusion, KeyStatement, NotARegistration, Openings, Signer,
    };
    let length: Expected = |error| matches!(error, Inclusion { index: 3, source: ProofError::Length { .. } });
    let root: Expected = |error| matches!(error, Inclusion { index: 3, source: ProofError::Root { .. } });
    let key_root: Expected = |error| matches!(error, Inclusion { index: 0, .. });
    let misplaced: Expected = |error| matches!(error, KeyStatement { .. });
    let signer: Expected = |error| matches!(error, Signer { .. });
    let changed = |change: fn(&mut Parts)| GOOD.with(change);
    let spelt = |from: &str, to: &str| {
        let text = GOOD.with(|_| {});
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let extra = |bytes: &[u8]| {
        TlogProof::new(bytes.to_vec(), 3, GOOD.hashes.clone(), GOOD.checkpoint.clone()).unwrap().format()
    };
    let other_log = || Parts::of(&published(&[good(), vec![by(&editor())]].concat()), 3);
    let checkpoint = |text: &str, by: &SigningKey| {
        let origin = text.lines().next().unwrap();
        Note::parse(note(text, origin, by).as_bytes()).unwrap()
    };
    let own_text = || GOOD.checkpoint.text().to_owned();
    // The editor's enrolment stands at 0, the assessor's at 1; a third signer is enrolled at 7 and registers at 8.
    let third = signing(6);
    let late = parts_of([enrolled(&third, Role::Editor), by(&third), by(&editor())], 8);
    let revoked = parts_of([key_entry(&root_key(), KeyAction::Revoke, &editor().public()), by(&editor())], 8);
    let hashes = |count: usize| {
        let lines = format!("{}\n", Hash::of(b"x").to_base64()).repeat(count);
        spelt("index 3\n", &format!("index 3\n{lines}"))
    };
    vec![
        forged("a hash more", changed(|parts| parts.hashes.push(Hash::of(b"x"))), length),
        forged("a hash less", changed(|parts| parts.hashes.truncate(2)), length),
        forged("no hashes", changed(|parts| parts.hashes.clear()), length),
        forged("a hash twice", changed(|parts| parts.hashes.insert(1, parts.hashes[0])), length),
        forged("a hash twice in another's place", changed(|parts| parts.hashes[1] = parts.hashes[0]), root),
        forged("hashes in another order", changed(|parts| parts.hashes.swap(0, 1)), root),
        forged("a bit of a hash", changed(|parts| parts.hashes[2].0[31] ^= 1), root),
        forged("63 hashes", hashes(60), length),
        forged("64 hashes", hashes(61), |error| {
            matches!(error, File(TlogProofError::TooManyHashes { found: 64, .. }))
        }),
        forged("the index of another record", changed(|parts| parts.index = 2), |error| {
            matches!(error, Inclusion { index: 2, source: ProofError::Root { .. } })
        }),
        forged("an index beyond the log", changed(|parts| parts.index = 7), |error| {
            matches!(error, Inclusion { index: 7, source: ProofError::Index { index: 7, size: 7 } })
        }),
        forged("the largest index", spelt("index 3\n", "index 18446744073709551615\n"), |error| {
            matches!(error, File(TlogProofError::IndexTooLarge { .. }))
        }),
        forged("an index spelt otherwise", spelt("index 3\n", "index 03\n"), |error| {
            matches!(error, File(TlogProofError::Index { .. }))
        }),
        forged(
            "the entry of another record",
            {
                let other = Parts::of(&published(&good()), 2);
                GOOD.with(|parts| parts.bundle = other.bundle)
            },
            root,
        ),
        forged(
            "a later checkpoint of the log",
            GOOD.with(|parts| parts.checkpoint = other_log().checkpoint),
            |error| matches!(error, Inclusion { index: 3, .. }),
        ),
        forged(
            "a checkpoint that another signs",
            {
                let forged = checkpoint(&own_text(), &signing(9));
                GOOD.with(|parts| parts.checkpoint = forged)
            },
            |error| matches!(error, Checkpoint(OpenError::LogSignatureMissing { .. })),
        ),
        forged(
            "a checkpoint of another origin",
            {
                let forged = checkpoint(&own_text().replace(ORIGIN, "example.org/other"), &log_key());
                GOOD.with(|parts| parts.checkpoint = forged)
            },
            |error| matches!(error, Checkpoint(OpenError::UnknownOrigin { .. })),
        ),
        forged("a checkpoint of more entries, not signed again", spelt("\n7\n", "\n8\n"), |error| {
            matches!(error, Checkpoint(OpenError::LogSignatureInvalid { .. }))
        }),
        forged(
            "a checkpoint of an empty log",
            {
                let empty = format!("{ORIGIN}\n0\n{}\n", Hash::of(b"").to_base64());
                let forged = checkpoint(&empty, &log_key());
                GOOD.with(|parts| parts.checkpoint = forged)
            },
            |error| matches!(error, Inclusion { source: ProofError::Index { index: 3, size: 0 }, .. }),
        ),
        forged("1,000 signature lines", GOOD.with(|_| {}) + &"— somebody AAAAAAE=\n".repeat(999), |error| {
            matches!(
                error,
                File(TlogProofError::Checkpoint(NoteError::TooManySignatures { found: 1_000, .. }))
            )
        }),
        forged("no statement that enrols", changed(|parts| parts.bundle.keys.clear()), signer),
        forged(
            "the enrolment of another key",
            late.with(|parts| parts.bundle.keys = GOOD.bundle.keys.clone()),
            |error| matches!(error, Inclusion { index: 0, .. }),
        ),
        forged(
            "an enrolment of another log",
            {
                let other = Parts::of(
                    &published(&[vec![enrolled(&editor(), Role::Editor)], good()[1..].to_vec()].concat()),
                    3,
                );
                GOOD.with(|parts| parts.bundle.keys = other.bundle.keys)
            },
            key_root,
        ),
        forged(
            "an enrolment twice",
            changed(|parts| parts.bundle.keys.push(parts.bundle.keys[0].clone())),
            misplaced,
        ),
        forged("an enrolment at another index", changed(|parts| parts.bundle.keys[0].index = 1), |error| {
            matches!(error, Inclusion { index: 1, .. })
        }),
        forged(
            "an enrolment that comes after the record",
            {
                let mut early = parts_of([by(&third), enrolled(&third, Role::Editor)], 7);
                let after = parts_of([by(&third), enrolled(&third, Role::Editor), by(&third)], 9);
                early.bundle.keys = after.bundle.keys;
                early.checkpoint = after.checkpoint;
                early.hashes = parts_of([by(&third), enrolled(&third, Role::Editor), by(&third)], 7).hashes;
                early.with(|_| {})
            },
            misplaced,
        ),
        forged(
            "enrolments in another order",
            {
                let both = [
                    enrolled(&third, Role::Editor),
                    key_entry(&root_key(), KeyAction::Revoke, &third.public()),
                ];
                parts_of([both.to_vec(), vec![by(&third)]].concat(), 9)
                    .with(|parts| parts.bundle.keys.reverse())
            },
            |error| matches!(error, Signer { index: 8, .. }),
        ),
        forged(
            "a registration in the place of an enrolment",
            {
                let store = published(&good());
                let registration = Parts::of(&store, 2);
                GOOD.with(|parts| {
                    parts.bundle.keys[0].index = 2;
                    parts.bundle.keys[0].entry = registration.bundle.entry;
                    parts.bundle.keys[0].proof = registration.hashes.iter().map(Hash::to_base64).collect();
                })
            },
            misplaced,
        ),
        forged(
            "the record in the place of an enrolment",
            changed(|parts| {
                parts.bundle.keys[0].index = 3;
                parts.bundle.keys[0].entry = parts.bundle.entry.clone();
                parts.bundle.keys[0].proof = parts.hashes.iter().map(Hash::to_base64).collect();
            }),
            misplaced,
        ),
        forged("a signer who was revoked before", revoked.with(|_| {}), signer),
        forged(
            "a signer who enrolled himself",
            {
                let himself = key_entry(&third, KeyAction::Enrol, &third.public());
                parts_of([himself, by(&third)], 8).with(|_| {})
            },
            |error| matches!(error, Signer { index: 7, .. }),
        ),
        forged("a signer whose role does not allow it", parts_of([by(&assessor())], 7).with(|_| {}), signer),
        forged(
            "a statement about a key, which no document is the subject of",
            Parts::of(&published(&good()), 0).with(|_| {}),
            |error| matches!(error, NotARegistration { index: 0 }),
        ),
        forged(
            "the openings of another record",
            {
                let other = Parts::of(&published(&good()), 2);
                GOOD.with(|parts| parts.bundle.openings = other.bundle.openings)
            },
            |error| matches!(error, Openings { index: 3, .. }),
        ),
        forged(
            "an opening twice",
            changed(|parts| {
                parts.bundle.openings.push(parts.bundle.openings[0].clone());
            }),
            |error| matches!(error, Openings { index: 3, .. }),
        ),
        forged("an entry that is not base64", changed(|parts| parts.bundle.entry = "e30".into()), |error| {
            matches!(error, Encoding(_))
        }),
        forged(
            "a hash of an enrolment that is not base64",
            changed(|parts| {
                parts.bundle.keys[0].proof[0].pop();
            }),
            |error| matches!(error, Encoding(_)),
        ),
        forged(
            "an entry of the log that is no record",
            {
                let bad = published(&[good(), vec![crate::attack::raw("{}")]].concat());
                let mut parts = parts_of([by(&editor())], 7);
                parts.checkpoint = Note::parse(&get(&bad, "checkpoint").unwrap()).unwrap();
                parts.bundle.entry = to_base64(b"{}");
                // Its sibling hashes are those of the record that it takes the place of, but where the enrolment's are not.
                parts.bundle.keys.clear();
                parts.with(|_| {})
            },
            |error| matches!(error, Entry { index: 7, .. }),
        ),
        forged(
            "no extra line",
            {
                let text = GOOD.with(|_| {});
                let (head, rest) = text.split_once("extra ").unwrap();
                format!("{head}{}", rest.split_once('\n').unwrap().1)
            },
            |error| matches!(error, Extra(Some(_))),
        )
        .unverifiable(),
        forged("an extra line of something else", extra(b"{}"), |error| matches!(error, Extra(Some(_))))
            .unverifiable(),
        forged(
            "an extra line of a format to come",
            changed(|parts| parts.bundle.format = "dateline-proof/2".into()),
            |error| matches!(error, Extra(None)),
        )
        .unverifiable(),
        forged("an extra line that is nested without end", extra("[".repeat(100_000).as_bytes()), |error| {
            matches!(error, Extra(Some(_)))
        })
        .unverifiable(),
        forged(
            "an extra line with a member twice",
            {
                let text = serde_json::to_string(&GOOD.bundle).unwrap().replacen('{', r#"{"entry":"","#, 1);
                extra(text.as_bytes())
            },
            |error| matches!(error, Extra(Some(_))),
        )
        .unverifiable(),
        forged("an extra line that is not base64", spelt("extra ", "extra -"), |error| {
            matches!(error, File(TlogProofError::Extra { .. }))
        }),
        forged("line endings of Windows", GOOD.with(|_| {}).replace('\n', "\r\n"), |error| {
            matches!(error, File(TlogProofError::Header { .. }))
        }),
        forged("another version", spelt("tlog-proof@v1", "tlog-proof@v2"), |error| {
            matches!(error, File(TlogProofError::Header { .. }))
        }),
        forged(
            "cut off before the checkpoint",
            {
                let text = GOOD.with(|_| {});
                text.split_once("\n\n").unwrap().0.to_owned()
            },
            |error| matches!(error, File(TlogProofError::NoEmptyLine { .. })),
        ),
        forged("larger than any is", GOOD.with(|_| {}) + &"x".repeat(4 * 1024 * 1024), |error| {
            matches!(error, File(TlogProofError::TooLarge { .. }))
        }),
    ]
}

/// What a proof cannot show, and what says so: a revocation that is left out, an opening that is.
#[test]
fn what_is_left_out_of_a_proof_is_not_called_shown() {
    let revoked = parts_of([key_entry(&root_key(), KeyAction::Revoke, &editor().public()), by(&editor())], 8);
    let without = revoked.with(|parts| drop(parts.bundle.keys.pop()));
    assert_eq!(checked("a revocation is left out", &text(3), &without, &trust()).unwrap(), 8);
    let closed = GOOD.with(|parts| parts.bundle.openings.clear());
    let proven = check_proof(text(3).as_bytes(), None, closed.as_bytes(), &trust()).unwrap();
    assert_eq!(
        (proven.missing, proven.withheld),
        (vec!["/_sd/0".to_owned(), "/_sd/1".to_owned()], Vec::new())
    );
}

#[test]
fn a_proof_without_the_witnesses_that_are_asked_for_cannot_be_checked() {
    let witness =
        VerifierKey::ed25519_cosigner(KeyName::new("example.org/witness").unwrap(), signing(7).public());
    let lines = format!("log {}\nwitness w {witness}\nquorum w\n", vkey_of(ORIGIN, &log_key()));
    let witnessed = Trust { policy: Policy::parse(lines.as_bytes()).unwrap(), ..trust() };
    let error = checked("no witness", &text(3), &GOOD.with(|_| {}), &witnessed).unwrap_err();
    assert!(matches!(error, ProofCheckError::Checkpoint(OpenError::QuorumNotReached(_))), "{error:?}");
    assert!(error.is_unverifiable());
    let cosigned = |text: &str| {
        let signature = signing(7).sign(&Cosignature::message(5, text));
        Cosignature::new(5, signature).unwrap()
    };
    let good = cosigned(GOOD.checkpoint.text());
    let proof = GOOD
        .with(|parts| parts.checkpoint = parts.checkpoint.clone().with_cosignature(&witness, &good).unwrap());
    assert_eq!(checked("witnessed", &text(3), &proof, &witnessed).unwrap(), 3);
}

/// A policy, and the line that it is refused for.
#[test]
fn policy() {
    for (name, text, expected) in policies() {
        let error = match Policy::parse(&text) {
            Ok(policy) => panic!("{name}: {:?} is a policy", String::from_utf8_lossy(&policy.format())),
            Err(error) => error,
        };
        assert!(expected(&error), "{name}: {error:?}");
    }
}

type Refused = (&'static str, Vec<u8>, fn(&PolicyError) -> bool);

pub(crate) fn policies() -> Vec<Refused> {
    use PolicyLineError as Line;
    let log = format!("log {}\n", vkey_of(ORIGIN, &log_key()));
    let witness = |name: &str, seed: u8| {
        let key = KeyName::new(&format!("example.org/{name}")).unwrap();
        format!("witness {name} {}\n", VerifierKey::ed25519_cosigner(key, signing(seed).public()))
    };
    let (one, two) = (witness("w1", 11), witness("w2", 12));
    let all = format!("{log}{one}{two}");
    let with = |more: &str| format!("{all}{more}").into_bytes();
    macro_rules! line {
        ($number:literal, $pattern:pat) => {
            |error| matches!(error, PolicyError::Line { line: $number, source: $pattern })
        };
    }
    vec![
        ("nothing", Vec::new(), |error| matches!(error, PolicyError::NoQuorum { lines: 0 })),
        ("no quorum", with(""), |error| matches!(error, PolicyError::NoQuorum { lines: 3 })),
        (
            "a log's key twice",
            with(&format!("{log}quorum none\n")),
            line!(4, Line::DuplicateKey { line: 1, .. }),
        ),
        (
            "a log's key twice, under another name",
            with(&format!("log {}\nquorum none\n", vkey_of("example.org/other", &log_key()))),
            line!(4, Line::DuplicateKey { line: 1, .. }),
        ),
        (
            "one witness under two names, to count twice",
            with(&format!("{}quorum none\n", witness("w3", 11))),
            line!(4, Line::DuplicateKey { line: 2, .. }),
        ),
        (
            "a name twice",
            with(&format!("{}quorum none\n", witness("w1", 13))),
            line!(4, Line::DuplicateName(_)),
        ),
        (
            "a group that is named like a witness",
            with("group w1 any w2\nquorum w1\n"),
            line!(4, Line::DuplicateName(_)),
        ),
        (
            "a witness that is named like no quorum",
            with(&witness("none", 13)),
            line!(4, Line::DuplicateName(_)),
        ),
        ("line endings of Windows", with("quorum none\r\n"), |error| {
            matches!(error, PolicyError::Octet { line: 4, octet: b'\r' })
        }),
        ("a line that a terminal hides", with("# \u{1b}[8m\nquorum none\n"), |error| {
            matches!(error, PolicyError::Octet { line: 4, octet: 0x1b })
        }),
        ("a zero byte", with("quorum none\0\n"), |error| {
            matches!(error, PolicyError::Octet { line: 4, octet: 0 })
        }),
        ("cut off", with("quorum none"), |error| matches!(error, PolicyError::Unterminated { line: 4 })),
        ("a quorum of somebody unknown", with("quorum w9\n"), line!(4, Line::UnknownName(_))),
        (
            "a quorum that is named only later",
            with("quorum g\ngroup g any w1\n"),
            line!(4, Line::UnknownName(_)),
        ),
        (
            "a group of somebody unknown",
            with("group g any w1 w9\nquorum g\n"),
            line!(4, Line::UnknownName(_)),
        ),
        (
            "groups in a circle",
            with("group a any b\ngroup b any a\nquorum a\n"),
            line!(4, Line::UnknownName(_)),
        ),
        ("a group in itself", with("group a any w1 a\nquorum a\n"), line!(4, Line::UnknownName(_))),
        ("a member twice", with("group g 2 w1 w1\nquorum g\n"), line!(4, Line::DuplicateMember(_))),
        (
            "a member of two groups, to count twice",
            with("group a any w1\ngroup b any w1\nquorum a\n"),
            line!(5, Line::DuplicateMember(_)),
        ),
        (
            "a threshold of nobody",
            with("group g 0 w1 w2\nquorum g\n"),
            line!(4, Line::Threshold { members: 2, .. }),
        ),
        (
            "a threshold of more than all",
            with("group g 3 w1 w2\nquorum g\n"),
            line!(4, Line::Threshold { .. }),
        ),
        ("a threshold with a sign", with("group g +1 w1 w2\nquorum g\n"), line!(4, Line::Threshold { .. })),
        ("a group of nobody", with("group g any\nquorum g\n"), line!(4, Line::ItemCount { found: 3, .. })),
        ("two quorums", with("quorum w1\nquorum none\n"), line!(5, Line::DuplicateQuorum { line: 4 })),
        ("a comment after a quorum", with("quorum w1 # strict\n"), line!(4, Line::ItemCount { .. })),
        (
            "a comment in the place of a URL",
            with(&log.replace('\n', " #url\n")),
            line!(4, Line::DuplicateKey { .. }),
        ),
        ("an unknown word", with("trust everybody\nquorum none\n"), line!(4, Line::Keyword(_))),
        ("a word in capitals", with("QUORUM none\n"), line!(4, Line::Keyword(_))),
        (
            "a log's key as a witness's",
            with(&format!("witness w3 {}\nquorum none\n", vkey_of("example.org/w3", &signing(13)))),
            line!(4, Line::SignatureType { role: "witness", .. }),
        ),
        (
            "a witness's key as a log's",
            with(&format!("log {}", one.split_once("w1 ").unwrap().1)),
            line!(4, Line::SignatureType { role: "log", .. }),
        ),
        (
            "a key id that is not the key's",
            format!(
                "log {ORIGIN}+00000000+{}\n",
                vkey_of(ORIGIN, &log_key()).to_string().rsplit('+').next().unwrap()
            )
            .into_bytes(),
            line!(1, Line::VerifierKey { .. }),
        ),
        ("larger than any is", vec![b'#'; 262_145], |error| matches!(error, PolicyError::TooLarge { .. })),
    ]
}
