//! The server's own hands: what it and its children can no longer do (Landlock).
//!
//! Landlock only grants. So everything beside the way to the guarded folder is
//! granted, and below it only what the server must write. What is created later
//! right beside that way, in `/` or in a parent of the folder, is not granted.

use crate::view::Level;
use std::path::{Path, PathBuf};

const NAME: &str = "landlock";

/// Takes from this thread, and from all threads and processes it starts from now on,
/// the right to unlink, rename, truncate or write below `root`, except in `writable`.
#[cfg(target_os = "linux")]
pub fn confine(root: &Path, writable: &[PathBuf]) -> Level {
    use landlock::{RestrictionStatus, RulesetStatus};
    match linux::restrict(root, writable) {
        Ok(RestrictionStatus {
            ruleset: RulesetStatus::FullyEnforced,
            ..
        }) => Level::on(
            NAME,
            "the server and its children cannot unlink, rename, truncate or write protected files",
        ),
        Ok(RestrictionStatus {
            ruleset: RulesetStatus::PartiallyEnforced,
            ..
        }) => Level::on(
            NAME,
            "this kernel knows a part of it: removing is prevented, truncating or renaming perhaps not",
        ),
        Ok(_) => Level::off(NAME, "this kernel has no Landlock, or it is switched off"),
        Err(error) => Level::off(NAME, &format!("the kernel refused it: {error}")),
    }
}

/// Nothing of the kind exists here.
#[cfg(not(target_os = "linux"))]
pub fn confine(_root: &Path, _writable: &[PathBuf]) -> Level {
    Level::off(NAME, "Landlock is Linux's alone")
}

#[cfg(target_os = "linux")]
mod linux {
    use landlock::{
        ABI, AccessFs, BitFlags, PathBeneath, RestrictionStatus, Ruleset, RulesetAttr, RulesetCreated,
        RulesetCreatedAttr, RulesetError, make_bitflags,
    };
    use rustix::fs::{Mode, OFlags, fstat, open};
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    pub(super) fn restrict(root: &Path, writable: &[PathBuf]) -> Result<RestrictionStatus, RulesetError> {
        let taken = make_bitflags!(AccessFs::{RemoveFile | RemoveDir | Refer | Truncate | WriteFile});
        let mut rules = Ruleset::default().handle_access(taken)?.create()?;
        let mut at = Some(root);
        while let Some(below) = at {
            at = below.parent();
            let Some(parent) = at else { break };
            for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
                if entry.path() != below {
                    rules = grant(rules, &entry.path(), taken)?;
                }
            }
        }
        for path in writable {
            // A folder above the root would grant the root, too: what is beside the way is granted already.
            if !root.starts_with(path) {
                rules = grant(rules, path, taken)?;
            }
        }
        rules.restrict_self()
    }

    /// What is a link is left out: it would grant what it points to.
    fn grant(
        rules: RulesetCreated,
        path: &Path,
        taken: BitFlags<AccessFs>,
    ) -> Result<RulesetCreated, RulesetError> {
        let Ok(handle) = open(
            path,
            OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        ) else {
            return Ok(rules);
        };
        let Ok(stat) = fstat(&handle) else {
            return Ok(rules);
        };
        let kind = rustix::fs::FileType::from_raw_mode(stat.st_mode);
        let rights = match kind {
            rustix::fs::FileType::Directory => taken,
            rustix::fs::FileType::Symlink => return Ok(rules),
            _ => taken & AccessFs::from_file(ABI::V5),
        };
        rules.add_rule(PathBeneath::new(handle, rights))
    }
}
