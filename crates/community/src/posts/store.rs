use super::{
    Edit, Place, Post, PostId, SharedPost,
    model::{Draft, Mentioned, joined},
    policy,
};
use crate::{
    groups::GroupId,
    profiles::{Author, author_columns},
    reactions::Reaction,
};
use accounts::MemberId;
use base::{Paging, Result, Timestamp};
use db::{Db, Executor, Row, Snapshot, Tx, params};
use serde_json::json;
use std::collections::HashMap;
use uuid::Uuid;

/// Whether the reader (`$1`) may read the post `p`: as its author, as one of those it is for, or named
/// on it; what staff took from sight, its author alone. Who may not read it knows of no such post.
macro_rules! visible {
    () => {
        "(p.author_id = $1 OR (
            (CASE p.visibility WHEN 'public' THEN TRUE
                WHEN 'friends' THEN EXISTS (SELECT 1 FROM friend pf WHERE pf.community_id = @community
                    AND pf.member_id = $1 AND pf.friend_id = p.author_id)
                WHEN 'group' THEN EXISTS (SELECT 1 FROM community_group pg WHERE pg.community_id = @community
                    AND pg.id = p.group_id AND (pg.visibility = 'public' OR EXISTS (SELECT 1 FROM group_member pm
                        WHERE pm.community_id = @community AND pm.group_id = pg.id AND pm.member_id = $1
                            AND pm.status = 'active')))
                ELSE FALSE END
             OR EXISTS (SELECT 1 FROM companion pc WHERE pc.community_id = @community
                    AND pc.post_id = p.id AND pc.member_id = $1 AND pc.status <> 'denied'))
            AND p.withheld IS NULL
            AND NOT EXISTS (SELECT 1 FROM block pb WHERE pb.community_id = @community
                AND pb.member_id = $1 AND pb.other_id = p.author_id)))"
    };
}

/// What `post()` reads of the post `p` for the reader `$1`, behind `SELECT`.
macro_rules! post_columns {
    () => {
        concat!(
            "p.id, p.body, p.created_at, p.edited_at, p.like_count, p.comment_count, ",
            $crate::profiles::author_columns!("m"),
            ", r.kind, p.version,
         p.visibility, p.kind, p.group_id, p.html, p.hashtags, p.mentions, p.emotions,
         p.place, p.latitude, p.longitude, p.shared_id, p.share_count, p.companion_count,
         s.member_id IS NOT NULL, p.withheld IS NOT NULL, p.media_count"
        )
    };
}

/// What `post_columns!` needs beside `p`.
macro_rules! post_joins {
    () => {
        "JOIN member m ON m.id = p.author_id
         LEFT JOIN reaction r ON r.post_id = p.id AND r.member_id = $1
         LEFT JOIN saved_post s ON s.member_id = $1 AND s.post_id = p.id"
    };
}

pub(crate) use {post_columns, visible};

/// A post without its companions, what it shares and its media: `complete` and `with_media` add them.
pub(crate) fn post(row: &Row<'_>) -> Result<Post> {
    let reaction: Option<Reaction> = row.get(10)?;
    let place: Option<String> = row.get(19)?;
    Ok(Post {
        id: row.get(0)?,
        body: row.get(1)?,
        created_at: row.get(2)?,
        edited_at: row.get(3)?,
        like_count: row.get(4)?,
        comment_count: row.get(5)?,
        author: Author::at(row, 6)?,
        liked_by_me: reaction.is_some(),
        reaction,
        version: row.get(11)?,
        visibility: row.get(12)?,
        kind: row.get(13)?,
        group_id: row.get(14)?,
        html: row.get(15)?,
        hashtags: split(&row.get::<String>(16)?),
        mentions: split(&row.get::<String>(17)?),
        emotions: row
            .get::<String>(18)?
            .split_whitespace()
            .filter_map(super::Emotion::parse)
            .collect(),
        place: match place {
            Some(name) => Some(Place {
                name: name.parse().map_err(base::error::internal)?,
                latitude: row.get::<Option<f64>>(20)?.map(base::geo::Degrees),
                longitude: row.get::<Option<f64>>(21)?.map(base::geo::Degrees),
            }),
            None => None,
        },
        shared_id: row.get(22)?,
        share_count: row.get(23)?,
        companion_count: row.get(24)?,
        saved_by_me: row.get(25)?,
        is_withheld: row.get(26)?,
        media_count: row.get(27)?,
        media: vec![],
        companions: vec![],
        shared: None,
        why: None,
    })
}

