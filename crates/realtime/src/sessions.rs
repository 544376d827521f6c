//! A socket lives as long as its token and its session.
//!
//! Its page's origin is looked at before a connection opens, its token when a
//! client enters. A minute before the token ends the socket hears
//! `auth:expiring` and may show a new one of the same session on the live
//! connection ([`renew`]); who does not is put out when the time has come. A
//! session that ends takes its sockets with it at once.
//!
//! Never true: a socket open on a token that has run out, or of a session that
//! ended a second ago; a token read from an address, where logs would keep it;
//! a timer for each socket. Whoever is put out by name of the session is told
//! why, and told by the protocol not to come back: stock clients do not.

use crate::{Push, Realtime, Sockets, Speaker};
use accounts::{Accounts, Activity, CurrentUser, Revoked, SessionId, authenticate, recheck};
use axum::http::{HeaderMap, header, request::Parts};
use base::{
    Error, Result, Timestamp,
    error::{forbidden, unauthenticated},
};
use platform::{App, AppState, Config};
use schemars::JsonSchema;
use serde::Serialize;
use socketio::{Id, Socket};
use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use supervisor::{Plan, Spec};
use tokio::{sync::broadcast::error::RecvError, time::sleep};

/// How long before its token ends a socket is told.
const NOTICE: Duration = Duration::from_mins(1);
/// How late a socket may be told or put out.
const PERIOD: Duration = Duration::from_millis(250);

/// The session has ended; the connection is cut after this.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SessionRevoked {
    pub reason: String,
}

impl Push for SessionRevoked {
    const NAME: &'static str = "session:revoked";
}

/// Another session of the member has ended: a page that lists them reads again.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SessionEnded {
    pub session: SessionId,
}

impl Push for SessionEnded {
    const NAME: &'static str = "session:ended";
}

/// The access token ends soon: show a new one with `auth:renew`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuthExpiring {
    pub expires_at: Timestamp,
}

impl Push for AuthExpiring {
    const NAME: &'static str = "auth:expiring";
}

/// The access token has ended and no new one was shown; the connection is cut
/// after this. The session may well live: get a new token and connect again.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuthExpired {
    pub expired_at: Timestamp,
}

impl Push for AuthExpired {
    const NAME: &'static str = "auth:expired";
}

base::input! {
    /// A new access token of the same session.
    pub struct Renew {
        pub token: base::Line<1, 4096>,
    }
}

/// Until when the socket may stay now.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Renewed {
    pub expires_at: Timestamp,
}

/// What members say and hear of their sessions.
pub(crate) fn sockets() -> Sockets {
    Sockets::new("sessions")
        .on(
            "auth:renew",
            renew_token,
            "Stay connected with a new access token",
        )
        .whom("every member, with a token of the same session")
        .ephemeral::<AuthExpiring>("The access token ends in a minute")
        .whom("the socket itself")
        .ephemeral::<AuthExpired>("The access token has ended; the connection is cut")
        .whom("the socket itself")
        .ephemeral::<SessionRevoked>("The session has ended; the connection is cut")
        .whom("the sockets of the session")
        .ephemeral::<SessionEnded>("Another session of the member has ended")
        .whom("the member's sockets of other sessions")
}

async fn renew_token(app: AppState, speaker: Speaker, new: Renew) -> Result<Renewed> {
    renew(&app, speaker.socket(), &new.token).await
}

/// Refuses pages of other sites. Programs that are no browsers name no origin.
pub(crate) fn check_origin(config: &Config, parts: &Parts) -> Result<()> {
    let text = |name: header::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let site = text(header::HeaderName::from_static("sec-fetch-site"));
    let Some(origin) = parts.headers.get(header::ORIGIN) else {
        return match site {
            Some("cross-site" | "same-site") => Err(foreign()),
            _ => Ok(()),
        };
    };
    let origin = origin.to_str().unwrap_or_default();
    if site == Some("same-origin")
        || origin == config.public_url()
        || is_local(config, origin, &parts.headers)
    {
        Ok(())
    } else {
        Err(foreign())
    }
}

