use super::{Crossing, CrossingId, CrossingStatus, Seen, View, store};
use crate::posts::{PostId, Visibility, store as posts};
use accounts::{CurrentUser, communities as belonging};
use base::{
    Paging, Result,
    error::{conflict, forbidden, not_found},
};
use db::CommunityId;
use platform::{
    AppState, communities,
    http::{Created, Once},
};

/// Asks another community to show a public post. Who looks after that community approves with it.
pub async fn ask_to_share(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    target: &str,
    post: PostId,
) -> Result<Created<Crossing>> {
    let (me, now) = (actor.id, app.clock.now());
    let (source, target) = (app.db.community(), communities::named(app, target).await?);
    if source == target {
        return Err(conflict("same_community"));
    }
    if !belonging::of_member(&app.db, me).await?.contains(&target) {
        return Err(not_found("community"));
    }
    let approves = belonging::is_staff_of(&app.db, target, me).await?;
    let is_staff_here = actor.roles.is_staff() || belonging::is_staff_of(&app.db, source, me).await?;
    let id: CrossingId = app.ids.next();
    once.create(app, me.0, "ask_to_share", move |tx| async move {
        let found = posts::find(&tx, me, post)
            .await?
            .ok_or_else(|| not_found("post"))?;
        if found.visibility != Visibility::Public || found.is_withheld {
            return Err(forbidden("not_public"));
        }
        if found.author.id != me && !is_staff_here {
            return Err(forbidden("not_author").about("post"));
        }
        store::insert(&tx, id, target, post, source, me, now).await?;
        if approves {
            store::decide(&tx, id, CrossingStatus::Approved, me, now).await?;
        }
        let made = store::find(&tx, id).await?;
        made.ok_or_else(|| not_found("crossing"))
    })
    .await
}

/// Staff of the community that it asks decide; whoever asks cannot stand in for them.
pub async fn decide_crossing(
    app: &AppState,
    actor: &CurrentUser,
    id: CrossingId,
    approves: bool,
) -> Result<Crossing> {
    let (actor, now) = (*actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let found = store::find(&tx, id).await?.ok_or_else(|| not_found("crossing"))?;
            if !decides(&tx, &actor, found.numbers.1).await? {
                return Err(not_found("crossing"));
            }
            let status = if approves {
                CrossingStatus::Approved
            } else {
                CrossingStatus::Rejected
            };
            if !store::decide(&tx, id, status, actor.id, now).await? {
                return Err(conflict("already_decided"));
            }
            let decided = store::find(&tx, id).await?;
            decided.ok_or_else(|| not_found("crossing"))
        })
        .await
}

/// Whether somebody looks after a community: its own staff, or, in the first one, the platform's.
pub async fn decides(db: &impl db::Executor, actor: &CurrentUser, number: CommunityId) -> Result<bool> {
    if number == CommunityId::DEFAULT {
        return Ok(actor.roles.may(accounts::Permission::PostsModerate));
    }
    belonging::is_staff_of(db, number, actor.id).await
}

pub async fn withdraw_crossing(app: &AppState, actor: &CurrentUser, id: CrossingId) -> Result<()> {
    let me = actor.id;
    app.db
        .write_again(move |tx| async move {
            if store::delete(&tx, id, me).await? {
                Ok(())
            } else {
                Err(not_found("crossing"))
            }
        })
        .await
}

/// The posts of a view: the one place where what somebody belongs to becomes what they read.
pub async fn posts_of_view(
    app: &AppState,
    actor: &CurrentUser,
    view: View,
    page: Paging,
) -> Result<Vec<Seen>> {
    match view {
        View::Own => store::of_communities(&app.db, actor.id, &[app.db.community()], page).await,
        View::Shared => store::shared(&app.db, actor.id, page).await,
        View::All => {
            let theirs = belonging::of_member(&app.db, actor.id).await?;
            store::of_communities(&app.db, actor.id, &theirs, page).await
        }
    }
}

pub async fn put_view(app: &AppState, actor: &CurrentUser, view: View) -> Result<()> {
    let me = actor.id;
    app.db
        .write_again(move |tx| async move { store::put_view(&tx, me, view).await })
        .await
}
