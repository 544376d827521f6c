//! One program at a time on a data folder.

use anyhow::{Context, Result, bail};
use std::{
    fs::{File, TryLockError},
    path::Path,
};

pub const LOCK: &str = "mundo.lock";

/// Holds `mundo.lock` until it is released or the process ends, however it ends.
#[derive(Debug)]
pub struct DataLock(Option<File>);

impl DataLock {
    pub fn take(folder: &Path) -> Result<DataLock> {
        let path = folder.join(LOCK);
        let file = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(DataLock(Some(file))),
            Err(TryLockError::WouldBlock) => bail!(
                "another mundo is using the data folder {}; stop it first, or choose another folder with --data",
                folder.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    /// For data that several servers may use at once.
    pub fn none() -> DataLock {
        DataLock(None)
    }

    pub fn release(&self) {
        if let Some(file) = &self.0 {
            let _ = file.unlock();
        }
    }
}
