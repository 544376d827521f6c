//! Who could delete protected files here: hooks, scripts, build steps, timers, git.
//!
//! A search by patterns over text: it explains where to look, it proves nothing.
//! What was seen at work stands in the ledger, and deletions that were committed
//! stand in git's history; both are asked, too.

use crate::{
    Guard,
    git::Git,
    ledger::{What, Who},
    settings::is_own,
    tree::Seen,
};
use base::Result;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Files larger than that are not scripts.
const LARGEST: u64 = 512 << 10;

/// How near a find comes to protected files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Danger {
    /// It was seen to happen.
    Seen,
    /// It names a protected path, or everything.
    Direct,
    /// What it acts on is decided elsewhere: a variable, an option, a working folder.
    Open,
    /// It acts on paths that are not protected.
    Elsewhere,
}

/// A place that could delete.
#[derive(Clone, Debug, Serialize)]
pub struct Suspect {
    pub danger: Danger,
    /// File and line, or where else it was found.
    pub place: String,
    /// The line itself.
    pub text: String,
    /// What it does, and why it stands here.
    pub why: String,
}

/// What to look for, and what it does. A `word` must not continue on its left.
struct Pattern {
    word: &'static str,
    also: &'static str,
    why: &'static str,
}

const fn pattern(word: &'static str, also: &'static str, why: &'static str) -> Pattern {
    Pattern { word, also, why }
}

const PATTERNS: &[Pattern] = &[
    pattern("git clean", "-", "git deletes every file it does not know"),
    pattern(
        "git reset",
        "--hard",
        "git throws away every change, and files that HEAD does not have",
    ),
    pattern("git checkout", " .", "git overwrites every changed file"),
    pattern("git checkout", "-f", "git overwrites every changed file"),
    pattern("git restore", " .", "git overwrites every changed file"),
    pattern(
        "git stash",
        "",
        "git takes changes and, with -u, new files out of the folder",
    ),
    pattern("git rm", "", "git deletes files and the commit makes it last"),
    pattern("rm -", "r", "the shell deletes folders with all that is in them"),
    pattern("rm -", "f", "the shell deletes without asking"),
    pattern("rmdir", "", "a folder is deleted"),
    pattern("unlink", "", "a file is deleted"),
    pattern("find ", "-delete", "find deletes what it finds"),
    pattern("xargs", "rm", "what a list names is deleted"),
    pattern("rsync", "--delete", "rsync deletes what the source does not have"),
    pattern("truncate", "-s", "a file is cut off"),
    pattern("shred", "", "a file is destroyed"),
    pattern("mv ", "", "files are renamed away or over others"),
    pattern("rimraf", "", "Node deletes folders with all that is in them"),
    pattern("del-cli", "", "Node deletes what globs name"),
    pattern("fs.rm", "", "Node deletes files"),
    pattern("rmSync", "", "Node deletes files"),
    pattern("unlinkSync", "", "Node deletes a file"),
    pattern("emptyDir", "", "Node empties a folder"),
    pattern(
        "emptyOutDir",
        "",
        "the bundler empties its output folder before each build",
    ),
    pattern("outDir", "", "the bundler or compiler writes into this folder"),
    pattern(
        "writeFileSync",
        "",
        "Node writes a file whole, and what was in it is gone",
    ),
    pattern(
        "fs.writeFile",
        "",
        "Node writes a file whole, and what was in it is gone",
    ),
    pattern(
        "shutil.rmtree",
        "",
        "Python deletes folders with all that is in them",
    ),
    pattern("os.remove", "", "Python deletes a file"),
    pattern("os.unlink", "", "Python deletes a file"),
    pattern(
        "remove_dir_all",
        "",
        "Rust deletes folders with all that is in them",
    ),
    pattern("remove_file", "", "Rust deletes a file"),
    pattern(
        "fs::write",
        "",
        "Rust writes a file whole, and what was in it is gone",
    ),
];

/// Redirections that empty a file first.
const EMPTIES: [&str; 4] = [": >", "true >", "cat /dev/null >", "cp /dev/null "];

