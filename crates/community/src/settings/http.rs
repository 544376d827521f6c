use super::{Settings, model::SettingsChanges, store};
use accounts::CurrentUser;
use base::{Error, Kind};
use platform::{
    AppState,
    http::{IfMatch, Json, Result, Routes, Tagged},
};

pub fn routes() -> Routes {
    Routes::new("settings")
        .get("/me/settings", "show_settings", show_settings, "My settings")
        .patch(
            "/me/settings",
            "edit_settings",
            edit_settings,
            "Want something to be otherwise",
        )
}

async fn show_settings(app: AppState, actor: CurrentUser) -> Result<Tagged<Settings>> {
    Ok(Tagged(store::find(&app.db, actor.id).await?))
}

async fn edit_settings(
    app: AppState,
    actor: CurrentUser,
    seen: IfMatch,
    Json(changes): Json<SettingsChanges>,
) -> Result<Tagged<Settings>> {
    let (member, now) = (actor.id, app.clock.now());
    let settings = app
        .db
        .write_again(move |tx| async move {
            let before = store::find(&tx, member).await?;
            seen.check(before.version)?;
            let settings = changes.over(before);
            if !store::put(&tx, member, &settings, now).await? {
                return Err(Error::new(Kind::Stale, "stale"));
            }
            store::find(&tx, member).await
        })
        .await?;
    Ok(Tagged(settings))
}
