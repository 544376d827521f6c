//! How often: every budget around accounts, in one table, and how it is counted.
//!
//! What is never true: that a stranger's attempts keep a member out. Whoever
//! shows the secret of a device that the account knows has a budget of its own,
//! and so has a session with its own token; only what proves nothing is counted
//! against the address or the account. A 429 changes nothing and ends no session.

use crate::{CurrentUser, SessionId, devices, ops::Tokens, refresh, sessions};
use base::{Email, Error, Kind, Result};
use platform::{
    App, AppState, Config,
    http::{ClientIp, RequestContext},
    limits::{Budget, Limit},
};
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// Every limit of this crate. Settings change the counts.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// All that a member calls.
    pub member: Limit,
    /// All of /auth, for each address; refreshes count when they fail.
    pub auth: Limit,
    /// New accounts, for each address.
    pub register: Limit,
    /// Log-ins for each address and account. The right password is not counted.
    pub login: Limit,
    /// Log-ins for each account, wherever they come from: see [`ladder`].
    pub login_account: [Limit; 4],
    /// Log-ins for each device that an account knows, in place of `auth` and the two above.
    pub login_device: Limit,
    /// Passwords given again to prove who is there, for each session.
    pub proof: Limit,
    /// New addresses for an account, for each member: each tells whether it is taken.
    pub email_change: Limit,
    /// Exports, for each member.
    pub export: Limit,
    /// Rotations, for each session.
    pub refresh: Limit,
    /// Lost answers given again, for each session.
    pub refresh_repeat: Limit,
    /// Sockets that a session opens.
    pub socket: Limit,
    /// Sockets refused, for each address.
    pub socket_failure: Limit,
    /// Passwords judged for their strength, for each address.
    pub password_check: Limit,
    /// Forgotten passwords, for each account's e-mail.
    pub forgot: Limit,
    /// Forgotten passwords, for each address.
    pub forgot_address: Limit,
    /// Tries for each code.
    pub code: Limit,
    /// Tries at the first administrator's code, for each member.
    pub first_administrator: Limit,
}

impl Table {
    pub fn of(config: &Config) -> Table {
        let set = &config.limits;
        Table {
            member: per("member", set.member_per_minute, MINUTE),
            auth: per("auth", set.auth_per_minute, MINUTE),
            register: per("register", set.register_per_hour, HOUR),
            login: per("login", set.login_per_5_minutes, 5 * MINUTE),
            login_account: ladder(set.login_account_per_15_minutes),
            login_device: per("login_device", set.login_device_per_5_minutes, 5 * MINUTE),
            proof: per("proof", set.proof_per_5_minutes, 5 * MINUTE),
            email_change: per("email_change", set.email_changes_per_hour, HOUR),
            export: per("export", set.exports_per_hour, HOUR),
            refresh: per("refresh", set.refresh_per_minute, MINUTE),
            refresh_repeat: per("refresh_repeat", set.refresh_repeats_per_minute, MINUTE),
            socket: per("socket", set.socket_connects_per_minute, MINUTE),
            socket_failure: per("socket_failure", set.socket_failures_per_minute, MINUTE),
            password_check: per("password_check", set.password_checks_per_minute, MINUTE),
            forgot: per("forgot", set.forgot_per_hour, HOUR),
            forgot_address: per("forgot_address", set.forgot_address_per_hour, HOUR),
            code: per("code", set.code_attempts, 15 * MINUTE),
            first_administrator: per("first_administrator", 5, MINUTE),
        }
    }
}

fn per(name: &'static str, count: u32, seconds: u64) -> Limit {
    Limit {
        name,
        count,
        period: Duration::from_secs(seconds),
    }
}

/// Each rung allows twice as much in four times the time, so that the pause
/// between two attempts doubles from rung to rung: 90 s, 3, 6, 12 minutes.
fn ladder(count: u32) -> [Limit; 4] {
    let rung = |name, nth: u32| per(name, count.saturating_mul(1 << nth), (15 * MINUTE) << (2 * nth));
    [
        rung("login_account", 0),
        rung("login_account_1h", 1),
        rung("login_account_4h", 2),
        rung("login_account_16h", 3),
    ]
}

/// Counts a registration.
pub async fn register(app: &App, context: &RequestContext, ip: ClientIp) -> Result<()> {
    let table = Table::of(&app.config);
    let budgets = [
        app.limits.budget(table.auth, ip),
        app.limits.budget(table.register, ip),
    ];
    context.limited_all(app.limits.take_all(&budgets).await)
}

/// Counts a call of /auth by somebody who has proved nothing.
pub async fn group(app: &App, context: &RequestContext, ip: ClientIp) -> Result<()> {
    let limit = Table::of(&app.config).auth;
    context.limited(app.limits.take(limit, ip).await)
}

/// Counts a password judged while it is typed: a form asks with each pause.
pub async fn password_check(app: &App, context: &RequestContext, ip: ClientIp) -> Result<()> {
    let limit = Table::of(&app.config).password_check;
    context.limited(app.limits.take(limit, ip).await)
}

/// A password about to be tried, counted beforehand, so that many at once cannot all pass.
#[derive(Debug)]
pub struct Guess {
    /// What the right password gives back.
    counted: Vec<Budget>,
    /// What a wrong one is charged to besides.
    charged: Option<Budget>,
}

