//! Registration, log-in, rotation, log-out.

use crate::{
    Accounts, Me, MemberId, Role, SessionId,
    browser::Client,
    members::{self, NewMember, Status},
    refresh,
    rotation::{self, Decision, Device},
    sessions::{self, Reason, Revoked, Rotating},
};
use base::{Email, Error, Kind, Password, Result, Timestamp, Username, error::unauthenticated};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use db::{Tx, params};
use platform::{App, AppState};

/// What a client holds after it has proved who it is.
#[derive(Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    /// Given once, when the device is new.
    pub device: Option<String>,
}

#[derive(Debug)]
pub struct NewAccount {
    pub email: Email,
    pub password: Password,
    pub username: Username,
    pub display_name: String,
}

pub async fn register(app: &AppState, new: NewAccount, client: &Client) -> Result<(Me, Tokens)> {
    let now = app.clock.now();
    let password_hash = Accounts::of(app).passwords.hash(new.password).await?;
    let member = NewMember {
        id: app.ids.next(),
        email: new.email,
        username: new.username,
        display_name: new.display_name,
        password_hash,
        role: Role::Member,
    };
    let me = Me {
        id: member.id,
        email: member.email.to_string(),
        username: member.username.to_string(),
        display_name: member.display_name.clone(),
        roles: vec![member.role],
        created_at: now,
    };
    let session = NewSession::new(app, client)?;
    let tokens = session.tokens(app, member.id, now)?;
    app.db
        .write(move |tx| async move {
            members::insert(&tx, &member, now).await?;
            session.insert(&tx, member.id, now).await
        })
        .await?;
    Ok((me, tokens))
}

pub async fn log_in(
    app: &AppState,
    email: &Email,
    password: Password,
    client: &Client,
) -> Result<(Me, Tokens)> {
    let found = members::find_login(&app.db, email).await?;
    let hash = found.as_ref().map(|login| login.password_hash.clone());
    let fits = Accounts::of(app).passwords.verify(password, hash).await?;
    let Some(login) = found.filter(|_| fits) else {
        return Err(unauthenticated("wrong_credentials"));
    };
    if login.status != Status::Active {
        return Err(Error::new(Kind::Forbidden, "account_suspended"));
    }
    let now = app.clock.now();
    let session = NewSession::new(app, client)?;
    let tokens = session.tokens(app, login.me.id, now)?;
    let member = login.me.id;
    app.db
        .write(move |tx| async move { session.insert(&tx, member, now).await })
        .await?;
    Ok((login.me, tokens))
}

/// A session about to begin.
struct NewSession {
    id: SessionId,
    key: [u8; 32],
    sealed_key: Vec<u8>,
    device_hash: Vec<u8>,
    new_device: Option<String>,
    is_browser: bool,
    user_agent: String,
}

impl NewSession {
    fn new(app: &App, client: &Client) -> Result<NewSession> {
        let (id, key): (SessionId, [u8; 32]) = (app.ids.next(), app.entropy.bytes());
        let sealed_key = Accounts::of(app).master.seal(&app.entropy, &purpose(id), &key)?;
        let known = client.device_token.clone().filter(|token| token.len() == 43);
        let new_device = known.is_none().then(|| BASE64.encode(app.entropy.bytes::<32>()));
        let device = known.as_ref().or(new_device.as_ref()).map_or("", String::as_str);
        Ok(NewSession {
            device_hash: hash(device),
            id,
            key,
            sealed_key,
            new_device,
            is_browser: client.is_browser,
            user_agent: client.user_agent.clone(),
        })
    }

    fn tokens(&self, app: &App, member: MemberId, now: Timestamp) -> Result<Tokens> {
        Ok(Tokens {
            access: Accounts::of(app)
                .access
                .issue(&app.ids, member, self.id, 0, now, now)?,
            refresh: refresh::token(&self.key, self.id, 0),
            device: self.new_device.clone(),
        })
    }

    async fn insert(self, tx: &Tx, member: MemberId, now: Timestamp) -> Result<()> {
        let client = if self.is_browser { "web" } else { "native" };
        tx.execute(
            "INSERT INTO session (id, member_id, sealed_key, device_hash, device_shown, client, user_agent, created_at, last_used_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
            params![self.id, member, self.sealed_key, self.device_hash, self.is_browser, client, self.user_agent, now],
        )
        .await
        .map(drop)
    }
}

fn purpose(session: SessionId) -> String {
    format!("session {session}")
}

fn hash(device: &str) -> Vec<u8> {
    blake3::derive_key("mundo-tango device secret", device.as_bytes()).to_vec()
}

/// What a rotation came to, inside its transaction.
enum Outcome {
    Fresh {
        member: MemberId,
        generation: i64,
        key: [u8; 32],
        created_at: Timestamp,
    },
    Refused(Error),
    /// Committed, then told: a refusal that must leave its mark.
    Ended(Revoked),
}

