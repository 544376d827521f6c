//! Talking under a post.

use crate::{
    media::tests::{photo, stored, upload, written},
    tests::{bodies, each_db, publish},
};
use image::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, TestApp, TestUser};

async fn say(app: &TestApp, user: &TestUser, post: &Value, body: &str, parent: Option<&Value>) -> Value {
    app.clock.advance(Duration::from_secs(1));
    let path = format!("/posts/{}/comments", post["id"].as_str().unwrap());
    let new = json!({"body": body, "parent_id": parent.map(|parent| parent["id"].clone())});
    user.post(&path, new).await.expect(201)
}

fn path(comment: &Value) -> String {
    format!("/comments/{}", comment["id"].as_str().unwrap())
}

#[tokio::test]
async fn people_talk_in_threads_page_by_page() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let post = publish(app, &ana, "Who comes?").await;
        let list = format!("/posts/{}/comments", post["id"].as_str().unwrap());
        let first = say(app, &bruno, &post, "I do, @ana", None).await;
        assert_eq!(first["mentions"], json!(["ana"]));
        for n in 1..5 {
            say(app, &bruno, &post, &format!("comment {n}"), None).await;
        }
        let reply = say(app, &ana, &post, "Good", Some(&first)).await;
        say(app, &bruno, &post, "Bring shoes", Some(&reply)).await;
        assert_eq!(
            bodies(&ana.get(&list).await.expect(200)),
            ["I do, @ana", "comment 1", "comment 2", "comment 3", "comment 4"]
        );
        let page = ana.get(&format!("{list}?limit=3")).await.expect(200);
        let next = page["next_cursor"].as_str().unwrap();
        let page = ana
            .get(&format!("{list}?limit=3&cursor={next}"))
            .await
            .expect(200);
        assert_eq!(
            (bodies(&page), &page["next_cursor"]),
            (vec!["comment 3", "comment 4"], &Value::Null)
        );
        let replies = ana.get(&format!("{}/replies", path(&first))).await.expect(200);
        assert_eq!(
            (bodies(&replies), &replies["items"][0]["reply_count"]),
            (vec!["Good"], &json!(1))
        );
        let seen = ana
            .get(&format!("/posts/{}", post["id"].as_str().unwrap()))
            .await
            .expect(200);
        assert_eq!(seen["comment_count"], 7);
        let other = publish(app, &ana, "Another").await;
        let foreign = json!({"body": "x", "parent_id": first["id"]});
        ana.post(
            &format!("/posts/{}/comments", other["id"].as_str().unwrap()),
            foreign,
        )
        .await
        .refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_comment_is_changed_by_its_author_and_deleted_by_the_posts_author_too() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let post = publish(app, &ana, "Who comes?").await;
        let comment = say(app, &bruno, &post, "Mee", None).await;
        let tag = bruno.get(&path(&comment)).await.header("etag").to_owned();
        carla
            .patch(&path(&comment), json!({"body": "x"}))
            .await
            .refused(403, "not_author");
        ana.patch(&path(&comment), json!({"body": "x"}))
            .await
            .refused(403, "not_author");
        let edit = |tag: &str, body: &str| {
            bruno
                .request(Method::PATCH, &path(&comment))
                .header("if-match", tag)
                .json(&json!({"body": body}))
        };
        assert_eq!(Answer::of(edit(&tag, "Me")).await.expect(200)["body"], "Me");
        Answer::of(edit(&tag, "You")).await.refused(412, "stale");
        carla.delete(&path(&comment)).await.refused(403, "not_author");
        ana.delete(&path(&comment)).await.expect(204);
        bruno.get(&path(&comment)).await.refused(404, "not_found");
        ana.delete(&path(&comment)).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn an_answered_comment_leaves_its_place_until_the_last_answer_is_gone() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let post = publish(app, &ana, "Who comes?").await;
        let count = async || {
            let seen = ana
                .get(&format!("/posts/{}", post["id"].as_str().unwrap()))
                .await
                .expect(200);
            seen["comment_count"].as_i64().unwrap()
        };
        let first = say(app, &bruno, &post, "first", None).await;
        let second = say(app, &ana, &post, "second", Some(&first)).await;
        let third = say(app, &bruno, &post, "third", Some(&second)).await;
        bruno.delete(&path(&first)).await.expect(204);
        ana.delete(&path(&second)).await.expect(204);
        let place = ana.get(&path(&first)).await.expect(200);
        assert_eq!((&place["is_deleted"], &place["body"]), (&json!(true), &json!("")));
        assert_eq!(count().await, 1);
        bruno
            .post(&format!("{}/reactions", path(&first)), json!({"type": "like"}))
            .await
            .refused(404, "not_found");
        bruno
            .patch(&path(&first), json!({"body": "back"}))
            .await
            .refused(404, "not_found");
        bruno.delete(&path(&first)).await.refused(404, "not_found");
        bruno.delete(&path(&third)).await.expect(204);
        ana.get(&path(&first)).await.refused(404, "not_found");
        ana.get(&path(&second)).await.refused(404, "not_found");
        assert_eq!(count().await, 0);
    })
    .await;
}

