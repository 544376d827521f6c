//! Every statement on `feature_flag`.

use super::Flag;
use crate::{MemberId, Roles};
use base::{Result, Timestamp};
use db::{Executor, Tx, params};

pub async fn list(db: &impl Executor) -> Result<Vec<Flag>> {
    let sql = "SELECT name, description, enabled, percent, roles, updated_at FROM feature_flag ORDER BY name";
    db.all(sql, params![], |row| {
        let roles: String = row.get(4)?;
        Ok(Flag {
            name: row.get(0)?,
            description: row.get(1)?,
            enabled: row.get(2)?,
            percent: row.get(3)?,
            roles: roles.split_whitespace().filter_map(crate::Role::parse).collect(),
            updated_at: row.get(5)?,
        })
    })
    .await
}

pub async fn put(tx: &Tx, flag: &Flag, by: MemberId, now: Timestamp) -> Result<()> {
    let roles: Roles = flag.roles.iter().copied().collect();
    tx.execute(
        "INSERT INTO feature_flag (name, description, enabled, percent, roles, updated_by, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (name) DO UPDATE SET description = excluded.description, enabled = excluded.enabled,
             percent = excluded.percent, roles = excluded.roles, updated_by = excluded.updated_by,
             updated_at = excluded.updated_at",
        params![
            flag.name,
            flag.description,
            flag.enabled,
            flag.percent,
            roles.to_string(),
            by,
            now
        ],
    )
    .await
    .map(drop)
}

/// False when there was none.
pub async fn delete(tx: &Tx, name: &str) -> Result<bool> {
    let sql = "DELETE FROM feature_flag WHERE name = $1";
    Ok(tx.execute(sql, params![name]).await? > 0)
}
