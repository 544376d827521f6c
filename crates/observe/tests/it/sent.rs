//! What leaves the machine: to Sentry and to an OpenTelemetry collector, and nothing without them.

use crate::{config, fault, sqlite};
use observe::{Observer, Sentry, telemetry};
use platform::watch::{Fault, FaultKind, Watch};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Answers 200 to everything and keeps what it was sent.
struct Receiver {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    #[expect(
        clippy::disallowed_methods,
        reason = "the other side of the wire is no part of the server"
    )]
    async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(vec![]));
        let kept = requests.clone();
        tokio::task::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let kept = kept.clone();
                tokio::task::spawn(async move {
                    let mut bytes = vec![];
                    while let Ok(1..) = stream.read_buf(&mut bytes).await {
                        let text = String::from_utf8_lossy(&bytes).into_owned();
                        let Some((head, _)) = text.split_once("\r\n\r\n") else {
                            continue;
                        };
                        let head_length = head.len() + 4;
                        let length = head
                            .lines()
                            .filter_map(|line| line.split_once(':'))
                            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                            .and_then(|(_, value)| value.trim().parse::<usize>().ok());
                        let whole = match length {
                            Some(length) => bytes.len() >= head_length + length,
                            None => bytes.ends_with(b"0\r\n\r\n"),
                        };
                        if whole {
                            kept.lock().unwrap().push(text);
                            bytes.clear();
                            let _ = stream
                                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                                .await;
                        }
                    }
                });
            }
        });
        Receiver { port, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_and_panics_reach_sentry_without_secrets() {
    let receiver = Receiver::start().await;
    let it = sqlite().await;
    let dsn = format!("http://key@127.0.0.1:{}/7", receiver.port);
    let sentry = Sentry::new(&dsn, "mundo@test").unwrap().unwrap();
    let config = config(it.folder.path());
    let observer = Observer::new(
        &config,
        it.db.clone(),
        it.clock.clone(),
        "mundo@test",
        Some(sentry.clone()),
    );
    fault(&observer, "login of ana@example.org with Bearer abc.def failed");
    observer.fault(Fault {
        kind: FaultKind::Panic,
        error: &base::error::internal("panic: index out of bounds"),
        place: "/api/v1/events",
        request_id: Some("request-2"),
    });
    let flushed = tokio::task::spawn_blocking(move || sentry.flush()).await.unwrap();
    assert!(flushed);
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert!(
        requests
            .iter()
            .all(|request| request.starts_with("POST /api/7/envelope/")),
        "{requests:?}"
    );
    let all = requests.concat();
    for wanted in [
        r#""release":"mundo@test""#,
        r#""request_id":"request-1""#,
        r#""request_id":"request-2""#,
        r#""level":"fatal""#,
        "panic: index out of bounds",
        "login of [email] with Bearer [secret] failed",
        r#""transaction":"/api/v1/events""#,
    ] {
        assert!(all.contains(wanted), "{wanted} is missing in {all}");
    }
    assert!(
        !all.contains("abc.def") && !all.contains("ana@example.org"),
        "{all}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_dsn_nothing_is_sent() {
    let it = sqlite().await;
    assert!(Sentry::new("", "mundo@test").unwrap().is_none());
    assert!(Sentry::new("not a dsn", "mundo@test").is_err());
    assert!(telemetry::spans("", "mundo@test").unwrap().is_none());
    let telemetry = telemetry::init(&config(it.folder.path()), "mundo@test").unwrap();
    assert!(telemetry.sentry().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_reach_the_collector() {
    use opentelemetry::trace::{Tracer, TracerProvider};
    let receiver = Receiver::start().await;
    let endpoint = format!("http://127.0.0.1:{}/", receiver.port);
    let spans = telemetry::spans(&endpoint, "mundo@test").unwrap().unwrap();
    spans.tracer("test").in_span("a-span-of-the-test", |_| {});
    let outcome = tokio::task::spawn_blocking(move || spans.shutdown_with_timeout(Duration::from_secs(5)));
    outcome.await.unwrap().unwrap();
    let all = receiver.requests().concat();
    assert!(all.starts_with("POST /v1/traces"), "{all}");
    for wanted in ["a-span-of-the-test", "mundo@test"] {
        assert!(all.contains(wanted), "{wanted} is missing in {all}");
    }
}
