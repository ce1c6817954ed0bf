//! Entries that should not be in the log, under a root that is right: the work of signers, and of the log's operator.

use dateline::attest::dsse::{PAYLOAD_TYPE, pae};
use dateline::attest::{Disclosure, Envelope};
use dateline::base::limits::ENTRY_MAX_BYTES;
use dateline::base::{Hash, SigningKey};
use dateline::record::{Draft, Entry, EntryError, KeyAction, NewEntry, NoticeKind, RelationKind, Role};
use dateline::verify::Code;
use serde_json::{Value, json};
use sha2::{Digest, Sha512};

use crate::attack::{
    At, Attack, Record, attack, check_all, envelope, file, good, operator, original, raw, with,
};
use crate::support::statements::{
    assessment, assessor, document, enrolled, notes, notice, payload_of, recorded, relates, relation,
    resigned, said, sealed, to,
};
use crate::support::{editor, key_entry, log_key, registration, root_key, signing};

#[test]
fn entry() {
    check_all(sequences());
}

#[test]
fn key() {
    check_all(keys());
}

#[test]
fn signature() {
    check_all(signatures());
}

#[test]
fn form() {
    check_all(forms());
}

/// What stands at one index, and the finding that it gets there.
fn at(index: u64, code: Code) -> (Code, At) {
    (code, Record(index))
}

fn by_editor(number: usize) -> NewEntry {
    registration(&editor(), number, "", false).entry
}

fn stranger() -> SigningKey {
    signing(9)
}

fn by_stranger() -> NewEntry {
    registration(&stranger(), 8, "", false).entry
}

/// Entries dropped, inserted, swapped and repeated by the operator, as far as the entries themselves tell: that a log
/// which was seen before has fewer or others is told by whoever remembers it.
pub(crate) fn sequences() -> Vec<Attack> {
    use Code::{KeyStatementInvalid, ReferenceInvalid, SignatureInvalid, SignerNotEnrolled};
    vec![
        attack(
            "a word of an entry is changed",
            operator(|all| {
                let payload = String::from_utf8(payload_of(&all[6])).unwrap();
                let changed = payload.replace("correction", "retraction");
                let signature = Entry::parse(&all[6].bytes).unwrap().envelope.signature().0;
                all[6].bytes = envelope(changed.as_bytes(), editor().public().key_id(), &signature).into();
            }),
        )
        .finds([at(6, SignatureInvalid)])
        .holds(7, 6),
        attack("a document that others point to is dropped", operator(|all| drop(all.remove(2))))
            .finds([
                // What cites is about itself now, what is said of 2 is of another document.
                at(3, ReferenceInvalid),
                at(3, ReferenceInvalid),
                at(4, ReferenceInvalid),
                at(5, ReferenceInvalid),
            ])
            .holds(6, 6),
        attack("an enrolment is dropped", operator(|all| drop(all.remove(0))))
            .finds([
                at(1, SignerNotEnrolled),
                at(2, SignerNotEnrolled),
                at(3, SignerNotEnrolled),
                at(3, ReferenceInvalid),
                at(3, ReferenceInvalid),
                at(4, ReferenceInvalid),
                at(5, SignerNotEnrolled),
                at(5, ReferenceInvalid),
            ])
            .holds(6, 2),
        attack(
            "a document is inserted before those that others point to",
            operator(|all| all.insert(2, by_editor(5))),
        )
        .finds([
            at(5, ReferenceInvalid),
            at(5, ReferenceInvalid),
            at(6, ReferenceInvalid),
            at(7, ReferenceInvalid),
        ])
        .holds(8, 8),
        attack("a stranger's record is inserted", with([by_stranger()]))
            .finds([at(7, SignerNotEnrolled)])
            .holds(8, 7),
        attack("two documents are swapped", operator(|all| all.swap(2, 3)))
            .finds([
                at(4, ReferenceInvalid),
                at(4, ReferenceInvalid),
                at(5, ReferenceInvalid),
                at(6, ReferenceInvalid),
            ])
            .holds(7, 7),
        attack("an enrolment is swapped with what the key signed", operator(|all| all.swap(0, 2)))
            .finds([
                at(0, SignerNotEnrolled),
                at(4, ReferenceInvalid),
                at(5, ReferenceInvalid),
                at(6, ReferenceInvalid),
            ])
            .holds(7, 6),
        attack("an enrolment stands twice", operator(|all| all.push(all[0].clone())))
            .finds([at(7, KeyStatementInvalid)])
            .holds(8, 8),
        attack("a document is registered twice", operator(|all| all.push(all[2].clone())))
            .holds(8, 8)
            .harmless(),
    ]
}

