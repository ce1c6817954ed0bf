//! What is signed for a server.

use std::path::PathBuf;

use clap::Args;

/// `dateline sign`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline sign prepared.json --key ~/.ssh/id_ed25519 > signed.json
  dateline sign prepared.json --document story.txt --yes --key agent > signed.json
  curl --data-binary @signed.json -H 'Content-Type: application/vnd.dateline.pending+json' \\
       -H \"Authorization: Bearer $TOKEN\" https://news.example.org/api/v1/records

For a server that does not have your key: it prepares the statement (POST /api/v1/records/prepare), you
read what it says, and sign it here. No log is needed. With the document at hand, say --document: it is
checked to be the one that the statement registers, and sent along to be stored.")]
pub struct SignFileArgs {
    /// What the server prepared; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Sign with this OpenSSH private key, or with `agent` [default: the key in keys/private, else the agent]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Check that the statement registers this document, and put it beside the statement
    #[arg(long, value_name = "FILE")]
    pub document: Option<PathBuf>,

    /// Sign without asking
    #[arg(long, short = 'y')]
    pub yes: bool,
}
