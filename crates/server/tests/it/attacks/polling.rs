//! A socket by long polling, as far as attacks need one.

use serde_json::{Value, json};
use testkit::{Answer, TestApp};

pub struct Polling {
    http: reqwest::Client,
    url: String,
}

impl Polling {
    /// Opens a connection and shows the token: the server's first word about it.
    pub async fn connect(app: &TestApp, token: &Value) -> (Polling, String) {
        let url = format!("{}/socket.io/?EIO=4&transport=polling", app.url);
        let opened = Answer::of(app.http.get(&url)).await.text;
        let opened: Value = serde_json::from_str(&opened[1..]).expect("an open packet");
        let socket = Polling {
            http: app.http.clone(),
            url: format!("{url}&sid={}", opened["sid"].as_str().expect("a sid")),
        };
        socket.send(&format!("40{}", json!({"token": token}))).await;
        let heard = socket.hear(&["40", "44"]).await.unwrap_or_default();
        (socket, heard)
    }

    pub async fn send(&self, packet: &str) {
        let request = self.http.post(&self.url).body(packet.to_owned());
        assert_eq!(Answer::of(request).await.text, "ok");
    }

    /// The next packet that begins with one of these; nothing when the connection ended first.
    pub async fn hear(&self, wanted: &[&str]) -> Option<String> {
        loop {
            let answer = Answer::of(self.http.get(&self.url)).await;
            if answer.status != 200 {
                return None;
            }
            for packet in answer.text.split('\u{1e}') {
                if wanted.iter().any(|start| packet.starts_with(start)) {
                    return Some(packet.to_owned());
                }
                match packet {
                    "2" => self.send("3").await,
                    "1" => return None,
                    _ => {}
                }
            }
        }
    }
}
