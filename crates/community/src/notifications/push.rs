//! What goes down sockets, and what goes to devices that are not looking.

use super::{
    Channel, NotificationId, NotificationKind,
    model::{Cause, Schedule},
    ops, quiet,
    store::{self, Reader},
};
use crate::{
    messages::{self, MessageId},
    rooms::{self, RoomId},
};
use accounts::{
    MemberId,
    push::{self, Note},
};
use base::{Result, Timestamp};
use db::{Db, Tx};
use platform::{
    App, AppState,
    tasks::{self, Handler, NewTask, Outcome, Priority, Task},
};
use realtime::{Push, Realtime, Rendered, Sockets, Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;

/// `notification:new`: something is in the list, or happened once more. The list has the rest.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NotificationNew {
    pub id: NotificationId,
    pub kind: NotificationKind,
}

/// `notifications:read`: another device of the member has read some. Ephemeral: after a reconnect
/// the list is the truth.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NotificationsRead {
    pub until: Timestamp,
}

impl Push for NotificationNew {
    const NAME: &'static str = "notification:new";
}
impl Push for NotificationsRead {
    const NAME: &'static str = "notifications:read";
}

pub fn sockets() -> Sockets {
    Sockets::new("notifications")
        .durable(render_new, "The member is told of something")
        .ephemeral::<NotificationsRead>("Another device of the member has read notifications")
}

async fn render_new(
    app: AppState,
    stream: Stream,
    rows: Vec<Uuid>,
) -> Result<HashMap<Uuid, Rendered<NotificationNew>>> {
    let mut rendered = HashMap::new();
    for row in rows {
        let id = NotificationId(row);
        if let Some(found) = store::find(&app.db, MemberId(stream.id), id).await? {
            let from = found.actors.first().map(|actor| actor.id);
            let push = NotificationNew { id, kind: found.kind };
            rendered.insert(row, Rendered { from, push });
        }
    }
    Ok(rendered)
}

/// Who a note comes from when nobody in particular does.
const TITLE: &str = "Mundo Tango";
const KIND: &str = "notifications.push";
/// What is older is not worth a note.
const WORTH: Duration = Duration::from_hours(24);

/// A note to the member's devices that was promised: it holds ids and no text.
#[derive(Debug, Serialize, Deserialize)]
struct Promise {
    member: MemberId,
    news: News,
    at: Timestamp,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum News {
    One(NotificationId),
    Said(MessageId),
    /// All that came in the quiet hours.
    Quiet,
}

/// Promises a note: now, or one at the end of the quiet hours for all that comes in them.
pub(super) async fn promise(
    app: &App,
    tx: &Tx,
    cause: &Cause,
    id: NotificationId,
    schedule: &Schedule,
) -> Result<()> {
    if push::subscribed(tx, &[cause.member]).await?.is_empty() {
        return Ok(());
    }
    let now = app.clock.now();
    let until = quiet::until(schedule, now);
    let news = match (until, cause.said) {
        (Some(_), _) => News::Quiet,
        (None, Some(message)) => News::Said(message),
        (None, None) => News::One(id),
    };
    let promise = Promise {
        member: cause.member,
        news,
        at: now,
    };
    let task = NewTask::new(KIND, &promise)?;
    let task = match until {
        Some(until) => task.at(until).once(format!("{} {until}", cause.member)),
        None => task
            .once(format!("{} {}", cause.member, cause.name))
            .priority(Priority::High),
    };
    tasks::enqueue(app, tx, task).await.map(drop)
}

/// Sends what was promised, unless the member is there, has read it or may not read it any more.
pub struct Pusher;

impl Handler for Pusher {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &AppState, task: &Task) -> Result<Outcome> {
        let promise: Promise = task.read()?;
        let (member, db) = (promise.member, app.db.within(task.community));
        let late = !matches!(promise.news, News::Quiet) && app.clock.now().since(promise.at) > WORTH;
        // Whoever looks at the app hears it there.
        if late || Realtime::of(app).is_there(member) {
            return Ok(Outcome::Done);
        }
        let Some(note) = note(app, &db, &promise).await? else {
            return Ok(Outcome::Done);
        };
        let to = push::subscribed(&db, &[member]).await?;
        let (own, key) = (app.clone(), task.id.to_string());
        Ok(Outcome::done_in(move |tx| async move {
            push::promise(&own, &tx, &to, &note, &key).await
        }))
    }
}

/// What is worth telling by now, in the member's language.
async fn note(app: &AppState, db: &Db, promise: &Promise) -> Result<Option<Note>> {
    let Some(reader) = store::reader(db, promise.member).await? else {
        return Ok(None);
    };
    match promise.news {
        News::Said(message) => of_message(app, db, promise.member, message, &reader).await,
        News::One(id) => of_one(app, db, promise.member, id, &reader).await,
        News::Quiet => of_quiet(app, db, promise, &reader).await,
    }
}

async fn of_message(
    app: &AppState,
    db: &Db,
    member: MemberId,
    id: MessageId,
    reader: &Reader,
) -> Result<Option<Note>> {
    let Some(message) = messages::ops::readable(db, member, id).await? else {
        return Ok(None);
    };
    let Some(room) = messages::store::room_of(db, id).await? else {
        return Ok(None);
    };
    let read = rooms::store::read_seq(db, room, member).await?;
    Ok((message.seq > read).then(|| Note {
        title: message.sender.display_name,
        body: if message.body.is_empty() {
            app.texts.notification(reader.language, "message_media", &[])
        } else {
            message.body
        },
        url: format!("/messages/{room}"),
        tag: format!("chat:{room}"),
    }))
}

async fn of_one(
    app: &AppState,
    db: &Db,
    member: MemberId,
    id: NotificationId,
    reader: &Reader,
) -> Result<Option<Note>> {
    let found = store::find(db, member, id).await?;
    let unread = found.filter(|found| found.read_at.is_none());
    Ok(unread.map(|found| {
        let told = ops::view(app, found, &HashMap::new(), reader.language);
        Note {
            title: TITLE.to_owned(),
            body: told.text,
            url: told.path,
            tag: format!("notification:{id}"),
        }
    }))
}

async fn of_quiet(app: &AppState, db: &Db, promise: &Promise, reader: &Reader) -> Result<Option<Note>> {
    let member = promise.member;
    let before = Timestamp::from_micros(promise.at.as_micros() - 1);
    let wishes = store::preferences(db, member).await?;
    let mut count = 0;
    for news in store::untold(db, member, before, store::COUNTED).await? {
        let unread = match news.kind {
            // A conversation knows itself what was read of it.
            NotificationKind::Message => {
                let room = rooms::store::find(db, member, RoomId(news.subject_id)).await?;
                room.is_some_and(|room| room.unread_count > 0)
            }
            _ => true,
        };
        count += i64::from(unread && ops::wants(&wishes, news.kind, Channel::Push));
    }
    let args = [("count", count.to_string())];
    Ok((count > 0).then(|| Note {
        title: TITLE.to_owned(),
        body: app.texts.notification(reader.language, "after_quiet", &args),
        url: "/notifications".to_owned(),
        tag: KIND.to_owned(),
    }))
}
