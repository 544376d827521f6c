//! News between the nodes of a cluster, by Redis.
//!
//! A node tells the others how far a stream has come, and they read the log, with
//! their own readers' rights; no text of a durable push goes through Redis. What
//! is ephemeral goes whole. The log stays the truth: while Redis is away nodes
//! look at the heads, as they do every two seconds anyway, and once more when it
//! is back.
//!
//! What is never true: somebody who waits for Redis; news kept for when it is
//! back; a connection believed that does not bring this node's own letters.

use crate::{Realtime, look_at_heads, presence, rooms, streams::Stream};
use accounts::MemberId;
use base::{Entropy, Result};
use futures_util::StreamExt;
use platform::{AppState, cluster};
use redis::{Client, ErrorKind, RedisError, RedisResult, aio::MultiplexedConnection};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    pin::pin,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};
use supervisor::Context;
use tokio::{
    sync::{Mutex, mpsc},
    time::{sleep, timeout},
};
use uuid::Uuid;

const CHANNEL: &str = "mundo:realtime";
/// News that may wait; more are not sent, and the heads tell of them.
const WAITING: usize = 10_000;
/// News in one letter.
const LETTER: usize = 500;
/// How often a node writes a letter whatever there is to say, and how long it waits for its own.
const BEAT: Duration = Duration::from_secs(1);
const SILENCE: Duration = Duration::from_secs(3);
/// How long Redis may take for anything.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two tries to connect; doubled from the one to the other.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum News {
    /// A stream has come so far.
    Head(Stream, i64),
    /// An ephemeral push to those who listen to a stream.
    Told {
        stream: Stream,
        key: u64,
        from: Option<MemberId>,
        name: String,
        payload: Box<RawValue>,
    },
    /// An ephemeral push to members.
    Pushed {
        members: Vec<MemberId>,
        name: String,
        payload: Box<RawValue>,
    },
    /// Whom these members must not see has changed.
    Hidden(Vec<MemberId>),
    /// Who is there, and who is writing.
    Presence(presence::Said),
}

#[derive(Serialize, Deserialize)]
struct Letter {
    node: Uuid,
    news: Vec<News>,
}

pub(crate) struct FanOut {
    client: Client,
    node: Uuid,
    linked: AtomicBool,
    outages: AtomicU64,
    post: mpsc::Sender<News>,
    /// Taken by the one who writes letters.
    waiting: Mutex<mpsc::Receiver<News>>,
}

impl std::fmt::Debug for FanOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("FanOut").field(&self.node).finish()
    }
}

impl FanOut {
    pub fn new(url: &str) -> Result<FanOut> {
        let (post, waiting) = mpsc::channel(WAITING);
        Ok(FanOut {
            client: cluster::redis(url)?,
            // New with each start: what a killed process said is not taken for what its successor says.
            node: Uuid::from_bytes(Entropy::system().bytes()),
            linked: AtomicBool::new(false),
            outages: AtomicU64::new(0),
            post,
            waiting: Mutex::new(waiting),
        })
    }

    /// Sends news to the other nodes, unless they cannot be reached.
    pub fn send(&self, news: impl FnOnce() -> News) {
        if self.is_linked() {
            let _ = self.post.try_send(news());
        }
    }

    /// Names this process, never another.
    pub fn node(&self) -> Uuid {
        self.node
    }

    pub fn is_linked(&self) -> bool {
        self.linked.load(Ordering::Relaxed)
    }

    /// Times that the link was lost, since the start.
    pub fn outages(&self) -> u64 {
        self.outages.load(Ordering::Relaxed)
    }
}

