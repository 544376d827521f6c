//! What `mundo serve` does before it starts: compare, restore, let a watcher watch,
//! and give up the right to touch protected files.

use super::plain;
use crate::{lifecycle, web};
use anyhow::{Result, bail};
use base::{Clock, Entropy};
use guard::{Guard, Hash, Keeper, LastResort, Level};
use platform::{Config, texts::Texts};
use std::{
    collections::HashMap,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};
use supervisor::{Failure, Plan, Report, Spec};

/// What a guarded server holds until its end.
#[derive(Debug)]
pub struct Guarded {
    /// Dropping it ends the watcher; it would end with this process in any case.
    keeper: Option<Keeper>,
    pub levels: Vec<Level>,
    /// What was found, for the log.
    pub news: Vec<String>,
}

/// Call it before the first thread starts: what is given up here, only later threads give up, too.
pub fn before_start(config: &Config) -> Result<Option<Guarded>> {
    let root = &config.guard.root;
    let mend = match config.guard.mode.as_str() {
        "off" => return Ok(None),
        "auto" if !Guard::is_set_up(root) => return Ok(None),
        "verify" => false,
        _ => true,
    };
    let guard = Guard::open(root, Clock::system(), Entropy::system()).map_err(plain)?;
    let guard = guard.with_last_resort(embedded());
    let report = guard.boot(mend).map_err(plain)?;
    let mut news = vec![];
    for found in &report.faults {
        let end = match (&found.why, found.restored) {
            (_, true) => "; it is restored",
            (Some(why), _) => why,
            (None, _) => "",
        };
        news.push(format!("{} {}{end}", found.path, found.fault));
    }
    news.extend(report.shortfalls.iter().chain(&report.remarks).cloned());
    if !report.is_whole() {
        for line in &news {
            eprintln!("guard: {line}");
        }
        bail!(
            "protected files are not whole, so the server does not start; see: mundo guard verify{}",
            if mend { "" } else { " --restore" }
        );
    }
    news.extend(
        report
            .drafts
            .iter()
            .map(|path| format!("{path} is edited; the manifest does not know it yet")),
    );
    let keeper = mend.then(|| start_keeper(guard.root())).transpose()?;
    let level = confine(config, &guard)?;
    Ok(Some(Guarded {
        keeper,
        levels: vec![level],
        news,
    }))
}

impl Guarded {
    /// Says so, again and again, when the watcher's keeper is gone: this process has given
    /// up the right to restore, so only a new start helps.
    pub fn worker(self) -> Option<Plan> {
        let keeper = Arc::new(Mutex::new(self.keeper?));
        let spec = Spec::new("guard.keeper")
            .group("platform")
            .every(Duration::from_secs(10));
        Some(spec.runs(move |_| {
            let keeper = keeper.clone();
            async move {
                let running = keeper.lock().unwrap_or_else(PoisonError::into_inner).is_running();
                if running {
                    return Ok(Report::new("the watcher is watched over"));
                }
                Err(Failure::new(
                    "nobody watches the protected files any more: restart the server",
                ))
            }
        }))
    }
}

fn start_keeper(root: &Path) -> Result<Keeper> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["guard", "--root"])
        .arg(root)
        .args(["watch", "--keep"])
        .stderr(Stdio::inherit());
    Keeper::start(command).map_err(plain)
}

fn confine(config: &Config, guard: &Guard) -> Result<Level> {
    lifecycle::make_private(&config.data.dir)?;
    let data = std::fs::canonicalize(&config.data.dir)?;
    let mut writable = guard.writable().map_err(plain)?;
    writable.push(data);
    Ok(guard::confine(guard.root(), &writable))
}

/// The files that this program carries, by their hash: the last place to ask.
pub fn embedded() -> LastResort {
    static ALL: OnceLock<HashMap<Hash, Vec<u8>>> = OnceLock::new();
    Arc::new(|hash| {
        let all = ALL.get_or_init(|| {
            let migrations = db::migrate::migrations()
                .into_iter()
                .flat_map(|step| [step.sqlite, step.postgres]);
            let texts = migrations
                .chain(Texts::sources())
                .map(|text| text.as_bytes().to_vec());
            texts
                .chain(web::embedded())
                .map(|bytes| (Hash::of(&bytes), bytes))
                .collect()
        });
        all.get(hash).cloned()
    })
}
