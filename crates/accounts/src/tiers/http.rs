//! `/members/{member}/tier`.

use super::{MemberTier, Tier, ops, store};
use crate::{
    Fresh, May, MemberId,
    actor::may::{UsersEdit, UsersView},
    staff,
};
use base::{Text, Timestamp, error::invalid, error::not_found, input};
use platform::{
    AppState,
    http::{Json, NoContent, Path, Result, Routes},
};

pub fn routes() -> Routes {
    Routes::new("staff")
        .get(
            "/members/{member}/tier",
            "show_tier",
            show_tier,
            "What a member's account includes",
        )
        .put("/members/{member}/tier", "grant_tier", grant_tier, "Grant a tier")
        .delete("/members/{member}/tier", "end_tier", end_tier, "End a tier")
}

async fn show_tier(
    app: AppState,
    _: May<UsersView>,
    Path(member): Path<MemberId>,
) -> Result<Json<MemberTier>> {
    let known = staff::standing(&app.db, member).await?;
    known.ok_or_else(|| not_found("member"))?;
    Ok(Json(store::find(&app.db, member, app.clock.now()).await?))
}

input! {
    /// Which tier, until when and why.
    pub struct NewTier {
        pub tier: Tier,
        /// Until staff end it unless said.
        pub ends_at: Option<Timestamp>,
        /// It stands in the audit log.
        pub reason: Text<1, 500>,
    }
}

async fn grant_tier(
    app: AppState,
    actor: May<UsersEdit>,
    _: Fresh,
    Path(member): Path<MemberId>,
    Json(new): Json<NewTier>,
) -> Result<Json<MemberTier>> {
    if new.ends_at.is_some_and(|ends_at| ends_at <= app.clock.now()) {
        return Err(invalid("/ends_at", "in_the_past").into());
    }
    let reason = new.reason.into();
    let tier = ops::grant_tier(&app, actor.id, member, new.tier, new.ends_at, reason).await?;
    Ok(Json(tier))
}

input! {
    /// Why; it stands in the audit log.
    pub struct TierEnd {
        pub reason: Text<1, 500>,
    }
}

async fn end_tier(
    app: AppState,
    actor: May<UsersEdit>,
    _: Fresh,
    Path(member): Path<MemberId>,
    Json(why): Json<TierEnd>,
) -> Result<NoContent> {
    ops::end_tier(&app, actor.id, member, why.reason.into()).await?;
    Ok(NoContent)
}
