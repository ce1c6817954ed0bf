//! What one pass over the log shows: silence, what is missing, what contradicts itself, rules that find nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use serde::de::IgnoredAny;
use serde_json::json;

use crate::article::rules::{Field, rules};
use crate::article::{Authority, Evidence};
use crate::attest::disclosure::commitment_at;
use crate::base::{Hash, Timestamp};
use crate::cli::workspace::Workspace;
use crate::look::{is_stored, quoted};
use crate::record::lineage::{Direction, Lineage, Node, OriginKey};
use crate::record::registration::{Committable, OpenedRegistration, OriginClaim};
use crate::record::{Body, Pending, Standings, State, layout};
use crate::storage::{Key, Store};
use crate::verify::{LogReader, ReaderError, Record, Trust};
use crate::view::lineage::{PATH_MAX, path_text, resting_line, unresolved};

use super::{Finding, Severity, record, similar};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Records that rest on something stained, of which the way is shown; each takes a walk. What comes after them is counted
/// even if it is what corrected the others.
const WAYS_MAX: usize = 50;

/// What is looked for, and where.
pub(super) struct Asked<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) authority: &'a Authority,
    pub(super) store: &'a dyn Store,
    pub(super) trust: &'a Trust,
    pub(super) days: u32,
    pub(super) now: Timestamp,
}

/// What was seen of a log.
struct Seen {
    standings: Standings,
    state: State,
    newest: Option<Timestamp>,
    /// The commitments whose openings are missing, by entry; `None` for one inside another opening.
    openings_missing: Vec<(u64, Vec<Option<String>>)>,
    originals_missing: Vec<u64>,
    /// The names of all that are stored, if they were listed.
    originals: Option<HashSet<Key>>,
    /// By the digest of a wording, who claims what of it.
    wordings: HashMap<Hash, Vec<Claimed>>,
    documents: u64,
    /// Documents by the first part of their language's tag, for the languages that rules are for.
    languages: BTreeMap<String, u64>,
    /// Rules that did not fire yet.
    silent: BTreeSet<&'static str>,
    /// Bylines and origins that no opening is at hand for, in which a rule may have fired.
    closed: u64,
}

pub(super) struct Claimed {
    pub(super) record: u64,
    pub(super) original: Hash,
    pub(super) keys: Vec<OriginKey>,
    pub(super) withheld: bool,
}

/// Two records of one text, or nearly, that credit it differently: the one that credits somebody first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Conflict {
    pub(super) record: u64,
    pub(super) other: u64,
    /// How much of the first text stands in the second, in percent; `None` for the same wording.
    pub(super) percent: Option<u64>,
}

/// Reads the log and says what is the matter; and who may sign now.
pub(super) fn look(reader: &LogReader<'_>, asked: &Asked<'_>) -> Result<(Vec<Finding>, State), ReaderError> {
    let mut seen = Seen {
        standings: Standings::default(),
        state: State::new(asked.trust.roots.iter().copied()),
        newest: None,
        openings_missing: Vec::new(),
        originals_missing: Vec::new(),
        originals: names_of_originals(asked),
        wordings: HashMap::new(),
        documents: 0,
        languages: rules()
            .all()
            .iter()
            .flat_map(|rule| rule.languages)
            .map(|tag| ((*tag).to_owned(), 0))
            .collect(),
        silent: rules().all().iter().map(|rule| rule.id).collect(),
        closed: 0,
    };
    reader.scan(|record| {
        seen.take(&record, asked);
        ControlFlow::Continue(())
    })?;
    let mut found = Vec::new();
    found.extend(seen.silence(asked));
    found.extend(seen.missing());
    let similar = similar::look(reader, asked, seen.wordings.values().flatten())?;
    found.extend(similar.is_none().then(similar::not_looked));
    found.extend(seen.conflicts(similar.unwrap_or_default()));
    found.extend(seen.standing(asked.now));
    found.extend(misquotes(reader, asked, &seen.standings)?);
    found.extend(seen.rules());
    found.extend(witnesses(reader, asked.trust));
    found.extend(pending(asked));
    Ok((found, seen.state))
}

/// Returns the names of all stored originals where asking for them one by one takes long: in a bucket.
fn names_of_originals(asked: &Asked<'_>) -> Option<HashSet<Key>> {
    asked.workspace.bucket()?;
    let listing = asked.store.list(layout::CONTENT).ok()?;
    Some(listing.keys.into_iter().collect())
}

