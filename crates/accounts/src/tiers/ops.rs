use super::{MemberTier, Tier, store};
use crate::{
    MemberId,
    audit::{self, Act, Action},
    staff,
};
use base::{Result, Timestamp, error::not_found};
use platform::AppState;

/// Grants a tier until then, or until staff end it.
pub async fn grant_tier(
    app: &AppState,
    actor: MemberId,
    member: MemberId,
    tier: Tier,
    ends_at: Option<Timestamp>,
    reason: String,
) -> Result<MemberTier> {
    let (own, now) = (app.clone(), app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let known = staff::standing(&tx, member).await?;
            known.ok_or_else(|| not_found("member"))?;
            store::put(&tx, member, tier, ends_at, actor, now).await?;
            let until = ends_at.map_or_else(|| "for good".to_owned(), |at| format!("until {at}"));
            let act = Act {
                actor: Some(actor),
                action: Action::TierGranted,
                subject: Some(member),
                detail: &format!("{tier} {until}: {reason}"),
            };
            audit::record(&tx, &own, act).await?;
            store::find(&tx, member, now).await
        })
        .await
}

/// Ends a tier; who has none stays free.
pub async fn end_tier(app: &AppState, actor: MemberId, member: MemberId, reason: String) -> Result<()> {
    let own = app.clone();
    app.db
        .write_again(move |tx| async move {
            let known = staff::standing(&tx, member).await?;
            known.ok_or_else(|| not_found("member"))?;
            if !store::delete(&tx, member).await? {
                return Ok(());
            }
            let act = Act {
                actor: Some(actor),
                action: Action::TierEnded,
                subject: Some(member),
                detail: &reason,
            };
            audit::record(&tx, &own, act).await
        })
        .await
}
