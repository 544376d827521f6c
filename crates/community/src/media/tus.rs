//! The words of tus 1.0 (<https://tus.io/protocols/resumable-upload>): headers in, headers out.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base::{Error, Kind, Result, Timestamp, error::invalid};
use base64::{Engine, prelude::BASE64_STANDARD};
use platform::http::Headers;
use sha1::{Digest, Sha1};
use sha2::Sha256;

pub const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,creation-with-upload,expiration,termination,checksum";
const ALGORITHMS: &str = "sha1,sha256";
/// The type of a piece of an upload.
pub const PIECE: &str = "application/offset+octet-stream";
/// Characters of a description or a name that came with an upload.
const MOST_CHARS: usize = 1000;

/// What every answer of these routes bears.
pub const BEARS: &[(&str, &str)] = &[("tus-resumable", VERSION), ("tus-version", VERSION)];

/// Refuses a client that speaks another version.
pub fn check_version(version: Option<&str>) -> Result<()> {
    if version == Some(VERSION) {
        return Ok(());
    }
    Err(Error::new(Kind::Stale, "tus_version"))
}

/// A header that must hold a count of bytes.
pub fn count(name: &'static str, value: Option<&str>) -> Result<i64> {
    value
        .and_then(|value| value.trim().parse::<i64>().ok())
        .filter(|count| *count >= 0)
        .ok_or_else(|| invalid(name, "invalid_value"))
}

/// What the client says of its file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    pub name: String,
    pub alt: String,
}

/// `Upload-Metadata`: pairs of a key and a value in base64. Keys we do not know are ignored.
pub fn metadata(value: Option<&str>) -> Result<Metadata> {
    let mut metadata = Metadata::default();
    for pair in value
        .unwrap_or_default()
        .split(',')
        .filter(|pair| !pair.trim().is_empty())
    {
        let (key, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        let known = match key {
            "filename" | "name" => &mut metadata.name,
            "alt" => &mut metadata.alt,
            _ => continue,
        };
        let text = BASE64_STANDARD.decode(value.trim()).ok();
        let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.ok_or_else(|| invalid("Upload-Metadata", "invalid_value"))?;
        // No text of ours holds control characters.
        *known = text
            .chars()
            .filter(|c| !c.is_control())
            .take(MOST_CHARS)
            .collect();
    }
    Ok(metadata)
}

/// A checksum that the bytes of one request must have.
pub enum Checksum {
    Sha1(Sha1, Vec<u8>),
    Sha256(Sha256, Vec<u8>),
}

impl Checksum {
    /// `Upload-Checksum`: the algorithm and the sum in base64.
    pub fn parse(value: Option<&str>) -> Result<Option<Checksum>> {
        let Some(value) = value else {
            return Ok(None);
        };
        let wrong = || Error::new(Kind::Malformed, "checksum_algorithm");
        let (algorithm, sum) = value.trim().split_once(' ').ok_or_else(wrong)?;
        let sum = BASE64_STANDARD.decode(sum.trim()).map_err(|_| wrong())?;
        match algorithm {
            "sha1" => Ok(Some(Checksum::Sha1(Sha1::new(), sum))),
            "sha256" => Ok(Some(Checksum::Sha256(Sha256::new(), sum))),
            _ => Err(wrong()),
        }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Checksum::Sha1(hasher, _) => hasher.update(bytes),
            Checksum::Sha256(hasher, _) => hasher.update(bytes),
        }
    }

    pub fn check(self) -> Result<()> {
        let fits = match self {
            Checksum::Sha1(hasher, sum) => hasher.finalize().as_slice() == sum,
            Checksum::Sha256(hasher, sum) => hasher.finalize().as_slice() == sum,
        };
        if fits {
            return Ok(());
        }
        Err(Error::new(Kind::Corrupted, "checksum_mismatch"))
    }
}

/// What this server can do.
pub fn abilities(max_bytes: u64) -> HeaderMap {
    headers([
        ("tus-extension", EXTENSIONS.to_owned()),
        ("tus-max-size", max_bytes.to_string()),
        ("tus-checksum-algorithm", ALGORITHMS.to_owned()),
    ])
}

/// How far an upload is, and until when it may be continued.
pub fn progress(offset: i64, expires_at: Option<Timestamp>) -> HeaderMap {
    let mut map = headers([("upload-offset", offset.to_string())]);
    if let Some(at) = expires_at {
        map.extend(headers([("upload-expires", at.as_http_date())]));
    }
    map
}

pub fn headers<const N: usize>(pairs: [(&'static str, String); N]) -> HeaderMap {
    pairs
        .into_iter()
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?)))
        .collect()
}

/// For handlers whose body is no [`platform::http::Incoming`].
pub fn check(headers: &Headers) -> Result<()> {
    check_version(headers.get("tus-resumable"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_as_the_protocol_writes_it() {
        let read = metadata(Some(
            "filename bWlsb25nYS5qcGc=,is_confidential, alt RG9zIGJhaWxhcmluZXM=",
        ));
        let read = read.unwrap();
        assert_eq!((&*read.name, &*read.alt), ("milonga.jpg", "Dos bailarines"));
        assert_eq!(metadata(None).unwrap(), Metadata::default());
        assert!(metadata(Some("alt %%%")).is_err());
        assert!(metadata(Some("alt /w==")).is_err(), "not UTF-8");
    }

    #[test]
    fn a_checksum_is_compared_with_what_came() {
        let sum = |value| Checksum::parse(Some(value)).unwrap().unwrap();
        let mut good = sum("sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=");
        good.update(b"hel");
        good.update(b"lo");
        good.check().unwrap();
        let mut bad = sum("sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=");
        bad.update(b"hallo");
        assert_eq!(bad.check().unwrap_err().kind(), Kind::Corrupted);
        assert!(Checksum::parse(Some("md5 AAAA")).is_err());
    }
}
