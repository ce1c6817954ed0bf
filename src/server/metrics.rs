//! What the server counts, as Prometheus reads it (OpenMetrics text).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::storage::bucket::Requests;

type Labels = Vec<(&'static str, String)>;

/// The counters. Clones share them.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Family<Labels, Counter>,
    appended: Counter,
    commits: Counter,
    batch: Histogram,
    commit_time: Histogram,
    queue_time: Histogram,
    failures: Family<Labels, Counter>,
    waiting: Gauge<i64>,
    log_size: Gauge<f64, AtomicU64>,
    index_size: AtomicU64,
    index_lag: Gauge<f64, AtomicU64>,
    store: Family<Labels, Counter>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("dateline");
        let requests = Family::<Labels, Counter>::default();
        let failures = Family::<Labels, Counter>::default();
        let (appended, commits) = (Counter::default(), Counter::default());
        let batch = Histogram::new(exponential_buckets(1.0, 4.0, 7));
        let times = || Histogram::new(exponential_buckets(0.000_5, 2.0, 14));
        let (commit_time, queue_time) = (times(), times());
        let (waiting, log_size) = (Gauge::default(), Gauge::default());
        registry.register("requests", "Requests by route, method and status", requests.clone());
        registry.register("appends", "Records that were appended, or found to be there", appended.clone());
        registry.register("commits", "Commits to the log", commits.clone());
        registry.register("batch_records", "Records of a commit", batch.clone());
        registry.register_with_unit("commit", "Time of a commit", Unit::Seconds, commit_time.clone());
        let help = "Time from a record's arrival at the writer to its publication";
        registry.register_with_unit("queue", help, Unit::Seconds, queue_time.clone());
        registry.register("failures", "Appends that failed, by code", failures.clone());
        registry.register("waiting_records", "Records that wait for the writer", waiting.clone());
        registry.register("log_entries", "Entries of the published log", log_size.clone());
        let index_lag = Gauge::default();
        let help = "Entries of the published log that the search index does not know yet";
        registry.register("index_lag_entries", help, index_lag.clone());
        let store = Family::<Labels, Counter>::default();
        registry.register(
            "store_requests",
            "Requests to the bucket that the log is in, by kind",
            store.clone(),
        );
        let inner = Inner {
            registry,
            requests,
            appended,
            commits,
            batch,
            commit_time,
            queue_time,
            failures,
            waiting,
            log_size,
            index_size: AtomicU64::new(0),
            index_lag,
            store,
        };
        Metrics(Arc::new(inner))
    }

    pub(crate) fn asked(&self, route: &str, method: &str, status: u16) {
        let labels =
            vec![("route", route.to_owned()), ("method", method.to_owned()), ("status", status.to_string())];
        self.0.requests.get_or_create(&labels).inc();
    }

    pub(crate) fn committed(&self, records: usize, time: Duration) {
        self.0.commits.inc();
        self.0.appended.inc_by(records as u64);
        self.0.batch.observe(records as f64);
        self.0.commit_time.observe(time.as_secs_f64());
    }

    /// A record was in the log, and no commit was made for it.
    pub(crate) fn found(&self) {
        self.0.appended.inc();
    }

    pub(crate) fn waited(&self, time: Duration) {
        self.0.queue_time.observe(time.as_secs_f64());
    }

    pub(crate) fn failed(&self, code: &'static str) {
        self.0.failures.get_or_create(&vec![("code", code.to_owned())]).inc();
    }

    /// Notes how many entries the search index knows.
    pub(crate) fn indexed(&self, size: u64) {
        self.0.index_size.store(size, Ordering::Relaxed);
    }

    /// Writes everything down, with what is measured only now.
    pub(crate) fn text(&self, waiting: usize, log_size: u64, sent: Option<Requests>) -> String {
        for (kind, count) in sent.iter().flat_map(Requests::by_kind) {
            let counter = self.0.store.get_or_create(&vec![("kind", kind.to_owned())]);
            // Where two ask at once, the larger count stays.
            counter.inner().fetch_max(count, Ordering::Relaxed);
        }
        self.0.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.0.log_size.set(log_size as f64);
        let lag = log_size.saturating_sub(self.0.index_size.load(Ordering::Relaxed));
        self.0.index_lag.set(lag as f64);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}