impl Seen {
    fn is_stored(&self, asked: &Asked<'_>, original: &Hash) -> bool {
        match &self.originals {
            Some(names) => Key::new(layout::content_path(original)).is_ok_and(|key| names.contains(&key)),
            None => is_stored(asked.store, original),
        }
    }

    fn take(&mut self, record: &Record, asked: &Asked<'_>) {
        // Entries that are no records are not come by.
        self.state.skip_to(record.index);
        match &record.entry.body {
            // It stands: the reader found that its signer may make it.
            Body::Key(statement) if record.signer.is_ok() => {
                drop(self.state.apply(statement, &record.entry.envelope.key_id()));
            }
            _ => self.state.advance(),
        }
        if record.signer.is_err() {
            return;
        }
        self.standings.fold(record.index, &record.entry);
        let withheld = match (&record.registration, &record.entry.body) {
            // Whoever sealed a document keeps what opens it.
            (_, Body::Sealed(_)) => Vec::new(),
            (Some(opened), _) => opened.withheld.clone(),
            (None, _) => {
                record.entry.open::<IgnoredAny>(&record.openings).map_or(Vec::new(), |opened| opened.withheld)
            }
        };
        if !withheld.is_empty() && record.openings_fit.is_ok() {
            let predicate = record.entry.predicate();
            let digests =
                withheld.iter().map(|pointer| commitment_at(&predicate, pointer).map(str::to_owned));
            self.openings_missing.push((record.index, digests.collect()));
        }
        if let (Some(opened), Some(original)) = (&record.registration, record.entry.original()) {
            self.document(record.index, original, opened, asked.authority);
            if opened.registration.original_stored && !self.is_stored(asked, &original) {
                self.originals_missing.push(record.index);
            }
        }
    }

    fn document(&mut self, index: u64, original: Hash, opened: &OpenedRegistration, authority: &Authority) {
        let registration = &opened.registration;
        self.documents += 1;
        self.newest = self.newest.max(Some(registration.recorded_at));
        let origins: Vec<&OriginClaim> =
            registration.claimed_origins.iter().filter_map(Committable::opened).collect();
        let bylines: Vec<_> = registration.bylines.iter().filter_map(Committable::opened).collect();
        let closed =
            registration.claimed_origins.len() - origins.len() + registration.bylines.len() - bylines.len();
        self.closed += closed as u64;
        if registration.fingerprints.reflow.sha256 != Hash::of(b"") {
            let mut keys: Vec<OriginKey> =
                origins.iter().filter_map(|origin| OriginKey::of(origin, authority)).collect();
            keys.sort_unstable();
            let withheld = origins.len() < registration.claimed_origins.len();
            let claimed = Claimed { record: index, original, keys, withheld };
            self.wordings.entry(registration.fingerprints.reflow.sha256).or_default().push(claimed);
        }
        let language =
            registration.language.as_ref().map(|language| language.tag.as_str()).unwrap_or_default();
        let language = language.split('-').next().unwrap_or_default().to_lowercase();
        // What no rule is for is not counted: tags are a stranger's.
        if let Some(count) = self.languages.get_mut(&language) {
            *count += 1;
        }
        let claims = origins
            .iter()
            .map(|origin| &origin.evidence)
            .chain(bylines.iter().map(|byline| &byline.evidence));
        let others = [&registration.publisher, &registration.published_at]
            .into_iter()
            .flatten()
            .map(|one| &one.evidence);
        let titles = registration.title.iter().map(|title| &title.evidence);
        let dateline = registration.dateline.iter().map(|dateline| &dateline.evidence);
        for rule in claims.chain(others).chain(titles).chain(dateline).filter_map(Evidence::rule) {
            self.silent.remove(rule);
        }
    }

    fn silence(&self, asked: &Asked<'_>) -> Option<Finding> {
        let todo = "see whether `dateline watch`, or whoever registers, still runs";
        let Some(newest) = self.newest else {
            return Some(Finding::new(
                "nothingRegistered",
                Severity::Note,
                "nothing is registered yet",
                "dateline add FILE",
            ));
        };
        let age = asked.now.unix_seconds().saturating_sub(newest.unix_seconds());
        (age > i64::from(asked.days) * DAY).then(|| {
            let what = format!(
                "nothing was registered for {} days, by the signers' clocks: the last was at {newest}",
                age / DAY
            );
            Finding::new("nothingRegistered", Severity::Warning, what, todo)
        })
    }

