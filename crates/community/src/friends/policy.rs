use accounts::{CurrentUser, MemberId};
use base::{Result, error::forbidden};

/// Whether a member may be asked. Who asked first may be answered by anybody.
pub fn may_ask(is_heard: bool, asked_first: bool) -> Result<()> {
    if is_heard || asked_first {
        return Ok(());
    }
    Err(forbidden("not_wanted"))
}

/// Whose friends one may see: one's own, and those of a friend.
pub fn may_list(actor: &CurrentUser, of: MemberId, are_friends: bool) -> Result<()> {
    if actor.id == of || are_friends {
        return Ok(());
    }
    Err(forbidden("not_a_friend"))
}
