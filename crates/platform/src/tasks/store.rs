//! Every statement on `task`. Twin texts stand side by side where the databases
//! lock and read JSON differently: the embedded one has a single writer and needs no row locks.

use super::{LastWrite, Priority, Task, TaskId};
use crate::App;
use base::{Result, Timestamp, error::conflict};
use db::{CommunityId, Db, Executor, Row, Tx, params};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// Done tasks, and the mails of the outbox, are kept so long.
const DONE_KEPT: Duration = Duration::from_hours(7 * 24);
const DEAD_KEPT: Duration = Duration::from_hours(30 * 24);
const ERROR_CHARS: usize = 1000;

/// What becomes of a claimed task.
pub(super) enum Verdict {
    Done,
    /// Already noted together with the handler's write.
    Settled,
    Retry {
        at: Timestamp,
        error: String,
    },
    Dead(String),
    /// Not begun: the attempt does not count.
    HandBack,
    /// The lease has gone to another runner.
    Fenced,
}

pub(super) struct Finished {
    task: Task,
    pub(super) verdict: Verdict,
}

#[derive(Default)]
pub(super) struct Turn {
    pub claimed: Vec<Task>,
    pub fenced: u64,
}

/// How many tasks wait, for health and figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "TaskCounts")]
pub struct Counts {
    pub ready: i64,
    pub running: i64,
    pub dead: i64,
    /// When the oldest of the waiting ones is or was due: its age is the lag.
    pub oldest_ready_at: Option<Timestamp>,
}

/// A task that a human should look at.
#[derive(Clone, Debug, Serialize)]
pub struct DeadTask {
    pub id: TaskId,
    pub kind: String,
    pub attempts: u32,
    pub last_error: Option<String>,
    pub finished_at: Timestamp,
}

impl Finished {
    pub fn new(task: Task, verdict: Verdict) -> Finished {
        Finished { task, verdict }
    }

    /// The row's new values; `None` when there is nothing left to note.
    fn note(&self, now: Timestamp) -> Option<Value> {
        let (state, uncounted, run_at, error, finished_at) = match &self.verdict {
            Verdict::Settled | Verdict::Fenced => return None,
            Verdict::Done => ("done", 0, self.task.run_at, None, Some(now)),
            Verdict::Retry { at, error } => ("ready", 0, *at, Some(error), None),
            Verdict::Dead(error) => ("dead", 0, self.task.run_at, Some(error), Some(now)),
            Verdict::HandBack => ("ready", 1, self.task.run_at, None, None),
        };
        // PostgreSQL takes no NUL in text.
        let error = error.map(|text| {
            text.chars()
                .filter(|c| *c != '\0')
                .take(ERROR_CHARS)
                .collect::<String>()
        });
        Some(json!({
            "id": self.task.id.0.simple().to_string(),
            "token": self.task.lease_token,
            "state": state,
            "uncounted": uncounted,
            "run_at": run_at.as_micros(),
            "error": error,
            "finished_at": finished_at.map(Timestamp::as_micros),
        }))
    }
}

/// Whether a run is worth a write.
pub(super) async fn anything_due(db: &Db, now: Timestamp) -> Result<bool> {
    let due = db
        .one(
            "SELECT /* every community */
                 EXISTS (SELECT 1 FROM task WHERE state = 'ready' AND priority = 0 AND run_at <= $1)
                 OR EXISTS (SELECT 1 FROM task WHERE state = 'ready' AND priority = 1 AND run_at <= $1)
                 OR EXISTS (SELECT 1 FROM task WHERE state = 'ready' AND priority = 2 AND run_at <= $1)
                 OR EXISTS (SELECT 1 FROM task WHERE state = 'running' AND lease_until <= $1)",
            params![now],
            |row| row.get::<bool>(0),
        )
        .await?;
    Ok(due == Some(true))
}

/// Takes tasks back from runners whose lease ran out; those out of attempts are dead.
pub(super) async fn reclaim(db: &Db, now: Timestamp) -> Result<u64> {
    db.write_again(move |tx| async move {
        let sql = tx.pick(
            "UPDATE task /* every community */ SET
                 state = CASE WHEN attempts >= max_attempts THEN 'dead' ELSE 'ready' END,
                 finished_at = CASE WHEN attempts >= max_attempts THEN $1 END,
                 lease_holder = NULL, lease_until = NULL, last_error = 'its runner went away'
             WHERE state = 'running' AND lease_until <= $1",
            "WITH late AS MATERIALIZED (
                 SELECT id FROM task WHERE state = 'running' AND lease_until <= $1 FOR UPDATE SKIP LOCKED
             )
             UPDATE task /* every community */ SET
                 state = CASE WHEN attempts >= max_attempts THEN 'dead' ELSE 'ready' END,
                 finished_at = CASE WHEN attempts >= max_attempts THEN $1::timestamptz END,
                 lease_holder = NULL, lease_until = NULL, last_error = 'its runner went away'
             FROM late WHERE task.id = late.id",
        );
        tx.execute(sql, params![now]).await
    })
    .await
}

