//! The end of an account: found by a worker, done by a durable task.

use super::store;
use crate::{
    MemberId,
    members::Status,
    sessions::{self, Reason},
    staff,
};
use base::Result;
use db::params;
use platform::{
    AppState,
    belongings::{Belongings, Leaves, Table},
    communities,
    tasks::{self, Handler, NewTask, Outcome, Priority, Task},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use supervisor::Report;
use tokio::time::Instant;

const KIND: &str = "account.erase";
/// Accounts found in one run of the worker.
const BATCH: i64 = 100;
/// A run goes on in another task after so long: none may take 45 s.
const BUDGET: Duration = Duration::from_secs(20);

#[derive(Serialize, Deserialize)]
struct Payload {
    member: MemberId,
}

/// Promises the work for everybody whose time has come.
pub(crate) async fn find_due(app: &AppState) -> Result<Report> {
    let due = store::due(&app.db, app.clock.now(), BATCH).await?;
    let found = due.len() as i64;
    for (member, at) in due {
        let own = app.clone();
        app.db
            .write_again(move |tx| async move {
                let task = NewTask::new(KIND, &Payload { member })?
                    .once(format!("{member} {}", at.as_micros()))
                    .priority(Priority::Low);
                tasks::enqueue(&own, &tx, task).await.map(drop)
            })
            .await?;
    }
    Ok(Report::new("accounts that end").fact("members", found))
}

/// The handler of `account.erase`.
pub struct Erase;

impl Handler for Erase {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &AppState, task: &Task) -> Result<Outcome> {
        let Payload { member } = task.read()?;
        let now = app.clock.now();
        match store::find(&app.db, member).await? {
            Some(deletion) if deletion.begun_at.is_some() => {}
            Some(deletion) if deletion.erase_at <= now => begin(app, member).await?,
            // Taken back, or asked for again.
            _ => return Ok(Outcome::Done),
        }
        let began = Instant::now();
        for table in app.part::<Belongings>().tables() {
            while leave(app, table, member).await? {
                if began.elapsed() > BUDGET {
                    let own = app.clone();
                    return Ok(Outcome::done_in(move |tx| async move {
                        let task = NewTask::new(KIND, &Payload { member })?.priority(Priority::Low);
                        tasks::enqueue(&own, &tx, task).await.map(drop)
                    }));
                }
            }
        }
        Ok(Outcome::done_in(move |tx| async move {
            store::finish(&tx, member, now).await
        }))
    }
}

/// From here on nobody takes it back, and nobody sees the member. The journal hears of it.
async fn begin(app: &AppState, member: MemberId) -> Result<()> {
    let (own, now) = (app.clone(), app.clock.now());
    app.db
        .write_again(move |tx| async move {
            if !store::begin(&tx, member, now).await? {
                return Ok(());
            }
            staff::put_status(&tx, member, Status::Former, now).await?;
            sessions::end_all(&tx, &own, member, Reason::Erased, None).await?;
            sessions::cut(&tx, &own, member, Reason::Erased).await
        })
        .await
}

/// Some rows of a table leave, in every community; true when there may be more.
async fn leave(app: &AppState, table: &Table, member: MemberId) -> Result<bool> {
    match table.leaves {
        Leaves::Rows(sql) => {
            let done = app
                .db
                .write_again(move |tx| async move { tx.execute(sql, params![member]).await });
            done.await.map(|_| false)
        }
        Leaves::By(by) => {
            let mut more = false;
            for app in communities::each(app).await? {
                let own = app.clone();
                let done = app
                    .db
                    .write_again(move |tx| async move { by(own, tx, member.0).await });
                more |= done.await? > 0;
            }
            Ok(more)
        }
        Leaves::With(_) | Leaves::InTime(_) | Leaves::Stays(_) => Ok(false),
    }
}
