//! `mundo seed`.

use super::{Flags, block_on};
use crate::{lifecycle, seed};
use anyhow::{Result, bail};
use base::{Clock, Entropy};

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum What {
    /// A community to look at
    Demo,
    /// The volumes that the benchmark asks for
    Bench,
    /// Ten times as much, with groups and notifications
    Load,
}

pub fn run(what: What, settings: &Flags) -> Result<()> {
    let (config, _) = settings.load()?;
    let _telemetry = observe::telemetry::init(&config, platform::RELEASE)?;
    block_on(async {
        let app = lifecycle::assemble(config, Clock::system(), Entropy::system(), None).await?;
        let report = match what {
            What::Demo => seed::demo(&app).await?.map(|demo| demo.to_string()),
            What::Bench => seed::bench(&app, &seed::BENCH).await?,
            What::Load => seed::bench(&app, &seed::LOAD).await?,
        };
        app.db.close().await;
        match report {
            Some(report) => println!("{report}"),
            None => bail!("the database has members already; seeds go into an empty one"),
        }
        Ok(())
    })
}
