//! Bruno has a program told what happens.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use testkit::{TestApp, TestUser, eventually};
use tokio::task::JoinSet;

use crate::tests::publish;

/// A message as the consumer got it.
#[derive(Clone, Debug)]
struct Heard {
    headers: HeaderMap,
    body: Bytes,
}

impl Heard {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether one of the signatures is of that secret.
    fn is_signed_with(&self, secret: &str) -> bool {
        let key = BASE64_STANDARD
            .decode(secret.strip_prefix("whsec_").unwrap())
            .unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(
            format!(
                "{}.{}.",
                self.header("webhook-id"),
                self.header("webhook-timestamp")
            )
            .as_bytes(),
        );
        mac.update(&self.body);
        let wanted = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
        self.header("webhook-signature")
            .split(' ')
            .any(|one| one == wanted)
    }
}

#[derive(Clone, Default)]
struct Book {
    heard: Arc<Mutex<Vec<Heard>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

/// A program that listens; it answers 204 unless told otherwise.
struct Consumer {
    url: String,
    book: Book,
    _serving: JoinSet<()>,
}

impl Consumer {
    async fn start() -> Consumer {
        let book = Book::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(hear).with_state(book.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Consumer {
            url,
            book,
            _serving: serving,
        }
    }

    fn will_answer(&self, answers: &[u16]) {
        self.book.answers.lock().unwrap().extend(answers);
    }

    fn heard(&self) -> Vec<Heard> {
        self.book.heard.lock().unwrap().clone()
    }
}

async fn hear(State(book): State<Book>, headers: HeaderMap, body: Bytes) -> Response {
    book.heard.lock().unwrap().push(Heard { headers, body });
    match book.answers.lock().unwrap().pop_front() {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(307) => Redirect::temporary("/elsewhere").into_response(),
        Some(status) => (StatusCode::from_u16(status).unwrap(), "not today").into_response(),
    }
}

async fn each_db(story: impl AsyncFn(&TestApp)) {
    for url in [None, Some(testkit::postgres_url().await)] {
        let assembly = testkit::area_with_tasks(crate::routes, crate::sockets, crate::workers, crate::tasks);
        let app = TestApp::start(&assembly, url, &[("webhooks.allowed_networks", "127.0.0.0/8")]).await;
        story(&app).await;
        app.end().await;
    }
}

/// A webhook of that member to the consumer: its path and its secret.
async fn webhook(user: &TestUser, consumer: &Consumer) -> (String, String) {
    let new = json!({"url": format!("{}/hook?from=mundo", consumer.url), "events": ["post.created"]});
    let made = user.post("/webhooks", new).await.expect(201);
    let id = made["webhook"]["id"].as_str().unwrap();
    (
        format!("/webhooks/{id}"),
        made["secret"].as_str().unwrap().to_owned(),
    )
}

/// The log once it has so many messages and none is to be sent at this moment, the newest first.
async fn log(app: &TestApp, user: &TestUser, path: &str, count: usize) -> Vec<Value> {
    app.run_worker("webhooks.fan_out").await;
    eventually(async || {
        for worker in ["webhooks.fan_out", "tasks.run"] {
            app.app.supervisor.wake(worker);
        }
        let page = user.get(&format!("{path}/deliveries")).await.expect(200);
        let log = page["items"].as_array().unwrap().clone();
        let now = app.clock.now().to_string();
        let due = |one: &Value| one["status"] == "pending" && one["next_attempt_at"].as_str() <= Some(&*now);
        (log.len() == count && !log.iter().any(due)).then_some(log)
    })
    .await
}

#[tokio::test]
async fn a_program_hears_signed_of_posts_its_owner_would_read() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        bruno.put(&format!("/follows/{}", ana.id)).await;
        let consumer = Consumer::start().await;
        let (path, secret) = webhook(&bruno, &consumer).await;
        publish(app, &ana, "Tonight at La Catedral").await;
        publish(app, &carla, "Nobody follows me").await;
        publish(app, &bruno, "My own").await;
        let log = log(app, &bruno, &path, 2).await;
        let states: Vec<_> = log.iter().map(|one| one["status"].clone()).collect();
        assert_eq!(states, ["delivered", "delivered"], "{log:?}");

