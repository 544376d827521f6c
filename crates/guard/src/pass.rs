//! A pass: compare what is with what must be, keep edits, undo losses.
//!
//! Events only say where to look; what a pass finds is the truth.

use crate::{
    Hash,
    follow::GitRest,
    guard::{Guard, Turn},
    judge::{Fault, Remembered, Verdict, Want, judge, plain_mode},
    ledger::What,
    mend::{Job, Outcome},
    tree::{Meta, Seen, above},
};
use base::Result;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// A new file is taken under protection when nobody has written to it for that long.
pub const NEW_FILE_REST: Duration = Duration::from_secs(2);
/// A file written that shortly before it is looked at may be written again with the same time.
const FRESH_NS: i64 = 20_000_000;
/// How often a file that changes under the guard's hands is judged again in one pass.
const ROUNDS: usize = 5;

/// What a pass shall look at.
#[derive(Clone, Debug)]
pub enum Scope {
    All,
    Paths(BTreeSet<String>),
}

/// How a pass shall go about it.
pub struct Demand<'a> {
    pub scope: Scope,
    /// Undo losses; otherwise only look.
    pub mend: bool,
    /// Do not wait for git to rest, unless it holds its lock.
    pub at_once: bool,
    /// Read every copy in every place, too.
    pub deep: bool,
    /// Whether a path's loss has settled, or may still be half of somebody's save.
    pub settled: &'a (dyn Fn(&str, &Fault) -> bool + Sync),
}

impl Demand<'_> {
    /// Everything, at once.
    pub fn all(mend: bool) -> Demand<'static> {
        Demand {
            scope: Scope::All,
            mend,
            at_once: true,
            deep: mend,
            settled: &|_, _| true,
        }
    }
}

/// A loss, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    pub path: String,
    pub fault: Fault,
    pub restored: bool,
    /// Why not.
    pub why: Option<String>,
}

/// What a pass found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Files compared.
    pub files: usize,
    pub faults: Vec<Found>,
    /// Edits that the manifest does not know yet.
    pub drafts: Vec<String>,
    /// Classes with fewer files than they must have.
    pub shortfalls: Vec<String>,
    /// Other things a person should know.
    pub remarks: Vec<String>,
    /// Copies that were healed.
    pub healed: usize,
    /// Look again after that time: something has not settled.
    #[serde(skip)]
    pub later: Option<Duration>,
    pub took_us: u64,
}

impl Report {
    /// Whether everything is there, or is again.
    pub fn is_whole(&self) -> bool {
        !self.was_put_off()
            && self.faults.iter().all(|found| found.restored)
            && self.shortfalls.is_empty()
            && self.remarks.is_empty()
    }

    /// Git was at work, and nothing was compared.
    pub fn was_put_off(&self) -> bool {
        self.later.is_some() && self.files == 0
    }

    pub(crate) fn wait(&mut self, span: Duration) {
        self.later = Some(self.later.map_or(span, |other| other.min(span)));
    }
}

/// Whether a file at this path and what is wanted cannot both be there: one lies below the other.
fn is_in_the_way(wants: &BTreeMap<String, Want>, path: &str) -> bool {
    let below = format!("{path}/");
    above(path).any(|at| wants.contains_key(at))
        || wants
            .range(below.clone()..)
            .next()
            .is_some_and(|(other, _)| other.starts_with(&below))
}

impl Guard {
    pub fn pass(&self, demand: &Demand<'_>) -> Result<Report> {
        let began = Instant::now();
        let mut turn = self.enter()?;
        let mut report = Report::default();
        let moved = match self.git_rest(&mut turn, demand.at_once) {
            GitRest::Busy(span) if demand.mend => {
                report.wait(span);
                return Ok(report);
            }
            GitRest::Moved => true,
            _ => false,
        };
        if demand.mend && (moved || matches!(demand.scope, Scope::All)) {
            self.tend_copies(&mut turn, demand.deep, &mut report)?;
        }
        if moved {
            self.follow_git(&mut turn)?;
        }
        self.read_settings(&mut turn)?;
        self.check_lock(&mut turn, demand, &mut report)?;
        let mut todo = match &demand.scope {
            Scope::Paths(paths) if !moved => Some(paths.clone()),
            _ => None,
        };
        for _ in 0..ROUNDS {
            let again = self.round(&mut turn, todo.as_ref(), demand, moved, &mut report)?;
            if again.is_empty() {
                break;
            }
            todo = Some(again);
        }
        if let Some(lock) = turn.lock.as_ref().filter(|_| !turn.state.dormant) {
            report.shortfalls = lock.shortfalls(&turn.settings.minimums());
        }
        report.drafts.extend(turn.state.drafts.keys().cloned());
        report.drafts.sort();
        for (path, why) in turn
            .troubles
            .iter()
            .filter(|(path, _)| *path == crate::settings::SETTINGS)
        {
            report.remarks.push(format!("{path}: {why}"));
        }
        // Also after each restore: the next guard must know the new files' times.
        if demand.mend && (matches!(demand.scope, Scope::All) || !report.faults.is_empty()) {
            self.keep_remembered(&mut turn)?;
        }
        report.took_us = began.elapsed().as_micros() as u64;
        Ok(report)
    }

