//! Rooms and what is said in them: lively ones for the demo, open ones for the benchmark.

use accounts::MemberId;
use base::{Timestamp, fold};
use db::{Tx, params};
use platform::AppState;
use std::time::Duration;
use uuid::Uuid;

pub const ROOM: &str =
    "INSERT INTO room (id, community_id, kind, slug, title, low_id, high_id, member_count, created_at)
    VALUES ($1, @community, $2, $3, $4, $5, $6, $7, $8)";
pub const ROOM_MEMBER: &str =
    "INSERT INTO room_member (community_id, room_id, member_id, role, status, read_seq, created_at)
    VALUES (@community, $1, $2, $3, 'joined', $4, $5)";
const MESSAGE: &str =
    "INSERT INTO message (id, community_id, room_id, seq, sender_id, body, folded, reply_to_id, created_at)
    VALUES ($1, @community, $2, $3, $4, $5, $6, $7, $8)";
const STREAM: &str =
    "INSERT INTO stream_head (community_id, kind, id, seq) VALUES (@community, 'chat', $1, $2)";

/// A room of the demo. Members are counted in the order of the demo's; the first looks after it.
struct Chat {
    slug: Option<&'static str>,
    title: &'static str,
    members: &'static [usize],
    /// Who says what, and which of the lines before they answer.
    lines: &'static [(usize, &'static str, Option<usize>)],
    /// Lines that nobody but their senders has read yet.
    unread: usize,
}

const CHATS: [Chat; 6] = [
    Chat {
        slug: Some("la-ronda"),
        title: "La ronda",
        members: &[0, 1, 2, 3, 4, 5, 6, 7],
        lines: &[
            (
                5,
                "Guten Morgen! Which milonga is worth the train this weekend?",
                None,
            ),
            (
                0,
                "La Catedral on Friday. Live orquesta, and the floor was just repaired.",
                Some(0),
            ),
            (7, "İstanbul says hello. Forty seats left for the marathon.", None),
            (
                4,
                "¿Alguien viaja desde Montevideo? Tengo un lugar en el auto.",
                None,
            ),
            (
                2,
                "I will be in Buenos Aires from the 12th. First time! What must I not miss?",
                None,
            ),
            (
                6,
                "La milonga de los domingos en San Telmo, al aire libre.",
                Some(4),
            ),
            (
                1,
                "And a choripán afterwards. That is part of the tanda.",
                Some(5),
            ),
            (
                3,
                "Bring two pairs of shoes. The stones in San Telmo are honest.",
                None,
            ),
            (
                0,
                "Mei, write to me when you land. We will save you a chair.",
                Some(4),
            ),
            (2, "You are all very kind. See you on the floor!", None),
        ],
        unread: 2,
    },
    Chat {
        slug: Some("djs"),
        title: "DJs and cortinas",
        members: &[1, 3, 5, 7],
        lines: &[
            (
                3,
                "Which Di Sarli do you open with? I keep coming back to 1941.",
                None,
            ),
            (5, "El pollo Ricardo, always. It forgives every floor.", Some(0)),
            (
                7,
                "Cortinas: film music or jazz? There was a fight about it last night.",
                None,
            ),
            (1, "Film music in Roma, or they throw olives.", Some(2)),
        ],
        unread: 1,
    },
    Chat {
        slug: None,
        title: "Encuentro del Río",
        members: &[4, 0, 1, 6, 2],
        lines: &[
            (4, "Ya tenemos sala: el club frente al río, piso de madera.", None),
            (6, "¡Hermosa! Puedo dar una clase de pausas el sábado.", Some(0)),
            (
                0,
                "I take the Friday night as DJ, if Sofía takes the Saturday.",
                None,
            ),
            (6, "Hecho.", Some(2)),
            (1, "Flights from Roma are booked. Who shares a flat?", None),
            (
                4,
                "Hay una casa para seis cerca del club. Anoto a quien diga «yo».",
                Some(4),
            ),
            (2, "Yo! (my first word in Spanish)", Some(5)),
        ],
        unread: 3,
    },
    Chat {
        slug: None,
        title: "",
        members: &[0, 1],
        lines: &[
            (
                1,
                "Thank you for the vals last night. I did not count once.",
                None,
            ),
            (0, "I noticed. You breathed instead.", Some(0)),
            (1, "Práctica on Tuesday? I want to try the other role.", None),
        ],
        unread: 1,
    },
    Chat {
        slug: None,
        title: "",
        members: &[0, 2],
        lines: &[
            (2, "Is the room in San Telmo still free in June?", None),
            (0, "It is, and the milonga is downstairs. Careful.", Some(0)),
        ],
        unread: 0,
    },
    Chat {
        slug: None,
        title: "",
        members: &[1, 4],
        lines: &[(4, "¿Me pasás la lista de temas del domingo?", None)],
        unread: 1,
    },
];

/// Makes the rooms of the demo, with conversations of the last days.
pub async fn fill(app: &AppState, tx: &Tx, members: &[MemberId], now: Timestamp) -> base::Result<()> {
    for (n, chat) in CHATS.iter().enumerate() {
        let began = now.minus(Duration::from_hours(30 * 24 + n as u64));
        let room = app.ids.at(began);
        let direct = chat.title.is_empty();
        let kind = match chat.slug {
            Some(_) => "open",
            None if direct => "direct",
            None => "group",
        };
        let mut pair: Vec<MemberId> = chat.members.iter().map(|n| members[*n]).collect();
        pair.sort_unstable();
        let side = |n: usize| pair.get(n).filter(|_| direct).copied();
        let count = chat.members.len() as i64;
        tx.execute(
            ROOM,
            params![room, kind, chat.slug, chat.title, side(0), side(1), count, began],
        )
        .await?;
        let total = chat.lines.len();
        let mut ids: Vec<Uuid> = vec![];
        for (place, (sender, body, answers)) in chat.lines.iter().enumerate() {
            let at = now.minus(Duration::from_mins((17 + 43 * n + 26 * (total - place)) as u64));
            let id = app.ids.at(at);
            let answered = answers.map(|line| ids[line]);
            let seq = place as i64 + 1;
            tx.execute(
                MESSAGE,
                params![id, room, seq, members[*sender], *body, fold(body), answered, at],
            )
            .await?;
            ids.push(id);
        }
        for (place, member) in chat.members.iter().enumerate() {
            let role = match place {
                0 if !direct => "owner",
                1 if !direct => "admin",
                _ => "member",
            };
            let read = (total - chat.unread) as i64;
            tx.execute(ROOM_MEMBER, params![room, members[*member], role, read, began])
                .await?;
        }
        tx.execute(STREAM, params![room, total as i64]).await?;
    }
    Ok(())
}
