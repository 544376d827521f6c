//! What happens by itself: listeners are told, other nodes are told and heard,
//! and the last that was seen of members is written down.

use super::{
    PresenceChanged, Present, Status, TypingChanged,
    board::{self, Word},
    look_at_visibility, store,
    typing::{self, Writing},
};
use crate::{
    Push, Realtime,
    fan_out::{FanOut, News},
};
use accounts::MemberId;
use base::Result;
use platform::AppState;
use serde::{Deserialize, Serialize};
use socketio::Encoded;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use supervisor::{Context, Plan, Report, Spec};
use uuid::Uuid;

/// How often other nodes and those who wait for a writer hear what is new.
const STEP: Duration = Duration::from_millis(250);
/// So many steps apart listeners hear who came and went.
const NEWS: u64 = 4;
/// So many steps apart a node says that it is there.
const BEAT: u64 = 8;

/// What nodes say to one another.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    Board(Word),
    Typing(Writing),
    /// Say all: everybody, or that node.
    Ask {
        node: Option<Uuid>,
    },
    /// The member's setting has changed.
    Visibility(MemberId),
    Goodbye,
}

fn say(app: &AppState, said: Said) {
    if let Some(fan_out) = &Realtime::of(app).fan_out {
        fan_out.send(|| News::Presence(said));
    }
}

/// The setting counts here and on all nodes. Where Redis is away, it counts with the next minute.
pub(super) async fn visibility_changed(app: &AppState, member: MemberId) {
    look_at_visibility(app, member).await;
    say(app, Said::Visibility(member));
}

pub(crate) fn workers(app: &AppState) -> Vec<Plan> {
    let (live, writing) = (app.clone(), app.clone());
    vec![
        Spec::new("realtime.presence")
            .group("platform")
            .service(move |context| {
                let app = live.clone();
                async move {
                    run(&app, &context).await;
                    Ok(())
                }
            }),
        Spec::new("realtime.last_seen")
            .group("platform")
            .every(Duration::from_mins(1))
            .timeout(Duration::from_secs(30))
            .runs(move |_| {
                let app = writing.clone();
                async move {
                    let count = write_last_seen(&app).await?;
                    Ok(Report::new("noted when members were last seen").fact("members", count))
                }
            }),
    ]
}

async fn run(app: &AppState, context: &Context) {
    let mut steps = tokio::time::interval(STEP);
    steps.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut count = 0;
    context.ready();
    loop {
        tokio::select! {
            () = context.cancelled() => return,
            _ = steps.tick() => {
                count += 1;
                step(app, count);
            }
        }
    }
}

/// The other nodes can be heard, or heard again: what was said before may have been missed.
pub(crate) fn linked(app: &AppState, fan_out: &FanOut) {
    Realtime::of(app).presence.board().renew_leases(Instant::now());
    say_all(app);
    fan_out.send(|| News::Presence(Said::Ask { node: None }));
}

fn step(app: &AppState, count: u64) {
    let (realtime, now) = (Realtime::of(app), Instant::now());
    let presence = &realtime.presence;
    let (changes, beat) = {
        let mut board = presence.board();
        let beat = count.is_multiple_of(BEAT).then(|| board.beat());
        // Whoever cannot be heard is not therefore gone.
        if beat.is_some() && realtime.fan_out.as_ref().is_some_and(FanOut::is_linked) {
            let gone = board.expire(now);
            if gone > 0 {
                tracing::warn!(gone, "nodes are gone without a goodbye");
            }
        }
        (board.changes(), beat)
    };
    for word in changes.into_iter().chain(beat) {
        say(app, Said::Board(word));
    }
    if count.is_multiple_of(NEWS) {
        let news = presence.board().tick(now);
        for news in &news {
            tell_presence(app, news);
        }
    }
    let (writing, news) = {
        let mut typing = presence.typing();
        let news = typing.tick(now);
        (typing.say(), news)
    };
    for writing in writing {
        say(app, Said::Typing(writing));
    }
    for news in &news {
        tell_typing(app, news);
    }
}

