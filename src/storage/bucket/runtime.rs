//! The threads that requests run on. The rest of the program waits for them: it is synchronous.

use std::future::Future;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::mpsc::sync_channel;

use tokio::runtime::{Builder, Runtime};

use crate::storage::StoreError;

/// Made once, and never dropped: whoever holds a store may let go of it where no thread may wait.
static RUNTIME: OnceLock<Runtime> = OnceLock::new();

fn runtime() -> Result<&'static Runtime, StoreError> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let made = Builder::new_multi_thread().worker_threads(2).thread_name("store").enable_all().build();
    let made = made.map_err(|source| StoreError::Io {
        op: "begin threads for",
        path: PathBuf::from("the store"),
        source,
    })?;
    Ok(RUNTIME.get_or_init(|| made))
}

/// Runs `work` to its end and returns what came of it. May be called on any thread that may wait.
pub(super) fn wait<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, StoreError> {
    let (sender, receiver) = sync_channel(1);
    runtime()?.spawn(async move {
        // Nobody is left to be told where the thread that waited is gone.
        let _ = sender.send(work.await);
    });
    receiver.recv().map_err(|_| StoreError::Io {
        op: "finish a request to",
        path: PathBuf::from("the store"),
        source: std::io::Error::other("it was broken off"),
    })
}
