//! The client for TypeScript against the whole server, its README included.

use crate::{
    app_with,
    foreign::{node, root, succeeds},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_program_logs_in_reads_writes_hears_and_goes_on_later() {
    let app = app_with(&[]).await;
    app.user("Ana").await;
    let mut vitest = node();
    vitest
        .current_dir(root().join("web"))
        .args([
            "node_modules/vitest/vitest.mjs",
            "run",
            "../clients/typescript/story",
        ])
        .env("MUNDO_URL", &app.url)
        .env("MUNDO_EMAIL", "ana@example.test")
        .env("MUNDO_PASSWORD", "correct horse");
    let said = succeeds(vitest).await;
    assert!(said.contains("3 passed") && !said.contains("skipped"), "{said}");
    app.end().await;
}
