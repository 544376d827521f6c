//! The volumes that the benchmark asks for: 10,000 members who follow 50 each,
//! 100,000 posts, 300,000 reactions, 2,000 events, and the open rooms `hall` and `room-0` to
//! `room-9`. For the load test ten times as many, groups in which a tenth of the posts
//! stands, and notifications. The same data every time.

use super::chats::{ROOM, ROOM_MEMBER};
use accounts::Accounts;
use anyhow::Result;
use base::{Ids, Password, Timestamp};
use db::{Param, Tx, params};
use platform::AppState;
use std::time::{Duration, Instant};
use uuid::Uuid;

pub struct Volume {
    members: u64,
    posts: u64,
    /// Between two posts.
    pace: Duration,
    groups: u64,
    /// For each member.
    notifications: u64,
}

pub const BENCH: Volume = Volume {
    members: 10_000,
    posts: 100_000,
    pace: Duration::from_mins(1),
    groups: 0,
    notifications: 0,
};

pub const LOAD: Volume = Volume {
    members: 100_000,
    posts: 1_000_000,
    pace: Duration::from_secs(30),
    groups: 1_000,
    notifications: 10,
};

const FOLLOWS: u64 = 50;
const REACTIONS: u64 = 3;
const EVENTS: u64 = 2_000;
const GROUP_MEMBERS: u64 = 100;
/// Rooms beside the hall; the first members are in them, in turn.
const ROOMS: u64 = 10;
const ROOM_MEMBERS: u64 = 1_000;
const PASSWORD: &str = "bench-password-1";
/// With their time zones.
const CITIES: [(&str, &str); 10] = [
    ("Buenos Aires", "America/Argentina/Buenos_Aires"),
    ("Berlin", "Europe/Berlin"),
    ("Istanbul", "Europe/Istanbul"),
    ("Paris", "Europe/Paris"),
    ("Roma", "Europe/Rome"),
    ("Seoul", "Asia/Seoul"),
    ("Tokyo", "Asia/Tokyo"),
    ("Wien", "Europe/Vienna"),
    ("Zagreb", "Europe/Zagreb"),
    ("Montevideo", "America/Montevideo"),
];
/// Rows written in one transaction.
const CHUNK: usize = 5_000;

const MEMBER: &str = "INSERT INTO member (id, email, username, display_name, password_hash, created_at, updated_at, follower_count, following_count)
    VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $7)";
const FOLLOW: &str =
    "INSERT INTO follow (community_id, follower_id, followee_id, created_at) VALUES (@community, $1, $2, $3)";
const POST: &str = "INSERT INTO post (id, community_id, author_id, body, like_count, created_at, group_id, visibility) VALUES ($1, @community, $2, $3, $4, $5, $6, $7)";
const REACTION: &str = "INSERT INTO reaction (community_id, post_id, member_id, kind, created_at) VALUES (@community, $1, $2, 'like', $3)";
const EVENT: &str = "INSERT INTO event (id, community_id, title, city, starts_at, created_at, time_zone) VALUES ($1, @community, $2, $3, $4, $5, $6)";
const GROUP: &str = "INSERT INTO community_group (id, community_id, slug, name, kind, visibility, member_count, created_at) VALUES ($1, @community, $2, $3, 'community', 'public', $4, $5)";
const GROUP_MEMBER: &str = "INSERT INTO group_member (community_id, group_id, member_id, role, status, created_at) VALUES (@community, $1, $2, 'member', 'active', $3)";
const NOTIFICATION: &str = "INSERT INTO notification (id, community_id, member_id, kind, bundle, subject_kind, subject_id, relation, engagement, created_at, updated_at, listed) VALUES ($1, @community, $2, 'follow', $3, 'member', $4, 0.5, 0.5, $5, $5, TRUE)";
const CAUSE: &str = "INSERT INTO notification_cause (community_id, member_id, cause, notification_id, actor_id, created_at) VALUES (@community, $1, $2, $3, $4, $5)";

