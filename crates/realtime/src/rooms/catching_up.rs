//! Handing out what was committed, and reading from the log what nobody handed out.

use super::{
    Client,
    joining::{self, put_out},
    room::Room,
};
use crate::{
    Realtime,
    sockets::{Ready, render},
    streams::{Committed, Stream, store},
};
use base::Result;
use platform::AppState;
use socketio::Socket;
use std::sync::Arc;

/// Read from the log at a time.
const PAGE: i64 = 64;

/// What this node has committed goes to its listeners.
pub(crate) fn deliver(app: &AppState, committed: Committed) {
    let realtime = Realtime::of(app);
    let Some(room) = realtime.hub.find(committed.stream) else {
        return;
    };
    let Some((last, _)) = committed.entries.last() else {
        return;
    };
    let last = *last;
    // Rendered outside of the room's lock; what the writer did not say is read from its row.
    let ready: Option<Result<Vec<Ready>>> = committed
        .entries
        .iter()
        .map(|(seq, entry)| {
            let said = entry.said.as_ref()?;
            Some(Ready::new(
                room.stream,
                *seq,
                entry.at,
                entry.name,
                said.from,
                &said.object,
            ))
        })
        .collect();
    if let Some(Ok(ready)) = ready {
        let mut state = room.state();
        if !state.filling {
            let handed = state.hand_out(&ready, |name| realtime.events().may_change_readers(name));
            drop(state);
            realtime.figures.broadcast.took(committed.since.elapsed());
            realtime.figures.handed(&handed);
        }
    }
    heard(app, &room, last);
}

/// The stream has come so far. What has not been handed out is read from the log.
pub(crate) fn heard(app: &AppState, room: &Arc<Room>, head: i64) {
    let begins = {
        let mut state = room.state();
        state.head = state.head.max(head);
        state.begins_to_fill()
    };
    if begins {
        let own = app.clone();
        let mut filling = Filling {
            room: room.clone(),
            over: false,
        };
        app.supervisor.detached("realtime.fill", async move {
            if let Err(error) = fill(&own, &mut filling).await {
                // The next look at the heads tries again.
                tracing::warn!(%error, stream = %filling.room.stream, "a stream could not be read");
            }
        });
    }
}

/// Looks after a room in which something may have been left undone.
pub(crate) fn tend(app: &AppState, room: &Arc<Room>, head: i64) {
    heard(app, room, head);
    room.state().nudge();
}

/// The mark of who fills a room, taken away however that ends.
struct Filling {
    room: Arc<Room>,
    /// It is taken away already; another may have put up a new one.
    over: bool,
}

impl Drop for Filling {
    fn drop(&mut self) {
        if !self.over {
            self.room.state().filling = false;
        }
    }
}

async fn fill(app: &AppState, filling: &mut Filling) -> Result<()> {
    let (realtime, room) = (Realtime::of(app), filling.room.clone());
    let room = &room;
    loop {
        let doubted = room.state().doubted;
        if doubted {
            ask_about_listeners(app, room).await?;
        }
        let position = {
            let mut state = room.state();
            match state.position() {
                Some(position) if position < state.head && !state.is_empty() => position,
                _ => {
                    // Whoever hears of more from here on begins anew.
                    state.filling = false;
                    filling.over = true;
                    return Ok(());
                }
            }
        };
        let entries = store::after(&app.db, room.stream, position, PAGE).await?;
        let Some(first) = entries.first() else {
            // Heard of, but not there: the log was cut, or the news came before the commit was seen.
            return Ok(());
        };
        if first.seq != position + 1 {
            room.state().leave_a_gap(first.seq - 1);
        }
        let ready = render(app, realtime.events(), room.stream, &entries).await?;
        realtime.figures.filled.add(ready.len());
        let handed = room
            .state()
            .hand_out(&ready, |name| realtime.events().may_change_readers(name));
        realtime.figures.handed(&handed);
    }
}

async fn ask_about_listeners(app: &AppState, room: &Arc<Room>) -> Result<()> {
    let realtime = Realtime::of(app);
    let members = realtime.hub.listeners(room.stream);
    let allowed = match realtime.events().kinds.get(&room.stream.kind) {
        Some(kind) => kind.readers(app, room.stream, members.clone()).await?,
        None => vec![],
    };
    for member in members.into_iter().filter(|member| !allowed.contains(member)) {
        put_out(app, room, member).await;
    }
    room.state().doubted = false;
    Ok(())
}

/// A connection has room again: whatever it is behind with is read from the log, in order.
pub(crate) async fn catch_up(app: AppState, socket: Socket) {
    let Some(client) = socket.get::<Client>() else {
        return;
    };
    let _turn = client.turn.lock().await;
    let rooms: Vec<_> = client.rooms().iter().flatten().cloned().collect();
    for room in rooms {
        match catch_up_with(&app, &room, &socket).await {
            Ok(true) => {}
            // No room again: the rest follows when there is.
            Ok(false) => return,
            // The next look at the heads tries again.
            Err(error) => tracing::warn!(%error, stream = %room.stream, "a stream could not be read"),
        }
    }
}

/// False when the queue is full again.
async fn catch_up_with(app: &AppState, room: &Arc<Room>, socket: &Socket) -> Result<bool> {
    let realtime = Realtime::of(app);
    loop {
        let Some((sent, position)) = room.state().behind(socket.id()) else {
            return Ok(true);
        };
        let mut entries = store::after(&app.db, room.stream, sent, PAGE).await?;
        entries.retain(|entry| entry.seq <= position);
        if entries.first().is_none_or(|first| first.seq != sent + 1) {
            // The log does not reach back: the client starts from a snapshot.
            joining::begin_anew(app, room, socket).await?;
            return Ok(true);
        }
        let ready = render(app, realtime.events(), room.stream, &entries).await?;
        for entry in &ready {
            if !room.state().hand_to(socket.id(), entry) {
                return Ok(false);
            }
            realtime.figures.delivered.add(1);
            realtime.figures.caught_up.add(1);
        }
    }
}

impl Realtime {
    /// How far a stream was handed out here; for those who watch.
    pub fn position(&self, stream: Stream) -> Option<i64> {
        self.hub.find(stream)?.state().position()
    }
}
