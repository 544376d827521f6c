//! Promised work is done, once, whatever happens to those who do it.

use crate::{Does, counter, each_db, effect, enqueue, run};
use base::error::{conflict, unavailable};
use db::{Executor, params};
use platform::tasks::{self, Counts, NewTask, Outcome, Priority, Ran, Runner, Task, Tasks};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::sync::Notify;

fn greet() -> NewTask {
    NewTask::new("greet", &"hello").unwrap()
}

/// Writes one effect labelled as the payload says.
fn writes() -> Tasks {
    Tasks::default().with(Does(
        "greet",
        |task: Task| async move { Ok(effect(task.read()?)) },
    ))
}

#[tokio::test]
async fn a_task_runs_once_and_forgets_its_payload() {
    each_db(async |f| {
        let app = f.app(writes());
        enqueue(&app, greet()).await.unwrap();
        let ran = run(&app).await;
        assert_eq!((ran.done, ran.failed), (1, 0));
        assert_eq!(run(&app).await, Ran::default());
        assert_eq!(f.effects("hello").await, 1);
        let sql = "SELECT /* every community */ state, payload FROM task";
        let row = f.db.one(sql, vec![], |row| {
            Ok((row.get::<String>(0)?, row.get::<serde_json::Value>(1)?))
        });
        assert_eq!(
            row.await.unwrap().unwrap(),
            ("done".to_owned(), serde_json::Value::Null)
        );
    })
    .await;
}

#[tokio::test]
async fn an_undone_write_promises_nothing() {
    each_db(async |f| {
        let app = f.app(writes());
        let inner = app.clone();
        let outcome = app.db.write(move |tx| async move {
            tasks::enqueue(&inner, &tx, greet()).await?;
            Err::<(), _>(conflict("no"))
        });
        outcome.await.unwrap_err();
        assert_eq!(tasks::counts(&f.db).await.unwrap(), Counts::default());
        assert_eq!(run(&app).await, Ran::default());
    })
    .await;
}

#[tokio::test]
async fn a_key_is_promised_once_for_each_kind() {
    each_db(async |f| {
        let other = Does("part", |task: Task| async move { Ok(effect(task.read()?)) });
        let app = f.app(writes().with(other));
        assert!(enqueue(&app, greet().once("k")).await.is_some());
        assert!(enqueue(&app, greet().once("k")).await.is_none());
        assert_eq!(run(&app).await.done, 1);
        assert!(
            enqueue(&app, greet().once("k")).await.is_none(),
            "done ones count too"
        );
        assert!(
            enqueue(&app, NewTask::new("part", &"bye").unwrap().once("k"))
                .await
                .is_some()
        );
        assert!(
            enqueue(&app, greet()).await.is_some(),
            "without a key each is its own"
        );
        assert!(enqueue(&app, greet()).await.is_some());
        assert_eq!(run(&app).await.done, 3);
        assert_eq!((f.effects("hello").await, f.effects("bye").await), (3, 1));
    })
    .await;
}

#[tokio::test]
async fn tasks_wait_for_their_time_and_the_urgent_go_first() {
    each_db(async |f| {
        let order = Arc::new(Mutex::new(vec![]));
        let seen = order.clone();
        let app = f.app(Tasks::default().with(Does("greet", move |task: Task| {
            seen.lock().unwrap().push(task.read::<String>().unwrap());
            async { Ok(Outcome::Done) }
        })));
        let task = |label: &str| NewTask::new("greet", &label).unwrap();
        enqueue(&app, task("low").priority(Priority::Low)).await;
        enqueue(&app, task("normal")).await;
        enqueue(&app, task("high").priority(Priority::High)).await;
        enqueue(
            &app,
            task("later")
                .priority(Priority::High)
                .at(f.clock.now().plus(Duration::from_mins(1))),
        )
        .await;
        assert_eq!(run(&app).await.done, 3);
        assert_eq!(*order.lock().unwrap(), ["high", "normal", "low"]);
        f.clock.advance(Duration::from_secs(59));
        assert_eq!(run(&app).await, Ran::default());
        f.clock.advance(Duration::from_secs(1));
        assert_eq!(run(&app).await.done, 1);
    })
    .await;
}

