//! The ledger: what happened, one line each, chained by hashes, in every place.
//!
//! It is the guard's only memory that changes: drafts, trusted keys and open
//! edits are what the ledger says. A line begins with the hash of the line's
//! text and of the hash before it, so nothing in the middle can be changed or
//! left out. A torn or damaged copy is replaced by the other.

use crate::{
    Hash, Public,
    fault::{failed, lost},
    judge::Fault,
    places::{Places, read},
    tree::Kind,
};
use base::{Result, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// The ledger's file in each place.
pub const LEDGER: &str = "ledger";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Counts from 1.
    pub n: u64,
    pub at: Timestamp,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// From now on manifests of these signers count.
    Trusted {
        signers: BTreeSet<Public>,
    },
    /// This manifest says from now on what must be there.
    Adopted {
        lock: Hash,
        files: usize,
        from: String,
    },
    /// Git went to a commit from before there was a manifest.
    Dormant,
    /// A start of the server, and what it found.
    Start {
        mode: String,
        files: usize,
        faults: usize,
        drafts: usize,
        took_us: u64,
        pid: u32,
    },
    /// Something foreign was taken out of the way; its bytes are kept under `blake3`.
    Quarantined {
        path: String,
        was: Kind,
        blake3: Option<Hash>,
        size_bytes: u64,
        mode: u32,
    },
    Restored {
        path: String,
        fault: Fault,
        blake3: Hash,
        took_us: u64,
        by: Who,
    },
    /// The bytes are in memory and in a store, but could not be put back.
    Trouble {
        path: String,
        why: String,
    },
    /// A legal edit, kept until it is accepted.
    Draft {
        path: String,
        class: String,
        blake3: Hash,
        size_bytes: u64,
        mode: u32,
        new: bool,
    },
    /// The draft is over.
    Settled {
        path: String,
        why: String,
    },
    /// Until then everything is allowed on these globs.
    EditOpened {
        globs: Vec<String>,
        until: Timestamp,
    },
    EditClosed,
    /// The same path was restored again and again.
    Incident {
        path: String,
        times: usize,
        by: Who,
    },
    /// A copy was damaged and is right again.
    Healed {
        what: String,
        count: usize,
    },
    /// Old quarantine, drafts and copies that nothing needs were let go of.
    Pruned {
        before: Timestamp,
        objects: usize,
        things: usize,
        size_bytes: u64,
    },
}

impl What {
    /// Its kind, as the ledger writes it.
    pub fn word(&self) -> &'static str {
        match self {
            What::Trusted { .. } => "trusted",
            What::Adopted { .. } => "adopted",
            What::Dormant => "dormant",
            What::Start { .. } => "start",
            What::Quarantined { .. } => "quarantined",
            What::Restored { .. } => "restored",
            What::Trouble { .. } => "trouble",
            What::Draft { .. } => "draft",
            What::Settled { .. } => "settled",
            What::EditOpened { .. } => "edit_opened",
            What::EditClosed => "edit_closed",
            What::Incident { .. } => "incident",
            What::Healed { .. } => "healed",
            What::Pruned { .. } => "pruned",
        }
    }

    /// The file it is about.
    pub fn path(&self) -> Option<&str> {
        match self {
            What::Quarantined { path, .. }
            | What::Restored { path, .. }
            | What::Trouble { path, .. }
            | What::Draft { path, .. }
            | What::Settled { path, .. }
            | What::Incident { path, .. } => Some(path),
            What::Trusted { .. }
            | What::Adopted { .. }
            | What::Dormant
            | What::Start { .. }
            | What::EditOpened { .. }
            | What::EditClosed
            | What::Healed { .. }
            | What::Pruned { .. } => None,
        }
    }
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            What::Trusted { signers } => {
                let names: Vec<String> = signers.iter().map(ToString::to_string).collect();
                write!(f, "trusts {}", names.join(", "))
            }
            What::Adopted { lock, files, from } => {
                write!(f, "manifest {} with {files} files ({from})", lock.short())
            }
            What::Dormant => f.write_str("git went to a time before the manifest"),
            What::Start {
                mode,
                files,
                faults,
                drafts,
                took_us,
                pid,
            } => write!(
                f,
                "start of process {pid} ({mode}): {files} files, {faults} lost, {drafts} edited, {} ms",
                took_us / 1000
            ),
            What::Quarantined {
                path,
                was,
                size_bytes,
                ..
            } => {
                write!(
                    f,
                    "{path}: a foreign {was:?} of {size_bytes} bytes went to the quarantine"
                )
            }
            What::Restored {
                path,
                fault,
                took_us,
                by,
                ..
            } => {
                write!(f, "{path} {fault}; restored in {} ms; by {by}", took_us / 1000)
            }
            What::Trouble { path, why } => write!(f, "{path} could not be restored: {why}"),
            What::Draft { path, new, .. } => {
                write!(
                    f,
                    "{path} is {}",
                    if *new {
                        "new, and protected from now on"
                    } else {
                        "edited; the edit is kept"
                    }
                )
            }
            What::Settled { path, why } => write!(f, "{path} is no draft any more: {why}"),
            What::EditOpened { globs, until } => {
                write!(f, "everything is allowed on {} until {until}", globs.join(", "))
            }
            What::EditClosed => f.write_str("the announced edit ended"),
            What::Incident { path, times, by } => {
                write!(f, "INCIDENT: {path} restored {times} times in a minute; by {by}")
            }
            What::Healed { what, count } => write!(f, "{count} {what} healed"),
            What::Pruned {
                before,
                objects,
                things,
                size_bytes,
            } => write!(
                f,
                "let go of what nothing needs and is older than {before}: {objects} copies, {things} things \
                 in the quarantine, {} KiB",
                size_bytes.div_ceil(1024)
            ),
        }
    }
}

