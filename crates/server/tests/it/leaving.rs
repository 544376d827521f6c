//! A member takes along what is theirs, and leaves.

use crate::{
    app_with,
    communities::{call, found},
    each_db,
    media::{fetch, picture, upload},
};
use accounts::Role;
use db::{Db, Executor, params};
use platform::belongings::{Belongings, Leaves};
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use testkit::{Answer, SocketClient, TestApp, TestUser, eventually};
use uuid::Uuid;

/// Stands in every name and text of hers, and nowhere else.
const HERS: &str = "Zarzamora";

/// The word tables of full-text search have a form of each database's own; they leave with the documents.
const WORDS: &str = "search_text";

async fn texts(db: &Db, sql: &'static str) -> Vec<(String, String)> {
    let rows = db.all(sql, params![], |row| Ok((row.get(0)?, row.get(1)?)));
    let rows: Vec<(String, String)> = rows.await.expect("the schema is read");
    rows.into_iter()
        .filter(|(table, _)| table != "schema_migration" && !table.starts_with(WORDS))
        .collect()
}

/// Every table and its columns.
async fn schema(db: &Db) -> Vec<(String, Vec<String>)> {
    let columns = texts(
        db,
        db.pick(
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY 1",
            "SELECT table_name, column_name FROM information_schema.columns
             WHERE table_schema = current_schema() ORDER BY 1",
        ),
    )
    .await;
    let mut tables: Vec<(String, Vec<String>)> = vec![];
    for (table, column) in columns {
        match tables.last_mut() {
            Some((last, columns)) if *last == table => columns.push(column),
            _ => tables.push((table, vec![column])),
        }
    }
    tables
}

/// Rows of the first table leave with a row of the second.
async fn cascades(db: &Db) -> BTreeSet<(String, String)> {
    let links = texts(
        db,
        db.pick(
            "SELECT m.name, f.\"table\" FROM sqlite_master m, pragma_foreign_key_list(m.name) f
             WHERE m.type = 'table' AND f.on_delete = 'CASCADE'",
            "SELECT c.conrelid::regclass::text, c.confrelid::regclass::text FROM pg_constraint c
             JOIN pg_namespace s ON s.oid = c.connamespace
             WHERE c.contype = 'f' AND c.confdeltype = 'c' AND s.nspname = current_schema()",
        ),
    );
    links.await.into_iter().collect()
}

#[tokio::test]
async fn every_table_says_whose_it_is_and_how_it_leaves() {
    each_db(async |app| {
        let (db, all) = (&app.app.db, server::lifecycle::belongings());
        let gaps = all.gaps(&schema(db).await);
        assert!(gaps.is_empty(), "{}", gaps.join("\n"));
        let cascades = cascades(db).await;
        for table in all.tables() {
            if let Leaves::With(parent) = table.leaves {
                let link = (table.name.to_owned(), parent.to_owned());
                assert!(cascades.contains(&link), "{link:?} is no cascade");
            }
        }

        // Somebody adds a table and a column, and says nothing of them.
        let sql = "CREATE TABLE diary (id INTEGER PRIMARY KEY, secret TEXT); ALTER TABLE post ADD COLUMN mood TEXT;";
        db.write(move |tx| async move { tx.batch(sql).await }).await.unwrap();
        let gaps = all.gaps(&schema(db).await);
        assert_eq!(gaps.len(), 2, "{gaps:?}");
        assert!(gaps[0].starts_with("diary: whose is it"), "{gaps:?}");
        assert!(gaps[1].starts_with("post.mood: is it exported"), "{gaps:?}");
    })
    .await;
}

async fn put(user: &TestUser, path: &str, body: Value) -> Answer {
    Answer::of(user.request(Method::PUT, path).json(&body)).await
}

fn id(thing: &Value) -> &str {
    thing["id"].as_str().expect("an id")
}

/// What she and the others have made of the place.
struct World {
    her: TestUser,
    bruno: TestUser,
    post: Value,
    his_post: Value,
    event: Value,
    place: Value,
    direct: Value,
    room: Value,
    group: Value,
    media: Value,
    token: String,
}

async fn says(user: &TestUser, room: &Value, body: &str) -> Value {
    let path = format!("/rooms/{}/messages", id(room));
    user.post(&path, json!({"body": body})).await.expect(201)
}

