//! How the app shall be, and from whom one wants to hear.

use crate::tests::each_db;
use reqwest::Method;
use serde_json::json;
use testkit::Answer;

#[tokio::test]
async fn settings_are_the_same_on_all_devices() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let defaults = ana.get("/me/settings").await;
        let seen = defaults.headers["etag"].to_str().unwrap().to_owned();
        let defaults = defaults.expect(200);
        assert_eq!(
            (&defaults["theme"], &defaults["messages_from"]),
            (&json!("system"), &json!("everybody"))
        );
        let dark = ana
            .patch("/me/settings", json!({"theme": "dark"}))
            .await
            .expect(200);
        assert_eq!(dark["theme"], "dark");
        let large = ana
            .patch(
                "/me/settings",
                json!({"text_size": "large", "reduce_motion": true}),
            )
            .await
            .expect(200);
        assert_eq!(
            (&large["theme"], &large["text_size"]),
            (&json!("dark"), &json!("large"))
        );
        assert_eq!(ana.get("/me/settings").await.expect(200), large);
        let late = ana
            .request(Method::PATCH, "/me/settings")
            .header("if-match", seen)
            .json(&json!({"theme": "light"}));
        Answer::of(late).await.refused(412, "stale");
        ana.patch("/me/settings", json!({"theme": "pink"}))
            .await
            .refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn a_member_says_who_may_approach_them() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        for (one, other) in [(&ana, &bruno), (&bruno, &ana), (&bruno, &carla), (&carla, &bruno)] {
            one.post("/friend-requests", json!({"member_id": other.id}))
                .await
                .expect(201);
        }
        let dario = app.user("Dario").await;
        let write = format!("/rooms/direct/{}", ana.id);
        dario.put(&write).await.expect(200);
        let wishes = json!({"messages_from": "friends", "friend_requests_from": "friends_of_friends"});
        ana.patch("/me/settings", wishes).await.expect(200);
        // What was begun goes on; friends may begin.
        dario.put(&write).await.expect(200);
        bruno.put(&write).await.expect(200);
        carla.put(&write).await.refused(403, "not_wanted");
        let emma = app.user("Emma").await;
        emma.post("/friend-requests", json!({"member_id": ana.id}))
            .await
            .refused(403, "not_wanted");
        carla
            .post("/friend-requests", json!({"member_id": ana.id}))
            .await
            .expect(201);
        // Whom she asks may answer.
        ana.post("/friend-requests", json!({"member_id": emma.id}))
            .await
            .expect(201);
        emma.post("/friend-requests", json!({"member_id": ana.id}))
            .await
            .expect(201);
        emma.put(&write).await.expect(200);
    })
    .await;
}
