//! What a new account may do in a day, and how it hears that it may not.

use crate::tests::{app_with, publish, staff};
use accounts::Role;
use serde_json::json;
use std::time::Duration;
use testkit::{TestApp, TestUser};

const DAY: Duration = Duration::from_hours(24);

async fn posts(app: &TestApp, user: &TestUser, body: &str) -> u16 {
    app.clock.advance(Duration::from_secs(1));
    user.post("/posts", json!({"body": body})).await.status
}

#[tokio::test]
async fn a_new_account_posts_so_often_a_day_and_an_older_one_as_it_likes() {
    let app = app_with(&[
        ("limits.enabled", "on"),
        ("newcomers.posts_per_day", "2"),
        ("newcomers.comments_per_day", "1"),
        ("newcomers.requests_per_day", "1"),
        ("newcomers.messages_per_day", "1"),
    ])
    .await;
    let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
    let post = publish(&app, &ana, "first").await;
    assert_eq!(posts(&app, &ana, "second").await, 201);
    let refused = ana.post("/posts", json!({"body": "third"})).await;
    assert!(
        refused
            .header("retry-after")
            .parse::<u32>()
            .is_ok_and(|s| s > 3600),
        "{:?}",
        refused.headers
    );
    let problem = refused.refused(429, "newcomer_limit");
    assert!(
        problem["detail"].as_str().unwrap().contains("2 times a day"),
        "{problem}"
    );
    let share = format!("/posts/{}/shares", post["id"].as_str().unwrap());
    ana.post(&share, json!({"body": ""}))
        .await
        .refused(429, "newcomer_limit");

    let comments = format!("/posts/{}/comments", post["id"].as_str().unwrap());
    ana.post(&comments, json!({"body": "one"})).await.expect(201);
    ana.post(&comments, json!({"body": "two"}))
        .await
        .refused(429, "newcomer_limit");
    ana.put(&format!("/follows/{}", bruno.id)).await.expect(204);
    let zoe = app.user("Zoe").await;
    ana.put(&format!("/follows/{}", zoe.id))
        .await
        .refused(429, "newcomer_limit");
    ana.post("/friend-requests", json!({"member_id": zoe.id}))
        .await
        .refused(429, "newcomer_limit");

    app.clock.advance(4 * DAY);
    let mut ana = ana;
    let login = json!({"email": "ana@example.test", "password": "correct horse"});
    let session = app.post("/api/v1/auth/login", login).await.expect(200);
    ana = ana.with(&session);
    for n in 0..5 {
        assert_eq!(posts(&app, &ana, &format!("later {n}")).await, 201);
    }
    app.end().await;
}

#[tokio::test]
async fn a_new_account_writes_first_to_acquaintances_when_the_community_wants_it_so() {
    let app = app_with(&[
        ("limits.enabled", "on"),
        ("newcomers.writes_first_to", "acquaintances"),
        ("newcomers.first_messages_per_day", "1"),
    ])
    .await;
    let (ana, bruno, zoe) = (
        app.user("Ana").await,
        app.user("Bruno").await,
        app.user("Zoe").await,
    );
    let write = async |to: &TestUser| ana.put(&format!("/rooms/direct/{}", to.id)).await;
    write(&bruno).await.refused(403, "newcomer_writes_first");
    bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
    write(&bruno).await.expect(200);
    write(&bruno).await.expect(200);
    zoe.put(&format!("/follows/{}", ana.id)).await.expect(204);
    write(&zoe).await.refused(429, "newcomer_limit");
    app.end().await;
}

#[tokio::test]
async fn whom_staff_limit_has_the_limits_of_a_new_account_until_then() {
    let app = app_with(&[
        ("limits.enabled", "on"),
        ("newcomers.days", "0"),
        ("newcomers.posts_per_day", "1"),
    ])
    .await;
    let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
    let moderator = staff(&app, "Mora", Role::PlatformVolunteer).await;
    let post = publish(&app, &ana, "Buy!").await;
    publish(&app, &ana, "Buy now!").await;
    let report = json!({"subject_kind": "post", "subject_id": post["id"], "reason": "spam"});
    bruno.post("/reports", report).await.expect(201);
    app.run_worker("moderation.watch").await;
    let case = moderator.get("/moderation/cases").await.expect(200)["items"][0].clone();
    let decisions = format!("/moderation/cases/{}/decisions", case["id"].as_str().unwrap());
    let verdict = json!({"action": "limit", "reason": "spam", "note": "Slowly.", "days": 2});
    moderator.post(&decisions, verdict).await.expect(201);

    assert_eq!(posts(&app, &ana, "one").await, 201);
    ana.post("/posts", json!({"body": "two"}))
        .await
        .refused(429, "newcomer_limit");
    assert_eq!(
        (posts(&app, &bruno, "a").await, posts(&app, &bruno, "b").await),
        (201, 201)
    );
    app.clock.advance(2 * DAY + Duration::from_secs(1));
    app.run_worker("moderation.ends").await;
    let session = json!({"email": "ana@example.test", "password": "correct horse"});
    let ana = ana.with(&app.post("/api/v1/auth/login", session).await.expect(200));
    for n in 0..3 {
        assert_eq!(posts(&app, &ana, &format!("free {n}")).await, 201);
    }
    let told = ana.get("/decisions").await.expect(200);
    assert_eq!(
        (&told["items"][0]["action"], &told["items"][0]["status"]),
        (&json!("limit"), &json!("ended"))
    );
    app.end().await;
}
