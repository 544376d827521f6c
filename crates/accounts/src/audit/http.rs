//! `/audit`.

use super::{Action, AuditId, store};
use crate::{May, MemberId, actor::may::PlatformSettings};
use base::{Cursor, Page, Paging, Timestamp};
use platform::{
    AppState,
    http::{Json, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("staff").get(
        "/audit",
        "read_audit_log",
        read_audit_log,
        "What staff did, the newest first",
    )
}

/// Something that staff did.
#[derive(Debug, Serialize, JsonSchema)]
struct AuditEntry {
    id: AuditId,
    /// Null: the command line.
    actor_id: Option<MemberId>,
    /// The actor's user name; null when the account is gone.
    actor: Option<String>,
    action: Action,
    subject_id: Option<MemberId>,
    subject: Option<String>,
    /// Null when the text was erased.
    detail: Option<String>,
    created_at: Timestamp,
    /// The place in the chain; null until it has one.
    seq: Option<i64>,
}

impl From<store::Shown> for AuditEntry {
    fn from(shown: store::Shown) -> AuditEntry {
        AuditEntry {
            id: shown.id,
            actor_id: shown.actor,
            actor: shown.actor_name,
            action: shown.action,
            subject_id: shown.subject,
            subject: shown.subject_name,
            detail: shown.detail,
            created_at: shown.created_at,
            seq: shown.seq,
        }
    }
}

async fn read_audit_log(
    app: AppState,
    _: May<PlatformSettings>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<AuditEntry>>> {
    let entries = store::list(&app.db, paging).await?;
    let page = Page::of(entries, paging.limit, |entry| Cursor(entry.id.0));
    Ok(Json(page.map(AuditEntry::from)))
}
