//! Exchanging a refresh token: what [`rotation`] decides, done in one
//! transaction that holds the session's row.
//!
//! A refusal may leave a mark (an ended session, an entry, a mail); so it is an
//! outcome here and not an error, which would undo the transaction.

use super::{Reason, Revoked, SessionId, lifetimes::Age, store, store::Rotating};
use crate::{
    Accounts, devices,
    members::MemberId,
    notices::{self, Notice},
    ops::Tokens,
    origin::Origin,
    refresh::{self, Presented},
    rotation::{self, Decision, Device},
    security_log::{self, Entry, SecurityEvent},
};
use base::{Error, Kind, Result, Timestamp, error::unauthenticated};
use db::Tx;
use platform::AppState;
use std::time::Duration;

/// What is told once is not told again for so long.
const TOLD: Duration = Duration::from_hours(24);

/// What a rotation came to.
enum Outcome {
    Fresh {
        member: MemberId,
        generation: i64,
        key: [u8; 32],
        authenticated_at: Timestamp,
        remembered: bool,
        repeated: bool,
    },
    Refused(Error),
}

fn refused(code: &'static str) -> Result<Outcome> {
    Ok(Outcome::Refused(unauthenticated(code)))
}

/// Exchanges a refresh token for a new pair.
pub(crate) async fn refresh_tokens(
    app: &AppState,
    token: &str,
    device: Option<&str>,
    origin: Origin,
) -> Result<Tokens> {
    let presented = refresh::parse(token).ok_or_else(|| unauthenticated("invalid_token"))?;
    let (own, device, now) = (app.clone(), device.map(devices::hash), app.clock.now());
    let id = presented.session;
    let outcome = app
        .db
        .write_again(move |tx| async move {
            let Some(session) = store::lock(&tx, id).await? else {
                return refused("invalid_token");
            };
            let rotation = Rotation {
                app: &own,
                tx: &tx,
                id,
                session: &session,
                origin: &origin,
                now,
            };
            rotation.run(&presented, device).await
        })
        .await?;
    match outcome {
        Outcome::Refused(error) => Err(error),
        Outcome::Fresh {
            member,
            generation,
            key,
            authenticated_at,
            remembered,
            repeated,
        } => {
            let accounts = Accounts::of(app);
            accounts.sessions.forget(id);
            Ok(Tokens {
                access: accounts
                    .access
                    .issue(&app.ids, member, id, generation, authenticated_at, now)?,
                refresh: refresh::token(&key, id, generation),
                device: None,
                remembered,
                repeated,
            })
        }
    }
}

/// Whether the session named in the token gave it, be it new or spent. Changes nothing.
pub(crate) async fn is_genuine(app: &AppState, presented: &Presented) -> Result<bool> {
    let Some((_, sealed)) = store::find_key(&app.db, presented.session).await? else {
        return Ok(false);
    };
    let key = Accounts::of(app).session_key(presented.session, &sealed)?;
    Ok(presented.is_genuine(&key))
}

struct Rotation<'a> {
    app: &'a AppState,
    tx: &'a Tx,
    id: SessionId,
    session: &'a Rotating,
    origin: &'a Origin,
    now: Timestamp,
}

impl Rotation<'_> {
    async fn run(&self, presented: &Presented, device: Option<Vec<u8>>) -> Result<Outcome> {
        let (app, session) = (self.app, self.session);
        let key = Accounts::of(app).session_key(self.id, &session.sealed_key)?;
        if !presented.is_genuine(&key) {
            return refused("invalid_token");
        }
        match session.ended {
            Some(Reason::Expired) => return refused("session_expired"),
            Some(_) => return refused("session_revoked"),
            None => {}
        }
        if let Some(refusal) = session.status.refusal() {
            return Ok(Outcome::Refused(Error::new(Kind::Forbidden, refusal)));
        }
        if self.age().is_over(&app.config.accounts, self.now) {
            return refused("session_expired");
        }
        let device = match (&device, &session.device_hash) {
            (None, _) => Device::None,
            (Some(shown), Some(known)) if shown == known => Device::Same,
            (Some(_), _) => Device::Other,
        };
        let (state, shown) = (session.state, presented.generation);
        let decision = rotation::decide(&state, shown, device, self.now, app.config.accounts.strict);
        match decision {
            Decision::Rotate
            | Decision::Repeat {
                remarkable: false, ..
            } => {}
            Decision::CatchUp => {
                tracing::error!(session = %self.id, "a client knows a later generation than the database: was a backup restored?");
                self.note(SecurityEvent::TokenFromTheFuture).await?;
            }
            Decision::Repeat { .. } => self.note(SecurityEvent::TokenRepeated).await?,
            Decision::DeviceRequired => {
                self.tell_once(SecurityEvent::DeviceMissing, Notice::DeviceMissing)
                    .await?;
                return refused("device_required");
            }
            Decision::ReauthRequired => return refused("reauth_required"),
            Decision::Superseded => return refused("token_superseded"),
            Decision::Reuse => return self.reuse().await,
        }
        let next = state.after(decision, shown, device, self.now);
        store::keep_rotation(self.tx, self.id, next).await?;
        let repeated = matches!(decision, Decision::Repeat { .. });
        Ok(self.fresh(next.generation, key, repeated))
    }

    fn age(&self) -> Age {
        let session = self.session;
        Age {
            created_at: session.created_at,
            called_at: Accounts::of(self.app)
                .sessions
                .called_at(self.id, session.last_used_at),
            rotated_at: session.state.rotated_at,
            remembered: session.remembered,
            staff: session.roles.is_staff(),
        }
    }

    fn fresh(&self, generation: i64, key: [u8; 32], repeated: bool) -> Outcome {
        Outcome::Fresh {
            member: self.session.member,
            generation,
            key,
            authenticated_at: self.session.authenticated_at,
            remembered: self.session.remembered,
            repeated,
        }
    }

    async fn reuse(&self) -> Result<Outcome> {
        let member = self.session.member;
        let revoked = Revoked {
            session: Some(self.id),
            member,
            reason: Reason::Reuse,
        };
        tracing::warn!(session = %self.id, %member, "a spent refresh token was shown; the session ends");
        store::end(self.tx, self.app, revoked, self.origin, self.now).await?;
        notices::tell(
            self.tx,
            self.app,
            Notice::TokenReuse,
            member,
            self.id,
            self.origin,
        )
        .await?;
        refused("session_revoked")
    }

    async fn note(&self, kind: SecurityEvent) -> Result<()> {
        let entry = Entry {
            member: self.session.member,
            session: Some(self.id),
            kind,
            detail: None,
            origin: self.origin,
        };
        security_log::note(self.tx, self.app, entry, self.now).await
    }

    /// In the log and by mail, once a day: whoever repeats it fills neither.
    async fn tell_once(&self, kind: SecurityEvent, notice: Notice) -> Result<()> {
        let (member, since) = (self.session.member, self.now.minus(TOLD));
        if security_log::was_noted(self.tx, self.id, member, kind, since).await? {
            return Ok(());
        }
        self.note(kind).await?;
        notices::tell(self.tx, self.app, notice, member, self.id, self.origin).await
    }
}
