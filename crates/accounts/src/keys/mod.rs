//! The keys that sign access tokens, and how they follow one another.
//!
//! At any time one key signs and the next is already published at
//! `/.well-known/jwks.json`; the one before stays there while its tokens live.
//! The key's record owns the algorithm; there is one.
//!
//! Never true: a token signed with a key that was not announced, but for the
//! first one and after [`rotate`] was told that a key is compromised.

mod http;
pub mod schedule;
mod store;

pub use http::well_known;
pub use store::{Listed, list, purpose};

use crate::{Accounts, access::Verified, master_keys::MasterKeys};
use base::{Entropy, Result, Timestamp, error::conflict, error::internal};
use db::Db;
use ed25519_dalek::SigningKey;
use platform::{App, leases};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use uuid::Uuid;

/// Who changes the keys, one node at a time.
const LEASE: &str = "accounts.keys";
const LEASE_TTL: Duration = Duration::from_secs(30);
/// How often a token of an unknown key makes a node read the keys.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub struct Key {
    pub id: String,
    pub signing: SigningKey,
    pub signs_from: Timestamp,
}

/// What it takes to read and to change the keys in the database.
pub struct Vault<'a> {
    pub db: &'a Db,
    pub entropy: &'a Entropy,
    pub master: &'a MasterKeys,
    pub now: Timestamp,
    /// Names this node for the lease.
    pub holder: Uuid,
}

impl<'a> Vault<'a> {
    pub fn of(app: &'a App, master: &'a MasterKeys, holder: Uuid) -> Vault<'a> {
        Vault {
            db: &app.db,
            entropy: &app.entropy,
            master,
            now: app.clock.now(),
            holder,
        }
    }

    /// Does the work while no other node does such work; `None` when one does.
    async fn alone<T>(&self, work: impl AsyncFnOnce(leases::Lease) -> Result<T>) -> Result<Option<T>> {
        let Some(lease) = leases::acquire(self.db, LEASE, self.holder, self.now, LEASE_TTL).await? else {
            return Ok(None);
        };
        let outcome = work(lease.clone()).await;
        leases::release(self.db, lease, self.now).await?;
        outcome.map(Some)
    }
}

/// The keys, in the order in which they sign; makes those that are lacking and
/// deletes those whose last token has expired.
pub async fn put_in_order(vault: &Vault<'_>, afterlife: Duration) -> Result<Vec<Key>> {
    for _ in 0..100 {
        let keys = store::load(vault).await?;
        let starts = starts(&keys);
        let is_past = |place| schedule::ends(&starts, place, afterlife).is_some_and(|end| end <= vault.now);
        let past = (0..keys.len()).filter(|place| is_past(*place)).count();
        if past == 0 && schedule::lacking(&starts, vault.now).is_empty() {
            return Ok(keys);
        }
        let changed = vault
            .alone(async |lease| {
                // Somebody may have done it since.
                let keys = store::load(vault).await?;
                let starts = self::starts(&keys);
                let lacking = schedule::lacking(&starts, vault.now);
                let past = (0..keys.len())
                    .filter(|place| {
                        schedule::ends(&starts, *place, afterlife).is_some_and(|end| end <= vault.now)
                    })
                    .map(|place| keys[place].id.clone())
                    .collect();
                store::change(vault, lease, lacking, past, None).await
            })
            .await?;
        if changed.is_none() {
            if schedule::signing(&starts, vault.now).is_some() {
                return Ok(keys);
            }
            // The very first start of two nodes: the other one is making the keys.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Err(internal("there is no key to sign access tokens with"))
}

fn starts(keys: &[Key]) -> Vec<Timestamp> {
    keys.iter().map(|key| key.signs_from).collect()
}

/// Brings the next key forward: it signs after [`schedule::NOTICE`], and at that
/// moment on every node. A compromised key is thrown away instead: tokens that it
/// signed are refused from now on, and clients refresh theirs. Tells when the
/// next key signs.
pub async fn rotate(vault: &Vault<'_>, compromised: bool) -> Result<Timestamp> {
    let rotated = vault
        .alone(async |lease| {
            let keys = store::load(vault).await?;
            let from = if compromised {
                vault.now
            } else {
                vault.now.plus(schedule::NOTICE)
            };
            let past = keys
                .iter()
                .filter(|key| compromised && key.signs_from <= vault.now)
                .map(|key| key.id.clone())
                .collect();
            let next = keys.iter().find(|key| key.signs_from > vault.now);
            let lacking = match next {
                Some(_) => vec![from.plus(schedule::LIFE)],
                None => vec![from, from.plus(schedule::LIFE)],
            };
            let moved = next.map(|key| (key.id.clone(), from));
            store::change(vault, lease, lacking, past, moved).await?;
            Ok(from)
        })
        .await?;
    rotated.ok_or_else(|| conflict("lease_lost"))
}

/// The last time this node looked for a key it did not know.
#[derive(Debug, Default)]
pub struct Looking(Mutex<Option<Instant>>);

/// Reads the keys anew and lets them sign and verify here.
pub async fn refresh(app: &App) -> Result<i64> {
    let accounts = Accounts::of(app);
    let vault = Vault::of(app, &accounts.master, accounts.node);
    let keys = put_in_order(&vault, accounts.access.afterlife()).await?;
    let count = keys.len() as i64;
    accounts.access.replace_keys(keys);
    Ok(count)
}

/// What the token says. A key that this node has not met makes it look, at most
/// once in a few seconds; trouble with that is 503 and no log-out.
pub async fn verified(app: &App, token: &str) -> Result<Verified> {
    let accounts = Accounts::of(app);
    let refused = match accounts.access.verify(token, app.clock.now()) {
        Err(refused) if accounts.access.names_unknown_key(token) => refused,
        outcome => return outcome,
    };
    let mut looked_at = accounts.looking.0.lock().await;
    if looked_at.is_none_or(|at| at.elapsed() >= LOOK_AGAIN) {
        refresh(app).await?;
        *looked_at = Some(Instant::now());
    }
    drop(looked_at);
    if accounts.access.names_unknown_key(token) {
        return Err(refused);
    }
    accounts.access.verify(token, app.clock.now())
}
