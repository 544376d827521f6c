//! What every answer says to a browser, whatever its status.

use super::site;
use crate::app_with;
use reqwest::Method;
use serde_json::json;
use testkit::{Answer, TestApp};

/// One answer of each kind.
async fn answers(app: &TestApp) -> Vec<(u16, Answer)> {
    let ana = app.user("Ana").await;
    let json = "application/json";
    let post = |body: Vec<u8>, kind: &'static str| {
        Answer::of(
            ana.request(Method::POST, "/posts")
                .header("content-type", kind)
                .body(body),
        )
    };
    vec![
        (200, ana.get("/me").await),
        (200, app.get("/").await),
        (200, app.get("/docs").await),
        (200, app.get("/api/openapi.json").await),
        (200, app.get("/livez").await),
        (201, post(b"{\"body\":\"x\"}".to_vec(), json).await),
        (401, app.get("/api/v1/me").await),
        (403, from_elsewhere(app).await),
        (404, app.get("/api/v1/nothing").await),
        (405, ana.put("/posts").await),
        (400, post(b"{".to_vec(), json).await),
        (413, post(vec![b' '; 300_000], json).await),
        (415, post(b"{}".to_vec(), "text/plain").await),
        (422, post(b"{}".to_vec(), json).await),
    ]
}

async fn from_elsewhere(app: &TestApp) -> Answer {
    let request = app
        .http
        .post(format!("{}/api/v1/auth/login", app.url))
        .header("x-client", "web")
        .header("origin", "https://evil.example");
    Answer::of(request.json(&json!({}))).await
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_careful() {
    let app = site().await;
    for (status, answer) in answers(&app).await {
        let seen = format!("{status}: {:?}", answer.headers);
        // Some build the server without the web app.
        let no_app = answer.text.contains("web_app_not_built");
        assert!(answer.status == status || no_app, "{}", answer.text);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{seen}");
        let transport = answer.header("strict-transport-security");
        let age = transport
            .split([';', '='])
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap();
        assert!(
            age >= 31_536_000 && transport.contains("includeSubDomains"),
            "{seen}"
        );
        let policy = answer.header("content-security-policy");
        for rule in ["object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule), "{seen}");
        }
        assert!(!policy.contains("unsafe-eval") && !policy.contains('*'), "{seen}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{seen}");
        assert_eq!(
            answer.header("cross-origin-opener-policy"),
            "same-origin",
            "{seen}"
        );
        for name in ["server", "x-powered-by", "access-control-allow-origin"] {
            assert_eq!(answer.header(name), "", "{seen}");
        }
        let kind = answer.header("content-type");
        if !answer.text.is_empty() {
            assert!(
                kind.starts_with("application/") && kind.contains("json") || kind.contains("charset=utf-8"),
                "{seen}"
            );
        }
    }
    app.end().await;
}

#[tokio::test]
async fn plain_http_is_for_this_machine_and_says_nothing_of_https() {
    let app = app_with(&[]).await;
    let answer = app.get("/livez").await;
    assert_eq!(answer.header("strict-transport-security"), "");
    let form = super::form("ana");
    let request = app
        .http
        .post(format!("{}/api/v1/auth/register", app.url))
        .header("x-client", "web")
        .header("sec-fetch-site", "same-origin");
    let cookies = super::cookies(&Answer::of(request.json(&form)).await);
    assert_eq!(cookies.len(), 2);
    for cookie in cookies {
        assert!(
            !cookie.name.starts_with("__Host-") && !cookie.attributes.contains(&"Secure".to_owned()),
            "{}",
            cookie.whole
        );
    }
    app.end().await;
}

#[tokio::test]
async fn what_holds_secrets_or_people_is_kept_by_nobody() {
    let app = site().await;
    let ana = app.user("Ana").await;
    let credentials = json!({"email": "ana@example.test", "password": super::PASSWORD});
    let refresh = json!({"refresh_token": ana.refresh_token, "device_token": ana.device_token});
    let answers = [
        app.post("/api/v1/auth/register", super::form("bruno")).await,
        app.post("/api/v1/auth/login", credentials).await,
        app.post("/api/v1/auth/login", json!({})).await,
        app.post("/api/v1/auth/refresh", refresh).await,
        ana.get("/me").await,
        ana.get("/me/sessions").await,
        ana.get("/me/security-log").await,
        app.get("/api/v1/me").await,
        ana.post("/auth/logout", json!({})).await,
    ];
    for answer in answers {
        assert_eq!(
            answer.header("cache-control"),
            "no-store",
            "{} {}",
            answer.status,
            answer.text
        );
    }
    app.end().await;
}

#[tokio::test]
async fn errors_hold_nothing_of_the_inside() {
    let app = site().await;
    for (status, answer) in answers(&app).await {
        if status >= 400 {
            for inside in [
                "SELECT", "sqlite", "src/", ".rs:", "panicked", "postgres", "axum", "serde",
            ] {
                assert!(!answer.text.contains(inside), "{status}: {}", answer.text);
            }
        }
    }
    for path in [
        "/debug",
        "/debug/pprof",
        "/.env",
        "/.git/config",
        "/dev/mail",
        "/actuator",
        "/server-status",
    ] {
        let answer = app.get(path).await;
        assert!(
            !answer.text.contains("subject") && !answer.text.contains("DATABASE"),
            "{path}: {}",
            answer.text
        );
    }
    app.end().await;
}
