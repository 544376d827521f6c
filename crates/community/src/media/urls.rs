//! Addresses of files: signed and good for a while, so that an `<img>` needs no
//! token and a copied address does not work for ever.
//!
//! The end of an address is rounded up to a whole period: for that long everybody
//! is given the same address for the same file, and browsers keep it.

use super::{MediaId, model::Row};
use base::{Error, Kind, Result, Timestamp, error::not_found};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use platform::App;

/// How long a browser may keep what is public, in seconds.
const PUBLIC_AGE_S: i64 = 86_400;

/// Makes and checks addresses.
#[derive(Clone)]
pub struct Signer {
    key: [u8; 32],
    now: Timestamp,
    ttl_s: i64,
}

impl Signer {
    pub fn of(app: &App) -> Signer {
        Signer {
            key: accounts::derived_key(app, "addresses of media"),
            now: app.clock.now(),
            ttl_s: app.config.media.url_ttl_s as i64,
        }
    }

    /// Below the server's own address, as a browser takes it.
    pub fn url(&self, id: MediaId, file: &str, public: bool) -> String {
        let path = format!("/api/v1/media/{id}/files/{file}");
        if public {
            return path;
        }
        let expires = (self.now.as_seconds() / self.ttl_s + 2) * self.ttl_s;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.mac(id, file, expires).as_bytes());
        format!("{path}?expires={expires}&signature={signature}")
    }

    /// Whether an address with that end and signature is one of ours; it is asked before the
    /// row, so that a guess tells nothing about what is there.
    pub fn check(&self, id: MediaId, file: &str, expires: i64, signature: &str) -> Result<Grant> {
        let given = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        let given: [u8; 32] = given.try_into().map_err(|_| not_found("media"))?;
        // blake3 compares in constant time.
        if self.mac(id, file, expires) != blake3::Hash::from_bytes(given) {
            return Err(not_found("media"));
        }
        let left_s = expires - self.now.as_seconds();
        if left_s <= 0 {
            return Err(Error::new(Kind::Forbidden, "url_expired"));
        }
        Ok(Grant { left_s })
    }

    fn mac(&self, id: MediaId, file: &str, expires: i64) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(id.0.as_bytes());
        hasher.update(&expires.to_be_bytes());
        hasher.update(file.as_bytes());
        hasher.finalize()
    }
}

/// A signature that was good.
#[derive(Clone, Copy, Debug)]
pub struct Grant {
    left_s: i64,
}

/// How long the answer may be kept, if the file may be read at all.
pub fn cache(row: &Row, grant: Option<Grant>) -> Result<String> {
    match grant {
        _ if row.is_public() => Ok(format!("public, max-age={PUBLIC_AGE_S}, immutable")),
        Some(Grant { left_s }) => Ok(format!("private, max-age={left_s}, immutable")),
        None => Err(not_found("media")),
    }
}
