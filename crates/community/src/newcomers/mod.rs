//! Newcomers: what a new account may do in a day, and to whom it may write first.
//!
//! Spam comes from accounts that were made for it. So an account of the first days
//! (`newcomers.*`) posts, comments, writes and asks only so often, and is told so:
//! never is something taken as if it were done and then shown to nobody. Staff can
//! put an older account under the same limits until a day. The counts are rate
//! limits like all others; how old an account is stands in its id, so that who is
//! not new costs no question to the database.
//!
//! Neighbours: `moderation` limits members; posts, comments, messages, rooms and
//! follows ask here before they write.

mod belongings;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;

use accounts::MemberId;
use base::{Error, Kind, Result, Timestamp, error::forbidden};
use platform::{App, limits::Limit};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

const DAY: Duration = Duration::from_hours(24);
/// For how long a node trusts what it knows of whom staff limited.
const TRUSTED: Duration = Duration::from_secs(5);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Post,
    Comment,
    Message,
    /// A friend request, a follow.
    Request,
    /// Writing to somebody for the first time.
    FirstMessage,
}

/// Whom staff limited, and until when; and when that was read.
#[derive(Default)]
struct Limited(Mutex<Option<(Timestamp, HashMap<MemberId, Timestamp>)>>);

/// Counts a deed of a new or limited account, unless it is one too many for today. Not within a write.
pub async fn count(app: &App, member: MemberId, deed: Deed) -> Result<()> {
    if !is_new(app, member).await? {
        return Ok(());
    }
    let set = &app.config.newcomers;
    let (name, count) = match deed {
        Deed::Post => ("newcomer_posts", set.posts_per_day),
        Deed::Comment => ("newcomer_comments", set.comments_per_day),
        Deed::Message => ("newcomer_messages", set.messages_per_day),
        Deed::Request => ("newcomer_requests", set.requests_per_day),
        Deed::FirstMessage => ("newcomer_first_messages", set.first_messages_per_day),
    };
    let limit = Limit {
        name,
        count,
        period: DAY,
    };
    let Some(wait) = app.limits.take(limit, member).await.retry_after else {
        return Ok(());
    };
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).max(1);
    Err(Error::new(Kind::RateLimited, "newcomer_limit")
        .with("count", count)
        .with("minutes", seconds.div_ceil(60))
        .retry_after(seconds))
}

/// Whether the member may write to another for the first time. Not within a write.
pub async fn may_write_first(app: &App, member: MemberId, other: MemberId) -> Result<()> {
    if !is_new(app, member).await? {
        return Ok(());
    }
    let wants_acquaintance = app.config.newcomers.writes_first_to == "acquaintances";
    if wants_acquaintance && !store::are_acquainted(&app.db, member, other).await? {
        return Err(forbidden("newcomer_writes_first"));
    }
    count(app, member, Deed::FirstMessage).await
}

/// Whether the limits of new accounts hold for this one.
pub async fn is_new(app: &App, member: MemberId) -> Result<bool> {
    let (days, now) = (u64::from(app.config.newcomers.days), app.clock.now());
    if now.since(made_at(member)) < Duration::from_hours(24 * days) {
        return Ok(true);
    }
    let limited = app.memory::<Limited>();
    {
        let known = limited.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read_at, until)) = &*known
            && now.since(*read_at) < TRUSTED
        {
            return Ok(until.get(&member).is_some_and(|until| *until > now));
        }
    }
    let read: HashMap<MemberId, Timestamp> = store::limited(&app.db, now).await?.into_iter().collect();
    let is_limited = read.contains_key(&member);
    *limited.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, read));
    Ok(is_limited)
}

/// Asks the database again: staff have limited somebody, or ended it.
pub(crate) fn forget(app: &App) {
    let limited = app.memory::<Limited>();
    *limited.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// When the account was made, as its id says.
fn made_at(member: MemberId) -> Timestamp {
    let millis = member.0.as_u128() >> 80;
    Timestamp::from_micros(i64::try_from(millis).unwrap_or(i64::MAX / 1000) * 1000)
}
