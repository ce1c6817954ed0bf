//! Which element of a page holds the article, and which of its blocks are the text.
//!
//! Blocks that read like prose vote for the elements around them; the element with the most votes holds the article,
//! widened to neighbours that go on with it. Where the page's own metadata give the article's text, this is followed
//! instead: it says which blocks they are.

use std::collections::{BTreeMap, HashSet};

use html5ever::local_name;

use super::block::{Aside, Block, Shape};
use super::call::is_call;
use super::class::Classes;
use super::keep::keep;
use super::tree::{DOCUMENT, Id, Tree};

/// The article's blocks, as indices in order.
pub(super) struct Chosen {
    pub blocks: Vec<usize>,
    /// How many of them, at the front, are the summary between the title and the body: a byline often stands between.
    pub leads: usize,
}

/// Chooses the article's blocks. `given` is the article's text where the page's metadata give it,
/// `summary` are its descriptions.
pub(super) fn choose(
    tree: &Tree,
    classes: &Classes,
    blocks: &[Block],
    given: Option<&str>,
    (titles, summaries): (&[&str], &[&str]),
) -> Chosen {
    let page = Page { tree, classes, blocks };
    let Some(container) = page.container().map(|best| page.titled(best, titles)) else {
        return Chosen { blocks: Vec::new(), leads: 0 };
    };
    let inside = page.until_again(page.inside(container), titles);
    let mut chosen = keep(tree, blocks, &inside);
    let chars = |chosen: &[usize]| -> usize { chosen.iter().map(|at| blocks[*at].chars).sum() };
    // What the metadata give may be the first lines only: then it says nothing of the rest.
    if let Some(followed) = given.and_then(|given| follow(blocks, given))
        && chars(&followed) * 10 >= chars(&chosen) * 6
    {
        chosen = followed;
    }
    page.with_lead(chosen, summaries)
}

/// Lower-case letters and digits alone: what stays the same between metadata and page.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Follows the text that the metadata give: blocks that stand in it, and headings between them.
fn follow(blocks: &[Block], given: &str) -> Option<Vec<usize>> {
    let given = letters(given);
    if given.chars().count() < 400 {
        return None;
    }
    let usable = |block: &Block| {
        !matches!(block.set_aside, Some(Aside::Hidden | Aside::Caption | Aside::Comment)) && !block.figure
    };
    let mut found = 0;
    let mut seen = HashSet::new();
    let mut stands = vec![false; blocks.len()];
    for (at, block) in blocks.iter().enumerate().filter(|(_, block)| usable(block)) {
        let words = letters(&block.text);
        if words.chars().count() >= 30 && given.contains(&words) && seen.insert(words.clone()) {
            stands[at] = true;
            found += words.len();
        }
    }
    // Most of it must be there, or it is another text.
    if found * 10 < given.len() * 7 {
        return None;
    }
    let first = stands.iter().position(|stands| *stands)?;
    let last = stands.iter().rposition(|stands| *stands)?;
    let between = |at: &usize| {
        let block = &blocks[*at];
        let plain = block.set_aside.is_none() && !block.figure && block.link_share() < 0.5;
        let heading = matches!(block.shape, Shape::Heading(2..)) && !is_call(&block.text);
        stands[*at] || (plain && (heading || given.contains(&letters(&block.text))))
    };
    Some((first..=last).filter(between).collect())
}

/// True for the page's title as a heading; a page's title often goes on with the name of the site.
fn is_title(block: &Block, titles: &[String]) -> bool {
    let words = letters(&block.text);
    let long = words.chars().count() >= 8;
    block.shape == Shape::Heading(1)
        && titles.iter().any(|title| *title == words || (long && title.starts_with(&words)))
}

struct Page<'p> {
    tree: &'p Tree,
    classes: &'p Classes,
    blocks: &'p [Block],
}

