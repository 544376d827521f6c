//! Every statement on `audit_log` and `audit_text`.

use super::{Act, AuditId, chain, chain::Entry};
use crate::MemberId;
use base::{Paging, Result, Timestamp};
use db::{Executor, Row, Tx, params};
use uuid::Uuid;

pub async fn insert(tx: &Tx, id: AuditId, act: &Act<'_>, salt: [u8; 32], now: Timestamp) -> Result<()> {
    let commitment = chain::commitment(&salt, act.detail);
    tx.execute(
        "INSERT INTO audit_log (id, actor_id, action, subject_id, commitment, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![id, act.actor, act.action, act.subject, commitment, now],
    )
    .await?;
    tx.execute(
        "INSERT INTO audit_text (audit_id, salt, detail) VALUES ($1, $2, $3)",
        params![id, salt, *act.detail],
    )
    .await
    .map(drop)
}

pub async fn erase_texts(tx: &Tx, subject: MemberId) -> Result<u64> {
    tx.execute(
        "DELETE FROM audit_text WHERE audit_id IN (SELECT id FROM audit_log WHERE subject_id = $1)",
        params![subject],
    )
    .await
}

/// When the database was made.
pub async fn birth(db: &impl Executor) -> Result<Timestamp> {
    let sql = "SELECT applied_at FROM schema_migration ORDER BY version LIMIT 1";
    let micros: Option<i64> = db.one(sql, params![], |row| row.get(0)).await?;
    Ok(Timestamp::from_micros(micros.unwrap_or_default()))
}

fn entry(row: &Row<'_>) -> Result<Entry> {
    Ok(Entry {
        id: row.get(0)?,
        actor: row.get(1)?,
        action: row.get(2)?,
        subject: row.get(3)?,
        commitment: row.get(4)?,
        created_at: row.get(5)?,
    })
}

/// Committed entries without a place, the oldest first.
pub async fn unchained(db: &impl Executor, limit: i64) -> Result<Vec<Entry>> {
    let sql = "SELECT id, actor_id, action, subject_id, commitment, created_at FROM audit_log
               WHERE seq IS NULL ORDER BY created_at, id LIMIT $1";
    db.all(sql, params![limit], entry).await
}

/// Number and hash of the newest link.
pub async fn newest(db: &impl Executor) -> Result<Option<(i64, Vec<u8>)>> {
    let sql = "SELECT seq, hash FROM audit_log WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1";
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get::<Option<Vec<u8>>>(1)?.unwrap_or_default()));
    db.one(sql, params![], row).await
}

pub async fn hash_at(db: &impl Executor, seq: i64) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT hash FROM audit_log WHERE seq = $1";
    let hash = db
        .one(sql, params![seq], |row| row.get::<Option<Vec<u8>>>(0))
        .await?;
    Ok(hash.flatten())
}

pub async fn place(tx: &Tx, id: Uuid, seq: i64, hash: [u8; 32]) -> Result<()> {
    tx.execute(
        "UPDATE audit_log SET seq = $1, hash = $2 WHERE id = $3 AND seq IS NULL",
        params![seq, hash, id],
    )
    .await
    .map(drop)
}

/// An entry with its place and its text, as far as they are there.
#[derive(Clone, Debug)]
pub struct Kept {
    pub entry: Entry,
    pub seq: Option<i64>,
    pub hash: Vec<u8>,
    pub text: Option<(Vec<u8>, String)>,
}

fn kept(row: &Row<'_>) -> Result<Kept> {
    let salt: Option<Vec<u8>> = row.get(8)?;
    let detail: Option<String> = row.get(9)?;
    Ok(Kept {
        entry: entry(row)?,
        seq: row.get(6)?,
        hash: row.get::<Option<Vec<u8>>>(7)?.unwrap_or_default(),
        text: salt.zip(detail),
    })
}

/// Links behind a number, in order.
pub async fn chained_after(db: &impl Executor, seq: i64, limit: i64) -> Result<Vec<Kept>> {
    let sql = "SELECT a.id, a.actor_id, a.action, a.subject_id, a.commitment, a.created_at, a.seq, a.hash,
                      t.salt, t.detail
               FROM audit_log a LEFT JOIN audit_text t ON t.audit_id = a.id
               WHERE a.seq > $1 ORDER BY a.seq LIMIT $2";
    db.all(sql, params![seq, limit], kept).await
}

/// Entries without a place, behind an id.
pub async fn unchained_after(db: &impl Executor, id: Uuid, limit: i64) -> Result<Vec<Kept>> {
    let sql = "SELECT a.id, a.actor_id, a.action, a.subject_id, a.commitment, a.created_at, a.seq, a.hash,
                      t.salt, t.detail
               FROM audit_log a LEFT JOIN audit_text t ON t.audit_id = a.id
               WHERE a.seq IS NULL AND a.id > $1 ORDER BY a.id LIMIT $2";
    db.all(sql, params![id, limit], kept).await
}

/// Texts whose entries are gone.
pub async fn lonely_texts(db: &impl Executor) -> Result<Vec<Uuid>> {
    let sql = "SELECT t.audit_id FROM audit_text t LEFT JOIN audit_log a ON a.id = t.audit_id
               WHERE a.id IS NULL ORDER BY t.audit_id LIMIT 100";
    db.all(sql, params![], |row| row.get(0)).await
}

/// An entry as staff read it.
#[derive(Debug)]
pub struct Shown {
    pub id: AuditId,
    pub actor: Option<MemberId>,
    pub actor_name: Option<String>,
    pub action: super::Action,
    pub subject: Option<MemberId>,
    pub subject_name: Option<String>,
    pub detail: Option<String>,
    pub created_at: Timestamp,
    pub seq: Option<i64>,
}

/// The newest first.
pub async fn list(db: &impl Executor, page: Paging) -> Result<Vec<Shown>> {
    let sql = "SELECT a.id, a.actor_id, m.username, a.action, a.subject_id, s.username, t.detail, a.created_at, a.seq
               FROM audit_log a
               LEFT JOIN audit_text t ON t.audit_id = a.id
               LEFT JOIN member m ON m.id = a.actor_id
               LEFT JOIN member s ON s.id = a.subject_id
               WHERE a.id < $1 ORDER BY a.id DESC LIMIT $2";
    db.all(sql, params![page.before(), page.fetch()], |row| {
        Ok(Shown {
            id: row.get(0)?,
            actor: row.get(1)?,
            actor_name: row.get(2)?,
            action: row.get(3)?,
            subject: row.get(4)?,
            subject_name: row.get(5)?,
            detail: row.get(6)?,
            created_at: row.get(7)?,
            seq: row.get(8)?,
        })
    })
    .await
}
