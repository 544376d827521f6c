//! How many there are, and how that grows.

use crate::tests::{each_db, publish, staff};
use accounts::Role;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn staff_see_how_the_community_grows_day_by_day() {
    each_db(async |app| {
        let alma = staff(app, "Alma", Role::Admin).await;
        let ana = app.user("Ana").await;
        publish(app, &ana, "one").await;
        publish(app, &ana, "two").await;
        app.run_worker("statistics.count").await;
        app.clock.advance(Duration::from_hours(24));
        let login = json!({"email": "alma@example.test", "password": "correct horse"});
        let alma = alma.with(&app.post("/api/v1/auth/login", login).await.expect(200));
        let bruno = app.user("Bruno").await;
        publish(app, &bruno, "three").await;
        app.run_worker("accounts.activity").await;
        app.run_worker("statistics.count").await;

        let seen = alma.get("/statistics").await.expect(200);
        assert_eq!(
            (&seen["totals"]["members"], &seen["totals"]["posts"]),
            (&json!(3), &json!(3)),
            "{seen}"
        );
        assert_eq!(
            (&seen["today"]["members"], &seen["today"]["posts"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(seen["today"]["active"], 2, "Alma and Bruno");
        let days = alma.get("/statistics/days?days=2").await.expect(200);
        assert_eq!(
            (&days["items"][0]["day"], &days["items"][1]["day"]),
            (&json!("2026-11-24"), &json!("2026-11-23"))
        );
        assert_eq!(
            (
                &days["items"][1]["figures"]["members"],
                &days["items"][1]["figures"]["posts"]
            ),
            (&json!(2), &json!(2))
        );
        bruno.get("/statistics").await.refused(403, "forbidden");
    })
    .await;
}
