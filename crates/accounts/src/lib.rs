#![doc = include_str!("../README.md")]

mod access;
pub mod access_tokens;
mod actor;
pub mod audit;
mod belongings;
mod browser;
pub mod communities;
mod devices;
pub mod flags;
mod http;
pub mod keys;
pub mod leaving;
pub mod limits;
pub mod master_keys;
pub mod members;
mod notices;
mod ops;
mod origin;
pub mod passwords;
pub mod push;
mod refresh;
pub mod resealing;
mod revocations;
mod roles;
pub mod rotation;
mod sealing;
mod secrets;
mod security_log;
mod sessions;
pub mod staff;
pub mod tiers;

pub use actor::{CurrentUser, FRESH, Fresh, May, Moderator, Permit, Visitor, authenticate, may, recheck};
pub use belongings::belongings;
pub use keys::well_known;
pub use master_keys::MasterKeys;
pub use members::{Me, MemberId};
pub use notices::mail_member;
pub use ops::NotMe;
pub use origin::Origin;
pub use passwords::Passwords;
pub use revocations::{Journal, Replayed, Revocation, SealedPepper, Since, replay};
pub use roles::{Permission, Permissions, Role, Roles};
pub use secrets::derived_key;
pub use security_log::{SecurityEvent, log_security};
pub use sessions::{Activity, Reason, Revoked, SessionId, Sessions, cut, end_all, end_all_sessions};

use access::AccessTokens;
use base::{Result, error::internal};
use platform::{App, AppState, http::Routes};
use security_log::Later;
use std::{path::Path, sync::Arc, time::Duration};
use supervisor::{Failure, Plan, Report, Spec};
use tokio::sync::Notify;
use uuid::Uuid;

/// The state of this crate inside the app.
pub struct Accounts {
    pub(crate) access: AccessTokens,
    pub(crate) passwords: Passwords,
    pub(crate) master: Arc<MasterKeys>,
    pub(crate) looking: keys::Looking,
    /// Names this node where one at a time works.
    pub(crate) node: Uuid,
    pub(crate) later: Later,
    /// A revocation was committed here: look at once.
    pub(crate) look: Notify,
    pub sessions: Sessions,
    /// What keys of slices are derived from.
    pub(crate) root: [u8; 32],
}

impl Accounts {
    /// Reads or makes the keys, then hands the app its accounts.
    pub async fn install(app: App, keys: &Path) -> Result<App> {
        let master = Arc::new(MasterKeys::load_or_create(keys, &app.entropy)?);
        let node = app.ids.next();
        let vault = keys::Vault::of(&app, &master, node);
        let signing = keys::put_in_order(&vault, access::afterlife(&app.config.accounts)).await?;
        passwords::ensure_pepper(&app.db, &app.entropy, &master, app.clock.now()).await?;
        let root = secrets::root(&app.db, &app.entropy, &master, app.clock.now()).await?;
        let (entropy, db) = (app.entropy.clone(), app.db.clone());
        let accounts = Accounts {
            access: AccessTokens::new(signing, &app.config),
            passwords: Passwords::new(&app.config, entropy, db, master.clone()).await?,
            looking: keys::Looking::default(),
            node,
            later: Later::default(),
            look: Notify::new(),
            sessions: Sessions::default(),
            root,
            master,
        };
        Ok(app.with_part(accounts))
    }

    /// For members that a seed makes.
    pub async fn hash_password(app: &App, password: base::Password) -> Result<String> {
        Accounts::of(app).passwords.hash(password).await
    }

    pub fn of(app: &App) -> &Accounts {
        app.part()
    }

    pub(crate) fn seal_session_key(&self, app: &App, id: SessionId, key: &[u8; 32]) -> Result<Vec<u8>> {
        self.master.seal(&app.entropy, &session_purpose(id), key)
    }

    /// The key that makes the session's refresh tokens.
    pub(crate) fn session_key(&self, id: SessionId, sealed: &[u8]) -> Result<[u8; 32]> {
        let key = self.master.open(&session_purpose(id), sealed)?;
        key.try_into()
            .map_err(|_| internal("a session key is not 32 bytes"))
    }
}

