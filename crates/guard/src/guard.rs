//! A guarded folder: opened, entered one at a time, its manifest changed by hand alone.

use crate::{
    Entry, Hash, Lock, Settings, attribution,
    fault::{busy, failed, lost, not_set_up, wrong},
    git::{Git, Mark},
    judge::{Remembered, Want},
    ledger::{Ledger, What, Who},
    places::{LastResort, Places, read},
    settings::{HOME, LOCK, SETTINGS},
    state::State,
    tree::{Seen, Tree},
};
use base::{Clock, Entropy, Result, Timestamp};
use rustix::fs::{self as fd, FlockOperation};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    fmt,
    fs::{self, File},
    io::{self, Write},
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A step of a restore; between any two the process may die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Fetched,
    Captured,
    Recorded,
    Written,
    Swapped,
    SetAside,
    Synced,
    /// Of a prune: the ledger was told, or something is gone.
    LetGo,
}

/// Called after each step with the path; an error ends the restore there.
pub type Probe = Arc<dyn Fn(Step, &str) -> io::Result<()> + Send + Sync>;

/// Tells who touched a path.
pub type Witness = Arc<dyn Fn(&str) -> Who + Send + Sync>;

/// How long to wait for another guard's turn.
const PATIENCE: Duration = Duration::from_secs(10);
const LAST_SETTINGS: &str = "settings";
const SEEN: &str = "seen";

/// One guarded folder. Processes and threads take turns.
pub struct Guard {
    pub(crate) tree: Tree,
    pub(crate) places: Places,
    pub(crate) clock: Clock,
    pub(crate) git: Option<Git>,
    pub(crate) probe: Option<Probe>,
    pub(crate) witness: Option<Witness>,
    pub(crate) entropy: Entropy,
    inner: Mutex<Inner>,
}

pub(crate) struct Inner {
    pub settings: Settings,
    settings_hash: Hash,
    pub ledger: Ledger,
    pub state: State,
    pub lock: Option<Lock>,
    pub remembered: BTreeMap<String, Remembered>,
    pub remembered_changed: bool,
    /// Where git was when all was last judged.
    pub settled: Option<Mark>,
    pub moving: Option<(Mark, Instant)>,
    pub restores: HashMap<String, VecDeque<Timestamp>>,
    /// What could not be restored, and why; told once.
    pub troubles: BTreeMap<String, String>,
}

/// The right to look and to change, until it is dropped.
pub(crate) struct Turn<'a> {
    inner: MutexGuard<'a, Inner>,
    _file: File,
}

impl Deref for Turn<'_> {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut Inner {
        &mut self.inner
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guard({})", self.tree.path().display())
    }
}

impl Guard {
    /// Opens the guarded folder; `guard.toml` says what is guarded.
    pub fn open(root: &Path, clock: Clock, entropy: Entropy) -> Result<Guard> {
        let tree = Tree::open(root)?;
        let (settings, settings_hash) = find_settings(&tree)?;
        let places = Places::new(settings.places(tree.path()));
        let remembered = places
            .folders()
            .iter()
            .find_map(|place| serde_json::from_slice(&read(&place.join(SEEN)).ok()?).ok());
        Ok(Guard {
            git: Git::find(tree.path()),
            tree,
            places,
            clock,
            entropy,
            probe: None,
            witness: None,
            inner: Mutex::new(Inner {
                settings,
                settings_hash,
                ledger: Ledger::default(),
                state: State::default(),
                lock: None,
                remembered: remembered.unwrap_or_default(),
                remembered_changed: false,
                settled: None,
                moving: None,
                restores: HashMap::new(),
                troubles: BTreeMap::new(),
            }),
        })
    }

    /// Whether this folder is meant to be guarded.
    pub fn is_set_up(root: &Path) -> bool {
        [SETTINGS, LOCK].iter().any(|name| root.join(name).exists())
            || root.join(HOME).join(LAST_SETTINGS).exists()
    }

