//! The same over sockets: who hears what, at once or after they were away.

use super::tests::{direct, group};
use crate::tests::each_db;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, SocketClient, TestApp, TestUser};

async fn connect(app: &TestApp, user: &TestUser) -> SocketClient {
    SocketClient::connect(&app.url, json!({"token": user.token})).await
}

/// Connected and in the room; the second is the number it stands at.
async fn enter(app: &TestApp, user: &TestUser, room: &str) -> (SocketClient, i64) {
    let socket = connect(app, user).await;
    let joined = socket.accepted("room:join", json!({"room": room})).await;
    (socket, joined["seq"].as_i64().unwrap())
}

fn said(room: &str, body: &str) -> Value {
    json!({"room": room, "body": body})
}

#[tokio::test]
async fn what_is_said_is_heard_by_all_in_the_room_and_by_nobody_else() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let room = format!("chat:{}", direct(&ana, &bruno).await);
        let (mut hers, _) = enter(app, &ana, &room).await;
        let (mut his, _) = enter(app, &bruno, &room).await;
        let mut stranger = connect(app, &carla).await;
        stranger
            .refused("room:join", json!({"room": room}), "not_found")
            .await;
        stranger
            .refused("message:send", said(&room, "hola"), "not_found")
            .await;

        let ack = hers.accepted("message:send", said(&room, " ¿Bailamos? ")).await;
        for socket in [&mut hers, &mut his] {
            let heard = socket.hears("message:new").await;
            assert_eq!((&heard["id"], &heard["seq"]), (&ack["id"], &ack["seq"]));
            assert_eq!((&heard["room"], &heard["stream"]), (&json!(room), &json!(room)));
            assert_eq!(heard["body"], "¿Bailamos?");
            assert_eq!(
                heard["sender"],
                json!({"id": ana.id, "username": "ana", "display_name": "Ana", "is_verified": false})
            );
            assert!(heard["created_at"].is_string());
        }

        let id = &ack["id"];
        hers.accepted("message:edit", json!({"id": id, "body": "¿Bailamos un vals?"}))
            .await;
        assert_eq!(his.hears("message:edited").await["body"], "¿Bailamos un vals?");
        his.accepted("message:react", json!({"id": id, "type": "love"}))
            .await;
        let heard = hers.hears("message:reacted").await;
        assert_eq!(heard["reactions"], json!([{"type": "love", "count": 1}]));
        let read = his
            .accepted("message:read", json!({"room": room, "seq": ack["seq"]}))
            .await;
        assert_eq!(read["read_seq"], ack["seq"]);
        let heard = hers.hears("message:seen").await;
        assert_eq!(
            (&heard["member_id"], &heard["read_seq"]),
            (&json!(bruno.id), &ack["seq"])
        );
        hers.accepted("message:delete", json!({"id": id})).await;
        assert_eq!(his.hears("message:deleted").await["id"], *id);
        his.refused("message:edit", json!({"id": id, "body": "mine"}), "not_found")
            .await;
        let heard = stranger.waiting();
        assert!(
            heard.iter().all(|heard| !heard.event.starts_with("message:")),
            "{heard:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_nobody_can_mean_is_refused_with_a_word() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let room = format!("chat:{}", direct(&ana, &bruno).await);
        let (socket, _) = enter(app, &ana, &room).await;
        for bad in [
            json!({}),
            said(&room, "   "),
            said("hall", "no chat: before it"),
            said("chat:NO SUCH", "?"),
            json!({"room": room, "body": "x", "colour": "red"}),
            json!({"room": room, "body": 7}),
        ] {
            socket.refused("message:send", bad, "invalid").await;
        }
        socket
            .refused("message:send", said("chat:no-such-room", "?"), "not_found")
            .await;
        let unknown = "chat:01900000-0000-7000-8000-000000000000";
        socket
            .refused("message:send", said(unknown, "?"), "not_found")
            .await;
        let left: Option<i64> = db::Executor::one(
            &app.app.db,
            "SELECT /* every community */ count(*) FROM stream_head WHERE kind = 'chat'",
            vec![],
            |row| row.get(0),
        )
        .await
        .unwrap();
        assert_eq!(left, Some(0), "a room that is not there leaves no stream");
    })
    .await;
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_is_sent_again_and_heard_once() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let room = format!("chat:{}", direct(&ana, &bruno).await);
        let (mut his, _) = enter(app, &bruno, &room).await;
        let (hers, _) = enter(app, &ana, &room).await;
        let message = json!({"room": room, "body": "hola", "client_id": "c-1"});
        // Twice at once over one line, and once more over a new one.
        let both = futures_util::future::join_all([
            hers.call("message:send", message.clone()),
            hers.call("message:send", message.clone()),
        ])
        .await;
        drop(hers);
        let (hers, _) = enter(app, &ana, &room).await;
        let again = hers.accepted("message:send", message.clone()).await;
        for answer in &both {
            assert_eq!(
                (&answer["ok"], &answer["id"], &answer["seq"]),
                (&json!(true), &again["id"], &again["seq"])
            );
        }
        hers.accepted("message:send", said(&room, "after")).await;
        assert_eq!(his.hears("message:new").await["body"], "hola");
        assert_eq!(his.hears("message:new").await["body"], "after");
        hers.refused(
            "message:send",
            json!({"room": room, "body": "otra", "client_id": "c-1"}),
            "client_id_reused",
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn who_was_away_hears_what_they_missed_as_it_stands_now() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let room = format!("chat:{}", direct(&ana, &bruno).await);
        let (hers, _) = enter(app, &ana, &room).await;
        let (mut his, _) = enter(app, &bruno, &room).await;
        hers.accepted("message:send", said(&room, "one")).await;
        let seq = his.hears("message:new").await["seq"].as_i64().unwrap();
        drop(his);
        let two = hers.accepted("message:send", said(&room, "two")).await;
        let three = hers.accepted("message:send", said(&room, "three")).await;
        hers.accepted("message:edit", json!({"id": two["id"], "body": "two!"}))
            .await;
        hers.accepted("message:delete", json!({"id": three["id"]})).await;

        let auth = json!({"token": bruno.token, "resume": {&room: seq}});
        let mut his = SocketClient::connect(&app.url, auth).await;
        let joined = loop {
            let joined = his.hears("room:joined").await;
            if joined["stream"] == json!(room) {
                break joined;
            }
        };
        assert_eq!(joined["outcome"], "recovered");
        let missed: Vec<(&str, &Value)> = joined["missed"]
            .as_array()
            .unwrap()
            .iter()
            .map(|missed| (missed["event"].as_str().unwrap(), &missed["data"]["body"]))
            .collect();
        assert_eq!(
            missed,
            [
                ("message:new", &json!("two!")),
                ("stream:skip", &Value::Null),
                ("message:edited", &json!("two!")),
                ("message:deleted", &Value::Null),
            ]
        );
        hers.accepted("message:send", said(&room, "four")).await;
        let next = his.hears("message:new").await;
        assert_eq!(next["seq"].as_i64().unwrap(), seq + 5);
        // Who starts anew sees how things stand.
        let fresh = connect(app, &bruno).await;
        let joined = fresh
            .accepted("room:join", json!({"room": room, "snapshot": true}))
            .await;
        let messages = joined["snapshot"]["messages"].as_array().unwrap();
        let bodies: Vec<&Value> = messages.iter().map(|message| &message["body"]).collect();
        assert_eq!(bodies, ["four", "", "two!", "one"]);
    })
    .await;
}

