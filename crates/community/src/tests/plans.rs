//! No statement goes through a whole table: after a tour through the community every statement that
//! it used is asked for its plan, on both databases. Every table counts as large but for a few; what
//! must go through all of one says here why.

use super::{counters, each_db, put, staff};
use accounts::Role;
use db::{Db, Executor, params};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};
use testkit::{TestApp, TestUser};

/// Tables that stay small however many members there are.
const SMALL: [&str; 12] = [
    "community",
    "schema_migration",
    "signal_consumer",
    "lease",
    "signing_key",
    "pepper",
    "push_key",
    "secret",
    "search_progress",
    "feature_flag",
    "notice",
    "custom_role",
];

/// Statements that go through a whole table, by their beginning, and why they may.
const EXCEPTIONS: [(&str, &str); 3] = [
    (
        "SELECT (SELECT count(*) FROM member), (SELECT count(*) FROM post",
        "the totals that staff see: a worker counts everything once an hour",
    ),
    (
        "SELECT count(DISTINCT member_id) FROM session WHERE last_used_at",
        "who was there today: counted every ten minutes, while an index would cost each session more",
    ),
    (
        "DELETE /* every community */ FROM stream_entry WHERE (community_id, kind, id, seq) IN (SELECT e.community_id",
        "an hourly worker reads the heads of all streams, and only what is too much of the entries",
    ),
];

