//! What goes down a socket, by its name.

use schemars::JsonSchema;
use serde::Serialize;

/// A payload with the name of its event: `noun:verb`.
pub trait Push: Serialize + JsonSchema + Send + Sync {
    const NAME: &'static str;
}
