//! Statements that wait to be appended: could they be, as the log stands?

use std::cmp::Reverse;
use std::collections::HashSet;

use crate::base::Hash;
use crate::record::entry::{OpenError, OpenedEntry};
use crate::record::{Entry, Kind, Pending, State, layout, pending};
use crate::storage::Key;

use super::entry::check_content;
use super::fetch::Files;
use super::references::References;
use super::report::{Code, Counts, Finding, Severity};

/// What statements that wait are held against.
pub(super) struct Waiting<'w, 'a> {
    pub(super) files: Files<'w>,
    /// The stored originals.
    pub(super) listed: &'w HashSet<Hash>,
    pub(super) references: &'w References<'a>,
    /// Who may sign, as of the end of the log.
    pub(super) state: &'w State,
}

impl Waiting<'_, '_> {
    /// Checks all files below `pending/`. The second value are the originals that they register.
    pub(super) fn check(&self, keys: &[Key], counts: &mut Counts) -> (Vec<Finding>, HashSet<Hash>) {
        let (mut findings, mut originals) = (Vec::new(), HashSet::new());
        let below =
            |key: &&Key| key.as_str().strip_prefix(layout::PENDING).is_some_and(|rest| rest.starts_with('/'));
        for key in keys.iter().filter(below) {
            match self.check_one(key.as_str()) {
                Ok(entry) => {
                    counts.pending += 1;
                    originals.extend(entry.original());
                }
                Err(finding) => findings.push(*finding),
            }
        }
        (findings, originals)
    }

    fn check_one(&self, path: &str) -> Result<Entry, Box<Finding>> {
        let Signed { entry, withheld, openings } = signed(self.files, path, self.state)?;
        // What would be found of it as the next entry.
        let index = self.state.size();
        let mut found = self.references.check(index, &entry);
        let content = check_content(self.files, self.listed, index, &entry, Some(withheld), openings);
        found.extend(content.findings);
        found.extend(content.missing.findings());
        let worst = found.into_iter().min_by_key(|finding| Reverse(finding.severity));
        match worst {
            None => Ok(entry),
            Some(finding) => Err(Box::new(of_file(path, index, finding))),
        }
    }
}

/// A statement that waits, and is signed by whoever may.
struct Signed {
    entry: Entry,
    /// What putting its openings back gave.
    withheld: Result<Vec<String>, OpenError>,
    /// How many openings come with it.
    openings: u64,
}

/// Reads the file of a statement, which its signer may make as of `state`; what it says is not checked.
pub(super) fn read_signed(files: Files<'_>, path: &str, state: &State) -> Result<Entry, Box<Finding>> {
    signed(files, path, state).map(|signed| signed.entry)
}

fn signed(files: Files<'_>, path: &str, state: &State) -> Result<Signed, Box<Finding>> {
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
    let opened = Entry::parse_opened(&pending.bytes, &pending.openings);
    let OpenedEntry { entry, withheld, .. } = opened.map_err(|error| bad(Code::PendingInvalid, &error))?;
    Ok(Signed { entry, withheld, openings: pending.openings.len() as u64 })
}

/// A finding about the entry that the statement would be, as one about its file.
fn of_file(path: &str, index: u64, finding: Finding) -> Finding {
    let code = match finding.severity {
        Severity::Invalid => Code::PendingInvalid,
        _ => finding.code,
    };
    let of_record = format!("record {index}: ");
    let message = finding.message.strip_prefix(&of_record).unwrap_or(&finding.message);
    let Finding { field, expected, found, .. } = finding;
    Finding { field, expected, found, ..Finding::new(code, format!("{path}: {message}")).path(path) }
}
