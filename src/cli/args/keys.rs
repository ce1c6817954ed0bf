//! What is said of keys.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What a signer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    /// Register documents, confirm, cite, correct and retract
    Editor,
    /// Register documents, as a service
    Ingest,
    /// Find out whether claims hold
    Assessor,
    /// Have openings destroyed
    DataOfficer,
    /// Enrol and revoke keys, and nothing else
    Root,
}

/// `dateline key`
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// List the keys that were ever enrolled, with roles and what became of them
    #[command(after_help = "Example:\n  dateline key list --format json")]
    List,
    /// Make a new key pair in keys/private; it may sign nothing until it is enrolled
    New(KeyNewArgs),
    /// Let a key sign from the next entry on
    Enrol(KeyEnrolArgs),
    /// Put a new key in the place of an old one
    Rotate(KeyRotateArgs),
    /// End a key for cause: what it signs from the next entry on is invalid
    Revoke(KeyEndArgs),
    /// End a key in good order
    Retire(KeyEndArgs),
    /// Print a link that signs somebody in to `dateline serve`, once
    Invite(KeyInviteArgs),
    /// Let statements about keys take effect only once several root keys have made them
    RequireApprovals(KeyApprovalsArgs),
}

/// `dateline key new`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dateline key new assessor\n  dateline key enrol keys/private/assessor.pub --role assessor"
)]
pub struct KeyNewArgs {
    /// The name of its files in keys/private
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Write it without a passphrase
    #[arg(long)]
    pub no_passphrase: bool,
}

/// `dateline key enrol`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline key enrol ~/.ssh/id_ed25519.pub --role editor --name 'A. Diarra'
  dateline key enrol keys/private/officer.pub --role data-officer
  dateline key enrol second-root.pub --role root

Signed by a root key. Where several must approve, each runs the same command with his own: it takes
effect with the last of them.")]
pub struct KeyEnrolArgs {
    /// The OpenSSH public key
    #[arg(value_name = "FILE.pub")]
    pub public: PathBuf,

    /// What its holder may do (can be repeated)
    #[arg(long = "role", value_name = "ROLE", value_enum, required = true)]
    pub roles: Vec<RoleName>,

    /// Record the holder's name; it is committed, so that it can be erased
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Sign with this root key, or with `agent` [default: a root key in keys/private, else the agent]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// `dateline key rotate`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dateline key rotate 3f6c0a… new.pub\n\nThe new key has the roles of the old one, unless --role names others."
)]
pub struct KeyRotateArgs {
    /// The key that is replaced: its id, the beginning of it, or its public key file
    #[arg(value_name = "KEY")]
    pub old: String,

    /// The OpenSSH public key that takes its place
    #[arg(value_name = "FILE.pub")]
    pub public: PathBuf,

    /// What its holder may do (can be repeated)
    #[arg(long = "role", value_name = "ROLE", value_enum)]
    pub roles: Vec<RoleName>,

    /// Record the holder's name; it is committed, so that it can be erased
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Sign with this root key, or with `agent` [default: a root key in keys/private, else the agent]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// `dateline key revoke` and `dateline key retire`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dateline key revoke 3f6c0a…\n\nWhat the key signed before stays valid: validity is judged by the place in the log, never by a clock."
)]
pub struct KeyEndArgs {
    /// The key: its id, the beginning of it, or its public key file
    #[arg(value_name = "KEY")]
    pub target: String,

    /// Sign with this root key, or with `agent` [default: a root key in keys/private, else the agent]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// `dateline key require-approvals`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dateline key require-approvals 2\n\nThere must be as many root keys: those that others trust from outside the log, and those enrolled with\n--role root. It can be lowered again only by as many as it asks for."
)]
pub struct KeyApprovalsArgs {
    /// Root keys that must make a statement about keys
    #[arg(value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=32))]
    pub count: u32,

    /// Sign with this root key, or with `agent` [default: a root key in keys/private, else the agent]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// `dateline key invite`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline key invite 3f6c0a… --url https://news.example.org
  dateline key invite --reader 'A. Diarra' --hours 72

Whoever opens the link first is signed in, as the holder of that key with its roles, or as a reader who
may change nothing. Send it as you would send a password.")]
pub struct KeyInviteArgs {
    /// An enrolled key: its id, the beginning of it, or its public key file
    #[arg(value_name = "KEY", required_unless_present = "reader")]
    pub target: Option<String>,

    /// Invite somebody without a key, by this name
    #[arg(long, value_name = "NAME", conflicts_with = "target")]
    pub reader: Option<String>,

    /// Let the link end after so many hours
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=720))]
    pub hours: u32,

    /// Say at which address people reach the server
    #[arg(long, value_name = "URL", default_value = "http://localhost:8080")]
    pub url: String,
}
