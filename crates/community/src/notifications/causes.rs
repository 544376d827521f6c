//! Whom a signal concerns, and why: the one place that knows the other slices' signals.

use super::{
    NotificationKind,
    model::{Cause, SubjectKind},
    ops,
};
use crate::{
    comments::CommentCreated,
    companions::CompanionAsked,
    events::EventCreated,
    follows::{self, Followed},
    friends::{FriendAccepted, FriendRequested},
    groups::{self, GroupAsked, GroupInvited, GroupJoined},
    messages::{self, MessageSent},
    moderation::Decided,
    posts::{self, PostCreated, PostEdited, PostId},
    reactions::Reacted,
};
use accounts::MemberId;
use base::Result;
use platform::{
    AppState,
    signals::{Announced, Consumer, Signal, follow},
};
use realtime::Realtime;
use supervisor::Plan;
use uuid::Uuid;

/// Members told in one write.
const AT_ONCE: usize = 100;
/// Followers read in one go.
const FOLLOWERS: i64 = 1000;
/// Members of a room who are too many to tell of each message.
const HALL: i64 = 200;

struct Tell;

impl Consumer for Tell {
    fn name(&self) -> &'static str {
        "notifications.tell"
    }

    fn hears(&self) -> &'static [&'static str] {
        &[
            Followed::KIND,
            GroupInvited::KIND,
            GroupAsked::KIND,
            GroupJoined::KIND,
            Decided::KIND,
            MessageSent::KIND,
            EventCreated::KIND,
            FriendRequested::KIND,
            FriendAccepted::KIND,
            PostCreated::KIND,
            PostEdited::KIND,
            CompanionAsked::KIND,
            CommentCreated::KIND,
            Reacted::KIND,
        ]
    }

    async fn consume(&self, app: &AppState, signals: Vec<Announced>) -> Result<()> {
        for signal in &signals {
            let causes = causes(app, signal).await?;
            for some in causes.chunks(AT_ONCE) {
                let (own, some) = (app.clone(), some.to_vec());
                app.db
                    .write_again(move |tx| async move {
                        for cause in &some {
                            ops::tell(&own, &tx, cause).await?;
                        }
                        Ok(())
                    })
                    .await?;
            }
        }
        Ok(())
    }
}

/// The worker that tells.
pub fn worker(app: &AppState) -> Plan {
    follow(app, Tell)
}

fn cause(
    member: MemberId,
    kind: NotificationKind,
    subject: (SubjectKind, Uuid),
    actor: MemberId,
    tail: impl std::fmt::Display,
) -> Cause {
    Cause {
        member,
        kind,
        subject,
        actor,
        name: format!("{kind}:{}:{tail}", subject.1),
        said: None,
    }
}

async fn causes(app: &AppState, signal: &Announced) -> Result<Vec<Cause>> {
    if let Some(Followed { follower, followee }) = signal.read() {
        let subject = (SubjectKind::Member, followee.0);
        return Ok(vec![cause(
            followee,
            NotificationKind::Follow,
            subject,
            follower,
            follower,
        )]);
    }
    if let Some(GroupInvited { group, member, by }) = signal.read() {
        let subject = (SubjectKind::Group, group.0);
        return Ok(vec![cause(
            member,
            NotificationKind::GroupInvite,
            subject,
            by,
            signal.id,
        )]);
    }
    if let Some(GroupAsked { group, member }) = signal.read() {
        let moderators = groups::store::moderators(&app.db, group).await?;
        let subject = (SubjectKind::Group, group.0);
        let told = moderators.into_iter().map(|moderator| {
            cause(
                moderator,
                NotificationKind::GroupRequest,
                subject,
                member,
                signal.id,
            )
        });
        return Ok(told.collect());
    }
    if let Some(GroupJoined {
        group,
        member,
        accepted_by: Some(by),
    }) = signal.read()
    {
        let subject = (SubjectKind::Group, group.0);
        return Ok(vec![cause(
            member,
            NotificationKind::GroupAccepted,
            subject,
            by,
            signal.id,
        )]);
    }
    if let Some(Decided {
        decision,
        member,
        is_answer,
    }) = signal.read()
    {
        let subject = (SubjectKind::Decision, decision.0);
        // Who decided is not told: it stands as the member's own affair.
        return Ok(vec![cause(
            member,
            NotificationKind::Moderation,
            subject,
            member,
            if is_answer { "answer" } else { "decision" },
        )]);
    }
    if let Some(sent) = signal.read::<MessageSent>() {
        return said(app, sent).await;
    }
    if let Some(event) = signal.read::<EventCreated>() {
        return announced(app, &event).await;
    }
    if let Some(FriendRequested { id, sender, receiver }) = signal.read() {
        let subject = (SubjectKind::Member, receiver.0);
        return Ok(vec![cause(
            receiver,
            NotificationKind::FriendRequest,
            subject,
            sender.id,
            id,
        )]);
    }
    if let Some(FriendAccepted { accepter, sender }) = signal.read() {
        let subject = (SubjectKind::Member, sender.0);
        let kind = NotificationKind::FriendAccepted;
        return Ok(vec![cause(sender, kind, subject, accepter.id, signal.id)]);
    }
    if let Some(post) = signal.read::<PostCreated>() {
        return published(app, post).await;
    }
    if let Some(post) = signal.read::<PostEdited>() {
        let mentioned = post.mentioned.iter();
        let told = mentioned.map(|member| mention(*member, post.id, post.author.id));
        return readers(app, post.id, told.collect()).await;
    }
    if let Some(asked) = signal.read::<CompanionAsked>() {
        let told = companion(asked.member, asked.post_id, asked.author.id);
        return readers(app, asked.post_id, vec![told]).await;
    }
    if let Some(comment) = signal.read::<CommentCreated>() {
        return commented(app, comment).await;
    }
    if let Some(reacted) = signal.read::<Reacted>() {
        let subject = (SubjectKind::Post, reacted.post_id.0);
        let by = reacted.actor.id;
        let told = match reacted.comment_id {
            None => cause(reacted.author, NotificationKind::Reaction, subject, by, by),
            Some(comment) => {
                let tail = format!("{comment}:{by}");
                cause(
                    reacted.author,
                    NotificationKind::CommentReaction,
                    subject,
                    by,
                    tail,
                )
            }
        };
        return readers(app, reacted.post_id, vec![told]).await;
    }
    Ok(vec![])
}

