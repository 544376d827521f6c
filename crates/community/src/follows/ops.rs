use super::store;
use accounts::{CurrentUser, MemberId};
use base::{Result, error::conflict};
use platform::AppState;

pub async fn follow(app: &AppState, actor: &CurrentUser, member: MemberId) -> Result<()> {
    if actor.id == member {
        return Err(conflict("cannot_follow_yourself"));
    }
    let (follower, now) = (actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            if store::insert(&tx, follower, member, now).await? {
                store::count(&tx, follower, member, 1).await?;
            }
            Ok(())
        })
        .await
}

pub async fn unfollow(app: &AppState, actor: &CurrentUser, member: MemberId) -> Result<()> {
    let follower = actor.id;
    app.db
        .write_again(move |tx| async move {
            if store::delete(&tx, follower, member).await? {
                store::count(&tx, follower, member, -1).await?;
            }
            Ok(())
        })
        .await
}
