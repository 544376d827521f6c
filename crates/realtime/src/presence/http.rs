//! `/me/presence`: who may see when the caller is there.

use super::{Visibility, store, worker};
use accounts::CurrentUser;
use base::input;
use platform::{
    AppState,
    http::{Json, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("presence")
        .get(
            "/me/presence",
            "show_my_presence",
            show_my_presence,
            "Who may see when I am there",
        )
        .patch(
            "/me/presence",
            "set_my_presence",
            set_my_presence,
            "Choose who may see when I am there",
        )
}

/// The caller's choice.
#[derive(Debug, Serialize, JsonSchema)]
struct MyPresence {
    visibility: Visibility,
}

input! {
    /// Who may see when the caller is there, and when they were last.
    pub struct SetVisibility {
        pub visibility: Visibility,
    }
}

async fn show_my_presence(app: AppState, actor: CurrentUser) -> Result<Json<MyPresence>> {
    let visibility = store::visibility(&app.db, actor.id).await?;
    Ok(Json(MyPresence { visibility }))
}

async fn set_my_presence(
    app: AppState,
    actor: CurrentUser,
    Json(new): Json<SetVisibility>,
) -> Result<Json<MyPresence>> {
    let visibility = new.visibility;
    app.db
        .write_again(move |tx| async move { store::set_visibility(&tx, actor.id, visibility).await })
        .await?;
    worker::visibility_changed(&app, actor.id).await;
    Ok(Json(MyPresence { visibility }))
}
