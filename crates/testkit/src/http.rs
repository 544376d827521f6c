//! What tests speak HTTP with.

/// A client to be built. No test speaks TLS, but the client wants to know with what it could,
/// and whoever comes first in a program says so.
pub fn http() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}
