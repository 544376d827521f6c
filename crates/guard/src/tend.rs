//! What a pass does before it looks at the files: the copies, the ledgers, the
//! manifest itself; and the pass with which a server starts.

use crate::{
    fault::failed,
    guard::{Guard, Turn},
    judge::{Fault, Verdict, Want, judge},
    ledger::What,
    mend::{Job, Outcome},
    pass::{Demand, Found, Report},
    settings::LOCK,
};
use base::Result;
use std::time::{Duration, Instant};

impl Guard {
    /// The first pass of a server's start, written down.
    pub fn boot(&self, mend: bool) -> Result<Report> {
        let began = Instant::now();
        let mut report = self.pass(&Demand::all(mend))?;
        // Git may hold its lock while we start: a moment is enough.
        while report.was_put_off() && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(20));
            report = self.pass(&Demand::all(mend))?;
        }
        if report.was_put_off() {
            report = self.pass(&Demand::all(false))?;
            report
                .remarks
                .push("git holds its index.lock: nothing was restored".to_owned());
        }
        let mut turn = self.enter()?;
        let start = What::Start {
            mode: if mend { "restore" } else { "verify" }.to_owned(),
            files: report.files,
            faults: report.faults.len(),
            drafts: report.drafts.len(),
            took_us: began.elapsed().as_micros() as u64,
            pid: std::process::id(),
        };
        self.tell(&mut turn, vec![start])?;
        Ok(report)
    }

    /// Both ledgers, both stores, and what a dead guard left.
    pub(crate) fn tend_copies(&self, turn: &mut Turn<'_>, deep: bool, report: &mut Report) -> Result<()> {
        let (_, healed) = turn.ledger.refresh(&self.places, true)?;
        let mut news = vec![];
        if healed > 0 {
            news.push(What::Healed {
                what: "ledger".into(),
                count: healed,
            });
        }
        let kept = self.kept_hashes(turn, turn.state.kept_since);
        if deep {
            self.places.forget_all_but(&kept);
        }
        let doubtful = if deep { kept } else { self.places.absent(&kept) };
        let (objects, lost) = self.places.scrub(&doubtful);
        if objects > 0 {
            news.push(What::Healed {
                what: "copies".into(),
                count: objects,
            });
        }
        report.healed += healed + objects;
        self.tell(turn, news)?;
        if !lost.is_empty() {
            // A file in good order is the best copy there is.
            self.fill(turn)?;
        }
        self.clear_leftovers(turn)
    }

    /// `guard.lock` itself.
    pub(crate) fn check_lock(
        &self,
        turn: &mut Turn<'_>,
        demand: &Demand<'_>,
        report: &mut Report,
    ) -> Result<()> {
        let Some(lock) = turn.lock.clone().filter(|_| !turn.state.dormant) else {
            return Ok(());
        };
        let seen = self.tree.look(LOCK).map_err(|error| failed(LOCK, error))?;
        let want = Want {
            class: crate::settings::OWN_CLASS.to_owned(),
            blake3: lock.hash(),
            size_bytes: lock.text().len() as u64,
            mode: 644,
            new: false,
        };
        let fault = match judge(
            &want,
            &seen,
            turn.remembered.get(LOCK),
            turn.settings.options.allow_links,
        ) {
            Verdict::Same => return Ok(()),
            Verdict::Edited(_) => Fault::Corrupted,
            Verdict::Wrong(fault) => fault,
        };
        let conflict = turn.settled.as_ref().is_some_and(|mark| mark.under_way)
            && self
                .git
                .as_ref()
                .is_some_and(|git| git.in_index(LOCK, 0).is_none());
        if conflict {
            report.remarks.push(format!(
                "{LOCK} is part of a conflict; when all else is solved, run: mundo guard accept"
            ));
            return Ok(());
        }
        if !demand.mend {
            report.faults.push(Found {
                path: LOCK.to_owned(),
                fault,
                restored: false,
                why: None,
            });
            return Ok(());
        }
        if !(demand.settled)(LOCK, &fault) {
            report.wait(Duration::from_millis(5));
            return Ok(());
        }
        self.places.put(lock.text().as_bytes())?;
        let job = Job {
            path: LOCK.to_owned(),
            want,
            fault,
        };
        for (job, outcome) in self.mend(turn, vec![job])? {
            let why = match outcome {
                Outcome::Restored => None,
                Outcome::Again => Some("it changes all the time".to_owned()),
                Outcome::Failed(error) => Some(error.to_string()),
            };
            report.faults.push(Found {
                path: job.path,
                fault: job.fault,
                restored: why.is_none(),
                why,
            });
        }
        Ok(())
    }
}
