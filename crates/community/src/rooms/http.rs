use super::{Role, Room, RoomMember, RoomName, ops, policy, store};
use accounts::{CurrentUser, MemberId};
use base::{Cursor, Kind, Line, Page, Paging, input};
use platform::{
    AppState,
    http::{Created, Json, NoContent, Once, Path, PathPair, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    let moderation = [Kind::Forbidden, Kind::Conflict];
    Routes::new("rooms")
        .for_tokens("messages:read", "messages:write")
        .get(
            "/rooms",
            "list_rooms",
            list_rooms,
            "The rooms I am in or invited to, the latest news first",
        )
        .post(
            "/rooms",
            "create_room",
            create_room,
            "Make a room and invite members to it",
        )
        .get(
            "/rooms/open",
            "list_open_rooms",
            list_open_rooms,
            "Rooms that anybody may enter",
        )
        .get(
            "/rooms/unread",
            "count_unread",
            count_unread,
            "How much I have not read",
        )
        .put(
            "/rooms/direct/{member_id}",
            "open_direct_room",
            open_direct_room,
            "The room of a member and me",
        )
        .refuses(&[Kind::Forbidden, Kind::Conflict])
        .get(
            "/rooms/{room}",
            "show_room",
            show_room,
            "One room, by id or short name",
        )
        .patch(
            "/rooms/{room}",
            "rename_room",
            rename_room,
            "Call a room otherwise",
        )
        .refuses(&moderation)
        .put(
            "/rooms/{room}/membership",
            "join_room",
            join_room,
            "Enter an open room, or accept an invitation",
        )
        .refuses(&moderation)
        .patch(
            "/rooms/{room}/membership",
            "mute_room",
            mute_room,
            "Whether I want to be notified of a room",
        )
        .delete(
            "/rooms/{room}/membership",
            "leave_room",
            leave_room,
            "Leave a room, or turn an invitation down",
        )
        .refuses(&moderation)
        .get(
            "/rooms/{room}/members",
            "list_room_members",
            list_room_members,
            "Who is in a room or invited to it",
        )
        .refuses(&[Kind::Forbidden])
        .put(
            "/rooms/{room}/members/{member_id}",
            "invite",
            invite,
            "Invite a member to a room",
        )
        .refuses(&moderation)
        .patch(
            "/rooms/{room}/members/{member_id}",
            "change_room_member",
            change_room_member,
            "Give a role, or silence somebody",
        )
        .refuses(&moderation)
        .delete(
            "/rooms/{room}/members/{member_id}",
            "kick",
            kick,
            "Put somebody out of a room",
        )
        .refuses(&moderation)
}

async fn list_rooms(
    app: AppState,
    actor: CurrentUser,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Room>>> {
    let rooms = store::list_rooms(&app.db, actor.id, paging).await?;
    Ok(Json(Page::of(rooms, paging.limit, |room| {
        Cursor(store::place(room))
    })))
}

input! {
    /// A room to make.
    pub struct NewRoom {
        pub title: Line<1, 120>,
        /// Whom to invite; more can follow.
        #[serde(default)]
        #[schemars(length(max = 100))]
        pub member_ids: Vec<MemberId>,
    }
}

async fn create_room(
    app: AppState,
    actor: CurrentUser,
    once: Once,
    Json(new): Json<NewRoom>,
) -> Result<Created<Room>> {
    if new.member_ids.len() > 100 {
        return Err(base::error::invalid("/member_ids", "too_many").into());
    }
    Ok(ops::create_room(&app, &actor, once, new.title.into(), new.member_ids).await?)
}

async fn list_open_rooms(
    app: AppState,
    actor: CurrentUser,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Room>>> {
    let rooms = store::list_open(&app.db, actor.id, paging).await?;
    Ok(Json(Page::of(rooms, paging.limit, |room| Cursor(room.id.0))))
}

/// What waits to be read, muted rooms aside.
#[derive(Debug, Serialize, JsonSchema)]
struct Unread {
    /// Each room counts up to 100.
    messages: i64,
    rooms: usize,
}

async fn count_unread(app: AppState, actor: CurrentUser) -> Result<Json<Unread>> {
    let rooms = store::unread(&app.db, actor.id).await?;
    Ok(Json(Unread {
        messages: rooms.iter().sum(),
        rooms: rooms.len(),
    }))
}

async fn open_direct_room(
    app: AppState,
    actor: CurrentUser,
    Path(member): Path<MemberId>,
) -> Result<Json<Room>> {
    Ok(Json(ops::open_direct_room(&app, &actor, member).await?))
}

async fn show_room(app: AppState, actor: CurrentUser, Path(room): Path<RoomName>) -> Result<Json<Room>> {
    Ok(Json(ops::show_room(&app, &actor, &room).await?))
}

input! {
    /// How a room shall be called.
    pub struct RoomTitle {
        pub title: Line<1, 120>,
    }
}

async fn rename_room(
    app: AppState,
    actor: CurrentUser,
    Path(room): Path<RoomName>,
    Json(new): Json<RoomTitle>,
) -> Result<Json<Room>> {
    Ok(Json(
        ops::rename_room(&app, &actor, &room, new.title.into()).await?,
    ))
}

async fn join_room(app: AppState, actor: CurrentUser, Path(room): Path<RoomName>) -> Result<Json<Room>> {
    Ok(Json(ops::join_room(&app, &actor, &room).await?))
}

input! {
    /// The caller's own wish about a room.
    pub struct RoomWish {
        pub muted: bool,
    }
}

async fn mute_room(
    app: AppState,
    actor: CurrentUser,
    Path(room): Path<RoomName>,
    Json(wish): Json<RoomWish>,
) -> Result<Json<Room>> {
    Ok(Json(ops::mute_room(&app, &actor, &room, wish.muted).await?))
}

async fn leave_room(app: AppState, actor: CurrentUser, Path(room): Path<RoomName>) -> Result<NoContent> {
    ops::leave_room(&app, &actor, &room).await?;
    Ok(NoContent)
}

async fn list_room_members(
    app: AppState,
    actor: CurrentUser,
    Path(room): Path<RoomName>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<RoomMember>>> {
    let room = policy::reading(ops::standing(&app.db, actor.id, &room).await?)?.room;
    let members = store::list_members(&app.db, actor.id, room, paging).await?;
    Ok(Json(Page::of(members, paging.limit, |member| {
        Cursor(member.member.id.0)
    })))
}

async fn invite(
    app: AppState,
    actor: CurrentUser,
    PathPair(room, member): PathPair<RoomName, MemberId>,
) -> Result<NoContent> {
    ops::invite(&app, &actor, &room, member).await?;
    Ok(NoContent)
}

input! {
    /// What shall change about somebody in a room.
    pub struct RoomMemberChange {
        pub role: Option<Role>,
        pub silenced: Option<bool>,
    }
}

async fn change_room_member(
    app: AppState,
    actor: CurrentUser,
    PathPair(room, member): PathPair<RoomName, MemberId>,
    Json(change): Json<RoomMemberChange>,
) -> Result<NoContent> {
    let wanted = ops::Change {
        role: change.role,
        silenced: change.silenced,
    };
    ops::change_member(&app, &actor, &room, member, wanted).await?;
    Ok(NoContent)
}

async fn kick(
    app: AppState,
    actor: CurrentUser,
    PathPair(room, member): PathPair<RoomName, MemberId>,
) -> Result<NoContent> {
    ops::kick(&app, &actor, &room, member).await?;
    Ok(NoContent)
}
