use super::{
    Direction, FriendRequest, FriendRequestId, RequestStatus,
    model::{Friend, Plea},
};
use crate::{
    profiles::{Author, author_columns},
    ranking::closeness::Together,
};
use accounts::MemberId;
use base::{Paging, Result, Timestamp};
use db::{Executor, Row, Tx, params};

/// Whether the two are friends, and since when.
pub async fn since(db: &impl Executor, one: MemberId, other: MemberId) -> Result<Option<(Timestamp, bool)>> {
    let sql = "SELECT created_at, danced FROM friend
               WHERE community_id = @community AND member_id = $1 AND friend_id = $2";
    db.one(sql, params![one, other], |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// Writes both rows and moves both counts, once. Both members are locked.
pub async fn insert(tx: &Tx, one: MemberId, other: MemberId, danced: bool, now: Timestamp) -> Result<()> {
    let rows = tx
        .execute(
            "INSERT INTO friend (community_id, member_id, friend_id, danced, created_at)
             VALUES (@community, $1, $2, $3, $4), (@community, $2, $1, $3, $4) ON CONFLICT DO NOTHING",
            params![one, other, danced, now],
        )
        .await?;
    if rows > 0 {
        count(tx, one, other, 1).await?;
    }
    Ok(())
}

/// Deletes both rows and moves both counts. Both members are locked.
pub async fn delete(tx: &Tx, one: MemberId, other: MemberId) -> Result<()> {
    let rows = tx
        .execute(
            "DELETE FROM friend WHERE community_id = @community
                 AND ((member_id = $1 AND friend_id = $2) OR (member_id = $2 AND friend_id = $1))",
            params![one, other],
        )
        .await?;
    if rows > 0 {
        count(tx, one, other, -1).await?;
    }
    Ok(())
}

async fn count(tx: &Tx, one: MemberId, other: MemberId, by: i64) -> Result<()> {
    tx.execute(
        "UPDATE member SET friend_count = friend_count + $1 WHERE id IN ($2, $3)",
        params![by, one, other],
    )
    .await
    .map(drop)
}

/// A member's friends, by id, the newest member first, without those the reader has nothing to do with.
pub async fn list_friends(
    db: &impl Executor,
    reader: MemberId,
    of: MemberId,
    page: Paging,
) -> Result<Vec<Friend>> {
    let sql = concat!(
        "SELECT ",
        author_columns!("m"),
        ", f.created_at
               FROM friend f JOIN member m ON m.id = f.friend_id
               WHERE f.community_id = @community AND f.member_id = $2 AND f.friend_id < $3
                   AND m.status = 'active' AND NOT EXISTS (SELECT 1 FROM block b
                       WHERE b.community_id = @community AND b.member_id = $1 AND b.other_id = f.friend_id)
               ORDER BY f.friend_id DESC LIMIT $4"
    );
    db.all(sql, params![reader, of, page.before(), page.fetch()], friend)
        .await
}

/// Friends of both, by id, the newest member first.
pub async fn list_mutual(
    db: &impl Executor,
    reader: MemberId,
    other: MemberId,
    page: Paging,
) -> Result<Vec<Friend>> {
    let sql = concat!(
        "SELECT ",
        author_columns!("m"),
        ", mine.created_at
               FROM friend mine JOIN friend theirs ON theirs.community_id = mine.community_id
                   AND theirs.member_id = $2 AND theirs.friend_id = mine.friend_id
               JOIN member m ON m.id = mine.friend_id
               WHERE mine.community_id = @community AND mine.member_id = $1 AND mine.friend_id < $3
                   AND m.status = 'active'
               ORDER BY mine.friend_id DESC LIMIT $4"
    );
    db.all(sql, params![reader, other, page.before(), page.fetch()], friend)
        .await
}

fn friend(row: &Row<'_>) -> Result<Friend> {
    Ok(Friend {
        member: Author::at(row, 0)?,
        since: row.get(4)?,
    })
}

pub async fn count_mutual(db: &impl Executor, one: MemberId, other: MemberId) -> Result<i64> {
    let sql = "SELECT count(*) FROM friend mine JOIN friend theirs ON theirs.community_id = mine.community_id
                   AND theirs.member_id = $2 AND theirs.friend_id = mine.friend_id
               WHERE mine.community_id = @community AND mine.member_id = $1";
    Ok(db
        .one(sql, params![one, other], |row| row.get(0))
        .await?
        .unwrap_or(0))
}

macro_rules! request_columns {
    () => {
        concat!(
            "q.id, q.sender_id = $1, ",
            author_columns!("m"),
            ",
         q.status, q.did_we_dance, q.dance_place, q.dance_story, q.note, q.private_note, q.snoozed_until, q.created_at"
        )
    };
}

fn request(row: &Row<'_>) -> Result<FriendRequest> {
    let (sent, status): (bool, RequestStatus) = (row.get(1)?, row.get(6)?);
    let note: String = row.get(11)?;
    let snoozed_until: Option<Timestamp> = row.get(12)?;
    Ok(FriendRequest {
        id: row.get(0)?,
        direction: if sent {
            Direction::Sent
        } else {
            Direction::Received
        },
        member: Author::at(row, 2)?,
        // To its sender a request that was declined or put off just waits.
        status: match status {
            RequestStatus::Rejected | RequestStatus::Snoozed if sent => RequestStatus::Pending,
            status => status,
        },
        did_we_dance: row.get(7)?,
        dance_place: row.get(8)?,
        dance_story: row.get(9)?,
        note: row.get(10)?,
        private_note: sent.then_some(note),
        snoozed_until: snoozed_until.filter(|_| !sent),
        created_at: row.get(13)?,
    })
}

/// A request that the reader sent or received.
pub async fn find_request(
    db: &impl Executor,
    reader: MemberId,
    id: FriendRequestId,
) -> Result<Option<FriendRequest>> {
    const SQL: &str = concat!(
        "SELECT ",
        request_columns!(),
        " FROM friend_request q JOIN member m ON m.id = CASE WHEN q.sender_id = $1 THEN q.receiver_id ELSE q.sender_id END
          WHERE q.community_id = @community AND q.id = $2 AND (q.sender_id = $1 OR q.receiver_id = $1)"
    );
    db.one(SQL, params![reader, id], request).await
}

/// Requests that wait for the reader: new ones and those whose time has come again; the newest first.
pub async fn list_received(
    db: &impl Executor,
    reader: MemberId,
    now: Timestamp,
    page: Paging,
) -> Result<Vec<FriendRequest>> {
    const SQL: &str = concat!(
        "SELECT ",
        request_columns!(),
        " FROM friend_request q JOIN member m ON m.id = q.sender_id
          WHERE q.community_id = @community AND q.receiver_id = $1 AND q.id < $3
              AND q.status IN ('pending', 'snoozed') AND (q.status = 'pending' OR q.snoozed_until <= $2)
              AND m.status = 'active'
          ORDER BY q.id DESC LIMIT $4"
    );
    db.all(SQL, params![reader, now, page.before(), page.fetch()], request)
        .await
}

/// Requests that the reader sent and that nobody accepted yet, the newest first.
pub async fn list_sent(db: &impl Executor, reader: MemberId, page: Paging) -> Result<Vec<FriendRequest>> {
    const SQL: &str = concat!(
        "SELECT ",
        request_columns!(),
        " FROM friend_request q JOIN member m ON m.id = q.receiver_id
          WHERE q.community_id = @community AND q.sender_id = $1 AND q.id < $2
              AND q.status IN ('pending', 'snoozed', 'rejected') AND m.status = 'active'
          ORDER BY q.id DESC LIMIT $3"
    );
    db.all(SQL, params![reader, page.before(), page.fetch()], request)
        .await
}

/// How a request between the two stands, by whoever sent it.
pub async fn standing(
    db: &impl Executor,
    sender: MemberId,
    receiver: MemberId,
) -> Result<Option<(FriendRequestId, RequestStatus, bool, Timestamp)>> {
    let sql = "SELECT id, status, did_we_dance, created_at FROM friend_request
               WHERE community_id = @community AND sender_id = $1 AND receiver_id = $2";
    db.one(sql, params![sender, receiver], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })
    .await
}

pub async fn insert_request(
    tx: &Tx,
    id: FriendRequestId,
    sender: MemberId,
    plea: &Plea,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO friend_request (id, community_id, sender_id, receiver_id, status, did_we_dance, dance_place,
                                     dance_story, note, private_note, created_at)
         VALUES ($1, @community, $2, $3, 'pending', $4, $5, $6, $7, $8, $9)",
        params![
            id,
            sender,
            plea.to,
            plea.did_we_dance,
            plea.dance_place,
            plea.dance_story,
            plea.note,
            plea.private_note,
            now
        ],
    )
    .await
    .map(drop)
}

