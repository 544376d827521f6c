//! What an attempt leaves behind, for the member to read.

use super::PASSWORD;
use crate::each_db;
use serde_json::json;
use std::time::Duration;
use testkit::{TestUser, eventually};

async fn kinds(user: &TestUser) -> Vec<String> {
    let log = user.get("/me/security-log?limit=100").await.expect(200);
    let entries = log["items"].as_array().unwrap().iter();
    entries
        .map(|entry| {
            for field in ["created_at", "network"] {
                assert!(
                    entry[field].as_str().is_some_and(|text| !text.is_empty()),
                    "{entry}"
                );
            }
            entry["kind"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn each_outcome_leaves_its_entry() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let log_in = |password: &str| {
            app.post(
                "/api/v1/auth/login",
                json!({"email": "ana@example.test", "password": password}),
            )
        };
        log_in("wrong horse").await.refused(401, "wrong_credentials");
        let thief = ana.with(&log_in(PASSWORD).await.expect(200));
        thief
            .post("/auth/reauthenticate", json!({"password": "wrong horse"}))
            .await
            .refused(403, "wrong_password");
        app.clock.advance(Duration::from_secs(1));
        let mut spent = vec![];
        let mut held = thief.clone();
        for _ in 0..2 {
            spent.push(held.refresh_token.clone());
            let next = held
                .refresh(&held.refresh_token, Some(&held.device_token))
                .await
                .expect(200);
            held = held.with(&next);
        }
        held.refresh(&held.refresh_token, None)
            .await
            .refused(401, "device_required");
        held.refresh(&spent[0], Some(&held.device_token))
            .await
            .refused(401, "session_revoked");
        let wanted = [
            ("registered", 1),
            ("log_in_failed", 1),
            ("logged_in", 1),
            ("new_device", 1),
            ("reauthentication_failed", 1),
            ("device_missing", 1),
            ("session_ended", 1),
        ];
        eventually(async || {
            let kinds = kinds(&ana).await;
            let count = |kind: &str| kinds.iter().filter(|other| *other == kind).count();
            wanted
                .iter()
                .all(|(kind, times)| count(kind) == *times)
                .then_some(())
        })
        .await;
    })
    .await;
}
