//! Sessions: nobody is logged out by mistake, and theft does not stay unseen.

use crate::each_db;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::TestUser;

fn token(answer: &Value) -> String {
    answer["refresh_token"].as_str().unwrap().to_owned()
}

fn device(user: &TestUser) -> Option<&str> {
    Some(&user.device_token)
}

#[tokio::test]
async fn each_refresh_gives_a_new_token_and_a_lost_answer_the_same_again() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let first = ana.refresh(&ana.refresh_token, device(&ana)).await.expect(200);
        assert_ne!(token(&first), ana.refresh_token);
        let again = ana.refresh(&ana.refresh_token, device(&ana)).await.expect(200);
        assert_eq!(
            token(&again),
            token(&first),
            "a lost answer is answered again with the same successor"
        );
        ana.refresh(&token(&first), device(&ana)).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn fifty_refreshes_at_once_have_one_successor() {
    each_db(async |app| {
        let mut ana = app.user("Ana").await;
        for _ in 0..4 {
            let all = (0..50).map(|_| ana.refresh(&ana.refresh_token, device(&ana)));
            let answers = futures_util::future::join_all(all).await;
            let tokens: std::collections::HashSet<String> = answers
                .into_iter()
                .map(|answer| token(&answer.expect(200)))
                .collect();
            assert_eq!(tokens.len(), 1);
            ana.refresh_token = tokens.into_iter().next().unwrap();
        }
        ana.get("/me").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_stolen_token_used_late_ends_the_session() {
    each_db(async |app| {
        let mut ana = app.user("Ana").await;
        let stolen = ana.refresh_token.clone();
        for _ in 0..2 {
            let next = ana.refresh(&ana.refresh_token, device(&ana)).await.expect(200);
            ana.token = next["access_token"].as_str().unwrap().to_owned();
            ana.refresh_token = token(&next);
            app.clock.advance(Duration::from_secs(61));
            ana.get("/me").await.expect(200);
        }
        ana.refresh(&stolen, None).await.refused(401, "session_revoked");
        ana.get("/me").await.refused(401, "session_revoked");
        ana.refresh(&ana.refresh_token, device(&ana))
            .await
            .refused(401, "session_revoked");
    })
    .await;
}

#[tokio::test]
async fn a_token_without_its_device_is_worth_nothing() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let next = ana.refresh(&ana.refresh_token, device(&ana)).await.expect(200);
        ana.refresh(&token(&next), None)
            .await
            .refused(401, "device_required");
        ana.refresh(&token(&next), device(&ana)).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn logging_out_ends_the_session_at_once() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        ana.get("/me").await.expect(200);
        ana.post("/auth/logout", json!({})).await.expect(204);
        ana.get("/me").await.refused(401, "session_revoked");
        ana.refresh(&ana.refresh_token, device(&ana))
            .await
            .refused(401, "session_revoked");
    })
    .await;
}

#[tokio::test]
async fn tokens_and_sessions_end_with_time() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        app.clock.advance(Duration::from_secs(601 + 30));
        ana.get("/me").await.refused(401, "unauthenticated");
        ana.refresh(&ana.refresh_token, device(&ana)).await.expect(200);
        app.clock.advance(Duration::from_hours(192));
        ana.refresh(&ana.refresh_token, device(&ana))
            .await
            .refused(401, "session_expired");
    })
    .await;
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    each_db(async |app| {
        let mut ana = app.user("Ana").await;
        let good = ana.token.clone();
        let mut parts: Vec<&str> = good.split('.').collect();
        // {"alg":"none","typ":"at+jwt"}
        parts[0] = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";
        let none = parts.join(".");
        let unsigned = format!("{}.{}.", parts[0], parts[1]);
        let bent = format!("{}x", &good[..good.len() - 1]);
        for forged in [none, unsigned, bent, "a.b.c".to_owned(), String::new()] {
            ana.token = forged;
            ana.get("/me").await.refused(401, "unauthenticated");
        }
        let mut refresh = ana.refresh_token.clone().into_bytes();
        refresh[40] = if refresh[40] == b'A' { b'B' } else { b'A' };
        let refresh = String::from_utf8(refresh).unwrap();
        ana.refresh(&refresh, device(&ana))
            .await
            .refused(401, "invalid_token");
        ana.refresh("nonsense", None).await.refused(401, "invalid_token");
        ana.token = good;
        ana.get("/me").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn browsers_keep_their_tokens_in_cookies_that_scripts_cannot_read() {
    each_db(async |app| {
        let browser = testkit::http().cookie_store(true).build().unwrap();
        let send = |path: &str, body: Value, site: &str| {
            let request = browser.post(format!("{}/api/v1/auth/{path}", app.url));
            testkit::Answer::of(request.header("x-client", "web").header("sec-fetch-site", site).json(&body))
        };
        let form = json!({"email": "w@example.test", "password": "correct horse", "username": "web", "display_name": "W"});
        send("register", form.clone(), "cross-site").await.refused(403, "csrf");
        let answer = send("register", form, "same-origin").await;
        let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap().to_owned()).collect();
        assert_eq!(cookies.len(), 2);
        assert!(cookies.iter().all(|c| c.contains("HttpOnly") && c.contains("SameSite=Strict")), "{cookies:?}");
        let body = answer.expect(201);
        assert!(body.get("refresh_token").is_none() && body.get("device_token").is_none());
        let again = send("refresh", json!({}), "same-origin").await.expect(200);
        assert!(again["access_token"].is_string());
        send("refresh", json!({}), "same-site").await.refused(403, "csrf");
        app.post("/api/v1/auth/refresh", json!({})).await.refused(401, "no_session");
    })
    .await;
}
