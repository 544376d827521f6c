//! Over the whole table of routes: nothing without a caller, without checked
//! input, or that answers bad input with a fault.

use crate::each_db;
use platform::http::{Caller, document};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Answer;

#[test]
fn every_route_says_who_may_call_it_and_checks_what_it_takes() {
    let (operations, _) = server::router::table();
    assert!(operations.len() >= 20);
    let mut ids = std::collections::HashSet::new();
    for operation in &operations {
        let name = format!("{} {}", operation.method, operation.path);
        assert!(operation.caller.is_some(), "{name} does not say who may call it");
        assert!(
            !operation.summary.is_empty() && ids.insert(operation.id),
            "{name} needs a summary and an id of its own"
        );
        let takes_body = ["post", "patch"].contains(&operation.method);
        assert!(
            !takes_body || operation.takes_input,
            "{name} takes a body that nobody checks"
        );
        assert!(
            !operation.answers.is_empty(),
            "{name} does not say what it answers"
        );
    }
}

#[test]
fn the_api_document_changes_only_on_purpose() {
    let (operations, schemas) = server::router::table();
    let path = crate::foreign::root().join("docs/openapi.json");
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let written: Value = serde_json::from_str(&written).unwrap_or_default();
    assert!(
        written == json!(document(&operations, &schemas)),
        "{} is old: run make openapi and read what changed",
        path.display()
    );
}

#[test]
fn every_example_is_one() {
    let (operations, schemas) = server::router::table();
    let document = document(&operations, &schemas);
    let (mut shown, mut wrong) = (0, vec![]);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let answers = operation["responses"].as_object().unwrap().values();
            let contents = answers.chain([&operation["requestBody"]]);
            for content in contents.map(|part| &part["content"]["application/json"]) {
                let Some(schema) = content.get("schema") else {
                    continue;
                };
                let whole = json!({"allOf": [schema], "components": document["components"]});
                let validator = jsonschema::validator_for(&whole).expect("a schema");
                let problems = validator.iter_errors(&content["example"]);
                wrong.extend(
                    problems
                        .map(|problem| format!("{method} {path}: {problem} at {}", problem.instance_path())),
                );
                shown += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(shown > operations.len() / 2);
}

#[test]
fn the_document_of_the_sockets_changes_only_on_purpose() {
    let path = crate::foreign::root().join("docs/asyncapi.json");
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let written: Value = serde_json::from_str(&written).unwrap_or_default();
    let events = server::router::sockets().into_events();
    assert!(
        written == realtime::asyncapi(&events),
        "{} is old: run make openapi and read what changed",
        path.display()
    );
    for event in events.table() {
        assert!(
            !event.summary.is_empty() && !event.whom.is_empty(),
            "{}",
            event.name
        );
        let (noun, verb) = event.name.split_once(':').unwrap_or_default();
        assert!(
            !noun.is_empty() && !verb.is_empty(),
            "{} is no noun:verb",
            event.name
        );
    }
}

/// Values that no field of ours takes, in every place.
fn nasty() -> Vec<Value> {
    vec![
        Value::Null,
        json!([]),
        json!({}),
        json!(-1),
        json!(1e308),
        json!(123_456_789_012_345_678_901_234_567_890_f64),
        json!("\u{0}"),
        json!("x".repeat(20_000)),
        json!("'; DROP TABLE member; --"),
        json!({"$ne": null}),
    ]
}

#[tokio::test]
async fn bad_input_is_a_refusal_and_never_a_fault() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        // Who may do everything meets every check.
        crate::staff::give(app, &ana, accounts::Role::God).await;
        let (operations, _) = server::router::table();
        let api = app.get("/api/openapi.json").await.expect(200);
        for operation in operations.iter().filter(|operation| operation.id != "log_out") {
            let method: Method = operation.method.to_uppercase().parse().unwrap();
            for id in ["01900000-0000-7000-8000-000000000000", "%00", "%FF", "..%2f", "x'--"] {
                let mut path = operation.path.to_owned();
                while let Some((start, rest)) = path.split_once('{') {
                    path = format!("{start}{id}{}", rest.split_once('}').unwrap().1);
                }
                let mut requests = vec![ana.request(method.clone(), &path)];
                if operation.body.is_some() {
                    let schema = &api["paths"][format!("/api/v1{}", operation.path)][operation.method]["requestBody"]["content"]["application/json"]["schema"];
                    let name = schema["$ref"].as_str().unwrap_or_default().rsplit('/').next().unwrap();
                    let fields = api["components"]["schemas"][name]["properties"].as_object().cloned().unwrap_or_default();
                    for value in nasty() {
                        requests.push(ana.request(method.clone(), &path).json(&value));
                        for field in fields.keys() {
                            requests.push(ana.request(method.clone(), &path).json(&json!({field: value})));
                        }
                    }
                }
                for bad in ["?limit=0", "?limit=99999999999999999999", "?cursor=%00", "?cursor=%FF%FE", "?nothing=1", "?limit=1&limit=2"] {
                    if method == Method::GET {
                        requests.push(ana.request(method.clone(), &format!("{path}{bad}")));
                    }
                }
                for request in requests {
                    let answer = Answer::of(request).await;
                    assert!(answer.status < 500, "{} {path}: {} {}", operation.method, answer.status, answer.text);
                    if answer.status >= 400 {
                        assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.text);
                    }
                }
                if !operation.path.contains('{') {
                    break;
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn members_only_means_members_only() {
    each_db(async |app| {
        let (operations, _) = server::router::table();
        let mut members_only = 0;
        for operation in operations.iter().filter(|operation| {
            matches!(
                operation.caller,
                Some(Caller::Member | Caller::Staff(_) | Caller::Moderator(_))
            )
        }) {
            members_only += 1;
            let method: Method = operation.method.to_uppercase().parse().unwrap();
            let path = operation
                .path
                .replace("{post_id}", "x")
                .replace("{member_id}", "x");
            for token in ["", "Bearer nonsense", "Basic YTpi"] {
                let request = app
                    .http
                    .request(method.clone(), format!("{}/api/v1{path}", app.url))
                    .header("authorization", token);
                let answer = Answer::of(request.json(&json!({}))).await;
                if method == Method::HEAD {
                    assert_eq!(answer.status, 401, "{}", operation.path);
                } else {
                    answer.refused(401, "unauthenticated");
                }
            }
        }
        assert!(members_only > 10);
    })
    .await;
}
