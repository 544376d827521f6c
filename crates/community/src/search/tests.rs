use super::{Found, store};
use crate::tests::{each_db, publish};
use db::{Executor, params};
use serde_json::{Value, json};
use testkit::{TestApp, TestUser, eventually};

/// Until the index has everything that is there.
async fn indexed(app: &TestApp) {
    app.run_worker("search.catch_up").await;
    eventually(async || {
        app.app.supervisor.wake("search.index");
        let sql = "SELECT /* every community */ (SELECT count(*) FROM post) + (SELECT count(*) FROM event)
                          + (SELECT count(*) FROM member) + (SELECT count(*) FROM community_group)
                          + (SELECT count(*) FROM place)
                          - (SELECT count(*) FROM search_document)";
        let missing: Option<i64> = app.app.db.one(sql, vec![], |row| row.get(0)).await.unwrap();
        (missing == Some(0)).then_some(())
    })
    .await;
}

async fn find(user: &TestUser, query: &str) -> Vec<Value> {
    let page = user.get(&format!("/search?{query}")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

/// Kind, name or text, and why.
fn told(hits: &[Value]) -> Vec<(&str, &str, &str)> {
    hits.iter()
        .map(|hit| {
            let kind = hit["kind"].as_str().unwrap();
            let text = if kind == "post" {
                &hit["text"]
            } else {
                &hit["name"]
            };
            (kind, text.as_str().unwrap(), hit["why"]["rule"].as_str().unwrap())
        })
        .collect()
}

async fn event(by: &TestUser, title: &str, city: &str, starts_at: &str) {
    let new = json!({"title": title, "city": city, "starts_at": starts_at, "time_zone": "UTC"});
    by.post("/events", new).await.expect(201);
}

async fn change(app: &TestApp, sql: &'static str, id: &str) {
    let id: uuid::Uuid = id.parse().unwrap();
    let work = move |tx: db::Tx| async move { tx.execute(sql, params![id]).await };
    app.app.db.write_again(work).await.unwrap();
}

#[tokio::test]
async fn accents_and_slips_of_the_finger_do_not_matter() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        publish(app, &ana, "Práctica en el sur").await;
        publish(app, &ana, "Gran MILONGA esta noche").await;
        indexed(app).await;
        let hits = find(&bruno, "q=practica").await;
        assert_eq!(told(&hits), [("post", "Práctica en el sur", "prefix")]);
        assert_eq!(
            hits[0]["why"],
            json!({"rule": "prefix", "points": 80, "words": ["practica"]})
        );
        assert_eq!(hits[0]["address"], "ana");
        let hits = find(&bruno, "q=milnga").await;
        assert_eq!(told(&hits), [("post", "Gran MILONGA esta noche", "partial")]);
        assert_eq!(hits[0]["why"]["words"], json!(["milonga"]));
        assert_eq!(find(&bruno, "q=milon").await.len(), 1, "a word may be unfinished");
        assert!(find(&bruno, "q=chacarera").await.is_empty());
        assert!(find(&bruno, "q=%3F%21").await.is_empty());
        bruno.get("/search?q=").await.refused(422, "invalid");
        // What databases take for more than words finds nothing and breaks nothing.
        for query in [
            "%22",
            "'%3B--",
            "a%20OR%20b%20NOT%20*",
            "NEAR(a%20b)",
            "%5Ca%27%3A*%20%26%20%7C",
        ] {
            find(&bruno, &format!("q={query}")).await;
        }
    })
    .await;
}

#[tokio::test]
async fn one_box_finds_people_posts_groups_and_events_the_best_first() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let malena = app.user("Malena").await;
        publish(app, &ana, "Anoche sonó Malena y lloré").await;
        ana.post(
            "/groups",
            json!({"name": "Malena fans", "kind": "interest", "visibility": "public"}),
        )
        .await
        .expect(201);
        event(&ana, "Milonga Malena", "Roma", "2026-12-24T20:00:00Z").await;
        indexed(app).await;
        let hits = find(&bruno, "q=malena").await;
        let rules = told(&hits);
        assert_eq!(rules[0], ("member", "Malena", "exact"));
        assert_eq!(rules[1], ("group", "Malena fans", "prefix"));
        assert_eq!(rules.len(), 4);
        assert!(rules[2..].iter().all(|(_, _, rule)| *rule == "whole_word"));
        for kind in ["member", "group", "post", "event"] {
            let hits = find(&bruno, &format!("q=malena&kind={kind}")).await;
            assert_eq!(hits.len(), 1, "{kind}");
            assert_eq!(hits[0]["kind"], kind);
        }
        // The same in pages of one.
        let (mut seen, mut cursor) = (vec![], String::new());
        loop {
            let page = bruno
                .get(&format!("/search?q=malena&limit=1{cursor}"))
                .await
                .expect(200);
            seen.extend(page["items"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, hits);
        let _ = malena;
    })
    .await;
}

