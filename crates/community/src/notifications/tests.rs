use super::store;
use crate::tests::{each_db, publish};
use db::{Executor, params};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, TestApp, TestUser, eventually};

/// Until every signal so far has told whom it concerns.
async fn told(app: &TestApp) {
    eventually(async || {
        app.app.supervisor.wake("notifications.tell");
        let sql = app.app.db.pick(
            "SELECT /* every community */ count(*) FROM signal s, signal_consumer c
             WHERE c.name = 'notifications.tell' AND s.id > c.signal_id",
            "SELECT /* every community */ count(*) FROM signal s, signal_consumer c
             WHERE c.name = 'notifications.tell' AND (s.xid::text::bigint, s.id) > (c.xid, c.signal_id)",
        );
        let waiting: Option<i64> = app.app.db.one(sql, vec![], |row| row.get(0)).await.unwrap();
        (waiting == Some(0)).then_some(())
    })
    .await;
}

async fn put(user: &TestUser, path: &str, body: Value) -> Answer {
    Answer::of(user.request(Method::PUT, path).json(&body)).await
}

async fn list(user: &TestUser, query: &str) -> Vec<Value> {
    let page = user.get(&format!("/notifications{query}")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

async fn unread(user: &TestUser) -> i64 {
    user.get("/notifications/unread").await.expect(200)["count"]
        .as_i64()
        .unwrap()
}

fn texts(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["text"].as_str().unwrap()).collect()
}

async fn group(by: &TestUser, name: &str, visibility: &str) -> String {
    let new = json!({"name": name, "kind": "interest", "visibility": visibility});
    by.post("/groups", new).await.expect(201)["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The same member after their access token has ended.
async fn again(user: &TestUser) -> TestUser {
    let session = user.refresh(&user.refresh_token, Some(&user.device_token)).await;
    user.with(&session.expect(200))
}

#[tokio::test]
async fn followers_are_told_together_and_once() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        for name in ["Bruno", "Carla", "Diego"] {
            let follower = app.user(name).await;
            app.clock.advance(Duration::from_secs(1));
            follower.put(&format!("/follows/{}", ana.id)).await.expect(204);
            // Again and again is no news.
            follower.delete(&format!("/follows/{}", ana.id)).await.expect(204);
            follower.put(&format!("/follows/{}", ana.id)).await.expect(204);
            told(app).await;
        }
        let items = list(&ana, "").await;
        assert_eq!(texts(&items), ["Diego and 2 others follow you"]);
        assert_eq!(
            (&items[0]["count"], &items[0]["path"]),
            (&json!(3), &json!("/members/diego"))
        );
        assert_eq!(items[0]["actors"][1]["username"], "carla");
        assert_eq!(unread(&ana).await, 1);
        let spanish = ana
            .request(Method::GET, "/notifications")
            .header("accept-language", "es-AR");
        let spanish = Answer::of(spanish).await.expect(200);
        assert_eq!(spanish["items"][0]["text"], "Diego y 2 personas más te siguen");

        let id = items[0]["id"].as_str().unwrap();
        ana.put(&format!("/notifications/{id}/read")).await.expect(204);
        ana.put(&format!("/notifications/{id}/read")).await.expect(204);
        assert_eq!(unread(&ana).await, 0);
        assert!(list(&ana, "?unread=true").await.is_empty());
        assert!(list(&ana, "").await[0]["read_at"].is_string());
        // What comes after it was read begins anew.
        let emma = app.user("Emma").await;
        app.clock.advance(Duration::from_secs(1));
        emma.put(&format!("/follows/{}", ana.id)).await.expect(204);
        told(app).await;
        assert_eq!(
            texts(&list(&ana, "").await),
            ["Emma follows you", "Diego and 2 others follow you"]
        );
        emma.put(&format!("/notifications/{id}/read"))
            .await
            .refused(404, "not_found");
        emma.delete(&format!("/notifications/{id}"))
            .await
            .refused(404, "not_found");
        ana.delete(&format!("/notifications/{id}")).await.expect(204);
        assert_eq!(list(&ana, "").await.len(), 1);
    })
    .await;
}

