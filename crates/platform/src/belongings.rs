//! What belongs to a member, table by table: how it stands in their export, and how it leaves with
//! their account.
//!
//! Each slice says so of its own tables, in a function `belongings()` beside its store; the assembly
//! puts all of them into one [`Belongings`], which exports and deletions go through. A test holds them
//! against the schema of both databases: a table, or a column of an exported one, that nobody has
//! decided about fails it. Another test deletes a member who has used everything and looks for what is
//! left of them in every table.
//!
//! Never true: a table of which nobody knows whose it is; a reason that is left out.

use crate::AppState;
use base::{Result, Timestamp};
use db::{Executor, Row, Tx, params};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Rows read in one go.
pub const PAGE: usize = 500;

/// What becomes of one table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    pub name: &'static str,
    pub told: Told,
    pub leaves: Leaves,
}

/// How a member's rows stand in their export.
#[derive(Clone, Copy, Debug)]
pub enum Told {
    /// These columns of these rows; made by [`told!`](crate::told).
    Rows(Rows),
    /// By the slice: the page behind the last row that it gave.
    By(fn(AppState, Uuid, Option<Value>) -> BoxFuture<'static, Result<Vec<Value>>>),
    /// Not at all, and why.
    Nothing(&'static str),
}

/// Some columns of the rows that are a member's.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    pub sql: &'static str,
    pub columns: &'static [(&'static str, Kind)],
    pub read: fn(&Row<'_>) -> Result<Value>,
    /// Columns that say whose row it is.
    pub owners: &'static [&'static str],
    /// Columns that are not told, and why.
    pub withheld: &'static [(&'static str, &'static str)],
}

/// What a column holds, in the export's JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Id,
    Text,
    Whole,
    Real,
    Flag,
    Time,
    Json,
}

