use super::{Audience, Story, StoryId, View, ops, store};
use crate::media::MediaId;
use accounts::{CurrentUser, MemberId};
use base::{
    Cursor, Few, Kind, Page, Paging, Text,
    error::{forbidden, not_found},
    input,
    page::Limit,
};
use platform::{
    AppState,
    http::{Created, Json, NoContent, Once, Path, Query, Result, Routes},
};

pub fn routes() -> Routes {
    Routes::new("stories")
        .get(
            "/stories",
            "list_stories",
            list_stories,
            "Stories of those I follow and my own, or of one member, the newest first",
        )
        .post("/stories", "create_story", create_story, "Tell a story for a day")
        .get("/stories/{story_id}", "show_story", show_story, "One story")
        .delete(
            "/stories/{story_id}",
            "delete_story",
            delete_story,
            "Delete one's own story",
        )
        .put(
            "/stories/{story_id}/view",
            "see_story",
            see_story,
            "Note that I have seen a story",
        )
        .get(
            "/stories/{story_id}/views",
            "list_story_views",
            list_story_views,
            "Who saw one's own story",
        )
        .refuses(&[Kind::Forbidden])
}

input! {
    /// Whose stories: of those the caller follows and their own, unless said.
    pub struct ListStories {
        pub author_id: Option<MemberId>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_stories(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListStories>,
) -> Result<Json<Page<Story>>> {
    let (now, paging) = (
        app.clock.now(),
        Paging {
            limit: list.limit,
            cursor: list.cursor,
        },
    );
    let found = match list.author_id {
        Some(author) => store::list_by(&app.db, actor.id, author, now, paging).await?,
        None => store::list_followed(&app.db, actor.id, now, paging).await?,
    };
    let found = ops::with_media(&app, found).await?;
    Ok(Json(Page::of(found, paging.limit, |story| Cursor(story.id.0))))
}

input! {
    /// What to tell, and to whom.
    pub struct NewStory {
        /// May be left out of a story with media.
        #[serde(default)]
        pub caption: Text<0, 500>,
        /// One of the author's own media that is ready.
        #[serde(default)]
        pub media_ids: Few<MediaId, 1>,
        #[serde(default)]
        pub visibility: Audience,
    }
}

async fn create_story(
    app: AppState,
    actor: CurrentUser,
    once: Once,
    Json(new): Json<NewStory>,
) -> Result<Created<Story>> {
    let medium = new.media_ids.first().copied();
    Ok(ops::create_story(&app, &actor, once, new.caption.into(), new.visibility, medium).await?)
}

async fn show_story(app: AppState, actor: CurrentUser, Path(id): Path<StoryId>) -> Result<Json<Story>> {
    let story = store::find(&app.db, actor.id, app.clock.now(), id).await?;
    let story = story.ok_or_else(|| not_found("story"))?;
    let story = ops::with_media(&app, vec![story]).await?.pop();
    Ok(Json(story.ok_or_else(|| not_found("story"))?))
}

async fn delete_story(app: AppState, actor: CurrentUser, Path(id): Path<StoryId>) -> Result<NoContent> {
    ops::delete_story(&app, &actor, id).await?;
    Ok(NoContent)
}

async fn see_story(app: AppState, actor: CurrentUser, Path(id): Path<StoryId>) -> Result<NoContent> {
    ops::see_story(&app, &actor, id).await?;
    Ok(NoContent)
}

async fn list_story_views(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<StoryId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<View>>> {
    let story = store::find(&app.db, actor.id, app.clock.now(), id).await?;
    if story.ok_or_else(|| not_found("story"))?.author.id != actor.id {
        return Err(forbidden("not_author").about("story").into());
    }
    let found = store::list_views(&app.db, actor.id, id, paging).await?;
    Ok(Json(Page::of(found, paging.limit, |view| {
        Cursor(view.member.id.0)
    })))
}
