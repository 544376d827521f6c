//! Opening rooms, coming and going, and who may do what in them.

use crate::tests::each_db;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{TestApp, TestUser};

async fn direct(user: &TestUser, other: &TestUser) -> Value {
    user.put(&format!("/rooms/direct/{}", other.id)).await.expect(200)
}

async fn say(user: &TestUser, room: &Value, body: &str) -> Value {
    let path = format!("/rooms/{}/messages", room["id"].as_str().unwrap());
    user.post(&path, json!({"body": body})).await.expect(201)
}

async fn group(app: &TestApp, owner: &TestUser, others: &[&TestUser]) -> String {
    app.clock.advance(std::time::Duration::from_secs(1));
    let ids: Vec<&str> = others.iter().map(|other| other.id.as_str()).collect();
    let room = owner
        .post("/rooms", json!({"title": "Encuentro", "member_ids": ids}))
        .await
        .expect(201);
    let room = room["id"].as_str().unwrap().to_owned();
    for other in others {
        other.put(&format!("/rooms/{room}/membership")).await.expect(200);
    }
    room
}

fn ids(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("a list");
    items.iter().map(|room| room["id"].as_str().unwrap()).collect()
}

async fn open_room(app: &TestApp, slug: &'static str) {
    let (id, now) = (app.app.ids.next::<super::RoomId>(), app.app.clock.now());
    app.app
        .db
        .write(move |tx| async move {
            let new = super::store::NewRoom {
                id,
                kind: super::RoomKind::Open,
                slug: Some(slug),
                title: "The hall",
                pair: None,
                group: None,
            };
            super::store::insert(&tx, new, now).await
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn two_members_have_one_room_however_often_it_is_opened() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        for _ in 0..3 {
            let opened = join_all([
                direct(&ana, &bruno),
                direct(&bruno, &ana),
                direct(&ana, &bruno),
                direct(&bruno, &ana),
            ])
            .await;
            let first = &opened[0]["id"];
            assert!(opened.iter().all(|room| room["id"] == *first), "{opened:?}");
        }
        let room = direct(&ana, &bruno).await;
        assert_eq!(
            (&room["kind"], &room["member_count"]),
            (&json!("direct"), &json!(2))
        );
        assert_eq!(room["other"]["display_name"], "Bruno");
        assert_eq!(direct(&bruno, &ana).await["other"]["display_name"], "Ana");
        ana.put(&format!("/rooms/direct/{}", ana.id))
            .await
            .refused(409, "cannot_talk_to_yourself");
        ana.put("/rooms/direct/01900000-0000-7000-8000-000000000000")
            .await
            .refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_direct_room_is_listed_once_something_was_said_and_belongs_to_two() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let room = direct(&ana, &bruno).await;
        assert!(ids(&bruno.get("/rooms").await.expect(200)).is_empty());
        say(&ana, &room, "¿Bailamos?").await;
        let list = bruno.get("/rooms").await.expect(200);
        assert_eq!(list["items"][0]["last_message"]["body"], "¿Bailamos?");
        assert_eq!(list["items"][0]["unread_count"], 1);
        assert_eq!(ana.get("/rooms").await.expect(200)["items"][0]["unread_count"], 0);

        let id = room["id"].as_str().unwrap();
        for path in ["", "/messages", "/members"] {
            carla
                .get(&format!("/rooms/{id}{path}"))
                .await
                .refused(404, "not_found");
        }
        carla
            .post(&format!("/rooms/{id}/messages"), json!({"body": "hola"}))
            .await
            .refused(404, "not_found");
        carla
            .put(&format!("/rooms/{id}/membership"))
            .await
            .refused(404, "not_found");
        ana.put(&format!("/rooms/{id}/members/{}", carla.id))
            .await
            .refused(409, "direct_room");
        ana.delete(&format!("/rooms/{id}/membership"))
            .await
            .refused(409, "direct_room");
    })
    .await;
}

#[tokio::test]
async fn a_block_closes_the_room_of_two_for_both_and_opens_it_again() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let room = direct(&ana, &bruno).await;
        let id = room["id"].as_str().unwrap();
        say(&ana, &room, "hola").await;
        ana.put(&format!("/blocks/{}", bruno.id)).await.expect(204);
        for (user, other) in [(&ana, &bruno), (&bruno, &ana)] {
            assert!(ids(&user.get("/rooms").await.expect(200)).is_empty());
            assert_eq!(user.get("/rooms/unread").await.expect(200)["messages"], 0);
            user.get(&format!("/rooms/{id}")).await.refused(404, "not_found");
            let path = format!("/rooms/{id}/messages");
            user.get(&path).await.refused(404, "not_found");
            user.post(&path, json!({"body": "?"}))
                .await
                .refused(404, "not_found");
            user.put(&format!("/rooms/direct/{}", other.id))
                .await
                .refused(404, "not_found");
        }
        ana.delete(&format!("/blocks/{}", bruno.id)).await.expect(204);
        say(&bruno, &room, "gracias").await;
        assert_eq!(
            ana.get("/rooms").await.expect(200)["items"][0]["last_message"]["body"],
            "gracias"
        );
    })
    .await;
}

