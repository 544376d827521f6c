//! No statement goes through a whole table of content: after a tour through the community
//! every statement that it used is asked for its plan, on both databases.

use super::{counters, each_db};
use db::{Db, Executor};
use serde_json::json;
use testkit::{TestApp, TestUser};

/// Tables that grow with what members do.
const CONTENT: [&str; 23] = [
    "member",
    "post",
    "post_edit",
    "post_hashtag",
    "companion",
    "comment",
    "reaction",
    "comment_reaction",
    "saved_post",
    "report",
    "story",
    "story_view",
    "follow",
    "friend",
    "friend_request",
    "block",
    "mute",
    "profile",
    "experience",
    "group_member",
    "message",
    "notification",
    "notification_cause",
];

/// Looks at everything that there is a page for.
async fn tour(app: &TestApp, user: &TestUser, other: &TestUser) {
    let post = json!({"body": "#troilo with @bruno", "companions": [other.id]});
    let post = user.post("/posts", post).await.expect(201);
    let post = format!("/posts/{}", post["id"].as_str().unwrap());
    user.patch(&post, json!({"body": "#canaro", "visibility": "friends"})).await.expect(200);
    other.put(&format!("/saved/{}", &post["/posts/".len()..])).await;
    user.patch("/me/profile", json!({"bio": "x", "city": "Roma"})).await.expect(200);
    user.patch("/me/settings", json!({"messages_from": "friends"})).await.expect(200);
    user.put(&format!("/mutes/{}", other.id)).await;
    user.delete(&format!("/mutes/{}", other.id)).await;
    for path in [
        "/feed",
        "/feed?order=ranked",
        "/posts",
        &format!("/posts?author_id={}", other.id),
        "/posts?hashtag=canaro",
        &post,
        &format!("{post}/edits"),
        &format!("{post}/comments"),
        &format!("{post}/reactions?type=like"),
        &format!("{post}/reactions/summary"),
        "/saved",
        "/companionships",
        "/stories",
        &format!("/stories?author_id={}", other.id),
        "/trending/hashtags",
        "/trending/posts",
        "/memories/stats",
        "/reports",
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
        &format!("/members/{}", other.id),
        "/groups",
        "/groups/mine",
        "/notifications",
        "/notifications/unread",
        "/search?q=hola",
    ] {
        let answer = user.get(path).await;
        assert!(answer.status < 500, "{path}: {}", answer.text);
    }
    for worker in ["notifications.tell", "stories.clean_up"] {
        app.run_worker(worker).await;
    }
}

/// What the planner says, with the ways through whole tables closed where there are others.
async fn plan(db: &Db, sql: &str) -> Vec<String> {
    if db.engine_name() == "sqlite" {
        let explain: &'static str = format!("EXPLAIN QUERY PLAN {sql}").leak();
        return db.all(explain, vec![], |row| row.get(3)).await.unwrap();
    }
    let count = (1..40).rev().find(|n| sql.contains(&format!("${n}"))).unwrap_or(0);
    let nothing = vec!["NULL"; count].join(", ");
    let nothing = if count > 0 { format!("({nothing})") } else { nothing };
    let begin: &'static str = format!(
        "SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan; PREPARE looked_at AS {sql}"
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

/// The table that a line of a plan goes through from end to end.
fn whole_table<'a>(line: &'a str, sql: &str) -> Option<&'a str> {
    let line = line.trim_start_matches([' ', '-', '>']);
    let name = if let Some(rest) = line.strip_prefix("SCAN ") {
        // An index that is read from its beginning costs as much.
        rest.split(' ').next()?
    } else if let Some(rest) = line.strip_prefix("Seq Scan on ") {
        rest.split(' ').next()?
    } else {
        return None;
    };
    let is_table = |table: &str| CONTENT.contains(&table);
    // SQLite tells the other name of a table, where it has one.
    let named = CONTENT.iter().any(|table| {
        ["FROM", "JOIN", "UPDATE"].iter().any(|verb| {
            [format!("{verb} {table} {name}"), format!("{verb} {table} AS {name}")]
                .iter()
                .any(|text| sql.split_whitespace().collect::<Vec<_>>().join(" ").contains(&format!("{text} ")))
        })
    });
    (is_table(name) || named).then_some(name)
}

#[tokio::test]
async fn no_statement_goes_through_a_whole_table() {
    each_db(async |app| {
        let users = counters::everybody_acts(app, 1, 25).await;
        for (user, other) in [(&users[0], &users[1]), (&users[1], &users[0])] {
            tour(app, user, other).await;
        }
        let mut looked_at = 0;
        for sql in app.app.db.statements() {
            let verb = sql.split_whitespace().next().unwrap_or_default();
            let reads = matches!(verb, "SELECT" | "WITH" | "UPDATE" | "DELETE");
            // Work on every community is done by workers, a piece at a time.
            if !reads || sql.contains("/* every community */") || sql.contains("pg_") {
                continue;
            }
            looked_at += 1;
            for line in plan(&app.app.db, &sql).await {
                let through = whole_table(&line, &sql);
                assert!(through.is_none(), "{line}\n{sql}");
            }
        }
        assert!(looked_at > 100, "{looked_at} statements");
    })
    .await;
}

#[test]
fn a_plan_that_goes_through_a_table_is_told_from_one_that_does_not() {
    let sql = "SELECT p.id FROM post p WHERE p.body = ?1";
    assert_eq!(whole_table("SCAN p", sql), Some("p"));
    assert_eq!(whole_table("SEARCH p USING INDEX post_author (author_id=?)", sql), None);
    assert_eq!(whole_table("  ->  Seq Scan on post p  (cost=0.00..1.01)", sql), Some("post"));
    assert_eq!(whole_table("SCAN wanted VIRTUAL TABLE INDEX 1:", sql), None);
}