/// A consumer may see its signals again, after a crash for instance.
#[tokio::test]
async fn a_cause_counts_once_even_when_its_signal_comes_again() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let id = group(&ana, "Milongueros", "closed").await;
        bruno.put(&format!("/groups/{id}/membership")).await.expect(200);
        ana.put(&format!("/groups/{id}/requests/{}", bruno.id))
            .await
            .expect(204);
        bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        told(app).await;
        let before = (list(&ana, "").await, list(&bruno, "").await);
        assert_eq!(texts(&before.1), ["Ana let you into the group Milongueros"]);
        assert_eq!(before.0.len(), 2);
        for _ in 0..3 {
            let back = "UPDATE signal_consumer SET xid = 0, signal_id = 0 WHERE name = $1";
            let back = move |tx: db::Tx| async move { tx.execute(back, params!["notifications.tell"]).await };
            app.app.db.write_again(back).await.unwrap();
            told(app).await;
        }
        assert_eq!((list(&ana, "").await, list(&bruno, "").await), before);
        // Read or not makes no difference.
        put(&ana, "/notifications/read", json!({})).await.expect(204);
        let back = "UPDATE signal_consumer SET xid = 0, signal_id = 0 WHERE name = $1";
        let back = move |tx: db::Tx| async move { tx.execute(back, params!["notifications.tell"]).await };
        app.app.db.write_again(back).await.unwrap();
        told(app).await;
        assert_eq!(unread(&ana).await, 0);
    })
    .await;
}

#[tokio::test]
async fn groups_tell_who_asks_and_who_is_asked() {
    each_db(async |app| {
        let (ana, bruno, carla) = (app.user("Ana").await, app.user("Bruno").await, app.user("Carla").await);
        let id = group(&ana, "Secret milonga", "private").await;
        ana.put(&format!("/groups/{id}/invitations/{}", bruno.id)).await.expect(204);
        told(app).await;
        let items = list(&bruno, "").await;
        assert_eq!(texts(&items), ["Ana invites you to the group Secret milonga"]);
        assert_eq!(items[0]["path"], format!("/groups/{id}"));
        assert_eq!(items[0]["priority"]["kind"], 0.8);
        let open = group(&ana, "Closed milonga", "closed").await;
        carla.put(&format!("/groups/{open}/membership")).await.expect(200);
        told(app).await;
        assert_eq!(texts(&list(&ana, "").await), ["Carla would like to join Closed milonga"]);
        bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        let event = json!({"title": "Gran baile", "city": "Roma", "starts_at": "2026-12-24T20:00:00Z", "time_zone": "Europe/Rome"});
        app.clock.advance(Duration::from_secs(1));
        ana.post("/events", event).await.expect(201);
        told(app).await;
        assert_eq!(texts(&list(&bruno, "").await)[0], "Ana announced an event: Gran baile");
        assert!(list(&carla, "").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn nobody_hears_of_those_they_blocked_or_muted() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        put(&ana, &format!("/mutes/{}", bruno.id), json!({})).await;
        bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        carla.put(&format!("/follows/{}", ana.id)).await.expect(204);
        told(app).await;
        assert_eq!(
            texts(&list(&ana, "").await),
            ["Carla follows you"],
            "Bruno is muted"
        );
        // What was told before the block is not there either.
        ana.put(&format!("/blocks/{}", carla.id)).await;
        assert!(list(&ana, "").await.is_empty());
        assert_eq!(unread(&ana).await, 0);
    })
    .await;
}

#[tokio::test]
async fn members_say_what_they_want_and_how() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let before = ana.get("/notifications/preferences").await.expect(200);
        let follow = |preferences: &Value| {
            let kinds = preferences["kinds"].as_array().unwrap().clone();
            kinds.into_iter().find(|kind| kind["kind"] == "follow").unwrap()
        };
        assert_eq!(follow(&before), json!({"kind": "follow", "in_app": true, "push": false, "email": true}));
        assert_eq!((&before["digest"], &before["time_zone"]), (&json!("daily"), &json!("UTC")));
        let wish = json!({
            "kinds": [{"kind": "follow", "in_app": false, "email": false}],
            "time_zone": "america/argentina/buenos_aires", "quiet_from": 1380, "quiet_to": 480, "digest": "weekly",
        });
        let after = put(&ana, "/notifications/preferences", wish).await.expect(200);
        assert_eq!(follow(&after), json!({"kind": "follow", "in_app": false, "push": false, "email": false}));
        assert_eq!(after["time_zone"], "America/Argentina/Buenos_Aires");
        assert_eq!((&after["quiet_from"], &after["quiet_to"]), (&json!(1380), &json!(480)));
        assert_eq!(ana.get("/notifications/preferences").await.expect(200), after);
        bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        told(app).await;
        assert!(list(&ana, "").await.is_empty());
        for wrong in [
            json!({"quiet_from": 5}),
            json!({"quiet_from": 1440, "quiet_to": 1}),
            json!({"time_zone": "Mars/Olympus"}),
            json!({"kinds": [{"kind": "gossip"}]}),
        ] {
            put(&ana, "/notifications/preferences", wrong).await.refused(422, "invalid");
        }
    })
    .await;
}

