//! Communities: which of them a request speaks for.
//!
//! A community is reached under its own host name, or by its slug in the header
//! `X-Community`, which goes before; all other requests speak for the first one. What a
//! handler is given as its [`AppState`] speaks for that community and no other: the
//! database binds its number wherever a statement says `@community`, and memories are
//! its own. So a handler cannot ask for the wrong one, and does not know that there
//! are several. Background work that belongs to each of them goes through [`each`].
//!
//! Neighbours: who belongs to a community stands in `accounts::communities`.

use crate::AppState;
use axum::http::request::Parts;
use base::{Result, Timestamp, error::not_found};
use db::{CommunityId, Executor, params};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Names a community in a request.
pub const HEADER: &str = "x-community";
/// For how long a node trusts what it read.
const TRUSTED: Duration = Duration::from_secs(5);

/// All communities, by slug and by host name.
#[derive(Debug, Default)]
struct Directory {
    by_slug: HashMap<String, CommunityId>,
    by_domain: HashMap<String, CommunityId>,
}

#[derive(Default)]
struct Known(Mutex<Option<(Timestamp, Arc<Directory>)>>);

async fn directory(app: &AppState) -> Result<Arc<Directory>> {
    let (known, now) = (app.memory_of_all::<Known>(), app.clock.now());
    {
        let known = known.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read_at, directory)) = &*known
            && now.since(*read_at) < TRUSTED
        {
            return Ok(directory.clone());
        }
    }
    let sql = "SELECT id, slug, domain FROM community ORDER BY id";
    let found = app
        .db
        .all(sql, params![], |row| {
            Ok((
                row.get::<i32>(0)?,
                row.get::<String>(1)?,
                row.get::<Option<String>>(2)?,
            ))
        })
        .await?;
    let mut directory = Directory::default();
    for (id, slug, domain) in found {
        directory.by_slug.insert(slug, CommunityId(id));
        if let Some(domain) = domain {
            directory.by_domain.insert(domain, CommunityId(id));
        }
    }
    let directory = Arc::new(directory);
    *known.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, directory.clone()));
    Ok(directory)
}

/// A community was made, or is found elsewhere.
pub fn forget(app: &AppState) {
    *app.memory_of_all::<Known>()
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = None;
}

/// The community of that slug.
pub async fn named(app: &AppState, slug: &str) -> Result<CommunityId> {
    let directory = directory(app).await?;
    directory
        .by_slug
        .get(slug)
        .copied()
        .ok_or_else(|| not_found("community"))
}

/// Every community, the first one first.
pub async fn all(app: &AppState) -> Result<Vec<CommunityId>> {
    let directory = directory(app).await?;
    let mut all: Vec<CommunityId> = directory.by_slug.values().copied().collect();
    all.sort_unstable_by_key(|community| community.0);
    Ok(all)
}

/// The app as each community sees it, for background work that belongs to each.
pub async fn each(app: &AppState) -> Result<Vec<AppState>> {
    let all = all(app).await?;
    Ok(all.into_iter().map(|community| app.within(community)).collect())
}

/// The community that a request speaks for.
pub(crate) async fn of_request(app: &AppState, parts: &Parts) -> Result<CommunityId> {
    if let Some(slug) = parts.headers.get(HEADER) {
        let slug = slug.to_str().map_err(|_| not_found("community"))?;
        return named(app, slug).await;
    }
    let directory = directory(app).await?;
    if directory.by_domain.is_empty() {
        return Ok(CommunityId::DEFAULT);
    }
    let host = parts
        .headers
        .get("host")
        .and_then(|host| host.to_str().ok())
        .or_else(|| parts.uri.host())
        .unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let community = directory.by_domain.get(&name.to_ascii_lowercase());
    Ok(community.copied().unwrap_or(CommunityId::DEFAULT))
}
