use super::{MemberBlocked, apart, store};
use crate::{companions, follows, friends, profiles};
use accounts::{CurrentUser, MemberId};
use base::{
    Result,
    error::{conflict, not_found},
};
use platform::AppState;
use realtime::Realtime;

/// Blocks a member. Doing it again changes nothing; who blocked the caller cannot be found.
pub async fn block(app: &AppState, actor: &CurrentUser, other: MemberId) -> Result<()> {
    if actor.id == other {
        return Err(conflict("cannot_block_yourself"));
    }
    let (own, member, now) = (app.clone(), actor.id, app.clock.now());
    let blocked = app
        .db
        .write_again(move |tx| async move {
            profiles::store::lock_pair(&tx, member, other).await?;
            match store::standing(&tx, member, other).await? {
                Some(true) => return Ok(()),
                Some(false) => return Err(not_found("member")),
                None => store::insert(&tx, member, other, now).await?,
            }
            friends::ops::part(&tx, member, other).await?;
            follows::ops::part(&tx, member, other).await?;
            companions::ops::part(&tx, member, other).await?;
            let blocked = MemberBlocked {
                member,
                blocked: other,
            };
            own.signals.announce(&tx, &blocked, now).await?;
            tx.on_commit(move || apart::forget(&own, [member, other]));
            Ok(())
        })
        .await;
    Realtime::of(app).forget_hidden(app, &[member, other]).await;
    blocked
}

/// Takes the caller's own block back. Follows do not come back by themselves.
pub async fn unblock(app: &AppState, actor: &CurrentUser, other: MemberId) -> Result<()> {
    let (own, member) = (app.clone(), actor.id);
    let unblocked = app
        .db
        .write_again(move |tx| async move {
            if store::standing(&tx, member, other).await? == Some(true) {
                store::delete(&tx, member, other).await?;
                tx.on_commit(move || apart::forget(&own, [member, other]));
            }
            Ok(())
        })
        .await;
    Realtime::of(app).forget_hidden(app, &[member, other]).await;
    unblocked
}
