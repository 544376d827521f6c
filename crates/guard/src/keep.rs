//! The keeper: a small process that starts the watcher again when it dies or hangs.
//!
//! Both read the same pipe, whose other end the server holds: when the server is
//! gone, however it went, both end.

use crate::{events, fault::failed};
use base::Result;
use std::{
    io::Read,
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// A watcher that is silent for that long is replaced.
const SILENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A keeper and its watcher, as the server holds them; dropping it ends both.
#[derive(Debug)]
pub struct Keeper {
    child: Child,
}

impl Keeper {
    /// Starts `command`, which must end when its standard input does.
    pub fn start(mut command: Command) -> Result<Keeper> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let child = child.map_err(|error| failed("cannot start the watcher", error))?;
        Ok(Keeper { child })
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Runs `command` again and again until the other end of `until` is closed. The
/// command writes a byte to its standard output at least once a second.
pub fn keep(mut command: impl FnMut() -> Command, until: &OwnedFd, silence: Option<Duration>) -> Result<()> {
    let silence = silence.unwrap_or(SILENCE);
    let mut pause = Duration::from_millis(50);
    loop {
        let inherited = until
            .try_clone()
            .map_err(|error| failed("cannot share the pipe", error))?;
        let started = Instant::now();
        let mut child = command()
            .stdin(inherited)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed("cannot start the watcher", error))?;
        let beats = listen(&mut child, started);
        loop {
            let ended = events::wait(None, Some(std::os::fd::AsFd::as_fd(until)), LOOK);
            if ended.is_ok_and(|hints| hints.ended) {
                // It reads the same end and leaves by itself, unless it hangs.
                let asked = Instant::now();
                while matches!(child.try_wait(), Ok(None)) && asked.elapsed() < Duration::from_secs(2) {
                    std::thread::sleep(Duration::from_millis(10));
                }
                let _ = child.kill();
                let _ = child.wait();
                return Ok(());
            }
            let last = Duration::from_millis(beats.load(Ordering::Relaxed));
            if started.elapsed().saturating_sub(last) > silence {
                let _ = child.kill();
            }
            if !matches!(child.try_wait(), Ok(None)) {
                break;
            }
        }
        pause = if started.elapsed() > Duration::from_mins(1) {
            Duration::from_millis(50)
        } else {
            pause * 2
        };
        pause = pause.min(LONGEST_PAUSE);
        if events::wait(None, Some(std::os::fd::AsFd::as_fd(until)), pause).is_ok_and(|hints| hints.ended) {
            return Ok(());
        }
    }
}

/// When the child was last heard, in milliseconds since it started.
fn listen(child: &mut Child, started: Instant) -> Arc<AtomicU64> {
    let beats = Arc::new(AtomicU64::new(0));
    let (heard, out) = (beats.clone(), child.stdout.take());
    std::thread::spawn(move || {
        let Some(mut out) = out else { return };
        let mut buffer = [0; 64];
        while matches!(out.read(&mut buffer), Ok(read) if read > 0) {
            heard.store(started.elapsed().as_millis() as u64, Ordering::Relaxed);
        }
    });
    beats
}