    /// Bytes that the program carries, asked when every copy is gone.
    #[must_use]
    pub fn with_last_resort(mut self, source: LastResort) -> Guard {
        self.places.set_last_resort(source);
        self
    }

    /// Hears of each step of a restore; for tests.
    #[must_use]
    pub fn with_probe(mut self, probe: Probe) -> Guard {
        self.probe = Some(probe);
        self
    }

    /// Asked who did it, when something has to be restored.
    #[must_use]
    pub fn with_witness(mut self, witness: Witness) -> Guard {
        self.witness = Some(witness);
        self
    }

    /// Watches who deletes, where the kernel allows it; the sentence says how, or why not.
    #[must_use]
    pub fn attributed(self) -> (Guard, String) {
        match attribution::witness(self.root()) {
            Ok(witness) => (
                self.with_witness(witness),
                "fanotify tells which program deleted".to_owned(),
            ),
            Err(why) => {
                let sentence = why.clone();
                (self.with_witness(Arc::new(move |_| Who::unknown(&why))), sentence)
            }
        }
    }

    /// The folders that a server may write although it is confined.
    pub fn writable(&self) -> Result<Vec<PathBuf>> {
        let turn = self.enter()?;
        Ok(turn
            .settings
            .options
            .writable
            .iter()
            .map(|path| self.root().join(path))
            .collect())
    }

    pub fn root(&self) -> &Path {
        self.tree.path()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Takes a turn: alone in this process and among all others.
    pub(crate) fn enter(&self) -> Result<Turn<'_>> {
        let mut turn = self.enter_unread()?;
        let (known, _) = turn.ledger.refresh(&self.places, false)?;
        self.take_in(&mut turn, known);
        if turn.state.lock.is_none() {
            self.first_contact(&mut turn)?;
        }
        self.load_lock(&mut turn)?;
        Ok(turn)
    }

