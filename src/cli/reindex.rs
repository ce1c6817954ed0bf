//! `dateline reindex`

use serde_json::json;

use crate::index::{IndexError, SearchIndex, Source};
use crate::verify::read_log_as;
use crate::view::sanitize;

use super::args::TrustArgs;
use super::failure::Outcome;
use super::output::Output;
use super::search::with_bar;
use super::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, output: Output) -> Outcome<()> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let records = workspace.derived();
    let (index, entries) = with_bar(|progress| {
        read_log_as(&store, &trust, |reader| {
            let source = Source { reader, store: &store, trust: &trust, records: &records, progress };
            Ok::<_, IndexError>((SearchIndex::rebuild(&source)?, reader.size()))
        })
    })?;
    let (documents, with_text, statements) = index.counts()?;
    let path = index.path().map(|path| path.display().to_string()).unwrap_or_default();
    let bytes = index.path().and_then(|path| path.metadata().ok()).map_or(0, |file| file.len());
    output.print(
        || {
            format!(
                "the search index is made anew: {documents} records, {with_text} of them with their text, and {statements} \
                 statements about them, of {entries} entries; {} kB in {}\n",
                bytes.div_ceil(1000),
                sanitize(&path)
            )
        },
        || {
            json!({
                "entries": entries, "records": documents, "withText": with_text, "statements": statements,
                "path": path, "bytes": bytes,
            })
        },
    )
}
