//! The proof: a program is started and stopped again and again while its files are
//! damaged, and at the end every byte is compared.
//!
//! It works on a copy of the guarded folder, so that a proof can never do harm.

use crate::{
    Demand, Guard, Hash, Settings, Signer,
    fault::{failed, lost},
    ledger,
    settings::{LOCK, SETTINGS},
    tree::{Seen, Tree},
};
use base::{Clock, Entropy, Result, Timestamp};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

/// How long a start, an end or a restore may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What to prove.
pub struct Proof<'a> {
    pub restarts: u32,
    /// Damage files while the program is down, starting, and up.
    pub chaos: bool,
    pub seed: u64,
    /// Makes the command that serves the copy; it is started in the copy's folder.
    pub command: &'a dyn Fn(&Path) -> Command,
    /// It has started when a line of its standard output contains this.
    pub ready: &'a str,
    /// Hears of each restart.
    pub told: &'a mut dyn FnMut(u32),
}

/// What was proved.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    pub at: Timestamp,
    pub files: usize,
    pub restarts: u32,
    /// Of them ended by `kill -9`.
    pub kills: u32,
    pub faults: BTreeMap<&'static str, u32>,
    pub missing: Vec<String>,
    pub different: Vec<String>,
    pub quarantined: usize,
    pub restored: usize,
    pub ledger_lines: u64,
    pub ledger_tip: Hash,
    pub slowest_start_ms: u64,
    pub slowest_restore_ms: u64,
    pub took_s: u64,
    pub seed: u64,
}

impl Outcome {
    pub fn holds(&self) -> bool {
        self.missing.is_empty() && self.different.is_empty()
    }
}

/// The copy on which a proof works; it goes when the proof is done.
struct Copy {
    root: PathBuf,
    base: PathBuf,
    before: BTreeMap<String, (Vec<u8>, u32)>,
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.base);
    }
}

impl Guard {
    /// Proves it, and signs the report.
    pub fn prove(&self, proof: &mut Proof<'_>, entropy: &Entropy) -> Result<(Outcome, String)> {
        let began = Instant::now();
        let copy = self.copy(entropy)?;
        let dice = Dice(proof.seed);
        let mut outcome = run(&copy, proof, dice)?;
        outcome.at = self.clock.now();
        outcome.took_s = began.elapsed().as_secs();
        let signer = { self.signer(&*self.enter()?, true)? };
        let text = report(&outcome, &signer);
        Ok((outcome, text))
    }

    fn copy(&self, entropy: &Entropy) -> Result<Copy> {
        let mark = Hash::of(&entropy.bytes::<16>()).short();
        let base = std::env::temp_dir().join(format!("mundo-guard-proof-{mark}"));
        let root = base.join("root");
        let mut before = BTreeMap::new();
        let turn = self.enter()?;
        for (path, want) in self.wants(&turn) {
            let bytes = self
                .places
                .get(want.blake3)
                .ok_or_else(|| lost(format!("no copy of {path} is left")))?;
            let mode = if want.mode == 755 { 0o755 } else { 0o644 };
            before.insert(path, (bytes.to_vec(), mode));
        }
        drop(turn);
        // The copy has places and a key of its own.
        let (settings, mode) = before.get(SETTINGS).cloned().unwrap_or_default();
        let settings = own_settings(&String::from_utf8_lossy(&settings))?;
        before.insert(SETTINGS.to_owned(), (settings.into_bytes(), mode));
        let write = || {
            for (path, (bytes, mode)) in &before {
                let path = root.join(path);
                fs::create_dir_all(path.parent().expect("files lie in a folder"))?;
                fs::write(&path, bytes)?;
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode))?;
            }
            Ok(())
        };
        write().map_err(|error: std::io::Error| failed(base.display(), error))?;
        let copy = Copy { root, base, before };
        let guard = copy.guard()?;
        guard.init()?;
        drop(guard);
        let mut copy = copy;
        let lock = fs::read(copy.root.join(LOCK)).map_err(|error| failed(LOCK, error))?;
        copy.before.insert(LOCK.to_owned(), (lock, 0o644));
        Ok(copy)
    }
}

impl Copy {
    fn guard(&self) -> Result<Guard> {
        Guard::open(&self.root, Clock::system(), Entropy::system())
    }

