//! Registration, log-in, proving oneself again, log-out.

use crate::{
    Accounts, CurrentUser, Me, MemberId, Roles, SessionId, access_tokens,
    browser::Client,
    devices,
    members::{self, Credential, NewMember, Status},
    notices::{self, Notice},
    origin::Origin,
    passwords::About,
    refresh,
    revocations::{self, Revocation},
    security_log::{self, Entry, SecurityEvent},
    sessions::{self, Reason, Revoked},
    tiers::Tier,
};
use base::{
    Email, Error, Kind, Password, Result, Timestamp, Username,
    error::{forbidden, unauthenticated},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use db::{Tx, params};
use platform::{App, AppState, signals::Signal, texts::Language};
use serde::{Deserialize, Serialize};

/// What a client holds after it has proved who it is.
#[derive(Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    /// Given once, when the device is new.
    pub device: Option<String>,
    /// Whether the client should keep them when it closes.
    pub remembered: bool,
    /// An answer given before, given again.
    pub repeated: bool,
}

#[derive(Debug)]
pub struct NewAccount {
    pub email: Email,
    pub password: Password,
    pub username: Username,
    pub display_name: String,
    pub language: Language,
}

pub async fn register(app: &AppState, new: NewAccount, client: &Client) -> Result<(Me, Tokens)> {
    let now = app.clock.now();
    let passwords = &Accounts::of(app).passwords;
    let about = About {
        email: Some(new.email.to_string()),
        username: Some(new.username.to_string()),
        display_name: Some(new.display_name.clone()),
    };
    passwords.check("/password", &new.password, about).await?;
    let password_hash = passwords.hash(new.password).await?;
    let member = NewMember {
        id: app.ids.next(),
        email: new.email,
        username: new.username,
        display_name: new.display_name,
        password_hash,
        language: new.language,
        status: if app.config.accounts.approval {
            Status::Pending
        } else {
            Status::Active
        },
    };
    if member.status == Status::Pending {
        return Err(apply(app, member, client).await?);
    }
    let me = Me {
        id: member.id,
        email: member.email.to_string(),
        username: member.username.to_string(),
        display_name: member.display_name.clone(),
        roles: Roles::NONE.list(),
        tier: Tier::Free,
        is_verified: false,
        created_at: now,
    };
    let session = NewSession::new(app, client, true).await?;
    let tokens = session.tokens(app, member.id, now)?;
    let own = app.clone();
    app.db
        .write_again(move |tx| async move {
            members::insert(&tx, &member, now).await?;
            session
                .begin(&tx, &own, member.id, SecurityEvent::Registered, now)
                .await
        })
        .await?;
    Ok((me, tokens))
}

/// Writes an account that staff have to approve; gives what its owner hears instead of a session.
async fn apply(app: &AppState, member: NewMember, client: &Client) -> Result<Error> {
    let (own, origin, now) = (app.clone(), client.origin.clone(), app.clock.now());
    app.db
        .write_again(move |tx| async move {
            members::insert(&tx, &member, now).await?;
            let entry = Entry {
                member: member.id,
                session: None,
                kind: SecurityEvent::Registered,
                detail: None,
                origin: &origin,
            };
            security_log::note(&tx, &own, entry, now).await
        })
        .await?;
    Ok(forbidden("awaiting_approval"))
}

/// How often a log-in looks again when the password was changed, or hashed anew, under its eyes.
const LOOKS: usize = 3;

pub async fn log_in(
    app: &AppState,
    email: &Email,
    password: Password,
    client: &Client,
    remember: bool,
) -> Result<(Me, Tokens)> {
    for _ in 0..LOOKS {
        let found = members::find_credential(&app.db, email).await?;
        let hash = found.as_ref().map(|known| known.password_hash.clone());
        let verdict = Accounts::of(app).passwords.verify(password.clone(), hash).await?;
        let credential = match found {
            Some(credential) if verdict.fits => credential,
            // The same steps for members and strangers, whose entry nobody keeps.
            other => {
                let (later, member) = (&Accounts::of(app).later, other.map(|known| known.id));
                let (kind, now) = (SecurityEvent::LogInFailed, app.clock.now());
                later.add(member, kind, client.origin.clone(), now);
                return Err(unauthenticated("wrong_credentials"));
            }
        };
        if let Some(begun) = begin_session(app, &credential, client, remember).await? {
            if verdict.needs_rehash {
                renew_hash(app, credential, password).await;
            }
            return Ok(begun);
        }
    }
    Err(unauthenticated("wrong_credentials"))
}

