//! Reports: a member tells that a post, a comment, a story, a message, a place or a
//! member does harm.
//!
//! Here stands what was reported, why and how far that has come; who looks at it
//! and decides is moderation's. Only what one may see can be reported, once by
//! each member. Who was reported never learns by whom.

mod belongings;
mod http;
mod ops;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;

use accounts::MemberId;
use base::{Timestamp, choice, ids};
use db::stored;
use platform::signals::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

ids! {
    /// Names a report.
    ReportId;
    /// Names what is reported.
    SubjectId;
}
stored!(ids: ReportId, SubjectId);

choice! {
    /// What is reported.
    #[schemars(rename = "ReportSubject")]
    pub enum SubjectKind {
        Post = "post",
        Comment = "comment",
        Story = "story",
        Message = "message",
        Place = "place",
        Member = "member",
    }
}

choice! {
    /// What is wrong with it.
    #[schemars(rename = "ReportReason")]
    pub enum Reason {
        Spam = "spam",
        Harassment = "harassment",
        Hate = "hate",
        Nudity = "nudity",
        Violence = "violence",
        Misinformation = "misinformation",
        Impersonation = "impersonation",
        Other = "other",
    }
}

choice! {
    /// How far it has come.
    pub enum ReportStatus {
        Pending = "pending",
        Reviewed = "reviewed",
        Resolved = "resolved",
        Dismissed = "dismissed",
    }
}
stored!(words: SubjectKind, Reason, ReportStatus);

/// A report as who made it sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    pub id: ReportId,
    pub subject_kind: SubjectKind,
    pub subject_id: SubjectId,
    pub reason: Reason,
    pub note: String,
    pub status: ReportStatus,
    pub created_at: Timestamp,
}

/// Something was reported.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reported {
    pub id: ReportId,
    pub subject_kind: SubjectKind,
    pub subject_id: SubjectId,
    pub accused: MemberId,
    pub reason: Reason,
}

impl Signal for Reported {
    const KIND: &'static str = "reported";
}
