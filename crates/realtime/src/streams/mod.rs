//! Streams: ordered logs of what is pushed, so that nobody misses anything.
//!
//! A stream belongs to a member, a chat, a group, an event or a post. Each entry
//! has a number, `seq`, given out in the transaction of the row it announces:
//! without gaps, and never twice. The log holds the name of the push and the id
//! of the row, no text; what a client hears is rendered when it is sent.
//!
//! What is never true: a push before its commit; a number that nobody can hear
//! of; two entries of a stream whose numbers and commits disagree in their order
//! (the head's row is locked until the commit).
//!
//! Who listens stands in `rooms`; how many write at once in `queue`.

pub(crate) mod clean_up;
pub(crate) mod queue;
pub(crate) mod store;

pub use queue::{Decision, Placed, Queued, Wanted, Written, submit};

use crate::{Push, Realtime};
use accounts::MemberId;
use base::{Result, Timestamp, choice};
use db::{CommunityId, Db, Tx, stored};
use platform::AppState;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, str::FromStr};
use uuid::Uuid;

/// More than is written into a stream between two backups.
const LEAP: i64 = 1_000_000_000;

choice! {
    /// To what a stream belongs.
    pub enum StreamKind {
        /// A member's own, heard by them alone.
        User = "user",
        Chat = "chat",
        Group = "group",
        Event = "event",
        Post = "post",
    }
}
stored!(words: StreamKind);

/// The name of a stream, written `chat:<id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    pub kind: StreamKind,
    pub id: Uuid,
}

impl Stream {
    pub fn new(kind: StreamKind, id: impl Into<Uuid>) -> Stream {
        Stream { kind, id: id.into() }
    }

    /// A member's private stream.
    pub fn user(member: MemberId) -> Stream {
        Stream::new(StreamKind::User, member)
    }

    /// The order in which streams are locked, the same in both databases.
    fn place(&self) -> (&'static str, Uuid) {
        (self.kind.as_str(), self.id)
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)
    }
}

/// It is no name of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoStream;

impl FromStr for Stream {
    type Err = NoStream;

    fn from_str(text: &str) -> Result<Stream, NoStream> {
        let (kind, id) = text.split_once(':').ok_or(NoStream)?;
        Ok(Stream {
            kind: StreamKind::parse(kind).ok_or(NoStream)?,
            id: id.parse().map_err(|_| NoStream)?,
        })
    }
}

impl Serialize for Stream {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Stream, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse()
            .map_err(|NoStream| de::Error::custom("expected the name of a stream"))
    }
}

impl JsonSchema for Stream {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Stream".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^(user|chat|group|event|post):[0-9a-f-]{36}$"})
    }
}

/// What goes into a stream: the name of a push and the row it tells of.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(crate) name: &'static str,
    pub(crate) row: Uuid,
    pub(crate) at: Timestamp,
    pub(crate) said: Option<Said>,
}

/// A payload as its writer knows it: an object, written as JSON.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub from: Option<MemberId>,
    pub object: String,
}

impl Entry {
    /// The push is rendered from its row when it is sent.
    pub fn new<P: Push>(row: impl Into<Uuid>, at: Timestamp) -> Entry {
        Entry {
            name: P::NAME,
            row: row.into(),
            at,
            said: None,
        }
    }

    /// The writer knows the payload and who says it: on this node the row need not be read again.
    #[must_use]
    pub fn said<P: Push>(mut self, from: Option<MemberId>, push: &P) -> Entry {
        debug_assert_eq!(P::NAME, self.name);
        self.said = serde_json::to_string(push)
            .ok()
            .map(|object| Said { from, object });
        self
    }
}

/// Puts an entry into a stream, and gives its number. It is pushed after the commit, on every
/// node. The stream is locked until then: append late in a transaction.
pub async fn append(tx: &Tx, app: &AppState, stream: Stream, entry: Entry) -> Result<i64> {
    let seq = store::next(tx, stream).await?;
    store::insert(tx, stream, seq, &entry).await?;
    announce(tx, app, stream, vec![(seq, entry)]);
    Ok(seq)
}

/// Puts entries into several streams, which are locked in the same order by everybody.
pub async fn append_all(tx: &Tx, app: &AppState, mut entries: Vec<(Stream, Entry)>) -> Result<()> {
    entries.sort_by_key(|(stream, _)| stream.place());
    for (stream, entry) in entries {
        append(tx, app, stream, entry).await?;
    }
    Ok(())
}

/// Removes a stream that will never be used again, with what it belonged to.
pub async fn remove(tx: &Tx, stream: Stream) -> Result<()> {
    store::remove(tx, stream).await
}

/// After a restore clients may know numbers that the backup never gave out. All streams go on far
/// beyond those: whoever comes back with an old number starts from a snapshot.
pub async fn leap(db: &Db) -> Result<u64> {
    db.write(|tx| async move { store::leap(&tx, LEAP).await }).await
}

pub(crate) fn announce(tx: &Tx, app: &AppState, stream: Stream, entries: Vec<(i64, Entry)>) {
    // Sockets speak for the first community; what another one says is read from its lists.
    if tx.community() != CommunityId::DEFAULT {
        return;
    }
    let own = app.clone();
    tx.on_commit(move || {
        // A command beside the server has nobody to tell: the server looks at the heads itself.
        if let Some(realtime) = own.find_part::<Realtime>() {
            realtime.committed(stream, entries);
        }
    });
}

/// What a node's listeners hear of next.
#[derive(Debug)]
pub(crate) struct Committed {
    pub stream: Stream,
    /// In order, without gaps.
    pub entries: Vec<(i64, Entry)>,
    pub since: std::time::Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_read_as_they_are_written() {
        let stream = Stream::new(StreamKind::Chat, Uuid::from_u128(7));
        let text = "chat:00000000-0000-0000-0000-000000000007";
        assert_eq!(stream.to_string(), text);
        assert_eq!(text.parse(), Ok(stream));
        for wrong in [
            "chat",
            "chat:hall",
            "room:00000000-0000-0000-0000-000000000007",
            "",
        ] {
            assert_eq!(wrong.parse::<Stream>(), Err(NoStream), "{wrong}");
        }
    }
}
