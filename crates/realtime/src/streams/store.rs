use super::{Entry, Stream, StreamKind};
use base::{Result, Timestamp};
use db::{Executor, Row, Tx, params};
use serde_json::json;
use uuid::Uuid;

/// An entry as the log keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub seq: i64,
    pub name: String,
    pub row: Uuid,
    pub at: Timestamp,
}

fn logged(row: &Row<'_>) -> Result<Logged> {
    Ok(Logged {
        seq: row.get(0)?,
        name: row.get(1)?,
        row: row.get(2)?,
        at: row.get(3)?,
    })
}

/// Gives out the next number, and locks the stream until the transaction ends.
pub(super) async fn next(tx: &Tx, stream: Stream) -> Result<i64> {
    let sql = "INSERT INTO stream_head (community_id, kind, id, seq) VALUES (@community, $1, $2, 1)
               ON CONFLICT (community_id, kind, id) DO UPDATE SET seq = stream_head.seq + 1
               RETURNING seq";
    let seq = tx
        .one(sql, params![stream.kind, stream.id], |row| row.get(0))
        .await?;
    seq.ok_or_else(|| base::error::internal("a stream gave out no number"))
}

pub(super) async fn insert(tx: &Tx, stream: Stream, seq: i64, entry: &Entry) -> Result<()> {
    tx.execute_last(
        "INSERT INTO stream_entry (community_id, kind, id, seq, name, row_id, at)
         VALUES (@community, $1, $2, $3, $4, $5, $6)",
        params![stream.kind, stream.id, seq, entry.name, entry.row, entry.at],
    )
    .await
}

/// Locks streams, in the order of their names, and gives the last number of each.
pub(super) async fn lock(tx: &Tx, streams: &[Stream]) -> Result<Vec<(Stream, i64)>> {
    let sql = tx.pick(
        "INSERT INTO stream_head (community_id, kind, id, seq)
         SELECT @community, value ->> 'kind', unhex(value ->> 'id'), 0 FROM json_each($1) WHERE true
         ON CONFLICT (community_id, kind, id) DO UPDATE SET seq = stream_head.seq
         RETURNING kind, id, seq",
        "INSERT INTO stream_head (community_id, kind, id, seq)
         SELECT CAST(@community AS INTEGER), w.kind, w.id, 0
         FROM jsonb_to_recordset($1) AS w(kind TEXT, id UUID) ORDER BY w.kind, w.id
         ON CONFLICT (community_id, kind, id) DO UPDATE SET seq = stream_head.seq
         RETURNING kind, id, seq",
    );
    tx.all(sql, params![names(streams)], head).await
}

fn head(row: &Row<'_>) -> Result<(Stream, i64)> {
    let kind: StreamKind = row.get(0)?;
    Ok((Stream::new(kind, row.get::<Uuid>(1)?), row.get(2)?))
}

fn names(streams: &[Stream]) -> serde_json::Value {
    let name = |stream: &Stream| json!({"kind": stream.kind, "id": stream.id.simple().to_string()});
    streams.iter().map(name).collect()
}

/// Moves the heads of locked streams on.
pub(super) async fn move_heads(tx: &Tx, heads: &[(Stream, i64)]) -> Result<()> {
    let heads: serde_json::Value = heads
        .iter()
        .map(|(stream, seq)| json!({"kind": stream.kind, "id": stream.id.simple().to_string(), "seq": seq}))
        .collect();
    let sql = tx.pick(
        "UPDATE stream_head SET seq = w.seq
         FROM (SELECT value ->> 'kind' AS kind, unhex(value ->> 'id') AS id, value ->> 'seq' AS seq
               FROM json_each($1)) w
         WHERE stream_head.community_id = @community AND stream_head.kind = w.kind AND stream_head.id = w.id",
        "UPDATE stream_head SET seq = w.seq
         FROM jsonb_to_recordset($1) AS w(kind TEXT, id UUID, seq BIGINT)
         WHERE stream_head.community_id = @community AND stream_head.kind = w.kind AND stream_head.id = w.id",
    );
    tx.execute_last(sql, params![heads]).await
}

