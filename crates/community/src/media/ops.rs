use super::{
    Media, MediaId, MediaKind, MediaView, Subject, SubjectKind, attach, clean_up, detach, store, urls::Signer,
};
use accounts::CurrentUser;
use base::{
    Result,
    error::{invalid, not_found},
};
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

/// Makes a picture the member's own; the one before goes.
pub async fn set_avatar(app: &AppState, actor: &CurrentUser, id: MediaId) -> Result<MediaView> {
    let (owner, own) = (actor.id, app.clone());
    app.db
        .write_again(move |tx| async move {
            let subject = Subject::new(SubjectKind::Avatar, owner.0);
            let views = attach(&own, &tx, owner, subject, &[id]).await?;
            let view = views.into_iter().next().ok_or_else(|| not_found("media"))?;
            if view.kind != MediaKind::Image {
                return Err(invalid("/media_id", "not_a_picture"));
            }
            Ok(view)
        })
        .await
}

pub async fn remove_avatar(app: &AppState, actor: &CurrentUser) -> Result<()> {
    let (owner, own) = (actor.id, app.clone());
    app.db
        .write_again(
            move |tx| async move { detach(&own, &tx, Subject::new(SubjectKind::Avatar, owner.0)).await },
        )
        .await
}
