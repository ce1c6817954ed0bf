//! `dateline show`

use std::collections::BTreeSet;

use crate::index::Source;
use crate::look::record::{json, text};
use crate::look::{basis, is_stored};
use crate::verify::read_log;

use super::args::{ShowArgs, TrustArgs};
use super::exit::Exit;
use super::failure::Outcome;
use super::now;
use super::output::{Output, print_exactly};
use super::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, args: &ShowArgs, output: Output) -> Outcome<Exit> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let (index, records) = (args.record, workspace.derived());
    let (record, standings, basis, checkpoint) = read_log(&store, &trust, |reader| {
        let source = Source { reader, store: &store, trust: &trust, records: &records, progress: &|_, _| {} };
        let (mut picked, basis) = basis::look_up(&source, &BTreeSet::from([index]), args.whole_log)?;
        let record = picked.records.remove(&index).ok_or_else(|| reader.no_record(index))?;
        Ok((record, picked.standings, basis, reader.checkpoint().clone()))
    })?;
    if args.entry {
        print_exactly(&record.bytes)?;
        return Ok(Exit::Success);
    }
    let stored = record.entry.original().map(|original| is_stored(&store, &original));
    output.print(
        || text(&record, &standings, checkpoint.size(), now()),
        || json(&record, &standings, &checkpoint, stored, basis, now()),
    )?;
    let holds = record.signer.is_ok() && record.openings_fit.is_ok();
    Ok(if holds { Exit::Success } else { Exit::Invalid })
}