/// A session of the member whose password fitted; none when it is another password by now.
async fn begin_session(
    app: &AppState,
    credential: &Credential,
    client: &Client,
    remember: bool,
) -> Result<Option<(Me, Tokens)>> {
    let (id, now) = (credential.id, app.clock.now());
    let session = NewSession::new(app, client, remember).await?;
    let tokens = session.tokens(app, id, now)?;
    let (own, hash) = (app.clone(), credential.password_hash.clone());
    let me = app
        .db
        .write_again(move |tx| async move {
            let held = members::hold(&tx, id).await?;
            match held {
                Some((Status::Active, held)) if held == hash => {}
                Some((status, held)) if held == hash && status != Status::Active => {
                    let code = status.refusal().unwrap_or("account_suspended");
                    return Err(Error::new(Kind::Forbidden, code));
                }
                _ => return Ok(None),
            }
            session.begin(&tx, &own, id, SecurityEvent::LoggedIn, now).await?;
            members::find(&tx, id, now).await
        })
        .await?;
    Ok(me.map(|me| (me, tokens)))
}

/// Replaces a hash of former parameters or of a former pepper. Not worth a failed log-in.
async fn renew_hash(app: &AppState, credential: Credential, password: Password) {
    let renewed = async {
        let new = Accounts::of(app).passwords.hash(password).await?;
        let Credential {
            id,
            password_hash: old,
        } = credential;
        app.db
            .write_again(move |tx| async move { members::replace_hash(&tx, id, &old, &new).await })
            .await
    };
    if let Err(error) = renewed.await {
        tracing::warn!(%error, "an old password hash was not replaced");
    }
}

/// A session about to begin.
#[derive(Clone)]
struct NewSession {
    id: SessionId,
    key: [u8; 32],
    sealed_key: Vec<u8>,
    device_hash: Vec<u8>,
    new_device: Option<String>,
    is_browser: bool,
    remembered: bool,
    origin: Origin,
}

impl NewSession {
    async fn new(app: &App, client: &Client, remembered: bool) -> Result<NewSession> {
        let (id, key): (SessionId, [u8; 32]) = (app.ids.next(), app.entropy.bytes());
        let sealed_key = Accounts::of(app).seal_session_key(app, id, &key)?;
        let known = match &client.device_token {
            Some(secret)
                if secret.len() == devices::SECRET_LENGTH
                    && devices::was_issued(&app.db, &devices::hash(secret)).await? =>
            {
                Some(secret.clone())
            }
            _ => None,
        };
        let new_device = known.is_none().then(|| BASE64.encode(app.entropy.bytes::<32>()));
        let device = known.as_ref().or(new_device.as_ref()).map_or("", String::as_str);
        Ok(NewSession {
            device_hash: devices::hash(device),
            id,
            key,
            sealed_key,
            new_device,
            is_browser: client.is_browser,
            remembered,
            origin: client.origin.clone(),
        })
    }

    fn tokens(&self, app: &App, member: MemberId, now: Timestamp) -> Result<Tokens> {
        Ok(Tokens {
            access: Accounts::of(app)
                .access
                .issue(&app.ids, member, self.id, 0, now, now)?,
            refresh: refresh::token(&self.key, self.id, 0),
            device: self.new_device.clone(),
            remembered: self.remembered,
            repeated: false,
        })
    }

