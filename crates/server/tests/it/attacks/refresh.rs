//! Refresh tokens: bent, stolen, old, asked for fifty times at once.

use super::{
    enumeration::{separation_of, tells_nothing},
    polling::Polling,
};
use crate::{app_with, each_db};
use accounts::staff;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};
use testkit::{TestApp, TestUser};

fn token(answer: &Value) -> String {
    answer["refresh_token"].as_str().unwrap().to_owned()
}

impl Owner {
    async fn of(app: &TestApp) -> Owner {
        Owner(app.user("Ana").await)
    }

    /// As the member's own client does, which shows its device.
    async fn rotates(&mut self) -> String {
        let spent = self.0.refresh_token.clone();
        let device = self.0.device_token.clone();
        let session = self.0.refresh(&spent, Some(&device)).await.expect(200);
        self.0 = self.0.with(&session);
        spent
    }
}

struct Owner(TestUser);

#[tokio::test]
async fn fifty_at_once_hear_of_one_successor() {
    race(20).await;
}

#[tokio::test]
#[ignore = "a thousand rounds are for the night"]
async fn fifty_at_once_hear_of_one_successor_a_thousand_times() {
    race(1000).await;
}

async fn race(rounds: usize) {
    each_db(async |app| {
        let mut ana = app.user("Ana").await;
        for round in 0..rounds {
            let all = (0..50).map(|_| patiently(&ana));
            let answers = join_all(all).await;
            let successors: HashSet<String> = answers.iter().map(token).collect();
            assert_eq!(successors.len(), 1, "round {round}");
            assert!(!successors.contains(&ana.refresh_token), "round {round}");
            ana = ana.with(answers.last().unwrap());
            if round % 5 == 0 {
                ana.get("/me").await.expect(200);
            }
        }
        ana.get("/me").await.expect(200);
        println!("{rounds} rounds on {}", app.app.db.engine_name());
        app.take_faults();
    })
    .await;
}

/// A machine that cannot keep up says so, and a client asks again.
async fn patiently(ana: &TestUser) -> Value {
    for _ in 0..5 {
        let answer = ana.refresh(&ana.refresh_token, Some(&ana.device_token)).await;
        if answer.status != 503 {
            return answer.expect(200);
        }
        println!("503 under load");
    }
    panic!("five times 503");
}

#[tokio::test]
async fn a_lost_answer_is_the_same_again() {
    each_db(async |app| {
        let mut owner = Owner::of(app).await;
        let spent = owner.rotates().await;
        for seconds in [1, 30, 3600] {
            app.clock.advance(Duration::from_secs(seconds));
            let again = owner.0.refresh(&spent, Some(&owner.0.device_token)).await;
            assert_eq!(token(&again.expect(200)), owner.0.refresh_token);
        }
    })
    .await;
}

#[tokio::test]
async fn a_bent_token_is_refused_and_costs_nobody_a_session() {
    let app = app_with(&[]).await;
    let ana = app.user("Ana").await;
    for at in 0..ana.refresh_token.len() {
        let mut bent = ana.refresh_token.clone().into_bytes();
        bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
        let bent = String::from_utf8(bent).unwrap();
        ana.refresh(&bent, Some(&ana.device_token))
            .await
            .refused(401, "invalid_token");
    }
    let longer = format!("{}AA", ana.refresh_token);
    for odd in [&ana.refresh_token[1..], &longer, "A", "é"] {
        ana.refresh(odd, None).await.refused(401, "invalid_token");
    }
    ana.refresh(&ana.refresh_token, Some(&ana.device_token))
        .await
        .expect(200);
    app.end().await;
}

#[tokio::test]
async fn a_grandparent_inside_the_grace_is_theft() {
    each_db(async |app| {
        let mut owner = Owner::of(app).await;
        let grandparent = owner.rotates().await;
        owner.rotates().await;
        owner
            .0
            .refresh(&grandparent, Some(&owner.0.device_token))
            .await
            .refused(401, "session_revoked");
        owner.0.get("/me").await.refused(401, "session_revoked");
    })
    .await;
}

