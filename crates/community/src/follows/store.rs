use crate::profiles::{Profile, store::profile};
use accounts::MemberId;
use base::{Paging, Result, Timestamp};
use db::{Executor, OrConflict, Tx, params};

/// False when the row was there already.
pub async fn insert(tx: &Tx, follower: MemberId, followee: MemberId, now: Timestamp) -> Result<bool> {
    let count = tx
        .execute(
            "INSERT INTO follow (community_id, follower_id, followee_id, created_at, is_friend)
             VALUES (@community, $1, $2, $3, EXISTS (SELECT 1 FROM friend f WHERE f.community_id = @community
                 AND f.member_id = $1 AND f.friend_id = $2)) ON CONFLICT DO NOTHING",
            params![follower, followee, now],
        )
        .await
        .or_missing("member")?;
    Ok(count > 0)
}

/// False when there was no row.
pub async fn delete(tx: &Tx, follower: MemberId, followee: MemberId) -> Result<bool> {
    let count = tx
        .execute(
            "DELETE FROM follow WHERE community_id = @community AND follower_id = $1 AND followee_id = $2",
            params![follower, followee],
        )
        .await?;
    Ok(count > 0)
}

/// Notes on the follows between two members, if there are some, whether they are friends.
pub async fn mark_friends(tx: &Tx, one: MemberId, other: MemberId, are_friends: bool) -> Result<()> {
    tx.execute(
        "UPDATE follow SET is_friend = $3 WHERE community_id = @community
             AND ((follower_id = $1 AND followee_id = $2) OR (follower_id = $2 AND followee_id = $1))",
        params![one, other, are_friends],
    )
    .await
    .map(drop)
}

/// Moves the counts of both sides, always the smaller id first so that two members
/// who follow each other at once do not wait for each other in a circle.
pub async fn count(tx: &Tx, follower: MemberId, followee: MemberId, by: i64) -> Result<()> {
    let mut sides = [(follower, 0, by), (followee, by, 0)];
    sides.sort_by_key(|(id, ..)| *id);
    for (id, followers, following) in sides {
        tx.execute(
            "UPDATE member SET follower_count = follower_count + $1, following_count = following_count + $2 WHERE id = $3",
            params![followers, following, id],
        )
        .await?;
    }
    Ok(())
}

pub async fn list_followers(
    db: &impl Executor,
    reader: MemberId,
    of: MemberId,
    page: Paging,
) -> Result<Vec<Profile>> {
    let sql = "SELECT m.id, m.username, m.display_name, m.created_at, m.follower_count, m.following_count,
                      mine.follower_id IS NOT NULL, m.verified_at IS NOT NULL
               FROM follow f JOIN member m ON m.id = f.follower_id
               LEFT JOIN follow mine
                   ON mine.community_id = f.community_id AND mine.follower_id = $1 AND mine.followee_id = m.id
               WHERE f.community_id = @community AND f.followee_id = $2 AND f.follower_id < $3
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $1 AND b.other_id IN (f.follower_id, f.followee_id))
               ORDER BY f.follower_id DESC LIMIT $4";
    db.all(sql, params![reader, of, page.before(), page.fetch()], profile)
        .await
}

pub async fn list_following(
    db: &impl Executor,
    reader: MemberId,
    of: MemberId,
    page: Paging,
) -> Result<Vec<Profile>> {
    let sql = "SELECT m.id, m.username, m.display_name, m.created_at, m.follower_count, m.following_count,
                      mine.follower_id IS NOT NULL, m.verified_at IS NOT NULL
               FROM follow f JOIN member m ON m.id = f.followee_id
               LEFT JOIN follow mine
                   ON mine.community_id = f.community_id AND mine.follower_id = $1 AND mine.followee_id = m.id
               WHERE f.community_id = @community AND f.follower_id = $2 AND f.followee_id < $3
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $1 AND b.other_id IN (f.follower_id, f.followee_id))
               ORDER BY f.followee_id DESC LIMIT $4";
    db.all(sql, params![reader, of, page.before(), page.fetch()], profile)
        .await
}

/// Followers beyond an id who did not mute the member, in the order of ids: for going
/// through all of them, or through those who are friends as well.
pub async fn followers_after(
    db: &impl Executor,
    of: MemberId,
    friends_alone: bool,
    after: MemberId,
    limit: i64,
) -> Result<Vec<MemberId>> {
    let sql = "SELECT follower_id FROM follow
               WHERE community_id = @community AND followee_id = $1 AND follower_id > $2
                   AND (is_friend OR NOT $4)
                   AND NOT EXISTS (SELECT 1 FROM mute u WHERE u.community_id = @community
                                   AND u.member_id = follow.follower_id AND u.muted_id = $1)
               ORDER BY follower_id LIMIT $3";
    db.all(sql, params![of, after, limit, friends_alone], |row| row.get(0))
        .await
}

/// Ends some of the follows of a member who leaves, both ways; says how many.
pub async fn forget(tx: &Tx, member: MemberId) -> Result<u64> {
    let sql = "SELECT /* every community */ follower_id, followee_id FROM follow
               WHERE follower_id = $1 OR followee_id = $1 ORDER BY follower_id, followee_id LIMIT 100";
    let pairs: Vec<(MemberId, MemberId)> = tx
        .all(sql, params![member], |row| Ok((row.get(0)?, row.get(1)?)))
        .await?;
    for (follower, followee) in &pairs {
        if delete(tx, *follower, *followee).await? {
            count(tx, *follower, *followee, -1).await?;
        }
    }
    Ok(pairs.len() as u64)
}
