//! Legal edits: by git, by editors, by hand. None may be undone.

use crate::support::{Scene, Shape, Watching};
use guard::{Demand, What};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    process::Command,
};

/// A guarded repository with two branches, each with its own manifest.
struct Repository {
    scene: Scene,
}

impl Repository {
    fn new() -> Repository {
        let scene = Scene::bare();
        let repository = Repository { scene };
        repository.git(&["init", "-q", "-b", "main"]);
        repository.scene.guard().init().unwrap();
        repository.commit("the first");
        repository
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = self.try_git(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "git {arguments:?}: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }

    fn try_git(&self, arguments: &[&str]) -> std::process::Output {
        Command::new("git")
            .arg("-C")
            .arg(self.scene.root())
            .args([
                "-c",
                "user.name=T",
                "-c",
                "user.email=t@example.test",
                "-c",
                "commit.gpgsign=false",
                "-c",
                "core.editor=true",
            ])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap()
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--no-verify", "-m", message]);
    }

    /// Changes files and takes the change into the manifest.
    fn change(&self, message: &str, change: impl FnOnce(&Scene)) {
        change(&self.scene);
        self.scene.guard().accept(&[], None).unwrap();
        self.commit(message);
    }

    /// A second branch with an edit, a new file and a file that was let go of.
    fn branch(&self) {
        self.git(&["checkout", "-q", "-b", "other"]);
        self.change("edit and add", |scene| {
            scene.write("agents/a/0.toml", "another agent\n");
            scene.write("agents/new/one.toml", "a new agent\n");
        });
        self.scene
            .guard()
            .remove(&["pages/3.txt".to_owned()], "the page is retired")
            .unwrap();
        self.commit("retire a page");
        self.git(&["checkout", "-q", "main"]);
    }
}

/// Waits until the watcher has nothing to do, and answers the folder as it is then.
fn settled(watching: &Watching, scene: &Scene) -> BTreeMap<String, Shape> {
    let guard = scene.guard();
    watching.until("rest", || {
        let quiet = watching.is_quiet();
        quiet
            && guard
                .pass(&Demand::all(false))
                .is_ok_and(|report| report.is_whole())
    });
    scene.shapes()
}

fn restores(scene: &Scene) -> Vec<String> {
    let records = scene.guard().records().unwrap().into_iter();
    let restored = records.filter_map(|record| match record.what {
        What::Restored { path, fault, .. } => Some(format!("{path} {fault}")),
        _ => None,
    });
    restored.collect()
}

#[test]
fn git_may_do_what_it_does() {
    rounds(2);
}

#[test]
#[ignore = "takes minutes"]
fn git_may_do_it_again_and_again() {
    rounds(40);
}

fn rounds(count: usize) {
    let repository = Repository::new();
    repository.branch();
    let scene = &repository.scene;
    let watching = Watching::start(scene);
    watching.until_seen();
    let expect = |what: &str, before: BTreeMap<String, Shape>| {
        let after = settled(&watching, scene);
        assert_eq!(restores(scene), Vec::<String>::new(), "{what}");
        for (path, shape) in &before {
            assert_eq!(after.get(path), Some(shape), "{what}: {path}");
        }
        assert_eq!(after.len(), before.len(), "{what}");
    };
    for round in 0..count {
        for branch in ["other", "main"] {
            repository.git(&["checkout", "-q", branch]);
            let there = scene.path("pages/3.txt").exists();
            assert_eq!(there, branch == "main");
            expect(&format!("checkout of {branch}, round {round}"), scene.shapes());
        }
        // A stash takes edits and new files away, and brings them back.
        scene.write("agents/a/1.toml", &format!("edited in round {round}\n"));
        scene.write("agents/a/extra.toml", "not committed\n");
        expect("an edit", scene.shapes());
        repository.git(&["stash", "-q", "-u"]);
        expect("a stash", scene.shapes());
        repository.git(&["stash", "pop", "-q"]);
        expect("a stash that comes back", scene.shapes());
        repository.git(&["checkout", "-q", "--", "agents/a/1.toml"]);
        expect("a checkout of a file", scene.shapes());
        repository.git(&["stash", "-q", "-u"]);
        expect("a second stash", scene.shapes());

        // A rebase passes through other commits.
        let name = format!("topic-{round}");
        repository.git(&["checkout", "-q", "-b", &name]);
        repository.git(&["commit", "-q", "--no-verify", "--allow-empty", "-m", "nothing"]);
        repository.git(&["rebase", "-q", "other"]);
        expect("a rebase", scene.shapes());
        repository.git(&["checkout", "-q", "main"]);
        expect("back on main", scene.shapes());
        repository.git(&["reset", "-q", "--hard", "other"]);
        expect("a hard reset forward", scene.shapes());
        repository.git(&["reset", "-q", "--hard", "HEAD@{1}"]);
        expect("a hard reset back", scene.shapes());
    }
    watching.stop();
}

#[test]
fn a_merge_ends_with_both_sides() {
    let repository = Repository::new();
    repository.branch();
    repository.change("on main", |scene| scene.write("README.md", "a better readme\n"));
    let scene = &repository.scene;
    let watching = Watching::start(scene);
    watching.until_seen();
    // Both sides have signed a manifest of their own: that is a conflict.
    let merge = repository.try_git(&["merge", "-q", "other"]);
    assert!(!merge.status.success());
    let guard = scene.guard();
    guard.pass(&Demand::all(true)).unwrap();
    let lock = guard.accept(&[], None).unwrap();
    repository.commit("the merge");
    assert!(lock.entries.contains_key("agents/new/one.toml"));
    assert!(
        !lock.entries.contains_key("pages/3.txt"),
        "its tombstone counts on both sides"
    );
    assert_eq!(scene.read("README.md").unwrap(), "a better readme\n");
    assert_eq!(scene.read("agents/a/0.toml").unwrap(), "another agent\n");
    settled(&watching, scene);
    watching.stop();
    assert_eq!(restores(scene), Vec::<String>::new());
    assert_eq!(guard::ci(&scene.root(), Some("HEAD~1")).unwrap(), []);
}

#[test]
fn a_time_before_the_manifest_demands_nothing() {
    let scene = Scene::bare();
    let repository = Repository { scene };
    let scene = &repository.scene;
    repository.git(&["init", "-q", "-b", "main"]);
    repository.git(&["add", "README.md"]);
    repository.git(&["commit", "-q", "-m", "long ago"]);
    scene.guard().init().unwrap();
    repository.commit("the guard");
    let before = scene.shapes();
    let watching = Watching::start(scene);
    watching.until_seen();
    repository.git(&["checkout", "-q", "HEAD~1"]);
    watching.until("the news", || {
        scene
            .guard()
            .records()
            .unwrap()
            .iter()
            .any(|record| record.what == What::Dormant)
    });
    assert_eq!(scene.shapes().keys().collect::<Vec<_>>(), ["README.md"]);
    repository.git(&["checkout", "-q", "main"]);
    watching.until("the manifest", || !scene.guard().overview().unwrap().dormant);
    assert_eq!(scene.shapes(), before);
    assert_eq!(restores(scene), Vec::<String>::new());
    // Awake again.
    fs::remove_file(scene.path("agents/a/1.toml")).unwrap();
    watching.until_like(&before);
    watching.stop();
}

#[test]
fn a_commit_that_loses_a_file_is_undone_in_the_folder() {
    let repository = Repository::new();
    let scene = &repository.scene;
    repository.git(&["checkout", "-q", "-b", "careless"]);
    repository.git(&["rm", "-q", "agents/b/c/1.toml"]);
    repository.commit("clean up");
    let watching = Watching::start(scene);
    watching.until("the file", || scene.path("agents/b/c/1.toml").exists());
    watching.stop();
    assert_eq!(restores(scene), ["agents/b/c/1.toml is gone"]);
}

type Save = fn(&Scene, &str, &str);

/// How programs save a file.
const SAVES: &[(&str, Save)] = &[
    ("in place", |scene, path, text| {
        fs::write(scene.path(path), text).unwrap();
    }),
    ("as sed -i does", |scene, path, text| {
        let (place, spare) = (scene.path(path), scene.path(path).with_file_name("sedAb12Cd"));
        fs::write(&spare, text).unwrap();
        fs::rename(spare, place).unwrap();
    }),
    ("as vim does with a backup", |scene, path, text| {
        let place = scene.path(path);
        let backup = place.with_extension("toml~");
        let probe = place.with_file_name("4913");
        File::create(&probe).unwrap();
        fs::remove_file(&probe).unwrap();
        fs::rename(&place, &backup).unwrap();
        let mut file = File::create(&place).unwrap();
        // It takes its time, and the file is empty meanwhile.
        std::thread::sleep(std::time::Duration::from_millis(40));
        file.write_all(text.as_bytes()).unwrap();
        file.sync_all().unwrap();
        drop(file);
        fs::remove_file(backup).unwrap();
    }),
    ("truncated first", |scene, path, text| {
        let mut file = File::create(scene.path(path)).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(60));
        file.write_all(text.as_bytes()).unwrap();
    }),
    ("in many small writes", |scene, path, text| {
        let mut file = File::create(scene.path(path)).unwrap();
        for byte in text.bytes() {
            file.write_all(&[byte]).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }),
    ("deleted and written again", |scene, path, text| {
        let (place, spare) = (scene.path(path), scene.path(path).with_extension("tmp"));
        fs::write(&spare, text).unwrap();
        fs::remove_file(&place).unwrap();
        fs::rename(spare, place).unwrap();
    }),
];

#[test]
fn saves_of_editors_are_kept() {
    saves(5);
}

#[test]
#[ignore = "takes minutes"]
fn saves_of_editors_are_kept_many_times() {
    saves(75);
}

fn saves(times: usize) {
    let scene = Scene::new();
    scene.rest();
    let watching = Watching::start(&scene);
    watching.until_seen();
    for time in 0..times {
        for (name, save) in SAVES {
            let (path, text) = (
                format!("agents/a/{}.toml", time % 6),
                format!("{name}, time {time}\n"),
            );
            save(&scene, &path, &text);
            settled(&watching, &scene);
            let hash = guard::Hash::of(text.as_bytes());
            watching.until(&format!("the draft of what was saved {name}"), || {
                let drafts = scene.guard().drafts().unwrap();
                drafts.get(&path).is_some_and(|draft| draft.blake3 == hash)
            });
            assert_eq!(scene.read(&path).unwrap(), text);
            // The edit is what is protected now.
            if time == 0 {
                fs::remove_file(scene.path(&path)).unwrap();
                watching.until("the edit", || scene.read(&path).as_deref() == Some(&text));
            }
        }
    }
    let undone = restores(&scene)
        .into_iter()
        .filter(|line| !line.ends_with("is gone"));
    assert_eq!(undone.collect::<Vec<_>>(), Vec::<String>::new());
    watching.stop();
}

#[test]
fn a_program_that_takes_its_time_to_write_is_waited_for() {
    let scene = Scene::new();
    scene.rest();
    let watching = Watching::start(&scene);
    watching.until_seen();
    // The shell empties the page at once; its bytes come a second later.
    let slow = "(sleep 1.2; echo made slowly) > pages/2.txt";
    let run = Command::new("sh")
        .args(["-c", slow])
        .current_dir(scene.root())
        .status();
    assert!(run.unwrap().success());
    watching.until("the draft", || {
        scene.guard().drafts().unwrap().contains_key("pages/2.txt")
    });
    assert_eq!(scene.read("pages/2.txt").unwrap(), "made slowly\n");
    assert_eq!(restores(&scene), Vec::<String>::new());
    watching.stop();
}

#[test]
fn real_editors_are_not_disturbed() {
    let scene = Scene::new();
    scene.rest();
    let watching = Watching::start(&scene);
    watching.until_seen();
    let run = |program: &str, arguments: &[&str]| {
        let run = Command::new(program)
            .args(arguments)
            .current_dir(scene.root())
            .output();
        run.is_ok_and(|output| output.status.success())
    };
    let path = "agents/a/2.toml";
    assert!(run("sed", &["-i", "s/agent/edited/", path]));
    settled(&watching, &scene);
    assert!(scene.read(path).unwrap().starts_with("edited = 2"));
    for how in ["nobackup nowritebackup", "backup backupcopy=no", "backupcopy=yes"] {
        let set = format!("set {how} backupdir=.");
        let substitute = format!("%s/^/{} /", &how[..6]);
        if !run(
            "vim",
            &[
                "-u",
                "NONE",
                "-N",
                "-es",
                "-c",
                &set,
                "-c",
                &substitute,
                "-c",
                "wq",
                path,
            ],
        ) {
            eprintln!("vim is not here: left out");
            break;
        }
        settled(&watching, &scene);
        assert!(scene.read(path).unwrap().starts_with(&how[..6]), "{how}");
    }
    assert_eq!(restores(&scene), Vec::<String>::new());
    watching.stop();
}

#[test]
fn new_files_are_protected_once_they_rest() {
    let scene = Scene::new();
    let watching = Watching::start(&scene);
    watching.until_seen();
    scene.write("agents/new/born.toml", "eight new files vanished once\n");
    watching.until("the draft", || {
        scene
            .guard()
            .drafts()
            .unwrap()
            .contains_key("agents/new/born.toml")
    });
    fs::remove_dir_all(scene.path("agents/new")).unwrap();
    watching.until("the restore", || scene.path("agents/new/born.toml").exists());
    watching.stop();
}

#[test]
fn folders_that_fill_late_are_watched() {
    let scene = Scene::new();
    let watching = Watching::start(&scene);
    watching.until_seen();
    let path = "agents/late/and/deep/born.toml";
    for folder in ["agents/late", "agents/late/and", "agents/late/and/deep"] {
        let passes = watching.passes();
        fs::create_dir(scene.path(folder)).unwrap();
        watching.until("a look at the empty folder", || watching.passes() > passes);
    }
    scene.write(path, "its folder was seen empty\n");
    watching.until("the draft", || scene.guard().drafts().unwrap().contains_key(path));
    watching.stop();
}

#[test]
fn an_announced_edit_allows_everything_and_then_becomes_the_manifest() {
    let scene = Scene::new();
    scene.rest();
    let guard = scene.guard();
    let watching = Watching::start(&scene);
    watching.until_seen();
    guard
        .open_edit(&["pages/**".to_owned()], std::time::Duration::from_mins(1))
        .unwrap();
    fs::remove_file(scene.path("pages/0.txt")).unwrap();
    fs::write(scene.path("pages/1.txt"), "").unwrap();
    // Beside it the guard goes on.
    fs::remove_file(scene.path("README.md")).unwrap();
    watching.until("the restore", || scene.path("README.md").exists());
    assert!(!scene.path("pages/0.txt").exists());
    assert_eq!(
        guard.close_edit(None).unwrap_err().code(),
        "guard_refused",
        "a loss needs a reason"
    );
    let lock = guard.close_edit(Some("not needed")).unwrap();
    assert!(!lock.entries.contains_key("pages/0.txt"));
    assert_eq!(lock.entries["pages/1.txt"].size_bytes, 0);
    settled(&watching, &scene);
    assert!(!scene.path("pages/0.txt").exists());
    watching.stop();
}
