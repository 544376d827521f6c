//! A thousand random faults while the guard watches and while it starts.

use crate::support::{Scene, Watching, flip};
use base::Entropy;
use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
};

/// How many faults happen at once.
const AT_ONCE: usize = 10;

#[test]
fn a_thousand_random_faults_lose_nothing() {
    story(1000, 1);
}

#[test]
#[ignore = "takes minutes"]
fn ten_thousand_random_faults_lose_nothing() {
    story(10_000, 2);
}

fn story(faults: usize, seed: u64) {
    let scene = Scene::new();
    scene.rest();
    let (before, entropy) = (scene.shapes(), Entropy::seeded(seed));
    let paths: Vec<&String> = before.keys().collect();
    let mut foreign = vec![];
    let mut watching = Some(Watching::start(&scene));
    for round in 0..faults / AT_ONCE {
        if let Some(watching) = &watching {
            watching.until_seen();
        }
        let mut hit = BTreeSet::new();
        while hit.len() < AT_ONCE {
            hit.insert(paths[entropy.below(paths.len() as u64) as usize]);
        }
        for path in hit {
            let mark = format!("foreign {round} {path}");
            foreign.extend(damage(&scene, path, entropy.below(9), mark.as_bytes()));
        }
        // Every fifth time the guard is down and finds it all at its start.
        match watching.take() {
            Some(up) if round % 5 < 3 => {
                up.until_like(&before);
                watching = Some(up);
            }
            Some(up) => up.stop(),
            None => {}
        }
        if watching.is_none() {
            assert!(
                scene.guard().boot(true).unwrap().is_whole(),
                "round {round} of seed {seed}"
            );
            watching = (round % 5 == 4).then(|| Watching::start(&scene));
        }
    }
    if let Some(up) = watching {
        up.until_like(&before);
        up.stop();
    }
    assert!(
        foreign.len() > faults / 10,
        "too few foreign bytes to prove anything"
    );
    scene.judge(&before, &foreign, &format!("after {faults} faults"));
}

/// A name of its own for each file that is linked.
fn blake3_name(mark: &[u8]) -> String {
    guard::Hash::of(mark).to_string()
}

/// One fault; answers bytes that must be kept. What stands there may be whole or not.
fn damage(scene: &Scene, path: &str, kind: u64, mark: &[u8]) -> Option<Vec<u8>> {
    let (place, spare) = (scene.path(path), scene.outside().join("spare"));
    let _ = fs::remove_file(&spare);
    match kind {
        0 => fs::remove_file(&place).map_or(None, |()| None),
        1 => OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(&place)
            .map_or(None, |_| None),
        2 => fs::rename(&place, &spare).map_or(None, |()| None),
        3 => {
            fs::write(&spare, "").ok()?;
            fs::rename(&spare, &place).map_or(None, |()| None)
        }
        4 => {
            let mode = Permissions::from_mode(if mark.len().is_multiple_of(2) { 0 } else { 0o777 });
            fs::set_permissions(&place, mode).map_or(None, |()| None)
        }
        5 => {
            symlink(std::str::from_utf8(mark).ok()?, &spare).ok()?;
            fs::rename(&spare, &place).ok().map(|()| mark.to_vec())
        }
        6 => {
            let folder = scene.outside().join("folder");
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir(&folder).ok()?;
            fs::write(folder.join("inner"), mark).ok()?;
            fs::remove_file(&place).ok()?;
            // The guard may have been quicker: then nothing foreign came in.
            fs::rename(&folder, &place).ok().map(|()| mark.to_vec())
        }
        7 => {
            let first = scene.outside().join(blake3_name(mark));
            fs::write(&first, mark).ok()?;
            fs::hard_link(&first, &spare).ok()?;
            fs::rename(&spare, &place).ok().map(|()| mark.to_vec())
        }
        _ => flip(&place, &spare, 0),
    }
}
