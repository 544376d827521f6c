//! What a stolen access token must not do: the member's own proof is asked for.

use super::PASSWORD;
use crate::each_db;
use serde_json::json;
use std::time::Duration;

const NEW: &str = "new@example.test";

#[tokio::test]
async fn a_refresh_is_no_proof_of_who_is_there() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        app.clock.advance(Duration::from_secs(601));
        let session = ana
            .refresh(&ana.refresh_token, Some(&ana.device_token))
            .await
            .expect(200);
        let ana = ana.with(&session);
        ana.post("/auth/email", json!({"email": NEW}))
            .await
            .refused(403, "reauth_required");
        assert_eq!(ana.get("/me").await.expect(200)["email"], "ana@example.test");
    })
    .await;
}

#[tokio::test]
async fn a_proof_is_fresh_for_ten_minutes_and_for_its_own_tokens() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        app.clock.advance(Duration::from_secs(301));
        ana.post("/auth/reauthenticate", json!({"password": "wrong horse"}))
            .await
            .refused(403, "wrong_password");
        let fresh = ana
            .post("/auth/reauthenticate", json!({"password": PASSWORD}))
            .await
            .expect(200);
        let fresh = ana.with(&fresh);
        assert_ne!(
            fresh.refresh_token, ana.refresh_token,
            "a new token with each proof"
        );
        app.clock.advance(Duration::from_secs(301));
        ana.post("/auth/email", json!({"email": NEW}))
            .await
            .refused(403, "reauth_required");
        fresh.post("/auth/email", json!({"email": NEW})).await.expect(200);
        app.clock.advance(Duration::from_mins(5));
        fresh
            .post("/auth/email", json!({"email": "later@example.test"}))
            .await
            .refused(403, "reauth_required");
    })
    .await;
}

#[tokio::test]
async fn a_new_password_needs_the_old_one() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let new = "the bandoneon sighs";
        for (body, status) in [
            (json!({"new_password": new}), 422),
            (json!({"current_password": "", "new_password": new}), 422),
            (
                json!({"current_password": "wrong horse", "new_password": new}),
                403,
            ),
            (json!({"current_password": PASSWORD}), 422),
        ] {
            let answer = ana.post("/auth/password", body.clone()).await;
            assert_eq!(answer.status, status, "{body}: {}", answer.text);
        }
        let credentials = json!({"email": "ana@example.test", "password": PASSWORD});
        app.post("/api/v1/auth/login", credentials).await.expect(200);
    })
    .await;
}
