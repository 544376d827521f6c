//! Ending several sessions at once, and what a member sees of their own.

use super::{Reason, Revoked, SessionId, lifetimes::Age, store};
use crate::{
    Accounts,
    members::MemberId,
    origin::Origin,
    revocations::{self, Revocation},
    roles::Roles,
    rotation::REPEATS_A_DAY,
};
use base::{Result, Timestamp};
use db::{Executor, Tx, params};
use platform::{App, AppState};

/// A session as its member sees it.
#[derive(Clone, Debug)]
pub(crate) struct Living {
    pub id: SessionId,
    pub label: String,
    pub device: String,
    pub network: Option<String>,
    pub client: String,
    pub remembered: bool,
    pub age: Age,
}

/// The sessions of a member that have not ended, the last used first.
pub(crate) async fn list_living(app: &App, db: &impl Executor, member: MemberId) -> Result<Vec<Living>> {
    let sql = "SELECT s.id, s.label, s.user_agent, s.network, s.client, s.remembered, s.created_at,
                      s.last_used_at, s.rotated_at,
                      (SELECT string_agg(r.role, ' ') FROM member_role r WHERE r.member_id = s.member_id)
               FROM session s JOIN member m ON m.id = s.member_id
               WHERE s.member_id = $1 AND s.revoked_at IS NULL";
    let mut living = db
        .all(sql, params![member], |row| {
            let remembered = row.get(5)?;
            Ok(Living {
                id: row.get(0)?,
                label: row.get(1)?,
                device: row.get(2)?,
                network: row.get(3)?,
                client: row.get(4)?,
                remembered,
                age: Age {
                    created_at: row.get(6)?,
                    called_at: row.get(7)?,
                    rotated_at: row.get(8)?,
                    remembered,
                    staff: row.get::<Roles>(9)?.is_staff(),
                },
            })
        })
        .await?;
    let (sessions, now) = (&Accounts::of(app).sessions, app.clock.now());
    for session in &mut living {
        session.age.called_at = sessions.called_at(session.id, session.age.called_at);
    }
    living.retain(|session| !session.age.is_over(&app.config.accounts, now));
    living.sort_by_key(|session| std::cmp::Reverse((session.age.called_at, session.id)));
    Ok(living)
}

/// Ends every living session of the member but one; tells how many.
pub async fn end_all(
    tx: &Tx,
    app: &AppState,
    member: MemberId,
    reason: Reason,
    except: Option<SessionId>,
) -> Result<u64> {
    let now = app.clock.now();
    let sql = "SELECT id FROM session WHERE member_id = $1 AND revoked_at IS NULL ORDER BY id";
    let ids: Vec<SessionId> = tx.all(sql, params![member], |row| row.get(0)).await?;
    let mut count = 0;
    for id in ids.into_iter().filter(|id| Some(*id) != except) {
        let revoked = Revoked {
            session: Some(id),
            member,
            reason,
        };
        count += u64::from(store::end(tx, app, revoked, &Origin::default(), now).await?);
    }
    Ok(count)
}

/// The member proved who they are where a session had used up its repeats: in
/// whoever's hands its newest token is, it ends.
pub(crate) async fn end_contested(
    tx: &Tx,
    app: &AppState,
    member: MemberId,
    device_hash: &[u8],
    new: SessionId,
    now: Timestamp,
) -> Result<()> {
    let sql = "SELECT id FROM session
               WHERE member_id = $1 AND device_hash = $2 AND id <> $3 AND revoked_at IS NULL
                 AND repeat_count >= $4 ORDER BY id";
    let known = params![member, device_hash.to_vec(), new, REPEATS_A_DAY];
    let former: Vec<SessionId> = tx.all(sql, known, |row| row.get(0)).await?;
    for session in former {
        let revoked = Revoked {
            session: Some(session),
            member,
            reason: Reason::Replaced,
        };
        store::end(tx, app, revoked, &Origin::default(), now).await?;
    }
    Ok(())
}

/// The member's rights changed: every node reads them again before its next answer.
pub async fn cut(tx: &Tx, app: &AppState, member: MemberId, reason: Reason) -> Result<()> {
    let revoked = Revoked {
        session: None,
        member,
        reason,
    };
    revocations::announce(tx, app, Revocation::new(app, revoked), app.clock.now()).await
}

/// Lets the sessions leave that were idle longest, so that the new one fits.
pub(crate) async fn make_room(
    tx: &Tx,
    app: &AppState,
    member: MemberId,
    new: SessionId,
    now: Timestamp,
) -> Result<()> {
    let mut others = list_living(app, tx, member).await?;
    others.retain(|session| session.id != new);
    let most = app.config.accounts.max_sessions.max(1) as usize;
    // list_living puts the last used first.
    for session in others.iter().skip(most - 1) {
        let revoked = Revoked {
            session: Some(session.id),
            member,
            reason: Reason::TooMany,
        };
        store::end(tx, app, revoked, &Origin::default(), now).await?;
    }
    Ok(())
}