fn about_keys(action: KeyAction, key: &SigningKey) -> NewEntry {
    key_entry(&root_key(), action, &key.public())
}

/// An enrolment with its predicate changed, signed by the root key all the same.
fn enrolment_with(change: impl FnOnce(&mut Value)) -> NewEntry {
    resigned(&enrolled(&stranger(), Role::Editor), change)
}

/// Who may say what, and from when to when.
pub(crate) fn keys() -> Vec<Attack> {
    use Code::{
        KeyStatementInvalid, SignatureInvalid, SignerEnded, SignerNotAllowed, SignerNotEnrolled,
        StatementInconsistent,
    };
    let rotates = |replaces: Option<&SigningKey>| {
        said(&root_key(), |circumstances| {
            let replaces = replaces.map(|key| key.public().key_id());
            let roles = vec![Role::Editor];
            Draft::key(KeyAction::Rotate, &stranger().public(), roles, replaces, None, circumstances)
        })
    };
    let ended = |action| with([about_keys(action, &editor()), by_editor(5)]);
    let weak = {
        let mut weak = [0; 32];
        weak[0] = 1;
        hex::encode(weak)
    };
    vec![
        attack(
            "a key is used before its enrolment",
            with([by_stranger(), enrolled(&stranger(), Role::Editor)]),
        )
        .finds([at(7, SignerNotEnrolled)])
        .holds(9, 8),
        attack("a key is used after its revocation", ended(KeyAction::Revoke))
            .finds([at(8, SignerEnded)])
            .holds(9, 8),
        attack("a key is used after its retirement", ended(KeyAction::Retire))
            .finds([at(8, SignerEnded)])
            .holds(9, 8),
        attack(
            "a key is used after its rotation",
            with([rotates(Some(&editor())), by_stranger(), by_editor(5)]),
        )
        .finds([at(9, SignerEnded)])
        .holds(10, 9),
        attack(
            "a stranger enrols himself",
            with([key_entry(&stranger(), KeyAction::Enrol, &stranger().public()), by_stranger()]),
        )
        .finds([at(7, SignerNotAllowed), at(8, SignerNotEnrolled)])
        .holds(9, 7),
        attack(
            "an editor enrols another",
            with([key_entry(&editor(), KeyAction::Enrol, &stranger().public()), by_stranger()]),
        )
        .finds([at(7, SignerNotAllowed), at(8, SignerNotEnrolled)])
        .holds(9, 7),
        attack(
            "an editor revokes another",
            with([key_entry(&editor(), KeyAction::Revoke, &assessor().public()), assessed_by(&assessor())]),
        )
        .finds([at(7, SignerNotAllowed)])
        .holds(9, 8),
        attack("an enrolment that no root key signed, under a root key's id", {
            let good = enrolled(&stranger(), Role::Editor);
            let signature = stranger().sign(&pae(PAYLOAD_TYPE, &payload_of(&good)));
            with([
                raw(envelope(&payload_of(&good), root_key().public().key_id(), &signature.0)),
                by_stranger(),
            ])
        })
        .finds([at(7, SignatureInvalid), at(8, SignerNotEnrolled)])
        .holds(9, 7),
        attack(
            "a key that was never enrolled is revoked",
            with([about_keys(KeyAction::Revoke, &stranger())]),
        )
        .finds([at(7, KeyStatementInvalid)])
        .holds(8, 8),
        attack(
            "a key is enrolled again after its revocation",
            with([
                about_keys(KeyAction::Revoke, &editor()),
                about_keys(KeyAction::Enrol, &editor()),
                by_editor(5),
            ]),
        )
        .finds([at(8, KeyStatementInvalid), at(9, SignerEnded)])
        .holds(10, 9),
        attack("a rotation that replaces nothing", with([rotates(None), by_stranger()]))
            .finds([at(7, KeyStatementInvalid), at(8, SignerNotEnrolled)])
            .holds(9, 8),
        attack("a rotation that replaces itself", with([rotates(Some(&stranger())), by_stranger()]))
            .finds([at(7, KeyStatementInvalid), at(8, SignerNotEnrolled)])
            .holds(9, 8),
        attack(
            "a weak key is enrolled",
            with([enrolment_with(|payload| {
                payload["predicate"]["key"]["public"] = weak.into();
            })]),
        )
        .finds([at(7, KeyStatementInvalid), at(7, StatementInconsistent)])
        .holds(8, 8),
        attack(
            "a key of another algorithm is enrolled",
            with([
                enrolment_with(|payload| payload["predicate"]["key"]["keyType"] = "ecdsa".into()),
                by_stranger(),
            ]),
        )
        .finds([at(7, KeyStatementInvalid), at(8, SignerNotEnrolled)])
        .holds(9, 8),
        attack(
            "an enrolment whose subject is another key",
            with([enrolment_with(|payload| {
                payload["subject"][0]["digest"]["sha256"] = editor().public().key_id().to_string().into();
            })]),
        )
        .finds([at(7, StatementInconsistent)])
        .holds(8, 8),
        attack(
            "a role that nobody knows allows nothing",
            with([enrolled(&stranger(), Role::Other("publisher".into())), by_stranger()]),
        )
        .finds([at(8, SignerNotAllowed)])
        .holds(9, 8),
        attack(
            "an action that nobody knows",
            with([enrolment_with(|payload| {
                payload["predicate"]["action"] = "promote".into();
            })]),
        )
        .finds([at(7, Code::EntryMalformed)])
        .holds(8, 7),
        attack("a root key registers a document", with([registration(&root_key(), 8, "", false).entry]))
            .finds([at(7, SignerNotEnrolled)])
            .holds(8, 7),
        attack("the log's key registers a document", with([registration(&log_key(), 8, "", false).entry]))
            .finds([at(7, SignerNotEnrolled)])
            .holds(8, 7),
        attack("an assessor registers a document", with([registration(&assessor(), 8, "", false).entry]))
            .finds([at(7, SignerNotAllowed)])
            .holds(8, 7),
        attack("an editor assesses", with([assessed_by(&editor())]))
            .finds([at(7, SignerNotAllowed)])
            .holds(8, 7),
        attack(
            "an assessor takes a document back",
            with([{
                let (recorded_by, _) = recorded(&assessor());
                let by =
                    dateline::record::Notice { recorded_by, ..notice(document(2), NoticeKind::Retraction) };
                said(&assessor(), |circumstances| Draft::notice(by, circumstances))
            }]),
        )
        .finds([at(7, SignerNotAllowed)])
        .holds(8, 7),
    ]
}

