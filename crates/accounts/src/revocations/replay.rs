//! What the journal holds, done again to a restored database. No server may run
//! on it, since nobody is told.

use super::{Revocation, journal::SealedPepper};
use crate::{
    MasterKeys, MemberId, leaving,
    members::{self, Status},
    passwords::{self, UNUSABLE},
    sessions::{self, Reason},
    staff,
};
use base::{Entropy, Result, Timestamp};
use db::{Db, Tx};
use std::collections::{BTreeSet, HashSet};

/// What happened between a backup and now, and what opens it.
#[derive(Debug)]
pub struct Since {
    pub revocations: Vec<Revocation>,
    pub peppers: Vec<SealedPepper>,
    /// The keys of the data folder that is replaced: newer than the backup's, perhaps.
    pub keys: Option<MasterKeys>,
}

/// What came of it.
#[derive(Debug)]
pub struct Replayed {
    /// How much was changed.
    pub count: u64,
    /// The addresses of members whose password nothing here can check: its pepper is lost.
    pub locked: Vec<String>,
}

pub async fn replay(
    db: &Db,
    entropy: &Entropy,
    master: &MasterKeys,
    since: Since,
    now: Timestamp,
) -> Result<Replayed> {
    bring_peppers(db, entropy, master, &since).await?;
    let peppers: HashSet<String> = passwords::list_peppers(db)
        .await?
        .into_iter()
        .map(|p| p.id)
        .collect();
    let entries = since.revocations;
    db.write_again(move |tx| async move {
        sessions::begin_anew(&tx, now).await?;
        let (mut count, mut locked) = (0, BTreeSet::new());
        for entry in entries {
            if let Some(hash) = &entry.password_hash {
                let is_checkable = passwords::pepper_of(hash).is_none_or(|pepper| peppers.contains(&pepper));
                if is_checkable {
                    locked.remove(&entry.member);
                } else {
                    locked.insert(entry.member);
                }
                let hash = if is_checkable { hash } else { UNUSABLE };
                count += members::set_password(&tx, entry.member, hash, entry.at).await?;
            }
            count += again(&tx, &entry).await?;
        }
        let locked = addresses(&tx, locked, now).await?;
        Ok(Replayed { count, locked })
    })
    .await
}

/// Seals what can be opened under the restored keys; the backup's own stay as they are.
async fn bring_peppers(db: &Db, entropy: &Entropy, master: &MasterKeys, since: &Since) -> Result<()> {
    for pepper in &since.peppers {
        let purpose = passwords::pepper_purpose(&pepper.id);
        let open = |keys: &MasterKeys| keys.open(&purpose, &pepper.sealed).ok();
        if let Some(secret) = open(master).or_else(|| since.keys.as_ref().and_then(open)) {
            let sealed = master.seal(entropy, &purpose, &secret)?;
            passwords::add_pepper(db, pepper.id.clone(), sealed, pepper.created_at).await?;
        }
    }
    Ok(())
}

async fn again(tx: &Tx, entry: &Revocation) -> Result<u64> {
    let mut count = 0;
    if let Some(session) = entry.session {
        count += sessions::end_again(tx, session, entry.reason, entry.at).await?;
    }
    if let Some(roles) = entry.roles {
        count += staff::set_roles(tx, entry.member, roles, entry.at).await?;
    }
    let status = match entry.reason {
        Reason::Suspended => Status::Suspended,
        Reason::Reinstated => Status::Active,
        Reason::Erased => {
            count += leaving::erase_again(tx, entry.member, entry.at).await?;
            Status::Former
        }
        _ => return Ok(count),
    };
    let changed = staff::put_status(tx, entry.member, status, entry.at).await?;
    Ok(count + u64::from(changed))
}

async fn addresses(tx: &Tx, members: BTreeSet<MemberId>, now: Timestamp) -> Result<Vec<String>> {
    let mut addresses = vec![];
    for member in members {
        addresses.extend(members::find(tx, member, now).await?.map(|me| me.email));
    }
    addresses.sort();
    Ok(addresses)
}
