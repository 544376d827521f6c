//! `/auth` and `/me`.

use crate::{
    Accounts, CurrentUser, Me,
    actor::{Fresh, Visitor},
    browser::{self, Client},
    limits, members, ops,
    ops::Tokens,
    origin::Origin,
    passwords, security_log,
    sessions::{self, refresh_tokens},
};
use axum::http::HeaderMap;
use base::{Email, Kind, Line, Password, Username, error::unauthenticated, input};
use platform::{
    AppState,
    http::{Caller, ClientIp, Context, Created, Empty, Json, NoContent, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

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
        .refuses(&[Kind::Conflict, Kind::RateLimited, Kind::Forbidden])
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
        .post(
            "/auth/reauthenticate",
            "reauthenticate",
            reauthenticate,
            "Prove again who is there",
        )
        .post(
            "/auth/password",
            "change_password",
            change_password,
            "Set a new password; all other sessions end",
        )
        .post(
            "/auth/email",
            "change_email",
            change_email,
            "Move the account to another e-mail address",
        )
        .refuses(&[Kind::Conflict])
        .post(
            "/auth/not-me",
            "not_me",
            not_me,
            "Say that a log-in was not mine: all sessions end",
        )
        .by(Caller::Public)
        .refuses(&[Kind::RateLimited])
        .get("/me", "me", me, "Who am I")
        .merge(sessions::http::routes())
        .merge(security_log::http::routes())
        .merge(passwords::http::routes())
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
        browser::cookies(app, &tokens)
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
    Context(context): Context,
    ip: ClientIp,
    mut client: Client,
    Json(new): Json<NewAccount>,
) -> Result<(HeaderMap, Created<SessionTokens>)> {
    limits::register(&app, &context, ip).await?;
    client.refresh_token = None;
    let account = ops::NewAccount {
        email: new.email,
        password: new.password,
        username: new.username,
        display_name: new.display_name.into(),
        language: context.language,
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
        /// False: the session ends two hours after its last use, and after a day.
        #[serde(default = "yes")]
        pub remember: bool,
    }
}

fn yes() -> bool {
    true
}

async fn log_in(
    app: AppState,
    Context(context): Context,
    ip: ClientIp,
    mut client: Client,
    Json(given): Json<Credentials>,
) -> Result<(HeaderMap, Json<SessionTokens>)> {
    if !client.is_browser {
        client.device_token = given.device_token.map(String::from);
    }
    let device = client.device_token.as_deref();
    let guess = limits::log_in(&app, &context, ip, &given.email, device).await?;
    let outcome = ops::log_in(&app, &given.email, given.password, &client, given.remember).await;
    guess.ended(&app, &context, &outcome).await;
    let (me, tokens) = outcome?;
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
    Context(context): Context,
    ip: ClientIp,
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
    let counted = limits::refresh(&app, &context, ip, &token).await?;
    let outcome = refresh_tokens(&app, &token, device.as_deref(), client.origin.clone()).await;
    counted.ended(&app, &context, &outcome).await;
    let tokens = outcome?;
    let (cookies, session) = session(&app, &client, None, tokens);
    Ok((cookies, Json(session)))
}

async fn log_out(
    app: AppState,
    Visitor(actor): Visitor,
    client: Client,
    Json(Empty {}): Json<Empty>,
) -> Result<(HeaderMap, NoContent)> {
    let is_browser = client.is_browser;
    ops::log_out(&app, &actor, client.origin).await?;
    let cookies = if is_browser {
        browser::forget(&app)
    } else {
        HeaderMap::new()
    };
    Ok((cookies, NoContent))
}

input! {
    /// The caller's password.
    pub struct Proof {
        pub password: Password,
    }
}

async fn reauthenticate(
    app: AppState,
    Context(context): Context,
    ip: ClientIp,
    actor: CurrentUser,
    client: Client,
    Json(given): Json<Proof>,
) -> Result<(HeaderMap, Json<SessionTokens>)> {
    let guess = limits::proof(&app, &context, ip, &actor).await?;
    let outcome = ops::reauthenticate(&app, &actor, given.password, &client).await;
    guess.ended(&app, &context, &outcome).await;
    let tokens = outcome?;
    let (cookies, session) = session(&app, &client, None, tokens);
    Ok((cookies, Json(session)))
}

input! {
    /// Both are needed: a stolen access token changes nothing.
    pub struct NewPassword {
        pub current_password: Password,
        pub new_password: Password,
    }
}

async fn change_password(
    app: AppState,
    Context(context): Context,
    ip: ClientIp,
    actor: CurrentUser,
    client: Client,
    Json(given): Json<NewPassword>,
) -> Result<(HeaderMap, Json<SessionTokens>)> {
    let guess = limits::proof(&app, &context, ip, &actor).await?;
    let (current, new) = (given.current_password, given.new_password);
    let outcome = ops::change_password(&app, &actor, current, new, &client).await;
    guess.ended(&app, &context, &outcome).await;
    let tokens = outcome?;
    let (cookies, session) = session(&app, &client, None, tokens);
    Ok((cookies, Json(session)))
}

input! {
    /// The new address.
    pub struct NewEmail {
        pub email: Email,
    }
}

async fn change_email(
    app: AppState,
    Context(context): Context,
    Fresh(actor): Fresh,
    origin: Origin,
    Json(new): Json<NewEmail>,
) -> Result<Json<Me>> {
    limits::email_change(&app, &context, &actor).await?;
    Ok(Json(ops::change_email(&app, &actor, new.email, origin).await?))
}

input! {
    /// What stood behind `#` in the mail's link.
    pub struct LinkToken {
        pub token: Line<1, 200>,
    }
}

async fn not_me(
    app: AppState,
    Context(context): Context,
    ip: ClientIp,
    origin: Origin,
    Json(given): Json<LinkToken>,
) -> Result<NoContent> {
    limits::group(&app, &context, ip).await?;
    ops::not_me(&app, &given.token, origin).await?;
    Ok(NoContent)
}

async fn me(app: AppState, Visitor(actor): Visitor) -> Result<Json<Me>> {
    let me = members::find(&app.db, actor.id, app.clock.now()).await?;
    Ok(Json(me.ok_or_else(|| unauthenticated("session_revoked"))?))
}
