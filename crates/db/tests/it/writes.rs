//! Transactions: all or nothing, together and alone.

use crate::{each_db, postgres, sqlite};
use base::{Kind, Timestamp, error::conflict};
use db::{CommunityId, Db, Executor, OrConflict, params};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use uuid::Uuid;

const INSERT: &str = "INSERT INTO community (id, slug, name) VALUES ($1, $2, $3)";

async fn communities(db: &Db) -> i64 {
    let sql = "SELECT count(*) FROM community";
    db.one(sql, vec![], |row| row.get(0)).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_failed_write_leaves_nothing_and_disturbs_nobody() {
    each_db(async |f| {
        let writes = (2..102).map(|id: i32| {
            let db = f.db.clone();
            async move {
                db.write(move |tx| async move {
                    tx.execute(INSERT, params![id, format!("c{id}"), "city"]).await?;
                    if id % 3 == 0 {
                        Err(conflict("odd_one"))
                    } else {
                        Ok(())
                    }
                })
                .await
            }
        });
        let outcomes = futures_util::future::join_all(writes).await;
        let good = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(good, (2..102).filter(|id| id % 3 != 0).count());
        assert_eq!(communities(&f.db).await, good as i64 + 1);
    })
    .await;
}

#[tokio::test]
async fn a_panic_in_a_write_is_an_error_of_that_write_alone() {
    let f = sqlite().await;
    let panics = f.db.write(|tx| async move {
        tx.execute(INSERT, params![2, "two", "two"]).await?;
        assert!(tx.community() != CommunityId::DEFAULT, "on purpose");
        Ok(())
    });
    let other =
        f.db.write(|tx| async move { tx.execute(INSERT, params![3, "three", "three"]).await });
    let (panics, other) = tokio::join!(panics, other);
    assert!(panics.unwrap_err().to_string().contains("on purpose"));
    assert_eq!(other.unwrap(), 1);
    assert_eq!(communities(&f.db).await, 2);
}

#[tokio::test]
async fn a_violated_constraint_has_the_same_name_everywhere() {
    each_db(async |f| {
        let twice = |slug: &'static str, id: i32| {
            let db = f.db.clone();
            async move {
                db.write(move |tx| async move { tx.execute(INSERT, params![id, slug, "x"]).await })
                    .await
                    .or_conflict("community_slug_key", "slug_taken")
            }
        };
        twice("same", 2).await.unwrap();
        let error = twice("same", 3).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Conflict, "slug_taken"));
        assert_eq!(error.fields()[0].pointer, "/slug");
    })
    .await;
}

#[tokio::test]
async fn a_transaction_waits_for_the_database_alone() {
    let f = sqlite().await;
    let outcome =
        f.db.write(|tx| async move {
            tx.execute(INSERT, params![2, "two", "two"]).await?;
            tokio::task::yield_now().await;
            Ok(())
        })
        .await;
    assert!(
        outcome
            .unwrap_err()
            .to_string()
            .contains("waited for something other")
    );
    assert_eq!(communities(&f.db).await, 1);
}

