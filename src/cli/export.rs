//! `dateline export`

use serde_json::json;

use crate::export::sigstore_bundle::sigstore_bundle as bundle;
use crate::verify::read_log;

use super::args::{ExportArgs, TrustArgs};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::output::{Output, print_exactly};
use super::prove::write_new;
use super::workspace::Workspace;

pub(crate) fn sigstore_bundle(workspace: &Workspace, args: &ExportArgs, output: Output) -> Outcome<()> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let record = read_log(&store, &trust, |reader| reader.record(args.record))?;
    if let Err(why) = &record.signer {
        let message = format!("the signer of record {} does not hold: {why}", args.record);
        return Err(Failure::new(Exit::Invalid, message));
    }
    let text = format!("{}\n", bundle(&record.entry.envelope));
    let Some(path) = &args.output else { return print_exactly(text.as_bytes()) };
    write_new(path, text.as_bytes())?;
    output.print(
        || format!("record {} exported to {}\n", args.record, path.display()),
        || json!({"record": args.record, "output": path}),
    )
}