/// She uses everything.
async fn world(app: &TestApp) -> World {
    let (her, bruno, carla) = (
        app.user(HERS).await,
        app.user("Bruno").await,
        app.user("Carla").await,
    );
    let text = |what: &str| format!("{HERS}: {what}");
    bruno.put(&format!("/follows/{}", her.id)).await;
    her.put(&format!("/follows/{}", bruno.id)).await;
    let post = her
        .post("/posts", json!({"body": text("my first milonga")}))
        .await
        .expect(201);
    let patch = json!({"body": text("my second milonga")});
    her.patch(&format!("/posts/{}", id(&post)), patch)
        .await
        .expect(200);
    let his_post = bruno
        .post("/posts", json!({"body": "La yumba"}))
        .await
        .expect(201);
    for (user, post) in [(&her, &his_post), (&bruno, &post), (&bruno, &his_post)] {
        let path = format!("/posts/{}/reactions", id(post));
        user.post(&path, json!({"type": "love"})).await;
    }
    let plans = json!({"title": "Milonga", "city": "Buenos Aires", "time_zone": "America/Argentina/Buenos_Aires",
        "starts_at": app.clock.now().plus(Duration::from_hours(48)).to_string()});
    let event = bruno.post("/events", plans).await.expect(201);
    let rsvps = format!("/events/{}/rsvps", id(&event));
    for user in [&her, &bruno] {
        user.post(&rsvps, json!({"status": "going"})).await.expect(200);
    }
    let direct = her.put(&format!("/rooms/direct/{}", bruno.id)).await.expect(200);
    says(&her, &direct, &text("hola")).await;
    says(&bruno, &direct, "buenas").await;
    let new = json!({"title": "Encuentro", "member_ids": [bruno.id]});
    let room = her.post("/rooms", new).await.expect(201);
    bruno.put(&format!("/rooms/{}/membership", id(&room))).await;
    let said = says(&bruno, &room, "who comes?").await;
    her.post(
        &format!("/messages/{}/reactions", id(&said)),
        json!({"type": "like"}),
    )
    .await;
    says(&her, &room, &text("I do")).await;
    let new = json!({"name": "Tango y vino", "kind": "community", "visibility": "public"});
    let group = her.post("/groups", new).await.expect(201);
    bruno
        .put(&format!("/groups/{}/membership", id(&group)))
        .await
        .expect(200);
    let comments = format!("/posts/{}/comments", id(&his_post));
    let comment = her
        .post(&comments, json!({"body": text("me too")}))
        .await
        .expect(201);
    let answer = json!({"body": "come along", "parent_id": comment["id"]});
    bruno.post(&comments, answer).await.expect(201);
    her.post("/stories", json!({"caption": text("tonight")}))
        .await
        .expect(201);
    her.put(&format!("/saved/{}", id(&his_post))).await;
    let report =
        json!({"subject_kind": "post", "subject_id": his_post["id"], "reason": "spam", "note": text("?")});
    her.post("/reports", report).await.expect(201);
    let new =
        json!({"name": "El Beso", "kind": "venue", "city": "Buenos Aires", "description": text("go there")});
    let place = her.post("/places", new).await.expect(201);
    for user in [&her, &bruno] {
        let path = format!("/places/{}/rating", id(&place));
        put(user, &path, json!({"stars": 5})).await.expect(200);
    }
    her.put(&format!("/blocks/{}", carla.id)).await;
    her.put(&format!("/mutes/{}", bruno.id)).await;
    let wish = json!({"time_zone": "Europe/Rome", "digest": "weekly"});
    put(&her, "/notifications/preferences", wish).await;
    let media = upload(app, &her, picture()).await;
    let named = json!({"alt": text("at the window")});
    her.patch(&format!("/media/{}", id(&media)), named)
        .await
        .expect(200);
    her.post("/me/avatar", json!({"media_id": media["id"]})).await;
    her.patch("/me/presence", json!({"visibility": "nobody"})).await;
    let new = json!({"name": text("script"), "scopes": ["feed:read"], "expires_in_days": 30});
    let token = her.post("/access-tokens", new).await.expect(201);
    let hook = json!({"url": "https://localhost/zarzamora", "events": ["post.created"]});
    her.post("/webhooks", hook).await.expect(201);
    for worker in ["search.catch_up", "notifications.tell", "webhooks.fan_out"] {
        app.run_worker(worker).await;
    }
    World {
        post,
        his_post,
        event,
        place,
        direct,
        room,
        group,
        media,
        token: token["token"].as_str().unwrap().to_owned(),
        her,
        bruno,
    }
}

