//! What the server tells of itself, and where browsers report their errors.

use crate::{
    Observer,
    figures::Summary,
    groups,
    operator::{MaybeOperator, Operator},
    sockets,
};
use base::Text;
use platform::{
    AppState,
    http::{Accepted, Caller, ClientIp, Context, Json, Result, Routes},
    limits::{Limit, StoreState},
    tasks::{Counts, counts},
};
use schemars::JsonSchema;
use serde::Serialize;
use std::{sync::atomic::Ordering, time::Duration};
use supervisor::State;

const PING_WITHIN: Duration = Duration::from_secs(1);

/// The routes under `/api/v1`.
pub fn routes() -> Routes {
    Routes::new("Operation")
        .post(
            "/client-errors",
            "report_client_error",
            report_client_error,
            "Report an error of the web app",
        )
        .by(Caller::Public)
        .refuses(&[base::Kind::RateLimited])
        .get(
            "/health",
            "get_health",
            get_health,
            "How the server is; details for operators",
        )
        .by(Caller::Public)
        .get(
            "/metrics/performance",
            "get_performance",
            get_performance,
            "How often each route was asked, and how long it took",
        )
        .by(Caller::Operator)
        .merge(sockets::routes())
        .merge(groups::routes())
}

base::input! {
    /// An error that a page met in the browser.
    pub struct ClientError {
        pub message: Text<1, 2000>,
        pub stack: Option<Text<0, 16000>>,
        /// The page it happened on.
        pub url: Option<Text<0, 2000>>,
        /// The version of the web app.
        pub release: Option<Text<0, 100>>,
    }
}

async fn report_client_error(
    app: AppState,
    ip: ClientIp,
    Context(context): Context,
    Json(error): Json<ClientError>,
) -> Result<Accepted> {
    let limit = Limit {
        name: "client_errors",
        count: app.config.limits.client_errors_per_minute,
        period: Duration::from_mins(1),
    };
    context.limited(app.limits.take(limit, ip).await)?;
    app.part::<Observer>().browser_error(
        &error.message,
        error.stack.as_deref(),
        error.url.as_deref(),
        error.release.as_deref(),
        &context.id,
    );
    Ok(Accepted)
}

