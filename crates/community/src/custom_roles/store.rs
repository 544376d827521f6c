//! Every statement on `custom_role` and `custom_role_holder`.

use super::{CustomRole, CustomRoleId, CustomRoleProposal, Status};
use crate::profiles::{Author, author_columns};
use accounts::MemberId;
use base::{Paging, Result, Timestamp};
use db::{Executor, OrConflict, Row, Tx, params};

macro_rules! roles {
    ($rest:literal) => {
        concat!(
            "SELECT k.id, k.slug, k.name, k.description, k.status, k.holder_count, h.member_id IS NOT NULL, k.created_at,
                    k.decided_at, CASE WHEN k.proposed_by = $1 THEN k.note ELSE '' END
             FROM custom_role k LEFT JOIN custom_role_holder h ON h.role_id = k.id AND h.member_id = $1
             WHERE k.community_id = @community ",
            $rest
        )
    };
}

fn role(row: &Row<'_>) -> Result<CustomRole> {
    Ok(CustomRole {
        id: row.get(0)?,
        slug: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        status: row.get(4)?,
        holder_count: row.get(5)?,
        held_by_me: row.get(6)?,
        created_at: row.get(7)?,
        decided_at: row.get(8)?,
        note: row.get(9)?,
    })
}

/// Approved ones, the latest first.
pub async fn list(db: &impl Executor, reader: MemberId, page: Paging) -> Result<Vec<CustomRole>> {
    let sql = roles!("AND k.status = 'approved' AND k.id < $2 ORDER BY k.id DESC LIMIT $3");
    db.all(sql, params![reader, page.before(), page.fetch()], role)
        .await
}

/// Those that another member holds and the reader may know of, by name.
pub async fn held_by(db: &impl Executor, reader: MemberId, member: MemberId) -> Result<Vec<CustomRole>> {
    let sql = roles!(
        "AND k.status = 'approved' AND EXISTS (SELECT 1 FROM custom_role_holder o WHERE o.role_id = k.id
             AND o.member_id = $2 AND o.community_id = @community) ORDER BY k.name, k.id LIMIT 100"
    );
    db.all(sql, params![reader, member], role).await
}

/// What the member proposed, the latest first.
pub async fn proposed_by(db: &impl Executor, member: MemberId, page: Paging) -> Result<Vec<CustomRole>> {
    let sql = roles!("AND k.proposed_by = $1 AND k.id < $2 ORDER BY k.id DESC LIMIT $3");
    db.all(sql, params![member, page.before(), page.fetch()], role)
        .await
}

pub async fn find(db: &impl Executor, reader: MemberId, id: CustomRoleId) -> Result<Option<CustomRole>> {
    db.one(roles!("AND k.id = $2"), params![reader, id], role).await
}

/// Who proposed it, while the account is there.
pub async fn proposer(db: &impl Executor, id: CustomRoleId) -> Result<Option<MemberId>> {
    let sql = "SELECT proposed_by FROM custom_role WHERE id = $1 AND community_id = @community";
    Ok(db.one(sql, params![id], |row| row.get(0)).await?.flatten())
}

/// What waits for staff, or was decided, the oldest first.
pub async fn proposals(
    db: &impl Executor,
    reader: MemberId,
    status: Status,
    after: base::uuid::Uuid,
    limit: i64,
) -> Result<Vec<CustomRoleProposal>> {
    let sql = concat!(
        "SELECT k.id, k.slug, k.name, k.description, k.status, k.holder_count, h.member_id IS NOT NULL, k.created_at,
                      k.decided_at, k.note, ",
        author_columns!("m"),
        " FROM custom_role k LEFT JOIN custom_role_holder h ON h.role_id = k.id AND h.member_id = $1
               LEFT JOIN member m ON m.id = k.proposed_by
               WHERE k.community_id = @community AND k.status = $2 AND k.id > $3 ORDER BY k.id LIMIT $4"
    );
    db.all(sql, params![reader, status, after, limit], |row| {
        Ok(CustomRoleProposal {
            role: role(row)?,
            proposed_by: Author::maybe_at(row, 10)?,
        })
    })
    .await
}

pub async fn insert(tx: &Tx, role: &CustomRole, by: MemberId) -> Result<()> {
    tx.execute(
        "INSERT INTO custom_role (id, community_id, slug, name, description, status, proposed_by, created_at)
         VALUES ($1, @community, $2, $3, $4, $5, $6, $7)",
        params![
            role.id,
            role.slug,
            role.name,
            role.description,
            role.status,
            by,
            role.created_at
        ],
    )
    .await
    .map(drop)
    .or_conflict("custom_role_community_id_slug_key", "role_exists")
}

/// How many proposals of the member wait.
pub async fn count_pending(db: &impl Executor, member: MemberId) -> Result<i64> {
    let sql = "SELECT count(*) FROM custom_role
               WHERE community_id = @community AND proposed_by = $1 AND status = 'pending'";
    Ok(db.one(sql, params![member], |row| row.get(0)).await?.unwrap_or(0))
}

/// False when it was decided already, or is not there.
pub async fn decide(
    tx: &Tx,
    id: CustomRoleId,
    status: Status,
    by: MemberId,
    note: &str,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE custom_role SET status = $1, decided_by = $2, decided_at = $3, note = $4
               WHERE id = $5 AND status = 'pending' AND community_id = @community";
    Ok(tx.execute(sql, params![status, by, now, note, id]).await? > 0)
}

/// Takes a proposal back that waits; false when there is none of that member's.
pub async fn delete_pending(tx: &Tx, id: CustomRoleId, member: MemberId) -> Result<bool> {
    let sql = "DELETE FROM custom_role
               WHERE id = $1 AND proposed_by = $2 AND status = 'pending' AND community_id = @community";
    Ok(tx.execute(sql, params![id, member]).await? > 0)
}

/// False when it is not an approved role.
pub async fn hold(tx: &Tx, id: CustomRoleId, member: MemberId, now: Timestamp) -> Result<bool> {
    if !count(tx, id, 0).await? {
        return Ok(false);
    }
    let added = tx
        .execute(
            "INSERT INTO custom_role_holder (community_id, role_id, member_id, created_at)
             VALUES (@community, $1, $2, $3) ON CONFLICT DO NOTHING",
            params![id, member, now],
        )
        .await?;
    if added > 0 {
        count(tx, id, 1).await?;
    }
    Ok(true)
}

pub async fn let_go(tx: &Tx, id: CustomRoleId, member: MemberId) -> Result<bool> {
    if !count(tx, id, 0).await? {
        return Ok(false);
    }
    let sql =
        "DELETE FROM custom_role_holder WHERE role_id = $1 AND member_id = $2 AND community_id = @community";
    if tx.execute(sql, params![id, member]).await? > 0 {
        count(tx, id, -1).await?;
    }
    Ok(true)
}

/// The count of holders; the role's row is locked from here on.
async fn count(tx: &Tx, id: CustomRoleId, by: i64) -> Result<bool> {
    let sql = "UPDATE custom_role SET holder_count = holder_count + $1
               WHERE id = $2 AND status = 'approved' AND community_id = @community";
    Ok(tx.execute(sql, params![by, id]).await? > 0)
}