#[tokio::test]
async fn all_that_is_a_members_stands_in_their_export_and_nothing_of_others() {
    each_db(async |app| {
        let World { her, bruno, .. } = world(app).await;
        let answer = her.get("/me/export").await;
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(
            answer
                .header("content-disposition")
                .starts_with("attachment; filename=\"mundo-tango-")
        );
        let export = answer.expect(200);
        assert_eq!(export["format"], "mundo-tango-export/1");
        assert_eq!(export["member_id"], her.id.as_str());
        let tables = export["tables"].as_object().unwrap();
        for name in [
            "post",
            "post_edit",
            "place",
            "place_rating",
            "comment",
            "story",
            "saved_post",
            "report",
            "reaction",
            "rsvp",
            "follow",
            "block",
            "mute",
            "message",
            "message_reaction",
            "room_member",
            "group_member",
            "community_group",
            "media",
            "media_usage",
            "access_token",
            "webhook",
            "session",
            "device",
            "security_log",
            "member",
            "member_presence",
            "notification_schedule",
        ] {
            assert!(
                !tables[name].as_array().unwrap().is_empty(),
                "{name}: {}",
                tables[name]
            );
        }
        assert_eq!(tables["member"][0]["email"], "zarzamora@example.test");
        assert_eq!(tables["post"][0]["body"], format!("{HERS}: my second milonga"));
        assert_eq!(
            tables["post_edit"][0]["body"],
            format!("{HERS}: my first milonga")
        );
        let said: Vec<_> = tables["message"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["body"])
            .collect();
        assert_eq!(said.len(), 2, "{said:?}");
        // The bytes can be fetched.
        assert!(!fetch(app, &tables["media"][0]["view"]["url"]).await.is_empty());
        // Nothing of others, and nothing that opens a door.
        let all = export.to_string();
        for foreign in [
            "La yumba",
            "buenas",
            "who comes",
            "bruno@example.test",
            "mt_",
            "$argon2",
            "whsec",
        ] {
            assert!(!all.contains(foreign), "{foreign} stands in the export");
        }
        assert!(
            !bruno
                .get("/me/export")
                .await
                .expect(200)
                .to_string()
                .contains(HERS)
        );
        let log = her.get("/me/security-log").await.expect(200).to_string();
        assert!(log.contains("\"exported\""), "{log}");
        app.clock.advance(Duration::from_mins(11));
        let stale = her.with(
            &her.refresh(&her.refresh_token, Some(&her.device_token))
                .await
                .expect(200),
        );
        stale.get("/me/export").await.refused(403, "reauth_required");
    })
    .await;
}

#[tokio::test]
async fn an_export_goes_on_over_pages_five_times_an_hour() {
    let app = app_with(&[("limits.enabled", "on")]).await;
    let her = app.user(HERS).await;
    let (member, own) = (her.id.parse::<Uuid>().unwrap(), app.app.clone());
    let many = app.app.db.write(move |tx| async move {
        for n in 0..1203_i64 {
            let (id, now) = (own.ids.next::<Uuid>(), own.clock.now());
            let sql = "INSERT INTO post (id, community_id, author_id, body, created_at) VALUES ($1, @community, $2, $3, $4)";
            tx.execute(sql, params![id, member, format!("post {n}"), now]).await?;
        }
        Ok(())
    });
    many.await.unwrap();
    let export = her.get("/me/export").await.expect(200);
    let bodies: BTreeSet<_> = export["tables"]["post"]
        .as_array()
        .unwrap()
        .iter()
        .map(|post| post["body"].to_string())
        .collect();
    assert_eq!(bodies.len(), 1203);
    for _ in 1..5 {
        her.get("/me/export").await.expect(200);
    }
    her.get("/me/export").await.refused(429, "rate_limited");
    app.end().await;
}

