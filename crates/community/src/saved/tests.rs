//! Keeping posts for later.

use crate::tests::{each_db, publish};
use serde_json::{Value, json};
use std::time::Duration;

fn bodies(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|saved| saved["post"]["body"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn saved_posts_come_back_the_latest_first() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let mut ids = vec![];
        for n in 0..4 {
            ids.push(
                publish(app, &ana, &format!("post {n}")).await["id"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        }
        for n in [2, 0, 3, 1, 2] {
            app.clock.advance(Duration::from_secs(1));
            bruno.put(&format!("/saved/{}", ids[n])).await.expect(204);
        }
        assert_eq!(
            bodies(&bruno.get("/saved").await.expect(200)),
            ["post 1", "post 3", "post 0", "post 2"]
        );
        let page = bruno.get("/saved?limit=3").await.expect(200);
        let next = page["next_cursor"].as_str().unwrap();
        let rest = bruno
            .get(&format!("/saved?limit=3&cursor={next}"))
            .await
            .expect(200);
        assert_eq!(
            (bodies(&rest), &rest["next_cursor"]),
            (vec!["post 2"], &Value::Null)
        );
        let post = format!("/posts/{}", ids[0]);
        assert_eq!(bruno.get(&post).await.expect(200)["saved_by_me"], true);
        assert_eq!(ana.get(&post).await.expect(200)["saved_by_me"], false);
        bruno.delete(&format!("/saved/{}", ids[0])).await.expect(204);
        assert_eq!(bruno.get(&post).await.expect(200)["saved_by_me"], false);
        // What one may not read any more is left out, and is back later.
        let path = format!("/posts/{}", ids[1]);
        ana.patch(&path, json!({"visibility": "private"}))
            .await
            .expect(200);
        assert_eq!(
            bodies(&bruno.get("/saved").await.expect(200)),
            ["post 3", "post 2"]
        );
        ana.patch(&path, json!({"visibility": "public"}))
            .await
            .expect(200);
        assert_eq!(
            bodies(&bruno.get("/saved").await.expect(200)),
            ["post 1", "post 3", "post 2"]
        );
        ana.delete(&path).await.expect(204);
        assert_eq!(
            bodies(&bruno.get("/saved").await.expect(200)),
            ["post 3", "post 2"]
        );
        bruno
            .put(&format!("/saved/{}", ids[1]))
            .await
            .refused(404, "not_found");
    })
    .await;
}
