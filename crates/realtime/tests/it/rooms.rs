//! Entering, leaving, coming back, being put out.

use crate::hall::{connect, each_db, hall, hide, say, spoken};
use realtime::Realtime;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Heard, SocketClient, eventually};

/// The next push that does not tell who is there: that comes when it comes.
async fn next(client: &mut SocketClient) -> Heard {
    loop {
        let heard = client.next().await.expect("the connection holds");
        if heard.event != "presence:changed" {
            return heard;
        }
    }
}

#[tokio::test]
async fn who_is_in_a_room_hears_what_is_said_there_in_order() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let (ana, mut bruno) = (connect(app, &ana).await, connect(app, &bruno).await);
        let joined = bruno
            .accepted("room:join", json!({"room": hall(1).to_string()}))
            .await;
        assert_eq!(
            (&joined["outcome"], &joined["seq"], &joined["stream"]),
            (&json!("live"), &json!(0), &json!(hall(1).to_string()))
        );
        for n in 1..=3 {
            let said = say(&ana, hall(1), &format!("word {n}")).await;
            assert_eq!(said["seq"], n);
        }
        // Elsewhere nobody listens.
        say(&ana, hall(2), "nobody hears this").await;
        let pushes = [
            bruno.hears("hall:said").await,
            bruno.hears("hall:said").await,
            bruno.hears("hall:said").await,
        ];
        assert_eq!(spoken(&pushes), [(1, "word 1"), (2, "word 2"), (3, "word 3")]);
        assert_eq!(pushes[0]["stream"], hall(1).to_string());
        assert!(pushes[0]["at"].is_string());
        bruno
            .accepted("room:leave", json!({"room": hall(1).to_string()}))
            .await;
        say(&ana, hall(1), "too late").await;
        bruno
            .accepted("room:leave", json!({"room": hall(1).to_string()}))
            .await;
        assert_eq!(
            bruno.waiting().iter().filter(|h| h.event == "hall:said").count(),
            0
        );
    })
    .await;
}

#[tokio::test]
async fn who_was_away_hears_what_was_missed() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let room = hall(3).to_string();
        let speaker = connect(app, &ana).await;
        for n in 1..=5 {
            say(&speaker, hall(3), &format!("word {n}")).await;
        }
        let client = connect(app, &bruno).await;
        let joined = client
            .accepted("room:join", json!({"room": room, "since": 2}))
            .await;
        assert_eq!(
            (&joined["outcome"], &joined["seq"]),
            (&json!("recovered"), &json!(5))
        );
        let missed: Vec<Value> = joined["missed"]
            .as_array()
            .unwrap()
            .iter()
            .map(|missed| missed["data"].clone())
            .collect();
        assert_eq!(spoken(&missed), [(3, "word 3"), (4, "word 4"), (5, "word 5")]);
        assert_eq!(joined["missed"][0]["event"], "hall:said");

        let joined = client
            .accepted("room:join", json!({"room": room, "since": 5}))
            .await;
        assert_eq!(joined["outcome"], "live");
        let joined = client
            .accepted("room:join", json!({"room": room, "since": 9}))
            .await;
        assert_eq!(joined["outcome"], "expired");
        assert_eq!(
            (&joined["seq"], &joined["snapshot"]["spoken"]),
            (&json!(5), &json!(5))
        );
        let joined = client
            .accepted("room:join", json!({"room": room, "snapshot": true}))
            .await;
        assert_eq!(
            (&joined["outcome"], &joined["snapshot"]["spoken"]),
            (&json!("live"), &json!(5))
        );

        // Once the log is cut, a snapshot takes its place.
        app.clock.advance(Duration::from_hours(14 * 24 + 1));
        let facts = app.run_worker("streams.clean_up").await;
        assert_eq!(facts["entries"], 5);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_a_snapshot() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let client = connect(app, &ana).await;
        for n in 1..=3 {
            say(&client, hall(4), &format!("old {n}")).await;
        }
        app.app
            .db
            .write(|tx| async move {
                let sql = "DELETE /* every community */ FROM stream_entry WHERE seq < 3";
                tx.execute(sql, vec![]).await
            })
            .await
            .unwrap();
        let join = json!({"room": hall(4).to_string(), "since": 1});
        let joined = client.accepted("room:join", join).await;
        assert_eq!(
            (&joined["outcome"], &joined["seq"]),
            (&json!("resynced"), &json!(3))
        );
        assert_eq!(joined["snapshot"]["spoken"], 3);
        let join = json!({"room": hall(4).to_string(), "since": 2});
        assert_eq!(client.accepted("room:join", join).await["outcome"], "recovered");
    })
    .await;
}

