//! The one thread that writes: it takes what handlers have ready, appends what has gathered in one commit, and answers
//! each when that is published.
//!
//! It holds the log's lock while there is work, and lets it go when there is none, so that commands on the same machine
//! can write too; where none did, it goes on with what it knows of the log. In a bucket there is no lock: it keeps the log open,
//! and whoever is overtaken goes on from what the others made of it. What cannot be told (a commit whose outcome is unknown) is
//! looked up once the log is opened again, so that a registration that was answered with an error is not appended twice when it
//! is sent again.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::article::Article;
use crate::keys::Signer;
use crate::log::{AppendError, Appended, Log, NewRecord, OpenError, Resting};
use crate::look::recent::Recent;
use crate::note::Checkpoint;
use crate::record::Kind;
use crate::storage::{Opened, Records, Store, StoreError};
use crate::verify::Trust;

use super::Keys;
use super::metrics::Metrics;

/// Records, and bytes of their originals, of one commit at most.
const COMMIT_MAX_RECORDS: usize = 4_096;
const COMMIT_MAX_BYTES: usize = 64 * 1024 * 1024;
/// How long the lock is kept without work; and how long a log is kept open that has no lock.
const IDLE: Duration = Duration::from_millis(200);
const IDLE_UNLOCKED: Duration = Duration::from_secs(60);
/// How long another process may hold the lock before requests are refused.
const PATIENCE: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(25);

/// What an append came to.
#[derive(Debug, Clone)]
pub(crate) struct Committed {
    /// Where the record is.
    pub(crate) appended: Appended,
    /// The published checkpoint that covers it.
    pub(crate) checkpoint: Checkpoint,
}

/// Why a record was not appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The record cannot stand; sending it again does not help.
    Rejected(String),
    /// Another process has the log.
    Locked,
    /// The log cannot be written now; it is safe to send it again.
    Unavailable(String),
}

type Reply = oneshot::Sender<Result<Committed, Refusal>>;

struct Submission {
    record: NewRecord,
    /// What was read of the document, where that was here.
    article: Option<Arc<Article>>,
    since: Instant,
    /// Is told when the commit is about to be written: the processor has little to do then.
    begun: Option<oneshot::Sender<()>>,
    reply: Reply,
}

/// What becomes of a record that was left.
pub(crate) struct Awaited {
    /// Its commit is about to be written, or will not be.
    pub(crate) begun: oneshot::Receiver<()>,
    pub(crate) outcome: oneshot::Receiver<Result<Committed, Refusal>>,
}

impl Submission {
    fn bytes(&self) -> usize {
        self.record.content.as_ref().map_or(0, Vec::len) + self.record.entry.bytes.len()
    }
}

/// Where handlers leave what is to be appended.
#[derive(Clone)]
pub(crate) struct Committer {
    sender: SyncSender<Submission>,
    waiting: Arc<AtomicUsize>,
    closed: Arc<AtomicBool>,
}

/// What the thread writes with.
pub(crate) struct Desk {
    pub(crate) records: Records,
    pub(crate) trust: Arc<Trust>,
    pub(crate) log_key: Signer,
    /// Is told of what is no statement about keys.
    pub(crate) keys: Keys,
    /// Is told of the documents that were registered.
    pub(crate) recent: Arc<Recent>,
    pub(crate) metrics: Metrics,
}

impl Committer {
    /// Starts the thread. `queue` records wait at most; more are refused.
    pub(crate) fn start(desk: Desk, queue: usize) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = sync_channel(queue);
        let (waiting, closed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let count = Arc::clone(&waiting);
        let thread = thread::spawn(move || run(&desk, &receiver, &count));
        (Committer { sender, waiting, closed }, thread)
    }

    /// Returns how many records wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Takes nothing more. What waits is still appended; the thread ends once the last handler has let go.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Leaves a record; `None` if too many wait, or the server is about to end.
    pub(crate) fn submit(&self, record: NewRecord, article: Option<Arc<Article>>) -> Option<Awaited> {
        if self.closed.load(Ordering::Relaxed) {
            return None;
        }
        let ((begins, begun), (reply, outcome)) = (oneshot::channel(), oneshot::channel());
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let submission = Submission { record, article, since: Instant::now(), begun: Some(begins), reply };
        match self.sender.try_send(submission) {
            Ok(()) => Some(Awaited { begun, outcome }),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                None
            }
        }
    }
}

fn run(desk: &Desk, receiver: &Receiver<Submission>, waiting: &AtomicUsize) {
    let mut resting = None;
    while let Ok(first) = receiver.recv() {
        let mut batch = gather(first, receiver, waiting);
        // What an error leaves open is tried once more with the log opened anew; then it is told.
        for last in [false, true] {
            match session(desk, receiver, waiting, &mut resting, batch) {
                Ok(()) => break,
                Err((left, refusal)) if last => {
                    for submission in left {
                        let _ = submission.reply.send(Err(refusal.clone()));
                    }
                    break;
                }
                Err((left, _)) => batch = left,
            }
        }
    }
}

/// Takes what has gathered behind `first`.
fn gather(first: Submission, receiver: &Receiver<Submission>, waiting: &AtomicUsize) -> Vec<Submission> {
    let mut bytes = first.bytes();
    let mut batch = vec![first];
    while batch.len() < COMMIT_MAX_RECORDS && bytes < COMMIT_MAX_BYTES {
        let Ok(next) = receiver.try_recv() else { break };
        bytes += next.bytes();
        batch.push(next);
    }
    waiting.fetch_sub(batch.len(), Ordering::Relaxed);
    batch
}

type Left = (Vec<Submission>, Refusal);

