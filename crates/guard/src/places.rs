//! Copies: a content-addressed store in two places that heal each other.
//!
//! An object's name is its hash, so a read knows at once whether the bytes are
//! right. What one place lost is given back by the other, then by memory, then
//! by what the program itself carries.

use crate::{Hash, fault::failed};
use base::{Result, Timestamp};
use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    fs::{self, File, OpenOptions},
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Bytes kept in memory at most, for a disk that fails.
const MEMORY_BYTES: usize = 256 << 20;

/// Bytes that the program itself carries, by their hash.
pub type LastResort = Arc<dyn Fn(&Hash) -> Option<Vec<u8>> + Send + Sync>;

pub struct Places {
    folders: Vec<PathBuf>,
    memory: Mutex<Memory>,
    last_resort: Option<LastResort>,
    /// Makes the names of this process's files its own: process ids come again.
    mark: u64,
    names: AtomicU64,
}

#[derive(Default)]
struct Memory {
    objects: HashMap<Hash, Arc<Vec<u8>>>,
    bytes: usize,
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.folders).finish()
    }
}

impl Places {
    pub fn new(folders: Vec<PathBuf>) -> Places {
        Places {
            folders,
            memory: Mutex::default(),
            last_resort: None,
            mark: RandomState::new().build_hasher().finish(),
            names: AtomicU64::new(0),
        }
    }

    pub(crate) fn set_last_resort(&mut self, source: LastResort) {
        self.last_resort = Some(source);
    }

    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Makes what is missing of each place; tells which place could not be made and why.
    pub fn prepare(&self) -> Vec<(PathBuf, io::Error)> {
        let prepare = |place: &Path| {
            clear_the_way(place)?;
            for folder in ["objects", "tmp", "quarantine", "damaged"] {
                clear_the_way(&place.join(folder))?;
                fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(place.join(folder))?;
            }
            let ignore = place.join(".gitignore");
            if !ignore.exists() {
                fs::write(ignore, "*\n")?;
            }
            Ok(())
        };
        let broken = self
            .folders
            .iter()
            .filter_map(|place| Some((place.clone(), prepare(place).err()?)));
        broken.collect()
    }

    /// Keeps the bytes in every place and in memory. One place is enough to go on.
    pub fn put(&self, bytes: &[u8]) -> Result<Hash> {
        let hash = Hash::of(bytes);
        self.remember(hash, bytes);
        let mut last = None;
        let mut kept = false;
        for place in &self.folders {
            match self.put_in(place, hash, bytes) {
                Ok(()) => kept = true,
                Err(error) => {
                    last = Some(failed(
                        format!("cannot keep a copy in {}", place.display()),
                        error,
                    ));
                }
            }
        }
        match last {
            Some(error) if !kept => Err(error),
            _ => Ok(hash),
        }
    }