pub async fn answer_request(
    tx: &Tx,
    id: FriendRequestId,
    status: RequestStatus,
    snoozed_until: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "UPDATE friend_request SET status = $1, snoozed_until = $2, answered_at = $3
         WHERE community_id = @community AND id = $4",
        params![status, snoozed_until, now, id],
    )
    .await
    .map(drop)
}

pub async fn delete_request(tx: &Tx, id: FriendRequestId) -> Result<()> {
    tx.execute(
        "DELETE FROM friend_request WHERE community_id = @community AND id = $1",
        params![id],
    )
    .await
    .map(drop)
}

/// Deletes what either asked the other.
pub async fn delete_requests(tx: &Tx, one: MemberId, other: MemberId) -> Result<()> {
    tx.execute(
        "DELETE FROM friend_request WHERE community_id = @community
             AND ((sender_id = $1 AND receiver_id = $2) OR (sender_id = $2 AND receiver_id = $1))",
        params![one, other],
    )
    .await
    .map(drop)
}

/// What two friends did together, and how long ago they last did.
pub async fn together(
    db: &impl Executor,
    one: MemberId,
    other: MemberId,
    now: Timestamp,
) -> Result<Together> {
    let known = "SELECT
        (SELECT count(*) FROM rsvp a JOIN rsvp b ON b.event_id = a.event_id AND b.member_id = $2 AND b.status = 'going'
         WHERE a.member_id = $1 AND a.status = 'going' AND a.community_id = @community),
        f.danced, f.created_at
        FROM friend f WHERE f.community_id = @community AND f.member_id = $1 AND f.friend_id = $2";
    let known = db.one(known, params![one, other], |row| {
        Ok((row.get::<i64>(0)?, row.get::<bool>(1)?, row.get::<Timestamp>(2)?))
    });
    let Some((events, danced, mut last)) = known.await? else {
        return Ok(Together::default());
    };
    let mut counts = [0, 0, 0];
    let (low, high) = (one.min(other), one.max(other));
    for (n, sql, pair) in [
        (0, SAID, (low, high)),
        (1, REACTED, (one, other)),
        (1, REACTED, (other, one)),
        (2, COMMENTED, (one, other)),
        (2, COMMENTED, (other, one)),
    ] {
        let found = db.one(sql, params![pair.0, pair.1, MOST], |row| {
            Ok((row.get::<i64>(0)?, row.get::<Option<Timestamp>>(1)?))
        });
        if let Some((count, at)) = found.await? {
            counts[n] += count;
            last = at.map_or(last, |at| last.max(at));
        }
    }
    let [messages, reactions, comments] = counts;
    Ok(Together {
        events,
        messages,
        dances: i64::from(danced),
        reactions,
        comments,
        days_since_last: (now.since(last).as_secs() / 86_400) as i64,
    })
}

/// Of each kind, the last so many: more would not bring two friends closer.
const MOST: i64 = 100;

/// Between the two alone, the lower id first.
const SAID: &str = "SELECT count(*), max(created_at) FROM (SELECT x.created_at FROM room r
        JOIN message x ON x.room_id = r.id AND x.deleted_at IS NULL
        WHERE r.community_id = @community AND r.low_id = $1 AND r.high_id = $2
        ORDER BY x.seq DESC LIMIT $3) said";

const REACTED: &str = "SELECT count(*), max(created_at) FROM (SELECT r.created_at FROM reaction r
        JOIN post p ON p.id = r.post_id AND p.author_id = $2
        WHERE r.member_id = $1 AND r.community_id = @community ORDER BY r.post_id DESC LIMIT $3) reacted";

const COMMENTED: &str = "SELECT count(*), max(created_at) FROM (SELECT c.created_at FROM comment c
        JOIN post p ON p.id = c.post_id AND p.author_id = $2
        WHERE c.author_id = $1 AND c.deleted_at IS NULL AND c.community_id = @community
        ORDER BY c.id DESC LIMIT $3) commented";