fn assessed_by(by: &SigningKey) -> NewEntry {
    use dateline::record::assessment::Method;
    let (recorded_by, _) = recorded(by);
    let method = Some(Method::EditorialJudgement);
    let state = dateline::record::AssessmentState::Disputed;
    let stated =
        dateline::record::Assessment { recorded_by, ..assessment(document(2), "/title/0", state, method) };
    said(by, |circumstances| Draft::assessment(stated, circumstances))
}

/// The order of the curve's group of points, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The same signature with the group's order added to its scalar: what lax verifiers take for another good one.
fn not_canonical(mut signature: [u8; 64]) -> [u8; 64] {
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(carry, 0);
    signature
}

/// A signature by the editor whose R is the neutral element: S = k·a. Verifiers that are not strict take it.
fn of_small_order(message: &[u8]) -> [u8; 64] {
    let key = ed25519_dalek::SigningKey::from_bytes(&editor().seed());
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let hash = Sha512::new()
        .chain_update(neutral)
        .chain_update(key.verifying_key().as_bytes())
        .chain_update(message);
    let secret = key.to_scalar();
    let (mut challenge, one) = (secret - secret, secret * secret.invert());
    for byte in hash.finalize().iter().rev() {
        for bit in (0..8).rev() {
            challenge = challenge + challenge;
            if byte >> bit & 1 == 1 {
                challenge += one;
            }
        }
    }
    let signature: Vec<u8> = [neutral, (challenge * secret).to_bytes()].concat();
    let signature: [u8; 64] = signature.try_into().unwrap();
    let lax = ed25519_dalek::Verifier::verify(
        &key.verifying_key(),
        message,
        &ed25519_dalek::Signature::from_bytes(&signature),
    );
    assert!(lax.is_ok(), "this is no attack: not even the plain rule takes it");
    signature
}

