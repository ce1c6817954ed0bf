//! Layer 6: the server. It serves the log as static files for any reader, and takes records from programs: an answer means
//! durable, and in a signed, published checkpoint.
//!
//! ```text
//! request ─ rate ─ token ─► read, draft, sign (many at once) ─► committer (one thread) ─► log
//!                                                              └► proof, from the published log ─► answer
//! ```
//!
//! Who may lie here: every client, in everything. Nobody writes without a token, of which [`tokens`] tells, or being signed in
//! with an enrolled key ([`people`]).
//! Nothing that the server answers is to be believed without the proof that comes with it.

mod api;
mod author;
mod committer;
mod drafting;
mod files;
mod history;
pub mod kept;
mod known;
mod lines;
mod look;
mod metrics;
mod opaque;
mod openapi;
mod pages;
pub mod people;
mod problem;
mod rate;
mod reading;
mod session;
mod sign_in;
pub mod tokens;
pub mod trail;
mod turns;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use thiserror::Error;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use crate::article::Authority;
use crate::base::limits::DOCUMENT_MAX_BYTES;
use crate::base::{Hash, Timestamp};
use crate::keys::Signer;
use crate::look::recent::Recent;
use crate::storage::Records;
use crate::verify::{KeyStatements, LogReader, ReaderError, Trust};

use committer::{Committer, Desk};
use history::History;
use metrics::Metrics;
use people::People;
use problem::Problem;
use rate::{AtOnce, Rate, Who};
use session::Site;
use sign_in::Challenges;
use tokens::Tokens;
use trail::Trail;
use turns::Turns;

/// Seconds that a request may take.
const REQUEST_SECONDS: u64 = 60;
/// Connections that wait to be taken up.
const WAITING_TO_CONNECT: u32 = 1_024;
/// How often it is looked whether the search index is up to date.
const INDEX_EVERY: Duration = Duration::from_secs(1);
/// It may take a two-hundredth of the time, as the writer of the log waits for the same disk and processor, so that hardly one in a
/// hundred who register one at a time meets it; but it is never so far behind, or so long.
const INDEX_SHARE: u32 = 200;
const INDEX_BEHIND: u64 = 2_000;
const INDEX_LATE: Duration = Duration::from_secs(10);
/// Attempts to sign in: of one address a second, and at once. As many failed ones of all addresses are told of.
const ATTEMPTS: (f64, f64) = (1.0, 30.0);

/// Seconds within which the head of a request must have come.
const HEAD_SECONDS: u64 = 20;
/// Documents that are read at a time: for each core, and at least. Some only wait for a process that reads.
const TURNS: (usize, usize) = (2, 4);
/// Requests of one address that are under way at a time. Behind a proxy all are of one.
const AT_ONCE: usize = 1_024;

/// What a server is made of.
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// PEM files of the certificate chain and its key; without them, plain HTTP, for a proxy in front.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Where the log lies.
    pub records: Records,
    /// The folder for tokens, invitations, sessions and the audit trail.
    pub kept: PathBuf,
    /// Scheme, host and port that browsers see, where they are not those of this server: behind a proxy.
    pub public_origin: Option<String>,
    /// Whether a proxy in front says in `X-Forwarded-For`, last, who asks.
    pub behind_proxy: bool,
    /// Whether `POST /add` takes any bytes.
    pub adds: bool,
    /// Whom readers trust.
    pub trust: Trust,
    /// Signs what is sent to be registered; without it only what was signed elsewhere is taken.
    pub signer: Option<Signer>,
    /// Keys of people who entrusted them to the server: each signs what its holder sends when he is signed in.
    pub entrusted: Vec<Signer>,
    /// Signs checkpoints.
    pub log_key: Signer,
    /// Names of bodies.
    pub authority: Cow<'static, Authority>,
    /// Records that may wait for the writer; more are answered with 429.
    pub queue: usize,
    /// Requests that change something, each token a second, and at once.
    pub writes: (f64, f64),
    /// Other requests, each address a second, and at once.
    pub reads: (f64, f64),
    /// The time, by this machine's clock.
    pub now: fn() -> Timestamp,
    /// Gives 16 random bytes at each call.
    pub random: fn() -> [u8; 16],
}

