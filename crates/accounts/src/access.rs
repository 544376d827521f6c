//! Access tokens: `EdDSA` JWTs of ten minutes (RFC 9068, `typ` `at+jwt`).
//!
//! One algorithm, one header: a token whose header is not byte for byte what
//! this server writes for the key it names is refused before its signature is
//! looked at, so `alg`, `jwk`, `jku` or a strange `kid` have nothing to act on.
//! A verified token is remembered by its hash until it expires; whether its
//! session lives is asked on each call all the same.

use crate::{keys::Key, members::MemberId, sessions::SessionId};
use base::{Ids, Result, Timestamp, error::internal, error::unauthenticated};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use platform::Config;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError, RwLock},
};
use uuid::Uuid;

const AUDIENCE: &str = "mundo-tango";
/// How far the clocks of two nodes may differ.
const LEEWAY_S: i64 = 30;
/// Verified tokens remembered in each of the shards.
const REMEMBERED: usize = 8192;
const SHARDS: usize = 16;

/// All claims are required.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: MemberId,
    pub sid: SessionId,
    pub jti: Uuid,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    /// When the member last proved who they are.
    pub auth_time: i64,
    /// How: `pwd`.
    pub amr: Vec<String>,
    /// The generation of the refresh token that it came with.
    #[serde(rename = "gen")]
    pub generation: i64,
}

/// What the server needs of a verified token on each call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    pub member: MemberId,
    pub session: SessionId,
    pub generation: i64,
    pub auth_time: i64,
    pub issued_s: i64,
    pub expires_s: i64,
}

struct Ring {
    signing: SigningKey,
    /// The exact header of tokens of the key that signs.
    header: String,
    verifying: HashMap<String, VerifyingKey>,
}

pub struct AccessTokens {
    issuer: String,
    ttl_s: i64,
    ring: RwLock<Ring>,
    verified: Vec<Mutex<HashMap<[u8; 32], Verified>>>,
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessTokens({})", self.issuer)
    }
}

fn header(kid: &str) -> String {
    BASE64.encode(format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#))
}

impl Ring {
    fn new(keys: Vec<Key>) -> Ring {
        let first = keys.first().expect("there is always a key");
        Ring {
            header: header(&first.id),
            signing: first.signing.clone(),
            verifying: keys
                .iter()
                .map(|key| (header(&key.id), key.signing.verifying_key()))
                .collect(),
        }
    }
}

impl AccessTokens {
    pub fn new(keys: Vec<Key>, config: &Config) -> AccessTokens {
        AccessTokens {
            issuer: config.public_url(),
            ttl_s: config.accounts.access_ttl_s as i64,
            ring: RwLock::new(Ring::new(keys)),
            verified: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    pub fn replace_keys(&self, keys: Vec<Key>) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Ring::new(keys);
    }

    pub fn ttl_s(&self) -> i64 {
        self.ttl_s
    }

    pub fn issue(
        &self,
        ids: &Ids,
        member: MemberId,
        session: SessionId,
        generation: i64,
        auth_time: Timestamp,
        now: Timestamp,
    ) -> Result<String> {
        let now_s = now.as_seconds();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: member,
            sid: session,
            jti: ids.next(),
            iat: now_s,
            nbf: now_s,
            exp: now_s + self.ttl_s,
            auth_time: auth_time.as_seconds(),
            amr: vec!["pwd".to_owned()],
            generation,
        };
        let claims = serde_json::to_vec(&claims).map_err(internal)?;
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let signed = format!("{}.{}", ring.header, BASE64.encode(claims));
        let signature = ring.signing.sign(signed.as_bytes());
        Ok(format!("{signed}.{}", BASE64.encode(signature.to_bytes())))
    }

    /// What the token says, when it is ours and in time.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Verified> {
        let hash = *blake3::hash(token.as_bytes()).as_bytes();
        let shard = &self.verified[hash[0] as usize % SHARDS];
        let known = shard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&hash)
            .copied();
        let verified = match known {
            Some(verified) => verified,
            None => self.read(token, now)?,
        };
        if verified.expires_s + LEEWAY_S <= now.as_seconds() {
            return Err(unauthenticated("unauthenticated"));
        }
        if known.is_none() {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            if shard.len() >= REMEMBERED {
                shard.retain(|_, other| other.expires_s > now.as_seconds());
                if shard.len() >= REMEMBERED {
                    shard.clear();
                }
            }
            shard.insert(hash, verified);
        }
        Ok(verified)
    }

    fn read(&self, token: &str, now: Timestamp) -> Result<Verified> {
        let refuse = || unauthenticated("unauthenticated");
        let (signed, signature) = token.rsplit_once('.').ok_or_else(refuse)?;
        let (header, claims) = signed.split_once('.').ok_or_else(refuse)?;
        let key = {
            let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
            *ring.verifying.get(header).ok_or_else(refuse)?
        };
        let signature = BASE64.decode(signature).map_err(|_| refuse())?;
        let signature = Signature::from_slice(&signature).map_err(|_| refuse())?;
        key.verify(signed.as_bytes(), &signature).map_err(|_| refuse())?;
        let claims = BASE64.decode(claims).map_err(|_| refuse())?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| refuse())?;
        let now_s = now.as_seconds();
        let early = claims.nbf > now_s + LEEWAY_S || claims.iat > now_s + LEEWAY_S;
        if claims.iss != self.issuer || claims.aud != AUDIENCE || early {
            return Err(refuse());
        }
        Ok(Verified {
            member: claims.sub,
            session: claims.sid,
            generation: claims.generation,
            auth_time: claims.auth_time,
            issued_s: claims.iat,
            expires_s: claims.exp,
        })
    }
}
