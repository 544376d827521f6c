use super::{Reacted, Reaction, Subject, store};
use crate::{
    comments::store as comments,
    posts::{PostId, store as posts},
};
use accounts::{CurrentUser, MemberId};
use base::{Result, error::not_found};
use db::Tx;
use platform::AppState;

/// What is known of the subject once its count has changed.
struct Counted {
    count: i64,
    author: MemberId,
    post: PostId,
}

/// Reacts, or exchanges the reaction; answers how many members have reacted.
pub async fn react(app: &AppState, actor: &CurrentUser, subject: Subject, kind: Reaction) -> Result<i64> {
    let (own, member, now) = (app.clone(), actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            // The subject's row first: whoever reacts to the same thing waits here, in one order.
            let counted = count(&tx, member, subject, 1).await?;
            if !store::insert(&tx, subject, member, kind, now).await? {
                store::change(&tx, subject, member, kind).await?;
                return Ok(count(&tx, member, subject, -1).await?.count);
            }
            if counted.author != member
                && let Some(actor) = posts::author(&tx, member).await?
            {
                let signal = Reacted {
                    actor,
                    author: counted.author,
                    post_id: counted.post,
                    comment_id: match subject {
                        Subject::Comment(id) => Some(id),
                        Subject::Post(_) => None,
                    },
                    reaction: kind,
                };
                own.signals.announce(&tx, &signal, now).await?;
            }
            Ok(counted.count)
        })
        .await
}

pub async fn unreact(app: &AppState, actor: &CurrentUser, subject: Subject) -> Result<()> {
    let member = actor.id;
    app.db
        .write_again(move |tx| async move {
            count(&tx, member, subject, -1).await?;
            if !store::delete(&tx, subject, member).await? {
                count(&tx, member, subject, 1).await?;
            }
            Ok(())
        })
        .await
}

async fn count(tx: &Tx, member: MemberId, subject: Subject, by: i64) -> Result<Counted> {
    match subject {
        Subject::Post(post) => {
            let found = posts::count_reaction(tx, member, post, by).await?;
            let (count, author) = found.ok_or_else(|| not_found("post"))?;
            Ok(Counted { count, author, post })
        }
        Subject::Comment(id) => {
            let found = comments::count_reaction(tx, member, id, by).await?;
            let (count, author, post) = found.ok_or_else(|| not_found("comment"))?;
            Ok(Counted { count, author, post })
        }
    }
}
