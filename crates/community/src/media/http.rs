use super::{
    Media, MediaId, MediaView, SubjectKind, kinds,
    model::{self, Part},
    of_subjects, ops, store, tus, uploads,
    urls::{self, Signer},
};
use crate::profiles;
use accounts::{CurrentUser, MemberId};
use axum::http::HeaderMap;
use base::{Cursor, Kind, Line, Page, Paging, Text, error::not_found, input, page::Limit};
use bytes::Bytes;
use futures_util::{StreamExt, stream, stream::BoxStream};
use platform::{
    AppState,
    http::{
        Caller, Created, File, Found, Headers, Incoming, Json, NoContent, Path, PathPair, Query, Result,
        Routes, WantedRange,
    },
};
use schemars::JsonSchema;
use serde::Serialize;
use std::ops::Range;

pub fn routes() -> Routes {
    Routes::new("media")
        .for_tokens("media:read", "media:write")
        .options(
            "/uploads",
            "show_upload_abilities",
            show_upload_abilities,
            "What of tus 1.0 is spoken here",
        )
        .by(Caller::Public)
        .bears(tus::BEARS)
        .post(
            "/uploads",
            "create_upload",
            create_upload,
            "Begin a resumable upload (tus 1.0), with its first bytes or without",
        )
        .refuses(&[Kind::Conflict, Kind::Stale, Kind::Corrupted])
        .bears(tus::BEARS)
        .head(
            "/uploads/{media_id}",
            "show_upload",
            show_upload,
            "How far an upload is",
        )
        .refuses(&[Kind::Stale])
        .bears(tus::BEARS)
        .patch(
            "/uploads/{media_id}",
            "continue_upload",
            continue_upload,
            "Continue an upload where it stands",
        )
        .refuses(&[Kind::Conflict, Kind::Stale, Kind::Corrupted])
        .bears(tus::BEARS)
        .delete(
            "/uploads/{media_id}",
            "end_upload",
            end_upload,
            "Give an upload up",
        )
        .refuses(&[Kind::Stale])
        .bears(tus::BEARS)
        .get(
            "/media",
            "list_media",
            list_media,
            "One's own media, the newest first",
        )
        .get(
            "/media/usage",
            "show_media_usage",
            show_media_usage,
            "How much of the quota is taken",
        )
        .get(
            "/media/{media_id}",
            "show_media",
            show_media,
            "One of one's own media",
        )
        .patch(
            "/media/{media_id}",
            "edit_media",
            edit_media,
            "Say what a medium shows",
        )
        .delete(
            "/media/{media_id}",
            "delete_media",
            delete_media,
            "Delete a medium, wherever it is attached",
        )
        .get(
            "/media/{media_id}/files/{file}",
            "read_media_file",
            read_media_file,
            "The bytes of a file, by the address that a view names",
        )
        .by(Caller::Public)
        .refuses(&[Kind::Forbidden])
        .post(
            "/me/avatar",
            "set_avatar",
            set_avatar,
            "Put another picture into one's profile",
        )
        .delete(
            "/me/avatar",
            "remove_avatar",
            remove_avatar,
            "Take one's picture out of one's profile",
        )
        .get(
            "/members/{member}/avatar",
            "show_avatar",
            show_avatar,
            "A member's picture",
        )
}

async fn show_upload_abilities(app: AppState) -> Result<(HeaderMap, NoContent)> {
    Ok((tus::abilities(app.config.media.upload_max_bytes), NoContent))
}

