use super::ExperienceKind;
use accounts::MemberId;
use base::{Result, Timestamp, choice, input};
use db::{Row, stored};
use platform::http::Versioned;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The few words by which a member is shown beside what they wrote.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Author {
    pub id: MemberId,
    pub username: String,
    pub display_name: String,
    /// Staff have made sure that they are who they say.
    // What was announced before there was such a field has none.
    #[serde(default)]
    pub is_verified: bool,
}

/// What [`Author::at`] reads of a member, by the name that a statement gives their row.
macro_rules! author_columns {
    ($member:literal) => {
        concat!(
            $member,
            ".id, ",
            $member,
            ".username, ",
            $member,
            ".display_name, ",
            $member,
            ".verified_at IS NOT NULL"
        )
    };
}
pub(crate) use author_columns;

impl Author {
    /// Read from the `author_columns!`, which begin there.
    pub fn at(row: &Row<'_>, first: usize) -> Result<Author> {
        Ok(Author {
            id: row.get(first)?,
            username: row.get(first + 1)?,
            display_name: row.get(first + 2)?,
            is_verified: row.get(first + 3)?,
        })
    }

    /// The same of a join that may find nobody.
    pub fn maybe_at(row: &Row<'_>, first: usize) -> Result<Option<Author>> {
        let id: Option<MemberId> = row.get(first)?;
        id.map(|_| Author::at(row, first)).transpose()
    }
}

/// A member as another member sees them in a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Member")]
pub struct Profile {
    pub id: MemberId,
    pub username: String,
    pub display_name: String,
    /// Staff have made sure that they are who they say.
    pub is_verified: bool,
    pub created_at: Timestamp,
    pub follower_count: i64,
    pub following_count: i64,
    /// Whether the caller follows them.
    pub followed_by_me: bool,
}

choice! {
    /// What somebody is in the world of tango.
    pub enum TangoRole {
        Dancer = "dancer",
        Teacher = "teacher",
        Dj = "dj",
        Organizer = "organizer",
        Photographer = "photographer",
        Performer = "performer",
        Host = "host",
        Musician = "musician",
        Singer = "singer",
        Choreographer = "choreographer",
        ContentCreator = "content_creator",
        TourOperator = "tour_operator",
        Vendor = "vendor",
    }
}

choice! {
    /// Who sees a part of a profile.
    #[derive(Default)]
    #[schemars(rename = "ProfileAudience")]
    pub enum Audience {
        #[default]
        Public = "public",
        Friends = "friends",
        /// The member alone.
        Private = "private",
    }
}

choice! {
    /// What a member is to the caller.
    pub enum FriendState {
        Oneself = "oneself",
        None = "none",
        /// The caller has asked.
        Asked = "asked",
        /// They have asked the caller.
        AsksMe = "asks_me",
        Friends = "friends",
    }
}
stored!(words: TangoRole, Audience, FriendState);

/// What a member says of themselves. What the reader may not see is null or empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "AboutMember")]
pub struct About {
    pub bio: Option<String>,
    pub occupation: Option<String>,
    pub city: Option<String>,
    /// Two letters.
    pub country: Option<String>,
    /// Codes such as `es`.
    pub languages: Vec<String>,
    pub tango_roles: Vec<TangoRole>,
    /// From 1 to 10.
    pub leader_level: Option<i64>,
    pub follower_level: Option<i64>,
    /// The year in which they began.
    pub dancing_since: Option<i64>,
    pub years_of_dancing: Option<i64>,
}

impl About {
    /// The same, with how many years it has been by then.
    #[must_use]
    pub fn at(self, now: Timestamp) -> About {
        About {
            years_of_dancing: self.dancing_since.map(|since| (now.year() - since).max(0)),
            ..self
        }
    }
}

/// A member's page as the caller sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MemberProfile {
    #[serde(flatten)]
    pub member: Profile,
    pub friend_count: i64,
    pub friendship: FriendState,
    pub about: About,
    /// Of which there is a page.
    pub experiences: Vec<ExperienceKind>,
}

/// Who sees which part of a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "ProfilePrivacy")]
pub struct Privacy {
    pub bio: Audience,
    pub occupation: Audience,
    /// And the country. Who tells it everybody joins the city's group.
    pub city: Audience,
    pub languages: Audience,
    pub tango_roles: Audience,
    pub levels: Audience,
    pub dancing_since: Audience,
    pub experiences: Audience,
}

input! {
    /// Whom to show which part to; what is left out stays.
    #[derive(Clone, Copy, Default)]
    pub struct PrivacyChanges {
        pub bio: Option<Audience>,
        pub occupation: Option<Audience>,
        pub city: Option<Audience>,
        pub languages: Option<Audience>,
        pub tango_roles: Option<Audience>,
        pub levels: Option<Audience>,
        pub dancing_since: Option<Audience>,
        pub experiences: Option<Audience>,
    }
}

impl base::input::Field for PrivacyChanges {}

impl PrivacyChanges {
    pub fn over(self, before: Privacy) -> Privacy {
        Privacy {
            bio: self.bio.unwrap_or(before.bio),
            occupation: self.occupation.unwrap_or(before.occupation),
            city: self.city.unwrap_or(before.city),
            languages: self.languages.unwrap_or(before.languages),
            tango_roles: self.tango_roles.unwrap_or(before.tango_roles),
            levels: self.levels.unwrap_or(before.levels),
            dancing_since: self.dancing_since.unwrap_or(before.dancing_since),
            experiences: self.experiences.unwrap_or(before.experiences),
        }
    }
}

/// One's own profile.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OwnProfile {
    pub display_name: String,
    pub about: About,
    pub privacy: Privacy,
    pub experiences: Vec<ExperienceKind>,
    /// How much of it is filled in, in percent.
    pub completeness: i64,
    #[serde(skip)]
    pub version: i64,
}

impl Versioned for OwnProfile {
    fn version(&self) -> i64 {
        self.version
    }
}

/// Of eight things that others look for, those that are there, in percent.
pub fn completeness(about: &About, has_avatar: bool, has_experience: bool) -> i64 {
    let said = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    let there = [
        has_avatar,
        said(&about.bio),
        said(&about.city),
        !about.languages.is_empty(),
        !about.tango_roles.is_empty(),
        about.leader_level.is_some() || about.follower_level.is_some(),
        about.dancing_since.is_some(),
        has_experience,
    ];
    let count = there.iter().filter(|there| **there).count();
    (100 * count / there.len()) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_complete_when_all_is_there() {
        let mut about = About::default();
        assert_eq!(completeness(&about, false, false), 0);
        assert_eq!(completeness(&about, true, true), 25);
        about.bio = Some(String::new());
        assert_eq!(
            completeness(&about, true, false),
            12,
            "an empty text says nothing"
        );
        about = About {
            bio: Some("I dance.".to_owned()),
            occupation: None,
            city: Some("Roma".to_owned()),
            country: None,
            languages: vec!["es".to_owned()],
            tango_roles: vec![TangoRole::Dj],
            leader_level: None,
            follower_level: Some(3),
            dancing_since: Some(2001),
            years_of_dancing: Some(25),
        };
        assert_eq!(completeness(&about, true, true), 100);
    }
}
