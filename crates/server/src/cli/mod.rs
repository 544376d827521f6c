//! The command line: a file for each command.

mod audit;
mod backup;
mod config;
mod data;
mod guard;
mod keys;
mod openapi;
mod restore;
mod seed;
mod serve;
mod staff;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use platform::{Config, config::Sources};
use std::path::PathBuf;

/// Mundo Tango: the community of Argentine tango, in one program.
#[derive(Debug, Parser)]
#[command(name = "mundo", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API, real time and the web app
    Serve {
        #[command(flatten)]
        settings: Flags,
        /// Fill an empty database with a demo community and print its passwords
        #[arg(long)]
        demo: bool,
    },
    /// Bring the database's schema up to date
    Migrate {
        #[command(flatten)]
        settings: Flags,
    },
    /// Fill an empty database
    Seed {
        /// `demo`: a small community to look at; `bench`: the volumes of the benchmark
        #[arg(value_enum)]
        what: seed::What,
        #[command(flatten)]
        settings: Flags,
    },
    /// Copy database, media and keys into a folder, while the server runs
    ///
    /// The keys are sealed under a passphrase inside the backup, or go into a file of
    /// their own: choose one. Restore with `mundo restore`.
    Backup(backup::Options),
    /// Put a backup back, with the server stopped
    ///
    /// Everything in the backup is checked before anything is replaced. What the journal of
    /// the data folder says was revoked after the backup stays revoked; without a journal
    /// that goes back so far all sessions end, and everybody logs in again. With PostgreSQL the database is the one of `DATABASE_URL`.
    Restore(restore::Options),
    /// Show and replace the server's keys, while it runs
    Keys {
        #[command(subcommand)]
        what: keys::What,
    },
    /// Keep protected files from disappearing: see docs/guard.md
    Guard(guard::Options),
    /// Print every setting, its value and where it came from
    Config {
        #[command(flatten)]
        settings: Flags,
    },
    /// Give and take roles, while the server runs
    Staff {
        #[command(subcommand)]
        act: staff::Act,
    },
    /// Look after the log of what staff did
    Audit {
        #[command(subcommand)]
        act: audit::Act,
    },
    /// Print the OpenAPI document
    Openapi {
        /// Print something else instead
        #[arg(long)]
        other: Option<openapi::Other>,
    },
    /// Print the version
    Version,
}

/// Settings that are often given by hand; all others stand in mundo.toml or the environment.
#[derive(Debug, Default, Args)]
pub struct Flags {
    /// Port to listen on [default: 5000]
    #[arg(long)]
    port: Option<u16>,
    /// Address to listen on [default: 127.0.0.1]
    #[arg(long)]
    host: Option<String>,
    /// Folder of the database, the keys and the media [default: data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Settings file [default: mundo.toml, when it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Flags {
    /// Reads the configuration; the second value holds warnings.
    fn load(&self) -> Result<(Config, Vec<String>)> {
        let path = self.config.clone().unwrap_or_else(|| "mundo.toml".into());
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => Some((path, text)),
            Err(error) if self.config.is_none() && error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let mut sources = Sources {
            file,
            environment: std::env::vars().collect(),
            ..Sources::default()
        };
        let given = [
            ("server.port", self.port.map(|port| port.to_string())),
            ("server.host", self.host.clone()),
            (
                "data.dir",
                self.data.as_ref().map(|dir| dir.display().to_string()),
            ),
        ];
        sources.flags = given
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect();
        Ok(Config::load(&sources)?)
    }
}

pub fn run() -> Result<()> {
    match Cli::parse().command {
        Command::Serve { settings, demo } => serve::run(&settings, demo),
        Command::Migrate { settings } => data::migrate(&settings),
        Command::Seed { what, settings } => seed::run(what, &settings),
        Command::Backup(options) => backup::run(&options),
        Command::Restore(options) => restore::run(&options),
        Command::Keys { what } => keys::run(&what),
        Command::Guard(options) => guard::run(&options),
        Command::Config { settings } => config::run(&settings),
        Command::Staff { act } => staff::run(&act),
        Command::Audit { act } => audit::run(&act),
        Command::Openapi { other } => openapi::run(other),
        Command::Version => {
            println!("mundo {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
    }
}

/// Runs a command that needs the async runtime.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}
