//! Web Push, with a push service on this machine that keeps what it gets. What it
//! got is opened by Node's own cryptography (`tests/node/push.mjs`).

use crate::{
    app_with,
    foreign::{node, root, succeeds},
    server,
};
use accounts::{
    MemberId,
    push::{self, Note},
};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};
use testkit::{SocketClient, TestApp, TestUser, eventually, postgres_url};

/// A push service: answers what the story wants, keeps what came.
#[derive(Clone, Default)]
struct Service {
    came: Arc<Mutex<Vec<Value>>>,
    answers: Arc<Mutex<Vec<u16>>>,
}

impl Service {
    /// Gives its origin.
    async fn open(&self) -> String {
        let routes = Router::new()
            .route("/push/{browser}", post(Service::take))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, routes).await });
        origin
    }

    async fn take(
        State(service): State<Service>,
        Path(browser): Path<String>,
        headers: HeaderMap,
        body: Bytes,
    ) -> StatusCode {
        let headers: serde_json::Map<_, _> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
            .collect();
        let bytes: Vec<u8> = body.into();
        service
            .came
            .lock()
            .unwrap()
            .push(json!({"browser": browser, "headers": headers, "body": bytes}));
        let next = service.answers.lock().unwrap().pop().unwrap_or(201);
        StatusCode::from_u16(next).unwrap()
    }

    fn count(&self) -> usize {
        self.came.lock().unwrap().len()
    }
}

/// Node plays a browser: makes its keys, and later opens what came to it.
async fn browser(act: &str, context: Value) -> Value {
    let mut command = node();
    command
        .arg(root().join("crates/server/tests/node/push.mjs"))
        .args([act, &context.to_string()]);
    serde_json::from_str(&succeeds(command).await).expect("the browser speaks JSON")
}

async fn subscribe(user: &TestUser, origin: &str, name: &str) -> (Value, Value) {
    let keys = browser("subscribe", json!({})).await;
    let wanted =
        json!({"endpoint": format!("{origin}/push/{name}"), "p256dh": keys["p256dh"], "auth": keys["auth"]});
    let subscription = user.post("/push/subscriptions", wanted).await.expect(201);
    (keys, subscription)
}

fn note(body: &str) -> Note {
    Note {
        title: "Bruno".to_owned(),
        body: body.to_owned(),
        url: "/messages/milonga".to_owned(),
        tag: "chat:milonga".to_owned(),
    }
}

/// Tells the member; says how many browsers those are.
async fn tell(app: &TestApp, user: &TestUser, note: Note) -> usize {
    let member: MemberId = user.id.parse().unwrap();
    let to = push::subscribed(&app.app.db, &[member]).await.unwrap();
    let (own, count, key) = (
        app.app.clone(),
        to.len(),
        app.app.ids.next::<uuid::Uuid>().to_string(),
    );
    let told = app
        .app
        .db
        .write(move |tx| async move { push::promise(&own, &tx, &to, &note, &key).await });
    told.await.unwrap();
    count
}

#[tokio::test]
async fn a_note_reaches_the_browser_that_asked_and_only_it_can_read_it() {
    let service = Service::default();
    let origin = service.open().await;
    for database in [None, Some(postgres_url().await)] {
        let app = TestApp::start(&server, database, &[("push.services", &*origin)]).await;
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let (keys, subscription) = subscribe(&ana, &origin, "ana").await;
        assert_eq!(subscription["current"], true);
        let key = ana.get("/push/key").await.expect(200);
        service.came.lock().unwrap().clear();

        let body = "¿Bailás esta noche? 💃 ".repeat(60);
        assert_eq!(tell(&app, &ana, note(&body)).await, 1);
        assert_eq!(tell(&app, &bruno, note("nobody asked for this")).await, 0);
        eventually(async || (service.count() == 1).then_some(())).await;

        let came = service.came.lock().unwrap()[0].clone();
        let context = json!({"came": came, "keys": keys, "server": key["public_key"], "origin": origin, "now": app.app.clock.now().as_seconds()});
        let opened = browser("open", context).await;
        assert_eq!(
            [&opened["title"], &opened["url"], &opened["tag"]],
            [
                &json!("Bruno"),
                &json!("/messages/milonga"),
                &json!("chat:milonga")
            ]
        );
        let shown = opened["body"].as_str().unwrap().trim_end_matches('…');
        assert!(shown.len() > 300 && body.starts_with(shown), "{shown}");

        // Several notes of one conversation have one topic, which does not name it.
        tell(&app, &ana, note("again")).await;
        eventually(async || (service.count() == 2).then_some(())).await;
        let topics: Vec<_> = service
            .came
            .lock()
            .unwrap()
            .iter()
            .map(|came| came["headers"]["topic"].clone())
            .collect();
        assert!(topics[0] == topics[1] && topics[0].as_str().is_some_and(|topic| topic.len() == 32));
        app.end().await;
    }
}