/// Where a member still stands: every column of every table that must know nothing any more.
async fn traces(app: &TestApp, all: &Belongings, member: Uuid) -> Vec<String> {
    let (db, mut traces) = (&app.app.db, vec![]);
    for (table, columns) in schema(db).await {
        let leaves = all
            .tables()
            .iter()
            .find(|known| known.name == table)
            .expect("known")
            .leaves;
        if matches!(leaves, Leaves::InTime(_)) {
            continue;
        }
        for column in columns {
            // A room of two, messages without words, the emptied row and the chain name an id.
            let names_id = [
                ("room", "low_id"),
                ("room", "high_id"),
                ("message", "sender_id"),
                ("comment", "author_id"),
                ("member", "id"),
                ("member", "email"),
                ("member", "username"),
                ("audit_log", "actor_id"),
                ("audit_log", "subject_id"),
            ];
            if names_id.contains(&(&*table, &*column)) {
                continue;
            }
            let texts = [
                format!(
                    "SELECT count(*) FROM {table} /* every community */ WHERE lower(hex({column})) LIKE $1 OR lower(CAST({column} AS TEXT)) LIKE $2"
                ),
                format!(
                    "SELECT count(*) FROM {table} /* every community */ WHERE replace({column}::text, '-', '') LIKE $1 OR lower({column}::text) LIKE $2"
                ),
            ];
            let [sqlite, postgres] = texts.map(|text| &*Box::leak(text.into_boxed_str()));
            let (hex, word) = (
                format!("%{}%", member.simple()),
                format!("%{}%", HERS.to_lowercase()),
            );
            let found: Option<i64> = db
                .one(db.pick(sqlite, postgres), params![hex, word], |row| row.get(0))
                .await
                .unwrap();
            if found != Some(0) {
                traces.push(format!("{table}.{column}"));
            }
        }
    }
    traces
}

/// All that is to be done for who leaves is done.
async fn finish(app: &TestApp) {
    eventually(async || {
        app.app.supervisor.wake("tasks.run");
        let counts = platform::tasks::counts(&app.app.db).await.unwrap();
        let due = counts.oldest_ready_at.is_some_and(|at| at <= app.clock.now());
        (!due && counts.running == 0).then_some(())
    })
    .await;
    app.run_worker("media.clean_up").await;
    for worker in ["search.index", "search.catch_up"] {
        app.run_worker(worker).await;
    }
}

#[tokio::test]
async fn who_leaves_is_gone_everywhere_and_the_others_go_on() {
    each_db(async |app| {
        let World { her, bruno, post, his_post, event, place, direct, room, group, media, token } = world(app).await;
        let member: Uuid = her.id.parse().unwrap();
        let mut socket = SocketClient::connect(&app.url, json!({"token": her.token})).await;

        // Not by accident, and not with an old proof.
        put(&her, "/me/deletion", json!({"username": "bruno"})).await.refused(422, "invalid");
        her.get("/me/deletion").await.refused(404, "not_found");
        let asked = put(&her, "/me/deletion", json!({"username": "ZARZAMORA"})).await.expect(200);
        socket.ends().await;
        her.get("/me").await.refused(401, "session_revoked");
        her.with(&json!({"access_token": token})).get("/feed").await.refused(401, "invalid_token");
        assert!(app.mails().await.iter().any(|mail| mail.text.contains("Log in until then")));

        // She may stay.
        let given = json!({"email": "zarzamora@example.test", "password": "correct horse", "device_token": her.device_token});
        let back = her.with(&app.post("/api/v1/auth/login", given.clone()).await.expect(200));
        assert_eq!(back.get("/me/deletion").await.expect(200), asked);
        back.delete("/me/deletion").await.expect(204);
        back.delete("/me/deletion").await.refused(404, "not_found");
        app.clock.advance(Duration::from_hours(15 * 24));
        app.run_worker("accounts.leaving").await;
        let back = her.with(&app.post("/api/v1/auth/login", given.clone()).await.expect(200));
        back.get("/me").await.expect(200);

        // She goes. Until her time has come nothing changes.
        put(&back, "/me/deletion", json!({"username": "zarzamora"})).await.expect(200);
        app.clock.advance(Duration::from_hours(13 * 24));
        app.run_worker("accounts.leaving").await;
        let bruno = bruno.with(&app.post("/api/v1/auth/login", json!({"email": "bruno@example.test", "password": "correct horse"})).await.expect(200));
        bruno.get(&format!("/members/{}", her.id)).await.expect(200);
        app.clock.advance(Duration::from_hours(25));
        app.run_worker("accounts.leaving").await;
        finish(app).await;

        let bruno = bruno.with(&app.post("/api/v1/auth/login", json!({"email": "bruno@example.test", "password": "correct horse"})).await.expect(200));
        app.post("/api/v1/auth/login", given).await.refused(401, "wrong_credentials");
        for gone in [format!("/members/{}", her.id), "/members/zarzamora".to_owned(), format!("/posts/{}", id(&post)), format!("/media/{}", id(&media))] {
            bruno.get(&gone).await.refused(404, "not_found");
        }
        // A row that says where bytes lie goes after the bytes.
        let sql = "SELECT /* every community */ count(*) FROM media_part";
        let parts: Option<i64> = app.app.db.one(sql, params![], |row| row.get(0)).await.unwrap();
        assert_eq!(parts, Some(0));

        // Counts of the others are right.
        let his = bruno.get(&format!("/posts/{}", id(&his_post))).await.expect(200);
        assert_eq!((&his["like_count"], &his["comment_count"]), (&json!(1), &json!(1)), "his own");
        assert_eq!(bruno.get(&format!("/events/{}", id(&event))).await.expect(200)["going_count"], 1);
        let me = bruno.get(&format!("/members/{}", bruno.id)).await.expect(200);
        assert_eq!((&me["follower_count"], &me["following_count"]), (&json!(0), &json!(0)));

        // The place that he has rated is nobody's, and has lost her words.
        let shown = bruno.get(&format!("/places/{}", id(&place))).await.expect(200);
        assert_eq!(
            [&shown["name"], &shown["description"], &shown["recommended_by"], &shown["rating_count"]],
            [&json!("El Beso"), &json!(""), &Value::Null, &json!(1)]
        );

        // Rooms go on, beside a former member; what she looked after has somebody else.
        let shown = bruno.get(&format!("/rooms/{}", id(&direct))).await.expect(200);
        assert_eq!(shown["other"]["display_name"], "Former member");
        let messages = bruno.get(&format!("/rooms/{}/messages", id(&direct))).await.expect(200);
        let seen: Vec<_> = messages["items"].as_array().unwrap().iter().map(|one| (one["sender"]["display_name"].clone(), one["body"].clone())).collect();
        assert_eq!(seen.len(), 2);
        assert!(seen.contains(&(json!("Former member"), json!(""))) && seen.contains(&(json!("Bruno"), json!("buenas"))), "{seen:?}");
        let shown = bruno.get(&format!("/rooms/{}", id(&room))).await.expect(200);
        assert_eq!((&shown["member_count"], &shown["membership"]["role"]), (&json!(1), &json!("owner")));
        let shown = bruno.get(&format!("/groups/{}", id(&group))).await.expect(200);
        assert_eq!((&shown["member_count"], &shown["my_role"]), (&json!(1), &json!("admin")));

        // Nothing is left of her, and her name is free.
        let all = server::lifecycle::belongings();
        assert_eq!(traces(app, &all, member).await, Vec::<String>::new());
        assert!(!traces(app, &all, bruno.id.parse().unwrap()).await.is_empty(), "the search finds who is there");
        app.user(HERS).await;
    })
    .await;
}

