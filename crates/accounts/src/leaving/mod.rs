//! Leaving: a member takes along what is theirs, and their account ends.
//!
//! The export is one JSON document, written while it is read: nothing of it is kept. The end of an
//! account is asked for with a fresh proof and the user name; all sessions end at once. For
//! `accounts.deletion_grace_days` whoever logs in again can take it back. Then a worker finds the
//! account ([`erasing`]), and a durable task goes through [`platform::belongings`], table by table,
//! in writes of their own: cut off anywhere, it goes on where it was. At its end the member's row holds
//! an id and no name, so that what others wrote stays in its place, beside a "former member".
//!
//! Never true: a table that the export or the end forgets (a test holds both against the schema); a
//! session or token that works after the request; a former member who comes back with a backup:
//! the journal says it again after a restore.

mod erasing;
mod export;
pub mod http;
mod ops;
mod store;

pub use erasing::Erase;
pub(crate) use erasing::find_due;
pub(crate) use store::erase_again;

use base::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// The name that others read in place of a former member's.
pub const FORMER: &str = "Former member";

/// An account that will end.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(rename = "AccountDeletion")]
pub struct Deletion {
    pub requested_at: Timestamp,
    /// Until then it can be taken back.
    pub erase_at: Timestamp,
    #[serde(skip)]
    pub begun_at: Option<Timestamp>,
}
