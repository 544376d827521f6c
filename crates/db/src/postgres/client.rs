//! One connection and the statements prepared on it.

use super::failure;
use crate::{Param, Row, Settings, column::POSTGRES_EPOCH, text::Text};
use base::{Result, error::internal, error::unavailable};
use std::{
    collections::HashMap,
    error::Error as StdError,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio_postgres::{
    Config, NoTls, Statement,
    config::SslMode,
    types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Read,
    Write,
}

/// The server cuts a statement off by itself; who is not heard so long after that is gone.
const SLACK: Duration = Duration::from_millis(500);

pub struct Connector {
    config: Config,
    timeout: Duration,
    statement_timeout: Duration,
}

impl Connector {
    pub fn new(url: &str, settings: &Settings) -> Result<Connector> {
        let mut config: Config = url
            .parse()
            .map_err(|error| internal(format!("DATABASE_URL cannot be read: {error}")))?;
        config
            .connect_timeout(settings.connect_timeout)
            .application_name("mundo")
            .keepalives_idle(Duration::from_secs(30));
        Ok(Connector {
            config,
            timeout: settings.connect_timeout,
            statement_timeout: settings.statement_timeout,
        })
    }

    pub async fn connect(&self, role: Role) -> Result<Client> {
        tokio::time::timeout(self.timeout, self.open(role))
            .await
            .map_err(|_| unavailable("the database did not answer in time"))?
    }

    async fn open(&self, role: Role) -> Result<Client> {
        let mut config = self.config.clone();
        let read_only = if role == Role::Read { "on" } else { "off" };
        let millis = self.statement_timeout.as_millis();
        // Our statements find their rows by index whatever the values are: planning
        // them anew for each call would cost more than running them. And a page costs
        // no more for being elsewhere: it is in memory or on a disk without heads.
        let given = config.get_options().unwrap_or_default().to_owned();
        config.options(format!(
            "-c random_page_cost=1.1 {given} -c statement_timeout={millis} -c idle_in_transaction_session_timeout={millis} \
             -c lock_timeout={millis} -c default_transaction_read_only={read_only} -c timezone=UTC -c jit=off \
             -c plan_cache_mode=force_generic_plan"
        ));
        let client = if config.get_ssl_mode() == SslMode::Disable {
            let (client, connection) = config.connect(NoTls).await.map_err(|e| failure(e, "connect"))?;
            drive(connection);
            client
        } else {
            let (client, connection) = config.connect(tls()?).await.map_err(|e| failure(e, "connect"))?;
            drive(connection);
            client
        };
        Ok(Client {
            inner: client,
            statements: RwLock::default(),
            silent: AtomicBool::new(false),
            patience: self.statement_timeout.saturating_add(SLACK),
        })
    }
}

fn tls() -> Result<tokio_postgres_rustls::MakeRustlsConnect> {
    let roots = webpki_roots::TLS_SERVER_ROOTS
        .iter()
        .cloned()
        .collect::<rustls::RootCertStore>();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(internal)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(tokio_postgres_rustls::MakeRustlsConnect::new(config))
}

/// The connection's own half: it ends when the client is dropped or the server goes away.
#[expect(
    clippy::disallowed_methods,
    reason = "a connection is driven by the runtime, not by the supervisor: it has no work of its own"
)]
fn drive(connection: impl Future<Output = std::result::Result<(), tokio_postgres::Error>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the database ended");
        }
    });
}

pub struct Client {
    inner: tokio_postgres::Client,
    statements: RwLock<HashMap<(usize, usize), Statement>>,
    /// An answer did not come in time: the server hangs, or the network does.
    silent: AtomicBool,
    patience: Duration,
}

impl Client {
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed() || self.silent.load(Ordering::Acquire)
    }

    /// The other side is gone, which is more than not to answer.
    pub fn is_lost(&self) -> bool {
        self.inner.is_closed()
    }

    /// Waits for the server, but not for ever. Others that wait on this connection may go on doing so.
    async fn heard<T>(
        &self,
        sql: &str,
        answer: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        if let Ok(answer) = tokio::time::timeout(self.patience, answer).await {
            return answer.map_err(|e| failure(e, sql));
        }
        self.silent.store(true, Ordering::Release);
        Err(unavailable("the database did not answer in time"))
    }

    pub async fn all<T>(
        &self,
        sql: &'static str,
        text: &Text,
        params: &[Param],
        map: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let statement = self.prepared(sql, text).await?;
        let rows = self
            .heard(sql, self.inner.query(&statement, &as_sql(params)))
            .await?;
        rows.iter().map(|row| map(&Row::Postgres(row))).collect()
    }

    pub async fn execute(&self, sql: &'static str, text: &Text, params: &[Param]) -> Result<u64> {
        let statement = self.prepared(sql, text).await?;
        self.heard(sql, self.inner.execute(&statement, &as_sql(params)))
            .await
    }

    pub async fn batch(&self, sql: &str) -> Result<()> {
        self.heard(sql, self.inner.batch_execute(sql)).await
    }

    pub fn is_prepared(&self, sql: &'static str) -> bool {
        self.known(sql).is_some()
    }

    fn known(&self, sql: &'static str) -> Option<Statement> {
        let key = (sql.as_ptr() as usize, sql.len());
        self.statements
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned()
    }

    pub async fn prepare(&self, sql: &'static str, text: &Text) -> Result<()> {
        self.prepared(sql, text).await.map(drop)
    }

    async fn prepared(&self, sql: &'static str, text: &Text) -> Result<Statement> {
        if let Some(statement) = self.known(sql) {
            return Ok(statement);
        }
        let statement = self.heard(sql, self.inner.prepare(&text.sql)).await?;
        let key = (sql.as_ptr() as usize, sql.len());
        self.statements
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, statement.clone());
        Ok(statement)
    }
}

fn as_sql(params: &[Param]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|param| param as _).collect()
}

impl ToSql for Param {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Param::Null => return Ok(IsNull::Yes),
            Param::Bool(value) => return value.to_sql(ty, out),
            Param::Int(value) => match *ty {
                Type::INT2 => return i16::try_from(*value)?.to_sql(ty, out),
                Type::INT4 => return i32::try_from(*value)?.to_sql(ty, out),
                Type::FLOAT8 => return (*value as f64).to_sql(ty, out),
                _ => return value.to_sql(ty, out),
            },
            Param::Real(value) => return value.to_sql(ty, out),
            Param::Json(value) if *ty == Type::JSONB => {
                out.extend_from_slice(&[1]);
                out.extend_from_slice(value.as_bytes());
            }
            Param::Text(value) | Param::Json(value) => out.extend_from_slice(value.as_bytes()),
            Param::Bytes(value) => out.extend_from_slice(value),
            Param::Id(value) => out.extend_from_slice(value.as_bytes()),
            Param::Time(value) => out.extend_from_slice(&(value.as_micros() - POSTGRES_EPOCH).to_be_bytes()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
