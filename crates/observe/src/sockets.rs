//! How the sockets are: for operators as JSON, for Prometheus as text.

use crate::{operator::Operator, probes::Exposition};
use platform::{
    AppState,
    http::{Caller, Json, Result, Routes},
};
use realtime::{BOUNDS_US, Realtime};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("Operation")
        .get(
            "/metrics/realtime",
            "get_realtime",
            get_realtime,
            "Connections, rooms, pushes and what was lost, on this node",
        )
        .by(Caller::Operator)
}

/// Counts are since the start of this node; the rest is as of now.
#[derive(Debug, Serialize, JsonSchema)]
struct RealtimeFigures {
    connections: u64,
    rooms: u64,
    /// Entries of presence and typing.
    presence_entries: u64,
    opened: Opened,
    refused: Refused,
    closed: Vec<Closed>,
    /// Share of connections that were refused or broke, from 0 to 1.
    connection_error_rate: f64,
    /// What clients said.
    messages: u64,
    pushes: Pushes,
    queue: Queue,
    drops: Drops,
    resumes: Resumes,
    streams: Streams,
    broadcast: Broadcast,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Opened {
    by_polling: u64,
    by_websocket: u64,
    upgraded: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Refused {
    /// Before there was a connection: another site's page, a malformed request.
    handshakes: u64,
    /// Without a good token, or too often.
    sockets: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Closed {
    reason: &'static str,
    /// Whether that counts as an error.
    error: bool,
    count: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Pushes {
    /// Durable ones handed to sockets.
    durable: u64,
    /// Packets of all kinds put into queues.
    queued: u64,
}

/// What waits to be sent.
#[derive(Debug, Serialize, JsonSchema)]
struct Queue {
    packets: u64,
    bytes: u64,
    longest_packets: u64,
    longest_bytes: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Drops {
    /// Ephemeral pushes whose place a later one took.
    ephemeral_replaced: u64,
    /// Ephemeral pushes that slow clients missed.
    ephemeral_dropped: u64,
    /// Durable pushes are never dropped: so often a client fell back to the log.
    fell_behind: u64,
    /// Durable pushes that such clients read from the log.
    caught_up: u64,
    /// Connections cut because nothing more fitted.
    slow_clients: u64,
}

/// Rooms entered, by what the client was told.
#[derive(Debug, Serialize, JsonSchema)]
struct Resumes {
    live: u64,
    recovered: u64,
    resynced: u64,
    expired: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Streams {
    /// Entries read from the log because this node had not heard of them.
    filled: u64,
    /// Numbers handed out of turn.
    gaps: u64,
    /// Numbers held back because the listener had them.
    duplicates: u64,
    /// Open connections of which one of the two is true.
    irregular: Vec<IrregularSession>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct IrregularSession {
    session: String,
    gaps: u64,
    duplicates: u64,
}

/// From the commit to the last listener's queue. A quantile is the upper end of its step.
#[derive(Debug, Serialize, JsonSchema)]
struct Broadcast {
    count: u64,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
}

async fn get_realtime(app: AppState, _operator: Operator) -> Result<Json<RealtimeFigures>> {
    Ok(Json(figures(Realtime::of(&app))))
}

/// A connection that ended so did not end as somebody wished.
fn is_error(reason: &str) -> bool {
    [
        "transport error",
        "parse error",
        "ping timeout",
        "connect timeout",
        "slow client",
    ]
    .contains(&reason)
}

fn figures(realtime: &Realtime) -> RealtimeFigures {
    let (counts, own, depth) = (
        realtime.server().counts(),
        realtime.figures(),
        realtime.server().queue_depth(),
    );
    let closed: Vec<_> = counts
        .closed
        .iter()
        .map(|(reason, count)| Closed {
            reason: reason.as_str(),
            error: is_error(reason.as_str()),
            count: *count,
        })
        .collect();
    let broken: u64 = closed
        .iter()
        .filter(|closed| closed.error)
        .map(|closed| closed.count)
        .sum();
    let refused = counts.refused_handshakes + counts.refused_sockets;
    let tried = counts.opened_by_polling + counts.opened_by_websocket + counts.refused_handshakes;
    let slow = closed.iter().find(|closed| closed.reason == "slow client");
    let quantile = |share| own.broadcast.quantile_us(share) as f64 / 1000.0;
    RealtimeFigures {
        connections: counts.open_connections,
        rooms: realtime.room_count() as u64,
        presence_entries: realtime.presence_size() as u64,
        opened: Opened {
            by_polling: counts.opened_by_polling,
            by_websocket: counts.opened_by_websocket,
            upgraded: counts.upgraded,
        },
        refused: Refused {
            handshakes: counts.refused_handshakes,
            sockets: counts.refused_sockets,
        },
        connection_error_rate: (refused + broken) as f64 / tried.max(1) as f64,
        messages: own.messages.get(),
        pushes: Pushes {
            durable: own.delivered.get(),
            queued: counts.packets_queued,
        },
        queue: Queue {
            packets: depth.packets as u64,
            bytes: depth.bytes as u64,
            longest_packets: depth.longest_packets as u64,
            longest_bytes: depth.longest_bytes as u64,
        },
        drops: Drops {
            ephemeral_replaced: counts.ephemeral_replaced,
            ephemeral_dropped: counts.ephemeral_dropped,
            fell_behind: own.fell_behind.get(),
            caught_up: own.caught_up.get(),
            slow_clients: slow.map_or(0, |slow| slow.count),
        },
        resumes: Resumes {
            live: own.live.get(),
            recovered: own.recovered.get(),
            resynced: own.resynced.get(),
            expired: own.expired.get(),
        },
        streams: Streams {
            filled: own.filled.get(),
            gaps: own.gaps.get(),
            duplicates: own.duplicates.get(),
            irregular: realtime
                .irregular_sessions()
                .into_iter()
                .map(|(session, gaps, duplicates)| IrregularSession {
                    session: session.to_string(),
                    gaps,
                    duplicates,
                })
                .collect(),
        },
        broadcast: Broadcast {
            count: own.broadcast.within().1,
            p50_ms: quantile(0.5),
            p95_ms: quantile(0.95),
            p99_ms: quantile(0.99),
        },
        closed,
    }
}

/// The same for Prometheus.
pub(crate) fn expose(app: &AppState, out: &mut Exposition) {
    let Some(realtime) = app.find_part::<Realtime>() else {
        return;
    };
    let now = figures(realtime);
    let mut gauge = |name: &str, about: &str, value: u64| out.single(name, "gauge", about, value);
    gauge("realtime_connections", "Open connections.", now.connections);
    gauge("realtime_rooms", "Rooms that somebody listens to.", now.rooms);
    gauge(
        "realtime_presence_entries",
        "Entries of presence and typing.",
        now.presence_entries,
    );
    gauge(
        "realtime_queue_packets",
        "Packets that wait to be sent.",
        now.queue.packets,
    );
    gauge(
        "realtime_queue_bytes",
        "Bytes that wait to be sent.",
        now.queue.bytes,
    );
    gauge(
        "realtime_queue_longest_packets",
        "Packets in the longest queue.",
        now.queue.longest_packets,
    );

    let mut counter = |name: &str, about: &str, label: &str, values: &[(&str, u64)]| {
        out.family(name, "counter", about);
        for (word, value) in values {
            let labels = [(label, *word)];
            out.sample(name, if label.is_empty() { &[] } else { &labels }, value);
        }
    };
    let opened = [
        ("polling", now.opened.by_polling),
        ("websocket", now.opened.by_websocket),
    ];
    counter(
        "realtime_opened_total",
        "Connections opened.",
        "transport",
        &opened,
    );
    counter(
        "realtime_upgraded_total",
        "Connections that moved to a websocket.",
        "",
        &[("", now.opened.upgraded)],
    );
    let refused = [
        ("handshake", now.refused.handshakes),
        ("socket", now.refused.sockets),
    ];
    counter("realtime_refused_total", "Connections refused.", "at", &refused);
    let closed: Vec<_> = now
        .closed
        .iter()
        .map(|closed| (closed.reason, closed.count))
        .collect();
    counter("realtime_closed_total", "Connections closed.", "reason", &closed);
    counter(
        "realtime_messages_total",
        "What clients said.",
        "",
        &[("", now.messages)],
    );
    let pushes = [("durable", now.pushes.durable), ("all", now.pushes.queued)];
    counter(
        "realtime_pushes_total",
        "Pushes put into queues.",
        "class",
        &pushes,
    );
    let drops = [
        ("ephemeral_replaced", now.drops.ephemeral_replaced),
        ("ephemeral_dropped", now.drops.ephemeral_dropped),
        ("durable_to_log", now.drops.fell_behind),
        ("slow_client", now.drops.slow_clients),
    ];
    counter(
        "realtime_drops_total",
        "What slow clients were not sent at once.",
        "class",
        &drops,
    );
    let resumes = [
        ("live", now.resumes.live),
        ("recovered", now.resumes.recovered),
        ("resynced", now.resumes.resynced),
        ("expired", now.resumes.expired),
    ];
    counter("realtime_resumes_total", "Rooms entered.", "outcome", &resumes);
    let irregular = [("gap", now.streams.gaps), ("duplicate", now.streams.duplicates)];
    counter(
        "realtime_irregular_total",
        "Numbers out of turn, or held back.",
        "kind",
        &irregular,
    );

    let (name, latency) = ("realtime_broadcast_seconds", &realtime.figures().broadcast);
    out.family(name, "histogram", "From the commit to the last listener's queue.");
    let (within, all) = latency.within();
    for (bound, count) in BOUNDS_US.iter().zip(within) {
        let bound = (*bound as f64 / 1e6).to_string();
        out.sample(&format!("{name}_bucket"), &[("le", &bound)], count);
    }
    out.sample(&format!("{name}_bucket"), &[("le", "+Inf")], all);
    out.sample(&format!("{name}_sum"), &[], latency.sum_us() as f64 / 1e6);
    out.sample(&format!("{name}_count"), &[], all);
}
