//! Publishing, changing, taking back.

use crate::{
    media::tests::{photo, stored, upload, written},
    tests::{bodies, each_db, publish},
};
use image::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
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

#[tokio::test]
async fn a_private_post_is_its_authors_alone() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        let secret = ana
            .post("/posts", json!({"body": "dear diary", "visibility": "private"}))
            .await
            .expect(201);
        publish(app, &ana, "hello").await;
        let path = format!("/posts/{}", secret["id"].as_str().unwrap());
        assert_eq!(
            bodies(&ana.get("/feed").await.expect(200)),
            ["hello", "dear diary"]
        );
        assert_eq!(bodies(&bruno.get("/feed").await.expect(200)), ["hello"]);
        assert_eq!(
            bodies(
                &bruno
                    .get(&format!("/posts?author_id={}", ana.id))
                    .await
                    .expect(200)
            ),
            ["hello"]
        );
        let unknown = bruno
            .get("/posts/01900000-0000-7000-8000-000000000000")
            .await
            .refused(404, "not_found");
        for refused in [
            bruno.get(&path).await,
            bruno.get(&format!("{path}/comments")).await,
            bruno
                .post(&format!("{path}/comments"), json!({"body": "seen"}))
                .await,
            bruno
                .post(&format!("{path}/reactions"), json!({"type": "like"}))
                .await,
            bruno.get(&format!("{path}/edits")).await,
            bruno.post(&format!("{path}/shares"), json!({})).await,
            bruno.patch(&path, json!({"body": "mine"})).await,
            bruno.delete(&path).await,
            bruno
                .put(&format!("/saved/{}", secret["id"].as_str().unwrap()))
                .await,
        ] {
            assert_eq!(refused.refused(404, "not_found")["detail"], unknown["detail"]);
        }
        ana.patch(&path, json!({"visibility": "public"}))
            .await
            .expect(200);
        assert_eq!(bruno.get(&path).await.expect(200)["body"], "dear diary");
    })
    .await;
}

#[tokio::test]
async fn rich_text_is_cleaned_and_its_plain_words_stand_beside_it() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        app.user("Bruno").await;
        let written = "<p onclick='x()'>With <b>@bruno</b> and @nobody at <a href='javascript:x'>La Catedral</a> #Práctica</p><script>x</script>";
        let post = ana
            .post("/posts", json!({"html": written, "place": {"name": "Buenos Aires", "latitude": -34.6, "longitude": -58.4},
                                   "emotions": ["joyful", "proud"]}))
            .await
            .expect(201);
        let seen = ana.get(&format!("/posts/{}", post["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(seen, post);
        assert_eq!(seen["body"], "With @bruno and @nobody at La Catedral #Práctica");
        assert_eq!(
            seen["html"],
            "<p>With <b>@bruno</b> and @nobody at <a rel=\"noopener noreferrer nofollow ugc\">La Catedral</a> #Práctica</p>"
        );
        assert_eq!(
            (&seen["hashtags"], &seen["mentions"], &seen["emotions"]),
            (&json!(["practica"]), &json!(["bruno"]), &json!(["joyful", "proud"]))
        );
        assert_eq!(seen["place"], json!({"name": "Buenos Aires", "latitude": -34.6, "longitude": -58.4}));
        ana.post("/posts", json!({"html": "<img src=x>"})).await.refused(422, "invalid");
        ana.post("/posts", json!({"html": "a", "body": "a"})).await.refused(422, "invalid");
        ana.post("/posts", json!({})).await.refused(422, "invalid");
        let six = json!({"body": "a", "emotions": ["joyful", "joyful", "joyful", "joyful", "joyful", "joyful"]});
        assert_eq!(ana.post("/posts", six).await.refused(422, "invalid")["errors"][0]["code"], "too_many");
        let far = json!({"body": "a", "place": {"name": "x", "latitude": 91.0, "longitude": 0.0}});
        assert_eq!(ana.post("/posts", far).await.refused(422, "invalid")["errors"][0]["pointer"], "/place/latitude");
    })
    .await;
}

