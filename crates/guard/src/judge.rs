//! What is an edit, and what is a loss: a pure decision.
//!
//! An edit changes a file's content and is kept. A loss is a file that is gone,
//! empty, something else, linked elsewhere, closed to its owner, or other than
//! it was although nobody wrote to it; it is undone.

use crate::{
    Hash,
    tree::{Kind, Meta, Seen},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A file as it must be: by the manifest, or by a later edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    pub class: String,
    pub blake3: Hash,
    pub size_bytes: u64,
    /// 644 or 755.
    pub mode: u32,
    /// Not in the manifest yet.
    pub new: bool,
}

/// How a file was last seen in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    pub blake3: Hash,
    pub mtime_ns: i64,
    pub mode: u32,
    pub links: u64,
    /// Written so shortly before it was seen that a later write may carry the same time.
    pub fresh: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    Missing,
    Emptied,
    Replaced {
        by: Kind,
    },
    /// A folder on the way to it is something else.
    Blocked {
        at: String,
        by: Kind,
    },
    /// It has a second name, through which it could be changed unseen.
    Linked,
    /// Other bytes, although its size and time say that nobody wrote.
    Corrupted,
    Mode {
        is: u32,
    },
    Unreadable,
    /// It grew beyond what is guarded (64 MiB).
    TooLarge,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Same,
    Edited(Hash),
    Wrong(Fault),
}

pub fn judge(want: &Want, seen: &Seen, before: Option<&Remembered>, allow_links: bool) -> Verdict {
    let (meta, bytes) = match seen {
        Seen::Missing => return Verdict::Wrong(Fault::Missing),
        Seen::Other(by) => return Verdict::Wrong(Fault::Replaced { by: *by }),
        Seen::Blocked { at, kind } => {
            return Verdict::Wrong(Fault::Blocked {
                at: at.clone(),
                by: *kind,
            });
        }
        Seen::Unreadable => return Verdict::Wrong(Fault::Unreadable),
        Seen::TooLarge => return Verdict::Wrong(Fault::TooLarge),
        Seen::File(meta, bytes) => (meta, bytes),
    };
    if bytes.is_empty() && want.size_bytes > 0 {
        return Verdict::Wrong(Fault::Emptied);
    }
    let hash = Hash::of(bytes);
    let known_links = before.map_or(if hash == want.blake3 { u64::MAX } else { 1 }, |before| {
        before.links
    });
    if !allow_links && meta.links > 1 && meta.links > known_links {
        return Verdict::Wrong(Fault::Linked);
    }
    if hash != want.blake3 {
        let untouched = before.is_some_and(|before| {
            before.blake3 == want.blake3 && before.mtime_ns == meta.mtime_ns && !before.fresh
        });
        if untouched && meta.size_bytes == want.size_bytes {
            return Verdict::Wrong(Fault::Corrupted);
        }
    }
    if !mode_holds(meta, want, before) {
        return Verdict::Wrong(Fault::Mode { is: meta.mode });
    }
    if hash == want.blake3 {
        Verdict::Same
    } else {
        Verdict::Edited(hash)
    }
}

/// Who may run, read or change it may be narrowed, never opened up or turned round.
fn mode_holds(meta: &Meta, want: &Want, before: Option<&Remembered>) -> bool {
    let runs = meta.mode & 0o100 != 0;
    let opened = before.is_some_and(|before| before.mode & 0o002 == 0) && meta.mode & 0o002 != 0;
    runs == (want.mode == 755) && meta.mode & 0o400 != 0 && meta.mode & 0o7000 == 0 && !opened
}

/// The mode of git's two that comes nearest.
pub fn plain_mode(mode: u32) -> u32 {
    if mode & 0o100 != 0 { 755 } else { 644 }
}

/// The permission bits that a restored file gets.
pub fn full_mode(want: &Want, before: Option<&Remembered>) -> u32 {
    let plain = if want.mode == 755 { 0o755 } else { 0o644 };
    match before {
        Some(before)
            if plain_mode(before.mode) == want.mode
                && before.mode & 0o7000 == 0
                && before.mode & 0o400 != 0 =>
        {
            before.mode & 0o777
        }
        _ => plain,
    }
}

impl Fault {
    /// Its kind, as the ledger writes it.
    pub fn word(&self) -> &'static str {
        match self {
            Fault::Missing => "missing",
            Fault::Emptied => "emptied",
            Fault::Replaced { .. } => "replaced",
            Fault::Blocked { .. } => "blocked",
            Fault::Linked => "linked",
            Fault::Corrupted => "corrupted",
            Fault::Mode { .. } => "mode",
            Fault::Unreadable => "unreadable",
            Fault::TooLarge => "too_large",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Missing => f.write_str("is gone"),
            Fault::Emptied => f.write_str("is empty"),
            Fault::Replaced { by } => write!(f, "was replaced by a {by:?}"),
            Fault::Blocked { at, by } => write!(f, "cannot be reached: {at} is a {by:?}"),
            Fault::Linked => f.write_str("was linked under a second name"),
            Fault::Corrupted => f.write_str("has other bytes, although nobody wrote to it"),
            Fault::Mode { is } => write!(f, "has the permissions {is:o}"),
            Fault::Unreadable => f.write_str("cannot be read"),
            Fault::TooLarge => f.write_str("has grown beyond 64 MiB"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(bytes: &[u8], mode: u32, mtime_ns: i64, links: u64) -> Seen {
        let meta = Meta {
            kind: Kind::File,
            ino: 1,
            size_bytes: bytes.len() as u64,
            mtime_ns,
            mode,
            links,
        };
        Seen::File(meta, bytes.to_vec())
    }

    #[test]
    fn edits_are_kept_and_losses_are_not() {
        let want = Want {
            class: "a".into(),
            blake3: Hash::of(b"tango"),
            size_bytes: 5,
            mode: 644,
            new: false,
        };
        let before = Remembered {
            blake3: want.blake3,
            mtime_ns: 7,
            mode: 0o640,
            links: 1,
            fresh: false,
        };
        let fresh = Remembered {
            fresh: true,
            ..before
        };
        let judged = |seen: Seen| judge(&want, &seen, Some(&before), false);
        assert_eq!(judged(seen(b"tango", 0o640, 7, 1)), Verdict::Same);
        assert_eq!(
            judged(seen(b"tango", 0o600, 9, 1)),
            Verdict::Same,
            "narrower is fine"
        );
        assert_eq!(
            judged(seen(b"Tango", 0o640, 8, 1)),
            Verdict::Edited(Hash::of(b"Tango"))
        );
        assert_eq!(
            judged(seen(b"Tango", 0o640, 7, 1)),
            Verdict::Wrong(Fault::Corrupted)
        );
        assert_eq!(judged(seen(b"", 0o640, 9, 1)), Verdict::Wrong(Fault::Emptied));
        assert_eq!(judged(seen(b"tango", 0o640, 7, 2)), Verdict::Wrong(Fault::Linked));
        for mode in [0o000, 0o755, 0o646, 0o4644] {
            assert_eq!(
                judged(seen(b"tango", mode, 7, 1)),
                Verdict::Wrong(Fault::Mode { is: mode })
            );
        }
        assert_eq!(judged(Seen::Missing), Verdict::Wrong(Fault::Missing));
        // A write in the same tick as the last look may carry the same time.
        let judged = judge(&want, &seen(b"Tango", 0o640, 7, 1), Some(&fresh), false);
        assert_eq!(judged, Verdict::Edited(Hash::of(b"Tango")));
        assert_eq!(full_mode(&want, Some(&before)), 0o640);
        assert_eq!(full_mode(&want, None), 0o644);
    }
}
