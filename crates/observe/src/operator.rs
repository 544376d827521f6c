//! Who may look behind the curtain.

use axum::{extract::FromRequestParts, http::request::Parts};
use base::{Kind, error::forbidden};
use platform::{
    AppState,
    http::{Caller, Context, Describe, Operation, Problem},
};

/// Somebody on this machine, or staff; everybody else is refused.
#[derive(Clone, Copy, Debug)]
pub struct Operator(());

/// Whether the caller is an [`Operator`], for answers that say more to one.
#[derive(Clone, Copy, Debug)]
pub struct MaybeOperator(pub bool);

/// Headers that proxies put on what they pass on: the caller is not on this machine.
const FORWARDED: [&str; 4] = ["x-forwarded-for", "x-forwarded-host", "forwarded", "x-real-ip"];

async fn is_operator(parts: &mut Parts, app: &AppState) -> Result<bool, Problem> {
    Ok(is_local(parts, app).await? || is_staff(parts, app))
}

async fn is_local(parts: &mut Parts, app: &AppState) -> Result<bool, Problem> {
    let Context(context) = Context::from_request_parts(parts, app).await?;
    let forwarded = FORWARDED.iter().any(|name| parts.headers.contains_key(*name));
    Ok(context.client.is_loopback() && !forwarded)
}

/// The seam for roles: `accounts` lies below this crate, so its extractor of the
/// current user can be asked here as soon as it knows staff.
fn is_staff(_parts: &Parts, _app: &AppState) -> bool {
    false
}

impl FromRequestParts<AppState> for Operator {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        if is_operator(parts, app).await? {
            Ok(Operator(()))
        } else {
            Err(forbidden("forbidden").into())
        }
    }
}

impl FromRequestParts<AppState> for MaybeOperator {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        is_operator(parts, app).await.map(MaybeOperator)
    }
}

impl Describe for Operator {
    fn describe(operation: &mut Operation, _: &mut platform::http::Schemas) {
        operation.caller = Some(Caller::Operator);
        operation.problem(Kind::Forbidden);
    }
}

impl Describe for MaybeOperator {}
