//! Members as others see them: who they are, what they say of themselves, what they do.
//!
//! Each part of a profile has an audience (everybody, friends, nobody else), and
//! [`shows!`](store) is the one condition that decides what of it a reader sees: in
//! the page, in search, in suggestions. What is hidden is null or empty, as if it had
//! never been said. A profile never shows the e-mail address, and counts what follows
//! and friends count. A city has one name; whoever tells everybody where they live is
//! brought to that city's group by a signal.
//!
//! Accounts own the member's row; this slice owns `profile` and `experience`.

mod belongings;
mod experience;
mod http;
mod model;
mod ops;
mod signals;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use experience::{ExperienceKind, ExperiencePage};
pub use http::routes;
pub(crate) use model::author_columns;
pub use model::{About, Audience, Author, MemberProfile, Privacy, Profile, TangoRole};
pub use signals::{Home, ProfileChanged};