/// How a member's rows leave with their account.
#[derive(Clone, Copy, Debug)]
pub enum Leaves {
    /// By this statement; made by [`leaves!`](crate::leaves).
    Rows(&'static str),
    /// By the slice, some rows with each call, until it says that it found none.
    By(fn(AppState, Tx, Uuid) -> BoxFuture<'static, Result<u64>>),
    /// With the row of that table on which it hangs.
    With(&'static str),
    /// By itself: when.
    InTime(&'static str),
    /// Not at all, and why.
    Stays(&'static str),
}

/// The columns of a table's rows that are a member's:
/// `told!("mute" of "member_id": muted_id Id, created_at Time)`. The first column tells a
/// member's rows apart. What is not that simple names its statement:
/// `told!(by "SELECT …", ["member_id"]: muted_id Id)`.
#[macro_export]
macro_rules! told {
    ($table:literal of $owner:literal $(or $other:literal)*: $first:ident $first_kind:ident $(, $column:ident $kind:ident)*
        $(; without $($hidden:literal: $reason:literal),+)?) => {
        $crate::told!(by concat!(
            "SELECT /* every community */ ", stringify!($first) $(, ", ", stringify!($column))*, " FROM ", $table,
            " WHERE ", $owner, " = $1" $(, " OR ", $other, " = $1")*, " ORDER BY 1 LIMIT $2 OFFSET $3"
        ), [$owner $(, $other)*]: $first $first_kind $(, $column $kind)*
            $(; without $($hidden: $reason),+)?)
    };
    (by $sql:expr, [$($owner:literal),*]: $($column:ident $kind:ident),+ $(; without $($hidden:literal: $reason:literal),+)?) => {
        $crate::belongings::Told::Rows($crate::belongings::Rows {
            sql: $sql,
            columns: &[$((stringify!($column), $crate::belongings::Kind::$kind)),+],
            read: |row| $crate::belongings::json(
                row, &[$((stringify!($column), $crate::belongings::Kind::$kind)),+]
            ),
            owners: &[$($owner),*],
            withheld: &[$($(($hidden, $reason)),+)?],
        })
    };
}

/// Deletes a member's rows: `leaves!("mute" of "member_id" or "muted_id")`.
#[macro_export]
macro_rules! leaves {
    ($table:literal of $owner:literal $(or $other:literal)*) => {
        $crate::belongings::Leaves::Rows(concat!(
            "DELETE FROM ", $table, " /* every community */ WHERE ", $owner, " = $1" $(, " OR ", $other, " = $1")*
        ))
    };
}

/// Several statements, each once: `leaves_by!("DELETE …", "UPDATE …")`.
#[macro_export]
macro_rules! leaves_by {
    ($($sql:literal),+ $(,)?) => {
        $crate::belongings::Leaves::By(|_, tx, member| $crate::belongings::run(tx, member, &[$($sql),+]))
    };
}

/// What [`leaves_by!`](crate::leaves_by) does: nothing is left after it.
pub fn run(tx: Tx, member: Uuid, statements: &'static [&'static str]) -> BoxFuture<'static, Result<u64>> {
    Box::pin(async move {
        for sql in statements {
            tx.execute(sql, params![member]).await?;
        }
        Ok(0)
    })
}

impl Table {
    pub const fn new(name: &'static str, told: Told, leaves: Leaves) -> Table {
        Table { name, told, leaves }
    }

    /// Nobody's: it says nothing of any member, and why that is.
    pub const fn of_nobody(name: &'static str, why: &'static str) -> Table {
        Table::new(name, Told::Nothing(why), Leaves::Stays(why))
    }
}

/// All tables, in the order in which they leave.
#[derive(Debug, Default)]
pub struct Belongings(Vec<Table>);

impl Belongings {
    #[must_use]
    pub fn with(mut self, tables: Vec<Table>) -> Belongings {
        self.0.extend(tables);
        self
    }

    pub fn tables(&self) -> &[Table] {
        &self.0
    }

    /// What the tables and columns of a schema, and this, say differently of each other.
    pub fn gaps(&self, schema: &[(String, Vec<String>)]) -> Vec<String> {
        let mut gaps = vec![];
        for (name, columns) in schema {
            match self.0.iter().filter(|table| table.name == name).collect::<Vec<_>>()[..] {
                [table] => gaps.extend(table.gaps(columns)),
                [] => gaps.push(format!(
                    "{name}: whose is it, how is it exported, how does it leave? Say so in belongings() beside its store"
                )),
                _ => gaps.push(format!("{name} is declared twice")),
            }
        }
        for table in &self.0 {
            if !schema.iter().any(|(name, _)| name == table.name) {
                gaps.push(format!("{} is no table", table.name));
            }
            if let Leaves::With(parent) = table.leaves
                && !self.0.iter().any(|other| other.name == parent)
            {
                gaps.push(format!("{} leaves with {parent}, which is no table", table.name));
            }
        }
        gaps
    }
}

impl Table {
    fn gaps(&self, columns: &[String]) -> Vec<String> {
        let Told::Rows(rows) = self.told else {
            return vec![];
        };
        let is_known = |column: &str| {
            column == "community_id"
                || rows.columns.iter().any(|(name, _)| *name == column)
                || rows.owners.contains(&column)
                || rows.withheld.iter().any(|(name, _)| *name == column)
        };
        let new = columns.iter().filter(|column| !is_known(column));
        let mut gaps: Vec<_> = new
            .map(|column| format!("{}.{column}: is it exported, or withheld, and why?", self.name))
            .collect();
        let withheld = rows.withheld.iter().map(|(name, _)| *name);
        let declared = rows.columns.iter().map(|(name, _)| *name).chain(withheld);
        for column in declared.filter(|name| !columns.iter().any(|column| column == name)) {
            gaps.push(format!("{}.{column} is no column", self.name));
        }
        gaps
    }

    /// A page of what a member is told: behind so many rows, of which this was the last.
    pub async fn page(
        &self,
        app: &AppState,
        member: Uuid,
        given: usize,
        last: Option<Value>,
    ) -> Result<Vec<Value>> {
        match self.told {
            Told::Nothing(_) => Ok(vec![]),
            Told::By(by) => by(app.clone(), member, last).await,
            Told::Rows(rows) => {
                let params = params![member, PAGE as i64, given as i64];
                app.db.all(rows.sql, params, rows.read).await
            }
        }
    }
}

/// A row in the export's JSON: what [`told!`](crate::told) reads with.
pub fn json(row: &Row<'_>, columns: &[(&'static str, Kind)]) -> Result<Value> {
    let mut object = Map::new();
    for (index, (name, kind)) in columns.iter().enumerate() {
        let value = match kind {
            Kind::Id => row.get::<Option<Uuid>>(index)?.map(|id| id.to_string().into()),
            Kind::Text => row.get::<Option<String>>(index)?.map(Value::from),
            Kind::Whole => row.get::<Option<i64>>(index)?.map(Value::from),
            Kind::Real => row.get::<Option<f64>>(index)?.map(Value::from),
            Kind::Flag => row.get::<Option<bool>>(index)?.map(Value::from),
            Kind::Time => row
                .get::<Option<Timestamp>>(index)?
                .map(|at| at.to_string().into()),
            Kind::Json => row.get::<Option<Value>>(index)?,
        };
        object.insert((*name).to_owned(), value.unwrap_or_default());
    }
    Ok(object.into())
}

/// The tables of this crate.
pub fn belongings() -> Vec<Table> {
    vec![
        Table::of_nobody("community", "communities are no members"),
        Table::of_nobody("signal_consumer", "how far workers have read"),
        Table::of_nobody("lease", "which node does what"),
        Table::new(
            "signal",
            Told::Nothing("what slices tell each other of rows that are exported"),
            Leaves::InTime("72 hours after everybody has read it"),
        ),
        Table::new(
            "idempotency_key",
            Told::Nothing("answers kept for a day, of things that are exported"),
            leaves!("idempotency_key" of "member_id"),
        ),
        Table::new(
            "task",
            Told::Nothing("work that is promised, of things that are exported"),
            Leaves::InTime("what it is about is forgotten when it is done, at the latest after 30 days"),
        ),
        Table::new(
            "mail",
            Told::Nothing("what a server without SMTP shows of mails on its own machine, for a week"),
            Leaves::Rows("DELETE FROM mail WHERE recipient = (SELECT email FROM member WHERE id = $1)"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(tables: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        let owned = |columns: &[&str]| columns.iter().map(|column| (*column).to_owned()).collect();
        tables
            .iter()
            .map(|(name, columns)| ((*name).to_owned(), owned(columns)))
            .collect()
    }

    #[test]
    fn what_nobody_decided_about_is_named() {
        let all = Belongings::default().with(vec![
            Table::new(
                "mute",
                told!("mute" of "member_id": muted_id Id, created_at Time; without "seal": "a key of ours"),
                leaves!("mute" of "member_id" or "muted_id"),
            ),
            Table::of_nobody("lease", "nodes"),
        ]);
        let mute: &[&str] = &["community_id", "member_id", "muted_id", "created_at", "seal"];
        let lease: (&str, &[&str]) = ("lease", &["name"]);
        assert_eq!(all.gaps(&schema(&[("mute", mute), lease])), Vec::<String>::new());
        let said = |tables: &[(&str, &[&str])]| all.gaps(&schema(tables)).join("; ");
        assert!(said(&[("mute", mute), lease, ("diary", &["id"])]).starts_with("diary: whose is it"));
        assert_eq!(
            said(&[("mute", &[mute, &["note"]].concat()), lease]),
            "mute.note: is it exported, or withheld, and why?"
        );
        assert_eq!(
            said(&[("mute", &mute[..3]), lease]),
            "mute.created_at is no column; mute.seal is no column"
        );
        assert_eq!(said(&[lease]), "mute is no table");
    }

    #[test]
    fn statements_are_made_of_names() {
        let Told::Rows(rows) = told!("friend" of "one_id" or "other_id": id Id, danced Flag) else {
            unreachable!()
        };
        assert_eq!(
            rows.sql,
            "SELECT /* every community */ id, danced FROM friend WHERE one_id = $1 OR other_id = $1 \
             ORDER BY 1 LIMIT $2 OFFSET $3"
        );
    }
}