fn split(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

/// Adds what few posts have, in one statement each and only when one of them has it.
pub async fn complete(db: &impl Executor, reader: MemberId, posts: &mut [Post]) -> Result<()> {
    let shared: Vec<String> = posts
        .iter()
        .filter_map(|post| post.shared_id.map(|id| id.0.simple().to_string()))
        .collect();
    if !shared.is_empty() {
        let found = db
            .all(shared_posts(db), params![reader, json!(shared)], shared_post)
            .await?;
        let by_id: HashMap<_, _> = found.into_iter().map(|post| (post.id, post)).collect();
        for post in posts.iter_mut() {
            post.shared = post.shared_id.and_then(|id| by_id.get(&id).cloned());
        }
    }
    let with: Vec<String> = posts
        .iter()
        .filter(|post| post.companion_count > 0)
        .map(|post| post.id.0.simple().to_string())
        .collect();
    if !with.is_empty() {
        for (id, who) in db
            .all(companions_of(db), params![reader, json!(with)], |row| {
                let author = Author::at(row, 1)?;
                Ok((row.get::<PostId>(0)?, author))
            })
            .await?
        {
            if let Some(post) = posts.iter_mut().find(|post| post.id == id) {
                post.companions.push(who);
            }
        }
    }
    Ok(())
}

fn shared_posts(db: &impl Executor) -> &'static str {
    db.pick(
        concat!(
            "SELECT p.id, p.body, p.html, p.created_at, ",
            author_columns!("m"),
            ", p.media_count
             FROM json_each($2) wanted
             CROSS JOIN post p ON p.id = unhex(wanted.value) AND p.community_id = @community
             CROSS JOIN member m ON m.id = p.author_id WHERE ",
            visible!()
        ),
        concat!(
            "SELECT p.id, p.body, p.html, p.created_at, ",
            author_columns!("m"),
            ", p.media_count
             FROM post p JOIN member m ON m.id = p.author_id
             WHERE p.id = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb)::uuid))
                 AND p.community_id = @community AND ",
            visible!()
        ),
    )
}

fn shared_post(row: &Row<'_>) -> Result<SharedPost> {
    Ok(SharedPost {
        id: row.get(0)?,
        body: row.get(1)?,
        html: row.get(2)?,
        created_at: row.get(3)?,
        author: Author::at(row, 4)?,
        media_count: row.get(8)?,
        media: vec![],
    })
}

fn companions_of(db: &impl Executor) -> &'static str {
    db.pick(
        concat!(
            "SELECT c.post_id, ",
            author_columns!("m"),
            " FROM json_each($2) wanted
         CROSS JOIN companion c ON c.post_id = unhex(wanted.value) AND c.community_id = @community
         CROSS JOIN member m ON m.id = c.member_id
         WHERE c.status = 'approved' AND NOT EXISTS (SELECT 1 FROM block b
             WHERE b.community_id = @community AND b.member_id = $1 AND b.other_id = c.member_id)
         ORDER BY c.post_id, c.member_id"
        ),
        concat!(
            "SELECT c.post_id, ",
            author_columns!("m"),
            " FROM companion c JOIN member m ON m.id = c.member_id
         WHERE c.post_id = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb)::uuid))
             AND c.community_id = @community AND c.status = 'approved' AND NOT EXISTS (SELECT 1 FROM block b
             WHERE b.community_id = @community AND b.member_id = $1 AND b.other_id = c.member_id)
         ORDER BY c.post_id, c.member_id"
        ),
    )
}

const FIND: &str = concat!(
    "SELECT ",
    post_columns!(),
    " FROM post p ",
    post_joins!(),
    " WHERE p.id = $2 AND p.community_id = @community AND ",
    visible!()
);

