use accounts::MemberId;
use platform::signals::Signal;
use serde::{Deserialize, Serialize};

/// Two members have nothing to do with each other from now on. Never pushed:
/// the other one is not told.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct MemberBlocked {
    pub member: MemberId,
    pub blocked: MemberId,
}

impl Signal for MemberBlocked {
    const KIND: &'static str = "member_blocked";
}
