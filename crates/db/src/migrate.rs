//! The schema: migrations in pairs, applied in order, each in its own transaction.
//!
//! A database whose tables are not ours is refused, and so is one that a newer
//! version has changed. An applied migration must not change: its checksum is
//! kept.

use crate::{Db, Engine, Executor, params, sqlite};
use base::{Clock, Result, error::internal};
use include_dir::{Dir, include_dir};
use std::collections::HashSet;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations");

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    version BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL
)";

/// One step of the schema.
#[derive(Debug)]
pub struct Migration {
    pub version: i64,
    pub name: &'static str,
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

/// All steps, in order.
pub fn migrations() -> Vec<Migration> {
    let mut all: Vec<Migration> = FILES
        .dirs()
        .map(|folder| {
            let label = folder.path().to_str().expect("folders have plain names");
            let (version, name) = label.split_once('_').expect("folders are called NNNN_name");
            let text = |file: &str| {
                FILES
                    .get_file(folder.path().join(file))
                    .and_then(|file| file.contents_utf8())
                    .unwrap_or_else(|| panic!("migrations/{label}/{file} is missing"))
            };
            Migration {
                version: version.parse().expect("folders begin with a number"),
                name,
                sqlite: text("sqlite.sql"),
                postgres: text("postgres.sql"),
            }
        })
        .collect();
    all.sort_by_key(|migration| migration.version);
    all
}

/// Brings the schema up to date and says which steps were new.
pub async fn migrate(db: &Db, clock: &Clock) -> Result<Vec<&'static str>> {
    let tables = tables(db).await?;
    if !tables.is_empty() && !tables.contains("schema_migration") {
        return Err(internal(
            "the database holds tables that are not Mundo Tango's; name an empty database or another one",
        ));
    }
    run(db, LEDGER).await?;
    let applied = db
        .all("SELECT version, checksum FROM schema_migration", vec![], |row| {
            Ok((row.get::<i64>(0)?, row.get::<String>(1)?))
        })
        .await?;
    let all = migrations();
    if let Some((version, _)) = applied.iter().find(|(v, _)| all.iter().all(|m| m.version != *v)) {
        return Err(internal(format!(
            "the database has migration {version}, which this version of mundo does not know; run a newer one"
        )));
    }
    let mut new = vec![];
    for migration in all {
        let text = db.pick(migration.sqlite, migration.postgres);
        let checksum = blake3::hash(text.as_bytes()).to_hex().to_string();
        if let Some((_, known)) = applied.iter().find(|(version, _)| *version == migration.version) {
            if *known != checksum {
                return Err(internal(format!(
                    "migration {} has changed since it was applied",
                    migration.name
                )));
            }
            continue;
        }
        apply(db, &migration, text, checksum, clock).await?;
        new.push(migration.name);
    }
    guard_content_tables(db).await?;
    Ok(new)
}

async fn apply(
    db: &Db,
    migration: &Migration,
    text: &'static str,
    checksum: String,
    clock: &Clock,
) -> Result<()> {
    let (version, name, at) = (migration.version, migration.name, clock.now().as_micros());
    let lock = db.pick("SELECT 1", "SELECT pg_advisory_xact_lock(5000)");
    db.write(move |tx| async move {
        // Two nodes may start at once: the second finds the work done.
        tx.all(lock, vec![], |_| Ok(())).await?;
        let done = "SELECT version FROM schema_migration WHERE version = $1";
        if tx
            .one(done, params![version], |row| row.get::<i64>(0))
            .await?
            .is_some()
        {
            return Ok(());
        }
        tx.batch(text).await?;
        tx.execute(
            "INSERT INTO schema_migration (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
            params![version, name, checksum, at],
        )
        .await?;
        Ok(())
    })
    .await
    .map_err(|error| internal(format!("migration {version} ({name}) failed: {error}")))
}

async fn run(db: &Db, text: &'static str) -> Result<()> {
    db.write(move |tx| async move { tx.batch(text).await }).await
}

/// The tables that are there.
pub async fn tables(db: &Db) -> Result<HashSet<String>> {
    let sql = db.pick(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()",
    );
    let names = db.all(sql, vec![], |row| row.get::<String>(0)).await?;
    Ok(names.into_iter().collect())
}

/// Tables with a `community_id` hold content; from now on statements on them name the community.
async fn guard_content_tables(db: &Db) -> Result<()> {
    let sql = db.pick(
        "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c
         WHERE m.type = 'table' AND c.name = 'community_id'",
        "SELECT table_name::text FROM information_schema.columns
         WHERE table_schema = current_schema() AND column_name = 'community_id'",
    );
    let names = db.all(sql, vec![], |row| row.get::<String>(0)).await?;
    let texts = match &*db.engine {
        Engine::Sqlite(sqlite::Sqlite { texts, .. }) => texts,
        Engine::Postgres(postgres) => &postgres.texts,
    };
    texts.guard(names.into_iter().collect());
    Ok(())
}
