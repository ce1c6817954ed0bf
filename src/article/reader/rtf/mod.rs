//! Rich Text Format 1.9.1: groups, control words, text in code pages and Unicode.
//!
//! ```text
//! {\rtf1\ansi\ansicpg1252{\fonttbl…}{\info{\author Awa Diallo}}Les p\'eacheurs \u233?taient l\u224?.\par}
//! ```
//!
//! Footnotes come at the end. Deleted and hidden text and comments are left out, and counted; headers, footers, pictures
//! and the numbers of lists are not the text. Who may lie here: the properties are whatever the last program wrote; an old
//! program may say another code page than it writes.

mod charset;
mod flow;

use std::collections::BTreeSet;

use encoding_rs::Encoding;

use self::charset::Fonts;
use self::flow::Flow;
use super::office::{LeftOut, declare};
use crate::article::extract::{Extract, Key};
use crate::article::{ReadError, ReadOptions, Warning};
use crate::base::limits;

const FORMAT: &str = "RTF";

/// Destinations whose text is not the document's.
const SILENT: &[&str] = &[
    "aftncn",
    "aftnsep",
    "aftnsepc",
    "atnauthor",
    "atnid",
    "bkmkend",
    "bkmkstart",
    "colorschememapping",
    "colortbl",
    "datastore",
    "fldinst",
    "filetbl",
    "footer",
    "footerf",
    "footerl",
    "footerr",
    "ftncn",
    "ftnsep",
    "ftnsepc",
    "generator",
    "header",
    "headerf",
    "headerl",
    "headerr",
    "latentstyles",
    "listoverridetable",
    "listtable",
    "listtext",
    "mmathPr",
    "nonesttables",
    "nonshppict",
    "object",
    "pict",
    "pnseclvl",
    "pntext",
    "revtbl",
    "rsidtbl",
    "shprslt",
    "tc",
    "themedata",
    "xe",
    "xmlnstbl",
];

/// Fields of `\info`, and what they say. Who worked on the file last (`\operator`) is no author.
const INFO: &[(&str, Key)] = &[
    ("title", Key::Title),
    ("author", Key::Author),
    ("doccomm", Key::Description),
    ("creatim", Key::Published),
    ("revtim", Key::Modified),
];

/// Where text goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Destination {
    Body,
    Note,
    /// A text box: its paragraphs follow the one that it stands in.
    Box,
    Info(usize),
    Fonts,
    Styles,
    Nowhere,
}

/// What a group inherits and may change.
#[derive(Clone)]
struct State {
    to: Destination,
    /// Where the text around a shape, or around a text that is written twice, goes.
    around: Destination,
    in_info: bool,
    /// In the code page's form of a text that follows in Unicode.
    twice: bool,
    hidden: bool,
    deleted: bool,
    in_table: bool,
    heading: bool,
    /// Characters that stand in for a Unicode one in old readers.
    fallback: usize,
    font: Option<i32>,
    /// Number of the paragraph's style.
    style: Option<i32>,
}

/// Reads a document. Costs one pass; nesting is bounded.
///
/// # Errors
/// [`ReadError`].
pub(in crate::article) fn extract(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    let _ = options;
    let mut reader = Reader::new();
    reader.run(bytes)?;
    let mut text = reader.body.finish();
    text.append(reader.notes.finish());
    let (text, headings) = text.finish();
    let mut out = Extract { text, headings, ..Extract::default() };
    // A time that was never set has zeros.
    let known = |value: &&String| !value.starts_with("0000");
    for ((name, key), value) in INFO.iter().zip(&reader.info).filter(|(_, value)| known(value)) {
        declare(&mut out.declared, *key, "core-properties", name, value);
    }
    if reader.undecodable > 0 {
        out.warnings.push(Warning::Undecodable { count: reader.undecodable });
    }
    out.warnings.extend(reader.left_out.warning());
    if out.text.is_empty() {
        return Err(ReadError::Empty { size: bytes.len() as u64 });
    }
    Ok(out)
}

/// Whether the last text was shown, so that what is left out is counted by the piece.
#[derive(PartialEq, Eq)]
enum Last {
    Shown,
    Hidden,
    Deleted,
}

