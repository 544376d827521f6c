//! Bytes that are no JSON: bodies read as they come, files answered whole or in part.

use super::{
    Problem,
    api::{Answer, Describe, Operation, Schemas},
    context::{RequestContext, text},
};
use crate::AppState;
use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts},
    http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use base::{Error, Kind, Result};
use futures_util::stream::{BoxStream, StreamExt};
use http_body_util::BodyStream;
use std::{ops::Range, sync::Arc};

/// A body that is read as it comes. Each piece gives the request its whole time limit again.
pub struct Incoming {
    pub headers: HeaderMap,
    body: BodyStream<Body>,
    context: Arc<RequestContext>,
}

impl FromRequest<AppState> for Incoming {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, _: &AppState) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let context = RequestContext::of(&parts)?.clone();
        Ok(Incoming {
            headers: parts.headers,
            body: BodyStream::new(body),
            context,
        })
    }
}

impl Incoming {
    /// The next piece; `None` at the end of the body, an error when the client went away.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        loop {
            let frame = match self.body.next().await? {
                Ok(frame) => frame,
                Err(error) => {
                    let broken = Error::new(Kind::Malformed, "malformed_request");
                    return Some(Err(broken.with("why", &error).cause(error)));
                }
            };
            self.context.goes_on();
            // Trailers are nobody's bytes.
            if let Ok(bytes) = frame.into_data() {
                return Some(Ok(bytes));
            }
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        text(&self.headers, name)
    }

    /// The media type of the body, without its parameters.
    pub fn content_type(&self) -> &str {
        let kind = self.header("content-type").unwrap_or_default();
        kind.split(';').next().unwrap_or_default().trim()
    }
}

impl Describe for Incoming {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.takes_input = true;
        operation.takes_bytes = true;
        for kind in [
            Kind::Malformed,
            Kind::TooLarge,
            Kind::UnsupportedMediaType,
            Kind::Invalid,
        ] {
            operation.problem(kind);
        }
    }
}

/// Headers of a request, for a protocol that speaks in them.
pub struct Headers(pub HeaderMap);

impl Headers {
    pub fn get(&self, name: &str) -> Option<&str> {
        text(&self.0, name)
    }
}

impl FromRequestParts<AppState> for Headers {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(
        parts: &mut Parts,
        _: &AppState,
    ) -> std::result::Result<Self, Self::Rejection> {
        Ok(Headers(parts.headers.clone()))
    }
}

impl Describe for Headers {}

/// 200 without a body: what there is to say stands in headers.
#[derive(Clone, Copy, Debug)]
pub struct Found;

impl IntoResponse for Found {
    fn into_response(self) -> Response {
        StatusCode::OK.into_response()
    }
}

impl Answer for Found {
    fn answer(operation: &mut Operation, _: &mut Schemas) {
        operation.answers.insert(200, None);
    }
}

/// Which part of a file is asked for (RFC 9110, section 14), if it is not all of it.
#[derive(Clone, Debug, Default)]
pub struct WantedRange {
    range: Option<String>,
    if_range: Option<String>,
}

impl FromRequestParts<AppState> for WantedRange {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(
        parts: &mut Parts,
        _: &AppState,
    ) -> std::result::Result<Self, Self::Rejection> {
        Ok(WantedRange {
            range: text(&parts.headers, "range").map(str::to_owned),
            if_range: text(&parts.headers, "if-range").map(str::to_owned),
        })
    }
}

impl Describe for WantedRange {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.header(
            "Range",
            "One range of bytes.",
            serde_json::json!({"type": "string"}),
        );
        operation.problem(Kind::OutOfRange);
    }
}

impl WantedRange {
    /// The range, where one was asked for and this is the file it was meant for. Several
    /// ranges, and units other than bytes, are answered with all of it, as the RFC allows.
    pub fn of(&self, length: u64, etag: &str) -> Result<Option<Range<u64>>> {
        if self.if_range.as_deref().is_some_and(|seen| seen != etag) {
            return Ok(None);
        }
        let Some(spec) = self
            .range
            .as_deref()
            .and_then(|range| range.strip_prefix("bytes="))
        else {
            return Ok(None);
        };
        let Some((first, last)) = spec.split_once('-').filter(|_| !spec.contains(',')) else {
            return Ok(None);
        };
        let (first, last) = (first.trim(), last.trim());
        let number = |text: &str| text.parse::<u64>().ok();
        let range = match (first.is_empty(), last.is_empty()) {
            (true, _) => number(last).map(|count| length.saturating_sub(count)..length),
            (false, true) => number(first).map(|first| first..length),
            (false, false) => number(first)
                .zip(number(last))
                .filter(|(first, last)| first <= last)
                .map(|(first, last)| first..last.saturating_add(1).min(length)),
        };
        match range {
            None => Ok(None),
            Some(range) if range.is_empty() => {
                Err(Error::new(Kind::OutOfRange, "range_not_satisfiable").with("length", length))
            }
            Some(range) => Ok(Some(range)),
        }
    }
}