impl Page<'_> {
    /// Returns the indices of the blocks in an element.
    fn inside(&self, top: Id) -> Vec<usize> {
        let in_top = |id: Id| id == top || self.tree.ancestors(id).any(|up| up == top);
        (0..self.blocks.len()).filter(|at| in_top(self.blocks[*at].element)).collect()
    }

    /// Cuts where the title comes again below the text: there the article, or the next one, starts anew.
    fn until_again(&self, mut inside: Vec<usize>, titles: &[&str]) -> Vec<usize> {
        let titles: Vec<String> = titles.iter().map(|title| letters(title)).collect();
        let mut at_titles = (0..self.blocks.len()).filter(|at| is_title(&self.blocks[*at], &titles));
        let Some(title) = at_titles.next() else { return inside };
        let prose = |at: &usize| *at > title && self.blocks[*at].is_prose();
        if let Some(first) = inside.iter().copied().find(prose)
            && let Some(again) = at_titles.find(|at| *at > first)
        {
            inside.retain(|at| *at < again);
        }
        inside
    }

    /// Finds the element that holds the article.
    fn container(&self) -> Option<Id> {
        let tree = self.tree;
        let mut scores: BTreeMap<Id, f64> = BTreeMap::new();
        for block in self.prose() {
            // Teasers stand in lists; articles seldom do.
            let listed = if block.shape == Shape::Item { 0.25 } else { 1.0 };
            let value = listed * (1.0 + (block.chars as f64 / 100.0).min(6.0));
            let holder =
                if block.shape == Shape::Loose { block.element } else { tree.parent(block.element)? };
            let mut share = 1.0;
            for (level, up) in std::iter::once(holder).chain(tree.ancestors(holder)).enumerate().take(6) {
                *scores.entry(up).or_default() += value * share;
                share *= if level == 0 { 0.75 } else { 0.6 };
            }
        }
        let weighed = scores.into_iter().map(|(id, score)| (id, score * self.bonus(id)));
        let best = weighed.max_by(|one, other| one.1.total_cmp(&other.1).then(other.0.cmp(&one.0)));
        let Some((best, _)) = best else { return self.without_prose() };
        let best = self.widen(best);
        // A page of lists and tables has little prose, and it may stand in the wrong place.
        let prose = self.chars_in(best, Block::is_prose);
        if prose < 500
            && let Some(named) = self.named()
        {
            let all = |id| self.chars_in(id, |block| block.link_share() < 0.5);
            if all(named) > 2 * all(best) {
                return Some(named);
            }
        }
        Some(best)
    }

    /// Returns the first `<article>` with the page's title in it, where `best` is in another one.
    fn titled(&self, best: Id, titles: &[&str]) -> Id {
        let tree = self.tree;
        let is_article = |id: &Id| tree.is(*id, &local_name!("article"));
        let own = |id: Id| std::iter::once(id).chain(tree.ancestors(id)).find(is_article);
        let titles: Vec<String> = titles.iter().map(|title| letters(title)).collect();
        let heading = self.blocks.iter().find(|block| is_title(block, &titles));
        let Some(first) = heading.and_then(|block| own(block.element)) else { return best };
        let elsewhere = own(best).map_or_else(|| self.other_articles(best, first), |other| other != first);
        if elsewhere && self.chars_in(first, Block::is_prose) >= 400 { first } else { best }
    }

    /// Returns true when another `<article>` than `first`, not around it, stands in `best` and has prose.
    fn other_articles(&self, best: Id, first: Id) -> bool {
        let tree = self.tree;
        let apart = |id: &Id| {
            tree.is(*id, &local_name!("article"))
                && *id != first
                && !tree.ancestors(*id).any(|up| up == first)
                && !tree.ancestors(first).any(|up| up == *id)
        };
        tree.subtree(best).filter(apart).take(40).any(|id| self.chars_in(id, Block::is_prose) >= 400)
    }

    fn prose(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| block.set_aside.is_none() && !block.figure && block.is_prose())
    }

    fn chars_in(&self, top: Id, which: impl Fn(&Block) -> bool) -> usize {
        let good = |block: &Block| block.set_aside.is_none() && !block.figure && which(block);
        self.inside(top)
            .into_iter()
            .map(|at| &self.blocks[at])
            .filter(|block| good(block))
            .map(|block| block.chars)
            .sum()
    }

    fn says_content(&self, id: Id) -> bool {
        let body =
            |terms: &str| terms.split_ascii_whitespace().any(|term| term.eq_ignore_ascii_case("articleBody"));
        self.classes.of(id).content || self.tree.attribute(id, "itemprop").is_some_and(body)
    }

    /// Returns the element with the most text among those that say that they hold the article.
    fn named(&self) -> Option<Id> {
        let tree = self.tree;
        let says = |id: &Id| self.says_content(*id) || tree.is(*id, &local_name!("article"));
        let named = tree.subtree(DOCUMENT).filter(says).take(40);
        let weighed = named.map(|id| (self.chars_in(id, |block| block.link_share() < 0.5), id));
        weighed.filter(|(chars, _)| *chars > 0).max_by_key(|(chars, id)| (*chars, *id)).map(|(_, id)| id)
    }

    fn without_prose(&self) -> Option<Id> {
        let body = || self.tree.subtree(DOCUMENT).find(|id| self.tree.is(*id, &local_name!("body")));
        self.named().or_else(body)
    }

    fn bonus(&self, id: Id) -> f64 {
        let mut factor = if self.says_content(id) { 1.4 } else { 1.0 };
        match self.tree.name(id) {
            Some(&local_name!("article")) => factor *= 1.3,
            Some(&local_name!("main")) => factor *= 1.1,
            Some(&local_name!("body") | &local_name!("html")) => factor *= 0.7,
            _ => {}
        }
        factor
    }

    /// Climbs while an element above holds clearly more prose, or says that it holds the article.
    fn widen(&self, start: Id) -> Id {
        let tree = self.tree;
        let mut at = start;
        // Lists beside an article are seldom part of it, where it is not a list itself.
        let plain = |block: &Block| block.is_prose() && block.shape != Shape::Item;
        let listed = self.chars_in(at, plain) * 2 < self.chars_in(at, Block::is_prose);
        let counts = |block: &Block| plain(block) || (listed && block.is_prose());
        let mut have = self.chars_in(at, counts).max(1);
        if tree.is(start, &local_name!("article")) {
            return start;
        }
        for up in tree.ancestors(start).take(16) {
            if matches!(
                tree.name(up),
                None | Some(&local_name!("body") | &local_name!("html") | &local_name!("main"))
            ) {
                break;
            }
            let more = self.chars_in(up, counts);
            let says = self.says_content(up) && self.chars_in(up, Block::is_prose) < 2 * have;
            if more * 10 >= have * 13 || says {
                at = up;
                have = more;
            }
            if tree.is(up, &local_name!("article")) {
                break;
            }
        }
        at
    }

    /// Puts the summary that stands between the title and the text before it.
    fn with_lead(&self, chosen: Vec<usize>, summaries: &[&str]) -> Chosen {
        let Some(first) = chosen.first().copied() else { return Chosen { blocks: chosen, leads: 0 } };
        let title = (0..first).rev().find(|at| self.blocks[*at].shape == Shape::Heading(1));
        let from = title.map_or(first.saturating_sub(12), |title| title + 1);
        let summaries: Vec<String> = summaries.iter().map(|text| letters(text)).collect();
        let start: String = chosen.iter().take(3).map(|at| letters(&self.blocks[*at].text)).collect();
        let is_lead = |at: &usize| {
            let block = &self.blocks[*at];
            let words = letters(&block.text);
            let long = words.chars().count() >= 40
                || (words.chars().any(|c| c > '\u{2e80}') && words.chars().count() >= 15);
            let aside = !matches!(block.set_aside, None | Some(Aside::Clutter)) || block.figure;
            if !long || aside || block.link_share() > 0.3 || start.contains(&words) || is_call(&block.text) {
                return false;
            }
            let summary = summaries.iter().any(|summary| {
                summary.contains(&words)
                    || (summary.len() >= 60
                        && words.starts_with(&summary[..floor(summary, summary.len() * 8 / 10)]))
            });
            summary
                || (block.lead && title.is_some() && block.set_aside.is_none())
                || (title.is_some() && block.set_aside.is_none() && block.is_prose())
        };
        let mut all: Vec<usize> = (from..first).filter(is_lead).take(3).collect();
        let leads = all.len();
        all.extend(chosen);
        Chosen { blocks: all, leads }
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
