//! Errors become groups, samples and counts; a database that is away loses none.

use crate::{Fixture, each_db, fault, open, sqlite};
use db::{Db, Executor, Place};
use observe::{Flushed, QUEUE};
use platform::watch::{Answered, Watch};
use std::time::Duration;

async fn groups(db: &Db) -> Vec<(String, i64)> {
    let sql = "SELECT message, count FROM error_group ORDER BY message";
    db.all(sql, vec![], |row| Ok((row.get(0)?, row.get(1)?)))
        .await
        .unwrap()
}

async fn samples(db: &Db) -> Vec<(String, serde_json::Value)> {
    let sql = "SELECT request_id, chain FROM error_sample ORDER BY hour";
    db.all(sql, vec![], |row| Ok((row.get(0)?, row.get(1)?)))
        .await
        .unwrap()
}

#[tokio::test]
async fn the_same_error_is_one_group_whatever_its_numbers_say() {
    each_db(async |it: Fixture| {
        let observer = it.observer();
        fault(&observer, "row 1 is odd");
        fault(&observer, "row 2 is odd");
        assert_eq!(observer.flush().await.unwrap().stored, 2);
        fault(&observer, "row 33 is odd");
        fault(&observer, "something else");
        observer.flush().await.unwrap();
        assert_eq!(
            groups(&it.db).await,
            [("row 33 is odd".to_owned(), 3), ("something else".to_owned(), 1)]
        );
        assert_eq!(
            observer.flush().await.unwrap(),
            Flushed::default(),
            "nothing is stored twice"
        );
    })
    .await;
}

#[tokio::test]
async fn one_sample_an_hour_is_kept_without_secrets() {
    each_db(async |it: Fixture| {
        let observer = it.observer();
        for n in 0..4 {
            fault(&observer, &format!("try {n}: password=hunter2"));
            observer.flush().await.unwrap();
            it.clock.advance(Duration::from_mins(40));
        }
        // 0 and 40 minutes may share an hour with each other, never all four.
        let hours: std::collections::HashSet<i64> =
            (0..4).map(|n| (1_790_000_000 + n * 2400) / 3600).collect();
        let samples = samples(&it.db).await;
        assert_eq!(samples.len(), hours.len());
        assert_eq!(
            samples[0],
            (
                "request-1".to_owned(),
                serde_json::json!(["try 0: password=[secret]"])
            )
        );
        assert_eq!(groups(&it.db).await[0].1, 4);
    })
    .await;
}

#[tokio::test]
async fn what_comes_while_postgres_is_down_is_spooled_and_stored_later() {
    let mut cluster = pgtemp::Cluster::start().unwrap();
    let it = open(
        Place::Postgres(cluster.url("postgres")),
        tempfile::tempdir().unwrap(),
    )
    .await;
    let observer = it.observer();
    fault(&observer, "before");
    observer.flush().await.unwrap();
    cluster.stop();
    for _ in 0..2 {
        fault(&observer, "meanwhile");
        assert_eq!(
            observer.flush().await.unwrap(),
            Flushed {
                stored: 0,
                spooled: 1
            }
        );
    }
    let text = std::fs::read_to_string(it.spool()).unwrap();
    assert_eq!(text.lines().count(), 2, "each batch is in the file once: {text}");
    // The next life of the server finds them.
    drop(observer);
    let observer = it.observer();
    cluster.resume().unwrap();
    fault(&observer, "after");
    assert_eq!(
        observer.flush().await.unwrap(),
        Flushed {
            stored: 3,
            spooled: 0
        }
    );
    let expected = [
        ("after".to_owned(), 1),
        ("before".to_owned(), 1),
        ("meanwhile".to_owned(), 2),
    ];
    assert_eq!(groups(&it.db).await, expected);
    assert!(!it.spool().exists());
    assert_eq!(observer.totals().lost, 0);
}

#[tokio::test]
async fn a_cut_line_of_the_spool_is_counted_and_the_others_are_stored() {
    let it = sqlite().await;
    let closed = sqlite().await;
    closed.db.close().await;
    let away = observe::Observer::new(
        &crate::config(it.folder.path()),
        closed.db.clone(),
        it.clock.clone(),
        "mundo@test",
        None,
    );
    fault(&away, "whole");
    assert_eq!(away.flush().await.unwrap().spooled, 1);
    let mut text = std::fs::read_to_string(it.spool()).unwrap();
    text.push_str("{\"group\":{\"finger");
    std::fs::write(it.spool(), text).unwrap();
    let observer = it.observer();
    assert_eq!(observer.flush().await.unwrap().stored, 1);
    assert_eq!(groups(&it.db).await, [("whole".to_owned(), 1)]);
    assert_eq!(observer.totals().lost, 1);
}

