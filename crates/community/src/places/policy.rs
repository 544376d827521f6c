use super::Place;
use accounts::{CurrentUser, Permission};
use base::{Result, error::forbidden};

/// Who recommended it, and staff.
pub fn may_change(actor: &CurrentUser, place: &Place) -> Result<()> {
    if place.is_mine || actor.roles.may(Permission::PostsModerate) {
        Ok(())
    } else {
        Err(forbidden("not_author").about("place"))
    }
}

/// What staff took from sight stays as they saw it, but for themselves.
pub fn may_edit(actor: &CurrentUser, place: &Place) -> Result<()> {
    may_change(actor, place)?;
    if place.is_withheld && !actor.roles.may(Permission::PostsModerate) {
        return Err(forbidden("withheld").about("place"));
    }
    Ok(())
}

/// A withheld place is there for its author and for staff.
pub fn may_see(actor: &CurrentUser, place: &Place) -> bool {
    !place.is_withheld || place.is_mine || actor.roles.may(Permission::PostsModerate)
}