/// Signatures that do not hold, on an entry that is good otherwise.
pub(crate) fn signatures() -> Vec<Attack> {
    use Code::{SignatureInvalid, SignerNotEnrolled, StatementInconsistent};
    let payload = payload_of(&by_editor(5));
    let message = pae(PAYLOAD_TYPE, &payload);
    let (by, good) = (editor().public().key_id(), editor().sign(&message).0);
    let signed = |signature: &[u8; 64]| with([raw(envelope(&payload, by, signature))]);
    let invalid = |name, signature: [u8; 64]| {
        attack(name, signed(&signature)).finds([at(7, SignatureInvalid)]).holds(8, 7)
    };
    let named = |key: &SigningKey| raw(envelope(&payload, key.public().key_id(), &good));
    let other = signing(6);
    let openings = by_editor(5).openings;
    let opened = |entry: NewEntry| NewEntry { openings: openings.clone(), ..entry };
    let all: Vec<Attack> = vec![
        invalid("a signature by another key", stranger().sign(&message).0),
        invalid("the signature of another entry", {
            Entry::parse(&good_entry(3).bytes).unwrap().envelope.signature().0
        }),
        invalid("a signature over the payload alone", editor().sign(&payload).0),
        invalid("a signature over another type", editor().sign(&pae("application/json", &payload)).0),
        invalid("a signature that is not canonical", not_canonical(good)),
        invalid("a signature whose R is of small order", of_small_order(&message)),
        invalid("a signature of zeros", [0; 64]),
    ];
    // Their openings are left out: that is found, and is not what these are about.
    let all = all.into_iter().map(|attack| attack.and_finds(at(7, Code::OpeningMissing), 2));
    let mut all: Vec<Attack> = all.collect();
    all.extend([
        attack("the key id is that of another enrolled key", {
            with([enrolled(&other, Role::Editor), opened(named(&other))])
        })
        .finds([at(8, SignatureInvalid), at(8, StatementInconsistent)])
        .holds(9, 8),
        attack("the key id is nobody's", with([opened(named(&stranger()))]))
            .finds([at(7, SignerNotEnrolled), at(7, StatementInconsistent)])
            .holds(8, 7),
        attack("another is said to have recorded it", {
            let lies = resigned(&by_editor(5), |payload| {
                payload["predicate"]["recordedBy"] = assessor().public().key_id().to_string().into();
            });
            with([lies])
        })
        .finds([at(7, StatementInconsistent)])
        .holds(8, 8),
        attack("the payload is spelt otherwise, and not signed again", {
            let text = String::from_utf8(payload.clone()).unwrap().replacen(':', ": ", 1);
            with([opened(raw(envelope(text.as_bytes(), by, &good)))])
        })
        .finds([at(7, SignatureInvalid)])
        .holds(8, 7),
        attack("the payload is spelt otherwise, by its signer", {
            let text = String::from_utf8(payload.clone()).unwrap().replacen(':', ": ", 1);
            with([opened(raw(sealed(text.into(), &editor())))])
        })
        .holds(8, 8)
        .harmless(),
    ]);
    all
}

fn good_entry(index: usize) -> NewEntry {
    good().swap_remove(index)
}

