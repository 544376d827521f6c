//! Who may do what in a room. The same functions answer HTTP and sockets.

use super::{Role, RoomKind, Standing, Status};
use base::{
    Result,
    error::{conflict, forbidden, not_found},
};

/// Members of a group room.
pub const MEMBERS: i64 = 1024;

/// To whom the room is there at all. Whoever may not know meets an unknown id.
pub fn may_know(standing: &Standing) -> bool {
    match standing.kind {
        RoomKind::Direct => standing.status == Some(Status::Joined) && !standing.apart,
        RoomKind::Group => matches!(standing.status, Some(Status::Joined | Status::Invited)),
        RoomKind::Open => true,
    }
}

pub fn may_read(standing: &Standing) -> bool {
    may_know(standing)
        && match standing.kind {
            RoomKind::Direct | RoomKind::Group => standing.status == Some(Status::Joined),
            RoomKind::Open => standing.status != Some(Status::Removed),
        }
}

/// The standing of somebody who may read, or why they may not.
pub fn reading(standing: Option<Standing>) -> Result<Standing> {
    match standing {
        Some(standing) if may_read(&standing) => Ok(standing),
        Some(standing) if may_know(&standing) => Err(forbidden("not_in_room")),
        _ => Err(not_found("room")),
    }
}

/// The standing of somebody who may know of the room.
pub fn knowing(standing: Option<Standing>) -> Result<Standing> {
    standing.filter(may_know).ok_or_else(|| not_found("room"))
}

pub fn may_speak(standing: &Standing) -> Result<()> {
    if standing.silenced {
        return Err(forbidden("silenced"));
    }
    Ok(())
}

/// Whether somebody may write to another for the first time. Blocks are asked about before.
pub fn may_write_first(is_heard: bool) -> Result<()> {
    if is_heard {
        return Ok(());
    }
    Err(forbidden("not_wanted"))
}

pub fn may_join(standing: &Standing) -> Result<()> {
    kept_by_members(standing)?;
    match (standing.kind, standing.status) {
        (RoomKind::Open, Some(Status::Removed)) => Err(forbidden("removed_from_room")),
        (RoomKind::Group, _) if standing.member_count >= MEMBERS => Err(conflict("room_full")),
        _ => Ok(()),
    }
}

pub fn may_leave(standing: &Standing) -> Result<()> {
    kept_by_members(standing)
}

/// Owner and admins invite, rename, and look after who ranks below them.
pub fn may_look_after(standing: &Standing) -> Result<()> {
    kept_by_members(standing)?;
    if standing.status == Some(Status::Joined) && standing.role <= Role::Admin {
        return Ok(());
    }
    Err(forbidden("not_room_admin"))
}

/// Puts out or silences somebody.
pub fn may_discipline(standing: &Standing, other: Role) -> Result<()> {
    may_look_after(standing)?;
    if standing.role < other {
        return Ok(());
    }
    Err(forbidden("outranked"))
}

/// Gives roles; the owner who makes another owner becomes an admin.
pub fn may_give_roles(standing: &Standing) -> Result<()> {
    may_look_after(standing)?;
    if standing.role == Role::Owner {
        return Ok(());
    }
    Err(forbidden("not_room_owner"))
}

/// Removes what somebody else said.
pub fn may_moderate(standing: &Standing) -> bool {
    standing.kind != RoomKind::Direct
        && standing.status == Some(Status::Joined)
        && standing.role <= Role::Admin
}

/// A direct room is its pair's, a group's room follows the group.
fn kept_by_members(standing: &Standing) -> Result<()> {
    if standing.kind == RoomKind::Direct {
        return Err(conflict("direct_room"));
    }
    if standing.of_group {
        return Err(conflict("room_of_group"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::RoomId;
    use uuid::Uuid;

    fn standing(kind: RoomKind, status: Option<Status>, role: Role) -> Standing {
        Standing {
            room: RoomId(Uuid::nil()),
            kind,
            slug: None,
            of_group: false,
            member_count: 3,
            role,
            status,
            silenced: false,
            apart: false,
        }
    }

    #[test]
    fn who_may_know_and_read_a_room() {
        use RoomKind::{Direct, Group, Open};
        use Status::{Invited, Joined, Removed};
        for (kind, status, know, read) in [
            (Direct, None, false, false),
            (Direct, Some(Joined), true, true),
            (Group, None, false, false),
            (Group, Some(Invited), true, false),
            (Group, Some(Joined), true, true),
            (Group, Some(Removed), false, false),
            (Open, None, true, true),
            (Open, Some(Invited), true, true),
            (Open, Some(Joined), true, true),
            (Open, Some(Removed), true, false),
        ] {
            let standing = standing(kind, status, Role::Member);
            assert_eq!(
                (may_know(&standing), may_read(&standing)),
                (know, read),
                "{kind} {status:?}"
            );
        }
        let apart = Standing {
            apart: true,
            ..standing(Direct, Some(Joined), Role::Member)
        };
        assert!(!may_know(&apart) && !may_read(&apart));
    }

    #[test]
    fn nobody_puts_out_an_equal() {
        let by = |role| standing(RoomKind::Group, Some(Status::Joined), role);
        for (own, other, may) in [
            (Role::Owner, Role::Admin, true),
            (Role::Owner, Role::Owner, false),
            (Role::Admin, Role::Member, true),
            (Role::Admin, Role::Admin, false),
            (Role::Admin, Role::Owner, false),
            (Role::Member, Role::Member, false),
        ] {
            assert_eq!(may_discipline(&by(own), other).is_ok(), may, "{own} {other}");
        }
        let gone = standing(RoomKind::Group, Some(Status::Invited), Role::Owner);
        assert!(may_look_after(&gone).is_err());
    }
}
