use super::{
    Group, GroupAsked, GroupChanged, GroupId, GroupInvited, GroupJoined, GroupKind, GroupLeft, GroupRole,
    GroupVisibility, Standing, Status,
    cities::City,
    policy,
    store::{self, AutomationEntry, Founding},
};
use crate::{posts::PostId, rooms};
use accounts::{
    CurrentUser, MemberId, Permission,
    audit::{self, Act, Action},
};
use base::{
    Error, Kind, Result,
    error::{conflict, not_found},
    slug,
};
use db::{Executor, Tx};
use platform::{
    AppState,
    http::{Created, IfMatch, Once},
    limits::Limit,
};
use std::time::Duration;

/// Posts on top of a group's page.
const PINS: usize = 5;

/// What a group is made of.
#[derive(Clone)]
pub struct Idea {
    pub name: String,
    pub kind: GroupKind,
    pub tango_role: Option<String>,
    pub visibility: GroupVisibility,
    pub description: String,
    pub city: Option<City>,
}

/// Makes a group, whose first admin is the caller.
pub async fn create_group(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    idea: Idea,
) -> Result<Created<Group>> {
    count_founding(app, actor).await?;
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    let id: GroupId = app.ids.next();
    // A name may be taken, also by a group that the caller must not know of: so the
    // address never tells.
    let tail: String = app
        .entropy
        .bytes::<3>()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let slug = [slug(&idea.name), tail].join("-");
    once.create(app, actor.id.0, "create_group", move |tx| async move {
        let new = Founding {
            id,
            slug: slug.trim_start_matches('-').to_owned(),
            name: idea.name,
            kind: idea.kind,
            tango_role: idea.tango_role,
            visibility: idea.visibility,
            description: idea.description,
            city: idea.city,
            created_by: Some(actor.id),
        };
        if !store::insert(&tx, &new, now).await? {
            return Err(conflict("in_flight").retry_after(1));
        }
        store::put_member(&tx, id, actor.id, Status::Active, GroupRole::Admin, None, now).await?;
        own.signals
            .announce(&tx, &GroupChanged { group: id }, now)
            .await?;
        seat(&own, &tx, id, &new.name, actor.id, GroupRole::Admin).await?;
        found(store::find(&tx, actor.id, id).await?)
    })
    .await
}

/// The group of a city, made when it is not there yet, with the caller in it. True: it is new.
pub async fn join_city(
    app: &AppState,
    actor: &CurrentUser,
    city: City,
    input: String,
) -> Result<(Group, bool)> {
    if store::find_by_slug(&app.db, actor.id, &city.slug())
        .await?
        .is_none()
    {
        count_founding(app, actor).await?;
    }
    let (id, created) = connect_city(app, city, input, "member", None).await?;
    Ok((join(app, actor, id).await?, created))
}

/// Makes the group of a city unless it is there. A resident becomes a member, who has not been
/// one before. Bears repetition and any number at once.
pub async fn connect_city(
    app: &AppState,
    city: City,
    input: String,
    source: &'static str,
    resident: Option<MemberId>,
) -> Result<(GroupId, bool)> {
    let (own, now) = (app.clone(), app.clock.now());
    let new = Founding {
        id: app.ids.next(),
        slug: city.slug(),
        name: city.name.clone(),
        kind: GroupKind::City,
        tango_role: None,
        visibility: GroupVisibility::Public,
        description: String::new(),
        city: Some(city),
        created_by: None,
    };
    let (new, input) = (std::sync::Arc::new(new), std::sync::Arc::new(input));
    app.db
        .write_again(move |tx| async move {
            // Whoever comes second waits here for the first and finds the group.
            let created = store::insert(&tx, &new, now).await?;
            let nobody = MemberId(uuid::Uuid::nil());
            let id = if created {
                let entry = AutomationEntry {
                    id: own.ids.next(),
                    source,
                    input: &input,
                    group: new.id,
                    member: resident,
                };
                store::record(&tx, entry, now).await?;
                own.signals
                    .announce(&tx, &GroupChanged { group: new.id }, now)
                    .await?;
                new.id
            } else {
                found(store::find_by_slug(&tx, nobody, &new.slug).await?)?.id
            };
            if let Some(member) = resident
                && store::lock(&tx, member, id).await?.is_some()
                && store::standing_of(&tx, id, member).await?.is_none()
            {
                enter(&own, &tx, id, member, None).await?;
            }
            Ok((id, created))
        })
        .await
}

