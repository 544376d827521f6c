//! Tiers: what a member's account includes. Until payments exist, staff grant them.
//!
//! A tier has an end or lasts until staff end it; whose time is over is free, without
//! anybody doing anything. A tier is no role: it permits nothing to anybody else's
//! things. Every grant is in the audit log, with its reason.

pub(crate) mod http;
mod ops;
pub(crate) mod store;

use base::{Timestamp, choice};
use db::stored;
use schemars::JsonSchema;
use serde::Serialize;

choice! {
    /// What an account includes.
    pub enum Tier {
        Free = "free",
        Basic = "basic",
        Enthusiast = "enthusiast",
        Professional = "professional",
        Enterprise = "enterprise",
    }
}
stored!(words: Tier);

/// A member's tier now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MemberTier {
    pub tier: Tier,
    /// Null: it does not end by itself.
    pub ends_at: Option<Timestamp>,
}

impl MemberTier {
    pub const FREE: MemberTier = MemberTier {
        tier: Tier::Free,
        ends_at: None,
    };
}
