//! What git is doing, so that what it does is not taken for a loss.
//!
//! Git holds `index.lock` while it changes files and moves HEAD last. So: while
//! the lock is there, or index and HEAD have just changed, nothing is judged;
//! when they rest, the manifest at the new HEAD says what must be there.

use crate::{Hash, fault::failed};
use base::Result;
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// A lock that old was left by a git that died.
const STALE: Duration = Duration::from_mins(1);

/// How long a stash may take from keeping new files to its end.
const STASHING: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct Git {
    root: PathBuf,
    folder: PathBuf,
    common: PathBuf,
    /// Where the folder lies in the working tree: empty, or with a slash at its end.
    prefix: String,
    in_hook: bool,
}

/// Where index and HEAD stand; changes whenever git did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    head: Vec<u8>,
    index: (u64, i64, i64, u64),
    /// A merge, a rebase or the like waits for its end.
    pub under_way: bool,
    /// Git is changing files now.
    pub busy: bool,
}

impl Git {
    /// The repository around this folder, when there is one and git is installed.
    pub fn find(root: &Path) -> Option<Git> {
        let git = Git {
            root: root.to_owned(),
            folder: PathBuf::new(),
            common: PathBuf::new(),
            prefix: String::new(),
            in_hook: false,
        };
        let text = git
            .run(&[
                "rev-parse",
                "--absolute-git-dir",
                "--git-common-dir",
                "--show-prefix",
            ])
            .ok()??;
        let text = String::from_utf8(text).ok()?;
        let mut lines = text.lines();
        let folder = PathBuf::from(lines.next()?);
        let common = root.join(lines.next()?);
        Some(Git {
            folder,
            common,
            prefix: lines.next().unwrap_or_default().to_owned(),
            ..git
        })
    }

    /// The same, inside a hook: git's own variables name the index of the commit being made.
    pub fn in_hook(mut self) -> Git {
        self.in_hook = true;
        self
    }

    /// Where the folder lies below the top of the working tree.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    fn top(&self) -> &Path {
        let deep = self.prefix.split_terminator('/').count();
        self.root.ancestors().nth(deep).unwrap_or(&self.root)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn common(&self) -> &Path {
        &self.common
    }

    pub fn mark(&self) -> Mark {
        let mut head = fs::read(self.folder.join("HEAD")).unwrap_or_default();
        if let Some(name) = head.strip_prefix(b"ref: ") {
            let name = String::from_utf8_lossy(name).trim().to_owned();
            let loose = [&self.folder, &self.common]
                .iter()
                .find_map(|folder| fs::read(folder.join(&name)).ok());
            match loose {
                Some(id) => head.extend(id),
                None => head.extend(format!("{:?}", stamp(&self.common.join("packed-refs"))).bytes()),
            }
        }
        let there = |name: &str| self.folder.join(name).exists();
        let waiting = [
            "MERGE_HEAD",
            "CHERRY_PICK_HEAD",
            "REVERT_HEAD",
            "rebase-merge",
            "rebase-apply",
        ];
        let lock = fs::metadata(self.folder.join("index.lock"));
        Mark {
            head,
            index: stamp(&self.folder.join("index")),
            under_way: waiting.into_iter().any(there),
            busy: lock.is_ok_and(|meta| {
                // A time in the future counts as fresh.
                meta.modified()
                    .ok()
                    .and_then(|time| time.elapsed().ok())
                    .is_none_or(|age| age < STALE)
            }),
        }
    }

    /// The file as HEAD has it.
    pub fn at_head(&self, path: &str) -> Option<Vec<u8>> {
        self.at("HEAD", path)
    }

    /// The file as a commit has it.
    pub fn at(&self, commit: &str, path: &str) -> Option<Vec<u8>> {
        self.run(&["cat-file", "blob", &format!("{commit}:{}{path}", self.prefix)])
            .ok()?
    }

    /// The file as the index has it; `stage` is 0, or 2 and 3 for the two sides of a conflict.
    pub fn in_index(&self, path: &str, stage: u8) -> Option<Vec<u8>> {
        self.run(&["cat-file", "blob", &format!(":{stage}:{}{path}", self.prefix)])
            .ok()?
    }

