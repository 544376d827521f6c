//! Checks that need no state: the pre-commit hook and the pipeline.
//!
//! The hook compares the manifest with the index, by itself: also a commit that
//! only deletes must pass it.

use crate::{
    Hash, Lock, Settings,
    fault::{failed, not_set_up},
    git::Git,
    judge::plain_mode,
    settings::{LOCK, OWN_CLASS, SETTINGS, is_own},
    tree::{Seen, Tree},
};
use base::Result;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

const MARK: &str = "# Written by `mundo guard install-hook`.";

/// Why a commit or a pipeline does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(pub String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file as some place has it: its bytes and git's mode.
type Have = (Vec<u8>, u32);

/// What is wrong with the index of the commit that is being made.
pub fn hook(root: &Path) -> Result<Vec<Problem>> {
    let tree = Tree::open(root)?;
    let git = Git::find(tree.path())
        .ok_or_else(|| not_set_up("this is not a git repository"))?
        .in_hook();
    let (ours, before) = (git.in_index(LOCK, 0), git.at_head(LOCK));
    let Some(ours) = ours else {
        return Ok(match before {
            Some(_) => vec![Problem(format!(
                "the commit deletes {LOCK}; bring it back with: git checkout HEAD -- {LOCK}"
            ))],
            // A branch from before there was a guard.
            None if !tree.path().join(SETTINGS).exists() => vec![],
            None => vec![Problem(format!(
                "{LOCK} is not in the index: git add {LOCK} {SETTINGS}"
            ))],
        });
    };
    let before = before.map(|bytes| Lock::parse(&bytes)).transpose()?;
    let settings = git.in_index(SETTINGS, 0);
    let indexed: BTreeMap<String, u32> = git.indexed(["."].into_iter())?.into_iter().collect();
    let lock = match sound(&ours, before.as_ref()) {
        Ok(lock) => lock,
        Err(problem) => return Ok(vec![problem]),
    };
    let fetch = |path: &str| -> Option<Have> { Some((git.in_index(path, 0)?, *indexed.get(path)?)) };
    // Git knows blobs by its own hashes: what is as HEAD has it under the same entry was checked before.
    let unchanged = unchanged(&git, &lock, before.as_ref())?;
    Ok(compare(
        &lock,
        settings.as_deref(),
        indexed.keys(),
        &fetch,
        &unchanged,
    ))
}

/// What is wrong with the files that are checked out, for a pipeline. `base` is the
/// commit to compare with; its signers are trusted, otherwise the manifest's own.
pub fn ci(root: &Path, base: Option<&str>) -> Result<Vec<Problem>> {
    let tree = Tree::open(root)?;
    let Ok(Seen::File(_, ours)) = tree.look(LOCK) else {
        return Ok(vec![Problem(format!("there is no {LOCK}"))]);
    };
    let mut before = None;
    if let Some(base) = base {
        let git = Git::find(tree.path()).ok_or_else(|| not_set_up("this is not a git repository"))?;
        if git
            .run(&["rev-parse", "--verify", "--quiet", &format!("{base}^{{commit}}")])?
            .is_none()
        {
            return Err(not_set_up(format!("git knows no commit {base}; fetch it first")));
        }
        before = git.at(base, LOCK).map(|bytes| Lock::parse(&bytes)).transpose()?;
    }
    let lock = match sound(&ours, before.as_ref()) {
        Ok(lock) => lock,
        Err(problem) => return Ok(vec![problem]),
    };
    let fetch = |path: &str| match tree.look(path) {
        Ok(Seen::File(meta, bytes)) => Some((bytes, plain_mode(meta.mode))),
        _ => None,
    };
    let settings = fetch(SETTINGS).map(|(bytes, _)| bytes);
    let named = settings
        .as_deref()
        .and_then(|text| Settings::parse(&String::from_utf8_lossy(text)).ok());
    let skip = |folder: &str| {
        named
            .as_ref()
            .map_or(is_own(folder), |named| !named.may_hold(folder))
    };
    let below = tree
        .below("", &skip)
        .map_err(|error| failed(root.display(), error))?;
    Ok(compare(
        &lock,
        settings.as_deref(),
        below.files.iter(),
        &fetch,
        &BTreeSet::new(),
    ))
}

/// The manifest, when it is whole, signed by somebody trusted, and nothing was lost on the way.
fn sound(bytes: &[u8], before: Option<&Lock>) -> std::result::Result<Lock, Problem> {
    let problem = |error: base::Error| Problem(crate::say(&error));
    let lock = Lock::parse(bytes).map_err(problem)?;
    let signers = before.map_or(&lock.header.signers, |before| &before.header.signers);
    lock.trusted_by(signers).map_err(problem)?;
    if let Some(before) = before {
        lock.follows(before).map_err(problem)?;
    }
    Ok(lock)
}

