//! What looks records up.

use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand};

use super::TrustArgs;

/// `dateline show`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline show 1
  dateline show 1 --format json | jq .claimedOrigins
  dateline show 1 --whole-log

Where a search index is kept, it names the statements that bear on the record, and these are
read from the log and checked. Whoever can write to records/.local can leave a statement out of
it, a retraction say: --whole-log asks the log alone.")]
pub struct ShowArgs {
    /// Its index in the log
    #[arg(value_name = "RECORD")]
    pub record: u64,

    /// Print the entry's exact bytes instead, a DSSE envelope
    #[arg(long)]
    pub entry: bool,

    /// Read the whole log instead of what the search index names
    #[arg(long)]
    pub whole_log: bool,
}

/// `dateline check`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline check story.txt
  dateline check story.txt --diff
  dateline check story.txt --format json | jq '{answer, records: [.records[].record]}'
  dateline check story.txt --proof story.tlog-proof --policy policy --root root.pub
  dateline check --proof revocation.tlog-proof --policy policy --root root.pub

The answer is sameBytes or sameWording (exit 0), else sameWordingNumbersDiffer, similar, passage
or unknown (exit 10): a document that is only similar is not the one that was registered. Of one
that is similar, 30 % of its words or of the record's stand in the other, three in a row at least; a
passage is a paragraph, a quotation or a sentence. To tell, the registered texts are read again from
the originals that are stored; where there is no original, whole paragraphs are compared by their
digests. Each record is shown with what later statements say of it: retracted, corrected, assessed,
cited.

Which records and statements to read, the search index tells, which follows the log by itself;
what is printed of them is read from the log. Whoever can write to records/.local can leave
something out of it: --whole-log asks the log alone, and holds the newest 10,000 texts, 512 MB at
most, against this one.

With --proof nothing but the document, the proof and the keys named is read: no log, no network.
Without a document the proof is checked for what it says of its record alone.")]
pub struct CheckArgs {
    /// The document; - is standard input
    #[arg(value_name = "FILE", required_unless_present = "proof")]
    pub file: Option<PathBuf>,

    /// Check against this proof instead of the log
    #[arg(long, value_name = "FILE")]
    pub proof: Option<PathBuf>,

    /// Show word by word how it differs from each record that is like it
    #[arg(long, conflicts_with = "proof")]
    pub diff: bool,

    /// Read the whole log instead of what the search index names
    #[arg(long, conflicts_with = "proof")]
    pub whole_log: bool,

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

/// `dateline export`
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Write a sigstore bundle (v0.3) around the record's envelope, for sigstore's verifiers
    #[command(after_help = "Example:\n  dateline export sigstore-bundle 1 -o record.sigstore.json")]
    SigstoreBundle(ExportArgs),
}