/// Who did it, as far as anybody can know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "known", rename_all = "snake_case")]
pub enum Who {
    Process {
        pid: u32,
        executable: String,
        parents: Vec<String>,
    },
    Unknown {
        why: String,
    },
}

impl Who {
    pub fn unknown(why: &str) -> Who {
        Who::Unknown { why: why.to_owned() }
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Who::Process {
                pid,
                executable,
                parents,
            } => {
                write!(f, "{executable} (process {pid}")?;
                for parent in parents {
                    write!(f, ", started by {parent}")?;
                }
                f.write_str(")")
            }
            Who::Unknown { why } => write!(f, "unknown: {why}"),
        }
    }
}

#[derive(Debug)]
pub struct Ledger {
    text: Vec<u8>,
    tip: Hash,
    next: u64,
    records: Vec<Record>,
}

impl Default for Ledger {
    fn default() -> Ledger {
        Ledger {
            text: vec![],
            tip: Hash::of(b"mundo guard ledger"),
            next: 1,
            records: vec![],
        }
    }
}

impl Ledger {
    /// Takes in whole lines; stops at the first that does not belong.
    fn extend(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some((hash, record)) = read_line(self.tip, self.next, line) else {
                break;
            };
            self.text.extend_from_slice(line);
            self.tip = hash;
            self.next += 1;
            self.records.push(record);
        }
    }

    pub fn parse(bytes: &[u8]) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.extend(bytes);
        ledger
    }

    /// Takes in what others appended; answers where the news begin, and the copies that were healed.
    pub fn refresh(&mut self, places: &Places, heal: bool) -> Result<(usize, usize)> {
        let known = self.records.len();
        let length = |place: &Path| fs::symlink_metadata(place.join(LEDGER)).map_or(0, |meta| meta.len());
        if !heal
            && places
                .folders()
                .iter()
                .all(|place| length(place) <= self.text.len() as u64)
        {
            return Ok((known, 0));
        }
        let copies: Vec<Option<Vec<u8>>> = places
            .folders()
            .iter()
            .map(|place| read(&place.join(LEDGER)).ok())
            .collect();
        let mut best = 0;
        for copy in copies.iter().flatten() {
            if copy.len() > self.text.len() && copy.starts_with(&self.text) {
                let news = copy[self.text.len()..].to_vec();
                self.extend(&news);
            }
            best = best.max(copy.len());
        }
        let mut healed = 0;
        if heal {
            for (place, copy) in places.folders().iter().zip(&copies) {
                if copy.as_deref() != Some(&self.text) && !(self.text.is_empty() && copy.is_none()) {
                    self.rewrite(places, place, copy.as_deref())
                        .map_err(|error| failed(format!("cannot heal {}", place.display()), error))?;
                    healed += 1;
                }
            }
        }
        Ok((known, healed))
    }

    /// A copy that holds more than a part of the truth is kept aside.
    fn rewrite(&self, places: &Places, place: &Path, old: Option<&[u8]>) -> io::Result<()> {
        let path = place.join(LEDGER);
        if old.is_some_and(|old| !self.text.starts_with(old)) {
            let aside = place
                .join("damaged")
                .join(format!("ledger-{}", places.fresh_name()));
            fs::create_dir_all(place.join("damaged"))?;
            fs::rename(&path, aside)?;
        } else if old.is_none() && fs::symlink_metadata(&path).is_ok() {
            fs::rename(
                &path,
                place
                    .join("damaged")
                    .join(format!("ledger-{}", places.fresh_name())),
            )?;
        }
        places.write_file(place, &path, &self.text)
    }

    /// Writes the lines to every place, and to the disk. One place is enough to go on.
    pub fn append(&mut self, places: &Places, at: Timestamp, all: Vec<What>) -> Result<()> {
        if all.is_empty() {
            return Ok(());
        }
        let before = self.text.len() as u64;
        let mut news = vec![];
        for what in all {
            let record = Record {
                n: self.next,
                at,
                what,
            };
            let json = serde_json::to_string(&record).expect("records become JSON");
            self.tip = chain(self.tip, &json);
            self.next += 1;
            news.extend_from_slice(format!("{} {json}\n", self.tip).as_bytes());
            self.records.push(record);
        }
        self.text.extend_from_slice(&news);
        let write = |place: &Path| -> io::Result<()> {
            let path = place.join(LEDGER);
            let length = fs::symlink_metadata(&path)
                .map_or(0, |meta| if meta.is_file() { meta.len() } else { u64::MAX });
            if length != before || before == 0 {
                fs::create_dir_all(place)?;
                return self.rewrite(places, place, read(&path).ok().as_deref());
            }
            // The file is sealed against others; its owner opens it for each line.
            let mut file = OpenOptions::new().append(true).open(&path).or_else(|_| {
                self.rewrite(places, place, read(&path).ok().as_deref())?;
                OpenOptions::new().append(true).open(&path)
            })?;
            if file.metadata()?.len() == before {
                file.write_all(&news)?;
            }
            file.sync_data()
        };
        let results: Vec<io::Result<()>> = std::thread::scope(|scope| {
            let threads: Vec<_> = places
                .folders()
                .iter()
                .map(|place| scope.spawn(|| write(place)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("writing lines does not panic"))
                .collect()
        });
        if results.iter().any(Result::is_ok) {
            return Ok(());
        }
        let why = results
            .into_iter()
            .find_map(Result::err)
            .unwrap_or_else(|| io::Error::other("there is no place"));
        Err(failed("cannot write the ledger", why))
    }

    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The hash of the last line: whoever knows it knows all before it.
    pub fn tip(&self) -> Hash {
        self.tip
    }
}

