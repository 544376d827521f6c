//! What clients say: events, their acks, and the answers to what they were asked.

use crate::{EncodeError, Encoded, Socket, outbound::Class};
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// An event that came in.
#[derive(Debug)]
pub struct Event {
    pub name: Box<str>,
    /// Valid JSON each; binary values are [`Attachment`]s in it.
    pub arguments: Vec<Box<RawValue>>,
    pub attachments: Vec<Bytes>,
    /// There when the client waits for an answer.
    pub ack: Option<Ack>,
}

impl Event {
    /// The first argument; `null` where there is none.
    pub fn data<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        self.argument(0)
    }

    /// The argument at this place, from 0.
    pub fn argument<T: DeserializeOwned>(&self, index: usize) -> serde_json::Result<T> {
        read(&self.arguments, index)
    }

    /// The bytes that a placeholder in the arguments stands for.
    pub fn attachment(&self, attachment: &Attachment) -> Option<&Bytes> {
        self.attachments.get(attachment.num)
    }
}

/// A client's answer to [`Socket::request`].
#[derive(Debug)]
pub struct Reply {
    pub arguments: Vec<Box<RawValue>>,
    pub attachments: Vec<Bytes>,
}

impl Reply {
    /// The first argument; `null` where there is none.
    pub fn data<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        read(&self.arguments, 0)
    }
}

fn read<T: DeserializeOwned>(arguments: &[Box<RawValue>], index: usize) -> serde_json::Result<T> {
    serde_json::from_str(arguments.get(index).map_or("null", |argument| argument.get()))
}

/// Stands in the arguments where binary data belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    #[serde(rename = "_placeholder")]
    placeholder: bool,
    num: usize,
}

impl Attachment {
    /// The attachment at this place of the list that is sent along, from 0.
    pub fn new(num: usize) -> Attachment {
        Attachment {
            placeholder: true,
            num,
        }
    }
}

/// The client waits for an answer. It may be given later, or never.
#[derive(Debug)]
pub struct Ack {
    socket: Socket,
    id: u64,
}

impl Ack {
    pub(crate) fn new(socket: Socket, id: u64) -> Ack {
        Ack { socket, id }
    }

    /// Answers with one argument.
    pub fn send<T: Serialize + ?Sized>(self, payload: &T) -> Result<(), EncodeError> {
        self.send_with(&[payload], &[])
    }

    /// Answers with any number of arguments, given as a sequence, and attachments.
    pub fn send_with<T: Serialize + ?Sized>(
        self,
        arguments: &T,
        attachments: &[Bytes],
    ) -> Result<(), EncodeError> {
        let name = self.socket.namespace_name();
        let encoded = Encoded::ack(name, self.id, arguments, attachments)?;
        self.socket.push(encoded, Class::Durable);
        Ok(())
    }
}
