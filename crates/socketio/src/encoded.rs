//! A packet encoded once, its bytes shared by all connections it goes to.
//!
//! A server's websocket frames carry no mask, so one run of bytes serves every
//! connection; the polling form is the same bytes without the frame's head.

use crate::{
    engine::{self, MAX_HEAD, Opcode},
    packet::{self, PacketKind},
};
use bytes::{Buf, Bytes};
use serde::Serialize;

/// Why something cannot be sent. A mistake of the sender, never of the receiver.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error("{0:?} is an event's name that clients keep to themselves")]
    Reserved(String),
    #[error("the arguments of an event or ack must be an array")]
    NotAnArray,
    #[error("the payload is no JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// A packet, ready to be sent. Cloning shares the bytes.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// Whole websocket frames: the text, then an attachment each.
    frames: Bytes,
    /// Length of the first frame's head.
    head: u8,
    binary: bool,
    /// The text and its attachments: so many packets of Engine.IO.
    packets: usize,
}

impl Encoded {
    /// An event of the main namespace with one argument.
    pub fn event<T: Serialize + ?Sized>(name: &str, payload: &T) -> Result<Encoded, EncodeError> {
        Encoded::event_in("/", name, payload)
    }

    /// An event of a namespace with one argument.
    pub fn event_in<T: Serialize + ?Sized>(
        namespace: &str,
        name: &str,
        payload: &T,
    ) -> Result<Encoded, EncodeError> {
        let mut text = event_head(namespace, name, None, 0)?;
        text.push(b',');
        serde_json::to_writer(&mut text, payload)?;
        text.push(b']');
        Ok(Encoded::finish(text, &[]))
    }

    /// An event with any number of arguments, given as a sequence: a slice, or a
    /// tuple. An [`Attachment`](crate::Attachment) stands where binary data belongs.
    pub fn event_with<T: Serialize + ?Sized>(
        namespace: &str,
        name: &str,
        arguments: &T,
        attachments: &[Bytes],
    ) -> Result<Encoded, EncodeError> {
        Encoded::call(namespace, name, None, arguments, attachments)
    }

    pub(crate) fn call<T: Serialize + ?Sized>(
        namespace: &str,
        name: &str,
        id: Option<u64>,
        arguments: &T,
        attachments: &[Bytes],
    ) -> Result<Encoded, EncodeError> {
        let mut text = event_head(namespace, name, id, attachments.len())?;
        let start = text.len();
        serde_json::to_writer(&mut text, arguments)?;
        match &text[start..] {
            b"[]" => {
                text.truncate(start);
                text.push(b']');
            }
            [b'[', ..] => text[start] = b',',
            _ => return Err(EncodeError::NotAnArray),
        }
        Ok(Encoded::finish(text, attachments))
    }

    pub(crate) fn ack<T: Serialize + ?Sized>(
        namespace: &str,
        id: u64,
        arguments: &T,
        attachments: &[Bytes],
    ) -> Result<Encoded, EncodeError> {
        let mut text = Encoded::encoder();
        let count = (!attachments.is_empty()).then_some(attachments.len());
        packet::write_head(&mut text, PacketKind::Ack, count, namespace, Some(id));
        let start = text.len();
        serde_json::to_writer(&mut text, arguments)?;
        if text.get(start) != Some(&b'[') {
            return Err(EncodeError::NotAnArray);
        }
        Ok(Encoded::finish(text, attachments))
    }

    /// A packet of Engine.IO alone.
    pub(crate) fn engine(text: &str) -> Encoded {
        let mut buffer = Encoded::encoder();
        buffer.extend_from_slice(text.as_bytes());
        Encoded::finish(buffer, &[])
    }

    /// A binary Engine.IO message without Socket.IO around it.
    pub(crate) fn engine_binary(data: &[u8]) -> Encoded {
        let (head, start) = engine::frame_head(Opcode::Binary, data.len());
        let frames = Bytes::from([&head[start..], data].concat());
        Encoded {
            frames,
            head: (MAX_HEAD - start) as u8,
            binary: true,
            packets: 1,
        }
    }

    /// A buffer that leaves room for the frame's head.
    pub(crate) fn encoder() -> Vec<u8> {
        let mut buffer = Vec::with_capacity(128);
        buffer.resize(MAX_HEAD, 0);
        buffer
    }

