//! What strangers try from outside, over real HTTP: a file for each way in.
//!
//! An attack is told with what it would win, and fails when it wins it, so each
//! story also does the honest thing beside the forged one.

mod addresses;
mod assignment;
mod cookies;
mod csrf;
mod enumeration;
mod headers;
mod logs;
mod passwords;
mod polling;
mod refresh;
mod smuggling;
mod step_up;
mod tokens;
mod traces;

use crate::app_with;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use testkit::{Answer, TestApp};

/// Where the app under attack believes to live.
const SITE: &str = "https://tango.example";
const PASSWORD: &str = "correct horse";

/// An app that believes to stand behind https: cookies and headers as in production.
async fn site() -> TestApp {
    app_with(&[("server.public_url", SITE)]).await
}

fn form(name: &str) -> Value {
    json!({
        "email": format!("{name}@example.test"), "password": PASSWORD,
        "username": name, "display_name": name,
    })
}

/// What a page of the site itself sends.
fn page(app: &TestApp, path: &str) -> RequestBuilder {
    app.http
        .post(format!("{}/api/v1/auth/{path}", app.url))
        .header("x-client", "web")
        .header("sec-fetch-site", "same-origin")
        .header("origin", SITE)
}

/// One `Set-Cookie`, taken apart.
#[derive(Debug)]
struct Cookie {
    name: String,
    value: String,
    attributes: Vec<String>,
    whole: String,
}

fn cookies(answer: &Answer) -> Vec<Cookie> {
    answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|header| {
            let whole = header.to_str().expect("a cookie is text").to_owned();
            let mut parts = whole.split("; ");
            let (name, value) = parts.next().unwrap().split_once('=').expect("name=value");
            Cookie {
                name: name.to_owned(),
                value: value.to_owned(),
                attributes: parts.map(str::to_owned).collect(),
                whole: whole.clone(),
            }
        })
        .collect()
}

/// The cookies as a browser sends them back.
fn jar(cookies: &[Cookie]) -> String {
    let pairs: Vec<_> = cookies
        .iter()
        .map(|cookie| format!("{}={}", cookie.name, cookie.value))
        .collect();
    pairs.join("; ")
}

/// Registers in browser mode; gives the jar and the access token.
async fn browser(app: &TestApp, name: &str) -> (String, String) {
    let answer = Answer::of(page(app, "register").json(&form(name))).await;
    let jar = jar(&cookies(&answer));
    let token = answer.expect(201)["access_token"].as_str().unwrap().to_owned();
    (jar, token)
}
