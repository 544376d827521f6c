use super::{
    MediaId, MediaStatus, Subject, SubjectKind,
    kinds::Kind,
    model::{Kept, Part, Refusal, Row, ids_json},
};
use accounts::MemberId;
use base::{Paging, Result, Timestamp, error::internal};
use db::{Executor, Tx, params};
use platform::blobs::BlobId;
use uuid::Uuid;

macro_rules! rows {
    ($where:literal) => {
        concat!(
            "SELECT id, owner_id, status, kind, name, alt, length_bytes, offset_bytes, charged_bytes, blurhash,
                    files, refusal, subject_kind, subject_id, created_at, expires_at
             FROM media WHERE ",
            $where
        )
    };
}

fn row(row: &db::Row<'_>) -> Result<Row> {
    let files: Option<serde_json::Value> = row.get(10)?;
    let subject: Option<SubjectKind> = row.get(12)?;
    let subject_id: Option<Uuid> = row.get(13)?;
    Ok(Row {
        id: row.get(0)?,
        owner: row.get(1)?,
        status: row.get(2)?,
        kind: row.get(3)?,
        name: row.get(4)?,
        alt: row.get(5)?,
        length_bytes: row.get(6)?,
        offset_bytes: row.get(7)?,
        charged_bytes: row.get(8)?,
        blurhash: row.get(9)?,
        files: files.map_or(Ok(vec![]), |files| {
            serde_json::from_value(files).map_err(internal)
        })?,
        refusal: row.get(11)?,
        subject: subject.zip(subject_id).map(|(kind, id)| Subject { kind, id }),
        created_at: row.get(14)?,
        expires_at: row.get(15)?,
    })
}

/// Whoever owns it; not what is removed.
pub async fn find(db: &impl Executor, id: MediaId) -> Result<Option<Row>> {
    let sql = rows!("community_id = @community AND id = $1 AND status <> 'removed'");
    db.one(sql, params![id], row).await
}

/// A member's own, unless it is removed or its time is over.
pub async fn find_own(
    db: &impl Executor,
    owner: MemberId,
    id: MediaId,
    now: Timestamp,
) -> Result<Option<Row>> {
    let sql = rows!(
        "community_id = @community AND id = $1 AND owner_id = $2 AND status <> 'removed'
             AND (expires_at IS NULL OR expires_at > $3)"
    );
    db.one(sql, params![id, owner, now], row).await
}

/// A member's own, the newest first.
pub async fn list_own(db: &impl Executor, owner: MemberId, page: Paging, now: Timestamp) -> Result<Vec<Row>> {
    let sql = rows!(
        "community_id = @community AND owner_id = $1 AND id < $2 AND status <> 'removed'
             AND (expires_at IS NULL OR expires_at > $3) ORDER BY id DESC LIMIT $4"
    );
    db.all(sql, params![owner, page.before(), now, page.fetch()], row)
        .await
}

/// Those that are attached to any of these, in their order.
pub async fn list_attached(
    db: &impl Executor,
    kind: SubjectKind,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Row>> {
    let sql = db.pick(
        rows!(
            "community_id = @community AND subject_kind = $1 AND status = 'ready'
                 AND subject_id IN (SELECT unhex(value) FROM json_each($2)) ORDER BY subject_id, position"
        ),
        rows!(
            "community_id = @community AND subject_kind = $1 AND status = 'ready'
                 AND subject_id IN (SELECT value::uuid FROM jsonb_array_elements_text($2)) ORDER BY subject_id, position"
        ),
    );
    db.all(sql, params![kind, ids_json(ids)], row).await
}

/// These of a member's, locked until the write ends.
pub async fn lock_own(tx: &Tx, owner: MemberId, ids: &[MediaId]) -> Result<Vec<Row>> {
    let sql = tx.pick(
        rows!(
            "community_id = @community AND owner_id = $1 AND status <> 'removed'
                 AND id IN (SELECT unhex(value) FROM json_each($2))"
        ),
        rows!(
            "community_id = @community AND owner_id = $1 AND status <> 'removed'
                 AND id IN (SELECT value::uuid FROM jsonb_array_elements_text($2)) ORDER BY id FOR UPDATE"
        ),
    );
    tx.all(sql, params![owner, ids_json(ids.iter().map(|id| id.0))], row)
        .await
}

#[derive(Clone)]
pub struct NewUpload {
    pub id: MediaId,
    pub owner: MemberId,
    pub name: String,
    pub alt: String,
    pub length_bytes: i64,
    pub expires_at: Timestamp,
}

pub async fn insert(tx: &Tx, new: &NewUpload, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO media (id, community_id, owner_id, status, name, alt, length_bytes, charged_bytes, created_at, expires_at)
         VALUES ($1, @community, $2, 'uploading', $3, $4, $5, $5, $6, $7)",
        params![new.id, new.owner, new.name, new.alt, new.length_bytes, now, new.expires_at],
    )
    .await
    .map(drop)
}

