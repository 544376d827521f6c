use super::{
    MessageDeleted, MessageEdited, MessageId, MessageNew, MessageReacted, MessageSeen, ReactionCount,
    model::Saying, ops, store,
};
use crate::{
    media::MediaId,
    reactions::Reaction,
    rooms::{self, ChatName, RoomId, RoomName},
};
use accounts::{CurrentUser, MemberId};
use base::{Few, Line, Result, Text, Timestamp, Whole, input};
use db::Snapshot;
use platform::AppState;
use realtime::{
    Rendered, RoomKind, Sockets, Speaker,
    streams::{Stream, StreamKind},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// Messages with which a client begins that starts anew.
const FIRST: i64 = 50;

pub fn sockets() -> Sockets {
    Sockets::new("messages")
        .room(Chats)
        .on("message:send", send_message, "Say something in a room")
        .on("message:edit", edit_message, "Say it otherwise")
        .on(
            "message:delete",
            delete_message,
            "Take it back, or remove it from a room I look after",
        )
        .on(
            "message:react",
            react_to_message,
            "React to a message, exchange the reaction, or take it back",
        )
        .on("message:read", read_messages, "Say how far I have read")
        .durable(render_new, "Something was said")
        .durable(render_edited, "A message says something else now")
        .durable(render_deleted, "The words of a message are gone")
        .durable(render_reacted, "How members feel about a message now")
        .ephemeral::<MessageSeen>("How far a member has read")
}

/// The rooms of `rooms`, as sockets join them.
struct Chats;

impl RoomKind for Chats {
    const KIND: StreamKind = StreamKind::Chat;

    async fn open(&self, app: &AppState, reader: &CurrentUser, name: &str) -> Result<Option<Stream>> {
        let Ok(name) = name.parse::<RoomName>();
        let standing = rooms::ops::standing(&app.db, reader.id, &name).await?;
        let standing = standing.filter(rooms::policy::may_read);
        Ok(standing.map(|standing| standing.room.stream()))
    }

    async fn readers(&self, app: &AppState, stream: Stream, among: Vec<MemberId>) -> Result<Vec<MemberId>> {
        rooms::store::readers(&app.db, RoomId(stream.id), &among).await
    }

    async fn snapshot(
        &self,
        app: &AppState,
        db: &Snapshot,
        reader: MemberId,
        stream: Stream,
    ) -> Result<Option<Value>> {
        let room = RoomId(stream.id);
        let messages = store::history(db, reader, room, i64::MAX, FIRST).await?;
        let messages = ops::with_media(app, db, messages).await?;
        Ok(Some(json!({"messages": messages})))
    }
}

input! {
    /// Something to say in a room.
    pub struct SendMessage {
        pub room: ChatName,
        pub body: Option<Text<1, 5000>>,
        /// Names the message for its sender: sent again, it is the same message.
        pub client_id: Option<Line<1, 64>>,
        /// What this answers, in the same room.
        pub reply_to_id: Option<MessageId>,
        /// A message to say again here, instead of a body.
        pub forward_of_id: Option<MessageId>,
        /// Media of the sender's own that are ready; a body may be left out then.
        #[serde(default)]
        pub media_ids: Few<MediaId, 10>,
    }
}

/// The message as it stands on disk.
#[derive(Debug, Serialize, JsonSchema)]
struct Sent {
    id: MessageId,
    seq: i64,
    created_at: Timestamp,
}

async fn send_message(app: AppState, speaker: Speaker, new: SendMessage) -> Result<Sent> {
    let (body, client_id) = (new.body.map(Into::into), new.client_id.map(Into::into));
    let saying: Saying = ops::saying(
        &app,
        &speaker,
        body,
        new.forward_of_id,
        client_id,
        new.reply_to_id,
        new.media_ids.0,
    )
    .await?;
    let said = ops::send_message(&app, &speaker, new.room.0, saying).await?;
    Ok(Sent {
        id: said.id,
        seq: said.seq,
        created_at: said.created_at,
    })
}

input! {
    /// What a message shall say instead.
    pub struct EditMessage {
        pub id: MessageId,
        pub body: Text<1, 5000>,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct Edited {
    edited_at: Option<Timestamp>,
}

async fn edit_message(app: AppState, speaker: Speaker, edit: EditMessage) -> Result<Edited> {
    let message = ops::edit_message(&app, &speaker, edit.id, edit.body.into()).await?;
    Ok(Edited {
        edited_at: message.edited_at,
    })
}

input! {
    /// A message to take back.
    pub struct DeleteMessage {
        pub id: MessageId,
    }
}

/// It is done.
#[derive(Debug, Serialize, JsonSchema)]
struct Done {}

async fn delete_message(app: AppState, speaker: Speaker, delete: DeleteMessage) -> Result<Done> {
    ops::delete_message(&app, &speaker, delete.id).await?;
    Ok(Done {})
}

input! {
    /// How the caller feels about a message; null takes the reaction back.
    pub struct ReactToMessage {
        pub id: MessageId,
        #[serde(rename = "type")]
        pub kind: Option<Reaction>,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct Reacted {
    reactions: Vec<ReactionCount>,
    reaction: Option<Reaction>,
}

async fn react_to_message(app: AppState, speaker: Speaker, react: ReactToMessage) -> Result<Reacted> {
    let message = ops::react_to_message(&app, &speaker, react.id, react.kind).await?;
    Ok(Reacted {
        reactions: message.reactions,
        reaction: message.reaction,
    })
}

input! {
    /// How far the caller has read.
    pub struct ReadMessages {
        pub room: ChatName,
        /// The `seq` of the last message they have seen.
        pub seq: Whole<0, 9_007_199_254_740_991>,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct Read {
    read_seq: i64,
}

async fn read_messages(app: AppState, speaker: Speaker, read: ReadMessages) -> Result<Read> {
    let read_seq = ops::read_messages(&app, &speaker, read.room.0, read.seq.0).await?;
    Ok(Read { read_seq })
}

type Rows<P> = Result<HashMap<Uuid, Rendered<P>>>;

/// Messages that still have their words.
async fn living<P>(app: &AppState, messages: Vec<Uuid>, push: fn(super::Message) -> P) -> Rows<P> {
    let found = store::these(&app.db, &messages).await?;
    let living = found.into_iter().filter(|message| !message.deleted).collect();
    let living = ops::with_media(app, &app.db, living).await?.into_iter();
    let rendered = living.map(|message| {
        let (id, from) = (message.id.0, Some(message.sender.id));
        let push = push(message);
        (id, Rendered { from, push })
    });
    Ok(rendered.collect())
}

async fn render_new(app: AppState, _: Stream, messages: Vec<Uuid>) -> Rows<MessageNew> {
    living(&app, messages, |message| MessageNew {
        id: message.id,
        room: message.room,
        body: message.body,
        media: message.media,
        sender: message.sender,
        created_at: message.created_at,
        client_id: message.client_id,
        reply_to_id: message.reply_to_id,
        forwarded: message.forwarded,
        edited_at: message.edited_at,
    })
    .await
}

async fn render_edited(app: AppState, _: Stream, messages: Vec<Uuid>) -> Rows<MessageEdited> {
    living(&app, messages, |message| MessageEdited {
        id: message.id,
        room: message.room,
        body: message.body,
        edited_at: message.edited_at,
    })
    .await
}

async fn render_deleted(app: AppState, _: Stream, messages: Vec<Uuid>) -> Rows<MessageDeleted> {
    let found = store::these(&app.db, &messages).await?;
    let rendered = found.into_iter().map(|message| {
        let (id, from, room) = (message.id, Some(message.sender.id), message.room);
        let push = MessageDeleted { id, room };
        (id.0, Rendered { from, push })
    });
    Ok(rendered.collect())
}

async fn render_reacted(app: AppState, _: Stream, messages: Vec<Uuid>) -> Rows<MessageReacted> {
    let mut counts = store::reactions(&app.db, &messages).await?;
    let found = store::these(&app.db, &messages).await?;
    let living = found.into_iter().filter(|message| !message.deleted);
    let rendered = living.map(|message| {
        let push = MessageReacted {
            id: message.id,
            room: message.room,
            reactions: counts.remove(&message.id.0).unwrap_or_default(),
        };
        let from = Some(message.sender.id);
        (message.id.0, Rendered { from, push })
    });
    Ok(rendered.collect())
}
