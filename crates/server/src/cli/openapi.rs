//! `mundo openapi`.

use crate::router;
use anyhow::Result;
use platform::http::document;

pub fn run() -> Result<()> {
    let (operations, schemas) = router::table();
    println!(
        "{}",
        serde_json::to_string_pretty(&document(&operations, &schemas))?
    );
    Ok(())
}
