//! `/auth` and `/me`.

use crate::{
    Accounts, CurrentUser, Me,
    browser::{self, Client},
    members, ops,
    ops::Tokens,
};
use axum::http::HeaderMap;
use base::{Email, Kind, Line, Password, Username, error::unauthenticated, input};
use platform::{
    AppState,
    http::{Caller, ClientIp, Context, Created, Empty, Json, NoContent, Result, Routes},
    limits::Limit,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

pub fn routes() -> Routes {
    let limited = [Kind::RateLimited, Kind::Unauthenticated];
    Routes::new("accounts")
        .post(
            "/auth/register",
            "register",
            register,
            "Open an account and log in",
        )
        .by(Caller::Public)
        .refuses(&[Kind::Conflict, Kind::RateLimited])
        .post("/auth/login", "log_in", log_in, "Log in with e-mail and password")
        .by(Caller::Public)
        .refuses(&limited)
        .post(
            "/auth/refresh",
            "refresh",
            refresh,
            "Exchange a refresh token for a new pair",
        )
        .by(Caller::Public)
        .refuses(&limited)
        .post("/auth/logout", "log_out", log_out, "End this session")
        .get("/me", "me", me, "Who am I")
}

/// The word with which browsers and clients receive their tokens.
#[derive(Debug, Serialize, JsonSchema)]
struct SessionTokens {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Me>,
    access_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
    /// Not in browser mode, where it is a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// The secret of a new device; send it with later log-ins and refreshes.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

fn session(app: &AppState, client: &Client, user: Option<Me>, tokens: Tokens) -> (HeaderMap, SessionTokens) {
    let cookies = if client.is_browser {
        browser::cookies(app, &tokens.refresh, tokens.device.as_deref())
    } else {
        HeaderMap::new()
    };
    let shown = !client.is_browser;
    let session = SessionTokens {
        user,
        access_token: tokens.access,
        token_type: "Bearer",
        expires_in: Accounts::of(app).access.ttl_s(),
        refresh_token: shown.then_some(tokens.refresh),
        device_token: tokens.device.filter(|_| shown),
    };
    (cookies, session)
}

fn per(name: &'static str, count: u32, seconds: u64) -> Limit {
    Limit {
        name,
        count,
        period: Duration::from_secs(seconds),
    }
}

fn limit_group(app: &AppState, context: &Context, ip: ClientIp) -> base::Result<()> {
    let limit = per("auth", app.config.limits.auth_per_minute, 60);
    context.0.limited(app.limits.take(limit, ip))
}

input! {
    /// A new account.
    pub struct NewAccount {
        pub email: Email,
        pub password: Password,
        pub username: Username,
        /// The name others see.
        pub display_name: Line<1, 80>,
    }
}

async fn register(
    app: AppState,
    context: Context,
    ip: ClientIp,
    mut client: Client,
    Json(new): Json<NewAccount>,
) -> Result<(HeaderMap, Created<SessionTokens>)> {
    limit_group(&app, &context, ip)?;
    let limit = per("register", app.config.limits.register_per_hour, 3600);
    context.0.limited(app.limits.take(limit, ip))?;
    client.refresh_token = None;
    let account = ops::NewAccount {
        email: new.email,
        password: new.password,
        username: new.username,
        display_name: new.display_name.into(),
    };
    let (me, tokens) = ops::register(&app, account, &client).await?;
    let (cookies, session) = session(&app, &client, Some(me), tokens);
    Ok((cookies, Created::new(session)))
}

input! {
    /// E-mail, password and, for a device that is known, its secret.
    pub struct Credentials {
        pub email: Email,
        pub password: Password,
        pub device_token: Option<Line<1, 100>>,
    }
}

async fn log_in(
    app: AppState,
    context: Context,
    ip: ClientIp,
    mut client: Client,
    Json(given): Json<Credentials>,
) -> Result<(HeaderMap, Json<SessionTokens>)> {
    limit_group(&app, &context, ip)?;
    let limit = per("login", app.config.limits.login_per_5_minutes, 300);
    context.0.limited(app.limits.take(limit, (ip, &*given.email)))?;
    if !client.is_browser {
        client.device_token = given.device_token.map(String::from);
    }
    let (me, tokens) = ops::log_in(&app, &given.email, given.password, &client).await?;
    let (cookies, session) = session(&app, &client, Some(me), tokens);
    Ok((cookies, Json(session)))
}

input! {
    /// In browser mode both values are cookies and the body is `{}`.
    pub struct Refresh {
        pub refresh_token: Option<Line<1, 200>>,
        pub device_token: Option<Line<1, 100>>,
    }
}

async fn refresh(
    app: AppState,
    context: Context,
    client: Client,
    Json(given): Json<Refresh>,
) -> Result<(HeaderMap, Json<SessionTokens>)> {
    let (token, device) = if client.is_browser {
        (client.refresh_token.clone(), client.device_token.clone())
    } else {
        (
            given.refresh_token.map(String::from),
            given.device_token.map(String::from),
        )
    };
    let token = token.ok_or_else(|| unauthenticated("no_session"))?;
    let limit = per("refresh", app.config.limits.refresh_per_minute, 60);
    let session_part: String = token.chars().take(22).collect();
    context.0.limited(app.limits.take(limit, session_part))?;
    let tokens = ops::refresh(&app, &token, device.as_deref()).await?;
    let (cookies, session) = session(&app, &client, None, tokens);
    Ok((cookies, Json(session)))
}

async fn log_out(
    app: AppState,
    actor: CurrentUser,
    client: Client,
    Json(Empty {}): Json<Empty>,
) -> Result<(HeaderMap, NoContent)> {
    ops::log_out(&app, actor.id, actor.session).await?;
    let cookies = if client.is_browser {
        browser::forget(&app)
    } else {
        HeaderMap::new()
    };
    Ok((cookies, NoContent))
}

async fn me(app: AppState, actor: CurrentUser) -> Result<Json<Me>> {
    let me = members::find(&app.db, actor.id).await?;
    Ok(Json(me.ok_or_else(|| unauthenticated("session_revoked"))?))
}
