use super::FriendRequestId;
use crate::profiles::Author;
use accounts::MemberId;
use platform::signals::Signal;
use serde::{Deserialize, Serialize};

/// Somebody asked somebody to be friends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FriendRequested {
    pub id: FriendRequestId,
    pub sender: Author,
    pub receiver: MemberId,
}

impl Signal for FriendRequested {
    const KIND: &'static str = "friend_requested";
}

/// Two members became friends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FriendAccepted {
    /// Who said yes.
    pub accepter: Author,
    /// Who had asked.
    pub sender: MemberId,
}

impl Signal for FriendAccepted {
    const KIND: &'static str = "friend_accepted";
}
