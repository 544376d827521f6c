use super::{
    LastMessage, Membership, Role, Room, RoomId, RoomKind, RoomMember, RoomName, Standing, Status,
    model::pair,
};
use crate::profiles::{Author, author_columns};
use accounts::MemberId;
use base::{Paging, Result, Timestamp};
use db::{Executor, Row, Tx, params};
use uuid::Uuid;

/// Members whose reading is told to each other: in a larger room it would be noise.
pub const FEW: i64 = 32;

/// The id behind a name; a name that is an id need not be anybody's.
pub async fn id_of(db: &impl Executor, name: &RoomName) -> Result<Option<RoomId>> {
    let slug = match name {
        RoomName::Id(id) => return Ok(Some(*id)),
        RoomName::Slug(slug) => slug,
    };
    let sql = "SELECT id FROM room WHERE community_id = @community AND slug = $1";
    db.one(sql, params![slug], |row| row.get(0)).await
}

/// The same for a room that is there.
pub async fn existing(db: &impl Executor, name: &RoomName) -> Result<Option<RoomId>> {
    match name {
        RoomName::Slug(_) => id_of(db, name).await,
        RoomName::Id(id) => {
            let sql = "SELECT id FROM room WHERE community_id = @community AND id = $1";
            db.one(sql, params![*id], |row| row.get(0)).await
        }
    }
}

/// Where a member stands with a room; nothing when there is no such room.
pub async fn standing(db: &impl Executor, member: MemberId, room: RoomId) -> Result<Option<Standing>> {
    let sql = "SELECT r.id, r.kind, r.slug, r.group_id IS NOT NULL, r.member_count, mine.role, mine.status,
                      coalesce(mine.silenced, FALSE),
                      EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community AND b.member_id = r.low_id
                              AND b.other_id = r.high_id)
               FROM room r LEFT JOIN room_member mine ON mine.room_id = r.id AND mine.member_id = $1
               WHERE r.id = $2 AND r.community_id = @community";
    db.one(sql, params![member, room], |row| {
        Ok(Standing {
            room: row.get(0)?,
            kind: row.get(1)?,
            slug: row.get(2)?,
            of_group: row.get(3)?,
            member_count: row.get(4)?,
            role: row.get::<Option<Role>>(5)?.unwrap_or(Role::Member),
            status: row.get(6)?,
            silenced: row.get(7)?,
            apart: row.get(8)?,
        })
    })
    .await
}

/// Locks the room's row: who comes, goes or is given a role in it waits here, in one order.
pub async fn lock(tx: &Tx, room: RoomId) -> Result<bool> {
    let sql = tx.pick(
        "SELECT 1 FROM room WHERE id = $1 AND community_id = @community",
        "SELECT 1 FROM room WHERE id = $1 AND community_id = @community FOR NO KEY UPDATE",
    );
    Ok(tx.one(sql, params![room], |_| Ok(())).await?.is_some())
}

/// The room between two members.
pub async fn direct_between(db: &impl Executor, one: MemberId, other: MemberId) -> Result<Option<RoomId>> {
    let (low, high) = pair(one, other);
    let sql = "SELECT id FROM room WHERE community_id = @community AND low_id = $1 AND high_id = $2";
    db.one(sql, params![low, high], |row| row.get(0)).await
}

/// The room of a group.
pub async fn of_group(db: &impl Executor, group: Uuid) -> Result<Option<RoomId>> {
    let sql = "SELECT id FROM room WHERE community_id = @community AND group_id = $1";
    db.one(sql, params![group], |row| row.get(0)).await
}

fn room(row: &Row<'_>) -> Result<Room> {
    let (id, slug): (RoomId, Option<String>) = (row.get(0)?, row.get(2)?);
    let membership = match row.get::<Option<Role>>(6)? {
        None => None,
        Some(role) => Some(Membership {
            role,
            status: row.get(7)?,
            muted: row.get(8)?,
            silenced: row.get(9)?,
            read_seq: row.get(10)?,
        }),
    };
    let last_message = match Author::maybe_at(row, 19)? {
        None => None,
        Some(sender) => Some(LastMessage {
            id: row.get(15)?,
            seq: row.get(16)?,
            body: row.get(17)?,
            created_at: row.get(18)?,
            sender,
        }),
    };
    Ok(Room {
        id,
        name: RoomName::on_the_wire(id, slug.as_deref()),
        kind: row.get(1)?,
        slug,
        title: row.get(3)?,
        member_count: row.get(4)?,
        created_at: row.get(5)?,
        other: Author::maybe_at(row, 11)?,
        membership,
        last_message,
        unread_count: row.get(23)?,
    })
}

