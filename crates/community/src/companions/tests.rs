//! Being named on somebody's post, or not.

use crate::tests::each_db;
use serde_json::{Value, json};

fn names(post: &Value) -> Vec<&str> {
    let all = post["companions"].as_array().unwrap();
    all.iter().map(|who| who["username"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn nobody_is_named_before_they_agree() {
    each_db(async |app| {
        let (ana, bruno, carla, dario) =
            (app.user("Ana").await, app.user("Bruno").await, app.user("Carla").await, app.user("Dario").await);
        dario.put(&format!("/blocks/{}", ana.id)).await.expect(204);
        let new = json!({"body": "What a night", "visibility": "friends", "companions": [bruno.id, carla.id, dario.id, ana.id]});
        let post = ana.post("/posts", new).await.expect(201);
        let (id, path) = (post["id"].as_str().unwrap(), format!("/posts/{}", post["id"].as_str().unwrap()));
        assert!(names(&ana.get(&path).await.expect(200)).is_empty());
        // Whoever is asked may read what they are asked about.
        let asked = bruno.get("/companionships").await.expect(200);
        assert_eq!(asked["items"][0]["body"], "What a night");
        assert!(bruno.get(&path).await.status == 200);
        assert_eq!(dario.get("/companionships").await.expect(200)["items"], json!([]));

        let answer = format!("/companionships/{id}");
        let say = async |who: &testkit::TestUser, status: &str| {
            let request = who.request(reqwest::Method::PUT, &answer).json(&json!({"status": status}));
            testkit::Answer::of(request).await
        };
        say(&bruno, "approved").await.expect(204);
        say(&carla, "denied").await.expect(204);
        say(&dario, "approved").await.refused(404, "not_found");
        let seen = ana.get(&path).await.expect(200);
        assert_eq!((names(&seen), &seen["companion_count"]), (vec!["bruno"], &json!(1)));
        assert_eq!(bruno.get("/companionships?status=approved").await.expect(200)["items"][0]["post_id"], post["id"]);
        // Who denied sees no more of it than others.
        carla.get(&path).await.refused(404, "not_found");
        let denied = carla.get("/companionships?status=denied").await.expect(200);
        assert_eq!(denied["items"], json!([]));
        say(&bruno, "denied").await.expect(204);
        assert_eq!(ana.get(&path).await.expect(200)["companion_count"], 0);
    })
    .await;
}

#[tokio::test]
async fn the_author_asks_later_and_takes_names_back() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let post = ana
            .post("/posts", json!({"body": "What a night"}))
            .await
            .expect(201);
        let path = format!("/posts/{}", post["id"].as_str().unwrap());
        let companion = format!("{path}/companions/{}", bruno.id);
        bruno.put(&companion).await.refused(403, "not_author");
        for _ in 0..2 {
            ana.put(&companion).await.expect(204);
        }
        let yes = bruno
            .request(
                reqwest::Method::PUT,
                &format!("/companionships/{}", post["id"].as_str().unwrap()),
            )
            .json(&json!({"status": "approved"}));
        testkit::Answer::of(yes).await.expect(204);
        assert_eq!(names(&ana.get(&path).await.expect(200)), ["bruno"]);
        ana.delete(&companion).await.expect(204);
        let seen = ana.get(&path).await.expect(200);
        assert_eq!((names(&seen).len(), &seen["companion_count"]), (0, &json!(0)));
    })
    .await;
}

#[tokio::test]
async fn a_block_takes_both_off_each_others_posts() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let mut paths = vec![];
        for (author, other) in [(&ana, &bruno), (&bruno, &ana)] {
            let new = json!({"body": "What a night", "companions": [other.id, carla.id]});
            let post = author.post("/posts", new).await.expect(201);
            let id = post["id"].as_str().unwrap();
            for who in [other, &carla] {
                let yes = who.request(reqwest::Method::PUT, &format!("/companionships/{id}"));
                let yes = yes.json(&json!({"status": "approved"}));
                testkit::Answer::of(yes).await.expect(204);
            }
            paths.push(format!("/posts/{id}"));
        }
        ana.put(&format!("/blocks/{}", bruno.id)).await.expect(204);
        for path in paths {
            let seen = carla.get(&path).await.expect(200);
            assert_eq!(
                (names(&seen), &seen["companion_count"]),
                (vec!["carla"], &json!(1))
            );
        }
        assert_eq!(
            bruno.get("/companionships?status=approved").await.expect(200)["items"],
            json!([])
        );
    })
    .await;
}