/// Checks one copy to its last line; answers how many lines it has.
pub fn verify(bytes: &[u8]) -> Result<u64> {
    let ledger = Ledger::parse(bytes);
    if ledger.text.len() == bytes.len() {
        return Ok(ledger.next - 1);
    }
    Err(lost(format!(
        "the ledger is damaged after line {}",
        ledger.next - 1
    )))
}

fn chain(tip: Hash, json: &str) -> Hash {
    Hash::chained("guard ledger", tip.bytes(), json.as_bytes())
}

fn read_line(tip: Hash, n: u64, line: &[u8]) -> Option<(Hash, Record)> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (hash, json) = line.split_once(' ')?;
    let hash: Hash = hash.parse().ok()?;
    let record: Record = serde_json::from_str(json).ok()?;
    (hash == chain(tip, json) && record.n == n).then_some((hash, record))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healed(n: usize) -> What {
        What::Healed {
            what: "a test".into(),
            count: n,
        }
    }

    #[test]
    fn copies_heal_each_other_and_a_changed_line_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(vec![folder.path().join("a"), folder.path().join("b")]);
        assert!(places.prepare().is_empty());
        let [a, b] = [0, 1].map(|n: usize| places.folders()[n].join(LEDGER));
        let mut ledger = Ledger::default();
        for n in 0..5 {
            ledger
                .append(&places, Timestamp::default(), vec![healed(n), healed(n + 10)])
                .unwrap();
        }
        let whole = fs::read(&a).unwrap();
        assert_eq!(verify(&whole).unwrap(), 10);
        assert_eq!(fs::read(&b).unwrap(), whole);

        for at in (0..whole.len()).step_by(7) {
            let mut changed = whole.clone();
            changed[at] ^= 4;
            assert!(verify(&changed).is_err(), "byte {at}");
        }
        // Torn in the middle of a line, and gone: the other copy counts.
        let mut other = Ledger::default();
        other.refresh(&places, false).unwrap();
        fs::remove_file(&a).unwrap();
        fs::write(&a, &whole[..whole.len() - 20]).unwrap();
        other
            .append(&places, Timestamp::default(), vec![healed(99)])
            .unwrap();
        fs::remove_file(&b).unwrap();
        assert_eq!(ledger.refresh(&places, true).unwrap(), (10, 1));
        assert_eq!(ledger.records().last().unwrap().what, healed(99));
        assert_eq!(fs::read(&a).unwrap(), fs::read(&b).unwrap());
        assert_eq!(Ledger::parse(&fs::read(&b).unwrap()).tip(), ledger.tip());
    }
}
