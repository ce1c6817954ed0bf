//! The command line as clap reads it. Help is imperative, without a full stop, with examples at its end.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

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
    /// Show one record and check it against the log
    Show(ShowArgs),
    /// Say whether a document is registered, and what became of its record
    Check(CheckArgs),
    /// Write a file that proves one record offline
    Prove(ProveArgs),
    /// Check everything: every entry, signature, tile, opening and stored original
    Verify(VerifyArgs),
    /// Write down what articles rest on, pinned like dependencies
    Lock(LockArgs),
    /// Check that what articles rest on still holds
    Gate(GateArgs),
    /// Write a record in another tool's format
    #[command(subcommand)]
    Export(ExportCommand),
    /// Run the whole job once in a folder of its own, to look at
    Demo(DemoArgs),
}

/// `dateline init`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline init --log-origin news.example.org/provenance
  dateline init --log-origin news.example.org/provenance --signer-key ~/.ssh/id_ed25519.pub --signer-name 'A. Diarra'
  DATELINE_PASSPHRASE_FILE=pass dateline init --log-origin news.example.org/provenance")]
pub struct InitArgs {
    /// Name the log for ever: a URL without scheme, under your control; it need not answer
    #[arg(long, value_name = "NAME")]
    pub log_origin: String,

    /// Enrol this OpenSSH public key as the first signer instead of making one
    #[arg(long, value_name = "FILE")]
    pub signer_key: Option<PathBuf>,

    /// Record the signer's name; it is committed, so that it can be erased
    #[arg(long, value_name = "NAME")]
    pub signer_name: Option<String>,

    /// Write the private keys without a passphrase
    #[arg(long)]
    pub no_passphrase: bool,
}

/// What a person says of a document.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "What you say, in place of what is found")]
pub struct Stated {
    /// Say where it claims to come from (can be repeated)
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub origin: Vec<String>,

    /// Say who it claims wrote it (can be repeated)
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub byline: Vec<String>,

    /// Say its title
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,

    /// Say its language, as a BCP 47 tag
    #[arg(long, value_name = "TAG")]
    pub language: Option<String>,

    /// Say when it was published: a year, month, day or RFC 3339 time
    #[arg(long, value_name = "DATE")]
    pub published: Option<String>,

    /// Say who published this copy
    #[arg(long, value_name = "NAME")]
    pub publisher: Option<String>,

    /// Say the address of this copy
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,

    /// Add a note; it is committed, so that it can be erased
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,

    /// Leave quotations out of the record
    #[arg(long)]
    pub no_quotes: bool,
}

/// How pages are fetched.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Fetching")]
pub struct FetchArgs {
    /// Fetch from addresses that are not public, too
    #[arg(long)]
    pub allow_private: bool,

    /// Do not ask the site's robots.txt
    #[arg(long)]
    pub ignore_robots: bool,

    /// Give up a page after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,

    /// Give servers this name [default: dateline/VERSION]
    #[arg(long, value_name = "NAME")]
    pub user_agent: Option<String>,
}

/// `dateline add`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline add story.txt
  dateline add dispatches/ --yes
  dateline add story.txt --yes --origin 'Ministère de la Pêche' --byline 'A. Diarra' --format json
  pbpaste | dateline add - --yes --note 'received by fax'
  dateline add https://www.example.org/story --yes
  dateline add archive.wacz mailbox.eml --yes --resume

HTML, PDF, DOCX, ODT, RTF, EPUB, mail, ninjs, NewsML-G2, Markdown and plain text are told by
their content. Feeds, mails with attachments, WARC and WACZ give a record for each document in
them. Names of bodies are looked up in a built-in file, and in origins.toml beside keys/.

A document whose bytes are registered already is not registered again: its first record is printed.")]
pub struct AddArgs {
    /// Documents, folders of documents, or http(s) addresses; - is standard input
    #[arg(required = true, value_name = "PATH|URL")]
    pub paths: Vec<PathBuf>,

