//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use super::ops;
use accounts::MemberId;
use platform::{
    belongings::{Leaves, Table, Told},
    told,
};

pub fn belongings() -> Vec<Table> {
    vec![
        Table::new(
            "post",
            told!("post" of "author_id": id Id, body Text, html Text, visibility Text, kind Text, group_id Id,
                hashtags Text, mentions Text, emotions Text, place Text, latitude Real, longitude Real, shared_id Id,
                like_count Whole, comment_count Whole, share_count Whole, companion_count Whole, media_count Whole,
                version Whole,
                withheld Text, created_at Time, edited_at Time),
            Leaves::By(|app, tx, member| {
                Box::pin(async move { ops::forget(&app, &tx, MemberId(member)).await })
            }),
        ),
        Table::new(
            "post_edit",
            told!(by "SELECT /* every community */ e.post_id, e.version, e.body, e.html, e.created_at
                      FROM post_edit e JOIN post p ON p.id = e.post_id WHERE p.author_id = $1
                      ORDER BY 1, 2 LIMIT $2 OFFSET $3", []: post_id Id, version Whole, body Text, html Text,
                created_at Time),
            Leaves::With("post"),
        ),
        Table::new(
            "post_hashtag",
            Told::Nothing("the hashtags of posts, which stand in the posts"),
            Leaves::With("post"),
        ),
    ]
}
