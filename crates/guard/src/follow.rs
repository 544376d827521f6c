//! Following git: wait until it rests, then take the manifest that counts now.

use crate::{
    Hash, Lock,
    guard::{Guard, Turn},
    ledger::What,
    settings::LOCK,
    tree::Seen,
};
use base::Result;
use std::time::{Duration, Instant};

/// Git is believed to have finished when index and HEAD have not moved for that long.
const GIT_REST: Duration = Duration::from_millis(250);

pub(crate) enum GitRest {
    /// Nothing happened since the last pass.
    Same,
    /// Something happened and is over.
    Moved,
    Busy(Duration),
}

impl Guard {
    pub(crate) fn git_rest(&self, turn: &mut Turn<'_>, at_once: bool) -> GitRest {
        let Some(git) = &self.git else {
            return GitRest::Same;
        };
        let mark = git.mark();
        if mark.busy {
            turn.moving = None;
            return GitRest::Busy(Duration::from_millis(50));
        }
        if turn.settled.as_ref() == Some(&mark) {
            return GitRest::Same;
        }
        let waited = match &turn.moving {
            Some((other, since)) if *other == mark => since.elapsed(),
            _ => {
                turn.moving = Some((mark.clone(), Instant::now()));
                Duration::ZERO
            }
        };
        if waited < GIT_REST && !at_once {
            return GitRest::Busy(GIT_REST.saturating_sub(waited));
        }
        turn.moving = None;
        turn.settled = Some(mark);
        GitRest::Moved
    }

    /// Before the manifest is changed by hand: git may have changed it since.
    pub(crate) fn catch_up(&self, turn: &mut Turn<'_>) -> Result<()> {
        match self.git_rest(turn, true) {
            GitRest::Moved => self.follow_git(turn),
            _ => Ok(()),
        }
    }

    /// Which manifest counts, now that git has moved.
    pub(crate) fn follow_git(&self, turn: &mut Turn<'_>) -> Result<()> {
        let git = self.git.as_ref().expect("git has moved");
        let here = match self.tree.look(LOCK) {
            Ok(Seen::File(_, bytes)) => Some(bytes),
            _ => None,
        };
        if let Some(bytes) = &here {
            let hash = Hash::of(bytes);
            if Some(hash) == turn.state.lock && !turn.state.dormant {
                return Ok(());
            }
            let Ok(lock) = Lock::parse(bytes) else {
                return Ok(());
            };
            let known = turn.state.known.contains(&hash);
            if lock.trusted_by(&turn.state.signers).is_ok()
                && (known
                    || git.at_head(LOCK).as_ref() == Some(bytes)
                    || git.in_index(LOCK, 0).as_ref() == Some(bytes))
            {
                self.adopt(turn, lock, "git")?;
                return self.fill(turn);
            }
            return Ok(());
        }
        let never = git.at_head(LOCK).is_none() && git.in_index(LOCK, 0).is_none() && !git.ever_had(LOCK);
        // Only a history that once had the manifest can go to a time before it.
        if never && !turn.state.dormant && git.has_anywhere(LOCK) {
            self.tell(turn, vec![What::Dormant])?;
        }
        Ok(())
    }
}