/// Why a server does not run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// It cannot listen there.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("the certificate or its key cannot be used")]
    Tls(#[source] io::Error),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReaderError),
    /// Tokens or sessions cannot be read.
    #[error(transparent)]
    Kept(#[from] kept::KeptError),
    /// The system gives no threads.
    #[error("no threads can be started")]
    Threads(#[source] io::Error),
    /// It ended by itself.
    #[error("the server ended")]
    Ended(#[source] io::Error),
}

/// What all handlers share.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) records: Records,
    pub(crate) trust: Arc<Trust>,
    pub(crate) signer: Option<Signer>,
    entrusted: HashMap<Hash, Signer>,
    pub(crate) authority: Cow<'static, Authority>,
    pub(crate) committer: Committer,
    pub(crate) metrics: Metrics,
    pub(crate) now: fn() -> Timestamp,
    pub(crate) random: fn() -> [u8; 16],
    /// The log's origin.
    pub(crate) origin: String,
    pub(crate) site: Site,
    pub(crate) tokens: Tokens,
    pub(crate) people: People,
    pub(crate) trail: Trail,
    pub(crate) history: History,
    challenges: Challenges,
    writes: Rate,
    reads: Rate,
    under_way: AtOnce,
    attempts: Rate,
    keys: Keys,
    /// For reading documents, and what else keeps a core busy while somebody waits.
    pub(crate) turns: Turns,
    /// For what the log has that is like what is registered.
    looks: Turns,
    /// For the search index: whoever waits for an answer keeps the other cores.
    indexing: Turns,
    pub(crate) recent: Arc<Recent>,
    pub(crate) known: known::Following,
    pub(crate) drafts: pages::register::drafts::Drafts,
}

/// Which statements about keys stand, as far as the log was read; the writer tells of what it appends.
type Keys = Arc<Mutex<Arc<KeyStatements>>>;

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Shared {
    /// Returns what signs with a key, if that was entrusted to the server.
    pub(crate) fn entrusted(&self, key_id: &Hash) -> Option<&Signer> {
        self.entrusted.get(key_id)
    }

    /// Takes a request that changes something, or says how long to wait.
    pub(crate) fn may_write(&self, who: Who) -> Result<(), Problem> {
        self.writes.take(who, std::time::Instant::now()).map_err(Problem::too_many)
    }
}

/// Serves until `stop` is done; then takes nothing new, answers what it took, and ends.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    config: Config,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let trust = Arc::new(config.trust);
    let mut keys = KeyStatements::new(&trust);
    let (size, origin) = {
        let store = config.records.reader();
        let reader = LogReader::open(&store, &trust)?;
        reader.learn_key_statements(&mut keys)?;
        (reader.size(), reader.checkpoint().origin().as_str().to_owned())
    };
    let secure = match &config.public_origin {
        Some(origin) => origin.starts_with("https:"),
        None => config.tls.is_some(),
    };
    let (tokens, people) = (Tokens::at(&config.kept), People::at(&config.kept));
    // What cannot be read is told now, not to the first who comes.
    tokens.all()?;
    people.sessions((config.now)())?;
    tracing::info!(entries = size, "the log is open");
    let metrics = Metrics::new();
    let keys: Keys = Arc::new(Mutex::new(Arc::new(keys)));
    let recent = Arc::new(Recent::default());
    let desk = Desk {
        keys: Arc::clone(&keys),
        recent: Arc::clone(&recent),
        records: config.records.clone(),
        trust: Arc::clone(&trust),
        log_key: config.log_key,
        metrics: metrics.clone(),
    };
    let (committer, writer) = Committer::start(desk, config.queue);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let turns = (cores * TURNS.0).max(TURNS.1);
    let app = App(Arc::new(Shared {
        records: config.records,
        trust,
        signer: config.signer,
        entrusted: config.entrusted.into_iter().map(|key| (key.public().key_id(), key)).collect(),
        authority: config.authority,
        committer: committer.clone(),
        metrics,
        now: config.now,
        random: config.random,
        origin,
        site: Site { secure, origin: config.public_origin },
        tokens,
        people,
        trail: Trail::at(&config.kept),
        history: History::at(&config.kept),
        challenges: Challenges::new(config.random),
        writes: Rate::new(config.writes.0, config.writes.1),
        reads: Rate::new(config.reads.0, config.reads.1),
        under_way: AtOnce::new(AT_ONCE),
        attempts: Rate::new(ATTEMPTS.0, ATTEMPTS.1),
        keys,
        turns: Turns::new("work", turns).map_err(ServeError::Threads)?,
        looks: Turns::new("look", turns).map_err(ServeError::Threads)?,
        indexing: Turns::new("index", 1).map_err(ServeError::Threads)?,
        recent,
        known: known::Following::default(),
        drafts: pages::register::drafts::Drafts::default(),
    }));
    let follower = tokio::spawn(follow(app.clone()));
    let service =
        router(app, config.adds, config.behind_proxy).into_make_service_with_connect_info::<SocketAddr>();

    let handle = axum_server::Handle::new();
    let (told, stopper) = (handle.clone(), handle.clone());
    tokio::spawn(async move {
        stop.await;
        tracing::info!("ending: what was taken is still answered");
        stopper.graceful_shutdown(Some(Duration::from_secs(REQUEST_SECONDS)));
    });
    let address = config.listen;
    let listen = |source| ServeError::Listen { address, source };
    let listener = listening(address).map_err(listen)?;
    ready(listener.local_addr().map_err(listen)?);
    let head = Duration::from_secs(HEAD_SECONDS);
    let ended = match config.tls {
        Some((chain, key)) => {
            // Of two providers that crates could bring, this is the one that is built in.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let tls = axum_server::tls_rustls::RustlsConfig::from_pem_file(chain, key).await;
            let tls = tls.map_err(ServeError::Tls)?;
            let mut server = axum_server::from_tcp_rustls(listener, tls).map_err(listen)?;
            server.http_builder().http1().header_read_timeout(head);
            server.first_request_timeout(head).handle(told).serve(service).await
        }
        None => {
            let mut server = axum_server::from_tcp(listener).map_err(listen)?;
            server.http_builder().http1().header_read_timeout(head);
            server.first_request_timeout(head).handle(told).serve(service).await
        }
    };
    follower.abort();
    // It holds the handlers' state until it has ended.
    let _ = follower.await;
    committer.close();
    drop(committer);
    // All handlers have ended with their clones: the writer finishes what waits.
    let _ = tokio::task::spawn_blocking(move || writer.join()).await;
    ended.map_err(ServeError::Ended)
}

/// Listens. Who comes while more wait than are let in is passed over by the system, and tries again after seconds: as many may wait
/// as may be served at a time.
fn listening(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    // Whoever starts it again need not wait until the last connections are forgotten.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING_TO_CONNECT)?.into_std()
}

/// Keeps the search index up to date, so that nobody who searches waits for it.
async fn follow(app: App) {
    let mut every = tokio::time::interval(INDEX_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut known = None;
    let mut next = Instant::now();
    loop {
        every.tick().await;
        let now = (app.now)();
        let seen = reading::reading(&app, move |reader, app| {
            if let Err(error) = app.history.saw(reader.checkpoint_bytes(), now) {
                tracing::warn!(%error, "the checkpoint is not kept");
            }
            Ok(reader.size())
        });
        let size = seen.await.ok();
        let is_behind = |known: Option<u64>| {
            let new = size.zip(known).map(|(size, known)| size.saturating_sub(known));
            new.is_none_or(|new| new > 0 && (new >= INDEX_BEHIND || Instant::now() >= next))
        };
        if !is_behind(known) {
            continue;
        }
        let begun = Instant::now();
        match look::follow(&app).await {
            Ok(size) => {
                known = Some(size);
                app.metrics.indexed(size);
            }
            Err(problem) => {
                app.metrics.failed("index");
                tracing::warn!(?problem, "the search index is not up to date");
            }
        }
        next = Instant::now() + (begun.elapsed() * INDEX_SHARE).min(INDEX_LATE);
    }
}

fn router(app: App, adds: bool, behind_proxy: bool) -> Router {
    let limit = usize::try_from(DOCUMENT_MAX_BYTES).unwrap_or(usize::MAX);
    let records = files::Records(app.records.clone());
    let log = Router::new().route("/log/{*path}", get(files::file)).with_state(records);
    let api = openapi::routes(limit + limit / 2);
    let own =
        Router::new().route("/healthz", get(health)).route("/metrics", get(measured)).merge(pages::routes());
    let signing_in = Router::new()
        .route("/api/v1/session", get(sign_in::session))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/invite/{secret}", get(sign_in::invited).post(sign_in::accept))
        .layer(DefaultBodyLimit::max(sign_in::FORM_MAX_BYTES));
    let adding = match adds {
        true => Router::new().route("/add", post(opaque::add)).layer(DefaultBodyLimit::max(limit)),
        false => Router::new(),
    };
    let router = api
        .merge(own)
        .merge(signing_in)
        .merge(adding)
        .fallback(nothing)
        .with_state(app.clone())
        .merge(log)
        .layer(CompressionLayer::new().gzip(true))
        .layer(middleware::from_fn_with_state(app, watch))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            Problem::internal("the request was broken off by a fault of the program").into_response()
        }))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid));
    match behind_proxy {
        true => router.layer(middleware::from_fn(behind)),
        false => router,
    }
}

