//! Rich Text Format 1.9.1: groups, control words, text in code pages and Unicode.
//!
//! ```text
//! {\rtf1\ansi\ansicpg1252{\fonttbl…}{\info{\author Awa Diallo}}Les p\'eacheurs \u233?taient l\u224?.\par}
//! ```

use encoding_rs::{Encoding, WINDOWS_1252};

use crate::article::extract::{Declared, Extract, Key};
use crate::article::{ReadError, ReadOptions, Warning};
use crate::base::limits;

/// Destinations whose text is not the document's.
const SILENT: &[&str] = &[
    "fonttbl",
    "colortbl",
    "stylesheet",
    "pict",
    "object",
    "header",
    "headerl",
    "headerr",
    "headerf",
    "footer",
    "footerl",
    "footerr",
    "footerf",
    "listtable",
    "listoverridetable",
    "rsidtbl",
    "generator",
    "themedata",
    "colorschememapping",
    "datastore",
    "latentstyles",
    "fldinst",
    "xe",
    "tc",
    "bkmkstart",
    "bkmkend",
    "annotation",
    "atnid",
    "atnauthor",
    "pntext",
    "pnseclvl",
    "filetbl",
    "revtbl",
    "xmlnstbl",
    "nonshppict",
    "mmathPr",
];

/// Fields of `\info`, and what they say.
const INFO: &[(&str, Key)] = &[
    ("title", Key::Title),
    ("author", Key::Author),
    ("subject", Key::Description),
    ("creatim", Key::Published),
];

/// What a group inherits and may change.
#[derive(Clone)]
struct State {
    silent: bool,
    hidden: bool,
    deleted: bool,
    /// Characters that stand in for a Unicode one in old readers.
    fallback: usize,
    info: Option<usize>,
    encoding: &'static Encoding,
}

/// Reads a document. Costs one pass; nesting is bounded.
///
/// # Errors
/// [`ReadError`].
pub(in crate::article) fn extract(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    let _ = options;
    let mut reader = Reader::new();
    reader.run(bytes)?;
    reader.flush();
    let mut out = Extract { text: tidy(&reader.out), ..Extract::default() };
    for ((name, key), value) in INFO.iter().zip(&reader.info) {
        let value = value.trim();
        if !value.is_empty() && value.chars().count() <= limits::DECLARED_MAX_CHARS {
            out.declared.push(Declared {
                key: *key,
                source: "core-properties".into(),
                path: (*name).into(),
                value: value.to_owned(),
            });
        }
    }
    if reader.deleted + reader.hidden > 0 {
        out.warnings.push(Warning::LeftOut { deleted: reader.deleted, hidden: reader.hidden, comments: 0 });
    }
    if out.text.trim().is_empty() {
        return Err(ReadError::Empty { size: bytes.len() as u64 });
    }
    Ok(out)
}

/// Paragraphs are parted by a blank line, lines have no blanks at their ends.
fn tidy(text: &str) -> String {
    let lines = text.split("\n\n").map(|paragraph| {
        let lines: Vec<&str> = paragraph.split('\n').map(str::trim_end).collect();
        lines.join("\n").trim_matches('\n').to_owned()
    });
    let kept: Vec<String> = lines.filter(|paragraph| !paragraph.trim().is_empty()).collect();
    kept.join("\n\n").trim().to_owned()
}

struct Reader {
    out: String,
    info: Vec<String>,
    pending: Vec<u8>,
    surrogate: Option<u32>,
    stack: Vec<State>,
    state: State,
    fonts: std::collections::BTreeMap<i32, &'static Encoding>,
    font: Option<i32>,
    in_fonts: bool,
    page: &'static Encoding,
    skip: usize,
    deleted: usize,
    hidden: usize,
}

