//! Who may call what: the list, the page made from it, and every door tried.

use crate::each_db;
use accounts::Role;
use platform::http::{Caller, Operation};
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::Path, time::Duration};
use testkit::{Answer, TestApp, TestUser};

#[test]
fn the_matrix_changes_only_on_purpose() {
    let (operations, _) = server::router::table();
    let events = server::router::sockets().into_events();
    let page = server::access::document(&operations, events.table());
    let path = crate::foreign::root().join("docs/security/access.md");
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "{} is old: run make openapi", path.display());
}

/// The names behind `needle` in every source file of a crate that speaks over sockets.
fn names(needle: &str) -> BTreeSet<String> {
    fn walk(folder: &Path, needle: &str, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, needle, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            for rest in text.split(needle).skip(1) {
                found.extend(rest.split('"').next().map(str::to_owned));
            }
        }
    }
    let mut found = BTreeSet::new();
    for name in ["realtime", "community", "accounts", "observe"] {
        let sources = crate::foreign::root().join("crates").join(name).join("src");
        walk(&sources, needle, &mut found);
    }
    found
}

#[test]
fn every_push_in_the_code_is_registered() {
    let events = server::router::sockets().into_events();
    let registered: BTreeSet<_> = events.table().iter().map(|event| event.name.to_owned()).collect();
    assert_eq!(registered.len(), events.table().len(), "two events have one name");
    let pushes = names("const NAME: &'static str = \"");
    assert!(pushes.contains("post:new"), "{pushes:?}");
    let strangers: Vec<_> = pushes.difference(&registered).collect();
    assert!(strangers.is_empty(), "clients cannot know of {strangers:?}");
}

/// Somebody who tries doors: nobody, or a member with one role.
struct Visitor {
    role: Option<Role>,
    email: String,
    /// The answer to the last log-in, until a door may have ended that session.
    session: Option<Value>,
}

async fn visitors(app: &TestApp) -> Vec<Visitor> {
    let mut all = vec![Visitor {
        role: None,
        email: String::new(),
        session: None,
    }];
    for role in Role::ALL {
        let user = app.user(&format!("v_{role}")).await;
        if *role != Role::Free {
            crate::staff::give(app, &user, *role).await;
        }
        all.push(Visitor {
            role: Some(*role),
            email: format!("v_{role}@example.test"),
            session: None,
        });
    }
    all
}

/// The code of a refusal for who the caller is, if the answer is one.
fn refusal(answer: &Answer) -> Option<String> {
    // To HEAD no document is sent.
    if answer.status == 401 && answer.text.is_empty() {
        return Some("unauthenticated".to_owned());
    }
    let problem: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    let code = problem["code"].as_str().unwrap_or_default();
    let refused = matches!(
        (answer.status, code),
        (401, "unauthenticated") | (403, "forbidden" | "reauth_required")
    );
    refused.then(|| code.to_owned())
}

/// Knocks; with `stale`, long after the password was given.
async fn knock(app: &TestApp, visitor: &mut Visitor, operation: &Operation, stale: bool) -> Option<String> {
    let method: Method = operation.method.to_uppercase().parse().unwrap();
    let mut path = operation.path.to_owned();
    while let Some((start, rest)) = path.split_once('{') {
        path = format!("{start}x{}", rest.split_once('}').unwrap().1);
    }
    let mut request = app
        .http
        .request(method, format!("{}/api/v1{path}", app.url))
        // From elsewhere: on this machine everybody is an operator.
        .header("x-forwarded-for", "203.0.113.7");
    if visitor.role.is_some() {
        let mut session = if let Some(session) = visitor.session.take() {
            session
        } else {
            let given = json!({"email": visitor.email, "password": "correct horse"});
            app.post("/api/v1/auth/login", given).await.expect(200)
        };
        if stale {
            app.clock.advance(Duration::from_secs(601));
            let refresh =
                json!({"refresh_token": session["refresh_token"], "device_token": session["device_token"]});
            session = app.post("/api/v1/auth/refresh", refresh).await.expect(200);
        }
        request = request.bearer_auth(session["access_token"].as_str().unwrap());
        visitor.session = Some(session);
    }
    if operation.body.is_some() {
        request = request.json(&json!({}));
    }
    let refusal = refusal(&Answer::of(request).await);
    if stale || (refusal.is_none() && operation.method != "get") {
        visitor.session = None;
    }
    refusal
}

/// The pages beside the API, asked from elsewhere by each visitor.
async fn pages(app: &TestApp) {
    let analyst = app.user("Analyst").await;
    crate::staff::give(app, &analyst, Role::PlatformContributor).await;
    let member = app.user("Member").await;
    let asks = async |path: &str, user: Option<&TestUser>| {
        let mut request = app
            .http
            .get(format!("{}{path}", app.url))
            .header("x-forwarded-for", "203.0.113.7");
        if let Some(user) = user {
            request = request.bearer_auth(&user.token);
        }
        Answer::of(request).await.status
    };
    for (path, caller) in server::access::PAGES {
        for (user, is_operator) in [(None, false), (Some(&member), false), (Some(&analyst), true)] {
            let status = asks(path, user).await;
            let opens = match caller {
                // Without a build of the web app the door is open and the room empty.
                Some(Caller::Public) => ![401, 403].contains(&status),
                Some(_) if is_operator => status == 200,
                Some(_) => status == 403,
                None => status == 404,
            };
            assert!(opens, "{path}: {status}");
        }
    }
}

/// What the matrix says of the visitor at that door.
fn expected(visitor: &Visitor, operation: &Operation, stale: bool) -> Option<&'static str> {
    let caller = operation.caller.unwrap();
    match (visitor.role, caller) {
        (_, Caller::Public) => None,
        (None, Caller::Operator) => Some("forbidden"),
        (None, Caller::Member | Caller::Staff(_) | Caller::Moderator(_)) => Some("unauthenticated"),
        (Some(role), _) if !server::access::roles(caller).contains(&role) => Some("forbidden"),
        (Some(_), _) if stale && operation.fresh => Some("reauth_required"),
        (Some(_), _) => None,
    }
}

#[tokio::test]
async fn every_door_opens_for_whom_the_matrix_names_and_for_nobody_else() {
    each_db(async |app| {
        let (operations, _) = server::router::table();
        let mut tried = BTreeSet::new();
        for mut visitor in visitors(app).await {
            for operation in &operations {
                let met = knock(app, &mut visitor, operation, false).await;
                let wanted = expected(&visitor, operation, false);
                let door = format!("{} {} for {:?}", operation.method, operation.path, visitor.role);
                assert_eq!(met.as_deref(), wanted, "{door}");
                tried.insert((operation.caller.unwrap().as_str(), wanted.is_some()));
                if operation.fresh && visitor.role.is_some() {
                    let met = knock(app, &mut visitor, operation, true).await;
                    assert_eq!(
                        met.as_deref(),
                        expected(&visitor, operation, true),
                        "{door}, later"
                    );
                }
            }
        }
        pages(app).await;
        let tried: Vec<_> = tried.into_iter().collect();
        assert_eq!(
            tried,
            [
                ("member", false),
                ("member", true),
                ("moderator", false),
                ("moderator", true),
                ("operator", false),
                ("operator", true),
                ("public", false),
                ("staff", false),
                ("staff", true)
            ]
        );
    })
    .await;
}