/// What of Bruno's and of others' she had a part in, within one community.
struct Corner {
    slug: &'static str,
    his_post: String,
    event: String,
    place: String,
    room: String,
}

/// She uses a community as any other.
async fn corner(her: &TestUser, bruno: &TestUser, slug: &'static str) -> Corner {
    let text = format!("{HERS} in {slug}");
    let made = async |user: &TestUser, path: &str, body: Value| {
        let answer = call(user, slug, Method::POST, path, Some(body)).await;
        id(&answer.expect(201)).to_owned()
    };
    let post = made(her, "/posts", json!({"body": text})).await;
    let his_post = made(bruno, "/posts", json!({"body": "La yumba"})).await;
    made(her, &format!("/posts/{his_post}/comments"), json!({"body": text})).await;
    made(
        bruno,
        &format!("/posts/{post}/comments"),
        json!({"body": "lindo"}),
    )
    .await;
    made(her, "/stories", json!({"caption": text})).await;
    let group = json!({"name": format!("Tango {slug}"), "kind": "interest", "visibility": "public"});
    made(her, "/groups", group).await;
    let plans =
        json!({"title": "Milonga", "city": slug, "starts_at": "2027-01-01T20:00:00Z", "time_zone": "UTC"});
    let event = made(bruno, "/events", plans).await;
    let new = json!({"name": "El Beso", "kind": "venue", "city": slug, "description": text});
    let place = made(her, "/places", new).await;
    let wrong = json!({"subject_kind": "post", "subject_id": his_post, "reason": "spam", "note": text});
    made(her, "/reports", wrong).await;
    let direct = format!("/rooms/direct/{}", bruno.id);
    let room = call(her, slug, Method::PUT, &direct, None).await.expect(200);
    let room = id(&room).to_owned();
    made(her, &format!("/rooms/{room}/messages"), json!({"body": text})).await;
    for user in [her, bruno] {
        let love = json!({"type": "love"});
        let reactions = format!("/posts/{his_post}/reactions");
        call(user, slug, Method::POST, &reactions, Some(love)).await;
        let going = json!({"status": "going"});
        let rsvps = format!("/events/{event}/rsvps");
        call(user, slug, Method::POST, &rsvps, Some(going))
            .await
            .expect(200);
        let stars = json!({"stars": 5, "body": if user.id == her.id { &*text } else { "" }});
        let rating = format!("/places/{place}/rating");
        call(user, slug, Method::PUT, &rating, Some(stars))
            .await
            .expect(200);
    }
    call(her, slug, Method::PUT, &format!("/saved/{his_post}"), None)
        .await
        .expect(204);
    call(her, slug, Method::PUT, &format!("/follows/{}", bruno.id), None).await;
    Corner {
        slug,
        his_post,
        event,
        place,
        room,
    }
}

