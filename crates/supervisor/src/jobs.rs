//! Detached jobs: short work that nobody waits for, such as telling a partner after an answer was sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, error, info_span, warn};

use crate::contain::{Ending, contain};
use crate::status::JobStatus;

pub(crate) struct Jobs {
    pub tasks: TaskTracker,
    pub hard: CancellationToken,
    limit: Duration,
    board: Arc<Mutex<BTreeMap<&'static str, JobStatus>>>,
}

impl Jobs {
    pub fn new(limit: Duration) -> Self {
        Self {
            tasks: TaskTracker::new(),
            hard: CancellationToken::new(),
            limit,
            board: Arc::default(),
        }
    }

    pub fn start(&self, name: &'static str, job: impl Future<Output = ()> + Send + 'static) {
        if self.tasks.is_closed() {
            warn!(job = name, "refused, everything has stopped");
            return;
        }
        on_board(&self.board, name, |status| status.running += 1);
        let (board, hard, limit) = (Arc::clone(&self.board), self.hard.clone(), self.limit);
        self.tasks.spawn(async move {
            let span = info_span!(parent: None, "job", job = name);
            let ending = contain(Some(limit), &hard, job.instrument(span)).await;
            on_board(&board, name, |status| settle(status, ending, limit));
        });
    }

    pub fn status(&self) -> Vec<JobStatus> {
        self.board
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// One name for each job that still runs.
    pub fn running(&self) -> Vec<String> {
        let status = self.status().into_iter();
        status
            .flat_map(|job| (0..job.running).map(move |_| job.name.to_owned()))
            .collect()
    }
}

fn settle(status: &mut JobStatus, ending: Ending<()>, limit: Duration) {
    status.running -= 1;
    match ending {
        Ending::Returned(()) => status.finished += 1,
        Ending::Aborted => {}
        Ending::Panicked(text) => {
            error!(job = status.name, error = text, "job panicked");
            status.panics += 1;
            status.last_error = Some(text);
        }
        Ending::Overran => {
            warn!(job = status.name, "job cut after {limit:?}");
            status.overruns += 1;
            status.last_error = Some(format!("cut after {limit:.1?}"));
        }
    }
}

fn on_board(
    board: &Mutex<BTreeMap<&'static str, JobStatus>>,
    name: &'static str,
    touch: impl FnOnce(&mut JobStatus),
) {
    let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
    let new = JobStatus {
        name,
        running: 0,
        finished: 0,
        panics: 0,
        overruns: 0,
        last_error: None,
    };
    touch(board.entry(name).or_insert(new));
}
