//! What staff tell everybody.

use crate::tests::{each_db, staff};
use accounts::Role;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::TestUser;

async fn seen(user: &TestUser) -> Vec<String> {
    let page = user.get("/notices").await.expect(200);
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|notice| notice["title"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_notice_stands_from_its_beginning_to_its_end_or_until_it_is_dismissed() {
    each_db(async |app| {
        let (root, ana) = (staff(app, "Root", Role::God).await, app.user("Ana").await);
        let new = |title: &str, starts: &str, ends: &str| {
            json!({"level": "info", "title": title, "body": "Read this.", "starts_at": starts, "ends_at": ends})
        };
        let day = "2026-11-23T12:";
        let now = root.post("/staff/notices", new("Now", &format!("{day}00:00Z"), &format!("{day}08:00Z"))).await.expect(201);
        let later = new("Later", &format!("{day}05:00Z"), &format!("{day}08:00Z"));
        let later = root.post("/staff/notices", later).await.expect(201);
        root.post("/staff/notices", new("Past", &format!("{day}00:00Z"), &format!("{day}00:00Z"))).await.expect(422);
        ana.post("/staff/notices", json!({})).await.refused(403, "forbidden");
        assert_eq!(seen(&ana).await, ["Now"]);
        let dismissal = |notice: &Value| format!("/notices/{}/dismissal", notice["id"].as_str().unwrap());
        ana.put(&dismissal(&later)).await.refused(404, "not_found");
        app.clock.advance(Duration::from_mins(5));
        assert_eq!(seen(&ana).await, ["Later", "Now"]);
        ana.put(&dismissal(&later)).await.expect(204);
        ana.put(&dismissal(&later)).await.expect(204);
        assert_eq!((seen(&ana).await, seen(&root).await), (vec!["Now".to_owned()], vec!["Later".to_owned(), "Now".to_owned()]));
        root.delete(&format!("/staff/notices/{}", now["id"].as_str().unwrap())).await.expect(204);
        assert!(seen(&ana).await.is_empty());
        app.clock.advance(Duration::from_mins(4));
        assert!(seen(&root).await.is_empty());
        let log = root.get("/audit").await.expect(200);
        assert_eq!(log["items"][0]["action"], "notice_withdrawn");
    })
    .await;
}

#[tokio::test]
async fn a_notice_is_told_to_every_member_once() {
    each_db(async |app| {
        let root = staff(app, "Root", Role::God).await;
        let mut members = vec![];
        for name in ["Ana", "Bruno", "Zoe"] {
            members.push(app.user(name).await);
        }
        let new = json!({"level": "warning", "title": "We move tonight", "body": "Two hours.", "notify": true,
                         "ends_at": "2026-11-24T12:00:00Z"});
        root.post("/staff/notices", new).await.expect(201);
        app.run_worker("notices.tell").await;
        app.run_worker("notices.tell").await;
        for member in &members {
            let told = member.get("/notifications").await.expect(200);
            let told: Vec<&Value> = told["items"].as_array().unwrap().iter().collect();
            assert_eq!(told.len(), 1, "{told:?}");
            assert_eq!(
                (&told[0]["kind"], &told[0]["actors"]),
                (&json!("notice"), &json!([]))
            );
            assert!(
                told[0]["text"].as_str().unwrap().contains("We move tonight"),
                "{}",
                told[0]
            );
        }
    })
    .await;
}