/// A room as the reader sees it. The caller has asked `policy` whether they may.
pub async fn find(db: &impl Executor, reader: MemberId, id: RoomId) -> Result<Option<Room>> {
    let sql = "SELECT l.id, l.kind, l.slug, l.title, l.member_count, l.created_at,
                      l.role, l.status, l.muted, l.silenced, l.read_seq,
                      other.id, other.username, other.display_name, other.verified_at IS NOT NULL,
                      said.id, said.seq, said.body, said.created_at,
                      sender.id, sender.username, sender.display_name, sender.verified_at IS NOT NULL,
                      (SELECT count(*) FROM (SELECT 1 FROM message u
                           WHERE u.room_id = l.id AND u.seq > l.read_seq AND l.status = 'joined'
                               AND u.sender_id <> $1 AND u.deleted_at IS NULL
                               AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                               AND b.member_id = $1 AND b.other_id = u.sender_id)
                           LIMIT 100) unread)
               FROM (SELECT r.id, r.kind, r.slug, r.title, r.member_count, r.created_at,
                            mine.role, mine.status, mine.muted, mine.silenced, mine.read_seq,
                            CASE WHEN r.low_id = $1 THEN r.high_id ELSE r.low_id END AS other_id,
                            (SELECT x.id FROM message x
                             WHERE x.room_id = r.id AND x.deleted_at IS NULL
                                 AND (mine.status = 'joined' OR (r.kind = 'open' AND mine.status IS NULL))
                                 AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                                 AND b.member_id = $1 AND b.other_id = x.sender_id)
                             ORDER BY x.seq DESC LIMIT 1) AS said_id
                     FROM room r LEFT JOIN room_member mine ON mine.room_id = r.id AND mine.member_id = $1
                     WHERE r.id = $2 AND r.community_id = @community) l
               LEFT JOIN member other ON other.id = l.other_id
               LEFT JOIN message said ON said.id = l.said_id
               LEFT JOIN member sender ON sender.id = said.sender_id";
    db.one(sql, params![reader, id], room).await
}

/// The rooms a member is in or invited to, those with the latest news first. A direct room
/// shows once something was said in it, and not across a block.
pub async fn list_rooms(db: &impl Executor, reader: MemberId, page: Paging) -> Result<Vec<Room>> {
    let sql = "SELECT l.id, l.kind, l.slug, l.title, l.member_count, l.created_at,
                      l.role, l.status, l.muted, l.silenced, l.read_seq,
                      other.id, other.username, other.display_name, other.verified_at IS NOT NULL,
                      said.id, said.seq, said.body, said.created_at,
                      sender.id, sender.username, sender.display_name, sender.verified_at IS NOT NULL,
                      (SELECT count(*) FROM (SELECT 1 FROM message u
                           WHERE u.room_id = l.id AND u.seq > l.read_seq AND l.status = 'joined'
                               AND u.sender_id <> $1 AND u.deleted_at IS NULL
                               AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                               AND b.member_id = $1 AND b.other_id = u.sender_id)
                           LIMIT 100) unread)
               FROM (SELECT r.id, r.kind, r.slug, r.title, r.member_count, r.created_at,
                            mine.role, mine.status, mine.muted, mine.silenced, mine.read_seq,
                            CASE WHEN r.low_id = $1 THEN r.high_id ELSE r.low_id END AS other_id,
                            (SELECT x.id FROM message x
                             WHERE x.room_id = r.id AND x.deleted_at IS NULL AND mine.status = 'joined'
                                 AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                                 AND b.member_id = $1 AND b.other_id = x.sender_id)
                             ORDER BY x.seq DESC LIMIT 1) AS said_id
                     FROM room_member mine JOIN room r ON r.id = mine.room_id
                     WHERE r.community_id = @community AND mine.member_id = $1
                         AND mine.status IN ('joined', 'invited')
                         AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                         AND b.member_id = r.low_id AND b.other_id = r.high_id)) l
               LEFT JOIN member other ON other.id = l.other_id
               LEFT JOIN message said ON said.id = l.said_id
               LEFT JOIN member sender ON sender.id = said.sender_id
               WHERE (l.kind <> 'direct' OR l.said_id IS NOT NULL) AND coalesce(l.said_id, l.id) < $2
               ORDER BY coalesce(l.said_id, l.id) DESC LIMIT $3";
    db.all(sql, params![reader, page.before(), page.fetch()], room)
        .await
}

