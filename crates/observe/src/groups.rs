//! The kept errors, as operators read them: groups, the latest first, and of each
//! group its samples.

use crate::Operator;
use base::{Page, Timestamp, error::not_found, input, input::Field, page::Limit, page::TimeCursor};
use db::{Column, Executor, Param, Row, ToParam, params};
use platform::{
    AppState,
    http::{Caller, Json, Path, Query, Result, Routes},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::{borrow::Cow, fmt, str::FromStr};
use uuid::Uuid;

/// Samples that are shown of a group.
const SAMPLES: i64 = 50;

pub fn routes() -> Routes {
    Routes::new("Operation")
        .get(
            "/errors",
            "list_errors",
            list_errors,
            "Errors in groups, the latest first",
        )
        .by(Caller::Operator)
        .get(
            "/errors/{error_id}",
            "show_error",
            show_error,
            "One group of errors with its samples",
        )
        .by(Caller::Operator)
}

/// A group's fingerprint, written in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorId([u8; 32]);

impl ErrorId {
    /// Its first half: enough to find the place in a list again.
    fn place(self) -> Uuid {
        Uuid::from_slice(&self.0[..16]).expect("sixteen bytes")
    }
}

impl fmt::Display for ErrorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        blake3::Hash::from_bytes(self.0).to_hex().fmt(f)
    }
}

impl FromStr for ErrorId {
    type Err = blake3::HexError;
    fn from_str(text: &str) -> Result<ErrorId, blake3::HexError> {
        Ok(ErrorId(*blake3::Hash::from_hex(text)?.as_bytes()))
    }
}

impl Serialize for ErrorId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for ErrorId {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "ErrorId".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9a-f]{64}$"})
    }
}

impl Field for ErrorId {}

impl ToParam for ErrorId {
    fn to_param(&self) -> Param {
        self.0.to_param()
    }
}

impl Column for ErrorId {
    fn read(row: &Row<'_>, index: usize) -> base::Result<Self> {
        row.get(index).map(ErrorId)
    }
}

/// Errors that are the same but for numbers and names.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorGroup {
    pub id: ErrorId,
    /// `error`, `panic` or `browser`.
    pub kind: String,
    pub code: String,
    /// A route's pattern, a worker's name or a page's address.
    pub place: String,
    /// Of the latest one.
    pub message: String,
    /// The version that met the latest one.
    pub release: String,
    pub count: i64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
}

/// A group with what is known of single errors.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorDetails {
    #[serde(flatten)]
    pub group: ErrorGroup,
    /// One for each hour at most, the latest first.
    pub samples: Vec<ErrorSample>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorSample {
    pub at: Timestamp,
    /// As the answer and the log name it.
    pub request_id: Option<String>,
    /// The causes, from the outside in.
    pub chain: Vec<String>,
}

input! {
    /// Which page of the errors.
    pub struct ListErrors {
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<TimeCursor>,
    }
}

async fn list_errors(
    app: AppState,
    _operator: Operator,
    Query(list): Query<ListErrors>,
) -> Result<Json<Page<ErrorGroup, TimeCursor>>> {
    let newest = TimeCursor(Timestamp::from_micros(253_402_207_200_000_000), Uuid::max());
    let TimeCursor(time, place) = list.cursor.unwrap_or(newest);
    let sql = "SELECT fingerprint, kind, code, place, message, release, count, first_seen, last_seen
               FROM error_group WHERE (last_seen, fingerprint) < ($1, $2)
               ORDER BY last_seen DESC, fingerprint DESC LIMIT $3";
    // A place is shorter than the fingerprint it begins, and so lies right below it.
    let place = Param::Bytes(place.as_bytes().to_vec());
    let limit = list.limit.count() as i64 + 1;
    let groups = app.db.all(sql, params![time, place, limit], group).await?;
    Ok(Json(Page::of(groups, list.limit, |group| {
        TimeCursor(group.last_seen, group.id.place())
    })))
}

async fn show_error(
    app: AppState,
    _operator: Operator,
    Path(id): Path<ErrorId>,
) -> Result<Json<ErrorDetails>> {
    let sql = "SELECT fingerprint, kind, code, place, message, release, count, first_seen, last_seen
               FROM error_group WHERE fingerprint = $1";
    let group = app.db.one(sql, params![id], group).await?;
    let group = group.ok_or_else(|| not_found("error"))?;
    let sql =
        "SELECT at, request_id, chain FROM error_sample WHERE fingerprint = $1 ORDER BY hour DESC LIMIT $2";
    let samples = app.db.all(sql, params![id, SAMPLES], sample).await?;
    Ok(Json(ErrorDetails { group, samples }))
}

fn group(row: &Row<'_>) -> base::Result<ErrorGroup> {
    Ok(ErrorGroup {
        id: row.get(0)?,
        kind: row.get(1)?,
        code: row.get(2)?,
        place: row.get(3)?,
        message: row.get(4)?,
        release: row.get(5)?,
        count: row.get(6)?,
        first_seen: row.get(7)?,
        last_seen: row.get(8)?,
    })
}

fn sample(row: &Row<'_>) -> base::Result<ErrorSample> {
    let chain: serde_json::Value = row.get(2)?;
    Ok(ErrorSample {
        at: row.get(0)?,
        request_id: row.get(1)?,
        chain: serde_json::from_value(chain).map_err(base::error::internal)?,
    })
}
