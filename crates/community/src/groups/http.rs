use super::{
    Group, GroupId, GroupKind, GroupRole, GroupVisibility, Membership, Status,
    cities::{City, country_code},
    feed,
    model::CityGroup,
    ops::{self, Edit, Idea},
    policy, store,
};
use crate::posts::{Post, PostId};
use accounts::{CurrentUser, MemberId, Permission};
use base::{
    Cursor, Kind, Latitude, Line, Longitude, Page, Paging, Text,
    error::{invalid, not_found},
    input,
    page::Limit,
};
use platform::{
    AppState,
    http::{Created, IfMatch, Json, NoContent, Once, Path, PathPair, Query, Result, Routes, Tagged},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("groups")
        .for_tokens("groups:read", "groups:write")
        .get(
            "/groups",
            "list_groups",
            list_groups,
            "Groups one may know of, the newest first",
        )
        .post("/groups", "create_group", create_group, "Make a group")
        .refuses(&[Kind::RateLimited])
        .get(
            "/groups/mine",
            "list_my_groups",
            list_my_groups,
            "One's own groups, requests and invitations",
        )
        .get(
            "/groups/cities",
            "list_city_groups",
            list_city_groups,
            "The cities on the map of the world, with counts",
        )
        .put(
            "/groups/cities",
            "join_city",
            join_city,
            "Join a city's group, which is made if it is not there",
        )
        .refuses(&[Kind::RateLimited])
        .get(
            "/groups/{group_id}",
            "show_group",
            show_group,
            "One group, by id or address",
        )
        .patch("/groups/{group_id}", "edit_group", edit_group, "Edit a group")
        .refuses(&[Kind::Conflict])
        .delete("/groups/{group_id}", "delete_group", delete_group, "End a group")
        .refuses(&[Kind::Conflict])
        .put(
            "/groups/{group_id}/place",
            "place_group",
            place_group,
            "Say where a group lies",
        )
        .put(
            "/groups/{group_id}/membership",
            "join_group",
            join_group,
            "Join, ask to join, or take an invitation",
        )
        .delete(
            "/groups/{group_id}/membership",
            "leave_group",
            leave_group,
            "Leave, take a request back, or decline an invitation",
        )
        .refuses(&[Kind::Conflict])
        .get(
            "/groups/{group_id}/members",
            "list_group_members",
            list_group_members,
            "Who belongs to a group",
        )
        .put(
            "/groups/{group_id}/members/{member_id}",
            "set_group_role",
            set_group_role,
            "Give a member another role",
        )
        .refuses(&[Kind::Conflict])
        .delete(
            "/groups/{group_id}/members/{member_id}",
            "remove_group_member",
            remove_group_member,
            "Put a member out",
        )
        .refuses(&[Kind::Conflict])
        .put(
            "/groups/{group_id}/invitations/{member_id}",
            "invite_to_group",
            invite_to_group,
            "Ask somebody in",
        )
        .refuses(&[Kind::Conflict])
        .delete(
            "/groups/{group_id}/invitations/{member_id}",
            "withdraw_group_invitation",
            decline_group_request,
            "Take an invitation back",
        )
        .put(
            "/groups/{group_id}/requests/{member_id}",
            "accept_group_request",
            accept_group_request,
            "Let somebody in who has asked",
        )
        .delete(
            "/groups/{group_id}/requests/{member_id}",
            "decline_group_request",
            decline_group_request,
            "Say no to a request",
        )
        .put(
            "/groups/{group_id}/bans/{member_id}",
            "ban_from_group",
            ban_from_group,
            "Keep somebody out",
        )
        .refuses(&[Kind::Conflict])
        .delete(
            "/groups/{group_id}/bans/{member_id}",
            "unban_from_group",
            unban_from_group,
            "Lift a ban",
        )
        .get(
            "/groups/{group_id}/posts",
            "list_group_posts",
            list_group_posts,
            "What is written in a group, the newest first",
        )
        .get(
            "/groups/{group_id}/pins",
            "list_pinned_posts",
            list_pinned_posts,
            "The posts on top of a group's page",
        )
        .put(
            "/groups/{group_id}/pins/{post_id}",
            "pin_post",
            pin_post,
            "Put a post on top of a group's page",
        )
        .refuses(&[Kind::Conflict])
        .delete(
            "/groups/{group_id}/pins/{post_id}",
            "unpin_post",
            unpin_post,
            "Take a post from the top",
        )
}

