//! Finding each other, and what one says of oneself to whom.

use crate::tests::{each_db, publish, staff};
use accounts::Role;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, TestUser, eventually};

async fn befriend(one: &TestUser, other: &TestUser) {
    for (asks, asked) in [(one, other), (other, one)] {
        let ask = json!({"member_id": asked.id});
        asks.post("/friend-requests", ask).await.expect(201);
    }
}

async fn put(user: &TestUser, path: &str, body: Value) -> Answer {
    Answer::of(user.request(Method::PUT, path).json(&body)).await
}

#[tokio::test]
async fn members_are_found_by_name_and_followed() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let found = bruno.get("/members?query=an").await.expect(200);
        assert_eq!(found["items"].as_array().unwrap().len(), 1);
        assert_eq!(found["items"][0]["username"], "ana");
        assert_eq!(found["items"][0]["followed_by_me"], false);
        let wildcard = bruno.get("/members?query=%25").await.expect(200);
        assert_eq!(wildcard["items"], json!([]), "a percent sign is a percent sign");

        for _ in 0..2 {
            bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        }
        let seen = bruno.get("/members/ana").await.expect(200);
        assert_eq!(
            (&seen["follower_count"], &seen["followed_by_me"]),
            (&json!(1), &json!(true))
        );
        let followers = ana.get("/follows/followers").await.expect(200);
        assert_eq!(followers["items"][0]["username"], "bruno");
        bruno.delete(&format!("/follows/{}", ana.id)).await.expect(204);
        let seen = bruno.get(&format!("/members/{}", ana.id)).await.expect(200);
        assert_eq!(
            (&seen["follower_count"], &seen["followed_by_me"]),
            (&json!(0), &json!(false))
        );

        bruno
            .put(&format!("/follows/{}", bruno.id))
            .await
            .refused(409, "cannot_follow_yourself");
        let nobody = "01900000-0000-7000-8000-000000000000";
        bruno
            .put(&format!("/follows/{nobody}"))
            .await
            .refused(404, "not_found");
        bruno.get("/members/nobody").await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn each_part_of_a_profile_has_its_audience() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        befriend(&ana, &bruno).await;
        let empty = ana.get("/me/profile").await;
        let seen = empty.headers["etag"].to_str().unwrap().to_owned();
        assert_eq!(empty.expect(200)["completeness"], 0);
        let said = json!({
            "display_name": "Ana María", "bio": "I dance.", "occupation": "Baker", "city": "caba", "country": "Argentina",
            "languages": ["ES", "en", "es"], "tango_roles": ["dancer", "dj", "dj"], "leader_level": 3,
            "follower_level": 7, "dancing_since": 2001,
            "privacy": {"occupation": "private", "city": "friends", "levels": "friends", "languages": "private"},
        });
        let own = ana.patch("/me/profile", said).await.expect(200);
        assert_eq!(
            own["about"],
            json!({"bio": "I dance.", "occupation": "Baker", "city": "Buenos Aires", "country": "AR",
                   "languages": ["es", "en"], "tango_roles": ["dancer", "dj"], "leader_level": 3, "follower_level": 7,
                   "dancing_since": 2001, "years_of_dancing": 25})
        );
        assert_eq!((&own["completeness"], &own["display_name"]), (&json!(75), &json!("Ana María")));
        assert_eq!((&own["privacy"]["bio"], &own["privacy"]["city"]), (&json!("public"), &json!("friends")));

        let of_ana = format!("/members/{}", ana.id);
        let friend = bruno.get(&of_ana).await.expect(200);
        assert_eq!((&friend["friendship"], &friend["friend_count"]), (&json!("friends"), &json!(1)));
        let about = &friend["about"];
        assert_eq!((&about["city"], &about["leader_level"]), (&json!("Buenos Aires"), &json!(3)));
        assert_eq!((&about["occupation"], &about["languages"]), (&Value::Null, &json!([])));
        let stranger = carla.get(&of_ana).await.expect(200);
        assert_eq!(stranger["friendship"], "none");
        assert_eq!(
            stranger["about"],
            json!({"bio": "I dance.", "occupation": null, "city": null, "country": null, "languages": [],
                   "tango_roles": ["dancer", "dj"], "leader_level": null, "follower_level": null,
                   "dancing_since": 2001, "years_of_dancing": 25})
        );

        let late = ana
            .request(Method::PATCH, "/me/profile")
            .header("if-match", seen)
            .json(&json!({"bio": "lost"}));
        Answer::of(late).await.refused(412, "stale");
        let less = json!({"leader_level": null, "city": "", "tango_roles": []});
        let less = ana.patch("/me/profile", less).await.expect(200);
        assert_eq!(
            (&less["about"]["leader_level"], &less["about"]["city"], &less["about"]["bio"]),
            (&Value::Null, &Value::Null, &json!("I dance."))
        );
        for wrong in [
            json!({"leader_level": 11}),
            json!({"city": "Roma", "country": "Narnia"}),
            json!({"country": "IT"}),
            json!({"languages": ["e$"]}),
            json!({"privacy": {"bio": "enemies"}}),
        ] {
            ana.patch("/me/profile", wrong).await.refused(422, "invalid");
        }
    })
    .await;
}

