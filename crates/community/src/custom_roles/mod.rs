//! Custom roles: roles in the dance that members propose and staff approve.
//!
//! Beside the roles that every community has there are those it finds for itself. A
//! member proposes one with a few words about it; staff approve or reject it, with a
//! note; an approved one stands in the list of all and anybody may hold it. Like all
//! roles in the dance it is a word, and permits nothing.
//!
//! Never true: two roles of one name, accents and capitals aside, that were not
//! rejected; a holder of a role that was not approved.

mod belongings;
mod http;
mod ops;
mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;

use crate::profiles::Author;
use base::{Timestamp, choice, ids};
use db::stored;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

ids! {
    /// Names a custom role.
    CustomRoleId;
}
stored!(ids: CustomRoleId);

choice! {
    /// How far a proposal has come.
    #[schemars(rename = "CustomRoleStatus")]
    pub enum Status {
        Pending = "pending",
        Approved = "approved",
        Rejected = "rejected",
    }
}
stored!(words: Status);

/// A role that a member proposed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CustomRole {
    pub id: CustomRoleId,
    pub slug: String,
    pub name: String,
    pub description: String,
    pub status: Status,
    pub holder_count: i64,
    pub held_by_me: bool,
    pub created_at: Timestamp,
    pub decided_at: Option<Timestamp>,
    /// From staff to who proposed it; empty for everybody else.
    pub note: String,
}

/// The same for staff.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CustomRoleProposal {
    #[serde(flatten)]
    pub role: CustomRole,
    /// Null when the account is gone.
    pub proposed_by: Option<Author>,
}
