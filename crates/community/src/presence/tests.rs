use crate::tests::each_db;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{SocketClient, TestApp, TestUser, eventually};

async fn connect(app: &TestApp, user: &TestUser) -> SocketClient {
    SocketClient::connect(&app.url, json!({"token": user.token})).await
}

async fn presence(reader: &TestUser, of: &TestUser) -> (Value, Value) {
    let seen = reader
        .get(&format!("/members/{}/presence", of.id))
        .await
        .expect(200);
    (seen["status"].clone(), seen["last_seen_at"].clone())
}

#[tokio::test]
async fn those_whom_a_member_follows_see_when_they_are_there() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        ana.put(&format!("/follows/{}", bruno.id)).await.expect(204);
        assert_eq!(presence(&bruno, &ana).await, (json!("offline"), Value::Null));

        let (phone, laptop) = (connect(app, &ana).await, connect(app, &ana).await);
        eventually(async || (presence(&bruno, &ana).await.0 == "online").then_some(())).await;
        assert_eq!(presence(&ana, &ana).await.0, "online");
        assert_eq!(presence(&carla, &ana).await, (json!("offline"), Value::Null));

        phone.call("presence:set", json!({"status": "away"})).await;
        assert_eq!(
            presence(&bruno, &ana).await.0,
            "online",
            "the laptop is looked at"
        );
        let all = laptop.call("presence:set", json!({"status": "away"})).await;
        assert_eq!(all["status"], "away");
        assert_eq!(presence(&bruno, &ana).await.0, "away");

        drop((phone, laptop));
        eventually(async || (presence(&bruno, &ana).await.0 == "offline").then_some(())).await;
        let (_, last_seen) = presence(&bruno, &ana).await;
        assert_eq!(last_seen, app.clock.now().to_string());
        app.run_worker("realtime.last_seen").await;
        app.clock.advance(Duration::from_mins(1));
        assert_eq!(presence(&bruno, &ana).await.1, last_seen);
        assert_eq!(presence(&carla, &ana).await.1, Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_member_chooses_who_may_see_them() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let asks = connect(app, &bruno).await;
        let _there = connect(app, &ana).await;
        let sees = async || {
            let answer = asks
                .call("presence:of", json!({"members": [ana.id, bruno.id]}))
                .await;
            let of = answer["members"].as_array().unwrap().clone();
            of.into_iter()
                .find(|member| member["member_id"] == *ana.id)
                .map(|member| member["status"].clone())
        };
        let choose = async |visibility: &str| {
            let chosen = ana.patch("/me/presence", json!({"visibility": visibility})).await;
            assert_eq!(chosen.expect(200)["visibility"], visibility);
        };
        assert_eq!(
            ana.get("/me/presence").await.expect(200)["visibility"],
            "contacts"
        );
        assert_eq!(sees().await, Some(json!("offline")));
        choose("everybody").await;
        eventually(async || (sees().await == Some(json!("online"))).then_some(())).await;
        choose("nobody").await;
        assert_eq!(sees().await, Some(json!("offline")));
        assert_eq!(presence(&ana, &ana).await.0, "offline", "not even oneself");
        choose("everybody").await;
        assert_eq!(sees().await, Some(json!("online")));
        let wrong = ana.patch("/me/presence", json!({"visibility": "friends"})).await;
        wrong.refused(422, "invalid");

        // Blocked, there is nobody of that name.
        ana.put(&format!("/blocks/{}", bruno.id)).await.expect(204);
        assert_eq!(sees().await, None);
        let path = format!("/members/{}/presence", ana.id);
        bruno.get(&path).await.refused(404, "not_found");
    })
    .await;
}