    /// Keeps many at once; the disk is waited for by several threads together.
    pub fn put_all(&self, all: &[Vec<u8>]) -> Result<()> {
        let share = all.len().div_ceil(8).max(1);
        std::thread::scope(|scope| {
            let threads: Vec<_> = all
                .chunks(share)
                .map(|part| scope.spawn(move || part.iter().try_for_each(|bytes| self.put(bytes).map(drop))))
                .collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().expect("keeping copies does not panic"))
        })
    }

    fn put_in(&self, place: &Path, hash: Hash, bytes: &[u8]) -> io::Result<()> {
        let path = object(place, hash);
        match read(&path) {
            Ok(there) if Hash::of(&there) == hash => return Ok(()),
            Ok(_) => self.set_aside(place, &path),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(_) => self.set_aside(place, &path),
        }
        let folder = path.parent().expect("an object lies in a folder");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        self.write_file(place, &path, bytes)
    }

    /// Writes a file of a place so that it is there whole or not at all.
    pub(crate) fn write_file(&self, place: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let folder = place.join("tmp");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)?;
        let temporary = folder.join(self.fresh_name());
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o400)
            .open(&temporary)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if let Err(error) = written {
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        fs::rename(&temporary, path)?;
        File::open(path.parent().expect("files of a place lie in a folder"))?.sync_all()
    }

    pub(crate) fn fresh_name(&self) -> String {
        format!(
            "{:016x}-{}",
            self.mark,
            self.names.fetch_add(1, Ordering::Relaxed)
        )
    }

    /// Deletes what writers that died left half written. Writers take turns, so whoever
    /// has one may.
    pub(crate) fn clear_unfinished(&self) {
        for place in &self.folders {
            for entry in fs::read_dir(place.join("tmp")).into_iter().flatten().flatten() {
                let foreign = entry.file_name().to_string_lossy().starts_with("new-");
                if !foreign && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
    }

    /// The bytes of this hash, from wherever they are still right; what is damaged is healed.
    pub fn get(&self, hash: Hash) -> Option<Arc<Vec<u8>>> {
        if let Some(bytes) = self.memory().objects.get(&hash) {
            return Some(bytes.clone());
        }
        let stored = self.folders.iter().find_map(|place| {
            let bytes = read(&object(place, hash)).ok()?;
            (Hash::of(&bytes) == hash).then_some(bytes)
        });
        let bytes = stored.or_else(|| {
            let carried = self.last_resort.as_ref()?(&hash)?;
            (Hash::of(&carried) == hash).then_some(carried)
        })?;
        self.heal(hash, &bytes);
        self.remember(hash, &bytes);
        Some(Arc::new(bytes))
    }

    fn heal(&self, hash: Hash, bytes: &[u8]) {
        for place in &self.folders {
            // A place that cannot be written is reported by `prepare`.
            let _ = self.put_in(place, hash, bytes);
        }
    }

    /// Reads every named object in every place and heals what is wrong; answers how
    /// many were healed, and which hashes nobody has any more.
    pub fn scrub(&self, wanted: &BTreeSet<Hash>) -> (usize, Vec<Hash>) {
        let (mut healed, mut lost) = (0, vec![]);
        for hash in wanted {
            let wrong = self
                .folders
                .iter()
                .filter(|place| !read(&object(place, *hash)).is_ok_and(|bytes| Hash::of(&bytes) == *hash));
            let wrong = wrong.count();
            if wrong == 0 {
                continue;
            }
            match self.get(*hash) {
                Some(bytes) => {
                    self.heal(*hash, &bytes);
                    healed += wrong;
                }
                None => lost.push(*hash),
            }
        }
        (healed, lost)
    }

    /// Whether some place keeps these bytes.
    pub fn has(&self, hash: Hash) -> bool {
        self.folders.iter().any(|place| object(place, hash).is_file())
    }

    /// The objects that a place lacks, by their names alone.
    pub fn absent(&self, wanted: &BTreeSet<Hash>) -> BTreeSet<Hash> {
        let lacks = |hash: &&Hash| self.folders.iter().any(|place| !object(place, **hash).is_file());
        wanted.iter().filter(lacks).copied().collect()
    }

    /// The objects of any place that are not among these, and their bytes in all places.
    pub fn beyond(&self, kept: &BTreeSet<Hash>) -> (BTreeSet<Hash>, u64) {
        let (mut found, mut size) = (BTreeSet::new(), 0);
        let below = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
        for place in &self.folders {
            for folder in below(place.join("objects")) {
                for entry in below(folder.path()) {
                    let (first, rest) = (folder.file_name(), entry.file_name());
                    let name = format!("{}{}", first.to_string_lossy(), rest.to_string_lossy());
                    // What bears no hash for a name is not ours.
                    let Ok(hash) = name.parse::<Hash>() else { continue };
                    if !kept.contains(&hash) {
                        found.insert(hash);
                        size += entry.metadata().map_or(0, |meta| meta.len());
                    }
                }
            }
        }
        (found, size)
    }

    /// Takes an object out of every place.
    pub fn let_go(&self, hash: Hash) -> io::Result<()> {
        for place in &self.folders {
            match fs::remove_file(object(place, hash)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Damaged copies that were set aside before then, with their sizes.
    pub fn damaged_before(&self, before: Timestamp) -> Vec<(PathBuf, u64)> {
        let mut found = vec![];
        for place in &self.folders {
            for entry in fs::read_dir(place.join("damaged"))
                .into_iter()
                .flatten()
                .flatten()
            {
                // Setting it aside was the last change of its name.
                if let Ok(meta) = entry.metadata()
                    && meta.is_file()
                    && meta.ctime() < before.as_micros().div_euclid(1_000_000)
                {
                    found.push((entry.path(), meta.len()));
                }
            }
        }
        found
    }

    fn set_aside(&self, place: &Path, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let aside = place
            .join("damaged")
            .join(format!("{name}-{}", self.fresh_name()));
        let _ = fs::create_dir_all(place.join("damaged"));
        let _ = fs::rename(path, aside);
    }

    /// Keeps bytes in memory, for a disk that fails.
    pub(crate) fn remember(&self, hash: Hash, bytes: &[u8]) {
        let mut memory = self.memory();
        if memory.bytes + bytes.len() <= MEMORY_BYTES && !memory.objects.contains_key(&hash) {
            memory.bytes += bytes.len();
            memory.objects.insert(hash, Arc::new(bytes.to_vec()));
        }
    }

    /// Forgets what is in memory and no longer wanted.
    pub fn forget_all_but(&self, wanted: &BTreeSet<Hash>) {
        let mut memory = self.memory();
        memory.objects.retain(|hash, _| wanted.contains(hash));
        memory.bytes = memory.objects.values().map(|bytes| bytes.len()).sum();
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn object(place: &Path, hash: Hash) -> PathBuf {
    let name = hash.to_string();
    place.join("objects").join(&name[..2]).join(&name[2..])
}

/// Reads a plain file: a FIFO or a link in its place is as good as nothing.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    fs::read(path)
}

/// Moves aside what stands where a folder should be.
fn clear_the_way(folder: &Path) -> io::Result<()> {
    match fs::symlink_metadata(folder) {
        Ok(meta) if !meta.is_dir() => {
            let mut aside = folder.as_os_str().to_owned();
            aside.push(format!(".foreign-{}", std::process::id()));
            fs::rename(folder, aside)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn two() -> (TempDir, Places) {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(vec![folder.path().join("a"), folder.path().join("b")]);
        assert!(places.prepare().is_empty());
        (folder, places)
    }

    #[test]
    fn a_place_heals_the_other() {
        let (_folder, places) = two();
        let hash = places.put(b"tango").unwrap();
        let wanted = BTreeSet::from([hash]);
        let [a, b] = [0, 1].map(|n| object(&places.folders[n], hash));
        places.forget_all_but(&BTreeSet::new());
        fs::remove_file(&a).unwrap();
        fs::write(&a, b"Tango").unwrap();
        assert_eq!(**places.get(hash).unwrap(), *b"tango");
        assert_eq!(fs::read(&a).unwrap(), b"tango");
        fs::remove_file(&b).unwrap();
        assert_eq!(places.absent(&wanted), wanted);
        assert_eq!(places.scrub(&wanted), (1, vec![]));
        assert_eq!(fs::read(&b).unwrap(), b"tango");
    }

    #[test]
    fn memory_and_the_program_itself_are_the_last_to_ask() {
        let (_folder, mut places) = two();
        let hash = places.put(b"tango").unwrap();
        let wipe = |places: &Places| {
            for place in &places.folders {
                fs::remove_dir_all(place).unwrap();
            }
        };
        wipe(&places);
        assert_eq!(places.scrub(&[hash].into()), (2, vec![]), "memory healed both");
        places.forget_all_but(&BTreeSet::new());
        wipe(&places);
        assert_eq!(places.scrub(&[hash].into()), (0, vec![hash]), "nobody has it");
        // Bytes that do not fit the hash are not believed, whoever carries them.
        places.set_last_resort(Arc::new(|_| Some(b"milonga".to_vec())));
        assert!(places.get(hash).is_none());
        places.set_last_resort(Arc::new(|_| Some(b"tango".to_vec())));
        assert_eq!(**places.get(hash).unwrap(), *b"tango");
        assert!(
            object(&places.folders[1], hash).is_file(),
            "and the places are healed"
        );
    }
}