#[tokio::test]
async fn a_service_that_is_away_is_asked_again_and_a_browser_that_is_gone_is_forgotten() {
    let service = Service::default();
    let origin = service.open().await;
    let app = app_with(&[("push.services", &origin)]).await;
    let ana = app.user("Ana").await;
    subscribe(&ana, &origin, "ana").await;

    *service.answers.lock().unwrap() = vec![201, 429, 503];
    tell(&app, &ana, note("hello")).await;
    eventually(async || {
        app.clock.advance(Duration::from_secs(10));
        app.app.supervisor.wake("tasks.run");
        (service.count() == 3).then_some(())
    })
    .await;

    *service.answers.lock().unwrap() = vec![410];
    tell(&app, &ana, note("are you there?")).await;
    eventually(async || {
        app.app.supervisor.wake("tasks.run");
        let left = ana.get("/push/subscriptions").await.expect(200);
        left["items"].as_array().unwrap().is_empty().then_some(())
    })
    .await;
    assert_eq!(tell(&app, &ana, note("nobody hears")).await, 0);
    app.take_faults();
    app.end().await;
}

#[tokio::test]
async fn a_subscription_ends_with_its_session() {
    let service = Service::default();
    let origin = service.open().await;
    let app = app_with(&[("push.services", &origin)]).await;
    let ana = app.user("Ana").await;
    let log_in = json!({"email": "ana@example.test", "password": "correct horse"});
    let phone = ana.with(&app.post("/api/v1/auth/login", log_in).await.expect(200));
    let (_, on_laptop) = subscribe(&ana, &origin, "laptop").await;
    let (_, on_phone) = subscribe(&phone, &origin, "phone").await;
    let ids = async |user: &TestUser| {
        let list = user.get("/push/subscriptions").await.expect(200);
        let items = list["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|item| item["id"].to_string())
            .collect::<BTreeSet<_>>()
    };
    let set = |all: &[&Value]| {
        all.iter()
            .map(|one| one["id"].to_string())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(ids(&ana).await, set(&[&on_phone, &on_laptop]));

    // Subscribing once more in the same browser is the same browser.
    let (_, again) = subscribe(&phone, &origin, "phone").await;
    assert_eq!(ids(&ana).await, set(&[&again, &on_laptop]));

    tell(&app, &ana, note("to both")).await;
    eventually(async || (service.count() == 2).then_some(())).await;
    phone.post("/auth/logout", json!({})).await.expect(204);
    assert_eq!(ids(&ana).await, set(&[&on_laptop]));
    assert_eq!(tell(&app, &ana, note("to one")).await, 1);
    eventually(async || (service.count() == 3).then_some(())).await;

    // Whoever logs in on that browser next has it; the one before is not told there.
    let bruno = app.user("Bruno").await;
    let (_, taken) = subscribe(&bruno, &origin, "laptop").await;
    assert_eq!(tell(&app, &ana, note("not to Bruno's eyes")).await, 0);

    let path = format!("/push/subscriptions/{}", on_laptop["id"].as_str().unwrap());
    ana.delete(&path).await.refused(404, "not_found");
    let path = format!("/push/subscriptions/{}", taken["id"].as_str().unwrap());
    ana.delete(&path).await.refused(404, "not_found");
    bruno.delete(&path).await.expect(204);
    assert_eq!(tell(&app, &bruno, note("no more")).await, 0);
    app.end().await;
}

#[tokio::test]
async fn notes_go_to_no_address_that_a_member_makes_up() {
    let app = app_with(&[]).await;
    let ana = app.user("Ana").await;
    let keys = browser("subscribe", json!({})).await;
    let subscribe = async |endpoint: &str, p256dh: &Value| {
        let wanted = json!({"endpoint": endpoint, "p256dh": p256dh, "auth": keys["auth"]});
        ana.post("/push/subscriptions", wanted).await
    };
    for endpoint in [
        "http://127.0.0.1:5000/admin",
        "https://169.254.169.254/latest",
        "https://localhost/",
        "https://fcm.googleapis.com.evil.example/",
        "https://fcm.googleapis.com:22/",
        "file:///etc/passwd",
        "fcm.googleapis.com",
    ] {
        let problem = subscribe(endpoint, &keys["p256dh"]).await.refused(422, "invalid");
        assert_eq!(problem["errors"][0]["code"], "unknown_push_service", "{endpoint}");
    }
    let real = "https://fcm.googleapis.com/fcm/send/abc";
    let problem = subscribe(real, &json!("AAAA")).await.refused(422, "invalid");
    assert_eq!(problem["errors"][0]["code"], "unknown_push_key");
    subscribe(real, &keys["p256dh"]).await.expect(201);
    app.end().await;
}

#[tokio::test]
async fn a_member_who_is_offline_hears_of_a_message() {
    let service = Service::default();
    let origin = service.open().await;
    for database in [None, Some(postgres_url().await)] {
        let app = TestApp::start(&server, database, &[("push.services", &*origin)]).await;
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let (keys, _) = subscribe(&ana, &origin, "ana").await;
        subscribe(&bruno, &origin, "bruno").await;
        service.came.lock().unwrap().clear();
        let room = bruno.put(&format!("/rooms/direct/{}", ana.id)).await;
        let room = serde_json::from_str::<Value>(&room.text).unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let speaker = SocketClient::connect(&app.url, json!({"token": bruno.token})).await;
        let say = async |body: &str| {
            let message = json!({"room": format!("chat:{room}"), "body": body});
            speaker.accepted("message:send", message).await
        };
        say("¿Bailamos?").await;
        eventually(async || (service.count() == 1).then_some(())).await;
        let came = service.came.lock().unwrap()[0].clone();
        assert_eq!(came["browser"], "ana", "nobody is told of what they said");
        let key = ana.get("/push/key").await.expect(200);
        let context = json!({"came": came, "keys": keys, "server": key["public_key"], "origin": origin, "now": app.app.clock.now().as_seconds()});
        let note = browser("open", context).await;
        assert_eq!(
            note,
            json!({"title": "Bruno", "body": "¿Bailamos?", "url": format!("/messages/{room}"), "tag": format!("chat:{room}")})
        );

        // Whoever is there reads it there, whoever has muted the room not at all.
        let there = SocketClient::connect(&app.url, json!({"token": ana.token})).await;
        say("You are there").await;
        app.run_worker("notifications.tell").await;
        drop(there);
        eventually(async || {
            (!realtime::Realtime::of(&app.app).is_there(ana.id.parse().unwrap())).then_some(())
        })
        .await;
        let muted = ana
            .patch(&format!("/rooms/{room}/membership"), json!({"muted": true}))
            .await;
        assert!(muted.status < 300, "{}", muted.text);
        say("You do not want to hear this").await;
        app.run_worker("notifications.tell").await;
        app.run_worker("tasks.run").await;
        assert_eq!(service.count(), 1);
        service.came.lock().unwrap().clear();
        app.end().await;
    }
}

#[tokio::test]
async fn devices_are_quiet_in_the_members_night_and_hear_once_in_the_morning() {
    let service = Service::default();
    let origin = service.open().await;
    for database in [None, Some(postgres_url().await)] {
        let app = TestApp::start(&server, database, &[("push.services", &*origin)]).await;
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let (keys, _) = subscribe(&ana, &origin, "ana").await;
        service.came.lock().unwrap().clear();
        let key = ana.get("/push/key").await.expect(200)["public_key"].clone();
        let opened = async || {
            let came = service.came.lock().unwrap().remove(0);
            let context = json!({"came": came, "keys": keys, "server": key, "origin": origin,
                                 "now": app.app.clock.now().as_seconds()});
            browser("open", context).await
        };
        let work = async || {
            app.run_worker("notifications.tell").await;
            for _ in 0..2 {
                app.run_worker("tasks.run").await;
            }
        };
        let post = async |body: &str| {
            app.clock.advance(Duration::from_secs(1));
            bruno.post("/posts", json!({"body": body})).await.expect(201);
            work().await;
        };
        // It is noon; nobody sleeps.
        post("Come, @ana").await;
        eventually(async || (service.count() == 1).then_some(())).await;
        let note = opened().await;
        assert_eq!(
            (&note["title"], &note["body"]),
            (&json!("Mundo Tango"), &json!("Bruno mentioned you"))
        );

        // 13:00 in Rome is the middle of her night: she dances until the morning.
        let quiet = json!({"time_zone": "Europe/Rome", "quiet_from": 720, "quiet_to": 1200});
        let quiet = ana
            .request(reqwest::Method::PUT, "/notifications/preferences")
            .json(&quiet);
        testkit::Answer::of(quiet).await.expect(200);
        for body in ["Tonight, @ana?", "Or tomorrow, @ana?"] {
            post(body).await;
        }
        assert_eq!(service.count(), 0);
        // 20:00 in Rome.
        app.clock.advance(Duration::from_hours(7));
        work().await;
        eventually(async || (service.count() == 1).then_some(())).await;
        let note = opened().await;
        assert_eq!(
            (&note["body"], &note["url"]),
            (&json!("2 news while you had quiet"), &json!("/notifications"))
        );
        // It was one note for all of them.
        work().await;
        assert_eq!(service.count(), 0);
        app.end().await;
    }
}
