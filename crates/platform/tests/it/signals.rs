//! No consumer misses a signal: not the one that commits late, not the one that a dying node had in its hands.

use crate::{Fixture, each_db, postgres};
use base::{Result, Timestamp, error::unavailable};
use db::{Executor, params};
use platform::{
    AppState,
    signals::{Announced, Consumer, Dispatch, Signal},
    tasks::Tasks,
};
use serde::{Deserialize, Serialize};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use supervisor::{Restart, Settings, Spec, Supervisor};
use tokio::sync::oneshot;

#[derive(Serialize, Deserialize)]
struct Happened(String);

impl Signal for Happened {
    const KIND: &'static str = "happened";
}

/// What becomes of a consumer that holds signals in its hands.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Lives,
    Fails,
    Panics,
    /// Its node is cut off in the middle.
    Hangs,
}

/// Writes down what it gets.
struct Scribe {
    fate: Fate,
    seen: Mutex<Vec<(i64, String)>>,
}

impl Consumer for Scribe {
    fn name(&self) -> &'static str {
        "scribe"
    }

    fn hears(&self) -> &'static [&'static str] {
        &[Happened::KIND]
    }

    async fn consume(&self, _: &AppState, signals: Vec<Announced>) -> Result<()> {
        let words = signals
            .iter()
            .map(|signal| (signal.id, signal.read::<Happened>().unwrap().0));
        self.seen.lock().unwrap().extend(words);
        match self.fate {
            Fate::Lives => Ok(()),
            Fate::Fails => Err(unavailable("the consumer cannot")),
            Fate::Panics => panic!("the consumer dies"),
            Fate::Hangs => std::future::pending().await,
        }
    }
}

/// A node whose consumer looks for signals all the time.
struct Node {
    supervisor: Supervisor,
    scribe: Arc<Scribe>,
}

impl Node {
    async fn start(app: AppState, fate: Fate) -> Node {
        Node::looking_every(Duration::from_millis(5), app, fate).await
    }

    async fn looking_every(period: Duration, app: AppState, fate: Fate) -> Node {
        let scribe = Arc::new(Scribe {
            fate,
            seen: Mutex::default(),
        });
        let supervisor = Supervisor::new(Settings {
            spread: Duration::ZERO,
            ..Settings::with_clock(|| 0)
        });
        let patient = Restart {
            first_pause: Duration::from_mins(10),
            ..Restart::default()
        };
        let own = scribe.clone();
        let spec = Spec::new("scribe").every(period).restart(patient);
        supervisor.add(spec.worker(move || Dispatch::new(app.clone(), own.clone())));
        supervisor.start().await;
        Node { supervisor, scribe }
    }

    fn seen(&self) -> Vec<String> {
        self.scribe
            .seen
            .lock()
            .unwrap()
            .iter()
            .map(|(_, word)| word.clone())
            .collect()
    }

    fn runs(&self) -> u64 {
        self.supervisor.status_of("scribe").unwrap().runs
    }

    /// Waits until the consumer has looked once more from the beginning to the end.
    async fn looks_again(&self) {
        let runs = self.runs();
        eventually("the consumer looks", || self.runs() >= runs + 3).await;
    }

    async fn has(&self, words: &[&str]) {
        eventually("all signals arrive", || self.seen().len() >= words.len()).await;
        self.looks_again().await;
        assert_eq!(self.seen(), words);
    }

    async fn stop(self) {
        self.supervisor.stop(Duration::from_millis(50)).await;
    }
}

async fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(8);
    while !done() {
        assert!(Instant::now() < give_up, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn announce(f: &Fixture, app: &AppState, word: &str) {
    let (own, now, signal) = (app.clone(), f.clock.now(), Happened(word.to_owned()));
    app.db
        .write(move |tx| async move { own.signals.announce(&tx, &signal, now).await })
        .await
        .unwrap();
}

/// The row at once: `announce` sends it with the commit, so that nothing can happen in between.
const ROW: &str =
    "INSERT INTO signal (community_id, kind, payload, created_at) VALUES (@community, 'happened', $1, $2)";

/// Begins a transaction that announces `late`, before or after another one overtakes it, and
/// commits it only then. Gives what the consumer saw meanwhile.
async fn overtaken(row_first: bool) -> (Fixture, Node, Vec<String>) {
    let f = postgres().await;
    let app = f.app(Tasks::default());
    announce(&f, &app, "before").await;
    let node = Node::start(f.other_node(Tasks::default()).await, Fate::Lives).await;
    node.has(&["before"]).await;

    let (open, opened) = oneshot::channel::<()>();
    let (commit, committed) = oneshot::channel::<()>();
    let now: Timestamp = f.clock.now();
    let late = app.db.write(move |tx| async move {
        let late = serde_json::json!("late");
        if row_first {
            tx.execute(ROW, params![late, now]).await?;
        } else {
            // Any write gives the transaction its number.
            tx.execute("INSERT INTO effect (label) VALUES ('late')", vec![])
                .await?;
        }
        open.send(()).unwrap();
        committed.await.unwrap();
        if !row_first {
            tx.execute(ROW, params![late, now]).await?;
        }
        Ok(())
    });
    let overtaking = async {
        opened.await.unwrap();
        announce(&f, &app, "quick").await;
        node.looks_again().await;
        let seen = node.seen();
        commit.send(()).unwrap();
        seen
    };
    let (late, seen) = tokio::join!(late, overtaking);
    late.unwrap();
    (f, node, seen)
}

#[tokio::test]
async fn a_signal_that_commits_late_is_not_stepped_over() {
    for row_first in [true, false] {
        let (f, node, meanwhile) = overtaken(row_first).await;
        assert_eq!(
            meanwhile,
            ["before"],
            "`quick` must wait for the older transaction"
        );
        node.has(&["before", "late", "quick"]).await;
        let ids: Vec<i64> = node
            .scribe
            .seen
            .lock()
            .unwrap()
            .iter()
            .map(|(id, _)| *id)
            .collect();
        let sql = "SELECT /* every community */ id FROM signal ORDER BY xid, id";
        assert_eq!(f.db.all(sql, vec![], |row| row.get::<i64>(0)).await.unwrap(), ids);
        assert_eq!(ids[1] < ids[2], row_first, "the story is told both ways round");
        node.stop().await;
    }
}

/// Holds a transaction open that has its number, while something happens.
async fn meanwhile(f: &Fixture, happens: impl Future<Output = ()>) {
    let (open, opened) = oneshot::channel::<()>();
    let (end, ended) = oneshot::channel::<()>();
    let holding = f.db.write(move |tx| async move {
        tx.execute("INSERT INTO effect (label) VALUES ('held')", vec![])
            .await?;
        open.send(()).unwrap();
        ended.await.unwrap();
        Ok(())
    });
    let (held, ()) = tokio::join!(holding, async {
        opened.await.unwrap();
        happens.await;
        end.send(()).unwrap();
    });
    held.unwrap();
}

#[tokio::test]
async fn another_database_of_the_cluster_holds_nobody_up() {
    let (f, neighbour) = (postgres().await, postgres().await);
    let app = f.app(Tasks::default());
    let node = Node::start(f.other_node(Tasks::default()).await, Fate::Lives).await;
    meanwhile(&neighbour, async {
        announce(&f, &app, "heard").await;
        node.has(&["heard"]).await;
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn what_waited_for_an_older_transaction_is_heard_as_soon_as_that_ends() {
    let f = postgres().await;
    let (app, other) = (f.app(Tasks::default()), f.other_node(Tasks::default()).await);
    let mut node = None;
    meanwhile(&f, async {
        announce(&f, &app, "quick").await;
        let started = Node::looking_every(Duration::from_hours(1), other, Fate::Lives).await;
        eventually("it looks", || started.runs() > 1).await;
        assert!(started.seen().is_empty());
        node = Some(started);
    })
    .await;
    let node = node.unwrap();
    eventually("it hears", || node.seen() == ["quick"]).await;
    node.stop().await;
}

#[tokio::test]
async fn an_undone_announcement_holds_nobody_up() {
    each_db(async |f| {
        let app = f.app(Tasks::default());
        let node = Node::start(f.other_node(Tasks::default()).await, Fate::Lives).await;
        let now = f.clock.now();
        let undone = app.db.write(move |tx| async move {
            tx.execute(ROW, params![serde_json::json!("undone"), now]).await?;
            Err::<(), _>(base::error::conflict("no"))
        });
        undone.await.unwrap_err();
        announce(&f, &app, "done").await;
        node.has(&["done"]).await;
        node.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_a_dying_node_held_comes_again() {
    for fate in [Fate::Fails, Fate::Panics, Fate::Hangs] {
        each_db(async |f| {
            let app = f.app(Tasks::default());
            announce(&f, &app, "one").await;
            announce(&f, &app, "two").await;
            let dying = Node::start(f.other_node(Tasks::default()).await, fate).await;
            eventually("the signals reach the node", || !dying.seen().is_empty()).await;
            dying.stop().await;
            announce(&f, &app, "three").await;
            let next = Node::start(f.other_node(Tasks::default()).await, Fate::Lives).await;
            next.has(&["one", "two", "three"]).await;
            next.stop().await;
            // And nothing comes a second time to one that lived.
            let third = Node::start(f.other_node(Tasks::default()).await, Fate::Lives).await;
            third.looks_again().await;
            assert!(third.seen().is_empty(), "{:?}", third.seen());
            third.stop().await;
        })
        .await;
    }
}
