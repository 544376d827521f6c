//! A guarded folder that is damaged, and the oracle that looks at it afterwards.

use base::{Clock, Entropy};
use guard::{Demand, Guard, Hash, Watcher, What};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::fd::OwnedFd,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tempfile::TempDir;

pub const SETTINGS: &str = r#"
[[protect]]
class = "agents"
paths = ["agents/**"]
minimum = 12

[[protect]]
class = "pages"
paths = ["pages/*.txt", "README.md"]
minimum = 5

[guard]
places = [".guard", "../copies"]
key = "../guard.key"
"#;

const FOLDER: &str = "MUNDO_TEST_GUARD_FOLDER";

/// This test program again, as a child that runs one function.
pub fn again(name: &str, scene: &Scene) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the test program has a path"));
    command
        .args([name, "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, &scene.base);
    command
}

/// A file as the oracle compares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    pub bytes: Vec<u8>,
    pub mode: u32,
    pub links: u64,
}

/// A guarded folder with 18 files, and all that belongs to it.
#[derive(Clone)]
pub struct Scene {
    base: PathBuf,
    /// Deleted with the last clone; nothing in a child that was given the folder.
    _folder: Option<Arc<TempDir>>,
}

impl Scene {
    pub fn new() -> Scene {
        let scene = Scene::bare();
        scene.guard().init().expect("the guard is set up");
        scene
    }

    /// The files, and no manifest yet.
    pub fn bare() -> Scene {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        Scene::fill(folder.expect("there is a temporary folder"))
    }

    /// A guarded folder on the machine's own disk.
    pub fn on_disk() -> Scene {
        let scene = Scene::fill(tempfile::tempdir().expect("there is a temporary folder"));
        scene.guard().init().expect("the guard is set up");
        scene
    }

    fn fill(folder: TempDir) -> Scene {
        let scene = Scene {
            base: folder.path().to_owned(),
            _folder: Some(Arc::new(folder)),
        };
        scene.write("guard.toml", SETTINGS);
        for n in 0..6 {
            scene.write(
                &format!("agents/a/{n}.toml"),
                &format!("agent = {n}\n").repeat(20 + n),
            );
            scene.write(
                &format!("agents/b/c/{n}.toml"),
                &format!("deep = {n}\n").repeat(30 + n),
            );
        }
        for n in 0..4 {
            scene.write(&format!("pages/{n}.txt"), &format!("page {n}\n").repeat(9 + n));
        }
        scene.write("README.md", "a readme\n");
        scene.write("pages/run.txt", "#!/bin/sh\n");
        let run = fs::Permissions::from_mode(0o755);
        fs::set_permissions(scene.path("pages/run.txt"), run).expect("the mode is set");
        scene
    }

    /// In a child: the folder that its parent prepared.
    pub fn inherited() -> Option<Scene> {
        let base = PathBuf::from(std::env::var_os(FOLDER)?);
        Some(Scene { base, _folder: None })
    }

    pub fn until(&self, what: &str, mut test: impl FnMut() -> bool) {
        let began = Instant::now();
        while !test() {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "waited in vain for {what}"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn root(&self) -> PathBuf {
        self.base.join("root")
    }

    pub fn copies(&self) -> PathBuf {
        self.base.join("copies")
    }

    /// A folder beside the guarded one.
    pub fn outside(&self) -> PathBuf {
        let outside = self.base.join("outside");
        fs::create_dir_all(&outside).expect("a folder is made");
        outside
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder is made");
        fs::write(path, text).expect("a file is written");
    }

    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    pub fn guard(&self) -> Guard {
        Guard::open(&self.root(), Clock::system(), Entropy::system()).expect("the guard opens")
    }

    /// Gives every file a time well in the past and lets the guard see it.
    pub fn rest(&self) {
        let past = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for path in self.shapes().keys() {
            let file = fs::File::options()
                .append(true)
                .open(self.path(path))
                .expect("a file opens");
            file.set_times(fs::FileTimes::new().set_modified(past))
                .expect("a time is set");
        }
        let report = self.guard().pass(&Demand::all(true)).expect("a pass");
        assert!(report.is_whole(), "{report:?}");
    }

    /// The protected files as they are now.
    pub fn shapes(&self) -> BTreeMap<String, Shape> {
        let mut shapes = BTreeMap::new();
        gather(&self.root(), &self.root(), &mut shapes);
        shapes
    }

    /// Every byte that is kept anywhere by the guard, by hash, according to the ledger.
    pub fn quarantined(&self, guard: &Guard) -> BTreeSet<Vec<u8>> {
        let records = guard.records().expect("the ledger is read");
        let kept = records.into_iter().filter_map(|record| match record.what {
            What::Quarantined {
                blake3: Some(hash), ..
            } => Some(object(guard, hash)),
            _ => None,
        });
        kept.collect()
    }

    /// The oracle: the tree is identical, foreign bytes are kept, the ledgers are sound and the same.
    pub fn judge(&self, before: &BTreeMap<String, Shape>, foreign: &[Vec<u8>], what: &str) {
        let guard = self.guard();
        let after = self.shapes();
        for (path, shape) in before {
            assert_eq!(after.get(path), Some(shape), "{what}: {path}");
        }
        assert_eq!(
            after.keys().collect::<Vec<_>>(),
            before.keys().collect::<Vec<_>>(),
            "{what}"
        );
        let kept = self.quarantined(&guard);
        for bytes in foreign {
            assert!(
                kept.contains(bytes),
                "{what}: foreign bytes are lost: {:?}",
                String::from_utf8_lossy(bytes)
            );
        }
        let ledgers =
            [self.path(".guard/ledger"), self.copies().join("ledger")].map(|path| fs::read(path).unwrap());
        assert!(
            guard::verify_ledger(&ledgers[0]).expect("the ledger is sound") > 0,
            "{what}"
        );
        assert!(ledgers[0] == ledgers[1], "{what}: the ledgers differ");
        let left: Vec<_> = fs::read_dir(self.path(".guard/tmp"))
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        assert!(left.is_empty(), "{what}: {left:?} is left over");
        let report = guard.pass(&Demand::all(false)).expect("a pass");
        assert!(
            report.is_whole() && report.drafts.is_empty(),
            "{what}: {report:?}"
        );
    }
}

/// Flips a bit of a file, size and time as before, and answers the bytes. In one step: whoever
/// saw the bytes with a new time in between would rightly take them for an edit.
pub fn flip(place: &Path, spare: &Path, at: usize) -> Option<Vec<u8>> {
    let meta = fs::metadata(place).ok()?;
    let mut bytes = fs::read(place).ok()?;
    *bytes.get_mut(at)? ^= 1;
    fs::write(spare, &bytes).ok()?;
    fs::set_permissions(spare, meta.permissions()).ok()?;
    let file = fs::File::options().append(true).open(spare).ok()?;
    file.set_times(fs::FileTimes::new().set_modified(meta.modified().ok()?))
        .ok()?;
    fs::rename(spare, place).ok()?;
    Some(bytes)
}

fn object(guard: &Guard, hash: Hash) -> Vec<u8> {
    guard.object(hash).expect("quarantined bytes are kept")
}

fn gather(root: &Path, folder: &Path, shapes: &mut BTreeMap<String, Shape>) {
    // What goes while it is looked at is not there.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, Ok(meta)) = (entry.path(), entry.metadata()) else {
            continue;
        };
        let name = path
            .strip_prefix(root)
            .expect("it lies below")
            .to_string_lossy()
            .into_owned();
        if name == ".guard" || name == ".git" {
            continue;
        }
        if meta.is_dir() {
            gather(root, &path, shapes);
        } else {
            let bytes = if meta.is_file() {
                fs::read(&path).unwrap_or_default()
            } else {
                b"not a file".to_vec()
            };
            shapes.insert(
                name,
                Shape {
                    bytes,
                    mode: meta.mode() & 0o7777,
                    links: meta.nlink(),
                },
            );
        }
    }
}