#[tokio::test]
async fn nobody_finds_what_they_may_not_see() {
    each_db(async |app| {
        let (ana, bruno, carla) = (app.user("Ana").await, app.user("Bruno").await, app.user("Carla").await);
        let secret = publish(app, &ana, "Sorpresa secreta").await["id"].as_str().unwrap().to_owned();
        let grouped = publish(app, &ana, "Sorpresa entre nosotros").await["id"].as_str().unwrap().to_owned();
        let new = json!({"name": "Sorpresa", "kind": "interest", "visibility": "private"});
        let group = ana.post("/groups", new).await.expect(201)["id"].as_str().unwrap().to_owned();
        change(app, "UPDATE post /* every community */ SET visibility = 'private' WHERE id = $1", &secret).await;
        change(
            app,
            "UPDATE post /* every community */ SET visibility = 'group', group_id = (SELECT id FROM community_group) WHERE id = $1",
            &grouped,
        )
        .await;
        indexed(app).await;
        assert_eq!(find(&ana, "q=sorpresa").await.len(), 3);
        assert!(find(&bruno, "q=sorpresa").await.is_empty());
        ana.put(&format!("/groups/{group}/invitations/{}", bruno.id)).await.expect(204);
        assert_eq!(told(&find(&bruno, "q=sorpresa").await), [("group", "Sorpresa", "exact")]);
        bruno.put(&format!("/groups/{group}/membership")).await.expect(200);
        assert_eq!(find(&bruno, "q=sorpresa").await.len(), 2);
        assert!(find(&carla, "q=sorpresa").await.is_empty());

        publish(app, &ana, "Una vidala para todos").await;
        indexed(app).await;
        assert_eq!(find(&carla, "q=vidala").await.len(), 1);
        assert_eq!(find(&carla, "q=ana").await.len(), 1);
        let block = ana.request(reqwest::Method::PUT, &format!("/blocks/{}", carla.id)).send().await.unwrap();
        assert!(block.status().is_success(), "{block:?}");
        assert!(find(&carla, "q=vidala").await.is_empty(), "blocked");
        assert!(find(&carla, "q=ana").await.is_empty());
        assert!(find(&ana, "q=carla").await.is_empty(), "either way");
        let suggested = carla.get("/search/suggestions?q=an").await.expect(200);
        assert!(suggested["items"].as_array().unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_changed_or_deleted_is_found_as_it_is() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let post = publish(app, &ana, "Un zorzal canta").await["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let new = json!({"name": "Zorzales", "kind": "interest", "visibility": "public"});
        let group = ana.post("/groups", new).await.expect(201)["id"]
            .as_str()
            .unwrap()
            .to_owned();
        indexed(app).await;
        assert_eq!(find(&ana, "q=zorzal").await.len(), 2);
        ana.patch(&format!("/groups/{group}"), json!({"name": "Calandrias"}))
            .await
            .expect(200);
        eventually(async || {
            app.app.supervisor.wake("search.index");
            (find(&ana, "q=calandrias").await.len() == 1).then_some(())
        })
        .await;
        assert_eq!(find(&ana, "q=zorzal").await.len(), 1);
        ana.patch(&format!("/posts/{post}"), json!({"body": "Un jilguero canta"}))
            .await
            .expect(200);
        eventually(async || {
            app.app.supervisor.wake("search.index");
            (find(&ana, "q=jilguero").await.len() == 1).then_some(())
        })
        .await;
        assert!(find(&ana, "q=zorzal").await.is_empty(), "what it said before");
        ana.delete(&format!("/posts/{post}")).await.expect(204);
        assert!(find(&ana, "q=jilguero").await.is_empty());
        app.run_worker("search.trends").await;
        let words = "SELECT word FROM search_word WHERE community_id = @community ORDER BY word";
        let words: Vec<String> = app.app.db.all(words, vec![], |row| row.get(0)).await.unwrap();
        assert_eq!(words, ["calandrias"], "a word that stands nowhere is forgotten");
    })
    .await;
}

#[tokio::test]
async fn filters_by_date_city_and_distance() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        for (title, city, day) in [
            ("Tango in Wien", "Wien", "2026-12-01"),
            ("Tango in Graz", "Graz", "2026-12-10"),
            ("Tango in Roma", "Roma", "2026-12-20"),
        ] {
            event(&ana, title, city, &format!("{day}T20:00:00Z")).await;
        }
        app.run_worker("groups.cities").await;
        indexed(app).await;
        let names = async |query: &str| {
            let hits = find(&ana, query).await;
            let mut names: Vec<String> = hits
                .iter()
                .map(|hit| hit["name"].as_str().unwrap().to_owned())
                .collect();
            names.sort();
            names
        };
        assert_eq!(
            names("q=tango&from=2026-12-05T00:00:00Z").await,
            ["Tango in Graz", "Tango in Roma"]
        );
        assert_eq!(names("q=tango&to=2026-12-05T00:00:00Z").await, ["Tango in Wien"]);
        assert_eq!(names("q=tango&city=Rome").await, ["Tango in Roma"]);
        let near = "q=tango&latitude=48.2&longitude=16.4&within_km";
        assert_eq!(names(&format!("{near}=50")).await, ["Tango in Wien"]);
        assert_eq!(
            names(&format!("{near}=200")).await,
            ["Tango in Graz", "Tango in Wien"]
        );
        let hit = &find(&ana, &format!("{near}=50")).await[0];
        assert!(hit["distance_km"].as_f64().unwrap() < 10.0);
        ana.get("/search?q=tango&latitude=48.2")
            .await
            .refused(422, "invalid");
        ana.get("/search?q=tango&latitude=98.2&longitude=1&within_km=1")
            .await
            .refused(422, "invalid");
    })
    .await;
}

