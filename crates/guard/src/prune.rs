//! What is let go of: old quarantine, old drafts, copies that nothing needs.
//!
//! What the manifest and today's drafts name always stays; files that were let go
//! of, drafts and the quarantine stay for some days. The ledger is told first and
//! the bytes go afterwards: whoever dies in between leaves too much, never too
//! little, and the next prune takes what is left.

use crate::{
    Gone, Guard, Hash,
    fault::{failed, refused},
    guard::{Step, Turn},
    ledger::What,
    pass::Report,
    settings::HOME,
    tree::{Walk, join, remove_all, stat},
};
use base::{Result, Timestamp};
use serde::Serialize;
use std::{collections::BTreeSet, ffi::CString, io, time::Duration};

const DAY: Duration = Duration::from_hours(24);
/// How long things are kept when nobody says.
const KEEP_DAYS: u32 = 30;

/// What was let go of, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Copies, counted once for both places.
    pub objects: usize,
    /// Things in the quarantine's folder, and damaged copies.
    pub things: usize,
    /// Of both places together.
    pub size_bytes: u64,
}

impl Guard {
    /// Lets go of what is older than so many days (`keep_days` of `guard.toml`, or 30) and
    /// needed by nothing else; `dry` only counts.
    pub fn prune(&self, days: Option<u32>, dry: bool) -> Result<Pruned> {
        let mut turn = self.enter()?;
        let days = days.or(turn.settings.options.keep_days).unwrap_or(KEEP_DAYS);
        if days == 0 {
            return Err(refused("the quarantine is kept for a day at least"));
        }
        // Both ledgers and both stores are whole before anything goes.
        self.tend_copies(&mut turn, false, &mut Report::default())?;
        let before = self.clock.now().minus(DAY * days).max(turn.state.kept_since);
        let kept = self.still_needed(&turn, before);
        let (objects, object_bytes) = self.places.beyond(&kept);
        let (things, thing_bytes) = self.old_things(before)?;
        let damaged = self.places.damaged_before(before);
        let found = Pruned {
            objects: objects.len(),
            things: things.len() + damaged.len(),
            size_bytes: object_bytes + thing_bytes + damaged.iter().map(|(_, size)| size).sum::<u64>(),
        };
        if dry || found == Pruned::default() {
            return Ok(found);
        }
        let told = What::Pruned {
            before,
            objects: found.objects,
            things: found.things,
            size_bytes: found.size_bytes,
        };
        self.tell(&mut turn, vec![told])?;
        let step = |name: &str| {
            let step = self.step(Step::LetGo, name);
            step.map_err(|error| failed(name, error))
        };
        step("ledger")?;
        for hash in objects {
            self.places
                .let_go(hash)
                .map_err(|error| failed(hash.short(), error))?;
            step(&hash.to_string())?;
        }
        self.places.forget_all_but(&kept);
        let quarantine = join(HOME, "quarantine");
        if let Walk::Open(folder) = self
            .tree
            .folder(&quarantine)
            .map_err(|error| failed(&quarantine, error))?
        {
            for name in things {
                let shown = name.to_string_lossy();
                remove_all(&folder, &name).map_err(|error| failed(&shown, error))?;
                step(&shown)?;
            }
        }
        for (path, _) in damaged {
            std::fs::remove_file(&path).map_err(|error| failed(path.display(), error))?;
        }
        Ok(found)
    }

    /// The watcher's part: once a day, where `guard.toml` says how long things are kept.
    pub(crate) fn prune_daily(&self) -> Result<()> {
        let due = {
            let turn = self.enter()?;
            let last = turn.state.pruned_at;
            let rested = last.is_none_or(|last| self.clock.now().since(last) >= DAY);
            turn.settings.options.keep_days.filter(|_| rested)
        };
        match due {
            Some(days) => self.prune(Some(days), false).map(drop),
            None => Ok(()),
        }
    }

    /// Every hash that something may still ask for.
    fn still_needed(&self, turn: &Turn<'_>, before: Timestamp) -> BTreeSet<Hash> {
        let mut kept = self.kept_hashes(turn, before);
        let lock = turn.lock.as_ref().expect("whoever has a turn has a manifest");
        // Also while nothing is demanded: git comes back.
        kept.extend(lock.entries.values().map(|entry| entry.blake3));
        for stone in lock.tombstones.iter().filter(|stone| stone.at >= before) {
            if let Gone::File { blake3, .. } = &stone.gone {
                kept.insert(*blake3);
            }
        }
        for record in turn.ledger.records().iter().filter(|record| record.at >= before) {
            match &record.what {
                What::Draft { blake3, .. } | What::Restored { blake3, .. } => {
                    kept.insert(*blake3);
                }
                What::Adopted { lock, .. } => {
                    kept.insert(*lock);
                }
                _ => {}
            }
        }
        kept
    }

    /// What lies in the quarantine's folder, by the time in its name.
    fn old_things(&self, before: Timestamp) -> Result<(Vec<CString>, u64)> {
        let path = join(HOME, "quarantine");
        let look = || -> io::Result<(Vec<CString>, u64)> {
            let (mut found, mut size) = (vec![], 0);
            let Walk::Open(folder) = self.tree.folder(&path)? else {
                return Ok((found, size));
            };
            for entry in rustix::fs::Dir::read_from(&folder)? {
                let entry = entry?;
                let name = entry.file_name().to_owned();
                let text = name.to_string_lossy();
                let micros = text.split('-').next().and_then(|text| text.parse::<i64>().ok());
                if micros.is_some_and(|micros| micros < before.as_micros()) {
                    size += stat(&folder, &text)?.map_or(0, |meta| meta.size_bytes);
                    found.push(name);
                }
            }
            Ok((found, size))
        };
        look().map_err(|error| failed(&path, error))
    }
}
