use super::{
    Message, MessageId, ReactionCount,
    model::{Facts, Saying},
};
use crate::{
    profiles::{Author, author_columns},
    reactions::Reaction,
    rooms::{RoomId, RoomKind, RoomName, Status, store::ids},
};
use accounts::MemberId;
use base::{Result, Timestamp};
use db::{Executor, Row, Tx, params};
use serde_json::json;
use std::collections::HashMap;
use uuid::Uuid;

/// What `message()` reads of the message `m` in the room `r`, said by `a`; and what the reader feels about it.
macro_rules! message_columns {
    ($mine:literal) => {
        concat!(
            "m.id, m.seq, m.body, m.client_id, m.reply_to_id, m.forwarded, m.created_at, m.edited_at,
             m.deleted_at IS NOT NULL, ",
            author_columns!("a"),
            ", ",
            $mine,
            ", r.id, r.slug, m.media_count"
        )
    };
}

fn message(row: &Row<'_>) -> Result<Message> {
    let (room, slug): (RoomId, Option<String>) = (row.get(14)?, row.get(15)?);
    Ok(Message {
        id: row.get(0)?,
        room: RoomName::on_the_wire(room, slug.as_deref()),
        seq: row.get(1)?,
        body: row.get(2)?,
        client_id: row.get(3)?,
        reply_to_id: row.get(4)?,
        forwarded: row.get(5)?,
        created_at: row.get(6)?,
        edited_at: row.get(7)?,
        deleted: row.get(8)?,
        sender: Author::at(row, 9)?,
        reaction: row.get(13)?,
        reactions: vec![],
        media_count: row.get(16)?,
        media: vec![],
    })
}

/// What was said in a room before a place, the latest first. Whom the reader must not hear is left out.
pub async fn history(
    db: &impl Executor,
    reader: MemberId,
    room: RoomId,
    before: i64,
    limit: i64,
) -> Result<Vec<Message>> {
    let sql = concat!(
        "SELECT ",
        message_columns!("mine.kind"),
        " FROM message m JOIN room r ON r.id = m.room_id JOIN member a ON a.id = m.sender_id
               LEFT JOIN message_reaction mine ON mine.message_id = m.id AND mine.member_id = $1
               WHERE m.community_id = @community AND m.room_id = $2 AND m.seq < $3
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $1 AND b.other_id = m.sender_id)
               ORDER BY m.seq DESC LIMIT $4"
    );
    let found = db.all(sql, params![reader, room, before, limit], message).await?;
    with_reactions(db, found).await
}

/// Those of them that hold a text, whatever its case and accents.
pub async fn search(
    db: &impl Executor,
    reader: MemberId,
    room: RoomId,
    text: &str,
    before: i64,
    limit: i64,
) -> Result<Vec<Message>> {
    // Folding leaves letters, digits and spaces, so LIKE meets none of its own signs.
    let pattern = format!("%{}%", base::fold(text));
    let sql = concat!(
        "SELECT ",
        message_columns!("mine.kind"),
        " FROM message m JOIN room r ON r.id = m.room_id JOIN member a ON a.id = m.sender_id
               LEFT JOIN message_reaction mine ON mine.message_id = m.id AND mine.member_id = $1
               WHERE m.community_id = @community AND m.room_id = $2 AND m.seq < $3
                   AND m.deleted_at IS NULL AND m.folded LIKE $5
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $1 AND b.other_id = m.sender_id)
               ORDER BY m.seq DESC LIMIT $4"
    );
    let found = db
        .all(sql, params![reader, room, before, limit, pattern], message)
        .await?;
    with_reactions(db, found).await
}

