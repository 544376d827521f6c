use super::*;
use crate::{Context, Failure, Spec, State};

#[tokio::test(start_paused = true)]
async fn a_soft_stop_lets_the_current_run_finish_and_begins_no_other() {
    let (supervisor, diary) = (supervisor(), Diary::default());
    supervisor.add(Spec::new("working").runs({
        let diary = diary.clone();
        move |ctx| {
            let diary = diary.clone();
            async move {
                diary.note("began");
                sleep(10 * SECOND).await;
                diary.note(format!("ended, asked to stop: {}", ctx.is_cancelled()));
                Ok(Report::nothing().again())
            }
        }
    }));
    supervisor.add(
        Spec::new("waiting")
            .every(60 * MINUTE)
            .runs(|_| async { Ok(Report::nothing()) }),
    );
    supervisor.start().await;
    sleep(SECOND).await;

    let stop = tokio::join!(supervisor.stop(MINUTE), async {
        sleep(SECOND).await;
        assert_eq!(status(&supervisor, "working").state, State::Stopping);
        assert_eq!(status(&supervisor, "waiting").state, State::Stopped);
    });
    assert!(stop.0.is_clean());
    assert_eq!(diary.lines(), ["began", "ended, asked to stop: true"]);
    assert_eq!(status(&supervisor, "working").state, State::Stopped);
}

#[tokio::test(start_paused = true)]
async fn what_outlives_the_grace_is_cut_and_named() {
    let (supervisor, diary) = (supervisor(), Diary::default());
    for (name, takes) in [("quick", SECOND), ("endless", 60 * MINUTE)] {
        let diary = diary.clone();
        supervisor.add(Spec::new(name).timeout(120 * MINUTE).runs(move |_| {
            let testament = Testament(diary.clone(), name);
            async move {
                let _testament = testament;
                sleep(takes).await;
                Ok(Report::nothing())
            }
        }));
    }
    supervisor.add(Spec::new("deaf").service(|_| std::future::pending()));
    supervisor.start().await;
    sleep(SECOND / 2).await;

    let asked = Instant::now();
    let stopped = supervisor.stop(20 * SECOND).await;
    assert_eq!(stopped.aborted, ["endless", "deaf"]);
    assert!(stopped.stuck.is_empty());
    assert_eq!(
        asked.elapsed().as_secs(),
        10,
        "the other half of the grace is for detached jobs"
    );
    assert_eq!(diary.lines(), ["quick", "endless"]);
    assert_eq!(status(&supervisor, "endless").state, State::Stopped);
    assert_eq!(status(&supervisor, "endless").overruns, 0);
}

#[tokio::test(start_paused = true)]
async fn groups_start_in_order_and_stop_in_reverse() {
    let (supervisor, diary) = (grouped(&["platform", "agents", "web"]), Diary::default());
    // Added in another order: what counts is the order of the groups.
    for group in ["web", "platform", "agents"] {
        let diary = diary.clone();
        supervisor.add(
            Spec::new(format!("{group}.service"))
                .group(group)
                .service(move |ctx| {
                    let diary = diary.clone();
                    async move {
                        diary.note(format!("{group} up"));
                        ctx.cancelled().await;
                        sleep(SECOND).await;
                        diary.note(format!("{group} down"));
                        Ok(())
                    }
                }),
        );
    }
    supervisor.start().await;
    sleep(SECOND).await;
    assert!(supervisor.stop(MINUTE).await.is_clean());
    let up_and_down = [
        "platform up",
        "agents up",
        "web up",
        "web down",
        "agents down",
        "platform down",
    ];
    assert_eq!(diary.lines(), up_and_down);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_clings_leaves_the_others_their_share_of_the_grace() {
    let supervisor = grouped(&["platform", "web"]);
    supervisor.add(Spec::new("http").group("web").service(|_| std::future::pending()));
    supervisor.add(Spec::new("flush").group("platform").service(|ctx| async move {
        ctx.cancelled().await;
        sleep(9 * SECOND).await;
        Ok(())
    }));
    supervisor.start().await;
    sleep(SECOND).await;
    assert_eq!(supervisor.stop(30 * SECOND).await.aborted, ["http"]);
}

#[tokio::test(start_paused = true)]
async fn quarantined_and_pausing_workers_stop_at_once() {
    let supervisor = supervisor();
    let none = crate::Restart {
        budget: 0,
        ..crate::Restart::default()
    };
    let panics = |_: Context| async { panic!("no") };
    supervisor.add(Spec::new("quarantined").restart(none).runs(panics));
    supervisor.add(Spec::new("pausing").runs(panics));
    supervisor.start().await;
    sleep(SECOND / 10).await;
    assert_eq!(status(&supervisor, "quarantined").state, State::Quarantined);

    let asked = Instant::now();
    assert!(supervisor.stop(MINUTE).await.is_clean());
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_stop_during_the_start_starts_nothing_more() {
    let supervisor = grouped(&["keys", "web"]);
    supervisor.add(
        Spec::new("keys")
            .group("keys")
            .gates(60 * MINUTE)
            .service(|ctx| async move {
                ctx.cancelled().await;
                Ok(())
            }),
    );
    supervisor.add(
        Spec::new("http")
            .group("web")
            .runs(|_| async { Ok(Report::nothing()) }),
    );
    let ((), stopped) = tokio::join!(supervisor.start(), async {
        sleep(SECOND).await;
        supervisor.stop(MINUTE).await
    });
    assert!(stopped.is_clean());
    assert_eq!(status(&supervisor, "keys").runs, 1);
    assert_eq!(
        (
            status(&supervisor, "http").runs,
            status(&supervisor, "http").state
        ),
        (0, State::Stopped)
    );

    supervisor.add(
        Spec::new("late")
            .group("keys")
            .runs(|_| async { Ok(Report::nothing()) }),
    );
    sleep(SECOND).await;
    assert_eq!(
        status(&supervisor, "late").state,
        State::Stopped,
        "too late to begin"
    );
    assert!(
        supervisor.stop(MINUTE).await.is_clean(),
        "stopping twice is stopping"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_worker_that_blocks_its_thread_is_listed_as_stuck() {
    let (began, seen) = std::sync::mpsc::channel();
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    let supervisor = supervisor();
    supervisor.add(Spec::new("blocking").runs(move |_| {
        began.send(()).unwrap();
        let _ = held.lock().unwrap().recv();
        async { Err(Failure::new("let go")) }
    }));
    // Its end wakes a second thread, which then looks after the timers; the first one may have held them.
    supervisor.add(Spec::new("other").service(|ctx| async move {
        ctx.cancelled().await;
        Ok(())
    }));
    supervisor.start().await;
    tokio::task::spawn_blocking(move || seen.recv().unwrap())
        .await
        .unwrap();

    let stopped = supervisor.stop(Duration::from_millis(10)).await;
    assert_eq!(
        (stopped.aborted, stopped.stuck),
        (vec!["blocking".to_owned()], vec!["blocking".to_owned()])
    );
    drop(let_go);
}
