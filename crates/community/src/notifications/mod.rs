//! Notifications: what a member is told of, where, and when not.
//!
//! Slices announce signals; [`causes`] says whom a signal concerns and why. A cause
//! counts once for each member, however often its signal comes, and everything it
//! sets off (the row, the live push, the Web Push, the digest) is promised in the
//! same transaction. What belongs together is one notification while it is unread:
//! "five people reacted to your post".
//!
//! A member says by kind and channel what they want, and when they want quiet, by
//! the clocks of their own zone. Priorities follow ALGO-6 ([`priority`]).
//!
//! Never true: a notification of somebody the member has blocked or muted, or who
//! blocked them; one about oneself; text of a post or message kept here; a note to a
//! device in the member's quiet hours, of what they have read by then, or of what they
//! may not read any more ([`push`]).

mod belongings;
mod causes;
mod digest;
mod http;
mod model;
mod ops;
pub mod priority;
mod push;
mod quiet;
mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;
pub use model::{Channel, NotificationId, NotificationKind};
pub use push::{Pusher, sockets};

use crate::notices::NoticeId;
use accounts::MemberId;
use base::Result;
use db::Tx;
use platform::AppState;
use supervisor::Plan;

/// Tells a member of a notice, as a part of the caller's write.
pub(crate) async fn tell_of_notice(
    app: &AppState,
    tx: &Tx,
    member: MemberId,
    notice: NoticeId,
) -> Result<()> {
    let kind = NotificationKind::Notice;
    let cause = model::Cause {
        member,
        kind,
        subject: (model::SubjectKind::Notice, notice.0),
        actor: member,
        name: format!("{kind}:{notice}"),
        said: None,
    };
    ops::tell(app, tx, &cause).await
}

pub fn workers(app: &AppState) -> Vec<Plan> {
    vec![causes::worker(app), digest::worker(app)]
}
