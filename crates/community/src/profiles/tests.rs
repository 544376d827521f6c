//! Finding each other.

use crate::tests::each_db;
use serde_json::json;

#[tokio::test]
async fn members_are_found_by_name_and_followed() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let found = bruno.get("/members?query=an").await.expect(200);
        assert_eq!(found["items"].as_array().unwrap().len(), 1);
        assert_eq!(found["items"][0]["username"], "ana");
        assert_eq!(found["items"][0]["followed_by_me"], false);
        let wildcard = bruno.get("/members?query=%25").await.expect(200);
        assert_eq!(wildcard["items"], json!([]), "a percent sign is a percent sign");

        for _ in 0..2 {
            bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        }
        let seen = bruno.get("/members/ana").await.expect(200);
        assert_eq!(
            (&seen["follower_count"], &seen["followed_by_me"]),
            (&json!(1), &json!(true))
        );
        let followers = ana.get("/follows/followers").await.expect(200);
        assert_eq!(followers["items"][0]["username"], "bruno");
        bruno.delete(&format!("/follows/{}", ana.id)).await.expect(204);
        let seen = bruno.get(&format!("/members/{}", ana.id)).await.expect(200);
        assert_eq!(
            (&seen["follower_count"], &seen["followed_by_me"]),
            (&json!(0), &json!(false))
        );

        bruno
            .put(&format!("/follows/{}", bruno.id))
            .await
            .refused(409, "cannot_follow_yourself");
        let nobody = "01900000-0000-7000-8000-000000000000";
        bruno
            .put(&format!("/follows/{nobody}"))
            .await
            .refused(404, "not_found");
        bruno.get("/members/nobody").await.refused(404, "not_found");
    })
    .await;
}