    async fn begin(
        self,
        tx: &Tx,
        app: &AppState,
        member: MemberId,
        kind: SecurityEvent,
        now: Timestamp,
    ) -> Result<()> {
        let client = if self.is_browser { "web" } else { "native" };
        tx.execute(
            "INSERT INTO session (id, member_id, sealed_key, device_hash, device_shown, client, user_agent, network,
                                  remembered, created_at, last_used_at, authenticated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $10)",
            params![
                self.id,
                member,
                self.sealed_key,
                self.device_hash.clone(),
                self.is_browser,
                client,
                self.origin.device,
                self.origin.network,
                self.remembered,
                now
            ],
        )
        .await?;
        let is_new = !devices::is_known(tx, member, &self.device_hash).await?;
        devices::remember(tx, member, &self.device_hash, &self.origin.device, now).await?;
        let entry = |kind| Entry {
            member,
            session: Some(self.id),
            kind,
            detail: None,
            origin: &self.origin,
        };
        security_log::note(tx, app, entry(kind), now).await?;
        if kind == SecurityEvent::LoggedIn {
            sessions::end_contested(tx, app, member, &self.device_hash, self.id, now).await?;
            sessions::make_room(tx, app, member, self.id, now).await?;
            if is_new {
                security_log::note(tx, app, entry(SecurityEvent::NewDevice), now).await?;
                notices::tell(tx, app, Notice::NewDevice, member, self.id, &self.origin).await?;
            }
        }
        Ok(())
    }
}

/// Checks the caller's password; a wrong one stands in their log.
async fn prove(app: &AppState, actor: &CurrentUser, password: Password, origin: &Origin) -> Result<()> {
    let hash = members::find_password(&app.db, actor.id).await?;
    if Accounts::of(app).passwords.verify(password, hash).await?.fits {
        return Ok(());
    }
    let (kind, now) = (SecurityEvent::ReauthenticationFailed, app.clock.now());
    Accounts::of(app)
        .later
        .add(Some(actor.id), kind, origin.clone(), now);
    Err(forbidden("wrong_password"))
}

/// Proves again who is there: new tokens whose `auth_time` is now.
pub async fn reauthenticate(
    app: &AppState,
    actor: &CurrentUser,
    password: Password,
    client: &Client,
) -> Result<Tokens> {
    prove(app, actor, password, &client.origin).await?;
    let (own, actor, origin, now) = (app.clone(), *actor, client.origin.clone(), app.clock.now());
    let renewed = app
        .db
        .write_again(move |tx| async move {
            let entry = Entry {
                member: actor.id,
                session: Some(actor.session),
                kind: SecurityEvent::Reauthenticated,
                detail: None,
                origin: &origin,
            };
            security_log::note(&tx, &own, entry, now).await?;
            renew(&tx, &own, &actor, now).await
        })
        .await?;
    renewed.tokens(app, &actor, now)
}

/// Sets a new password: every other session ends.
pub async fn change_password(
    app: &AppState,
    actor: &CurrentUser,
    current: Password,
    new: Password,
    client: &Client,
) -> Result<Tokens> {
    prove(app, actor, current, &client.origin).await?;
    let passwords = &Accounts::of(app).passwords;
    let me = members::find(&app.db, actor.id, app.clock.now()).await?;
    let about = me.map_or_else(About::default, |me| About {
        email: Some(me.email),
        username: Some(me.username),
        display_name: Some(me.display_name),
    });
    passwords.check("/new_password", &new, about).await?;
    let hash = passwords.hash(new).await?;
    let (own, actor, origin, now) = (app.clone(), *actor, client.origin.clone(), app.clock.now());
    let renewed = app
        .db
        .write_again(move |tx| async move {
            members::set_password(&tx, actor.id, &hash, now).await?;
            let entry = Entry {
                member: actor.id,
                session: Some(actor.session),
                kind: SecurityEvent::PasswordChanged,
                detail: None,
                origin: &origin,
            };
            security_log::note(&tx, &own, entry, now).await?;
            let changed = Revoked {
                session: None,
                member: actor.id,
                reason: Reason::PasswordChanged,
            };
            let changed = Revocation {
                password_hash: Some(hash),
                ..Revocation::new(&own, changed)
            };
            revocations::announce(&tx, &own, changed, now).await?;
            sessions::end_all(&tx, &own, actor.id, Reason::PasswordChanged, Some(actor.session)).await?;
            notices::tell(
                &tx,
                &own,
                Notice::PasswordChanged,
                actor.id,
                actor.session,
                &origin,
            )
            .await?;
            renew(&tx, &own, &actor, now).await
        })
        .await?;
    renewed.tokens(app, &actor, now)
}

