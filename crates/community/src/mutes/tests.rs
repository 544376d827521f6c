//! Whom a member muted is not heard unasked.

use crate::tests::{bodies, each_db, publish};
use serde_json::json;

#[tokio::test]
async fn a_muted_members_posts_leave_the_feed_and_nobody_knows() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        for other in [&bruno, &carla] {
            ana.put(&format!("/follows/{}", other.id)).await.expect(204);
        }
        publish(app, &bruno, "from Bruno").await;
        publish(app, &carla, "from Carla").await;
        // The node remembers how far this page reached.
        assert_eq!(
            bodies(&ana.get("/feed?limit=1").await.expect(200)),
            ["from Carla"]
        );
        let muted = format!("/mutes/{}", carla.id);
        for _ in 0..2 {
            ana.put(&muted).await.expect(204);
        }
        assert_eq!(
            bodies(&ana.get("/feed?limit=1").await.expect(200)),
            ["from Bruno"]
        );
        assert_eq!(bodies(&ana.get("/feed").await.expect(200)), ["from Bruno"]);
        let list = ana.get("/mutes").await.expect(200);
        assert_eq!(list["items"][0]["member"]["display_name"], "Carla");

        // Looked for by what they talk about, she is left out.
        publish(app, &bruno, "#vals with Bruno").await;
        publish(app, &carla, "#vals with Carla").await;
        assert_eq!(
            bodies(&ana.get("/posts?hashtag=vals").await.expect(200)),
            ["#vals with Bruno"]
        );

        // Asked for by name she is there, and for her nothing has changed.
        let hers = format!("/posts?author_id={}", carla.id);
        assert_eq!(
            bodies(&ana.get(&hers).await.expect(200)),
            ["#vals with Carla", "from Carla"]
        );
        let seen = carla.get(&format!("/members/{}", ana.id)).await.expect(200);
        assert_eq!(seen["following_count"], 2);
        assert_eq!(carla.get("/mutes").await.expect(200)["items"], json!([]));

        ana.delete(&muted).await.expect(204);
        assert_eq!(
            bodies(&ana.get("/feed").await.expect(200)),
            ["#vals with Carla", "#vals with Bruno", "from Carla", "from Bruno"]
        );
    })
    .await;
}

#[tokio::test]
async fn nobody_mutes_themselves_or_nobody() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        ana.put(&format!("/mutes/{}", ana.id))
            .await
            .refused(409, "cannot_mute_yourself");
        ana.put("/mutes/01900000-0000-7000-8000-000000000000")
            .await
            .refused(404, "not_found");
    })
    .await;
}
