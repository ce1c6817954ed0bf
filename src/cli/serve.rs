//! `dateline serve` and `dateline token`

use std::io;
use std::path::PathBuf;

use serde_json::json;
use url::Url;

use crate::base::Timestamp;
use crate::keys::{Signer, private};
use crate::record::{KeyState, Kind, Role, State};
use crate::server::kept::KeptError;
use crate::server::tokens::{Scope, Token, Tokens};
use crate::server::{self, Config, ServeError};
use crate::view::sanitize;

use super::args::{ScopeName, ServeArgs, TokenCommand, TokenNewArgs, TrustArgs};
use super::exit::Exit;
use super::extract::authority;
use super::failure::{Failure, Outcome};
use super::output::{Output, say};
use super::workspace::{Passphrases, Workspace};
use super::{now, random, writing};

const DAY: i64 = 24 * 60 * 60;
/// Requests of one address a second, and at once.
const READS: (f64, f64) = (1_000.0, 10_000.0);

/// Returns the folder for tokens, invitations, sessions and the audit trail.
pub(crate) fn kept(workspace: &Workspace) -> PathBuf {
    workspace.private().join("server")
}

/// Reads the address at which people reach a server.
pub(crate) fn public_url(text: &str) -> Outcome<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| {
        let failure = Failure::new(Exit::Usage, format!("{text:?} is no address of a server"));
        failure.hint("write it as browsers show it: https://news.example.org")
    })
}

impl From<KeptError> for Failure {
    fn from(error: KeptError) -> Self {
        let failure = Failure::new(Exit::Unavailable, error.to_string());
        let failure = match std::error::Error::source(&error) {
            Some(source) => failure.because(source),
            None => failure,
        };
        match error {
            KeptError::Io { .. } => failure.hint("what the server keeps lies in keys/private/server"),
            _ => failure.hint("restore it from a copy, or remove it: what it lists then ends"),
        }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Log(error) => error.into(),
            ServeError::Kept(error) => error.into(),
            other => {
                let failure = Failure::new(Exit::Unavailable, other.to_string());
                let failure = match std::error::Error::source(&other) {
                    Some(source) => failure.because(source),
                    None => failure,
                };
                match other {
                    ServeError::Listen { .. } => failure.hint("name another address with --listen"),
                    ServeError::Tls(_) => {
                        failure.hint("give a PEM chain with --tls-cert and its key with --tls-key")
                    }
                    _ => failure,
                }
            }
        }
    }
}

pub(crate) fn run(workspace: &Workspace, args: &ServeArgs, output: Output) -> Outcome<()> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let public_origin = args.public_url.as_deref().map(public_url).transpose()?;
    let public_origin = public_origin.map(|url| url.origin().ascii_serialization());
    let mut passphrases = Passphrases::default();
    let (signer, entrusted, log_key) = {
        // Only to know which keys it takes; what was interrupted before is finished on the way.
        if let Some(bucket) = workspace.bucket() {
            drop(bucket.writer_probed_now()?);
        }
        let store = workspace.writer()?;
        let log = writing::open_log(&store, &trust)?;
        let signer = match args.relay_only {
            true => None,
            false => {
                let key = args.key.as_deref();
                let found = writing::signer_for(workspace, &log, Kind::Registration, key, &mut passphrases);
                Some(found.map_err(|failure| {
                    failure.hint("say --relay-only to take only statements that were signed elsewhere")
                })?)
            }
        };
        let entrusted = match args.relay_only {
            true => Vec::new(),
            false => entrusted(workspace, log.state(), &mut passphrases)?,
        };
        (signer, entrusted, writing::log_key(workspace, &log, &trust, &mut passphrases)?)
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A program that was started twice in one process keeps the first.
    let _ = match args.json_log {
        true => log.json().try_init(),
        false => log.with_ansi(false).try_init(),
    };
    let rate = f64::from(args.rate);
    let config = Config {
        listen: args.listen,
        tls: args.tls_cert.clone().zip(args.tls_key.clone()),
        records: workspace.place(),
        kept: kept(workspace),
        public_origin,
        behind_proxy: args.behind_proxy,
        adds: args.add,
        trust,
        signer,
        entrusted,
        log_key,
        authority: authority(workspace)?,
        queue: usize::try_from(args.queue).unwrap_or(usize::MAX),
        writes: (rate, rate * 10.0),
        reads: READS,
        now,
        random,
    };
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| Failure::new(Exit::Unavailable, "no threads to serve with").because(&error))?;
    // Whoever is told that it listens may end it.
    let stop = {
        let _runtime = runtime.enter();
        stopped().map_err(|error| Failure::new(Exit::Unavailable, "no signals to end by").because(&error))?
    };
    runtime.block_on(server::serve(
        config,
        |address| {
            // Whoever started it waits for this line.
            let told = output.print(
                || format!("listening at {scheme}://{address}/\n"),
                || json!({"listening": format!("{scheme}://{address}/")}),
            );
            drop(told);
        },
        stop,
    ))?;
    Ok(())
}

