//! Access tokens: `EdDSA` JWTs of ten minutes (RFC 9068, `typ` `at+jwt`).
//!
//! One algorithm, one header: a token whose header is not byte for byte what
//! this server writes for the key it names is refused before its signature is
//! looked at, so `alg`, `jwk`, `jku` or a strange `kid` have nothing to act on.
//! A verified token is remembered by its hash until it expires; whether its
//! session lives is asked on each call all the same.

use crate::{
    keys::{Key, schedule},
    members::MemberId,
    sessions::SessionId,
};
use base::{Ids, Result, Timestamp, error::internal, error::unauthenticated};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use platform::{Config, config::Accounts as Settings};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError, RwLock},
    time::Duration,
};
use uuid::Uuid;

const AUDIENCE: &str = "mundo-tango";
/// How far the clocks of two nodes may differ.
const LEEWAY_S: i64 = 30;
/// Verified tokens remembered in each of the shards.
const REMEMBERED: usize = 8192;
const SHARDS: usize = 16;
/// Nine random bytes in base64url.
const KID_LENGTH: usize = 12;

/// A token signed at the last moment lives its time; the clocks of nodes differ.
pub fn afterlife(settings: &Settings) -> Duration {
    Duration::from_secs(settings.access_ttl_s) + 2 * Duration::from_secs(LEEWAY_S as u64)
}

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

/// A key in its place: see [`schedule`].
struct Turn {
    kid: String,
    signing: SigningKey,
    verifying: VerifyingKey,
    /// The exact header of its tokens.
    header: String,
    starts: Timestamp,
    ends: Option<Timestamp>,
}

struct Ring {
    turns: Vec<Turn>,
    by_header: HashMap<String, usize>,
}

pub struct AccessTokens {
    issuer: String,
    ttl_s: i64,
    afterlife: Duration,
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
    fn new(keys: Vec<Key>, afterlife: Duration) -> Ring {
        let starts: Vec<_> = keys.iter().map(|key| key.signs_from).collect();
        let turn = |(place, key): (usize, Key)| Turn {
            header: header(&key.id),
            verifying: key.signing.verifying_key(),
            starts: key.signs_from,
            ends: schedule::ends(&starts, place, afterlife),
            kid: key.id,
            signing: key.signing,
        };
        let turns: Vec<_> = keys.into_iter().enumerate().map(turn).collect();
        let by_header = turns
            .iter()
            .enumerate()
            .map(|(place, turn)| (turn.header.clone(), place))
            .collect();
        Ring { turns, by_header }
    }

    /// Before its time the first one signs: a clock that lags must not stop log-ins.
    fn signer(&self, now: Timestamp) -> &Turn {
        let started = self.turns.iter().rfind(|turn| turn.starts <= now);
        started.or(self.turns.first()).expect("there is always a key")
    }
}

impl AccessTokens {
    pub fn new(keys: Vec<Key>, config: &Config) -> AccessTokens {
        AccessTokens {
            issuer: config.public_url(),
            ttl_s: config.accounts.access_ttl_s as i64,
            ring: RwLock::new(Ring::new(keys, afterlife(&config.accounts))),
            afterlife: afterlife(&config.accounts),
            verified: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Lets these keys sign and verify. What an earlier one had verified is looked at
    /// again: it may have been thrown away.
    pub fn replace_keys(&self, keys: Vec<Key>) {
        let new = Ring::new(keys, self.afterlife);
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        let lost = ring
            .by_header
            .keys()
            .any(|header| !new.by_header.contains_key(header));
        *ring = new;
        drop(ring);
        if lost {
            for shard in &self.verified {
                shard.lock().unwrap_or_else(PoisonError::into_inner).clear();
            }
        }
    }

    /// How long after its last signature a key must still verify.
    pub fn afterlife(&self) -> Duration {
        self.afterlife
    }

    /// Ids and public halves of those that verify now or will, in base64url.
    pub fn public_keys(&self, now: Timestamp) -> Vec<(String, String)> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let live = |turn: &&Turn| turn.ends.is_none_or(|end| end > now);
        ring.turns
            .iter()
            .filter(live)
            .map(|turn| (turn.kid.clone(), BASE64.encode(turn.verifying.to_bytes())))
            .collect()
    }

    /// Whether the token has exactly the header that a key we have not met would have.
    pub fn names_unknown_key(&self, token: &str) -> bool {
        let Some((named, _)) = token.split_once('.') else {
            return false;
        };
        let kid = BASE64.decode(named).ok().and_then(|text| {
            let text: HashMap<String, String> = serde_json::from_slice(&text).ok()?;
            text.get("kid").cloned()
        });
        let plain = |kid: &String| {
            kid.len() == KID_LENGTH
                && kid
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        !ring.by_header.contains_key(named) && kid.filter(plain).is_some_and(|kid| header(&kid) == named)
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
        let signer = ring.signer(now);
        let signed = format!("{}.{}", signer.header, BASE64.encode(claims));
        let signature = signer.signing.sign(signed.as_bytes());
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
        let (key, ends) = {
            let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
            let place = *ring.by_header.get(header).ok_or_else(refuse)?;
            (ring.turns[place].verifying, ring.turns[place].ends)
        };
        if ends.is_some_and(|end| end <= now) {
            return Err(refuse());
        }
        let signature = BASE64.decode(signature).map_err(|_| refuse())?;
        let signature = Signature::from_slice(&signature).map_err(|_| refuse())?;
        key.verify(signed.as_bytes(), &signature).map_err(|_| refuse())?;
        let claims = BASE64.decode(claims).map_err(|_| refuse())?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| refuse())?;
        let now_s = now.as_seconds();
        let early = claims.nbf > now_s + LEEWAY_S || claims.iat > now_s + LEEWAY_S;
        // A key that has had its turn signs no more, whoever holds it by now.
        let late = ends.is_some_and(|end| claims.exp > end.as_seconds());
        if claims.iss != self.issuer || claims.aud != AUDIENCE || early || late {
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

#[cfg(test)]
mod tests;
