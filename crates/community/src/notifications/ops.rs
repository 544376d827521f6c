use super::{
    Channel, NotificationId, NotificationKind,
    model::{Cause, Notification, Schedule, Subject, SubjectId, SubjectKind},
    priority::{self, Facts, Weights},
    push::{self, NotificationNew, NotificationsRead},
    store::{self, Stored},
};
use accounts::{CurrentUser, MemberId};
use base::{Result, Timestamp, error::not_found};
use db::Tx;
use platform::{App, AppState, texts::Language};
use realtime::{
    Realtime, Stream,
    streams::{self, Entry},
};
use std::collections::HashMap;

/// What a member has said about kinds and channels.
pub type Wishes = HashMap<(NotificationKind, Channel), bool>;

pub fn wants(wishes: &Wishes, kind: NotificationKind, channel: Channel) -> bool {
    let said = wishes.get(&(kind, channel)).copied();
    said.unwrap_or_else(|| kind.wanted_by_default(channel))
}

/// Tells a member, once for each cause, by all the ways they want. Part of the caller's write.
pub async fn tell(app: &AppState, tx: &Tx, cause: &Cause) -> Result<()> {
    let now = app.clock.now();
    let is_of_staff = cause.kind.is_of_staff();
    if (cause.member == cause.actor && !is_of_staff) || store::is_known(tx, cause).await? {
        return Ok(());
    }
    let Some(between) = store::between(tx, cause.member, cause.actor, now).await? else {
        return Ok(());
    };
    if between.silent {
        return Ok(());
    }
    let wishes = store::preferences(tx, cause.member).await?;
    let [listed, mailed, pushed] = [Channel::InApp, Channel::Email, Channel::Push]
        .map(|channel| is_of_staff || wants(&wishes, cause.kind, channel));
    if !(listed || mailed || pushed) {
        return Ok(());
    }
    let id = store::open(tx, app.ids.next(), cause, &between, listed, now).await?;
    if !store::add_cause(tx, id, cause, now).await? {
        return Ok(());
    }
    let schedule = store::schedule(tx, cause.member).await?;
    if mailed {
        super::digest::expect(tx, cause.member, &schedule, now).await?;
    }
    if pushed {
        push::promise(app, tx, cause, id, &schedule).await?;
    }
    if listed {
        let new = NotificationNew { id, kind: cause.kind };
        let entry = Entry::new::<NotificationNew>(id, now).said(Some(cause.actor), &new);
        streams::append(tx, app, Stream::user(cause.member), entry).await?;
    }
    Ok(())
}

/// Marks one as read, on all devices.
pub async fn read(app: &AppState, actor: &CurrentUser, id: NotificationId) -> Result<()> {
    let (own, member, now) = (app.clone(), actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            if store::read(&tx, member, id, now).await? {
                tell_devices(&own, &tx, member, now);
                return Ok(());
            }
            let known = store::find(&tx, member, id).await?;
            known.map(drop).ok_or_else(|| not_found("notification"))
        })
        .await
}

/// Marks all up to a moment as read, on all devices.
pub async fn read_all(app: &AppState, actor: &CurrentUser, until: Timestamp) -> Result<()> {
    let (own, member, now) = (app.clone(), actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            if store::read_all(&tx, member, until, now).await? > 0 {
                tell_devices(&own, &tx, member, now);
            }
            Ok(())
        })
        .await
}

pub async fn delete(app: &AppState, actor: &CurrentUser, id: NotificationId) -> Result<()> {
    let (own, member, now) = (app.clone(), actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            if !store::delete(&tx, member, id).await? {
                return Err(not_found("notification"));
            }
            tell_devices(&own, &tx, member, now);
            Ok(())
        })
        .await
}

/// The member's other devices read the count again, after the commit.
fn tell_devices(app: &AppState, tx: &Tx, member: MemberId, at: Timestamp) {
    let app = app.clone();
    tx.on_commit(move || {
        let push = NotificationsRead { until: at };
        Realtime::of(&app).tell(Stream::user(member), "notifications:read", None, &push);
    });
}

