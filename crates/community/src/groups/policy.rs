//! Who may do what in a group, in one sight.
//!
//! Staff moderate the groups of cities alone: nobody made these, so nobody else
//! would. In the groups of members their platform roles count for nothing.

use super::{GroupKind, GroupRole, GroupVisibility, Standing, Status};
use base::{
    Result,
    error::{conflict, forbidden, not_found},
};

fn is_member(who: &Standing) -> bool {
    who.status == Some(Status::Active)
}

fn ranks(who: &Standing, role: GroupRole) -> bool {
    is_member(who) && who.role >= Some(role) || by_office(who)
}

/// Whether the reader acts as staff, which is written into the audit log.
pub fn by_office(who: &Standing) -> bool {
    who.staff && who.kind == GroupKind::City && !(is_member(who) && who.role == Some(GroupRole::Admin))
}

/// May the reader know that the group exists?
pub fn may_know(who: &Standing) -> bool {
    who.visibility != GroupVisibility::Private
        || matches!(
            who.status,
            Some(Status::Active | Status::Requested | Status::Invited)
        )
}

/// May the reader see its members and posts?
pub fn may_read(who: &Standing) -> bool {
    who.visibility == GroupVisibility::Public || is_member(who)
}

/// May the reader write there?
pub fn may_post(who: &Standing) -> Result<()> {
    known(who)?;
    if is_member(who) {
        return Ok(());
    }
    Err(forbidden("not_a_member").about("group"))
}

/// An unknown group and one that the reader must not know of are the same.
pub fn known(who: &Standing) -> Result<()> {
    if may_know(who) {
        Ok(())
    } else {
        Err(not_found("group"))
    }
}

/// As [`known`], for what is inside.
pub fn readable(who: &Standing) -> Result<()> {
    known(who)?;
    if may_read(who) {
        return Ok(());
    }
    Err(forbidden("not_a_member").about("group"))
}

/// Requests, invitations, removals, bans, pins.
pub fn may_moderate(who: &Standing) -> Result<()> {
    known(who)?;
    if ranks(who, GroupRole::Moderator) {
        return Ok(());
    }
    Err(forbidden("not_a_moderator").about("group"))
}

/// Its name, its roles, its end.
pub fn may_administer(who: &Standing) -> Result<()> {
    known(who)?;
    if ranks(who, GroupRole::Admin) {
        return Ok(());
    }
    Err(forbidden("not_an_admin").about("group"))
}

/// Members ask their friends in, except into the groups of a city, which all may join.
pub fn may_invite(who: &Standing) -> Result<()> {
    known(who)?;
    match who.visibility {
        GroupVisibility::Public if is_member(who) => Ok(()),
        _ => may_moderate(who),
    }
}

/// Moderators act on members, admins on everybody else.
pub fn may_act_on(who: &Standing, other: Option<GroupRole>) -> Result<()> {
    may_moderate(who)?;
    if other.unwrap_or(GroupRole::Member) > GroupRole::Member {
        return may_administer(who);
    }
    Ok(())
}

/// What becomes of somebody who wants to join.
pub fn join(who: &Standing) -> Result<Status> {
    known(who)?;
    match (who.status, who.visibility) {
        (Some(Status::Banned), _) => Err(forbidden("banned_from_group").about("group")),
        (Some(Status::Active | Status::Invited), _) | (_, GroupVisibility::Public) => Ok(Status::Active),
        (_, GroupVisibility::Closed | GroupVisibility::Private) => Ok(Status::Requested),
    }
}

/// A group of members keeps an admin: the last one hands it over or ends it.
pub fn may_step_down(kind: GroupKind, role: GroupRole, other_admins: i64) -> Result<()> {
    if kind != GroupKind::City && role == GroupRole::Admin && other_admins == 0 {
        return Err(conflict("last_admin").about("group"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_standing() -> impl Iterator<Item = Standing> {
        let statuses = Status::ALL.iter().map(|status| Some(*status)).chain([None]);
        statuses.flat_map(|status| {
            GroupKind::ALL.iter().flat_map(move |kind| {
                GroupVisibility::ALL.iter().flat_map(move |visibility| {
                    GroupRole::ALL.iter().flat_map(move |role| {
                        [false, true].map(move |staff| Standing {
                            kind: *kind,
                            visibility: *visibility,
                            status,
                            role: (status == Some(Status::Active)).then_some(*role),
                            staff,
                        })
                    })
                })
            })
        })
    }

    #[test]
    fn a_private_group_is_unknown_to_everybody_who_was_not_asked_in() {
        for who in every_standing().filter(|who| who.visibility == GroupVisibility::Private) {
            let outside = matches!(who.status, None | Some(Status::Banned | Status::Left));
            assert_eq!(may_know(&who), !outside, "{who:?}");
            if outside {
                for refused in [
                    known(&who),
                    may_post(&who),
                    join(&who).map(drop),
                    may_invite(&who),
                ] {
                    assert_eq!(refused.unwrap_err().code(), "not_found");
                }
            }
        }
    }

    #[test]
    fn what_is_inside_is_for_members_unless_the_group_is_public() {
        for who in every_standing() {
            let inside = who.status == Some(Status::Active);
            assert_eq!(
                may_read(&who),
                inside || who.visibility == GroupVisibility::Public
            );
            assert_eq!(may_post(&who).is_ok(), inside);
        }
    }

    #[test]
    fn staff_act_in_the_groups_of_cities_alone() {
        for who in every_standing().filter(|who| who.staff && who.status.is_none()) {
            assert_eq!(
                may_moderate(&who).is_ok(),
                who.kind == GroupKind::City && may_know(&who)
            );
        }
    }

    #[test]
    fn the_last_admin_stays() {
        let refused = may_step_down(GroupKind::Interest, GroupRole::Admin, 0);
        assert_eq!(refused.unwrap_err().code(), "last_admin");
        may_step_down(GroupKind::Interest, GroupRole::Admin, 1).unwrap();
        may_step_down(GroupKind::Interest, GroupRole::Moderator, 0).unwrap();
        may_step_down(GroupKind::City, GroupRole::Admin, 0).unwrap();
    }
}
