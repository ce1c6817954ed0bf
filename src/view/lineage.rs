//! What documents rest on, as it is shown: what `trace`, `impact`, `origins`, `show` and `check` have in common.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde_json::{Map, Value, json};

use crate::article::Authority;
use crate::base::Timestamp;
use crate::record::lineage::{Direction, Document, End, Hop, Lineage, Mark, Node, OriginKey, Reach, Resting};
use crate::record::registration::OriginClaim;
use crate::record::{Standings, Target};
use crate::verify::{LogReader, ReaderError, Record};

use super::history::{self, active, unresolved_text};
use super::terminal::sanitize_to;
use super::{WITHHELD, json_word};

/// Hops of a path that are shown.
pub(crate) const PATH_MAX: usize = 16;
/// Characters of a title, and of a printed origin.
const WORDS_MAX: usize = 100;
/// Marks of one document that are shown to a person; JSON has more.
const MARKS_MAX: usize = 5;
/// Marks of one document that JSON has.
const MARKS_JSON_MAX: usize = 1_000;
/// Documents that are taken back, corrected or refuted and that a record rests on: shown to a person, and in JSON.
const RESTING_MAX: (usize, usize) = (10, 1_000);
/// Records of one command of which the way to what was taken back is looked for.
const WALKS_MAX: usize = 200;
/// Claimed origins of one document that are shown.
const ORIGINS_MAX: usize = 5;

/// What is shown of a document besides its index.
#[derive(Debug, Clone, Default)]
pub(crate) struct Brief {
    pub(crate) title: Option<String>,
    /// Claimed origins, `None` for one that is withheld.
    pub(crate) origins: Vec<Option<BriefOrigin>>,
}

#[derive(Debug, Clone)]
pub(crate) struct BriefOrigin {
    /// As printed, with its cue.
    credit: String,
    as_printed: String,
    label: String,
    id: Option<String>,
    pub(crate) key: Option<OriginKey>,
}

impl Brief {
    fn of(record: &Record, authority: &Authority) -> Self {
        let Some(opened) = &record.registration else { return Brief::default() };
        let cut = |text: &str| -> String { text.chars().take(4 * WORDS_MAX).collect() };
        let origin = |claim: &OriginClaim| BriefOrigin {
            credit: cut(&match &claim.cue {
                Some(cue) => format!("{} {}", cue.trim(), claim.as_printed),
                None => claim.as_printed.clone(),
            }),
            as_printed: cut(&claim.as_printed),
            label: cut(&claim.org.label),
            id: claim.org.id.as_deref().map(cut),
            key: OriginKey::of(claim, authority),
        };
        let registration = &opened.registration;
        Brief {
            title: registration.title.first().map(|title| cut(&title.value)),
            origins: registration.claimed_origins.iter().map(|claim| claim.opened().map(origin)).collect(),
        }
    }

    /// Returns the title for a person.
    pub(crate) fn title(&self) -> String {
        self.title
            .as_ref()
            .map_or("(no title)".into(), |title| format!("\"{}\"", sanitize_to(title, WORDS_MAX)))
    }

    /// Returns the claimed origins for a person.
    pub(crate) fn origin(&self) -> String {
        let one = |origin: &Option<BriefOrigin>| match origin {
            None => WITHHELD.into(),
            Some(origin) => {
                let id = origin.id.as_ref().map(|id| format!(" [{}]", sanitize_to(id, 40)));
                format!("\"{}\"{}", sanitize_to(&origin.credit, WORDS_MAX), id.unwrap_or_default())
            }
        };
        let shown: Vec<String> = self.origins.iter().take(ORIGINS_MAX).map(one).collect();
        let more = self.origins.len().saturating_sub(ORIGINS_MAX);
        match (shown.is_empty(), more) {
            (true, _) => "claims no origin".into(),
            (_, 0) => format!("claims {}", shown.join("; ")),
            (_, more) => format!("claims {}; and {more} more", shown.join("; ")),
        }
    }

    fn json(&self) -> Map<String, Value> {
        let origins = self.origins.iter().map(|origin| match origin {
            None => json!({"withheld": true}),
            Some(origin) => json!({
                "asPrinted": origin.as_printed, "credit": origin.credit, "label": origin.label, "organisation": origin.id,
            }),
        });
        let mut members = Map::new();
        members.insert("title".into(), json!(self.title));
        members.insert("claimedOrigins".into(), origins.collect());
        members
    }
}

/// The origins that some documents claim, under the name that stands first.
pub(crate) fn labels<'b>(briefs: impl Iterator<Item = &'b Brief>) -> BTreeMap<OriginKey, String> {
    let mut labels = BTreeMap::new();
    for origin in briefs.flat_map(|brief| brief.origins.iter().flatten()) {
        if let Some(key) = &origin.key {
            labels.entry(key.clone()).or_insert_with(|| origin.label.clone());
        }
    }
    labels
}

