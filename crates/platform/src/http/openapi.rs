//! The OpenAPI 3.1 document, made from the table of routes.

use super::{
    api::{Caller, Operation, Schemas},
    examples,
};
use crate::texts::Texts;
use serde_json::{Map, Value, json};

/// The document that `/api/openapi.json` answers.
pub fn document(operations: &[Operation], schemas: &Schemas) -> Value {
    let mut named = schemas.definitions();
    let mut paths = Map::new();
    for operation in operations {
        let path = paths
            .entry(format!("/api/v1{}", operation.path))
            .or_insert_with(|| json!({}));
        path[operation.method] = describe(operation, &named);
    }
    named.insert("Problem".to_owned(), problem());
    named.insert("FieldProblem".to_owned(), field_problem());
    named.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Mundo Tango",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The community of Argentine tango. Times are RFC 3339 in UTC, ids UUIDv7; lists come in \
                            pages; errors are problem documents (RFC 9457) that clients tell apart by `code`.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": named,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    })
}

fn describe(operation: &Operation, named: &Map<String, Value>) -> Value {
    let mut responses = Map::new();
    for (status, schema) in &operation.answers {
        let mut response = json!({"description": success(*status)});
        if let Some(schema) = schema {
            let example = examples::of(schema.as_value(), named, true);
            response["content"] = json!({"application/json": {"schema": schema, "example": example}});
        }
        responses.insert(status.to_string(), response);
    }
    for status in &operation.problems {
        responses.insert(status.to_string(), refusal(*status));
    }
    responses.insert("default".to_owned(), refusal(500));
    let mut value = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "x-caller": operation.caller.map(Caller::as_str),
        "responses": responses,
    });
    if operation.deprecated {
        value["deprecated"] = true.into();
    }
    if let Some(permission) = operation.caller.and_then(Caller::permission) {
        value["x-permission"] = permission.into();
    }
    if let Some(scope) = operation.scope {
        value["x-token-scope"] = scope.into();
    }
    if operation.fresh {
        value["x-fresh"] = true.into();
    }
    if !operation.parameters.is_empty() {
        value["parameters"] = operation.parameters.clone().into();
    }
    if let Some(body) = &operation.body {
        let example = examples::of(body.as_value(), named, false);
        value["requestBody"] = json!({
            "required": true,
            "content": {"application/json": {"schema": body, "example": example}},
        });
    }
    if operation.takes_bytes {
        value["requestBody"] = json!({"content": {"application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}}});
    }
    match operation.caller {
        Some(Caller::Member | Caller::Staff(_) | Caller::Moderator(_)) => {
            value["security"] = json!([{"bearer": []}]);
        }
        // This machine needs no token.
        Some(Caller::Operator) => value["security"] = json!([{"bearer": []}, {}]),
        Some(Caller::Public) | None => {}
    }
    value
}

fn success(status: u16) -> &'static str {
    match status {
        201 => "Created",
        202 => "Accepted",
        204 => "Done, nothing to say",
        _ => "OK",
    }
}

fn refusal(status: u16) -> Value {
    let about = match status {
        400 => "The request could not be read",
        401 => "No valid access token",
        403 => "Not allowed",
        404 => "Not there, or not for the caller",
        409 => "In conflict with what is there",
        412 => "Changed since the caller read it",
        413 => "Too large",
        415 => "Not a type that is taken here",
        416 => "No such range",
        422 => "Some values are not allowed",
        460 => "The bytes are not those of the checksum",
        429 => "Too many requests",
        503 => "Not now; try again",
        _ => "Any other problem",
    };
    json!({
        "description": about,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "An error (RFC 9457). Decide by `code`; `detail` is for people.",
        "required": ["type", "title", "status", "detail", "code", "request_id", "errors"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "code": {"type": "string", "examples": Texts::built_in().codes()},
            "request_id": {"type": "string"},
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldProblem"}},
        },
    })
}

fn field_problem() -> Value {
    json!({
        "type": "object",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": {"type": "string", "description": "JSON pointer into the body, or the parameter's name"},
            "code": {"type": "string"},
            "detail": {"type": "string"},
        },
    })
}
