//! Prevention and attribution, as far as this kernel and this user allow; what is not
//! allowed is said, not passed over.

use crate::support::{Scene, Watching, again};
use guard::{What, Who};
use std::{
    fs::{self, OpenOptions},
    io::ErrorKind,
    process::Command,
};

#[test]
fn a_confined_process_and_its_children_cannot_touch_protected_files() {
    let scene = Scene::new();
    let before = scene.shapes();
    let output = again("levels::confined", &scene).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("confined: true") || text.contains("confined: false"),
        "{text}"
    );
    assert_eq!(scene.shapes(), before);
}

/// Not a test: gives up its rights and tries.
#[test]
#[ignore = "started by the test above"]
fn confined() {
    let Some(scene) = Scene::inherited() else { return };
    fs::create_dir_all(scene.path("data/inner")).unwrap();
    let outside = scene.outside();
    let level = guard::confine(&scene.root(), &[scene.path("data")]);
    println!("confined: {}: {}", level.active, level.why);
    if !level.active {
        return;
    }
    let victim = scene.path("agents/a/1.toml");
    let denied = |result: std::io::Result<()>| {
        let kind = result.unwrap_err().kind();
        assert!(
            matches!(kind, ErrorKind::PermissionDenied | ErrorKind::CrossesDevices),
            "{kind:?}"
        );
    };
    denied(fs::remove_file(&victim));
    denied(fs::rename(&victim, scene.path("agents/a/away")));
    denied(fs::rename(&victim, outside.join("away")));
    denied(fs::rename(scene.path("agents/a"), scene.path("agents/z")));
    denied(fs::write(&victim, ""));
    denied(OpenOptions::new().append(true).open(&victim).map(drop));
    fs::write(outside.join("over"), "over").unwrap();
    denied(fs::rename(outside.join("over"), &victim));
    // Its data is its own, and so is everything beside the guarded folder.
    fs::write(scene.path("data/inner/file"), "data").unwrap();
    fs::rename(scene.path("data/inner/file"), scene.path("data/file")).unwrap();
    fs::remove_file(scene.path("data/file")).unwrap();
    fs::remove_file(outside.join("over")).unwrap();
    for script in ["rm -rf agents", ": > README.md", "mv pages away"] {
        let status = Command::new("sh")
            .args(["-c", script])
            .current_dir(scene.root())
            .output()
            .unwrap()
            .status;
        assert!(!status.success(), "{script}");
    }
    // What is in it may go, itself it may not.
    denied(fs::remove_dir_all(scene.path("data")));
    assert!(!scene.path("data/inner").exists() && scene.path("data").exists());
}

#[test]
fn read_only_and_immutable_files_are_kept_so_and_lifted_for_an_edit() {
    let scene = Scene::bare();
    let asks = scene.read("guard.toml").unwrap() + "read_only = true\nimmutable = true\n";
    scene.write("guard.toml", &asks);
    let guard = scene.guard();
    guard.init().unwrap();
    let levels = guard.harden().unwrap();
    let find = |name: &str| levels.iter().find(|level| level.name == name).unwrap().clone();
    assert!(!find("read-only").why.is_empty());
    let path = scene.path("README.md");
    if find("immutable").active {
        assert_eq!(
            fs::remove_file(&path).unwrap_err().kind(),
            ErrorKind::PermissionDenied
        );
        fs::write(&path, "").unwrap_err();
    } else {
        println!("not immutable here: {}", find("immutable").why);
    }
    guard
        .open_edit(&["README.md".to_owned()], std::time::Duration::from_mins(1))
        .unwrap();
    guard.soften(false).unwrap();
    fs::write(&path, "edited\n").unwrap();
    let lock = guard.close_edit(None).unwrap();
    assert_eq!(lock.entries["README.md"].size_bytes, 7);
    assert!(fs::remove_file(scene.path("pages/0.txt")).is_err() || !find("immutable").active);
    guard.soften(true).unwrap();
}

#[test]
fn a_deletion_names_the_program() {
    deletions(20);
}

#[test]
#[ignore = "takes a minute"]
fn a_thousand_deletions_name_the_program() {
    deletions(1000);
}

fn deletions(count: usize) {
    let scene = Scene::on_disk();
    scene.rest();
    let before = scene.shapes();
    let (guard, how) = scene.guard().attributed();
    let watching = Watching::with(&scene, guard);
    watching.until_seen();
    let paths: Vec<&String> = before.keys().filter(|path| path.starts_with("agents/")).collect();
    for round in 0..count / 10 {
        for path in paths.iter().cycle().skip(round * 3).take(10) {
            let mut command = Command::new("/bin/rm");
            assert!(
                command
                    .arg("-f")
                    .arg(scene.path(path))
                    .status()
                    .unwrap()
                    .success()
            );
        }
        watching.until_like(&before);
    }
    watching.stop();
    let records = scene.guard().records().unwrap();
    let named = records.iter().filter_map(|record| match &record.what {
        What::Restored { by, .. } => Some(by),
        _ => None,
    });
    let named: Vec<&Who> = named.collect();
    assert!(named.len() >= count * 9 / 10);
    if !how.starts_with("fanotify tells") {
        assert!(named.iter().all(|who| matches!(who, Who::Unknown { .. })));
        println!("no attribution here: {how}");
        return;
    }
    let right = named
        .iter()
        .filter(|who| matches!(who, Who::Process { executable, .. } if executable.ends_with("/rm")));
    let right = right.count();
    // The parent is read from /proc, and a quick `rm` may be gone before that.
    let own = std::env::current_exe().unwrap().display().to_string();
    let parents = named.iter().filter(|who| {
        matches!(who, Who::Process { parents, .. } if parents.first().is_some_and(|parent| parent.starts_with(&own)))
    });
    println!(
        "{right} of {} deletions name rm, {} its parent",
        named.len(),
        parents.count()
    );
    let wrong: Vec<_> = named
        .iter()
        .filter(|who| !who.to_string().contains("/rm "))
        .take(3)
        .collect();
    assert!(
        right * 100 >= named.len() * 99,
        "{right} of {}: {wrong:?}",
        named.len()
    );
}
