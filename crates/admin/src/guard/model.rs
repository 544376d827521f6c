//! What staff read of the guard.

use ::guard::{Level, Overview, Quarantined, Record, Report, What, Who};
use base::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// How protected files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GuardState {
    /// Nothing is guarded here.
    Off,
    /// Everything is there, and somebody watches.
    Whole,
    /// Everything is there, and nobody watches.
    Unwatched,
    /// Something is lost and was not put back.
    Damaged,
}

/// The guard in one sight. What is null or empty while nothing is guarded is so because of that.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GuardView {
    pub state: GuardState,
    pub manifest: Option<GuardManifest>,
    pub classes: Vec<GuardClass>,
    pub levels: Vec<GuardLevel>,
    /// A comparison of every file, made for this answer.
    pub comparison: Option<GuardComparison>,
    /// Edits that are kept and not in the manifest yet.
    pub drafts: Vec<String>,
    pub restored: u64,
    pub quarantined: u64,
    pub incidents: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct GuardManifest {
    /// Counted up with each change.
    pub sequence: u64,
    /// Its BLAKE3 hash.
    pub hash: String,
    pub signed_by: String,
    pub files: u64,
    /// Files that were let go of, with a reason.
    pub tombstones: u64,
    /// True at a commit from before there was a manifest: nothing is demanded.
    pub dormant: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct GuardClass {
    pub class: String,
    pub files: u64,
    /// Fewer never pass.
    pub minimum: u64,
}

/// A level of prevention.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GuardLevel {
    pub name: String,
    pub active: bool,
    /// Why it is active or not, in English.
    pub why: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct GuardComparison {
    pub files: u64,
    pub took_ms: f64,
    pub faults: Vec<GuardFault>,
    /// Classes with too few files, and whatever else a person should know, in English.
    pub remarks: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct GuardFault {
    pub path: String,
    /// `missing`, `emptied`, `replaced`, `blocked`, `linked`, `corrupted`, `mode`, `unreadable` or `too_large`.
    pub fault: &'static str,
}

/// Who did it, as far as anybody can know.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GuardSuspect {
    /// Null when it is not known.
    pub pid: Option<u32>,
    pub executable: Option<String>,
    /// The programs that started it, the nearest first.
    pub parents: Vec<String>,
    /// Why it is not known, in English.
    pub unknown: Option<String>,
}

/// A loss that was undone.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GuardRestore {
    /// Its line in the ledger.
    pub line: u64,
    pub at: Timestamp,
    pub path: String,
    /// `missing`, `emptied`, `replaced`, `blocked`, `linked`, `corrupted`, `mode`, `unreadable` or `too_large`.
    pub fault: &'static str,
    pub took_ms: f64,
    pub by: GuardSuspect,
}

/// Something foreign that was taken out of the way. Its bytes are read on the machine:
/// `mundo guard quarantine LINE`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GuardQuarantined {
    /// Its line in the ledger.
    pub line: u64,
    pub at: Timestamp,
    pub path: String,
    /// `file`, `folder`, `link`, `fifo`, `socket` or `device`.
    pub was: String,
    pub size_bytes: u64,
    /// False when its time was over and it was let go of.
    pub kept: bool,
}

/// A line of the ledger.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GuardLine {
    pub line: u64,
    pub at: Timestamp,
    /// `trusted`, `adopted`, `dormant`, `start`, `quarantined`, `restored`, `trouble`, `draft`, `settled`,
    /// `edit_opened`, `edit_closed`, `incident`, `healed` or `pruned`.
    pub kind: &'static str,
    pub path: Option<String>,
    /// What `mundo guard log` prints, in English.
    pub text: String,
}

impl GuardView {
    pub fn off() -> GuardView {
        GuardView {
            state: GuardState::Off,
            manifest: None,
            classes: vec![],
            levels: vec![],
            comparison: None,
            drafts: vec![],
            restored: 0,
            quarantined: 0,
            incidents: 0,
        }
    }

    pub fn of(overview: Overview, levels: Vec<Level>, report: Report) -> GuardView {
        let state = match (report.is_whole(), &overview.watcher) {
            (false, _) => GuardState::Damaged,
            (true, None) => GuardState::Unwatched,
            (true, Some(_)) => GuardState::Whole,
        };
        let fault = |found: ::guard::Found| GuardFault {
            fault: found.fault.word(),
            path: found.path,
        };
        GuardView {
            state,
            manifest: Some(GuardManifest {
                sequence: overview.sequence,
                hash: overview.manifest.to_string(),
                signed_by: overview.signed_by,
                files: overview.files as u64,
                tombstones: overview.tombstones as u64,
                dormant: overview.dormant,
            }),
            classes: overview
                .classes
                .into_iter()
                .map(|class| GuardClass {
                    class: class.class,
                    files: class.files,
                    minimum: class.minimum,
                })
                .collect(),
            levels: levels
                .into_iter()
                .map(|level| GuardLevel {
                    name: level.name,
                    active: level.active,
                    why: level.why,
                })
                .collect(),
            comparison: Some(GuardComparison {
                files: report.files as u64,
                took_ms: milliseconds(report.took_us),
                faults: report.faults.into_iter().map(fault).collect(),
                remarks: report.shortfalls.into_iter().chain(report.remarks).collect(),
            }),
            drafts: report.drafts,
            restored: overview.restored as u64,
            quarantined: overview.quarantined as u64,
            incidents: overview.incidents as u64,
        }
    }
}

impl From<Who> for GuardSuspect {
    fn from(who: Who) -> GuardSuspect {
        match who {
            Who::Process {
                pid,
                executable,
                parents,
            } => GuardSuspect {
                pid: Some(pid),
                executable: Some(executable),
                parents,
                unknown: None,
            },
            Who::Unknown { why } => GuardSuspect {
                pid: None,
                executable: None,
                parents: vec![],
                unknown: Some(why),
            },
        }
    }
}

impl GuardRestore {
    /// Nothing when the line is about something else.
    pub fn of(record: Record) -> Option<GuardRestore> {
        let What::Restored {
            path,
            fault,
            took_us,
            by,
            ..
        } = record.what
        else {
            return None;
        };
        Some(GuardRestore {
            line: record.n,
            at: record.at,
            path,
            fault: fault.word(),
            took_ms: milliseconds(took_us),
            by: by.into(),
        })
    }
}

impl From<Quarantined> for GuardQuarantined {
    fn from(found: Quarantined) -> GuardQuarantined {
        GuardQuarantined {
            line: found.n,
            at: found.at,
            path: found.path,
            was: format!("{:?}", found.was).to_lowercase(),
            size_bytes: found.size_bytes,
            kept: found.kept,
        }
    }
}

impl From<Record> for GuardLine {
    fn from(record: Record) -> GuardLine {
        GuardLine {
            line: record.n,
            at: record.at,
            kind: record.what.word(),
            path: record.what.path().map(str::to_owned),
            text: record.what.to_string(),
        }
    }
}

fn milliseconds(us: u64) -> f64 {
    us as f64 / 1000.0
}
