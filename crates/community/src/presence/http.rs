use super::{MemberPresence, presence_of};
use accounts::{CurrentUser, MemberId};
use base::error::not_found;
use platform::{
    AppState,
    http::{Json, Path, Result, Routes},
};

pub fn routes() -> Routes {
    Routes::new("presence")
        .for_tokens("members:read", "members:read")
        .get(
            "/members/{member}/presence",
            "show_presence",
            show_presence,
            "Whether a member is there, or when they last were",
        )
}

async fn show_presence(
    app: AppState,
    actor: CurrentUser,
    Path(member): Path<MemberId>,
) -> Result<Json<MemberPresence>> {
    let found = presence_of(&app, actor.id, &[member]).await?;
    Ok(Json(*found.first().ok_or_else(|| not_found("member"))?))
}