struct Reader {
    body: Flow,
    notes: Flow,
    boxes: Flow,
    info: Vec<String>,
    /// Bytes that wait to be decoded together: characters may have several.
    pending: Vec<u8>,
    surrogate: Option<u32>,
    stack: Vec<State>,
    state: State,
    fonts: Fonts,
    /// Numbers of the styles of titles and of headings of the first level.
    headings: BTreeSet<i32>,
    /// Name of the style that is being declared.
    style_name: String,
    /// After `\*`: the next control word names a destination that need not be known.
    optional: bool,
    /// Stand-ins still to be passed over.
    skip: usize,
    undecodable: usize,
    left_out: LeftOut,
    last: Last,
}

impl Reader {
    fn new() -> Self {
        let state = State {
            to: Destination::Body,
            around: Destination::Nowhere,
            in_info: false,
            twice: false,
            hidden: false,
            deleted: false,
            in_table: false,
            heading: false,
            fallback: 1,
            font: None,
            style: None,
        };
        Reader {
            body: Flow::default(),
            notes: Flow::default(),
            boxes: Flow::default(),
            info: vec![String::new(); INFO.len()],
            pending: Vec::new(),
            surrogate: None,
            stack: Vec::new(),
            state,
            fonts: Fonts::default(),
            headings: BTreeSet::new(),
            style_name: String::new(),
            optional: false,
            skip: 0,
            undecodable: 0,
            left_out: LeftOut::default(),
            last: Last::Shown,
        }
    }

