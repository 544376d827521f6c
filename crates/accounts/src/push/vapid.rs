//! Who is asking: requests to push services are signed with a key of ours
//! (RFC 8292). Browsers subscribe for one key, which their subscription keeps.

use super::sealing;
use base::{Result, Timestamp, error::internal};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use p256::{
    SecretKey,
    ecdsa::{Signature, SigningKey, signature::Signer},
};
use serde_json::json;
use std::{fmt, time::Duration};

/// Services take at most a day.
const LIFE: Duration = Duration::from_hours(12);

/// A key by which push services know this server.
#[derive(Clone)]
pub struct Key {
    pub id: String,
    secret: SecretKey,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

/// Binds a sealed key to its row.
pub fn purpose(id: &str) -> String {
    format!("push key {id}")
}

impl Key {
    pub fn new(id: String, secret: &[u8]) -> Result<Key> {
        Ok(Key {
            id,
            secret: SecretKey::from_slice(secret).map_err(internal)?,
        })
    }

    /// What a browser subscribes for: an uncompressed point in base64url.
    pub fn public(&self) -> String {
        BASE64.encode(sealing::point(&self.secret.public_key()))
    }

    /// The Authorization header for a request to that origin.
    pub fn authorization(&self, origin: &str, contact: &str, now: Timestamp) -> String {
        let header = BASE64.encode(r#"{"typ":"JWT","alg":"ES256"}"#);
        let claims = json!({"aud": origin, "exp": now.plus(LIFE).as_seconds(), "sub": contact});
        let signed = format!("{header}.{}", BASE64.encode(claims.to_string()));
        let signature: Signature = SigningKey::from(&self.secret).sign(signed.as_bytes());
        let token = format!("{signed}.{}", BASE64.encode(signature.to_bytes()));
        format!("vapid t={token}, k={}", self.public())
    }
}
