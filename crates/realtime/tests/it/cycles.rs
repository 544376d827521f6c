//! Connections that come and go leave nothing behind.

use crate::hall::{app, hall};
use futures_util::future::join_all;
use realtime::Realtime;
use serde_json::json;
use std::time::Instant;
use testkit::{SocketClient, TestApp, eventually};

const AT_ONCE: usize = 8;
/// By then every buffer has its size.
const WARM_UP: usize = 2_000;
/// A connection that leaks its least part, a task's few hundred bytes, leaves more than this.
const BYTES_EACH: usize = 100;

/// What this process holds, with the clients in it.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

async fn come_and_go(app: &TestApp, tokens: &[String], cycles: usize) {
    let each = (0..AT_ONCE).map(|one| async move {
        for cycle in 0..cycles / AT_ONCE {
            let auth = json!({"token": tokens[one], "resume": {hall(cycle as u128 % 7).to_string(): 0}});
            let client = SocketClient::connect(&app.url, auth).await;
            let other = json!({"room": hall(10 + cycle as u128 % 5).to_string()});
            client.accepted("room:join", other.clone()).await;
            if cycle % 2 == 0 {
                client.accepted("room:leave", other).await;
            }
        }
    });
    join_all(each).await;
    let realtime = Realtime::of(&app.app);
    eventually(async || (realtime.connection_count() == 0).then_some(())).await;
    assert_eq!(realtime.room_count(), 0);
    eventually(async || (realtime.presence_size() == 0).then_some(())).await;
    let counts = realtime.server().counts();
    assert_eq!((counts.open_connections, counts.open_sockets), (0, 0));
}

async fn story(cycles: usize) {
    let app = app(None, &[]).await;
    let mut tokens = vec![];
    for one in 0..AT_ONCE {
        tokens.push(app.user(&format!("Dancer{one}")).await.token);
    }
    come_and_go(&app, &tokens, WARM_UP).await;
    let (began, before) = (Instant::now(), resident_bytes());
    come_and_go(&app, &tokens, cycles - WARM_UP).await;
    let grown = resident_bytes().saturating_sub(before);
    println!(
        "{cycles} cycles: {} KiB after {WARM_UP}, {} KiB more at the end, {:.1?}",
        before / 1024,
        grown / 1024,
        began.elapsed()
    );
    // Pages that the allocator keeps come in lumps.
    let allowed = 1024 * 1024 + (cycles - WARM_UP) * BYTES_EACH;
    assert!(
        grown < allowed,
        "{grown} bytes are left behind by {cycles} cycles"
    );
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_leave_nothing_behind() {
    story(10_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn two_hundred_thousand_connections_leave_nothing_behind() {
    story(200_000).await;
}
