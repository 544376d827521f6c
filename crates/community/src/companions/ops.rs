use super::{CompanionAsked, Consent, store};
use crate::posts::{PostId, policy, store as posts};
use accounts::{CurrentUser, MemberId};
use base::{Result, error::not_found};
use db::Tx;
use platform::AppState;

/// The author asks one more member.
pub async fn ask_companion(app: &AppState, actor: &CurrentUser, id: PostId, member: MemberId) -> Result<()> {
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            posts::count_companion(&tx, id, 0).await?;
            let found = posts::find(&tx, actor.id, id).await?;
            let post = found.ok_or_else(|| not_found("post"))?;
            policy::may_change(&actor, &post)?;
            let asked = store::may_be_named(&tx, actor.id, &[member]).await?;
            if asked.is_empty() {
                return Err(not_found("member"));
            }
            if store::find(&tx, id, member).await?.is_none() {
                store::ask(&tx, id, &asked, now).await?;
                let signal = CompanionAsked {
                    post_id: id,
                    author: post.author,
                    member,
                };
                own.signals.announce(&tx, &signal, now).await?;
            }
            Ok(())
        })
        .await
}

/// The member answers, or changes their mind.
pub async fn answer(app: &AppState, actor: &CurrentUser, id: PostId, answer: Consent) -> Result<()> {
    let (member, now) = (actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            // The post's row first: answers of two companions come one after the other.
            posts::count_companion(&tx, id, 0).await?;
            let before = store::find(&tx, id, member).await?;
            let before = before.ok_or_else(|| not_found("post"))?;
            store::answer(&tx, id, member, answer, now).await?;
            let by = i64::from(answer == Consent::Approved) - i64::from(before == Consent::Approved);
            posts::count_companion(&tx, id, by).await.map(drop)
        })
        .await
}

/// Takes two members off each other's posts, as a part of what parts them.
pub(crate) async fn part(tx: &Tx, one: MemberId, other: MemberId) -> Result<()> {
    store::part(tx, one, other).await?;
    store::part(tx, other, one).await
}

/// The author takes a question or a name back.
pub async fn remove_companion(
    app: &AppState,
    actor: &CurrentUser,
    id: PostId,
    member: MemberId,
) -> Result<()> {
    let actor = *actor;
    app.db
        .write_again(move |tx| async move {
            let found = posts::find(&tx, actor.id, id).await?;
            policy::may_change(&actor, &found.ok_or_else(|| not_found("post"))?)?;
            posts::count_companion(&tx, id, 0).await?;
            if let Some(before) = store::find(&tx, id, member).await? {
                store::delete(&tx, id, member).await?;
                posts::count_companion(&tx, id, -i64::from(before == Consent::Approved)).await?;
            }
            Ok(())
        })
        .await
}
