use super::*;
use crate::JobStatus;

fn job(supervisor: &Supervisor, name: &str) -> JobStatus {
    supervisor
        .status()
        .jobs
        .into_iter()
        .find(|job| job.name == name)
        .expect("there was such a job")
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_detached_job_is_contained_and_counted() {
    let supervisor = supervisor();
    supervisor.detached("thumbnail", async { panic!("no picture") });
    supervisor.detached("thumbnail", sleep(SECOND));
    sleep(SECOND / 2).await;
    let thumbnail = job(&supervisor, "thumbnail");
    assert_eq!(
        (thumbnail.running, thumbnail.finished, thumbnail.panics),
        (1, 0, 1)
    );
    assert_eq!(thumbnail.last_error.as_deref(), Some("no picture"));
    sleep(SECOND).await;
    let thumbnail = job(&supervisor, "thumbnail");
    assert_eq!(
        (thumbnail.running, thumbnail.finished, thumbnail.panics),
        (0, 1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_detached_job_that_takes_too_long_is_cut() {
    let supervisor = Supervisor::new(Settings {
        job_timeout: 5 * SECOND,
        ..settings()
    });
    supervisor.detached("endless", std::future::pending());
    sleep(4 * SECOND).await;
    assert_eq!(job(&supervisor, "endless").running, 1);
    sleep(2 * SECOND).await;
    let endless = job(&supervisor, "endless");
    assert_eq!((endless.running, endless.overruns), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn the_shutdown_waits_for_detached_jobs_and_cuts_them_after_the_grace() {
    let (supervisor, diary) = (supervisor(), Diary::default());
    supervisor.start().await;
    supervisor.detached("short", {
        let diary = diary.clone();
        async move {
            sleep(5 * SECOND).await;
            diary.note("short ended");
        }
    });
    supervisor.detached("long", sleep(50 * SECOND));
    supervisor.detached("long", sleep(50 * SECOND));
    let stopped = supervisor.stop(10 * SECOND).await;
    assert_eq!(diary.lines(), ["short ended"]);
    assert_eq!(stopped.aborted, ["long", "long"]);
    assert_eq!(job(&supervisor, "long").running, 0);

    supervisor.detached("late", async { unreachable!("nothing runs after the stop") });
    sleep(SECOND).await;
    assert!(supervisor.status().jobs.iter().all(|job| job.name != "late"));
}
