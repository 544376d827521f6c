//! What the stores let go of, and what they never do.

use crate::support::{Scene, again};
use base::{Clock, Entropy};
use guard::{Demand, Guard, Hash, Pruned};
use rustix::process::{Signal, getpid, kill_process};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const STEP: &str = "MUNDO_TEST_GUARD_STEP";
const DAY: Duration = Duration::from_hours(24);

/// The guard as it is so many days from now.
fn in_days(scene: &Scene, days: u32) -> Guard {
    let clock = Clock::manual(Clock::system().now().plus(DAY * days));
    Guard::open(&scene.root(), clock, Entropy::system()).unwrap()
}

/// A quarantined folder, an emptied file, a page that was let go of, an edit taken back, an edit that stands.
fn past() -> Scene {
    let scene = Scene::new();
    scene.rest();
    fs::remove_file(scene.path("agents/a/3.toml")).unwrap();
    fs::create_dir_all(scene.path("agents/a/3.toml/deep")).unwrap();
    fs::write(scene.path("agents/a/3.toml/deep/inner"), "foreign").unwrap();
    let guard = scene.guard();
    assert!(guard.pass(&Demand::all(true)).unwrap().is_whole());
    guard
        .remove(&["pages/3.txt".to_owned()], "the page is retired")
        .unwrap();
    for text in ["taken back", "page 1\n".repeat(10).as_str(), "stands"] {
        scene.write("pages/1.txt", text);
        guard.pass(&Demand::all(true)).unwrap();
    }
    scene
}

fn objects(place: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in fs::read_dir(place.join("objects")).unwrap().flatten() {
        for entry in fs::read_dir(folder.path()).unwrap().flatten() {
            let (first, rest) = (folder.file_name(), entry.file_name());
            names.insert(format!("{}{}", first.to_string_lossy(), rest.to_string_lossy()));
        }
    }
    names
}

/// What must be there after thirty-one days: the manifest, what it names, and the edit that stands.
fn needed(guard: &Guard) -> BTreeSet<String> {
    let overview = guard.overview().unwrap();
    let mut needed: BTreeSet<String> = guard
        .init()
        .unwrap()
        .entries
        .values()
        .map(|entry| entry.blake3.to_string())
        .collect();
    needed.insert(overview.manifest.to_string());
    needed.insert(Hash::of(b"stands").to_string());
    needed
}

#[test]
fn after_its_days_only_what_is_needed_is_left() {
    let scene = past();
    let before = objects(&scene.copies());
    let today = scene.guard();
    for kept in ["foreign", "taken back", "stands"] {
        assert!(today.object(Hash::of(kept.as_bytes())).is_some(), "{kept}");
    }
    // Of all this nothing is old enough; but no manifest of the past is needed by anything.
    today.prune(Some(30), false).unwrap();
    assert_eq!(objects(&scene.copies()), before);

    let later = in_days(&scene, 31);
    let dry = later.prune(None, true).unwrap();
    assert!(dry.objects >= 4 && dry.things >= 1, "{dry:?}");
    assert_eq!(objects(&scene.copies()), before, "dry");
    assert_eq!(later.prune(None, false).unwrap(), dry);
    let needed = needed(&later);
    assert_eq!(objects(&scene.copies()), needed);
    assert_eq!(objects(&scene.path(".guard")), needed);
    assert_eq!(fs::read_dir(scene.path(".guard/quarantine")).unwrap().count(), 0);
    assert_eq!(
        later.prune(None, false).unwrap(),
        Pruned::default(),
        "once is enough"
    );

    // The ledger still tells all of it, and nothing looks for what is gone.
    let guard = scene.guard();
    assert_eq!(
        guard
            .quarantine()
            .unwrap()
            .iter()
            .filter(|found| found.kept)
            .count(),
        0
    );
    let report = guard.pass(&Demand::all(true)).unwrap();
    assert!(report.is_whole() && report.healed == 0, "{report:?}");
    scene.write("agents/a/0.toml", "");
    fs::remove_dir_all(scene.path("agents/b")).unwrap();
    fs::remove_file(scene.path("pages/1.txt")).unwrap();
    assert!(guard.pass(&Demand::all(true)).unwrap().is_whole());
    assert_eq!(scene.read("pages/1.txt").as_deref(), Some("stands"));
    guard::verify_ledger(&fs::read(scene.copies().join("ledger")).unwrap()).unwrap();
}

#[test]
fn what_is_shorter_kept_than_a_day_is_refused() {
    let scene = Scene::new();
    assert_eq!(
        scene.guard().prune(Some(0), false).unwrap_err().code(),
        "guard_refused"
    );
}

#[test]
fn a_prune_killed_at_any_step_leaves_too_much_and_never_too_little() {
    let mut step = 0;
    loop {
        let scene = past();
        let before = scene.shapes();
        step += 1;
        let mut child = again("prune::child", &scene);
        let ended = child.env(STEP, step.to_string()).status().unwrap();
        let needed = needed(&scene.guard());
        for place in [scene.copies(), scene.path(".guard")] {
            let left = objects(&place);
            assert!(needed.is_subset(&left), "step {step}");
        }
        let guard = in_days(&scene, 31);
        guard.prune(None, false).unwrap();
        assert_eq!(objects(&scene.copies()), needed, "step {step}");
        assert_eq!(objects(&scene.path(".guard")), needed, "step {step}");
        assert!(guard.pass(&Demand::all(true)).unwrap().is_whole());
        assert_eq!(scene.shapes(), before);
        if ended.success() {
            break;
        }
    }
    assert!(step > 5, "only {step} steps were seen");
}

/// Not a test: what the test above starts and what kills itself.
#[test]
#[ignore = "started by the test above"]
fn child() {
    let Some(scene) = Scene::inherited() else { return };
    let last: usize = std::env::var_os(STEP).unwrap().to_str().unwrap().parse().unwrap();
    let steps = Arc::new(AtomicUsize::new(0));
    let guard = in_days(&scene, 31).with_probe(Arc::new(move |_, _| {
        if steps.fetch_add(1, Ordering::SeqCst) + 1 == last {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
        Ok(())
    }));
    guard.prune(None, false).unwrap();
}
