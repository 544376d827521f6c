use super::{
    Group, GroupId, GroupKind, GroupRole, GroupVisibility, Membership, Status, cities::City, model::CityGroup,
};
use crate::{
    posts::PostId,
    profiles::{Author, author_columns},
    rooms::RoomId,
};
use accounts::MemberId;
use base::{Paging, Result, Timestamp};
use db::{Executor, OrConflict, Row, Tx, params};
use uuid::Uuid;

/// Groups as the reader `$1` sees them.
macro_rules! groups {
    ($($rest:literal),*) => {
        concat!(
            "SELECT g.id, g.slug, g.name, g.kind, g.tango_role, g.visibility, g.description, g.city, g.country,
                    g.latitude, g.longitude, g.member_count, (SELECT ro.id FROM room ro WHERE ro.group_id = g.id AND ro.community_id = @community), g.created_at, g.edited_at, g.version,
                    mine.status, mine.role
             FROM community_group g
             LEFT JOIN group_member mine ON mine.group_id = g.id AND mine.member_id = $1 ",
            $($rest),*
        )
    };
}

fn group(row: &Row<'_>) -> Result<Group> {
    let status: Option<Status> = row.get(16)?;
    let member = status == Some(Status::Active);
    Ok(Group {
        id: row.get(0)?,
        slug: row.get(1)?,
        name: row.get(2)?,
        kind: row.get(3)?,
        tango_role: row.get(4)?,
        visibility: row.get(5)?,
        description: row.get(6)?,
        city: row.get(7)?,
        country: row.get(8)?,
        latitude: row.get(9)?,
        longitude: row.get(10)?,
        member_count: row.get(11)?,
        room_id: row.get::<Option<RoomId>>(12)?.filter(|_| member),
        created_at: row.get(13)?,
        edited_at: row.get(14)?,
        version: row.get(15)?,
        my_status: status.filter(|status| *status != Status::Left),
        my_role: row.get::<Option<GroupRole>>(17)?.filter(|_| member),
    })
}

pub async fn find(db: &impl Executor, reader: MemberId, id: GroupId) -> Result<Option<Group>> {
    let sql = groups!("WHERE g.id = $2 AND g.community_id = @community");
    db.one(sql, params![reader, id], group).await
}

pub async fn find_by_slug(db: &impl Executor, reader: MemberId, slug: &str) -> Result<Option<Group>> {
    let sql = groups!("WHERE g.slug = $2 AND g.community_id = @community");
    db.one(sql, params![reader, slug], group).await
}

pub async fn name(db: &impl Executor, id: GroupId) -> Result<String> {
    let sql = "SELECT name FROM community_group WHERE id = $1 AND community_id = @community";
    let name = db.one(sql, params![id], |row| row.get(0)).await?;
    name.ok_or_else(|| base::error::not_found("group"))
}

/// The group, locked: whoever changes its members waits here, in one order.
pub async fn lock(tx: &Tx, reader: MemberId, id: GroupId) -> Result<Option<Group>> {
    let sql = tx.pick(
        "SELECT id FROM community_group WHERE id = $1 AND community_id = @community",
        "SELECT id FROM community_group WHERE id = $1 AND community_id = @community FOR UPDATE",
    );
    match tx.one(sql, params![id], |row| row.get::<GroupId>(0)).await? {
        Some(_) => find(tx, reader, id).await,
        None => Ok(None),
    }
}

/// What the reader may know of, the newest first.
pub async fn list(
    db: &impl Executor,
    reader: MemberId,
    kind: Option<GroupKind>,
    country: Option<&str>,
    page: Paging,
) -> Result<Vec<Group>> {
    let (before, limit, country) = (page.before(), page.fetch(), country.unwrap_or_default());
    let Some(kind) = kind else {
        let sql = groups!(
            "WHERE g.community_id = @community AND g.id < $2
                 AND (g.visibility <> 'private' OR mine.status IN ('active', 'requested', 'invited'))
                 AND ($3 = '' OR g.country = $3)
             ORDER BY g.id DESC LIMIT $4"
        );
        return db.all(sql, params![reader, before, country, limit], group).await;
    };
    let sql = groups!(
        "WHERE g.community_id = @community AND g.kind = $2 AND g.id < $3
             AND (g.visibility <> 'private' OR mine.status IN ('active', 'requested', 'invited'))
             AND ($4 = '' OR g.country = $4)
         ORDER BY g.id DESC LIMIT $5"
    );
    db.all(sql, params![reader, kind, before, country, limit], group)
        .await
}

