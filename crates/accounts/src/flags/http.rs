//! `/flags` for members, `/staff/flags` for staff.

use super::{Flag, all, ops};
use crate::{CurrentUser, May, Role, actor::may::PlatformSettings};
use base::{Few, Text, Whole, input};
use platform::{
    AppState,
    http::{Json, NoContent, Path, Result, Routes},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use std::{borrow::Cow, collections::BTreeMap, str::FromStr};

pub fn routes() -> Routes {
    Routes::new("flags")
        .get("/flags", "show_flags", show_flags, "Which features are on for me")
        .get("/staff/flags", "list_flags", list_flags, "All feature flags")
        .put(
            "/staff/flags/{name}",
            "put_flag",
            put_flag,
            "Make a feature flag, or change it",
        )
        .delete(
            "/staff/flags/{name}",
            "delete_flag",
            delete_flag,
            "Delete a feature flag",
        )
}

/// Which features are on for the caller.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MyFlags")]
struct Mine {
    flags: BTreeMap<String, bool>,
}

async fn show_flags(app: AppState, actor: CurrentUser) -> Result<Json<Mine>> {
    let flags = all(&app).await?;
    let on = flags.values().map(|flag| {
        let is_on = flag.is_on_for(actor.id, actor.roles);
        (flag.name.clone(), is_on)
    });
    Ok(Json(Mine { flags: on.collect() }))
}

/// There are few: they come in one page.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FeatureFlagPage")]
struct Flags {
    items: Vec<Flag>,
    next_cursor: Option<String>,
}

async fn list_flags(app: AppState, _: May<PlatformSettings>) -> Result<Json<Flags>> {
    let items = all(&app).await?.values().cloned().collect();
    Ok(Json(Flags {
        items,
        next_cursor: None,
    }))
}

/// A flag's name: small letters, digits and underscores.
#[derive(Clone, Debug)]
struct FlagName(String);

impl JsonSchema for FlagName {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "FlagName".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[a-z][a-z0-9_]{0,59}$"})
    }
}

impl FromStr for FlagName {
    type Err = ();
    fn from_str(text: &str) -> std::result::Result<FlagName, ()> {
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        let plain = text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if begins && plain && text.len() <= 60 {
            Ok(FlagName(text.to_owned()))
        } else {
            Err(())
        }
    }
}

impl base::input::Field for FlagName {}

input! {
    /// For whom a feature is on.
    pub struct FlagSetting {
        /// What it is, for staff.
        #[serde(default)]
        pub description: Text<0, 500>,
        pub enabled: bool,
        /// Of all members who hold none of the roles.
        pub percent: Whole<0, 100>,
        #[serde(default)]
        pub roles: Few<Role, 8>,
    }
}

async fn put_flag(
    app: AppState,
    actor: May<PlatformSettings>,
    Path(name): Path<FlagName>,
    Json(new): Json<FlagSetting>,
) -> Result<Json<Flag>> {
    let flag = Flag {
        name: name.0,
        description: new.description.into(),
        enabled: new.enabled,
        percent: new.percent.0,
        roles: new.roles.0,
        updated_at: app.clock.now(),
    };
    Ok(Json(ops::put_flag(&app, actor.id, flag).await?))
}

async fn delete_flag(
    app: AppState,
    actor: May<PlatformSettings>,
    Path(name): Path<FlagName>,
) -> Result<NoContent> {
    ops::delete_flag(&app, actor.id, name.0).await?;
    Ok(NoContent)
}
