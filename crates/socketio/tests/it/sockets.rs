//! Namespaces, events, acks and goodbyes.

use crate::harness::{echoing, loopback, ms, pipes};
use serde_json::{Value, json};
use socketio::{Attachment, Encoded, Event, Reason, Refusal, RequestError, Server, Socket};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};

#[tokio::test]
async fn each_namespace_is_entered_by_itself() {
    let server = Server::builder().build();
    for name in ["/", "/custom"] {
        server.of(name).on_connect(async |socket: Socket, auth: Value| {
            socket.emit("auth", &auth).unwrap();
        });
    }
    let host = loopback(&server).await;
    for (ask, answer, auth) in [
        ("40", "40{\"sid\":", "42[\"auth\",{}]"),
        (
            "40{\"token\":\"123\"}",
            "40{\"sid\":",
            "42[\"auth\",{\"token\":\"123\"}]",
        ),
        ("40/custom,", "40/custom,{\"sid\":", "42/custom,[\"auth\",{}]"),
        (
            "40/custom,{\"a\":[1]}",
            "40/custom,{\"sid\":",
            "42/custom,[\"auth\",{\"a\":[1]}]",
        ),
        ("40/custom", "40/custom,{\"sid\":", "42/custom,[\"auth\",{}]"),
    ] {
        let mut client = host.open_websocket().await;
        client.say(ask).await;
        let heard = client.next().await;
        assert!(heard.starts_with(answer), "{ask}: {heard}");
        assert_eq!(client.next().await, auth, "{ask}");
    }
    let mut client = host.open_websocket().await;
    client.say("40/random").await;
    assert_eq!(
        client.next().await,
        r#"44/random,{"message":"Invalid namespace"}"#
    );
    client.say("40").await;
    assert!(
        client.next().await.starts_with("40{"),
        "a refusal does not end the connection"
    );
}

