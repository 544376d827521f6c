//! Media as a stock tus client and a stock S3 server know them.

use crate::{
    app_with,
    foreign::{node, program, root, succeeds},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};
use testkit::{Answer, TestApp, TestUser, eventually};

/// The beginning of an MP4 and bytes that say where they stand.
pub fn video(length: usize) -> Vec<u8> {
    let mut bytes = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41".to_vec();
    let mut n = 0_u64;
    while bytes.len() < length {
        bytes.extend(n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        n += 1;
    }
    bytes.truncate(length);
    bytes
}

/// A picture of 400 by 300 with a gradient, as PNG.
pub fn picture() -> Vec<u8> {
    const PNG: &str = include_str!("media.png.base64");
    use base64::{Engine, prelude::BASE64_STANDARD};
    BASE64_STANDARD.decode(PNG.trim()).expect("base64")
}

/// Uploads it in one go and waits until it was looked at.
pub async fn upload(app: &TestApp, user: &TestUser, bytes: Vec<u8>) -> Value {
    let request = user
        .request(Method::POST, "/uploads")
        .header("tus-resumable", "1.0.0")
        .header("upload-length", bytes.len())
        .header("content-type", "application/offset+octet-stream")
        .body(bytes);
    let made = Answer::of(request).await.expect(201);
    looked_at(app, user, made["id"].as_str().expect("an id")).await
}

async fn looked_at(app: &TestApp, user: &TestUser, id: &str) -> Value {
    eventually(async || {
        app.app.supervisor.wake("tasks.run");
        let media = user.get(&format!("/media/{id}")).await.expect(200);
        (media["status"] != "processing").then_some(media)
    })
    .await
}

pub async fn fetch(app: &TestApp, url: &Value) -> Vec<u8> {
    let url = format!("{}{}", app.url, url.as_str().expect("an address"));
    let response = app.http.get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn the_stock_client_is_interrupted_and_resumes() {
    let app = app_with(&[]).await;
    let ana = app.user("Ana").await;
    let folder = tempfile::tempdir().unwrap();
    let bytes = video(9_000_000);
    let file = folder.path().join("milonga.mp4");
    std::fs::write(&file, &bytes).unwrap();
    let mut command = node();
    command
        .arg(root().join("crates/server/tests/node/tus.mjs"))
        .args([&app.url, &ana.token])
        .args([&file, folder.path()]);
    let said = succeeds(command).await;
    let said: Value = serde_json::from_str(said.trim()).expect("JSON");
    let (reached, resumed) = (
        said["reached"].as_u64().unwrap(),
        said["resumed_at"].as_u64().unwrap(),
    );
    assert!(resumed >= reached && resumed < 9_000_000, "it began anew: {said}");
    let media = looked_at(&app, &ana, said["id"].as_str().unwrap()).await;
    assert_eq!(
        (&media["status"], &media["name"]),
        (&json!("ready"), &json!("milonga ñandú.mp4"))
    );
    assert_eq!(media["view"]["alt"], "Dos bailarines");
    assert!(fetch(&app, &media["view"]["url"]).await == bytes);
    app.end().await;
}

/// moto, which speaks S3 as Amazon does, with one bucket; ended when dropped.
struct Bucket {
    server: Child,
    url: String,
}

impl Bucket {
    async fn open() -> Bucket {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let python = program("MUNDO_TEST_PYTHON", "target/tools/venv/bin/python");
        let server = Command::new(python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto is installed by `make test`");
        let bucket = Bucket {
            server,
            url: format!("http://127.0.0.1:{port}"),
        };
        let http = testkit::http().build().unwrap();
        eventually(async || {
            let made = http.put(format!("{}/tango", bucket.url)).send().await.ok()?;
            made.status().is_success().then_some(())
        })
        .await;
        bucket
    }

    /// The names of all that lies in it.
    async fn names(&self) -> Vec<String> {
        let list = format!("{}/tango?list-type=2", self.url);
        let http = testkit::http().build().unwrap();
        let text = http.get(list).send().await.unwrap().text().await.unwrap();
        let keys = text.split("<Key>").skip(1);
        keys.map(|rest| rest.split("</Key>").next().unwrap().to_owned())
            .collect()
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[tokio::test]
async fn bytes_lie_in_a_bucket_where_that_is_configured() {
    let bucket = Bucket::open().await;
    let app = app_with(&[
        ("media.store", "s3"),
        ("media.s3_endpoint", &bucket.url),
        ("media.s3_bucket", "tango"),
        ("media.s3_prefix", "mundo"),
        ("media.s3_access_key", "any"),
        ("media.s3_secret_key", "thing"),
    ])
    .await;
    let ana = app.user("Ana").await;
    let shown = upload(&app, &ana, picture()).await;
    assert_eq!(shown["status"], "ready", "{shown}");
    let names = bucket.names().await;
    assert!(
        names.len() == 2 && names.iter().all(|name| name.starts_with("mundo/")),
        "{names:?}"
    );
    assert!(
        fetch(&app, &shown["view"]["url"])
            .await
            .starts_with(b"\xff\xd8\xff")
    );

    let bytes = video(5_000_000);
    let film = upload(&app, &ana, bytes.clone()).await;
    assert_eq!(bucket.names().await.len(), 5, "three pieces more");
    assert!(fetch(&app, &film["view"]["url"]).await == bytes);
    let range = app
        .http
        .get(format!("{}{}", app.url, film["view"]["url"].as_str().unwrap()))
        .header("range", "bytes=2097150-2097160");
    let range = range.send().await.unwrap();
    assert_eq!(range.status(), 206);
    assert_eq!(range.bytes().await.unwrap(), bytes[2_097_150..=2_097_160]);

    for media in [&shown, &film] {
        let path = format!("/media/{}", media["id"].as_str().unwrap());
        ana.delete(&path).await.expect(204);
    }
    app.run_worker("media.clean_up").await;
    assert_eq!(bucket.names().await, Vec::<String>::new());
    assert!(
        !app.app.config.data.dir.join("media").exists(),
        "nothing lies here"
    );
    app.end().await;
}

#[tokio::test]
async fn a_bucket_that_is_away_takes_nothing_and_loses_nothing() {
    let mut bucket = Bucket::open().await;
    let app = app_with(&[
        ("media.store", "s3"),
        ("media.s3_endpoint", &bucket.url),
        ("media.s3_bucket", "tango"),
        ("media.s3_access_key", "any"),
        ("media.s3_secret_key", "thing"),
    ])
    .await;
    let ana = app.user("Ana").await;
    let film = upload(&app, &ana, video(100_000)).await;
    app.clock.advance(Duration::from_secs(1));
    // Its first run is over before the bucket is away.
    app.run_worker("media.sweep").await;
    bucket.server.kill().unwrap();
    bucket.server.wait().unwrap();
    let request = ana
        .request(Method::POST, "/uploads")
        .header("tus-resumable", "1.0.0")
        .header("upload-length", 100)
        .header("content-type", "application/offset+octet-stream")
        .body(video(100));
    Answer::of(request).await.refused(503, "unavailable");
    let url = format!("{}{}", app.url, film["view"]["url"].as_str().unwrap());
    Answer::of(app.http.get(url)).await.refused(503, "unavailable");
    let first = ana.get("/media?limit=1").await.expect(200);
    assert_eq!(
        first["items"][0]["status"], "uploading",
        "it waits where it stood"
    );
    assert_eq!(app.take_faults().len(), 2);
    app.end().await;
}
