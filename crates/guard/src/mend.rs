//! A restore, step by step, so that dying between any two steps loses nothing.
//!
//! First the foreign bytes are kept and the ledger says so; then the right bytes
//! are written under another name, brought to the disk and read again; then the
//! two names change places in one step. What was swapped out is compared with
//! what was judged: if somebody saved in between, it is swapped back.

use crate::{
    guard::{Guard, Step, Turn},
    judge::Remembered,
    judge::{Fault, Want, full_mode},
    ledger::{What, Who},
    settings::{HOME, LARGEST_FILE_BYTES},
    tree::{self, Kind, Meta, Seen, Walk, exchange, join, look_in, rename_new, split, stat, write_new},
};
use base::Result;
use rustix::fs::{self as fd, AtFlags, Mode, Timestamps};
use std::{
    collections::BTreeMap,
    io,
    os::fd::OwnedFd,
    sync::Arc,
    time::{Duration, Instant},
};

/// Restores of one path within a minute that make an incident.
const INCIDENT: usize = 5;
const MINUTE: Duration = Duration::from_mins(1);

/// A file to put back.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub path: String,
    pub want: Want,
    pub fault: Fault,
}

/// What became of a job.
pub(crate) enum Outcome {
    Restored,
    /// Somebody changed it meanwhile: judge again.
    Again,
    Failed(io::Error),
}

/// A job on its way.
struct Work {
    job: Job,
    bytes: Arc<Vec<u8>>,
    /// The foreign file as it was captured.
    foreign: Option<Meta>,
    before: Option<Remembered>,
    temporary: Option<(String, OwnedFd)>,
    outcome: Option<Outcome>,
}

impl Guard {
    pub(crate) fn mend(&self, turn: &mut Turn<'_>, jobs: Vec<Job>) -> Result<Vec<(Job, Outcome)>> {
        let began = Instant::now();
        let mut done = vec![];
        let mut works = vec![];
        for job in jobs {
            match self.places.get(job.want.blake3) {
                Some(bytes) => works.push(Work {
                    before: turn.remembered.get(&job.path).copied(),
                    job,
                    bytes,
                    foreign: None,
                    temporary: None,
                    outcome: None,
                }),
                None => done.push((job, Outcome::Failed(io::Error::other("no copy is left anywhere")))),
            }
        }
        let mut found = vec![];
        for work in &mut works {
            let step = self
                .step(Step::Fetched, &work.job.path)
                .and_then(|()| self.capture(work, &mut found));
            work.fail_on(step.and_then(|()| self.step(Step::Captured, &work.job.path)));
        }
        if !works.is_empty() {
            self.tell(turn, found)?;
        }
        let folder = match self.tree.make_folder(&join(HOME, "tmp")) {
            Ok(Walk::Open(folder)) => Some(folder),
            _ => None,
        };
        self.write_all(&mut works, folder.as_ref());
        let mut late = vec![];
        for work in works.iter_mut().filter(|work| work.outcome.is_none()) {
            let outcome = self.swap(work, folder.as_ref(), &mut late);
            work.outcome = Some(outcome.unwrap_or_else(Outcome::Failed));
        }
        self.sync_folders(&mut works);
        self.report(turn, &works, late, began.elapsed())?;
        done.extend(
            works
                .into_iter()
                .map(|work| (work.job, work.outcome.unwrap_or(Outcome::Again))),
        );
        Ok(done)
    }

    pub(crate) fn step(&self, step: Step, path: &str) -> io::Result<()> {
        self.probe.as_ref().map_or(Ok(()), |probe| probe(step, path))
    }

    /// Keeps the bytes of what stands in the way.
    fn capture(&self, work: &mut Work, found: &mut Vec<What>) -> io::Result<()> {
        let path = &work.job.path;
        match &work.job.fault {
            Fault::Missing | Fault::Mode { .. } => return Ok(()),
            Fault::Blocked { at, .. } => return self.capture_at(at, found).map(drop),
            _ => {}
        }
        work.foreign = self.capture_at(path, found)?;
        Ok(())
    }

    fn capture_at(&self, path: &str, found: &mut Vec<What>) -> io::Result<Option<Meta>> {
        let (folder, name) = split(path);
        let Walk::Open(folder) = self.tree.folder(folder)? else {
            return Ok(None);
        };
        let Some(meta) = stat(&folder, name)? else {
            return Ok(None);
        };
        self.capture_in(&folder, name, path, meta, found)?;
        Ok(Some(meta))
    }

