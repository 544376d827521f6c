use super::{
    Direction, FriendAccepted, FriendRequest, FriendRequestId, FriendRequested, RequestStatus, model::Plea,
    policy, store,
};
use crate::{
    follows,
    newcomers::{self, Deed},
    posts::store as posts,
    profiles, settings,
};
use accounts::{CurrentUser, MemberId};
use base::{
    Result, Timestamp,
    error::{conflict, not_found},
};
use db::{Executor, Tx};
use platform::{
    AppState,
    http::{Created, Once},
    limits::Limit,
};
use std::time::Duration;

/// How long somebody who was declined waits before they may ask again.
const AGAIN: Duration = Duration::from_hours(30 * 24);

/// What the receiver says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Accept,
    Reject,
    Snooze(Duration),
}

/// Asks somebody to be friends, or says yes to what they asked.
pub async fn create_friend_request(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    plea: Plea,
) -> Result<Created<FriendRequest>> {
    if plea.to == actor.id {
        return Err(conflict("cannot_befriend_yourself"));
    }
    let limit = Limit {
        name: "friend_requests",
        count: app.config.limits.friend_requests_per_hour,
        period: Duration::from_hours(1),
    };
    app.limits.take(limit, actor.id).await.into_result()?;
    newcomers::count(app, actor.id, Deed::Request).await?;
    let (own, sender, now) = (app.clone(), actor.id, app.clock.now());
    let id = FriendRequestId(app.ids.at(now));
    once.create(app, sender.0, "create_friend_request", move |tx| async move {
        let to = plea.to;
        profiles::store::lock_pair(&tx, sender, to).await?;
        if !profiles::store::is_visible(&tx, sender, to).await? {
            return Err(not_found("member"));
        }
        if store::since(&tx, sender, to).await?.is_some() {
            return Err(conflict("already_friends"));
        }
        if let Some((before, status, _, asked_at)) = store::standing(&tx, sender, to).await? {
            let long_ago = status == RequestStatus::Rejected && now.since(asked_at) >= AGAIN;
            if !long_ago && status != RequestStatus::Accepted {
                return Err(conflict("already_requested"));
            }
            store::delete_request(&tx, before).await?;
        }
        let theirs = store::standing(&tx, to, sender).await?;
        let wanted = settings::store::find(&tx, to).await?.friend_requests_from;
        let is_heard = settings::store::is_heard(&tx, to, wanted, sender).await?;
        policy::may_ask(is_heard, theirs.is_some())?;
        store::insert_request(&tx, id, sender, &plea, now).await?;
        if let Some((earlier, status, danced, _)) = theirs
            && status != RequestStatus::Accepted
        {
            // They asked first: now both have said so.
            store::answer_request(&tx, earlier, RequestStatus::Accepted, None, now).await?;
            store::answer_request(&tx, id, RequestStatus::Accepted, None, now).await?;
            befriend(&own, &tx, sender, to, danced && plea.did_we_dance, now).await?;
        } else if let Some(author) = posts::author(&tx, sender).await? {
            let signal = FriendRequested {
                id,
                sender: author,
                receiver: to,
            };
            own.signals.announce(&tx, &signal, now).await?;
        }
        found(&tx, sender, id).await
    })
    .await
}

/// Answers a request that one received.
pub async fn answer_friend_request(
    app: &AppState,
    actor: &CurrentUser,
    id: FriendRequestId,
    answer: Answer,
) -> Result<FriendRequest> {
    let (own, receiver, now) = (app.clone(), actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let sender = found(&tx, receiver, id).await?.member.id;
            profiles::store::lock_pair(&tx, receiver, sender).await?;
            // Read again: a block or another answer may have come first.
            let request = found(&tx, receiver, id).await?;
            if request.direction != Direction::Received {
                return Err(not_found("friend_request"));
            }
            if request.status == RequestStatus::Accepted {
                return match answer {
                    Answer::Accept => Ok(request),
                    _ => Err(conflict("already_friends")),
                };
            }
            let (status, until) = match answer {
                Answer::Accept => (RequestStatus::Accepted, None),
                Answer::Reject => (RequestStatus::Rejected, None),
                Answer::Snooze(span) => (RequestStatus::Snoozed, Some(now.plus(span))),
            };
            store::answer_request(&tx, id, status, until, now).await?;
            if answer == Answer::Accept {
                befriend(&own, &tx, receiver, sender, request.did_we_dance, now).await?;
            }
            found(&tx, receiver, id).await
        })
        .await
}

/// Takes back what one asked and nobody accepted.
pub async fn withdraw_friend_request(app: &AppState, actor: &CurrentUser, id: FriendRequestId) -> Result<()> {
    let sender = actor.id;
    app.db
        .write_again(move |tx| async move {
            let receiver = found(&tx, sender, id).await?.member.id;
            profiles::store::lock_pair(&tx, sender, receiver).await?;
            let request = found(&tx, sender, id).await?;
            if request.direction != Direction::Sent {
                return Err(not_found("friend_request"));
            }
            if request.status == RequestStatus::Accepted {
                return Err(conflict("already_friends"));
            }
            store::delete_request(&tx, id).await
        })
        .await
}

pub async fn unfriend(app: &AppState, actor: &CurrentUser, friend: MemberId) -> Result<()> {
    let member = actor.id;
    app.db
        .write_again(move |tx| async move {
            profiles::store::lock_pair(&tx, member, friend).await?;
            part(&tx, member, friend).await
        })
        .await
}

/// Ends a friendship and what was asked for it, as a part of what parts two members. Both are locked.
pub(crate) async fn part(tx: &Tx, one: MemberId, other: MemberId) -> Result<()> {
    store::delete(tx, one, other).await?;
    store::delete_requests(tx, one, other).await?;
    follows::store::mark_friends(tx, one, other, false).await
}

async fn befriend(
    app: &AppState,
    tx: &Tx,
    accepter: MemberId,
    sender: MemberId,
    danced: bool,
    now: Timestamp,
) -> Result<()> {
    store::insert(tx, accepter, sender, danced, now).await?;
    for (follower, followee) in [(accepter, sender), (sender, accepter)] {
        if follows::store::insert(tx, follower, followee, now).await? {
            follows::store::count(tx, follower, followee, 1).await?;
        }
    }
    follows::store::mark_friends(tx, accepter, sender, true).await?;
    let Some(accepter) = posts::author(tx, accepter).await? else {
        return Err(not_found("member"));
    };
    app.signals
        .announce(tx, &FriendAccepted { accepter, sender }, now)
        .await
}

async fn found(db: &impl Executor, reader: MemberId, id: FriendRequestId) -> Result<FriendRequest> {
    let found = store::find_request(db, reader, id).await?;
    found.ok_or_else(|| not_found("friend_request"))
}
