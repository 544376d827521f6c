//! Every statement on `daily_figure`, and the counts behind it.

use super::{TOTAL, date};
use base::{Ids, Result, Timestamp};
use db::{Executor, Row, Tx, params};
use std::collections::BTreeMap;

const NAMES: [&str; 7] = [
    "members", "posts", "comments", "messages", "stories", "events", "groups",
];

fn counts(row: &Row<'_>) -> Result<Vec<(String, i64)>> {
    let count = |(n, name): (usize, &&str)| Ok(((*name).to_owned(), row.get(n)?));
    NAMES.iter().enumerate().map(count).collect()
}

/// What was made between two moments, by the ids.
pub async fn made_on(
    db: &impl Executor,
    ids: &Ids,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(String, i64)>> {
    let sql = "SELECT
        (SELECT count(*) FROM member WHERE id >= $1 AND id < $2),
        (SELECT count(*) FROM post WHERE id >= $1 AND id < $2 AND community_id = @community),
        (SELECT count(*) FROM comment WHERE id >= $1 AND id < $2 AND community_id = @community),
        (SELECT count(*) FROM message WHERE id >= $1 AND id < $2 AND community_id = @community),
        (SELECT count(*) FROM story WHERE id >= $1 AND id < $2 AND community_id = @community),
        (SELECT count(*) FROM event WHERE id >= $1 AND id < $2 AND community_id = @community),
        (SELECT count(*) FROM community_group WHERE id >= $1 AND id < $2 AND community_id = @community)";
    let found = db
        .one(sql, params![first_id(ids, from), first_id(ids, to)], counts)
        .await?;
    Ok(found.unwrap_or_default())
}

/// Below every id of that millisecond and later ones.
fn first_id(ids: &Ids, at: Timestamp) -> uuid::Uuid {
    let mut bytes = ids.at(at).into_bytes();
    bytes[6..].fill(0);
    uuid::Uuid::from_bytes(bytes)
}

/// How much there is.
pub async fn all(db: &impl Executor) -> Result<Vec<(String, i64)>> {
    let sql = "SELECT
        (SELECT count(*) FROM member),
        (SELECT count(*) FROM post WHERE community_id = @community),
        (SELECT count(*) FROM comment WHERE community_id = @community),
        (SELECT count(*) FROM message WHERE community_id = @community),
        (SELECT count(*) FROM story WHERE community_id = @community),
        (SELECT count(*) FROM event WHERE community_id = @community),
        (SELECT count(*) FROM community_group WHERE community_id = @community)";
    Ok(db.one(sql, params![], counts).await?.unwrap_or_default())
}

/// Members with a session that was used since then.
pub async fn active_since(db: &impl Executor, since: Timestamp) -> Result<i64> {
    let sql = "SELECT count(DISTINCT member_id) FROM session WHERE last_used_at >= $1";
    Ok(db.one(sql, params![since], |row| row.get(0)).await?.unwrap_or(0))
}

pub async fn put(tx: &Tx, day: i64, name: &str, count: i64, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO daily_figure (community_id, day, name, count, counted_at) VALUES (@community, $1, $2, $3, $4)
         ON CONFLICT (community_id, day, name) DO UPDATE SET count = excluded.count, counted_at = excluded.counted_at",
        params![day, name, count, now],
    )
    .await
    .map(drop)
}

/// The last day that was counted.
pub async fn last_day(db: &impl Executor) -> Result<Option<i64>> {
    let sql = "SELECT max(day) FROM daily_figure WHERE community_id = @community AND day <> $1";
    Ok(db.one(sql, params![TOTAL], |row| row.get(0)).await?.flatten())
}

/// How much there is in all, and when that was counted.
pub async fn totals(db: &impl Executor) -> Result<(BTreeMap<String, i64>, Option<Timestamp>)> {
    let sql = "SELECT name, count, counted_at FROM daily_figure WHERE community_id = @community AND day = $1";
    let found = db
        .all(sql, params![TOTAL], |row| {
            Ok((
                row.get::<String>(0)?,
                row.get::<i64>(1)?,
                row.get::<Timestamp>(2)?,
            ))
        })
        .await?;
    let counted_at = found.iter().map(|(_, _, at)| *at).max();
    Ok((
        found.into_iter().map(|(name, count, _)| (name, count)).collect(),
        counted_at,
    ))
}

/// What happened on the days between, the last first.
pub async fn days(db: &impl Executor, from: i64, to: i64) -> Result<Vec<(String, BTreeMap<String, i64>)>> {
    let sql = "SELECT day, name, count FROM daily_figure
               WHERE community_id = @community AND day > $1 AND day <= $2 ORDER BY day DESC, name";
    let rows = db
        .all(sql, params![from, to], |row| {
            Ok((row.get::<i64>(0)?, row.get::<String>(1)?, row.get::<i64>(2)?))
        })
        .await?;
    let mut days: Vec<(i64, BTreeMap<String, i64>)> = vec![];
    for (day, name, count) in rows {
        match days.last_mut() {
            Some((last, figures)) if *last == day => drop(figures.insert(name, count)),
            _ => days.push((day, BTreeMap::from([(name, count)]))),
        }
    }
    Ok(days
        .into_iter()
        .map(|(day, figures)| (date(day), figures))
        .collect())
}