/// What another node says.
pub(crate) async fn hear(app: &AppState, fan_out: &FanOut, from: Uuid, said: Said) {
    let (presence, now) = (&Realtime::of(app).presence, Instant::now());
    match said {
        Said::Board(word) => {
            if presence.board().hear(from, word, now).is_err() {
                say(app, Said::Ask { node: Some(from) });
            }
        }
        Said::Typing(writing) => presence.typing().hear(from, writing, now),
        Said::Ask { node } => {
            if node.is_none_or(|node| node == fan_out.node()) {
                say_all(app);
            }
        }
        Said::Visibility(member) => look_at_visibility(app, member).await,
        Said::Goodbye => presence.board().forget(from, now),
    }
}

fn say_all(app: &AppState) {
    let all = Realtime::of(app).presence.board().all();
    say(app, Said::Board(all));
}

/// One push for the room; a listener from whom somebody in it is hidden gets one of their own.
fn tell_presence(app: &AppState, news: &board::News) {
    let push = |keep: &dyn Fn(MemberId) -> bool, count: usize| PresenceChanged {
        room: news.stream,
        number: news.number,
        changes: present(&news.changes, keep),
        more: news.more,
        count,
        present: news.present.as_ref().map(|all| present(all, keep)),
    };
    let Some(shared) = packet(&push(&|_| true, news.count)) else {
        return;
    };
    let named: Vec<MemberId> = news
        .changes
        .iter()
        .chain(news.present.iter().flatten())
        .map(|(member, _)| *member)
        .collect();
    Realtime::of(app)
        .hub
        .tell_each(news.stream, PresenceChanged::NAME, |client| {
            let hidden = named
                .iter()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .filter(|member| client.is_hidden(Some(**member)))
                .count();
            if hidden == 0 {
                return Some(shared.clone());
            }
            packet(&push(
                &|member| !client.is_hidden(Some(member)),
                news.count.saturating_sub(hidden),
            ))
        });
}

fn present(all: &[(MemberId, Status)], keep: &dyn Fn(MemberId) -> bool) -> Vec<Present> {
    all.iter()
        .filter(|(member, _)| keep(*member))
        .map(|(member_id, status)| Present {
            member_id: *member_id,
            status: *status,
        })
        .collect()
}

fn packet<P: Push>(push: &P) -> Option<Encoded> {
    Encoded::event(P::NAME, push)
        .inspect_err(|error| tracing::error!(%error, push = P::NAME, "a push could not be encoded"))
        .ok()
}

fn tell_typing(app: &AppState, news: &typing::News) {
    let push = |keep: &dyn Fn(&MemberId) -> bool| {
        let kept = |members: &mut dyn Iterator<Item = &MemberId>| {
            members.filter(|member| keep(member)).copied().collect::<Vec<_>>()
        };
        TypingChanged {
            room: news.stream,
            members: kept(&mut news.members.iter()),
            started: kept(&mut news.started.iter()),
            stopped: kept(&mut news.stopped.iter()),
        }
    };
    let Some(shared) = packet(&push(&|_| true)) else {
        return;
    };
    let named: BTreeSet<MemberId> = news.members.iter().chain(&news.stopped).copied().collect();
    Realtime::of(app)
        .hub
        .tell_each(news.stream, TypingChanged::NAME, |client| {
            let unheard = |member: &MemberId| *member == client.member || client.is_hidden(Some(*member));
            if !named.iter().any(unheard) {
                return Some(shared.clone());
            }
            let own = push(&|member| !unheard(member));
            let nothing = own.started.is_empty() && own.stopped.is_empty();
            (!nothing).then(|| packet(&own)).flatten()
        });
}

/// Writes down when those were last seen who have left since the last time.
async fn write_last_seen(app: &AppState) -> Result<i64> {
    let presence = &Realtime::of(app).presence;
    let members = presence.board().members_here();
    // A change of the setting may have gone by unheard.
    for member in store::unseen(&app.db, &members).await? {
        presence.board().set_seen(member, false, Instant::now());
    }
    let seen = std::mem::take(&mut *presence.last_seen());
    let count = seen.len() as i64;
    if let Err(error) = store::write_last_seen(&app.db, seen.clone()).await {
        // Not lost: the next minute tries again.
        let mut waiting = presence.last_seen();
        for (member, at) in seen {
            waiting.entry(member).or_insert(at);
        }
        return Err(error);
    }
    Ok(count)
}
