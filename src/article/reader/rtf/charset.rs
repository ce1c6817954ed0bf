//! The code pages of RTF: of the document, and of each font.

use std::collections::BTreeMap;

use encoding_rs::{Encoding, WINDOWS_1252};

/// What bytes mean, by the font that they are set in.
#[derive(Debug, Default)]
pub(super) struct Fonts {
    /// The font of text that names none.
    pub(super) default: Option<i32>,
    page: Option<Option<&'static Encoding>>,
    by_number: BTreeMap<i32, &'static Encoding>,
}

impl Fonts {
    /// Takes in the code page of the document: `\ansicpg1251`, `\mac`, `\pc`, `\pca`.
    pub(super) fn page(&mut self, word: &str, number: Option<i32>) {
        let page = match (word, number) {
            ("mac", _) => 10_000,
            ("pc", _) => 437,
            ("pca", _) => 850,
            // Zero is written for the page of the machine, which nobody knows any more.
            (_, None | Some(0)) => 1252,
            (_, Some(number)) => number,
        };
        self.page = Some(code_page(page));
    }

    /// Takes in the character set of a font: `\fcharset204`, `\cpg1251`. One that says nothing is the document's.
    pub(super) fn add(&mut self, font: Option<i32>, word: &str, number: Option<i32>) {
        let encoding = match (word, number) {
            ("cpg", Some(number)) => code_page(number),
            (_, Some(number)) => font_charset(number).and_then(code_page),
            _ => None,
        };
        if let (Some(font), Some(encoding)) = (font, encoding) {
            self.by_number.insert(font, encoding);
        }
    }

    /// Returns what bytes of a font mean; `None` for a code page that is not known.
    pub(super) fn encoding(&self, font: Option<i32>) -> Option<&'static Encoding> {
        let known = font.or(self.default).and_then(|font| self.by_number.get(&font).copied());
        known.or(self.page.unwrap_or(Some(WINDOWS_1252)))
    }
}

fn code_page(number: i32) -> Option<&'static Encoding> {
    let label = match number {
        65_001 => "utf-8".to_owned(),
        932 => "shift_jis".to_owned(),
        936 | 54_936 => "gb18030".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        10_000 => "macintosh".to_owned(),
        10_007 => "x-mac-cyrillic".to_owned(),
        866 => "ibm866".to_owned(),
        874 => "windows-874".to_owned(),
        20_866 => "koi8-r".to_owned(),
        21_866 => "koi8-u".to_owned(),
        number @ 28_591..=28_606 => format!("iso-8859-{}", number - 28_590),
        number => format!("windows-{number}"),
    };
    Encoding::for_label(label.as_bytes())
}

/// Returns the code page of a character set of Windows fonts.
fn font_charset(charset: i32) -> Option<i32> {
    let page = match charset {
        77 => 10_000,
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
        254 => 437,
        255 => 850,
        _ => return None,
    };
    Some(page)
}
