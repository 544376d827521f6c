//! What the guard tells others: its state, the log of restores, the quarantine, news.
//!
//! Everything here only reads.

use crate::{
    Guard, Hash,
    fault::failed,
    ledger::{Record, What},
    places::read,
    settings::LOCK,
    tree::{Kind, split},
    watch::{STATUS, WatcherStatus},
};
use base::{Result, Timestamp};
use rustix::fs::{self as fd, FlockOperation, Mode, OFlags};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, mpsc},
    time::Duration,
};

/// How often subscribers' news are looked for.
const NEWS: Duration = Duration::from_millis(250);

/// The guard in one sight.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    pub root: PathBuf,
    /// The manifest's number, counted up with each change.
    pub sequence: u64,
    pub manifest: Hash,
    pub signed_by: String,
    pub files: usize,
    pub classes: Vec<ClassCount>,
    pub tombstones: usize,
    /// Edits that are kept and not in the manifest yet.
    pub drafts: Vec<String>,
    /// True at a commit from before there was a manifest: nothing is demanded.
    pub dormant: bool,
    /// Nothing when nobody watches.
    pub watcher: Option<WatcherStatus>,
    pub places: Vec<PathBuf>,
    pub restored: usize,
    pub quarantined: usize,
    pub incidents: usize,
    pub ledger_lines: usize,
    pub ledger_tip: Hash,
}

/// A level of prevention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Level {
    pub name: String,
    pub active: bool,
    pub why: String,
}

impl Level {
    pub(crate) fn on(name: &str, why: &str) -> Level {
        Level {
            name: name.to_owned(),
            active: true,
            why: why.to_owned(),
        }
    }

    pub(crate) fn off(name: &str, why: &str) -> Level {
        Level {
            name: name.to_owned(),
            active: false,
            why: why.to_owned(),
        }
    }
}

/// How many files a class has and must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    pub class: String,
    pub files: u64,
    pub minimum: u64,
}

/// Something foreign that was taken out of the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quarantined {
    /// Its line in the ledger.
    pub n: u64,
    pub at: Timestamp,
    pub path: String,
    pub was: Kind,
    /// The name of its bytes; nothing for what has none, such as a FIFO.
    pub blake3: Option<Hash>,
    pub size_bytes: u64,
    /// False when its time was over and it was let go of.
    pub kept: bool,
}

impl Quarantined {
    /// Nothing when the line is about something else.
    fn of(record: Record, kept_since: Timestamp) -> Option<Quarantined> {
        let What::Quarantined {
            path,
            was,
            blake3,
            size_bytes,
            ..
        } = record.what
        else {
            return None;
        };
        Some(Quarantined {
            n: record.n,
            at: record.at,
            path,
            was,
            blake3,
            size_bytes,
            kept: record.at >= kept_since,
        })
    }
}

impl Guard {
    pub fn overview(&self) -> Result<Overview> {
        let watcher = self.watcher()?;
        let turn = self.enter()?;
        let lock = turn.lock.as_ref().expect("whoever has a turn has a manifest");
        let (counts, minimums) = (lock.counts(), turn.settings.minimums());
        let names: BTreeSet<&String> = counts
            .keys()
            .chain(minimums.keys())
            .chain(lock.header.minimum.keys())
            .collect();
        let classes = names.into_iter().map(|class| ClassCount {
            class: class.clone(),
            files: counts.get(class).copied().unwrap_or(0),
            minimum: minimums
                .get(class)
                .copied()
                .unwrap_or(0)
                .max(lock.header.minimum.get(class).copied().unwrap_or(0)),
        });
        let count = |test: fn(&What) -> bool| {
            turn.ledger
                .records()
                .iter()
                .filter(|record| test(&record.what))
                .count()
        };
        Ok(Overview {
            root: self.root().to_owned(),
            sequence: lock.header.sequence,
            manifest: lock.hash(),
            signed_by: lock.by.to_string(),
            files: lock.entries.len(),
            classes: classes.collect(),
            tombstones: lock.tombstones.len(),
            drafts: turn.state.drafts.keys().cloned().collect(),
            dormant: turn.state.dormant,
            watcher,
            places: self.places.folders().to_vec(),
            restored: count(|what| matches!(what, What::Restored { .. })),
            quarantined: count(|what| matches!(what, What::Quarantined { .. })),
            incidents: count(|what| matches!(what, What::Incident { .. })),
            ledger_lines: turn.ledger.records().len(),
            ledger_tip: turn.ledger.tip(),
        })
    }

