//! Threads for work that keeps a core busy. What more is to be done waits without a thread, and without the memory that a reader of
//! documents keeps for each thread that it was ever used on.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use super::problem::Problem;

type Work = Box<dyn FnOnce() + Send>;

/// Threads that take one piece of work after the other, in the order in which it came.
pub(crate) struct Turns(Sender<Work>);

impl Turns {
    /// Starts `threads` of them. They end when they are let go.
    ///
    /// # Errors
    /// What the system refuses.
    pub(crate) fn new(name: &str, threads: usize) -> io::Result<Self> {
        let (sender, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..threads {
            let waiting = Arc::clone(&waiting);
            let thread = thread::Builder::new().name(format!("{name}-{number}"));
            thread.spawn(move || alone(|| work(&waiting)))?;
        }
        Ok(Turns(sender))
    }

    /// Does `work` when its turn comes.
    pub(crate) async fn take<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (done, waiting) = oneshot::channel();
        let work = move || {
            // Whoever asked may be gone.
            if !done.is_closed() {
                let _ = done.send(catch_unwind(AssertUnwindSafe(work)));
            }
        };
        // Threads that are gone leave no answer either.
        let _ = self.0.send(Box::new(work));
        match waiting.await {
            Ok(Ok(result)) => result,
            _ => Err(Problem::internal("the work was broken off by a fault of the program")),
        }
    }
}

fn work(waiting: &Mutex<Receiver<Work>>) {
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok(work) = next() {
        work();
    }
}

/// Does what `work` would do on all cores on this thread alone: as many pieces of work are under way as there are cores, and
/// whoever waits for his parts in a common pool takes up another's whole work meanwhile, and answers late.
fn alone<T>(work: impl FnOnce() -> T) -> T {
    // Where that is refused, the common pool does it.
    let _pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_on_its_own_thread_alone() {
        let turns = Turns::new("turn", 2).unwrap();
        let (threads, name) = turns
            .take(|| Ok((rayon::current_num_threads(), thread::current().name().map(str::to_owned))))
            .await
            .unwrap();
        assert_eq!(threads, 1);
        assert!(name.unwrap().starts_with("turn-"));
        let parts = rayon::join;
        let same = turns.take(move || Ok(parts(|| thread::current().id(), || thread::current().id())));
        let (one, other) = same.await.unwrap();
        assert_eq!(one, other);
    }

    #[tokio::test]
    async fn a_fault_ends_one_piece_of_work_and_no_thread() {
        let turns = Turns::new("turn", 1).unwrap();
        let broken = turns.take(|| -> Result<(), Problem> { panic!("on purpose") }).await;
        assert!(broken.is_err());
        assert_eq!(turns.take(|| Ok(7)).await.unwrap(), 7);
    }
}