/// How many of a member's uploads are under way.
pub async fn count_open(db: &impl Executor, owner: MemberId, now: Timestamp) -> Result<i64> {
    let sql = "SELECT count(*) FROM media WHERE community_id = @community AND owner_id = $1
                   AND status = 'uploading' AND expires_at > $2";
    let count = db.one(sql, params![owner, now], |row| row.get(0)).await?;
    Ok(count.unwrap_or(0))
}

/// Charges a member; false when that would be more than they may have.
pub async fn charge(tx: &Tx, member: MemberId, bytes: i64, quota: i64) -> Result<bool> {
    if bytes > quota {
        return Ok(false);
    }
    let count = tx
        .execute(
            "INSERT INTO media_usage (community_id, member_id, used_bytes) VALUES (@community, $1, $2)
             ON CONFLICT (community_id, member_id) DO UPDATE SET used_bytes = media_usage.used_bytes + excluded.used_bytes
             WHERE media_usage.used_bytes + excluded.used_bytes <= $3",
            params![member, bytes, quota],
        )
        .await?;
    Ok(count > 0)
}

/// Gives back what a medium was charged with, or charges what it has grown by.
async fn recharge(tx: &Tx, member: Option<MemberId>, by: i64) -> Result<()> {
    tx.execute(
        "UPDATE media_usage SET used_bytes = used_bytes + $1 WHERE community_id = @community AND member_id = $2",
        params![by, member],
    )
    .await
    .map(drop)
}

pub async fn usage(db: &impl Executor, member: MemberId) -> Result<i64> {
    let sql = "SELECT used_bytes FROM media_usage WHERE community_id = @community AND member_id = $1";
    Ok(db.one(sql, params![member], |row| row.get(0)).await?.unwrap_or(0))
}

/// Moves the end of an upload forward; false when another request was faster, or it is over.
pub async fn advance(
    tx: &Tx,
    id: MediaId,
    from: i64,
    to: i64,
    status: MediaStatus,
    expires_at: Timestamp,
) -> Result<bool> {
    let count = tx
        .execute(
            "UPDATE media SET offset_bytes = $1, status = $2, expires_at = $3
             WHERE community_id = @community AND id = $4 AND offset_bytes = $5 AND status = 'uploading'",
            params![to, status, expires_at, id, from],
        )
        .await?;
    Ok(count > 0)
}

pub async fn insert_part(tx: &Tx, id: MediaId, file: &str, part: Part) -> Result<()> {
    tx.execute(
        "INSERT INTO media_part (community_id, media_id, file, start_at, size_bytes, blob_id)
         VALUES (@community, $1, $2, $3, $4, $5)",
        params![id, file, part.start_at, part.size_bytes, part.blob],
    )
    .await
    .map(drop)
}

/// The pieces of a file in their order.
pub async fn parts(db: &impl Executor, id: MediaId, file: &str) -> Result<Vec<Part>> {
    let sql = "SELECT start_at, size_bytes, blob_id FROM media_part
               WHERE community_id = @community AND media_id = $1 AND file = $2 ORDER BY start_at";
    db.all(sql, params![id, file], |row| {
        Ok(Part {
            start_at: row.get(0)?,
            size_bytes: row.get(1)?,
            blob: row.get(2)?,
        })
    })
    .await
}

/// What a medium became.
#[derive(Clone)]
pub struct Shown {
    pub kind: Kind,
    pub files: Vec<Kept>,
    pub blurhash: Option<String>,
}

/// Makes it ready; false when it is not being looked at any more.
pub async fn show(tx: &Tx, media: &Row, shown: &Shown) -> Result<bool> {
    let size: i64 = shown.files.iter().map(|kept| kept.size_bytes).sum();
    let first = shown.files.first();
    let count = tx
        .execute(
            "UPDATE media SET status = 'ready', kind = $1, content_type = $2, width = $3, height = $4, blurhash = $5,
                 files = $6, charged_bytes = $7
             WHERE community_id = @community AND id = $8 AND status = 'processing'",
            params![
                shown.kind,
                first.map(|kept| kept.content_type.clone()),
                first.and_then(|kept| kept.width),
                first.and_then(|kept| kept.height),
                shown.blurhash,
                serde_json::to_value(&shown.files).map_err(internal)?,
                size,
                media.id
            ],
        )
        .await?;
    if count > 0 {
        recharge(tx, media.owner, size - media.charged_bytes).await?;
    }
    Ok(count > 0)
}

