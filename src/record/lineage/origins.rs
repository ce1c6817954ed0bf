//! How many independent origins stand behind many articles.
//!
//! Articles belong together where the log gives a reason to think that they have an origin in common: they rest on one
//! document, have the same content, or claim one origin, themselves or through what they rest on. Reasons add up: two
//! articles that share nothing but a third with each of them belong together too. So the number of groups is never more
//! than the number of independent origins *that the log knows of*, and says nothing of what it does not know.

use std::collections::{BTreeMap, HashMap};

use crate::article::{Authority, OriginRole, fold_name};
use crate::record::registration::OriginClaim;

use super::{Direction, Hop, Lineage, Node};

/// What makes two claimed origins one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OriginKey {
    /// The id of a known body.
    Organisation(String),
    /// The printed name, folded, of one that is not known.
    Name(String),
}

impl OriginKey {
    /// Returns the key of a claim, by the bodies of `authority` where it names none itself; `None` if it is of something else than where the text comes from: a picture, figures,
    /// whoever passed it on.
    pub fn of(claim: &OriginClaim, authority: &Authority) -> Option<Self> {
        use OriginRole::{Contribution, Origin, TranslationOf, WireCarriage};
        if !matches!(claim.role, Origin | WireCarriage | Contribution | TranslationOf) {
            return None;
        }
        // A person states a name, and no body.
        let known = || authority.find(&claim.as_printed).map(|known| known.id.clone());
        if let Some(id) = claim.org.id.clone().or_else(known) {
            return Some(OriginKey::Organisation(id));
        }
        let name = fold_name(&claim.as_printed);
        (!name.is_empty()).then_some(OriginKey::Name(name))
    }
}

/// Why a document belongs to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link<'l> {
    /// It rests on something, or has its content.
    Hop(&'l Hop),
    /// It claims an origin.
    Claims {
        /// The document.
        document: Node,
        /// The origin.
        origin: OriginKey,
    },
}

/// Articles that have an origin in common, as far as the log knows.
#[derive(Debug, Default)]
pub struct Group<'l> {
    /// The articles asked about, in log order.
    pub articles: Vec<Node>,
    /// What they rest on, directly or through others, and what has the same content, in log order.
    pub through: Vec<Node>,
    /// The origins claimed.
    pub origins: Vec<OriginKey>,
    /// Why they belong together.
    pub links: Vec<Link<'l>>,
}

impl Group<'_> {
    /// Returns whether an origin is known: one is claimed, or something is rested on. Articles without credit that cite
    /// nothing may have any origin.
    pub fn is_known(&self, lineage: &Lineage<'_>) -> bool {
        let rests = |link: &Link<'_>| matches!(link, Link::Hop(hop) if hop.relation.rests_on_target());
        !self.origins.is_empty()
            || self.links.iter().any(rests)
            || self.through.iter().any(|node| lineage.document(*node).is_none())
    }
}

impl Lineage<'_> {
    /// Returns the articles, and all that [`Lineage::groups`] must know the claims of.
    pub fn behind(&self, articles: &[Node]) -> Vec<Node> {
        let mut seen = vec![false; self.documents.len() + self.unresolved.len()];
        let mut found = Vec::new();
        let mut todo: Vec<Node> = articles.to_vec();
        while let Some(node) = todo.pop() {
            if std::mem::replace(&mut seen[node.0], true) {
                continue;
            }
            found.push(node);
            todo.extend(self.hops(node, Direction::On).map(|hop| hop.to));
            todo.extend(self.same_content(node).flat_map(|hop| [hop.from, hop.to]));
        }
        found.sort_unstable();
        found
    }

    /// Groups `articles`, by what [`Lineage::behind`] gave for them, and the origins that those documents claim. Groups come
    /// by their first article. Costs what is behind the articles.
    pub fn groups<'l>(
        &'l self,
        articles: &[Node],
        behind: &[Node],
        claims: &HashMap<Node, Vec<OriginKey>>,
    ) -> Vec<Group<'l>> {
        let mut sets = Sets((0..behind.len()).collect());
        let place = |node: Node| behind.binary_search(&node).ok();
        let mut first: HashMap<&OriginKey, usize> = HashMap::new();
        let mut links: Vec<(usize, Link<'l>)> = Vec::new();
        for (at, node) in behind.iter().enumerate() {
            let hops = self.hops(*node, Direction::On);
            let same = self.same_content(*node).filter(|hop| hop.from == *node);
            for hop in hops.chain(same) {
                let Some(to) = place(hop.to) else { continue };
                sets.join(at, to);
                links.push((at, Link::Hop(hop)));
            }
            for key in claims.get(node).into_iter().flatten() {
                sets.join(at, *first.entry(key).or_insert(at));
                links.push((at, Link::Claims { document: *node, origin: key.clone() }));
            }
        }
        let mut asked = vec![false; behind.len()];
        articles.iter().filter_map(|node| place(*node)).for_each(|at| asked[at] = true);
        let mut groups: BTreeMap<usize, Group<'l>> = BTreeMap::new();
        for (at, node) in behind.iter().enumerate() {
            let group = groups.entry(sets.root(at)).or_default();
            if asked[at] { group.articles.push(*node) } else { group.through.push(*node) }
        }
        for (at, link) in links {
            let group = groups.entry(sets.root(at)).or_default();
            if let Link::Claims { origin, .. } = &link {
                group.origins.push(origin.clone());
            }
            group.links.push(link);
        }
        let mut groups: Vec<Group<'l>> =
            groups.into_values().filter(|group| !group.articles.is_empty()).collect();
        for group in &mut groups {
            group.origins.sort_unstable();
            group.origins.dedup();
        }
        groups.sort_by_key(|group| group.articles[0]);
        groups
    }
}

/// Disjoint sets of numbers.
struct Sets(Vec<usize>);

impl Sets {
    fn root(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        // The smaller number stays, so that nothing depends on the order.
        self.0[one.max(other)] = one.min(other);
    }
}
