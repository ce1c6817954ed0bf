//! Which blocks of the element that holds the article are its text.

use super::block::{Block, Shape};
use super::call::is_call;
use super::tree::Tree;

/// What sentences end with.
const STOPS: [char; 6] = ['.', '。', '؟', '।', '”', '»'];

/// Leaves out what stands in the container without being the article's text.
pub(super) fn keep(tree: &Tree, blocks: &[Block], inside: &[usize]) -> Vec<usize> {
    let plain =
        |at: &usize| blocks[*at].set_aside.is_none() && !blocks[*at].figure && !is_address(&blocks[*at].text);
    let prose = |at: &usize| plain(at) && blocks[*at].is_prose();
    let Some(first) = inside.iter().position(prose) else {
        return inside.iter().copied().filter(plain).collect();
    };
    let last = inside.iter().rposition(prose).unwrap_or(first);
    let home = tree.parent(blocks[inside[first]].element);
    let words = |place: usize, at: usize| {
        let block = &blocks[at];
        let (before, after) = (place < first, place > last);
        if !plain(&at) || is_call(&block.text) {
            return false;
        }
        let share = block.link_share();
        // A short paragraph before the first long one belongs where it stands beside it.
        let beside = home.is_some() && tree.parent(block.element) == home;
        let levels = if block.shape == Shape::Cell { 5 } else { 2 };
        let listed = home.is_some_and(|home| tree.ancestors(block.element).take(levels).any(|up| up == home));
        match block.shape {
            Shape::Heading(_) => false,
            _ if block.is_prose() => true,
            Shape::Item | Shape::Cell => {
                let most = if block.text.ends_with(STOPS) { 0.8 } else { 0.4 };
                (!before || listed)
                    && share < most
                    && (!after || block.length() >= 12 || block.shape == Shape::Cell)
            }
            Shape::Paragraph | Shape::Quote | Shape::Preformatted => {
                // A sentence that is mostly one link stays a sentence.
                let sentence = beside && share < 0.8 && block.text.ends_with(STOPS);
                (share < 0.5 || sentence)
                    && (!before || (beside && block.length() >= 15))
                    && (!after || block.length() >= 12)
            }
            Shape::Loose => !before && !after && share < 0.3 && block.length() > 25,
        }
    };
    let mut kept: Vec<usize> =
        inside.iter().enumerate().filter(|(place, at)| words(*place, **at)).map(|(_, at)| *at).collect();
    // A heading stands before words that are kept; two or more in a row are a list of something else.
    let begins = kept.first().copied().unwrap_or(0);
    let heads = |place: usize| {
        let block = &blocks[inside[place]];
        let fits = matches!(block.shape, Shape::Heading(_))
            && plain(&inside[place])
            && block.link_share() < 0.5
            && !is_call(&block.text);
        let next = inside[place + 1..].iter().find(|at| plain(at));
        fits && inside[place] > begins
            && next.is_some_and(|at| {
                kept.contains(at) || (matches!(blocks[*at].shape, Shape::Heading(3..)) && place < last)
            })
    };
    let headings: Vec<usize> =
        (0..inside.len()).filter(|place| heads(*place)).map(|place| inside[place]).collect();
    kept.extend(headings);
    kept.sort_unstable();
    kept
}

/// True for an address alone.
fn is_address(text: &str) -> bool {
    text.starts_with("http") && !text.contains(' ')
}