/// Says why it is not shown, and takes nothing of the quota for it.
pub async fn refuse(tx: &Tx, media: &Row, refusal: Refusal) -> Result<()> {
    let count = tx
        .execute(
            "UPDATE media SET status = 'refused', refusal = $1, charged_bytes = 0
             WHERE community_id = @community AND id = $2 AND status IN ('uploading', 'processing')",
            params![refusal, media.id],
        )
        .await?;
    if count > 0 {
        recharge(tx, media.owner, -media.charged_bytes).await?;
        forget_parts(tx, media.id, super::model::ORIGINAL).await?;
    }
    Ok(())
}

/// The blobs of these pieces are nobody's from here on.
pub async fn forget_parts(tx: &Tx, id: MediaId, file: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM media_part WHERE community_id = @community AND media_id = $1 AND file = $2",
        params![id, file],
    )
    .await
    .map(drop)
}

pub async fn put_alt(tx: &Tx, id: MediaId, alt: &str) -> Result<()> {
    tx.execute(
        "UPDATE media SET alt = $1 WHERE community_id = @community AND id = $2",
        params![alt, id],
    )
    .await
    .map(drop)
}

pub async fn put_subject(tx: &Tx, id: MediaId, subject: Subject, position: i64) -> Result<()> {
    tx.execute(
        "UPDATE media SET subject_kind = $1, subject_id = $2, position = $3, expires_at = NULL
         WHERE community_id = @community AND id = $4",
        params![subject.kind, subject.id, position, id],
    )
    .await
    .map(drop)
}

/// What is attached to it, in its order, kept from being removed until the write ends.
pub async fn lock_attached(tx: &Tx, subject: Subject) -> Result<Vec<Row>> {
    let sql = tx.pick(
        rows!(
            "community_id = @community AND subject_kind = $1 AND subject_id = $2 AND status = 'ready'
                 ORDER BY position"
        ),
        rows!(
            "community_id = @community AND subject_kind = $1 AND subject_id = $2 AND status = 'ready'
                 ORDER BY position FOR SHARE"
        ),
    );
    tx.all(sql, params![subject.kind, subject.id], row).await
}

/// Another row that names the same bytes.
pub async fn insert_copy(tx: &Tx, original: &Row, copy: &Row, position: i64) -> Result<()> {
    let (first, subject) = (copy.files.first(), copy.subject);
    let made_by = "SELECT coalesce(made_by, owner_id) FROM media WHERE community_id = @community AND id = $1";
    let made_by: Option<Option<MemberId>> = tx.one(made_by, params![original.id], |row| row.get(0)).await?;
    tx.execute(
        "INSERT INTO media (id, community_id, owner_id, made_by, status, kind, content_type, name, alt, length_bytes,
                            offset_bytes, charged_bytes, width, height, blurhash, files, subject_kind, subject_id,
                            position, created_at)
         VALUES ($1, @community, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        params![
            copy.id,
            copy.owner,
            made_by.flatten(),
            copy.status,
            copy.kind,
            first.map(|kept| kept.content_type.clone()),
            copy.name,
            copy.alt,
            copy.length_bytes,
            copy.offset_bytes,
            copy.charged_bytes,
            first.and_then(|kept| kept.width),
            first.and_then(|kept| kept.height),
            copy.blurhash,
            serde_json::to_value(&copy.files).map_err(internal)?,
            subject.map(|subject| subject.kind),
            subject.map(|subject| subject.id),
            position,
            copy.created_at
        ],
    )
    .await?;
    let parts = "SELECT file, start_at, size_bytes, blob_id FROM media_part
                 WHERE community_id = @community AND media_id = $1 ORDER BY file, start_at";
    let parts: Vec<(String, Part)> = tx
        .all(parts, params![original.id], |row| {
            let part = Part {
                start_at: row.get(1)?,
                size_bytes: row.get(2)?,
                blob: row.get(3)?,
            };
            Ok((row.get(0)?, part))
        })
        .await?;
    for (file, part) in parts {
        insert_part(tx, copy.id, &file, part).await?;
    }
    Ok(())
}

/// Nobody sees it from here on; its bytes follow.
pub async fn remove(tx: &Tx, id: MediaId, now: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE media SET status = 'removed', subject_kind = NULL, subject_id = NULL, expires_at = $1
         WHERE community_id = @community AND id = $2",
        params![now, id],
    )
    .await
    .map(drop)
}