    pub(crate) fn enter_unread(&self) -> Result<Turn<'_>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let broken = self.places.prepare();
        if broken.len() == self.places.folders().len() {
            let (place, error) = broken.into_iter().next().expect("there is a place");
            return Err(failed(format!("cannot use {}", place.display()), error));
        }
        let usable = self.places.folders().iter().rev().find(|place| place.is_dir());
        let path = usable
            .ok_or_else(|| not_set_up("no place for copies is usable"))?
            .join("turn");
        let open = || {
            File::options()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&path)
        };
        // A server that gave up writing can still wait for its turn.
        let open = || open().or_else(|error| File::open(&path).map_err(|_| error));
        let mut file = open().map_err(|error| failed(path.display(), error))?;
        let began = Instant::now();
        while fd::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            if began.elapsed() > PATIENCE {
                let holder = fs::read_to_string(&path).unwrap_or_default();
                return Err(busy(format!(
                    "process {} holds the guard and does not let go",
                    holder.trim()
                )));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        // For the message above; a guard that cannot write it works all the same.
        let _ = file
            .set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Turn { inner, _file: file })
    }

    /// A look at what this process knows, without a turn.
    pub(crate) fn peek<T>(&self, look: impl FnOnce(&Inner) -> T) -> T {
        look(&self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn take_in(&self, turn: &mut Turn<'_>, from: usize) {
        let Inner { ledger, state, .. } = &mut **turn;
        ledger.records()[from..]
            .iter()
            .for_each(|record| state.apply(record));
    }

    /// Writes to the ledger and takes it in.
    pub(crate) fn tell(&self, turn: &mut Turn<'_>, all: Vec<What>) -> Result<()> {
        let known = turn.ledger.records().len();
        let at = self.clock.now();
        turn.ledger.append(&self.places, at, all)?;
        self.take_in(turn, known);
        Ok(())
    }

    /// A manifest that came with the folder is believed the first time.
    fn first_contact(&self, turn: &mut Turn<'_>) -> Result<()> {
        let Ok(Seen::File(_, bytes)) = self.tree.look(LOCK) else {
            return Err(not_set_up(format!(
                "there is no {LOCK} yet; make it with: mundo guard init"
            )));
        };
        let lock = Lock::parse(&bytes)?;
        lock.trusted_by(&lock.header.signers)?;
        self.places.put(&bytes)?;
        let (signers, files) = (lock.header.signers.clone(), lock.entries.len());
        let adopted = What::Adopted {
            lock: lock.hash(),
            files,
            from: "first contact".into(),
        };
        self.tell(turn, vec![What::Trusted { signers }, adopted])?;
        turn.lock = Some(lock);
        self.keep_settings(turn)?;
        self.fill(turn)
    }

    fn load_lock(&self, turn: &mut Turn<'_>) -> Result<()> {
        let wanted = turn.state.lock;
        if turn.lock.as_ref().map(Lock::hash) == wanted {
            return Ok(());
        }
        let wanted = wanted.expect("a first contact names a manifest");
        let bytes = self.places.get(wanted).or_else(|| match self.tree.look(LOCK) {
            Ok(Seen::File(_, bytes)) if Hash::of(&bytes) == wanted => Some(Arc::new(bytes)),
            _ => None,
        });
        let bytes = bytes.ok_or_else(|| {
            lost(format!(
                "no copy of the manifest {} is left; put {LOCK} back from git",
                wanted.short()
            ))
        })?;
        turn.lock = Some(Lock::parse(&bytes)?);
        Ok(())
    }

    /// Puts into the stores what they lack, from the folder and from git.
    pub(crate) fn fill(&self, turn: &mut Turn<'_>) -> Result<()> {
        let Some(lock) = turn.lock.clone() else {
            return Ok(());
        };
        let absent = self
            .places
            .absent(&lock.entries.values().map(|entry| entry.blake3).collect());
        let mut found = vec![];
        for entry in lock
            .entries
            .values()
            .filter(|entry| absent.contains(&entry.blake3))
        {
            let here = match self.tree.look(&entry.path) {
                Ok(Seen::File(_, bytes)) => Some(bytes),
                _ => None,
            };
            let right = |bytes: &Vec<u8>| Hash::of(bytes) == entry.blake3;
            let from_git = || self.git.as_ref()?.at_head(&entry.path).filter(right);
            found.extend(here.filter(right).or_else(from_git));
        }
        self.places.put_all(&found)
    }

    /// All that must be there: the manifest, and the edits that are not in it yet.
    pub(crate) fn wants(&self, turn: &Turn<'_>) -> BTreeMap<String, Want> {
        let mut wants = BTreeMap::new();
        if let Some(lock) = turn.lock.as_ref().filter(|_| !turn.state.dormant) {
            wants.extend(
                lock.entries
                    .values()
                    .map(|entry| (entry.path.clone(), Want::of(entry))),
            );
        }
        wants.extend(
            turn.state
                .drafts
                .iter()
                .map(|(path, want)| (path.clone(), want.clone())),
        );
        wants
    }

    /// Reads `guard.toml` again when it changed; a text that cannot be understood changes nothing.
    pub(crate) fn read_settings(&self, turn: &mut Turn<'_>) -> Result<()> {
        let Ok(Seen::File(_, bytes)) = self.tree.look(SETTINGS) else {
            return Ok(());
        };
        let hash = Hash::of(&bytes);
        if hash == turn.settings_hash || bytes.is_empty() {
            return Ok(());
        }
        turn.settings_hash = hash;
        match Settings::parse(&String::from_utf8_lossy(&bytes)) {
            Ok(settings) => {
                turn.settings = settings;
                turn.troubles.remove(SETTINGS);
                self.keep_settings(turn)
            }
            Err(error) => {
                turn.troubles.insert(SETTINGS.to_owned(), crate::say(&error));
                Ok(())
            }
        }
    }

    pub(crate) fn keep_settings(&self, turn: &Turn<'_>) -> Result<()> {
        let Ok(Seen::File(_, bytes)) = self.tree.look(SETTINGS) else {
            return Ok(());
        };
        if Hash::of(&bytes) == turn.settings_hash {
            self.keep(LAST_SETTINGS, &bytes)?;
        }
        Ok(())
    }

    pub(crate) fn keep_remembered(&self, turn: &mut Turn<'_>) -> Result<()> {
        if std::mem::take(&mut turn.remembered_changed) {
            let json = serde_json::to_vec(&turn.remembered).expect("plain values become JSON");
            self.keep(SEEN, &json)?;
        }
        Ok(())
    }

    /// Writes a small file to every place.
    pub(crate) fn keep(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut last = Ok(());
        let mut kept = false;
        for place in self.places.folders() {
            match self.places.write_file(place, &place.join(name), bytes) {
                Ok(()) => kept = true,
                Err(error) => last = Err(failed(place.display(), error)),
            }
        }
        if kept { Ok(()) } else { last }
    }

    /// Which files changed but are not in the manifest yet.
    pub fn drafts(&self) -> Result<BTreeMap<String, Want>> {
        Ok(self.enter()?.state.drafts.clone())
    }

    /// The right bytes of a file, also when the disk no longer has them.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        let turn = self.enter()?;
        let want = self
            .wants(&turn)
            .remove(path)
            .ok_or_else(|| wrong(format!("{path} is not protected")))?;
        if let Ok(Seen::File(_, bytes)) = self.tree.look(path)
            && Hash::of(&bytes) == want.blake3
        {
            return Ok(bytes);
        }
        let bytes = self.places.get(want.blake3);
        bytes
            .map(|bytes| bytes.to_vec())
            .ok_or_else(|| lost(format!("no copy of {path} is left")))
    }

    /// The bytes kept under a hash: of the quarantine, of a draft, of the manifest.
    pub fn object(&self, hash: Hash) -> Option<Vec<u8>> {
        self.places.get(hash).map(|bytes| bytes.to_vec())
    }

    /// Every hash that must be in both stores: manifest, files, drafts, quarantine since then.
    pub(crate) fn kept_hashes(&self, turn: &Turn<'_>, since: Timestamp) -> BTreeSet<Hash> {
        let quarantined = turn
            .ledger
            .records()
            .iter()
            .filter(|record| record.at >= since)
            .filter_map(|record| match &record.what {
                What::Quarantined { blake3, .. } => *blake3,
                _ => None,
            });
        let wanted = self.wants(turn).into_values().map(|want| want.blake3);
        wanted.chain(quarantined).chain(turn.state.lock).collect()
    }
}

