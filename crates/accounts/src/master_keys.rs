//! The ring of master keys: files outside the database, so that a copied
//! database forges nothing.
//!
//! `master.key` seals; each `master-<id>.key` is an older one that still opens.
//! Another program may put a new key in place while the server runs: sealing
//! looks whether the file has changed, and opening looks again when it meets a
//! key that it does not know.
//!
//! Never true: a key that seals and lies in no file.

use crate::sealing::{ID_BYTES, MasterKey, foreign};
use base::{Entropy, Result, error::internal};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::{
    fs, io,
    io::Write,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant, SystemTime},
};

pub const CURRENT: &str = "master.key";
/// A rotation on its way: its file is also the lock against a second one.
const COMING: &str = "master.key.new";
/// How often a key that nobody knows makes us read the folder.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

/// All master keys at hand.
#[derive(Debug)]
pub struct MasterKeys {
    folder: Option<PathBuf>,
    held: RwLock<Arc<Held>>,
    looked_at: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Held {
    current: MasterKey,
    older: Vec<MasterKey>,
    stamp: Option<Stamp>,
}

/// Tells one file called `master.key` from the next.
type Stamp = (u64, i64, i64);

impl MasterKeys {
    /// Reads the folder's keys; makes the first one, readable by its owner alone.
    pub fn load_or_create(folder: &Path, entropy: &Entropy) -> Result<MasterKeys> {
        let path = folder.join(CURRENT);
        if !path.try_exists().map_err(|error| wrong(&path, error))? {
            fs::create_dir_all(folder).map_err(|error| wrong(folder, error))?;
            match write_new(&path, &entropy.bytes()) {
                // Another node of this machine was quicker.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                outcome => outcome.map_err(|error| wrong(&path, error))?,
            }
            sync(folder)?;
        }
        MasterKeys::load(folder)
    }

    /// Reads the folder's keys, which must be there.
    pub fn load(folder: &Path) -> Result<MasterKeys> {
        Ok(MasterKeys {
            held: RwLock::new(Arc::new(read(folder)?)),
            folder: Some(folder.to_owned()),
            looked_at: Mutex::default(),
        })
    }

    /// The keys in files that lie in memory, by their names.
    pub fn of_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<MasterKeys> {
        let (mut current, mut older) = (None, vec![]);
        for (name, content) in files {
            let key = || {
                let text = std::str::from_utf8(content).unwrap_or_default();
                MasterKey::parse(text).ok_or_else(|| internal(format!("{name} is not a master key")))
            };
            if name == CURRENT {
                current = Some(key()?);
            } else if is_older(name) {
                older.push(key()?);
            }
        }
        let current = current.ok_or_else(|| internal(format!("the keys hold no {CURRENT}")))?;
        Ok(MasterKeys {
            folder: None,
            held: RwLock::new(Arc::new(Held::new(current, older, None))),
            looked_at: Mutex::default(),
        })
    }

    /// Names the key that seals.
    pub fn id(&self) -> String {
        self.held().current.id()
    }

    /// The first bytes of what the current key has sealed.
    pub fn mark(&self) -> [u8; ID_BYTES] {
        self.held().current.mark()
    }

    /// The marks of those that only open, by name.
    pub fn older(&self) -> Vec<(String, [u8; ID_BYTES])> {
        let held = self.held();
        held.older.iter().map(|key| (key.id(), key.mark())).collect()
    }

    /// Under the newest key. See [`MasterKey::seal`].
    pub fn seal(&self, entropy: &Entropy, purpose: &str, secret: &[u8]) -> Result<Vec<u8>> {
        if let Some(folder) = &self.folder
            && stamp(&folder.join(CURRENT)).is_ok_and(|stamp| self.held().stamp != Some(stamp))
        {
            self.reload()?;
        }
        self.held().current.seal(entropy, purpose, secret)
    }

    /// Under whichever key it was sealed. See [`MasterKey::open`].
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let mark = sealed
            .get(..ID_BYTES)
            .ok_or_else(|| internal("a sealed key is too short"))?;
        let key = match self.held().find(mark) {
            Some(key) => Some(key),
            None if self.may_look() => {
                self.reload()?;
                self.held().find(mark)
            }
            None => None,
        };
        key.ok_or_else(|| foreign(mark, &self.id()))?
            .open(purpose, sealed)
    }

    /// Reads the folder again.
    pub fn reload(&self) -> Result<()> {
        if let Some(folder) = &self.folder {
            let held = Arc::new(read(folder)?);
            *self.held.write().unwrap_or_else(PoisonError::into_inner) = held;
        }
        Ok(())
    }

