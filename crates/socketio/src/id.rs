//! Names of connections and sockets: 24 characters nobody can guess.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{fmt, str};

const RANDOM_BYTES: usize = 18;
const LENGTH: usize = 24;

/// The name of a connection or of a socket.
///
/// A connection's name is a secret between it and the server: who knows it can
/// poll in its stead. A socket's name may be shown to others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; LENGTH]);

impl Id {
    /// A name made of what `fill` gives, which must be unpredictable.
    pub(crate) fn random(fill: &(dyn Fn(&mut [u8]) + Send + Sync)) -> Id {
        let mut bytes = [0; RANDOM_BYTES];
        fill(&mut bytes);
        let mut id = [0; LENGTH];
        URL_SAFE_NO_PAD
            .encode_slice(bytes, &mut id)
            .expect("18 bytes are 24 characters");
        Id(id)
    }

    /// Nothing when the text cannot be a name.
    pub fn parse(text: &str) -> Option<Id> {
        let id: [u8; LENGTH] = text.as_bytes().try_into().ok()?;
        let good = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        id.iter().all(good).then_some(Id(id))
    }

    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("names are ASCII")
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
