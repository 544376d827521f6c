//! Pings and all that ends by the clock, on a clock that the test moves.

use crate::harness::{Client, echoing, ms, pipes, raw};
use socketio::{Reason, Server};
use tokio::{sync::mpsc, time::Instant};
use tokio_tungstenite::tungstenite::Message;

fn times() -> socketio::Builder {
    Server::builder()
        .ping_interval(ms(25_000))
        .ping_timeout(ms(20_000))
}

/// The wheel's grain with these times.
const GRAIN: u64 = 250;

async fn pinged(client: &mut Client) {
    assert_eq!(client.message().await, Some(Message::text("2")));
}

#[track_caller]
fn about(began: Instant, wanted_ms: u64) {
    let elapsed = began.elapsed();
    let late = elapsed.checked_sub(ms(wanted_ms));
    assert!(
        late.is_some_and(|late| late <= ms(2 * GRAIN)),
        "after {elapsed:?}, not {wanted_ms} ms"
    );
}

#[tokio::test(start_paused = true)]
async fn pings_come_after_the_interval_and_pongs_keep_the_connection() {
    let host = pipes(&raw(times()));
    let mut client = host.open_websocket().await;
    for _ in 0..5 {
        let began = Instant::now();
        pinged(&mut client).await;
        about(began, 25_000);
        tokio::time::sleep(ms(19_000)).await;
        client.say("3").await;
        client.say("4here").await;
        assert_eq!(client.message().await, Some(Message::text("4here")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_unanswered_ends_the_connection() {
    let (ended, mut reasons) = mpsc::unbounded_channel();
    let server = echoing(times());
    server.of("/").on_disconnect(move |_, reason| {
        let _ = ended.send(reason);
        async {}
    });
    let host = pipes(&server);
    let (mut client, _) = host.enter().await;
    let began = Instant::now();
    pinged(&mut client).await;
    // Other words are no pong.
    client.say(r#"42["echo"]"#).await;
    client.end().await;
    about(began, 45_000);
    assert_eq!(reasons.recv().await, Some(Reason::PingTimeout));
    assert_eq!(server.counts().open_connections, 0);
}

#[tokio::test(start_paused = true)]
async fn polling_hears_pings_and_ends_on_time() {
    let server = raw(times());
    let host = pipes(&server);
    let session = host.open_polling().await;
    for _ in 0..3 {
        let began = Instant::now();
        assert_eq!(host.get(&session).await.body, "2");
        about(began, 25_000);
        host.post(&session, "3").await;
    }
    tokio::time::sleep(ms(45_000)).await;
    assert_eq!(host.get(&session).await.status, 400, "to the millisecond");
    assert_eq!(server.counts().open_connections, 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_namespace_ends() {
    let server = echoing(times().connect_timeout(ms(5_000)));
    let host = pipes(&server);
    let mut silent = host.open_websocket().await;
    let (mut member, _) = host.enter().await;
    let began = Instant::now();
    silent.end().await;
    about(began, 5_000);
    pinged(&mut member).await;
    about(began, 25_000);
    let counts = server.counts();
    assert!(counts.closed.contains(&(Reason::ConnectTimeout, 1)), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_server_does_not_wake() {
    let server = raw(times());
    let host = pipes(&server);
    let mut client = host.open_websocket().await;
    client.say("1").await;
    client.end().await;
    // The wheel stops once it has found out, within one interval.
    tokio::time::sleep(ms(26_000)).await;
    assert_eq!(
        server.close(ms(0)).await,
        0,
        "no task is left, not the wheel's either"
    );
}
