//! Threads for work that keeps a core busy. What more is to be done waits without a thread, and without the memory that a reader of
//! documents keeps for each thread that it was ever used on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::oneshot;

use super::problem::Problem;

/// Threads that take one piece of work after the other.
pub(crate) struct Turns(ThreadPool);

impl Turns {
    /// Starts `threads` of them.
    ///
    /// # Errors
    /// What the system refuses.
    pub(crate) fn new(name: &'static str, threads: usize) -> Result<Self, ThreadPoolBuildError> {
        let builder = ThreadPoolBuilder::new().thread_name(move |number| format!("{name}-{number}"));
        Ok(Turns(builder.num_threads(threads).build()?))
    }

    /// Does `work` when its turn comes; what it does on all cores is done on these threads alone.
    pub(crate) async fn take<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (done, waiting) = oneshot::channel();
        self.0.spawn(move || {
            // Whoever asked may be gone.
            if !done.is_closed() {
                let _ = done.send(catch_unwind(AssertUnwindSafe(work)));
            }
        });
        match waiting.await {
            Ok(Ok(result)) => result,
            _ => Err(Problem::internal("the work was broken off by a fault of the program")),
        }
    }
}
