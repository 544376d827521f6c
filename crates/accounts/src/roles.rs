//! Roles and what they permit.
//!
//! A member holds any number of roles; none means free. What they may do is the
//! union of their roles' permissions: `p` posts, `e` events, `h` housing, `u`
//! users, `s` platform settings, `a` platform analytics.
//!
//! | level | role | permissions |
//! | --- | --- | --- |
//! | 1 | free | p create, edit, delete; h create |
//! | 2 | premium | as free |
//! | 3 | community leader | as free; e create |
//! | 4 | admin | as community leader; p moderate; e manage; h manage; u view, suspend; a |
//! | 5 | platform contributor | as community leader; a |
//! | 6 | platform volunteer | as community leader; p moderate; u view |
//! | 7 | super admin | all |
//! | 8 | god | all |
//!
//! Never true: a rank decided by the number alone (a contributor does not stand
//! above an admin, see [`Roles::outranks`]); a quota.

use base::{Result, choice, error::internal};
use db::{Column, Row, stored};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, str::FromStr};

choice! {
    /// What a member is on the platform. Community roles (dancer, DJ, host) are labels and stand elsewhere.
    pub enum Role {
        Free = "free",
        Premium = "premium",
        CommunityLeader = "community_leader",
        Admin = "admin",
        PlatformContributor = "platform_contributor",
        PlatformVolunteer = "platform_volunteer",
        SuperAdmin = "super_admin",
        God = "god",
    }
}
stored!(words: Role);

choice! {
    /// What a role may permit.
    pub enum Permission {
        PostsCreate = "posts_create",
        PostsEdit = "posts_edit",
        PostsDelete = "posts_delete",
        PostsModerate = "posts_moderate",
        EventsCreate = "events_create",
        EventsManage = "events_manage",
        HousingCreate = "housing_create",
        HousingManage = "housing_manage",
        UsersView = "users_view",
        UsersEdit = "users_edit",
        UsersSuspend = "users_suspend",
        PlatformSettings = "platform_settings",
        PlatformAnalytics = "platform_analytics",
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u16);

impl Permissions {
    const ALL: Permissions = Permissions::of(Permission::ALL);

    const fn of(permissions: &[Permission]) -> Permissions {
        let (mut bits, mut n) = (0, 0);
        while n < permissions.len() {
            bits |= 1 << permissions[n] as u16;
            n += 1;
        }
        Permissions(bits)
    }

    const fn and(self, other: Permissions) -> Permissions {
        Permissions(self.0 | other.0)
    }

    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u16) != 0
    }

    /// Whether every one of these is among the others.
    pub const fn within(self, others: Permissions) -> bool {
        self.0 & !others.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .iter()
            .copied()
            .filter(move |permission| self.contains(*permission))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

use Permission::{
    EventsCreate, EventsManage, HousingCreate, HousingManage, PlatformAnalytics, PostsCreate, PostsDelete,
    PostsEdit, PostsModerate, UsersSuspend, UsersView,
};
const FREE: Permissions = Permissions::of(&[PostsCreate, PostsEdit, PostsDelete, HousingCreate]);
const LEADER: Permissions = FREE.and(Permissions::of(&[EventsCreate]));
const CONTRIBUTOR: Permissions = LEADER.and(Permissions::of(&[PlatformAnalytics]));
const VOLUNTEER: Permissions = LEADER.and(Permissions::of(&[PostsModerate, UsersView]));
const ADMIN: Permissions =
    CONTRIBUTOR
        .and(VOLUNTEER)
        .and(Permissions::of(&[EventsManage, HousingManage, UsersSuspend]));

impl Role {
    /// 1 to 8; by itself it ranks only those who may do the same.
    pub const fn level(self) -> u8 {
        self as u8 + 1
    }

    pub const fn permissions(self) -> Permissions {
        match self {
            Role::Free | Role::Premium => FREE,
            Role::CommunityLeader => LEADER,
            Role::Admin => ADMIN,
            Role::PlatformContributor => CONTRIBUTOR,
            Role::PlatformVolunteer => VOLUNTEER,
            Role::SuperAdmin | Role::God => Permissions::ALL,
        }
    }
}

impl FromStr for Role {
    type Err = ();
    fn from_str(word: &str) -> Result<Role, ()> {
        Role::parse(word).ok_or(())
    }
}

/// The roles of one member.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles(u8);

impl Roles {
    /// No role: free.
    pub const NONE: Roles = Roles(0);

    #[must_use]
    pub const fn with(self, role: Role) -> Roles {
        Roles(self.0 | 1 << role as u8)
    }

    pub const fn has(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    /// The roles held, the lowest level first; free when there is none.
    pub fn list(self) -> Vec<Role> {
        let held: Vec<Role> = Role::ALL.iter().copied().filter(|role| self.has(*role)).collect();
        if held.is_empty() { vec![Role::Free] } else { held }
    }

    pub fn permissions(self) -> Permissions {
        self.list()
            .into_iter()
            .fold(FREE, |all, role| all.and(role.permissions()))
    }

    pub fn may(self, permission: Permission) -> bool {
        self.permissions().contains(permission)
    }

    /// The highest level of the roles held.
    pub fn level(self) -> u8 {
        self.list().into_iter().map(Role::level).max().unwrap_or(1)
    }

    /// Whether a role permits more than members are permitted.
    pub fn is_staff(self) -> bool {
        !self.permissions().within(LEADER)
    }

    /// Whether somebody with these roles stands above somebody with the others:
    /// they may do something the others may not, or the same on a higher level.
    pub fn outranks(self, others: Roles) -> bool {
        let (own, theirs) = (self.permissions(), others.permissions());
        !own.within(theirs) || (own == theirs && self.level() > others.level())
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Roles {
        roles.into_iter().fold(Roles::NONE, Roles::with)
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.list()).finish()
    }
}

/// Read as `string_agg(role, ' ')` gives them: words with spaces between, NULL for none.
impl Column for Roles {
    fn read(row: &Row<'_>, index: usize) -> Result<Roles> {
        let words: Option<String> = row.get(index)?;
        words.as_deref().unwrap_or_default().parse()
    }
}

/// Those that were given, with spaces between.
impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = Role::ALL.iter().filter(|role| self.has(**role));
        let words: Vec<&str> = given.map(|role| role.as_str()).collect();
        f.write_str(&words.join(" "))
    }
}