/// Where a room stands in its reader's list.
pub fn place(room: &Room) -> Uuid {
    room.last_message.as_ref().map_or(room.id.0, |said| said.id.0)
}

/// Rooms that anybody may enter, the newest first.
pub async fn list_open(db: &impl Executor, reader: MemberId, page: Paging) -> Result<Vec<Room>> {
    let sql = "SELECT r.id, r.kind, r.slug, r.title, r.member_count, r.created_at,
                      mine.role, mine.status, mine.muted, mine.silenced, mine.read_seq,
                      NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0
               FROM room r LEFT JOIN room_member mine ON mine.room_id = r.id AND mine.member_id = $1
               WHERE r.community_id = @community AND r.kind = 'open' AND r.id < $2
               ORDER BY r.id DESC LIMIT $3";
    db.all(sql, params![reader, page.before(), page.fetch()], room)
        .await
}

/// Rooms with something unread that are not muted, and how much, each counted up to 100.
pub async fn unread(db: &impl Executor, reader: MemberId) -> Result<Vec<i64>> {
    let sql = "SELECT n FROM (SELECT (SELECT count(*) FROM (SELECT 1 FROM message u
                       WHERE u.room_id = mine.room_id AND u.seq > mine.read_seq
                           AND u.sender_id <> $1 AND u.deleted_at IS NULL
                           AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                           AND b.member_id = $1 AND b.other_id = u.sender_id)
                       LIMIT 100) unread) AS n
                   FROM room_member mine
                   WHERE mine.community_id = @community AND mine.member_id = $1 AND mine.status = 'joined'
                       AND NOT mine.muted) rooms
               WHERE n > 0";
    db.all(sql, params![reader], |row| row.get(0)).await
}

/// Who is in a room or invited to it. Whom the reader must not see is left out.
pub async fn list_members(
    db: &impl Executor,
    reader: MemberId,
    room: RoomId,
    page: Paging,
) -> Result<Vec<RoomMember>> {
    let sql = concat!(
        "SELECT ",
        author_columns!("m"),
        ", rm.role, rm.status, rm.silenced,
                      CASE WHEN r.member_count <= $5 THEN rm.read_seq END, rm.created_at
               FROM room_member rm JOIN member m ON m.id = rm.member_id JOIN room r ON r.id = rm.room_id
               WHERE rm.community_id = @community AND rm.room_id = $2 AND rm.status IN ('joined', 'invited')
                   AND rm.member_id < $3
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $1 AND b.other_id = rm.member_id)
               ORDER BY rm.member_id DESC LIMIT $4"
    );
    db.all(
        sql,
        params![reader, room, page.before(), page.fetch(), FEW],
        |row| {
            Ok(RoomMember {
                member: Author::at(row, 0)?,
                role: row.get(4)?,
                status: row.get(5)?,
                silenced: row.get(6)?,
                read_seq: row.get(7)?,
                joined_at: row.get(8)?,
            })
        },
    )
    .await
}

/// The role and the status of somebody else, when the asker may see them.
pub async fn member(
    db: &impl Executor,
    room: RoomId,
    asker: MemberId,
    member: MemberId,
) -> Result<Option<(Role, Status)>> {
    let sql = "SELECT role, status FROM room_member
               WHERE community_id = @community AND room_id = $1 AND member_id = $2
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $3 AND b.other_id = $2)";
    db.one(sql, params![room, member, asker], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .await
}

/// Who takes over from an owner who leaves: an admin before others, the longest there first.
pub async fn heir(db: &impl Executor, room: RoomId, owner: MemberId) -> Result<Option<MemberId>> {
    let sql = "SELECT member_id FROM room_member
               WHERE community_id = @community AND room_id = $1 AND status = 'joined' AND member_id <> $2
               ORDER BY CASE role WHEN 'admin' THEN 0 ELSE 1 END, created_at, member_id LIMIT 1";
    db.one(sql, params![room, owner], |row| row.get(0)).await
}

