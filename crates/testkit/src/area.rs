//! The app of one area: accounts, real time and the slices of one crate.

use crate::Assembly;
use accounts::Accounts;
use base::{Clock, Entropy};
use db::{Db, Place, Settings, migrate::migrate};
use platform::{App, AppState, Config, http::Routes, http::edge, mailer::Mailer, tasks, tasks::Tasks};
use realtime::{Realtime, Sockets};
use std::time::Duration;
use supervisor::{Plan, Supervisor};

/// Puts accounts, real time and one area above them together: its routes, its
/// socket events, its workers.
pub fn area(
    routes: fn() -> Routes,
    sockets: fn() -> Sockets,
    workers: fn(&AppState) -> Vec<Plan>,
) -> impl Assembly {
    area_with_tasks(routes, sockets, workers, |tasks, _| tasks)
}

/// The same for an area that does durable tasks.
pub fn area_with_tasks(
    routes: fn() -> Routes,
    sockets: fn() -> Sockets,
    workers: fn(&AppState) -> Vec<Plan>,
    handlers: fn(Tasks, &Config) -> Tasks,
) -> impl Assembly {
    async move |config: Config, clock: Clock, entropy: Entropy| {
        let app = below(config, clock, entropy, handlers).await;
        let plans = tasks::workers(&app)
            .into_iter()
            .chain(accounts::workers(&app))
            .chain(realtime::workers(&app))
            .chain(workers(&app))
            .chain(platform::workers(&app));
        for plan in plans {
            app.supervisor.add(plan);
        }
        let (router, ..) = Routes::default()
            .merge(accounts::routes())
            .merge(realtime::routes())
            .merge(routes())
            .into_parts();
        let all = router
            .merge(realtime::router(&app, realtime::sockets().merge(sockets())))
            .merge(accounts::well_known());
        let router = edge::around(all, &app);
        (app, router)
    }
}

async fn below(
    config: Config,
    clock: Clock,
    entropy: Entropy,
    handlers: fn(Tasks, &Config) -> Tasks,
) -> AppState {
    let place = match config.database.url.0.as_str() {
        "" => Place::Sqlite(config.data.dir.join("mundo.db")),
        url => Place::Postgres(url.to_owned()),
    };
    let settings = Settings {
        place,
        readers: config.database.readers,
        writers: config.database.writers,
        statement_timeout: Duration::from_millis(config.database.statement_timeout_ms),
        connect_timeout: Duration::from_millis(config.database.connect_timeout_ms),
    };
    let db = Db::open(&settings).await.expect("the database opens");
    migrate(&db, &clock).await.expect("the schema is new");
    let (now, seed) = (clock.clone(), entropy.below(u64::MAX));
    let supervisor = Supervisor::new(supervisor::Settings {
        groups: vec!["platform", "web"],
        spread: Duration::ZERO,
        seed,
        ..supervisor::Settings::with_clock(move || now.now().as_micros())
    });
    let keys = config.data.dir.join("keys");
    let mailer = Mailer::new(&config).expect("mails are kept");
    let tasks = handlers(Tasks::default().with(mailer), &config);
    let app = App::new(config, db, clock, entropy, supervisor).with_part(tasks);
    if !app.config.limits.enabled {
        app.limits.lift();
    }
    let app = Accounts::install(app, &keys).await.expect("the keys are made");
    AppState::new(Realtime::install(app))
}