    /// Pass over files that are registered already, without reading them again
    #[arg(long)]
    pub resume: bool,

    /// Register what is found without asking
    #[arg(long, short)]
    pub yes: bool,

    /// Do not store the original beside the log
    #[arg(long)]
    pub no_store: bool,

    /// Sign with this OpenSSH private key, or with `agent` [default: the enrolled key in keys/private, else the agent]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub stated: Stated,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub fetch: FetchArgs,
}

/// `dateline watch`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline watch incoming/
  dateline watch https://www.example.org/feed.xml --interval 300
  dateline watch incoming/ --once

What is registered already is passed over, so it may be stopped and started at any time.")]
pub struct WatchArgs {
    /// A folder, or the http(s) address of a feed
    #[arg(value_name = "DIR|FEED")]
    pub source: String,

    /// Look once, and end
    #[arg(long)]
    pub once: bool,

    /// Look again after this many seconds [default: 2 for a folder, 300 for a feed]
    #[arg(long, value_name = "SECONDS")]
    pub interval: Option<u64>,

    /// Register a feed's entries themselves, not the pages that they lead to
    #[arg(long)]
    pub entries: bool,

    /// Do not store the originals beside the log
    #[arg(long)]
    pub no_store: bool,

    /// Sign with this OpenSSH private key, or with `agent` [default: the enrolled key in keys/private, else the agent]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub fetch: FetchArgs,
}

/// `dateline extract`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline extract story.txt
  dateline extract dispatches/ --format json | jq -r .title
  dateline extract page.html --explain
  dateline extract https://www.example.org/story")]
pub struct ExtractArgs {
    /// Documents, folders of documents, or http(s) addresses; - is standard input
    #[arg(required = true, value_name = "PATH|URL")]
    pub paths: Vec<PathBuf>,

    /// Show the text with what was found in it, and the rules that fired
    #[arg(long)]
    pub explain: bool,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub fetch: FetchArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub stated: Stated,
}

/// `dateline list`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline list
  dateline list --format json | jq -r 'select(.language == \"fr\") | .record'")]
pub struct ListArgs {
    /// Print at most this many, the newest
    #[arg(long, value_name = "COUNT")]
    pub last: Option<usize>,
}

/// `dateline show`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline show 1
  dateline show 1 --format json | jq .claimedOrigins")]
pub struct ShowArgs {
    /// Its index in the log
    #[arg(value_name = "RECORD")]
    pub record: u64,

    /// Print the entry's exact bytes instead, a DSSE envelope
    #[arg(long)]
    pub entry: bool,
}

/// `dateline check`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline check story.txt
  dateline check story.txt --format json | jq '{answer, records: [.records[].record]}'
  dateline check story.txt --proof story.tlog-proof --policy policy --root root.pub
  dateline check --proof revocation.tlog-proof --policy policy --root root.pub

The answer is sameBytes or sameWording (exit 0), similar or unknown (exit 10): a document that is
only similar is not the one that was registered. Similar is one of which at least half, in whole
paragraphs of the same wording, stands in the other. Each record is shown with what later
statements say of it: retracted, corrected, assessed, cited.

With --proof nothing but the document, the proof and the keys named is read: no log, no network.
Without a document the proof is checked for what it says of its record alone.")]
pub struct CheckArgs {
    /// The document; - is standard input
    #[arg(value_name = "FILE", required_unless_present = "proof")]
    pub file: Option<PathBuf>,

    /// Check against this proof instead of the log
    #[arg(long, value_name = "FILE")]
    pub proof: Option<PathBuf>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub trust: TrustArgs,
}

/// `dateline prove`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline prove 1 -o story.tlog-proof
  dateline prove story.txt > story.tlog-proof
  dateline prove 1 --withhold bylines --withhold /quotes/0 -o story.tlog-proof
  dateline prove --upgrade story.tlog-proof -o newer.tlog-proof