#[tokio::test]
async fn failures_back_off_then_die_and_can_be_driven_again() {
    each_db(async |f| {
        let (healed, runs) = (Arc::new(AtomicBool::new(false)), counter());
        let (well, count) = (healed.clone(), runs.clone());
        let app = f.app(Tasks::default().with(Does("greet", move |_| {
            let attempt = count.fetch_add(1, SeqCst);
            let well = well.load(SeqCst);
            async move {
                match attempt {
                    _ if well => Ok(effect("hello".into())),
                    0 => panic!("on purpose"),
                    // A failed write takes its task's note back with it.
                    1 => Ok(Outcome::done_in(|tx| async move {
                        tx.execute("INSERT INTO effect (label) VALUES ('half')", vec![])
                            .await?;
                        Err(conflict("no"))
                    })),
                    _ => Err(unavailable("the world said no")),
                }
            }
        })));
        let id = enqueue(&app, greet().max_attempts(3)).await.unwrap();
        assert_eq!(run(&app).await.failed, 1);
        // The pauses are 1 to 2 s, then 2 to 4 s.
        for (early_ms, late_ms) in [(999, 1001), (1999, 2001)] {
            f.clock.advance(Duration::from_millis(early_ms));
            assert_eq!(run(&app).await, Ran::default(), "too early");
            f.clock.advance(Duration::from_millis(late_ms));
            let ran = run(&app).await;
            assert_eq!(ran.failed + ran.dead, 1);
        }
        assert_eq!(runs.load(SeqCst), 3);
        assert_eq!(f.effects("half").await, 0);
        f.clock.advance(Duration::from_hours(24));
        assert_eq!(run(&app).await, Ran::default(), "the dead stay dead");
        assert_eq!(tasks::counts(&f.db).await.unwrap().dead, 1);
        let dead = tasks::dead(&f.db, 10).await.unwrap();
        assert_eq!((dead[0].id, dead[0].attempts), (id, 3));
        assert!(
            dead[0].last_error.as_ref().unwrap().contains("the world said no"),
            "{dead:?}"
        );

        healed.store(true, SeqCst);
        assert_eq!(tasks::redrive(&app, "part").await.unwrap(), 0);
        assert_eq!(tasks::redrive(&app, "greet").await.unwrap(), 1);
        assert_eq!(run(&app).await.done, 1);
        assert_eq!(f.effects("hello").await, 1);
        assert_eq!(
            tasks::redrive_one(&app, id).await.unwrap_err().code(),
            "task_not_dead"
        );
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_helped_dies_at_once() {
    each_db(async |f| {
        let app = f.app(Tasks::default().with(Does("greet", |_| async {
            Ok(Outcome::GiveUp("no such address".into()))
        })));
        let id = enqueue(&app, greet()).await.unwrap();
        assert_eq!(run(&app).await.dead, 1);
        assert_eq!(
            tasks::dead(&f.db, 1).await.unwrap()[0].last_error.as_deref(),
            Some("no such address")
        );
        tasks::redrive_one(&app, id).await.unwrap();
        assert_eq!(run(&app).await.dead, 1);
    })
    .await;
}

#[tokio::test]
async fn a_crashed_runner_loses_its_task_to_another() {
    each_db(async |f| {
        let (begun, first) = (Arc::new(Notify::new()), counter());
        let (told, count) = (begun.clone(), first.clone());
        let app = f.app(Tasks::default().with(Does("greet", move |_| {
            let (told, first) = (told.clone(), count.fetch_add(1, SeqCst) == 0);
            async move {
                if first {
                    told.notify_one();
                    std::future::pending::<()>().await;
                }
                Ok(effect("hello".into()))
            }
        })));
        enqueue(&app, greet()).await;
        tokio::select! {
            _ = run(&app) => panic!("it hangs"),
            () = begun.notified() => {} // and is dropped here, as a crash would
        }
        assert_eq!(tasks::counts(&f.db).await.unwrap().running, 1);
        f.clock.advance(Duration::from_secs(119));
        assert_eq!(run(&app).await, Ran::default(), "the lease still holds");
        f.clock.advance(Duration::from_secs(1));
        let ran = run(&app).await;
        assert_eq!((ran.reclaimed, ran.done), (1, 1));
        assert_eq!(f.effects("hello").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_task_that_kills_its_runner_does_not_do_so_for_ever() {
    each_db(async |f| {
        let begun = Arc::new(Notify::new());
        let told = begun.clone();
        let app = f.app(Tasks::default().with(Does("greet", move |_| {
            told.notify_one();
            std::future::pending()
        })));
        enqueue(&app, greet().max_attempts(2)).await;
        for _ in 0..2 {
            tokio::select! {
                _ = run(&app) => panic!("it hangs"),
                () = begun.notified() => {}
            }
            f.clock.advance(Duration::from_mins(2));
        }
        assert_eq!(run(&app).await.reclaimed, 1);
        assert_eq!(tasks::counts(&f.db).await.unwrap().dead, 1);
    })
    .await;
}

/// The first holder comes back after its lease went to another, with each way to end.
#[tokio::test]
async fn a_late_holder_is_fenced_off() {
    each_db(async |f| {
        for late_says in ["a write", "done", "an error"] {
            let (begun, go_on, calls) = (Arc::new(Notify::new()), Arc::new(Notify::new()), counter());
            let (told, gate) = (begun.clone(), go_on.clone());
            let app = f.app(Tasks::default().with(Does("greet", move |_| {
                let (told, gate) = (told.clone(), gate.clone());
                let is_first = calls.fetch_add(1, SeqCst) == 0;
                async move {
                    if !is_first {
                        // Still under way when the first one comes back.
                        gate.notify_one();
                        told.notified().await;
                        return Ok(effect("second".into()));
                    }
                    told.notify_one();
                    gate.notified().await;
                    match late_says {
                        "a write" => Ok(effect("first".into())),
                        "done" => Ok(Outcome::Done),
                        _ => Err(unavailable("late")),
                    }
                }
            })));
            let other = f
                .other_node(Tasks::default().with(Does("other", |_| async { Ok(Outcome::Done) })))
                .await;
            let id = enqueue(&app, greet()).await.unwrap();
            let first = async {
                let ran = run(&app).await;
                // Only now may the second holder end.
                begun.notify_one();
                ran
            };
            let second = async {
                begun.notified().await;
                f.clock.advance(Duration::from_mins(2));
                let ran = run(&app).await;
                assert_eq!((ran.reclaimed, ran.done, ran.fenced), (1, 1, 0), "{late_says}");
            };
            let (late, ()) = tokio::join!(first, second);
            assert_eq!((late.fenced, late.done), (1, 0), "{late_says}: {late:?}");
            let sql = "SELECT /* every community */ state FROM task WHERE id = $1";
            let state =
                f.db.one(sql, params![id], |row| row.get::<String>(0))
                    .await
                    .unwrap();
            assert_eq!(state.as_deref(), Some("done"), "{late_says}");
            assert_eq!(run(&other).await, Ran::default());
        }
        assert_eq!((f.effects("first").await, f.effects("second").await), (0, 3));
    })
    .await;
}

#[tokio::test]
async fn two_runners_share_200_tasks_and_each_happens_once() {
    each_db(async |f| {
        let (one, other) = (f.app(Tasks::default()), [counter(), counter()]);
        let mut nodes = vec![];
        for (runs, theirs) in [(&other[0], &other[1]), (&other[1], &other[0])] {
            let (runs, theirs) = (runs.clone(), theirs.clone());
            let handler = Does("greet", move |task: Task| {
                runs.fetch_add(1, SeqCst);
                let theirs = theirs.clone();
                async move {
                    // Nobody gets far before the other has begun as well.
                    while theirs.load(SeqCst) == 0 {
                        tokio::task::yield_now().await;
                    }
                    Ok(effect(task.read()?))
                }
            });
            nodes.push(f.other_node(Tasks::default().with(handler)).await);
        }
        let inner = one.clone();
        let promised = one.db.write(move |tx| async move {
            for n in 0..200 {
                tasks::enqueue(&inner, &tx, NewTask::new("greet", &format!("effect {n}"))?).await?;
            }
            Ok(())
        });
        promised.await.unwrap();
        assert_eq!(
            run(&one).await.done,
            0,
            "a node without the handler leaves them alone"
        );
        let (first, second) = tokio::join!(run(&nodes[0]), run(&nodes[1]));
        assert_eq!(first.done + second.done, 200, "{first:?} {second:?}");
        assert_eq!(first.fenced + second.fenced + first.failed + second.failed, 0);
        assert!(
            first.done > 0 && second.done > 0,
            "both had work: {first:?} {second:?}"
        );
        assert_eq!(other[0].load(SeqCst) + other[1].load(SeqCst), 200);
        let sql = "SELECT count(*), count(DISTINCT label) FROM effect";
        let counts =
            f.db.one(sql, vec![], |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)))
                .await
                .unwrap();
        assert_eq!(counts, Some((200, 200)));
    })
    .await;
}

#[tokio::test]
async fn a_runner_that_is_asked_to_stop_hands_back_what_it_has_not_begun() {
    each_db(async |f| {
        let (stop, runs) = (Arc::new(AtomicBool::new(false)), counter());
        let (asked, count) = (stop.clone(), runs.clone());
        let app = f.app(Tasks::default().with(Does("greet", move |_| {
            count.fetch_add(1, SeqCst);
            asked.store(true, SeqCst);
            async {
                // The others of the first handful begin; nothing is ready before the stop is seen.
                tokio::task::yield_now().await;
                Ok(Outcome::Done)
            }
        })));
        for _ in 0..40 {
            enqueue(&app, greet().max_attempts(1)).await;
        }
        let ran = Runner::new(&app).run_due(|| stop.load(SeqCst)).await.unwrap();
        assert_eq!(ran.done + ran.handed_back, 40, "{ran:?}");
        assert!(ran.done < 40, "{ran:?}");
        assert_eq!(u64::from(runs.load(SeqCst)), ran.done);
        assert_eq!(run(&app).await.done, ran.handed_back, "no attempt was lost");
    })
    .await;
}

#[tokio::test]
async fn the_done_are_kept_a_week_and_the_dead_a_month() {
    each_db(async |f| {
        let days = |n: u64| Duration::from_hours(n * 24);
        let app = f.app(writes().with(Does("lost", |_| async { Ok(Outcome::GiveUp("gone".into())) })));
        enqueue(&app, greet().once("k")).await;
        enqueue(&app, NewTask::new("lost", &()).unwrap()).await;
        run(&app).await;
        enqueue(&app, greet().at(f.clock.now().plus(days(99)))).await;
        f.clock.advance(days(7));
        f.clock.advance_micros(-1);
        assert_eq!(tasks::prune(&f.db, f.clock.now()).await.unwrap(), 0);
        f.clock.advance_micros(1);
        assert_eq!(tasks::prune(&f.db, f.clock.now()).await.unwrap(), 1);
        f.clock.advance(days(23));
        assert_eq!(tasks::prune(&f.db, f.clock.now()).await.unwrap(), 1);
        let left = tasks::counts(&f.db).await.unwrap();
        assert_eq!((left.ready, left.dead), (1, 0));
        assert!(
            enqueue(&app, greet().once("k")).await.is_some(),
            "the key is free again"
        );
    })
    .await;
}

#[tokio::test]
async fn a_commit_on_this_node_wakes_the_supervised_runner() {
    each_db(async |f| {
        let done = Arc::new(Notify::new());
        let told = done.clone();
        let app = f.app(Tasks::default().with(Does("greet", move |_| {
            told.notify_one();
            async { Ok(Outcome::Done) }
        })));
        let supervisor = supervisor::Supervisor::new(supervisor::Settings {
            groups: vec!["platform"],
            ..supervisor::Settings::with_clock(|| 0)
        });
        for plan in tasks::workers(&app) {
            supervisor.add(plan);
        }
        supervisor.start().await;
        enqueue(&app, greet()).await;
        tokio::time::timeout(Duration::from_secs(10), done.notified())
            .await
            .expect("it was woken");
        assert!(supervisor.stop(Duration::from_secs(10)).await.is_clean());
    })
    .await;
}
