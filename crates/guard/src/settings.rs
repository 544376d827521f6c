//! `guard.toml`: what is protected.
//!
//! ```toml
//! [[protect]]
//! class = "migrations"
//! paths = ["migrations/**/*.sql"]
//! minimum = 12
//!
//! [guard]
//! writable = ["data", "target"]
//! ```

use crate::fault::wrong;
use base::Result;
use globset::{Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The file that says what is protected.
pub const SETTINGS: &str = "guard.toml";
/// The signed manifest.
pub const LOCK: &str = "guard.lock";
/// Inside the guarded folder: the first store, the quarantine, the ledger.
pub const HOME: &str = ".guard";
/// The class of `guard.toml` itself.
pub const OWN_CLASS: &str = "guard";
/// Files are held in memory while they are judged.
pub const LARGEST_FILE_BYTES: u64 = 64 << 20;

/// What editors and tools leave for a moment beside the file they write.
const PASSING: [&str; 13] = [
    "**/*~",
    "**/.*.sw?",
    "**/4913",
    "**/sed??????",
    "**/.#*",
    "**/#*#",
    "**/*.tmp",
    "**/*.orig",
    "**/*.rej",
    "**/*.bak",
    "**/.DS_Store",
    "**/.guard-*",
    "**/___jb_*",
];

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    protect: Vec<Protect>,
    #[serde(default)]
    guard: Options,
}

/// One `[[protect]]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protect {
    pub class: String,
    pub paths: Vec<String>,
    #[serde(default)]
    pub minimum: u64,
}

/// The `[guard]` table; every key may be left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the file"
)]
pub struct Options {
    /// Globs that are never protected.
    pub ignore: Vec<String>,
    /// Folders for copies, instead of `.guard` and one in the home folder.
    pub places: Vec<PathBuf>,
    /// The private key, instead of the one in the home folder.
    pub key: Option<PathBuf>,
    /// Below the guarded folder, what the server may write although it is locked in.
    pub writable: Vec<String>,
    /// Protected files lose their write permission.
    pub read_only: bool,
    /// Protected files get the immutable flag; needs root.
    pub immutable: bool,
    /// Commits and pipelines let edits and new files pass without a new manifest, and refuse
    /// losses alone; `guard.toml` itself is never free.
    pub free_edits: bool,
    /// Look every second instead of waiting for the kernel's hints, for instance on NFS.
    pub scan_only: bool,
    /// The watcher lets go of quarantine and drafts that are older; without it nothing goes
    /// by itself.
    pub keep_days: Option<u32>,
    /// Whether a second hard link to a protected file is left alone.
    pub allow_links: bool,
}

/// `guard.toml`, read and understood.
#[derive(Clone, Debug)]
pub struct Settings {
    pub protect: Vec<Protect>,
    pub options: Options,
    classes: Vec<GlobSet>,
    ignore: GlobSet,
    ignored_folders: GlobSet,
    ways: Vec<Way>,
}

/// The folders on the way to what a glob names, one part for each.
#[derive(Clone, Debug)]
struct Way(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Name(GlobMatcher),
    /// From here on everything.
    Anything,
}

impl Settings {
    pub fn parse(text: &str) -> Result<Settings> {
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| {
                text[..span.start.min(text.len())].matches('\n').count() + 1
            });
            wrong(format!("{SETTINGS}, line {line}: {}", error.message()))
        })?;
        if file.protect.is_empty() {
            return Err(wrong(format!(
                "{SETTINGS} protects nothing: add a [[protect]] table"
            )));
        }
        if file.guard.keep_days == Some(0) {
            return Err(wrong(format!("{SETTINGS}: keep_days is one day at least")));
        }
        let mut classes = vec![];
        for table in &file.protect {
            if table.class.is_empty() || table.class == OWN_CLASS || table.class.contains(char::is_whitespace)
            {
                return Err(wrong(format!(
                    "{SETTINGS}: {:?} cannot name a class",
                    table.class
                )));
            }
            if table.paths.is_empty() {
                return Err(wrong(format!("{SETTINGS}: class {} has no paths", table.class)));
            }
            classes.push(globs(table.paths.iter().map(String::as_str))?);
        }
        let ignored = || file.guard.ignore.iter().map(String::as_str);
        let ignore = globs(ignored().chain(PASSING))?;
        let ignored_folders = globs(ignored().filter_map(|glob| glob.strip_suffix("/**")))?;
        let ways = file.protect.iter().flat_map(|table| &table.paths);
        Ok(Settings {
            ways: ways.map(|glob| Way::of(glob)).collect(),
            protect: file.protect,
            options: file.guard,
            classes,
            ignore,
            ignored_folders,
        })
    }

    /// The class that protects this path; the first table that fits counts.
    pub fn class_of(&self, path: &str) -> Option<&str> {
        if path == SETTINGS {
            return Some(OWN_CLASS);
        }
        if path == LOCK || is_own(path) || self.ignore.is_match(path) {
            return None;
        }
        let table = self.classes.iter().position(|globs| globs.is_match(path))?;
        Some(&self.protect[table].class)
    }

    /// The least count of each class.
    pub fn minimums(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for table in &self.protect {
            *all.entry(table.class.clone()).or_default() += table.minimum;
        }
        all
    }

    /// Whether something in this folder, however deep, can be named by the globs; a walk
    /// need not enter the others.
    pub fn may_hold(&self, folder: &str) -> bool {
        folder.is_empty()
            || !is_own(folder)
                && !self.ignored_folders.is_match(folder)
                && self.ways.iter().any(|way| way.leads_through(folder))
    }

    pub(crate) fn places(&self, root: &Path) -> Vec<PathBuf> {
        if self.options.places.is_empty() {
            return vec![root.join(HOME), home_of(root)];
        }
        self.options.places.iter().map(|place| root.join(place)).collect()
    }

    pub(crate) fn key_path(&self, root: &Path) -> PathBuf {
        match &self.options.key {
            Some(path) => root.join(path),
            None => state_folder().join("guard.key"),
        }
    }
}

