//! The task that sends one message once, and asks for the next attempt when there has to be one.
//!
//! A consumer that answers slowly holds up nobody else: of the tasks that run at the same time only
//! some are messages, and only a few of those one member's. Who does not keep up for long finds in
//! the log what was not sent.

use super::{Delivery, DeliveryId, DeliveryStatus, Webhook, WebhookEvent, WebhookId, signing, store};
use crate::posts::{self, PostId};
use accounts::MemberId;
use base::{Result, Timestamp, error::internal};
use bytes::Bytes;
use db::Tx;
use platform::{
    AppState, Config,
    outbound::{self, Outbound, Said, Unsent},
    tasks::{self, Handler, NewTask, Outcome, Task},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use uuid::Uuid;

/// The kind of its tasks.
const KIND: &str = "webhook.deliver";
/// The pauses between attempts: a little more than a day, with a tenth of chance.
const PAUSES: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(10),
];
/// A webhook where nothing got through for so long, and where a message failed so often now, is
/// switched off.
const PATIENCE: (Duration, i64) = (Duration::from_hours(5 * 24), 3);
/// Messages that are sent at the same time, and of those one member's. The runner has sixteen places.
const AT_ONCE: (usize, usize) = (8, 3);
/// Who finds no place comes again after so long, and up to twice that.
const LATER: Duration = Duration::from_secs(5);
/// Messages that may wait for one webhook.
const WAITING: i64 = 1000;

/// What became of one attempt.
type Answer = std::result::Result<Said, Unsent>;

#[derive(Serialize, Deserialize)]
struct Payload {
    delivery: DeliveryId,
}

/// Promises a message once for each event and subject; it leaves after this write.
pub async fn promise(
    app: &AppState,
    tx: &Tx,
    id: DeliveryId,
    webhook: WebhookId,
    event: WebhookEvent,
    subject: Uuid,
) -> Result<()> {
    let now = app.clock.now();
    let crowded = store::count_waiting(tx, webhook, WAITING).await? == WAITING;
    if !store::insert_delivery(tx, id, webhook, event, subject, now).await? {
        return Ok(());
    }
    if !crowded {
        return enqueue(app, tx, id, None).await;
    }
    if let Some(mut unsent) = store::find_delivery(tx, webhook, id).await? {
        unsent.status = DeliveryStatus::Failed;
        unsent.last_error = Some(format!("{WAITING} messages wait already"));
        unsent.next_attempt_at = None;
        store::settle(tx, &unsent).await?;
    }
    Ok(())
}

/// Sends the message after this write, or at that time.
pub async fn enqueue(app: &AppState, tx: &Tx, delivery: DeliveryId, at: Option<Timestamp>) -> Result<()> {
    let mut task = NewTask::new(KIND, &Payload { delivery })?;
    if let Some(at) = at {
        task = task.at(at);
    }
    tasks::enqueue(app, tx, task).await.map(drop)
}

/// The handler of these tasks.
pub struct Deliver {
    outbound: Outbound,
    under_way: Places,
}

/// Whose messages are being sent at this moment, and how many.
#[derive(Default)]
struct Places(Mutex<HashMap<MemberId, usize>>);

/// Given back when dropped.
struct Place<'a> {
    places: &'a Places,
    owner: MemberId,
}

impl Places {
    fn take(&self, owner: MemberId) -> Option<Place<'_>> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = (
            taken.values().sum::<usize>(),
            taken.get(&owner).copied().unwrap_or(0),
        );
        if all >= AT_ONCE.0 || own >= AT_ONCE.1 {
            return None;
        }
        taken.insert(owner, own + 1);
        Some(Place { places: self, owner })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.owner) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(taken.remove(&self.owner)),
        }
    }
}

impl Deliver {
    pub fn new(config: &Config) -> Deliver {
        Deliver {
            outbound: Outbound::public(config.webhooks.allowed_networks.clone()),
            under_way: Places::default(),
        }
    }

    async fn send(&self, app: &AppState, webhook: &Webhook, id: DeliveryId, body: Bytes) -> Result<Answer> {
        let now = app.clock.now();
        let headers = signing::headers(app, webhook, id, now, &body)?;
        // Asked again with each attempt: the settings may have changed since it was written down.
        let ours = &app.config.webhooks.allowed_networks;
        match outbound::check_url(ours, "/url", &webhook.url) {
            Ok(uri) => Ok(self.outbound.post(&uri, headers, body).await),
            Err(_) => Ok(Err(Unsent::Forbidden)),
        }
    }
}

