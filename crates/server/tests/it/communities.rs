//! Two communities with data, and every door for reading tried from the one: nothing of the other
//! comes through.

use crate::each_db;
use accounts::Role;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use testkit::{Answer, TestApp, TestUser};

/// Says something in a member's name within a community.
pub async fn call(user: &TestUser, slug: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    let request = user.request(method, path).header("x-community", slug);
    Answer::of(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

/// Every id in an answer.
fn ids(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.len() == 36 && text.matches('-').count() == 4 => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| ids(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| ids(field, found)),
        _ => {}
    }
}

/// What one community holds: an id for each kind of path parameter, and all ids.
struct Held {
    named: BTreeMap<&'static str, String>,
    all: BTreeSet<String>,
}

/// Makes one of each thing within a community.
async fn fill(owner: &TestUser, friend: &TestUser, slug: &str) -> Held {
    let (mut named, mut all) = (BTreeMap::new(), BTreeSet::new());
    let mut keep = |name: &'static str, answer: Answer| {
        let made = answer.expect(201);
        ids(&made, &mut all);
        let id = made["id"].as_str().expect("an id").to_owned();
        named.insert(name, id.clone());
        id
    };
    let post =
        |path: String, body: Value| async move { call(owner, slug, Method::POST, &path, Some(body)).await };
    let body = json!({"body": format!("Only in {slug} #{slug}"), "place": {"name": slug}});
    let first = keep("post_id", post("/posts".to_owned(), body).await);
    keep(
        "comment_id",
        post(format!("/posts/{first}/comments"), json!({"body": slug})).await,
    );
    keep(
        "story_id",
        post("/stories".to_owned(), json!({"caption": slug})).await,
    );
    let group = json!({"name": format!("Group {slug}"), "kind": "interest", "visibility": "public"});
    keep("group_id", post("/groups".to_owned(), group).await);
    let event = json!({"title": format!("Event {slug}"), "city": slug, "starts_at": "2027-01-01T20:00:00Z",
                       "time_zone": "UTC"});
    keep("event_id", post("/events".to_owned(), event).await);
    let place = json!({"name": format!("Place {slug}"), "kind": "venue", "city": slug});
    keep("place_id", post("/places".to_owned(), place).await);
    let role = json!({"name": format!("Role {slug}"), "description": slug});
    keep("custom_role_id", post("/custom-roles".to_owned(), role).await);
    let room = call(
        owner,
        slug,
        Method::PUT,
        &format!("/rooms/direct/{}", friend.id),
        None,
    )
    .await
    .expect(200);
    let room_id = room["id"].as_str().unwrap().to_owned();
    keep(
        "message_id",
        post(format!("/rooms/{room_id}/messages"), json!({"body": slug})).await,
    );
    named.insert("room", room_id.clone());
    all.insert(room_id);
    for (path, method) in [
        (format!("/follows/{}", friend.id), Method::PUT),
        (format!("/saved/{first}"), Method::PUT),
    ] {
        call(owner, slug, method, &path, None).await.expect(204);
    }
    let report = json!({"subject_kind": "post", "subject_id": first, "reason": "other"});
    let made = call(friend, slug, Method::POST, "/reports", Some(report))
        .await
        .expect(201);
    all.insert(made["id"].as_str().unwrap().to_owned());
    // People are the same everywhere; here it is about what they did.
    for person in [owner, friend] {
        all.remove(&person.id);
    }
    Held { named, all }
}

/// The path with each parameter filled from what is held.
fn filled(path: &str, held: &Held, member: &str) -> String {
    let mut whole = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').expect("a closed brace");
        let value = match name {
            "member_id" | "member" => member,
            "community" => "porto",
            name => held
                .named
                .get(name)
                .map_or("01900000-0000-7000-8000-000000000000", String::as_str),
        };
        whole.push_str(before);
        whole.push_str(value);
        rest = after;
    }
    whole + rest
}

/// Makes a community with these members.
pub async fn found(root: &TestUser, slug: &str, members: &[&TestUser]) {
    let new = json!({"slug": slug, "name": slug, "is_open": true});
    root.post("/communities", new).await.expect(201);
    for member in members {
        member
            .put(&format!("/communities/{slug}/membership"))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn nothing_of_one_community_is_read_from_another() {
    each_db(async |app: &TestApp| {
        let root = app.user("Root").await;
        crate::staff::give(app, &root, Role::God).await;
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let (zoe, yves) = (app.user("Zoe").await, app.user("Yves").await);
        found(&root, "lisboa", &[&ana, &bruno]).await;
        found(&root, "porto", &[&zoe, &yves]).await;
        let (own, other) = (
            fill(&ana, &bruno, "lisboa").await,
            fill(&zoe, &yves, "porto").await,
        );
        for worker in [
            "search.index",
            "search.catch_up",
            "notifications.tell",
            "moderation.watch",
        ] {
            app.run_worker(worker).await;
        }
        let (operations, _) = server::router::table();
        let (mut asked, mut shown) = (0, BTreeSet::new());
        for operation in operations.iter().filter(|operation| operation.method == "get") {
            // Where everything of the other is asked for by its own id and name.
            let queries = [
                "",
                "?limit=100",
                "?q=porto",
                "?hashtag=porto",
                "?city=porto",
                "?view=all",
                "?order=ranked",
            ];
            let member = format!("?author_id={}", zoe.id);
            for query in queries.iter().copied().chain([member.as_str()]) {
                for (held, whose) in [(&other, &zoe), (&own, &ana)] {
                    let path = format!("{}{query}", filled(operation.path, held, &whose.id));
                    for slug in ["lisboa", "mundo-tango"] {
                        let answer = call(&ana, slug, Method::GET, &path, None).await;
                        asked += 1;
                        assert!(answer.status < 500, "{path}: {}", answer.text);
                        let parsed: Value = serde_json::from_str(&answer.text).unwrap_or_default();
                        let mut seen = BTreeSet::new();
                        ids(&parsed, &mut seen);
                        let strange: Vec<_> = seen.intersection(&other.all).collect();
                        assert!(
                            strange.is_empty(),
                            "{slug} {path} shows {strange:?}: {}",
                            answer.text
                        );
                        // Of all her communities she reads what she asks for in so many words, and what is hers.
                        let of_all = path.starts_with("/community-posts") || path.starts_with("/me/export");
                        assert!(
                            slug == "lisboa" || of_all || seen.is_disjoint(&own.all),
                            "the first community shows what is another's at {path}: {}",
                            answer.text
                        );
                        if slug == "lisboa" {
                            shown.extend(seen.intersection(&own.all).cloned());
                        }
                    }
                }
            }
        }
        assert!(asked > 1000, "{asked}");
        // A sweep that sees nothing proves nothing: her own community's things did come through.
        for name in [
            "post_id",
            "comment_id",
            "story_id",
            "group_id",
            "event_id",
            "place_id",
            "room",
            "message_id",
            "custom_role_id",
        ] {
            assert!(shown.contains(&own.named[name]), "nothing showed her own {name}");
        }
        // And whoever does not belong there is not let in at all.
        call(&ana, "porto", Method::GET, "/feed", None)
            .await
            .refused(403, "not_in_community");
    })
    .await;
}