/// Returns the keys of people that lie in keys/private and open without asking, or with a passphrase that was given already: those
/// are entrusted to the server.
fn entrusted(workspace: &Workspace, state: &State, passphrases: &mut Passphrases) -> Outcome<Vec<Signer>> {
    let mut found = Vec::new();
    for path in workspace.private_files()? {
        // What is no key is told by `dateline doctor`, and stands in nobody's way here.
        let Ok(public) = private::read_public(&path) else { continue };
        let may_sign = |key: &KeyState| key.ended.is_none() && !key.roles.contains(&Role::Root);
        if state.key(&public.key_id()).is_some_and(may_sign) {
            found.extend(passphrases.read_without_asking(&path)?.map(Signer::Memory));
        }
    }
    Ok(found)
}

/// Takes over the signals by which somebody ends the program, and returns what waits for one of them.
fn stopped() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminated, mut interrupted) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(async move {
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

pub(crate) fn token(workspace: &Workspace, command: &TokenCommand, output: Output) -> Outcome<()> {
    if !workspace.private().is_dir() {
        return Err(crate::log::OpenError::NoLog.into());
    }
    let tokens = Tokens::at(&kept(workspace));
    match command {
        TokenCommand::New(args) => new(&tokens, args, output),
        TokenCommand::List => tokens.all()?.iter().try_for_each(|token| shown(token, output)),
        TokenCommand::Revoke(args) => {
            if !tokens.revoke(&args.id, now())? {
                let failure =
                    Failure::new(Exit::NotFound, format!("there is no token {:?} in force", args.id));
                return Err(failure.hint("`dateline token list` shows them"));
            }
            output.print(
                || format!("token {} is revoked\n", sanitize(&args.id)),
                || json!({"id": args.id, "revoked": true}),
            )
        }
    }
}

fn new(tokens: &Tokens, args: &TokenNewArgs, output: Output) -> Outcome<()> {
    let scope = match args.scope {
        ScopeName::Submit => Scope::Submit,
        ScopeName::Relay => Scope::Relay,
    };
    let created = now();
    let end = created.unix_seconds() + i64::from(args.days) * DAY;
    let expires = Timestamp::from_unix_seconds(end)
        .ok_or_else(|| Failure::new(Exit::Usage, "so late that no time can say it"))?;
    let (token, secret) = tokens.add(random(), scope, args.note.clone(), created, expires)?;
    output.print(
        || format!("{secret}\n"),
        || json!({"id": token.id, "token": secret, "scope": token.scope, "expiresAt": token.expires_at}),
    )?;
    if !output.is_json() {
        say(&format!(
            "token {} until {}; it is shown this once: send it as Authorization: Bearer …",
            token.id, token.expires_at
        ));
    }
    Ok(())
}

fn shown(token: &Token, output: Output) -> Outcome<()> {
    let state = match token.revoked_at {
        Some(at) => format!("REVOKED {at}"),
        None if token.expires_at <= now() => format!("expired {}", token.expires_at),
        None => format!("until {}", token.expires_at),
    };
    output.print(
        || {
            let note = token.note.as_ref().map_or_else(String::new, |note| format!("  {}", sanitize(note)));
            format!("{}  {}  {state}{note}\n", token.id, crate::view::json_word(&token.scope))
        },
        || {
            json!({
                "id": token.id, "scope": token.scope, "note": token.note, "createdAt": token.created_at,
                "expiresAt": token.expires_at, "revokedAt": token.revoked_at,
            })
        },
    )
}
