//! Constraints that a write ran into, by the same name on both databases.

use base::{Error, FieldError, Result, error::conflict};
use std::fmt;

/// A constraint by its name as PostgreSQL would give it: `member_email_key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub constraint: String,
    pub kind: ViolationKind,
    /// The column, when a unique constraint has just one.
    pub column: Option<String>,
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
        let mut column = None;
        let mut constraint = table.to_owned();
        if extended_code == ffi::SQLITE_CONSTRAINT_PRIMARYKEY {
            constraint.push_str("_pkey");
        } else if kind == ViolationKind::Unique {
            for column in columns.split(", ").filter_map(|column| column.split('.').nth(1)) {
                constraint.push('_');
                constraint.push_str(column);
            }
            column = columns
                .split_once('.')
                .and_then(|(_, column)| single_column(column));
            constraint.push_str("_key");
        }
        Some(Violation {
            constraint,
            kind,
            column,
        })
    }
}

impl Violation {
    /// PostgreSQL says in any language `… (email)=(ana@example.org) …`.
    pub(crate) fn column_in_detail(detail: &str) -> Option<String> {
        let (before, _) = detail.split_once(")=(")?;
        single_column(before.split_once('(')?.1)
    }
}

/// The text, when it is the name of one column and not a list or an expression.
fn single_column(text: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (!text.is_empty() && text.bytes().all(plain)).then(|| text.to_owned())
}

/// Turns a violated constraint into what the caller is told: the one helper for it.
pub trait OrConflict {
    /// The unique constraint of that name is a conflict with that code. Where it guards a
    /// single column, the field of that name is pointed at.
    #[must_use]
    fn or_conflict(self, constraint: &str, code: &'static str) -> Self;
    /// A missing row on the other side of a foreign key is "not found".
    #[must_use]
    fn or_missing(self, noun: &'static str) -> Self;
}

impl<T> OrConflict for Result<T> {
    fn or_conflict(self, constraint: &str, code: &'static str) -> Self {
        self.map_err(|error| match error.cause_as::<Violation>() {
            Some(violation) if violation.constraint == constraint => match &violation.column {
                Some(column) => conflict(code).field(FieldError {
                    pointer: format!("/{column}"),
                    code,
                    args: vec![],
                }),
                None => conflict(code),
            },
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
        let column = |message| unique(message).column;
        assert_eq!(column("UNIQUE constraint failed: t.a").as_deref(), Some("a"));
        assert_eq!(column("UNIQUE constraint failed: t.a, t.b"), None);
        let column = Violation::column_in_detail;
        assert_eq!(column("Key (a)=(1) already exists.").as_deref(), Some("a"));
        assert_eq!(column("Schlüssel »(a, b)=(1, 2)« existiert bereits."), None);
        assert_eq!(column("Key (lower(a))=(x) already exists."), None);
        assert_eq!(Violation::from_sqlite(5, "database is locked"), None);
    }
}