/// The post, when the reader may read it.
pub async fn find(db: &impl Executor, reader: MemberId, id: PostId) -> Result<Option<Post>> {
    let Some(mut post) = db.one(FIND, params![reader, id], post).await? else {
        return Ok(None);
    };
    complete(db, reader, std::slice::from_mut(&mut post)).await?;
    Ok(Some(post))
}

/// Whether the reader may read the post, and who wrote it.
pub async fn author_of(db: &impl Executor, reader: MemberId, id: PostId) -> Result<Option<MemberId>> {
    const SQL: &str = concat!(
        "SELECT p.author_id FROM post p WHERE p.id = $2 AND p.community_id = @community AND ",
        visible!()
    );
    db.one(SQL, params![reader, id], |row| row.get(0)).await
}

/// Everything one wrote oneself, the newest first.
const OWN: &str = concat!(
    "SELECT ",
    post_columns!(),
    " FROM post p ",
    post_joins!(),
    " WHERE p.community_id = @community AND p.author_id = $2 AND p.id < $3 ORDER BY p.id DESC LIMIT $4"
);

/// What another member wrote for everybody and, if they are friends, for friends.
const OF_ANOTHER: &str = concat!(
    "SELECT ",
    post_columns!(),
    " FROM (SELECT id FROM (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = $2 AND p.visibility = 'public' AND p.id < $3
            ORDER BY p.id DESC LIMIT $4) public
        UNION ALL SELECT id FROM (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = $2 AND p.visibility = 'friends' AND p.id < $3
                AND EXISTS (SELECT 1 FROM friend f WHERE f.community_id = @community
                    AND f.member_id = $1 AND f.friend_id = $2)
            ORDER BY p.id DESC LIMIT $4) friends) found
     JOIN post p ON p.id = found.id ",
    post_joins!(),
    " WHERE p.community_id = @community AND NOT EXISTS (SELECT 1 FROM block b
         WHERE b.community_id = @community AND b.member_id = $1 AND b.other_id = $2)
     ORDER BY p.id DESC LIMIT $4"
);

/// One author's posts that the reader may read, the newest first. Posts in groups stand there.
pub async fn list_by(
    db: &impl Executor,
    reader: MemberId,
    author: MemberId,
    page: Paging,
) -> Result<Vec<Post>> {
    let sql = if reader == author { OWN } else { OF_ANOTHER };
    let mut posts = db
        .all(sql, params![reader, author, page.before(), page.fetch()], post)
        .await?;
    complete(db, reader, &mut posts).await?;
    Ok(posts)
}

/// A group's posts that the reader may read, the newest first.
pub async fn list_in_group(
    db: &impl Executor,
    reader: MemberId,
    group: GroupId,
    page: Paging,
) -> Result<Vec<Post>> {
    const SQL: &str = concat!(
        "SELECT ",
        post_columns!(),
        " FROM post p ",
        post_joins!(),
        " WHERE p.community_id = @community AND p.group_id = $2 AND p.id < $3 AND ",
        visible!(),
        " ORDER BY p.id DESC LIMIT $4"
    );
    let mut posts = db
        .all(SQL, params![reader, group, page.before(), page.fetch()], post)
        .await?;
    complete(db, reader, &mut posts).await?;
    Ok(posts)
}

/// Posts with a hashtag that the reader may read and whose authors they did not mute, the newest first.
pub async fn list_tagged(db: &impl Executor, reader: MemberId, tag: &str, page: Paging) -> Result<Vec<Post>> {
    const SQL: &str = concat!(
        "SELECT ",
        post_columns!(),
        " FROM post_hashtag h JOIN post p ON p.id = h.post_id ",
        post_joins!(),
        " WHERE h.community_id = @community AND h.tag = $2 AND h.post_id < $3
             AND p.author_id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1)
             AND ",
        visible!(),
        " ORDER BY h.post_id DESC LIMIT $4"
    );
    let mut posts = db
        .all(SQL, params![reader, tag, page.before(), page.fetch()], post)
        .await?;
    complete(db, reader, &mut posts).await?;
    Ok(posts)
}