/// One message, when the reader must not be kept from its sender.
pub async fn find(db: &impl Executor, reader: MemberId, id: MessageId) -> Result<Option<Message>> {
    let sql = concat!(
        "SELECT ",
        message_columns!("mine.kind"),
        " FROM message m JOIN room r ON r.id = m.room_id JOIN member a ON a.id = m.sender_id
               LEFT JOIN message_reaction mine ON mine.message_id = m.id AND mine.member_id = $1
               WHERE m.id = $2 AND m.community_id = @community
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $1 AND b.other_id = m.sender_id)"
    );
    let found = db.all(sql, params![reader, id], message).await?;
    Ok(with_reactions(db, found).await?.into_iter().next())
}

async fn with_reactions(db: &impl Executor, mut messages: Vec<Message>) -> Result<Vec<Message>> {
    let ids: Vec<Uuid> = messages.iter().map(|message| message.id.0).collect();
    let mut counts = reactions(db, &ids).await?;
    for message in &mut messages {
        message.reactions = counts.remove(&message.id.0).unwrap_or_default();
    }
    Ok(messages)
}

/// How many feel how about these messages.
pub async fn reactions(db: &impl Executor, messages: &[Uuid]) -> Result<HashMap<Uuid, Vec<ReactionCount>>> {
    if messages.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = db.pick(
        "SELECT x.message_id, x.kind, count(*) FROM json_each($1) w
         JOIN message_reaction x ON x.message_id = unhex(w.value) AND x.community_id = @community
         GROUP BY x.message_id, x.kind ORDER BY x.message_id, count(*) DESC, x.kind",
        "SELECT x.message_id, x.kind, count(*) FROM message_reaction x
         WHERE x.message_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1)::uuid)) AND x.community_id = @community
         GROUP BY x.message_id, x.kind ORDER BY x.message_id, count(*) DESC, x.kind",
    );
    let rows = db
        .all(sql, params![ids(messages)], |row| {
            let (kind, count) = (row.get(1)?, row.get(2)?);
            Ok((row.get::<Uuid>(0)?, ReactionCount { kind, count }))
        })
        .await?;
    let mut counts: HashMap<Uuid, Vec<ReactionCount>> = HashMap::new();
    for (message, count) in rows {
        counts.entry(message).or_default().push(count);
    }
    Ok(counts)
}

/// Messages as they stand, for those who hear of them later. Who said them is told to nobody
/// who must not hear it by the one who sends.
pub async fn these(db: &impl Executor, messages: &[Uuid]) -> Result<Vec<Message>> {
    let sql = db.pick(
        concat!(
            "SELECT ",
            message_columns!("NULL"),
            " FROM json_each($1) w JOIN message m ON m.id = unhex(w.value) AND m.community_id = @community
         JOIN room r ON r.id = m.room_id JOIN member a ON a.id = m.sender_id"
        ),
        concat!(
            "SELECT ",
            message_columns!("NULL::text"),
            " FROM jsonb_array_elements_text($1) w JOIN message m ON m.id = w.value::uuid AND m.community_id = @community
         JOIN room r ON r.id = m.room_id JOIN member a ON a.id = m.sender_id"
        ),
    );
    db.all(sql, params![ids(messages)], message).await
}

/// The facts about a message; its row is locked, so that an edit and a deletion come one after the other.
pub async fn lock(tx: &Tx, reader: MemberId, id: MessageId) -> Result<Option<Facts>> {
    let sql = tx.pick(
        "SELECT m.room_id, m.sender_id, m.deleted_at IS NOT NULL FROM message m
         WHERE m.id = $2 AND m.community_id = @community
             AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                             AND b.member_id = $1 AND b.other_id = m.sender_id)",
        "SELECT m.room_id, m.sender_id, m.deleted_at IS NOT NULL FROM message m
         WHERE m.id = $2 AND m.community_id = @community
             AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                             AND b.member_id = $1 AND b.other_id = m.sender_id)
         FOR NO KEY UPDATE OF m",
    );
    tx.one(sql, params![reader, id], |row| {
        Ok(Facts {
            room: row.get(0)?,
            sender: row.get(1)?,
            deleted: row.get(2)?,
        })
    })
    .await
}

