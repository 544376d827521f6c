//! How the index follows what it describes.
//!
//! A signal tells that something was made or changed; its row is read again and
//! indexed as it is by then, so the order of signals does not matter and repetition
//! changes nothing. What was there before the index, and new members, of whom no
//! signal tells, are found by their ids. What is deleted takes its row here along.

use super::{Found, words};
use crate::{
    events::EventCreated,
    groups::GroupChanged,
    posts::{PostCreated, PostEdited},
};
use base::{Result, Timestamp, fold};
use db::{Executor, Tx, params};
use platform::{
    AppState,
    signals::{Announced, Consumer, Dispatch},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use supervisor::{Failure, Plan, Report, Spec, Wake};
use uuid::Uuid;

/// Rows indexed in one write.
const BATCH: i64 = 200;
/// A row may be committed that much later than its id was made.
const LATE: Duration = Duration::from_mins(1);

struct Follow;

fn subject(signal: &Announced) -> Option<(Found, Uuid)> {
    let post = || Some((Found::Post, signal.read::<PostCreated>()?.id.0));
    let edited = || Some((Found::Post, signal.read::<PostEdited>()?.id.0));
    let event = || Some((Found::Event, signal.read::<EventCreated>()?.id.0));
    let group = || Some((Found::Group, signal.read::<GroupChanged>()?.group.0));
    post().or_else(edited).or_else(event).or_else(group)
}

impl Consumer for Follow {
    fn name(&self) -> &'static str {
        "search.index"
    }

    async fn consume(&self, app: &AppState, signals: Vec<Announced>) -> Result<()> {
        let subjects: BTreeSet<(&str, Uuid)> = signals
            .iter()
            .filter_map(subject)
            .map(|(kind, id)| (kind.as_str(), id))
            .collect();
        let subjects: Vec<(Found, Uuid)> = subjects
            .into_iter()
            .filter_map(|(kind, id)| Some((Found::parse(kind)?, id)))
            .collect();
        index(app, subjects).await
    }
}

/// Follows the signals, woken by each commit that announced something.
pub fn signals_worker(app: &AppState) -> Plan {
    let (wake, own) = (Wake::new(), app.clone());
    app.signals.wake_on_commit(&wake);
    Spec::new("search.index")
        .group("platform")
        .every(Duration::from_secs(10))
        .wakes_on(&wake)
        .timeout(Duration::from_mins(1))
        .exempt()
        .worker(move || Dispatch::new(own.clone(), Arc::new(Follow)))
}

/// Finds what no signal told of.
pub fn catch_up_worker(app: &AppState) -> Plan {
    let own = app.clone();
    Spec::new("search.catch_up")
        .group("platform")
        .every(Duration::from_secs(5))
        .timeout(Duration::from_mins(1))
        .runs(move |_| {
            let app = own.clone();
            async move {
                catch_up(&app)
                    .await
                    .map_err(|error| Failure::new(error.to_string()))
            }
        })
}

async fn catch_up(app: &AppState) -> Result<Report> {
    let mut count = 0;
    for kind in Found::ALL {
        let found = missing(app, *kind).await?;
        count += found.len() as i64;
        index(app, found.iter().map(|id| (*kind, *id)).collect()).await?;
        // Behind the last row there may be one that is being committed.
        let settled = app.ids.at(app.clock.now().minus(LATE));
        let last = match found.last() {
            Some(last) if found.len() as i64 == BATCH => (*last).min(settled),
            _ => settled,
        };
        let kind = *kind;
        app.db
            .write_again(move |tx| async move { advance(&tx, kind, last).await })
            .await?;
    }
    let report = Report::new("documents indexed").fact("documents", count);
    Ok(if count >= BATCH { report.again() } else { report })
}

async fn missing(app: &AppState, kind: Found) -> Result<Vec<Uuid>> {
    let sql = match kind {
        Found::Member => {
            "SELECT /* every community */ x.id FROM member x
             WHERE x.id > coalesce((SELECT last_id FROM search_progress WHERE community_id = @community AND kind = 'member'), $1)
                 AND NOT EXISTS (SELECT 1 FROM search_document d WHERE d.member_id = x.id)
             ORDER BY x.id LIMIT $2"
        }
        Found::Post => {
            "SELECT x.id FROM post x
             WHERE x.id > coalesce((SELECT last_id FROM search_progress WHERE community_id = @community AND kind = 'post'), $1)
                 AND x.community_id = @community
                 AND NOT EXISTS (SELECT 1 FROM search_document d WHERE d.post_id = x.id)
             ORDER BY x.id LIMIT $2"
        }
        Found::Event => {
            "SELECT x.id FROM event x
             WHERE x.id > coalesce((SELECT last_id FROM search_progress WHERE community_id = @community AND kind = 'event'), $1)
                 AND x.community_id = @community
                 AND NOT EXISTS (SELECT 1 FROM search_document d WHERE d.event_id = x.id)
             ORDER BY x.id LIMIT $2"
        }
        Found::Group => {
            "SELECT x.id FROM community_group x
             WHERE x.id > coalesce((SELECT last_id FROM search_progress WHERE community_id = @community AND kind = 'group'), $1)
                 AND x.community_id = @community
                 AND NOT EXISTS (SELECT 1 FROM search_document d WHERE d.group_id = x.id)
             ORDER BY x.id LIMIT $2"
        }
    };
    app.db
        .all(sql, params![Uuid::nil(), BATCH], |row| row.get(0))
        .await
}

