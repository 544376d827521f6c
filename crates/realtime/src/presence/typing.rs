//! Who is writing where: pure. A word holds for [`EXPIRES`] and is said again
//! every [`AGAIN`] while somebody writes on; from each device, and from each
//! other node for all that is written there.

use crate::streams::Stream;
use accounts::MemberId;
use serde::{Deserialize, Serialize};
use socketio::Id;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How often a client that writes on says so.
pub const AGAIN: Duration = Duration::from_secs(3);
/// How long a word holds: two may be late or lost.
pub const EXPIRES: Duration = Duration::from_secs(7);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    Socket(Id),
    Node(Uuid),
}

/// Who writes in a room on one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writing {
    pub stream: Stream,
    pub members: Vec<MemberId>,
}

/// What listeners of a room are to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    pub stream: Stream,
    pub members: BTreeSet<MemberId>,
    pub started: Vec<MemberId>,
    pub stopped: Vec<MemberId>,
}

type Sources = HashMap<Source, Instant>;

#[derive(Debug, Default)]
pub struct Typing {
    rooms: HashMap<Stream, HashMap<MemberId, Sources>>,
    told: HashMap<Stream, BTreeSet<MemberId>>,
    /// Rooms of which other nodes must hear.
    unsaid: HashSet<Stream>,
}

impl Typing {
    pub fn start(&mut self, stream: Stream, member: MemberId, socket: Id, now: Instant) {
        let sources = self.rooms.entry(stream).or_default().entry(member).or_default();
        sources.insert(Source::Socket(socket), now + EXPIRES);
        // Said again each time: the others' words expire too.
        self.unsaid.insert(stream);
    }

    /// The device has stopped, or is gone.
    pub fn leave(&mut self, stream: Stream, member: MemberId, socket: Id) {
        self.drop_sources(stream, member, |source| *source == Source::Socket(socket));
    }

    /// The member writes no more in this room, on no device.
    pub fn end(&mut self, stream: Stream, member: MemberId) {
        self.drop_sources(stream, member, |_| true);
    }

    /// Another node says who writes there.
    pub fn hear(&mut self, from: Uuid, writing: Writing, now: Instant) {
        let members = self.rooms.entry(writing.stream).or_default();
        for (member, sources) in members.iter_mut() {
            if !writing.members.contains(member) {
                sources.remove(&Source::Node(from));
            }
        }
        for member in writing.members {
            let sources = members.entry(member).or_default();
            sources.insert(Source::Node(from), now + EXPIRES);
        }
    }

    /// What the other nodes must hear.
    pub fn say(&mut self) -> Vec<Writing> {
        let here = |sources: &Sources| sources.keys().any(|source| matches!(source, Source::Socket(_)));
        let unsaid = std::mem::take(&mut self.unsaid);
        let writing = unsaid.into_iter().map(|stream| {
            let members = self.rooms.get(&stream).into_iter().flatten();
            let members = members
                .filter(|(_, sources)| here(sources))
                .map(|(member, _)| *member);
            Writing {
                stream,
                members: members.collect(),
            }
        });
        writing.collect()
    }

    /// What has changed for listeners; words that have run out are forgotten.
    pub fn tick(&mut self, now: Instant) -> Vec<News> {
        self.rooms.retain(|stream, members| {
            members.retain(|_, sources| {
                let before = sources.len();
                sources.retain(|_, until| *until > now);
                if sources.len() < before {
                    self.unsaid.insert(*stream);
                }
                !sources.is_empty()
            });
            !members.is_empty()
        });
        let all: HashSet<Stream> = self.rooms.keys().chain(self.told.keys()).copied().collect();
        let mut news = vec![];
        for stream in all {
            let members: BTreeSet<_> = self
                .rooms
                .get(&stream)
                .into_iter()
                .flat_map(HashMap::keys)
                .copied()
                .collect();
            let told = self.told.get(&stream).cloned().unwrap_or_default();
            if members == told {
                continue;
            }
            news.push(News {
                stream,
                started: members.difference(&told).copied().collect(),
                stopped: told.difference(&members).copied().collect(),
                members: members.clone(),
            });
            if members.is_empty() {
                self.told.remove(&stream);
            } else {
                self.told.insert(stream, members);
            }
        }
        news
    }

