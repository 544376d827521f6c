use super::apart;
use accounts::MemberId;
use base::Result;
use platform::AppState;
use realtime::{Hides, Sockets};
use std::collections::HashSet;

/// Whom real time hides from whom.
pub fn sockets() -> Sockets {
    Sockets::new("blocks").hides(Blocks)
}

struct Blocks;

impl Hides for Blocks {
    async fn hidden_from(&self, app: &AppState, reader: MemberId) -> Result<HashSet<MemberId>> {
        // Read anew: it is asked at the handshake and when a block was made, perhaps on another node.
        Ok((*apart::read(app, reader).await?).clone())
    }
}
