//! Standard output is data, standard error is talk. Colour only on a terminal, and never the only carrier.

use std::io::{self, Write};

use serde_json::Value;

use super::args::Format;
use super::ci::{self, Results};
use super::diagnostics;
use super::failure::{Failure, Outcome};
use super::now;

/// Where a command prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Output { format }
    }

    /// Returns whether a program reads.
    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Prints data: what `text` makes for a person, what `json` makes for a program.
    pub(crate) fn print(self, text: impl FnOnce() -> String, json: impl FnOnce() -> Value) -> Outcome<()> {
        let out = match self.format {
            Format::Json => format!("{}\n", json()),
            _ => text(),
        };
        print_bytes(out.as_bytes())
    }

    /// Prints findings: as [`Output::print`], or as a program of continuous integration reads them.
    pub(crate) fn print_results(
        self,
        results: &Results<'_>,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> Value,
    ) -> Outcome<()> {
        match self.format {
            Format::Text | Format::Json => self.print(text, json),
            Format::Sarif => print_bytes(format!("{:#}\n", results.sarif()).as_bytes()),
            Format::Junit => print_bytes(results.junit(now()).as_bytes()),
            Format::Github => print_bytes(results.github().as_bytes()),
        }
    }

    /// Tells of a failure: on standard error, and for a program as an object too.
    pub(crate) fn fail(self, failure: &Failure) {
        let text = failure.text();
        let text = match text.strip_prefix("error:") {
            Some(rest) => format!("{}error:{}{rest}", style(true, false), style(false, false)),
            None => text,
        };
        // Nobody is left to tell if this fails.
        let _ = anstream::stderr().write_all(text.as_bytes());
        let out = match self.format {
            Format::Text => return,
            Format::Json => format!("{}\n", serde_json::json!({ "error": failure.json() })),
            Format::Sarif => format!("{:#}\n", ci::sarif_failure(failure)),
            Format::Junit => ci::junit_failure(failure, now()),
            Format::Github => ci::github_failure(failure),
        };
        let _ = print_bytes(out.as_bytes());
    }
}

/// The escape codes of bold red, of bold green, or of nothing more.
fn style(bad: bool, good: bool) -> String {
    use anstyle::{AnsiColor, Style};
    let color = match (bad, good) {
        (true, _) => AnsiColor::Red,
        (_, true) => AnsiColor::Green,
        _ => return Style::new().render_reset().to_string() + "\u{1b}[0m",
    };
    Style::new().bold().fg_color(Some(color.into())).render().to_string()
}

/// Returns `word` in bold red or green; the terminal's stream takes the colour away where it does not belong.
pub(crate) fn coloured(word: &str, good: bool) -> String {
    format!("{}{word}{}", style(!good, good), style(false, false))
}

/// Prints bytes to standard output, through the stream that takes colours away where they do not belong.
pub(crate) fn print_bytes(bytes: &[u8]) -> Outcome<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        // Whoever read has seen enough, as in `dateline list | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(diagnostics::refused("cannot write to standard output", &error)),
    }
}

/// Prints bytes to standard output exactly as they are.
pub(crate) fn print_exactly(bytes: &[u8]) -> Outcome<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(diagnostics::refused("cannot write to standard output", &error))
        }
        _ => Ok(()),
    }
}

/// Says something to a person, on standard error.
pub(crate) fn say(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}
