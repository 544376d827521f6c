//! Stock clients (`tests/stock`), which `make test` installs.

use crate::harness::{Host, loopback, ms};
use serde_json::{Value, json};
use socketio::{Event, Reason, Refusal, Server, Socket};
use std::{path::Path, process::Command};

fn party() -> Server {
    let server = Server::builder().ping_interval(ms(300)).build();
    let namespace = server.of("/");
    namespace
        .middleware(async |_, auth: Value| match auth.get("token") {
            Some(_) => Ok(()),
            None => Err(Refusal {
                message: "unauthenticated".to_owned(),
                data: Some(json!({"code": 7})),
            }),
        })
        .on_connect(async |socket: Socket, auth| socket.emit("welcome", &auth).unwrap())
        .on("echo", async |_, event: Event| {
            // The stock client gives the first argument of an ack alone.
            let back = (&event.arguments,);
            event.ack.unwrap().send_with(&back, &event.attachments).unwrap();
        })
        .on("say again", async |socket: Socket, event: Event| {
            socket.emit("again", &event.arguments[0]).unwrap();
        })
        .on("ask me", async |socket: Socket, event: Event| {
            let question: String = event.data().unwrap();
            let reply = socket.request("question", &question, ms(5000)).await.unwrap();
            let question = &reply.data::<Value>().unwrap()["question"];
            let answer = json!({"question": question, "attachments": reply.attachments.len()});
            event.ack.unwrap().send(&answer).unwrap();
        })
        .on("join", async |socket: Socket, event: Event| {
            socket.join(&event.data::<String>().unwrap());
            event.ack.unwrap().send(&()).unwrap();
        })
        .on("tell", async |socket: Socket, event: Event| {
            let room: String = event.data().unwrap();
            socket.to(&room).emit("told", &event.arguments[1]).unwrap();
        })
        .on("put me out", async |socket: Socket, _| socket.disconnect())
        .on_disconnect(async |socket: Socket, reason: Reason| {
            let _ = socket.namespace().to("hall").emit("left", reason.as_str());
        });
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_of_javascript_finds_everything_as_it_should_be() {
    lets_loose("MUNDO_TEST_NODE", "node", "client.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_of_python_finds_everything_as_it_should_be() {
    lets_loose("MUNDO_TEST_PYTHON", "python3", "client.py").await;
}

async fn lets_loose(variable: &str, otherwise: &str, script: &str) {
    let server = party();
    let Host::Loopback(address) = loopback(&server).await else {
        unreachable!("it listens on loopback")
    };
    let program = std::env::var_os(variable).unwrap_or_else(|| otherwise.into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/stock")
        .join(script);
    let run = tokio::task::spawn_blocking(move || {
        let url = format!("http://{address}");
        let output = Command::new(&program).arg(script).arg(url).output();
        output.unwrap_or_else(|error| panic!("{}: {error}; `make test` installs it", program.display()))
    });
    let output = run.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("as it should be"),
        "{said}{complaints}"
    );
    while server.counts().open_connections > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.of("/").room_count(), 0);
}