    /// The watcher, when one lives.
    pub fn watcher(&self) -> Result<Option<WatcherStatus>> {
        let root = fd::openat(
            self.tree.root(),
            ".",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(|error| failed(self.root().display(), error))?;
        if fd::flock(&root, FlockOperation::NonBlockingLockShared).is_ok() {
            return Ok(None);
        }
        let word = self
            .places
            .folders()
            .iter()
            .find_map(|place| serde_json::from_slice(&read(&place.join(STATUS)).ok()?).ok());
        Ok(Some(word.unwrap_or(WatcherStatus {
            pid: 0,
            without_hints: None,
            attribution: "it has just started".to_owned(),
        })))
    }

    /// The whole ledger.
    pub fn records(&self) -> Result<Vec<Record>> {
        Ok(self.enter()?.ledger.records().to_vec())
    }

    /// The lines after line `n`.
    pub fn records_after(&self, n: u64) -> Result<Vec<Record>> {
        let turn = self.enter()?;
        Ok(turn.ledger.records().iter().skip(n as usize).cloned().collect())
    }

    /// Lines below line `before`, the newest first, as far as they are wanted.
    pub fn history(&self, before: u64, limit: usize, wanted: impl Fn(&What) -> bool) -> Result<Vec<Record>> {
        let turn = self.enter()?;
        let records = turn.ledger.records().iter().rev();
        Ok(records
            .filter(|record| record.n < before && wanted(&record.what))
            .take(limit)
            .cloned()
            .collect())
    }

    /// What went to the quarantine, the newest first.
    pub fn quarantine(&self) -> Result<Vec<Quarantined>> {
        self.quarantine_before(u64::MAX, usize::MAX)
    }

    /// What went there before line `before` of the ledger.
    pub fn quarantine_before(&self, before: u64, limit: usize) -> Result<Vec<Quarantined>> {
        let turn = self.enter()?;
        let records = turn.ledger.records().iter().rev();
        let earlier = records.filter(|record| record.n < before);
        let found = earlier.filter_map(|record| Quarantined::of(record.clone(), turn.state.kept_since));
        Ok(found.take(limit).collect())
    }

    /// Every new line of the ledger, as it is written, by whichever process; until the
    /// receiver is dropped.
    pub fn subscribe(self: &Arc<Guard>) -> Result<mpsc::Receiver<Record>> {
        let (guard, (sender, receiver)) = (Arc::downgrade(self), mpsc::channel());
        let mut known = self.enter()?.ledger.records().len() as u64;
        std::thread::Builder::new()
            .name("guard-news".to_owned())
            .spawn(move || {
                while let Some(guard) = guard.upgrade() {
                    for record in guard.records_after(known).unwrap_or_default() {
                        known = record.n;
                        if sender.send(record).is_err() {
                            return;
                        }
                    }
                    drop(guard);
                    std::thread::sleep(NEWS);
                }
            })
            .map_err(|error| failed("cannot start a thread", error))?;
        Ok(receiver)
    }

    /// Every path that is looked after, the manifest's own among them.
    pub(crate) fn paths(&self) -> Result<BTreeSet<String>> {
        let turn = self.enter()?;
        let mut paths: BTreeSet<String> = self.wants(&turn).into_keys().collect();
        paths.insert(LOCK.to_owned());
        Ok(paths)
    }

    /// The folders in which protected files are or may appear, and those above them.
    pub(crate) fn folders(&self, known: &BTreeSet<String>) -> Result<BTreeSet<String>> {
        let mut all = self.below(&self.enter()?)?.folders;
        all.insert(String::new());
        for path in known {
            let mut at = split(path).0;
            while !at.is_empty() && all.insert(at.to_owned()) {
                at = split(at).0;
            }
        }
        Ok(all)
    }

    /// Whether git did something since the last pass.
    pub(crate) fn git_has_moved(&self) -> bool {
        let Some(git) = &self.git else { return false };
        let mark = git.mark();
        self.peek(|turn| turn.settled.as_ref() != Some(&mark))
    }
}
