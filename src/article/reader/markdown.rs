//! Markdown → plain text blocks, its front matter kept word for word.
//!
//! ```text
//! ---
//! title: Les pirogues sont rentrées
//! source: Ministère de la Pêche
//! ---
//!
//! Le texte…
//! ```
//!
//! Blocks are parted by a blank line, soft breaks stay line feeds, links keep their words, pictures and raw HTML are left
//! out. The front matter stands at the top as it was written, so that what it says has a place in the text.
//! It is read as plain `key: value` lines, with `[a, b]` and `- a` lists, not as YAML: what needs more is not read.

use std::ops::Range;

use crate::article::extract::{Extract, FieldValue};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Bytes and lines that front matter may have; what is longer is no front matter.
const FRONT_MAX_BYTES: usize = 16 * 1024;
const FRONT_MAX_LINES: usize = 200;

/// True when the text begins with front matter.
pub(in crate::article) fn has_front_matter(text: &str) -> bool {
    front_matter(text).is_some_and(|end| !fields(&text[..end]).is_empty())
}

/// Extracts the text of a Markdown document. Linear time.
pub(in crate::article) fn extract(source: &str) -> Extract {
    let front = front_matter(source).filter(|end| !fields(&source[..*end]).is_empty()).unwrap_or(0);
    let mut out = Extract { text: source[..front].trim_end().to_owned(), ..Extract::default() };
    out.fields = fields(&out.text);
    if front > 0 {
        out.text.push_str("\n\n");
    }
    out.body = out.text.len();
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH;
    let mut writer = Writer { out, hidden: 0, heading: None };
    for event in Parser::new_ext(&source[front..], options) {
        writer.event(event);
    }
    let mut out = writer.out;
    out.text.truncate(out.text.trim_end().len().max(out.body));
    out
}

struct Writer {
    out: Extract,
    /// Depth inside pictures and raw HTML.
    hidden: usize,
    heading: Option<usize>,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(Tag::Image { .. } | Tag::HtmlBlock) => self.hidden += 1,
            Event::End(TagEnd::Image | TagEnd::HtmlBlock) => self.hidden = self.hidden.saturating_sub(1),
            _ if self.hidden > 0 => {}
            Event::Start(Tag::Heading { level, .. }) => {
                self.break_lines(2);
                self.heading = (level == HeadingLevel::H1).then_some(self.out.text.len());
            }
            Event::End(TagEnd::Heading(_)) => self.end_heading(),
            Event::Start(Tag::Paragraph | Tag::CodeBlock(_) | Tag::Table(_) | Tag::BlockQuote(_))
            | Event::Rule => {
                self.break_lines(2);
            }
            Event::End(TagEnd::Paragraph | TagEnd::CodeBlock | TagEnd::Table | TagEnd::BlockQuote(_)) => {
                self.break_lines(2);
            }
            Event::Start(Tag::Item) => self.break_lines(1),
            Event::Start(Tag::List(_)) => self.break_lines(1),
            Event::End(TagEnd::List(_)) => self.break_lines(2),
            Event::End(TagEnd::TableRow | TagEnd::TableHead) => self.break_lines(1),
            Event::End(TagEnd::TableCell) => self.out.text.push('\t'),
            Event::Text(words) | Event::Code(words) => self.out.text.push_str(&words),
            Event::SoftBreak | Event::HardBreak => self.out.text.push('\n'),
            _ => {}
        }
    }

    fn end_heading(&mut self) {
        if let Some(start) = self.heading.take() {
            let words = &self.out.text[start..];
            let skipped = words.len() - words.trim_start().len();
            let range = start + skipped..start + skipped + words.trim().len();
            if !range.is_empty() {
                self.out.headings.push(range);
            }
        }
        self.break_lines(2);
    }

    /// Ends the text with `wanted` line feeds, unless nothing of the article is written yet.
    fn break_lines(&mut self, wanted: usize) {
        let text = &mut self.out.text;
        let end = text.trim_end_matches([' ', '\t']).len().max(self.out.body);
        text.truncate(end);
        if end == self.out.body {
            return;
        }
        let have = text.len() - text.trim_end_matches('\n').len();
        for _ in have..wanted {
            text.push('\n');
        }
    }
}

/// Returns where front matter ends, its last line included; `None` where there is none.
fn front_matter(text: &str) -> Option<usize> {
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').take(FRONT_MAX_LINES).enumerate() {
        at += line.len();
        let line = line.trim_end();
        match number {
            0 if line != "---" => return None,
            0 => {}
            _ if at > FRONT_MAX_BYTES => return None,
            _ if line == "---" || line == "..." => return Some(at),
            _ => {}
        }
    }
    None
}

