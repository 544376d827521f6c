//! Taking the bytes of an upload.
//!
//! They are cut into pieces of [`PIECE_BYTES`]. Each piece is written to the store
//! and brought to the disk, then the row's offset moves past it: only if it still
//! stood where the piece begins. So what a client hears as acknowledged is there
//! after `kill -9`, on every node, and of two requests that continue one upload
//! at once one hears that the other was faster. A connection that breaks loses
//! less than a piece.
//!
//! With a checksum the pieces are written as they come and counted when the sum
//! of the whole request fits; if it does not, none of them counts.

use super::{
    Media, MediaId, MediaStatus,
    kinds::{self, Kind as MediaKind},
    model::{ORIGINAL, Part, Refusal, Row},
    processing, store,
    tus::{self, Checksum, Metadata},
    urls::Signer,
};
use accounts::CurrentUser;
use base::{
    Error, Kind, Result, Timestamp,
    error::{conflict, not_found},
};
use bytes::{Bytes, BytesMut};
use platform::{AppState, blobs, http::Incoming};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Bytes of a piece.
const PIECE_BYTES: usize = 2 * 1024 * 1024;
/// How long an upload may rest, and a medium go unattached.
pub const KEPT: Duration = Duration::from_hours(24);

/// Requests of this node that bring bytes: each holds a piece in memory.
struct Bringing(Arc<Semaphore>);

impl Default for Bringing {
    fn default() -> Bringing {
        Bringing(Arc::new(Semaphore::new(32)))
    }
}

/// Begins an upload of that length and charges the member for it.
pub async fn create_upload(
    app: &AppState,
    actor: &CurrentUser,
    length_bytes: i64,
    metadata: Metadata,
) -> Result<Row> {
    let (settings, now) = (&app.config.media, app.clock.now());
    let most = i64::try_from(settings.upload_max_bytes).unwrap_or(i64::MAX);
    if length_bytes > most {
        return Err(Error::new(Kind::TooLarge, "upload_too_large").with("max", most));
    }
    if length_bytes == 0 {
        return Err(base::error::invalid("Upload-Length", "invalid_value"));
    }
    let new = store::NewUpload {
        id: app.ids.next(),
        owner: actor.id,
        name: metadata.name,
        alt: metadata.alt,
        length_bytes,
        expires_at: now.plus(KEPT),
    };
    let (quota, most_open) = (settings.quota_bytes as i64, i64::from(settings.open_uploads));
    app.db
        .write_again(move |tx| async move {
            if store::count_open(&tx, new.owner, now).await? >= most_open {
                return Err(conflict("too_many_uploads").with("max", most_open));
            }
            if !store::charge(&tx, new.owner, length_bytes, quota).await? {
                return Err(conflict("quota_exceeded").with("max", quota));
            }
            store::insert(&tx, &new, now).await?;
            store::find(&tx, new.id).await?.ok_or_else(|| not_found("upload"))
        })
        .await
}

/// The member's own upload, as long as it is of any use.
pub async fn find(app: &AppState, actor: &CurrentUser, id: MediaId) -> Result<Row> {
    let found = store::find_own(&app.db, actor.id, id, app.clock.now()).await?;
    found.ok_or_else(|| not_found("upload"))
}

/// Takes what the body brings, from `offset` on. Gives the upload as it stands then.
pub async fn append(
    app: &AppState,
    actor: &CurrentUser,
    id: MediaId,
    offset: i64,
    body: &mut Incoming,
) -> Result<Row> {
    if body.content_type() != tus::PIECE {
        return Err(Error::new(Kind::UnsupportedMediaType, "not_a_piece"));
    }
    let checksum = Checksum::parse(body.header("upload-checksum"))?;
    let upload = find(app, actor, id).await?;
    if offset != upload.offset_bytes {
        return Err(conflict("wrong_offset"));
    }
    if upload.status != MediaStatus::Uploading {
        return Ok(upload);
    }
    let bringing = app.memory::<Bringing>().0.clone();
    let Ok(_turn) = bringing.try_acquire() else {
        return Err(Error::new(Kind::Unavailable, "busy_uploads").retry_after(2));
    };
    let mut taking = Taking {
        app,
        upload,
        end: offset,
        waiting: BytesMut::new(),
        uncounted: vec![],
        checksum,
    };
    let taken = taking.take(body).await;
    if taken.is_err() {
        taking.give_up().await;
    }
    taken?;
    find(app, actor, id).await
}

/// One request that brings bytes.
struct Taking<'a> {
    app: &'a AppState,
    upload: Row,
    /// Where the bytes that are in the store end.
    end: i64,
    waiting: BytesMut,
    /// Pieces in the store that no row names yet.
    uncounted: Vec<Part>,
    checksum: Option<Checksum>,
}

