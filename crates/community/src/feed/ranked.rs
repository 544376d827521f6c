//! The ranked feed: windows of the chronological one, each put in order by ALGO-1.
//!
//! A window is a hundred posts, so a page costs one chronological page of that
//! length, and nothing that the chronological feed hides can appear. The cursor
//! names the window and how many of it were shown; what is written in the meantime
//! stands above the window.

use super::cursor::{FeedCursor, FeedPage};
use crate::{
    posts::{Post, store, with_media},
    profiles,
    ranking::feed::{Known, Relationship, why},
};
use accounts::{CurrentUser, MemberId};
use base::{Cursor, Page, Paging, Result, Timestamp, fold, page::Limit};
use db::{Executor, params};
use platform::AppState;
use std::collections::HashSet;
use uuid::Uuid;

/// Own posts whose hashtags count as the reader's.
const LATELY: i64 = 50;

/// What is known of the reader.
struct Reader {
    id: MemberId,
    username: String,
    friends: HashSet<MemberId>,
    hashtags: HashSet<String>,
    city: String,
}

pub async fn page(
    app: &AppState,
    actor: &CurrentUser,
    limit: Limit,
    cursor: Option<FeedCursor>,
) -> Result<FeedPage> {
    let whole = Paging {
        limit: Limit::most(),
        cursor: cursor.map(|cursor| Cursor(cursor.before)),
    };
    let shown = usize::from(cursor.and_then(|cursor| cursor.shown).unwrap_or(0));
    let posts = store::feed(&app.db, actor.id, whole, None).await?;
    let window = Page::of(posts, whole.limit, |post| post.id.0);
    // The window's upper end, fixed by its newest post.
    let top = window
        .items
        .first()
        .map(|post| Uuid::from_u128(post.id.0.as_u128() + 1));
    let before = cursor.map(|cursor| cursor.before).or(top).unwrap_or(Uuid::max());
    let below = window.next_cursor;
    let reader = reader(app, actor.id).await?;
    let mut items = ranked(app, &reader, window.items, app.clock.now());
    let rest = items.len().saturating_sub(shown + limit.count());
    let next_cursor = if rest > 0 {
        Some(FeedCursor {
            before,
            shown: Some((shown + limit.count()) as u16),
        })
    } else {
        below.map(|before| FeedCursor {
            before,
            shown: Some(0),
        })
    };
    items.truncate(shown + limit.count());
    let items = items.split_off(shown.min(items.len()));
    let items = with_media(app, items).await?;
    Ok(FeedPage { items, next_cursor })
}

fn ranked(app: &AppState, reader: &Reader, posts: Vec<Post>, now: Timestamp) -> Vec<Post> {
    let mut posts: Vec<Post> = posts
        .into_iter()
        .map(|mut post| {
            post.why = Some(why(&app.config.ranking, &known(reader, &post, now)));
            post
        })
        .collect();
    let score = |post: &Post| post.why.as_ref().map_or(0.0, |why| why.score);
    posts.sort_by(|a, b| score(b).total_cmp(&score(a)).then(b.id.cmp(&a.id)));
    posts
}

fn known(reader: &Reader, post: &Post, now: Timestamp) -> Known {
    let place = post
        .place
        .as_ref()
        .map(|place| fold(&place.name))
        .unwrap_or_default();
    Known {
        age_hours: now.since(post.created_at).as_secs_f64() / 3600.0,
        likes: post.like_count,
        comments: post.comment_count,
        shares: post.share_count,
        relationship: if post.author.id == reader.id {
            Relationship::Own
        } else if reader.friends.contains(&post.author.id) {
            Relationship::Friend
        } else {
            Relationship::Followed
        },
        mentions_reader: post.mentions.contains(&reader.username),
        shares_hashtag: post.hashtags.iter().any(|tag| reader.hashtags.contains(tag)),
        in_readers_city: !reader.city.is_empty() && place.contains(&reader.city),
    }
}

async fn reader(app: &AppState, id: MemberId) -> Result<Reader> {
    let db = &app.db;
    let friends =
        "SELECT followee_id FROM follow WHERE community_id = @community AND follower_id = $1 AND is_friend";
    let hashtags = "SELECT hashtags FROM post WHERE community_id = @community AND author_id = $1 ORDER BY id DESC LIMIT $2";
    let hashtags: Vec<String> = db.all(hashtags, params![id, LATELY], |row| row.get(0)).await?;
    let author = store::author(db, id).await?;
    Ok(Reader {
        id,
        username: author.map(|author| author.username).unwrap_or_default(),
        friends: db
            .all(friends, params![id], |row| row.get(0))
            .await?
            .into_iter()
            .collect(),
        hashtags: hashtags
            .iter()
            .flat_map(|tags| tags.split_whitespace())
            .map(str::to_owned)
            .collect(),
        city: fold(&profiles::store::city(db, id).await?),
    })
}
