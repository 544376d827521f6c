//! What is known about a request from its first byte on.

use super::client::client_address;
use crate::{AppState, communities, limits::Decision, texts::Language};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, Request, request::Parts},
};
use base::{Result, error::Error};
use db::CommunityId;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};
use tokio::time::Instant;

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
    /// Who calls, once that is known: a member's id.
    pub caller: OnceLock<uuid::Uuid>,
    limits: Mutex<Vec<Decision>>,
    fed: Mutex<Option<Instant>>,
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
            client: client_address(&app.config.server, peer, headers),
            body_hash: OnceLock::new(),
            caller: OnceLock::new(),
            limits: Mutex::default(),
            fed: Mutex::default(),
        }
    }

    pub(super) fn of(parts: &Parts) -> Result<&Arc<RequestContext>> {
        parts
            .extensions
            .get()
            .ok_or_else(|| base::error::internal("the request did not pass the edge"))
    }

    /// Notes what a limit said, for the answer's headers.
    pub fn limited(&self, decision: Decision) -> Result<(), Error> {
        self.note(decision);
        decision.into_result().map(drop)
    }

    /// The same for limits that were asked together; the longest wait is told.
    pub fn limited_all(&self, decisions: Vec<Decision>) -> Result<(), Error> {
        for decision in &decisions {
            self.note(*decision);
        }
        let longest = decisions.into_iter().max_by_key(|decision| decision.retry_after);
        longest.map_or(Ok(()), |decision| decision.into_result().map(drop))
    }

    /// What a limit said last is what counts.
    pub fn note(&self, decision: Decision) {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        match limits
            .iter_mut()
            .find(|known| known.limit.name == decision.limit.name)
        {
            Some(known) => *known = decision,
            None => limits.push(decision),
        }
    }

    /// Part of a long body has arrived: the time limit of the request begins anew.
    pub fn goes_on(&self) {
        *self.fed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub(super) fn last_fed(&self) -> Option<Instant> {
        *self.fed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What limits said, the tightest first.
    pub(super) fn decisions(&self) -> Vec<Decision> {
        let mut limits = std::mem::take(&mut *self.limits.lock().unwrap_or_else(PoisonError::into_inner));
        limits.sort_by_key(|decision| (std::cmp::Reverse(decision.retry_after), decision.remaining));
        limits
    }
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The app as the community sees it that the request speaks for.
impl FromRequestParts<AppState> for AppState {
    type Rejection = super::Problem;
    async fn from_request_parts(
        parts: &mut Parts,
        state: &AppState,
    ) -> std::result::Result<Self, Self::Rejection> {
        if let Some(community) = parts.extensions.get::<CommunityId>() {
            return Ok(state.within(*community));
        }
        let community = communities::of_request(state, parts).await?;
        parts.extensions.insert(community);
        Ok(state.within(community))
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
