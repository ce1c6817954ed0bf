//! Statements that wait to be appended: could they be, as the log stands?

use std::collections::HashSet;

use crate::base::Hash;
use crate::record::{Entry, Kind, Pending, State, layout, pending};
use crate::storage::Key;

use super::fetch::Files;
use super::report::{Code, Counts, Finding};

/// Checks all files below `pending/`. The second value are the originals that they register.
pub(super) fn check_pending(
    files: Files<'_>,
    keys: &[Key],
    state: &State,
    counts: &mut Counts,
) -> (Vec<Finding>, HashSet<Hash>) {
    let (mut findings, mut originals) = (Vec::new(), HashSet::new());
    let below =
        |key: &&Key| key.as_str().strip_prefix(layout::PENDING).is_some_and(|rest| rest.starts_with('/'));
    for key in keys.iter().filter(below) {
        match one(files, key.as_str(), state) {
            Ok(entry) => {
                counts.pending += 1;
                originals.extend(entry.original());
            }
            Err(finding) => findings.push(*finding),
        }
    }
    (findings, originals)
}

/// Checks one of these files.
pub(super) fn one(files: Files<'_>, path: &str, state: &State) -> Result<Entry, Box<Finding>> {
    let bad = |code: Code, why: &dyn std::fmt::Display| {
        Box::new(Finding::new(code, format!("{path}: {why}")).path(path))
    };
    let bytes = files.pending(path)?;
    let (pending, entry) = Pending::parse(path, &bytes).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        let code = match error {
            pending::PendingError::Format(_) => Code::KindUnknown,
            _ => Code::PendingInvalid,
        };
        bad(code, &format_args!("{error}{cause}"))
    })?;
    let Some(kind) = entry.kind() else {
        let kind = format!("statements of type {:?} are not known here", entry.statement.predicate_type);
        return Err(bad(Code::KindUnknown, &kind));
    };
    if kind == Kind::Key {
        // Who may sign depends on it: it is appended by whoever holds a root key, at once.
        return Err(bad(Code::PendingInvalid, &"statements about keys do not wait"));
    }
    let key =
        state.authorise(&entry.envelope.key_id(), kind).map_err(|error| bad(Code::PendingInvalid, &error))?;
    entry.envelope.verify(&key).map_err(|error| bad(Code::PendingInvalid, &error))?;
    let opened = entry.open::<serde::de::IgnoredAny>(&pending.openings);
    let opened = opened.map_err(|error| bad(Code::PendingInvalid, &error))?;
    match opened.withheld.first() {
        None => Ok(entry),
        Some(pointer) => {
            let what = format!("the opening of the commitment at {pointer} is missing");
            Err(bad(Code::OpeningMissing, &what))
        }
    }
}