/// The reader's own groups, or those they are asked into or have asked to join.
pub async fn list_mine(
    db: &impl Executor,
    reader: MemberId,
    status: Status,
    page: Paging,
) -> Result<Vec<Group>> {
    let sql = "SELECT g.id, g.slug, g.name, g.kind, g.tango_role, g.visibility, g.description, g.city, g.country,
                      g.latitude, g.longitude, g.member_count, (SELECT ro.id FROM room ro WHERE ro.group_id = g.id AND ro.community_id = @community), g.created_at, g.edited_at, g.version,
                      mine.status, mine.role
               FROM group_member mine JOIN community_group g ON g.id = mine.group_id
               WHERE mine.member_id = $1 AND mine.status = $2 AND mine.group_id < $3 AND g.community_id = @community
               ORDER BY mine.group_id DESC LIMIT $4";
    db.all(sql, params![reader, status, page.before(), page.fetch()], group)
        .await
}

/// All groups of cities, for the map: with how many belong to them and how many events lie ahead.
pub async fn list_cities(db: &impl Executor, now: Timestamp, page: Paging) -> Result<Vec<CityGroup>> {
    let sql = "SELECT g.id, g.slug, g.name, g.country, g.latitude, g.longitude, g.member_count,
                      (SELECT count(*) FROM event e
                       WHERE e.community_id = g.community_id AND e.city = g.name AND e.starts_at >= $1)
               FROM community_group g
               WHERE g.community_id = @community AND g.kind = 'city' AND g.id < $2
               ORDER BY g.id DESC LIMIT $3";
    db.all(sql, params![now, page.before(), page.fetch()], |row| {
        Ok(CityGroup {
            id: row.get(0)?,
            slug: row.get(1)?,
            name: row.get(2)?,
            country: row.get(3)?,
            latitude: row.get(4)?,
            longitude: row.get(5)?,
            member_count: row.get(6)?,
            event_count: row.get(7)?,
        })
    })
    .await
}

/// A group as it is made.
pub struct Founding {
    pub id: GroupId,
    pub slug: String,
    pub name: String,
    pub kind: GroupKind,
    pub tango_role: Option<String>,
    pub visibility: GroupVisibility,
    pub description: String,
    pub city: Option<City>,
    pub created_by: Option<MemberId>,
}

/// False when the slug is taken: somebody else was faster.
pub async fn insert(tx: &Tx, new: &Founding, now: Timestamp) -> Result<bool> {
    let city = new.city.as_ref();
    let place = city.and_then(|city| city.place);
    let count = tx
        .execute(
            "INSERT INTO community_group (id, community_id, slug, name, kind, tango_role, visibility, description, city,
                                          country, latitude, longitude, created_by, created_at)
             VALUES ($1, @community, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
            params![
                new.id,
                new.slug,
                new.name,
                new.kind,
                new.tango_role,
                new.visibility,
                new.description,
                city.map(|city| city.name.as_str()),
                city.and_then(|city| city.country.as_deref()),
                place.map(|place| place.0),
                place.map(|place| place.1),
                new.created_by,
                now,
            ],
        )
        .await?;
    Ok(count > 0)
}

pub async fn update(tx: &Tx, group: &Group) -> Result<bool> {
    let count = tx
        .execute(
            "UPDATE community_group SET name = $1, description = $2, visibility = $3, edited_at = $4, version = version + 1
             WHERE id = $5 AND version = $6 AND community_id = @community",
            params![
                group.name,
                group.description,
                group.visibility,
                group.edited_at,
                group.id,
                group.version,
            ],
        )
        .await?;
    Ok(count > 0)
}

pub async fn put_place(tx: &Tx, id: GroupId, latitude: f64, longitude: f64) -> Result<()> {
    tx.execute(
        "UPDATE community_group SET latitude = $1, longitude = $2 WHERE id = $3 AND community_id = @community",
        params![latitude, longitude, id],
    )
    .await
    .map(drop)
}

