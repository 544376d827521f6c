//! What is too much, unknown or broken is said so, and hurts nobody.

use crate::hall::{app, connect, each_db, hall};
use serde_json::json;

#[tokio::test]
async fn messages_are_checked_as_requests_are() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let client = connect(app, &ana).await;
        let answer = client.refused("room:join", json!({"room": ""}), "invalid").await;
        assert_eq!(answer["errors"][0]["pointer"], "/room");
        let answer = client
            .refused("room:join", json!({"room": "chat:x", "nonsense": 1}), "invalid")
            .await;
        assert_eq!(answer["errors"][0]["code"], "unknown_field");
        client
            .refused("room:join", json!({"room": "chat:x", "since": -1}), "invalid")
            .await;
        client.refused("room:join", json!("hall"), "invalid").await;
        client.refused("hall:sing", json!({}), "no_such_event").await;
        let bar = json!({"hall": hall(1).to_string(), "member": ana.id});
        client.refused("hall:panic", bar, "internal").await;
        let faults = app.take_faults();
        assert!(
            faults.len() == 1 && faults[0].starts_with("hall:panic"),
            "{faults:?}"
        );
        client
            .accepted("room:join", json!({"room": hall(1).to_string()}))
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_socket_is_in_so_many_rooms_and_says_so_much() {
    let app = app(
        None,
        &[
            ("realtime.rooms_per_socket", "4"),
            ("limits.enabled", "on"),
            ("limits.socket_events_per_second", "10"),
        ],
    )
    .await;
    let ana = app.user("Ana").await;
    let client = connect(&app, &ana).await;
    for number in 1..=3 {
        client
            .accepted("room:join", json!({"room": hall(number).to_string()}))
            .await;
    }
    let fifth = json!({"room": hall(4).to_string()});
    client.refused("room:join", fifth.clone(), "too_many_rooms").await;
    client
        .accepted("room:leave", json!({"room": hall(1).to_string()}))
        .await;
    client.accepted("room:join", fifth).await;
    // The clock stands still: six events so far.
    for _ in 0..4 {
        client
            .accepted("room:leave", json!({"room": hall(1).to_string()}))
            .await;
    }
    let answer = client
        .refused("room:leave", json!({"room": hall(1).to_string()}), "rate_limited")
        .await;
    assert_eq!(answer["retry_after_s"], 1);
    app.clock.advance(std::time::Duration::from_millis(100));
    client
        .accepted("room:leave", json!({"room": hall(1).to_string()}))
        .await;
    app.end().await;
}
