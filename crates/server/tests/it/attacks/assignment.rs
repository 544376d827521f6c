//! Fields that nobody may set, and things that belong to others.

use super::form;
use crate::each_db;
use db::Executor;
use serde_json::{Value, json};

const FORBIDDEN: [(&str, &str); 12] = [
    ("role", "\"god\""),
    ("roles", "[\"super_admin\"]"),
    ("is_admin", "true"),
    ("email_verified", "true"),
    ("status", "\"active\""),
    ("id", "\"01900000-0000-7000-8000-000000000000\""),
    ("user_id", "\"01900000-0000-7000-8000-000000000000\""),
    ("created_at", "\"2020-01-01T00:00:00Z\""),
    ("password_hash", "\"$argon2id$\""),
    ("auth_time", "99999999999"),
    ("permissions", "[\"users_suspend\"]"),
    ("__proto__", "{\"role\": \"god\"}"),
];

#[tokio::test]
async fn nobody_registers_with_more_than_the_form_asks() {
    each_db(async |app| {
        for (field, value) in FORBIDDEN {
            let mut body = form("ana");
            body[field] = serde_json::from_str(value).unwrap();
            let refused = app
                .post("/api/v1/auth/register", body)
                .await
                .refused(422, "invalid");
            assert_eq!(refused["errors"][0]["pointer"], format!("/{field}"));
        }
        let count: Option<i64> = app
            .app
            .db
            .one("SELECT count(*) FROM member", vec![], |row| row.get(0))
            .await
            .unwrap();
        assert_eq!(count, Some(0));
        app.post("/api/v1/auth/register", form("ana")).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn no_other_form_takes_them_either() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let before = ana.get("/me").await.expect(200);
        let list = ana.get("/me/sessions").await.expect(200);
        let session = format!("/me/sessions/{}", list["items"][0]["id"].as_str().unwrap());
        let forms = [
            (
                "/auth/login",
                json!({"email": "ana@example.test", "password": super::PASSWORD}),
            ),
            ("/auth/reauthenticate", json!({"password": super::PASSWORD})),
            ("/posts", json!({"body": "hello"})),
        ];
        for (field, value) in FORBIDDEN {
            let value: Value = serde_json::from_str(value).unwrap();
            for (path, body) in &forms {
                let mut body = body.clone();
                body[field] = value.clone();
                ana.post(path, body).await.refused(422, "invalid");
            }
            let mut label = json!({"label": "mine"});
            label[field] = value;
            ana.patch(&session, label).await.refused(422, "invalid");
        }
        assert_eq!(ana.get("/me").await.expect(200), before);
    })
    .await;
}

#[tokio::test]
async fn a_key_or_a_parameter_named_twice_is_refused() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let twice = r#"{"email":"ana@example.test","email":"b@example.test","password":"correct horse"}"#;
        let request = app
            .http
            .post(format!("{}/api/v1/auth/login", app.url))
            .header("content-type", "application/json");
        testkit::Answer::of(request.body(twice))
            .await
            .refused(422, "invalid");
        for query in ["limit=1&limit=2", "limit=1&%6cimit=2"] {
            ana.get(&format!("/feed?{query}")).await.refused(422, "invalid");
        }
        let mixed = ana.post("/posts?body=other", json!({"body": "own"})).await;
        if mixed.status == 201 {
            assert_eq!(mixed.expect(201)["body"], "own", "a query never fills a body");
        }
    })
    .await;
}