#[tokio::test]
async fn a_stolen_token_used_after_confirmation_ends_session_and_sockets_within_a_second() {
    each_db(async |app| {
        let mut owner = Owner::of(app).await;
        let stolen = owner.rotates().await;
        owner.0.get("/me").await.expect(200);
        app.clock.advance(Duration::from_secs(61));
        owner.0.get("/me").await.expect(200);
        let (socket, welcome) = Polling::connect(app, &json!(owner.0.token)).await;
        assert!(welcome.starts_with("40"), "{welcome}");

        let began = Instant::now();
        owner
            .0
            .refresh(&stolen, Some(&owner.0.device_token))
            .await
            .refused(401, "session_revoked");
        let told = socket.hear(&["42[\"session:revoked\"", "41"]).await;
        assert!(told.is_none_or(|packet| packet.contains("session:revoked") || packet == "41"));
        owner.0.get("/me").await.refused(401, "session_revoked");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        owner
            .0
            .refresh(&owner.0.refresh_token, Some(&owner.0.device_token))
            .await
            .refused(401, "session_revoked");
    })
    .await;
}

#[tokio::test]
async fn a_token_without_its_device_or_with_another_rotates_nothing() {
    each_db(async |app| {
        let mut owner = Owner::of(app).await;
        let other = app.user("Bruno").await.device_token;
        owner.rotates().await;
        for device in [None, Some(other.as_str())] {
            owner
                .0
                .refresh(&owner.0.refresh_token, device)
                .await
                .refused(401, "device_required");
        }
        owner.rotates().await;
    })
    .await;
}

#[tokio::test]
async fn who_holds_everything_is_heard_three_times_a_day() {
    each_db(async |app| {
        let mut owner = Owner::of(app).await;
        let stolen = owner.rotates().await;
        owner.0.get("/me").await.expect(200);
        for _ in 0..3 {
            app.clock.advance(Duration::from_secs(11));
            owner
                .0
                .refresh(&stolen, Some(&owner.0.device_token))
                .await
                .expect(200);
        }
        owner
            .0
            .refresh(&stolen, Some(&owner.0.device_token))
            .await
            .refused(401, "reauth_required");
        owner.rotates().await;
        let log = owner.0.get("/me/security-log").await.expect(200);
        let repeats = log["items"].as_array().unwrap().iter();
        assert_eq!(
            repeats.filter(|entry| entry["kind"] == "token_repeated").count(),
            3
        );
    })
    .await;
}

