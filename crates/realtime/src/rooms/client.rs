//! What a node knows of a connection.

use super::room::Room;
use crate::figures::Count;
use crate::streams::Stream;
use accounts::MemberId;
use base::{Error, Kind, Result, Timestamp};
use platform::{App, texts::Language};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

/// It must not hold its socket, which holds it.
pub(crate) struct Client {
    pub member: MemberId,
    pub language: Language,
    /// One thing at a time: entering, leaving, catching up.
    pub turn: tokio::sync::Mutex<()>,
    hidden: RwLock<Arc<HashSet<MemberId>>>,
    /// Nothing once the connection is over: then it enters no room.
    rooms: Mutex<Option<Vec<Arc<Room>>>>,
    /// When the events so far will have been within the limit.
    spent: Mutex<Timestamp>,
    pub irregular: Irregular,
}

/// What a session's connection was handed out of turn, or held back because it had it.
#[derive(Debug, Default)]
pub(crate) struct Irregular {
    pub gaps: Count,
    pub duplicates: Count,
}

impl Client {
    pub fn new(member: MemberId, language: Language, hidden: HashSet<MemberId>) -> Client {
        Client {
            member,
            language,
            turn: tokio::sync::Mutex::new(()),
            hidden: RwLock::new(Arc::new(hidden)),
            rooms: Mutex::new(Some(vec![])),
            spent: Mutex::default(),
            irregular: Irregular::default(),
        }
    }

    /// True when the member must not see what that one says.
    pub fn is_hidden(&self, from: Option<MemberId>) -> bool {
        from.is_some_and(|from| {
            self.hidden
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(&from)
        })
    }

    pub fn is_in(&self, stream: Stream) -> bool {
        self.room(stream).is_some()
    }

    pub fn hide(&self, hidden: Arc<HashSet<MemberId>>) {
        *self.hidden.write().unwrap_or_else(PoisonError::into_inner) = hidden;
    }

    pub(super) fn rooms(&self) -> MutexGuard<'_, Option<Vec<Arc<Room>>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn room(&self, stream: Stream) -> Option<Arc<Room>> {
        let rooms = self.rooms();
        rooms.iter().flatten().find(|room| room.stream == stream).cloned()
    }

    /// Refuses more events than a socket may send in a second.
    pub fn counts_an_event(&self, app: &App) -> Result<()> {
        let limits = &app.config.limits;
        if !limits.enabled {
            return Ok(());
        }
        let rate = i64::from(limits.socket_events_per_second.max(1));
        let now = app.clock.now();
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let next = Timestamp::from_micros((*spent).max(now).as_micros() + 1_000_000 / rate);
        if next.as_micros() - now.as_micros() > 1_000_000 {
            return Err(Error::new(Kind::RateLimited, "rate_limited")
                .with("seconds", 1)
                .retry_after(1));
        }
        *spent = next;
        Ok(())
    }
}