#[tokio::test]
async fn what_one_does_has_a_page_of_its_own() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let dj = json!({"headline": "Golden age", "since": 2010, "favourite_orchestras": ["Troilo", "Di Sarli"],
                        "equipment": ["two decks"], "links": ["https://example.test/ana"], "available": true});
        put(&ana, "/me/experiences/dj", dj.clone()).await.expect(200);
        put(&ana, "/me/experiences/teacher", json!({"class_formats": ["private"]})).await.expect(200);
        assert_eq!(
            put(&ana, "/me/experiences/host", dj).await.refused(422, "invalid")["errors"][0]["pointer"],
            "/favourite_orchestras"
        );
        put(&ana, "/me/experiences/astronaut", json!({})).await.refused(404, "not_found");
        let of_ana = format!("/members/{}", ana.id);
        assert_eq!(bruno.get(&of_ana).await.expect(200)["experiences"], json!(["dj", "teacher"]));
        let page = bruno.get(&format!("{of_ana}/experiences/dj")).await.expect(200);
        assert_eq!(page["page"]["favourite_orchestras"], json!(["Troilo", "Di Sarli"]));
        bruno.get(&format!("{of_ana}/experiences/host")).await.refused(404, "not_found");
        let hidden = json!({"privacy": {"experiences": "friends"}});
        ana.patch("/me/profile", hidden).await.expect(200);
        assert_eq!(bruno.get(&of_ana).await.expect(200)["experiences"], json!([]));
        bruno.get(&format!("{of_ana}/experiences/dj")).await.refused(404, "not_found");
        befriend(&ana, &bruno).await;
        bruno.get(&format!("{of_ana}/experiences/dj")).await.expect(200);
        ana.delete("/me/experiences/dj").await.expect(204);
        assert_eq!(ana.get("/me/profile").await.expect(200)["experiences"], json!(["teacher"]));
    })
    .await;
}

#[tokio::test]
async fn who_tells_everybody_where_they_live_is_in_the_citys_group() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let lives = |city: &str, audience: &str| json!({"city": city, "privacy": {"city": audience}});
        ana.patch("/me/profile", lives("Roma", "friends"))
            .await
            .expect(200);
        bruno
            .patch("/me/profile", lives("Paris", "public"))
            .await
            .expect(200);
        let names = async |user: &TestUser| {
            app.app.supervisor.wake("groups.cities");
            let mine = user.get("/groups/mine").await.expect(200);
            let items = mine["items"].as_array().unwrap().clone();
            items
                .iter()
                .map(|group| group["name"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        eventually(async || (names(&bruno).await == ["Paris"]).then_some(())).await;
        assert!(names(&ana).await.is_empty(), "it would tell where she lives");
        ana.patch("/me/profile", json!({"privacy": {"city": "public"}}))
            .await
            .expect(200);
        eventually(async || (names(&ana).await == ["Roma"]).then_some(())).await;
    })
    .await;
}