/// What makes a new room.
pub struct NewRoom<'a> {
    pub id: RoomId,
    pub kind: RoomKind,
    pub slug: Option<&'a str>,
    pub title: &'a str,
    pub pair: Option<(MemberId, MemberId)>,
    pub group: Option<Uuid>,
}

pub async fn insert(tx: &Tx, new: NewRoom<'_>, now: Timestamp) -> Result<()> {
    let (low, high) = new.pair.unzip();
    tx.execute(
        "INSERT INTO room (id, community_id, kind, slug, title, low_id, high_id, group_id, created_at)
         VALUES ($1, @community, $2, $3, $4, $5, $6, $7, $8)",
        params![new.id, new.kind, new.slug, new.title, low, high, new.group, now],
    )
    .await
    .map(drop)
}

/// Removes a room with all that was said in it.
pub async fn delete(tx: &Tx, room: RoomId) -> Result<()> {
    tx.execute(
        "DELETE FROM room WHERE id = $1 AND community_id = @community",
        params![room],
    )
    .await
    .map(drop)
}

pub async fn rename(tx: &Tx, room: RoomId, title: &str) -> Result<()> {
    tx.execute(
        "UPDATE room SET title = $1 WHERE id = $2 AND community_id = @community",
        params![title, room],
    )
    .await
    .map(drop)
}

/// Writes where a member stands now. Who joins has read what was said before.
pub async fn put_member(
    tx: &Tx,
    room: RoomId,
    member: MemberId,
    role: Role,
    status: Status,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO room_member (community_id, room_id, member_id, role, status, read_seq, created_at)
         VALUES (@community, $1, $2, $3, $4, (SELECT coalesce(max(seq), 0) FROM message WHERE room_id = $1), $5)
         ON CONFLICT (room_id, member_id) DO UPDATE
         SET role = excluded.role, status = excluded.status, read_seq = excluded.read_seq,
             created_at = excluded.created_at",
        params![room, member, role, status, now],
    )
    .await
    .map(drop)
}

pub async fn delete_member(tx: &Tx, room: RoomId, member: MemberId) -> Result<()> {
    tx.execute(
        "DELETE FROM room_member WHERE room_id = $1 AND member_id = $2 AND community_id = @community",
        params![room, member],
    )
    .await
    .map(drop)
}

pub async fn count(tx: &Tx, room: RoomId, by: i64) -> Result<i64> {
    let sql = "UPDATE room SET member_count = member_count + $1 WHERE id = $2 AND community_id = @community
               RETURNING member_count";
    let count = tx.one(sql, params![by, room], |row| row.get(0)).await?;
    count.ok_or_else(|| base::error::not_found("room"))
}

pub async fn put_role(tx: &Tx, room: RoomId, member: MemberId, role: Role) -> Result<()> {
    tx.execute(
        "UPDATE room_member SET role = $1 WHERE room_id = $2 AND member_id = $3 AND community_id = @community",
        params![role, room, member],
    )
    .await
    .map(drop)
}

pub async fn put_silenced(tx: &Tx, room: RoomId, member: MemberId, silenced: bool) -> Result<()> {
    tx.execute(
        "UPDATE room_member SET silenced = $1 WHERE room_id = $2 AND member_id = $3 AND community_id = @community",
        params![silenced, room, member],
    )
    .await
    .map(drop)
}

pub async fn put_muted(tx: &Tx, room: RoomId, member: MemberId, muted: bool) -> Result<()> {
    tx.execute(
        "UPDATE room_member SET muted = $1 WHERE room_id = $2 AND member_id = $3 AND community_id = @community",
        params![muted, room, member],
    )
    .await
    .map(drop)
}

/// Moves the reader's mark forward, never back; gives it when it moved. Nothing beyond what was said counts.
pub async fn put_read(tx: &Tx, room: RoomId, member: MemberId, seq: i64) -> Result<Option<i64>> {
    let sql = "UPDATE room_member
               SET read_seq = (SELECT max(m.seq) FROM message m WHERE m.room_id = $1 AND m.seq <= $3)
               WHERE room_id = $1 AND member_id = $2 AND community_id = @community AND status = 'joined'
                   AND read_seq < (SELECT max(m.seq) FROM message m WHERE m.room_id = $1 AND m.seq <= $3)
               RETURNING read_seq";
    tx.one(sql, params![room, member, seq], |row| row.get(0)).await
}

