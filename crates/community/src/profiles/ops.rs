use super::{
    About, Audience, ExperienceKind, ExperiencePage, Home, Privacy, ProfileChanged, TangoRole,
    experience::Experience, model::PrivacyChanges, store,
};
use crate::groups::cities::City;
use accounts::{CurrentUser, members};
use base::{Error, Kind, Result, error::not_found};
use platform::{AppState, http::IfMatch};

/// What to change of one's profile; absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub display_name: Option<String>,
    pub bio: Option<String>,
    pub occupation: Option<String>,
    pub city: Option<Option<City>>,
    pub languages: Option<Vec<String>>,
    pub tango_roles: Option<Vec<TangoRole>>,
    pub leader_level: Option<Option<i64>>,
    pub follower_level: Option<Option<i64>>,
    pub dancing_since: Option<Option<i64>>,
    pub privacy: PrivacyChanges,
}

impl Changes {
    fn over(self, before: About) -> About {
        let (city, country) = match self.city {
            None => (before.city, before.country),
            Some(None) => (None, None),
            Some(Some(city)) => (Some(city.name), city.country),
        };
        About {
            bio: self.bio.or(before.bio),
            occupation: self.occupation.or(before.occupation),
            city,
            country,
            languages: self.languages.unwrap_or(before.languages),
            tango_roles: self.tango_roles.unwrap_or(before.tango_roles),
            leader_level: self.leader_level.unwrap_or(before.leader_level),
            follower_level: self.follower_level.unwrap_or(before.follower_level),
            dancing_since: self.dancing_since.unwrap_or(before.dancing_since),
            years_of_dancing: None,
        }
    }
}

/// Where the member lives, when they tell everybody now and did not before.
fn newly_told(before: (&About, Privacy), after: (&About, Privacy)) -> Option<Home> {
    let told = |(about, privacy): (&About, Privacy)| {
        let city = about.city.clone().filter(|_| privacy.city == Audience::Public)?;
        Some((city, about.country.clone()))
    };
    let (before, after) = (told(before), told(after));
    let (city, country) = after.filter(|after| before.as_ref() != Some(after))?;
    Some(Home { city, country })
}

pub async fn edit_profile(
    app: &AppState,
    actor: &CurrentUser,
    seen: IfMatch,
    changes: Changes,
) -> Result<()> {
    let (own, member, now) = (app.clone(), actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let (about, privacy, version) = store::own(&tx, member, now).await?;
            seen.check(version)?;
            let new_privacy = changes.privacy.over(privacy);
            let display_name = changes.display_name.clone();
            let new_about = changes.over(about.clone());
            if !store::put(&tx, member, &new_about, &new_privacy, version, now).await? {
                return Err(Error::new(Kind::Stale, "stale"));
            }
            if let Some(name) = display_name {
                members::rename(&tx, member, &name, now).await?;
            }
            let home = newly_told((&about, privacy), (&new_about, new_privacy));
            own.signals
                .announce(&tx, &ProfileChanged { member, home }, now)
                .await
        })
        .await
}

pub async fn put_experience(
    app: &AppState,
    actor: &CurrentUser,
    kind: ExperienceKind,
    page: ExperiencePage,
) -> Result<Experience> {
    page.fits(kind)?;
    let (member, now) = (actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            store::put_experience(&tx, member, kind, &page, now).await?;
            let put = store::experience(&tx, member, member, kind).await?;
            put.ok_or_else(|| not_found("experience"))
        })
        .await
}

pub async fn delete_experience(app: &AppState, actor: &CurrentUser, kind: ExperienceKind) -> Result<()> {
    let member = actor.id;
    app.db
        .write_again(move |tx| async move { store::delete_experience(&tx, member, kind).await })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_told_once_and_only_to_everybody() {
        let lives = |city: Option<&str>| About {
            city: city.map(str::to_owned),
            ..About::default()
        };
        let of = |city: Audience| Privacy {
            city,
            ..Privacy::default()
        };
        let (nowhere, roma) = (lives(None), lives(Some("Roma")));
        let (public, friends) = (of(Audience::Public), of(Audience::Friends));
        let told = |before, after| newly_told(before, after).map(|home| home.city);
        assert_eq!(told((&nowhere, public), (&roma, public)), Some("Roma".to_owned()));
        assert_eq!(told((&roma, friends), (&roma, public)), Some("Roma".to_owned()));
        assert_eq!(told((&roma, public), (&roma, public)), None);
        assert_eq!(told((&nowhere, friends), (&roma, friends)), None);
        assert_eq!(told((&roma, public), (&nowhere, public)), None);
    }
}
