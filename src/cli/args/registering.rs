//! What brings documents into a log.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

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

    /// Say what the first signer may do (can be repeated) [default: editor]
    #[arg(long, value_name = "ROLE", value_enum)]
    pub signer_role: Vec<super::RoleName>,

    /// Write the private keys without a passphrase
    #[arg(long)]
    pub no_passphrase: bool,
}

/// What a person says of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
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
  dateline add leak.txt --yes --seal origin --seal title --no-store

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

    /// Register now and disclose later (`dateline reveal`): the log holds a commitment, and not a word of the document
    #[arg(long, conflicts_with = "pending")]
    pub sealed: bool,

    /// Commit this field too, so that it can be withheld and erased (can be repeated); where it is stored, the original has
    /// its words, and an address may
    #[arg(long, value_name = "FIELD", value_enum, action = ArgAction::Append, conflicts_with = "sealed")]
    pub seal: Vec<SealName>,

    /// Leave what is signed in records/pending/ for whoever holds the log's key (`dateline publish`)
    #[arg(long)]
    pub pending: bool,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub stated: Stated,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub fetch: FetchArgs,
}

/// A field that is committed where somebody asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SealName {
    /// Claimed origins.
    Origin,
    /// The title.
    Title,
    /// Who published this copy.
    Publisher,
    /// When it was published.
    Published,
    /// Where and when it says that it was filed.
    Dateline,
    /// Its addresses, and how this copy came here.
    Url,
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

/// `dateline demo`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dateline demo")]
pub struct DemoArgs {
    /// Work in this folder, which must not exist yet or be an earlier demo's
    #[arg(value_name = "DIR", default_value = "dateline-demo")]
    pub folder: PathBuf,
}
