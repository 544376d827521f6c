//! What members talk about now.

use crate::tests::{bodies, each_db, publish};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn hashtags_count_members_and_posts_count_talk() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        for n in 0..3 {
            publish(app, &ana, &format!("#canaro {n}")).await;
        }
        let quiet = publish(app, &ana, "#troilo").await;
        let loud = publish(app, &bruno, "#troilo!").await;
        ana.post("/posts", json!({"body": "#secret", "visibility": "private"}))
            .await
            .expect(201);
        ana.post("/posts", json!({"body": "#secret", "visibility": "private"}))
            .await
            .expect(201);
        let react = |post: &Value| format!("/posts/{}/reactions", post["id"].as_str().unwrap());
        carla
            .post(&react(&quiet), json!({"type": "love"}))
            .await
            .expect(200);
        for user in [&ana, &carla] {
            user.post(&react(&loud), json!({"type": "love"}))
                .await
                .expect(200);
        }
        let tags = carla.get("/trending/hashtags").await.expect(200);
        assert_eq!(
            tags["items"],
            json!([{"hashtag": "troilo", "member_count": 2}, {"hashtag": "canaro", "member_count": 1}])
        );
        assert_eq!(
            bodies(&carla.get("/trending/posts").await.expect(200)),
            ["#troilo!", "#troilo"]
        );
        let page = carla.get("/trending/posts?limit=1").await.expect(200);
        let next = page["next_cursor"].as_str().unwrap();
        assert_eq!(
            bodies(
                &carla
                    .get(&format!("/trending/posts?limit=1&cursor={next}"))
                    .await
                    .expect(200)
            ),
            ["#troilo"]
        );

        carla.put(&format!("/blocks/{}", bruno.id)).await.expect(204);
        assert_eq!(
            bodies(&carla.get("/trending/posts").await.expect(200)),
            ["#troilo"]
        );
        carla.put(&format!("/mutes/{}", ana.id)).await.expect(204);
        assert!(bodies(&carla.get("/trending/posts").await.expect(200)).is_empty());
        // A minute later the count is a new one.
        publish(app, &carla, "#canaro").await;
        publish(app, &bruno, "#canaro").await;
        app.clock.advance(Duration::from_mins(2));
        assert_eq!(
            ana.get("/trending/hashtags").await.expect(200)["items"][0]["hashtag"],
            "canaro"
        );
    })
    .await;
}
