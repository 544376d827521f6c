use super::{Reaction, Reactor, Subject, ops, store};
use crate::{
    comments::{CommentId, store as comments},
    posts::{PostId, store as posts},
};
use accounts::CurrentUser;
use base::{Cursor, Page, Paging, error::not_found, input, page::Limit};
use platform::{
    AppState,
    http::{Json, NoContent, Path, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("reactions")
        .for_tokens("posts:read", "posts:write")
        .get(
            "/posts/{post_id}/reactions",
            "list_reactions",
            list_reactions,
            "Who reacted to a post in one way",
        )
        .get(
            "/posts/{post_id}/reactions/summary",
            "show_reactions",
            show_reactions,
            "How many reacted to a post in each way",
        )
        .post(
            "/posts/{post_id}/reactions",
            "react",
            react,
            "React to a post, or exchange the reaction",
        )
        .delete(
            "/posts/{post_id}/reactions",
            "unreact",
            unreact,
            "Take one's reaction back",
        )
        .get(
            "/comments/{comment_id}/reactions",
            "list_comment_reactions",
            list_comment_reactions,
            "Who reacted to a comment in one way",
        )
        .get(
            "/comments/{comment_id}/reactions/summary",
            "show_comment_reactions",
            show_comment_reactions,
            "How many reacted to a comment in each way",
        )
        .post(
            "/comments/{comment_id}/reactions",
            "react_to_comment",
            react_to_comment,
            "React to a comment, or exchange the reaction",
        )
        .delete(
            "/comments/{comment_id}/reactions",
            "unreact_to_comment",
            unreact_to_comment,
            "Take one's reaction to a comment back",
        )
}

input! {
    /// How the caller feels.
    pub struct NewReaction {
        #[serde(rename = "type")]
        pub kind: Reaction,
    }
}

input! {
    /// Which of them.
    pub struct ListReactions {
        #[serde(rename = "type")]
        pub kind: Reaction,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

/// Where it stands now.
#[derive(Debug, Serialize, JsonSchema)]
struct ReactionSummary {
    reaction: Reaction,
    like_count: i64,
    liked_by_me: bool,
}

/// Members who reacted in one way.
#[derive(Debug, Serialize, JsonSchema)]
struct PostReactionCount {
    #[serde(rename = "type")]
    kind: Reaction,
    count: i64,
}

/// How many reacted in each way that somebody chose.
#[derive(Debug, Serialize, JsonSchema)]
struct PostReactions {
    counts: Vec<PostReactionCount>,
}

async fn list(
    app: &AppState,
    actor: &CurrentUser,
    subject: Subject,
    list: ListReactions,
) -> Result<Json<Page<Reactor>>> {
    readable(app, actor, subject).await?;
    let paging = Paging {
        limit: list.limit,
        cursor: list.cursor,
    };
    let found = store::list(&app.db, actor.id, subject, list.kind, paging).await?;
    Ok(Json(Page::of(found, paging.limit, |reactor| {
        Cursor(reactor.member.id.0)
    })))
}

async fn counts(app: &AppState, actor: &CurrentUser, subject: Subject) -> Result<Json<PostReactions>> {
    readable(app, actor, subject).await?;
    let found = store::summary(&app.db, actor.id, subject).await?;
    let counts = found
        .into_iter()
        .map(|(kind, count)| PostReactionCount { kind, count });
    Ok(Json(PostReactions {
        counts: counts.collect(),
    }))
}

async fn readable(app: &AppState, actor: &CurrentUser, subject: Subject) -> base::Result<()> {
    match subject {
        Subject::Post(id) => match posts::author_of(&app.db, actor.id, id).await? {
            Some(_) => Ok(()),
            None => Err(not_found("post")),
        },
        Subject::Comment(id) => match comments::find(&app.db, actor.id, id).await? {
            Some(_) => Ok(()),
            None => Err(not_found("comment")),
        },
    }
}

async fn reacted(
    app: &AppState,
    actor: &CurrentUser,
    subject: Subject,
    kind: Reaction,
) -> Result<Json<ReactionSummary>> {
    let like_count = ops::react(app, actor, subject, kind).await?;
    Ok(Json(ReactionSummary {
        reaction: kind,
        like_count,
        liked_by_me: true,
    }))
}

async fn list_reactions(
    app: AppState,
    actor: CurrentUser,
    Path(post): Path<PostId>,
    Query(which): Query<ListReactions>,
) -> Result<Json<Page<Reactor>>> {
    list(&app, &actor, Subject::Post(post), which).await
}

async fn show_reactions(
    app: AppState,
    actor: CurrentUser,
    Path(post): Path<PostId>,
) -> Result<Json<PostReactions>> {
    counts(&app, &actor, Subject::Post(post)).await
}

async fn react(
    app: AppState,
    actor: CurrentUser,
    Path(post): Path<PostId>,
    Json(new): Json<NewReaction>,
) -> Result<Json<ReactionSummary>> {
    reacted(&app, &actor, Subject::Post(post), new.kind).await
}

async fn unreact(app: AppState, actor: CurrentUser, Path(post): Path<PostId>) -> Result<NoContent> {
    ops::unreact(&app, &actor, Subject::Post(post)).await?;
    Ok(NoContent)
}

async fn list_comment_reactions(
    app: AppState,
    actor: CurrentUser,
    Path(comment): Path<CommentId>,
    Query(which): Query<ListReactions>,
) -> Result<Json<Page<Reactor>>> {
    list(&app, &actor, Subject::Comment(comment), which).await
}

async fn show_comment_reactions(
    app: AppState,
    actor: CurrentUser,
    Path(comment): Path<CommentId>,
) -> Result<Json<PostReactions>> {
    counts(&app, &actor, Subject::Comment(comment)).await
}

async fn react_to_comment(
    app: AppState,
    actor: CurrentUser,
    Path(comment): Path<CommentId>,
    Json(new): Json<NewReaction>,
) -> Result<Json<ReactionSummary>> {
    reacted(&app, &actor, Subject::Comment(comment), new.kind).await
}

async fn unreact_to_comment(
    app: AppState,
    actor: CurrentUser,
    Path(comment): Path<CommentId>,
) -> Result<NoContent> {
    ops::unreact(&app, &actor, Subject::Comment(comment)).await?;
    Ok(NoContent)
}
