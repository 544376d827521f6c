#![doc = include_str!("../README.md")]

// The macros name this crate as their users see it.
extern crate self as base;

pub mod error;
pub mod fold;
pub mod geo;
pub mod ids;
pub mod input;
pub mod list;
pub mod page;
pub mod random;
pub mod text;
pub mod time;
pub mod time_zone;

pub use error::{Error, FieldError, Kind, Result};
pub use fold::{fold, slug};
pub use geo::{Latitude, Longitude};
pub use ids::Ids;
pub use list::Few;
pub use page::{Cursor, Page, Paging};
pub use random::Entropy;
pub use text::{Email, Line, Password, Text, Username, Whole};
pub use time::{Clock, Day, Timestamp};
pub use time_zone::TimeZone;

#[doc(hidden)]
pub use {schemars, serde, uuid};
