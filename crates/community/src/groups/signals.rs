//! What others may react to, and the automation that makes the groups of cities.

use super::{GroupId, cities::City, ops};
use crate::{events::EventCreated, profiles::ProfileChanged};
use accounts::MemberId;
use base::Result;
use platform::{
    AppState,
    signals::{Announced, Consumer, Signal, follow},
};
use serde::{Deserialize, Serialize};
use supervisor::Plan;

/// A group was made, edited or ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupChanged {
    pub group: GroupId,
}

/// Somebody is a member from now on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupJoined {
    pub group: GroupId,
    pub member: MemberId,
    /// Who let them in, when they had asked.
    pub accepted_by: Option<MemberId>,
}

/// Somebody is no member any more: left, removed or banned.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupLeft {
    pub group: GroupId,
    pub member: MemberId,
}

/// Somebody asks to join.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupAsked {
    pub group: GroupId,
    pub member: MemberId,
}

/// Somebody was asked in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupInvited {
    pub group: GroupId,
    pub member: MemberId,
    pub by: MemberId,
}

impl Signal for GroupChanged {
    const KIND: &'static str = "group_changed";
}
impl Signal for GroupJoined {
    const KIND: &'static str = "group_joined";
}
impl Signal for GroupLeft {
    const KIND: &'static str = "group_left";
}
impl Signal for GroupAsked {
    const KIND: &'static str = "group_asked";
}
impl Signal for GroupInvited {
    const KIND: &'static str = "group_invited";
}

/// Makes the group of each city that is named for the first time.
struct Cities;

/// A city that somebody named, and whether they live there.
struct Named {
    input: String,
    city: City,
    source: &'static str,
    resident: Option<MemberId>,
}

fn named(signal: &Announced) -> Option<Named> {
    if let Some(ProfileChanged { member, home }) = signal.read() {
        let home = home?;
        return Some(Named {
            city: City::named(&home.city, home.country.as_deref())?,
            input: home.city,
            source: "profile",
            resident: Some(member),
        });
    }
    let event = signal.read::<EventCreated>()?;
    Some(Named {
        city: City::named(&event.city, None)?,
        input: event.city,
        source: "event",
        resident: None,
    })
}

impl Consumer for Cities {
    fn name(&self) -> &'static str {
        "groups.cities"
    }

    fn hears(&self) -> &'static [&'static str] {
        &[ProfileChanged::KIND, EventCreated::KIND]
    }

    async fn consume(&self, app: &AppState, signals: Vec<Announced>) -> Result<()> {
        for named in signals.iter().filter_map(named) {
            ops::connect_city(app, named.city, named.input, named.source, named.resident).await?;
        }
        Ok(())
    }
}

/// The worker that makes them.
pub fn cities_worker(app: &AppState) -> Plan {
    follow(app, Cities)
}
