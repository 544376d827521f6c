//! The guard's errors, each with a sentence for the person at the terminal.

use base::{Error, Kind};
use std::{fmt, io};

/// The sentence behind an error; what `say` shows.
#[derive(Debug)]
struct Sentence(String);

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Sentence {}

fn error(kind: Kind, code: &'static str, sentence: impl Into<String>) -> Error {
    Error::new(kind, code).cause(Sentence(sentence.into()))
}

/// There is no guard here, or not enough of it.
pub(crate) fn not_set_up(sentence: impl Into<String>) -> Error {
    error(Kind::NotFound, "guard_not_set_up", sentence)
}

/// `guard.toml` or an argument is not as it should be.
pub(crate) fn wrong(sentence: impl Into<String>) -> Error {
    error(Kind::Malformed, "guard_wrong", sentence)
}

/// The manifest is not signed by somebody we trust, or not whole.
pub(crate) fn untrusted(sentence: impl Into<String>) -> Error {
    error(Kind::Conflict, "guard_untrusted", sentence)
}

/// The ratchet does not turn back.
pub(crate) fn refused(sentence: impl Into<String>) -> Error {
    error(Kind::Conflict, "guard_refused", sentence)
}

/// Somebody else is at it.
pub(crate) fn busy(sentence: impl Into<String>) -> Error {
    error(Kind::Conflict, "guard_busy", sentence)
}

/// The bytes cannot be had from anywhere.
pub(crate) fn lost(sentence: impl Into<String>) -> Error {
    error(Kind::Internal, "guard_lost", sentence)
}

/// The machine refused: no space, read-only, no permission.
pub(crate) fn failed(what: impl fmt::Display, cause: impl Into<io::Error>) -> Error {
    let cause = cause.into();
    error(Kind::Unavailable, "guard_failed", format!("{what}: {cause}"))
}

/// The error as one line for people.
pub fn say(error: &Error) -> String {
    match error.cause_as::<Sentence>() {
        Some(sentence) => sentence.to_string(),
        None => error.to_string(),
    }
}
