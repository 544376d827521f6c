use super::{AccessToken, AccessTokenId, PREFIX, Scope, store};
use crate::{
    CurrentUser, Roles, SessionId,
    access::Verified,
    origin::Origin,
    security_log::{SecurityEvent, log_security},
};
use base::{
    Error, Kind, Result, Timestamp,
    error::{conflict, invalid, not_found, unauthenticated},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use platform::AppState;
use std::time::Duration;

/// Tokens a member may have.
const MOST: i64 = 50;
/// `last_used_at` is written when it is older than this.
const TOUCHED: Duration = Duration::from_hours(1);

/// A token's hash: it is as random as a key, so one round is enough.
fn hash(token: &str) -> [u8; 32] {
    blake3::derive_key("mundo-tango access token", token.as_bytes())
}

/// Makes a token; the second value is the only copy of the secret.
pub async fn create_access_token(
    app: &AppState,
    actor: &CurrentUser,
    origin: Origin,
    name: String,
    mut scopes: Vec<Scope>,
    days: i64,
) -> Result<(AccessToken, String)> {
    if scopes.is_empty() {
        return Err(invalid("/scopes", "required"));
    }
    scopes.sort_by_key(|scope| scope.as_str());
    scopes.dedup();
    let now = app.clock.now();
    let secret = format!(
        "{PREFIX}{}",
        BASE64_URL_SAFE_NO_PAD.encode(app.entropy.bytes::<32>())
    );
    let token = AccessToken {
        id: app.ids.next(),
        name,
        scopes,
        created_at: now,
        expires_at: now.plus(Duration::from_hours(24) * days as u32),
        last_used_at: None,
    };
    let (made, hash, own, actor) = (token.clone(), hash(&secret), app.clone(), *actor);
    app.db
        .write_again(move |tx| async move {
            if store::count(&tx, actor.id).await? >= MOST {
                return Err(conflict("too_many_tokens").with("max", MOST));
            }
            store::insert(&tx, actor.id, &token, &hash).await?;
            let kind = SecurityEvent::TokenCreated;
            log_security(&tx, &own, &actor, kind, Some(&token.name), &origin).await
        })
        .await?;
    Ok((made, secret))
}

pub async fn delete_access_token(
    app: &AppState,
    actor: &CurrentUser,
    origin: Origin,
    id: AccessTokenId,
) -> Result<()> {
    let (own, actor) = (app.clone(), *actor);
    app.db
        .write_again(move |tx| async move {
            if !store::delete(&tx, actor.id, id).await? {
                return Err(not_found("access_token"));
            }
            let (kind, name) = (SecurityEvent::TokenDeleted, id.to_string());
            log_security(&tx, &own, &actor, kind, Some(&name), &origin).await
        })
        .await
}

/// Lets in who shows a token with the scope that the route wants; a route that wants none takes no
/// token. Its member acts without roles and without a fresh proof.
pub(crate) async fn authenticate(app: &AppState, token: &str, wanted: Option<&str>) -> Result<CurrentUser> {
    let now = app.clock.now();
    let found = store::find(&app.db, &hash(token)).await?;
    let found = found.ok_or_else(|| unauthenticated("invalid_token"))?;
    let token = found.token;
    if token.expires_at <= now {
        return Err(unauthenticated("token_expired"));
    }
    if let Some(refusal) = found.status.refusal() {
        return Err(Error::new(Kind::Forbidden, refusal));
    }
    let Some(wanted) = wanted else {
        return Err(Error::new(Kind::Forbidden, "no_tokens_here"));
    };
    if !token.scopes.iter().any(|scope| scope.as_str() == wanted) {
        return Err(Error::new(Kind::Forbidden, "scope_missing").with("scope", wanted));
    }
    if token.last_used_at.is_none_or(|at| now.since(at) >= TOUCHED) {
        let id = token.id;
        app.db
            .write_again(move |tx| async move { store::touch(&tx, id, now).await })
            .await?;
    }
    let session = SessionId(token.id.0);
    Ok(CurrentUser {
        id: found.member,
        session,
        roles: Roles::NONE,
        expires_at: token.expires_at,
        // Long ago: nothing that wants a fresh proof.
        auth_time: Timestamp::from_micros(0),
        verified: Verified {
            member: found.member,
            session,
            generation: 0,
            auth_time: 0,
            issued_s: token.created_at.as_seconds(),
            expires_s: token.expires_at.as_seconds(),
        },
    })
}
