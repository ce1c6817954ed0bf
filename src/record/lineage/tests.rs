use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::base::Timestamp;
use crate::record::relation::AssertedBy;
use crate::record::{ClaimCounts, RecordRef, Relation};

/// A log in which so many documents are registered and these statements follow, each from, to and how.
fn standings(documents: u64, edges: &[(u64, u64, RelationKind)]) -> Standings {
    let mut standings = Standings::default();
    for record in 0..documents {
        standings.register(record, of(record).original, ClaimCounts::default());
    }
    for (by, (from, to, relation)) in (documents..).zip(edges) {
        relate(&mut standings, by, *from, relation.clone(), Target::Record(of(*to)));
    }
    standings
}

fn of(record: u64) -> RecordRef {
    RecordRef { record, original: Hash::of(&record.to_be_bytes()) }
}

fn relate(standings: &mut Standings, by: u64, from: u64, relation: RelationKind, target: Target) {
    let signer = Hash([7; 32]);
    let recorded_at = Timestamp::from_unix_seconds(0).unwrap();
    let asserted_by = AssertedBy::Person;
    let relation = Relation {
        about: of(from),
        relation,
        target,
        asserted_by,
        quote: None,
        recorded_by: signer,
        recorded_at,
    };
    standings.relate(by, signer, &relation);
}

const ALL: Bounds = Bounds { depth: usize::MAX, width: usize::MAX, lines: usize::MAX };

/// The tree as text: a record a line, indented by depth, with a mark where it is taken apart elsewhere.
fn drawn(lineage: &Lineage<'_>, root: u64, bounds: Bounds) -> Vec<String> {
    let tree = lineage.tree(lineage.node(root).unwrap(), bounds);
    let line = |line: &Line<'_>| match line {
        Line::Hop { depth, hop, shown } => {
            let mark = match shown {
                Shown::Here => "",
                Shown::Above => " above",
                Shown::Below => " below",
                Shown::LeftOut => " left out",
            };
            let name = lineage.document(hop.to).map_or("?".into(), |document| document.record().to_string());
            format!("{}{name}{mark}", " ".repeat(*depth))
        }
        Line::LeftOut { depth, count } => format!("{}+{count}", " ".repeat(*depth)),
    };
    tree.lines.iter().map(line).collect()
}

#[test]
fn a_tree_takes_each_document_apart_once_where_it_is_nearest() {
    use RelationKind::{Cites, Contradicts, Quotes};
    let edges = [
        (0, 1, Cites),
        (1, 2, Cites),
        (2, 0, Cites),
        (0, 2, Quotes),
        (2, 3, Cites),
        (3, 2, Quotes),
        (0, 4, Contradicts),
    ];
    let standings = standings(5, &edges);
    let lineage = Lineage::of(&standings);
    assert_eq!(drawn(&lineage, 0, ALL), [" 1", "  2 below", " 2", "  0 above", "  3", "   2 above"]);
    assert_eq!(drawn(&lineage, 4, ALL), [""; 0]);
    let shallow = Bounds { depth: 1, ..ALL };
    assert_eq!(drawn(&lineage, 0, shallow), [" 1", "  +1", " 2", "  +2"]);
    let narrow = Bounds { width: 1, ..ALL };
    assert_eq!(drawn(&lineage, 0, narrow), [" 1", "  2 left out", " +1"]);
    let tree = lineage.tree(lineage.node(0).unwrap(), Bounds { lines: 2, ..ALL });
    assert!(tree.cut && tree.lines.len() == 2);
    let whole = lineage.tree(lineage.node(0).unwrap(), Bounds { lines: 6, ..ALL });
    assert!(!whole.cut);
}

#[test]
fn a_document_that_is_registered_twice_is_one_and_the_same_said_twice_is_one_edge() {
    let mut standings = standings(3, &[(0, 1, RelationKind::Cites)]);
    standings.register(4, of(0).original, ClaimCounts::default());
    let again = RecordRef { record: 4, ..of(0) };
    for (by, about) in [(5, of(0)), (6, again)] {
        let target = Target::Record(of(1));
        let recorded_at = Timestamp::from_unix_seconds(0).unwrap();
        let (signer, relation, asserted_by) = (Hash([8; 32]), RelationKind::Cites, AssertedBy::Text);
        let relation =
            Relation { about, relation, target, asserted_by, quote: None, recorded_by: signer, recorded_at };
        standings.relate(by, signer, &relation);
    }
    // With itself it has nothing to do.
    relate(&mut standings, 7, 0, RelationKind::Cites, Target::Record(again));
    let lineage = Lineage::of(&standings);
    let node = lineage.node(4).unwrap();
    assert_eq!(lineage.node(0), Some(node));
    assert_eq!(lineage.document(node).unwrap().records, [0, 4]);
    let hops: Vec<&Hop> = lineage.hops(node, Direction::On).collect();
    assert_eq!(hops.len(), 1);
    assert_eq!((hops[0].by, hops[0].signer, hops[0].again), (3, Hash([7; 32]), 2));
    assert_eq!(lineage.node(3), None);
}

