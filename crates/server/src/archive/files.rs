//! Files that are copied, hashed and brought to the disk.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

const CHUNK: usize = 1 << 20;

/// A file as the manifest knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub size_bytes: u64,
    pub blake3: String,
}

pub fn hash(path: &Path) -> io::Result<Entry> {
    stream(File::open(path)?, io::sink())
}

/// Copies into a new file; the entry tells what was written.
pub fn copy(from: &Path, to: &Path) -> io::Result<Entry> {
    let source = File::open(from)?;
    if let Some(folder) = to.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    stream(source, new_private(to)?)
}

fn stream(mut from: File, mut to: impl Write) -> io::Result<Entry> {
    let (mut hasher, mut chunk, mut size_bytes) = (blake3::Hasher::new(), vec![0; CHUNK], 0);
    loop {
        let read = from.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hasher.update(&chunk[..read]);
        to.write_all(&chunk[..read])?;
        size_bytes += read as u64;
    }
    Ok(Entry {
        size_bytes,
        blake3: hasher.finalize().to_hex().to_string(),
    })
}

/// A new file that its owner alone may read.
pub fn new_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Writes a new file and brings it to the disk.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file = new_private(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// A new folder that its owner alone may enter.
pub fn create_private(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// Every file below the folder; none when it is not there.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = vec![];
    if folder.exists() {
        walk(folder, &mut |path, is_folder| {
            if !is_folder {
                files.push(path.to_owned());
            }
            Ok(())
        })?;
    }
    files.sort();
    Ok(files)
}

/// Brings every file and folder below to the disk.
pub fn sync_tree(folder: &Path) -> Result<()> {
    walk(folder, &mut |path, _| sync(path))
}

pub fn sync_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync(parent),
        _ => sync(Path::new(".")),
    }
}

fn sync(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .with_context(|| format!("cannot bring {} to the disk", path.display()))
}

/// Files before the folder that holds them.
fn walk(folder: &Path, visit: &mut dyn FnMut(&Path, bool) -> Result<()>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), visit)?;
        } else if kind.is_file() {
            visit(&entry.path(), false)?;
        }
    }
    visit(folder, true)
}