pub async fn delete(tx: &Tx, id: GroupId) -> Result<()> {
    tx.execute(
        "DELETE FROM community_group WHERE id = $1 AND community_id = @community",
        params![id],
    )
    .await
    .map(drop)
}

/// How somebody stands to the group, in whatever way.
pub async fn standing_of(
    db: &impl Executor,
    id: GroupId,
    member: MemberId,
) -> Result<Option<(Status, GroupRole)>> {
    let sql = "SELECT status, role FROM group_member
               WHERE group_id = $1 AND member_id = $2 AND community_id = @community";
    db.one(sql, params![id, member], |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// Writes how somebody stands to the group from now on, and counts. The group is locked.
pub async fn put_member(
    tx: &Tx,
    id: GroupId,
    member: MemberId,
    status: Status,
    role: GroupRole,
    invited_by: Option<MemberId>,
    now: Timestamp,
) -> Result<()> {
    let before = standing_of(tx, id, member).await?.map(|(status, _)| status);
    tx.execute(
        "INSERT INTO group_member (community_id, group_id, member_id, status, role, invited_by, created_at)
         VALUES (@community, $1, $2, $3, $4, $5, $6)
         ON CONFLICT (group_id, member_id) DO UPDATE
             SET status = excluded.status, role = excluded.role, created_at = excluded.created_at,
                 invited_by = coalesce(excluded.invited_by, group_member.invited_by)",
        params![id, member, status, role, invited_by, now],
    )
    .await
    .or_missing("member")?;
    let active = |status| i64::from(status == Some(Status::Active));
    count(tx, id, active(Some(status)) - active(before)).await
}

/// Forgets that they had anything to do with each other. Not for active members.
pub async fn drop_member(tx: &Tx, id: GroupId, member: MemberId) -> Result<()> {
    tx.execute(
        "DELETE FROM group_member
         WHERE group_id = $1 AND member_id = $2 AND status <> 'active' AND community_id = @community",
        params![id, member],
    )
    .await
    .map(drop)
}

async fn count(tx: &Tx, id: GroupId, by: i64) -> Result<()> {
    if by == 0 {
        return Ok(());
    }
    tx.execute(
        "UPDATE community_group SET member_count = member_count + $1 WHERE id = $2 AND community_id = @community",
        params![by, id],
    )
    .await
    .map(drop)
}

/// Active admins besides this member.
pub async fn other_admins(db: &impl Executor, id: GroupId, member: MemberId) -> Result<i64> {
    let sql = "SELECT count(*) FROM group_member
               WHERE group_id = $1 AND status = 'active' AND role = 'admin' AND member_id <> $2
                   AND community_id = @community";
    Ok(db
        .one(sql, params![id, member], |row| row.get(0))
        .await?
        .unwrap_or(0))
}

/// Who stands so to the group, as the reader sees it: the newest account first.
pub async fn list_members(
    db: &impl Executor,
    reader: MemberId,
    id: GroupId,
    status: Status,
    page: Paging,
) -> Result<Vec<Membership>> {
    let sql = concat!(
        "SELECT ",
        author_columns!("m"),
        ", gm.role, gm.status, gm.created_at
               FROM group_member gm JOIN member m ON m.id = gm.member_id
               WHERE gm.group_id = $2 AND gm.status = $3 AND gm.member_id < $4 AND gm.community_id = @community
                   AND m.status = 'active'
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $1 AND b.other_id = gm.member_id)
               ORDER BY gm.member_id DESC LIMIT $5"
    );
    db.all(
        sql,
        params![reader, id, status, page.before(), page.fetch()],
        |row| {
            Ok(Membership {
                member: Author::at(row, 0)?,
                role: row.get(4)?,
                status: row.get(5)?,
                since: row.get(6)?,
            })
        },
    )
    .await
}

/// Those who decide about requests.
pub async fn moderators(db: &impl Executor, id: GroupId) -> Result<Vec<MemberId>> {
    let sql = "SELECT member_id FROM group_member
               WHERE group_id = $1 AND status = 'active' AND role <> 'member' AND community_id = @community
               ORDER BY member_id";
    db.all(sql, params![id], |row| row.get(0)).await
}

/// Whether a post stands in the group.
pub async fn holds_post(db: &impl Executor, id: GroupId, post: PostId) -> Result<bool> {
    let sql = "SELECT 1 FROM post WHERE id = $1 AND group_id = $2 AND community_id = @community";
    Ok(db.one(sql, params![post, id], |_| Ok(())).await?.is_some())
}

/// Posts on top, the last pinned first.
pub async fn pins(db: &impl Executor, id: GroupId) -> Result<Vec<PostId>> {
    let sql = "SELECT post_id FROM group_pin WHERE group_id = $1 AND community_id = @community
               ORDER BY created_at DESC, post_id DESC";
    db.all(sql, params![id], |row| row.get(0)).await
}

pub async fn pin(tx: &Tx, id: GroupId, post: PostId, by: MemberId, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO group_pin (community_id, group_id, post_id, pinned_by, created_at)
         VALUES (@community, $1, $2, $3, $4) ON CONFLICT DO NOTHING",
        params![id, post, by, now],
    )
    .await
    .or_missing("post")
    .map(drop)
}