#[tokio::test]
async fn a_handshake_resumes_from_the_first_byte() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let speaker = connect(app, &ana).await;
        for n in 1..=250 {
            say(&speaker, hall(5), &format!("word {n}")).await;
        }
        let auth = json!({
            "token": bruno.token,
            "resume": {hall(5).to_string(): 10, "chat:nowhere": 3, format!("user:{}", ana.id): 0},
        });
        let mut client = SocketClient::connect(&app.url, auth).await;
        let own = client.hears("room:joined").await;
        assert_eq!(
            own["stream"],
            format!("user:{}", bruno.id),
            "one's own stream comes first"
        );
        let (mut seen, mut refused) = (vec![], vec![]);
        while seen.len() < 240 {
            let heard = client.next().await.expect("the connection lives");
            match heard.event.as_str() {
                "room:joined" => {
                    assert_eq!(heard.data["outcome"], "recovered");
                    let missed = heard.data["missed"].as_array().unwrap();
                    assert_eq!(missed.len(), 100, "the rest comes as pushes");
                    seen.extend(
                        missed
                            .iter()
                            .map(|missed| missed["data"]["seq"].as_i64().unwrap()),
                    );
                }
                "room:refused" => refused.push(heard.data["code"].clone()),
                "hall:said" => seen.push(heard.data["seq"].as_i64().unwrap()),
                other => panic!("{other}"),
            }
        }
        assert_eq!(seen, (11..=250).collect::<Vec<_>>());
        assert_eq!(
            refused,
            ["not_found", "not_found"],
            "what is not there and what is another's"
        );
        say(&speaker, hall(5), "and on").await;
        assert_eq!(client.hears("hall:said").await["seq"], 251);
    })
    .await;
}

#[tokio::test]
async fn both_ways_to_write_share_one_order() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let (speaker, mut listener) = (connect(app, &ana).await, connect(app, &ana).await);
        let room = hall(6).to_string();
        listener.accepted("room:join", json!({"room": room})).await;
        let mut saying = vec![];
        for n in 0..40 {
            let event = if n % 2 == 0 { "hall:say" } else { "hall:whisper" };
            let words = json!({"hall": room, "body": format!("word {n}")});
            let speaker = &speaker;
            saying.push(async move { speaker.accepted(event, words).await });
        }
        futures_util::future::join_all(saying).await;
        for seq in 1..=40 {
            assert_eq!(listener.hears("hall:said").await["seq"], seq);
        }
    })
    .await;
}

#[tokio::test]
async fn unknown_and_forbidden_rooms_look_alike() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let (ana, bruno_there) = (connect(app, &ana).await, connect(app, &bruno).await);
        ana.accepted(
            "hall:bar",
            json!({"hall": hall(7).to_string(), "member": bruno.id}),
        )
        .await;
        let mut answers = vec![];
        for room in [
            hall(7).to_string(),
            "chat:nothing".to_owned(),
            "tango".to_owned(),
            "group:1".to_owned(),
        ] {
            let mut answer = bruno_there
                .refused("room:join", json!({"room": room}), "not_found")
                .await;
            answer["request_id"] = Value::Null;
            answers.push(answer);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
    })
    .await;
}

#[tokio::test]
async fn who_is_put_out_hears_nothing_after_that() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let (mut ana, mut out) = (connect(app, &ana).await, connect(app, &bruno).await);
        let room = hall(8).to_string();
        for client in [&ana, &out] {
            client.accepted("room:join", json!({"room": room})).await;
        }
        ana.accepted("hall:bar", json!({"hall": room, "member": bruno.id}))
            .await;
        for n in 0..20 {
            say(&ana, hall(8), &format!("among us {n}")).await;
        }
        assert_eq!(out.hears("hall:barred").await["seq"], 1);
        assert_eq!(next(&mut out).await.event, "room:left");
        for seq in 2..=21 {
            assert_eq!(ana.hears("hall:said").await["seq"], seq);
        }
        let after = out.waiting();
        assert_eq!(after, [], "nothing comes after the farewell");
        assert_eq!(Realtime::of(&app.app).listeners(hall(8)).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_hidden_member_is_a_number_without_words() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let (speaker, mut listener) = (connect(app, &ana).await, connect(app, &bruno).await);
        let room = hall(9).to_string();
        listener.accepted("room:join", json!({"room": room})).await;
        say(&speaker, hall(9), "before").await;
        assert_eq!(listener.hears("hall:said").await["body"], "before");
        hide(app, &ana, &bruno).await;
        say(&speaker, hall(9), "hidden").await;
        let skip = next(&mut listener).await;
        assert_eq!(
            (skip.event.as_str(), &skip.data["seq"]),
            ("stream:skip", &json!(2))
        );
        assert_eq!(skip.data.as_object().unwrap().len(), 3, "{skip:?}");
        let joined = listener
            .accepted("room:join", json!({"room": room, "since": 0}))
            .await;
        let events: Vec<_> = joined["missed"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| &m["event"])
            .collect();
        assert_eq!(events, ["stream:skip", "stream:skip"]);
    })
    .await;
}

#[tokio::test]
async fn rooms_are_gone_when_the_last_one_leaves() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let realtime = Realtime::of(&app.app);
        for turn in 0..20 {
            let client = connect(app, &ana).await;
            for number in 0..5 {
                client
                    .accepted("room:join", json!({"room": hall(number).to_string()}))
                    .await;
            }
            assert_eq!(realtime.room_count(), 6);
            if turn % 2 == 0 {
                client
                    .accepted("room:leave", json!({"room": hall(2).to_string()}))
                    .await;
                assert_eq!(realtime.room_count(), 5);
            }
            drop(client);
            eventually(async || (realtime.room_count() == 0).then_some(())).await;
        }
    })
    .await;
}
