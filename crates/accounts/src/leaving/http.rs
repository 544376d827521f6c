//! `/me/export` and `/me/deletion`.

use super::{Deletion, export, ops, store};
use crate::{
    CurrentUser, Fresh,
    limits::Table,
    origin::Origin,
    security_log::{SecurityEvent, log_security},
};
use base::{Kind, Line, error::not_found, input};
use platform::{
    AppState,
    http::{Context, Download, Json, NoContent, Result, Routes},
};

pub fn routes() -> Routes {
    Routes::new("leaving")
        .get(
            "/me/export",
            "export_data",
            export_data,
            "All that belongs to me, as one JSON document",
        )
        .get(
            "/me/deletion",
            "show_deletion",
            show_deletion,
            "When my account will end, if I asked for it",
        )
        .refuses(&[Kind::NotFound])
        .put(
            "/me/deletion",
            "ask_for_deletion",
            ask_for_deletion,
            "End my account after a pause; all sessions and access tokens end now",
        )
        .delete(
            "/me/deletion",
            "take_deletion_back",
            take_deletion_back,
            "Stay after all",
        )
        .refuses(&[Kind::NotFound, Kind::Conflict])
}

async fn export_data(
    app: AppState,
    actor: Fresh,
    Context(context): Context,
    origin: Origin,
) -> Result<Download> {
    let limit = Table::of(&app.config).export;
    context.limited(app.limits.take(limit, actor.id).await)?;
    let (own, who) = (app.clone(), *actor);
    app.db
        .write_again(move |tx| async move {
            log_security(&tx, &own, &who, SecurityEvent::Exported, None, &origin).await
        })
        .await?;
    let day = &app.clock.now().to_string()[..10];
    Ok(Download {
        name: format!("mundo-tango-{day}.json"),
        bytes: export::export(&app, actor.id).await?,
    })
}

async fn show_deletion(app: AppState, actor: CurrentUser) -> Result<Json<Deletion>> {
    let deletion = store::find(&app.db, actor.id).await?;
    Ok(Json(deletion.ok_or_else(|| not_found("deletion"))?))
}

input! {
    /// Typed by the member, so that nobody does it by accident.
    pub struct AskForDeletion {
        /// Their own user name.
        pub username: Line<1, 30>,
    }
}

async fn ask_for_deletion(
    app: AppState,
    actor: Fresh,
    origin: Origin,
    Json(asked): Json<AskForDeletion>,
) -> Result<Json<Deletion>> {
    Ok(Json(
        ops::ask_for_deletion(&app, &actor, origin, &asked.username).await?,
    ))
}

async fn take_deletion_back(app: AppState, actor: CurrentUser, origin: Origin) -> Result<NoContent> {
    ops::take_deletion_back(&app, &actor, origin).await?;
    Ok(NoContent)
}
