//! Reading the log for handlers, on threads that may wait.

use std::sync::{Arc, PoisonError};

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::base::encoding::from_decimal;
use crate::record::{SealedEntry, State};
use crate::verify::{KeyStatements, LogReader, Provable, ProveError, ReaderError, read_log_as};

use super::App;
use super::problem::Problem;
use super::turns::Turns;

impl From<ReaderError> for Problem {
    fn from(error: ReaderError) -> Self {
        match &error {
            ReaderError::NoRecord { .. } | ReaderError::NotARegistration { .. } => {
                Problem::not_found(error.to_string())
            }
            ReaderError::File(finding) if finding.severity == crate::verify::Severity::Unverifiable => {
                Problem::unavailable(error.to_string())
            }
            _ => Problem::internal(error.to_string()),
        }
    }
}

impl From<ProveError> for Problem {
    fn from(error: ProveError) -> Self {
        match error {
            ProveError::Reader(error) => error.into(),
            other => Problem::internal(other.to_string()),
        }
    }
}

/// The number of a record, in an address.
pub(super) struct Number(pub(super) u64);

impl<S: Send + Sync> FromRequestParts<S> for Number {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let number = path.ok().and_then(|Path(text)| from_decimal(&text).ok());
        number.map(Number).ok_or_else(|| Problem::not_found("a record is named by its number in the log"))
    }
}

/// Does work that may wait.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Problem::internal("the work was broken off")))
}

/// Reads the published log.
pub(super) async fn reading<T: Send + 'static>(
    app: &App,
    read: impl Fn(&LogReader<'_>, &App) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let app = app.clone();
    blocking(move || read_now(&app, read)).await
}

/// Reads the published log when its turn comes.
pub(super) async fn reading_in<T: Send + 'static>(
    turns: &Turns,
    app: &App,
    read: impl Fn(&LogReader<'_>, &App) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let app = app.clone();
    turns.take(move || read_now(&app, read)).await
}

fn read_now<T>(app: &App, read: impl Fn(&LogReader<'_>, &App) -> Result<T, Problem>) -> Result<T, Problem> {
    let store = app.records.reader();
    read_log_as(&store, &app.trust, |reader| read(reader, app))
}

/// Returns the number of entries of the published log.
pub(super) async fn size(app: &App) -> Result<u64, Problem> {
    reading(app, |reader, _| Ok(reader.size())).await
}

/// Returns who may sign the next entry. Costs reading the checkpoint, and the entries that are new where others wrote them.
pub(super) async fn key_state(app: &App) -> Result<Arc<State>, Problem> {
    reading(app, |reader, app| Ok(Arc::clone(statements(reader, app)?.state()))).await
}

/// Returns which statements about keys stand, with the log open. The lock is not held while it is read: the writer takes it too.
pub(super) fn statements(reader: &LogReader<'_>, app: &App) -> Result<Arc<KeyStatements>, Problem> {
    let kept = || app.keys.lock().unwrap_or_else(PoisonError::into_inner);
    let known = Arc::clone(&kept());
    // Statements that were published stay: what is known of a longer log holds for this one.
    if known.size() >= reader.size() {
        return Ok(known);
    }
    let mut learnt = KeyStatements::clone(&known);
    reader.learn_key_statements(&mut learnt)?;
    let learnt = Arc::new(learnt);
    let mut kept = kept();
    if kept.size() < learnt.size() {
        *kept = Arc::clone(&learnt);
    }
    Ok(learnt)
}

/// Makes the proof file of a record.
pub(super) async fn proof_of(app: &App, record: u64) -> Result<String, Problem> {
    reading(app, move |reader, app| {
        let known = statements(reader, app)?;
        Ok(reader.proof_file_knowing(record, &[], &known)?.file.format())
    })
    .await
}

/// Takes an entry apart for its proof, while it is appended.
pub(super) async fn provable(app: &App, entry: SealedEntry) -> Result<Provable, Problem> {
    app.turns.take(move || Provable::new(entry).map_err(|error| Problem::internal(error.to_string()))).await
}

/// Makes the proof file of a record that was just appended, without reading it.
pub(super) async fn proof_of_appended(app: &App, record: u64, provable: Provable) -> Result<String, Problem> {
    reading_in(&app.turns, app, move |reader, app| {
        let known = statements(reader, app)?;
        Ok(reader.proof_file_with(record, &provable, &known)?.file.format())
    })
    .await
}
