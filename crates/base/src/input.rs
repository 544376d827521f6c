//! Requests are checked before anybody can use them.
//!
//! [`input!`](crate::input) declares a request: its fields are checked types
//! ([`Text`](crate::Text), [`Email`](crate::Email) ...), unknown fields are
//! refused, and the extractors take nothing that is not an [`Input`]. All
//! fields are looked at, so a form hears of every mistake at once, and the
//! JSON schema of the same types tells clients the same rules.

use crate::{FieldError, Result, error::Error, error::Kind};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::fmt;

/// A request that knows its rules.
pub trait Input: DeserializeOwned + JsonSchema + Send + 'static {
    fn check_fields(&mut self, check: &mut Check<'_>);
}

/// A value inside a request. The default suits types whose parsing is the whole rule.
pub trait Field {
    fn check(&mut self, _check: &mut Check<'_>) {}
}

/// Collects what is wrong, and where.
#[derive(Debug)]
pub struct Check<'a> {
    pointer: String,
    errors: &'a mut Vec<FieldError>,
}

impl Check<'_> {
    pub fn fail(&mut self, code: &'static str, args: &[(&'static str, &dyn fmt::Display)]) {
        self.errors.push(FieldError {
            pointer: self.pointer.clone(),
            code,
            args: args
                .iter()
                .map(|(name, value)| (*name, value.to_string()))
                .collect(),
        });
    }

    pub fn field(&mut self, name: impl fmt::Display, field: &mut impl Field) {
        let mut inner = Check {
            pointer: format!("{}/{name}", self.pointer),
            errors: self.errors,
        };
        field.check(&mut inner);
    }
}

/// Gives the request back when all of it is as it should be.
pub fn checked<T: Input>(mut input: T) -> Result<T> {
    let mut errors = vec![];
    input.check_fields(&mut Check {
        pointer: String::new(),
        errors: &mut errors,
    });
    if errors.is_empty() {
        return Ok(input);
    }
    Err(errors
        .into_iter()
        .fold(Error::new(Kind::Invalid, "invalid"), Error::field))
}

/// Gives a single value back when it is as it should be.
pub fn checked_value<T: Field>(mut value: T) -> Option<T> {
    let mut errors = vec![];
    value.check(&mut Check {
        pointer: String::new(),
        errors: &mut errors,
    });
    errors.is_empty().then_some(value)
}

impl<T: Field> Field for Option<T> {
    fn check(&mut self, check: &mut Check<'_>) {
        if let Some(value) = self {
            value.check(check);
        }
    }
}

impl<T: Field> Field for Vec<T> {
    fn check(&mut self, check: &mut Check<'_>) {
        for (n, value) in self.iter_mut().enumerate() {
            check.field(n, value);
        }
    }
}

impl Field for bool {}

/// Declares a request: a struct whose every field is checked and that refuses unknown ones.
#[macro_export]
macro_rules! input {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, $crate::serde::Deserialize, $crate::schemars::JsonSchema)]
        #[serde(deny_unknown_fields, crate = "base::serde")]
        #[schemars(crate = "base::schemars")]
        pub struct $name { $($(#[$field_meta])* pub $field: $type),* }

        impl $crate::input::Input for $name {
            #[allow(unused_variables, reason = "a request may have no fields")]
            fn check_fields(&mut self, check: &mut $crate::input::Check<'_>) {
                $(check.field(stringify!($field), &mut self.$field);)*
            }
        }
    };
}

/// Declares a closed set of words, written the same in JSON and in the database.
#[macro_export]
macro_rules! choice {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$word_meta:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, $crate::serde::Serialize, $crate::serde::Deserialize, $crate::schemars::JsonSchema)]
        #[serde(crate = "base::serde")]
        #[schemars(crate = "base::schemars")]
        $(#[$meta])*
        pub enum $name { $($(#[$word_meta])* #[serde(rename = $word)] $variant),* }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            pub fn parse(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::input::Field for $name {}
    };
}
