//! The manifest is changed here, by hand alone: made, signed, taken forward.

use crate::{
    Entry, Gone, Guard, Hash, Header, Lock, Public, Signer, Tombstone,
    fault::{failed, not_set_up, refused, wrong},
    guard::{Inner, Turn},
    judge::plain_mode,
    ledger::What,
    settings::{HOME, LOCK, SETTINGS, globs},
    tree::{Below, Seen, Walk, write_new},
};
use base::{Result, Timestamp};
use rustix::fs as fd;
use std::{collections::BTreeMap, io, time::Duration};

impl Guard {
    /// Makes the first manifest, or takes on the one that is there.
    pub fn init(&self) -> Result<Lock> {
        let mut turn = self.enter_unread()?;
        let (known, _) = turn.ledger.refresh(&self.places, true)?;
        self.take_in(&mut turn, known);
        if turn.state.lock.is_none() && !matches!(self.tree.look(LOCK), Ok(Seen::File(..))) {
            let signer = self.signer(&turn, true)?;
            let entries = self.survey(&turn)?;
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

    /// Everything that the globs name, kept in the stores.
    fn survey(&self, turn: &Turn<'_>) -> Result<Vec<Entry>> {
        let (mut entries, mut contents) = (vec![], vec![]);
        for (path, class) in self.protected_files(turn)? {
            let seen = self.tree.look(&path).map_err(|error| failed(&path, error))?;
            if matches!(seen, Seen::TooLarge) {
                return Err(wrong(format!(
                    "{path} is larger than 64 MiB and cannot be guarded; name it under ignore in {SETTINGS}"
                )));
            }
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
        let below = self.below(turn)?;
        let class = |path: String| Some((path.clone(), turn.settings.class_of(&path)?.to_owned()));
        Ok(below.files.into_iter().filter_map(class).collect())
    }

    /// What is in the folder, where the globs can name something.
    pub(crate) fn below(&self, turn: &Turn<'_>) -> Result<Below> {
        let skip = |folder: &str| !turn.settings.may_hold(folder);
        let below = self.tree.below("", &skip);
        below.map_err(|error| failed(self.root().display(), error))
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
        for entry in self.survey(&turn)? {
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
        // What one side let go of is gone, unless a file stands there again. Of our own files
        // only the other side's tombstones tell that: by ours they were let go of once, and came back.
        let old = lock.tombstones.len();
        entries.retain(|path, _| {
            let from = if lock.entries.contains_key(path) { old } else { 0 };
            let buried = tombstones[from..]
                .iter()
                .any(|stone| matches!(&stone.gone, Gone::File { path: gone, .. } if gone == path));
            !buried || matches!(self.tree.look(path), Ok(Seen::File(..)))
        });
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
}
