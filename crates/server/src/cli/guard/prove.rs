//! `mundo guard prove`.

use super::plain;
use anyhow::{Context, Result, bail};
use base::Entropy;
use guard::{Guard, Proof};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

#[derive(Debug, clap::Args)]
pub struct Options {
    #[arg(long, default_value_t = 10)]
    restarts: u32,
    /// Damage files while the server is down, starting and up
    #[arg(long)]
    chaos: bool,
    /// The same seed gives the same faults [default: a new one]
    #[arg(long)]
    seed: Option<u64>,
    /// Where the signed report goes
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub fn run(guard: &Guard, options: &Options) -> Result<()> {
    let entropy = Entropy::system();
    let program = std::env::current_exe()?;
    let command = |root: &Path| {
        let mut command = Command::new(&program);
        command
            .args(["serve", "--port", "0", "--data"])
            .arg(root.join("../data"))
            .current_dir(root)
            .env_clear();
        command.envs([
            ("MUNDO_GUARD_MODE", "restore"),
            ("MUNDO_ACCOUNTS_ARGON2_MEMORY_KIB", "64"),
        ]);
        command
    };
    let mut told = |number: u32| {
        if number.is_multiple_of(10) || number == options.restarts {
            eprintln!("{number} of {} restarts", options.restarts);
        }
    };
    let mut proof = Proof {
        restarts: options.restarts,
        chaos: options.chaos,
        seed: options.seed.unwrap_or_else(|| entropy.below(u64::MAX)),
        command: &command,
        ready: "Mundo Tango is at",
        told: &mut told,
    };
    let (outcome, text) = guard.prove(&mut proof, &entropy).map_err(plain)?;
    match &options.report {
        Some(path) => {
            std::fs::write(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        None => println!("{text}"),
    }
    if !outcome.holds() {
        bail!(
            "{} files are missing and {} are different",
            outcome.missing.len(),
            outcome.different.len()
        );
    }
    println!(
        "{} restarts, {} faults: nothing is missing.",
        outcome.restarts,
        outcome.faults.values().sum::<u32>()
    );
    Ok(())
}