pub async fn update(tx: &Tx, id: MessageId, body: &str, now: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE message SET body = $1, folded = $2, edited_at = $3 WHERE id = $4 AND community_id = @community",
        params![body, base::fold(body), now, id],
    )
    .await
    .map(drop)
}

/// Takes the words and the reactions away and leaves the place.
pub async fn erase(tx: &Tx, id: MessageId, now: Timestamp) -> Result<()> {
    tx.execute(
        "DELETE FROM message_reaction WHERE message_id = $1 AND community_id = @community",
        params![id],
    )
    .await?;
    tx.execute(
        "UPDATE message SET body = '', folded = '', media_count = 0, deleted_at = $1 WHERE id = $2 AND community_id = @community",
        params![now, id],
    )
    .await
    .map(drop)
}

/// Keeps the words where staff alone read them; the message looks deleted. None when it is already.
pub async fn withhold(tx: &Tx, id: MessageId, now: Timestamp) -> Result<Option<RoomId>> {
    let sql = "UPDATE message SET withheld = body, body = '', folded = '', deleted_at = $1
               WHERE id = $2 AND deleted_at IS NULL AND community_id = @community RETURNING room_id";
    tx.one(sql, params![now, id], |row| row.get(0)).await
}

/// The words that staff took from sight.
pub async fn withheld(db: &impl Executor, id: MessageId) -> Result<Option<String>> {
    let sql = "SELECT withheld FROM message WHERE id = $1 AND community_id = @community";
    Ok(db.one(sql, params![id], |row| row.get(0)).await?.flatten())
}

/// Gives a message back the words that staff took from sight.
pub async fn restore(tx: &Tx, id: MessageId, body: &str) -> Result<Option<RoomId>> {
    let sql = "UPDATE message SET body = $1, folded = $2, withheld = NULL, deleted_at = NULL
               WHERE id = $3 AND withheld IS NOT NULL AND community_id = @community RETURNING room_id";
    tx.one(sql, params![body, base::fold(body), id], |row| row.get(0))
        .await
}

pub async fn reaction_of(db: &impl Executor, id: MessageId, member: MemberId) -> Result<Option<Reaction>> {
    let sql = "SELECT kind FROM message_reaction
               WHERE message_id = $1 AND member_id = $2 AND community_id = @community";
    db.one(sql, params![id, member], |row| row.get(0)).await
}

pub async fn put_reaction(
    tx: &Tx,
    id: MessageId,
    member: MemberId,
    kind: Reaction,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO message_reaction (community_id, message_id, member_id, kind, created_at)
         VALUES (@community, $1, $2, $3, $4)
         ON CONFLICT (message_id, member_id) DO UPDATE SET kind = excluded.kind",
        params![id, member, kind, now],
    )
    .await
    .map(drop)
}

pub async fn delete_reaction(tx: &Tx, id: MessageId, member: MemberId) -> Result<()> {
    tx.execute(
        "DELETE FROM message_reaction WHERE message_id = $1 AND member_id = $2 AND community_id = @community",
        params![id, member],
    )
    .await
    .map(drop)
}

/// What somebody wants to say, and where.
#[derive(Clone, Debug)]
pub struct Speech {
    pub id: MessageId,
    pub room: RoomId,
    pub sender: MemberId,
    pub saying: Saying,
}

/// What is known of a speech before it is written.
#[derive(Clone, Debug)]
pub struct Known {
    /// Nothing when there is no such room.
    pub kind: Option<RoomKind>,
    pub slug: Option<String>,
    pub status: Option<Status>,
    pub silenced: bool,
    pub apart: bool,
    pub sender: Author,
    /// The message that bears the `client_id` already.
    pub before: Option<Before>,
    /// What is answered stands in this room.
    pub answered: bool,
}

