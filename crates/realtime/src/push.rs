//! What goes down a socket, by its name.

use accounts::SessionId;
use schemars::JsonSchema;
use serde::Serialize;

/// A payload with the name of its event: `noun:verb`.
pub trait Push: Serialize + JsonSchema + Send + Sync {
    const NAME: &'static str;
}

/// The session has ended; the connection is cut after this.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SessionRevoked {
    pub reason: String,
}

impl Push for SessionRevoked {
    const NAME: &'static str = "session:revoked";
}

/// Another session of the member has ended: a page that lists them reads again.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SessionEnded {
    pub session: SessionId,
}

impl Push for SessionEnded {
    const NAME: &'static str = "session:ended";
}
