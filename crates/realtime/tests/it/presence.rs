//! Who is there, and who is writing.

use crate::{
    hall::{self, connect, each_db, hall, hide, say},
    nodes::{linked, two_nodes},
};
use realtime::{Realtime, Stream};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{SocketClient, TestApp, eventually};

async fn enter(client: &SocketClient, room: Stream) {
    client
        .accepted("room:join", json!({"room": room.to_string()}))
        .await;
}

/// Pushes of presence until one of the member has that status; gives all of them.
async fn until(client: &mut SocketClient, member: &str, status: &str) -> Vec<Value> {
    let mut heard = vec![];
    loop {
        let push = client.hears("presence:changed").await;
        let changes = push["changes"].as_array().expect("a list").clone();
        heard.push(push);
        if changes
            .iter()
            .any(|change| change["member_id"] == *member && change["status"] == *status)
        {
            return heard;
        }
    }
}

/// Who is in the room, as the client may know.
async fn list(client: &SocketClient, room: Stream) -> Vec<(String, String)> {
    let list = client
        .accepted("presence:list", json!({"room": room.to_string()}))
        .await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let present = list["present"].as_array().expect("a list");
    assert_eq!(list["count"], present.len());
    present
        .iter()
        .map(|one| (text(&one["member_id"]), text(&one["status"])))
        .collect()
}

fn nobody_is_there(app: &TestApp) -> impl AsyncFnMut() -> Option<()> {
    async || (Realtime::of(&app.app).presence_size() == 0).then_some(())
}

#[tokio::test]
async fn a_room_hears_of_each_member_once_whatever_the_devices() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let mut sees = connect(app, &bruno).await;
        enter(&sees, hall(1)).await;
        until(&mut sees, &bruno.id, "online").await;

        let devices = [connect(app, &ana).await, connect(app, &ana).await];
        for device in &devices {
            enter(device, hall(1)).await;
        }
        let heard = until(&mut sees, &ana.id, "online").await;
        let last = heard.last().unwrap();
        assert_eq!(
            (&last["room"], &last["count"], &last["more"]),
            (&json!(hall(1).to_string()), &json!(2), &json!(false))
        );
        assert_eq!(
            last["present"].as_array().unwrap().len(),
            2,
            "a small room hears all of it"
        );
        let mut both = vec![
            (ana.id.clone(), "online".to_owned()),
            (bruno.id.clone(), "online".to_owned()),
        ];
        both.sort();
        assert_eq!(list(&sees, hall(1)).await, both);

        devices[0]
            .accepted("presence:set", json!({"status": "away"}))
            .await;
        devices[1]
            .accepted("presence:set", json!({"status": "away"}))
            .await;
        let heard = until(&mut sees, &ana.id, "away").await;
        assert_eq!(heard.len(), 1, "{heard:?}");
        let [first, second] = devices;
        drop(first);
        second.accepted("presence:set", json!({"status": "online"})).await;
        until(&mut sees, &ana.id, "online").await;
        second
            .accepted("room:leave", json!({"room": hall(1).to_string()}))
            .await;
        until(&mut sees, &ana.id, "offline").await;
        second
            .refused("presence:list", json!({"room": hall(1).to_string()}), "not_found")
            .await;
        drop((sees, second));
        eventually(nobody_is_there(app)).await;
    })
    .await;
}