    fn missing(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        // Erasures come after what they erase.
        let lost = self.openings_missing.iter().filter_map(|(index, digests)| {
            let erased = self.standings.erased(*index).iter().flat_map(|one| &one.commitments);
            let erased: BTreeSet<&String> = erased.collect();
            let lost = digests
                .iter()
                .filter(|digest| !digest.as_ref().is_some_and(|digest| erased.contains(digest)));
            Some((*index, lost.count())).filter(|(_, lost)| *lost > 0)
        });
        let cases = lost.map(|(index, count)| {
            let plural = if count == 1 { "" } else { "s" };
            (format!("record {index}: {count} opening{plural}"), json!({"record": index, "missing": count}))
        });
        let finding = Finding::new(
            "openingMissing",
            Severity::Problem,
            "openings of commitments are missing, and no statement says that they were erased",
            "bring records/disclosures back from a copy; what cannot be brought back cannot be shown any more",
        );
        let finding = finding.with(cases);
        found.extend((finding.count > 0).then_some(finding));

        let kept = |index: &&u64| !self.standings.erased(**index).iter().any(|one| one.original);
        let finding = Finding::new(
            "originalMissing",
            Severity::Problem,
            "originals that were stored with the log are not there any more, and no statement says that they were erased",
            "bring records/content back from a copy; without it neither claims nor quotations can be checked",
        );
        let finding = finding.with(self.originals_missing.iter().filter(kept).map(|index| record(*index)));
        found.extend((finding.count > 0).then_some(finding));
        found
    }

    /// The same wording, or a similar one, registered as from different origins, or with and without one.
    fn conflicts(&self, similar: (Vec<Conflict>, Vec<Conflict>)) -> Vec<Finding> {
        let (mut conflicting, mut dropped) = similar;
        let same = |record, other| Conflict { record, other, percent: None };
        for all in self.wordings.values().filter(|all| all.len() > 1) {
            let with: Vec<&Claimed> = all.iter().filter(|one| !one.keys.is_empty()).collect();
            let Some(first) = with.first() else { continue };
            let other = with.iter().find(|one| one.keys.iter().all(|key| !first.keys.contains(key)));
            if let Some(other) = other {
                conflicting.push(same(first.record, other.record));
            }
            let without =
                all.iter().find(|one| one.keys.is_empty() && !one.withheld && one.original != first.original);
            if let Some(without) = without {
                dropped.push(same(first.record, without.record));
            }
        }
        let mut found = Vec::new();
        let mut tell = |code, what: &str, todo, words: &str, mut cases: Vec<Conflict>| {
            if cases.is_empty() {
                return;
            }
            cases.sort_unstable();
            let cases = cases.into_iter().map(|Conflict { record, other, percent }| {
                let alike = percent.map_or(String::new(), |percent| format!(" ({percent} % alike)"));
                (
                    format!("record {record} and record {other}{alike}{words}"),
                    json!({"record": record, "other": other, "similarPercent": percent}),
                )
            });
            found.push(Finding::new(code, Severity::Warning, what, todo).with(cases));
        };
        tell(
            "conflictingOrigin",
            "one wording, or nearly, is registered as from different origins",
            "compare the two: one credit is wrong, or was changed on the way",
            "",
            conflicting,
        );
        tell(
            "creditDropped",
            "one wording, or nearly, is registered with an origin and without",
            "see whether the second copy lost its credit line, or the first was given one",
            ", which claims none",
            dropped,
        );
        found
    }

