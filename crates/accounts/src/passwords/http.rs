//! `POST /auth/password-strength`: what a form says while somebody types.

use super::{About, judge::Fault};
use crate::{Accounts, limits};
use base::{
    Kind, Line, Password, input,
    input::{Check, Field},
};
use platform::{
    AppState,
    http::{Caller, ClientIp, Context, Json, Result, Routes},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

pub fn routes() -> Routes {
    Routes::new("accounts")
        .post(
            "/auth/password-strength",
            "rate_password",
            rate_password,
            "How easily a password is guessed; nothing is kept",
        )
        .by(Caller::Public)
        .refuses(&[Kind::RateLimited])
}

/// A password that is still being typed: it may be too short. Never printed.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Draft(String);

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Draft(…)")
    }
}

impl Field for Draft {
    fn check(&mut self, check: &mut Check<'_>) {
        if self.0.chars().count() > Password::MAX {
            check.fail("too_long", &[("max", &Password::MAX)]);
        }
    }
}

impl JsonSchema for Draft {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Draft".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "password", "maxLength": Password::MAX})
    }
}

input! {
    /// A password, and what is known of its owner.
    pub struct PasswordDraft {
        pub password: Draft,
        pub email: Option<Line<0, 254>>,
        pub username: Option<Line<0, 30>>,
        pub display_name: Option<Line<0, 80>>,
    }
}

/// How easily the password is guessed.
#[derive(Debug, Serialize, JsonSchema)]
struct PasswordStrength {
    /// From 0, guessed at once, to 4.
    score: u8,
    /// Whether it would be taken.
    acceptable: bool,
    /// What is wrong, for people.
    warning: Option<String>,
    /// What would help, for people.
    suggestions: Vec<String>,
}

async fn rate_password(
    app: AppState,
    context: Context,
    ip: ClientIp,
    Json(draft): Json<PasswordDraft>,
) -> Result<Json<PasswordStrength>> {
    limits::password_check(&app, &context.0, ip).await?;
    let (language, password) = (context.0.language, draft.password.0);
    let is_short = password.chars().count() < Password::MIN;
    let about = About {
        email: draft.email.map(String::from),
        username: draft.username.map(String::from),
        display_name: draft.display_name.map(String::from),
    };
    let judged = Accounts::of(&app).passwords.judge(password, about).await?;
    let says = |key: &&str| app.texts.password(language, key);
    let warning = match judged.fault {
        _ if is_short => Some("too_short"),
        // Their own names: zxcvbn calls them a word like any other.
        Some(Fault::Personal) => Some("personal"),
        Some(Fault::Common) => judged.warning.or(Some("common")),
        None => judged.warning,
    };
    Ok(Json(PasswordStrength {
        score: judged.score,
        acceptable: !is_short && judged.fault.is_none(),
        warning: warning.as_ref().map(says),
        suggestions: judged.suggestions.iter().map(says).collect(),
    }))
}
