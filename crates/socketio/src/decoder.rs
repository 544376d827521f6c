//! Puts the text of a packet and its attachments together again.

use crate::{
    Malformed,
    packet::{self, Packet, PacketKind, is_reserved},
};
use bytes::Bytes;
use serde_json::{Value, value::RawValue};

/// What the reference server takes by default.
pub(crate) const MAX_ATTACHMENTS: usize = 10;

/// Takes the messages of one connection in their order and gives whole packets.
#[derive(Debug, Default)]
pub struct Decoder {
    partial: Option<Box<Partial>>,
}

#[derive(Debug)]
struct Partial {
    packet: Packet,
    missing: usize,
}

impl Decoder {
    /// A text message: a packet, or the beginning of one.
    pub fn text(&mut self, text: &str) -> Result<Option<Packet>, Malformed> {
        if self.partial.is_some() {
            return Err(Malformed("text where an attachment belongs"));
        }
        let (packet, missing) = packet::parse(text, MAX_ATTACHMENTS)?;
        if missing == 0 {
            return Ok(Some(packet));
        }
        self.partial = Some(Box::new(Partial { packet, missing }));
        Ok(None)
    }

    /// An attachment: the last one completes the packet.
    pub fn binary(&mut self, data: Bytes) -> Result<Option<Packet>, Malformed> {
        let mut partial = self
            .partial
            .take()
            .ok_or(Malformed("an attachment that belongs to no packet"))?;
        partial.packet.attachments.push(data);
        partial.missing -= 1;
        if partial.missing > 0 {
            self.partial = Some(partial);
            return Ok(None);
        }
        let packet = partial.packet;
        let data = packet.data.as_ref().map_or("null", |data| data.get());
        let value: Value = serde_json::from_str(data).map_err(|_| Malformed("not JSON"))?;
        if !placeholders_fit(&value, packet.attachments.len()) {
            return Err(Malformed("a placeholder without its attachment"));
        }
        Ok(Some(packet))
    }
}

/// Recursion ends where `serde_json` stopped it.
fn placeholders_fit(value: &Value, attachments: usize) -> bool {
    match value {
        Value::Array(items) => items.iter().all(|item| placeholders_fit(item, attachments)),
        Value::Object(fields) if fields.get("_placeholder") == Some(&Value::Bool(true)) => fields
            .get("num")
            .and_then(Value::as_u64)
            .is_some_and(|num| num < attachments as u64),
        Value::Object(fields) => fields.values().all(|field| placeholders_fit(field, attachments)),
        _ => true,
    }
}

/// An event's name and its arguments.
pub(crate) fn event(packet: &Packet) -> Result<(Box<str>, Vec<Box<RawValue>>), Malformed> {
    debug_assert_eq!(packet.kind, PacketKind::Event);
    let mut arguments = arguments(packet)?;
    if arguments.is_empty() {
        return Err(Malformed("an event without a name"));
    }
    let name = arguments.remove(0);
    let name: Box<str> = match name.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(name.get()).map_err(|_| Malformed("a bad event name"))?,
        Some(b'0'..=b'9' | b'-') => name.get().into(),
        _ => return Err(Malformed("an event's name is a text or a number")),
    };
    if is_reserved(&name) {
        return Err(Malformed("a reserved event name"));
    }
    Ok((name, arguments))
}

pub(crate) fn arguments(packet: &Packet) -> Result<Vec<Box<RawValue>>, Malformed> {
    let data = packet.data.as_ref().map_or("[]", |data| data.get());
    serde_json::from_str(data).map_err(|_| Malformed("not an array"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachments_complete_a_packet() {
        let mut decoder = Decoder::default();
        let text = r#"52-["a",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]"#;
        assert_eq!(decoder.text(text), Ok(None));
        assert_eq!(decoder.binary(Bytes::from_static(b"x")), Ok(None));
        let packet = decoder.binary(Bytes::from_static(b"y")).unwrap().unwrap();
        assert_eq!(packet.attachments, ["x", "y"]);
        let (name, arguments) = event(&packet).unwrap();
        assert_eq!((&*name, arguments.len()), ("a", 2));
    }

    #[test]
    fn what_comes_out_of_turn_is_refused() {
        assert!(Decoder::default().binary(Bytes::new()).is_err());
        let mut decoder = Decoder::default();
        decoder.text(r#"51-["a",{"_placeholder":true,"num":0}]"#).unwrap();
        assert!(decoder.text(r#"2["a"]"#).is_err());
        let mut decoder = Decoder::default();
        decoder.text(r#"51-["a",{"_placeholder":true,"num":1}]"#).unwrap();
        assert!(decoder.binary(Bytes::new()).is_err());
    }

    #[test]
    fn names_are_texts_or_numbers() {
        for (data, name) in [
            (r#"["a"]"#, Some("a")),
            ("[12,1]", Some("12")),
            ("[]", None),
            ("[{}]", None),
            (r#"["connect"]"#, None),
        ] {
            let packet = Decoder::default().text(&format!("2{data}")).unwrap().unwrap();
            assert_eq!(
                event(&packet).ok().map(|(name, _)| name).as_deref(),
                name,
                "{data}"
            );
        }
    }
}
