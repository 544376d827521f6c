//! How many durable messages a node takes, and how long a speaker waits for the commit.
//!
//! ```sh
//! cargo run --release -p realtime --example streams -- [SPEAKERS] [SECONDS] [LISTENERS]
//! ```
//!
//! SPEAKERS tasks write into ten halls through `streams::submit`, as the handler of a message does,
//! each after the answer to the one before; on SQLite, then on a PostgreSQL of its own. LISTENERS
//! sockets of this process hear all that is said in the first hall: the processor time for a
//! delivery is that of the server and of the client that reads it, together.

#[path = "../tests/it/hall.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod hall;

use hall::{app, connect, hall as hall_number};
use realtime::{Realtime, streams};
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::{TestApp, postgres_url};

const HALLS: u128 = 10;

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .map(|text| text.parse::<u64>().expect("a number"));
    let speakers = numbers.next().unwrap_or(200) as usize;
    let time = Duration::from_secs(numbers.next().unwrap_or(10));
    let listeners = numbers.next().unwrap_or(0) as usize;
    for url in [None, Some(postgres_url().await)] {
        let app = app(url, &[]).await;
        measure(&app, speakers, time, listeners).await;
        app.end().await;
    }
}

async fn measure(app: &TestApp, speakers: usize, time: Duration, listeners: usize) {
    let ana = app.user("Ana").await;
    let mut ears = vec![];
    for _ in 0..listeners {
        let client = connect(app, &ana).await;
        let room = json!({"room": hall_number(0).to_string()});
        client.accepted("room:join", room).await;
        ears.push(client);
    }
    let member = accounts::MemberId(ana.id.parse().expect("an id"));
    let (began, cpu) = (Instant::now(), cpu_time());
    let speaking = (0..speakers).map(|speaker| {
        let state = app.app.clone();
        #[expect(clippy::disallowed_methods, reason = "a measurement, ended by itself")]
        tokio::spawn(async move {
            let (mut waits, mut said) = (vec![], 0);
            while began.elapsed() < time {
                let stream = hall_number(u128::from(speaker as u64) % HALLS);
                let item = hall::words(
                    &state,
                    member,
                    format!("message {said} of {speaker}"),
                    Some(format!("{speaker}-{said}")),
                );
                let asked = Instant::now();
                let written = streams::submit::<hall::Spoken>(&state, stream, item).await;
                written.expect("it is written");
                waits.push(asked.elapsed());
                said += 1;
            }
            waits
        })
    });
    let speaking: Vec<_> = speaking.collect();
    let mut waits = vec![];
    for one in speaking {
        waits.extend(one.await.expect("a speaker does not fail"));
    }
    let took = began.elapsed();
    let figures = Realtime::of(&app.app).figures();
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    println!(
        "{}: {speakers} speakers in {HALLS} halls: {:.0} messages/s, acknowledged after {:.1?} (p50), {:.1?} (p99), {:.1?} at most",
        app.app.db.engine_name(),
        waits.len() as f64 / took.as_secs_f64(),
        at(0.5),
        at(0.99),
        at(1.0),
    );
    let used = cpu_time().saturating_sub(cpu);
    println!(
        "    {:.1} us of this process's processor time for a message; {} deliveries to {listeners} listeners; load {}",
        used.as_secs_f64() * 1e6 / waits.len() as f64,
        figures.delivered.get(),
        std::fs::read_to_string("/proc/loadavg")
            .unwrap_or_default()
            .trim(),
    );
}

/// The processor time of this process so far.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}
