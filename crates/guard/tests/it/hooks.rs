//! The pre-commit hook and the pipeline, with a real git.

use crate::support::Scene;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn git(scene: &Scene, arguments: &[&str]) -> Output {
    git_in(&scene.root(), arguments)
}

fn git_in(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .arg("-C")
        .arg(folder)
        .args([
            "-c",
            "user.name=T",
            "-c",
            "user.email=t@example.test",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap()
}

const ROOT: &str = "MUNDO_TEST_GUARD_ROOT";

/// A repository whose hook is this test program.
fn repository() -> Scene {
    let scene = Scene::bare();
    assert!(git(&scene, &["init", "-q", "-b", "main"]).status.success());
    scene.guard().init().unwrap();
    let program = program(&scene);
    guard::install_hook(&scene.root(), &program).unwrap();
    commit(&scene, &["-A"], true, "");
    scene
}

/// A program named like ours, for the hook to call, that answers as ours does.
fn program(scene: &Scene) -> PathBuf {
    let program = scene.outside().join("mundo");
    let own = std::env::current_exe().unwrap();
    let text = format!(
        "#!/bin/sh\n{ROOT}=\"$3\" exec '{}' hooks::child --exact --ignored --nocapture\n",
        own.display()
    );
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

/// Commits, and checks whether the hook lets it through and what it says.
fn commit(scene: &Scene, add: &[&str], passes: bool, says: &str) {
    let mut arguments = vec!["add"];
    arguments.extend(add);
    assert!(git(scene, &arguments).status.success());
    let output = git(scene, &["commit", "-q", "-m", "a commit"]);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.success(), passes, "{text}");
    assert!(text.contains(says), "{text}");
}

/// Not a test: what the hook runs.
#[test]
#[ignore = "started by the hook"]
fn child() {
    let Some(root) = std::env::var_os(ROOT) else {
        return;
    };
    let problems = guard::hook(root.as_ref()).unwrap();
    for problem in &problems {
        println!("{problem}");
    }
    if !problems.is_empty() {
        std::process::exit(1);
    }
}

#[test]
fn a_commit_that_loses_something_does_not_pass() {
    let scene = repository();
    // Only deleting, and without anything in the folder to compare with.
    assert!(
        git(&scene, &["rm", "-q", "--cached", "agents/a/1.toml"])
            .status
            .success()
    );
    commit(&scene, &["README.md"], false, "agents/a/1.toml is gone");
    assert!(git(&scene, &["reset", "-q"]).status.success());
    // Emptied in the index alone.
    fs::write(scene.path("agents/a/2.toml"), "").unwrap();
    commit(&scene, &["agents/a/2.toml"], false, "agents/a/2.toml is empty");
    assert!(
        git(&scene, &["checkout", "-q", "-f", "HEAD", "--", "."])
            .status
            .success()
    );
    // An edit waits for the manifest.
    scene.write("agents/a/2.toml", "edited\n");
    commit(&scene, &["-A"], false, "guard accept");
    scene.guard().accept(&[], None).unwrap();
    commit(&scene, &["-A"], true, "");
    // So does a new file.
    scene.write("agents/a/7.toml", "new\n");
    commit(&scene, &["-A"], false, "not in the manifest yet");
    scene.guard().accept(&[], None).unwrap();
    commit(&scene, &["-A"], true, "");
    // The manifest cannot be thrown away, nor written by hand.
    assert!(
        git(&scene, &["rm", "-q", "--cached", "guard.lock"])
            .status
            .success()
    );
    commit(&scene, &["README.md"], false, "deletes guard.lock");
    assert!(git(&scene, &["reset", "-q"]).status.success());
    let lock = scene.read("guard.lock").unwrap();
    scene.write("guard.lock", &lock.replace("7.toml", "8.toml"));
    commit(&scene, &["-A"], false, "Merkle root");
    scene.write("guard.lock", &lock);
    // Letting go needs a reason, and then passes.
    scene
        .guard()
        .remove(&["agents/a/7.toml".to_owned()], "an experiment")
        .unwrap();
    commit(&scene, &["-A"], true, "");
    assert_eq!(guard::ci(&scene.root(), Some("HEAD~1")).unwrap(), []);
}

#[test]
fn a_pipeline_sees_what_a_commit_without_the_hook_did() {
    let scene = repository();
    assert_eq!(guard::ci(&scene.root(), None).unwrap(), []);
    fs::remove_dir_all(scene.path("agents/b")).unwrap();
    assert!(
        git(&scene, &["commit", "-q", "--no-verify", "-a", "-m", "clean up"])
            .status
            .success()
    );
    let problems = guard::ci(&scene.root(), Some("HEAD~1")).unwrap();
    assert_eq!(problems.len(), 6, "{problems:?}");
    // A manifest that was signed anew by a stranger, with fewer files, is a stranger's.
    let stranger = scene.outside();
    fs::write(
        stranger.join("guard.toml"),
        scene
            .read("guard.toml")
            .unwrap()
            .replace("minimum = 12", "minimum = 6"),
    )
    .unwrap();
    fs::remove_file(scene.path("guard.lock")).unwrap();
    fs::copy(stranger.join("guard.toml"), scene.path("guard.toml")).unwrap();
    for place in [scene.path(".guard"), scene.copies()] {
        fs::remove_dir_all(place).unwrap();
    }
    fs::remove_file(scene.root().parent().unwrap().join("guard.key")).unwrap();
    scene.guard().init().unwrap();
    assert_eq!(
        guard::ci(&scene.root(), None).unwrap(),
        [],
        "by itself it is sound"
    );
    let problems = guard::ci(&scene.root(), Some("HEAD~1")).unwrap();
    assert!(problems[0].to_string().contains("nobody trusts"), "{problems:?}");
}

#[test]
fn another_working_tree_is_checked_by_its_own_files() {
    let scene = repository();
    let other = scene.outside().join("other");
    let added = git(
        &scene,
        &["worktree", "add", "-q", "-b", "other", other.to_str().unwrap()],
    );
    assert!(added.status.success());
    let commit = |message: &str| {
        let output = git_in(&other, &["commit", "-q", "-m", message]);
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    assert!(git_in(&other, &["rm", "-q", "agents/a/1.toml"]).status.success());
    let (passes, says) = commit("a loss");
    assert!(!passes && says.contains("agents/a/1.toml is gone"), "{says}");
    assert!(git_in(&other, &["reset", "-q", "--hard"]).status.success());
    // What the first tree has lost is not the other's business.
    fs::remove_file(scene.path("guard.lock")).unwrap();
    fs::write(other.join("unguarded"), "text").unwrap();
    assert!(git_in(&other, &["add", "-A"]).status.success());
    assert!(commit("an addition").0);
}

#[test]
fn a_guarded_folder_deep_in_a_repository_is_checked_there() {
    let scene = Scene::bare();
    let top = scene.root().parent().unwrap().to_owned();
    assert!(git_in(&top, &["init", "-q", "-b", "main"]).status.success());
    scene.guard().init().unwrap();
    let program = program(&scene);
    guard::install_hook(&scene.root(), &program).unwrap();
    // A file of the same name at the top is another file.
    fs::create_dir_all(top.join("agents/a")).unwrap();
    fs::write(top.join("agents/a/1.toml"), "another\n").unwrap();
    assert!(git_in(&top, &["add", "root", "agents"]).status.success());
    let output = git_in(&top, &["commit", "-q", "-m", "the first"]);
    assert!(output.status.success(), "{output:?}");
    assert!(
        git_in(&top, &["rm", "-q", "root/agents/a/1.toml"])
            .status
            .success()
    );
    let output = git_in(&top, &["commit", "-q", "-m", "a loss"]);
    let says = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && says.contains("agents/a/1.toml is gone"),
        "{output:?}"
    );
}

#[test]
fn where_edits_are_free_only_losses_are_refused() {
    let scene = repository();
    let settings = scene.read("guard.toml").unwrap();
    scene.write(
        "guard.toml",
        &settings.replace("[guard]", "[guard]\nfree_edits = true"),
    );
    commit(&scene, &["-A"], false, "guard.toml is not as the manifest has it");
    scene.guard().accept(&[], None).unwrap();
    commit(&scene, &["-A"], true, "");
    scene.write("agents/a/1.toml", "edited and not accepted\n");
    scene.write("agents/a/new.toml", "new\n");
    commit(&scene, &["-A"], true, "");
    assert_eq!(guard::ci(&scene.root(), None).unwrap(), []);
    scene.write("agents/a/1.toml", "");
    commit(&scene, &["-A"], false, "agents/a/1.toml is empty");
    assert!(git(&scene, &["reset", "-q", "--hard"]).status.success());
    assert!(git(&scene, &["rm", "-q", "agents/a/2.toml"]).status.success());
    commit(&scene, &["README.md"], false, "agents/a/2.toml is gone");
    assert_eq!(guard::ci(&scene.root(), None).unwrap().len(), 1);
}
