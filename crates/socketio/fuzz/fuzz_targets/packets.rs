//! Any bytes as a polling payload and as a connection's messages: no panic, and
//! what was understood reads the same after it was encoded again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use socketio::parser::{Decoder, EnginePacket, Packet, packets};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        let _ = Decoder::default().binary(data.to_vec().into());
        return;
    };
    let mut decoder = Decoder::default();
    for packet in packets(text) {
        let whole = match packet {
            Ok(EnginePacket::Message(text)) => decoder.text(text),
            Ok(EnginePacket::Binary(data)) => decoder.binary(data),
            Ok(_) => Ok(None),
            Err(_) => return,
        };
        match whole {
            Ok(Some(packet)) => assert_eq!(again(&packet).as_ref(), Some(&packet)),
            Ok(None) => {}
            Err(_) => return,
        }
    }
});

fn again(packet: &Packet) -> Option<Packet> {
    let mut payload = Vec::new();
    packet.encode().append_to(&mut payload);
    let mut decoder = Decoder::default();
    let mut whole = None;
    for packet in packets(std::str::from_utf8(&payload).ok()?) {
        whole = match packet.ok()? {
            EnginePacket::Message(text) => decoder.text(text).ok()?,
            EnginePacket::Binary(data) => decoder.binary(data).ok()?,
            _ => return None,
        };
    }
    whole
}