/// Makes somebody a plain member. The group is locked.
async fn enter(
    app: &AppState,
    tx: &Tx,
    group: GroupId,
    member: MemberId,
    accepted_by: Option<MemberId>,
) -> Result<()> {
    let now = app.clock.now();
    store::put_member(tx, group, member, Status::Active, GroupRole::Member, None, now).await?;
    let joined = GroupJoined {
        group,
        member,
        accepted_by,
    };
    app.signals.announce(tx, &joined, now).await?;
    let name = store::name(tx, group).await?;
    seat(app, tx, group, &name, member, GroupRole::Member).await
}

/// Gives a member their place in the group's chat room, which is made for the first of them. Late
/// in the write: the room's log is locked from here on.
async fn seat(
    app: &AppState,
    tx: &Tx,
    group: GroupId,
    name: &str,
    member: MemberId,
    role: GroupRole,
) -> Result<()> {
    if rooms::store::of_group(tx, group.0).await?.is_none() {
        rooms::create_group_room(tx, app, group.0, name, member).await?;
    }
    let role = match role {
        GroupRole::Member => rooms::Role::Member,
        GroupRole::Moderator | GroupRole::Admin => rooms::Role::Admin,
    };
    rooms::enter_as(tx, app, group.0, member, role).await
}

pub async fn edit_group(
    app: &AppState,
    actor: &CurrentUser,
    id: GroupId,
    seen: IfMatch,
    edit: Edit,
) -> Result<Group> {
    change(app, actor, id, move |app, actor, tx, mut group| {
        let edit = edit.clone();
        async move {
            let who = standing(&actor, &group);
            policy::may_administer(&who)?;
            seen.check(group.version)?;
            if group.kind == GroupKind::City && (edit.name.is_some() || edit.visibility.is_some()) {
                return Err(conflict("city_group"));
            }
            group.name = edit.name.unwrap_or(group.name);
            group.description = edit.description.unwrap_or(group.description);
            group.visibility = edit.visibility.unwrap_or(group.visibility);
            group.edited_at = Some(app.clock.now());
            if !store::update(&tx, &group).await? {
                return Err(Error::new(Kind::Stale, "stale"));
            }
            by_office(&app, &tx, &actor, &who, None, &group, "edited").await?;
            app.signals
                .announce(&tx, &GroupChanged { group: group.id }, app.clock.now())
                .await?;
            Ok(())
        }
    })
    .await
}

/// What may be changed about a group.
#[derive(Clone)]
pub struct Edit {
    pub name: Option<String>,
    pub description: Option<String>,
    pub visibility: Option<GroupVisibility>,
}

/// Ends a group. Those of cities do not end.
pub async fn delete_group(app: &AppState, actor: &CurrentUser, id: GroupId) -> Result<()> {
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let group = found(store::lock(&tx, actor.id, id).await?)?;
            policy::may_administer(&standing(&actor, &group))?;
            if group.kind == GroupKind::City {
                return Err(conflict("city_group"));
            }
            empty_room(&own, &tx, id).await?;
            store::delete(&tx, id).await?;
            own.signals.announce(&tx, &GroupChanged { group: id }, now).await
        })
        .await
}

/// Takes everybody out of the room of a group that ends: from then on nobody reads it.
async fn empty_room(app: &AppState, tx: &Tx, group: GroupId) -> Result<()> {
    if rooms::store::of_group(tx, group.0).await?.is_none() {
        return Ok(());
    }
    let mut after = MemberId(uuid::Uuid::nil());
    loop {
        let members = store::members_after(tx, group, after, 500).await?;
        for member in &members {
            rooms::leave_as(tx, app, group.0, *member).await?;
        }
        match members.last() {
            Some(last) => after = *last,
            None => return Ok(()),
        }
    }
}

/// Says where the group lies.
pub async fn place_group(
    app: &AppState,
    actor: &CurrentUser,
    id: GroupId,
    latitude: f64,
    longitude: f64,
) -> Result<Group> {
    change(app, actor, id, move |app, actor, tx, group| async move {
        let who = standing(&actor, &group);
        policy::may_administer(&who)?;
        store::put_place(&tx, id, latitude, longitude).await?;
        by_office(&app, &tx, &actor, &who, None, &group, "placed").await
    })
    .await
}

