//! Personal access tokens: what they open, and what they never open.

use crate::{
    app_with, each_db,
    foreign::{node, root},
    staff::give,
};
use accounts::Role;
use platform::http::Caller;
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    time::Duration,
};
use testkit::{Answer, TestApp, TestUser, eventually};

/// Makes a token and gives it with its id.
async fn token(user: &TestUser, scopes: &[&str]) -> (String, String) {
    let new = json!({"name": "my script", "scopes": scopes, "expires_in_days": 30});
    let made = user.post("/access-tokens", new).await.expect(201);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["token"]), text(&made["access_token"]["id"]))
}

/// The same member, as their script.
fn script(user: &TestUser, token: &str) -> TestUser {
    user.with(&json!({"access_token": token}))
}

#[tokio::test]
async fn a_token_opens_what_its_scopes_say_until_it_ends() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let (reading, id) = token(&ana, &["feed:read", "posts:read"]).await;
        assert!(reading.starts_with("mt_") && reading.len() == 46);
        let reader = script(&ana, &reading);
        let post = ana.post("/posts", json!({"body": "Hola"})).await.expect(201);
        let feed = reader.get("/feed").await.expect(200);
        assert_eq!(feed["items"][0]["id"], post["id"]);
        let refused = reader
            .post("/posts", json!({"body": "no"}))
            .await
            .refused(403, "scope_missing");
        assert!(
            refused["detail"].as_str().unwrap().contains("posts:write"),
            "{refused}"
        );
        let (writing, _) = token(&ana, &["posts:write"]).await;
        script(&ana, &writing)
            .post("/posts", json!({"body": "By a script"}))
            .await
            .expect(201);
        script(&ana, &writing)
            .get("/feed")
            .await
            .refused(403, "scope_missing");

        // It never touches the account, and makes no other.
        for path in ["/me", "/me/sessions", "/me/security-log", "/access-tokens"] {
            reader.get(path).await.refused(403, "no_tokens_here");
        }
        let new = json!({"name": "more", "scopes": ["posts:write"], "expires_in_days": 1});
        reader
            .post("/access-tokens", new.clone())
            .await
            .refused(403, "no_tokens_here");
        script(&ana, &format!("{}x", &reading[..45]))
            .get("/feed")
            .await
            .refused(401, "invalid_token");

        // Shown once: neither a list nor the database has it.
        let list = ana.get("/access-tokens").await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 2);
        assert!(!list.to_string().contains("mt_"));
        let used = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["id"] == *id)
            .unwrap();
        assert_eq!(
            (&used["name"], used["last_used_at"].is_string()),
            (&json!("my script"), true)
        );
        let entries = ana.get("/me/security-log").await.expect(200).to_string();
        assert!(entries.contains("token_created") && !entries.contains("mt_"));

        // Who proved long ago who they are makes none.
        app.clock.advance(Duration::from_mins(11));
        let later = ana.with(
            &ana.refresh(&ana.refresh_token, Some(&ana.device_token))
                .await
                .expect(200),
        );
        later
            .post("/access-tokens", new)
            .await
            .refused(403, "reauth_required");
        later.delete(&format!("/access-tokens/{id}")).await.expect(204);
        reader.get("/feed").await.refused(401, "invalid_token");
        let bruno = app.user("Bruno").await;
        let (_, others) = token(&bruno, &["feed:read"]).await;
        later
            .delete(&format!("/access-tokens/{others}"))
            .await
            .refused(404, "not_found");
        app.clock.advance(Duration::from_hours(31 * 24));
        script(&ana, &writing)
            .post("/posts", json!({"body": "late"}))
            .await
            .refused(401, "token_expired");
    })
    .await;
}

#[tokio::test]
async fn a_token_is_worth_nothing_where_its_member_is_stopped() {
    each_db(async |app| {
        let (ana, god) = (app.user("Ana").await, app.user("God").await);
        give(app, &god, Role::God).await;
        let (staffs, _) = token(&god, &["posts:read", "members:read"]).await;
        let path = format!("/members/{}/roles", ana.id);
        god.get(&path).await.expect(200);
        script(&god, &staffs)
            .get(&path)
            .await
            .refused(403, "no_tokens_here");
        let (text, _) = token(&ana, &["feed:read"]).await;
        let script = script(&ana, &text);
        script.get("/feed").await.expect(200);
        let reason = json!({"reason": "spam"});
        let suspend = god
            .request(Method::PUT, &format!("/members/{}/suspension", ana.id))
            .json(&reason);
        assert!(Answer::of(suspend).await.status < 300);
        script.get("/feed").await.refused(403, "account_suspended");
    })
    .await;
}

#[tokio::test]
async fn that_was_not_me_ends_what_a_thief_made() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let given = json!({"email": "ana@example.test", "password": "correct horse"});
        let thief = ana.with(&app.post("/api/v1/auth/login", given.clone()).await.expect(200));
        let (text, _) = token(&thief, &["feed:read"]).await;
        let new = json!({"url": "https://thief.example/", "events": ["post.created"]});
        let made = thief.post("/webhooks", new).await.expect(201);
        let path = format!("/webhooks/{}", made["webhook"]["id"].as_str().unwrap());
        let entries = ana.get("/me/security-log").await.expect(200).to_string();
        assert!(entries.contains("webhook_created") && entries.contains("thief.example"));

        let mails = app.mails().await;
        let (_, link) = mails[0].text.split_once("/not-me#").unwrap();
        let link = json!({"token": link.split_whitespace().next().unwrap()});
        app.post("/api/v1/auth/not-me", link).await.expect(204);
        script(&ana, &text)
            .get("/feed")
            .await
            .refused(401, "invalid_token");
        app.run_worker("webhooks.fan_out").await;
        let ana = ana.with(&app.post("/api/v1/auth/login", given).await.expect(200));
        let off = ana.get(&path).await.expect(200);
        assert_eq!(
            (&off["enabled"], &off["disabled_reason"]),
            (&json!(false), &json!("not_me"))
        );
    })
    .await;
}

