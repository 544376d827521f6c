//! Who calls: a handler that takes a [`CurrentUser`] serves members alone.

use crate::{Accounts, MemberId, Role, SessionId, sessions};
use axum::{extract::FromRequestParts, http::request::Parts};
use base::{Kind, Result, Timestamp, error::unauthenticated};
use platform::{
    App, AppState,
    http::{Caller, Context, Describe, Operation, Problem},
    limits::Limit,
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
}

/// Reads an access token, wherever it came from: a header or a socket's handshake.
pub async fn authenticate(app: &App, token: &str) -> Result<CurrentUser> {
    let verified = Accounts::of(app).access.verify(token, app.clock.now())?;
    let role = sessions::check(app, verified).await?;
    Ok(CurrentUser {
        id: verified.member,
        session: verified.session,
        role,
        expires_at: Timestamp::from_micros(verified.expires_s * 1_000_000),
    })
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
        let actor = authenticate(app, token).await?;
        let Context(context) = Context::from_request_parts(parts, app).await?;
        let limit = Limit {
            name: "member",
            count: app.config.limits.member_per_minute,
            period: Duration::from_mins(1),
        };
        context.limited(app.limits.take(limit, actor.id))?;
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