fn fields(front: &str) -> Vec<FieldValue> {
    let mut found = Vec::new();
    let mut open: Option<(String, Range<usize>)> = None;
    let mut at = 0;
    for line in front.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = line.trim_end();
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        if let Some(item) = bare.strip_prefix("- ") {
            if let Some((key, name)) = &open {
                let offset = start + line.len() - item.len();
                found.extend(value(front, offset..start + line.len()).map(|value| FieldValue {
                    key: key.clone(),
                    name: name.clone(),
                    value,
                }));
            }
            continue;
        }
        open = None;
        let Some((key, rest)) = line.split_once(':').filter(|(key, _)| indent == 0 && is_key(key)) else {
            continue;
        };
        let name = start..start + key.len();
        let after = start + key.len() + 1..start + line.len();
        if rest.trim().is_empty() {
            open = Some((key.to_lowercase(), name));
            continue;
        }
        for part in list(front, after) {
            found.extend(value(front, part).map(|value| FieldValue {
                key: key.to_lowercase(),
                name: name.clone(),
                value,
            }));
        }
    }
    found
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.len() <= 40 && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// Splits `[a, b]` at its commas; another value is one part.
fn list(front: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let text = &front[range.clone()];
    let trimmed = text.trim();
    let Some(inner) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return vec![range];
    };
    let mut at = range.start + (text.len() - text.trim_start().len()) + 1;
    let mut parts = Vec::new();
    for part in inner.split(',') {
        parts.push(at..at + part.len());
        at += part.len() + 1;
    }
    parts
}

/// Trims white space and one pair of quotation marks; `None` where nothing is left.
fn value(front: &str, range: Range<usize>) -> Option<Range<usize>> {
    let text = &front[range.clone()];
    let trimmed = text.trim();
    let start = range.start + (text.len() - text.trim_start().len());
    let quoted = ['"', '\''].into_iter().find_map(|mark| trimmed.strip_prefix(mark)?.strip_suffix(mark));
    let (start, words) = match quoted {
        Some(inner) => (start + 1, inner),
        None => (start, trimmed),
    };
    let lead = words.len() - words.trim_start().len();
    let words = words.trim();
    (!words.is_empty()).then(|| start + lead..start + lead + words.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn front_matter_keeps_its_words_and_places() {
        let source = "---\ntitle: \"Retour de pêche\"\nauthor: [Awa Diallo, 'B. K.']\nSource:\n  - Ministère de la Pêche\n\
            nested:\n  deep: x\nempty:\n---\n# Retour de pêche\n\nCorps *du* texte.\n";
        let extract = extract(source);
        let fields: Vec<(&str, &str)> =
            extract.fields.iter().map(|f| (f.key.as_str(), &extract.text[f.value.clone()])).collect();
        assert_eq!(
            fields,
            [
                ("title", "Retour de pêche"),
                ("author", "Awa Diallo"),
                ("author", "B. K."),
                ("source", "Ministère de la Pêche")
            ]
        );
        assert_eq!(&extract.text[extract.fields[3].name.clone()], "Source");
        assert!(extract.text.starts_with("---\ntitle: \"Retour de pêche\"\n"));
        assert_eq!(&extract.text[extract.body..], "Retour de pêche\n\nCorps du texte.");
        assert_eq!(&extract.text[extract.headings[0].clone()], "Retour de pêche");
    }

    #[test]
    fn what_is_no_front_matter() {
        for text in
            ["---\n\n---\n", "--- \nune ligne\n---\n", "---\ntitle: sans fin\n", "a\n---\ntitle: x\n---\n"]
        {
            assert!(!has_front_matter(text), "{text:?}");
        }
        assert!(has_front_matter("---\ntitle: x\n...\n"));
        let at_limit = |lines: usize| format!("---\n{}---\n", "key: v\n".repeat(lines));
        assert!(has_front_matter(&at_limit(FRONT_MAX_LINES - 2)));
        assert!(!has_front_matter(&at_limit(FRONT_MAX_LINES - 1)));
    }

    #[test]
    fn blocks_become_plain_text() {
        let source = "Premier\nparagraphe avec **gras**, [lien](https://example.org) et ![image](x.png).\n\n\
            * un\n* deux\n\n> cité\n\n<div>html</div>\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n***\n**Source :** Ministère de la Pêche\n";
        assert_eq!(
            extract(source).text,
            "Premier\nparagraphe avec gras, lien et .\n\nun\ndeux\n\ncité\n\na\tb\n1\t2\n\nSource : Ministère de la Pêche"
        );
    }

    proptest! {
        #[test]
        fn places_lie_in_the_text(source in "(---\n)?([a-z]{1,3}: ?[\\[\\]\"' ,é-]{0,8}\n|- [a\" ]{0,3}\n){0,4}(---\n)?[#*>`| \na-c\\[\\]!-]{0,30}") {
            let out = extract(&source);
            prop_assert!(out.body <= out.text.len());
            for range in out.fields.iter().map(|f| &f.value).chain(&out.headings) {
                prop_assert!(out.text.get(range.clone()).is_some_and(|words| !words.trim().is_empty()));
            }
        }
    }
}