#[tokio::test]
async fn who_is_invited_knows_of_a_room_and_reads_it_once_they_join() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let room = ana
            .post("/rooms", json!({"title": " Sábados ", "member_ids": [bruno.id]}))
            .await
            .expect(201);
        let id = room["id"].as_str().unwrap();
        assert_eq!(
            (&room["title"], &room["member_count"]),
            (&json!("Sábados"), &json!(1))
        );
        assert_eq!(room["membership"]["role"], "owner");
        say(&ana, &room, "before you came").await;

        let seen = bruno.get(&format!("/rooms/{id}")).await.expect(200);
        assert_eq!(seen["membership"]["status"], "invited");
        assert_eq!(
            (&seen["last_message"], &seen["unread_count"]),
            (&Value::Null, &json!(0))
        );
        assert_eq!(ids(&bruno.get("/rooms").await.expect(200)), [id]);
        bruno
            .get(&format!("/rooms/{id}/messages"))
            .await
            .refused(403, "not_in_room");
        carla.get(&format!("/rooms/{id}")).await.refused(404, "not_found");
        carla
            .put(&format!("/rooms/{id}/membership"))
            .await
            .refused(404, "not_found");

        for _ in 0..2 {
            let joined = bruno.put(&format!("/rooms/{id}/membership")).await.expect(200);
            assert_eq!(joined["member_count"], 2);
            assert_eq!(joined["unread_count"], 0, "what was said before is read");
        }
        let messages = bruno.get(&format!("/rooms/{id}/messages")).await.expect(200);
        assert_eq!(messages["items"][0]["body"], "before you came");
        for _ in 0..2 {
            bruno.delete(&format!("/rooms/{id}/membership")).await;
        }
        bruno.get(&format!("/rooms/{id}")).await.refused(404, "not_found");
        assert_eq!(
            ana.get(&format!("/rooms/{id}")).await.expect(200)["member_count"],
            1
        );
    })
    .await;
}

#[tokio::test]
async fn admins_look_after_a_room_and_nobody_puts_out_an_equal() {
    each_db(async |app| {
        let (ana, bruno, carla, diego) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
            app.user("Diego").await,
        );
        let room = group(app, &ana, &[&bruno, &carla]).await;
        let of = |other: &TestUser| format!("/rooms/{room}/members/{}", other.id);
        carla.put(&of(&diego)).await.refused(403, "not_room_admin");
        carla
            .patch(&format!("/rooms/{room}"), json!({"title": "Mine"}))
            .await
            .refused(403, "not_room_admin");
        bruno
            .patch(&of(&bruno), json!({"role": "admin"}))
            .await
            .refused(403, "not_room_admin");
        ana.patch(&of(&bruno), json!({"role": "admin"})).await.expect(204);
        bruno.put(&of(&diego)).await.expect(204);
        bruno.delete(&of(&ana)).await.refused(403, "outranked");
        bruno
            .patch(&of(&carla), json!({"role": "admin"}))
            .await
            .refused(403, "not_room_owner");
        bruno
            .patch(&format!("/rooms/{room}"), json!({"title": "Encuentro del Sur"}))
            .await
            .expect(200);

        // Silenced, one reads and says nothing; put out, one finds nothing.
        bruno
            .patch(&of(&carla), json!({"silenced": true}))
            .await
            .expect(204);
        let path = format!("/rooms/{room}/messages");
        carla
            .post(&path, json!({"body": "!"}))
            .await
            .refused(403, "silenced");
        carla.get(&path).await.expect(200);
        bruno.delete(&of(&carla)).await.expect(204);
        carla.get(&path).await.refused(404, "not_found");
        carla
            .put(&format!("/rooms/{room}/membership"))
            .await
            .refused(404, "not_found");
        bruno.put(&of(&carla)).await.expect(204);
        carla.put(&format!("/rooms/{room}/membership")).await.expect(200);

        // The owner leaves: the admin takes over.
        ana.delete(&format!("/rooms/{room}/membership")).await.expect(204);
        let seen = bruno.get(&format!("/rooms/{room}")).await.expect(200);
        assert_eq!(
            (&seen["membership"]["role"], &seen["title"]),
            (&json!("owner"), &json!("Encuentro del Sur"))
        );
    })
    .await;
}

