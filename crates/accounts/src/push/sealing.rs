//! A note sealed for one browser: RFC 8291, in the `aes128gcm` coding of RFC 8188.

use aes_gcm::{Aes128Gcm, KeyInit, aead::Aead};
use base::{Entropy, Result, error::internal};
use hkdf::Hkdf;
use p256::{PublicKey, SecretKey, ecdh::diffie_hellman, elliptic_curve::sec1::ToSec1Point};
use sha2::Sha256;

/// An uncompressed point of P-256.
pub const POINT_BYTES: usize = 65;
pub const AUTH_BYTES: usize = 16;
/// One record holds all of it; services must take so much (RFC 8030, 7.2).
const RECORD_BYTES: u32 = 4096;
/// What a record leaves for the text: without salt and length, key, tag and delimiter.
pub const TEXT_BYTES: usize = RECORD_BYTES as usize - 16 - 4 - 1 - POINT_BYTES - 16 - 1;
/// Lengths are rounded up, so that they tell little.
const ROUND: usize = 256;

/// What a browser's subscription gives for sealing.
#[derive(Clone, Debug)]
pub struct Recipient {
    pub key: PublicKey,
    pub auth: [u8; AUTH_BYTES],
}

impl Recipient {
    /// Nothing when that is no point of the curve or no secret of that length.
    pub fn parse(p256dh: &[u8], auth: &[u8]) -> Option<Recipient> {
        if p256dh.len() != POINT_BYTES {
            return None;
        }
        Some(Recipient {
            key: PublicKey::from_sec1_bytes(p256dh).ok()?,
            auth: auth.try_into().ok()?,
        })
    }
}

/// The body of the request to the push service.
pub fn seal(entropy: &Entropy, to: &Recipient, text: &[u8]) -> Result<Vec<u8>> {
    let ours = new_key(entropy);
    let length = (text.len() + 1).next_multiple_of(ROUND).min(TEXT_BYTES + 1);
    seal_with(&ours, entropy.bytes(), to, text, length)
}

/// A new secret of P-256; nearly every 32 bytes are one.
pub fn new_key(entropy: &Entropy) -> SecretKey {
    loop {
        if let Ok(key) = SecretKey::from_slice(&entropy.bytes::<32>()) {
            return key;
        }
    }
}

pub fn point(key: &PublicKey) -> Vec<u8> {
    key.to_sec1_point(false).as_bytes().to_vec()
}

/// `length` is that of the text with its delimiter and padding.
fn seal_with(
    ours: &SecretKey,
    salt: [u8; 16],
    to: &Recipient,
    text: &[u8],
    length: usize,
) -> Result<Vec<u8>> {
    if text.len() > TEXT_BYTES {
        return Err(internal("a note is too long"));
    }
    let own_point = point(&ours.public_key());
    let shared = diffie_hellman(ours.to_nonzero_scalar(), to.key.as_affine());
    let key_info = [&b"WebPush: info\0"[..], &point(&to.key), &own_point].concat();
    let ikm: [u8; 32] = expand(&to.auth, shared.raw_secret_bytes(), &key_info)?;
    let key: [u8; 16] = expand(&salt, &ikm, b"Content-Encoding: aes128gcm\0")?;
    let nonce: [u8; 12] = expand(&salt, &ikm, b"Content-Encoding: nonce\0")?;

    let mut padded = text.to_vec();
    padded.push(2);
    padded.resize(length.max(padded.len()), 0);
    let sealed = Aes128Gcm::new(&key.into())
        .encrypt(&nonce.into(), &*padded)
        .map_err(|_| internal("a note could not be sealed"))?;
    let size = RECORD_BYTES.to_be_bytes();
    Ok([&salt[..], &size, &[POINT_BYTES as u8], &own_point, &sealed].concat())
}

fn expand<const N: usize>(salt: &[u8], secret: &[u8], info: &[u8]) -> Result<[u8; N]> {
    let mut out = [0; N];
    Hkdf::<Sha256>::new(Some(salt), secret)
        .expand(info, &mut out)
        .map_err(|_| internal("a key has an impossible length"))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};

    /// RFC 8291, section 5.
    #[test]
    fn the_example_of_the_rfc() {
        let bytes = |text: &str| BASE64.decode(text).unwrap();
        let to = Recipient::parse(
            &bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
            &bytes("BTBZMqHH6r4Tts7J_aSIgg"),
        )
        .unwrap();
        let ours = SecretKey::from_slice(&bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let text = b"When I grow up, I want to be a watermelon";
        let sealed = seal_with(&ours, salt, &to, text, 0).unwrap();
        assert_eq!(
            BASE64.encode(sealed),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIg\
             Dll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn lengths_are_rounded_and_bounded() {
        let entropy = Entropy::seeded(3);
        let to = Recipient {
            key: new_key(&entropy).public_key(),
            auth: entropy.bytes(),
        };
        let sealed = |length| seal(&entropy, &to, &vec![b'x'; length]).map(|sealed| sealed.len());
        let head = 16 + 4 + 1 + POINT_BYTES + 16;
        assert_eq!(sealed(0).unwrap(), head + ROUND);
        assert_eq!(sealed(ROUND - 1).unwrap(), head + ROUND);
        assert_eq!(sealed(ROUND).unwrap(), head + 2 * ROUND);
        assert_eq!(sealed(TEXT_BYTES).unwrap(), RECORD_BYTES as usize);
        assert!(sealed(TEXT_BYTES + 1).is_err());
    }

    #[test]
    fn what_is_no_point_is_no_recipient() {
        let good = point(&new_key(&Entropy::seeded(4)).public_key());
        assert!(Recipient::parse(&good, &[1; 16]).is_some());
        assert!(Recipient::parse(&good, &[1; 15]).is_none());
        let mut bent = good.clone();
        bent[64] ^= 1;
        assert!(Recipient::parse(&bent, &[1; 16]).is_none());
        assert!(Recipient::parse(&[0; POINT_BYTES], &[1; 16]).is_none());
        assert!(Recipient::parse(&[], &[1; 16]).is_none());
    }
}
