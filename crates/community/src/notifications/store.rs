use super::model::{Cause, Channel, NotificationId, NotificationKind, Schedule, SubjectKind};
use crate::profiles::{Author, author_columns};
use accounts::MemberId;
use base::{Result, TimeZone, Timestamp, page::TimeCursor};
use db::{Executor, Param, Row, Tx, params};
use platform::texts::Language;
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;

/// Causes that are looked at for how engaged somebody is.
const ENGAGED: i64 = 10;
/// Unread ones are counted up to here.
pub const COUNTED: i64 = 100;

/// A notification as it lies there.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: NotificationId,
    pub kind: NotificationKind,
    pub subject_kind: SubjectKind,
    pub subject_id: Uuid,
    pub subject_name: Option<String>,
    pub relation: f64,
    pub engagement: f64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub read_at: Option<Timestamp>,
    /// Different actors.
    pub count: i64,
    pub actors: Vec<Author>,
}

fn stored(row: &Row<'_>) -> Result<Stored> {
    let mut actors = vec![];
    for first in [11, 15] {
        actors.extend(Author::maybe_at(row, first)?);
    }
    Ok(Stored {
        id: row.get(0)?,
        kind: row.get(1)?,
        subject_kind: row.get(2)?,
        subject_id: row.get(3)?,
        subject_name: row.get(4)?,
        relation: row.get(5)?,
        engagement: row.get(6)?,
        created_at: row.get(7)?,
        updated_at: row.get(8)?,
        read_at: row.get(9)?,
        count: row.get(10)?,
        actors,
    })
}

/// Causes of `n` whose actor has nothing against the reader `$1`, nor the other way round.
macro_rules! causes {
    ($select:literal $($rest:literal)?) => {
        concat!(
            "(SELECT ", $select, " FROM notification_cause nc WHERE nc.notification_id = n.id AND nc.community_id = @community
              AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community AND b.member_id = $1 AND b.other_id = nc.actor_id)",
            $($rest,)? ")"
        )
    };
}

macro_rules! notifications {
    ($($rest:literal),*) => {
        concat!(
            "SELECT n.id, n.kind, n.subject_kind, n.subject_id, coalesce(g.name, e.title, t.title), n.relation, n.engagement,
                    n.created_at, n.updated_at, n.read_at, ", causes!("count(DISTINCT nc.actor_id)"), ", ", author_columns!("a"), ", ", author_columns!("z"), " FROM notification n
             LEFT JOIN community_group g ON n.subject_kind = 'group' AND g.id = n.subject_id AND g.community_id = @community
             LEFT JOIN event e ON n.subject_kind = 'event' AND e.id = n.subject_id AND e.community_id = @community
             LEFT JOIN notice t ON n.subject_kind = 'notice' AND t.id = n.subject_id AND t.community_id = @community
             JOIN member a ON a.id = ", causes!("nc.actor_id" " ORDER BY nc.created_at DESC, nc.cause DESC LIMIT 1"), "
             LEFT JOIN member z ON z.id = ", causes!("nc.actor_id" " AND nc.actor_id <> a.id ORDER BY nc.created_at DESC, nc.cause DESC LIMIT 1"), "
             WHERE n.community_id = @community AND n.member_id = $1 ", $($rest),*
        )
    };
}

/// What the member was told in the app, the last first.
pub async fn list(
    db: &impl Executor,
    member: MemberId,
    unread: bool,
    before: Option<TimeCursor>,
    limit: i64,
) -> Result<Vec<Stored>> {
    let TimeCursor(time, id) = before.unwrap_or(TimeCursor(
        Timestamp::from_micros(253_370_764_800_000_000),
        Uuid::max(),
    ));
    let sql = if unread {
        notifications!(
            "AND n.listed AND n.read_at IS NULL AND (n.updated_at, n.id) < ($2, $3)
             ORDER BY n.updated_at DESC, n.id DESC LIMIT $4"
        )
    } else {
        notifications!(
            "AND n.listed AND (n.updated_at, n.id) < ($2, $3) ORDER BY n.updated_at DESC, n.id DESC LIMIT $4"
        )
    };
    db.all(sql, params![member, time, id, limit], stored).await
}