impl FromStr for Roles {
    type Err = base::Error;
    fn from_str(words: &str) -> Result<Roles> {
        let role = |word| Role::parse(word).ok_or_else(|| internal(format!("{word:?} is not a Role")));
        words.split_whitespace().map(role).collect()
    }
}

impl Serialize for Roles {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Roles {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Roles, D::Error> {
        let words = String::deserialize(from)?;
        words.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_permissions_are_as_the_table_says() {
        let table = Role::ALL.iter().map(|role| {
            let permissions: Vec<&str> = role.permissions().iter().map(Permission::as_str).collect();
            format!("{} {role}: {}", role.level(), permissions.join(" "))
        });
        let table: Vec<String> = table.collect();
        let member = "posts_create posts_edit posts_delete";
        assert_eq!(
            table,
            [
                format!("1 free: {member} housing_create"),
                format!("2 premium: {member} housing_create"),
                format!("3 community_leader: {member} events_create housing_create"),
                format!(
                    "4 admin: {member} posts_moderate events_create events_manage housing_create housing_manage \
                     users_view users_suspend platform_analytics"
                ),
                format!("5 platform_contributor: {member} events_create housing_create platform_analytics"),
                format!(
                    "6 platform_volunteer: {member} posts_moderate events_create housing_create users_view"
                ),
                format!(
                    "7 super_admin: {}",
                    Permission::ALL
                        .iter()
                        .map(|p| p.as_str())
                        .collect::<Vec<_>>()
                        .join(" ")
                ),
                format!(
                    "8 god: {}",
                    Permission::ALL
                        .iter()
                        .map(|p| p.as_str())
                        .collect::<Vec<_>>()
                        .join(" ")
                ),
            ]
        );
    }

    fn roles(held: &[Role]) -> Roles {
        held.iter().copied().collect()
    }

    #[test]
    fn several_roles_permit_what_each_permits() {
        let both = roles(&[Role::PlatformVolunteer, Role::PlatformContributor]);
        assert!(both.may(Permission::PostsModerate) && both.may(Permission::PlatformAnalytics));
        assert!(!both.may(Permission::UsersSuspend));
        assert_eq!(both.level(), 6);
        assert_eq!(Roles::NONE.level(), 1);
        assert_eq!(Roles::NONE.list(), [Role::Free]);
        assert!(Roles::NONE.may(Permission::PostsCreate) && !Roles::NONE.may(Permission::EventsCreate));
    }

    #[test]
    fn staff_are_those_who_may_more_than_a_community_leader() {
        let staff: Vec<Role> = Role::ALL
            .iter()
            .copied()
            .filter(|role| roles(&[*role]).is_staff())
            .collect();
        assert_eq!(staff, &Role::ALL[3..]);
        assert!(!Roles::NONE.is_staff());
    }

    #[test]
    fn permission_ranks_before_the_number() {
        let (admin, volunteer) = (roles(&[Role::Admin]), roles(&[Role::PlatformVolunteer]));
        assert!(admin.outranks(volunteer) && !volunteer.outranks(admin));
        let (contributor, both) = (
            roles(&[Role::PlatformContributor]),
            roles(&[Role::PlatformContributor, Role::Admin]),
        );
        assert!(
            contributor.outranks(volunteer) && volunteer.outranks(contributor),
            "neither covers the other"
        );
        assert!(both.outranks(admin), "the same permissions, a higher level");
        let (god, super_admin) = (roles(&[Role::God]), roles(&[Role::SuperAdmin]));
        assert!(god.outranks(super_admin) && !super_admin.outranks(god) && !god.outranks(god));
    }
}
