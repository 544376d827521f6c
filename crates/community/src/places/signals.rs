use super::PlaceId;
use platform::signals::Signal;
use serde::{Deserialize, Serialize};

/// A place was recommended, or what is said of it has changed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct PlaceChanged {
    pub id: PlaceId,
}

impl Signal for PlaceChanged {
    const KIND: &'static str = "place_changed";
}
