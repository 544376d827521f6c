//! `mundo serve`.

use super::{
    Flags, block_on,
    guard::start::{self, Guarded},
};
use crate::{lifecycle, seed};
use anyhow::Result;
use base::{Clock, Entropy};
use tokio::signal::unix::{SignalKind, signal};

pub fn run(settings: &Flags, demo: bool) -> Result<()> {
    let (config, warnings) = settings.load()?;
    let guarded = start::before_start(&config)?;
    let telemetry = observe::telemetry::init(&config, platform::RELEASE)?;
    block_on(async {
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        if let Some(guarded) = &guarded {
            for line in &guarded.news {
                tracing::warn!("guard: {line}");
            }
            for level in &guarded.levels {
                tracing::info!(level = level.name, active = level.active, "guard: {}", level.why);
            }
        }
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let app = lifecycle::assemble(config, Clock::system(), Entropy::system(), telemetry.sentry()).await?;
        if demo {
            match seed::demo(&app).await? {
                Some(demo) => println!("{demo}"),
                None => println!("The database has members already; the demo community was not added."),
            }
        }
        for level in guarded.iter().flat_map(|guarded| &guarded.levels) {
            admin::guard::confined(&app, level.clone());
        }
        if let Some(plan) = guarded.and_then(Guarded::worker) {
            app.supervisor.add(plan);
        }
        if !app.config.is_https() {
            println!(
                "Plain http: fit for this machine alone. Cookies go under development names; beyond it, \
                 set server.public_url to an https:// address."
            );
        }
        // Before anybody can ask for it, and after the demo's own lines.
        let code = accounts::staff::first::offer(&app).await?;
        let running = lifecycle::start(app).await?;
        println!(
            "Mundo Tango is at http://localhost:{} — stop it with Ctrl-C",
            running.address.port()
        );
        if let Some(code) = code {
            tracing::info!(
                "there is no administrator yet: log in, then POST /api/v1/auth/first-administrator \
                 {{\"code\": \"{code}\"}}; the code works once, until the next start"
            );
        }
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping; ask again to stop at once");
        tokio::select! {
            () = running.stop() => tracing::info!("stopped"),
            _ = terminate.recv() => tracing::warn!("stopped at once"),
            _ = interrupt.recv() => tracing::warn!("stopped at once"),
        }
        Ok(())
    })
}
