//! Keys are replaced while the server runs, and nobody notices.

use crate::{each_db, server};
use accounts::{
    MasterKeys,
    keys::{self, Vault, schedule},
    resealing,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use std::{
    fs,
    process::Command,
    time::{Duration, SystemTime},
};
use testkit::TestApp;

/// The key that signed a token.
fn kid(token: &str) -> String {
    let header = token.split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

async fn published(app: &TestApp) -> Vec<String> {
    let answer = app.get("/.well-known/jwks.json").await;
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    assert_eq!(answer.header("content-type"), "application/json");
    let set = answer.expect(200);
    let keys = set["keys"].as_array().unwrap();
    for key in keys {
        let known = [
            ("kty", "OKP"),
            ("crv", "Ed25519"),
            ("alg", "EdDSA"),
            ("use", "sig"),
        ];
        for (name, value) in known {
            assert_eq!(key[name], value);
        }
        let public = BASE64_URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
        assert_eq!(public.len(), 32);
        assert_eq!(key.as_object().unwrap().len(), 6, "no private half: {key}");
    }
    keys.iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

fn master(app: &TestApp) -> MasterKeys {
    MasterKeys::load(&app.app.config.data.dir.join("keys")).unwrap()
}

/// As another program would.
async fn rotate(app: &TestApp, compromised: bool) {
    let master = master(app);
    let vault = Vault::of(&app.app, &master, app.app.ids.next());
    keys::rotate(&vault, compromised).await.unwrap();
}

#[tokio::test]
async fn the_next_key_is_announced_and_takes_over_without_a_gap() {
    each_db(async |app| {
        let both = published(app).await;
        assert_eq!(both.len(), 2);
        app.clock
            .advance(schedule::LIFE.checked_sub(Duration::from_mins(5)).unwrap());
        app.run_worker("accounts.keys").await;
        let ana = app.user("Ana").await;
        assert_eq!(kid(&ana.token), both[0]);
        app.clock.advance(Duration::from_mins(6));
        let bruno = app.user("Bruno").await;
        assert_eq!(kid(&bruno.token), both[1], "it signs although no worker ran");
        ana.get("/me").await.expect(200);
        assert_eq!(app.run_worker("accounts.keys").await["keys"], 3);
        let three = published(app).await;
        assert_eq!(three[..2], both);

        app.clock.advance(Duration::from_mins(11));
        assert_eq!(published(app).await, three[1..]);
        assert_eq!(app.run_worker("accounts.keys").await["keys"], 2);
        ana.get("/me").await.refused(401, "unauthenticated");
        let next = ana
            .refresh(&ana.refresh_token, Some(&ana.device_token))
            .await
            .expect(200);
        assert_eq!(kid(next["access_token"].as_str().unwrap()), both[1]);
    })
    .await;
}

#[tokio::test]
async fn a_rotation_by_hand_is_announced_and_a_compromised_key_is_gone() {
    each_db(async |app| {
        let before = published(app).await;
        rotate(app, false).await;
        app.run_worker("accounts.keys").await;
        let mut ana = app.user("Ana").await;
        assert_eq!(kid(&ana.token), before[0], "not before the notice is over");
        app.clock.advance(schedule::NOTICE);
        let bruno = app.user("Bruno").await;
        assert_eq!(kid(&bruno.token), before[1]);

        ana.get("/me").await.refused(401, "unauthenticated");
        let next = ana
            .refresh(&ana.refresh_token, Some(&ana.device_token))
            .await
            .expect(200);
        ana.token = next["access_token"].as_str().unwrap().to_owned();
        ana.refresh_token = next["refresh_token"].as_str().unwrap().to_owned();
        ana.get("/me").await.expect(200);
        rotate(app, true).await;
        app.run_worker("accounts.keys").await;
        ana.get("/me").await.refused(401, "unauthenticated");
        let next = ana
            .refresh(&ana.refresh_token, Some(&ana.device_token))
            .await
            .expect(200);
        ana.token = next["access_token"].as_str().unwrap().to_owned();
        ana.get("/me").await.expect(200);
        assert!(!published(app).await.contains(&before[1]));
    })
    .await;
}

#[tokio::test]
async fn a_node_that_meets_a_new_key_looks_for_it() {
    each_db(async |app| {
        let url = app.app.config.database.url.0.clone();
        // Two servers cannot share one SQLite file.
        if url.is_empty() {
            return;
        }
        let folder = app.app.config.data.dir.clone();
        let known = published(app).await;
        // Twice: the first time it is the key that was announced already.
        rotate(app, true).await;
        rotate(app, true).await;
        let more = [("data.dir", folder.to_str().unwrap())];
        let other = TestApp::start(&server, Some(url), &more).await;
        let ana = other.user("Ana").await;
        assert!(!known.contains(&kid(&ana.token)));
        let me = || {
            let url = format!("{}/api/v1/me", app.url);
            testkit::Answer::of(app.http.get(url).bearer_auth(&ana.token))
        };
        me().await.expect(200);
        assert!(published(app).await.contains(&kid(&ana.token)));
        other.end().await;
    })
    .await;
}

/// `mundo keys …` on the app's data.
fn mundo(app: &TestApp, arguments: &[&str]) -> (bool, String) {
    let config = &app.app.config;
    let output = Command::new(env!("CARGO_BIN_EXE_mundo"))
        .arg("keys")
        .args(arguments)
        .env_clear()
        .current_dir(&config.data.dir)
        .env("MUNDO_DATA", &config.data.dir)
        .env("DATABASE_URL", &config.database.url.0)
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.success(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_key_is_replaced_under_a_running_server() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let (old, old_mark) = (master(app).id(), master(app).mark());
        let (good, text) = mundo(app, &["rotate-master"]);
        assert!(good, "{text}");
        let new = master(app).id();
        assert!(new != old && text.contains(&new), "{text}");
        let bruno = app.user("Bruno").await;
        let sealed = async |mark: [u8; 8]| resealing::sealed_under(&app.app.db, &mark).await.unwrap();
        let (_, text) = mundo(app, &["list"]);
        assert!(text.contains(&format!("{old}  older")), "{text}");

        let facts = app.run_worker("accounts.resealing").await;
        assert_eq!(facts["older_keys"], 1);
        assert_eq!(sealed(old_mark).await, 0);
        assert_eq!(
            sealed(master(app).mark()).await,
            6,
            "two sessions, two signing keys, a pepper, the key of Web Push"
        );

        let (good, text) = mundo(app, &["rotate-master", "--finish"]);
        assert!(!good && text.contains("less than ten minutes ago"), "{text}");
        let file = app.app.config.data.dir.join(format!("keys/master-{old}.key"));
        let past = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        fs::File::open(&file).unwrap().set_modified(past).unwrap();
        let (good, text) = mundo(app, &["rotate-master", "--finish"]);
        assert!(good && text.contains("is deleted") && !file.exists(), "{text}");
        for user in [&ana, &bruno] {
            user.refresh(&user.refresh_token, Some(&user.device_token))
                .await
                .expect(200);
        }
        let (good, text) = mundo(app, &["list"]);
        assert!(good && !text.contains("older, "), "{text}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_master_key_stays_while_something_needs_it() {
    each_db(async |app| {
        app.user("Ana").await;
        app.run_worker("accounts.resealing").await;
        let old = master(app).id();
        master(app).rotate(&app.app.entropy).unwrap();
        let file = app.app.config.data.dir.join(format!("keys/master-{old}.key"));
        let past = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        fs::File::open(&file).unwrap().set_modified(past).unwrap();
        let (good, text) = mundo(app, &["rotate-master", "--finish"]);
        assert!(!good && text.contains("5 values are still sealed"), "{text}");
        assert!(file.exists());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_do_not_fit_the_database_are_refused() {
    each_db(async |app| {
        let folder = app.app.config.data.dir.join("keys");
        let kept = fs::read(folder.join("master.key")).unwrap();
        fs::remove_file(folder.join("master.key")).unwrap();
        let (good, text) = mundo(app, &["list"]);
        assert!(!good && text.contains("master.key"), "{text}");
        let other = MasterKeys::load_or_create(&folder, &base::Entropy::seeded(99)).unwrap();
        let (good, text) = mundo(app, &["rotate-pepper"]);
        assert!(
            !good && text.contains("another master key") && text.contains(&other.id()),
            "{text}"
        );
        fs::write(folder.join("master.key"), kept).unwrap();
    })
    .await;
}
