//! What goes down sockets.

use super::{NotificationId, NotificationKind, store};
use accounts::MemberId;
use base::{Result, Timestamp};
use platform::AppState;
use realtime::{Push, Rendered, Sockets, Stream};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;
use uuid::Uuid;

/// `notification:new`: something is in the list, or happened once more. The list has the rest.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NotificationNew {
    pub id: NotificationId,
    pub kind: NotificationKind,
}

/// `notifications:read`: another device of the member has read some. Ephemeral: after a reconnect
/// the list is the truth.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NotificationsRead {
    pub until: Timestamp,
}

impl Push for NotificationNew {
    const NAME: &'static str = "notification:new";
}
impl Push for NotificationsRead {
    const NAME: &'static str = "notifications:read";
}

pub fn sockets() -> Sockets {
    Sockets::new("notifications")
        .durable(render_new, "The member is told of something")
        .ephemeral::<NotificationsRead>("Another device of the member has read notifications")
}

async fn render_new(
    app: AppState,
    stream: Stream,
    rows: Vec<Uuid>,
) -> Result<HashMap<Uuid, Rendered<NotificationNew>>> {
    let mut rendered = HashMap::new();
    for row in rows {
        let id = NotificationId(row);
        if let Some(found) = store::find(&app.db, MemberId(stream.id), id).await? {
            let from = found.actors.first().map(|actor| actor.id);
            let push = NotificationNew { id, kind: found.kind };
            rendered.insert(row, Rendered { from, push });
        }
    }
    Ok(rendered)
}
