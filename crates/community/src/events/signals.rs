//! What a new event tells others.

use super::EventId;
use accounts::MemberId;
use base::Timestamp;
use platform::signals::Signal;
use serde::{Deserialize, Serialize};

/// An event was announced.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventCreated {
    pub id: EventId,
    pub title: String,
    pub city: String,
    pub starts_at: Timestamp,
    pub by: MemberId,
}

impl Signal for EventCreated {
    const KIND: &'static str = "event_created";
}
