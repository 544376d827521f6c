//! The guard of this node's files, opened when it is first asked for.

use ::guard::{Guard, Level, Overview};
use base::{
    Error, Kind, Result,
    error::{internal, unavailable},
};
use observe::Measure;
use platform::{App, AppState};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What this node knows of its guard. Nothing rests on it.
#[derive(Default)]
pub(super) struct Desk {
    guard: Mutex<Option<Arc<Guard>>>,
    confined: OnceLock<Level>,
    /// The state at the last look, for `/metrics`: nobody waits for the guard there.
    last: Mutex<Option<Overview>>,
}

/// What the server gave up by Landlock when it started.
pub fn confined(app: &App, level: Level) {
    let _ = app.memory_of_all::<Desk>().confined.set(level);
}

impl Desk {
    /// The guard, where there is one and it is not switched off.
    fn guard(&self, app: &App) -> Result<Option<Arc<Guard>>> {
        let settings = &app.config.guard;
        if settings.mode == "off" {
            return Ok(None);
        }
        let mut guard = lock(&self.guard);
        if guard.is_none() && Guard::is_set_up(&settings.root) {
            let opened = Guard::open(&settings.root, app.clock.clone(), app.entropy.clone());
            *guard = Some(Arc::new(opened.map_err(plain)?));
        }
        Ok(guard.clone())
    }

    pub(super) fn keep(&self, overview: Option<Overview>) {
        *lock(&self.last) = overview;
    }

    pub(super) fn level(&self) -> Option<Level> {
        self.confined.get().cloned()
    }
}

/// Asks the guard, away from the server's threads: it may wait for its turn. Nothing
/// when nothing is guarded here.
pub(super) async fn ask<T: Send + 'static>(
    app: &AppState,
    question: impl FnOnce(&Guard) -> Result<T> + Send + 'static,
) -> Result<Option<T>> {
    let own = app.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let Some(guard) = own.memory_of_all::<Desk>().guard(&own)? else {
            return Ok(None);
        };
        match question(&guard) {
            Ok(answer) => Ok(Some(answer)),
            // guard.toml is there and no manifest yet.
            Err(error) if error.kind() == Kind::NotFound => Ok(None),
            Err(error) => Err(plain(error)),
        }
    });
    answer.await.map_err(internal)?
}

/// To a caller, whatever the guard cannot do is one thing.
fn plain(error: Error) -> Error {
    unavailable(::guard::say(&error))
}

/// The guard's figures for `/metrics`.
pub fn figures(app: &App) -> impl Fn() -> Vec<Measure> + Send + Sync + use<> {
    let desk = app.memory_of_all::<Desk>();
    move || {
        let Some(overview) = lock(&desk.last).clone() else {
            return vec![];
        };
        let mut files = Measure::gauge("guard_files", "Protected files, by class.");
        let mut least = Measure::gauge("guard_files_minimum", "The least count of each class.");
        for class in overview.classes {
            files = files.sample(&[("class", &class.class)], class.files as f64);
            least = least.sample(&[("class", &class.class)], class.minimum as f64);
        }
        let one = |measure: Measure, count: usize| measure.sample(&[], count as f64);
        vec![
            files,
            least,
            one(
                Measure::gauge("guard_watched", "1 while somebody watches."),
                usize::from(overview.watcher.is_some()),
            ),
            one(
                Measure::gauge("guard_drafts", "Edits that the manifest does not know yet."),
                overview.drafts.len(),
            ),
            one(
                Measure::counter("guard_restores_total", "Losses undone."),
                overview.restored,
            ),
            one(
                Measure::counter(
                    "guard_quarantined_total",
                    "Foreign things that were taken out of the way.",
                ),
                overview.quarantined,
            ),
            one(
                Measure::counter(
                    "guard_incidents_total",
                    "Files that were lost five times in a minute.",
                ),
                overview.incidents,
            ),
        ]
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
