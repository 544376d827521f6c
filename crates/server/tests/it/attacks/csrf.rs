//! Requests that another site makes a browser send.

use super::{SITE, browser, cookies, form, page, site};
use serde_json::json;
use testkit::{Answer, TestApp};

/// How other sites' requests look: their origin, and what the browser says of it.
const FOREIGN: [(Option<&str>, Option<&str>); 9] = [
    (Some("https://evil.example"), None),
    (Some("https://evil.example"), Some("cross-site")),
    (Some("https://sibling.tango.example"), Some("same-site")),
    (Some("http://tango.example"), Some("cross-site")),
    (Some("https://tango.example.evil.example"), Some("cross-site")),
    (Some("https://tango.example:444"), Some("same-site")),
    (Some("null"), Some("cross-site")),
    (None, Some("none")),
    (None, None),
];

async fn send(
    app: &TestApp,
    path: &str,
    jar: &str,
    token: &str,
    from: (Option<&str>, Option<&str>),
) -> Answer {
    let mut request = app
        .http
        .post(format!("{}/api/v1/auth/{path}", app.url))
        .header("x-client", "web")
        .header("cookie", jar);
    if let Some(origin) = from.0 {
        request = request.header("origin", origin);
    }
    if let Some(site) = from.1 {
        request = request.header("sec-fetch-site", site);
    }
    let body = match path {
        "register" => form("victim"),
        "login" => json!({"email": "ana@example.test", "password": super::PASSWORD}),
        _ => json!({}),
    };
    Answer::of(request.bearer_auth(token).json(&body)).await
}

#[tokio::test]
async fn other_sites_neither_log_in_nor_out_nor_rotate() {
    let app = site().await;
    let (jar, token) = browser(&app, "ana").await;
    for path in ["register", "login", "refresh", "logout"] {
        for from in FOREIGN {
            let answer = send(&app, path, &jar, &token, from).await;
            assert!(cookies(&answer).is_empty(), "{path} {from:?}");
            answer.refused(403, "csrf");
        }
    }
    let again = page(&app, "refresh").header("cookie", &jar).json(&json!({}));
    let rotated = Answer::of(again).await;
    assert_eq!(
        cookies(&rotated).len(),
        1,
        "the first rotation: no forged one came before"
    );
    rotated.expect(200);
    let credentials = json!({"email": "victim@example.test", "password": super::PASSWORD});
    app.post("/api/v1/auth/login", credentials)
        .await
        .refused(401, "wrong_credentials");
    app.end().await;
}

#[tokio::test]
async fn what_needs_no_preflight_reaches_nothing() {
    let app = site().await;
    let (jar, token) = browser(&app, "ana").await;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "",
    ] {
        for path in ["register", "login", "refresh", "logout"] {
            let request = page(&app, path).header("cookie", &jar).bearer_auth(&token);
            let answer = Answer::of(request.header("content-type", kind).body("{}")).await;
            assert!(cookies(&answer).is_empty(), "{path} {kind}");
            answer.refused(415, "unsupported_media_type");
        }
    }
    // Without the header no cookie counts, so there is nothing to ride on.
    let plain = app
        .http
        .post(format!("{}/api/v1/auth/refresh", app.url))
        .header("cookie", &jar)
        .header("origin", SITE);
    Answer::of(plain.json(&json!({})))
        .await
        .refused(401, "no_session");
    app.end().await;
}

#[tokio::test]
async fn no_other_origin_may_read() {
    let app = site().await;
    let ana = app.user("Ana").await;
    for origin in [
        "https://evil.example",
        "null",
        "https://tango.example.evil.example",
        "https://eviltango.example",
        "http://tango.example",
    ] {
        let read = ana.request(reqwest::Method::GET, "/me").header("origin", origin);
        let preflight = ana
            .request(reqwest::Method::OPTIONS, "/auth/login")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "x-client,content-type");
        for answer in [Answer::of(read).await, Answer::of(preflight).await] {
            let allowed = answer
                .headers
                .keys()
                .any(|name| name.as_str().starts_with("access-control-"));
            assert!(!allowed, "{origin}: {:?}", answer.headers);
            assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        }
    }
    app.end().await;
}
