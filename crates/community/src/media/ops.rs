use super::{Media, MediaId, clean_up, store, urls::Signer};
use accounts::CurrentUser;
use base::{Result, error::not_found};
use platform::AppState;

/// Says what a medium shows.
pub async fn edit_media(app: &AppState, actor: &CurrentUser, id: MediaId, alt: String) -> Result<Media> {
    let (owner, now) = (actor.id, app.clock.now());
    let row = app
        .db
        .write_again(move |tx| async move {
            let mut row = store::find_own(&tx, owner, id, now)
                .await?
                .ok_or_else(|| not_found("media"))?;
            store::put_alt(&tx, id, &alt).await?;
            row.alt = alt;
            Ok(row)
        })
        .await?;
    row.for_owner(&Signer::of(app))
}

/// Takes it out of wherever it is, and then its bytes away. An upload that is under way ends.
pub async fn delete_media(
    app: &AppState,
    actor: &CurrentUser,
    id: MediaId,
    noun: &'static str,
) -> Result<()> {
    let (owner, now, own) = (actor.id, app.clock.now(), app.clone());
    app.db
        .write_again(move |tx| async move {
            store::find_own(&tx, owner, id, now)
                .await?
                .ok_or_else(|| not_found(noun))?;
            store::remove(&tx, id, now).await?;
            clean_up::wake_on_commit(&own, &tx);
            Ok(())
        })
        .await
}
