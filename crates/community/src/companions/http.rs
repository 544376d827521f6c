use super::{Companionship, Consent, ops, store};
use crate::posts::PostId;
use accounts::{CurrentUser, MemberId};
use base::{Cursor, Kind, Page, Paging, choice, input, page::Limit};
use platform::{
    AppState,
    http::{Json, NoContent, Path, PathPair, Query, Result, Routes},
};

pub fn routes() -> Routes {
    Routes::new("companions")
        .get(
            "/companionships",
            "list_companionships",
            list_companionships,
            "Posts that ask whether they may name me, or do",
        )
        .put(
            "/companionships/{post_id}",
            "answer_companionship",
            answer_companionship,
            "Agree to be named on a post, or not",
        )
        .put(
            "/posts/{post_id}/companions/{member_id}",
            "ask_companion",
            ask_companion,
            "Ask a member whether one's post may name them",
        )
        .refuses(&[Kind::Forbidden])
        .delete(
            "/posts/{post_id}/companions/{member_id}",
            "remove_companion",
            remove_companion,
            "Name a member on one's post no more",
        )
        .refuses(&[Kind::Forbidden])
}

input! {
    /// Those that wait for an answer, unless said.
    pub struct ListCompanionships {
        pub status: Option<Consent>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_companionships(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListCompanionships>,
) -> Result<Json<Page<Companionship>>> {
    let paging = Paging {
        limit: list.limit,
        cursor: list.cursor,
    };
    let status = list.status.unwrap_or(Consent::Asked);
    let found = store::list(&app.db, actor.id, status, paging).await?;
    Ok(Json(Page::of(found, paging.limit, |asked| {
        Cursor(asked.post_id.0)
    })))
}

choice! {
    /// Yes or no.
    #[schemars(rename = "CompanionAnswer")]
    pub enum Answer {
        Approved = "approved",
        Denied = "denied",
    }
}

input! {
    /// Whether the post may name the caller.
    pub struct NewCompanionAnswer {
        pub status: Answer,
    }
}

async fn answer_companionship(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<PostId>,
    Json(new): Json<NewCompanionAnswer>,
) -> Result<NoContent> {
    let answer = match new.status {
        Answer::Approved => Consent::Approved,
        Answer::Denied => Consent::Denied,
    };
    ops::answer(&app, &actor, id, answer).await?;
    Ok(NoContent)
}

async fn ask_companion(
    app: AppState,
    actor: CurrentUser,
    PathPair(id, member): PathPair<PostId, MemberId>,
) -> Result<NoContent> {
    ops::ask_companion(&app, &actor, id, member).await?;
    Ok(NoContent)
}

async fn remove_companion(
    app: AppState,
    actor: CurrentUser,
    PathPair(id, member): PathPair<PostId, MemberId>,
) -> Result<NoContent> {
    ops::remove_companion(&app, &actor, id, member).await?;
    Ok(NoContent)
}
