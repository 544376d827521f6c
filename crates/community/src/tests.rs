//! How the stories of this crate are told: on both databases, with accounts and
//! real time below and every slice of the community.

mod counters;
mod plans;

use serde_json::{Value, json};
use std::time::Duration;
use testkit::{TestApp, TestUser};

/// Tells the story on both databases.
pub async fn each_db(story: impl AsyncFn(&TestApp)) {
    testkit::each_db(
        testkit::area_with_tasks(crate::routes, crate::sockets, crate::workers, crate::tasks),
        story,
    )
    .await;
}

/// One app on SQLite with further settings.
pub async fn app_with(more: &[(&'static str, &str)]) -> TestApp {
    let assembly = testkit::area_with_tasks(crate::routes, crate::sockets, crate::workers, crate::tasks);
    TestApp::start(&assembly, None, more).await
}

/// A member whom somebody at the machine gave a role.
pub async fn staff(app: &TestApp, name: &str, role: accounts::Role) -> TestUser {
    let user = app.user(name).await;
    let id = user.id.parse().expect("an id");
    let given = accounts::staff::grant(&app.app, accounts::staff::By::CommandLine, id, role).await;
    assert!(given.expect("the role is given"));
    user
}

/// The same member after a while: logged in again, as access tokens end.
pub async fn again(app: &TestApp, user: &TestUser) -> TestUser {
    let given =
        json!({"email": format!("{}@example.test", user.name.to_lowercase()), "password": "correct horse"});
    user.with(&app.post("/api/v1/auth/login", given).await.expect(200))
}

/// A `PUT` with a body.
pub async fn put(user: &TestUser, path: &str, body: Value) -> testkit::Answer {
    testkit::Answer::of(user.request(reqwest::Method::PUT, path).json(&body)).await
}

/// What a member says within a community.
pub async fn within(
    user: &TestUser,
    slug: &str,
    method: reqwest::Method,
    path: &str,
    body: Option<Value>,
) -> testkit::Answer {
    let request = user.request(method, path).header("x-community", slug);
    testkit::Answer::of(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

/// Makes a community.
pub async fn found(root: &TestUser, slug: &str, is_open: bool) {
    let new = json!({"slug": slug, "name": slug.to_uppercase(), "is_open": is_open});
    root.post("/communities", new).await.expect(201);
}

/// Publishes a post a second after whatever was before.
pub async fn publish(app: &TestApp, user: &TestUser, body: &str) -> Value {
    app.clock.advance(Duration::from_secs(1));
    user.post("/posts", json!({"body": body})).await.expect(201)
}

/// What the posts of a page say.
pub fn bodies(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("a list");
    items
        .iter()
        .map(|post| post["body"].as_str().expect("a text"))
        .collect()
}
