use super::{Audience, SHOWN, Story, StoryId, store};
use crate::posts::store as posts;
use accounts::CurrentUser;
use base::{
    Result,
    error::{forbidden, not_found},
};
use platform::{
    AppState,
    http::{Created, Once},
};

pub async fn create_story(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    caption: String,
    visibility: Audience,
) -> Result<Created<Story>> {
    let now = app.clock.now();
    let author = posts::author(&app.db, actor.id).await?;
    let story = Story {
        id: StoryId(app.ids.at(now)),
        author: author.ok_or_else(|| not_found("member"))?,
        caption,
        visibility,
        created_at: now,
        expires_at: now.plus(SHOWN),
        seen_by_me: false,
        view_count: Some(0),
    };
    once.create(app, actor.id.0, "create_story", move |tx| async move {
        store::insert(&tx, &story).await?;
        Ok(story)
    })
    .await
}

/// Notes that the caller saw a story; one's own does not count.
pub async fn see_story(app: &AppState, actor: &CurrentUser, id: StoryId) -> Result<()> {
    let (member, now) = (actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let story = store::find(&tx, member, now, id).await?;
            let story = story.ok_or_else(|| not_found("story"))?;
            if story.author.id == member {
                return Ok(());
            }
            store::see(&tx, id, member, now).await
        })
        .await
}

pub async fn delete_story(app: &AppState, actor: &CurrentUser, id: StoryId) -> Result<()> {
    let (member, now) = (actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let story = store::find(&tx, member, now, id).await?;
            let story = story.ok_or_else(|| not_found("story"))?;
            if story.author.id != member {
                return Err(forbidden("not_author").about("story"));
            }
            store::delete(&tx, id).await
        })
        .await
}
