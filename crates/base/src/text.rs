//! Checked values: what a string or a number of a request may be.
//!
//! Each type carries its rule and its JSON schema, so the rule is written
//! once. Lengths count characters, as people do.

use crate::input::{Check, Field};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, ops::Deref};

/// Characters that no text may hold: controls other than tab and line ends.
fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

fn check_length(text: &str, min: usize, max: usize, check: &mut Check<'_>) {
    let length = text.chars().count();
    if length == 0 && min > 0 {
        check.fail("required", &[]);
    } else if length < min {
        check.fail("too_short", &[("min", &min)]);
    } else if length > max {
        check.fail("too_long", &[("max", &max)]);
    }
}

macro_rules! string_like {
    ($name:ty $(, $($generics:tt)+)?) => {
        impl $(<$($generics)+>)? Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl $(<$($generics)+>)? From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }

        /// Unchecked, as from a path: whoever takes it in checks it.
        impl $(<$($generics)+>)? std::str::FromStr for $name {
            type Err = std::convert::Infallible;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self(text.to_owned()))
            }
        }

        impl $(<$($generics)+>)? fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// Text of `MIN` to `MAX` characters, possibly of several lines; white space around it is cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

string_like!(Text<MIN, MAX>, const MIN: usize, const MAX: usize);

impl<const MAX: usize> Default for Text<0, MAX> {
    fn default() -> Self {
        Text(String::new())
    }
}

impl<const MIN: usize, const MAX: usize> Field for Text<MIN, MAX> {
    fn check(&mut self, check: &mut Check<'_>) {
        if self.0.contains(is_control) {
            check.fail("control_characters", &[]);
        }
        // Trimmed for its least length alone: what is too long is told, not cut.
        if self.0.chars().count() > MAX {
            return check_length(&self.0, MIN, MAX, check);
        }
        self.0 = self.0.trim().to_owned();
        check_length(&self.0, MIN, MAX, check);
    }
}

impl<const MIN: usize, const MAX: usize> JsonSchema for Text<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Text{MIN}To{MAX}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        const TEXT: &str = r"[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*";
        let pattern = match MIN {
            0 => format!("^{TEXT}$"),
            _ => format!(r"^{TEXT}[^\s\u0000-\u001f\u007f-\u009f]{TEXT}$"),
        };
        json_schema!({"type": "string", "minLength": MIN, "maxLength": MAX, "pattern": pattern})
    }
}

/// One line of `MIN` to `MAX` characters: a name, a title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Line<const MIN: usize, const MAX: usize>(String);

string_like!(Line<MIN, MAX>, const MIN: usize, const MAX: usize);

impl<const MAX: usize> Default for Line<0, MAX> {
    fn default() -> Self {
        Line(String::new())
    }
}

impl<const MIN: usize, const MAX: usize> Field for Line<MIN, MAX> {
    fn check(&mut self, check: &mut Check<'_>) {
        if self.0.chars().count() > MAX {
            return check_length(&self.0, MIN, MAX, check);
        }
        self.0 = self.0.trim().to_owned();
        if self.0.contains(char::is_control) {
            check.fail("control_characters", &[]);
        }
        check_length(&self.0, MIN, MAX, check);
    }
}

impl<const MIN: usize, const MAX: usize> JsonSchema for Line<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Line{MIN}To{MAX}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        const LINE: &str = r"[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*";
        let pattern = match MIN {
            0 => format!("^{LINE}$"),
            _ => format!(r"^{LINE}[^\s\u0000-\u001f\u007f-\u009f]{LINE}$"),
        };
        json_schema!({"type": "string", "minLength": MIN, "maxLength": MAX, "pattern": pattern})
    }
}

/// An e-mail address in lower case. Whether it exists, only a mail can tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

string_like!(Email);

impl Email {
    const MAX: usize = 254;

    /// For addresses the server makes itself, as a seed does.
    pub fn trusted(text: impl Into<String>) -> Email {
        Email(text.into())
    }

    fn part_is_plain(part: &str) -> bool {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || c.is_control() || "@<>\"(),:;[]\\".contains(c))
    }

    fn is_plausible(text: &str) -> bool {
        text.split_once('@').is_some_and(|(local, host)| {
            let labels = host.split('.');
            Self::part_is_plain(local)
                && labels.clone().count() > 1
                && labels.clone().all(Self::part_is_plain)
        })
    }
}

