//! What is known about a request from its first byte on.

use crate::{AppState, limits::Decision, texts::Language};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, Request, request::Parts},
};
use base::{Result, error::Error};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

tokio::task_local! {
    static REQUEST_ID: String;
}

/// The id of the request this task works for, when it works for one.
pub fn current_request_id() -> Option<String> {
    REQUEST_ID.try_with(Clone::clone).ok()
}

pub(super) async fn within_request<F: Future>(id: String, work: F) -> F::Output {
    REQUEST_ID.scope(id, work).await
}

/// Shared by the edge, the extractors and the handler of one request.
#[derive(Debug)]
pub struct RequestContext {
    pub id: String,
    pub language: Language,
    pub client: IpAddr,
    /// BLAKE3 of the body, once it was read.
    pub body_hash: OnceLock<[u8; 32]>,
    limit: Mutex<Option<Decision>>,
}

impl RequestContext {
    pub(super) fn new(app: &AppState, request: &Request<axum::body::Body>) -> RequestContext {
        let headers = request.headers();
        let id = text(headers, "x-request-id")
            .filter(|id| (1..=64).contains(&id.len()))
            .filter(|id| {
                id.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            })
            .map_or_else(|| app.ids.next::<uuid::Uuid>().to_string(), str::to_owned);
        let peer = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |info| info.0.ip());
        RequestContext {
            id,
            language: Language::of(text(headers, "accept-language")),
            client: client_address(app, peer.to_canonical(), headers),
            body_hash: OnceLock::new(),
            limit: Mutex::new(None),
        }
    }

    pub(super) fn of(parts: &Parts) -> Result<&Arc<RequestContext>> {
        parts
            .extensions
            .get()
            .ok_or_else(|| base::error::internal("the request did not pass the edge"))
    }

    /// Notes what a limit said, for the answer's headers. The tightest one is told.
    pub fn limited(&self, decision: Decision) -> Result<(), Error> {
        let mut limit = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        if limit.is_none_or(|known| decision.remaining < known.remaining) {
            *limit = Some(decision);
        }
        drop(limit);
        decision.into_result().map(drop)
    }

    pub(super) fn decision(&self) -> Option<Decision> {
        *self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right-most address of X-Forwarded-For that is not a proxy of ours.
fn client_address(app: &AppState, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let trusted = &app.config.server.trusted_proxies;
    if !trusted.contains(peer) {
        return peer;
    }
    headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|part| part.trim().parse::<IpAddr>().ok())
        .map(|address| address.to_canonical())
        .rfind(|address| !trusted.contains(*address))
        .unwrap_or(peer)
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

impl FromRequestParts<AppState> for AppState {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(
        _: &mut Parts,
        state: &AppState,
    ) -> std::result::Result<Self, Self::Rejection> {
        Ok(state.clone())
    }
}

/// The address the request came from, as limits count it: IPv6 by its /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientIp(pub IpAddr);

impl ClientIp {
    pub fn of(address: IpAddr) -> ClientIp {
        match address {
            IpAddr::V6(v6) => {
                let mut parts = v6.segments();
                parts[4..].fill(0);
                ClientIp(IpAddr::V6(parts.into()))
            }
            IpAddr::V4(_) => ClientIp(address),
        }
    }
}

impl FromRequestParts<AppState> for ClientIp {
    type Rejection = super::Problem;
    async fn from_request_parts(
        parts: &mut Parts,
        _: &AppState,
    ) -> std::result::Result<Self, Self::Rejection> {
        Ok(ClientIp::of(RequestContext::of(parts)?.client))
    }
}

/// The request's context, for an extractor or a handler that needs more of it.
#[derive(Clone, Debug)]
pub struct Context(pub Arc<RequestContext>);

impl FromRequestParts<AppState> for Context {
    type Rejection = super::Problem;
    async fn from_request_parts(
        parts: &mut Parts,
        _: &AppState,
    ) -> std::result::Result<Self, Self::Rejection> {
        Ok(Context(RequestContext::of(parts)?.clone()))
    }
}
