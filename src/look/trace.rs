//! What a document rests on, directly and through others.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::article::Authority;
use crate::base::Timestamp;
use crate::base::limits::{LINEAGE_MAX_DEPTH, LINEAGE_MAX_LINES};
use crate::record::lineage::{Bounds, Direction, Line, Lineage, Node, Shown, Tree};
use crate::verify::{LogReader, ReaderError};
use crate::view::history::active;
use crate::view::lineage::{Brief, briefs, document_json, evidence, hop_json, marks_text, name, node_json};

/// Records of one document that a person is shown.
const RECORDS_MAX: usize = 8;
/// What a person is shown.
const TEXT: Bounds = Bounds { depth: 24, width: 50, lines: 500 };
/// What a program is.
const JSON: Bounds = Bounds { depth: LINEAGE_MAX_DEPTH, width: LINEAGE_MAX_LINES, lines: LINEAGE_MAX_LINES };

const NOT_ESTABLISHED: [&str; 3] = [
    "that a document really rests on what it is said to, or on nothing else: only what signers said was followed",
    "that an origin claimed at the end of a path gave the words: a document says so of itself",
    "that anything is true",
];

/// Follows what a document rests on, as far as is shown to a person or to a program. `keys` as [`briefs`] has them.
///
/// # Errors
/// [`ReaderError`].
pub(crate) fn trace(
    (reader, keys): (&LogReader<'_>, Option<&[u64]>),
    lineage: &Lineage<'_>,
    root: Node,
    authority: &Authority,
    for_program: bool,
    now: Timestamp,
) -> Result<(String, Value), ReaderError> {
    let tree = lineage.tree(root, if for_program { JSON } else { TEXT });
    let shown = tree.lines.iter().filter_map(|line| match line {
        Line::Hop { hop, .. } => Some(hop.to),
        Line::LeftOut { .. } => None,
    });
    let shown: BTreeSet<Node> = shown.chain([root]).collect();
    let wanted = shown.iter().filter_map(|node| lineage.document(*node)).map(|document| document.record());
    let briefs = briefs(reader, keys, &wanted.collect(), authority)?;
    let view = Trace { lineage, root, tree: &tree, shown: &shown, briefs: &briefs, now };
    Ok(match for_program {
        true => (String::new(), view.json()),
        false => (view.text(), Value::Null),
    })
}

struct Trace<'t> {
    lineage: &'t Lineage<'t>,
    root: Node,
    tree: &'t Tree<'t>,
    shown: &'t BTreeSet<Node>,
    briefs: &'t BTreeMap<u64, Brief>,
    now: Timestamp,
}

impl Trace<'_> {
    fn brief(&self, node: Node) -> Option<&Brief> {
        self.briefs.get(&self.lineage.document(node)?.record())
    }

    /// Returns the lines that stand below a node.
    fn about(&self, node: Node) -> Vec<String> {
        let Some(brief) = self.brief(node) else {
            return vec!["ends here: nobody has registered it".into()];
        };
        let mut lines = vec![brief.origin()];
        let records = self.lineage.document(node).map_or(&[][..], |document| &document.records);
        if records.len() > 1 {
            let named: Vec<String> = records.iter().take(RECORDS_MAX).map(u64::to_string).collect();
            let more = if records.len() > RECORDS_MAX { ", …" } else { "" };
            lines.push(format!("registered {} times: records {}{more}", records.len(), named.join(", ")));
        }
        lines.extend(marks_text(self.lineage, node, &self.lineage.marks(node, self.now)));
        if self.ends(node) {
            lines.push("ends here: nothing is said of what it rests on".into());
        }
        lines
    }

    fn ends(&self, node: Node) -> bool {
        self.lineage.hops(node, Direction::On).next().is_none()
    }

    fn text(&self) -> String {
        let title = self.brief(self.root).map(Brief::title).unwrap_or_default();
        let mut out = format!("{}: {title}\n", name(self.lineage, self.root));
        self.about(self.root).iter().for_each(|line| out.push_str(&format!("  {line}\n")));
        for line in &self.tree.lines {
            match line {
                Line::LeftOut { depth, count } => {
                    let plural = if *count == 1 { "" } else { "s" };
                    out.push_str(&format!(
                        "{}… {count} hop{plural} more are left out here\n",
                        "   ".repeat(*depth)
                    ));
                }
                Line::Hop { depth, hop, shown } => {
                    let indent = "   ".repeat(*depth);
                    let title =
                        self.brief(hop.to).map(|brief| format!(": {}", brief.title())).unwrap_or_default();
                    let (to, words) = (name(self.lineage, hop.to), active(&hop.relation));
                    out.push_str(&format!("{indent}{words} {to}{title} ({})\n", evidence(hop)));
                    match shown {
                        Shown::Here => {
                            self.about(hop.to)
                                .iter()
                                .for_each(|line| out.push_str(&format!("{indent}  {line}\n")));
                        }
                        Shown::Above => out.push_str(&format!("{indent}  … (shown above)\n")),
                        Shown::Below => {
                            out.push_str(&format!("{indent}  … (shown below, where it is nearer)\n"))
                        }
                        Shown::LeftOut => out.push_str(&format!("{indent}  … (left out)\n")),
                    }
                }
            }
        }
        if self.tree.cut {
            out.push_str("… the rest is left out: --format json has more\n");
        }
        out.push_str("This shows what signed statements in the log say that documents rest on.\n");
        NOT_ESTABLISHED.iter().for_each(|what| out.push_str(&format!("It does not establish {what}.\n")));
        out
    }

    fn json(&self) -> Value {
        let none = Brief::default();
        let reach = self.lineage.reach([self.root], Direction::On);
        let brief = |node: Node| self.brief(node).unwrap_or(&none);
        let mut members = document_json(self.lineage, self.root, brief(self.root), self.now);
        let hops = self.tree.lines.iter().filter_map(|line| match line {
            Line::LeftOut { .. } => None,
            Line::Hop { depth, hop, shown } => {
                let mut members = hop_json(self.lineage, hop);
                members.insert("depth".into(), json!(depth));
                let shown = match shown {
                    Shown::Here => "here",
                    Shown::Above => "above",
                    Shown::Below => "below",
                    Shown::LeftOut => "leftOut",
                };
                members.insert("shown".into(), json!(shown));
                Some(Value::Object(members))
            }
        });
        let left_out: usize = self
            .tree
            .lines
            .iter()
            .map(|line| match line {
                Line::LeftOut { count, .. } => *count,
                Line::Hop { .. } => 0,
            })
            .sum();
        members.insert("hops".into(), hops.collect());
        let documents =
            self.shown.iter().filter(|node| **node != self.root && self.lineage.document(**node).is_some());
        let documents = documents.map(|node| {
            let mut members = document_json(self.lineage, *node, brief(*node), self.now);
            members.insert("distance".into(), json!(reach.distance(*node)));
            members.insert("ends".into(), json!(self.ends(*node)));
            Value::Object(members)
        });
        members.insert("documents".into(), documents.collect());
        let ends = self.shown.iter().filter(|node| self.ends(**node) && **node != self.root);
        let ends = ends.map(|node| Value::Object(node_json(self.lineage, *node)));
        members.insert("ends".into(), ends.collect());
        members.insert("reached".into(), json!(reach.nodes().len() - 1));
        members.insert("leftOut".into(), json!(left_out));
        members.insert("cut".into(), json!(self.tree.cut));
        members.insert("notEstablished".into(), json!(NOT_ESTABLISHED));
        Value::Object(members)
    }
}
