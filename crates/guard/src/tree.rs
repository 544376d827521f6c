//! The guarded folder, reached through descriptors alone.
//!
//! Every step from the folder down is an `openat` that refuses symbolic links,
//! so nobody can lead a restore out of the folder, not even between two steps.

use crate::{Hash, fault::failed, settings::LARGEST_FILE_BYTES};
use base::Result;
use rustix::{
    fs::{self as fd, AtFlags, Dir, FileType, Mode, OFlags, RenameFlags},
    io::Errno,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    ffi::CStr,
    fs::File,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// What stands under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    File,
    Folder,
    Link,
    Fifo,
    Socket,
    Device,
}

/// What the system tells about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    pub kind: Kind,
    pub ino: u64,
    pub size_bytes: u64,
    pub mtime_ns: i64,
    pub mode: u32,
    pub links: u64,
}

/// What was found where a file should be.
#[derive(Clone, Debug)]
pub enum Seen {
    Missing,
    File(Meta, Vec<u8>),
    /// A file that this process may not read.
    Unreadable,
    /// A file beyond what is guarded (64 MiB).
    TooLarge,
    Other(Kind),
    /// A folder on the way is something else.
    Blocked {
        at: String,
        kind: Kind,
    },
}

/// What a walk met.
#[derive(Debug, Default)]
pub struct Below {
    /// Plain files, sorted.
    pub files: Vec<String>,
    pub folders: BTreeSet<String>,
}

/// The way to a folder.
pub enum Walk {
    Open(OwnedFd),
    Missing,
    Blocked { at: String, kind: Kind },
}

#[derive(Debug)]
pub struct Tree {
    root: OwnedFd,
    path: PathBuf,
}