async fn advance(tx: &Tx, kind: Found, last: Uuid) -> Result<()> {
    tx.execute(
        "INSERT INTO search_progress (community_id, kind, last_id) VALUES (@community, $1, $2)
         ON CONFLICT (community_id, kind) DO UPDATE SET last_id = excluded.last_id",
        params![kind, last],
    )
    .await
    .map(drop)
}

/// Indexes things as they are now; what is gone is left out.
async fn index(app: &AppState, subjects: Vec<(Found, Uuid)>) -> Result<()> {
    if subjects.is_empty() {
        return Ok(());
    }
    let subjects = Arc::new(subjects);
    app.db
        .write_again(move |tx| async move {
            let mut known = BTreeSet::new();
            for (kind, id) in subjects.iter() {
                if let Some((title, body)) = source(&tx, *kind, *id).await? {
                    let words = words::of_texts(&title, &body);
                    put(&tx, *kind, *id, &title, words::beginning(&body), &words).await?;
                    known.extend(words.into_iter().filter(|word| words::is_mendable(word)));
                }
            }
            learn(&tx, known).await
        })
        .await
}

/// The folded title and body of a thing.
async fn source(tx: &Tx, kind: Found, id: Uuid) -> Result<Option<(String, String)>> {
    let sql = match kind {
        Found::Member => "SELECT display_name, username, '' FROM member WHERE id = $1",
        Found::Post => {
            "SELECT body, '', hashtags || ' ' || coalesce(place, '') FROM post WHERE id = $1 AND community_id = @community"
        }
        Found::Event => "SELECT title, '', city FROM event WHERE id = $1 AND community_id = @community",
        Found::Group => {
            "SELECT name, '', description || ' ' || coalesce(city, '') || ' ' || coalesce(tango_role, '')
             FROM community_group WHERE id = $1 AND community_id = @community"
        }
    };
    let found = tx.one(sql, params![id], |row| {
        Ok((
            row.get::<String>(0)?,
            row.get::<String>(1)?,
            row.get::<String>(2)?,
        ))
    });
    Ok(found.await?.map(|(title, second, body)| {
        let titles: Vec<String> = [title, second]
            .iter()
            .map(|title| fold(title))
            .filter(|title| !title.is_empty())
            .collect();
        (titles.join("\n"), fold(&body))
    }))
}

async fn put(
    tx: &Tx,
    kind: Found,
    id: Uuid,
    title: &str,
    body: &str,
    words: &BTreeSet<String>,
) -> Result<()> {
    let (document, text) = match kind {
        Found::Member => (
            "INSERT INTO search_document (community_id, kind, member_id, title, body) VALUES (@community, $1, $2, $3, $4)
             ON CONFLICT (member_id) DO UPDATE SET title = excluded.title, body = excluded.body RETURNING number",
            "INSERT OR REPLACE INTO search_text_member (rowid, words) VALUES ($1, $2)",
        ),
        Found::Post => (
            "INSERT INTO search_document (community_id, kind, post_id, title, body) VALUES (@community, $1, $2, $3, $4)
             ON CONFLICT (post_id) DO UPDATE SET title = excluded.title, body = excluded.body RETURNING number",
            "INSERT OR REPLACE INTO search_text_post (rowid, words) VALUES ($1, $2)",
        ),
        Found::Event => (
            "INSERT INTO search_document (community_id, kind, event_id, title, body) VALUES (@community, $1, $2, $3, $4)
             ON CONFLICT (event_id) DO UPDATE SET title = excluded.title, body = excluded.body RETURNING number",
            "INSERT OR REPLACE INTO search_text_event (rowid, words) VALUES ($1, $2)",
        ),
        Found::Group => (
            "INSERT INTO search_document (community_id, kind, group_id, title, body) VALUES (@community, $1, $2, $3, $4)
             ON CONFLICT (group_id) DO UPDATE SET title = excluded.title, body = excluded.body RETURNING number",
            "INSERT OR REPLACE INTO search_text_group (rowid, words) VALUES ($1, $2)",
        ),
    };
    let title = words::beginning(title);
    let number: Option<i64> = tx
        .one(document, params![kind, id, title, body], |row| row.get(0))
        .await?;
    let Some(number) = number else { return Ok(()) };
    match tx.pick("sqlite", "postgres") {
        "sqlite" => {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            tx.execute(text, params![number, words.join(" ")]).await?;
        }
        _ => {
            tx.execute(
                "INSERT INTO search_text (number, kind, words) VALUES ($1, $2, ($3::text)::tsvector)
                 ON CONFLICT (number) DO UPDATE SET words = excluded.words",
                params![number, kind, words::vector(words)],
            )
            .await?;
        }
    }
    Ok(())
}

