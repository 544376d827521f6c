//! Every statement on `member_role` and `first_administrator_code`.

use super::policy::Standing;
use crate::{MemberId, Permission, Role, Roles, members::Status};
use base::{Paging, Result, Timestamp};
use db::{Executor, Tx, params};

/// Lets one act of staff run at a time.
pub async fn alone(tx: &Tx) -> Result<()> {
    // SQLite has one writer anyhow.
    let sql = tx.pick("SELECT 1", "LOCK TABLE member_role IN SHARE ROW EXCLUSIVE MODE");
    tx.all(sql, params![], |_| Ok(())).await.map(drop)
}

/// The member with their roles and whether the account may be used.
pub async fn standing(db: &impl Executor, id: MemberId) -> Result<Option<(Standing, Status)>> {
    let sql = "SELECT id, (SELECT string_agg(role, ' ') FROM member_role WHERE member_id = member.id), status
               FROM member WHERE id = $1";
    db.one(sql, params![id], |row| {
        let (id, roles) = (row.get(0)?, row.get(1)?);
        Ok((Standing { id, roles }, row.get(2)?))
    })
    .await
}

/// Whether the member's roles permit this.
pub async fn may(db: &impl Executor, member: MemberId, permission: Permission) -> Result<bool> {
    let found = standing(db, member).await?;
    Ok(found.is_some_and(|(standing, _)| standing.roles.may(permission)))
}

/// Everybody whose roles permit this and whose account may be used.
pub async fn who_may(db: &impl Executor, permission: Permission) -> Result<Vec<MemberId>> {
    let sql =
        "SELECT r.member_id, string_agg(r.role, ' ') FROM member_role r JOIN member m ON m.id = r.member_id
               WHERE m.status = 'active' GROUP BY r.member_id";
    let staff: Vec<(MemberId, Roles)> = db
        .all(sql, params![], |row| Ok((row.get(0)?, row.get(1)?)))
        .await?;
    let may = staff.into_iter().filter(|(_, roles)| roles.may(permission));
    Ok(may.map(|(id, _)| id).collect())
}

/// False when it was held already.
pub async fn give(
    tx: &Tx,
    member: MemberId,
    role: Role,
    by: Option<MemberId>,
    now: Timestamp,
) -> Result<bool> {
    let count = tx
        .execute(
            "INSERT INTO member_role (member_id, role, granted_by, granted_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (member_id, role) DO NOTHING",
            params![member, role, by, now],
        )
        .await?;
    Ok(count > 0)
}

/// False when it was not held.
pub async fn take(tx: &Tx, member: MemberId, role: Role) -> Result<bool> {
    let sql = "DELETE FROM member_role WHERE member_id = $1 AND role = $2";
    Ok(tx.execute(sql, params![member, role]).await? > 0)
}

/// Makes the member hold these roles and no others; tells how many changed. For a restored database.
pub(crate) async fn set_roles(tx: &Tx, member: MemberId, roles: Roles, at: Timestamp) -> Result<u64> {
    if standing(tx, member).await?.is_none() {
        return Ok(0);
    }
    let mut count = 0;
    for role in Role::ALL.iter().copied() {
        let changed = if roles.has(role) {
            give(tx, member, role, None, at).await?
        } else {
            take(tx, member, role).await?
        };
        count += u64::from(changed);
    }
    Ok(count)
}

/// Whether a god with a usable account remains beside this member.
pub async fn has_other_god(tx: &Tx, member: MemberId) -> Result<bool> {
    let sql = "SELECT 1 FROM member_role r JOIN member m ON m.id = r.member_id
               WHERE r.role = 'god' AND r.member_id <> $1 AND m.status = 'active' LIMIT 1";
    Ok(tx.one(sql, params![member], |_| Ok(())).await?.is_some())
}

/// False when it stood so already.
pub(crate) async fn put_status(tx: &Tx, member: MemberId, status: Status, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE member SET status = $1, updated_at = $2 WHERE id = $3 AND status <> $1";
    Ok(tx.execute(sql, params![status, now, member]).await? > 0)
}

/// From one status to another; false when it did not stand so.
pub async fn move_status(
    tx: &Tx,
    member: MemberId,
    before: Status,
    after: Status,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE member SET status = $1, updated_at = $2 WHERE id = $3 AND status = $4";
    Ok(tx.execute(sql, params![after, now, member, before]).await? > 0)
}

/// False when it stood so already.
pub async fn put_verified(tx: &Tx, member: MemberId, at: Option<Timestamp>) -> Result<bool> {
    let sql = match at {
        Some(_) => "UPDATE member SET verified_at = $1 WHERE id = $2 AND verified_at IS NULL",
        None => "UPDATE member SET verified_at = $1 WHERE id = $2 AND verified_at IS NOT NULL",
    };
    Ok(tx.execute(sql, params![at, member]).await? > 0)
}

/// A member in the list of staff.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: MemberId,
    pub email: String,
    pub username: String,
    pub display_name: String,
    pub status: Status,
    pub suspended_until: Option<Timestamp>,
    pub roles: Roles,
    pub is_verified: bool,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

fn row(row: &db::Row<'_>) -> Result<Row> {
    Ok(Row {
        id: row.get(0)?,
        email: row.get(1)?,
        username: row.get(2)?,
        display_name: row.get(3)?,
        status: row.get(4)?,
        suspended_until: row.get(5)?,
        roles: row.get(6)?,
        is_verified: row.get(7)?,
        created_at: row.get(8)?,
        last_used_at: row.get(9)?,
    })
}