    /// Compares once, and answers the paths that must be judged again.
    fn round(
        &self,
        turn: &mut Turn<'_>,
        todo: Option<&BTreeSet<String>>,
        demand: &Demand<'_>,
        moved: bool,
        report: &mut Report,
    ) -> Result<BTreeSet<String>> {
        let wants = self.wants(turn);
        let (mut jobs, mut news) = (vec![], vec![]);
        let (now, mut last) = (self.clock.now(), None);
        let chosen = wants
            .iter()
            .filter(|(path, _)| todo.is_none_or(|todo| todo.contains(*path)));
        for (path, want) in chosen {
            report.files += 1;
            if turn.state.is_being_edited(path, now) {
                continue;
            }
            let seen = match self.tree.look_on(&mut last, path) {
                Ok(seen) => seen,
                Err(error) => {
                    self.trouble(turn, path, &error.to_string(), &mut news, report);
                    continue;
                }
            };
            let before = turn.remembered.get(path);
            match judge(want, &seen, before, turn.settings.options.allow_links) {
                Verdict::Same => {
                    if demand.mend
                        && let Seen::File(_, bytes) = &seen
                    {
                        self.places.remember(want.blake3, bytes);
                    }
                    self.remember(turn, path, &seen, want.blake3);
                }
                Verdict::Edited(hash) => {
                    if demand.mend {
                        news.extend(self.keep_edit(turn, path, want, &seen, hash)?);
                    } else if !turn.state.drafts.contains_key(path) {
                        report.drafts.push(path.clone());
                    }
                    self.remember(turn, path, &seen, hash);
                }
                Verdict::Wrong(fault) => {
                    jobs.push(Job {
                        path: path.clone(),
                        want: want.clone(),
                        fault,
                    });
                }
            }
        }
        if demand.mend {
            news.extend(self.new_files(turn, todo, &wants, report)?);
        }
        self.tell(turn, news)?;
        self.excuse(turn, &mut jobs, moved, demand.mend)?;
        if !demand.mend {
            report.faults.extend(jobs.into_iter().map(|job| Found {
                path: job.path,
                fault: job.fault,
                restored: false,
                why: None,
            }));
            return Ok(BTreeSet::new());
        }
        jobs.retain(|job| {
            let settled = (demand.settled)(&job.path, &job.fault);
            if !settled {
                report.wait(Duration::from_millis(5));
            }
            settled
        });
        let mut again = BTreeSet::new();
        for (job, outcome) in self.mend(turn, jobs)? {
            let why = match outcome {
                Outcome::Again => {
                    again.insert(job.path);
                    continue;
                }
                Outcome::Restored => None,
                Outcome::Failed(error) => Some(error.to_string()),
            };
            report.faults.retain(|found| found.path != job.path);
            report.faults.push(Found {
                path: job.path,
                fault: job.fault,
                restored: why.is_none(),
                why,
            });
        }
        Ok(again)
    }

    /// Losses that git has a reason for.
    fn excuse(&self, turn: &mut Turn<'_>, jobs: &mut Vec<Job>, moved: bool, mend: bool) -> Result<()> {
        let Some(git) = self.git.as_ref().filter(|_| !jobs.is_empty()) else {
            return Ok(());
        };
        let under_way = turn.settled.as_ref().is_some_and(|mark| mark.under_way);
        if under_way {
            // A merge that is not finished may rightly lack what its index lacks.
            let missing = jobs
                .iter()
                .filter(|job| job.fault == Fault::Missing)
                .map(|job| job.path.as_str());
            let indexed: BTreeSet<String> = git.indexed(missing)?.into_iter().map(|(path, _)| path).collect();
            jobs.retain(|job| job.fault != Fault::Missing || indexed.contains(&job.path));
        }
        if mend {
            let mut news = vec![];
            let demanded = |path: &str| {
                turn.lock
                    .as_ref()
                    .is_some_and(|lock| lock.entries.contains_key(path))
            };
            jobs.retain(|job| {
                let put_away = job.fault == Fault::Missing
                    && !demanded(&job.path)
                    && (moved && git.put_away(&job.path) || git.is_stashing(&job.path, job.want.blake3));
                if put_away {
                    news.push(What::Settled {
                        path: job.path.clone(),
                        why: "git put it away".into(),
                    });
                }
                !put_away
            });
            self.tell(turn, news)?;
        }
        Ok(())
    }

