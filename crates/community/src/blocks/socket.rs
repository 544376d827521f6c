use super::apart_from;
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
        Ok((*apart_from(app, reader).await?).clone())
    }
}