/// Exchanges a refresh token for a new pair.
pub async fn refresh(app: &AppState, token: &str, device: Option<&str>) -> Result<Tokens> {
    let presented = refresh::parse(token).ok_or_else(|| unauthenticated("invalid_token"))?;
    let (own, device, now) = (app.clone(), device.map(hash), app.clock.now());
    let id = presented.session;
    let outcome = app
        .db
        .write(move |tx| async move {
            let Some(session) = sessions::lock(&tx, id).await? else {
                return Ok(Outcome::Refused(unauthenticated("invalid_token")));
            };
            rotate(&own, &tx, &session, &presented, device, now).await
        })
        .await?;
    match outcome {
        Outcome::Fresh {
            member,
            generation,
            key,
            created_at,
        } => {
            let accounts = Accounts::of(app);
            accounts.sessions.forget(id);
            Ok(Tokens {
                access: accounts
                    .access
                    .issue(&app.ids, member, id, generation, created_at, now)?,
                refresh: refresh::token(&key, id, generation),
                device: None,
            })
        }
        Outcome::Refused(error) => Err(error),
        Outcome::Ended(revoked) => {
            tracing::warn!(session = %revoked.session, member = %revoked.member, "a spent refresh token was shown; session ended");
            Accounts::of(app).sessions.tell_revoked(revoked);
            Err(unauthenticated("session_revoked"))
        }
    }
}

async fn rotate(
    app: &App,
    tx: &Tx,
    session: &Rotating,
    presented: &refresh::Presented,
    device: Option<Vec<u8>>,
    now: Timestamp,
) -> Result<Outcome> {
    let id = presented.session;
    let key = Accounts::of(app).master.open(&purpose(id), &session.sealed_key)?;
    let key: [u8; 32] = key
        .try_into()
        .map_err(|_| base::error::internal("a session key is not 32 bytes"))?;
    if !presented.is_genuine(&key) {
        return Ok(Outcome::Refused(unauthenticated("invalid_token")));
    }
    if session.revoked {
        return Ok(Outcome::Refused(unauthenticated("session_revoked")));
    }
    if session.status != Status::Active {
        return Ok(Outcome::Refused(Error::new(Kind::Forbidden, "account_suspended")));
    }
    if sessions::is_over(app, session.created_at, session.last_used_at, now) {
        return Ok(Outcome::Refused(unauthenticated("session_expired")));
    }
    let device = match (&device, &session.device_hash) {
        (None, _) => Device::None,
        (Some(shown), Some(known)) if shown == known => Device::Same,
        (Some(_), _) => Device::Other,
    };
    let today = now.as_seconds() / 86_400;
    let mut state = session.state;
    if session.repeat_day != today {
        state.repeats_today = 0;
    }
    let fresh = |generation| Outcome::Fresh {
        member: session.member,
        generation,
        key,
        created_at: session.created_at,
    };
    let refused = |code| Ok(Outcome::Refused(unauthenticated(code)));
    match rotation::decide(
        state,
        presented.generation,
        device,
        now,
        app.config.accounts.strict,
    ) {
        Decision::Rotate => {
            let next = state.generation + 1;
            advance(tx, id, next, device, now).await?;
            Ok(fresh(next))
        }
        Decision::CatchUp => {
            tracing::error!(session = %id, "a client knows a later generation than the database: was a backup restored?");
            let next = presented.generation + 1;
            advance(tx, id, next, device, now).await?;
            Ok(fresh(next))
        }
        Decision::Repeat { remarkable, counted } => {
            if remarkable {
                tracing::warn!(session = %id, "a refresh token was repeated late");
            }
            let count = state.repeats_today + i64::from(counted);
            tx.execute(
                "UPDATE session SET repeat_day = $1, repeat_count = $2 WHERE id = $3",
                params![today, count, id],
            )
            .await?;
            Ok(fresh(state.generation))
        }
        Decision::DeviceRequired => refused("device_required"),
        Decision::ReauthRequired => refused("reauth_required"),
        Decision::Superseded => refused("token_superseded"),
        Decision::Reuse => {
            sessions::revoke(tx, id, Reason::Reuse, now).await?;
            Ok(Outcome::Ended(Revoked {
                session: id,
                member: session.member,
                reason: Reason::Reuse,
            }))
        }
    }
}

async fn advance(tx: &Tx, id: SessionId, generation: i64, device: Device, now: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE session SET generation = $1, rotated_at = $2, successor_seen_at = NULL, last_used_at = $2,
                device_shown = (device_shown OR $3) WHERE id = $4",
        params![generation, now, device == Device::Same, id],
    )
    .await
    .map(drop)
}

pub async fn log_out(app: &AppState, member: MemberId, session: SessionId) -> Result<()> {
    let now = app.clock.now();
    app.db
        .write(move |tx| async move { sessions::revoke(&tx, session, Reason::LogOut, now).await })
        .await?;
    Accounts::of(app).sessions.tell_revoked(Revoked {
        session,
        member,
        reason: Reason::LogOut,
    });
    Ok(())
}
