//! The task that looks at an upload once it is whole: what it is, and its copies.

use super::{
    MediaId, MediaStatus,
    kinds::{self, Kind, Sniffed},
    model::{Kept, ORIGINAL, Part, Refusal, Row},
    pictures::{self, Picture},
    store::{self, Shown},
};
use base::{Result, error::internal};
use bytes::{Bytes, BytesMut};
use db::Tx;
use platform::{
    AppState, Turns,
    blobs::{self, BlobId},
    tasks::{self, Handler, NewTask, Outcome, Priority, Task},
};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The kind of its tasks.
const KIND: &str = "media.process";
/// A picture that ended the process so often is taken for one that always would.
const MOST_ATTEMPTS: u32 = 4;
/// Pictures that may wait for a thread; a task that finds more waiting comes back later.
const QUEUE: usize = 16;

#[derive(Serialize, Deserialize)]
struct Payload {
    id: MediaId,
}

/// Looks at the upload after this write.
pub async fn enqueue(app: &AppState, tx: &Tx, id: MediaId) -> Result<()> {
    let task = NewTask::new(KIND, &Payload { id })?.priority(Priority::High);
    tasks::enqueue(app, tx, task).await.map(drop)
}

/// The handler of these tasks.
pub struct Processing {
    /// Threads for decoding: a picture takes all of one for up to seconds.
    turns: Turns,
}

impl Processing {
    pub fn new(config: &platform::Config) -> Processing {
        Processing {
            turns: Turns::new("images", config.media.image_threads, QUEUE),
        }
    }

    /// The copies of a picture, made on a thread of their own. A decoder that panics has met a
    /// picture that is broken; one that does not come back in time keeps its turn, not its task.
    async fn picture(
        &self,
        app: &AppState,
        bytes: Bytes,
        sniffed: Sniffed,
    ) -> Result<Result<Picture, Refusal>> {
        let limit = Duration::from_secs(app.config.media.image_timeout_s);
        let bounds = pictures::Bounds {
            pixels: app.config.media.image_max_pixels,
            until: Instant::now() + limit,
        };
        let work = self.turns.run(move || {
            let made = std::panic::catch_unwind(|| pictures::make(&bytes, sniffed, bounds));
            Ok(made.unwrap_or(Err(Refusal::Broken)))
        });
        match tokio::time::timeout(limit + Duration::from_secs(5), work).await {
            Ok(made) => made,
            Err(_) => Ok(Err(Refusal::TooSlow)),
        }
    }
}

impl Handler for Processing {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &AppState, task: &Task) -> Result<Outcome> {
        let Payload { id } = task.read()?;
        let media = store::find(&app.db, id).await?;
        let Some(media) = media.filter(|media| media.status == MediaStatus::Processing) else {
            return Ok(Outcome::Done);
        };
        let parts = store::parts(&app.db, id, ORIGINAL).await?;
        let head = match parts.first() {
            Some(first) => read(app, std::slice::from_ref(first)).await?,
            None => return Err(internal("an upload without pieces is not whole")),
        };
        let refused = |refusal| refuse(app, &media, &parts, refusal);
        if task.attempts > MOST_ATTEMPTS {
            return refused(Refusal::Broken).await;
        }
        let Some(sniffed) = kinds::sniff(&head) else {
            return refused(Refusal::Unknown).await;
        };
        if sniffed.kind != Kind::Image {
            let kept = Kept {
                name: ORIGINAL.to_owned(),
                content_type: sniffed.content_type.to_owned(),
                width: None,
                height: None,
                size_bytes: media.length_bytes,
            };
            let shown = Shown {
                kind: sniffed.kind,
                files: vec![kept],
                blurhash: None,
            };
            app.db
                .write_again(move |tx| async move { store::show(&tx, &media, &shown).await })
                .await?;
            return Ok(Outcome::Done);
        }
        if media.length_bytes as u64 > app.config.media.image_max_bytes {
            return refused(Refusal::TooLarge).await;
        }
        match self.picture(app, read(app, &parts).await?, sniffed).await? {
            Ok(picture) => keep(app, media, &parts, picture).await,
            Err(refusal) => refused(refusal).await,
        }
    }
}

/// The bytes of these pieces.
async fn read(app: &AppState, parts: &[Part]) -> Result<Bytes> {
    let mut all = BytesMut::new();
    for part in parts {
        let bytes = app.blobs.get(part.blob).await?;
        all.extend_from_slice(&bytes.ok_or_else(|| internal("a piece of an upload is gone"))?);
    }
    Ok(all.freeze())
}

/// Writes the copies, then the row that names them, then forgets what came.
async fn keep(app: &AppState, media: Row, came: &[Part], picture: Picture) -> Result<Outcome> {
    let (mut files, mut parts) = (vec![], vec![]);
    for file in picture.files {
        let part = Part {
            start_at: 0,
            size_bytes: file.bytes.len() as i64,
            blob: blobs::new_id(&app.ids),
        };
        app.blobs.put(part.blob, file.bytes).await?;
        parts.push((file.name, part));
        files.push(Kept {
            name: file.name.to_owned(),
            content_type: file.content_type.to_owned(),
            width: Some(i64::from(file.width)),
            height: Some(i64::from(file.height)),
            size_bytes: part.size_bytes,
        });
    }
    let shown = Shown {
        kind: Kind::Image,
        files,
        blurhash: Some(picture.blurhash),
    };
    let made: Vec<BlobId> = parts.iter().map(|(_, part)| part.blob).collect();
    let ready = app
        .db
        .write_again(move |tx| async move {
            if !store::show(&tx, &media, &shown).await? {
                return Ok(false);
            }
            store::forget_parts(&tx, media.id, ORIGINAL).await?;
            for (file, part) in parts {
                store::insert_part(&tx, media.id, file, part).await?;
            }
            Ok(true)
        })
        .await?;
    if ready {
        delete(app, blobs_of(came)).await;
    } else {
        delete(app, made).await;
    }
    Ok(Outcome::Done)
}

async fn refuse(app: &AppState, media: &Row, came: &[Part], refusal: Refusal) -> Result<Outcome> {
    let own = media.clone();
    app.db
        .write_again(move |tx| async move { store::refuse(&tx, &own, refusal).await })
        .await?;
    delete(app, blobs_of(came)).await;
    Ok(Outcome::Done)
}

fn blobs_of(parts: &[Part]) -> Vec<BlobId> {
    parts.iter().map(|part| part.blob).collect()
}

/// What no row names any more; what is missed here, the sweep finds.
async fn delete(app: &AppState, blobs: Vec<BlobId>) {
    for blob in blobs {
        if let Err(error) = app.blobs.delete(blob).await {
            tracing::warn!(%error, "bytes that no row names stay for the sweep");
        }
    }
}
