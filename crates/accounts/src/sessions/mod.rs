//! Sessions: one log-in on one device, from its beginning to its end.
//!
//! Whether a session lives is asked on each call ([`live`]), without a read per
//! call; how long it may live is a pure question ([`lifetimes`]). Every end goes
//! through [`store::end`]: it writes the row, the member's security log and the
//! revocation that all nodes hear of, in one transaction.
//!
//! Never true: a session that ended without its reason standing in the log; an
//! ended session that still answers half a second later, on any node.

mod clean_up;
pub mod http;
pub mod lifetimes;
mod live;
mod ops;
mod refreshing;
mod store;

pub use live::{Activity, Sessions};
pub(crate) use live::{check, flush_activity};
pub use ops::{cut, end_all};
pub use store::end_all_sessions;
pub(crate) use {
    clean_up::clean_up,
    ops::{end_contested, list_living, make_room},
    refreshing::{is_genuine, refresh_tokens},
    store::{begin_anew, end, end_again, find_key, keep_rotation, lock},
};

use crate::members::MemberId;
use base::{choice, ids};
use db::stored;

ids! {
    /// Names a session: one log-in on one device.
    SessionId;
}
stored!(ids: SessionId);

choice! {
    /// Why a session ended, or its member's rights changed.
    pub enum Reason {
        LogOut = "log_out",
        EndedByMember = "ended_by_member",
        EndedByStaff = "ended_by_staff",
        NotMe = "not_me",
        Reuse = "token_reuse",
        PasswordChanged = "password_changed",
        TooMany = "too_many_sessions",
        /// It was contested, and a log-in on its device took its place.
        Replaced = "replaced",
        Expired = "expired",
        Suspended = "suspended",
        Reinstated = "reinstated",
        RolesChanged = "roles_changed",
        Restored = "restored",
        /// The member asked for the end of the account.
        Leaving = "leaving",
        /// The account has ended.
        Erased = "erased",
    }
}
stored!(words: Reason);

/// A session ended, and its sockets must be cut; or, without a session, the
/// member's rights changed and must be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    pub session: Option<SessionId>,
    pub member: MemberId,
    pub reason: Reason,
}