async fn create_upload(
    app: AppState,
    actor: CurrentUser,
    mut body: Incoming,
) -> Result<(HeaderMap, Created<Media>)> {
    tus::check_version(body.header("tus-resumable"))?;
    let length = tus::count("Upload-Length", body.header("upload-length"))?;
    let metadata = tus::metadata(body.header("upload-metadata"))?;
    // Refused before anything is made of it.
    tus::Checksum::parse(body.header("upload-checksum"))?;
    let mut upload = uploads::create_upload(&app, &actor, length, metadata).await?;
    if body.content_type() == tus::PIECE {
        // Its address is told even when the bytes behind it break off.
        match uploads::append(&app, &actor, upload.id, 0, &mut body).await {
            Ok(further) => upload = further,
            Err(error) if error.kind() == Kind::Malformed => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut headers = tus::progress(upload.offset_bytes, upload.expires_at);
    headers.extend(tus::headers([(
        "location",
        format!("/api/v1/uploads/{}", upload.id),
    )]));
    Ok((headers, Created::new(uploads::shown(&app, &upload)?)))
}

async fn show_upload(
    app: AppState,
    actor: CurrentUser,
    headers: Headers,
    Path(id): Path<MediaId>,
) -> Result<(HeaderMap, Found)> {
    tus::check(&headers)?;
    let upload = uploads::find(&app, &actor, id).await?;
    let mut headers = tus::progress(upload.offset_bytes, upload.expires_at);
    headers.extend(tus::headers([
        ("upload-length", upload.length_bytes.to_string()),
        ("cache-control", "no-store".to_owned()),
    ]));
    Ok((headers, Found))
}

async fn continue_upload(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<MediaId>,
    mut body: Incoming,
) -> Result<(HeaderMap, NoContent)> {
    tus::check_version(body.header("tus-resumable"))?;
    let offset = tus::count("Upload-Offset", body.header("upload-offset"))?;
    let upload = uploads::append(&app, &actor, id, offset, &mut body).await?;
    Ok((tus::progress(upload.offset_bytes, upload.expires_at), NoContent))
}

async fn end_upload(
    app: AppState,
    actor: CurrentUser,
    headers: Headers,
    Path(id): Path<MediaId>,
) -> Result<NoContent> {
    tus::check(&headers)?;
    ops::delete_media(&app, &actor, id, "upload").await?;
    Ok(NoContent)
}

input! {
    /// Which page.
    pub struct ListMedia {
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_media(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListMedia>,
) -> Result<Json<Page<Media>>> {
    let paging = Paging {
        limit: list.limit,
        cursor: list.cursor,
    };
    let (rows, signer) = (
        store::list_own(&app.db, actor.id, paging, app.clock.now()).await?,
        Signer::of(&app),
    );
    let media: base::Result<Vec<Media>> = rows.iter().map(|row| row.for_owner(&signer)).collect();
    Ok(Json(Page::of(media?, paging.limit, |media| Cursor(media.id.0))))
}

/// How much of the quota is taken.
#[derive(Debug, Serialize, JsonSchema)]
struct MediaUsage {
    used_bytes: i64,
    quota_bytes: i64,
}

async fn show_media_usage(app: AppState, actor: CurrentUser) -> Result<Json<MediaUsage>> {
    Ok(Json(MediaUsage {
        used_bytes: store::usage(&app.db, actor.id).await?,
        quota_bytes: app.config.media.quota_bytes as i64,
    }))
}

async fn show_media(app: AppState, actor: CurrentUser, Path(id): Path<MediaId>) -> Result<Json<Media>> {
    let row = store::find_own(&app.db, actor.id, id, app.clock.now()).await?;
    let row = row.ok_or_else(|| not_found("media"))?;
    Ok(Json(row.for_owner(&Signer::of(&app))?))
}

input! {
    /// What a medium shows, for those who do not see it.
    pub struct MediaEdit {
        pub alt: Text<0, 1000>,
    }
}

async fn edit_media(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<MediaId>,
    Json(edit): Json<MediaEdit>,
) -> Result<Json<Media>> {
    Ok(Json(ops::edit_media(&app, &actor, id, edit.alt.into()).await?))
}

async fn delete_media(app: AppState, actor: CurrentUser, Path(id): Path<MediaId>) -> Result<NoContent> {
    ops::delete_media(&app, &actor, id, "media").await?;
    Ok(NoContent)
}

input! {
    /// What makes an address of private media good.
    pub struct MediaAddress {
        /// Seconds since 1970.
        pub expires: Option<base::Whole<0, 99_999_999_999>>,
        pub signature: Option<Line<43, 43>>,
    }
}

async fn read_media_file(
    app: AppState,
    PathPair(id, file): PathPair<MediaId, Line<1, 20>>,
    Query(address): Query<MediaAddress>,
    wanted: WantedRange,
) -> Result<File> {
    let grant = match (address.expires, address.signature) {
        (Some(expires), Some(signature)) => Some(Signer::of(&app).check(id, &file, expires.0, &signature)?),
        _ => None,
    };
    let row = store::find(&app.db, id)
        .await?
        .ok_or_else(|| not_found("media"))?;
    let cache = urls::cache(&row, grant)?;
    let kept = row.files.iter().find(|kept| kept.name == *file);
    let kept = kept.ok_or_else(|| not_found("media"))?;
    let (sniffed, length) = (model::type_of(kept)?, kept.size_bytes as u64);
    debug_assert!(kinds::of_content_type(sniffed.content_type).is_some());
    let etag = format!("\"{id}-{}\"", kept.name);
    let range = wanted.of(length, &etag)?;
    let parts = store::parts(&app.db, id, &kept.name).await?;
    let bytes = bytes_of(&app, parts, range.clone().unwrap_or(0..length)).await?;
    Ok(File {
        content_type: sniffed.content_type,
        name: model::file_name(&row.name, sniffed),
        length,
        range,
        etag,
        cache,
        bytes,
    })
}

input! {
    /// Which of one's own pictures.
    pub struct NewAvatar {
        pub media_id: MediaId,
    }
}

async fn set_avatar(
    app: AppState,
    actor: CurrentUser,
    Json(new): Json<NewAvatar>,
) -> Result<Json<MediaView>> {
    Ok(Json(ops::set_avatar(&app, &actor, new.media_id).await?))
}

async fn remove_avatar(app: AppState, actor: CurrentUser) -> Result<NoContent> {
    ops::remove_avatar(&app, &actor).await?;
    Ok(NoContent)
}

/// A member's picture.
#[derive(Debug, Serialize, JsonSchema)]
struct Avatar {
    /// Null when they have none.
    picture: Option<MediaView>,
}

async fn show_avatar(
    app: AppState,
    actor: CurrentUser,
    Path(member): Path<MemberId>,
) -> Result<Json<Avatar>> {
    if !profiles::store::is_visible(&app.db, actor.id, member).await? {
        return Err(not_found("member").into());
    }
    let mut pictures = of_subjects(&app, &app.db, SubjectKind::Avatar, [member.0]).await?;
    let picture = pictures
        .remove(&member.0)
        .and_then(|views| views.into_iter().next());
    Ok(Json(Avatar { picture }))
}

/// The bytes of a range, piece after piece. The first piece is asked for at once, so that
/// bytes that are gone are a plain 404.
async fn bytes_of(
    app: &AppState,
    parts: Vec<Part>,
    range: Range<u64>,
) -> base::Result<BoxStream<'static, base::Result<Bytes>>> {
    let mut wanted = parts.into_iter().filter_map(move |part| {
        let start = part.start_at as u64;
        let from = range.start.max(start);
        let to = range.end.min(start + part.size_bytes as u64);
        (from < to).then(|| (part.blob, from - start..to - start))
    });
    let Some((blob, first)) = wanted.next() else {
        return Err(not_found("media"));
    };
    let Some(first) = app.blobs.read(blob, first).await? else {
        tracing::warn!(%blob, "the bytes of a medium are gone");
        return Err(not_found("media"));
    };
    let own = app.clone();
    let rest = stream::iter(wanted).then(move |(blob, range)| {
        let app = own.clone();
        async move {
            match app.blobs.read(blob, range).await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => stream::iter([Err(not_found("media"))]).boxed(),
                Err(error) => stream::iter([Err(error)]).boxed(),
            }
        }
    });
    Ok(first.chain(rest.flatten()).boxed())
}
