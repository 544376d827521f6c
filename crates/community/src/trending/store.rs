use super::TrendingHashtag;
use crate::{
    posts::PostId,
    ranking::{Why, trend},
};
use base::{Ids, Result, Timestamp};
use db::{Db, Executor, params};
use platform::AppState;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long a node trusts what it counted.
const TRUSTED: Duration = Duration::from_mins(1);
const HASHTAG_SPAN: Duration = Duration::from_hours(7 * 24);
const POST_SPAN: Duration = Duration::from_hours(3 * 24);
/// How many are kept, and candidates weighed for them.
const KEPT: usize = 100;
const WEIGHED: i64 = 500;

/// What a community talks about.
#[derive(Debug)]
pub struct Trends {
    pub hashtags: Vec<TrendingHashtag>,
    pub posts: Vec<(PostId, Why)>,
    counted_at: Timestamp,
}

#[derive(Debug, Default)]
struct Remembered(Mutex<HashMap<i32, Arc<Trends>>>);

/// The trends of the community, at most a minute old.
pub async fn trends(app: &AppState) -> Result<Arc<Trends>> {
    let (remembered, now) = (app.memory::<Remembered>(), app.clock.now());
    let community = app.db.community().0;
    let known = remembered
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&community)
        .cloned();
    if let Some(known) = known.filter(|known| now.since(known.counted_at) < TRUSTED) {
        return Ok(known);
    }
    let counted = Arc::new(count(&app.db, &app.ids, now).await?);
    let mut all = remembered.0.lock().unwrap_or_else(PoisonError::into_inner);
    all.insert(community, counted.clone());
    Ok(counted)
}

async fn count(db: &Db, ids: &Ids, now: Timestamp) -> Result<Trends> {
    let hashtags =
        "SELECT h.tag, count(DISTINCT p.author_id) FROM post_hashtag h JOIN post p ON p.id = h.post_id
        WHERE h.community_id = @community AND h.post_id > $1 AND p.visibility = 'public'
        GROUP BY h.tag ORDER BY count(DISTINCT p.author_id) DESC, h.tag LIMIT $2";
    let hashtags = db
        .all(
            hashtags,
            params![ids.at(now.minus(HASHTAG_SPAN)), KEPT as i64],
            |row| {
                Ok(TrendingHashtag {
                    hashtag: row.get(0)?,
                    member_count: row.get(1)?,
                })
            },
        )
        .await?;
    let posts = "SELECT id, like_count, comment_count, share_count, created_at FROM post
        WHERE id > $1 AND community_id = @community AND visibility = 'public'
            AND like_count + comment_count + share_count > 0
        ORDER BY like_count + 2 * comment_count + 3 * share_count DESC LIMIT $2";
    let mut posts: Vec<(PostId, Why)> = db
        .all(posts, params![ids.at(now.minus(POST_SPAN)), WEIGHED], |row| {
            Ok((
                row.get::<PostId>(0)?,
                row.get::<i64>(1)?,
                row.get::<i64>(2)?,
                row.get::<i64>(3)?,
                row.get::<Timestamp>(4)?,
            ))
        })
        .await?
        .into_iter()
        .map(|(id, likes, comments, shares, at)| {
            let hours = now.since(at).as_secs_f64() / 3600.0;
            (id, trend::why(likes, comments, shares, hours))
        })
        .collect();
    posts.sort_by(|a, b| b.1.score.total_cmp(&a.1.score).then(b.0.cmp(&a.0)));
    posts.truncate(KEPT);
    Ok(Trends {
        hashtags,
        posts,
        counted_at: now,
    })
}