/// Those of these posts that the reader may read and whose authors they did not mute, in no order.
pub async fn these(db: &impl Executor, reader: MemberId, ids: &[PostId]) -> Result<Vec<Post>> {
    let sql = db.pick(
        concat!(
            "SELECT ",
            post_columns!(),
            " FROM json_each($2) wanted
             CROSS JOIN post p ON p.id = unhex(wanted.value) AND p.community_id = @community
             CROSS JOIN member m ON m.id = p.author_id
             LEFT JOIN reaction r ON r.post_id = p.id AND r.member_id = $1
             LEFT JOIN saved_post s ON s.member_id = $1 AND s.post_id = p.id
             WHERE p.author_id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1) AND ",
            visible!()
        ),
        concat!(
            "SELECT ",
            post_columns!(),
            " FROM post p ",
            post_joins!(),
            " WHERE p.id = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb)::uuid)) AND p.community_id = @community
                 AND p.author_id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1)
                 AND ",
            visible!()
        ),
    );
    let ids: Vec<String> = ids.iter().map(|id| id.0.simple().to_string()).collect();
    let mut posts = db.all(sql, params![reader, json!(ids)], post).await?;
    complete(db, reader, &mut posts).await?;
    Ok(posts)
}

/// What the post said before its edits, the newest first, below a version.
pub async fn list_edits(db: &impl Executor, id: PostId, before: i64, limit: i64) -> Result<Vec<Edit>> {
    let sql = "SELECT version, body, html, created_at FROM post_edit
               WHERE community_id = @community AND post_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3";
    db.all(sql, params![id, before, limit], |row| {
        Ok(Edit {
            version: row.get(0)?,
            body: row.get(1)?,
            html: row.get(2)?,
            created_at: row.get(3)?,
        })
    })
    .await
}

/// The members behind user names, without those the writer has nothing to do with.
pub async fn mentioned(db: &impl Executor, writer: MemberId, names: &[String]) -> Result<Vec<Mentioned>> {
    if names.is_empty() {
        return Ok(vec![]);
    }
    let sql = db.pick(
        "SELECT m.id, m.username FROM member m WHERE m.status = 'active'
             AND m.username IN (SELECT value FROM json_each($2))
             AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                 AND b.member_id = $1 AND b.other_id = m.id)
         ORDER BY m.username",
        "SELECT m.id, m.username FROM member m WHERE m.status = 'active'
             AND m.username = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))
             AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                 AND b.member_id = $1 AND b.other_id = m.id)
         ORDER BY m.username",
    );
    db.all(sql, params![writer, json!(names)], |row| {
        Ok(Mentioned {
            id: row.get(0)?,
            username: row.get(1)?,
        })
    })
    .await
}

/// Writes the post. Nothing is asked here, so that on PostgreSQL many share a commit.
pub async fn insert(
    tx: &Tx,
    id: PostId,
    author: MemberId,
    draft: &Draft,
    hashtags: &[String],
    mentions: &[Mentioned],
    now: Timestamp,
) -> Result<()> {
    let place = draft.place.as_ref();
    tx.execute_last(
        "INSERT INTO post (id, community_id, author_id, body, created_at, visibility, kind, group_id, html,
                           hashtags, mentions, emotions, place, latitude, longitude, shared_id, media_count)
         VALUES ($1, @community, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        params![
            id,
            author,
            draft.words.body,
            now,
            draft.visibility,
            draft.kind,
            draft.group_id,
            draft.words.html,
            joined(hashtags.iter().map(String::as_str)),
            joined(mentions.iter().map(|mention| mention.username.as_str())),
            joined(draft.emotions.iter().map(|emotion| emotion.as_str())),
            place.map(|place| &place.name),
            place.and_then(|place| place.latitude).map(|degrees| degrees.0),
            place.and_then(|place| place.longitude).map(|degrees| degrees.0),
            draft.shared_id,
            draft.media.len() as i64
        ],
    )
    .await?;
    tag(tx, id, hashtags).await
}