/// The same for all that is attached to something, but for those that stay; says how many.
pub async fn remove_attached(tx: &Tx, subject: Subject, but: &[MediaId], now: Timestamp) -> Result<u64> {
    let sql = tx.pick(
        "UPDATE media SET status = 'removed', subject_kind = NULL, subject_id = NULL, expires_at = $1
         WHERE community_id = @community AND subject_kind = $2 AND subject_id = $3
             AND id NOT IN (SELECT unhex(value) FROM json_each($4))",
        "UPDATE media SET status = 'removed', subject_kind = NULL, subject_id = NULL, expires_at = $1
         WHERE community_id = @community AND subject_kind = $2 AND subject_id = $3
             AND id NOT IN (SELECT value::uuid FROM jsonb_array_elements_text($4))",
    );
    let but = ids_json(but.iter().map(|id| id.0));
    tx.execute(sql, params![now, subject.kind, subject.id, but]).await
}

/// The same for all that is attached to the comments of a post.
pub async fn remove_from_comments(tx: &Tx, post: Uuid, now: Timestamp) -> Result<u64> {
    let sql =
        "UPDATE media /* every community */ SET status = 'removed', subject_kind = NULL, subject_id = NULL,
                   expires_at = $1
               WHERE subject_kind = 'comment' AND subject_id IN
                   (SELECT id FROM comment WHERE post_id = $2 AND media_count > 0)";
    tx.execute(sql, params![now, post]).await
}

/// What is to be removed: its time is over or its owner is gone. From here on nobody sees it.
pub async fn claim_expired(tx: &Tx, now: Timestamp, most: i64) -> Result<Vec<MediaId>> {
    let sql = tx.pick(
        "UPDATE media SET status = 'removed' WHERE /* every community */ id IN
             (SELECT id FROM media WHERE expires_at <= $1 OR owner_id IS NULL LIMIT $2) RETURNING id",
        "UPDATE media SET status = 'removed' WHERE /* every community */ id IN
             (SELECT id FROM media WHERE expires_at <= $1 OR owner_id IS NULL LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id",
    );
    tx.all(sql, params![now, most], |row| row.get(0)).await
}

/// Every blob of these that no other medium names.
pub async fn blobs(db: &impl Executor, media: &[MediaId]) -> Result<Vec<BlobId>> {
    let sql = db.pick(
        "SELECT /* every community */ DISTINCT p.blob_id FROM media_part p
         WHERE p.media_id IN (SELECT unhex(value) FROM json_each($1))
             AND NOT EXISTS (SELECT 1 FROM media_part o WHERE o.blob_id = p.blob_id
                 AND o.media_id NOT IN (SELECT unhex(value) FROM json_each($1)))",
        "SELECT /* every community */ DISTINCT p.blob_id FROM media_part p
         WHERE p.media_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1))
             AND NOT EXISTS (SELECT 1 FROM media_part o WHERE o.blob_id = p.blob_id
                 AND o.media_id NOT IN (SELECT value::uuid FROM jsonb_array_elements_text($1)))",
    );
    let ids = ids_json(media.iter().map(|id| id.0));
    db.all(sql, params![ids], |row| row.get(0)).await
}

/// Deletes a removed row and gives back what it was charged with.
pub async fn delete_removed(tx: &Tx, id: MediaId) -> Result<()> {
    tx.execute(
        "UPDATE media_usage SET used_bytes = used_bytes
             - (SELECT /* every community */ charged_bytes FROM media WHERE id = $1 AND status = 'removed')
         WHERE (community_id, member_id) = (SELECT community_id, owner_id FROM media WHERE id = $1 AND status = 'removed')",
        params![id],
    )
    .await?;
    tx.execute(
        "DELETE /* every community */ FROM media WHERE id = $1 AND status = 'removed'",
        params![id],
    )
    .await
    .map(drop)
}

/// Which of these blobs belong to something.
pub async fn known_blobs(db: &impl Executor, blobs: &[BlobId]) -> Result<Vec<BlobId>> {
    let sql = db.pick(
        "SELECT /* every community */ blob_id FROM media_part
         WHERE blob_id IN (SELECT unhex(value) FROM json_each($1))",
        "SELECT /* every community */ blob_id FROM media_part
         WHERE blob_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1))",
    );
    let ids = ids_json(blobs.iter().map(|blob| blob.0));
    db.all(sql, params![ids], |row| row.get(0)).await
}

/// A member leaves: their media are nobody's, which a worker removes with the bytes, and so are the
/// copies that others made of them.
pub async fn forget(tx: &Tx, member: MemberId, now: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE media /* every community */ SET owner_id = NULL, made_by = NULL, name = '', alt = ''
         WHERE owner_id = $1",
        params![member],
    )
    .await?;
    tx.execute(
        "UPDATE media /* every community */ SET status = 'removed', subject_kind = NULL, subject_id = NULL,
             expires_at = $2, made_by = NULL, name = '', alt = ''
         WHERE made_by = $1",
        params![member, now],
    )
    .await
    .map(drop)
}