impl Guard {
    /// Searches the folder and the machine; the most dangerous first.
    pub fn suspects(&self) -> Result<Vec<Suspect>> {
        let turn = self.enter()?;
        let protected: BTreeSet<String> = self.wants(&turn).into_keys().collect();
        let mut found = seen_at_work(turn.ledger.records().iter().map(|record| &record.what));
        drop(turn);
        let skip = |path: &str| {
            let name = path.rsplit('/').next().unwrap_or(path);
            is_own(path) || ["node_modules", "target", "dist", ".venv", "vendor"].contains(&name)
        };
        for path in self.tree.below("", &skip).unwrap_or_default().files {
            if is_script(&path)
                && let Ok(Seen::File(meta, bytes)) = self.tree.look(&path)
                && meta.size_bytes <= LARGEST
            {
                search(&path, &String::from_utf8_lossy(&bytes), &protected, &mut found);
            }
        }
        for path in self.outside() {
            if let Ok(text) = fs::read_to_string(&path) {
                search(&path.display().to_string(), &text, &protected, &mut found);
            }
        }
        if let Some(git) = &self.git {
            committed(git, &protected, &mut found);
        }
        found.sort_by(|a, b| (a.danger, &a.place).cmp(&(b.danger, &b.place)));
        Ok(found)
    }

    /// Hooks, cron's tables, timers and their services.
    fn outside(&self) -> Vec<PathBuf> {
        let mut all = vec![];
        if let Some(git) = &self.git {
            let hooks = git
                .run(&["rev-parse", "--git-path", "hooks"])
                .ok()
                .flatten()
                .unwrap_or_default();
            let hooks = self.root().join(String::from_utf8_lossy(&hooks).trim());
            let live = files_in(&hooks)
                .into_iter()
                .filter(|path| path.extension().is_none_or(|end| end != "sample"));
            all.extend(live);
            all.extend([git.folder().join("config"), git.common().join("config")]);
        }
        for folder in [
            "/etc/cron.d",
            "/etc/cron.hourly",
            "/etc/cron.daily",
            "/etc/cron.weekly",
            "/etc/cron.monthly",
            "/var/spool/cron",
            "/var/spool/cron/crontabs",
            "/etc/systemd/system",
            "/etc/tmpfiles.d",
        ] {
            all.extend(files_in(Path::new(folder)));
        }
        all.push("/etc/crontab".into());
        all.sort();
        all.dedup();
        all
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    entries.filter(|path| path.is_file()).collect()
}

/// Text that something runs.
fn is_script(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ends = [
        "sh", "bash", "zsh", "py", "js", "mjs", "cjs", "ts", "rb", "pl", "mk", "yml", "yaml", "service",
        "timer", "ps1",
    ];
    let names = [
        "Makefile",
        "makefile",
        "GNUmakefile",
        "Justfile",
        "justfile",
        "Dockerfile",
        "Procfile",
        "crontab",
        ".replit",
        "package.json",
        "build.rs",
        "Taskfile",
    ];
    let hidden = path.starts_with(".husky/") || path.starts_with(".githooks/") || path.starts_with(".ci/");
    names.contains(&name) || hidden || name.rsplit_once('.').is_some_and(|(_, end)| ends.contains(&end))
}

fn search(place: &str, text: &str, protected: &BTreeSet<String>, found: &mut Vec<Suspect>) {
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.starts_with(['#', '*']) || trimmed.starts_with("//") {
            continue;
        }
        let Some(why) = finding(trimmed) else { continue };
        let (danger, aim) = aim(trimmed, protected);
        found.push(Suspect {
            danger,
            place: format!("{place}:{}", number + 1),
            text: trimmed.chars().take(160).collect(),
            why: format!("{why}; {aim}"),
        });
    }
}

fn finding(line: &str) -> Option<&'static str> {
    let hit = PATTERNS.iter().find(|pattern| {
        line.match_indices(pattern.word).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let apart =
                before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_' && letter != '-');
            apart && line[at + pattern.word.len()..].contains(pattern.also)
        })
    });
    let emptied = EMPTIES
        .iter()
        .any(|word| line.contains(word) && !line.contains(">&"));
    hit.map(|pattern| pattern.why)
        .or(emptied.then_some("a file is emptied"))
}