/// Every route, with tokens of every scope and of every other scope.
#[tokio::test]
async fn every_route_wants_its_scope_or_takes_no_token() {
    let app = app_with(&[]).await;
    let (operations, _) = server::router::table();
    let known: Vec<&str> = accounts::access_tokens::Scope::ALL
        .iter()
        .map(|scope| scope.as_str())
        .collect();
    let ana = app.user("Ana").await;
    let (all, _) = token(&ana, &known).await;
    let mut wanted = std::collections::BTreeSet::new();
    for operation in &operations {
        let name = format!("{} {}", operation.method, operation.path);
        let mut path = operation.path.to_owned();
        while let Some((start, rest)) = path.split_once('{') {
            path = format!(
                "{start}01900000-0000-7000-8000-000000000000{}",
                rest.split_once('}').unwrap().1
            );
        }
        let ask = async |token: &str| {
            let method: Method = operation.method.to_uppercase().parse().unwrap();
            let request = script(&ana, token).request(method, &path).json(&json!({}));
            let answer = Answer::of(request).await;
            let problem: Value = serde_json::from_str(&answer.text).unwrap_or_default();
            (
                answer.status,
                problem["code"].as_str().unwrap_or_default().to_owned(),
            )
        };
        let said = ask(&all).await;
        match operation.scope {
            None if matches!(operation.caller, Some(Caller::Public | Caller::Operator)) => {}
            None => assert!(
                said.0 == 403 && (said.1 == "no_tokens_here" || operation.method == "head"),
                "{name}: {said:?}"
            ),
            Some(scope) => {
                assert!(
                    known.contains(&scope),
                    "{name}: {scope} is no scope that a token can have"
                );
                assert_eq!(operation.caller, Some(Caller::Member), "{name}");
                assert!(!operation.fresh, "{name} wants a proof");
                wanted.insert(scope);
                assert!(
                    said.0 != 401 && !["no_tokens_here", "scope_missing"].contains(&&*said.1),
                    "{name}: {said:?}"
                );
            }
        }
    }
    for scope in &known {
        assert!(wanted.contains(scope), "no route wants {scope}");
        let others: Vec<&str> = known.iter().copied().filter(|other| other != scope).collect();
        let (text, id) = token(&ana, &others).await;
        for operation in operations
            .iter()
            .filter(|operation| operation.scope == Some(*scope))
        {
            let path = operation.path.replace(['{', '}'], "");
            let method: Method = operation.method.to_uppercase().parse().unwrap();
            let answer = Answer::of(script(&ana, &text).request(method, &path)).await;
            assert_eq!(
                answer.status, 403,
                "{} {}: {}",
                operation.method, operation.path, answer.text
            );
        }
        ana.delete(&format!("/access-tokens/{id}")).await.expect(204);
    }
    app.end().await;
}

/// The automation, ended when dropped.
struct Automation {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    url: String,
}

impl Automation {
    fn start(app: &TestApp, token: &str) -> Automation {
        let mut child = node()
            .arg(root().join("crates/server/tests/node/consumer.mjs"))
            .args([&app.url, token])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().expect("its port").unwrap();
        Automation {
            child,
            lines,
            url: format!("http://127.0.0.1:{port}"),
        }
    }

    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().expect("a message").unwrap()).unwrap()
    }
}

impl Drop for Automation {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automation_hears_verifies_and_reads_back() {
    let app = app_with(&[("webhooks.allowed_networks", "127.0.0.0/8")]).await;
    // The stock library refuses messages that are five minutes old.
    let real = base::Clock::system().now();
    app.clock.advance(real.since(app.clock.now()));
    let ana = app.user("Ana").await;
    let (text, _) = token(&ana, &["posts:read", "webhooks:write"]).await;
    let mut automation = Automation::start(&app, &text);
    // The script makes its own webhook with its token.
    let new = json!({"url": format!("{}/hook", automation.url), "events": ["post.created"]});
    let made = script(&ana, &text).post("/webhooks", new).await.expect(201);
    let give = async |secret: &str| {
        let given = app
            .http
            .post(format!("{}/secret", automation.url))
            .body(secret.to_owned());
        assert_eq!(given.send().await.unwrap().status(), 204);
    };
    give(made["secret"].as_str().unwrap()).await;
    ana.post("/posts", json!({"body": "La yumba"})).await.expect(201);
    app.run_worker("webhooks.fan_out").await;
    app.app.supervisor.wake("tasks.run");
    let heard = automation.next();
    assert_eq!(
        heard,
        json!({"type": "post.created", "body": "La yumba", "read": "La yumba"})
    );

    // With another secret the same library refuses what we send.
    let given = app
        .http
        .post(format!("{}/secret", automation.url))
        .body("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    given.send().await.unwrap();
    ana.post("/posts", json!({"body": "Not for you"}))
        .await
        .expect(201);
    app.run_worker("webhooks.fan_out").await;
    app.app.supervisor.wake("tasks.run");
    assert!(automation.next()["refused"].is_string());
    let path = format!("/webhooks/{}/deliveries", made["webhook"]["id"].as_str().unwrap());
    eventually(async || {
        let log = ana.get(&path).await.expect(200);
        (log["items"][0]["last_status"] == 401).then_some(())
    })
    .await;
    app.end().await;
}
