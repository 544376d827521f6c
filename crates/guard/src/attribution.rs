//! Who did it: the program behind a deletion, from fanotify.
//!
//! A deletion's event carries a process id, but `rm` is gone before its entry can
//! be read. So a second group hears of every program that is started and
//! remembers process id, executable and parents; the first group's events are
//! looked up there. Needs `CAP_SYS_ADMIN`; without it the answer is "unknown".

#[cfg(not(target_os = "linux"))]
pub(crate) fn witness(_root: &std::path::Path) -> Result<crate::guard::Witness, String> {
    Err("fanotify is Linux's alone".to_owned())
}

#[cfg(target_os = "linux")]
pub(crate) use linux::witness;

#[cfg(target_os = "linux")]
mod linux {
    use crate::{Who, guard::Witness, tree::split};
    use nix::{
        fcntl::AT_FDCWD,
        libc,
        sys::fanotify::{EventFFlags, Fanotify, InitFlags, MarkFlags, MaskFlags},
    };
    use std::{
        collections::{HashMap, VecDeque},
        fs,
        os::fd::{AsFd, AsRawFd},
        path::Path,
        sync::{Arc, Mutex, PoisonError},
        thread,
        time::{Duration, Instant},
    };

    /// A deletion older than that is not why a file is missing now.
    const RECENT: Duration = Duration::from_secs(20);
    /// The event may come after the watcher's own.
    const LATE: Duration = Duration::from_millis(30);
    const DELETIONS: usize = 8192;
    const PROGRAMS: usize = 65_536;

    #[derive(Clone, Debug)]
    struct Program {
        executable: String,
        parent: u32,
    }

    #[derive(Debug)]
    struct Deletion {
        at: Instant,
        pid: u32,
        name: String,
        /// The folder's inode, where its handle tells it.
        folder: Option<u64>,
        program: Option<Program>,
    }

    #[derive(Debug, Default)]
    struct Seen {
        programs: HashMap<u32, Program>,
        order: VecDeque<u32>,
        deletions: VecDeque<Deletion>,
    }

    /// Starts listening; the answer tells who last touched a path.
    pub(crate) fn witness(root: &Path) -> Result<Witness, String> {
        let needs = |what: &str, error: nix::Error| {
            format!("{what}: {error}; attribution needs root (CAP_SYS_ADMIN)")
        };
        let base = InitFlags::FAN_CLOEXEC | InitFlags::FAN_UNLIMITED_QUEUE;
        let starts = Fanotify::init(
            base | InitFlags::FAN_CLASS_NOTIF,
            EventFFlags::O_RDONLY | EventFFlags::O_CLOEXEC,
        )
        .map_err(|error| needs("fanotify", error))?;
        let whole = MarkFlags::FAN_MARK_ADD | MarkFlags::FAN_MARK_FILESYSTEM;
        let mut marked = false;
        // Every file system that holds programs: each is marked once, failures of exotic ones do not matter.
        for place in ["/", "/usr", "/bin", "/opt", "/home", "/tmp", "/dev/shm"] {
            marked |= starts
                .mark(whole, MaskFlags::FAN_OPEN_EXEC, AT_FDCWD, Some(place))
                .is_ok();
        }
        if !marked {
            return Err("fanotify cannot mark the file systems of programs".to_owned());
        }
        let names = InitFlags::from_bits_retain(libc::FAN_REPORT_DFID_NAME);
        let losses = Fanotify::init(base | InitFlags::FAN_CLASS_NOTIF | names, EventFFlags::O_RDONLY)
            .map_err(|error| needs("fanotify with names", error))?;
        let mask = MaskFlags::FAN_DELETE
            | MaskFlags::FAN_MOVED_FROM
            | MaskFlags::FAN_MOVED_TO
            | MaskFlags::FAN_MODIFY
            | MaskFlags::FAN_ATTRIB
            | MaskFlags::FAN_ONDIR;
        losses
            .mark(whole, mask, AT_FDCWD, Some(root))
            .map_err(|error| needs("this file system cannot be watched", error))?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        seed(&seen);
        let (programs, deletions) = (seen.clone(), seen.clone());
        thread::Builder::new()
            .name("guard-programs".into())
            .spawn(move || hear_starts(&starts, &programs))
            .and_then(|_| {
                thread::Builder::new()
                    .name("guard-losses".into())
                    .spawn(move || hear_losses(&losses, &deletions))
            })
            .map_err(|error| error.to_string())?;
        let root = root.to_owned();
        Ok(Arc::new(move |path| answer(&seen, &root, path)))
    }

