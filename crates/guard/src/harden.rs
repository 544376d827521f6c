//! Protected files that cannot be written by mistake: read-only modes, the
//! immutable flag, and locks for writers who ask first.

use crate::{
    Guard,
    fault::failed,
    settings::HOME,
    tree::{Walk, split},
    view::Level,
};
use base::Result;
use rustix::fs::{self as fd, FlockOperation, Mode, OFlags};
use std::{io, os::fd::OwnedFd};

/// Held while a cooperating writer works on a path.
#[derive(Debug)]
pub struct WriterLock {
    _file: OwnedFd,
}

impl Guard {
    /// Brings modes and flags of all protected files to what `guard.toml` asks for, and
    /// answers which levels hold.
    pub fn harden(&self) -> Result<Vec<Level>> {
        self.hardening(true)
    }

    fn hardening(&self, apply: bool) -> Result<Vec<Level>> {
        let turn = self.enter()?;
        let options = &turn.settings.options;
        let asked = options.immutable || options.read_only;
        let mut levels = vec![];
        let (files, now) = (self.wants(&turn), self.clock.now());
        let mut wrong = None;
        let open = files
            .keys()
            .filter(|path| asked && !turn.state.is_being_edited(path, now));
        for path in open {
            let done = self.with_file(path, |file| {
                let mode = crate::tree::meta_of(&fd::fstat(file)?).mode;
                let (writable, free) = (
                    options.read_only && mode & 0o222 != 0,
                    options.immutable && !is_immutable(file),
                );
                if (writable || free) && !apply {
                    return Err(io::Error::other("not set yet; run: mundo guard harden"));
                }
                if writable {
                    if is_immutable(file) {
                        set_immutable(file, false)?;
                    }
                    fd::fchmod(file, Mode::from_raw_mode((mode & !0o222) as _))?;
                }
                if options.immutable {
                    set_immutable(file, true)
                } else {
                    Ok(())
                }
            });
            if let Err(error) = done {
                wrong = Some(format!("{path}: {error}"));
            }
        }
        let level = |name: &str, asked: bool, good: &str| match (asked, &wrong) {
            (false, _) => Level::off(name, "guard.toml does not ask for it"),
            (true, Some(why)) => Level::off(name, why),
            (true, None) => Level::on(name, good),
        };
        let root = rustix::process::geteuid().is_root();
        let good = if root {
            "set, but root writes all the same"
        } else {
            "protected files have no write permission"
        };
        levels.push(level("read-only", options.read_only, good));
        levels.push(level(
            "immutable",
            options.immutable,
            "even root must lift the flag first",
        ));
        Ok(levels)
    }

    /// Takes modes and flags back, on the paths that an announced edit covers or on all.
    pub fn soften(&self, all: bool) -> Result<()> {
        let turn = self.enter()?;
        let now = self.clock.now();
        for path in self.wants(&turn).keys() {
            if all || turn.state.is_being_edited(path, now) {
                let lifted = self.with_file(path, |file| {
                    if is_immutable(file) {
                        set_immutable(file, false)?;
                    }
                    let mode = crate::tree::meta_of(&fd::fstat(file)?).mode;
                    if mode & 0o200 == 0 {
                        fd::fchmod(file, Mode::from_raw_mode((mode | 0o200) as _))?;
                    }
                    Ok(())
                });
                lifted.map_err(|error| failed(path, error))?;
            }
        }
        Ok(())
    }

    /// Lifts the immutable flag of one file, so that the guard itself can put it right.
    pub(crate) fn lift(&self, path: &str) -> io::Result<()> {
        self.with_file(path, |file| {
            if is_immutable(file) {
                set_immutable(file, false)
            } else {
                Ok(())
            }
        })
    }

    fn with_file(&self, path: &str, act: impl Fn(&OwnedFd) -> io::Result<()>) -> io::Result<()> {
        let (folder, name) = split(path);
        let Walk::Open(folder) = self.tree.folder(folder)? else {
            return Ok(());
        };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match fd::openat(&folder, name, flags, Mode::empty()) {
            // A second name may be one of somebody else's file.
            Ok(file) if crate::tree::meta_of(&fd::fstat(&file)?).links > 1 => Ok(()),
            Ok(file) => act(&file),
            // A pass says what is wrong with it.
            Err(_) => Ok(()),
        }
    }

    /// The lock on a path for writers who ask first; waits for its holder.
    pub fn lock_for_writing(&self, path: &str) -> Result<WriterLock> {
        let name = crate::Hash::of(path.as_bytes()).short();
        let take = || -> io::Result<OwnedFd> {
            let Walk::Open(folder) = self.tree.make_folder(&format!("{HOME}/locks"))? else {
                return Err(io::Error::other(format!("{HOME}/locks is not a folder")));
            };
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = fd::openat(&folder, name.as_str(), flags, Mode::from_raw_mode(0o600))?;
            fd::flock(&file, FlockOperation::LockExclusive)?;
            Ok(file)
        };
        take()
            .map(|file| WriterLock { _file: file })
            .map_err(|error| failed(path, error))
    }

    /// Every level of prevention, and why it holds or does not.
    pub fn levels(&self, confined: Option<Level>) -> Result<Vec<Level>> {
        let watcher = self.watcher()?;
        let mut levels = match &watcher {
            Some(status) => {
                let how = match &status.without_hints {
                    None => format!("process {} watches, by hints and every 30 s", status.pid),
                    Some(why) => format!("process {} looks every second: {why}", status.pid),
                };
                vec![
                    Level::on("watch", &how),
                    Level::on("restore", "losses are undone as they are found"),
                    Level {
                        name: "attribution".into(),
                        active: status.attribution.starts_with("fanotify"),
                        why: status.attribution.clone(),
                    },
                ]
            }
            None => ["watch", "restore", "attribution"]
                .map(|name| Level::off(name, "nobody watches: mundo guard watch"))
                .to_vec(),
        };
        levels.push(
            confined.unwrap_or_else(|| {
                Level::off("landlock", "it is the server's; see what it says at its start")
            }),
        );
        levels.extend(self.hardening(false)?);
        levels.push(Level::on(
            "locks",
            "writers that ask first take turns: mundo guard edit PATH -- COMMAND",
        ));
        Ok(levels)
    }
}

#[cfg(target_os = "linux")]
fn is_immutable(file: &OwnedFd) -> bool {
    fd::ioctl_getflags(file).is_ok_and(|flags| flags.contains(fd::IFlags::IMMUTABLE))
}

#[cfg(target_os = "linux")]
fn set_immutable(file: &OwnedFd, on: bool) -> io::Result<()> {
    let mut flags = fd::ioctl_getflags(file)?;
    flags.set(fd::IFlags::IMMUTABLE, on);
    Ok(fd::ioctl_setflags(file, flags)?)
}

#[cfg(not(target_os = "linux"))]
fn is_immutable(_file: &OwnedFd) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
fn set_immutable(_file: &OwnedFd, on: bool) -> io::Result<()> {
    if on {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the immutable flag is Linux's alone",
        ))
    } else {
        Ok(())
    }
}
