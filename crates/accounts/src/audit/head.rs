//! The newest link of the chain, recorded in `audit.head` beside the database:
//! who cuts the log off, or writes all of it anew, must change this file too.

use base::{Result, Timestamp, error::internal};
use serde::{Deserialize, Serialize};
use std::{
    fmt::Write as _,
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

const FILE: &str = "audit.head";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The moment the database was made: one data folder may serve several in turn.
    pub database: Timestamp,
    pub seq: i64,
    /// In hexadecimal.
    pub hash: String,
    pub recorded_at: Timestamp,
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Head {
    /// What was recorded in a data folder, of whichever database.
    pub fn read(folder: &Path) -> Result<Option<Head>> {
        let path = folder.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| internal(format!("{}: {error}", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(internal(format!("{}: {error}", path.display()))),
        }
    }

    /// Records it, in one step that a crash does not halve. The head of another
    /// database is moved aside: it is evidence there.
    pub(crate) fn record(&self, folder: &Path) -> Result<()> {
        let (path, new) = (folder.join(FILE), folder.join("audit.head.new"));
        let wrong = |error: io::Error| internal(format!("{}: {error}", path.display()));
        if let Some(other) = Head::read(folder)?.filter(|head| head.database != self.database) {
            let aside = folder.join(format!("{FILE}.{}", other.database.as_micros()));
            fs::rename(&path, aside).map_err(wrong)?;
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            .map_err(wrong)?;
        file.write_all(&serde_json::to_vec(self).map_err(internal)?)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&new, &path))
            .and_then(|()| fs::File::open(folder)?.sync_all())
            .map_err(wrong)
    }
}