/// The statement of the list, for who looks at its plan.
#[cfg(test)]
pub fn listing() -> &'static str {
    notifications!(
        "AND n.listed AND (n.updated_at, n.id) < ($2, $3) ORDER BY n.updated_at DESC, n.id DESC LIMIT $4"
    )
}

pub async fn find(db: &impl Executor, member: MemberId, id: NotificationId) -> Result<Option<Stored>> {
    let sql = notifications!("AND n.id = $2");
    db.one(sql, params![member, id], stored).await
}

/// What is new since the last digest, the last first.
pub async fn untold(
    db: &impl Executor,
    member: MemberId,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<Stored>> {
    let sql = notifications!(
        "AND n.read_at IS NULL AND n.updated_at > $2 ORDER BY n.updated_at DESC, n.id DESC LIMIT $3"
    );
    db.all(sql, params![member, since, limit], stored).await
}

/// Unread ones, up to [`COUNTED`].
pub async fn count_unread(db: &impl Executor, member: MemberId) -> Result<i64> {
    let sql = concat!(
        "SELECT count(*) FROM (SELECT 1 FROM notification n
             WHERE n.community_id = @community AND n.member_id = $1 AND n.listed AND n.read_at IS NULL AND EXISTS ",
        causes!("1"),
        " LIMIT $2) unread"
    );
    Ok(db
        .one(sql, params![member, COUNTED], |row| row.get(0))
        .await?
        .unwrap_or(0))
}

/// True when it was unread.
pub async fn read(tx: &Tx, member: MemberId, id: NotificationId, now: Timestamp) -> Result<bool> {
    let count = tx
        .execute(
            "UPDATE notification SET read_at = $1
             WHERE id = $2 AND member_id = $3 AND read_at IS NULL AND community_id = @community",
            params![now, id, member],
        )
        .await?;
    Ok(count > 0)
}

/// Everything up to a moment is read; says how much that was.
pub async fn read_all(tx: &Tx, member: MemberId, until: Timestamp, now: Timestamp) -> Result<u64> {
    tx.execute(
        "UPDATE notification SET read_at = $1
         WHERE member_id = $2 AND read_at IS NULL AND updated_at <= $3 AND community_id = @community",
        params![now, member, until],
    )
    .await
}

/// True when there was one.
pub async fn delete(tx: &Tx, member: MemberId, id: NotificationId) -> Result<bool> {
    let count = tx
        .execute(
            "DELETE FROM notification WHERE id = $1 AND member_id = $2 AND community_id = @community",
            params![id, member],
        )
        .await?;
    Ok(count > 0)
}

/// Old ones go, at most so many at once.
pub async fn prune(tx: &Tx, before: Timestamp) -> Result<u64> {
    tx.execute(
        "DELETE FROM notification /* every community */ WHERE id IN
             (SELECT id FROM notification WHERE updated_at < $1 ORDER BY updated_at LIMIT 1000)",
        params![before],
    )
    .await
}

/// What matters about who caused something, to who is told.
#[derive(Debug)]
pub struct Between {
    /// Blocked or muted.
    pub silent: bool,
    pub relation: f64,
    pub engagement: f64,
}

pub async fn between(
    db: &impl Executor,
    member: MemberId,
    actor: MemberId,
    now: Timestamp,
) -> Result<Option<Between>> {
    let sql = "SELECT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community AND b.member_id = $1 AND b.other_id = $2),
                      EXISTS (SELECT 1 FROM mute u WHERE u.community_id = @community AND u.member_id = $1 AND u.muted_id = $2),
                      EXISTS (SELECT 1 FROM friend f WHERE f.community_id = @community AND f.member_id = $1 AND f.friend_id = $2),
                      EXISTS (SELECT 1 FROM follow f WHERE f.community_id = @community AND f.follower_id = $1 AND f.followee_id = $2),
                      EXISTS (SELECT 1 FROM follow f WHERE f.community_id = @community AND f.follower_id = $2 AND f.followee_id = $1),
                      (SELECT count(*) FROM (SELECT 1 FROM notification_cause c WHERE c.community_id = @community
                           AND c.member_id = $1 AND c.actor_id = $2 AND c.created_at > $3 LIMIT $4) recent)
               FROM member m WHERE m.id = $1 AND m.status = 'active'";
    let month = now.minus(Duration::from_hours(30 * 24));
    db.one(sql, params![member, actor, month, ENGAGED], |row| {
        let relation = if row.get(2)? {
            1.0
        } else if row.get(3)? {
            0.7
        } else if row.get(4)? {
            0.4
        } else {
            0.2
        };
        Ok(Between {
            silent: row.get::<bool>(0)? || row.get::<bool>(1)?,
            relation,
            engagement: row.get::<i64>(5)? as f64 / ENGAGED as f64,
        })
    })
    .await
}

pub async fn is_known(db: &impl Executor, cause: &Cause) -> Result<bool> {
    let sql =
        "SELECT 1 FROM notification_cause WHERE community_id = @community AND member_id = $1 AND cause = $2";
    let known = db.one(sql, params![cause.member, cause.name], |row| row.get::<i32>(0));
    Ok(known.await?.is_some())
}

/// The unread notification that the cause belongs to, made if there is none.
pub async fn open(
    tx: &Tx,
    new: NotificationId,
    cause: &Cause,
    between: &Between,
    listed: bool,
    now: Timestamp,
) -> Result<NotificationId> {
    let (subject_kind, subject_id) = cause.subject;
    tx.execute(
        "INSERT INTO notification (id, community_id, member_id, kind, bundle, subject_kind, subject_id, relation,
                                   engagement, created_at, updated_at, listed)
         VALUES ($1, @community, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)
         ON CONFLICT (community_id, member_id, bundle) WHERE read_at IS NULL
             DO UPDATE SET updated_at = excluded.updated_at, listed = excluded.listed",
        params![
            new,
            cause.member,
            cause.kind,
            cause.bundle(),
            subject_kind,
            subject_id,
            between.relation,
            between.engagement,
            now,
            listed
        ],
    )
    .await?;
    let sql = "SELECT id FROM notification
               WHERE community_id = @community AND member_id = $1 AND bundle = $2 AND read_at IS NULL";
    let id = tx
        .one(sql, params![cause.member, cause.bundle()], |row| row.get(0))
        .await?;
    id.ok_or_else(|| base::error::internal("a notification that was just written is not there"))
}

