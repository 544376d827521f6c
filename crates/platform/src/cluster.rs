//! What the nodes of a cluster share beside the database: Redis.

use base::{Result, error::internal};
use redis::{Client, IntoConnectionInfo};

/// Whether that is an address of Redis; for the check of the settings.
pub(crate) fn is_redis_url(url: &str) -> bool {
    (url.starts_with("redis://") || url.starts_with("rediss://")) && url.into_connection_info().is_ok()
}

/// Opens no connection yet.
pub fn redis(url: &str) -> Result<Client> {
    // Another part of the program may have chosen the same one before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let info = url.into_connection_info().map_err(internal)?;
    // Requests share a connection: none may wait for another's acknowledgement.
    let settings = info.tcp_settings().clone().set_nodelay(true);
    Client::open(info.set_tcp_settings(settings)).map_err(internal)
}