/// Counts a log-in against the device, if the account knows it, else against address and account.
pub async fn log_in(
    app: &App,
    context: &RequestContext,
    ip: ClientIp,
    email: &Email,
    device: Option<&str>,
) -> Result<Guess> {
    let (table, account) = (Table::of(&app.config), &**email);
    let known = match device {
        Some(device) => devices::is_known_to(&app.db, email, device).await?,
        None => false,
    };
    let counted: Vec<_> = match device.filter(|_| known) {
        Some(device) => vec![app.limits.budget(table.login_device, (account, device))],
        None => [app.limits.budget(table.login, (ip, account))]
            .into_iter()
            .chain(table.login_account.map(|rung| app.limits.budget(rung, account)))
            .collect(),
    };
    let group = (!known).then(|| app.limits.budget(table.auth, ip));
    let all: Vec<_> = group.into_iter().chain(counted.iter().copied()).collect();
    context.limited_all(app.limits.take_all(&all).await)?;
    Ok(Guess {
        counted,
        charged: None,
    })
}

/// Counts a member's proof of who they are against their session: a stolen
/// access token must not be good for guessing, nor for keeping other sessions out.
pub async fn proof(app: &App, context: &RequestContext, ip: ClientIp, actor: &CurrentUser) -> Result<Guess> {
    let table = Table::of(&app.config);
    let counted = vec![app.limits.budget(table.proof, actor.session)];
    context.limited_all(app.limits.take_all(&counted).await)?;
    Ok(Guess {
        counted,
        charged: Some(app.limits.budget(table.auth, ip)),
    })
}

/// Counts a member's move to another address.
pub async fn email_change(app: &App, context: &RequestContext, actor: &CurrentUser) -> Result<()> {
    let limit = Table::of(&app.config).email_change;
    context.limited(app.limits.take(limit, actor.id).await)
}

impl Guess {
    /// What turned out right, or could not be tried, was no guess.
    pub async fn ended<T>(self, app: &App, context: &RequestContext, outcome: &Result<T>) {
        let wrong = outcome.as_ref().is_err_and(is_the_callers);
        let decisions = if wrong {
            let charged: Vec<_> = self.charged.into_iter().collect();
            app.limits.charge(&charged).await
        } else {
            app.limits.give_back(&self.counted).await
        };
        for decision in decisions {
            context.note(decision);
        }
    }
}

/// A refresh whose outcome decides what is counted.
#[derive(Debug)]
pub struct Refresh {
    group: Budget,
    /// Rotations and repeats of the session that the token names.
    session: Option<[Budget; 2]>,
}

/// Asks whether a refresh may be tried. A token that its session really gave
/// passes whatever else came from its address.
pub async fn refresh(app: &AppState, context: &RequestContext, ip: ClientIp, token: &str) -> Result<Refresh> {
    let table = Table::of(&app.config);
    let presented = refresh::parse(token);
    let session = presented.as_ref().map(|presented| {
        [
            app.limits.budget(table.refresh, presented.session),
            app.limits.budget(table.refresh_repeat, presented.session),
        ]
    });
    let group = app.limits.budget(table.auth, ip);
    let asked: Vec<_> = [group].into_iter().chain(session.into_iter().flatten()).collect();
    let mut decisions = app.limits.look(&asked).await;
    let address = decisions.remove(0);
    let is_refused = |decision: &platform::limits::Decision| decision.retry_after.is_some();
    if is_refused(&address) || decisions.iter().any(is_refused) {
        let genuine = match &presented {
            Some(presented) => sessions::is_genuine(app, presented).await?,
            None => false,
        };
        if genuine {
            context.limited_all(decisions)?;
        } else {
            context.limited(address)?;
        }
    }
    Ok(Refresh { group, session })
}

impl Refresh {
    /// Counts what came of it: a failure for the address, a rotation or a repeat for the session.
    pub async fn ended(self, app: &App, context: &RequestContext, outcome: &Result<Tokens>) {
        let counted = match (outcome, self.session) {
            (Ok(tokens), Some([_, repeats])) if tokens.repeated => repeats,
            (Ok(_), Some([rotations, _])) => rotations,
            (Err(error), _) if is_the_callers(error) => self.group,
            _ => return,
        };
        for decision in app.limits.charge(&[counted]).await {
            context.note(decision);
        }
    }
}

/// A socket whose token holds.
pub async fn socket(app: &App, session: SessionId) -> Result<()> {
    let limit = Table::of(&app.config).socket;
    app.limits.take(limit, session).await.into_result().map(drop)
}

/// A socket that is refused: gives the reason, or after too many of them only that they are too many.
pub async fn socket_refused(app: &App, ip: ClientIp, reason: Error) -> Error {
    if !is_the_callers(&reason) {
        return reason;
    }
    let limit = Table::of(&app.config).socket_failure;
    match app.limits.take(limit, ip).await.into_result() {
        Ok(_) => reason,
        Err(too_many) => too_many,
    }
}

/// False for what the server could not do, and for a new password that is not taken:
/// the current one was right then.
fn is_the_callers(error: &Error) -> bool {
    !matches!(
        error.kind(),
        Kind::Invalid | Kind::Unavailable | Kind::Internal | Kind::RateLimited
    )
}
