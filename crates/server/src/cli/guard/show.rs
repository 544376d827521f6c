//! What the guard knows, as text.

use super::plain;
use anyhow::{Context, Result};
use guard::{Danger, Guard, Record, Report, What};
use std::{io::Write, sync::Arc};

pub fn report(report: &Report) {
    for found in &report.faults {
        let end = match (&found.why, found.restored) {
            (_, true) => "; restored".to_owned(),
            (Some(why), false) => format!("; NOT restored: {why}"),
            (None, false) => String::new(),
        };
        println!("{} {}{end}", found.path, found.fault);
    }
    for line in report.shortfalls.iter().chain(&report.remarks) {
        println!("{line}");
    }
    for path in &report.drafts {
        println!("{path} is an edit that the manifest does not know yet");
    }
    let took = std::time::Duration::from_micros(report.took_us);
    println!(
        "{} files compared in {took:.1?}: {} lost, {} edited, {} copies healed.",
        report.files,
        report.faults.len(),
        report.drafts.len(),
        report.healed
    );
}

pub fn status(guard: &Guard, json: bool) -> Result<()> {
    let overview = guard.overview().map_err(plain)?;
    if json {
        let levels = guard.levels(None).map_err(plain)?;
        let all = serde_json::json!({ "overview": overview, "levels": levels });
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    println!("{}", overview.root.display());
    println!(
        "Manifest {} ({}), signed by {}; {} files, {} tombstones.",
        overview.sequence,
        overview.manifest.short(),
        overview.signed_by,
        overview.files,
        overview.tombstones
    );
    for class in &overview.classes {
        println!(
            "  {:<20} {:>5} files, at least {}",
            class.class, class.files, class.minimum
        );
    }
    if overview.dormant {
        println!("This commit is from before there was a manifest: nothing is demanded.");
    }
    for path in &overview.drafts {
        println!("  draft: {path}");
    }
    println!(
        "{} restored, {} in the quarantine, {} incidents; the ledger has {} lines.",
        overview.restored, overview.quarantined, overview.incidents, overview.ledger_lines
    );
    levels(guard)
}

pub fn levels(guard: &Guard) -> Result<()> {
    println!("Levels of prevention:");
    for level in guard.levels(None).map_err(plain)? {
        println!(
            "  {} {:<12} {}",
            if level.active { "on " } else { "off" },
            level.name,
            level.why
        );
    }
    Ok(())
}

pub fn log(guard: Guard, restores: bool, follow: bool, json: bool) -> Result<()> {
    let guard = Arc::new(guard);
    let news = follow.then(|| guard.subscribe().map_err(plain)).transpose()?;
    let wanted =
        |record: &Record| !restores || matches!(record.what, What::Restored { .. } | What::Incident { .. });
    for record in guard
        .records()
        .map_err(plain)?
        .iter()
        .filter(|record| wanted(record))
    {
        print(record, json)?;
    }
    for record in news.into_iter().flatten().filter(|record| wanted(record)) {
        print(&record, json)?;
    }
    Ok(())
}

fn print(record: &Record, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(record)?);
    } else {
        println!("{:>5} {} {}", record.n, record.at, record.what);
    }
    Ok(())
}

pub fn suspects(guard: &Guard, json: bool) -> Result<()> {
    let found = guard.suspects().map_err(plain)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&found)?);
        return Ok(());
    }
    let titles = [
        (Danger::Seen, "Seen at work"),
        (Danger::Direct, "Could delete protected files"),
        (Danger::Open, "Decided only when it runs"),
        (Danger::Elsewhere, "Deletes, but nothing protected"),
    ];
    for (danger, title) in titles {
        let here: Vec<_> = found.iter().filter(|suspect| suspect.danger == danger).collect();
        println!("{title}: {}", here.len());
        for suspect in here {
            println!(
                "  {}\n      {}\n      {}",
                suspect.place, suspect.text, suspect.why
            );
        }
    }
    Ok(())
}

pub fn quarantine(guard: &Guard, number: Option<u64>) -> Result<()> {
    let all = guard.quarantine().map_err(plain)?;
    let Some(number) = number else {
        for entry in all {
            println!(
                "{:>5} {} {:?} {} bytes {}{}",
                entry.n,
                entry.at,
                entry.was,
                entry.size_bytes,
                entry.path,
                if entry.kept { "" } else { " (let go of)" }
            );
        }
        return Ok(());
    };
    let entry = all
        .into_iter()
        .find(|entry| entry.n == number)
        .context("the quarantine has no such entry")?;
    let hash = entry
        .blake3
        .context("this was no file and had no bytes; what it was lies in .guard/quarantine")?;
    let bytes = guard.object(hash).context("its bytes are lost from every copy")?;
    Ok(std::io::stdout().write_all(&bytes)?)
}
