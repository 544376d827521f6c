use accounts::{CurrentUser, MemberId};
use base::{Result, error::forbidden};

/// Whose friends one may see: one's own, and those of a friend.
pub fn may_list(actor: &CurrentUser, of: MemberId, are_friends: bool) -> Result<()> {
    if actor.id == of || are_friends {
        return Ok(());
    }
    Err(forbidden("not_a_friend"))
}
