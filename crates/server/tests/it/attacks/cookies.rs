//! Cookies: how they are set, where they count, and what planted ones win.

use super::{Cookie, PASSWORD, browser, cookies, form, jar, page, site};
use serde_json::json;
use std::collections::HashMap;
use testkit::{Answer, TestApp};

async fn refresh(app: &TestApp, jar: &str) -> Answer {
    Answer::of(page(app, "refresh").header("cookie", jar).json(&json!({}))).await
}

fn attributes(cookie: &Cookie) -> HashMap<&str, &str> {
    cookie
        .attributes
        .iter()
        .map(|attribute| attribute.split_once('=').unwrap_or((attribute, "")))
        .collect()
}

#[tokio::test]
async fn every_cookie_is_locked_to_this_host_and_hidden_from_scripts() {
    let app = site().await;
    let long = json!({
        "email": format!("{}@example.test", "x".repeat(60)), "password": "ocho cortes y una quebrada, ".repeat(5)[..128],
        "username": "longest_name_there_may_b", "display_name": "é".repeat(80),
    });
    let registered = Answer::of(page(&app, "register").json(&long)).await;
    let first = cookies(&registered);
    let names: Vec<&str> = first.iter().map(|cookie| cookie.name.as_str()).collect();
    assert_eq!(names, ["__Host-rt", "__Host-did"]);
    let again = refresh(&app, &jar(&first)).await;
    let rotated = cookies(&again);
    let token = again.clone().expect(200)["access_token"].clone();
    let out = page(&app, "logout").bearer_auth(token.as_str().unwrap());
    let out = Answer::of(out.json(&json!({}))).await;
    let forgotten = cookies(&out);
    for cookie in first.iter().chain(&rotated).chain(&forgotten) {
        let attributes = attributes(cookie);
        assert!(attributes.contains_key("Secure") && attributes.contains_key("HttpOnly"));
        assert_eq!(
            (attributes["SameSite"], attributes["Path"]),
            ("Strict", "/"),
            "{}",
            cookie.whole
        );
        assert!(!attributes.contains_key("Domain"), "{}", cookie.whole);
        assert!(cookie.whole.len() < 4096);
    }
    for cookie in first.iter().chain(&rotated) {
        assert!(cookie.value.len() >= 43, "256 bits: {}", cookie.whole);
        for answer in [&registered, &again] {
            assert!(
                !answer.text.contains(&cookie.value),
                "a secret stands in the body: {}",
                answer.text
            );
        }
    }
    assert_eq!(
        (forgotten[0].value.as_str(), attributes(&forgotten[0])["Max-Age"]),
        ("", "0")
    );
    assert_eq!(out.header("clear-site-data"), "\"storage\"");
    app.end().await;
}

#[tokio::test]
async fn a_session_that_is_not_to_be_remembered_leaves_with_the_browser() {
    let app = site().await;
    browser(&app, "ana").await;
    let credentials = json!({"email": "ana@example.test", "password": PASSWORD, "remember": false});
    let answer = Answer::of(page(&app, "login").json(&credentials)).await;
    let all = cookies(&answer);
    let refresh = all.iter().find(|cookie| cookie.name == "__Host-rt").unwrap();
    assert!(!attributes(refresh).contains_key("Max-Age"), "{}", refresh.whole);
    app.end().await;
}

#[tokio::test]
async fn cookies_count_nowhere_but_at_the_log_in() {
    let app = site().await;
    let (jar, token) = browser(&app, "ana").await;
    for path in ["/me", "/feed", "/me/sessions", "/me/security-log"] {
        let url = format!("{}/api/v1{path}", app.url);
        for client in ["web", ""] {
            let with_cookies = app
                .http
                .get(&url)
                .header("cookie", format!("{jar}; token={token}; session={token}"))
                .header("x-client", client)
                .header("sec-fetch-site", "same-origin");
            Answer::of(with_cookies).await.refused(401, "unauthenticated");
        }
        Answer::of(app.http.get(&url).bearer_auth(&token))
            .await
            .expect(200);
    }
    app.end().await;
}

#[tokio::test]
async fn tossed_and_doubled_cookies_are_as_if_not_sent() {
    let app = site().await;
    let (ana, _) = browser(&app, "ana").await;
    let (mallory, _) = browser(&app, "mallory").await;
    let own = ana.split("; ").next().unwrap();
    let foreign = mallory.split("; ").next().unwrap();
    // A sibling host can set a name without the prefix; the server does not know it.
    for name in ["rt", "mundo-dev-rt", "__Secure-rt", "__host-rt", "__Host-rt "] {
        let tossed = format!("{name}={}", foreign.split_once('=').unwrap().1);
        refresh(&app, &tossed).await.refused(401, "no_session");
    }
    for doubled in [format!("{own}; {foreign}"), format!("{own}; {own}")] {
        refresh(&app, &doubled).await.refused(401, "no_session");
    }
    let apart = page(&app, "refresh")
        .header("cookie", own)
        .header("cookie", foreign);
    Answer::of(apart.json(&json!({})))
        .await
        .refused(401, "no_session");
    refresh(&app, &ana).await.expect(200);
    app.end().await;
}

#[tokio::test]
async fn a_session_planted_before_the_log_in_is_not_the_one_after_it() {
    let app = site().await;
    let (mallory, _) = browser(&app, "mallory").await;
    let answer = Answer::of(
        page(&app, "register")
            .header("cookie", &mallory)
            .json(&form("ana")),
    )
    .await;
    let own = jar(&cookies(&answer));
    answer.expect(201);
    assert!(!own.is_empty() && !mallory.contains(own.split("; ").next().unwrap()));
    let renewed = refresh(&app, &mallory).await.expect(200);
    let token = renewed["access_token"].as_str().unwrap();
    let me = Answer::of(app.http.get(format!("{}/api/v1/me", app.url)).bearer_auth(token)).await;
    assert_eq!(
        me.expect(200)["username"],
        "mallory",
        "the planted session stayed the attacker's"
    );
    app.end().await;
}
