//! Who may say what, and from when to when; signatures that do not hold.

use dateline::attest::dsse::{PAYLOAD_TYPE, pae};
use dateline::base::SigningKey;
use dateline::record::{Draft, Entry, KeyAction, NewEntry, NoticeKind, Role};
use dateline::verify::Code;
use serde_json::Value;
use sha2::{Digest, Sha512};

use crate::attack::{
    Attack, at, attack, by_editor, by_stranger, check_all, envelope, good_entry, raw, stranger, with,
};
use crate::support::statements::{
    assessment, assessor, document, enrolled, notice, payload_of, recorded, resigned, said, sealed,
};
use crate::support::{editor, key_entry, log_key, registration, root_key, signing};

#[test]
fn key() {
    check_all(keys());
}

#[test]
fn signature() {
    check_all(signatures());
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
        attack(
            "a root key registers a document",
            with([registration(&root_key(), 8, "", false).entry.into_entry()]),
        )
        .finds([at(7, SignerNotEnrolled)])
        .holds(8, 7),
        attack(
            "the log's key registers a document",
            with([registration(&log_key(), 8, "", false).entry.into_entry()]),
        )
        .finds([at(7, SignerNotEnrolled)])
        .holds(8, 7),
        attack(
            "an assessor registers a document",
            with([registration(&assessor(), 8, "", false).entry.into_entry()]),
        )
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
    let one = secret * secret.invert();
    let mut challenge = one + -one;
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
