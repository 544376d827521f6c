//! Who may look behind the curtain.

use accounts::{CurrentUser, Permission};
use axum::{extract::FromRequestParts, http::request::Parts};
use base::{Kind, error::forbidden};
use platform::{
    AppState,
    http::{Caller, Context, Describe, Operation, Problem},
};

/// Somebody on this machine, or a member whose roles permit platform analytics;
/// everybody else is refused.
#[derive(Clone, Copy, Debug)]
pub struct Operator(());

/// Whether the caller is an [`Operator`], for answers that say more to one.
#[derive(Clone, Copy, Debug)]
pub struct MaybeOperator(pub bool);

/// Headers that proxies put on what they pass on: the caller is not on this machine.
const FORWARDED: [&str; 4] = ["x-forwarded-for", "x-forwarded-host", "forwarded", "x-real-ip"];

async fn is_local(parts: &mut Parts, app: &AppState) -> Result<bool, Problem> {
    let Context(context) = Context::from_request_parts(parts, app).await?;
    let forwarded = FORWARDED.iter().any(|name| parts.headers.contains_key(*name));
    Ok(context.client.is_loopback() && !forwarded)
}

/// Somebody elsewhere who shows a token.
async fn staff(parts: &mut Parts, app: &AppState) -> Result<bool, Problem> {
    if !parts.headers.contains_key("authorization") {
        return Ok(false);
    }
    let caller = CurrentUser::from_request_parts(parts, app).await?;
    Ok(caller.roles.may(Permission::PlatformAnalytics))
}

impl FromRequestParts<AppState> for Operator {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        if is_local(parts, app).await? || staff(parts, app).await? {
            Ok(Operator(()))
        } else {
            Err(forbidden("forbidden").into())
        }
    }
}

impl FromRequestParts<AppState> for MaybeOperator {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        // A token that is worth nothing makes nobody less than the public.
        let known = is_local(parts, app).await? || staff(parts, app).await.unwrap_or(false);
        Ok(MaybeOperator(known))
    }
}

impl Describe for Operator {
    fn describe(operation: &mut Operation, _: &mut platform::http::Schemas) {
        operation.caller = Some(Caller::Operator);
        for kind in [Kind::Unauthenticated, Kind::Forbidden, Kind::RateLimited] {
            operation.problem(kind);
        }
    }
}

impl Describe for MaybeOperator {}
