//! What a command says when it fails: what happened, why, and what to do next.
//!
//! ```text
//! error: cannot register story.pdf
//!   cause: it looks like PDF, which is not read yet
//!   hint: register a plain text or Markdown version of it
//! ```

use std::error::Error;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::view::sanitize;

use super::exit::Exit;

/// A failure, told once, at the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
}

/// What a command returns.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// A failure that says `message`.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Failure { exit, message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }

    /// Adds why, with everything behind it.
    pub(crate) fn because(mut self, cause: &dyn Error) -> Self {
        let mut next = Some(cause);
        while let Some(error) = next {
            let text = error.to_string();
            // A transparent error repeats its source.
            if self.causes.last() != Some(&text) && self.message != text {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Adds why, in words.
    pub(crate) fn under_cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says `message` above what was said.
    pub(crate) fn under(mut self, message: impl Into<String>) -> Self {
        let below = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, below);
        self
    }

    /// Returns the lines for a person, sanitized.
    pub(crate) fn text(&self) -> String {
        let mut out = format!("error: {}\n", sanitize(&self.message));
        for cause in &self.causes {
            let _ = writeln!(out, "  cause: {}", sanitize(cause));
        }
        for hint in &self.hints {
            let _ = writeln!(out, "  hint: {}", sanitize(hint));
        }
        out
    }

    /// Returns what happened and why, on one line, as it is.
    pub(crate) fn one_line(&self) -> String {
        std::iter::once(&self.message).chain(&self.causes).map(String::as_str).collect::<Vec<_>>().join(": ")
    }

    /// Returns the object for a program.
    pub(crate) fn json(&self) -> Value {
        json!({
            "code": self.exit.name(), "exitCode": self.exit.code(),
            "message": self.message, "causes": self.causes, "hints": self.hints,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_why_and_what_next() {
        let io = std::io::Error::other("a\u{1b}b");
        let failure = Failure::new(Exit::Unavailable, "cannot read x").because(&io).hint("try y");
        let failure = failure.under("cannot add x");
        let text = "error: cannot add x\n  cause: cannot read x\n  cause: a\\u{1b}b\n  hint: try y\n";
        assert_eq!(failure.text(), text);
        assert_eq!(failure.json()["exitCode"], 3);
    }
}
