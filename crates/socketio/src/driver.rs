//! The websocket transport: the only task that a connection has.
//!
//! `tungstenite` reads and answers the protocol's own frames. Ours are written
//! beside it, straight from the shared bytes and several at once: it hands out
//! whole messages only, so between two of its writes the stream is ours.

use crate::{
    Encoded, Reason,
    connection::Connection,
    engine::{self, EnginePacket, Opcode},
    lock,
};
use bytes::{Buf, Bytes};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::{
    collections::VecDeque,
    future::poll_fn,
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep, timeout},
};
use tungstenite::{
    Error, Message,
    error::{CapacityError, ProtocolError},
    protocol::{Role, WebSocketConfig, WebSocketContext},
};

/// What an idle connection keeps for reading. Larger messages get what they need.
const READ_BUFFER: usize = 512;
/// Messages taken from one client before others have their turn.
const MESSAGES_AT_ONCE: usize = 32;
/// Frames written with one call.
const SLICES: usize = 16;

type Io = TokioIo<Upgraded>;

pub(crate) struct Driver {
    io: Io,
    websocket: WebSocketContext,
    /// Frames that are being written; the first perhaps in part.
    batch: VecDeque<Bytes>,
    in_part: bool,
    goodbye: bool,
    /// Set when the connection has ended: how long its last words may take.
    patience: Option<Pin<Box<Sleep>>>,
    connection: Arc<Connection>,
    /// It carries the connection, which ends with it.
    drives: bool,
}

/// The stream as `tungstenite` sees it during one poll.
struct Stream<'a, 'b> {
    io: &'a mut Io,
    cx: &'a mut Context<'b>,
    /// Not while a frame of ours is out in part.
    may_write: bool,
}

