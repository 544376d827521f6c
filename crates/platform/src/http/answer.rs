//! What handlers answer.

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::io::Write;
use xxhash_rust::xxh3::xxh3_64;

/// A body: checked on the way in, JSON on the way out.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// Something that can be changed, with the number of its version.
pub trait Versioned {
    fn version(&self) -> i64;
}

/// An answer whose `ETag` names its version, for `If-Match`.
#[derive(Debug)]
pub struct Tagged<T>(pub T);

/// 201 with what was made.
#[derive(Debug)]
pub struct Created<T>(pub(super) Made<T>);

#[derive(Debug)]
pub(super) enum Made<T> {
    Now(T),
    /// The answer to the same request, given before.
    Before(String),
}

impl<T> Created<T> {
    pub fn new(value: T) -> Created<T> {
        Created(Made::Now(value))
    }
}

/// 202: taken, to be done later.
#[derive(Clone, Copy, Debug)]
pub struct Accepted;

/// 204.
#[derive(Clone, Copy, Debug)]
pub struct NoContent;

fn json(status: StatusCode, value: &impl Serialize, tag: impl FnOnce(u64, &mut Vec<u8>)) -> Response {
    let body = match serde_json::to_vec(value) {
        Ok(body) => body,
        Err(error) => return super::Problem(base::error::internal(error)).into_response(),
    };
    let mut etag = Vec::with_capacity(40);
    tag(xxh3_64(&body), &mut etag);
    let mut response = Response::new(Body::from(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(etag) = HeaderValue::from_bytes(&etag)
        && !etag.is_empty()
    {
        headers.insert(header::ETAG, etag);
    }
    response
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0, |hash, out| {
            let _ = write!(out, "W/\"{hash:016x}\"");
        })
    }
}

impl<T: Serialize + Versioned> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let version = self.0.version();
        json(StatusCode::OK, &self.0, |hash, out| {
            let _ = write!(out, "\"{version}-{hash:016x}\"");
        })
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        match self.0 {
            Made::Now(value) => json(StatusCode::CREATED, &value, |_, _| {}),
            Made::Before(body) => {
                let mut response = Response::new(Body::from(body));
                *response.status_mut() = StatusCode::CREATED;
                let headers = response.headers_mut();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
                response
            }
        }
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        StatusCode::ACCEPTED.into_response()
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}
