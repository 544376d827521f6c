//! Passwords as a weapon against the server, and against their own member.

use super::form;
use crate::{app_with, each_db};
use serde_json::{Value, json};
use std::time::Instant;
use testkit::TestApp;

fn registration(name: &str, password: &Value) -> Value {
    let mut form = form(name);
    form["password"] = password.clone();
    form
}

async fn log_in(app: &TestApp, name: &str, password: &str) -> testkit::Answer {
    let credentials = json!({"email": format!("{name}@example.test"), "password": password});
    app.post("/api/v1/auth/login", credentials).await
}

#[tokio::test]
async fn a_password_too_long_is_refused_before_it_is_hashed() {
    // One hash takes seconds here: whoever is answered sooner was not hashed.
    let app = app_with(&[
        ("accounts.argon2_memory_kib", "65536"),
        ("accounts.argon2_passes", "40"),
    ])
    .await;
    let began = Instant::now();
    log_in(&app, "ana", "wrong horse")
        .await
        .refused(401, "wrong_credentials");
    let one_hash = began.elapsed();
    let began = Instant::now();
    for (length, status, code) in [
        (129, 422, "invalid"),
        (200_000, 422, "invalid"),
        (1_000_000, 413, "too_large"),
        (5_000_000, 413, "too_large"),
    ] {
        let long = json!("x".repeat(length));
        for path in ["register", "login"] {
            let mut body = registration("ana", &long);
            if path == "login" {
                body = json!({"email": "ana@example.test", "password": long});
            }
            app.post(&format!("/api/v1/auth/{path}"), body)
                .await
                .refused(status, code);
        }
    }
    assert!(
        began.elapsed() < one_hash,
        "{:?} for eight refusals, {one_hash:?} for one hash",
        began.elapsed()
    );
    app.end().await;
}

#[tokio::test]
async fn a_password_is_compared_to_the_last_character() {
    each_db(async |app| {
        let phrase = "ñandú 💃 ".repeat(12);
        assert!(phrase.len() > 72 && phrase.chars().count() <= 128);
        app.post("/api/v1/auth/register", registration("ana", &json!(phrase)))
            .await
            .expect(201);
        let mut first_bytes = String::new();
        for letter in phrase.chars() {
            if first_bytes.len() + letter.len_utf8() > 72 {
                break;
            }
            first_bytes.push(letter);
        }
        for other in [
            first_bytes.as_str(),
            phrase.trim_end(),
            &phrase.to_uppercase(),
            &format!("{phrase}x"),
        ] {
            log_in(app, "ana", other).await.refused(401, "wrong_credentials");
        }
        log_in(app, "ana", &phrase).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn lengths_are_taken_at_their_bounds() {
    each_db(async |app| {
        let words = "milonga del angel en la calle corrientes con bandoneon y violin ";
        for (length, good) in [(7, false), (8, true), (64, true), (128, true), (129, false)] {
            let password: String = words.repeat(3).chars().skip(3).take(length).collect();
            let name = format!("member{length}");
            let answer = app
                .post("/api/v1/auth/register", registration(&name, &json!(password)))
                .await;
            if good {
                answer.expect(201);
            } else {
                let refused = answer.refused(422, "invalid");
                assert_eq!(refused["errors"][0]["pointer"], "/password");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_credential_of_another_type_is_a_refusal() {
    let app = app_with(&[]).await;
    app.user("Ana").await;
    for odd in [
        json!(null),
        json!(5),
        json!(true),
        json!([]),
        json!(["correct horse"]),
        json!({"$ne": ""}),
    ] {
        for field in ["email", "password"] {
            let mut body = json!({"email": "ana@example.test", "password": "correct horse"});
            body[field] = odd.clone();
            app.post("/api/v1/auth/login", body).await.refused(422, "invalid");
        }
        if !odd.is_null() {
            app.post("/api/v1/auth/refresh", json!({"refresh_token": odd}))
                .await
                .refused(422, "invalid");
        }
    }
    app.end().await;
}
