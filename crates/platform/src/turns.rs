//! A few at a time, and not too many waiting, on threads that yield to all others.
//!
//! A hash fills a core for tens of milliseconds. Its threads have a low priority,
//! so that the system gives the core to whoever serves readers and lets hashing
//! have what is left, which is never nothing.

use base::{Error, Kind, Result, error::internal};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
};
use tokio::sync::{Semaphore, oneshot};

/// How much lower than the server's other threads. At 10, Linux gives a thread about a
/// tenth of a core that another one wants as well.
const NICE: i32 = 10;

type Work = Box<dyn FnOnce() + Send>;

pub struct Turns {
    what: &'static str,
    free: Arc<Semaphore>,
    work: Sender<Work>,
    waiting: AtomicUsize,
    most_waiting: usize,
}

impl Turns {
    /// `what` names the threads and stands in complaints about them.
    pub fn new(what: &'static str, at_once: usize, most_waiting: usize) -> Turns {
        let at_once = at_once.max(1);
        let (work, given) = mpsc::channel();
        let given = Arc::new(Mutex::new(given));
        for _ in 0..at_once {
            let given = given.clone();
            let thread = thread::Builder::new().name(what.to_owned());
            let begun = thread.spawn(move || do_all(what, &given));
            begun.expect("the system has a thread to give");
        }
        Turns {
            what,
            free: Arc::new(Semaphore::new(at_once)),
            work,
            waiting: AtomicUsize::new(0),
            most_waiting,
        }
    }

    /// Does the work when its turn has come; refuses with `busy` when too many wait.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = Place::take(self)?;
        let turn = self.free.clone().acquire_owned().await.map_err(internal)?;
        drop(place);
        let (answer, answered) = oneshot::channel();
        let work = Box::new(move || {
            // Held by the work itself: a caller who leaves does not free the core.
            let outcome = work();
            drop(turn);
            // Nobody may be waiting for it any more.
            let _ = answer.send(outcome);
        });
        self.work
            .send(work)
            .map_err(|_| internal(format!("the threads of {} have ended", self.what)))?;
        answered
            .await
            .map_err(|_| internal(format!("{} panicked", self.what)))?
    }
}

/// Until nobody can give any more.
fn do_all(what: &str, given: &Mutex<Receiver<Work>>) {
    // On Linux this concerns the calling thread alone; elsewhere it would slow the whole server.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::warn!(%error, what, "these threads have the priority of everything else");
    }
    loop {
        let next = given.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = next else { return };
        // Told by the answer that never comes.
        let _ = catch_unwind(AssertUnwindSafe(work));
    }
}

/// A place in the queue, given back when the turn comes or the caller leaves.
struct Place<'a>(&'a Turns);

impl Place<'_> {
    fn take(turns: &Turns) -> Result<Place<'_>> {
        let before = turns.waiting.fetch_add(1, Ordering::SeqCst);
        let place = Place(turns);
        let free = turns.free.available_permits();
        if before >= turns.most_waiting + free {
            return Err(Error::new(Kind::RateLimited, "busy").retry_after(2));
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_finds_the_queue_full_is_told_at_once() {
        let turns = Arc::new(Turns::new("tests", 1, 2));
        let (go, gate) = mpsc::channel::<()>();
        let (began, begun) = oneshot::channel();
        let mut running = Box::pin(turns.run(move || {
            let _ = began.send(());
            let _ = gate.recv();
            Ok(1)
        }));
        tokio::select! {
            _ = &mut running => panic!("it waits for the gate"),
            begun = begun => begun.unwrap(),
        }
        let mut second = Box::pin(turns.run(|| Ok(2)));
        let mut third = Box::pin(turns.run(|| Ok(3)));
        assert!(futures_util::poll!(&mut second).is_pending());
        assert!(futures_util::poll!(&mut third).is_pending());
        let refused = turns.run(|| Ok(4)).await.unwrap_err();
        assert_eq!((refused.code(), refused.retry_after_s()), ("busy", Some(2)));
        drop(third);
        // Who left has made room; who left in the middle of the work has not freed the core.
        let mut fourth = Box::pin(turns.run(|| Ok(4)));
        assert!(futures_util::poll!(&mut fourth).is_pending());
        drop(running);
        assert!(futures_util::poll!(&mut second).is_pending());
        assert_eq!(turns.free.available_permits(), 0);
        go.send(()).unwrap();
        assert_eq!((second.await.unwrap(), fourth.await.unwrap()), (2, 4));
    }

    #[tokio::test]
    async fn a_panic_costs_its_caller_alone() {
        let turns = Turns::new("tests", 1, 2);
        let failed = turns.run(|| -> Result<()> { panic!("of a hash") }).await;
        assert_eq!(failed.unwrap_err().kind(), Kind::Internal);
        assert_eq!(turns.run(|| Ok(2)).await.unwrap(), 2);
        assert_eq!(turns.free.available_permits(), 1);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn hashing_yields_to_everything_else() {
        let nice = || Ok(rustix::process::getpriority_process(None).unwrap());
        let turns = Turns::new("tests", 2, 2);
        assert_eq!(turns.run(nice).await.unwrap(), NICE);
        assert!(nice().unwrap() < NICE);
    }
}
