//! A Socket.IO client over a websocket, in packets: as quick as tests with hundreds of them need,
//! and able to do what a stock client never would, such as to stop reading.

use crate::catalogue::Catalogue;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot, watch},
    task::AbortHandle,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A push, as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    pub event: String,
    pub data: Value,
}

type Acks = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// A connection; dropping it cuts it, as a lost network does.
pub struct SocketClient {
    say: mpsc::UnboundedSender<String>,
    heard: mpsc::UnboundedReceiver<Heard>,
    acks: Acks,
    next_ack: AtomicU64,
    reads: watch::Sender<bool>,
    task: AbortHandle,
    catalogue: Arc<Catalogue>,
}

impl std::fmt::Debug for SocketClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SocketClient")
    }
}

impl Drop for SocketClient {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SocketClient {
    /// Connects with this `auth`, which must be good.
    pub async fn connect(url: &str, auth: Value) -> SocketClient {
        let connected = SocketClient::try_connect(url, &auth).await;
        connected.unwrap_or_else(|error| panic!("{url} lets {auth} not in: {error}"))
    }

    /// What a refused client reads in `connect_error`, or why there is no connection.
    pub async fn try_connect(url: &str, auth: &Value) -> Result<SocketClient, String> {
        timeout(PATIENCE, SocketClient::open(url, auth))
            .await
            .unwrap_or_else(|_| Err("it takes too long".to_owned()))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a client's task ends with the client; no supervisor is around"
    )]
    async fn open(url: &str, auth: &Value) -> Result<SocketClient, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let catalogue = Catalogue::of(url).await;
        let address = url.trim_start_matches("http://");
        let stream = TcpStream::connect(address).await.map_err(|e| text(&e))?;
        stream.set_nodelay(true).map_err(|e| text(&e))?;
        let target = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let (mut stream, _) = client_async(target, stream).await.map_err(|e| text(&e))?;
        next_packet(&mut stream).await?;
        let hello = Message::text(format!("40{auth}"));
        stream.send(hello).await.map_err(|e| text(&e))?;
        let answer = next_packet(&mut stream).await?;
        if let Some(refusal) = answer.strip_prefix("44") {
            let refusal: Value = serde_json::from_str(refusal).map_err(|e| text(&e))?;
            return Err(refusal["message"].as_str().unwrap_or_default().to_owned());
        }
        if !answer.starts_with("40") {
            return Err(format!("a strange answer: {answer}"));
        }
        let (say, said) = mpsc::unbounded_channel();
        let (tell, heard) = mpsc::unbounded_channel();
        let (reads, may_read) = watch::channel(true);
        let acks = Acks::default();
        let life = live(stream, said, tell, acks.clone(), may_read);
        Ok(SocketClient {
            say,
            heard,
            acks,
            next_ack: AtomicU64::new(0),
            reads,
            task: tokio::spawn(life).abort_handle(),
            catalogue,
        })
    }

    /// Says something and gives the answer; nothing when the connection ended before it.
    pub async fn try_call(&self, event: &str, data: &Value) -> Option<Value> {
        let (reply, answer) = oneshot::channel();
        let id = self.next_ack.fetch_add(1, Ordering::Relaxed);
        self.acks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, reply);
        self.say.send(format!("42{id}{}", json!([event, data]))).ok()?;
        let answer = timeout(PATIENCE, answer).await.ok()?.ok()?;
        if let Some(wrong) = self.catalogue.wrong_answer(event, &answer) {
            panic!("{wrong}");
        }
        Some(answer)
    }

    pub async fn call(&self, event: &str, data: Value) -> Value {
        let answer = self.try_call(event, &data).await;
        answer.unwrap_or_else(|| panic!("{event} is not answered"))
    }

    /// Says something that must be accepted.
    pub async fn accepted(&self, event: &str, data: Value) -> Value {
        let answer = self.call(event, data).await;
        assert_eq!(answer["ok"], true, "{event}: {answer}");
        answer
    }

    /// Says something that must be refused with that code.
    pub async fn refused(&self, event: &str, data: Value, code: &str) -> Value {
        let answer = self.call(event, data).await;
        assert_eq!(
            (&answer["ok"], &answer["code"]),
            (&json!(false), &json!(code)),
            "{answer}"
        );
        assert!(
            answer["detail"].is_string() && answer["request_id"].is_string(),
            "{answer}"
        );
        answer
    }

    /// The next push; nothing once the connection is over.
    pub async fn next(&mut self) -> Option<Heard> {
        let heard = timeout(PATIENCE, self.heard.recv())
            .await
            .expect("something is heard in time")?;
        Some(self.checked(heard))
    }

    /// What has come and was not looked at so far.
    pub fn waiting(&mut self) -> Vec<Heard> {
        let waiting: Vec<_> = std::iter::from_fn(|| self.heard.try_recv().ok()).collect();
        waiting.into_iter().map(|heard| self.checked(heard)).collect()
    }

    fn checked(&self, heard: Heard) -> Heard {
        if let Some(wrong) = self.catalogue.wrong_push(&heard.event, &heard.data) {
            panic!("{wrong}");
        }
        heard
    }

    /// The next push of that name; others before it are let go.
    pub async fn hears(&mut self, event: &str) -> Value {
        loop {
            let heard = self.next().await;
            let heard = heard.unwrap_or_else(|| panic!("the connection ended before {event}"));
            if heard.event == event {
                return heard.data;
            }
        }
    }

    /// The server ends the connection; gives what was heard before that.
    pub async fn ends(&mut self) -> Vec<Heard> {
        let mut before = vec![];
        while let Some(heard) = self.next().await {
            before.push(heard);
        }
        before
    }

    /// Stops reading, as a phone in a tunnel does, or goes on.
    pub fn read(&self, goes_on: bool) {
        self.reads.send_replace(goes_on);
    }
}

