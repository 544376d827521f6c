//! The promises of the README, told one by one. Time is paused: it jumps to the next sleeper when all wait.

mod awaking;
mod detaching;
mod failing;
mod stopping;
mod watching;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{Report, Settings, Supervisor, WorkerStatus};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// First runs come at once and wall time begins at zero, unless a test says otherwise.
fn settings() -> Settings {
    let start = Instant::now();
    let clock = move || start.elapsed().as_micros() as i64;
    Settings {
        spread: Duration::ZERO,
        seed: 7,
        ..Settings::with_clock(clock)
    }
}

fn supervisor() -> Supervisor {
    Supervisor::new(settings())
}

fn grouped(groups: &[&'static str]) -> Supervisor {
    Supervisor::new(Settings {
        groups: groups.to_vec(),
        ..settings()
    })
}

fn status(supervisor: &Supervisor, name: &str) -> WorkerStatus {
    supervisor.status_of(name).expect("there is such a worker")
}

/// Counts what happens in a worker, seen from the test.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn up(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn down(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn at_least(&self, value: usize) {
        self.0.fetch_max(value, Ordering::SeqCst);
    }
}

/// What happened, in order.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Notes its line when it is dropped.
struct Testament(Diary, &'static str);

impl Drop for Testament {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}