input! {
    /// Which groups.
    pub struct ListGroups {
        pub kind: Option<GroupKind>,
        /// A country by its two letters or its name.
        pub country: Option<Line<1, 60>>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_groups(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListGroups>,
) -> Result<Json<Page<Group>>> {
    let paging = Paging {
        limit: list.limit,
        cursor: list.cursor,
    };
    let country = match &list.country {
        Some(name) => Some(country_code(name).ok_or_else(|| invalid("country", "unknown_country"))?),
        None => None,
    };
    let groups = store::list(&app.db, actor.id, list.kind, country.as_deref(), paging).await?;
    Ok(Json(Page::of(groups, paging.limit, |group| Cursor(group.id.0))))
}

input! {
    /// Which of one's own.
    pub struct ListMyGroups {
        /// `active`: where one is a member.
        #[serde(default = "active")]
        pub status: Status,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

fn active() -> Status {
    Status::Active
}

async fn list_my_groups(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListMyGroups>,
) -> Result<Json<Page<Group>>> {
    if matches!(list.status, Status::Banned | Status::Left) {
        return Err(invalid("status", "not_a_list").into());
    }
    let paging = Paging {
        limit: list.limit,
        cursor: list.cursor,
    };
    let groups = store::list_mine(&app.db, actor.id, list.status, paging).await?;
    Ok(Json(Page::of(groups, paging.limit, |group| Cursor(group.id.0))))
}

async fn list_city_groups(
    app: AppState,
    _: CurrentUser,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<CityGroup>>> {
    let cities = store::list_cities(&app.db, app.clock.now(), paging).await?;
    Ok(Json(Page::of(cities, paging.limit, |city| Cursor(city.id.0))))
}

input! {
    /// A city, as people write it.
    pub struct NamedCity {
        pub city: Line<1, 80>,
        /// Two letters or a name.
        pub country: Option<Line<1, 60>>,
    }
}

/// The city's group, and whether it was made just now.
#[derive(Debug, Serialize, JsonSchema)]
struct CityConnection {
    group: Group,
    created: bool,
}

fn city(name: &str, country: Option<&str>) -> Result<City> {
    if let Some(country) = country
        && country_code(country).is_none()
    {
        return Err(invalid("/country", "unknown_country").into());
    }
    Ok(City::named(name, country).ok_or_else(|| invalid("/city", "required"))?)
}

async fn join_city(
    app: AppState,
    actor: CurrentUser,
    Json(named): Json<NamedCity>,
) -> Result<Json<CityConnection>> {
    let city = city(&named.city, named.country.as_deref())?;
    let (group, created) = ops::join_city(&app, &actor, city, named.city.into()).await?;
    Ok(Json(CityConnection { group, created }))
}

base::choice! {
    /// What members may make a group about. Those of cities make themselves.
    pub enum NewGroupKind {
        Community = "community",
        Interest = "interest",
        Role = "role",
    }
}

impl From<NewGroupKind> for GroupKind {
    fn from(kind: NewGroupKind) -> GroupKind {
        match kind {
            NewGroupKind::Community => GroupKind::Community,
            NewGroupKind::Interest => GroupKind::Interest,
            NewGroupKind::Role => GroupKind::Role,
        }
    }
}

input! {
    /// A group to be made.
    pub struct NewGroup {
        pub name: Line<1, 80>,
        pub kind: NewGroupKind,
        /// For groups of kind `role`: which role, for instance `dj`.
        pub tango_role: Option<Line<1, 40>>,
        pub visibility: GroupVisibility,
        pub description: Option<Text<0, 2000>>,
        /// Where it is at home.
        pub city: Option<Line<1, 80>>,
        pub country: Option<Line<1, 60>>,
    }
}

async fn create_group(
    app: AppState,
    actor: CurrentUser,
    once: Once,
    Json(new): Json<NewGroup>,
) -> Result<Created<Group>> {
    if (new.kind == NewGroupKind::Role) != new.tango_role.is_some() {
        return Err(invalid(
            "/tango_role",
            if new.kind == NewGroupKind::Role {
                "required"
            } else {
                "unknown_field"
            },
        )
        .into());
    }
    let city = match &new.city {
        Some(name) => Some(city(name, new.country.as_deref())?),
        None => None,
    };
    let idea = Idea {
        name: new.name.into(),
        kind: new.kind.into(),
        tango_role: new.tango_role.map(Into::into),
        visibility: new.visibility,
        description: new.description.map(Into::into).unwrap_or_default(),
        city,
    };
    Ok(ops::create_group(&app, &actor, once, idea).await?)
}

async fn show_group(
    app: AppState,
    actor: CurrentUser,
    Path(name): Path<Line<1, 120>>,
) -> Result<Tagged<Group>> {
    let group = match name.parse::<GroupId>() {
        Ok(id) => store::find(&app.db, actor.id, id).await?,
        Err(_) => store::find_by_slug(&app.db, actor.id, &name.to_lowercase()).await?,
    };
    Ok(Tagged(
        group
            .filter(|group| policy::may_know(&group.standing(false)))
            .ok_or_else(|| not_found("group"))?,
    ))
}

input! {
    /// What to change; what is left out stays.
    pub struct EditGroup {
        pub name: Option<Line<1, 80>>,
        pub description: Option<Text<0, 2000>>,
        pub visibility: Option<GroupVisibility>,
    }
}

async fn edit_group(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<GroupId>,
    seen: IfMatch,
    Json(edit): Json<EditGroup>,
) -> Result<Tagged<Group>> {
    let edit = Edit {
        name: edit.name.map(Into::into),
        description: edit.description.map(Into::into),
        visibility: edit.visibility,
    };
    Ok(Tagged(ops::edit_group(&app, &actor, id, seen, edit).await?))
}

async fn delete_group(app: AppState, actor: CurrentUser, Path(id): Path<GroupId>) -> Result<NoContent> {
    ops::delete_group(&app, &actor, id).await?;
    Ok(NoContent)
}

input! {
    /// Where it lies.
    pub struct GroupPlace {
        pub latitude: Latitude,
        pub longitude: Longitude,
    }
}

async fn place_group(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<GroupId>,
    Json(place): Json<GroupPlace>,
) -> Result<Json<Group>> {
    Ok(Json(
        ops::place_group(&app, &actor, id, place.latitude.0, place.longitude.0).await?,
    ))
}

async fn join_group(app: AppState, actor: CurrentUser, Path(id): Path<GroupId>) -> Result<Json<Group>> {
    Ok(Json(ops::join(&app, &actor, id).await?))
}

async fn leave_group(app: AppState, actor: CurrentUser, Path(id): Path<GroupId>) -> Result<NoContent> {
    ops::leave(&app, &actor, id).await?;
    Ok(NoContent)
}

input! {
    /// Whom of a group.
    pub struct ListGroupMembers {
        /// Others than `active` are for moderators.
        #[serde(default = "active")]
        pub status: Status,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_group_members(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<GroupId>,
    Query(list): Query<ListGroupMembers>,
) -> Result<Json<Page<Membership>>> {
    let group = store::find(&app.db, actor.id, id)
        .await?
        .ok_or_else(|| not_found("group"))?;
    let who = group.standing(actor.roles.may(Permission::PostsModerate));
    match list.status {
        Status::Active => policy::readable(&who)?,
        _ => policy::may_moderate(&who)?,
    }
    let paging = Paging {
        limit: list.limit,
        cursor: list.cursor,
    };
    let members = store::list_members(&app.db, actor.id, id, list.status, paging).await?;
    Ok(Json(Page::of(members, paging.limit, |found| {
        Cursor(found.member.id.0)
    })))
}

input! {
    /// Which role.
    pub struct NewGroupRole {
        pub role: GroupRole,
    }
}

async fn set_group_role(
    app: AppState,
    actor: CurrentUser,
    PathPair(id, member): PathPair<GroupId, MemberId>,
    Json(new): Json<NewGroupRole>,
) -> Result<NoContent> {
    ops::set_role(&app, &actor, id, member, new.role).await?;
    Ok(NoContent)
}

/// Handlers that do one thing to one other member.
macro_rules! acts {
    ($($name:ident: $op:ident;)*) => {$(
        async fn $name(
            app: AppState,
            actor: CurrentUser,
            PathPair(id, member): PathPair<GroupId, MemberId>,
        ) -> Result<NoContent> {
            ops::$op(&app, &actor, id, member).await?;
            Ok(NoContent)
        }
    )*};
}

acts! {
    remove_group_member: remove;
    invite_to_group: invite;
    accept_group_request: accept_request;
    decline_group_request: decline;
    ban_from_group: ban;
    unban_from_group: unban;
}

async fn list_group_posts(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<GroupId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Post>>> {
    Ok(Json(feed::read(&app, &actor, id, paging).await?))
}

async fn list_pinned_posts(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<GroupId>,
) -> Result<Json<Page<Post>>> {
    Ok(Json(feed::pinned(&app, &actor, id).await?))
}

async fn pin_post(
    app: AppState,
    actor: CurrentUser,
    PathPair(id, post): PathPair<GroupId, PostId>,
) -> Result<NoContent> {
    ops::pin(&app, &actor, id, post).await?;
    Ok(NoContent)
}

async fn unpin_post(
    app: AppState,
    actor: CurrentUser,
    PathPair(id, post): PathPair<GroupId, PostId>,
) -> Result<NoContent> {
    ops::unpin(&app, &actor, id, post).await?;
    Ok(NoContent)
}