async fn tag(tx: &Tx, id: PostId, hashtags: &[String]) -> Result<()> {
    for tag in hashtags {
        tx.execute_last(
            "INSERT INTO post_hashtag (community_id, tag, post_id) VALUES (@community, $1, $2)",
            params![tag, id],
        )
        .await?;
    }
    Ok(())
}

/// Counts a share of a post that the member may read and everybody else too; false when there is
/// none by now.
pub async fn count_share(tx: &Tx, member: MemberId, id: PostId) -> Result<bool> {
    const SQL: &str = concat!(
        "UPDATE post AS p SET share_count = share_count + 1
         WHERE p.id = $2 AND p.community_id = @community AND p.visibility = 'public' AND ",
        visible!()
    );
    Ok(tx.execute(SQL, params![member, id]).await? > 0)
}

pub async fn author(db: &impl Executor, id: MemberId) -> Result<Option<Author>> {
    let sql = "SELECT id, username, display_name, verified_at IS NOT NULL FROM member WHERE id = $1";
    db.one(sql, params![id], |row| Author::at(row, 0)).await
}

/// Keeps what the post said and writes what it says now; false when it has another version by now.
/// What it said to fewer is not told to more: a post that is opened loses its earlier words.
pub async fn update(tx: &Tx, before: &Post, post: &Post, now: Timestamp) -> Result<bool> {
    let place = post.place.as_ref();
    let count = tx
        .execute(
            "UPDATE post SET body = $1, html = $2, visibility = $3, hashtags = $4, mentions = $5, emotions = $6,
                             place = $7, latitude = $8, longitude = $9, edited_at = $10, media_count = $11,
                             version = version + 1
             WHERE id = $12 AND version = $13 AND community_id = @community",
            params![
                post.body,
                post.html,
                post.visibility,
                joined(post.hashtags.iter().map(String::as_str)),
                joined(post.mentions.iter().map(String::as_str)),
                joined(post.emotions.iter().map(|emotion| emotion.as_str())),
                place.map(|place| &place.name),
                place.and_then(|place| place.latitude).map(|degrees| degrees.0),
                place.and_then(|place| place.longitude).map(|degrees| degrees.0),
                now,
                post.media_count,
                post.id,
                before.version
            ],
        )
        .await?;
    if count == 0 {
        return Ok(false);
    }
    if policy::widens(before.visibility, post.visibility) {
        tx.execute(
            "DELETE FROM post_edit WHERE community_id = @community AND post_id = $1",
            params![post.id],
        )
        .await?;
    } else if (&before.body, &before.html) != (&post.body, &post.html) {
        tx.execute(
            "INSERT INTO post_edit (community_id, post_id, version, body, html, created_at)
             VALUES (@community, $1, $2, $3, $4, $5)",
            params![
                post.id,
                before.version,
                before.body,
                before.html,
                before.edited_at.unwrap_or(before.created_at)
            ],
        )
        .await?;
    }
    if before.hashtags != post.hashtags {
        tx.execute(
            "DELETE FROM post_hashtag WHERE community_id = @community AND post_id = $1",
            params![post.id],
        )
        .await?;
        tag(tx, post.id, &post.hashtags).await?;
    }
    Ok(true)
}

pub async fn delete(tx: &Tx, post: &Post) -> Result<()> {
    tx.execute(
        "DELETE FROM post WHERE id = $1 AND community_id = @community",
        params![post.id],
    )
    .await?;
    let Some(shared) = post.shared_id else {
        return Ok(());
    };
    tx.execute(
        "UPDATE post SET share_count = share_count - 1 WHERE id = $1 AND community_id = @community",
        params![shared],
    )
    .await
    .map(drop)
}

/// Takes the post from everybody's sight but its author's; false when it is not there. It counts as
/// private from here on, wherever visibility is asked.
pub async fn withhold(tx: &Tx, id: PostId) -> Result<bool> {
    let sql = "UPDATE post SET withheld = coalesce(withheld, visibility), visibility = 'private', version = version + 1
               WHERE id = $1 AND community_id = @community";
    Ok(tx.execute(sql, params![id]).await? > 0)
}

