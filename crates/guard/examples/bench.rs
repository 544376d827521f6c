//! Measures what a loss costs: `cargo run --release -p guard --example bench`.
//!
//! 300 files on the disk of the temporary folder; a watcher in the same process.

use base::{Clock, Entropy};
use guard::{Demand, Guard, Watcher};
use rustix::fs::{Advice, fadvise};
use std::{
    fs::{self, File},
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

const SETTINGS: &str = "[[protect]]\nclass = \"all\"\npaths = [\"files/**\"]\nminimum = 300\n\
                        [guard]\nplaces = [\".guard\", \"../copies\"]\nkey = \"../key\"\n";

fn main() {
    let base = tempfile::tempdir().expect("a temporary folder");
    let root = base.path().join("root");
    for n in 0..300 {
        let path = root.join(format!("files/{}/{n}.txt", n / 50));
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
        fs::write(&path, format!("line {n}\n").repeat(400)).expect("a file is written");
    }
    fs::write(root.join("guard.toml"), SETTINGS).expect("the settings are written");
    let guard = open(&root);
    guard.init().expect("the guard is set up");
    drop(guard);

    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load of the machine: {}", load.trim());
    let warm = samples(30, || verify(&root));
    let cold = samples(30, || {
        forget(&root);
        verify(&root)
    });
    tell("verify 300 files, from an opened folder, cached", warm);
    tell("verify 300 files, out of the page cache", cold);

    let (until, end) = rustix::pipe::pipe().expect("a pipe");
    let (watched, ready, count) = (open(&root), AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let watcher = Watcher::new(&watched, String::new()).expect("nobody else watches");
            watcher
                .run(Some(&until), || {}, |_| ready.store(true, Ordering::SeqCst))
                .expect("the watcher goes on");
        });
        while !ready.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut n = 0;
        let file = samples(300, || {
            n = (n + 7) % 300;
            back_again(&[root.join(format!("files/{}/{n}.txt", n / 50))], |paths| {
                fs::remove_file(&paths[0])
            })
        });
        tell("a deleted file is back", file);
        let folder = samples(60, || {
            n = (n + 1) % 6;
            let paths: Vec<_> = (n * 50..n * 50 + 50)
                .map(|file| root.join(format!("files/{n}/{file}.txt")))
                .collect();
            // In one step: a slow removal would race with the restore.
            let gone = base
                .path()
                .join(format!("gone-{}", count.fetch_add(1, Ordering::SeqCst)));
            back_again(&paths, |_| fs::rename(root.join(format!("files/{n}")), &gone))
        });
        tell("a folder of 50, moved away, is back", folder);
        drop(end);
    });
}

fn open(root: &Path) -> Guard {
    Guard::open(root, Clock::system(), Entropy::system()).expect("the guard opens")
}

fn verify(root: &Path) -> Duration {
    let guard = open(root);
    let began = Instant::now();
    assert!(guard.pass(&Demand::all(false)).expect("a pass").is_whole());
    began.elapsed()
}

/// Takes the files out of the page cache, without disturbing others on the machine.
fn forget(root: &Path) {
    for folder in fs::read_dir(root.join("files")).expect("a folder").flatten() {
        for entry in fs::read_dir(folder.path()).expect("a folder").flatten() {
            let file = File::open(entry.path()).expect("a file");
            file.sync_all().expect("the file is on the disk");
            fadvise(&file, 0, None, Advice::DontNeed).expect("advice is taken");
        }
    }
}

/// From the loss to the moment when all files are whole again. Their sizes tell: a
/// restored file appears in one step.
fn back_again(
    paths: &[std::path::PathBuf],
    lose: impl Fn(&[std::path::PathBuf]) -> std::io::Result<()>,
) -> Duration {
    let sizes: Vec<u64> = paths
        .iter()
        .map(|path| fs::metadata(path).expect("a file").len())
        .collect();
    lose(paths).expect("it is lost");
    let began = Instant::now();
    let whole = || {
        paths
            .iter()
            .zip(&sizes)
            .all(|(path, size)| fs::metadata(path).is_ok_and(|meta| meta.len() == *size))
    };
    while !whole() {
        assert!(began.elapsed() < Duration::from_secs(20), "it does not come back");
        std::thread::sleep(Duration::from_micros(200));
    }
    let took = began.elapsed();
    // The ledger's last lines are written before the next loss.
    std::thread::sleep(Duration::from_millis(40));
    took
}

fn samples(count: usize, mut measure: impl FnMut() -> Duration) -> Vec<Duration> {
    let mut all: Vec<Duration> = (0..count).map(|_| measure()).collect();
    all.sort();
    all
}

fn tell(what: &str, all: Vec<Duration>) {
    let at = |part: usize| all[(all.len() * part / 100).min(all.len() - 1)];
    println!(
        "{what}: p50 {:.1?}, p99 {:.1?}, worst {:.1?} of {}",
        at(50),
        at(99),
        at(100),
        all.len()
    );
}
