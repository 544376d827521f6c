//! Reading what those one follows wrote.

use crate::tests::{bodies, each_db, publish};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_follower_sees_the_post_and_a_stranger_does_not() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        let post = publish(app, &ana, "  Milonga tonight!  ").await;
        assert_eq!(post["body"], "Milonga tonight!");
        assert_eq!(
            bodies(&bruno.get("/feed").await.expect(200)),
            ["Milonga tonight!"]
        );
        assert_eq!(bodies(&ana.get("/feed").await.expect(200)), ["Milonga tonight!"]);
        assert!(bodies(&carla.get("/feed").await.expect(200)).is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_feed_is_paged_newest_first_whoever_wrote_when() {
    each_db(async |app| {
        let reader = app.user("Reader").await;
        let mut written = vec![];
        let mut authors = vec![];
        for n in 0..7 {
            let author = app.user(&format!("Author{n}")).await;
            reader.put(&format!("/follows/{}", author.id)).await.expect(204);
            authors.push(author);
        }
        // Unevenly: some wrote much lately, some long ago, one never.
        for n in 0..40_usize {
            let author = &authors[(n * n + n / 3) % 6];
            let body = format!("post {n}");
            publish(app, author, &body).await;
            written.push(body);
        }
        written.reverse();
        for limit in [1, 3, 7, 20, 100] {
            let (mut seen, mut cursor) = (vec![], String::new());
            loop {
                let page = reader
                    .get(&format!("/feed?limit={limit}{cursor}"))
                    .await
                    .expect(200);
                seen.extend(bodies(&page).into_iter().map(str::to_owned));
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(seen, written, "in pages of {limit}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_read_again_shows_what_has_changed() {
    each_db(async |app| {
        let (reader, ana, bruno) = (
            app.user("Reader").await,
            app.user("Ana").await,
            app.user("Bruno").await,
        );
        let (to_ana, to_bruno) = (format!("/follows/{}", ana.id), format!("/follows/{}", bruno.id));
        let mut ids = vec![];
        for n in 0..6 {
            ids.push(publish(app, &ana, &format!("ana {n}")).await["id"].clone());
        }
        for n in 0..4 {
            publish(app, &bruno, &format!("bruno {n}")).await;
        }
        let page = async || {
            let page = reader.get("/feed?limit=3").await.expect(200);
            bodies(&page).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        reader.put(&to_ana).await.expect(204);
        assert_eq!(page().await, ["ana 5", "ana 4", "ana 3"]);
        reader.put(&to_bruno).await.expect(204);
        assert_eq!(page().await, ["bruno 3", "bruno 2", "bruno 1"]);
        reader.delete(&to_bruno).await.expect(204);
        assert_eq!(page().await, ["ana 5", "ana 4", "ana 3"]);
        for id in &ids[3..] {
            ana.delete(&format!("/posts/{}", id.as_str().unwrap()))
                .await
                .expect(204);
        }
        assert_eq!(page().await, ["ana 2", "ana 1", "ana 0"]);
        publish(app, &ana, "ana 6").await;
        assert_eq!(page().await, ["ana 6", "ana 2", "ana 1"]);
        let all = reader.get("/feed?limit=100").await.expect(200);
        assert_eq!(bodies(&all), ["ana 6", "ana 2", "ana 1", "ana 0"]);
        assert_eq!(page().await, ["ana 6", "ana 2", "ana 1"]);
    })
    .await;
}

#[tokio::test]
async fn a_ranked_feed_says_why_and_shows_each_post_once() {
    each_db(async |app| {
        let (reader, ana, bruno) = (
            app.user("Reader").await,
            app.user("Ana").await,
            app.user("Bruno").await,
        );
        for author in [&ana, &bruno] {
            reader.put(&format!("/follows/{}", author.id)).await.expect(204);
        }
        let mut loved = None;
        for n in 0..130 {
            app.clock.advance(Duration::from_secs(3));
            let author = if n % 2 == 0 { &ana } else { &bruno };
            let post = author
                .post("/posts", json!({"body": format!("post {n}")}))
                .await
                .expect(201);
            if n == 100 {
                loved = Some(post);
            }
        }
        let loved = loved.unwrap();
        let path = format!("/posts/{}", loved["id"].as_str().unwrap());
        for user in [&ana, &bruno, &reader] {
            user.post(&format!("{path}/reactions"), json!({"type": "love"}))
                .await
                .expect(200);
            for n in 0..5 {
                user.post(&format!("{path}/comments"), json!({"body": format!("{n}")}))
                    .await
                    .expect(201);
            }
        }
        publish(app, &ana, "for @reader").await;
        let first = reader.get("/feed?order=ranked&limit=20").await.expect(200);
        assert_eq!(bodies(&first)[..2], ["for @reader", "post 100"]);
        let reasons = |post: &Value| -> Vec<String> {
            let all = post["why"]["reasons"].as_array().unwrap();
            all.iter()
                .map(|reason| reason["code"].as_str().unwrap().to_owned())
                .collect()
        };
        assert!(reasons(&first["items"][0]).contains(&"mentions_you".to_owned()));
        assert!(reasons(&first["items"][1]).contains(&"popular".to_owned()));
        let (mut seen, mut page) = (vec![], first);
        loop {
            seen.extend(bodies(&page).into_iter().map(str::to_owned));
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            page = reader
                .get(&format!("/feed?order=ranked&limit=20&cursor={next}"))
                .await
                .expect(200);
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 131, "every post of the feed, once");
        assert!(
            reader.get("/feed").await.expect(200)["items"][0]
                .get("why")
                .is_none()
        );
    })
    .await;
}
