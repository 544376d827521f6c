//! What one's own posts add up to.

use crate::tests::each_db;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn memories_are_added_up_for_their_author() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let first = ana
            .post("/posts", json!({"body": "#troilo", "emotions": ["joyful"], "place": {"name": "Roma"}, "visibility": "private"}))
            .await
            .expect(201);
        app.clock.advance(Duration::from_mins(5));
        let second = ana.post("/posts", json!({"body": "#troilo #canaro", "emotions": ["joyful", "proud"]})).await.expect(201);
        let path = format!("/posts/{}", second["id"].as_str().unwrap());
        bruno.post(&format!("{path}/reactions"), json!({"type": "love"})).await.expect(200);
        bruno.post(&format!("{path}/comments"), json!({"body": "yes"})).await.expect(201);
        bruno.post(&format!("{path}/shares"), json!({})).await.expect(201);
        assert_eq!(
            ana.get("/memories/stats").await.expect(200),
            json!({
                "memory_count": 2, "like_count": 1, "comment_count": 1, "share_count": 1,
                "first_at": first["created_at"], "last_at": second["created_at"],
                "months": [{"name": "2026-11", "count": 2}],
                "emotions": [{"name": "joyful", "count": 2}, {"name": "proud", "count": 1}],
                "hashtags": [{"name": "troilo", "count": 2}, {"name": "canaro", "count": 1}],
                "places": [{"name": "Roma", "count": 1}],
            })
        );
        assert_eq!(bruno.get("/memories/stats").await.expect(200)["memory_count"], 1);
    })
    .await;
}
