//! Staff: who gives which role to whom, who puts a member out, and how the first of them comes to be.

use crate::{
    app_with, each_db,
    support::{Server, UNHINDERED},
};
use accounts::{Activity, MemberId, Permission, Role, staff};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    process::Command,
    time::{Duration, Instant},
};
use testkit::{Answer, TestApp, TestUser};

fn id(user: &TestUser) -> MemberId {
    user.id.parse().expect("an id")
}

/// Gives a role as the command line does.
pub async fn give(app: &TestApp, user: &TestUser, role: Role) {
    let given = staff::grant(&app.app, staff::By::CommandLine, id(user), role).await;
    assert!(given.expect("the role is given"));
}

/// Somebody who logs in again, as after a while.
async fn log_in(app: &TestApp, user: &mut TestUser) {
    let given =
        json!({"email": format!("{}@example.test", user.name.to_lowercase()), "password": "correct horse"});
    let session = app.post("/api/v1/auth/login", given).await.expect(200);
    session["access_token"]
        .as_str()
        .unwrap()
        .clone_into(&mut user.token);
}

/// A member with a role, who has just logged in.
async fn member_with(app: &TestApp, name: &str, role: Role) -> TestUser {
    let user = app.user(name).await;
    give(app, &user, role).await;
    user
}

fn role_of(user: &TestUser, role: &str) -> String {
    format!("/members/{}/roles/{role}", user.id)
}

