use accounts::MemberId;
use platform::signals::Signal;
use serde::{Deserialize, Serialize};

/// A member says something else of themselves, or shows it to others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProfileChanged {
    pub member: MemberId,
    /// Where they live, when they have just told everybody.
    pub home: Option<Home>,
}

/// A city by its one name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Home {
    pub city: String,
    pub country: Option<String>,
}

impl Signal for ProfileChanged {
    const KIND: &'static str = "profile_changed";
}
