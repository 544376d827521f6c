//! Telling that something does harm.

use crate::tests::{each_db, publish};
use serde_json::json;
use testkit::TestApp;

#[tokio::test]
async fn what_one_sees_can_be_reported_once() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let post = publish(app, &ana, "Buy now").await;
        let comment = ana
            .post(&format!("/posts/{}/comments", post["id"].as_str().unwrap()), json!({"body": "Buy!"}))
            .await
            .expect(201);
        let story = ana.post("/stories", json!({"caption": "Buy!"})).await.expect(201);
        let room = ana.put(&format!("/rooms/direct/{}", bruno.id)).await.expect(200);
        let said = format!("/rooms/{}/messages", room["id"].as_str().unwrap());
        let message = ana.post(&said, json!({"body": "Buy!"})).await.expect(201);
        let place = json!({"name": "Buy here", "kind": "shop", "city": "Roma"});
        let place = ana.post("/places", place).await.expect(201);
        let report = |kind: &str, id: &serde_json::Value| {
            json!({"subject_kind": kind, "subject_id": id, "reason": "spam", "note": "again and again"})
        };
        for (kind, id) in [
            ("post", &post["id"]),
            ("comment", &comment["id"]),
            ("story", &story["id"]),
            ("message", &message["id"]),
            ("place", &place["id"]),
            ("member", &json!(ana.id)),
        ] {
            let made = bruno.post("/reports", report(kind, id)).await.expect(201);
            assert_eq!((&made["status"], &made["reason"]), (&json!("pending"), &json!("spam")));
            bruno.post("/reports", report(kind, id)).await.refused(409, "already_reported");
            ana.post("/reports", report(kind, id)).await.refused(409, "cannot_report_yourself");
        }
        let mine = bruno.get("/reports?limit=2").await.expect(200);
        assert_eq!(mine["items"].as_array().unwrap().len(), 2);
        assert!(mine["next_cursor"].is_string());
        assert_eq!(ana.get("/reports").await.expect(200)["items"], json!([]), "who is reported learns nothing");
        let hidden = ana.post("/posts", json!({"body": "x", "visibility": "private"})).await.expect(201);
        bruno.post("/reports", report("post", &hidden["id"])).await.refused(404, "not_found");
        let carla = app.user("Carla").await;
        carla.post("/reports", report("message", &message["id"])).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn nobody_reports_without_end() {
    let assembly = testkit::area(crate::routes, crate::sockets, crate::workers);
    let app = TestApp::start(
        &assembly,
        None,
        &[("limits.enabled", "on"), ("limits.reports_per_hour", "2")],
    )
    .await;
    let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
    for (n, status) in [(0, 201), (1, 201), (2, 429)] {
        let post = publish(&app, &ana, &format!("spam {n}")).await;
        let report = json!({"subject_kind": "post", "subject_id": post["id"], "reason": "spam"});
        assert_eq!(bruno.post("/reports", report).await.status, status);
    }
    app.end().await;
}
