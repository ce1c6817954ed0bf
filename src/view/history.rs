//! What became of a record: what later statements say of it, each with the record that says so.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::base::Timestamp;
use crate::record::relation::Unresolved;
use crate::record::standing::{Assessed, Confirmed, Noticed, ObservedAt, Related};
use crate::record::{ClaimVerdict, NoticeKind, Observed, RecordRef, RelationKind, Standing, Target};

use super::json_word;
use super::terminal::{sanitize, sanitize_to};

/// Lines of one record that are shown to a person; JSON has all.
const LINES_MAX: usize = 20;
/// Records that are named where several say the same.
const NAMED_MAX: usize = 8;

/// Returns the lines for a person, each indented by two spaces.
pub(crate) fn text(standing: Option<&Standing>, now: Timestamp) -> String {
    let mut lines = standing.map_or_else(Vec::new, |standing| lines(standing, now));
    if lines.is_empty() {
        lines.push("nothing was said of it".into());
    }
    let more = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    if more > 0 {
        lines.push(format!("and {more} statements more: --format json has all"));
    }
    listed("since", lines)
}

/// Returns lines under one name, in the form of all that is shown of a record.
pub(crate) fn listed(name: &str, lines: Vec<String>) -> String {
    let names = std::iter::once(name).chain(std::iter::repeat(""));
    names.zip(lines).map(|(name, line)| format!("  {name:<12}{line}\n")).collect()
}

fn lines(standing: &Standing, now: Timestamp) -> Vec<String> {
    let mut out: Vec<String> = standing.notices.iter().map(|one| notice(one, now)).collect();
    let (resting, others): (Vec<&Related>, Vec<&Related>) =
        standing.related_from.iter().partition(|one| one.relation.rests_on_target());
    out.extend(
        others
            .iter()
            .map(|one| format!("{} {} (record {})", passive(&one.relation), target(&one.other), one.by)),
    );
    out.extend(standing.assessments.iter().map(assessment));
    out.extend(standing.confirmations.iter().map(confirmation));
    out.extend(standing.observations.iter().map(observation));
    let citing: BTreeSet<u64> = resting
        .iter()
        .filter_map(|one| match one.other {
            Target::Record(RecordRef { record, .. }) => Some(record),
            Target::Unresolved(_) => None,
        })
        .collect();
    if !citing.is_empty() {
        let named: Vec<String> = citing.iter().take(NAMED_MAX).map(u64::to_string).collect();
        let more = if citing.len() > NAMED_MAX { ", …" } else { "" };
        let plural = if citing.len() == 1 { "" } else { "s" };
        out.push(format!("cited by {}: record{plural} {}{more}", citing.len(), named.join(", ")));
    }
    out.extend(
        standing
            .relations
            .iter()
            .map(|one| format!("{} {} (record {})", active(&one.relation), target(&one.other), one.by)),
    );
    out
}

fn notice(one: &Noticed, now: Timestamp) -> String {
    let what = match &one.notice {
        NoticeKind::Correction => "corrected".into(),
        NoticeKind::Clarification => "clarified".into(),
        NoticeKind::Update => "updated".into(),
        NoticeKind::Retraction => "RETRACTED".into(),
        NoticeKind::Kill => "KILLED".into(),
        NoticeKind::Takedown => "TAKEN DOWN".into(),
        NoticeKind::Embargo => match one.until {
            Some(until) if until <= now => format!("embargo, over since {until}"),
            Some(until) => format!("EMBARGO until {until}"),
            None => "EMBARGO".into(),
        },
        NoticeKind::Other(word) => format!("a notice not known here, {:?}", sanitize_to(word, 40)),
    };
    let replaced = one.replaced_by.map(|by| format!("; record {} takes its place", by.record));
    format!("{what} (record {}){}", one.by, replaced.unwrap_or_default())
}

fn assessment(one: &Assessed) -> String {
    let method = one.method.as_ref().map(|method| format!(" by {}", sanitize_to(&json_word(method), 40)));
    let assessor = one.assessor.to_hex();
    format!(
        "{} {}{} (record {}, key {}…)",
        sanitize_to(&one.claim, 60),
        sanitize_to(&json_word(&one.state), 40),
        method.unwrap_or_default(),
        one.by,
        &assessor[..16]
    )
}

fn confirmation(one: &Confirmed) -> String {
    let what = match &one.verdict {
        ClaimVerdict::Confirmed => "confirmed as what the document claims".into(),
        ClaimVerdict::Corrected => "corrected: the document claims something else".into(),
        ClaimVerdict::Rejected => "rejected: the document claims no such thing".into(),
        ClaimVerdict::Other(word) => format!("{:?}, which is not known here", sanitize_to(word, 40)),
    };
    let person = one.person.to_hex();
    format!("{} {what} (record {}, key {}…)", sanitize_to(&one.claim, 60), one.by, &person[..16])
}

