//! `mundo guard edit`.

use super::plain;
use anyhow::{Result, bail, ensure};
use guard::Guard;
use std::{process::Command, time::Duration};

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Globs on which everything is allowed
    paths: Vec<String>,
    /// Minutes until it ends by itself
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// End it: what changed becomes the manifest
    #[arg(long, conflicts_with = "paths")]
    done: bool,
    /// Why files are gone
    #[arg(long)]
    reason: Option<String>,
    /// A program to run meanwhile; the edit ends with it
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

pub fn run(guard: &Guard, options: &Options) -> Result<()> {
    if options.done {
        return close(guard, options);
    }
    ensure!(
        !options.paths.is_empty(),
        "name the globs to edit, or end an edit with --done"
    );
    let span = Duration::from_secs(options.minutes.saturating_mul(60));
    let until = guard.open_edit(&options.paths, span).map_err(plain)?;
    guard.soften(false).map_err(plain)?;
    let Some((program, arguments)) = options.command.split_first() else {
        println!(
            "Everything is allowed on {} until {until}.",
            options.paths.join(", ")
        );
        println!("When you are done: mundo guard edit --done [--reason '…' when files are gone]");
        return Ok(());
    };
    let locks = options.paths.iter().map(|path| guard.lock_for_writing(path));
    let _locks = locks.collect::<base::Result<Vec<_>>>().map_err(plain)?;
    let status = Command::new(program).args(arguments).status()?;
    close(guard, options)?;
    if !status.success() {
        bail!("{program} ended with {status}");
    }
    Ok(())
}

fn close(guard: &Guard, options: &Options) -> Result<()> {
    let lock = guard.close_edit(options.reason.as_deref()).map_err(plain)?;
    guard.harden().map_err(plain)?;
    println!("{} files are protected. Commit guard.lock.", lock.entries.len());
    Ok(())
}
