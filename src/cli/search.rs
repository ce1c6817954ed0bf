//! `dateline search`, and how records are found for `list`.

use std::io::{self, IsTerminal};
use std::ops::Range;
use std::time::{Duration, Instant};

use anstyle::Style;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rusqlite::ErrorCode;
use serde_json::{Value, json};

use crate::base::limits::QUERY_MAX_CHARS;
use crate::index::{Found, How, IndexError, Order, Query, Snippet, Source, Term, search};
use crate::verify::read_log_as;
use crate::view::sanitize;

use super::args::{FilterArgs, SearchArgs, TrustArgs};
use super::diagnostics::refused;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::list;
use super::output::{Output, say};
use super::workspace::Workspace;

/// Entries of a log from which on an index that is made is waited for.
const PROGRESS_FROM: u64 = 2_000;
/// Time from which on it is said that an index cannot be kept.
const LONG: Duration = Duration::from_secs(2);

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Log(error) => error.into(),
            IndexError::Folder(cause) => refused("the search index cannot be kept in records/.local", &cause)
                .hint("make records/.local writable; `dateline search` works without"),
            IndexError::Database(cause) => {
                let made =
                    Failure::new(Exit::Unavailable, "the search index cannot be made in records/.local");
                // Which of both keeps a file from being made, it does not say.
                let hint = match cause.sqlite_error_code() {
                    Some(ErrorCode::DiskFull) => Some("free some space and try again"),
                    Some(ErrorCode::CannotOpen) => Some("make records/.local writable, or free some space"),
                    _ => None,
                };
                let failure = made.because(&cause);
                match hint {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                }
            }
        }
    }
}

pub(crate) fn run(workspace: &Workspace, args: &SearchArgs, output: Output) -> Outcome<()> {
    let mut query = query_of(&args.filter);
    query.terms = terms(&args.words)?;
    query.order = Order::Rank;
    let page = |total: usize| {
        let first = args.offset.min(total);
        first..first.saturating_add(args.limit).min(total)
    };
    let found = find(workspace, &query, args.whole_log, page)?;
    for (place, hit) in (found.first..).zip(&found.hits) {
        let Some(row) = list::row(&hit.record, hit.state, output) else { continue };
        output.print(
            || format!("{}\n{}", row.text(), hit.snippet.as_ref().map_or(String::new(), shown)),
            || {
                let mut members = row.members();
                members.insert("rank".into(), json!(place));
                members.insert("total".into(), json!(found.total));
                members.insert("snippet".into(), json!(hit.snippet));
                Value::Object(members)
            },
        )?;
    }
    if !output.is_json() {
        tell(&found, true);
    }
    Ok(())
}

/// Says how much was found where that is not to be seen, and, if pages are counted from the first, how to see more.
pub(crate) fn tell(found: &Found, from_first: bool) {
    let (shown, after) = (found.hits.len(), found.first + found.hits.len());
    match found.total {
        0 => say("no record was found"),
        total if shown < total => {
            let more = if from_first && after < total {
                format!("; more with --offset {after}")
            } else {
                String::new()
            };
            say(&format!("{shown} of {total} records{more}"));
        }
        _ => {}
    }
}

/// Returns what the options ask for.
pub(crate) fn query_of(filter: &FilterArgs) -> Query {
    Query {
        origin: filter.origin.clone(),
        byline: filter.byline.clone(),
        language: filter.language.clone(),
        from: filter.from.as_ref().map(|span| *span.start()),
        to: filter.to.as_ref().map(|span| *span.end()),
        state: filter.state,
        ..Query::default()
    }
}

fn terms(words: &[String]) -> Outcome<Vec<Term>> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    if words.iter().map(|word| word.chars().count()).sum::<usize>() > QUERY_MAX_CHARS {
        return Err(usage(format!("more than {QUERY_MAX_CHARS} characters are searched for")));
    }
    let terms = Term::of_words(words.iter().map(String::as_str));
    match terms.is_empty() {
        true => Err(usage("there is no letter and no digit in what is searched for".into())),
        false => Ok(terms),
    }
}

/// Finds records, and reads those on a page of them from the log. `page` gives their places, of how many were found.
pub(crate) fn find(
    workspace: &Workspace,
    query: &Query,
    whole: bool,
    page: impl Fn(usize) -> Range<usize>,
) -> Outcome<Found> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let records = workspace.derived();
    let begun = Instant::now();
    let found = with_bar(|progress| {
        read_log_as(&store, &trust, |reader| {
            let source = Source { reader, store: &store, trust: &trust, records: &records, progress };
            search(&source, query, whole, &page)
        })
    })?;
    if found.how == How::InMemory && begun.elapsed() > LONG {
        say("the search index cannot be kept in records/.local: each search makes it anew");
    }
    Ok(found)
}

/// Does something that may read a whole log, and shows how far it is where there is somebody to see it.
pub(crate) fn with_bar<T>(work: impl FnOnce(&dyn Fn(u64, u64)) -> T) -> T {
    let bar = ProgressBar::hidden();
    let template = "the search index is made: {bar:30} {pos}/{len} entries, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let on_terminal = io::stderr().is_terminal();
    let done = work(&|done, size| {
        if on_terminal && size >= PROGRESS_FROM && done % 256 == 0 {
            if bar.is_hidden() {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            bar.set_length(size);
            bar.set_position(done);
        }
    });
    bar.finish_and_clear();
    done
}

/// One line for a person: what was found is bold, and in brackets.
fn shown(snippet: &Snippet) -> String {
    let bold = Style::new().bold();
    let mut line = String::new();
    let chars: Vec<char> = snippet.text.chars().collect();
    let piece = |from: usize, to: usize| {
        sanitize(&chars.get(from..to).unwrap_or_default().iter().collect::<String>())
    };
    let mut at = 0;
    for (from, to) in &snippet.marks {
        let to = (*to).min(chars.len());
        line.push_str(&format!("{}{bold}[{}]{bold:#}", piece(at, *from), piece(*from, to)));
        at = to;
    }
    line.push_str(&piece(at, chars.len()));
    let dots = |cut: bool| if cut { "…" } else { "" };
    format!("        {}{line}{}\n", dots(snippet.cut_before), dots(snippet.cut_after))
}