impl Tree {
    pub fn open(path: &Path) -> Result<Tree> {
        let path = std::fs::canonicalize(path).map_err(|error| failed(path.display(), error))?;
        let root = fd::open(&path, FOLDER, Mode::empty()).map_err(|error| failed(path.display(), error))?;
        Ok(Tree { root, path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn root(&self) -> &OwnedFd {
        &self.root
    }

    /// Opens a folder below the root, step by step.
    pub fn folder(&self, folder: &str) -> io::Result<Walk> {
        self.walk_to(folder, false)
    }

    /// Opens a folder and makes what is missing on the way.
    pub fn make_folder(&self, folder: &str) -> io::Result<Walk> {
        self.walk_to(folder, true)
    }

    fn walk_to(&self, folder: &str, make: bool) -> io::Result<Walk> {
        let mut open = fd::openat(&self.root, ".", FOLDER, Mode::empty())?;
        let mut at = String::new();
        for part in folder.split('/').filter(|part| !part.is_empty()) {
            // Manifests are checked when they are read; this is the second lock of the same door.
            if part == "." || part == ".." {
                return Err(io::Error::other(format!("{folder} leads out of the folder")));
            }
            at = join(&at, part);
            let next = match fd::openat(&open, part, FOLDER, Mode::empty()) {
                Err(Errno::NOENT) if make => {
                    match fd::mkdirat(&open, part, Mode::from_raw_mode(0o755)) {
                        Ok(()) => fd::fsync(&open)?,
                        Err(Errno::EXIST) => {}
                        Err(error) => return Err(error.into()),
                    }
                    fd::openat(&open, part, FOLDER, Mode::empty())
                }
                other => other,
            };
            open = match next {
                Ok(next) => next,
                Err(Errno::NOENT) => return Ok(Walk::Missing),
                Err(error @ (Errno::NOTDIR | Errno::LOOP)) => {
                    return match stat(&open, part)? {
                        Some(meta) if meta.kind != Kind::Folder => Ok(Walk::Blocked { at, kind: meta.kind }),
                        _ => Err(error.into()),
                    };
                }
                Err(error) => return Err(error.into()),
            };
        }
        Ok(Walk::Open(open))
    }

    /// What stands at `path`, with the bytes when it is a file.
    pub fn look(&self, path: &str) -> io::Result<Seen> {
        let (folder, name) = split(path);
        let open = match self.folder(folder)? {
            Walk::Open(open) => open,
            Walk::Missing => return Ok(Seen::Missing),
            Walk::Blocked { at, kind } => return Ok(Seen::Blocked { at, kind }),
        };
        look_in(&open, name)
    }

    /// The same for path after path in their order: files of one folder share its descriptor.
    pub fn look_on(&self, last: &mut Option<(String, OwnedFd)>, path: &str) -> io::Result<Seen> {
        let (folder, name) = split(path);
        if let Some((at, open)) = last
            && at == folder
        {
            return look_in(open, name);
        }
        match self.folder(folder)? {
            Walk::Open(open) => {
                let (_, open) = last.insert((folder.to_owned(), open));
                look_in(open, name)
            }
            Walk::Missing => Ok(Seen::Missing),
            Walk::Blocked { at, kind } => Ok(Seen::Blocked { at, kind }),
        }
    }

    /// Every file and folder below `folder`, except what `skip` names; links are not followed.
    pub fn below(&self, folder: &str, skip: &dyn Fn(&str) -> bool) -> io::Result<Below> {
        let mut found = Below::default();
        if let Walk::Open(open) = self.folder(folder)? {
            gather(open, folder, skip, &mut found)?;
        }
        found.files.sort();
        Ok(found)
    }
}

fn gather(open: OwnedFd, at: &str, skip: &dyn Fn(&str) -> bool, found: &mut Below) -> io::Result<()> {
    let mut folders = vec![];
    for entry in Dir::read_from(&open)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else {
            continue;
        };
        if name == "." || name == ".." {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => stat(&open, name)?.map(|meta| meta.kind),
            other => Some(kind_of(other)),
        };
        match kind {
            Some(Kind::File) => found.files.push(join(at, name)),
            Some(Kind::Folder) if !skip(&join(at, name)) => folders.push(name.to_owned()),
            _ => {}
        }
    }
    for name in folders {
        let path = join(at, &name);
        match fd::openat(&open, name.as_str(), FOLDER, Mode::empty()) {
            Ok(next) => {
                found.folders.insert(path.clone());
                gather(next, &path, skip, found)?;
            }
            // It went, or is something else by now: the next look will tell.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// What stands under `name` in an open folder.
pub(crate) fn look_in(folder: &OwnedFd, name: &str) -> io::Result<Seen> {
    let Some(meta) = stat(folder, name)? else {
        return Ok(Seen::Missing);
    };
    if meta.kind != Kind::File {
        return Ok(Seen::Other(meta.kind));
    }
    // Not blocking: a FIFO may take the file's place between the two calls.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match fd::openat(folder, name, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(Seen::Missing),
        Err(Errno::ACCESS | Errno::PERM) => return Ok(Seen::Unreadable),
        Err(Errno::LOOP) => return Ok(Seen::Other(Kind::Link)),
        Err(error) => return Err(error.into()),
    };
    read_open(file)
}

fn read_open(file: OwnedFd) -> io::Result<Seen> {
    let meta = meta_of(&fd::fstat(&file)?);
    if meta.kind != Kind::File {
        return Ok(Seen::Other(meta.kind));
    }
    if meta.size_bytes > LARGEST_FILE_BYTES {
        return Ok(Seen::TooLarge);
    }
    let (file, mut bytes) = (File::from(file), Vec::with_capacity(meta.size_bytes as usize));
    // It may grow while it is read.
    (&file).take(LARGEST_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE_BYTES {
        return Ok(Seen::TooLarge);
    }
    // The state after reading: a write in between shows in the time.
    let after = meta_of(&fd::fstat(&file)?);
    Ok(Seen::File(
        Meta {
            size_bytes: bytes.len() as u64,
            ..after
        },
        bytes,
    ))
}

/// What the system tells about a name, without following it.
pub(crate) fn stat(folder: &OwnedFd, name: &str) -> io::Result<Option<Meta>> {
    match fd::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(meta_of(&stat))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[allow(
    clippy::unnecessary_cast,
    clippy::useless_conversion,
    reason = "the fields differ between systems"
)]
pub(crate) fn meta_of(stat: &fd::Stat) -> Meta {
    Meta {
        kind: kind_of(FileType::from_raw_mode(stat.st_mode)),
        ino: stat.st_ino as u64,
        size_bytes: stat.st_size as u64,
        mtime_ns: (stat.st_mtime as i64)
            .saturating_mul(1_000_000_000)
            .saturating_add(stat.st_mtime_nsec as i64),
        mode: (stat.st_mode as u32) & 0o7777,
        links: stat.st_nlink as u64,
    }
}

fn kind_of(kind: FileType) -> Kind {
    match kind {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        _ => Kind::Device,
    }
}

/// A new file with these bytes, on the disk and read again. What is answered is open for
/// reading alone: a writer that lets go of a file later, when it has its name, would look
/// like an editor that has finished.
pub(crate) fn write_new(folder: &OwnedFd, name: &str, bytes: &[u8], mode: u32) -> io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut writer = File::from(fd::openat(folder, name, flags, Mode::from_raw_mode(0o600))?);
    writer.write_all(bytes)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut file = File::from(fd::openat(folder, name, flags, Mode::empty())?);
    fd::fchmod(&writer, Mode::from_raw_mode(mode as _))?;
    writer.sync_all()?;
    drop(writer);
    let mut again = Vec::with_capacity(bytes.len());
    file.read_to_end(&mut again)?;
    if Hash::of(&again) != Hash::of(bytes) {
        return Err(io::Error::other(
            "the disk gave back other bytes than were written",
        ));
    }
    Ok(file.into())
}

pub(crate) fn rename_new(from: &OwnedFd, name: &str, to: &OwnedFd, new: &str) -> io::Result<()> {
    Ok(fd::renameat_with(from, name, to, new, RenameFlags::NOREPLACE)?)
}

pub(crate) fn exchange(from: &OwnedFd, name: &str, to: &OwnedFd, new: &str) -> io::Result<()> {
    Ok(fd::renameat_with(from, name, to, new, RenameFlags::EXCHANGE)?)
}

/// Deletes what stands under a name, with all that is in it; links are not followed.
pub(crate) fn remove_all(folder: &OwnedFd, name: &CStr) -> io::Result<()> {
    let kind = match fd::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => meta_of(&stat).kind,
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if kind != Kind::Folder {
        return match fd::unlinkat(folder, name, AtFlags::empty()) {
            Err(Errno::NOENT) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        };
    }
    let inner = fd::openat(folder, name, FOLDER, Mode::empty())?;
    let mut names = vec![];
    for entry in Dir::read_from(&inner)? {
        let entry = entry?.file_name().to_owned();
        if entry.as_c_str() != c"." && entry.as_c_str() != c".." {
            names.push(entry);
        }
    }
    for name in names {
        remove_all(&inner, &name)?;
    }
    Ok(fd::unlinkat(folder, name, AtFlags::REMOVEDIR)?)
}

/// The folder and the name of a path.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// The folders above a path, the nearest first.
pub(crate) fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(split(path).0), |at| Some(split(at).0)).take_while(|at| !at.is_empty())
}

pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}
