//! Constraints that a write ran into, by the same name on both databases.

use base::{Error, Result, error::conflict};
use std::fmt;

/// A constraint by its name as PostgreSQL would give it: `member_email_key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub constraint: String,
    pub kind: ViolationKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViolationKind {
    Unique,
    ForeignKey,
    Other,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} constraint {} violated", self.kind, self.constraint)
    }
}

impl std::error::Error for Violation {}

impl Violation {
    pub(crate) fn error(self) -> Error {
        base::error::internal(self)
    }

    /// SQLite says `UNIQUE constraint failed: member.email`; `member_email_key` is the same in PostgreSQL.
    pub(crate) fn from_sqlite(extended_code: i32, message: &str) -> Option<Violation> {
        use rusqlite::ffi;
        let kind = match extended_code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => ViolationKind::Unique,
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ViolationKind::ForeignKey,
            code if code & 0xff == ffi::SQLITE_CONSTRAINT => ViolationKind::Other,
            _ => return None,
        };
        let columns = message.rsplit_once(": ").map_or("", |(_, columns)| columns);
        let table = columns.split('.').next().unwrap_or_default();
        let mut constraint = table.to_owned();
        if extended_code == ffi::SQLITE_CONSTRAINT_PRIMARYKEY {
            constraint.push_str("_pkey");
        } else if kind == ViolationKind::Unique {
            for column in columns.split(", ").filter_map(|column| column.split('.').nth(1)) {
                constraint.push('_');
                constraint.push_str(column);
            }
            constraint.push_str("_key");
        }
        Some(Violation { constraint, kind })
    }
}

/// Turns a violated constraint into what the caller is told: the one helper for it.
pub trait OrConflict {
    /// The unique constraint of that name is a conflict with that code.
    #[must_use]
    fn or_conflict(self, constraint: &str, code: &'static str) -> Self;
    /// A missing row on the other side of a foreign key is "not found".
    #[must_use]
    fn or_missing(self, noun: &'static str) -> Self;
}

impl<T> OrConflict for Result<T> {
    fn or_conflict(self, constraint: &str, code: &'static str) -> Self {
        self.map_err(|error| match error.cause_as::<Violation>() {
            Some(violation) if violation.constraint == constraint => conflict(code),
            _ => error,
        })
    }

    fn or_missing(self, noun: &'static str) -> Self {
        self.map_err(|error| match error.cause_as::<Violation>() {
            Some(violation) if violation.kind == ViolationKind::ForeignKey => base::error::not_found(noun),
            _ => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_names_its_constraints_as_postgres_does() {
        let unique =
            |message| Violation::from_sqlite(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE, message).unwrap();
        assert_eq!(
            unique("UNIQUE constraint failed: member.email").constraint,
            "member_email_key"
        );
        assert_eq!(
            unique("UNIQUE constraint failed: t.a, t.b").constraint,
            "t_a_b_key"
        );
        assert_eq!(Violation::from_sqlite(5, "database is locked"), None);
    }
}