/// Joins, asks to join, or takes an invitation: as the group has it.
pub async fn join(app: &AppState, actor: &CurrentUser, id: GroupId) -> Result<Group> {
    change(app, actor, id, move |app, actor, tx, group| async move {
        let before = store::standing_of(&tx, id, actor.id)
            .await?
            .map(|(status, _)| status);
        let mut who = standing(&actor, &group);
        who.status = before;
        let after = policy::join(&who)?;
        if before == Some(after) {
            return Ok(());
        }
        if after == Status::Active {
            return enter(&app, &tx, id, actor.id, None).await;
        }
        let now = app.clock.now();
        store::put_member(&tx, id, actor.id, after, GroupRole::Member, None, now).await?;
        let asked = GroupAsked {
            group: id,
            member: actor.id,
        };
        app.signals.announce(&tx, &asked, now).await
    })
    .await
}

/// Leaves, takes a request back or declines an invitation.
pub async fn leave(app: &AppState, actor: &CurrentUser, id: GroupId) -> Result<()> {
    let (own, actor) = (app.clone(), *actor);
    app.db
        .write_again(move |tx| async move {
            let group = found(store::lock(&tx, actor.id, id).await?)?;
            policy::known(&standing(&actor, &group))?;
            match group.my_status {
                Some(Status::Active) => {
                    let role = group.my_role.unwrap_or(GroupRole::Member);
                    let others = store::other_admins(&tx, id, actor.id).await?;
                    policy::may_step_down(group.kind, role, others)?;
                    exit(&own, &tx, id, actor.id, Status::Left).await
                }
                Some(Status::Requested | Status::Invited) => store::drop_member(&tx, id, actor.id).await,
                _ => Ok(()),
            }
        })
        .await
}

/// Ends a membership. The group is locked.
async fn exit(app: &AppState, tx: &Tx, group: GroupId, member: MemberId, status: Status) -> Result<()> {
    let now = app.clock.now();
    store::put_member(tx, group, member, status, GroupRole::Member, None, now).await?;
    app.signals
        .announce(tx, &GroupLeft { group, member }, now)
        .await?;
    if rooms::store::of_group(tx, group.0).await?.is_some() {
        rooms::leave_as(tx, app, group.0, member).await?;
    }
    Ok(())
}

/// Asks somebody in. Whoever has asked to join is in at once.
pub async fn invite(app: &AppState, actor: &CurrentUser, id: GroupId, member: MemberId) -> Result<()> {
    act_on(
        app,
        actor,
        id,
        member,
        move |app, actor, tx, group, other| async move {
            let who = standing(&actor, &group);
            policy::may_invite(&who)?;
            match other.map(|(status, _)| status) {
                Some(Status::Active | Status::Invited) => Ok(()),
                Some(Status::Banned) => Err(conflict("banned_from_group")),
                Some(Status::Requested) if policy::may_moderate(&who).is_ok() => {
                    enter(&app, &tx, id, member, Some(actor.id)).await
                }
                Some(Status::Requested) => Ok(()),
                Some(Status::Left) | None => {
                    let now = app.clock.now();
                    store::put_member(
                        &tx,
                        id,
                        member,
                        Status::Invited,
                        GroupRole::Member,
                        Some(actor.id),
                        now,
                    )
                    .await?;
                    let invited = GroupInvited {
                        group: id,
                        member,
                        by: actor.id,
                    };
                    app.signals.announce(&tx, &invited, now).await
                }
            }
        },
    )
    .await
}

/// Lets in somebody who has asked.
pub async fn accept_request(
    app: &AppState,
    actor: &CurrentUser,
    id: GroupId,
    member: MemberId,
) -> Result<()> {
    act_on(
        app,
        actor,
        id,
        member,
        move |app, actor, tx, group, other| async move {
            policy::may_moderate(&standing(&actor, &group))?;
            match other {
                Some((Status::Active, _)) => Ok(()),
                Some((Status::Requested, _)) => enter(&app, &tx, id, member, Some(actor.id)).await,
                _ => Err(not_found("group_request")),
            }
        },
    )
    .await
}