    /// What statements say, or do not say.
    fn standing(&self, now: Timestamp) -> Vec<Finding> {
        let mut found = Vec::new();
        let lineage = Lineage::of(&self.standings);
        let reach = lineage.reach(lineage.stained(now), Direction::Under);
        // Also what is stained itself, if it rests on something that is.
        let reached = |node: Node| reach.distance(node).is_some();
        let affected: Vec<Node> = reach
            .nodes()
            .iter()
            .copied()
            .filter(|node| lineage.hops(*node, Direction::On).any(|hop| reached(hop.to)))
            .collect();
        let cases = affected.iter().enumerate().filter_map(|(number, node)| {
            let index = lineage.document(*node)?.record();
            if number >= WAYS_MAX {
                return Some(record(index));
            }
            let (resting, _) = lineage.rests_on_stained(*node, now, 1, PATH_MAX);
            let resting = resting.first()?;
            let on = lineage.document(resting.node).map(|document| document.record());
            let way = path_text(&lineage, &resting.path, resting.distance);
            let words = format!("record {index} on {}", resting_line(&lineage, resting));
            Some((words, json!({"record": index, "restsOn": on, "path": way})))
        });
        let finding = Finding::new(
            "restsOn",
            Severity::Warning,
            "records rest on something that was retracted, killed, corrected or refuted",
            "`dateline trace RECORD` shows the way; correct what was published, or say that it still stands",
        );
        let finding = finding.with(cases);
        found.extend((finding.count > 0).then_some(finding));

        let unresolved = unresolved(&self.standings).map(|(index, by, words)| {
            (
                format!("record {index} rests on {words} (record {by})"),
                json!({"record": index, "by": by, "target": words}),
            )
        });
        let finding = Finding::new(
            "citationUnresolved",
            Severity::Note,
            "records rest on what nobody has registered",
            "register the source where it can be had, and cite its record",
        );
        let finding = finding.with(unresolved);
        found.extend((finding.count > 0).then_some(finding));

        let silent = self.standings.registrations().filter(|one| {
            self.standings
                .of(one.record)
                .is_none_or(|standing| standing.assessments.is_empty() && standing.confirmations.is_empty())
        });
        let silent = silent.count() as u64;
        if let Some(share) = (silent * 100).checked_div(self.documents).filter(|_| silent > 0) {
            let what = format!(
                "of {} registered documents {silent} ({share} %) were neither confirmed nor assessed by anybody: what they claim is claimed, no more",
                self.documents
            );
            let todo = "confirm or assess those that articles rest on: `dateline gate --require corroborated` says which";
            found.push(Finding::new("neverConfirmed", Severity::Note, what, todo));
        }
        found
    }

    fn rules(&self) -> Option<Finding> {
        let visible = |field: Field| !matches!(field, Field::Exclude | Field::Language);
        let documents_of = |languages: &[&str]| match languages.contains(&"*") {
            true => self.documents,
            false => languages.iter().filter_map(|language| self.languages.get(*language)).sum(),
        };
        let all: Vec<_> = rules()
            .all()
            .iter()
            .filter(|rule| visible(rule.field))
            .map(|rule| (rule, documents_of(rule.languages)))
            .filter(|(_, documents)| *documents > 0)
            .collect();
        let count = all.len();
        let mut silent: Vec<_> = all.into_iter().filter(|(rule, _)| self.silent.contains(rule.id)).collect();
        silent.sort_by_key(|(rule, documents)| (std::cmp::Reverse(*documents), rule.id));
        if silent.is_empty() {
            return None;
        }
        let closed = match self.closed {
            0 => String::new(),
            closed => format!("; {closed} claims are withheld, in which one may have"),
        };
        let what = format!(
            "of {count} rules for the languages of the documents here {} never fired{closed}",
            silent.len()
        );
        let todo = "nothing, of rare forms; a rule that never fires on many documents may not fit how they are printed";
        let cases = silent.into_iter().map(|(rule, documents)| {
            let plural = if documents == 1 { "" } else { "s" };
            let words = format!("{}, on {documents} document{plural}", rule.id);
            (words, json!({"rule": rule.id, "languages": rule.languages, "documents": documents}))
        });
        Some(Finding::new("ruleNeverFired", Severity::Note, what, todo).with(cases))
    }
}

/// Documents whose quotations are held against their sources, the newest.
const QUOTING_MAX: usize = 500;

