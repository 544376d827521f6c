//! Waking by signal. A [`Wake`] says only "look again"; what there is to see, the worker finds in the world.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// A bell that any number of workers listen to (`Spec::wakes_on`) and anybody rings. Clones are the same bell.
#[derive(Clone, Default)]
pub struct Wake {
    listeners: Arc<Mutex<Vec<Arc<Inbox>>>>,
}

impl Wake {
    pub fn new() -> Self {
        Self::default()
    }

    /// Ask every listener for a run. Cheap, never waits, may be called as often as anybody likes.
    pub fn wake(&self) {
        for inbox in self.listeners().iter() {
            inbox.ask();
        }
    }

    pub(crate) fn listen(&self, inbox: Arc<Inbox>) {
        self.listeners().push(inbox);
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Inbox>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether somebody asked one worker for a run since its last run began.
#[derive(Default)]
pub(crate) struct Inbox {
    asked: AtomicBool,
    bell: Notify,
}

impl Inbox {
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Release);
        self.bell.notify_one();
    }

    /// Returns as soon as somebody has asked; leaves the question open.
    pub async fn asked(&self) {
        // The bell may still ring for a question that an earlier run has answered, hence the loop.
        while !self.asked.load(Ordering::Acquire) {
            self.bell.notified().await;
        }
    }

    /// A run begins, and answers all that was asked until now.
    pub fn answer(&self) {
        self.asked.swap(false, Ordering::AcqRel);
    }
}
