//! The database goes away and comes back: a pause, not an end.

use crate::support::{Heard, Member, Server, UNHINDERED};
use futures_util::future::join_all;
use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::task::spawn_blocking;

const CLIENTS: usize = 8;
const OUTAGE: Duration = Duration::from_secs(5);
/// `server.request_timeout_ms`, at its default.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

struct Answer {
    began: Instant,
    ended: Instant,
    heard: Heard,
}

/// What the clients heard, and how long each has been well served.
#[derive(Default)]
struct Load {
    over: AtomicBool,
    answers: Mutex<Vec<Answer>>,
    served_in_a_row: [AtomicUsize; CLIENTS],
}

impl Load {
    async fn all_served(&self, server: &Server) {
        let give_up = Instant::now() + Duration::from_secs(20);
        self.served_in_a_row
            .iter()
            .for_each(|count| count.store(0, SeqCst));
        while self.served_in_a_row.iter().any(|count| count.load(SeqCst) < 6) {
            assert!(
                Instant::now() < give_up,
                "the clients are not served: {}",
                server.log()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_lost_database_is_a_pause() {
    let mut cluster = spawn_blocking(|| pgtemp::Cluster::start().expect("PostgreSQL starts"))
        .await
        .unwrap();
    let mut server = Server::new(Some(cluster.url("postgres")), &UNHINDERED);
    server.start().await;
    let members = join_all((0..CLIENTS).map(|n| {
        let server = &server;
        async move { server.member(&format!("member{n}")).await }
    }))
    .await;
    let load = Load::default();
    let clients = members
        .iter()
        .enumerate()
        .map(|(n, member)| client(n, member, &load));
    let outage = async {
        load.all_served(&server).await;
        let stopping = Instant::now();
        cluster = spawn_blocking(move || {
            cluster.stop();
            cluster
        })
        .await
        .unwrap();
        let stopped = Instant::now();
        tokio::time::sleep(OUTAGE).await;
        let resuming = Instant::now();
        let cluster = spawn_blocking(move || {
            cluster.resume().expect("PostgreSQL starts again");
            cluster
        })
        .await
        .unwrap();
        let resumed = Instant::now();
        load.all_served(&server).await;
        load.over.store(true, SeqCst);
        (cluster, [stopping, stopped, resuming, resumed])
    };
    let (posted, (cluster, times)) = tokio::join!(join_all(clients.collect::<Vec<_>>()), outage);
    assert!(server.is_running(), "the program ended: {}", server.log());

    let answers = std::mem::take(&mut *load.answers.lock().unwrap());
    check(&answers, times);

    for (member, posted) in members.iter().zip(posted) {
        assert_eq!(
            member.get("/me").await.unwrap().status,
            200,
            "the session is lost"
        );
        assert_eq!(
            member.refresh().await.unwrap().status,
            200,
            "the session cannot be renewed"
        );
        let seen: Vec<String> = member.posts().await.into_iter().map(|(_, body)| body).collect();
        for body in posted {
            assert_eq!(seen.iter().filter(|other| **other == body).count(), 1, "{body}");
        }
    }
    let (status, _) = server.terminate().await;
    assert!(status.success(), "{status}");
    assert!(!server.log().contains("panicked"), "{}", server.log());
    drop(cluster);
}

#[tokio::test]
async fn a_database_that_hangs_holds_nobody_up_for_long() {
    let cluster = spawn_blocking(|| pgtemp::Cluster::start().expect("PostgreSQL starts"))
        .await
        .unwrap();
    let mut server = Server::new(Some(cluster.url("postgres")), &UNHINDERED);
    server.start().await;
    let member = server.member("ana").await;
    cluster.freeze();
    // The second round meets the connections that the first one gave up.
    for round in 0..2 {
        let asked = (0..CLIENTS).map(|n| {
            let member = &member;
            async move {
                let began = Instant::now();
                let heard = match n % 2 {
                    0 => member.publish("in vain", &format!("key-{round}-{n}")).await,
                    _ => member.get("/feed").await,
                };
                (heard.expect("an answer"), began.elapsed())
            }
        });
        for (heard, took) in join_all(asked).await {
            assert_eq!(heard.status, 503, "{heard:?}");
            assert_eq!(heard.body["code"], "unavailable", "{heard:?}");
            let seconds = heard.header("retry-after").parse::<u32>();
            assert!(seconds.is_ok_and(|seconds| seconds > 0), "{heard:?}");
            assert!(took < Duration::from_secs(9), "held up for {took:?}");
        }
    }
    cluster.thaw();
    let served = async { while member.get("/feed").await.is_ok_and(|heard| heard.status != 200) {} };
    tokio::time::timeout(Duration::from_secs(20), served)
        .await
        .expect("it serves again");
    assert!(member.posts().await.is_empty(), "what was refused did not happen");
    let (status, _) = server.terminate().await;
    assert!(status.success(), "{status}");
}

/// Served with a database, told to try again without one, never anything else; and soon served again.
fn check(answers: &[Answer], [stopping, stopped, resuming, resumed]: [Instant; 4]) {
    let mut during = 0;
    for answer in answers {
        let (heard, took) = (&answer.heard, answer.ended - answer.began);
        assert!(took < REQUEST_TIMEOUT, "an answer took {took:?}");
        match heard.status {
            200 | 201 => assert!(
                answer.began < stopped || answer.ended > resuming,
                "served without a database: {heard:?}"
            ),
            503 => {
                assert!(answer.ended > stopping, "refused with a database: {heard:?}");
                assert_eq!(
                    heard.header("content-type"),
                    "application/problem+json",
                    "{heard:?}"
                );
                assert!(
                    heard
                        .header("retry-after")
                        .parse::<u32>()
                        .is_ok_and(|seconds| seconds > 0),
                    "{heard:?}"
                );
                assert_eq!(heard.body["status"], 503, "{heard:?}");
                during += usize::from(answer.began > stopped && answer.ended < resuming);
            }
            _ => panic!("neither served nor told to try again: {heard:?}"),
        }
    }
    assert!(
        during >= CLIENTS,
        "only {during} answers without a database: the outage proves nothing"
    );
    let refused = answers.iter().filter(|answer| answer.heard.status == 503);
    let last = refused.clone().map(|answer| answer.ended).max().unwrap();
    let recovered = last.saturating_duration_since(resumed);
    let slowest = answers
        .iter()
        .map(|answer| answer.ended - answer.began)
        .max()
        .unwrap();
    println!(
        "{} answers, {} of them 503 ({during} while it was away); the last 503 came {recovered:.0?} after the database \
         was back (it started in {:.0?}); the slowest answer took {slowest:.0?}",
        answers.len(),
        refused.count(),
        resumed - resuming,
    );
    assert!(
        recovered <= Duration::from_secs(3),
        "well again after {recovered:?}"
    );
}

/// Reads and posts in turn, at leisure. Gives the posts that were acknowledged.
async fn client(n: usize, member: &Member, load: &Load) -> Vec<String> {
    let (mut posted, mut turn) = (vec![], 0);
    while !load.over.load(SeqCst) {
        turn += 1;
        let (began, body) = (Instant::now(), format!("turn {turn} of client {n}"));
        let heard = if turn % 2 == 0 {
            member.publish(&body, &format!("key-{n}-{turn}")).await
        } else {
            member.get("/feed").await
        };
        let heard = heard.unwrap_or_else(|error| {
            panic!("client {n} has no answer after {:?}: {error:?}", began.elapsed())
        });
        match heard.status {
            200 => drop(load.served_in_a_row[n].fetch_add(1, SeqCst)),
            201 => {
                load.served_in_a_row[n].fetch_add(1, SeqCst);
                posted.push(body);
            }
            _ => load.served_in_a_row[n].store(0, SeqCst),
        }
        load.answers.lock().unwrap().push(Answer {
            began,
            ended: Instant::now(),
            heard,
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    posted
}