    pub fn size(&self) -> usize {
        self.rooms.len()
    }

    fn drop_sources(&mut self, stream: Stream, member: MemberId, which: impl Fn(&Source) -> bool) {
        let Some(members) = self.rooms.get_mut(&stream) else {
            return;
        };
        let Some(sources) = members.get_mut(&member) else {
            return;
        };
        sources.retain(|source, _| !which(source));
        if sources.is_empty() {
            members.remove(&member);
        }
        if members.is_empty() {
            self.rooms.remove(&stream);
        }
        self.unsaid.insert(stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::StreamKind;

    fn member(n: u8) -> MemberId {
        MemberId(Uuid::from_bytes([n; 16]))
    }

    fn socket(n: u8) -> Id {
        Id::parse(&format!("{n:024}")).unwrap()
    }

    const ROOM: fn() -> Stream = || Stream::new(StreamKind::Chat, Uuid::nil());

    fn sets(news: &[News]) -> Vec<(Vec<MemberId>, Vec<MemberId>, Vec<MemberId>)> {
        let sets = news.iter().map(|news| {
            (
                news.members.iter().copied().collect(),
                news.started.clone(),
                news.stopped.clone(),
            )
        });
        sets.collect()
    }

    #[test]
    fn a_word_expires_unless_it_is_said_again() {
        let (mut typing, now) = (Typing::default(), Instant::now());
        typing.start(ROOM(), member(1), socket(1), now);
        assert_eq!(
            sets(&typing.tick(now)),
            [(vec![member(1)], vec![member(1)], vec![])]
        );
        typing.start(ROOM(), member(1), socket(1), now + AGAIN);
        assert_eq!(typing.tick(now + EXPIRES), [], "said again, and told once");
        let end = now + AGAIN + EXPIRES;
        assert_eq!(sets(&typing.tick(end)), [(vec![], vec![], vec![member(1)])]);
        assert_eq!((typing.tick(end), typing.size()), (vec![], 0));
    }

    #[test]
    fn it_ends_with_the_last_device_or_with_what_was_said() {
        let (mut typing, now) = (Typing::default(), Instant::now());
        typing.start(ROOM(), member(1), socket(1), now);
        typing.start(ROOM(), member(1), socket(2), now);
        typing.start(ROOM(), member(2), socket(3), now);
        typing.tick(now);
        typing.leave(ROOM(), member(1), socket(1));
        assert_eq!(typing.tick(now), [], "the other device writes on");
        typing.leave(ROOM(), member(1), socket(2));
        typing.end(ROOM(), member(2));
        assert_eq!(
            sets(&typing.tick(now)),
            [(vec![], vec![], vec![member(1), member(2)])]
        );
        assert_eq!(typing.size(), 0);
    }

    #[test]
    fn nodes_tell_each_other_what_is_written_on_them() {
        let (mut here, mut there, now) = (Typing::default(), Typing::default(), Instant::now());
        let name = Uuid::from_u128(1);
        there.start(ROOM(), member(1), socket(1), now);
        for writing in there.say() {
            here.hear(name, writing, now);
        }
        assert_eq!(
            sets(&here.tick(now)),
            [(vec![member(1)], vec![member(1)], vec![])]
        );
        assert_eq!(here.say(), [], "what was heard is not said again");
        there.end(ROOM(), member(1));
        for writing in there.say() {
            here.hear(name, writing, now);
        }
        assert_eq!(sets(&here.tick(now)), [(vec![], vec![], vec![member(1)])]);

        there.start(ROOM(), member(1), socket(1), now);
        there
            .say()
            .into_iter()
            .for_each(|writing| here.hear(name, writing, now));
        here.tick(now);
        assert_eq!(
            here.tick(now + EXPIRES).len(),
            1,
            "a node that died writes no more"
        );
    }
}
