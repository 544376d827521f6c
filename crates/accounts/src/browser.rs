//! Browser mode: the refresh token and the device's secret live in cookies
//! that scripts cannot read; `X-Client: web` asks for it.
//!
//! Cookies count on `/api/v1/auth/*` alone, and there only for requests that
//! this site's own pages sent.

use crate::{ops::Tokens, origin::Origin};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
};
use base::{Result, error::forbidden};
use platform::{
    App, AppState,
    http::{Describe, Operation, Problem, Schemas},
};
use serde_json::json;

const REFRESH: &str = "rt";
const DEVICE: &str = "did";
const YEAR_S: i64 = 365 * 24 * 3600;

/// How the caller wants its tokens, and the cookies it sent.
#[derive(Clone, Debug, Default)]
pub struct Client {
    pub is_browser: bool,
    pub refresh_token: Option<String>,
    pub device_token: Option<String>,
    pub(crate) origin: Origin,
}

impl FromRequestParts<AppState> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let origin = Origin::from_request_parts(parts, app).await?;
        let headers = &parts.headers;
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        if text("x-client") != "web" {
            return Ok(Client {
                origin,
                ..Client::default()
            });
        }
        let same_site = text("sec-fetch-site") == "same-origin" || text("origin") == app.config.public_url();
        if !same_site {
            return Err(forbidden("csrf").into());
        }
        Ok(Client {
            is_browser: true,
            refresh_token: cookie(headers, &cookie_name(app, REFRESH)),
            device_token: cookie(headers, &cookie_name(app, DEVICE)),
            origin,
        })
    }
}

impl Describe for Client {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.header(
            "X-Client",
            "`web`: tokens travel in cookies, for browsers. Other values change nothing.",
            json!({"type": "string"}),
        );
        operation.problem(base::Kind::Forbidden);
    }
}

/// `__Host-` cookies need https; plain http on localhost has names of its own.
fn cookie_name(app: &App, name: &str) -> String {
    if app.config.is_https() {
        format!("__Host-{name}")
    } else {
        format!("mundo-dev-{name}")
    }
}

/// A cookie by its exact name; sent twice it counts as not sent.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned());
    let value = values.next()?;
    values
        .next()
        .is_none()
        .then_some(value)
        .filter(|value| !value.is_empty())
}

/// Without an age the cookie goes when the browser closes.
fn set(app: &App, name: &str, value: &str, max_age_s: Option<i64>) -> (HeaderName, HeaderValue) {
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    let age = max_age_s.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
    let name = cookie_name(app, name);
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{age}{secure}");
    let value = HeaderValue::from_str(&cookie).expect("tokens are plain text");
    (header::SET_COOKIE, value)
}

/// The cookies of a new pair of tokens.
pub(crate) fn cookies(app: &App, tokens: &Tokens) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let life = app.config.accounts.absolute_days as i64 * 24 * 3600;
    let (name, value) = set(app, REFRESH, &tokens.refresh, tokens.remembered.then_some(life));
    headers.append(name, value);
    if let Some(device) = &tokens.device {
        let (name, value) = set(app, DEVICE, device, Some(YEAR_S));
        headers.append(name, value);
    }
    headers
}

/// Forgets the refresh token; the device stays known.
pub fn forget(app: &App) -> HeaderMap {
    let clear = HeaderValue::from_static("\"storage\"");
    HeaderMap::from_iter([
        set(app, REFRESH, "", Some(0)),
        (HeaderName::from_static("clear-site-data"), clear),
    ])
}