/// Moves the account to another address; both addresses hear of it.
pub async fn change_email(app: &AppState, actor: &CurrentUser, email: Email, origin: Origin) -> Result<Me> {
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let gone = || unauthenticated("session_revoked");
            let before = members::find(&tx, actor.id, now).await?.ok_or_else(gone)?;
            if before.email == *email {
                return Ok(before);
            }
            members::set_email(&tx, actor.id, &email, now).await?;
            let entry = Entry {
                member: actor.id,
                session: Some(actor.session),
                kind: SecurityEvent::EmailChanged,
                detail: None,
                origin: &origin,
            };
            security_log::note(&tx, &own, entry, now).await?;
            let notice = Notice::EmailChanged;
            notices::tell(&tx, &own, notice, actor.id, actor.session, &origin).await?;
            notices::tell_former_address(&tx, &own, before.email, actor.id, actor.session, &origin).await?;
            members::find(&tx, actor.id, now).await?.ok_or_else(gone)
        })
        .await
}

/// A session's next generation, after its member proved who they are.
struct Renewed {
    generation: i64,
    key: [u8; 32],
    remembered: bool,
}

async fn renew(tx: &Tx, app: &AppState, actor: &CurrentUser, now: Timestamp) -> Result<Renewed> {
    let session = sessions::lock(tx, actor.session)
        .await?
        .filter(|session| session.ended.is_none())
        .ok_or_else(|| unauthenticated("session_revoked"))?;
    let strict = app.config.accounts.strict;
    let next = session.state.renewed(actor.verified.generation, now, strict);
    sessions::keep_rotation(tx, actor.session, next).await?;
    tx.execute(
        "UPDATE session SET authenticated_at = $1 WHERE id = $2",
        params![now, actor.session],
    )
    .await?;
    let (own, id) = (app.clone(), actor.session);
    tx.on_commit(move || Accounts::of(&own).sessions.forget(id));
    Ok(Renewed {
        generation: next.generation,
        key: Accounts::of(app).session_key(actor.session, &session.sealed_key)?,
        remembered: session.remembered,
    })
}

impl Renewed {
    fn tokens(self, app: &App, actor: &CurrentUser, now: Timestamp) -> Result<Tokens> {
        Ok(Tokens {
            access: Accounts::of(app).access.issue(
                &app.ids,
                actor.id,
                actor.session,
                self.generation,
                now,
                now,
            )?,
            refresh: refresh::token(&self.key, actor.session, self.generation),
            device: None,
            remembered: self.remembered,
            repeated: false,
        })
    }
}

pub async fn log_out(app: &AppState, actor: &CurrentUser, origin: Origin) -> Result<()> {
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let revoked = Revoked {
                session: Some(actor.session),
                member: actor.id,
                reason: Reason::LogOut,
            };
            sessions::end(&tx, &own, revoked, &origin, now).await
        })
        .await
        .map(drop)
}

/// Somebody else was in this member's account.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct NotMe {
    pub member: MemberId,
}

impl Signal for NotMe {
    const KIND: &'static str = "not_me";
}

/// The member says of a mail's link that it was not them: all sessions end, and
/// the device of that log-in is a stranger again.
pub async fn not_me(app: &AppState, token: &str, origin: Origin) -> Result<()> {
    let expired = || Error::new(Kind::Invalid, "link_expired");
    let (presented, until) = refresh::parse_link(token).ok_or_else(expired)?;
    let (own, now) = (app.clone(), app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let Some(session) = sessions::lock(&tx, presented.session).await? else {
                return Err(expired());
            };
            let key = Accounts::of(&own).session_key(presented.session, &session.sealed_key)?;
            if !presented.is_genuine(&key) || now > until {
                return Err(expired());
            }
            let entry = Entry {
                member: session.member,
                session: Some(presented.session),
                kind: SecurityEvent::NotMe,
                detail: None,
                origin: &origin,
            };
            security_log::note(&tx, &own, entry, now).await?;
            if let Some(device) = &session.device_hash {
                devices::forget(&tx, session.member, device).await?;
            }
            // Whoever was in may have made some; slices undo what is theirs.
            access_tokens::delete_all(&tx, session.member).await?;
            let said = NotMe {
                member: session.member,
            };
            own.signals.announce(&tx, &said, now).await?;
            sessions::end_all(&tx, &own, session.member, Reason::NotMe, None).await
        })
        .await
        .map(drop)
}