/// Writes with the log open until there is nothing to do, and keeps what was read of it, so that it need not be read again; returns
/// what an error left unanswered.
fn session(
    desk: &Desk,
    receiver: &Receiver<Submission>,
    waiting: &AtomicUsize,
    resting: &mut Option<Resting>,
    mut batch: Vec<Submission>,
) -> Result<(), Left> {
    let store = match lock(&desk.records) {
        Ok(store) => store,
        Err(StoreError::Locked { .. }) => {
            desk.metrics.failed("locked");
            return Err((batch, Refusal::Locked));
        }
        Err(error) => return Err((batch, unavailable(desk, &error))),
    };
    let policy = &desk.trust.policy;
    let mut opened = || -> Result<Log<'_>, OpenError> {
        if let Some(resting) = resting.take()
            && let Some(log) = Log::resume(&store, policy, resting)?
        {
            return Ok(log);
        }
        Log::open(&store, policy, &desk.trust.roots)
    };
    let mut log = match opened() {
        Ok(log) => log,
        Err(error) => return Err((batch, unavailable(desk, &error))),
    };
    let idle = if store.own().is_some() { IDLE_UNLOCKED } else { IDLE };
    loop {
        commit(desk, &mut log, batch)?;
        batch = match receiver.recv_timeout(idle) {
            Ok(first) => gather(first, receiver, waiting),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                *resting = log.rest();
                return Ok(());
            }
        };
    }
}

fn lock(records: &Records) -> Result<Opened, StoreError> {
    let begun = Instant::now();
    loop {
        match records.writer() {
            Err(StoreError::Locked { .. }) if begun.elapsed() < PATIENCE => thread::sleep(RETRY),
            other => return other,
        }
    }
}

fn unavailable(desk: &Desk, error: &dyn std::error::Error) -> Refusal {
    desk.metrics.failed("unavailable");
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(&format!(": {error}"));
        cause = error.source();
    }
    Refusal::Unavailable(words)
}

/// Spares those who answer reading what was just written. They read it where others wrote in between. Neither lock is held by anybody who
/// reads.
fn tell(desk: &Desk, entries: Range<u64>, ready: &[Submission], appended: &[Appended]) {
    let new = ready.iter().zip(appended).filter_map(|(submission, appended)| match appended {
        Appended::Registered(index) => Some((*index, submission)),
        Appended::AlreadyRegistered(_) => None,
    });
    let mut fresh = BTreeSet::new();
    let mut articles = Vec::new();
    let (mut of_keys, mut erases) = (false, false);
    for (index, Submission { record, article, .. }) in new {
        fresh.insert(index);
        of_keys |= record.entry.kind == Kind::Key;
        erases |= record.entry.kind == Kind::Erasure;
        articles.extend(article.clone().map(|article| (index, article)));
    }
    desk.recent.learn(articles, erases);
    if !of_keys && fresh.into_iter().eq(entries.clone()) {
        let mut keys = desk.keys.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut keys).pass_over(entries.start, entries.end);
    }
}

/// Appends a batch and answers it; returns what is unanswered if the log must be opened again.
fn commit(desk: &Desk, log: &mut Log<'_>, batch: Vec<Submission>) -> Result<(), Left> {
    // Who may not sign, or signs what cannot stand, must not spoil the commit of the others.
    let mut ready: Vec<Submission> = Vec::with_capacity(batch.len());
    for submission in batch {
        let entry = &submission.record.entry;
        match log.state().authorise(&entry.key_id(), entry.kind) {
            Ok(_) => ready.push(submission),
            Err(error) => {
                // Sent again, a document is there, also when the key that signed it may not sign by now.
                let there = entry.original.map(|original| log.find_original(&original)).transpose();
                let answer = match there.map(Option::flatten) {
                    Ok(Some(index)) => {
                        desk.metrics.found();
                        desk.metrics.waited(submission.since.elapsed());
                        let appended = Appended::AlreadyRegistered(index);
                        Ok(Committed { appended, checkpoint: log.checkpoint().clone() })
                    }
                    Ok(None) => {
                        desk.metrics.failed("notAllowed");
                        Err(Refusal::Rejected(error.to_string()))
                    }
                    Err(error) => Err(unavailable(desk, &error)),
                };
                let _ = submission.reply.send(answer);
            }
        }
    }
    if ready.is_empty() {
        return Ok(());
    }
    let begun = Instant::now();
    let before = log.size();
    let records = ready.iter().map(|submission| submission.record.clone()).collect();
    let mut told: Vec<_> = ready.iter_mut().filter_map(|submission| submission.begun.take()).collect();
    let mut sign = |text: &[u8]| {
        for begun in told.drain(..) {
            let _ = begun.send(());
        }
        desk.log_key.sign(text)
    };
    match log.append_uncleaned(records, &mut sign) {
        Ok(appended) => {
            desk.metrics.committed(ready.len(), begun.elapsed());
            let checkpoint = log.checkpoint().clone();
            tell(desk, before..log.size(), &ready, &appended);
            for (submission, appended) in ready.into_iter().zip(appended) {
                desk.metrics.waited(submission.since.elapsed());
                // A client that went away has its record all the same.
                let _ = submission.reply.send(Ok(Committed { appended, checkpoint: checkpoint.clone() }));
            }
            // All are answered: what cannot be cleaned now is once the log is opened anew.
            log.clean().map_err(|error| (Vec::new(), unavailable(desk, &error)))
        }
        Err(error) => {
            let refusal = match &error {
                AppendError::Entry(_) | AppendError::Content { .. } | AppendError::NotAllowed(_) => {
                    desk.metrics.failed("rejected");
                    Refusal::Rejected(error.to_string())
                }
                _ => unavailable(desk, &error),
            };
            Err((ready, refusal))
        }
    }
}