impl Handler for Deliver {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &AppState, task: &Task) -> Result<Outcome> {
        let Payload { delivery } = task.read()?;
        let app = &app.within(task.community);
        let Some((mut delivery, webhook)) = store::find_pending(&app.db, delivery).await? else {
            return Ok(Outcome::Done);
        };
        let (own, now) = (app.clone(), app.clock.now());
        let Some(_place) = self.under_way.take(webhook.owner) else {
            let at = now.plus(LATER).plus(chance(app, LATER));
            return Ok(Outcome::done_in(move |tx| async move {
                enqueue(&own, &tx, delivery.id, Some(at)).await
            }));
        };
        delivery.next_attempt_at = None;
        if !webhook.enabled {
            delivery.status = DeliveryStatus::Failed;
            delivery.last_error = Some("the webhook is switched off".to_owned());
            return Ok(Outcome::done_in(move |tx| async move {
                store::settle(&tx, &delivery).await
            }));
        }
        let Some(data) = data(app, &webhook, &delivery).await? else {
            delivery.status = DeliveryStatus::Withheld;
            return Ok(Outcome::done_in(move |tx| async move {
                store::settle(&tx, &delivery).await
            }));
        };
        let body = json!({"type": delivery.event, "timestamp": delivery.created_at, "data": data});
        let body = Bytes::from(serde_json::to_vec(&body).map_err(internal)?);
        let said = self.send(app, &webhook, delivery.id, body).await?;
        let off = judge(&mut delivery, &webhook, said, now, app);
        Ok(Outcome::done_in(move |tx| async move {
            store::settle(&tx, &delivery).await?;
            if delivery.status == DeliveryStatus::Delivered {
                return store::put_well(&tx, webhook.id).await;
            }
            store::put_failing(&tx, webhook.id, now, off).await?;
            if let Some(reason) = off {
                tell_owner(&own, &tx, &webhook, reason).await?;
            }
            match delivery.next_attempt_at {
                Some(at) => enqueue(&own, &tx, delivery.id, Some(at)).await,
                None => Ok(()),
            }
        }))
    }
}

/// A member hears by mail that their program hears nothing any more.
async fn tell_owner(app: &AppState, tx: &Tx, webhook: &Webhook, reason: &str) -> Result<()> {
    let args = [
        ("url", webhook.url.clone()),
        ("link", format!("{}/settings/webhooks", app.config.public_url())),
    ];
    let kind = match reason {
        "gone" => "webhook_gone",
        _ => "webhook_failing",
    };
    accounts::mail_member(tx, app, webhook.owner, kind, &args).await
}

/// Up to so long, by chance.
fn chance(app: &AppState, most: Duration) -> Duration {
    Duration::from_micros(app.entropy.below(most.as_micros() as u64 + 1))
}

/// What the message tells, as its owner may read it now; nothing when they may not.
async fn data(app: &AppState, webhook: &Webhook, delivery: &Delivery) -> Result<Option<Value>> {
    match delivery.event {
        WebhookEvent::Test => Ok(Some(json!({"webhook_id": webhook.id}))),
        WebhookEvent::PostCreated => {
            let post = posts::store::find(&app.db, webhook.owner, PostId(delivery.subject)).await?;
            post.map(|post| serde_json::to_value(post).map_err(internal))
                .transpose()
        }
    }
}

/// Notes the outcome of an attempt; says whether the webhook is to be switched off, and why.
fn judge(
    delivery: &mut Delivery,
    webhook: &Webhook,
    said: Answer,
    now: Timestamp,
    app: &AppState,
) -> Option<&'static str> {
    delivery.attempts += 1;
    delivery.last_attempt_at = Some(now);
    let status = said.as_ref().ok().map(|said| said.status);
    delivery.last_status = status.map(i64::from);
    delivery.last_error = match &said {
        Ok(said) if (200..300).contains(&said.status) => None,
        Ok(said) => Some(said.text.clone()),
        Err(unsent) => Some(unsent.to_string()),
    };
    if status.is_some_and(|status| (200..300).contains(&status)) {
        delivery.status = DeliveryStatus::Delivered;
        return None;
    }
    // 410 is how a consumer says: not any more.
    let off = match (status, webhook.failing_since) {
        (Some(410), _) => Some("gone"),
        (_, Some(since)) if now.since(since) > PATIENCE.0 && delivery.attempts >= PATIENCE.1 => {
            Some("failing")
        }
        _ => None,
    };
    let pause = PAUSES
        .get(delivery.attempts as usize - 1)
        .filter(|_| off.is_none());
    match pause {
        Some(pause) => {
            delivery.next_attempt_at = Some(now.plus(*pause).plus(chance(app, *pause / 10)));
        }
        None => delivery.status = DeliveryStatus::Failed,
    }
    off
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_consumers_of_one_member_leave_places_to_others() {
        let (places, member) = (Places::default(), |n: u128| MemberId(Uuid::from_u128(n)));
        let mut bruno: Vec<_> = (0..3).map(|_| places.take(member(1)).expect("free")).collect();
        assert!(places.take(member(1)).is_none(), "three are his");
        let others: Vec<_> = (0..5)
            .map(|n| places.take(member(2 + n % 2)).expect("free"))
            .collect();
        assert!(places.take(member(9)).is_none(), "eight are all");
        bruno.pop();
        assert!(places.take(member(9)).is_some(), "given back");
        drop((bruno, others));
        assert!(places.0.lock().unwrap().is_empty());
    }
}
