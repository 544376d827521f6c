//! A master key, and sealing under it. What is sealed names the key it was
//! sealed under in its first bytes; [`crate::master_keys`] holds those there are.

use base::{Entropy, Result, error::internal};
use base64::{Engine, prelude::BASE64_STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use std::fmt;

pub const ID_BYTES: usize = 8;
const NONCE_BYTES: usize = 24;

/// Seals the other keys. Its id is safe to show.
#[derive(Clone)]
pub struct MasterKey {
    id: [u8; ID_BYTES],
    cipher: XChaCha20Poly1305,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id())
    }
}

impl MasterKey {
    pub fn new(secret: [u8; 32]) -> MasterKey {
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&blake3::derive_key("mundo-tango master key id", &secret)[..ID_BYTES]);
        MasterKey {
            id,
            cipher: XChaCha20Poly1305::new(&secret.into()),
        }
    }

    /// Reads a key as its file holds it.
    pub fn parse(text: &str) -> Option<MasterKey> {
        let bytes = BASE64_STANDARD.decode(text.trim()).ok()?;
        Some(MasterKey::new(bytes.try_into().ok()?))
    }

    /// Names the key without telling it.
    pub fn id(&self) -> String {
        id_text(&self.id)
    }

    /// The first bytes of all that is sealed under it.
    pub fn mark(&self) -> [u8; ID_BYTES] {
        self.id
    }

    /// `purpose` binds the sealed bytes to their place: moved elsewhere they do not open.
    pub fn seal(&self, entropy: &Entropy, purpose: &str, secret: &[u8]) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE_BYTES] = entropy.bytes();
        let payload = Payload {
            msg: secret,
            aad: purpose.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| internal("sealing failed"))?;
        Ok([&self.id[..], &nonce, &sealed].concat())
    }

    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let (Some(id), Some(nonce), Some(body)) = (
            sealed.get(..ID_BYTES),
            sealed.get(ID_BYTES..ID_BYTES + NONCE_BYTES),
            sealed.get(ID_BYTES + NONCE_BYTES..),
        ) else {
            return Err(internal("a sealed key is too short"));
        };
        if id != self.id {
            return Err(foreign(id, &self.id()));
        }
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().expect("cut to that length");
        let payload = Payload {
            msg: body,
            aad: purpose.as_bytes(),
        };
        self.cipher
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| internal("a sealed key was changed"))
    }
}

/// The name of the key behind a mark.
pub fn id_text(mark: &[u8]) -> String {
    mark.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Something is sealed under a key that is not at hand.
pub fn foreign(mark: &[u8], at_hand: &str) -> base::Error {
    internal(format!(
        "a key in the database is sealed under another master key ({}) than {at_hand}; restore keys and database together",
        id_text(mark)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_bytes_open_only_where_they_belong() {
        let (entropy, key) = (Entropy::seeded(1), MasterKey::new([7; 32]));
        let sealed = key.seal(&entropy, "session 1", b"secret").unwrap();
        assert_eq!(key.open("session 1", &sealed).unwrap(), b"secret");
        assert!(key.open("session 2", &sealed).is_err());
        let mut bent = sealed.clone();
        *bent.last_mut().unwrap() ^= 1;
        assert!(key.open("session 1", &bent).is_err());
        let error = MasterKey::new([8; 32]).open("session 1", &sealed).unwrap_err();
        assert!(error.to_string().contains("another master key"));
    }
}
