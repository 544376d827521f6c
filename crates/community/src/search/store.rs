//! Every statement that looks into the index. Whether the reader may see a thing is a condition
//! of the statement that finds it.

use super::{
    Found,
    relevance::Wanted,
    words::{self, for_postgres, for_sqlite},
};
use crate::{posts::store::visible, profiles::store::shows};
use accounts::MemberId;
use base::{Result, Timestamp};
use db::{Executor, Param, Row, params};
use uuid::Uuid;

/// Hits of a kind that are judged: the newest.
pub const JUDGED: i64 = 200;
/// Documents that count as new.
const RECENT: i64 = 50_000;
/// Hits among these that make the older ones unneeded.
const ENOUGH: usize = 100;
/// South of everything: no bounds.
const EVERYWHERE: f64 = -100.0;
/// The year 9999, in microseconds.
const FAR: i64 = 253_370_764_800_000_000;

/// What a hit must be besides answering the query.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// South, north, west, east of what may be near enough.
    pub bounds: Option<[f64; 4]>,
    /// A city by its one name.
    pub city: Option<String>,
    pub role: Option<String>,
    pub level: Option<i64>,
    pub language: Option<String>,
}

/// Something that answers the query and that the reader may see.
#[derive(Clone, Debug)]
pub struct Hit {
    pub kind: Found,
    pub id: Uuid,
    /// Folded, to be judged.
    pub title: String,
    pub body: String,
    /// As it is shown.
    pub name: String,
    pub text: String,
    /// The part of its address: a user name, a slug, an id.
    pub address: String,
    pub at: Option<Timestamp>,
    pub place: Option<(f64, f64)>,
}

fn hit(kind: Found) -> fn(&Row<'_>) -> Result<Hit> {
    macro_rules! of {
        ($kind:ident) => {
            |row| read(Found::$kind, row)
        };
    }
    match kind {
        Found::Member => of!(Member),
        Found::Post => of!(Post),
        Found::Event => of!(Event),
        Found::Group => of!(Group),
        Found::Place => of!(Place),
    }
}

fn read(kind: Found, row: &Row<'_>) -> Result<Hit> {
    let (latitude, longitude): (Option<f64>, Option<f64>) = (row.get(7)?, row.get(8)?);
    Ok(Hit {
        kind,
        id: row.get(0)?,
        title: row.get(1)?,
        body: row.get(2)?,
        name: row.get(3)?,
        text: row.get(4)?,
        address: row.get(5)?,
        at: row.get(6)?,
        place: latitude.zip(longitude),
    })
}

/// The newest documents of a kind whose words match `$2`, by the index of the kind.
macro_rules! matching {
    (sqlite $kind:literal) => {
        concat!(
            "search_text_",
            $kind,
            " t CROSS JOIN search_document d ON d.number = t.rowid"
        )
    };
    (postgres $kind:literal) => {
        "t JOIN search_document d ON d.number = t.number"
    };
}

/// FTS5 gives the newest first and goes on as long as it is asked. A GIN index gives all at once:
/// they are found first, by this index and no other, and the newest of them are looked at.
macro_rules! head {
    (sqlite $kind:literal) => {
        ""
    };
    (postgres $kind:literal) => {
        concat!(
            "WITH t AS MATERIALIZED (SELECT number FROM search_text
                 WHERE kind = '",
            $kind,
            "' AND words @@ ($2::text)::tsquery AND number > $3 ORDER BY number DESC LIMIT 5000) "
        )
    };
}

macro_rules! matches {
    (sqlite $kind:literal) => {
        concat!("search_text_", $kind, " MATCH $2 AND t.rowid > $3")
    };
    (postgres $kind:literal) => {
        "TRUE"
    };
}

/// Within the bounds, if there are any.
macro_rules! within {
    ($place:literal $south:literal $north:literal $west:literal $east:literal) => {
        concat!(
            " AND (CAST($",
            $south,
            " AS DOUBLE PRECISION) < -90 OR (",
            $place,
            ".latitude BETWEEN $",
            $south,
            " AND $",
            $north,
            " AND ",
            $place,
            ".longitude BETWEEN $",
            $west,
            " AND $",
            $east,
            "))"
        )
    };
}