/// What the line acts on, as far as its text tells.
fn aim(line: &str, protected: &BTreeSet<String>) -> (Danger, String) {
    let words = line.split(|letter: char| letter.is_whitespace() || "\"'`(),;=[]{}".contains(letter));
    let words: Vec<&str> = words
        .map(|word| word.trim_start_matches("./").trim_end_matches('/'))
        .filter(|word| !word.is_empty())
        .collect();
    for word in &words {
        let hit = protected
            .iter()
            .find(|path| *path == word || path.strip_prefix(word).is_some_and(|rest| rest.starts_with('/')));
        if let Some(path) = hit {
            return (
                Danger::Direct,
                format!("{word} is or holds {path}, which is protected"),
            );
        }
    }
    if [
        "git clean",
        "git reset",
        "git checkout",
        "git restore",
        "git stash",
    ]
    .iter()
    .any(|word| line.contains(word))
    {
        return (Danger::Direct, "it acts on the whole folder".to_owned());
    }
    if words.iter().any(|word| ["*", ".", "/", "**"].contains(word)) {
        return (Danger::Direct, "it acts on everything in its folder".to_owned());
    }
    if line.contains('$') || line.contains("process.env") || line.contains("format!") || words.len() < 2 {
        return (Danger::Open, "on what, is decided when it runs".to_owned());
    }
    (Danger::Elsewhere, "nothing protected is named".to_owned())
}

/// What the ledger saw: programs, and how often.
fn seen_at_work<'a>(records: impl Iterator<Item = &'a What>) -> Vec<Suspect> {
    let mut counts: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for what in records {
        if let What::Restored {
            path,
            by: Who::Process {
                executable, parents, ..
            },
            ..
        } = what
        {
            let parent = parents
                .first()
                .map_or(String::new(), |parent| format!(", started by {parent}"));
            let strip = |text: String| {
                text.rsplit_once(" (")
                    .map_or(text.clone(), |(name, _)| name.to_owned())
            };
            let entry = counts
                .entry(format!("{executable}{}", strip(parent)))
                .or_default();
            entry.0 += 1;
            entry.1.clone_from(path);
        }
    }
    let found = counts.into_iter().map(|(place, (times, path))| Suspect {
        danger: Danger::Seen,
        place,
        text: path,
        why: format!("it did damage {times} times, which the guard undid; the last path is shown"),
    });
    found.collect()
}

/// Commits that deleted what is protected now.
fn committed(git: &Git, protected: &BTreeSet<String>, found: &mut Vec<Suspect>) {
    let log = [
        "log",
        "--all",
        "--diff-filter=D",
        "--no-renames",
        "--name-only",
        "-n",
        "2000",
        "--format=%x00%h %an %as %s",
        "--relative",
    ];
    let Ok(Some(text)) = git.run(&log) else { return };
    let text = String::from_utf8_lossy(&text);
    for commit in text.split('\0').filter(|commit| !commit.trim().is_empty()) {
        let mut lines = commit.lines();
        let title = lines.next().unwrap_or_default();
        let gone: Vec<&str> = lines.filter(|path| protected.contains(*path)).collect();
        if let Some(first) = gone.first() {
            found.push(Suspect {
                danger: Danger::Seen,
                place: format!("commit {title}"),
                text: (*first).to_owned(),
                why: format!("it deleted {} files that are protected now", gone.len()),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_find_says_how_near_it_comes() {
        let protected = BTreeSet::from(["agents/a.toml".to_owned(), "vite.config.ts".to_owned()]);
        let text = "# rm -rf agents\nrm -rf ./agents\nrm -rf \"$OUT\"\nrm -rf /var/cache/x\ngit clean -fdx\n\
                    echo hello > note\n: > vite.config.ts\nfarm -rf x\nrm file.txt\n";
        let mut found = vec![];
        search("build.sh", text, &protected, &mut found);
        let told: Vec<(&str, Danger)> = found
            .iter()
            .map(|find| (find.place.as_str(), find.danger))
            .collect();
        assert_eq!(
            told,
            [
                ("build.sh:2", Danger::Direct),
                ("build.sh:3", Danger::Open),
                ("build.sh:4", Danger::Elsewhere),
                ("build.sh:5", Danger::Direct),
                ("build.sh:7", Danger::Direct),
            ]
        );
        assert!(found[0].why.contains("agents/a.toml"));
    }
}
