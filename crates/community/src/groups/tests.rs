use crate::tests::{bodies, each_db, publish};
use base::Entropy;
use db::Executor;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, TestApp, TestUser, eventually};

async fn group(by: &TestUser, name: &str, visibility: &str) -> String {
    let new = json!({"name": name, "kind": "interest", "visibility": visibility});
    let made = by.post("/groups", new).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

async fn put(user: &TestUser, path: &str, body: Value) -> Answer {
    Answer::of(user.request(reqwest::Method::PUT, path).json(&body)).await
}

fn names(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap()).collect()
}

/// Sorted: accounts of one moment have no order.
fn usernames(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    let mut names: Vec<&str> = items
        .iter()
        .map(|item| item["member"]["username"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    names
}

async fn audited(app: &TestApp) -> i64 {
    let sql = "SELECT /* every community */ count(*) FROM automation_audit";
    app.app
        .db
        .one(sql, vec![], |row| row.get(0))
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_hundred_dancers_name_a_city_at_once_and_it_has_one_group() {
    each_db(async |app| {
        let mut dancers = vec![];
        for n in 0..10 {
            dancers.push(app.user(&format!("Dancer{n}")).await);
        }
        let spellings = [
            "Buenos Aires",
            " buenos   aires",
            "BUENOS-AIRES",
            "CABA",
            "Buenos Aires, Argentina",
        ];
        let all = (0..100).map(|n| {
            let (dancer, city) = (&dancers[n % 10], spellings[n % 5]);
            async move {
                put(dancer, "/groups/cities", json!({"city": city}))
                    .await
                    .expect(200)
            }
        });
        let answers = join_all(all).await;
        let made = answers.iter().filter(|answer| answer["created"] == true).count();
        assert_eq!(made, 1, "one of them made it");
        assert!(
            answers
                .iter()
                .all(|answer| answer["group"]["slug"] == "buenos-aires-ar")
        );
        assert_eq!(audited(app).await, 1);
        let group = dancers[0].get("/groups/buenos-aires-ar").await.expect(200);
        assert_eq!(group["member_count"], 10);
        assert_eq!(group["kind"], "city");
        let map = dancers[0].get("/groups/cities").await.expect(200);
        assert_eq!(map["items"].as_array().unwrap().len(), 1);
        assert!(map["items"][0]["latitude"].as_f64().unwrap() < -34.0);
    })
    .await;
}

#[tokio::test]
async fn an_event_in_a_new_city_makes_its_group_and_counts_on_the_map() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        for title in ["Milonga del Sur", "Práctica"] {
            let event = json!({"title": title, "city": "Wien", "starts_at": "2026-12-24T20:00:00Z", "time_zone": "Europe/Vienna"});
            ana.post("/events", event).await.expect(201);
        }
        let cities = eventually(async || {
            app.app.supervisor.wake("groups.cities");
            let map = ana.get("/groups/cities").await.expect(200);
            (!map["items"].as_array().unwrap().is_empty()).then_some(map)
        })
        .await;
        app.run_worker("groups.cities").await;
        assert_eq!(names(&cities), ["Wien"]);
        assert_eq!(cities["items"][0]["event_count"], 2);
        assert_eq!(cities["items"][0]["member_count"], 0, "who announces need not live there");
        assert_eq!(audited(app).await, 1);
        let vienna = put(&ana, "/groups/cities", json!({"city": "Vienna", "country": "Austria"})).await.expect(200);
        assert_eq!(vienna["created"], false);
        assert_eq!(vienna["group"]["my_role"], "member");
        put(&ana, "/groups/cities", json!({"city": "Wien", "country": "Atlantis"})).await.refused(422, "invalid");
        put(&ana, "/groups/cities", json!({"city": "?!"})).await.refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn a_private_group_of_others_looks_like_an_unknown_id() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let secret = group(&ana, "Surprise for Bruno", "private").await;
        let slug = ana.get(&format!("/groups/{secret}")).await.expect(200)["slug"]
            .as_str()
            .unwrap()
            .to_owned();
        let nothing = uuid::Uuid::nil();
        for (there, unknown) in [
            (format!("/groups/{secret}"), format!("/groups/{nothing}")),
            (format!("/groups/{slug}"), "/groups/nowhere".to_owned()),
            (
                format!("/groups/{secret}/members"),
                format!("/groups/{nothing}/members"),
            ),
        ] {
            let mut answers = [bruno.get(&there).await, bruno.get(&unknown).await]
                .map(|answer| answer.refused(404, "not_found"));
            for answer in &mut answers {
                answer["request_id"] = Value::Null;
            }
            assert_eq!(answers[0], answers[1]);
        }
        let id = &secret;
        bruno
            .put(&format!("/groups/{id}/membership"))
            .await
            .refused(404, "not_found");
        bruno
            .delete(&format!("/groups/{id}/membership"))
            .await
            .refused(404, "not_found");
        bruno
            .patch(&format!("/groups/{id}"), json!({"name": "Mine"}))
            .await
            .refused(404, "not_found");
        bruno
            .delete(&format!("/groups/{id}"))
            .await
            .refused(404, "not_found");
        for act in ["members", "bans", "invitations", "requests", "pins"] {
            bruno
                .delete(&format!("/groups/{id}/{act}/{}", ana.id))
                .await
                .refused(404, "not_found");
        }
        assert!(names(&bruno.get("/groups").await.expect(200)).is_empty());
        assert!(names(&bruno.get("/groups?kind=interest").await.expect(200)).is_empty());
        assert_eq!(
            names(&ana.get("/groups?kind=interest").await.expect(200)),
            ["Surprise for Bruno"]
        );

        ana.put(&format!("/groups/{id}/invitations/{}", bruno.id))
            .await
            .expect(204);
        assert_eq!(
            bruno.get(&format!("/groups/{id}")).await.expect(200)["my_status"],
            "invited"
        );
        bruno
            .get(&format!("/groups/{id}/members"))
            .await
            .refused(403, "not_a_member");
        assert_eq!(
            names(&bruno.get("/groups/mine?status=invited").await.expect(200)),
            ["Surprise for Bruno"]
        );
        assert_eq!(
            bruno.put(&format!("/groups/{id}/membership")).await.expect(200)["my_status"],
            "active"
        );
        assert_eq!(
            usernames(&bruno.get(&format!("/groups/{id}/members")).await.expect(200)),
            ["ana", "bruno"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_closed_group_is_known_to_all_and_lets_in_whom_its_moderators_let_in() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let id = group(&ana, "Advanced followers", "closed").await;
        let asked = bruno.put(&format!("/groups/{id}/membership")).await.expect(200);
        assert_eq!(
            (&asked["my_status"], &asked["member_count"]),
            (&json!("requested"), &json!(1))
        );
        bruno
            .get(&format!("/groups/{id}/members"))
            .await
            .refused(403, "not_a_member");
        carla.put(&format!("/groups/{id}/membership")).await.expect(200);
        bruno
            .put(&format!("/groups/{id}/requests/{}", bruno.id))
            .await
            .refused(403, "not_a_moderator");
        bruno
            .get(&format!("/groups/{id}/members?status=requested"))
            .await
            .refused(403, "not_a_moderator");
        let asking = ana
            .get(&format!("/groups/{id}/members?status=requested"))
            .await
            .expect(200);
        assert_eq!(usernames(&asking), ["bruno", "carla"]);
        ana.put(&format!("/groups/{id}/requests/{}", bruno.id))
            .await
            .expect(204);
        ana.delete(&format!("/groups/{id}/requests/{}", carla.id))
            .await
            .expect(204);
        ana.put(&format!("/groups/{id}/requests/{}", carla.id))
            .await
            .refused(404, "not_found");
        let group = bruno.get(&format!("/groups/{id}")).await.expect(200);
        assert_eq!(
            (&group["my_role"], &group["member_count"]),
            (&json!("member"), &json!(2))
        );
        // A request is taken back as one leaves.
        carla.put(&format!("/groups/{id}/membership")).await.expect(200);
        carla
            .delete(&format!("/groups/{id}/membership"))
            .await
            .expect(204);
        let asking = ana
            .get(&format!("/groups/{id}/members?status=requested"))
            .await
            .expect(200);
        assert!(usernames(&asking).is_empty());
    })
    .await;
}

#[tokio::test]
async fn roles_bans_and_the_last_admin() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let id = group(&ana, "Milongueros", "public").await;
        for member in [&bruno, &carla] {
            member.put(&format!("/groups/{id}/membership")).await.expect(200);
        }
        ana.delete(&format!("/groups/{id}/membership"))
            .await
            .refused(409, "last_admin");
        let own = format!("/groups/{id}/members/{}", ana.id);
        put(&ana, &own, json!({"role": "member"}))
            .await
            .refused(409, "last_admin");
        let role = format!("/groups/{id}/members/{}", bruno.id);
        put(&carla, &role, json!({"role": "admin"}))
            .await
            .refused(403, "not_an_admin");
        put(&ana, &role, json!({"role": "moderator"})).await.expect(204);
        // A moderator acts on members, and not on an admin.
        bruno
            .delete(&format!("/groups/{id}/members/{}", ana.id))
            .await
            .refused(403, "not_an_admin");
        bruno
            .put(&format!("/groups/{id}/bans/{}", carla.id))
            .await
            .expect(204);
        carla
            .put(&format!("/groups/{id}/membership"))
            .await
            .refused(403, "banned_from_group");
        ana.put(&format!("/groups/{id}/invitations/{}", carla.id))
            .await
            .refused(409, "banned_from_group");
        assert_eq!(
            ana.get(&format!("/groups/{id}")).await.expect(200)["member_count"],
            2
        );
        carla
            .delete(&format!("/groups/{id}/membership"))
            .await
            .expect(204);
        carla
            .put(&format!("/groups/{id}/membership"))
            .await
            .refused(403, "banned_from_group");
        bruno
            .delete(&format!("/groups/{id}/bans/{}", carla.id))
            .await
            .expect(204);
        carla.put(&format!("/groups/{id}/membership")).await.expect(200);
        put(&ana, &role, json!({"role": "admin"})).await.expect(204);
        ana.delete(&format!("/groups/{id}/membership")).await.expect(204);
        ana.patch(&format!("/groups/{id}"), json!({"name": "Mine again"}))
            .await
            .refused(403, "not_an_admin");
        let edited = bruno
            .patch(
                &format!("/groups/{id}"),
                json!({"name": "Milongueras", "visibility": "private"}),
            )
            .await;
        assert_eq!(edited.expect(200)["name"], "Milongueras");
        ana.get(&format!("/groups/{id}")).await.refused(404, "not_found");
        bruno.delete(&format!("/groups/{id}")).await.expect(204);
        bruno
            .get(&format!("/groups/{id}"))
            .await
            .refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_group_is_made_with_checked_words() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        for wrong in [
            json!({"name": "", "kind": "interest", "visibility": "public"}),
            json!({"name": "Cities", "kind": "city", "visibility": "public"}),
            json!({"name": "DJs", "kind": "role", "visibility": "public"}),
            json!({"name": "X", "kind": "interest", "visibility": "public", "tango_role": "dj"}),
            json!({"name": "X", "kind": "interest", "visibility": "public", "city": "Roma", "country": "Utopia"}),
        ] {
            ana.post("/groups", wrong).await.refused(422, "invalid");
        }
        let new = json!({"name": "DJs of Rome", "kind": "role", "tango_role": "dj", "visibility": "public", "city": "Rome"});
        let made = ana.post("/groups", new).await.expect(201);
        assert_eq!((&made["city"], &made["country"], &made["tango_role"]), (&json!("Roma"), &json!("IT"), &json!("dj")));
        assert!(made["slug"].as_str().unwrap().starts_with("djs-of-rome-"));
        assert_eq!(names(&ana.get("/groups?country=Italia").await.expect(200)), ["DJs of Rome"]);
        assert!(names(&ana.get("/groups?country=FR").await.expect(200)).is_empty());
        ana.get("/groups?country=Utopia").await.refused(422, "invalid");
        let id = made["id"].as_str().unwrap();
        let placed = put(&ana, &format!("/groups/{id}/place"), json!({"latitude": 41.5, "longitude": 12.5})).await.expect(200);
        assert_eq!(placed["latitude"], 41.5);
        put(&ana, &format!("/groups/{id}/place"), json!({"latitude": 91, "longitude": 0})).await.refused(422, "invalid");
    })
    .await;
}