/// A stable pseudo-random number below `size` (SplitMix64).
fn pick(n: u64, salt: u64, size: u64) -> u64 {
    let mut x = n
        .wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) % size
}

/// Fills the database and says how long it took; nothing when there are members.
pub async fn bench(app: &AppState, volume: &Volume) -> Result<Option<String>> {
    let (count, post_count) = (volume.members, volume.posts);
    if !super::is_empty(app).await? {
        return Ok(None);
    }
    let began = Instant::now();
    let hash = Accounts::hash_password(app, Password::trusted(PASSWORD)).await?;
    let ids = Ids::new(app.clock.clone(), base::Entropy::seeded(1));
    let minute = Duration::from_mins(1);
    let (start, first_post, first_event): (Timestamp, Timestamp, Timestamp) = (
        "2025-01-01T00:00:00Z".parse()?,
        "2025-06-01T00:00:00Z".parse()?,
        "2027-01-01T20:00:00Z".parse()?,
    );
    let members: Vec<Uuid> = (0..count)
        .map(|n| ids.at(start.plus(minute * n as u32)))
        .collect();
    let posts: Vec<(Uuid, Timestamp)> = (0..post_count)
        .map(|n| first_post.plus(volume.pace * n as u32))
        .map(|at| (ids.at(at), at))
        .collect();

    write(
        app,
        MEMBER,
        (1..=count).map(|n| {
            let at = start.plus(minute * n as u32);
            params![
                members[n as usize - 1],
                format!("user{n}@example.test"),
                format!("user{n}"),
                format!("User {n}"),
                hash,
                at,
                FOLLOWS as i64
            ]
        }),
    )
    .await?;
    // A stride that shares no factor with 9999 never meets the same member twice.
    write(
        app,
        FOLLOW,
        (0..count).flat_map(|u| {
            let members = &members;
            (1..=FOLLOWS).map(move |k| {
                let step = (pick(u, 1, count - 1) + k * 200) % (count - 1);
                params![
                    members[u as usize],
                    members[((u + 1 + step) % count) as usize],
                    start
                ]
            })
        }),
    )
    .await?;
    let groups: Vec<Uuid> = (0..volume.groups)
        .map(|n| ids.at(start.plus(minute * n as u32)))
        .collect();
    gather(app, &groups, &members, start).await?;
    write(
        app,
        POST,
        (0..post_count).map(|n| {
            let (id, at) = posts[n as usize];
            let group = groups
                .get(n as usize / 10 % groups.len().max(1))
                .filter(|_| n % 10 == 0)
                .copied();
            let body = format!("Post {n}: {}", "tango ".repeat(5 + pick(n, 3, 30) as usize));
            params![
                id,
                members[pick(n, 2, count) as usize],
                body.trim_end(),
                REACTIONS as i64,
                at,
                group,
                if group.is_some() { "group" } else { "public" }
            ]
        }),
    )
    .await?;
    write(
        app,
        REACTION,
        (0..post_count).flat_map(|n| {
            let (posts, members) = (&posts, &members);
            (0..REACTIONS).map(move |k| {
                let (id, at) = posts[n as usize];
                params![id, members[((pick(n, 4, count) + k * 3333) % count) as usize], at]
            })
        }),
    )
    .await?;
    write(
        app,
        EVENT,
        (1..=EVENTS).map(|n| {
            let at = first_event.plus(minute * 60 * 24 * pick(n, 8, 365) as u32);
            let id = ids.at(start.plus(minute * n as u32));
            let (city, zone) = CITIES[pick(n, 7, 10) as usize];
            params![id, format!("Milonga {n}"), city, at, start, zone]
        }),
    )
    .await?;
    let rooms: Vec<Uuid> = (0..=ROOMS)
        .map(|n| ids.at(start.plus(minute * n as u32)))
        .collect();
    write(
        app,
        ROOM,
        (0..=ROOMS).map(|n| {
            let (slug, title, count) = match n {
                ROOMS => ("hall".to_owned(), "The hall".to_owned(), 0),
                _ => (format!("room-{n}"), format!("Room {n}"), ROOM_MEMBERS / ROOMS),
            };
            let nobody = None::<Uuid>;
            params![
                rooms[n as usize],
                "open",
                slug,
                title,
                nobody,
                nobody,
                count as i64,
                start
            ]
        }),
    )
    .await?;
    write(
        app,
        ROOM_MEMBER,
        (0..ROOM_MEMBERS).map(|n| {
            let (room, role) = (
                rooms[(n % ROOMS) as usize],
                if n < ROOMS { "owner" } else { "member" },
            );
            params![room, members[n as usize], role, 0_i64, start]
        }),
    )
    .await?;
    tell(app, volume, &ids, &members, first_post).await?;
    // Otherwise the first start would do it, beside what is measured.
    community::search::index_all(app).await?;
    let analyze = db::Executor::pick(&app.db, "ANALYZE", "ANALYZE");
    app.db.administer(analyze).await?;
    Ok(Some(format!(
        "{count} members, {} follows, {post_count} posts, {} reactions, {EVENTS} events and {} open rooms in {:.1} s; log in as user1@example.test with {PASSWORD}",
        count * FOLLOWS,
        post_count * REACTIONS,
        ROOMS + 1,
        began.elapsed().as_secs_f64()
    )))
}