#[tokio::test]
async fn a_hashtag_finds_posts_however_it_is_written() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        publish(app, &ana, "#Práctica today").await;
        publish(app, &bruno, "another #PRACTICA").await;
        let gone = publish(app, &ana, "#practica no more").await;
        ana.post(
            "/posts",
            json!({"body": "my own #practica", "visibility": "private"}),
        )
        .await
        .expect(201);
        ana.patch(
            &format!("/posts/{}", gone["id"].as_str().unwrap()),
            json!({"body": "none"}),
        )
        .await
        .expect(200);
        let found = bruno.get("/posts?hashtag=pr%C3%A1ctica").await.expect(200);
        assert_eq!(bodies(&found), ["another #PRACTICA", "#Práctica today"]);
        let first = bruno.get("/posts?hashtag=practica&limit=1").await.expect(200);
        let next = first["next_cursor"].as_str().unwrap();
        let second = bruno
            .get(&format!("/posts?hashtag=practica&limit=1&cursor={next}"))
            .await
            .expect(200);
        assert_eq!(bodies(&second), ["#Práctica today"]);
    })
    .await;
}

#[tokio::test]
async fn what_a_post_said_before_stays_readable() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let post = publish(app, &ana, "one").await;
        let path = format!("/posts/{}", post["id"].as_str().unwrap());
        for body in ["two", "three"] {
            app.clock.advance(Duration::from_mins(1));
            ana.patch(&path, json!({"body": body})).await.expect(200);
        }
        ana.patch(&path, json!({"emotions": ["proud"], "place": {"name": "Roma"}}))
            .await
            .expect(200);
        let cleared = ana.patch(&path, json!({"place": null})).await.expect(200);
        assert_eq!(
            (&cleared["place"], &cleared["emotions"]),
            (&json!(null), &json!(["proud"]))
        );
        assert_eq!(
            bodies(&bruno.get(&format!("{path}/edits")).await.expect(200)),
            ["two", "one"]
        );
        let first = bruno.get(&format!("{path}/edits?limit=1")).await.expect(200);
        let next = first["next_cursor"].as_str().unwrap();
        let second = bruno
            .get(&format!("{path}/edits?limit=1&cursor={next}"))
            .await
            .expect(200);
        assert_eq!(
            (bodies(&second), &second["next_cursor"]),
            (vec!["one"], &json!(null))
        );
    })
    .await;
}

#[tokio::test]
async fn a_shared_post_shows_the_original_for_as_long_as_one_may_see_it() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let original = publish(app, &ana, "Milonga tonight").await;
        let path = format!("/posts/{}", original["id"].as_str().unwrap());
        let shared = bruno
            .post(&format!("{path}/shares"), json!({"body": "Come!"}))
            .await
            .expect(201);
        assert_eq!(
            (&shared["body"], &shared["shared"]["body"]),
            (&json!("Come!"), &json!("Milonga tonight"))
        );
        // Sharing a share shares the original.
        let again = carla
            .post(
                &format!("/posts/{}/shares", shared["id"].as_str().unwrap()),
                json!({}),
            )
            .await
            .expect(201);
        assert_eq!(again["shared_id"], original["id"]);
        assert_eq!(ana.get(&path).await.expect(200)["share_count"], 2);
        let share = format!("/posts/{}", again["id"].as_str().unwrap());
        assert_eq!(
            ana.get(&share).await.expect(200)["shared"]["author"]["username"],
            "ana"
        );
        carla.delete(&share).await.expect(204);
        assert_eq!(ana.get(&path).await.expect(200)["share_count"], 1);
        ana.patch(&path, json!({"visibility": "private"}))
            .await
            .expect(200);
        let share = format!("/posts/{}", shared["id"].as_str().unwrap());
        let seen = carla.get(&share).await.expect(200);
        assert_eq!(
            (&seen["shared_id"], &seen["shared"]),
            (&original["id"], &json!(null))
        );
        ana.post(&format!("{path}/shares"), json!({}))
            .await
            .refused(403, "not_public");
        ana.delete(&path).await.expect(204);
        assert_eq!(carla.get(&share).await.expect(200)["shared_id"], json!(null));
    })
    .await;
}