impl Reader {
    fn new() -> Self {
        let state = State {
            silent: false,
            hidden: false,
            deleted: false,
            fallback: 1,
            info: None,
            encoding: WINDOWS_1252,
        };
        Reader {
            out: String::new(),
            info: vec![String::new(); INFO.len()],
            pending: Vec::new(),
            surrogate: None,
            stack: Vec::new(),
            state,
            fonts: std::collections::BTreeMap::new(),
            font: None,
            in_fonts: false,
            page: WINDOWS_1252,
            skip: 0,
            deleted: 0,
            hidden: 0,
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
                        return Err(ReadError::LimitPassed {
                            format: "RTF".into(),
                            what: "nesting".into(),
                            limit,
                        });
                    }
                    self.stack.push(self.state.clone());
                    at += 1;
                }
                b'}' => {
                    self.flush();
                    match self.stack.pop() {
                        Some(state) => self.state = state,
                        None => break,
                    }
                    self.in_fonts &= self.state.silent;
                    at += 1;
                    // What follows the last group is not the document.
                    if self.stack.is_empty() {
                        break;
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
        Ok(())
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
                b'\r' | b'\n' => self.text("\n\n"),
                b'*' => {
                    self.flush();
                    self.state.silent = true;
                }
                _ => {}
            }
            return at + 1;
        }
        let word_end = at + bytes[at..].iter().take(32).take_while(|b| b.is_ascii_alphabetic()).count();
        let word = String::from_utf8_lossy(&bytes[at..word_end]).into_owned();
        let sign = usize::from(bytes.get(word_end) == Some(&b'-'));
        let digits = bytes[word_end + sign..].iter().take(10).take_while(|b| b.is_ascii_digit()).count();
        let end = if digits > 0 { word_end + sign + digits } else { word_end };
        let number =
            std::str::from_utf8(&bytes[word_end..end]).ok().and_then(|number| number.parse::<i32>().ok());
        let end = if bytes.get(end) == Some(&b' ') { end + 1 } else { end };
        if word == "bin" {
            let length = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
            return end.saturating_add(length).min(bytes.len());
        }
        self.word(&word, number);
        end
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        let on = number != Some(0);
        match word {
            "par" | "sect" | "page" => self.text("\n\n"),
            "line" | "row" => self.text("\n"),
            "cell" | "tab" => self.text("\t"),
            "emdash" => self.text("—"),
            "endash" => self.text("–"),
            "lquote" => self.text("‘"),
            "rquote" => self.text("’"),
            "ldblquote" => self.text("“"),
            "rdblquote" => self.text("”"),
            "bullet" => self.text("•"),
            "u" => self.unicode(number.unwrap_or(0)),
            "uc" => self.state.fallback = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(16),
            "ansicpg" => {
                self.page = code_page(number.unwrap_or(1252));
                self.state.encoding = self.page;
            }
            "v" => self.set(|state| state.hidden = on),
            "deleted" => self.set(|state| state.deleted = on),
            "plain" => self.set(|state| state.hidden = false),
            "fonttbl" => {
                self.flush();
                self.in_fonts = true;
                self.state.silent = true;
            }
            "f" => {
                self.flush();
                self.font = number;
                if !self.in_fonts {
                    let font = number.and_then(|number| self.fonts.get(&number));
                    self.state.encoding = font.copied().unwrap_or(self.page);
                }
            }
            "fcharset" if self.in_fonts => {
                if let (Some(font), Some(charset)) = (self.font, number) {
                    self.fonts.insert(font, font_charset(charset).unwrap_or(self.page));
                }
            }
            "yr" if self.state.info.is_some() => self.info_text(&format!("{:04}", number.unwrap_or(0))),
            "mo" | "dy" if self.state.info.is_some() => {
                self.info_text(&format!("-{:02}", number.unwrap_or(0)))
            }
            _ => {
                if let Some(at) = INFO.iter().position(|(name, _)| *name == word) {
                    self.flush();
                    self.state.info = Some(at);
                    self.state.silent = false;
                } else if SILENT.contains(&word) || word == "info" {
                    self.flush();
                    self.state.silent = true;
                }
            }
        }
    }

    fn set(&mut self, change: impl FnOnce(&mut State)) {
        self.flush();
        change(&mut self.state);
    }

    fn info_text(&mut self, text: &str) {
        if let Some(at) = self.state.info {
            self.info[at].push_str(text);
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        self.pending.push(byte);
    }

    /// Decodes the bytes that are waiting, in the code page of their font.
    fn flush(&mut self) {
        self.skip = 0;
        if self.pending.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.pending);
        let (text, _) = self.state.encoding.decode_without_bom_handling(&bytes);
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
        if let Some(at) = self.state.info {
            if self.info[at].len() < limits::DECLARED_MAX_CHARS * 4 {
                self.info[at].push_str(text);
            }
        } else if self.state.silent {
        } else if self.state.deleted {
            self.deleted += 1;
        } else if self.state.hidden {
            self.hidden += 1;
        } else {
            self.out.push_str(text);
        }
    }

    /// A UTF-16 unit as a signed number, then as many stand-ins as `\uc` says.
    fn unicode(&mut self, number: i32) {
        self.flush();
        let unit = (number & 0xffff) as u32;
        match (self.surrogate.take(), unit) {
            (_, 0xd800..=0xdbff) => self.surrogate = Some(unit),
            (Some(high), 0xdc00..=0xdfff) => {
                let code = 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00);
                self.put(&char::from_u32(code).unwrap_or('\u{fffd}').to_string());
            }
            _ => self.put(&char::from_u32(unit).unwrap_or('\u{fffd}').to_string()),
        }
        self.skip = self.state.fallback;
    }
}