#[tokio::test]
async fn across_a_block_nothing_is_heard_and_nobody_is_told() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let many = format!("chat:{}", group(&carla, &[&ana, &bruno]).await);
        let two = format!("chat:{}", direct(&ana, &bruno).await);
        let (mut hers, _) = enter(app, &ana, &many).await;
        let (mut his, _) = enter(app, &bruno, &many).await;
        his.accepted("room:join", json!({"room": two})).await;
        let (carlas, _) = enter(app, &carla, &many).await;
        hers.waiting();
        ana.put(&format!("/blocks/{}", bruno.id)).await.expect(204);

        his.accepted("message:send", said(&many, "from Bruno")).await;
        hers.accepted("message:send", said(&many, "from Ana")).await;
        carlas.accepted("message:send", said(&many, "from Carla")).await;
        for (socket, own) in [(&mut hers, "from Ana"), (&mut his, "from Bruno")] {
            let mut heard = vec![];
            while heard.last() != Some(&"from Carla".to_owned()) {
                let next = socket.next().await.unwrap();
                if next.event == "message:new" {
                    heard.push(next.data["body"].as_str().unwrap().to_owned());
                } else {
                    assert!(!next.data.to_string().contains("from"), "{next:?}");
                }
            }
            assert_eq!(heard, [own, "from Carla"]);
        }
        // The room of two is gone for both.
        his.refused("message:send", said(&two, "?"), "not_found").await;
        his.refused("room:join", json!({"room": two}), "not_found").await;
        hers.refused("message:send", said(&two, "?"), "not_found").await;
    })
    .await;
}

#[tokio::test]
async fn who_is_put_out_hears_no_more_and_who_is_invited_is_told() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let mut his = connect(app, &bruno).await;
        let id = group(&ana, &[]).await;
        let room = format!("chat:{id}");
        ana.put(&format!("/rooms/{id}/members/{}", bruno.id))
            .await
            .expect(204);
        let added = his.hears("room:added").await;
        assert_eq!((&added["id"], &added["room"]), (&json!(id), &json!(room)));
        his.refused("room:join", json!({"room": room}), "not_found").await;
        bruno.put(&format!("/rooms/{id}/membership")).await.expect(200);
        let (mut hers, _) = enter(app, &ana, &room).await;
        his.accepted("room:join", json!({"room": room})).await;
        hers.accepted("message:send", said(&room, "hola")).await;
        his.hears("message:new").await;
        ana.delete(&format!("/rooms/{id}/members/{}", bruno.id))
            .await
            .expect(204);
        assert_eq!(hers.hears("member:left").await["member_id"], bruno.id);
        assert_eq!(his.hears("room:left").await["stream"], room);
        hers.accepted("message:send", said(&room, "entre nosotros")).await;
        his.refused("message:send", said(&room, "?"), "not_found").await;
        let heard = his.waiting();
        assert!(
            heard.iter().all(|heard| heard.event != "message:new"),
            "{heard:?}"
        );
    })
    .await;
}

/// HTTP and sockets are two doors of one room.
#[tokio::test]
async fn what_is_said_over_http_is_heard_on_sockets() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let id = direct(&ana, &bruno).await;
        let room = format!("chat:{id}");
        let (mut his, _) = enter(app, &bruno, &room).await;
        let path = format!("/rooms/{id}/messages");
        let message = json!({"body": "hola", "client_id": "c"});
        let request = ana.request(Method::POST, &path).json(&message);
        let made = Answer::of(request).await.expect(201);
        let heard = his.hears("message:new").await;
        assert_eq!((&heard["id"], &heard["client_id"]), (&made["id"], &json!("c")));
        let (hers, _) = enter(app, &ana, &room).await;
        let again = hers
            .accepted(
                "message:send",
                json!({"room": room, "body": "hola", "client_id": "c"}),
            )
            .await;
        assert_eq!((&again["id"], &again["seq"]), (&made["id"], &made["seq"]));
    })
    .await;
}
