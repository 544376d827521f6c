//! What many look for, without keeping what anybody looks for.
//!
//! A term is written down once enough different members have looked for it on one
//! day, and then only as a count. Until then it lies in the memory of the node,
//! with whom it came from, and leaves with the day or with the process. Each node
//! counts for itself, so a term may need a few members more than configured.

use super::index::{day, forget};
use accounts::MemberId;
use base::{Result, Timestamp};
use db::{Executor, params};
use platform::{AppState, communities};
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use supervisor::{Failure, Plan, Report, Spec};

/// Terms and members of a term that are remembered at most.
const TERMS: usize = 20_000;
const MEMBERS: usize = 10_000;
/// Letters of a term.
const LETTERS: usize = 60;
/// Days over which terms are counted, and kept.
const DAYS: i64 = 7;
const KEPT_DAYS: i64 = 30;

/// What this node has heard today.
#[derive(Default)]
struct Tally(Mutex<Today>);

#[derive(Default)]
struct Today {
    day: i64,
    terms: HashMap<String, Heard>,
    /// Where the vocabulary was gone through.
    word: String,
}

#[derive(Default)]
struct Heard {
    members: HashSet<MemberId>,
    written: usize,
}

/// Notes that a member looked for something that is there.
pub fn heard(app: &AppState, member: MemberId, term: &str) {
    if term.chars().count() > LETTERS {
        return;
    }
    let tally = app.memory::<Tally>();
    let mut today = tally.0.lock().unwrap_or_else(PoisonError::into_inner);
    today.begin(app.clock.now());
    if today.terms.len() >= TERMS && !today.terms.contains_key(term) {
        return;
    }
    let heard = today.terms.entry(term.to_owned()).or_default();
    if heard.members.len() < MEMBERS {
        heard.members.insert(member);
    }
}

impl Today {
    fn begin(&mut self, now: Timestamp) {
        if self.day != day(now) {
            self.terms.clear();
            self.day = day(now);
        }
    }

    /// What is to be written: terms that enough have looked for, with how many are new.
    fn take(&mut self, enough: usize) -> Vec<(String, i64)> {
        let ripe = self
            .terms
            .iter_mut()
            .filter(|(_, heard)| heard.members.len() >= enough.max(2));
        let mut taken: Vec<(String, i64)> = ripe
            .filter_map(|(term, heard)| {
                let new = heard.members.len() - heard.written;
                heard.written = heard.members.len();
                (new > 0).then(|| (term.clone(), new as i64))
            })
            .collect();
        taken.sort();
        taken
    }
}

pub fn worker(app: &AppState) -> Plan {
    let own = app.clone();
    Spec::new("search.trends")
        .group("platform")
        .every(Duration::from_mins(1))
        .timeout(Duration::from_mins(1))
        .runs(move |_| {
            let app = own.clone();
            async move {
                let mut count = 0;
                for app in communities::each(&app).await? {
                    count += write(&app).await?;
                }
                Ok::<_, Failure>(Report::new("terms counted").fact("terms", count))
            }
        })
}

async fn write(app: &AppState) -> Result<i64> {
    let tally = app.memory::<Tally>();
    let (day, terms, word) = {
        let mut today = tally.0.lock().unwrap_or_else(PoisonError::into_inner);
        today.begin(app.clock.now());
        let terms = today.take(app.config.search.trending_members as usize);
        (today.day, terms, std::mem::take(&mut today.word))
    };
    let count = terms.len() as i64;
    app.db
        .write_again(move |tx| async move {
            for (term, new) in &terms {
                tx.execute(
                    "INSERT INTO search_term (community_id, day, term, count) VALUES (@community, $1, $2, $3)
                     ON CONFLICT (community_id, day, term) DO UPDATE SET count = search_term.count + excluded.count",
                    params![day, term, *new],
                )
                .await?;
            }
            tx.execute(
                "DELETE FROM search_term WHERE community_id = @community AND day < $1",
                params![day - KEPT_DAYS],
            )
            .await
        })
        .await?;
    let word = forget(app, word).await?.unwrap_or_default();
    tally.0.lock().unwrap_or_else(PoisonError::into_inner).word = word;
    Ok(count)
}

/// What most looked for in the last days.
pub async fn top(db: &impl Executor, now: Timestamp, limit: i64) -> Result<Vec<(String, i64)>> {
    let sql = "SELECT term, CAST(sum(count) AS BIGINT) FROM search_term
               WHERE community_id = @community AND day > $1
               GROUP BY term ORDER BY sum(count) DESC, term LIMIT $2";
    db.all(sql, params![day(now) - DAYS, limit], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .await
}
