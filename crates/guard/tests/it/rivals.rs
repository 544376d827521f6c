//! Two guards, a guard that was stopped, a disk that refuses, an incident.

use crate::support::{Scene, Watching, again};
use base::{Clock, Entropy, Timestamp};
use guard::{Demand, Guard, Scope, Step, Watcher, What, Who};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeSet,
    fs, io,
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

#[test]
fn a_second_watcher_is_refused_and_others_take_turns() {
    let scene = Scene::new();
    scene.rest();
    let before = scene.shapes();
    let watching = Watching::start(&scene);
    watching.until_seen();
    let second = scene.guard();
    let refusal = Watcher::new(&second, String::new()).unwrap_err();
    assert_eq!(refusal.code(), "guard_busy");
    assert_eq!(
        second.watcher().unwrap().expect("somebody watches").pid,
        std::process::id()
    );
    // Four more guards restore at the same time; each loss is undone once or more, never wrongly.
    for round in 0..5 {
        for path in before.keys() {
            fs::remove_file(scene.path(path)).unwrap();
        }
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| scene.guard().pass(&Demand::all(true)).unwrap());
            }
        });
        watching.until_like(&before);
        scene.judge(&before, &[], &format!("round {round}"));
    }
    watching.stop();
    assert!(second.watcher().unwrap().is_none());
}

#[test]
fn a_stopped_watcher_catches_up_when_it_goes_on() {
    let scene = Scene::new();
    scene.rest();
    let before = scene.shapes();
    let mut child = again("rivals::child", &scene)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let guard = scene.guard();
    scene.until("the watcher", || {
        guard
            .watcher()
            .unwrap()
            .is_some_and(|watcher| watcher.pid == child.id())
    });
    signal(&child, Signal::STOP);
    for path in before.keys() {
        fs::remove_file(scene.path(path)).unwrap();
    }
    assert!(scene.shapes().is_empty());
    signal(&child, Signal::CONT);
    scene.until("the restore", || scene.shapes() == before);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    scene.judge(&before, &[], "after the stop");
}

#[test]
fn lost_hints_are_made_up_for() {
    let scene = Scene::new();
    scene.rest();
    let before = scene.shapes();
    let mut child = again("rivals::child", &scene)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let guard = scene.guard();
    scene.until("the watcher", || {
        guard
            .watcher()
            .unwrap()
            .is_some_and(|watcher| watcher.pid == child.id())
    });
    signal(&child, Signal::STOP);
    // More hints than the kernel keeps; the loss comes after them.
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap_or_default();
    for n in 0..most.trim().parse().unwrap_or(16_384_usize) / 2 + 100 {
        fs::write(scene.path(&format!("agents/a/{n}.tmp")), "x").unwrap();
        fs::remove_file(scene.path(&format!("agents/a/{n}.tmp"))).unwrap();
    }
    fs::remove_file(scene.path("agents/a/1.toml")).unwrap();
    let began = Instant::now();
    signal(&child, Signal::CONT);
    scene.until("the restore", || scene.shapes() == before);
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "only the next full look found it"
    );
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn without_hints_the_watcher_looks_every_second() {
    let scene = Scene::bare();
    let text = scene.read("guard.toml").unwrap() + "scan_only = true\n";
    scene.write("guard.toml", &text);
    scene.guard().init().unwrap();
    scene.rest();
    let before = scene.shapes();
    let watching = Watching::start(&scene);
    watching.until_seen();
    fs::remove_dir_all(scene.path("agents")).unwrap();
    watching.until_like(&before);
    watching.stop();
    scene.judge(&before, &[], "without hints");
}

#[test]
fn a_keeper_replaces_a_watcher_that_hangs_or_dies_and_ends_with_its_server() {
    let scene = Scene::new();
    scene.rest();
    let before = scene.shapes();
    let mut server = again("rivals::keeper", &scene)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let guard = scene.guard();
    let other_than = |old: u32| {
        let mut pid = 0;
        scene.until("a watcher", || {
            pid = guard.watcher().unwrap().map_or(0, |watcher| watcher.pid);
            pid != 0 && pid != old
        });
        pid
    };
    let first = other_than(0);
    kill_process(Pid::from_raw(first as i32).unwrap(), Signal::STOP).unwrap();
    let second = other_than(first);
    kill_process(Pid::from_raw(second as i32).unwrap(), Signal::KILL).unwrap();
    other_than(second);
    fs::remove_file(scene.path("README.md")).unwrap();
    scene.until("the restore", || scene.shapes() == before);
    // The server is gone, however it went.
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
    scene.until("the end", || guard.watcher().unwrap().is_none());
}

