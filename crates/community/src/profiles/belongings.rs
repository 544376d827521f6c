//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use platform::{
    belongings::{Leaves, Table},
    leaves, told,
};

pub fn belongings() -> Vec<Table> {
    vec![
        Table::new(
            "profile",
            told!("profile" of "member_id": updated_at Time, bio Text, occupation Text, city Text, country Text,
                languages Text, tango_roles Text, leader_level Whole, follower_level Whole, dancing_since Whole,
                avatar_id Id, cover_id Id, privacy Json, version Whole),
            leaves!("profile" of "member_id"),
        ),
        Table::new(
            "experience",
            told!("experience" of "member_id": kind Text, page Json, updated_at Time),
            leaves!("experience" of "member_id"),
        ),
        Table::new(
            "member_settings",
            told!("member_settings" of "member_id": updated_at Time, document Json, version Whole),
            leaves!("member_settings" of "member_id"),
        ),
        Table::new(
            "friend_request",
            told!(by "SELECT /* every community */ id, sender_id, receiver_id, status, did_we_dance, dance_place,
                          dance_story, note, CASE WHEN sender_id = $1 THEN private_note ELSE '' END, created_at,
                          answered_at
                      FROM friend_request WHERE sender_id = $1 OR receiver_id = $1 ORDER BY 1 LIMIT $2 OFFSET $3",
                []: id Id, sender_id Id, receiver_id Id, status Text, did_we_dance Flag, dance_place Text,
                dance_story Text, note Text, private_note Text, created_at Time, answered_at Time;
                without "snoozed_until": "when the receiver wants to see it again"),
            leaves!("friend_request" of "sender_id" or "receiver_id"),
        ),
        Table::new(
            "friend",
            told!("friend" of "member_id": friend_id Id, danced Flag, created_at Time),
            // With the counts of the others.
            Leaves::By(|_, tx, member| {
                Box::pin(async move {
                    for sql in [
                        "UPDATE member /* every community */ SET friend_count = friend_count - 1 WHERE id IN
                             (SELECT friend_id FROM friend WHERE member_id = $1)",
                        "DELETE FROM friend /* every community */ WHERE member_id = $1 OR friend_id = $1",
                    ] {
                        tx.execute(sql, db::params![member]).await?;
                    }
                    Ok(0)
                })
            }),
        ),
    ]
}
