//! A record as a work that is cited: CSL-JSON (citationstyles.org) and BibTeX.
//!
//! What the document claims of its origin is no author, and no `source`, which in CSL is the catalogue where an item was
//! found: it stands in the note, as a claim.

use serde_json::{Map, Value, json};

/// What is cited. All of it is as the record has it, and may have been written by a stranger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Citation {
    /// The record's number.
    pub record: u64,
    /// The log's origin.
    pub log: String,
    /// The title as printed.
    pub title: Option<String>,
    /// The names that stand as authors, as printed.
    pub authors: Vec<String>,
    /// Who published this copy.
    pub publisher: Option<String>,
    /// When, as the record has it: RFC 3339, a day, a month or a year.
    pub published_at: Option<String>,
    /// BCP 47.
    pub language: Option<String>,
    /// The document's own address.
    pub url: Option<String>,
    /// The address of the record.
    pub record_url: String,
    /// The origins that it claims, as printed.
    pub claimed_origins: Vec<String>,
    /// SHA-256 of the original, in hexadecimal.
    pub sha256: String,
    /// Whether it is news, or else any document.
    pub is_news: bool,
}

impl Citation {
    /// Returns an array of one CSL-JSON item.
    pub fn csl_json(&self) -> String {
        let mut item = Map::new();
        let mut put = |name: &str, value: Value| item.insert(name.into(), value);
        put("id", json!(self.key()));
        put("type", json!(if self.is_news { "article-newspaper" } else { "document" }));
        if let Some(title) = &self.title {
            put("title", json!(title));
        }
        if !self.authors.is_empty() {
            // As printed: nobody knows which of the words is a family name.
            let authors = self.authors.iter().map(|name| json!({"literal": name}));
            put("author", authors.collect());
        }
        if let Some(publisher) = &self.publisher {
            put("container-title", json!(publisher));
        }
        if let Some(date) = self.date_parts() {
            put("issued", json!({"date-parts": [date]}));
        }
        if let Some(language) = &self.language {
            put("language", json!(language));
        }
        put("URL", json!(self.url.as_ref().unwrap_or(&self.record_url)));
        put("note", json!(self.note()));
        let mut text = serde_json::to_string_pretty(&json!([item])).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Returns one BibTeX entry.
    pub fn bibtex(&self) -> String {
        let mut out = format!("@misc{{{},\n", self.key());
        let mut field = |name: &str, value: &str| out.push_str(&format!("  {name} = {{{value}}},\n"));
        if !self.authors.is_empty() {
            // Braces keep a name from being taken apart.
            let names: Vec<String> =
                self.authors.iter().map(|name| format!("{{{}}}", escaped(name))).collect();
            field("author", &names.join(" and "));
        }
        if let Some(title) = &self.title {
            field("title", &format!("{{{}}}", escaped(title)));
        }
        if let Some(publisher) = &self.publisher {
            field("howpublished", &escaped(publisher));
        }
        if let Some(date) = self.date_parts() {
            field("year", &format!("{:04}", date[0]));
            if let Some(month) = date.get(1) {
                field("month", &month.to_string());
            }
        }
        if let Some(language) = &self.language {
            field("language", &escaped(language));
        }
        field("url", &percent(self.url.as_ref().unwrap_or(&self.record_url)));
        field("note", &escaped(&self.note()));
        out.push_str("}\n");
        out
    }

    fn key(&self) -> String {
        format!("dateline-{}-{}", self.record, self.sha256.chars().take(8).collect::<String>())
    }

    fn note(&self) -> String {
        let mut note =
            format!("Record {} of {}, {}; sha256:{}", self.record, self.log, self.record_url, self.sha256);
        if !self.claimed_origins.is_empty() {
            note.push_str(&format!("; origin claimed, not verified: {}", self.claimed_origins.join("; ")));
        }
        note
    }

    /// Returns year, month and day, as far as they are known.
    fn date_parts(&self) -> Option<Vec<u32>> {
        let day = self.published_at.as_ref()?.split('T').next()?;
        let parts: Vec<u32> = day.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        (1..=3).contains(&parts.len()).then_some(parts)
    }
}

/// Writes a text so that BibTeX and LaTeX take it as it is.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '{' | '}' | '%' | '&' | '$' | '#' | '_' => out.extend(['\\', c]),
            '\\' => out.push_str("\\textbackslash{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Writes an address so that nothing in it ends the field.
fn percent(url: &str) -> String {
    let keep =
        |c: char| c.is_ascii_graphic() && !matches!(c, '{' | '}' | '\\' | '"' | '<' | '>' | '^' | '`' | '|');
    let mut out = String::new();
    for c in url.chars() {
        if keep(c) {
            out.push(c);
        } else {
            let mut bytes = [0; 4];
            out.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn citation() -> Citation {
        Citation {
            record: 7,
            log: "news.example.org/log".into(),
            title: Some("Prices up 5% & rising {sic}".into()),
            authors: vec!["A. D. and B".into(), "El\\Hadj".into()],
            publisher: Some("Le Quotidien".into()),
            published_at: Some("2026-11-23T09:30:00Z".into()),
            language: Some("fr".into()),
            url: None,
            record_url: "https://news.example.org/records/7".into(),
            claimed_origins: vec!["Ministère de la Pêche".into()],
            sha256: "ab".repeat(32),
            is_news: true,
        }
    }

    #[test]
    fn csl_keeps_names_whole_and_claims_apart() {
        let items: Value = serde_json::from_str(&citation().csl_json()).unwrap();
        let item = &items[0];
        assert_eq!(item["type"], "article-newspaper");
        assert_eq!(item["author"][0], json!({"literal": "A. D. and B"}));
        assert_eq!(item["issued"]["date-parts"][0], json!([2026, 11, 23]));
        assert_eq!(item["URL"], "https://news.example.org/records/7");
        assert!(item.get("source").is_none());
        assert!(item["note"].as_str().unwrap().contains("claimed, not verified: Ministère de la Pêche"));
        let bare = Citation { record: 1, sha256: "cd".repeat(32), ..Citation::default() };
        let items: Value = serde_json::from_str(&bare.csl_json()).unwrap();
        assert_eq!(
            (&items[0]["type"], items[0].get("title"), items[0].get("issued")),
            (&json!("document"), None, None)
        );
    }

    #[test]
    fn bibtex_escapes_what_strangers_wrote() {
        let text = citation().bibtex();
        assert!(text.starts_with(
            "@misc{dateline-7-abababab,\n  author = {{A. D. and B} and {El\\textbackslash{}Hadj}},\n"
        ));
        assert!(text.contains("title = {{Prices up 5\\% \\& rising \\{sic\\}}},"), "{text}");
        assert!(text.contains("year = {2026},\n  month = {11},"));
        let hostile = Citation {
            title: Some("}}, note = {x\n@book{".into()),
            url: Some("https://a.example/}{ü\\\"".into()),
            published_at: Some("soon".into()),
            ..citation()
        };
        let text = hostile.bibtex();
        assert!(
            text.contains("\\}\\}, note = \\{x @book\\{")
                && text.contains("url = {https://a.example/%7D%7B%C3%BC%5C%22}"),
            "{text}"
        );
        assert!(!text.contains("year"));
        // Every brace that is not escaped has its other.
        let mut depth = 0i32;
        let mut before = ' ';
        for c in text.chars() {
            match c {
                '{' if before != '\\' => depth += 1,
                '}' if before != '\\' => depth -= 1,
                _ => {}
            }
            assert!(depth >= 0);
            before = c;
        }
        assert_eq!(depth, 0, "{text}");
    }

    #[test]
    fn dates_are_as_exact_as_they_are_known() {
        for (date, parts) in
            [("2026", vec![2026]), ("2026-11", vec![2026, 11]), ("2026-11-02", vec![2026, 11, 2])]
        {
            let one = Citation { published_at: Some(date.into()), ..Citation::default() };
            assert_eq!(one.date_parts(), Some(parts));
        }
    }
}
