//! What waits to be sent on one connection, and the policy for slow clients.
//!
//! Invariant: what waits and what is on its way stays within the limits, save
//! for the few bytes of the protocol's own packets. Ephemeral packets give way
//! first; when durable ones do not fit, the connection ends, so that the client
//! comes back and resumes.

use crate::Encoded;
use bytes::Bytes;
use std::collections::VecDeque;

/// At most so much is handed to the transport at once.
const BATCH_PACKETS: usize = 16;
const BATCH_BYTES: usize = 64 * 1024;
/// Packets in one answer to a poll: python-engineio takes no more.
const PAYLOAD_PACKETS: usize = 16;
/// An empty queue keeps no more room than this.
const KEPT_CAPACITY: usize = 4;

/// How a packet behaves when the client is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// A packet of the protocol itself: always queued.
    Control,
    /// Never dropped alone.
    Durable,
    /// Takes the place of a waiting one with the same key; dropped under pressure.
    Ephemeral(Option<u64>),
    /// Sent at once or not at all.
    Volatile,
}

/// Bounds of one connection's queue.
#[derive(Clone, Copy, Debug)]
pub struct QueueLimits {
    pub packets: usize,
    pub bytes: usize,
}

impl QueueLimits {
    fn share(self, part: usize, of: usize) -> QueueLimits {
        QueueLimits {
            packets: (self.packets * part / of).max(1),
            bytes: self.bytes * part / of,
        }
    }
}

impl Default for QueueLimits {
    fn default() -> QueueLimits {
        QueueLimits {
            packets: 1024,
            bytes: 1024 * 1024,
        }
    }
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pushed {
    /// The transport should be woken.
    pub wake: bool,
    /// Ephemeral packets that gave way, this one perhaps among them.
    pub dropped: usize,
    /// An ephemeral one took the place of an older one.
    pub replaced: bool,
    /// No room for a durable one: the client is too slow.
    pub overflow: bool,
}

#[derive(Debug)]
struct Waiting {
    encoded: Encoded,
    class: Class,
}

#[derive(Debug)]
pub(crate) struct Outbound {
    waiting: VecDeque<Waiting>,
    /// Bytes of `waiting`, and of what the transport has not finished.
    bytes: usize,
    under_way_packets: usize,
    under_way_bytes: usize,
    /// A websocket is open, or a poll waits for an answer.
    pub attached: bool,
    /// Somebody has more to say as soon as there is room.
    wanted: bool,
    closed: bool,
}

impl Outbound {
    pub fn new() -> Outbound {
        Outbound {
            waiting: VecDeque::new(),
            bytes: 0,
            under_way_packets: 0,
            under_way_bytes: 0,
            attached: false,
            wanted: false,
            closed: false,
        }
    }

    pub fn push(&mut self, encoded: Encoded, class: Class, limits: QueueLimits) -> Pushed {
        let mut pushed = Pushed::default();
        if self.closed {
            return pushed;
        }
        let size = encoded.size_bytes();
        match class {
            Class::Control => {}
            Class::Durable => {
                pushed.dropped = self.make_room(size, limits);
                if !self.fits(size, limits) {
                    pushed.overflow = true;
                    return pushed;
                }
            }
            Class::Ephemeral(key) => {
                if let Some(old) = self.same_key(key) {
                    let before = self.waiting[old].encoded.size_bytes();
                    if self.bytes - before + size <= limits.bytes {
                        self.bytes = self.bytes - before + size;
                        self.waiting[old].encoded = encoded;
                        pushed.replaced = true;
                        return pushed;
                    }
                }
                if !self.fits(size, limits) {
                    pushed.dropped = 1;
                    return pushed;
                }
            }
            Class::Volatile => {
                let idle = self.attached && self.waiting.is_empty() && self.under_way_packets == 0;
                if !idle {
                    pushed.dropped = 1;
                    return pushed;
                }
            }
        }
        self.bytes += size;
        pushed.wake = self.waiting.is_empty();
        self.waiting.push_back(Waiting { encoded, class });
        pushed
    }

    /// Queues a durable packet if there is room for it, and keeps a quarter of the room for what
    /// cannot wait. Nothing when there is none: then the queue is asked to tell when there is.
    pub fn offer(&mut self, encoded: Encoded, limits: QueueLimits) -> Option<Pushed> {
        let size = encoded.size_bytes();
        let mut pushed = Pushed {
            dropped: self.make_room(size, limits.share(3, 4)),
            ..Pushed::default()
        };
        if !self.fits(size, limits.share(3, 4)) {
            self.wanted = true;
            return None;
        }
        if !self.closed {
            let queued = self.push(encoded, Class::Durable, limits);
            pushed.wake = queued.wake;
        }
        Some(pushed)
    }

