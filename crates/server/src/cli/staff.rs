//! `mundo staff`: who holds which role, for somebody with a shell on the machine.
//!
//! It works beside a running server: PostgreSQL takes both, and on SQLite a short
//! write of a second process waits for the server's and the other way round. The
//! server hears of it within a second.

use super::{Flags, block_on};
use crate::lifecycle;
use accounts::{
    Role, members,
    staff::{self, By},
};
use anyhow::{Context, Result, anyhow};
use clap::Subcommand;
use platform::{
    AppState,
    texts::{Language, Texts},
};

#[derive(Debug, Subcommand)]
pub enum Act {
    /// Give a member a role
    Grant {
        #[command(flatten)]
        change: Change,
    },
    /// Take a role from a member
    Revoke {
        #[command(flatten)]
        change: Change,
    },
    /// Everybody who holds a role
    List {
        #[command(flatten)]
        settings: Flags,
    },
}

#[derive(Debug, clap::Args)]
pub struct Change {
    /// The e-mail address of the member's account
    email: String,
    /// `premium`, `community_leader`, `admin`, `platform_contributor`, `platform_volunteer`, `super_admin` or `god`
    #[arg(value_parser = role)]
    role: Role,
    #[command(flatten)]
    settings: Flags,
}

fn role(word: &str) -> Result<Role, String> {
    let given = || Role::ALL.iter().filter(|role| **role != Role::Free);
    given()
        .copied()
        .find(|role| role.as_str() == word)
        .ok_or_else(|| {
            let words: Vec<&str> = given().map(|role| role.as_str()).collect();
            format!("the roles are {}", words.join(", "))
        })
}

pub fn run(act: &Act) -> Result<()> {
    match act {
        Act::Grant { change } => change_role(change, true),
        Act::Revoke { change } => change_role(change, false),
        Act::List { settings } => {
            let (config, _) = settings.load()?;
            block_on(async {
                let app = lifecycle::beside(config).await?;
                let listed = list(&app).await;
                app.db.close().await;
                listed
            })
        }
    }
}

fn change_role(change: &Change, give: bool) -> Result<()> {
    let (config, _) = change.settings.load()?;
    block_on(async {
        let app = lifecycle::beside(config).await?;
        let said = apply(&app, change, give).await;
        app.db.close().await;
        println!("{}", said?);
        Ok(())
    })
}

async fn apply(app: &AppState, change: &Change, give: bool) -> Result<String> {
    let (email, role) = (change.email.trim().to_lowercase(), change.role);
    let found = members::find_credential(&app.db, &email).await?;
    let member = found
        .with_context(|| format!("nobody has an account with the address {email}"))?
        .id;
    let done = if give {
        staff::grant(app, By::CommandLine, member, role).await
    } else {
        staff::revoke(app, By::CommandLine, member, role).await
    };
    let changed = done.map_err(|error| {
        if error.is_fault() {
            return error.into();
        }
        anyhow!(
            "{}",
            Texts::built_in().detail(Language::English, error.code(), error.noun(), error.args())
        )
    })?;
    Ok(match (give, changed) {
        (true, true) => format!("{email} is {role} now."),
        (true, false) => format!("{email} was {role} already."),
        (false, true) => format!("{email} is not {role} any more."),
        (false, false) => format!("{email} was not {role}."),
    })
}

async fn list(app: &AppState) -> Result<()> {
    let all = staff::list(&app.db).await?;
    if all.is_empty() {
        println!("Nobody holds a role: every member is free.");
    }
    for member in all {
        let roles: Vec<&str> = member.roles.list().into_iter().map(Role::as_str).collect();
        println!(
            "{:<32} {:<24} {:<10} {}",
            member.email,
            member.username,
            member.status,
            roles.join(" ")
        );
    }
    Ok(())
}