/// Says no to a request, or takes an invitation back.
pub async fn decline(app: &AppState, actor: &CurrentUser, id: GroupId, member: MemberId) -> Result<()> {
    act_on(
        app,
        actor,
        id,
        member,
        move |_, actor, tx, group, other| async move {
            policy::may_moderate(&standing(&actor, &group))?;
            match other {
                Some((Status::Requested | Status::Invited, _)) => store::drop_member(&tx, id, member).await,
                _ => Err(not_found("group_request")),
            }
        },
    )
    .await
}

/// Gives a member another role.
pub async fn set_role(
    app: &AppState,
    actor: &CurrentUser,
    id: GroupId,
    member: MemberId,
    role: GroupRole,
) -> Result<()> {
    act_on(
        app,
        actor,
        id,
        member,
        move |app, actor, tx, group, other| async move {
            let who = standing(&actor, &group);
            policy::may_administer(&who)?;
            let Some((Status::Active, before)) = other else {
                return Err(not_found("group_member"));
            };
            if role < before {
                let others = store::other_admins(&tx, id, member).await?;
                policy::may_step_down(group.kind, before, others)?;
            }
            let now = app.clock.now();
            store::put_member(&tx, id, member, Status::Active, role, None, now).await?;
            by_office(&app, &tx, &actor, &who, Some(member), &group, role.as_str()).await?;
            seat(&app, &tx, id, &group.name, member, role).await
        },
    )
    .await
}

/// Puts a member out. They may come again; [`ban`] is for those who may not.
pub async fn remove(app: &AppState, actor: &CurrentUser, id: GroupId, member: MemberId) -> Result<()> {
    put_out(app, actor, id, member, Status::Left).await
}

/// Keeps somebody out from now on, a member or not.
pub async fn ban(app: &AppState, actor: &CurrentUser, id: GroupId, member: MemberId) -> Result<()> {
    put_out(app, actor, id, member, Status::Banned).await
}

async fn put_out(
    app: &AppState,
    actor: &CurrentUser,
    id: GroupId,
    member: MemberId,
    after: Status,
) -> Result<()> {
    act_on(
        app,
        actor,
        id,
        member,
        move |app, actor, tx, group, other| async move {
            let who = standing(&actor, &group);
            let role = other
                .filter(|(status, _)| *status == Status::Active)
                .map(|(_, role)| role);
            policy::may_act_on(&who, role)?;
            if actor.id == member {
                return Err(conflict("not_oneself"));
            }
            match (role, after) {
                (Some(before), _) => {
                    let others = store::other_admins(&tx, id, member).await?;
                    policy::may_step_down(group.kind, before, others)?;
                    exit(&app, &tx, id, member, after).await?;
                }
                (None, Status::Banned) => {
                    let now = app.clock.now();
                    store::put_member(&tx, id, member, after, GroupRole::Member, None, now).await?;
                }
                (None, _) => return Err(not_found("group_member")),
            }
            by_office(&app, &tx, &actor, &who, Some(member), &group, after.as_str()).await
        },
    )
    .await
}

/// Lifts a ban.
pub async fn unban(app: &AppState, actor: &CurrentUser, id: GroupId, member: MemberId) -> Result<()> {
    act_on(
        app,
        actor,
        id,
        member,
        move |app, actor, tx, group, other| async move {
            let who = standing(&actor, &group);
            policy::may_moderate(&who)?;
            match other {
                Some((Status::Banned, _)) => {
                    store::drop_member(&tx, id, member).await?;
                    by_office(&app, &tx, &actor, &who, Some(member), &group, "unbanned").await
                }
                _ => Err(not_found("group_member")),
            }
        },
    )
    .await
}

/// Puts one of the group's posts on top of its page.
pub async fn pin(app: &AppState, actor: &CurrentUser, id: GroupId, post: PostId) -> Result<()> {
    change(app, actor, id, move |app, actor, tx, group| async move {
        let who = standing(&actor, &group);
        policy::may_moderate(&who)?;
        if !store::holds_post(&tx, id, post).await? {
            return Err(not_found("post"));
        }
        let pins = store::pins(&tx, id).await?;
        if pins.contains(&post) {
            return Ok(());
        }
        if pins.len() >= PINS {
            return Err(conflict("too_many_pins"));
        }
        store::pin(&tx, id, post, actor.id, app.clock.now()).await?;
        by_office(&app, &tx, &actor, &who, None, &group, "pinned").await
    })
    .await
    .map(drop)
}

