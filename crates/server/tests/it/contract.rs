//! The API document against the API: Schemathesis reads the one and tries the other.

use crate::{
    app_with,
    foreign::{program, root, succeeds},
};
use serde_json::json;
use std::process::Command;

#[tokio::test]
async fn schemathesis_finds_nothing() {
    let schemathesis = program(
        "MUNDO_TEST_SCHEMATHESIS",
        root()
            .join("target/tools/venv/bin/schemathesis")
            .to_str()
            .expect("a path"),
    );
    assert!(
        schemathesis.exists(),
        "There is no {}: `make test` installs it.",
        schemathesis.display()
    );
    let app = app_with(&[]).await;
    let (ana, bruno, carla) = (
        app.user("Ana").await,
        app.user("Bruno").await,
        app.user("Carla").await,
    );
    // Who may do everything meets every answer.
    crate::staff::give(&app, &ana, accounts::Role::God).await;
    let event: uuid::Uuid = app.app.ids.next();
    let now = app.clock.now();
    let insert = "INSERT INTO event (id, community_id, title, city, starts_at, created_at) VALUES ($1, @community, $2, $3, $4, $4)";
    let inserted = app.app.db.write(move |tx| async move {
        tx.execute(insert, db::params![event, "Milonga", "Roma", now])
            .await
    });
    inserted.await.expect("there is an event");
    let fingerprint = [7_u8; 32];
    let insert = "INSERT INTO error_group
                      (fingerprint, kind, code, place, message, release, count, first_seen, last_seen, sample_hour)
                  VALUES ($1, 'error', 'internal', 'here', 'broken', 'mundo@test', 1, $2, $2, 0)";
    let inserted = app
        .app
        .db
        .write(move |tx| async move { tx.execute(insert, db::params![fingerprint, now]).await });
    inserted.await.expect("there is an error");
    ana.post("/posts", json!({"body": "¡Buenas!"})).await.expect(201);

    // What is there, and cannot be made through the API, stands in dictionaries.
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let (config, settings) = (
        folder.path().join("schemathesis.toml"),
        include_str!("../schemathesis.toml"),
    );
    let dictionaries = [
        ("errors", &*"07".repeat(32)),
        ("events", &event.to_string()),
        ("time_zones", "Europe/Berlin"),
        ("members", &bruno.id),
        ("emails", "carla@example.test"),
        ("passwords", "correct horse"),
        ("refresh_tokens", &carla.refresh_token),
    ];
    let dictionaries =
        dictionaries.map(|(name, value)| format!("[dictionaries.{name}]\nvalues = [\"{value}\"]\n"));
    std::fs::write(&config, format!("{settings}\n{}", dictionaries.concat()))
        .expect("the settings are written");
    let mut command = Command::new(schemathesis);
    command
        .current_dir(folder.path())
        .arg("--config-file")
        .arg(config)
        .env(
            "SCHEMATHESIS_HOOKS",
            root().join("crates/server/tests/schemathesis_hooks.py"),
        )
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["run", &format!("{}/api/openapi.json", app.url)])
        .args(["--header", &format!("Authorization: Bearer {}", ana.token)])
        .args(["--checks", "all"]);
    let said = succeeds(command).await;
    assert!(said.contains("No issues found"), "{said}");
    app.end().await;
}