    /// An edit is kept in the stores; one that leads back to the manifest ends the draft.
    fn keep_edit(
        &self,
        turn: &Turn<'_>,
        path: &str,
        want: &Want,
        seen: &Seen,
        hash: Hash,
    ) -> Result<Option<What>> {
        let Seen::File(meta, bytes) = seen else {
            return Ok(None);
        };
        let entry = turn.lock.as_ref().and_then(|lock| lock.entries.get(path));
        if entry.is_some_and(|entry| entry.blake3 == hash) {
            let why = "it is as the manifest has it".to_owned();
            return Ok(Some(What::Settled {
                path: path.to_owned(),
                why,
            }));
        }
        self.places.put(bytes)?;
        Ok(Some(What::Draft {
            path: path.to_owned(),
            class: want.class.clone(),
            blake3: hash,
            size_bytes: meta.size_bytes,
            mode: want.mode,
            new: entry.is_none(),
        }))
    }

    /// Files that the globs name and the manifest does not know.
    fn new_files(
        &self,
        turn: &mut Turn<'_>,
        todo: Option<&BTreeSet<String>>,
        wants: &BTreeMap<String, Want>,
        report: &mut Report,
    ) -> Result<Vec<What>> {
        if turn.state.dormant {
            return Ok(vec![]);
        }
        let candidates: Vec<(String, String)> = match todo {
            None => self.protected_files(turn)?,
            Some(paths) => paths
                .iter()
                .filter_map(|path| Some((path.clone(), turn.settings.class_of(path)?.to_owned())))
                .collect(),
        };
        let mut news = vec![];
        for (path, class) in candidates {
            // What lies in a folder that stands in a file's place goes away with it.
            if wants.contains_key(&path) || is_in_the_way(wants, &path) {
                continue;
            }
            let Ok(Seen::File(meta, bytes)) = self.tree.look(&path) else {
                continue;
            };
            let age = self.clock.now().as_micros() - meta.mtime_ns / 1000;
            if age < NEW_FILE_REST.as_micros() as i64 {
                report.wait(NEW_FILE_REST);
                continue;
            }
            if self.git.as_ref().is_some_and(|git| git.ignores(&path)) {
                continue;
            }
            let hash = self.places.put(&bytes)?;
            self.remember_meta(turn, &path, &meta, hash);
            news.push(What::Draft {
                path,
                class,
                blake3: hash,
                size_bytes: meta.size_bytes,
                mode: plain_mode(meta.mode),
                new: true,
            });
        }
        Ok(news)
    }

    fn remember(&self, turn: &mut Turn<'_>, path: &str, seen: &Seen, hash: Hash) {
        if let Seen::File(meta, _) = seen {
            self.remember_meta(turn, path, meta, hash);
        }
    }

    fn remember_meta(&self, turn: &mut Turn<'_>, path: &str, meta: &Meta, hash: Hash) {
        let now_ns = self.clock.now().as_micros().saturating_mul(1000);
        let seen = Remembered {
            blake3: hash,
            mtime_ns: meta.mtime_ns,
            mode: meta.mode,
            links: meta.links,
            fresh: now_ns.saturating_sub(meta.mtime_ns) < FRESH_NS,
        };
        if turn.remembered.get(path) != Some(&seen) {
            turn.remembered.insert(path.to_owned(), seen);
            turn.remembered_changed = true;
        }
    }

    fn trouble(&self, turn: &mut Turn<'_>, path: &str, why: &str, news: &mut Vec<What>, report: &mut Report) {
        report.remarks.push(format!("{path}: {why}"));
        if turn.troubles.insert(path.to_owned(), why.to_owned()).as_deref() != Some(why) {
            news.push(What::Trouble {
                path: path.to_owned(),
                why: why.to_owned(),
            });
        }
    }
}
