//! A server and clients for it, over loopback or over pipes in memory.
//!
//! With pipes nothing but the clock can be waited for, so a paused clock moves
//! exactly when everybody is idle.

use axum::{Router, body::Body};
use futures_util::{SinkExt, StreamExt};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use socketio::Server;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, protocol::frame::coding::CloseCode},
};
use tower::ServiceExt;

pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Where clients connect.
pub enum Host {
    Pipes(Router),
    Loopback(SocketAddr),
}

pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

pub fn pipes(server: &Server) -> Host {
    Host::Pipes(server.router())
}

pub async fn loopback(server: &Server) -> Host {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = server.router();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            tokio::spawn(serve(stream, router.clone()));
        }
    });
    Host::Loopback(address)
}

async fn serve(stream: impl Stream + 'static, router: Router) {
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let _ = connection.with_upgrades().await;
}

impl Host {
    pub async fn connect(&self) -> Box<dyn Stream> {
        match self {
            Host::Pipes(_) => Box::new(self.pipe(64 * 1024)),
            Host::Loopback(address) => Box::new(TcpStream::connect(address).await.unwrap()),
        }
    }

    /// A pipe that holds so many bytes that nobody has read.
    pub fn pipe(&self, bytes: usize) -> DuplexStream {
        let Host::Pipes(router) = self else {
            panic!("no pipes here")
        };
        let (ours, theirs) = duplex(bytes);
        tokio::spawn(serve(theirs, router.clone()));
        ours
    }

    pub async fn send(&self, request: &str) -> Answer {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read_answer(stream).await
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.send(&head("GET", target, "")).await
    }

    pub async fn post(&self, target: &str, body: &str) -> Answer {
        let length = format!("content-length: {}\r\n", body.len());
        self.send(&(head("POST", target, &length) + body)).await
    }

    /// A polling session's path.
    pub async fn open_polling(&self) -> String {
        let opened = self.get("/socket.io/?EIO=4&transport=polling").await;
        assert_eq!(opened.status, 200, "{}", opened.body);
        let open: Value = serde_json::from_str(&opened.body[1..]).unwrap();
        format!(
            "/socket.io/?EIO=4&transport=polling&sid={}",
            open["sid"].as_str().unwrap()
        )
    }

    pub async fn websocket(&self, target: &str) -> Client {
        Client::over(self.connect().await, target).await
    }

    /// A websocket with its first packet read.
    pub async fn open_websocket(&self) -> Client {
        let mut client = self.websocket("/socket.io/?EIO=4&transport=websocket").await;
        assert!(client.next().await.starts_with("0{"));
        client
    }

    /// A websocket that has entered the main namespace, and its socket's name.
    pub async fn enter(&self) -> (Client, String) {
        let mut client = self.open_websocket().await;
        client.say("40").await;
        let answer = client.next().await;
        let entered: Value = serde_json::from_str(answer.strip_prefix("40").unwrap()).unwrap();
        (client, entered["sid"].as_str().unwrap().to_owned())
    }
}

pub fn head(method: &str, target: &str, more: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nhost: there\r\nconnection: close\r\n{more}\r\n")
}

pub async fn read_answer(mut stream: impl Stream) -> Answer {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (headers, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {text:?}"));
    Answer {
        status: headers[9..12].parse().unwrap(),
        headers: headers.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}

/// A websocket client that speaks in packets.
pub struct Client(pub WebSocketStream<Box<dyn Stream>>);

impl Client {
    pub async fn over(stream: Box<dyn Stream>, target: &str) -> Client {
        Client::try_over(stream, target).await.expect("a websocket")
    }

    pub async fn try_over(stream: Box<dyn Stream>, target: &str) -> tungstenite::Result<Client> {
        let (stream, _) = client_async(format!("ws://there{target}"), stream).await?;
        Ok(Client(stream))
    }

    pub async fn say(&mut self, packet: &str) {
        self.0.send(Message::text(packet)).await.unwrap();
    }

    pub async fn say_bytes(&mut self, data: &[u8]) {
        self.0.send(Message::binary(data.to_vec())).await.unwrap();
    }

    pub async fn message(&mut self) -> Option<Message> {
        loop {
            match self.0.next().await? {
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(message) => return Some(message),
                Err(_) => return None,
            }
        }
    }

    /// The next packet; pings are answered on the way.
    pub async fn next(&mut self) -> String {
        loop {
            match self.message().await {
                Some(Message::Text(text)) if text == "2" => self.say("3").await,
                Some(Message::Text(text)) => return text.to_string(),
                other => panic!("a packet was expected: {other:?}"),
            }
        }
    }

    pub async fn next_bytes(&mut self) -> Vec<u8> {
        match self.message().await {
            Some(Message::Binary(data)) => data.to_vec(),
            other => panic!("an attachment was expected: {other:?}"),
        }
    }

    /// Waits for the end, whatever comes before; its code.
    pub async fn end(&mut self) -> Option<CloseCode> {
        loop {
            match self.message().await {
                Some(Message::Close(frame)) => return frame.map(|frame| frame.code),
                Some(_) => {}
                None => return None,
            }
        }
    }

    /// Says something that is answered, so that all before it has been taken and nothing else was said.
    pub async fn hears_nothing(&mut self) {
        self.say(r#"42999["echo","anybody there?"]"#).await;
        assert_eq!(self.next().await, r#"43999["anybody there?"]"#);
    }
}

/// A server of the main namespace that answers `echo`.
pub fn echoing(builder: socketio::Builder) -> Server {
    let server = builder.build();
    server.of("/").on("echo", async |_, event: socketio::Event| {
        if let Some(ack) = event.ack {
            ack.send_with(&event.arguments, &event.attachments).unwrap();
        }
    });
    server
}

/// A server of Engine.IO that sends back what it gets.
pub fn raw(builder: socketio::Builder) -> Server {
    builder.build_raw(|connection, message| match message {
        socketio::RawMessage::Text(text) => connection.send_text(text),
        socketio::RawMessage::Binary(data) => connection.send_binary(&data),
    })
}

pub const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