async fn act(user: &TestUser, method: Method, path: &str, body: Option<Value>) -> Answer {
    let request = user.request(method, path);
    Answer::of(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

async fn suspend(by: &TestUser, whom: &TestUser) -> Answer {
    let path = format!("/members/{}/suspension", whom.id);
    act(
        by,
        Method::PUT,
        &path,
        Some(json!({"reason": "sold fake tickets"})),
    )
    .await
}

async fn reinstate(by: &TestUser, whom: &TestUser) -> Answer {
    let path = format!("/members/{}/suspension", whom.id);
    act(
        by,
        Method::DELETE,
        &path,
        Some(json!({"reason": "it was a mistake"})),
    )
    .await
}

#[tokio::test]
async fn a_role_counts_from_the_next_call_on_and_is_gone_as_quickly() {
    each_db(async |app| {
        let (root, ana) = (member_with(app, "Root", Role::God).await, app.user("Ana").await);
        let me = ana.get("/me").await.expect(200);
        assert_eq!(me["roles"], json!(["free"]));
        let her_roles = format!("/members/{}/roles", root.id);
        ana.get(&her_roles).await.refused(403, "forbidden");
        for role in ["platform_volunteer", "premium"] {
            app.clock.advance(Duration::from_secs(1));
            root.put(&role_of(&ana, role)).await.expect(204);
            root.put(&role_of(&ana, role)).await.expect(204);
        }
        let me = ana.get("/me").await.expect(200);
        assert_eq!(me["roles"], json!(["premium", "platform_volunteer"]));
        let seen = ana.get(&her_roles).await.expect(200);
        assert_eq!(
            (&seen["level"], &seen["roles"][0]["role"]),
            (&json!(8), &json!("god"))
        );
        assert_eq!(seen["roles"][0]["granted_by"], Value::Null);
        assert_eq!(seen["permissions"].as_array().unwrap().len(), 13);
        let hers = root.get(&format!("/members/{}/roles", ana.id)).await.expect(200);
        assert_eq!(
            (&hers["level"], &hers["roles"][0]["granted_by"]),
            (&json!(6), &json!(root.id))
        );

        app.clock.advance(Duration::from_secs(1));
        root.delete(&role_of(&ana, "platform_volunteer"))
            .await
            .expect(204);
        ana.get(&her_roles).await.refused(403, "forbidden");
        root.delete(&role_of(&ana, "platform_volunteer"))
            .await
            .expect(204);

        let log = root.get("/audit").await.expect(200);
        let told: Vec<_> = log["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| {
                (
                    entry["actor"].as_str(),
                    entry["action"].as_str().unwrap(),
                    entry["subject"].as_str().unwrap(),
                    entry["detail"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (Some("root"), "role_revoked", "ana", "platform_volunteer"),
                (Some("root"), "role_granted", "ana", "premium"),
                (Some("root"), "role_granted", "ana", "platform_volunteer"),
                (None, "role_granted", "root", "god"),
            ],
            "what changed nothing is not told"
        );
    })
    .await;
}

#[tokio::test]
async fn roles_are_given_downwards_and_never_to_oneself() {
    each_db(async |app| {
        let (god, boss) = (
            member_with(app, "God", Role::God).await,
            member_with(app, "Boss", Role::SuperAdmin).await,
        );
        let (admin, ana) = (
            member_with(app, "Admin", Role::Admin).await,
            app.user("Ana").await,
        );
        admin
            .put(&role_of(&ana, "premium"))
            .await
            .refused(403, "forbidden");
        boss.put(&role_of(&ana, "super_admin"))
            .await
            .refused(403, "role_beyond_yours");
        boss.put(&role_of(&ana, "god"))
            .await
            .refused(403, "role_beyond_yours");
        boss.delete(&role_of(&god, "god"))
            .await
            .refused(403, "role_beyond_yours");
        boss.put(&role_of(&ana, "admin")).await.expect(204);
        boss.put(&role_of(&boss, "premium"))
            .await
            .refused(403, "own_account");
        god.delete(&role_of(&god, "god"))
            .await
            .refused(403, "own_account");
        god.put(&role_of(&ana, "free")).await.refused(409, "role_of_all");
        god.put(&role_of(&ana, "queen")).await.refused(404, "not_found");
        god.put("/members/01900000-0000-7000-8000-000000000000/roles/premium")
            .await
            .refused(404, "not_found");

        god.put(&role_of(&ana, "god")).await.expect(204);
        ana.delete(&role_of(&god, "god")).await.expect(204);
        god.put(&role_of(&boss, "god")).await.refused(403, "forbidden");
        let last = staff::revoke(&app.app, staff::By::CommandLine, id(&ana), Role::God).await;
        assert_eq!(last.unwrap_err().code(), "last_god");
        assert_eq!(
            ana.get("/me").await.expect(200)["roles"],
            json!(["admin", "god"]),
            "nothing was taken"
        );
    })
    .await;
}

#[tokio::test]
async fn two_gods_cannot_remove_each_other_at_once() {
    each_db(async |app| {
        let (eva, max) = (
            member_with(app, "Eva", Role::God).await,
            member_with(app, "Max", Role::God).await,
        );
        let (his, hers) = (role_of(&max, "god"), role_of(&eva, "god"));
        let (one, other) = tokio::join!(eva.delete(&his), max.delete(&hers));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 403], "{} {}", one.text, other.text);
        let gods = staff::list(&app.app.db).await.unwrap();
        assert_eq!(gods.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_role_is_changed_by_somebody_who_just_proved_who_they_are() {
    each_db(async |app| {
        let (mut root, ana) = (app.user("Root").await, app.user("Ana").await);
        give(app, &root, Role::God).await;
        app.clock.advance(Duration::from_secs(599));
        root.put(&role_of(&ana, "premium")).await.expect(204);
        app.clock.advance(Duration::from_secs(2));
        root.put(&role_of(&ana, "admin"))
            .await
            .refused(403, "reauth_required");
        root.delete(&role_of(&ana, "premium"))
            .await
            .refused(403, "reauth_required");
        // A fresh access token is not a fresh proof.
        let next = root
            .refresh(&root.refresh_token, Some(&root.device_token))
            .await
            .expect(200);
        next["access_token"].as_str().unwrap().clone_into(&mut root.token);
        root.put(&role_of(&ana, "admin"))
            .await
            .refused(403, "reauth_required");
        log_in(app, &mut root).await;
        root.put(&role_of(&ana, "admin")).await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn a_suspended_member_is_out_everywhere_until_reinstated() {
    each_db(async |app| {
        let (admin, mut ana) = (
            member_with(app, "Admin", Role::Admin).await,
            app.user("Ana").await,
        );
        ana.get("/me").await.expect(200);
        suspend(&admin, &ana).await.expect(204);
        suspend(&admin, &ana).await.expect(204);
        ana.get("/me").await.refused(403, "account_suspended");
        ana.refresh(&ana.refresh_token, Some(&ana.device_token))
            .await
            .refused(401, "session_revoked");
        let given = json!({"email": "ana@example.test", "password": "correct horse"});
        app.post("/api/v1/auth/login", given)
            .await
            .refused(403, "account_suspended");
        admin.get("/members/ana").await.refused(404, "not_found");

        app.clock.advance(Duration::from_secs(1));
        reinstate(&admin, &ana).await.expect(204);
        ana.get("/me").await.refused(401, "session_revoked");
        log_in(app, &mut ana).await;
        ana.get("/me").await.expect(200);
        let log = ana.get("/me/security-log").await.expect(200);
        let kinds: Vec<_> = log["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["kind"].as_str().unwrap())
            .collect();
        assert!(
            kinds.contains(&"suspended") && kinds.contains(&"reinstated"),
            "{kinds:?}"
        );

        let root = member_with(app, "Root", Role::SuperAdmin).await;
        admin.get("/audit").await.refused(403, "forbidden");
        let told = root.get("/audit").await.expect(200);
        let told: Vec<_> = told["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["subject"] == "ana")
            .map(|entry| {
                (
                    entry["action"].as_str().unwrap().to_owned(),
                    entry["detail"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        let pair = |action: &str, detail: &str| (action.to_owned(), detail.to_owned());
        assert_eq!(
            told,
            [
                pair("member_reinstated", "it was a mistake"),
                pair("member_suspended", "sold fake tickets")
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn open_sockets_hear_of_a_suspension_and_know_changed_rights() {
    each_db(async |app| {
        let (root, ana, bruno) = (
            member_with(app, "Root", Role::God).await,
            app.user("Ana").await,
            app.user("Bruno").await,
        );
        // What a socket asks with each message it takes.
        let connected = accounts::authenticate(&app.app, &ana.token, Activity::Background).await.unwrap();
        let may = async || {
            let actor = accounts::recheck(&app.app, connected, Activity::Background).await.unwrap();
            actor.roles.may(Permission::PostsModerate)
        };
        assert!(!may().await);
        root.put(&role_of(&ana, "platform_volunteer")).await.expect(204);
        assert!(may().await);
        root.delete(&role_of(&ana, "platform_volunteer")).await.expect(204);
        assert!(!may().await);

        let end = json!({
            "method": "PUT", "path": format!("/members/{}/suspension", ana.id), "token": root.token,
            "body": {"reason": "sold fake tickets"},
        });
        let context = json!({
            "token": ana.token, "other": bruno.token, "reason": "suspended", "end": end, "error": "account_suspended",
        });
        crate::realtime::client(app, "revoked", context).await;
    })
    .await;
}

#[tokio::test]
async fn nobody_suspends_themselves_or_somebody_above_them() {
    each_db(async |app| {
        let (admin, volunteer) = (
            member_with(app, "Admin", Role::Admin).await,
            member_with(app, "Vera", Role::PlatformVolunteer).await,
        );
        let (root, ana) = (member_with(app, "Root", Role::God).await, app.user("Ana").await);
        suspend(&volunteer, &ana).await.refused(403, "forbidden");
        suspend(&ana, &volunteer).await.refused(403, "forbidden");
        suspend(&admin, &admin).await.refused(403, "own_account");
        suspend(&admin, &root).await.refused(403, "outranked");
        let sessions = |user: &TestUser| format!("/members/{}/sessions", user.id);
        admin.delete(&sessions(&root)).await.refused(403, "outranked");
        suspend(&admin, &volunteer).await.expect(204);
        let empty = json!({"reason": "  "});
        act(
            &admin,
            Method::PUT,
            &format!("/members/{}/suspension", ana.id),
            Some(empty),
        )
        .await
        .refused(422, "invalid");
        let nobody = "/members/01900000-0000-7000-8000-000000000000/sessions";
        admin.delete(nobody).await.refused(404, "not_found");

        admin.delete(&sessions(&ana)).await.expect(204);
        ana.get("/me").await.refused(401, "session_revoked");
        root.get("/me").await.expect(200);
        let log = root.get("/audit").await.expect(200);
        let entry = &log["items"][0];
        assert_eq!(
            (&entry["action"], &entry["actor"]),
            (&json!("sessions_ended"), &json!("admin"))
        );
    })
    .await;
}

#[tokio::test]
async fn the_first_administrator_has_the_code_of_the_latest_start() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let send = |user: &TestUser, code: &str| {
            let user = user.clone();
            let body = json!({"code": code});
            async move { user.post("/auth/first-administrator", body).await }
        };
        let early = staff::first::offer(&app.app).await.unwrap().unwrap();
        let code = staff::first::offer(&app.app).await.unwrap().unwrap();
        send(&ana, &early).await.refused(403, "wrong_code");
        send(&ana, "nonsense").await.refused(403, "wrong_code");
        send(&ana, &code.to_lowercase().replace('-', " "))
            .await
            .expect(204);
        assert_eq!(ana.get("/me").await.expect(200)["roles"], json!(["god"]));
        send(&bruno, &code).await.refused(409, "administrator_exists");
        assert_eq!(staff::first::offer(&app.app).await.unwrap(), None);
        let log = ana.get("/audit").await.expect(200);
        assert_eq!(
            (&log["items"][0]["action"], &log["items"][0]["actor"]),
            (&json!("first_administrator"), &json!("ana"))
        );
    })
    .await;
}

#[tokio::test]
async fn a_code_is_void_once_somebody_was_made_administrator_otherwise() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let code = staff::first::offer(&app.app).await.unwrap().unwrap();
        give(app, &bruno, Role::SuperAdmin).await;
        ana.post("/auth/first-administrator", json!({"code": code}))
            .await
            .refused(409, "administrator_exists");
        let taken = staff::revoke(&app.app, staff::By::CommandLine, id(&bruno), Role::SuperAdmin).await;
        assert!(taken.unwrap());
        ana.post("/auth/first-administrator", json!({"code": code}))
            .await
            .refused(403, "wrong_code");
    })
    .await;
}

#[tokio::test]
async fn codes_are_tried_five_times_a_minute() {
    let app = app_with(&[("limits.enabled", "on")]).await;
    let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
    let code = staff::first::offer(&app.app).await.unwrap().unwrap();
    for _ in 0..5 {
        ana.post(
            "/auth/first-administrator",
            json!({"code": "0000-0000-0000-0000"}),
        )
        .await
        .refused(403, "wrong_code");
    }
    ana.post("/auth/first-administrator", json!({"code": code}))
        .await
        .refused(429, "rate_limited");
    bruno
        .post("/auth/first-administrator", json!({"code": code}))
        .await
        .expect(204);
    app.end().await;
}

#[tokio::test]
async fn staff_with_analytics_are_operators_from_elsewhere() {
    each_db(async |app| {
        let (analyst, volunteer) = (
            member_with(app, "Anna", Role::PlatformContributor).await,
            member_with(app, "Vera", Role::PlatformVolunteer).await,
        );
        let ask = async |token: Option<&str>, path: &str| {
            let mut request = app
                .http
                .get(format!("{}{path}", app.url))
                .header("x-forwarded-for", "203.0.113.7");
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            Answer::of(request).await
        };
        for path in ["/metrics", "/api/v1/metrics/performance"] {
            assert_eq!(ask(Some(&analyst.token), path).await.status, 200, "{path}");
            ask(Some(&volunteer.token), path).await.refused(403, "forbidden");
            ask(None, path).await.refused(403, "forbidden");
            ask(Some("nonsense"), path).await.refused(401, "unauthenticated");
        }
        let health = "/api/v1/health";
        assert!(ask(Some(&analyst.token), health).await.expect(200)["details"].is_object());
        for token in [None, Some(&*volunteer.token), Some("nonsense")] {
            assert_eq!(ask(token, health).await.expect(200).get("details"), None);
        }
    })
    .await;
}

/// `mundo staff …` on the data of a server.
fn mundo(server: &Server, args: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mundo"));
    command.args(args).arg("--data").arg(server.data()).env_clear();
    if let Some(url) = &server.database_url {
        command.env("DATABASE_URL", url);
    }
    let output = command.output().expect("the program runs");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.success(), said)
}

async fn beside_a_running_server(database_url: Option<String>) {
    let mut server = Server::new(database_url, &UNHINDERED);
    server.start().await;
    let said = server.log();
    let code = said
        .split("{\"code\": \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default()
        .to_owned();
    assert_eq!(code.len(), 32, "the start shows a code: {said}");
    let ana = server.member("ana").await;
    let roles = async || ana.get("/me").await.expect("an answer").body["roles"].clone();
    assert_eq!(roles().await, json!(["free"]));
    let (fine, said) = mundo(&server, &["staff", "grant", "Ana@example.test", "super_admin"]);
    assert!(
        fine && said.contains("ana@example.test is super_admin now."),
        "{said}"
    );
    let began = Instant::now();
    while roles().await != json!(["super_admin"]) {
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "the server does not hear of it"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let log = ana.get("/audit").await.expect("an answer");
    assert_eq!(log.body["items"][0]["actor_id"], Value::Null);
    let redeem = ana
        .request(Method::POST, "/auth/first-administrator")
        .json(&json!({"code": code}));
    assert_eq!(redeem.send().await.unwrap().status(), 409, "the code is void");

    let (fine, said) = mundo(&server, &["staff", "list"]);
    assert!(
        fine && said.contains("ana@example.test") && said.contains("super_admin"),
        "{said}"
    );
    let (fine, said) = mundo(&server, &["staff", "grant", "nobody@example.test", "admin"]);
    assert!(!fine && said.contains("nobody has an account"), "{said}");
    let (fine, said) = mundo(&server, &["staff", "grant", "ana@example.test", "queen"]);
    assert!(
        !fine && said.contains("the roles are premium, community_leader"),
        "{said}"
    );
    let (fine, said) = mundo(&server, &["staff", "grant", "ana@example.test", "god"]);
    assert!(fine, "{said}");
    let (fine, said) = mundo(&server, &["staff", "revoke", "ana@example.test", "god"]);
    assert!(!fine && said.contains("Nobody else is god"), "{said}");
    let (fine, said) = mundo(&server, &["staff", "revoke", "ana@example.test", "super_admin"]);
    assert!(fine && said.contains("is not super_admin any more"), "{said}");
    let (fine, said) = mundo(&server, &["audit", "verify"]);
    assert!(fine && said.contains("The audit log is whole."), "{said}");
    server.terminate().await;
    let (fine, said) = mundo(&server, &["audit", "verify"]);
    assert!(fine && said.contains("The audit log is whole."), "{said}");
    server.start().await;
    assert_eq!(
        server.log().matches("{\"code\": \"").count(),
        1,
        "with a god there is no code"
    );
}

#[tokio::test]
async fn the_command_line_works_beside_a_running_server_on_sqlite() {
    beside_a_running_server(None).await;
}

#[tokio::test]
async fn the_command_line_works_beside_a_running_server_on_postgres() {
    beside_a_running_server(Some(testkit::postgres_url().await)).await;
}