/// Members come, go, are let in, put out and banned, many at once; whatever happens, the
/// count is the number of members and somebody is admin.
#[tokio::test]
async fn the_count_of_members_never_drifts() {
    each_db(async |app| {
        let mut dancers = vec![];
        for n in 0..8 {
            dancers.push(app.user(&format!("Dancer{n}")).await);
        }
        let mut groups = vec![];
        for visibility in ["public", "closed", "private"] {
            groups.push(group(&dancers[0], visibility, visibility).await);
        }
        let dice = Entropy::seeded(42);
        for _ in 0..12 {
            let acts: Vec<_> = (0..16)
                .map(|_| {
                    let by = &dancers[dice.below(8) as usize];
                    let other = &dancers[dice.below(8) as usize].id;
                    let id = &groups[dice.below(3) as usize];
                    let (method, path, body) = match dice.below(10) {
                        0..=2 => ("PUT", format!("/groups/{id}/membership"), None),
                        3 => ("DELETE", format!("/groups/{id}/membership"), None),
                        4 => ("PUT", format!("/groups/{id}/invitations/{other}"), None),
                        5 => ("PUT", format!("/groups/{id}/requests/{other}"), None),
                        6 => ("DELETE", format!("/groups/{id}/members/{other}"), None),
                        7 => ("PUT", format!("/groups/{id}/bans/{other}"), None),
                        8 => ("DELETE", format!("/groups/{id}/bans/{other}"), None),
                        _ => {
                            let role = ["member", "moderator", "admin"][dice.below(3) as usize];
                            (
                                "PUT",
                                format!("/groups/{id}/members/{other}"),
                                Some(json!({"role": role})),
                            )
                        }
                    };
                    let request = by.request(method.parse().unwrap(), &path);
                    Answer::of(match body {
                        Some(body) => request.json(&body),
                        None => request,
                    })
                })
                .collect();
            for answer in join_all(acts).await {
                assert!(answer.status < 500, "{}", answer.text);
            }
        }
        let sql = "SELECT /* every community */ g.id, g.member_count, count(gm.member_id),
                          count(CASE WHEN gm.role = 'admin' THEN 1 END)
                   FROM community_group g
                   LEFT JOIN group_member gm ON gm.group_id = g.id AND gm.status = 'active'
                   GROUP BY g.id, g.member_count";
        let counts = app.app.db.all(sql, vec![], |row| {
            Ok((row.get::<i64>(1)?, row.get::<i64>(2)?, row.get::<i64>(3)?))
        });
        let counts = counts.await.unwrap();
        assert_eq!(counts.len(), 3);
        for (count, members, admins) in counts {
            assert_eq!(count, members);
            assert!(admins > 0);
        }
    })
    .await;
}

