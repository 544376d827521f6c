//! Values that come out of a row.

use base::{Result, Timestamp, error::internal};
use rusqlite::types::ValueRef;
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

/// Microseconds from 1970 to PostgreSQL's zero, 2000-01-01.
pub(crate) const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// A row of either database; it lives as long as the mapping function runs.
pub enum Row<'a> {
    #[doc(hidden)]
    Sqlite(&'a rusqlite::Row<'a>),
    #[doc(hidden)]
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// The value of the column at that place, counted from 0.
    pub fn get<T: Column>(&self, index: usize) -> Result<T> {
        T::read(self, index)
    }

    fn cell(&self, index: usize) -> Result<Cell<'_>> {
        match self {
            Row::Sqlite(row) => row.get_ref(index).map(Cell::Sqlite).map_err(internal),
            Row::Postgres(row) => row
                .try_get::<_, Option<Raw<'_>>>(index)
                .map(Cell::Postgres)
                .map_err(internal),
        }
    }

    fn mismatch(&self, index: usize, wanted: &str) -> base::Error {
        let name = match self {
            Row::Sqlite(row) => row.as_ref().column_name(index).unwrap_or("?").to_owned(),
            Row::Postgres(row) => row.columns().get(index).map_or("?", |c| c.name()).to_owned(),
        };
        internal(format!("column {index} ({name}) is not {wanted}"))
    }
}

/// A type that a column can be read as.
pub trait Column: Sized {
    fn read(row: &Row<'_>, index: usize) -> Result<Self>;
}

enum Cell<'a> {
    Sqlite(ValueRef<'a>),
    Postgres(Option<Raw<'a>>),
}

/// PostgreSQL's bytes with their type, read by hand.
struct Raw<'a>(Type, &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(
        ty: &Type,
        raw: &'a [u8],
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Raw(ty.clone(), raw))
    }
    fn accepts(_: &Type) -> bool {
        true
    }
}

impl Cell<'_> {
    fn is_null(&self) -> bool {
        matches!(self, Cell::Sqlite(ValueRef::Null) | Cell::Postgres(None))
    }

    fn integer(&self) -> Option<i64> {
        match self {
            Cell::Sqlite(ValueRef::Integer(n)) => Some(*n),
            Cell::Postgres(Some(Raw(_, bytes))) => Some(match bytes.len() {
                8 => i64::from_be_bytes((*bytes).try_into().ok()?),
                4 => i64::from(i32::from_be_bytes((*bytes).try_into().ok()?)),
                2 => i64::from(i16::from_be_bytes((*bytes).try_into().ok()?)),
                1 => i64::from(bytes[0]),
                _ => return None,
            }),
            _ => None,
        }
    }

    fn real(&self) -> Option<f64> {
        match self {
            Cell::Sqlite(ValueRef::Real(n)) => Some(*n),
            Cell::Sqlite(ValueRef::Integer(n)) => Some(*n as f64),
            Cell::Postgres(Some(Raw(ty, bytes))) if *ty == Type::FLOAT8 => {
                Some(f64::from_be_bytes((*bytes).try_into().ok()?))
            }
            Cell::Postgres(Some(Raw(ty, bytes))) if *ty == Type::FLOAT4 => {
                Some(f64::from(f32::from_be_bytes((*bytes).try_into().ok()?)))
            }
            Cell::Postgres(_) => self.integer().map(|n| n as f64),
            Cell::Sqlite(_) => None,
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Cell::Sqlite(ValueRef::Blob(bytes) | ValueRef::Text(bytes)) => Some(bytes),
            // JSONB travels with a version byte before its text.
            Cell::Postgres(Some(Raw(ty, bytes))) if *ty == Type::JSONB => bytes.get(1..),
            Cell::Postgres(Some(Raw(_, bytes))) => Some(bytes),
            _ => None,
        }
    }

    fn time(&self) -> Option<i64> {
        match self {
            Cell::Postgres(Some(Raw(ty, _))) if *ty == Type::TIMESTAMPTZ => {
                Some(self.integer()? + POSTGRES_EPOCH)
            }
            _ => self.integer(),
        }
    }
}

macro_rules! columns {
    ($($type:ty, $wanted:literal: |$cell:ident| $value:expr;)*) => {$(
        impl Column for $type {
            fn read(row: &Row<'_>, index: usize) -> Result<Self> {
                let $cell = row.cell(index)?;
                $value.ok_or_else(|| row.mismatch(index, $wanted))
            }
        }
    )*};
}

columns! {
    bool, "a truth value": |cell| cell.integer().map(|n| n != 0);
    i64, "a whole number": |cell| cell.integer();
    i32, "a whole number": |cell| cell.integer().and_then(|n| i32::try_from(n).ok());
    u32, "a count": |cell| cell.integer().and_then(|n| u32::try_from(n).ok());
    f64, "a number": |cell| cell.real();
    String, "text": |cell| cell.bytes().and_then(|b| std::str::from_utf8(b).ok()).map(str::to_owned);
    Vec<u8>, "bytes": |cell| cell.bytes().map(<[u8]>::to_vec);
    Uuid, "an id": |cell| cell.bytes().and_then(|b| Uuid::from_slice(b).ok());
    Timestamp, "a time": |cell| cell.time().map(Timestamp::from_micros);
    serde_json::Value, "JSON": |cell| cell.bytes().and_then(|b| serde_json::from_slice(b).ok());
}

impl<const N: usize> Column for [u8; N] {
    fn read(row: &Row<'_>, index: usize) -> Result<Self> {
        let cell = row.cell(index)?;
        cell.bytes()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| row.mismatch(index, "bytes of that length"))
    }
}

impl<T: Column> Column for Option<T> {
    fn read(row: &Row<'_>, index: usize) -> Result<Self> {
        if row.cell(index)?.is_null() {
            return Ok(None);
        }
        T::read(row, index).map(Some)
    }
}
