//! The export: one JSON document, `{"format", "made_at", "member_id", "tables": {name: [row, …]}}`,
//! read page by page while it is sent.

use crate::MemberId;
use axum::body::Bytes;
use base::{Result, error::internal};
use futures_util::stream::{self, BoxStream, StreamExt};
use platform::{
    AppState,
    belongings::{Belongings, PAGE, Told},
    communities,
};
use serde_json::Value;

const FORMAT: &str = "mundo-tango-export/1";

struct Writing {
    /// One for each community: what a slice tells by itself it tells for one of them.
    apps: Vec<AppState>,
    community: usize,
    member: MemberId,
    /// The table that comes next, among those that are told.
    table: usize,
    /// Its rows that were written.
    given: usize,
    last: Option<Value>,
    over: bool,
}

pub async fn export(app: &AppState, member: MemberId) -> Result<BoxStream<'static, Result<Bytes>>> {
    let made_at = app.clock.now();
    let head = format!(
        "{{\"format\":\"{FORMAT}\",\"made_at\":\"{made_at}\",\"member_id\":\"{member}\",\"tables\":{{"
    );
    let writing = Writing {
        apps: communities::each(app).await?,
        community: 0,
        member,
        table: 0,
        given: 0,
        last: None,
        over: false,
    };
    let tables = stream::try_unfold(writing, |writing| async move { writing.go_on().await });
    Ok(stream::iter([Ok(Bytes::from(head))]).chain(tables).boxed())
}

impl Writing {
    /// The next page of the table, or the end.
    async fn go_on(mut self) -> Result<Option<(Bytes, Writing)>> {
        if self.over {
            return Ok(None);
        }
        let app = self.apps[self.community].clone();
        let told = |table: &&platform::belongings::Table| !matches!(table.told, Told::Nothing(_));
        let Some(table) = app
            .part::<Belongings>()
            .tables()
            .iter()
            .filter(told)
            .nth(self.table)
        else {
            self.over = true;
            return Ok(Some((Bytes::from_static(b"}}\n"), self)));
        };
        let last = self.last.take();
        let rows = table.page(&app, self.member.0, self.given, last).await?;
        let mut text = vec![];
        if self.given == 0 && self.community == 0 {
            let comma = if self.table == 0 { "" } else { "," };
            text.extend(format!("{comma}\n\"{}\":[", table.name).into_bytes());
        }
        for row in &rows {
            text.extend_from_slice(if self.given == 0 { b"\n" } else { b",\n" });
            serde_json::to_writer(&mut text, row).map_err(internal)?;
            self.given += 1;
        }
        let ended = match table.told {
            Told::Rows(_) => rows.len() < PAGE,
            Told::By(_) | Told::Nothing(_) => rows.is_empty(),
        };
        let elsewhere = matches!(table.told, Told::By(_)) && self.community + 1 < self.apps.len();
        if ended && elsewhere {
            self.community += 1;
        } else if ended {
            text.push(b']');
            (self.table, self.given, self.community) = (self.table + 1, 0, 0);
        } else {
            self.last = rows.into_iter().next_back();
        }
        Ok(Some((text.into(), self)))
    }
}