fn compare<'a>(
    lock: &Lock,
    settings: Option<&[u8]>,
    files: impl Iterator<Item = &'a String>,
    fetch: &dyn Fn(&str) -> Option<Have>,
    unchanged: &BTreeSet<String>,
) -> Vec<Problem> {
    let mut problems = vec![];
    let parsed = settings.map(|bytes| Settings::parse(&String::from_utf8_lossy(bytes)));
    let free = matches!(&parsed, Some(Ok(settings)) if settings.options.free_edits);
    let accept = format!("if that is meant, run: mundo guard accept && git add {LOCK}");
    for (path, entry) in lock.entries.iter().filter(|(path, _)| !unchanged.contains(*path)) {
        let why = match fetch(path) {
            None => format!(
                "{path} is gone; bring it back with: mundo guard verify --restore, or let go of it with: mundo guard remove {path} --reason '…'"
            ),
            Some((bytes, _)) if bytes.is_empty() && entry.size_bytes > 0 => {
                format!("{path} is empty; bring it back with: mundo guard verify --restore")
            }
            Some(_) if free && path != SETTINGS => continue,
            Some((bytes, _)) if Hash::of(&bytes) != entry.blake3 => {
                format!("{path} is not as the manifest has it; {accept}")
            }
            Some((_, mode)) if mode != entry.mode => {
                format!("{path} has the mode {mode} instead of {}; {accept}", entry.mode)
            }
            Some(_) => continue,
        };
        problems.push(Problem(why));
    }
    match parsed {
        Some(Ok(settings)) => {
            let short = lock.shortfalls(&settings.minimums());
            problems.extend(short.into_iter().map(Problem));
            let new = files.filter(|path| {
                !free
                    && !lock.entries.contains_key(*path)
                    && settings.class_of(path).is_some_and(|class| class != OWN_CLASS)
            });
            problems.extend(new.map(|path| Problem(format!("{path} is not in the manifest yet; {accept}"))));
        }
        Some(Err(error)) => problems.push(Problem(crate::say(&error))),
        None => {
            problems.push(Problem(format!("{SETTINGS} is gone")));
            problems.extend(lock.shortfalls(&BTreeMap::new()).into_iter().map(Problem));
        }
    }
    problems
}

/// Paths whose blob is HEAD's and whose entry is that of HEAD's manifest.
fn unchanged(git: &Git, lock: &Lock, before: Option<&Lock>) -> Result<BTreeSet<String>> {
    let Some(before) = before else {
        return Ok(BTreeSet::new());
    };
    let changed = git.run(&[
        "diff-index",
        "--cached",
        "--name-only",
        "--no-renames",
        "-z",
        "--relative",
        "HEAD",
        "--",
        ".",
    ])?;
    let Some(changed) = changed else {
        return Ok(BTreeSet::new());
    };
    let changed = String::from_utf8_lossy(&changed);
    let changed: BTreeSet<&str> = changed.split('\0').collect();
    let same = lock
        .entries
        .iter()
        .filter(|(path, entry)| !changed.contains(path.as_str()) && before.entries.get(*path) == Some(entry));
    Ok(same.map(|(path, _)| path.clone()).collect())
}

/// Writes the hooks of commits and merges; one that is there already is kept and called first.
pub fn install_hook(root: &Path, program: &Path) -> Result<PathBuf> {
    let tree = Tree::open(root)?;
    let git = Git::find(tree.path()).ok_or_else(|| not_set_up("this is not a git repository"))?;
    let folder = git
        .run(&["rev-parse", "--git-path", "hooks"])?
        .unwrap_or_default();
    let folder = tree.path().join(String::from_utf8_lossy(&folder).trim());
    for name in ["pre-commit", "pre-merge-commit"] {
        let (path, other) = (folder.join(name), folder.join(format!("{name}.before-guard")));
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(&folder)?;
            if path.exists() && !fs::read_to_string(&path).is_ok_and(|text| text.contains(MARK)) {
                fs::rename(&path, &other)?;
            }
            fs::write(&path, script(git.prefix(), program))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
        };
        write().map_err(|error| failed(path.display(), error))?;
    }
    Ok(folder.join("pre-commit"))
}

/// Git starts a hook at the top of the working tree: of this one, or of another that shares its hooks.
fn script(prefix: &str, program: &Path) -> String {
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', "'\\''"));
    format!(
        "#!/bin/sh\n{MARK}\n\
         other=$0.before-guard\n\
         if [ -x \"$other\" ]; then \"$other\" \"$@\" || exit; fi\n\
         mundo={}\n\
         [ -x \"$mundo\" ] || mundo=$(command -v mundo) || {{\n\
         \x20   echo 'The guard cannot check this commit: the program mundo is not found.' >&2\n\
         \x20   exit 1\n\
         }}\n\
         exec \"$mundo\" guard --root {} hook\n",
        quoted(program),
        quoted(&Path::new(".").join(prefix))
    )
}
