//! Entries that must not cost their request any time, nor the requests right
//! after it: they are written when their worker comes round, not at once.

use super::{Entry, SecurityEvent, note};
use crate::{Accounts, MemberId, origin::Origin};
use base::{Result, Timestamp};
use platform::AppState;
use std::sync::{Mutex, PoisonError};
use supervisor::Report;

/// Beyond this many, refused log-ins are only counted.
const MOST: usize = 4096;

#[derive(Debug)]
struct Waiting {
    member: MemberId,
    kind: SecurityEvent,
    origin: Origin,
    at: Timestamp,
}

#[derive(Default)]
pub(crate) struct Later {
    waiting: Mutex<(Vec<Waiting>, u64)>,
}

impl Later {
    /// What happened to nobody's account is told like the rest, and forgotten.
    pub fn add(&self, member: Option<MemberId>, kind: SecurityEvent, origin: Origin, at: Timestamp) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(member) = member else { return };
        if waiting.0.len() < MOST {
            waiting.0.push(Waiting {
                member,
                kind,
                origin,
                at,
            });
        } else {
            waiting.1 += 1;
        }
    }
}

/// Writes what waits; what cannot be written waits on.
pub(crate) async fn write_later(app: &AppState) -> Result<Report> {
    let later = &Accounts::of(app).later;
    let (mut waiting, dropped) =
        std::mem::take(&mut *later.waiting.lock().unwrap_or_else(PoisonError::into_inner));
    if dropped > 0 {
        tracing::warn!(dropped, "security log entries were dropped: too many waited");
    }
    let mut count = 0;
    while !waiting.is_empty() {
        let batch = waiting.split_off(waiting.len().saturating_sub(256));
        let (own, rows) = (
            app.clone(),
            batch
                .iter()
                .map(|w| (w.member, w.kind, w.origin.clone(), w.at))
                .collect::<Vec<_>>(),
        );
        let written = app
            .db
            .write_again(move |tx| async move {
                for (member, kind, origin, at) in &rows {
                    let entry = Entry {
                        member: *member,
                        session: None,
                        kind: *kind,
                        detail: None,
                        origin,
                    };
                    note(&tx, &own, entry, *at).await?;
                }
                Ok(rows.len())
            })
            .await;
        match written {
            Ok(written) => count += written,
            Err(error) => {
                let mut again = later.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                again.0.extend(waiting.into_iter().chain(batch));
                return Err(error);
            }
        }
    }
    Ok(Report::new("noted refused log-ins").fact("entries", count as i64))
}
