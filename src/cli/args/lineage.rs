//! What asks what records rest on, and whether all is well.

use std::path::PathBuf;

use clap::Args;

/// `dateline trace`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline trace 9
  dateline trace 9 --format json | jq '.ends'

Follows what statements in the log say that a document rests on: quotes, cites, isBasedOn,
translationOf, syndicates, excerptOf, recordingOf. Each hop is shown with the statement that says so
and the key that signed it; each document with the origin it claims, and with what became of it (!).
A document is taken apart once, where it is nearest; elsewhere the tree says where.

A path ends at a document that rests on nothing the log knows of, or at something that nobody has
registered. Neither says that this is where the words come from: only what was said was followed.

Where a search index is kept, it names the statements that are read. Whoever can write to
records/.local can leave one out of it: --whole-log asks the log alone.")]
pub struct TraceArgs {
    /// A record's index in the log, or a document that is registered; ./1 is a file
    #[arg(value_name = "RECORD|FILE")]
    pub record: PathBuf,

    /// Read the whole log instead of what the search index names
    #[arg(long)]
    pub whole_log: bool,
}

/// `dateline impact`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline impact 4
  dateline impact 4 --format json | jq '.documents[].record'

The way back: which registered documents rest on this one, directly or through others, nearest
first, each with a shortest path. What rests on it and was never said to is not in the log.

Where a search index is kept, it names the statements that are read. Whoever can write to
records/.local can leave one out of it: --whole-log asks the log alone.")]
pub struct ImpactArgs {
    /// A record's index in the log, or a document that is registered; ./1 is a file
    #[arg(value_name = "RECORD|FILE")]
    pub record: PathBuf,

    /// Read the whole log instead of what the search index names
    #[arg(long)]
    pub whole_log: bool,
}

/// `dateline origins`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline origins 7 8 9 12
  dateline origins 7 8 9 12 --format json | jq '{articles, origins, unknown}'

Articles belong together if they rest on one document or one unregistered source, directly or through
others, have the same or nearly the same content (as statements say), or claim one origin: the same
known body, or the same printed name. So do two that share nothing but a third with each of them. Credits of
pictures, of figures and of who passed a text on do not count.

An article that claims no origin, rests on nothing and is like no other is of unknown origin: it is
counted as that, and never as independent. Two groups are independent as far as the log knows:
common origins that nobody wrote down, or that were misread, stay unseen.

Where a search index is kept, it names the statements that are read. Whoever can write to
records/.local can leave one out of it: --whole-log asks the log alone.")]
pub struct OriginsArgs {
    /// The articles: a record's index in the log, or a document that is registered; ./1 is a file
    #[arg(value_name = "RECORD|FILE", required = true)]
    pub records: Vec<PathBuf>,

    /// Read the whole log instead of what the search index names
    #[arg(long)]
    pub whole_log: bool,
}

/// `dateline quotes`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline quotes 9
  dateline quotes 9 --format json | jq '.quotes[] | select(.verdict == \"misquote\")'

Each passage in quotation marks is looked for in the registered text of every source that the
document is said to rest on directly. The words must be the same; line breaks, spaces, styles of
marks and dashes, the case of the first letter and punctuation at the ends do not count. An ellipsis
leaves words out, square brackets hold words of the writer.

A passage counts as attributed if words of saying stand near it (said, a déclaré, sagte …), or if it
has six words or more. An attributed one that stands in none of the sources is a misquote (exit 1):
of them, that is: somebody may have said so elsewhere. Texts come from stored originals; a source
without one, or that nobody has registered, could not be checked (exit 3), and a passage that may
stand there is not OK.

Where a search index is kept, it names the statements that are read. Whoever can write to
records/.local can leave one out of it: --whole-log asks the log alone.")]
pub struct QuotesArgs {
    /// A record's index in the log, or a document that is registered; ./1 is a file
    #[arg(value_name = "RECORD|FILE")]
    pub record: PathBuf,

    /// Read the whole log instead of what the search index names
    #[arg(long)]
    pub whole_log: bool,
}

/// `dateline doctor`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline doctor
  dateline doctor --days 30
  dateline doctor --format json | jq '.findings[] | select(.severity != \"note\")'

Looks for what fails without a sound: nothing registered for days, openings or originals missing,
keys that may soon be lost, citations that point nowhere, records that rest on something retracted,
conflicting origins, rules that never fired, no witness, a full disk. Each finding has a code, a severity
(problem, warning, note) and what to do. Exit 1 if there is a problem or a warning; notes are for
reading. Whether the log holds is for `dateline verify` to say.")]
pub struct DoctorArgs {
    /// Warn if nothing was registered, or a statement waits, for so many days
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: u32,
}
