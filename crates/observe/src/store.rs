//! What is kept of errors, and how it goes into the database or, while that is
//! away, into a file.
//!
//! A [`Batch`] is what one flush writes: errors already grouped, so that a storm
//! of one error is one row. Batches merge, which is what the spool leans on.

use crate::fingerprint::fingerprint;
use base::{Error, Kind, Result, Timestamp};
use db::{Db, params};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

/// Groups and counts that a batch holds; what is beyond is lost, and counted.
const MOST_KEYS: usize = 4096;
/// A spool beyond this takes no more.
const SPOOL_BYTES: u64 = 32 * 1024 * 1024;
const HOUR_US: i64 = 3_600_000_000;
const SAMPLES_KEPT_H: i64 = 30 * 24;
const REFUSALS_KEPT_H: i64 = 90 * 24;

/// One error as it happened, already without secrets.
#[derive(Clone, Debug)]
pub struct Capture {
    pub kind: &'static str,
    pub code: String,
    pub place: String,
    pub message: String,
    pub chain: Vec<String>,
    pub request_id: Option<String>,
    pub at: Timestamp,
    pub count: u64,
    /// The browser's page has its own.
    pub release: String,
}

#[derive(Clone, Debug, Default)]
pub struct Batch {
    groups: HashMap<[u8; 32], Group>,
    refusals: HashMap<(i64, String, String), u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Group {
    fingerprint: [u8; 32],
    kind: String,
    code: String,
    place: String,
    message: String,
    release: String,
    count: u64,
    first_seen: Timestamp,
    last_seen: Timestamp,
    /// By hour; the first of each hour stays.
    samples: Vec<Sample>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sample {
    hour: i64,
    request_id: Option<String>,
    chain: Vec<String>,
    at: Timestamp,
}

/// A line of the spool.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Group(Group),
    Refusal {
        hour: i64,
        route: String,
        code: String,
        count: u64,
    },
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Stored {
    writes: u32,
    /// Errors that are in the database.
    pub errors: u64,
    /// The database went away before these.
    pub left: Batch,
    /// Lines that the database does not take, each by itself.
    pub refused: Vec<Batch>,
    /// Why it did not take the first of them.
    pub why: Option<Error>,
}

impl Stored {
    /// The database was away from the beginning.
    pub fn is_nothing(&self) -> bool {
        self.writes == 0 && self.refused.is_empty()
    }
}

pub fn hour(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(HOUR_US)
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.refusals.is_empty()
    }

    pub fn errors(&self) -> u64 {
        self.groups
            .values()
            .fold(0, |sum, group| sum.saturating_add(group.count))
    }

    /// How many errors did not fit.
    pub fn add(&mut self, capture: Capture) -> u64 {
        let Capture {
            kind,
            code,
            place,
            message,
            chain,
            request_id,
            at,
            count,
            release,
        } = capture;
        self.merge_group(Group {
            fingerprint: fingerprint(kind, &code, &place, &chain),
            kind: kind.to_owned(),
            code,
            place,
            message,
            release,
            count,
            first_seen: at,
            last_seen: at,
            samples: vec![Sample {
                hour: hour(at),
                request_id,
                chain,
                at,
            }],
        })
    }

    pub fn refuse(&mut self, hour: i64, route: String, code: String, count: u64) {
        let key = (hour, route, code);
        if self.refusals.len() < MOST_KEYS || self.refusals.contains_key(&key) {
            *self.refusals.entry(key).or_default() += count;
        }
    }

    /// Adds the lines of another batch; says how many errors did not fit.
    pub fn merge(&mut self, other: Batch) -> u64 {
        for ((hour, route, code), count) in other.refusals {
            self.refuse(hour, route, code, count);
        }
        other
            .groups
            .into_values()
            .map(|group| self.merge_group(group))
            .sum()
    }

    fn merge_group(&mut self, new: Group) -> u64 {
        if self.groups.len() >= MOST_KEYS && !self.groups.contains_key(&new.fingerprint) {
            return new.count;
        }
        let Some(group) = self.groups.get_mut(&new.fingerprint) else {
            self.groups.insert(new.fingerprint, new);
            return 0;
        };
        group.count = group.count.saturating_add(new.count);
        group.first_seen = group.first_seen.min(new.first_seen);
        if new.last_seen >= group.last_seen {
            group.last_seen = new.last_seen;
            group.message = new.message;
            group.release = new.release;
        }
        for sample in new.samples {
            if group.samples.iter().all(|known| known.hour != sample.hour) {
                group.samples.push(sample);
            }
        }
        0
    }

    /// Adds the batch to what the database holds: in one write, or in several when the
    /// database refuses some of it, so that the rest does not wait for that.
    pub async fn store(self, db: &Db) -> Stored {
        let mut outcome = Stored::default();
        let mut waiting = vec![self];
        while let Some(batch) = waiting.pop() {
            match batch.clone().write(db).await {
                Ok(()) => {
                    outcome.writes += 1;
                    outcome.errors += batch.errors();
                }
                Err(error) if error.kind() == Kind::Unavailable => {
                    outcome.left.merge(batch);
                    for batch in waiting.drain(..) {
                        outcome.left.merge(batch);
                    }
                }
                Err(error) => match batch.halves() {
                    Ok(halves) => waiting.extend(halves),
                    Err(line) => {
                        outcome.refused.push(line);
                        outcome.why.get_or_insert(error);
                    }
                },
            }
        }
        outcome
    }

    /// Two batches of about the same size, or the only line back.
    fn halves(mut self) -> Result<[Batch; 2], Batch> {
        let half = usize::midpoint(self.groups.len(), self.refusals.len());
        if self.groups.len() + self.refusals.len() < 2 {
            return Err(self);
        }
        let mut other = Batch::default();
        let groups: Vec<_> = self.groups.keys().take(half).copied().collect();
        for fingerprint in groups {
            other.groups.extend(self.groups.remove_entry(&fingerprint));
        }
        let refusals: Vec<_> = self
            .refusals
            .keys()
            .take(half - other.groups.len())
            .cloned()
            .collect();
        for key in refusals {
            other.refusals.extend(self.refusals.remove_entry(&key));
        }
        Ok([self, other])
    }

    async fn write(self, db: &Db) -> Result<()> {
        db.write_again(move |tx| async move {
            // One order for all nodes, so that two of them cannot wait for each other.
            let mut groups: Vec<Group> = self.groups.into_values().collect();
            groups.sort_by_key(|group| group.fingerprint);
            for group in groups {
                let last = group.samples.iter().map(|sample| sample.hour).max().unwrap_or_default();
                tx.execute(
                    "INSERT INTO error_group
                         (fingerprint, kind, code, place, message, release, count, first_seen, last_seen, sample_hour)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                     ON CONFLICT (fingerprint) DO UPDATE SET
                         count = error_group.count + excluded.count,
                         message = excluded.message,
                         release = excluded.release,
                         first_seen = CASE WHEN excluded.first_seen < error_group.first_seen
                             THEN excluded.first_seen ELSE error_group.first_seen END,
                         last_seen = CASE WHEN excluded.last_seen > error_group.last_seen
                             THEN excluded.last_seen ELSE error_group.last_seen END,
                         sample_hour = CASE WHEN excluded.sample_hour > error_group.sample_hour
                             THEN excluded.sample_hour ELSE error_group.sample_hour END",
                    params![
                        group.fingerprint,
                        group.kind,
                        group.code,
                        group.place,
                        group.message,
                        group.release,
                        group.count as i64,
                        group.first_seen,
                        group.last_seen,
                        last,
                    ],
                )
                .await?;
                for sample in group.samples {
                    tx.execute(
                        "INSERT INTO error_sample (fingerprint, hour, request_id, chain, at) VALUES ($1, $2, $3, $4, $5)
                         ON CONFLICT (fingerprint, hour) DO NOTHING",
                        params![
                            group.fingerprint,
                            sample.hour,
                            sample.request_id,
                            serde_json::Value::from(sample.chain),
                            sample.at,
                        ],
                    )
                    .await?;
                }
            }
            let mut refusals: Vec<_> = self.refusals.into_iter().collect();
            refusals.sort();
            for ((hour, route, code), count) in refusals {
                tx.execute(
                    "INSERT INTO refusal_count (hour, route, code, count) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (hour, route, code) DO UPDATE SET count = refusal_count.count + excluded.count",
                    params![hour, route, code, count as i64],
                )
                .await?;
            }
            Ok(())
        })
        .await
    }

    fn lines(self) -> impl Iterator<Item = Line> {
        let refusals = self
            .refusals
            .into_iter()
            .map(|((hour, route, code), count)| Line::Refusal {
                hour,
                route,
                code,
                count,
            });
        self.groups.into_values().map(Line::Group).chain(refusals)
    }
}

/// Drops samples and counts that are too old to matter.
pub async fn forget_old(db: &Db, now: Timestamp) -> Result<()> {
    let hour = hour(now);
    db.write_again(move |tx| async move {
        tx.execute(
            "DELETE FROM error_sample WHERE hour < $1",
            params![hour - SAMPLES_KEPT_H],
        )
        .await?;
        tx.execute_last(
            "DELETE FROM refusal_count WHERE hour < $1",
            params![hour - REFUSALS_KEPT_H],
        )
        .await
    })
    .await
}

/// Appends the batch to the spool; it is on disk when this returns.
pub fn spool(path: &Path, batch: Batch) -> io::Result<()> {
    let mut text = Vec::new();
    for line in batch.lines() {
        serde_json::to_writer(&mut text, &line)?;
        text.push(b'\n');
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    if file.metadata()?.len() + text.len() as u64 > SPOOL_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::StorageFull,
            "the spool of errors is full",
        ));
    }
    file.write_all(&text)?;
    file.sync_all()
}

/// Puts the batch into the place of the spool, or removes that when there is nothing left.
pub fn respool(path: &Path, batch: Batch) -> io::Result<()> {
    if batch.is_empty() {
        return fs::remove_file(path);
    }
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    spool(&new, batch)?;
    fs::rename(new, path)
}

/// What the spool holds, and how many of its lines cannot be read: the last one
/// is cut when the machine went down.
pub fn unspool(path: &Path) -> io::Result<(Batch, u64)> {
    let mut batch = Batch::default();
    let mut lost = 0;
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((batch, 0)),
        Err(error) => return Err(error),
    };
    for line in BufReader::new(file).split(b'\n') {
        match serde_json::from_slice(&line?) {
            Ok(Line::Group(group)) => lost += batch.merge_group(group),
            Ok(Line::Refusal {
                hour,
                route,
                code,
                count,
            }) => {
                batch.refuse(hour, route, code, count);
            }
            Err(_) => lost += 1,
        }
    }
    Ok((batch, lost))
}
