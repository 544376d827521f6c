//! Where a member is logged in, and what they are told about it.

use crate::each_db;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, TestApp, TestUser, eventually};

const PASSWORD: &str = "correct horse";

async fn log_in(app: &TestApp, name: &str, more: Value) -> Answer {
    let mut body = json!({"email": format!("{name}@example.test"), "password": PASSWORD});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    app.post("/api/v1/auth/login", body).await
}

/// The member on another device.
async fn elsewhere(app: &TestApp, user: &TestUser, more: Value) -> TestUser {
    let session = log_in(app, &user.name.to_lowercase(), more).await.expect(200);
    user.with(&session)
}

async fn log_of(user: &TestUser) -> Vec<(String, Option<String>)> {
    let page = user.get("/me/security-log?limit=100").await.expect(200);
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let text = |key: &str| entry[key].as_str().map(str::to_owned);
            (text("kind").unwrap(), text("detail"))
        })
        .collect()
}

#[tokio::test]
async fn a_member_sees_names_and_ends_sessions() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let phone = elsewhere(app, &ana, json!({})).await;
        let list = ana.get("/me/sessions").await.expect(200);
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.len(), 2);
        let here = items.iter().find(|item| item["current"] == true).unwrap();
        let there = items.iter().find(|item| item["current"] == false).unwrap();
        assert_eq!(here["network"], "127.0.0.0/24");
        assert!(list.to_string().find("token").is_none(), "{list}");

        let id = there["id"].as_str().unwrap();
        let path = format!("/me/sessions/{id}");
        ana.patch(&path, json!({"label": "Phone"})).await.expect(204);
        let list = phone.get("/me/sessions").await.expect(200);
        assert!(
            list["items"]
                .as_array()
                .unwrap()
                .iter()
                .any(|item| item["label"] == "Phone")
        );

        phone.get("/me").await.expect(200);
        app.clock.advance(Duration::from_secs(1));
        ana.delete(&path).await.expect(204);
        phone.get("/me").await.refused(401, "session_revoked");
        phone
            .refresh(&phone.refresh_token, Some(&phone.device_token))
            .await
            .refused(401, "session_revoked");
        ana.delete(&path).await.refused(404, "not_found");
        ana.get("/me").await.expect(200);
        let log = log_of(&ana).await;
        assert_eq!(
            log[0],
            ("session_ended".to_owned(), Some("ended_by_member".to_owned()))
        );
    })
    .await;
}

#[tokio::test]
async fn others_sessions_are_unknown_ids() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let list = ana.get("/me/sessions").await.expect(200);
        let path = format!("/me/sessions/{}", list["items"][0]["id"].as_str().unwrap());
        let foreign = bruno.delete(&path).await.refused(404, "not_found");
        let unknown = bruno
            .delete("/me/sessions/019b0000-0000-7000-8000-000000000000")
            .await
            .refused(404, "not_found");
        assert_eq!(foreign["detail"], unknown["detail"]);
        bruno
            .patch(&path, json!({"label": "mine"}))
            .await
            .refused(404, "not_found");
        ana.get("/me").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn logging_out_everywhere_else_keeps_this_session() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let others = [
            elsewhere(app, &ana, json!({})).await,
            elsewhere(app, &ana, json!({})).await,
        ];
        assert_eq!(ana.delete("/me/sessions").await.expect(200)["ended"], 2);
        for other in others {
            other.get("/me").await.refused(401, "session_revoked");
        }
        ana.get("/me").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn the_thirty_first_session_lets_the_one_leave_that_was_idle_longest() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        app.clock.advance(Duration::from_secs(1));
        let idle = elsewhere(app, &ana, json!({})).await;
        app.clock.advance(Duration::from_secs(1));
        for _ in 0..28 {
            elsewhere(app, &ana, json!({})).await;
        }
        ana.get("/me").await.expect(200);
        elsewhere(app, &ana, json!({})).await;
        idle.get("/me").await.refused(401, "session_revoked");
        ana.get("/me").await.expect(200);
        let list = ana.get("/me/sessions").await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 30);
        let left = ("session_ended".to_owned(), Some("too_many_sessions".to_owned()));
        assert!(log_of(&ana).await.contains(&left));
    })
    .await;
}

#[tokio::test]
async fn a_session_that_was_not_to_be_remembered_is_short() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let cafe = elsewhere(app, &ana, json!({"remember": false})).await;
        app.clock.advance(Duration::from_secs(2 * 3600 + 1));
        let refresh = cafe.refresh(&cafe.refresh_token, Some(&cafe.device_token)).await;
        refresh.refused(401, "session_expired");
        ana.refresh(&ana.refresh_token, Some(&ana.device_token))
            .await
            .expect(200);
    })
    .await;
}