fn observation(one: &ObservedAt) -> String {
    let url = sanitize_to(&one.url, 100);
    let what = match &one.observed {
        Observed::Unchanged => "unchanged at",
        Observed::Reflowed => "the same wording in other bytes at",
        Observed::Changed => "CHANGED at",
        Observed::Moved => "moved from",
        Observed::Gone => "GONE from",
        Observed::Blocked => "not given out at",
        Observed::Other(word) => {
            return format!(
                "{:?}, which is not known here, at {url} (record {})",
                sanitize_to(word, 40),
                one.by
            );
        }
    };
    format!("{what} {url} on {} (record {})", one.at, one.by)
}

fn target(target: &Target) -> String {
    match target {
        Target::Record(record) => format!("record {}", record.record),
        Target::Unresolved(unresolved) => format!("{}, not registered", unresolved_text(unresolved)),
    }
}

/// Returns what is known of a document that nobody has registered.
pub(crate) fn unresolved_text(unresolved: &Unresolved) -> String {
    let Unresolved { text, url, org } = unresolved;
    let parts: Vec<String> =
        [text, url, org].into_iter().flatten().map(|part| sanitize_to(part, 100)).collect();
    format!("\"{}\"", parts.join(", "))
}

/// Returns what a document is to another, in words.
pub(crate) fn active(kind: &RelationKind) -> String {
    use RelationKind::{
        Cites, Clarifies, Contradicts, Corrects, ExcerptOf, IsBasedOn, NearDuplicateOf, Quotes, RecordingOf,
        Retracts, SameContentAs, Supersedes, Syndicates, TranslationOf, Updates,
    };
    let words = match kind {
        Quotes => "quotes",
        Cites => "cites",
        IsBasedOn => "is based on",
        TranslationOf => "is a translation of",
        Syndicates => "syndicates",
        ExcerptOf => "is an excerpt of",
        Corrects => "corrects",
        Clarifies => "clarifies",
        Updates => "updates",
        Retracts => "retracts",
        Supersedes => "supersedes",
        Contradicts => "contradicts",
        SameContentAs => "has the same content as",
        NearDuplicateOf => "is nearly the same as",
        RecordingOf => "is a recording of",
        other => return format!("{} (not known here)", sanitize_to(&json_word(other), 40)),
    };
    words.into()
}

fn passive(kind: &RelationKind) -> String {
    use RelationKind::{
        Clarifies, Contradicts, Corrects, NearDuplicateOf, Retracts, SameContentAs, Supersedes, Updates,
    };
    let words = match kind {
        Corrects => "corrected by",
        Clarifies => "clarified by",
        Updates => "updated by",
        Retracts => "RETRACTED by",
        Supersedes => "superseded by",
        Contradicts => "contradicted by",
        SameContentAs => "has the same content as",
        NearDuplicateOf => "is nearly the same as",
        other => return format!("related ({}) from", sanitize(&json_word(other))),
    };
    words.into()
}

/// Returns the same for a program.
pub(crate) fn json(standing: Option<&Standing>) -> Value {
    let nothing = Standing::default();
    let standing = standing.unwrap_or(&nothing);
    let related = |all: &[Related]| -> Vec<Value> {
        all.iter().map(|one| json!({"by": one.by, "relation": one.relation, "other": one.other})).collect()
    };
    let notices = standing.notices.iter().map(
        |one| json!({"by": one.by, "notice": one.notice, "until": one.until, "replacedBy": one.replaced_by}),
    );
    let assessments = standing.assessments.iter().map(|one| {
        json!({
            "by": one.by, "assessor": one.assessor, "claim": one.claim, "state": one.state, "method": one.method,
        })
    });
    let confirmations = standing
        .confirmations
        .iter()
        .map(|one| json!({"by": one.by, "person": one.person, "claim": one.claim, "verdict": one.verdict}));
    let observations = standing.observations.iter().map(|one| {
        json!({"by": one.by, "url": one.url, "observed": one.observed, "original": one.original, "at": one.at})
    });
    let taken_back = standing.taken_back().map(|(by, how)| json!({"by": by, "how": how}));
    json!({
        "takenBack": taken_back,
        "notices": notices.collect::<Vec<_>>(),
        "assessments": assessments.collect::<Vec<_>>(),
        "confirmations": confirmations.collect::<Vec<_>>(),
        "observations": observations.collect::<Vec<_>>(),
        "relatedFrom": related(&standing.related_from),
        "relations": related(&standing.relations),
    })
}