    /// Puts a new key in place and names it; the one before stays as an older one.
    pub fn rotate(&self, entropy: &Entropy) -> Result<String> {
        let folder = self.own_folder()?;
        let (path, coming) = (folder.join(CURRENT), folder.join(COMING));
        let secret = entropy.bytes();
        match write_new(&coming, &secret) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(internal(format!(
                    "{} is in the way: another rotation is under way, or one was cut off: then delete it",
                    coming.display()
                )));
            }
            outcome => outcome.map_err(|error| wrong(&coming, error))?,
        }
        let rotated = self.reload().and_then(|()| {
            // First the old key under its own name, then the new one: cut off between
            // the two, the same key lies there twice.
            let own = folder.join(format!("master-{}.key", self.id()));
            fs::copy(&path, &own)
                .and_then(|_| {
                    let file = fs::File::open(&own)?;
                    file.set_modified(fs::metadata(&coming)?.modified()?)?;
                    file.sync_all()
                })
                .map_err(|error| wrong(&own, error))?;
            sync(folder)?;
            fs::rename(&coming, &path).map_err(|error| wrong(&path, error))
        });
        if rotated.is_err() {
            let _ = fs::remove_file(&coming);
        }
        rotated?;
        sync(folder)?;
        self.reload()?;
        Ok(self.id())
    }

    /// When the older key of that name stopped sealing.
    pub fn retired_at(&self, id: &str) -> Result<SystemTime> {
        let path = self.own_folder()?.join(format!("master-{id}.key"));
        let retired = fs::metadata(&path).and_then(|file| file.modified());
        retired.map_err(|error| wrong(&path, error))
    }

    /// Deletes an older key's file. Whoever calls has seen that nothing needs it.
    pub fn remove_older(&self, id: &str) -> Result<()> {
        let folder = self.own_folder()?;
        let path = folder.join(format!("master-{id}.key"));
        fs::remove_file(&path).map_err(|error| wrong(&path, error))?;
        sync(folder)?;
        self.reload()
    }

    fn own_folder(&self) -> Result<&Path> {
        self.folder
            .as_deref()
            .ok_or_else(|| internal("these keys lie in no folder"))
    }

    fn held(&self) -> Arc<Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn may_look(&self) -> bool {
        let mut looked_at = self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        let may = looked_at.is_none_or(|at| at.elapsed() >= LOOK_AGAIN);
        if may {
            *looked_at = Some(Instant::now());
        }
        may && self.folder.is_some()
    }
}

impl Held {
    fn new(current: MasterKey, mut older: Vec<MasterKey>, stamp: Option<Stamp>) -> Held {
        older.retain(|key| key.mark() != current.mark());
        Held {
            current,
            older,
            stamp,
        }
    }

    fn find(&self, mark: &[u8]) -> Option<MasterKey> {
        let all = std::iter::once(&self.current).chain(&self.older);
        all.into_iter().find(|key| key.mark() == mark).cloned()
    }
}

fn is_older(name: &str) -> bool {
    name.strip_prefix("master-")
        .and_then(|rest| rest.strip_suffix(".key"))
        .is_some_and(|id| id.len() == 2 * ID_BYTES && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn read(folder: &Path) -> Result<Held> {
    let path = folder.join(CURRENT);
    let stamp = stamp(&path).map_err(|error| wrong(&path, error))?;
    let current = read_key(&path)?;
    let mut older = vec![];
    for entry in fs::read_dir(folder).map_err(|error| wrong(folder, error))? {
        let entry = entry.map_err(|error| wrong(folder, error))?;
        if entry.file_name().to_str().is_some_and(is_older) {
            older.push(read_key(&entry.path())?);
        }
    }
    Ok(Held::new(current, older, Some(stamp)))
}

fn read_key(path: &Path) -> Result<MasterKey> {
    let text = fs::read_to_string(path).map_err(|error| wrong(path, error))?;
    MasterKey::parse(&text).ok_or_else(|| wrong(path, "is not a master key of 32 bytes"))
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let file = fs::metadata(path)?;
    Ok((file.ino(), file.mtime(), file.mtime_nsec()))
}

fn write_new(path: &Path, secret: &[u8; 32]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{}", BASE64_STANDARD.encode(secret))?;
    file.sync_all()
}

fn sync(folder: &Path) -> Result<()> {
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| wrong(folder, error))
}

fn wrong(path: &Path, why: impl std::fmt::Display) -> base::Error {
    internal(format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_server_follows_a_rotation_and_still_opens_what_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let entropy = Entropy::seeded(1);
        let server = MasterKeys::load_or_create(folder.path(), &entropy).unwrap();
        let old = server.seal(&entropy, "a", b"old").unwrap();
        let first = server.id();

        let command = MasterKeys::load(folder.path()).unwrap();
        let second = command.rotate(&entropy).unwrap();
        assert_ne!(first, second);
        assert_eq!(server.id(), first, "it has not looked yet");
        let new = command.seal(&entropy, "b", b"new").unwrap();
        assert_eq!(
            server.open("b", &new).unwrap(),
            b"new",
            "an unknown key makes it look"
        );
        assert_eq!(server.open("a", &old).unwrap(), b"old");
        assert_eq!(server.older().len(), 1);
        assert_eq!(server.older()[0].0, first);

        let third = command.rotate(&entropy).unwrap();
        let sealed = server.seal(&entropy, "c", b"x").unwrap();
        assert_eq!(
            server.id(),
            third,
            "sealing looks whether the key is still the current one"
        );
        assert_eq!(sealed[..ID_BYTES], server.mark());

        command.remove_older(&first).unwrap();
        assert!(
            command
                .open("a", &old)
                .unwrap_err()
                .to_string()
                .contains("another master key")
        );
    }

    #[test]
    fn two_rotations_at_once_are_refused_and_files_are_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let entropy = Entropy::seeded(2);
        let keys = MasterKeys::load_or_create(folder.path(), &entropy).unwrap();
        fs::write(folder.path().join(COMING), "").unwrap();
        let error = keys.rotate(&entropy).unwrap_err().to_string();
        assert!(error.contains("is in the way"), "{error}");
        fs::remove_file(folder.path().join(COMING)).unwrap();
        keys.rotate(&entropy).unwrap();
        for file in fs::read_dir(folder.path()).unwrap() {
            assert_eq!(file.unwrap().metadata().unwrap().mode() & 0o777, 0o600);
        }
    }
}