#[tokio::test]
async fn comments_of_somebody_blocked_are_not_there() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let post = publish(app, &ana, "Who comes?").await;
        let list = format!("/posts/{}/comments", post["id"].as_str().unwrap());
        let comment = say(app, &bruno, &post, "me", None).await;
        say(app, &carla, &post, "me too", None).await;
        say(app, &ana, &post, "fine", Some(&comment)).await;
        carla.put(&format!("/blocks/{}", bruno.id)).await.expect(204);
        assert_eq!(bodies(&carla.get(&list).await.expect(200)), ["me too"]);
        assert_eq!(bodies(&bruno.get(&list).await.expect(200)), ["me"]);
        assert_eq!(bodies(&ana.get(&list).await.expect(200)), ["me", "me too"]);
        for refused in [
            carla.get(&path(&comment)).await,
            carla.get(&format!("{}/replies", path(&comment))).await,
            carla
                .post(&list, json!({"body": "x", "parent_id": comment["id"]}))
                .await,
            carla
                .post(&format!("{}/reactions", path(&comment)), json!({"type": "like"}))
                .await,
        ] {
            refused.refused(404, "not_found");
        }
    })
    .await;
}

#[tokio::test]
async fn a_comment_sent_twice_stands_once() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let post = publish(app, &ana, "Who comes?").await;
        let list = format!("/posts/{}/comments", post["id"].as_str().unwrap());
        let send = || {
            ana.request(Method::POST, &list)
                .header("idempotency-key", "once")
                .json(&json!({"body": "me"}))
        };
        let (first, second) = (
            Answer::of(send()).await.expect(201),
            Answer::of(send()).await.expect(201),
        );
        assert_eq!(first, second);
        assert_eq!(bodies(&ana.get(&list).await.expect(200)), ["me"]);
    })
    .await;
}

#[tokio::test]
async fn a_comment_shows_a_picture_to_who_reads_the_post_and_takes_it_away() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let post = publish(app, &ana, "Which shoes?").await;
        let list = format!("/posts/{}/comments", post["id"].as_str().unwrap());
        let picture = async |user: &TestUser| {
            upload(app, user, &written(&photo(60, 40), ImageFormat::Png)).await["id"].clone()
        };
        bruno.post(&list, json!({})).await.refused(422, "invalid");
        let (these, hers) = (picture(&bruno).await, picture(&ana).await);
        let foreign = json!({"body": "These", "media_ids": [hers]});
        bruno.post(&list, foreign).await.refused(422, "invalid");
        let said = bruno.post(&list, json!({"media_ids": [these]})).await.expect(201);
        assert_eq!((&said["body"], &said["media"][0]["id"]), (&json!(""), &these));
        let seen = ana.get(&list).await.expect(200);
        assert_eq!(
            seen["items"].as_array().unwrap().len(),
            1,
            "what was refused is not there"
        );
        assert_eq!(seen["items"][0]["media"][0]["id"], these);
        let reply = json!({"body": "Or these?", "parent_id": said["id"], "media_ids": [hers]});
        let reply = ana.post(&list, reply).await.expect(201);
        let replies = bruno.get(&format!("{}/replies", path(&said))).await.expect(200);
        assert_eq!(replies["items"][0]["media"][0]["id"], hers);

        // Words can come to it, and the picture go; not both go.
        let files = stored(app).len();
        let edited = bruno
            .patch(&path(&said), json!({"body": "These, @ana"}))
            .await
            .expect(200);
        assert_eq!(
            (&edited["mentions"], &edited["media"][0]["id"]),
            (&json!(["ana"]), &these)
        );
        let seen = ana.get(&path(&said)).await.expect(200);
        assert_eq!(seen["mentions"], json!(["ana"]));
        bruno
            .patch(&path(&said), json!({"body": "", "media_ids": []}))
            .await
            .refused(422, "invalid");
        let edited = bruno
            .patch(&path(&said), json!({"media_ids": []}))
            .await
            .expect(200);
        assert_eq!(
            (&edited["body"], &edited["media"]),
            (&json!("These, @ana"), &json!([]))
        );
        app.run_worker("media.clean_up").await;
        assert!(stored(app).len() < files);

        // It leaves with the comment, and with the post.
        let another = picture(&bruno).await;
        let other = bruno
            .post(&list, json!({"body": "x", "media_ids": [another]}))
            .await
            .expect(201);
        let gone = async |id: &Value, user: &TestUser| {
            user.get(&format!("/media/{}", id.as_str().unwrap())).await.status == 404
        };
        assert!(!gone(&another, &bruno).await);
        bruno.delete(&path(&other)).await.expect(204);
        assert!(gone(&another, &bruno).await && !gone(&hers, &ana).await);
        ana.delete(&format!("/posts/{}", post["id"].as_str().unwrap()))
            .await
            .expect(204);
        ana.get(&path(&reply)).await.refused(404, "not_found");
        assert!(gone(&hers, &ana).await);
        app.run_worker("media.clean_up").await;
        assert!(stored(app).is_empty());
    })
    .await;
}