#[tokio::test]
async fn search_finds_members_by_what_they_show_the_reader() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        befriend(&ana, &bruno).await;
        let said = json!({"bio": "Milonguera empedernida", "city": "Roma", "tango_roles": ["dj"], "follower_level": 8,
                          "privacy": {"city": "friends", "levels": "private"}});
        ana.patch("/me/profile", said).await.expect(200);
        let found = async |user: &TestUser, query: &str| {
            let page = user.get(&format!("/search?kind=member&{query}")).await.expect(200);
            page["items"].as_array().unwrap().len()
        };
        eventually(async || {
            app.app.supervisor.wake("search.index");
            (found(&carla, "q=empedernida").await == 1).then_some(())
        })
        .await;
        for (who, query, count) in [
            (&carla, "q=ana&role=dj", 1),
            (&bruno, "q=ana&city=Rome", 1),
            (&carla, "q=ana&city=Rome", 0),
            (&bruno, "q=ana&level=5", 0),
            (&ana, "q=ana&level=5", 1),
            (&carla, "q=roma", 0),
        ] {
            assert_eq!(found(who, query).await, count, "{} {query}", who.name);
        }
        let shown = carla.get("/search?q=ana&kind=member").await.expect(200);
        assert_eq!(shown["items"][0]["text"], "");
        app.clock.advance(Duration::from_secs(1));
        ana.patch("/me/profile", json!({"privacy": {"bio": "friends"}})).await.expect(200);
        eventually(async || {
            app.app.supervisor.wake("search.index");
            (found(&carla, "q=empedernida").await == 0).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_verified_member_shows_as_such_wherever_their_name_stands() {
    each_db(async |app| {
        let root = staff(app, "Root", Role::God).await;
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        befriend(&ana, &bruno).await;
        let post = publish(app, &ana, "A milonga").await;
        let post = format!("/posts/{}", post["id"].as_str().unwrap());
        ana.post(&format!("{post}/comments"), json!({"body": "On Friday"}))
            .await
            .expect(201);
        ana.post(&format!("{post}/reactions"), json!({"type": "love"}))
            .await
            .expect(200);
        let room = ana.put(&format!("/rooms/direct/{}", bruno.id)).await.expect(200);
        let room = room["id"].as_str().unwrap();
        let said = json!({"body": "Shall we dance?"});
        ana.post(&format!("/rooms/{room}/messages"), said)
            .await
            .expect(201);
        let places = [
            ("/members/ana".to_owned(), ""),
            ("/members?query=ana".to_owned(), "/items/0"),
            ("/follows/following".to_owned(), "/items/0"),
            ("/friends".to_owned(), "/items/0/member"),
            ("/feed".to_owned(), "/items/0/author"),
            (post.clone(), "/author"),
            (format!("{post}/comments"), "/items/0/author"),
            (format!("{post}/reactions?type=love"), "/items/0/member"),
            (format!("/rooms/{room}"), "/other"),
            (format!("/rooms/{room}"), "/last_message/sender"),
            (format!("/rooms/{room}/messages"), "/items/0/sender"),
            (format!("/rooms/{room}/members"), "/items/1/member"),
            ("/notifications".to_owned(), "/items/0/actors/0"),
        ];
        let shows = async |verified: bool| {
            for (path, place) in &places {
                let seen = bruno.get(path).await.expect(200);
                let who = seen
                    .pointer(place)
                    .unwrap_or_else(|| panic!("{path} {place}: {seen}"));
                assert_eq!(
                    (&who["username"], &who["is_verified"]),
                    (&json!("ana"), &json!(verified)),
                    "{path} {place}"
                );
            }
        };
        eventually(async || {
            app.app.supervisor.wake("notifications.tell");
            let told = bruno.get("/notifications").await.expect(200);
            told["items"].get(0).map(drop)
        })
        .await;
        shows(false).await;
        let verification = format!("/members/{}/verification", ana.id);
        put(&root, &verification, json!({"reason": "showed a passport"}))
            .await
            .expect(204);
        shows(true).await;
    })
    .await;
}
