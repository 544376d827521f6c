//! `mundo openapi`.

use crate::{access, router};
use anyhow::Result;
use platform::http::document;

/// What is printed, when it is not the OpenAPI document.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Other {
    /// Who may call what
    Access,
    /// The events of the sockets, as AsyncAPI
    Asyncapi,
}

pub fn run(other: Option<Other>) -> Result<()> {
    let (operations, schemas) = router::table();
    let events = router::sockets().into_events();
    let document = match other {
        Some(Other::Access) => {
            print!("{}", access::document(&operations, events.table()));
            return Ok(());
        }
        Some(Other::Asyncapi) => realtime::asyncapi(&events),
        None => document(&operations, &schemas),
    };
    println!("{}", serde_json::to_string_pretty(&document)?);
    Ok(())
}
