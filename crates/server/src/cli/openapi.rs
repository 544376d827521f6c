//! `mundo openapi`.

use crate::{access, router};
use anyhow::Result;
use platform::http::document;

pub fn run(access: bool) -> Result<()> {
    let (operations, schemas) = router::table();
    if access {
        print!("{}", access::document(&operations));
        return Ok(());
    }
    println!(
        "{}",
        serde_json::to_string_pretty(&document(&operations, &schemas))?
    );
    Ok(())
}