/// A watcher in a thread of its own.
pub struct Watching {
    scene: Scene,
    passes: Arc<AtomicUsize>,
    quiet: Arc<AtomicBool>,
    end: OwnedFd,
    thread: JoinHandle<()>,
}

impl Watching {
    pub fn start(scene: &Scene) -> Watching {
        Watching::with(scene, scene.guard())
    }

    pub fn with(scene: &Scene, guard: Guard) -> Watching {
        let (until, end) = rustix::pipe::pipe().expect("a pipe is made");
        let passes = Arc::new(AtomicUsize::new(0));
        let quiet = Arc::new(AtomicBool::new(false));
        let (counter, rest) = (passes.clone(), quiet.clone());
        let thread = std::thread::spawn(move || {
            let watcher = Watcher::new(&guard, "none".to_owned()).expect("nobody else watches");
            let heard = |report: &base::Result<guard::Report>| {
                if let Err(error) = report {
                    eprintln!("{error}");
                }
                let later = report.as_ref().map_or(true, |report| report.later.is_some());
                rest.store(!later, Ordering::SeqCst);
                counter.fetch_add(1, Ordering::SeqCst);
            };
            watcher
                .run(Some(&until), || {}, heard)
                .expect("the watcher goes on");
        });
        Watching {
            scene: scene.clone(),
            passes,
            quiet,
            end,
            thread,
        }
    }

    /// Until the watcher has compared everything once.
    pub fn until_seen(&self) {
        self.until("its first pass", || self.passes() > 0);
    }

    /// Until the folder is as it was, and the guard says so.
    pub fn until_like(&self, before: &BTreeMap<String, Shape>) {
        self.until_seen();
        let (began, mut last) = (Instant::now(), String::new());
        loop {
            let now = self.scene.shapes();
            let wrong: Vec<_> = before
                .iter()
                .filter(|(path, shape)| now.get(*path) != Some(shape))
                .collect();
            if wrong.is_empty() && now.len() == before.len() {
                let report = self.scene.guard().pass(&Demand::all(false));
                if report.as_ref().is_ok_and(guard::Report::is_whole) {
                    return;
                }
                last = format!("{report:?}");
            } else if let Some((path, shape)) = wrong.first() {
                last = format!("{path} is {:?} instead of {shape:?}", now.get(*path));
            }
            assert!(!self.thread.is_finished(), "the watcher ended");
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "it is not restored: {last}"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// How often the watcher has looked.
    pub fn passes(&self) -> usize {
        self.passes.load(Ordering::SeqCst)
    }

    /// Whether the last pass left nothing for later.
    pub fn is_quiet(&self) -> bool {
        self.quiet.load(Ordering::SeqCst)
    }

    pub fn until(&self, what: &str, test: impl Fn() -> bool) {
        let began = Instant::now();
        while !test() {
            assert!(
                !self.thread.is_finished(),
                "the watcher ended while waiting for {what}"
            );
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "waited in vain for {what}; the last that happened: {:#?}",
                self.scene.guard().records().map(|records| records
                    .into_iter()
                    .rev()
                    .take(6)
                    .collect::<Vec<_>>())
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn stop(self) {
        drop(self.end);
        self.thread.join().expect("the watcher ends well");
    }
}