/// What the member wants from now on.
#[derive(Clone)]
pub struct Wanted {
    pub preferences: Vec<(NotificationKind, Channel, bool)>,
    pub schedule: Schedule,
}

pub async fn put_preferences(app: &AppState, actor: &CurrentUser, wanted: Wanted) -> Result<()> {
    let (member, now) = (actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            for (kind, channel, wanted) in &wanted.preferences {
                store::put_preference(&tx, member, *kind, *channel, *wanted).await?;
            }
            store::put_schedule(&tx, member, &wanted.schedule).await?;
            let due = super::digest::next(&wanted.schedule, now).unwrap_or(store::NEVER);
            store::move_digest(&tx, member, due).await
        })
        .await
}

/// A notification in words, with its priority.
pub fn view(app: &App, stored: Stored, wishes: &Wishes, language: Language) -> Notification {
    let facts = Facts {
        kind: stored.kind,
        hushed: !wants(wishes, stored.kind, Channel::Push) && !wants(wishes, stored.kind, Channel::Email),
        relationship: stored.relation,
        age: app.clock.now().since(stored.updated_at),
        engagement: stored.engagement,
    };
    Notification {
        id: stored.id,
        kind: stored.kind,
        text: sentence(app, &stored, language),
        count: stored.count,
        path: path(&stored),
        subject: Subject {
            kind: stored.subject_kind,
            id: SubjectId(stored.subject_id),
            name: stored.subject_name,
        },
        actors: if stored.kind.is_of_staff() {
            vec![]
        } else {
            stored.actors
        },
        created_at: stored.created_at,
        updated_at: stored.updated_at,
        read_at: stored.read_at,
        priority: priority::judge(&facts, &Weights::of(&app.config)),
    }
}

/// "Ana and 4 others reacted to your post."
pub fn sentence(app: &App, stored: &Stored, language: Language) -> String {
    let names: Vec<&str> = stored
        .actors
        .iter()
        .map(|actor| actor.display_name.as_str())
        .collect();
    let (first, second) = (names.first().copied().unwrap_or_default(), names.get(1).copied());
    let others = (stored.count - 1).max(0);
    let who = match (second, others) {
        (None, _) | (_, 0) => first.to_owned(),
        (Some(second), 1) => fill(
            app,
            language,
            "who.two",
            &[("name", first.to_owned()), ("second", second.to_owned())],
        ),
        (Some(_), others) => fill(
            app,
            language,
            "who.many",
            &[("name", first.to_owned()), ("others", others.to_string())],
        ),
    };
    let subject = stored.subject_name.clone().unwrap_or_default();
    let number = if others > 0 { "many" } else { "one" };
    let key = format!("{}.{number}", stored.kind);
    fill(
        app,
        language,
        &key,
        &[
            ("who", who),
            ("subject", subject),
            ("count", stored.count.to_string()),
        ],
    )
}

fn fill(app: &App, language: Language, key: &str, args: &[(&'static str, String)]) -> String {
    app.texts.notification(language, key, args)
}

fn path(stored: &Stored) -> String {
    let id = stored.subject_id;
    match (stored.kind, stored.subject_kind) {
        (NotificationKind::FriendRequest, _) => "/friends".to_owned(),
        (_, SubjectKind::Member) => {
            let name = stored
                .actors
                .first()
                .map_or_else(|| id.to_string(), |actor| actor.username.clone());
            format!("/members/{name}")
        }
        (_, SubjectKind::Post) => format!("/posts/{id}"),
        (_, SubjectKind::Event) => format!("/events/{id}"),
        (_, SubjectKind::Group) => format!("/groups/{id}"),
        (_, SubjectKind::Room) => format!("/messages/{id}"),
        (_, SubjectKind::Decision) => format!("/decisions/{id}"),
        (_, SubjectKind::Notice) => "/notices".to_owned(),
    }
}
