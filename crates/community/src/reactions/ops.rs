use super::{Reaction, store};
use crate::posts::{PostId, store as posts};
use accounts::CurrentUser;
use base::{Result, error::not_found};
use platform::AppState;

/// Reacts, or exchanges the reaction; answers how many members have reacted.
pub async fn react(app: &AppState, actor: &CurrentUser, post: PostId, kind: Reaction) -> Result<i64> {
    let (member, now) = (actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            // The post's row first: whoever reacts to the same post waits here, in one order.
            let count = posts::count_reaction(&tx, post, member, 1)
                .await?
                .ok_or_else(|| not_found("post"))?;
            if store::insert(&tx, post, member, kind, now).await? {
                return Ok(count);
            }
            store::change(&tx, post, member, kind).await?;
            posts::count_reaction(&tx, post, member, -1)
                .await?
                .ok_or_else(|| not_found("post"))
        })
        .await
}

pub async fn unreact(app: &AppState, actor: &CurrentUser, post: PostId) -> Result<()> {
    let member = actor.id;
    app.db
        .write_again(move |tx| async move {
            posts::count_reaction(&tx, post, member, -1)
                .await?
                .ok_or_else(|| not_found("post"))?;
            if !store::delete(&tx, post, member).await? {
                posts::count_reaction(&tx, post, member, 1).await?;
            }
            Ok(())
        })
        .await
}
