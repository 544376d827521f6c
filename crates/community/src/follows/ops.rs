use super::{Followed, store};
use crate::{
    newcomers::{self, Deed},
    profiles,
};
use accounts::{CurrentUser, MemberId};
use base::{
    Result,
    error::{conflict, not_found},
};
use db::Tx;
use platform::AppState;

pub async fn follow(app: &AppState, actor: &CurrentUser, member: MemberId) -> Result<()> {
    if actor.id == member {
        return Err(conflict("cannot_follow_yourself"));
    }
    newcomers::count(app, actor.id, Deed::Request).await?;
    let (own, follower, now) = (app.clone(), actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            // A block of this moment is made before this or after it, and ends the follow then.
            profiles::store::lock_pair(&tx, follower, member).await?;
            if !profiles::store::is_visible(&tx, follower, member).await? {
                return Err(not_found("member"));
            }
            if store::insert(&tx, follower, member, now).await? {
                store::count(&tx, follower, member, 1).await?;
                let followed = Followed {
                    follower,
                    followee: member,
                };
                own.signals.announce(&tx, &followed, now).await?;
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

/// Ends the follows between two members, as a part of what parts them.
pub(crate) async fn part(tx: &Tx, one: MemberId, other: MemberId) -> Result<()> {
    for (follower, followee) in [(one, other), (other, one)] {
        if store::delete(tx, follower, followee).await? {
            store::count(tx, follower, followee, -1).await?;
        }
    }
    Ok(())
}
