//! Joining, and finding each other.

use crate::each_db;
use serde_json::json;

#[tokio::test]
async fn somebody_joins_and_is_who_they_say() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let me = ana.get("/me").await.expect(200);
        assert_eq!(me["email"], "ana@example.test");
        assert_eq!(me["display_name"], "Ana");
        app.get("/api/v1/me").await.refused(401, "unauthenticated");
    })
    .await;
}

#[tokio::test]
async fn an_address_and_a_name_belong_to_one_account() {
    each_db(async |app| {
        app.user("Ana").await;
        let form = |email: &str, username: &str| {
            json!({"email": email, "password": "correct horse", "username": username, "display_name": "X"})
        };
        let taken = app.post("/api/v1/auth/register", form("Ana@example.test", "other")).await;
        let pointed = taken.refused(409, "email_taken")["errors"].clone();
        assert_eq!(
            pointed,
            json!([{"pointer": "/email", "code": "email_taken", "detail": "has an account already"}])
        );
        let taken = app.post("/api/v1/auth/register", form("other@example.test", "ANA")).await;
        let pointed = taken.refused(409, "username_taken")["errors"].clone();
        assert_eq!(
            pointed,
            json!([{"pointer": "/username", "code": "username_taken", "detail": "is taken"}])
        );
    })
    .await;
}

#[tokio::test]
async fn wrong_passwords_and_unknown_addresses_sound_the_same() {
    each_db(async |app| {
        app.user("Ana").await;
        let log_in = |email: &str| {
            app.post(
                "/api/v1/auth/login",
                json!({"email": email, "password": "wrong horse"}),
            )
        };
        let (known, unknown) = (
            log_in("ana@example.test").await,
            log_in("nobody@example.test").await,
        );
        let (known, unknown) = (
            known.refused(401, "wrong_credentials"),
            unknown.refused(401, "wrong_credentials"),
        );
        assert_eq!(known["detail"], unknown["detail"]);
        let right = json!({"email": "ana@example.test", "password": "correct horse"});
        app.post("/api/v1/auth/login", right).await.expect(200);
    })
    .await;
}