#[tokio::test]
async fn who_is_hidden_is_seen_neither_coming_nor_writing() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let mut blind = connect(app, &bruno).await;
        let mut sees = connect(app, &carla).await;
        hide(app, &ana, &bruno).await;
        enter(&blind, hall(1)).await;
        enter(&sees, hall(1)).await;
        let hidden = connect(app, &ana).await;
        enter(&hidden, hall(1)).await;
        until(&mut sees, &ana.id, "online").await;
        hidden
            .accepted("typing:start", json!({"room": hall(1).to_string()}))
            .await;
        assert_eq!(sees.hears("typing:changed").await["members"], json!([ana.id]));
        assert!(
            list(&sees, hall(1))
                .await
                .iter()
                .any(|(member, _)| *member == ana.id)
        );
        assert!(
            list(&blind, hall(1))
                .await
                .iter()
                .all(|(member, _)| *member != ana.id)
        );
        drop(hidden);
        until(&mut sees, &ana.id, "offline").await;
        let heard = blind.waiting();
        assert!(heard.iter().any(|heard| heard.event == "presence:changed"));
        for heard in heard {
            assert_ne!(heard.event, "typing:changed");
            assert!(!heard.data.to_string().contains(&ana.id), "{heard:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn writing_is_told_to_the_others_and_ends_by_itself() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let (mut writes, mut reads) = (connect(app, &ana).await, connect(app, &bruno).await);
        let room = json!({"room": hall(1).to_string()});
        writes.refused("typing:start", room.clone(), "not_found").await;
        enter(&writes, hall(1)).await;
        enter(&reads, hall(1)).await;

        let period = writes.accepted("typing:start", room.clone()).await;
        let (again, expires) = (
            period["again_ms"].as_u64().unwrap(),
            period["expires_ms"].as_u64().unwrap(),
        );
        assert!(again * 2 < expires);
        let began = reads.hears("typing:changed").await;
        assert_eq!(
            began,
            json!({"room": hall(1).to_string(), "members": [ana.id], "started": [ana.id], "stopped": []})
        );
        // Said again, it is no news; not said again, it ends.
        writes.accepted("typing:start", room.clone()).await;
        let since = std::time::Instant::now();
        let ended = reads.hears("typing:changed").await;
        assert_eq!(
            (&ended["members"], &ended["stopped"]),
            (&json!([]), &json!([ana.id]))
        );
        assert!(since.elapsed() > Duration::from_millis(expires) * 9 / 10);

        let mut ends: Vec<&str> = vec!["typing:stop", "room:leave"];
        while let Some(how) = ends.pop() {
            enter(&writes, hall(1)).await;
            writes.accepted("typing:start", room.clone()).await;
            assert_eq!(reads.hears("typing:changed").await["started"], json!([ana.id]));
            writes.accepted(how, room.clone()).await;
            assert_eq!(
                reads.hears("typing:changed").await["stopped"],
                json!([ana.id]),
                "{how}"
            );
        }
        enter(&writes, hall(1)).await;
        writes.accepted("typing:start", room.clone()).await;
        reads.hears("typing:changed").await;
        say(&writes, hall(1), "what I was writing").await;
        Realtime::of(&app.app).typing_ends(hall(1), ana.id.parse().unwrap());
        assert_eq!(reads.hears("typing:changed").await["stopped"], json!([ana.id]));

        writes.accepted("typing:start", room.clone()).await;
        reads.hears("typing:changed").await;
        let own = writes.waiting();
        assert!(own.iter().all(|heard| heard.event != "typing:changed"), "{own:?}");
        drop(writes);
        assert_eq!(reads.hears("typing:changed").await["stopped"], json!([ana.id]));
    })
    .await;
}

#[tokio::test]
async fn a_storm_of_reconnects_costs_a_push_for_the_room_and_not_for_each_member() {
    const CROWD: usize = 100;
    let app = hall::app(None, &[]).await;
    let mut members = vec![];
    for n in 0..CROWD {
        members.push(app.user(&format!("Dancer{n}")).await);
    }
    let watcher = app.user("Watcher").await;
    let mut sees = connect(&app, &watcher).await;
    enter(&sees, hall(1)).await;
    until(&mut sees, &watcher.id, "online").await;
    let all_in = async || {
        let mut clients = vec![];
        for member in &members {
            let client = connect(&app, member).await;
            enter(&client, hall(1)).await;
            clients.push(client);
        }
        clients
    };
    let first = all_in().await;
    eventually(async || {
        let count = sees
            .accepted("presence:list", json!({"room": hall(1).to_string()}))
            .await;
        (count["count"] == CROWD + 1).then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let came = presence_pushes(&mut sees);
    assert!(
        (1..=12).contains(&came),
        "{came} pushes for {CROWD} members who came"
    );

    drop(first);
    let second = all_in().await;
    tokio::time::sleep(Duration::from_millis(4500)).await;
    let again = presence_pushes(&mut sees);
    assert!(again <= 6, "{again} pushes for {CROWD} members who came back");
    drop((second, sees));
    eventually(nobody_is_there(&app)).await;
    app.end().await;
}

fn presence_pushes(client: &mut SocketClient) -> usize {
    let heard = client.waiting();
    heard
        .iter()
        .filter(|heard| heard.event == "presence:changed")
        .count()
}

#[tokio::test]
async fn nodes_see_each_other_also_after_redis_was_away() {
    let mut redis = redistemp::Server::start().unwrap();
    let (one, other) = two_nodes(&redis.url()).await;
    linked(&one, true).await;
    linked(&other, true).await;
    let (ana, bruno) = (one.user("Ana").await, one.user("Bruno").await);
    let mut here = connect(&one, &bruno).await;
    enter(&here, hall(1)).await;
    let there = connect(&other, &ana).await;
    enter(&there, hall(1)).await;
    until(&mut here, &ana.id, "online").await;
    let room = json!({"room": hall(1).to_string()});
    there.accepted("typing:start", room.clone()).await;
    assert_eq!(here.hears("typing:changed").await["started"], json!([ana.id]));
    there.accepted("typing:stop", room.clone()).await;
    assert_eq!(here.hears("typing:changed").await["stopped"], json!([ana.id]));

    // While Redis is away, nobody is declared gone; what changed meanwhile is known when it is back.
    redis.stop();
    linked(&one, false).await;
    linked(&other, false).await;
    there.accepted("presence:set", json!({"status": "away"})).await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(
        Realtime::of(&one.app).status(ana.id.parse().unwrap()),
        realtime::presence::Status::Online
    );
    redis.resume().unwrap();
    until(&mut here, &ana.id, "away").await;

    // A node that says goodbye takes its members with it.
    drop(there);
    other.end().await;
    until(&mut here, &ana.id, "offline").await;
    drop(here);
    eventually(nobody_is_there(&one)).await;
    one.end().await;
}
