//! What passes is tried again, what may have happened is not, and nobody is waited for without end.

use crate::{open_within, postgres};
use base::{Kind, error::internal};
use db::{Db, Executor, Place, Tx, params};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Barrier;

const INSERT: &str = "INSERT INTO community (id, slug, name) VALUES ($1, $2, $3)";

async fn lock(tx: &Tx, community: i32) -> base::Result<u64> {
    let sql = "UPDATE community SET name = name WHERE id = $1";
    tx.execute(sql, params![community]).await
}

async fn communities(db: &Db) -> i64 {
    let sql = "SELECT count(*) FROM community";
    db.one(sql, vec![], |row| row.get(0)).await.unwrap().unwrap()
}

/// Ends the connection that the transaction runs on.
async fn cut_off(db: &Db, tx: &Tx) -> base::Result<()> {
    let pid: Option<i32> = tx
        .one("SELECT pg_backend_pid()", vec![], |row| row.get(0))
        .await?;
    let sql = "SELECT pg_terminate_backend($1, 5000)";
    db.one(sql, params![pid], |row| row.get::<bool>(0)).await?;
    Ok(())
}

#[tokio::test]
async fn two_writes_in_a_deadlock_both_succeed() {
    let f = postgres().await;
    f.db.write(|tx| async move { tx.execute(INSERT, params![2, "two", "two"]).await })
        .await
        .unwrap();
    let (barrier, runs) = (Arc::new(Barrier::new(2)), Arc::new(AtomicU32::new(0)));
    let write = |first: i32, second: i32| {
        let (barrier, runs) = (barrier.clone(), runs.clone());
        f.db.write_again(move |tx| async move {
            let run = runs.fetch_add(1, Ordering::SeqCst);
            lock(&tx, first).await?;
            if run < 2 {
                // Each holds what the other wants.
                barrier.wait().await;
            }
            lock(&tx, second).await
        })
    };
    let (one, other) = tokio::join!(write(1, 2), write(2, 1));
    assert_eq!((one.unwrap(), other.unwrap()), (1, 1));
    assert_eq!(runs.load(Ordering::SeqCst), 3, "one of them ran twice");
}

#[tokio::test]
async fn a_connection_lost_before_the_commit_costs_a_repetition_and_happens_once() {
    let f = postgres().await;
    let (db, runs) = (f.db.clone(), Arc::new(AtomicU32::new(0)));
    let (own, told) = (runs.clone(), Arc::new(AtomicU32::new(0)));
    let heard = told.clone();
    let written = f.db.write_again(move |tx| async move {
        tx.execute(INSERT, params![2, "two", "two"]).await?;
        tx.on_commit(move || {
            heard.fetch_add(1, Ordering::SeqCst);
        });
        if own.fetch_add(1, Ordering::SeqCst) == 0 {
            cut_off(&db, &tx).await?;
        }
        tx.execute(INSERT, params![3, "three", "three"]).await
    });
    assert_eq!(written.await.unwrap(), 1);
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert_eq!(told.load(Ordering::SeqCst), 1, "told of the run that counts");
    assert_eq!(communities(&f.db).await, 3);
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_never_repeated() {
    let f = postgres().await;
    // The connection ends while the commit is under way.
    let trigger = "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END $$;
                   CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON community DEFERRABLE INITIALLY DEFERRED
                   FOR EACH ROW EXECUTE FUNCTION cut()";
    f.db.write(move |tx| async move { tx.batch(trigger).await })
        .await
        .unwrap();
    let runs = Arc::new(AtomicU32::new(0));
    let own = runs.clone();
    let error =
        f.db.write_again(move |tx| async move {
            own.fetch_add(1, Ordering::SeqCst);
            tx.execute(INSERT, params![2, "two", "two"]).await
        })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_error_of_the_closure_is_no_reason_to_repeat() {
    let f = postgres().await;
    let runs = Arc::new(AtomicU32::new(0));
    let (own, db) = (runs.clone(), f.db.clone());
    let refused: base::Result<()> =
        f.db.write_again(move |tx| async move {
            own.fetch_add(1, Ordering::SeqCst);
            cut_off(&db, &tx).await?;
            lock(&tx, 1)
                .await
                .map_err(|_| internal("made another error of it"))?;
            Ok(())
        })
        .await;
    assert_eq!(refused.unwrap_err().kind(), Kind::Internal);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_is_not_waited_for() {
    let cluster = tokio::task::spawn_blocking(|| pgtemp::Cluster::start().unwrap())
        .await
        .unwrap();
    let limit = Duration::from_secs(1);
    let db = open_within(Place::Postgres(cluster.url("postgres")), limit).await;
    let clock = base::Clock::system();
    db::migrate::migrate(&db, &clock).await.unwrap();
    let insert = |id: i32| {
        db.write_again(
            move |tx| async move { tx.execute(INSERT, params![id, format!("c{id}"), "city"]).await },
        )
    };
    insert(2).await.unwrap();
    cluster.freeze();
    // The second round finds no connection that could be used.
    for round in 0..2 {
        let began = Instant::now();
        let reads = futures_util::future::join_all((0..20).map(|_| db.ping()));
        let writes = futures_util::future::join_all((0..20).map(|n| insert(100 + n)));
        let (reads, writes) = tokio::join!(reads, writes);
        let took = began.elapsed();
        for outcome in reads
            .into_iter()
            .chain(writes.into_iter().map(|write| write.map(drop)))
        {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), Kind::Unavailable, "{error}");
            assert!(error.retry_after_s().is_some());
        }
        assert!(took < Duration::from_secs(5), "round {round} took {took:?}");
    }
    cluster.thaw();
    // What hung in the queue of the server may still hold it up for a moment.
    let well_again = async { while insert(3).await.is_err() || db.ping().await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(20), well_again)
        .await
        .expect("it serves again");
    assert_eq!(communities(&db).await, 3, "what was refused did not happen");
}