/// False when the cause was told before.
pub async fn add_cause(tx: &Tx, id: NotificationId, cause: &Cause, now: Timestamp) -> Result<bool> {
    let count = tx
        .execute(
            "INSERT INTO notification_cause (community_id, member_id, cause, notification_id, actor_id, created_at)
             VALUES (@community, $1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            params![cause.member, cause.name, id, cause.actor, now],
        )
        .await?;
    Ok(count > 0)
}

/// What the member has said about kinds and channels.
pub async fn preferences(
    db: &impl Executor,
    member: MemberId,
) -> Result<HashMap<(NotificationKind, Channel), bool>> {
    let sql = "SELECT kind, channel, wanted FROM notification_preference
               WHERE community_id = @community AND member_id = $1";
    let said = db.all(sql, params![member], |row| {
        Ok(((row.get(0)?, row.get(1)?), row.get::<bool>(2)?))
    });
    Ok(said.await?.into_iter().collect())
}

pub async fn put_preference(
    tx: &Tx,
    member: MemberId,
    kind: NotificationKind,
    channel: Channel,
    wanted: bool,
) -> Result<()> {
    tx.execute(
        "INSERT INTO notification_preference (community_id, member_id, kind, channel, wanted)
         VALUES (@community, $1, $2, $3, $4)
         ON CONFLICT (community_id, member_id, kind, channel) DO UPDATE SET wanted = excluded.wanted",
        params![member, kind, channel, wanted],
    )
    .await
    .map(drop)
}

pub async fn schedule(db: &impl Executor, member: MemberId) -> Result<Schedule> {
    let sql = "SELECT time_zone, quiet_from, quiet_to, digest, digest_at FROM notification_schedule
               WHERE community_id = @community AND member_id = $1";
    let said = db.one(sql, params![member], |row| {
        let zone: String = row.get(0)?;
        let quiet: (Option<u32>, Option<u32>) = (row.get(1)?, row.get(2)?);
        Ok(Schedule {
            time_zone: TimeZone::named(&zone).unwrap_or_else(|| Schedule::default().time_zone),
            quiet: quiet.0.zip(quiet.1),
            digest: row.get(3)?,
            digest_at: row.get(4)?,
        })
    });
    Ok(said.await?.unwrap_or_default())
}

pub async fn put_schedule(tx: &Tx, member: MemberId, schedule: &Schedule) -> Result<()> {
    tx.execute(
        "INSERT INTO notification_schedule (community_id, member_id, time_zone, quiet_from, quiet_to, digest, digest_at)
         VALUES (@community, $1, $2, $3, $4, $5, $6)
         ON CONFLICT (community_id, member_id) DO UPDATE SET time_zone = excluded.time_zone,
             quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, digest = excluded.digest,
             digest_at = excluded.digest_at",
        params![
            member,
            schedule.time_zone,
            schedule.quiet.map_or(Param::Null, |(from, _)| Param::Int(i64::from(from))),
            schedule.quiet.map_or(Param::Null, |(_, to)| Param::Int(i64::from(to))),
            schedule.digest,
            schedule.digest_at
        ],
    )
    .await
    .map(drop)
}

/// Never, as digests are due that have nothing to tell.
pub const NEVER: Timestamp = Timestamp::from_micros(253_370_764_800_000_000);

/// A digest is due then, unless one is due before.
pub async fn expect_digest(tx: &Tx, member: MemberId, told_until: Timestamp, due: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO notification_digest (community_id, member_id, told_until, due_at) VALUES (@community, $1, $2, $3)
         ON CONFLICT (community_id, member_id) DO UPDATE
             SET due_at = CASE WHEN notification_digest.due_at < $4 THEN notification_digest.due_at ELSE excluded.due_at END",
        params![member, told_until, due, NEVER],
    )
    .await
    .map(drop)
}

