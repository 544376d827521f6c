//! Engine.IO packets as text, payloads of long polling, and the head of a websocket frame.
//!
//! Source: the Engine.IO protocol, version 4. Nothing here panics on any input.

use crate::Malformed;
use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use bytes::Bytes;

/// Stands between the packets of a payload.
pub const SEPARATOR: u8 = 0x1e;

/// Clients pad or not.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One Engine.IO packet that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnginePacket<'a> {
    Open,
    Close,
    /// With its data: `probe`, or nothing.
    Ping(&'a str),
    Pong(&'a str),
    Message(&'a str),
    Binary(Bytes),
    Upgrade,
    Noop,
}

impl<'a> EnginePacket<'a> {
    /// Reads a packet that came as text.
    pub fn parse(text: &'a str) -> Result<EnginePacket<'a>, Malformed> {
        let mut chars = text.chars();
        let kind = chars.next().ok_or(Malformed("an empty packet"))?;
        let data = chars.as_str();
        Ok(match kind {
            '0' => EnginePacket::Open,
            '1' => EnginePacket::Close,
            '2' => EnginePacket::Ping(data),
            '3' => EnginePacket::Pong(data),
            '4' => EnginePacket::Message(data),
            '5' => EnginePacket::Upgrade,
            '6' => EnginePacket::Noop,
            'b' => {
                let bytes = LENIENT.decode(data).map_err(|_| Malformed("not base64"))?;
                EnginePacket::Binary(bytes.into())
            }
            _ => return Err(Malformed("an unknown type of packet")),
        })
    }
}

/// The packets of a polling request's body, each on its own.
pub fn packets(body: &str) -> impl Iterator<Item = Result<EnginePacket<'_>, Malformed>> {
    body.split(SEPARATOR as char).map(EnginePacket::parse)
}

/// Appends a packet to a payload.
pub(crate) fn append_text(payload: &mut Vec<u8>, packet: &[u8]) {
    separate(payload);
    payload.extend_from_slice(packet);
}

/// Appends binary data to a payload.
pub(crate) fn append_binary(payload: &mut Vec<u8>, data: &[u8]) {
    separate(payload);
    payload.push(b'b');
    let start = payload.len();
    payload.resize(start + base64::encoded_len(data.len(), true).unwrap_or(0), 0);
    let written = STANDARD
        .encode_slice(data, &mut payload[start..])
        .expect("there is room");
    payload.truncate(start + written);
}

fn separate(payload: &mut Vec<u8>) {
    if !payload.is_empty() {
        payload.push(SEPARATOR);
    }
}

/// What a websocket frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text = 1,
    Binary = 2,
    Close = 8,
}

/// The longest head that a server's frame has.
pub(crate) const MAX_HEAD: usize = 10;

/// The head of a whole, unmasked frame (RFC 6455, 5.2), right-aligned; and where it begins.
pub(crate) fn frame_head(opcode: Opcode, length: usize) -> ([u8; MAX_HEAD], usize) {
    let mut head = [0; MAX_HEAD];
    let start = match length {
        0..126 => {
            head[9] = length as u8;
            8
        }
        126..0x1_0000 => {
            head[7] = 126;
            head[8..].copy_from_slice(&(length as u16).to_be_bytes());
            6
        }
        _ => {
            head[1] = 127;
            head[2..].copy_from_slice(&(length as u64).to_be_bytes());
            0
        }
    };
    head[start] = 0x80 | opcode as u8;
    (head, start)
}

/// Reads back the head of a frame of ours: what it is, where its payload begins and ends.
pub(crate) fn frame_at(frames: &[u8]) -> Option<(bool, usize, usize)> {
    let binary = frames.first()? & 15 == Opcode::Binary as u8;
    let (start, length) = match *frames.get(1)? {
        126 => (4, u16::from_be_bytes(frames.get(2..4)?.try_into().ok()?) as usize),
        127 => (
            10,
            u64::from_be_bytes(frames.get(2..10)?.try_into().ok()?) as usize,
        ),
        length => (2, length as usize),
    };
    Some((binary, start, start + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_holds_text_and_binary() {
        let mut payload = vec![];
        append_text(&mut payload, b"4hello");
        append_binary(&mut payload, &[1, 2, 3, 4]);
        assert_eq!(payload, b"4hello\x1ebAQIDBA==");
        let read: Result<Vec<_>, _> = packets(std::str::from_utf8(&payload).unwrap()).collect();
        let binary = EnginePacket::Binary(Bytes::from_static(&[1, 2, 3, 4]));
        assert_eq!(read, Ok(vec![EnginePacket::Message("hello"), binary]));
    }

    #[test]
    fn heads_are_read_back() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000] {
            let (head, start) = frame_head(Opcode::Binary, length);
            let found = frame_at(&head[start..]).unwrap();
            assert_eq!(found, (true, MAX_HEAD - start, MAX_HEAD - start + length));
        }
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        for text in ["", "abc", "7", "é", "b*", "\u{1e}"] {
            assert!(EnginePacket::parse(text).is_err(), "{text}");
        }
    }
}
