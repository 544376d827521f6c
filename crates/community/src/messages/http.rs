use super::{Message, MessageId, ops, store};
use crate::{
    media::MediaId,
    reactions::Reaction,
    rooms::{self, RoomName},
};
use accounts::CurrentUser;
use base::{Cursor, Few, Kind, Line, Page, Paging, Text, Whole, input, page::Limit};
use platform::{
    AppState,
    http::{Created, Json, NoContent, Once, Path, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

pub fn routes() -> Routes {
    let speaking = [Kind::Forbidden, Kind::Conflict];
    Routes::new("messages")
        .for_tokens("messages:read", "messages:write")
        .get(
            "/rooms/{room}/messages",
            "list_messages",
            list_messages,
            "What was said in a room, the latest first",
        )
        .refuses(&[Kind::Forbidden])
        .post(
            "/rooms/{room}/messages",
            "send_message",
            send_message,
            "Say something in a room",
        )
        .refuses(&speaking)
        .put(
            "/rooms/{room}/read",
            "read_messages",
            read_messages,
            "Say how far I have read",
        )
        .refuses(&[Kind::Forbidden])
        .get(
            "/messages/{message_id}",
            "show_message",
            show_message,
            "One message",
        )
        .patch(
            "/messages/{message_id}",
            "edit_message",
            edit_message,
            "Say it otherwise",
        )
        .refuses(&[Kind::Forbidden])
        .delete(
            "/messages/{message_id}",
            "delete_message",
            delete_message,
            "Take a message back, or remove it from a room I look after",
        )
        .refuses(&[Kind::Forbidden])
        .post(
            "/messages/{message_id}/reactions",
            "react_to_message",
            react_to_message,
            "React to a message, or exchange the reaction",
        )
        .delete(
            "/messages/{message_id}/reactions",
            "unreact_to_message",
            unreact_to_message,
            "Take one's reaction back",
        )
}

/// A page's last message by its place in the room.
fn cursor(message: &Message) -> Cursor {
    Cursor(Uuid::from_u128(message.seq as u128))
}

input! {
    /// Which messages of a room.
    pub struct ListMessages {
        /// Only those that hold this, whatever its case and accents.
        pub query: Option<Line<0, 80>>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_messages(
    app: AppState,
    actor: CurrentUser,
    Path(room): Path<RoomName>,
    Query(list): Query<ListMessages>,
) -> Result<Json<Page<Message>>> {
    let standing = rooms::ops::standing(&app.db, actor.id, &room).await?;
    let room = rooms::policy::reading(standing)?.room;
    let (paging, text) = (
        Paging {
            limit: list.limit,
            cursor: list.cursor,
        },
        list.query.as_deref().unwrap_or_default(),
    );
    let before = i64::try_from(paging.before().as_u128()).unwrap_or(i64::MAX);
    let found = if base::fold(text).is_empty() {
        store::history(&app.db, actor.id, room, before, paging.fetch()).await?
    } else {
        store::search(&app.db, actor.id, room, text, before, paging.fetch()).await?
    };
    let found = ops::with_media(&app, &app.db, found).await?;
    Ok(Json(Page::of(found, paging.limit, cursor)))
}

input! {
    /// Something to say.
    pub struct NewMessage {
        pub body: Option<Text<1, 5000>>,
        /// Names the message for its sender: sent again, it is the same message. The
        /// `Idempotency-Key` stands for it.
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

async fn send_message(
    app: AppState,
    actor: CurrentUser,
    Path(room): Path<RoomName>,
    once: Once,
    Json(new): Json<NewMessage>,
) -> Result<Created<Message>> {
    let client_id = new
        .client_id
        .map(Into::into)
        .or_else(|| once.key().map(str::to_owned));
    let body = new.body.map(Into::into);
    let (forward_of, reply_to, media) = (new.forward_of_id, new.reply_to_id, new.media_ids.0);
    let saying = ops::saying(&app, &actor, body, forward_of, client_id, reply_to, media).await?;
    let said = ops::send_message(&app, &actor, room, saying).await?;
    Ok(Created::new(ops::read_message(&app, &actor, said.id).await?))
}

input! {
    /// How far the caller has read.
    pub struct ReadPosition {
        /// The `seq` of the last message they have seen.
        pub seq: Whole<0, 9_007_199_254_740_991>,
    }
}

/// Where the caller's mark stands now.
#[derive(Debug, Serialize, JsonSchema)]
struct ReadSummary {
    read_seq: i64,
}

async fn read_messages(
    app: AppState,
    actor: CurrentUser,
    Path(room): Path<RoomName>,
    Json(read): Json<ReadPosition>,
) -> Result<Json<ReadSummary>> {
    let read_seq = ops::read_messages(&app, &actor, room, read.seq.0).await?;
    Ok(Json(ReadSummary { read_seq }))
}

async fn show_message(app: AppState, actor: CurrentUser, Path(id): Path<MessageId>) -> Result<Json<Message>> {
    Ok(Json(ops::read_message(&app, &actor, id).await?))
}

input! {
    /// What a message shall say instead.
    pub struct MessageBody {
        pub body: Text<1, 5000>,
    }
}

async fn edit_message(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<MessageId>,
    Json(edit): Json<MessageBody>,
) -> Result<Json<Message>> {
    Ok(Json(ops::edit_message(&app, &actor, id, edit.body.into()).await?))
}

async fn delete_message(app: AppState, actor: CurrentUser, Path(id): Path<MessageId>) -> Result<NoContent> {
    ops::delete_message(&app, &actor, id).await?;
    Ok(NoContent)
}

input! {
    /// How the caller feels about a message.
    pub struct NewMessageReaction {
        #[serde(rename = "type")]
        pub kind: Reaction,
    }
}

async fn react_to_message(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<MessageId>,
    Json(new): Json<NewMessageReaction>,
) -> Result<Json<Message>> {
    Ok(Json(
        ops::react_to_message(&app, &actor, id, Some(new.kind)).await?,
    ))
}

async fn unreact_to_message(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<MessageId>,
) -> Result<Json<Message>> {
    Ok(Json(ops::react_to_message(&app, &actor, id, None).await?))
}