impl Want {
    fn of(entry: &Entry) -> Want {
        Want {
            class: entry.class.clone(),
            blake3: entry.blake3,
            size_bytes: entry.size_bytes,
            mode: entry.mode,
            new: false,
        }
    }
}

/// `guard.toml`, or the last one that was understood when it is damaged.
fn find_settings(tree: &Tree) -> Result<(Settings, Hash)> {
    let here = match tree.look(SETTINGS) {
        Ok(Seen::File(_, bytes)) if !bytes.is_empty() => Some(bytes),
        _ => None,
    };
    let parsed = here.map(|bytes| {
        (
            Settings::parse(&String::from_utf8_lossy(&bytes)),
            Hash::of(&bytes),
        )
    });
    let why = match parsed {
        Some((Ok(settings), hash)) => return Ok((settings, hash)),
        Some((Err(error), _)) => Some(error),
        None => None,
    };
    let places = Settings::parse("[[protect]]\nclass = \"x\"\npaths = [\"x\"]")?.places(tree.path());
    for place in places {
        if let Ok(bytes) = read(&place.join(LAST_SETTINGS))
            && let Ok(settings) = Settings::parse(&String::from_utf8_lossy(&bytes))
        {
            return Ok((settings, Hash::of(&bytes)));
        }
    }
    Err(why.unwrap_or_else(|| {
        not_set_up(format!(
            "{} has no {SETTINGS}. Write one, for instance:\n\n[[protect]]\nclass = \"source\"\n\
             paths = [\"src/**\"]\nminimum = 1\n\nthen run: mundo guard init",
            tree.path().display()
        ))
    }))
}