The proof carries the record, the openings of its commitments but for those withheld, and proofs
that its signer was enrolled before: it is checked with no log at hand (check --proof).

--upgrade checks the old proof, proves that the log begins with the entries that it was made
against, and anchors it to the newer checkpoint. What the old proof withholds stays withheld.")]
pub struct ProveArgs {
    /// A record's index in the log, or a document that is registered; ./1 is a file
    #[arg(value_name = "RECORD|FILE", required_unless_present = "upgrade", conflicts_with = "upgrade")]
    pub target: Option<PathBuf>,

    /// Leave out a committed field, or all below it: bylines, /bylines/0, quotes, note …; digests of single paragraphs
    /// and of numbers go with words of the document (can be repeated)
    #[arg(long, value_name = "FIELD", action = ArgAction::Append, conflicts_with = "upgrade")]
    pub withhold: Vec<String>,

    /// Anchor this older proof to a newer checkpoint instead
    #[arg(long, value_name = "FILE")]
    pub upgrade: Option<PathBuf>,

    /// Prove against this checkpoint of the log, with cosignatures of its own [default: the log's newest]
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,

    /// Write to this file, which must not exist yet [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// A record, and where it goes.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Its index in the log
    #[arg(value_name = "RECORD")]
    pub record: u64,

    /// Write to this file, which must not exist yet [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Whom to trust.
#[derive(Debug, Clone, Default, Args)]
pub struct TrustArgs {
    /// Trust the log and witnesses of this policy [default: keys/policy]
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,

    /// Trust this OpenSSH public key to enrol signers (can be repeated) [default: keys/roots/*.pub]
    #[arg(long = "root", value_name = "FILE", action = ArgAction::Append)]
    pub roots: Vec<PathBuf>,
}

/// Where a log is read from.
#[derive(Debug, Clone, Args)]
pub struct FromArgs {
    /// Read this log: a folder, a .zip, .tar or .tar.gz archive, or the http(s) address of either [default: records/]
    #[arg(value_name = "LOG")]
    pub log: Option<String>,

    /// Give up a file after a server kept silent for this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, help_heading = "Fetching")]
    pub timeout: u64,

    /// Ask a server for this many files at once
    #[arg(long, value_name = "COUNT", default_value_t = 16, help_heading = "Fetching", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub connections: u16,
}

/// `dateline verify`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline verify
  dateline verify https://news.example.org/records/ --policy policy --root root.pub
  dateline verify records-2026.zip --policy policy --root root.pub
  dateline verify --workspace /srv/log --policy auditors/policy --root auditors/root.pub
  dateline verify --format json | jq .verdict
  dateline verify --git origin/main
  dateline verify --evidence evidence.json --policy auditors/policy

The verdict is verified (exit 0), invalid (1) or unverifiable (3).

What was accepted is remembered: the next run proves that the log only grew, checks in full what is
new, and of the rest that it is what it was. Of that --quick reads the hash tiles alone, 32 bytes an
entry, for logs too large to be read every day; --full checks it once more. A log that was rolled back, forked or rewritten is invalid, and both of its
checkpoints are kept as evidence that anyone can check.

With --git what was accepted is the log at that revision, and so are the keys that are trusted where
no option names them: a branch proves that it only appends, and cannot choose who judges it.

Whom to trust comes from --policy and --root, or from keys/ here, and never from LOG. What was
fetched of a log and belongs to it is kept beside that memory and not fetched again.")]
pub struct VerifyArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub from: FromArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub trust: TrustArgs,

    /// Remember logs in this folder [default: $XDG_STATE_HOME/dateline, else ~/.local/state/dateline]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,

    /// Neither use nor keep a memory of the log
    #[arg(long, conflicts_with_all = ["state", "full"])]
    pub stateless: bool,

