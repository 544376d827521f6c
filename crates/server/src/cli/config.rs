//! `mundo config`.

use super::Flags;
use anyhow::Result;

pub fn run(settings: &Flags) -> Result<()> {
    let (config, warnings) = settings.load()?;
    let width = config
        .origins()
        .iter()
        .map(|origin| origin.key.len())
        .max()
        .unwrap_or(0);
    for origin in config.origins() {
        println!(
            "{:width$} = {:<24} # {} ({})",
            origin.key,
            quote(&origin.value),
            origin.about,
            origin.source
        );
    }
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    Ok(())
}

fn quote(value: &str) -> String {
    if value.parse::<i64>().is_ok() || value == "true" || value == "false" {
        return value.to_owned();
    }
    format!("{value:?}")
}
