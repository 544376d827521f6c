//! The fault matrix: every fault, with the guard up, down and booting.

use crate::support::{Scene, Shape, Watching, flip};
use guard::{Demand, Step};
use rustix::fs::{CWD, Mode, mkfifoat};
use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions, Permissions},
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    sync::{Arc, Mutex},
};

/// Does damage and answers the foreign bytes that must be found in the quarantine.
type Damage = fn(&Scene) -> Vec<Vec<u8>>;

const VICTIM: &str = "agents/a/3.toml";
const FOREIGN: &[u8] = b"something foreign\n";

/// Every fault with its name.
const FAULTS: &[(&str, Damage)] = &[
    ("truncated to nothing", |scene| {
        OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(scene.path(VICTIM))
            .unwrap();
        vec![]
    }),
    ("deleted", |scene| {
        fs::remove_file(scene.path(VICTIM)).unwrap();
        vec![]
    }),
    ("renamed away", |scene| {
        fs::rename(scene.path(VICTIM), scene.outside().join("taken")).unwrap();
        vec![]
    }),
    ("renamed over by nothing", |scene| {
        fs::write(scene.outside().join("empty"), "").unwrap();
        fs::rename(scene.outside().join("empty"), scene.path(VICTIM)).unwrap();
        vec![]
    }),
    ("closed to its owner", |scene| {
        fs::set_permissions(scene.path(VICTIM), Permissions::from_mode(0o0)).unwrap();
        vec![]
    }),
    ("opened to the world", |scene| {
        fs::set_permissions(scene.path(VICTIM), Permissions::from_mode(0o4777)).unwrap();
        vec![]
    }),
    ("a symbolic link in its place", |scene| {
        fs::write(scene.outside().join("target"), FOREIGN).unwrap();
        fs::remove_file(scene.path(VICTIM)).unwrap();
        symlink(scene.outside().join("target"), scene.path(VICTIM)).unwrap();
        vec![
            scene
                .outside()
                .join("target")
                .as_os_str()
                .as_encoded_bytes()
                .to_vec(),
        ]
    }),
    ("a hard link in its place", |scene| {
        fs::write(scene.outside().join("target"), FOREIGN).unwrap();
        fs::remove_file(scene.path(VICTIM)).unwrap();
        fs::hard_link(scene.outside().join("target"), scene.path(VICTIM)).unwrap();
        vec![FOREIGN.to_vec()]
    }),
    ("a second name", |scene| {
        fs::hard_link(scene.path(VICTIM), scene.outside().join("second")).unwrap();
        vec![]
    }),
    ("a folder in its place", |scene| {
        fs::remove_file(scene.path(VICTIM)).unwrap();
        fs::create_dir_all(scene.path(VICTIM).join("inner")).unwrap();
        fs::write(scene.path(VICTIM).join("inner/file"), FOREIGN).unwrap();
        vec![FOREIGN.to_vec()]
    }),
    ("a FIFO in its place", |scene| {
        fs::remove_file(scene.path(VICTIM)).unwrap();
        mkfifoat(CWD, scene.path(VICTIM), Mode::from_raw_mode(0o644)).unwrap();
        vec![]
    }),
    ("its folder deleted", |scene| {
        // The guard may put files back while the rest is still going.
        let _ = fs::remove_dir_all(scene.path("agents"));
        vec![]
    }),
    ("its folder moved", |scene| {
        fs::rename(scene.path("agents/a"), scene.outside().join("a")).unwrap();
        vec![]
    }),
    ("its folder moved and back", |scene| {
        fs::rename(scene.path("agents/a"), scene.outside().join("b")).unwrap();
        // Whether the guard was quicker does not matter.
        let _ = fs::rename(scene.outside().join("b"), scene.path("agents/a"));
        vec![]
    }),
    ("its folder replaced by a link", |scene| {
        fs::rename(scene.path("agents/a"), scene.outside().join("c")).unwrap();
        // The guard may have made it again already.
        let _ = symlink(scene.outside().join("c"), scene.path("agents/a"));
        vec![]
    }),
    ("its folder replaced by a file", |scene| {
        take_away(scene, &scene.path("agents/b"));
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(scene.path("agents/b"))
        {
            Ok(mut file) => {
                file.write_all(FOREIGN).unwrap();
                vec![FOREIGN.to_vec()]
            }
            Err(_) => vec![],
        }
    }),
    ("one bit flipped, size and time as before", |scene| {
        vec![flip(&scene.path(VICTIM), &scene.outside().join("spare"), 7).unwrap()]
    }),
    ("grown beyond what is guarded", |scene| {
        let file = OpenOptions::new().write(true).open(scene.path(VICTIM)).unwrap();
        file.set_len((64 << 20) + 1).unwrap();
        vec![]
    }),
    ("the near store deleted", |scene| {
        take_away(scene, &scene.path(".guard/objects"));
        fs::remove_file(scene.path(VICTIM)).unwrap();
        vec![]
    }),
    ("the far store deleted", |scene| {
        take_away(scene, &scene.copies());
        fs::remove_file(scene.path(VICTIM)).unwrap();
        vec![]
    }),
    ("the near store corrupted", |scene| {
        damage_all(&scene.path(".guard/objects"));
        fs::remove_file(scene.path(VICTIM)).unwrap();
        vec![]
    }),
    ("a ledger torn", |scene| {
        let path = scene.path(".guard/ledger");
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        fs::remove_file(scene.path(VICTIM)).unwrap();
        vec![]
    }),
    ("the manifest corrupted", |scene| {
        let mut bytes = fs::read(scene.path("guard.lock")).unwrap();
        bytes[100] ^= 1;
        fs::write(scene.path("guard.lock"), &bytes).unwrap();
        fs::remove_file(scene.path(VICTIM)).unwrap();
        vec![bytes]
    }),
    ("the manifest shortened by a line", |scene| {
        let text = scene.read("guard.lock").unwrap();
        let short: Vec<&str> = text.lines().filter(|line| !line.contains(VICTIM)).collect();
        fs::write(scene.path("guard.lock"), short.join("\n")).unwrap();
        fs::remove_file(scene.path(VICTIM)).unwrap();
        vec![short.join("\n").into_bytes()]
    }),
    ("manifest and settings deleted", |scene| {
        fs::remove_file(scene.path("guard.lock")).unwrap();
        fs::remove_file(scene.path("guard.toml")).unwrap();
        vec![]
    }),
    ("all emptied at once", |scene| {
        for path in scene.shapes().keys() {
            fs::write(scene.path(path), "").unwrap();
        }
        vec![]
    }),
];

