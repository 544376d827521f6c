//! Feature flags: what is on, for whom.
//!
//! A flag that is enabled is on for those who hold one of its roles, and for a
//! percentage of all others. Who belongs to the percentage is decided by a hash of the
//! flag's name and the member, so that it is the same on every node and after every
//! start, and who was in at 10 percent is in at 20. Nodes remember all flags for five
//! seconds; a flag nobody made is off.

pub(crate) mod http;
mod ops;
mod store;
#[cfg(test)]
mod tests;

use crate::{CurrentUser, MemberId, Roles};
use base::{Result, Timestamp};
use platform::App;
use schemars::JsonSchema;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// For how long a node trusts what it read.
const TRUSTED: Duration = Duration::from_secs(5);

/// A flag, as staff see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "FeatureFlag")]
pub struct Flag {
    pub name: String,
    pub description: String,
    /// False: off for everybody.
    pub enabled: bool,
    /// Of those who hold none of the roles.
    pub percent: i64,
    /// For whom it is on whatever the percentage says.
    pub roles: Vec<crate::Role>,
    pub updated_at: Timestamp,
}

impl Flag {
    pub fn is_on_for(&self, member: MemberId, roles: Roles) -> bool {
        self.enabled
            && (self.roles.iter().any(|role| roles.list().contains(role))
                || i64::from(lot(&self.name, member)) < self.percent)
    }
}

/// 0 to 99, the same for a flag and a member everywhere and always.
fn lot(name: &str, member: MemberId) -> u8 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(name.as_bytes());
    hasher.update(member.0.as_bytes());
    let bytes = hasher.finalize();
    let number = u64::from_le_bytes(bytes.as_bytes()[..8].try_into().expect("eight bytes"));
    (number % 100) as u8
}

#[derive(Default)]
struct Remembered(Mutex<Option<(Timestamp, Arc<BTreeMap<String, Flag>>)>>);

/// All flags, at most five seconds old.
pub async fn all(app: &App) -> Result<Arc<BTreeMap<String, Flag>>> {
    let (remembered, now) = (app.memory_of_all::<Remembered>(), app.clock.now());
    {
        let known = remembered.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read_at, flags)) = &*known
            && now.since(*read_at) < TRUSTED
        {
            return Ok(flags.clone());
        }
    }
    let read = store::list(&app.db).await?;
    let flags: BTreeMap<String, Flag> = read.into_iter().map(|flag| (flag.name.clone(), flag)).collect();
    let flags = Arc::new(flags);
    let mut known = remembered.0.lock().unwrap_or_else(PoisonError::into_inner);
    *known = Some((now, flags.clone()));
    Ok(flags)
}

/// Whether a feature is on for somebody.
pub async fn is_on(app: &App, name: &str, actor: &CurrentUser) -> Result<bool> {
    let flags = all(app).await?;
    Ok(flags
        .get(name)
        .is_some_and(|flag| flag.is_on_for(actor.id, actor.roles)))
}

fn forget(app: &App) {
    *app.memory_of_all::<Remembered>()
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = None;
}
