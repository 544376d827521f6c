use super::{Event, EventId, Rsvp};
use accounts::MemberId;
use base::{Result, TimeZone, Timestamp, error::internal, page::TimeCursor};
use db::{Executor, Row, Tx, params};
use uuid::Uuid;

fn event(row: &Row<'_>) -> Result<Event> {
    Ok(Event {
        id: row.get(0)?,
        title: row.get(1)?,
        city: row.get(2)?,
        starts_at: row.get(3)?,
        time_zone: time_zone(&row.get::<String>(4)?)?,
        going_count: row.get(5)?,
        my_rsvp: row.get(6)?,
    })
}

fn time_zone(name: &str) -> Result<TimeZone> {
    TimeZone::named(name).ok_or_else(|| internal(format!("{name:?} is no time zone")))
}

pub async fn insert(tx: &Tx, event: &Event, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO event (id, community_id, title, city, starts_at, time_zone, created_at)
         VALUES ($1, @community, $2, $3, $4, $5, $6)",
        params![
            event.id,
            event.title,
            event.city,
            event.starts_at,
            event.time_zone,
            now
        ],
    )
    .await
    .map(drop)
}

pub async fn find(db: &impl Executor, reader: MemberId, id: EventId) -> Result<Option<Event>> {
    let sql = "SELECT e.id, e.title, e.city, e.starts_at, e.time_zone, e.going_count, r.status
               FROM event e LEFT JOIN rsvp r ON r.event_id = e.id AND r.member_id = $1
               WHERE e.id = $2 AND e.community_id = @community";
    db.one(sql, params![reader, id], event).await
}

/// Events behind a place in the list, soonest first.
pub async fn list(
    db: &impl Executor,
    reader: MemberId,
    city: Option<&str>,
    after: TimeCursor,
    limit: i64,
) -> Result<Vec<Event>> {
    let TimeCursor(time, id) = after;
    let Some(city) = city else {
        let sql = "SELECT e.id, e.title, e.city, e.starts_at, e.time_zone, e.going_count, r.status
                   FROM event e LEFT JOIN rsvp r ON r.event_id = e.id AND r.member_id = $1
                   WHERE e.community_id = @community AND (e.starts_at, e.id) > ($2, $3)
                   ORDER BY e.starts_at, e.id LIMIT $4";
        return db.all(sql, params![reader, time, id, limit], event).await;
    };
    let sql = "SELECT e.id, e.title, e.city, e.starts_at, e.time_zone, e.going_count, r.status
               FROM event e LEFT JOIN rsvp r ON r.event_id = e.id AND r.member_id = $1
               WHERE e.community_id = @community AND e.city = $2 AND (e.starts_at, e.id) > ($3, $4)
               ORDER BY e.starts_at, e.id LIMIT $5";
    db.all(sql, params![reader, city, time, id, limit], event).await
}

/// Where a list begins that shows everything from a moment on.
pub fn from(time: Timestamp) -> TimeCursor {
    TimeCursor(time, Uuid::nil())
}

/// The answer a member gave before, and when the event begins; the event's row is locked.
pub async fn lock(tx: &Tx, id: EventId, member: MemberId) -> Result<Option<Option<Rsvp>>> {
    let sql = tx.pick(
        "SELECT r.status FROM event e LEFT JOIN rsvp r ON r.event_id = e.id AND r.member_id = $1
         WHERE e.id = $2 AND e.community_id = @community",
        "SELECT r.status FROM event e LEFT JOIN rsvp r ON r.event_id = e.id AND r.member_id = $1
         WHERE e.id = $2 AND e.community_id = @community FOR UPDATE OF e",
    );
    tx.one(sql, params![member, id], |row| row.get(0)).await
}

pub async fn put_rsvp(tx: &Tx, id: EventId, member: MemberId, status: Rsvp, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO rsvp (community_id, event_id, member_id, status, created_at)
         VALUES (@community, $1, $2, $3, $4)
         ON CONFLICT (event_id, member_id) DO UPDATE SET status = excluded.status",
        params![id, member, status, now],
    )
    .await
    .map(drop)
}

pub async fn count_going(tx: &Tx, id: EventId, by: i64) -> Result<i64> {
    let sql = "UPDATE event SET going_count = going_count + $1 WHERE id = $2 AND community_id = @community
               RETURNING going_count";
    let count = tx.one(sql, params![by, id], |row| row.get(0)).await?;
    count.ok_or_else(|| base::error::not_found("event"))
}

/// Takes back some answers of a member who leaves; says how many.
pub async fn forget(tx: &Tx, member: MemberId) -> Result<u64> {
    let some =
        "SELECT /* every community */ event_id FROM rsvp WHERE member_id = $1 ORDER BY event_id LIMIT 100";
    let events: Vec<EventId> = tx.all(some, params![member], |row| row.get(0)).await?;
    for event in &events {
        for sql in [
            "UPDATE event /* every community */ SET going_count = going_count - 1 WHERE id = $1 AND EXISTS
                 (SELECT 1 FROM rsvp r WHERE r.event_id = $1 AND r.member_id = $2 AND r.status = 'going')",
            "DELETE FROM rsvp /* every community */ WHERE event_id = $1 AND member_id = $2",
        ] {
            tx.execute(sql, params![event, member]).await?;
        }
    }
    Ok(events.len() as u64)
}
