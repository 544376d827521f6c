//! A small community, so that a newcomer sees life at once.

use accounts::{Accounts, MemberId};
use anyhow::Result;
use base::{Password, Timestamp};
use db::{Tx, params};
use platform::AppState;
use std::{fmt, time::Duration};
use uuid::Uuid;

const MEMBERS: [(&str, &str); 8] = [
    ("lucia", "Lucía Fernández"),
    ("bruno", "Bruno Castelli"),
    ("mei", "Mei Tanaka"),
    ("otto", "Otto Lindqvist"),
    ("carmen", "Carmen Ibáñez"),
    ("jonas", "Jonas Weber"),
    ("sofia", "Sofía Rossi"),
    ("tarik", "Tarık Demir"),
];

const POSTS: [(usize, &str); 14] = [
    (
        0,
        "Back from the milonga at La Catedral. Three tandas of Di Sarli in a row, and the floor breathed as one.",
    ),
    (
        1,
        "Looking for a práctica partner on Tuesdays in Roma. I lead, and I want to learn to follow.",
    ),
    (
        2,
        "First vals without counting in my head. It took two years and one very patient partner.",
    ),
    (
        3,
        "DJ notes from last night: opened with Canaro, closed with Pugliese, and nobody left before La cumparsita.",
    ),
    (
        4,
        "¿Quién viene al encuentro de mayo? Busco compañera de viaje desde Montevideo.",
    ),
    (
        5,
        "Berlin: the Sunday milonga moves to the garden as soon as it is warm enough. Bring soft soles.",
    ),
    (
        6,
        "Clase abierta el jueves: pausas, respiración y cómo no llenar cada compás.",
    ),
    (
        7,
        "İstanbul marathon photos are coming. Forty hours of dancing, four of sleep.",
    ),
    (
        0,
        "A cabeceo works best when you mean it. Look, wait, smile, walk.",
    ),
    (
        2,
        "Tokyo has room for two guests in June: a quiet tatami room, ten minutes from the milonga.",
    ),
    (
        5,
        "Which orquesta made you fall for tango? For me it was Troilo with Fiorentino.",
    ),
    (
        4,
        "Hoy escuché a una señora de ochenta años decir: «Bailar es conversar sin interrumpir».",
    ),
    (
        1,
        "To everybody who danced with a beginner this week: thank you. You are why we stay.",
    ),
    (
        6,
        "Roma, sábado: milonga en la terraza. Entrada a voluntad, cortinas de cine italiano.",
    ),
];

/// With the days until then, and the hour by UTC.
const EVENTS: [(&str, &str, &str, u64, u64); 6] = [
    ("Milonga del Garten", "Berlin", "Europe/Berlin", 2, 20),
    ("Práctica de los martes", "Roma", "Europe/Rome", 4, 18),
    (
        "Milonga La Nocturna",
        "Buenos Aires",
        "America/Argentina/Buenos_Aires",
        5,
        25,
    ),
    ("Encuentro del Río", "Montevideo", "America/Montevideo", 21, 24),
    ("Bosphorus Tango Marathon", "Istanbul", "Europe/Istanbul", 34, 17),
    ("Sakura Milonga", "Tokyo", "Asia/Tokyo", 48, 10),
];

/// Who may log in, with passwords made for this database.
#[derive(Debug)]
pub struct Demo(Vec<(String, String)>);

impl fmt::Display for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "A demo community was added. Log in as one of them:")?;
        for (email, password) in &self.0 {
            writeln!(f, "  {email:<24} {password}")?;
        }
        write!(
            f,
            "These passwords were made for this database and are shown only now."
        )
    }
}

/// Adds the community, unless there are members.
pub async fn demo(app: &AppState) -> Result<Option<Demo>> {
    if !super::is_empty(app).await? {
        return Ok(None);
    }
    let (now, passwords) = (app.clock.now(), password(app));
    let hash = Accounts::hash_password(app, Password::trusted(&passwords)).await?;
    let ids: Vec<MemberId> = MEMBERS.iter().map(|_| app.ids.next()).collect();
    let (own, members) = (app.clone(), ids.clone());
    app.db
        .write(move |tx| async move { fill(&own, &tx, &members, &hash, now).await })
        .await?;
    let people = MEMBERS[..2]
        .iter()
        .map(|(name, _)| (format!("{name}@example.test"), passwords.clone()));
    Ok(Some(Demo(people.collect())))
}

/// Four random groups of letters that nobody mistakes for others.
fn password(app: &AppState) -> String {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let group = || -> String {
        (0..4)
            .map(|_| char::from(LETTERS[app.entropy.below(LETTERS.len() as u64) as usize]))
            .collect()
    };
    [group(), group(), group(), group()].join("-")
}

async fn fill(app: &AppState, tx: &Tx, members: &[MemberId], hash: &str, now: Timestamp) -> base::Result<()> {
    let hour = Duration::from_hours(1);
    let midnight = Timestamp::from_micros(now.as_micros() - now.as_micros() % (24 * hour).as_micros() as i64);
    for (id, (username, name)) in members.iter().zip(MEMBERS) {
        tx.execute(
            "INSERT INTO member (id, email, username, display_name, password_hash, created_at, updated_at, follower_count, following_count)
             VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $7)",
            params![id, format!("{username}@example.test"), username, name, hash, now.minus(hour * 24 * 90), members.len() as i64 - 1],
        )
        .await?;
    }
    for follower in members {
        for followee in members.iter().filter(|followee| *followee != follower) {
            tx.execute(
                "INSERT INTO follow (community_id, follower_id, followee_id, created_at) VALUES (@community, $1, $2, $3)",
                params![follower, followee, now],
            )
            .await?;
        }
    }
    for (n, (author, body)) in POSTS.iter().enumerate() {
        let at = now.minus(hour * (3 + 7 * n as u32));
        let (post, likes) = (app.ids.at(at), (n * 5 + 3) % members.len());
        tx.execute(
            "INSERT INTO post (id, community_id, author_id, body, like_count, created_at) VALUES ($1, @community, $2, $3, $4, $5)",
            params![post, members[*author], *body, likes as i64, at],
        )
        .await?;
        for member in &members[..likes] {
            tx.execute(
                "INSERT INTO reaction (community_id, post_id, member_id, kind, created_at) VALUES (@community, $1, $2, 'like', $3)",
                params![post, member, at],
            )
            .await?;
        }
    }
    for (n, (title, city, zone, days, hours)) in EVENTS.iter().enumerate() {
        let (event, going): (Uuid, usize) = (app.ids.next(), 2 + n % 5);
        tx.execute(
            "INSERT INTO event (id, community_id, title, city, starts_at, time_zone, going_count, created_at)
             VALUES ($1, @community, $2, $3, $4, $5, $6, $7)",
            params![
                event,
                *title,
                *city,
                midnight.plus(hour * (24 * days + hours) as u32),
                *zone,
                going as i64,
                now
            ],
        )
        .await?;
        for member in &members[..going] {
            tx.execute(
                "INSERT INTO rsvp (community_id, event_id, member_id, status, created_at) VALUES (@community, $1, $2, 'going', $3)",
                params![event, member, now],
            )
            .await?;
        }
    }
    super::chats::fill(app, tx, members, now).await
}
