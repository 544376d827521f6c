//! Places that members recommend: restaurants, venues, schools, and what each of them thinks of it.
//!
//! A place stands here once, by its name and city, with pictures, and with one rating of each member.
//! Lists show the best first: a place with few ratings is drawn to the middle, so that one friend's five
//! stars do not stand above fifty people's four and a half ([`model::score`]).
//!
//! Everybody sees a place; only who recommended it, and staff, change it. Of somebody with whom the
//! reader has nothing to do they see neither the name beside a place nor the rating.
//!
//! Never true: two ratings of one member; counts that differ from the ratings; a withheld place before
//! anybody but its author and staff.

mod belongings;
mod http;
mod model;
mod ops;
mod policy;
mod signals;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;
pub use model::{Place, PlaceId, PlaceKind, Rating};
pub use signals::PlaceChanged;
