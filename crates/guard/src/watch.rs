//! The watcher: hints wake it, a pass decides.
//!
//! A loss is judged when its path has been quiet for a moment, so that an editor
//! that renames, empties and writes again is not disturbed. An empty file waits
//! until its writer has let go of it.

use crate::{
    Guard,
    events::{self, Events, Hints},
    fault::{busy, failed},
    holders::is_held,
    judge::Fault,
    pass::{Demand, Report, Scope},
    settings::is_below,
};
use base::Result;
use rustix::fs::{self as fd, FlockOperation, Mode, OFlags};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Quiet time after which a path is judged.
const SETTLE: Duration = Duration::from_millis(12);
/// A path that never becomes quiet is judged all the same.
const AT_LAST: Duration = Duration::from_millis(400);
/// An empty file, when nobody is seen to let go of it.
const EMPTY: Duration = Duration::from_millis(300);
/// An empty file that a program still holds for writing.
const HELD: Duration = Duration::from_secs(10);
/// Everything is compared that often.
const SCAN: Duration = Duration::from_secs(30);
/// Without hints.
const SCAN_WITHOUT_HINTS: Duration = Duration::from_secs(1);
/// Every copy is read that often.
const SCRUB: Duration = Duration::from_mins(10);
const TICK: Duration = Duration::from_secs(1);
/// How long the question whether somebody watches may take others.
const PROBE: Duration = Duration::from_millis(200);

/// The watcher's word about itself, in each place.
pub(crate) const STATUS: &str = "watch.json";

/// What the watcher tells about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatcherStatus {
    pub pid: u32,
    /// Why there are no hints; nothing when there are.
    pub without_hints: Option<String>,
    /// How deletions are attributed, or why not.
    pub attribution: String,
}

/// What is known of a path that moved.
#[derive(Clone, Copy, Debug)]
struct Touch {
    first: Instant,
    last: Instant,
    closed: bool,
}

/// The only watcher of a folder, for as long as it lives.
#[derive(Debug)]
pub struct Watcher<'a> {
    guard: &'a Guard,
    status: WatcherStatus,
    events: Option<Events>,
    _single: OwnedFd,
}