/// Writes many entries of one moment.
pub(super) async fn insert_all(tx: &Tx, entries: &[(Stream, i64, &Entry)], at: Timestamp) -> Result<()> {
    let entries: serde_json::Value = entries
        .iter()
        .map(|(stream, seq, entry)| {
            json!({
                "kind": stream.kind, "id": stream.id.simple().to_string(), "seq": seq,
                "name": entry.name, "row": entry.row.simple().to_string(),
            })
        })
        .collect();
    let sql = tx.pick(
        "INSERT INTO stream_entry (community_id, kind, id, seq, name, row_id, at)
         SELECT @community, value ->> 'kind', unhex(value ->> 'id'), value ->> 'seq', value ->> 'name',
                unhex(value ->> 'row'), $2 FROM json_each($1)",
        "INSERT INTO stream_entry (community_id, kind, id, seq, name, row_id, at)
         SELECT CAST(@community AS INTEGER), w.kind, w.id, w.seq, w.name, w.row, CAST($2 AS TIMESTAMPTZ)
         FROM jsonb_to_recordset($1) AS w(kind TEXT, id UUID, seq BIGINT, name TEXT, row UUID)",
    );
    tx.execute_last(sql, params![entries, at]).await
}

/// The number of the last entry; 0 when there was none so far.
pub(crate) async fn last(db: &impl Executor, stream: Stream) -> Result<i64> {
    let sql = "SELECT seq FROM stream_head WHERE community_id = @community AND kind = $1 AND id = $2";
    let seq = db
        .one(sql, params![stream.kind, stream.id], |row| row.get(0))
        .await?;
    Ok(seq.unwrap_or(0))
}

/// The heads of many streams; those without entries are left out.
pub(crate) async fn heads(db: &impl Executor, streams: &[Stream]) -> Result<Vec<(Stream, i64)>> {
    let sql = db.pick(
        "SELECT h.kind, h.id, h.seq FROM json_each($1) w
         JOIN stream_head h ON h.community_id = @community AND h.kind = w.value ->> 'kind' AND h.id = unhex(w.value ->> 'id')",
        "SELECT h.kind, h.id, h.seq FROM jsonb_to_recordset($1) AS w(kind TEXT, id UUID)
         JOIN stream_head h ON h.community_id = @community AND h.kind = w.kind AND h.id = w.id",
    );
    db.all(sql, params![names(streams)], head).await
}

/// What came after a number, in order.
pub(crate) async fn after(db: &impl Executor, stream: Stream, seq: i64, limit: i64) -> Result<Vec<Logged>> {
    let sql = "SELECT seq, name, row_id, at FROM stream_entry
               WHERE community_id = @community AND kind = $1 AND id = $2 AND seq > $3 ORDER BY seq LIMIT $4";
    db.all(sql, params![stream.kind, stream.id, seq, limit], logged)
        .await
}

pub(super) async fn leap(tx: &Tx, by: i64) -> Result<u64> {
    let sql = "UPDATE stream_head /* every community */ SET seq = seq + $1";
    tx.execute(sql, params![by]).await
}

pub(super) async fn remove(tx: &Tx, stream: Stream) -> Result<()> {
    for sql in [
        "DELETE FROM stream_entry WHERE community_id = @community AND kind = $1 AND id = $2",
        "DELETE FROM stream_head WHERE community_id = @community AND kind = $1 AND id = $2",
    ] {
        tx.execute_last(sql, params![stream.kind, stream.id]).await?;
    }
    Ok(())
}

/// Deletes some entries older than that, and says how many.
pub(super) async fn prune_old(tx: &Tx, before: Timestamp, limit: i64) -> Result<u64> {
    let sql = "DELETE /* every community */ FROM stream_entry WHERE (community_id, kind, id, seq) IN
               (SELECT community_id, kind, id, seq FROM stream_entry WHERE at < $1 ORDER BY at LIMIT $2)";
    tx.execute(sql, params![before, limit]).await
}

/// Deletes some entries of streams that keep more than so many, and says how many.
pub(super) async fn prune_long(tx: &Tx, keep: i64, limit: i64) -> Result<u64> {
    // The heads first, or SQLite goes through all entries.
    let sql = "DELETE /* every community */ FROM stream_entry WHERE (community_id, kind, id, seq) IN
               (SELECT e.community_id, e.kind, e.id, e.seq FROM stream_head h CROSS JOIN stream_entry e
                WHERE e.community_id = h.community_id AND e.kind = h.kind AND e.id = h.id
                    AND e.seq <= h.seq - $1 AND h.seq > $1 LIMIT $2)";
    tx.execute(sql, params![keep, limit]).await
}
