//! `/.well-known/jwks.json`: the public halves, for whoever checks our tokens.

use crate::Accounts;
use axum::{
    Router,
    http::{HeaderName, header},
    routing::get,
};
use platform::AppState;
use serde_json::{Value, json};

/// Five minutes: less than the notice that a new key is given.
const CACHED: &str = "public, max-age=300";

/// Routes that stand outside the API.
pub fn well_known() -> Router<AppState> {
    Router::new().route("/.well-known/jwks.json", get(jwks))
}

/// The key set of RFC 7517, with the keys of RFC 8037.
async fn jwks(app: AppState) -> ([(HeaderName, &'static str); 2], String) {
    let keys: Vec<Value> = Accounts::of(&app)
        .access
        .public_keys(app.clock.now())
        .into_iter()
        .map(|(kid, public)| {
            json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": public})
        })
        .collect();
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, CACHED),
    ];
    (headers, json!({"keys": keys}).to_string())
}