pub async fn unpin(app: &AppState, actor: &CurrentUser, id: GroupId, post: PostId) -> Result<()> {
    change(app, actor, id, move |app, actor, tx, group| async move {
        let who = standing(&actor, &group);
        policy::may_moderate(&who)?;
        store::unpin(&tx, id, post).await?;
        by_office(&app, &tx, &actor, &who, None, &group, "unpinned").await
    })
    .await
    .map(drop)
}

/// Whether the member may write posts in the group: for `posts`, in its own write.
pub async fn may_post(db: &impl Executor, group: GroupId, member: MemberId) -> Result<()> {
    let group = found(store::find(db, member, group).await?)?;
    policy::may_post(&group.standing(false))
}

/// Takes a member out of every group, with the counts: before an account is deleted. Where they
/// were the last admin, the next in line is.
pub async fn forget_member(app: &AppState, tx: &Tx, member: MemberId) -> Result<()> {
    for (id, role) in store::groups_of(tx, member).await? {
        let Some(group) = store::lock(tx, member, id).await? else {
            continue;
        };
        let others = store::other_admins(tx, id, member).await?;
        if policy::may_step_down(group.kind, role, others).is_err() {
            if let Some(heir) = store::heir(tx, id, member).await? {
                let now = app.clock.now();
                store::put_member(tx, id, heir, Status::Active, GroupRole::Admin, None, now).await?;
                seat(app, tx, id, &group.name, heir, GroupRole::Admin).await?;
            } else {
                empty_room(app, tx, id).await?;
                store::delete(tx, id).await?;
                continue;
            }
        }
        exit(app, tx, id, member, Status::Left).await?;
    }
    Ok(())
}

fn found<T>(group: Option<T>) -> Result<T> {
    group.ok_or_else(|| not_found("group"))
}

fn standing(actor: &CurrentUser, group: &Group) -> Standing {
    group.standing(actor.roles.may(Permission::PostsModerate))
}

/// Writes what somebody did by office and not as a member of the group into the audit log.
async fn by_office(
    app: &AppState,
    tx: &Tx,
    actor: &CurrentUser,
    who: &Standing,
    subject: Option<MemberId>,
    group: &Group,
    what: &str,
) -> Result<()> {
    if !policy::by_office(who) {
        return Ok(());
    }
    let act = Act {
        actor: Some(actor.id),
        action: Action::GroupModerated,
        subject,
        detail: &format!("{}: {what}", group.slug),
    };
    audit::record(tx, app, act).await
}

async fn count_founding(app: &AppState, actor: &CurrentUser) -> Result<()> {
    let limit = Limit {
        name: "groups",
        count: app.config.limits.groups_per_day,
        period: Duration::from_hours(24),
    };
    app.limits.take(limit, actor.id).await.into_result().map(drop)
}

/// Changes a locked group in one write, and gives it as it is then.
async fn change<F, Fut>(app: &AppState, actor: &CurrentUser, id: GroupId, work: F) -> Result<Group>
where
    F: FnOnce(AppState, CurrentUser, Tx, Group) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<()>> + Send,
{
    let (own, actor) = (app.clone(), *actor);
    app.db
        .write_again(move |tx| async move {
            let group = found(store::lock(&tx, actor.id, id).await?)?;
            work(own, actor, tx.clone(), group).await?;
            found(store::find(&tx, actor.id, id).await?)
        })
        .await
}

/// Changes how somebody else stands to a locked group.
async fn act_on<F, Fut>(
    app: &AppState,
    actor: &CurrentUser,
    id: GroupId,
    member: MemberId,
    work: F,
) -> Result<()>
where
    F: FnOnce(AppState, CurrentUser, Tx, Group, Option<(Status, GroupRole)>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<()>> + Send,
{
    let (own, actor) = (app.clone(), *actor);
    app.db
        .write_again(move |tx| async move {
            let group = found(store::lock(&tx, actor.id, id).await?)?;
            policy::known(&standing(&actor, &group))?;
            let other = store::standing_of(&tx, id, member).await?;
            work(own, actor, tx, group, other).await
        })
        .await
}
