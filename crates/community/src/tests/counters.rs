//! Counters never drift: members do what they like, all at once, and then every count is
//! compared with the rows behind it.

use super::{each_db, publish};
use base::Entropy;
use db::Executor;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Mutex;
use testkit::{Answer, TestApp, TestUser};

/// What is there to act on; it grows with what members make.
#[derive(Default)]
struct World {
    posts: Mutex<Vec<String>>,
    comments: Mutex<Vec<String>>,
    stories: Mutex<Vec<String>>,
    group: String,
}

fn any(things: &Mutex<Vec<String>>, chance: &Entropy) -> Option<String> {
    let things = things.lock().unwrap();
    let count = things.len() as u64;
    (count > 0).then(|| things[chance.below(count) as usize].clone())
}

fn keep(things: &Mutex<Vec<String>>, made: &Answer) {
    let made: Value = serde_json::from_str(&made.text).unwrap_or_default();
    if let Some(id) = made["id"].as_str() {
        things.lock().unwrap().push(id.to_owned());
    }
}

/// One act of a member, chosen by chance. Whether it is allowed does not matter.
async fn act(user: &TestUser, others: &[TestUser], world: &World, chance: &Entropy) -> (String, u16) {
    let other = &others[chance.below(others.len() as u64) as usize].id;
    let post = any(&world.posts, chance).unwrap_or_default();
    let comment = any(&world.comments, chance).unwrap_or_default();
    let story = any(&world.stories, chance).unwrap_or_default();
    let put =
        async |path: String, body: Value| Answer::of(user.request(Method::PUT, &path).json(&body)).await;
    let choice = chance.below(24);
    let answer = match choice {
        0 | 1 => {
            let kind = ["like", "love", "sad"][chance.below(3) as usize];
            user.post(&format!("/posts/{post}/reactions"), json!({"type": kind}))
                .await
        }
        2 => user.delete(&format!("/posts/{post}/reactions")).await,
        3 => {
            user.post(&format!("/comments/{comment}/reactions"), json!({"type": "like"}))
                .await
        }
        4 => user.delete(&format!("/comments/{comment}/reactions")).await,
        5 | 6 => {
            let made = user
                .post(&format!("/posts/{post}/comments"), json!({"body": "hola"}))
                .await;
            keep(&world.comments, &made);
            made
        }
        7 | 8 => {
            let answer = json!({"body": "sí", "parent_id": comment});
            let made = user.post(&format!("/posts/{post}/comments"), answer).await;
            keep(&world.comments, &made);
            made
        }
        9 => user.delete(&format!("/comments/{comment}")).await,
        10 => user.put(&format!("/follows/{other}")).await,
        11 => user.delete(&format!("/follows/{other}")).await,
        12 => user.put(&format!("/blocks/{other}")).await,
        13 | 14 => user.delete(&format!("/blocks/{other}")).await,
        15 | 16 => user.post("/friend-requests", json!({"member_id": other})).await,
        17 => user.delete(&format!("/friends/{other}")).await,
        18 => {
            let made = user.post(&format!("/posts/{post}/shares"), json!({})).await;
            keep(&world.posts, &made);
            made
        }
        19 => {
            let new = json!({"body": "Qué noche", "companions": [other]});
            let made = user.post("/posts", new).await;
            keep(&world.posts, &made);
            made
        }
        20 => {
            let status = ["approved", "approved", "denied"][chance.below(3) as usize];
            put(format!("/companionships/{post}"), json!({"status": status})).await
        }
        21 => user.put(&format!("/stories/{story}/view")).await,
        22 if chance.below(2) == 0 => user.put(&format!("/groups/{}/membership", world.group)).await,
        22 => user.delete(&format!("/groups/{}/membership", world.group)).await,
        _ => user.delete(&format!("/posts/{post}")).await,
    };
    (format!("{choice}: {}", answer.text), answer.status)
}

