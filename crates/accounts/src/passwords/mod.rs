//! Passwords: judged when they are chosen, hashed with Argon2id and a pepper.
//!
//! Hashing takes tens of milliseconds of a core on purpose. A few threads of low
//! priority bound how much of the machine a storm of log-ins can take from those
//! who read, and a bounded queue how long anybody waits: who finds it full is told to come
//! back. A hash names its parameters and its pepper, so that old ones verify
//! and are replaced at the next log-in.
//!
//! Never here: a password that is cut, trimmed or folded before it is hashed.

pub mod http;
mod judge;
mod peppers;

pub use judge::About;
pub use peppers::{
    Listed as ListedPepper, ensure as ensure_pepper, list as list_peppers, purpose as pepper_purpose,
    rotate as rotate_pepper,
};
pub(crate) use peppers::{add as add_pepper, sealed as sealed_peppers};

use crate::master_keys::MasterKeys;
use argon2::{
    Algorithm, Argon2, KeyId, Params, ParamsBuilder, PasswordVerifier, Version,
    password_hash::{
        PasswordHasher,
        phc::{Output, PasswordHash, Salt},
    },
};
use base::{Entropy, Password, Result, error::internal, error::invalid};
use db::Db;
use peppers::{Pepper, Peppers};
use platform::{Config, Turns};
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

/// OWASP's least for Argon2id with one lane.
const LEAST_MEMORY_KIB: u32 = 19_456;
const LEAST_PASSES: u32 = 2;

/// Stands where a hash would, when nobody can check the password any more.
pub(crate) const UNUSABLE: &str = "!";

/// What came of comparing a password with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub fits: bool,
    /// It fits, but today's parameters or pepper are others: hash it again.
    pub needs_rehash: bool,
}

#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    memory_kib: u32,
    passes: u32,
    turns: Turns,
    entropy: Entropy,
    db: Db,
    master: Arc<MasterKeys>,
    now: RwLock<Arc<Now>>,
}

/// What changes when a pepper is added.
struct Now {
    peppers: Peppers,
    /// A hash that no password fits: verified when there is no account, so that time tells nothing.
    nobody: String,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

impl Passwords {
    /// Reads the peppers from the database, where there has to be one.
    pub async fn new(
        config: &Config,
        entropy: Entropy,
        db: Db,
        master: Arc<MasterKeys>,
    ) -> Result<Passwords> {
        let settings = &config.accounts;
        if settings.argon2_memory_kib < LEAST_MEMORY_KIB || settings.argon2_passes < LEAST_PASSES {
            tracing::warn!(
                memory_kib = settings.argon2_memory_kib,
                passes = settings.argon2_passes,
                "passwords are hashed more cheaply than is safe: for tests alone"
            );
        }
        let mut inner = Inner {
            memory_kib: settings.argon2_memory_kib,
            passes: settings.argon2_passes,
            turns: Turns::new("hashing", settings.hashing_threads, settings.hashing_queue),
            entropy,
            now: RwLock::new(Arc::new(Now {
                peppers: Peppers::default(),
                nobody: String::new(),
            })),
            db,
            master,
        };
        let peppers = peppers::load(&inner.db, &inner.master).await?;
        inner.now = RwLock::new(Arc::new(inner.prepare(peppers)?));
        Ok(Passwords(Arc::new(inner)))
    }

    /// Reads the peppers again: another node may have added one.
    pub async fn reload(&self) -> Result<i64> {
        let peppers = peppers::load(&self.0.db, &self.0.master).await?;
        let count = peppers.len() as i64;
        if peppers.newest()?.id != self.0.now().peppers.newest()?.id {
            let prepared = Arc::new(self.0.prepare(peppers)?);
            *self.0.now.write().unwrap_or_else(PoisonError::into_inner) = prepared;
        }
        Ok(count)
    }

    pub async fn hash(&self, password: Password) -> Result<String> {
        let own = self.0.clone();
        self.0
            .turns
            .run(move || {
                let now = own.now();
                own.hash(&password, now.peppers.newest()?)
            })
            .await
    }

    /// Whether the password fits the hash; without a hash it takes as long and does not.
    pub async fn verify(&self, password: Password, hash: Option<String>) -> Result<Verdict> {
        let now = self.0.now();
        // Asked of nobody's hash as well: it takes time.
        if let Some(id) = key_id(hash.as_deref().unwrap_or(&now.nobody))
            && now.peppers.find(&id).is_none()
        {
            self.reload().await?;
        }
        let own = self.0.clone();
        self.0
            .turns
            .run(move || own.verify(&password, hash.as_deref()))
            .await
    }