/// Keeps the link to the other nodes until the shutdown.
pub(crate) async fn keep(app: &AppState, fan_out: &FanOut, context: &Context) {
    let mut waiting = fan_out.waiting.lock().await;
    let (mut pause, mut told) = (FIRST_PAUSE, false);
    loop {
        let began = Instant::now();
        let ended = linked(app, fan_out, &mut waiting, context, &mut told).await;
        if context.is_cancelled() {
            return;
        }
        context.ready();
        if fan_out.linked.swap(false, Ordering::Relaxed) {
            fan_out.outages.fetch_add(1, Ordering::Relaxed);
        }
        if let Err(error) = ended
            && !std::mem::replace(&mut told, true)
        {
            tracing::warn!(%error, "Redis is away: this node reads in the log what others write");
        }
        // News of before: the heads will tell.
        while waiting.try_recv().is_ok() {}
        if began.elapsed() > SILENCE {
            pause = FIRST_PAUSE;
        }
        tokio::select! {
            () = context.cancelled() => return,
            () = sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Returns once the link is lost, or with the shutdown.
async fn linked(
    app: &AppState,
    fan_out: &FanOut,
    waiting: &mut mpsc::Receiver<News>,
    context: &Context,
    told: &mut bool,
) -> RedisResult<()> {
    let connect = async {
        let mut letters = fan_out.client.get_async_pubsub().await?;
        letters.subscribe(CHANNEL).await?;
        let writing = fan_out.client.get_multiplexed_async_connection().await?;
        Ok((letters, writing))
    };
    let (letters, mut writing) = tokio::select! {
        () = context.cancelled() => return Ok(()),
        connected = in_time(connect) => connected?,
    };
    fan_out.linked.store(true, Ordering::Relaxed);
    context.ready();
    if std::mem::take(told) {
        tracing::info!("Redis is back: nodes hear of each other again");
    }
    // What was written while nobody could tell.
    catch_up(app).await;
    presence::linked(app, fan_out);

    let mut letters = pin!(letters.into_on_message());
    let (mut news, mut heard) = (Vec::with_capacity(LETTER), Instant::now());
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = context.cancelled() => {
                news.push(News::Presence(presence::Said::Goodbye));
                return write(&mut writing, fan_out, &mut news).await;
            }
            letter = letters.next() => {
                let letter = letter.ok_or_else(|| lost("the connection ended"))?;
                if read(app, fan_out, letter.get_payload_bytes()).await {
                    heard = Instant::now();
                }
            }
            _ = waiting.recv_many(&mut news, LETTER) => {
                write(&mut writing, fan_out, &mut news).await?;
            }
            _ = beat.tick() => {
                if heard.elapsed() > SILENCE {
                    return Err(lost("a node's own letters do not arrive"));
                }
                write(&mut writing, fan_out, &mut news).await?;
            }
        }
    }
}

async fn catch_up(app: &AppState) {
    if let Err(error) = look_at_heads(app).await {
        tracing::warn!(%error, "the heads of streams could not be read");
    }
    let realtime = Realtime::of(app);
    let members = realtime.connections.members();
    realtime.read_hidden(app, &members).await;
}

async fn write(
    writing: &mut MultiplexedConnection,
    fan_out: &FanOut,
    news: &mut Vec<News>,
) -> RedisResult<()> {
    let letter = Letter {
        node: fan_out.node,
        news: shortened(std::mem::take(news)),
    };
    let text = serde_json::to_vec(&letter).map_err(|_| lost("a letter cannot be written"))?;
    let mut publish = redis::cmd("PUBLISH");
    publish.arg(CHANNEL).arg(text);
    in_time(publish.query_async::<()>(writing)).await
}

/// Of the heads of one stream the highest is enough.
fn shortened(news: Vec<News>) -> Vec<News> {
    let mut heads: HashMap<Stream, i64> = HashMap::new();
    let mut rest = vec![];
    for one in news {
        match one {
            News::Head(stream, seq) => {
                let head = heads.entry(stream).or_insert(seq);
                *head = seq.max(*head);
            }
            other => rest.push(other),
        }
    }
    rest.extend(heads.into_iter().map(|(stream, seq)| News::Head(stream, seq)));
    rest
}

/// True when it was this node's own.
async fn read(app: &AppState, fan_out: &FanOut, letter: &[u8]) -> bool {
    let Ok(letter) = serde_json::from_slice::<Letter>(letter) else {
        tracing::warn!("a letter of another node cannot be read");
        return false;
    };
    if letter.node == fan_out.node {
        return true;
    }
    let realtime = Realtime::of(app);
    for news in letter.news {
        match news {
            News::Head(stream, seq) => {
                if let Some(room) = realtime.hub.find(stream) {
                    rooms::heard(app, &room, seq);
                }
            }
            News::Told {
                stream,
                key,
                from,
                name,
                payload,
            } => realtime.tell_here(stream, key, from, &name, &payload),
            News::Pushed {
                members,
                name,
                payload,
            } => realtime.push_here(&members, &name, &payload),
            News::Hidden(members) => realtime.read_hidden(app, &members).await,
            News::Presence(said) => presence::hear(app, fan_out, letter.node, said).await,
        }
    }
    false
}

async fn in_time<T>(work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(lost("no answer in time")))
}

fn lost(why: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Io, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StreamKind;

    #[test]
    fn of_a_streams_heads_the_highest_is_sent() {
        let stream = |n| Stream::new(StreamKind::Chat, Uuid::from_u128(n));
        let news = [(1, 5), (2, 1), (1, 7), (1, 6)].map(|(n, seq)| News::Head(stream(n), seq));
        let mut heads: Vec<_> = shortened(news.into())
            .into_iter()
            .map(|news| match news {
                News::Head(stream, seq) => (stream.id.as_u128(), seq),
                other => panic!("{other:?}"),
            })
            .collect();
        heads.sort_unstable();
        assert_eq!(heads, [(1, 7), (2, 1)]);
    }

    #[test]
    fn a_letter_is_read_as_it_was_written() {
        let told = News::Told {
            stream: Stream::new(StreamKind::Chat, Uuid::nil()),
            key: u64::MAX,
            from: None,
            name: "typing:changed".to_owned(),
            payload: RawValue::from_string("{\"a\":1}".to_owned()).unwrap(),
        };
        let letter = Letter {
            node: Uuid::nil(),
            news: vec![told],
        };
        let text = serde_json::to_vec(&letter).unwrap();
        let back: Letter = serde_json::from_slice(&text).unwrap();
        assert!(
            matches!(&back.news[..], [News::Told { key: u64::MAX, payload, .. }] if payload.get() == "{\"a\":1}")
        );
    }
}
