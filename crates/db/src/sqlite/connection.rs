//! One connection of one thread, and statements on it.

use crate::{CommunityId, Param, Row, Settings, text::Texts, tx::ended, violation::Violation};
use base::{Error, Result, error::internal, error::unavailable};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, ToSql, config::DbConfig, hooks::Wal, types::ToSqlOutput, types::Value,
    types::ValueRef,
};
use std::{
    cell::{Cell, RefCell},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Statements each connection keeps ready.
const STATEMENTS: usize = 512;
/// SQLite asks for the deadline after so many of its steps.
const STEPS: i32 = 20_000;

thread_local! {
    static OWN: RefCell<Option<Own>> = const { RefCell::new(None) };
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
    /// The length of the write-ahead log as this thread's last commit left it.
    static LOG_PAGES: Cell<u32> = const { Cell::new(0) };
}

/// What a database thread owns.
struct Own {
    connection: Connection,
    texts: Arc<Texts>,
    timeout: Duration,
}

pub fn open_for_writing(path: &Path, settings: &Settings) -> Result<Connection> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(internal)?;
    }
    let mut connection = Connection::open(path).map_err(|e| failed_to_open(path, e))?;
    prepare(&mut connection, settings).map_err(|e| failed_to_open(path, e))?;
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA wal_autocheckpoint = 0;
             PRAGMA journal_size_limit = 67108864;",
        )
        .map_err(|e| failed_to_open(path, e))?;
    connection
        .wal_hook(Some(|_: &mut Wal, pages| {
            LOG_PAGES.set(u32::try_from(pages).unwrap_or_default());
            Ok(())
        }))
        .map_err(|e| failed_to_open(path, e))?;
    Ok(connection)
}

/// Pages of the write-ahead log after this thread's last commit.
pub fn log_pages() -> u32 {
    LOG_PAGES.get()
}

pub fn open_for_reading(path: &Path, settings: &Settings) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|e| failed_to_open(path, e))?;
    prepare(&mut connection, settings).map_err(|e| failed_to_open(path, e))?;
    Ok(connection)
}

fn prepare(connection: &mut Connection, settings: &Settings) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(settings.statement_timeout)?;
    // Our statements find their rows by index whatever the values are; without this
    // SQLite plans each anew when its values change.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(
        "PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -65536;
         PRAGMA mmap_size = 268435456;
         PRAGMA trusted_schema = OFF;",
    )?;
    connection.progress_handler(
        STEPS,
        Some(|| DEADLINE.get().is_some_and(|deadline| Instant::now() > deadline)),
    )
}

fn failed_to_open(path: &Path, error: rusqlite::Error) -> Error {
    internal(format!("cannot open the database {}: {error}", path.display()))
}

/// Gives the connection to this thread for as long as `work` runs.
pub fn with_connection(connection: Connection, texts: Arc<Texts>, timeout: Duration, work: impl FnOnce()) {
    OWN.set(Some(Own {
        connection,
        texts,
        timeout,
    }));
    work();
    OWN.take();
}

fn on_own<T>(work: impl FnOnce(&Own) -> Result<T>) -> Result<T> {
    OWN.with_borrow(|own| match own {
        Some(own) => {
            DEADLINE.set(Some(Instant::now() + own.timeout));
            work(own)
        }
        None => Err(internal("a transaction left its thread")),
    })
}

/// Statements on the connection of the current thread, until the transaction ends.
#[derive(Clone, Default)]
pub(crate) struct Session {
    over: Arc<AtomicBool>,
}

impl Session {
    pub fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    fn open(&self) -> Result<()> {
        if self.over.load(Ordering::Acquire) {
            Err(ended())
        } else {
            Ok(())
        }
    }

    pub fn all<T>(
        &self,
        community: CommunityId,
        sql: &'static str,
        params: Vec<Param>,
        map: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.open()?;
        on_own(|own| {
            let text = own.texts.get(sql);
            let mut statement = own
                .connection
                .prepare_cached(&text.sql)
                .map_err(|e| failure(e, sql))?;
            let params = rusqlite::params_from_iter(text.bind(params, community));
            let mut rows = statement.query(params).map_err(|e| failure(e, sql))?;
            let mut items = vec![];
            while let Some(row) = rows.next().map_err(|e| failure(e, sql))? {
                items.push(map(&Row::Sqlite(row))?);
            }
            Ok(items)
        })
    }

    pub fn execute(&self, community: CommunityId, sql: &'static str, params: Vec<Param>) -> Result<u64> {
        self.open()?;
        on_own(|own| {
            let text = own.texts.get(sql);
            let mut statement = own
                .connection
                .prepare_cached(&text.sql)
                .map_err(|e| failure(e, sql))?;
            let params = rusqlite::params_from_iter(text.bind(params, community));
            let count = statement.execute(params).map_err(|e| failure(e, sql))?;
            Ok(count as u64)
        })
    }

    /// Runs a text without parameters: transaction control, a migration.
    pub fn batch(&self, sql: &str) -> Result<()> {
        on_own(|own| own.connection.execute_batch(sql).map_err(|e| failure(e, sql)))
    }

    /// Transaction control that is asked for on every write.
    pub fn control(&self, sql: &'static str) -> Result<()> {
        on_own(|own| {
            let mut statement = own.connection.prepare_cached(sql).map_err(|e| failure(e, sql))?;
            statement.execute([]).map(drop).map_err(|e| failure(e, sql))
        })
    }

    /// False when the database itself ended the transaction.
    pub fn in_transaction(&self) -> bool {
        on_own(|own| Ok(!own.connection.is_autocommit())).unwrap_or(false)
    }
}

/// What SQLite's trouble means to the caller.
fn failure(error: rusqlite::Error, sql: &str) -> Error {
    if let rusqlite::Error::SqliteFailure(inner, message) = &error {
        let message = message.as_deref().unwrap_or_default();
        if let Some(violation) = Violation::from_sqlite(inner.extended_code, message) {
            return violation.error();
        }
        return match inner.code {
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::OperationInterrupted
            | ErrorCode::OutOfMemory
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen => unavailable(error),
            _ => internal(format!("{error} in {sql}")),
        };
    }
    internal(format!("{error} in {sql}"))
}

impl ToSql for Param {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let borrowed = match self {
            Param::Null => ValueRef::Null,
            Param::Bool(value) => return Ok(ToSqlOutput::Owned(Value::Integer(i64::from(*value)))),
            Param::Int(value) => ValueRef::Integer(*value),
            Param::Real(value) => ValueRef::Real(*value),
            Param::Text(value) | Param::Json(value) => ValueRef::Text(value.as_bytes()),
            Param::Bytes(value) => ValueRef::Blob(value),
            Param::Id(value) => ValueRef::Blob(value.as_bytes()),
            Param::Time(value) => ValueRef::Integer(value.as_micros()),
        };
        Ok(ToSqlOutput::Borrowed(borrowed))
    }
}
