//! Web Push: a note to a member who is not there, by way of the push service of
//! their browser.
//!
//! A browser subscribes for its session ([`http`]) and names a service where it
//! can be told ([`endpoint`]: only services that the settings name, and never an
//! address inside our own network). [`promise`] promises a note in the transaction
//! of what it tells of; the durable task behind it seals the note for that
//! browser alone ([`sealing`], RFC 8291), signs the request with a key of ours
//! ([`vapid`], RFC 8292) and tries again while the service is away ([`send`]).
//!
//! Never true: a note that the push service can read; a note to a session that
//! has ended; a request to an address that a member chose freely. Whom to tell,
//! and whether they want it, is decided by whoever calls [`promise`]: preferences
//! and quiet hours are asked there.

mod endpoint;
pub mod http;
mod sealing;
mod send;
mod store;
mod vapid;

pub use send::Sender;
pub(crate) use store::end_with_session;
pub use store::{list_keys, rotate_key};
pub use vapid::purpose;

use crate::MemberId;
use base::{Result, ids};
use db::{Executor, Tx, stored};
use platform::{
    App,
    tasks::{self, NewTask, Priority},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

ids! {
    /// Names a browser's subscription.
    SubscriptionId;
}
stored!(ids: SubscriptionId);

/// What the browser shows. Together at most some 3,000 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub title: String,
    pub body: String,
    /// The page to open: a path of this site.
    pub url: String,
    /// A later note with the same tag takes the place of this one.
    pub tag: String,
}

/// How long a note is worth showing.
const WORTH: Duration = Duration::from_hours(24);
/// Tries before a note is given up: with the pauses between them some two hours.
const ATTEMPTS: u32 = 12;

/// A note on its way to one browser.
#[derive(Serialize, Deserialize)]
struct Promise {
    subscription: SubscriptionId,
    note: Note,
}

/// The browsers of these members that want to be told.
pub async fn subscribed(db: &impl Executor, members: &[MemberId]) -> Result<Vec<SubscriptionId>> {
    if members.is_empty() {
        return Ok(vec![]);
    }
    store::of_members(db, members).await
}

/// Promises the note to each of these browsers, once for each `key`: whoever
/// tells of the same thing again tells nothing. It leaves after the commit.
pub async fn promise(app: &App, tx: &Tx, to: &[SubscriptionId], note: &Note, key: &str) -> Result<()> {
    for subscription in to {
        let promise = Promise {
            subscription: *subscription,
            note: note.clone(),
        };
        let task = NewTask::new(send::KIND, &promise)?
            .once(format!("{key} {subscription}"))
            .priority(Priority::High)
            .max_attempts(ATTEMPTS);
        tasks::enqueue(app, tx, task).await?;
    }
    Ok(())
}