/// Looks at everything that there is a page for.
async fn tour(app: &TestApp, user: &TestUser, other: &TestUser, moderator: &TestUser) {
    let id = |made: serde_json::Value| made["id"].as_str().expect("an id").to_owned();
    let post = json!({"body": "#troilo with @bruno", "companions": [other.id]});
    let post = id(user.post("/posts", post).await.expect(201));
    let patch = json!({"body": "#canaro", "visibility": "public"});
    user.patch(&format!("/posts/{post}"), patch).await.expect(200);
    let comments = format!("/posts/{post}/comments");
    let comment = id(user.post(&comments, json!({"body": "sí"})).await.expect(201));
    other.put(&format!("/saved/{post}")).await;
    user.patch("/me/profile", json!({"bio": "x", "city": "Roma"}))
        .await
        .expect(200);
    user.patch("/me/settings", json!({"messages_from": "friends"}))
        .await
        .expect(200);
    let place = json!({"name": format!("Where {} goes", user.name), "kind": "bar", "city": "Roma"});
    let place = id(user.post("/places", place).await.expect(201));
    put(user, &format!("/places/{place}/rating"), json!({"stars": 4}))
        .await
        .expect(200);
    user.delete(&format!("/places/{place}/rating")).await.expect(204);
    let event =
        json!({"title": "Milonga", "city": "Roma", "starts_at": "2030-01-01T20:00:00Z", "time_zone": "UTC"});
    let event = id(user.post("/events", event).await.expect(201));
    let going = json!({"status": "going"});
    user.post(&format!("/events/{event}/rsvps"), going).await;
    let group =
        json!({"name": format!("Friends of {}", user.name), "kind": "interest", "visibility": "public"});
    let group = id(user.post("/groups", group).await.expect(201));
    let room = json!({"title": "Encuentro", "member_ids": [other.id]});
    let room = id(user.post("/rooms", room).await.expect(201));
    let messages = format!("/rooms/{room}/messages");
    let message = id(user.post(&messages, json!({"body": "hola"})).await.expect(201));
    let hook = json!({"url": "https://localhost/hook", "events": ["post.created"]});
    let hook = user.post("/webhooks", hook).await.expect(201)["webhook"].clone();
    let hook = id(hook);
    for (kind, id) in [("post", &post), ("comment", &comment), ("place", &place)] {
        let report = json!({"subject_kind": kind, "subject_id": id, "reason": "spam"});
        other.post("/reports", report).await;
    }
    user.put(&format!("/mutes/{}", other.id)).await;
    user.delete(&format!("/mutes/{}", other.id)).await;
    for worker in [
        "search.index",
        "search.catch_up",
        "notifications.tell",
        "moderation.watch",
        "webhooks.fan_out",
    ] {
        app.run_worker(worker).await;
    }
    for path in [
        "/feed",
        "/feed?order=ranked",
        "/posts",
        &format!("/posts?author_id={}", other.id),
        "/posts?hashtag=canaro",
        &format!("/posts/{post}"),
        &format!("/posts/{post}/edits"),
        &comments,
        &format!("/comments/{comment}/replies"),
        &format!("/posts/{post}/reactions?type=like"),
        &format!("/posts/{post}/reactions/summary"),
        "/saved",
        "/companionships",
        "/stories",
        &format!("/stories?author_id={}", other.id),
        "/trending/hashtags",
        "/trending/posts",
        "/memories/stats",
        "/reports",
        "/decisions",
        "/friends",
        "/friend-requests",
        "/friend-requests?direction=sent",
        "/friend-suggestions",
        &format!("/friends/{}", other.id),
        &format!("/friends/{}/mutual", other.id),
        "/follows/followers",
        "/follows/following",
        "/blocks",
        "/mutes",
        "/me/profile",
        "/members",
        "/members?q=an",
        &format!("/members/{}", other.id),
        "/places",
        "/places?city=Roma&kind=bar",
        &format!("/places/{place}/ratings"),
        "/events",
        "/events?city=Roma",
        &format!("/events/{event}"),
        &format!("/events/{event}/rsvps"),
        "/groups",
        "/groups?city=Roma",
        "/groups/mine",
        "/groups/cities",
        &format!("/groups/{group}"),
        &format!("/groups/{group}/members"),
        &format!("/groups/{group}/posts"),
        &format!("/groups/{group}/pins"),
        "/rooms",
        "/rooms/open",
        "/rooms/unread",
        &format!("/rooms/{room}"),
        &format!("/rooms/{room}/members"),
        &messages,
        &format!("{messages}?q=hola"),
        &format!("/messages/{message}"),
        "/media",
        "/media/usage",
        "/notices",
        "/notifications",
        "/notifications/unread",
        "/notifications/preferences",
        "/webhooks",
        &format!("/webhooks/{hook}/deliveries"),
        "/crossings/mine",
        "/community-posts",
        "/search?q=canaro",
        "/search?q=roma&kind=place",
        "/search/suggestions?q=ca",
        "/search/trending",
    ] {
        let answer = user.get(path).await;
        assert!(answer.status < 500, "{path}: {}", answer.text);
    }
    for path in [
        "/moderation/cases",
        "/moderation/decisions",
        "/moderation/appeals",
        "/statistics",
        "/statistics/days",
        "/staff/notices",
        "/staff/custom-roles",
        "/crossings",
    ] {
        let answer = moderator.get(path).await;
        assert!(answer.status < 500, "{path}: {}", answer.text);
    }
    user.delete(&format!("/messages/{message}")).await;
    user.delete(&format!("/comments/{comment}")).await;
    user.delete(&format!("/posts/{post}")).await;
}

/// What the planner says, with the ways through whole tables closed where there are others.
async fn plan(db: &Db, sql: &str) -> Vec<String> {
    let parameter = |n: &usize| sql.contains(&format!("${n}")) || sql.contains(&format!("?{n}"));
    let count = (1..40).rev().find(parameter).unwrap_or(0);
    if db.engine_name() == "sqlite" {
        let explain: &'static str = format!("EXPLAIN QUERY PLAN /* every community */ {sql}").leak();
        let nothing = vec![db::Param::Null; count];
        return db.all(explain, nothing, |row| row.get(3)).await.unwrap();
    }
    let nothing = vec!["NULL"; count].join(", ");
    let nothing = if count > 0 {
        format!("({nothing})")
    } else {
        nothing
    };
    // Small tables are cheapest in one piece: so it must show that there is another way.
    let begin: &'static str = format!(
        "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
         SET LOCAL plan_cache_mode = force_generic_plan; PREPARE looked_at AS {sql}"
    )
    .leak();
    let explain: &'static str = format!("EXPLAIN EXECUTE looked_at{nothing}").leak();
    let plan = db.write(move |tx| async move {
        tx.batch(begin).await?;
        let plan = tx.all(explain, vec![], |row| row.get(0)).await?;
        tx.batch("DEALLOCATE looked_at").await?;
        Ok(plan)
    });
    plan.await.unwrap_or_else(|error| panic!("{error:?}: {sql}"))
}

