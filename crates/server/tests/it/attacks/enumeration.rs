//! Finding out who has an account: by what is said, and by how long it takes.

use super::form;
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

/// The chance that one answer took longer than another, each asked about `SAMPLES` times.
///
/// Interleaved, and each first as often: what the machine does meanwhile hits both.
pub async fn separation_of(ask: impl AsyncFn(bool, usize) -> Answer) -> f64 {
    let (mut known, mut unknown) = (vec![], vec![]);
    for n in 0..SAMPLES {
        for turn in 0..2 {
            let is_known = (n + turn) % 2 == 0;
            let began = Instant::now();
            ask(is_known, n).await;
            let times = if is_known { &mut known } else { &mut unknown };
            times.push(began.elapsed().as_micros());
        }
    }
    separation(&known, &unknown)
}

#[track_caller]
pub fn tells_nothing(separation: f64) {
    assert!((0.35..=0.65).contains(&separation), "{separation:.2}");
}

/// Ten members, who share the attention as ten strangers do.
async fn with_members(app: &TestApp) {
    for n in 0..10 {
        app.post("/api/v1/auth/register", form(&format!("known{n}")))
            .await
            .expect(201);
    }
}

fn name(is_known: bool, n: usize) -> String {
    format!("{}{}", if is_known { "known" } else { "other" }, n % 10)
}

#[tokio::test]
async fn a_log_in_takes_as_long_for_members_as_for_strangers() {
    // Hashed at less than half of production's cost nothing shows. Hashed hundreds of times too
    // cheaply, finding a row and not finding one differ by microseconds; a statement more would
    // stand out by far.
    for (memory_kib, passes, bound) in [("8192", "1", 0.65), ("64", "1", 0.85)] {
        let costs = [
            ("accounts.argon2_memory_kib", memory_kib),
            ("accounts.argon2_passes", passes),
        ];
        for url in [None, Some(testkit::postgres_url().await)] {
            let app = TestApp::start(&crate::server, url, &costs).await;
            with_members(&app).await;
            let separation = separation_of(async |is_known, n| {
                let answer = log_in(&app, &name(is_known, n)).await;
                assert_eq!(answer.status, 401);
                answer
            })
            .await;
            println!(
                "{} at {memory_kib} KiB: {separation:.2}",
                app.app.db.engine_name()
            );
            assert!((1.0 - bound..=bound).contains(&separation), "{separation:.2}");
            app.end().await;
        }
    }
}

#[tokio::test]
async fn a_registration_that_fails_says_nothing_of_the_address_in_words_or_time() {
    each_db(async |app| {
        with_members(app).await;
        let ask = async |name: &str, change: fn(&mut Value)| {
            let mut form = form(name);
            form["username"] = json!("free_name");
            change(&mut form);
            app.post("/api/v1/auth/register", form).await
        };
        let faults: [fn(&mut Value); 3] = [
            |form| form["password"] = json!("password1"),
            |form| form["password"] = json!("short"),
            |form| form["username"] = json!("known0"),
        ];
        for fault in faults {
            let (taken, free) = (ask("known3", fault).await, ask("other3", fault).await);
            assert_eq!(said(&taken), said(&free));
            assert_ne!(taken.status, 201);
            let separation = separation_of(async |is_known, n| ask(&name(is_known, n), fault).await).await;
            println!("{}: {separation:.2}", app.app.db.engine_name());
            tells_nothing(separation);
        }
        ask("known3", |_| ()).await.refused(409, "email_taken");
        ask("other3", |_| ()).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn moving_from_address_to_address_is_no_way_to_ask_about_many() {
    let app = app_with(&[("limits.enabled", "on")]).await;
    let (ana, _) = (app.user("Ana").await, app.user("Bruno").await);
    let ask = |email: &str| ana.post("/auth/email", json!({"email": email}));
    for n in 0..4 {
        ask(&format!("ana{n}@example.test")).await.expect(200);
    }
    ask("bruno@example.test").await.refused(409, "email_taken");
    ask("bruno@example.test").await.refused(429, "rate_limited");
    ask("nobody@example.test").await.refused(429, "rate_limited");
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
