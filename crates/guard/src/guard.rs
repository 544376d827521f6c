//! A guarded folder: opened, entered one at a time, its manifest changed by hand alone.

use crate::{
    Entry, Gone, Hash, Header, Lock, Public, Settings, Signer, Tombstone, attribution,
    fault::{busy, failed, lost, not_set_up, refused, wrong},
    git::{Git, Mark},
    judge::{Remembered, Want, plain_mode},
    ledger::{Ledger, What, Who},
    places::{LastResort, Places, read},
    settings::{HOME, LOCK, SETTINGS, globs, is_own},
    state::State,
    tree::{Seen, Tree, Walk, write_new},
};
use base::{Clock, Entropy, Result, Timestamp};
use globset::GlobSet;
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
    entropy: Entropy,
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

    fn enter_unread(&self) -> Result<Turn<'_>> {
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

    fn take_in(&self, turn: &mut Turn<'_>, from: usize) {
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
        let bytes = match self.tree.look(LOCK) {
            Ok(Seen::File(_, bytes)) => bytes,
            _ => {
                return Err(not_set_up(format!(
                    "there is no {LOCK} yet; make it with: mundo guard init"
                )));
            }
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

    fn keep_settings(&self, turn: &Turn<'_>) -> Result<()> {
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

    /// Makes the first manifest, or takes on the one that is there.
    pub fn init(&self) -> Result<Lock> {
        let mut turn = self.enter_unread()?;
        let (known, _) = turn.ledger.refresh(&self.places, true)?;
        self.take_in(&mut turn, known);
        if turn.state.lock.is_none() && !matches!(self.tree.look(LOCK), Ok(Seen::File(..))) {
            let signer = self.signer(&turn, true)?;
            let entries = self.survey(&turn, &GlobSet::empty())?;
            let header = Header {
                guard: 1,
                sequence: 1,
                previous: None,
                signers: [signer.public()].into(),
                minimum: turn.settings.minimums(),
            };
            let lock = Lock::seal(header, entries, vec![], &signer);
            if let Some(short) = lock.shortfalls(&BTreeMap::new()).first() {
                return Err(refused(format!(
                    "{short}: correct {SETTINGS} or bring the files back"
                )));
            }
            self.tell(
                &mut turn,
                vec![What::Trusted {
                    signers: lock.header.signers.clone(),
                }],
            )?;
            self.adopt(&mut turn, lock, "init")?;
            self.keep_settings(&turn)?;
        }
        drop(turn);
        let turn = self.enter()?;
        turn.lock
            .clone()
            .ok_or_else(|| not_set_up("there is no manifest"))
    }

    /// Everything that the globs name, kept in the stores. Paths in `except` are left out.
    fn survey(&self, turn: &Turn<'_>, except: &GlobSet) -> Result<Vec<Entry>> {
        let (mut entries, mut contents) = (vec![], vec![]);
        for (path, class) in self.protected_files(turn)? {
            if except.is_match(&path) {
                continue;
            }
            let seen = self.tree.look(&path).map_err(|error| failed(&path, error))?;
            let Seen::File(meta, bytes) = seen else { continue };
            entries.push(Entry {
                path,
                class,
                blake3: Hash::of(&bytes),
                size_bytes: meta.size_bytes,
                mode: plain_mode(meta.mode),
            });
            contents.push(bytes);
        }
        self.places.put_all(&contents)?;
        Ok(entries)
    }

    /// The files in the folder that the globs name, with their classes.
    pub(crate) fn protected_files(&self, turn: &Turn<'_>) -> Result<Vec<(String, String)>> {
        let mut found = BTreeMap::new();
        for base in turn.settings.bases() {
            let files = self
                .tree
                .files_below(&base, &is_own)
                .map_err(|error| failed(&base, error))?;
            for path in files {
                if let Some(class) = turn.settings.class_of(&path) {
                    found.insert(path.clone(), class.to_owned());
                }
            }
        }
        if matches!(self.tree.look(SETTINGS), Ok(Seen::File(..))) {
            found.insert(SETTINGS.to_owned(), crate::settings::OWN_CLASS.to_owned());
        }
        Ok(found.into_iter().collect())
    }

    pub(crate) fn signer(&self, turn: &Inner, create: bool) -> Result<Signer> {
        let path = turn.settings.key_path(self.root());
        if create {
            return Signer::read_or_create(&path, &self.entropy);
        }
        Signer::read(&path)?.ok_or_else(|| {
            not_set_up(format!(
                "the key {} is not there, and only its owner can sign",
                path.display()
            ))
        })
    }

    /// From now on this manifest counts.
    pub(crate) fn adopt(&self, turn: &mut Turn<'_>, lock: Lock, from: &str) -> Result<()> {
        self.places.put(lock.text().as_bytes())?;
        let mut news = vec![What::Adopted {
            lock: lock.hash(),
            files: lock.entries.len(),
            from: from.to_owned(),
        }];
        for (path, draft) in &turn.state.drafts {
            if lock
                .entries
                .get(path)
                .is_some_and(|entry| entry.blake3 == draft.blake3)
            {
                news.push(What::Settled {
                    path: path.clone(),
                    why: format!("it is in the manifest ({from})"),
                });
            }
        }
        self.tell(turn, news)?;
        let text = lock.text().to_owned();
        turn.lock = Some(lock);
        self.write_lock(&text)
    }

    /// Writes `guard.lock` so that it is there whole or not at all.
    pub(crate) fn write_lock(&self, text: &str) -> Result<()> {
        let write = || -> io::Result<()> {
            let Walk::Open(folder) = self.tree.make_folder(&format!("{HOME}/tmp"))? else {
                return Err(io::Error::other(format!("{HOME} is not a folder")));
            };
            let name = self.places.fresh_name();
            write_new(&folder, &name, text.as_bytes(), 0o644)?;
            fd::renameat(&folder, name.as_str(), self.tree.root(), LOCK)?;
            Ok(fd::fsync(self.tree.root())?)
        };
        write().map_err(|error| failed(format!("cannot write {LOCK}"), error))
    }

    /// Takes edits and new files into the manifest. What is gone needs a reason, and an
    /// announced edit that covers it.
    pub fn accept(&self, only: &[String], reason: Option<&str>) -> Result<Lock> {
        let mut turn = self.enter()?;
        self.catch_up(&mut turn)?;
        self.read_settings(&mut turn)?;
        if let Some(why) = turn.troubles.get(SETTINGS) {
            return Err(wrong(why.clone()));
        }
        let chosen = globs(only.iter().map(String::as_str))?;
        let chosen = |path: &str| only.is_empty() || chosen.is_match(path);
        let signer = self.signer(&turn, true)?;
        let (mut entries, mut tombstones) = self.known(&turn)?;
        for entry in self.survey(&turn, &GlobSet::empty())? {
            if chosen(&entry.path) {
                let emptied =
                    entry.size_bytes == 0 && entries.get(&entry.path).is_some_and(|old| old.size_bytes > 0);
                if emptied && !turn.state.is_being_edited(&entry.path, self.clock.now()) {
                    return Err(refused(format!(
                        "{} is empty; announce that with: mundo guard edit",
                        entry.path
                    )));
                }
                entries.insert(entry.path.clone(), entry);
            }
        }
        for (path, entry) in entries.clone() {
            if !chosen(&path) || !matches!(self.tree.look(&path), Ok(Seen::Missing)) {
                continue;
            }
            let announced = turn.state.is_being_edited(&path, self.clock.now());
            let (true, Some(reason)) = (announced, reason) else {
                return Err(refused(format!(
                    "{path} is gone; restore it with: mundo guard verify --restore, or let go of it with: \
                     mundo guard remove {path} --reason '…'"
                )));
            };
            entries.remove(&path);
            tombstones.push(self.bury(entry, reason, &signer));
        }
        self.succeed(&mut turn, entries, tombstones, BTreeMap::new(), &signer, "accept")
    }

    /// Lets go of files, with a reason; their bytes stay in the stores.
    pub fn remove(&self, paths: &[String], reason: &str) -> Result<Lock> {
        let mut turn = self.enter()?;
        self.catch_up(&mut turn)?;
        let signer = self.signer(&turn, false)?;
        let (mut entries, mut tombstones) = self.known(&turn)?;
        for path in paths {
            let entry = entries
                .remove(path)
                .ok_or_else(|| wrong(format!("{path} is not protected")))?;
            tombstones.push(self.bury(entry, reason, &signer));
        }
        let lock = self.succeed(&mut turn, entries, tombstones, BTreeMap::new(), &signer, "remove")?;
        for path in paths {
            self.take_away(&mut turn, path)?;
        }
        Ok(lock)
    }

    /// Lowers the least count of a class, with a reason.
    pub fn lower(&self, class: &str, to: u64, reason: &str) -> Result<Lock> {
        let mut turn = self.enter()?;
        self.catch_up(&mut turn)?;
        self.read_settings(&mut turn)?;
        let signer = self.signer(&turn, false)?;
        let (entries, mut tombstones) = self.known(&turn)?;
        let from = turn
            .lock
            .as_ref()
            .and_then(|lock| lock.header.minimum.get(class).copied())
            .unwrap_or(0);
        if to >= from {
            return Err(wrong(format!(
                "the least count of {class} is {from}; raise it in {SETTINGS}"
            )));
        }
        let gone = Gone::Minimum {
            class: class.to_owned(),
            from,
            to,
        };
        tombstones.push(Tombstone::sign(gone, reason, self.clock.now(), &signer));
        let lowered = BTreeMap::from([(class.to_owned(), to)]);
        self.succeed(&mut turn, entries, tombstones, lowered, &signer, "lower")
    }

    /// Believes manifests that this person signs.
    pub fn trust(&self, signer: Public) -> Result<()> {
        let mut turn = self.enter()?;
        self.tell(
            &mut turn,
            vec![What::Trusted {
                signers: [signer].into(),
            }],
        )
    }

    /// Allows everything on these globs for a while.
    pub fn open_edit(&self, paths: &[String], span: Duration) -> Result<Timestamp> {
        globs(paths.iter().map(String::as_str))?;
        let mut turn = self.enter()?;
        let until = self.clock.now().plus(span);
        self.tell(
            &mut turn,
            vec![What::EditOpened {
                globs: paths.to_vec(),
                until,
            }],
        )?;
        Ok(until)
    }

    /// Ends the announced edit; what it changed becomes the manifest.
    pub fn close_edit(&self, reason: Option<&str>) -> Result<Lock> {
        let lock = self.accept(&[], reason)?;
        let mut turn = self.enter()?;
        self.tell(&mut turn, vec![What::EditClosed])?;
        Ok(lock)
    }

    /// The entries and tombstones to go on from. In a merge that is both sides' together.
    fn known(&self, turn: &Turn<'_>) -> Result<(BTreeMap<String, Entry>, Vec<Tombstone>)> {
        let lock = turn
            .lock
            .as_ref()
            .ok_or_else(|| not_set_up("there is no manifest"))?;
        let (mut entries, mut tombstones) = (lock.entries.clone(), lock.tombstones.clone());
        for stage in [2, 3] {
            let side = self.git.as_ref().and_then(|git| git.in_index(LOCK, stage));
            let Some(side) = side else { continue };
            let side = Lock::parse(&side)?;
            side.trusted_by(&turn.state.signers)?;
            for (path, entry) in side.entries {
                entries.entry(path).or_insert(entry);
            }
            let news: Vec<_> = side
                .tombstones
                .into_iter()
                .filter(|stone| !tombstones.contains(stone))
                .collect();
            tombstones.extend(news);
        }
        let buried = |path: &str| {
            tombstones
                .iter()
                .any(|stone| matches!(&stone.gone, Gone::File { path: gone, .. } if gone == path))
        };
        // What one side let go of is gone, unless a file stands there again.
        entries.retain(|path, _| !buried(path) || matches!(self.tree.look(path), Ok(Seen::File(..))));
        Ok((entries, tombstones))
    }

    fn bury(&self, entry: Entry, reason: &str, signer: &Signer) -> Tombstone {
        let gone = Gone::File {
            path: entry.path,
            class: entry.class,
            blake3: entry.blake3,
        };
        Tombstone::sign(gone, reason, self.clock.now(), signer)
    }

    fn succeed(
        &self,
        turn: &mut Turn<'_>,
        entries: BTreeMap<String, Entry>,
        tombstones: Vec<Tombstone>,
        lowered: BTreeMap<String, u64>,
        signer: &Signer,
        from: &str,
    ) -> Result<Lock> {
        let old = turn
            .lock
            .clone()
            .ok_or_else(|| not_set_up("there is no manifest"))?;
        let mut header = old.header.clone();
        header.sequence += 1;
        header.previous = Some(old.hash());
        // Whom this person trusts, everybody may from now on.
        header.signers.extend(&turn.state.signers);
        header.signers.insert(signer.public());
        for (class, least) in turn.settings.minimums() {
            let known = header.minimum.entry(class).or_default();
            *known = least.max(*known);
        }
        header.minimum.extend(lowered);
        if !turn.state.signers.contains(&signer.public()) {
            self.tell(
                turn,
                vec![What::Trusted {
                    signers: [signer.public()].into(),
                }],
            )?;
        }
        let lock = Lock::seal(header, entries.into_values().collect(), tombstones, signer);
        lock.follows(&old)?;
        let said = |lock: &Lock| {
            (
                lock.entries.clone(),
                lock.tombstones.clone(),
                lock.header.minimum.clone(),
                lock.header.signers.clone(),
            )
        };
        if said(&lock) == said(&old) {
            self.write_lock(old.text())?;
            return Ok(old);
        }
        self.adopt(turn, lock.clone(), from)?;
        Ok(lock)
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

    /// Every hash that must be in both stores: manifest, files, drafts, quarantine.
    pub(crate) fn kept_hashes(&self, turn: &Turn<'_>) -> BTreeSet<Hash> {
        let quarantined = turn
            .ledger
            .records()
            .iter()
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
