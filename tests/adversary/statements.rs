//! Statements that contradict themselves, the log, or the document that they are about, signed by one who may sign.

use dateline::article::reflow::reflow;
use dateline::article::{self, ReadOptions};
use dateline::attest::Disclosure;
use dateline::base::Hash;
use dateline::base::limits::QUOTE_MAX_CHARS;
use dateline::record::{Decisions, Draft, NewEntry, NoticeKind, RelationKind};
use dateline::storage::MemoryStore;
use dateline::verify::Code;
use serde_json::{Value, json};

use crate::attack::{
    Attack, at, attack, by_editor, by_stranger, check_all, file, good_entry, operator, original, raw, with,
};
use crate::support::statements::{document, notes, notice, relates, relation, resigned, said, to};
use crate::support::{audited, editor};

#[test]
fn statement() {
    check_all(statements());
}

/// What a signer says that cannot stand.
pub(crate) fn statements() -> Vec<Attack> {
    use Code::{
        EntryMalformed, EvidenceMismatch, KindUnknown, OpeningMismatch, OpeningMissing, OriginalChanged,
        OriginalMissing, ReferenceInvalid, StatementInconsistent, Stray, ValueUnknown,
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
        attack("points to a record that comes later", with([beyond(8), by_editor(5)]))
            .finds([at(7, ReferenceInvalid)])
            .holds(9, 9),
        attack("points to a record that no log has", with([beyond(u64::MAX)]))
            .finds([at(7, ReferenceInvalid)])
            .holds(8, 8),
        attack("points to itself", with([beyond(7)])).finds([at(7, ReferenceInvalid)]).holds(8, 8),
        attack("points to an entry that registers nothing", with([beyond(1)]))
            .finds([at(7, ReferenceInvalid)])
            .holds(8, 8),
        attack("points to a record as of another document", with([beyond(3)]))
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
        changed("a title that its evidence quotes with other spaces", &by_editor(5), &|payload| {
            of_title(payload, &|title| title["value"] = "Dispatch  5".into());
        })
        .harmless(),
        changed("a title that the document's metadata declare", &by_editor(5), &|payload| {
            of_title(payload, &|title| title["evidence"]["selector"] = declared("Dispatch 5"));
        })
        .harmless(),
        // It quotes nothing, and not the title.
        changed("evidence that quotes nothing", &by_editor(5), &|payload| {
            of_title(payload, &|title| title["evidence"]["selector"] = declared(""));
        })
        .finds([at(7, EvidenceMismatch), at(7, EvidenceMismatch)]),
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
        attack("as many openings lost as are told one by one", lost_openings(16))
            .and_finds(at(7, OpeningMissing), 16)
            .holds(8, 8),
        attack("more openings lost than are told one by one", lost_openings(18))
            .and_finds(at(7, OpeningMissing), 16 + 1)
            .holds(8, 8),
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
        attack("paragraphs that overlap, to be read again and again", {
            let text = crate::support::text(2);
            let whole = Hash::of(reflow(&text).as_str().as_bytes());
            let paragraph = json!({"start": 0, "end": text.chars().count(), "reflowSha256": whole});
            with_member(&good_entry(2), "paragraphs", &json!([paragraph, paragraph]))
        })
        .finds([at(7, Code::DigestMismatch)])
        .holds(8, 8),
        // Four characters of the document for each that a quotation may have.
        attack("the longest quotation", quoted_whole(4 * QUOTE_MAX_CHARS)).holds(8, 8).harmless(),
        attack(
            "a quotation of a whole document, to be read again and again",
            quoted_whole(4 * QUOTE_MAX_CHARS + 1),
        )
        .finds([at(7, EvidenceMismatch)])
        .holds(8, 8),
        attack("a quotation whose digest is another's", {
            let quote =
                json!({"text": "a flood", "marks": "«»", "start": 0, "end": 7, "reflowSha256": Hash::of(b"a river")});
            with([with_quote(&by_editor(5), &quote)])
        })
        .finds([at(7, Code::DigestMismatch)])
        .holds(8, 8),
        attack("words of another place", with([with_quote(&good_entry(2), &quotation("A flood", 0))]))
            .finds([at(7, EvidenceMismatch)])
            .holds(8, 8),
        attack("a page that its server called by another charset than it does", served_as("koi8-r"))
            .holds(8, 8)
            .harmless(),
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
        attack("another document is stored than the one that a record did not store", {
            let store = with([by_editor(5)]);
            crate::attack::put(&store, &original(5), crate::support::text(6));
            store
        })
        .finds([at(7, OriginalChanged)])
        .holds(8, 8),
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

/// The good log, and in it a statement with that many commitments whose openings are nowhere.
fn lost_openings(count: u8) -> MemoryStore {
    let digests: Vec<String> = (0..count)
        .map(|number| Disclosure::member([number; 16], "a", &"b".into()).unwrap().digest())
        .collect();
    let entry = resigned(&good_entry(4), |payload| payload["predicate"]["_sd"] = json!(digests));
    with([NewEntry { openings: Vec::new(), ..entry }])
}

#[test]
fn a_finding_says_which_claim_it_is_about_and_how_many_openings_more_are_lost() {
    let told = |store: &MemoryStore| {
        let last = audited(store).findings.pop().unwrap();
        (last.field, last.message)
    };
    let changed = |change: &dyn Fn(&mut Value)| {
        with([resigned(&by_editor(5), |payload| change(&mut payload["predicate"]["title"][0]))])
    };
    let (of_value, _) = told(&changed(&|title| title["value"] = "The dam has burst".into()));
    assert_eq!(of_value.as_deref(), Some("/title/0/value"));
    let (of_evidence, _) = told(&changed(&|title| title["evidence"]["selector"] = json!([])));
    assert_eq!(of_evidence.as_deref(), Some("/title/0"));
    assert_eq!(told(&lost_openings(18)), (None, "record 7: 2 openings more are missing".into()));
}

/// The good log, and in it the registration with a member more, committed to and opened in the place of all others.
fn with_member(entry: &NewEntry, name: &str, value: &Value) -> MemoryStore {
    let opening = Disclosure::member([4; 16], name, value).unwrap();
    let entry = resigned(entry, |payload| payload["predicate"]["_sd"] = json!([opening.digest()]));
    with([NewEntry { openings: vec![opening.as_str().to_owned()], ..entry }])
}

/// The registration of a document by the editor, as if nothing was found in it.
fn registration_of(text: &str) -> NewEntry {
    let article = article::read(text.as_bytes(), &ReadOptions::default()).unwrap();
    said(&editor(), |circumstances| Draft::registration(&article, &Decisions::default(), circumstances))
}

/// The good log, and in it a document of `length` characters that is quoted as a whole.
fn quoted_whole(length: usize) -> MemoryStore {
    let mut text: String = "one two three four. ".chars().cycle().take(length - 1).collect();
    text.push('.');
    let words = reflow(&text).as_str().to_owned();
    let quote = json!({
        "text": words, "marks": "«»", "start": 0, "end": length, "reflowSha256": Hash::of(words.as_bytes()),
    });
    let store = with([with_quote(&registration_of(&text), &quote)]);
    crate::attack::put(&store, &dateline::record::layout::content_path(&Hash::of(text.as_bytes())), text);
    store
}

/// A quotation of these words, which are said to stand at `start`.
fn quotation(words: &str, start: usize) -> Value {
    let end = start + words.chars().count();
    json!({"text": words, "marks": "«»", "start": start, "end": end, "reflowSha256": Hash::of(words.as_bytes())})
}

/// The selector of words that a document's metadata declare.
fn declared(exact: &str) -> Value {
    json!([{"type": "DeclaredSelector", "source": "json-ld", "path": "/headline", "exact": exact}])
}

/// The good log, and in it a page that is stored, and was served in `charset`, which is not the one that it names.
fn served_as(charset: &str) -> MemoryStore {
    let page = "<html><head><meta charset=\"windows-1251\"></head><body><article><h1>Озеро</h1><p>Вода прибыла.</p>\
                </article></body></html>";
    let bytes = encoding_rs::Encoding::for_label(charset.as_bytes()).unwrap().encode(page).0.into_owned();
    let options = ReadOptions { charset: Some(charset), ..ReadOptions::default() };
    let article = article::read(&bytes, &options).unwrap();
    let entry =
        said(&editor(), |circumstances| Draft::registration(&article, &Decisions::default(), circumstances));
    let store = with([entry]);
    crate::attack::put(&store, &dateline::record::layout::content_path(&Hash::of(&bytes)), bytes);
    store
}

#[test]
fn each_claim_that_stands_in_a_stored_document_is_counted() {
    let claims = |more: &[NewEntry]| audited(&with(more.to_vec())).counts.claims;
    // The titles of the two documents.
    assert_eq!(claims(&[]), 2);
    assert_eq!(claims(&[good_entry(2)]), 3);
    assert_eq!(claims(&[with_quote(&good_entry(2), &quotation("Dispatch", 0))]), 4);
    assert_eq!(claims(&[with_quote(&good_entry(2), &quotation("A flood", 0))]), 3);
    // Nobody can say where words stand in a document that is not at hand.
    assert_eq!(claims(&[with_quote(&by_editor(5), &quotation("Dispatch", 0))]), 2);
}

/// The registration with one quotation, committed to and opened.
fn with_quote(entry: &NewEntry, quote: &Value) -> NewEntry {
    let opening = Disclosure::element([4; 16], quote).unwrap();
    let entry =
        resigned(entry, |payload| payload["predicate"]["quotes"] = json!([{"...": opening.digest()}]));
    NewEntry { openings: [entry.openings.clone(), vec![opening.as_str().to_owned()]].concat(), ..entry }
}