/// How the server is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    pub status: HealthStatus,
    /// For operators alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<HealthDetails>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    Ok,
    /// It serves, but something needs a human.
    Degraded,
    /// The database does not answer.
    Down,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct HealthDetails {
    pub release: &'static str,
    pub uptime_s: u64,
    pub draining: bool,
    pub database: DatabaseHealth,
    pub errors: ErrorStoreHealth,
    pub limits: LimitsHealth,
    pub workers: Vec<WorkerHealth>,
    /// Durable tasks; null while the database does not answer.
    pub tasks: Option<Counts>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DatabaseHealth {
    pub engine: &'static str,
    pub answers: bool,
    pub ping_ms: f64,
}

/// Counts since the start.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorStoreHealth {
    pub seen: u64,
    pub stored: u64,
    pub spooled: u64,
    pub lost: u64,
    /// Errors and counts that the database refused; they are in a file beside the spool.
    pub set_aside: u64,
    pub waiting: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct LimitsHealth {
    /// Where rate limits are counted: `local`, `shared` (in Redis), or `away`: here and stricter, because Redis does not answer.
    pub store: &'static str,
    /// Since the start.
    pub outages: u64,
    pub last_error: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct WorkerHealth {
    pub name: String,
    /// `starting`, `idle`, `running`, `backing_off`, `quarantined`, `stopping` or `stopped`.
    pub state: &'static str,
    pub runs: u64,
    pub failures: u64,
    pub restarts: u64,
    pub last_error: Option<String>,
}

async fn get_health(app: AppState, operator: MaybeOperator) -> Result<Json<Health>> {
    let began = std::time::Instant::now();
    let answers = database_answers(&app).await;
    let ping_ms = milliseconds(began.elapsed());
    let totals = app.part::<Observer>().totals();
    let status = app.supervisor.status();
    let troubled = status
        .workers
        .iter()
        .any(|worker| matches!(worker.state, State::Quarantined | State::BackingOff { .. }));
    let limits = app.limits.health();
    let draining = app.draining.load(Ordering::Relaxed);
    let health = if !answers {
        HealthStatus::Down
    } else if troubled || draining || app.part::<Observer>().lost_lately() || limits.state == StoreState::Away
    {
        HealthStatus::Degraded
    } else {
        HealthStatus::Ok
    };
    let tasks = if answers && operator.0 {
        counts(&app.db).await.ok()
    } else {
        None
    };
    let details = operator.0.then(|| HealthDetails {
        tasks,
        release: platform::RELEASE,
        uptime_s: app.part::<Observer>().uptime().as_secs(),
        draining,
        database: DatabaseHealth {
            engine: app.db.engine_name(),
            answers,
            ping_ms,
        },
        errors: ErrorStoreHealth {
            seen: totals.seen,
            stored: totals.stored,
            spooled: totals.spooled,
            lost: totals.lost,
            set_aside: totals.set_aside,
            waiting: totals.waiting,
        },
        limits: LimitsHealth {
            store: match limits.state {
                StoreState::Local => "local",
                StoreState::Shared => "shared",
                StoreState::Away => "away",
            },
            outages: limits.outages,
            last_error: limits.last_error,
        },
        workers: status
            .workers
            .into_iter()
            .map(|worker| WorkerHealth {
                state: state_word(worker.state),
                runs: worker.runs,
                failures: worker.errors + worker.panics + worker.overruns,
                restarts: worker.restarts,
                last_error: worker.last_error,
                name: worker.name,
            })
            .collect(),
    });
    Ok(Json(Health {
        status: health,
        details,
    }))
}

pub(crate) async fn database_answers(app: &AppState) -> bool {
    matches!(tokio::time::timeout(PING_WITHIN, app.db.ping()).await, Ok(Ok(())))
}

fn state_word(state: State) -> &'static str {
    match state {
        State::Starting => "starting",
        State::Idle => "idle",
        State::Running => "running",
        State::BackingOff { .. } => "backing_off",
        State::Quarantined => "quarantined",
        State::Stopping => "stopping",
        State::Stopped => "stopped",
    }
}

/// Since the start of this process, and in its last five minutes. A quantile is at most an eighth too long.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Performance {
    pub routes: Vec<RoutePerformance>,
    /// Routes with requests of more than 500 ms, the worst first.
    pub slow: Vec<SlowRoute>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RoutePerformance {
    pub method: &'static str,
    pub route: String,
    pub since_start: Latency,
    pub last_5_minutes: Latency,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Latency {
    pub count: u64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    /// Share of answers of 500 and more, from 0 to 1.
    pub error_rate: f64,
}

impl Latency {
    fn of(summary: Summary) -> Latency {
        Latency {
            count: summary.count,
            p50_ms: milliseconds(summary.p50),
            p95_ms: milliseconds(summary.p95),
            p99_ms: milliseconds(summary.p99),
            error_rate: summary.errors as f64 / summary.count.max(1) as f64,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct SlowRoute {
    pub method: &'static str,
    pub route: String,
    pub slow_count: u64,
    pub max_ms: f64,
}

async fn get_performance(app: AppState, _operator: Operator) -> Result<Json<Performance>> {
    let figures = app.part::<Observer>().figures();
    let mut slow: Vec<SlowRoute> = figures
        .iter()
        .filter(|figure| figure.since_start.slow > 0)
        .map(|figure| SlowRoute {
            method: figure.method,
            route: figure.route.clone(),
            slow_count: figure.since_start.slow,
            max_ms: milliseconds(figure.since_start.max),
        })
        .collect();
    slow.sort_by_key(|slow| std::cmp::Reverse(slow.slow_count));
    let routes = figures
        .into_iter()
        .map(|figure| RoutePerformance {
            method: figure.method,
            since_start: Latency::of(figure.since_start),
            last_5_minutes: Latency::of(figure.last_5_minutes),
            route: figure.route,
        })
        .collect();
    Ok(Json(Performance { routes, slow }))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}
