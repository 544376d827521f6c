//! The security log: what happened to an account, readable by its member.
//!
//! Entries are written in the transaction of what they tell. Only a refused
//! log-in is noted afterwards, so that its answer takes as long as for an
//! account that does not exist. Networks are dropped after 30 days, entries
//! after a year.

pub mod http;
mod later;

pub(crate) use later::{Later, write_later};

use crate::{CurrentUser, MemberId, SessionId, origin::Origin};
use base::{Paging, Result, Timestamp, choice, ids};
use db::{Executor, Tx, params, stored};
use platform::App;
use std::time::Duration;

/// How long a refused log-in waits before it is noted.
pub(crate) const LATER: Duration = Duration::from_secs(2);

ids! {
    /// Names an entry of a security log.
    EntryId;
}
stored!(ids: EntryId);

choice! {
    /// What happened.
    pub enum SecurityEvent {
        Registered = "registered",
        LoggedIn = "logged_in",
        LogInFailed = "log_in_failed",
        NewDevice = "new_device",
        SessionEnded = "session_ended",
        TokenRepeated = "token_repeated",
        DeviceMissing = "device_missing",
        TokenFromTheFuture = "token_from_the_future",
        Reauthenticated = "reauthenticated",
        ReauthenticationFailed = "reauthentication_failed",
        PasswordChanged = "password_changed",
        EmailChanged = "email_changed",
        NotMe = "not_me",
        RolesChanged = "roles_changed",
        Suspended = "suspended",
        Reinstated = "reinstated",
        TokenCreated = "token_created",
        TokenDeleted = "token_deleted",
        WebhookCreated = "webhook_created",
        Exported = "exported",
        DeletionAsked = "deletion_asked",
        DeletionTakenBack = "deletion_taken_back",
    }
}
stored!(words: SecurityEvent);

/// What is to be noted.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub member: MemberId,
    pub session: Option<SessionId>,
    pub kind: SecurityEvent,
    /// A reason or a role, in a word.
    pub detail: Option<&'a str>,
    pub origin: &'a Origin,
}

pub(crate) async fn note(tx: &Tx, app: &App, entry: Entry<'_>, now: Timestamp) -> Result<()> {
    let id: EntryId = app.ids.next();
    let origin = entry.origin;
    tx.execute(
        "INSERT INTO security_log (id, member_id, session_id, kind, detail, network, device, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            id,
            entry.member,
            entry.session,
            entry.kind,
            entry.detail,
            origin.network,
            origin.device,
            now
        ],
    )
    .await
    .map(drop)
}

/// Notes what a member did themselves.
pub async fn log_security(
    tx: &Tx,
    app: &App,
    actor: &CurrentUser,
    kind: SecurityEvent,
    detail: Option<&str>,
    origin: &Origin,
) -> Result<()> {
    let entry = Entry {
        member: actor.id,
        session: Some(actor.session),
        kind,
        detail,
        origin,
    };
    note(tx, app, entry, app.clock.now()).await
}

/// Whether such an entry stands in the log since then.
pub(crate) async fn was_noted(
    db: &impl Executor,
    session: SessionId,
    member: MemberId,
    kind: SecurityEvent,
    since: Timestamp,
) -> Result<bool> {
    let sql = "SELECT 1 FROM security_log
               WHERE member_id = $1 AND kind = $2 AND session_id = $3 AND created_at > $4 LIMIT 1";
    let found: Option<i64> = db
        .one(sql, params![member, kind, session, since], |row| row.get(0))
        .await?;
    Ok(found.is_some())
}

/// An entry as its member reads it.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    pub id: EntryId,
    pub session: Option<SessionId>,
    pub kind: SecurityEvent,
    pub detail: Option<String>,
    pub network: Option<String>,
    pub device: String,
    pub at: Timestamp,
}

pub(crate) async fn list(db: &impl Executor, member: MemberId, page: Paging) -> Result<Vec<Noted>> {
    let sql = "SELECT id, session_id, kind, detail, network, device, created_at FROM security_log
               WHERE member_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    db.all(sql, params![member, page.before(), page.fetch()], |row| {
        Ok(Noted {
            id: row.get(0)?,
            session: row.get(1)?,
            kind: row.get(2)?,
            detail: row.get(3)?,
            network: row.get(4)?,
            device: row.get(5)?,
            at: row.get(6)?,
        })
    })
    .await
}
