//! What the platform tells whoever keeps errors and figures.

use base::Error;
use std::time::Duration;

/// One answered request.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    pub method: &'a str,
    /// The route's pattern, never the path that was asked for.
    pub route: &'a str,
    pub status: u16,
    pub took: Duration,
    /// The code of the problem, when there was one.
    pub code: Option<&'a str>,
}

/// An error that is ours: a 5xx, a panic, a worker's failure.
#[derive(Clone, Copy, Debug)]
pub struct Fault<'a> {
    pub kind: FaultKind,
    pub error: &'a Error,
    /// Where: a route's pattern or a worker's name.
    pub place: &'a str,
    pub request_id: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    Error,
    Panic,
}

/// Implemented above; must return at once.
pub trait Watch: Send + Sync {
    fn answered(&self, answered: Answered<'_>);
    fn fault(&self, fault: Fault<'_>);
    /// A request continues the caller's trace; nobody has entered its span yet.
    fn continues(&self, span: &tracing::Span, traceparent: &str) {
        let _ = (span, traceparent);
    }
}
