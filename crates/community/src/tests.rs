//! How the stories of this crate are told: on both databases, with accounts and
//! real time below and every slice of the community.

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