    /// A folder is captured with all that is in it.
    fn capture_in(
        &self,
        folder: &OwnedFd,
        name: &str,
        path: &str,
        meta: Meta,
        found: &mut Vec<What>,
    ) -> io::Result<()> {
        let kept = |bytes: &[u8]| {
            self.places
                .put(bytes)
                .map(Some)
                .map_err(|error| io::Error::other(crate::say(&error)))
        };
        let blake3 = match meta.kind {
            Kind::File if meta.size_bytes <= LARGEST_FILE_BYTES => match look_in(folder, name)? {
                Seen::File(_, bytes) => kept(&bytes)?,
                // The file itself goes to the quarantine, whoever may read it.
                _ => None,
            },
            Kind::Link => kept(fd::readlinkat(folder, name, vec![])?.as_bytes())?,
            Kind::Folder => {
                for inner in self.tree.below(path, &|_| false)?.files {
                    self.capture_at(&inner, found)?;
                }
                None
            }
            _ => None,
        };
        found.push(What::Quarantined {
            path: path.to_owned(),
            was: meta.kind,
            blake3,
            size_bytes: meta.size_bytes,
            mode: meta.mode,
        });
        Ok(())
    }

    /// Writes all new files; several threads wait for the disk together.
    fn write_all(&self, works: &mut [Work], folder: Option<&OwnedFd>) {
        let share = works.len().div_ceil(8).max(1);
        std::thread::scope(|scope| {
            for part in works.chunks_mut(share) {
                scope.spawn(move || {
                    for work in part.iter_mut().filter(|work| work.outcome.is_none()) {
                        let step = self
                            .step(Step::Recorded, &work.job.path)
                            .and_then(|()| self.write_one(work, folder));
                        work.fail_on(step.and_then(|()| self.step(Step::Written, &work.job.path)));
                    }
                });
            }
        });
    }

    fn write_one(&self, work: &mut Work, folder: Option<&OwnedFd>) -> io::Result<()> {
        if matches!(work.job.fault, Fault::Mode { .. }) {
            return Ok(());
        }
        let folder = folder.ok_or_else(|| io::Error::other(format!("{HOME}/tmp is not usable")))?;
        let name = format!("new-{}", self.places.fresh_name());
        let mode = full_mode(&work.job.want, work.before.as_ref());
        let file = write_new(folder, &name, &work.bytes, mode)?;
        // A hair in the past, so that a later write cannot carry the same time.
        let micros = self.clock.now().minus(Duration::from_millis(30)).as_micros();
        let time = fd::Timespec {
            tv_sec: micros.div_euclid(1_000_000),
            tv_nsec: micros.rem_euclid(1_000_000) * 1000,
        };
        fd::futimens(
            &file,
            &Timestamps {
                last_access: time,
                last_modification: time,
            },
        )?;
        work.temporary = Some((name, file));
        Ok(())
    }

