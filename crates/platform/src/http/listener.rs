//! The listener: accepts connections and ends in two steps.
//!
//! First it takes no new connections and asks the open ones to finish what they
//! are at; after the grace the rest is dropped.

use crate::AppState;
use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{io, net::SocketAddr, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

/// A client that sends its headers slower than this is hung up on.
const HEADERS_WITHIN: Duration = Duration::from_secs(15);
/// Bytes of headers a request may have.
const HEADER_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    pub async fn bind(address: SocketAddr) -> io::Result<Listener> {
        TcpListener::bind(address).await.map(Listener)
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Serves until `stop`, then gives what is running the configured grace.
pub async fn serve(listener: &Listener, app: AppState, router: Router<AppState>, stop: CancellationToken) {
    let grace = Duration::from_millis(app.config.server.shutdown_grace_ms);
    let router = router.with_state(app);
    let connections = TaskTracker::new();
    let hard = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.0.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (stop, hard, router) = (stop.clone(), hard.clone(), router.clone());
                connections.spawn(async move {
                    tokio::select! {
                        () = hard.cancelled() => {}
                        () = serve_connection(stream, peer, router, stop) => {}
                    }
                });
            }
            // Out of file descriptors, most likely: wait for some to come free.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    connections.close();
    if tokio::time::timeout(grace, connections.wait()).await.is_err() {
        hard.cancel();
        connections.wait().await;
    }
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, router: Router, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke");
                }
                return;
            }
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
