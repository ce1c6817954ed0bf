//! `dateline origins`

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use crate::index::{SearchIndex, Source, Ways};
use crate::look::basis;
use crate::record::lineage::{Group, Lineage, Link, Node, OriginKey};
use crate::verify::read_log_as;
use crate::view::history::active;
use crate::view::lineage::{
    Brief, briefs, evidence, hop_json, labels, name, node_json, origin_json, origin_text,
};

use super::args::{OriginsArgs, TrustArgs};
use super::asked::Asked;
use super::extract;
use super::failure::{Failure, Outcome};
use super::output::Output;
use super::workspace::Workspace;

/// Reasons of one group that a person is shown, and a program.
const LINKS_MAX: (usize, usize) = (20, 20_000);
/// Records that are named in one line.
const NAMED_MAX: usize = 30;

const BEHIND: Ways = Ways { on: true, under: false, same: true };

const LIMITS: [&str; 3] = [
    "what nobody said is not known: two groups may have an origin in common that no statement and no credit names",
    "a claimed origin is what a document says of itself, as it was read: a misread or invented credit groups wrongly",
    "an article of unknown origin is counted apart: it may come from any of the others' origins",
];

pub(crate) fn run(workspace: &Workspace, args: &OriginsArgs, output: Output) -> Outcome<()> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let named: Vec<Asked> = args.records.iter().map(|one| Asked::of(one)).collect::<Outcome<_>>()?;
    let authority = extract::authority(workspace)?;
    let records = workspace.derived();
    let (text, json) = read_log_as(&store, &trust, |reader| {
        let source = Source { reader, store: &store, trust: &trust, records: &records, progress: &|_, _| {} };
        let all = |index: &SearchIndex| {
            let records: Result<Vec<_>, _> = named.iter().map(|one| one.records(index)).collect();
            records.map(|records| records.concat())
        };
        let told = basis::relations(&source, all, BEHIND, args.whole_log)?;
        let lineage = Lineage::of(&told.standings);
        let nodes = named.iter().map(|one| one.node(&lineage, reader.size()));
        let mut asked: Vec<Node> = nodes.collect::<Outcome<_>>()?;
        asked.sort_unstable();
        asked.dedup();
        let behind = lineage.behind(&asked);
        let record = |node: &Node| lineage.document(*node).map(|document| document.record());
        let wanted = behind.iter().filter_map(record).collect();
        let briefs = briefs(reader, told.keys.as_deref(), &wanted, &authority)?;
        let claims: HashMap<Node, Vec<OriginKey>> = behind
            .iter()
            .filter_map(|node| Some((*node, briefs.get(&record(node)?)?)))
            .map(|(node, brief)| (node, keys(brief)))
            .collect();
        let groups = lineage.groups(&asked, &behind, &claims);
        let labels = labels(briefs.values());
        let view = Counted { lineage: &lineage, groups: &groups, briefs: &briefs, labels: &labels };
        Ok::<_, Failure>(match output.is_json() {
            true => {
                let mut json = view.json(asked.len());
                told.basis.put(&mut json);
                (String::new(), json)
            }
            false => (view.text(asked.len()), Value::Null),
        })
    })?;
    output.print(|| text, || json)
}

/// The origins of a text that a document claims.
fn keys(brief: &Brief) -> Vec<OriginKey> {
    let mut keys: Vec<OriginKey> = brief.origins.iter().flatten().filter_map(|one| one.key.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

struct Counted<'c> {
    lineage: &'c Lineage<'c>,
    groups: &'c [Group<'c>],
    briefs: &'c BTreeMap<u64, Brief>,
    labels: &'c BTreeMap<OriginKey, String>,
}

