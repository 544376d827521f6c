//! The parsers, under any input.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json, value::RawValue};
use socketio::{
    Attachment, Encoded,
    parser::{Decoder, EnginePacket, Packet, PacketKind, packets},
};

/// What a client takes from a payload.
fn decode(encoded: &Encoded) -> Packet {
    let mut payload = vec![];
    encoded.append_to(&mut payload);
    let payload = String::from_utf8(payload).unwrap();
    let mut decoder = Decoder::default();
    let mut whole = None;
    for packet in packets(&payload) {
        assert!(whole.is_none(), "nothing comes after a whole packet");
        whole = match packet.unwrap() {
            EnginePacket::Message(text) => decoder.text(text).unwrap(),
            EnginePacket::Binary(data) => decoder.binary(data).unwrap(),
            other => panic!("{other:?}"),
        };
    }
    whole.unwrap()
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{0,8}", inner, 0..6).prop_map(Value::from_iter),
        ]
    })
}

fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![Just("/".to_owned()), "/[^,\u{1e}]{1,12}"]
}

/// The arguments with a place for each attachment.
fn arguments() -> impl Strategy<Value = (Vec<Value>, Vec<Bytes>)> {
    let attachments = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..10);
    (prop::collection::vec(value(), 0..5), attachments).prop_map(|(mut arguments, attachments)| {
        arguments.extend((0..attachments.len()).map(|num| json!([Attachment::new(num)])));
        (arguments, attachments.into_iter().map(Bytes::from).collect())
    })
}

proptest! {
    #[test]
    fn events_survive_the_way(namespace in namespace(), name in "[a-z:]{1,20}é?", (arguments, attachments) in arguments()) {
        prop_assume!(!["connect", "disconnect", "disconnecting"].contains(&&*name));
        let encoded = Encoded::event_with(&namespace, &name, &arguments, &attachments).unwrap();
        let packet = decode(&encoded);
        prop_assert_eq!((packet.kind, &*packet.namespace, packet.id), (PacketKind::Event, &*namespace, None));
        let mut data: Vec<Value> = serde_json::from_str(packet.data.unwrap().get()).unwrap();
        prop_assert_eq!(data.remove(0), Value::from(name));
        prop_assert_eq!(data, arguments);
        prop_assert_eq!(packet.attachments, attachments);
    }

    #[test]
    fn packets_survive_the_way(
        kind in 0_usize..5, namespace in namespace(), id in prop::option::of(0..1_u64 << 53), (arguments, attachments) in arguments(),
    ) {
        let object = RawValue::from_string(json!({ "a": arguments }).to_string()).unwrap();
        let array = RawValue::from_string(json!(arguments).to_string()).unwrap();
        let (kind, data, attachments) = match kind {
            0 => (PacketKind::Connect, Some(object), vec![]),
            1 => (PacketKind::Disconnect, None, vec![]),
            2 => (PacketKind::Event, Some(array), attachments),
            3 => (PacketKind::Ack, Some(array), attachments),
            _ => (PacketKind::ConnectError, Some(object), vec![]),
        };
        let packet = Packet { kind, namespace: namespace.into(), id, data, attachments };
        prop_assert_eq!(decode(&packet.encode()), packet);
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in any::<String>(), data in prop::collection::vec(any::<u8>(), 0..50)) {
        let mut decoder = Decoder::default();
        let _ = decoder.text(&text);
        let _ = decoder.binary(data.into());
        packets(&text).for_each(drop);
    }

    /// Made of what the grammar is made of, so that it gets further.
    #[test]
    fn no_text_like_a_packet_makes_a_parser_panic(
        text in "[0-6]?[0-9]{0,2}-?(/[a-z?,]{0,5},?)?[0-9]{0,20}(\\[\"[a-z]{0,3}\",?\\{?\"_placeholder\":true,\"num\":-?[0-9]{1,3}\\}\\]|[\\[\\]{}\",0-9]{0,8})",
    ) {
        let mut decoder = Decoder::default();
        if decoder.text(&text) == Ok(None) {
            while let Ok(None) = decoder.binary(Bytes::from_static(b"x")) {}
        }
    }

    #[test]
    fn payloads_are_cut_where_they_were_joined(data in prop::collection::vec("[^\u{1e}]{0,20}", 1..10)) {
        let payload: Vec<_> = data.iter().map(|text| format!("4{text}")).collect();
        let read: Result<Vec<_>, _> = packets(&payload.join("\u{1e}")).map(|packet| packet.map(|packet| format!("{packet:?}"))).collect();
        let wanted: Vec<_> = data.iter().map(|text| format!("{:?}", EnginePacket::Message(text))).collect();
        prop_assert_eq!(read, Ok(wanted));
    }
}

#[test]
fn deep_nesting_is_refused_not_followed() {
    let deep = format!(
        "451-[\"a\",{}{{\"_placeholder\":true,\"num\":0}}{}]",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let mut decoder = Decoder::default();
    if decoder.text(&deep[1..]) == Ok(None) {
        assert!(decoder.binary(Bytes::new()).is_err());
    }
}