#[tokio::test]
async fn what_does_not_fit_into_the_queue_is_counted_as_lost() {
    let it = sqlite().await;
    let observer = it.observer();
    for _ in 0..QUEUE + 7 {
        fault(&observer, "storm");
    }
    assert_eq!(observer.totals().lost, 7);
    observer.flush().await.unwrap();
    assert_eq!(groups(&it.db).await, [("storm".to_owned(), QUEUE as i64)]);
    fault(&observer, "storm");
    assert_eq!(observer.totals().lost, 7, "there is room again");
}

#[tokio::test]
async fn refusals_are_counted_by_route_code_and_hour() {
    each_db(async |it: Fixture| {
        let observer = it.observer();
        let answer = |status, code| {
            observer.answered(Answered {
                method: "GET",
                route: "/api/v1/posts/{id}",
                status,
                took: Duration::from_millis(1),
                code,
            });
        };
        answer(404, Some("not_found"));
        answer(404, Some("not_found"));
        answer(200, None);
        answer(503, Some("unavailable"));
        observer.flush().await.unwrap();
        answer(404, Some("not_found"));
        answer(405, None);
        observer.flush().await.unwrap();
        it.clock.advance(Duration::from_hours(1));
        answer(404, Some("not_found"));
        observer.flush().await.unwrap();
        let sql = "SELECT code, count FROM refusal_count ORDER BY hour, code";
        let rows = it
            .db
            .all(sql, vec![], |row| Ok((row.get::<String>(0)?, row.get::<i64>(1)?)))
            .await
            .unwrap();
        assert_eq!(
            rows,
            [
                ("405".to_owned(), 1),
                ("not_found".to_owned(), 3),
                ("not_found".to_owned(), 1)
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn the_worker_stores_and_takes_down_what_other_workers_fail_at() {
    let it = sqlite().await;
    let app = it.app();
    app.supervisor.add(
        supervisor::Spec::new("mail.queue")
            .group("platform")
            .runs(|_| async { Err(supervisor::Failure::new("the mail server is away")) }),
    );
    for plan in observe::workers(&app) {
        app.supervisor.add(plan);
    }
    app.supervisor.start().await;
    let stored = async {
        loop {
            app.supervisor.wake("observe.errors");
            if let [(message, _)] = groups(&it.db).await.as_slice() {
                return message.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let message = tokio::time::timeout(Duration::from_secs(10), stored)
        .await
        .unwrap();
    assert_eq!(message, "the mail server is away");
    app.supervisor.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_the_database_refuses_does_not_hold_up_the_rest() {
    each_db(async |it: Fixture| {
        let observer = it.observer();
        fault(&observer, "poison");
        observer.flush().await.unwrap();

        let closed = sqlite().await;
        closed.db.close().await;
        let away = observe::Observer::new(
            &crate::config(it.folder.path()),
            closed.db.clone(),
            it.clock.clone(),
            "mundo@test",
            None,
        );
        for text in ["good", "poison", "better"] {
            fault(&away, text);
        }
        assert_eq!(away.flush().await.unwrap().spooled, 3);
        // A count that cannot be added to the one that is there.
        let text = std::fs::read_to_string(it.spool()).unwrap();
        let lines = text.lines().map(|line| {
            if line.contains("poison") {
                line.replace("\"count\":1", &format!("\"count\":{}", i64::MAX)) + "\n"
            } else {
                format!("{line}\n")
            }
        });
        std::fs::write(it.spool(), lines.collect::<String>()).unwrap();

        fault(&observer, "fresh");
        assert_eq!(
            observer.flush().await.unwrap(),
            Flushed {
                stored: 3,
                spooled: 0
            }
        );
        let all = ["better", "fresh", "good", "poison"].map(|text| (text.to_owned(), 1));
        assert_eq!(groups(&it.db).await, all);
        let totals = observer.totals();
        assert_eq!((totals.set_aside, totals.lost), (1, 0));
        assert!(observer.lost_lately(), "a human should look");
        assert!(!it.spool().exists());
        let aside = std::fs::read_to_string(it.spool().with_extension("set-aside")).unwrap();
        assert_eq!(aside.lines().count(), 1);
        assert!(aside.contains("poison"), "{aside}");
        assert_eq!(
            observer.flush().await.unwrap(),
            Flushed::default(),
            "it is tried once"
        );
    })
    .await;
}
