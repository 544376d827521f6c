//! `/me/security-log`.

use super::{EntryId, Noted, SecurityEvent, list};
use crate::{CurrentUser, SessionId};
use base::{Cursor, Page, Paging, Timestamp};
use platform::{
    AppState,
    http::{Json, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("sessions").get(
        "/me/security-log",
        "read_security_log",
        read_security_log,
        "What happened to my account",
    )
}

/// Something that happened to the account.
#[derive(Debug, Serialize, JsonSchema)]
struct SecurityLogEntry {
    id: EntryId,
    kind: SecurityEvent,
    /// Why a session ended, which role changed: one word.
    detail: Option<String>,
    session_id: Option<SessionId>,
    /// For instance `Firefox on Linux`; empty when nobody called.
    device: String,
    /// Cut to /24 or /48; forgotten after 30 days.
    network: Option<String>,
    created_at: Timestamp,
}

impl From<Noted> for SecurityLogEntry {
    fn from(noted: Noted) -> SecurityLogEntry {
        SecurityLogEntry {
            id: noted.id,
            kind: noted.kind,
            detail: noted.detail,
            session_id: noted.session,
            device: noted.device,
            network: noted.network,
            created_at: noted.at,
        }
    }
}

async fn read_security_log(
    app: AppState,
    actor: CurrentUser,
    Query(page): Query<Paging>,
) -> Result<Json<Page<SecurityLogEntry>>> {
    let entries = list(&app.db, actor.id, page).await?;
    let page = Page::of(entries, page.limit, |entry| Cursor(entry.id.0));
    Ok(Json(page.map(SecurityLogEntry::from)))
}
