//! `guard.lock`: the signed manifest.
//!
//! JSON, one line each: a header, an entry for each file in the order of their
//! paths, the tombstones, and a seal with the Merkle root of all lines above it
//! and its signature. A manifest follows another only if every entry of the
//! other is still there or has a tombstone that a trusted person signed, and no
//! class is below its least count: what was protected cannot quietly be fewer.

use crate::{
    Hash, Public, Signer,
    fault::{refused, untrusted},
    hash::merkle,
    settings::{LOCK, may_be_protected},
    tree::above,
};
use base::{Result, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Version of this format.
    pub guard: u32,
    /// Grows by one with each manifest.
    pub sequence: u64,
    pub previous: Option<Hash>,
    /// Whose signature the next manifest may carry.
    pub signers: BTreeSet<Public>,
    /// The least count of each class.
    pub minimum: BTreeMap<String, u64>,
}

/// A file as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub path: String,
    pub class: String,
    pub blake3: Hash,
    pub size_bytes: u64,
    /// 644 or 755, as git has it.
    pub mode: u32,
}

/// Why something is no longer demanded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    pub gone: Gone,
    pub reason: String,
    pub at: Timestamp,
    pub by: Public,
    pub signature: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Gone {
    File {
        path: String,
        class: String,
        blake3: Hash,
    },
    /// A class may have fewer files.
    Minimum { class: String, from: u64, to: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    root: Hash,
    by: Public,
    signature: String,
}

/// A manifest whose signature was checked against its own signers; see [`Lock::trusted_by`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    pub header: Header,
    pub entries: BTreeMap<String, Entry>,
    pub tombstones: Vec<Tombstone>,
    pub root: Hash,
    pub by: Public,
    text: String,
}

impl Tombstone {
    pub fn sign(gone: Gone, reason: &str, at: Timestamp, signer: &Signer) -> Tombstone {
        let message = Tombstone::message(&gone, reason, at);
        Tombstone {
            gone,
            reason: reason.to_owned(),
            at,
            by: signer.public(),
            signature: signer.sign("tombstone", &message),
        }
    }

    fn message(gone: &Gone, reason: &str, at: Timestamp) -> Vec<u8> {
        serde_json::to_vec(&(gone, reason, at)).expect("plain values become JSON")
    }

    fn holds(&self) -> bool {
        let message = Tombstone::message(&self.gone, &self.reason, self.at);
        self.by.verifies("tombstone", &message, &self.signature)
    }
}

impl Lock {
    /// Signs a manifest.
    pub fn seal(header: Header, entries: Vec<Entry>, tombstones: Vec<Tombstone>, signer: &Signer) -> Lock {
        let entries: BTreeMap<String, Entry> = entries
            .into_iter()
            .map(|entry| (entry.path.clone(), entry))
            .collect();
        let mut lines = vec![line(&header)];
        lines.extend(entries.values().map(line));
        lines.extend(tombstones.iter().map(line));
        let root = merkle(lines.iter().map(String::as_str));
        lines.push(line(&Seal {
            root,
            by: signer.public(),
            signature: signer.sign("lock", root.bytes()),
        }));
        Lock {
            by: signer.public(),
            header,
            entries,
            tombstones,
            root,
            text: lines.join("\n") + "\n",
        }
    }

