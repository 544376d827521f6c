use super::DecisionId;
use accounts::MemberId;
use platform::signals::Signal;
use serde::{Deserialize, Serialize};

/// Staff decided something that a member should know of, or looked at their appeal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Decided {
    pub decision: DecisionId,
    pub member: MemberId,
    /// It is the answer to an appeal.
    pub is_answer: bool,
}

impl Signal for Decided {
    const KIND: &'static str = "moderation_decided";
}