/// Passages that are attributed and stand in no source that the log names, of the documents that name any.
fn misquotes(
    reader: &LogReader<'_>,
    asked: &Asked<'_>,
    standings: &Standings,
) -> Result<Option<Finding>, ReaderError> {
    let lineage = Lineage::of(standings);
    let quoting = lineage.documents().filter(|node| lineage.hops(*node, Direction::On).next().is_some());
    let mut quoting: Vec<Node> = quoting.collect();
    let beyond = quoting.len().saturating_sub(QUOTING_MAX);
    quoting.drain(..beyond);
    let mut cases = Vec::new();
    for node in quoting {
        let Some(document) = lineage.document(node) else { continue };
        let index = document.record();
        let sources = quoted::sources(&lineage, node);
        let registrations = quoted::registrations(reader, &sources, Some(index))?;
        let texts = quoted::Texts { store: asked.store, registrations: &registrations };
        let quotes = registrations.get(&index).and_then(|one| one.quotes.as_ref());
        let quotes: Vec<_> = quotes.into_iter().flatten().map(|quote| quote.opened().cloned()).collect();
        if quotes.iter().all(Option::is_none) {
            continue;
        }
        let own = texts.of(index, &document.original).ok().map(|(_, _, extract)| extract.text);
        let found = quoted::check(quotes, own.as_deref(), &sources, &texts).misquotes();
        if let Some(first) = found.first() {
            let more =
                if found.len() > 1 { format!(", and {} more", found.len() - 1) } else { String::new() };
            let words = format!("record {index}: {first}{more}");
            cases.push((words, json!({"record": index, "misquotes": found.len()})));
        }
    }
    let only = match beyond {
        0 => String::new(),
        _ => format!(" (of the newest {QUOTING_MAX} documents that name sources)"),
    };
    let what = format!("passages in quotation marks stand in no source that the log names{only}");
    let todo = "`dateline quotes RECORD` shows each, and what stands in the source; correct it, or cite where it is from";
    let finding = Finding::new("misquote", Severity::Warning, what, todo).with(cases.into_iter());
    Ok((finding.count > 0).then_some(finding))
}

fn witnesses(reader: &LogReader<'_>, trust: &Trust) -> Option<Finding> {
    let todo = "let witnesses cosign the checkpoint, so that nobody can be shown another log";
    if trust.policy.witnesses().is_empty() {
        let what = "the policy names no witness: others could be shown another log, and nobody would see it";
        return Some(Finding::new("noWitness", Severity::Warning, what, todo));
    }
    let opened = trust.policy.open_checkpoint(reader.checkpoint_bytes()).ok()?;
    opened.cosignatures().is_empty().then(|| {
        let what = "no witness has cosigned the checkpoint, though the policy names some";
        Finding::new("notCosigned", Severity::Warning, what, todo)
    })
}

/// Statements that wait to be appended: for how long, by their signers' clocks?
fn pending(asked: &Asked<'_>) -> Vec<Finding> {
    let Ok(listing) = asked.store.list(layout::PENDING) else {
        let what = "the statements that wait could not be listed";
        return vec![Finding::new(
            "pendingUnreadable",
            Severity::Problem,
            what,
            "look at the permissions of records/pending",
        )];
    };
    let (mut old, mut bad) = (Vec::new(), Vec::new());
    for key in &listing.keys {
        let path = key.as_str();
        let bytes = asked.store.get(key, crate::record::pending::PENDING_MAX_BYTES as u64).ok().flatten();
        let Some((_, entry)) = bytes.and_then(|bytes| Pending::parse(path, &bytes).ok()) else {
            bad.push((path.to_owned(), json!({ "path": path })));
            continue;
        };
        let predicate = entry.predicate();
        let at = predicate["recordedAt"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
        let age = at.map(|at| asked.now.unix_seconds().saturating_sub(at.unix_seconds()));
        if let Some(age) = age.filter(|age| *age > i64::from(asked.days) * DAY) {
            old.push((format!("{path}, for {} days", age / DAY), json!({"path": path, "recordedAt": at})));
        }
    }
    let mut found = Vec::new();
    if !old.is_empty() {
        let what = "signed statements wait to be appended, and have for long";
        let todo = "`dateline publish`, by whoever holds the log's key; `dateline pending list` shows them";
        found.push(Finding::new("pendingOld", Severity::Warning, what, todo).with(old.into_iter()));
    }
    if !bad.is_empty() {
        let what = "files below records/pending are not statements that can be appended";
        found.push(
            Finding::new("pendingInvalid", Severity::Problem, what, "`dateline verify` says why")
                .with(bad.into_iter()),
        );
    }
    found
}
