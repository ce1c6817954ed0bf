//! What the server takes, and tokens for it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `dateline serve`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline serve
  dateline serve --listen 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem
  dateline serve --relay-only

Serves the log as static files below /log/ (tlog-tiles: `dateline verify http://HOST/log/`), and takes
records at POST /api/v1/records from whoever has a token (`dateline token new`): a document, which is
read and signed here, or a statement that was signed elsewhere. The answer means durable, and in a
published checkpoint; it carries the proof.

People sign in at /sign-in, with a signature of their enrolled key or a link of `dateline key invite`:
over HTTPS, or as localhost. Behind a proxy, say --public-url https://HOST.

GET /healthz says whether the log can be read, GET /metrics what was done, for Prometheus. SIGTERM
and ^C end it once all that was taken is answered. RUST_LOG sets what is told.")]
pub struct ServeArgs {
    /// Listen at this address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Serve HTTPS with this certificate chain, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Say at which address people reach it, where a proxy stands in front
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,

    /// Sign what is sent with this OpenSSH private key, or with `agent` [default: the enrolled key in keys/private, else the agent]
    #[arg(long, value_name = "FILE", conflicts_with = "relay_only")]
    pub key: Option<PathBuf>,

    /// Sign nothing: take only statements that were signed elsewhere
    #[arg(long)]
    pub relay_only: bool,

    /// Let so many records wait for the writer; more are refused with 429
    #[arg(long, value_name = "COUNT", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub queue: u32,

    /// Take so many records a second from one token, and ten times as many at once
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,

    /// Take for whoever asks the last address in X-Forwarded-For, which a proxy in front adds; without one anybody could say any
    #[arg(long)]
    pub behind_proxy: bool,

    /// Take any bytes at POST /add, seal them, and answer with the index alone, as tools do that try what a log can bear
    #[arg(long, conflicts_with = "relay_only")]
    pub add: bool,

    /// Log as JSON, one object a line
    #[arg(long)]
    pub json_log: bool,
}

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScopeName {
    /// To send documents, which the server signs with its own key
    Submit,
    /// To send statements that were signed elsewhere
    Relay,
}

/// `dateline token`
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token for a program; it is shown once
    New(TokenNewArgs),
    /// List tokens, without their secrets
    #[command(after_help = "Example:\n  dateline token list --format json")]
    List,
    /// End a token
    Revoke(TokenRevokeArgs),
}

/// `dateline token new`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline token new --note cms
  dateline token new --scope relay --days 30 --note 'desk B'")]
pub struct TokenNewArgs {
    /// Say what it allows
    #[arg(long, value_name = "SCOPE", value_enum, default_value_t = ScopeName::Submit)]
    pub scope: ScopeName,

    /// Let it end after so many days
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub days: u32,

    /// Say whose it is
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

/// `dateline token revoke`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dateline token revoke a1b2c3d4")]
pub struct TokenRevokeArgs {
    /// Its id, as `dateline token list` shows it
    #[arg(value_name = "ID")]
    pub id: String,
}

/// `dateline session`
#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// List who is signed in
    #[command(after_help = "Example:\n  dateline session list --format json")]
    List,
    /// Sign somebody out
    End(SessionEndArgs),
}

/// `dateline session end`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  dateline session end a1b2c3d4\n  dateline session end --all")]
pub struct SessionEndArgs {
    /// Its id, as `dateline session list` shows it
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub id: Option<String>,

    /// Sign everybody out
    #[arg(long, conflicts_with = "id")]
    pub all: bool,
}

/// `dateline audit-trail`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline audit-trail
  dateline audit-trail --last 20 --format json

What is said of documents and keys stands in the log; this is the rest: who signed in and who tried to,
who was invited, which tokens were made and revoked. It is no evidence: whoever may write
keys/private/server/audit.jsonl may change it.")]
pub struct AuditTrailArgs {
    /// Show so many of the last events
    #[arg(long, value_name = "COUNT")]
    pub last: Option<usize>,
}
