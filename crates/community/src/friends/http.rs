use super::{
    Direction, FriendRequest, FriendRequestId, Friendship,
    model::{Friend, Plea},
    ops::{self, Answer},
    policy, store,
    suggestions::{self, Suggestion},
};
use crate::{posts::store as posts, profiles, ranking::closeness::closeness};
use accounts::{CurrentUser, MemberId};
use base::{
    Cursor, Kind, Line, Page, Paging, Text, Whole, choice,
    error::{invalid, not_found},
    input,
    page::Limit,
};
use platform::{
    AppState,
    http::{Created, Json, NoContent, Once, Path, Query, Result, Routes},
};
use std::time::Duration;

pub fn routes() -> Routes {
    Routes::new("friends")
        .get("/friends", "list_friends", list_friends, "A member's friends")
        .refuses(&[Kind::NotFound, Kind::Forbidden])
        .get(
            "/friends/{member_id}",
            "show_friendship",
            show_friendship,
            "What I share with a friend",
        )
        .delete("/friends/{member_id}", "unfriend", unfriend, "End a friendship")
        .get(
            "/friends/{member_id}/mutual",
            "list_mutual_friends",
            list_mutual_friends,
            "Friends whom I share with a member",
        )
        .get(
            "/friend-suggestions",
            "list_friend_suggestions",
            list_friend_suggestions,
            "Members whom I may know, and why",
        )
        .get(
            "/friend-requests",
            "list_friend_requests",
            list_friend_requests,
            "Requests that wait for me, or that I sent",
        )
        .post(
            "/friend-requests",
            "create_friend_request",
            create_friend_request,
            "Ask a member to be friends",
        )
        .refuses(&[Kind::NotFound, Kind::Forbidden, Kind::Conflict, Kind::RateLimited])
        .put(
            "/friend-requests/{request_id}/answer",
            "answer_friend_request",
            answer_friend_request,
            "Accept, decline or put off a request",
        )
        .refuses(&[Kind::Conflict])
        .delete(
            "/friend-requests/{request_id}",
            "withdraw_friend_request",
            withdraw_friend_request,
            "Take one's own request back",
        )
        .refuses(&[Kind::Conflict])
}

input! {
    /// Whose friends, the caller's own unless said.
    pub struct ListFriends {
        pub member_id: Option<MemberId>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

fn page(found: Vec<Friend>, limit: Limit) -> Json<Page<Friend>> {
    Json(Page::of(found, limit, |friend| Cursor(friend.member.id.0)))
}

async fn list_friends(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListFriends>,
) -> Result<Json<Page<Friend>>> {
    let of = list.member_id.unwrap_or(actor.id);
    if !profiles::store::is_visible(&app.db, actor.id, of).await? {
        return Err(not_found("member").into());
    }
    policy::may_list(&actor, of, store::since(&app.db, actor.id, of).await?.is_some())?;
    let paging = Paging {
        limit: list.limit,
        cursor: list.cursor,
    };
    let found = store::list_friends(&app.db, actor.id, of, paging).await?;
    Ok(page(found, paging.limit))
}

async fn list_mutual_friends(
    app: AppState,
    actor: CurrentUser,
    Path(member): Path<MemberId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Friend>>> {
    if !profiles::store::is_visible(&app.db, actor.id, member).await? {
        return Err(not_found("member").into());
    }
    let found = store::list_mutual(&app.db, actor.id, member, paging).await?;
    Ok(page(found, paging.limit))
}

async fn show_friendship(
    app: AppState,
    actor: CurrentUser,
    Path(member): Path<MemberId>,
) -> Result<Json<Friendship>> {
    let unknown = || not_found("friend");
    let found = store::since(&app.db, actor.id, member).await?;
    let (since, danced) = found.ok_or_else(unknown)?;
    let together = store::together(&app.db, actor.id, member, app.clock.now()).await?;
    Ok(Json(Friendship {
        member: posts::author(&app.db, member).await?.ok_or_else(unknown)?,
        since,
        danced,
        mutual_friend_count: store::count_mutual(&app.db, actor.id, member).await?,
        closeness: closeness(&app.config.ranking, together),
    }))
}

async fn list_friend_suggestions(
    app: AppState,
    actor: CurrentUser,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Suggestion>>> {
    let all = suggestions::suggest(&app, actor.id).await?;
    Ok(Json(Page::part(&all, paging)))
}

async fn unfriend(app: AppState, actor: CurrentUser, Path(member): Path<MemberId>) -> Result<NoContent> {
    ops::unfriend(&app, &actor, member).await?;
    Ok(NoContent)
}

input! {
    /// Which requests: those that wait for the caller, unless said.
    pub struct ListFriendRequests {
        pub direction: Option<Direction>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_friend_requests(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListFriendRequests>,
) -> Result<Json<Page<FriendRequest>>> {
    let paging = Paging {
        limit: list.limit,
        cursor: list.cursor,
    };
    let found = match list.direction.unwrap_or(Direction::Received) {
        Direction::Received => store::list_received(&app.db, actor.id, app.clock.now(), paging).await?,
        Direction::Sent => store::list_sent(&app.db, actor.id, paging).await?,
    };
    Ok(Json(Page::of(found, paging.limit, |request| {
        Cursor(request.id.0)
    })))
}

input! {
    /// Whom to ask, and what to say.
    pub struct NewFriendRequest {
        pub member_id: MemberId,
        #[serde(default)]
        pub did_we_dance: bool,
        #[serde(default)]
        pub dance_place: Line<0, 120>,
        #[serde(default)]
        pub dance_story: Text<0, 1000>,
        /// For the one who is asked.
        #[serde(default)]
        pub note: Text<0, 500>,
        /// For the caller's own eyes.
        #[serde(default)]
        pub private_note: Text<0, 500>,
    }
}

async fn create_friend_request(
    app: AppState,
    actor: CurrentUser,
    once: Once,
    Json(new): Json<NewFriendRequest>,
) -> Result<Created<FriendRequest>> {
    let plea = Plea {
        to: new.member_id,
        did_we_dance: new.did_we_dance,
        dance_place: new.dance_place.into(),
        dance_story: new.dance_story.into(),
        note: new.note.into(),
        private_note: new.private_note.into(),
    };
    Ok(ops::create_friend_request(&app, &actor, once, plea).await?)
}

choice! {
    /// What to say to a request.
    #[schemars(rename = "FriendRequestAnswer")]
    pub enum Say {
        Accept = "accept",
        Reject = "reject",
        Snooze = "snooze",
    }
}

input! {
    /// The answer; who puts a request off says for how many days.
    pub struct AnswerFriendRequest {
        pub answer: Say,
        pub days: Option<Whole<1, 90>>,
    }
}

async fn answer_friend_request(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<FriendRequestId>,
    Json(new): Json<AnswerFriendRequest>,
) -> Result<Json<FriendRequest>> {
    let answer = match (new.answer, new.days) {
        (Say::Accept, None) => Answer::Accept,
        (Say::Reject, None) => Answer::Reject,
        (Say::Snooze, Some(Whole(days))) => Answer::Snooze(Duration::from_hours(24 * days as u64)),
        (Say::Snooze, None) => return Err(invalid("/days", "required").into()),
        (Say::Accept | Say::Reject, Some(_)) => return Err(invalid("/days", "either_or").into()),
    };
    Ok(Json(ops::answer_friend_request(&app, &actor, id, answer).await?))
}

async fn withdraw_friend_request(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<FriendRequestId>,
) -> Result<NoContent> {
    ops::withdraw_friend_request(&app, &actor, id).await?;
    Ok(NoContent)
}