fn code_page(number: i32) -> &'static Encoding {
    let label = match number {
        65001 => "utf-8".to_owned(),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        10000 => "macintosh".to_owned(),
        866 => "ibm866".to_owned(),
        874 => "windows-874".to_owned(),
        number => format!("windows-{number}"),
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(WINDOWS_1252)
}

fn font_charset(charset: i32) -> Option<&'static Encoding> {
    let page = match charset {
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        77 => 10000,
        _ => return None,
    };
    Some(code_page(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rtf: &str) -> Extract {
        extract(rtf.as_bytes(), &ReadOptions::default()).unwrap()
    }

    #[test]
    fn text_in_code_pages_and_unicode() {
        let out = read(
            "{\\rtf1\\ansi\\ansicpg1252\\uc1{\\fonttbl{\\f0 Arial;}{\\f1\\fcharset204 Arial;}}{\\info{\\title Le port}{\\author Awa Diallo}{\\creatim\\yr2026\\mo2\\dy16}}\
             Les p\\'eacheurs \\u233?taient l\\u224?.\\par{\\f1 \\'cf\\'ee\\'f0\\'f2} \\u-10179?\\u-8704?\\line fin\\~ici{\\*\\generator X;}{\\v secret}\\par}junk",
        );
        assert_eq!(out.text, "Les pêcheurs étaient là.\n\nПорт 😀\nfin\u{a0}ici");
        let values: Vec<&str> = out.declared.iter().map(|one| one.value.as_str()).collect();
        assert_eq!(values, ["Le port", "Awa Diallo", "2026-02-16"]);
        assert_eq!(out.warnings, [Warning::LeftOut { deleted: 0, hidden: 1, comments: 0 }]);
    }

    #[test]
    fn hostile_files_are_bounded() {
        let deep = format!("{{\\rtf1 {}x", "{".repeat(limits::RTF_MAX_DEPTH));
        assert!(matches!(
            extract(deep.as_bytes(), &ReadOptions::default()),
            Err(ReadError::LimitPassed { .. })
        ));
        let rtf = b"{\\rtf1\\ansi\\u233?\\'e9\\bin99999999999 x{\\*\\x y}\\uc3\\u1 abc}";
        for end in 0..rtf.len() {
            let _ = extract(&rtf[..end], &ReadOptions::default());
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(proptest::prop_oneof![proptest::num::u8::ANY, proptest::sample::select(b"\\{}u'0-9par ".to_vec())], 0..200)) {
            let mut all = b"{\\rtf1 ".to_vec();
            all.extend(bytes);
            let _ = extract(&all, &ReadOptions::default());
        }
    }
}
