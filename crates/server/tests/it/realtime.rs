//! The sockets, as a stock Socket.IO client of Node meets them (`tests/node/realtime.mjs`).

use crate::{
    app_with, each_db,
    foreign::{node, program, root, succeeds},
};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, TestApp, eventually};

/// Tells the client's story with what it needs to know.
pub async fn client(app: &TestApp, story: &str, context: Value) {
    let mut command = node();
    command
        .arg(root().join("crates/server/tests/node/realtime.mjs"))
        .args([story, &app.url, &context.to_string()]);
    let said = succeeds(command).await;
    assert!(said.contains(&format!("{story}: as it should be")), "{said}");
}

#[tokio::test]
async fn a_token_opens_a_connection_whichever_way() {
    let app = app_with(&[]).await;
    let ana = app.user("Ana").await;
    client(&app, "connects", json!({"token": ana.token})).await;
    app.end().await;
}

#[tokio::test]
async fn who_has_no_good_token_is_told_so() {
    let app = app_with(&[]).await;
    let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
    bruno.post("/auth/logout", json!({})).await.expect(204);
    let forged = format!("{}x", &ana.token[..ana.token.len() - 2]);
    let tokens = json!({
        "no token": null, "an empty token": "", "nonsense": "nonsense", "a number": 5, "an object": {"token": ana.token},
        "a forged token": forged, "a refresh token": ana.refresh_token, "an ended session": bruno.token,
    });
    client(&app, "refuses", json!({"tokens": tokens})).await;
    assert_eq!(realtime::Realtime::of(&app.app).connection_count(), 0);
    app.end().await;
}

/// While something happens, lets the clock run ten times as fast once so many are connected, beginning a
/// little before they are told that their tokens end.
async fn near_the_end<T>(app: &TestApp, connections: usize, happens: impl Future<Output = T>) -> T {
    let runs = async {
        eventually(async || {
            (realtime::Realtime::of(&app.app).connection_count() == connections).then_some(())
        })
        .await;
        app.clock.advance(Duration::from_secs(520));
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        loop {
            ticks.tick().await;
            app.clock.advance(Duration::from_secs(1));
        }
    };
    tokio::select! {
        outcome = happens => outcome,
        () = runs => unreachable!("the clock runs on"),
    }
}

#[tokio::test]
async fn a_socket_lives_as_long_as_its_token() {
    let app = app_with(&[]).await;
    let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
    let log_in = json!({"email": "ana@example.test", "password": "correct horse"});
    let renewing = app.post("/api/v1/auth/login", log_in).await.expect(200);
    let context =
        json!({"renewing": renewing, "silent": {"access_token": ana.token}, "stranger": bruno.token});
    near_the_end(&app, 6, client(&app, "expires", context)).await;
    assert_eq!(realtime::Realtime::of(&app.app).connection_count(), 0);
    app.end().await;
}

#[tokio::test]
async fn a_token_in_the_address_is_not_read() {
    let app = app_with(&[]).await;
    let ana = app.user("Ana").await;
    client(&app, "ignores_queries", json!({"token": ana.token})).await;
    app.end().await;
}

#[tokio::test]
async fn pages_of_other_sites_open_no_connection() {
    let app = app_with(&[("server.public_url", "https://tango.example")]).await;
    let path = format!("{}/socket.io/?EIO=4&transport", app.url);
    let websocket = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for (origin, polling, upgraded) in [
        (None, 200, 101),
        (Some("https://tango.example"), 200, 101),
        (Some("https://evil.example"), 403, 403),
        (Some("null"), 403, 403),
    ] {
        let asked = |request: reqwest::RequestBuilder| match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        };
        let polled = asked(app.http.get(format!("{path}=polling")))
            .send()
            .await
            .unwrap();
        assert_eq!(polled.status(), polling, "polling from {origin:?}");
        if polling == 403 {
            Answer::of(asked(app.http.get(format!("{path}=polling"))))
                .await
                .refused(403, "foreign_origin");
        }
        let opening = websocket.iter().fold(
            app.http.get(format!("{path}=websocket")),
            |request, (name, value)| request.header(*name, *value),
        );
        let opened = asked(opening).send().await.unwrap();
        assert_eq!(opened.status(), upgraded, "a websocket from {origin:?}");
    }
    app.end().await;
}

#[tokio::test]
async fn followers_hear_of_a_post_within_a_second() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        let author = json!({"id": ana.id, "token": ana.token});
        client(
            app,
            "push",
            json!({"author": author, "follower": bruno.token, "stranger": carla.token}),
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn who_logs_out_is_put_out() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let log_in = json!({"email": "ana@example.test", "password": "correct horse"});
        let other = app.post("/api/v1/auth/login", log_in).await.expect(200);
        client(
            app,
            "revoked",
            json!({"token": ana.token, "other": other["access_token"], "reason": "log_out"}),
        )
        .await;
    })
    .await;
}

/// Two members and the room of both.
async fn a_pair(app: &TestApp) -> Value {
    let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
    let room = ana.put(&format!("/rooms/direct/{}", bruno.id)).await.expect(200);
    let member = |user: &testkit::TestUser| json!({"id": user.id, "token": user.token});
    let room = format!("chat:{}", room["id"].as_str().unwrap());
    json!({"sees": member(&bruno), "comes": member(&ana), "room": room})
}

/// The same story told by python-socketio.
async fn python(app: &TestApp, story: &str, context: &Value) {
    let mut python = std::process::Command::new(program("MUNDO_TEST_PYTHON", "python3"));
    python
        .arg(root().join(format!("crates/server/tests/python/{story}.py")))
        .args([&app.url, &context.to_string()]);
    let said = succeeds(python).await;
    assert!(said.contains(&format!("{story}: as it should be")), "{said}");
}

#[tokio::test]
async fn stock_clients_see_each_other_come_write_and_go() {
    let app = app_with(&[]).await;
    let pair = a_pair(&app).await;
    client(&app, "presence", pair.clone()).await;
    python(&app, "presence", &pair).await;
    app.end().await;
}

#[tokio::test]
async fn stock_clients_hear_with_the_connection_what_they_missed() {
    let app = app_with(&[]).await;
    let pair = a_pair(&app).await;
    client(&app, "resumes", pair.clone()).await;
    python(&app, "resume", &pair).await;
    app.end().await;
}