/// Takes for whoever asks the last address that `X-Forwarded-For` names: the proxy in front added it. What comes before it anybody can
/// write.
async fn behind(mut request: Request, next: Next) -> Response {
    let named = request.headers().get_all("x-forwarded-for").iter().next_back();
    let last = named.and_then(|value| value.to_str().ok()).and_then(|value| value.rsplit(',').next());
    if let Some(address) = last.and_then(|address| address.trim().parse::<IpAddr>().ok()) {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address, 0)));
    }
    next.run(request).await
}

/// Holds requests to their rate and time, counts them, and adds what every answer has.
async fn watch(
    State(app): State<App>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let begun = std::time::Instant::now();
    let route =
        request.extensions().get::<MatchedPath>().map_or("none".into(), |path| path.as_str().to_owned());
    let method = request.method().clone();
    // An invitation's secret is nothing to write down.
    let secret = request.uri().path().starts_with("/invite/");
    let path = if secret { route.clone() } else { request.uri().path().to_owned() };
    let id =
        request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let who = Who::at(address.ip());
    let taken = app.reads.take(who.clone(), begun);
    let taken = taken.and_then(|()| app.under_way.begin(who).ok_or(1));
    let mut response = match taken {
        Err(seconds) => Problem::too_many(seconds).into_response(),
        Ok(_running) => {
            match tokio::time::timeout(Duration::from_secs(REQUEST_SECONDS), next.run(request)).await {
                Ok(response) => response,
                Err(_) => Problem::unavailable("it took too long").into_response(),
            }
        }
    };
    response = Problem::told(response);
    let status = response.status();
    app.metrics.asked(&route, method.as_str(), status.as_u16());
    let milliseconds = begun.elapsed().as_secs_f64() * 1_000.0;
    if status.is_server_error() {
        tracing::error!(id, %method, path, status = status.as_u16(), milliseconds, "answered");
    } else {
        tracing::info!(id, %method, path, status = status.as_u16(), milliseconds, "answered");
    }
    let headers = response.headers_mut();
    let nosniff = HeaderValue::from_static("nosniff");
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(nosniff);
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    response
}

/// Answers where there is nothing: a browser with a page, a program with a problem.
async fn nothing(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    let is_browser = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    match is_browser && !uri.path().starts_with("/api/") {
        true => pages::nowhere(&app, &headers, uri.path()),
        false => Problem::not_found("there is nothing at this address").into_response(),
    }
}

/// `GET /healthz`: whether the log can be read and records are taken.
async fn health(State(app): State<App>) -> Result<&'static str, Problem> {
    let size = reading::size(&app).await?;
    tracing::debug!(size, "healthy");
    Ok("ok\n")
}

/// `GET /metrics`
async fn measured(State(app): State<App>) -> Result<Response, Problem> {
    let size = reading::size(&app).await?;
    let text = app.metrics.text(app.committer.waiting(), size, app.records.requests());
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, kind)], text).into_response())
}
