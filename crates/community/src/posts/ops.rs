use super::{Post, PostCreated, PostId, policy, store};
use accounts::CurrentUser;
use base::{Error, Kind, Result, error::not_found};
use platform::{
    AppState,
    http::{Created, IfMatch, Once},
};

pub async fn create_post(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    body: String,
) -> Result<Created<Post>> {
    let (author, now) = (actor.id, app.clock.now());
    let (own, id) = (app.clone(), app.ids.next::<PostId>());
    let written_by = store::author(&app.db, author)
        .await?
        .ok_or_else(|| not_found("member"))?;
    once.create(app, author.0, "create_post", move |tx| async move {
        store::insert(&tx, id, author, &body, now).await?;
        let post = Post {
            id,
            author: written_by,
            body,
            created_at: now,
            edited_at: None,
            like_count: 0,
            comment_count: 0,
            liked_by_me: false,
            reaction: None,
            version: 1,
        };
        own.signals.announce(&tx, &PostCreated::from(&post), now).await?;
        Ok(post)
    })
    .await
}

pub async fn edit_post(
    app: &AppState,
    actor: &CurrentUser,
    id: PostId,
    seen: IfMatch,
    body: String,
) -> Result<Post> {
    let (actor, now) = (*actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let mut post = store::find(&tx, actor.id, id)
                .await?
                .ok_or_else(|| not_found("post"))?;
            policy::may_change(&actor, &post)?;
            seen.check(post.version)?;
            if !store::update(&tx, id, post.version, &body, now).await? {
                return Err(Error::new(Kind::Stale, "stale"));
            }
            post.body = body;
            post.edited_at = Some(now);
            post.version += 1;
            Ok(post)
        })
        .await
}

pub async fn delete_post(app: &AppState, actor: &CurrentUser, id: PostId) -> Result<()> {
    let actor = *actor;
    app.db
        .write_again(move |tx| async move {
            let post = store::find(&tx, actor.id, id)
                .await?
                .ok_or_else(|| not_found("post"))?;
            policy::may_change(&actor, &post)?;
            store::delete(&tx, id).await.map(drop)
        })
        .await
}
