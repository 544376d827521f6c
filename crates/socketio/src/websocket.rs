//! A websocket's handshake, from the first byte or to take over from polling.

use crate::{
    Admitted, Encoded,
    connection::{Connection, Transport},
    counts::Counters,
    driver::Driver,
    http::{self as requests, Refused},
    lock,
    outbound::Class,
    server::Shared,
};
use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE},
};
use hyper::upgrade::OnUpgrade;
use std::{future::poll_fn, sync::Arc};
use tokio::time::timeout;
use tungstenite::handshake::derive_accept_key;

/// Answers a websocket's request, with a handshake of its own or to replace polling.
pub(crate) fn open(server: &Arc<Shared>, polling: Option<Arc<Connection>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let Some(accept) = accept_key(&parts.method, &parts.headers) else {
        return Refused::BadRequest.into_response();
    };
    let Some(on_upgrade) = parts.extensions.remove::<OnUpgrade>() else {
        return Refused::BadRequest.into_response();
    };
    let admitted = match requests::admit(server, &parts) {
        Ok(admitted) => admitted,
        Err(response) => return response,
    };
    if let Some(connection) = polling {
        let begun = connection.begin_upgrade();
        server.tasks.spawn(take_over(on_upgrade, connection, begun));
    } else {
        server.tasks.spawn(begin(server.clone(), on_upgrade, admitted));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// A connection that is a websocket from the first.
async fn begin(server: Arc<Shared>, on_upgrade: OnUpgrade, admitted: Admitted) {
    let Ok(upgraded) = on_upgrade.await else { return };
    let Some(connection) = Connection::open(&server, Transport::Websocket, admitted) else {
        return;
    };
    Counters::add(&server.counters.opened_by_websocket, 1);
    drop(server);
    lock(&connection.outbound).attached = true;
    connection.send(Encoded::engine(&connection.open_packet()), Class::Control);
    Driver::new(upgraded, connection).run().await;
}

/// The answer to a well-formed request (RFC 6455, 4.2.1).
fn accept_key(method: &Method, headers: &HeaderMap) -> Option<HeaderValue> {
    let holds = |name, wanted: &str| {
        let values = headers.get_all(name).iter();
        let mut words = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        words.any(|word| word.trim().eq_ignore_ascii_case(wanted))
    };
    let good = method == Method::GET
        && holds(CONNECTION, "upgrade")
        && holds(UPGRADE, "websocket")
        && holds(SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| good)?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok()
}

/// Waits for the probe and the word to upgrade; then drives the connection.
/// A second one that tries is closed at once.
async fn take_over(on_upgrade: OnUpgrade, connection: Arc<Connection>, begun: bool) {
    let _give_up = begun.then(|| GiveUp(connection.clone()));
    let patience = connection.server.config.upgrade_timeout;
    let Ok(Ok(upgraded)) = timeout(patience, on_upgrade).await else {
        return;
    };
    let mut driver = Driver::new(upgraded, connection.clone());
    let probe = poll_fn(|cx| driver.poll_probe(cx));
    let agreed = begun && matches!(timeout(patience, probe).await, Ok(true));
    if agreed && connection.upgraded() {
        driver.run().await;
    } else {
        driver.say_goodbye(1000);
        driver.linger().await;
    }
}

/// Frees the place for another attempt, also when this one is dropped.
struct GiveUp(Arc<Connection>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.give_up_upgrade();
    }
}
