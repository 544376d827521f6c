//! Requests to the endpoint: handshakes, polls, and what polling clients send.

use crate::{
    Reason,
    connection::{Connection, Phase, Transport},
    counts::Counters,
    engine, lock,
    server::Shared,
    websocket,
};
use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
    request::Parts,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
/// A poll that comes between probe and upgrade is a straggler: it is let wait so long for a packet.
const STRAGGLER: Duration = Duration::from_millis(100);

/// Errors with the codes of the reference server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refused {
    UnknownTransport,
    UnknownSession,
    BadMethod,
    BadRequest,
    UnsupportedVersion,
    Ending,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (code, message) = match self {
            Refused::UnknownTransport => (0, "Transport unknown"),
            Refused::UnknownSession => (1, "Session ID unknown"),
            Refused::BadMethod => (2, "Bad handshake method"),
            Refused::BadRequest => (3, "Bad request"),
            Refused::UnsupportedVersion => (5, "Unsupported protocol version"),
            Refused::Ending => (4, "Forbidden"),
        };
        let status = match self {
            Refused::Ending => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = format!(r#"{{"code":{code},"message":"{message}"}}"#);
        let json = HeaderValue::from_static("application/json");
        respond(status, json, body)
    }
}

fn respond(status: StatusCode, kind: HeaderValue, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Answers any request to the endpoint's path.
pub(crate) async fn answer(server: Arc<Shared>, request: Request) -> Response {
    let is_handshake = query(request.uri().query(), "sid").is_none();
    let answered = route(&server, request).await;
    let response = answered.unwrap_or_else(IntoResponse::into_response);
    if is_handshake && response.status().as_u16() >= 400 {
        Counters::add(&server.counters.refused_handshakes, 1);
    }
    response
}

async fn route(server: &Arc<Shared>, request: Request) -> Result<Response, Refused> {
    let uri = request.uri().clone();
    let transport = match query(uri.query(), "transport") {
        Some("polling") => Transport::Polling,
        Some("websocket") => Transport::Websocket,
        _ => return Err(Refused::UnknownTransport),
    };
    let connection = match query(uri.query(), "sid") {
        Some(id) => Some(server.find(id).ok_or(Refused::UnknownSession)?),
        None => None,
    };
    if let Some(connection) = &connection {
        // The wheel may be a grain behind; a client that is too late hears so at once.
        connection.on_time(server.now() + server.grain_ms);
        if matches!(lock(&connection.state).phase, Phase::Closed) {
            return Err(Refused::UnknownSession);
        }
    } else {
        if request.method() != Method::GET {
            return Err(Refused::BadMethod);
        }
        if query(uri.query(), "EIO") != Some("4") {
            return Err(Refused::UnsupportedVersion);
        }
    }
    match (transport, connection) {
        (Transport::Polling, None) => Ok(match handshake(server, request) {
            Ok(response) | Err(response) => response,
        }),
        (Transport::Polling, Some(connection)) => {
            if lock(&connection.state).transport == Transport::Websocket {
                return Err(Refused::BadRequest);
            }
            match *request.method() {
                Method::GET => poll(&connection).await,
                Method::POST => post(&connection, request).await,
                _ => Err(Refused::BadRequest),
            }
        }
        (Transport::Websocket, connection) => Ok(websocket::open(server, connection, request)),
    }
}

/// The value of a field in the query; ours need no decoding.
fn query<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    let fields = query?.split('&').filter_map(|field| field.split_once('='));
    let mut values = fields.filter(|(key, value)| *key == name && !value.is_empty());
    values.next().map(|(_, value)| value)
}

/// Asks the host.
#[expect(clippy::result_large_err, reason = "the error is the host's whole response")]
pub(crate) fn admit(server: &Shared, parts: &Parts) -> Result<crate::Admitted, Response> {
    if server.is_ending() {
        return Err(Refused::Ending.into_response());
    }
    match &server.admit {
        Some(ask) => ask(parts),
        None => Ok(crate::Admitted::default()),
    }
}

#[expect(clippy::result_large_err, reason = "the error is the host's whole response")]
fn handshake(server: &Arc<Shared>, request: Request) -> Result<Response, Response> {
    let (parts, _) = request.into_parts();
    let admitted = admit(server, &parts)?;
    let opened = Connection::open(server, Transport::Polling, admitted);
    let connection = opened.ok_or_else(|| Refused::Ending.into_response())?;
    Counters::add(&server.counters.opened_by_polling, 1);
    Ok(respond(StatusCode::OK, TEXT, connection.open_packet()))
}

