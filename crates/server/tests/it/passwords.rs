//! Passwords: which are taken, how they are kept, and what a storm of log-ins does.

use crate::{app_with, each_db};
use accounts::{MasterKeys, passwords};
use argon2::{Algorithm, Argon2, Params, Version, password_hash::PasswordHasher};
use db::{Executor, params};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, TestApp};

fn form(password: &str) -> Value {
    json!({
        "email": "rosa.quiroga@example.test", "password": password,
        "username": "rosaq", "display_name": "Rosa Quiroga",
    })
}

async fn register(app: &TestApp, password: &str) -> Answer {
    app.post("/api/v1/auth/register", form(password)).await
}

async fn log_in(app: &TestApp, password: &str) -> Answer {
    let credentials = json!({"email": "rosa.quiroga@example.test", "password": password});
    app.post("/api/v1/auth/login", credentials).await
}

#[tokio::test]
async fn common_and_personal_passwords_are_refused_at_their_field() {
    each_db(async |app| {
        for (password, code) in [
            ("password1", "password_too_common"),
            ("MundoTango2026!", "password_too_common"),
            ("rosa.quiroga", "password_too_personal"),
            ("Quiroga1990", "password_too_personal"),
            ("4 of 8", "too_short"),
        ] {
            let problem = register(app, password).await.refused(422, "invalid");
            assert_eq!(problem["errors"][0]["pointer"], "/password");
            assert_eq!(problem["errors"][0]["code"], code, "{password}");
            assert!(!problem.to_string().contains(password), "it is not repeated");
        }
        let long = "á".repeat(129);
        let problem = register(app, &long).await.refused(422, "invalid");
        assert_eq!(problem["errors"][0]["code"], "too_long");
        let rosa = app.user("Rosa").await;
        let change = json!({"current_password": "correct horse", "new_password": "rosarosa1"});
        let problem = rosa.post("/auth/password", change).await.refused(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/new_password");
        assert_eq!(problem["errors"][0]["code"], "password_too_personal");
    })
    .await;
}

#[tokio::test]
async fn a_password_is_kept_as_it_was_typed_to_the_last_character() {
    each_db(async |app| {
        let password = format!(" Ñandú{}🌵 ", "ж".repeat(120));
        assert_eq!(password.chars().count(), 128);
        register(app, &password).await.expect(201);
        log_in(app, &password).await.expect(200);
        for other in [
            password.trim().to_owned(),
            password.to_lowercase(),
            password.replace('ú', "u\u{301}").chars().take(128).collect(),
            password.replace("🌵 ", "🌵\t"),
        ] {
            log_in(app, &other).await.refused(401, "wrong_credentials");
        }
    })
    .await;
}

async fn stored_hash(app: &TestApp) -> String {
    let sql = "SELECT password_hash FROM member WHERE email = $1";
    let hash = app
        .app
        .db
        .one(sql, params!["rosa.quiroga@example.test"], |row| row.get(0));
    hash.await.unwrap().unwrap()
}

#[tokio::test]
async fn hashes_of_former_peppers_and_parameters_are_replaced_at_log_in() {
    each_db(async |app| {
        let password = "ocho cortes y una quebrada";
        register(app, password).await.expect(201);
        let first = stored_hash(app).await;
        assert!(first.starts_with("$argon2id$v=19$m=64,t=1,p=1,keyid="), "{first}");
        log_in(app, password).await.expect(200);
        assert_eq!(stored_hash(app).await, first, "nothing to replace");

        let master = MasterKeys::load(&app.app.config.data.dir.join("keys")).unwrap();
        app.clock.advance(Duration::from_secs(1));
        let now = app.clock.now();
        let pepper = passwords::rotate_pepper(&app.app.db, &app.app.entropy, &master, now);
        let pepper = pepper.await.unwrap();
        assert_eq!(app.run_worker("accounts.keys").await["peppers"], 2);
        log_in(app, "another phrase")
            .await
            .refused(401, "wrong_credentials");
        assert_eq!(stored_hash(app).await, first);
        log_in(app, password).await.expect(200);
        let second = stored_hash(app).await;
        assert_ne!(second, first);
        assert_eq!(passwords::list_peppers(&app.app.db).await.unwrap()[0].id, pepper);
        log_in(app, password).await.expect(200);
        assert_eq!(stored_hash(app).await, second);

        // From before there were peppers, and cheaper.
        let old = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(32, 1, 1, None).unwrap(),
        );
        let old = old.hash_password_with_salt(password.as_bytes(), b"a salt of sorts");
        let old = old.unwrap().to_string();
        let sql = "UPDATE member SET password_hash = $1 WHERE email = $2";
        let written = app
            .app
            .db
            .write(move |tx| async move { tx.execute(sql, params![old, "rosa.quiroga@example.test"]).await });
        assert_eq!(written.await.unwrap(), 1);
        log_in(app, "another phrase")
            .await
            .refused(401, "wrong_credentials");
        log_in(app, password).await.expect(200);
        assert!(stored_hash(app).await.contains("keyid="));
        log_in(app, password).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_pepper_of_another_node_is_looked_up() {
    each_db(async |app| {
        let password = "ocho cortes y una quebrada";
        register(app, password).await.expect(201);
        let url = Some(app.app.config.database.url.0.clone()).filter(|url| !url.is_empty());
        // Two servers cannot share one SQLite file.
        let Some(url) = url else { return };
        app.clock.advance(Duration::from_secs(1));
        let folder = app.app.config.data.dir.clone();
        let master = MasterKeys::load(&folder.join("keys")).unwrap();
        let now = app.clock.now();
        let pepper = passwords::rotate_pepper(&app.app.db, &app.app.entropy, &master, now);
        pepper.await.unwrap();
        let more = [("data.dir", folder.to_str().unwrap())];
        let other = TestApp::start(&crate::server, Some(url), &more).await;
        log_in(&other, password).await.expect(200);
        log_in(app, password).await.expect(200);
        other.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_with_the_old_password_does_not_outlive_its_change() {
    each_db(async |app| {
        let mut rosa = app.user("Rosa").await;
        for round in 0..20 {
            let (old, new) = match round {
                0 => ("correct horse".to_owned(), word(1)),
                _ => (word(round), word(round + 1)),
            };
            let change = rosa.post(
                "/auth/password",
                json!({"current_password": old, "new_password": new}),
            );
            // Many at once, so that one is being checked while the password changes.
            let credentials = json!({"email": "rosa@example.test", "password": old});
            let log_ins = (0..6).map(|_| app.post("/api/v1/auth/login", credentials.clone()));
            let (changed, log_ins) =
                futures_util::future::join(change, futures_util::future::join_all(log_ins)).await;
            rosa = rosa.with(&changed.expect(200));
            for answer in log_ins {
                if answer.status == 401 {
                    answer.refused(401, "wrong_credentials");
                    continue;
                }
                let other = rosa.with(&answer.expect(200));
                other.get("/me").await.refused(401, "session_revoked");
            }
        }
    })
    .await;
}

fn word(round: u32) -> String {
    format!("ocho cortes y {round} quebradas")
}

#[tokio::test]
async fn strength_is_told_in_the_readers_language_and_nothing_is_refused_for_weakness() {
    each_db(async |app| {
        let ask = |language: &'static str, body: Value| {
            let url = format!("{}/api/v1/auth/password-strength", app.url);
            Answer::of(app.http.post(url).header("accept-language", language).json(&body))
        };
        let weak = ask("en", json!({"password": "aaaaaaaa"})).await.expect(200);
        assert_eq!((&weak["score"], &weak["acceptable"]), (&json!(0), &json!(false)));
        assert_eq!(weak["warning"], "One character again and again is easy to guess.");
        let weak = ask("es", json!({"password": "aaaaaaaa"})).await.expect(200);
        assert_eq!(
            weak["warning"],
            "Un mismo carácter repetido es fácil de adivinar."
        );
        let suggestions = weak["suggestions"].to_string();
        assert!(suggestions.contains("Evite palabras"), "{suggestions}");
        let weak = ask("es-AR", json!({"password": "aaaaaaaa"})).await.expect(200);
        assert!(weak["suggestions"].to_string().contains("Evitá palabras"));

        let own = json!({"password": "quiroga1990", "display_name": "Rosa Quiroga"});
        let own = ask("en", own).await.expect(200);
        assert_eq!(own["acceptable"], false);
        assert!(own["warning"].as_str().unwrap().contains("your name"));
        let short = ask("en", json!({"password": ""})).await.expect(200);
        assert_eq!(short["acceptable"], false);
        let good = ask("en", json!({"password": "ocho cortes y una quebrada"}))
            .await
            .expect(200);
        assert_eq!(
            good,
            json!({"score": 4, "acceptable": true, "warning": null, "suggestions": []})
        );
        ask("en", json!({"password": "x".repeat(129)}))
            .await
            .refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn a_storm_of_log_ins_is_turned_away_and_does_not_stop_readers() {
    let app = app_with(&[
        ("accounts.argon2_memory_kib", "19456"),
        ("accounts.argon2_passes", "2"),
        ("accounts.hashing_threads", "1"),
        ("accounts.hashing_queue", "10"),
    ])
    .await;
    let ana = app.user("Ana").await;
    register(&app, "ocho cortes y una quebrada").await.expect(201);
    let storm = futures_util::future::join_all((0..50).map(|_| log_in(&app, "not the password")));
    let readers = async {
        for _ in 0..20 {
            ana.get("/feed").await.expect(200);
        }
    };
    let (answers, ()) = futures_util::future::join(storm, readers).await;
    let (mut tried, mut busy) = (0, 0);
    for answer in answers {
        if answer.status == 429 {
            assert_eq!(answer.header("retry-after"), "2");
            answer.refused(429, "busy");
            busy += 1;
        } else {
            answer.refused(401, "wrong_credentials");
            tried += 1;
        }
    }
    assert!(tried >= 10 && busy > 0, "{tried} were tried, {busy} turned away");
    log_in(&app, "ocho cortes y una quebrada").await.expect(200);
    app.end().await;
}
