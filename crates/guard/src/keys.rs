//! Ed25519 keys: who may say what is no longer protected.
//!
//! The private key stays with its person, outside the repository. Verifying and
//! restoring need the public half alone.

use crate::fault::{failed, wrong};
use base::{Entropy, Result};
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{
    borrow::Cow,
    fmt,
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The public half of a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Public([u8; 32]);

/// A key that can sign.
pub struct Signer(SigningKey);

impl Signer {
    pub fn generate(entropy: &Entropy) -> Signer {
        Signer(SigningKey::from_bytes(&entropy.bytes()))
    }

    /// The key of this file; nothing when there is no file.
    pub fn read(path: &Path) -> Result<Option<Signer>> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(format!("cannot read the key {}", path.display()), error)),
        };
        let bytes = BASE64.decode(text.trim()).ok();
        let bytes: [u8; 32] = bytes
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| wrong(format!("{} does not hold a key of the guard", path.display())))?;
        Ok(Some(Signer(SigningKey::from_bytes(&bytes))))
    }

    /// The key of this file, made now when there is none.
    pub fn read_or_create(path: &Path, entropy: &Entropy) -> Result<Signer> {
        if let Some(signer) = Signer::read(path)? {
            return Ok(signer);
        }
        let signer = Signer::generate(entropy);
        let write = || {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)?;
            writeln!(file, "{}", BASE64.encode(signer.0.to_bytes()))?;
            file.sync_all()
        };
        write().map_err(|error| failed(format!("cannot write the key {}", path.display()), error))?;
        Ok(signer)
    }

    pub fn public(&self) -> Public {
        Public(self.0.verifying_key().to_bytes())
    }

    pub(crate) fn sign(&self, domain: &str, message: &[u8]) -> String {
        BASE64.encode(self.0.sign(&in_domain(domain, message)).to_bytes())
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.public())
    }
}

impl Public {
    pub(crate) fn verifies(&self, domain: &str, message: &[u8], signature: &str) -> bool {
        let check = || {
            let signature = Signature::from_slice(&BASE64.decode(signature).ok()?).ok()?;
            let key = VerifyingKey::from_bytes(&self.0).ok()?;
            key.verify_strict(&in_domain(domain, message), &signature).ok()
        };
        check().is_some()
    }
}

/// A signature for one purpose is worth nothing for another.
fn in_domain(domain: &str, message: &[u8]) -> Vec<u8> {
    [b"mundo guard ", domain.as_bytes(), b"\n", message].concat()
}

impl fmt::Display for Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0))
    }
}

impl fmt::Debug for Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::str::FromStr for Public {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Public, &'static str> {
        let bytes = BASE64.decode(text).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Public)
            .ok_or("expected a public key: 32 bytes in base64")
    }
}

impl Serialize for Public {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Public {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Public, D::Error> {
        Cow::<str>::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}
