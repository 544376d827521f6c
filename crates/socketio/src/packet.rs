//! Socket.IO packets: what they are, and how they read as text.
//!
//! Source: the Socket.IO protocol, version 5. Attachments follow the text, each
//! as binary data of its own; [`Decoder`](crate::parser::Decoder) puts them
//! together again.

use crate::{Encoded, Malformed};
use bytes::Bytes;
use serde_json::value::RawValue;
use std::fmt::Write;

/// The largest whole number that JavaScript tells apart from its neighbours.
const MAX_ACK_ID: u64 = (1 << 53) - 1;

/// Names that clients keep to themselves.
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

pub(crate) fn is_reserved(event: &str) -> bool {
    RESERVED.contains(&event)
}

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketKind {
    Connect,
    Disconnect,
    Event,
    Ack,
    ConnectError,
}

/// A whole Socket.IO packet.
#[derive(Clone, Debug)]
pub struct Packet {
    pub kind: PacketKind,
    /// Begins with `/`.
    pub namespace: Box<str>,
    pub id: Option<u64>,
    /// An object, or for events and acks an array. Binary values are placeholders in it.
    pub data: Option<Box<RawValue>>,
    pub attachments: Vec<Bytes>,
}

impl PartialEq for Packet {
    fn eq(&self, other: &Packet) -> bool {
        let data = |packet: &Packet| packet.data.as_ref().map(|data| data.get().to_owned());
        (self.kind, &self.namespace, self.id, data(self), &self.attachments)
            == (
                other.kind,
                &other.namespace,
                other.id,
                data(other),
                &other.attachments,
            )
    }
}

impl Packet {
    /// Ready to be sent, over whichever transport.
    pub fn encode(&self) -> Encoded {
        let data = self.data.as_ref().map_or("", |data| data.get());
        let binary = !self.attachments.is_empty();
        let mut encoder = Encoded::encoder();
        write_head(
            &mut encoder,
            self.kind,
            binary.then_some(self.attachments.len()),
            &self.namespace,
            self.id,
        );
        encoder.extend_from_slice(data.as_bytes());
        Encoded::finish(encoder, &self.attachments)
    }
}

/// Writes what stands before the data: Engine.IO's `4`, the type, and the rest.
pub(crate) fn write_head(
    text: &mut Vec<u8>,
    kind: PacketKind,
    attachments: Option<usize>,
    namespace: &str,
    id: Option<u64>,
) {
    let digit = match (kind, attachments) {
        (PacketKind::Connect, _) => '0',
        (PacketKind::Disconnect, _) => '1',
        (PacketKind::Event, None) => '2',
        (PacketKind::Ack, None) => '3',
        (PacketKind::ConnectError, _) => '4',
        (PacketKind::Event, Some(_)) => '5',
        (PacketKind::Ack, Some(_)) => '6',
    };
    let mut head = String::with_capacity(32);
    head.push('4');
    head.push(digit);
    if let Some(count) = attachments {
        let _ = write!(head, "{count}-");
    }
    if namespace != "/" {
        head.push_str(namespace);
        head.push(',');
    }
    if let Some(id) = id {
        let _ = write!(head, "{id}");
    }
    text.extend_from_slice(head.as_bytes());
}

/// The text of a packet, taken apart; how many attachments follow.
pub(crate) fn parse(text: &str, max_attachments: usize) -> Result<(Packet, usize), Malformed> {
    let mut rest = text;
    let (kind, binary) = match rest.as_bytes().first() {
        Some(b'0') => (PacketKind::Connect, false),
        Some(b'1') => (PacketKind::Disconnect, false),
        Some(b'2') => (PacketKind::Event, false),
        Some(b'3') => (PacketKind::Ack, false),
        Some(b'4') => (PacketKind::ConnectError, false),
        Some(b'5') => (PacketKind::Event, true),
        Some(b'6') => (PacketKind::Ack, true),
        _ => return Err(Malformed("an unknown type of packet")),
    };
    rest = &rest[1..];

    let mut attachments = 0;
    if binary {
        let (count, after) = rest.split_once('-').ok_or(Malformed("no attachment count"))?;
        attachments = digits(count)
            .filter(|count| !count.is_empty())
            .and_then(|count| count.parse().ok())
            .filter(|count| *count <= max_attachments)
            .ok_or(Malformed("a bad attachment count"))?;
        rest = after;
    }

    let mut namespace = "/";
    if rest.starts_with('/') {
        (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
    }

    let end = rest
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(rest.len());
    let (id, json) = rest.split_at(end);
    let id = match id {
        "" => None,
        id => {
            let id = id.parse().ok().filter(|id| *id <= MAX_ACK_ID);
            Some(id.ok_or(Malformed("a bad ack id"))?)
        }
    };

    let data = match json {
        "" => None,
        json => Some(serde_json::from_str::<Box<RawValue>>(json).map_err(|_| Malformed("not JSON"))?),
    };
    let first = data.as_ref().and_then(|data| data.get().bytes().next());
    let good = match kind {
        PacketKind::Connect => matches!(first, None | Some(b'{')),
        PacketKind::Disconnect => first.is_none(),
        PacketKind::Event | PacketKind::Ack => first == Some(b'['),
        PacketKind::ConnectError => matches!(first, Some(b'{' | b'"')),
    };
    if !good {
        return Err(Malformed("a payload of the wrong shape"));
    }
    let packet = Packet {
        kind,
        namespace: namespace.into(),
        id,
        data,
        attachments: Vec::new(),
    };
    Ok((packet, attachments))
}

fn digits(text: &str) -> Option<&str> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_told_apart() {
        let (packet, attachments) =
            parse(r#"52-/admin,456["name",{"_placeholder":true,"num":0}]"#, 10).unwrap();
        assert_eq!((packet.kind, attachments), (PacketKind::Event, 2));
        assert_eq!((&*packet.namespace, packet.id), ("/admin", Some(456)));
        let (packet, _) = parse("0/admin", 10).unwrap();
        assert_eq!((packet.kind, &*packet.namespace), (PacketKind::Connect, "/admin"));
        let (packet, _) = parse("31[]", 10).unwrap();
        assert_eq!((packet.kind, packet.id), (PacketKind::Ack, Some(1)));
    }

    #[test]
    fn what_the_reference_refuses_is_refused() {
        for text in [
            "",
            "7",
            "abc",
            "2{}",
            "2",
            "2[",
            "2abc[\"a\"]",
            "0[]",
            "0\"a\"",
            "1{}",
            "5[\"a\"]",
            "5-[\"a\"]",
            "511-[\"a\"]",
            "5x-[\"a\"]",
            "5+1-[\"a\"]",
            "299999999999999999999[\"a\"]",
            "4[]",
            "3{}",
        ] {
            assert!(parse(text, 10).is_err(), "{text}");
        }
    }
}
