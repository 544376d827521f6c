//! `Idempotency-Key`: a repeated request creates nothing twice.
//!
//! The key's row is written in the transaction of the change itself, with the
//! answer in it. So the row is there exactly when the change is, after a
//! `kill -9` as well, and a repetition hears the first answer again.

use super::{Created, Problem, answer::Made, context::RequestContext};
use crate::{App, AppState};
use axum::{extract::FromRequestParts, http::request::Parts};
use base::{Error, Kind, Result, Timestamp, error::conflict, error::invalid};
use db::{Db, Executor, Tx, params};
use serde::Serialize;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use uuid::Uuid;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_hours(24);

/// The caller's key, if it sent one.
#[derive(Clone, Debug)]
pub struct Once {
    key: Option<String>,
    context: Arc<RequestContext>,
}

impl FromRequestParts<AppState> for Once {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let key = match parts.headers.get("idempotency-key") {
            None => None,
            Some(value) => Some(checked_key(value.to_str().unwrap_or_default())?),
        };
        let context = RequestContext::of(parts)?.clone();
        Ok(Once { key, context })
    }
}

fn checked_key(key: &str) -> Result<String> {
    let plain = key
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if plain && (1..=64).contains(&key.len()) {
        Ok(key.to_owned())
    } else {
        Err(invalid("Idempotency-Key", "invalid_key"))
    }
}

/// What is kept of an answered request.
struct Kept {
    operation: String,
    hash: Vec<u8>,
    body: String,
}

/// Requests with a key that are under way on this node, by member and key.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<HashSet<(Uuid, String)>>);

struct Flight<'a> {
    all: &'a InFlight,
    name: (Uuid, String),
}

impl InFlight {
    fn take_off(&self, member: Uuid, key: &str) -> Result<Flight<'_>> {
        let name = (member, key.to_owned());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.insert(name.clone()) {
            Ok(Flight { all: self, name })
        } else {
            Err(conflict("in_flight").retry_after(1))
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.name);
    }
}

impl Once {
    /// The key itself, for a slice that names what is created after it.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Runs a write that creates something and answers with it.
    pub async fn create<T, F, Fut>(
        self,
        app: &App,
        member: Uuid,
        operation: &'static str,
        work: F,
    ) -> Result<Created<T>>
    where
        F: FnOnce(Tx) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<T>> + Send,
        T: Serialize + Send + 'static,
    {
        let Some(key) = self.key else {
            return app.db.write_again(work).await.map(Created::new);
        };
        let _flight = app.in_flight.take_off(member, &key)?;
        let hash = self.context.body_hash.get().copied().unwrap_or_default();
        if let Some(kept) = kept(&app.db, member, &key).await? {
            return replay(kept, operation, &hash);
        }
        let (now, own) = (app.clock.now(), key.clone());
        let outcome = app
            .db
            .write_again(move |tx| async move {
                let taken = tx
                    .execute(
                        "INSERT INTO idempotency_key (member_id, key, operation, request_hash, status, body, created_at)
                         VALUES ($1, $2, $3, $4, 201, 'null', $5) ON CONFLICT DO NOTHING",
                        params![member, own, operation, hash, now],
                    )
                    .await?;
                if taken == 0 {
                    return Ok(None);
                }
                let made = work(tx.clone()).await?;
                let body = serde_json::to_value(&made).map_err(base::error::internal)?;
                tx.execute_last(
                    "UPDATE idempotency_key SET body = $1 WHERE member_id = $2 AND key = $3",
                    params![body, member, own],
                )
                .await?;
                Ok(Some(made))
            })
            .await?;
        match outcome {
            Some(made) => Ok(Created::new(made)),
            // Another node was faster by a moment: its answer is the answer.
            None => match kept(&app.db, member, &key).await? {
                Some(kept) => replay(kept, operation, &hash),
                None => Err(conflict("in_flight").retry_after(1)),
            },
        }
    }
}

/// Deletes answers after a day; says how many.
pub(crate) async fn prune(db: &Db, now: Timestamp) -> Result<u64> {
    let before = now.minus(KEPT);
    let sql = "DELETE FROM idempotency_key WHERE created_at < $1";
    db.write_again(move |tx| async move { tx.execute(sql, params![before]).await })
        .await
}

async fn kept(db: &Db, member: Uuid, key: &str) -> Result<Option<Kept>> {
    let sql = db.pick(
        "SELECT operation, request_hash, body FROM idempotency_key WHERE member_id = $1 AND key = $2",
        "SELECT operation, request_hash, body::text FROM idempotency_key WHERE member_id = $1 AND key = $2",
    );
    db.one(sql, params![member, key], |row| {
        Ok(Kept {
            operation: row.get(0)?,
            hash: row.get(1)?,
            body: row.get(2)?,
        })
    })
    .await
}

fn replay<T>(kept: Kept, operation: &str, hash: &[u8; 32]) -> Result<Created<T>> {
    if kept.operation != operation || kept.hash != hash {
        return Err(Error::new(Kind::Invalid, "idempotency_key_reused"));
    }
    Ok(Created(Made::Before(kept.body)))
}