impl Field for Email {
    fn check(&mut self, check: &mut Check<'_>) {
        self.0 = self.0.trim().to_lowercase();
        if self.0.chars().count() > Self::MAX {
            check.fail("too_long", &[("max", &Self::MAX)]);
        } else if self.0.is_empty() {
            check.fail("required", &[]);
        } else if !Self::is_plausible(&self.0) {
            check.fail("invalid_email", &[]);
        }
    }
}

impl JsonSchema for Email {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Email".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": Self::MAX,
            "pattern": r"^[A-Za-z0-9!#$%&'*+/=?^_{|}~.-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
        })
    }
}

/// The name in a member's address: 3 to 30 of a-z, 0-9 and _, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Username(String);

string_like!(Username);

impl Username {
    pub fn trusted(text: impl Into<String>) -> Username {
        Username(text.into())
    }
}

impl Field for Username {
    fn check(&mut self, check: &mut Check<'_>) {
        self.0 = self.0.trim().to_ascii_lowercase();
        if self
            .0
            .contains(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        {
            check.fail("invalid_username", &[]);
        } else {
            check_length(&self.0, 3, 30, check);
        }
    }
}

impl JsonSchema for Username {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Username".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": 3, "maxLength": 30, "pattern": "^[A-Za-z0-9_]{3,30}$"})
    }
}

/// A password as typed: 8 to 128 characters of any script. Never printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    pub const MIN: usize = 8;
    pub const MAX: usize = 128;

    pub fn trusted(text: impl Into<String>) -> Password {
        Password(text.into())
    }

    /// The secret itself, for hashing.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Field for Password {
    fn check(&mut self, check: &mut Check<'_>) {
        check_length(&self.0, Self::MIN, Self::MAX, check);
    }
}

impl JsonSchema for Password {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Password".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "password", "minLength": Self::MIN, "maxLength": Self::MAX})
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Whole<const MIN: i64, const MAX: i64>(pub i64);

impl<const MIN: i64, const MAX: i64> Field for Whole<MIN, MAX> {
    fn check(&mut self, check: &mut Check<'_>) {
        if !(MIN..=MAX).contains(&self.0) {
            check.fail("out_of_range", &[("min", &MIN), ("max", &MAX)]);
        }
    }
}

impl<const MIN: i64, const MAX: i64> JsonSchema for Whole<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Whole{MIN}To{MAX}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": MIN, "maximum": MAX})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Input, checked};

    crate::input! {
        /// A sign-up form.
        pub struct Form {
            pub email: Email,
            pub username: Username,
            pub password: Password,
            pub motto: Option<Line<1, 10>>,
            pub body: Text<1, 20>,
        }
    }
    fn codes(json: &str) -> Vec<String> {
        match checked(serde_json::from_str::<Form>(json).unwrap()) {
            Ok(_) => vec![],
            Err(error) => error
                .fields()
                .iter()
                .map(|field| format!("{} {}", field.pointer, field.code))
                .collect(),
        }
    }

    #[test]
    fn a_form_hears_of_every_mistake_at_once() {
        assert_eq!(
            codes(
                r#"{"email":"ana","username":"a b","password":"short","motto":"far too long a motto","body":"  "}"#
            ),
            [
                "/email invalid_email",
                "/username invalid_username",
                "/password too_short",
                "/motto too_long",
                "/body required",
            ]
        );
    }

    #[test]
    fn good_input_is_tidied_and_taken() {
        let json =
            r#"{"email":" Ana@Example.test ","username":"Ana_1","password":"pässwörd","body":" hola \n"}"#;
        let form = checked(serde_json::from_str::<Form>(json).unwrap()).unwrap();
        assert_eq!(
            (&*form.email, &*form.username, &*form.body),
            ("ana@example.test", "ana_1", "hola")
        );
    }

    #[test]
    fn control_characters_are_refused() {
        let json =
            r#"{"email":"a@b.c","username":"ana","password":"password","motto":"a\nb","body":"a\u0000b"}"#;
        assert_eq!(
            codes(json),
            ["/motto control_characters", "/body control_characters"]
        );
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert!(serde_json::from_str::<Form>(r#"{"is_admin":true}"#).is_err());
        fn is_input<T: Input>() {}
        is_input::<Form>();
    }
}
