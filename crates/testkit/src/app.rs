//! The app under test.

use crate::{Answer, TestUser};
use axum::Router;
use base::{Clock, Entropy, Timestamp};
use db::{Db, Executor, Place, Settings};
use platform::{
    AppState, Config,
    config::Sources,
    http::{Listener, serve},
    watch::{Answered, Fault, Watch},
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use supervisor::Spec;
use tempfile::TempDir;

/// Where every story begins.
const START: &str = "2026-11-23T12:00:00Z";

/// Builds the app and its routes: given by the crate under test.
pub trait Assembly: AsyncFn(Config, Clock, Entropy) -> (AppState, Router<AppState>) {}
impl<F: AsyncFn(Config, Clock, Entropy) -> (AppState, Router<AppState>)> Assembly for F {}

pub struct TestApp {
    pub app: AppState,
    pub clock: Clock,
    pub url: String,
    pub http: reqwest::Client,
    faults: Arc<Faults>,
    failing: Mutex<Vec<&'static str>>,
    _folder: TempDir,
}

/// Errors that requests ran into: a story that wants one takes it.
#[derive(Default)]
struct Faults(Mutex<Vec<String>>);

impl Watch for Faults {
    fn answered(&self, _: Answered<'_>) {}
    fn fault(&self, fault: Fault<'_>) {
        self.0
            .lock()
            .unwrap()
            .push(format!("{}: {}", fault.place, fault.error));
    }
}

/// Runs the story on a new SQLite and on a new PostgreSQL database.
pub async fn each_db(assembly: impl Assembly, story: impl AsyncFn(&TestApp)) {
    for url in [None, Some(postgres_url().await)] {
        let app = TestApp::start(&assembly, url, &[]).await;
        story(&app).await;
        app.end().await;
    }
}

/// A new, empty database on the shared cluster.
pub async fn postgres_url() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "t_{}_{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let admin = Db::open(&Settings {
        place: Place::Postgres(pgtemp::shared("postgres").expect("PostgreSQL starts")),
        readers: 1,
        writers: 1,
        statement_timeout: Duration::from_mins(1),
        connect_timeout: Duration::from_secs(10),
    })
    .await
    .expect("PostgreSQL answers");
    let create: &'static str = format!("CREATE DATABASE {name}").leak();
    admin.administer(create).await.expect("a database is made");
    pgtemp::shared(&name).expect("PostgreSQL runs")
}

/// Settings for tests: cheap hashing, few connections, no limits unless set.
pub fn config(data: &std::path::Path, database_url: Option<&str>, more: &[(&'static str, &str)]) -> Config {
    let mut flags: std::collections::BTreeMap<&'static str, String> = [
        ("data.dir", data.display().to_string()),
        ("database.url", database_url.unwrap_or_default().to_owned()),
        ("database.readers", "2".to_owned()),
        ("accounts.argon2_memory_kib", "64".to_owned()),
        ("accounts.argon2_passes", "1".to_owned()),
        ("accounts.hashing_threads", "2".to_owned()),
        ("limits.enabled", "off".to_owned()),
    ]
    .into();
    flags.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
    let sources = Sources {
        flags,
        ..Sources::default()
    };
    Config::load(&sources).expect("the settings of tests are good").0
}

impl TestApp {
    pub async fn start(
        assembly: &impl Assembly,
        database_url: Option<String>,
        more: &[(&'static str, &str)],
    ) -> TestApp {
        let folder = tempfile::tempdir().expect("there is a temporary folder");
        let config = config(folder.path(), database_url.as_deref(), more);
        let clock = Clock::manual(START.parse::<Timestamp>().expect("a time"));
        // What puts an app together is large; it is made once.
        let (app, router) = Box::pin(assembly(config, clock.clone(), Entropy::seeded(7))).await;
        let faults = Arc::new(Faults::default());
        app.watched_by(faults.clone());
        let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .await
            .expect("a port is free");
        let (listener, own) = (Arc::new(listener), app.clone());
        let url = format!("http://{}", listener.address().expect("it listens"));
        app.supervisor
            .add(Spec::new("web.listener").group("web").service(move |context| {
                let (listener, app, router) = (listener.clone(), own.clone(), router.clone());
                async move {
                    context.ready();
                    serve(&listener, app, router, context.cancel_token()).await;
                    Ok(())
                }
            }));
        app.supervisor.start().await;
        TestApp {
            app,
            clock,
            url,
            http: crate::http().build().expect("a client is built"),
            faults,
            failing: Mutex::default(),
            _folder: folder,
        }
    }

    /// A new member of that name, logged in.
    pub async fn user(&self, name: &str) -> TestUser {
        TestUser::register(self, name).await
    }

    /// A request of nobody in particular.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.http.get(format!("{}{path}", self.url))).await
    }

    pub async fn post(&self, path: &str, body: serde_json::Value) -> Answer {
        Answer::of(self.http.post(format!("{}{path}", self.url)).json(&body)).await
    }

    /// The errors so far, which the story expected.
    pub fn take_faults(&self) -> Vec<String> {
        std::mem::take(&mut *self.faults.0.lock().unwrap())
    }

    /// What the story does is for this worker to complain of, if it happens to look.
    pub fn may_fail(&self, worker: &'static str) {
        self.failing.lock().unwrap().push(worker);
    }

    /// Ends the app and looks for what went wrong unseen.
    pub async fn end(self) {
        let expected = std::mem::take(&mut *self.failing.lock().unwrap());
        let broken: Vec<_> = self
            .app
            .supervisor
            .status()
            .workers
            .into_iter()
            .filter(|worker| worker.panics > 0 || worker.errors > 0 && !expected.contains(&&*worker.name))
            .map(|worker| format!("{}: {:?}", worker.name, worker.last_error))
            .collect();
        assert!(broken.is_empty(), "workers failed: {broken:?}");
        let faults = self.take_faults();
        assert!(faults.is_empty(), "errors that nobody asked for: {faults:?}");
        self.unsent_signals().await;
        let stopped = self.app.supervisor.stop(Duration::from_secs(5)).await;
        assert!(stopped.is_clean(), "work was cut: {stopped:?}");
        self.app.db.close().await;
    }

    /// Every consumer reaches the last signal, within a few seconds.
    async fn unsent_signals(&self) {
        let sql = self.app.db.pick(
            "SELECT /* every community */ count(*) FROM signal s, signal_consumer c WHERE s.id > c.signal_id",
            "SELECT /* every community */ count(*) FROM signal s, signal_consumer c
             WHERE (s.xid::text::bigint, s.id) > (c.xid, c.signal_id)",
        );
        let names = "SELECT name FROM signal_consumer";
        let consumers: Vec<String> = self
            .app
            .db
            .all(names, vec![], |row| row.get(0))
            .await
            .expect("the consumers are read");
        let mut waiting = 0;
        for _ in 0..200 {
            let count: Option<i64> = self
                .app
                .db
                .one(sql, vec![], |row| row.get(0))
                .await
                .expect("the signals are read");
            waiting = count.unwrap_or(0);
            if waiting == 0 {
                return;
            }
            for consumer in &consumers {
                self.app.supervisor.wake(consumer);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{waiting} signals were not consumed");
    }
}