#[tokio::test]
async fn the_digest_comes_once_a_day_by_the_members_clocks_with_what_is_unread() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let zone = json!({"time_zone": "America/Argentina/Buenos_Aires", "digest_at": 600});
        put(&ana, "/notifications/preferences", zone).await.expect(200);
        put(&carla, "/notifications/preferences", json!({"digest": "off"}))
            .await
            .expect(200);
        for member in [&ana, &carla] {
            bruno.put(&format!("/follows/{}", member.id)).await.expect(204);
        }
        told(app).await;
        let digests = async || {
            app.run_worker("notifications.digest").await;
            let mails = app.mails().await;
            let news: Vec<_> = mails
                .into_iter()
                .filter(|mail| mail.subject.starts_with("News"))
                .collect();
            news
        };
        assert!(digests().await.is_empty(), "12:00 UTC is 9:00 in Buenos Aires");
        app.clock.advance(Duration::from_mins(59));
        assert!(digests().await.is_empty());
        app.clock.advance(Duration::from_mins(1));
        let mails = digests().await;
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].to, "ana@example.test");
        assert!(mails[0].text.contains("* Bruno follows you"), "{}", mails[0].text);
        assert!(mails[0].text.contains("/settings/notifications"));
        // Once: not again the next day, unless there is news, and not what was read.
        app.clock.advance(Duration::from_hours(24));
        assert_eq!(digests().await.len(), 1);
        let (ana, carla) = (again(&ana).await, again(&carla).await);
        carla.put(&format!("/follows/{}", ana.id)).await.expect(204);
        told(app).await;
        put(&ana, "/notifications/read", json!({})).await.expect(204);
        app.clock.advance(Duration::from_hours(24));
        assert_eq!(digests().await.len(), 1, "she has read it");
    })
    .await;
}

#[tokio::test]
async fn what_deserves_attention_stands_first_when_asked_for() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let id = group(&bruno, "Milongueros", "public").await;
        bruno
            .put(&format!("/groups/{id}/invitations/{}", ana.id))
            .await
            .expect(204);
        told(app).await;
        app.clock.advance(Duration::from_mins(1));
        bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        told(app).await;
        let kinds = |items: Vec<Value>| -> Vec<String> {
            items
                .iter()
                .map(|item| item["kind"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(kinds(list(&ana, "").await), ["follow", "group_invite"]);
        let ranked = list(&ana, "?order=priority").await;
        assert_eq!(kinds(ranked.clone()), ["group_invite", "follow"]);
        let priority = &ranked[0]["priority"];
        assert!(
            priority["score"].as_f64().unwrap() > 0.5 && priority["band"] == "normal",
            "{priority}"
        );
        // In pages of one, the last first.
        let first = ana.get("/notifications?limit=1").await.expect(200);
        let next = first["next_cursor"].as_str().unwrap();
        assert_eq!(
            kinds(list(&ana, &format!("?limit=1&cursor={next}")).await),
            ["group_invite"]
        );
    })
    .await;
}