    fn run(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'{' => {
                    self.flush();
                    if self.stack.len() >= limits::RTF_MAX_DEPTH {
                        let limit = limits::RTF_MAX_DEPTH as u64;
                        let (format, what) = (FORMAT.into(), "nesting".into());
                        return Err(ReadError::LimitPassed { format, what, limit });
                    }
                    self.stack.push(self.state.clone());
                    at += 1;
                }
                b'}' => {
                    self.flush();
                    self.close();
                    at += 1;
                    // What follows the last group is not the document.
                    if self.stack.is_empty() {
                        return Ok(());
                    }
                }
                b'\\' => at = self.control(bytes, at + 1),
                b'\r' | b'\n' | 0 => at += 1,
                _ => {
                    self.byte(*byte);
                    at += 1;
                }
            }
        }
        Err(ReadError::Damaged { format: FORMAT.into(), reason: "it ends inside a group".into() })
    }

    fn close(&mut self) {
        let Some(outer) = self.stack.pop() else { return };
        if self.state.to != outer.to {
            match self.state.to {
                Destination::Note => self.notes.paragraph(false, false),
                Destination::Box => self.boxes.paragraph(false, false),
                _ => {}
            }
        } else if outer.to == Destination::Styles {
            self.declare_style();
        }
        self.optional = false;
        self.state = outer;
    }

    /// Keeps the style whose declaration ends: `{\s1\outlinelevel0 heading 1;}`.
    fn declare_style(&mut self) {
        let name = std::mem::take(&mut self.style_name).to_lowercase();
        let named = matches!(name.trim_end_matches(';').trim(), "title" | "heading 1");
        if let Some(style) = self.state.style.filter(|_| named || self.state.heading) {
            self.headings.insert(style);
        }
    }

    /// Reads a control word or symbol from `at`, and returns where it ends.
    fn control(&mut self, bytes: &[u8], at: usize) -> usize {
        let Some(first) = bytes.get(at) else { return at };
        if *first == b'\'' {
            let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
            if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                self.byte(byte);
            }
            return (at + 3).min(bytes.len());
        }
        if !first.is_ascii_alphabetic() {
            match first {
                b'\\' | b'{' | b'}' => self.byte(*first),
                b'~' => self.text("\u{a0}"),
                b'_' => self.text("\u{2011}"),
                b'-' => self.text("\u{ad}"),
                b'\t' => self.text("\t"),
                b'\r' | b'\n' => self.end_paragraph(),
                b'*' => self.optional = true,
                _ => {}
            }
            return at + 1;
        }
        let letters = bytes[at..].iter().take(32).take_while(|b| b.is_ascii_alphabetic()).count();
        let word_end = at + letters;
        let word = String::from_utf8_lossy(&bytes[at..word_end]).into_owned();
        let sign = usize::from(bytes.get(word_end) == Some(&b'-'));
        let digits = bytes[word_end + sign..].iter().take(10).take_while(|b| b.is_ascii_digit()).count();
        let end = if digits > 0 { word_end + sign + digits } else { word_end };
        let number = std::str::from_utf8(&bytes[word_end..end]).ok().and_then(|n| n.parse::<i64>().ok());
        let number = number.map(|n| n.clamp(i32::MIN.into(), i32::MAX.into()) as i32);
        let end = if bytes.get(end) == Some(&b' ') { end + 1 } else { end };
        if word == "bin" {
            let length = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
            return end.saturating_add(length).min(bytes.len());
        }
        let optional = std::mem::take(&mut self.optional);
        if !self.character(&word, number) && !self.property(&word, number) {
            self.destination(&word, optional);
        }
        end
    }

    /// Control words that stand for characters and breaks.
    fn character(&mut self, word: &str, number: Option<i32>) -> bool {
        match word {
            "par" | "sect" | "page" => self.end_paragraph(),
            "cell" => self.end_cell(false),
            "row" => self.end_cell(true),
            "line" | "lbr" | "column" | "nestrow" => self.text("\n"),
            "tab" | "nestcell" => self.text("\t"),
            "emdash" => self.text("—"),
            "endash" => self.text("–"),
            "emspace" => self.text("\u{2003}"),
            "enspace" => self.text("\u{2002}"),
            "qmspace" => self.text("\u{2005}"),
            "lquote" => self.text("‘"),
            "rquote" => self.text("’"),
            "ldblquote" => self.text("“"),
            "rdblquote" => self.text("”"),
            "bullet" => self.text("•"),
            "zwj" => self.text("\u{200d}"),
            "zwnj" => self.text("\u{200c}"),
            "zwbo" => self.text("\u{200b}"),
            "zwnbo" => self.text("\u{2060}"),
            "ltrmark" => self.text("\u{200e}"),
            "rtlmark" => self.text("\u{200f}"),
            "u" => self.unicode(number.unwrap_or(0)),
            "yr" => self.day(&format!("{:04}", number.unwrap_or(0))),
            "mo" | "dy" => self.day(&format!("-{:02}", number.unwrap_or(0))),
            _ => return false,
        }
        true
    }

    /// Control words that change how what follows is read.
    fn property(&mut self, word: &str, number: Option<i32>) -> bool {
        let on = number != Some(0);
        match word {
            "uc" => self.state.fallback = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(16),
            "ansicpg" | "mac" | "pc" | "pca" => {
                self.flush();
                self.fonts.page(word, number);
            }
            "deff" => self.fonts.default = number,
            "v" => self.set(|state| state.hidden = on),
            "deleted" => self.set(|state| state.deleted = on),
            "plain" => self.set(|state| {
                (state.hidden, state.deleted, state.font) = (false, false, None);
            }),
            "pard" => self.set(|state| {
                (state.in_table, state.heading, state.style) = (false, false, None);
            }),
            "s" => self.set(|state| state.style = number),
            "intbl" => self.state.in_table = on,
            "outlinelevel" => self.state.heading = number == Some(0),
            "f" => self.set(|state| state.font = number),
            "fcharset" | "cpg" if self.state.to == Destination::Fonts => {
                self.fonts.add(self.state.font, word, number);
            }
            _ => return false,
        }
        true
    }

    fn destination(&mut self, word: &str, optional: bool) {
        let shown = matches!(self.state.to, Destination::Body | Destination::Box);
        let field = INFO
            .iter()
            .position(|(name, _)| *name == word)
            .filter(|_| self.state.in_info && !self.state.twice);
        let to = match word {
            "info" => {
                self.state.in_info = true;
                Destination::Nowhere
            }
            "fonttbl" => Destination::Fonts,
            "stylesheet" => Destination::Styles,
            "footnote" if shown => Destination::Note,
            "annotation" => {
                self.left_out.comments += usize::from(shown);
                Destination::Nowhere
            }
            // A shape holds its text among its properties, and a second time for old readers (`shprslt`).
            "shp" => {
                self.state.around = self.state.to;
                return;
            }
            "shptxt" if self.state.around == Destination::Body => Destination::Box,
            "shptxt" => self.state.around,
            // The same text in a code page, and in Unicode (`ud`).
            "upr" => {
                self.state.around = self.state.to;
                self.state.twice = true;
                Destination::Nowhere
            }
            "ud" => {
                self.state.twice = false;
                self.state.around
            }
            _ => match field {
                // LibreOffice calls who saved the file an author too, after the first.
                Some(at) if self.info[at].is_empty() => Destination::Info(at),
                Some(_) => Destination::Nowhere,
                None if optional || SILENT.contains(&word) => Destination::Nowhere,
                None => return,
            },
        };
        self.set(|state| state.to = to);
    }

    fn set(&mut self, change: impl FnOnce(&mut State)) {
        self.flush();
        change(&mut self.state);
    }

    fn day(&mut self, part: &str) {
        if let Destination::Info(at) = self.state.to
            && matches!(INFO[at].1, Key::Published | Key::Modified)
        {
            self.info[at].push_str(part);
        }
    }

    fn byte(&mut self, byte: u8) {
        self.optional = false;
        if self.skip > 0 {
            self.skip -= 1;
        } else {
            self.pending.push(byte);
        }
    }

    /// Decodes the bytes that are waiting, in the code page of their font.
    fn flush(&mut self) {
        self.skip = 0;
        if self.pending.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.pending);
        let font = self.state.font.filter(|_| !matches!(self.state.to, Destination::Info(_)));
        let text = decoded(&bytes, self.fonts.encoding(font));
        if matches!(self.state.to, Destination::Body | Destination::Note | Destination::Box) {
            self.undecodable += text.matches('\u{fffd}').count();
        }
        self.put(&text);
    }

    fn text(&mut self, text: &str) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        self.flush();
        self.put(text);
    }

    fn put(&mut self, text: &str) {
        if let Destination::Info(at) = self.state.to {
            if self.info[at].len() < limits::DECLARED_MAX_CHARS * 4 {
                self.info[at].push_str(text);
            }
        } else if self.state.to == Destination::Styles {
            if self.style_name.len() < limits::DECLARED_MAX_CHARS {
                self.style_name.push_str(text);
            }
        } else if self.shows()
            && let Some(flow) = self.flow()
        {
            flow.line.push_str(text);
        }
    }

    fn flow(&mut self) -> Option<&mut Flow> {
        match self.state.to {
            Destination::Body => Some(&mut self.body),
            Destination::Note => Some(&mut self.notes),
            Destination::Box => Some(&mut self.boxes),
            _ => None,
        }
    }

    /// Whether what comes now is shown; counts what is not.
    fn shows(&mut self) -> bool {
        if !matches!(self.state.to, Destination::Body | Destination::Note | Destination::Box) {
            return false;
        }
        let now = match self.state {
            State { deleted: true, .. } => Last::Deleted,
            State { hidden: true, .. } => Last::Hidden,
            _ => Last::Shown,
        };
        if now != self.last {
            self.left_out.deleted += usize::from(now == Last::Deleted);
            self.left_out.hidden += usize::from(now == Last::Hidden);
            self.last = now;
        }
        self.last == Last::Shown
    }

    fn end_paragraph(&mut self) {
        self.flush();
        let styled = self.state.style.is_some_and(|style| self.headings.contains(&style));
        let (in_table, heading) = (self.state.in_table, self.state.heading || styled);
        if !self.shows() {
            return;
        }
        if let Some(flow) = self.flow() {
            flow.paragraph(in_table, heading);
        }
        if self.state.to == Destination::Body {
            let boxes = std::mem::take(&mut self.boxes).finish();
            self.body.append(boxes, in_table);
        }
    }

    fn end_cell(&mut self, row: bool) {
        self.flush();
        if let Some(flow) = self.flow() {
            if row { flow.row() } else { flow.cell() }
        }
    }

    /// A UTF-16 unit as a signed number, then as many stand-ins as `\uc` says.
    fn unicode(&mut self, number: i32) {
        self.flush();
        let unit = (number & 0xffff) as u32;
        let high = self.surrogate.take();
        let code = match (high, unit) {
            (Some(high), 0xdc00..=0xdfff) => 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00),
            _ => {
                if high.is_some() {
                    self.put("\u{fffd}");
                }
                unit
            }
        };
        if (0xd800..=0xdbff).contains(&code) {
            self.surrogate = Some(code);
        } else {
            self.put(char::from_u32(code).unwrap_or('\u{fffd}').encode_utf8(&mut [0; 4]));
        }
        self.skip = self.state.fallback;
    }
}

/// Decodes bytes; those of a code page that is not known become U+FFFD beyond ASCII.
fn decoded(bytes: &[u8], encoding: Option<&'static Encoding>) -> String {
    match encoding {
        Some(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        None => bytes.iter().map(|b| if b.is_ascii() { char::from(*b) } else { '\u{fffd}' }).collect(),
    }
}

#[cfg(test)]
mod tests;
