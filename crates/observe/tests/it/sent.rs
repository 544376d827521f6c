//! What leaves the machine: to Sentry and to an OpenTelemetry collector, and nothing without them.

use crate::{config, fault, sqlite};
use axum::{Router, body::Body, http::Request, routing::get};
use observe::{Observer, Sentry, telemetry};
use platform::{
    Config,
    config::Sources,
    http::edge,
    watch::{Fault, FaultKind, Watch},
};
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
    /// Every byte of them.
    bytes: Arc<Mutex<Vec<u8>>>,
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
        let every_byte = Arc::new(Mutex::new(vec![]));
        let (kept, kept_bytes) = (requests.clone(), every_byte.clone());
        tokio::task::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (kept, kept_bytes) = (kept.clone(), kept_bytes.clone());
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
                            kept_bytes.lock().unwrap().extend(&bytes);
                            bytes.clear();
                            let _ = stream
                                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                                .await;
                        }
                    }
                });
            }
        });
        Receiver {
            port,
            requests,
            bytes: every_byte,
        }
    }

    fn holds(&self, part: &[u8]) -> bool {
        self.bytes
            .lock()
            .unwrap()
            .windows(part.len())
            .any(|have| have == part)
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
    let (_, telemetry) = telemetry::prepare(&config(it.folder.path()), "mundo@test").unwrap();
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

async fn broken() -> &'static str {
    panic!("no floor at row 7: password=hunter2, Bearer abc.def, ana@example.org")
}

/// The only test that sets up the process as `main` does: it can be done once.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_request_reaches_sentry_and_its_span_the_callers_trace() {
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    let (to_sentry, to_collector) = (Receiver::start().await, Receiver::start().await);
    let it = sqlite().await;
    let environment = [
        ("MUNDO_DATA", it.folder.path().display().to_string()),
        ("SENTRY_DSN", format!("http://key@127.0.0.1:{}/7", to_sentry.port)),
        (
            "MUNDO_TELEMETRY_OTLP_ENDPOINT",
            format!("http://127.0.0.1:{}", to_collector.port),
        ),
    ];
    let sources = Sources {
        environment: environment.map(|(name, value)| (name.to_owned(), value)).into(),
        ..Sources::default()
    };
    let config = Config::load(&sources).unwrap().0;
    let telemetry = telemetry::init(&config, "mundo@test").unwrap();
    let observer = Observer::new(
        &config,
        it.db.clone(),
        it.clock.clone(),
        "mundo@test",
        telemetry.sentry(),
    );
    let app = it.app_with(observer);
    let router = Router::new().route("/api/v1/broken", get(broken));
    let router = edge::around(router, &app).with_state(app.clone());
    let request = Request::get("/api/v1/broken")
        .header("x-request-id", "request-9")
        .header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        );
    let answer = router
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), 500);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(!body.contains("hunter2") && !body.contains("row 7"), "{body}");
    tokio::task::spawn_blocking(move || drop(telemetry))
        .await
        .unwrap();

    let sent = to_sentry.requests().concat();
    for wanted in [
        r#""release":"mundo@test""#,
        r#""request_id":"request-9""#,
        r#""level":"fatal""#,
        r#""transaction":"/api/v1/broken""#,
        "no floor at row 7: password=[secret]",
    ] {
        assert!(sent.contains(wanted), "{wanted} is missing in {sent}");
    }
    for secret in ["hunter2", "abc.def", "ana@example.org"] {
        assert!(!sent.contains(secret), "{secret} was sent: {sent}");
    }
    let hex = |text: &str| -> Vec<u8> {
        let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(digits).collect()
    };
    assert!(to_collector.requests().concat().starts_with("POST /v1/traces"));
    assert!(
        to_collector.holds(&hex("4bf92f3577b34da6a3ce929d0e0e4736")),
        "the span is in another trace"
    );
    assert!(
        to_collector.holds(&hex("00f067aa0ba902b7")),
        "the span has another parent"
    );
}
