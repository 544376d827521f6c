//! Whether a member is there, and when they were last, as far as the reader may know.
//!
//! Real time knows who is connected; here is who may be told. A member chooses
//! (`PATCH /me/presence`): everybody, those whom they follow, or nobody. Who may
//! not know, and who asks about somebody who was never there, hear the same:
//! offline, and nothing more. In a room that both have entered, presence is seen
//! by everybody there, unless the member wants to be seen by nobody.
//!
//! Never true: a blocked member's presence told in either direction.

mod http;
mod socket;
mod store;
#[cfg(test)]
mod tests;

pub use http::routes;
pub use socket::sockets;

use accounts::MemberId;
use base::{Result, Timestamp};
use platform::AppState;
use realtime::{Realtime, presence::Status, presence::Visibility};
use schemars::JsonSchema;
use serde::Serialize;

/// A member's presence as the reader may know it.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct MemberPresence {
    pub member_id: MemberId,
    pub status: Status,
    /// When the member was last there; null while they are, or when that is not for the reader.
    pub last_seen_at: Option<Timestamp>,
}

/// Of these members, those whom the reader may know to exist.
async fn presence_of(app: &AppState, reader: MemberId, members: &[MemberId]) -> Result<Vec<MemberPresence>> {
    let known = store::find(&app.db, reader, members).await?;
    let realtime = Realtime::of(app);
    let told = known.into_iter().map(|known| {
        let may_know = match known.visibility {
            Visibility::Everybody => true,
            Visibility::Contacts => known.follows_reader,
            Visibility::Nobody => false,
        };
        let status = realtime.status(known.id);
        let is_there = status != Status::Offline;
        let last = realtime.just_seen(known.id).max(known.last_seen_at);
        let tells = may_know || known.id == reader;
        MemberPresence {
            member_id: known.id,
            status: if tells { status } else { Status::Offline },
            last_seen_at: last.filter(|_| tells && !is_there),
        }
    });
    Ok(told.collect())
}
