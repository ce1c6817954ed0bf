//! One record, with all that was said of it.

use serde_json::{Map, Value, json};

use crate::attest::disclosure::commitment_at;
use crate::base::Timestamp;
use crate::note::Checkpoint;
use crate::record::standing::Erased;
use crate::record::{Body, Lineage, Standings};
use crate::verify::Record;
use crate::view::lineage::Warnings;
use crate::view::{View, WITHHELD, history, json_word, sanitize, sanitize_to, statement_text};

use super::basis::Basis;

/// Returns the erasure that accounts for a commitment in an entry, if one does.
fn erasure_at<'s>(
    standings: &'s Standings,
    index: u64,
    predicate: &Value,
    pointer: &str,
) -> Option<&'s Erased> {
    standings.erasure_of(index, commitment_at(predicate, pointer)?)
}

/// Returns what a program is shown of a registration in a list; `None` for another record.
pub(crate) fn listed(record: &Record) -> Option<Map<String, Value>> {
    let opened = record.registration.as_ref()?;
    let mut members = View::of_record(&record.entry.original()?, opened).json();
    members.insert("record".into(), json!(record.index));
    members.insert("recordedAt".into(), json!(opened.registration.recorded_at));
    members.insert("signer".into(), json!(opened.registration.recorded_by));
    members.insert("signerHolds".into(), json!(record.signer.is_ok()));
    members.insert("openingsFit".into(), json!(record.openings_fit.is_ok()));
    Some(members)
}

/// What was erased of the record at hand.
struct Erasures<'s> {
    standings: &'s Standings,
    record: &'s Record,
}

impl Erasures<'_> {
    /// Returns why the commitment at a pointer is closed.
    fn why(&self, predicate: &Value, pointer: &str) -> Option<String> {
        let erased = erasure_at(self.standings, self.record.index, predicate, pointer)?;
        Some(format!("erased, entry {}, reason {}", erased.by, sanitize_to(&json_word(&erased.reason), 40)))
    }

    fn text(&self, closed: &[String]) -> String {
        let predicate = self.record.entry.predicate();
        let mut out = String::new();
        for pointer in closed {
            let shown = sanitize(pointer);
            out.push_str(&match self.why(&predicate, pointer) {
                Some(why) => format!("  {WITHHELD}: {shown} ({why})\n"),
                None => format!("  {WITHHELD}: the opening of {shown} is not at hand\n"),
            });
        }
        out
    }

    fn json(&self) -> Vec<Value> {
        let all = self.standings.erased(self.record.index).iter();
        let one = |erased: &Erased| {
            json!({
                "by": erased.by, "commitments": erased.commitments, "original": erased.original, "reason": erased.reason,
            })
        };
        all.map(one).collect()
    }
}

fn kind(record: &Record) -> String {
    let known = record.entry.kind().map(|kind| kind.to_string());
    known.unwrap_or_else(|| sanitize(&record.entry.statement.predicate_type))
}

/// Returns what a person is shown of it, in a log of `size` entries.
pub(crate) fn text(record: &Record, standings: &Standings, size: u64, now: Timestamp) -> String {
    let (standing, erased) = (standings.of(record.index), &Erasures { standings, record });
    let mut out = format!("record {} of {size}: {}\n", record.index, kind(record));
    let mut line = |name: &str, value: &str| out.push_str(&format!("  {name:<12}{value}\n"));
    match &record.signer {
        Ok(signer) => line("signer", &format!("{signer}, enrolled at that index; the signature holds")),
        Err(why) => line("signer", &format!("DOES NOT HOLD: {}", sanitize(why))),
    }
    if let Err(why) = &record.openings_fit {
        line("openings", &format!("DO NOT FIT, none is shown: {}", sanitize(why)));
    }
    if let Body::Key(statement) = &record.entry.body {
        line("action", &json_word(&statement.action));
        line("key", &sanitize(&statement.key.public));
        line("recorded", &statement.recorded_at.to_string());
    }
    if let (Some(opened), Some(original)) = (&record.registration, record.entry.original()) {
        let view = View::of_record(&original, opened);
        line("recorded", &format!("{} (by the signer's own clock)", opened.registration.recorded_at));
        out.push_str(&view.text());
        for quote in view.quotes.iter().flatten() {
            let text = quote.as_ref().map_or(WITHHELD.into(), |quote| sanitize(&quote.text));
            out.push_str(&format!("    {text}\n"));
        }
        for (name, digest) in &view.digests {
            let digest = digest.as_str().unwrap_or(WITHHELD);
            out.push_str(&format!("  {name:<12}{digest}\n"));
        }
        out.push_str(&erased.text(&opened.withheld));
        out.push_str(&history::text(standing, now));
        let graph = Lineage::of(erased.standings);
        out.push_str(&Warnings::of(&graph, now).text(record.index));
        out.push_str("This establishes that the signer recorded these claims about the document, at this index of the log.\n");
        out.push_str(
            "It does not establish that the named origin produced the document, nor that it is true.\n",
        );
    }
    if !matches!(record.entry.body, Body::Registration(_) | Body::Key(_)) {
        let (opened, closed) = opened(record);
        out.push_str(&statement_text(&opened));
        if let Body::Sealed(_) = record.entry.body
            && !closed.is_empty()
        {
            out.push_str("  sealed: which document it is only whoever sealed it can disclose\n");
        } else {
            out.push_str(&erased.text(&closed));
        }
    }
    out
}

/// Returns what a statement says with its openings put back, and what stays closed.
fn opened(record: &Record) -> (Value, Vec<String>) {
    match record.entry.open::<Value>(&record.openings) {
        Ok(opened) => (opened.value, opened.withheld),
        Err(_) => (record.entry.predicate(), Vec::new()),
    }
}

/// Returns what a program is shown of it. `stored` says whether its original is, of a registration.
pub(crate) fn json(
    record: &Record,
    standings: &Standings,
    checkpoint: &Checkpoint,
    stored: Option<bool>,
    basis: Basis,
    now: Timestamp,
) -> Value {
    let (standing, erased) = (standings.of(record.index), &Erasures { standings, record });
    let mut members = match (&record.registration, record.entry.original()) {
        (Some(opened), Some(original)) => {
            let mut members = View::of_record(&original, opened).json();
            members.insert("recordedAt".into(), json!(opened.registration.recorded_at));
            members.insert("withheld".into(), json!(opened.withheld));
            members.insert("originalStored".into(), json!(stored));
            members.insert("standing".into(), history::json(standing));
            let graph = Lineage::of(erased.standings);
            let (resting, count) = Warnings::of(&graph, now).json(record.index);
            members.insert("restsOn".into(), resting);
            members.insert("restsOnCount".into(), count);
            members
        }
        _ => Default::default(),
    };
    members.insert("basis".into(), json!(basis.word()));
    members.insert("record".into(), json!(record.index));
    members.insert("kind".into(), json!(kind(record)));
    members.insert("predicate".into(), record.entry.predicate());
    members.insert("opened".into(), opened(record).0);
    members.insert("erasures".into(), json!(erased.json()));
    members.insert("signer".into(), json!(record.entry.envelope.key_id()));
    members.insert("signerHolds".into(), json!(record.signer.is_ok()));
    members.insert("openingsFit".into(), json!(record.openings_fit.is_ok()));
    let checkpoint = json!({"size": checkpoint.size(), "rootHash": checkpoint.root_hash()});
    members.insert("checkpoint".into(), checkpoint);
    Value::Object(members)
}
