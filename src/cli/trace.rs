//! `dateline trace`

use crate::index::{Source, Ways};
use crate::look::basis;
use crate::look::trace::trace;
use crate::record::lineage::Lineage;
use crate::verify::read_log_as;

use super::args::{TraceArgs, TrustArgs};
use super::asked::Asked;
use super::extract;
use super::failure::{Failure, Outcome};
use super::now;
use super::output::Output;
use super::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, args: &TraceArgs, output: Output) -> Outcome<()> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let asked = Asked::of(&args.record)?;
    let authority = extract::authority(workspace)?;
    let records = workspace.derived();
    let (text, json) = read_log_as(&store, &trust, |reader| {
        let source = Source { reader, store: &store, trust: &trust, records: &records, progress: &|_, _| {} };
        let told = basis::relations(&source, |index| asked.records(index), Ways::ON, args.whole_log)?;
        let lineage = Lineage::of(&told.standings);
        let root = asked.node(&lineage, reader.size())?;
        let reading = (reader, told.keys.as_deref());
        let (text, mut json) = trace(reading, &lineage, root, &authority, output.is_json(), now())?;
        told.basis.put(&mut json);
        Ok::<_, Failure>((text, json))
    })?;
    output.print(|| text, || json)
}
