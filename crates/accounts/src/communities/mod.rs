//! Communities: who belongs to which, and who looks after it.
//!
//! To the first community everybody belongs who has an account. To any other belong
//! those who joined it, when it is open, or whom its admins added; what is said there
//! is for them alone. [`CurrentUser`](crate::CurrentUser) asks here for each request
//! that speaks for such a community, so that no handler has to; staff of the platform
//! are let in everywhere. How a request is assigned stands in `platform::communities`.
//!
//! Never true: a member without a community; a community without an admin once it
//! had one, unless staff of the platform took the last one out.

pub(crate) mod http;
mod ops;
mod store;

use crate::CurrentUser;
use base::{Result, Timestamp, choice, error::forbidden};
use db::{CommunityId, stored};
use platform::AppState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

pub use store::{is_staff_of, of_member};

choice! {
    /// What somebody is in a community.
    pub enum CommunityRole {
        Member = "member",
        /// Decides about what is said in it, and what comes from other communities.
        Moderator = "moderator",
        /// Decides who belongs to it and what it is called as well.
        Admin = "admin",
    }
}
stored!(words: CommunityRole);

/// A community, as members see it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Community {
    /// Names it in `X-Community`.
    pub slug: String,
    pub name: String,
    pub description: String,
    /// The host name under which it is found; null: by its slug alone.
    pub domain: Option<String>,
    /// Whoever likes may join.
    pub is_open: bool,
    /// Null for the first one, to which everybody belongs.
    pub my_role: Option<CommunityRole>,
    pub i_belong: bool,
    #[serde(skip, default = "first")]
    pub number: CommunityId,
}

fn first() -> CommunityId {
    CommunityId::DEFAULT
}

/// For how long a node trusts what it read.
const TRUSTED: Duration = Duration::from_secs(5);
/// Members remembered; beyond it all are looked up anew.
const CROWDED: usize = 50_000;

/// Who belongs to the community of this memory.
#[derive(Default)]
struct Belonging(Mutex<HashMap<crate::MemberId, (Timestamp, bool)>>);

/// Refuses who does not belong to the community that the app speaks for.
pub(crate) async fn must_belong(app: &AppState, actor: &CurrentUser) -> Result<()> {
    let community = app.db.community();
    if community == CommunityId::DEFAULT || actor.roles.is_staff() {
        return Ok(());
    }
    let (belonging, now) = (app.memory::<Belonging>(), app.clock.now());
    let remembered = {
        let known = belonging.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(&actor.id)
            .filter(|(read_at, _)| now.since(*read_at) < TRUSTED)
            .map(|(_, belongs)| *belongs)
    };
    let belongs = if let Some(belongs) = remembered {
        belongs
    } else {
        let belongs = store::role_in(&app.db, community, actor.id).await?.is_some();
        let mut known = belonging.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CROWDED {
            known.clear();
        }
        known.insert(actor.id, (now, belongs));
        belongs
    };
    belongs.then_some(()).ok_or_else(|| forbidden("not_in_community"))
}

/// Somebody joined or left.
fn forget(app: &AppState, community: CommunityId, member: crate::MemberId) {
    let belonging = app.within(community).memory::<Belonging>();
    belonging
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(&member);
}