impl Taking<'_> {
    async fn take(&mut self, body: &mut Incoming) -> Result<()> {
        while let Some(bytes) = body.next().await {
            let bytes = match bytes {
                Ok(bytes) => bytes,
                Err(broken) => {
                    // What arrived before the connection broke is kept, where nothing must be proved of it.
                    if self.checksum.is_none() {
                        self.store_waiting().await?;
                    }
                    return Err(broken);
                }
            };
            let left = self.upload.length_bytes - self.end - self.waiting.len() as i64;
            if bytes.len() as i64 > left {
                return Err(Error::new(Kind::TooLarge, "beyond_length").with("max", self.upload.length_bytes));
            }
            if let Some(checksum) = &mut self.checksum {
                checksum.update(&bytes);
            }
            self.waiting.extend_from_slice(&bytes);
            if self.waiting.len() >= PIECE_BYTES {
                self.store_waiting().await?;
            }
        }
        self.store_waiting().await?;
        if let Some(checksum) = self.checksum.take() {
            checksum.check()?;
            self.count().await?;
        }
        Ok(())
    }

    /// Brings what waits to the disk; without a checksum it counts at once.
    async fn store_waiting(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let bytes: Bytes = self.waiting.split().freeze();
        if self.end == 0 {
            self.look_at(&bytes).await?;
        }
        let part = Part {
            start_at: self.end,
            size_bytes: bytes.len() as i64,
            blob: blobs::new_id(&self.app.ids),
        };
        self.uncounted.push(part);
        self.app.blobs.put(part.blob, bytes).await?;
        self.end += part.size_bytes;
        if self.checksum.is_none() {
            self.count().await?;
        }
        Ok(())
    }

    /// Refuses at the first piece what would be refused at the last.
    async fn look_at(&self, head: &[u8]) -> Result<()> {
        if head.len() < kinds::HEAD {
            return Ok(());
        }
        let (refusal, error) = match kinds::sniff(head) {
            None => (
                Refusal::Unknown,
                Error::new(Kind::UnsupportedMediaType, "unknown_media_type"),
            ),
            Some(sniffed)
                if sniffed.kind == MediaKind::Image
                    && self.upload.length_bytes as u64 > self.app.config.media.image_max_bytes =>
            {
                let most = self.app.config.media.image_max_bytes;
                (
                    Refusal::TooLarge,
                    Error::new(Kind::TooLarge, "upload_too_large").with("max", most),
                )
            }
            Some(_) => return Ok(()),
        };
        let upload = self.upload.clone();
        self.app
            .db
            .write_again(move |tx| async move { store::refuse(&tx, &upload, refusal).await })
            .await?;
        Err(error)
    }

    /// The pieces in the store become part of the upload, unless another request was faster.
    async fn count(&mut self) -> Result<()> {
        let parts = std::mem::take(&mut self.uncounted);
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
            return Ok(());
        };
        let (from, to) = (first.start_at, last.start_at + last.size_bytes);
        let (app, id, now) = (self.app.clone(), self.upload.id, self.app.clock.now());
        let is_whole = to == self.upload.length_bytes;
        let (counting, own) = (parts.clone(), app.clone());
        let counted = app
            .db
            .write_again(move |tx| async move {
                count_parts(&own, &tx, id, &counting, (from, to), is_whole, now).await
            })
            .await;
        match counted {
            Ok(true) => Ok(()),
            outcome => {
                // Back on the list of what nobody names, so that it is deleted. When it is not known
                // whether the write took place, the sweep asks the rows.
                if matches!(outcome, Ok(false)) {
                    self.uncounted = parts;
                }
                outcome?;
                Err(conflict("wrong_offset"))
            }
        }
    }

    /// Deletes what was stored and does not count; what is missed, the sweep finds.
    async fn give_up(&mut self) {
        for part in std::mem::take(&mut self.uncounted) {
            if let Err(error) = self.app.blobs.delete(part.blob).await {
                tracing::debug!(%error, "a piece that does not count stays for the sweep");
            }
        }
    }
}

async fn count_parts(
    app: &AppState,
    tx: &db::Tx,
    id: MediaId,
    parts: &[Part],
    (from, to): (i64, i64),
    is_whole: bool,
    now: Timestamp,
) -> Result<bool> {
    let status = if is_whole {
        MediaStatus::Processing
    } else {
        MediaStatus::Uploading
    };
    if !store::advance(tx, id, from, to, status, now.plus(KEPT)).await? {
        return Ok(false);
    }
    for part in parts {
        store::insert_part(tx, id, ORIGINAL, *part).await?;
    }
    if is_whole {
        processing::enqueue(app, tx, id).await?;
    }
    Ok(true)
}

/// As the owner sees it.
pub fn shown(app: &AppState, upload: &Row) -> Result<Media> {
    upload.for_owner(&Signer::of(app))
}
