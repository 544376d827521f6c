//! `mundo guard watch`: the watcher, and the keeper that starts it again.

use super::{open, plain};
use anyhow::{Context, Result};
use guard::Watcher;
use std::{
    io::Write,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    process::{Command, Stdio},
};

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Start the watcher in a process of its own, again whenever it dies or hangs; end
    /// when standard input ends
    #[arg(long)]
    keep: bool,
    /// End when standard input ends, and write a dot each second
    #[arg(long, hide = true)]
    beat: bool,
}

pub fn run(root: &Path, options: &Options) -> Result<()> {
    if options.keep {
        let program = std::env::current_exe()?;
        let command = || {
            let mut command = Command::new(&program);
            command
                .args(["guard", "--root"])
                .arg(root)
                .args(["watch", "--beat"])
                .stderr(Stdio::inherit());
            command
        };
        return guard::keep(command, &standard_input()?, None).map_err(plain);
    }
    let guard = open(root)?;
    let (guard, attribution) = guard.attributed();
    let watcher = Watcher::new(&guard, attribution).map_err(plain)?;
    let until = options.beat.then(standard_input).transpose()?;
    if !options.beat {
        println!("Watching {}; Ctrl-C ends it.", guard.root().display());
    }
    let beat = || {
        if options.beat {
            let mut out = std::io::stdout();
            let _ = out.write_all(b".").and_then(|()| out.flush());
        }
    };
    let heard = |report: &base::Result<guard::Report>| match report {
        Ok(report) if report.faults.is_empty() => {}
        Ok(report) => {
            for found in &report.faults {
                let end = found
                    .why
                    .as_ref()
                    .map_or("restored".to_owned(), |why| format!("NOT restored: {why}"));
                eprintln!("guard: {} {}; {end}", found.path, found.fault);
            }
        }
        Err(error) => eprintln!("guard: {}", guard::say(error)),
    };
    watcher.run(until.as_ref(), beat, heard).map_err(plain)
}

fn standard_input() -> Result<OwnedFd> {
    std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .context("standard input is closed")
}