fn foreign() -> Error {
    forbidden("foreign_origin")
}

/// A server that only this machine reaches goes by several names: then a page may
/// come from whichever of them its request went to.
fn is_local(config: &Config, origin: &str, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.filter(|_| config.server.public_url.is_empty()) else {
        return false;
    };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    let loopback = name == "localhost" || address.is_ok_and(|address| address.is_loopback());
    loopback && origin.strip_prefix("http://") == Some(host)
}

/// When which socket is to be looked at: before its token ends, and then when it does.
#[derive(Debug, Default)]
pub(crate) struct Expiries(Mutex<BTreeSet<(Timestamp, Id)>>);

impl Expiries {
    pub fn watch(&self, expires_at: Timestamp, socket: Id) {
        self.due().insert((expires_at.minus(NOTICE), socket));
    }

    pub fn forget(&self, expires_at: Timestamp, socket: Id) {
        let mut due = self.due();
        due.remove(&(expires_at.minus(NOTICE), socket));
        due.remove(&(expires_at, socket));
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.due().len()
    }

    fn take(&self, now: Timestamp) -> Vec<Id> {
        let mut due = self.due();
        let mut taken = vec![];
        while let Some(first) = due.first().copied().filter(|(at, _)| *at <= now) {
            due.remove(&first);
            taken.push(first.1);
        }
        taken
    }

    fn end(&self, expires_at: Timestamp, socket: Id) {
        self.due().insert((expires_at, socket));
    }