#[tokio::test]
async fn what_is_a_members_in_several_communities_is_exported_and_leaves_all_of_them() {
    each_db(async |app| {
        let root = app.user("Root").await;
        crate::staff::give(app, &root, Role::God).await;
        let (her, bruno) = (app.user(HERS).await, app.user("Bruno").await);
        let mut corners = vec![corner(&her, &bruno, "mundo-tango").await];
        for slug in ["lisboa", "porto"] {
            found(&root, slug, &[&her, &bruno]).await;
            corners.push(corner(&her, &bruno, slug).await);
        }
        for worker in ["search.index", "notifications.tell"] {
            app.run_worker(worker).await;
        }

        // Asked for in any of them, the export tells of all.
        for slug in ["mundo-tango", "porto"] {
            let export = call(&her, slug, Method::GET, "/me/export", None)
                .await
                .expect(200);
            for (table, column) in [
                ("post", "body"),
                ("comment", "body"),
                ("story", "caption"),
                ("message", "body"),
                ("place", "description"),
                ("place_rating", "body"),
                ("report", "note"),
            ] {
                let rows = export["tables"][table].as_array().expect("a table");
                let told: BTreeSet<_> = rows.iter().map(|row| row[column].to_string()).collect();
                let hers = corners
                    .iter()
                    .map(|corner| format!("\"{HERS} in {}\"", corner.slug));
                assert_eq!(told, hers.collect(), "{table} asked for in {slug}");
            }
            for table in ["reaction", "rsvp", "saved_post", "community_group"] {
                let rows = export["tables"][table].as_array().expect("a table");
                assert_eq!(rows.len(), corners.len(), "{table} asked for in {slug}: {rows:?}");
            }
            assert!(!export.to_string().contains("La yumba"));
        }

        let leaves = json!({"username": HERS.to_lowercase()});
        call(&her, "lisboa", Method::PUT, "/me/deletion", Some(leaves))
            .await
            .expect(200);
        app.clock.advance(Duration::from_hours(15 * 24));
        app.run_worker("accounts.leaving").await;
        finish(app).await;

        let given = json!({"email": "bruno@example.test", "password": "correct horse"});
        let bruno = bruno.with(&app.post("/api/v1/auth/login", given).await.expect(200));
        for Corner {
            slug,
            his_post,
            event,
            place,
            room,
        } in corners
        {
            let read = async |path: String| call(&bruno, slug, Method::GET, &path, None).await.expect(200);
            let post = read(format!("/posts/{his_post}")).await;
            assert_eq!(
                (&post["like_count"], &post["comment_count"]),
                (&json!(1), &json!(0)),
                "{slug}"
            );
            assert_eq!(read(format!("/events/{event}")).await["going_count"], 1, "{slug}");
            let place = read(format!("/places/{place}")).await;
            assert_eq!(
                (
                    &place["description"],
                    &place["recommended_by"],
                    &place["rating_count"]
                ),
                (&json!(""), &Value::Null, &json!(1)),
                "{slug}"
            );
            let said = read(format!("/rooms/{room}/messages")).await;
            assert_eq!(said["items"][0]["body"], "", "{slug}");
            let people = read(format!("/search?q={HERS}")).await;
            assert_eq!(people["items"], json!([]), "{slug}");
        }
        let all = server::lifecycle::belongings();
        let member: Uuid = her.id.parse().unwrap();
        assert_eq!(traces(app, &all, member).await, Vec::<String>::new());
        let his = traces(app, &all, bruno.id.parse().unwrap()).await;
        assert!(!his.is_empty(), "the search finds who is there");
    })
    .await;
}
