//! Members who are not there hear of a message through Web Push.
//!
//! Each message of a direct or group room is looked at once it is on disk: who is
//! joined, has muted neither the room nor the sender, and is connected nowhere, is
//! told in the browsers that asked for it. Preferences and quiet hours, once there
//! are some, belong into [`tell`], before anything is promised.

use super::{MessageSent, store};
use accounts::{
    MemberId,
    push::{self, Note},
};
use base::Result;
use platform::{
    AppState,
    signals::{Announced, Consumer, Dispatch},
};
use realtime::Realtime;
use std::{sync::Arc, time::Duration};
use supervisor::{Plan, Spec, Wake};
use uuid::Uuid;

/// Members looked at in one go.
const MEMBERS: i64 = 500;
/// Of a message older than this nobody is told any more.
const FRESH: Duration = Duration::from_hours(1);

struct TellOffline;

impl Consumer for TellOffline {
    fn name(&self) -> &'static str {
        "messages.offline"
    }

    async fn consume(&self, app: &AppState, signals: Vec<Announced>) -> Result<()> {
        for sent in signals.iter().filter_map(Announced::read::<MessageSent>) {
            if app.clock.now().since(sent.created_at) < FRESH {
                tell(app, &sent).await?;
            }
        }
        Ok(())
    }
}

async fn tell(app: &AppState, sent: &MessageSent) -> Result<()> {
    let realtime = Realtime::of(app);
    let mut after = MemberId(Uuid::nil());
    loop {
        let members = store::to_notify_after(&app.db, sent.room, sent.sender.id, after, MEMBERS).await?;
        let offline = members
            .iter()
            .copied()
            .filter(|member| !realtime.is_there(*member));
        let subscribed = push::subscribed(&app.db, &offline.collect::<Vec<_>>()).await?;
        if !subscribed.is_empty() {
            promise(app, sent, subscribed).await?;
        }
        match members.last() {
            Some(last) if members.len() as i64 == MEMBERS => after = *last,
            _ => return Ok(()),
        }
    }
}

async fn promise(app: &AppState, sent: &MessageSent, to: Vec<push::SubscriptionId>) -> Result<()> {
    // Deleted meanwhile: nothing to tell.
    let found = store::these(&app.db, &[sent.id.0]).await?;
    let Some(message) = found.into_iter().find(|message| !message.deleted) else {
        return Ok(());
    };
    let note = Note {
        title: message.sender.display_name,
        body: message.body,
        url: format!("/messages/{}", sent.room),
        tag: format!("chat:{}", sent.room),
    };
    let (own, key) = (app.clone(), sent.id.to_string());
    app.db
        .write_again(move |tx| async move { push::promise(&own, &tx, &to, &note, &key).await })
        .await
}

/// The worker that tells those who are offline, woken by each commit that announced something.
pub fn worker(app: &AppState) -> Plan {
    let (wake, own) = (Wake::new(), app.clone());
    app.signals.wake_on_commit(&wake);
    Spec::new("messages.offline")
        .group("platform")
        .every(Duration::from_secs(2))
        .wakes_on(&wake)
        .timeout(Duration::from_secs(30))
        .exempt()
        .worker(move || Dispatch::new(own.clone(), Arc::new(TellOffline)))
}