#[tokio::test]
async fn an_account_that_goes_leaves_right_counts_and_an_heir() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let id = group(&ana, "Heirs", "public").await;
        let alone = group(&ana, "Alone", "public").await;
        bruno.put(&format!("/groups/{id}/membership")).await.expect(200);
        let (own, member) = (app.app.clone(), accounts::MemberId(ana.id.parse().unwrap()));
        let work = move |tx: db::Tx| async move { super::ops::forget_member(&own, &tx, member).await };
        app.app.db.write_again(work).await.unwrap();
        let group = bruno.get(&format!("/groups/{id}")).await.expect(200);
        assert_eq!(
            (&group["member_count"], &group["my_role"]),
            (&json!(1), &json!("admin"))
        );
        bruno
            .get(&format!("/groups/{alone}"))
            .await
            .refused(404, "not_found");
        assert!(names(&ana.get("/groups/mine").await.expect(200)).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_group_has_a_chat_room_for_its_members() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let id = group(&ana, "Milongueros", "public").await;
        let room = ana.get(&format!("/groups/{id}")).await.expect(200)["room_id"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(bruno.get(&format!("/groups/{id}")).await.expect(200)["room_id"].is_null());
        bruno
            .get(&format!("/rooms/{room}/messages"))
            .await
            .refused(404, "not_found");
        bruno.put(&format!("/groups/{id}/membership")).await.expect(200);
        bruno.get(&format!("/rooms/{room}/messages")).await.expect(200);
        bruno
            .delete(&format!("/groups/{id}/membership"))
            .await
            .expect(204);
        bruno
            .get(&format!("/rooms/{room}/messages"))
            .await
            .refused(404, "not_found");
        bruno.put(&format!("/groups/{id}/membership")).await.expect(200);
        ana.put(&format!("/groups/{id}/bans/{}", bruno.id))
            .await
            .expect(204);
        bruno
            .get(&format!("/rooms/{room}/messages"))
            .await
            .refused(404, "not_found");
        ana.delete(&format!("/groups/{id}")).await.expect(204);
        ana.get(&format!("/rooms/{room}/messages"))
            .await
            .refused(404, "not_found");
        // The room of a city is there with its first member, who has no say over the others.
        let city = put(&bruno, "/groups/cities", json!({"city": "Roma"}))
            .await
            .expect(200);
        assert!(city["group"]["room_id"].is_string());
        assert_eq!(city["group"]["my_role"], "member");
    })
    .await;
}

