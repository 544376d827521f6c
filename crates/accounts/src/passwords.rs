//! Passwords: Argon2id on a bounded pool.
//!
//! Hashing takes tens of milliseconds of a core on purpose. A few turns bound
//! how much of the machine a storm of log-ins can take from those who read.

use argon2::{
    Algorithm, Argon2, Params, PasswordVerifier, Version,
    password_hash::{PasswordHasher, phc::PasswordHash},
};
use base::{Entropy, Password, Result, error::internal};
use platform::Config;
use std::{fmt, sync::Arc};
use tokio::sync::Semaphore;

#[derive(Clone)]
pub struct Passwords {
    hasher: Argon2<'static>,
    turns: Arc<Semaphore>,
    entropy: Entropy,
    /// Of a password nobody has: verified when there is no account, so that time tells nothing.
    nobody: Arc<str>,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

impl Passwords {
    pub fn new(config: &Config, entropy: Entropy) -> Result<Passwords> {
        let settings = &config.accounts;
        let params =
            Params::new(settings.argon2_memory_kib, settings.argon2_passes, 1, None).map_err(text)?;
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&hasher, &entropy, &Password::trusted("nobody's password"))?.into();
        Ok(Passwords {
            hasher,
            turns: Arc::new(Semaphore::new(settings.hashing_threads.max(1))),
            entropy,
            nobody,
        })
    }

    pub async fn hash(&self, password: Password) -> Result<String> {
        let own = self.clone();
        self.in_turn(move || hash(&own.hasher, &own.entropy, &password))
            .await
    }

    /// Whether the password fits the hash; without a hash it takes as long and does not.
    pub async fn verify(&self, password: Password, hash: Option<String>) -> Result<bool> {
        let own = self.clone();
        self.in_turn(move || {
            let known = hash.as_deref().unwrap_or(&own.nobody);
            let parsed = PasswordHash::new(known).map_err(text)?;
            let fits = own
                .hasher
                .verify_password(password.reveal().as_bytes(), &parsed)
                .is_ok();
            Ok(fits && hash.is_some())
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _turn = self.turns.acquire().await.map_err(internal)?;
        tokio::task::spawn_blocking(work).await.map_err(internal)?
    }
}

fn hash(hasher: &Argon2<'_>, entropy: &Entropy, password: &Password) -> Result<String> {
    let salt: [u8; 16] = entropy.bytes();
    let hash = hasher
        .hash_password_with_salt(password.reveal().as_bytes(), &salt)
        .map_err(text)?;
    Ok(hash.to_string())
}

fn text(error: impl fmt::Display) -> base::Error {
    internal(error.to_string())
}
