//! What of this crate's tables belongs to a member: see [`platform::belongings`].

use crate::{MemberId, audit, staff};
use platform::{
    belongings::{Leaves, Table, Told},
    leaves, leaves_by, told,
};

pub fn belongings() -> Vec<Table> {
    let keys = "keys of the server, sealed";
    vec![
        Table::new(
            "access_token",
            told!("access_token" of "member_id": id Id, name Text, scopes Text, created_at Time, expires_at Time,
                last_used_at Time; without "hash": "what the token is known by; the token itself is kept nowhere"),
            leaves!("access_token" of "member_id"),
        ),
        Table::new(
            "push_subscription",
            told!("push_subscription" of "member_id": id Id, session_id Id, endpoint Text, created_at Time;
                without "key_id": "names a key of the server", "p256dh": "seals notes for the browser",
                "auth": "seals notes for the browser"),
            leaves!("push_subscription" of "member_id"),
        ),
        Table::new(
            "device",
            told!("device" of "member_id": first_seen_at Time, name Text, last_seen_at Time;
                without "secret_hash": "what the device is known by"),
            leaves!("device" of "member_id"),
        ),
        Table::new(
            "session",
            told!("session" of "member_id": id Id, client Text, user_agent Text, label Text, network Text,
                remembered Flag, created_at Time, authenticated_at Time, last_used_at Time, rotated_at Time,
                revoked_at Time, revoke_reason Text;
                without "sealed_key": "makes the session's tokens", "device_hash": "what the device is known by",
                "generation": "how often the token was exchanged", "device_shown": "a rule of the exchange",
                "successor_seen_at": "a rule of the exchange", "repeat_day": "a rule of the exchange",
                "repeat_count": "a rule of the exchange", "reissued": "a rule of the exchange"),
            leaves!("session" of "member_id"),
        ),
        Table::new(
            "security_log",
            told!("security_log" of "member_id": id Id, session_id Id, kind Text, detail Text, network Text,
                device Text, created_at Time),
            leaves!("security_log" of "member_id"),
        ),
        Table::new(
            "member_role",
            told!("member_role" of "member_id": role Text, granted_at Time;
                without "granted_by": "somebody else"),
            Leaves::By(|_, tx, member| {
                Box::pin(async move { staff::forget(&tx, MemberId(member)).await.map(|()| 0) })
            }),
        ),
        Table::new(
            "member_tier",
            told!("member_tier" of "member_id": tier Text, ends_at Time, granted_at Time;
                without "granted_by": "somebody else"),
            leaves_by!(
                "DELETE FROM member_tier WHERE member_id = $1",
                "UPDATE member_tier SET granted_by = NULL WHERE granted_by = $1",
            ),
        ),
        Table::new(
            "membership",
            told!("membership" of "member_id": community_number Whole, role Text, created_at Time),
            leaves!("membership" of "member_id"),
        ),
        Table::new(
            "feature_flag",
            Told::Nothing("what is on for whom"),
            Leaves::Rows("UPDATE feature_flag SET updated_by = NULL WHERE updated_by = $1"),
        ),
        Table::new(
            "audit_log",
            Told::Nothing(
                "what staff did, in a chain that shows tampering; a member asks who runs the place",
            ),
            Leaves::Stays("ids and commitments alone, so that the chain holds; words lie in audit_text"),
        ),
        Table::new(
            "audit_text",
            Told::Nothing("what staff wrote about a member; a member asks who runs the place"),
            Leaves::By(|_, tx, member| {
                Box::pin(async move { audit::erase_texts(&tx, MemberId(member)).await })
            }),
        ),
        Table::new(
            "revocation",
            Told::Nothing("that sessions ended, which the security log tells"),
            Leaves::InTime("30 days, without a password's hash from the end of the account on"),
        ),
        Table::new(
            "account_deletion",
            told!("account_deletion" of "member_id": requested_at Time, erase_at Time, begun_at Time),
            Leaves::InTime("when the account has ended"),
        ),
        Table::new(
            "member",
            told!("member" of "id": id Id, email Text, username Text, display_name Text, language Text, status Text,
                follower_count Whole, following_count Whole, friend_count Whole, suspended_until Time, verified_at Time,
                created_at Time, updated_at Time;
                without "password_hash": "proves a password; worth something to thieves alone"),
            Leaves::Stays("emptied: an id without a name, so that what others wrote stays in its place"),
        ),
        Table::of_nobody("signing_key", keys),
        Table::of_nobody("pepper", keys),
        Table::of_nobody("secret", keys),
        Table::of_nobody("push_key", keys),
        Table::of_nobody("first_administrator_code", "a code that nobody has used"),
    ]
}
