//! What checks a log, and whom it trusts.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

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

/// `dateline mirror`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline mirror /backup/records
  dateline mirror s3://newsroom/provenance
  dateline mirror restored/records s3://newsroom/provenance --policy keys/policy --root root.pub
  dateline mirror /mirror/records https://news.example.org/records/ --policy policy --root root.pub

TO is a folder like records/, or a bucket. What is there already stays and is not copied again; the
checkpoint comes last, so that readers of TO see the log as it was before, or as it is now. A log at TO
that is not the beginning of LOG is refused (exit 1). What was erased is removed from TO too; statements
that wait in pending/ are not copied. Files are copied as they are: `dateline verify TO` checks them.

To move a log, mirror it while nobody writes, and go on writing at TO alone: with `--store`, if it is a
bucket.")]
pub struct MirrorArgs {
    /// Where the copy is: a folder, or a bucket (s3://bucket/prefix)
    #[arg(value_name = "TO")]
    pub to: String,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub from: FromArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub trust: TrustArgs,
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
  dateline verify --range 3/100 --out 3.part
  dateline verify --combine parts/

The verdict is verified (exit 0), invalid (1) or unverifiable (3).

What was accepted is remembered: the next run proves that the log only grew, checks in full what is
new, and of the rest that it is what it was. Of that --quick reads the hash tiles alone, 32 bytes an
entry, for logs too large to be read every day; --full checks it once more. A log that was rolled back, forked or rewritten is invalid, and both of its
checkpoints are kept as evidence that anyone can check.

With --git what was accepted is the log at that revision, and so are the keys that are trusted where
no option names them: a branch proves that it only appends, and cannot choose who judges it.

Whom to trust comes from --policy and --root, or from keys/ here, and never from LOG. What was
fetched of a log and belongs to it is kept beside that memory and not fetched again.

With --range many machines share one audit: each makes a part, of one share (0/100 to 99/100) or of
entries from one multiple of 256 up to another, and --combine says of all parts together what one
run with --full says. Parts are believed: combine only those that you or whom you trust made. All are of one
checkpoint: share a copy of the log, or one that rests.")]
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

    /// Check only these entries, END not among them, or this of COUNT equal shares, and write a part
    #[arg(long, value_name = "START..END|INDEX/COUNT", requires = "out", value_parser = crate::cli::parts::range, help_heading = "Parts", conflicts_with_all = ["state", "full", "quick", "git", "evidence", "combine"])]
    pub range: Option<crate::verify::Range>,

    /// Write the part to this file
    #[arg(long, value_name = "PART", requires = "range", help_heading = "Parts")]
    pub out: Option<PathBuf>,

    /// Know the keys that these parts name, and look for none in the entries before the range (can be repeated)
    #[arg(long, value_name = "PART", num_args = 1.., requires = "range", help_heading = "Parts")]
    pub keys_from: Vec<PathBuf>,

    /// Say what these parts, or all *.part in a folder, say together; whoever made them is trusted
    #[arg(long, value_name = "PART|FOLDER", num_args = 1.., help_heading = "Parts", conflicts_with_all = ["full", "quick", "git", "evidence"])]
    pub combine: Vec<PathBuf>,
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
    #[arg(long, value_name = "AGE", value_parser = crate::cli::gate::seconds)]
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
