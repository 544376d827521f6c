//! The keys of a data folder, on their way into a backup and out of it.

use super::files;
use accounts::MasterKeys;
use anyhow::{Context, Result, anyhow, ensure};
use argon2::{Algorithm, Argon2, Params, Version};
use base::Entropy;
use base64::{Engine, prelude::BASE64_STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, path::Path};

const MASTER: &str = "master.key";
const PURPOSE: &[u8] = b"mundo-tango backup keys 1";
/// Argon2id as RFC 9106 recommends it where memory is scarce.
const COST: Cost = Cost {
    memory_kib: 65_536,
    passes: 3,
    lanes: 4,
};
/// A foreign file must not make us ask for more.
const MOST_MEMORY_KIB: u32 = 1 << 20;
const SHORTEST: usize = 12;

/// What people remember, or their password safe.
pub struct Passphrase(String);

/// The files of `keys/`, by name, in base64.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys(BTreeMap<String, String>);

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Keys under a passphrase: Argon2id makes the key, XChaCha20-Poly1305 seals.
#[derive(Serialize, Deserialize)]
struct Sealed {
    argon2id: Cost,
    salt: String,
    nonce: String,
    xchacha20poly1305: String,
}

impl Passphrase {
    pub fn new(text: &str) -> Result<Passphrase> {
        let text = text.trim_end_matches(['\r', '\n']);
        ensure!(
            text.chars().count() >= SHORTEST,
            "the passphrase is too short: it needs at least {SHORTEST} characters"
        );
        Ok(Passphrase(text.to_owned()))
    }

    fn cipher(&self, cost: Cost, salt: &[u8]) -> Result<XChaCha20Poly1305> {
        ensure!(
            cost.memory_kib <= MOST_MEMORY_KIB,
            "the sealed keys ask for too much memory"
        );
        let params =
            Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(|e| anyhow!("{e}"))?;
        let mut key = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(self.0.as_bytes(), salt, &mut key)
            .map_err(|e| anyhow!("{e}"))?;
        Ok(XChaCha20Poly1305::new(&key.into()))
    }
}

impl Keys {
    /// Reads the folder `keys/`.
    pub fn read(folder: &Path) -> Result<Keys> {
        ensure!(
            folder.join(MASTER).is_file(),
            "there is no {MASTER} in {}",
            folder.display()
        );
        let mut keys = BTreeMap::new();
        for path in files::list(folder)? {
            let name = path
                .strip_prefix(folder)?
                .to_str()
                .context("a key's file has no plain name")?;
            keys.insert(name.to_owned(), BASE64_STANDARD.encode(fs::read(&path)?));
        }
        Ok(Keys(keys))
    }

    /// Writes them into a new folder.
    pub fn write(&self, folder: &Path) -> Result<()> {
        files::create_private(folder)?;
        for (name, text) in &self.0 {
            let plain = !name.is_empty() && !name.contains(['/', '\\']) && name != "." && name != "..";
            ensure!(plain, "the keys hold a file outside their folder: {name:?}");
            files::write_private(&folder.join(name), &decode(text)?)?;
        }
        Ok(())
    }

    /// The master keys among them: the one that seals, and those that still open.
    pub fn master(&self) -> Result<MasterKeys> {
        let files = self
            .0
            .iter()
            .map(|(name, text)| Ok((name.as_str(), decode(text)?)));
        let files = files.collect::<Result<Vec<_>>>()?;
        let files = files.iter().map(|(name, content)| (*name, content.as_slice()));
        Ok(MasterKeys::of_files(files)?)
    }

    /// In the clear, for a file that is kept apart from the backup.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec_pretty(self)?)
    }

    pub fn from_json(bytes: &[u8]) -> Result<Keys> {
        serde_json::from_slice(bytes).context("this is not a file of keys that mundo backup has written")
    }

    pub fn seal(&self, passphrase: &Passphrase, entropy: &Entropy) -> Result<Vec<u8>> {
        let (salt, nonce): ([u8; 16], [u8; 24]) = (entropy.bytes(), entropy.bytes());
        let text = serde_json::to_vec(self)?;
        let payload = Payload {
            msg: &text,
            aad: PURPOSE,
        };
        let sealed = passphrase
            .cipher(COST, &salt)?
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| anyhow!("the keys could not be sealed"))?;
        Ok(serde_json::to_vec_pretty(&Sealed {
            argon2id: COST,
            salt: BASE64_STANDARD.encode(salt),
            nonce: BASE64_STANDARD.encode(nonce),
            xchacha20poly1305: BASE64_STANDARD.encode(sealed),
        })?)
    }

    pub fn open(bytes: &[u8], passphrase: &Passphrase) -> Result<Keys> {
        let sealed: Sealed = serde_json::from_slice(bytes).context("the sealed keys cannot be read")?;
        let nonce: [u8; 24] = decode(&sealed.nonce)?
            .try_into()
            .map_err(|_| anyhow!("the nonce is not 24 bytes long"))?;
        let payload = Payload {
            msg: &decode(&sealed.xchacha20poly1305)?,
            aad: PURPOSE,
        };
        let text = passphrase
            .cipher(sealed.argon2id, &decode(&sealed.salt)?)?
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| anyhow!("the passphrase is wrong: it does not open the keys of this backup"))?;
        Keys::from_json(&text)
    }
}

fn decode(text: &str) -> Result<Vec<u8>> {
    BASE64_STANDARD.decode(text).context("the keys are not base64")
}
