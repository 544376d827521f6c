//! Whether a program has a file open for writing, as far as `/proc` tells.
//!
//! `generate > page.txt` empties the file at once and writes when it is done: while
//! somebody holds the file, its emptiness is half of a save. Programs of other
//! people, and other systems than Linux, are not seen; they get the shorter wait.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

pub(crate) fn is_held(file: &Path) -> bool {
    let Ok(wanted) = fs::symlink_metadata(file) else {
        return false;
    };
    let is_process = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut processes = entries(Path::new("/proc")).filter(is_process);
    processes.any(|process| {
        entries(&process.join("fd")).any(|open| {
            let same = fs::metadata(&open)
                .is_ok_and(|meta| (meta.dev(), meta.ino()) == (wanted.dev(), wanted.ino()));
            same && writes(&process, &open)
        })
    })
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let all = fs::read_dir(folder).into_iter().flatten().flatten();
    all.map(|entry| entry.path())
}

/// The last digit of a descriptor's octal flags is its access: 1 writes, 2 does both.
fn writes(process: &Path, open: &Path) -> bool {
    let number = open.file_name().unwrap_or_default();
    let info = fs::read_to_string(process.join("fdinfo").join(number)).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.is_some_and(|flags| flags.trim().ends_with(['1', '2']))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_writer_holds_and_a_reader_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let writer = fs::File::create(&path).unwrap();
        assert!(is_held(&path));
        drop(writer);
        let _reader = fs::File::open(&path).unwrap();
        assert!(!is_held(&path));
        assert!(!is_held(&folder.path().join("nothing")));
    }
}
