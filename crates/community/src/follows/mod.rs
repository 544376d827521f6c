//! Who follows whom.
//!
//! Following is one-sided and needs no consent. The counts on both members
//! change in the same transaction, and only when the row really changed; nobody
//! follows themselves.

mod belongings;
mod http;
pub(crate) mod ops;
pub(crate) mod store;

pub use belongings::belongings;
pub use http::routes;

use accounts::MemberId;
use platform::signals::Signal;
use serde::{Deserialize, Serialize};

/// Somebody follows somebody from now on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Followed {
    pub follower: MemberId,
    pub followee: MemberId,
}

impl Signal for Followed {
    const KIND: &'static str = "followed";
}
