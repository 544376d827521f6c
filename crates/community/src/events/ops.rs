use super::{Event, EventCreated, EventId, Rsvp, store};
use accounts::CurrentUser;
use base::{
    Result, TimeZone, Timestamp,
    error::{invalid, not_found},
};
use platform::{
    AppState,
    http::{Created, Once},
};

/// What an event is made of.
pub struct Plans {
    pub title: String,
    pub city: String,
    pub starts_at: Timestamp,
    pub time_zone: TimeZone,
}

/// Announces an event, which must lie ahead.
pub async fn create_event(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    plans: Plans,
) -> Result<Created<Event>> {
    let now = app.clock.now();
    if plans.starts_at <= now {
        return Err(invalid("/starts_at", "in_the_past"));
    }
    let event = Event {
        id: app.ids.next(),
        title: plans.title,
        city: plans.city,
        starts_at: plans.starts_at,
        time_zone: plans.time_zone,
        going_count: 0,
        my_rsvp: None,
    };
    let (own, by) = (app.clone(), actor.id);
    once.create(app, actor.id.0, "create_event", move |tx| async move {
        store::insert(&tx, &event, now).await?;
        let created = EventCreated {
            id: event.id,
            title: event.title.clone(),
            city: event.city.clone(),
            starts_at: event.starts_at,
            by,
        };
        own.signals.announce(&tx, &created, now).await?;
        Ok(event)
    })
    .await
}

/// Answers an event, or changes the answer; says how many go.
pub async fn rsvp(app: &AppState, actor: &CurrentUser, event: EventId, status: Rsvp) -> Result<i64> {
    let (member, now) = (actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let before = store::lock(&tx, event, member)
                .await?
                .ok_or_else(|| not_found("event"))?;
            store::put_rsvp(&tx, event, member, status, now).await?;
            let going = |rsvp| i64::from(rsvp == Some(Rsvp::Going));
            store::count_going(&tx, event, going(Some(status)) - going(before)).await
        })
        .await
}