    /// Refuses, at that place of the request, a password that is easily guessed
    /// or made of what is known of its owner.
    pub async fn check(&self, pointer: &'static str, password: &Password, about: About) -> Result<()> {
        let password = password.clone();
        let judged = self.judge(password.reveal().to_owned(), about).await?;
        judged
            .fault
            .map_or(Ok(()), |fault| Err(invalid(pointer, fault.code())))
    }

    async fn judge(&self, password: String, about: About) -> Result<judge::Judgement> {
        self.0
            .turns
            .run(move || Ok(judge::judge(&password, &about)))
            .await
    }
}

impl Inner {
    /// What cannot be checked is refused like a wrong password, and in its time.
    fn is_usable(&self, hash: &str, peppers: &Peppers) -> bool {
        let is_whole = PasswordHash::new(hash).is_ok_and(|parsed| Params::try_from(&parsed).is_ok());
        let has_pepper = key_id(hash).is_none_or(|id| peppers.find(&id).is_some());
        if !(is_whole && has_pepper) && hash != UNUSABLE {
            tracing::error!("a password cannot be checked: its pepper is not in the database");
        }
        is_whole && has_pepper
    }

    fn now(&self) -> Arc<Now> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn prepare(&self, peppers: Peppers) -> Result<Now> {
        // Nobody knows what these bytes are the hash of, and making them took no time.
        let nobody = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: self.params(peppers.newest()?)?.try_into().map_err(text)?,
            salt: Some(Salt::new(&self.entropy.bytes::<16>()).map_err(text)?),
            hash: Some(Output::new(&self.entropy.bytes::<32>()).map_err(text)?),
        };
        let nobody = nobody.to_string();
        Ok(Now { peppers, nobody })
    }

    fn params(&self, pepper: &Pepper) -> Result<Params> {
        ParamsBuilder::new()
            .m_cost(self.memory_kib)
            .t_cost(self.passes)
            .p_cost(1)
            .keyid(KeyId::new(&pepper.id).map_err(text)?)
            .build()
            .map_err(text)
    }

    fn hash(&self, password: &Password, pepper: &Pepper) -> Result<String> {
        let salt: [u8; 16] = self.entropy.bytes();
        let hash = peppered(&pepper.secret, self.params(pepper)?)?
            .hash_password_with_salt(password.reveal().as_bytes(), &salt)
            .map_err(text)?;
        Ok(hash.to_string())
    }

    fn verify(&self, password: &Password, hash: Option<&str>) -> Result<Verdict> {
        let now = self.now();
        let usable = hash.filter(|hash| self.is_usable(hash, &now.peppers));
        let parsed = PasswordHash::new(usable.unwrap_or(&now.nobody)).map_err(text)?;
        let params = Params::try_from(&parsed).map_err(text)?;
        let secret = match params.keyid() {
            // From before there were peppers.
            [] => &[][..],
            id => match now.peppers.find(id) {
                Some(pepper) => &pepper.secret[..],
                None => return Err(internal("a pepper was forgotten")),
            },
        };
        let current = self.params(now.peppers.newest()?)?;
        let is_current = parsed.algorithm == Algorithm::Argon2id.ident()
            && parsed.version == Some(Version::V0x13.into())
            && (params.m_cost(), params.t_cost(), params.p_cost(), params.keyid())
                == (
                    current.m_cost(),
                    current.t_cost(),
                    current.p_cost(),
                    current.keyid(),
                );
        let fits = peppered(secret, params)?
            .verify_password(password.reveal().as_bytes(), &parsed)
            .is_ok()
            && usable.is_some();
        Ok(Verdict {
            fits,
            needs_rehash: fits && !is_current,
        })
    }
}

fn peppered(secret: &[u8], params: Params) -> Result<Argon2<'_>> {
    if secret.is_empty() {
        return Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params));
    }
    Argon2::new_with_secret(secret, Algorithm::Argon2id, Version::V0x13, params).map_err(text)
}

/// The pepper that a hash names, as the database writes it.
pub(crate) fn pepper_of(hash: &str) -> Option<String> {
    key_id(hash).map(|id| peppers::written(&id))
}

fn key_id(hash: &str) -> Option<Vec<u8>> {
    let parsed = PasswordHash::new(hash).ok()?;
    let params = Params::try_from(&parsed).ok()?;
    Some(params.keyid().to_vec()).filter(|id| !id.is_empty())
}

fn text(error: impl fmt::Display) -> base::Error {
    internal(error.to_string())
}
