use super::{
    MemberChanged, MemberJoined, MemberLeft, Role, Room, RoomAdded, RoomChanged, RoomId, RoomKind, RoomName,
    Standing, Status, model::pair, policy, store,
};
use crate::{newcomers, profiles, settings};
use accounts::{CurrentUser, MemberId};
use base::{
    Result, Timestamp,
    error::{conflict, internal, not_found},
};
use db::{Executor, Tx};
use platform::{
    AppState,
    http::{Created, Once},
};
use realtime::streams::{Entry, Stream, append, append_all};
use uuid::Uuid;

/// A room as the caller may see it.
pub async fn show_room(app: &AppState, actor: &CurrentUser, name: &RoomName) -> Result<Room> {
    let standing = policy::knowing(standing(&app.db, actor.id, name).await?)?;
    seen(&app.db, actor.id, standing.room).await
}

/// Where a member stands with a room of that name.
pub async fn standing(db: &impl Executor, member: MemberId, name: &RoomName) -> Result<Option<Standing>> {
    match store::id_of(db, name).await? {
        Some(room) => store::standing(db, member, room).await,
        None => Ok(None),
    }
}

async fn seen(db: &impl Executor, reader: MemberId, room: RoomId) -> Result<Room> {
    store::find(db, reader, room)
        .await?
        .ok_or_else(|| not_found("room"))
}

/// The room of two, made when it is not there. However often and by whomever it is opened,
/// there is one.
pub async fn open_direct_room(app: &AppState, actor: &CurrentUser, other: MemberId) -> Result<Room> {
    if actor.id == other {
        return Err(conflict("cannot_talk_to_yourself"));
    }
    let (own, me, now) = (app.clone(), actor.id, app.clock.now());
    if store::direct_between(&app.db, me, other).await?.is_none() {
        newcomers::may_write_first(app, me, other).await?;
    }
    let id: RoomId = app.ids.next();
    app.db
        .write_again(move |tx| async move {
            profiles::store::lock_pair(&tx, me, other).await?;
            if !profiles::store::is_visible(&tx, me, other).await? {
                return Err(not_found("member"));
            }
            if let Some(room) = store::direct_between(&tx, me, other).await? {
                return seen(&tx, me, room).await;
            }
            let wanted = settings::store::find(&tx, other).await?.messages_from;
            policy::may_write_first(settings::store::is_heard(&tx, other, wanted, me).await?)?;
            let new = store::NewRoom {
                id,
                kind: RoomKind::Direct,
                slug: None,
                title: "",
                pair: Some(pair(me, other)),
                group: None,
            };
            store::insert(&tx, new, now).await?;
            for member in [me, other] {
                store::put_member(&tx, id, member, Role::Member, Status::Joined, now).await?;
            }
            store::count(&tx, id, 2).await?;
            let room = seen(&tx, me, id).await?;
            let added = [me, other].map(|member| (Stream::user(member), Entry::new::<RoomAdded>(id, now)));
            append_all(&tx, &own, added.into()).await?;
            Ok(room)
        })
        .await
}

/// A room by invitation, with its maker as owner and the others invited.
pub async fn create_room(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    title: String,
    invited: Vec<MemberId>,
) -> Result<Created<Room>> {
    let (own, me, now) = (app.clone(), actor.id, app.clock.now());
    for other in &invited {
        newcomers::may_write_first(app, me, *other).await?;
    }
    let id: RoomId = app.ids.next();
    once.create(app, me.0, "create_room", move |tx| async move {
        let new = store::NewRoom {
            id,
            kind: RoomKind::Group,
            slug: None,
            title: &title,
            pair: None,
            group: None,
        };
        store::insert(&tx, new, now).await?;
        store::put_member(&tx, id, me, Role::Owner, Status::Joined, now).await?;
        store::count(&tx, id, 1).await?;
        let mut told = vec![(Stream::user(me), Entry::new::<RoomAdded>(id, now))];
        let mut invited = invited;
        invited.sort_unstable();
        invited.dedup();
        for other in invited.into_iter().filter(|other| *other != me) {
            if !profiles::store::is_visible(&tx, me, other).await? {
                return Err(not_found("member"));
            }
            store::put_member(&tx, id, other, Role::Member, Status::Invited, now).await?;
            told.push((Stream::user(other), Entry::new::<RoomAdded>(id, now)));
        }
        let room = seen(&tx, me, id).await?;
        append_all(&tx, &own, told).await?;
        Ok(room)
    })
    .await
}

