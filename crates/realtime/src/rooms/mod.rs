//! Rooms: who on this node listens to which stream, and how far each has come.
//!
//! A connection enters a room, is told where it stands (`joining`), and from then
//! on hears each entry once and in order. The room knows the last number it has
//! handed out (`room`); a listener is *live* when it has all of them. Who is not
//! reads the log until it is (`catching_up`): one way for those who were away,
//! those who are slow and those who enter while others talk.
//!
//! What is never true: a listener who hears a number twice, or one without all
//! before it; anything kept in memory for somebody who is slow; a push to
//! somebody the room's policy lets in no more.
//!
//! A slice brings its own kind of room: [`RoomKind`]. What is pushed stands in
//! `streams`.

mod catching_up;
mod client;
mod hub;
mod joining;
mod own;
mod room;

pub(crate) use catching_up::{catch_up, deliver, heard, tend};
pub(crate) use client::Client;
pub(crate) use hub::Hub;
pub use joining::{Missed, Outcome, RoomJoined, RoomLeft, RoomRefused};
pub(crate) use joining::{enter_at_once, sockets, told_of_leaving, too_many};
pub(crate) use room::Handed;

use crate::streams::{Stream, StreamKind};
use accounts::{CurrentUser, MemberId};
use base::Result;
use db::Snapshot;
use futures_util::{FutureExt, future::BoxFuture};
use platform::AppState;
use serde_json::Value;
use socketio::Id;
use std::collections::HashSet;

/// Rooms of one kind: `chat`, `group`, `event` …
pub trait RoomKind: Send + Sync + 'static {
    const KIND: StreamKind;

    /// The stream behind what follows `chat:`, a short name or an id, if this member may read it.
    /// What is not there and what is not for them look alike.
    fn open(
        &self,
        app: &AppState,
        reader: &CurrentUser,
        name: &str,
    ) -> impl Future<Output = Result<Option<Stream>>> + Send;

    /// Who of these may read, as things stand.
    fn readers(
        &self,
        app: &AppState,
        stream: Stream,
        among: Vec<MemberId>,
    ) -> impl Future<Output = Result<Vec<MemberId>>> + Send;

    /// What a client shows that starts anew. It is read together with the stream's position.
    fn snapshot(
        &self,
        app: &AppState,
        db: &Snapshot,
        reader: MemberId,
        stream: Stream,
    ) -> impl Future<Output = Result<Option<Value>>> + Send {
        let _ = (app, db, reader, stream);
        async { Ok(None) }
    }
}

/// Whom a member must not see: their pushes reach the member as `stream:skip`, or not at all.
pub trait Hides: Send + Sync + 'static {
    fn hidden_from(
        &self,
        app: &AppState,
        reader: MemberId,
    ) -> impl Future<Output = Result<HashSet<MemberId>>> + Send;
}

/// A socket enters or leaves a room.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    pub member: MemberId,
    pub socket: Id,
    pub stream: Stream,
}

/// A [`RoomKind`] whose type nobody needs to know.
pub(crate) trait AnyRoomKind: Send + Sync {
    fn open<'a>(
        &'a self,
        app: &'a AppState,
        reader: &'a CurrentUser,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Stream>>>;
    fn readers<'a>(
        &'a self,
        app: &'a AppState,
        stream: Stream,
        among: Vec<MemberId>,
    ) -> BoxFuture<'a, Result<Vec<MemberId>>>;
    fn snapshot<'a>(
        &'a self,
        app: &'a AppState,
        db: &'a Snapshot,
        reader: MemberId,
        stream: Stream,
    ) -> BoxFuture<'a, Result<Option<Value>>>;
}

impl<K: RoomKind> AnyRoomKind for K {
    fn open<'a>(
        &'a self,
        app: &'a AppState,
        reader: &'a CurrentUser,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Stream>>> {
        RoomKind::open(self, app, reader, name).boxed()
    }

    fn readers<'a>(
        &'a self,
        app: &'a AppState,
        stream: Stream,
        among: Vec<MemberId>,
    ) -> BoxFuture<'a, Result<Vec<MemberId>>> {
        RoomKind::readers(self, app, stream, among).boxed()
    }

    fn snapshot<'a>(
        &'a self,
        app: &'a AppState,
        db: &'a Snapshot,
        reader: MemberId,
        stream: Stream,
    ) -> BoxFuture<'a, Result<Option<Value>>> {
        RoomKind::snapshot(self, app, db, reader, stream).boxed()
    }
}

pub(crate) trait AnyHides: Send + Sync {
    fn hidden_from<'a>(
        &'a self,
        app: &'a AppState,
        reader: MemberId,
    ) -> BoxFuture<'a, Result<HashSet<MemberId>>>;
}

impl<H: Hides> AnyHides for H {
    fn hidden_from<'a>(
        &'a self,
        app: &'a AppState,
        reader: MemberId,
    ) -> BoxFuture<'a, Result<HashSet<MemberId>>> {
        Hides::hidden_from(self, app, reader).boxed()
    }
}