/// Groups and who is in them.
async fn gather(app: &AppState, groups: &[Uuid], members: &[Uuid], at: Timestamp) -> Result<()> {
    let rows = groups.iter().zip(0..).map(|(id, n)| {
        let (slug, name) = (format!("group-{n}"), format!("Group {n}"));
        params![*id, slug, name, GROUP_MEMBERS as i64, at]
    });
    write(app, GROUP, rows).await?;
    let rows = groups.iter().zip(0..).flat_map(|(group, n)| {
        let of = move |k| members[(n * GROUP_MEMBERS + k) as usize % members.len()];
        (0..GROUP_MEMBERS).map(move |k| params![*group, of(k), at])
    });
    write(app, GROUP_MEMBER, rows).await
}

/// Notifications of new followers, with who caused them.
async fn tell(app: &AppState, volume: &Volume, ids: &Ids, members: &[Uuid], from: Timestamp) -> Result<()> {
    let (count, each) = (members.len() as u64, volume.notifications);
    let at = |n: u64| from.plus(Duration::from_mins(n % 500_000));
    let told: Vec<Uuid> = (0..count * each).map(|n| ids.at(at(n))).collect();
    let pair = |n: u64| {
        let whom = n / each.max(1);
        (
            members[whom as usize],
            members[((whom + 1 + n % each) % count) as usize],
        )
    };
    let rows = told.iter().zip(0..).map(|(id, n)| {
        let (member, actor) = pair(n);
        params![*id, member, format!("follow:{actor}"), actor, at(n)]
    });
    write(app, NOTIFICATION, rows).await?;
    let rows = told.iter().zip(0..).map(|(id, n)| {
        let (member, actor) = pair(n);
        params![member, format!("follow:{actor}:{n}"), *id, actor, at(n)]
    });
    write(app, CAUSE, rows).await
}

async fn write(app: &AppState, sql: &'static str, rows: impl Iterator<Item = Vec<Param>>) -> Result<()> {
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        let chunk: Vec<_> = rows.by_ref().take(CHUNK).collect();
        app.db
            .write(move |tx| async move { insert(&tx, sql, chunk).await })
            .await?;
    }
    Ok(())
}

async fn insert(tx: &Tx, sql: &'static str, rows: Vec<Vec<Param>>) -> base::Result<()> {
    for row in rows {
        tx.execute_last(sql, row).await?;
    }
    Ok(())
}
