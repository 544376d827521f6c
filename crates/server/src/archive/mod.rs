//! A backup on disk: what lies in it, and whether it is whole.
//!
//! ```text
//! manifest.json      what this is, and size and hash of every file below
//! manifest.blake3    the manifest's own hash, as `b3sum --check` reads it
//! mundo.db           SQLite's database, or
//! mundo.pgdump       PostgreSQL's, as `pg_dump --format=custom` writes it
//! keys.sealed        the keys under a passphrase, unless they were put elsewhere
//! media/…            the media folder, when there is one
//! ```
//!
//! A folder with that name is a finished backup: it is written under another
//! name, brought to the disk and then renamed. Keys never lie in it unsealed.

pub mod files;
pub mod keys;
pub mod lock;
pub mod postgres;

use anyhow::{Context, Result, bail, ensure};
use base::Timestamp;
use db::{Db, Executor, migrate::migrations};
use files::Entry;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path, PathBuf},
};

pub const FORMAT: u32 = 1;
pub const SEALED_KEYS: &str = "keys.sealed";
pub const MEDIA: &str = "media";
const MANIFEST: &str = "manifest.json";
const MANIFEST_HASH: &str = "manifest.blake3";

/// What a backup says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The program that wrote it.
    pub program: String,
    pub created_at: Timestamp,
    /// `sqlite` or `postgres`.
    pub engine: String,
    /// The last migration of the database.
    pub schema_version: i64,
    /// The master key that this database's other keys are sealed under.
    pub master_key_id: String,
    /// By their path inside the backup, with `/`.
    pub files: BTreeMap<String, Entry>,
}

impl Manifest {
    /// Writes the manifest and its hash: the last step of a backup.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let text = format!("{}\n", serde_json::to_string_pretty(self)?);
        files::write_private(&folder.join(MANIFEST), text.as_bytes())?;
        let hash = blake3::hash(text.as_bytes()).to_hex();
        files::write_private(
            &folder.join(MANIFEST_HASH),
            format!("{hash}  {MANIFEST}\n").as_bytes(),
        )
    }

    /// Reads a manifest that is whole and that this program understands.
    pub fn read(folder: &Path) -> Result<Manifest> {
        let path = folder.join(MANIFEST);
        let text =
            fs::read_to_string(&path).with_context(|| format!("{} is not a backup", folder.display()))?;
        let hash = fs::read_to_string(folder.join(MANIFEST_HASH))
            .with_context(|| format!("{MANIFEST_HASH} is missing in the backup"))?;
        let own = blake3::hash(text.as_bytes()).to_hex();
        ensure!(
            hash == format!("{own}  {MANIFEST}\n"),
            "the backup is damaged: {MANIFEST} or {MANIFEST_HASH} was changed"
        );
        let value: serde_json::Value = serde_json::from_str(&text).context("the manifest cannot be read")?;
        match value["format"].as_u64() {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) => {
                bail!("the backup has format {format}; this version of mundo reads format {FORMAT}")
            }
            None => bail!("{} is not a manifest of mundo", path.display()),
        }
        let manifest: Manifest = serde_json::from_value(value).context("the manifest cannot be read")?;
        let newest = migrations().last().map_or(0, |last| last.version);
        ensure!(
            manifest.schema_version <= newest,
            "the backup has schema version {}, this version of mundo knows {newest}; restore it with a newer one",
            manifest.schema_version
        );
        ensure!(
            manifest.files.contains_key(manifest.database_file()?),
            "the backup has no database"
        );
        for name in manifest.files.keys() {
            let plain = Path::new(name)
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            ensure!(
                plain && !name.is_empty(),
                "the manifest names a file outside the backup: {name:?}"
            );
        }
        Ok(manifest)
    }

    /// Compares every file with its size and hash.
    pub fn verify(&self, folder: &Path) -> Result<()> {
        for (name, entry) in &self.files {
            let path = folder.join(name);
            let found = files::hash(&path).with_context(|| format!("the backup is damaged: {name}"))?;
            ensure!(
                found == *entry,
                "the backup is damaged: {name} is not what was backed up"
            );
        }
        Ok(())
    }

    /// The database's file for this engine.
    pub fn database_file(&self) -> Result<&'static str> {
        database_file(&self.engine)
    }

    pub fn has_sealed_keys(&self) -> bool {
        self.files.contains_key(SEALED_KEYS)
    }

    /// The files of the media folder.
    pub fn media(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.files.iter().filter(|(name, _)| name.starts_with("media/"))
    }

    pub fn size_bytes(&self) -> u64 {
        self.files.values().map(|entry| entry.size_bytes).sum()
    }
}

pub fn database_file(engine: &str) -> Result<&'static str> {
    match engine {
        "sqlite" => Ok("mundo.db"),
        "postgres" => Ok("mundo.pgdump"),
        other => bail!("the backup is of {other:?}, which this version of mundo does not know"),
    }
}

/// The last migration the database has seen.
pub async fn schema_version(db: &Db) -> Result<i64> {
    let sql = "SELECT max(version) FROM schema_migration";
    let version = db.one(sql, vec![], |row| row.get::<Option<i64>>(0)).await?;
    version.flatten().context("the database is empty")
}

/// A folder that is removed again unless it is finished.
#[derive(Debug)]
pub struct Unfinished(Option<PathBuf>);

impl Unfinished {
    pub fn create(path: PathBuf) -> Result<Unfinished> {
        files::create_private(&path).with_context(|| {
            let name = path.display();
            if path.exists() {
                return format!(
                    "{name} is in the way: another run is writing it, or one was cut off: then delete it"
                );
            }
            format!("cannot make the folder {name}")
        })?;
        Ok(Unfinished(Some(path)))
    }

    pub fn path(&self) -> &Path {
        self.0.as_deref().expect("not finished yet")
    }

    /// Brings everything to the disk, then gives the folder its name.
    pub fn finish(mut self, name: &Path) -> Result<()> {
        files::sync_tree(self.path())?;
        fs::rename(self.path(), name)
            .with_context(|| format!("cannot rename {} to {}", self.path().display(), name.display()))?;
        self.0 = None;
        files::sync_parent(name)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// `data` and `.partial` give `data.partial`, beside it.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