    /// Reads a manifest and checks that it is whole.
    pub fn parse(bytes: &[u8]) -> Result<Lock> {
        let damaged = |why: String| untrusted(format!("{LOCK} is damaged: {why}"));
        let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is not text".into()))?;
        let lines: Vec<&str> = text.lines().collect();
        let [first, middle @ .., last] = lines.as_slice() else {
            return Err(damaged("it is too short".into()));
        };
        let header: Header =
            serde_json::from_str(first).map_err(|error| damaged(format!("line 1: {error}")))?;
        let seal: Seal = serde_json::from_str(last).map_err(|error| damaged(format!("its seal: {error}")))?;
        if header.guard != 1 {
            return Err(damaged(format!(
                "it has version {}, and this program knows 1",
                header.guard
            )));
        }
        if merkle(lines[..lines.len() - 1].iter().copied()) != seal.root {
            return Err(damaged("its lines do not belong to its Merkle root".into()));
        }
        if !seal.by.verifies("lock", seal.root.bytes(), &seal.signature) {
            return Err(damaged("its signature is wrong".into()));
        }
        let (mut entries, mut tombstones) = (BTreeMap::new(), vec![]);
        for (number, text) in middle.iter().enumerate() {
            let wrong = |error: serde_json::Error| damaged(format!("line {}: {error}", number + 2));
            if text.starts_with("{\"gone\"") {
                let tombstone: Tombstone = serde_json::from_str(text).map_err(wrong)?;
                if !tombstone.holds() {
                    return Err(damaged(format!(
                        "line {}: the tombstone's signature is wrong",
                        number + 2
                    )));
                }
                tombstones.push(tombstone);
            } else {
                let entry: Entry = serde_json::from_str(text).map_err(wrong)?;
                let sane = may_be_protected(&entry.path) && matches!(entry.mode, 644 | 755);
                if !sane || entries.contains_key(&entry.path) {
                    return Err(damaged(format!(
                        "line {}: {:?} cannot be protected",
                        number + 2,
                        entry.path
                    )));
                }
                entries.insert(entry.path.clone(), entry);
            }
        }
        if let Some(path) = entries
            .keys()
            .find(|path| above(path).any(|at| entries.contains_key(at)))
        {
            return Err(damaged(format!("{path:?} lies below another file")));
        }
        Ok(Lock {
            header,
            entries,
            tombstones,
            root: seal.root,
            by: seal.by,
            text: text.to_owned(),
        })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The hash of the manifest's own bytes.
    pub fn hash(&self) -> Hash {
        Hash::of(self.text.as_bytes())
    }

    /// Refuses a manifest that nobody trusted has signed.
    pub fn trusted_by(&self, signers: &BTreeSet<Public>) -> Result<()> {
        if !signers.contains(&self.by) {
            return Err(untrusted(format!(
                "{LOCK} is signed by {}, whom nobody trusts here; if that is right, run: mundo guard trust {}",
                self.by, self.by
            )));
        }
        Ok(())
    }

    /// How many files each class has.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for entry in self.entries.values() {
            *counts.entry(entry.class.clone()).or_default() += 1;
        }
        counts
    }

    /// The classes that have fewer files than they must, by the manifest and by `settings`.
    pub fn shortfalls(&self, settings: &BTreeMap<String, u64>) -> Vec<String> {
        let counts = self.counts();
        let demanded = settings
            .keys()
            .chain(self.header.minimum.keys())
            .collect::<BTreeSet<_>>();
        let mut all = vec![];
        for class in demanded {
            let least = |map: &BTreeMap<String, u64>| map.get(class).copied().unwrap_or(0);
            let (least, count) = (least(settings).max(least(&self.header.minimum)), least(&counts));
            if count < least {
                all.push(format!(
                    "class {class} has {count} files and must have at least {least}"
                ));
            }
        }
        all
    }

    /// Refuses to follow `earlier` when something was lost in between without a tombstone.
    pub fn follows(&self, earlier: &Lock) -> Result<()> {
        // A tombstone counts once: what came back after it was let go of is protected anew.
        let known: HashSet<&str> = earlier
            .tombstones
            .iter()
            .map(|stone| stone.signature.as_str())
            .collect();
        let by = |tombstone: &&Tombstone| {
            let signers = [&earlier.header.signers, &self.header.signers];
            !known.contains(tombstone.signature.as_str())
                && signers.iter().any(|signers| signers.contains(&tombstone.by))
        };
        let missing: Vec<&str> = earlier
            .entries
            .values()
            .filter(|entry| !self.entries.contains_key(&entry.path))
            .filter(|entry| {
                !self.tombstones.iter().filter(by).any(
                    |tombstone| matches!(&tombstone.gone, Gone::File { path, .. } if *path == entry.path),
                )
            })
            .map(|entry| entry.path.as_str())
            .collect();
        if let Some(first) = missing.first() {
            return Err(refused(format!(
                "{} protected files left the manifest without a tombstone, {first} among them; \
                 to let go of a file, run: mundo guard remove {first} --reason '…'",
                missing.len()
            )));
        }
        for (class, from) in &earlier.header.minimum {
            let to = self.header.minimum.get(class).copied().unwrap_or(0);
            let lowered = self.tombstones.iter().filter(by).any(
                |tombstone| matches!(&tombstone.gone, Gone::Minimum { class: other, to: least, .. } if other == class && *least <= to),
            );
            if to < *from && !lowered {
                return Err(refused(format!(
                    "the least count of class {class} went from {from} to {to} without a tombstone; \
                     run: mundo guard lower {class} {to} --reason '…'"
                )));
            }
        }
        match self.shortfalls(&BTreeMap::new()).first() {
            Some(short) => Err(refused(short.clone())),
            None => Ok(()),
        }
    }
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain values become JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Entropy;

    fn entry(path: &str) -> Entry {
        Entry {
            path: path.to_owned(),
            class: "agents".to_owned(),
            blake3: Hash::of(path.as_bytes()),
            size_bytes: 1,
            mode: 644,
        }
    }

    fn lock(files: u64, minimum: u64, tombstones: Vec<Tombstone>, signer: &Signer) -> Lock {
        let header = Header {
            guard: 1,
            sequence: 1,
            previous: None,
            signers: [signer.public()].into(),
            minimum: [("agents".to_owned(), minimum)].into(),
        };
        let entries = (0..files).map(|n| entry(&format!("agents/{n:03}"))).collect();
        Lock::seal(header, entries, tombstones, signer)
    }

    #[test]
    fn a_manifest_is_read_as_it_was_sealed_and_every_flipped_bit_is_found() {
        let signer = Signer::generate(&Entropy::seeded(1));
        let sealed = lock(7, 7, vec![], &signer);
        assert_eq!(Lock::parse(sealed.text().as_bytes()).unwrap(), sealed);
        let bytes = sealed.text().as_bytes();
        for at in (0..bytes.len()).step_by(5).chain([bytes.len() - 1]) {
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1;
            let same = Lock::parse(&flipped).is_ok_and(|lock| lock.entries == sealed.entries);
            assert!(
                Lock::parse(&flipped).is_err() || same && at == bytes.len() - 1,
                "bit at {at}"
            );
        }
    }

    #[test]
    fn from_119_to_60_never_passes_again() {
        let signer = Signer::generate(&Entropy::seeded(1));
        let (full, half) = (lock(119, 119, vec![], &signer), lock(60, 119, vec![], &signer));
        assert!(crate::say(&half.follows(&full).unwrap_err()).contains("59 protected files"));
        // Not even when the least count is lowered by hand and everything is signed again.
        let quiet = lock(60, 60, vec![], &signer);
        assert!(quiet.follows(&full).is_err());
        // And not by tombstones alone: the least count stands.
        let buried: Vec<Tombstone> = (60..119)
            .map(|n| {
                let entry = entry(&format!("agents/{n:03}"));
                let gone = Gone::File {
                    path: entry.path,
                    class: entry.class,
                    blake3: entry.blake3,
                };
                Tombstone::sign(gone, "retired", Timestamp::default(), &signer)
            })
            .collect();
        let short = lock(60, 119, buried.clone(), &signer);
        assert!(crate::say(&short.follows(&full).unwrap_err()).contains("at least 119"));
        let lower = Gone::Minimum {
            class: "agents".into(),
            from: 119,
            to: 60,
        };
        let mut all = buried;
        all.push(Tombstone::sign(lower, "retired", Timestamp::default(), &signer));
        lock(60, 60, all, &signer).follows(&full).unwrap();
    }

    #[test]
    fn a_tombstone_counts_once() {
        let signer = Signer::generate(&Entropy::seeded(1));
        let gone = Gone::File {
            path: "agents/002".into(),
            class: "agents".into(),
            blake3: Hash::of(b"agents/002"),
        };
        let first = Tombstone::sign(gone, "retired", Timestamp::default(), &signer);
        lock(2, 2, vec![first.clone()], &signer)
            .follows(&lock(3, 2, vec![], &signer))
            .unwrap();
        // The file came back, beside its tombstone; it may not go by that one again.
        let back = lock(3, 2, vec![first.clone()], &signer);
        assert!(lock(2, 2, vec![first], &signer).follows(&back).is_err());

        let lower = |at| {
            let gone = Gone::Minimum {
                class: "agents".into(),
                from: 3,
                to: 1,
            };
            Tombstone::sign(gone, "fewer", Timestamp::from_micros(at), &signer)
        };
        lock(3, 1, vec![lower(1)], &signer)
            .follows(&lock(3, 3, vec![], &signer))
            .unwrap();
        let raised = lock(3, 3, vec![lower(1)], &signer);
        assert!(lock(3, 1, vec![lower(1)], &signer).follows(&raised).is_err());
        lock(3, 1, vec![lower(1), lower(2)], &signer)
            .follows(&raised)
            .unwrap();
    }

    #[test]
    fn a_signed_manifest_that_leads_out_of_the_folder_is_refused() {
        let signer = Signer::generate(&Entropy::seeded(1));
        for path in [
            "../../.ssh/authorized_keys",
            "/etc/passwd",
            ".git/hooks/post-checkout",
            "a/../../b",
        ] {
            let header = lock(0, 0, vec![], &signer).header;
            let sealed = Lock::seal(header, vec![entry(path)], vec![], &signer);
            let error = Lock::parse(sealed.text().as_bytes()).unwrap_err();
            assert!(crate::say(&error).contains("cannot be protected"), "{path}");
        }
    }

    #[test]
    fn a_stranger_signs_nothing() {
        let (ours, strange) = (
            Signer::generate(&Entropy::seeded(1)),
            Signer::generate(&Entropy::seeded(2)),
        );
        let known = [ours.public()].into();
        lock(3, 3, vec![], &ours).trusted_by(&known).unwrap();
        assert!(lock(3, 3, vec![], &strange).trusted_by(&known).is_err());
        let gone = Gone::File {
            path: "agents/002".into(),
            class: "agents".into(),
            blake3: Hash::of(b""),
        };
        let tombstone = Tombstone::sign(gone, "mine", Timestamp::default(), &strange);
        let full = lock(3, 2, vec![], &ours);
        assert!(lock(2, 2, vec![tombstone], &ours).follows(&full).is_err());
    }
}
