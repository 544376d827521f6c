//! The server as its users meet it.

mod access;
mod access_tokens;
mod administration;
mod attacks;
mod audit;
mod backup;
mod browser;
mod communities;
mod contract;
mod conventions;
mod coverage;
mod devices;
mod foreign;
mod guard;
mod kill;
mod leaving;
mod limits;
mod loss;
mod media;
mod members;
mod outage;
mod passwords;
mod process;
mod push;
mod realtime;
mod revocations;
mod secrets;
mod security;
mod sessions;
mod staff;
mod storm;
mod support;
mod sweep;
mod typescript;

use platform::AppState;
use testkit::TestApp;

/// The whole server, as the binary puts it together.
async fn server(
    config: platform::Config,
    clock: base::Clock,
    entropy: base::Entropy,
) -> (AppState, axum::Router<AppState>) {
    let app = server::lifecycle::assemble(config, clock, entropy, None)
        .await
        .expect("the server is put together");
    let router = server::router::router(&app);
    (app, router)
}

/// Tells the story on both databases.
async fn each_db(story: impl AsyncFn(&TestApp)) {
    testkit::each_db(server, story).await;
}

/// One app on SQLite with further settings.
async fn app_with(more: &[(&'static str, &str)]) -> TestApp {
    TestApp::start(&server, None, more).await
}