    fn wrong(&self) -> Result<(Vec<String>, Vec<String>)> {
        let tree = Tree::open(&self.root)?;
        let (mut missing, mut different) = (vec![], vec![]);
        for (path, (bytes, mode)) in &self.before {
            match tree.look(path) {
                Ok(Seen::File(meta, there)) if there == *bytes && meta.mode == *mode => {}
                Ok(Seen::Missing) => missing.push(path.clone()),
                _ => different.push(path.clone()),
            }
        }
        Ok((missing, different))
    }

    fn is_whole(&self) -> Result<bool> {
        let (missing, different) = self.wrong()?;
        Ok(missing.is_empty() && different.is_empty())
    }
}

/// The same protection, without the places and the key of the original.
fn own_settings(text: &str) -> Result<String> {
    let mut table: toml::Table = text
        .parse()
        .map_err(|_| lost(format!("{SETTINGS} cannot be read")))?;
    let mut options = toml::Table::new();
    if let Some(toml::Value::Table(old)) = table.remove("guard") {
        options.extend(
            old.into_iter()
                .filter(|(key, _)| !["places", "key", "immutable", "read_only"].contains(&key.as_str())),
        );
    }
    options.insert(
        "places".into(),
        toml::Value::Array(vec![".guard".into(), "../copies".into()]),
    );
    options.insert("key".into(), "../guard.key".into());
    table.insert("guard".into(), options.into());
    let text = table.to_string();
    Settings::parse(&text)?;
    Ok(text)
}

fn run(copy: &Copy, proof: &mut Proof<'_>, mut dice: Dice) -> Result<Outcome> {
    let (mut faults, mut kills) = (BTreeMap::new(), 0);
    let (mut slowest_start, mut slowest_restore) = (Duration::ZERO, Duration::ZERO);
    let paths: Vec<String> = copy.before.keys().cloned().collect();
    // What was not back in time under a running program counts, whatever came later.
    let mut never = (BTreeSet::new(), BTreeSet::new());
    for number in 1..=proof.restarts {
        if proof.chaos {
            damage(copy, &paths, &mut dice, &mut faults)?;
        }
        let began = Instant::now();
        let mut child = Running::start((proof.command)(&copy.root), proof.ready)?;
        if proof.chaos && dice.below(2) == 0 {
            // In the midst of the start.
            damage(copy, &paths, &mut dice, &mut faults)?;
        }
        child.until_ready()?;
        slowest_start = slowest_start.max(began.elapsed());
        let up = Instant::now();
        if proof.chaos {
            damage(copy, &paths, &mut dice, &mut faults)?;
        }
        while !copy.is_whole()? && up.elapsed() < PATIENCE && child.is_running() {
            std::thread::sleep(Duration::from_millis(2));
        }
        slowest_restore = slowest_restore.max(up.elapsed());
        let (gone, other) = copy.wrong()?;
        never.0.extend(gone);
        never.1.extend(other);
        if proof.chaos && dice.below(3) == 0 {
            kills += 1;
            child.kill()?;
        } else {
            child.stop()?;
        }
        (proof.told)(number);
    }
    let guard = copy.guard()?;
    guard.pass(&Demand::all(true))?;
    let (gone, other) = copy.wrong()?;
    never.0.extend(gone);
    never.1.extend(other);
    let overview = guard.overview()?;
    let bytes = fs::read(copy.root.join(".guard").join(ledger::LEDGER))
        .map_err(|error| failed("the ledger", error))?;
    Ok(Outcome {
        at: Timestamp::default(),
        files: copy.before.len(),
        restarts: proof.restarts,
        kills,
        faults,
        missing: never.0.into_iter().collect(),
        different: never.1.into_iter().collect(),
        quarantined: overview.quarantined,
        restored: overview.restored,
        ledger_lines: ledger::verify(&bytes)?,
        ledger_tip: overview.ledger_tip,
        slowest_start_ms: slowest_start.as_millis() as u64,
        slowest_restore_ms: slowest_restore.as_millis() as u64,
        took_s: 0,
        seed: proof.seed,
    })
}

/// The program under proof.
struct Running {
    child: Child,
    lines: mpsc::Receiver<()>,
}

