use super::{
    Channel, NotificationId, NotificationKind,
    model::{Digest, Notification, Schedule},
    ops::{self, Wanted, Wishes},
    store,
};
use accounts::CurrentUser;
use base::{
    Page, TimeZone, Timestamp, Whole,
    error::invalid,
    input,
    page::{Limit, TimeCursor},
};
use platform::{
    AppState,
    http::{Context, Json, NoContent, Path, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("notifications")
        .for_tokens("notifications:read", "notifications:write")
        .get(
            "/notifications",
            "list_notifications",
            list_notifications,
            "What I am told, the last first",
        )
        .get(
            "/notifications/unread",
            "count_unread_notifications",
            count_unread_notifications,
            "How many I have not read",
        )
        .put(
            "/notifications/read",
            "read_all_notifications",
            read_all_notifications,
            "Mark all up to a moment as read",
        )
        .get(
            "/notifications/preferences",
            "show_notification_preferences",
            show_notification_preferences,
            "What I want to be told, how, and when not",
        )
        .put(
            "/notifications/preferences",
            "put_notification_preferences",
            put_notification_preferences,
            "Say what I want to be told, how, and when not",
        )
        .put(
            "/notifications/{notification_id}/read",
            "read_notification",
            read_notification,
            "Mark one as read",
        )
        .delete(
            "/notifications/{notification_id}",
            "delete_notification",
            delete_notification,
            "Forget one",
        )
}

base::choice! {
    /// What stands first: what happened last, or what deserves attention.
    #[schemars(rename = "NotificationOrder")]
    pub enum Order {
        Recent = "recent",
        Priority = "priority",
    }
}

input! {
    /// Which notifications.
    pub struct ListNotifications {
        /// Only those I have not read.
        #[serde(default)]
        pub unread: bool,
        /// By `priority`: one page of the newest hundred.
        #[serde(default = "recent")]
        pub order: Order,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<TimeCursor>,
    }
}

fn recent() -> Order {
    Order::Recent
}

async fn list_notifications(
    app: AppState,
    actor: CurrentUser,
    Context(context): Context,
    Query(list): Query<ListNotifications>,
) -> Result<Json<Page<Notification, TimeCursor>>> {
    let wishes = store::preferences(&app.db, actor.id).await?;
    let rows = match list.order {
        Order::Recent => list.limit.count() as i64 + 1,
        Order::Priority => i64::from(Limit::MAX),
    };
    let cursor = list.cursor.filter(|_| list.order == Order::Recent);
    let found = store::list(&app.db, actor.id, list.unread, cursor, rows).await?;
    let mut items: Vec<Notification> = found
        .into_iter()
        .map(|found| ops::view(&app, found, &wishes, context.language))
        .collect();
    if list.order == Order::Priority {
        items.sort_by(|a, b| {
            b.priority
                .score
                .total_cmp(&a.priority.score)
                .then(b.id.cmp(&a.id))
        });
        items.truncate(list.limit.count());
    }
    Ok(Json(Page::of(items, list.limit, |item| {
        TimeCursor(item.updated_at, item.id.0)
    })))
}

/// How many are unread.
#[derive(Debug, Serialize, JsonSchema)]
struct UnreadCount {
    /// 100 stands for a hundred and more.
    count: i64,
}

async fn count_unread_notifications(app: AppState, actor: CurrentUser) -> Result<Json<UnreadCount>> {
    let count = store::count_unread(&app.db, actor.id).await?;
    Ok(Json(UnreadCount { count }))
}

input! {
    /// Up to when.
    pub struct ReadUntil {
        /// `updated_at` of the newest that was seen; now unless said.
        pub until: Option<Timestamp>,
    }
}

async fn read_all_notifications(
    app: AppState,
    actor: CurrentUser,
    Json(read): Json<ReadUntil>,
) -> Result<NoContent> {
    let until = read.until.unwrap_or_else(|| app.clock.now());
    ops::read_all(&app, &actor, until).await?;
    Ok(NoContent)
}

async fn read_notification(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<NotificationId>,
) -> Result<NoContent> {
    ops::read(&app, &actor, id).await?;
    Ok(NoContent)
}

async fn delete_notification(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<NotificationId>,
) -> Result<NoContent> {
    ops::delete(&app, &actor, id).await?;
    Ok(NoContent)
}

/// What a member wants of one kind.
#[derive(Debug, Serialize, JsonSchema)]
struct KindPreference {
    kind: NotificationKind,
    in_app: bool,
    push: bool,
    email: bool,
}

/// What a member wants to be told, how, and when not.
#[derive(Debug, Serialize, JsonSchema)]
struct NotificationPreferences {
    kinds: Vec<KindPreference>,
    /// Whose clocks the times below go by.
    time_zone: TimeZone,
    /// Minutes after midnight between which no push comes; null: none.
    quiet_from: Option<u32>,
    quiet_to: Option<u32>,
    digest: Digest,
    /// Minutes after midnight.
    digest_at: u32,
}

fn preferences(wishes: &Wishes, schedule: Schedule) -> NotificationPreferences {
    let kinds = NotificationKind::ALL.iter().map(|kind| {
        let wants = |channel| ops::wants(wishes, *kind, channel);
        KindPreference {
            kind: *kind,
            in_app: wants(Channel::InApp),
            push: wants(Channel::Push),
            email: wants(Channel::Email),
        }
    });
    NotificationPreferences {
        kinds: kinds.collect(),
        time_zone: schedule.time_zone,
        quiet_from: schedule.quiet.map(|(from, _)| from),
        quiet_to: schedule.quiet.map(|(_, to)| to),
        digest: schedule.digest,
        digest_at: schedule.digest_at,
    }
}

async fn show_notification_preferences(
    app: AppState,
    actor: CurrentUser,
) -> Result<Json<NotificationPreferences>> {
    let wishes = store::preferences(&app.db, actor.id).await?;
    let schedule = store::schedule(&app.db, actor.id).await?;
    Ok(Json(preferences(&wishes, schedule)))
}

input! {
    /// What to want of one kind; what is left out stays.
    pub struct PutKindPreference {
        pub kind: NotificationKind,
        pub in_app: Option<bool>,
        pub push: Option<bool>,
        pub email: Option<bool>,
    }
}

impl base::input::Field for PutKindPreference {}

input! {
    /// What to want; what is left out stays.
    pub struct PutNotificationPreferences {
        #[serde(default)]
        pub kinds: Vec<PutKindPreference>,
        pub time_zone: Option<TimeZone>,
        /// With `quiet_to`; the same for both: no quiet hours.
        pub quiet_from: Option<Whole<0, 1439>>,
        pub quiet_to: Option<Whole<0, 1439>>,
        pub digest: Option<Digest>,
        pub digest_at: Option<Whole<0, 1439>>,
    }
}

async fn put_notification_preferences(
    app: AppState,
    actor: CurrentUser,
    Json(put): Json<PutNotificationPreferences>,
) -> Result<Json<NotificationPreferences>> {
    let mut schedule = store::schedule(&app.db, actor.id).await?;
    schedule.quiet = match (put.quiet_from, put.quiet_to) {
        (None, None) => schedule.quiet,
        (Some(from), Some(to)) => (from.0 != to.0).then_some((from.0 as u32, to.0 as u32)),
        (Some(_), None) => return Err(invalid("/quiet_to", "required").into()),
        (None, Some(_)) => return Err(invalid("/quiet_from", "required").into()),
    };
    schedule.time_zone = put.time_zone.unwrap_or(schedule.time_zone);
    schedule.digest = put.digest.unwrap_or(schedule.digest);
    schedule.digest_at = put.digest_at.map_or(schedule.digest_at, |minute| minute.0 as u32);
    let mut wanted = vec![];
    for kind in &put.kinds {
        let said = [
            (Channel::InApp, kind.in_app),
            (Channel::Push, kind.push),
            (Channel::Email, kind.email),
        ];
        wanted.extend(
            said.iter()
                .filter_map(|(channel, said)| said.map(|said| (kind.kind, *channel, said))),
        );
    }
    let wanted = Wanted {
        preferences: wanted,
        schedule,
    };
    ops::put_preferences(&app, &actor, wanted).await?;
    show_notification_preferences(app, actor).await
}
