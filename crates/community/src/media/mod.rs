//! Media: pictures, videos and sound that members upload, and who may look at them.
//!
//! An upload (tus 1.0, `uploads.rs`) becomes a medium: one row from its first
//! byte on. When the last byte is there a task looks at what it is. Pictures are
//! decoded and written anew in a few sizes (`pictures.rs`), video and sound are
//! kept as they came. A medium belongs to its owner and is attached to one thing
//! at most: a post, a message, a profile; what is forwarded is copied, and copies
//! share their bytes. Whoever may see that thing is given
//! addresses of its files, signed and good for an hour or two (`urls.rs`).
//!
//! Never true: bytes of a member's file answered under a type that a browser
//! runs; the upload of a picture kept once its copies are made; a row that names
//! bytes that are not there; an attached medium that expires.
//!
//! `kinds.rs` tells types by their first bytes, `clean_up.rs` removes what nobody
//! needs. Other slices call [`attach`], [`copy`], [`detach`], [`show`] and [`of_subjects`]; no one
//! else writes blobs.

mod attaching;
mod belongings;
mod clean_up;
mod http;
mod kinds;
mod model;
mod ops;
mod pictures;
mod processing;
mod store;
mod tus;
mod uploads;
mod urls;

#[cfg(test)]
pub(crate) mod tests;

pub use attaching::{
    MOST_ATTACHED, Subject, SubjectKind, attach, copy, detach, detach_from_comments, of_subjects, show,
};
pub use belongings::belongings;
pub use clean_up::workers;
pub use http::routes;
pub use kinds::Kind as MediaKind;
pub use model::{Media, MediaId, MediaSize, MediaStatus, MediaView};
pub use processing::Processing;