impl io::Read for Stream<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut *self.io).poll_read(self.cx, &mut buffer) {
            Poll::Ready(Ok(())) => Ok(buffer.filled().len()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl io::Write for Stream<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.may_write {
            return Err(ErrorKind::WouldBlock.into());
        }
        match Pin::new(&mut *self.io).poll_write(self.cx, bytes) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What one look at the stream gave.
enum Read {
    Message(Message),
    Nothing,
    Over(Reason, u16),
}

impl Driver {
    pub fn new(upgraded: Upgraded, connection: Arc<Connection>) -> Driver {
        let limit = Some(connection.server.config.max_payload);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(limit)
            .max_frame_size(limit);
        Driver {
            io: TokioIo::new(upgraded),
            websocket: WebSocketContext::new(Role::Server, Some(config)),
            batch: VecDeque::new(),
            in_part: false,
            goodbye: false,
            patience: None,
            connection,
            drives: false,
        }
    }

    /// Carries packets both ways until the end.
    pub async fn run(mut self) {
        self.drives = true;
        poll_fn(|cx| self.poll(cx)).await;
        self.linger().await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.connection.waker.register(cx.waker());
        if !self.goodbye {
            self.receive(cx);
        }
        if let Some(reason) = self.connection.ended() {
            return self.poll_end(cx, reason);
        }
        match self.poll_write(cx) {
            Poll::Ready(Err(error)) => {
                tracing::debug!(%error, "a websocket broke");
                self.connection.close(Reason::TransportClose);
                Poll::Ready(())
            }
            _ => Poll::Pending,
        }
    }

    fn receive(&mut self, cx: &mut Context<'_>) {
        for _ in 0..MESSAGES_AT_ONCE {
            if lock(&self.connection.state).inbox.is_full() {
                // Whoever makes room wakes this task.
                return;
            }
            let open = match self.read(cx) {
                Read::Nothing => return,
                Read::Over(reason, code) => {
                    self.connection.close(reason);
                    if reason != Reason::TransportClose {
                        self.say_goodbye(code);
                    }
                    return;
                }
                Read::Message(Message::Text(text)) => {
                    if let Ok(packet) = EnginePacket::parse(&text) {
                        self.connection.receive(packet)
                    } else {
                        self.connection.close(Reason::ParseError);
                        false
                    }
                }
                Read::Message(Message::Binary(data)) => self.connection.receive(EnginePacket::Binary(data)),
                Read::Message(_) => true,
            };
            if !open {
                return;
            }
        }
        cx.waker().wake_by_ref();
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Read {
        let mut stream = Stream {
            io: &mut self.io,
            cx,
            may_write: !self.in_part,
        };
        match self.websocket.read(&mut stream) {
            Ok(Message::Close(_)) => Read::Over(Reason::TransportClose, 1000),
            Ok(message) => Read::Message(message),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Read::Nothing,
            Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => {
                Read::Over(Reason::TransportError, 1009)
            }
            Err(Error::Utf8(_)) => Read::Over(Reason::TransportError, 1007),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                Read::Over(Reason::TransportClose, 1000)
            }
            Err(Error::Protocol(_)) => Read::Over(Reason::TransportError, 1002),
            Err(_) => Read::Over(Reason::TransportClose, 1000),
        }
    }

    /// Ready once nothing is left to write.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.batch.is_empty() {
                // A pong or the answer to a goodbye may wait in there.
                ready!(self.poll_flush(cx))?;
                self.connection.take_batch(&mut self.batch);
                if self.batch.is_empty() {
                    return Poll::Ready(Ok(()));
                }
            }
            let mut slices = [IoSlice::new(&[]); SLICES];
            let used = self.batch.len().min(SLICES);
            for (slice, frame) in slices.iter_mut().zip(&self.batch) {
                *slice = IoSlice::new(frame);
            }
            let io = Pin::new(&mut self.io);
            let written = match used {
                1 => ready!(io.poll_write(cx, &slices[0]))?,
                _ => ready!(io.poll_write_vectored(cx, &slices[..used]))?,
            };
            if written == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(first) = self.batch.front_mut() {
            if written < first.len() {
                first.advance(written);
                self.in_part |= written > 0;
                return;
            }
            written -= first.len();
            self.batch.pop_front();
            self.in_part = false;
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut stream = Stream {
            io: &mut self.io,
            cx,
            may_write: true,
        };
        match self.websocket.flush(&mut stream) {
            Ok(()) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => Poll::Ready(Ok(())),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
            Err(Error::Io(error)) => Poll::Ready(Err(error)),
            Err(error) => Poll::Ready(Err(io::Error::other(error))),
        }
    }

    /// The last words: what may still be sent, then a close frame.
    fn poll_end(&mut self, cx: &mut Context<'_>, reason: Reason) -> Poll<()> {
        let first = self.patience.is_none();
        let within = self.connection.server.config.close_timeout;
        let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(within)));
        if patience.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if first && !reason.sends_the_rest() {
            // A frame that has begun must be finished, else the next is noise.
            let keep = usize::from(self.in_part) + usize::from(self.goodbye);
            while self.batch.len() > keep {
                self.batch.remove(usize::from(self.in_part));
            }
        }
        loop {
            match ready!(self.poll_write(cx)) {
                Err(_) => return Poll::Ready(()),
                Ok(()) if self.goodbye || reason == Reason::TransportClose => return Poll::Ready(()),
                Ok(()) => self.say_goodbye(reason.close_code()),
            }
        }
    }

    /// Queues a close frame behind what is being written.
    pub fn say_goodbye(&mut self, code: u16) {
        if !self.goodbye {
            self.goodbye = true;
            let (head, start) = engine::frame_head(Opcode::Close, 2);
            let frame = [&head[start..], &code.to_be_bytes()].concat();
            self.batch.push_back(frame.into());
        }
    }

    /// Sends what is left and waits for the client to hang up, so that nothing on its way is lost.
    pub async fn linger(&mut self) {
        let within = self.connection.server.config.close_timeout;
        let _ = timeout(within, poll_fn(|cx| self.poll_linger(cx))).await;
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(frame) = self.batch.front() {
            match ready!(Pin::new(&mut self.io).poll_write(cx, frame)) {
                Ok(written) if written > 0 => self.advance(written),
                _ => return Poll::Ready(()),
            }
        }
        if ready!(Pin::new(&mut self.io).poll_shutdown(cx)).is_err() {
            return Poll::Ready(());
        }
        let mut waste = [0; 256];
        loop {
            let mut buffer = ReadBuf::new(&mut waste);
            match ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }

    /// Before an upgrade: answers the probe; true when the client says to upgrade.
    pub fn poll_probe(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        loop {
            match self.read(cx) {
                Read::Nothing => break,
                Read::Message(Message::Text(text)) => match &*text {
                    "2probe" => {
                        self.batch.push_back(Encoded::engine("3probe").into_frames());
                        self.connection.probed();
                    }
                    "5" => return Poll::Ready(true),
                    _ => return Poll::Ready(false),
                },
                Read::Message(Message::Ping(_) | Message::Pong(_)) => {}
                Read::Message(_) | Read::Over(..) => return Poll::Ready(false),
            }
        }
        while let Some(frame) = self.batch.front() {
            match ready!(Pin::new(&mut self.io).poll_write(cx, frame)) {
                Ok(written) if written > 0 => self.advance(written),
                _ => return Poll::Ready(false),
            }
        }
        match self.poll_flush(cx) {
            Poll::Ready(Err(_)) => Poll::Ready(false),
            _ => Poll::Pending,
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.drives {
            self.connection.close(Reason::TransportClose);
        }
    }
}