/// Runs a change of who is in a room, or how: with the room's row locked and the actor's standing read.
async fn change<T, F, Fut>(app: &AppState, actor: &CurrentUser, name: &RoomName, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce(AppState, Tx, Standing, Timestamp) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<T>> + Send,
{
    let (own, me, now) = (app.clone(), actor.id, app.clock.now());
    let room = store::id_of(&app.db, name)
        .await?
        .ok_or_else(|| not_found("room"))?;
    app.db
        .write_again(move |tx| async move {
            if !store::lock(&tx, room).await? {
                return Err(not_found("room"));
            }
            let standing = policy::knowing(store::standing(&tx, me, room).await?)?;
            work(own, tx, standing, now).await
        })
        .await
}

pub async fn rename_room(
    app: &AppState,
    actor: &CurrentUser,
    name: &RoomName,
    title: String,
) -> Result<Room> {
    let me = actor.id;
    change(app, actor, name, move |app, tx, standing, now| async move {
        policy::may_look_after(&standing)?;
        store::rename(&tx, standing.room, &title).await?;
        let room = seen(&tx, me, standing.room).await?;
        let changed = Entry::new::<RoomChanged>(standing.room, now);
        append(&tx, &app, standing.room.stream(), changed).await?;
        Ok(room)
    })
    .await
}

/// Enters an open room, or accepts an invitation.
pub async fn join_room(app: &AppState, actor: &CurrentUser, name: &RoomName) -> Result<Room> {
    let me = actor.id;
    change(app, actor, name, move |app, tx, standing, now| async move {
        if standing.status == Some(Status::Joined) {
            return seen(&tx, me, standing.room).await;
        }
        policy::may_join(&standing)?;
        enter(&tx, standing.room, me, standing.role, now).await?;
        let room = seen(&tx, me, standing.room).await?;
        tell(&tx, &app, standing.room, Entry::new::<MemberJoined>(me, now)).await?;
        Ok(room)
    })
    .await
}

/// Leaves a room, or turns an invitation down. An owner hands over to an admin, or to whoever
/// is there the longest; the last one takes a group room with them.
pub async fn leave_room(app: &AppState, actor: &CurrentUser, name: &RoomName) -> Result<()> {
    let me = actor.id;
    change(app, actor, name, move |app, tx, standing, now| async move {
        policy::may_leave(&standing)?;
        leave(&tx, &app, &standing, me, now).await
    })
    .await
}

pub async fn invite(app: &AppState, actor: &CurrentUser, name: &RoomName, other: MemberId) -> Result<()> {
    let me = actor.id;
    change(app, actor, name, move |app, tx, standing, now| async move {
        policy::may_look_after(&standing)?;
        if !profiles::store::is_visible(&tx, me, other).await? {
            return Err(not_found("member"));
        }
        match store::member(&tx, standing.room, me, other).await? {
            Some((_, Status::Joined | Status::Invited)) => return Ok(()),
            Some((_, Status::Removed)) | None => {}
        }
        store::put_member(&tx, standing.room, other, Role::Member, Status::Invited, now).await?;
        let added = Entry::new::<RoomAdded>(standing.room, now);
        append(&tx, &app, Stream::user(other), added).await?;
        Ok(())
    })
    .await
}

/// Puts somebody out; only an invitation brings them back.
pub async fn kick(app: &AppState, actor: &CurrentUser, name: &RoomName, other: MemberId) -> Result<()> {
    let me = actor.id;
    change(app, actor, name, move |app, tx, standing, now| async move {
        policy::may_look_after(&standing)?;
        let room = standing.room;
        let (role, status) = match store::member(&tx, room, me, other).await? {
            Some(member) => member,
            // An open room's visitor can be kept out who never entered.
            None if standing.kind == RoomKind::Open
                && profiles::store::is_visible(&tx, me, other).await? =>
            {
                (Role::Member, Status::Invited)
            }
            None => return Err(not_found("member")),
        };
        policy::may_discipline(&standing, role)?;
        if status == Status::Removed {
            return Ok(());
        }
        store::put_member(&tx, room, other, Role::Member, Status::Removed, now).await?;
        if status == Status::Joined {
            store::count(&tx, room, -1).await?;
        }
        tell(&tx, &app, room, Entry::new::<MemberLeft>(other, now)).await
    })
    .await
}

/// What changes about somebody in a room.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    pub role: Option<Role>,
    pub silenced: Option<bool>,
}

pub async fn change_member(
    app: &AppState,
    actor: &CurrentUser,
    name: &RoomName,
    other: MemberId,
    wanted: Change,
) -> Result<()> {
    let me = actor.id;
    change(app, actor, name, move |app, tx, standing, now| async move {
        policy::may_look_after(&standing)?;
        let room = standing.room;
        let Some((role, Status::Joined)) = store::member(&tx, room, me, other).await? else {
            return Err(not_found("member"));
        };
        policy::may_discipline(&standing, role)?;
        if let Some(silenced) = wanted.silenced {
            store::put_silenced(&tx, room, other, silenced).await?;
        }
        if let Some(role) = wanted.role {
            policy::may_give_roles(&standing)?;
            store::put_role(&tx, room, other, role).await?;
            if role == Role::Owner {
                store::put_role(&tx, room, me, Role::Admin).await?;
                tell(&tx, &app, room, Entry::new::<MemberChanged>(me, now)).await?;
            }
        }
        tell(&tx, &app, room, Entry::new::<MemberChanged>(other, now)).await
    })
    .await
}