pub async fn unpin(tx: &Tx, id: GroupId, post: PostId) -> Result<()> {
    tx.execute(
        "DELETE FROM group_pin WHERE group_id = $1 AND post_id = $2 AND community_id = @community",
        params![id, post],
    )
    .await
    .map(drop)
}

/// What the automation did.
pub async fn record(tx: &Tx, entry: AutomationEntry<'_>, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO automation_audit (id, community_id, topic, source, input, result, group_id, member_id, created_at)
         VALUES ($1, @community, 'city_group', $2, $3, 'created', $4, $5, $6)",
        params![
            entry.id,
            entry.source,
            entry.input,
            entry.group,
            entry.member,
            now
        ],
    )
    .await
    .map(drop)
}

pub struct AutomationEntry<'a> {
    pub id: Uuid,
    /// What named the city: `member`, `profile`, `event`, `post`.
    pub source: &'a str,
    /// As it was written.
    pub input: &'a str,
    pub group: GroupId,
    pub member: Option<MemberId>,
}

/// Active members beyond an id, in the order of ids.
pub async fn members_after(
    db: &impl Executor,
    id: GroupId,
    after: MemberId,
    limit: i64,
) -> Result<Vec<MemberId>> {
    let sql = "SELECT member_id FROM group_member
               WHERE group_id = $1 AND status = 'active' AND member_id > $2 AND community_id = @community
               ORDER BY member_id LIMIT $3";
    db.all(sql, params![id, after, limit], |row| row.get(0)).await
}

/// Groups in which the member counts, in the order in which they are locked.
pub async fn groups_of(db: &impl Executor, member: MemberId) -> Result<Vec<(GroupId, GroupRole)>> {
    let sql = "SELECT group_id, role FROM group_member
               WHERE member_id = $1 AND status = 'active' AND community_id = @community ORDER BY group_id";
    db.all(sql, params![member], |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// Who would be admin next: moderators before members, the longest there first.
pub async fn heir(db: &impl Executor, id: GroupId, of: MemberId) -> Result<Option<MemberId>> {
    let sql = "SELECT member_id FROM group_member
               WHERE group_id = $1 AND status = 'active' AND member_id <> $2 AND community_id = @community
               ORDER BY CASE role WHEN 'moderator' THEN 0 ELSE 1 END, created_at, member_id LIMIT 1";
    db.one(sql, params![id, of], |row| row.get(0)).await
}

/// A member leaves: nobody made, pinned or invited what they did.
pub async fn forget(tx: &Tx, member: MemberId) -> Result<()> {
    for sql in [
        "DELETE FROM group_member /* every community */ WHERE member_id = $1",
        "UPDATE group_member /* every community */ SET invited_by = NULL WHERE invited_by = $1",
        "UPDATE group_pin /* every community */ SET pinned_by = NULL WHERE pinned_by = $1",
        "UPDATE community_group /* every community */ SET created_by = NULL WHERE created_by = $1",
    ] {
        tx.execute(sql, params![member]).await?;
    }
    Ok(())
}
