//! `/access-tokens`: only somebody who is logged in makes, sees or deletes them.

use super::{AccessToken, AccessTokenId, Scope, ops, store};
use crate::{CurrentUser, Fresh, origin::Origin};
use base::{Cursor, Kind, Line, Page, Paging, Whole, input, page::Limit};
use platform::{
    AppState,
    http::{Created, Json, NoContent, Path, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("access_tokens")
        .get(
            "/access-tokens",
            "list_access_tokens",
            list_access_tokens,
            "One's access tokens, the newest first",
        )
        .post(
            "/access-tokens",
            "create_access_token",
            create_access_token,
            "Make an access token; the answer holds the only copy of it",
        )
        .refuses(&[Kind::Conflict])
        .delete(
            "/access-tokens/{token_id}",
            "delete_access_token",
            delete_access_token,
            "End an access token",
        )
}

input! {
    /// Which page.
    pub struct ListAccessTokens {
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_access_tokens(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListAccessTokens>,
) -> Result<Json<Page<AccessToken>>> {
    let paging = Paging {
        limit: list.limit,
        cursor: list.cursor,
    };
    let tokens = store::list(&app.db, actor.id, paging).await?;
    Ok(Json(Page::of(tokens, paging.limit, |token| Cursor(token.id.0))))
}

input! {
    /// What the token is for.
    pub struct NewAccessToken {
        pub name: Line<1, 80>,
        /// What it may do; nothing else.
        pub scopes: Vec<Scope>,
        /// When it ends by itself.
        pub expires_in_days: Whole<1, 365>,
    }
}

/// A new token and its secret, which is shown this once.
#[derive(Debug, Serialize, JsonSchema)]
struct NewTokenSecret {
    /// To be sent as `Authorization: Bearer …`.
    token: String,
    access_token: AccessToken,
}

async fn create_access_token(
    app: AppState,
    actor: Fresh,
    origin: Origin,
    Json(new): Json<NewAccessToken>,
) -> Result<Created<NewTokenSecret>> {
    let (access_token, token) = ops::create_access_token(
        &app,
        &actor,
        origin,
        new.name.into(),
        new.scopes,
        new.expires_in_days.0,
    )
    .await?;
    Ok(Created::new(NewTokenSecret { token, access_token }))
}

async fn delete_access_token(
    app: AppState,
    actor: CurrentUser,
    origin: Origin,
    Path(id): Path<AccessTokenId>,
) -> Result<NoContent> {
    ops::delete_access_token(&app, &actor, origin, id).await?;
    Ok(NoContent)
}