/// Puts a withheld post back where it was.
pub async fn restore(tx: &Tx, id: PostId) -> Result<()> {
    let sql = "UPDATE post SET visibility = withheld, withheld = NULL, version = version + 1
               WHERE id = $1 AND withheld IS NOT NULL AND community_id = @community";
    tx.execute(sql, params![id]).await.map(drop)
}

/// Moves the count of comments, whoever may read the post; its row is locked from here on.
pub async fn move_comment_count(tx: &Tx, id: PostId, by: i64) -> Result<()> {
    let sql =
        "UPDATE post SET comment_count = comment_count + $1 WHERE id = $2 AND community_id = @community";
    tx.execute(sql, params![by, id]).await.map(drop)
}

/// Changes the count of reactions and tells whose post it is; nothing when the member knows of no such post.
pub async fn count_reaction(
    tx: &Tx,
    member: MemberId,
    id: PostId,
    by: i64,
) -> Result<Option<(i64, MemberId)>> {
    const SQL: &str = concat!(
        "UPDATE post AS p SET like_count = like_count + $2 WHERE p.id = $3 AND p.community_id = @community AND ",
        visible!(),
        " RETURNING like_count, author_id"
    );
    tx.one(SQL, params![member, by, id], |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// The same for comments.
pub async fn count_comment(tx: &Tx, member: MemberId, id: PostId, by: i64) -> Result<Option<MemberId>> {
    const SQL: &str = concat!(
        "UPDATE post AS p SET comment_count = comment_count + $2 WHERE p.id = $3 AND p.community_id = @community AND ",
        visible!(),
        " RETURNING author_id"
    );
    tx.one(SQL, params![member, by, id], |row| row.get(0)).await
}

/// The count of those who agreed to stand on a post; the post's row is locked from here on.
pub async fn count_companion(tx: &Tx, id: PostId, by: i64) -> Result<bool> {
    let sql =
        "UPDATE post SET companion_count = companion_count + $1 WHERE id = $2 AND community_id = @community";
    Ok(tx.execute(sql, params![by, id]).await? > 0)
}

/// A page of the feed: the newest posts of those the reader follows and did not
/// mute, and their own. A block has ended the follow, so it needs no look here.
///
/// First the newest post of each author below the cursor (one step into an
/// index each; two for friends, whose posts for friends have an index of their
/// own); only the authors of the `limit` newest of these can stand on the
/// page, and nothing older than the oldest of these can. So a page costs one
/// index step for each author followed and a few more rows than it shows,
/// however long anybody's history is and however much of it is private.
///
/// `reach` is where the reader's last page ended, if that is known: a full page
/// of posts that are no older is the right page, whatever `reach` is. It saves
/// PostgreSQL the way to the bound, a third of its work.
pub async fn feed(db: &Db, reader: MemberId, page: Paging, reach: Option<PostId>) -> Result<Vec<Post>> {
    let mut posts = if db.statements_are_calls() {
        db.read(move |snapshot| async move { feed_by_steps(&snapshot, reader, page).await })
            .await?
    } else {
        feed_by_one_statement(db, reader, page, reach).await?
    };
    complete(db, reader, &mut posts).await?;
    Ok(posts)
}

async fn feed_by_one_statement(
    db: &Db,
    reader: MemberId,
    page: Paging,
    reach: Option<PostId>,
) -> Result<Vec<Post>> {
    let (before, limit) = (page.before(), page.fetch());
    if let Some(reach) = reach {
        let posts = db
            .all(FEED_REACHING, params![reader, before, limit, reach], post)
            .await?;
        if posts.len() as i64 == limit {
            return Ok(posts);
        }
    }
    db.all(FEED_POSTGRES, params![reader, before, limit, Uuid::nil()], post)
        .await
}

/// Which of an author's posts a source of the feed gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Public,
    Friends,
    Own,
}

/// The same in small statements, where each costs a function call and no journey.
async fn feed_by_steps(db: &Snapshot, reader: MemberId, page: Paging) -> Result<Vec<Post>> {
    let (before, limit) = (page.before(), page.fetch());
    let mut heads: Vec<(Uuid, MemberId, Lane)> = vec![];
    for (sql, lane) in [
        (HEADS, Lane::Public),
        (HEADS_FRIENDS, Lane::Friends),
        (HEADS_OWN, Lane::Own),
    ] {
        let found = db.all(sql, params![reader, before], |row| {
            Ok((row.get::<Option<Uuid>>(0)?, row.get::<MemberId>(1)?))
        });
        heads.extend(
            found
                .await?
                .into_iter()
                .filter_map(|(newest, author)| Some((newest?, author, lane))),
        );
    }
    heads.sort_unstable_by(|a, b| b.cmp(a));
    heads.truncate(limit as usize);
    let mut ids: Vec<Uuid> = heads.iter().map(|(newest, ..)| *newest).collect();
    for (newest, author, lane) in heads {
        let full = ids.len() as i64 == limit;
        let bound = ids.last().filter(|_| full).copied().unwrap_or_default();
        // Whoever comes now has nothing newer than what is on the page.
        if newest <= bound {
            break;
        }
        let sql = match lane {
            Lane::Public => OLDER,
            Lane::Friends => OLDER_FRIENDS,
            Lane::Own => OLDER_OWN,
        };
        let older = db.all(sql, params![author, newest, bound, limit - 1], |row| {
            row.get::<Uuid>(0)
        });
        ids.extend(older.await?);
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.truncate(limit as usize);
    }
    let ids: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
    db.all(THESE, params![reader, json!(ids)], post).await
}

/// The newest post of each author below the cursor, if there is one. The caller
/// drops the others: asking for `IS NOT NULL` here would look for each twice.
const HEADS: &str = "SELECT (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = f.followee_id AND p.visibility = 'public' AND p.id < $2
            ORDER BY p.id DESC LIMIT 1), f.followee_id
        FROM follow f WHERE f.community_id = @community AND f.follower_id = $1
            AND f.followee_id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1)";

