//! Leases: who may do something alone, across nodes, for a while.
//!
//! A lease is a row with a holder, an end and a token. Whoever finds it free or
//! run out takes it, and the token goes up each time that happens. Time alone
//! protects nothing: a holder that was suspended wakes up after its end and
//! still believes. Therefore every write done under a lease calls [`fence`]
//! first, in the same transaction; the database then knows the later token and
//! refuses the late holder.
//!
//! Never true: two leases of one name with the same token; a token that goes
//! down, which is why a released lease keeps its row.

use base::{Result, Timestamp, error::conflict};
use db::{Db, Executor, Tx, params};
use std::time::Duration;
use uuid::Uuid;

/// The right to do something alone until `expires_at`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub name: String,
    pub holder: Uuid,
    /// Goes up with every change of hands.
    pub token: i64,
    pub expires_at: Timestamp,
}

/// Takes the lease when it is free or has run out. A holder that asks again
/// while it holds keeps its token. `None`: somebody else has it.
pub async fn acquire(
    db: &Db,
    name: &str,
    holder: Uuid,
    now: Timestamp,
    ttl: Duration,
) -> Result<Option<Lease>> {
    let (name, expires_at) = (name.to_owned(), now.plus(ttl));
    db.write_again(move |tx| async move {
        let token = tx
            .one(
                "INSERT INTO lease (name, holder, token, expires_at) VALUES ($1, $2, 1, $3)
                 ON CONFLICT (name) DO UPDATE SET
                     holder = excluded.holder,
                     token = lease.token
                         + CASE WHEN lease.holder = excluded.holder AND lease.expires_at > $4 THEN 0 ELSE 1 END,
                     expires_at = excluded.expires_at
                 WHERE lease.holder = excluded.holder OR lease.expires_at <= $4
                 RETURNING token",
                params![name, holder, expires_at, now],
                |row| row.get::<i64>(0),
            )
            .await?;
        Ok(token.map(|token| Lease {
            name,
            holder,
            token,
            expires_at,
        }))
    })
    .await
}

/// Moves the end on. `None`: it has run out or gone to somebody else, so stop.
pub async fn renew(db: &Db, lease: &Lease, now: Timestamp, ttl: Duration) -> Result<Option<Lease>> {
    let mut lease = lease.clone();
    lease.expires_at = now.plus(ttl);
    db.write_again(move |tx| async move {
        let kept = tx
            .execute(
                "UPDATE lease SET expires_at = $1
                 WHERE name = $2 AND holder = $3 AND token = $4 AND expires_at > $5",
                params![lease.expires_at, lease.name, lease.holder, lease.token, now],
            )
            .await?;
        Ok((kept == 1).then_some(lease))
    })
    .await
}

/// Gives it back before its end. Harmless when somebody else has it by now.
pub async fn release(db: &Db, lease: Lease, now: Timestamp) -> Result<()> {
    db.write_again(move |tx| async move {
        tx.execute_last(
            "UPDATE lease SET expires_at = $1 WHERE name = $2 AND token = $3 AND expires_at > $1",
            params![now, lease.name, lease.token],
        )
        .await
    })
    .await
}

/// Fails the write with `lease_lost` when the lease has changed hands since;
/// until the write's end nobody can take it over.
pub async fn fence(tx: &Tx, lease: &Lease) -> Result<()> {
    let sql = tx.pick(
        "SELECT token FROM lease WHERE name = $1",
        "SELECT token FROM lease WHERE name = $1 FOR SHARE",
    );
    let token = tx.one(sql, params![lease.name], |row| row.get::<i64>(0)).await?;
    if token == Some(lease.token) {
        Ok(())
    } else {
        Err(conflict("lease_lost"))
    }
}
