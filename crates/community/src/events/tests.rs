//! Announcing gatherings and answering them.

use crate::tests::each_db;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn events_are_announced_listed_by_city_and_answered() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let now = app.clock.now();
        let plans = |n: u64, city: &str, zone: &str| {
            let starts_at = now.plus(Duration::from_hours(n));
            json!({"title": format!("Milonga {n}"), "city": city, "starts_at": starts_at, "time_zone": zone})
        };
        for (n, city, zone) in [(1, "Berlin", "europe/berlin"), (2, "Roma", "Europe/Rome"), (3, "Berlin", "Europe/Berlin")] {
            let made = ana.post("/events", plans(n, city, zone)).await.expect(201);
            let path = format!("/events/{}", made["id"].as_str().unwrap());
            assert_eq!(ana.get(&path).await.expect(200), made);
        }
        let nowhere = ana.post("/events", plans(1, "Atlantis", "Europe/Atlantis")).await.refused(422, "invalid");
        assert_eq!(
            nowhere["errors"],
            json!([{"pointer": "/time_zone", "code": "unknown_time_zone", "detail": "is not a time zone that is known here"}])
        );
        let over = ana.post("/events", plans(0, "Roma", "Europe/Rome")).await.refused(422, "invalid");
        assert_eq!(over["errors"][0]["code"], "in_the_past");

        let first = ana.get("/events?city=Berlin&limit=1").await.expect(200);
        assert_eq!(first["items"][0]["title"], "Milonga 1");
        assert_eq!(first["items"][0]["time_zone"], "Europe/Berlin", "as the database spells it");
        let next = first["next_cursor"].as_str().unwrap();
        let second = ana.get(&format!("/events?city=Berlin&limit=1&cursor={next}")).await.expect(200);
        assert_eq!((&second["items"][0]["title"], &second["next_cursor"]), (&json!("Milonga 3"), &Value::Null));
        let path = format!("/events/{}", first["items"][0]["id"].as_str().unwrap());
        for (status, going) in [("going", 1), ("going", 1), ("interested", 0), ("going", 1), ("not_going", 0)] {
            let answer = ana.post(&format!("{path}/rsvps"), json!({"status": status})).await.expect(200);
            assert_eq!(answer, json!({"status": status, "going_count": going}));
        }
        assert_eq!(ana.get(&path).await.expect(200)["my_rsvp"], "not_going");
    })
    .await;
}