macro_rules! order {
    (sqlite) => {
        " ORDER BY t.rowid DESC LIMIT $4"
    };
    (postgres) => {
        " ORDER BY t.number DESC LIMIT $4"
    };
}

/// Blocked by the reader or by them: not there, either way.
macro_rules! apart {
    ($who:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community AND b.member_id = $1 AND b.other_id = ",
            $who,
            ")"
        )
    };
}

/// What a member does not show to the reader does not find them either.
macro_rules! members {
    ($db:ident) => {
        concat!(head!($db "member"), "SELECT m.id, d.title, d.body, m.display_name,
                    CASE WHEN ", shows!("city"), " THEN coalesce(q.city, '') ELSE '' END, m.username, NULL, c.latitude, c.longitude
             FROM ", matching!($db "member"), "
             JOIN member m ON m.id = d.member_id
             LEFT JOIN profile q ON q.community_id = @community AND q.member_id = m.id
             LEFT JOIN community_group c ON c.community_id = @community AND c.kind = 'city' AND c.name = q.city AND ", shows!("city"), "
             WHERE ", matches!($db "member"), " AND d.community_id = @community AND m.status = 'active' AND ",
            apart!("m.id"),
            " AND ($5 = '' OR (q.city = $5 AND ", shows!("city"), "))
              AND ($6 = '' OR (' ' || q.tango_roles || ' ' LIKE '% ' || $6 || ' %' AND ", shows!("tango_roles"), "))
              AND ($7 = '' OR (' ' || q.languages || ' ' LIKE '% ' || $7 || ' %' AND ", shows!("languages"), "))
              AND ($8 = 0 OR ((q.leader_level >= $8 OR q.follower_level >= $8) AND ", shows!("levels"), "))",
            within!("c" 9 10 11 12),
            order!($db)
        )
    };
}

macro_rules! posts {
    ($db:ident) => {
        concat!(head!($db "post"), "SELECT p.id, d.title, d.body, m.display_name, p.body, m.username, p.created_at, p.latitude, p.longitude
             FROM ", matching!($db "post"), "
             JOIN post p ON p.id = d.post_id
             JOIN member m ON m.id = p.author_id
             WHERE ", matches!($db "post"), " AND p.community_id = @community AND m.status = 'active' AND ",
            visible!(),
            " AND p.created_at >= $5 AND p.created_at < $6
              AND p.author_id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1)",
            within!("p" 7 8 9 10),
            order!($db)
        )
    };
}

/// Every member sees every event; that none is the reader gives `$1` a type.
macro_rules! events {
    ($db:ident) => {
        concat!(head!($db "event"), "SELECT e.id, d.title, d.body, e.title, e.city, '', e.starts_at, c.latitude, c.longitude
             FROM ", matching!($db "event"), "
             JOIN event e ON e.id = d.event_id
             LEFT JOIN community_group c ON c.community_id = @community AND c.kind = 'city' AND c.name = e.city
             WHERE ", matches!($db "event"), " AND e.community_id = @community
               AND e.starts_at >= $5 AND e.starts_at < $6 AND ($7 = '' OR e.city = $7) AND e.id <> $1",
            within!("c" 8 9 10 11),
            order!($db)
        )
    };
}

macro_rules! groups {
    ($db:ident) => {
        concat!(head!($db "group"), "SELECT g.id, d.title, d.body, g.name, g.description, g.slug, NULL, g.latitude, g.longitude
             FROM ", matching!($db "group"), "
             JOIN community_group g ON g.id = d.group_id
             LEFT JOIN group_member mine ON mine.group_id = g.id AND mine.member_id = $1
             WHERE ", matches!($db "group"), " AND g.community_id = @community
               AND (g.visibility <> 'private' OR mine.status IN ('active', 'requested', 'invited'))
               AND ($5 = '' OR g.city = $5) AND ($6 = '' OR g.tango_role = $6)",
            within!("g" 7 8 9 10),
            order!($db)
        )
    };
}

