//! The conventions of the HTTP API, in one place.
//!
//! * A handler takes checked input ([`Json`], [`Query`], [`Path`]) and gives
//!   [`Result`]; every error becomes a problem document (RFC 9457) here.
//! * [`Routes`] records what each route takes, answers and who may call it,
//!   read off the handler's signature; the OpenAPI document and the sweep tests
//!   read that table.
//! * [`edge`] stands around all routes: request id, time limit, panics,
//!   security headers, `ETags`, timing, the log line of an error.
//!
//! Status codes are named in this module alone.

mod answer;
mod api;
mod bytes;
mod client;
mod context;
pub mod edge;
mod examples;
mod extract;
mod idempotency;
mod listener;
mod message;
mod openapi;
mod problem;

pub use answer::{Accepted, Created, Json, NoContent, Tagged, Versioned};
pub use api::{Answer, Caller, Describe, Endpoint, Operation, Routes, Schemas, TokenScope};
pub use bytes::{Download, File, Found, Headers, Incoming, WantedRange};
pub use client::ClientIp;
pub use context::{Context, RequestContext, current_request_id};
pub use extract::{Empty, IfMatch, Path, PathPair, Query};
pub use idempotency::Once;
pub(crate) use idempotency::{InFlight, prune};
pub use listener::{Listener, serve};
pub use message::{answer_message, language_of, read_message};
pub use openapi::document;
pub use problem::{Problem, Result, status_of};