#[tokio::test]
async fn a_group_has_a_feed_and_a_few_posts_on_top() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let new = json!({"name": "Vals lovers", "kind": "interest", "visibility": "closed"});
        let group = ana.post("/groups", new).await.expect(201)["id"].clone();
        let path = format!("/groups/{}", group.as_str().unwrap());
        bruno.put(&format!("{path}/membership")).await.expect(200);
        ana.put(&format!("{path}/requests/{}", bruno.id))
            .await
            .expect(204);
        let mut posts = vec![];
        for n in 0..7 {
            app.clock.advance(Duration::from_secs(1));
            let who = if n == 3 { &bruno } else { &ana };
            let post = json!({"body": format!("vals {n}"), "group_id": group});
            posts.push(who.post("/posts", post).await.expect(201)["id"].clone());
        }
        publish(app, &ana, "not for the group").await;
        let (feed, pins) = (format!("{path}/posts"), format!("{path}/pins"));
        let first = bruno.get(&format!("{feed}?limit=2")).await.expect(200);
        assert_eq!(bodies(&first), ["vals 6", "vals 5"]);
        let next = first["next_cursor"].as_str().unwrap();
        let second = bruno
            .get(&format!("{feed}?limit=2&cursor={next}"))
            .await
            .expect(200);
        assert_eq!(bodies(&second), ["vals 4", "vals 3"]);

        let pin = |n: usize| format!("{pins}/{}", posts[n].as_str().unwrap());
        bruno.put(&pin(0)).await.refused(403, "not_a_moderator");
        for n in [0, 3, 1, 2, 4, 4] {
            app.clock.advance(Duration::from_secs(1));
            ana.put(&pin(n)).await.expect(204);
        }
        ana.put(&pin(5)).await.refused(409, "too_many_pins");
        ana.delete(&pin(2)).await.expect(204);
        ana.put(&pin(5)).await.expect(204);
        assert_eq!(
            bodies(&bruno.get(&pins).await.expect(200)),
            ["vals 5", "vals 4", "vals 1", "vals 3", "vals 0"]
        );

        // Whoever is not in it reads none of it; whom one blocked is not there.
        for inside in [&feed, &pins] {
            carla.get(inside).await.refused(403, "not_a_member");
        }
        ana.put(&format!("/blocks/{}", bruno.id)).await.expect(204);
        assert_eq!(bodies(&bruno.get(&feed).await.expect(200)), ["vals 3"]);
        assert_eq!(bodies(&bruno.get(&pins).await.expect(200)), ["vals 3"]);
        assert_eq!(
            ana.get(&feed).await.expect(200)["items"]
                .as_array()
                .unwrap()
                .len(),
            6
        );
    })
    .await;
}
