//! What a client has asked for, and the task that runs the handlers for it.
//!
//! The task lives while there is something to do and no longer. Events start in
//! the order in which they came; up to a limit they run at the same time, and
//! beyond the inbox's bound nothing more is read from the client. A connect runs
//! alone, so that no event meets a socket that is half set up.

use crate::{
    Reason, Socket,
    connection::Connection,
    counts::Counters,
    event::Event,
    lock,
    namespace::{self, Namespace},
};
use bytes::Bytes;
use futures_util::{
    FutureExt,
    future::BoxFuture,
    stream::{FuturesUnordered, Stream},
};
use serde_json::Value;
use std::{
    collections::VecDeque,
    future::poll_fn,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// Reading stops when so many wait, or so many bytes.
const MAX_WAITING: usize = 32;
const MAX_BYTES: usize = 256 * 1024;

pub(crate) enum Job {
    Connect { namespace: Box<str>, auth: Value },
    Event { socket: Socket, event: Event },
    Room { socket: Socket },
    Disconnect { socket: Socket, reason: Reason },
}

impl Job {
    /// What an event keeps in memory; the others keep next to nothing.
    fn size_bytes(&self) -> usize {
        match self {
            Job::Event { event, .. } => {
                let arguments = event.arguments.iter().map(|argument| argument.get().len());
                arguments.chain(event.attachments.iter().map(Bytes::len)).sum()
            }
            _ => 0,
        }
    }
}

#[derive(Default)]
pub(crate) struct Inbox {
    waiting: VecDeque<Job>,
    bytes: usize,
    running: bool,
    closed: bool,
}

impl Inbox {
    /// True when a task must be started for it.
    pub fn push(&mut self, job: Job) -> bool {
        self.bytes += job.size_bytes();
        self.waiting.push_back(job);
        !std::mem::replace(&mut self.running, true)
    }

    pub fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_WAITING || self.bytes >= MAX_BYTES
    }

    fn pop(&mut self) -> Option<Job> {
        let job = self.waiting.pop_front()?;
        self.bytes -= job.size_bytes();
        Some(job)
    }

    /// The connection is over: what came in is still done, who was at the door is let go.
    pub fn close(&mut self) {
        self.closed = true;
        self.waiting.retain(|job| !matches!(job, Job::Connect { .. }));
        self.bytes = self.waiting.iter().map(Job::size_bytes).sum();
    }
}

/// Runs the handlers of a connection until none is left.
pub(crate) async fn run(connection: Arc<Connection>) {
    let mut runner = Runner {
        connection,
        alone: None,
        active: FuturesUnordered::new(),
    };
    poll_fn(|cx| runner.poll(cx)).await;
}

struct Runner {
    connection: Arc<Connection>,
    /// A connect: nothing new starts beside it.
    alone: Option<BoxFuture<'static, ()>>,
    active: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl Runner {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.connection.inbox_waker.register(cx.waker());
        loop {
            let mut moved = false;
            if let Some(alone) = &mut self.alone
                && alone.as_mut().poll(cx).is_ready()
            {
                self.alone = None;
                moved = true;
            }
            while let Poll::Ready(Some(())) = Pin::new(&mut self.active).poll_next(cx) {
                moved = true;
            }
            match self.next() {
                Next::Start(job) => self.start(job),
                Next::Wait if moved => {}
                Next::Wait => return Poll::Pending,
                Next::End => return Poll::Ready(()),
            }
        }
    }

    fn next(&self) -> Next {
        let mut state = lock(&self.connection.state);
        let inbox = &mut state.inbox;
        let limit = self.connection.server.config.handlers_at_once;
        if self.alone.is_some() || (self.active.len() >= limit && !inbox.closed) {
            return Next::Wait;
        }
        // A connect also waits for the events before it.
        if matches!(inbox.waiting.front(), Some(Job::Connect { .. })) && !self.active.is_empty() {
            return Next::Wait;
        }
        let was_full = inbox.is_full();
        match inbox.pop() {
            Some(job) => {
                if was_full {
                    self.connection.waker.wake();
                    self.connection.post_waker.wake();
                }
                Next::Start(job)
            }
            None if self.active.is_empty() => {
                inbox.running = false;
                inbox.waiting = VecDeque::new();
                Next::End
            }
            None => Next::Wait,
        }
    }

    fn start(&mut self, job: Job) {
        let connection = self.connection.clone();
        match job {
            Job::Connect { namespace, auth } => {
                let door = async move {
                    let entered = namespace::connect(connection.clone(), namespace.clone(), auth);
                    if !guarded(connection.clone(), entered).await {
                        namespace::connect_failed(&connection, &namespace);
                    }
                };
                self.alone = Some(door.boxed());
            }
            Job::Event { socket, event } => {
                if let Some(handler) = socket.namespace().handler(&event.name) {
                    let handled = async move { handler(socket, event).await };
                    self.active.push(guarded(connection, handled).map(|_| ()).boxed());
                }
            }
            Job::Room { socket } => {
                if let Some(handler) = socket.namespace().room_handler() {
                    let handled = async move { handler(socket).await };
                    self.active.push(guarded(connection, handled).map(|_| ()).boxed());
                }
            }
            Job::Disconnect { socket, reason } => {
                let namespace: &Namespace = socket.namespace();
                if let Some(handler) = namespace.disconnect_handler() {
                    let handled = async move { handler(socket, reason).await };
                    self.active.push(guarded(connection, handled).map(|_| ()).boxed());
                }
            }
        }
    }
}

enum Next {
    Start(Job),
    Wait,
    End,
}

/// A panic ends the handler and nothing else; false then.
async fn guarded(connection: Arc<Connection>, handled: impl Future<Output = ()>) -> bool {
    let done = AssertUnwindSafe(handled).catch_unwind().await.is_ok();
    if !done {
        Counters::add(&connection.server.counters.handler_panics, 1);
        tracing::error!("a Socket.IO handler panicked");
    }
    done
}