#[tokio::test]
async fn a_namespace_may_refuse_and_say_why() {
    struct Member(String);
    let server = Server::builder().build();
    server
        .of("/")
        .middleware(async |socket: Socket, auth: Value| match auth["name"].as_str() {
            Some(name) => {
                socket.insert(Member(name.to_owned()));
                socket.emit("too early", &1).unwrap();
                Ok(())
            }
            None => Err(Refusal {
                message: "unauthenticated".to_owned(),
                data: Some(json!({"code": 7})),
            }),
        })
        .middleware(
            async |socket: Socket, _| match &*socket.get::<Member>().unwrap().0 {
                "eve" => Err(Refusal::new("banned")),
                "panic" => panic!("as asked"),
                _ => Ok(()),
            },
        )
        .on_connect(async |socket: Socket, _| {
            socket
                .emit("welcome", &socket.get::<Member>().unwrap().0)
                .unwrap();
        });
    let host = loopback(&server).await;
    let mut client = host.open_websocket().await;
    for (ask, answer) in [
        ("40", r#"44{"message":"unauthenticated","data":{"code":7}}"#),
        (r#"40{"name":"eve"}"#, r#"44{"message":"banned"}"#),
        (r#"40{"name":"panic"}"#, r#"44{"message":"Internal error"}"#),
    ] {
        client.say(ask).await;
        assert_eq!(client.next().await, answer);
    }
    assert_eq!(server.of("/").sockets().len(), 0);
    client.say(r#"40{"name":"ana"}"#).await;
    assert!(client.next().await.starts_with("40{"));
    assert_eq!(client.next().await, r#"42["welcome","ana"]"#);
    let counts = server.counts();
    assert_eq!(
        (counts.refused_sockets, counts.open_sockets, counts.handler_panics),
        (3, 1, 1)
    );
}

#[tokio::test]
async fn who_hangs_up_at_the_door_is_forgotten() {
    let server = Server::builder().build();
    let asked = Arc::new(Notify::new());
    let dropped = Arc::new(());
    let (tell, held) = (asked.clone(), dropped.clone());
    server.of("/").middleware(move |_, _| {
        let (tell, held) = (tell.clone(), held.clone());
        async move {
            tell.notify_one();
            std::future::pending::<()>().await;
            drop(held);
            Ok(())
        }
    });
    let host = loopback(&server).await;
    let mut client = host.open_websocket().await;
    client.say("40").await;
    asked.notified().await;
    assert_eq!(Arc::strong_count(&dropped), 3);
    drop(client);
    while Arc::strong_count(&dropped) > 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn events_and_acks_carry_any_number_of_arguments_and_bytes() {
    let server = echoing(Server::builder());
    server.of("/").on_any(async |socket: Socket, event: Event| {
        let back = Encoded::event_with("/", "back", &event.arguments, &event.attachments).unwrap();
        socket.send(back);
    });
    let host = loopback(&server).await;
    let (mut client, _) = host.enter().await;
    client.say(r#"42["message",1,"2",{"3":[true]}]"#).await;
    assert_eq!(client.next().await, r#"42["back",1,"2",{"3":[true]}]"#);
    client.say("42[7]").await;
    assert_eq!(client.next().await, r#"42["back"]"#);
    client.say(r#"42456["echo",1,"2",{"3":[false]}]"#).await;
    assert_eq!(client.next().await, r#"43456[1,"2",{"3":[false]}]"#);
    let holes = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;
    for (ask, answer) in [
        (
            format!(r#"452-["message",{holes}]"#),
            format!(r#"452-["back",{holes}]"#),
        ),
        (format!(r#"452-789["echo",{holes}]"#), format!("462-789[{holes}]")),
    ] {
        client.say(&ask).await;
        client.say_bytes(&[1, 2, 3]).await;
        client.say_bytes(&[4, 5, 6]).await;
        assert_eq!(client.next().await, answer);
        assert_eq!(client.next_bytes().await, [1, 2, 3]);
        assert_eq!(client.next_bytes().await, [4, 5, 6]);
    }
}

#[tokio::test]
async fn handlers_read_typed_data() {
    #[derive(serde::Deserialize)]
    struct Picture {
        title: String,
        file: Attachment,
    }
    let server = Server::builder().build();
    server.of("/").on("picture", async |_, event: Event| {
        let answer = match event.data::<Picture>() {
            Ok(picture) => format!(
                "{}: {:?}",
                picture.title,
                event.attachment(&picture.file).unwrap()
            ),
            Err(_) => "no picture".to_owned(),
        };
        event.ack.unwrap().send(&answer).unwrap();
    });
    let host = loopback(&server).await;
    let (mut client, _) = host.enter().await;
    client
        .say(r#"451-1["picture",{"title":"Ronda","file":{"_placeholder":true,"num":0}}]"#)
        .await;
    client.say_bytes(b"png").await;
    assert_eq!(client.next().await, r#"431["Ronda: b\"png\""]"#);
    client.say(r#"422["picture",{"title":5}]"#).await;
    assert_eq!(client.next().await, r#"432["no picture"]"#);
}

#[tokio::test]
async fn what_breaks_the_protocol_ends_the_connection() {
    let server = echoing(Server::builder());
    let host = loopback(&server).await;
    for packet in [
        "4",
        "4abc",
        "42",
        "42{}",
        "42[]",
        "42[{}]",
        r#"42["connect"]"#,
        r#"42abc["echo",1]"#,
        r#"42/nowhere,["echo"]"#,
        "40",
        "41/nowhere",
        "44{}",
        "47",
        r#"451-["echo",{"_placeholder":true,"num":0}]"#,
        r#"4511-["echo"]"#,
    ] {
        let (mut client, _) = host.enter().await;
        client.say(packet).await;
        if packet.starts_with("451-") {
            client.say(r#"42["echo"]"#).await;
        }
        client.end().await;
    }
    let mut client = host.open_websocket().await;
    client.say(r#"42["echo"]"#).await;
    client.end().await;
    let (mut client, _) = host.enter().await;
    client.say_bytes(b"belongs to nothing").await;
    client.end().await;
    let closed = server.counts().closed;
    assert!(closed.contains(&(Reason::ParseError, 17)), "{closed:?}");
}

#[tokio::test]
async fn leaving_a_namespace_leaves_the_others() {
    let (ended, mut reasons) = mpsc::unbounded_channel();
    let server = echoing(Server::builder());
    server.of("/custom").on_disconnect(move |socket: Socket, reason| {
        let _ = ended.send((socket.is_connected(), reason));
        async {}
    });
    let host = loopback(&server).await;
    let (mut client, _) = host.enter().await;
    for _ in 0..2 {
        client.say("40/custom,").await;
        assert!(client.next().await.starts_with("40/custom,{"));
        client.say("41/custom,").await;
        assert_eq!(reasons.recv().await, Some((false, Reason::ClientDisconnect)));
        client.hears_nothing().await;
    }
    client.say("40/custom,").await;
    client.next().await;
    server.of("/custom").sockets()[0].disconnect();
    assert_eq!(client.next().await, "41/custom,");
    assert_eq!(reasons.recv().await, Some((false, Reason::ServerDisconnect)));
    client.hears_nothing().await;
}

#[tokio::test]
async fn no_event_comes_before_the_welcome_is_over() {
    let server = Server::builder().build();
    let gate = Arc::new(Notify::new());
    let (told, mut order) = mpsc::unbounded_channel();
    let (wait, tell) = (gate.clone(), told.clone());
    server.of("/").on_connect(move |_, _| {
        let (wait, tell) = (wait.clone(), tell.clone());
        async move {
            wait.notified().await;
            let _ = tell.send("welcome".to_owned());
        }
    });
    server.of("/").on_any(move |_, event| {
        let _ = told.send(event.name.to_string());
        async {}
    });
    let host = loopback(&server).await;
    let (mut client, _) = host.enter().await;
    client.say(r#"42["first"]"#).await;
    client.say(r#"42["second"]"#).await;
    gate.notify_one();
    for wanted in ["welcome", "first", "second"] {
        assert_eq!(order.recv().await.as_deref(), Some(wanted));
    }
}

#[tokio::test]
async fn handlers_overlap_as_far_as_they_may_and_a_panic_ends_one_alone() {
    for (at_once, answers) in [(16, ["432[]", "431[]"]), (1, ["431[]", "432[]"])] {
        let server = Server::builder().handlers_at_once(at_once).build();
        let gate = Arc::new(Notify::new());
        let open = gate.clone();
        server
            .of("/")
            .on("slow", move |_, event: Event| {
                let wait = gate.clone();
                async move {
                    wait.notified().await;
                    event.ack.unwrap().send_with(&[0; 0], &[]).unwrap();
                }
            })
            .on("quick", async |_, event: Event| {
                event.ack.unwrap().send_with(&[0; 0], &[]).unwrap();
            })
            .on("panic", |_, _| -> std::future::Ready<()> { panic!("as asked") });
        let host = loopback(&server).await;
        let (mut client, _) = host.enter().await;
        client.say(r#"42["panic"]"#).await;
        client.say(r#"421["slow"]"#).await;
        client.say(r#"422["quick"]"#).await;
        if at_once == 1 {
            open.notify_one();
        }
        assert_eq!(client.next().await, answers[0]);
        open.notify_one();
        assert_eq!(client.next().await, answers[1]);
        assert_eq!(server.counts().handler_panics, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_asks_and_waits_so_long() {
    let server = Server::builder().build();
    let host = pipes(&server);
    let (mut client, id) = host.enter().await;
    let socket = server.of("/").sockets()[0].clone();
    assert_eq!(socket.id().as_str(), id);

    let client_answers = async {
        assert_eq!(client.next().await, r#"421["ask",{"a":1}]"#);
        client.say(r#"43999["nobody asked"]"#).await;
        client.say(r#"431["yes",2]"#).await;
    };
    let ask = json!({"a": 1});
    let (reply, ()) = tokio::join!(socket.request("ask", &ask, ms(1000)), client_answers);
    assert_eq!(reply.unwrap().data::<String>().unwrap(), "yes");

    let began = tokio::time::Instant::now();
    let late = socket.request("ask", &2, ms(1000)).await;
    assert!(matches!(late, Err(RequestError::Timeout)), "{late:?}");
    assert_eq!(began.elapsed(), ms(1000));
    client.say(r#"432["late"]"#).await;

    let gone = async {
        assert_eq!(client.next().await, r#"422["ask",2]"#);
        assert_eq!(client.next().await, r#"423["ask",3]"#);
        drop(client);
    };
    let (reply, ()) = tokio::join!(socket.request("ask", &3, ms(60_000)), gone);
    assert!(matches!(reply, Err(RequestError::Disconnected)), "{reply:?}");
    let after = socket.request("ask", &4, ms(1000)).await;
    assert!(matches!(after, Err(RequestError::Disconnected)), "{after:?}");
}
