//! Publishing, changing, taking back.

use crate::tests::{each_db, publish};
use reqwest::Method;
use serde_json::json;
use testkit::Answer;

#[tokio::test]
async fn only_the_author_changes_a_post_and_only_the_version_they_saw() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let post = publish(app, &ana, "fisrt").await;
        let path = format!("/posts/{}", post["id"].as_str().unwrap());
        let read = ana.get(&path).await;
        let tag = read.header("etag").to_owned();
        assert!(tag.starts_with("\"1-"), "{tag}");
        let edit = |tag: &str| {
            ana.request(Method::PATCH, &path)
                .header("if-match", tag)
                .json(&json!({"body": "first"}))
        };

        bruno
            .patch(&path, json!({"body": "mine"}))
            .await
            .refused(403, "not_author");
        bruno
            .post(&format!("{path}/reactions"), json!({"type": "like"}))
            .await
            .expect(200);
        let edited = Answer::of(edit(&tag)).await;
        let new_tag = edited.header("etag").to_owned();
        let edited = edited.expect(200);
        assert_eq!(edited["body"], "first", "a like in between does not stop an edit");
        assert!(edited["edited_at"].is_string());
        Answer::of(edit(&tag)).await.refused(412, "stale");
        Answer::of(edit(&new_tag)).await.expect(200);

        let unchanged = ana
            .request(Method::GET, &path)
            .header("if-none-match", ana.get(&path).await.header("etag"));
        assert_eq!(Answer::of(unchanged).await.status, 304);

        bruno.delete(&path).await.refused(403, "not_author");
        ana.delete(&path).await.expect(204);
        ana.get(&path).await.refused(404, "not_found");
    })
    .await;
}
