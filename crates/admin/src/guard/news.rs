//! What the guard's ledger says since the server started is told: to staff who are
//! online, and what is wrong to the error store.

use super::{
    desk::{Desk, ask},
    model::{GuardRestore, GuardSuspect},
};
use ::guard::{Guard, Overview, Record, What};
use accounts::{Permission, staff};
use base::{Error, Kind, Result, Timestamp};
use platform::{
    AppState,
    watch::{Fault, FaultKind},
};
use realtime::{Push, Realtime, Sockets};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;
use supervisor::{Context, Failure, Plan, Report, Spec, Worker};

/// How often the ledger is read.
const EVERY: Duration = Duration::from_secs(1);

/// `guard:restored`: a loss was undone. To staff who may change platform settings; ephemeral,
/// like all pushes of the guard: the lists are the truth.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GuardRestored {
    pub restore: GuardRestore,
}

impl Push for GuardRestored {
    const NAME: &'static str = "guard:restored";
}

/// `guard:incident`: one file was lost again and again within a minute.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GuardIncident {
    /// Its line in the ledger.
    pub line: u64,
    pub at: Timestamp,
    pub path: String,
    pub times: u64,
    pub by: GuardSuspect,
}

impl Push for GuardIncident {
    const NAME: &'static str = "guard:incident";
}

/// `guard:trouble`: a file could not be put back.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GuardTrouble {
    /// Its line in the ledger.
    pub line: u64,
    pub at: Timestamp,
    pub path: String,
    /// In English.
    pub why: String,
}

impl Push for GuardTrouble {
    const NAME: &'static str = "guard:trouble";
}

/// What goes through sockets.
pub fn sockets() -> Sockets {
    Sockets::new("guard")
        .ephemeral::<GuardRestored>("A loss was undone; to staff")
        .ephemeral::<GuardIncident>("A file was lost again and again; to staff")
        .ephemeral::<GuardTrouble>("A file could not be put back; to staff")
}

/// The worker that tells the news.
pub fn workers(app: &AppState) -> Vec<Plan> {
    let own = app.clone();
    vec![
        Spec::new("guard.news")
            .group("platform")
            .every(EVERY)
            .timeout(Duration::from_secs(30))
            .worker(move || News {
                app: own.clone(),
                told: None,
            }),
    ]
}

struct News {
    app: AppState,
    /// The last line that was told.
    told: Option<u64>,
}

impl Worker for News {
    async fn run(&mut self, _: &Context) -> Result<Report, Failure> {
        let told = self.told;
        let look = ask(&self.app, move |guard| look(guard, told)).await?;
        let (news, overview) = match look {
            Some((news, overview)) => (news, Some(overview)),
            None => (vec![], None),
        };
        let told = overview.as_ref().map(|overview| overview.ledger_lines as u64);
        self.app.memory_of_all::<Desk>().keep(overview);
        let count = news.len();
        for record in news {
            let line = record.n;
            self.tell(record).await?;
            self.told = Some(line);
        }
        self.told = told;
        Ok(if count == 0 {
            Report::nothing()
        } else {
            Report::new("told what the guard wrote down").fact("lines", count as i64)
        })
    }
}

/// The lines after `told`; at first those since the last start, which is ours.
fn look(guard: &Guard, told: Option<u64>) -> Result<(Vec<Record>, Overview)> {
    let told = if let Some(told) = told {
        told
    } else {
        let start = guard.history(u64::MAX, 1, |what| matches!(what, What::Start { .. }))?;
        start.first().map_or(0, |start| start.n)
    };
    let overview = guard.overview()?;
    let mut news = guard.records_after(told)?;
    // What came between the two questions is told the next time.
    news.retain(|record| record.n <= overview.ledger_lines as u64);
    Ok((news, overview))
}

impl News {
    async fn tell(&self, record: Record) -> Result<()> {
        let (line, at) = (record.n, record.at);
        match record.what.clone() {
            What::Restored { .. } => match GuardRestore::of(record) {
                Some(restore) => self.push(&GuardRestored { restore }).await,
                None => Ok(()),
            },
            What::Incident { path, times, by } => {
                let (times, by) = (times as u64, by.into());
                self.push(&GuardIncident {
                    line,
                    at,
                    path,
                    times,
                    by,
                })
                .await?;
                self.keep_error("guard_incident", &record.what);
                Ok(())
            }
            What::Trouble { path, why } => {
                self.push(&GuardTrouble { line, at, path, why }).await?;
                self.keep_error("guard_trouble", &record.what);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// To staff on every node, by the roles they have now.
    async fn push(&self, push: &impl Push) -> Result<()> {
        let realtime = Realtime::of(&self.app);
        let staff = staff::who_may(&self.app.db, Permission::PlatformSettings).await?;
        realtime.push_to_members(staff, push);
        Ok(())
    }

    fn keep_error(&self, code: &'static str, what: &What) {
        let error = Error::new(Kind::Internal, code).cause(what.to_string());
        self.app.tell(|watch| {
            watch.fault(Fault {
                kind: FaultKind::Error,
                error: &error,
                place: "guard",
                request_id: None,
            });
        });
    }
}
