//! Members: people with an account.

use crate::{Role, Roles, tiers::Tier};
use base::{Email, FieldError, Result, Timestamp, Username, choice, error::conflict, ids};
use db::{Executor, OrConflict, Row, Tx, params, stored};
use platform::texts::Language;
use schemars::JsonSchema;
use serde::Serialize;

ids! {
    /// Names a member.
    MemberId;
}
stored!(ids: MemberId);

choice! {
    /// Whether the account may be used.
    #[schemars(rename = "AccountStatus")]
    pub enum Status {
        Active = "active",
        Suspended = "suspended",
        /// Registered, and staff have not approved it yet.
        Pending = "pending",
        /// Staff did not approve it.
        Rejected = "rejected",
        /// The account has ended; the row bears an id that others' rows may name.
        Former = "former",
    }
}
stored!(words: Status);

/// What a member sees of their own account.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Me {
    pub id: MemberId,
    pub email: String,
    pub username: String,
    pub display_name: String,
    /// `free` alone, or the roles that were given.
    pub roles: Vec<Role>,
    /// What the account includes.
    pub tier: Tier,
    /// Staff have made sure that the member is who they say.
    pub is_verified: bool,
    pub created_at: Timestamp,
}

impl Status {
    /// Why somebody whose account stands so is not let in.
    pub(crate) fn refusal(self) -> Option<&'static str> {
        match self {
            Status::Active => None,
            Status::Suspended => Some("account_suspended"),
            Status::Pending => Some("awaiting_approval"),
            Status::Rejected => Some("account_rejected"),
            // For the moments until nobody can log in any more.
            Status::Former => Some("account_suspended"),
        }
    }
}

/// Whose password it would be, and what it would have to fit.
#[derive(Debug)]
pub struct Credential {
    pub id: MemberId,
    pub password_hash: String,
}

#[derive(Clone, Debug)]
pub struct NewMember {
    pub id: MemberId,
    pub email: Email,
    pub username: Username,
    pub display_name: String,
    pub password_hash: String,
    /// Of the mails to this member.
    pub language: Language,
    /// Active, or pending where staff approve accounts.
    pub status: Status,
}

fn me(row: &Row<'_>) -> Result<Me> {
    Ok(Me {
        id: row.get(0)?,
        email: row.get(1)?,
        username: row.get(2)?,
        display_name: row.get(3)?,
        roles: row.get::<Roles>(4)?.list(),
        created_at: row.get(5)?,
        tier: row.get::<Option<Tier>>(6)?.unwrap_or(Tier::Free),
        is_verified: row.get(7)?,
    })
}

pub async fn find(db: &impl Executor, id: MemberId, now: Timestamp) -> Result<Option<Me>> {
    let sql = "SELECT m.id, m.email, m.username, m.display_name,
                      (SELECT string_agg(role, ' ') FROM member_role WHERE member_id = m.id), m.created_at,
                      t.tier, m.verified_at IS NOT NULL
               FROM member m LEFT JOIN member_tier t
                   ON t.member_id = m.id AND (t.ends_at IS NULL OR t.ends_at > $2) WHERE m.id = $1";
    db.one(sql, params![id, now], me).await
}

/// Gives the member another name to be shown by.
pub async fn rename(tx: &Tx, id: MemberId, display_name: &str, now: Timestamp) -> Result<()> {
    let sql = "UPDATE member SET display_name = $1, updated_at = $2 WHERE id = $3";
    tx.execute(sql, params![display_name, now, id]).await.map(drop)
}

/// Reads as little as log-in needs before the password fits, so that an address
/// without an account costs the same.
pub async fn find_credential(db: &impl Executor, email: &str) -> Result<Option<Credential>> {
    let sql = "SELECT id, password_hash FROM member WHERE email = $1";
    db.one(sql, params![email], |row| {
        Ok(Credential {
            id: row.get(0)?,
            password_hash: row.get(1)?,
        })
    })
    .await
}

/// The member's status and password, which nobody changes before the transaction ends.
pub(crate) async fn hold(tx: &Tx, id: MemberId) -> Result<Option<(Status, String)>> {
    let sql = tx.pick(
        "SELECT status, password_hash FROM member WHERE id = $1",
        "SELECT status, password_hash FROM member WHERE id = $1 FOR SHARE",
    );
    tx.one(sql, params![id], |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// A taken user name is told before a taken address: it is public anyhow, and whoever
/// asks about addresses with it would learn of them and leave no account behind.
pub async fn insert(tx: &Tx, new: &NewMember, now: Timestamp) -> Result<()> {
    let sql = "SELECT 1 FROM member WHERE username = $1";
    if tx.one(sql, params![new.username], |_| Ok(())).await?.is_some() {
        let code = "username_taken";
        return Err(conflict(code).field(FieldError {
            pointer: "/username".to_owned(),
            code,
            args: vec![],
        }));
    }
    tx.execute(
        "INSERT INTO member (id, email, username, display_name, password_hash, status, language,
                             created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $8, $6, $7, $7)",
        params![
            new.id,
            new.email,
            new.username,
            new.display_name,
            new.password_hash,
            new.language.tag(),
            now,
            new.status
        ],
    )
    .await
    .map(drop)
    .or_conflict("member_email_key", "email_taken")
    .or_conflict("member_username_key", "username_taken")
}

pub(crate) async fn find_password(db: &impl Executor, id: MemberId) -> Result<Option<String>> {
    let sql = "SELECT password_hash FROM member WHERE id = $1";
    db.one(sql, params![id], |row| row.get(0)).await
}

pub(crate) async fn set_password(tx: &Tx, id: MemberId, hash: &str, now: Timestamp) -> Result<u64> {
    let sql = "UPDATE member SET password_hash = $1, updated_at = $2 WHERE id = $3";
    tx.execute(sql, params![hash, now, id]).await
}

pub(crate) async fn set_email(tx: &Tx, id: MemberId, email: &Email, now: Timestamp) -> Result<()> {
    let sql = "UPDATE member SET email = $1, updated_at = $2 WHERE id = $3";
    tx.execute(sql, params![email, now, id])
        .await
        .map(drop)
        .or_conflict("member_email_key", "email_taken")
}

/// A new hash of the same password, unless the password was changed meanwhile.
pub async fn replace_hash(tx: &Tx, id: MemberId, old: &str, new: &str) -> Result<u64> {
    tx.execute(
        "UPDATE member SET password_hash = $1 WHERE id = $2 AND password_hash = $3",
        params![new, id, old],
    )
    .await
}