impl Running {
    fn start(mut command: Command, ready: &str) -> Result<Running> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = child.map_err(|error| failed("the program does not start", error))?;
        let (out, ready) = (child.stdout.take(), ready.to_owned());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in out
                .into_iter()
                .flat_map(|out| BufReader::new(out).lines().map_while(std::result::Result::ok))
            {
                if line.contains(&ready) {
                    let _ = sender.send(());
                }
            }
        });
        Ok(Running { child, lines })
    }

    fn until_ready(&mut self) -> Result<()> {
        self.lines
            .recv_timeout(PATIENCE)
            .map_err(|_| lost("the program did not get ready"))
    }

    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn kill(&mut self) -> Result<()> {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .map(drop)
            .map_err(|error| failed("kill", error))
    }

    fn stop(&mut self) -> Result<()> {
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let asked = Instant::now();
        while self.is_running() {
            if asked.elapsed() > PATIENCE {
                self.kill()?;
                return Err(lost("the program did not stop when it was asked to"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A fault or two; what fails because the guard was quicker is no fault.
fn damage(
    copy: &Copy,
    paths: &[String],
    dice: &mut Dice,
    faults: &mut BTreeMap<&'static str, u32>,
) -> Result<()> {
    for _ in 0..=dice.below(3) {
        let path = &paths[dice.below(paths.len() as u64) as usize];
        let place = copy.root.join(path);
        let spare = copy.base.join("spare");
        let _ = fs::remove_file(&spare);
        let (name, done) = match dice.below(7) {
            0 => ("deleted", fs::remove_file(&place)),
            1 => (
                "emptied",
                fs::OpenOptions::new()
                    .write(true)
                    .truncate(true)
                    .open(&place)
                    .map(drop),
            ),
            2 => ("renamed away", fs::rename(&place, &spare)),
            3 => (
                "replaced by a link",
                symlink("nowhere", &spare).and_then(|()| fs::rename(&spare, &place)),
            ),
            4 => (
                "permissions taken",
                fs::set_permissions(&place, fs::Permissions::from_mode(0o0)),
            ),
            5 => (
                "replaced by a folder",
                fs::remove_file(&place).and_then(|()| fs::create_dir(&place)),
            ),
            _ => {
                let parent = place.parent().filter(|parent| *parent != copy.root);
                (
                    "folder deleted",
                    parent.map_or_else(|| fs::remove_file(&place), fs::remove_dir_all),
                )
            }
        };
        if done.is_ok() {
            *faults.entry(name).or_default() += 1;
        }
    }
    Ok(())
}

/// Small numbers from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

fn report(outcome: &Outcome, signer: &Signer) -> String {
    let faults: u32 = outcome.faults.values().sum();
    let mut text = format!(
        "# Proof of the guard\n\n{}: {} files, {} restarts ({} of them by `kill -9`), {faults} faults, {} s.\n\n\
         **{} missing, {} different.** {} things foreign are in the quarantine, {} files were restored, \
         the ledger's {} lines are sound.\n\n\
         Slowest start {} ms, slowest return to a whole tree after the start {} ms.\n\n| fault | times |\n| --- | --- |\n",
        outcome.at,
        outcome.files,
        outcome.restarts,
        outcome.kills,
        outcome.took_s,
        outcome.missing.len(),
        outcome.different.len(),
        outcome.quarantined,
        outcome.restored,
        outcome.ledger_lines,
        outcome.slowest_start_ms,
        outcome.slowest_restore_ms,
    );
    for (name, times) in &outcome.faults {
        let _ = writeln!(text, "| {name} | {times} |");
    }
    let json = serde_json::to_string(outcome).expect("plain values become JSON");
    let signature = signer.sign("proof", json.as_bytes());
    text + &format!(
        "\n```json\n{json}\n```\n\nSigned by `{}`: `{signature}`\n",
        signer.public()
    )
}

/// Whether a report is as it was signed; answers by whom.
pub fn verify_proof(text: &str) -> Option<crate::Public> {
    let json = text.split("```json\n").nth(1)?.split("\n```").next()?;
    let mut last = text.split("Signed by `").nth(1)?.split('`');
    let (signer, signature): (crate::Public, _) = (last.next()?.parse().ok()?, last.nth(1)?);
    signer
        .verifies("proof", json.as_bytes(), signature)
        .then_some(signer)
}
