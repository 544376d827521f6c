//! `kill -9`: what was acknowledged is there, what was not is not there twice. (A power cut is another matter.)

mod uploads;

use crate::support::{Member, Server, UNHINDERED};
use db::Executor;
use futures_util::future::join_all;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::{Duration, Instant},
};

const CLIENTS: usize = 16;
const POSTS: usize = 2000;
const KILLS: usize = 10;

/// What the clients went through.
#[derive(Default)]
struct Burst {
    acknowledged: AtomicUsize,
    /// Requests that ended without an answer.
    cut: AtomicUsize,
    /// Answers that the server had kept: their first copy was lost on the way.
    replayed: AtomicUsize,
}

#[tokio::test]
async fn acknowledged_posts_survive() {
    story(None).await;
    story(Some(testkit::postgres_url().await)).await;
}

async fn story(database_url: Option<String>) {
    let mut server = Server::new(database_url, &UNHINDERED);
    let first = server.start().await;
    let members = join_all((0..CLIENTS).map(|n| {
        let server = &server;
        async move { server.member(&format!("member{n}")).await }
    }))
    .await;
    let (burst, began) = (Burst::default(), Instant::now());
    let clients = members
        .iter()
        .enumerate()
        .map(|(n, member)| client(n, member, &burst));
    let (acknowledged, starts) =
        tokio::join!(join_all(clients.collect::<Vec<_>>()), reaper(&mut server, &burst));
    let (took, database) = (began.elapsed(), server.database().await);
    println!(
        "{}: {POSTS} posts in {took:.1?} through {KILLS} kills; {} requests cut, {} answers replayed; first start \
         {first:.0?}, restarts at most {:.0?}: {starts:.0?}",
        database.engine_name(),
        burst.cut.load(SeqCst),
        burst.replayed.load(SeqCst),
        starts.iter().max().unwrap(),
    );
    assert!(
        burst.cut.load(SeqCst) > 0,
        "no kill hit a request: the burst proves nothing"
    );
    assert!(
        starts.iter().all(|start| *start < Duration::from_secs(5)),
        "a restart took too long: {starts:?}"
    );

    // By the API: each member's posts are those acknowledged, by id and body, each once.
    for (member, acknowledged) in members.iter().zip(&acknowledged) {
        let seen = member.posts().await;
        let unique: BTreeMap<_, _> = seen.iter().map(|(id, body)| (body.clone(), id.clone())).collect();
        assert_eq!(unique.len(), seen.len(), "a post is there twice");
        assert_eq!(
            &unique, acknowledged,
            "what is there is not what was acknowledged"
        );
    }
    // By the database: a post, its kept answer and its signal stand or fall together.
    let counts = [
        "SELECT /* every community */ count(*) FROM post",
        "SELECT count(*) FROM idempotency_key",
        "SELECT /* every community */ count(*) FROM signal WHERE kind = 'post_created'",
    ];
    for sql in counts {
        assert_eq!(count(&database, sql).await, POSTS as i64, "{sql}");
    }
    // The consumer catches up with all that was announced before and between the kills.
    let sql = database.pick(
        "SELECT /* every community */ count(*) FROM signal s, signal_consumer c WHERE s.id > c.signal_id",
        "SELECT /* every community */ count(*) FROM signal s, signal_consumer c
         WHERE (s.xid::text::bigint, s.id) > (c.xid, c.signal_id)",
    );
    let give_up = Instant::now() + Duration::from_secs(15);
    while count(&database, sql).await > 0 {
        assert!(
            Instant::now() < give_up,
            "{} signals are not consumed",
            count(&database, sql).await
        );
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    if database.engine_name() == "sqlite" {
        let health: Option<String> = database
            .one("PRAGMA integrity_check", vec![], |row| row.get(0))
            .await
            .unwrap();
        assert_eq!(health.as_deref(), Some("ok"));
    }
    database.close().await;
    let (status, _) = server.terminate().await;
    assert!(status.success(), "{status}: {}", server.log());
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

async fn count(database: &db::Db, sql: &'static str) -> i64 {
    database
        .one(sql, vec![], |row| row.get(0))
        .await
        .expect("the database answers")
        .unwrap_or(0)
}

/// Publishes its share, repeating each post with the same key until it is acknowledged. Gives bodies with ids.
async fn client(n: usize, member: &Member, burst: &Burst) -> BTreeMap<String, String> {
    let mut acknowledged = BTreeMap::new();
    for post in 0..POSTS / CLIENTS {
        let (body, key) = (format!("post {post} of client {n}"), format!("key-{n}-{post}"));
        let give_up = Instant::now() + Duration::from_secs(30);
        let heard = loop {
            assert!(Instant::now() < give_up, "{body} is never acknowledged");
            match member.publish(&body, &key).await {
                Ok(heard) if heard.status == 201 => break heard,
                // Before the death of a connection is known to PostgreSQL, and while it starts.
                Ok(heard) if heard.status == 503 || heard.body["code"] == "in_flight" => {}
                Ok(heard) => panic!("{body}: {heard:?}"),
                Err(error) if error.is_connect() => {}
                Err(_) => drop(burst.cut.fetch_add(1, SeqCst)),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        if heard.header("idempotent-replayed") == "true" {
            burst.replayed.fetch_add(1, SeqCst);
        }
        assert_eq!(heard.body["body"], body.as_str());
        acknowledged.insert(body, heard.body["id"].as_str().expect("an id").to_owned());
        burst.acknowledged.fetch_add(1, SeqCst);
    }
    acknowledged
}

/// Kills the server each time another part of the burst is through, and starts it again.
async fn reaper(server: &mut Server, burst: &Burst) -> Vec<Duration> {
    let mut starts = vec![];
    for kill in 1..=KILLS {
        let (enough, give_up) = (
            kill * POSTS / (KILLS + 1),
            Instant::now() + Duration::from_secs(30),
        );
        while burst.acknowledged.load(SeqCst) < enough {
            assert!(
                Instant::now() < give_up,
                "the burst does not go on: {}",
                server.log()
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.kill();
        starts.push(server.start().await);
    }
    starts
}

#[tokio::test]
async fn a_clean_start_logs_no_warning() {
    let mut server = Server::new(None, &[]);
    let (mut starts, mut stops) = (vec![], vec![]);
    for _ in 0..10 {
        starts.push(server.start().await);
        let (status, took) = server.terminate().await;
        assert_eq!(status.code(), Some(0), "{}", server.log());
        stops.push(took);
    }
    println!("ten clean starts: to the first answer {starts:.0?}; SIGTERM to the end {stops:.0?}");
    let log = server.log();
    assert!(
        log.contains("stopped"),
        "nothing is logged, so nothing is proved: {log}"
    );
    for word in ["WARN", "ERROR", "panicked"] {
        assert!(!log.contains(word), "{log}");
    }
}

/// Two nodes, one of them killed: nobody who was on it is taken to be there any more.
#[tokio::test]
async fn a_killed_node_leaves_no_ghosts() {
    let redis = redistemp::Server::start().unwrap();
    let (database, redis_url) = (testkit::postgres_url().await, redis.url());
    let mut environment = UNHINDERED.to_vec();
    environment.push(("REDIS_URL", &redis_url));
    // One issuer, whatever the port: a token of one node counts on the other.
    environment.push(("MUNDO_SERVER_PUBLIC_URL", "http://127.0.0.1:5000"));
    let mut stays = Server::new(Some(database.clone()), &environment);
    let mut dies = Server::new(Some(database), &environment);
    stays.start().await;
    let keys = dies.data().join("keys");
    std::fs::create_dir_all(&keys).unwrap();
    for key in std::fs::read_dir(stays.data().join("keys")).unwrap() {
        let key = key.unwrap();
        std::fs::copy(key.path(), keys.join(key.file_name())).unwrap();
    }
    dies.start().await;
    let (ana, bruno) = (stays.member("ana").await, stays.member("bruno").await);
    let everybody = serde_json::json!({"visibility": "everybody"});
    let chosen = ana
        .request(reqwest::Method::PATCH, "/me/presence")
        .json(&everybody);
    assert_eq!(chosen.send().await.unwrap().status(), 200);
    let me = ana.get("/me").await.unwrap().body;
    let path = format!("/members/{}/presence", me["id"].as_str().unwrap());
    let status = async |wanted: &str| {
        testkit::eventually(async || (bruno.get(&path).await.ok()?.body["status"] == wanted).then_some(()))
            .await;
    };
    let client = testkit::SocketClient::connect(&dies.url, serde_json::json!({"token": ana.token})).await;
    status("online").await;
    dies.kill();
    let killed = Instant::now();
    status("offline").await;
    println!(
        "a killed node's member was offline after {:.1?}",
        killed.elapsed()
    );
    assert!(killed.elapsed() < Duration::from_secs(15));
    drop(client);
}
