//! Groups: cities, communities, interests and roles, and who belongs to them.
//!
//! A city's group makes itself when somebody names the city for the first time
//! ([`cities`] knows what a city is called); all others are made by members. A
//! public group is read by everybody, a closed one is known to everybody and read
//! by its members, a private one is not there for anybody else.
//!
//! Never true: two groups of one city; a group of members without an admin; a
//! `member_count` that is not the number of active members; a private group, its
//! members or its posts shown to somebody who was not asked in.
//!
//! Posts belong to `posts`, which asks this slice who may write and read in a
//! group. Chat rooms belong to `messages`. Who joins is told by signals.

mod belongings;
pub mod cities;
mod feed;
mod http;
mod model;
pub mod ops;
pub mod policy;
mod signals;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;
pub use model::{Group, GroupId, GroupKind, GroupRole, GroupVisibility, Membership, Standing, Status};
pub use signals::{GroupAsked, GroupChanged, GroupInvited, GroupJoined, GroupLeft, cities_worker};