pub(crate) fn session_purpose(id: SessionId) -> String {
    format!("session {id}")
}

/// The routes of this crate.
pub fn routes() -> Routes {
    http::routes()
        .merge(staff::http::routes())
        .merge(communities::http::routes())
        .merge(tiers::http::routes())
        .merge(flags::http::routes())
        .merge(audit::http::routes())
        .merge(push::http::routes())
        .merge(access_tokens::http::routes())
        .merge(leaving::http::routes())
}

/// The background work of this crate.
pub fn workers(app: &AppState) -> Vec<Plan> {
    let (activity, clean_up, secrets, resealing) = (app.clone(), app.clone(), app.clone(), app.clone());
    let (listener, later, audit, suspensions) = (app.clone(), app.clone(), app.clone(), app.clone());
    let leaving = app.clone();
    vec![
        Spec::new("accounts.revocations")
            .group("platform")
            .service(move |context| revocations::listen(listener.clone(), context)),
        Spec::new("accounts.activity")
            .group("platform")
            .every(Duration::from_mins(1))
            .timeout(Duration::from_secs(20))
            .runs(move |_| {
                let app = activity.clone();
                async move {
                    let count = sessions::flush_activity(&app).await.map_err(failure)?;
                    Ok(Report::new("noted when sessions were last used").fact("sessions", count))
                }
            }),
        Spec::new("accounts.security_log")
            .group("platform")
            .every(security_log::LATER)
            .timeout(Duration::from_secs(20))
            .runs(move |_| {
                let app = later.clone();
                async move { security_log::write_later(&app).await.map_err(failure) }
            }),
        Spec::new("accounts.clean_up")
            .group("platform")
            .every(Duration::from_mins(10))
            .timeout(Duration::from_mins(1))
            .runs(move |_| {
                let app = clean_up.clone();
                async move { sessions::clean_up(&app).await.map_err(failure) }
            }),
        Spec::new("accounts.suspensions")
            .group("platform")
            .every(Duration::from_mins(1))
            .timeout(Duration::from_secs(20))
            .runs(move |_| {
                let app = suspensions.clone();
                async move {
                    let count = staff::end_suspensions(&app).await.map_err(failure)?;
                    Ok(Report::new("let members in whose suspension was over").fact("members", count))
                }
            }),
        Spec::new("accounts.leaving")
            .group("platform")
            .every(Duration::from_mins(10))
            .timeout(Duration::from_mins(1))
            .runs(move |_| {
                let app = leaving.clone();
                async move { leaving::find_due(&app).await.map_err(failure) }
            }),
        Spec::new(audit::WORKER)
            .group("platform")
            .every(Duration::from_mins(1))
            .timeout(Duration::from_mins(1))
            .runs(move |_| {
                let app = audit.clone();
                async move { audit::chain_up(&app).await.map_err(failure) }
            }),
        Spec::new("accounts.keys")
            .group("platform")
            .every(Duration::from_mins(1))
            .timeout(Duration::from_secs(30))
            .runs(move |_| {
                let app = secrets.clone();
                async move {
                    let keys = keys::refresh(&app).await.map_err(failure)?;
                    let peppers = Accounts::of(&app).passwords.reload().await.map_err(failure)?;
                    Ok(Report::new("signing keys and peppers in order")
                        .fact("keys", keys)
                        .fact("peppers", peppers))
                }
            }),
        Spec::new("accounts.resealing")
            .group("platform")
            .every(Duration::from_mins(1))
            .timeout(Duration::from_mins(10))
            .runs(move |_| {
                let app = resealing.clone();
                async move {
                    let master = &Accounts::of(&app).master;
                    let count = resealing::reseal(&app.db, &app.entropy, master).await.map_err(failure)?;
                    let says = if master.older().is_empty() {
                        "all is sealed under the master key"
                    } else {
                        "all is sealed under the newest master key; `mundo keys rotate-master --finish` removes the older ones"
                    };
                    Ok(Report::new(says)
                        .fact("resealed", count)
                        .fact("older_keys", master.older().len() as i64))
                }
            }),
    ]
}

fn failure(error: base::Error) -> Failure {
    Failure::new(error.to_string())
}
