use super::{Deletion, store};
use crate::{
    CurrentUser, access_tokens, members,
    notices::mail_member,
    origin::Origin,
    security_log::{SecurityEvent, log_security},
    sessions::{self, Reason},
};
use base::{
    Result,
    error::{conflict, invalid, not_found},
};
use platform::AppState;
use std::time::Duration;

/// Asks for the end of the account; asked twice, the first time counts. Every session ends, this one
/// too, and every access token.
pub async fn ask_for_deletion(
    app: &AppState,
    actor: &CurrentUser,
    origin: Origin,
    username: &str,
) -> Result<Deletion> {
    let me = members::find(&app.db, actor.id, app.clock.now()).await?;
    let me = me.ok_or_else(|| not_found("member"))?;
    if !username.eq_ignore_ascii_case(&me.username) {
        return Err(invalid("/username", "not_your_username"));
    }
    let days = app.config.accounts.deletion_grace_days;
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let new = Deletion {
                requested_at: now,
                erase_at: now.plus(Duration::from_hours(24 * days)),
                begun_at: None,
            };
            store::insert(&tx, actor.id, new).await?;
            let found = store::find(&tx, actor.id).await?;
            let deletion = found.ok_or_else(|| not_found("deletion"))?;
            let kind = SecurityEvent::DeletionAsked;
            log_security(&tx, &own, &actor, kind, None, &origin).await?;
            let args = [
                ("day", deletion.erase_at.to_string()[..10].to_owned()),
                ("link", format!("{}/settings/data", own.config.public_url())),
            ];
            mail_member(&tx, &own, actor.id, "deletion_asked", &args).await?;
            access_tokens::delete_all(&tx, actor.id).await?;
            sessions::end_all(&tx, &own, actor.id, Reason::Leaving, None).await?;
            Ok(deletion)
        })
        .await
}

/// The member stays.
pub async fn take_deletion_back(app: &AppState, actor: &CurrentUser, origin: Origin) -> Result<()> {
    let (own, actor) = (app.clone(), *actor);
    app.db
        .write_again(move |tx| async move {
            if !store::take_back(&tx, actor.id).await? {
                let begun = store::find(&tx, actor.id).await?.is_some();
                return Err(if begun {
                    conflict("deletion_begun")
                } else {
                    not_found("deletion")
                });
            }
            let kind = SecurityEvent::DeletionTakenBack;
            log_security(&tx, &own, &actor, kind, None, &origin).await
        })
        .await
}
