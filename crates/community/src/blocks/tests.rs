//! Who blocks somebody has nothing to do with them any more, and nobody is told.

use super::{apart_from, between};
use crate::tests::{bodies, each_db, publish};
use accounts::MemberId;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{TestApp, TestUser};

fn names(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("a list");
    items
        .iter()
        .map(|item| {
            let member = item.get("member").unwrap_or(item);
            member["display_name"].as_str().expect("a name")
        })
        .collect()
}

async fn block(user: &TestUser, other: &TestUser) {
    user.put(&format!("/blocks/{}", other.id)).await.expect(204);
}

/// Everything by which one of them could find the other answers as for an unknown id.
async fn is_unknown_to(other: &TestUser, user: &TestUser, post: &str) {
    for path in [
        format!("/members/{}", other.id),
        format!("/members/{}", other.name.to_lowercase()),
        format!("/posts/{post}"),
    ] {
        user.get(&path).await.refused(404, "not_found");
    }
    for path in [
        format!("/members?query={}", other.name),
        format!("/posts?author_id={}", other.id),
        format!("/follows/followers?member_id={}", other.id),
        format!("/follows/following?member_id={}", other.id),
    ] {
        assert!(names(&user.get(&path).await.expect(200)).is_empty(), "{path}");
    }
    for path in ["/follows", "/blocks", "/mutes"] {
        user.put(&format!("{path}/{}", other.id))
            .await
            .refused(404, "not_found");
    }
    let reactions = format!("/posts/{post}/reactions");
    user.post(&reactions, json!({"type": "like"}))
        .await
        .refused(404, "not_found");
    user.delete(&reactions).await.refused(404, "not_found");
}

#[tokio::test]
async fn who_is_blocked_meets_an_unknown_id() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        for other in [&ana, &bruno] {
            carla.put(&format!("/follows/{}", other.id)).await.expect(204);
            other.put(&format!("/follows/{}", carla.id)).await.expect(204);
        }
        let post = publish(app, &ana, "Milonga tonight!").await;
        let id = post["id"].as_str().unwrap();
        block(&ana, &bruno).await;

        is_unknown_to(&ana, &bruno, id).await;
        let unknown = bruno
            .get("/members/01900000-0000-7000-8000-000000000000")
            .await
            .refused(404, "not_found");
        let blocked = bruno
            .get(&format!("/members/{}", ana.id))
            .await
            .refused(404, "not_found");
        assert_eq!(unknown["detail"], blocked["detail"]);

        // Lists of others leave out whom the reader must not see, and nobody else.
        let followers = format!("/follows/followers?member_id={}", carla.id);
        assert_eq!(names(&bruno.get(&followers).await.expect(200)), ["Bruno"]);
        assert_eq!(names(&ana.get(&followers).await.expect(200)), ["Ana"]);
        assert_eq!(names(&carla.get(&followers).await.expect(200)).len(), 2);

        // Who blocked does not see the other either, but finds the block and can take it back.
        ana.get(&format!("/members/{}", bruno.id))
            .await
            .refused(404, "not_found");
        assert_eq!(names(&ana.get("/blocks").await.expect(200)), ["Bruno"]);
        assert!(names(&bruno.get("/blocks").await.expect(200)).is_empty());
        bruno.delete(&format!("/blocks/{}", ana.id)).await.expect(204);
        bruno
            .get(&format!("/members/{}", ana.id))
            .await
            .refused(404, "not_found");
        ana.delete(&format!("/blocks/{}", bruno.id)).await.expect(204);
        bruno.get(&format!("/members/{}", ana.id)).await.expect(200);
        bruno.get(&format!("/posts/{id}")).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_block_ends_follows_both_ways_and_they_do_not_come_back() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        ana.put(&format!("/follows/{}", bruno.id)).await.expect(204);
        bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        publish(app, &bruno, "hola").await;
        assert_eq!(bodies(&ana.get("/feed").await.expect(200)), ["hola"]);
        block(&ana, &bruno).await;
        block(&ana, &bruno).await;
        assert!(bodies(&ana.get("/feed").await.expect(200)).is_empty());
        ana.delete(&format!("/blocks/{}", bruno.id)).await.expect(204);
        for (user, other) in [(&ana, &bruno), (&bruno, &ana)] {
            let seen = user.get(&format!("/members/{}", other.id)).await.expect(200);
            assert_eq!(
                (
                    &seen["follower_count"],
                    &seen["following_count"],
                    &seen["followed_by_me"]
                ),
                (&json!(0), &json!(0), &json!(false))
            );
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_blocks_themselves_or_nobody() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        ana.put(&format!("/blocks/{}", ana.id))
            .await
            .refused(409, "cannot_block_yourself");
        ana.put("/blocks/01900000-0000-7000-8000-000000000000")
            .await
            .refused(404, "not_found");
        ana.delete("/blocks/01900000-0000-7000-8000-000000000000")
            .await
            .expect(204);
    })
    .await;
}

/// Whatever wins, nobody follows across a block, no count drifts, and one block is left.
#[tokio::test]
async fn blocks_and_follows_at_the_same_moment_end_in_order() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        for _ in 0..5 {
            let put = |user: &TestUser, what: &str, other: &TestUser| {
                let (user, path) = (user.clone(), format!("/{what}/{}", other.id));
                async move { user.put(&path).await.status }
            };
            let statuses = join_all([
                put(&ana, "blocks", &bruno),
                put(&bruno, "follows", &ana),
                put(&bruno, "blocks", &ana),
                put(&ana, "follows", &bruno),
            ])
            .await;
            let made = [statuses[0], statuses[2]]
                .iter()
                .filter(|status| **status == 204)
                .count();
            assert_eq!(made, 1, "one of the two blocks is made: {statuses:?}");
            assert_eq!(drift(app).await, [0, 0], "after {statuses:?}");
            ana.delete(&format!("/blocks/{}", bruno.id)).await.expect(204);
            bruno.delete(&format!("/blocks/{}", ana.id)).await.expect(204);
        }
    })
    .await;
}

/// Follows that are left, and counts on members.
async fn drift(app: &TestApp) -> [i64; 2] {
    let sql = "SELECT /* every community */ (SELECT count(*) FROM follow),
                      (SELECT CAST(sum(follower_count + following_count) AS BIGINT) FROM member)";
    let both = db::Executor::one(&app.app.db, sql, vec![], |row| Ok([row.get(0)?, row.get(1)?])).await;
    both.unwrap().unwrap()
}

#[tokio::test]
async fn real_time_knows_of_a_block_at_once() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let [one, other]: [MemberId; 2] = [ana.id.parse().unwrap(), bruno.id.parse().unwrap()];
        assert!(apart_from(&app.app, one).await.unwrap().is_empty());
        assert!(apart_from(&app.app, other).await.unwrap().is_empty());
        block(&ana, &bruno).await;
        assert!(apart_from(&app.app, one).await.unwrap().contains(&other));
        assert!(apart_from(&app.app, other).await.unwrap().contains(&one));
        assert!(between(&app.app.db, other, one).await.unwrap());

        // Another node's write is not told here; half a second later it is known.
        let delete = "DELETE FROM block /* every community */";
        let written = app
            .app
            .db
            .write(move |tx| async move { tx.execute(delete, vec![]).await });
        written.await.unwrap();
        assert!(!apart_from(&app.app, one).await.unwrap().is_empty());
        app.clock.advance(std::time::Duration::from_millis(500));
        assert!(apart_from(&app.app, one).await.unwrap().is_empty());
    })
    .await;
}
