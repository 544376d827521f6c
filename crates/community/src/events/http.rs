use super::{Event, EventId, Rsvp, ops, store};
use accounts::CurrentUser;
use base::{Line, Page, TimeZone, Timestamp, error::not_found, input, page::Limit, page::TimeCursor};
use platform::{
    AppState,
    http::{Created, Json, Once, Path, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("events")
        .for_tokens("events:read", "events:write")
        .get(
            "/events",
            "list_events",
            list_events,
            "Events from a moment on, soonest first",
        )
        .post("/events", "create_event", create_event, "Announce an event")
        .get("/events/{event_id}", "show_event", show_event, "One event")
        .post("/events/{event_id}/rsvps", "rsvp", rsvp, "Say whether I come")
}

input! {
    /// Which events.
    pub struct ListEvents {
        /// From when; now unless said.
        pub from: Option<Timestamp>,
        /// Only in this city.
        pub city: Option<Line<1, 80>>,
        #[serde(default)]
        pub limit: Limit,
        /// `next_cursor` of the page before; it stands for `from`.
        pub cursor: Option<TimeCursor>,
    }
}

async fn list_events(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListEvents>,
) -> Result<Json<Page<Event, TimeCursor>>> {
    let from = store::from(list.from.unwrap_or_else(|| app.clock.now()));
    let after = list.cursor.unwrap_or(from);
    let events = store::list(
        &app.db,
        actor.id,
        list.city.as_deref(),
        after,
        list.limit.count() as i64 + 1,
    )
    .await?;
    Ok(Json(Page::of(events, list.limit, |event| {
        TimeCursor(event.starts_at, event.id.0)
    })))
}

input! {
    /// An event to come.
    pub struct NewEvent {
        pub title: Line<1, 120>,
        pub city: Line<1, 80>,
        pub starts_at: Timestamp,
        /// Whose clocks the event goes by.
        pub time_zone: TimeZone,
    }
}

async fn create_event(
    app: AppState,
    actor: CurrentUser,
    once: Once,
    Json(new): Json<NewEvent>,
) -> Result<Created<Event>> {
    let plans = ops::Plans {
        title: new.title.into(),
        city: new.city.into(),
        starts_at: new.starts_at,
        time_zone: new.time_zone,
    };
    Ok(ops::create_event(&app, &actor, once, plans).await?)
}

async fn show_event(app: AppState, actor: CurrentUser, Path(id): Path<EventId>) -> Result<Json<Event>> {
    let event = store::find(&app.db, actor.id, id).await?;
    Ok(Json(event.ok_or_else(|| not_found("event"))?))
}

input! {
    /// Whether the caller comes.
    pub struct NewRsvp {
        pub status: Rsvp,
    }
}

/// Where the event stands now.
#[derive(Debug, Serialize, JsonSchema)]
struct RsvpSummary {
    status: Rsvp,
    going_count: i64,
}

async fn rsvp(
    app: AppState,
    actor: CurrentUser,
    Path(event): Path<EventId>,
    Json(new): Json<NewRsvp>,
) -> Result<Json<RsvpSummary>> {
    let going_count = ops::rsvp(&app, &actor, event, new.status).await?;
    Ok(Json(RsvpSummary {
        status: new.status,
        going_count,
    }))
}
