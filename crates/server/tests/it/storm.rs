//! A server dies with a thousand stock clients on it: they are back, and have heard everything,
//! within three seconds of its return.

use crate::{
    foreign::{node, root},
    loss::{make_rooms, stream},
    support::{Server, UNHINDERED, program},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    process::Stdio,
    time::{Duration, Instant},
};
use testkit::SocketClient;
use tokio::sync::mpsc;

const CLIENTS: usize = 1_000;
const MEMBERS: usize = 50;

/// From the server's first answer until the last client has caught up. A build for development
/// takes several times as much of the processor, and shares it with the rest of the tests.
fn back_within() -> Duration {
    Duration::from_secs(if program().1 { 3 } else { 30 })
}

async fn story(options: Value, outage: Duration) {
    let mut server = Server::new(None, &UNHINDERED);
    server.start().await;
    let members = join_all((0..MEMBERS).map(|n| {
        let server = &server;
        async move { server.member(&format!("dancer{n}")).await }
    }))
    .await;
    make_rooms(&server).await;
    let tokens: Vec<_> = members.iter().map(|member| &member.token).collect();
    let context = json!({"tokens": tokens, "room": stream(0), "count": CLIENTS, "options": options});
    let mut clients = node()
        .arg(root().join("crates/server/tests/node/storm.mjs"))
        .args([&server.url, &context.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("Node starts; `make test` installs it");
    let mut say = clients.stdin.take().unwrap();
    let (tell, mut hear) = mpsc::unbounded_channel();
    let lines = BufReader::new(clients.stdout.take().unwrap()).lines();
    let listening = std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let _ = tell.send(line);
        }
    });
    assert_eq!(hear.recv().await.as_deref(), Some("ready"));

    let speaker = SocketClient::connect(&server.url, json!({"token": members[0].token})).await;
    let words = json!({"room": stream(0), "body": "before"});
    speaker.accepted("message:send", words).await;
    server.kill();
    tokio::time::sleep(outage).await;
    let answers_after = server.start().await;
    say.write_all(b"back\n").unwrap();
    let back = Instant::now();
    // Most of them miss this one.
    let speaker = SocketClient::connect(&server.url, json!({"token": members[0].token})).await;
    let words = json!({"room": stream(0), "body": "we are back"});
    speaker.accepted("message:send", words).await;
    let report = hear.recv().await;
    let report = report.unwrap_or_else(|| panic!("the clients gave up: {}", server.log()));
    let (took, cpu) = (back.elapsed(), cpu_time(server.pid()));
    println!("{CLIENTS} stock clients, {options}, after {outage:?} without a server: {report}");
    println!("    it answered again after {answers_after:.0?} and used {cpu:.1?} of processor time");
    assert!(took < back_within(), "{took:?}: {report}");
    assert!(clients.wait().unwrap().success());
    listening.join().unwrap();
    server.terminate().await;
}

/// The processor time of a process so far.
fn cpu_time(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("Linux tells");
    let fields = stat.rsplit(')').next().unwrap().split_whitespace();
    let ticks = fields.skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

#[tokio::test]
async fn a_thousand_clients_come_back_and_have_heard_everything() {
    story(
        json!({"reconnectionDelay": 200, "reconnectionDelayMax": 1000}),
        Duration::from_millis(700),
    )
    .await;
}

#[tokio::test]
async fn stock_options_are_enough_when_the_outage_is_short() {
    story(json!({}), Duration::from_millis(100)).await;
}