macro_rules! members {
    ($rest:literal) => {
        concat!(
            "SELECT m.id, m.email, m.username, m.display_name, m.status, m.suspended_until,
                    (SELECT string_agg(role, ' ') FROM member_role WHERE member_id = m.id),
                    m.verified_at IS NOT NULL, m.created_at,
                    (SELECT max(s.last_used_at) FROM session s WHERE s.member_id = m.id)
             FROM member m WHERE ",
            $rest
        )
    };
}

/// Which members staff look for; what is `None` does not matter.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Part of a user name, a name shown or an address.
    pub text: Option<String>,
    /// Addresses are looked at as well.
    pub by_address: bool,
    pub status: Option<Status>,
    pub role: Option<Role>,
    pub is_verified: Option<bool>,
}

/// Members, the newest first.
pub async fn find_members(db: &impl Executor, wanted: &Wanted, page: Paging) -> Result<Vec<Row>> {
    let sql = members!(
        "m.id < $1 AND (CAST($3 AS TEXT) IS NULL OR m.status = $3)
             AND (CAST($4 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM member_role r WHERE r.member_id = m.id AND r.role = $4))
             AND (CAST($5 AS BOOLEAN) IS NULL OR (m.verified_at IS NOT NULL) = $5)
             AND (CAST($6 AS TEXT) IS NULL OR m.username LIKE $6 ESCAPE '!' OR lower(m.display_name) LIKE $6 ESCAPE '!'
                  OR ($7 AND lower(m.email) LIKE $6 ESCAPE '!'))
         ORDER BY m.id DESC LIMIT $2"
    );
    let pattern = wanted.text.as_ref().map(|text| {
        let literal = text
            .to_lowercase()
            .replace('!', "!!")
            .replace('%', "!%")
            .replace('_', "!_");
        format!("%{literal}%")
    });
    db.all(
        sql,
        params![
            page.before(),
            page.fetch(),
            wanted.status,
            wanted.role,
            wanted.is_verified,
            pattern,
            wanted.by_address
        ],
        row,
    )
    .await
}

pub async fn find_member(db: &impl Executor, id: MemberId) -> Result<Option<Row>> {
    db.one(members!("m.id = $1"), params![id], row).await
}

/// When a suspension ends by itself; false when it stood so already.
pub async fn put_end(tx: &Tx, member: MemberId, until: Option<Timestamp>) -> Result<bool> {
    let sql = "UPDATE member SET suspended_until = $1 WHERE id = $2 AND suspended_until IS DISTINCT FROM $1";
    Ok(tx.execute(sql, params![until, member]).await? > 0)
}

/// Whose suspension has ended by itself, a hundred at most.
pub async fn suspended_until(db: &impl Executor, now: Timestamp) -> Result<Vec<MemberId>> {
    let sql = "SELECT id FROM member WHERE suspended_until IS NOT NULL AND suspended_until <= $1 LIMIT 100";
    db.all(sql, params![now], |row| row.get(0)).await
}

/// A member leaves: their roles go, and who gave roles to others is nobody any more.
pub(crate) async fn forget(tx: &Tx, member: MemberId) -> Result<()> {
    for sql in [
        "DELETE FROM member_role WHERE member_id = $1",
        "UPDATE member_role SET granted_by = NULL WHERE granted_by = $1",
    ] {
        tx.execute(sql, params![member]).await?;
    }
    Ok(())
}

/// A role that was given.
#[derive(Clone, Debug)]
pub struct Given {
    pub role: Role,
    pub by: Option<MemberId>,
    pub at: Timestamp,
}

pub async fn given(db: &impl Executor, member: MemberId) -> Result<Vec<Given>> {
    let sql =
        "SELECT role, granted_by, granted_at FROM member_role WHERE member_id = $1 ORDER BY granted_at, role";
    db.all(sql, params![member], |row| {
        Ok(Given {
            role: row.get(0)?,
            by: row.get(1)?,
            at: row.get(2)?,
        })
    })
    .await
}

/// Somebody who holds a role.
#[derive(Clone, Debug)]
pub struct Listed {
    pub email: String,
    pub username: String,
    pub roles: Roles,
    pub status: Status,
}

/// Everybody who holds a role, by address.
pub async fn list(db: &impl Executor) -> Result<Vec<Listed>> {
    let sql = "SELECT m.email, m.username, string_agg(r.role, ' '), m.status
               FROM member_role r JOIN member m ON m.id = r.member_id
               GROUP BY m.id, m.email, m.username, m.status ORDER BY m.email";
    db.all(sql, params![], |row| {
        Ok(Listed {
            email: row.get(0)?,
            username: row.get(1)?,
            roles: row.get(2)?,
            status: row.get(3)?,
        })
    })
    .await
}

/// Whether somebody holds super admin or god.
pub async fn has_administrator(db: &impl Executor) -> Result<bool> {
    let sql = "SELECT 1 FROM member_role WHERE role IN ('super_admin', 'god') LIMIT 1";
    Ok(db.one(sql, params![], |_| Ok(())).await?.is_some())
}

pub async fn put_code(tx: &Tx, hash: [u8; 32], now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO first_administrator_code (id, hash, created_at) VALUES (1, $1, $2)
         ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at",
        params![hash, now],
    )
    .await
    .map(drop)
}

pub async fn find_code(tx: &Tx) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT hash FROM first_administrator_code";
    tx.one(sql, params![], |row| row.get(0)).await
}

pub async fn delete_code(tx: &Tx) -> Result<()> {
    tx.execute("DELETE FROM first_administrator_code", params![])
        .await
        .map(drop)
}
