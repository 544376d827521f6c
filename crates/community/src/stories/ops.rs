use super::{Audience, SHOWN, Story, StoryId, store};
use crate::{
    media::{self, MediaId, Subject, SubjectKind},
    posts::store as posts,
};
use accounts::CurrentUser;
use base::{
    Result,
    error::{forbidden, invalid, not_found},
};
use db::CommunityId;
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
    medium: Option<MediaId>,
) -> Result<Created<Story>> {
    if caption.is_empty() && medium.is_none() {
        return Err(invalid("/caption", "required"));
    }
    let (own, now) = (app.clone(), app.clock.now());
    let author = posts::author(&app.db, actor.id).await?;
    let mut story = Story {
        id: StoryId(app.ids.at(now)),
        author: author.ok_or_else(|| not_found("member"))?,
        caption,
        visibility,
        created_at: now,
        expires_at: now.plus(SHOWN),
        seen_by_me: false,
        view_count: Some(0),
        media: None,
        media_id: medium,
    };
    once.create(app, actor.id.0, "create_story", move |tx| async move {
        store::insert(&tx, &story).await?;
        if let Some(medium) = medium {
            let views = media::attach(&own, &tx, story.author.id, of(story.id), &[medium]).await?;
            story.media = views.into_iter().next();
        }
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
    let (own, member, now) = (app.clone(), actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let story = store::find(&tx, member, now, id).await?;
            let story = story.ok_or_else(|| not_found("story"))?;
            if story.author.id != member {
                return Err(forbidden("not_author").about("story"));
            }
            media::detach(&own, &tx, of(id)).await?;
            store::delete(&tx, id).await
        })
        .await
}

/// Deletes a story whose day is over, with its media.
pub async fn forget(app: &AppState, community: CommunityId, id: StoryId) -> Result<()> {
    let own = app.clone();
    app.db
        .within(community)
        .write_again(move |tx| async move {
            media::detach(&own, &tx, of(id)).await?;
            store::delete(&tx, id).await
        })
        .await
}

fn of(story: StoryId) -> Subject {
    Subject::new(SubjectKind::Story, story.0)
}

/// Stories with their media. Whether they may be seen has been asked.
pub async fn with_media(app: &AppState, mut stories: Vec<Story>) -> Result<Vec<Story>> {
    let of = |story: &Story| story.media_id.map(|_| story.id.0);
    let put = |story: &mut Story, media: Vec<_>| story.media = media.into_iter().next();
    media::show(app, &app.db, SubjectKind::Story, &mut stories, of, put).await?;
    Ok(stories)
}
