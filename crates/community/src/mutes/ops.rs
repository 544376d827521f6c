use super::store;
use crate::profiles;
use accounts::{CurrentUser, MemberId};
use base::{
    Result,
    error::{conflict, not_found},
};
use platform::AppState;

pub async fn mute(app: &AppState, actor: &CurrentUser, other: MemberId) -> Result<()> {
    if actor.id == other {
        return Err(conflict("cannot_mute_yourself"));
    }
    let (member, now) = (actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            if !profiles::store::is_visible(&tx, member, other).await? {
                return Err(not_found("member"));
            }
            store::insert(&tx, member, other, now).await
        })
        .await
}

pub async fn unmute(app: &AppState, actor: &CurrentUser, other: MemberId) -> Result<()> {
    let member = actor.id;
    app.db
        .write_again(move |tx| async move { store::delete(&tx, member, other).await })
        .await
}