    /// Puts the head before the text and the attachments behind it.
    pub(crate) fn finish(mut buffer: Vec<u8>, attachments: &[Bytes]) -> Encoded {
        let (head, start) = engine::frame_head(Opcode::Text, buffer.len() - MAX_HEAD);
        buffer[start..MAX_HEAD].copy_from_slice(&head[start..]);
        for data in attachments {
            let (head, start) = engine::frame_head(Opcode::Binary, data.len());
            buffer.extend_from_slice(&head[start..]);
            buffer.extend_from_slice(data);
        }
        let mut frames = Bytes::from(buffer);
        frames.advance(start);
        Encoded {
            frames,
            head: (MAX_HEAD - start) as u8,
            binary: !attachments.is_empty(),
            packets: 1 + attachments.len(),
        }
    }

    /// Bytes that it takes on a websocket.
    pub fn size_bytes(&self) -> usize {
        self.frames.len()
    }

    /// The text of the packet as Engine.IO carries it, without attachments.
    pub fn text(&self) -> Bytes {
        let end = engine::frame_at(&self.frames).map_or(self.frames.len(), |(_, _, end)| end);
        self.frames.slice(usize::from(self.head)..end)
    }

    pub(crate) fn packets(&self) -> usize {
        self.packets
    }

    pub(crate) fn into_frames(self) -> Bytes {
        self.frames
    }

    /// Appends the packet, as polling has it, to a payload.
    pub fn append_to(&self, payload: &mut Vec<u8>) {
        if !self.binary {
            engine::append_text(payload, &self.frames[usize::from(self.head)..]);
            return;
        }
        let mut frames = &self.frames[..];
        while let Some((binary, start, end)) = engine::frame_at(frames) {
            if binary {
                engine::append_binary(payload, &frames[start..end]);
            } else {
                engine::append_text(payload, &frames[start..end]);
            }
            frames = &frames[end..];
        }
    }
}

fn event_head(
    namespace: &str,
    name: &str,
    id: Option<u64>,
    attachments: usize,
) -> Result<Vec<u8>, EncodeError> {
    if packet::is_reserved(name) {
        return Err(EncodeError::Reserved(name.to_owned()));
    }
    let mut text = Encoded::encoder();
    let count = (attachments > 0).then_some(attachments);
    packet::write_head(&mut text, PacketKind::Event, count, namespace, id);
    text.push(b'[');
    serde_json::to_writer(&mut text, name)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Attachment;

    fn payload(encoded: &Encoded) -> String {
        let mut payload = vec![];
        encoded.append_to(&mut payload);
        String::from_utf8(payload).unwrap()
    }

    #[test]
    fn both_transports_say_the_same() {
        let event = Encoded::event("post:new", &"é").unwrap();
        assert_eq!(payload(&event), r#"42["post:new","é"]"#);
        assert_eq!(&event.clone().into_frames()[..2], [0x81, 19]);
        assert_eq!(event.text(), r#"42["post:new","é"]"#);
        let bytes = [Bytes::from_static(&[1, 2, 3])];
        let binary = Encoded::event_with("/a", "x", &(1, Attachment::new(0)), &bytes).unwrap();
        assert_eq!(
            payload(&binary),
            "451-/a,[\"x\",1,{\"_placeholder\":true,\"num\":0}]\x1ebAQID"
        );
        assert_eq!(
            binary.frames.slice(binary.frames.len() - 5..)[..],
            [0x82, 3, 1, 2, 3]
        );
    }

    #[test]
    fn arguments_are_spread() {
        let none: [u8; 0] = [];
        assert_eq!(
            payload(&Encoded::event_with("/", "a", &none, &[]).unwrap()),
            r#"42["a"]"#
        );
        assert_eq!(
            payload(&Encoded::call("/", "a", Some(7), &("b", [1, 2]), &[]).unwrap()),
            r#"427["a","b",[1,2]]"#
        );
        assert_eq!(
            payload(&Encoded::ack("/b", 3, &(true,), &[]).unwrap()),
            "43/b,3[true]"
        );
    }

    #[test]
    fn a_senders_mistakes_are_told() {
        assert!(matches!(
            Encoded::event("disconnect", &1),
            Err(EncodeError::Reserved(_))
        ));
        assert!(matches!(
            Encoded::event_with("/", "a", &1, &[]),
            Err(EncodeError::NotAnArray)
        ));
        assert!(matches!(
            Encoded::ack("/", 1, &"a", &[]),
            Err(EncodeError::NotAnArray)
        ));
    }
}
