//! Blocks for real time: whom a member has nothing to do with, remembered for
//! half a second.
//!
//! A block made on this node is seen by the next push; one made on another node
//! within [`FRESH`]. A broadcast asks once, about its sender.

use super::store;
use accounts::MemberId;
use base::{Result, Timestamp};
use platform::App;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

const FRESH: Duration = Duration::from_millis(500);
/// Members remembered; beyond it all are asked about anew.
const MEMBERS: usize = 50_000;

/// Whom a member has nothing to do with.
pub type Others = Arc<HashSet<MemberId>>;

#[derive(Debug, Default)]
struct Apart(Mutex<HashMap<MemberId, (Timestamp, Others)>>);

/// Whom the member blocked, and who blocked the member.
pub async fn apart_from(app: &App, member: MemberId) -> Result<Others> {
    match app.memory::<Apart>().fresh(member, app.clock.now()) {
        Some(others) => Ok(others),
        None => read(app, member).await,
    }
}

/// The same, as it stands now: for who was told that something has changed.
pub(super) async fn read(app: &App, member: MemberId) -> Result<Others> {
    let now = app.clock.now();
    let others: Others = Arc::new(store::others(&app.db, member).await?.into_iter().collect());
    app.memory::<Apart>().remember(member, now, others.clone());
    Ok(others)
}

/// Forgets what was known of two members between whom something changed.
pub(super) fn forget(app: &App, members: [MemberId; 2]) {
    let apart = app.memory::<Apart>();
    let mut known = apart.0.lock().unwrap_or_else(PoisonError::into_inner);
    for member in members {
        known.remove(&member);
    }
}

impl Apart {
    fn fresh(&self, member: MemberId, now: Timestamp) -> Option<Others> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, others) = known.get(&member)?;
        (now.since(*since) < FRESH).then(|| others.clone())
    }

    fn remember(&self, member: MemberId, now: Timestamp, others: Others) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MEMBERS {
            known.clear();
        }
        known.insert(member, (now, others));
    }
}