        let mut heard = consumer.heard();
        heard.sort_by_key(|one| one.header("webhook-id").to_owned());
        let bodies: Vec<_> = heard
            .iter()
            .map(|one| one.json()["data"]["body"].clone())
            .collect();
        assert_eq!(bodies, ["Tonight at La Catedral", "My own"]);
        let first = &heard[0];
        assert_eq!(first.json()["type"], "post.created");
        assert_eq!(first.json()["data"]["author"]["username"], "ana");
        assert!(first.is_signed_with(&secret) && !first.is_signed_with("whsec_AAAA"));
        assert_eq!(first.header("content-type"), "application/json");
        assert_eq!(json!(first.header("webhook-id")), log[1]["id"]);

        // Switched off it is silent.
        bruno.patch(&path, json!({"enabled": false})).await.expect(200);
        publish(app, &ana, "Unheard").await;
        assert_eq!(self::log(app, &bruno, &path, 2).await.len(), 2);
        assert_eq!(consumer.heard().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn what_does_not_arrive_is_sent_again_and_stands_in_the_log() {
    each_db(async |app| {
        let bruno = app.user("Bruno").await;
        let consumer = Consumer::start().await;
        let (path, secret) = webhook(&bruno, &consumer).await;
        consumer.will_answer(&[500, 307]);
        publish(app, &bruno, "Hola").await;
        let first = log(app, &bruno, &path, 1).await;
        assert_eq!(
            (&first[0]["status"], &first[0]["last_status"]),
            (&json!("pending"), &json!(500))
        );
        assert_eq!(first[0]["last_error"], "not today");
        assert!(first[0]["next_attempt_at"].is_string());
        assert!(bruno.get(&path).await.expect(200)["failing_since"].is_string());
        app.clock.advance(Duration::from_secs(6));
        let second = log(app, &bruno, &path, 1).await;
        assert_eq!(
            (&second[0]["last_status"], &second[0]["attempts"]),
            (&json!(307), &json!(2))
        );
        app.clock.advance(Duration::from_mins(6));
        let third = log(app, &bruno, &path, 1).await;
        assert_eq!(
            (&third[0]["status"], &third[0]["attempts"]),
            (&json!("delivered"), &json!(3))
        );
        assert_eq!(bruno.get(&path).await.expect(200)["failing_since"], Value::Null);
        let heard = consumer.heard();
        assert_eq!(heard.len(), 3, "nobody went where the redirect points");
        assert!(heard.iter().all(|one| one.is_signed_with(&secret)));
        assert!(
            heard
                .iter()
                .all(|one| one.header("webhook-id") == heard[0].header("webhook-id"))
        );

        // By hand, once more, under the same id.
        let again = format!("{path}/deliveries/{}", heard[0].header("webhook-id"));
        bruno.post(&again, json!({})).await.expect(200);
        assert_eq!(log(app, &bruno, &path, 1).await[0]["status"], "delivered");
        assert_eq!(
            consumer.heard()[3].header("webhook-id"),
            heard[0].header("webhook-id")
        );

        // It gives up, and a consumer that says "gone" is believed.
        consumer.will_answer(&[410]);
        bruno.post(&format!("{path}/test"), json!({})).await.expect(201);
        assert_eq!(log(app, &bruno, &path, 2).await[0]["status"], "failed");
        let off = bruno.get(&path).await.expect(200);
        assert_eq!(
            (&off["enabled"], &off["disabled_reason"]),
            (&json!(false), &json!("gone"))
        );
        assert!(app.mails().await[0].text.contains("410 Gone"));
        bruno
            .post(&format!("{path}/test"), json!({}))
            .await
            .refused(409, "webhook_off");
        bruno.post(&again, json!({})).await.refused(409, "webhook_off");
        let on = bruno.patch(&path, json!({"enabled": true})).await.expect(200);
        assert_eq!(on["disabled_reason"], Value::Null);
    })
    .await;
}

/// Time passes, and Bruno logs in again.
async fn pass(app: &TestApp, bruno: &mut TestUser, time: Duration) {
    app.clock.advance(time);
    let given = json!({"email": "bruno@example.test", "password": "correct horse", "device_token": bruno.device_token});
    *bruno = bruno.with(&app.post("/api/v1/auth/login", given).await.expect(200));
}

#[tokio::test]
async fn where_nothing_arrives_for_days_it_is_switched_off_and_its_owner_told() {
    each_db(async |app| {
        let mut bruno = app.user("Bruno").await;
        let consumer = Consumer::start().await;
        let (path, _) = webhook(&bruno, &consumer).await;
        consumer.will_answer(&[500; 40]);
        publish(app, &bruno, "Nobody answers").await;
        let mut hours = 0;
        while log(app, &bruno, &path, 1).await[0]["status"] == "pending" {
            pass(app, &mut bruno, Duration::from_hours(12)).await;
            hours += 12;
        }
        assert!((24..=96).contains(&hours), "given up after {hours} h");
        assert_eq!(consumer.heard().len(), 8);
        let still = bruno.get(&path).await.expect(200);
        assert_eq!(still["enabled"], true, "one message is no reason");
        assert!(app.mails().await.is_empty());

        pass(app, &mut bruno, Duration::from_hours(100)).await;
        publish(app, &bruno, "Still nobody").await;
        for attempt in 1..=3 {
            let status = log(app, &bruno, &path, 2).await[0]["status"].clone();
            assert_eq!(status, if attempt < 3 { "pending" } else { "failed" });
            pass(app, &mut bruno, Duration::from_hours(1)).await;
        }
        let off = bruno.get(&path).await.expect(200);
        assert_eq!(
            (&off["enabled"], &off["disabled_reason"]),
            (&json!(false), &json!("failing"))
        );
        let mails = app.mails().await;
        assert!(
            mails.len() == 1 && mails[0].text.contains(&consumer.url),
            "{mails:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_too_much_stands_in_the_log_and_is_not_sent() {
    let app = crate::tests::app_with(&[("webhooks.allowed_networks", "127.0.0.0/8")]).await;
    let bruno = app.user("Bruno").await;
    let consumer = Consumer::start().await;
    let (path, _) = webhook(&bruno, &consumer).await;
    let id = path.rsplit('/').next().unwrap().parse::<uuid::Uuid>().unwrap();
    let own = app.app.clone();
    let waiting = app.app.db.write(move |tx| async move {
        for _ in 0..1000 {
            let (delivery, subject) = (own.ids.next(), own.ids.next());
            let (event, now) = (super::WebhookEvent::PostCreated, own.clock.now());
            super::store::insert_delivery(&tx, delivery, super::WebhookId(id), event, subject, now).await?;
        }
        Ok(())
    });
    waiting.await.unwrap();
    publish(&app, &bruno, "One too many").await;
    let newest = eventually(async || {
        app.app.supervisor.wake("webhooks.fan_out");
        let page = bruno.get(&format!("{path}/deliveries")).await.expect(200);
        Some(page["items"][0].clone()).filter(|newest| newest["status"] == "failed")
    })
    .await;
    assert_eq!(newest["last_error"], "1000 messages wait already");
    assert!(consumer.heard().is_empty());
    app.end().await;
}

#[tokio::test]
async fn what_the_owner_may_not_read_any_more_is_withheld() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        bruno.put(&format!("/follows/{}", ana.id)).await;
        let consumer = Consumer::start().await;
        let (path, _) = webhook(&bruno, &consumer).await;
        consumer.will_answer(&[503]);
        let post = publish(app, &ana, "Said too much").await;
        assert_eq!(log(app, &bruno, &path, 1).await[0]["status"], "pending");
        ana.delete(&format!("/posts/{}", post["id"].as_str().unwrap()))
            .await
            .expect(204);
        app.clock.advance(Duration::from_secs(10));
        assert_eq!(log(app, &bruno, &path, 1).await[0]["status"], "withheld");
        assert_eq!(consumer.heard().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_rotated_secret_signs_along_for_a_day() {
    each_db(async |app| {
        let bruno = app.user("Bruno").await;
        let consumer = Consumer::start().await;
        let (path, old) = webhook(&bruno, &consumer).await;
        let new = bruno.post(&format!("{path}/secret"), json!({})).await.expect(200);
        let new = new["secret"].as_str().unwrap().to_owned();
        assert_ne!(old, new);
        bruno.post(&format!("{path}/test"), json!({})).await.expect(201);
        log(app, &bruno, &path, 1).await;
        app.clock.advance(Duration::from_hours(25));
        let session = bruno
            .refresh(&bruno.refresh_token, Some(&bruno.device_token))
            .await;
        let bruno = bruno.with(&session.expect(200));
        bruno.post(&format!("{path}/test"), json!({})).await.expect(201);
        log(app, &bruno, &path, 2).await;
        let heard = consumer.heard();
        let signed = |n: usize| (heard[n].is_signed_with(&old), heard[n].is_signed_with(&new));
        assert_eq!((signed(0), signed(1)), ((true, true), (false, true)));
    })
    .await;
}

#[tokio::test]
async fn a_webhook_is_its_owners_and_leads_out_into_the_world() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        for (url, code) in [
            ("https://10.0.0.1/hook", "private_address"),
            ("https://169.254.169.254/latest", "private_address"),
            ("https://[::1]/hook", "private_address"),
            ("http://example.org/hook", "https_only"),
            ("gopher://example.org/", "https_only"),
            ("hook", "https_only"),
            ("/hook", "invalid_url"),
        ] {
            let refused = ana
                .post("/webhooks", json!({"url": url, "events": ["post.created"]}))
                .await;
            assert_eq!(
                refused.refused(422, "invalid")["errors"][0]["code"],
                code,
                "{url}"
            );
        }
        let none = json!({"url": "https://example.org/", "events": []});
        ana.post("/webhooks", none).await.refused(422, "invalid");

        // Where a name leads is seen when it is called; `platform::outbound` tells of names that lead home.
        let new = json!({"url": "https://localhost/hook", "events": ["post.created"]});
        let made = ana.post("/webhooks", new).await.expect(201);
        let path = format!("/webhooks/{}", made["webhook"]["id"].as_str().unwrap());
        assert!(ana.get(&path).await.expect(200)["secret"].is_null(), "shown once");
        ana.post(&format!("{path}/test"), json!({})).await.expect(201);
        let unsent = &log(app, &ana, &path, 1).await[0];
        assert!(
            unsent["last_error"].is_string(),
            "nobody is at home there: {unsent}"
        );
        assert_eq!(unsent["last_status"], Value::Null);
        for _ in 1..10 {
            let new = json!({"url": "https://example.org/", "events": ["webhook.test"]});
            ana.post("/webhooks", new).await.expect(201);
        }
        let eleventh = json!({"url": "https://example.org/", "events": ["webhook.test"]});
        ana.post("/webhooks", eleventh)
            .await
            .refused(409, "too_many_webhooks");

        bruno.get(&path).await.refused(404, "not_found");
        bruno
            .patch(&path, json!({"enabled": false}))
            .await
            .refused(404, "not_found");
        bruno
            .post(&format!("{path}/secret"), json!({}))
            .await
            .refused(404, "not_found");
        bruno
            .post(&format!("{path}/test"), json!({}))
            .await
            .refused(404, "not_found");
        bruno
            .get(&format!("{path}/deliveries"))
            .await
            .refused(404, "not_found");
        bruno.delete(&path).await.refused(404, "not_found");
        ana.delete(&path).await.expect(204);
        ana.get(&path).await.refused(404, "not_found");
    })
    .await;
}
