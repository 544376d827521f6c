//! Refresh tokens: made, not stored.
//!
//! `version | session | generation | MAC(session key, …)`. The same generation
//! of a session always has the same token, so an answer that was lost can be
//! given again without keeping it anywhere. The MAC is keyed BLAKE3.

use crate::sessions::SessionId;
use base::Timestamp;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use uuid::Uuid;

const VERSION: u8 = 1;
const LINK_VERSION: u8 = 101;
const BODY: usize = 1 + 16 + 8;
const LENGTH: usize = BODY + 32;

/// What a presented token claims; only [`Presented::is_genuine`] makes it true.
#[derive(Clone, Debug)]
pub struct Presented {
    pub session: SessionId,
    pub generation: i64,
    body: [u8; BODY],
    mac: [u8; 32],
}

fn body(session: SessionId, generation: i64) -> [u8; BODY] {
    let mut body = [VERSION; BODY];
    body[1..17].copy_from_slice(session.0.as_bytes());
    body[17..].copy_from_slice(&generation.to_be_bytes());
    body
}

/// The token of a generation.
pub fn token(key: &[u8; 32], session: SessionId, generation: i64) -> String {
    let body = body(session, generation);
    let mac = blake3::keyed_hash(key, &body);
    BASE64.encode([&body[..], mac.as_bytes()].concat())
}

pub fn parse(token: &str) -> Option<Presented> {
    parse_as(VERSION, token)
}

fn parse_as(version: u8, token: &str) -> Option<Presented> {
    let bytes: [u8; LENGTH] = BASE64.decode(token).ok()?.try_into().ok()?;
    let body: [u8; BODY] = bytes[..BODY].try_into().ok()?;
    Some(Presented {
        session: SessionId(Uuid::from_slice(&body[1..17]).ok()?),
        generation: i64::from_be_bytes(body[17..].try_into().ok()?),
        mac: bytes[BODY..].try_into().ok()?,
        body,
    })
    .filter(|presented| presented.body[0] == version)
}

/// A token that does one thing: end all sessions of its session's member.
pub fn link_token(key: &[u8; 32], session: SessionId, until: Timestamp) -> String {
    let body = link_body(session, until.as_seconds());
    let mac = blake3::keyed_hash(key, &body);
    BASE64.encode([&body[..], mac.as_bytes()].concat())
}

/// The same shape under another version, so that neither token passes for the other.
fn link_body(session: SessionId, until_s: i64) -> [u8; BODY] {
    let mut body = body(session, until_s);
    body[0] = LINK_VERSION;
    body
}

/// What a link claims: whose session, and until when.
pub fn parse_link(token: &str) -> Option<(Presented, Timestamp)> {
    let presented = parse_as(LINK_VERSION, token)?;
    let until = Timestamp::from_micros(presented.generation.checked_mul(1_000_000)?);
    Some((presented, until))
}

impl Presented {
    /// Compares in constant time.
    pub fn is_genuine(&self, key: &[u8; 32]) -> bool {
        blake3::keyed_hash(key, &self.body) == blake3::Hash::from_bytes(self.mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_genuine_under_its_own_key_alone() {
        let session = SessionId(Uuid::from_u128(5));
        let token = token(&[1; 32], session, 3);
        let presented = parse(&token).unwrap();
        assert_eq!((presented.session, presented.generation), (session, 3));
        assert!(presented.is_genuine(&[1; 32]));
        assert!(!presented.is_genuine(&[2; 32]));
        let forged = super::token(&[2; 32], session, 4);
        assert!(!parse(&forged).unwrap().is_genuine(&[1; 32]));
        assert!(parse("short").is_none());
    }

    #[test]
    fn a_link_is_no_refresh_token_and_the_other_way_round() {
        let (session, key) = (SessionId(Uuid::from_u128(5)), [1; 32]);
        let until = Timestamp::from_micros(7_000_000);
        let link = link_token(&key, session, until);
        let (presented, ends) = parse_link(&link).unwrap();
        assert!(presented.is_genuine(&key) && ends == until);
        assert!(parse(&link).is_none());
        assert!(parse_link(&token(&key, session, 7)).is_none());
    }
}
