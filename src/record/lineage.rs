//! What documents rest on, directly and through others, and what rests on them: a graph over [`Standings`].
//!
//! A node is a document, by the digest of its original, or something that nobody has registered, by all that is known of
//! it. A document that is registered more than once is one node: what is said of any of its records is said of it. An
//! edge is a relation by which one rests on the other, with the first statement that says so; a later one that says the
//! same adds nothing but a count.
//!
//! Whoever is enrolled can draw any edge, cycles too. Building the graph and every walk over it are linear in what the log
//! says; no walk recurses, and lists end at bounds of the caller's.

mod fate;
mod origins;
mod tree;

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use crate::base::Hash;

use super::relation::Unresolved;
use super::{RelationKind, Standings, Target};

pub use fate::{Fate, Mark, Resting};
pub use origins::{Group, Link, OriginKey};
pub use tree::{Bounds, Line, Shown, Tree};

/// A node of a [`Lineage`]: meaningful only there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(usize);

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End<'l> {
    /// A registered document.
    Document(&'l Document),
    /// Something that nobody has registered.
    Unresolved(&'l Unresolved),
}

/// A registered document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// SHA-256 of its original.
    pub original: Hash,
    /// The records of it, at least one, in log order.
    pub records: Vec<u64>,
}

impl Document {
    /// Returns its first record.
    pub fn record(&self) -> u64 {
        self.records[0]
    }
}

/// An edge: one document rests on another, or has its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The document that relates.
    pub from: Node,
    /// What it relates to.
    pub to: Node,
    /// How.
    pub relation: RelationKind,
    /// Index of the first statement that says so.
    pub by: u64,
    /// Id of the key that signed that statement.
    pub signer: Hash,
    /// How many later statements say the same.
    pub again: usize,
}

/// Which way a walk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From a document to what it rests on.
    On,
    /// From what is rested on to the documents that rest on it.
    Under,
}

/// The graph.
#[derive(Debug)]
pub struct Lineage<'s> {
    standings: &'s Standings,
    documents: Vec<Document>,
    by_original: HashMap<Hash, usize>,
    /// Their nodes come after those of the documents.
    unresolved: Vec<&'s Unresolved>,
    hops: Vec<Hop>,
    on: Vec<Vec<usize>>,
    under: Vec<Vec<usize>>,
    /// Edges of the same content, at both ends.
    same: Vec<Vec<usize>>,
    /// Index of the statement that took a document back last.
    taken_back: Vec<Option<u64>>,
}

/// Where a walk came, nearest first.
#[derive(Debug)]
pub struct Reach {
    direction: Direction,
    order: Vec<Node>,
    /// By node: how far, and by which hop.
    steps: Vec<Option<(usize, Option<usize>)>>,
}

impl Reach {
    /// Returns the nodes reached, those that the walk began at first, then by distance, then in log order.
    pub fn nodes(&self) -> &[Node] {
        &self.order
    }

    /// Returns the least number of hops to a node; `None` if it was not reached.
    pub fn distance(&self, node: Node) -> Option<usize> {
        self.steps[node.0].map(|(distance, _)| distance)
    }
}

impl<'s> Lineage<'s> {
    /// Builds the graph.
    pub fn of(standings: &'s Standings) -> Self {
        let mut documents: Vec<Document> = Vec::new();
        let mut by_original = HashMap::new();
        for registered in standings.registrations() {
            let place = *by_original.entry(registered.original).or_insert(documents.len());
            match documents.get_mut(place) {
                Some(document) => document.records.push(registered.record),
                None => documents
                    .push(Document { original: registered.original, records: vec![registered.record] }),
            }
        }
        let taken_back = documents
            .iter()
            .map(|document| {
                let of = document.records.iter().filter_map(|record| standings.of(*record));
                of.filter_map(|standing| standing.taken_back()).map(|(by, _)| by).max()
            })
            .collect();
        let nothing = || vec![Vec::new(); documents.len()];
        let (on, under, same) = (nothing(), nothing(), nothing());
        let mut lineage = Lineage {
            standings,
            documents,
            by_original,
            unresolved: Vec::new(),
            hops: Vec::new(),
            on,
            under,
            same,
            taken_back,
        };
        lineage.draw();
        lineage
    }

