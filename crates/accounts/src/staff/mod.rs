//! Staff: who gives which role to whom, and who puts a member out.
//!
//! Every act asks [`policy`] with what the database says in the act's own
//! transaction, one act at a time, so that two gods cannot remove each other;
//! it leaves an entry in the audit log and a note in the member's security log,
//! and counts on all nodes and open sockets within a second.
//!
//! Never true: somebody who changed their own roles; a community without a god
//! once there was one; an account that a role alone, without proof of who is
//! there, could act through.

pub mod first;
pub(crate) mod http;
mod ops;
mod policy;
mod store;

pub(crate) use ops::end_suspensions;
pub use ops::{end_sessions, grant, reinstate, reinstate_within, revoke, suspend, suspend_within};
pub(crate) use store::standing;
pub use store::{Listed, list, may, who_may};
pub(crate) use store::{forget, put_status, set_roles};

use crate::MemberId;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Member(MemberId),
    /// Somebody with a shell on the machine, who is asked for no role.
    CommandLine,
}

impl By {
    fn member(self) -> Option<MemberId> {
        match self {
            By::Member(id) => Some(id),
            By::CommandLine => None,
        }
    }
}
