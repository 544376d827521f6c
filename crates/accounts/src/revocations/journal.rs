//! The journal: revocations in a file beside the database.
//!
//! One JSON object a line, a revocation or a pepper; the first says from when on
//! the journal is complete. Lines are only added; a line cut off by a crash is left out when
//! the file is read, and its row is still in the database. What is too old
//! to matter is dropped when the server starts, by writing the file anew.

use super::{Revocation, RevocationId};
use base::{Result, Timestamp, error::internal};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

/// Kept this long, so that backups up to this age know what came after them.
const KEPT: Duration = Duration::from_hours(24 * 100);
/// The database forgets revocations before this; a node that was away longer has a gap.
const BRIDGED: Duration = Duration::from_hours(24 * 30);

#[derive(Debug, Serialize, Deserialize)]
struct Beginning {
    /// Everything since then is in this journal.
    complete_since: Timestamp,
}

/// A pepper as the database holds it, sealed under the master key of that day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedPepper {
    #[serde(rename = "pepper")]
    pub id: String,
    #[serde(with = "sealed")]
    pub sealed: Vec<u8>,
    pub created_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Revocation(Revocation),
    Pepper(SealedPepper),
}

/// What the file says.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    complete_since: Timestamp,
    entries: Vec<Revocation>,
    /// Each as it was last sealed.
    peppers: Vec<SealedPepper>,
    /// A line was cut off, by a crash or a full disk.
    torn: bool,
}

impl Journal {
    /// Its folder in the data folder.
    pub const FOLDER: &str = "journal";
    pub const FILE: &str = "revocations.jsonl";

    /// Reads the journal of a data folder, when there is one.
    pub fn read(folder: &Path) -> Result<Option<Journal>> {
        let path = folder.join(Journal::FILE);
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(&path, &error)),
        };
        let mut lines = text.lines();
        let Some(beginning) = lines
            .next()
            .and_then(|line| serde_json::from_str::<Beginning>(line).ok())
        else {
            return Ok(None);
        };
        let mut journal = Journal {
            complete_since: beginning.complete_since,
            entries: vec![],
            peppers: vec![],
            path,
            torn: false,
        };
        for line in lines.filter_map(|line| serde_json::from_str(line).ok()) {
            match line {
                Line::Revocation(entry) => journal.entries.push(entry),
                Line::Pepper(pepper) => journal.hold(pepper),
            }
        }
        Ok(Some(journal))
    }

    /// Opens the journal of a data folder to go on with it, or begins one.
    pub(super) async fn open(folder: PathBuf, now: Timestamp) -> Result<Journal> {
        blocking(move || {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(|error| wrong(&folder, &error))?;
            let found = Journal::read(&folder)?;
            let is_new = found.is_none();
            let mut journal = found.unwrap_or(Journal {
                path: folder.join(Journal::FILE),
                complete_since: now,
                entries: vec![],
                peppers: vec![],
                torn: false,
            });
            let (began, count) = (journal.complete_since, journal.entries.len());
            if now.since(journal.complete_until()) > BRIDGED {
                journal.complete_since = now;
            }
            journal.entries.retain(|entry| now.since(entry.at) < KEPT);
            journal.complete_since = journal.complete_since.max(now.minus(KEPT));
            // Nodes that share a folder must not write over each other's lines.
            if is_new || journal.torn || (began, count) != (journal.complete_since, journal.entries.len()) {
                journal.write()?;
                journal.torn = false;
            }
            Ok(journal)
        })
        .await
    }

    pub fn complete_since(&self) -> Timestamp {
        self.complete_since
    }

    /// The last moment that the journal has certainly heard of.
    pub(super) fn complete_until(&self) -> Timestamp {
        self.entries
            .iter()
            .map(|entry| entry.at)
            .max()
            .unwrap_or(self.complete_since)
            .max(self.complete_since)
    }

    /// What came after a backup, in its order.
    pub fn since(&self, backup: Timestamp) -> Vec<Revocation> {
        let mut entries = self.entries.clone();
        entries.retain(|entry| entry.at >= backup);
        // A node hears of what others did a moment later than of its own.
        entries.sort_by_key(|entry| entry.at);
        entries
    }

    pub fn peppers(&self) -> &[SealedPepper] {
        &self.peppers
    }

    fn hold(&mut self, pepper: SealedPepper) {
        self.peppers.retain(|held| held.id != pepper.id);
        self.peppers.push(pepper);
    }

    pub(super) fn recent(&self, span: Duration) -> HashMap<RevocationId, Timestamp> {
        let from = self.complete_until().minus(span);
        self.entries
            .iter()
            .filter(|entry| entry.at >= from)
            .map(|entry| (entry.id, entry.at))
            .collect()
    }

    /// Writes the whole file anew, in one step.
    fn write(&self) -> Result<()> {
        let fail = |error: io::Error| wrong(&self.path, &error);
        let new = self.path.with_extension("new");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            .map_err(fail)?;
        let beginning = Beginning {
            complete_since: self.complete_since,
        };
        file.write_all(&line(&beginning)?).map_err(fail)?;
        for pepper in &self.peppers {
            file.write_all(&line(pepper)?).map_err(fail)?;
        }
        for entry in &self.entries {
            file.write_all(&line(entry)?).map_err(fail)?;
        }
        file.sync_all().map_err(fail)?;
        fs::rename(&new, &self.path).map_err(fail)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(fail)
    }

    /// Adds entries; they are on disk when this returns.
    pub(super) async fn append(&mut self, new: &[Revocation]) -> Result<()> {
        self.append_lines(new).await
    }

    /// Adds the peppers that are not there, or were sealed otherwise.
    pub(super) async fn append_peppers(&mut self, peppers: Vec<SealedPepper>) -> Result<()> {
        let new: Vec<_> = peppers
            .into_iter()
            .filter(|pepper| !self.peppers.contains(pepper))
            .collect();
        self.append_lines(&new).await?;
        for pepper in new {
            self.hold(pepper);
        }
        Ok(())
    }

    async fn append_lines(&mut self, new: &[impl Serialize]) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let mut bytes = if self.torn { vec![b'\n'] } else { vec![] };
        for entry in new {
            bytes.extend(line(entry)?);
        }
        let path = self.path.clone();
        self.torn = true;
        blocking(move || {
            let fail = |error: io::Error| wrong(&path, &error);
            let mut file = fs::OpenOptions::new().append(true).open(&path).map_err(fail)?;
            file.write_all(&bytes).map_err(fail)?;
            file.sync_data().map_err(fail)
        })
        .await?;
        self.torn = false;
        Ok(())
    }
}

/// Sealed bytes as text.
mod sealed {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        BASE64_STANDARD.decode(text).map_err(D::Error::custom)
    }
}

fn line(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value).map_err(internal)?;
    line.push(b'\n');
    Ok(line)
}

fn wrong(path: &Path, error: &io::Error) -> base::Error {
    internal(format!("{}: {error}", path.display()))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(internal)?
}
