//! Every statement on `community` and `membership` but the directory's.

use super::{Community, CommunityRole};
use crate::MemberId;
use base::{Result, Timestamp, uuid::Uuid};
use db::{CommunityId, Executor, OrConflict, Row, Tx, params};

macro_rules! communities {
    ($rest:literal) => {
        concat!(
            "SELECT k.id, k.slug, k.name, k.description, k.domain, k.is_open, s.role
             FROM community k LEFT JOIN membership s ON s.community_number = k.id AND s.member_id = $1 ",
            $rest
        )
    };
}

fn community(row: &Row<'_>) -> Result<Community> {
    let number = CommunityId(row.get(0)?);
    let my_role: Option<CommunityRole> = row.get(6)?;
    Ok(Community {
        number,
        slug: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        domain: row.get(4)?,
        is_open: row.get(5)?,
        i_belong: number == CommunityId::DEFAULT || my_role.is_some(),
        my_role,
    })
}

/// All of them: those that are open, and those to which the reader belongs. They are few.
pub async fn list(db: &impl Executor, reader: MemberId, sees_all: bool) -> Result<Vec<Community>> {
    let sql = communities!("WHERE k.is_open OR s.role IS NOT NULL OR $2 ORDER BY k.id");
    db.all(sql, params![reader, sees_all], community).await
}

pub async fn find(db: &impl Executor, reader: MemberId, number: CommunityId) -> Result<Option<Community>> {
    db.one(
        communities!("WHERE k.id = $2"),
        params![reader, number.0],
        community,
    )
    .await
}

/// What the member is in a community other than the first.
pub async fn role_in(
    db: &impl Executor,
    number: CommunityId,
    member: MemberId,
) -> Result<Option<CommunityRole>> {
    let sql = "SELECT role FROM membership WHERE community_number = $1 AND member_id = $2";
    db.one(sql, params![number.0, member], |row| row.get(0)).await
}

/// Whether the member decides about what is said in a community and what comes from others.
pub async fn is_staff_of(db: &impl Executor, number: CommunityId, member: MemberId) -> Result<bool> {
    let role = role_in(db, number, member).await?;
    Ok(matches!(
        role,
        Some(CommunityRole::Moderator | CommunityRole::Admin)
    ))
}

/// Every community to which the member belongs, the first one among them.
pub async fn of_member(db: &impl Executor, member: MemberId) -> Result<Vec<CommunityId>> {
    let sql = "SELECT community_number FROM membership WHERE member_id = $1 ORDER BY community_number";
    let joined = db
        .all(sql, params![member], |row| Ok(CommunityId(row.get(0)?)))
        .await?;
    Ok([CommunityId::DEFAULT].into_iter().chain(joined).collect())
}

/// The number that it was given.
pub async fn insert(tx: &Tx, new: &Community, now: Timestamp) -> Result<CommunityId> {
    let sql = "INSERT INTO community (id, slug, name, description, domain, is_open, created_at)
               SELECT max(id) + 1, $1, $2, $3, $4, $5, $6 FROM community RETURNING id";
    let number: Option<i32> = tx
        .one(
            sql,
            params![new.slug, new.name, new.description, new.domain, new.is_open, now],
            |row| row.get(0),
        )
        .await
        .or_conflict("community_slug_key", "slug_taken")
        .or_conflict("community_domain_key", "domain_taken")
        .or_conflict("community_pkey", "slug_taken")?;
    number
        .map(CommunityId)
        .ok_or_else(|| base::error::internal("a community that was just made is not there"))
}

pub async fn update(tx: &Tx, changed: &Community) -> Result<()> {
    tx.execute(
        "UPDATE community SET name = $1, description = $2, domain = $3, is_open = $4 WHERE id = $5",
        params![
            changed.name,
            changed.description,
            changed.domain,
            changed.is_open,
            changed.number.0
        ],
    )
    .await
    .map(drop)
    .or_conflict("community_domain_key", "domain_taken")
}

/// Locks the community: whoever comes and goes does so one after the other.
pub async fn lock(tx: &Tx, number: CommunityId) -> Result<()> {
    let sql = tx.pick(
        "SELECT 1 FROM community WHERE id = $1",
        "SELECT 1 FROM community WHERE id = $1 FOR UPDATE",
    );
    tx.all(sql, params![number.0], |_| Ok(())).await.map(drop)
}

pub async fn put_member(
    tx: &Tx,
    number: CommunityId,
    member: MemberId,
    role: CommunityRole,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO membership (community_number, member_id, role, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (community_number, member_id) DO UPDATE SET role = excluded.role",
        params![number.0, member, role, now],
    )
    .await
    .map(drop)
}

pub async fn delete_member(tx: &Tx, number: CommunityId, member: MemberId) -> Result<bool> {
    let sql = "DELETE FROM membership WHERE community_number = $1 AND member_id = $2";
    Ok(tx.execute(sql, params![number.0, member]).await? > 0)
}

/// Whether an admin remains beside this member.
pub async fn has_other_admin(tx: &Tx, number: CommunityId, member: MemberId) -> Result<bool> {
    let sql =
        "SELECT 1 FROM membership WHERE community_number = $1 AND member_id <> $2 AND role = 'admin' LIMIT 1";
    Ok(tx
        .one(sql, params![number.0, member], |_| Ok(()))
        .await?
        .is_some())
}

/// Somebody who belongs to a community.
#[derive(Clone, Debug)]
pub struct Belongs {
    pub id: MemberId,
    pub username: String,
    pub display_name: String,
    pub is_verified: bool,
    pub role: CommunityRole,
    pub joined_at: Timestamp,
}

/// Members of a community other than the first, by id.
pub async fn members(
    db: &impl Executor,
    number: CommunityId,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Belongs>> {
    let sql = "SELECT m.id, m.username, m.display_name, m.verified_at IS NOT NULL, s.role, s.created_at
               FROM membership s JOIN member m ON m.id = s.member_id
               WHERE s.community_number = $1 AND s.member_id < $2 AND m.status = 'active'
               ORDER BY s.member_id DESC LIMIT $3";
    db.all(sql, params![number.0, before, limit], |row| {
        Ok(Belongs {
            id: row.get(0)?,
            username: row.get(1)?,
            display_name: row.get(2)?,
            is_verified: row.get(3)?,
            role: row.get(4)?,
            joined_at: row.get(5)?,
        })
    })
    .await
}
