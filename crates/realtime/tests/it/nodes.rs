//! Two nodes on one database: whoever writes where, everybody hears it once and in order, with
//! Redis and without.

use crate::hall::{app, connect, hall, hide, say};
use futures_util::future::join_all;
use realtime::Realtime;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{SocketClient, TestApp, eventually, postgres_url};

/// Less than the time between two looks at the heads.
const AT_ONCE: Duration = Duration::from_millis(1_500);

pub async fn two_nodes(redis: &str) -> (TestApp, TestApp) {
    let url = postgres_url().await;
    let first = app(Some(url.clone()), &[("cluster.redis_url", redis)]).await;
    let folder = first.app.config.data.dir.display().to_string();
    let second = app(Some(url), &[("cluster.redis_url", redis), ("data.dir", &folder)]).await;
    // Clocks that stand still at the same moment would give both the same ids.
    second.clock.advance(Duration::from_millis(1));
    (first, second)
}

pub async fn linked(node: &TestApp, wanted: bool) {
    eventually(async || (Realtime::of(&node.app).nodes_linked() == Some(wanted)).then_some(())).await;
}

/// The numbers of the next pushes, which must be without gap.
async fn hears_all(client: &mut SocketClient, from: i64, to: i64) {
    for seq in from..=to {
        assert_eq!(client.hears("hall:said").await["seq"], seq);
    }
}

#[tokio::test]
async fn what_is_said_on_one_node_is_heard_on_the_other() {
    let mut redis = redistemp::Server::start().unwrap();
    let (here, there) = two_nodes(&redis.url()).await;
    linked(&here, true).await;
    linked(&there, true).await;
    let (ana, bruno) = (here.user("Ana").await, here.user("Bruno").await);
    let (mut speaker, mut listener) = (connect(&here, &ana).await, connect(&there, &bruno).await);
    let room = hall(1).to_string();
    for client in [&speaker, &listener] {
        client.accepted("room:join", json!({"room": room})).await;
    }
    let began = Instant::now();
    say(&speaker, hall(1), "by news").await;
    hears_all(&mut listener, 1, 1).await;
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    let filled = || Realtime::of(&there.app).figures().filled.get();
    assert_eq!(filled(), 1, "a node reads in the log what another wrote");

    speaker
        .accepted("hall:wave", json!({"hall": room, "turn": 1}))
        .await;
    assert_eq!(listener.hears("hall:wave").await["turn"], 1);

    // Both at once, in one hall.
    let words = |n: i64| json!({"hall": room, "body": format!("word {n}")});
    let saying = (0..100).map(|n| {
        let client = if n % 2 == 0 { &speaker } else { &listener };
        client.accepted("hall:say", words(n))
    });
    join_all(saying).await;
    hears_all(&mut speaker, 1, 101).await;
    hears_all(&mut listener, 2, 101).await;

    redis.stop();
    linked(&here, false).await;
    linked(&there, false).await;
    say(&speaker, hall(1), "in the log alone").await;
    hears_all(&mut listener, 102, 102).await;

    redis.resume().unwrap();
    linked(&here, true).await;
    linked(&there, true).await;
    let began = Instant::now();
    say(&speaker, hall(1), "by news again").await;
    hears_all(&mut listener, 103, 103).await;
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    for node in [&here, &there] {
        assert_eq!(Realtime::of(&node.app).node_outages(), 1);
    }

    // Whom Bruno must not see, he does not see on the other node either.
    hide(&here, &ana, &bruno).await;
    eventually(async || {
        speaker
            .accepted("hall:wave", json!({"hall": room, "turn": 2}))
            .await;
        say(&speaker, hall(1), "hidden?").await;
        (listener.next().await?.event == "stream:skip").then_some(())
    })
    .await;
    redis.freeze();
    let began = Instant::now();
    let answer = speaker
        .call(
            "hall:say",
            json!({"hall": room, "body": "nobody waits for Redis"}),
        )
        .await;
    assert_eq!(answer["ok"], true);
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    linked(&here, false).await;
    redis.thaw();
    there.end().await;
    here.end().await;
}

#[tokio::test]
async fn who_comes_back_elsewhere_misses_nothing() {
    let redis = redistemp::Server::start().unwrap();
    let (here, there) = two_nodes(&redis.url()).await;
    let (ana, bruno) = (here.user("Ana").await, here.user("Bruno").await);
    let speaker = connect(&here, &ana).await;
    let room = hall(1).to_string();
    let mut heard = 0_i64;
    for round in 0..10 {
        let auth = json!({"token": bruno.token, "resume": {&room: heard}});
        let node = if round % 2 == 0 { &there } else { &here };
        let (mut listener, _) = tokio::join!(
            SocketClient::connect(&node.url, auth),
            join_all((0..7).map(|_| say(&speaker, hall(1), "while he connects"))),
        );
        let wanted = (round + 1) * 7 - round % 3;
        while heard < wanted {
            let push = listener.next().await.unwrap();
            let pushes: Vec<Value> = match push.event.as_str() {
                "room:joined" => {
                    let missed = push.data["missed"].as_array().cloned().unwrap_or_default();
                    missed.into_iter().map(|missed| missed["data"].clone()).collect()
                }
                "hall:said" => vec![push.data],
                other => panic!("{other}"),
            };
            for push in pushes.iter().filter(|push| push["seq"].is_i64()) {
                assert_eq!(push["seq"], heard + 1, "round {round}");
                heard += 1;
            }
        }
    }
    there.end().await;
    here.end().await;
}
