//! A few at a time, and not too many waiting.

use base::{Error, Kind, Result, error::internal};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Semaphore;

pub struct Turns {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
}

impl Turns {
    pub fn new(at_once: usize, most_waiting: usize) -> Turns {
        Turns {
            free: Arc::new(Semaphore::new(at_once.max(1))),
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
        tokio::task::spawn_blocking(move || {
            // Held by the work itself: a caller who leaves does not free the core.
            let _turn = turn;
            work()
        })
        .await
        .map_err(internal)?
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
    use std::sync::mpsc;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn who_finds_the_queue_full_is_told_at_once() {
        let turns = Arc::new(Turns::new(1, 2));
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
}
