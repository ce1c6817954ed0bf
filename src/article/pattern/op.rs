// What the machine can do: the low byte of a word. The build script includes this file.

/// The character of the argument.
pub(crate) const CHAR: u32 = 0;
/// A character of the class.
pub(crate) const CLASS: u32 = 1;
/// As many characters of the class as there are, and fewer where that fails. Least, most, what must follow (a class plus one, or 0).
pub(crate) const RUN: u32 = 2;
/// As few as will do. The same words follow.
pub(crate) const RUN_LAZY: u32 = 3;
/// Ways on, in order, as many as the argument says. For each: what it must begin with (a class plus one, or 0), where it is.
pub(crate) const CHOICE: u32 = 4;
/// Go on elsewhere.
pub(crate) const JUMP: u32 = 5;
/// Note the place in the slot.
pub(crate) const SAVE: u32 = 6;
/// One of the table's words, in their order.
pub(crate) const TABLE: u32 = 7;
/// The start of the text.
pub(crate) const START: u32 = 8;
/// The end of the text.
pub(crate) const END: u32 = 9;
/// An edge of a word, by Unicode.
pub(crate) const EDGE: u32 = 10;
/// An edge of a word, by ASCII.
pub(crate) const EDGE_ASCII: u32 = 11;
/// Done.
pub(crate) const MATCH: u32 = 12;