/// Each count beside what it counts; every one of these statements gives nothing when all is well.
const DRIFT: [(&str, &str); 13] = [
    ("post.like_count", "SELECT /* every community */ /* of a test */ p.like_count - (SELECT count(*) FROM reaction r WHERE r.post_id = p.id) FROM post p"),
    ("post.comment_count", "SELECT /* every community */ /* of a test */ p.comment_count - (SELECT count(*) FROM comment c WHERE c.post_id = p.id AND c.deleted_at IS NULL) FROM post p"),
    ("post.share_count", "SELECT /* every community */ /* of a test */ p.share_count - (SELECT count(*) FROM post s WHERE s.shared_id = p.id) FROM post p"),
    ("post.companion_count", "SELECT /* every community */ /* of a test */ p.companion_count - (SELECT count(*) FROM companion c WHERE c.post_id = p.id AND c.status = 'approved') FROM post p"),
    ("comment.like_count", "SELECT /* every community */ /* of a test */ c.like_count - (SELECT count(*) FROM comment_reaction r WHERE r.comment_id = c.id) FROM comment c"),
    ("comment.reply_count", "SELECT /* every community */ /* of a test */ c.reply_count - (SELECT count(*) FROM comment a WHERE a.parent_id = c.id) FROM comment c"),
    ("member.follower_count", "SELECT /* every community */ /* of a test */ m.follower_count - (SELECT count(*) FROM follow f WHERE f.followee_id = m.id) FROM member m"),
    ("member.following_count", "SELECT /* every community */ /* of a test */ m.following_count - (SELECT count(*) FROM follow f WHERE f.follower_id = m.id) FROM member m"),
    ("member.friend_count", "SELECT /* every community */ /* of a test */ m.friend_count - (SELECT count(*) FROM friend f WHERE f.member_id = m.id) FROM member m"),
    ("follow.is_friend", "SELECT /* every community */ /* of a test */ count(*) FROM follow f WHERE f.is_friend <> EXISTS (SELECT 1 FROM friend x WHERE x.member_id = f.follower_id AND x.friend_id = f.followee_id)"),
    ("across a block", "SELECT /* every community */ /* of a test */ (SELECT count(*) FROM follow f JOIN block b ON b.member_id = f.follower_id AND b.other_id = f.followee_id)
        + (SELECT count(*) FROM friend f JOIN block b ON b.member_id = f.member_id AND b.other_id = f.friend_id)
        + (SELECT count(*) FROM friend_request q JOIN block b ON b.member_id = q.sender_id AND b.other_id = q.receiver_id)"),
    ("story.view_count", "SELECT /* every community */ /* of a test */ s.view_count - (SELECT count(*) FROM story_view v WHERE v.story_id = s.id) FROM story s"),
    ("community_group.member_count", "SELECT /* every community */ /* of a test */ g.member_count - (SELECT count(*) FROM group_member x WHERE x.group_id = g.id AND x.status = 'active') FROM community_group g"),
];

async fn nothing_drifted(app: &TestApp) {
    for (name, sql) in DRIFT {
        let drift: Vec<i64> = app.app.db.all(sql, vec![], |row| row.get(0)).await.unwrap();
        assert!(drift.iter().all(|drift| *drift == 0), "{name}: {drift:?}");
    }
}

/// They are given back, for who wants to look at what they did.
pub async fn everybody_acts(app: &TestApp, rounds: usize, acts: usize) -> Vec<TestUser> {
    let mut users = vec![];
    for name in ["Ana", "Bruno", "Carla", "Dario", "Emma", "Franco"] {
        users.push(app.user(name).await);
    }
    let group = json!({"name": "Todos", "kind": "interest", "visibility": "public"});
    let group = users[0].post("/groups", group).await.expect(201);
    let world = World {
        group: group["id"].as_str().unwrap().to_owned(),
        ..World::default()
    };
    for user in &users {
        let post = publish(app, user, "hola").await;
        world
            .posts
            .lock()
            .unwrap()
            .push(post["id"].as_str().unwrap().to_owned());
        keep(
            &world.stories,
            &user.post("/stories", json!({"caption": "x"})).await,
        );
    }
    for round in 0..rounds {
        let work = users.iter().enumerate().map(|(n, user)| {
            let (users, world) = (&users, &world);
            async move {
                let chance = Entropy::seeded((round * 100 + n) as u64);
                for _ in 0..acts {
                    let (what, status) = act(user, users, world, &chance).await;
                    assert!(status < 500, "{what}");
                }
            }
        });
        join_all(work).await;
        nothing_drifted(app).await;
    }
    let made = "SELECT /* every community */ /* of a test */ (SELECT count(*) FROM reaction) * (SELECT count(*) FROM comment)
                    * (SELECT count(*) FROM companion)";
    let made: Option<i64> = app.app.db.one(made, vec![], |row| row.get(0)).await.unwrap();
    assert!(made > Some(0), "something was counted");
    users
}

#[tokio::test]
async fn counters_are_what_they_count_whatever_members_do_at_once() {
    each_db(async |app| drop(everybody_acts(app, 2, 40).await)).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn counters_are_what_they_count_after_thousands_of_acts() {
    each_db(async |app| drop(everybody_acts(app, 15, 150).await)).await;
}
