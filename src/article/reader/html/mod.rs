//! HTML → the article's text, what stands around it, and what the page's metadata say.
//!
//! ```text
//! <meta property="og:title" content="…">  <script type="application/ld+json">{"@type": "NewsArticle", …}</script>
//! <h1>…</h1> <p class="byline">Par Awa Diallo</p> <div class="article-body"><p>…</p><p>…</p></div>
//! ```
//!
//! The extracted text is the article's own wording, its paragraphs parted by a blank line: no title, no byline, no
//! captions, no navigation. These go to `head`, `tail` and `declared`.
//!
//! Who may lie here: the page. Its metadata are written for search engines and friends, its classes by its makers.

use crate::article::extract::{self, Extract, Key};
use crate::article::{ReadError, ReadOptions, Warning, decode};
use std::ops::Range;

use crate::base::limits;

mod block;
mod call;
mod choose;
mod class;
mod declared;
mod entities;
mod json_ld;
mod keep;
#[cfg(test)]
mod tests;
mod tree;

use html5ever::local_name;
use tree::{DOCUMENT, Tree};

pub(in crate::article) use entities::decode as decode_entities;
pub(in crate::article) use tree::squeeze;

/// Lines before the article's text that are kept, and how many where there is no title among them.
const HEAD_MAX: usize = 24;
const HEAD_UNTITLED_MAX: usize = 8;
/// Lines after it.
const TAIL_MAX: usize = 8;
/// Characters of one of them.
const AROUND_MAX_CHARS: usize = 400;

/// Reads a page. Costs about 10 ms a megabyte.
///
/// # Errors
/// [`ReadError`].
pub(in crate::article) fn extract(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    if bytes.len() > limits::HTML_MAX_BYTES {
        let limit = limits::HTML_MAX_BYTES as u64;
        return Err(ReadError::LimitPassed { format: "HTML".into(), what: "bytes".into(), limit });
    }
    let decoded = decode::decode_page(bytes, options.charset)?;
    let tree = Tree::parse(&decoded.text);
    let classes = class::Classes::read(&tree);
    let mut out = Extract { charset: Some(decoded.charset), ..Extract::default() };
    if decoded.undecodable > 0 {
        out.warnings.push(Warning::Undecodable { count: decoded.undecodable });
    }
    if tree.flattened > 0 || tree.cut {
        out.warnings.push(Warning::PageSimplified { flattened: tree.flattened, cut: tree.cut });
    }

    let linked = json_ld::read(&scripts(&tree));
    out.declared = linked.declared;
    out.declared.extend(declared::head(&tree));
    declared::scripts(&tree, &mut out.declared);
    if let Some(url) = options.url {
        declared::push(Key::Url, "capture", "url", Some(url), &mut out.declared);
    }

    let blocks = block::blocks(&tree, &classes);
    let values = |key: Key| -> Vec<String> {
        out.declared.iter().filter(|one| one.key == key).map(|one| one.value.clone()).collect()
    };
    let (titles, summaries) = (values(Key::Title), values(Key::Description));
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let summaries: Vec<&str> = summaries.iter().map(String::as_str).collect();
    let chosen = choose::choose(&tree, &classes, &blocks, linked.body.as_deref(), (&titles, &summaries));
    let leads = chosen.leads;
    let chosen = chosen.blocks;
    out.text = join(&tree, chosen.iter().map(|at| &blocks[*at]));
    around(&tree, &blocks, &chosen, leads, &mut out);
    let article = article(&tree, &classes, &blocks, &chosen);
    declared::markup(&tree, &classes, article.clone(), &mut out.declared);
    if !out.declared.iter().any(|one| one.key == Key::Published) {
        declared::day_near(&tree, &classes, article, &mut out.declared);
    }
    if out.text.trim().is_empty() {
        return Err(ReadError::Empty { size: bytes.len() as u64 });
    }
    Ok(out)
}

/// Returns all the words of a piece of markup that is an article and nothing else: a chapter, a mail's body, a feed's
/// entry. Blocks are parted by a blank line.
pub(in crate::article) fn plain_text(markup: &str) -> String {
    let tree = Tree::parse(markup);
    let classes = class::Classes::read(&tree);
    let blocks = block::blocks(&tree, &classes);
    let shown = blocks.iter().filter(|block| block.set_aside != Some(block::Aside::Hidden));
    join(&tree, shown)
}