    /// The programs that run already.
    fn seed(seen: &Mutex<Seen>) {
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            if let Ok(pid) = entry.file_name().to_string_lossy().parse()
                && let Some(program) = look_up(pid)
            {
                remember(&mut lock(seen), pid, program);
            }
        }
    }

    /// What `/proc` says about a living process.
    fn look_up(pid: u32) -> Option<Program> {
        let executable = fs::read_link(format!("/proc/{pid}/exe"))
            .ok()?
            .display()
            .to_string();
        Some(Program {
            executable,
            parent: parent_of(pid),
        })
    }

    fn parent_of(pid: u32) -> u32 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
        after
            .split_whitespace()
            .nth(1)
            .and_then(|parent| parent.parse().ok())
            .unwrap_or(0)
    }

    fn remember(seen: &mut Seen, pid: u32, program: Program) {
        if seen.programs.insert(pid, program).is_none() {
            seen.order.push_back(pid);
            if seen.order.len() > PROGRAMS
                && let Some(oldest) = seen.order.pop_front()
            {
                seen.programs.remove(&oldest);
            }
        }
    }

    fn hear_starts(group: &Fanotify, seen: &Mutex<Seen>) {
        while let Ok(events) = group.read_events() {
            for event in events {
                let Some(fd) = event.fd() else { continue };
                let Ok(path) = fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())) else {
                    continue;
                };
                let (pid, executable) = (event.pid() as u32, path.display().to_string());
                // The loader is opened for every program, right after it.
                if path
                    .file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with("ld-"))
                {
                    continue;
                }
                let parent = match parent_of(pid) {
                    0 => lock(seen).programs.get(&pid).map_or(0, |known| known.parent),
                    parent => parent,
                };
                remember(&mut lock(seen), pid, Program { executable, parent });
            }
        }
    }

    fn hear_losses(group: &Fanotify, seen: &Mutex<Seen>) {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = match rustix::io::read(group.as_fd(), &mut buffer[..]) {
                Ok(length) if length > 0 => length,
                Err(rustix::io::Errno::INTR) => continue,
                _ => return,
            };
            for (pid, folder, name) in parse(&buffer[..length]) {
                let mut all = lock(seen);
                let known = all.programs.get(&pid).cloned();
                drop(all);
                let program = known.or_else(|| look_up(pid));
                all = lock(seen);
                if all.deletions.len() >= DELETIONS {
                    all.deletions.pop_front();
                }
                all.deletions.push_back(Deletion {
                    at: Instant::now(),
                    pid,
                    name,
                    folder,
                    program,
                });
            }
        }
    }

    /// The kernel's records: a header of 24 bytes, then records that name folder and file
    /// (`fanotify(7)`, `struct fanotify_event_info_fid`).
    fn parse(mut bytes: &[u8]) -> Vec<(u32, Option<u64>, String)> {
        let mut found = vec![];
        let u16_at =
            |bytes: &[u8], at: usize| Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        let u32_at =
            |bytes: &[u8], at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        while let Some(length) = u32_at(bytes, 0).map(|length| length as usize) {
            if length < 24 || length > bytes.len() {
                break;
            }
            let (event, rest) = bytes.split_at(length);
            bytes = rest;
            let (Some(header), Some(pid)) = (u16_at(event, 6), u32_at(event, 20)) else {
                break;
            };
            let mut records = event.get(usize::from(header)..).unwrap_or_default();
            while let Some(size) = u16_at(records, 2)
                .map(usize::from)
                .filter(|size| *size >= 4 && *size <= records.len())
            {
                let (record, rest) = records.split_at(size);
                records = rest;
                // Kind 2: a folder's handle and a name in it.
                if record[0] != 2 {
                    continue;
                }
                let (Some(handle_bytes), Some(handle_kind)) = (u32_at(record, 12), u32_at(record, 16)) else {
                    continue;
                };
                let handle = record.get(20..20 + handle_bytes as usize).unwrap_or_default();
                let name = record.get(20 + handle_bytes as usize..).unwrap_or_default();
                let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
                // Kind 1 begins with the inode's number, on ext4 and its kin.
                let folder = (handle_kind == 1 && handle_bytes == 8)
                    .then(|| u32_at(handle, 0).map(u64::from))
                    .flatten();
                found.push((pid, folder, String::from_utf8_lossy(name).into_owned()));
            }
        }
        found
    }

    fn answer(seen: &Mutex<Seen>, root: &Path, path: &str) -> Who {
        let began = Instant::now();
        loop {
            let who = find(&lock(seen), root, path);
            match who {
                Some(who @ Who::Process { .. }) => return who,
                Some(who) if began.elapsed() > LATE => return who,
                None if began.elapsed() > LATE => return Who::unknown("no program was seen at it"),
                _ => {}
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The last one who touched the path or, when its folder went, a folder above it.
    fn find(seen: &Seen, root: &Path, path: &str) -> Option<Who> {
        let own = std::process::id();
        let mut at = path;
        while !at.is_empty() {
            let (folder, name) = split(at);
            let inode = fs::metadata(root.join(folder))
                .ok()
                .map(|meta| std::os::unix::fs::MetadataExt::ino(&meta));
            let hit = seen
                .deletions
                .iter()
                .rev()
                .take_while(|deletion| deletion.at.elapsed() < RECENT)
                .find(|deletion| {
                    let here = at != path
                        || deletion.folder.is_none()
                        || inode.is_none()
                        || deletion.folder == inode;
                    deletion.pid != own && deletion.name == name && here
                });
            // A folder that was deleted and made again has a new number: the name decides then.
            let hit = hit.or_else(|| {
                let recent = seen
                    .deletions
                    .iter()
                    .rev()
                    .take_while(|deletion| deletion.at.elapsed() < RECENT);
                recent
                    .into_iter()
                    .find(|deletion| deletion.pid != own && deletion.name == name)
            });
            if let Some(deletion) = hit {
                // The start is heard apart from the deletion, and perhaps after it.
                let program = seen.programs.get(&deletion.pid).or(deletion.program.as_ref());
                return Some(match program {
                    Some(program) => Who::Process {
                        pid: deletion.pid,
                        executable: program.executable.clone(),
                        parents: parents(seen, program.parent),
                    },
                    None => Who::unknown(&format!(
                        "process {}, gone before it could be looked at",
                        deletion.pid
                    )),
                });
            }
            at = folder;
        }
        None
    }

    fn parents(seen: &Seen, mut pid: u32) -> Vec<String> {
        let mut chain = vec![];
        while pid > 1 && chain.len() < 8 {
            let Some(program) = seen.programs.get(&pid).cloned().or_else(|| look_up(pid)) else {
                break;
            };
            chain.push(format!("{} ({pid})", program.executable));
            pid = program.parent;
        }
        chain
    }

    fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
        seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_kernels_records_are_read_and_torn_ones_are_not() {
            let mut event = vec![];
            let name = b"file.toml\0";
            let size = 4 + 8 + 8 + 8 + name.len();
            event.extend(((24 + size) as u32).to_ne_bytes());
            event.extend([3, 0]);
            event.extend(24u16.to_ne_bytes());
            event.extend(0u64.to_ne_bytes());
            event.extend((-1i32).to_ne_bytes());
            event.extend(4242u32.to_ne_bytes());
            event.extend([2, 0]);
            event.extend((size as u16).to_ne_bytes());
            event.extend([0; 8]);
            event.extend(8u32.to_ne_bytes());
            event.extend(1u32.to_ne_bytes());
            event.extend(77u32.to_ne_bytes());
            event.extend(1u32.to_ne_bytes());
            event.extend(name);
            let twice = [event.clone(), event.clone()].concat();
            assert_eq!(parse(&twice), vec![(4242, Some(77), "file.toml".to_owned()); 2]);
            for length in 0..event.len() {
                assert_eq!(parse(&event[..length]), vec![], "{length} bytes");
            }
        }
    }
}