/// Remembers words that were not known, to mend slips by.
async fn learn(tx: &Tx, words: BTreeSet<String>) -> Result<()> {
    if words.is_empty() {
        return Ok(());
    }
    let words: Vec<String> = words.into_iter().collect();
    let sql = tx.pick(
        "INSERT INTO search_word (community_id, word) SELECT @community, value FROM json_each($1) WHERE true
         ON CONFLICT DO NOTHING RETURNING word",
        "INSERT INTO search_word (community_id, word)
         SELECT @community::integer, value FROM jsonb_array_elements_text($1::jsonb) AS w(value) ORDER BY value
         ON CONFLICT DO NOTHING RETURNING word",
    );
    let new: Vec<String> = tx
        .all(sql, params![serde_json::json!(words)], |row| row.get(0))
        .await?;
    let grams: Vec<(String, &String)> = new
        .iter()
        .flat_map(|word| words::grams(word).into_iter().map(move |gram| (gram, word)))
        .collect();
    if grams.is_empty() {
        return Ok(());
    }
    let sql = tx.pick(
        "INSERT INTO search_gram (community_id, gram, word)
         SELECT @community, value ->> 0, value ->> 1 FROM json_each($1) WHERE true ON CONFLICT DO NOTHING",
        "INSERT INTO search_gram (community_id, gram, word)
         SELECT @community::integer, value ->> 0, value ->> 1 FROM jsonb_array_elements($1::jsonb) AS g(value)
         ORDER BY 2, 3 ON CONFLICT DO NOTHING",
    );
    tx.execute(sql, params![serde_json::json!(grams)]).await.map(drop)
}

/// Words that no document holds any more are forgotten: a slice of the vocabulary a run, in a circle.
pub(super) async fn forget(app: &AppState, after: String) -> Result<Option<String>> {
    let db = &app.db;
    let sql =
        "SELECT word FROM search_word WHERE community_id = @community AND word > $1 ORDER BY word LIMIT $2";
    let words: Vec<String> = db.all(sql, params![after, BATCH], |row| row.get(0)).await?;
    let last = words.last().cloned();
    let mut unused = vec![];
    for word in words {
        let sql = db.pick(
            "SELECT EXISTS (SELECT 1 FROM search_text_member WHERE search_text_member MATCH $1)
                 OR EXISTS (SELECT 1 FROM search_text_post WHERE search_text_post MATCH $1)
                 OR EXISTS (SELECT 1 FROM search_text_event WHERE search_text_event MATCH $1)
                 OR EXISTS (SELECT 1 FROM search_text_group WHERE search_text_group MATCH $1)",
            "SELECT EXISTS (SELECT 1 FROM search_text WHERE kind = 'member' AND words @@ ($1::text)::tsquery)
                 OR EXISTS (SELECT 1 FROM search_text WHERE kind = 'post' AND words @@ ($1::text)::tsquery)
                 OR EXISTS (SELECT 1 FROM search_text WHERE kind = 'event' AND words @@ ($1::text)::tsquery)
                 OR EXISTS (SELECT 1 FROM search_text WHERE kind = 'group' AND words @@ ($1::text)::tsquery)",
        );
        let query = match db.pick("sqlite", "postgres") {
            "sqlite" => format!("\"{word}\""),
            _ => format!("'{word}'"),
        };
        if !db
            .one(sql, params![query], |row| row.get::<bool>(0))
            .await?
            .unwrap_or(true)
        {
            unused.push(word);
        }
    }
    for word in unused {
        db.write_again(move |tx| async move {
            tx.execute(
                "DELETE FROM search_word WHERE community_id = @community AND word = $1",
                params![word],
            )
            .await?;
            let grams: Vec<String> = words::grams(&word).into_iter().collect();
            let sql = tx.pick(
                "DELETE FROM search_gram WHERE community_id = @community AND word = $1
                     AND gram IN (SELECT value FROM json_each($2))",
                "DELETE FROM search_gram WHERE community_id = @community AND word = $1
                     AND gram IN (SELECT jsonb_array_elements_text($2::jsonb))",
            );
            tx.execute(sql, params![word, serde_json::json!(grams)])
                .await
                .map(drop)
        })
        .await?;
    }
    Ok(last)
}

/// The day of a moment, counted from 1970 in UTC.
pub(super) fn day(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(86_400_000_000)
}