/// How far a member has read.
pub async fn read_seq(db: &impl Executor, room: RoomId, member: MemberId) -> Result<i64> {
    let sql = "SELECT read_seq FROM room_member
               WHERE room_id = $1 AND member_id = $2 AND community_id = @community";
    let seq = db.one(sql, params![room, member], |row| row.get(0)).await?;
    Ok(seq.unwrap_or(0))
}

/// Of these members, who may read the room; the statement says what `policy::may_read` says.
pub async fn readers(db: &impl Executor, room: RoomId, among: &[MemberId]) -> Result<Vec<MemberId>> {
    let among: serde_json::Value = among.iter().map(|id| id.0.simple().to_string()).collect();
    let sql = db.pick(
        "SELECT w.id FROM (SELECT unhex(value) AS id FROM json_each($2)) w
         JOIN room r ON r.id = $1 AND r.community_id = @community
         LEFT JOIN room_member rm ON rm.room_id = r.id AND rm.member_id = w.id
         WHERE CASE r.kind WHEN 'open' THEN coalesce(rm.status <> 'removed', TRUE)
               ELSE rm.status = 'joined' AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                                         AND b.member_id = r.low_id AND b.other_id = r.high_id) END",
        "SELECT w.id FROM (SELECT value::uuid AS id FROM jsonb_array_elements_text($2)) w
         JOIN room r ON r.id = $1 AND r.community_id = @community
         LEFT JOIN room_member rm ON rm.room_id = r.id AND rm.member_id = w.id
         WHERE CASE r.kind WHEN 'open' THEN coalesce(rm.status <> 'removed', TRUE)
               ELSE rm.status = 'joined' AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                                         AND b.member_id = r.low_id AND b.other_id = r.high_id) END",
    );
    db.all(sql, params![room, among], |row| row.get(0)).await
}

/// Ids as a statement takes them.
pub fn ids(ids: &[Uuid]) -> serde_json::Value {
    ids.iter().map(|id| id.simple().to_string()).collect()
}

/// How rooms are called: kind, short name, title.
pub async fn named(
    db: &impl Executor,
    rooms: &[Uuid],
) -> Result<Vec<(RoomId, RoomKind, Option<String>, String)>> {
    let sql = db.pick(
        "SELECT r.id, r.kind, r.slug, r.title FROM json_each($1) w
         JOIN room r ON r.id = unhex(w.value) AND r.community_id = @community",
        "SELECT r.id, r.kind, r.slug, r.title FROM jsonb_array_elements_text($1) w
         JOIN room r ON r.id = w.value::uuid AND r.community_id = @community",
    );
    db.all(sql, params![ids(rooms)], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })
    .await
}

pub async fn authors(db: &impl Executor, members: &[Uuid]) -> Result<Vec<Author>> {
    let sql = db.pick(
        concat!(
            "SELECT ",
            author_columns!("m"),
            " FROM json_each($1) w JOIN member m ON m.id = unhex(w.value)"
        ),
        concat!(
            "SELECT ",
            author_columns!("m"),
            " FROM jsonb_array_elements_text($1) w
         JOIN member m ON m.id = w.value::uuid"
        ),
    );
    db.all(sql, params![ids(members)], |row| Author::at(row, 0)).await
}

/// What these members may do in a room.
pub async fn roles(
    db: &impl Executor,
    room: RoomId,
    members: &[Uuid],
) -> Result<Vec<(MemberId, Role, bool)>> {
    let sql = db.pick(
        "SELECT rm.member_id, rm.role, rm.silenced FROM json_each($2) w
         JOIN room_member rm ON rm.room_id = $1 AND rm.member_id = unhex(w.value) AND rm.community_id = @community",
        "SELECT rm.member_id, rm.role, rm.silenced FROM jsonb_array_elements_text($2) w
         JOIN room_member rm ON rm.room_id = $1 AND rm.member_id = w.value::uuid AND rm.community_id = @community",
    );
    db.all(sql, params![room, ids(members)], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
    .await
}

/// Some rooms that a member has to do with.
pub async fn some_of(db: &impl Executor, member: MemberId) -> Result<Vec<RoomId>> {
    let sql = "SELECT room_id FROM room_member WHERE community_id = @community AND member_id = $1
               ORDER BY room_id LIMIT 50";
    db.all(sql, params![member], |row| row.get(0)).await
}