    /// Check everything again in full, also what was checked before
    #[arg(long)]
    pub full: bool,

    /// Read only the hash tiles of what was checked before, not its entries and openings
    #[arg(long, conflicts_with_all = ["stateless", "full"])]
    pub quick: bool,

    /// Prove that the log extends the one at this git revision, in place of what is remembered
    #[arg(long, value_name = "BASE", conflicts_with_all = ["full", "quick", "log"])]
    pub git: Option<String>,

    /// Check a file of evidence against a log instead: no log is read
    #[arg(long, value_name = "FILE", conflicts_with_all = ["log", "state", "stateless", "full", "quick", "git"])]
    pub evidence: Option<PathBuf>,
}

/// `dateline lock`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline lock articles/lake.md
  dateline lock articles/*.md -o articles/sources.lock
  dateline lock articles/lake.md --source 4 --source dispatches/afp.txt

What an article rests on is what statements in the log say of it (it quotes, cites, is based on …
a record), and what --source names. Each source is pinned by its record, the digest of its
original and the leaf hash of its entry. Commit the lock file with the articles: `dateline gate`
checks it. Entries of other articles stay as they are; delete one by hand with its article.")]
pub struct LockArgs {
    /// The articles, below the folder of the lock file
    #[arg(required = true, value_name = "ARTICLE")]
    pub articles: Vec<PathBuf>,

    /// Say that each of them rests on this too: a record, or a registered document (can be repeated)
    #[arg(long, value_name = "RECORD|FILE", action = ArgAction::Append)]
    pub source: Vec<PathBuf>,

    /// Forget what --source named for them before
    #[arg(long)]
    pub forget_sources: bool,

    /// Write to this file, or bring it up to date
    #[arg(long, short, value_name = "FILE", default_value = "sources.lock")]
    pub output: PathBuf,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub trust: TrustArgs,
}

/// `dateline gate`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline gate
  dateline gate articles/lake.md --lock articles/sources.lock --require corroborated
  dateline gate --max-age 7d --format sarif > gate.sarif

The verdict is verified (exit 0), invalid (1) or unverifiable (3). Invalid: a source was retracted,
refuted or put under an embargo, is not the entry that was locked, or does not meet the rule; the
article or what is said of it changed since it was locked (run `dateline lock`). Unverifiable: a
source is registered by nobody, or waits to be; the checkpoint is too old.

A checkpoint has no time of its own: the newest cosignature of a witness gives it, else the newest
time that a signer gave, by his own clock.")]
pub struct GateArgs {
    /// The articles [default: all that the lock file names]
    #[arg(value_name = "ARTICLE")]
    pub articles: Vec<PathBuf>,

    /// The lock file
    #[arg(long, value_name = "FILE", default_value = "sources.lock")]
    pub lock: PathBuf,

    /// Ask this of each origin that a source claims
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub require: Option<Level>,

    /// Take no older checkpoint: 7d, 12h, 30m, 90s; a number alone is days
    #[arg(long, value_name = "AGE", value_parser = super::gate::seconds)]
    pub max_age: Option<u64>,

    /// Let sources pass that are registered by nobody
    #[arg(long)]
    pub allow_unresolved: bool,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub trust: TrustArgs,
}

/// What must be known of where a source says it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// It says where.
    Claimed,
    /// Something independent agrees, or it was shown.
    Corroborated,
    /// It was shown.
    Verified,
}

/// `dateline export`
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Write a sigstore bundle (v0.3) around the record's envelope, for sigstore's verifiers
    #[command(after_help = "Example:\n  dateline export sigstore-bundle 1 -o record.sigstore.json")]
    SigstoreBundle(ExportArgs),
}

/// `dateline demo`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dateline demo")]
pub struct DemoArgs {
    /// Work in this folder, which must not exist yet or be an earlier demo's
    #[arg(value_name = "DIR", default_value = "dateline-demo")]
    pub folder: PathBuf,
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