    /// Asks for a word when there is room. False when there is room already.
    pub fn want_room(&mut self, limits: QueueLimits) -> bool {
        self.wanted = !self.has_room(limits);
        self.wanted
    }

    /// True once after somebody wanted room and there is.
    pub fn tells_of_room(&mut self, limits: QueueLimits) -> bool {
        self.wanted && self.has_room(limits) && std::mem::take(&mut self.wanted)
    }

    fn has_room(&self, limits: QueueLimits) -> bool {
        let limits = limits.share(1, 4);
        let (packets, bytes) = self.depth();
        packets == 0 || (packets <= limits.packets && bytes <= limits.bytes)
    }

    fn fits(&self, size: usize, limits: QueueLimits) -> bool {
        // A packet larger than the bound goes alone; else it could never be sent.
        let packets = self.waiting.len() + self.under_way_packets;
        packets == 0 || (packets < limits.packets && self.bytes + size <= limits.bytes)
    }

    /// Drops ephemeral packets, oldest first, until `size` fits or none is left.
    fn make_room(&mut self, size: usize, limits: QueueLimits) -> usize {
        if self.fits(size, limits) {
            return 0;
        }
        let (mut dropped, total) = (0, self.waiting.len() + self.under_way_packets);
        let mut kept = VecDeque::with_capacity(self.waiting.len());
        for waiting in std::mem::take(&mut self.waiting) {
            let enough = total - dropped < limits.packets && self.bytes + size <= limits.bytes;
            if enough || !matches!(waiting.class, Class::Ephemeral(_)) {
                kept.push_back(waiting);
            } else {
                self.bytes -= waiting.encoded.size_bytes();
                dropped += 1;
            }
        }
        self.waiting = kept;
        dropped
    }

    fn same_key(&self, key: Option<u64>) -> Option<usize> {
        let key = key?;
        self.waiting
            .iter()
            .position(|waiting| waiting.class == Class::Ephemeral(Some(key)))
    }

    /// Moves the next packets to the transport, which is done with those before.
    pub fn take_batch(&mut self, batch: &mut VecDeque<Bytes>) {
        self.finish_batch();
        while let Some(next) = self.waiting.front() {
            let size = next.encoded.size_bytes();
            let full = self.under_way_packets >= BATCH_PACKETS || self.under_way_bytes + size > BATCH_BYTES;
            if full && self.under_way_packets > 0 {
                return;
            }
            if let Some(next) = self.waiting.pop_front() {
                batch.push_back(next.encoded.into_frames());
                self.under_way_packets += 1;
                self.under_way_bytes += size;
            }
        }
        self.waiting.shrink_to(KEPT_CAPACITY);
    }

    fn finish_batch(&mut self) {
        self.bytes -= self.under_way_bytes;
        self.under_way_packets = 0;
        self.under_way_bytes = 0;
    }

    /// What waits, as a polling payload; empty when nothing does. True when all of it fitted.
    pub fn take_payload(&mut self) -> (Vec<u8>, bool) {
        self.finish_batch();
        let mut payload = Vec::new();
        let mut packets = 0;
        while let Some(next) = self.waiting.front() {
            packets += next.encoded.packets();
            if packets > PAYLOAD_PACKETS && !payload.is_empty() {
                return (payload, false);
            }
            self.bytes -= next.encoded.size_bytes();
            next.encoded.append_to(&mut payload);
            self.waiting.pop_front();
        }
        self.waiting.shrink_to(KEPT_CAPACITY);
        (payload, true)
    }

    /// Takes nothing more. What waits is kept when it may still be sent.
    pub fn close(&mut self, keep: bool) {
        self.closed = true;
        if !keep {
            self.bytes = self.under_way_bytes;
            self.waiting = VecDeque::new();
        }
    }