    /// The moment: the right file gets its name.
    fn swap(
        &self,
        work: &mut Work,
        temporary: Option<&OwnedFd>,
        late: &mut Vec<What>,
    ) -> io::Result<Outcome> {
        if let Fault::Mode { .. } = work.job.fault {
            return self.set_mode(work);
        }
        let (name, _) = work.temporary.as_ref().expect("it was written");
        let temporary = temporary.expect("it was written there");
        if let Fault::Blocked { at, .. } = &work.job.fault {
            self.clear_the_way(at)?;
        }
        let path = &work.job.path;
        let (folder, last) = split(path);
        let Walk::Open(folder) = self.tree.make_folder(folder)? else {
            return Ok(Outcome::Again);
        };
        if work.foreign.is_none() {
            let renamed = rename_new(temporary, name, &folder, last);
            return match renamed {
                Ok(()) => self.step(Step::Swapped, path).map(|()| Outcome::Restored),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    fd::unlinkat(temporary, name.as_str(), AtFlags::empty())?;
                    Ok(Outcome::Again)
                }
                Err(error) => Err(error),
            };
        }
        if exchange(temporary, name, &folder, last).is_err() {
            self.lift(path)?;
            exchange(temporary, name, &folder, last)?;
        }
        self.step(Step::Swapped, path)?;
        let out = stat(temporary, name)?;
        let same = |a: Meta, b: Meta| (a.ino, a.size_bytes, a.mtime_ns) == (b.ino, b.size_bytes, b.mtime_ns);
        let judged = out
            .zip(work.foreign)
            .is_some_and(|(out, foreign)| same(out, foreign) || out.kind == Kind::Folder);
        if !judged && out.is_some_and(|out| out.kind == Kind::File && out.size_bytes > 0) {
            // Somebody saved between the judgement and now: theirs goes back.
            exchange(temporary, name, &folder, last)?;
            fd::unlinkat(temporary, name.as_str(), AtFlags::empty())?;
            return Ok(Outcome::Again);
        }
        if let Some(out) = out.filter(|_| !judged) {
            self.capture_in(temporary, name, path, out, late)?;
        }
        self.to_quarantine(temporary, name, last)?;
        self.step(Step::SetAside, path)?;
        Ok(Outcome::Restored)
    }

    fn set_mode(&self, work: &Work) -> io::Result<Outcome> {
        let (folder, name) = split(&work.job.path);
        let Walk::Open(folder) = self.tree.folder(folder)? else {
            return Ok(Outcome::Again);
        };
        let file = fd::openat(
            &folder,
            name,
            fd::OFlags::RDONLY | fd::OFlags::NOFOLLOW | fd::OFlags::CLOEXEC,
            Mode::empty(),
        );
        let mode = full_mode(&work.job.want, work.before.as_ref());
        match file {
            Ok(file) => {
                // Meanwhile it may have become a second name of somebody else's file.
                if tree::meta_of(&fd::fstat(&file)?).links > 1
                    && work.before.is_none_or(|before| before.links < 2)
                {
                    return Ok(Outcome::Again);
                }
                if fd::fchmod(&file, Mode::from_raw_mode(mode as _)).is_err() {
                    self.lift(&work.job.path)?;
                    fd::fchmod(&file, Mode::from_raw_mode(mode as _))?;
                }
                let now = tree::meta_of(&fd::fstat(&file)?).mode;
                if now != mode {
                    return Err(io::Error::other(format!(
                        "the file system keeps the permissions {now:o}"
                    )));
                }
                self.step(Step::Swapped, &work.job.path)?;
                Ok(Outcome::Restored)
            }
            Err(_) => Ok(Outcome::Again),
        }
    }

    /// Of several files behind the same obstacle the first one's restore moves it.
    fn clear_the_way(&self, at: &str) -> io::Result<()> {
        let (folder, name) = split(at);
        match self.tree.folder(folder)? {
            Walk::Open(folder) if stat(&folder, name)?.is_some_and(|meta| meta.kind != Kind::Folder) => {
                self.to_quarantine(&folder, name, name)
            }
            _ => Ok(()),
        }
    }

    /// Nothing is ever deleted: the thing itself goes to the quarantine's folder.
    fn move_aside(&self, path: &str) -> io::Result<()> {
        let (folder, name) = split(path);
        match self.tree.folder(folder)? {
            Walk::Open(folder) if stat(&folder, name)?.is_some() => self.to_quarantine(&folder, name, name),
            _ => Ok(()),
        }
    }

    fn to_quarantine(&self, folder: &OwnedFd, name: &str, called: &str) -> io::Result<()> {
        let Walk::Open(quarantine) = self.tree.make_folder(&join(HOME, "quarantine"))? else {
            return Err(io::Error::other(format!("{HOME}/quarantine is not a folder")));
        };
        let micros = self.clock.now().as_micros();
        let new = format!("{micros}-{}-{called}", self.places.fresh_name());
        rename_new(folder, name, &quarantine, &new)
    }

    fn sync_folders(&self, works: &mut [Work]) {
        let restored = works
            .iter()
            .filter(|work| matches!(work.outcome, Some(Outcome::Restored)));
        let mut folders: BTreeMap<String, io::Result<()>> = restored
            .map(|work| (split(&work.job.path).0.to_owned(), Ok(())))
            .collect();
        for (path, result) in &mut folders {
            *result = match self.tree.folder(path) {
                Ok(Walk::Open(folder)) => fd::fsync(&folder).map_err(io::Error::from),
                Ok(_) => Ok(()),
                Err(error) => Err(error),
            };
        }
        for work in works
            .iter_mut()
            .filter(|work| matches!(work.outcome, Some(Outcome::Restored)))
        {
            let synced = folders.get(split(&work.job.path).0).is_none_or(Result::is_ok);
            let step = self.step(Step::Synced, &work.job.path);
            if !synced {
                work.fail_on(Err(io::Error::other(
                    "the folder could not be brought to the disk",
                )));
            }
            work.fail_on(step);
        }
    }

    /// Writes down what was done, and remembers the files as they are now.
    fn report(&self, turn: &mut Turn<'_>, works: &[Work], late: Vec<What>, took: Duration) -> Result<()> {
        let (mut news, now) = (late, self.clock.now());
        for work in works {
            let path = &work.job.path;
            match &work.outcome {
                Some(Outcome::Restored) => {}
                Some(Outcome::Failed(error)) => {
                    let why = error.to_string();
                    if turn.troubles.insert(path.clone(), why.clone()).as_ref() != Some(&why) {
                        news.push(What::Trouble {
                            path: path.clone(),
                            why,
                        });
                    }
                    continue;
                }
                _ => continue,
            }
            turn.troubles.remove(path);
            if let Some((_, file)) = &work.temporary
                && let Ok(stat) = fd::fstat(file)
            {
                let meta = tree::meta_of(&stat);
                let seen = Remembered {
                    blake3: work.job.want.blake3,
                    mtime_ns: meta.mtime_ns,
                    mode: meta.mode,
                    links: 1,
                    fresh: false,
                };
                turn.remembered.insert(path.clone(), seen);
                turn.remembered_changed = true;
            }
            let by = self.who(path);
            let times = turn.restores.entry(path.clone()).or_default();
            times.push_back(now);
            while times.front().is_some_and(|first| now.since(*first) > MINUTE) {
                times.pop_front();
            }
            let count = times.len();
            if count >= INCIDENT {
                times.clear();
            }
            news.push(What::Restored {
                path: path.clone(),
                fault: work.job.fault.clone(),
                blake3: work.job.want.blake3,
                took_us: took.as_micros() as u64,
                by: by.clone(),
            });
            if count >= INCIDENT {
                news.push(What::Incident {
                    path: path.clone(),
                    times: count,
                    by,
                });
            }
        }
        self.tell(turn, news)
    }

    fn who(&self, path: &str) -> Who {
        match &self.witness {
            Some(witness) => witness(path),
            None => Who::unknown("nobody was watching"),
        }
    }

    /// Takes a file away for good reason: its bytes are kept, its name goes.
    pub(crate) fn take_away(&self, turn: &mut Turn<'_>, path: &str) -> Result<()> {
        let mut found = vec![];
        let taken = self.lift(path).and_then(|()| self.capture_at(path, &mut found));
        self.tell(turn, found)?;
        turn.remembered.remove(path);
        taken
            .and_then(|there| {
                if there.is_some() {
                    self.move_aside(path)
                } else {
                    Ok(())
                }
            })
            .map_err(|error| crate::fault::failed(path, error))
    }

    /// What a guard that died left half done: foreign files go to the quarantine, ours go.
    pub(crate) fn clear_leftovers(&self, turn: &mut Turn<'_>) -> Result<()> {
        let clear = |found: &mut Vec<What>| -> io::Result<()> {
            let path = join(HOME, "tmp");
            let Walk::Open(folder) = self.tree.folder(&path)? else {
                return Ok(());
            };
            for entry in fd::Dir::read_from(&folder)? {
                let entry = entry?;
                let Some(name) = entry
                    .file_name()
                    .to_str()
                    .ok()
                    .filter(|name| name.starts_with("new-"))
                else {
                    continue;
                };
                let Some(meta) = stat(&folder, name)? else {
                    continue;
                };
                let ours = match look_in(&folder, name)? {
                    Seen::File(_, bytes) => self.places.has(crate::Hash::of(&bytes)) || bytes.is_empty(),
                    _ => false,
                };
                if ours && meta.links == 1 {
                    fd::unlinkat(&folder, name, AtFlags::empty())?;
                    continue;
                }
                self.capture_in(&folder, name, &join(&path, name), meta, found)?;
                self.to_quarantine(&folder, name, name)?;
            }
            Ok(())
        };
        self.places.clear_unfinished();
        let mut found = vec![];
        let cleared = clear(&mut found);
        self.tell(turn, found)?;
        cleared.map_err(|error| crate::fault::failed(format!("{HOME}/tmp"), error))
    }
}

impl Work {
    fn fail_on(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.outcome = Some(Outcome::Failed(error));
        }
    }
}