/// Notes what finished and claims up to `room` tasks, in one write.
pub(super) async fn turn(
    app: &App,
    holder: Uuid,
    finished: Vec<Finished>,
    kinds: Value,
    room: usize,
    lease: Duration,
) -> Result<Turn> {
    let now = app.clock.now();
    let notes: Vec<Value> = finished.iter().filter_map(|one| one.note(now)).collect();
    if notes.is_empty() && room == 0 {
        return Ok(Turn::default());
    }
    app.db
        .write_again(move |tx| async move {
            let mut turn = Turn::default();
            if !notes.is_empty() {
                let count = notes.len() as u64;
                turn.fenced = count - note(&tx, notes).await?;
            }
            for priority in Priority::ALL {
                let room = room - turn.claimed.len();
                if room > 0 {
                    let mut claimed = claim(&tx, holder, priority, &kinds, room, now, lease).await?;
                    // RETURNING promises no order.
                    claimed.sort_by_key(|task| (task.run_at, task.id));
                    turn.claimed.append(&mut claimed);
                }
            }
            Ok(turn)
        })
        .await
}

/// Notes outcomes where the token still holds, and says how many.
async fn note(tx: &Tx, notes: Vec<Value>) -> Result<u64> {
    let sql = tx.pick(
        "UPDATE task /* every community */ SET
             state = note.value ->> 'state',
             attempts = attempts - (note.value ->> 'uncounted'),
             run_at = note.value ->> 'run_at',
             last_error = coalesce(note.value ->> 'error', last_error),
             finished_at = note.value ->> 'finished_at',
             payload = CASE WHEN note.value ->> 'state' = 'done' THEN 'null' ELSE payload END,
             lease_holder = NULL, lease_until = NULL
         FROM json_each($1) note
         WHERE task.id = unhex(note.value ->> 'id') AND task.state = 'running'
             AND task.lease_token = note.value ->> 'token'",
        "UPDATE task /* every community */ SET
             state = note.state,
             attempts = attempts - note.uncounted,
             run_at = 'epoch'::timestamptz + note.run_at * interval '1 microsecond',
             last_error = coalesce(note.error, last_error),
             finished_at = 'epoch'::timestamptz + note.finished_at * interval '1 microsecond',
             payload = CASE WHEN note.state = 'done' THEN 'null'::jsonb ELSE payload END,
             lease_holder = NULL, lease_until = NULL
         FROM jsonb_to_recordset($1::jsonb)
             AS note (id uuid, token bigint, state text, uncounted integer, run_at bigint, error text, finished_at bigint)
         WHERE task.id = note.id AND task.state = 'running' AND task.lease_token = note.token",
    );
    tx.execute(sql, params![Value::Array(notes)]).await
}

async fn claim(
    tx: &Tx,
    holder: Uuid,
    priority: Priority,
    kinds: &Value,
    room: usize,
    now: Timestamp,
    lease: Duration,
) -> Result<Vec<Task>> {
    let sql = tx.pick(
        "UPDATE task /* every community */ SET
             state = 'running', attempts = attempts + 1,
             lease_holder = $1, lease_token = lease_token + 1, lease_until = $2
         WHERE id IN (
             SELECT id FROM task WHERE state = 'ready' AND priority = $3 AND run_at <= $4
                 AND kind IN (SELECT value FROM json_each($5))
             ORDER BY run_at, id LIMIT $6
         )
         RETURNING id, community_id, kind, payload, priority, run_at, attempts, max_attempts, lease_token, lease_until, created_at",
        "WITH due AS MATERIALIZED (
             SELECT id AS due_id FROM task WHERE state = 'ready' AND priority = $3 AND run_at <= $4
                 AND kind IN (SELECT jsonb_array_elements_text($5::jsonb))
             ORDER BY run_at, id LIMIT $6 FOR UPDATE OF task SKIP LOCKED
         )
         UPDATE task /* every community */ SET
             state = 'running', attempts = attempts + 1,
             lease_holder = $1, lease_token = lease_token + 1, lease_until = $2
         FROM due WHERE id = due_id
         RETURNING id, community_id, kind, payload, priority, run_at, attempts, max_attempts, lease_token, lease_until, created_at",
    );
    let params = params![holder, now.plus(lease), priority as i32, now, kinds, room as i64];
    tx.all(sql, params, task).await
}

