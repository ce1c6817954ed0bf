//! `dateline extract --explain`: the text with the finds marked in it, and which rules fired.

use std::fmt::Write as _;

use serde_json::json;

use crate::article::{self, Article, Evidence};
use crate::view::sanitize;

use super::extract::Document;
use super::failure::Outcome;
use super::output::Output;

/// Characters of the text that are shown at either end.
const SHOWN_CHARS: usize = 2_000;

/// Prints why the claims of a document are made.
pub(crate) fn print(document: &Document, output: Output) -> Outcome<()> {
    let article = &document.article;
    let fired = article::rules_fired(article);
    output.print(
        || {
            let mut out = String::from("\n  the text, with what was found in it\n");
            for line in marked(article).lines() {
                let _ = writeln!(out, "    {}", sanitize(line));
            }
            out.push_str("\n  rules that fired\n");
            for one in &fired {
                let word = if one.kept { "kept" } else { "not kept" };
                let _ = writeln!(out, "    {:<9} {:<34} {}", word, sanitize(&one.rule), sanitize(&one.line));
            }
            out.push('\n');
            out
        },
        || json!({ "rulesFired": fired }),
    )
}

/// Puts marks round the words of each claim: `⟦origin: …⟧`.
fn marked(article: &Article) -> String {
    let chars: Vec<char> = article.text.chars().collect();
    let mut marks: Vec<(usize, usize, &str)> = Vec::new();
    let mut mark = |evidence: &Evidence, what: &'static str| {
        marks.extend(evidence.position().map(|(start, end)| (start, end, what)))
    };
    if let Some(claim) = &article.title {
        mark(&claim.evidence, "title");
    }
    if let Some(claim) = &article.published_at {
        mark(&claim.evidence, "published");
    }
    if let Some(claim) = &article.dateline {
        mark(&claim.evidence, "dateline");
    }
    for origin in &article.claimed_origins {
        mark(&origin.evidence, "origin");
    }
    for byline in &article.bylines {
        mark(&byline.evidence, "byline");
    }
    marks.sort();
    let mut out = String::new();
    let shown = |at: usize| at < SHOWN_CHARS || at + SHOWN_CHARS >= chars.len();
    for (at, c) in chars.iter().enumerate() {
        for (_, _, what) in marks.iter().filter(|(start, ..)| *start == at) {
            let _ = write!(out, "⟦{what}: ");
        }
        if shown(at) {
            out.push(*c);
        } else if at == SHOWN_CHARS {
            out.push_str("\n[…]\n");
        }
        for _ in marks.iter().filter(|(_, end, _)| *end == at + 1) {
            out.push('⟧');
        }
    }
    out
}
