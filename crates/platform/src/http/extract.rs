//! Checked input: what a handler receives has passed its rules.

use super::{Json, Problem, context::RequestContext, context::text};
use crate::AppState;
use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, RawPathParams},
    http::{Request, request::Parts},
};
use base::{
    Error, FieldError, Kind, Result,
    input::{Field, Input, checked, checked_value},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::str::FromStr;

impl<T: Input> FromRequest<AppState> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, app: &AppState) -> Result<Self, Problem> {
        let kind = text(request.headers(), "content-type").unwrap_or_default();
        if !kind
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .eq_ignore_ascii_case("application/json")
        {
            return Err(Error::new(Kind::UnsupportedMediaType, "unsupported_media_type").into());
        }
        let (parts, body) = request.into_parts();
        let bytes = read(body, app.config.server.body_limit_bytes).await?;
        let context = RequestContext::of(&parts)?;
        let _ = context.body_hash.set(*blake3::hash(&bytes).as_bytes());
        Ok(Json(parse(&bytes)?))
    }
}

async fn read(body: Body, limit: usize) -> Result<Bytes> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Error::new(Kind::TooLarge, "too_large").with("max", limit))
        }
        Err(error) => Err(Error::new(Kind::Malformed, "malformed_request").with("why", error)),
    }
}

/// What a body or a message says, checked.
pub(super) fn parse<T: Input>(bytes: &[u8]) -> Result<T> {
    match serde_json::from_slice(bytes) {
        Ok(parsed) if !is_list(bytes) => checked(parsed),
        _ => Err(why_not::<T>(bytes)),
    }
}

/// All that is read is an object, but serde takes the values of a list for its fields, one after another.
fn is_list(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'[')
}

/// Reads the bytes again, slowly, to say where they went wrong.
fn why_not<T: Input>(bytes: &[u8]) -> Error {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let outcome: Result<T, _> = serde_path_to_error::deserialize(&mut json);
    let (pointer, error) = match outcome {
        Ok(_) if is_list(bytes) && json.end().is_ok() => {
            return not_allowed(String::new(), "a list where an object is expected");
        }
        Ok(_) => return malformed("trailing characters"),
        Err(error) => (pointer(error.path()), error.into_inner()),
    };
    if error.is_data() {
        not_allowed(pointer, &error.to_string())
    } else {
        malformed(&error.to_string())
    }
}

fn malformed(why: &str) -> Error {
    Error::new(Kind::Malformed, "malformed_json").with("why", why)
}

fn not_allowed(pointer: String, why: &str) -> Error {
    // serde names the place behind the sentence; the pointer says it better.
    let why = why.split(" at line ").next().unwrap_or(why);
    let field = match why
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split('`').next())
    {
        Some(name) => FieldError {
            pointer: if pointer.ends_with(&format!("/{name}")) {
                pointer
            } else {
                format!("{pointer}/{name}")
            },
            code: "unknown_field",
            args: vec![],
        },
        None => FieldError {
            pointer,
            code: "invalid_value",
            args: vec![("why", why.to_owned())],
        },
    };
    Error::new(Kind::Invalid, "invalid").field(field)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}

/// A body that says nothing: `{}`.
pub use empty::Empty;
mod empty {
    base::input! {
        /// A request without content: an empty object.
        pub struct Empty {}
    }
}

/// Checked query parameters.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: Input> FromRequestParts<AppState> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = serde_urlencoded::Deserializer::new(form_pairs(query));
        let parsed: T = serde_path_to_error::deserialize(pairs).map_err(|error| {
            let place = pointer(error.path());
            not_allowed(place, &error.into_inner().to_string())
        })?;
        Ok(Query(checked(parsed)?))
    }
}

fn form_pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

/// The one parameter of the path.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: FromStr + Field> FromRequestParts<AppState> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let [value] = segments(parts, app).await?;
        Ok(Path(named(value)?))
    }
}

/// The two parameters of the path.
#[derive(Debug)]
pub struct PathPair<A, B>(pub A, pub B);

impl<A: FromStr + Field, B: FromStr + Field> FromRequestParts<AppState> for PathPair<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let [first, second] = segments(parts, app).await?;
        Ok(PathPair(named(first)?, named(second)?))
    }
}

async fn segments<const N: usize>(parts: &mut Parts, app: &AppState) -> Result<[String; N], Problem> {
    let params = RawPathParams::from_request_parts(parts, app)
        .await
        .map_err(|error| Error::new(Kind::Malformed, "malformed_request").with("why", error))?;
    let mut values = params.iter().map(|(_, value)| value.to_owned());
    Ok(std::array::from_fn(|_| values.next().unwrap_or_default()))
}

/// What cannot be an id names nothing.
fn named<T: FromStr + Field>(value: String) -> Result<T> {
    let value = value.parse().ok().and_then(checked_value);
    value.ok_or_else(|| base::error::not_found("page"))
}

/// `If-Match`: the version the caller has seen, if it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(pub Option<i64>);

impl IfMatch {
    /// Refuses a change of something that has changed since the caller read it.
    pub fn check(self, version: i64) -> Result<()> {
        match self.0 {
            Some(seen) if seen != version => Err(Error::new(Kind::Stale, "stale")),
            _ => Ok(()),
        }
    }
}

impl FromRequestParts<AppState> for IfMatch {
    type Rejection = Problem;

    /// A tag is `"version-hash"`; the version alone decides, so that a like in
    /// between does not stop an edit.
    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("if-match") else {
            return Ok(IfMatch(None));
        };
        let value = value.to_str().unwrap_or_default().trim();
        if value == "*" {
            return Ok(IfMatch(None));
        }
        let version = value
            .trim_matches('"')
            .split('-')
            .next()
            .and_then(|version| version.parse().ok());
        // A tag of another form can match nothing.
        Ok(IfMatch(Some(version.unwrap_or(-1))))
    }
}
