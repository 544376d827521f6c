//! `mundo audit`.

use super::{Flags, backup::PATIENCE, block_on};
use crate::lifecycle;
use accounts::audit::{self, Findings, Head};
use anyhow::{Result, bail, ensure};
use clap::Subcommand;
use db::{Db, Place, Settings};
use std::path::Path;

#[derive(Debug, Subcommand)]
pub enum Act {
    /// Compute the chain of the audit log again and name what does not fit
    Verify {
        #[command(flatten)]
        settings: Flags,
    },
}

pub fn run(act: &Act) -> Result<()> {
    let Act::Verify { settings } = act;
    let (config, _) = settings.load()?;
    let place = Settings {
        readers: 1,
        statement_timeout: PATIENCE,
        ..lifecycle::database(&config)
    };
    let folder = &config.data.dir;
    if let Place::Sqlite(path) = &place.place {
        ensure!(path.is_file(), "there is no database in {}", folder.display());
    }
    let findings = block_on(async {
        // The head first: it is recorded after what it names.
        let head = Head::read(folder)?;
        let db = Db::open(&place).await?;
        let findings = audit::verify(&db, head).await;
        db.close().await;
        Ok(findings?)
    })?;
    tell(&findings, folder);
    match findings.flaws.len() {
        0 => Ok(()),
        count => bail!("the audit log is not what was written: {count} findings, named above"),
    }
}

fn tell(findings: &Findings, folder: &Path) {
    println!(
        "{} links fit; {} entries wait for their place in the chain.",
        findings.links, findings.unchained
    );
    if !findings.erased.is_empty() {
        let numbers: Vec<String> = findings.erased.iter().map(i64::to_string).collect();
        println!(
            "The texts of {} entries were erased: {}.",
            numbers.len(),
            numbers.join(", ")
        );
    }
    match &findings.head {
        Some(head) => println!(
            "Compared with entry {}, recorded in {} at {}.",
            head.seq,
            folder.display(),
            head.recorded_at
        ),
        None => println!(
            "No head of this database is recorded in {}: whether the end was cut off cannot be told.",
            folder.display()
        ),
    }
    for flaw in &findings.flaws {
        println!("FLAW: {flaw}");
    }
    if findings.flaws.is_empty() {
        println!("The audit log is whole.");
    }
}
