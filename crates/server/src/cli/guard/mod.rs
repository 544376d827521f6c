//! `mundo guard`.

mod edit;
mod prove;
mod show;
pub mod start;
mod watch;

use anyhow::{Result, anyhow, bail};
use base::{Clock, Entropy};
use clap::Subcommand;
use guard::{Demand, Guard};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder of guard.toml
    #[arg(long, value_name = "DIR", default_value = ".", global = true)]
    root: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the first manifest of what guard.toml names, or take on the one that is there
    Init,
    /// Compare every protected file with the manifest
    Verify {
        /// Undo what was lost
        #[arg(long)]
        restore: bool,
        /// Edits that are not in the manifest count as failures, too
        #[arg(long)]
        strict: bool,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show manifest, classes, drafts, watcher and levels of prevention
    Status {
        #[arg(long)]
        json: bool,
    },
    /// Watch and restore until Ctrl-C
    Watch(watch::Options),
    /// Take edits and new files into the manifest, and sign it
    Accept {
        /// Globs; all when none is given
        paths: Vec<String>,
        /// Why files are gone, inside an announced edit
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let go of protected files, by a signed tombstone
    Remove {
        #[arg(required = true)]
        paths: Vec<String>,
        #[arg(long)]
        reason: String,
    },
    /// Lower the least count of a class, by a signed tombstone
    Lower {
        class: String,
        to: u64,
        #[arg(long)]
        reason: String,
    },
    /// Believe manifests that this key signs
    Trust { key: String },
    /// Announce an edit: on these globs everything is allowed until it ends
    Edit(edit::Options),
    /// Print the ledger
    Log {
        /// Restores and incidents alone
        #[arg(long)]
        restores: bool,
        /// Go on with what comes
        #[arg(long)]
        follow: bool,
        #[arg(long)]
        json: bool,
    },
    /// List what was taken out of the way, or print the bytes of one entry
    Quarantine {
        /// The entry's number
        number: Option<u64>,
    },
    /// Let go of old quarantine and drafts, and of copies that nothing needs
    Prune {
        /// Keep what is younger; otherwise `keep_days` of guard.toml, or 30
        #[arg(long, value_name = "DAYS")]
        days: Option<u32>,
        /// Only count
        #[arg(long)]
        dry_run: bool,
    },
    /// Write a pre-commit hook that compares the manifest with the index
    InstallHook,
    /// What the hook runs
    #[command(hide = true)]
    Hook,
    /// Check a checkout in a pipeline; needs neither key nor state
    Ci {
        /// Commit to compare with, for instance origin/main
        #[arg(long, value_name = "COMMIT")]
        base: Option<String>,
    },
    /// Search hooks, scripts, build steps, timers and git's history for what could delete
    /// protected files
    Suspects {
        #[arg(long)]
        json: bool,
    },
    /// Start and stop the server on a copy, damage its files meanwhile, and sign a report
    Prove(prove::Options),
    /// Set read-only modes and immutable flags as guard.toml asks, and show all levels
    Harden,
    /// Take modes and flags back
    Soften,
}

pub fn run(options: &Options) -> Result<()> {
    let root = &options.root;
    match &options.command {
        Command::Init => init(&open(root)?),
        Command::Verify {
            restore,
            strict,
            json,
        } => verify(&open(root)?, *restore, *strict, *json),
        Command::Status { json } => show::status(&open(root)?, *json),
        Command::Watch(more) => watch::run(root, more),
        Command::Accept { paths, reason } => accept(&open(root)?, paths, reason.as_deref()),
        Command::Remove { paths, reason } => {
            let lock = open(root)?.remove(paths, reason).map_err(plain)?;
            println!(
                "{} files are let go; {} stay protected. Commit guard.lock.",
                paths.len(),
                lock.entries.len()
            );
            Ok(())
        }
        Command::Lower { class, to, reason } => {
            open(root)?.lower(class, *to, reason).map_err(plain)?;
            println!("Class {class} must have at least {to} files now. Commit guard.lock.");
            Ok(())
        }
        Command::Trust { key } => {
            let key = key.parse().map_err(|why| anyhow!("{key:?}: {why}"))?;
            open(root)?.trust(key).map_err(plain)
        }
        Command::Edit(more) => edit::run(&open(root)?, more),
        Command::Log {
            restores,
            follow,
            json,
        } => show::log(open(root)?, *restores, *follow, *json),
        Command::Quarantine { number } => show::quarantine(&open(root)?, *number),
        Command::Prune { days, dry_run } => prune(&open(root)?, *days, *dry_run),
        Command::InstallHook => {
            let path = guard::install_hook(root, &std::env::current_exe()?).map_err(plain)?;
            println!("{} checks every commit from now on.", path.display());
            Ok(())
        }
        Command::Hook => pass_or_fail(guard::hook(root).map_err(plain)?, "commit"),
        Command::Ci { base } => pass_or_fail(guard::ci(root, base.as_deref()).map_err(plain)?, "check"),
        Command::Suspects { json } => show::suspects(&open(root)?, *json),
        Command::Prove(more) => prove::run(&open(root)?, more),
        Command::Harden => {
            let guard = open(root)?;
            guard.harden().map_err(plain)?;
            show::levels(&guard)
        }
        Command::Soften => open(root)?.soften(true).map_err(plain),
    }
}

fn open(root: &std::path::Path) -> Result<Guard> {
    let guard = Guard::open(root, Clock::system(), Entropy::system()).map_err(plain)?;
    Ok(guard.with_last_resort(start::embedded()))
}

/// The guard's own sentence, without its code.
fn plain(error: base::Error) -> anyhow::Error {
    anyhow!("{}", guard::say(&error))
}

fn init(guard: &Guard) -> Result<()> {
    let lock = guard.init().map_err(plain)?;
    println!("{} files are protected:", lock.entries.len());
    for (class, count) in lock.counts() {
        println!("  {class}: {count}");
    }
    println!("Commit guard.toml and guard.lock, then: mundo guard install-hook");
    Ok(())
}

fn accept(guard: &Guard, paths: &[String], reason: Option<&str>) -> Result<()> {
    let before = guard.overview().map_err(plain)?.sequence;
    let lock = guard.accept(paths, reason).map_err(plain)?;
    if lock.header.sequence == before {
        println!("Nothing has changed; {} files are protected.", lock.entries.len());
    } else {
        println!("{} files are protected. Commit guard.lock.", lock.entries.len());
    }
    Ok(())
}

fn prune(guard: &Guard, days: Option<u32>, dry_run: bool) -> Result<()> {
    let pruned = guard.prune(days, dry_run).map_err(plain)?;
    println!(
        "{} {} copies and {} things in the quarantine: {} KiB.",
        if dry_run {
            "It would let go of"
        } else {
            "Let go of"
        },
        pruned.objects,
        pruned.things,
        pruned.size_bytes.div_ceil(1024)
    );
    Ok(())
}

fn verify(guard: &Guard, restore: bool, strict: bool, json: bool) -> Result<()> {
    let report = guard
        .pass(&Demand {
            deep: true,
            ..Demand::all(restore)
        })
        .map_err(plain)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        show::report(&report);
    }
    if !report.is_whole() {
        bail!(
            "the protected files are not whole{}",
            if restore {
                ""
            } else {
                "; add --restore to undo what was lost"
            }
        );
    }
    if strict && !report.drafts.is_empty() {
        bail!(
            "{} edits are not in the manifest; mundo guard accept takes them in",
            report.drafts.len()
        );
    }
    Ok(())
}

fn pass_or_fail(problems: Vec<guard::Problem>, what: &str) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    for problem in problems.iter().take(20) {
        eprintln!("guard: {problem}");
    }
    if problems.len() > 20 {
        eprintln!("guard: and {} more", problems.len() - 20);
    }
    bail!("the {what} does not pass the guard")
}