/// Reads what is to be shown of some records: each by itself where `keys`, the statements about keys, are known; else it takes
/// one more pass over the log.
pub(crate) fn briefs(
    reader: &LogReader<'_>,
    keys: Option<&[u64]>,
    wanted: &BTreeSet<u64>,
    authority: &Authority,
) -> Result<BTreeMap<u64, Brief>, ReaderError> {
    let mut briefs = BTreeMap::new();
    if wanted.is_empty() {
        return Ok(briefs);
    }
    let each = |record: Record| {
        if wanted.contains(&record.index) {
            briefs.insert(record.index, Brief::of(&record, authority));
        }
        ControlFlow::Continue(())
    };
    match keys {
        Some(keys) => reader.read_named(keys, wanted, each)?,
        None => reader.scan(each)?,
    }
    Ok(briefs)
}

/// Returns a node for a person: `record 4`, or what is known of what nobody has registered.
pub(crate) fn name(lineage: &Lineage<'_>, node: Node) -> String {
    match lineage.end(node) {
        End::Document(document) => format!("record {}", document.record()),
        End::Unresolved(unresolved) => format!("{}, not registered", unresolved_text(unresolved)),
    }
}

/// Returns the same for a program.
pub(crate) fn node_json(lineage: &Lineage<'_>, node: Node) -> Map<String, Value> {
    let value = match lineage.end(node) {
        End::Document(Document { original, records }) => {
            json!({"record": records[0], "original": format!("sha256:{original}")})
        }
        End::Unresolved(unresolved) => json!({ "unresolved": unresolved }),
    };
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Returns a document with what it claims and what became of it, for a program.
pub(crate) fn document_json(
    lineage: &Lineage<'_>,
    node: Node,
    brief: &Brief,
    now: Timestamp,
) -> Map<String, Value> {
    let mut members = node_json(lineage, node);
    if let Some(document) = lineage.document(node) {
        members.insert("records".into(), json!(document.records));
        members.extend(brief.json());
        members.insert("marks".into(), marks_json(&lineage.marks(node, now)));
    }
    members
}

/// Returns on what evidence a hop is shown.
pub(crate) fn evidence(hop: &Hop) -> String {
    let again = match hop.again {
        0 => String::new(),
        again => format!(", said {again} times more"),
    };
    format!("record {}, key {}…{again}", hop.by, &hop.signer.to_hex()[..16])
}

/// Returns a hop for a program.
pub(crate) fn hop_json(lineage: &Lineage<'_>, hop: &Hop) -> Map<String, Value> {
    let value = json!({
        "from": node_json(lineage, hop.from), "relation": hop.relation, "to": node_json(lineage, hop.to),
        "by": hop.by, "signer": hop.signer, "again": hop.again,
    });
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Returns a path for a person: `record 9 cites record 6 quotes record 4`.
pub(crate) fn path_text(lineage: &Lineage<'_>, path: &[&Hop], distance: usize) -> String {
    let mut out = if path.len() < distance { "… ".to_owned() } else { String::new() };
    for (number, hop) in path.iter().enumerate() {
        if number == 0 {
            out.push_str(&name(lineage, hop.from));
        }
        out.push_str(&format!(" {} {}", active(&hop.relation), name(lineage, hop.to)));
    }
    out
}

/// Returns what became of a document, a line a statement, for a person.
pub(crate) fn marks_text(lineage: &Lineage<'_>, node: Node, marks: &[Mark]) -> Vec<String> {
    let several = lineage.document(node).is_some_and(|document| document.records.len() > 1);
    let mut lines: Vec<String> = marks.iter().take(MARKS_MAX).map(|mark| mark_text(mark, several)).collect();
    if marks.len() > MARKS_MAX {
        lines.push(format!("! and {} statements more", marks.len() - MARKS_MAX));
    }
    lines
}

fn mark_text(mark: &Mark, several: bool) -> String {
    let mut out = format!("! {}", mark.fate.word());
    if let Some(claim) = &mark.claim {
        out.push_str(&format!(": {}", sanitize_to(claim, 60)));
    }
    if let Some(other) = mark.other {
        out.push_str(&format!(" by record {other}"));
    }
    let of = if several { format!(", of record {}", mark.record) } else { String::new() };
    out.push_str(&format!(" (record {}, key {}…{of})", mark.by, &mark.signer.to_hex()[..16]));
    if let Some(by) = mark.other_taken_back {
        out.push_str(&format!("; that document was itself taken back (record {by}): look at both"));
    }
    out
}

/// Returns the same for a program.
pub(crate) fn marks_json(marks: &[Mark]) -> Value {
    let one = |mark: &Mark| {
        json!({
            "what": mark.fate, "grave": mark.fate.is_grave(), "record": mark.record, "by": mark.by, "signer": mark.signer,
            "claim": mark.claim, "byDocument": mark.other, "byDocumentTakenBackBy": mark.other_taken_back,
        })
    };
    marks.iter().take(MARKS_JSON_MAX).map(one).collect()
}

/// Of what records rest on, directly or through others, what was taken back, corrected or refuted.
pub(crate) struct Warnings<'l> {
    lineage: &'l Lineage<'l>,
    now: Timestamp,
    /// All that rests on any such thing, and those themselves.
    affected: Reach,
    /// Documents whose way there is still looked for: each takes a walk.
    left: Cell<usize>,
}

impl<'l> Warnings<'l> {
    /// Looks at a whole log once. `now` is for embargoes.
    pub(crate) fn of(lineage: &'l Lineage<'l>, now: Timestamp) -> Self {
        let affected = lineage.reach(lineage.stained(now), Direction::Under);
        Warnings { lineage, now, affected, left: Cell::new(WALKS_MAX) }
    }

    /// Returns what `record` rests on, at most `limit`, and how much that is; `None` where too much was looked for.
    fn find(&self, record: u64, limit: usize) -> Option<(Vec<Resting<'_>>, usize)> {
        let affected = |node: Node| self.affected.distance(node).is_some();
        let rests = |node: &Node| self.lineage.hops(*node, Direction::On).any(|hop| affected(hop.to));
        let Some(node) = self.lineage.node(record).filter(rests) else { return Some((Vec::new(), 0)) };
        self.left.set(self.left.get().checked_sub(1)?);
        Some(self.lineage.rests_on_stained(node, self.now, limit, PATH_MAX))
    }

    /// Returns the lines for a person, in the form of [`history::text`]. None if there is nothing.
    pub(crate) fn text(&self, record: u64) -> String {
        let lines = match self.find(record, RESTING_MAX.0) {
            None => {
                vec![format!("something that was taken back, corrected or refuted: `dateline show {record}`")]
            }
            Some((found, count)) => {
                let mut lines: Vec<String> =
                    found.iter().map(|one| resting_line(self.lineage, one)).collect();
                if count > found.len() {
                    lines.push(format!("and on {} more: --format json has more", count - found.len()));
                }
                lines
            }
        };
        history::listed("! rests on", lines)
    }

    /// Returns the same for a program: the list, and how many there are; both null where too much was looked for.
    pub(crate) fn json(&self, record: u64) -> (Value, Value) {
        let Some((found, count)) = self.find(record, RESTING_MAX.1) else {
            return (Value::Null, Value::Null);
        };
        let list = found.iter().map(|resting| {
            let mut members = node_json(self.lineage, resting.node);
            members.insert("distance".into(), json!(resting.distance));
            members.insert("marks".into(), marks_json(&resting.marks));
            let path = resting.path.iter().map(|hop| Value::Object(hop_json(self.lineage, hop)));
            members.insert("path".into(), path.collect());
            Value::Object(members)
        });
        (list.collect(), json!(count))
    }
}

/// Returns what a record rests on and what became of that, in one line.
pub(crate) fn resting_line(lineage: &Lineage<'_>, resting: &Resting<'_>) -> String {
    let word = |mark: &Mark| format!("{} (record {})", mark.fate.word(), mark.by);
    let shown: Vec<String> = resting.marks.iter().take(MARKS_MAX).map(word).collect();
    let more = if resting.marks.len() > MARKS_MAX { ", …" } else { "" };
    let way = path_text(lineage, &resting.path, resting.distance);
    format!("{}, {}{more}: {way}", name(lineage, resting.node), shown.join(", "))
}

/// Returns the targets that nobody has registered, of all that registrations rest on: which record says so of which.
pub(crate) fn unresolved(standings: &Standings) -> impl Iterator<Item = (u64, u64, String)> {
    standings.iter().flat_map(|(record, standing)| {
        let resting = standing.relations.iter().filter(|one| one.relation.rests_on_target());
        resting.filter_map(move |one| match &one.other {
            Target::Unresolved(unresolved) => Some((record, one.by, unresolved_text(unresolved))),
            Target::Record(_) => None,
        })
    })
}

/// The word that JSON has for an origin.
pub(crate) fn origin_json(key: &OriginKey, labels: &BTreeMap<OriginKey, String>) -> Value {
    let label = labels.get(key);
    match key {
        OriginKey::Organisation(id) => json!({"organisation": id, "label": label}),
        OriginKey::Name(name) => json!({"name": name, "label": label}),
    }
}

/// Returns an origin for a person.
pub(crate) fn origin_text(key: &OriginKey, labels: &BTreeMap<OriginKey, String>) -> String {
    let label = labels.get(key).map_or("", String::as_str);
    match key {
        OriginKey::Organisation(id) => format!("{} [{}]", sanitize_to(label, WORDS_MAX), sanitize_to(id, 40)),
        OriginKey::Name(_) => format!("\"{}\"", sanitize_to(label, WORDS_MAX)),
    }
}

/// The word of a relation, as JSON has it.
pub(crate) fn relation_word(hop: &Hop) -> String {
    json_word(&hop.relation)
}
