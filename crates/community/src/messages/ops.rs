use super::{
    Message, MessageDeleted, MessageEdited, MessageId, MessageReacted, MessageSeen,
    model::{Facts, Said, Saying},
    policy,
    queue::Speaking,
    store::{self, Speech},
};
use crate::{
    media::{self, MediaId, Subject, SubjectKind},
    newcomers::{self, Deed},
    reactions::Reaction,
    rooms::{self, RoomId, RoomName, Standing, Status},
};
use accounts::{CurrentUser, MemberId};
use base::{
    Result, Timestamp,
    error::{invalid, not_found},
};
use db::{Executor, Tx};
use platform::AppState;
use realtime::{
    Realtime,
    streams::{Entry, Stream, append, submit},
};
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

/// Rooms known to exist, by name: what follows `chat:` is looked up once.
#[derive(Debug, Default)]
struct Names(RwLock<HashMap<RoomName, RoomId>>);

/// Names remembered; beyond it all are looked up anew.
const NAMES: usize = 50_000;

/// The room of a name. What it lets the caller do is asked elsewhere.
async fn room_named(app: &AppState, name: RoomName) -> Result<RoomId> {
    let names = app.memory::<Names>();
    let known = names
        .0
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&name)
        .copied();
    if let Some(room) = known {
        return Ok(room);
    }
    let room = rooms::store::existing(&app.db, &name).await?;
    let room = room.ok_or_else(|| not_found("room"))?;
    let mut names = names.0.write().unwrap_or_else(PoisonError::into_inner);
    if names.len() >= NAMES {
        names.clear();
    }
    names.insert(name, room);
    Ok(room)
}

/// Says something in a room. Answers once it is on disk; who says it again with the same
/// `client_id` hears the same answer.
pub async fn send_message(
    app: &AppState,
    actor: &CurrentUser,
    room: RoomName,
    saying: Saying,
) -> Result<Said> {
    newcomers::count(app, actor.id, Deed::Message).await?;
    let room = room_named(app, room).await?;
    let speech = Speech {
        id: app.ids.next(),
        room,
        sender: actor.id,
        saying,
    };
    let written = submit::<Speaking>(app, room.stream(), speech).await?;
    Realtime::of(app).typing_ends(room.stream(), actor.id);
    Ok(Said {
        seq: written.seq,
        ..written.done.said
    })
}

/// What is said: the caller's own words, or those of a message that they may read.
pub async fn saying(
    app: &AppState,
    actor: &CurrentUser,
    body: Option<String>,
    forward_of: Option<MessageId>,
    client_id: Option<String>,
    reply_to: Option<MessageId>,
    media: Vec<MediaId>,
) -> Result<Saying> {
    let mut media_of = None;
    let body = match (body, forward_of) {
        (Some(body), None) => body,
        (None, Some(id)) => {
            let original = show_message(&app.db, actor.id, id).await?;
            if !media.is_empty() {
                return Err(invalid("/forward_of_id", "body_or_forward"));
            }
            media_of = (original.media_count > 0).then_some((id, original.media_count));
            original.body
        }
        (None, None) if !media.is_empty() => String::new(),
        (Some(_), Some(_)) => return Err(invalid("/forward_of_id", "body_or_forward")),
        (None, None) => return Err(invalid("/body", "required")),
    };
    Ok(Saying {
        body,
        client_id,
        reply_to,
        forwarded: forward_of.is_some(),
        media,
        media_of,
    })
}

/// The messages with their media. Whether they may be read has been asked.
pub async fn with_media(
    app: &AppState,
    db: &impl Executor,
    mut messages: Vec<Message>,
) -> Result<Vec<Message>> {
    // What staff took from sight looks deleted, and keeps its media where staff may give them back.
    let of = |message: &Message| (message.media_count > 0 && !message.deleted).then_some(message.id.0);
    let put = |message: &mut Message, media| message.media = media;
    media::show(app, db, SubjectKind::Message, &mut messages, of, put).await?;
    Ok(messages)
}

/// The same for one.
async fn shown(app: &AppState, db: &impl Executor, message: Option<Message>) -> Result<Message> {
    let shown = with_media(app, db, message.into_iter().collect()).await?.pop();
    shown.ok_or_else(|| not_found("message"))
}

/// A message as the caller sees it, by its id.
pub async fn read_message(app: &AppState, actor: &CurrentUser, id: MessageId) -> Result<Message> {
    shown(app, &app.db, readable(&app.db, actor.id, id).await?).await
}

/// A message that the reader may read and that still has its words.
pub async fn readable(db: &impl Executor, reader: MemberId, id: MessageId) -> Result<Option<Message>> {
    let Some(room) = store::room_of(db, id).await? else {
        return Ok(None);
    };
    let standing = rooms::store::standing(db, reader, room).await?;
    if !standing.is_some_and(|standing| rooms::policy::may_read(&standing)) {
        return Ok(None);
    }
    let message = store::find(db, reader, id).await?;
    Ok(message.filter(|message| !message.deleted))
}

pub async fn show_message(db: &impl Executor, reader: MemberId, id: MessageId) -> Result<Message> {
    let message = readable(db, reader, id).await?;
    message.ok_or_else(|| not_found("message"))
}