const HEADS_FRIENDS: &str = "SELECT (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = f.followee_id AND p.visibility = 'friends' AND p.id < $2
            ORDER BY p.id DESC LIMIT 1), f.followee_id
        FROM follow f WHERE f.community_id = @community AND f.follower_id = $1 AND f.is_friend
            AND f.followee_id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1)";

const HEADS_OWN: &str = "SELECT (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = $1 AND p.id < $2
            ORDER BY p.id DESC LIMIT 1), $1";

const OLDER: &str = "SELECT id FROM post
    WHERE community_id = @community AND author_id = $1 AND visibility = 'public' AND id < $2 AND id > $3
    ORDER BY id DESC LIMIT $4";

const OLDER_FRIENDS: &str = "SELECT id FROM post
    WHERE community_id = @community AND author_id = $1 AND visibility = 'friends' AND id < $2 AND id > $3
    ORDER BY id DESC LIMIT $4";

const OLDER_OWN: &str = "SELECT id FROM post
    WHERE community_id = @community AND author_id = $1 AND id < $2 AND id > $3
    ORDER BY id DESC LIMIT $4";

const THESE: &str = concat!(
    "SELECT ",
    post_columns!(),
    " FROM json_each($2) wanted
    CROSS JOIN post p ON p.id = unhex(wanted.value) AND p.community_id = @community
    CROSS JOIN member m ON m.id = p.author_id
    LEFT JOIN reaction r ON r.post_id = p.id AND r.member_id = $1
    LEFT JOIN saved_post s ON s.member_id = $1 AND s.post_id = p.id"
);

