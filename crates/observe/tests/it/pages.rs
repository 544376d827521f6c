//! What can be asked, and by whom.

use crate::{Fixture, each_db, fault, sqlite};
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, Response},
};
use db::Executor;
use http_body_util::BodyExt;
use platform::{
    AppState,
    http::edge,
    watch::{Answered, Watch},
};
use std::{net::SocketAddr, sync::atomic::Ordering, time::Duration};
use tower::ServiceExt;

const HERE: &str = "127.0.0.1:4000";
const ELSEWHERE: &str = "203.0.113.9:4000";

fn router(app: &AppState) -> Router {
    let (api, _, _) = observe::routes().into_parts();
    edge::around(api.merge(observe::probes()), app).with_state(app.clone())
}

async fn send(router: &Router, mut request: Request<Body>, from: &str) -> Response<Body> {
    request
        .extensions_mut()
        .insert(ConnectInfo(from.parse::<SocketAddr>().unwrap()));
    router.clone().oneshot(request).await.unwrap()
}

async fn get(router: &Router, path: &str, from: &str) -> (u16, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    read(send(router, request, from).await).await
}

async fn read(response: Response<Body>) -> (u16, String) {
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn details_are_for_this_machine_alone() {
    let it = sqlite().await;
    let app = it.app();
    let router = router(&app);
    let (status, body) = get(&router, "/api/v1/health", ELSEWHERE).await;
    assert_eq!((status, body.as_str()), (200, r#"{"status":"ok"}"#));
    let (_, body) = get(&router, "/api/v1/health", HERE).await;
    let health: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(health["details"]["database"]["answers"], true);
    for path in ["/metrics", "/api/v1/metrics/performance"] {
        assert_eq!(get(&router, path, HERE).await.0, 200);
        let (status, body) = get(&router, path, ELSEWHERE).await;
        assert_eq!(status, 403);
        assert!(body.contains(r#""code":"forbidden""#), "{body}");
        let passed_on = Request::get(path)
            .header("x-forwarded-for", "203.0.113.9")
            .body(Body::empty())
            .unwrap();
        assert_eq!(
            send(&router, passed_on, HERE).await.status(),
            403,
            "a proxy on this machine passed it on"
        );
    }
}

#[tokio::test]
async fn probes_follow_the_database_and_the_drain() {
    let it = sqlite().await;
    let app = it.app();
    let router = router(&app);
    for path in ["/livez", "/readyz", "/healthz"] {
        assert_eq!(get(&router, path, ELSEWHERE).await.0, 200, "{path}");
    }
    app.draining.store(true, Ordering::Relaxed);
    assert_eq!(get(&router, "/readyz", ELSEWHERE).await.0, 503);
    assert_eq!(get(&router, "/healthz", ELSEWHERE).await.0, 200);
    app.draining.store(false, Ordering::Relaxed);
    app.db.close().await;
    assert_eq!(get(&router, "/readyz", ELSEWHERE).await.0, 503);
    assert_eq!(get(&router, "/healthz", ELSEWHERE).await.0, 503);
    assert_eq!(get(&router, "/livez", ELSEWHERE).await.0, 200);
    assert_eq!(
        get(&router, "/api/v1/health", ELSEWHERE).await.1,
        r#"{"status":"down"}"#
    );
    assert_eq!(
        app.part::<observe::Observer>().totals().seen,
        0,
        "a failing probe is no error"
    );
}

#[tokio::test]
async fn figures_are_plausible() {
    let it = sqlite().await;
    let app = it.app();
    let router = router(&app);
    let observer = app.part::<observe::Observer>();
    for n in 1..=100_u64 {
        observer.answered(Answered {
            method: "GET",
            route: "/x/{id}",
            status: if n > 90 { 500 } else { 200 },
            took: Duration::from_millis(n * 10),
            code: None,
        });
    }
    let (_, body) = get(&router, "/api/v1/metrics/performance", HERE).await;
    let figures: serde_json::Value = serde_json::from_str(&body).unwrap();
    let route = &figures["routes"][0];
    assert_eq!(
        (route["route"].as_str(), route["since_start"]["count"].as_u64()),
        (Some("/x/{id}"), Some(100))
    );
    for (name, exact) in [("p50_ms", 500.0), ("p95_ms", 950.0), ("p99_ms", 990.0)] {
        let value = route["since_start"][name].as_f64().unwrap();
        assert!((exact..=exact * 1.125).contains(&value), "{name}: {value}");
    }
    assert_eq!(route["since_start"]["error_rate"], 0.1);
    assert_eq!(route["last_5_minutes"], route["since_start"]);
    assert_eq!(figures["slow"][0]["slow_count"], 50);

    it.clock.advance(Duration::from_mins(6));
    let (_, body) = get(&router, "/api/v1/metrics/performance", HERE).await;
    let later: serde_json::Value = serde_json::from_str(&body).unwrap();
    let of_x = |routes: &serde_json::Value| {
        let routes = routes["routes"].as_array().unwrap();
        routes
            .iter()
            .find(|route| route["route"] == "/x/{id}")
            .cloned()
            .unwrap()
    };
    assert_eq!(of_x(&later)["last_5_minutes"]["count"], 0);
    assert_eq!(of_x(&later)["since_start"]["count"], 100);

    let (_, text) = get(&router, "/metrics", HERE).await;
    for line in [
        r#"http_requests_total{method="GET",route="/x/{id}",status="500"} 10"#,
        r#"http_request_duration_seconds_bucket{method="GET",route="/x/{id}",le="0.25"} 25"#,
        r#"http_request_duration_seconds_bucket{method="GET",route="/x/{id}",le="+Inf"} 100"#,
        r#"http_request_duration_seconds_count{method="GET",route="/x/{id}"} 100"#,
        "errors_lost_total 0",
    ] {
        assert!(
            text.lines().any(|have| have == line),
            "{line} is missing in\n{text}"
        );
    }
    assert!(text.contains("process_resident_memory_bytes "));
}

#[tokio::test]
async fn browsers_report_errors_up_to_a_limit() {
    let it = sqlite().await;
    let app = it.app();
    let router = router(&app);
    let report = || {
        let body = r#"{"message":"x is undefined","stack":"at a.js:1","url":"https://x.test/feed?token=1"}"#;
        let request = Request::post("/api/v1/client-errors").header("content-type", "application/json");
        request.body(Body::from(body)).unwrap()
    };
    for _ in 0..30 {
        assert_eq!(send(&router, report(), ELSEWHERE).await.status(), 202);
    }
    assert_eq!(send(&router, report(), ELSEWHERE).await.status(), 429);
    app.part::<observe::Observer>().flush().await.unwrap();
    let sql = "SELECT kind, place, count FROM error_group";
    let rows = it
        .db
        .all(sql, vec![], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .await
        .unwrap();
    assert_eq!(
        rows,
        [("browser".to_owned(), "https://x.test/feed".to_owned(), 30_i64)]
    );
}

async fn read_json(router: &Router, path: &str) -> serde_json::Value {
    let (status, body) = get(router, path, HERE).await;
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn operators_read_errors_page_by_page_and_one_by_one() {
    each_db(async |it: Fixture| {
        let app = it.app();
        let router = router(&app);
        let observer = app.part::<observe::Observer>();
        // The first two share their moment.
        for text in ["one", "two"] {
            fault(observer, text);
        }
        for text in ["three", "four", "one"] {
            it.clock.advance(Duration::from_hours(1));
            fault(observer, text);
        }
        observer.flush().await.unwrap();

        let (mut seen, mut cursor) = (vec![], String::new());
        loop {
            let page = read_json(&router, &format!("/api/v1/errors?limit=1{cursor}")).await;
            let item = &page["items"][0];
            let text = |key: &str| item[key].as_str().unwrap().to_owned();
            seen.push((text("message"), item["count"].as_i64().unwrap(), text("id")));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let messages: Vec<_> = seen
            .iter()
            .map(|(message, count, _)| (message.as_str(), *count))
            .collect();
        assert_eq!(messages, [("one", 2), ("four", 1), ("three", 1), ("two", 1)]);

        let one = read_json(&router, &format!("/api/v1/errors/{}", seen[0].2)).await;
        assert_eq!(
            (&one["code"], &one["place"], &one["release"]),
            (&"internal".into(), &"/api/v1/posts".into(), &"mundo@test".into())
        );
        assert_eq!(one["samples"].as_array().unwrap().len(), 2);
        assert_eq!(one["samples"][0]["request_id"], "request-1");
        assert_eq!(one["samples"][0]["chain"], serde_json::json!(["one"]));
        assert_eq!(one["samples"][0]["at"], one["last_seen"]);
        assert_eq!(one["samples"][1]["at"], one["first_seen"]);

        for id in ["0".repeat(64), "nonsense".to_owned()] {
            let (status, body) = get(&router, &format!("/api/v1/errors/{id}"), HERE).await;
            assert_eq!(status, 404, "{body}");
        }
        for path in [
            "/api/v1/errors".to_owned(),
            format!("/api/v1/errors/{}", seen[0].2),
        ] {
            assert_eq!(get(&router, &path, ELSEWHERE).await.0, 403);
        }
    })
    .await;
}

#[tokio::test]
async fn a_lost_error_is_forgiven_after_an_hour() {
    let it = sqlite().await;
    let app = it.app();
    let router = router(&app);
    let status = async || get(&router, "/api/v1/health", ELSEWHERE).await.1;
    let (ok, degraded) = (r#"{"status":"ok"}"#, r#"{"status":"degraded"}"#);
    let observer = app.part::<observe::Observer>();
    let lose_one = || {
        for _ in 0..=observe::QUEUE {
            fault(observer, "storm");
        }
    };
    assert_eq!(status().await, ok);
    lose_one();
    assert_eq!(status().await, degraded);
    it.clock.advance(Duration::from_mins(59));
    assert_eq!(status().await, degraded);
    // Losing more begins the hour anew.
    fault(observer, "storm");
    it.clock.advance(Duration::from_mins(59));
    assert_eq!(status().await, degraded);
    it.clock.advance(Duration::from_mins(1));
    assert_eq!(status().await, ok);
    assert_eq!(observer.totals().lost, 2, "the count stays");
}
