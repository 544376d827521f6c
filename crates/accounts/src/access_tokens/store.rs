use super::{AccessToken, AccessTokenId, Scope};
use crate::{MemberId, members::Status};
use base::{Paging, Result, Timestamp};
use db::{Executor, Row, Tx, params};

fn scopes(text: &str) -> Vec<Scope> {
    // A scope that this version does not know permits nothing.
    text.split(' ').filter_map(Scope::parse).collect()
}

fn token(row: &Row<'_>) -> Result<AccessToken> {
    Ok(AccessToken {
        id: row.get(0)?,
        name: row.get(1)?,
        scopes: scopes(&row.get::<String>(2)?),
        created_at: row.get(3)?,
        expires_at: row.get(4)?,
        last_used_at: row.get(5)?,
    })
}

pub async fn list(db: &impl Executor, member: MemberId, page: Paging) -> Result<Vec<AccessToken>> {
    let sql = "SELECT id, name, scopes, created_at, expires_at, last_used_at FROM access_token
               WHERE member_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    db.all(sql, params![member, page.before(), page.fetch()], token)
        .await
}

pub async fn count(db: &impl Executor, member: MemberId) -> Result<i64> {
    let sql = "SELECT count(*) FROM access_token WHERE member_id = $1";
    Ok(db.one(sql, params![member], |row| row.get(0)).await?.unwrap_or(0))
}

pub async fn insert(tx: &Tx, member: MemberId, token: &AccessToken, hash: &[u8; 32]) -> Result<()> {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    tx.execute(
        "INSERT INTO access_token (id, member_id, name, hash, scopes, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            token.id,
            member,
            token.name,
            hash,
            scopes.join(" "),
            token.created_at,
            token.expires_at
        ],
    )
    .await
    .map(drop)
}

/// The token of that hash, whose it is, and whether they may use their account.
pub struct Found {
    pub member: MemberId,
    pub status: Status,
    pub token: AccessToken,
}

pub async fn find(db: &impl Executor, hash: &[u8; 32]) -> Result<Option<Found>> {
    let sql = "SELECT t.id, t.name, t.scopes, t.created_at, t.expires_at, t.last_used_at, m.id, m.status
               FROM access_token t JOIN member m ON m.id = t.member_id WHERE t.hash = $1";
    db.one(sql, params![hash], |row| {
        Ok(Found {
            token: token(row)?,
            member: row.get(6)?,
            status: row.get(7)?,
        })
    })
    .await
}

pub async fn touch(tx: &Tx, id: AccessTokenId, now: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE access_token SET last_used_at = $1 WHERE id = $2",
        params![now, id],
    )
    .await
    .map(drop)
}

/// False when it is not the member's, or gone.
pub async fn delete(tx: &Tx, member: MemberId, id: AccessTokenId) -> Result<bool> {
    let sql = "DELETE FROM access_token WHERE id = $1 AND member_id = $2";
    Ok(tx.execute(sql, params![id, member]).await? > 0)
}

/// All of a member's; says how many.
pub async fn delete_all(tx: &Tx, member: MemberId) -> Result<u64> {
    tx.execute("DELETE FROM access_token WHERE member_id = $1", params![member])
        .await
}