/// Parts blocks by a blank line; the rows of a table by a line break, their cells by a tab.
fn join<'b>(tree: &Tree, blocks: impl Iterator<Item = &'b block::Block>) -> String {
    let mut text = String::new();
    let mut last: Option<&block::Block> = None;
    for block in blocks {
        if let Some(last) = last {
            let row = |block: &block::Block| {
                let cell = block.shape == block::Shape::Cell && !block.is_prose();
                tree.parent(block.element).filter(|row| cell && tree.is(*row, &local_name!("tr")))
            };
            text.push_str(match (row(last), row(block)) {
                (Some(one), Some(other)) if one == other && last.element != block.element => "\t",
                (Some(one), Some(other)) if tree.parent(one) == tree.parent(other) => "\n",
                _ => "\n\n",
            });
        }
        text.push_str(&block.text);
        last = Some(block);
    }
    text
}

/// Returns the nodes from the headline to the end of the article.
fn article(
    tree: &Tree,
    classes: &class::Classes,
    blocks: &[block::Block],
    chosen: &[usize],
) -> Range<tree::Id> {
    let (Some(first), Some(last)) = (chosen.first(), chosen.last()) else { return 0..tree.len() };
    let (first, last) = (blocks[*first].element, blocks[*last].element);
    let title = tree
        .subtree(DOCUMENT)
        .take_while(|id| *id <= first)
        .filter(|id| tree.is(*id, &local_name!("h1")) && !classes.of(*id).hidden)
        .last();
    let end = tree.after(last, DOCUMENT, true).unwrap_or(tree.len());
    title.unwrap_or(first.saturating_sub(300))..end.max(last + 1)
}

fn scripts(tree: &Tree) -> Vec<(usize, String)> {
    let is_script = |id: &tree::Id| tree.is(*id, &local_name!("script"));
    let all = tree.subtree(DOCUMENT).filter(is_script).enumerate();
    all.filter(|(_, id)| {
        tree.attribute(*id, "type").is_some_and(|kind| kind.to_ascii_lowercase().contains("ld+json"))
    })
    .map(|(number, id)| (number, tree.children(id).filter_map(|child| tree.text(child)).collect()))
    .collect()
}

/// Keeps the short lines right before and after the article: there stand the title, the byline, the credit.
fn around(tree: &Tree, blocks: &[block::Block], chosen: &[usize], leads: usize, out: &mut Extract) {
    use block::Aside::{Biography, Byline, Clutter};
    let (Some(first), Some(last)) = (chosen.get(leads), chosen.last()) else { return };
    let block = |at: usize| extract::Block {
        path: declared::path(tree, blocks[at].element),
        text: blocks[at].text.clone(),
    };
    let short = |at: &usize| blocks[*at].chars <= AROUND_MAX_CHARS && !blocks[*at].figure;
    // Links in a row or a list lead elsewhere: to topics, to sections.
    let listed = |at: &usize| {
        let block = &blocks[*at];
        let share = block.link_share();
        (block.shape == block::Shape::Item && share > 0.8) || (block.links > 2 && share > 0.95)
    };
    let before = |at: &usize| {
        let plain = matches!(blocks[*at].set_aside, None | Some(Clutter | Byline | Biography));
        plain && short(at) && !listed(at) && !chosen[..leads].contains(at)
    };
    let mut head: Vec<usize> = (0..*first).rev().filter(before).take(HEAD_MAX).collect();
    head.reverse();
    // What stands before the title belongs to the site.
    match head.iter().rposition(|at| blocks[*at].shape == block::Shape::Heading(1)) {
        Some(title) => drop(head.drain(..title)),
        None => drop(head.drain(..head.len().saturating_sub(HEAD_UNTITLED_MAX))),
    }
    out.head = head.into_iter().map(block).collect();
    let heading = |at: &usize| matches!(blocks[*at].shape, block::Shape::Heading(_));
    let after = |at: &usize| {
        short(at) && matches!(blocks[*at].set_aside, None | Some(Byline | Biography)) && !listed(at)
    };
    out.tail = (*last + 1..blocks.len())
        .take_while(|at| !heading(at))
        .filter(after)
        .take(TAIL_MAX)
        .map(block)
        .collect();
}