#[derive(Clone, Debug)]
pub struct Before {
    pub id: MessageId,
    pub seq: i64,
    pub body: String,
    pub changed: bool,
    pub created_at: Timestamp,
}

/// What is known of many speeches, in their order, by one statement.
pub async fn known(tx: &Tx, speeches: &[&Speech]) -> Result<Vec<Known>> {
    let wanted: serde_json::Value = speeches
        .iter()
        .enumerate()
        .map(|(n, speech)| {
            json!({
                "n": n, "room": speech.room.0.simple().to_string(), "sender": speech.sender.0.simple().to_string(),
                "client_id": speech.saying.client_id,
                "reply_to": speech.saying.reply_to.map(|id| id.0.simple().to_string()),
            })
        })
        .collect();
    let sql = tx.pick(
        concat!(
            "SELECT r.kind, r.slug, rm.status, coalesce(rm.silenced, FALSE),
                EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community AND b.member_id = r.low_id
                        AND b.other_id = r.high_id), ",
            author_columns!("a"),
            ",
                k.id, k.seq, k.body, k.edited_at IS NOT NULL OR k.deleted_at IS NOT NULL, k.created_at,
                q.id IS NOT NULL
         FROM json_each($1) w CROSS JOIN member a ON a.id = unhex(w.value ->> 'sender')
         LEFT JOIN room r ON r.id = unhex(w.value ->> 'room') AND r.community_id = @community
         LEFT JOIN room_member rm ON rm.room_id = r.id AND rm.member_id = a.id
         LEFT JOIN message k ON k.room_id = r.id AND k.sender_id = a.id AND k.client_id = w.value ->> 'client_id'
         LEFT JOIN message q ON q.id = unhex(w.value ->> 'reply_to') AND q.room_id = r.id AND q.deleted_at IS NULL
         ORDER BY w.key"
        ),
        concat!(
            "SELECT r.kind, r.slug, rm.status, coalesce(rm.silenced, FALSE),
                EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community AND b.member_id = r.low_id
                        AND b.other_id = r.high_id), ",
            author_columns!("a"),
            ",
                k.id, k.seq, k.body, k.edited_at IS NOT NULL OR k.deleted_at IS NOT NULL, k.created_at,
                q.id IS NOT NULL
         FROM jsonb_to_recordset($1) AS w(n INTEGER, room UUID, sender UUID, client_id TEXT, reply_to UUID)
         JOIN member a ON a.id = w.sender
         LEFT JOIN room r ON r.id = w.room AND r.community_id = @community
         LEFT JOIN room_member rm ON rm.room_id = r.id AND rm.member_id = a.id
         LEFT JOIN LATERAL (SELECT * FROM message x WHERE x.room_id = r.id AND x.sender_id = a.id
                            AND x.client_id = w.client_id LIMIT 1) k ON TRUE
         LEFT JOIN LATERAL (SELECT x.id FROM message x WHERE x.id = w.reply_to AND x.room_id = r.id
                            AND x.deleted_at IS NULL LIMIT 1) q ON TRUE
         ORDER BY w.n"
        ),
    );
    tx.all(sql, params![wanted], |row| {
        let before = match row.get::<Option<MessageId>>(9)? {
            None => None,
            Some(id) => Some(Before {
                id,
                seq: row.get(10)?,
                body: row.get(11)?,
                changed: row.get(12)?,
                created_at: row.get(13)?,
            }),
        };
        Ok(Known {
            kind: row.get(0)?,
            slug: row.get(1)?,
            status: row.get(2)?,
            silenced: row.get(3)?,
            apart: row.get(4)?,
            sender: Author::at(row, 5)?,
            before,
            answered: row.get(14)?,
        })
    })
    .await
}