/// Bytes of a member's, answered so that no browser runs them.
pub struct File {
    pub content_type: &'static str,
    /// What it is called where it is saved.
    pub name: String,
    pub length: u64,
    pub range: Option<Range<u64>>,
    pub etag: String,
    pub cache: String,
    /// The bytes of the range, or all of them.
    pub bytes: BoxStream<'static, Result<Bytes>>,
}

impl IntoResponse for File {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from_stream(self.bytes));
        let sent = self.range.clone().unwrap_or(0..self.length);
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        };
        set(header::CONTENT_TYPE, self.content_type);
        set(header::CONTENT_LENGTH, &(sent.end - sent.start).to_string());
        set(header::ACCEPT_RANGES, "bytes");
        set(header::ETAG, &self.etag);
        set(header::CACHE_CONTROL, &self.cache);
        // Should a browser ever take it for a page: one without scripts, frames, forms or an origin.
        set(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox; frame-ancestors 'none'",
        );
        set(
            header::CONTENT_DISPOSITION,
            &format!("inline; filename=\"{}\"", self.name),
        );
        if let Some(range) = self.range {
            set(
                header::CONTENT_RANGE,
                &format!("bytes {}-{}/{}", range.start, range.end - 1, self.length),
            );
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        response
    }
}

impl Answer for File {
    fn answer(operation: &mut Operation, _: &mut Schemas) {
        operation.answers.insert(200, None);
        operation.answers.insert(206, None);
    }
}

/// A JSON document that is written while it is read, to be saved as a file. Should it break off, no
/// reader takes what came for a whole document.
pub struct Download {
    /// What it is called where it is saved.
    pub name: String,
    pub bytes: BoxStream<'static, Result<Bytes>>,
}

impl IntoResponse for Download {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from_stream(self.bytes));
        let saved = format!("attachment; filename=\"{}\"", self.name);
        for (name, value) in [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "no-store"),
            (header::CONTENT_DISPOSITION, &saved),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

impl Answer for Download {
    fn answer(operation: &mut Operation, _: &mut Schemas) {
        let any = serde_json::json!({"type": "object", "additionalProperties": true});
        operation.answers.insert(200, any.try_into().ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, if_range: Option<&str>) -> Result<Option<Range<u64>>, u16> {
        let wanted = WantedRange {
            range: Some(range.to_owned()),
            if_range: if_range.map(str::to_owned),
        };
        let found = wanted.of(100, "\"a\"");
        found.map_err(|error| super::super::status_of(error.kind()))
    }

    #[test]
    fn a_range_is_cut_to_the_file() {
        assert_eq!(asked("bytes=0-9", None), Ok(Some(0..10)));
        assert_eq!(asked("bytes=90-", None), Ok(Some(90..100)));
        assert_eq!(asked("bytes=-5", None), Ok(Some(95..100)));
        assert_eq!(asked("bytes=-500", None), Ok(Some(0..100)));
        assert_eq!(asked("bytes=50-18446744073709551615", None), Ok(Some(50..100)));
    }

    #[test]
    fn what_is_beyond_the_file_is_refused_and_what_is_no_range_ignored() {
        assert_eq!(asked("bytes=100-", None), Err(416));
        assert_eq!(asked("bytes=-0", None), Err(416));
        for odd in [
            "bytes=9-0",
            "bytes=a-b",
            "bytes=0-1,5-6",
            "pages=1-2",
            "bytes=-",
            "bytes=1",
        ] {
            assert_eq!(asked(odd, None), Ok(None), "{odd}");
        }
    }

    #[test]
    fn a_range_of_another_file_gives_all_of_this_one() {
        assert_eq!(asked("bytes=0-9", Some("\"a\"")), Ok(Some(0..10)));
        assert_eq!(asked("bytes=0-9", Some("\"b\"")), Ok(None));
    }
}