/// True when `path` lies in the folder `folder`; everything lies in `""`.
pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// What belongs to the guard or to git is not protected by globs.
pub(crate) fn is_own(path: &str) -> bool {
    path == HOME || is_below(path, HOME) || path.split('/').any(|part| part.eq_ignore_ascii_case(".git"))
}

/// Whether a manifest may name this path: below the folder, in one spelling, and neither
/// git's nor the guard's own. A manifest comes with a clone, so it is a stranger's word.
pub(crate) fn may_be_protected(path: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
    path.split('/').all(plain) && !is_own(path) && path != LOCK
}

impl Way {
    fn of(glob: &str) -> Way {
        let mut parts = vec![];
        for part in glob.split('/') {
            let count = |sign: char| part.matches(sign).count();
            // A pair that opens here and closes in a later part cannot be taken apart.
            let whole =
                count('{') == count('}') && count('[') == count(']') && !part.contains('\\') && part != "**";
            match Glob::new(part) {
                Ok(glob) if whole => parts.push(Part::Name(glob.compile_matcher())),
                _ => {
                    parts.push(Part::Anything);
                    break;
                }
            }
        }
        Way(parts)
    }

    fn leads_through(&self, folder: &str) -> bool {
        let mut parts = self.0.iter();
        for name in folder.split('/') {
            match parts.next() {
                Some(Part::Name(glob)) if glob.is_match(name) => {}
                Some(Part::Anything) => return true,
                _ => return false,
            }
        }
        // The last part is for the file's own name.
        parts.next().is_some()
    }
}

pub(crate) fn globs<'a>(texts: impl Iterator<Item = &'a str>) -> Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for text in texts {
        if text.starts_with('/') || text.split('/').any(|part| part == "..") {
            return Err(wrong(format!(
                "the glob {text:?} leads out of the guarded folder"
            )));
        }
        let glob = GlobBuilder::new(text)
            .literal_separator(true)
            .build()
            .map_err(|error| wrong(format!("the glob {text:?} is wrong: {}", error.kind())))?;
        set.add(glob);
    }
    set.build().map_err(|error| wrong(error.to_string()))
}

fn state_folder() -> PathBuf {
    match std::env::home_dir() {
        Some(home) if home.is_absolute() => home.join(".local/state/mundo-guard"),
        _ => PathBuf::from("/var/lib/mundo-guard"),
    }
}

/// Where the second copy of this folder's files lies by default.
fn home_of(root: &Path) -> PathBuf {
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    let hash = crate::Hash::of(root.as_os_str().as_encoded_bytes());
    state_folder().join(format!("{name}-{}", hash.short()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_class_that_fits_counts_and_passing_files_have_none() {
        let text = r#"
            [[protect]]
            class = "agents"
            paths = ["agents/*/*.toml", "README.md"]
            minimum = 2
            [[protect]]
            class = "rest"
            paths = ["agents/**"]
        "#;
        let settings = Settings::parse(text).unwrap();
        assert_eq!(settings.class_of("agents/a/b.toml"), Some("agents"));
        assert_eq!(settings.class_of("agents/a/b/c.toml"), Some("rest"));
        assert_eq!(settings.class_of("agents/a/b.toml~"), None);
        assert_eq!(settings.class_of("src/a"), None);
        assert_eq!(settings.class_of("guard.toml"), Some("guard"));
        assert_eq!(settings.class_of("guard.lock"), None);
    }

    #[test]
    fn a_walk_enters_only_what_the_globs_can_name() {
        let text = r#"
            [[protect]]
            class = "a"
            paths = ["agents/*/deep/*.toml", "README.md", "pages/**/*.txt", "src/{x,y/z}/*.c", "vendor/**"]
            [guard]
            ignore = ["**/node_modules/**", "pages/old/**"]
        "#;
        let settings = Settings::parse(text).unwrap();
        for folder in [
            "",
            "agents",
            "agents/b",
            "agents/b/deep",
            "pages/a/b",
            "src/y/z",
            "vendor/x",
        ] {
            assert!(settings.may_hold(folder), "{folder}");
        }
        for folder in [
            "pages/node_modules",
            "pages/old",
            "agents/b/deep/er",
            "agents/b/other",
            ".git",
            ".guard/tmp",
            "vendor/sub/.git",
        ] {
            assert!(!settings.may_hold(folder), "{folder}");
        }
    }

    #[test]
    fn a_manifest_names_nothing_outside_and_nothing_of_gits_or_ours() {
        for path in ["a", "a/b.c", ".github/x", "a/..b", "…"] {
            assert!(may_be_protected(path), "{path}");
        }
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "a/",
            "./a",
            "a/.",
            ".git/hooks/post-checkout",
            "sub/.GIT/config",
            ".guard/turn",
            "guard.lock",
            "a\0b",
        ] {
            assert!(!may_be_protected(path), "{path}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let refusal = |text: &str| crate::say(&Settings::parse(text).unwrap_err());
        assert!(refusal("").contains("protects nothing"));
        assert!(
            refusal("[[protect]]\nclass = \"a\"\npath = []").starts_with("guard.toml, line 3: unknown field")
        );
        assert!(refusal("[[protect]]\nclass = \"a\"\npaths = [\"../x\"]").contains("leads out"));
        assert!(refusal("[[protect]]\nclass = \"a\"\npaths = [\"a[\"]").contains("is wrong"));
    }
}