/// The facts about a message for who wants to change it, its row locked.
async fn facts(tx: &Tx, actor: MemberId, id: MessageId) -> Result<(Facts, Standing)> {
    let facts = store::lock(tx, actor, id).await?;
    let facts = facts
        .filter(|facts| !facts.deleted)
        .ok_or_else(|| not_found("message"))?;
    let standing = rooms::store::standing(tx, actor, facts.room).await?;
    let standing = standing.filter(rooms::policy::may_read);
    Ok((facts, standing.ok_or_else(|| not_found("message"))?))
}

pub async fn edit_message(
    app: &AppState,
    actor: &CurrentUser,
    id: MessageId,
    body: String,
) -> Result<Message> {
    let (own, me, now) = (app.clone(), actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let (facts, standing) = facts(&tx, me, id).await?;
            policy::may_edit(me, &standing, &facts)?;
            store::update(&tx, id, &body, now).await?;
            let message = store::find(&tx, me, id).await?;
            let edited = Entry::new::<MessageEdited>(id, now);
            append(&tx, &own, facts.room.stream(), edited).await?;
            shown(&own, &tx, message).await
        })
        .await
}

pub async fn delete_message(app: &AppState, actor: &CurrentUser, id: MessageId) -> Result<()> {
    let (own, me, now) = (app.clone(), actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let (facts, standing) = facts(&tx, me, id).await?;
            policy::may_delete(me, &standing, &facts)?;
            media::detach(&own, &tx, Subject::new(SubjectKind::Message, id.0)).await?;
            store::erase(&tx, id, now).await?;
            let deleted = Entry::new::<MessageDeleted>(id, now);
            append(&tx, &own, facts.room.stream(), deleted).await.map(drop)
        })
        .await
}

/// Takes a message from sight, as a part of what staff decided: it looks deleted. False when it is gone.
pub(crate) async fn withhold(tx: &Tx, app: &AppState, id: MessageId, now: Timestamp) -> Result<bool> {
    let Some(room) = store::withhold(tx, id, now).await? else {
        return Ok(store::withheld(tx, id).await?.is_some());
    };
    append(tx, app, room.stream(), Entry::new::<MessageDeleted>(id, now)).await?;
    Ok(true)
}

/// Puts it back with its words.
pub(crate) async fn restore(tx: &Tx, app: &AppState, id: MessageId, now: Timestamp) -> Result<()> {
    let Some(body) = store::withheld(tx, id).await? else {
        return Ok(());
    };
    if let Some(room) = store::restore(tx, id, &body).await? {
        append(tx, app, room.stream(), Entry::new::<MessageEdited>(id, now)).await?;
    }
    Ok(())
}

/// Reacts, exchanges the reaction, or takes it back.
pub async fn react_to_message(
    app: &AppState,
    actor: &CurrentUser,
    id: MessageId,
    kind: Option<Reaction>,
) -> Result<Message> {
    let (own, me, now) = (app.clone(), actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let (facts, _) = facts(&tx, me, id).await?;
            let changes = store::reaction_of(&tx, id, me).await? != kind;
            match kind {
                Some(kind) if changes => store::put_reaction(&tx, id, me, kind, now).await?,
                None if changes => store::delete_reaction(&tx, id, me).await?,
                _ => {}
            }
            let message = store::find(&tx, me, id).await?;
            if changes {
                let reacted = Entry::new::<MessageReacted>(id, now);
                append(&tx, &own, facts.room.stream(), reacted).await?;
            }
            shown(&own, &tx, message).await
        })
        .await
}

/// Moves the caller's mark forward to a message they have read, and gives where it stands.
pub async fn read_messages(app: &AppState, actor: &CurrentUser, room: RoomName, seq: i64) -> Result<i64> {
    let room = room_named(app, room).await?;
    let standing = rooms::store::standing(&app.db, actor.id, room).await?;
    let standing = rooms::policy::reading(standing)?;
    if standing.status != Some(Status::Joined) {
        return Ok(0);
    }
    let me = actor.id;
    let (moved, stands) = app
        .db
        .write_again(move |tx| async move {
            let moved = rooms::store::put_read(&tx, room, me, seq).await?;
            Ok((moved.is_some(), rooms::store::read_seq(&tx, room, me).await?))
        })
        .await?;
    if moved {
        let read = MessageSeen {
            room: standing.name(),
            member_id: me,
            read_seq: stands,
        };
        let (realtime, key) = (Realtime::of(app), (room, me));
        if standing.member_count <= rooms::store::FEW {
            realtime.tell(room.stream(), key, Some(me), &read);
        }
        realtime.tell(Stream::user(me), key, None, &read);
    }
    Ok(stands)
}

/// Takes the words of some messages of a member who leaves; says how many.
pub async fn forget_member(app: &AppState, tx: &Tx, member: MemberId) -> Result<u64> {
    let (some, now) = (store::some_of(tx, member).await?, app.clock.now());
    for (id, room) in &some {
        store::erase(tx, *id, now).await?;
        append(tx, app, room.stream(), Entry::new::<MessageDeleted>(*id, now)).await?;
    }
    store::forget_names(tx, member).await?;
    Ok(some.len() as u64)
}
