//! Opening a connection, and the host's say in it.

#![expect(clippy::result_large_err, reason = "a refusal is a whole response, made once")]

use crate::harness::{Client, echoing, head, loopback, ms, pipes};
use axum::response::IntoResponse;
use http::StatusCode;
use serde_json::{Value, json};
use socketio::{Admitted, Event, Server, Socket};

#[tokio::test]
async fn both_transports_tell_the_client_its_terms() {
    let server = Server::builder()
        .ping_interval(ms(300))
        .ping_timeout(ms(200))
        .max_payload(5000);
    let host = loopback(&server.build()).await;
    let opened = host.get("/socket.io/?EIO=4&transport=polling").await;
    assert!(
        opened.headers.contains("content-type: text/plain; charset=utf-8"),
        "{}",
        opened.headers
    );
    assert!(
        opened.headers.contains("cache-control: no-store"),
        "{}",
        opened.headers
    );
    let mut socket = host.websocket("/socket.io/?EIO=4&transport=websocket").await;
    for (open, upgrades) in [
        (opened.body, json!(["websocket"])),
        (socket.next().await, json!([])),
    ] {
        let mut open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
        let id = open["sid"].take();
        assert_eq!(id.as_str().unwrap().len(), 24);
        let wanted = json!({"sid": null, "upgrades": upgrades, "pingInterval": 300, "pingTimeout": 200, "maxPayload": 5000});
        assert_eq!(open, wanted);
    }
}

#[tokio::test]
async fn a_bad_handshake_is_told_what_is_wrong() {
    let server = Server::builder().build();
    let host = pipes(&server);
    for (method, query, code) in [
        ("GET", "EIO=4", 0),
        ("GET", "EIO=4&transport=abc", 0),
        ("GET", "EIO=4&transport=polling&sid=nobody", 1),
        ("GET", "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA", 1),
        ("POST", "EIO=4&transport=polling", 2),
        ("PUT", "EIO=4&transport=polling", 2),
        ("GET", "EIO=4&transport=websocket", 3),
        ("GET", "transport=polling", 5),
        ("GET", "EIO=3&transport=polling", 5),
        ("GET", "EIO=abc&transport=websocket", 5),
    ] {
        let answer = host
            .send(&head(method, &format!("/socket.io/?{query}"), ""))
            .await;
        let error: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(
            (answer.status, &error["code"]),
            (400, &json!(code)),
            "{method} {query}"
        );
    }
    assert_eq!(
        server.counts().refused_handshakes,
        8,
        "sessions are not handshakes"
    );
    assert_eq!(server.counts().open_connections, 0);
}

#[tokio::test]
async fn a_websocket_needs_its_key_and_version() {
    let host = pipes(&Server::builder().build());
    let good = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for missing in [
        "connection",
        "upgrade",
        "sec-websocket-version",
        "sec-websocket-key",
    ] {
        let lines: String = good
            .split_inclusive("\r\n")
            .filter(|line| !line.starts_with(missing))
            .collect();
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: there\r\n{lines}connection: close\r\n\r\n"
        );
        assert_eq!(host.send(&request).await.status, 400, "without {missing}");
    }
}

#[tokio::test]
async fn the_host_decides_who_comes_in_and_may_keep_what_it_learned() {
    struct Origin(String);
    let server = echoing(
        Server::builder().admit(|parts| match parts.headers.get("origin") {
            Some(origin) if origin != "https://evil.test" => {
                Ok(Admitted::new().with(Origin(origin.to_str().unwrap_or_default().to_owned())))
            }
            _ => Err((StatusCode::FORBIDDEN, "not from there").into_response()),
        }),
    );
    server.of("/").on("origin", async |socket: Socket, event: Event| {
        let origin = socket.get::<Origin>().unwrap();
        event.ack.unwrap().send(&origin.0).unwrap();
    });
    let host = pipes(&server);
    let ask = |origin: &str| {
        head(
            "GET",
            "/socket.io/?EIO=4&transport=polling",
            &format!("origin: {origin}\r\n"),
        )
    };
    let refused = host.send(&ask("https://evil.test")).await;
    assert_eq!((refused.status, &*refused.body), (403, "not from there"));
    let target = "/socket.io/?EIO=4&transport=websocket";
    assert!(Client::try_over(host.connect().await, target).await.is_err());
    assert_eq!(server.counts().refused_handshakes, 2);

    let opened = host.send(&ask("https://good.test")).await;
    let open: Value = serde_json::from_str(&opened.body[1..]).unwrap();
    let id = open["sid"].as_str().unwrap();
    let session = format!("/socket.io/?EIO=4&transport=polling&sid={id}");
    host.post(&session, "40").await;
    assert!(host.get(&session).await.body.starts_with("40{"));
    host.post(&session, r#"421["origin"]"#).await;
    assert_eq!(host.get(&session).await.body, r#"431["https://good.test"]"#);
    // The websocket that would take over is asked too, and has no origin.
    let target = format!("{target}&sid={id}");
    assert!(Client::try_over(host.connect().await, &target).await.is_err());
}

#[tokio::test]
async fn names_come_from_the_randomness_that_the_host_gives() {
    let server = Server::builder().randomness(|bytes| bytes.fill(0)).build();
    let opened = pipes(&server).get("/socket.io/?EIO=4&transport=polling").await;
    assert!(
        opened.body.contains(r#""sid":"AAAAAAAAAAAAAAAAAAAAAAAA""#),
        "{}",
        opened.body
    );
}