/// However often a post is edited, whom it mentions is told once.
fn mention(member: MemberId, post: PostId, by: MemberId) -> Cause {
    cause(
        member,
        NotificationKind::Mention,
        (SubjectKind::Post, post.0),
        by,
        "post",
    )
}

fn companion(member: MemberId, post: PostId, by: MemberId) -> Cause {
    cause(
        member,
        NotificationKind::Companion,
        (SubjectKind::Post, post.0),
        by,
        "post",
    )
}

/// A post is told to whom it mentions, names or shares.
async fn published(app: &AppState, post: PostCreated) -> Result<Vec<Cause>> {
    let by = post.author.id;
    let shared = post.shared_author.map(|author| {
        let subject = (SubjectKind::Post, post.id.0);
        cause(author, NotificationKind::Share, subject, by, "post")
    });
    let named = post
        .companions
        .iter()
        .map(|member| companion(*member, post.id, by));
    let mentioned = post
        .mentioned
        .iter()
        .filter(|member| !post.companions.contains(member))
        .map(|member| mention(*member, post.id, by));
    let all = shared.into_iter().chain(named).chain(mentioned).collect();
    readers(app, post.id, all).await
}

/// A comment is told to whom it answers, to the post's author and to whom it mentions: each once.
async fn commented(app: &AppState, comment: CommentCreated) -> Result<Vec<Cause>> {
    let subject = (SubjectKind::Post, comment.post_id.0);
    let tell = |member, kind| cause(member, kind, subject, comment.author.id, comment.id);
    let answered = comment
        .parent_author
        .map(|author| tell(author, NotificationKind::Reply));
    let post_author = tell(comment.post_author, NotificationKind::Comment);
    let mentioned = comment
        .mentioned
        .iter()
        .map(|member| tell(*member, NotificationKind::Mention));
    let mut told: Vec<Cause> = vec![];
    for cause in answered.into_iter().chain([post_author]).chain(mentioned) {
        if told.iter().all(|known| known.member != cause.member) {
            told.push(cause);
        }
    }
    readers(app, comment.post_id, told).await
}

/// Those who may read the post by now.
async fn readers(app: &AppState, post: PostId, causes: Vec<Cause>) -> Result<Vec<Cause>> {
    let mut readers = vec![];
    for cause in causes {
        let author = posts::store::author_of(&app.db, cause.member, post).await?;
        if author.is_some() {
            readers.push(cause);
        }
    }
    Ok(readers)
}

/// A message is told to those in the room who do not look at it. A room as big as a hall is looked at, not told.
async fn said(app: &AppState, sent: MessageSent) -> Result<Vec<Cause>> {
    let (nobody, sender) = (MemberId(Uuid::nil()), sent.sender.id);
    let told = messages::to_notify_after(&app.db, sent.room, sender, nobody, HALL).await?;
    if told.len() as i64 == HALL {
        return Ok(vec![]);
    }
    let (realtime, subject) = (Realtime::of(app), (SubjectKind::Room, sent.room.0));
    let away = told
        .into_iter()
        .filter(|member| !realtime.is_listening(sent.room.stream(), *member));
    Ok(away
        .map(|member| Cause {
            said: Some(sent.id),
            ..cause(member, NotificationKind::Message, subject, sender, sent.id)
        })
        .collect())
}

/// An event is told to the followers of who announced it.
async fn announced(app: &AppState, event: &EventCreated) -> Result<Vec<Cause>> {
    let (mut told, mut after) = (vec![], MemberId(Uuid::nil()));
    loop {
        let followers = follows::store::followers_after(&app.db, event.by, false, after, FOLLOWERS).await?;
        let subject = (SubjectKind::Event, event.id.0);
        told.extend(
            followers
                .iter()
                .map(|follower| cause(*follower, NotificationKind::Event, subject, event.by, "created")),
        );
        match followers.last() {
            Some(last) if followers.len() as i64 == FOLLOWERS => after = *last,
            _ => return Ok(told),
        }
    }
}