/// Entries that are not of the form that one has, and statements that contradict themselves or the log.
pub(crate) fn forms() -> Vec<Attack> {
    use Code::{
        EntryMalformed, EvidenceMismatch, KindUnknown, OpeningMismatch, OpeningMissing, OriginalChanged,
        OriginalMissing, ReferenceInvalid, ReferenceUnknown, SignerUnknown, StatementInconsistent, Stray,
        ValueUnknown,
    };
    let envelope_of = |change: &dyn Fn(&str) -> String| {
        let text = String::from_utf8(by_editor(5).bytes).unwrap();
        let changed = change(&text);
        assert_ne!(changed, text);
        raw(changed)
    };
    let malformed =
        |name, entry: NewEntry| attack(name, with([entry])).finds([at(7, EntryMalformed)]).holds(8, 7);
    let spelt = |name, change: &dyn Fn(&str) -> String| malformed(name, envelope_of(change));
    let payload = |name, change: &dyn Fn(&str) -> String| {
        let text = String::from_utf8(payload_of(&by_editor(5))).unwrap();
        let changed = change(&text);
        assert_ne!(changed, text);
        malformed(name, raw(sealed(changed.into(), &editor())))
    };
    // A statement of each kind with something changed by its signer.
    let changed = |name, entry: &NewEntry, change: &dyn Fn(&mut Value)| {
        let entry = resigned(entry, change);
        attack(name, with([entry])).holds(8, 8)
    };
    let cites = relates(relation(document(3), RelationKind::Cites, to(document(2))));
    let embargo = notes(notice(document(2), NoticeKind::Embargo));
    let verified = good_entry(5);
    let document_of = |number: u64| json!({"record": number, "original": document(2).original});
    let beyond = |number: u64| changed_target(&cites, document_of(number));
    let of_title =
        |payload: &mut Value, change: &dyn Fn(&mut Value)| change(&mut payload["predicate"]["title"][0]);
    vec![
        spelt("two signatures", &|text| {
            let (_, one) = text.split_once("\"signatures\":[").unwrap();
            let one = one.strip_suffix("]}").unwrap();
            text.replace(one, &format!("{one},{one}"))
        }),
        spelt("no signature", &|text| {
            format!("{}\"signatures\":[]}}", text.split_once("\"signatures\"").unwrap().0)
        }),
        spelt("another payload type", &|text| text.replace(PAYLOAD_TYPE, "application/json")),
        spelt("a payload type spelt otherwise", &|text| {
            text.replace("vnd.in-toto+json", r"vnd.in-toto\u002bjson")
        }),
        spelt("a member more in the envelope", &|text| text.replacen('{', r#"{"a":1,"#, 1)),
        spelt("a member twice in the envelope", &|text| text.replacen('{', r#"{"payload":"","#, 1)),
        spelt("spaces in the envelope", &|text| text.replacen(',', ", ", 1)),
        spelt("a line break after the envelope", &|text| format!("{text}\n")),
        spelt("base64 without its padding", &|text| text.replacen("==\"", "\"", 1)),
        spelt("base64 with bits to spare", &|text| {
            // A signature leaves four bits over.
            let (before, after) = text.split_at(text.rfind("==").unwrap() - 1);
            let spare = char::from(after.as_bytes()[0] + 1);
            format!("{before}{spare}{}", &after[1..])
        }),
        spelt("base64 of URLs", &|text| text.replace('/', "_").replace('+', "-")),
        spelt("a key id in upper case", &|text| {
            let id = editor().public().key_id().to_string();
            text.replace(&id, &id.to_uppercase())
        }),
        malformed("nothing", raw("")),
        malformed("no JSON", raw([0xff; 900])),
        malformed("a statement that nobody signed", raw(payload_of(&by_editor(5)))),
        payload("a member twice in the statement", &|text| text.replacen('{', r#"{"predicate":{},"#, 1)),
        payload("a member twice, deep in the predicate", &|text| {
            text.replacen(r#""bytes":"#, r#""bytes":7,"bytes":"#, 1)
        }),
        payload("arrays in arrays without end", &|text| {
            let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
            text.replacen(r#""predicate":{"#, &format!(r#""predicate":{{"deep":{deep},"#), 1)
        }),
        payload("something after the statement", &|text| format!("{text}{{}}")),
        payload("another statement type", &|text| text.replace("Statement/v1", "Statement/v0.1")),
        payload("no subject", &|text| {
            let (before, after) = text.split_once(r#""subject":["#).unwrap();
            format!("{before}\"subject\":[{}", &after[after.find("],").unwrap()..])
        }),
        payload("a subject of another name", &|text| text.replace(r#""name":"text""#, r#""name":"texts""#)),
        payload("the subjects of another kind", &|text| {
            text.replace("urn:dateline:registration", "urn:dateline:notice")
        }),
        payload("a digest by another algorithm", &|text| text.replacen("sha256", "sha512", 1)),
        payload("a digest of something else beside the first", &|text| {
            text.replacen(r#""digest":{"#, &format!(r#""digest":{{"sha512":"{}","#, "00".repeat(64)), 1)
        }),
        payload("a digest in upper case", &|text| {
            let digest = Hash::of(crate::support::text(5).as_bytes()).to_string();
            text.replace(&digest, &digest.to_uppercase())
        }),
        malformed("65,535 bytes that are no envelope", raw(vec![b'{'; ENTRY_MAX_BYTES])),
        // Each four bytes are three of the payload: no envelope has 65,533 to 65,535.
        attack("the largest entry there can be", with([of_size(ENTRY_MAX_BYTES / 4 * 4)]))
            .holds(8, 8)
            .harmless(),
        attack("an entry that cannot be read, in the middle", operator(|all| all[2] = raw("{}")))
            .finds([
                at(2, EntryMalformed),
                at(4, ReferenceUnknown),
                at(5, ReferenceUnknown),
                at(6, ReferenceUnknown),
            ])
            .holds(7, 6),
        attack("an enrolment that cannot be read", operator(|all| all[0] = raw("{}")))
            .finds([
                at(0, EntryMalformed),
                at(2, SignerUnknown),
                at(3, SignerUnknown),
                at(4, SignerUnknown),
                at(6, SignerUnknown),
            ])
            .holds(7, 2),
        changed("a kind of statement that nobody knows", &good_entry(6), &|payload| {
            payload["predicateType"] = "urn:dateline:rumour:v1".into();
        })
        .finds([at(7, KindUnknown)]),
        changed("a relation that nobody knows", &cites, &|payload| {
            payload["predicate"]["relation"] = "mocks".into()
        })
        .finds([at(7, ValueUnknown)]),
        changed("a notice that nobody knows", &good_entry(6), &|payload| {
            payload["predicate"]["notice"] = "rumour".into();
        })
        .finds([at(7, ValueUnknown)]),
        changed("a finding that nobody knows", &verified, &|payload| {
            payload["predicate"]["state"] = "proven".into();
        })
        .finds([at(7, ValueUnknown)]),
        changed("verified by a method that shows nothing", &verified, &|payload| {
            payload["predicate"]["method"] = "editorialJudgement".into();
        })
        .finds([at(7, StatementInconsistent)]),
        changed("verified by no method", &verified, &|payload| payload["predicate"]["method"] = Value::Null)
            .finds([at(7, StatementInconsistent)]),
        changed("an assessment of a claim that is not made", &verified, &|payload| {
            payload["predicate"]["claim"] = "/claimedOrigins/7".into();
        })
        .finds([at(7, ReferenceInvalid)]),
        changed("an embargo without end", &embargo, &|payload| payload["predicate"]["until"] = Value::Null)
            .finds([at(7, StatementInconsistent)]),
        attack("a record that comes later", with([beyond(8), by_editor(5)]))
            .finds([at(7, ReferenceInvalid)])
            .holds(9, 9),
        attack("a record that no log has", with([beyond(u64::MAX)]))
            .finds([at(7, ReferenceInvalid)])
            .holds(8, 8),
        attack("itself", with([beyond(7)])).finds([at(7, ReferenceInvalid)]).holds(8, 8),
        attack("an entry that registers nothing", with([beyond(1)]))
            .finds([at(7, ReferenceInvalid)])
            .holds(8, 8),
        attack("a record of another document", with([beyond(3)]))
            .finds([at(7, ReferenceInvalid)])
            .holds(8, 8),
        changed("a document is related to itself", &cites, &|payload| {
            payload["predicate"]["target"]["record"] = payload["predicate"]["about"].clone();
        })
        .finds([at(7, StatementInconsistent)]),
        changed("a statement about another document than its subject", &cites, &|payload| {
            payload["subject"][0]["digest"]["sha256"] = "00".repeat(32).into();
        })
        .finds([at(7, StatementInconsistent)]),
        changed("another text than the subject", &by_editor(5), &|payload| {
            payload["subject"][1]["digest"]["sha256"] = "00".repeat(32).into();
        })
        .finds([at(7, StatementInconsistent)]),
        changed("evidence about another text", &by_editor(5), &|payload| {
            of_title(payload, &|title| title["evidence"]["selector"][0]["of"] = "sha256:00".into());
        })
        .finds([at(7, EvidenceMismatch)]),
        changed("evidence that quotes more than it points to", &by_editor(5), &|payload| {
            of_title(payload, &|title| title["evidence"]["selector"][0]["end"] = 400.into());
        })
        .finds([at(7, EvidenceMismatch)]),
        changed("evidence beyond all numbers", &by_editor(5), &|payload| {
            of_title(payload, &|title| title["evidence"]["selector"][0]["start"] = u64::MAX.into());
        })
        .finds([at(7, EvidenceMismatch)]),
        changed("a title that is not what its evidence quotes", &by_editor(5), &|payload| {
            of_title(payload, &|title| title["value"] = "The dam has burst".into());
        })
        .finds([at(7, EvidenceMismatch)]),
        changed("words that stand elsewhere in the stored document", &good_entry(2), &|payload| {
            of_title(payload, &|title| {
                for (member, by) in [("start", 3), ("end", 3)] {
                    let place = &mut title["evidence"]["selector"][0][member];
                    *place = (place.as_u64().unwrap() + by).into();
                }
            });
        })
        .finds([at(7, EvidenceMismatch)]),
        changed("a size that is not the stored document's", &good_entry(2), &|payload| {
            payload["predicate"]["bytes"] = 7.into();
        })
        .finds([at(7, OriginalChanged)]),
        changed("a size beyond all numbers", &good_entry(2), &|payload| {
            payload["predicate"]["bytes"] = u64::MAX.into();
        })
        .finds([at(7, OriginalChanged)]),
        changed("a document that is said to be stored, and is not", &by_editor(5), &|payload| {
            payload["predicate"]["originalStored"] = true.into();
        })
        .finds([at(7, OriginalMissing)]),
        changed("a text of an extractor that nobody has", &good_entry(2), &|payload| {
            payload["predicate"]["text"]["extractor"] = "magic/9".into();
        })
        .finds([at(7, Code::ExtractorUnknown)]),
        changed("another text than the stored document gives", &good_entry(2), &|payload| {
            let other = "00".repeat(32);
            payload["subject"][1]["digest"]["sha256"] = other.clone().into();
            payload["predicate"]["text"]["sha256"] = other.clone().into();
            of_title(payload, &|title| {
                title["evidence"]["selector"][0]["of"] = format!("sha256:{other}").into()
            });
        })
        .finds([at(7, Code::TextMismatch)]),
        changed("another wording than the stored document has", &good_entry(2), &|payload| {
            payload["predicate"]["fingerprints"]["reflow"]["sha256"] = "00".repeat(32).into();
        })
        .finds([at(7, Code::DigestMismatch)]),
        changed("a commitment by another digest", &good_entry(4), &|payload| {
            payload["predicate"]["_sd_alg"] = "sha-512".into();
        })
        .finds([at(7, OpeningMissing)]),
        changed("one commitment in two places", &good_entry(4), &|payload| {
            let digest = payload["predicate"]["_sd"][0].clone();
            payload["predicate"]["_sd"] = json!([digest, digest]);
        })
        .finds([at(7, StatementInconsistent)]),
        changed("commitments that are no list", &good_entry(4), &|payload| {
            payload["predicate"]["_sd"] = payload["predicate"]["_sd"][0].clone();
        })
        .finds([at(7, StatementInconsistent)]),
        attack("a member's commitment where an element belongs", {
            let opening = Disclosure::member([3; 16], "name", &"X".into()).unwrap();
            let entry = resigned(&by_editor(5), |payload| {
                payload["predicate"]["bylines"] = json!([{"...": opening.digest()}]);
            });
            let openings = [entry.openings.clone(), vec![opening.as_str().to_owned()]].concat();
            with([NewEntry { openings, ..entry }])
        })
        .finds([at(7, OpeningMismatch)])
        .holds(8, 8),
        attack("openings in openings without end", {
            let mut value = json!("the end");
            let mut openings = Vec::new();
            for level in 0..100u8 {
                let opening = Disclosure::member([level; 16], "a", &value).unwrap();
                value = json!({"_sd": [opening.digest()]});
                openings.push(opening.as_str().to_owned());
            }
            let entry =
                resigned(&good_entry(4), |payload| payload["predicate"]["_sd"] = value["_sd"].clone());
            with([NewEntry { openings, ..entry }])
        })
        .finds([at(7, OpeningMismatch)])
        .holds(8, 8),
        attack("a quotation whose digest is another's", {
            let quote =
                json!({"text": "a flood", "marks": "«»", "start": 0, "end": 7, "reflowSha256": Hash::of(b"a river")});
            let opening = Disclosure::element([4; 16], &quote).unwrap();
            let entry = resigned(&by_editor(5), |payload| {
                payload["predicate"]["quotes"] = json!([{"...": opening.digest()}]);
            });
            let openings = [entry.openings.clone(), vec![opening.as_str().to_owned()]].concat();
            with([NewEntry { openings, ..entry }])
        })
        .finds([at(7, Code::DigestMismatch)])
        .holds(8, 8),
        attack(
            "the document of a record that is no longer there is left",
            operator(|all| {
                all.truncate(3);
            }),
        )
        .holds(3, 3)
        .harmless(),
        attack(
            "a stored document under an unreadable record is not called a stray",
            operator(|all| {
                all[3] = raw("{}");
                all.truncate(4);
            }),
        )
        .finds([at(3, EntryMalformed)])
        .holds(4, 3),
        attack("a stored document that a bad record registers", {
            let store = with([by_stranger()]);
            crate::attack::put(&store, &original(8), crate::support::text(8));
            store
        })
        .finds([at(7, Code::SignerNotEnrolled)])
        .holds(8, 7),
        attack("a stored document that a statement names only", {
            let store = with([]);
            crate::attack::put(&store, &original(9), crate::support::text(9));
            store
        })
        .finds([(Stray, file(&original(9)))])
        .holds(7, 7)
        .harmless(),
    ]
}

/// The relation with another target, signed by the editor.
fn changed_target(cites: &NewEntry, target: Value) -> NewEntry {
    resigned(cites, |payload| payload["predicate"]["target"]["record"] = target)
}

/// A registration of that many bytes, made longer by a member that nobody knows.
fn of_size(size: usize) -> NewEntry {
    let longer =
        |by: usize| resigned(&by_editor(5), |payload| payload["predicate"]["more"] = "x".repeat(by).into());
    // Three bytes of payload are four of the entry.
    let by = (size - longer(0).bytes.len()) / 4 * 3;
    let entry = (by.saturating_sub(4)..by + 4).map(longer).find(|entry| entry.bytes.len() == size);
    entry.unwrap_or_else(|| panic!("no entry has {size} bytes"))
}

#[test]
fn an_entry_of_one_byte_too_many_has_no_place_in_a_log() {
    let payload = vec![b' '; ENTRY_MAX_BYTES / 4 * 3];
    let signature = editor().sign(&pae(PAYLOAD_TYPE, &payload));
    let bytes = Envelope::seal(payload, &editor().public(), signature).unwrap().encode();
    assert!(matches!(Entry::parse(&bytes), Err(EntryError::Envelope(_))));
    let refused = dateline::tlog::bundle::push(&mut Vec::new(), &bytes[..=ENTRY_MAX_BYTES]);
    assert!(matches!(refused, Err(dateline::tlog::bundle::BundleError::TooLarge { size: 65_536 })));
}