/// The due digest is at another time from now on.
pub async fn move_digest(tx: &Tx, member: MemberId, due: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE notification_digest SET due_at = $1
         WHERE community_id = @community AND member_id = $2 AND due_at < $3",
        params![due, member, NEVER],
    )
    .await
    .map(drop)
}

pub async fn due_digests(db: &impl Executor, now: Timestamp, limit: i64) -> Result<Vec<MemberId>> {
    let sql = "SELECT member_id FROM notification_digest
               WHERE community_id = @community AND due_at <= $1 ORDER BY due_at, member_id LIMIT $2";
    db.all(sql, params![now, limit], |row| row.get(0)).await
}

/// Takes a due digest: until when the last one told. `None`: somebody else has it.
pub async fn take_digest(tx: &Tx, member: MemberId, now: Timestamp) -> Result<Option<Timestamp>> {
    let sql = tx.pick(
        "SELECT told_until FROM notification_digest WHERE community_id = @community AND member_id = $1 AND due_at <= $2",
        "SELECT told_until FROM notification_digest WHERE community_id = @community AND member_id = $1 AND due_at <= $2 FOR UPDATE",
    );
    let told: Option<Timestamp> = tx.one(sql, params![member, now], |row| row.get(0)).await?;
    if told.is_some() {
        tx.execute(
            "UPDATE notification_digest SET told_until = $1, due_at = $2
             WHERE community_id = @community AND member_id = $3",
            params![now, NEVER, member],
        )
        .await?;
    }
    Ok(told)
}

/// Somebody who is written to.
pub struct Reader {
    pub email: String,
    pub name: String,
    pub language: Language,
}

pub async fn reader(db: &impl Executor, member: MemberId) -> Result<Option<Reader>> {
    let sql = "SELECT email, display_name, language FROM member WHERE id = $1 AND status = 'active'";
    db.one(sql, params![member], |row| {
        Ok(Reader {
            email: row.get(0)?,
            name: row.get(1)?,
            language: Language::of_tag(&row.get::<String>(2)?),
        })
    })
    .await
}

/// A member leaves: nobody is told any more of what they did.
pub async fn forget(tx: &Tx, member: MemberId) -> Result<()> {
    let sql =
        "SELECT DISTINCT /* every community */ notification_id FROM notification_cause WHERE actor_id = $1";
    let told: Vec<NotificationId> = tx.all(sql, params![member], |row| row.get(0)).await?;
    let sql = "DELETE FROM notification_cause /* every community */ WHERE actor_id = $1 OR member_id = $1";
    tx.execute(sql, params![member]).await?;
    for id in told {
        tx.execute(
            "DELETE FROM notification /* every community */ WHERE id = $1 AND NOT EXISTS
                 (SELECT 1 FROM notification_cause c WHERE c.notification_id = $1)",
            params![id],
        )
        .await?;
    }
    Ok(())
}