/// Whether the member wants to be notified of the room.
pub async fn mute_room(app: &AppState, actor: &CurrentUser, name: &RoomName, muted: bool) -> Result<Room> {
    let me = actor.id;
    change(app, actor, name, move |_, tx, standing, _| async move {
        if standing.status != Some(Status::Joined) {
            return Err(not_found("room"));
        }
        store::put_muted(&tx, standing.room, me, muted).await?;
        seen(&tx, me, standing.room).await
    })
    .await
}

/// A group's own room, as a part of the write that makes the group. Who is in it is kept in
/// step by `enter_as` and `leave_as`, in the writes that change the group's members.
pub async fn create_group_room(
    tx: &Tx,
    app: &AppState,
    group: Uuid,
    title: &str,
    owner: MemberId,
) -> Result<RoomId> {
    let now = app.clock.now();
    let id: RoomId = app.ids.next();
    let new = store::NewRoom {
        id,
        kind: RoomKind::Group,
        slug: None,
        title,
        pair: None,
        group: Some(group),
    };
    store::insert(tx, new, now).await?;
    enter(tx, id, owner, Role::Owner, now).await?;
    Ok(id)
}

/// Lets somebody into their group's room.
pub async fn enter_as(tx: &Tx, app: &AppState, group: Uuid, member: MemberId, role: Role) -> Result<()> {
    let room = group_room(tx, group).await?;
    let now = app.clock.now();
    if let Some((_, Status::Joined)) = store::member(tx, room, member, member).await? {
        store::put_role(tx, room, member, role).await?;
        tell(tx, app, room, Entry::new::<MemberChanged>(member, now)).await
    } else {
        enter(tx, room, member, role, now).await?;
        append(tx, app, Stream::user(member), Entry::new::<RoomAdded>(room, now)).await?;
        tell(tx, app, room, Entry::new::<MemberJoined>(member, now)).await
    }
}

/// Takes somebody out of their group's room.
pub async fn leave_as(tx: &Tx, app: &AppState, group: Uuid, member: MemberId) -> Result<()> {
    let room = group_room(tx, group).await?;
    if let Some((_, Status::Joined)) = store::member(tx, room, member, member).await? {
        store::delete_member(tx, room, member).await?;
        store::count(tx, room, -1).await?;
        tell(tx, app, room, Entry::new::<MemberLeft>(member, app.clock.now())).await?;
    }
    Ok(())
}

async fn group_room(tx: &Tx, group: Uuid) -> Result<RoomId> {
    let room = store::of_group(tx, group).await?;
    let room = room.ok_or_else(|| internal("the group has no room"))?;
    store::lock(tx, room).await?;
    Ok(room)
}

async fn enter(tx: &Tx, room: RoomId, member: MemberId, role: Role, now: Timestamp) -> Result<()> {
    store::put_member(tx, room, member, role, Status::Joined, now).await?;
    store::count(tx, room, 1).await.map(drop)
}

async fn leave(tx: &Tx, app: &AppState, standing: &Standing, me: MemberId, now: Timestamp) -> Result<()> {
    let room = standing.room;
    match standing.status {
        Some(Status::Joined) => {}
        Some(Status::Invited) => return store::delete_member(tx, room, me).await,
        // Whoever was put out stays out.
        Some(Status::Removed) | None => return Ok(()),
    }
    let heir = store::heir(tx, room, me).await?;
    store::delete_member(tx, room, me).await?;
    store::count(tx, room, -1).await?;
    if heir.is_none() && standing.kind == RoomKind::Group {
        store::delete(tx, room).await?;
        return realtime::streams::remove(tx, room.stream()).await;
    }
    if let (Some(heir), Role::Owner) = (heir, standing.role) {
        store::put_role(tx, room, heir, Role::Owner).await?;
        tell(tx, app, room, Entry::new::<MemberChanged>(heir, now)).await?;
    }
    tell(tx, app, room, Entry::new::<MemberLeft>(me, now)).await
}

async fn tell(tx: &Tx, app: &AppState, room: RoomId, entry: Entry) -> Result<()> {
    append(tx, app, room.stream(), entry).await.map(drop)
}

/// Takes a member who leaves out of some rooms; says how many. Rooms of groups follow their groups.
pub async fn forget_member(app: &AppState, tx: &Tx, member: MemberId) -> Result<u64> {
    let rooms = store::some_of(tx, member).await?;
    for room in &rooms {
        store::lock(tx, *room).await?;
        let standing = store::standing(tx, member, *room).await?;
        if let Some(standing) = standing.filter(|standing| standing.kind != RoomKind::Direct) {
            leave(tx, app, &standing, member, app.clock.now()).await?;
        }
        // Of a pair the room stays, for the other one.
        store::delete_member(tx, *room, member).await?;
    }
    Ok(rooms.len() as u64)
}
