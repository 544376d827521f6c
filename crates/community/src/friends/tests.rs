//! Becoming friends, and what friends share.

use crate::tests::{bodies, each_db};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, TestUser};

async fn answer(user: &TestUser, request: &Value, what: Value) -> Answer {
    let path = format!("/friend-requests/{}/answer", request["id"].as_str().unwrap());
    Answer::of(user.request(Method::PUT, &path).json(&what)).await
}

async fn befriend(one: &TestUser, other: &TestUser) {
    for (asks, asked) in [(one, other), (other, one)] {
        asks.post("/friend-requests", json!({"member_id": asked.id}))
            .await
            .expect(201);
    }
}

fn names(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["member"]["username"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn did_we_dance_and_then_friends() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let ask = json!({"member_id": bruno.id, "did_we_dance": true, "dance_place": "La Catedral",
                         "note": "That Pugliese!", "private_note": "red shoes"});
        let sent = ana.post("/friend-requests", ask.clone()).await.expect(201);
        assert_eq!(
            (&sent["status"], &sent["private_note"]),
            (&json!("pending"), &json!("red shoes"))
        );
        ana.post("/friend-requests", ask)
            .await
            .refused(409, "already_requested");
        let received = bruno.get("/friend-requests").await.expect(200)["items"][0].clone();
        assert_eq!(
            (
                &received["note"],
                &received["private_note"],
                &received["member"]["username"],
                &received["did_we_dance"]
            ),
            (
                &json!("That Pugliese!"),
                &Value::Null,
                &json!("ana"),
                &json!(true)
            )
        );
        answer(&ana, &sent, json!({"answer": "accept"}))
            .await
            .refused(404, "not_found");
        assert_eq!(
            answer(&bruno, &received, json!({"answer": "accept"}))
                .await
                .expect(200)["status"],
            "accepted"
        );
        answer(&bruno, &received, json!({"answer": "accept"}))
            .await
            .expect(200);
        answer(&bruno, &received, json!({"answer": "reject"}))
            .await
            .refused(409, "already_friends");
        for (one, other) in [(&ana, &bruno), (&bruno, &ana)] {
            assert_eq!(
                names(&one.get("/friends").await.expect(200)),
                [other.name.to_lowercase()]
            );
            assert_eq!(
                one.get("/members/ana").await.expect(200)["follower_count"],
                1,
                "friends follow each other"
            );
        }
        let shared = ana.get(&format!("/friends/{}", bruno.id)).await.expect(200);
        assert_eq!(
            (&shared["danced"], &shared["closeness"]["dances"]),
            (&json!(true), &json!(10.0))
        );
        assert_eq!(shared["closeness"]["score"], 40.0);
        ana.post("/friend-requests", json!({"member_id": bruno.id}))
            .await
            .refused(409, "already_friends");
        ana.post("/friend-requests", json!({"member_id": ana.id}))
            .await
            .refused(409, "cannot_befriend_yourself");
    })
    .await;
}

#[tokio::test]
async fn who_asks_hears_of_no_refusal() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let sent = ana
            .post("/friend-requests", json!({"member_id": bruno.id}))
            .await
            .expect(201);
        answer(&bruno, &sent, json!({"answer": "snooze"}))
            .await
            .refused(422, "invalid");
        answer(&bruno, &sent, json!({"answer": "snooze", "days": 1}))
            .await
            .expect(200);
        let waiting = async || {
            let page = ana.get("/friend-requests?direction=sent").await.expect(200);
            page["items"][0]["status"].clone()
        };
        assert!(names(&bruno.get("/friend-requests").await.expect(200)).is_empty());
        assert_eq!(waiting().await, "pending");
        answer(&bruno, &sent, json!({"answer": "reject"}))
            .await
            .expect(200);
        assert_eq!(waiting().await, "pending");
        ana.post("/friend-requests", json!({"member_id": bruno.id}))
            .await
            .refused(409, "already_requested");
        // Whoever declined may think again.
        answer(&bruno, &sent, json!({"answer": "accept"}))
            .await
            .expect(200);
        assert_eq!(names(&ana.get("/friends").await.expect(200)), ["bruno"]);
    })
    .await;
}

