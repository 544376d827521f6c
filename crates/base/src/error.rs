//! One error for the whole server.
//!
//! A [`Kind`] says how the caller should react, `code` is what clients decide
//! by, and the cause is for the log alone: it never reaches a client. The
//! sentence for people is looked up by code in the reader's language at the
//! edge, so no text stands in code.

use std::{borrow::Cow, error::Error as StdError, fmt};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How the caller should react. Closed: a new kind is a decision for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The bytes are not what the protocol asks for (400).
    Malformed,
    /// Understood, but a value is not allowed (422).
    Invalid,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    Conflict,
    /// A precondition names another version (412).
    Stale,
    TooLarge,
    UnsupportedMediaType,
    /// No such part of a file (416).
    OutOfRange,
    /// Not the bytes that the checksum speaks of (460, a status of tus 1.0).
    Corrupted,
    RateLimited,
    /// Try again later; nothing was changed (503).
    Unavailable,
    Internal,
}

/// One field of the request that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer into the body, or the parameter's name.
    pub pointer: String,
    pub code: &'static str,
    /// Values for the sentence, for instance `("max", "5000")`.
    pub args: Vec<(&'static str, String)>,
}

pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    code: Cow<'static, str>,
    about: Option<&'static str>,
    args: Vec<(&'static str, String)>,
    fields: Vec<FieldError>,
    retry_after_s: Option<u32>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub fn new(kind: Kind, code: impl Into<Cow<'static, str>>) -> Error {
        Error(Box::new(Inner {
            kind,
            code: code.into(),
            about: None,
            args: Vec::new(),
            fields: Vec::new(),
            retry_after_s: None,
            cause: None,
        }))
    }

    /// The noun the sentence speaks of, for instance `post`.
    #[must_use]
    pub fn about(mut self, noun: &'static str) -> Error {
        self.0.about = Some(noun);
        self
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Error {
        self.0.args.push((name, value.to_string()));
        self
    }

    #[must_use]
    pub fn field(mut self, field: FieldError) -> Error {
        self.0.fields.push(field);
        self
    }

    #[must_use]
    pub fn cause(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        self.0.cause = Some(cause.into());
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Error {
        self.0.retry_after_s = Some(seconds);
        self
    }

    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    pub fn code(&self) -> &str {
        &self.0.code
    }

    pub fn noun(&self) -> Option<&'static str> {
        self.0.about
    }

    pub fn args(&self) -> &[(&'static str, String)] {
        &self.0.args
    }

    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    pub fn retry_after_s(&self) -> Option<u32> {
        self.0.retry_after_s
    }

    /// The cause, when it is of that type.
    pub fn cause_as<C: StdError + 'static>(&self) -> Option<&C> {
        self.0.cause.as_deref()?.downcast_ref()
    }

    /// The causes from the outside in, as the log and the error store keep them.
    pub fn chain(&self) -> Vec<String> {
        let mut texts = vec![];
        let mut next: Option<&dyn StdError> = self.0.cause.as_deref().map(|cause| cause as _);
        while let Some(cause) = next {
            texts.push(cause.to_string());
            next = cause.source();
        }
        texts
    }

    /// True for what is our fault or our machine's.
    pub fn is_fault(&self) -> bool {
        matches!(self.0.kind, Kind::Unavailable | Kind::Internal)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.code)?;
        if let Some(noun) = self.0.about {
            write!(f, " ({noun})")?;
        }
        for field in &self.0.fields {
            write!(f, " [{} {}]", field.pointer, field.code)?;
        }
        for cause in self.chain() {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {self}", self.0.kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

/// Nothing of that kind is there, or the caller may not know of it.
pub fn not_found(noun: &'static str) -> Error {
    Error::new(Kind::NotFound, "not_found").about(noun)
}

pub fn conflict(code: &'static str) -> Error {
    Error::new(Kind::Conflict, code)
}

pub fn forbidden(code: &'static str) -> Error {
    Error::new(Kind::Forbidden, code)
}

pub fn unauthenticated(code: &'static str) -> Error {
    Error::new(Kind::Unauthenticated, code)
}

/// One value of the request is not allowed.
pub fn invalid(pointer: impl Into<String>, code: &'static str) -> Error {
    Error::new(Kind::Invalid, "invalid").field(FieldError {
        pointer: pointer.into(),
        code,
        args: Vec::new(),
    })
}

/// The machine's fault, for now: try again.
pub fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::new(Kind::Unavailable, "unavailable")
        .retry_after(1)
        .cause(cause)
}

/// A broken expectation of ours.
pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::new(Kind::Internal, "internal").cause(cause)
}
