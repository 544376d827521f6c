use super::{Reaction, ops};
use crate::posts::PostId;
use accounts::CurrentUser;
use base::input;
use platform::{
    AppState,
    http::{Json, NoContent, Path, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("reactions")
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
}

input! {
    /// How the caller feels.
    pub struct NewReaction {
        #[serde(rename = "type")]
        pub kind: Reaction,
    }
}

/// Where the post stands now.
#[derive(Debug, Serialize, JsonSchema)]
struct ReactionSummary {
    reaction: Reaction,
    like_count: i64,
    liked_by_me: bool,
}

async fn react(
    app: AppState,
    actor: CurrentUser,
    Path(post): Path<PostId>,
    Json(new): Json<NewReaction>,
) -> Result<Json<ReactionSummary>> {
    let like_count = ops::react(&app, &actor, post, new.kind).await?;
    Ok(Json(ReactionSummary {
        reaction: new.kind,
        like_count,
        liked_by_me: true,
    }))
}

async fn unreact(app: AppState, actor: CurrentUser, Path(post): Path<PostId>) -> Result<NoContent> {
    ops::unreact(&app, &actor, post).await?;
    Ok(NoContent)
}
