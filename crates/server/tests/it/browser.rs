//! The web app in real browsers (`web/e2e/story.mjs`).

use crate::{
    app_with,
    foreign::{chromium, node, root, succeeds},
};

#[tokio::test]
async fn two_members_meet() {
    let app = app_with(&[]).await;
    let page = app.get("/").await;
    assert!(
        page.status == 200 && page.text.contains("<script type=\"module\""),
        "This server was built without the web app: run scripts/web.sh build, then build the tests anew."
    );
    let mut command = node();
    command
        .arg(root().join("web/e2e/story.mjs"))
        .env("MUNDO_URL", app.url.replace("127.0.0.1", "localhost"))
        .env("CHROMIUM", chromium());
    let said = succeeds(command).await;
    assert!(said.contains("The story holds"), "{said}");
    app.end().await;
}
