//! Whom a member may know: candidates by short ways through the graph, put in order by ALGO-3.
//!
//! Friends of friends, those one follows, and members of the same city, a hundred of
//! each at most. Never somebody who is a friend already, who was asked, or with whom
//! the member has nothing to do.

use crate::{
    profiles::{Author, author_columns},
    ranking::{
        Why,
        suggest::{Known, overlap, why},
    },
};
use accounts::MemberId;
use base::{Result, Timestamp};
use db::{Executor, params};
use platform::AppState;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Candidates of each kind.
const EACH: i64 = 100;
/// Friends whose friends are looked at.
const WAYS: i64 = 200;

/// Somebody the member may know, and why.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "FriendSuggestion")]
pub struct Suggestion {
    pub member: Author,
    pub mutual_friend_count: i64,
    pub why: Why,
}

struct Own {
    city: String,
    country: String,
    words: String,
}

pub async fn suggest(app: &AppState, member: MemberId) -> Result<Vec<Suggestion>> {
    let (db, now) = (&app.db, app.clock.now());
    let mut mutual: BTreeMap<Uuid, i64> = db
        .all(FRIENDS_OF_FRIENDS, params![member, WAYS, EACH], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .await?
        .into_iter()
        .collect();
    let own = "SELECT city, country, tango_roles || ' ' || languages FROM profile
               WHERE community_id = @community AND member_id = $1";
    let own = db
        .one(own, params![member], |row| {
            Ok(Own {
                city: row.get(0)?,
                country: row.get(1)?,
                words: row.get(2)?,
            })
        })
        .await?
        .unwrap_or(Own {
            city: String::new(),
            country: String::new(),
            words: String::new(),
        });
    for id in db
        .all(FOLLOWED, params![member, EACH], |row| row.get::<Uuid>(0))
        .await?
    {
        mutual.entry(id).or_default();
    }
    if !own.city.is_empty() {
        for id in db
            .all(SAME_CITY, params![own.city, EACH], |row| row.get::<Uuid>(0))
            .await?
        {
            mutual.entry(id).or_default();
        }
    }
    let ids: Vec<String> = mutual.keys().map(|id| id.simple().to_string()).collect();
    let found = db
        .all(candidates(db), params![member, json!(ids)], |row| {
            let author = Author::at(row, 0)?;
            let place: (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
            Ok((
                author,
                place,
                row.get::<Option<String>>(6)?,
                row.get::<Option<Timestamp>>(7)?,
            ))
        })
        .await?;
    let mut all: Vec<Suggestion> = found
        .into_iter()
        .map(|(author, (city, country), words, last_post)| {
            let mutual_friend_count = mutual.get(&author.id.0).copied().unwrap_or(0);
            let same = |own: &str, theirs: Option<String>| !own.is_empty() && theirs.as_deref() == Some(own);
            let known = Known {
                mutual_friends: mutual_friend_count,
                interests: overlap(&own.words, words.as_deref().unwrap_or_default()),
                same_city: same(&own.city, city),
                same_country: same(&own.country, country),
                days_since_post: last_post.map(|at| (now.since(at).as_secs() / 86_400) as i64),
            };
            Suggestion {
                member: author,
                mutual_friend_count,
                why: why(&app.config.ranking, &known),
            }
        })
        .collect();
    all.sort_by(|a, b| {
        b.why
            .score
            .total_cmp(&a.why.score)
            .then(b.member.id.cmp(&a.member.id))
    });
    Ok(all)
}

const FRIENDS_OF_FRIENDS: &str = "SELECT theirs.friend_id, count(*)
    FROM (SELECT friend_id FROM friend WHERE community_id = @community AND member_id = $1 LIMIT $2) mine
    JOIN friend theirs ON theirs.community_id = @community AND theirs.member_id = mine.friend_id
    WHERE theirs.friend_id <> $1 AND NOT EXISTS (SELECT 1 FROM friend f WHERE f.community_id = @community
        AND f.member_id = $1 AND f.friend_id = theirs.friend_id)
    GROUP BY theirs.friend_id ORDER BY count(*) DESC, theirs.friend_id DESC LIMIT $3";

const FOLLOWED: &str = "SELECT followee_id FROM follow
    WHERE community_id = @community AND follower_id = $1 AND NOT is_friend ORDER BY followee_id DESC LIMIT $2";

/// Those who tell everybody where they live.
const SAME_CITY: &str = "SELECT member_id FROM profile
    WHERE community_id = @community AND city = $1 AND coalesce(privacy ->> 'city', 'public') = 'public'
    ORDER BY member_id DESC LIMIT $2";

/// Candidates who may be shown, with what is public about them.
fn candidates(db: &impl Executor) -> &'static str {
    macro_rules! text {
        ($from:literal) => {
            concat!(
                "SELECT ", author_columns!("m"), ",
                        CASE WHEN coalesce(q.privacy ->> 'city', 'public') = 'public' THEN q.city END,
                        CASE WHEN coalesce(q.privacy ->> 'city', 'public') = 'public' THEN q.country END,
                        CASE WHEN coalesce(q.privacy ->> 'tango_roles', 'public') = 'public' THEN q.tango_roles ELSE '' END
                            || ' ' || CASE WHEN coalesce(q.privacy ->> 'languages', 'public') = 'public'
                                THEN q.languages ELSE '' END,
                        (SELECT p.created_at FROM post p WHERE p.community_id = @community AND p.author_id = m.id
                             AND p.visibility = 'public' ORDER BY p.id DESC LIMIT 1) ",
                $from,
                " LEFT JOIN profile q ON q.community_id = @community AND q.member_id = m.id
                 WHERE m.id <> $1 AND m.status = 'active'
                     AND NOT EXISTS (SELECT 1 FROM friend f WHERE f.community_id = @community
                         AND f.member_id = $1 AND f.friend_id = m.id)
                     AND NOT EXISTS (SELECT 1 FROM friend_request r WHERE r.community_id = @community
                         AND r.sender_id = $1 AND r.receiver_id = m.id)
                     AND NOT EXISTS (SELECT 1 FROM friend_request r WHERE r.community_id = @community
                         AND r.sender_id = m.id AND r.receiver_id = $1)
                     AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                         AND b.member_id = $1 AND b.other_id = m.id)
                     AND m.id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1)"
            )
        };
    }
    db.pick(
        text!("FROM json_each($2) wanted CROSS JOIN member m ON m.id = unhex(wanted.value)"),
        text!(
            "FROM (SELECT jsonb_array_elements_text($2::jsonb)::uuid AS id) wanted JOIN member m ON m.id = wanted.id"
        ),
    )
}
