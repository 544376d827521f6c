//! What a storm of log-ins does to those who read the feed: rounds of calm and
//! of storm in turn, against a server that runs on the data of `mundo seed bench`.
//!
//! ```sh
//! MUNDO_LIMITS=off mundo serve --data DIR --port 5000
//! cargo run --release -p server --example log_in_storm -- http://127.0.0.1:5000
//! ```
//!
//! Arguments: the address; rounds (5); readers (20); milliseconds between two
//! reads of one reader (50, 0: without a pause); log-ins at once (50).
//! It prints, for calm and storm, how long a reader waited for the feed, and how
//! long the storm took. A late read counts from when it was due.

use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ROUND: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Reader {
    http: reqwest::Client,
    feed: String,
    token: String,
    pause: Duration,
}

impl Reader {
    /// Reads until the round is over; how long each read took.
    async fn reads(self, offset: Duration) -> Vec<Duration> {
        let (began, mut times, mut due) = (Instant::now(), vec![], offset);
        while began.elapsed() < ROUND {
            tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
            let asked = if self.pause.is_zero() {
                began.elapsed()
            } else {
                due
            };
            let answer = self.http.get(&self.feed).bearer_auth(&self.token).send().await;
            let answer = answer.expect("the server answers");
            assert_eq!(answer.status(), 200);
            answer.bytes().await.expect("the feed arrives");
            times.push(began.elapsed().saturating_sub(asked));
            due += self.pause;
        }
        times
    }
}

#[tokio::main]
async fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let url = given.first().expect("the address of a server").clone();
    let number = |place: usize, usual: u64| {
        given
            .get(place)
            .map_or(usual, |text| text.parse().expect("a number"))
    };
    let (rounds, count) = (number(1, 5), number(2, 20));
    let (pause, at_once) = (Duration::from_millis(number(3, 50)), number(4, 50));
    let http = reqwest::Client::new();
    let log_in = async |n: u64, password: &str| {
        let credentials = json!({"email": format!("user{n}@example.test"), "password": password});
        let answer = http
            .post(format!("{url}/api/v1/auth/login"))
            .json(&credentials)
            .send()
            .await;
        answer.expect("the server answers")
    };
    let mut readers = vec![];
    for n in 1..=count {
        let session: Value = log_in(n, "bench-password-1").await.json().await.expect("JSON");
        let token = session["access_token"].as_str().expect("the account is there");
        readers.push(Reader {
            http: http.clone(),
            feed: format!("{url}/api/v1/feed?limit=20"),
            token: token.to_owned(),
            pause,
        });
    }
    let read = async || {
        let all = readers.iter().cloned().zip(0_u32..);
        let all = all.map(|(reader, n)| reader.reads(pause * n / count as u32));
        join_all(all).await.concat()
    };
    let (mut calm, mut stormy, mut storms) = (vec![], vec![], vec![]);
    read().await;
    for round in 0..rounds {
        calm.extend(read().await);
        let storm = async {
            tokio::time::sleep(ROUND / 10).await;
            let began = Instant::now();
            // Half of them with a wrong password: both cost a hash.
            let all = (0..at_once).map(|n| {
                let password = if n % 2 == 0 {
                    "bench-password-1"
                } else {
                    "not the password"
                };
                log_in(1000 + round * at_once + n, password)
            });
            for answer in join_all(all).await {
                assert!(
                    [200, 401].contains(&answer.status().as_u16()),
                    "{}",
                    answer.status()
                );
            }
            began.elapsed()
        };
        let (times, storm) = tokio::join!(read(), storm);
        stormy.extend(times);
        storms.push(storm);
    }
    storms.sort();
    println!("{count} readers, {pause:?} between reads, {rounds} rounds of {ROUND:?}");
    let calm = told("calm ", &mut calm);
    let storm = told("storm", &mut stormy);
    println!(
        "p99 {:.2} times as long; {at_once} log-ins took {:?} at the median",
        storm / calm,
        storms[storms.len() / 2]
    );
}

/// Prints the figures and gives the p99.
fn told(name: &str, times: &mut [Duration]) -> f64 {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    println!(
        "{name}: {} reads, p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, the longest {:.1} ms",
        times.len(),
        at(0.5),
        at(0.95),
        at(0.99),
        at(1.0)
    );
    at(0.99)
}
