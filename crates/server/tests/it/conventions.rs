//! What every answer has in common.

use crate::{app_with, each_db};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::Answer;

#[tokio::test]
async fn every_error_is_a_problem_document_whoever_made_it() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let send = |method: Method, path: &str, kind: &'static str, body: Vec<u8>| {
            Answer::of(ana.request(method, path).header("content-type", kind).body(body))
        };
        let json = "application/json";
        app.get("/api/v1/nothing").await.refused(404, "no_such_route");
        send(Method::PUT, "/posts", json, vec![])
            .await
            .refused(405, "method_not_allowed");
        send(Method::POST, "/posts", "text/plain", b"{}".to_vec())
            .await
            .refused(415, "unsupported_media_type");
        send(Method::POST, "/posts", json, b"{\"body\":".to_vec())
            .await
            .refused(400, "malformed_json");
        send(Method::POST, "/posts", json, b"{\"body\":\"\xff\"}".to_vec())
            .await
            .refused(400, "malformed_json");
        // The fields of an object by their names, not by their places.
        send(Method::PATCH, "/me/profile", json, b" []".to_vec())
            .await
            .refused(422, "invalid");
        send(Method::POST, "/posts", json, b"[\"words\"".to_vec())
            .await
            .refused(400, "malformed_json");
        send(Method::POST, "/posts", json, vec![b' '; 300_000])
            .await
            .refused(413, "too_large");
        let wrong = send(Method::POST, "/posts", json, b"{\"body\":5}".to_vec())
            .await
            .refused(422, "invalid");
        assert_eq!(wrong["errors"][0]["pointer"], "/body");
        let extra = send(
            Method::POST,
            "/posts",
            json,
            b"{\"body\":\"x\",\"id\":1}".to_vec(),
        )
        .await
        .refused(422, "invalid");
        assert_eq!(
            extra["errors"],
            json!([{"pointer": "/id", "code": "unknown_field", "detail": "is not known here"}])
        );
        let nul = send(Method::POST, "/posts", json, b"{\"body\":\"a\\u0000b\"}".to_vec())
            .await
            .refused(422, "invalid");
        assert_eq!(nul["errors"][0]["code"], "control_characters");
        ana.get("/posts/not-an-id").await.refused(404, "not_found");
        ana.get("/feed?limit=101").await.refused(422, "invalid");
        ana.get("/feed?limit=many").await.refused(422, "invalid");
        ana.get("/feed?colour=red").await.refused(422, "invalid");
        ana.get("/feed?cursor=short").await.refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn a_form_hears_of_all_its_mistakes_in_the_readers_language() {
    each_db(async |app| {
        let form = json!({"email": "x", "password": "short", "username": "a!", "display_name": ""});
        let request = app
            .http
            .post(format!("{}/api/v1/auth/register", app.url))
            .header("accept-language", "es-AR, en;q=0.5");
        let problem = Answer::of(request.json(&form)).await.refused(422, "invalid");
        let pointers: Vec<_> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(pointers, ["/email", "/password", "/username", "/display_name"]);
        assert_eq!(problem["errors"][1]["detail"], "necesita al menos 8 caracteres");
        assert_eq!(problem["title"], "Algunos valores no son válidos");
    })
    .await;
}

