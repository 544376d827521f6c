//! Who may change what was said. Who may read it and speak is the room's to say.

use super::model::Facts;
use crate::rooms::{Standing, policy};
use accounts::MemberId;
use base::{Result, error::forbidden};

/// Only the sender edits, and only while they may speak.
pub fn may_edit(actor: MemberId, standing: &Standing, message: &Facts) -> Result<()> {
    if message.sender != actor {
        return Err(forbidden("not_author").about("message"));
    }
    policy::may_speak(standing)
}

/// The sender deletes, silenced or not; and whoever looks after the room.
pub fn may_delete(actor: MemberId, standing: &Standing, message: &Facts) -> Result<()> {
    if message.sender == actor || policy::may_moderate(standing) {
        return Ok(());
    }
    Err(forbidden("not_author").about("message"))
}
