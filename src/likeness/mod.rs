//! Knowing one text from another: by its words, by its figures, by what it shares with it.
//!
//! Pure. Two steps: a [`Sketch`] gives keys by which an index finds [`candidates`]; the candidates' real texts are then
//! held against each other by [`compare()`], whose answer is what is said. A key proves nothing, and neither does an ISO
//! [`TextCode`].
//!
//! ```
//! use dateline::likeness::{Likeness, Text, compare};
//!
//! let registered = Text::new("Le port a reçu 1.5 million de tonnes en juin, dit le ministre.");
//! let copy = Text::new("Le port a reçu 15 million de\ntonnes en juin, dit le ministre.");
//! let Likeness::SameWordingButNumbers { figures } = compare(&copy, &registered) else { panic!() };
//! assert_eq!(figures[0].first.as_ref().unwrap().token, "15million");
//! ```
//!
//! Who may lie here: both texts are strangers'. All costs are linear in them or bounded by a constant.

mod candidates;
mod compare;
mod diff;
mod iscc;
mod sketch;
mod text;

pub use candidates::{CANDIDATES_MAX, LOOKUP_MAX, MemoryIndex, candidates, likely, weight};
pub use compare::{
    FigureAt, FigureChange, Likeness, Passage, PassageKind, SIMILAR_PERCENT, Share, Shares, compare,
};
pub use diff::{Change, Op, diff};
pub use iscc::{ISCC_MAX_CHARS, TextCode};
pub use sketch::{
    KeyKind, MINHASHES, PARAGRAPH_KEYS_MAX, PIECE_KEYS_MAX, SKETCH, Sketch, paragraph_key, paragraph_keys,
};
pub use text::{Span, Text, WORDS_MAX};
