//! The audit log: what staff did, to whom, in an order that nobody can change unseen.
//!
//! An entry is written in the transaction of the act it tells. It holds ids and
//! a commitment to its text; the text lies beside it and may be erased. A worker
//! gives committed entries their place in a chain of hashes ([`chain`]) and
//! records the newest hash in a file outside the database ([`head`]), so that
//! [`verify`] finds what was changed, taken out, moved or cut off.
//!
//! Never true: an act of staff without its entry; an entry changed after it was
//! written, but for the place the chain gives it, once.

pub mod chain;
pub(crate) mod head;
pub(crate) mod http;
mod store;
mod verify;
mod worker;

pub use head::Head;
pub use verify::{Findings, Flaw, verify};
pub(crate) use worker::chain_up;

use crate::MemberId;
use base::{Result, choice, ids};
use db::{Tx, stored};
use platform::AppState;

ids! {
    /// Names an entry of the audit log.
    AuditId;
}
stored!(ids: AuditId);

choice! {
    /// What staff did.
    pub enum Action {
        RoleGranted = "role_granted",
        RoleRevoked = "role_revoked",
        MemberSuspended = "member_suspended",
        MemberReinstated = "member_reinstated",
        SessionsEnded = "sessions_ended",
        FirstAdministrator = "first_administrator",
        MemberApproved = "member_approved",
        MemberRejected = "member_rejected",
        MemberVerified = "member_verified",
        VerificationWithdrawn = "verification_withdrawn",
        TierGranted = "tier_granted",
        TierEnded = "tier_ended",
        /// A feature flag was made, changed or deleted.
        FlagChanged = "flag_changed",
        /// Something was told to everybody, or taken back.
        NoticePublished = "notice_published",
        NoticeWithdrawn = "notice_withdrawn",
        /// A role that a member proposed.
        CustomRoleApproved = "custom_role_approved",
        CustomRoleRejected = "custom_role_rejected",
        CommunityCreated = "community_created",
        CommunityChanged = "community_changed",
        /// A case was decided without an act against anybody.
        CaseDismissed = "case_dismissed",
        ContentWithheld = "content_withheld",
        ContentRestored = "content_restored",
        MemberWarned = "member_warned",
        MemberLimited = "member_limited",
        /// Somebody else looked at a decision and left it as it is.
        AppealRefused = "appeal_refused",
        /// Somebody else looked at a decision and undid it.
        DecisionReversed = "decision_reversed",
        /// Staff read a message that is in question.
        MessageRead = "message_read",
        /// Staff acted in a group of a city.
        GroupModerated = "group_moderated",
        /// Staff changed a place that somebody recommended.
        PlaceModerated = "place_moderated",
    }
}
stored!(words: Action);

/// The worker that chains, woken by each commit of an entry.
pub(crate) const WORKER: &str = "accounts.audit";

/// What somebody did.
#[derive(Debug)]
pub struct Act<'a> {
    /// `None`: the command line.
    pub actor: Option<MemberId>,
    pub action: Action,
    pub subject: Option<MemberId>,
    /// A role or a reason, in words. May be erased later.
    pub detail: &'a str,
}

/// Writes the entry in the act's own transaction.
pub async fn record(tx: &Tx, app: &AppState, act: Act<'_>) -> Result<()> {
    let salt: [u8; 32] = app.entropy.bytes();
    store::insert(tx, app.ids.next(), &act, salt, app.clock.now()).await?;
    let app = app.clone();
    tx.on_commit(move || {
        app.supervisor.wake(WORKER);
    });
    Ok(())
}

/// Erases the texts about a member; the entries and the chain stay as they are.
pub async fn erase_texts(tx: &Tx, subject: MemberId) -> Result<u64> {
    store::erase_texts(tx, subject).await
}