impl Counted<'_> {
    /// Returns the groups whose origin is known, and the others.
    fn parted(&self) -> (Vec<&Group<'_>>, Vec<&Group<'_>>) {
        self.groups.iter().partition(|group| group.is_known(self.lineage))
    }

    fn text(&self, asked: usize) -> String {
        let (known, unknown) = self.parted();
        let of_unknown: usize = unknown.iter().map(|group| group.articles.len()).sum();
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let mut out =
            format!("{asked} article{}, {} origin{}", plural(asked), known.len(), plural(known.len()));
        if of_unknown > 0 {
            out.push_str(&format!("; {of_unknown} of unknown origin"));
        }
        out.push('\n');
        for (number, group) in known.iter().enumerate() {
            out.push_str(&format!("\n{}. {}\n", number + 1, self.records(&group.articles)));
            for key in &group.origins {
                out.push_str(&format!("   origin claimed: {}\n", origin_text(key, self.labels)));
            }
            if group.origins.is_empty() {
                out.push_str("   no origin is claimed: they are grouped by what they rest on\n");
            }
            self.reasons(group, &mut out);
        }
        for group in &unknown {
            out.push_str(&format!("\nunknown: {}\n", self.records(&group.articles)));
            out.push_str(match group.articles.len() {
                _ if self.withheld(group) > 0 => "   a claimed origin is withheld: it cannot be compared\n",
                1 => "   it claims no origin of its text and is not said to rest on anything\n",
                _ => "   they have one content, claim no origin of it and are not said to rest on anything\n",
            });
            self.reasons(group, &mut out);
        }
        out.push_str("\nOrigins are those that the log knows of; there may be fewer.\n");
        LIMITS.iter().for_each(|limit| out.push_str(&format!("Not known: {limit}.\n")));
        out
    }

    /// Returns how many claimed origins of a group are withheld.
    fn withheld(&self, group: &Group<'_>) -> usize {
        let documents =
            group.articles.iter().chain(&group.through).filter_map(|node| self.lineage.document(*node));
        let briefs = documents.filter_map(|document| self.briefs.get(&document.record()));
        briefs.map(|brief| brief.origins.iter().filter(|origin| origin.is_none()).count()).sum()
    }

    fn records(&self, nodes: &[Node]) -> String {
        let records = nodes.iter().filter_map(|node| self.lineage.document(*node));
        let named: Vec<String> =
            records.take(NAMED_MAX).map(|document| document.record().to_string()).collect();
        let plural = if nodes.len() == 1 { "" } else { "s" };
        let more = if nodes.len() > NAMED_MAX {
            format!(" and {} more", nodes.len() - NAMED_MAX)
        } else {
            String::new()
        };
        format!("record{plural} {}{more}", named.join(", "))
    }

    fn reasons(&self, group: &Group<'_>, out: &mut String) {
        for link in group.links.iter().take(LINKS_MAX.0) {
            match link {
                Link::Hop(hop) => out.push_str(&format!(
                    "   - {} {} {} ({})\n",
                    name(self.lineage, hop.from),
                    active(&hop.relation),
                    name(self.lineage, hop.to),
                    evidence(hop)
                )),
                Link::Claims { document, origin } => {
                    let credit = self
                        .lineage
                        .document(*document)
                        .and_then(|document| self.briefs.get(&document.record()));
                    let claims = credit.map(Brief::origin).unwrap_or_default();
                    let origin = origin_text(origin, self.labels);
                    out.push_str(&format!(
                        "   - {} {claims}, read as {origin}\n",
                        name(self.lineage, *document)
                    ));
                }
            }
        }
        if group.links.len() > LINKS_MAX.0 {
            out.push_str(&format!(
                "   … and {} reasons more: --format json has more\n",
                group.links.len() - LINKS_MAX.0
            ));
        }
    }

    fn json(&self, asked: usize) -> Value {
        let (known, unknown) = self.parted();
        let of_unknown: usize = unknown.iter().map(|group| group.articles.len()).sum();
        let nodes = |nodes: &[Node]| -> Value {
            nodes.iter().map(|node| Value::Object(node_json(self.lineage, *node))).collect()
        };
        let link = |link: &Link<'_>| match link {
            Link::Hop(hop) => {
                let mut members = hop_json(self.lineage, hop);
                members.insert("why".into(), json!("relation"));
                Value::Object(members)
            }
            Link::Claims { document, origin } => {
                let mut members = Map::new();
                members.insert("why".into(), json!("claimedOrigin"));
                members.insert("document".into(), Value::Object(node_json(self.lineage, *document)));
                members.insert("origin".into(), origin_json(origin, self.labels));
                Value::Object(members)
            }
        };
        let groups = self.groups.iter().map(|group| {
            let origins = group.origins.iter().map(|key| origin_json(key, self.labels));
            let links = group.links.iter().take(LINKS_MAX.1).map(link);
            json!({
                "known": group.is_known(self.lineage), "withheld": self.withheld(group),
                "articles": nodes(&group.articles), "through": nodes(&group.through),
                "origins": origins.collect::<Vec<_>>(), "links": links.collect::<Vec<_>>(),
                "linksLeftOut": group.links.len().saturating_sub(LINKS_MAX.1),
            })
        });
        json!({
            "articles": asked, "origins": known.len(), "unknown": of_unknown,
            "groups": groups.collect::<Vec<_>>(), "limits": LIMITS,
        })
    }
}