/// What few look for is nobody's business; what many look for is a trend, without names.
#[tokio::test]
async fn a_term_trends_once_enough_members_look_for_it() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        publish(app, &ana, "El festival de Tarbes").await;
        publish(app, &ana, "La enfermedad de Ana").await;
        indexed(app).await;
        let mut dancers = vec![];
        for n in 0..5 {
            dancers.push(app.user(&format!("Dancer{n}")).await);
        }
        let trending = async || {
            app.run_worker("search.trends").await;
            ana.get("/search/trending").await.expect(200)["items"].clone()
        };
        for dancer in &dancers[..4] {
            for _ in 0..3 {
                find(dancer, "q=Festival").await;
            }
            find(dancer, "q=enfermedad").await;
        }
        assert_eq!(trending().await, json!([]), "four are too few");
        find(&dancers[4], "q=festival").await;
        assert_eq!(trending().await, json!([{"term": "festival", "count": 5}]));
        assert_eq!(
            trending().await,
            json!([{"term": "festival", "count": 5}]),
            "nobody counts twice"
        );
        let suggested = dancers[0].get("/search/suggestions?q=fest").await.expect(200);
        assert_eq!(suggested["items"][0]["text"], "festival");
        indexed(app).await;
        let suggested = dancers[0].get("/search/suggestions?q=dancer3").await.expect(200);
        assert_eq!(suggested["items"][0]["kind"], "member");
    })
    .await;
}

/// No statement of the search goes through a whole table of content.
#[tokio::test]
async fn every_statement_is_answered_by_an_index() {
    each_db(async |app| {
        let db = &app.app.db;
        for kind in Found::ALL {
            let (sqlite, postgres) = store::statement(*kind);
            let plan = plan(db, *kind, sqlite, postgres).await;
            let index = match db.engine_name() {
                "sqlite" => "VIRTUAL TABLE INDEX",
                // By the words or by the numbers: with no row in the table both cost the same.
                _ => "on search_text_",
            };
            let found = plan.contains(index) || plan.contains("using search_text_");
            assert!(found, "{kind}: {plan}");
            for table in ["m", "p", "d", "e", "g", "c", "pr", "post", "member"] {
                assert!(!plan.contains(&format!("SCAN {table}\n")), "{kind}: {plan}");
            }
            assert!(!plan.contains("Seq Scan"), "{kind}: {plan}");
        }
    })
    .await;
}

/// The plan of a statement, with parameters put in as texts.
async fn plan(db: &db::Db, kind: Found, sqlite: &str, postgres: &str) -> String {
    let is_postgres = db.engine_name() == "postgres";
    let (mut sql, reader, query, time) = if is_postgres {
        let nobody = "'00000000-0000-0000-0000-000000000000'::uuid";
        (
            format!("EXPLAIN {postgres}"),
            nobody,
            "'''tango'''",
            "'2026-01-01'::timestamptz",
        )
    } else {
        (
            format!("EXPLAIN QUERY PLAN {sqlite}"),
            "x'00'",
            "'\"tango\"'",
            "0",
        )
    };
    let own: &[&str] = match kind {
        Found::Member => &["''", "''", "''", "0"],
        Found::Post => &[time, time],
        Found::Event => &[time, time, "''"],
        Found::Group => &["''", "''"],
        Found::Place => &["''"],
    };
    let texts = [&[reader, query, "0", "200"], own, &["0.0"; 4]].concat();
    for (n, text) in texts.iter().enumerate().rev() {
        sql = sql.replace(&format!("${}", n + 1), text);
    }
    let sql: &'static str = sql.leak();
    let lines: Vec<String> = if is_postgres {
        db.write(move |tx| async move {
            tx.batch("SET LOCAL enable_seqscan = off").await?;
            tx.all(sql, vec![], |row| row.get(0)).await
        })
        .await
        .unwrap()
    } else {
        db.all(sql, vec![], |row| row.get(3)).await.unwrap()
    };
    lines.join("\n") + "\n"
}
