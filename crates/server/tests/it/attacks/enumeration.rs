//! Finding out who has an account: by what is said, and by how long it takes.

use crate::{app_with, each_db};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::time::Instant;
use testkit::{Answer, TestApp};

const SAMPLES: usize = 200;

async fn log_in(app: &TestApp, name: &str) -> Answer {
    let credentials = json!({"email": format!("{name}@example.test"), "password": "wrong horse"});
    app.post("/api/v1/auth/login", credentials).await
}

/// What an answer says, without what differs each time.
fn said(answer: &Answer) -> (u16, Value, Vec<String>) {
    let mut body: Value = serde_json::from_str(&answer.text).expect("JSON");
    body.as_object_mut().unwrap().remove("request_id");
    (answer.status, body, names(&answer.headers))
}

fn names(headers: &HeaderMap) -> Vec<String> {
    let mut names: Vec<String> = headers.keys().map(ToString::to_string).collect();
    names.sort();
    names
}

/// The chance that one of the first took longer than one of the second:
/// Mann and Whitney's U over the number of pairs. A half tells nothing.
fn separation(first: &[u128], second: &[u128]) -> f64 {
    let mut wins = 0.0;
    for one in first {
        for other in second {
            wins += match one.cmp(other) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    wins / (first.len() * second.len()) as f64
}

#[test]
fn the_measure_itself_can_tell() {
    let (quick, slow): (Vec<u128>, Vec<u128>) = ((0..100).collect(), (60..160).collect());
    assert!(separation(&slow, &quick) > 0.9);
    assert!((separation(&quick, &quick) - 0.5).abs() < 0.01);
}

#[tokio::test]
async fn a_log_in_says_the_same_to_members_and_strangers() {
    each_db(async |app| {
        app.user("Ana").await;
        let (known, unknown) = (log_in(app, "ana").await, log_in(app, "nobody").await);
        assert_eq!(said(&known), said(&unknown));
        known.refused(401, "wrong_credentials");
    })
    .await;
}

#[tokio::test]
async fn a_log_in_takes_as_long_for_members_as_for_strangers() {
    // Hashed at a cost near production's: it is the whole answer's time that must not tell.
    let app = app_with(&[
        ("accounts.argon2_memory_kib", "8192"),
        ("accounts.argon2_passes", "1"),
    ])
    .await;
    app.user("Ana").await;
    let (mut known, mut unknown) = (vec![], vec![]);
    for n in 0..SAMPLES {
        // Interleaved, and each first as often: what the machine does meanwhile hits both.
        for turn in 0..2 {
            let (name, times) = if (n + turn) % 2 == 0 {
                ("ana".to_owned(), &mut known)
            } else {
                (format!("b{n:02}"), &mut unknown)
            };
            let began = Instant::now();
            let answer = log_in(&app, &name).await;
            times.push(began.elapsed().as_micros());
            answer.refused(401, "wrong_credentials");
        }
    }
    let separation = separation(&known, &unknown);
    assert!((0.35..=0.65).contains(&separation), "{separation:.2}");
    app.end().await;
}

#[tokio::test]
async fn others_are_seen_without_their_address_and_their_log_ins() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        for path in [
            "/members?query=ana".to_owned(),
            "/members/ana".to_owned(),
            format!("/members/{}", ana.id),
        ] {
            let seen = bruno.get(&path).await;
            for secret in ["@example.test", "email", "password", "network", "session"] {
                assert!(!seen.text.contains(secret), "{path}: {}", seen.text);
            }
            seen.expect(200);
        }
    })
    .await;
}