#[test]
fn a_disk_that_refuses_is_reported_and_the_bytes_are_served_from_memory() {
    let scene = Scene::new();
    scene.rest();
    let before = scene.shapes();
    let full = Arc::new(AtomicBool::new(true));
    let refuses = full.clone();
    let guard = scene.guard().with_probe(Arc::new(move |step, _| {
        let full = step == Step::Recorded && refuses.load(Ordering::SeqCst);
        if full {
            Err(io::Error::from_raw_os_error(28))
        } else {
            Ok(())
        }
    }));
    assert!(guard.pass(&Demand::all(true)).unwrap().is_whole());
    fs::remove_file(scene.path("README.md")).unwrap();
    for place in [scene.path(".guard/objects"), scene.copies().join("objects")] {
        fs::remove_dir_all(place).unwrap();
    }
    for _ in 0..3 {
        let only = Scope::Paths(BTreeSet::from(["README.md".to_owned()]));
        let report = guard
            .pass(&Demand {
                scope: only,
                ..Demand::all(true)
            })
            .unwrap();
        let why = report.faults[0].why.clone().unwrap();
        assert!(!report.is_whole() && why.contains("No space left"), "{report:?}");
    }
    assert_eq!(guard.read("README.md").unwrap(), before["README.md"].bytes);
    let told = guard
        .records()
        .unwrap()
        .into_iter()
        .filter(|record| matches!(record.what, What::Trouble { .. }));
    assert_eq!(told.count(), 1, "the same trouble is told once");
    full.store(false, Ordering::SeqCst);
    assert!(guard.pass(&Demand::all(true)).unwrap().is_whole());
    scene.judge(&before, &[], "when there is space again");
}

#[test]
fn five_restores_in_a_minute_are_an_incident_that_names_the_suspect() {
    let scene = Scene::new();
    let clock = Clock::manual(Timestamp::from_micros(1_790_000_000_000_000));
    let suspect = Who::Process {
        pid: 42,
        executable: "/usr/bin/rm".into(),
        parents: vec!["/bin/sh".into()],
    };
    let witness = suspect.clone();
    let guard = Guard::open(&scene.root(), clock.clone(), Entropy::seeded(1))
        .unwrap()
        .with_witness(Arc::new(move |_| witness.clone()));
    let incidents = || {
        let records = guard.records().unwrap().into_iter();
        records
            .filter(|record| matches!(&record.what, What::Incident { by, .. } if *by == suspect))
            .count()
    };
    let lose = || {
        fs::remove_file(scene.path("README.md")).unwrap();
        assert!(guard.pass(&Demand::all(true)).unwrap().is_whole());
    };
    for _ in 0..6 {
        lose();
        clock.advance(Duration::from_secs(16));
    }
    assert_eq!(incidents(), 0, "five in more than a minute");
    clock.advance(Duration::from_secs(61));
    for _ in 0..5 {
        lose();
        clock.advance(Duration::from_secs(10));
    }
    assert_eq!(incidents(), 1);
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(child.id() as i32).unwrap(), signal).unwrap();
}

/// Not a test: a watcher in a process of its own.
#[test]
#[ignore = "started by the tests above"]
fn child() {
    let Some(scene) = Scene::inherited() else { return };
    let until = rustix::io::dup(std::io::stdin()).unwrap();
    let guard = scene.guard();
    let Ok(watcher) = Watcher::new(&guard, String::new()) else {
        return;
    };
    let beat = || {
        use std::io::Write;
        let mut out = std::io::stdout();
        let _ = out.write_all(b".").and_then(|()| out.flush());
    };
    watcher.run(Some(&until), beat, |_| {}).unwrap();
}

/// Not a test: a keeper in a process of its own.
#[test]
#[ignore = "started by the tests above"]
fn keeper() {
    let Some(scene) = Scene::inherited() else { return };
    let until = rustix::io::dup(std::io::stdin()).unwrap();
    guard::keep(
        || again("rivals::child", &scene),
        &until,
        Some(Duration::from_secs(3)),
    )
    .unwrap();
}
