use super::*;
use crate::{Failure, Spec, Wake};

#[tokio::test(start_paused = true)]
async fn a_worker_runs_once_after_the_start_and_then_by_its_period() {
    let (supervisor, runs) = (supervisor(), Count::default());
    supervisor.add(Spec::new("tick").every(MINUTE).runs({
        let runs = runs.clone();
        move |_| {
            runs.up();
            async { Ok(Report::nothing()) }
        }
    }));
    assert_eq!(runs.get(), 0);
    supervisor.start().await;
    sleep(SECOND).await;
    assert_eq!(runs.get(), 1);
    sleep(50 * SECOND).await;
    assert_eq!(runs.get(), 1, "the period is shortened by a tenth at most");
    sleep(10 * SECOND).await;
    assert_eq!(runs.get(), 2);
    sleep(98 * MINUTE).await;
    assert!(
        (100..=111).contains(&runs.get()),
        "{} runs in 99 minutes",
        runs.get()
    );
}

#[tokio::test(start_paused = true)]
async fn many_wakes_during_a_run_are_one_more_run() {
    let (supervisor, runs, wake) = (supervisor(), Count::default(), Wake::new());
    supervisor.add(Spec::new("sleepy").wakes_on(&wake).runs({
        let runs = runs.clone();
        move |_| {
            runs.up();
            async {
                sleep(10 * SECOND).await;
                Ok(Report::nothing())
            }
        }
    }));
    supervisor.start().await;
    sleep(SECOND).await;
    for _ in 0..100 {
        wake.wake();
    }
    assert_eq!(runs.get(), 1, "two runs never overlap");
    sleep(10 * SECOND).await;
    assert_eq!(runs.get(), 2);
    sleep(60 * MINUTE).await;
    assert_eq!(runs.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn wakes_during_a_rest_are_one_run_at_its_end() {
    let (supervisor, runs, wake) = (supervisor(), Count::default(), Wake::new());
    supervisor.add(Spec::new("calm").wakes_on(&wake).rests(10 * SECOND).runs({
        let runs = runs.clone();
        move |_| {
            runs.up();
            async { Ok(Report::nothing()) }
        }
    }));
    supervisor.start().await;
    sleep(SECOND).await;
    for _ in 0..100 {
        wake.wake();
        sleep(SECOND / 50).await;
    }
    assert_eq!(runs.get(), 1, "it rests");
    sleep(8 * SECOND).await;
    assert_eq!(runs.get(), 2);
    sleep(MINUTE).await;
    wake.wake();
    sleep(SECOND).await;
    assert_eq!(runs.get(), 3, "a rest that is over delays nobody");
}

#[tokio::test(start_paused = true)]
async fn wakes_before_a_run_are_answered_by_that_run() {
    let supervisor = Supervisor::new(Settings {
        at_once: 1,
        ..settings()
    });
    let (runs, wake) = (Count::default(), Wake::new());
    // The first to come occupies the only turn, so that the other has to queue.
    supervisor.add(Spec::new("long").runs(|_| async {
        sleep(30 * SECOND).await;
        Ok(Report::nothing())
    }));
    supervisor.add(Spec::new("queueing").wakes_on(&wake).runs({
        let runs = runs.clone();
        move |_| {
            runs.up();
            async { Ok(Report::nothing()) }
        }
    }));
    supervisor.start().await;
    sleep(SECOND).await;
    wake.wake();
    sleep(SECOND).await;
    wake.wake();
    assert_eq!(runs.get(), 0);
    sleep(60 * MINUTE).await;
    assert_eq!(runs.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_wake_wakes_all_who_listen_and_one_worker_may_listen_to_several() {
    let (supervisor, posts, members) = (supervisor(), Wake::new(), Wake::new());
    supervisor.add(Spec::new("search").wakes_on(&posts).wakes_on(&members).runs(done));
    supervisor.add(Spec::new("feed").wakes_on(&posts).runs(done));
    supervisor.start().await;
    sleep(SECOND).await;

    posts.wake();
    sleep(SECOND).await;
    assert_eq!(
        (
            status(&supervisor, "search").runs,
            status(&supervisor, "feed").runs
        ),
        (2, 2)
    );
    members.clone().wake();
    sleep(SECOND).await;
    assert_eq!(
        (
            status(&supervisor, "search").runs,
            status(&supervisor, "feed").runs
        ),
        (3, 2)
    );
    assert!(supervisor.wake("feed"), "an operator wakes by name");
    sleep(SECOND).await;
    assert_eq!(
        (
            status(&supervisor, "search").runs,
            status(&supervisor, "feed").runs
        ),
        (3, 3)
    );
    assert!(!supervisor.wake("nobody"));
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_runs_again_at_once_but_lets_others_have_their_turn() {
    let supervisor = Supervisor::new(Settings {
        at_once: 1,
        ..settings()
    });
    let diary = Diary::default();
    let waiting = Arc::new(AtomicUsize::new(4));
    supervisor.add(Spec::new("mail").every(MINUTE).runs({
        let diary = diary.clone();
        move |_| {
            let (diary, waiting) = (diary.clone(), Arc::clone(&waiting));
            async move {
                diary.note("mail");
                sleep(SECOND).await;
                let is_last = waiting.fetch_sub(1, Ordering::SeqCst) == 1;
                Ok(if is_last {
                    Report::nothing()
                } else {
                    Report::new("full").again()
                })
            }
        }
    }));
    supervisor.add(Spec::new("other").runs({
        let diary = diary.clone();
        move |_| {
            diary.note("other");
            async { Ok(Report::nothing()) }
        }
    }));
    supervisor.start().await;
    sleep(10 * SECOND).await;
    assert_eq!(diary.lines(), ["mail", "other", "mail", "mail", "mail"]);
}

#[tokio::test(start_paused = true)]
async fn workers_never_exceed_the_shared_limit_and_services_do_not_count() {
    let supervisor = Supervisor::new(Settings {
        at_once: 4,
        ..settings()
    });
    let (running, most, runs, serving) = (
        Count::default(),
        Count::default(),
        Count::default(),
        Count::default(),
    );
    for number in 0..119 {
        let (running, most, runs) = (running.clone(), most.clone(), runs.clone());
        supervisor.add(Spec::new(format!("agent.{number}")).runs(move |_| {
            let (running, most, runs) = (running.clone(), most.clone(), runs.clone());
            async move {
                most.at_least(running.up());
                sleep(SECOND).await;
                running.down();
                runs.up();
                Ok(Report::nothing())
            }
        }));
    }
    for number in 0..10 {
        let serving = serving.clone();
        supervisor.add(Spec::new(format!("service.{number}")).service(move |ctx| {
            serving.up();
            async move {
                ctx.cancelled().await;
                Ok(())
            }
        }));
    }
    supervisor.add(Spec::new("urgent").exempt().runs(done));
    supervisor.start().await;
    sleep(SECOND / 2).await;
    assert_eq!(running.get(), 4);
    assert_eq!(serving.get(), 10);
    assert_eq!(
        status(&supervisor, "urgent").runs,
        1,
        "an exempt worker does not queue"
    );

    sleep(MINUTE).await;
    assert_eq!(runs.get(), 119, "each has had its turn");
    assert_eq!(most.get(), 4, "the limit is used, never exceeded");
}

#[tokio::test(start_paused = true)]
async fn first_runs_are_spread() {
    let supervisor = Supervisor::new(Settings {
        spread: 30 * SECOND,
        at_once: 200,
        ..settings()
    });
    for number in 0..119 {
        supervisor.add(Spec::new(format!("agent.{number}")).every(60 * MINUTE).runs(done));
    }
    supervisor.add(Spec::new("often").every(SECOND).runs(done));
    supervisor.start().await;
    sleep(SECOND).await;
    assert!(
        status(&supervisor, "often").runs > 0,
        "nobody waits longer than its period"
    );

    sleep(29 * SECOND).await;
    let workers = supervisor.status().workers;
    let starts = workers
        .iter()
        .filter(|worker| worker.name != "often")
        .map(|worker| worker.last_started);
    let mut in_second = [0; 30];
    for start in starts {
        let start = start.expect("all have run within the spread");
        in_second[usize::try_from(start / 1_000_000).unwrap()] += 1;
    }
    assert!(in_second.iter().all(|&starts| starts < 15), "{in_second:?}");
}

#[tokio::test(start_paused = true)]
async fn a_group_waits_for_the_gates_of_the_one_before() {
    let supervisor = grouped(&["keys", "web"]);
    let tries = Count::default();
    supervisor.add(
        Spec::new("keys.rotate")
            .group("keys")
            .every(MINUTE)
            .gates(MINUTE)
            .runs({
                let tries = tries.clone();
                move |_| {
                    let is_first = tries.up() == 1;
                    async move {
                        if is_first {
                            Err(Failure::new("not yet"))
                        } else {
                            Ok(Report::nothing())
                        }
                    }
                }
            }),
    );
    supervisor.add(
        Spec::new("bus")
            .group("keys")
            .gates(MINUTE)
            .service(|ctx| async move {
                sleep(5 * SECOND).await;
                ctx.ready();
                ctx.cancelled().await;
                Ok(())
            }),
    );
    supervisor.add(Spec::new("http").group("web").runs(done));
    supervisor.start().await;
    sleep(SECOND).await;
    assert_eq!(status(&supervisor, "keys.rotate").runs, 2);
    assert!(status(&supervisor, "http").last_started >= Some(5_000_000));
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_stays_shut_is_passed_after_its_limit() {
    let supervisor = grouped(&["keys", "web"]);
    let never = |_| async { Err(Failure::new("no")) };
    supervisor.add(
        Spec::new("keys.rotate")
            .group("keys")
            .gates(20 * SECOND)
            .runs(never),
    );
    supervisor.add(Spec::new("http").group("web").runs(done));
    supervisor.start().await;
    sleep(SECOND).await;
    assert_eq!(status(&supervisor, "http").last_started, Some(20_000_000));
}

#[tokio::test(start_paused = true)]
async fn a_worker_added_later_starts_with_its_group_or_at_once() {
    let supervisor = supervisor();
    supervisor.start().await;
    supervisor.add(Spec::new("late").runs(done));
    sleep(SECOND).await;
    assert_eq!(status(&supervisor, "late").runs, 1);
}

async fn done(_: crate::Context) -> Result<Report, Failure> {
    Ok(Report::nothing())
}
