//! How the index follows what it describes.
//!
//! A signal tells that something was made or changed; its row is read again and
//! indexed as it is by then, so the order of signals does not matter and repetition
//! changes nothing. What was there before the index, and new members, of whom no
//! signal tells, are found by their ids; what is young and has a signal is left to
//! that one. What is deleted takes its row here along.

use super::{Found, words};
use crate::{
    events::EventCreated,
    groups::GroupChanged,
    places::PlaceChanged,
    posts::{PostCreated, PostEdited},
    profiles::ProfileChanged,
};
use base::{Result, Timestamp, fold};
use db::{Executor, Tx, params};
use platform::{
    AppState, communities,
    signals::{Announced, Consumer, Signal, follow},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};
use supervisor::{Failure, Plan, Report, Spec};
use uuid::Uuid;

/// Rows indexed in one write.
const BATCH: i64 = 200;
/// What is written within this time is indexed together: an index of many words costs less so.
const REST: Duration = Duration::from_millis(200);
/// A row may be committed that much later than its id was made.
const LATE: Duration = Duration::from_mins(1);

struct Follow;

fn subject(signal: &Announced) -> Option<(Found, Uuid)> {
    let post = || Some((Found::Post, signal.read::<PostCreated>()?.id.0));
    let edited = || Some((Found::Post, signal.read::<PostEdited>()?.id.0));
    let event = || Some((Found::Event, signal.read::<EventCreated>()?.id.0));
    let group = || Some((Found::Group, signal.read::<GroupChanged>()?.group.0));
    let member = || Some((Found::Member, signal.read::<ProfileChanged>()?.member.0));
    let place = || Some((Found::Place, signal.read::<PlaceChanged>()?.id.0));
    post()
        .or_else(edited)
        .or_else(member)
        .or_else(event)
        .or_else(group)
        .or_else(place)
}

impl Consumer for Follow {
    fn name(&self) -> &'static str {
        "search.index"
    }

    fn hears(&self) -> &'static [&'static str] {
        &[
            PostCreated::KIND,
            PostEdited::KIND,
            EventCreated::KIND,
            GroupChanged::KIND,
            ProfileChanged::KIND,
            PlaceChanged::KIND,
        ]
    }

    fn rests(&self) -> Duration {
        REST
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

/// Follows the signals.
pub fn signals_worker(app: &AppState) -> Plan {
    follow(app, Follow)
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
                let count = catch_up_everywhere(&app, LATE)
                    .await
                    .map_err(|error| Failure::new(error.to_string()))?;
                let report = Report::new("documents indexed").fact("documents", count);
                Ok(if count >= BATCH { report.again() } else { report })
            }
        })
}

/// Indexes all that no signal told of, as after a seed.
pub async fn index_all(app: &AppState) -> Result<()> {
    while catch_up_everywhere(app, Duration::ZERO).await? > 0 {}
    Ok(())
}

async fn catch_up_everywhere(app: &AppState, signals_take: Duration) -> Result<i64> {
    let mut count = 0;
    for app in communities::each(app).await? {
        count += catch_up(&app, signals_take).await?;
    }
    Ok(count)
}

/// `signals_take`: how long a signal is waited for.
async fn catch_up(app: &AppState, signals_take: Duration) -> Result<i64> {
    let (mut count, now) = (0, app.clock.now());
    for kind in Found::ALL {
        let before = if *kind == Found::Member || signals_take.is_zero() {
            Uuid::max()
        } else {
            app.ids.at(now.minus(signals_take))
        };
        let found = missing(app, *kind, before).await?;
        count += found.len() as i64;
        index(app, found.iter().map(|id| (*kind, *id)).collect()).await?;
        // Behind the last row there may be one that is being committed.
        let settled = app.ids.at(now.minus(LATE));
        let last = match found.last() {
            Some(last) if found.len() as i64 == BATCH => (*last).min(settled),
            _ => settled,
        };
        let kind = *kind;
        app.db
            .write_again(move |tx| async move { advance(&tx, kind, last).await })
            .await?;
    }
    Ok(count)
}

