//! Who pretends to call from somewhere else.

use super::form;
use crate::app_with;
use testkit::Answer;

const HEADERS: [&str; 7] = [
    "x-forwarded-for",
    "forwarded",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
];

fn value(header: &str, address: &str) -> String {
    match header {
        "forwarded" => format!("for={address}"),
        _ => address.to_owned(),
    }
}

#[tokio::test]
async fn a_new_address_in_a_header_is_no_new_budget() {
    let app = app_with(&[("limits.enabled", "on"), ("limits.register_per_hour", "2")]).await;
    let register = |name: String, header: &'static str, address: String| {
        let request = app.http.post(format!("{}/api/v1/auth/register", app.url));
        Answer::of(request.header(header, value(header, &address)).json(&form(&name)))
    };
    for n in 0..2 {
        register(format!("member{n}"), "x-forwarded-for", format!("10.0.0.{n}"))
            .await
            .expect(201);
    }
    for (n, header) in HEADERS.into_iter().enumerate() {
        for address in [
            format!("10.1.{n}.1"),
            format!("2001:db8:{n}::1"),
            "127.0.0.1".to_owned(),
        ] {
            register(format!("other{n}"), header, address)
                .await
                .refused(429, "rate_limited");
        }
    }
    app.end().await;
}

#[tokio::test]
async fn a_session_stands_under_the_peers_own_network() {
    let app = app_with(&[]).await;
    for (n, header) in HEADERS.into_iter().enumerate() {
        let request = app
            .http
            .post(format!("{}/api/v1/auth/register", app.url))
            .header(header, value(header, "203.0.113.9"));
        let session = Answer::of(request.json(&form(&format!("member{n}"))))
            .await
            .expect(201);
        let token = session["access_token"].as_str().unwrap();
        for path in ["/me/sessions", "/me/security-log"] {
            let request = app.http.get(format!("{}/api/v1{path}", app.url));
            let list = Answer::of(request.bearer_auth(token)).await.expect(200);
            assert_eq!(list["items"][0]["network"], "127.0.0.0/24", "{header}");
        }
    }
    app.end().await;
}
