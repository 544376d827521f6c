//! Showing something for a day.

use crate::tests::each_db;
use serde_json::{Value, json};
use std::time::Duration;

fn captions(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|story| story["caption"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_story_is_seen_for_a_day_and_then_gone() {
    each_db(async |app| {
        let (ana, bruno, carla) = (app.user("Ana").await, app.user("Bruno").await, app.user("Carla").await);
        bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        let story = ana.post("/stories", json!({"caption": "On my way"})).await.expect(201);
        let path = format!("/stories/{}", story["id"].as_str().unwrap());
        app.clock.advance(Duration::from_hours(23));
        let (ana, bruno, carla) = (again(app, &ana).await, again(app, &bruno).await, again(app, &carla).await);
        ana.post("/stories", json!({"caption": "Arrived", "visibility": "friends"})).await.expect(201);
        assert_eq!(captions(&bruno.get("/stories").await.expect(200)), ["On my way"]);
        assert_eq!(captions(&ana.get("/stories").await.expect(200)), ["Arrived", "On my way"]);
        assert!(captions(&carla.get("/stories").await.expect(200)).is_empty());
        assert_eq!(captions(&carla.get(&format!("/stories?author_id={}", ana.id)).await.expect(200)), ["On my way"]);

        for who in [&bruno, &bruno, &carla, &ana] {
            who.put(&format!("{path}/view")).await.expect(204);
        }
        assert_eq!(ana.get(&path).await.expect(200)["view_count"], 2);
        let seen = bruno.get(&path).await.expect(200);
        assert_eq!((&seen["view_count"], &seen["seen_by_me"]), (&Value::Null, &json!(true)));
        let views = ana.get(&format!("{path}/views")).await.expect(200);
        assert_eq!(views["items"].as_array().unwrap().len(), 2);
        bruno.get(&format!("{path}/views")).await.refused(403, "not_author");
        bruno.delete(&path).await.refused(403, "not_author");

        app.clock.advance(Duration::from_hours(1));
        let (ana, bruno) = (again(app, &ana).await, again(app, &bruno).await);
        bruno.get(&path).await.refused(404, "not_found");
        assert_eq!(captions(&ana.get("/stories").await.expect(200)), ["Arrived"]);
        assert_eq!(app.run_worker("stories.clean_up").await["stories"], 1);
        assert_eq!(app.run_worker("stories.clean_up").await["stories"], 0);
        let left: Vec<i64> = db::Executor::all(
            &app.app.db,
            "SELECT /* every community */ (SELECT count(*) FROM story) * 10 + (SELECT count(*) FROM story_view)",
            vec![],
            |row| row.get(0),
        )
        .await
        .unwrap();
        assert_eq!(left, [10], "its views went with it");
    })
    .await;
}

/// The same member, logged in anew.
async fn again(app: &testkit::TestApp, user: &testkit::TestUser) -> testkit::TestUser {
    let email = format!("{}@example.test", user.name.to_lowercase());
    let session = app
        .post(
            "/api/v1/auth/login",
            json!({"email": email, "password": "correct horse"}),
        )
        .await;
    user.with(&session.expect(200))
}

#[tokio::test]
async fn a_story_of_somebody_blocked_or_muted_is_not_told() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        for user in [&bruno, &carla] {
            user.put(&format!("/follows/{}", ana.id)).await.expect(204);
        }
        let story = ana
            .post("/stories", json!({"caption": "On my way"}))
            .await
            .expect(201);
        let path = format!("/stories/{}", story["id"].as_str().unwrap());
        bruno.put(&format!("/mutes/{}", ana.id)).await.expect(204);
        assert!(captions(&bruno.get("/stories").await.expect(200)).is_empty());
        assert_eq!(
            bruno.get(&path).await.status,
            200,
            "a mute hides nothing that is looked for"
        );
        ana.put(&format!("/blocks/{}", carla.id)).await.expect(204);
        carla.get(&path).await.refused(404, "not_found");
        carla.put(&format!("{path}/view")).await.refused(404, "not_found");
        ana.delete(&path).await.expect(204);
        bruno.get(&path).await.refused(404, "not_found");
    })
    .await;
}