async fn missing(app: &AppState, kind: Found, before: Uuid) -> Result<Vec<Uuid>> {
    let sql = texts(kind).missing;
    app.db
        .all(sql, params![Uuid::nil(), BATCH, before], |row| row.get(0))
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

/// Indexes things as they are now; what is gone is left out. However many they are, it costs
/// four statements for each kind.
async fn index(app: &AppState, subjects: Vec<(Found, Uuid)>) -> Result<()> {
    if subjects.is_empty() {
        return Ok(());
    }
    let subjects = Arc::new(subjects);
    app.db
        .write_again(move |tx| async move {
            let mut known = BTreeSet::new();
            for kind in Found::ALL {
                let ids = subjects.iter().filter(|(of, _)| of == kind);
                let ids: Vec<Uuid> = ids.map(|(_, id)| *id).collect();
                if ids.is_empty() {
                    continue;
                }
                let documents = sources(&tx, *kind, &ids).await?;
                put(&tx, *kind, &documents).await?;
                let words = documents.into_iter().flat_map(|document| document.words);
                known.extend(words.filter(|word| words::is_mendable(word)));
            }
            learn(&tx, known).await
        })
        .await
}

/// What of a thing is indexed, folded.
struct Document {
    id: Uuid,
    title: String,
    body: String,
    words: BTreeSet<String>,
}

/// The statements of one kind, for SQLite and for PostgreSQL. Lists come as JSON.
struct Texts {
    /// The first ids behind what was looked through, and before `$3`, of which there is no document.
    missing: &'static str,
    /// Ids to rows of id, title, second title, body.
    source: [&'static str; 2],
    /// `[id, title, body]`s to rows of number and id.
    document: [&'static str; 2],
    /// `[number, words]`s.
    words: [&'static str; 2],
}

macro_rules! texts {
    ($kind:literal, $column:literal, $source:literal, $table:literal, $apart:literal, $wanted:literal) => {
        Texts {
            missing: concat!(
                "SELECT x.id FROM ",
                $table,
                " x WHERE x.id > coalesce((SELECT last_id FROM search_progress
                     WHERE community_id = @community AND kind = '",
                $kind,
                "'), $1) AND x.id < $3",
                $apart,
                $wanted,
                " AND NOT EXISTS (SELECT 1 FROM search_document d WHERE d.",
                $column,
                " = x.id) ORDER BY x.id LIMIT $2"
            ),
            source: [
                // The ids first, or SQLite goes through the whole table for each batch.
                concat!(
                    "SELECT x.id, ",
                    $source,
                    " FROM json_each($1) w CROSS JOIN ",
                    $table,
                    " x ON x.id = unhex(w.value)",
                    $apart
                ),
                concat!(
                    "SELECT x.id, ",
                    $source,
                    " FROM ",
                    $table,
                    " x WHERE x.id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)::uuid))",
                    $apart,
                    // What is deleted meanwhile goes after its row here was written, and takes it along.
                    " FOR KEY SHARE OF x"
                ),
            ],
            document: [
                concat!(
                    "INSERT INTO search_document (community_id, kind, ",
                    $column,
                    ", title, body)
                     SELECT @community, '",
                    $kind,
                    "', unhex(value ->> 0), value ->> 1, value ->> 2 FROM json_each($1)
                     WHERE true ON CONFLICT (",
                    $column,
                    ") DO UPDATE SET title = excluded.title, body = excluded.body
                     RETURNING number, ",
                    $column
                ),
                concat!(
                    "INSERT INTO search_document (community_id, kind, ",
                    $column,
                    ", title, body)
                     SELECT @community::integer, '",
                    $kind,
                    "', (value ->> 0)::uuid, value ->> 1, value ->> 2
                     FROM jsonb_array_elements($1::jsonb) w (value)
                     ON CONFLICT (",
                    $column,
                    ") DO UPDATE SET title = excluded.title, body = excluded.body
                     RETURNING number, ",
                    $column
                ),
            ],
            words: [
                concat!(
                    "INSERT OR REPLACE INTO search_text_",
                    $kind,
                    " (rowid, words)
                     SELECT value ->> 0, value ->> 1 FROM json_each($1)"
                ),
                concat!(
                    "INSERT INTO search_text (number, kind, words)
                     SELECT (value ->> 0)::bigint, '",
                    $kind,
                    "', (value ->> 1)::tsvector
                     FROM jsonb_array_elements($1::jsonb) w (value)
                     ON CONFLICT (number) DO UPDATE SET words = excluded.words"
                ),
            ],
        }
    };
}

fn texts(kind: Found) -> Texts {
    match kind {
        Found::Member => texts!(
            "member",
            "member_id",
            // One text for all readers: what everybody may see.
            "x.display_name, x.username, coalesce((SELECT
                 CASE WHEN coalesce(q.privacy ->> 'bio', 'public') = 'public' THEN q.bio ELSE '' END
                 || ' ' || CASE WHEN coalesce(q.privacy ->> 'city', 'public') = 'public' THEN q.city ELSE '' END
                 || ' ' || CASE WHEN coalesce(q.privacy ->> 'tango_roles', 'public') = 'public'
                     THEN q.tango_roles ELSE '' END
                 FROM profile q WHERE q.community_id = @community AND q.member_id = x.id), '')",
            "member",
            "",
            " AND x.status <> 'former'"
        ),
        Found::Post => texts!(
            "post",
            "post_id",
            "x.body, '', x.hashtags || ' ' || coalesce(x.place, '')",
            "post",
            " AND x.community_id = @community",
            ""
        ),
        Found::Event => texts!(
            "event",
            "event_id",
            "x.title, '', x.city",
            "event",
            " AND x.community_id = @community",
            ""
        ),
        Found::Group => texts!(
            "group",
            "group_id",
            "x.name, '', x.description || ' ' || coalesce(x.city, '') || ' ' || coalesce(x.tango_role, '')",
            "community_group",
            " AND x.community_id = @community",
            ""
        ),
        Found::Place => texts!(
            "place",
            "place_id",
            "x.name, '', x.description || ' ' || x.city || ' ' || x.address || ' ' || x.kind",
            "place",
            " AND x.community_id = @community",
            ""
        ),
    }
}

async fn sources(tx: &Tx, kind: Found, ids: &[Uuid]) -> Result<Vec<Document>> {
    let [sqlite, postgres] = texts(kind).source;
    let ids: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
    tx.all(
        tx.pick(sqlite, postgres),
        params![serde_json::json!(ids)],
        |row| {
            let titles = [row.get::<String>(1)?, row.get::<String>(2)?].map(|title| fold(&title));
            let titles: Vec<&str> = titles
                .iter()
                .map(String::as_str)
                .filter(|title| !title.is_empty())
                .collect();
            let (title, body) = (titles.join("\n"), fold(&row.get::<String>(3)?));
            let words = words::of_texts(&title, &body);
            Ok(Document {
                id: row.get(0)?,
                title,
                body,
                words,
            })
        },
    )
    .await
}

async fn put(tx: &Tx, kind: Found, documents: &[Document]) -> Result<()> {
    let of_kind = texts(kind);
    let [sqlite, postgres] = of_kind.document;
    let rows: Vec<_> = documents
        .iter()
        .map(|document| {
            let (title, body) = (
                words::beginning(&document.title),
                words::beginning(&document.body),
            );
            (document.id.simple().to_string(), title, body)
        })
        .collect();
    let numbers: Vec<(i64, Uuid)> = tx
        .all(
            tx.pick(sqlite, postgres),
            params![serde_json::json!(rows)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .await?;
    let numbers: HashMap<Uuid, i64> = numbers.into_iter().map(|(number, id)| (id, number)).collect();
    let written = match tx.pick("sqlite", "postgres") {
        "sqlite" => words::as_text,
        _ => words::vector,
    };
    let rows: Vec<_> = documents
        .iter()
        .filter_map(|document| Some((numbers.get(&document.id)?, written(&document.words))))
        .collect();
    let [sqlite, postgres] = of_kind.words;
    tx.execute(tx.pick(sqlite, postgres), params![serde_json::json!(rows)])
        .await
        .map(drop)
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
                 OR EXISTS (SELECT 1 FROM search_text_group WHERE search_text_group MATCH $1)
                 OR EXISTS (SELECT 1 FROM search_text_place WHERE search_text_place MATCH $1)",
            "SELECT EXISTS (SELECT 1 FROM search_text WHERE kind = 'member' AND words @@ ($1::text)::tsquery)
                 OR EXISTS (SELECT 1 FROM search_text WHERE kind = 'post' AND words @@ ($1::text)::tsquery)
                 OR EXISTS (SELECT 1 FROM search_text WHERE kind = 'event' AND words @@ ($1::text)::tsquery)
                 OR EXISTS (SELECT 1 FROM search_text WHERE kind = 'group' AND words @@ ($1::text)::tsquery)
                 OR EXISTS (SELECT 1 FROM search_text WHERE kind = 'place' AND words @@ ($1::text)::tsquery)",
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
