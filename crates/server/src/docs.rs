//! The documents: OpenAPI and AsyncAPI as JSON, and pages to read, made from them. No script,
//! nothing from the network.

use axum::{
    Json, Router,
    extract::Path,
    http::header,
    response::{Html, IntoResponse},
    routing::get,
};
use base::{Error, Kind};
use platform::{
    AppState,
    http::{Operation, Problem, Schemas, document},
    texts::{Language, Texts},
};
use serde_json::Value;
use std::{fmt::Write, sync::Arc};

pub fn router(operations: &[Operation], schemas: &Schemas, events: Value) -> Router<AppState> {
    let api = Arc::new(document(operations, schemas));
    let page = Arc::new(page(&api));
    let (events_page, events) = (Arc::new(events_page(&events)), Arc::new(events));
    Router::new()
        .route("/api/openapi.json", get(async move || Json(Value::clone(&api))))
        .route(
            "/api/asyncapi.json",
            get(async move || Json(Value::clone(&events))),
        )
        .route(
            "/docs/realtime",
            get(async move || Html(String::clone(&events_page))),
        )
        .route("/docs", get(async move || Html(String::clone(&page))))
        .route("/docs/style.css", get(style))
        .route("/docs/errors", get(async || Html(error_list())))
        .route("/docs/errors/{code}", get(error_page))
}

async fn style() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("../assets/docs.css"),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn frame(title: &str, content: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/docs/style.css\"></head>\
         <body><main>{content}</main></body></html>"
    )
}

fn page(api: &Value) -> String {
    let mut out = String::from("<h1>Mundo Tango API</h1>");
    let text = |value: &Value| escape(value.as_str().unwrap_or_default());
    let _ = write!(
        out,
        "<p class=\"soft\">{}</p><p><a href=\"/api/openapi.json\">openapi.json</a> · <a href=\"/docs/realtime\">real time</a> · <a href=\"/docs/errors\">errors</a></p>",
        text(&api["info"]["description"])
    );
    let mut tag = String::new();
    let paths = api["paths"].as_object().into_iter().flatten();
    let mut operations: Vec<_> = paths
        .flat_map(|(path, methods)| {
            methods
                .as_object()
                .into_iter()
                .flatten()
                .map(move |(method, op)| (path, method, op))
        })
        .collect();
    operations.sort_by_key(|(path, _, op)| (op["tags"][0].to_string(), path.len()));
    for (path, method, op) in operations {
        let own = text(&op["tags"][0]);
        if own != tag {
            let _ = write!(out, "<h2>{own}</h2>");
            tag = own;
        }
        let (path, summary, caller) = (escape(path), text(&op["summary"]), text(&op["x-caller"]));
        let _ = write!(
            out,
            "<details id=\"{}\"><summary><b>{method}</b><code>{path}</code><span>{summary}</span></summary><p class=\"soft\">For: {caller}</p>",
            text(&op["operationId"])
        );
        parameters(&mut out, op);
        if !op["requestBody"].is_null() {
            out.push_str("<p>Body</p>");
            schema(
                &mut out,
                api,
                &op["requestBody"]["content"]["application/json"]["schema"],
            );
        }
        for (status, answer) in op["responses"].as_object().into_iter().flatten() {
            let _ = write!(
                out,
                "<p><code>{status}</code> {}</p>",
                text(&answer["description"])
            );
            if status.starts_with('2') {
                schema(&mut out, api, &answer["content"]["application/json"]["schema"]);
            }
        }
        out.push_str("</details>");
    }
    frame("Mundo Tango API", &out)
}

/// Events in both directions, by slice.
fn events_page(api: &Value) -> String {
    let text = |value: &Value| escape(value.as_str().unwrap_or_default());
    let mut out = format!(
        "<h1>Mundo Tango, real time</h1><p class=\"soft\">{}</p>\
         <p><a href=\"/api/asyncapi.json\">asyncapi.json</a> · <a href=\"/docs\">HTTP</a></p>",
        text(&api["info"]["description"])
    );
    let message = |reference: &Value| {
        let key = reference["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next());
        &api["components"]["messages"][key.unwrap_or_default()]
    };
    let mut operations: Vec<&Value> = api["operations"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(_, operation)| operation)
        .collect();
    operations.sort_by_key(|op| (text(&op["tags"][0]["name"]), op["action"] == "send"));
    let mut tag = String::new();
    for op in operations {
        let own = text(&op["tags"][0]["name"]);
        if own != tag {
            let _ = write!(out, "<h2>{own}</h2>");
            tag = own;
        }
        let event = message(&op["messages"][0]);
        let kind = match event["x-direction"].as_str() {
            Some("inbound") => "say",
            Some("durable") => "hear",
            _ => "hear, may be missed",
        };
        let (name, summary) = (text(&event["name"]), text(&event["summary"]));
        let _ = write!(
            out,
            "<details id=\"{name}\"><summary><b>{kind}</b><code>{name}</code><span>{summary}</span></summary>\
             <p class=\"soft\">For: {}</p>",
            text(&event["x-whom"])
        );
        schema(&mut out, api, &event["payload"]);
        if !op["reply"].is_null() {
            out.push_str("<p>Ack</p>");
            schema(
                &mut out,
                api,
                &message(&op["reply"]["messages"][0])["payload"]["oneOf"][0]["allOf"][1],
            );
        }
        out.push_str("</details>");
    }
    frame("Mundo Tango, real time", &out)
}

fn parameters(out: &mut String, op: &Value) {
    let parameters = op["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if parameters.is_empty() {
        return;
    }
    out.push_str("<table><tr><th>Parameter</th><th>In</th><th>What</th></tr>");
    for parameter in parameters {
        let text = |name: &str| escape(parameter[name].as_str().unwrap_or_default());
        let _ = write!(
            out,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            text("name"),
            text("in"),
            text("description")
        );
    }
    out.push_str("</table>");
}

fn schema(out: &mut String, api: &Value, schema: &Value) {
    let name = schema["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next());
    let shown = name.map_or(schema, |name| &api["components"]["schemas"][name]);
    if shown.is_null() {
        return;
    }
    let text = serde_json::to_string_pretty(shown).unwrap_or_default();
    let _ = write!(out, "<pre>{}</pre>", escape(&text));
}

fn error_list() -> String {
    let texts = Texts::built_in();
    let mut out =
        String::from("<h1>Errors</h1><p class=\"soft\">Clients decide by <code>code</code>.</p><table>");
    for code in texts.codes() {
        let title = escape(&texts.title(Language::English, code));
        let _ = write!(
            out,
            "<tr><td><a href=\"/docs/errors/{code}\"><code>{code}</code></a></td><td>{title}</td></tr>"
        );
    }
    out.push_str("</table>");
    frame("Errors", &out)
}

async fn error_page(Path(code): Path<String>) -> Result<Html<String>, Problem> {
    let texts = Texts::built_in();
    if !texts.codes().contains(&code.as_str()) {
        return Err(Error::new(Kind::NotFound, "no_such_route").into());
    }
    let title = escape(&texts.title(Language::English, &code));
    let detail = escape(&texts.detail(Language::English, &code, None, &[]));
    let content = format!(
        "<p><a href=\"/docs/errors\">Errors</a></p><h1>{title}</h1><p><code>{code}</code></p><p>{detail}</p>"
    );
    Ok(Html(frame(&title, &content)))
}