/// In one step, since the guard may be writing into it.
fn take_away(scene: &Scene, folder: &Path) {
    fs::rename(folder, scene.outside().join("taken away")).unwrap();
}

fn damage_all(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            damage_all(&path);
        } else {
            let length = fs::metadata(&path).unwrap().len() as usize;
            fs::remove_file(&path).unwrap();
            fs::write(&path, "x".repeat(length)).unwrap();
        }
    }
}

/// When the fault happens.
#[derive(Clone, Copy, Debug)]
enum When {
    Up,
    Down,
    Booting,
}

#[test]
fn every_fault_is_undone_with_the_guard_up_down_and_booting() {
    for when in [When::Down, When::Booting, When::Up] {
        for (name, damage) in FAULTS {
            let scene = Scene::new();
            scene.rest();
            let before = scene.shapes();
            let foreign = run(&scene, when, *damage, &before);
            scene.judge(&before, &foreign, &format!("{name} ({when:?})"));
        }
    }
}

fn run(scene: &Scene, when: When, damage: Damage, before: &BTreeMap<String, Shape>) -> Vec<Vec<u8>> {
    match when {
        When::Down => {
            let foreign = damage(scene);
            let report = scene.guard().boot(true).unwrap();
            assert!(report.is_whole(), "{report:?}");
            foreign
        }
        When::Booting => {
            // A first loss makes the start restore; in its midst the fault happens.
            fs::remove_file(scene.path("pages/1.txt")).unwrap();
            let found = Arc::new(Mutex::new(None));
            let (place, hit) = (scene.clone(), found.clone());
            let guard = scene.guard().with_probe(Arc::new(move |step, _| {
                let mut hit = hit.lock().unwrap();
                if step == Step::Written && hit.is_none() {
                    *hit = Some(damage(&place));
                }
                Ok(())
            }));
            guard.boot(true).unwrap();
            // What came after the comparison is the watcher's; its first look is a full one.
            let watching = Watching::start(scene);
            watching.until_like(before);
            watching.stop();
            found.lock().unwrap().clone().expect("the fault happened")
        }
        When::Up => {
            let watching = Watching::start(scene);
            watching.until_seen();
            let foreign = damage(scene);
            watching.until_like(before);
            watching.stop();
            foreign
        }
    }
}

#[test]
fn a_verification_finds_every_fault_and_changes_nothing() {
    for (name, damage) in FAULTS {
        let scene = Scene::new();
        scene.rest();
        let before = scene.shapes();
        damage(&scene);
        let after = scene.shapes();
        let report = scene.guard().pass(&Demand::all(false)).unwrap();
        assert_eq!(report.is_whole(), before == after, "{name}: {report:?}");
        assert_eq!(scene.shapes(), after, "{name}");
    }
}

#[test]
fn what_rests_in_a_folder_in_a_files_place_is_no_new_file() {
    let scene = Scene::new();
    scene.rest();
    let before = scene.shapes();
    fs::remove_file(scene.path(VICTIM)).unwrap();
    fs::create_dir(scene.path(VICTIM)).unwrap();
    let inner = scene.path(VICTIM).join("inner");
    fs::write(&inner, FOREIGN).unwrap();
    // It has been there for long, as when the guard was stopped.
    let file = fs::File::options().append(true).open(inner).unwrap();
    let past = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    file.set_times(fs::FileTimes::new().set_modified(past)).unwrap();
    scene.guard().boot(true).unwrap();
    scene.judge(&before, &[FOREIGN.to_vec()], "a folder that rests");
    // The other way round: a file where a folder was.
    fs::rename(scene.path("agents/b"), scene.outside().join("b")).unwrap();
    scene.write("agents/b", "a file that rests");
    let file = fs::File::options()
        .append(true)
        .open(scene.path("agents/b"))
        .unwrap();
    file.set_times(fs::FileTimes::new().set_modified(past)).unwrap();
    scene.guard().boot(true).unwrap();
    scene.judge(&before, &[b"a file that rests".to_vec()], "a file that rests");
}