type Stream = WebSocketStream<TcpStream>;

async fn next_packet(stream: &mut Stream) -> Result<String, String> {
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err("the connection ended".to_owned()),
        }
    }
}

async fn live(
    mut stream: Stream,
    mut said: mpsc::UnboundedReceiver<String>,
    tell: mpsc::UnboundedSender<Heard>,
    acks: Acks,
    mut may_read: watch::Receiver<bool>,
) {
    loop {
        let reads = *may_read.borrow_and_update();
        let packet = tokio::select! {
            _ = may_read.changed() => continue,
            packet = said.recv() => {
                let Some(packet) = packet else { break };
                if stream.send(Message::text(packet)).await.is_err() {
                    break;
                }
                continue;
            }
            packet = next_packet(&mut stream), if reads => packet,
        };
        let Ok(packet) = packet else { break };
        match packet.as_bytes() {
            b"2" => {
                let answered = stream.send(Message::text("3")).await;
                if answered.is_err() {
                    break;
                }
            }
            [b'4', b'2', ..] => {
                if let Ok((event, data)) = serde_json::from_str::<(String, Value)>(&packet[2..])
                    && tell.send(Heard { event, data }).is_err()
                {
                    break;
                }
            }
            [b'4', b'3', ..] => {
                let start = packet.find('[').unwrap_or(packet.len());
                let reply = packet[2..start]
                    .parse()
                    .ok()
                    .and_then(|id: u64| acks.lock().unwrap_or_else(PoisonError::into_inner).remove(&id));
                if let (Some(reply), Ok((answer,))) =
                    (reply, serde_json::from_str::<(Value,)>(&packet[start..]))
                {
                    let _ = reply.send(answer);
                }
            }
            [b'4', b'1', ..] | b"1" => break,
            _ => {}
        }
    }
    // Whoever waits for an answer learns that none comes.
    acks.lock().unwrap_or_else(PoisonError::into_inner).clear();
}
