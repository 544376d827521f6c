//! Errors as clients see them: RFC 9457 problem documents.

use super::context::RequestContext;
use crate::texts::Texts;
use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use base::{Error, Kind};
use serde_json::json;
use std::sync::Arc;

pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// An error on its way to the edge, which writes it down in the reader's language.
#[derive(Debug)]
pub struct Problem(pub Error);

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        Problem(error)
    }
}

/// What a response carries until the edge has written it.
#[derive(Clone)]
pub(super) struct Carried(pub Arc<Error>);

impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        let mut response = status(self.0.kind()).into_response();
        response.extensions_mut().insert(Carried(Arc::new(self.0)));
        response
    }
}

pub fn status_of(kind: Kind) -> u16 {
    status(kind).as_u16()
}

pub(super) fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Malformed => StatusCode::BAD_REQUEST,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::OutOfRange => StatusCode::RANGE_NOT_SATISFIABLE,
        Kind::Corrupted => StatusCode::from_u16(460).expect("a status has three digits"),
        Kind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The problem document of an error, in the language of the request.
pub(super) fn document(
    texts: &Texts,
    error: &Error,
    context: &RequestContext,
    docs: &str,
) -> serde_json::Value {
    let language = context.language;
    let errors: Vec<_> = error
        .fields()
        .iter()
        .map(|field| {
            json!({
                "pointer": field.pointer,
                "code": field.code,
                "detail": texts.field(language, field.code, &field.args),
            })
        })
        .collect();
    json!({
        "type": format!("{docs}/docs/errors/{}", error.code()),
        "title": texts.title(language, error.code()),
        "status": status(error.kind()).as_u16(),
        "detail": texts.detail(language, error.code(), error.noun(), error.args()),
        "code": error.code(),
        "request_id": context.id,
        "errors": errors,
    })
}

pub(super) fn render(texts: &Texts, error: &Error, context: &RequestContext, docs: &str) -> Response<Body> {
    let body = document(texts, error, context, docs).to_string();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status(error.kind());
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::CONTENT_LANGUAGE,
        HeaderValue::from_static(context.language.tag()),
    );
    if let Some(seconds) = error.retry_after_s() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.kind() == Kind::Unauthenticated {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
