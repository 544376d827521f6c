use super::{Flag, forget, store};
use crate::{
    MemberId,
    audit::{self, Act, Action},
};
use base::{Result, error::not_found};
use db::Tx;
use platform::AppState;

/// Makes a flag or changes it.
pub async fn put_flag(app: &AppState, actor: MemberId, flag: Flag) -> Result<Flag> {
    let (own, now) = (app.clone(), app.clock.now());
    app.db
        .write_again(move |tx| async move {
            store::put(&tx, &flag, actor, now).await?;
            let roles: Vec<&str> = flag.roles.iter().map(|role| role.as_str()).collect();
            let state = if flag.enabled { "on" } else { "off" };
            let says = format!(
                "{} {state}, {} percent, {}",
                flag.name,
                flag.percent,
                roles.join(" ")
            );
            note(&tx, &own, actor, &says).await?;
            Ok(flag)
        })
        .await
}

pub async fn delete_flag(app: &AppState, actor: MemberId, name: String) -> Result<()> {
    let own = app.clone();
    app.db
        .write_again(move |tx| async move {
            if !store::delete(&tx, &name).await? {
                return Err(not_found("flag"));
            }
            note(&tx, &own, actor, &format!("{name} deleted")).await
        })
        .await
}

async fn note(tx: &Tx, app: &AppState, actor: MemberId, says: &str) -> Result<()> {
    let own = app.clone();
    tx.on_commit(move || forget(&own));
    let act = Act {
        actor: Some(actor),
        action: Action::FlagChanged,
        subject: None,
        detail: says,
    };
    audit::record(tx, app, act).await
}
