//! Writing into busy streams: what waits on a node is written together.
//!
//! One commit takes all that waits, and the next what came meanwhile, so that an
//! acknowledgement takes two commits at most and a hundred people who talk at once
//! do not wait for each other's. The streams of a batch are locked in order
//! before the slice looks for what it knows already; until the commit nobody else
//! can write into them, so that the same `client_id` is never written twice.
//!
//! What is never true: a batch that one bad item takes down (each is then
//! written alone), or two batches under way that hold the same stream.

use super::{Entry, Stream, announce, store};
use base::{
    Error, Kind, Result, Timestamp,
    error::{internal, unavailable},
};
use db::Tx;
use platform::AppState;
use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// Batches under way at once, of different streams.
const UNDER_WAY: usize = 3;
/// Items of a batch.
const SEATS: usize = 256;
/// What waits beyond this is turned away.
const CROWD: usize = 20_000;

/// What a slice writes into streams, many at a time.
pub trait Queued: Default + Send + Sync + 'static {
    /// What one caller wants to be written.
    type Item: Send + Sync + 'static;
    /// What the caller is answered.
    type Done: Clone + Send + Sync + 'static;

    /// Says of each item, in order, what becomes of it. The streams are locked, and nothing may be
    /// waited for but the database. It may be asked again about the same items.
    fn decide(
        &self,
        app: &AppState,
        tx: &Tx,
        at: Timestamp,
        items: &[Arc<Wanted<Self::Item>>],
    ) -> impl Future<Output = Result<Vec<Decision<Self::Done>>>> + Send;

    /// Writes the rows of what is new, all together.
    fn write(
        &self,
        app: &AppState,
        tx: &Tx,
        at: Timestamp,
        items: &[Placed<'_, Self::Item, Self::Done>],
    ) -> impl Future<Output = Result<()>> + Send;
}

/// An item with the stream it shall go into.
#[derive(Debug)]
pub struct Wanted<I> {
    pub stream: Stream,
    pub item: I,
}

/// An item that is new, with its number.
#[derive(Debug)]
pub struct Placed<'a, I, D> {
    pub stream: Stream,
    pub seq: i64,
    pub item: &'a I,
    pub done: &'a D,
}

