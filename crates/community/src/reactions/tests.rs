//! Saying how one feels, once.

use crate::tests::{each_db, publish};
use serde_json::{Value, json};

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
async fn a_comment_is_reacted_to_in_six_ways_and_one_sees_by_whom() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let post = publish(app, &ana, "hola").await;
        let post = format!("/posts/{}", post["id"].as_str().unwrap());
        let comment = ana
            .post(&format!("{post}/comments"), json!({"body": "first"}))
            .await
            .expect(201);
        let comment = format!("/comments/{}", comment["id"].as_str().unwrap());
        for subject in [&post, &comment] {
            let path = format!("{subject}/reactions");
            for kind in ["like", "dislike", "laugh", "angry", "sad", "love"] {
                let answer = bruno.post(&path, json!({"type": kind})).await.expect(200);
                assert_eq!(
                    (&answer["reaction"], &answer["like_count"]),
                    (&json!(kind), &json!(1))
                );
            }
            carla.post(&path, json!({"type": "like"})).await.expect(200);
            let counts = ana.get(&format!("{path}/summary")).await.expect(200);
            assert_eq!(
                counts,
                json!({"counts": [{"type": "like", "count": 1}, {"type": "love", "count": 1}]})
            );
            let lovers = ana.get(&format!("{path}?type=love")).await.expect(200);
            assert_eq!(lovers["items"][0]["member"]["username"], "bruno");
            assert_eq!(lovers["items"].as_array().unwrap().len(), 1);
        }
        let seen = carla.get(&comment).await.expect(200);
        assert_eq!(
            (&seen["like_count"], &seen["reaction"]),
            (&json!(2), &json!("like"))
        );
        bruno.delete(&format!("{comment}/reactions")).await.expect(204);
        assert_eq!(carla.get(&comment).await.expect(200)["like_count"], 1);
        carla.put(&format!("/blocks/{}", bruno.id)).await.expect(204);
        let counts = carla.get(&format!("{post}/reactions/summary")).await.expect(200);
        assert_eq!(counts, json!({"counts": [{"type": "like", "count": 1}]}));
    })
    .await;
}