fn task(row: &Row<'_>) -> Result<Task> {
    Ok(Task {
        id: row.get(0)?,
        community: CommunityId(row.get(1)?),
        kind: row.get(2)?,
        payload: row.get(3)?,
        priority: row.get(4)?,
        run_at: row.get(5)?,
        attempts: row.get(6)?,
        max_attempts: row.get(7)?,
        lease_token: row.get(8)?,
        lease_until: row.get(9)?,
        created_at: row.get(10)?,
    })
}

/// Marks the task done and performs the handler's write with it. False: the
/// lease has gone to another runner, and nothing was written.
pub(super) async fn done_in(app: &App, task: &Task, write: LastWrite) -> Result<bool> {
    let (id, token, now) = (task.id, task.lease_token, app.clock.now());
    app.db
        .within(task.community)
        .write_again(move |tx| async move {
            let sql = tx.pick(
                "UPDATE task /* every community */ SET state = 'done', payload = 'null', finished_at = $1,
                     lease_holder = NULL, lease_until = NULL
                 WHERE id = $2 AND lease_token = $3 AND state = 'running'",
                "UPDATE task /* every community */ SET state = 'done', payload = 'null'::jsonb, finished_at = $1,
                     lease_holder = NULL, lease_until = NULL
                 WHERE id = $2 AND lease_token = $3 AND state = 'running'",
            );
            // First of all: on PostgreSQL the row stays locked against a claim until the end.
            if tx.execute(sql, params![now, id, token]).await? == 0 {
                return Ok(false);
            }
            write(tx).await?;
            Ok(true)
        })
        .await
}

pub async fn counts(db: &Db) -> Result<Counts> {
    let counts = db
        .one(
            "SELECT /* every community */
                 (SELECT count(*) FROM task WHERE state = 'ready'),
                 (SELECT count(*) FROM task WHERE state = 'running'),
                 (SELECT count(*) FROM task WHERE state = 'dead'),
                 (SELECT min(run_at) FROM task WHERE state = 'ready')",
            params![],
            |row| {
                Ok(Counts {
                    ready: row.get(0)?,
                    running: row.get(1)?,
                    dead: row.get(2)?,
                    oldest_ready_at: row.get(3)?,
                })
            },
        )
        .await?;
    Ok(counts.unwrap_or_default())
}

/// The dead, the latest first.
pub async fn dead(db: &Db, limit: u32) -> Result<Vec<DeadTask>> {
    db.all(
        "SELECT /* every community */ id, kind, attempts, last_error, finished_at FROM task
         WHERE state = 'dead' ORDER BY finished_at DESC, id DESC LIMIT $1",
        params![i64::from(limit)],
        |row| {
            Ok(DeadTask {
                id: row.get(0)?,
                kind: row.get(1)?,
                attempts: row.get(2)?,
                last_error: row.get(3)?,
                finished_at: row.get(4)?,
            })
        },
    )
    .await
}

/// Gives every dead task of a kind all its attempts again, and says how many there were.
pub async fn redrive(app: &App, kind: &str) -> Result<u64> {
    let (kind, now) = (kind.to_owned(), app.clock.now());
    let tasks = super::Tasks::of(app).wake.clone();
    app.db
        .write_again(move |tx| async move {
            tx.on_commit(move || tasks.wake());
            tx.execute(
                "UPDATE task /* every community */ SET state = 'ready', attempts = 0, run_at = $1, finished_at = NULL
                 WHERE state = 'dead' AND kind = $2",
                params![now, kind],
            )
            .await
        })
        .await
}

/// The same for one task; `conflict` when it is not dead.
pub async fn redrive_one(app: &App, id: TaskId) -> Result<()> {
    let now = app.clock.now();
    let tasks = super::Tasks::of(app).wake.clone();
    app.db
        .write_again(move |tx| async move {
            tx.on_commit(move || tasks.wake());
            let found = tx
                .execute(
                    "UPDATE task /* every community */ SET state = 'ready', attempts = 0, run_at = $1, finished_at = NULL
                     WHERE state = 'dead' AND id = $2",
                    params![now, id],
                )
                .await?;
            if found == 1 { Ok(()) } else { Err(conflict("task_not_dead")) }
        })
        .await
}

/// Deletes done tasks after 7 days and dead ones after 30.
pub async fn prune(db: &Db, now: Timestamp) -> Result<u64> {
    let (done, dead) = (now.minus(DONE_KEPT), now.minus(DEAD_KEPT));
    db.write_again(move |tx| async move {
        tx.execute(
            "DELETE FROM task /* every community */
             WHERE finished_at IS NOT NULL
                 AND (finished_at <= $1 AND state = 'done' OR finished_at <= $2 AND state = 'dead')",
            params![done, dead],
        )
        .await
    })
    .await
}
