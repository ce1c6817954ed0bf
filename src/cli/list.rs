//! `dateline list`

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use crate::index::{Bearing, RecordState, SearchIndex, Source};
use crate::look::record::listed;
use crate::record::Standings;
use crate::verify::{ReaderError, Record, read_log};
use crate::view::View;

use super::args::{FilterArgs, ListArgs, TrustArgs};
use super::failure::Outcome;
use super::output::{Output, say};
use super::search;
use super::workspace::Workspace;

/// Records of a page that are read one by one; for more, a pass over the log is as fast.
const PAGE_MAX: usize = 1_000;

pub(crate) fn run(workspace: &Workspace, args: &ListArgs, output: Output) -> Outcome<()> {
    if is_filter(&args.filter) {
        return found(workspace, args, output);
    }
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let end = args.page.limit.map_or(usize::MAX, |limit| limit.saturating_add(args.page.offset));
    let records = workspace.derived();
    // Kept back until all was found to lead to the root.
    let (rows, standings) = read_log(&store, &trust, |reader| {
        let source = Source { reader, store: &store, trust: &trust, records: &records, progress: &|_, _| {} };
        if let Some(page) = page(&source, args, output)? {
            return Ok(page);
        }
        let mut rows: VecDeque<Row> = VecDeque::new();
        let mut count = 0;
        let standings = reader.standings(|record| {
            let Some(row) = row(&record, RecordState::Claimed, output) else { return };
            count += 1;
            match args.last {
                Some(last) => {
                    rows.push_back(row);
                    if rows.len() > last {
                        rows.pop_front();
                    }
                }
                None if count > args.page.offset && count <= end => rows.push_back(row),
                None => {}
            }
        })?;
        Ok((rows, standings))
    })?;
    // Of the newest, pages are counted among themselves.
    let pass = if args.last.is_some() { args.page.offset } else { 0 };
    let rows = rows.into_iter().skip(pass).take(args.page.limit.unwrap_or(usize::MAX));
    let mut any = false;
    for mut row in rows {
        any = true;
        row.state = RecordState::of(standings.of(row.index));
        output.print(|| format!("{}\n", row.text()), || Value::Object(row.members()))?;
    }
    if !any && args.last != Some(0) && args.page.limit != Some(0) && !output.is_json() {
        match args.page.offset {
            0 => say("nothing is registered yet: dateline add FILE"),
            _ => say("there are no more records"),
        }
    }
    Ok(())
}

/// Reads the records that are to be listed, where they are few and an index names them; `None` where it cannot, or what it names
/// are none.
fn page(
    source: &Source<'_>,
    args: &ListArgs,
    output: Output,
) -> Result<Option<(VecDeque<Row>, Standings)>, ReaderError> {
    let few = args.last.or(args.page.limit).filter(|count| *count <= PAGE_MAX);
    let (Some(few), false) = (few, args.whole_log) else { return Ok(None) };
    let named = || {
        let index = SearchIndex::kept(source)?;
        let few = few as u64;
        let first = match args.last {
            Some(_) => index.registrations().ok()?.saturating_sub(few),
            None => args.page.offset as u64,
        };
        let records = index.page(first, few).ok()?;
        let bearing = index.bearing_on_state(&records).ok()?;
        Some((records, bearing))
    };
    let Some((records, Bearing { keys, entries })) = named() else { return Ok(None) };
    let picked = source.reader.pick_named(&records.iter().copied().collect(), &keys, &entries)?;
    let state = |index| RecordState::of(picked.standings.of(index));
    let rows: VecDeque<Row> =
        picked.records.values().filter_map(|record| row(record, state(record.index), output)).collect();
    if rows.len() < records.len() {
        return Ok(None);
    }
    Ok(Some((rows, picked.standings)))
}

/// Lists what is found in the index.
fn found(workspace: &Workspace, args: &ListArgs, output: Output) -> Outcome<()> {
    let found = search::find(workspace, &search::query_of(&args.filter), args.whole_log, |total| {
        let oldest = args.last.map_or(0, |last| total.saturating_sub(last));
        let first = oldest.saturating_add(args.page.offset).min(total);
        first..args.page.limit.map_or(total, |limit| first.saturating_add(limit).min(total))
    })?;
    for hit in &found.hits {
        let Some(row) = row(&hit.record, hit.state, output) else { continue };
        output.print(|| format!("{}\n", row.text()), || Value::Object(row.members()))?;
    }
    if !output.is_json() {
        search::tell(&found, args.last.is_none());
    }
    Ok(())
}

fn is_filter(filter: &FilterArgs) -> bool {
    let FilterArgs { origin, byline, language, from, to, state } = filter;
    let names = [origin, byline, language].iter().any(|name| name.is_some());
    names || from.is_some() || to.is_some() || state.is_some()
}

/// One record, as it is listed.
pub(crate) struct Row {
    index: u64,
    state: RecordState,
    what: What,
}

/// What a program or a person sees, before it is known what became of it.
enum What {
    Members(Map<String, Value>),
    Line(String),
}

/// Makes the row of a registration for whoever reads `output`; `None` for another record.
pub(crate) fn row(record: &Record, state: RecordState, output: Output) -> Option<Row> {
    let opened = record.registration.as_ref()?;
    let original = record.entry.original()?;
    let view = View::of_record(&original, opened);
    let index = record.index;
    if output.is_json() {
        return Some(Row { index, state, what: What::Members(listed(record)?) });
    }
    let day = opened.registration.recorded_at.to_string();
    let warning = match (&record.signer, &record.openings_fit) {
        (Err(_), _) => "  SIGNER DOES NOT HOLD",
        (_, Err(_)) => "  OPENINGS DO NOT FIT",
        _ => "",
    };
    let line = format!("{index:>6}  {}  {}{warning}", &day[..10], view.summary());
    Some(Row { index, state, what: What::Line(line) })
}

impl Row {
    /// Returns the line for a person. Of what was said of it, it has the gravest.
    pub(crate) fn text(&self) -> String {
        let What::Line(line) = &self.what else { return String::new() };
        let state = match self.state {
            RecordState::Claimed => String::new(),
            RecordState::TakenDown => "  TAKEN DOWN".into(),
            other => format!("  {}", other.word().to_uppercase()),
        };
        format!("{line}{state}")
    }

    /// Returns the members of the object for a program.
    pub(crate) fn members(&self) -> Map<String, Value> {
        let What::Members(members) = &self.what else { return Map::new() };
        let mut members = members.clone();
        members.insert("state".into(), json!(self.state.word()));
        members
    }
}
