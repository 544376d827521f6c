//! From settings to a running server, and to its end.

use crate::{
    archive::{lock::DataLock, schema_version},
    router::router,
};
use accounts::Accounts;
use anyhow::{Context, Result, bail, ensure};
use base::{Clock, Entropy};
use db::{
    Db, Place, Settings,
    migrate::{migrate, migrations},
};
use observe::{Observer, Sentry};
use platform::{
    App, AppState, Config,
    belongings::Belongings,
    http::{Listener, serve},
    mailer::Mailer,
    tasks::{self, Tasks},
};
use realtime::Realtime;
use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use supervisor::{Spec, Supervisor};

/// A server that answers.
pub struct Running {
    pub app: AppState,
    pub address: SocketAddr,
}

/// Where the configured data is.
pub fn database(config: &Config) -> Settings {
    let place = match config.database.url.0.as_str() {
        "" => Place::Sqlite(config.data.dir.join("mundo.db")),
        url => Place::Postgres(url.to_owned()),
    };
    Settings {
        place,
        readers: config.database.readers,
        writers: config.database.writers,
        statement_timeout: Duration::from_millis(config.database.statement_timeout_ms),
        connect_timeout: Duration::from_millis(config.database.connect_timeout_ms),
    }
}

/// What of every table belongs to a member, in the order in which it leaves.
pub fn belongings() -> Belongings {
    Belongings::default()
        .with(community::belongings())
        .with(realtime::belongings())
        .with(accounts::belongings())
        .with(observe::belongings())
        .with(platform::belongings::belongings())
}

/// Opens the database, brings its schema up to date and reads the keys. Nothing runs yet.
pub async fn assemble(
    config: Config,
    clock: Clock,
    entropy: Entropy,
    sentry: Option<Sentry>,
) -> Result<AppState> {
    let lock = lock_data(&config)?;
    let db = Db::open(&database(&config)).await?;
    for name in migrate(&db, &clock).await? {
        tracing::info!(migration = name, "schema changed");
    }
    let (now, seed) = (clock.clone(), entropy.below(u64::MAX));
    let supervisor = Supervisor::new(supervisor::Settings {
        groups: vec!["platform", "web"],
        spread: Duration::from_secs(2),
        seed,
        ..supervisor::Settings::with_clock(move || now.now().as_micros())
    });
    let keys = config.data.dir.join("keys");
    let observer = Observer::new(&config, db.clone(), clock.clone(), platform::RELEASE, sentry);
    let tasks = Tasks::default()
        .with(Mailer::new(&config)?)
        .with(accounts::push::Sender::new(&config))
        .with(accounts::leaving::Erase);
    let tasks = community::tasks(tasks, &config);
    let app = App::new(config, db, clock, entropy, supervisor)
        .with_part(observer.clone())
        .with_part(tasks)
        .with_part(belongings())
        .with_part(lock);
    app.watched_by(Arc::new(observer));
    if !app.config.limits.enabled {
        app.limits.lift();
        tracing::warn!("rate limits are off: for benchmarks alone");
    }
    let app = Accounts::install(app, &keys).await?;
    let app = AppState::new(Realtime::install(app));
    let measuring = Box::new(admin::guard::figures(&app));
    app.part::<Observer>().measured_by(measuring);
    for plan in observe::workers(&app)
        .into_iter()
        .chain(platform::limits::workers(&app))
        .chain(tasks::workers(&app))
        .chain(accounts::workers(&app))
        .chain(realtime::workers(&app))
        .chain(community::workers(&app))
        .chain(admin::workers(&app))
        .chain(platform::workers(&app))
    {
        app.supervisor.add(plan);
    }
    Ok(app)
}

/// Makes the data folder when it is not there, and keeps other programs out of it. Several
/// servers may share a PostgreSQL database, so there is nothing to lock then.
pub fn lock_data(config: &Config) -> Result<DataLock> {
    if !config.database.url.0.is_empty() {
        return Ok(DataLock::none());
    }
    let folder = &config.data.dir;
    make_private(folder).with_context(|| format!("the data folder {}", folder.display()))?;
    DataLock::take(folder)
}

/// An app for a command that works beside a running server: without the data
/// folder's lock, without changing the schema, with nothing running.
pub async fn beside(config: Config) -> Result<AppState> {
    let place = database(&config);
    if let Place::Sqlite(path) = &place.place {
        ensure!(
            path.is_file(),
            "there is no database in {}",
            config.data.dir.display()
        );
    }
    let db = Db::open(&place).await?;
    let (found, own) = (
        schema_version(&db).await?,
        migrations().last().map(|last| last.version),
    );
    ensure!(
        Some(found) == own,
        "the database has schema version {found}, which is not this program's: start its server first"
    );
    let keys = config.data.dir.join("keys");
    let clock = Clock::system();
    let now = clock.clone();
    let supervisor = Supervisor::new(supervisor::Settings::with_clock(move || now.now().as_micros()));
    let app = App::new(config, db, clock, Entropy::system(), supervisor);
    Ok(AppState::new(Accounts::install(app, &keys).await?))
}

/// The folder of the database and the keys is its owner's alone.
pub(crate) fn make_private(folder: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// Starts the workers and listens.
pub async fn start(app: AppState) -> Result<Running> {
    let address = SocketAddr::new(app.config.server.host, app.config.server.port);
    let listener = match Listener::bind(address).await {
        Ok(listener) => Arc::new(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bail!(
            "port {} is taken by another program (on macOS AirPlay holds port 5000); choose another with --port",
            address.port()
        ),
        Err(error) => return Err(error).with_context(|| format!("cannot listen on {address}")),
    };
    let address = listener.address()?;
    let (own, routes) = (app.clone(), router(&app));
    app.supervisor
        .add(Spec::new("web.listener").group("web").service(move |context| {
            let (app, routes, listener) = (own.clone(), routes.clone(), listener.clone());
            async move {
                context.ready();
                serve(&listener, app, routes, context.cancel_token()).await;
                Ok(())
            }
        }));
    app.supervisor.start().await;
    Ok(Running { app, address })
}

impl Running {
    /// Ends in two steps: running work may finish within the grace, the rest is cut.
    pub async fn stop(&self) {
        self.app.draining.store(true, Ordering::SeqCst);
        let grace = Duration::from_millis(self.app.config.server.shutdown_grace_ms);
        let stopped = self.app.supervisor.stop(grace).await;
        if !stopped.is_clean() {
            tracing::warn!(?stopped, "some work had to be cut");
        }
        if let Err(error) = self.app.part::<Observer>().flush().await {
            tracing::warn!(%error, "the last errors were not stored");
        }
        self.app.db.close().await;
        self.app.part::<DataLock>().release();
    }
}