/// A withheld place is found by its author alone.
macro_rules! places {
    ($db:ident) => {
        concat!(head!($db "place"), "SELECT w.id, d.title, d.body, w.name, w.city, '', NULL, w.latitude, w.longitude
             FROM ", matching!($db "place"), "
             JOIN place w ON w.id = d.place_id
             WHERE ", matches!($db "place"), " AND w.community_id = @community
               AND (w.withheld_at IS NULL OR w.created_by = $1) AND ($5 = '' OR w.city = $5)",
            within!("w" 6 7 8 9),
            order!($db)
        )
    };
}

/// What answers the query, is what the filter wants, and may be seen by the reader: the newest of
/// the kind, as many as are judged.
pub async fn find(
    db: &impl Executor,
    reader: MemberId,
    kind: Found,
    wanted: &Wanted,
    filter: &Filter,
) -> Result<Vec<Hit>> {
    // FTS5 gives the newest first and stops; a GIN index gives all, so that a word which half of
    // the posts hold is looked for among the newest documents first.
    let newest = db.pick(
        "",
        "SELECT /* every community */ max(number) FROM search_document",
    );
    if !newest.is_empty() {
        let newest = db.one(newest, vec![], |row| row.get::<Option<i64>>(0)).await?;
        let floor = newest.flatten().unwrap_or(0) - RECENT;
        if floor > 0 {
            let hits = find_above(db, reader, kind, wanted, filter, floor).await?;
            if hits.len() >= ENOUGH {
                return Ok(hits);
            }
        }
    }
    find_above(db, reader, kind, wanted, filter, 0).await
}

async fn find_above(
    db: &impl Executor,
    reader: MemberId,
    kind: Found,
    wanted: &Wanted,
    filter: &Filter,
    floor: i64,
) -> Result<Vec<Hit>> {
    let (sql, query) = match db.pick("sqlite", "postgres") {
        "sqlite" => (statement(kind).0, for_sqlite(wanted)),
        _ => (statement(kind).1, for_postgres(wanted)),
    };
    let text = |text: &Option<String>| Param::Text(text.clone().unwrap_or_default());
    let mut params = params![reader, query, floor, JUDGED];
    let from = filter.from.unwrap_or(Timestamp::from_micros(0));
    let to = filter.to.unwrap_or(Timestamp::from_micros(FAR));
    params.extend(match kind {
        Found::Member => vec![
            text(&filter.city),
            text(&filter.role),
            text(&filter.language),
            Param::Int(filter.level.unwrap_or(0)),
        ],
        Found::Post => params![from, to],
        Found::Event => vec![Param::Time(from), Param::Time(to), text(&filter.city)],
        Found::Group => vec![text(&filter.city), text(&filter.role)],
        Found::Place => vec![text(&filter.city)],
    });
    let bounds = filter.bounds.unwrap_or([EVERYWHERE; 4]);
    params.extend(bounds.map(Param::Real));
    db.all(sql, params, hit(kind)).await
}

/// The statement of a kind on either database.
pub(super) fn statement(kind: Found) -> (&'static str, &'static str) {
    match kind {
        Found::Member => (members!(sqlite), members!(postgres)),
        Found::Post => (posts!(sqlite), posts!(postgres)),
        Found::Event => (events!(sqlite), events!(postgres)),
        Found::Group => (groups!(sqlite), groups!(postgres)),
        Found::Place => (places!(sqlite), places!(postgres)),
    }
}

/// Known words that share groups of letters with a mistyped one, the likest first.
pub async fn likely_words(db: &impl Executor, word: &str) -> Result<Vec<String>> {
    let grams: Vec<String> = words::grams(word).into_iter().collect();
    let sql = db.pick(
        "SELECT word FROM search_gram
         WHERE community_id = @community AND gram IN (SELECT value FROM json_each($1))
         GROUP BY word ORDER BY count(*) DESC, word LIMIT 40",
        "SELECT word FROM search_gram
         WHERE community_id = @community AND gram IN (SELECT jsonb_array_elements_text($1::jsonb))
         GROUP BY word ORDER BY count(*) DESC, word LIMIT 40",
    );
    db.all(sql, params![serde_json::json!(grams)], |row| row.get(0))
        .await
}
