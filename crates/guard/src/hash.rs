//! BLAKE3 hashes, written as hex, and the tree over them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, str::FromStr};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    pub fn of(bytes: &[u8]) -> Hash {
        Hash(*blake3::hash(bytes).as_bytes())
    }

    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight letters: enough for people.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }

    /// The hash of two parts, told apart from the hash of anything else by `domain`.
    pub(crate) fn chained(domain: &str, left: &[u8], right: &[u8]) -> Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(domain.as_bytes());
        hasher.update(&(left.len() as u64).to_le_bytes());
        hasher.update(left);
        hasher.update(right);
        Hash(*hasher.finalize().as_bytes())
    }
}

/// The Merkle root of the lines. Leaves and nodes are hashed in different domains;
/// an odd node rises unchanged.
pub(crate) fn merkle<'a>(lines: impl Iterator<Item = &'a str>) -> Hash {
    let mut row: Vec<Hash> = lines
        .map(|line| Hash::chained("guard leaf", &[], line.as_bytes()))
        .collect();
    if row.is_empty() {
        return Hash::of(b"");
    }
    while row.len() > 1 {
        row = row
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => Hash::chained("guard node", &left.0, &right.0),
                _ => pair[0],
            })
            .collect();
    }
    row[0]
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Hash {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Hash, &'static str> {
        blake3::Hash::from_hex(text)
            .map(|hash| Hash(*hash.as_bytes()))
            .map_err(|_| "expected 64 hexadecimal digits")
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        Cow::<str>::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}