#[tokio::test]
async fn callbacks_run_after_the_commit_and_only_then() {
    each_db(async |f| {
        let heard = Arc::new(AtomicU32::new(0));
        for (id, good) in [(2, true), (3, false)] {
            let heard = heard.clone();
            let _ =
                f.db.write(move |tx| async move {
                    tx.execute(INSERT, params![id, format!("c{id}"), "x"]).await?;
                    tx.on_commit(move || {
                        heard.fetch_add(1, Ordering::SeqCst);
                    });
                    if good { Ok(()) } else { Err(conflict("no")) }
                })
                .await;
        }
        assert_eq!(heard.load(Ordering::SeqCst), 1);
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_has_ended_takes_nothing_more() {
    each_db(async |f| {
        let tx = f.db.write(|tx| async move { Ok(tx) }).await.unwrap();
        let late = tx.execute(INSERT, params![9, "nine", "nine"]).await;
        assert!(late.unwrap_err().to_string().contains("has ended"));
        assert_eq!(communities(&f.db).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_last_statement_that_fails_undoes_the_write() {
    each_db(async |f| {
        for _ in 0..2 {
            let outcome =
                f.db.write(|tx| async move {
                    tx.execute(INSERT, params![2, "two", "two"]).await?;
                    tx.execute_last(INSERT, params![1, "again", "again"]).await
                })
                .await;
            assert!(outcome.is_err());
        }
        assert_eq!(communities(&f.db).await, 1);
    })
    .await;
}

#[tokio::test]
async fn writes_that_share_a_commit_fail_alone() {
    each_db(async |f| {
        let heard = Arc::new(AtomicU32::new(0));
        let writes = (100..160).map(|id| {
            let (db, heard) = (f.db.clone(), heard.clone());
            async move {
                let wrong = id % 10 == 0;
                let outcome = db.write(move |tx| async move {
                    tx.on_commit(move || {
                        heard.fetch_add(1, Ordering::SeqCst);
                    });
                    tx.execute_last(INSERT, params![id, format!("a{id}"), "first"])
                        .await?;
                    let second = if wrong { id } else { id + 1000 };
                    tx.execute_last(INSERT, params![second, format!("b{id}"), "second"])
                        .await
                });
                assert_eq!(outcome.await.is_err(), wrong, "write {id}");
            }
        });
        // The first may travel alone; then the others wait for each other.
        futures_util::future::join_all(writes).await;
        assert_eq!(communities(&f.db).await, 1 + 2 * 54);
        assert_eq!(heard.load(Ordering::SeqCst), 54);
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_cannot_be_sent_undoes_those_that_were() {
    let f = postgres().await;
    for _ in 0..2 {
        let outcome = f.db.write(|tx| async move {
            tx.execute_last(INSERT, params![2, "two", "two"]).await?;
            tx.execute_last(INSERT, params![i64::MAX, "large", "large"]).await
        });
        assert!(outcome.await.is_err());
    }
    assert_eq!(communities(&f.db).await, 1);
    f.db.write(|tx| async move { tx.execute_last(INSERT, params![2, "two", "two"]).await })
        .await
        .unwrap();
    assert_eq!(communities(&f.db).await, 2);
}

#[tokio::test]
async fn reading_does_not_write() {
    each_db(async |f| {
        let sql = "UPDATE community SET name = 'x' RETURNING id";
        assert!(f.db.all(sql, vec![], |row| row.get::<i64>(0)).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_does_not_see_later_commits() {
    each_db(async |f| {
        let other = f.db.clone();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let (started, begun) = tokio::sync::oneshot::channel();
        let reading = f.db.read(move |snapshot| async move {
            let sql = "SELECT count(*) FROM community";
            let before: Option<i64> = snapshot.one(sql, vec![], |row| row.get(0)).await?;
            let _ = started.send(());
            // Blocks this thread on purpose: a snapshot may not wait for anything but the database.
            let _ = wait.recv_timeout(Duration::from_secs(10));
            Ok((before, snapshot.one(sql, vec![], |row| row.get::<i64>(0)).await?))
        });
        let writing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                begun.await.unwrap();
                let second = match other.engine_name() {
                    "sqlite" => other,
                    // Connections belong to the runtime that opened them.
                    _ => return,
                };
                second
                    .write(|tx| async move { tx.execute(INSERT, params![2, "two", "two"]).await })
                    .await
                    .unwrap();
                go.send(()).unwrap();
            });
        });
        let (before, after) = reading.await.unwrap();
        writing.join().unwrap();
        assert_eq!(before, after);
    })
    .await;
}

#[tokio::test]
async fn values_come_back_as_they_were() {
    each_db(async |f| {
        let (holder, at) = (Uuid::from_u128(7), Timestamp::from_micros(1_790_000_000_123_456));
        let back = f
            .db
            .write(move |tx| async move {
                let sql = "INSERT INTO lease (name, holder, token, expires_at) VALUES ($1, $2, $3, $4)
                           RETURNING name, holder, token, expires_at";
                tx.one(sql, params!["práctica", holder, i64::MAX, at], |row| {
                    Ok((row.get::<String>(0)?, row.get::<Uuid>(1)?, row.get::<i64>(2)?, row.get::<Timestamp>(3)?))
                })
                .await
            })
            .await;
        assert_eq!(back.unwrap(), Some(("práctica".to_owned(), holder, i64::MAX, at)));
        let json = serde_json::json!({"a": ["ñ", 1, null]});
        let sent = json.clone();
        let back = f
            .db
            .write(move |tx| async move {
                let sql = "INSERT INTO signal (community_id, kind, payload, created_at) VALUES (@community, $1, $2, $3) RETURNING payload";
                tx.one(sql, params!["test", sent, at], |row| row.get::<serde_json::Value>(0)).await
            })
            .await;
        assert_eq!(back.unwrap(), Some(json));
    })
    .await;
}

#[tokio::test]
async fn another_programs_database_is_refused() {
    for f in [sqlite().await, postgres().await] {
        f.db.write(|tx| async move { tx.batch("DROP TABLE schema_migration").await })
            .await
            .unwrap();
        let clock = base::Clock::system();
        let refusal = db::migrate::migrate(&f.db, &clock).await.unwrap_err();
        assert!(refusal.to_string().contains("not Mundo Tango's"), "{refusal}");
    }
}
