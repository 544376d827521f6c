//! Revocations: what ended early, told to every node and kept outside the database.
//!
//! Whoever ends a session writes a row in the same transaction. Each node reads
//! new rows twice a second: it cuts the sockets it holds, forgets what it
//! believed, and copies the row into its journal, a file beside the database.
//! After a restore the journal says what the backup could not know, so that
//! what was revoked stays revoked, and a role that was taken stays taken ([`replay`]).
//!
//! Rows of other nodes may be committed a little later than their time says;
//! therefore a node looks again at the last seconds and remembers what it has seen.

mod journal;
mod replay;

pub use journal::{Journal, SealedPepper};
pub use replay::{Replayed, Since, replay};

use crate::{
    Accounts, MemberId, Roles, SessionId, passwords,
    sessions::{Reason, Revoked},
};
use base::{Result, Timestamp, ids};
use db::{Executor, Tx, params, stored};
use platform::{App, AppState};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use supervisor::{Context, Failure};

ids! {
    /// Names a revocation.
    RevocationId;
}
stored!(ids: RevocationId);

/// How often a node looks.
const PERIOD: Duration = Duration::from_millis(500);
/// A transaction that takes longer than this has been cut off.
const LATE: Duration = Duration::from_secs(15);
/// How often peppers are looked at that no new password has named: they are sealed anew at times.
const PEPPERS: Duration = Duration::from_mins(1);
const BATCH: i64 = 1000;

/// A session that ended early, or a member's rights or password that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    pub id: RevocationId,
    pub member: MemberId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    pub reason: Reason,
    /// The new hash, when the password changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// All that the member holds from then on, when roles changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Roles>,
    pub at: Timestamp,
}

impl Revocation {
    pub(crate) fn new(app: &App, revoked: Revoked) -> Revocation {
        Revocation {
            id: app.ids.next(),
            member: revoked.member,
            session: revoked.session,
            reason: revoked.reason,
            password_hash: None,
            roles: None,
            at: app.clock.now(),
        }
    }

    fn revoked(&self) -> Revoked {
        Revoked {
            session: self.session,
            member: self.member,
            reason: self.reason,
        }
    }
}

/// Writes the revocation for all nodes. On this one it counts as soon as it is
/// committed, and is copied into the journal at once.
pub(crate) async fn announce(tx: &Tx, app: &AppState, new: Revocation, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO revocation (id, member_id, session_id, reason, password_hash, roles, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            new.id,
            new.member,
            new.session,
            new.reason,
            new.password_hash,
            new.roles.map(|roles| roles.to_string()),
            now
        ],
    )
    .await?;
    let (own, revoked) = (app.clone(), new.revoked());
    tx.on_commit(move || {
        let accounts = Accounts::of(&own);
        accounts.sessions.tell(revoked);
        accounts.look.notify_one();
    });
    Ok(())
}

async fn read(db: &impl Executor, since: Timestamp) -> Result<Vec<Revocation>> {
    let sql = "SELECT id, member_id, session_id, reason, password_hash, roles, created_at FROM revocation
               WHERE created_at >= $1 ORDER BY created_at, id LIMIT $2";
    db.all(sql, params![since, BATCH], |row| {
        Ok(Revocation {
            id: row.get(0)?,
            member: row.get(1)?,
            session: row.get(2)?,
            reason: row.get(3)?,
            password_hash: row.get(4)?,
            roles: row
                .get::<Option<String>>(5)?
                .map(|words| words.parse())
                .transpose()?,
            at: row.get(6)?,
        })
    })
    .await
}

/// What this node has heard so far.
struct Listener {
    heard: HashMap<RevocationId, Timestamp>,
    since: Timestamp,
    journal: Journal,
    /// Told once when the database goes away, not twice a second.
    deaf: bool,
    peppers_read_at: Option<Instant>,
}

impl Listener {
    async fn look(&mut self, app: &AppState) -> Result<()> {
        loop {
            let rows = read(&app.db, self.since).await?;
            let full = rows.len() as i64 == BATCH;
            let last = rows.last().map(|row| row.at);
            let new: Vec<Revocation> = rows
                .into_iter()
                .filter(|row| !self.heard.contains_key(&row.id))
                .collect();
            for row in &new {
                Accounts::of(app).sessions.tell(row.revoked());
            }
            self.keep_peppers(app, new.iter().any(|row| row.password_hash.is_some()))
                .await?;
            self.journal.append(&new).await?;
            self.heard.extend(new.into_iter().map(|row| (row.id, row.at)));
            if full && last.is_some_and(|last| last > self.since) {
                self.since = last.unwrap_or(self.since);
                continue;
            }
            // Nothing of before this moment can still be committed.
            self.since = self.since.max(app.clock.now().minus(LATE));
            let since = self.since;
            self.heard.retain(|_, at| *at >= since);
            return Ok(());
        }
    }
}

impl Listener {
    /// Copies the peppers into the journal: a password is worth nothing without its own.
    async fn keep_peppers(&mut self, app: &AppState, needed: bool) -> Result<()> {
        if !needed && self.peppers_read_at.is_some_and(|at| at.elapsed() < PEPPERS) {
            return Ok(());
        }
        let peppers = passwords::sealed_peppers(&app.db).await?;
        self.journal.append_peppers(peppers).await?;
        self.peppers_read_at = Some(Instant::now());
        Ok(())
    }
}

/// Listens until the server stops.
pub(crate) async fn listen(app: AppState, context: Context) -> Result<(), Failure> {
    let failure = |error: base::Error| Failure::new(error.to_string());
    let folder = app.config.data.dir.join(Journal::FOLDER);
    let journal = Journal::open(folder, app.clock.now()).await.map_err(failure)?;
    let mut listener = Listener {
        // What the journal missed while the server was away is added now.
        since: journal.complete_until().minus(LATE),
        heard: journal.recent(LATE),
        journal,
        deaf: false,
        peppers_read_at: None,
    };
    context.ready();
    loop {
        match listener.look(&app).await {
            Ok(()) => {
                if std::mem::take(&mut listener.deaf) {
                    tracing::info!("revocations are heard again");
                }
            }
            Err(error) if !std::mem::replace(&mut listener.deaf, true) => {
                tracing::error!(%error, "revocations are not heard; sessions are still checked on each call");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = context.cancelled() => return Ok(()),
            () = Accounts::of(&app).look.notified() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}