/// Every table of the schema that is not small.
async fn large_tables(db: &Db) -> BTreeSet<String> {
    let sql = db.pick(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
             AND name NOT LIKE 'search_text%'",
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()",
    );
    let names = db.all(sql, vec![], |row| row.get::<String>(0)).await.unwrap();
    let is_large = |name: &String| !SMALL.contains(&name.as_str());
    names.into_iter().filter(is_large).collect()
}

/// The large table that a line of a plan goes through from end to end; `below` are the lines after it.
fn whole_table(large: &BTreeSet<String>, sql: &str, line: &str, below: &[String]) -> Option<String> {
    let line = line.trim_start_matches([' ', '-', '>']);
    let named = if let Some(rest) = line.strip_prefix("SCAN ") {
        // An index that is read from its beginning costs as much.
        rest.split(' ').next()?
    } else if line.contains(" USING AUTOMATIC ") {
        // SQLite makes the index that is missing, each time.
        line.strip_prefix("SEARCH ")?.split(' ').next()?
    } else if let Some(rest) = line.strip_prefix("Seq Scan on ") {
        rest.split(' ').next()?
    } else if line.starts_with("Index Scan") || line.starts_with("Index Only Scan") {
        let mut of_node = below.iter().take_while(|line| !line.contains("->"));
        // Up to a limit, in the order of the index, is a page of a list.
        if sql.contains("LIMIT") || of_node.any(|line| line.trim_start().starts_with("Index Cond")) {
            return None;
        }
        line.split_once(" on ")?.1.split(' ').next()?
    } else {
        return None;
    };
    // SQLite tells the other name of a table, where it has one.
    let words: Vec<&str> = sql
        .split([' ', '\n', '(', ')', ','])
        .filter(|word| !word.is_empty())
        .collect();
    let mut tables = words
        .iter()
        .enumerate()
        .filter(|(_, word)| large.contains(**word));
    let is_its_name = |place: usize| {
        let next = words
            .get(place + 1)
            .filter(|word| **word != "AS")
            .or(words.get(place + 2));
        next.is_some_and(|next| *next == named)
    };
    if large.contains(named) {
        return Some(named.to_owned());
    }
    tables
        .find(|(place, _)| is_its_name(*place))
        .map(|(_, table)| (*table).to_owned())
}

/// Statements that go through a whole table without a reason, each with the line that says so; and how
/// many were looked at. `excused` learns which exceptions were needed.
async fn faults(db: &Db, excused: &Mutex<BTreeSet<&str>>) -> (BTreeMap<String, String>, usize) {
    let (large, mut faults, mut looked_at) = (large_tables(db).await, BTreeMap::new(), 0);
    for sql in db.statements() {
        let verb = sql.split_whitespace().next().unwrap_or_default();
        // The schema's own tables are small, and tests count as they like.
        if !["SELECT", "WITH", "UPDATE", "DELETE"].contains(&verb)
            || ["/* of a test */", "pg_", "sqlite_", "information_schema"]
                .iter()
                .any(|own| sql.contains(own))
        {
            continue;
        }
        looked_at += 1;
        let lines = plan(db, &sql).await;
        let through = lines
            .iter()
            .enumerate()
            .find(|(n, line)| whole_table(&large, &sql, line, &lines[n + 1..]).is_some());
        let Some((_, line)) = through else { continue };
        let flat = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        match EXCEPTIONS
            .iter()
            .find(|(beginning, _)| flat.starts_with(beginning))
        {
            Some((beginning, _)) => drop(excused.lock().unwrap().insert(*beginning)),
            None => drop(faults.insert(flat, line.trim().to_owned())),
        }
    }
    (faults, looked_at)
}

