use super::{
    Comment, CommentCreated, CommentId,
    model::{Changes, Draft},
    policy, store,
};
use crate::{
    media::{self, Subject, SubjectKind},
    newcomers::{self, Deed},
    posts::{PostId, store as posts, words::Words},
};
use accounts::{CurrentUser, MemberId};
use base::{Error, Kind, Result, Timestamp, error::not_found};
use db::Tx;
use platform::{
    AppState,
    http::{Created, IfMatch, Once},
};

pub async fn create_comment(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    post: PostId,
    draft: Draft,
) -> Result<Created<Comment>> {
    policy::says_something(&draft.body, draft.media.len())?;
    newcomers::count(app, actor.id, Deed::Comment).await?;
    let (own, author, now) = (app.clone(), actor.id, app.clock.now());
    let id = CommentId(app.ids.at(now));
    once.create(app, author.0, "create_comment", move |tx| async move {
        // The post's row first: whoever changes its comments waits here, in one order.
        let counted = posts::count_comment(&tx, author, post, 1).await?;
        let post_author = counted.ok_or_else(|| not_found("post"))?;
        let parent_author = match draft.parent {
            None => None,
            Some(parent) => Some(answered(store::find(&tx, author, parent).await?.as_ref(), post)?),
        };
        let mentions = posts::mentioned(&tx, author, &Words::plain(&*draft.body).mentions()).await?;
        let names: Vec<String> = mentions.iter().map(|mention| mention.username.clone()).collect();
        store::insert(&tx, id, post, author, &draft, &names.join(" "), now).await?;
        let media = if draft.media.is_empty() {
            vec![]
        } else {
            media::attach(&own, &tx, author, of(id), &draft.media).await?
        };
        let written_by = posts::author(&tx, author)
            .await?
            .ok_or_else(|| not_found("member"))?;
        let signal = CommentCreated {
            id,
            post_id: post,
            post_author,
            parent_author,
            author: written_by.clone(),
            body: draft.body.clone(),
            mentioned: mentions.iter().map(|mention| mention.id).collect(),
            created_at: now,
        };
        own.signals.announce(&tx, &signal, now).await?;
        Ok(Comment {
            id,
            post_id: post,
            parent_id: draft.parent,
            author: written_by,
            body: draft.body,
            media_count: media.len() as i64,
            media,
            mentions: names,
            created_at: now,
            edited_at: None,
            is_deleted: false,
            is_withheld: false,
            like_count: 0,
            reply_count: 0,
            liked_by_me: false,
            reaction: None,
            version: 1,
        })
    })
    .await
}

fn of(comment: CommentId) -> Subject {
    Subject::new(SubjectKind::Comment, comment.0)
}

/// The comments with their media. Whether they may be read has been asked.
pub async fn with_media(app: &AppState, mut comments: Vec<Comment>) -> Result<Vec<Comment>> {
    let of = |comment: &Comment| (comment.media_count > 0).then_some(comment.id.0);
    let put = |comment: &mut Comment, media| comment.media = media;
    media::show(app, &app.db, SubjectKind::Comment, &mut comments, of, put).await?;
    Ok(comments)
}

/// Whose comment is answered: one of the same post that still has its words.
fn answered(parent: Option<&Comment>, post: PostId) -> Result<MemberId> {
    match parent {
        Some(parent) if parent.post_id == post && !parent.is_deleted => Ok(parent.author.id),
        _ => Err(not_found("comment")),
    }
}

pub async fn edit_comment(
    app: &AppState,
    actor: &CurrentUser,
    id: CommentId,
    seen: IfMatch,
    changes: Changes,
) -> Result<Comment> {
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let found = store::find(&tx, actor.id, id).await?;
            let mut comment = found
                .filter(|comment| !comment.is_deleted)
                .ok_or_else(|| not_found("comment"))?;
            policy::may_edit(&actor, &comment)?;
            policy::is_in_sight(&comment)?;
            seen.check(comment.version)?;
            if let Some(body) = changes.body {
                let mentions = posts::mentioned(&tx, actor.id, &Words::plain(&*body).mentions()).await?;
                comment.mentions = mentions.into_iter().map(|mention| mention.username).collect();
                comment.body = body;
            }
            if let Some(ids) = changes.media {
                media::attach(&own, &tx, actor.id, of(id), &ids).await?;
                comment.media_count = ids.len() as i64;
            }
            policy::says_something(&comment.body, comment.media_count as usize)?;
            if !store::update(&tx, &comment, &comment.mentions.join(" "), now).await? {
                return Err(Error::new(Kind::Stale, "stale"));
            }
            comment.edited_at = Some(now);
            comment.version += 1;
            Ok(comment)
        })
        .await
}

pub async fn delete_comment(app: &AppState, actor: &CurrentUser, id: CommentId) -> Result<()> {
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let gone = || not_found("comment");
            let seen = store::find(&tx, actor.id, id).await?.ok_or_else(gone)?;
            let counted = posts::count_comment(&tx, actor.id, seen.post_id, 0).await?;
            let post_author = counted.ok_or_else(gone)?;
            // Now that the post's row is ours, nobody else is deleting it.
            let comment = store::find(&tx, actor.id, id).await?.ok_or_else(gone)?;
            if comment.is_deleted {
                return Err(gone());
            }
            policy::may_delete(&actor, &comment, post_author)?;
            if !comment.is_withheld {
                posts::move_comment_count(&tx, comment.post_id, -1).await?;
            }
            media::detach(&own, &tx, of(id)).await?;
            store::delete(&tx, &comment, now).await
        })
        .await
}

/// Takes a comment from sight, as a part of what staff decided; false when it is gone.
pub(crate) async fn withhold(tx: &Tx, id: CommentId, now: Timestamp) -> Result<bool> {
    let Some(post) = store::post_of(tx, id).await? else {
        return Ok(false);
    };
    posts::move_comment_count(tx, post, 0).await?;
    if store::withhold(tx, id, now).await? {
        posts::move_comment_count(tx, post, -1).await?;
    }
    Ok(true)
}

/// Puts it back.
pub(crate) async fn restore(tx: &Tx, id: CommentId) -> Result<()> {
    let Some(post) = store::post_of(tx, id).await? else {
        return Ok(());
    };
    posts::move_comment_count(tx, post, 0).await?;
    if store::restore(tx, id).await? {
        posts::move_comment_count(tx, post, 1).await?;
    }
    Ok(())
}