/// Lanes: 0 what an author wrote for everybody, 1 for friends, 2 everything (the reader's own).
const FEED_POSTGRES: &str = concat!(
    "WITH top AS MATERIALIZED (
        SELECT head.id, f.followee_id AS author_id, 0 AS lane FROM follow f
        CROSS JOIN LATERAL (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = f.followee_id AND p.visibility = 'public' AND p.id < $2
            ORDER BY p.id DESC LIMIT 1) head
        WHERE f.community_id = @community AND f.follower_id = $1
            AND f.followee_id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1)
        UNION ALL
        SELECT head.id, f.followee_id, 1 FROM follow f
        CROSS JOIN LATERAL (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = f.followee_id AND p.visibility = 'friends' AND p.id < $2
            ORDER BY p.id DESC LIMIT 1) head
        WHERE f.community_id = @community AND f.follower_id = $1 AND f.is_friend
            AND f.followee_id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1)
        UNION ALL
        SELECT head.id, $1, 2 FROM (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = $1 AND p.id < $2
            ORDER BY p.id DESC LIMIT 1) head
        ORDER BY 1 DESC LIMIT $3
    ), bound AS MATERIALIZED (
        SELECT CASE WHEN count(*) >= $3 THEN (SELECT id FROM top ORDER BY id LIMIT 1) ELSE $4::uuid END AS id FROM top
    ), page AS MATERIALIZED (
        SELECT recent.id FROM top CROSS JOIN LATERAL (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = top.author_id
                AND p.visibility = 'public' AND p.id < $2 AND p.id >= (SELECT id FROM bound)
            ORDER BY p.id DESC LIMIT $3) recent WHERE top.lane = 0
        UNION ALL
        SELECT recent.id FROM top CROSS JOIN LATERAL (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = top.author_id
                AND p.visibility = 'friends' AND p.id < $2 AND p.id >= (SELECT id FROM bound)
            ORDER BY p.id DESC LIMIT $3) recent WHERE top.lane = 1
        UNION ALL
        SELECT recent.id FROM top CROSS JOIN LATERAL (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = top.author_id
                AND p.id < $2 AND p.id >= (SELECT id FROM bound)
            ORDER BY p.id DESC LIMIT $3) recent WHERE top.lane = 2
        ORDER BY 1 DESC LIMIT $3
    )
    SELECT ",
    post_columns!(),
    " FROM page JOIN post p ON p.id = page.id ",
    post_joins!(),
    " ORDER BY p.id DESC"
);

const FEED_REACHING: &str = concat!(
    "WITH page AS MATERIALIZED (
        SELECT recent.id FROM follow f
        CROSS JOIN LATERAL (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = f.followee_id AND p.visibility = 'public'
                AND p.id < $2 AND p.id >= $4
            ORDER BY p.id DESC LIMIT $3) recent
        WHERE f.community_id = @community AND f.follower_id = $1
            AND f.followee_id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1)
        UNION ALL
        SELECT recent.id FROM follow f
        CROSS JOIN LATERAL (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = f.followee_id AND p.visibility = 'friends'
                AND p.id < $2 AND p.id >= $4
            ORDER BY p.id DESC LIMIT $3) recent
        WHERE f.community_id = @community AND f.follower_id = $1 AND f.is_friend
            AND f.followee_id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1)
        UNION ALL
        SELECT recent.id FROM (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = $1 AND p.id < $2 AND p.id >= $4
            ORDER BY p.id DESC LIMIT $3) recent
        ORDER BY 1 DESC LIMIT $3
    )
    SELECT ",
    post_columns!(),
    " FROM page JOIN post p ON p.id = page.id ",
    post_joins!(),
    " ORDER BY p.id DESC"
);

/// Some posts of a member.
pub async fn some_of(tx: &Tx, member: MemberId) -> Result<Vec<PostId>> {
    let sql = "SELECT /* every community */ id FROM post WHERE author_id = $1 ORDER BY id LIMIT 100";
    tx.all(sql, params![member], |row| row.get(0)).await
}

/// Deletes a post of a member who leaves.
pub async fn forget(tx: &Tx, id: PostId) -> Result<()> {
    let sql = "UPDATE post /* every community */ SET share_count = share_count - 1 WHERE id IN
                   (SELECT shared_id FROM post WHERE id = $1)";
    tx.execute(sql, params![id]).await?;
    tx.execute(
        "DELETE FROM post /* every community */ WHERE id = $1",
        params![id],
    )
    .await
    .map(drop)
}
