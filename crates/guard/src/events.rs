//! Hints from the kernel that something happened (inotify).
//!
//! Lost and doubled hints do no harm: after an overflow everything is compared,
//! and everything is compared every half minute anyway.

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use std::{
    collections::BTreeSet,
    io,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
    time::Duration,
};

/// One hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Below the guarded folder.
    pub path: String,
    /// A writer has let go of the file.
    pub closed: bool,
    /// A folder came, went or moved: its watch may be gone.
    pub folder: bool,
}

#[derive(Debug, Default)]
pub struct Hints {
    pub all: Vec<Hint>,
    /// Some hints were lost.
    pub overflow: bool,
    /// The other end of `until` is closed.
    pub ended: bool,
}

/// Waits for hints, for the end, or for the time to pass.
pub fn wait(events: Option<&mut Events>, until: Option<BorrowedFd<'_>>, span: Duration) -> io::Result<Hints> {
    let mut hints = Hints::default();
    let time = Timespec {
        tv_sec: span.as_secs() as i64,
        tv_nsec: i64::from(span.subsec_nanos()),
    };
    let (mut ready, mut touched) = (false, false);
    {
        let mut all = vec![];
        if let Some(until) = &until {
            all.push(PollFd::new(until, PollFlags::IN));
        }
        if let Some(events) = &events {
            all.push(PollFd::from_borrowed_fd(events.as_fd(), PollFlags::IN));
        }
        match poll(&mut all, Some(&time)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut flags = all.iter().map(|fd| !fd.revents().is_empty());
        if until.is_some() {
            touched = flags.next().unwrap_or(false);
        }
        if events.is_some() {
            ready = flags.next().unwrap_or(false);
        }
    }
    if touched && let Some(until) = until {
        hints.ended = matches!(rustix::io::read(until, &mut [0; 64]), Ok(0));
    }
    if let Some(events) = events.filter(|_| ready) {
        events.read(&mut hints)?;
    }
    Ok(hints)
}

#[cfg(target_os = "linux")]
pub use linux::Events;

#[cfg(target_os = "linux")]
mod linux {
    use super::{AsFd, BTreeSet, BorrowedFd, Errno, Hint, Hints, Path, io};
    use crate::tree::join;
    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
    use std::{collections::HashMap, mem::MaybeUninit, os::fd::OwnedFd};

    const INTEREST: WatchFlags = WatchFlags::CREATE
        .union(WatchFlags::DELETE)
        .union(WatchFlags::MOVED_FROM)
        .union(WatchFlags::MOVED_TO)
        .union(WatchFlags::MODIFY)
        .union(WatchFlags::ATTRIB)
        .union(WatchFlags::CLOSE_WRITE)
        .union(WatchFlags::DELETE_SELF)
        .union(WatchFlags::MOVE_SELF)
        .union(WatchFlags::ONLYDIR)
        .union(WatchFlags::DONT_FOLLOW);

    /// A second name, made in a folder that nobody watches, is told to the file alone.
    const OF_A_FILE: WatchFlags = WatchFlags::ATTRIB.union(WatchFlags::DONT_FOLLOW);

    #[derive(Debug)]
    pub struct Events {
        descriptor: OwnedFd,
        watched: HashMap<i32, String>,
    }

    impl Events {
        pub fn new() -> io::Result<Events> {
            let descriptor = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            Ok(Events {
                descriptor,
                watched: HashMap::new(),
            })
        }

        /// Watches these folders, and these files; answers whether a folder was not watched before.
        pub fn follow(
            &mut self,
            root: &Path,
            folders: &BTreeSet<String>,
            files: &BTreeSet<String>,
        ) -> io::Result<bool> {
            for file in files {
                // Where the kernel has no room for so many, the folders' watches must do.
                if let Ok(number) = inotify::add_watch(&self.descriptor, root.join(file), OF_A_FILE) {
                    self.watched.insert(number, file.clone());
                }
            }
            let mut new = false;
            for folder in folders {
                match inotify::add_watch(&self.descriptor, root.join(folder), INTEREST) {
                    Ok(number) => {
                        new |= self.watched.insert(number, folder.clone()).as_ref() != Some(folder);
                    }
                    // It is not there now; the folder above tells when it comes.
                    Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(new)
        }

        pub(super) fn read(&mut self, hints: &mut Hints) -> io::Result<()> {
            let mut buffer = [MaybeUninit::uninit(); 1 << 14];
            let mut reader = Reader::new(&self.descriptor, &mut buffer);
            loop {
                let event = match reader.next() {
                    Ok(event) => event,
                    Err(Errno::WOULDBLOCK) => return Ok(()),
                    Err(Errno::INTR) => continue,
                    Err(error) => return Err(error.into()),
                };
                let flags = event.events();
                if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                    hints.overflow = true;
                    continue;
                }
                let itself =
                    flags.intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::IGNORED);
                let Some(folder) = self.watched.get(&event.wd()) else {
                    continue;
                };
                let name = event.file_name().map(|name| name.to_string_lossy().into_owned());
                let path = name.map_or_else(|| folder.clone(), |name| join(folder, &name));
                if flags.intersects(ReadFlags::IGNORED | ReadFlags::MOVE_SELF) {
                    let number = event.wd();
                    self.watched.remove(&number);
                    if flags.contains(ReadFlags::MOVE_SELF) {
                        let _ = inotify::remove_watch(&self.descriptor, number);
                    }
                }
                hints.all.push(Hint {
                    path,
                    closed: flags.contains(ReadFlags::CLOSE_WRITE),
                    folder: itself || flags.contains(ReadFlags::ISDIR),
                });
            }
        }
    }

    impl AsFd for Events {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.descriptor.as_fd()
        }
    }
}

/// Elsewhere there are no hints; the watcher looks every second.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub struct Events(std::os::fd::OwnedFd);

#[cfg(not(target_os = "linux"))]
impl Events {
    pub fn new() -> io::Result<Events> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this system gives no hints the guard understands",
        ))
    }

    pub fn follow(
        &mut self,
        _root: &Path,
        _folders: &BTreeSet<String>,
        _files: &BTreeSet<String>,
    ) -> io::Result<bool> {
        Ok(false)
    }

    fn read(&mut self, _hints: &mut Hints) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
impl AsFd for Events {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