#[tokio::test]
async fn what_ran_out_is_ended_by_the_clean_up_with_its_reason() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        elsewhere(app, &ana, json!({"remember": false})).await;
        app.clock.advance(Duration::from_hours(3));
        let report = app.run_worker("accounts.clean_up").await;
        assert_eq!(report["expired"], 1);
        let ana = ana.with(
            &ana.refresh(&ana.refresh_token, Some(&ana.device_token))
                .await
                .expect(200),
        );
        let expired = ("session_ended".to_owned(), Some("expired".to_owned()));
        assert!(log_of(&ana).await.contains(&expired));

        app.clock.advance(Duration::from_hours(24 * 31));
        let report = app.run_worker("accounts.clean_up").await;
        assert!(report["networks"].as_i64().unwrap() >= 1, "{report}");
        assert!(report["log_networks"].as_i64().unwrap() >= 1, "{report}");
        let back = elsewhere(app, &ana, json!({"device_token": ana.device_token})).await;
        let old = back.get("/me/security-log?limit=100").await.expect(200);
        let entries = old["items"].as_array().unwrap();
        let registered = entries.iter().find(|entry| entry["kind"] == "registered");
        assert_eq!(registered.unwrap()["network"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_new_device_is_told_by_mail_and_a_known_one_is_not() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        elsewhere(app, &ana, json!({"device_token": ana.device_token})).await;
        assert!(app.mails().await.is_empty(), "a known device is nothing new");
        let thief = elsewhere(app, &ana, json!({})).await;
        let mails = app.mails().await;
        let [mail] = &mails[..] else {
            panic!("one mail: {mails:?}");
        };
        assert_eq!(mail.to, "ana@example.test");
        assert!(mail.subject.contains("New log-in"), "{}", mail.subject);

        let (_, token) = mail.text.split_once("/not-me#").unwrap();
        let token = token.split_whitespace().next().unwrap();
        let link = |token: &str| app.post("/api/v1/auth/not-me", json!({"token": token}));
        let mut bent = token.to_owned().into_bytes();
        bent[60] = if bent[60] == b'A' { b'B' } else { b'A' };
        link(&String::from_utf8(bent).unwrap())
            .await
            .refused(422, "link_expired");
        thief.get("/me").await.expect(200);
        link(token).await.expect(204);
        for session in [&ana, &thief] {
            session.get("/me").await.refused(401, "session_revoked");
        }
        link(token).await.expect(204);
        app.clock.advance(Duration::from_hours(24 * 8));
        link(token).await.refused(422, "link_expired");
    })
    .await;
}

#[tokio::test]
async fn a_planted_device_secret_is_not_taken_over() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let planted = "A".repeat(43);
        let session = log_in(app, "ana", json!({"device_token": planted}))
            .await
            .expect(200);
        let given = session["device_token"].as_str().expect("a new secret");
        assert_ne!(given, planted);
        let again = log_in(app, "ana", json!({"device_token": ana.device_token}))
            .await
            .expect(200);
        assert!(
            again.get("device_token").is_none(),
            "a known device keeps its secret"
        );
    })
    .await;
}

#[tokio::test]
async fn a_new_password_ends_every_other_session_and_is_told() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let other = elsewhere(app, &ana, json!({"device_token": ana.device_token})).await;
        let change = |current: &str, new: &str| {
            ana.post("/auth/password", json!({"current_password": current, "new_password": new}))
        };
        change("wrong horse", "a better battery").await.refused(403, "wrong_password");
        other.get("/me").await.expect(200);
        let renewed = ana.with(&change(PASSWORD, "a better battery").await.expect(200));
        other.get("/me").await.refused(401, "session_revoked");
        renewed.get("/me").await.expect(200);
        renewed
            .refresh(&renewed.refresh_token, Some(&ana.device_token))
            .await
            .expect(200);
        log_in(app, "ana", json!({})).await.refused(401, "wrong_credentials");
        let new = json!({"email": "ana@example.test", "password": "a better battery", "device_token": ana.device_token});
        app.post("/api/v1/auth/login", new).await.expect(200);
        let mails = app.mails().await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert!(mails[0].subject.contains("password"));
        let log = log_of(&renewed).await;
        for kind in ["password_changed", "session_ended", "log_in_failed", "reauthentication_failed"] {
            eventually(async || {
                let log = log_of(&renewed).await;
                log.iter().any(|(entry, _)| entry == kind).then_some(())
            })
            .await;
        }
        assert!(log.len() >= 5);
    })
    .await;
}

#[tokio::test]
async fn moving_to_another_address_needs_a_fresh_proof_and_tells_both() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        app.clock.advance(Duration::from_secs(601));
        let ana = ana.with(
            &ana.refresh(&ana.refresh_token, Some(&ana.device_token))
                .await
                .expect(200),
        );
        let change = json!({"email": "ana@new.example.test"});
        ana.post("/auth/email", change.clone())
            .await
            .refused(403, "reauth_required");
        ana.post("/auth/reauthenticate", json!({"password": "guess work"}))
            .await
            .refused(403, "wrong_password");
        let proven = ana
            .post("/auth/reauthenticate", json!({"password": PASSWORD}))
            .await
            .expect(200);
        ana.post("/auth/email", change.clone())
            .await
            .refused(403, "reauth_required");
        let ana = ana.with(&proven);
        let me = ana.post("/auth/email", change).await.expect(200);
        assert_eq!(me["email"], "ana@new.example.test");
        let mut told: Vec<String> = app.mails().await.into_iter().map(|mail| mail.to).collect();
        told.sort();
        assert_eq!(told, ["ana@example.test", "ana@new.example.test"]);
    })
    .await;
}