#[tokio::test]
async fn a_request_that_was_put_off_comes_back() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let sent = ana
            .post("/friend-requests", json!({"member_id": bruno.id}))
            .await
            .expect(201);
        answer(&bruno, &sent, json!({"answer": "snooze", "days": 1}))
            .await
            .expect(200);
        app.clock.advance(Duration::from_hours(24));
        let login = json!({"email": "bruno@example.test", "password": "correct horse"});
        let bruno = bruno.with(&app.post("/api/v1/auth/login", login).await.expect(200));
        assert_eq!(names(&bruno.get("/friend-requests").await.expect(200)), ["ana"]);
        let login = json!({"email": "ana@example.test", "password": "correct horse"});
        let ana = ana.with(&app.post("/api/v1/auth/login", login).await.expect(200));
        ana.delete(&format!("/friend-requests/{}", sent["id"].as_str().unwrap()))
            .await
            .expect(204);
        assert!(names(&bruno.get("/friend-requests").await.expect(200)).is_empty());
    })
    .await;
}

#[tokio::test]
async fn friends_read_what_is_for_friends() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        befriend(&ana, &bruno).await;
        carla.put(&format!("/follows/{}", ana.id)).await.expect(204);
        app.clock.advance(Duration::from_secs(1));
        let post = ana
            .post("/posts", json!({"body": "for friends", "visibility": "friends"}))
            .await
            .expect(201);
        let path = format!("/posts/{}", post["id"].as_str().unwrap());
        assert_eq!(bodies(&bruno.get("/feed").await.expect(200)), ["for friends"]);
        assert!(bodies(&carla.get("/feed").await.expect(200)).is_empty());
        let of_ana = format!("/posts?author_id={}", ana.id);
        assert_eq!(bodies(&bruno.get(&of_ana).await.expect(200)), ["for friends"]);
        assert!(bodies(&carla.get(&of_ana).await.expect(200)).is_empty());
        carla.get(&path).await.refused(404, "not_found");
        bruno.get(&path).await.expect(200);
        // Who stops following stays a friend: the post is there, and not in the feed.
        bruno.delete(&format!("/follows/{}", ana.id)).await.expect(204);
        assert!(bodies(&bruno.get("/feed").await.expect(200)).is_empty());
        bruno.get(&path).await.expect(200);
        bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        assert_eq!(bodies(&bruno.get("/feed").await.expect(200)), ["for friends"]);
        ana.delete(&format!("/friends/{}", bruno.id)).await.expect(204);
        bruno.get(&path).await.refused(404, "not_found");
        assert!(bodies(&bruno.get("/feed").await.expect(200)).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_block_ends_a_friendship_and_mutual_friends_are_those_of_both() {
    each_db(async |app| {
        let (ana, bruno, carla, dario) =
            (app.user("Ana").await, app.user("Bruno").await, app.user("Carla").await, app.user("Dario").await);
        befriend(&ana, &bruno).await;
        befriend(&ana, &carla).await;
        befriend(&bruno, &carla).await;
        dario.get(&format!("/friends?member_id={}", ana.id)).await.refused(403, "not_a_friend");
        assert_eq!(names(&bruno.get(&format!("/friends?member_id={}", ana.id)).await.expect(200)), ["carla", "bruno"]);
        assert_eq!(names(&ana.get(&format!("/friends/{}/mutual", bruno.id)).await.expect(200)), ["carla"]);
        dario.post("/friend-requests", json!({"member_id": ana.id})).await.expect(201);
        dario.put(&format!("/blocks/{}", ana.id)).await.expect(204);
        assert!(names(&ana.get("/friend-requests").await.expect(200)).is_empty());
        ana.post("/friend-requests", json!({"member_id": dario.id})).await.refused(404, "not_found");
        ana.put(&format!("/blocks/{}", bruno.id)).await.expect(204);
        assert_eq!(names(&ana.get("/friends").await.expect(200)), ["carla"]);
        assert_eq!(names(&bruno.get("/friends").await.expect(200)), ["carla"]);
        bruno.get(&format!("/friends/{}", ana.id)).await.refused(404, "not_found");
        let drift: Vec<i64> = db::Executor::all(
            &app.app.db,
            "SELECT /* every community */ m.friend_count - (SELECT count(*) FROM friend f WHERE f.member_id = m.id) FROM member m",
            vec![],
            |row| row.get(0),
        )
        .await
        .unwrap();
        assert_eq!(drift, [0, 0, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn whom_one_may_know_is_suggested_with_reasons() {
    each_db(async |app| {
        let (ana, bruno, carla, dario, emma) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
            app.user("Dario").await,
            app.user("Emma").await,
        );
        // Carla is a friend of two friends, Dario of one; Emma is followed.
        befriend(&ana, &bruno).await;
        befriend(&ana, &emma).await;
        befriend(&bruno, &carla).await;
        befriend(&emma, &carla).await;
        befriend(&bruno, &dario).await;
        let suggested = ana.get("/friend-suggestions").await.expect(200);
        assert_eq!(names(&suggested), ["carla", "dario"]);
        let carlas = &suggested["items"][0];
        assert_eq!(carlas["mutual_friend_count"], 2);
        assert_eq!(carlas["why"]["reasons"][0]["code"], "mutual_friends");
        let share = carlas["why"]["reasons"][0]["share"].as_f64().unwrap();
        assert!((share - 0.08).abs() < 1e-9, "two of ten friends, of 0.4: {share}");
        let page = ana.get("/friend-suggestions?limit=1").await.expect(200);
        let next = page["next_cursor"].as_str().unwrap();
        let rest = ana
            .get(&format!("/friend-suggestions?limit=1&cursor={next}"))
            .await
            .expect(200);
        assert_eq!((names(&page), names(&rest)), (vec!["carla"], vec!["dario"]));
        assert_eq!(rest["next_cursor"], Value::Null);

        // Nobody who was asked, blocked or muted is suggested.
        ana.put(&format!("/blocks/{}", dario.id)).await.expect(204);
        assert_eq!(
            names(&ana.get("/friend-suggestions").await.expect(200)),
            ["carla"]
        );
        ana.post("/friend-requests", json!({"member_id": carla.id}))
            .await
            .expect(201);
        assert!(names(&ana.get("/friend-suggestions").await.expect(200)).is_empty());
        assert!(
            names(&dario.get("/friend-suggestions").await.expect(200))
                .iter()
                .all(|name| *name != "ana")
        );
    })
    .await;
}

#[tokio::test]
async fn requests_and_answers_at_the_same_moment_make_one_friendship() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        for _ in 0..3 {
            let ask = |one: &TestUser, other: &TestUser| {
                let (one, ask) = (one.clone(), json!({"member_id": other.id}));
                async move { one.post("/friend-requests", ask).await.status }
            };
            let asked = futures_util::future::join_all([ask(&ana, &bruno), ask(&bruno, &ana)]).await;
            assert_eq!(asked, [201, 201]);
            for (one, other) in [(&ana, "bruno"), (&bruno, "ana")] {
                assert_eq!(names(&one.get("/friends").await.expect(200)), [other]);
                let seen = one.get(&format!("/members/{}", one.id)).await.expect(200);
                assert_eq!(
                    (&seen["follower_count"], &seen["following_count"]),
                    (&json!(1), &json!(1))
                );
            }
            ana.delete(&format!("/friends/{}", bruno.id)).await.expect(204);
            assert!(names(&bruno.get("/friends").await.expect(200)).is_empty());
        }
    })
    .await;
}
