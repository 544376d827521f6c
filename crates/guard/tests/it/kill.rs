//! `kill -9` at every step of a restore, in a process of its own.

use crate::support::{Scene, again};
use rustix::process::{Signal, getpid, kill_process};
use std::{
    fs,
    os::unix::fs::symlink,
    process::ExitStatus,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

const STEP: &str = "MUNDO_TEST_GUARD_STEP";

/// Five losses at once, of every sort that a restore treats in its own way.
fn damage(scene: &Scene) -> Vec<Vec<u8>> {
    fs::remove_file(scene.path("agents/a/1.toml")).unwrap();
    fs::write(scene.path("agents/a/2.toml"), "").unwrap();
    fs::remove_file(scene.path("agents/a/3.toml")).unwrap();
    fs::create_dir(scene.path("agents/a/3.toml")).unwrap();
    fs::write(scene.path("agents/a/3.toml/inner"), "in a folder").unwrap();
    fs::remove_dir_all(scene.path("agents/b")).unwrap();
    fs::write(scene.path("agents/b"), "not a folder").unwrap();
    fs::remove_file(scene.path("pages/0.txt")).unwrap();
    symlink("elsewhere", scene.path("pages/0.txt")).unwrap();
    fs::write(scene.path("guard.lock"), "nonsense").unwrap();
    ["in a folder", "not a folder", "elsewhere", "nonsense"]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
}

#[test]
fn a_restore_killed_at_any_step_is_finished_by_the_next() {
    let mut step = 0;
    loop {
        let scene = Scene::new();
        scene.rest();
        let before = scene.shapes();
        let foreign = damage(&scene);
        step += 1;
        let ended = restore_in_child(&scene, step);
        scene.guard().boot(true).unwrap();
        scene.judge(&before, &foreign, &format!("killed at step {step}"));
        if ended.success() {
            break;
        }
    }
    // Eleven files and the manifest, and several steps for each.
    assert!(step > 50, "only {step} steps were seen");
}

fn restore_in_child(scene: &Scene, step: usize) -> ExitStatus {
    let mut child = again("kill::child", scene);
    child
        .env(STEP, step.to_string())
        .status()
        .expect("the child starts")
}

/// Not a test: what the test above starts and what kills itself.
#[test]
#[ignore = "started by the test above"]
fn child() {
    let Some(scene) = Scene::inherited() else { return };
    let last: usize = std::env::var_os(STEP).unwrap().to_str().unwrap().parse().unwrap();
    let steps = Arc::new(AtomicUsize::new(0));
    let guard = scene.guard().with_probe(Arc::new(move |_, _| {
        if steps.fetch_add(1, Ordering::SeqCst) + 1 == last {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
        Ok(())
    }));
    guard.boot(true).unwrap();
}
