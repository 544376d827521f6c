//! `mundo migrate`.

use super::{Flags, block_on};
use crate::lifecycle;
use anyhow::Result;
use base::Clock;
use db::{Db, migrate::migrate as bring_up_to_date};

pub fn migrate(settings: &Flags) -> Result<()> {
    let (config, _) = settings.load()?;
    let _lock = lifecycle::lock_data(&config)?;
    block_on(async {
        let db = Db::open(&lifecycle::database(&config)).await?;
        let new = bring_up_to_date(&db, &Clock::system()).await?;
        if new.is_empty() {
            println!("The schema is up to date.");
        }
        for name in new {
            println!("applied {name}");
        }
        db.close().await;
        Ok(())
    })
}