/// What becomes of an item.
#[derive(Debug)]
pub enum Decision<D> {
    New {
        done: D,
        entry: Entry,
    },
    /// It was written before: the caller hears the same answer.
    Known {
        done: D,
        seq: i64,
    },
    /// It is the same as an earlier item of this batch.
    SameAs(usize),
    Refused(Error),
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Written<D> {
    pub done: D,
    pub seq: i64,
    /// False when it had been written before.
    pub new: bool,
}

/// Writes an item into a stream together with others that wait, and answers after the commit.
pub async fn submit<Q: Queued>(app: &AppState, stream: Stream, item: Q::Item) -> Result<Written<Q::Done>> {
    let line = app.memory::<Line<Q>>();
    let (reply, answer) = oneshot::channel();
    let wanted = Arc::new(Wanted { stream, item });
    {
        let mut state = line.state();
        if state.waiting.len() >= CROWD {
            return Err(unavailable("too much waits to be written into streams"));
        }
        state.waiting.push_back(Waiting { wanted, reply });
    }
    depart(app, &line);
    answer
        .await
        .map_err(|_| internal("a batch ended in mid-statement"))?
}

struct Waiting<Q: Queued> {
    wanted: Arc<Wanted<Q::Item>>,
    reply: oneshot::Sender<Result<Written<Q::Done>>>,
}

/// Those who wait to write one kind of thing.
struct Line<Q: Queued>(Mutex<LineState<Q>>);

struct LineState<Q: Queued> {
    waiting: VecDeque<Waiting<Q>>,
    /// Streams of the batches under way.
    taken: HashSet<Stream>,
    under_way: usize,
}

impl<Q: Queued> Default for Line<Q> {
    fn default() -> Line<Q> {
        Line(Mutex::new(LineState {
            waiting: VecDeque::new(),
            taken: HashSet::new(),
            under_way: 0,
        }))
    }
}

impl<Q: Queued> Line<Q> {
    fn state(&self) -> MutexGuard<'_, LineState<Q>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those who can leave now: their streams are in no batch under way.
    fn board(&self) -> Option<Vec<Waiting<Q>>> {
        let mut state = self.state();
        if state.under_way >= UNDER_WAY {
            return None;
        }
        let LineState { waiting, taken, .. } = &mut *state;
        let (mut seats, mut stay, mut own) = (vec![], VecDeque::new(), HashSet::new());
        for one in waiting.drain(..).filter(|one| !one.reply.is_closed()) {
            if seats.len() < SEATS && !taken.contains(&one.wanted.stream) {
                own.insert(one.wanted.stream);
                seats.push(one);
            } else {
                stay.push_back(one);
            }
        }
        *waiting = stay;
        if seats.is_empty() {
            return None;
        }
        taken.extend(own);
        state.under_way += 1;
        Some(seats)
    }
}

/// A batch gives its streams back however it ends, and lets the next one go.
struct Journey<Q: Queued> {
    app: AppState,
    line: Arc<Line<Q>>,
    streams: HashSet<Stream>,
}

impl<Q: Queued> Drop for Journey<Q> {
    fn drop(&mut self) {
        {
            let mut state = self.line.state();
            state.taken.retain(|stream| !self.streams.contains(stream));
            state.under_way -= 1;
        }
        depart(&self.app, &self.line);
    }
}

fn depart<Q: Queued>(app: &AppState, line: &Arc<Line<Q>>) {
    let Some(seats) = line.board() else { return };
    let journey = Journey {
        app: app.clone(),
        line: line.clone(),
        streams: seats.iter().map(|one| one.wanted.stream).collect(),
    };
    let own = app.clone();
    app.supervisor.detached("streams.write", async move {
        travel(&own, seats).await;
        drop(journey);
    });
}

async fn travel<Q: Queued>(app: &AppState, seats: Vec<Waiting<Q>>) {
    let all: Vec<_> = seats.iter().map(|one| one.wanted.clone()).collect();
    match write::<Q>(app, all).await {
        Ok(outcomes) => {
            for (one, outcome) in seats.into_iter().zip(outcomes) {
                let _ = one.reply.send(outcome);
            }
        }
        // What may have been committed is never tried again.
        Err(error) if seats.len() > 1 && error.kind() == Kind::Unavailable => {
            for one in seats {
                let _ = one.reply.send(Err(unavailable(error.to_string())));
            }
        }
        Err(error) if seats.len() > 1 => {
            tracing::debug!(%error, "a batch is written one by one");
            for one in seats {
                let outcome = write::<Q>(app, vec![one.wanted.clone()]).await;
                let _ = one.reply.send(outcome.and_then(only));
            }
        }
        Err(error) => {
            if let Some(one) = seats.into_iter().next() {
                let _ = one.reply.send(Err(error));
            }
        }
    }
}

fn only<T>(outcomes: Vec<Result<T>>) -> Result<T> {
    let first = outcomes.into_iter().next();
    first.unwrap_or_else(|| Err(internal("an item was not answered")))
}

type Outcomes<D> = Vec<Result<Written<D>>>;

async fn write<Q: Queued>(app: &AppState, items: Vec<Arc<Wanted<Q::Item>>>) -> Result<Outcomes<Q::Done>> {
    let (own, at) = (app.clone(), app.clock.now());
    app.db
        .write_again(move |tx| async move { in_transaction::<Q>(&own, &tx, at, &items).await })
        .await
}

async fn in_transaction<Q: Queued>(
    app: &AppState,
    tx: &Tx,
    at: Timestamp,
    items: &[Arc<Wanted<Q::Item>>],
) -> Result<Outcomes<Q::Done>> {
    let mut named: Vec<Stream> = items.iter().map(|wanted| wanted.stream).collect();
    named.sort_by_key(Stream::place);
    named.dedup();
    let mut heads: BTreeMap<_, i64> = store::lock(tx, &named)
        .await?
        .into_iter()
        .map(|(stream, seq)| (stream.place(), seq))
        .collect();

    let slice = Q::default();
    let decisions = slice.decide(app, tx, at, items).await?;
    if decisions.len() != items.len() {
        return Err(internal("not every item was decided about"));
    }
    let mut outcomes: Outcomes<Q::Done> = Vec::with_capacity(items.len());
    let mut new = vec![];
    for (place, (wanted, decision)) in items.iter().zip(decisions).enumerate() {
        outcomes.push(match decision {
            Decision::New { done, mut entry } => {
                let head = heads
                    .get_mut(&wanted.stream.place())
                    .ok_or_else(|| internal("a stream was not locked"))?;
                *head += 1;
                entry.at = at;
                new.push((place, *head, entry));
                Ok(Written {
                    done,
                    seq: *head,
                    new: true,
                })
            }
            Decision::Known { done, seq } => Ok(Written {
                done,
                seq,
                new: false,
            }),
            Decision::SameAs(earlier) => match outcomes.get(earlier) {
                Some(Ok(written)) => Ok(Written {
                    new: false,
                    ..written.clone()
                }),
                _ => Err(internal("an item is the same as one that was not written")),
            },
            Decision::Refused(error) => Err(error),
        });
    }
    if new.is_empty() {
        return Ok(outcomes);
    }

    let mut placed = Vec::with_capacity(new.len());
    for (place, seq, _) in &new {
        if let Some(Ok(written)) = outcomes.get(*place) {
            placed.push(Placed {
                stream: items[*place].stream,
                seq: *seq,
                item: &items[*place].item,
                done: &written.done,
            });
        }
    }
    slice.write(app, tx, at, &placed).await?;
    drop(placed);
    let mut by_stream: BTreeMap<_, (Stream, Vec<(i64, Entry)>)> = BTreeMap::new();
    let rows: Vec<_> = new
        .iter()
        .map(|(place, seq, entry)| (items[*place].stream, *seq, entry))
        .collect();
    store::insert_all(tx, &rows, at).await?;
    for (place, seq, entry) in new {
        let stream = items[place].stream;
        let (_, entries) = by_stream.entry(stream.place()).or_insert((stream, vec![]));
        entries.push((seq, entry));
    }
    let moved: Vec<_> = by_stream
        .iter()
        .filter_map(|(place, (stream, _))| Some((*stream, *heads.get(place)?)))
        .collect();
    store::move_heads(tx, &moved).await?;
    for (stream, entries) in by_stream.into_values() {
        announce(tx, app, stream, entries);
    }
    Ok(outcomes)
}
