//! How fast members are answered in a large community: a hundred of them, five
//! hundred requests a second in all, on the data of `mundo seed load`.
//!
//! ```sh
//! export DATABASE_URL=postgres://… MUNDO_LIMITS=off
//! mundo seed load --data DIR && mundo serve --data DIR --port 5000
//! cargo run --release -p server --example community_load -- http://127.0.0.1:5000
//! ```
//!
//! Arguments: the address; seconds (30); requests a second (500); members (100).
//! It prints, for each kind of request, how long an answer took, counted from when
//! the request was due, so that a server which falls behind cannot hide it.

use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// What is asked, and how often of a hundred times.
const KINDS: [(&str, u32); 5] = [
    ("feed", 35),
    ("profile", 20),
    ("search", 15),
    ("group feed", 15),
    ("notifications", 15),
];

struct Member {
    http: reqwest::Client,
    url: String,
    token: String,
    groups: Vec<String>,
    number: u64,
}

impl Member {
    fn path(&self, kind: &str, turn: u64) -> String {
        let chance = self.number.wrapping_mul(0x9e37_79b9).wrapping_add(turn * 7919);
        match kind {
            "feed" => "/feed?limit=20".to_owned(),
            "profile" => format!("/members/user{}", 1 + chance % 100_000),
            "search" => ["milonga", "tango", "user1234", "group 17"]
                .map(|words| format!("/search?q={}", words.replace(' ', "%20")))[chance as usize % 4]
                .clone(),
            "group feed" => {
                let group = &self.groups[chance as usize % self.groups.len()];
                format!("/groups/{group}/posts?limit=20")
            }
            _ => "/notifications?limit=20".to_owned(),
        }
    }

    /// Asks at even distances until the time is over.
    async fn asks(self, first: Duration, pause: Duration, time: Duration) -> Vec<(&'static str, Duration)> {
        let (began, mut due, mut times) = (Instant::now(), first, vec![]);
        for turn in 0.. {
            if due > time {
                break;
            }
            tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
            let dice = (self.number * 31 + turn * 17) as u32 % 100;
            let mut until = 0;
            let kind = KINDS.iter().find(|(_, share)| {
                until += share;
                dice < until
            });
            let kind = kind.expect("the shares make a hundred").0;
            let address = format!("{}/api/v1{}", self.url, self.path(kind, turn));
            let answer = self.http.get(&address).bearer_auth(&self.token).send().await;
            let answer = answer.expect("the server answers");
            assert_eq!(answer.status(), 200, "{address}");
            answer.bytes().await.expect("the answer arrives");
            times.push((kind, began.elapsed().saturating_sub(due)));
            due += pause;
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
    let (seconds, rate, count) = (number(1, 30), number(2, 500), number(3, 100));
    let http = reqwest::Client::new();
    let mut members: Vec<Member> = vec![];
    for n in 1..=count {
        let credentials = json!({"email": format!("user{n}@example.test"), "password": "bench-password-1"});
        let request = http.post(format!("{url}/api/v1/auth/login")).json(&credentials);
        let session: Value = request
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        let token = session["access_token"]
            .as_str()
            .expect("the account is there")
            .to_owned();
        let groups = match members.first() {
            Some(first) => first.groups.clone(),
            None => groups(&http, &url, &token).await,
        };
        let (http, url) = (http.clone(), url.clone());
        members.push(Member {
            http,
            url,
            token,
            groups,
            number: n,
        });
    }
    let (time, pause) = (
        Duration::from_secs(seconds),
        Duration::from_secs_f64(count as f64 / rate as f64),
    );
    let asking = members
        .into_iter()
        .zip(0_u32..)
        .map(|(member, n)| member.asks(pause * n / count as u32, pause, time));
    let mut times: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for (kind, took) in join_all(asking).await.concat() {
        times.entry(kind).or_default().push(took);
    }
    println!("{count} members, {rate} requests a second, {seconds} s");
    for (kind, mut times) in times {
        times.sort();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
        println!(
            "{kind:>14}: {} answers, p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, the longest {:.1} ms",
            times.len(),
            at(0.5),
            at(0.95),
            at(0.99),
            at(1.0)
        );
    }
}

/// The ids of some groups.
async fn groups(http: &reqwest::Client, url: &str, token: &str) -> Vec<String> {
    let request = http
        .get(format!("{url}/api/v1/groups?limit=100"))
        .bearer_auth(token);
    let page: Value = request
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let items = page["items"].as_array().expect("a list");
    items
        .iter()
        .filter_map(|group| Some(group["id"].as_str()?.to_owned()))
        .collect()
}