#[test]
fn ten_thousand_citations_each_way_are_nothing() {
    let begin = Instant::now();
    let count = 10_000;
    let edges = (1..=count).flat_map(|n| [(0, n, RelationKind::Cites), (n, 0, RelationKind::Quotes)]);
    let standings = standings(count + 1, &edges.collect::<Vec<_>>());
    let lineage = Lineage::of(&standings);
    let node = lineage.node(0).unwrap();
    let tree = lineage.tree(node, ALL);
    assert_eq!(tree.lines.len() as u64, 2 * count);
    let reach = lineage.reach([node], Direction::Under);
    assert_eq!(reach.nodes().len() as u64, count + 1);
    // And one long way.
    let edges: Vec<_> = (0..count).map(|n| (n, n + 1, RelationKind::IsBasedOn)).collect();
    let chain = super::tests::standings(count + 1, &edges);
    let lineage = Lineage::of(&chain);
    let (first, last) = (lineage.node(0).unwrap(), lineage.node(count).unwrap());
    let reach = lineage.reach([first], Direction::On);
    assert_eq!(reach.distance(last), Some(count as usize));
    assert_eq!(lineage.path(&reach, last, usize::MAX).len() as u64, count);
    assert_eq!(
        lineage.path(&reach, last, 3).iter().map(|hop| hop.by).collect::<Vec<_>>(),
        [count * 2 - 2, count * 2 - 1, count * 2]
    );
    assert_eq!(lineage.tree(first, ALL).lines.len() as u64, count);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[test]
fn articles_are_grouped_by_what_they_have_in_common() {
    use RelationKind::{Cites, NearDuplicateOf, SameContentAs};
    // 0 and 1 rest on 5, 1 on 6 too; 2 has the content of 3, which claims what 4 claims; 7 and 8 are alike and say nothing.
    let edges = [(0, 5, Cites), (1, 5, Cites), (1, 6, Cites), (2, 3, SameContentAs), (7, 8, NearDuplicateOf)];
    let mut standings = standings(11, &edges);
    let unresolved =
        Target::Unresolved(Unresolved { text: Some("a release".into()), ..Unresolved::default() });
    relate(&mut standings, 40, 9, Cites, unresolved.clone());
    let lineage = Lineage::of(&standings);
    let node = |record| lineage.node(record).unwrap();
    let asked: Vec<Node> = [0, 1, 2, 4, 7, 8, 9, 10].map(node).to_vec();
    let behind = lineage.behind(&asked);
    let afp = || vec![OriginKey::Organisation("afp".into())];
    let claims = HashMap::from([(node(3), afp()), (node(4), afp())]);
    let groups = lineage.groups(&asked, &behind, &claims);
    let records = |nodes: &[Node]| -> Vec<u64> {
        nodes.iter().filter_map(|node| lineage.document(*node)).map(Document::record).collect()
    };
    let found: Vec<(Vec<u64>, Vec<u64>, bool)> = groups
        .iter()
        .map(|group| (records(&group.articles), records(&group.through), group.is_known(&lineage)))
        .collect();
    let expected = [
        (vec![0, 1], vec![5, 6], true),
        (vec![2, 4], vec![3], true),
        (vec![7, 8], vec![], false),
        (vec![9], vec![], true),
        (vec![10], vec![], false),
    ];
    assert_eq!(found, expected);
    assert_eq!(groups[1].origins, afp());
}

/// What follows from `edges`, by multiplying until nothing changes.
fn closure(edges: &BTreeSet<(u64, u64)>, from: u64) -> BTreeSet<u64> {
    let mut reached = BTreeSet::from([from]);
    loop {
        let more: BTreeSet<u64> =
            edges.iter().filter(|(one, _)| reached.contains(one)).map(|(_, other)| *other).collect();
        let before = reached.len();
        reached.extend(more);
        if reached.len() == before {
            return reached;
        }
    }
}

fn graphs() -> impl Strategy<Value = (u64, Vec<(u64, u64, RelationKind)>)> {
    (2u64..12).prop_flat_map(|documents| {
        let kind = prop::sample::select(vec![
            RelationKind::Cites,
            RelationKind::Quotes,
            RelationKind::Corrects,
            RelationKind::SameContentAs,
        ]);
        let edge = (0..documents, 0..documents, kind).prop_filter("to itself", |(from, to, _)| from != to);
        (Just(documents), prop::collection::vec(edge, 0..40))
    })
}

proptest! {
    #[test]
    fn walks_reach_what_follows_from_the_edges((documents, edges) in graphs()) {
        let standings = standings(documents, &edges);
        let lineage = Lineage::of(&standings);
        let resting = edges.iter().filter(|(_, _, kind)| kind.rests_on_target());
        let resting: BTreeSet<(u64, u64)> = resting.map(|(from, to, _)| (*from, *to)).collect();
        let turned: BTreeSet<(u64, u64)> = resting.iter().map(|(from, to)| (*to, *from)).collect();
        for root in 0..documents {
            let node = lineage.node(root).unwrap();
            for (direction, edges) in [(Direction::On, &resting), (Direction::Under, &turned)] {
                let reach = lineage.reach([node], direction);
                let record = |node: &Node| lineage.document(*node).unwrap().record();
                let reached: BTreeSet<u64> = reach.nodes().iter().map(record).collect();
                prop_assert_eq!(&reached, &closure(edges, root));
                prop_assert_eq!(reached.len(), reach.nodes().len());
                for other in reach.nodes() {
                    // A path is one: its hops follow each other, and there are as many as the distance says.
                    let path = lineage.path(&reach, *other, usize::MAX);
                    prop_assert_eq!(Some(path.len()), reach.distance(*other));
                    let mut at = node;
                    let ways = path.iter().collect::<Vec<_>>();
                    for hop in ways {
                        let (from, to) = match direction {
                            Direction::On => (hop.from, hop.to),
                            Direction::Under => (hop.to, hop.from),
                        };
                        prop_assert_eq!(from, at);
                        at = to;
                    }
                    prop_assert_eq!(at, *other);
                }
            }
            // The tree names all of them, takes each apart once, and has a line for each edge.
            let tree = lineage.tree(node, ALL);
            let mut apart: BTreeMap<Node, usize> = BTreeMap::new();
            let mut named = BTreeSet::from([root]);
            for line in &tree.lines {
                let Line::Hop { hop, shown, .. } = line else { panic!("left out") };
                named.insert(lineage.document(hop.to).unwrap().record());
                let rests = lineage.hops(hop.to, Direction::On).next().is_some();
                prop_assert!(*shown != Shown::LeftOut);
                if *shown == Shown::Here && rests {
                    *apart.entry(hop.to).or_default() += 1;
                }
            }
            prop_assert!(apart.values().all(|count| *count == 1));
            let below = closure(&resting, root);
            let kinds: BTreeSet<_> = edges.iter().filter(|(from, _, kind)| below.contains(from) && kind.rests_on_target()).collect();
            prop_assert_eq!(tree.lines.len(), kinds.len());
            prop_assert_eq!(named, below);
        }
    }

    #[test]
    fn groups_are_what_hangs_together((documents, edges) in graphs()) {
        let standings = standings(documents, &edges);
        let lineage = Lineage::of(&standings);
        let asked: Vec<Node> = lineage.documents().collect();
        let behind = lineage.behind(&asked);
        let groups = lineage.groups(&asked, &behind, &HashMap::new());
        let both: BTreeSet<(u64, u64)> = edges
            .iter()
            .filter(|(_, _, kind)| *kind != RelationKind::Corrects)
            .flat_map(|(from, to, _)| [(*from, *to), (*to, *from)])
            .collect();
        let mut all = 0;
        for group in &groups {
            let records: BTreeSet<u64> =
                group.articles.iter().map(|node| lineage.document(*node).unwrap().record()).collect();
            prop_assert_eq!(&records, &closure(&both, *records.first().unwrap()));
            all += records.len() as u64;
        }
        prop_assert_eq!(all, documents);
    }
}
