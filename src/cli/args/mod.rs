//! The command line as clap reads it. Help is imperative, without a full stop, with examples at its end.

mod judging;
mod keys;
mod lineage;
mod reading;
mod registering;
mod searching;
mod serving;
mod signing;
mod statements;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

pub use judging::*;
pub use keys::*;
pub use lineage::*;
pub use reading::*;
pub use registering::*;
pub use searching::*;
pub use serving::*;
pub use signing::*;
pub use statements::*;

const EXIT_CODES: &str = "Exit codes:
  0  done, or verified
  1  checked, and it does not hold
  2  wrong usage
  3  could not do it, or could not check it
  10 no such log or record
  11 another process is writing to the log
  12 a key is missing, wrong or not allowed
  70 internal error
Any other code is a failure too.";

/// Register where documents come from, in a signed log that anyone can verify
#[derive(Debug, Parser)]
#[command(name = "dateline", version, propagate_version = true, after_help = EXIT_CODES)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub struct Cli {
    /// Work on the folder that holds keys/ and records/
    #[arg(long, short = 'C', global = true, value_name = "DIR", default_value = ".")]
    pub workspace: PathBuf,

    /// Work on the log in a bucket, in place of records/: s3://BUCKET/PREFIX, gs://… or az://…
    #[arg(long, global = true, value_name = "URL")]
    pub store: Option<String>,

    /// Print for people or for programs; JSON is one object, or one a line where a command takes several inputs
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// Who reads what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A person.
    Text,
    /// A program.
    Json,
    /// Code scanning: SARIF 2.1.0, for `verify` and `gate`.
    Sarif,
    /// Test reports: JUnit XML, for `verify` and `gate`.
    Junit,
    /// GitHub Actions: annotations, for `verify` and `gate`.
    Github,
}

impl Format {
    /// Returns whether it is one for findings alone.
    pub fn is_for_ci(self) -> bool {
        matches!(self, Format::Sarif | Format::Junit | Format::Github)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make keys/ and records/, and enrol the first signer
    Init(InitArgs),
    /// Register documents: show what they claim of their origin, ask, sign, append
    Add(AddArgs),
    /// Register what appears in a folder or a feed
    Watch(WatchArgs),
    /// Print what `add` would find, without registering anything
    Extract(ExtractArgs),
    /// List what is registered
    List(ListArgs),
    /// Find records by words of their text, titles, origins and bylines
    Search(SearchArgs),
    /// Make the search index anew
    Reindex,
    /// Show one record and check it against the log
    Show(ShowArgs),
    /// Say whether a document is registered, and what became of its record
    Check(CheckArgs),
    /// Show what a record rests on, directly and through others
    Trace(TraceArgs),
    /// Show what rests on a record, directly and through others
    Impact(ImpactArgs),
    /// Count the independent origins behind many articles
    Origins(OriginsArgs),
    /// Check that what a record quotes stands in its sources
    Quotes(QuotesArgs),
    /// Write a file that proves one record offline
    Prove(ProveArgs),
    /// Check everything: every entry, signature, tile, opening and stored original
    Verify(VerifyArgs),
    /// Copy the log to a folder or a bucket, and bring the copy up to date
    Mirror(MirrorArgs),
    /// Look for what fails without a sound
    Doctor(DoctorArgs),
    /// Write down what articles rest on, pinned like dependencies
    Lock(LockArgs),
    /// Check that what articles rest on still holds
    Gate(GateArgs),
    /// Say what a document claims, as you read it
    Confirm(ConfirmArgs),
    /// Say whether a claim holds, and how that was found out
    Assess(AssessArgs),
    /// Say what a document is to others: that it cites, quotes, is based on them …
    Cite(CiteArgs),
    /// Say that something in a document was wrong
    Correct(CorrectArgs),
    /// Take a document back
    Retract(RetractArgs),
    /// Say what else became of a document: clarification, update, kill, embargo, takedown
    Note(NoteArgs),
    /// Say what was found at a document's address
    Observe(ObserveArgs),
    /// Fetch registered addresses again, and record what changed
    Recheck(RecheckArgs),
    /// Destroy the openings of committed fields
    Erase(EraseArgs),
    /// Disclose a document that was sealed
    Reveal(RevealArgs),
    /// Look at statements that wait to be appended
    #[command(subcommand)]
    Pending(PendingCommand),
    /// Append the statements that wait
    Publish(PublishArgs),
    /// Enrol, rotate, revoke, retire and list keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Serve the log to readers, and take records from programs
    Serve(ServeArgs),
    /// Sign a statement that a server prepared
    Sign(SignFileArgs),
    /// Make and revoke tokens of programs that send records
    #[command(subcommand)]
    Token(TokenCommand),
    /// List and end sessions of people who are signed in
    #[command(subcommand)]
    Session(SessionCommand),
    /// Show what changed something and is not in the log
    AuditTrail(AuditTrailArgs),
    /// Write a record in another tool's format
    #[command(subcommand)]
    Export(ExportCommand),
    /// Run the whole job once in a folder of its own, to look at
    Demo(DemoArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