/// Writes many messages by one statement.
pub async fn insert_all(tx: &Tx, placed: &[(i64, &Speech)], at: Timestamp) -> Result<()> {
    let rows: serde_json::Value = placed
        .iter()
        .map(|(seq, speech)| {
            let Speech {
                id,
                room,
                sender,
                saying,
            } = speech;
            json!({
                "id": id.0.simple().to_string(), "room": room.0.simple().to_string(), "seq": seq,
                "sender": sender.0.simple().to_string(), "client_id": saying.client_id,
                "body": saying.body, "folded": base::fold(&saying.body),
                "reply_to": saying.reply_to.map(|id| id.0.simple().to_string()), "forwarded": saying.forwarded,
                "media_count": saying.media_count(),
            })
        })
        .collect();
    let sql = tx.pick(
        "INSERT INTO message (id, community_id, room_id, seq, sender_id, client_id, body, folded, reply_to_id,
                              forwarded, media_count, created_at)
         SELECT unhex(value ->> 'id'), @community, unhex(value ->> 'room'), value ->> 'seq',
                unhex(value ->> 'sender'), value ->> 'client_id', value ->> 'body', value ->> 'folded',
                unhex(value ->> 'reply_to'), value ->> 'forwarded', value ->> 'media_count', $2
         FROM json_each($1)",
        "INSERT INTO message (id, community_id, room_id, seq, sender_id, client_id, body, folded, reply_to_id,
                              forwarded, media_count, created_at)
         SELECT w.id, CAST(@community AS INTEGER), w.room, w.seq, w.sender, w.client_id, w.body, w.folded,
                w.reply_to, w.forwarded, w.media_count, CAST($2 AS TIMESTAMPTZ)
         FROM jsonb_to_recordset($1) AS w(id UUID, room UUID, seq BIGINT, sender UUID, client_id TEXT, body TEXT,
                                          folded TEXT, reply_to UUID, forwarded BOOLEAN, media_count BIGINT)",
    );
    tx.execute_last(sql, params![rows, at]).await
}

/// Who in the room would want to be told of something a member said, in the order of ids:
/// neither the sender, nor who muted the room or the sender, nor anybody beyond a block.
pub async fn to_notify_after(
    db: &impl Executor,
    room: RoomId,
    sender: MemberId,
    after: MemberId,
    limit: i64,
) -> Result<Vec<MemberId>> {
    let sql = "SELECT rm.member_id FROM room_member rm
               WHERE rm.community_id = @community AND rm.room_id = $1 AND rm.status = 'joined' AND NOT rm.muted
                   AND rm.member_id <> $2 AND rm.member_id > $3
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = rm.member_id AND b.other_id = $2)
                   AND NOT EXISTS (SELECT 1 FROM mute u WHERE u.community_id = @community
                                   AND u.member_id = rm.member_id AND u.muted_id = $2)
               ORDER BY rm.member_id LIMIT $4";
    db.all(sql, params![room, sender, after, limit], |row| row.get(0))
        .await
}

pub async fn room_of(db: &impl Executor, id: MessageId) -> Result<Option<RoomId>> {
    let sql = "SELECT room_id FROM message WHERE id = $1 AND community_id = @community";
    db.one(sql, params![id], |row| row.get(0)).await
}

/// Some messages of a member that still have words, and where they stand.
pub async fn some_of(db: &impl Executor, member: MemberId) -> Result<Vec<(MessageId, RoomId)>> {
    let sql = "SELECT id, room_id FROM message WHERE community_id = @community AND sender_id = $1
                   AND deleted_at IS NULL ORDER BY room_id, id LIMIT 100";
    db.all(sql, params![member], |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// Forgets by which names a member's own devices knew their messages, and what staff took from sight.
pub async fn forget_names(tx: &Tx, member: MemberId) -> Result<()> {
    tx.execute(
        "UPDATE message SET client_id = NULL, withheld = NULL WHERE community_id = @community AND sender_id = $1
             AND (client_id IS NOT NULL OR withheld IS NOT NULL)",
        params![member],
    )
    .await
    .map(drop)
}
