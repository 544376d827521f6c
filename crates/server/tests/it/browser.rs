//! The web app in real browsers (`web/e2e/`).

use crate::{
    app_with,
    foreign::{chromium, node, root, succeeds},
    support::{Server, UNHINDERED},
};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    time::Duration,
};
use testkit::TestApp;

/// A story, to be told to the server at this address.
fn story(name: &str, url: &str) -> Command {
    let mut command = node();
    command
        .arg(root().join("web/e2e").join(name))
        .env("MUNDO_URL", url.replace("127.0.0.1", "localhost"))
        .env("CHROMIUM", chromium());
    command
}

async fn must_hold(command: Command) {
    let said = succeeds(command).await;
    assert!(said.contains("The story holds"), "{said}");
}

async fn has_the_web_app(app: &TestApp) {
    let page = app.get("/").await;
    assert!(
        page.status == 200 && page.text.contains("<script type=\"module\""),
        "This server was built without the web app: run scripts/web.sh build, then build the tests anew."
    );
}

#[tokio::test]
async fn two_members_meet() {
    let app = app_with(&[]).await;
    has_the_web_app(&app).await;
    must_hold(story("story.mjs", &app.url)).await;
    app.end().await;
}

#[tokio::test]
async fn two_members_talk() {
    let app = app_with(&[]).await;
    has_the_web_app(&app).await;
    must_hold(story("chat.mjs", &app.url)).await;
    app.end().await;
}

#[tokio::test]
async fn two_members_meet_in_a_group_and_are_told() {
    let app = app_with(&[]).await;
    has_the_web_app(&app).await;
    must_hold(story("groups.mjs", &app.url)).await;
    app.end().await;
}

#[tokio::test]
async fn a_member_looks_after_their_account() {
    let app = app_with(&[]).await;
    has_the_web_app(&app).await;
    let mut command = story("account.mjs", &app.url);
    command
        .env("CLOCK", "stdio")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let clock = app.clock.clone();
    let (good, said) = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("node starts; `make test` installs it");
        let mut answers = child.stdin.take().expect("it was piped");
        let lines = BufReader::new(child.stdout.take().expect("it was piped")).lines();
        let mut said = String::new();
        for line in lines {
            let line = line.expect("the story speaks UTF-8");
            if let Some(seconds) = line.strip_prefix("advance ") {
                clock.advance(Duration::from_secs(seconds.parse().expect("a number of seconds")));
                writeln!(answers, "advanced").expect("the story listens");
            }
            said.push_str(&line);
            said.push('\n');
        }
        let output = child.wait_with_output().expect("the child is ours");
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        (output.status.success(), said)
    })
    .await
    .expect("the story was told");
    assert!(good && said.contains("The story holds"), "{said}");
    app.end().await;
}

#[tokio::test]
async fn two_tabs_stay_logged_in_over_many_refreshes() {
    let mut server = Server::new(None, &UNHINDERED);
    server.set("MUNDO_ACCOUNTS_ACCESS_TTL_S", "8");
    server.start().await;
    must_hold(story("tabs.mjs", &server.url)).await;
}

#[tokio::test]
async fn a_killed_browser_comes_back_logged_in() {
    let mut server = Server::new(None, &UNHINDERED);
    server.start().await;
    must_hold(story("killed.mjs", &server.url)).await;
}
