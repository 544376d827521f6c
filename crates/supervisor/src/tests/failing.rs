use super::*;
use crate::{Context, Failure, Restart, Spec, State, Wake, Worker};

/// Three restarts within ten minutes, after pauses of at most 1, 2 and 4 seconds.
fn patience() -> Restart {
    Restart {
        budget: 3,
        ..Restart::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_panics_on_each_run_is_quarantined_while_others_go_on() {
    let (supervisor, told, lives) = (supervisor(), Diary::default(), Count::default());
    supervisor.on_quarantine({
        let told = told.clone();
        move |worker| told.note(format!("{} after {} panics", worker.name, worker.panics))
    });
    supervisor.add(Spec::new("broken").every(MINUTE).restart(patience()).runs({
        let lives = lives.clone();
        move |_| {
            let life = lives.up();
            async move { panic!("life {life}") }
        }
    }));
    supervisor.add(
        Spec::new("sound")
            .every(SECOND)
            .runs(|_| async { Ok(Report::nothing()) }),
    );
    supervisor.start().await;

    sleep(Duration::from_millis(100)).await;
    let broken = status(&supervisor, "broken");
    assert_eq!((broken.panics, broken.errors, broken.overruns), (1, 0, 0));
    assert!(matches!(broken.state, State::BackingOff { until } if (500_000..1_000_000).contains(&until)));
    assert_eq!(broken.last_error.as_deref(), Some("life 1"));

    sleep(10 * SECOND).await;
    let broken = status(&supervisor, "broken");
    assert_eq!(broken.state, State::Quarantined);
    assert_eq!((broken.runs, broken.panics, broken.restarts), (4, 4, 3));
    assert_eq!(broken.last_error.as_deref(), Some("life 4"));
    assert_eq!(told.lines(), ["broken after 4 panics"]);

    let before = status(&supervisor, "sound").runs;
    sleep(MINUTE).await;
    assert!(status(&supervisor, "sound").runs >= before + 60);
    assert_eq!(lives.get(), 4, "nobody runs in quarantine");
}

#[tokio::test(start_paused = true)]
async fn a_reborn_worker_has_fresh_state() {
    struct Broken {
        runs: usize,
        seen: Diary,
    }

    impl Worker for Broken {
        async fn run(&mut self, ctx: &Context) -> Result<Report, Failure> {
            self.runs += 1;
            self.seen.note(format!("{} run {}", ctx.name(), self.runs));
            assert!(self.runs < 3, "three is too much for me");
            Ok(Report::nothing().again())
        }
    }

    let (supervisor, seen) = (supervisor(), Diary::default());
    let plan = Spec::new("broken").restart(Restart {
        budget: 1,
        ..patience()
    });
    supervisor.add(plan.worker({
        let seen = seen.clone();
        move || Broken {
            runs: 0,
            seen: seen.clone(),
        }
    }));
    supervisor.start().await;
    sleep(MINUTE).await;
    let life = ["broken run 1", "broken run 2", "broken run 3"];
    assert_eq!(seen.lines(), [life, life].concat());
    assert_eq!(status(&supervisor, "broken").restarts, 1);
}

#[tokio::test(start_paused = true)]
async fn errors_pause_longer_and_longer_but_never_quarantine_nor_cost_the_worker_its_life() {
    struct Caller {
        calls: u32,
    }

    impl Worker for Caller {
        async fn run(&mut self, _: &Context) -> Result<Report, Failure> {
            self.calls += 1;
            if self.calls < 30 {
                let number: i64 = "no number".parse()?;
                unreachable!("{number}");
            }
            Ok(Report::new("through").fact("calls", self.calls.into()))
        }
    }

    let supervisor = supervisor();
    supervisor.add(
        Spec::new("caller")
            .every(MINUTE)
            .restart(patience())
            .worker(|| Caller { calls: 0 }),
    );
    supervisor.start().await;

    sleep(30 * SECOND).await;
    let early = status(&supervisor, "caller");
    assert!(
        (5..=7).contains(&early.errors),
        "{} errors after 1, 2, 4, 8 s",
        early.errors
    );
    assert_eq!(early.failures_in_a_row, early.errors as u32);
    assert_eq!(early.last_error.as_deref(), Some("invalid digit found in string"));

    sleep(180 * MINUTE).await;
    let late = status(&supervisor, "caller");
    assert_eq!(
        (late.errors, late.panics, late.restarts, late.failures_in_a_row),
        (29, 0, 0, 0)
    );
    assert!(
        late.last_report.unwrap().facts[0].1 > 30,
        "the same worker lives and works"
    );
}

#[tokio::test(start_paused = true)]
async fn a_success_ends_the_row_of_failures() {
    let (supervisor, tries) = (supervisor(), Count::default());
    supervisor.add(Spec::new("moody").every(MINUTE).runs(move |_| {
        let goes_well = tries.up() % 5 == 0;
        async move {
            if goes_well {
                Ok(Report::nothing())
            } else {
                Err(Failure::new("moody"))
            }
        }
    }));
    supervisor.start().await;
    // Four failures cost 15 seconds of pauses at most, the success a minute: ten rounds in a quarter of an hour.
    // Were the row never ended, each pause of the third round would take minutes.
    sleep(13 * MINUTE).await;
    assert!(status(&supervisor, "moody").runs >= 50);
}

#[tokio::test(start_paused = true)]
async fn wakes_do_not_shorten_a_pause() {
    let (supervisor, wake) = (supervisor(), Wake::new());
    let slow = Restart {
        first_pause: MINUTE,
        ..patience()
    };
    let fails = |_| async { Err(Failure::new("away")) };
    supervisor.add(Spec::new("mail").wakes_on(&wake).restart(slow).runs(fails));
    supervisor.start().await;
    for _ in 0..29 {
        sleep(SECOND).await;
        wake.wake();
    }
    assert_eq!(status(&supervisor, "mail").runs, 1);
    sleep(MINUTE).await;
    assert_eq!(status(&supervisor, "mail").runs, 2);
}

#[tokio::test(start_paused = true)]
async fn an_overrun_is_cut_and_counted() {
    let (supervisor, diary) = (supervisor(), Diary::default());
    supervisor.add(Spec::new("hangs").timeout(5 * SECOND).restart(patience()).runs({
        let diary = diary.clone();
        move |_| {
            let testament = Testament(diary.clone(), "dropped");
            async move {
                let _testament = testament;
                std::future::pending().await
            }
        }
    }));
    supervisor.start().await;
    sleep(4 * SECOND).await;
    assert_eq!(status(&supervisor, "hangs").state, State::Running);
    assert_eq!(diary.lines().len(), 0);

    sleep(SECOND + SECOND / 10).await;
    let hangs = status(&supervisor, "hangs");
    assert!(matches!(hangs.state, State::BackingOff { .. }));
    assert_eq!((hangs.overruns, hangs.errors, hangs.panics), (1, 0, 0));
    assert_eq!(
        (hangs.last_duration_ms, hangs.last_error.as_deref()),
        (Some(5000), Some("cut after 5.0s"))
    );
    assert_eq!(diary.lines(), ["dropped"]);

    sleep(MINUTE).await;
    assert_eq!(
        status(&supervisor, "hangs").state,
        State::Quarantined,
        "hanging spends the budget"
    );
    assert_eq!(status(&supervisor, "hangs").restarts, 3);
}

#[tokio::test(start_paused = true)]
async fn a_released_worker_begins_with_a_clean_slate() {
    let (supervisor, broken) = (supervisor(), Count::default());
    broken.up();
    supervisor.add(Spec::new("mended").every(MINUTE).restart(patience()).runs({
        let broken = broken.clone();
        move |_| {
            let broken = broken.clone();
            async move {
                assert_eq!(broken.get(), 0, "still broken");
                Ok(Report::new("mended"))
            }
        }
    }));
    supervisor.start().await;
    assert!(!supervisor.release("mended"), "not in quarantine yet");
    sleep(MINUTE).await;
    assert_eq!(status(&supervisor, "mended").state, State::Quarantined);

    assert!(supervisor.release("mended"));
    assert!(!supervisor.release("mended"), "once is enough");
    sleep(MINUTE).await;
    let again = status(&supervisor, "mended");
    assert_eq!(
        (again.state, again.panics),
        (State::Quarantined, 8),
        "the whole budget anew"
    );

    broken.down();
    assert!(supervisor.release("mended"));
    sleep(SECOND).await;
    let mended = status(&supervisor, "mended");
    assert_eq!((mended.state, mended.failures_in_a_row), (State::Idle, 0));
    assert_eq!(mended.last_report, Some(Report::new("mended")));
    assert_eq!(
        mended.last_error.map(|text| text.contains("still broken")),
        Some(true),
        "it stays readable"
    );
    assert!(!supervisor.release("nobody"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_factory_the_destructor_or_the_hook_stays_inside() {
    struct Grenade;

    impl Worker for Grenade {
        async fn run(&mut self, _: &Context) -> Result<Report, Failure> {
            Ok(std::future::pending().await)
        }
    }

    impl Drop for Grenade {
        fn drop(&mut self) {
            panic!("in the destructor");
        }
    }

    let (supervisor, told) = (supervisor(), Count::default());
    supervisor.on_quarantine(|_| panic!("in the hook"));
    supervisor.on_quarantine({
        let told = told.clone();
        move |_| {
            told.up();
        }
    });
    supervisor.add(
        Spec::new("unborn")
            .restart(patience())
            .worker(|| -> Grenade { panic!("in the factory") }),
    );
    supervisor.add(
        Spec::new("grenade")
            .timeout(SECOND)
            .restart(patience())
            .worker(|| Grenade),
    );
    supervisor.start().await;
    sleep(MINUTE).await;
    let unborn = status(&supervisor, "unborn");
    assert_eq!((unborn.state, unborn.panics), (State::Quarantined, 4));
    assert_eq!(unborn.last_error.as_deref(), Some("in the factory"));
    assert_eq!(status(&supervisor, "grenade").state, State::Quarantined);
    assert_eq!(
        told.get(),
        2,
        "the second hook hears of both, whatever the first one does"
    );
    assert!(supervisor.release("unborn") && supervisor.release("grenade"));
    sleep(SECOND / 2).await;
    assert_eq!(status(&supervisor, "grenade").state, State::Running);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_returns_early_has_failed_and_is_begun_anew() {
    let (supervisor, lives) = (supervisor(), Count::default());
    supervisor.add(Spec::new("listener").service({
        let lives = lives.clone();
        move |ctx| {
            let life = lives.up();
            async move {
                match life {
                    1 => {}
                    2 => return Err(Failure::new("address in use")),
                    3 => panic!("lost my head"),
                    _ => ctx.cancelled().await,
                }
                Ok(())
            }
        }
    }));
    supervisor.start().await;
    sleep(SECOND / 10).await;
    let first = status(&supervisor, "listener");
    assert_eq!(
        first.last_error.as_deref(),
        Some("returned although nobody had asked it to stop")
    );
    sleep(60 * MINUTE).await;
    let listener = status(&supervisor, "listener");
    assert_eq!(
        (listener.state, listener.errors, listener.panics),
        (State::Running, 2, 1)
    );
    assert_eq!((listener.runs, listener.restarts), (4, 3));
}