#[tokio::test]
async fn the_list_is_answered_by_its_index() {
    each_db(async |app| {
        let db = &app.app.db;
        let is_postgres = db.engine_name() == "postgres";
        let (explain, nobody, time) = if is_postgres {
            (
                "EXPLAIN ",
                "'00000000-0000-0000-0000-000000000000'::uuid",
                "'2026-01-01'::timestamptz",
            )
        } else {
            ("EXPLAIN QUERY PLAN ", "x'00'", "0")
        };
        let sql = store::listing()
            .replace("$1", nobody)
            .replace("$2", time)
            .replace("$3", nobody)
            .replace("$4", "20");
        let sql: &'static str = format!("{explain}{sql}").leak();
        let plan: Vec<String> = if is_postgres {
            db.write(move |tx| async move {
                tx.batch("SET LOCAL enable_seqscan = off").await?;
                tx.all(sql, vec![], |row| row.get(0)).await
            })
            .await
            .unwrap()
        } else {
            db.all(sql, vec![], |row| row.get(3)).await.unwrap()
        };
        let plan = plan.join("\n");
        assert!(
            plan.contains("notification_newest") || plan.contains("notification_unread"),
            "{plan}"
        );
        assert!(!plan.contains("Seq Scan") && !plan.contains("SCAN n"), "{plan}");
    })
    .await;
}

#[tokio::test]
async fn reactions_comments_and_mentions_are_told_to_whom_they_concern() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let post = publish(app, &ana, "Milonga tonight").await["id"]
            .as_str()
            .unwrap()
            .to_owned();
        for member in [&bruno, &carla] {
            app.clock.advance(Duration::from_secs(1));
            let reactions = format!("/posts/{post}/reactions");
            member.post(&reactions, json!({"type": "love"})).await.expect(200);
            // Another feeling is no news.
            member.post(&reactions, json!({"type": "like"})).await.expect(200);
            told(app).await;
        }
        let items = list(&ana, "").await;
        assert_eq!(texts(&items), ["Carla and Bruno reacted to your post"]);
        assert_eq!(items[0]["path"], format!("/posts/{post}"));

        app.clock.advance(Duration::from_secs(1));
        let comments = format!("/posts/{post}/comments");
        let comment = json!({"body": "See you there, @carla"});
        let comment = bruno.post(&comments, comment).await.expect(201);
        told(app).await;
        assert_eq!(texts(&list(&ana, "").await)[0], "Bruno commented on your post");
        assert_eq!(texts(&list(&carla, "").await), ["Bruno mentioned you"]);
        assert!(list(&bruno, "").await.is_empty());

        app.clock.advance(Duration::from_secs(1));
        let answer = json!({"body": "Sure, @bruno", "parent_id": comment["id"]});
        carla.post(&comments, answer).await.expect(201);
        let liked = format!("/comments/{}/reactions", comment["id"].as_str().unwrap());
        ana.post(&liked, json!({"type": "like"})).await.expect(200);
        told(app).await;
        let mut both = texts(&list(&bruno, "").await)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        both.sort();
        assert_eq!(
            both,
            ["Ana reacted to your comment", "Carla answered your comment"]
        );
    })
    .await;
}

#[tokio::test]
async fn nobody_is_told_of_a_post_that_they_may_not_read() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let secret = json!({"body": "Between us, @bruno", "visibility": "private"});
        let secret = ana.post("/posts", secret).await.expect(201);
        told(app).await;
        assert!(list(&bruno, "").await.is_empty());
        // Opened and naming him anew, it is news; naming him once more is none.
        let path = format!("/posts/{}", secret["id"].as_str().unwrap());
        ana.patch(&path, json!({"body": "To nobody"})).await.expect(200);
        for body in ["Dear @bruno", "Dear all", "Dear all and @bruno"] {
            ana.patch(&path, json!({"body": body, "visibility": "public"}))
                .await
                .expect(200);
            told(app).await;
        }
        let items = list(&bruno, "").await;
        assert_eq!(texts(&items), ["Ana mentioned you"]);
        assert_eq!(items[0]["count"], 1);
    })
    .await;
}