    fn draw(&mut self) {
        let count = self.documents.len();
        let mut unresolved: HashMap<&'s Unresolved, usize> = HashMap::new();
        let mut known: HashMap<(usize, usize, &'s RelationKind), usize> = HashMap::new();
        for (record, standing) in self.standings.iter() {
            let Some((original, _)) = self.standings.registered(record) else { continue };
            let from = self.by_original[&original];
            for related in &standing.relations {
                let rests = related.relation.rests_on_target();
                if !rests && !is_of_same_content(&related.relation) {
                    continue;
                }
                let to = match &related.other {
                    Target::Record(target) => self.by_original.get(&target.original).copied(),
                    Target::Unresolved(target) => {
                        let next = count + self.unresolved.len();
                        let place = unresolved.entry(target).or_insert(next);
                        if *place == next {
                            self.unresolved.push(target);
                        }
                        Some(*place)
                    }
                };
                // Of a document with itself, by two records of it, nothing is said.
                let Some(to) = to.filter(|to| *to != from) else { continue };
                let hop = self.hops.len();
                match known.entry((from, to, &related.relation)) {
                    Slot::Occupied(first) => {
                        self.hops[*first.get()].again += 1;
                        continue;
                    }
                    Slot::Vacant(place) => place.insert(hop),
                };
                self.hops.push(Hop {
                    from: Node(from),
                    to: Node(to),
                    relation: related.relation.clone(),
                    by: related.by,
                    signer: related.signer,
                    again: 0,
                });
                if rests {
                    self.on[from].push(hop);
                    if let Some(under) = self.under.get_mut(to) {
                        under.push(hop);
                    }
                } else {
                    self.same[from].push(hop);
                    if let Some(same) = self.same.get_mut(to) {
                        same.push(hop);
                    }
                }
            }
        }
        // Records of one document, and of what relates to one, are come by in another order.
        let hops = &self.hops;
        for list in self.on.iter_mut().chain(&mut self.under).chain(&mut self.same) {
            list.sort_by_key(|hop| hops[*hop].by);
        }
    }

    /// Returns the node of the registration at `record`; `None` if there is none.
    pub fn node(&self, record: u64) -> Option<Node> {
        let (original, _) = self.standings.registered(record)?;
        self.by_original.get(&original).copied().map(Node)
    }

    /// Returns the node of the document with these bytes; `None` if it is not registered.
    pub fn node_of(&self, original: &Hash) -> Option<Node> {
        self.by_original.get(original).copied().map(Node)
    }

    /// Returns what a node is.
    pub fn end(&self, node: Node) -> End<'_> {
        match self.documents.get(node.0) {
            Some(document) => End::Document(document),
            None => End::Unresolved(self.unresolved[node.0 - self.documents.len()]),
        }
    }

    /// Returns the document of a node; `None` for what nobody has registered.
    pub fn document(&self, node: Node) -> Option<&Document> {
        self.documents.get(node.0)
    }

    /// Returns all documents, by their first record.
    pub fn documents(&self) -> impl Iterator<Item = Node> + use<> {
        (0..self.documents.len()).map(Node)
    }

    /// Returns the hops from a node in one direction, in log order.
    pub fn hops(&self, node: Node, direction: Direction) -> impl Iterator<Item = &Hop> {
        self.list(node, direction).iter().map(|hop| &self.hops[*hop])
    }

    fn list(&self, node: Node, direction: Direction) -> &[usize] {
        let lists = match direction {
            Direction::On => &self.on,
            Direction::Under => &self.under,
        };
        lists.get(node.0).map_or(&[], Vec::as_slice)
    }

    /// Returns the edges by which a document has the same, or nearly the same, content as another, from either end, in log
    /// order.
    pub fn same_content(&self, node: Node) -> impl Iterator<Item = &Hop> {
        self.same.get(node.0).into_iter().flatten().map(|hop| &self.hops[*hop])
    }

    /// Walks as far as there is a way. Costs what was reached, and a little for each node of the graph.
    pub fn reach(&self, from: impl IntoIterator<Item = Node>, direction: Direction) -> Reach {
        let mut steps = vec![None; self.documents.len() + self.unresolved.len()];
        let mut order = Vec::new();
        for node in from {
            if steps[node.0].is_none() {
                steps[node.0] = Some((0, None));
                order.push(node);
            }
        }
        let mut at = 0;
        while let Some(node) = order.get(at).copied() {
            at += 1;
            let distance = steps[node.0].map_or(0, |(distance, _)| distance);
            for hop in self.list(node, direction) {
                let next = other_end(&self.hops[*hop], direction);
                if steps[next.0].is_none() {
                    steps[next.0] = Some((distance + 1, Some(*hop)));
                    order.push(next);
                }
            }
        }
        Reach { direction, order, steps }
    }

    /// Returns a shortest way by which a walk came to `node`, from where it began; of one longer than `limit` only the last
    /// hops. Empty for a node that it began at, or did not reach.
    pub fn path(&self, reach: &Reach, node: Node, limit: usize) -> Vec<&Hop> {
        let mut path = Vec::new();
        let mut at = node;
        while let Some((_, Some(hop))) = reach.steps[at.0].filter(|_| path.len() < limit) {
            let hop = &self.hops[hop];
            path.push(hop);
            at = match reach.direction {
                Direction::On => hop.from,
                Direction::Under => hop.to,
            };
        }
        path.reverse();
        path
    }
}

/// Returns the end of a hop that a walk comes to.
fn other_end(hop: &Hop, direction: Direction) -> Node {
    match direction {
        Direction::On => hop.to,
        Direction::Under => hop.from,
    }
}

fn is_of_same_content(relation: &RelationKind) -> bool {
    matches!(relation, RelationKind::SameContentAs | RelationKind::NearDuplicateOf)
}

#[cfg(test)]
mod tests;