    /// Whether a commit up to HEAD ever touched the file.
    pub fn ever_had(&self, path: &str) -> bool {
        self.run(&["rev-list", "-1", "HEAD", "--", path])
            .is_ok_and(|out| out.is_some_and(|out| !out.is_empty()))
    }

    /// Whether any branch or stash ever touched the file.
    pub fn has_anywhere(&self, path: &str) -> bool {
        self.run(&["rev-list", "-1", "--all", "--", path])
            .is_ok_and(|out| out.is_some_and(|out| !out.is_empty()))
    }

    /// Whether git took the file out of the folder and has it in a stash or an earlier commit.
    pub fn put_away(&self, path: &str) -> bool {
        let holders = ["refs/stash^3", "refs/stash", "HEAD@{1}", "ORIG_HEAD"];
        let holds = |holder: &&str| {
            matches!(
                self.run(&["cat-file", "-e", &format!("{holder}:{}{path}", self.prefix)]),
                Ok(Some(_))
            )
        };
        self.in_index(path, 0).is_none() && holders.iter().any(holds)
    }

    /// Whether git is putting the file away at this moment: a stash deletes new files after it has
    /// kept them, and touches the index only after that.
    pub fn is_stashing(&self, path: &str, hash: Hash) -> bool {
        let fresh = |name: &str| {
            let changed = fs::metadata(self.common.join(name)).and_then(|meta| meta.modified());
            changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age < STASHING))
        };
        ["refs/stash", "logs/refs/stash"].into_iter().any(fresh)
            && self
                .at("refs/stash^3", path)
                .is_some_and(|bytes| Hash::of(&bytes) == hash)
    }

    /// Whether `.gitignore` names the file.
    pub fn ignores(&self, path: &str) -> bool {
        matches!(self.run(&["check-ignore", "-q", "--", path]), Ok(Some(_)))
    }

    /// Those that the index holds once, without a conflict, with git's mode.
    pub fn indexed<'a>(&self, paths: impl Iterator<Item = &'a str>) -> Result<BTreeSet<(String, u32)>> {
        let mut arguments = vec!["ls-files", "-s", "-z", "--"];
        arguments.extend(paths);
        let listed = self.run(&arguments)?.unwrap_or_default();
        let line = |line: &str| {
            let (about, path) = line.split_once('\t')?;
            let parts: Vec<&str> = about.split(' ').collect();
            let mode = match parts[0] {
                "100755" => 755,
                "100644" => 644,
                _ => 0,
            };
            (parts.get(2) == Some(&"0")).then(|| (path.to_owned(), mode))
        };
        let text = String::from_utf8_lossy(&listed);
        Ok(text.split('\0').filter_map(line).collect())
    }

    /// Runs git; nothing when it says no.
    pub fn run(&self, arguments: &[&str]) -> Result<Option<Vec<u8>>> {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&self.root)
            .arg("--literal-pathspecs")
            // A program of the repository's choice would run here.
            .args(["-c", "core.fsmonitor=false"])
            .args(arguments.iter().map(OsStr::new))
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null());
        if self.in_hook {
            // Git started the hook at the top of the working tree and names files from there.
            command.env("GIT_WORK_TREE", self.top());
            for name in ["GIT_DIR", "GIT_INDEX_FILE"] {
                if let Some(path) = std::env::var_os(name) {
                    command.env(name, std::path::absolute(path).unwrap_or_default());
                }
            }
        } else {
            for name in [
                "GIT_DIR",
                "GIT_COMMON_DIR",
                "GIT_INDEX_FILE",
                "GIT_WORK_TREE",
                "GIT_PREFIX",
                "GIT_OBJECT_DIRECTORY",
            ] {
                command.env_remove(name);
            }
        }
        let output = command
            .output()
            .map_err(|error| failed("cannot run git", error))?;
        Ok(output.status.success().then_some(output.stdout))
    }
}

fn stamp(path: &Path) -> (u64, i64, i64, u64) {
    fs::metadata(path).map_or((0, 0, 0, 0), |meta| {
        (meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.size())
    })
}