#[tokio::test]
async fn a_log_in_where_repeats_ran_out_ends_what_a_thief_made_of_the_session() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let mut thief = ana.clone();
        for _ in 0..4 {
            let next = thief
                .refresh(&thief.refresh_token, Some(&thief.device_token))
                .await
                .expect(200);
            let spent = thief.refresh_token.clone();
            thief = thief.with(&next);
            thief.get("/me").await.expect(200);
            let owner = ana.refresh(&spent, Some(&ana.device_token)).await;
            if owner.status != 200 {
                owner.refused(401, "reauth_required");
                break;
            }
        }
        thief.get("/me").await.expect(200);
        let credentials = json!({
            "email": "ana@example.test", "password": super::PASSWORD, "device_token": ana.device_token,
        });
        let session = app.post("/api/v1/auth/login", credentials).await.expect(200);
        thief.get("/me").await.refused(401, "session_revoked");
        thief
            .refresh(&thief.refresh_token, Some(&thief.device_token))
            .await
            .refused(401, "session_revoked");
        ana.with(&session).get("/me").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_thief_who_asks_first_and_calls_after_the_owner_is_not_served() {
    each_db(async |app| {
        let owner = Owner::of(app).await;
        let thief = owner
            .0
            .refresh(&owner.0.refresh_token, Some(&owner.0.device_token))
            .await
            .expect(200);
        let thief = owner.0.with(&thief);
        app.clock.advance(Duration::from_secs(30));
        let again = owner
            .0
            .refresh(&owner.0.refresh_token, Some(&owner.0.device_token))
            .await
            .expect(200);
        let owner = owner.0.with(&again);
        owner.get("/me").await.expect(200);
        thief.get("/me").await.refused(401, "unauthenticated");
        owner.get("/me").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn strict_mode_forgives_nothing() {
    let app = app_with(&[("accounts.strict", "on")]).await;
    let mut owner = Owner::of(&app).await;
    let spent = owner.rotates().await;
    owner
        .0
        .refresh(&spent, Some(&owner.0.device_token))
        .await
        .refused(401, "session_revoked");
    owner.0.get("/me").await.refused(401, "session_revoked");
    app.end().await;
}

#[tokio::test]
async fn an_end_is_an_end_however_often_one_rotates() {
    each_db(async |app| {
        let mut owner = Owner::of(app).await;
        for _ in 0..5 {
            app.clock.advance(Duration::from_hours(6 * 24 - 1));
            owner.rotates().await;
        }
        app.clock.advance(Duration::from_hours(24));
        owner
            .0
            .refresh(&owner.0.refresh_token, Some(&owner.0.device_token))
            .await
            .refused(401, "session_expired");
    })
    .await;
}

#[tokio::test]
async fn a_step_up_after_a_lost_answer_logs_nobody_out() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let device = Some(&*ana.device_token);
        // The answer to a refresh is lost, and after it the one to a step-up.
        ana.refresh(&ana.refresh_token, device).await.expect(200);
        app.clock.advance(Duration::from_secs(20));
        ana.post("/auth/reauthenticate", json!({"password": "correct horse"}))
            .await
            .expect(200);
        app.clock.advance(Duration::from_secs(20));
        let back = ana.with(&ana.refresh(&ana.refresh_token, device).await.expect(200));
        back.get("/me").await.expect(200);
        let next = back.refresh(&back.refresh_token, device).await.expect(200);
        back.with(&next).get("/me").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn every_secret_has_128_random_bits_and_none_comes_twice() {
    let app = app_with(&[]).await;
    let bytes = |text: &str| BASE64.decode(text).expect("base64").len();
    let mut secrets = HashSet::new();
    for n in 0..20 {
        let ana = app.user(&format!("Ana{n}")).await;
        // Version, session and generation are no secret; what follows them is.
        assert_eq!(bytes(&ana.refresh_token), 25 + 32);
        assert_eq!(bytes(&ana.device_token), 32);
        let signature = ana.token.rsplit('.').next().unwrap();
        assert_eq!(bytes(signature), 64, "Ed25519");
        let code = staff::first::offer(&app.app)
            .await
            .unwrap()
            .expect("nobody is administrator");
        let letters = code.chars().filter(char::is_ascii_alphanumeric).count();
        assert!(letters * 5 >= 128, "{letters} letters of 32");
        let opened = format!("{}/socket.io/?EIO=4&transport=polling", app.url);
        let opened = app.http.get(opened).send().await.unwrap().text().await.unwrap();
        let opened: Value = serde_json::from_str(&opened[1..]).unwrap();
        let sid = opened["sid"].as_str().unwrap().to_owned();
        assert!(sid.len() * 6 >= 128, "{sid}");
        let mac = ana.refresh_token[34..].to_owned();
        for secret in [mac, ana.device_token, signature.to_owned(), code, sid] {
            assert!(secrets.insert(secret));
        }
    }
    let keys = app.get("/.well-known/jwks.json").await.expect(200);
    for key in keys["keys"].as_array().unwrap() {
        assert_eq!(
            (&key["crv"], bytes(key["x"].as_str().unwrap())),
            (&json!("Ed25519"), 32)
        );
    }
    app.end().await;
}

#[tokio::test]
async fn a_forged_token_takes_as_long_wherever_it_is_wrong() {
    let app = app_with(&[]).await;
    let ana = app.user("Ana").await;
    let forged = |place: usize| {
        let mut bytes = BASE64.decode(&ana.refresh_token).unwrap();
        bytes[place] ^= 1;
        BASE64.encode(bytes)
    };
    let (first, last) = (forged(25), forged(25 + 31));
    let separation = separation_of(async |is_first, _| {
        let token = if is_first { &first } else { &last };
        let answer = ana.refresh(token, Some(&ana.device_token)).await;
        assert_eq!(answer.status, 401);
        answer
    })
    .await;
    tells_nothing(separation);
    ana.refresh(&ana.refresh_token, Some(&ana.device_token))
        .await
        .expect(200);
    app.end().await;
}
