//! Posting, reacting, and reading what the others wrote.

use crate::each_db;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, TestApp, TestUser};

async fn publish(app: &TestApp, user: &TestUser, body: &str) -> Value {
    app.clock.advance(Duration::from_secs(1));
    user.post("/posts", json!({"body": body})).await.expect(201)
}

fn bodies(page: &Value) -> Vec<&str> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|post| post["body"].as_str().unwrap())
        .collect()
}

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

/// The node remembers where the last page ended; what happens since must show all the same.
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
async fn reactions_are_one_each_and_counted_exactly() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let post = publish(app, &ana, "hola").await;
        let path = format!("/posts/{}/reactions", post["id"].as_str().unwrap());
        let first = bruno.post(&path, json!({"type": "like"})).await.expect(200);
        assert_eq!(
            (&first["like_count"], &first["reaction"]),
            (&json!(1), &json!("like"))
        );
        let second = bruno.post(&path, json!({"type": "love"})).await.expect(200);
        assert_eq!(
            (&second["like_count"], &second["reaction"]),
            (&json!(1), &json!("love"))
        );
        ana.post(&path, json!({"type": "laugh"})).await.expect(200);
        let seen = bruno
            .get(&format!("/posts/{}", post["id"].as_str().unwrap()))
            .await
            .expect(200);
        assert_eq!(
            (&seen["like_count"], &seen["reaction"], &seen["liked_by_me"]),
            (&json!(2), &json!("love"), &json!(true))
        );
        for _ in 0..2 {
            bruno.delete(&path).await.expect(204);
        }
        let seen = bruno
            .get(&format!("/posts/{}", post["id"].as_str().unwrap()))
            .await
            .expect(200);
        assert_eq!(
            (&seen["like_count"], &seen["reaction"]),
            (&json!(1), &Value::Null)
        );
        bruno
            .post(&path, json!({"type": "yawn"}))
            .await
            .refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn counters_do_not_drift_when_many_react_at_once() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let post = publish(app, &ana, "hola").await;
        let path = format!("/posts/{}/reactions", post["id"].as_str().unwrap());
        let mut fans = vec![];
        for n in 0..6 {
            fans.push(app.user(&format!("Fan{n}")).await);
        }
        let work = fans.iter().enumerate().map(|(n, fan)| {
            let (path, author) = (path.clone(), format!("/follows/{}", ana.id));
            async move {
                for round in 0..6 {
                    if (n + round) % 3 == 0 {
                        fan.delete(&path).await.expect(204);
                    } else {
                        fan.post(&path, json!({"type": "like"})).await.expect(200);
                    }
                    fan.put(&author).await.expect(204);
                }
            }
        });
        futures_util::future::join_all(work.collect::<Vec<_>>()).await;
        let sql = "SELECT /* every community */ p.like_count - (SELECT count(*) FROM reaction r WHERE r.post_id = p.id) FROM post p";
        let drift: Vec<i64> = db::Executor::all(&app.app.db, sql, vec![], |row| row.get(0)).await.unwrap();
        assert_eq!(drift, [0]);
        let sql = "SELECT /* every community */ m.follower_count - (SELECT count(*) FROM follow f WHERE f.followee_id = m.id)
                       + m.following_count - (SELECT count(*) FROM follow f WHERE f.follower_id = m.id) FROM member m";
        let drift: Vec<i64> = db::Executor::all(&app.app.db, sql, vec![], |row| row.get(0)).await.unwrap();
        assert!(drift.iter().all(|drift| *drift == 0), "{drift:?}");
    })
    .await;
}

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
async fn events_are_announced_listed_by_city_and_answered() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let now = app.clock.now();
        let plans = |n: u64, city: &str, zone: &str| {
            let starts_at = now.plus(Duration::from_hours(n));
            json!({"title": format!("Milonga {n}"), "city": city, "starts_at": starts_at, "time_zone": zone})
        };
        for (n, city, zone) in [(1, "Berlin", "europe/berlin"), (2, "Roma", "Europe/Rome"), (3, "Berlin", "Europe/Berlin")] {
            let made = ana.post("/events", plans(n, city, zone)).await.expect(201);
            let path = format!("/events/{}", made["id"].as_str().unwrap());
            assert_eq!(ana.get(&path).await.expect(200), made);
        }
        let nowhere = ana.post("/events", plans(1, "Atlantis", "Europe/Atlantis")).await.refused(422, "invalid");
        assert_eq!(
            nowhere["errors"],
            json!([{"pointer": "/time_zone", "code": "unknown_time_zone", "detail": "is not a time zone that is known here"}])
        );
        let over = ana.post("/events", plans(0, "Roma", "Europe/Rome")).await.refused(422, "invalid");
        assert_eq!(over["errors"][0]["code"], "in_the_past");

        let first = ana.get("/events?city=Berlin&limit=1").await.expect(200);
        assert_eq!(first["items"][0]["title"], "Milonga 1");
        assert_eq!(first["items"][0]["time_zone"], "Europe/Berlin", "as the database spells it");
        let next = first["next_cursor"].as_str().unwrap();
        let second = ana.get(&format!("/events?city=Berlin&limit=1&cursor={next}")).await.expect(200);
        assert_eq!((&second["items"][0]["title"], &second["next_cursor"]), (&json!("Milonga 3"), &Value::Null));
        let path = format!("/events/{}", first["items"][0]["id"].as_str().unwrap());
        for (status, going) in [("going", 1), ("going", 1), ("interested", 0), ("going", 1), ("not_going", 0)] {
            let answer = ana.post(&format!("{path}/rsvps"), json!({"status": status})).await.expect(200);
            assert_eq!(answer, json!({"status": status, "going_count": going}));
        }
        assert_eq!(ana.get(&path).await.expect(200)["my_rsvp"], "not_going");
    })
    .await;
}
