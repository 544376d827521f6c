//! Who calls: a handler that takes a [`CurrentUser`] serves members alone.

use crate::{
    MemberId, Role, SessionId,
    access::Verified,
    keys,
    limits::Table,
    sessions::{self, Activity},
};
use axum::{extract::FromRequestParts, http::request::Parts};
use base::{
    Kind, Result, Timestamp,
    error::{forbidden, unauthenticated},
};
use platform::{
    App, AppState,
    http::{Caller, Context, Describe, Operation, Problem},
};
use std::time::Duration;

/// The member behind a valid access token of a living session.
#[derive(Clone, Copy, Debug)]
pub struct CurrentUser {
    pub id: MemberId,
    pub session: SessionId,
    pub role: Role,
    /// When the token ends.
    pub expires_at: Timestamp,
    /// When the member last gave a password or another proof.
    pub auth_time: Timestamp,
    /// What the token said.
    pub(crate) verified: Verified,
}

/// A [`CurrentUser`] who proved who they are within the last ten minutes: for
/// what a stolen access token must not do.
#[derive(Clone, Copy, Debug)]
pub struct Fresh(pub CurrentUser);

/// How long a proof is fresh.
const FRESH: Duration = Duration::from_mins(10);

/// Reads an access token, wherever it came from: a header or a socket's handshake.
pub async fn authenticate(app: &App, token: &str, activity: Activity) -> Result<CurrentUser> {
    let verified = keys::verified(app, token).await?;
    let role = sessions::check(app, verified, activity).await?;
    Ok(CurrentUser {
        id: verified.member,
        session: verified.session,
        role,
        expires_at: Timestamp::from_micros(verified.expires_s * 1_000_000),
        auth_time: Timestamp::from_micros(verified.auth_time * 1_000_000),
        verified,
    })
}

/// Asks again about somebody who was let in before: the session may have ended,
/// the rights may have changed. For sockets, with each message.
pub async fn recheck(app: &App, actor: CurrentUser, activity: Activity) -> Result<CurrentUser> {
    let role = sessions::check(app, actor.verified, activity).await?;
    Ok(CurrentUser { role, ..actor })
}

impl FromRequestParts<AppState> for CurrentUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let token = parts
            .headers
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| unauthenticated("unauthenticated"))?;
        let actor = authenticate(app, token, Activity::Call).await?;
        let Context(context) = Context::from_request_parts(parts, app).await?;
        let limit = Table::of(&app.config).member;
        context.limited(app.limits.take(limit, actor.id).await)?;
        Ok(actor)
    }
}

impl Describe for CurrentUser {
    fn describe(operation: &mut Operation, _: &mut platform::http::Schemas) {
        operation.caller = Some(Caller::Member);
        for kind in [Kind::Unauthenticated, Kind::Forbidden, Kind::RateLimited] {
            operation.problem(kind);
        }
    }
}

impl FromRequestParts<AppState> for Fresh {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let actor = CurrentUser::from_request_parts(parts, app).await?;
        if app.clock.now().since(actor.auth_time) > FRESH {
            return Err(forbidden("reauth_required").into());
        }
        Ok(Fresh(actor))
    }
}

impl Describe for Fresh {
    fn describe(operation: &mut Operation, schemas: &mut platform::http::Schemas) {
        CurrentUser::describe(operation, schemas);
    }
}
