//! Who may do what to whom. Pure.

use crate::{MemberId, Permission, Role, Roles};
use base::{
    Result,
    error::{conflict, forbidden},
};

/// A member with their roles, as the act's transaction reads them.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub id: MemberId,
    pub roles: Roles,
}

/// A role is given and taken by those who may edit users and change settings,
/// whose permissions include the role's and who stand above it; a god may give
/// and take any. Nobody changes their own.
pub fn may_change_role(actor: Standing, subject: MemberId, role: Role) -> Result<()> {
    if actor.id == subject {
        return Err(forbidden("own_account"));
    }
    if actor.roles.has(Role::God) {
        return Ok(());
    }
    let own = actor.roles.permissions();
    if !own.contains(Permission::UsersEdit) || !own.contains(Permission::PlatformSettings) {
        return Err(forbidden("forbidden"));
    }
    if !role.permissions().within(own) || actor.roles.level() <= role.level() {
        return Err(forbidden("role_beyond_yours"));
    }
    Ok(())
}

/// Free is what everybody is.
pub fn can_be_given(role: Role) -> Result<()> {
    if role == Role::Free {
        return Err(conflict("role_of_all"));
    }
    Ok(())
}

/// Suspending, reinstating, ending all sessions.
pub fn may_suspend(actor: Standing, subject: Standing) -> Result<()> {
    if actor.id == subject.id {
        return Err(forbidden("own_account"));
    }
    if !actor.roles.may(Permission::UsersSuspend) {
        return Err(forbidden("forbidden"));
    }
    if subject.roles.outranks(actor.roles) {
        return Err(forbidden("outranked"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::uuid::Uuid;

    fn somebody(n: u128, role: Role) -> Standing {
        Standing {
            id: MemberId(Uuid::from_u128(n)),
            roles: [role].into_iter().collect(),
        }
    }

    fn word(outcome: Result<()>) -> String {
        outcome.map_or_else(|error| error.code().to_owned(), |()| "yes".to_owned())
    }

    #[test]
    fn who_gives_which_role() {
        let mut allowed = vec![];
        for actor in Role::ALL {
            for role in &Role::ALL[1..] {
                if may_change_role(somebody(1, *actor), somebody(2, Role::Free).id, *role).is_ok() {
                    allowed.push(format!("{actor} {role}"));
                }
            }
        }
        assert_eq!(
            allowed,
            [
                "super_admin premium",
                "super_admin community_leader",
                "super_admin admin",
                "super_admin platform_contributor",
                "super_admin platform_volunteer",
                "god premium",
                "god community_leader",
                "god admin",
                "god platform_contributor",
                "god platform_volunteer",
                "god super_admin",
                "god god",
            ]
        );
    }

    #[test]
    fn nobody_changes_their_own_roles() {
        for role in Role::ALL {
            let own = somebody(1, *role);
            assert_eq!(word(may_change_role(own, own.id, Role::Premium)), "own_account");
            assert_eq!(word(may_suspend(own, own)), "own_account");
        }
        assert_eq!(word(can_be_given(Role::Free)), "role_of_all");
    }

    #[test]
    fn who_suspends_whom() {
        let actors = [
            Role::PlatformVolunteer,
            Role::PlatformContributor,
            Role::Admin,
            Role::SuperAdmin,
            Role::God,
        ];
        let table: Vec<String> = actors
            .iter()
            .map(|actor| {
                let outcomes = Role::ALL
                    .iter()
                    .map(|subject| word(may_suspend(somebody(1, *actor), somebody(2, *subject))));
                let may: Vec<&str> = outcomes
                    .zip(Role::ALL)
                    .filter(|(outcome, _)| outcome == "yes")
                    .map(|(_, role)| role.as_str())
                    .collect();
                format!("{actor}: {}", may.join(" "))
            })
            .collect();
        let up_to_admin = "free premium community_leader admin platform_contributor platform_volunteer";
        assert_eq!(
            table,
            [
                "platform_volunteer: ".to_owned(),
                "platform_contributor: ".to_owned(),
                format!("admin: {up_to_admin}"),
                format!("super_admin: {up_to_admin} super_admin"),
                format!("god: {up_to_admin} super_admin god"),
            ]
        );
    }
}
