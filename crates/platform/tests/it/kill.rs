//! Nodes that are killed in mid-work: what was promised still happens, once.

use crate::{Does, Fixture, each_db, effect, enqueue, open_at, run};
use base::Clock;
use db::{Db, Executor, Place};
use platform::tasks::{self, NewTask, Task, Tasks};
use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const PROMISED: i64 = 1000;
const KILLS: u32 = 10;
/// Each new node begins so much later: the leases of the one before have run out.
const LATER: Duration = Duration::from_secs(1000);
/// What a node is told in its environment: the database, and its number.
const PLACE: &str = "MUNDO_TEST_TASK_PLACE";
const NUMBER: &str = "MUNDO_TEST_TASK_NODE";

fn slowly() -> Tasks {
    Tasks::default().with(Does("greet", |task: Task| async move {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(effect(task.read()?))
    }))
}

async fn done(db: &Db) -> i64 {
    let sql = "SELECT count(*) FROM effect";
    db.one(sql, vec![], |row| row.get(0)).await.unwrap().unwrap()
}

/// A node in a process of its own: this test program again, running `node` below.
fn start_node(place: &Place, number: u32) -> Child {
    let place = match place {
        Place::Sqlite(path) => path.display().to_string(),
        Place::Postgres(url) => url.clone(),
    };
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::node", "--ignored"])
        .env(PLACE, place)
        .env(NUMBER, number.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

#[tokio::test]
#[ignore = "a part of the story below, which starts and kills it"]
#[expect(clippy::disallowed_methods, reason = "told by the story that started it")]
async fn node() {
    let (Ok(place), Ok(number)) = (std::env::var(PLACE), std::env::var(NUMBER)) else {
        return;
    };
    let place = match place.strip_prefix("postgres://") {
        Some(_) => Place::Postgres(place),
        None => Place::Sqlite(place.into()),
    };
    let clock = Clock::manual(crate::START.plus(LATER * number.parse::<u32>().unwrap()));
    let node = Fixture {
        db: open_at(&place).await,
        clock,
        place,
        _folder: tempfile::tempdir().unwrap(),
    };
    let app = node.app(slowly());
    while tasks::counts(&node.db).await.unwrap() != tasks::Counts::default() {
        run(&app).await;
    }
}

#[tokio::test]
async fn a_thousand_tasks_under_ten_kills_end_once_each() {
    each_db(async |f| {
        let app = f.app(slowly());
        for n in 0..PROMISED {
            let task = NewTask::new("greet", &format!("task {n}")).unwrap();
            enqueue(&app, task.once(format!("task {n}"))).await.unwrap();
        }
        let patience = Instant::now() + Duration::from_mins(2);
        for number in 0..KILLS {
            let mut node = start_node(&f.place, number);
            let enough = done(&f.db).await + PROMISED / i64::from(KILLS) / 2;
            while done(&f.db).await < enough {
                assert!(Instant::now() < patience, "node {number} gets nowhere");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            node.kill().unwrap();
            node.wait().unwrap();
        }
        let before_the_last = done(&f.db).await;
        assert!(before_the_last < PROMISED, "every kill fell into the work");
        assert!(start_node(&f.place, KILLS).wait().unwrap().success());
        let sql = "SELECT count(DISTINCT label) FROM effect";
        let distinct: Option<i64> = f.db.one(sql, vec![], |row| row.get(0)).await.unwrap();
        assert_eq!((done(&f.db).await, distinct), (PROMISED, Some(PROMISED)));
    })
    .await;
}