#[tokio::test]
async fn a_repeated_request_creates_nothing_twice() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let send = |user: &testkit::TestUser, key: &str, body: &str| {
            Answer::of(
                user.request(Method::POST, "/posts")
                    .header("idempotency-key", key)
                    .json(&json!({"body": body})),
            )
        };
        let first = send(&ana, "key-1", "once").await.expect(201);
        let again = send(&ana, "key-1", "once").await;
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(again.expect(201)["id"], first["id"]);
        send(&ana, "key-1", "other")
            .await
            .refused(422, "idempotency_key_reused");
        assert_ne!(send(&bruno, "key-1", "once").await.expect(201)["id"], first["id"]);
        send(&ana, "not a key", "x").await.refused(422, "invalid");

        let all = futures_util::future::join_all((0..10).map(|_| send(&ana, "key-2", "race"))).await;
        for answer in all {
            assert!([201, 409].contains(&answer.status), "{}", answer.text);
        }
        let posts = ana.get("/posts").await.expect(200);
        assert_eq!(posts["items"].as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn answers_carry_what_browsers_and_operators_need() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let request = ana
            .request(Method::GET, "/feed")
            .header("x-request-id", "abc-1")
            .header("traceparent", trace);
        let answer = Answer::of(request).await;
        assert_eq!(answer.header("x-request-id"), "abc-1");
        assert_eq!(answer.header("traceparent"), trace);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("default-src 'self'")
        );
        assert!(answer.header("server-timing").starts_with("app;dur="));
        assert!(answer.header("ratelimit").starts_with("\"member\";r="));
        let tag = answer.header("etag").to_owned();
        let again = Answer::of(ana.request(Method::GET, "/feed").header("if-none-match", &tag)).await;
        assert_eq!((again.status, again.text.as_str()), (304, ""));
        let log_in = json!({"email": "ana@example.test", "password": "correct horse"});
        let answer = app.post("/api/v1/auth/login", log_in).await;
        assert_eq!(
            answer.header("server-timing"),
            "",
            "its time would tell whether an account exists"
        );
        let odd = Answer::of(
            app.http
                .get(format!("{}/api/v1/me", app.url))
                .header("x-request-id", "a b"),
        )
        .await;
        assert_ne!(odd.header("x-request-id"), "a b");
    })
    .await;
}

#[tokio::test]
async fn limits_are_told_and_pass_with_time() {
    let app = app_with(&[("limits.enabled", "on"), ("limits.login_per_5_minutes", "3")]).await;
    app.user("Ana").await;
    let log_in = || {
        app.post(
            "/api/v1/auth/login",
            json!({"email": "ana@example.test", "password": "wrong horse"}),
        )
    };
    for _ in 0..3 {
        log_in().await.refused(401, "wrong_credentials");
    }
    let limited = log_in().await;
    assert_eq!(limited.header("retry-after"), "100");
    assert!(
        limited
            .header("ratelimit-policy")
            .starts_with("\"login\";q=3;w=300, ")
    );
    assert!(limited.header("ratelimit").starts_with("\"login\";r=0;t=100, "));
    limited.refused(429, "rate_limited");
    app.clock.advance(Duration::from_secs(100));
    log_in().await.refused(401, "wrong_credentials");
    app.end().await;
}

#[tokio::test]
async fn a_proxy_is_believed_only_when_it_is_ours() {
    let app = app_with(&[("limits.enabled", "on"), ("limits.register_per_hour", "1")]).await;
    let register = |name: &str, address: &str| {
        let form = json!({"email": format!("{name}@example.test"), "password": "correct horse", "username": name, "display_name": name});
        let request = app.http.post(format!("{}/api/v1/auth/register", app.url));
        Answer::of(request.header("x-forwarded-for", address).json(&form))
    };
    register("one", "10.0.0.1").await.expect(201);
    register("two", "10.0.0.2").await.refused(429, "rate_limited");
    app.end().await;
}

#[tokio::test]
async fn the_documents_are_there_and_readable() {
    each_db(async |app| {
        let api = app.get("/api/openapi.json").await.expect(200);
        assert_eq!(api["openapi"], "3.1.0");
        assert_eq!(
            api["paths"]["/api/v1/posts"]["post"]["operationId"],
            "create_post"
        );
        let page = app.get("/docs").await;
        assert!(page.text.contains("create_post") && page.status == 200);
        assert!(app.get("/docs/errors/stale").await.text.contains("stale"));
        app.get("/docs/errors/none").await.refused(404, "no_such_route");
        let texts: Vec<Value> = vec![app.get("/nothing").await.refused(404, "no_such_route")];
        assert!(
            texts[0]["type"]
                .as_str()
                .unwrap()
                .ends_with("/docs/errors/no_such_route")
        );
    })
    .await;
}
