//! `mundo backup`.

use super::{Flags, block_on};
use crate::{
    archive::{
        self, FORMAT, MEDIA, Manifest, SEALED_KEYS, Unfinished, beside, files,
        keys::{Keys, Passphrase},
        postgres, schema_version,
    },
    lifecycle,
};
use anyhow::{Context, Result, bail, ensure};
use base::{Clock, Entropy};
use db::{Db, Executor, Place, Settings, params};
use platform::Config;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// A copy, a migration or the end of all sessions takes longer than a request's statement.
pub const PATIENCE: Duration = Duration::from_hours(6);

/// Where the passphrase may also stand.
const PASSPHRASE: &str = "MUNDO_BACKUP_PASSPHRASE";

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder to write the backup to; it must not exist yet
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Put the keys into this file instead of the backup; keep it elsewhere
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    keys: Option<PathBuf>,
    /// File with the passphrase that seals the keys inside the backup
    /// [or: the variable `MUNDO_BACKUP_PASSPHRASE`]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Folder of the database, the keys and the media [default: data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Settings file [default: mundo.toml, when it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Where the keys go.
enum Destination {
    File(PathBuf),
    Sealed(Passphrase),
}

pub fn run(options: &Options) -> Result<()> {
    let flags = Flags {
        data: options.data.clone(),
        config: options.config.clone(),
        ..Flags::default()
    };
    let (config, _) = flags.load()?;
    let to = std::path::absolute(&options.to)?;
    ensure!(
        !to.exists(),
        "{} is there already; a backup goes into a new folder",
        to.display()
    );
    let destination = destination(options, &to)?;
    let manifest = block_on(write(&config, &to, &destination))?;
    println!(
        "The backup is in {}: {} files, {} bytes.",
        to.display(),
        manifest.files.len(),
        manifest.size_bytes()
    );
    match destination {
        Destination::File(path) => println!(
            "The keys are in {}. Keep them apart from the backup: whoever has both has everything.",
            path.display()
        ),
        Destination::Sealed(_) => {
            println!("The keys are in it, sealed: without the passphrase it cannot be restored.");
        }
    }
    Ok(())
}

fn destination(options: &Options, to: &Path) -> Result<Destination> {
    if let Some(path) = &options.keys {
        let path = std::path::absolute(path)?;
        ensure!(
            !path.starts_with(to),
            "--keys names a place inside the backup; keys are kept apart from it"
        );
        ensure!(
            !path.exists(),
            "{} is there already; the keys go into a new file",
            path.display()
        );
        return Ok(Destination::File(path));
    }
    match passphrase(options.passphrase_file.as_deref())? {
        Some(passphrase) => Ok(Destination::Sealed(passphrase)),
        None => bail!(
            "where should the keys go? Give --passphrase-file FILE (or {PASSPHRASE}) to seal them inside the backup, \
             or --keys FILE to put them into a file of their own"
        ),
    }
}

/// From the file, else from the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "a secret of one command is no setting of the server"
)]
pub fn passphrase(file: Option<&Path>) -> Result<Option<Passphrase>> {
    if let Some(path) = file {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        return Passphrase::new(&text).map(Some);
    }
    match std::env::var(PASSPHRASE) {
        Ok(text) if !text.is_empty() => Passphrase::new(&text).map(Some),
        _ => Ok(None),
    }
}

async fn write(config: &Config, to: &Path, destination: &Destination) -> Result<Manifest> {
    // What is revoked from here on may be missing in the copy.
    let began = Clock::system().now();
    let place = Settings {
        readers: 1,
        statement_timeout: PATIENCE,
        ..lifecycle::database(config)
    };
    if let Place::Sqlite(path) = &place.place {
        ensure!(
            path.is_file(),
            "there is no database in {}",
            config.data.dir.display()
        );
    }
    let keys = Keys::read(&config.data.dir.join("keys"))?;
    let db = Db::open(&place).await?;
    fit(&db, &keys).await?;
    let schema = schema_version(&db).await?;
    let partial = Unfinished::create(beside(to, ".partial"))?;
    let mut entries = BTreeMap::new();

    // The database first: a file it names was there before it did.
    let name = archive::database_file(db.engine_name())?;
    let copy = partial.path().join(name);
    match &place.place {
        // One statement sees one state. Copying page by page begins anew whenever
        // the server commits: beside a busy one it never came to an end.
        Place::Sqlite(_) => {
            drop(files::new_private(&copy)?);
            let path = copy
                .to_str()
                .context("the backup's path is not plain text")?
                .to_owned();
            db.all("VACUUM INTO $1", params![path], |_| Ok(())).await?;
        }
        Place::Postgres(url) => postgres::dump(url, &copy)?,
    }
    ensure!(
        schema == schema_version(&db).await?,
        "the schema changed meanwhile; start the backup again"
    );
    // What a newer master key has sealed may stand in the copy.
    ensure!(
        keys == Keys::read(&config.data.dir.join("keys"))?,
        "the keys changed meanwhile; start the backup again"
    );
    db.close().await;
    entries.insert(name.to_owned(), files::hash(&copy)?);

    let media = config.data.dir.join(MEDIA);
    for path in files::list(&media)? {
        let below = path
            .strip_prefix(&media)?
            .to_str()
            .context("a media file has no plain name")?;
        let name = format!("{MEDIA}/{below}");
        match files::copy(&path, &partial.path().join(&name)) {
            Ok(entry) => drop(entries.insert(name, entry)),
            // Deleted since the folder was read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot copy {}", path.display())),
        }
    }

    let entropy = Entropy::system();
    if let Destination::Sealed(passphrase) = destination {
        let path = partial.path().join(SEALED_KEYS);
        files::write_private(&path, &keys.seal(passphrase, &entropy)?)?;
        entries.insert(SEALED_KEYS.to_owned(), files::hash(&path)?);
    }
    let manifest = Manifest {
        format: FORMAT,
        program: format!("mundo {}", env!("CARGO_PKG_VERSION")),
        created_at: began,
        engine: db.engine_name().to_owned(),
        schema_version: schema,
        master_key_id: keys.master()?.id(),
        files: entries,
    };
    manifest.write(partial.path())?;
    if let Destination::File(path) = destination {
        files::write_private(path, &keys.to_json()?)?;
        files::sync_parent(path)?;
    }
    partial.finish(to)?;
    Ok(manifest)
}

/// A backup whose keys do not open its database would be worth nothing.
pub async fn fit(db: &Db, keys: &Keys) -> Result<()> {
    accounts::resealing::check_all_open(db, &keys.master()?)
        .await
        .context("the keys do not fit the database")
}