#[tokio::test]
async fn a_post_in_a_group_is_the_groups_to_read() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let new = json!({"name": "Vals lovers", "kind": "interest", "visibility": "closed"});
        let group = ana.post("/groups", new).await.expect(201);
        let post = json!({"body": "for us", "group_id": group["id"]});
        let made = ana.post("/posts", post.clone()).await.expect(201);
        assert_eq!(made["visibility"], "group");
        let path = format!("/posts/{}", made["id"].as_str().unwrap());
        bruno.get(&path).await.refused(404, "not_found");
        assert_eq!(bruno.post("/posts", post).await.status, 403);
        let public = json!({"body": "x", "group_id": group["id"], "visibility": "public"});
        ana.post("/posts", public).await.refused(422, "invalid");
        ana.post("/posts", json!({"body": "x", "visibility": "group"}))
            .await
            .refused(422, "invalid");
        assert!(
            bodies(
                &bruno
                    .get(&format!("/posts?author_id={}", ana.id))
                    .await
                    .expect(200)
            )
            .is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn announcements_come_from_who_leads() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        ana.post("/posts", json!({"body": "Hear!", "kind": "announcement"}))
            .await
            .refused(403, "not_a_leader");
    })
    .await;
}

#[tokio::test]
async fn what_a_post_said_to_fewer_is_not_told_to_more() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let new = json!({"body": "He broke my heart", "visibility": "private"});
        let post = ana.post("/posts", new).await.expect(201);
        let path = format!("/posts/{}", post["id"].as_str().unwrap());
        let edits = format!("{path}/edits");
        ana.patch(&path, json!({"body": "A quiet night"}))
            .await
            .expect(200);
        assert_eq!(bodies(&ana.get(&edits).await.expect(200)), ["He broke my heart"]);
        let opened = json!({"body": "A night", "visibility": "public"});
        ana.patch(&path, opened).await.expect(200);
        assert!(bodies(&bruno.get(&edits).await.expect(200)).is_empty());
        ana.patch(&path, json!({"body": "A night out"})).await.expect(200);
        assert_eq!(bodies(&bruno.get(&edits).await.expect(200)), ["A night"]);
    })
    .await;
}

#[tokio::test]
async fn a_post_shows_its_media_to_whoever_may_read_it() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let mut ids = vec![];
        for _ in 0..3 {
            let media = upload(app, &ana, &written(&photo(60, 40), ImageFormat::Png)).await;
            ids.push(media["id"].clone());
        }
        // A picture says enough.
        let post = json!({"media_ids": [ids[1], ids[0]]});
        let post = ana.post("/posts", post).await.expect(201);
        let shown = |post: &Value| {
            let all = post["media"].as_array().unwrap().clone();
            all.iter().map(|media| media["id"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(shown(&post), [ids[1].clone(), ids[0].clone()]);
        assert_eq!(post["body"], "");
        let path = format!("/posts/{}", post["id"].as_str().unwrap());
        bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        for page in [
            "/feed",
            "/feed?order=ranked",
            &format!("/posts?author_id={}", ana.id),
        ] {
            let page = bruno.get(page).await.expect(200);
            assert_eq!(shown(&page["items"][0]).len(), 2);
        }
        let seen = bruno.get(&path).await.expect(200);
        let url = format!("{}{}", app.url, seen["media"][0]["url"].as_str().unwrap());
        assert_eq!(app.http.get(url).send().await.unwrap().status(), 200);
        let share = bruno.post(&format!("{path}/shares"), json!({})).await.expect(201);
        assert_eq!(shown(&share["shared"]).len(), 2);

        // Nobody else's, nothing twice, and not nothing.
        let stolen = json!({"media_ids": [ids[2]]});
        let refused = bruno.post("/posts", stolen.clone()).await.refused(422, "invalid");
        assert_eq!(refused["errors"][0]["pointer"], "/media_ids/0");
        bruno.patch(&path, stolen).await.refused(403, "not_author");
        ana.patch(&path, json!({"media_ids": []}))
            .await
            .refused(422, "invalid");
        let other = json!({"media_ids": [ids[2], ids[1]]});
        let edited = ana.patch(&path, other).await.expect(200);
        assert_eq!(shown(&edited), [ids[2].clone(), ids[1].clone()]);
        app.run_worker("media.clean_up").await;
        let files = stored(app).len();
        ana.patch(&path, json!({"visibility": "private"}))
            .await
            .expect(200);
        let share = format!("/posts/{}", share["id"].as_str().unwrap());
        assert_eq!(bruno.get(&share).await.expect(200)["shared"], json!(null));
        ana.delete(&path).await.expect(204);
        app.run_worker("media.clean_up").await;
        assert!(files > 0 && stored(app).is_empty(), "its media go with it");
    })
    .await;
}
