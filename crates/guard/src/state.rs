//! What the ledger adds up to.

use crate::{
    Hash, Public,
    judge::Want,
    ledger::{Record, What},
    settings::globs,
};
use base::Timestamp;
use globset::GlobSet;
use std::collections::{BTreeMap, BTreeSet, HashSet};

#[derive(Debug, Default)]
pub struct State {
    /// The manifest that counts.
    pub lock: Option<Hash>,
    /// Every manifest that ever counted.
    pub known: HashSet<Hash>,
    pub signers: BTreeSet<Public>,
    /// Edits that are kept and not accepted yet.
    pub drafts: BTreeMap<String, Want>,
    pub edit: Option<Edit>,
    pub dormant: bool,
    /// What the quarantine got before then was let go of.
    pub kept_since: Timestamp,
    pub pruned_at: Option<Timestamp>,
}

/// An edit that was announced.
#[derive(Clone, Debug)]
pub struct Edit {
    pub globs: GlobSet,
    pub until: Timestamp,
}

impl State {
    pub fn apply(&mut self, record: &Record) {
        match &record.what {
            What::Trusted { signers } => self.signers.extend(signers),
            What::Adopted { lock, .. } => {
                self.lock = Some(*lock);
                self.known.insert(*lock);
                self.dormant = false;
            }
            What::Dormant => self.dormant = true,
            What::Draft {
                path,
                class,
                blake3,
                size_bytes,
                mode,
                new,
            } => {
                let want = Want {
                    class: class.clone(),
                    blake3: *blake3,
                    size_bytes: *size_bytes,
                    mode: *mode,
                    new: *new,
                };
                self.drafts.insert(path.clone(), want);
            }
            What::Settled { path, .. } => {
                self.drafts.remove(path);
            }
            What::EditOpened { globs: texts, until } => {
                let globs = globs(texts.iter().map(String::as_str)).unwrap_or_else(|_| GlobSet::empty());
                self.edit = Some(Edit { globs, until: *until });
            }
            What::EditClosed => self.edit = None,
            What::Pruned { before, .. } => {
                self.kept_since = self.kept_since.max(*before);
                self.pruned_at = Some(record.at);
            }
            What::Start { .. }
            | What::Quarantined { .. }
            | What::Restored { .. }
            | What::Trouble { .. }
            | What::Incident { .. }
            | What::Healed { .. } => {}
        }
    }

    /// Whether an announced edit covers this path now.
    pub fn is_being_edited(&self, path: &str, now: Timestamp) -> bool {
        self.edit
            .as_ref()
            .is_some_and(|edit| edit.until > now && edit.globs.is_match(path))
    }
}
