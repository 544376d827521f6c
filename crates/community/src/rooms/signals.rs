//! What is told of rooms: to those in them, and to who comes into one.

use super::{Role, RoomId, RoomKind, RoomName, store};
use crate::profiles::Author;
use accounts::MemberId;
use base::Result;
use platform::AppState;
use realtime::{Push, Rendered, Sockets, streams::Stream};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;
use uuid::Uuid;

/// `room:added`, on a member's own stream: they are in a room, or invited to one.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RoomAdded {
    pub room: String,
    pub id: RoomId,
    pub kind: RoomKind,
}

impl Push for RoomAdded {
    const NAME: &'static str = "room:added";
}

/// `room:changed`: how the room is called now.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RoomChanged {
    pub room: String,
    pub id: RoomId,
    pub title: String,
}

impl Push for RoomChanged {
    const NAME: &'static str = "room:changed";
}

/// `member:joined`: somebody is in the room now.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MemberJoined {
    pub room: String,
    pub member: Author,
}

impl Push for MemberJoined {
    const NAME: &'static str = "member:joined";
}

/// `member:left`: somebody went, or was put out.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MemberLeft {
    pub room: String,
    pub member_id: MemberId,
}

impl Push for MemberLeft {
    const NAME: &'static str = "member:left";
}

/// `member:changed`: somebody has another role, or was silenced.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MemberChanged {
    pub room: String,
    pub member_id: MemberId,
    pub role: Role,
    pub silenced: bool,
}

impl Push for MemberChanged {
    const NAME: &'static str = "member:changed";
}

/// What is told of rooms. Which rooms can be joined stands in `messages`, beside what is said there.
pub fn sockets() -> Sockets {
    Sockets::new("rooms")
        .durable(render_added, "I am in a room, or invited to one")
        .durable(render_changed, "A room is called otherwise")
        .durable(render_joined, "Somebody is in the room now")
        .durable(render_left, "Somebody left the room")
        .asks_readers_again()
        .durable(
            render_member_changed,
            "Somebody has another role, or was silenced",
        )
}

type Rows<P> = Result<HashMap<Uuid, Rendered<P>>>;

async fn render_added(app: AppState, _: Stream, rooms: Vec<Uuid>) -> Rows<RoomAdded> {
    let found = store::named(&app.db, &rooms).await?;
    let added = found.into_iter().map(|(id, kind, slug, _)| {
        let push = RoomAdded {
            room: RoomName::on_the_wire(id, slug.as_deref()),
            id,
            kind,
        };
        (id.0, Rendered { from: None, push })
    });
    Ok(added.collect())
}

async fn render_changed(app: AppState, _: Stream, rooms: Vec<Uuid>) -> Rows<RoomChanged> {
    let found = store::named(&app.db, &rooms).await?;
    let changed = found.into_iter().map(|(id, _, slug, title)| {
        let push = RoomChanged {
            room: RoomName::on_the_wire(id, slug.as_deref()),
            id,
            title,
        };
        (id.0, Rendered { from: None, push })
    });
    Ok(changed.collect())
}

async fn render_joined(app: AppState, stream: Stream, members: Vec<Uuid>) -> Rows<MemberJoined> {
    let Some(room) = name(&app, stream).await? else {
        return Ok(HashMap::new());
    };
    let found = store::authors(&app.db, &members).await?;
    let joined = found.into_iter().map(|member| {
        let (id, from, room) = (member.id.0, Some(member.id), room.clone());
        let push = MemberJoined { room, member };
        (id, Rendered { from, push })
    });
    Ok(joined.collect())
}

async fn render_left(app: AppState, stream: Stream, members: Vec<Uuid>) -> Rows<MemberLeft> {
    let Some(room) = name(&app, stream).await? else {
        return Ok(HashMap::new());
    };
    let left = members.into_iter().map(|id| {
        let (member_id, room) = (MemberId(id), room.clone());
        let push = MemberLeft { room, member_id };
        let from = Some(member_id);
        (id, Rendered { from, push })
    });
    Ok(left.collect())
}

async fn render_member_changed(app: AppState, stream: Stream, members: Vec<Uuid>) -> Rows<MemberChanged> {
    let Some(room) = name(&app, stream).await? else {
        return Ok(HashMap::new());
    };
    let found = store::roles(&app.db, RoomId(stream.id), &members).await?;
    let changed = found.into_iter().map(|(member_id, role, silenced)| {
        let push = MemberChanged {
            room: room.clone(),
            member_id,
            role,
            silenced,
        };
        let from = Some(member_id);
        (member_id.0, Rendered { from, push })
    });
    Ok(changed.collect())
}

async fn name(app: &AppState, stream: Stream) -> Result<Option<String>> {
    let found = store::named(&app.db, &[stream.id]).await?;
    Ok(found
        .first()
        .map(|(id, _, slug, _)| RoomName::on_the_wire(*id, slug.as_deref())))
}