#[tokio::test]
async fn no_statement_goes_through_a_whole_table() {
    let (excused, told) = (Mutex::new(BTreeSet::new()), Mutex::new(vec![]));
    each_db(async |app| {
        let users = counters::everybody_acts(app, 1, 25).await;
        let moderator = staff(app, "Mora", Role::PlatformVolunteer).await;
        for (user, other) in [(&users[0], &users[1]), (&users[1], &users[0])] {
            tour(app, user, other, &moderator).await;
        }
        for worker in [
            "groups.cities",
            "media.clean_up",
            "moderation.ends",
            "notifications.digest",
            "search.trends",
            "statistics.count",
            "stories.clean_up",
            "webhooks.clean_up",
        ] {
            app.run_worker(worker).await;
        }
        let db = &app.app.db;
        let (found, looked_at) = faults(db, &excused).await;
        let on = db.engine_name();
        told.lock()
            .unwrap()
            .extend(found.iter().map(|(sql, line)| format!("{on}: {line}\n    {sql}")));
        assert!(looked_at > 200, "{looked_at} statements");

        // Somebody looks for comments by what they say.
        let slow = "SELECT c.id FROM comment c WHERE c.body = $1 AND c.community_id + 0 = @community";
        let read = db.all(slow, params!["sí"], |row| row.get::<base::uuid::Uuid>(0));
        read.await.expect("it can be asked, and must not");
        let (found, _) = faults(db, &excused).await;
        assert!(found.keys().any(|sql| sql.contains("c.body =")), "{found:?}");
    })
    .await;
    let (excused, told) = (excused.into_inner().unwrap(), told.into_inner().unwrap());
    assert!(told.is_empty(), "{}", told.join("\n"));
    for (beginning, why) in EXCEPTIONS {
        assert!(
            excused.contains(beginning),
            "nothing needs the exception ({why}): {beginning}"
        );
    }
}

#[test]
fn a_plan_that_goes_through_a_table_is_told_from_one_that_does_not() {
    let large: BTreeSet<String> = ["post", "comment"].map(str::to_owned).into();
    let sql = "SELECT p.id FROM post p WHERE p.body = ?1";
    let whole = |line: &str, below: &[&str]| {
        let below: Vec<String> = below.iter().map(|line| (*line).to_owned()).collect();
        whole_table(&large, sql, line, &below)
    };
    assert_eq!(whole("SCAN p", &[]).as_deref(), Some("post"));
    assert_eq!(whole("SEARCH p USING INDEX post_author (author_id=?)", &[]), None);
    assert!(whole("SEARCH p USING AUTOMATIC COVERING INDEX (body=?)", &[]).is_some());
    assert_eq!(
        whole("  ->  Seq Scan on post p  (cost=0.00..1.01)", &[]).as_deref(),
        Some("post")
    );
    let index = "  ->  Index Scan using post_pkey on post p  (cost=0.00..1.01)";
    assert_eq!(
        whole(index, &["        Filter: (body = $1)"]).as_deref(),
        Some("post")
    );
    assert_eq!(whole(index, &["        Index Cond: (id = $1)"]), None);
    assert_eq!(
        whole(
            index,
            &["  ->  Seq Scan on community", "        Index Cond: (id = $1)"]
        )
        .as_deref(),
        Some("post")
    );
    assert_eq!(whole("SCAN wanted VIRTUAL TABLE INDEX 1:", &[]), None);
}
