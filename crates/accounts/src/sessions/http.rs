//! `/me/sessions`: where a member is logged in.

use super::{Reason, Revoked, SessionId, list_living, ops::Living, store};
use crate::{CurrentUser, origin::Origin};
use base::{Line, Result as Outcome, Timestamp, error::not_found, input};
use db::params;
use platform::{
    AppState,
    http::{Json, NoContent, Path, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("sessions")
        .get(
            "/me/sessions",
            "list_sessions",
            list_sessions,
            "Where am I logged in",
        )
        .delete(
            "/me/sessions",
            "end_other_sessions",
            end_other_sessions,
            "Log out everywhere else",
        )
        .patch(
            "/me/sessions/{session}",
            "label_session",
            label_session,
            "Give a session a name",
        )
        .delete(
            "/me/sessions/{session}",
            "end_session",
            end_session,
            "Log out there",
        )
}

/// A log-in on one device.
#[derive(Debug, Serialize, JsonSchema)]
struct SessionView {
    id: SessionId,
    /// The one this request came through.
    current: bool,
    /// The member's own name for it, or empty.
    label: String,
    /// For instance `Firefox on Linux`.
    device: String,
    /// `web` or `native`.
    client: String,
    /// Where the log-in came from, cut to /24 or /48; forgotten after 30 days.
    network: Option<String>,
    /// Log-in asked to be remembered.
    remembered: bool,
    created_at: Timestamp,
    last_used_at: Timestamp,
    /// When it ends if nothing happens.
    expires_at: Timestamp,
}

/// All of them: there are never many.
#[derive(Debug, Serialize, JsonSchema)]
struct SessionList {
    items: Vec<SessionView>,
    next_cursor: Option<String>,
}

fn view(app: &AppState, actor: &CurrentUser, session: Living) -> SessionView {
    SessionView {
        current: session.id == actor.session,
        id: session.id,
        label: session.label,
        device: session.device,
        client: session.client,
        network: session.network,
        remembered: session.remembered,
        created_at: session.age.created_at,
        last_used_at: session.age.called_at,
        expires_at: session.age.ends_at(&app.config.accounts),
    }
}

async fn list_sessions(app: AppState, actor: CurrentUser) -> Result<Json<SessionList>> {
    let living = list_living(&app, &app.db, actor.id).await?;
    let items = living
        .into_iter()
        .map(|session| view(&app, &actor, session))
        .collect();
    Ok(Json(SessionList {
        items,
        next_cursor: None,
    }))
}

input! {
    /// A name such as `Phone` or `Milonga laptop`.
    pub struct SessionLabel {
        pub label: Line<0, 60>,
    }
}

async fn label_session(
    app: AppState,
    actor: CurrentUser,
    Path(session): Path<SessionId>,
    Json(new): Json<SessionLabel>,
) -> Result<NoContent> {
    let label = String::from(new.label);
    let count = app
        .db
        .write_again(move |tx| async move {
            tx.execute(
                "UPDATE session SET label = $1 WHERE id = $2 AND member_id = $3 AND revoked_at IS NULL",
                params![label, session, actor.id],
            )
            .await
        })
        .await?;
    if count == 0 {
        return Err(not_found("session").into());
    }
    Ok(NoContent)
}

async fn end_session(
    app: AppState,
    actor: CurrentUser,
    origin: Origin,
    Path(session): Path<SessionId>,
) -> Result<NoContent> {
    let (own, now) = (app.clone(), app.clock.now());
    let ended = app
        .db
        .write_again(move |tx| async move {
            let revoked = Revoked {
                session: Some(session),
                member: actor.id,
                reason: Reason::EndedByMember,
            };
            store::end(&tx, &own, revoked, &origin, now).await
        })
        .await?;
    if ended {
        Ok(NoContent)
    } else {
        Err(not_found("session").into())
    }
}

/// How many sessions ended.
#[derive(Debug, Serialize, JsonSchema)]
struct EndedSessions {
    ended: u64,
}

async fn end_other_sessions(app: AppState, actor: CurrentUser) -> Result<Json<EndedSessions>> {
    Ok(Json(EndedSessions {
        ended: end_others(&app, &actor).await?,
    }))
}

async fn end_others(app: &AppState, actor: &CurrentUser) -> Outcome<u64> {
    let (own, member, session) = (app.clone(), actor.id, actor.session);
    app.db
        .write_again(move |tx| async move {
            super::end_all(&tx, &own, member, Reason::EndedByMember, Some(session)).await
        })
        .await
}