#[tokio::test]
async fn an_open_room_is_everybodys_and_an_admin_keeps_somebody_out() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        open_room(app, "hall").await;
        let open = ana.get("/rooms/open").await.expect(200);
        assert_eq!(open["items"][0]["name"], "chat:hall");
        ana.post("/rooms/hall/messages", json!({"body": "hola"}))
            .await
            .expect(201);
        assert_eq!(
            bruno.get("/rooms/hall/messages").await.expect(200)["items"][0]["body"],
            "hola"
        );
        assert!(ids(&ana.get("/rooms").await.expect(200)).is_empty());
        let joined = ana.put("/rooms/hall/membership").await.expect(200);
        assert_eq!(joined["member_count"], 1);
        assert_eq!(ana.get("/rooms").await.expect(200)["items"][0]["slug"], "hall");
        ana.get("/rooms/no-such-room").await.refused(404, "not_found");

        let id: super::RoomId = joined["id"].as_str().unwrap().parse().unwrap();
        let owner = ana.id.parse().unwrap();
        app.app
            .db
            .write(move |tx| async move { super::store::put_role(&tx, id, owner, super::Role::Owner).await })
            .await
            .unwrap();
        ana.delete(&format!("/rooms/hall/members/{}", bruno.id))
            .await
            .expect(204);
        bruno
            .get("/rooms/hall/messages")
            .await
            .refused(403, "not_in_room");
        bruno
            .put("/rooms/hall/membership")
            .await
            .refused(403, "removed_from_room");
        bruno
            .post("/rooms/hall/messages", json!({"body": "?"}))
            .await
            .refused(403, "not_in_room");
    })
    .await;
}

#[tokio::test]
async fn members_counts_are_right_whoever_comes_and_goes_at_once() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let mut others = vec![];
        for n in 0..5 {
            others.push(app.user(&format!("Fan{n}")).await);
        }
        open_room(app, "hall").await;
        ana.put("/rooms/hall/membership").await.expect(200);
        let work = others.iter().enumerate().map(|(n, fan)| async move {
            for round in 0..4 {
                if (n + round) % 3 == 2 {
                    fan.delete("/rooms/hall/membership").await.expect(204);
                } else {
                    fan.put("/rooms/hall/membership").await.expect(200);
                }
            }
        });
        join_all(work).await;
        let sql = "SELECT /* every community */ r.member_count -
                       (SELECT count(*) FROM room_member rm WHERE rm.room_id = r.id AND rm.status = 'joined')
                   FROM room r";
        let drift: Vec<i64> = db::Executor::all(&app.app.db, sql, vec![], |row| row.get(0))
            .await
            .unwrap();
        assert_eq!(drift, [0]);
    })
    .await;
}

#[tokio::test]
async fn the_last_one_takes_the_room_with_them() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let room = group(app, &ana, &[&bruno]).await;
        bruno
            .delete(&format!("/rooms/{room}/membership"))
            .await
            .expect(204);
        ana.delete(&format!("/rooms/{room}/membership")).await.expect(204);
        ana.get(&format!("/rooms/{room}")).await.refused(404, "not_found");
        let left: Option<i64> = db::Executor::one(
            &app.app.db,
            "SELECT /* every community */ count(*) FROM room",
            vec![],
            |row| row.get(0),
        )
        .await
        .unwrap();
        assert_eq!(left, Some(0));
    })
    .await;
}

#[tokio::test]
async fn a_muted_room_counts_for_nothing_and_rooms_are_paged_by_their_news() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let (first, second) = (direct(&bruno, &ana).await, direct(&carla, &ana).await);
        for (user, room) in [(&bruno, &first), (&carla, &second), (&bruno, &first)] {
            app.clock.advance(std::time::Duration::from_secs(1));
            say(user, room, "hola").await;
        }
        let unread = ana.get("/rooms/unread").await.expect(200);
        assert_eq!(unread, json!({"messages": 3, "rooms": 2}));
        let page = ana.get("/rooms?limit=1").await.expect(200);
        assert_eq!(ids(&page), [first["id"].as_str().unwrap()]);
        let next = page["next_cursor"].as_str().unwrap();
        let page = ana
            .get(&format!("/rooms?limit=1&cursor={next}"))
            .await
            .expect(200);
        assert_eq!(ids(&page), [second["id"].as_str().unwrap()]);
        assert_eq!(page["next_cursor"], Value::Null);
        let path = format!("/rooms/{}/membership", first["id"].as_str().unwrap());
        let muted = ana.patch(&path, json!({"muted": true})).await.expect(200);
        assert_eq!(muted["membership"]["muted"], true);
        let unread = ana.get("/rooms/unread").await.expect(200);
        assert_eq!(unread, json!({"messages": 1, "rooms": 1}));
    })
    .await;
}
