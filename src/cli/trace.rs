//! `dateline trace`

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
    let (text, json) = read_log_as(&store, &trust, |reader| {
        let standings = reader.standings(|_| {})?;
        let lineage = Lineage::of(&standings);
        let root = asked.node(&lineage, reader.size())?;
        Ok::<_, Failure>(trace(reader, &lineage, root, &authority, output.is_json(), now())?)
    })?;
    output.print(|| text, || json)
}
