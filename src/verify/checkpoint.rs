//! The checkpoint that an audit begins with: is it the log's, and does it continue the one that was accepted before?

use crate::base::Hash;
use crate::note::{OpenError, OpenedCheckpoint, Policy};
use crate::record::layout;
use crate::tlog::proof::root_of_prefix;
use crate::tlog::{ConsistencyProof, ReadError, TileReader};

use super::evidence::{Contradiction, Evidence};
use super::fetch::Files;
use super::memory::Memory;
use super::report::{Code, Finding, Remembered, Report};

/// Opens the checkpoint, as far as it can be trusted.
pub(super) fn open_checkpoint(
    report: &mut Report,
    policy: &Policy,
    checkpoint: Result<Option<Vec<u8>>, Box<Finding>>,
) -> Option<OpenedCheckpoint> {
    let path = layout::CHECKPOINT;
    let bytes = match checkpoint {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            let finding = Finding::new(Code::FileMissing, "the checkpoint is missing").path(path);
            report.push(finding);
            return None;
        }
        Err(finding) => {
            report.push(*finding);
            return None;
        }
    };
    let opened = match policy.open_checkpoint(&bytes) {
        Ok(opened) => Ok(opened),
        Err(error) => {
            let told = error.to_string();
            match error {
                OpenError::QuorumNotReached(missing) => {
                    report.push(Finding::new(Code::QuorumNotReached, told).path(path));
                    Ok(missing.into_opened())
                }
                error => Err(error),
            }
        }
    };
    match opened {
        Ok(opened) => {
            report.origin = Some(opened.checkpoint().origin().as_str().to_owned());
            report.size = opened.checkpoint().size();
            report.root_hash = Some(opened.checkpoint().root_hash());
            report.counts.cosignatures = opened.cosignatures().len() as u64;
            Some(opened)
        }
        Err(error) => {
            let code = match error {
                OpenError::Note(_) | OpenError::Checkpoint(_) => Code::CheckpointMalformed,
                OpenError::LogUnverifiable { .. } => Code::CheckpointUnverifiable,
                _ => Code::CheckpointUntrusted,
            };
            let cause = std::error::Error::source(&error).map(|source| format!(": {source}"));
            let message = format!("{error}{}", cause.unwrap_or_default());
            report.push(Finding::new(code, message).path(path));
            None
        }
    }
}

/// Holds the checkpoint against the remembered one. What differs is a finding, and evidence where it can be shown.
pub(super) fn recall(
    report: &mut Report,
    files: Files<'_>,
    policy: &Policy,
    memory: Option<&Memory>,
    opened: &OpenedCheckpoint,
    note: &[u8],
) -> Option<Evidence> {
    let memory = memory?;
    let Some(old) = memory.open(opened.log()) else {
        if memory.subject(policy).is_none() {
            let message = "whether the log extends what was accepted before cannot be told: what is remembered is not a checkpoint that it signed";
            report.push(Finding::new(Code::ExtensionUnknown, message).path(layout::CHECKPOINT));
        }
        return None;
    };
    let (before, now) = (old.checkpoint(), opened.checkpoint());
    let shown = if before.size() < now.size() { prefix_of(files, before.size(), opened).ok() } else { None };
    let contradiction = Evidence::contradiction(&old, opened, shown.as_ref().map(|(root, _)| root));
    let extends = match contradiction {
        Some(_) => Some(false),
        None if before.size() < now.size() && shown.is_none() => None,
        None => Some(true),
    };
    let (size, root_hash) = (before.size(), before.root_hash());
    report.remembered = Some(Remembered { size, root_hash, extends, compared: 0, tiles_alone: false });
    if extends.is_none() {
        report.push(
            Finding::new(
                Code::ExtensionUnknown,
                format!("whether the log extends the {size} entries accepted before cannot be told: its tiles do not lead to the root"),
            )
            .path(layout::CHECKPOINT),
        );
    }
    let contradiction = contradiction?;
    let message = match contradiction {
        Contradiction::RolledBack => format!(
            "the log has {} entries; {size} were accepted before: entries were taken back, or this is an old copy",
            now.size()
        ),
        Contradiction::Forked => format!(
            "the log has {size} entries with the root {}; as many with the root {root_hash} were accepted before: \
             its key signed two histories",
            now.root_hash()
        ),
        Contradiction::PrefixRewritten => format!(
            "the first {size} entries have the root {}; {root_hash} was accepted before: history was rewritten",
            shown.as_ref().map_or_else(String::new, |(root, _)| root.to_string())
        ),
    };
    let finding = Finding::new(contradiction.code(), message).path(layout::CHECKPOINT);
    let finding = match (contradiction, &shown) {
        (Contradiction::RolledBack, _) => finding.expected(size).found(now.size()),
        (_, Some((root, _))) => finding.expected(root_hash).found(root),
        _ => finding.expected(root_hash).found(now.root_hash()),
    };
    report.push(finding);
    let note = std::str::from_utf8(note).ok()?;
    Some(Evidence::new(contradiction, memory.checkpoint(), note, shown))
}

/// Returns the root of the first `size` entries, as the checkpoint implies it, and the proof of that.
fn prefix_of(
    files: Files<'_>,
    size: u64,
    opened: &OpenedCheckpoint,
) -> Result<(Hash, ConsistencyProof), ReadError<Box<Finding>>> {
    let now = opened.checkpoint();
    let mut tiles = TileReader::new(files, now.size(), &now.root_hash())?;
    Ok((root_of_prefix(size, &mut tiles)?, ConsistencyProof::prove(size, now.size(), &mut tiles)?))
}
