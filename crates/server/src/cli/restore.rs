//! `mundo restore`.

use super::{
    Flags,
    backup::{PATIENCE, fit, passphrase},
    block_on,
};
use crate::{
    archive::{
        Manifest, SEALED_KEYS, Unfinished, beside, files,
        keys::Keys,
        lock::{DataLock, LOCK},
        postgres, schema_version,
    },
    lifecycle,
};
use accounts::{Journal, MasterKeys, Replayed, Revocation, SealedPepper};
use anyhow::{Context, Result, bail, ensure};
use base::{Clock, Entropy, Timestamp};
use db::{
    Db, Executor, Place, Settings,
    migrate::{migrate, tables},
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

#[derive(Debug, clap::Args)]
pub struct Options {
    /// The backup's folder
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// File of the keys, when they were kept apart
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    keys: Option<PathBuf>,
    /// File with the passphrase of the keys in the backup
    /// [or: the variable `MUNDO_BACKUP_PASSPHRASE`]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Data folder to restore into [default: data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Replace the data that is there; it is moved aside, not deleted
    #[arg(long)]
    replace: bool,
    /// Settings file [default: mundo.toml, when it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What happened between the backup and now, as far as this data folder knows.
enum Since {
    /// The journal goes back to the backup and is carried over.
    Known {
        revocations: Vec<Revocation>,
        peppers: Vec<SealedPepper>,
        /// The folder of the keys that are replaced, when there is one.
        keys: Option<PathBuf>,
        file: PathBuf,
    },
    Unknown,
}

impl Since {
    fn read(data: &Path, manifest: &Manifest) -> Result<Since> {
        let folder = data.join(Journal::FOLDER);
        let file = folder.join(Journal::FILE);
        match Journal::read(&folder)? {
            Some(journal) if journal.complete_since() <= manifest.created_at => Ok(Since::Known {
                revocations: journal.since(manifest.created_at),
                peppers: journal.peppers().to_vec(),
                keys: Some(data.join("keys")).filter(|keys| keys.is_dir()),
                file,
            }),
            _ => Ok(Since::Unknown),
        }
    }

    /// Puts the journal into the new data folder: older backups may follow.
    fn carry_over(&self, to: &Path) -> Result<()> {
        let Since::Known { file, .. } = self else {
            return Ok(());
        };
        let folder = to.join(Journal::FOLDER);
        fs::create_dir_all(&folder)?;
        files::copy(file, &folder.join(Journal::FILE)).context("cannot carry the journal over")?;
        Ok(())
    }
}

/// The data folder that is to be.
struct Target {
    folder: PathBuf,
    /// Where what it holds now is moved, when it holds anything.
    aside: PathBuf,
    occupied: bool,
    lock: Option<DataLock>,
}

pub fn run(options: &Options) -> Result<()> {
    let flags = Flags {
        data: options.data.clone(),
        config: options.config.clone(),
        ..Flags::default()
    };
    let (config, _) = flags.load()?;
    let settings = Settings {
        readers: 1,
        statement_timeout: PATIENCE,
        ..lifecycle::database(&config)
    };
    let manifest = Manifest::read(&options.from)?;
    check_engine(&manifest, &settings.place)?;
    manifest.verify(&options.from)?;
    let keys = keys(options, &manifest)?;
    let now = Clock::system().now();
    let target = Target::choose(&config.data.dir, options.replace, now)?;
    let since = Since::read(&config.data.dir, &manifest)?;
    let done = block_on(async {
        match &settings.place {
            Place::Sqlite(_) => restore_sqlite(options, &manifest, &keys, &target, &settings, &since).await,
            Place::Postgres(url) => {
                restore_postgres(options, &manifest, &keys, &target, &settings, &since, url).await
            }
        }
    })?;
    println!(
        "Restored the backup of {} into {}.",
        manifest.created_at,
        target.folder.display()
    );
    if target.occupied {
        println!("What was there before is in {}.", target.aside.display());
    }
    match since {
        Since::Known { .. } => println!(
            "What the journal says was revoked or changed after the backup was done again ({}).",
            done.count
        ),
        Since::Unknown => println!(
            "All sessions were ended ({}): which of them were revoked after the backup is not known, \
             so everybody logs in again. Passwords, roles and suspensions are those of the backup: look \
             at them with `mundo staff list`.",
            done.count
        ),
    }
    if !done.locked.is_empty() {
        println!(
            "These members cannot log in until they get a new password, since the pepper of the one they \
             set after the backup is lost: {}. It can be opened with the keys folder of that time: put \
             it into the data folder that is replaced, and restore again.",
            done.locked.join(", ")
        );
    }
    Ok(())
}

fn check_engine(manifest: &Manifest, place: &Place) -> Result<()> {
    match (manifest.engine.as_str(), place) {
        ("sqlite", Place::Sqlite(_)) | ("postgres", Place::Postgres(_)) => Ok(()),
        ("sqlite", _) => bail!("the backup is of SQLite, but DATABASE_URL (database.url) names PostgreSQL"),
        ("postgres", _) => {
            bail!("the backup is of PostgreSQL; name an empty database in DATABASE_URL (database.url)")
        }
        (other, _) => bail!("the backup is of {other:?}, which this version of mundo does not know"),
    }
}

/// The keys at hand, which must be those of the backup.
fn keys(options: &Options, manifest: &Manifest) -> Result<Keys> {
    let keys = if let Some(path) = &options.keys {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Keys::from_json(&bytes).with_context(|| path.display().to_string())?
    } else if manifest.has_sealed_keys() {
        let passphrase = passphrase(options.passphrase_file.as_deref())?.context(
            "the keys are sealed inside the backup; give their passphrase with --passphrase-file FILE \
             or MUNDO_BACKUP_PASSPHRASE",
        )?;
        Keys::open(&fs::read(options.from.join(SEALED_KEYS))?, &passphrase)?
    } else {
        bail!("the keys of this backup were kept apart from it; give their file with --keys FILE");
    };
    let id = keys.master()?.id();
    ensure!(
        id == manifest.master_key_id,
        "these are other keys: the backup belongs to master key {}, not {id}",
        manifest.master_key_id
    );
    Ok(keys)
}

impl Target {
    fn choose(folder: &Path, replace: bool, now: Timestamp) -> Result<Target> {
        let folder = if folder.exists() {
            fs::canonicalize(folder)?
        } else {
            std::path::absolute(folder)?
        };
        let time = now.to_string().replace(':', "-");
        let time = time.split(['.', 'Z']).next().unwrap_or_default();
        let aside = beside(&folder, &format!(".before-restore-{time}"));
        let mut target = Target {
            folder,
            aside,
            occupied: false,
            lock: None,
        };
        if !target.folder.exists() {
            return Ok(target);
        }
        for entry in fs::read_dir(&target.folder)? {
            target.occupied |= entry?.file_name() != LOCK;
        }
        ensure!(
            replace || !target.occupied,
            "{} holds data already; give --replace to put the backup in its place (what is there is moved aside)",
            target.folder.display()
        );
        ensure!(
            !target.aside.exists(),
            "{} is there already; wait a second",
            target.aside.display()
        );
        target.lock = Some(DataLock::take(&target.folder)?);
        Ok(target)
    }

    /// A folder beside it, which becomes the data folder in one step.
    fn prepare(&self, from: &Path, manifest: &Manifest, keys: &Keys) -> Result<(Unfinished, DataLock)> {
        if let Some(parent) = self.folder.parent() {
            fs::create_dir_all(parent)?;
        }
        let new = Unfinished::create(beside(&self.folder, ".restoring"))?;
        // Who starts on the folder as soon as it has its name waits for us.
        let lock = DataLock::take(new.path())?;
        keys.write(&new.path().join("keys"))?;
        for (name, entry) in manifest.media() {
            copy(from, name, entry, &new.path().join(name))?;
        }
        Ok((new, lock))
    }

    fn put_in_place(&self, new: Unfinished) -> Result<()> {
        let moved = |what: &str| format!("{what}; nothing was replaced in {}", self.folder.display());
        if self.occupied {
            fs::rename(&self.folder, &self.aside)
                .with_context(|| moved("cannot move the old data folder aside"))?;
        } else if self.folder.exists() {
            let _ = fs::remove_file(self.folder.join(LOCK));
        }
        new.finish(&self.folder).or_else(|error| {
            if self.occupied {
                fs::rename(&self.aside, &self.folder).context("the old data folder stays aside")?;
            }
            Err(error)
        })
    }
}

/// The bytes that are checked are the bytes that are kept.
fn copy(from: &Path, name: &str, entry: &files::Entry, to: &Path) -> Result<()> {
    let written = files::copy(&from.join(name), to).with_context(|| format!("cannot copy {name}"))?;
    ensure!(
        written == *entry,
        "the backup is damaged: {name} changed while it was read"
    );
    Ok(())
}

async fn restore_sqlite(
    options: &Options,
    manifest: &Manifest,
    keys: &Keys,
    target: &Target,
    settings: &Settings,
    since: &Since,
) -> Result<Replayed> {
    let (new, _lock) = target.prepare(&options.from, manifest, keys)?;
    since.carry_over(new.path())?;
    let name = manifest.database_file()?;
    let place = new.path().join(name);
    copy(&options.from, name, &manifest.files[name], &place)?;
    let settings = Settings {
        place: Place::Sqlite(place),
        ..settings.clone()
    };
    let done = bring_up(&settings, keys, since).await?;
    target.put_in_place(new)?;
    Ok(done)
}

async fn restore_postgres(
    options: &Options,
    manifest: &Manifest,
    keys: &Keys,
    target: &Target,
    settings: &Settings,
    since: &Since,
    url: &str,
) -> Result<Replayed> {
    let occupied = check_postgres(options, manifest, settings).await?;
    let (new, _lock) = target.prepare(&options.from, manifest, keys)?;
    since.carry_over(new.path())?;
    if occupied {
        let old = beside(&target.aside, ".pgdump");
        postgres::dump(url, &old)?;
        println!("What was in the database is in {}.", old.display());
    }
    let dump = options.from.join(manifest.database_file()?);
    postgres::restore(url, &dump).context("the database was left as it was")?;
    let done = bring_up(settings, keys, since)
        .await
        .context("the database is restored but not ready: restore again with --replace")?;
    target
        .put_in_place(new)
        .context("the database is restored, but its keys are not in place: restore again with --replace")?;
    Ok(done)
}

/// Connections of other processes of ours. PostgreSQL needs a moment to notice that one has ended.
async fn others(db: &Db) -> Result<i64> {
    // This handle has one connection so far.
    let sql = "SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'mundo' AND pid <> pg_backend_pid()";
    let mut count = 0;
    for _ in 0..10 {
        count = db.one(sql, vec![], |row| row.get(0)).await?.unwrap_or(0);
        if count == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(count)
}

/// Whether the database holds data, when it may be replaced.
async fn check_postgres(options: &Options, manifest: &Manifest, settings: &Settings) -> Result<bool> {
    let db = Db::open(settings).await?;
    let others = others(&db).await?;
    ensure!(
        others == 0,
        "a running mundo uses this database ({others} connections); stop it first"
    );
    let there = tables(&db).await?;
    if there.is_empty() {
        return Ok(false);
    }
    ensure!(
        there.contains("schema_migration"),
        "the database holds tables that are not ours"
    );
    ensure!(
        options.replace,
        "the database holds data already; name an empty one, or give --replace to put the backup in its place"
    );
    let version = schema_version(&db).await?;
    ensure!(
        version <= manifest.schema_version,
        "the database has schema version {version}, newer than the backup's {}; restore into an empty one",
        manifest.schema_version
    );
    db.close().await;
    Ok(true)
}

/// Makes a restored database fit for use: our schema, our keys, streams that go on
/// where nobody has been, and nobody logged in whose session was ended after the backup.
async fn bring_up(settings: &Settings, keys: &Keys, since: &Since) -> Result<Replayed> {
    let (db, clock) = (Db::open(settings).await?, Clock::system());
    migrate(&db, &clock).await?;
    fit(&db, keys).await?;
    realtime::streams::leap(&db).await?;
    let now = clock.now();
    let done = match since {
        Since::Known {
            revocations,
            peppers,
            keys: former,
            ..
        } => {
            let since = accounts::Since {
                revocations: revocations.clone(),
                peppers: peppers.clone(),
                keys: former.as_deref().map(MasterKeys::load).transpose()?,
            };
            accounts::replay(&db, &Entropy::system(), &keys.master()?, since, now).await?
        }
        Since::Unknown => Replayed {
            count: accounts::end_all_sessions(&db, now).await?,
            locked: vec![],
        },
    };
    db.close().await;
    Ok(done)
}
