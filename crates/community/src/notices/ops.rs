use super::{Notice, NoticeId, store};
use accounts::{
    CurrentUser, MemberId,
    audit::{self, Act, Action},
};
use base::{Result, error::not_found};
use db::Tx;
use platform::{
    AppState,
    http::{Created, Once},
};

/// Tells everybody something, from its beginning on.
pub async fn publish_notice(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    notice: Notice,
) -> Result<Created<Notice>> {
    let (own, me, now) = (app.clone(), actor.id, app.clock.now());
    once.create(app, me.0, "publish_notice", move |tx| async move {
        store::insert(&tx, &notice, me, now).await?;
        note(&tx, &own, me, Action::NoticePublished, &notice.title).await?;
        let app = own.clone();
        tx.on_commit(move || {
            app.supervisor.wake(super::telling::WORKER);
        });
        Ok(notice)
    })
    .await
}

/// Takes a notice back; who was told of it keeps no notification that leads anywhere.
pub async fn withdraw_notice(app: &AppState, actor: &CurrentUser, id: NoticeId) -> Result<()> {
    let (own, me) = (app.clone(), actor.id);
    app.db
        .write_again(move |tx| async move {
            let found = store::find(&tx, id).await?;
            let notice = found.ok_or_else(|| not_found("notice"))?;
            store::delete(&tx, id).await?;
            note(&tx, &own, me, Action::NoticeWithdrawn, &notice.title).await
        })
        .await
}

async fn note(tx: &Tx, app: &AppState, actor: MemberId, action: Action, title: &str) -> Result<()> {
    let act = Act {
        actor: Some(actor),
        action,
        subject: None,
        detail: title,
    };
    audit::record(tx, app, act).await
}

/// Does not show it to this member any more.
pub async fn dismiss_notice(app: &AppState, actor: &CurrentUser, id: NoticeId) -> Result<()> {
    let (me, now) = (actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let known = store::find(&tx, id)
                .await?
                .filter(|notice| notice.starts_at <= now);
            known.ok_or_else(|| not_found("notice"))?;
            store::dismiss(&tx, id, me, now).await
        })
        .await
}
