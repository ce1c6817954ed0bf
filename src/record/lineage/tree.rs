//! What a document rests on as a tree that is printed from the top.
//!
//! Each document is taken apart once, where it is nearest to the top; wherever else it stands, the tree says where that
//! is. So a tree has at most one line for each edge, whatever cycles there are, and what lies within its depth is whole.

use std::collections::HashMap;

use super::{Direction, Hop, Lineage, Node, other_end};

/// How much of a tree is made.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Hops from its top.
    pub depth: usize,
    /// Hops from one document.
    pub width: usize,
    /// Lines in all.
    pub lines: usize,
}

/// Whether what a node rests on stands below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Below it.
    Here,
    /// Further up.
    Above,
    /// Further down.
    Below,
    /// Nowhere: the tree ends before.
    LeftOut,
}

/// One line of a tree.
#[derive(Debug, Clone, Copy)]
pub enum Line<'l> {
    /// A hop, from what the last line with a depth of one less is about.
    Hop {
        /// How far from the top, at least 1.
        depth: usize,
        /// The hop.
        hop: &'l Hop,
        /// Where what the other end rests on is shown.
        shown: Shown,
    },
    /// So many hops of one document are left out there.
    LeftOut {
        /// How far from the top.
        depth: usize,
        /// How many.
        count: usize,
    },
}

/// A tree. Its top is not a line of it.
#[derive(Debug)]
pub struct Tree<'l> {
    /// The lines, from the top.
    pub lines: Vec<Line<'l>>,
    /// Whether the bound of lines cut it off.
    pub cut: bool,
}

/// What is to be written next.
enum Next {
    Hop { depth: usize, hop: usize },
    LeftOut { depth: usize, count: usize },
}

impl Lineage<'_> {
    /// Makes the tree of what `root` rests on.
    pub fn tree(&self, root: Node, bounds: Bounds) -> Tree<'_> {
        let direction = Direction::On;
        let reach = self.reach([root], direction);
        // The line below which a node is taken apart.
        let mut apart: HashMap<Node, usize> = HashMap::new();
        let mut lines: Vec<Line<'_>> = Vec::new();
        let mut todo = Vec::new();
        let open = |node: Node, depth: usize, todo: &mut Vec<Next>| {
            let hops = self.list(node, direction);
            let shown = if depth < bounds.depth { hops.len().min(bounds.width) } else { 0 };
            let depth = depth + 1;
            if hops.len() > shown {
                todo.push(Next::LeftOut { depth, count: hops.len() - shown });
            }
            todo.extend(hops[..shown].iter().rev().map(|hop| Next::Hop { depth, hop: *hop }));
        };
        open(root, 0, &mut todo);
        let mut cut = false;
        while let Some(next) = todo.pop() {
            if lines.len() == bounds.lines {
                cut = true;
                break;
            }
            match next {
                Next::LeftOut { depth, count } => lines.push(Line::LeftOut { depth, count }),
                Next::Hop { depth, hop } => {
                    let hop = &self.hops[hop];
                    let to = other_end(hop, direction);
                    let nearest = reach.distance(to) == Some(depth) && !apart.contains_key(&to);
                    if nearest {
                        apart.insert(to, lines.len());
                        open(to, depth, &mut todo);
                    }
                    let shown = if nearest { Shown::Here } else { Shown::LeftOut };
                    lines.push(Line::Hop { depth, hop, shown });
                }
            }
        }
        for (place, line) in lines.iter_mut().enumerate() {
            let Line::Hop { hop, shown: shown @ Shown::LeftOut, .. } = line else { continue };
            let to = other_end(hop, direction);
            *shown = match apart.get(&to) {
                _ if to == root => Shown::Above,
                Some(other) if *other < place => Shown::Above,
                Some(_) => Shown::Below,
                // There is nothing to show of it.
                None if self.list(to, direction).is_empty() => Shown::Here,
                None => Shown::LeftOut,
            };
        }
        Tree { lines, cut }
    }
}
