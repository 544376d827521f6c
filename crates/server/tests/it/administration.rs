//! What administrators do with accounts: approve, verify, find, grant, switch on.

use crate::{app_with, each_db, staff::give};
use accounts::Role;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, TestApp, TestUser};

async fn put(user: &TestUser, path: &str, body: Value) -> Answer {
    Answer::of(user.request(Method::PUT, path).json(&body)).await
}

async fn delete(user: &TestUser, path: &str, body: Value) -> Answer {
    Answer::of(user.request(Method::DELETE, path).json(&body)).await
}

async fn administrator(app: &TestApp, name: &str, role: Role) -> TestUser {
    let user = app.user(name).await;
    give(app, &user, role).await;
    user
}

fn usernames(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("a list").iter();
    items.map(|member| member["username"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn where_staff_approve_accounts_nobody_logs_in_before_they_did() {
    let app = app_with(&[("accounts.approval", "on")]).await;
    let register = |name: &str| {
        json!({"email": format!("{name}@example.test"), "password": "correct horse", "username": name,
               "display_name": name})
    };
    let log_in = |name: &str| json!({"email": format!("{name}@example.test"), "password": "correct horse"});
    for name in ["alma", "ana", "bruno"] {
        let answer = app.post("/api/v1/auth/register", register(name)).await;
        answer.refused(403, "awaiting_approval");
        app.post("/api/v1/auth/login", log_in(name))
            .await
            .refused(403, "awaiting_approval");
    }
    app.post("/api/v1/auth/register", register("ana"))
        .await
        .refused(409, "username_taken");
    let wrong = json!({"email": "ana@example.test", "password": "another horse"});
    app.post("/api/v1/auth/login", wrong)
        .await
        .refused(401, "wrong_credentials");

    // The first administrator comes by the machine.
    let find = "SELECT id FROM member WHERE username = 'alma'";
    let alma: accounts::MemberId = db::Executor::one(&app.app.db, find, vec![], |row| row.get(0))
        .await
        .unwrap()
        .unwrap();
    accounts::staff::grant(&app.app, accounts::staff::By::CommandLine, alma, Role::Admin)
        .await
        .unwrap();
    let by_hand = "UPDATE member SET status = 'active' WHERE username = 'alma'";
    app.app
        .db
        .write(move |tx| async move { tx.execute(by_hand, vec![]).await })
        .await
        .unwrap();
    let session = app.post("/api/v1/auth/login", log_in("alma")).await.expect(200);
    let token = session["access_token"].as_str().unwrap().to_owned();
    let call = async |method: Method, path: &str, body: Option<Value>| {
        let request = app
            .http
            .request(method, format!("{}/api/v1{path}", app.url))
            .bearer_auth(&token);
        Answer::of(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    };
    let waiting = call(Method::GET, "/staff/members?status=pending", None)
        .await
        .expect(200);
    assert_eq!(usernames(&waiting), ["bruno", "ana"]);
    let id = |n: usize| waiting["items"][n]["id"].as_str().unwrap().to_owned();
    let (bruno, ana) = (id(0), id(1));
    let approval = |member: &str| format!("/members/{member}/approval");
    let approve = json!({"approve": true, "reason": "known to us"});
    call(Method::PUT, &approval(&ana), Some(approve.clone()))
        .await
        .expect(204);
    call(Method::PUT, &approval(&ana), Some(approve.clone()))
        .await
        .refused(409, "not_pending");
    let reject = json!({"approve": false, "reason": "a machine"});
    call(Method::PUT, &approval(&bruno), Some(reject))
        .await
        .expect(204);
    app.post("/api/v1/auth/login", log_in("ana")).await.expect(200);
    app.post("/api/v1/auth/login", log_in("bruno"))
        .await
        .refused(403, "account_rejected");
    call(Method::PUT, &approval(&bruno), Some(approve))
        .await
        .expect(204);
    app.post("/api/v1/auth/login", log_in("bruno")).await.expect(200);
    let mails = app.mails().await;
    let told = |address: &str, subject: &str| {
        mails
            .iter()
            .filter(|mail| mail.to == address && mail.subject == subject)
            .count()
    };
    let (yes, no) = ("Welcome to Mundo Tango", "Your account was not approved");
    assert_eq!(
        (told("ana@example.test", yes), told("ana@example.test", no)),
        (1, 0)
    );
    assert_eq!(
        (told("bruno@example.test", yes), told("bruno@example.test", no)),
        (1, 1)
    );
    app.end().await;
}

#[tokio::test]
async fn staff_find_members_and_see_addresses_only_when_they_may_act_on_them() {
    each_db(async |app| {
        let alma = administrator(app, "Alma", Role::Admin).await;
        let vera = administrator(app, "Vera", Role::PlatformVolunteer).await;
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let suspension = json!({"reason": "rest", "days": 2});
        put(&alma, &format!("/members/{}/suspension", bruno.id), suspension)
            .await
            .expect(204);
        let find = async |user: &TestUser, query: &str| {
            user.get(&format!("/staff/members{query}")).await.expect(200)
        };
        assert_eq!(usernames(&find(&alma, "?q=AN").await), ["ana"]);
        assert_eq!(usernames(&find(&alma, "?q=bruno%40example").await), ["bruno"]);
        assert!(usernames(&find(&vera, "?q=bruno%40example").await).is_empty());
        let out = find(&alma, "?status=suspended").await;
        assert_eq!(
            (usernames(&out), &out["items"][0]["email"]),
            (vec!["bruno"], &json!("bruno@example.test"))
        );
        assert!(out["items"][0]["suspended_until"].is_string());
        assert_eq!(usernames(&find(&vera, "?role=admin").await), ["alma"]);
        assert_eq!(find(&vera, "?q=ana").await["items"][0]["email"], Value::Null);
        let first = find(&alma, "?limit=2").await;
        let rest = format!("?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
        assert_eq!(usernames(&find(&alma, &rest).await), ["vera", "alma"]);
        ana.get("/staff/members").await.refused(403, "forbidden");
        app.clock
            .advance(Duration::from_hours(48) + Duration::from_secs(1));
        app.run_worker("accounts.suspensions").await;
        let login = json!({"email": "bruno@example.test", "password": "correct horse"});
        app.post("/api/v1/auth/login", login).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn verification_and_tiers_are_given_with_a_reason_and_end() {
    each_db(async |app| {
        let root = administrator(app, "Root", Role::God).await;
        let ana = app.user("Ana").await;
        let verification = format!("/members/{}/verification", ana.id);
        put(&root, &verification, json!({"reason": "showed a passport"}))
            .await
            .expect(204);
        assert_eq!(ana.get("/me").await.expect(200)["is_verified"], true);
        delete(&root, &verification, json!({"reason": "it was another's"}))
            .await
            .expect(204);
        assert_eq!(ana.get("/me").await.expect(200)["is_verified"], false);
        let own = format!("/members/{}/verification", root.id);
        put(&root, &own, json!({"reason": "me"}))
            .await
            .refused(403, "own_account");

        let tier = format!("/members/{}/tier", ana.id);
        let past = json!({"tier": "basic", "ends_at": "2020-01-01T00:00:00Z", "reason": "x"});
        put(&root, &tier, past).await.expect(422);
        let new =
            json!({"tier": "professional", "ends_at": "2026-11-23T12:05:00Z", "reason": "teaches here"});
        put(&root, &tier, new).await.expect(200);
        assert_eq!(ana.get("/me").await.expect(200)["tier"], "professional");
        app.clock.advance(Duration::from_mins(6));
        assert_eq!(
            ana.get("/me").await.expect(200)["tier"],
            "free",
            "its time is over"
        );
        put(&root, &tier, json!({"tier": "basic", "reason": "for good"}))
            .await
            .expect(200);
        assert_eq!(
            root.get(&tier).await.expect(200),
            json!({"tier": "basic", "ends_at": null})
        );
        delete(&root, &tier, json!({"reason": "left"})).await.expect(204);
        assert_eq!(ana.get("/me").await.expect(200)["tier"], "free");
        let log = root.get("/audit").await.expect(200);
        let told: Vec<&str> = log["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["action"].as_str().unwrap())
            .collect();
        assert_eq!(
            told[..5],
            [
                "tier_ended",
                "tier_granted",
                "tier_granted",
                "verification_withdrawn",
                "member_verified"
            ]
        );
        ana.get(&tier).await.refused(403, "forbidden");
    })
    .await;
}

#[tokio::test]
async fn a_feature_is_on_by_role_or_by_percentage_from_the_next_call_on() {
    each_db(async |app| {
        let root = administrator(app, "Root", Role::God).await;
        let (vera, ana) = (
            administrator(app, "Vera", Role::PlatformVolunteer).await,
            app.user("Ana").await,
        );
        let on = async |user: &TestUser| user.get("/flags").await.expect(200)["flags"]["new_feed"].clone();
        assert_eq!(on(&ana).await, Value::Null);
        let set = |percent: u8| json!({"enabled": true, "percent": percent, "roles": ["platform_volunteer"]});
        put(&root, "/staff/flags/new_feed", set(0)).await.expect(200);
        assert_eq!((on(&vera).await, on(&ana).await), (json!(true), json!(false)));
        put(&root, "/staff/flags/new_feed", set(100)).await.expect(200);
        assert_eq!(on(&ana).await, true);
        put(&root, "/staff/flags/New Feed", set(1))
            .await
            .refused(404, "not_found");
        put(
            &root,
            "/staff/flags/new_feed",
            json!({"enabled": true, "percent": 101}),
        )
        .await
        .expect(422);
        assert_eq!(
            root.get("/staff/flags").await.expect(200)["items"][0]["percent"],
            100
        );
        root.delete("/staff/flags/new_feed").await.expect(204);
        assert_eq!(on(&ana).await, Value::Null);
        put(&ana, "/staff/flags/mine", set(100))
            .await
            .refused(403, "forbidden");
    })
    .await;
}
