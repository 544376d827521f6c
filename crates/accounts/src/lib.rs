#![doc = include_str!("../README.md")]

mod access;
mod actor;
mod browser;
mod http;
mod keys;
pub mod members;
mod ops;
mod passwords;
mod refresh;
pub mod rotation;
mod sealing;
mod sessions;

pub use actor::{CurrentUser, authenticate};
pub use http::routes;
pub use members::{Me, MemberId, Role};
pub use passwords::Passwords;
pub use sealing::MasterKey;
pub use sessions::{Revoked, SessionId, Sessions, end_all_sessions};

use access::AccessTokens;
use base::Result;
use platform::{App, AppState};
use std::{path::Path, time::Duration};
use supervisor::{Failure, Plan, Report, Spec};

/// The state of this crate inside the app.
#[derive(Debug)]
pub struct Accounts {
    pub(crate) access: AccessTokens,
    pub(crate) passwords: Passwords,
    pub(crate) master: MasterKey,
    pub sessions: Sessions,
}

impl Accounts {
    /// Reads or makes the keys, then hands the app its accounts.
    pub async fn install(app: App, keys: &Path) -> Result<App> {
        let master = MasterKey::load_or_create(keys, &app.entropy)?;
        let signing = keys::load_or_create(&app, &master).await?;
        let accounts = Accounts {
            access: AccessTokens::new(signing, &app.config),
            passwords: Passwords::new(&app.config, app.entropy.clone())?,
            sessions: Sessions::default(),
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
}

/// The background work of this crate.
pub fn workers(app: &AppState) -> Vec<Plan> {
    let (activity, clean_up, rotation) = (app.clone(), app.clone(), app.clone());
    vec![
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
        Spec::new("accounts.clean_up")
            .group("platform")
            .every(Duration::from_mins(10))
            .timeout(Duration::from_mins(1))
            .runs(move |_| {
                let app = clean_up.clone();
                async move {
                    let count = sessions::delete_ended(&app).await.map_err(failure)?;
                    Ok(Report::new("deleted sessions that ended long ago").fact("sessions", count as i64))
                }
            }),
        Spec::new("accounts.key_rotation")
            .group("platform")
            .every(Duration::from_hours(1))
            .timeout(Duration::from_secs(30))
            .runs(move |_| {
                let app = rotation.clone();
                async move {
                    let keys = keys::load_or_create(&app, &Accounts::of(&app).master)
                        .await
                        .map_err(failure)?;
                    let count = keys.len() as i64;
                    Accounts::of(&app).access.replace_keys(keys);
                    Ok(Report::new("signing keys in order").fact("keys", count))
                }
            }),
    ]
}

fn failure(error: base::Error) -> Failure {
    Failure::new(error.to_string())
}
