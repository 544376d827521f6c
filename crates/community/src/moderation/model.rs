use crate::{
    profiles::Author,
    reports::{Reason, SubjectId, SubjectKind},
};
use accounts::MemberId;
use base::{Result, Timestamp, choice, error::internal, ids};
use db::{Column, Row, stored};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

ids! {
    /// Names a case.
    CaseId;
    /// Names a decision of staff.
    DecisionId;
}
stored!(ids: CaseId, DecisionId);

choice! {
    /// Whether somebody still has to look.
    pub enum CaseStatus {
        Open = "open",
        Decided = "decided",
    }
}

choice! {
    /// What staff do about it.
    #[schemars(rename = "ModerationAction")]
    pub enum Action {
        /// There is nothing wrong with it.
        Nothing = "nothing",
        /// Out of sight: its author and staff alone still see it.
        Withhold = "withhold",
        /// The member is told that this must not happen again.
        Warn = "warn",
        /// The member has the limits of a new account for a while.
        Limit = "limit",
        /// The member is put out, for a while or until staff let them in again.
        Suspend = "suspend",
    }
}

choice! {
    /// Whether a decision still holds.
    pub enum DecisionStatus {
        InForce = "in_force",
        /// Its time is over.
        Ended = "ended",
        /// Somebody else looked at it and undid it.
        Reversed = "reversed",
    }
}

choice! {
    /// What came of an appeal.
    #[schemars(rename = "AppealOutcome")]
    pub enum Outcome {
        Upheld = "upheld",
        Reversed = "reversed",
    }
}
stored!(words: CaseStatus, Action, DecisionStatus, Outcome);

/// How urgent it is and why (ALGO-5).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ModerationScore")]
pub struct Weighed {
    /// 0 to 1.
    pub score: f64,
    /// What it is made of, the heaviest first.
    pub reasons: Vec<Weight>,
}

/// One part of the score.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ModerationScorePart")]
pub struct Weight {
    pub code: String,
    pub share: f64,
}

impl Column for Weighed {
    fn read(row: &Row<'_>, index: usize) -> Result<Weighed> {
        let value: serde_json::Value = row.get(index)?;
        serde_json::from_value(value).map_err(internal)
    }
}

/// A case in the queue.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ModerationCase")]
pub struct Case {
    pub id: CaseId,
    pub subject_kind: SubjectKind,
    pub subject_id: SubjectId,
    /// Who wrote or is what is looked at.
    pub accused: Author,
    pub status: CaseStatus,
    pub why: Weighed,
    /// Reports that nobody has answered.
    pub report_count: i64,
    pub opened_at: Timestamp,
    /// When somebody should have looked: the queue is in this order.
    pub due_at: Timestamp,
    /// Who has it alone, while that holds.
    pub claimed_by: Option<MemberId>,
    pub claimed_until: Option<Timestamp>,
}

/// What somebody reported, as staff see it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ModerationReport")]
pub struct Reported {
    /// Null to a community's own staff.
    pub reporter: Option<Author>,
    pub reason: Reason,
    pub note: String,
    pub created_at: Timestamp,
}

/// What is looked at, as staff see it: withheld or not, private or not.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ModerationContent")]
pub struct Content {
    pub body: String,
    pub html: Option<String>,
    pub created_at: Timestamp,
    pub is_withheld: bool,
}

/// A decision, as staff see it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ModerationDecision")]
pub struct Decision {
    pub id: DecisionId,
    pub case_id: CaseId,
    pub subject_kind: SubjectKind,
    pub subject_id: SubjectId,
    pub accused_id: MemberId,
    /// Null when the account is gone.
    pub decided_by: Option<MemberId>,
    pub action: Action,
    /// The content is out of sight.
    pub withholds: bool,
    pub reason: Reason,
    /// To the member, in the words of who decided.
    pub note: String,
    pub ends_at: Option<Timestamp>,
    pub status: DecisionStatus,
    pub created_at: Timestamp,
    /// What the member said against it.
    pub appeal: Option<String>,
    pub appealed_at: Option<Timestamp>,
    pub outcome: Option<Outcome>,
    pub reviewed_by: Option<MemberId>,
    pub review_note: Option<String>,
    pub reviewed_at: Option<Timestamp>,
}

/// A decision, as the member it is about sees it: who decided is not told.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DecisionAboutMe")]
pub struct Told {
    pub id: DecisionId,
    pub subject_kind: SubjectKind,
    pub subject_id: SubjectId,
    pub action: Action,
    pub withholds: bool,
    pub reason: Reason,
    pub note: String,
    pub ends_at: Option<Timestamp>,
    pub status: DecisionStatus,
    pub created_at: Timestamp,
    /// Until when one may appeal; null when that is not possible (any more).
    pub appeal_until: Option<Timestamp>,
    pub appeal: Option<String>,
    pub appealed_at: Option<Timestamp>,
    pub outcome: Option<Outcome>,
    pub review_note: Option<String>,
    pub reviewed_at: Option<Timestamp>,
}

impl Decision {
    /// Without who decided.
    pub fn told(self, appeal_until: Option<Timestamp>) -> Told {
        Told {
            id: self.id,
            subject_kind: self.subject_kind,
            subject_id: self.subject_id,
            action: self.action,
            withholds: self.withholds,
            reason: self.reason,
            note: self.note,
            ends_at: self.ends_at,
            status: self.status,
            created_at: self.created_at,
            appeal_until,
            appeal: self.appeal,
            appealed_at: self.appealed_at,
            outcome: self.outcome,
            review_note: self.review_note,
            reviewed_at: self.reviewed_at,
        }
    }
}
