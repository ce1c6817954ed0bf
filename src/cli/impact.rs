//! `dateline impact`

use serde_json::{Value, json};

use crate::base::limits::LINEAGE_MAX_LINES;
use crate::index::{Source, Ways};
use crate::look::basis;
use crate::record::lineage::{Direction, Lineage, Node};
use crate::verify::read_log_as;
use crate::view::lineage::{
    Brief, PATH_MAX, briefs, document_json, evidence, hop_json, marks_text, name, path_text,
};

use super::args::{ImpactArgs, TrustArgs};
use super::asked::Asked;
use super::extract;
use super::failure::{Failure, Outcome};
use super::now;
use super::output::Output;
use super::workspace::Workspace;

/// Documents that a person is shown.
const TEXT_MAX: usize = 200;

const UNDER: Ways = Ways { on: false, under: true, same: false };

pub(crate) fn run(workspace: &Workspace, args: &ImpactArgs, output: Output) -> Outcome<()> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let asked = Asked::of(&args.record)?;
    let authority = extract::authority(workspace)?;
    let limit = if output.is_json() { LINEAGE_MAX_LINES } else { TEXT_MAX };
    let records = workspace.derived();
    let (text, json) = read_log_as(&store, &trust, |reader| {
        let source = Source { reader, store: &store, trust: &trust, records: &records, progress: &|_, _| {} };
        let told = basis::relations(&source, |index| asked.records(index), UNDER, args.whole_log)?;
        let lineage = Lineage::of(&told.standings);
        let root = asked.node(&lineage, reader.size())?;
        let reach = lineage.reach([root], Direction::Under);
        let resting = &reach.nodes()[1..];
        let shown = &resting[..resting.len().min(limit)];
        let all = shown.iter().chain([&root]).filter_map(|node| lineage.document(*node));
        let briefs = briefs(
            reader,
            told.keys.as_deref(),
            &all.map(|document| document.record()).collect(),
            &authority,
        )?;
        let none = Brief::default();
        let brief = |node: Node| {
            lineage.document(node).and_then(|document| briefs.get(&document.record())).unwrap_or(&none)
        };
        let direct = resting.iter().filter(|node| reach.distance(**node) == Some(1)).count();
        let now = now();
        // From the document that rests to what it rests on: the way that it is read.
        let path = |node: Node| {
            let mut path = lineage.path(&reach, node, PATH_MAX);
            path.reverse();
            path
        };
        if output.is_json() {
            let documents = shown.iter().map(|node| {
                let mut members = document_json(&lineage, *node, brief(*node), now);
                members.insert("distance".into(), json!(reach.distance(*node)));
                let hops = path(*node).into_iter().map(|hop| Value::Object(hop_json(&lineage, hop)));
                members.insert("path".into(), hops.collect());
                Value::Object(members)
            });
            let documents: Vec<Value> = documents.collect();
            let mut members = document_json(&lineage, root, brief(root), now);
            members.insert("documents".into(), json!(documents));
            members.insert("count".into(), json!(resting.len()));
            members.insert("direct".into(), json!(direct));
            members.insert("leftOut".into(), json!(resting.len() - shown.len()));
            members.insert("basis".into(), json!(told.basis.word()));
            return Ok::<_, Failure>((String::new(), Value::Object(members)));
        }
        let mut out = format!("{}: {}\n", name(&lineage, root), brief(root).title());
        for line in marks_text(&lineage, root, &lineage.marks(root, now)) {
            out.push_str(&format!("  {line}\n"));
        }
        match resting.len() {
            0 => out.push_str("nothing in the log is said to rest on it\n"),
            1 => out.push_str("1 document rests on it\n"),
            count => out.push_str(&format!("{count} documents rest on it, {direct} of them directly\n")),
        }
        for node in shown {
            let (path, distance) = (path(*node), reach.distance(*node).unwrap_or_default());
            out.push_str(&format!("{distance:>3}  {}: {}\n", name(&lineage, *node), brief(*node).title()));
            let said: Vec<String> = path.iter().map(|hop| evidence(hop)).collect();
            let cut = if path.len() < distance { " …" } else { "" };
            out.push_str(&format!(
                "     {}{cut} ({})\n",
                path_text(&lineage, &path, path.len()),
                said.join("; ")
            ));
            for line in marks_text(&lineage, *node, &lineage.marks(*node, now)) {
                out.push_str(&format!("     {line}\n"));
            }
        }
        if shown.len() < resting.len() {
            out.push_str(&format!("… and {} more: --format json has more\n", resting.len() - shown.len()));
        }
        out.push_str("What rests on it and was never said to is not in the log.\n");
        Ok((out, Value::Null))
    })?;
    output.print(|| text, || json)
}