    /// Packets and bytes that wait or are on their way.
    pub fn depth(&self) -> (usize, usize) {
        (self.waiting.len() + self.under_way_packets, self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: QueueLimits = QueueLimits {
        packets: 4,
        bytes: 1000,
    };

    fn packet(name: &str) -> Encoded {
        Encoded::event(name, &0).unwrap()
    }

    fn sent(outbound: &mut Outbound) -> String {
        String::from_utf8(outbound.take_payload().0).unwrap()
    }

    #[test]
    fn durable_packets_keep_their_order_and_end_in_overflow() {
        let mut outbound = Outbound::new();
        for name in ["a", "b", "c", "d"] {
            assert!(!outbound.push(packet(name), Class::Durable, LIMITS).overflow);
        }
        assert!(outbound.push(packet("e"), Class::Durable, LIMITS).overflow);
        let wanted = ["a", "b", "c", "d"].map(|name| format!("42[\"{name}\",0]"));
        assert_eq!(sent(&mut outbound), wanted.join("\x1e"));
        assert_eq!(outbound.depth(), (0, 0));
    }

    #[test]
    fn an_offer_that_does_not_fit_is_refused_and_room_is_told_once() {
        let mut outbound = Outbound::new();
        let mut taken = 0;
        while outbound.offer(packet("a"), LIMITS).is_some() {
            taken += 1;
        }
        assert_eq!(taken, 3, "a place is kept for what cannot wait");
        assert!(!outbound.push(packet("ack"), Class::Durable, LIMITS).overflow);
        assert!(!outbound.tells_of_room(LIMITS));
        let mut batch = VecDeque::new();
        outbound.take_batch(&mut batch);
        assert!(!outbound.tells_of_room(LIMITS), "what is on its way counts");
        outbound.take_batch(&mut batch);
        assert!(outbound.tells_of_room(LIMITS));
        assert!(!outbound.tells_of_room(LIMITS));
        assert!(!outbound.want_room(LIMITS), "there is room already");
    }

    #[test]
    fn bytes_are_bounded_too_but_one_large_packet_passes() {
        let mut outbound = Outbound::new();
        let large = Encoded::event("large", &"x".repeat(2000)).unwrap();
        assert!(!outbound.push(large.clone(), Class::Durable, LIMITS).overflow);
        assert!(outbound.push(packet("a"), Class::Durable, LIMITS).overflow);
        let mut batch = VecDeque::new();
        outbound.take_batch(&mut batch);
        assert!(
            outbound.push(packet("a"), Class::Durable, LIMITS).overflow,
            "what is on its way counts"
        );
        outbound.take_batch(&mut batch);
        assert!(!outbound.push(packet("a"), Class::Durable, LIMITS).overflow);
    }

    #[test]
    fn of_ephemeral_packets_the_latest_of_a_key_is_kept() {
        let mut outbound = Outbound::new();
        outbound.push(packet("typing1"), Class::Ephemeral(Some(1)), LIMITS);
        outbound.push(packet("durable"), Class::Durable, LIMITS);
        outbound.push(packet("typing2"), Class::Ephemeral(Some(2)), LIMITS);
        let pushed = outbound.push(packet("typing3"), Class::Ephemeral(Some(1)), LIMITS);
        assert!(pushed.replaced && pushed.dropped == 0);
        assert_eq!(
            sent(&mut outbound),
            "42[\"typing3\",0]\x1e42[\"durable\",0]\x1e42[\"typing2\",0]"
        );
    }

    #[test]
    fn ephemeral_packets_give_way_to_durable_ones() {
        let mut outbound = Outbound::new();
        outbound.push(packet("a"), Class::Durable, LIMITS);
        outbound.push(packet("old"), Class::Ephemeral(None), LIMITS);
        outbound.push(packet("young"), Class::Ephemeral(None), LIMITS);
        outbound.push(packet("b"), Class::Durable, LIMITS);
        assert_eq!(
            outbound
                .push(packet("late"), Class::Ephemeral(None), LIMITS)
                .dropped,
            1
        );
        let pushed = outbound.push(packet("c"), Class::Durable, LIMITS);
        assert_eq!((pushed.dropped, pushed.overflow), (1, false));
        let wanted = ["a", "young", "b", "c"].map(|name| format!("42[\"{name}\",0]"));
        assert_eq!(sent(&mut outbound), wanted.join("\x1e"));
    }

    #[test]
    fn volatile_packets_go_at_once_or_not_at_all() {
        let mut outbound = Outbound::new();
        assert_eq!(outbound.push(packet("a"), Class::Volatile, LIMITS).dropped, 1);
        outbound.attached = true;
        assert_eq!(outbound.push(packet("b"), Class::Volatile, LIMITS).dropped, 0);
        assert_eq!(outbound.push(packet("c"), Class::Volatile, LIMITS).dropped, 1);
        assert_eq!(sent(&mut outbound), "42[\"b\",0]");
    }

    #[test]
    fn a_payload_holds_what_every_client_takes() {
        let mut outbound = Outbound::new();
        let limits = QueueLimits {
            packets: 100,
            ..LIMITS
        };
        for _ in 0..40 {
            outbound.push(packet("a"), Class::Durable, limits);
        }
        for (count, all) in [(16, false), (16, false), (8, true), (0, true)] {
            let (payload, done) = outbound.take_payload();
            let found = payload
                .split(|byte| *byte == 0x1e)
                .filter(|packet| !packet.is_empty());
            assert_eq!((found.count(), done), (count, all));
        }
        assert_eq!(outbound.depth(), (0, 0));
    }

    #[test]
    fn a_closed_queue_takes_nothing() {
        let mut outbound = Outbound::new();
        outbound.push(packet("a"), Class::Durable, LIMITS);
        outbound.close(true);
        outbound.push(packet("b"), Class::Durable, LIMITS);
        assert_eq!(sent(&mut outbound), "42[\"a\",0]");
    }
}