impl<'a> Watcher<'a> {
    /// Takes the watch; refused while another holds it.
    pub fn new(guard: &'a Guard, attribution: String) -> Result<Watcher<'a>> {
        let single = fd::openat(
            guard.tree.root(),
            ".",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(|error| failed(guard.root().display(), error))?;
        let began = Instant::now();
        while fd::flock(&single, FlockOperation::NonBlockingLockExclusive).is_err() {
            // Whoever only asks whether somebody watches holds it for a moment, too.
            if began.elapsed() > PROBE {
                return Err(busy(format!(
                    "{} is being watched already",
                    guard.root().display()
                )));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let scan_only = guard.peek(|turn| turn.settings.options.scan_only);
        let events = if scan_only {
            Err(io::Error::other("guard.toml asks for it"))
        } else {
            Events::new()
        };
        let status = WatcherStatus {
            pid: std::process::id(),
            without_hints: events.as_ref().err().map(ToString::to_string),
            attribution,
        };
        Ok(Watcher {
            guard,
            status,
            events: events.ok(),
            _single: single,
        })
    }

    /// Watches until the other end of `until` is closed. `beat` is called at least
    /// once a second, `heard` after each pass that had something to say.
    pub fn run(
        mut self,
        until: Option<&OwnedFd>,
        mut beat: impl FnMut(),
        mut heard: impl FnMut(&Result<Report>),
    ) -> Result<()> {
        let touched: Mutex<BTreeMap<String, Touch>> = Mutex::default();
        let (mut next_scan, mut next_scrub) = (Instant::now(), Instant::now());
        let mut retry: Option<Instant> = None;
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut told: Option<WatcherStatus> = None;
        // The watches stand before the first look, so that nothing falls between the two.
        self.follow(&mut known);
        loop {
            beat();
            let now = Instant::now();
            let due = due(&touched, now);
            let git_moved = self.guard.git_has_moved();
            let scan = now >= next_scan || git_moved && retry.is_none_or(|at| now >= at);
            let held = retry.is_some_and(|at| now < at);
            if (scan || !due.is_empty()) && !held {
                retry = None;
                let deep = scan && now >= next_scrub;
                let scope = if scan {
                    Scope::All
                } else {
                    Scope::Paths(expand(&due, &known))
                };
                let waiting: Mutex<BTreeSet<String>> = Mutex::default();
                let settled = |path: &str, fault: &Fault| {
                    let settled = has_settled(&touched, self.guard.root(), path, fault);
                    if !settled {
                        waiting
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .insert(path.to_owned());
                    }
                    settled
                };
                let demand = Demand {
                    scope,
                    mend: true,
                    at_once: false,
                    deep,
                    settled: &settled,
                };
                let report = self.guard.pass(&demand);
                let later = report
                    .as_ref()
                    .map_or(Some(Duration::from_millis(500)), |report| report.later);
                let nothing_done =
                    later.is_some() && report.as_ref().map_or(true, |report| report.files == 0);
                if !nothing_done {
                    let waiting = waiting.into_inner().unwrap_or_else(PoisonError::into_inner);
                    forget(&touched, due.difference(&waiting), now);
                    if scan {
                        next_scan = now
                            + if self.events.is_some() {
                                SCAN
                            } else {
                                SCAN_WITHOUT_HINTS
                            };
                        if deep {
                            next_scrub = now + SCRUB;
                            // What could not go today goes tomorrow; the trouble shows in `mundo guard prune`.
                            let _ = self.guard.prune_daily();
                        }
                    }
                }
                match later {
                    Some(span) if span >= TICK => next_scan = next_scan.min(now + span),
                    Some(span) if nothing_done || span < TICK => retry = Some(now + span),
                    _ => {}
                }
                heard(&report);
                if !nothing_done {
                    if told.as_ref() != Some(&self.status) {
                        let json = serde_json::to_vec(&self.status).expect("plain values become JSON");
                        if self.guard.keep(STATUS, &json).is_ok() {
                            told = Some(self.status.clone());
                        }
                    }
                    // A new file has neither mode nor flag yet; a failure shows in the levels.
                    if scan || report.is_ok_and(|report| !report.faults.is_empty()) {
                        let _ = self.guard.harden();
                    }
                    if self.follow(&mut known) {
                        // Something may have come or gone before the watch stood.
                        next_scan = next_scan.min(now + SETTLE);
                    }
                }
                continue;
            }
            let wake = wake_at(&touched, next_scan, retry, now);
            let hints = events::wait(self.events.as_mut(), until.map(AsFd::as_fd), wake.min(TICK))
                .map_err(|error| failed("cannot wait for hints", error))?;
            if hints.ended {
                return Ok(());
            }
            take_in(&touched, &hints, &mut next_scan);
            // A folder that came may hold files that nobody has heard of.
            let is_folder = |path: &str| {
                std::fs::symlink_metadata(self.guard.root().join(path)).is_ok_and(|meta| meta.is_dir())
            };
            if hints.all.iter().any(|hint| hint.folder && is_folder(&hint.path)) {
                next_scan = next_scan.min(Instant::now() + SETTLE);
            }
        }
    }

    /// Watches the folders as they are now; answers whether one is new.
    fn follow(&mut self, known: &mut BTreeSet<String>) -> bool {
        let found = self.guard.paths().and_then(|paths| {
            let folders = self.guard.folders(&paths)?;
            Ok((paths, folders))
        });
        // An error here was an error of the pass, which told it.
        let Ok((paths, folders)) = found else { return false };
        *known = paths;
        let Some(events) = &mut self.events else {
            return false;
        };
        match events.follow(self.guard.root(), &folders, known) {
            Ok(new) => new,
            Err(error) => {
                self.status.without_hints = Some(error.to_string());
                self.events = None;
                false
            }
        }
    }
}

fn take_in(touched: &Mutex<BTreeMap<String, Touch>>, hints: &Hints, next_scan: &mut Instant) {
    if hints.overflow {
        *next_scan = Instant::now();
    }
    touch(
        touched,
        hints.all.iter().map(|hint| (hint.path.as_str(), hint.closed)),
    );
}

fn touch<'a>(touched: &Mutex<BTreeMap<String, Touch>>, hints: impl Iterator<Item = (&'a str, bool)>) {
    let (mut all, now) = (lock(touched), Instant::now());
    for (path, closed) in hints {
        let touch = all.entry(path.to_owned()).or_insert(Touch {
            first: now,
            last: now,
            closed,
        });
        touch.last = now;
        touch.closed = closed;
    }
}

/// The paths that have been quiet for long enough.
fn due(touched: &Mutex<BTreeMap<String, Touch>>, now: Instant) -> BTreeSet<String> {
    let quiet = |touch: &Touch| {
        now.duration_since(touch.last) >= SETTLE || now.duration_since(touch.first) >= AT_LAST
    };
    lock(touched)
        .iter()
        .filter(|(_, touch)| quiet(touch))
        .map(|(path, _)| path.clone())
        .collect()
}

fn wake_at(
    touched: &Mutex<BTreeMap<String, Touch>>,
    next_scan: Instant,
    retry: Option<Instant>,
    now: Instant,
) -> Duration {
    if let Some(retry) = retry {
        return retry.saturating_duration_since(now);
    }
    let quiet = lock(touched).values().map(|touch| touch.last + SETTLE).min();
    quiet
        .unwrap_or(next_scan)
        .min(next_scan)
        .saturating_duration_since(now)
}

/// Forgets what was judged; what moved since stays, and so does what has not settled.
fn forget<'a>(
    touched: &Mutex<BTreeMap<String, Touch>>,
    judged: impl Iterator<Item = &'a String>,
    began: Instant,
) {
    let mut all = lock(touched);
    for path in judged {
        if all.get(path).is_some_and(|touch| touch.last < began) {
            all.remove(path);
        }
    }
}

/// Whether a loss is one, or half of somebody's save.
fn has_settled(touched: &Mutex<BTreeMap<String, Touch>>, root: &Path, path: &str, fault: &Fault) -> bool {
    let (mut all, now) = (lock(touched), Instant::now());
    let touch = all.entry(path.to_owned()).or_insert(Touch {
        first: now,
        last: now,
        closed: false,
    });
    let (quiet, age) = (now.duration_since(touch.last), now.duration_since(touch.first));
    match fault {
        Fault::Emptied if touch.closed => quiet >= SETTLE,
        Fault::Emptied if quiet < EMPTY => false,
        Fault::Emptied if age < HELD && is_held(&root.join(path)) => {
            // Asked again after another such wait: looking through all programs takes time.
            touch.last = now;
            false
        }
        Fault::Emptied => true,
        _ => quiet >= SETTLE || age >= AT_LAST,
    }
}

/// A hint about a folder is a hint about everything in it.
fn expand(due: &BTreeSet<String>, known: &BTreeSet<String>) -> BTreeSet<String> {
    let mut all = due.clone();
    for folder in due.iter().filter(|path| !known.contains(*path)) {
        all.extend(known.iter().filter(|path| is_below(path, folder)).cloned());
    }
    all
}

fn lock(touched: &Mutex<BTreeMap<String, Touch>>) -> std::sync::MutexGuard<'_, BTreeMap<String, Touch>> {
    touched.lock().unwrap_or_else(PoisonError::into_inner)
}