    fn due(&self) -> MutexGuard<'_, BTreeSet<(Timestamp, Id)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the socket stay as long as a newer token of its own session says.
async fn renew(app: &App, socket: &Socket, token: &str) -> Result<Renewed> {
    let before = *socket
        .get::<CurrentUser>()
        .ok_or_else(|| unauthenticated("unauthenticated"))?;
    let actor = authenticate(app, token, Activity::Background).await?;
    if actor.session != before.session || actor.id != before.id {
        return Err(forbidden("other_session"));
    }
    // An older one shortens nothing.
    if actor.expires_at > before.expires_at {
        socket.insert(actor);
        let expiries = &Realtime::of(app).expiries;
        expiries.forget(before.expires_at, socket.id());
        expiries.watch(actor.expires_at, socket.id());
        // Gone meanwhile, it would stand there for nothing.
        if !socket.is_connected() {
            expiries.forget(actor.expires_at, socket.id());
        }
    }
    Ok(Renewed {
        expires_at: actor.expires_at.max(before.expires_at),
    })
}

fn tell<P: Push>(socket: &Socket, push: &P) {
    if let Err(error) = socket.emit(P::NAME, push) {
        tracing::error!(%error, push = P::NAME, "a push could not be encoded");
    }
}

/// Tells those whose tokens end soon, puts out those whose tokens have ended.
fn look_at_tokens(app: &App) {
    let (realtime, now) = (Realtime::of(app), app.clock.now());
    for id in realtime.expiries.take(now) {
        let Some(socket) = realtime.socket(id) else {
            continue;
        };
        let Some(actor) = socket.get::<CurrentUser>() else {
            continue;
        };
        let expires_at = actor.expires_at;
        if expires_at <= now {
            tell(
                &socket,
                &AuthExpired {
                    expired_at: expires_at,
                },
            );
            socket.disconnect_and_close();
        } else if expires_at.minus(NOTICE) <= now {
            realtime.expiries.end(expires_at, id);
            tell(&socket, &AuthExpiring { expires_at });
        }
    }
}

/// The end of a session, or of a token, is the end of its sockets.
pub(crate) fn workers(app: &AppState) -> Vec<Plan> {
    let (revocations, tokens) = (app.clone(), app.clone());
    vec![
        Spec::new("realtime.revocations")
            .group("platform")
            .service(move |context| {
                let app = revocations.clone();
                async move {
                    let mut revocations = Accounts::of(&app).sessions.revocations();
                    context.ready();
                    loop {
                        tokio::select! {
                            () = context.cancelled() => return Ok(()),
                            revoked = revocations.recv() => match revoked {
                                Ok(revoked) => cut(&app, revoked),
                                Err(RecvError::Lagged(_)) => look_at_all(&app).await,
                                Err(RecvError::Closed) => return Ok(()),
                            }
                        }
                    }
                }
            }),
        Spec::new("realtime.tokens")
            .group("platform")
            .service(move |context| {
                let app = tokens.clone();
                async move {
                    context.ready();
                    loop {
                        tokio::select! {
                            () = context.cancelled() => return Ok(()),
                            () = sleep(PERIOD) => look_at_tokens(&app),
                        }
                    }
                }
            }),
    ]
}

/// Some revocations went by unheard: every session that is connected is asked about.
async fn look_at_all(app: &App) {
    for (actor, socket) in Realtime::of(app).connections.all() {
        if recheck(app, actor, Activity::Background)
            .await
            .is_err_and(|error| error.kind() == base::Kind::Unauthenticated)
        {
            socket.disconnect_and_close();
        }
    }
}

fn cut(app: &App, revoked: Revoked) {
    // Changed rights are read with the next message; the connection may stay.
    let Some(session) = revoked.session else { return };
    let connections = &Realtime::of(app).connections;
    let push = SessionRevoked {
        reason: revoked.reason.to_string(),
    };
    for socket in connections.of_session(revoked.member, session) {
        tell(&socket, &push);
        socket.disconnect_and_close();
    }
    for socket in connections.of_others(revoked.member, session) {
        tell(&socket, &SessionEnded { session });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;
    use platform::config::Sources;

    fn config(public_url: &str) -> Config {
        let flags = [
            ("server.public_url", public_url.to_owned()),
            ("server.port", "5000".to_owned()),
        ];
        let sources = Sources {
            flags: flags.into(),
            ..Sources::default()
        };
        Config::load(&sources).unwrap().0
    }

    fn admits(public_url: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        check_origin(&config(public_url), &parts).is_ok()
    }

    #[test]
    fn pages_of_other_sites_open_no_connection() {
        let ours = "https://tango.example";
        assert!(admits(ours, &[]), "a program that is no browser");
        assert!(admits(ours, &[("origin", ours)]));
        assert!(admits(ours, &[("sec-fetch-site", "same-origin")]));
        for foreign in [
            "https://evil.example",
            "https://tango.example.evil.example",
            "http://tango.example",
            "null",
            "",
        ] {
            assert!(!admits(ours, &[("origin", foreign)]), "{foreign:?}");
        }
        assert!(!admits(
            ours,
            &[
                ("origin", "https://evil.example"),
                ("sec-fetch-site", "cross-site")
            ]
        ));
        assert!(!admits(ours, &[("sec-fetch-site", "cross-site")]));
        assert!(!admits(ours, &[("sec-fetch-site", "same-site")]));
        let at_home = [("origin", "http://127.0.0.1:5000"), ("host", "127.0.0.1:5000")];
        assert!(admits("", &at_home) && !admits(ours, &at_home));
        assert!(!admits(
            "",
            &[("origin", "http://127.0.0.1:6000"), ("host", "127.0.0.1:5000")]
        ));
        // A name that an attacker lets point at this machine.
        assert!(!admits(
            "",
            &[
                ("origin", "http://evil.example:5000"),
                ("host", "evil.example:5000")
            ]
        ));
    }

    #[test]
    fn a_socket_that_has_gone_is_not_looked_at() {
        let (expiries, at) = (Expiries::default(), Timestamp::from_micros(600_000_000));
        let id = Id::parse("abcdefghijklmnopqrstuvwx").unwrap();
        expiries.watch(at, id);
        assert_eq!(
            expiries.take(at.minus(NOTICE).minus(Duration::from_micros(1))),
            []
        );
        assert_eq!(expiries.take(at.minus(NOTICE)), [id]);
        expiries.end(at, id);
        expiries.forget(at, id);
        assert_eq!((expiries.len(), expiries.take(at)), (0, vec![]));
    }
}
