use super::{EventId, Rsvp, store};
use accounts::CurrentUser;
use base::{Result, error::not_found};
use platform::AppState;

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