/// A GET: waits until there is something to say.
async fn poll(connection: &Arc<Connection>) -> Result<Response, Refused> {
    {
        let mut state = lock(&connection.state);
        if state.polling {
            drop(state);
            connection.close(Reason::TransportError);
            return Err(Refused::BadRequest);
        }
        state.polling = true;
        lock(&connection.outbound).attached = true;
    }
    let mut waiting = Waiting {
        connection,
        answered: false,
    };
    let straggles = connection.is_probed();
    let payload = poll_fn(|cx| waiting.poll(cx, straggles));
    let answer = if straggles {
        tokio::time::timeout(STRAGGLER, payload).await
    } else {
        Ok(payload.await)
    };
    waiting.end();
    match answer {
        Ok(Some(payload)) => Ok(respond(StatusCode::OK, TEXT, payload)),
        Ok(None) => Err(Refused::BadRequest),
        Err(_) => Ok(respond(StatusCode::OK, TEXT, "6")),
    }
}

/// A poll that waits. When the client hangs up instead, the connection is over.
struct Waiting<'a> {
    connection: &'a Arc<Connection>,
    answered: bool,
}

impl Waiting<'_> {
    /// The payload; nothing when the poll is out of place.
    fn poll(&mut self, cx: &mut Context<'_>, straggles: bool) -> Poll<Option<Vec<u8>>> {
        let connection = self.connection;
        connection.waker.register(cx.waker());
        let probed = connection.is_probed();
        let mut state = lock(&connection.state);
        if state.transport == Transport::Websocket {
            return Poll::Ready(None);
        }
        let (mut payload, all, room) = {
            let mut outbound = lock(&connection.outbound);
            let (payload, all) = outbound.take_payload();
            (
                payload,
                all,
                outbound.tells_of_room(connection.server.config.queue),
            )
        };
        if room {
            connection.tell_of_room(&mut state);
        }
        match state.phase {
            Phase::Open | Phase::Draining(_) if !all => {}
            // Never in one payload with the end: stock clients read packets a moment later,
            // and by then would have closed and lost them.
            Phase::Open | Phase::Draining(_) if !payload.is_empty() => {}
            // The websocket is waiting for this poll to end.
            Phase::Open if probed && !straggles => payload.push(b'6'),
            Phase::Open => return Poll::Pending,
            Phase::Draining(_) => {
                state.phase = Phase::Closed;
                connection.server.remove(connection.id);
                engine::append_text(&mut payload, &[state.last_packet]);
            }
            Phase::Closed => engine::append_text(&mut payload, &[state.last_packet]),
        }
        Poll::Ready(Some(payload))
    }

    fn end(&mut self) {
        self.answered = true;
        let mut state = lock(&self.connection.state);
        state.polling = false;
        if state.transport == Transport::Polling {
            lock(&self.connection.outbound).attached = false;
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.connection.close(Reason::TransportError);
        }
    }
}

/// A POST: packets from the client.
async fn post(connection: &Arc<Connection>, request: Request) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    let overlaps = std::mem::replace(&mut lock(&connection.state).posting, true);
    if overlaps || is_binary(&parts.headers) {
        connection.close(Reason::TransportError);
        return Err(Refused::BadRequest);
    }
    let mut reading = Reading {
        connection,
        read: false,
    };
    let limited = Limited::new(body, connection.server.config.max_payload);
    let body = match limited.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            reading.read = true;
            return Ok(respond(StatusCode::PAYLOAD_TOO_LARGE, TEXT, ""));
        }
        Err(_) => return Err(Refused::BadRequest),
    };
    reading.read = true;
    let Ok(body) = std::str::from_utf8(&body) else {
        connection.close(Reason::ParseError);
        return Err(Refused::BadRequest);
    };
    for packet in engine::packets(body) {
        let Ok(packet) = packet else {
            connection.close(Reason::ParseError);
            return Err(Refused::BadRequest);
        };
        if !connection.receive(packet) {
            break;
        }
        connection.inbox_has_room().await;
    }
    drop(reading);
    match connection.ended() {
        Some(Reason::ParseError | Reason::TransportError) => Err(Refused::BadRequest),
        _ => Ok(respond(
            StatusCode::OK,
            HeaderValue::from_static("text/html"),
            "ok",
        )),
    }
}

/// A body that is being read, or its packets taken.
struct Reading<'a> {
    connection: &'a Arc<Connection>,
    /// The body has come whole; before that a client that hangs up ends the connection.
    read: bool,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        lock(&self.connection.state).posting = false;
        if !self.read {
            self.connection.close(Reason::TransportError);
        }
    }
}

/// Version 4 has no binary bodies.
fn is_binary(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/octet-stream"))
}
